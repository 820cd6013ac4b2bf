//! Dates in elements that are marked as such: `<time>`, microdata, hAtom, and classes.

use std::borrow::Cow;

use super::body::Line;
use super::labels::words;
use super::published::{Dated, Found};
use super::reader::Reader;
use crate::model::{Precision, Stamp};
use crate::read::byline;
use crate::read::date;
use crate::read::lexicon::Label;
use crate::read::markup::text::width;
use crate::read::markup::tree::Id;
use crate::read::tables::elements::elements;
use crate::read::tables::tables;

/// How many nodes above the lines around the title an element may stand.
const ABOVE: usize = 60;
/// The most elements that are looked at.
const MAX_ELEMENTS: usize = 200;
/// The widest element of a date.
const MAX_WIDTH: usize = 80;
/// How far an attribute may lie behind the day that its element shows, in milliseconds.
const TWO_DAYS: i64 = 2 * 86_400_000;

impl Reader<'_> {
    /// Returns the date that an element near the story holds for machines, best one that says that it is of publication.
    pub(super) fn marked_date(&self, lines: &Dated<'_>) -> Option<Found> {
        // Behind the story stand those of other stories, or its own, which then says what it is.
        let (near, end) = (self.near(lines), self.tree.end(lines.body));
        let is_within = |id: Id| self.is_in_another_story(id, lines.body);
        let is_own = |id: Id| id < end || self.says_published(id);
        let marked =
            |id: &Id| near.contains(id) && self.is_time(*id) && is_own(*id) && !self.is_of_others(*id, lines.body);
        let marked = |id: &Id| marked(id) && !is_within(*id);
        let all: Vec<Id> = self.tree.elements(0).filter(marked).take(MAX_ELEMENTS).collect();
        let published = all.iter().filter(|id| self.says_published(**id)).find_map(|id| self.machine_time(*id));
        let any = || all.iter().filter(|id| !self.says_updated(**id)).find_map(|id| self.machine_time(*id));
        // The only date of a story may be called that of its change, as by themes of WordPress.
        let entry = &tables().classes.entry_date;
        let mut own = all.iter().filter(|id| self.tree.classes(**id).any(|class| entry.contains(class)));
        let only = || own.next().filter(|_| own.next().is_none()).and_then(|id| self.machine_time(*id));
        published.or_else(any).or_else(only).map(|stamp| (stamp, "<time>"))
    }

    /// Returns the date in an element whose class says that it holds one.
    pub(super) fn classed_date(&self, lines: &Dated<'_>) -> Option<Found> {
        let (tree, classes) = (self.tree, &tables().classes);
        let near = self.near(lines);
        let is_dated = |id: &Id| {
            near.contains(id)
                && tree.has_attributes(*id)
                && tree.end(*id) - *id < 24
                && words(&tree.labels(*id)).any(|word| classes.date.contains(word))
                && !self.is_of_others(*id, lines.body)
        };
        let shown = tree.elements(0).filter(is_dated).take(MAX_ELEMENTS).map(|id| tree.line(id));
        let mut dates = shown.filter(|line| width(line) <= MAX_WIDTH).filter_map(|line| {
            date::find(&line, self.clock).map(|(stamp, _)| stamp).filter(|stamp| stamp.precision != Precision::Month)
        });
        dates.next().map(|stamp| (stamp, "element's class"))
    }

    /// Returns the nodes from a little above the title to the end of what may belong to the story.
    fn near(&self, lines: &Dated<'_>) -> std::ops::Range<Id> {
        let first = |lines: &[Line]| lines.first().map(|line| line.from);
        let from = [first(lines.above), first(lines.below), Some(lines.body)].into_iter().flatten().min();
        let to = lines.tail.get(4).map_or_else(|| self.tree.len(), |line| line.to);
        from.unwrap_or(0).saturating_sub(ABOVE)..to
    }

    fn is_time(&self, id: Id) -> bool {
        self.tree.is(id, &["time"])
            || self.tree.attribute(id, "itemprop").is_some_and(|of| of.eq_ignore_ascii_case("datePublished"))
            || self.tree.is(id, &["abbr"]) && self.tree.classes(id).any(|class| class == "published")
    }

    fn says_published(&self, id: Id) -> bool {
        self.tree.attribute(id, "pubdate").is_some()
            || self.tree.attribute(id, "itemprop").is_some_and(|of| of.eq_ignore_ascii_case("datePublished"))
            || words(&self.tree.labels(id)).any(|word| matches!(word, "published" | "pubdate"))
    }

    fn says_updated(&self, id: Id) -> bool {
        self.tree.attribute(id, "itemprop").is_some_and(|of| of.eq_ignore_ascii_case("dateModified"))
            || words(&self.tree.labels(id)).any(|word| matches!(word, "updated" | "modified"))
    }

    /// Returns whether an element lies in a comment, a cited work or a box of other stories. What is around the body as well
    /// tells nothing.
    fn is_of_others(&self, id: Id, body: Id) -> bool {
        let (tree, classes) = (self.tree, &tables().classes);
        let is_around = |up: Id| up < body && body < tree.end(up) || tree.is(up, &["body", "html"]);
        tree.ancestors(id).skip(1).filter(|up| !is_around(*up)).any(|up| {
            let of = tree.attribute(up, "itemprop");
            elements().beside_date.contains(tree.name(up))
                || of.is_some_and(|of| matches!(&*of, "citation" | "comment" | "isBasedOn" | "mentions"))
                || words(&tree.labels(up)).any(|word| classes.of_others.contains(word))
        })
    }

    /// Returns whether an element lies in a smaller `<article>` inside the body: a comment, or another story.
    fn is_in_another_story(&self, id: Id, body: Id) -> bool {
        let (tree, wide) = (self.tree, self.tree.end(body) - body);
        let inner = tree.ancestors(id).take_while(|up| *up > body).find(|up| tree.is(*up, &["article"]));
        inner.is_some_and(|inner| (tree.end(inner) - inner) * 2 < wide)
    }

    fn machine_time(&self, id: Id) -> Option<Stamp> {
        let exact = |stamp: &Stamp| stamp.precision != Precision::Month;
        // `<time datetime="2019-07-03">Published 29 June 2019</time>`: the attribute is of the last change.
        let said = byline::labelled(&self.tree.line(id)).into_iter().find(|(label, _)| *label == Label::Date);
        // 09/11/2026 may be of September or of November.
        let is_plain = |value: &str| {
            value.chars().any(char::is_alphabetic)
                || value.trim_start().bytes().take_while(u8::is_ascii_digit).count() == 4
        };
        let said = said.filter(|(_, value)| is_plain(value));
        let said = said.and_then(|(_, value)| date::find(&value, self.clock)).map(|(stamp, _)| stamp).filter(exact);
        let written = self.written_time(id).filter(exact);
        match (said, written) {
            (Some(said), Some(written)) if said.precision == Precision::Day && written.at.since(said.at) > TWO_DAYS => {
                Some(said)
            }
            (said, written) => written.or(said),
        }
    }

    fn written_time(&self, id: Id) -> Option<Stamp> {
        let exact = |stamp: &Stamp| stamp.precision != Precision::Month;
        let written = ["datetime", "content", "title"].iter().filter_map(|name| self.tree.attribute(id, name));
        let texts = written.chain([Cow::Owned(self.tree.line(id))]);
        texts.map(|text| text.into_owned()).find_map(|text| {
            date::parse(&text, self.clock)
                .or_else(|| date::find(&text, self.clock).map(|(stamp, _)| stamp))
                .filter(exact)
        })
    }
}
