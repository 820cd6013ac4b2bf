//! Which item of its source a draft is, and whether it has changed.

use std::collections::HashMap;

use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use crate::model::{Draft, ItemId, Key, Link, Moment, SourceId};

/// Maximum number of reports per item; if a source keeps changing its text, later changes are ignored.
const MAX_REPORTS: u16 = 24;
/// Minimum time between two reports of one item, in milliseconds.
const BETWEEN_REPORTS: i64 = 3_600_000;

/// The compared parts of a draft, as XXH3-64 hashes; 0 for the link or title if the draft has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Fingerprint {
    /// Hash of the canonical link; for a warning, of its identifier.
    pub link: u64,
    /// Hash of the title without white space.
    pub title: u64,
    /// Hash of title and text without white space.
    pub content: u64,
}

impl Fingerprint {
    /// Returns the fingerprint of a draft.
    pub fn of(draft: &Draft) -> Self {
        Self::with_link(draft, draft.checked_link().as_ref())
    }

    /// Returns the fingerprint of a draft whose link is already parsed.
    fn with_link(draft: &Draft, link: Option<&Link>) -> Self {
        let link = match &draft.alert {
            Some(alert) => xxh3_64(alert.as_bytes()),
            None => link.map_or(0, |link| xxh3_64(link.canonical().as_bytes())),
        };
        let (title, content) = title_and_content(draft);
        Self { link, title, content }
    }

    /// Returns the hash of title and text only.
    pub fn content_of(draft: &Draft) -> u64 {
        title_and_content(draft).1
    }
}

fn title_and_content(draft: &Draft) -> (u64, u64) {
    let mut hasher = Xxh3::new();
    feed(&mut hasher, &draft.title);
    let title = if draft.title.is_empty() { 0 } else { hasher.digest() };
    hasher.update(b"\0");
    feed(&mut hasher, &draft.text);
    (title, hasher.digest())
}

/// Hashes a text without white space and zero-width characters.
fn feed(hasher: &mut Xxh3, text: &str) {
    let bytes = text.as_bytes();
    let (mut from, mut at) = (0, 0);
    while let Some(rest @ [first, ..]) = bytes.get(at..) {
        // Most text is Chinese; check those lead bytes first because it is cheap.
        if matches!(first, 0xe4..=0xe9) {
            at += 3;
            continue;
        }
        let space = space(rest);
        if space > 0 {
            hasher.update(bytes.get(from..at).unwrap_or(&[]));
            from = at + space;
        }
        at += match first {
            0..0x80 => 1,
            0x80..0xe0 => 2,
            0xe0..0xf0 => 3,
            0xf0.. => 4,
        };
    }
    hasher.update(bytes.get(from..).unwrap_or(&[]));
}

/// Returns the length in bytes of the white space or zero-width character that a UTF-8 text begins with; 0 if there is
/// none.
const fn space(text: &[u8]) -> usize {
    match text {
        [b'\t'..=b'\r' | b' ', ..] => 1,
        [0xc2, 0x85 | 0xa0, ..] => 2,
        [0xe1, 0x9a, 0x80, ..]
        | [0xe2, 0x80, 0x80..=0x8d | 0xa8 | 0xa9 | 0xaf, ..]
        | [0xe2, 0x81, 0x9f | 0xa0, ..]
        | [0xe3, 0x80, 0x80, ..]
        | [0xef, 0xbb, 0xbf, ..] => 3,
        _ => 0,
    }
}

/// A known item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// The item's id.
    pub item: ItemId,
    /// Fingerprint of its newest report.
    pub fingerprint: Fingerprint,
    /// Time of its newest report.
    pub reported: Moment,
    /// Number of its reports.
    pub reports: u16,
}

/// What is known of one source's items; implemented by the caller.
pub trait Neighbours {
    /// Returns the item with this id.
    fn by_id(&self, item: ItemId) -> Option<Known>;
    /// Returns the item of the source whose newest report has this content hash.
    fn by_content(&self, source: &SourceId, content: u64) -> Option<Known>;
}

/// How a draft relates to the known items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The item was not known.
    New,
    /// The item is known and unchanged.
    Same,
    /// The item is known and its text changed.
    Changed,
    /// The item is known and changed, but it changed too often or too recently to be reported again.
    Restless,
}

