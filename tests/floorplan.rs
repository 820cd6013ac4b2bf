//! The floor plan: a module uses modules of lower layers only and names only the crates that are its own, the two lowest
//! layers do no input or output, no two files use each other, and files and functions are short. ARCHITECTURE.md lists the
//! layers.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::string_slice,
    clippy::indexing_slicing,
    reason = "a test ends with its first surprise"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

const LAYERS: [(&str, u8); 17] = [
    ("model", 0),
    ("read", 1),
    ("dedup", 1),
    ("regions", 1),
    ("topics", 1),
    ("write", 1),
    ("log", 2),
    ("fetch", 2),
    ("cluster", 3),
    ("view", 3),
    ("search", 4),
    ("poll", 5),
    ("serve", 5),
    ("hub", 5),
    ("config", 6),
    ("daemon", 7),
    ("cli", 8),
];

/// Crates that only some modules may name.
const OWNERS: [(&str, &[&str]); 39] = [
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
    ("object_store", &["fetch"]),
    ("ring", &["hub"]),
    ("hickory_resolver", &["fetch"]),
    ("rustls", &["fetch"]),
    ("rustls_platform_verifier", &["fetch"]),
    ("async_nats", &["cluster"]),
    ("base64", &["cluster"]),
    ("tokio_postgres", &["cluster"]),
    ("tokio_postgres_rustls", &["cluster"]),
    ("sled", &["view"]),
    ("postcard", &["view"]),
    ("headers", &["fetch", "serve"]),
    ("toml", &["config", "dedup", "read", "regions", "topics", "write"]),
    ("miette", &["config"]),
    ("sd_notify", &["daemon"]),
    ("listenfd", &["daemon"]),
    ("tracing_subscriber", &["daemon"]),
    ("indicatif", &["cli"]),
    ("regex", &["model"]),
    ("clap", &["cli"]),
    ("clap_complete", &["cli"]),
    ("clap_mangen", &["cli"]),
];

/// What the layers 0 and 1 never name.
const IMPURE: [&str; 9] =
    ["std::fs", "std::io", "std::process", "std::env", "std::thread", "tokio", "tracing", "SystemTime", "Instant"];

fn layer(module: &str) -> Option<u8> {
    LAYERS.iter().find(|(name, _)| *name == module).map(|(_, layer)| *layer)
}

/// The breaches in one file of a module; only a nested file may name its own module from the crate's root.
fn breaches(module: &str, is_nested: bool, text: &str) -> Vec<String> {
    let own = layer(module).unwrap_or_else(|| panic!("module `{module}` has no layer"));
    let mut breaches = Vec::new();
    // Tests at the end of a file may use what they like of the standard library.
    let code = text.split("\n#[cfg(test)]\nmod ").next().unwrap_or("");
    for line in code.lines().map(str::trim).filter(|line| !line.starts_with("//")) {
        for used in names_behind(line, "crate::") {
            match layer(&used) {
                _ if used == module && !is_nested => {
                    breaches.push(format!("names its own module from the crate's root: {line}"))
                }
                _ if used == module => {}
                Some(layer) if layer >= own => breaches.push(format!("uses `{used}`, which is not below it: {line}")),
                Some(_) => {}
                None => breaches.push(format!("uses `{used}`, which is no module: {line}")),
            }
        }
        for (krate, owners) in OWNERS {
            if names_crate(line, krate) && !owners.contains(&module) {
                breaches.push(format!("names the crate `{krate}`, which belongs to {}: {line}", owners.join(", ")));
            }
        }
        let impure = IMPURE.iter().filter(|name| own <= 1 && line.contains(*name));
        breaches.extend(impure.map(|name| format!("is on a pure layer and names `{name}`: {line}")));
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
fn every_module_keeps_to_its_layer() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut breaches = Vec::new();
    for (module, _) in LAYERS {
        let files = files(&source.join(module));
        assert!(!files.is_empty(), "module `{module}` is empty");
        for file in files {
            let text = std::fs::read_to_string(&file).unwrap();
            let is_nested = file.strip_prefix(source.join(module)).unwrap().components().count() > 1;
            breaches.extend(
                self::breaches(module, is_nested, &text)
                    .into_iter()
                    .map(|breach| format!("{}: {breach}", file.display())),
            );
        }
    }
    assert!(breaches.is_empty(), "{}", breaches.join("\n"));
}

#[test]
fn there_is_no_module_beside_the_plan() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for entry in std::fs::read_dir(source).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        assert!(["lib.rs", "main.rs"].contains(&name.as_str()) || layer(&name).is_some(), "{name} is in no plan");
    }
}

