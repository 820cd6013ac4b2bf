//! Sources as entries of a list of feeds (OPML), and back. What other programs say about a feed becomes settings as far as
//! they mean the same (`outlines.toml`); the rest is kept in `[source.opml]`, so that nothing is lost on the way out.

use std::path::Path;
use std::sync::LazyLock;

use serde::Deserialize;
use toml::{Table, Value};

use super::{Fault, Faults, file, source_files};
use crate::model::{Link, Region, RegionId, Source, SourceId, one_line};
use crate::read::{self, Origin, Outline, Selector, css_of_xpath};
use crate::regions::Directory;
use crate::write::SourceOutline;

/// Prefix of the attributes that are settings of dayuan.
const OWN: &str = "dayuan:";
/// Settings that have attributes of their own.
const STANDARD: [&str; 3] = ["title", "url", "opml"];
/// How deep settings lie in tables.
const MAX_DEPTH: usize = 2;

#[derive(Debug, Deserialize)]
struct Rules {
    /// Settings that give a source rights.
    rights: Vec<String>,
    attribute: Vec<Rule>,
    r#type: Vec<Type>,
}

#[derive(Debug, Deserialize)]
struct Rule {
    name: String,
    setting: String,
    form: Form,
    r#as: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Type {
    name: String,
    r#as: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Form {
    Xpath,
    XpathRow,
    XpathLink,
    Path,
    Css,
    CssList,
    Text,
    Seconds,
    Lenient,
}

static RULES: LazyLock<Rules> = LazyLock::new(|| {
    toml::from_str(include_str!("outlines.toml")).unwrap_or_else(|error| unreachable!("outlines.toml: {error}"))
});

/// A source made of an entry of a list of feeds.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The source, as a block of a source list.
    pub block: String,
    /// Whether a folder says, or the entry itself, which region it belongs to.
    pub has_region: bool,
    /// What has no effect here, as sentences.
    pub notes: Vec<String>,
}

/// Makes a source of an entry. `default` is the region of those that lie in no folder that is one.
///
/// # Errors
/// A sentence if its address cannot be fetched.
pub fn imported(
    outline: &Outline,
    id: &SourceId,
    directory: &Directory<'_>,
    default: Option<&RegionId>,
) -> Result<Imported, String> {
    let address = outline.attribute("xmlUrl").unwrap_or("");
    let url = Link::parse(address).map_err(|error| format!("{}: {error}", short(address)))?;
    let mut source = Table::new();
    let mut notes = Vec::new();
    set(&mut source, "id", Value::from(id.as_str()));
    let title: String = one_line(outline.title().unwrap_or(url.host_text())).chars().take(Source::MAX_TITLE).collect();
    set(&mut source, "title", Value::from(title));
    let own: Vec<_> =
        outline.attributes.iter().filter_map(|(name, value)| Some((name.strip_prefix(OWN)?, value))).collect();
    let (region, topics) = place(&outline.folders, directory);
    let named = own
        .iter()
        .find(|(key, _)| *key == "region")
        .and_then(|(_, value)| super::naming::region(directory, value).ok());
    let region = named.or(region);
    let has_region = region.is_some();
    if let Some(region) = region.as_ref().or(default) {
        set(&mut source, "region", Value::from(region.as_str()));
    }
    set(&mut source, "url", Value::from(address));
    if own.is_empty() {
        if !topics.is_empty() {
            set(&mut source, "topics", Value::from(topics));
        }
        translate(outline, &mut source, &mut notes);
    }
    for (key, value) in own.iter().filter(|(key, _)| !matches!(*key, "id" | "region")) {
        let top = key.split('.').next().unwrap_or(key);
        if STANDARD.contains(&top) || key.matches('.').count() > MAX_DEPTH {
            notes.push(format!("{OWN}{} is no setting that a list of feeds gives; left out", one_line(key)));
            continue;
        }
        if RULES.rights.iter().any(|right| right == top) {
            notes.push(format!(
                "{} = {} is taken from the list; write it only if you trust who made the list",
                short(key),
                short(value)
            ));
        }
        set(&mut source, key, decoded(value));
    }
    keep(outline, &mut source, directory, &mut notes);
    Ok(Imported { block: block(&source), has_region, notes })
}

