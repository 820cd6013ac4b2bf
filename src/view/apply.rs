//! How a record of the log changes the state.

use super::item_state::ItemState;
use super::judge::Judge;
use super::new_item::NewItem;
use super::numbers::{ItemNo, StoryNo};
use super::reports::{moment, published, updated_at};
use super::state::State;
use super::texts::Texts;
use super::withdrawn::Said;
use crate::dedup::Fingerprint;
use crate::log::{Log, Position, Record, SourceFacts};
use crate::model::{ItemId, Moment, Report};

/// Maximum number of reports of an item whose changes advance `updated`.
const MAX_UPDATES: u16 = 24;

/// A report that is being applied.
struct Incoming<'a> {
    seq: u64,
    position: Position,
    report: &'a Report,
    fingerprint: Fingerprint,
}

impl State {
    /// Applies a record of the log, which also holds the reports that a new one must be compared with.
    pub(super) fn apply(&mut self, seq: u64, position: Position, record: &Record, log: &Log) {
        if seq <= self.applied {
            return;
        }
        self.applied = seq;
        // All facts of one reload have the same time; apply the moves once, after the last of them.
        let at = moment(record);
        if !matches!(record, Record::Source(_)) || at != self.now {
            self.settle_moves();
        }
        self.now = at;
        match record {
            Record::Source(facts) => self.upsert_source(facts.clone()),
            Record::Report(report) => self.report(seq, position, report, &Texts::of(log)),
            Record::Control { source, state, .. } => self.sources.set_control(source, *state),
            Record::Withdraw { item, reason, public_reason, at } => {
                self.withdraw(*item, Said { at: *at, reason: reason.clone(), public: public_reason.clone() });
            }
            Record::Restore { item, .. } => self.restore(*item),
            Record::Takedown { takedown, items, is_whole, at } => self.take_down(takedown, items, *is_whole, *at),
            Record::Lift { origin, scope, .. } => self.lift(*origin, scope, log),
            Record::Gone { item, .. } => self.set_gone(*item),
            Record::Back { item, .. } => self.set_back(*item),
            Record::Expire { day, items, .. } => self.expire(day, items),
        }
    }

    fn upsert_source(&mut self, facts: SourceFacts) {
        if let Some(renamed) = self.sources.upsert(facts) {
            self.items.touch_source(renamed);
        }
    }

    fn report(&mut self, seq: u64, position: Position, report: &Report, texts: &Texts<'_>) {
        let new = Incoming { seq, position, report, fingerprint: Fingerprint::of(&report.draft) };
        match self.items.with_id(report.item).map(|number| self.items.current(number)) {
            Some(number) if Judge::new(self, texts).tells_another(number, report, new.fingerprint) => {
                if let Some(id) = self.part(number, &new) {
                    self.insert_item(id, &new, texts);
                }
            }
            Some(number) => self.update_item(number, &new, texts),
            None => self.insert_item(report.item, &new, texts),
        }
    }

    /// Adds an item with this id from its first report.
    fn insert_item(&mut self, id: ItemId, incoming: &Incoming<'_>, texts: &Texts<'_>) {
        let Incoming { seq, position, report, fingerprint } = *incoming;
        let (number, updated) = (ItemNo::of(seq), updated_at(seq, report.seen));
        // If the log line with the source's facts is damaged, its items remain, without regions.
        let source = self.sources.number_or_new(&report.source);
        let may_warn = self.may_warn(source, &report.draft);
        let home = self.sources.region(source);
        let regions = home.map(|home| self.geography.place(home, &report.draft, may_warn)).unwrap_or_default();
        let is_taken = self.is_covered(source, &report.draft);
        let item = ItemState {
            id,
            source,
            position,
            seen: report.seen,
            reports: 1,
            published: published(report),
            updated,
            fingerprint,
            story: number.story(),
            regions,
            withdrawn: self.withdrawn.contains(id),
            gone: false,
            ended: is_taken,
            taken: is_taken,
            at_home: self.sources.is_home(source, &report.draft),
            ties: None,
        };
        self.similar.move_on(self.now);
        let new = NewItem::new(number, source, report, fingerprint, item.regions.clone());
        let assignment = Judge::new(self, texts).assignment(&new);
        self.items.insert(number, item);
        self.assign(number, &assignment, updated);
        self.remember(report.seen, new);
        self.mark_dirty(number);
    }