/// The longest file and the longest function of `src`, in lines.
const MAX_FILE: usize = 500;
const MAX_FUNCTION: usize = 80;

/// A module of `src`, by its path below the crate.
type Module = Vec<String>;

/// The modules with their code, without comments, literals and tests.
fn modules() -> BTreeMap<Module, String> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let module = |file: &Path| -> Module {
        let path = file.strip_prefix(&source).unwrap().with_extension("");
        let mut names: Module = path.iter().map(|name| name.to_string_lossy().into_owned()).collect();
        names.pop_if(|name| *name == "mod");
        names
    };
    files(&source).iter().map(|file| (module(file), code(&std::fs::read_to_string(file).unwrap()))).collect()
}

fn code(text: &str) -> String {
    let text = text.split("\n#[cfg(test)]\nmod ").next().unwrap_or("");
    let lines = text.lines().map(|line| if line.trim_start().starts_with("//") { "" } else { line });
    // `pub(in crate::read)` uses nothing of `read`.
    lines.collect::<Vec<_>>().join("\n").replace("pub(in crate::", "pub(in ")
}

/// The paths that a `use` tree or an expression names, split into their names.
fn paths(tree: &str) -> Vec<Vec<String>> {
    let tree = tree.trim_start();
    let name: String = tree.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    let rest = &tree[name.len()..];
    if let Some(list) = rest.strip_prefix('{').filter(|_| name.is_empty()) {
        let (mut depth, mut from, mut found) = (0, 0, Vec::new());
        for (at, c) in list.char_indices() {
            match c {
                '{' => depth += 1,
                '}' | ',' if depth == 0 => {
                    found.extend(paths(&list[from..at]));
                    from = at + 1;
                    if c == '}' {
                        break;
                    }
                }
                '}' => depth -= 1,
                _ => {}
            }
        }
        return found;
    }
    let behind = rest.strip_prefix("::").map(paths).filter(|behind| !behind.is_empty());
    let Some(behind) = behind else { return if name.is_empty() { Vec::new() } else { vec![vec![name]] } };
    behind.into_iter().map(|path| [vec![name.clone()], path].concat()).collect()
}

/// The module in which lies what a path from the crate's root names; what a module only re-exports lies where it is from.
fn home(path: &[String], modules: &BTreeMap<Module, String>) -> Option<Module> {
    let length = (1..=path.len()).rev().find(|length| modules.contains_key(&path[..*length]))?;
    let (module, rest) = path.split_at(length);
    let item = rest.first()?;
    for (at, mark) in modules[module].match_indices("use ").filter(|(at, _)| is_export(&modules[module], *at)) {
        for found in paths(&modules[module][at + mark.len()..]) {
            let inner = [module, &found[..]].concat();
            if found.last() == Some(item) && found.len() > 1 && modules.contains_key(&inner[..module.len() + 1]) {
                return home(&inner, modules);
            }
        }
    }
    Some(module.to_vec())
}

/// Does a `use` begin a re-export?
fn is_export(code: &str, at: usize) -> bool {
    let line = code[..at].rsplit('\n').next().unwrap_or("");
    line.trim_start().starts_with("pub")
}

/// The other modules that a module uses something of.
fn used(module: &Module, modules: &BTreeMap<Module, String>) -> BTreeSet<Module> {
    let code = &modules[module];
    let mut found = BTreeSet::new();
    let is_free = |at: usize| !code[..at].ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | ':' | '$'));
    for (root, mark) in [("crate", "crate::"), ("super", "super::")] {
        for (at, _) in code.match_indices(mark).filter(|(at, _)| is_free(*at)) {
            for path in paths(&code[at..]) {
                let ups = path.iter().take_while(|name| *name == "super").count();
                let from = if root == "crate" { &[][..] } else { &module[..module.len().saturating_sub(ups)] };
                let rest = &path[if root == "crate" { 1 } else { ups }..];
                found.extend(home(&[from, rest].concat(), modules));
            }
        }
    }
    found.remove(module);
    found
}

/// The modules that use each other, directly or by way of others.
fn circles(modules: &BTreeMap<Module, String>) -> Vec<String> {
    let edges: BTreeMap<&Module, BTreeSet<Module>> =
        modules.keys().map(|module| (module, used(module, modules))).collect();
    let mut circles = Vec::new();
    for module in modules.keys() {
        let (mut seen, mut open) = (BTreeSet::new(), vec![module.clone()]);
        while let Some(at) = open.pop() {
            for next in &edges[&at] {
                if next == module {
                    circles.push(format!("{} and {}", module.join("::"), at.join("::")));
                } else if seen.insert(next.clone()) {
                    open.push(next.clone());
                }
            }
        }
    }
    circles
}

