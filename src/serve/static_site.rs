//! The site as files that a web server or a CDN serves without dayuan: which documents there are, and which are written first.
//!
//! What was withdrawn goes first, then what changed, then the rest. What cannot be written for now is put aside, so that it
//! holds up nothing else. The pages are in the language of the site, name no times
//! relative to now, and lead to nothing that needs a query.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::published::PublishConfig;
use super::site::Site;
use super::static_documents::{Documents, Handled};
use super::static_piece::{Piece, item_of, path_of, piece_of};
use super::static_place::{StaticError, Turn};
use super::static_target::Target;
use super::stories::look_of;
use crate::model::{Moment, Month, RegionId, SourceId, with_causes};
use crate::topics::Topics;
use crate::view::View;

/// The rank of what is looked at when nothing else is to be done.
pub(super) const REST: usize = 2;
/// How often everything is looked at again, also how the sources fare, in seconds.
const ROUND: i64 = 3600;
/// The regions that a withdrawal changed are told only after it was seen: for so many seconds, what changes is taken to be changed by
/// it.
const AFTERMATH: i64 = 10;
/// How long what could not be written waits, and at most if it fails again and again, in seconds.
const WAIT: i64 = 5;
const MAX_WAIT: i64 = 300;

/// The site, as it is written to a folder or a bucket.
#[derive(Debug)]
pub struct StaticSite {
    pub(super) site: Arc<Site>,
    pub(super) documents: Documents,
    /// The config as it was given, and as it is for files.
    pub(super) published: (Arc<PublishConfig>, PublishConfig),
    /// What is left to do: after withdrawals, after changes, and the rest.
    left: [BTreeSet<Piece>; 3],
    /// What stories and parts of archives looked like when they were written, by path.
    pub(super) looks: HashMap<String, u64>,
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
    /// Opens the place; everything is to be looked at then.
    ///
    /// # Errors
    /// If the place cannot be used.
    pub fn open(site: Arc<Site>, target: &Target, turn: Turn, now: Moment) -> Result<Self, StaticError> {
        let given = site.published();
        let documents = Documents::open(target.open(turn)?, |path| piece_of(&given, path).is_some())?;
        let (known, published) = (documents.handled(), (Arc::clone(&given), for_files(&given)));
        let (left, looks, aside, trouble) = Default::default();
        let (withdrew, wait, until) = (Moment::default(), WAIT, Moment::default());
        let began = now;
        let mut opened =
            Self { site, documents, published, left, looks, known, withdrew, began, aside, wait, until, trouble };
        opened.want_all(now)?;
        if opened.documents.paths("").next().is_none() {
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
        self.documents.written()
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

    /// Writes the next pieces; returns `false` if none is left. What fails is put aside.
    ///
    /// # Errors
    /// If another program or machine writes there now.
    pub fn step(&mut self, now: Moment) -> Result<bool, StaticError> {
        let pieces = self.next_pieces();
        if pieces.is_empty() {
            let is_whole = self.aside.is_empty();
            let saved = if is_whole { self.documents.finish() } else { self.documents.save_in_time() };
            if is_whole {
                (self.wait, self.trouble) = (WAIT, None);
            }
            self.note(saved)?;
            return Ok(false);
        }
        let mut failed = BTreeSet::new();
        for (at, (rank, piece)) in pieces.iter().enumerate() {
            self.documents.begin(at);
            if let Err(error) = self.write(piece, *rank, now) {
                failed.insert(at);
                self.note(Err(error))?;
            }
        }
        for failure in self.documents.flush() {
            self.looks.remove(&failure.path);
            failed.insert(failure.piece);
            self.note(Err(failure.error))?;
        }
        if !failed.is_empty() && self.aside.is_empty() {
            self.until = now.plus_seconds(self.wait);
            self.wait = MAX_WAIT.min(self.wait * 2);
        }
        let is_failed = |(at, _): &(usize, _)| failed.contains(at);
        self.aside.extend(pieces.into_iter().enumerate().filter(is_failed).map(|(_, piece)| piece));
        let [first, ..] = &self.left;
        let is_handled = first.is_empty() && self.aside.iter().all(|(rank, _)| *rank > 0);
        let saved = if is_handled && self.documents.handled() != self.known {
            self.documents.set_handled(self.known)
        } else {
            self.documents.save_in_time()
        };
        self.note(saved)?;
        Ok(true)
    }

    /// Takes the pieces that are written next, all of one rank.
    fn next_pieces(&mut self) -> Vec<(usize, Piece)> {
        let most = self.documents.pieces_at_once();
        let next = self.left.iter_mut().enumerate().find(|(_, left)| !left.is_empty());
        let Some((rank, left)) = next else { return Vec::new() };
        std::iter::from_fn(|| left.pop_first()).take(most).map(|piece| (rank, piece)).collect()
    }

    /// Carries out removals at once.
    fn remove_now(&mut self) -> Result<(), StaticError> {
        let failed = self.documents.flush();
        failed.into_iter().next().map_or(Ok(()), |failure| Err(failure.error))
    }

    /// Keeps why something was not done. Where others write now, nothing more is to be done.
    fn note(&mut self, done: Result<(), StaticError>) -> Result<(), StaticError> {
        match done {
            Err(error @ (StaticError::Taken(_) | StaticError::NotOurTurn)) => return Err(error),
            Err(error) => self.trouble = Some(with_causes(&error)),
            Ok(()) => {}
        }
        Ok(())
    }

    /// Writes the manifest, if it is behind, and lets others write.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn release(&mut self) -> Result<(), StaticError> {
        self.documents.release()
    }

    pub(super) fn leave(&mut self, rank: usize, piece: Piece) {
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
        for path in self.documents.paths("") {
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
        let written = self.documents.paths(&folder).filter_map(|path| match piece_of(given, path) {
            Some(Piece::Source(id)) => Some(id),
            _ => None,
        });
        given.listing.iter().map(|source| source.id.clone()).chain(written).collect()
    }

    /// Removes the pages of stories that are gone; those that changed are to be written anew, before all else.
    fn drop_items(&mut self, view: &View) -> Result<(), StaticError> {
        let known: Vec<String> =
            self.documents.paths(&path_of(&self.published.0, "items/")).map(str::to_owned).collect();
        for path in known {
            let Some(id) = item_of(&path) else { continue };
            match view.find(id).and_then(|story| view.story(story)).filter(|story| story.id == id) {
                None => {
                    self.documents.remove(&path);
                    self.looks.remove(&path);
                }
                Some(story) if self.looks.get(&path).is_some_and(|looks| *looks != look_of(&story)) => {
                    self.leave(0, Piece::Item(id));
                }
                Some(_) => {}
            }
        }
        self.remove_now()
    }

    pub(super) fn newest_month(&self, region: &RegionId) -> Option<Month> {
        let store = self.site.store()?;
        let mut tags = store.view.known_regions();
        tags.retain(|tag| self.published.0.regions.covers(region, tag));
        let changed = store.view.changed(&tags);
        (changed != Moment::default()).then(|| Month::of(changed))
    }
}

/// Returns the config for documents without dayuan behind them.
fn for_files(given: &PublishConfig) -> PublishConfig {
    let mut files = given.clone();
    (files.options.search, files.options.hub, files.options.listens) = (false, false, false);
    let known_topics = Arc::default();
    PublishConfig { topics: Topics::none(), is_static: true, known_topics, ..files }
}
