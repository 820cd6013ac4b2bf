//! Dates as people write them: parsed as a whole, found within a text or an address, and relative to now.

mod clock;
pub(super) mod month;
mod numeric;
mod order;
mod parse;
mod relative;
mod search;
mod time;
mod tokens;

pub(super) use clock::Clock;
pub(super) use order::{Order, order};
pub(super) use parse::{is_relative, parse};
pub(super) use relative::is_weekday;
pub(super) use search::{find, in_address};
