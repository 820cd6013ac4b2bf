//! Fixtures beside what is to be read in them. A file `NAME.expected` holds one JSON object for each item of `NAME.*`;
//! only the fields that stand there are compared. `NAME.url` holds its address, where that matters. For reports of stories
//! it also says which of them are truly of one story, and which places they concern.

#![expect(clippy::unwrap_used, reason = "a test ends with its first surprise")]

use std::collections::BTreeMap;
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

/// The fields of an item that a new expectation names, as far as the item has them.
const FIELDS: [&str; 6] = ["title", "link", "guid", "published", "updated", "authors"];

/// With `BLESS=1` in the environment: writes what was found in place of what was expected, with the fields that the old
/// line of the same item names. Look at the difference before you commit it.
fn bless(path: &Path, expected: &[Value], found: &[Value]) {
    let line = |(at, item): (usize, &Value)| {
        let old = expected.get(at).and_then(Value::as_object);
        let fields: Vec<&str> = old.map_or_else(|| FIELDS.to_vec(), |old| old.keys().map(String::as_str).collect());
        let held = fields.into_iter().filter_map(|field| Some((field.to_owned(), item.get(field)?.clone())));
        Value::Object(held.collect()).to_string() + "\n"
    };
    std::fs::write(path, found.iter().enumerate().map(line).collect::<String>()).unwrap();
}

fn check(file: &Path, path: &Path, kind: &str) -> Result<(), String> {
    let expected: Vec<Value> =
        std::fs::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let (found, code) = inspect(file, kind);
    let outcome = compare(&expected, &found, code);
    if outcome.is_err() && std::env::var_os("BLESS").is_some() {
        bless(path, &expected, &found);
        return Ok(());
    }
    outcome
}

