//! Answers requests for the public site: from the cache, or by rendering.

use std::cell::Cell;
use std::sync::{Arc, LazyLock};

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header;
use hyper::{Method, Request, Response, StatusCode};

use super::answer::{self, Answer};
use super::cache::Key;
use super::document::{Document, Failure, Rendered};
use super::filter::{Filter, Reach};
use super::metrics::Metrics;
use super::part;
use super::posts;
use super::published::PublishConfig;
use super::recent;
use super::renderer::Renderer;
use super::results::{Asked, Refused};
use super::route::{Route, below, parameter};
use super::selection::{Cursor, Selection};
use super::server::Handler;
use super::site::{Queue, Site, Store};
use crate::model::{Moment, Named, RegionId, SourceId};
use crate::search::SearchError;
use crate::write::{self, Format, Language};

/// The public site.
impl Handler for (Arc<Site>, Metrics) {
    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (site, metrics) = self;
        if request.method() == Method::POST {
            return posts::answer(site, request).await;
        }
        if request.uri().query().is_none()
            && let Some(document) = site.cache.at(request.uri().path())
        {
            return answer::document(&request, &document, false);
        }
        let root = site.published();
        let route = Route::of(below(request.uri().path(), root.options.root()));
        if let Some(key) = rendered_key(site, &request, &route) {
            return serve_rendered(site, metrics, &request, key).await;
        }
        match route {
            Route::Health => answer::plain(StatusCode::OK, "ok\n"),
            Route::Ready if site.is_open() => answer::plain(StatusCode::OK, "ready\n"),
            Route::Ready => answer::busy(5, "the store is being opened\n"),
            Route::Style => file(&request, &STYLE),
            Route::FeedStyle => file(&request, &FEED_STYLE),
            Route::Icon => file(&request, &ICON),
            Route::Favicon => file(&request, &FAVICON),
            Route::Robots => answer::plain(StatusCode::OK, "User-agent: *\nAllow: /\n"),
            Route::Home => stories(site, metrics, &request, Selection::default()).await,
            Route::Opml => serve_cached(site, metrics, &request, Key::Opml).await,
            Route::Region(name) => match region(site, &request, name, "") {
                Ok(region) => {
                    stories(site, metrics, &request, Selection { region: Some(region), ..Selection::default() }).await
                }
                Err(answer) => *answer,
            },
            Route::Source(id) => {
                stories(site, metrics, &request, Selection { source: Some(id), ..Selection::default() }).await
            }
            Route::SiteFeed(format) => {
                stories_feed(site, metrics, &request, None, parameter(request.uri().query(), "topic"), format).await
            }
            Route::Feed(name, format) => region_feed(site, metrics, &request, name, format).await,
            Route::Archive(name, part) => match region(site, &request, name, &format!("/archive/{}", part::file(part)))
            {
                Ok(region) => serve_rendered(site, metrics, &request, recent::Key::Archive(region, part)).await,
                Err(answer) => *answer,
            },
            // The page of a report that joined another story redirects to the page of that story.
            Route::Item(id) => match site.joined(id) {
                Some(story) => answer::moved(&format!("{}/items/{story}", root.options.root())),
                None => {
                    let key = recent::Key::Item(id, language(site, &request), site.hour());
                    serve_rendered(site, metrics, &request, key).await
                }
            },
            Route::Search(format) if site.has_search() => serve_results(site, metrics, &request, format, None).await,
            Route::Callback(token) => posts::verification(site, token, request.uri().query().unwrap_or("")),
            _ => missing(site, &request),
        }
    }

    fn metrics(&self) -> &Metrics {
        &self.1
    }

    fn takes_posts(&self, path: &str) -> bool {
        posts::is_taken(&self.0, path)
    }
}