    /// Applies a new report of a known item.
    fn update_item(&mut self, number: ItemNo, incoming: &Incoming<'_>, texts: &Texts<'_>) {
        let Incoming { seq, position, report, fingerprint } = *incoming;
        // An item that its source reports again is no longer gone.
        if self.items.get(number).is_some_and(|item| item.gone) {
            self.set_back(report.item);
        }
        let updated = updated_at(seq, report.seen);
        let source = self.sources.number_or_new(&report.source);
        let at_home = self.sources.is_home(source, &report.draft);
        let Some(item) = self.items.get_mut(number) else { return };
        let is_change = item.fingerprint.content != fingerprint.content;
        item.at_home = at_home;
        item.add_report(position, report.seen);
        let (story, moves) = (item.story, is_change && item.reports <= MAX_UPDATES);
        self.items.refresh(number, fingerprint);
        self.items.touch(number);
        if let Some(head) = self.items.head_mut(story)
            && head.shown(story.first()) == number
            && moves
        {
            head.updated = updated.max(head.updated.plus_millis(1));
            self.items.touch(story.first());
        }
        if is_change && let Some(item) = self.items.get(number) {
            let new = NewItem::new(number, source, report, fingerprint, item.own_tags().clone());
            self.judge_anew(new, updated, texts);
        }
        let is_taken = self.is_covered(source, &report.draft);
        self.set_taken(number, is_taken);
        self.mark_dirty(number);
    }

    /// Compares an item whose text changed with others if its text arrives only now, for example because the page could
    /// not be read at first.
    fn judge_anew(&mut self, new: NewItem<'_>, updated: Moment, texts: &Texts<'_>) {
        let Some(item) = self.items.get(new.number) else { return };
        let (seen, is_alone) = (item.seen, item.is_first(new.number) && item.members().is_empty());
        if is_alone && !new.sketch.is_empty() && !self.similar.has_text(new.number) {
            let assignment = Judge::new(self, texts).assignment(&new);
            // Recompute its event and its parts.
            self.leave_event(new.number.story());
            if let Some(ties) = self.items.get_mut(new.number).and_then(|item| item.ties.as_mut()) {
                ties.parts.clear();
            }
            self.leave_timelines(new.number.story());
            self.assign(new.number, &assignment, updated);
        }
        self.remember(seen, new);
    }

    /// Removes an item from its story because it now tells another one. The old text stays as a report that is gone;
    /// the new text becomes a new item of its source, so that no id ever has two meanings. Returns the new item's id.
    fn part(&mut self, number: ItemNo, new: &Incoming<'_>) -> Option<ItemId> {
        let id = self.items.get(number)?.id.parted(new.fingerprint.content);
        self.change_item(number, |item| {
            item.gone = true;
            item.ties_mut().became = Some(ItemNo::of(new.seq));
        });
        Some(id)
    }

    /// Withdraws an item: its whole story if it is the first or the shown report, otherwise only that report.
    fn withdraw(&mut self, id: ItemId, said: Said) {
        self.withdrawn.insert(id, said);
        let Some((number, story)) = self.placed(id) else { return };
        let is_shown = self.items.head(story).is_none_or(|head| head.shown(story.first()) == number);
        let which = if is_shown { story.first() } else { number };
        self.change_item(which, |item| item.withdrawn = true);
    }

    /// Publishes an item again: only that report if it was withdrawn alone, otherwise its whole story.
    fn restore(&mut self, id: ItemId) {
        self.withdrawn.remove(id);
        let Some((number, story)) = self.placed(id) else { return };
        let is_alone = self.items.get(number).is_some_and(|item| item.withdrawn);
        let which = if is_alone { number } else { story.first() };
        self.change_item(which, |item| item.withdrawn = false);
    }

    /// Records that an item is gone at its source.
    fn set_gone(&mut self, id: ItemId) {
        if let Some(number) =
            self.current_of(id).filter(|number| self.items.get(*number).is_some_and(|item| !item.gone))
        {
            self.change_item(number, |item| item.gone = true);
        }
    }

    /// Records that an item is back at its source.
    fn set_back(&mut self, id: ItemId) {
        if let Some(number) = self.current_of(id).filter(|number| self.items.get(*number).is_some_and(|item| item.gone))
        {
            self.change_item(number, |item| item.gone = false);
        }
    }

    /// Returns the item that new reports with this id belong to.
    fn current_of(&self, id: ItemId) -> Option<ItemNo> {
        self.items.with_id(id).map(|number| self.items.current(number))
    }

    /// Returns an item and its story.
    fn placed(&self, id: ItemId) -> Option<(ItemNo, StoryNo)> {
        let number = self.items.with_id(id)?;
        Some((number, self.items.get(number)?.story))
    }
}