/// Which item a draft is, and whether it brings anything new.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Id of the item.
    pub item: ItemId,
    /// Key that distinguishes the item from others of its source.
    pub key: Key,
    /// Whether the draft brings anything new.
    pub verdict: Verdict,
}

/// Returns the keys that several different items of one listing share, such as a guid that a source gives to
/// everything.
pub fn repeated(drafts: &[Draft]) -> Vec<Key> {
    let mut first: HashMap<Key, (Option<&str>, &str)> = HashMap::new();
    let mut repeated = Vec::new();
    for draft in drafts {
        let Some(key) = key(draft, draft.checked_link().as_ref()) else { continue };
        let this = (draft.link.as_deref(), draft.title.as_str());
        match first.get(&key) {
            None => drop(first.insert(key, this)),
            Some(other) if *other != this && !repeated.contains(&key) => repeated.push(key),
            Some(_) => {}
        }
    }
    repeated
}

/// Decides which item of its source a draft is; `None` if the draft has no guid, link, title or date.
///
/// `ids` are the ids of the source, current id first: an item first seen under a former id keeps its item id.
/// `repeated` are the keys of the listing that several of its items share.
pub fn identify(
    ids: &[&SourceId],
    draft: &Draft,
    repeated: &[Key],
    now: Moment,
    known: &impl Neighbours,
) -> Option<Identity> {
    let source = ids.first()?;
    let link = draft.checked_link();
    let key = key(draft, link.as_ref())?;
    let fingerprint = Fingerprint::with_link(draft, link.as_ref());
    let held = |key: &Key| ids.iter().find_map(|source| known.by_id(ItemId::of(source, key)));
    let under_wider_key = || {
        let key = key.widened(link.as_ref(), &draft.title);
        let holder = held(&key);
        let item = holder.map_or_else(|| ItemId::of(source, &key), |holder| holder.item);
        let verdict = holder.map_or(Verdict::New, |holder| compare(holder, fingerprint, now));
        Identity { item, key, verdict }
    };
    if let Some(holder) = held(&key) {
        if !is_other(holder.fingerprint, fingerprint, repeated.contains(&key)) {
            return Some(Identity { item: holder.item, key, verdict: compare(holder, fingerprint, now) });
        }
        // The key already belongs to another item of the source.
        return Some(under_wider_key());
    }
    if repeated.contains(&key) {
        // Other drafts of this listing have the same key, and no known item has it yet.
        return Some(under_wider_key());
    }
    // The guid changes with every poll: the same content at the same address is the same item.
    if let Some(twin) = known.by_content(source, fingerprint.content)
        && twin.fingerprint.link == fingerprint.link
    {
        return Some(Identity { item: twin.item, key, verdict: Verdict::Same });
    }
    Some(Identity { item: ItemId::of(source, &key), key, verdict: Verdict::New })
}

fn key(draft: &Draft, link: Option<&Link>) -> Option<Key> {
    Key::of(draft.guid.as_deref(), link, &draft.title, draft.published)
}

/// Returns whether two fingerprints with one key are two items. An item that changed keeps its link or its title.
const fn is_other(known: Fingerprint, new: Fingerprint, is_repeated: bool) -> bool {
    let link = known.link != new.link;
    let title = known.title != new.title;
    if is_repeated { link || title } else { link && title && known.link != 0 && new.link != 0 }
}

