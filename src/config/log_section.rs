//! What is logged, and how: `[log]` of `dayuan.toml`.

use super::section::Section;

/// Modules of dayuan that write log lines.
const LOG_TARGETS: [&str; 6] = ["daemon", "hub", "log", "poll", "search", "serve"];
/// First words of other crates whose log lines a filter may name.
const LOGGING_CRATES: [&str; 8] = ["h2", "hickory", "hyper", "mio", "reqwest", "rustls", "tokio", "tower"];

/// Format of the daemon's own log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// The journal if the daemon runs under systemd, otherwise text.
    Auto,
    /// Human-readable lines.
    Text,
    /// One JSON object per line.
    Json,
}

/// Reads the section; faults are told.
pub(super) fn log_settings(log: &Section<'_>) -> (LogFormat, String) {
    let formats = [("auto", LogFormat::Auto), ("text", LogFormat::Text), ("json", LogFormat::Json)];
    let format = log.word("format", &formats).unwrap_or(LogFormat::Auto);
    let level = log.string("level").unwrap_or_else(|| "info".to_owned());
    if level.eq_ignore_ascii_case("off") {
        log.warning(
            "level",
            "nothing is logged at all, not even why the daemon stops".to_owned(),
            "use error to see failures only",
        );
    }
    if !is_level(&level) {
        log.fault(
            "level",
            format!("`{level}` is not a log level"),
            "use error, warn, info, debug or trace, or a filter such as info,dayuan::poll=debug",
        );
    }
    for target in level.split(',').filter_map(|part| part.split_once('=')).map(|(target, _)| target.trim()) {
        if !is_target(target) {
            log.warning(
                "level",
                format!("nothing logs under the name `{target}`"),
                &format!("name dayuan, or a part of it: dayuan::{}", LOG_TARGETS.join(", dayuan::")),
            );
        }
    }
    (format, level)
}

/// Returns whether the text is a log level, or a tracing filter in which each part names one.
fn is_level(text: &str) -> bool {
    let is_word = |word: &str| {
        ["error", "warn", "info", "debug", "trace", "off"].iter().any(|level| word.eq_ignore_ascii_case(level))
    };
    !text.is_empty() && text.split(',').all(|part| is_word(part.rsplit('=').next().unwrap_or(part).trim()))
}

/// Returns whether log lines may have this target: a path of dayuan's modules, or a crate that logs.
fn is_target(target: &str) -> bool {
    let target = target.split('[').next().unwrap_or("");
    let mut path = target.split("::");
    match (path.next(), path.next()) {
        (Some("dayuan"), Some(module)) => LOG_TARGETS.contains(&module),
        (Some("dayuan" | ""), None) => true,
        (Some(other), _) => LOGGING_CRATES.iter().any(|name| other.starts_with(name)),
        (None, _) => true,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_log_targets_are_the_modules_that_log() {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let logs = |folder: &Path| {
            let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
            files.filter(|path| path.is_file()).any(|path| {
                let text = std::fs::read_to_string(path).unwrap();
                ["error!(", "warn!(", "info!(", "debug!("].iter().any(|call| text.contains(&format!("tracing::{call}")))
            })
        };
        let folders = std::fs::read_dir(source).unwrap().map(|entry| entry.unwrap().path());
        let mut found: Vec<String> = folders
            .filter(|path| path.is_dir() && logs(path))
            .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
            .collect();
        found.sort();
        assert_eq!(found, LOG_TARGETS);
    }
}
