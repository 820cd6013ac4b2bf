//! What the config says about publishing, as the site needs it.

use crate::config::Config;
use crate::serve::PublishConfig;

pub(super) fn published(config: &Config) -> PublishConfig {
    PublishConfig {
        options: config.settings.publish.clone(),
        regions: config.regions.clone(),
        topics: config.settings.topics.clone(),
        listing: config.sources.clone(),
        is_static: false,
    }
}
