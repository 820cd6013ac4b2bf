//! Dates that an article's page shows near its title or behind its text.

use super::body::{self, Line};
use super::boilerplate::is_head_line;
use super::published::{Dated, Found};
use super::reader::Reader;
use super::story::is_prose;
use crate::model::{Precision, Stamp};
use crate::read::byline;
use crate::read::date;
use crate::read::lexicon::Label;
use crate::read::markup::text;
use crate::read::markup::text::width;

/// How many lines at the end of the body, and behind it, may hold a labelled date.
const ENDS: usize = 6;
const BEHIND: usize = 12;
/// How many lines at the end of the body may hold the day on which a notice was signed.
const SIGNED: usize = 3;
/// The widest label that fills a line, and the widest date behind it.
const MAX_LABEL: usize = 24;
const MAX_VALUE: usize = 40;
/// The beginning of a longer line that may be labelled, in bytes.
const BEGINNING: usize = 160;

impl Reader<'_> {
    /// Finds the date near the title: labelled, or alone; in lines above the title, labelled. Dates inside the story do not count.
    pub(super) fn shown_date(&self, head: &[Line], above: &[Line], inside: &[Line]) -> Option<Found> {
        let exact = |stamp: &Stamp| stamp.precision != Precision::Month;
        let early: Vec<&Line> = inside
            .iter()
            .take(6)
            // A lead may stand before the date, but not on Chinese pages.
            .take_while(|line| !self.is_chinese || line.text.chars().count() < 90)
            .filter(|line| line.text.chars().count() < 90 && is_head_line(&line.spaced, self.clock))
            .collect();
        let labelled = |lines: &[Line], labels: &[Label]| {
            let in_line = lines.iter().find_map(|line| self.labelled_date(line, labels));
            in_line.or_else(|| self.date_in_cells(lines)).filter(exact).map(|stamp| (stamp, "labelled text"))
        };
        let in_body = || early.iter().find_map(|line| self.labelled_date(line, &[Label::Date]));
        // A date may be split over neighbouring lines: 2023, 11/17, 20:52:15.
        let joined: String = head
            .iter()
            .rev()
            .take(8)
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
            .map(|line| &*line.text)
            .collect::<Vec<_>>()
            .join(" ");
        let alone = |line: &Line| {
            let is_other = byline::labelled(&line.spaced).iter().any(|(label, _)| *label == Label::Other)
                && (line.text.contains("打印") || line.text.contains("有效期"));
            (line.linked * 2 < width(&line.text).max(1) && !is_other)
                .then(|| self.date_in(&line.text))
                .flatten()
                .map(|(stamp, _)| stamp)
        };
        labelled(head, &[Label::Date, Label::Time])
            .or_else(|| head.iter().find_map(alone).filter(exact).map(|stamp| (stamp, "text near the title")))
            .or_else(|| labelled(above, &[Label::Date]))
            .or_else(|| in_body().filter(exact).map(|stamp| (stamp, "labelled text")))
            .or_else(|| {
                early.iter().find_map(|line| alone(line)).filter(exact).map(|stamp| (stamp, "text near the title"))
            })
            .or_else(|| {
                let found = date::find(&joined, self.clock).map(|(stamp, _)| stamp);
                found.filter(exact).map(|stamp| (stamp, "text near the title"))
            })
    }

    /// Returns the date of a line whose label fills the line before, as in the cells of a table.
    fn date_in_cells(&self, head: &[Line]) -> Option<Stamp> {
        let pairs = head.windows(2).filter_map(|pair| match pair {
            [label, value] if width(&label.text) <= MAX_LABEL && width(&value.text) <= MAX_VALUE => {
                Some((label, value))
            }
            _ => None,
        });
        pairs
            .filter(|(label, _)| byline::labelled(&label.text).is_empty())
            .find_map(|(label, value)| {
                let line = format!("{}：{}", label.text.trim_end_matches(['：', ':']), value.text);
                let first = byline::labelled(&line).into_iter().next().filter(|(kind, _)| *kind == Label::Date);
                first.filter(|(_, said)| *value.text == **said).and_then(|_| date::find(&value.text, self.clock))
            })
            .map(|(stamp, _)| stamp)
    }

    fn labelled_date(&self, line: &Line, labels: &[Label]) -> Option<Stamp> {
        byline::labelled(&line.spaced).into_iter().filter(|(label, _)| labels.contains(label)).find_map(|(_, value)| {
            date::find(&value, self.clock)
                .map(|(stamp, _)| stamp)
                .or_else(|| date::parse(text::head(&value, 40), self.clock))
        })
    }

    /// Returns a labelled date at the end of the body or behind it; one of the last change if there is no other.
    pub(super) fn date_behind(&self, lines: &Dated<'_>) -> Option<Found> {
        let behind = || lines.inside.iter().rev().take(ENDS).chain(lines.tail.iter().take(BEHIND));
        // "This entry was posted on 3 May 2012 and is filed under …" goes on.
        let begins = |line: &Line| {
            byline::labelled(text::head(&line.spaced, BEGINNING)).first().is_some_and(|(label, value)| {
                *label == Label::Date
                    && line.text.chars().count() < 500
                    && line.spaced.find(value.as_str()).is_some_and(|at| at < 48)
            })
        };
        let short = || behind().filter(|line| line.text.chars().count() < 120 || begins(line));
        let exact = |stamp: &Stamp| stamp.precision != Precision::Month;
        let labelled =
            |labels: &'static [Label]| short().find_map(|line| self.labelled_date(line, labels).filter(exact));
        // 2020-04-17 10:40 新华网: a line of its own right behind the text.
        let own = || {
            let lines = lines.tail.iter().take(2).filter(|line| line.linked == 0);
            let mut dates = lines
                .filter(|line| is_head_line(&line.spaced, self.clock))
                .filter_map(|line| date::find(&line.text, self.clock).map(|(stamp, _)| stamp));
            dates.find(|stamp| stamp.precision >= Precision::Minute)
        };
        labelled(&[Label::Date])
            .or_else(|| labelled(&[Label::Updated]))
            .or_else(own)
            .map(|stamp| (stamp, "labelled text"))
    }

    /// Returns the day with which a notice is signed: alone on one of its last lines.
    pub(super) fn signed_date(&self, lines: &Dated<'_>) -> Option<Found> {
        let last = lines.inside.iter().rev().take(SIGNED).filter(|line| width(&line.text) <= MAX_VALUE);
        let mut days = last.filter_map(|line| date::parse(&line.text.replace([' ', '\u{3000}'], ""), self.clock));
        days.find(|stamp| stamp.precision == Precision::Day).map(|stamp| (stamp, "date below the text"))
    }

    /// Returns the date that stands alone on a line between the title and the text, though among buttons.
    pub(super) fn date_among_buttons(&self, lines: &Dated<'_>) -> Option<Found> {
        let early = lines.inside.iter().filter(|line| is_prose(line)).nth(1)?.from;
        let all = body::lines(self.tree, lines.body, early, &[]);
        let alone = all.iter().filter(|line| line.linked == 0 && width(&line.text) <= MAX_VALUE);
        // "5 Jan" may be anything.
        let has_year = |line: &&Line| line.text.bytes().filter(u8::is_ascii_digit).count() >= 5;
        let mut dates = alone.filter(has_year).filter_map(|line| date::parse(&line.text, self.clock));
        dates.find(|stamp| stamp.precision != Precision::Month).map(|stamp| (stamp, "text near the title"))
    }

    /// Returns the month of a label that names no day.
    pub(super) fn labelled_month(&self, lines: &Dated<'_>) -> Option<Found> {
        let month = lines.below.iter().find_map(|line| self.labelled_date(line, &[Label::Date]));
        month.map(|stamp| (stamp, "labelled text"))
    }
}
