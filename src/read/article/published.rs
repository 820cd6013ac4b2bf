//! When an article was published.

use std::borrow::Cow;

use serde_json::Value;

use super::body::Line;
use super::boilerplate::is_head_line;
use super::reader::Reader;
use crate::model::Precision;
use crate::model::Stamp;
use crate::read::byline;
use crate::read::date;
use crate::read::lexicon::Label;
use crate::read::markup::text;
use crate::read::markup::text::width;
use crate::read::tables::tables;

impl Reader<'_> {
    pub(super) fn published(&mut self, below: &[Line], above: &[Line], inside: &[Line]) -> Option<Stamp> {
        if let Some(id) = self.pinned("article.date", self.rules.date.as_ref()) {
            let line = self.tree.attribute(id, "datetime").map_or_else(|| self.tree.line(id), Cow::into_owned);
            let stamp =
                date::parse(&line, self.clock).or_else(|| date::find(&line, self.clock).map(|(stamp, _)| stamp));
            if let Some(stamp) = stamp {
                self.found.push(("published", "config".into()));
                return Some(stamp);
            }
        }
        let official = self
            .meta(&tables().meta.published)
            .and_then(|written| date::parse(&written, self.clock))
            .map(|stamp| (stamp, "meta"));
        let linked = self
            .linked_data
            .as_ref()
            .and_then(|data| data.get("datePublished").or_else(|| data.get("pubDate")))
            .and_then(Value::as_str)
            .and_then(|written| date::parse(written, self.clock))
            .map(|stamp| (stamp, "JSON-LD"));
        let in_address = || date::in_address(self.url.path(), self.clock).map(|stamp| (stamp, "address"));
        let shown = self.shown_date(below, inside).or_else(|| {
            let above = self.shown_date(above, &[])?;
            // An unlabelled date above the title may belong to anything; the address is more reliable.
            if above.1 == "labelled text" { Some(above) } else { in_address().or(Some(above)) }
        });
        let said = official.or(linked).or_else(|| self.scripted_date());
        let (stamp, by) = match (said, shown) {
            (Some(said), Some(shown)) => settle(said, shown),
            (said, shown) => said.or(shown).or_else(in_address)?,
        };
        self.found.push(("published", by.into()));
        Some(stamp)
    }

    /// Returns the date in a script of the page, as on articles of WeChat public accounts.
    pub(super) fn scripted_date(&self) -> Option<(Stamp, &'static str)> {
        self.tree
            .elements(0)
            .filter(|id| self.tree.is(*id, &["script"]))
            .find_map(|id| {
                let raw = self.tree.raw(id);
                tables().scripts.published.iter().find_map(|name| {
                    let (_, rest) = raw.split_once(name.as_str())?;
                    let value = rest.trim_start_matches(|c: char| c.is_whitespace() || "=:\"'".contains(c));
                    let value = value.split(['"', '\'', ';', ',', '\n']).next()?;
                    date::parse(value, self.clock).filter(|stamp| stamp.precision != Precision::Month)
                })
            })
            .map(|stamp| (stamp, "script"))
    }

    /// Finds the date near the title: labelled, alone, or in a `<time>` element. Dates inside the story do not count.
    pub(super) fn shown_date(&self, head: &[Line], inside: &[Line]) -> Option<(Stamp, &'static str)> {
        let exact = |stamp: &Stamp| stamp.precision != Precision::Month;
        let early: Vec<&Line> = inside
            .iter()
            .take(6)
            .take_while(|line| line.text.chars().count() < 90)
            .filter(|line| is_head_line(&line.spaced, self.clock))
            .collect();
        let labelled = |line: &Line, labels: &[Label]| {
            byline::labelled(&line.spaced).into_iter().filter(|(label, _)| labels.contains(label)).find_map(
                |(_, value)| {
                    date::find(&value, self.clock)
                        .map(|(stamp, _)| stamp)
                        .or_else(|| date::parse(text::head(&value, 40), self.clock))
                },
            )
        };
        let in_head = head.iter().find_map(|line| labelled(line, &[Label::Date, Label::Time]));
        let in_body = || early.iter().find_map(|line| labelled(line, &[Label::Date]));
        let marked = self.tree.elements(0).filter(|id| self.tree.is(*id, &["time"])).find_map(|id| {
            let written = self.tree.attribute(id, "datetime").map_or_else(|| self.tree.line(id), Cow::into_owned);
            date::parse(&written, self.clock)
        });
        // A date may be split over neighbouring lines: 2023, 11/17, 20:52:15.
        let joined: String = head
            .iter()
            .rev()
            .take(8)
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
            .map(|line| line.text.as_str())
            .collect::<Vec<_>>()
            .join(" ");
        let alone = |line: &Line| {
            let is_other = byline::labelled(&line.spaced).iter().any(|(label, _)| *label == Label::Other)
                && (line.text.contains("打印") || line.text.contains("有效期"));
            (line.linked * 2 < width(&line.text).max(1) && !is_other)
                .then(|| date::find(&line.text, self.clock))
                .flatten()
                .map(|(stamp, _)| stamp)
        };
        in_head
            .filter(exact)
            .map(|stamp| (stamp, "labelled text"))
            .or_else(|| head.iter().find_map(alone).filter(exact).map(|stamp| (stamp, "text near the title")))
            .or_else(|| in_body().filter(exact).map(|stamp| (stamp, "labelled text")))
            .or_else(|| {
                early.iter().find_map(|line| alone(line)).filter(exact).map(|stamp| (stamp, "text near the title"))
            })
            .or_else(|| marked.filter(exact).map(|stamp| (stamp, "<time>")))
            .or_else(|| {
                let found = date::find(&joined, self.clock).map(|(stamp, _)| stamp);
                found.filter(exact).map(|stamp| (stamp, "text near the title"))
            })
    }
}

/// Chooses between the declared and the shown date: the declared one, unless it is less precise, or is the shown time
/// in the wrong zone.
pub(super) fn settle(said: (Stamp, &'static str), shown: (Stamp, &'static str)) -> (Stamp, &'static str) {
    let rank = |stamp: &Stamp| match stamp.precision {
        Precision::Month => 0,
        Precision::Day => 1,
        Precision::Minute => 2,
        Precision::Second => 3,
    };
    let apart = said.0.at.since(shown.0.at).abs();
    let minutes = apart / 60_000;
    let by_zone = minutes > 0 && minutes % 30 == 0 && minutes <= 14 * 60 && said.0.offset != shown.0.offset;
    let same_day = said.0.day() == shown.0.day();
    if rank(&shown.0) >= 2 && by_zone
        || rank(&said.0) <= 1 && rank(&shown.0) > rank(&said.0) && same_day
        || rank(&shown.0) == 3 && rank(&said.0) == 2 && apart < 60_000
    {
        shown
    } else {
        said
    }
}
