use std::collections::HashMap;

use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use crate::model::{Draft, ItemId, Key, Link, Moment, SourceId};

/// The most reports of one item; a source that flips its text for ever is not followed further.
const MOST_REPORTS: u16 = 24;
/// The least milliseconds between two reports of one item.
const BETWEEN_REPORTS: i64 = 3_600_000;

/// What of a draft is compared: hashes (XXH3-64), 0 where the field is absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Fingerprint {
    /// Of the canonical link; of a warning, of its identifier.
    pub link: u64,
    /// Of the title without white space.
    pub title: u64,
    /// Of title and text without white space.
    pub content: u64,
}

impl Fingerprint {
    /// The fingerprint of a draft.
    pub fn of(draft: &Draft) -> Self {
        Self::with_link(draft, draft.checked_link().as_ref())
    }

    /// The fingerprint of a draft whose link was parsed already.
    fn with_link(draft: &Draft, link: Option<&Link>) -> Self {
        let link = match &draft.alert {
            Some(alert) => xxh3_64(alert.as_bytes()),
            None => link.map_or(0, |link| xxh3_64(link.canonical().as_bytes())),
        };
        let (title, content) = title_and_content(draft);
        Self { link, title, content }
    }

    /// The hash of title and text alone.
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

/// Hashes a text without its white space and zero-width characters.
fn feed(hasher: &mut Xxh3, text: &str) {
    let bytes = text.as_bytes();
    let (mut from, mut at) = (0, 0);
    while let Some(rest @ [first, ..]) = bytes.get(at..) {
        // Most is Chinese, which is told at a look.
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

/// The bytes of the white space or zero-width character that a text begins with, in UTF-8; 0 where it begins with another.
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

/// An item that is known already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// Its id.
    pub item: ItemId,
    /// Its newest report.
    pub fingerprint: Fingerprint,
    /// When that report came.
    pub reported: Moment,
    /// How many reports there are of it.
    pub reports: u16,
}

/// What is known of one source's items; the caller brings it.
pub trait Neighbours {
    /// The item with this id.
    fn by_id(&self, item: ItemId) -> Option<Known>;
    /// The item of the source whose newest report has this content hash.
    fn by_content(&self, source: &SourceId, content: u64) -> Option<Known>;
}

/// What a draft is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// An item that was not known.
    New,
    /// Known, and nothing to say of it.
    Same,
    /// Known, and its text is another.
    Changed,
    /// Known and changed, but changed too often or too recently to be told again.
    Restless,
}

/// Which item a draft is, and whether it says something new of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The item.
    pub item: ItemId,
    /// What tells it from the others of its source.
    pub key: Key,
    /// Whether it says something new.
    pub verdict: Verdict,
}

/// The keys that several different items of one listing carry, such as a guid that a source gives to everything.
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

/// Finds out which item of its source a draft is. `None` where it has neither guid, link, title nor date.
///
/// `ids` are the ids of the source, today's first: an item that came under a former one keeps its id. `repeated` are the
/// keys of the listing that do not tell its items apart.
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
        // The key belongs to another item of the source already.
        return Some(under_wider_key());
    }
    if repeated.contains(&key) {
        // Others of this listing claim it, too, and none has it yet.
        return Some(under_wider_key());
    }
    // A guid that changes with every poll: the same content at the same address is the same item.
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

/// Are these two items, though they have one key? Of an item that changed, either the link or the title stays.
const fn is_other(known: Fingerprint, new: Fingerprint, is_repeated: bool) -> bool {
    let link = known.link != new.link;
    let title = known.title != new.title;
    if is_repeated { link || title } else { link && title && known.link != 0 && new.link != 0 }
}

fn compare(known: Known, new: Fingerprint, now: Moment) -> Verdict {
    if known.fingerprint.content == new.content {
        Verdict::Same
    } else if known.reports >= MOST_REPORTS || now.since(known.reported) < BETWEEN_REPORTS {
        Verdict::Restless
    } else {
        Verdict::Changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A source whose listings are read one after the other, an hour and more apart.
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
