//! The site as files that a web server or a CDN serves without dayuan: which documents there are, and which are written first.
//!
//! What was withdrawn goes first, then what changed, then the rest. The pages are in the language of the site, name no times
//! relative to now, and lead to nothing that needs a query.

use std::cell::Cell;
use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;

use super::document::{Failure, HTML, Rendered};
use super::filter::Filter;
use super::part;
use super::published::PublishConfig;
use super::recent;
use super::renderer::Renderer;
use super::selection::Selection;
use super::site::{Site, Store};
use super::static_folder::{StaticError, StaticFolder};
use super::stories::look_of;
use crate::model::{ItemId, Moment, Month, RegionId, SourceId};
use crate::topics::Topics;
use crate::write::{self, Format, Language};

/// A time so late that nothing is told relative to it, in seconds since 1970.
const LATE: i64 = 1 << 34;
/// How often everything is looked at again, also how the sources fare, in seconds.
const ROUND: i64 = 3600;
/// Maximum number of deletions that are asked for at one time.
const MAX_DELETED: usize = 10_000;

/// A piece of the site that is written in one step.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Piece {
    /// The feeds and the page of a region, and the pages of the stories there.
    Region(RegionId),
    Item(ItemId),
    /// The home page, the feeds of the site and the lists of regions.
    Front,
    /// All months of a region's archive.
    Archive(RegionId),
    Month(RegionId, Month),
    /// What is part of the program.
    Fixed,
    Sources,
    Source(SourceId),
}

/// The site, as it is written to a folder.
#[derive(Debug)]
pub struct StaticSite {
    site: Arc<Site>,
    folder: StaticFolder,
    /// The config as it was given, and as it is for files.
    published: (Arc<PublishConfig>, PublishConfig),
    /// What is left to do: after withdrawals, after changes, and the rest.
    left: [BTreeSet<Piece>; 3],
    /// What stories and parts of archives looked like when they were written, by path.
    looks: HashMap<String, u64>,
    /// The newest deletions that are known.
    deleted: Vec<(ItemId, Moment)>,
    /// When the folder was written last, before it was opened.
    written: Moment,
    /// When everything was looked at last.
    began: Moment,
}

impl StaticSite {
    /// Opens the folder; everything is to be looked at then.
    ///
    /// # Errors
    /// If the folder cannot be used.
    pub fn open(site: Arc<Site>, folder: &Path, now: Moment) -> Result<Self, StaticError> {
        let given = site.published();
        let folder = StaticFolder::open(folder, given.options.root())?;
        let (written, published) = (folder.newest(), (Arc::clone(&given), for_files(&given)));
        let (left, looks, deleted) = Default::default();
        let mut opened = Self { site, folder, published, left, looks, deleted, written, began: now };
        opened.want_all(now);
        let published = given.regions.all().map(|region| &region.id).filter(|id| given.regions.is_published(id));
        opened.put_withdrawals_first(&published.cloned().collect())?;
        Ok(opened)
    }

    /// Returns how many documents were written.
    pub fn written(&self) -> u64 {
        self.folder.written()
    }

    /// Marks what must be looked at again after these regions changed, and removes the pages of stories that are gone.
    ///
    /// # Errors
    /// If a page cannot be removed.
    pub fn want(&mut self, regions: impl Iterator<Item = RegionId>, now: Moment) -> Result<(), StaticError> {
        let given = self.site.published();
        if !Arc::ptr_eq(&given, &self.published.0) {
            self.published = (Arc::clone(&given), for_files(&given));
            self.looks.clear();
            self.want_all(now);
        } else if now.seconds() - self.began.seconds() >= ROUND {
            self.want_all(now);
        }
        let regions: BTreeSet<RegionId> = regions.filter(|region| given.regions.is_published(region)).collect();
        if regions.is_empty() {
            return Ok(());
        }
        let lost = self.put_withdrawals_first(&regions)?;
        for region in regions.difference(&lost) {
            let month = self.newest_month(region).map(|month| Piece::Month(region.clone(), month));
            let [_, changed, _] = &mut self.left;
            changed.extend([Piece::Region(region.clone()), Piece::Front].into_iter().chain(month));
        }
        Ok(())
    }

