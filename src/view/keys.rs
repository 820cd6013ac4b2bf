//! The keys of the store.

/// Prefix of all keys that are not items; no item's key begins with it.
pub(super) const NO_ITEM: [u8; 1] = [0xff];

/// Key of the view's own record. Item keys have eight bytes too, but never this value.
pub(super) const META: [u8; 8] = [0xff; 8];

/// Prefix of the keys of sources; they are longer than those of items.
pub(super) const SOURCES: &[u8; 8] = b"\xffsource/";

/// Prefix of the keys of tagged regions.
pub(super) const REGIONS: &[u8; 8] = b"\xffregion/";

/// Prefix of the keys of takedowns, which are named by a hash.
pub(super) const TAKEDOWNS: &[u8; 8] = b"\xffdenied/";

/// Prefix of the keys of withdrawn items; these records outlive the items.
pub(super) const HIDDEN: &[u8; 8] = b"\xffhidden/";
