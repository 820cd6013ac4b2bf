//! Reads `sources/*.toml`: the sources.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use super::address::link;
use super::document::{self, Document};
use super::fault::{Fault, Faults, LineEnds};
use super::naming;
use super::places::Places;
use super::request;
use super::section::Section;
use super::settings::Settings;
use crate::log::SourceFacts;
use crate::model::{
    Authority, Filter, Kind, Link, Part, Pattern, Policy, RegionId, Regions, SelectorOverrides, Source, SourceId, Tls,
    Zone,
};
use crate::read::Selector;
use crate::regions::Directory;

/// Maximum number of sources in a config.
const MAX_SOURCES: usize = 200_000;

/// Parses the sources in these files. Without a valid region tree (`None`), their regions are not checked.
pub(super) fn parse(
    lists: &[(PathBuf, String)],
    settings: &Settings,
    places: &Places,
    regions: Option<&Regions>,
    faults: &mut Faults,
    warnings: &mut Faults,
) -> Vec<Arc<Source>> {
    let mut sources = Vec::new();
    let mut seen = Seen::default();
    let directory = regions.map(Directory::new);
    let mut formers: Vec<Former> = Vec::new();
    for (file, (path, text)) in lists.iter().enumerate() {
        let shared = Rc::default();
        for part in document::parts(text, "source") {
            let (cell, slips) = (RefCell::new(&mut *faults), RefCell::new(&mut *warnings));
            let document = Document::new(path, text, &cell, &slips).of_part(part, &shared);
            let table = document.root();
            let root = Section::new(&document, "", &table);
            for section in root.sections("source") {
                let found = source(&section, settings, places, directory.as_ref());
                section.finish();
                let Some(source) = found.filter(|source| seen.is_new(source, &section, file, lists)) else { continue };
                seen.warn_of_twin(&source, &section);
                seen.warn_if_unpublished(&source, &section, regions);
                let spans = section.strings("was").into_iter().map(|(_, span)| document.in_file(span));
                formers.extend(source.was.iter().cloned().zip(spans).map(|(id, span)| Former {
                    id,
                    of: source.id.clone(),
                    file,
                    span,
                }));
                if sources.len() >= MAX_SOURCES {
                    section.fault(
                        "id",
                        format!("there are more than {MAX_SOURCES} sources"),
                        "run a second dayuan for the rest",
                    );
                    return sources;
                }
                sources.push(Arc::new(source));
            }
            root.finish();
        }
    }
    tell_formers(lists, &formers, &seen.ids, faults, warnings);
    sources.sort_by(|a, b| a.id.cmp(&b.id));
    sources
}

/// Returns the first fault of a block of a source list; other sources do not count.
pub(super) fn refusal(
    path: &Path,
    block: &str,
    settings: &Settings,
    places: &Places,
    directory: &Directory<'_>,
) -> Option<Fault> {
    let (mut faults, mut warnings) = (Faults::default(), Faults::default());
    let (cell, slips) = (RefCell::new(&mut faults), RefCell::new(&mut warnings));
    let document = Document::new(path, block, &cell, &slips);
    let table = document.root();
    let root = Section::new(&document, "", &table);
    for section in root.sections("source") {
        source(&section, settings, places, Some(directory));
        section.finish();
    }
    root.finish();
    faults.iter().next().cloned()
}

/// What the sources so far have taken.
#[derive(Default)]
struct Seen {
    /// The ids, each with the index of its file and where it stands there.
    ids: HashMap<SourceId, (usize, usize)>,
    /// Where the lines of a file end, by its index; found for its first fault that names one.
    lines: HashMap<usize, LineEnds>,
    addresses: HashMap<String, SourceId>,
    /// Whether a region is published.
    published: HashMap<RegionId, bool>,
}

