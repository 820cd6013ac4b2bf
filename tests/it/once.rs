//! A source that gives each of its items once only and then never lists it again. When it is asked with the validator of a
//! listing, that listing was acknowledged: losing one of its items would be for ever.

use std::collections::HashSet;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::http::{Reply, Site};
use super::installation::feed;

/// What the source knows.
#[derive(Default)]
pub(crate) struct Once {
    /// How many listings were made.
    made: usize,
    /// The listings that were acknowledged.
    acknowledged: HashSet<usize>,
    /// When it was asked, and whether with a validator.
    pub(crate) asked: Vec<(Instant, bool)>,
    /// Every so many requests are told to come back after this time; none if it is 0.
    refuses: (usize, Duration),
    /// When it may be asked again.
    not_before: Option<Instant>,
    /// How often it was asked before that.
    pub(crate) breaches: usize,
}

impl Once {
    pub(crate) fn refusing(every: usize, pause: Duration) -> Self {
        Self { refuses: (every, pause), ..Self::default() }
    }
}

impl Once {
    /// How many listings were acknowledged.
    pub(crate) fn acknowledged(&self) -> usize {
        self.acknowledged.len()
    }
}

/// The source at a host of its own, with so many items in each listing.
pub(crate) fn site(host: u8, items: usize, state: Arc<Mutex<Once>>) -> Site {
    Site::new(host, move |request| {
        let mut state = state.lock().unwrap();
        let now = Instant::now();
        let tag = request.headers.get("if-none-match");
        if let Some(tag) = tag {
            state.acknowledged.insert(tag.trim_matches('"').parse().unwrap());
        }
        state.asked.push((now, tag.is_some()));
        // The request was on its way for a moment.
        if state.not_before.take().is_some_and(|until| now + Duration::from_millis(50) < until) {
            state.breaches += 1;
        }
        let (every, pause) = state.refuses;
        if every > 0 && state.asked.len().is_multiple_of(every) {
            state.not_before = Some(now + pause);
            return Reply::status("429 Too Many Requests").with("retry-after", pause.as_secs().to_string());
        }
        state.made += 1;
        let number = state.made;
        let items: Vec<(String, String)> =
            (0..items).map(|item| (format!("h{host}-l{number}-i{item}"), format!("/{number}/{item}"))).collect();
        let items: Vec<(&str, &str, &str, i64)> =
            items.iter().map(|(guid, link)| (guid.as_str(), link.as_str(), guid.as_str(), 1)).collect();
        Reply::ok(feed(&items)).with("etag", format!("\"{number}\""))
    })
}

/// Returns how many items of these sources were acknowledged; each of them is in the log of a store, and none is there twice.
pub(crate) fn nothing_is_lost(store: &Path, states: &[Arc<Mutex<Once>>], first_host: u8, items: usize) -> usize {
    let mut logged = String::new();
    for entry in std::fs::read_dir(store.join("log")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "jsonl") {
            logged.push_str(&std::fs::read_to_string(path).unwrap());
        }
    }
    let guids: Vec<&str> = logged.split("\"guid\":\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let known: HashSet<&str> = guids.iter().copied().collect();
    assert_eq!(known.len(), guids.len(), "an item was reported twice");
    let mut acknowledged = 0;
    for (state, host) in states.iter().zip(first_host..) {
        for number in &state.lock().unwrap().acknowledged {
            for item in 0..items {
                let guid = format!("h{host}-l{number}-i{item}");
                assert!(known.contains(guid.as_str()), "{guid} was acknowledged and is lost");
                acknowledged += 1;
            }
        }
    }
    assert!(acknowledged > 0, "nothing was acknowledged: the test shows nothing");
    acknowledged
}
