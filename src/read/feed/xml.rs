//! RSS 0.90 to 2.0 (RSS 1.0 included), Atom 0.3 and 1.0, CDF: from elements to drafts.
//!
//! RSS: rssboard.org/rss-specification. Atom: RFC 4287. RSS 1.0: web.resource.org/rss/1.0. One set of rules serves them
//! all, because real feeds mix them.

use std::borrow::Cow;

use super::namespace::Namespace;
use super::xml_tree::{Element, Outline, outline};
use crate::model::{Credit, Draft, Enclosure, Link, Stamp};
use crate::read::date::{self, Clock};
use crate::read::fault::{Fault, FaultKind};
use crate::read::markup::text::{self, Definitions};
use crate::read::reading::{MOST_DRAFTS, Reading, Skip};
use crate::read::work;

/// The most categories of an item.
const CATEGORIES: usize = 32;
/// The most authors of an item.
const AUTHORS: usize = 16;
/// The most attached files of an item.
const ENCLOSURES: usize = 32;
/// The longest `xml:base`, in bytes.
const MAX_BASE: usize = 2048;
/// The largest body, in bytes.
const BODY: usize = 256 * 1024;

/// Reads a document that is, or should be, a feed in XML.
pub(in crate::read) fn read(text: &str, url: &Link, clock: Clock<'_>) -> Reading {
    let outline = outline(text, MOST_DRAFTS);
    let reader = Reader { outline: &outline, url, clock };
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
    if reading.format.is_empty() && items.is_empty() {
        let root = outline
            .elements
            .first()
            .map_or_else(|| "no element at all".to_owned(), |root| format!("a <{}> document", root.name));
        fault(FaultKind::NotAFeed, "document", format!("this is {root}, not a feed"));
        return Reading { faults: reading.faults, ..Reading::default() };
    }
    if outline.truncated {
        fault(FaultKind::Truncated, "document", "the document is truncated; the part received was read".to_owned());
    }
    if outline.too_many {
        fault(
            FaultKind::TooMany,
            "document",
            format!("more than {MOST_DRAFTS} items, or too many elements; only the first were read"),
        );
    }
    let first_item = items.first().copied().unwrap_or(outline.elements.len());
    reader.head(first_item, items.last().copied(), &mut reading);
    for (at, item) in items.iter().enumerate() {
        let end = items.get(at + 1).copied().unwrap_or(outline.elements.len());
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
    // Never trust "no items": count the tags themselves.
    if reading.drafts.is_empty() {
        let tags = text.match_indices("<item").count() + text.match_indices("<entry").count();
        let lists = text.match_indices("<items").count();
        if tags > lists {
            let detail = format!("{} item tags found, but no item could be read", tags - lists);
            reading.faults.push(Fault::new(FaultKind::ItemsLost, "document", detail));
        }
    }
    reading
}

struct Reader<'a> {
    outline: &'a Outline<'a>,
    url: &'a Link,
    clock: Clock<'a>,
}

impl<'a> Reader<'a> {
    fn element(&self, at: usize) -> Option<&'a Element<'a>> {
        self.outline.elements.get(at)
    }