/// Returns the document that a route names by itself, without anything to look up first.
fn rendered_key(site: &Site, request: &Request<Incoming>, route: &Route<'_>) -> Option<recent::Key> {
    let key = match route {
        Route::Regions => recent::Key::Regions(language(site, request)),
        Route::About => recent::Key::About(language(site, request)),
        Route::Sources => recent::Key::Sources(language(site, request)),
        Route::SourcesFeed => recent::Key::SourcesFeed,
        Route::Digest => recent::Key::Digest,
        Route::OpenSearch if site.has_search() => recent::Key::OpenSearch,
        _ => return None,
    };
    Some(key)
}

/// Answers with the feed of a region: all of it, that of a topic, or what a search finds there.
async fn region_feed(
    site: &Arc<Site>,
    metrics: &Metrics,
    request: &Request<Incoming>,
    name: &str,
    format: Format,
) -> Response<Full<Bytes>> {
    let query = request.uri().query();
    let topic = known_topic(&site.published(), query);
    if topic.is_none() && !(Asked::is_in(query) && site.has_search()) {
        return match feed(site, request, name, format) {
            Ok(key) => serve_cached(site, metrics, request, key).await,
            Err(answer) => *answer,
        };
    }
    match region(site, request, name, &format!("/{}", format.file())) {
        Ok(region) if topic.is_some() => stories_feed(site, metrics, request, Some(region), topic, format).await,
        Ok(region) => serve_results(site, metrics, request, Some(format), Some(region)).await,
        Err(answer) => *answer,
    }
}

/// Returns the topic that a query names, unless it also searches.
fn known_topic(published: &PublishConfig, query: Option<&str>) -> Option<String> {
    let topic = parameter(query, "topic").filter(|topic| published.topics.get(topic).is_some())?;
    let has_more = ["q", "source"].iter().any(|key| parameter(query, key).is_some());
    (!has_more).then_some(topic)
}

/// Answers with a page of stories: its newest ones from the cache, others as they are asked for.
async fn stories(site: &Arc<Site>, metrics: &Metrics, request: &Request<Incoming>, selection: Selection) -> Answer {
    let query = request.uri().query();
    let (topic, before) = (parameter(query, "topic"), parameter(query, "before"));
    let from = before.as_deref().map(Cursor::parse);
    let is_known = |topic: &String| site.published().topics.get(topic).is_some();
    if !topic.as_ref().is_none_or(is_known) || matches!(from, Some(None)) {
        return missing(site, request);
    }
    let (language, hour) = (language(site, request), site.hour());
    let selection = Selection { topic, from: from.flatten(), ..selection };
    let key = match &selection {
        Selection { region: Some(region), source: None, topic: None, from: None, .. } => {
            Key::Region(region.clone(), language, hour)
        }
        Selection { region: None, source: None, topic: None, from: None, .. } => Key::Home(language, hour),
        _ => return serve_rendered(site, metrics, request, recent::Key::Stories(selection, language, hour)).await,
    };
    serve_cached(site, metrics, request, key).await
}

/// Answers with a feed of a topic, or of the whole site.
async fn stories_feed(
    site: &Arc<Site>,
    metrics: &Metrics,
    request: &Request<Incoming>,
    region: Option<RegionId>,
    topic: Option<String>,
    format: Format,
) -> Answer {
    if topic.as_ref().is_some_and(|topic| site.published().topics.get(topic).is_none()) {
        return missing(site, request);
    }
    let reach = if region.is_some() { reach(request.uri().query()) } else { Reach::default() };
    let selection = Selection { region, topic, reach, ..Selection::default() };
    serve_rendered(site, metrics, request, recent::Key::StoriesFeed(selection, format)).await
}

/// Reads which regions a feed is to hold.
fn reach(query: Option<&str>) -> Reach {
    let is_set = |name: &str| parameter(query, name).is_some_and(|value| value == "1");
    Reach { is_alone: is_set("only"), has_above: is_set("above") }
}