/// Returns the region that the innermost possible folder names, and the names of the folders that are none.
fn place(folders: &[String], directory: &Directory<'_>) -> (Option<RegionId>, Vec<String>) {
    let only = |text: &str| match directory.called(text).as_slice() {
        [region] => Some(*region),
        _ => None,
    };
    // 城区 is many regions, but 山西省 / 阳泉市 / 城区 is one.
    let region_at = |at: usize| {
        let name = folders.get(at)?;
        only(name).or_else(|| (0..at).find_map(|from| only(&folders.get(from..=at)?.concat())))
    };
    let found = (0..folders.len()).rev().find_map(|at| Some((at, region_at(at)?)));
    let is_region = |at: usize| found.is_some_and(|(own, _)| at == own) || region_at(at).is_some();
    let topics = folders.iter().enumerate().filter(|(at, name)| !is_region(*at) && !name.trim().is_empty());
    (
        found.map(|(_, region): (usize, &Region)| region.id.clone()),
        topics.map(|(_, name)| name.trim().to_owned()).collect(),
    )
}

/// Turns attributes of other programs into settings.
fn translate(outline: &Outline, source: &mut Table, notes: &mut Vec<String>) {
    let kind = outline.attribute("type").and_then(|name| RULES.r#type.iter().find(|known| known.name == name));
    if let Some(kind) = kind {
        set(source, "as", Value::from(kind.r#as.as_str()));
    }
    let (mut is_whole, mut wanted) = (true, false);
    for rule in &RULES.attribute {
        let Some(value) = outline.attribute(&rule.name) else { continue };
        if rule.r#as.as_deref().is_some_and(|kind| text_of(source, "as") != Some(kind)) {
            continue;
        }
        let of_list = rule.setting.starts_with("list.");
        wanted |= of_list;
        match rule.form.setting(value) {
            Some(setting) => set(source, &rule.setting, setting),
            // The row itself, which is what there is without a selector.
            None if value == "." => {}
            None => {
                is_whole &= !(of_list && rule.setting == "list.item");
                notes.push(format!(
                    "{} = {} has no counterpart here; it is kept, and detection decides",
                    rule.name,
                    short(value)
                ));
            }
        }
    }
    // The parts of a row mean nothing without the row.
    if wanted && !is_whole {
        source.remove("list");
    }
}

/// Keeps what the settings do not say.
fn keep(outline: &Outline, source: &mut Table, directory: &Directory<'_>, notes: &mut Vec<String>) {
    const SILENT: [&str; 5] = ["text", "title", "type", "htmlUrl", "description"];
    let written = exported(source, directory);
    let mut kept = Table::new();
    let mut without_effect = Vec::new();
    for (name, value) in &outline.attributes {
        let is_said = written.attributes.iter().any(|(known, said)| known == name && said == value);
        if is_said || name.starts_with(OWN) || name.eq_ignore_ascii_case("xmlUrl") || value.is_empty() {
            continue;
        }
        let is_known = RULES.attribute.iter().any(|rule| rule.name == *name) || SILENT.contains(&name.as_str());
        if !is_known {
            without_effect.push(name.as_str());
        }
        kept.insert(name.clone(), Value::from(value.as_str()));
    }
    if written.folders != outline.folders {
        kept.insert("folders".to_owned(), Value::from(outline.folders.clone()));
    }
    if !without_effect.is_empty() {
        let names: Vec<String> = without_effect.into_iter().map(short).collect();
        notes.push(format!("kept, without effect here: {}", names.join(", ")));
    }
    if !kept.is_empty() {
        source.insert("opml".to_owned(), Value::Table(kept));
    }
}

/// Makes an entry of a source.
fn exported(source: &Table, directory: &Directory<'_>) -> SourceOutline {
    let kept = source.get("opml").and_then(Value::as_table).cloned().unwrap_or_default();
    let title = text_of(source, "title").unwrap_or_default();
    let region = text_of(source, "region").and_then(|text| super::naming::region(directory, text).ok());
    let region = region.and_then(|id| directory.regions().get(&id));
    let folders = match kept.get("folders").and_then(Value::as_array) {
        Some(folders) => folders.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect(),
        None => region.map(|region| region.name.clone()).into_iter().collect(),
    };
    let kind = RULES.r#type.iter().find(|kind| {
        text_of(source, "as") == Some(&kind.r#as) && (kind.r#as == "feed") == source.get("list").is_none()
    });
    let standard = [
        ("text", title),
        ("title", title),
        // A feed is `rss` to everybody; JSONFeed only to those who said so themselves.
        ("type", kind.filter(|kind| kind.r#as != "feed").map_or("rss", |kind| &kind.name)),
        ("xmlUrl", text_of(source, "url").unwrap_or_default()),
        ("htmlUrl", text_of(source, "url").filter(|_| kind.is_some()).unwrap_or_default()),
    ];
    let mut attributes: Vec<(String, String)> = standard
        .into_iter()
        .map(|(name, value)| (name, kept.get(name).and_then(Value::as_str).unwrap_or(value)))
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    for rule in &RULES.attribute {
        let Some(value) = get(source, &rule.setting) else { continue };
        let before = kept.get(&rule.name).and_then(Value::as_str);
        let said = match before.filter(|before| rule.form.setting(before).as_ref() == Some(value)) {
            Some(before) => Some(before.to_owned()),
            None if rule.is_for(source) => rule.form.attribute(value),
            None => None,
        };
        attributes.extend(said.map(|said| (rule.name.clone(), said)));
    }
    for (name, value) in &kept {
        // What has a setting was written with it.
        let of_setting = RULES.attribute.iter().find(|rule| rule.name == *name);
        let is_open = of_setting.is_none_or(|rule| get(source, &rule.setting).is_none());
        let is_written = attributes.iter().any(|(known, _)| known == name);
        if let Some(value) = value.as_str().filter(|_| is_open && !is_written) {
            attributes.push((name.clone(), value.to_owned()));
        }
    }
    own_attributes("", source, &mut attributes);
    SourceOutline { folders, attributes }
}

impl Rule {
    /// Returns whether other programs should be told the setting of this source.
    fn is_for(&self, source: &Table) -> bool {
        // Miniflux and FreshRSS each have an attribute for the text of a page; both are written.
        self.r#as.as_deref().is_none_or(|kind| text_of(source, "as") == Some(kind))
    }
}

impl Form {
    /// Returns the setting that a value of the attribute means.
    fn setting(self, value: &str) -> Option<Value> {
        let selector = |css: &str| Selector::parse(css).is_ok().then(|| Value::from(css));
        match self {
            Self::Xpath | Self::XpathRow | Self::XpathLink => css_of_xpath(value).map(Value::from),
            Self::Path | Self::Text => Some(Value::from(value)),
            Self::Css => selector(value),
            Self::CssList => {
                let parts = value.split(',').map(str::trim).filter(|part| !part.is_empty());
                let parts: Option<Vec<Value>> = parts.map(selector).collect();
                parts.map(Value::Array)
            }
            Self::Seconds => {
                let seconds: u64 = value.parse().ok().filter(|seconds| (300..=30 * 86_400).contains(seconds))?;
                Some(Value::from(super::wording::in_words(std::time::Duration::from_secs(seconds))))
            }
            Self::Lenient => (value == "true").then(|| Value::from("lenient")),
        }
    }

    /// Returns the value of the attribute for a setting.
    fn attribute(self, value: &Value) -> Option<String> {
        let xpath = |origin| Selector::parse(value.as_str()?).ok()?.xpath(origin);
        match self {
            Self::Xpath => xpath(Origin::Document),
            Self::XpathRow => xpath(Origin::Row),
            Self::XpathLink => xpath(Origin::Row).map(|xpath| format!("{xpath}/@href")),
            Self::Path | Self::Css | Self::Text => value.as_str().map(str::to_owned),
            Self::CssList => {
                let parts: Option<Vec<&str>> = value.as_array()?.iter().map(Value::as_str).collect();
                parts.map(|parts| parts.join(", "))
            }
            Self::Seconds => {
                let text = value.as_str()?;
                let units = [("d", 86_400), ("h", 3600), ("m", 60), ("s", 1)];
                let (number, unit) =
                    units.iter().find_map(|(name, unit)| Some((text.strip_suffix(name)?.trim(), *unit)))?;
                number.parse::<u64>().ok()?.checked_mul(unit).map(|seconds| seconds.to_string())
            }
            Self::Lenient => (value.as_str() == Some("lenient")).then(|| "true".to_owned()),
        }
    }
}

/// Adds the settings as attributes of dayuan, with dots in the names of those in tables.
fn own_attributes(prefix: &str, table: &Table, attributes: &mut Vec<(String, String)>) {
    for (key, value) in table.iter().filter(|(key, _)| !prefix.is_empty() || !STANDARD.contains(&key.as_str())) {
        match value {
            Value::Table(table) => own_attributes(&format!("{prefix}{key}."), table, attributes),
            value => attributes.push((format!("{OWN}{prefix}{key}"), encoded(value))),
        }
    }
}

/// Writes a value as it is read by [`decoded`]: plain text where that cannot be taken for anything else.
fn encoded(value: &Value) -> String {
    match value.as_str().filter(|text| decoded(text).as_str() == Some(text)) {
        Some(text) => text.to_owned(),
        None => value.to_string(),
    }
}

fn decoded(text: &str) -> Value {
    let is_literal = text.starts_with(['"', '\'', '[', '{']) || matches!(text, "true" | "false");
    let parsed = is_literal.then(|| toml::from_str::<Table>(&format!("v = {text}")).ok()).flatten();
    parsed.and_then(|mut table| table.remove("v")).unwrap_or_else(|| Value::from(text))
}

fn text_of<'t>(table: &'t Table, key: &str) -> Option<&'t str> {
    table.get(key).and_then(Value::as_str)
}

fn get<'t>(table: &'t Table, setting: &str) -> Option<&'t Value> {
    match setting.split_once('.') {
        Some((section, key)) => get(table.get(section)?.as_table()?, key),
        None => table.get(setting),
    }
}

