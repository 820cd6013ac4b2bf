//! The work of the hub that is under way.

use std::collections::HashMap;

use tokio::task::{Id, JoinError, JoinSet};

use super::book::{Delivery, Outcome};
use super::content::Found;
use super::wish::Wish;
use crate::view::ViewError;

/// A piece of work that was begun.
#[derive(Debug)]
pub(super) enum Work {
    Make(String),
    Deliver(Box<Delivery>),
    Verify(Box<Wish>),
    Flush,
}

/// How a piece of work ended.
#[derive(Debug)]
pub(super) enum Done {
    Made(Found),
    Delivered(Outcome),
    Verified(bool),
    Flushed(Result<(), ViewError>),
}

/// All work under way. What a task that panics held is given back as if it had failed.
#[derive(Debug, Default)]
pub(super) struct Works {
    pub(super) tasks: JoinSet<Done>,
    begun: HashMap<Id, Work>,
    pub(super) making: usize,
    pub(super) is_flushing: bool,
    /// Whether something is to be flushed.
    pub(super) is_unflushed: bool,
}

impl Works {
    pub(super) fn begin(&mut self, work: Work, task: impl Future<Output = Done> + Send + 'static) {
        match work {
            Work::Make(_) => self.making += 1,
            Work::Flush => (self.is_flushing, self.is_unflushed) = (true, false),
            Work::Deliver(_) | Work::Verify(_) => {}
        }
        let id = self.tasks.spawn(task).id();
        self.begun.insert(id, work);
    }

    /// Takes a piece of work that ended, and how; `None` if its task panicked.
    pub(super) fn end(&mut self, ended: Result<(Id, Done), JoinError>) -> Option<(Work, Option<Done>)> {
        let (id, done) = match ended {
            Ok((id, done)) => (id, Some(done)),
            Err(error) => {
                tracing::error!(
                    event = "task_panicked",
                    error = &error as &dyn std::error::Error,
                    "internal error: a task of the hub panicked; please report it"
                );
                (error.id(), None)
            }
        };
        let work = self.begun.remove(&id)?;
        match work {
            Work::Make(_) => self.making -= 1,
            Work::Flush => self.is_flushing = false,
            Work::Deliver(_) | Work::Verify(_) => {}
        }
        Some((work, done))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub::wish::Mode;
    use crate::model::Link;

    #[test]
    fn a_task_that_panics_gives_back_what_it_held() {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
            let mut works = Works::default();
            let callback = Link::parse("http://a.example/").unwrap();
            let wish = Wish { mode: Mode::Unsubscribe, topic: String::new(), callback, lease: 0, secret: None };
            works.begin(Work::Make("topic".to_owned()), async { std::panic::panic_any("a fault") });
            works.begin(Work::Verify(Box::new(wish)), async { std::panic::panic_any("a fault") });
            works.begin(Work::Flush, async { std::panic::panic_any("a fault") });
            assert_eq!((works.making, works.is_flushing), (1, true));
            while let Some(ended) = works.tasks.join_next_with_id().await {
                assert!(matches!(works.end(ended), Some((_, None))), "what it was is known");
            }
            assert_eq!((works.making, works.is_flushing, works.begun.len()), (0, false, 0));
        });
    }
}
