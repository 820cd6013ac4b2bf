//! `dayuan run`: the daemon in the foreground.

use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::arguments::Arguments;
use super::out::End;
use super::place;
use crate::config::Config;
use crate::daemon;

/// Runs the daemon until a signal ends it.
pub(super) fn run(arguments: &Arguments) -> anyhow::Result<End> {
    let folder = place::folder(arguments);
    let config = match place::load(&folder) {
        Ok(config) => config,
        Err(end) => return Ok(end),
    };
    daemon::start_logging(config.settings.log_format, &config.settings.log_level);
    let reload: daemon::Loader = Box::new(move || Config::load(&folder, &place::places(&folder)));
    let (started, _) = oneshot::channel();
    let runtime = place::runtime()?;
    let outcome = runtime.block_on(daemon::run(config, reload, CancellationToken::new(), started));
    // Work that is still running on a blocking thread must not delay the exit.
    runtime.shutdown_background();
    outcome?;
    Ok(End::Done)
}