    /// Removes the pages of stories that are gone, marks everything else that shows them, and returns which of these regions
    /// do.
    fn put_withdrawals_first(&mut self, regions: &BTreeSet<RegionId>) -> Result<BTreeSet<RegionId>, StaticError> {
        let site = Arc::clone(&self.site);
        let (given, view) = (site.published(), &site.store().ok_or(StaticError::Closed)?.view);
        let since = self.deleted.first().map_or(self.written, |(_, at)| *at);
        let mut deleted = view.deleted(|_| true, None, since, MAX_DELETED);
        let is_any = deleted.iter().any(|one| !self.deleted.contains(one));
        self.drop_items(is_any)?;
        if !is_any {
            return Ok(BTreeSet::new());
        }
        let is_in = |region: &RegionId| {
            let holds = |tag: &RegionId| given.regions.covers(region, tag);
            !view.deleted(holds, None, since, 1).is_empty()
        };
        let lost: BTreeSet<RegionId> = regions.iter().filter(|region| is_in(region)).cloned().collect();
        let is_of = |id: &SourceId| !view.deleted(|_| true, Some(id), since, 1).is_empty();
        let sources = given.listing.iter().map(|source| &source.id).filter(|id| is_of(id));
        let [first, ..] = &mut self.left;
        first.extend(sources.cloned().map(Piece::Source));
        first.extend(lost.iter().flat_map(|id| [Piece::Region(id.clone()), Piece::Archive(id.clone())]));
        first.insert(Piece::Front);
        // Others of the same moment may follow.
        let newest = deleted.iter().map(|(_, at)| *at).max();
        deleted.retain(|(_, at)| Some(*at) == newest);
        self.deleted = deleted;
        Ok(lost)
    }

    /// Writes the next piece; returns `false` if none is left.
    ///
    /// # Errors
    /// If a document cannot be rendered or written for now; the piece is still left.
    pub fn step(&mut self, now: Moment) -> Result<bool, StaticError> {
        let Some(rank) = self.left.iter().position(|left| !left.is_empty()) else {
            return self.folder.save().map(|()| false);
        };
        let Some(piece) = self.left.get_mut(rank).and_then(BTreeSet::pop_first) else { return Ok(false) };
        let done = self.write(&piece, rank, now);
        if done.is_err() {
            self.leave(rank, piece);
        }
        done.map(|()| true)
    }

