//! The time limit of one request, which stands still while the request waits for us.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Shortest sleep between two looks at a clock that stands still.
const STEP: Duration = Duration::from_millis(100);

/// How long a site may still take.
#[derive(Debug)]
pub(super) struct Patience {
    state: Mutex<State>,
}

#[derive(Clone, Copy, Debug)]
struct State {
    /// When the time is over, unless the request waits for us.
    end: Instant,
    /// Since when the request has been waiting for us.
    waiting: Option<Instant>,
}

impl Patience {
    /// Starts the clock of a request.
    pub(super) fn new(limit: Duration) -> Self {
        Self { state: Mutex::new(State { end: Instant::now() + limit, waiting: None }) }
    }

    /// Waits for something of ours, at the site's expense in nothing.
    pub(super) async fn stopped<T>(&self, wait: impl Future<Output = T>) -> T {
        let began = Instant::now();
        self.change(|state| state.waiting = Some(began));
        let came = wait.await;
        self.change(|state| {
            state.waiting = None;
            state.end += began.elapsed();
        });
        came
    }

    /// Returns when the site's time is over.
    pub(super) async fn over(&self) {
        loop {
            let state = self.change(|_| {});
            let now = state.waiting.unwrap_or_else(Instant::now);
            if now >= state.end {
                return;
            }
            // While the clock stands still, its end may come nearer than any sensible pause.
            tokio::time::sleep((state.end - now).max(STEP)).await;
        }
    }

    fn change(&self, change: impl FnOnce(&mut State)) -> State {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut state);
        *state
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waiting_for_us_costs_a_site_nothing() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let millis = Duration::from_millis;
        let began = std::time::Instant::now();
        runtime.block_on(async {
            let patience = Patience::new(millis(300));
            let work = async {
                tokio::time::sleep(millis(100)).await;
                patience.stopped(tokio::time::sleep(millis(400))).await;
                std::future::pending::<()>().await;
            };
            tokio::select! {
                () = work => {}
                () = patience.over() => {}
            }
        });
        assert!(began.elapsed() >= millis(700), "{:?}", began.elapsed());
    }
}
