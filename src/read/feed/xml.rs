//! RSS 0.90 to 2.0 (RSS 1.0 included), Atom 0.3 and 1.0, CDF: from elements to drafts.
//!
//! RSS: rssboard.org/rss-specification. Atom: RFC 4287. RSS 1.0: web.resource.org/rss/1.0. One set of rules serves them
//! all, because real feeds mix them.

use super::namespace::Namespace;
use super::reader::Reader;
use super::xml_tree::{Element, Outline, outline};
use crate::model::{Format, Link, Moment};
use crate::read::date::Clock;
use crate::read::fault::{Fault, FaultKind};
use crate::read::reading::{MAX_DRAFTS, Reading, Skip, newest, too_many};

/// The most items that are looked at to find the newest.
const MAX_ITEMS: usize = 10 * MAX_DRAFTS;

/// Reads a document that is, or should be, a feed in XML.
pub(in crate::read) fn read(text: &str, url: &Link, clock: Clock<'_>) -> Reading {
    let outline = outline(text, MAX_ITEMS);
    let reader = Reader::new(&outline, url, clock, text.len());
    let mut reading = Reading { format: reader.format(), ..Reading::default() };
    let mut fault = |kind, place: &str, detail: String| reading.faults.push(Fault::new(kind, place, detail));
    if outline.too_deep {
        fault(
            FaultKind::TooDeep,
            "document",
            "elements are nested more than 64 levels deep; the feed is broken or malicious".to_owned(),
        );
        return Reading { faults: reading.faults, ..Reading::default() };
    }
    let items: Vec<usize> =
        (0..outline.elements.len()).filter(|at| reader.element(*at).is_some_and(Element::is_item)).collect();
    if reading.format == Format::Unknown && items.is_empty() {
        let root = outline
            .elements
            .first()
            .map_or_else(|| "no element at all".to_owned(), |root| format!("a <{}> document", root.name));
        fault(FaultKind::NotAFeed, "document", format!("this is {root}, not a feed"));
        return Reading { faults: reading.faults, ..Reading::default() };
    }
    lacks(&outline, items.len(), &mut reading.faults);
    let first_item = items.first().copied().unwrap_or(outline.elements.len());
    reader.head(first_item, items.last().copied(), &mut reading);
    let end_of = |at: usize| items.get(at + 1).copied().unwrap_or(outline.elements.len());
    let dates: Vec<Option<Moment>> = if items.len() > MAX_DRAFTS {
        items.iter().enumerate().map(|(at, item)| reader.date(*item, end_of(at))).collect()
    } else {
        vec![None; items.len()]
    };
    for at in newest(&dates, MAX_DRAFTS) {
        let Some(item) = items.get(at) else { continue };
        let end = end_of(at);
        // Skip empty items.
        if item + 1 < end || reader.element(*item).is_some_and(|e| !e.tag.trim().is_empty()) {
            let draft = reader.draft(*item, end, &mut reading.faults);
            reading.drafts.push(draft.bounded());
        }
    }
    if outline.definitions.is_spent() {
        let detail = "its entities expand to too much text; the excess was dropped";
        reading.faults.push(Fault::new(FaultKind::TooMany, "document", detail.to_owned()));
    }
    // Cut inside a text or a tag rather than after one, or before the last item has a title.
    reading.is_cut = outline.truncated
        && (!text.trim_end().ends_with('>') || reading.drafts.last().is_some_and(|draft| draft.title.is_empty()));
    count_tags(text, &mut reading);
    reading
}

/// Notes what of the document could not be looked at.
fn lacks(outline: &Outline<'_>, items: usize, faults: &mut Vec<Fault>) {
    if outline.truncated {
        let detail = "the document is truncated; the part received was read".to_owned();
        faults.push(Fault::new(FaultKind::Truncated, "document", detail));
    }
    if outline.too_many {
        let detail = format!("more than {MAX_ITEMS} items, or too many elements; only the first were looked at");
        faults.push(Fault::new(FaultKind::TooMany, "document", detail));
    }
    faults.extend(too_many(items, "document"));
}