impl Seen {
    /// Returns whether no source had this id so far, and reports a fault if one had.
    fn is_new(&mut self, source: &Source, section: &Section<'_>, file: usize, lists: &[(PathBuf, String)]) -> bool {
        let other = self.ids.insert(source.id.clone(), (file, section.place_of("id")));
        if let Some((file, at)) = other
            && let Some((path, text)) = lists.get(file)
        {
            let line = self.lines.entry(file).or_insert_with(|| LineEnds::of(text)).line(at);
            section.fault(
                "id",
                format!("there are two sources `{}`", source.id),
                &format!("the other one is in {}, line {line}; give each its own id", path.display()),
            );
        }
        other.is_none()
    }

    /// Warns if another source has the same address. With other form data it is another list.
    fn warn_of_twin(&mut self, source: &Source, section: &Section<'_>) {
        let canonical = source.url.canonical();
        // Most sites answer a query alike in any order.
        let (page, query) = canonical.split_once('?').unwrap_or((&canonical, ""));
        let mut pairs: Vec<&str> = query.split('&').collect();
        pairs.sort_unstable();
        let address = format!("{page}?{} {}", pairs.join("&"), source.post.as_deref().unwrap_or(""));
        if let Some(other) = self.addresses.insert(address, source.id.clone()) {
            section.warning(
                "url",
                format!("sources `{other}` and `{}` have the same address, which is polled twice", source.id),
                &format!("leave one of the two; where `{}` is its new id, write was = [\"{other}\"]", source.id),
            );
        }
    }

    /// Warns if no feed would hold the items of a source.
    fn warn_if_unpublished(&mut self, source: &Source, section: &Section<'_>, regions: Option<&Regions>) {
        let Some(regions) = regions else { return };
        let holders = || regions.holders(&source.region).iter().any(|up| regions.is_published(up));
        if !*self.published.entry(source.region.clone()).or_insert_with(holders) {
            section.warning(
                "region",
                format!("source `{}` is polled, but its region `{}` is not published", source.id, source.region),
                "add the region, or one above it, to `publish` in regions.toml",
            );
        }
    }
}

/// A former id that a source claims in `was`.
struct Former {
    id: SourceId,
    of: SourceId,
    /// Index of the file.
    file: usize,
    span: Range<usize>,
}

/// Reports former ids that are claimed by two sources or still in use: a source inherits all data of its former ids.
fn tell_formers(
    lists: &[(PathBuf, String)],
    formers: &[Former],
    sources: &HashMap<SourceId, (usize, usize)>,
    faults: &mut Faults,
    warnings: &mut Faults,
) {
    let mut claimed: HashMap<&SourceId, &SourceId> = HashMap::new();
    for former in formers {
        let other = claimed.insert(&former.id, &former.of).filter(|other| **other != former.of);
        let message = match other {
            _ if sources.contains_key(&former.id) => format!("`{}` is the id of a source of this list", former.id),
            Some(other) => format!("`{other}` also claims the former id `{}`", former.id),
            None => continue,
        };
        let Some((path, text)) = lists.get(former.file) else { continue };
        let (cell, slips) = (RefCell::new(&mut *faults), RefCell::new(&mut *warnings));
        let document = Document::new(path, text, &cell, &slips);
        document.fault(former.span.clone(), message, "name in `was` only ids that no source has any more");
    }
}

