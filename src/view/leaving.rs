//! Judges a new report of a known item: whether it still tells what the other reports of its story tell.
//!
//! An item whose text becomes a different one leaves its story, unless its source owns the story.

use std::cmp::Reverse;

use super::item_state::ItemState;
use super::judge::Judge;
use super::numbers::{ItemNo, SourceNo};
use super::reports::{MIN_TITLE_LIKENESS, story};
use super::texts::Text;
use crate::dedup::{self, Fingerprint, Likeness};
use crate::log::Position;
use crate::model::{Draft, Report};

/// Maximum number of a story's reports considered when choosing which ones a changed text is compared with.
const MAX_JUDGES: usize = 64;
/// A text with fewer characters is a stub that may still be completed.
const MAX_LINE: usize = 80;

impl Judge<'_> {
    /// Returns whether a new report of an item no longer tells what the other reports of its story tell, so that it
    /// leaves the story. The source that owns the story may change its text freely, unless nothing of the old text is
    /// left. A report that is alone leaves its story only if its text was replaced altogether, so that the new story is
    /// not dated by the old one.
    pub(super) fn tells_another(&self, number: ItemNo, report: &Report, new: Fingerprint) -> bool {
        let items = &self.state.items;
        let Some(item) = items.get(number) else { return false };
        // Only a source that may issue a warning has one: with others, its identifier says nothing.
        let is_warning = report.draft.alert.is_some() && self.state.may_warn(item.source, &report.draft);
        if item.is_first(number) && item.members().is_empty() && !item.withdrawn && !is_warning {
            return item.fingerprint.content != new.content && self.is_rewritten(item.position, report);
        }
        let Some(head) = items.head(item.story).filter(|head| !head.withdrawn) else { return false };
        if item.fingerprint.content == new.content {
            return false;
        }
        let shown = head.shown(item.story.first());
        let others = head.all(item.story.first()).filter(|other| *other != number);
        let is_live =
            |other: &ItemNo| items.get(*other).is_some_and(|item| item.is_live(*other) && item.became().is_none());
        let live: Vec<ItemNo> = others.filter(is_live).take(MAX_JUDGES).collect();
        let best = |others: &mut dyn Iterator<Item = ItemNo>| {
            others.max_by_key(|other| (*other == shown, self.state.authority(*other), Reverse(*other)))
        };
        // Also compare with a report that never changed: reports that change together must not vouch for each other.
        let is_unchanged = |other: &ItemNo| items.get(*other).is_some_and(|item| item.reports == 1);
        let judges = [best(&mut live.iter().copied()), best(&mut live.iter().copied().filter(is_unchanged))];
        judges.into_iter().flatten().any(|other| self.differs(number, other, shown, report, new))
    }

    /// Returns whether a report replaced the text at `before` altogether. Very short texts are too short to tell.
    fn is_rewritten(&self, before: Position, report: &Report) -> bool {
        let Some(old) = self.texts.get(before) else { return false };
        let is_told = |draft: &Draft| !dedup::is_short(draft.words());
        is_told(old.draft())
            && is_told(&report.draft)
            && dedup::compare(old.story(), &story(&report.draft)).likeness == Likeness::Different
    }

    /// Returns whether a new report of an item tells something else than another report of its story.
    fn differs(&self, number: ItemNo, other: ItemNo, shown: ItemNo, report: &Report, new: Fingerprint) -> bool {
        let (items, sources) = (&self.state.items, &self.state.sources);
        let (Some(item), Some(with)) = (items.get(number), items.get(other)) else { return false };
        let (draft, Some(theirs)) = (&report.draft, self.texts.get(with.position)) else { return false };
        // A report that is not shown and links to the same page says no more than that page. The site whose page both
        // link to cannot be expelled from its story.
        let home = |source: SourceNo| sources.home(source, draft);
        // An alert's link is hashed as its identifier, which proves no page.
        let is_same_page = with.fingerprint.link == new.link && new.link != 0 && draft.alert.is_none();
        if is_same_page && (shown != number || home(item.source) > home(with.source)) {
            return false;
        }
        let owns = self.state.authority(number) > self.state.authority(other)
            || sources.facts(item.source).is_some_and(|mine| sources.credits(theirs.draft(), mine));
        let are_warnings = draft.alert.is_some() && theirs.draft().alert == draft.alert;
        if are_warnings && !owns && !dedup::is_same_step(&draft.title, &theirs.draft().title) {
            return true;
        }
        let title = dedup::title_likeness(&draft.title, &theirs.draft().title);
        let now = story(draft);
        let before = self.texts.get(item.position);
        let is_altered_since = || before.is_some_and(|before| dedup::is_altered(before.story(), &now));
        match dedup::compare(&now, theirs.story()).likeness {
            // Step by step, small alterations would make another story of it without any of them being one.
            Likeness::Same if !owns && dedup::is_altered(&now, theirs.story()) && is_altered_since() => true,
            Likeness::Same => !owns && self.has_outgrown(item, draft, &theirs, title),
            Likeness::Event | Likeness::Altered | Likeness::Opposed => !owns,
            Likeness::Part => true,
            Likeness::Different if dedup::is_short(draft.words()) || dedup::is_short(theirs.draft().words()) => {
                title < MIN_TITLE_LIKENESS && !(owns && title > 0.0)
            }
            Likeness::Different => true,
        }
    }

    /// Returns whether a report has a different title from the other one or much more text, and had neither at first.
    fn has_outgrown(&self, item: &ItemState, draft: &Draft, other: &Text, title: f64) -> bool {
        let Some(old) = self.texts.get(item.oldest()) else { return false };
        let (old, other) = (old.draft(), other.draft());
        // A source that completes a stub takes nothing from others who copied the stub.
        let length = |draft: &Draft| draft.words().chars().count();
        let is_line = |draft: &Draft| length(draft) < MAX_LINE;
        if is_line(old) && is_line(other) {
            return false;
        }
        let is_retitled =
            title < MIN_TITLE_LIKENESS && dedup::title_likeness(&old.title, &other.title) >= MIN_TITLE_LIKENESS;
        is_retitled || length(draft) * 4 > length(old).max(length(other)) * 5 + 160
    }
}
