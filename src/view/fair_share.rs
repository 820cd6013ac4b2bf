//! Which stories of a timeline a feed shows, so that no source fills it alone.

use std::cmp::Reverse;
use std::collections::HashMap;

use super::numbers::{SourceNo, StoryNo};

/// A story's place in a timeline: newest first, then by number.
pub(super) type Place = (Reverse<i64>, StoryNo);

/// Stories up to this long before the newest one are taken in turns, in milliseconds: readers look at least once a day,
/// and a story dated only by its day counts as published at the start of that day.
const TURNS: i64 = 2 * 86_400_000;

/// Selects the newest stories such that no source exceeds its share while others have any. If more than fit were
/// published within two days of the newest one, sources take turns, so that sources flooding a feed cannot push out the
/// newest story of another.
#[derive(Debug)]
pub(super) struct Share {
    most: usize,
    each: usize,
    /// Publication time of the newest story.
    newest: Option<i64>,
    /// Stories within two days of the newest, each with the number of newer ones from its source.
    recent: Vec<(usize, Place)>,
    older: Vec<Place>,
    /// Stories beyond their source's share.
    spare: Vec<Place>,
    taken: HashMap<Option<SourceNo>, usize>,
}

impl Share {
    /// Creates a selection of `most` stories, of which each source may have `each`.
    pub(super) fn new(most: usize, each: usize) -> Self {
        let (recent, older, spare, taken) = (Vec::new(), Vec::new(), Vec::new(), HashMap::new());
        Self { most, each, newest: None, recent, older, spare, taken }
    }

    /// Adds the next story of a source, in timeline order. Returns `false` if no later one can improve the selection.
    pub(super) fn take(&mut self, place: Place, source: Option<SourceNo>) -> bool {
        let Reverse(at) = place.0;
        let newest = *self.newest.get_or_insert(at);
        let is_recent = newest.saturating_sub(at) <= TURNS;
        if !is_recent && self.recent.len() + self.older.len() >= self.most {
            return false;
        }
        let taken = self.taken.entry(source).or_default();
        if *taken >= self.each {
            if self.spare.len() < self.most {
                self.spare.push(place);
            }
        } else if is_recent {
            // If a source may have everything, there are no turns.
            self.recent.push((if self.each < self.most { *taken } else { 0 }, place));
        } else {
            self.older.push(place);
        }
        *taken += 1;
        true
    }

    /// Returns the selection, newest first; stories beyond their source's share fill the remaining room.
    pub(super) fn newest(mut self) -> Vec<Place> {
        self.recent.sort_unstable();
        let recent = self.recent.into_iter().map(|(_, place)| place);
        let mut chosen: Vec<Place> = recent.chain(self.older).chain(self.spare).take(self.most).collect();
        chosen.sort_unstable();
        chosen
    }
}

#[cfg(test)]
mod tests {
    use super::super::numbers::ItemNo;
    use super::*;

    fn newest(most: usize, each: usize, sources: &[u32]) -> Vec<u64> {
        let mut share = Share::new(most, each);
        for (source, seq) in sources.iter().zip(0..) {
            let place = (Reverse(100 - i64::try_from(seq).unwrap()), ItemNo::of(seq).story());
            share.take(place, Some(SourceNo(*source)));
        }
        share.newest().into_iter().map(|(_, story)| story.seq()).collect()
    }

    #[test]
    fn one_source_takes_its_share_and_what_nobody_else_wants() {
        assert_eq!(newest(4, 2, &[1, 1, 1, 1, 2, 1, 3]), [0, 1, 4, 6]);
        assert_eq!(newest(4, 2, &[1, 1, 1, 1, 2]), [0, 1, 2, 4]);
        assert_eq!(newest(4, 4, &[1, 1, 1, 1, 2]), [0, 1, 2, 3]);
        assert_eq!(newest(4, 2, &[1]), [0]);
    }

    #[test]
    fn i32_those_who_flood_a_feed_together_keep_nobody_out_for_a_day() {
        let flood: Vec<u32> = (0..400).map(|number| number % 2).chain([2, 3, 2]).collect();
        assert_eq!(newest(50, 25, &flood)[47..], [400, 401, 402]);
        assert_eq!(newest(4, 2, &[1, 1, 2, 2, 3, 3]), [0, 1, 2, 4], "turn after turn");
    }

    #[test]
    fn what_is_older_than_a_day_is_taken_by_its_age() {
        let mut share = Share::new(3, 2);
        let at = |days: i64, seq: u64| (Reverse(TURNS * (9 - days)), ItemNo::of(seq).story());
        let sources = [(at(0, 1), 1), (at(2, 2), 1), (at(3, 3), 2)];
        assert!(sources.iter().all(|(place, source)| share.take(*place, Some(SourceNo(*source)))));
        assert!(!share.take(at(4, 4), Some(SourceNo(3))));
        assert_eq!(share.newest().into_iter().map(|(_, story)| story.seq()).collect::<Vec<_>>(), [1, 2, 3]);
    }
}
