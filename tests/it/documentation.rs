//! The pages of the documentation: each in both languages, with links that lead somewhere, and with commands and configs
//! that work. A block names its language, and after it what the tests do with it:
//!
//! - `sh` is run and must succeed; `sh starts` is a daemon, which runs until the next one; `sh not-run: why` is only read.
//! - `text` is what the `sh` block before it prints; `…` stands for anything.
//! - `toml` names its file in the first line, and passes `dayuan check`. It replaces an earlier block of that file.
//! - `json` is JSON; `nginx` and `caddy` are lines of the shipped files.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::stage::Stage;

/// A fenced block of a page.
struct Block {
    language: String,
    /// What follows the language: `starts`, `not-run: why`, or nothing.
    word: String,
    text: String,
    line: usize,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn text(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The pages in English, each with the one in Chinese.
fn pages() -> Vec<(PathBuf, PathBuf)> {
    let names = |folder: &str| -> BTreeSet<String> {
        let all = std::fs::read_dir(root().join(folder)).unwrap();
        let names = all.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.ends_with(".md")).collect()
    };
    let (english, chinese) = (names("docs"), names("docs/zh-CN"));
    assert_eq!(english, chinese, "each page is in both languages");
    assert!(english.len() >= 12, "{english:?}");
    let docs = english.iter().map(|name| (root().join("docs").join(name), root().join("docs/zh-CN").join(name)));
    std::iter::once((root().join("README.md"), root().join("README.zh-CN.md"))).chain(docs).collect()
}

/// The blocks of a page, and the page without them.
fn parts(page: &Path) -> (Vec<Block>, String) {
    let (mut blocks, mut rest) = (Vec::new(), String::new());
    let mut open: Option<Block> = None;
    for (at, line) in text(page).lines().enumerate() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(info), None) => {
                let (language, word) = info.split_once(' ').unwrap_or((info, ""));
                let (language, word) = (language.to_owned(), word.to_owned());
                open = Some(Block { language, word, text: String::new(), line: at + 1 });
            }
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (None, Some(block)) => block.text.extend([line, "\n"]),
            (None, None) => rest.extend([line, "\n"]),
        }
    }
    assert!(open.is_none(), "{}: a block has no end", page.display());
    (blocks, rest)
}

/// The headings of a text with their levels.
fn headings(text: &str) -> Vec<(usize, String)> {
    let marks = |line: &str| line.chars().take_while(|c| *c == '#').count();
    text.lines()
        .filter(|line| marks(line) > 0 && line.get(marks(line)..).is_some_and(|rest| rest.starts_with(' ')))
        .map(|line| (marks(line), line.trim_start_matches('#').trim().to_owned()))
        .collect()
}

/// The fragment by which a heading is named in addresses.
fn fragment(heading: &str) -> String {
    let kept = heading.to_lowercase();
    let kept = kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect()
}

#[test]
fn every_page_is_the_same_in_both_languages() {
    for (english, chinese) in pages() {
        let (ours, theirs) = (parts(&english), parts(&chinese));
        let levels = |text: &str| -> Vec<usize> { headings(text).into_iter().map(|(level, _)| level).collect() };
        assert_eq!(levels(&ours.1), levels(&theirs.1), "headings of {}", chinese.display());
        let rows = |text: &str| text.lines().filter(|line| line.starts_with('|')).count();
        assert_eq!(rows(&ours.1), rows(&theirs.1), "rows of tables of {}", chinese.display());
        let shapes = |blocks: &[Block]| -> Vec<String> {
            let shape = |block: &Block| {
                let word = block.word.split(':').next().unwrap_or_default();
                format!("{} {word} {}", block.language, block.text.lines().count())
            };
            blocks.iter().map(shape).collect()
        };
        assert_eq!(shapes(&ours.0), shapes(&theirs.0), "blocks of {}", chinese.display());
        for (page, other, word) in [(&english, &chinese, "[中文]("), (&chinese, &english, "[English](")] {
            let (_, rest) = parts(page);
            let at = rest.find(word).unwrap_or_else(|| panic!("{} leads to no other language", page.display()));
            let target = rest.get(at + word.len()..).unwrap().split(')').next().unwrap();
            let target = page.parent().unwrap().join(target).canonicalize().unwrap();
            assert_eq!(&target, other, "{}", page.display());
        }
    }
}