fn compare(expected: &[Value], found: &[Value], code: Option<i32>) -> Result<(), String> {
    if found.len() != expected.len() {
        return Err(format!("{} items expected, {} found", expected.len(), found.len()));
    }
    let is_none = expected.is_empty() || expected.iter().any(|item| item.get("article") == Some(&Value::Bool(false)));
    if code != Some(i32::from(is_none)) {
        return Err(format!("exit code {code:?}"));
    }
    for (found, expected) in found.iter().zip(expected) {
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

/// What becomes of each report of a file, beside what is expected of it.
fn replayed(file: &Path, expected: &Path) -> Vec<(Value, Value)> {
    let output = Command::new(env!("CARGO_BIN_EXE_dayuan"))
        .args(["replay", "--json"])
        .arg(file)
        .current_dir(std::env::temp_dir())
        .output()
        .unwrap();
    let values = |text: &str| text.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<Value>>();
    let found = values(&String::from_utf8(output.stdout).unwrap());
    let expected = values(&std::fs::read_to_string(expected).unwrap());
    assert_eq!(found.len(), expected.len(), "{}", file.display());
    found.into_iter().zip(expected).collect()
}

#[test]
fn the_same_reports_make_the_same_stories_on_every_machine() {
    let fixtures = fixtures("stories");
    assert!(fixtures.len() >= 7, "only {} fixtures", fixtures.len());
    for (file, expected) in fixtures {
        for (found, expected) in replayed(&file, &expected) {
            for field in ["id", "item", "event", "verdict", "regions"] {
                assert_eq!(found[field], expected[field], "{field} of {} in {}", expected["id"], file.display());
            }
        }
    }
}

#[test]
fn reports_of_one_story_are_one_and_others_are_not() {
    for (file, expected) in fixtures("stories") {
        let reports = replayed(&file, &expected);
        let (mut wrong, mut found, mut missed) = (Vec::new(), 0, 0);
        for (at, (one, truth)) in reports.iter().enumerate() {
            for (other, other_truth) in reports.iter().skip(at + 1).filter(|_| truth.get("story").is_some()) {
                let is_one = one["item"] == other["item"];
                let is_linked = is_one || one["event"] != Value::Null && one["event"] == other["event"];
                match (is_one, truth["story"] == other_truth["story"]) {
                    (true, false) => wrong.push((truth["id"].clone(), other_truth["id"].clone())),
                    (_, true) if is_linked => found += 1,
                    (_, true) => missed += 1,
                    (false, false) => {}
                }
            }
        }
        assert!(wrong.is_empty(), "{}: wrongly joined: {wrong:?}", file.display());
        assert!(missed * 10 <= found, "{}: {missed} pairs missed, {found} found", file.display());
    }
}

#[test]
fn stories_lie_where_they_happened() {
    let mut all = 0;
    for (file, expected) in fixtures("stories") {
        for (found, expected) in replayed(&file, &expected) {
            let Some(truth) = expected.get("places") else { continue };
            let mut places: Vec<&Value> = found["regions"].as_array().unwrap().iter().map(|tag| &tag["id"]).collect();
            places.sort_by_key(|place| place.as_str());
            assert_eq!(places, truth.as_array().unwrap().iter().collect::<Vec<_>>(), "{}", expected["id"]);
            all += 1;
        }
    }
    assert!(all >= 180, "only {all} reports");
}

#[test]
fn an_expectation_is_blessed_with_the_fields_that_it_had() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("new.expected");
    let found =
        [serde_json::json!({"title": "甲", "link": "http://a.cn/1", "text": "长"}), serde_json::json!({"title": "乙"})];
    bless(&path, &[serde_json::json!({"text": "短"})], &found);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "{\"text\":\"长\"}\n{\"title\":\"乙\"}\n");
    assert!(compare(&[serde_json::json!({"text": "短"})], &found[..1], Some(0)).is_err());
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

/// Right answers and all of them, by field.
type Score = BTreeMap<String, (usize, usize)>;

fn count(score: &mut Score, wrong: &mut Vec<String>, file: &Path, field: &str, is_right: bool) {
    let (right, all) = score.entry(field.to_owned()).or_default();
    (*right, *all) = (*right + usize::from(is_right), *all + 1);
    if !is_right {
        wrong.push(format!("{}: {field}", file.display()));
    }
}

fn expected_of(path: &Path) -> Vec<Value> {
    std::fs::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Whether a date begins as expected: the day may be all that is known. Where none is expected, there must be none.
fn is_dated(found: &Value, expected: &Value) -> bool {
    match (found["published"].as_str(), expected["published"].as_str()) {
        (Some(found), Some(expected)) => found.starts_with(expected),
        (found, expected) => found == expected,
    }
}

/// A list is right if it has the rows that are expected, and no others.
fn score_lists(wrong: &mut Vec<String>) -> Score {
    let mut score = Score::new();
    for (file, path) in fixtures("scored/lists") {
        let (found, _) = inspect(&file, "auto");
        let expected = expected_of(&path);
        let row = |link: &Value| found.iter().find(|row| row["link"] == *link).unwrap_or(&Value::Null);
        let is_whole = found.len() == expected.len() && expected.iter().all(|line| !row(&line["link"]).is_null());
        count(&mut score, wrong, &file, "rows", is_whole);
        for line in &expected {
            let row = row(&line["link"]);
            count(&mut score, wrong, &file, "titles", row["title"] == line["title"]);
            count(&mut score, wrong, &file, "dates", is_dated(row, line));
        }
    }
    score
}

fn score_articles(wrong: &mut Vec<String>) -> Score {
    let mut score = Score::new();
    for (file, path) in fixtures("scored/articles") {
        let (found, _) = inspect(&file, "article");
        let expected = expected_of(&path).pop().unwrap();
        let (found, expected) = (found.first().unwrap_or(&Value::Null), &expected);
        for field in ["title", "authors", "source"].into_iter().filter(|field| expected.get(field).is_some()) {
            count(&mut score, wrong, &file, field, found.get(field).unwrap_or(&Value::Null) == &expected[field]);
        }
        count(&mut score, wrong, &file, "dates", is_dated(found, expected));
        let text: String = found["content_html"].as_str().unwrap_or("").split_whitespace().collect();
        let has = |part: &Value| text.contains(&part.as_str().unwrap().split_whitespace().collect::<String>());
        let is_whole = expected["holds"].as_array().unwrap().iter().all(has);
        count(&mut score, wrong, &file, "body", is_whole && !expected["lacks"].as_array().unwrap().iter().any(has));
        if let Some(files) = expected["files"].as_array() {
            let urls: Vec<&Value> =
                found["enclosures"].as_array().into_iter().flatten().map(|file| &file["url"]).collect();
            count(&mut score, wrong, &file, "files", urls == files.iter().collect::<Vec<_>>());
        }
    }
    score
}

#[test]
fn no_score_falls() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/scores.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let mut wrong = Vec::new();
    let scores = BTreeMap::from([("lists", score_lists(&mut wrong)), ("articles", score_articles(&mut wrong))]);
    if std::env::var_os("BLESS").is_some() {
        let comments: String = text.split_inclusive('\n').take_while(|line| line.starts_with('#')).collect();
        std::fs::write(&path, comments + "\n" + &toml::to_string(&scores).unwrap()).unwrap();
        return;
    }
    let pinned: BTreeMap<String, Score> = toml::from_str(&text).unwrap();
    let told = wrong.join("\n");
    assert_eq!(pinned.keys().collect::<Vec<_>>(), scores.keys().collect::<Vec<_>>());
    for (kind, score) in &scores {
        assert_eq!(pinned[*kind].keys().collect::<Vec<_>>(), score.keys().collect::<Vec<_>>(), "{kind}");
        for (field, (right, all)) in score {
            let (least, of) = pinned[*kind][field];
            assert_eq!(*all, of, "{field} of {kind}: the fixtures have changed; write the scores anew with BLESS=1");
            assert!(
                *right >= least,
                "{field} of {kind} have fallen from {least} to {right} of {all}; wrong are:\n{told}"
            );
        }
    }
}