/// Resolves the name of a region in a path; an error is the response that says where the region went.
fn region(site: &Site, request: &Request<Incoming>, name: &str, rest: &str) -> Result<RegionId, Box<Answer>> {
    let published = site.published();
    match published.regions.named(name) {
        Some(Named::Region(region)) => Ok(region.id.clone()),
        Some(Named::Moved(region)) => {
            Err(Box::new(answer::moved(&format!("{}/regions/{}{rest}", published.options.public_url, region.id))))
        }
        Some(Named::Gone) => Err(Box::new(removed(site, request))),
        None => Err(Box::new(missing(site, request))),
    }
}

/// Resolves the name of a region and the parameters to a feed; an error is the response if there is none.
fn feed(site: &Site, request: &Request<Incoming>, name: &str, format: Format) -> Result<Key, Box<Answer>> {
    let region = region(site, request, name, &format!("/{}", format.file()))?;
    let reach = reach(request.uri().query());
    let Some(source) = parameter(request.uri().query(), "source") else {
        return Ok(Key::Feed(region, format, Filter { source: None, reach }));
    };
    let is_known = |id: &SourceId| site.store().is_none_or(|store| store.view.source(id).is_some());
    match SourceId::new(&source).ok().filter(is_known) {
        Some(source) => Ok(Key::Feed(region, format, Filter { source: Some(source), reach })),
        None => Err(Box::new(missing(site, request))),
    }
}

/// Answers from the cache; a document that is missing is rendered once for all requests that wait for it.
async fn serve_cached(site: &Arc<Site>, metrics: &Metrics, request: &Request<Incoming>, key: Key) -> Answer {
    if let Some(document) = site.cache.get(&key) {
        return answer::document(request, &document, key.is_page());
    }
    match cached(site, metrics, &key).await {
        Ok(document) => answer::document(request, &document, key.is_page()),
        Err(failure) => failed(site, request, failure),
    }
}

/// Returns a document from the cache, rendered once for all who wait for it if it is not there.
pub(super) async fn cached(site: &Arc<Site>, metrics: &Metrics, key: &Key) -> Result<Arc<Document>, Failure> {
    let place = site.cache.place(key);
    let made = place
        .get_or_try_init(|| async {
            let wanted = key.clone();
            let renderer =
                if matches!(&key, Key::Feed(_, _, filter) if !filter.is_none()) { &site.aside } else { &site.main };
            let draft =
                make(site, renderer, metrics, move |renderer| renderer.make(&wanted).ok_or(Failure::Missing)).await?;
            let (shared, wanted) = (Arc::clone(site), key.clone());
            let document = tokio::task::spawn_blocking(move || {
                let changed = shared.cache.date(&wanted, blake3::hash(&draft.bytes), draft.changed);
                let links = wanted.links(&shared.published().options);
                Arc::new(Rendered { changed, ..draft }.finish().linked(links))
            });
            let document = document.await.map_err(|_panic| Failure::FellOver)?;
            site.cache.finished(key, &place, &document);
            Ok(document)
        })
        .await;
    if made.is_err() {
        site.cache.abandon(key);
    }
    made.cloned()
}

/// Answers with the results of a search, as a page or as a feed.
async fn serve_results(
    site: &Arc<Site>,
    metrics: &Metrics,
    request: &Request<Incoming>,
    format: Option<Format>,
    region: Option<RegionId>,
) -> Answer {
    let Some(store) = site.store() else { return failed(site, request, Failure::Opening) };
    let language = language(site, request);
    let asked = Asked::of(request.uri().query(), region, &site.published(), &store.view);
    let Ok(asked) = asked.map_err(|Refused| ()) else { return missing(site, request) };
    let key = recent::Key::Search(asked.key(format, language), format.is_none());
    serve_made(site, metrics, request, key, move |renderer| match format {
        _ if !renderer.has_topic(&asked).map_err(of_search)? => Err(Failure::Missing),
        Some(format) => renderer.results_feed(&asked, format).map_err(of_search),
        None => renderer.results_page(&asked, language).map_err(of_search),
    })
    .await
}

