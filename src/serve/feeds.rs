//! Renders the feeds of the site: those of regions, of the health of the sources, and the list of all.

use super::document::Rendered;
use super::renderer::Renderer;
use crate::model::{Item, Region, RegionId, SourceId};
use crate::view;
use crate::write::{self, Channel, Format, Language, Outline};

/// Maximum size of a feed, in bytes.
const MAX_FEED: usize = 4 * 1024 * 1024;

impl Renderer<'_> {
    /// Renders the merged feed of a region and everything below it, or of one source only if it is given.
    pub(super) fn feed(&self, region: &RegionId, format: Format, source: Option<&SourceId>) -> Option<Rendered> {
        let place = self.published.regions.get(region)?;
        let options = &self.published.options;
        let (mut items, changed) = self.items(|tag| self.published.regions.covers(region, tag), source);
        let page = format!("{}/regions/{region}", options.public_url);
        let query = source.map(|source| format!("?source={source}")).unwrap_or_default();
        let of_source = source
            .and_then(|source| self.view.source(source))
            .map(|facts| format!(" · {}", facts.title))
            .unwrap_or_default();
        let title = format!("{}{of_source} · {}", place.name, options.title);
        let written = |items: &[Item]| {
            let channel = Channel {
                id: format!("{page}{query}"),
                description: self.describe(place),
                title: title.clone(),
                self_link: format!("{page}/{}{query}", format.file()),
                page: page.clone(),
                root: &options.public_url,
                updated: items.iter().map(|item| item.updated).max().unwrap_or_default(),
                language: &options.language,
                rights: options.rights.as_deref(),
                items,
            };
            match format {
                Format::Atom => write::atom(&channel),
                Format::Rss => write::rss(&channel),
                Format::Json => write::json(&channel),
            }
        };
        let mut bytes = written(&items);
        // A feed holds whole entries only: drop the oldest ones until it fits.
        while bytes.len() > MAX_FEED && !items.is_empty() {
            let fitting = items.len().saturating_mul(MAX_FEED) / bytes.len();
            items.truncate(fitting.min(items.len() - 1));
            bytes = written(&items);
        }
        Some(Rendered { media_type: format.media_type(), bytes, changed })
    }

    fn describe(&self, place: &Region) -> String {
        let path: Vec<&str> =
            self.published.regions.path(&place.id).iter().rev().map(|region| region.name.as_str()).collect();
        match Language::of_tag(&self.published.options.language) {
            Language::Chinese => format!("{}及下辖地区各来源的消息合集", path.join("")),
            Language::English => {
                format!("News of {} and the regions within, merged from all their sources", path.join(", "))
            }
        }
    }

    /// Renders the feed of the sources that are not healthy.
    ///
    /// # Errors
    /// If the poll states cannot be read; the error is logged.
    pub(super) fn sources_feed(&self) -> Result<Rendered, view::ViewError> {
        let healths = self.healths()?;
        let options = &self.published.options;
        let page = self.page(Language::of_tag(&options.language));
        let changed = healths.iter().filter_map(|health_of| health_of.since).max().unwrap_or_default();
        let bytes = write::health_feed(&page, &options.public_url, &healths);
        Ok(Rendered { media_type: Format::Atom.media_type(), bytes, changed })
    }

    pub(super) fn opml(&self) -> Rendered {
        let regions = &self.published.regions;
        let mut ids: Vec<RegionId> = self
            .published
            .listing
            .iter()
            .flat_map(|source| regions.holders(&source.region))
            .filter(|id| regions.is_published(id))
            .collect();
        ids.sort();
        ids.dedup();
        let root = &self.published.options.public_url;
        let outlines: Vec<Outline> = ids
            .iter()
            .filter_map(|id| regions.get(id))
            .map(|region| Outline {
                title: region.name.clone(),
                feed: format!("{root}/regions/{}/atom.xml", region.id),
                page: format!("{root}/regions/{}", region.id),
            })
            .collect();
        let changed = self.view.changed(&self.view.tags());
        Rendered {
            media_type: "text/x-opml; charset=utf-8",
            bytes: write::opml(&self.published.options.title, changed, &outlines),
            changed,
        }
    }
}