fn source(
    section: &Section<'_>,
    settings: &Settings,
    places: &Places,
    directory: Option<&Directory<'_>>,
) -> Option<Source> {
    for key in ["id", "title", "region", "url"] {
        if !section.has(key) {
            section.fault(key, format!("this source has no `{key}`"), "every source needs id, title, region and url");
        }
    }
    let text = section.string("id");
    let id =
        text.and_then(|id| SourceId::new(&id).inspect_err(|error| section.fault("id", error.to_string(), "")).ok());
    let was = section.strings("was").into_iter().filter_map(|(text, span)| {
        SourceId::new(&text).inspect_err(|error| section.fault_at(span, error.to_string(), "")).ok()
    });
    let was: Vec<SourceId> = was.collect();
    let title = section.string("title");
    doubt_title(section, title.as_deref());
    let region = region(section, directory);
    let (url, is_own) = url(section, settings);
    let kind = section.word("as", &Kind::WORDS).unwrap_or_default();
    if matches!(kind, Kind::Feed | Kind::Sitemap) && section.has("list") {
        section.warning(
            "list",
            "[source.list] is for lists; this source is a feed or a sitemap, whose items need no selectors".to_owned(),
            "leave it out, or leave out `as`",
        );
    }
    let least = Duration::from_secs(if is_own { 1 } else { 300 });
    let interval = section.duration("interval", least, Duration::from_secs(30 * 86_400));
    let zone = section.string("timezone").map_or_else(
        || Some(Zone::shanghai()),
        |name| Zone::named(&name).inspect_err(|error| section.fault("timezone", error.to_string(), "")).ok(),
    );
    // What other programs say of it is kept for `dayuan sources export`, whatever it is.
    section.section("opml");
    let words = [("official", Authority::Official), ("media", Authority::Media), ("portal", Authority::Portal)];
    Some(Source {
        post: section.string("post"),
        pins: SelectorOverrides {
            list: pins(&section.section("list"), &LIST, kind == Kind::Json),
            article: pins(&section.section("article"), &ARTICLE, false),
        },
        reads_articles: section.boolean("articles").unwrap_or(true),
        topics: section.strings("topics").into_iter().map(|(topic, _)| topic).collect(),
        alerts_for: alerts_for(section, directory),
        leads_to: leads_to(section),
        filter: filter(section),
        request: request::options(&section.section("request"), url.as_ref(), is_own, places),
        interval,
        is_own,
        is_inside: is_own,
        charset: charset(section),
        tls: section.word("tls", &[("strict", Tls::Strict), ("lenient", Tls::Lenient)]).unwrap_or_default(),
        authority: section.word("authority", &words).unwrap_or_default(),
        policy: policy(section),
        rights: section.string("rights"),
        id: id?,
        was,
        title: title?,
        region: region?,
        url: url?,
        kind,
        zone: zone?,
    })
}

fn doubt_title(section: &Section<'_>, title: Option<&str>) {
    const HELP: &str = "give the source a name that readers know";
    match title {
        Some("") => section.fault("title", "`title` is empty".to_owned(), HELP),
        Some(title) if title.chars().count() > Source::MAX_TITLE => {
            section.fault("title", format!("`title` is longer than {} characters", Source::MAX_TITLE), HELP);
        }
        _ => {}
    }
}

/// Reads the rules about items.
fn filter(section: &Section<'_>) -> Filter {
    let pattern = |section: &Section<'_>, (text, span): (String, Range<usize>)| {
        let help = "write a word, or a regular expression between slashes, such as \"/^转载/\"";
        Pattern::parse(&text).inspect_err(|error| section.fault_at(span, error.to_string(), help)).ok()
    };
    let [keep, drop] = ["keep", "drop"].map(|name| {
        let rules = section.section(name);
        let mut found = Vec::new();
        for part in Part::ALL {
            let patterns = rules.strings(part.word()).into_iter().filter_map(|text| pattern(&rules, text));
            found.extend(patterns.map(|pattern| (part, pattern)));
        }
        rules.finish();
        found
    });
    let cut = section.strings("cut").into_iter().filter_map(|text| pattern(section, text)).collect();
    let max_age = section.duration("max_age", Duration::from_secs(3600), Duration::from_secs(36_500 * 86_400));
    Filter { keep, drop, max_age, cut }
}

/// Reads the sites that the source's page may lead to: bare host names or registrable domains.
fn leads_to(section: &Section<'_>) -> Vec<String> {
    let mut sites = Vec::new();
    for (text, span) in section.strings("leads_to") {
        let site = text.to_lowercase();
        let link = Link::parse(&format!("https://{site}/")).ok().filter(|link| link.host_text() == site);
        let is_site = link.is_some_and(|link| !link.is_public_suffix());
        if is_site && site.contains('.') && !site.contains('*') {
            sites.push(site);
        } else {
            section.fault_at(
                span,
                format!("`{text}` is not the name of a site"),
                "write a host or domain without scheme and path, such as \"yq.gov.cn\"",
            );
        }
    }
    sites
}

