//! The source that an article names: the places that may name it, in the order of trust.

use super::body::Line;
use super::reader::Reader;
use super::story::Lines;
use crate::model::Credit;
use crate::read::byline;
use crate::read::date;
use crate::read::lexicon::Label;
use crate::read::markup::text::width;
use crate::read::tables::tables;

/// The widest line that is nothing but a label.
const MAX_LABEL: usize = 12;
/// The longest name of a person, in characters: 快乐老家 may be one, 县实验小学 is none.
const MAX_PERSON: usize = 4;

/// Returns the name of the source that a place on the page gives.
type Place = fn(&Reader<'_>, &Lines<'_>) -> Option<String>;

/// The places that may name the source, the most trusted first, each with its name in the evidence.
const SOURCE: [(&str, Place); 10] = [
    ("meta", meta),
    ("labelled text", |_, lines| labelled(lines.head, Label::Source)),
    ("labelled text", |_, lines| in_cells(lines, Label::Source)),
    ("text beside the date", beside_date),
    ("element's class", account),
    ("element's class", classed),
    ("labelled text", at_the_ends),
    ("labelled text", sender),
    ("JSON-LD", publisher),
    ("meta", any_meta),
];

impl Reader<'_> {
    /// Finds the source that the article names.
    pub(super) fn credit(&mut self, lines: &Lines<'_>) -> Option<Credit> {
        let named = self.named_source().map(|name| (name, "config"));
        let (name, by) = named.or_else(|| SOURCE.iter().find_map(|(by, place)| Some((place(self, lines)?, *by))))?;
        self.found.push(("credit", by.into()));
        Some(Credit { name, link: None })
    }

    /// Returns the source in the element that the config names.
    fn named_source(&mut self) -> Option<String> {
        let id = self.pinned("article.source", self.rules.source.as_ref())?;
        let line = self.tree.line(id);
        let labelled = byline::labelled(&line).into_iter().find(|(label, _)| *label == Label::Source);
        byline::medium(&labelled.map_or(line, |(_, value)| value))
    }
}

/// Returns the source of a meta element, unless its name does not say whose the story is.
fn meta(reader: &Reader<'_>, lines: &Lines<'_>) -> Option<String> {
    any_meta(reader, lines).filter(|name| !tables().names.nobody.contains(name))
}

fn any_meta(reader: &Reader<'_>, _lines: &Lines<'_>) -> Option<String> {
    reader.meta(&tables().meta.source).and_then(|name| byline::medium(&name))
}

fn labelled<'l>(lines: impl IntoIterator<Item = &'l Line>, label: Label) -> Option<String> {
    lines.into_iter().find_map(|line| {
        let values = byline::labelled(&line.spaced).into_iter().filter(|(found, _)| *found == label);
        values.into_iter().find_map(|(_, value)| name_behind(label, &value))
    })
}

/// Returns the name that stands behind a label. Behind that of a sender, a person may stand.
fn name_behind(label: Label, value: &str) -> Option<String> {
    byline::medium(value).filter(|name| label == Label::Source || is_sender(name))
}

fn is_sender(name: &str) -> bool {
    let is_unit = || tables().names.unit_ends.iter().any(|end| name.ends_with(end.as_str()));
    byline::is_office(name) || name.chars().count() > MAX_PERSON && name.chars().all(byline::is_han) && is_unit()
}

/// Returns the source whose label fills a line of its own, as in the cells of a table.
fn in_cells(lines: &Lines<'_>, label: Label) -> Option<String> {
    let pairs = lines.head.windows(2).filter_map(|pair| match pair {
        [cell, value] if width(&cell.text) <= MAX_LABEL => Some((cell, value)),
        _ => None,
    });
    pairs.filter(|(cell, _)| byline::labelled(&cell.text).is_empty()).find_map(|(cell, value)| {
        let line = format!("{}：{}", cell.text.trim_end_matches(['：', ':']), value.text);
        let first = byline::labelled(&line).into_iter().next().filter(|(found, _)| *found == label);
        first.filter(|(_, name)| value.text.starts_with(name.as_str())).and_then(|(_, name)| name_behind(label, &name))
    })
}

/// 2019-09-26 10:56:28 证券时报网: returns a name alone next to the date.
fn beside_date(reader: &Reader<'_>, lines: &Lines<'_>) -> Option<String> {
    // Elsewhere than in China a word beside the date is anything but the source: Updated, Uhr, Monday.
    if !reader.is_chinese {
        return None;
    }
    let document = reader.document_title();
    // Some pages have both behind the text.
    lines
        .head
        .iter()
        .chain(lines.tail.iter().take(2))
        .filter(|line| line.linked * 2 < width(&line.text).max(1))
        .find_map(|line| {
            reader.date_in(&line.text)?;
            let labels = byline::labelled(&line.spaced);
            if labels.iter().any(|(label, _)| matches!(label, Label::Source | Label::Time)) {
                return None;
            }
            let rest = reader.without_date(&line.spaced);
            // What stands behind the label of a person is no medium.
            let end = labels.iter().filter(|(label, _)| matches!(label, Label::Author | Label::Editor));
            let end = end.filter_map(|(_, value)| rest.find(value.as_str())).min();
            let rest = end.and_then(|end| rest.get(..end)).unwrap_or(&rest);
            let pieces = rest.split("  ").flat_map(|piece| piece.split(['|', '丨', '·', '　', ',']));
            let mut names = pieces
                .map(|piece| without_weekday(piece.trim()))
                .filter(|piece| may_be_medium(piece) || ends_title(&document, piece));
            let name = names.next()?;
            names.next().is_none().then(|| byline::medium(name)).flatten()
        })
}

