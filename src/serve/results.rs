//! Searches: what a request asks for, and its results as a page and as a feed.

use std::sync::Arc;

use super::document::Rendered;
use super::feeds::FeedHead;
use super::published::PublishConfig;
use super::renderer::Renderer;
use super::route::parameter;
use crate::model::{Moment, Named, Region, RegionId, Source, SourceId, Zone};
use crate::search::{Filters, Order, Place, Query, Results, SearchError, SearchIndex};
use crate::view::{StoryNo, View};
use crate::write::{self, Format, Language, Piece, SearchPage, SearchResult};

/// Number of results of a page.
const A_PAGE: usize = 20;
/// Length of an excerpt, in characters.
const EXCERPT: usize = 120;
/// Maximum number of regions to choose from.
const MAX_REGIONS: usize = 400;
/// Maximum length of a parameter that is shown again, in characters.
const MAX_SHOWN: usize = 200;

/// A request for something that there is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refused;

/// What a request asks for.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    text: String,
    query: Query,
    filters: Filters,
    /// The topic of the site that results are about; other topics are labels of sources, which the index knows.
    about: Option<String>,
    order: Order,
    after: Option<Place>,
    /// The days as they were written.
    days: [String; 2],
    is_day_unread: bool,
    /// The region whose feed is asked for, if its own address is used.
    of_region: bool,
}

impl Asked {
    /// Returns whether the feed of a region is to be searched.
    pub(super) fn is_in(query: Option<&str>) -> bool {
        ["q", "topic"].iter().any(|key| parameter(query, key).is_some())
    }

    /// Reads the parameters of a request; those that are empty count as absent.
    ///
    /// # Errors
    /// If there is no such region or source.
    pub(super) fn of(
        parameters: Option<&str>,
        region: Option<RegionId>,
        published: &PublishConfig,
        view: &View,
    ) -> Result<Self, Refused> {
        let value = |key| {
            let text: String =
                parameter(parameters, key)?.chars().filter(|c| !c.is_control()).take(MAX_SHOWN).collect();
            Some(text).filter(|text| !text.trim().is_empty())
        };
        let of_region = region.is_some();
        let region = match (region, value("region")) {
            (None, Some(name)) => match published.regions.named(&name) {
                Some(Named::Region(found) | Named::Moved(found)) => Some(found.id.clone()),
                Some(Named::Gone) | None => return Err(Refused),
            },
            (region, _) => region,
        };
        let source = value("source").map(|id| SourceId::new(&id).map_err(|_invalid| Refused)).transpose()?;
        if source.as_ref().is_some_and(|id| view.source(id).is_none()) {
            return Err(Refused);
        }
        let (about, topic) = match value("topic") {
            Some(topic) if published.topics.get(&topic).is_some() => (Some(topic), None),
            label => (None, label),
        };
        let has_topic = |source: &&Arc<Source>| topic.as_ref().is_some_and(|topic| source.topics.contains(topic));
        let topic_sources = published.listing.iter().filter(has_topic).map(|source| source.id.clone()).collect();
        let days = ["from", "to"].map(|key| value(key).unwrap_or_default());
        let [from, to] = [&days[0], &days[1]].map(|text| day(text));
        let is_day_unread = days.iter().zip([&from, &to]).any(|(text, day)| !text.is_empty() && day.is_none());
        let zone = &published.options.zone;
        let text = value("q").unwrap_or_default();
        Ok(Self {
            query: Query::parse(&text),
            text,
            filters: Filters {
                region,
                source,
                topic,
                topic_sources,
                from: from.map(|day| begin(day, zone)),
                to: to.map(|day| begin(day, zone).plus_seconds(86_399)),
            },
            about,
            order: if value("sort").as_deref() == Some("relevance") { Order::Relevance } else { Order::Newest },
            after: value("page").and_then(|place| Place::parse(&place)),
            days,
            is_day_unread,
            of_region,
        })
    }

