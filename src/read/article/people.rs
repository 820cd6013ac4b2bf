//! The people that an article names: the places that may name its authors, in the order of trust, and its editors.

use serde_json::Value;

use super::bare_names::{
    above_role, below_title, beside_day, in_closing_brackets, is_japanese, signed, spaced_name, with_role,
};
use super::body::{self, Line};
use super::labels::words;
use super::reader::Reader;
use super::story::Lines;
use crate::read::byline;
use crate::read::date;
use crate::read::lexicon::Label;
use crate::read::markup::text;
use crate::read::markup::text::{squeeze, width};
use crate::read::markup::tree::{Id, Tree};
use crate::read::names::{self, Trust};
use crate::read::signature;
use crate::read::tables::elements::elements;
use crate::read::tables::tables;

/// Returns the authors that a place on the page names.
type Place = fn(&Reader<'_>, &Lines<'_>) -> Vec<String>;

/// The places that may name the authors if no label does, the most trusted first.
const AUTHORS: [Place; 18] = [
    beside_date,
    dateline,
    author_element,
    linked_data,
    byline_elements,
    in_head,
    with_role,
    above_role,
    meta,
    own_line,
    with_note,
    closing,
    in_closing_brackets,
    at_the_ends,
    titled,
    beside_day,
    below_title,
    signed,
];
/// The most authors or editors of an article.
const MAX_NAMES: usize = 12;

impl Reader<'_> {
    /// Returns the authors and the editors.
    pub(super) fn people(&mut self, lines: &Lines<'_>) -> (Vec<String>, Vec<String>) {
        let (mut authors, mut editors) = (self.named_authors(), Vec::new());
        labelled(lines, &mut authors, &mut editors);
        if editors.is_empty() {
            editors = far_editors(lines);
        }
        let is_named = !authors.is_empty();
        for place in AUTHORS.iter().filter(|_| !is_named) {
            if authors.is_empty() {
                add(&mut authors, place(self, lines));
            }
        }
        authors = authors.into_iter().map(|name| self.without_medium(name)).collect();
        // A label may name one person as both; a bare name is the editor's.
        if !is_named {
            authors.retain(|name| !editors.contains(name));
        }
        if !authors.is_empty() {
            self.found.push(("authors", "byline".into()));
        }
        (authors, editors)
    }

    /// Strips the name of the site that may stand behind that of its writer: Nora Finch Mill Valley Courier.
    fn without_medium(&self, name: String) -> String {
        let title = self.document_title();
        let site = self.meta.get("og:site_name").map(String::as_str);
        let ends = site.into_iter().chain(title.rsplit(['|', '-', '–', '—']).next()).map(str::trim);
        let short = ends.filter(|end| end.contains(' ')).find_map(|end| name.strip_suffix(end).map(str::trim_end));
        short.filter(|short| short.contains(' ')).map(str::to_owned).unwrap_or(name)
    }

    /// Returns the authors in the element that the config names.
    fn named_authors(&mut self) -> Vec<String> {
        let Some(id) = self.pinned("article.author", self.rules.author.as_ref()) else { return Vec::new() };
        let line = self.tree.line(id);
        let labelled = byline::labelled(&line).into_iter().find(|(label, _)| *label == Label::Author);
        byline::people(&labelled.map_or(line, |(_, value)| value))
    }
}

fn add(to: &mut Vec<String>, names: Vec<String>) {
    for name in names {
        if !to.contains(&name) && to.len() < MAX_NAMES {
            to.push(name);
        }
    }
}

