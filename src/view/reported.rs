//! The items that were reported since search last asked.

use super::numbers::ItemNo;

/// Maximum number of items that are remembered; whoever asks more rarely has to look at all items.
const MAX_REPORTED: usize = 65_536;

/// Items with a new report or another place. Nothing is remembered before somebody asks for the first time.
#[derive(Debug, Default)]
pub(super) struct Reported(Option<Vec<ItemNo>>);

impl Reported {
    pub(super) fn push(&mut self, number: ItemNo) {
        match &mut self.0 {
            Some(numbers) if numbers.len() < MAX_REPORTED => numbers.push(number),
            _ => self.0 = None,
        }
    }

    pub(super) const fn is_empty(&self) -> bool {
        matches!(&self.0, Some(numbers) if numbers.is_empty())
    }

    /// Returns the items since the last call; `None` if they are not known.
    pub(super) fn take(&mut self) -> Option<Vec<ItemNo>> {
        self.0.replace(Vec::new())
    }
}
