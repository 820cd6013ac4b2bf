//! The floor plan: a room uses rooms on lower floors only, names only the crates that are its own, and the two lowest
//! floors do no input or output. ARCHITECTURE.md has the picture.

#![expect(clippy::unwrap_used, clippy::panic, clippy::string_slice, reason = "a test ends with its first surprise")]

use std::path::{Path, PathBuf};

const FLOORS: [(&str, u8); 13] = [
    ("model", 0),
    ("read", 1),
    ("dedup", 1),
    ("regions", 1),
    ("write", 1),
    ("log", 2),
    ("fetch", 2),
    ("view", 3),
    ("poll", 4),
    ("serve", 4),
    ("config", 5),
    ("daemon", 6),
    ("cli", 7),
];

/// Crates that belong to some rooms only.
const OWNERS: [(&str, &[&str]); 27] = [
    ("rustix", &["daemon"]),
    ("robotxt", &["fetch"]),
    ("pinyin", &["dedup", "regions"]),
    ("similar", &["dedup"]),
    ("jiff", &["model"]),
    ("url", &["model"]),
    ("psl", &["model"]),
    ("uuid", &["model"]),
    ("encoding_rs", &["read"]),
    ("chardetng", &["read"]),
    ("ammonia", &["read"]),
    ("html_escape", &["read"]),
    ("rss", &["write"]),
    ("atom_syndication", &["write"]),
    ("chrono", &["write"]),
    ("askama", &["write"]),
    ("reqwest", &["fetch"]),
    ("hickory_resolver", &["fetch"]),
    ("rustls", &["fetch"]),
    ("sled", &["view"]),
    ("postcard", &["view"]),
    ("headers", &["fetch", "serve"]),
    ("toml", &["config", "read"]),
    ("miette", &["config"]),
    ("sd_notify", &["daemon"]),
    ("tracing_subscriber", &["daemon"]),
    ("clap", &["cli"]),
];

/// What the floors 0 and 1 never do.
const IMPURE: [&str; 9] =
    ["std::fs", "std::io", "std::process", "std::env", "std::thread", "tokio", "tracing", "SystemTime", "Instant"];

fn floor(room: &str) -> Option<u8> {
    FLOORS.iter().find(|(name, _)| *name == room).map(|(_, floor)| *floor)
}

/// The breaches of one file of a room; only a nested one names its room from the roof.
fn breaches(room: &str, is_nested: bool, text: &str) -> Vec<String> {
    let own = floor(room).unwrap_or_else(|| panic!("room `{room}` has no floor"));
    let mut breaches = Vec::new();
    // Tests at the end of a file may use what they like of the standard library.
    let code = text.split("\n#[cfg(test)]\nmod ").next().unwrap_or("");
    for line in code.lines().map(str::trim).filter(|line| !line.starts_with("//")) {
        for used in names_behind(line, "crate::") {
            match floor(&used) {
                _ if used == room && !is_nested => breaches.push(format!("names its own room from the roof: {line}")),
                _ if used == room => {}
                Some(floor) if floor >= own => breaches.push(format!("uses `{used}`, which is not below it: {line}")),
                Some(_) => {}
                None => breaches.push(format!("uses `{used}`, which is no room: {line}")),
            }
        }
        for (krate, owners) in OWNERS {
            if names_crate(line, krate) && !owners.contains(&room) {
                breaches.push(format!("names the crate `{krate}`, which belongs to {}: {line}", owners.join(", ")));
            }
        }
        let impure = IMPURE.iter().filter(|name| own <= 1 && line.contains(*name));
        breaches.extend(impure.map(|name| format!("is on a pure floor and names `{name}`: {line}")));
    }
    breaches
}

/// The names that follow `mark` in a line; all of them where a brace follows.
fn names_behind(line: &str, mark: &str) -> Vec<String> {
    let name = |text: &str| text.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    line.match_indices(mark)
        .filter(|(at, _)| !line[..*at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '$'))
        .flat_map(|(at, _)| {
            let rest = &line[at + mark.len()..];
            match rest.strip_prefix('{') {
                Some(list) => list.split(',').map(name).filter(|name| !name.is_empty()).collect(),
                None => vec![name(rest)],
            }
        })
        .collect()
}

fn names_crate(line: &str, krate: &str) -> bool {
    let mark = format!("{krate}::");
    line.match_indices(&mark)
        .any(|(at, _)| !line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':'))
        || line.starts_with(&format!("use {krate};"))
        || line.starts_with(&format!("use {krate} as"))
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(self::files(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            files.push(path);
        }
    }
    files
}

#[test]
fn every_room_keeps_to_its_floor() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut breaches = Vec::new();
    for (room, _) in FLOORS {
        let files = files(&source.join(room));
        assert!(!files.is_empty(), "room `{room}` is empty");
        for file in files {
            let text = std::fs::read_to_string(&file).unwrap();
            let is_nested = file.strip_prefix(source.join(room)).unwrap().components().count() > 1;
            breaches.extend(
                self::breaches(room, is_nested, &text)
                    .into_iter()
                    .map(|breach| format!("{}: {breach}", file.display())),
            );
        }
    }
    assert!(breaches.is_empty(), "{}", breaches.join("\n"));
}

#[test]
fn there_is_no_room_beside_the_plan() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for entry in std::fs::read_dir(source).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        assert!(["lib.rs", "main.rs"].contains(&name.as_str()) || floor(&name).is_some(), "{name} is in no plan");
    }
}

#[test]
fn planted_breaches_are_found() {
    let found = |room: &str, line: &str| breaches(room, false, line).len();
    assert_eq!(found("read", "use crate::log::Record;"), 1, "upwards");
    assert_eq!(found("read", "use crate::write::atom;"), 1, "sideways");
    assert_eq!(found("poll", "    let x = crate::serve::Site::new();"), 1, "sideways, in the middle of a line");
    assert_eq!(found("log", "use crate::{model::Moment, view::View};"), 1, "in a list");
    assert_eq!(found("model", "use crate::model::Moment;"), 1, "its own room from the roof");
    assert_eq!(found("poll", "use sled::Db;"), 1, "another room's crate");
    assert_eq!(found("serve", "let feed = rss::Channel::default();"), 1, "another room's crate, without a use");
    assert_eq!(found("dedup", "use std::fs::File;"), 1, "input on a pure floor");
    assert_eq!(found("read", "tracing::warn!(\"x\");"), 1, "logging on a pure floor");
    assert_eq!(found("view", "use crate::log::Record;"), 0);
    assert_eq!(found("write", "use super::channel::Channel;"), 0);
}
