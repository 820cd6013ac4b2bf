//! The only clock of the program.

use crate::model::Moment;

/// Returns the current time of the system clock.
#[expect(clippy::disallowed_methods, reason = "this is the one place where the clock is read")]
pub fn now() -> Moment {
    match std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH) {
        Ok(since) => Moment::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX)),
        Err(before) => {
            Moment::from_millis(i64::try_from(before.duration().as_millis()).unwrap_or(i64::MAX).saturating_neg())
        }
    }
}

/// Returns how long the machine has been running, the times in which it was suspended included.
pub(super) fn uptime() -> std::time::Duration {
    let since = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    std::time::Duration::new(u64::try_from(since.tv_sec).unwrap_or(0), u32::try_from(since.tv_nsec).unwrap_or(0))
}