    /// Writes the manifest, if it is behind.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn save(&mut self) -> Result<(), StaticError> {
        self.folder.save()
    }

    fn leave(&mut self, rank: usize, piece: Piece) {
        if let Some(left) = self.left.get_mut(rank) {
            left.insert(piece);
        }
    }

    fn want_all(&mut self, now: Moment) {
        self.began = now;
        let given = &self.published.0;
        let regions = given.regions.all().filter(|region| given.regions.is_published(&region.id));
        let of = |id: &RegionId| [Piece::Region(id.clone()), Piece::Archive(id.clone())];
        let [_, changed, rest] = &mut self.left;
        changed.extend([Piece::Fixed, Piece::Front]);
        rest.extend(regions.flat_map(|region| of(&region.id)));
        rest.extend(given.listing.iter().map(|source| Piece::Source(source.id.clone())));
        rest.insert(Piece::Sources);
        let items = path_of(given, "items/");
        rest.extend(self.folder.paths(&items).filter_map(item_of).map(Piece::Item));
    }

    /// Removes the pages of stories that are gone; with `also_changed`, those that changed are to be written anew.
    fn drop_items(&mut self, also_changed: bool) -> Result<(), StaticError> {
        let site = Arc::clone(&self.site);
        let view = &site.store().ok_or(StaticError::Closed)?.view;
        let known: Vec<String> = self.folder.paths(&path_of(&self.published.0, "items/")).map(str::to_owned).collect();
        for path in known {
            let Some(id) = item_of(&path) else { continue };
            match view.find(id).and_then(|story| view.story(story)).filter(|story| story.id == id) {
                None => {
                    self.folder.remove(&path)?;
                    self.looks.remove(&path);
                }
                Some(story) if also_changed && self.looks.get(&path) != Some(&look_of(&story)) => {
                    self.left[0].insert(Piece::Item(id));
                }
                Some(_) => {}
            }
        }
        Ok(())
    }

    fn newest_month(&self, region: &RegionId) -> Option<Month> {
        let store = self.site.store()?;
        let mut tags = store.view.known_regions();
        tags.retain(|tag| self.published.0.regions.covers(region, tag));
        let changed = store.view.changed(&tags);
        (changed != Moment::default()).then(|| Month::of(changed))
    }

    fn write(&mut self, piece: &Piece, rank: usize, now: Moment) -> Result<(), StaticError> {
        match piece {
            Piece::Region(region) => self.write_region(region, rank, now),
            Piece::Item(id) => self.write_item(*id, now),
            Piece::Front => self.write_front(now),
            Piece::Archive(region) => {
                let months = self.months_of(region)?;
                let pieces = months.into_iter().map(|month| Piece::Month(region.clone(), month));
                pieces.for_each(|piece| self.leave(rank, piece));
                Ok(())
            }
            Piece::Month(region, month) => self.write_month(region, *month, now),
            Piece::Fixed => self.write_fixed(now),
            Piece::Sources => self.write_sources(now),
            Piece::Source(id) => {
                let selection = Selection { source: Some(id.clone()), ..Selection::default() };
                let language = self.language();
                let made = self.made(|renderer| renderer.source_page(&selection, language).map_err(|_told| ()))?;
                self.keep(&format!("sources/{id}.html"), made.ok().flatten(), now)
            }
        }
    }

    fn write_region(&mut self, region: &RegionId, rank: usize, now: Moment) -> Result<(), StaticError> {
        let language = self.language();
        let selection = Selection { region: Some(region.clone()), ..Selection::default() };
        let (feeds, page, stories) = self.made(|renderer| {
            let feeds = Format::ALL.map(|format| (format, renderer.feed(region, format, &Filter::default())));
            let stories = renderer.choose(&selection, &renderer.tags_of(Some(region))).stories;
            (feeds, renderer.stories_page(&selection, language), stories)
        })?;
        for (format, feed) in feeds {
            self.keep(&format!("regions/{region}/{}", format.file()), feed, now)?;
        }
        self.keep(&format!("regions/{region}.html"), page, now)?;
        for story in stories {
            let path = path_of(&self.published.0, &format!("items/{}.html", story.id));
            if self.looks.get(&path) != Some(&look_of(&story)) {
                self.leave(rank, Piece::Item(story.id));
            }
        }
        Ok(())
    }

    fn write_item(&mut self, id: ItemId, now: Moment) -> Result<(), StaticError> {
        let language = self.language();
        let (story, page) = self.made(|renderer| {
            let story = renderer.view.find(id).and_then(|story| renderer.view.story(story));
            (story.filter(|story| story.id == id), renderer.item_page(id, language))
        })?;
        let path = format!("items/{id}.html");
        let looks = story.as_ref().map(look_of);
        self.keep(&path, page.filter(|_| looks.is_some()), now)?;
        let path = path_of(&self.published.0, &path);
        match looks {
            Some(looks) => self.looks.insert(path, looks),
            None => self.looks.remove(&path),
        };
        Ok(())
    }

    fn write_front(&mut self, now: Moment) -> Result<(), StaticError> {
        let language = self.language();
        let all = Selection::default();
        let (home, feeds, tree, list) = self.made(|renderer| {
            let feeds = Format::ALL.map(|format| (format, renderer.stories_feed(&all, format)));
            (renderer.stories_page(&all, language), feeds, renderer.regions_page(language), renderer.opml())
        })?;
        self.keep("index.html", home, now)?;
        for (format, feed) in feeds {
            self.keep(format.file(), feed, now)?;
        }
        self.keep("regions.html", Some(tree), now)?;
        self.keep("opml.xml", Some(list), now)
    }

    fn write_fixed(&mut self, now: Moment) -> Result<(), StaticError> {
        let language = self.language();
        let (about, lost) = self.made(|renderer| {
            let (title, detail) = super::handler::missing_words(language);
            let bytes = write::fault(&renderer.page(language), title, detail);
            (renderer.about_page(language), Rendered { media_type: HTML, bytes, changed: now })
        })?;
        self.keep("about.html", Some(about), now)?;
        self.keep("404.html", Some(lost), now)?;
        for (path, media_type, bytes) in super::handler::fixed_files() {
            self.keep(path, Some(Rendered { media_type, bytes: bytes.to_vec(), changed: now }), now)?;
        }
        Ok(())
    }

    fn write_sources(&mut self, now: Moment) -> Result<(), StaticError> {
        let language = self.language();
        let keys = [
            ("sources.html", recent::Key::Sources(language)),
            ("sources/atom.xml", recent::Key::SourcesFeed),
            ("sources/digest.xml", recent::Key::Digest),
        ];
        for (path, key) in keys {
            let made = self.made(|renderer| renderer.make_once(&key))?;
            let made = match made {
                Err(Failure::Closed) => return Err(StaticError::Closed),
                made => made.ok(),
            };
            self.keep(path, made, now)?;
        }
        Ok(())
    }

    /// Returns the months of a region's archive, those included that are written and do not exist any more.
    fn months_of(&self, region: &RegionId) -> Result<BTreeSet<Month>, StaticError> {
        let view = &self.site.store().ok_or(StaticError::Closed)?.view;
        let folder = path_of(&self.published.0, &format!("regions/{region}/archive/"));
        let written = self.folder.paths(&folder).filter_map(|path| part::named(path.rsplit('/').next()?));
        let mut months: BTreeSet<Month> = written.map(|(month, _)| month).collect();
        let mut month = view.first_day().map(Month::of_day);
        let last = self.newest_month(region);
        while let (Some(at), Some(last)) = (month, last)
            && at <= last
        {
            months.insert(at);
            month = Some(at.next());
        }
        Ok(months)
    }

    fn write_month(&mut self, region: &RegionId, month: Month, now: Moment) -> Result<(), StaticError> {
        let folder = path_of(&self.published.0, &format!("regions/{region}/archive/"));
        let parts = self.made(|renderer| renderer.parts_of(region, month))?;
        let mut stale: BTreeSet<String> = self.folder.paths(&format!("{folder}{month}")).map(str::to_owned).collect();
        for (part, looks) in parts {
            let file = part::file(part);
            let path = format!("{folder}{file}");
            stale.remove(&path);
            if self.looks.get(&path) != Some(&looks) {
                let made = self.made(|renderer| renderer.archive(region, part))?;
                self.keep(&format!("regions/{region}/archive/{file}"), made, now)?;
                self.looks.insert(path, looks);
            }
        }
        stale.iter().try_for_each(|path| self.folder.remove(path))
    }

    /// Writes a document below the path of the site, or removes it.
    fn keep(&mut self, path: &str, document: Option<Rendered>, now: Moment) -> Result<(), StaticError> {
        let path = path_of(&self.published.0, path);
        match document {
            Some(document) => self.folder.put(&path, document, now),
            None => self.folder.remove(&path),
        }
    }

    fn language(&self) -> Language {
        Language::of_tag(&self.published.1.options.language)
    }

    /// Renders something; what lacks a report that cannot be read for now is none.
    fn made<T>(&self, work: impl FnOnce(&Renderer<'_>) -> T) -> Result<T, StaticError> {
        let Store { log, view, poll_states } = self.site.store().ok_or(StaticError::Closed)?;
        let chronicle = self.site.chronicle();
        let renderer = Renderer {
            published: &self.published.1,
            log,
            view,
            poll_states,
            chronicle: &chronicle,
            hour: Moment::from_seconds(LATE),
            search: None,
            is_unreadable: Cell::new(false),
        };
        let made = work(&renderer);
        if renderer.is_unreadable.get() { Err(StaticError::Closed) } else { Ok(made) }
    }
}

/// Returns the config for documents without dayuan behind them.
fn for_files(given: &PublishConfig) -> PublishConfig {
    let mut files = given.clone();
    (files.options.search, files.options.hub, files.options.listens) = (false, false, false);
    let known_topics = Arc::default();
    PublishConfig { topics: Topics::none(), is_static: true, known_topics, ..files }
}

/// Returns the path of a document below the folder: that of its address.
fn path_of(published: &PublishConfig, path: &str) -> String {
    let root = published.options.root().trim_matches('/');
    if root.is_empty() { path.to_owned() } else { format!("{root}/{path}") }
}

/// Returns the story whose page is at this path.
fn item_of(path: &str) -> Option<ItemId> {
    ItemId::parse(path.rsplit('/').next()?.strip_suffix(".html")?)
}