/// Reads the region. Without a valid tree it is taken as it is.
fn region(section: &Section<'_>, directory: Option<&Directory<'_>>) -> Option<RegionId> {
    let text = section.string("region")?;
    match directory {
        Some(directory) => {
            let found = naming::region(directory, &text);
            found.map_err(|(message, help)| section.fault("region", message, &help)).ok()
        }
        None => RegionId::new(&text).or_else(|_name| RegionId::new("unknown")).ok(),
    }
}

/// Reads the address of a source, and whether it lies on the admin's own networks.
fn url(section: &Section<'_>, settings: &Settings) -> (Option<Link>, bool) {
    let guard = &settings.fetch.guard;
    let url = link(section, "url", "write it like https://www.example.gov.cn/news/");
    let is_own_name = section.boolean("own_network").unwrap_or(false);
    if is_own_name && guard.allow.is_empty() {
        section.fault(
            "own_network",
            "`own_network` is set, but [fetch] allow_networks is empty".to_owned(),
            "name the network of this source in [fetch] allow_networks of dayuan.toml",
        );
    }
    if url.as_ref().is_some_and(|url| url.port() == 0) {
        section.fault("url", "port 0 is no port".to_owned(), "leave it out, or name the one that the site uses");
    }
    if let Some(url) = &url
        && let Err(error) = guard.check_link(url, url.port())
    {
        section.fault(
            "url",
            error.to_string(),
            "a source on your own networks needs its network in [fetch] allow_networks of dayuan.toml",
        );
    }
    let is_own = is_own_name || url.as_ref().is_some_and(|url| guard.names_own(url));
    (url, is_own)
}

/// Reads the regions whose warnings the source gives out.
fn alerts_for(section: &Section<'_>, directory: Option<&Directory<'_>>) -> Vec<RegionId> {
    let region = |(text, span): (String, std::ops::Range<usize>)| match directory {
        Some(directory) if text != SourceFacts::ALL => {
            naming::region(directory, &text).map_err(|(message, help)| section.fault_at(span, message, &help)).ok()
        }
        _ => RegionId::new(&text).ok(),
    };
    section.strings("alerts_for").into_iter().filter_map(region).collect()
}

fn charset(section: &Section<'_>) -> Option<String> {
    let charset = section.string("charset")?;
    if !crate::read::is_charset(&charset) {
        section.fault(
            "charset",
            format!("`{charset}` is not a charset"),
            "use a name of the WHATWG list, such as gb18030 or utf-8",
        );
    }
    Some(charset)
}

/// Reads how items are published; full text needs a reason why that is allowed.
fn policy(section: &Section<'_>) -> Policy {
    let policy = section.word("content", &[("excerpt", Policy::Excerpt), ("full", Policy::Full)]).unwrap_or_default();
    let basis = section.string("rights_basis");
    if policy == Policy::Full && basis.is_none_or(|basis| basis.is_empty()) {
        section.fault(
            "content",
            "full text needs a `rights_basis`".to_owned(),
            "say what allows you to publish it whole, or use content = \"excerpt\"",
        );
    }
    policy
}

const LIST: [&str; 5] = ["item", "link", "title", "date", "text"];
const ARTICLE: [&str; 5] = ["title", "body", "date", "source", "author"];

/// Reads the selectors of a `[source.list]` or `[source.article]`; for JSON lists they are paths.
fn pins(section: &Section<'_>, keys: &[&'static str; 5], are_paths: bool) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    let mut take = |key: &'static str, text: String, span| {
        if !are_paths && let Err(error) = Selector::parse(&text) {
            section.fault_at(span, error.to_string(), "names, #id, .class, [attribute], > and :nth-child(N) are known");
        }
        found.push((key, text));
    };
    for key in keys {
        if let Some(text) = section.string(key) {
            take(key, text, section.span_of(key));
        }
    }
    if *keys == ARTICLE {
        for (text, span) in section.strings("remove") {
            take("remove", text, span);
        }
    }
    section.finish();
    found
}
