//! Renders the archives of a region's feed (RFC 5005, section 4): a month of stories each, by the time they were first
//! seen, so that nothing is added to a month that is over. A long month has several parts.
//!
//! What is withdrawn still counts where a month is divided, so that the other parts stay as they are.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::document::Rendered;
use super::feeds::{KEEP_DELETED, MAX_DELETED};
use super::part::{Part, file};
use super::renderer::Renderer;
use super::stories::look_of;
use crate::model::{Item, Month, RegionId};
use crate::view::Begun;
use crate::write::{self, Chain, Channel, Format};

/// Maximum number of stories in a part.
const MAX_STORIES: usize = 200;
/// Maximum length of the first reports of the stories in a part, in bytes of the log.
const MAX_REPORTS: usize = 2 << 20;
/// Maximum size of a document, in bytes. Texts that grew since they were first seen are left out beyond it.
const MAX_ARCHIVE: usize = 4 << 20;

impl Renderer<'_> {
    /// Renders a part of the archive of a region; `None` if there is no such part.
    pub(super) fn archive(&self, region: &RegionId, (month, part): Part) -> Option<Rendered> {
        let place = self.published.regions.get(region)?;
        let tags = self.known_in(region);
        let (first, last) = (self.view.first_day().map(Month::of_day)?, self.newest_month(&tags)?);
        if !(first..=last).contains(&month) {
            return None;
        }
        let begun = self.view.begun(&tags, month.days());
        let parts = divide(&begun);
        let at = part.unwrap_or(parts.len());
        let stories = parts.get(at.checked_sub(1)?)?;
        // The last part has one name only.
        let part = part.filter(|part| *part < parts.len());
        let is_closed = part.is_some() || month < last;
        let before = match at {
            1 => month.previous().filter(|before| *before >= first).map(|before| (before, None)),
            at => Some((month, Some(at - 1))),
        };
        let after = match part {
            // The first part of the next month has this name also where it is the only one: a month that is over must not
            // change when the next one gets a second part.
            None => (month < last).then(|| (month.next(), Some(1))),
            Some(at) if at + 1 == parts.len() => Some((month, None)),
            Some(at) => Some((month, Some(at + 1))),
        };
        let url = |part: Part| format!("{}/archive/{}", self.page_of(region), file(part));
        let chain = Chain {
            is_archive: is_closed,
            current: Some(format!("{}/{}", self.page_of(region), Format::Atom.file())),
            previous: before.map(url),
            next: after.map(url),
        };
        let changed = self.view.changed(&tags);
        let deleted: Vec<_> = stories
            .iter()
            .filter_map(|story| Some((story.id, story.deleted?)))
            .filter(|(_, at)| *at >= changed - KEEP_DELETED)
            .take(MAX_DELETED)
            .collect();
        let mut items: Vec<Item> =
            stories.iter().filter_map(|begun| self.item(&self.view.story(begun.story)?)).collect();
        items.sort_by_key(|item| (std::cmp::Reverse(item.published.at), item.id.as_u128()));
        let bytes = self.fitting(&mut items, |items| {
            let updated = items.iter().map(|item| item.updated).chain(deleted.iter().map(|(_, at)| *at)).max();
            write::atom(&Channel {
                self_link: url((month, part)),
                updated: updated.unwrap_or_default(),
                deleted: &deleted,
                chain: chain.clone(),
                ..self.channel(place, Format::Atom, items)
            })
        });
        Some(Rendered { media_type: Format::Atom.media_type(), bytes, changed })
    }

    /// Returns the parts of a month, each with a number that changes with what it holds; none if there is no such month.
    pub(super) fn parts_of(&self, region: &RegionId, month: Month) -> Vec<(Part, u64)> {
        let tags = self.known_in(region);
        let (first, last) = (self.view.first_day().map(Month::of_day), self.newest_month(&tags));
        let (Some(first), Some(last)) = (first, last) else { return Vec::new() };
        if !(first..=last).contains(&month) {
            return Vec::new();
        }
        let begun = self.view.begun(&tags, month.days());
        let parts = divide(&begun);
        let (count, is_first) = (parts.len(), month == first);
        let named = parts.iter().zip(1..).map(|(stories, at)| {
            let mut hasher = DefaultHasher::new();
            // What it leads to, too.
            (count, is_first, month < last).hash(&mut hasher);
            for begun in *stories {
                let look = self.view.story(begun.story).map(|story| look_of(&story));
                (begun.id.as_u128(), begun.deleted, look).hash(&mut hasher);
            }
            ((month, (at < count).then_some(at)), hasher.finish())
        });
        named.collect()
    }

    /// Writes items; if they are too long together, the longest texts are left out, then what else is longest, and all items
    /// stay.
    fn fitting(&self, items: &mut [Item], written: impl Fn(&[Item]) -> Vec<u8>) -> Vec<u8> {
        let mut bytes = written(items);
        let text = |item: &Item| item.content_html.as_ref().map_or(0, String::len);
        let parts: [Spare; 2] = [(&text, &|item| item.content_html = None), (&length_beside, &leave_out_beside)];
        for (length, leave_out) in parts {
            while bytes.len() > MAX_ARCHIVE && items.iter().any(|item| length(item) > 0) {
                // Half of them at a time, the longest first, so that few rounds are enough.
                let mut lengths: Vec<usize> = items.iter().map(length).filter(|length| *length > 0).collect();
                lengths.sort_unstable();
                let middle = lengths.get(lengths.len() / 2).copied().unwrap_or(0);
                for item in items.iter_mut().filter(|item| length(item) >= middle) {
                    leave_out(item);
                }
                bytes = written(items);
            }
        }
        bytes
    }

    /// Returns the newest archive of a region, which its feed leads to; `None` if nothing was ever there.
    pub(super) fn newest_archive(&self, region: &RegionId, tags: &[RegionId]) -> Option<String> {
        let last = self.newest_month(tags)?;
        Some(format!("{}/archive/{}", self.page_of(region), file((last, None))))
    }

    /// Returns the month in which these regions last changed: nothing is added to those before.
    fn newest_month(&self, tags: &[RegionId]) -> Option<Month> {
        let changed = self.view.changed(tags);
        (changed != crate::model::Moment::default()).then(|| Month::of(changed))
    }
}