/// Collects the people that labels name above the text, at its beginning and end, and behind it.
fn labelled(lines: &Lines<'_>, authors: &mut Vec<String>, editors: &mut Vec<String>) {
    let begins = lines.inside.iter().take(3).filter(|line| line.text.chars().count() <= 60);
    let ends = lines.inside.iter().rev().take(8).filter(|line| line.text.chars().count() <= 80);
    for line in lines.head.iter().chain(begins).chain(ends).chain(lines.tail) {
        // A picture's caption names the photographer.
        if line.text.trim_end().ends_with('摄') {
            continue;
        }
        let is_far = lines.tail.get(4).is_some_and(|fifth| line.from >= fifth.from);
        for (label, value) in byline::labelled(&line.spaced) {
            match label {
                Label::Author if is_far => {}
                Label::Author => {
                    // 佐藤 美咲 is one name in Japanese.
                    let whole = if is_japanese(lines) { spaced_name(&value) } else { Vec::new() };
                    add(authors, if whole.is_empty() { byline::people(&value) } else { whole });
                }
                Label::Editor => add(editors, byline::editors(&value)),
                _ => {}
            }
        }
    }
}

/// Returns the editors named below the story: in a part of its element that is no text, or far below, as on stories taken from
/// other sites.
fn far_editors(lines: &Lines<'_>) -> Vec<String> {
    // Without a text, every line would be behind it, those of a side column as well.
    let Some(end) = lines.inside.last().map(|line| line.to) else { return Vec::new() };
    let mut after = lines.page.iter().filter(|line| line.from >= end);
    let far = after.find(|line| line.text.chars().count() <= 30 && line.text.contains("责任编辑"));
    let labels = far.map(|line| byline::labelled(&line.text)).unwrap_or_default();
    labels
        .into_iter()
        .filter(|(label, _)| *label == Label::Editor)
        .flat_map(|(_, value)| byline::editors(&value))
        .collect()
}

/// 2022-12-28 11:06  融媒体中心记者 姜文静: returns the authors of a byline next to the date.
fn beside_date(reader: &Reader<'_>, lines: &Lines<'_>) -> Vec<String> {
    let short = lines.head.iter().filter(|line| line.text.chars().count() <= 60 && line.linked == 0);
    let rests = short.map(|line| reader.without_date(&line.spaced));
    let in_pieces = |rest: &str| {
        let pieces = rest.split(['|', '丨', '·', '　']).flat_map(|piece| piece.split("  ")).chain([rest]);
        pieces.map(byline::whole_line).find(|names| !names.is_empty())
    };
    let named = rests.into_iter().find_map(|rest| in_pieces(&rest)).unwrap_or_default();
    if named.is_empty() { bare_beside_date(reader, lines) } else { named }
}

/// 2024-03-05 10:20 [ 张三 ]: returns a name alone on the line of the date, or on the line of its own beside it.
fn bare_beside_date(reader: &Reader<'_>, lines: &Lines<'_>) -> Vec<String> {
    if !reader.is_chinese {
        return Vec::new();
    }
    let short: Vec<&Line> = lines.head.iter().filter(|line| line.text.chars().count() <= 60).collect();
    let is_dated = |line: &Line| date::find(&line.text, reader.clock).is_some();
    let dated = short.iter().find(|line| line.linked == 0 && is_dated(line));
    let rest = dated.map(|line| reader.without_date(&line.spaced)).unwrap_or_default();
    let pieces = rest.split(['|', '丨', '·', '　', '[', '【']).flat_map(|piece| piece.split("  "));
    let named = pieces.chain(rest.split_whitespace()).find_map(|piece| {
        // Two characters may be a place or a word.
        let is_set_apart = piece.trim_end().ends_with([']', '】']);
        signature::bare(piece).filter(|name| is_set_apart || name.chars().count() == 3)
    });
    // Of several names none stands alone.
    let is_only = rest.split_whitespace().filter_map(signature::bare).nth(1).is_none();
    let named = named.filter(|_| is_only);
    // A label says what else the name is.
    let values = byline::labelled(&rest);
    let is_value = |name: &String| values.iter().any(|(_, value)| value.contains(name.as_str()));
    let named = named.filter(|name| !is_value(name));
    // The name of a section stands in the page's links too.
    let is_link = |name: &String| lines.page.iter().any(|line| line.linked > 0 && line.text.contains(name.as_str()));
    named.filter(|name| !is_link(name)).into_iter().collect()
}