    /// Returns a hash of everything that makes a difference for the document.
    pub(super) fn key(&self, format: Option<Format>, language: Language) -> u128 {
        let text = format!("{self:?} {format:?} {language:?}");
        let mut key = [0; 16];
        blake3::Hasher::new().update(text.as_bytes()).finalize_xof().fill(&mut key);
        u128::from_be_bytes(key)
    }

    /// Returns whether anything is asked for.
    fn is_asked(&self) -> bool {
        let Filters { region, source, topic, from, to, .. } = &self.filters;
        let has_filter = region.is_some() || source.is_some() || topic.is_some() || from.is_some() || to.is_some();
        !self.query.is_empty() || has_filter || self.about.is_some()
    }

    /// Returns the parameters in an address, without the place in the list.
    fn parameters(&self, has_region: bool) -> String {
        let Filters { region, source, topic, .. } = &self.filters;
        let pairs = [
            ("q", Some(self.text.as_str()).filter(|text| !text.is_empty())),
            ("region", region.as_ref().map(RegionId::as_str).filter(|_| has_region)),
            ("source", source.as_ref().map(SourceId::as_str)),
            ("topic", self.about.as_deref().or(topic.as_deref())),
            ("from", Some(self.days[0].as_str()).filter(|day| !day.is_empty())),
            ("to", Some(self.days[1].as_str()).filter(|day| !day.is_empty())),
            ("sort", (self.order == Order::Relevance).then_some("relevance")),
        ];
        let pairs = pairs.iter().filter_map(|(key, value)| Some(format!("{key}={}", encoded((*value)?))));
        pairs.collect::<Vec<_>>().join("&")
    }
}

