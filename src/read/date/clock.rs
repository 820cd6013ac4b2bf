//! What the meaning of a date depends on.

use super::order::Order;
use crate::model::{Moment, Zone};

/// The context needed to understand a date.
#[derive(Clone, Copy, Debug)]
pub(in crate::read) struct Clock<'a> {
    /// The time of reading.
    pub(in crate::read) now: Moment,
    /// The zone of dates that do not name one.
    pub(in crate::read) zone: &'a Zone,
    /// Whether the document is Chinese, where CST means China's time, not America's.
    pub(in crate::read) chinese: bool,
    /// Which part comes first in 05/06/2023.
    pub(in crate::read) order: Order,
}
