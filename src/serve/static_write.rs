//! Renders the pieces of the site as files.

use std::cell::Cell;
use std::collections::BTreeSet;

use super::document::{Failure, HTML, Rendered};
use super::filter::Filter;
use super::part;
use super::recent;
use super::renderer::Renderer;
use super::selection::Selection;
use super::site::Store;
use super::static_piece::{Piece, path_of};
use super::static_place::StaticError;
use super::static_rules::root_of;
use super::static_site::{REST, StaticSite};
use super::stories::look_of;
use crate::model::{ItemId, Moment, Month, RegionId};
use crate::write::{self, Format, Language};

/// A time so late that nothing is told relative to it, in seconds since 1970.
const LATE: i64 = 1 << 34;

impl StaticSite {
    /// Has the documents of a piece written, or removed.
    pub(super) fn write(&mut self, piece: &Piece, rank: usize, now: Moment) -> Result<(), StaticError> {
        match piece {
            Piece::Lost(path) => {
                self.documents.remove(path);
                Ok(())
            }
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
                self.keep(&format!("sources/{id}.html"), made.map_err(|()| StaticError::Closed)?, now);
                Ok(())
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
            self.keep(&format!("regions/{region}/{}", format.file()), feed, now);
        }
        self.keep(&format!("regions/{region}.html"), page, now);
        for story in stories {
            let path = path_of(&self.published.0, &format!("items/{}.html", story.id));
            match self.looks.get(&path) {
                Some(looks) if *looks == look_of(&story) => {}
                // Written before this program started: most likely nothing changed.
                None if self.documents.has(&path) => self.leave(REST, Piece::Item(story.id)),
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
        self.keep(&path, page.filter(|_| looks.is_some()), now);
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
        self.keep("index.html", home, now);
        for (format, feed) in feeds {
            self.keep(format.file(), feed, now);
        }
        self.keep("regions.html", Some(tree), now);
        self.keep("opml.xml", Some(list), now);
        Ok(())
    }

    fn write_fixed(&mut self, now: Moment) -> Result<(), StaticError> {
        let language = self.language();
        let (about, lost) = self.made(|renderer| {
            let (title, detail) = super::handler::missing_words(language);
            let bytes = write::fault(&renderer.page(language), title, detail);
            (renderer.about_page(language), Rendered { media_type: HTML, bytes, changed: now })
        })?;
        self.documents.put_rules(&root_of(&self.published.0.options))?;
        self.keep("about.html", Some(about), now);
        self.keep("404.html", Some(lost), now);
        for (path, media_type, bytes) in super::handler::fixed_files() {
            self.keep(path, Some(Rendered { media_type, bytes: bytes.to_vec(), changed: now }), now);
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
            self.keep(path, made, now);
        }
        Ok(())
    }

    /// Returns the months of a region's archive, those included that are written and do not exist any more.
    fn months_of(&self, region: &RegionId) -> Result<BTreeSet<Month>, StaticError> {
        let view = &self.site.store().ok_or(StaticError::Closed)?.view;
        let folder = path_of(&self.published.0, &format!("regions/{region}/archive/"));
        let written = self.documents.paths(&folder).filter_map(|path| part::named(path.rsplit('/').next()?));
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
        let mut stale: BTreeSet<String> =
            self.documents.paths(&format!("{folder}{month}")).map(str::to_owned).collect();
        for (part, looks) in parts {
            let file = part::file(part);
            let path = format!("{folder}{file}");
            stale.remove(&path);
            if self.looks.get(&path) != Some(&looks) {
                let made = self.made(|renderer| renderer.archive(region, part))?;
                self.keep(&format!("regions/{region}/archive/{file}"), made, now);
                self.looks.insert(path, looks);
            }
        }
        for path in &stale {
            self.documents.remove(path);
            self.looks.remove(path);
        }
        Ok(())
    }

    /// Writes a document below the path of the site, or removes it.
    fn keep(&mut self, path: &str, document: Option<Rendered>, now: Moment) {
        let path = path_of(&self.published.0, path);
        match document {
            Some(document) => self.documents.put(&path, document, now),
            None => self.documents.remove(&path),
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
