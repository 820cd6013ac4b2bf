//! Which config and which store a command uses.

use std::path::{Path, PathBuf};

use super::arguments::Arguments;
use super::out::{End, is_colourful, say, say_drawn};
use crate::config::{Config, Faults, Places, stated_language};
use crate::model::counted;
use crate::write::Language;

/// Returns the config folder: `--config` if given, else `/etc/dayuan` if it exists, else `./config`.
pub(super) fn folder(arguments: &Arguments) -> PathBuf {
    arguments.config.clone().unwrap_or_else(|| {
        let installed = PathBuf::from(INSTALLED.0);
        if is_there(&installed) { installed } else { PathBuf::from("config") }
    })
}

/// Says which config is used if there is an installed one and another in the current directory.
pub(super) fn say_which(arguments: &Arguments) {
    let here = Path::new("config");
    if arguments.config.is_none() && is_there(Path::new(INSTALLED.0)) && is_there(&here.join("dayuan.toml")) {
        say(&format!("dayuan: using the config in {}; use --config config for the one in this folder", INSTALLED.0));
    }
}

/// Returns whether root runs the command.
pub(super) fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
}

/// Returns whether a path exists; one that may not be looked at counts as existing.
fn is_there(path: &Path) -> bool {
    !std::fs::metadata(path).is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound)
}

/// Config folder of an installed service, and its state and runtime folders.
const INSTALLED: (&str, &str, &str) = ("/etc/dayuan", "/var/lib/dayuan", "/run/dayuan");

/// Where systemd keeps the credentials of the running service (systemd.exec(5)).
const CREDENTIALS: &str = "/run/credentials/dayuan.service";

/// Returns the state and runtime folders, and that of the credentials: those that systemd names, else those of the installed service if `folder` is
/// its config. So a command run from a shell finds the store and the socket of the service.
pub(super) fn places(folder: &Path) -> Places {
    // systemd separates several directories by colons; ours is the first.
    let directory = |name: &str| {
        let value = std::env::var_os(name)?;
        let first = value.to_str()?.split(':').next()?;
        (!first.is_empty()).then(|| PathBuf::from(first))
    };
    // Resolve symbolic links, so that another name of the installed folder counts, too. On a new host the state and
    // runtime folders may not exist yet.
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_missing| path.to_owned());
    let is_installed = real(folder) == real(Path::new(INSTALLED.0));
    let installed = |path: &str| is_installed.then(|| PathBuf::from(path));
    Places {
        state: directory("STATE_DIRECTORY").or_else(|| installed(INSTALLED.1)),
        runtime: directory("RUNTIME_DIRECTORY").or_else(|| installed(INSTALLED.2)),
        credentials: directory("CREDENTIALS_DIRECTORY").or_else(|| installed(CREDENTIALS).filter(|path| path.is_dir())),
    }
}

/// Returns the language for the admin: that of the locale; without one, the language that the config states.
pub(super) fn language(folder: &Path) -> Language {
    let set = |name: &&str| std::env::var(name).is_ok_and(|value| !value.is_empty());
    // The order of POSIX (XBD 8.2).
    let locale = ["LC_ALL", "LC_MESSAGES", "LANG"].iter().find(|name| set(name));
    let locale = locale.and_then(|name| std::env::var(name).ok()).unwrap_or_default();
    match locale.split(['.', '@']).next() {
        None | Some("" | "C" | "POSIX") => stated_language(folder).unwrap_or(Language::English),
        Some(tag) => Language::of_tag(tag),
    }
}

/// Loads the config; prints every fault if it is invalid.
pub(super) fn load(folder: &Path) -> Result<Config, End> {
    checked(folder).map(|(config, _)| config)
}

/// Like [`load`], but also returns the number of warnings.
pub(super) fn checked(folder: &Path) -> Result<(Config, usize), End> {
    let (config, warnings) = valid(folder)?;
    let language = language(folder);
    warnings.iter().for_each(|warning| say(&format!("dayuan: {}", warning.line_in(language))));
    Ok((config, warnings.count()))
}

/// Like [`load`], but without its warnings.
pub(super) fn quiet(folder: &Path) -> Result<Config, End> {
    valid(folder).map(|(config, _)| config)
}

fn valid(folder: &Path) -> Result<(Config, Faults), End> {
    Config::load(folder, &places(folder)).map_err(|faults| {
        let language = language(folder);
        say_drawn(faults.render_in(language, is_colourful()).trim_end());
        say(&match language {
            Language::Chinese => format!("dayuan: {} 中的配置有 {} 处错误，不予采用", folder.display(), faults.count()),
            Language::English => {
                let count = counted(faults.count(), "fault", "faults");
                format!("dayuan: the config in {} is refused: {count}", folder.display())
            }
        });
        End::Config
    })
}

/// Builds a runtime for commands and the daemon: two workers, at most 32 blocking threads.
pub(super) fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(2).max_blocking_threads(32).enable_all().build()?)
}