#[test]
fn every_link_leads_somewhere() {
    let mut all: Vec<PathBuf> = pages().into_iter().flat_map(|(english, chinese)| [english, chinese]).collect();
    all.extend(["ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"].map(|name| root().join(name)));
    let mut wrong = Vec::new();
    for page in &all {
        let (_, rest) = parts(page);
        for (at, _) in rest.match_indices("](") {
            let target = rest.get(at + 2..).unwrap().split(')').next().unwrap();
            if target.contains("://") || target.chars().any(char::is_whitespace) {
                continue;
            }
            let (file, name) = target.split_once('#').unwrap_or((target, ""));
            let path = if file.is_empty() { page.clone() } else { page.parent().unwrap().join(file) };
            let is_there = path.exists()
                && (name.is_empty() || headings(&parts(&path).1).iter().any(|(_, heading)| fragment(heading) == name));
            if !is_there {
                wrong.push(format!("{}: {target}", page.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The help of a command, or nothing where there is no such command.
/// The address of each element of a page that has one.
fn anchors(page: &str) -> Vec<String> {
    let parsed = roxmltree::Document::parse_with_options(
        page,
        roxmltree::ParsingOptions { allow_dtd: true, ..Default::default() },
    );
    let parsed = parsed.unwrap_or_else(|error| panic!("{error}: {page}"));
    parsed.descendants().filter_map(|node| node.attribute("id").map(str::to_owned)).collect()
}

#[test]
fn the_site_has_every_page_and_no_link_that_leads_nowhere() {
    let out = tempfile::tempdir().unwrap();
    let built = Command::new("python3").arg(root().join("docs/build")).arg(out.path()).output();
    let Ok(built) = built else {
        println!("SKIPPED: python3 is not there");
        return;
    };
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    let mut links = 0;
    for (english, chinese) in pages() {
        for page in [english, chinese] {
            let name = page.strip_prefix(root()).unwrap().with_extension("html").display().to_string();
            let name = name.trim_start_matches("docs/").replace("README", "index");
            let path = out.path().join(&name);
            let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
            let options = roxmltree::ParsingOptions { allow_dtd: true, ..Default::default() };
            let parsed = roxmltree::Document::parse_with_options(&text, options).unwrap();
            for node in parsed.descendants() {
                let Some(link) = node.attribute("href").or(node.attribute("src")) else { continue };
                if link.contains("://") {
                    continue;
                }
                links += 1;
                let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
                let there = if file.is_empty() { path.clone() } else { path.parent().unwrap().join(file) };
                assert!(there.is_file(), "{name}: {link}");
                let is_there = || anchors(&std::fs::read_to_string(&there).unwrap()).iter().any(|id| id == anchor);
                assert!(anchor.is_empty() || is_there(), "{name}: {link}");
            }
            let is_code = |node: &roxmltree::Node<'_, '_>| {
                node.ancestors().any(|above| matches!(above.tag_name().name(), "code" | "style"))
            };
            let prose: String = parsed
                .descendants()
                .filter(|node| node.is_text() && !is_code(node))
                .filter_map(|node| node.text())
                .collect();
            for mark in ["](", "```", "**", "\n|", "\n#", "\n- "] {
                assert!(!prose.contains(mark), "{name}: `{mark}` is left of the Markdown");
            }
        }
    }
    assert!(links > 100, "only {links} links");
}

fn help<'a>(known: &'a mut HashMap<String, String>, command: &str) -> &'a str {
    known.entry(command.to_owned()).or_insert_with(|| {
        let words = command.split(' ').chain(["--help"]);
        let output = Command::new(env!("CARGO_BIN_EXE_dayuan")).args(words).output().unwrap();
        if output.status.success() { String::from_utf8(output.stdout).unwrap() } else { String::new() }
    })
}

#[test]
fn commands_within_sentences_are_there_with_their_options() {
    let (mut known, mut wrong) = (HashMap::new(), Vec::new());
    for page in pages().into_iter().flat_map(|(english, chinese)| [english, chinese]) {
        let (_, rest) = parts(&page);
        for said in rest.split('`').skip(1).step_by(2).filter_map(|code| code.strip_prefix("dayuan ")) {
            let mut words = said.split(' ');
            let command = words.next().unwrap_or_default();
            if command == "COMMAND" || command.starts_with("--") {
                continue;
            }
            // Sources have commands below them.
            let command = match words.clone().next() {
                Some(below) if command == "sources" && !below.starts_with("--") => format!("sources {below}"),
                _ => command.to_owned(),
            };
            let help = help(&mut known, &command);
            let is_there = |option: &str| help.split_whitespace().any(|word| word == option);
            if help.is_empty() || words.any(|word| word.starts_with("--") && !is_there(word)) {
                wrong.push(format!("{}: dayuan {said}", page.display()));
            }
        }
    }
    assert!(known.len() > 15, "{:?}", known.keys());
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn blocks_of_web_servers_are_lines_of_the_shipped_files() {
    for page in pages().into_iter().flat_map(|(english, chinese)| [english, chinese]) {
        for block in parts(&page).0 {
            let shipped = match block.language.as_str() {
                "nginx" => text(&root().join("packaging/nginx.conf")),
                "caddy" => text(&root().join("packaging/Caddyfile")),
                _ => continue,
            };
            for line in block.text.lines().map(str::trim).filter(|line| !line.is_empty()) {
                assert!(shipped.lines().any(|there| there.trim() == line), "{}: {line}", page.display());
            }
        }
    }
}

#[test]
fn what_the_english_pages_tell_works() {
    pages().iter().for_each(|(english, _)| perform(english));
}

#[test]
fn what_the_chinese_pages_tell_works() {
    pages().iter().for_each(|(_, chinese)| perform(chinese));
}

/// Does what a page tells, in its order.
fn perform(page: &Path) {
    let (blocks, _) = parts(page);
    if !["curl", "python3"].iter().all(|tool| Command::new(tool).arg("--version").output().is_ok()) {
        println!("SKIPPED: curl or python3 is not there");
        return;
    }
    // Whoever adds a source begins without any.
    let adds = |block: &Block| block.text.lines().any(|line| line.contains(" add https://"));
    let mut stage = Stage::new(!blocks.iter().any(adds));
    let mut printed: Option<String> = None;
    for block in blocks {
        let place = format!("{}, line {}", page.display(), block.line);
        match (block.language.as_str(), block.word.as_str()) {
            ("sh", "") => printed = Some(stage.run(&block.text, &place)),
            ("sh", "starts") => stage.start(&block.text, &place),
            ("sh", word) => assert!(
                word.strip_prefix("not-run: ").is_some_and(|why| why.chars().count() > 5),
                "{place}: say why it is not run"
            ),
            ("text", "") => is_printed(printed.as_deref().unwrap_or_default(), &block.text, &place),
            ("toml", "") => stage.configure(&block.text, &place),
            ("json", "") => {
                let read = serde_json::from_str::<serde_json::Value>(&block.text);
                assert!(read.is_ok(), "{place}: {read:?}");
            }
            ("nginx" | "caddy", "") => {}
            (language, word) => panic!("{place}: nobody knows what to do with `{language} {word}`"),
        }
    }
}

/// Each line is in what was printed, in this order.
fn is_printed(printed: &str, expected: &str, place: &str) {
    let mut rest = printed.lines();
    for line in expected.lines().map(str::trim).filter(|line| !line.is_empty()) {
        assert!(rest.any(|there| is_like(there.trim(), line)), "{place}: `{line}` is not in\n{printed}");
    }
}

/// Whether a line is as a pattern says, in which `…` stands for anything.
fn is_like(line: &str, pattern: &str) -> bool {
    let mut pieces = pattern.split('…');
    let Some(mut rest) = line.strip_prefix(pieces.next().unwrap_or_default()) else { return false };
    let last = pattern.split('…').next_back().filter(|_| pattern.contains('…'));
    for piece in pieces {
        match rest.find(piece).and_then(|at| rest.get(at + piece.len()..)) {
            Some(behind) => rest = behind,
            None => return false,
        }
    }
    rest.is_empty() || last.is_some_and(|last| line.ends_with(last))
}
