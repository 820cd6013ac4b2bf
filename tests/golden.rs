//! Fixtures beside what is to be read in them. A file `NAME.expected` holds one JSON object for each item of `NAME.*`;
//! only the fields that stand there are compared. `NAME.url` holds its address, where that matters.

#![expect(clippy::unwrap_used, reason = "a test ends with its first surprise")]

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

fn fixtures(folder: &str) -> Vec<(PathBuf, PathBuf)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(folder);
    let all: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    let is_expected = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "expected");
    let input = |expected: &PathBuf| {
        let is_input = |path: &&PathBuf| !is_expected(path) && path.extension().is_none_or(|ending| ending != "url");
        all.iter().filter(is_input).find(|path| path.file_stem() == expected.file_stem()).cloned()
    };
    let mut pairs: Vec<(PathBuf, PathBuf)> = all
        .iter()
        .filter(|path| is_expected(path))
        .map(|expected| (input(expected).unwrap(), expected.clone()))
        .collect();
    pairs.sort();
    pairs
}

/// What `inspect` says of a file, and its exit code.
fn inspect(file: &Path, kind: &str) -> (Vec<Value>, Option<i32>) {
    let url = std::fs::read_to_string(file.with_extension("url"));
    let url = url.as_deref().map_or("http://example.org/feed.xml", str::trim);
    let output = Command::new(env!("CARGO_BIN_EXE_dayuan"))
        .args(["inspect", "--as", kind, "--url", url, "--json"])
        .arg(file)
        .current_dir(std::env::temp_dir())
        .output()
        .unwrap();
    let lines = String::from_utf8(output.stdout).unwrap();
    (lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect(), output.status.code())
}

fn check(file: &Path, expected: &Path, kind: &str) -> Result<(), String> {
    let expected: Vec<Value> =
        std::fs::read_to_string(expected).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (found, code) = inspect(file, kind);
    if found.len() != expected.len() {
        return Err(format!("{} items expected, {} found", expected.len(), found.len()));
    }
    let is_none = expected.is_empty() || expected.iter().any(|item| item.get("article") == Some(&Value::Bool(false)));
    if code != Some(i32::from(is_none)) {
        return Err(format!("exit code {code:?}"));
    }
    for (found, expected) in found.iter().zip(&expected) {
        for (field, value) in expected.as_object().unwrap() {
            if found.get(field) != Some(value) {
                return Err(format!("{field}: {value} expected, {} found", found.get(field).unwrap_or(&Value::Null)));
            }
        }
    }
    Ok(())
}

fn check_all(folder: &str, kind: &str, least: usize) {
    let fixtures = fixtures(folder);
    let wrong: Vec<String> = fixtures
        .iter()
        .filter_map(|(file, expected)| {
            check(file, expected, kind).err().map(|reason| format!("{}: {reason}", file.display()))
        })
        .collect();
    assert!(fixtures.len() >= least, "only {} fixtures", fixtures.len());
    assert!(wrong.is_empty(), "{} of {} are wrong:\n{}", wrong.len(), fixtures.len(), wrong.join("\n"));
}

#[test]
fn feeds_with_one_defect_each() {
    check_all("feeds", "feed", 80);
}

#[test]
fn lists_of_every_shape() {
    check_all("lists", "auto", 80);
}

#[test]
fn articles_of_every_kind() {
    check_all("articles", "article", 55);
}

#[test]
fn a_wrong_expectation_is_noticed() {
    let (file, expected) = fixtures("feeds").into_iter().find(|(file, _)| file.ends_with("no-guid.xml")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let wrong = folder.path().join("wrong.expected");
    std::fs::write(&wrong, std::fs::read_to_string(expected).unwrap().replace("南大街", "北大街")).unwrap();
    match check(&file, &wrong, "feed") {
        Err(reason) => assert!(reason.starts_with("title:"), "{reason}"),
        Ok(()) => panic!("the check cannot fail"),
    }
}
