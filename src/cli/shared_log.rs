//! `dayuan log push` and `log pull`: copy the log to the shared one and back.

use std::path::Path;
use std::sync::Arc;

use super::arguments::{Arguments, LogCommand};
use super::out::{End, show};
use super::progress::Progress;
use super::{place, store};
use crate::cluster::{self, Connection, Engine};
use crate::config::Settings;
use crate::daemon;
use crate::log::Log;
use crate::model::counted;

/// Copies the log of this machine to the shared one, or the shared one to this machine.
pub(super) fn run(arguments: &Arguments, password: Option<&Path>, command: &LogCommand) -> anyhow::Result<End> {
    let config = match place::load(&place::folder(arguments)) {
        Ok(config) => config,
        Err(end) => return Ok(end),
    };
    let settings = &config.settings;
    let engine = engine(settings, password)?;
    let (newest, _) = engine.newest()?;
    let folder = settings.store.join("log");
    match command {
        LogCommand::Push => {
            daemon::check_store(&settings.store)?;
            let (log, damages) = Log::inspect(&folder)?;
            anyhow::ensure!(damages.is_empty(), "the log is damaged, so it is not pushed; see `dayuan verify`");
            let bar = Progress::new("pushing the log", Some(log.last_seq()));
            let pushed = cluster::push(&log, &*engine, &|seq| bar.at(seq))?;
            drop(bar);
            show(&format!("{} pushed; the shared log ends with record {}", records(pushed), engine.newest()?.0));
        }
        LogCommand::Pull => {
            daemon::check_store(&settings.store)?;
            std::fs::create_dir_all(&settings.store)?;
            let (log, damages) = Log::open(&folder)?;
            anyhow::ensure!(damages.is_empty(), "the log is damaged, so nothing is pulled; see `dayuan verify`");
            let bar = Progress::new("pulling the log", Some(newest));
            let pulled = cluster::pull(&*engine, &log, &|seq| bar.at(seq))?;
            drop(bar);
            store::give_to_owner(&settings.store)?;
            show(&format!("{} pulled; the log here ends with record {}", records(pulled), log.last_seq()));
        }
    }
    Ok(End::Done)
}

fn records(count: u64) -> String {
    counted(usize::try_from(count).unwrap_or(usize::MAX), "record", "records")
}

/// Returns the engine of the config.
fn engine(settings: &Settings, password: Option<&Path>) -> anyhow::Result<Arc<dyn Engine>> {
    let Some(cluster) = &settings.cluster else {
        anyhow::bail!("the config names no shared log; set [cluster] url in dayuan.toml")
    };
    let password = password.map(Path::to_owned).or_else(|| cluster.connection.password.clone());
    Ok(cluster::connect(&Connection { password, ..cluster.connection.clone() })?)
}