fn dateline(_reader: &Reader<'_>, lines: &Lines<'_>) -> Vec<String> {
    let names = lines.kept.iter().take(4).map(|line| byline::in_dateline(&line.text));
    names.into_iter().find(|names| !names.is_empty()).unwrap_or_default()
}

/// Returns the author whose name has an element of its own, as on WeChat public accounts.
fn author_element(reader: &Reader<'_>, _lines: &Lines<'_>) -> Vec<String> {
    let tree = reader.tree;
    let written = tree.elements(0).filter(|id| tree.classes(*id).any(|class| tables().classes.author.contains(class)));
    let named = written.take(3).map(|id| tree.line(id)).find(|line| byline::is_person(line));
    let marked = || {
        let ids = tree.elements(0).filter(|id| tree.has_attributes(*id) && marks_author(tree, *id, |_| false)).take(3);
        ids.map(|id| tree.line(id)).find_map(|line| signature::bare(names::without_by(&line).unwrap_or(&line)))
    };
    named.or_else(|| reader.is_chinese.then(marked).flatten()).into_iter().collect()
}

/// Returns the authors in a meta element, unless that is the name of the site.
fn meta(reader: &Reader<'_>, _lines: &Lines<'_>) -> Vec<String> {
    let written = tables().meta.author.iter().filter_map(|name| reader.meta.get(name.as_str()));
    let named = written.map(|names| reader.people_of(names)).find(|names| !names.is_empty());
    named.unwrap_or_default()
}

fn linked_data(reader: &Reader<'_>, _lines: &Lines<'_>) -> Vec<String> {
    let people = reader.linked_data.as_ref().and_then(|data| data.get("author")).map(|author| match author {
        Value::Array(many) => many.clone(),
        one => vec![one.clone()],
    });
    let is_person = |value: &&Value| match value.get("@type") {
        Some(Value::String(kind)) => kind == "Person",
        Some(Value::Array(kinds)) => kinds.iter().any(|kind| kind == "Person"),
        _ => true,
    };
    let name = |value: &Value| match value.get("name").unwrap_or(value) {
        Value::Array(many) => many.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "),
        one => one.as_str().unwrap_or("").to_owned(),
    };
    people.iter().flatten().filter(is_person).flat_map(|value| reader.people_of(&name(value))).collect()
}

impl Reader<'_> {
    /// Returns the people in a field for names, unless that is the name of the site.
    fn people_of(&self, written: &str) -> Vec<String> {
        // Some sites escape their fields twice.
        let written = text::resolve(written, &text::Definitions::none());
        let people = byline::people(&written);
        if self.is_chinese && !people.iter().all(|name| byline::is_person(name)) {
            return Vec::new();
        }
        let site = self.meta.get("og:site_name").map(|site| squeeze(site).to_lowercase()).unwrap_or_default();
        let host = self.url.host_text();
        let is_site = |name: &String| {
            let bare = squeeze(name).to_lowercase();
            site.contains(&bare) || host.split('.').any(|part| part == bare)
        };
        let fits = |name: &String| !name.chars().any(byline::is_han) || byline::is_person(name);
        if people.iter().all(|name| fits(name) && !is_site(name)) { people } else { Vec::new() }
    }
}

/// The most elements of authors that are read.
const MAX_ELEMENTS: usize = 60;
/// How far around its element the byline of an author may reach, in levels.
const BYLINE_LEVELS: usize = 3;
/// The most parts of it that are looked at for the first with a text.
const MAX_PARTS: usize = 8;
/// The widest element of an author.
const MAX_WIDTH: usize = 160;

