use std::cmp::Reverse;
use std::collections::HashMap;

/// Where a story stands in a timeline: the newest first, then by its first report.
pub(super) type Place = (Reverse<i64>, u64);

/// The newest stories, of which one source takes no more than its share while others have something.
#[derive(Debug)]
pub(super) struct Share {
    most: usize,
    each: usize,
    entries: Vec<Place>,
    /// What is beyond the share of its source.
    spare: Vec<Place>,
    taken: HashMap<Option<u32>, usize>,
}

impl Share {
    /// Of `most` stories, each source may take `each`.
    pub(super) fn new(most: usize, each: usize) -> Self {
        Self { most, each, entries: Vec::new(), spare: Vec::new(), taken: HashMap::new() }
    }

    /// Takes the next story of a source, in the order of a timeline.
    pub(super) fn take(&mut self, place: Place, source: Option<u32>) {
        let taken = self.taken.entry(source).or_default();
        if *taken < self.each && self.entries.len() < self.most {
            *taken += 1;
            self.entries.push(place);
        } else if self.spare.len() < self.most {
            self.spare.push(place);
        }
    }

    /// Is there no room for anything that would be better than what it has?
    pub(super) fn is_full(&self) -> bool {
        self.entries.len() >= self.most
    }

    /// What it has, the spare ones where there is room for them, newest first.
    pub(super) fn newest(mut self) -> Vec<Place> {
        self.spare.truncate(self.most - self.entries.len());
        self.entries.append(&mut self.spare);
        self.entries.sort_unstable();
        self.entries
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn newest(most: usize, each: usize, sources: &[u32]) -> Vec<u64> {
        let mut share = Share::new(most, each);
        for (source, first) in sources.iter().zip(0..) {
            share.take((Reverse(100 - i64::try_from(first).unwrap()), first), Some(*source));
        }
        share.newest().into_iter().map(|(_, first)| first).collect()
    }

    #[test]
    fn one_source_takes_its_share_and_what_nobody_else_wants() {
        assert_eq!(newest(4, 2, &[1, 1, 1, 1, 2, 1, 3]), [0, 1, 4, 6]);
        assert_eq!(newest(4, 2, &[1, 1, 1, 1, 2]), [0, 1, 2, 4]);
        assert_eq!(newest(4, 4, &[1, 1, 1, 1, 2]), [0, 1, 2, 3]);
        assert_eq!(newest(4, 2, &[1]), [0]);
    }
}