    fn definitions(&self) -> &'a Definitions {
        &self.outline.definitions
    }

    fn format(&self) -> &'static str {
        let elements = || self.outline.elements.iter().take(8);
        let root = elements().find(|e| matches!(e.name.as_str(), "rss" | "feed" | "rdf" | "channel"));
        match root.map(|root| root.name.as_str()) {
            Some("rdf") if elements().any(|e| e.name == "channel" || e.is_item()) => "rdf",
            Some("feed") => "atom",
            Some("rss") => "rss",
            Some("channel") if elements().any(|e| e.attribute("href").is_some() && e.name == "channel") => "cdf",
            Some("channel") => "rss",
            _ => "",
        }
    }

    /// Returns the direct children of `parent`, up to element number `end`.
    fn children(&self, parent: usize, end: usize) -> impl Iterator<Item = &'a Element<'a>> + Clone {
        // The descendants of an element follow it directly, so the first element outside ends the search.
        let within = self.outline.elements.get(parent + 1..end).unwrap_or(&[]).iter();
        let within = within.take_while(move |e| e.parent.is_some_and(|up| up >= parent) && work::charge(1));
        within.filter(move |e| e.parent == Some(parent))
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

    fn draft(&self, item: usize, end: usize, faults: &mut Vec<Fault>) -> Draft {
        let fields = || self.children(item, end);
        let below = || self.outline.elements.get(item + 1..end).unwrap_or(&[]).iter();
        let mut found: Vec<(&'static str, Cow<'static, str>)> = Vec::new();
        let mut note = |field: &'static str, by: &'static str| found.push((field, Cow::Borrowed(by)));

        let mut draft = Draft::default();
        let titles = [
            (Namespace::Core, "title", "title"),
            (Namespace::Dc, "title", "dc:title"),
            (Namespace::Media, "title", "media:title"),
        ];
        if let Some((title, by)) = titles.iter().find_map(|(namespace, name, by)| {
            let title =
                fields().filter(|e| e.is(*namespace, name)).map(|e| self.title(e)).find(|title| !title.is_empty())?;
            Some((title, *by))
        }) {
            draft.title = title;
            note("title", by);
        }

        let guid = fields().find(|e| e.is(Namespace::Core, "guid") && !e.inner.trim().is_empty());
        let id = fields().find(|e| e.is(Namespace::Core, "id") && !e.inner.trim().is_empty());
        let about = self.element(item).and_then(|e| {
            e.attributes().find(|(name, _)| name.eq_ignore_ascii_case("rdf:about")).map(|(_, value)| value.trim())
        });
        if let Some(element) = guid.or(id) {
            draft.guid = Some(self.identifier(element));
            note("guid", if guid.is_some() { "guid" } else { "id" });
        } else if let Some(about) = about.filter(|about| !about.is_empty()) {
            draft.guid = self.absolute(self.element(item), &text::resolve(about, self.definitions()));
            note("guid", "rdf:about");
        }

        if let Some((link, by)) = self.link(item, end, guid) {
            draft.link = Some(link);
            note("link", by);
        } else if let Some(about) =
            draft.guid.as_deref().filter(|about| guid.is_none() && id.is_none() && Link::parse(about).is_ok())
        {
            draft.link = Some(about.to_owned());
            note("link", "rdf:about");
        }

        let published: [(Namespace, &str, &str); 8] = [
            (Namespace::Core, "pubdate", "pubDate"),
            (Namespace::Core, "published", "published"),
            (Namespace::Core, "issued", "issued"),
            (Namespace::DcTerms, "issued", "dcterms:issued"),
            (Namespace::Dc, "date", "dc:date"),
            (Namespace::Core, "date", "date"),
            (Namespace::Core, "created", "created"),
            (Namespace::DcTerms, "created", "dcterms:created"),
        ];
        let updated: [(Namespace, &str, &str); 4] = [
            (Namespace::Core, "updated", "updated"),
            (Namespace::Core, "modified", "modified"),
            (Namespace::DcTerms, "modified", "dcterms:modified"),
            (Namespace::Core, "lastbuilddate", "lastBuildDate"),
        ];
        let mut date = |names: &[(Namespace, &'static str, &'static str)]| -> Option<(Stamp, &'static str)> {
            names.iter().find_map(|(namespace, name, by)| {
                let element = fields().find(|e| e.is(*namespace, name) && !e.inner.trim().is_empty())?;
                let written = self.text(element);
                let stamp = date::parse(&written, self.clock);
                if stamp.is_none() {
                    let detail = format!("`{}` is not a usable date", text::head(written.trim(), 80));
                    faults.push(Fault::new(FaultKind::Date, by, detail));
                }
                Some((stamp?, *by))
            })
        };
        if let Some((stamp, by)) = date(&published) {
            draft.published = Some(stamp);
            note("published", by);
        }
        // CDF has the date in an attribute of the item.
        let last_modified = || {
            let written = self.element(item)?.attribute("lastmod")?;
            Some((date::parse(written, self.clock)?, "lastmod"))
        };
        if let Some((stamp, by)) = date(&updated).or_else(last_modified) {
            draft.updated = Some(stamp);
            note("updated", by);
        }

        self.people(item, end, &mut draft);
        if !draft.authors.is_empty() {
            note("authors", "author");
        }
        self.body(item, end, &mut draft);
        if !draft.content_html.is_empty() {
            note("content_html", "content");
        }

        for element in fields().filter(|e| {
            e.is(Namespace::Core, "category") || e.is(Namespace::Dc, "subject") || e.is(Namespace::Itunes, "keywords")
        }) {
            let label = element
                .attribute("label")
                .or_else(|| element.attribute("term"))
                .map(|label| text::resolve(label, self.definitions()));
            let label = label.map_or_else(|| self.title(element), |label| text::line(&label));
            if !label.is_empty() && !draft.categories.contains(&label) && draft.categories.len() < CATEGORIES {
                draft.categories.push(label);
            }
        }

        let attached = below().filter(|e| {
            let is_link = e.is(Namespace::Core, "link")
                && e.attribute("rel").is_some_and(|rel| rel.eq_ignore_ascii_case("enclosure"));
            (e.is(Namespace::Core, "enclosure") || e.is(Namespace::Media, "content") || is_link)
                && (e.parent == Some(item) || e.namespace == Namespace::Media)
        });
        for element in attached {
            let address = element.attribute("url").or_else(|| element.attribute("href"));
            let url = address.and_then(|url| self.absolute(Some(element), &text::resolve(url, self.definitions())));
            let Some(url) = url.filter(|url| Link::parse(url).is_ok()) else { continue };
            if draft.enclosures.len() < ENCLOSURES && !draft.enclosures.iter().any(|known| known.url == url) {
                let length = element.attribute("length").or_else(|| element.attribute("fileSize"));
                draft.enclosures.push(Enclosure {
                    url,
                    kind: element.attribute("type").map(text::line).filter(|kind| kind.contains('/')),
                    length: length.and_then(|length| length.trim().parse().ok()),
                });
            }
        }

        draft.comments = fields()
            .find(|e| e.is(Namespace::Core, "comments"))
            .and_then(|e| self.link_of(e))
            .filter(|url| Link::parse(url).is_ok());
        draft.rights = fields()
            .find(|e| {
                (e.namespace == Namespace::Core && matches!(e.name.as_str(), "rights" | "copyright"))
                    || e.is(Namespace::Dc, "rights")
            })
            .map(|e| self.title(e))
            .filter(|rights| !rights.is_empty());
        draft.credit = self.credit(item, end);
        draft.found = found;
        draft
    }

    /// Returns the link of an item: the text of an RSS link, an alternate link of Atom (preferably to a page), the
    /// `href` of a CDF item, a permalink guid.
    fn link(&self, item: usize, end: usize, guid: Option<&Element<'_>>) -> Option<(String, &'static str)> {
        let links = || self.children(item, end).filter(|e| e.is(Namespace::Core, "link"));
        let is_alternate = |e: &&Element<'_>| {
            e.attribute("href").is_some()
                && e.attribute("rel")
                    .map(str::trim)
                    .is_none_or(|rel| rel.is_empty() || rel.eq_ignore_ascii_case("alternate"))
        };
        let is_page = |e: &&Element<'_>| e.attribute("type").is_none_or(|kind| kind.contains("html"));
        let written = || links().filter(|e| e.attribute("href").is_none()).find_map(|e| self.link_of(e));
        let alternate = || {
            let page = links().filter(is_alternate).find(is_page).and_then(|e| self.link_of(e));
            page.or_else(|| links().filter(is_alternate).find_map(|e| self.link_of(e)))
        };
        if let Some(link) = written().or_else(alternate) {
            return Some((link, "link"));
        }
        let own = self.element(item);
        if let Some(link) =
            own.and_then(|e| self.absolute(Some(e), &text::resolve(e.attribute("href")?, self.definitions())))
        {
            return Some((link, "href"));
        }
        let guid = guid.filter(|e| e.attribute("isPermaLink").is_none_or(|is| !is.eq_ignore_ascii_case("false")))?;
        let address = self.absolute(Some(guid), self.text(guid).trim())?;
        Link::parse(&address).ok().map(|_| (address, "guid"))
    }

    /// Returns the address in a link element, made absolute.
    fn link_of(&self, element: &Element<'_>) -> Option<String> {
        let raw = match element.attribute("href") {
            Some(href) => text::resolve(href, self.definitions()),
            None => Cow::Owned(self.text(element)),
        };
        self.absolute(Some(element), &raw)
    }

    fn identifier(&self, element: &Element<'_>) -> String {
        let id = self.text(element);
        let id = text::printable(id.trim()).into_owned();
        // Atom ids are never relative (RFC 4287, section 4.2.6), but some feeds have ids relative to their base.
        let is_relative = id.contains('/') && !id.contains(':');
        if is_relative && element.base.is_some() {
            self.base(element).join(&id).map_or(id, |link| link.as_str().to_owned())
        } else {
            id
        }
    }

    /// Returns the base of an element: every `xml:base` at or above it, resolved against the document's address.
    fn base(&self, element: &Element<'_>) -> Link {
        let mut chain = Vec::new();
        let mut at = element.base;
        while let Some(owner) = at.and_then(|at| self.element(at)) {
            let base =
                crate::read::markup::tokens::attribute(owner.tag, "xml:base").filter(|base| base.len() <= MAX_BASE);
            chain.extend(base.map(|base| text::resolve(base, self.definitions())));
            at = owner.parent.and_then(|parent| self.element(parent)?.base);
        }
        chain.iter().rev().fold(self.url.clone(), |base, reference| base.join(reference).unwrap_or(base))
    }

    /// Makes an address absolute if possible.
    fn absolute(&self, element: Option<&Element<'_>>, reference: &str) -> Option<String> {
        let reference: String =
            text::printable(reference).chars().filter(|c| !matches!(c, '\n' | '\r' | '\t')).collect();
        let reference = reference.trim();
        if reference.is_empty() {
            return None;
        }
        if let Ok(link) = Link::parse(reference) {
            return Some(link.as_str().to_owned());
        }
        let base = element.map_or_else(|| self.url.clone(), |e| self.base(e));
        match base.join(reference) {
            Ok(link) => Some(link.as_str().to_owned()),
            // Addresses of other schemes (urn:, mailto:) are kept: they identify the item, though nobody fetches them.
            Err(_) => Some(text::head(reference, 2048).to_owned()),
        }
    }

    /// Returns the text of an element: references resolved, CDATA as it is, tags kept, Atom's base64 decoded.
    fn text(&self, element: &Element<'_>) -> String {
        let text = markup_text(element.inner, self.definitions());
        let says = |name: &str| element.attribute(name).is_some_and(|value| value.eq_ignore_ascii_case("base64"));
        // In Atom 1.0, every media type that is neither text nor XML is base64 (RFC 4287, section 4.1.3.3).
        let kind = element.attribute("type").unwrap_or("").to_ascii_lowercase();
        let is_binary =
            kind.contains('/') && !kind.starts_with("text/") && !kind.contains("xml") && !kind.contains("html");
        if says("mode") || says("type") || is_binary { base64(&text).unwrap_or(text) } else { text }
    }

    /// Returns a title as one line of plain text, whatever its type.
    fn title(&self, element: &Element<'_>) -> String {
        let value = self.text(element);
        let kind = element.attribute("type").unwrap_or("").to_ascii_lowercase();
        if text::looks_like_html(&value) {
            return text::line(&text::plain(&value));
        }
        // References in Atom's plain text are resolved once, those in HTML twice.
        let is_plain = kind == "text" || kind == "text/plain";
        text::line(&if is_plain { Cow::Borrowed(value.as_str()) } else { text::resolve(&value, self.definitions()) })
    }

    /// Reads the authors: Atom names, dc:creator, itunes:author, and `address (Name)` in RSS.
    fn people(&self, item: usize, end: usize, draft: &mut Draft) {
        let all = self.outline.elements.get(item + 1..end).unwrap_or(&[]);
        for (at, element) in all.iter().enumerate().filter(|(_, e)| e.parent == Some(item)) {
            let is_author = element.is(Namespace::Core, "author")
                || element.is(Namespace::Dc, "creator")
                || element.is(Namespace::Itunes, "author");
            if !is_author || draft.authors.len() >= AUTHORS {
                continue;
            }
            let own = item + 1 + at;
            let part = |name: &str| self.children(own, end).find(|e| e.name == name).map(|e| self.title(e));
            let has_parts = self.children(own, end).next().is_some();
            let name = if has_parts {
                part("name").or_else(|| part("email")).unwrap_or_default()
            } else {
                bare_name(&self.title(element))
            };
            if !name.is_empty() && !draft.authors.contains(&name) {
                draft.authors.push(name);
            }
        }
    }

    fn body(&self, item: usize, end: usize, draft: &mut Draft) {
        let fields = || self.children(item, end);
        let content = fields()
            .find(|e| {
                e.is(Namespace::Content, "encoded")
                    || (e.namespace == Namespace::Core
                        && matches!(e.name.as_str(), "content" | "fullitem" | "body")
                        && !e.inner.trim().is_empty())
                    || (e.namespace == Namespace::Xhtml && matches!(e.name.as_str(), "body" | "div"))
            })
            .map(|e| self.html(e));
        let summary = fields()
            .find(|e| {
                e.namespace == Namespace::Core
                    && matches!(e.name.as_str(), "description" | "summary" | "abstract")
                    && !e.inner.trim().is_empty()
            })
            .or_else(|| fields().find(|e| e.is(Namespace::Itunes, "summary") || e.is(Namespace::Dc, "description")))
            .or_else(|| fields().find(|e| e.is(Namespace::Media, "description")))
            .map(|e| self.html(e));
        let content = content.filter(|html| !html.trim().is_empty());
        draft.summary =
            summary.as_deref().map(|html| text::head(&text::plain(html), BODY).to_owned()).unwrap_or_default();
        draft.text = content
            .as_deref()
            .map_or_else(|| draft.summary.clone(), |html| text::head(&text::plain(html), BODY).to_owned());
        draft.content_html = content.or(summary).map(|html| text::head(&html, BODY).to_owned()).unwrap_or_default();
    }

    /// Returns the HTML in an element.
    fn html(&self, element: &Element<'_>) -> String {
        let kind = element.attribute("type").unwrap_or("").to_ascii_lowercase();
        let mode = element.attribute("mode").unwrap_or("").to_ascii_lowercase();
        let is_inline =
            kind.contains("xhtml") || (mode == "xml" && kind.contains("html")) || element.namespace == Namespace::Xhtml;
        if is_inline {
            return text::printable(element.inner.trim()).into_owned();
        }
        let value = self.text(element);
        let is_plain = kind == "text" || kind == "text/plain";
        if is_plain && !text::looks_like_html(&value) {
            return value.replace('&', "&amp;").replace('<', "&lt;");
        }
        text::printable(value.trim()).into_owned()
    }

    /// Returns the source: `<source url="…">name</source>` in RSS, or the feed described by `atom:source`.
    fn credit(&self, item: usize, end: usize) -> Option<Credit> {
        let at = (item + 1..end)
            .find(|at| self.element(*at).is_some_and(|e| e.parent == Some(item) && e.is(Namespace::Core, "source")))?;
        let element = self.element(at)?;
        let part = |name: &str| self.children(at, end).find(|e| e.is(Namespace::Core, name));
        let name = part("title").map_or_else(|| self.title(element), |e| self.title(e));
        let link = match element.attribute("url") {
            Some(url) => self.absolute(Some(element), &text::resolve(url, self.definitions())),
            None => part("link").and_then(|e| self.link_of(e)),
        };
        (!name.is_empty()).then_some(Credit { name, link })
    }
}

