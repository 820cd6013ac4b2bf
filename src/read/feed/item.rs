//! Finds the fields of an item.

use std::borrow::Cow;

use super::namespace::Namespace;
use super::reader::Reader;
use super::xml_tree::Element;
use crate::model::{Credit, Draft, Enclosure, Link, Moment, Stamp};
use crate::read::date;
use crate::read::fault::{Fault, FaultKind};
use crate::read::markup::text;
use crate::read::reading::is_unset;

/// The most categories of an item.
const CATEGORIES: usize = 32;

/// The most authors of an item.
const AUTHORS: usize = 16;

/// The most attached files of an item.
const ENCLOSURES: usize = 32;

/// The largest body, in bytes.
const BODY: usize = 256 * 1024;

/// Returns whether an author is nothing but a mail address, which names nobody.
fn is_address(author: &str) -> bool {
    author.contains('@') && !author.contains(char::is_whitespace)
}

/// Returns the name in `address (Name)`, `Name (address)` or `Name <address>`, or the whole text if it has neither form.
fn bare_name(author: &str) -> String {
    if let Some((address, name)) = author.split_once('(')
        && address.contains('@')
        && let Some((name, _)) = name.split_once(')')
    {
        return name.trim().to_owned();
    }
    // Name (address)
    if let Some((name, address)) = author.split_once('(')
        && address.contains('@')
        && !name.trim().is_empty()
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

/// A field by the namespace and name of its element, and its name in the evidence.
type Name = (Namespace, &'static str, &'static str);

/// The elements that may hold the title, the most trusted first.
const TITLE: [Name; 3] = [
    (Namespace::Core, "title", "title"),
    (Namespace::Dc, "title", "dc:title"),
    (Namespace::Media, "title", "media:title"),
];
/// The elements that may hold the date of publication, the most trusted first.
const PUBLISHED: [Name; 8] = [
    (Namespace::Core, "pubdate", "pubDate"),
    (Namespace::Core, "published", "published"),
    (Namespace::Core, "issued", "issued"),
    (Namespace::DcTerms, "issued", "dcterms:issued"),
    (Namespace::Dc, "date", "dc:date"),
    (Namespace::Core, "date", "date"),
    (Namespace::Core, "created", "created"),
    (Namespace::DcTerms, "created", "dcterms:created"),
];
/// The elements that may hold the date of the last change, the most trusted first.
const UPDATED: [Name; 4] = [
    (Namespace::Core, "updated", "updated"),
    (Namespace::Core, "modified", "modified"),
    (Namespace::DcTerms, "modified", "dcterms:modified"),
    (Namespace::Core, "lastbuilddate", "lastBuildDate"),
];

/// Which field was found by what.
type Evidence = Vec<(&'static str, Cow<'static, str>)>;

impl Reader<'_> {
    /// Returns when an item was published or changed.
    pub(super) fn date(&self, item: usize, end: usize) -> Option<Moment> {
        let date = |names: &[Name]| self.first_date(item, end, names, &mut Vec::new());
        date(&PUBLISHED).or_else(|| date(&UPDATED)).map(|(stamp, _)| stamp.at)
    }

    pub(super) fn draft(&self, item: usize, end: usize, faults: &mut Vec<Fault>) -> Draft {
        let fields = || self.children(item, end);
        let mut found = Evidence::new();
        let mut draft = Draft::default();
        if let Some((title, by)) = self.first_title(item, end) {
            draft.title = title;
            found.push(("title", Cow::Borrowed(by)));
        }
        self.identify(item, end, &mut draft, &mut found);
        self.date_draft(item, end, &mut draft, &mut found, faults);
        draft.authors = self.people(item, end);
        if draft.authors.is_empty() {
            draft.authors = self.inherited(item, end);
        }
        if !draft.authors.is_empty() {
            found.push(("authors", Cow::Borrowed("author")));
        }
        self.body(item, end, &mut draft);
        if !draft.content_html.is_empty() {
            found.push(("content_html", Cow::Borrowed("content")));
        }

        self.categories(item, end, &mut draft);
        self.enclosures(item, end, &mut draft);
        self.discussion(item, end, &mut draft);
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

    /// Reads where an item is discussed, and how often: `comments` of RSS with `slash:comments`, and what RFC 4685 has for
    /// Atom, `rel="replies"` with `thr:count`, and `thr:total`.
    fn discussion(&self, item: usize, end: usize, draft: &mut Draft) {
        let fields = || self.children(item, end);
        let is_page = |e: &&Element<'_>| e.attribute("type").is_none_or(|kind| kind.trim().starts_with("text/html"));
        let replies =
            || fields().find(|e| e.is(Namespace::Core, "link") && e.attribute("rel") == Some("replies") && is_page(e));
        draft.comments = fields()
            .find(|e| e.is(Namespace::Core, "comments"))
            .or_else(replies)
            .and_then(|e| self.link_of(e))
            .filter(|url| Link::parse(url).is_ok());
        draft.replies = fields()
            .find(|e| e.is(Namespace::Other, "comments") || e.is(Namespace::Thr, "total"))
            .and_then(|e| self.title(e).trim().parse().ok())
            .or_else(|| replies()?.attribute("thr:count")?.trim().parse().ok());
    }

    /// Reads the identifier and the link of an item.
    fn identify(&self, item: usize, end: usize, draft: &mut Draft, found: &mut Evidence) {
        let fields = || self.children(item, end);
        let mut note = |field: &'static str, by: &'static str| found.push((field, Cow::Borrowed(by)));
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
        } else if let Some(id_as_link) = draft.guid.as_deref().filter(|own| guid.is_none() && Link::parse(own).is_ok())
        {
            draft.link = Some(id_as_link.to_owned());
            note("link", if id.is_some() { "id" } else { "rdf:about" });
        }
    }

    /// Reads when an item was published and when it was changed.
    fn date_draft(&self, item: usize, end: usize, draft: &mut Draft, found: &mut Evidence, faults: &mut Vec<Fault>) {
        let mut note = |field: &'static str, by: &'static str| found.push((field, Cow::Borrowed(by)));
        let mut date = |names: &[Name]| self.first_date(item, end, names, faults);
        if let Some((stamp, by)) = date(&PUBLISHED) {
            draft.published = Some(stamp);
            note("published", by);
        }
        // CDF has the date in an attribute of the item.
        let last_modified = || {
            let written = self.element(item)?.attribute("lastmod")?;
            Some((date::parse(written, self.clock).filter(|stamp| !is_unset(*stamp))?, "lastmod"))
        };
        if let Some((stamp, by)) = date(&UPDATED).or_else(last_modified) {
            draft.updated = Some(stamp);
            note("updated", by);
        }
    }

    /// Returns the link of an item: the text of an RSS link, an alternate link of Atom (preferably to a page), the
    /// `href` of a CDF item, a permalink guid.
    pub(super) fn link(&self, item: usize, end: usize, guid: Option<&Element<'_>>) -> Option<(String, &'static str)> {
        let links = || self.children(item, end).filter(|e| e.is(Namespace::Core, "link"));
        // A relation may be written in full (RFC 4287, section 4.2.7.2).
        let means_page = |e: &&Element<'_>| {
            e.attribute("rel")
                .map(|rel| rel.trim().rsplit('/').next().unwrap_or(""))
                .is_none_or(|rel| rel.is_empty() || rel.eq_ignore_ascii_case("alternate"))
        };
        let is_alternate = |e: &&Element<'_>| e.attribute("href").is_some() && means_page(e);
        let is_page = |e: &&Element<'_>| e.attribute("type").is_none_or(|kind| kind.contains("html"));
        let written =
            || links().filter(|e| e.attribute("href").is_none() && means_page(e)).find_map(|e| self.link_of(e));
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

    pub(super) fn identifier(&self, element: &Element<'_>) -> String {
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

    /// Returns the authors that apply to an Atom entry without any: those of its source, or else of the feed (RFC 4287,
    /// section 4.2.1).
    fn inherited(&self, item: usize, end: usize) -> Vec<String> {
        let is_own = |at: &usize, parent: usize, name: &str| {
            self.element(*at).is_some_and(|e| e.parent == Some(parent) && e.is(Namespace::Core, name))
        };
        let source = (item + 1..end).find(|at| is_own(at, item, "source")).map(|at| self.people(at, end));
        let feed = || {
            let above =
                self.element(item)?.parent.filter(|above| self.element(*above).is_some_and(|e| e.name == "feed"))?;
            Some(self.people(above, item))
        };
        source.filter(|authors| !authors.is_empty()).or_else(feed).unwrap_or_default()
    }

    /// Returns the authors below an element: Atom names, dc:creator, itunes:author, and `address (Name)` in RSS.
    fn people(&self, item: usize, end: usize) -> Vec<String> {
        let mut authors: Vec<String> = Vec::new();
        let all = self.outline.elements.get(item + 1..end).unwrap_or(&[]);
        for (at, element) in all.iter().enumerate().filter(|(_, e)| e.parent == Some(item)) {
            let is_author = element.is(Namespace::Core, "author")
                || element.is(Namespace::Dc, "creator")
                || element.is(Namespace::Itunes, "author");
            if !is_author || authors.len() >= AUTHORS {
                continue;
            }
            let own = item + 1 + at;
            let part = |name: &str| self.children(own, end).find(|e| e.name == name).map(|e| self.title(e));
            let has_parts = self.children(own, end).next().is_some();
            let name = if has_parts { part("name").unwrap_or_default() } else { bare_name(&self.title(element)) };
            if !name.is_empty() && !is_address(&name) && !authors.contains(&name) {
                authors.push(name);
            }
        }
        authors
    }

    pub(super) fn body(&self, item: usize, end: usize, draft: &mut Draft) {
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

    /// Returns the source: `<source url="…">name</source>` in RSS, or the feed described by `atom:source`.
    pub(super) fn credit(&self, item: usize, end: usize) -> Option<Credit> {
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

    fn first_title(&self, item: usize, end: usize) -> Option<(String, &'static str)> {
        let own = TITLE.iter().find_map(|(namespace, name, by)| {
            let fields = self.children(item, end).filter(|e| e.is(*namespace, name));
            Some((fields.map(|e| self.title(e)).find(|title| !title.is_empty())?, *by))
        });
        // The title of the medium, within media:content or media:group.
        own.or_else(|| {
            let below = self.outline.elements.get(item + 1..end).unwrap_or(&[]).iter();
            let media = below.filter(|e| e.is(Namespace::Media, "title"));
            Some((media.map(|e| self.title(e)).find(|title| !title.is_empty())?, "media:title"))
        })
    }

    /// Returns the first date that can be used; the others are reported as faults.
    fn first_date(
        &self,
        item: usize,
        end: usize,
        names: &[Name],
        faults: &mut Vec<Fault>,
    ) -> Option<(Stamp, &'static str)> {
        names.iter().find_map(|(namespace, name, by)| {
            let mut fields = self.children(item, end);
            let written = self.text(fields.find(|e| e.is(*namespace, name) && !e.inner.trim().is_empty())?);
            let stamp = date::parse(&written, self.clock).filter(|stamp| !is_unset(*stamp));
            if stamp.is_none() {
                let detail = format!("`{}` is not a usable date", text::head(written.trim(), 80));
                faults.push(Fault::new(FaultKind::Date, by, detail));
            }
            Some((stamp?, *by))
        })
    }

    fn categories(&self, item: usize, end: usize, draft: &mut Draft) {
        for element in self.children(item, end).filter(|e| {
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
    }

    fn enclosures(&self, item: usize, end: usize, draft: &mut Draft) {
        let below = self.outline.elements.get(item + 1..end).unwrap_or(&[]).iter();
        let attached = below.filter(|e| {
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
    }
}