/// Strips the day of the week that may stand before a name: 星期三 青原日报.
fn without_weekday(piece: &str) -> &str {
    match piece.split_once(' ') {
        Some((day, rest)) if date::is_weekday(day) => rest.trim_start(),
        _ => piece,
    }
}

/// Returns whether `<title>` ends with a name, as with that of its site.
fn ends_title(document: &str, piece: &str) -> bool {
    let name = piece.split(['[', '【']).next().unwrap_or("").trim();
    let before = document.trim_end().strip_suffix(name).filter(|_| name.chars().count() >= 2);
    before.is_some_and(|before| before.trim_end().ends_with(['|', '_', '-', '丨', '–', '—']))
}

fn may_be_medium(piece: &str) -> bool {
    let names = &tables().names;
    // 游戏报[整理]
    let piece = piece.split(['[', '【']).next().unwrap_or("");
    let bare = piece.trim_matches(|c: char| !c.is_alphanumeric());
    let length = bare.chars().count();
    (3..=16).contains(&length)
        && !piece.ends_with([':', '：'])
        && !names.no_source.contains(bare)
        && !date::is_weekday(bare)
        && !names.section_ends.iter().any(|end| bare.ends_with(end.as_str()))
        && bare.chars().all(|c| c.is_alphanumeric() || "-·".contains(c))
        && byline::labelled(piece).is_empty()
        && bare.chars().filter(char::is_ascii_digit).count() * 3 < length
        && !byline::is_person(bare)
}

/// Returns the account that an article is from, as Chinese platforms mark it; elsewhere such an element names the author.
fn account(reader: &Reader<'_>, _lines: &Lines<'_>) -> Option<String> {
    if !reader.is_chinese {
        return None;
    }
    let (tree, classes) = (reader.tree, &tables().classes);
    tree.elements(0)
        .filter(|id| {
            tree.attribute(*id, "id").is_some_and(|id| classes.account_id.contains(&*id))
                || tree
                    .classes(*id)
                    .any(|class| classes.account.contains(as_written(class).to_ascii_lowercase().as_str()))
        })
        .find_map(|id| byline::medium(&tree.line(id)))
}

/// sourceTitleText-3cWSuiol: returns a class without what a bundler added to it.
fn as_written(class: &str) -> &str {
    let is_added = |end: &str| {
        (5..=10).contains(&end.len())
            && end.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
            && end.bytes().any(|b| b.is_ascii_uppercase())
            && end.bytes().any(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
    };
    class.rsplit_once('-').filter(|(_, end)| is_added(end)).map_or(class, |(class, _)| class)
}

/// Returns the source in a small element whose id or class says that it holds one.
fn classed(reader: &Reader<'_>, _lines: &Lines<'_>) -> Option<String> {
    let (tree, classes) = (reader.tree, &tables().classes);
    let is_source = |labels: &str| {
        !labels.is_empty()
            && !labels.contains("title")
            && labels.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| classes.source.contains(word))
    };
    tree.elements(0).filter(|id| is_source(&tree.labels(*id))).filter(|id| tree.end(*id) - *id < 24).find_map(|id| {
        let line = tree.line(id);
        let labelled = byline::labelled(&line);
        match labelled.iter().find(|(label, _)| *label == Label::Source) {
            Some((_, value)) => byline::medium(value),
            None if reader.is_chinese
                && labelled.is_empty()
                && width(&line) <= 40
                && date::find(&line, reader.clock).is_none() =>
            {
                byline::medium(&line)
            }
            None => None,
        }
    })
}

/// Returns the lines at the ends of the text and behind it that may hold labels.
fn ends<'l>(lines: &'l Lines<'_>) -> impl Iterator<Item = &'l Line> {
    lines.inside.iter().rev().take(6).chain(lines.inside.iter().take(4)).chain(lines.tail.iter().take(4))
}

/// Returns the source labelled at the end or the beginning of the text, or behind it.
fn at_the_ends(_reader: &Reader<'_>, lines: &Lines<'_>) -> Option<String> {
    labelled(ends(lines), Label::Source)
}

/// Returns the office that sent the text or published it.
fn sender(_reader: &Reader<'_>, lines: &Lines<'_>) -> Option<String> {
    let above = labelled(lines.head, Label::Sender).or_else(|| in_cells(lines, Label::Sender));
    above.or_else(|| labelled(ends(lines), Label::Sender))
}

fn publisher(reader: &Reader<'_>, _lines: &Lines<'_>) -> Option<String> {
    let publisher = reader.linked_data.as_ref()?.get("publisher")?;
    byline::medium(publisher.get("name").unwrap_or(publisher).as_str()?)
}