impl Renderer<'_> {
    /// Renders the results of a search as a page.
    ///
    /// # Errors
    /// If the index or the log cannot be read for now.
    pub(super) fn results_page(&self, asked: &Asked, language: Language) -> Result<Rendered, SearchError> {
        let index = self.search.ok_or(SearchError::NotReady)?;
        let mut page = self.form(asked, language);
        if asked.is_asked() {
            let found = self.found(index, asked, (asked.order, asked.after), A_PAGE)?;
            page.is_incomplete = !found.is_complete;
            page.next = found.next.map(|place| format!("/search?{}&page={place}", asked.parameters(true)));
            let result = |found: &crate::search::Found| {
                let item = self.item(&self.view.story(found.story)?)?;
                let draft = self.report(found.position)?.draft;
                let (own, excerpt) = SearchIndex::excerpt(self.view, &asked.query, &draft, EXCERPT);
                let title = if draft.title == item.title { own } else { self.marked(asked, &item.title) };
                Some(SearchResult { item, title: pieces(title), excerpt: pieces(excerpt) })
            };
            page.results = found.found.iter().filter_map(result).collect();
            page.feeds = feeds(asked);
        }
        let first = asked.after.map(|_| format!("/search?{}", asked.parameters(true)));
        let changed = page.results.iter().map(|result| result.item.updated).max().unwrap_or_default();
        Ok(Rendered {
            media_type: super::document::HTML,
            bytes: write::search(&self.page(language), &page, first),
            changed,
        })
    }

    /// Finds results after a place.
    fn found(
        &self,
        index: &SearchIndex,
        asked: &Asked,
        (order, after): (Order, Option<Place>),
        most: usize,
    ) -> Result<Results, SearchError> {
        let stores = (self.log, self.view, &*self.published.regions);
        let is_about = |story, topic| self.view.story(story).is_some_and(|story| self.is_about(&story, topic));
        let of_topic = asked.about.as_ref().map(|topic| move |story| is_about(story, topic));
        let is_wanted = of_topic.as_ref().map(|is_wanted| is_wanted as &dyn Fn(StoryNo) -> bool);
        index.find_those(stores, (&asked.query, &asked.filters, order), after, most, is_wanted)
    }

    /// Returns whether there is anything with the label that is asked for.
    ///
    /// # Errors
    /// If the index is damaged.
    pub(super) fn has_topic(&self, asked: &Asked) -> Result<bool, SearchError> {
        match (&asked.filters.topic, self.search) {
            (Some(topic), Some(index)) if asked.filters.topic_sources.is_empty() => index.has_topic(topic),
            _ => Ok(true),
        }
    }

    fn marked(&self, asked: &Asked, title: &str) -> Vec<crate::search::Piece> {
        let draft = crate::model::Draft { title: title.to_owned(), ..Default::default() };
        SearchIndex::excerpt(self.view, &asked.query, &draft, EXCERPT).0
    }

    /// Renders the results of a search as a feed, newest first.
    ///
    /// # Errors
    /// If the index lacks something, or if it or the log cannot be read for now.
    pub(super) fn results_feed(&self, asked: &Asked, format: Format) -> Result<Rendered, SearchError> {
        let index = self.search.ok_or(SearchError::NotReady)?;
        let (options, regions) = (&self.published.options, &self.published.regions);
        let mut items = Vec::new();
        if asked.is_asked() {
            let found = self.found(index, asked, (Order::Newest, None), options.items)?;
            // A feed that lacks something for a while would look as if it was withdrawn.
            if !found.is_complete {
                return Err(SearchError::NotReady);
            }
            items.extend(found.found.iter().filter_map(|found| self.item(&self.view.story(found.story)?)));
        }
        let root = &options.public_url;
        let place = asked.filters.region.as_ref().and_then(|region| regions.get(region));
        let query = asked.parameters(!asked.of_region);
        let (page, self_link) = match place.filter(|_| asked.of_region) {
            Some(place) => (
                format!("{root}/search?{}", asked.parameters(true)),
                format!("{root}/regions/{}/{}?{query}", place.id, format.file()),
            ),
            None => (format!("{root}/search?{query}"), format!("{root}{}?{query}", path(format))),
        };
        let topic = self.topic_asked(asked, Language::of_tag(&options.language)).map(|(_, name)| name);
        let topic = topic.as_deref().unwrap_or_default();
        let parts = [asked.text.as_str(), topic, place.map_or("", |place| place.name.as_str()), &options.title];
        let title = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ");
        let head = FeedHead { id: page.clone(), description: title.clone(), title, self_link, page };
        let changed = items.iter().map(|item| item.updated).max().unwrap_or_default();
        Ok(Rendered { media_type: format.media_type(), bytes: self.write_feed(format, &head, &mut items), changed })
    }

    /// Renders the description of the search for browsers.
    pub(super) fn opensearch(&self) -> Rendered {
        let options = &self.published.options;
        let page = self.page(Language::of_tag(&options.language));
        Rendered {
            media_type: "application/opensearchdescription+xml; charset=utf-8",
            bytes: write::opensearch(&page, &options.public_url),
            changed: Moment::default(),
        }
    }

    /// Returns the topic or label that is asked for, as it stands in the address, and its name.
    fn topic_asked(&self, asked: &Asked, language: Language) -> Option<(String, String)> {
        let label = asked.filters.topic.clone().map(|label| (label.clone(), label));
        let topic = asked.about.as_deref().and_then(|id| self.published.topics.get(id));
        topic.map(|topic| (topic.id.clone(), topic.name(language.tag()).to_owned())).or(label)
    }

    /// Returns the form as it was filled in.
    fn form(&self, asked: &Asked, language: Language) -> SearchPage {
        let [from, to] = asked.days.clone();
        let title = |id: &SourceId| self.view.source(id).map_or_else(|| id.to_string(), |facts| facts.title);
        SearchPage {
            query: asked.text.clone(),
            is_asked: asked.is_asked(),
            from,
            to,
            is_day_unread: asked.is_day_unread,
            by_relevance: asked.order == Order::Relevance,
            regions: self.choice(asked.filters.region.as_ref()),
            source: asked.filters.source.as_ref().map(|id| (id.to_string(), title(id))),
            topic: self.topic_asked(asked, language),
            ..SearchPage::default()
        }
    }

    /// Returns the regions with items and those above them, as far down as there are not too many.
    fn choice(&self, chosen: Option<&RegionId>) -> Vec<(String, String, bool)> {
        let regions = &self.published.regions;
        let mut found: Vec<(Vec<&str>, &Region)> = Vec::new();
        for tag in self.view.tags() {
            let path = regions.path(&tag);
            let up = (0..path.len()).filter_map(|at| path.get(at..));
            found.extend(up.filter_map(|path| {
                let region = path.first().filter(|region| regions.is_published(&region.id))?;
                Some((path.iter().rev().map(|up| up.id.as_str()).collect(), *region))
            }));
        }
        found.sort_by(|one, other| one.0.cmp(&other.0));
        found.dedup_by(|one, other| one.0 == other.0);
        let depth =
            (1..8).rev().find(|depth| found.iter().filter(|(path, _)| path.len() <= *depth).count() <= MAX_REGIONS);
        found.retain(|(path, region)| path.len() <= depth.unwrap_or(1) || Some(&region.id) == chosen);
        let mut choice: Vec<_> = found
            .into_iter()
            .take(MAX_REGIONS)
            .map(|(path, region)| {
                let name = format!("{}{}", "　".repeat(path.len() - 1), region.name);
                (region.id.to_string(), name, Some(&region.id) == chosen)
            })
            .collect();
        if let Some(region) = chosen.and_then(|id| regions.get(id)).filter(|_| !choice.iter().any(|(.., is)| *is)) {
            choice.push((region.id.to_string(), region.name.clone(), true));
        }
        choice
    }
}

