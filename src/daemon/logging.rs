use std::io::IsTerminal;

use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry};

use crate::config::LogFormat;

/// Starts logging: to the journal where standard error leads there, else to standard error. `RUST_LOG` overrides the
/// level. A level that cannot be read is told, and `info` is used.
pub fn start(format: LogFormat, level: &str) {
    let wanted = std::env::var("RUST_LOG").unwrap_or_else(|_unset| level.to_owned());
    let (filter, is_odd) = match EnvFilter::try_new(&wanted) {
        Ok(filter) => (filter, false),
        Err(_) => (EnvFilter::new("info"), true),
    };
    // What the libraries below say about every connection helps nobody who runs this.
    let filter = [
        "hyper=warn",
        "reqwest=warn",
        "sled=warn",
        "hickory_resolver=error",
        "hickory_net=error",
        "hickory_proto=error",
    ]
    .iter()
    .filter_map(|directive| directive.parse().ok())
    .fold(filter, EnvFilter::add_directive);
    let in_journal = format == LogFormat::Auto && std::env::var_os("JOURNAL_STREAM").is_some();
    let journal = in_journal.then(tracing_journald::layer).and_then(Result::ok);
    let layer: Box<dyn Layer<Registry> + Send + Sync> = match (journal, format) {
        (Some(journal), _) => Box::new(journal),
        (None, LogFormat::Json) => Box::new(tracing_subscriber::fmt::layer().json().with_writer(std::io::stderr)),
        (None, _) => {
            let is_colourful = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
            Box::new(
                tracing_subscriber::fmt::layer()
                    .with_target(false)
                    .with_ansi(is_colourful)
                    .with_writer(std::io::stderr),
            )
        }
    };
    // Tests start several daemons in one process; the first one's logging serves them all.
    drop(tracing_subscriber::registry().with(layer.with_filter(filter)).try_init());
    if is_odd {
        tracing::warn!(level = wanted, "this is no log level; using info");
    }
}
