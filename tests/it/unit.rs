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