fn set(table: &mut Table, setting: &str, value: Value) {
    match setting.split_once('.') {
        Some((section, key)) => {
            let inner = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
            if let Some(inner) = inner.as_table_mut() {
                set(inner, key, value);
            }
        }
        None => {
            table.insert(setting.to_owned(), value);
        }
    }
}

/// Writes a source as a block of a source list.
fn block(source: &Table) -> String {
    const FIRST: [&str; 4] = ["id", "title", "region", "url"];
    let mut out = String::from("[[source]]\n");
    let mut line = |key: &str, value: &Value| out.push_str(&format!("{} = {}\n", bare(key), literal(value)));
    for key in FIRST {
        line(key, source.get(key).unwrap_or(&Value::from("")));
    }
    let rest = source.iter().filter(|(key, _)| !FIRST.contains(&key.as_str()));
    let (tables, plain): (Vec<_>, Vec<_>) = rest.partition(|(_, value)| value.is_table());
    plain.iter().for_each(|(key, value)| line(key, value));
    for (name, table) in tables {
        write_table(&format!("source.{}", bare(name)), table, &mut out);
    }
    out
}

fn write_table(name: &str, table: &Value, out: &mut String) {
    let Some(table) = table.as_table() else { return };
    let (tables, plain): (Vec<_>, Vec<_>) = table.iter().partition(|(_, value)| value.is_table());
    out.push_str(&format!("[{name}]\n"));
    plain.iter().for_each(|(key, value)| out.push_str(&format!("{} = {}\n", bare(key), literal(value))));
    tables.iter().for_each(|(key, table)| write_table(&format!("{name}.{}", bare(key)), table, out));
}