fn of_search(error: SearchError) -> Failure {
    match error {
        SearchError::NotReady | SearchError::Damaged(_) | SearchError::Stopped => Failure::Indexing,
        SearchError::Log(_) | SearchError::File { .. } => Failure::Closed,
    }
}

/// Answers with a document that is rendered on request and shared with requests for it at the same time.
async fn serve_rendered(site: &Arc<Site>, metrics: &Metrics, request: &Request<Incoming>, key: recent::Key) -> Answer {
    let wanted = key.clone();
    serve_made(site, metrics, request, key, move |renderer| renderer.make_once(&wanted)).await
}

async fn serve_made(
    site: &Arc<Site>,
    metrics: &Metrics,
    request: &Request<Incoming>,
    key: recent::Key,
    work: impl FnOnce(&Renderer<'_>) -> Result<Rendered, Failure> + Send + 'static,
) -> Answer {
    let is_page = key.is_page();
    // Taken before rendering, so that a record that arrives meanwhile makes the document stale.
    let seq = site.version();
    if let Some(document) = site.recent.get(&key, seq) {
        return answer::document(request, &document, is_page);
    }
    let queue = if matches!(key, recent::Key::Search(..)) { &site.searches } else { &site.aside };
    let finished = match make(site, queue, metrics, work).await {
        Ok(draft) => {
            let shared = Arc::clone(site);
            tokio::task::spawn_blocking(move || {
                let changed = draft.changed.max(shared.cache.floor());
                shared.recent.finish(key, seq, Rendered { changed, ..draft })
            })
            .await
            .map_err(|_panic| Failure::FellOver)
        }
        Err(failure) => Err(failure),
    };
    match finished {
        Ok(document) => answer::document(request, &document, is_page),
        Err(failure) => failed(site, request, failure),
    }
}

/// Renders a document on a blocking thread, as soon as the queue has a free slot; fails if too many requests wait for
/// one.
async fn make(
    site: &Arc<Site>,
    queue: &Queue,
    metrics: &Metrics,
    work: impl FnOnce(&Renderer<'_>) -> Result<Rendered, Failure> + Send + 'static,
) -> Result<Rendered, Failure> {
    if !site.is_open() {
        return Err(Failure::Opening);
    }
    let _waiting = queue.waiting.try_acquire().map_err(|_full| Failure::Busy)?;
    let working = Arc::clone(&queue.working).acquire_owned().await.map_err(|_closed| Failure::Busy)?;
    metrics.make();
    let site = Arc::clone(site);
    let made = tokio::task::spawn_blocking(move || {
        let _working = working;
        let Store { log, view, poll_states } = site.store().ok_or(Failure::Opening)?;
        let published = site.published();
        let hour = Moment::from_seconds(site.hour() * 3600);
        let is_unreadable = Cell::new(false);
        let (search, chronicle) = (site.search(), site.chronicle());
        let renderer = Renderer {
            published: &published,
            log,
            view,
            poll_states,
            chronicle: &chronicle,
            search,
            hour,
            is_unreadable,
        };
        let made = work(&renderer)?;
        // A document that lacks something is not served as if it were complete.
        if renderer.is_unreadable.get() { Err(Failure::Closed) } else { Ok(made) }
    });
    made.await.map_err(|_panic| Failure::FellOver)?
}

fn failed(site: &Site, request: &Request<Incoming>, failure: Failure) -> Answer {
    match failure {
        Failure::Missing => missing(site, request),
        Failure::Gone(reason) => gone(site, request, reason.as_deref()),
        Failure::Busy => answer::busy(2, "the server is busy; try again in a few seconds\n"),
        Failure::Opening => answer::busy(5, "the store is being opened; try again soon\n"),
        Failure::Closed => answer::busy(60, "this part of the store cannot be read now; the log says why\n"),
        Failure::Indexing => answer::busy(10, "the search index is being made; try again soon\n"),
        Failure::FellOver => {
            tracing::error!(
                event = "rendering_panicked",
                "rendering a document panicked; please report this with the log"
            );
            answer::plain(
                StatusCode::INTERNAL_SERVER_ERROR,
                "internal error: this document could not be rendered; see the log\n",
            )
        }
    }
}

fn missing(site: &Site, request: &Request<Incoming>) -> Answer {
    let (title, detail) = missing_words(language(site, request));
    fault(site, request, StatusCode::NOT_FOUND, title, detail)
}

/// Returns what readers are told where there is nothing.
pub(super) const fn missing_words(language: Language) -> (&'static str, &'static str) {
    match language {
        Language::Chinese => ("没有这个页面", "地址可能写错了，或者这条消息已超过保存期限。"),
        Language::English => ("There is no such page", "The address may be mistyped, or the item is no longer kept."),
    }
}

/// Tells that a region is not there any more.
fn removed(site: &Site, request: &Request<Incoming>) -> Answer {
    let (title, detail) = match language(site, request) {
        Language::Chinese => ("这个地区已不再单列", "它已被撤销，或由别的地区取代。"),
        Language::English => ("This region was removed", "It no longer exists, or others took its place."),
    };
    fault(site, request, StatusCode::GONE, title, detail)
}

/// Tells readers and caches that a withdrawn item will not come back (RFC 9110, section 15.5.11).
fn gone(site: &Site, request: &Request<Incoming>, reason: Option<&str>) -> Answer {
    let (title, detail) = match language(site, request) {
        Language::Chinese => ("这条消息已被撤下", "它不再由本站发布。"),
        Language::English => ("This item was withdrawn", "It is no longer published here."),
    };
    fault(site, request, StatusCode::GONE, title, reason.unwrap_or(detail))
}

/// Returns a page that says why there is nothing to read.
fn fault(site: &Site, request: &Request<Incoming>, status: StatusCode, title: &str, detail: &str) -> Answer {
    let published = site.published();
    let page = published.page(language(site, request), Moment::from_seconds(site.hour() * 3600));
    answer::page(status, write::fault(&page, title, detail))
}

/// Returns the language of a page: that of the first tag of Accept-Language, else the site's own.
fn language(site: &Site, request: &Request<Incoming>) -> Language {
    let wish = request.headers().get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    let first =
        wish.and_then(|wish| wish.split([',', ';']).next()).map(str::trim).filter(|tag| !tag.is_empty() && *tag != "*");
    match first {
        Some(tag) => Language::of_tag(tag),
        None => Language::of_tag(&site.published().options.language),
    }
}

/// The stylesheets and the icon, which are part of the program and have no date of their own: clients revalidate them by
/// their ETag.
static STYLE: LazyLock<Document> = LazyLock::new(|| fixed(0));
static FEED_STYLE: LazyLock<Document> = LazyLock::new(|| fixed(1));
static ICON: LazyLock<Document> = LazyLock::new(|| fixed(2));
/// For readers that ask for it whatever a page says.
static FAVICON: LazyLock<Document> = LazyLock::new(|| fixed(3));

/// Returns the same files with their names and types.
pub(super) const fn fixed_files() -> [(&'static str, &'static str, &'static [u8]); 4] {
    [
        ("style.css", "text/css; charset=utf-8", write::stylesheet().as_bytes()),
        ("feed.css", "text/css; charset=utf-8", write::feed_stylesheet().as_bytes()),
        ("icon.svg", "image/svg+xml", write::icon().as_bytes()),
        ("favicon.ico", "image/x-icon", write::favicon()),
    ]
}

fn fixed(place: usize) -> Document {
    let (_, media_type, bytes) = fixed_files().get(place).copied().unwrap_or_default();
    Document::new(media_type, bytes.to_vec(), Moment::default())
}

fn file(request: &Request<Incoming>, document: &Document) -> Answer {
    answer::document(request, document, false)
}