/// Returns the text between tags: references resolved, CDATA as it is, and tags kept as written.
fn markup_text(inner: &str, definitions: &Definitions) -> String {
    use crate::read::markup::tokens::{Token, Tokens, cut};
    if !inner.contains('<') {
        return text::resolve(inner, definitions).into_owned();
    }
    let mut out = String::with_capacity(inner.len());
    let mut tokens = Tokens::new(inner);
    while let Some(token) = tokens.next() {
        match token {
            Token::Text(raw) => out.push_str(&text::resolve(raw, definitions)),
            Token::Cdata(content) => out.push_str(content),
            Token::Start { .. } | Token::End { .. } => out.push_str(cut(inner, tokens.start(), tokens.end())),
            Token::Doctype(_) => {}
        }
    }
    out
}

/// Returns the name in `address (Name)` or `Name <address>`, or the whole text if it has neither form.
fn bare_name(author: &str) -> String {
    if let Some((address, name)) = author.split_once('(')
        && address.contains('@')
        && let Some((name, _)) = name.split_once(')')
    {
        return name.trim().to_owned();
    }
    match author.split_once('<') {
        Some((name, address)) if address.contains('@') && !name.trim().is_empty() => {
            name.trim().trim_matches('"').to_owned()
        }
        _ => author.to_owned(),
    }
}

/// Decodes base64 (RFC 4648, section 4); `None` if it is invalid or not UTF-8 text.
fn base64(text: &str) -> Option<String> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bytes, mut bits, mut held) = (Vec::new(), 0_u32, 0_u32);
    for byte in text.bytes().filter(|b| !b.is_ascii_whitespace() && *b != b'=') {
        bits = (bits << 6) | u32::try_from(ALPHABET.iter().position(|known| *known == byte)?).ok()?;
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push(u8::try_from((bits >> held) & 0xff).ok()?);
        }
    }
    String::from_utf8(bytes).ok()
}