/// Returns the authors in elements that are marked as theirs: those of the first byline near the story.
fn byline_elements(reader: &Reader<'_>, lines: &Lines<'_>) -> Vec<String> {
    // Chinese pages mark editors, accounts and media alike.
    if reader.is_chinese {
        return Vec::new();
    }
    let tree = reader.tree;
    let story = lines.inside.first().map_or(0, |line| line.from)..lines.inside.last().map_or(0, |line| line.to);
    let holds_story = |up: Id| up <= story.start && story.end <= tree.end(up);
    let is_author = |id: &Id| tree.has_attributes(*id) && marks_author(tree, *id, holds_story);
    let marked = tree.elements(0).filter(is_author).take(MAX_ELEMENTS);
    let mut found: Vec<(Id, Vec<String>)> = Vec::new();
    for id in marked {
        if let Some((first, _)) = found.first()
            && !tree.ancestors(*first).skip(1).take(BYLINE_LEVELS).any(|up| up < id && id < tree.end(up))
        {
            // Another byline; those before the end of the story come first.
            if *first < story.end || id >= story.end {
                break;
            }
        }
        let names = names_within(tree, id);
        if !names.is_empty() {
            found.push((id, names));
        }
    }
    let mut all: Vec<String> = Vec::new();
    for name in found.into_iter().flat_map(|(_, names)| names) {
        if !all.contains(&name) {
            all.push(name);
        }
    }
    // Only the first of several may be marked: the line of the byline names them all.
    let line = if all.is_empty() { Vec::new() } else { in_head(reader, lines) };
    if line.len() > all.len() && all.iter().all(|name| line.contains(name)) { line } else { all }
}

/// Returns whether an element is marked as the author's, and does not lie in a box about something else; what holds the story is none.
fn marks_author(tree: &Tree<'_>, id: Id, holds_story: impl Fn(Id) -> bool) -> bool {
    let classes = &tables().classes;
    let has = |name: &str, word: &str| {
        tree.attribute(id, name).is_some_and(|value| value.split_ascii_whitespace().any(|part| part == word))
    };
    let labels = tree.labels(id);
    let has_role = || {
        let mut roles = classes.roles.iter().filter_map(|name| tree.attribute(id, name));
        roles.any(|role| classes.byline_role.contains(role.to_ascii_lowercase().as_str()))
    };
    let is_marked = has("rel", "author")
        || has("itemprop", "author")
        || words(&labels).any(|word| classes.byline.contains(word))
        || has_role();
    is_marked
        && !elements().no_byline.contains(tree.name(id))
        && !tree.ancestors(id).take(6).any(|up| !holds_story(up) && is_no_byline(&tree.labels(up)))
}

/// Returns whether an element with these classes holds something else than the names of authors.
fn is_no_byline(labels: &str) -> bool {
    let classes = &tables().classes;
    labels.split_ascii_whitespace().any(|class| {
        let is_own = || classes.own_foot.iter().any(|start| class.starts_with(start.as_str()));
        words(class).any(|word| classes.not_byline.contains(word) && !(word == "footer" && is_own()))
    })
}

/// Returns the names in the element of an author.
fn names_within(tree: &Tree<'_>, id: Id) -> Vec<String> {
    let named = tree.elements(id).find(|at| {
        tree.attribute(*at, "itemprop").is_some_and(|of| of.split_ascii_whitespace().any(|part| part == "name"))
    });
    let id = named.unwrap_or(id);
    let line = body::lines(tree, id, tree.end(id), &[]).into_iter().next().map(|line| line.spaced).unwrap_or_default();
    if width(&line) > MAX_WIDTH {
        return Vec::new();
    }
    let by = names::in_byline(&line);
    if !by.is_empty() {
        return by;
    }
    let names = byline::people(line.split("  ").find(|piece| !piece.trim().is_empty()).unwrap_or(""));
    let fits = |name: &String| !name.chars().any(byline::is_han) || byline::is_person(name);
    if !names.is_empty() && names.iter().all(fits) {
        return names;
    }
    // Place and date may stand behind the name, in elements of their own.
    let parts = tree.elements(id).skip(1).filter(|at| elements().in_byline.contains(tree.name(*at)));
    let first = parts.take(MAX_PARTS).map(|at| tree.line(at)).find(|line| !line.is_empty()).unwrap_or_default();
    let names = names::names(&first, Trust::Line);
    if names.iter().all(fits) { names } else { Vec::new() }
}