/// Notes that a document without items has tags of items: never trust "no items".
fn count_tags(text: &str, reading: &mut Reading) {
    if reading.drafts.is_empty() {
        let tags = text.match_indices("<item").count() + text.match_indices("<entry").count();
        let lists = text.match_indices("<items").count();
        if tags > lists {
            let detail = format!("{} item tags found, but no item could be read", tags - lists);
            reading.faults.push(Fault::new(FaultKind::ItemsLost, "document", detail));
        }
    }
}

impl<'a> Reader<'a> {
    fn format(&self) -> Format {
        let elements = || self.outline.elements.iter().take(8);
        let root = elements().find(|e| matches!(e.name.as_str(), "rss" | "feed" | "rdf" | "channel"));
        match root.map(|root| root.name.as_str()) {
            Some("rdf") if elements().any(|e| e.name == "channel" || e.is_item()) => Format::Rdf,
            Some("feed") => Format::Atom,
            Some("rss") => Format::Rss,
            Some("channel") if elements().any(|e| e.attribute("href").is_some() && e.name == "channel") => Format::Cdf,
            Some("channel") => Format::Rss,
            _ => Format::Unknown,
        }
    }

    /// Reads the fields of the whole feed: the children of its `channel` or `feed` element, before or after the items.
    fn head(&self, first_item: usize, last_item: Option<usize>, reading: &mut Reading) {
        let around = self.outline.elements.iter().position(|e| e.name == "channel" || e.name == "feed").unwrap_or(0);
        let all = self.outline.elements.len();
        let end = if last_item.is_some() { all } else { first_item };
        let fields: Vec<&Element<'_>> = self.children(around, end).collect();
        let field = |name: &str| fields.iter().find(|e| e.is(Namespace::Core, name)).copied();
        reading.title = field("title").map(|e| self.title(e)).unwrap_or_default();
        let mut links = fields.iter().filter(|e| e.is(Namespace::Core, "link"));
        reading.link = links
            .find(|e| match e.attribute("href") {
                Some(_) => matches!(e.attribute("rel").unwrap_or("alternate"), "alternate"),
                None => !e.inner.trim().is_empty(),
            })
            .and_then(|e| self.link_of(e));
        let number = |e: &Element<'_>| self.text(e).trim().parse::<u64>().ok();
        let ttl = field("ttl").and_then(number).map_or(0, |minutes| minutes.saturating_mul(60));
        let sy = |name: &str| fields.iter().find(|e| e.is(Namespace::Sy, name)).map(|e| self.text(e));
        let period = sy("updateperiod").map_or(0, |period| match period.trim() {
            "hourly" => 3600,
            "daily" => 86_400,
            "weekly" => 7 * 86_400,
            "monthly" => 30 * 86_400,
            "yearly" => 365 * 86_400,
            _ => 0,
        });
        let frequency =
            sy("updatefrequency").and_then(|text| text.trim().parse::<u64>().ok()).filter(|n| *n > 0).unwrap_or(1);
        reading.wait = ttl.max(period / frequency);
        reading.skip = self.skip();
        let named = |relation: &str| {
            let mut links = fields.iter().filter(|e| e.is(Namespace::Core, "link"));
            links.find(|e| e.attribute("rel") == Some(relation)).and_then(|e| self.link_of(e))
        };
        reading.hub = named("hub").zip(named("self"));
    }

    fn skip(&self) -> Skip {
        let texts = |parent: &str, name: &str| -> Vec<String> {
            let is_below = |e: &&Element<'_>| {
                e.name == name && e.parent.and_then(|parent| self.element(parent)).is_some_and(|up| up.name == parent)
            };
            self.outline.elements.iter().filter(is_below).take(24).map(|e| self.text(e).trim().to_lowercase()).collect()
        };
        const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
        Skip {
            hours: texts("skiphours", "hour")
                .iter()
                .filter_map(|hour| hour.parse().ok())
                .filter(|hour| *hour < 24)
                .collect(),
            days: texts("skipdays", "day")
                .iter()
                .filter_map(|day| DAYS.iter().position(|name| name == day).and_then(|at| u8::try_from(at).ok()))
                .collect(),
        }
    }
}