/// Returns a value on one line.
fn literal(value: &Value) -> String {
    match value {
        Value::String(text) => super::quoted(text),
        Value::Array(values) => format!("[{}]", values.iter().map(literal).collect::<Vec<_>>().join(", ")),
        Value::Table(table) => {
            let pairs: Vec<String> =
                table.iter().map(|(key, value)| format!("{} = {}", bare(key), literal(value))).collect();
            format!("{{ {} }}", pairs.join(", "))
        }
        value => value.to_string(),
    }
}

/// Returns what a list says as a short part of a line, so that it neither hides the rest nor makes lines of its own.
pub fn short(text: &str) -> String {
    const MOST: usize = 80;
    let mut chars = text.chars();
    let start: String = chars.by_ref().take(MOST).collect();
    one_line(&start) + if chars.next().is_some() { "…" } else { "" }
}

/// Returns a key as TOML writes it.
fn bare(key: &str) -> String {
    let is_bare = !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
    if is_bare { key.to_owned() } else { super::quoted(key) }
}

/// Returns all sources of a valid config as entries of a list of feeds.
///
/// # Errors
/// If a file cannot be read any more.
pub fn outlines(folder: &Path, directory: &Directory<'_>) -> Result<Vec<SourceOutline>, Faults> {
    let mut faults = Faults::default();
    let mut found = Vec::new();
    for path in source_files(folder, &mut faults) {
        let Some((path, text)) = file::load(&path, &mut faults) else { continue };
        match toml::from_str::<Table>(&text) {
            Ok(table) => {
                let sources = table.get("source").and_then(Value::as_array).into_iter().flatten();
                found.extend(sources.filter_map(Value::as_table).map(|source| exported(source, directory)));
            }
            Err(error) => faults.push(Fault::of_file(&path, &format!("TOML syntax error: {}", error.message()), "")),
        }
    }
    if faults.is_empty() { Ok(found) } else { Err(faults) }
}

/// Reads a list of feeds; `None` if the document is none.
pub fn feed_list(bytes: &[u8]) -> Option<read::OutlineList> {
    read::outlines(bytes)
}