/// Returns the authors of a line above the story that begins with "By" in some language.
fn in_head(reader: &Reader<'_>, lines: &Lines<'_>) -> Vec<String> {
    let near = lines.head.iter().chain(lines.inside.iter().take(8));
    by_lines(reader, near)
}

fn at_the_ends(reader: &Reader<'_>, lines: &Lines<'_>) -> Vec<String> {
    by_lines(reader, lines.inside.iter().rev().take(3).chain(lines.tail.iter().take(4)))
}

fn by_lines<'l>(reader: &Reader<'_>, lines: impl Iterator<Item = &'l Line>) -> Vec<String> {
    let mut lines = lines.filter(|line| width(&line.text) <= MAX_WIDTH);
    lines
        .find_map(|line| {
            let rest = reader.without_date(&line.spaced);
            let whole = names::in_byline(&rest);
            let pieces = || {
                let pieces = rest.split(['|', '•', '·', '–', '—']).flat_map(|piece| piece.split("  "));
                pieces.map(names::in_byline).find(|names| !names.is_empty())
            };
            Some(whole).filter(|names| !names.is_empty()).or_else(pieces)
        })
        .unwrap_or_default()
}

/// Returns the authors of lines that are nothing but a byline, at the beginning and the end.
fn own_line(reader: &Reader<'_>, lines: &Lines<'_>) -> Vec<String> {
    // Such a line is dropped from the text.
    let begins = lines.inside.iter().take(3).chain(lines.inside.iter().rev().take(6));
    let written = begins.map(|line| signature::writers(&line.text)).find(|names| !names.is_empty());
    if let Some(names) = written.filter(|_| reader.is_chinese) {
        return names;
    }
    lines
        .kept
        .iter()
        .take(3)
        .chain(lines.kept.iter().rev().take(4))
        .flat_map(|line| likely(reader, byline::whole_line(&line.text)))
        .collect()
}

/// Returns the name that stands alone above a story which tells at its end who its author is: （作者系青原大学教授）.
fn with_note(reader: &Reader<'_>, lines: &Lines<'_>) -> Vec<String> {
    let says = |line: &Line| tables().names.about_author.iter().any(|note| line.text.contains(note.as_str()));
    if !reader.is_chinese || !lines.inside.iter().rev().take(4).any(says) {
        return Vec::new();
    }
    lines.inside.iter().take(2).find_map(|line| signature::bare(&line.text)).into_iter().collect()
}

/// Returns the names, unless one of them begins as no Chinese name does: （本文完）.
fn likely(reader: &Reader<'_>, names: Vec<String>) -> Vec<String> {
    if reader.is_chinese && !names.iter().all(|name| signature::is_likely(name)) { Vec::new() } else { names }
}

/// Returns the authors of the first closing byline: a note after the story may have its own.
fn closing(reader: &Reader<'_>, lines: &Lines<'_>) -> Vec<String> {
    let names = lines.kept.iter().map(|line| likely(reader, byline::in_closing(&line.text)));
    names.into_iter().find(|names| !names.is_empty()).unwrap_or_default()
}

/// 王文：…: returns the name before the colon of a title, if the page also has a box about that person.
fn titled(_reader: &Reader<'_>, lines: &Lines<'_>) -> Vec<String> {
    let Some((name, _)) = lines.title.split_once('：').filter(|(name, _)| byline::is_person(name)) else {
        return Vec::new();
    };
    let is_box = lines
        .page
        .iter()
        .any(|line| line.text.starts_with(name) && line.text.chars().count() <= 40 && !line.text.contains('：'));
    if is_box { vec![name.to_owned()] } else { Vec::new() }
}
