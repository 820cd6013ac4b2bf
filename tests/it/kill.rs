//! kill -9 at random moments under load: what was acknowledged is in the log, and the view is what the log makes.
//!
//! `DAYUAN_KILLS` sets the number of kills; a few by default.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::installation::{Installation, source};
use super::once::{Once, nothing_is_lost, site};

/// Items of one listing.
const ITEMS: usize = 20;

#[test]
fn d1_nothing_acknowledged_is_lost() {
    let kills: usize = std::env::var("DAYUAN_KILLS").ok().and_then(|number| number.parse().ok()).unwrap_or(8);
    let states: Vec<Arc<Mutex<Once>>> = (0..12).map(|_| Arc::default()).collect();
    let sites: Vec<_> = states.iter().zip(140..).map(|(state, host)| site(host, ITEMS, Arc::clone(state))).collect();
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

    let acknowledged = nothing_is_lost(&installation.folder.path().join("store"), &states, 140, ITEMS);
    println!("{kills} kills, {acknowledged} items acknowledged, 0 lost");
}
