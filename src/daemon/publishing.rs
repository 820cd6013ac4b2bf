//! What the config says about publishing, as the site needs it.

use crate::config::Config;
use crate::serve::PublishConfig;

pub(super) fn published(config: &Config) -> PublishConfig {
    PublishConfig::new(
        config.settings.publish.clone(),
        config.regions.clone(),
        config.settings.topics.clone(),
        config.sources.clone(),
    )
}
