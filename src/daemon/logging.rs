//! Where log lines go, and in which format.

use std::io::IsTerminal;

use tracing::{Event, Level};
use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry};

use crate::config::LogFormat;
use crate::model::printable;

/// Format for the journal: the message with its fields, so that `journalctl -u` shows the source and the reason, after
/// the priority (sd-daemon(3)). The journal adds the time.
struct ForJournal;

impl<S, N> FormatEvent<S, N> for ForJournal
where
    S: tracing::Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> std::fmt::Result {
        let priority = match *event.metadata().level() {
            Level::ERROR => 3,
            Level::WARN => 4,
            Level::INFO => 6,
            _ => 7,
        };
        let mut line = String::new();
        context.format_fields(Writer::new(&mut line), event)?;
        // The journal takes each line as a separate message.
        let line = line.replace(['\n', '\r'], " ");
        writeln!(writer, "<{priority}>{}", printable(&line))
    }
}

/// Starts logging to standard error; the format `auto` is that of the journal if standard error leads there, else text.
/// `RUST_LOG` overrides the level. If the level is invalid, `info` is used and a warning logged.
pub fn start(format: LogFormat, level: &str) {
    let wanted = std::env::var("RUST_LOG").unwrap_or_else(|_unset| level.to_owned());
    let (filter, is_odd) = match EnvFilter::try_new(&wanted) {
        Ok(filter) => (filter, false),
        Err(_) => (EnvFilter::new("info"), true),
    };
    // What the libraries log about every connection does not help an admin.
    let filter = [
        "async_nats=off",
        "hyper=warn",
        "object_store=warn",
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
    let layer: Box<dyn Layer<Registry> + Send + Sync> = match format {
        _ if in_journal => Box::new(
            tracing_subscriber::fmt::layer().event_format(ForJournal).with_ansi(false).with_writer(std::io::stderr),
        ),
        LogFormat::Json => Box::new(tracing_subscriber::fmt::layer().json().with_writer(std::io::stderr)),
        LogFormat::Auto | LogFormat::Text => {
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
        tracing::warn!(event = "log_level_invalid", level = wanted, "invalid log level; using info");
    }
}