fn pieces(pieces: Vec<crate::search::Piece>) -> Vec<Piece> {
    pieces.into_iter().map(|piece| Piece { text: piece.text, is_hit: piece.is_hit }).collect()
}

fn feeds(asked: &Asked) -> Vec<(&'static str, &'static str, String)> {
    let link = |format: &Format| {
        let media_type = format.media_type().split(';').next().unwrap_or("");
        (media_type, format.name(), format!("{}?{}", path(*format), asked.parameters(true)))
    };
    Format::ALL.iter().map(link).collect()
}

const fn path(format: Format) -> &'static str {
    match format {
        Format::Atom => "/search.atom",
        Format::Rss => "/search.rss",
        Format::Json => "/search.json",
    }
}

/// Reads a day as people write it: 2026-01-31, 2026/1/31, 2026年1月31日. The time is that of its begin in UTC.
fn day(text: &str) -> Option<Moment> {
    let mut parts = text.split(|c: char| !c.is_ascii_digit()).filter(|part| !part.is_empty());
    let mut number = || parts.next().filter(|part| part.len() <= 4)?.parse::<u16>().ok();
    let (year, month, day) = (number()?, number()?, number()?);
    Moment::from_rfc3339(&format!("{year:04}-{month:02}-{day:02}T00:00:00Z"))
}

/// Returns the begin of a day in a zone.
fn begin(day: Moment, zone: &Zone) -> Moment {
    day.plus_seconds(-i64::from(zone.offset(day)))
}

/// Percent-encodes a text for the query of an address.
fn encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 3);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_read_as_people_write_them() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(day(text).map(Moment::day).as_deref(), expected, "{text}");
        };
        check("2026-01-31", Some("2026-01-31"));
        check("2026/1/31", Some("2026-01-31"));
        check("2026年1月31日", Some("2026-01-31"));
        check("2026-02-30", None);
        check("20260131", None);
        check("gestern", None);
        check("", None);
    }

    #[test]
    fn a_day_begins_with_its_zone() {
        assert_eq!(begin(day("2026-01-31").unwrap(), &Zone::shanghai()).rfc3339(), "2026-01-30T16:00:00.000Z");
    }

    #[test]
    fn nothing_of_a_word_is_left_unencoded() {
        assert_eq!(encoded("阳泉 \"a&b\"\r\n"), "%E9%98%B3%E6%B3%89%20%22a%26b%22%0D%0A");
    }
}
