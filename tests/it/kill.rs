//! kill -9 at random moments under load: what was acknowledged is in the log, and the view is what the log makes.
//!
//! A source gives each of its items once only and then never lists it again. When it is asked with the validator of a
//! listing, that listing was acknowledged: losing one of its items would be for ever.
//!
//! `DAYUAN_KILLS` sets the number of kills; a few by default.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::http::{Reply, Site};
use super::installation::{Installation, source};

/// Items of one listing.
const ITEMS: usize = 20;

struct Source {
    /// How many listings were made.
    made: usize,
    /// The listings that were acknowledged.
    acknowledged: HashSet<usize>,
}

fn site(host: u8, state: Arc<Mutex<Source>>) -> Site {
    Site::new(host, move |request| {
        let mut state = state.lock().unwrap();
        if let Some(tag) = request.headers.get("if-none-match") {
            state.acknowledged.insert(tag.trim_matches('"').parse().unwrap());
        }
        state.made += 1;
        let number = state.made;
        let items: Vec<(String, String)> =
            (0..ITEMS).map(|item| (format!("h{host}-l{number}-i{item}"), format!("/{number}/{item}"))).collect();
        let items: Vec<(&str, &str, &str, i64)> =
            items.iter().map(|(guid, link)| (guid.as_str(), link.as_str(), guid.as_str(), 1)).collect();
        Reply::ok(super::installation::feed(&items)).with("etag", format!("\"{number}\""))
    })
}

#[test]
fn d1_nothing_acknowledged_is_lost() {
    let kills: usize = std::env::var("DAYUAN_KILLS").ok().and_then(|number| number.parse().ok()).unwrap_or(8);
    let states: Vec<Arc<Mutex<Source>>> =
        (0..12).map(|_| Arc::new(Mutex::new(Source { made: 0, acknowledged: HashSet::new() }))).collect();
    let sites: Vec<Site> = states.iter().zip(140..).map(|(state, host)| site(host, Arc::clone(state))).collect();
    let blocks: String =
        sites.iter().enumerate().map(|(at, site)| source(&format!("s{at}"), "140300", &site.url("/feed"))).collect();
    let installation = Installation::new(&blocks);
    // A fixed seed: the moments differ from kill to kill, not from run to run.
    let mut seed: u64 = 0x9e37_79b9_7f4a_7c15;
    for _ in 0..kills {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        let mut daemon = installation.launch(&[]);
        std::thread::sleep(Duration::from_millis(seed % 3000));
        daemon.kill();
    }
    let verify = installation.run(&["verify"]);
    assert!(
        verify.status.success(),
        "{}{}",
        String::from_utf8_lossy(&verify.stdout),
        String::from_utf8_lossy(&verify.stderr)
    );

    let mut logged = String::new();
    for entry in std::fs::read_dir(installation.folder.path().join("store/log")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "jsonl") {
            logged.push_str(&std::fs::read_to_string(path).unwrap());
        }
    }
    let logged: HashSet<&str> = logged.split("\"guid\":\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let mut acknowledged = 0;
    for (state, host) in states.iter().zip(140..) {
        for number in &state.lock().unwrap().acknowledged {
            for item in 0..ITEMS {
                let guid = format!("h{host}-l{number}-i{item}");
                assert!(logged.contains(guid.as_str()), "{guid} was acknowledged and is lost");
                acknowledged += 1;
            }
        }
    }
    assert!(acknowledged > 0, "nothing was acknowledged: the test shows nothing");
    println!("{kills} kills, {acknowledged} items acknowledged, {} in the log, 0 lost", logged.len());
}