#[test]
fn no_file_uses_one_that_uses_it() {
    let modules = modules();
    let uses: usize = modules.keys().map(|module| used(module, &modules).len()).sum();
    assert!(uses > 300, "only {uses} uses are seen");
    let circles = circles(&modules);
    assert!(circles.is_empty(), "use each other, directly or by way of others:\n{}", circles.join("\n"));
}

#[test]
fn planted_circles_are_found() {
    let planted = |files: &[(&str, &str)]| {
        let module = |name: &str| name.split('/').map(str::to_owned).collect::<Module>();
        circles(&files.iter().map(|(name, code)| (module(name), (*code).to_owned())).collect())
    };
    assert_eq!(planted(&[("a/b", "use super::c::D;"), ("a/c", "use super::b::E;")]).len(), 2);
    let exported = "mod b;\npub use b::E;";
    assert_eq!(planted(&[("a", exported), ("a/b", "use crate::c::D;"), ("c", "use crate::a::E;")]).len(), 2);
    assert_eq!(planted(&[("a", exported), ("a/b", "use crate::c::D;"), ("c", "use crate::d::E;"), ("d", "")]).len(), 0);
}

#[test]
fn paths_are_read() {
    let read = |tree| paths(tree).into_iter().map(|path| path.join("::")).collect::<Vec<_>>();
    assert_eq!(
        read("crate::a::{self, B, c::{D, E}};"),
        ["crate::a::self", "crate::a::B", "crate::a::c::D", "crate::a::c::E"]
    );
    assert_eq!(read("super::super::x(y)"), ["super::super::x"]);
}

#[test]
fn every_file_says_what_it_is_for() {
    let silent: Vec<String> = files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"))
        .into_iter()
        .filter(|file| !std::fs::read_to_string(file).unwrap().starts_with("//! "))
        .map(|file| file.display().to_string())
        .collect();
    assert!(silent.is_empty(), "these begin with no `//!` sentence:\n{}", silent.join("\n"));
}

#[test]
fn files_and_functions_are_short() {
    let mut long = Vec::new();
    for file in files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")) {
        let text = std::fs::read_to_string(&file).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        if lines.len() > MAX_FILE {
            long.push(format!("{} has {} lines", file.display(), lines.len()));
        }
        for (at, line) in lines.iter().enumerate() {
            let bare = line.trim_start();
            let indent = line.len() - bare.len();
            let words: Vec<&str> = bare.split([' ', '(', '<']).take_while(|word| *word != "fn").collect();
            let is_function = bare.split([' ', '(', '<']).any(|word| word == "fn")
                && words.iter().all(|word| ["pub", "const", "async", "super)", "in", "crate::read)"].contains(word));
            if !is_function || line.ends_with([';', '}']) {
                continue;
            }
            let end = lines[at..].iter().position(|line| *line == format!("{}}}", " ".repeat(indent))).unwrap_or(0);
            if end + 1 > MAX_FUNCTION {
                long.push(format!("{}:{}: {} lines", file.display(), at + 1, end + 1));
            }
        }
    }
    assert!(long.is_empty(), "longer than {MAX_FILE} lines a file, {MAX_FUNCTION} a function:\n{}", long.join("\n"));
}

#[test]
fn planted_breaches_are_found() {
    let found = |module: &str, line: &str| breaches(module, false, line).len();
    assert_eq!(found("read", "use crate::log::Record;"), 1, "upwards");
    assert_eq!(found("read", "use crate::write::atom;"), 1, "sideways");
    assert_eq!(found("poll", "    let x = crate::serve::Site::new();"), 1, "sideways, in the middle of a line");
    assert_eq!(found("log", "use crate::{model::Moment, view::View};"), 1, "in a list");
    assert_eq!(found("model", "use crate::model::Moment;"), 1, "its own module from the root");
    assert_eq!(found("poll", "use sled::Db;"), 1, "another module's crate");
    assert_eq!(found("serve", "let feed = rss::Channel::default();"), 1, "another module's crate, without a use");
    assert_eq!(found("dedup", "use std::fs::File;"), 1, "input on a pure layer");
    assert_eq!(found("read", "tracing::warn!(\"x\");"), 1, "logging on a pure layer");
    assert_eq!(found("view", "use crate::log::Record;"), 0);
    assert_eq!(found("write", "use super::channel::Channel;"), 0);
}
