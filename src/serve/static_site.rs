//! The site as files that a web server or a CDN serves without dayuan: which documents there are, and which are written first.
//!
//! What was withdrawn goes first, then what changed, then the rest. What cannot be written for now is put aside, so that it
//! holds up nothing else. The pages are in the language of the site, name no times
//! relative to now, and lead to nothing that needs a query.

use std::cell::Cell;
use std::collections::{BTreeSet, HashMap, HashSet};
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
use super::static_folder::{Handled, StaticError, StaticFolder};
use super::static_piece::{Piece, item_of, path_of, piece_of};
use super::static_rules::root_of;
use super::stories::look_of;
use crate::model::{ItemId, Moment, Month, RegionId, SourceId, with_causes};
use crate::topics::Topics;
use crate::view::View;
use crate::write::{self, Format, Language};

/// A time so late that nothing is told relative to it, in seconds since 1970.
const LATE: i64 = 1 << 34;
/// The rank of what is looked at when nothing else is to be done.
const REST: usize = 2;
/// How often everything is looked at again, also how the sources fare, in seconds.
const ROUND: i64 = 3600;
/// The regions that a withdrawal changed are told only after it was seen: for so many seconds, what changes is taken to be changed by
/// it.
const AFTERMATH: i64 = 10;
/// How long what could not be written waits, and at most if it fails again and again, in seconds.
const WAIT: i64 = 5;
const MAX_WAIT: i64 = 300;

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
    /// The withdrawals that are known; the folder knows those that no document shows any more.
    known: Handled,
    /// When the last of them was seen.
    withdrew: Moment,
    /// When everything was looked at last.
    began: Moment,
    /// What could not be written, with its rank, until when it waits, and why.
    aside: Vec<(usize, Piece)>,
    wait: i64,
    until: Moment,
    trouble: Option<String>,
}

impl StaticSite {
    /// Opens the folder; everything is to be looked at then.
    ///
    /// # Errors
    /// If the folder cannot be used.
    pub fn open(site: Arc<Site>, folder: &Path, now: Moment) -> Result<Self, StaticError> {
        let given = site.published();
        let folder = StaticFolder::open(folder)?;
        let (known, published) = (folder.handled(), (Arc::clone(&given), for_files(&given)));
        let (left, looks, aside, trouble) = Default::default();
        let (withdrew, wait, until) = (Moment::default(), WAIT, Moment::default());
        let began = now;
        let mut opened =
            Self { site, folder, published, left, looks, known, withdrew, began, aside, wait, until, trouble };
        opened.want_all(now)?;
        if opened.folder.paths("").next().is_none() {
            let removals = opened.site.store().ok_or(StaticError::Closed)?.view.removals();
            opened.known = Handled { removals, until: now.seconds() - AFTERMATH };
        }
        // Which reports were withdrawn meanwhile is not known: all goes first then.
        if opened.put_withdrawals_first(BTreeSet::new(), now)? {
            let [first, _, rest] = &mut opened.left;
            first.append(rest);
        }
        Ok(opened)
    }

