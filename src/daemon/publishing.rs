//! What the config says about publishing, as the site needs it.

use std::sync::Arc;

use crate::config::Config;
use crate::serve::PublishConfig;

pub(super) fn published(config: &Config) -> PublishConfig {
    PublishConfig::new(
        config.settings.publish.clone(),
        Arc::clone(&config.regions),
        config.settings.topics.clone(),
        config.sources.clone(),
    )
}
