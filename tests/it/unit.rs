//! The unit file, by systemd's own judgement.

use std::process::Command;

fn systemd_analyze(arguments: &[&str]) -> Option<(bool, String)> {
    let output = Command::new("systemd-analyze").args(arguments).output().ok()?;
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    Some((output.status.success(), text))
}

fn unit() -> String {
    format!("{}/systemd/dayuan.service", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_hardening_is_worth_its_name() {
    let Some((is_safe, text)) = systemd_analyze(&["security", "--offline=yes", "--threshold=15", &unit()]) else {
        println!("SKIPPED: there is no systemd-analyze here");
        return;
    };
    assert!(is_safe, "{text}");
}

#[test]
fn systemd_understands_every_line() {
    // Where the program is not installed, its path is replaced by one that there is.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dayuan.service");
    let text = std::fs::read_to_string(unit()).unwrap().replace("/usr/bin/dayuan", env!("CARGO_BIN_EXE_dayuan"));
    std::fs::write(&path, text).unwrap();
    let Some((is_understood, text)) = systemd_analyze(&["verify", "--man=no", path.to_str().unwrap()]) else {
        println!("SKIPPED: there is no systemd-analyze here");
        return;
    };
    assert!(is_understood && text.trim().is_empty(), "{text}");
}

#[test]
fn systemd_is_told_what_happens() {
    use super::house::{House, until};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let socket = std::os::unix::net::UnixDatagram::bind(&path).unwrap();
    socket.set_nonblocking(true).unwrap();
    let told = std::cell::RefCell::new(String::new());
    let hears = |word: &str| {
        let mut buffer = [0; 4096];
        while let Ok(length) = socket.recv(&mut buffer) {
            told.borrow_mut().push_str(&String::from_utf8_lossy(&buffer[..length]));
        }
        told.borrow().lines().filter(|line| *line == word).count()
    };
    let house = House::new("");
    let daemon = house.start_with(&[("NOTIFY_SOCKET", path.to_str().unwrap()), ("WATCHDOG_USEC", "600000")]);
    until("it is ready", || (hears("READY=1") == 1).then_some(()));
    until("the watchdog is fed, again and again", || (hears("WATCHDOG=1") >= 3).then_some(()));
    daemon.signal("HUP");
    until("it reloads and is ready again", || (hears("RELOADING=1") == 1 && hears("READY=1") == 2).then_some(()));
    assert_eq!(daemon.stop(), Some(0));
    assert_eq!(hears("STOPPING=1"), 1, "{}", told.borrow());
}