fn compare(known: Known, new: Fingerprint, now: Moment) -> Verdict {
    if known.fingerprint.content == new.content {
        Verdict::Same
    } else if known.reports >= MAX_REPORTS || now.since(known.reported) < BETWEEN_REPORTS {
        Verdict::Restless
    } else {
        Verdict::Changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A source whose listings are polled in turn, at least an hour apart.
    #[derive(Default)]
    struct Source(HashMap<ItemId, Known>);

    impl Neighbours for Source {
        fn by_id(&self, item: ItemId) -> Option<Known> {
            self.0.get(&item).copied()
        }
        fn by_content(&self, _: &SourceId, content: u64) -> Option<Known> {
            self.0.values().find(|known| known.fingerprint.content == content).copied()
        }
    }

    impl Source {
        fn poll(&mut self, hour: i64, drafts: &[Draft]) -> Vec<Verdict> {
            let now = Moment::from_seconds(hour * 3600);
            let repeated = repeated(drafts);
            let id = SourceId::new("a").unwrap();
            let mut verdicts = Vec::new();
            for draft in drafts {
                let found = identify(&[&id], draft, &repeated, now, self).unwrap();
                if matches!(found.verdict, Verdict::New | Verdict::Changed) {
                    let reports = self.0.get(&found.item).map_or(0, |known| known.reports) + 1;
                    let known = Known { item: found.item, fingerprint: Fingerprint::of(draft), reported: now, reports };
                    self.0.insert(found.item, known);
                }
                verdicts.push(found.verdict);
            }
            verdicts
        }
    }

    fn draft(guid: &str, link: &str, title: &str, text: &str) -> Draft {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        Draft { guid: some(guid), link: some(link), title: title.into(), text: text.into(), ..Draft::default() }
    }

    #[test]
    fn one_guid_for_everything_keeps_all_items() {
        use Verdict::{New, Same};
        let mut source = Source::default();
        let a = draft("1", "http://x.cn/a", "A", "a");
        let b = draft("1", "http://x.cn/b", "B", "b");
        let c = draft("1", "http://x.cn/c", "C", "c");
        assert_eq!(source.poll(0, &[a.clone(), b.clone()]), [New, New]);
        assert_eq!(source.poll(2, &[c, a, b]), [New, Same, Same]);
    }

    #[test]
    fn a_guid_that_changes_with_every_poll_repeats_nothing() {
        let mut source = Source::default();
        assert_eq!(source.poll(0, &[draft("1", "http://x.cn/a", "A", "a")]), [Verdict::New]);
        assert_eq!(source.poll(2, &[draft("2", "http://x.cn/a", "A", "a")]), [Verdict::Same]);
    }

    #[test]
    fn a_move_to_https_repeats_nothing() {
        let mut source = Source::default();
        assert_eq!(source.poll(0, &[draft("", "http://x.cn/a", "A", "a")]), [Verdict::New]);
        assert_eq!(source.poll(2, &[draft("", "https://www.x.cn/a", "A", "a")]), [Verdict::Same]);
    }

    #[test]
    fn all_links_lead_to_the_home_page() {
        use Verdict::{New, Same};
        let mut source = Source::default();
        let listing = [draft("", "http://x.cn/", "A", "a"), draft("", "http://x.cn/", "B", "b")];
        assert_eq!(source.poll(0, &listing), [New, New]);
        assert_eq!(source.poll(2, &listing), [Same, Same]);
    }

    #[test]
    fn a_text_that_flips_for_ever_is_told_24_times_at_most() {
        let mut source = Source::default();
        let text = |hour: i64| draft("1", "http://x.cn/a", "A", if hour % 2 == 0 { "a" } else { "b" });
        let told = (0..100)
            .filter(|hour| matches!(source.poll(*hour, &[text(*hour)])[..], [Verdict::New | Verdict::Changed]))
            .count();
        assert_eq!(told, 24);
        assert_eq!(source.poll(100, &[text(101)]), [Verdict::Same]);
        assert_eq!(source.poll(101, &[text(100)]), [Verdict::Restless]);
    }

    #[test]
    fn white_space_is_what_unicode_says_and_what_has_no_width() {
        for c in '\0'..=char::MAX {
            let is_space = c.is_whitespace() || matches!(c, '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}');
            let expected = if is_space { c.len_utf8() } else { 0 };
            assert_eq!(space(c.to_string().as_bytes()), expected, "{c:?}");
        }
        let hash = |title: &str| title_and_content(&draft("", "", title, "")).0;
        assert_eq!(hash("\u{3000}通 告\u{200b}，é𠮷\n第\u{a0}3号\t"), xxh3_64("通告，é𠮷第3号".as_bytes()));
    }

    #[test]
    fn white_space_is_no_change() {
        let mut source = Source::default();
        source.poll(0, &[draft("1", "", "A b", "a\n b")]);
        assert_eq!(source.poll(2, &[draft("1", "", "Ab", "a b\u{200b}")]), [Verdict::Same]);
    }
}
