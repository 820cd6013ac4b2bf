//! The keys and ids of items.

use std::fmt;

use uuid::Uuid;

use super::{Link, SourceId, Stamp};

/// Identifies an item within its source: its guid, or else its canonical link, or else its title and date.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key(String);

impl Key {
    /// Returns the key of an item with these fields; `None` if it has none of them.
    ///
    /// A guid that is a URL is used without its scheme, so that a site's move to https does not make new items.
    pub fn of(guid: Option<&str>, link: Option<&Link>, title: &str, date: Option<Stamp>) -> Option<Self> {
        let guid = guid.map(str::trim).filter(|guid| !guid.is_empty());
        if let Some(guid) = guid {
            let bare = guid.strip_prefix("https://").or_else(|| guid.strip_prefix("http://"));
            return Some(Self(match bare {
                Some(address) => format!("guid //{address}"),
                None => format!("guid {guid}"),
            }));
        }
        if let Some(link) = link {
            return Some(Self(format!("link {}", link.canonical())));
        }
        let date = date.map_or_else(String::new, Stamp::day);
        (!title.is_empty() || !date.is_empty()).then(|| Self(format!("title {date} {title}")))
    }

    /// Returns a more specific key, with link and title added. It is used if the plain key already belongs to another
    /// item of the source, for example because the source gives the same guid to every item.
    #[must_use]
    pub fn widened(&self, link: Option<&Link>, title: &str) -> Self {
        let link = link.map_or_else(String::new, Link::canonical);
        Self(format!("{} | {link} | {title}", self.0))
    }

    /// Returns the key as written in the log.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Wraps a key as read from the log.
    pub fn from_text(text: String) -> Self {
        Self(text)
    }
}

/// The public id of an item: a UUIDv8 (RFC 9562, section 5.8) derived from its source and key. It never changes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ItemId(Uuid);

impl ItemId {
    /// Returns the id of the item with this key in this source.
    pub fn of(source: &SourceId, key: &Key) -> Self {
        let mut hasher = blake3::Hasher::new();
        for part in ["dayuan-item-1", source.as_str(), key.as_str()] {
            hasher.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            hasher.update(part.as_bytes());
        }
        let mut bytes = [0; 16];
        hasher.finalize_xof().fill(&mut bytes);
        Self(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }

    /// Returns the id for the new item when a source replaces the story of an item with a different one; `content` is
    /// the hash of the new text.
    #[must_use]
    pub fn parted(self, content: u64) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"dayuan-parted-1");
        hasher.update(&self.as_u128().to_be_bytes());
        hasher.update(&content.to_be_bytes());
        let mut bytes = [0; 16];
        hasher.finalize_xof().fill(&mut bytes);
        Self(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }

    /// Parses a UUID; `None` if `text` is not one.
    pub fn parse(text: &str) -> Option<Self> {
        Uuid::try_parse(text).ok().map(Self)
    }

    /// Parses an id as people enter it: alone, as `urn:uuid:…`, or in the address of the item's page.
    pub fn named(name: &str) -> Option<Self> {
        Self::parse(name.trim().trim_end_matches('/').rsplit(['/', ':']).next()?)
    }

    /// Returns the 16 bytes as a number, most significant byte first.
    pub const fn as_u128(self) -> u128 {
        self.0.as_u128()
    }

    /// Makes an id from the number that [`ItemId::as_u128`] returns.
    pub const fn from_u128(bytes: u128) -> Self {
        Self(Uuid::from_u128(bytes))
    }

    /// Formats the id as `urn:uuid:…` (RFC 9562, section 4).
    pub fn urn(self) -> String {
        self.0.urn().to_string()
    }
}

impl fmt::Display for ItemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

impl fmt::Debug for ItemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_never_changes() {
        let source = SourceId::new("yq-news").unwrap();
        let key = Key::of(Some("https://example.org/1"), None, "t", None).unwrap();
        assert_eq!(ItemId::of(&source, &key).urn(), "urn:uuid:c3d9c787-d8ff-87ac-b8bf-ba1ce5694e8e");
    }

    #[test]
    fn a_guid_keeps_its_key_when_the_site_moves_to_https() {
        let key = |guid| Key::of(Some(guid), None, "t", None);
        assert_eq!(key("http://example.org/1"), key("https://example.org/1"));
    }

    #[test]
    fn nothing_at_all_has_no_key() {
        assert_eq!(Key::of(Some("  "), None, "", None), None);
    }
}
