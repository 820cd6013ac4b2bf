use std::path::{Path, PathBuf};

use super::arguments::Arguments;
use super::out::{End, is_colourful, say};
use crate::config::{Config, Places};
use crate::model::counted;

/// Where the config lies: as asked, else `/etc/dayuan`, where it is installed, else `./config`.
pub(super) fn folder(arguments: &Arguments) -> PathBuf {
    arguments.config.clone().unwrap_or_else(|| {
        let installed = PathBuf::from(INSTALLED.0);
        if is_there(&installed) { installed } else { PathBuf::from("config") }
    })
}

/// Says which config is used, where somebody in a checkout may mean the other one.
pub(super) fn say_which(arguments: &Arguments) {
    let here = Path::new("config");
    if arguments.config.is_none() && is_there(Path::new(INSTALLED.0)) && is_there(&here.join("dayuan.toml")) {
        say(&format!("dayuan: the config in {} is used; --config config names the one here", INSTALLED.0));
    }
}

/// Is something there, were it only something that may not be looked at?
fn is_there(path: &Path) -> bool {
    !std::fs::metadata(path).is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound)
}

/// The folder of an installed config, and where its service keeps things.
const INSTALLED: (&str, &str, &str) = ("/etc/dayuan", "/var/lib/dayuan", "/run/dayuan");

/// Where systemd wants things to lie. A command that is called from a shell finds what the service of an installed config
/// keeps, though systemd tells it nothing.
pub(super) fn places(folder: &Path) -> Places {
    // systemd separates several directories by colons; ours is the first.
    let directory = |name: &str| {
        let value = std::env::var_os(name)?;
        let first = value.to_str()?.split(':').next()?;
        (!first.is_empty()).then(|| PathBuf::from(first))
    };
    // Also where the folder is named through a link. On a new host the places may not be there yet: they are the ones all
    // the same.
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_missing| path.to_owned());
    let is_installed = real(folder) == real(Path::new(INSTALLED.0));
    let installed = |path: &str| is_installed.then(|| PathBuf::from(path));
    Places {
        state: directory("STATE_DIRECTORY").or_else(|| installed(INSTALLED.1)),
        runtime: directory("RUNTIME_DIRECTORY").or_else(|| installed(INSTALLED.2)),
    }
}

/// Reads the config and shows what is wrong with it, every fault at once.
pub(super) fn load(folder: &Path) -> Result<Config, End> {
    checked(folder).map(|(config, _)| config)
}

/// The same, with the number of warnings.
pub(super) fn checked(folder: &Path) -> Result<(Config, usize), End> {
    match Config::load(folder, &places(folder)) {
        Ok((config, warnings)) => {
            warnings.iter().for_each(|warning| say(&format!("dayuan: {warning}")));
            Ok((config, warnings.count()))
        }
        Err(faults) => {
            say(faults.render(is_colourful()).trim_end());
            let count = counted(faults.count(), "fault", "faults");
            say(&format!("dayuan: the config in {} is refused: {count}", folder.display()));
            Err(End::Config)
        }
    }
}

/// A runtime for commands and the daemon: two workers, at most 32 blocking threads.
pub(super) fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(2).max_blocking_threads(32).enable_all().build()?)
}