    /// Returns why something waits to be written, if anything does.
    pub fn trouble(&self) -> Option<&str> {
        self.trouble.as_deref()
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
            self.want_all(now)?;
        } else if now.seconds() - self.began.seconds() >= ROUND {
            self.want_all(now)?;
        }
        if now >= self.until {
            let aside = std::mem::take(&mut self.aside);
            aside.into_iter().for_each(|(rank, piece)| self.leave(rank, piece));
        }
        let regions: BTreeSet<RegionId> = regions.filter(|region| given.regions.is_published(region)).collect();
        if self.put_withdrawals_first(regions.clone(), now)? {
            return Ok(());
        }
        for region in regions {
            let month = self.newest_month(&region).map(|month| Piece::Month(region.clone(), month));
            let [_, changed, _] = &mut self.left;
            changed.extend([Piece::Region(region), Piece::Front].into_iter().chain(month));
        }
        Ok(())
    }

    /// If something was withdrawn, removes the pages of stories that are gone and puts first what may show it: these regions
    /// that changed, and those of the stories that are gone. Returns whether it did.
    fn put_withdrawals_first(&mut self, mut lost: BTreeSet<RegionId>, now: Moment) -> Result<bool, StaticError> {
        let site = Arc::clone(&self.site);
        let (given, view) = (site.published(), &site.store().ok_or(StaticError::Closed)?.view);
        let removals = view.removals();
        let is_new = removals != self.known.removals;
        let is_aftermath = now.seconds() - self.withdrew.seconds() < AFTERMATH && !lost.is_empty();
        if !is_new && !is_aftermath {
            return Ok(false);
        }
        if is_new {
            let tags = view.lost_regions(Moment::from_seconds(self.known.until));
            let published = given.regions.all().map(|region| &region.id).filter(|id| given.regions.is_published(id));
            lost.extend(published.filter(|id| tags.iter().any(|tag| given.regions.covers(id, tag))).cloned());
            // Others of the same moment may follow.
            self.known = Handled { removals, until: now.seconds() - AFTERMATH };
            self.withdrew = now;
        }
        self.drop_items(view)?;
        let sources = self.sources();
        let [first, ..] = &mut self.left;
        first.extend(sources.into_iter().map(Piece::Source));
        first.extend(lost.into_iter().flat_map(|id| [Piece::Region(id.clone()), Piece::Archive(id)]));
        first.extend([Piece::Front, Piece::Sources]);
        Ok(true)
    }

    /// Writes the next piece; returns `false` if none is left. What fails is put aside.
    pub fn step(&mut self, now: Moment) -> bool {
        let next = self.left.iter_mut().enumerate().find_map(|(rank, left)| Some((rank, left.pop_first()?)));
        let Some((rank, piece)) = next else {
            let is_whole = self.aside.is_empty();
            let saved = if is_whole { self.folder.finish() } else { self.folder.save_in_time() };
            if is_whole {
                (self.wait, self.trouble) = (WAIT, None);
            }
            self.note(saved);
            return false;
        };
        let done = self.write(&piece, rank, now);
        if done.is_err() {
            if self.aside.is_empty() {
                self.until = now.plus_seconds(self.wait);
                self.wait = MAX_WAIT.min(self.wait * 2);
            }
            self.aside.push((rank, piece));
        }
        self.note(done);
        let [first, ..] = &self.left;
        let is_handled = first.is_empty() && self.aside.iter().all(|(rank, _)| *rank > 0);
        let saved = if is_handled && self.folder.handled() != self.known {
            self.folder.set_handled(self.known)
        } else {
            self.folder.save_in_time()
        };
        self.note(saved);
        true
    }

    fn note(&mut self, done: Result<(), StaticError>) {
        if let Err(error) = done {
            self.trouble = Some(with_causes(&error));
        }
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

    fn want_all(&mut self, now: Moment) -> Result<(), StaticError> {
        let site = Arc::clone(&self.site);
        self.began = now;
        self.drop_items(&site.store().ok_or(StaticError::Closed)?.view)?;
        let given = &self.published.0;
        let regions = given.regions.all().filter(|region| given.regions.is_published(&region.id));
        let of = |id: &RegionId| [Piece::Region(id.clone()), Piece::Archive(id.clone())];
        let listed: HashSet<&SourceId> = given.listing.iter().map(|source| &source.id).collect();
        let [first, changed, rest] = &mut self.left;
        changed.extend([Piece::Fixed, Piece::Front]);
        rest.extend(regions.flat_map(|region| of(&region.id)));
        rest.extend(listed.iter().map(|id| Piece::Source((*id).clone())));
        rest.insert(Piece::Sources);
        for path in self.folder.paths("") {
            match piece_of(given, path) {
                Some(Piece::Item(id)) => rest.insert(Piece::Item(id)),
                Some(Piece::Source(id)) if !listed.contains(&id) => first.insert(Piece::Source(id)),
                Some(_) => true,
                None => first.insert(Piece::Lost(path.to_owned())),
            };
        }
        Ok(())
    }

    /// Returns the sources that have a page, or should.
    fn sources(&self) -> BTreeSet<SourceId> {
        let given = &self.published.0;
        let folder = path_of(given, "sources/");
        let written = self.folder.paths(&folder).filter_map(|path| match piece_of(given, path) {
            Some(Piece::Source(id)) => Some(id),
            _ => None,
        });
        given.listing.iter().map(|source| source.id.clone()).chain(written).collect()
    }

    /// Removes the pages of stories that are gone; those that changed are to be written anew, before all else.
    fn drop_items(&mut self, view: &View) -> Result<(), StaticError> {
        let known: Vec<String> = self.folder.paths(&path_of(&self.published.0, "items/")).map(str::to_owned).collect();
        for path in known {
            let Some(id) = item_of(&path) else { continue };
            match view.find(id).and_then(|story| view.story(story)).filter(|story| story.id == id) {
                None => {
                    self.folder.remove(&path)?;
                    self.looks.remove(&path);
                }
                Some(story) if self.looks.get(&path).is_some_and(|looks| *looks != look_of(&story)) => {
                    self.leave(0, Piece::Item(id));
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
            Piece::Lost(path) => self.folder.remove(path),
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
                // One that cannot be made for now is no reason to remove what is there.
                self.keep(&format!("sources/{id}.html"), made.map_err(|()| StaticError::Closed)?, now)
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
            match self.looks.get(&path) {
                Some(looks) if *looks == look_of(&story) => {}
                // Written before this program started: most likely nothing changed.
                None if self.folder.has(&path) => self.leave(REST, Piece::Item(story.id)),
                _ => self.leave(rank, Piece::Item(story.id)),
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
        self.folder.put_rules(&root_of(&self.published.0.options))?;
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
                Ok(made) => Some(made),
                Err(Failure::Missing | Failure::Gone(_)) => None,
                Err(_) => return Err(StaticError::Closed),
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
        for path in &stale {
            self.folder.remove(path)?;
            self.looks.remove(path);
        }
        Ok(())
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