/// How long something is that an entry can do without, and what leaves it out.
type Spare<'a> = (&'a dyn Fn(&Item) -> usize, &'a dyn Fn(&mut Item));

/// Returns how long the lists are that an item has beside its title, link and text, in bytes.
fn length_beside(item: &Item) -> usize {
    let names = item.authors.iter().chain(&item.editors).chain(&item.categories).map(String::len).sum::<usize>();
    let files: usize = item.enclosures.iter().map(|file| file.url.len()).sum();
    let related: usize = item.related.iter().map(|other| other.title.len() + other.link.len()).sum();
    names + files + related
}

fn leave_out_beside(item: &mut Item) {
    item.authors.clear();
    item.editors.clear();
    item.categories.clear();
    item.enclosures.clear();
    item.related.clear();
}

/// Divides the stories of a month, in order of their arrival, into parts; there is at least one.
fn divide(begun: &[Begun]) -> Vec<&[Begun]> {
    let mut parts = Vec::new();
    let (mut from, mut length) = (0, 0);
    for (at, story) in begun.iter().enumerate() {
        if at > from && (at - from == MAX_STORIES || length + story.length > MAX_REPORTS) {
            parts.extend(begun.get(from..at));
            (from, length) = (at, 0);
        }
        length += story.length;
    }
    parts.extend(begun.get(from..));
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ItemId;
    use crate::view::StoryNo;

    #[test]
    fn each_story_is_in_one_part_and_no_part_is_too_long() {
        let story = |length| Begun { story: StoryNo::default(), id: ItemId::from_u128(1), length, deleted: None };
        for lengths in [vec![], vec![10; 200], vec![10; 201], vec![MAX_REPORTS * 2, 1, MAX_REPORTS], vec![1 << 20; 9]] {
            let begun: Vec<Begun> = lengths.iter().copied().map(story).collect();
            let parts = divide(&begun);
            assert_eq!(parts.iter().map(|part| part.len()).sum::<usize>(), begun.len());
            assert!(parts.iter().all(|part| part.len() <= MAX_STORIES));
            let is_short =
                |part: &&[Begun]| part.len() == 1 || part.iter().map(|it| it.length).sum::<usize>() <= MAX_REPORTS;
            assert!(begun.is_empty() || parts.iter().all(is_short), "{parts:?}");
        }
    }
}
