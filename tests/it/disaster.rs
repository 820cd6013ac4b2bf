//! What happens to a store: full disks, folders that cannot be written, flipped bits, clocks that jump, ends of all kinds.
//! Nothing that was acknowledged is lost, and nothing at all is lost in silence.

use std::collections::HashSet;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use dayuan::log::{Log, Record, SourceFacts};
use dayuan::model::{Authority, Draft, ItemId, Key, Moment, RegionId, Report, SourceId, Zone};
use dayuan::view::{self, View};

use super::http::{Reply, Site, get};
use super::installation::{Daemon, Installation, feed, source, until};

/// A small disk of its own; it goes when dropped.
struct Disk(PathBuf);

impl Disk {
    fn mount(path: &Path, options: &str) -> Option<Self> {
        std::fs::create_dir_all(path).unwrap();
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(path).output().ok()?;
        mounted.status.success().then(|| Self(path.to_owned()))
    }

    fn remount(&self, options: &str) -> bool {
        Command::new("mount").args(["-o", &format!("remount,{options}")]).arg(&self.0).status().unwrap().success()
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("-l").arg(&self.0).status());
    }
}

/// A site that gives three new items of some size with every poll.
fn busy_site(host: u8, kilobytes: usize) -> Site {
    let polls = AtomicUsize::new(0);
    Site::new(host, move |_| {
        let poll = polls.fetch_add(1, Ordering::SeqCst);
        let items: Vec<(String, String)> =
            (0..3).map(|item| (format!("p{poll}-i{item}"), format!("/{poll}/{item}"))).collect();
        let items: Vec<(&str, &str, &str, i64)> =
            items.iter().map(|(guid, link)| (guid.as_str(), link.as_str(), guid.as_str(), 1)).collect();
        Reply::ok(
            feed(&items).replace("。</description>", &format!("。{}</description>", "字".repeat(kilobytes * 341))),
        )
    })
}

/// The processor time that a process used, in ticks of 10 ms.
fn ticks(daemon: &Daemon) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", daemon.child.id())).unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}

fn trouble(installation: &Installation) -> Option<String> {
    let output = installation.run(&["status", "--json"]);
    let first = String::from_utf8(output.stdout).unwrap();
    let daemon: serde_json::Value = serde_json::from_str(first.lines().next()?).ok()?;
    daemon["trouble"].as_str().map(str::to_owned)
}

#[test]
fn d3_a_full_disk_is_told_and_heals_by_itself() {
    let site = busy_site(150, 20);
    let installation = Installation::new(&source("a", "140300", &site.url("/feed")));
    let store = installation.folder.path().join("store");
    let Some(_disk) = Disk::mount(&store, "size=24m") else {
        println!("SKIPPED: no tmpfs can be mounted here");
        return;
    };
    let daemon = installation.start();
    daemon.until_items("140300", 6);
    // Somebody else fills the disk to the last byte.
    let filler = store.join("filler");
    let fill = || {
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(&filler).unwrap();
        while std::io::Write::write_all(&mut file, &[0; 4096]).is_ok() {}
    };
    fill();
    let told = until("the trouble is told", || {
        fill();
        trouble(&installation).filter(|told| told.contains("free on the disk"))
    });
    assert!(told.contains("feeds are still served"), "{told}");
    let served = daemon.items("140300").len();
    assert!(served >= 6, "feeds are still served");
    assert!(matches!(get(daemon.address, "/sources").status, 200 | 503), "it is there, though it may not be readable");
    let (before, began) = (ticks(&daemon), Instant::now());
    let asked = site.asked().len();
    until("a while goes by", || (began.elapsed() > Duration::from_secs(3)).then_some(()));
    assert!(ticks(&daemon) - before < 60, "it does not spin");
    assert!(site.asked().len() <= asked + 1, "nothing is polled");
    std::fs::remove_file(&filler).unwrap();
    until("it polls again", || (site.asked().len() > asked + 3).then_some(()));
    until("the trouble is over", || trouble(&installation).is_none().then_some(()));
    let healed = daemon.titles("140300").first().cloned();
    until("new items appear", || (daemon.titles("140300").first() != healed.as_ref()).then_some(()));
    assert_eq!(daemon.stop(), Some(0));
    let verify = installation.run(&["verify"]);
    assert!(verify.status.success(), "{}", String::from_utf8_lossy(&verify.stdout));
    let daemon = installation.start();
    assert!(!daemon.log().iter().any(|line| line.to_string().contains("set aside")), "the view is whole");
    assert_eq!(daemon.stop(), Some(0));
}

/// Whoever is started on a full disk serves what it has, and polls as soon as there is room.
#[test]
fn d12_a_daemon_starts_on_a_full_disk() {
    let site = busy_site(158, 20);
    let installation = Installation::new(&source("a", "140300", &site.url("/feed")));
    let store = installation.folder.path().join("store");
    let Some(_disk) = Disk::mount(&store, "size=24m") else {
        println!("SKIPPED: no tmpfs can be mounted here");
        return;
    };
    let daemon = installation.start();
    daemon.until_items("140300", 6);
    assert_eq!(daemon.stop(), Some(0));
    let filler = store.join("filler");
    let mut file = std::fs::File::create(&filler).unwrap();
    while std::io::Write::write_all(&mut file, &[0; 4096]).is_ok() {}
    while std::io::Write::write_all(&mut file, &[0; 1]).is_ok() {}
    drop(file);
    let daemon = installation.start();
    assert!(daemon.until_items("140300", 6).len() >= 6, "feeds are served");
    let told = until("the trouble is told", || trouble(&installation));
    assert!(told.contains("free on the disk") || told.contains("nothing is polled"), "{told}");
    let asked = site.asked().len();
    std::fs::remove_file(&filler).unwrap();
    until("it polls again", || (site.asked().len() > asked + 2).then_some(()));
    until("the trouble is over", || trouble(&installation).is_none().then_some(()));
    assert_eq!(daemon.stop(), Some(0));
    let verify = installation.run(&["verify"]);
    assert!(verify.status.success(), "{}", String::from_utf8_lossy(&verify.stdout));
}

/// What was planned by a clock that was ahead keeps no source waiting once it is right.
#[test]
fn d13_a_clock_that_was_ahead_silences_nobody() {
    let site = Site::new(159, |_| Reply::ok(feed(&[("1", "/a/1", "题", 2)])));
    let installation = Installation::with(
        "[fetch]\nallow_networks = [\"127.0.7.0/24\"]\ntimeout = \"5s\"\n[poll]\nmin_interval = \"1h\"\nmax_interval = \"6h\"\nhost_gap = \"0s\"\n",
        &source("a", "140300", &site.url("/feed")),
    );
    let clock = installation.folder.path().join("clock");
    let Some(daemon) = with_clock(&installation, &clock, "+30d") else {
        println!("SKIPPED: there is no libfaketime here");
        return;
    };
    until("it is asked", || (!site.asked().is_empty()).then_some(()));
    until("that is remembered", || (daemon.status(&installation, "a")["polls"].as_u64() > Some(0)).then_some(()));
    assert_eq!(daemon.stop(), Some(0));
    let before = site.asked().len();
    let daemon = installation.start();
    until("it is asked by the right clock", || (site.asked().len() > before).then_some(()));
    assert_eq!(daemon.stop(), Some(0));
}

/// sled that met a full disk refuses for ever: it is opened anew, and told all that it may have lost.
#[test]
fn d3_a_view_that_could_not_write_is_whole_again_once_there_is_room() {
    let folder = tempfile::tempdir().unwrap();
    let disk = folder.path().join("disk");
    let Some(_disk) = Disk::mount(&disk, "size=24m") else {
        println!("SKIPPED: no tmpfs can be mounted here");
        return;
    };
    let now = Moment::from_seconds(1_800_000_000);
    let log = Arc::new(Log::open(&folder.path().join("log")).unwrap().0);
    let options = view::Options { path: disk.join("view"), rules: String::new(), places: Arc::default() };
    let view = View::open(&options, Arc::clone(&log), &|_| {}).unwrap().0;
    let tell = |number: u32| {
        let id = SourceId::new("a").unwrap();
        let draft = Draft { title: format!("第{number}条"), text: "字".repeat(200), ..Draft::default() };
        let key = Key::of(Some(&number.to_string()), None, "", None).unwrap();
        let item = ItemId::of(&id, &key);
        let report = Report { item, key, source: id, seen: now, reader: 1, first_import: false, draft };
        let records = [Record::Report(Box::new(report))];
        view.apply(&log.append(&records, now).unwrap(), &records)
    };
    (0..100).for_each(|number| drop(tell(number).unwrap()));
    let filler = disk.join("filler");
    let mut file = std::fs::File::create(&filler).unwrap();
    while std::io::Write::write_all(&mut file, &[0; 512]).is_ok() {}
    let refused = (100..20_000).find(|number| tell(*number).is_err() || view.flush().is_err());
    assert!(refused.is_some() && view.is_broken(), "the disk is full");
    assert!(view.heal().is_err() || view.flush().is_err(), "it is full still");
    drop(file);
    std::fs::remove_file(&filler).unwrap();
    view.heal().unwrap();
    view.flush().unwrap();
    assert!(!view.is_broken() && view.verify().unwrap().is_well());
    let digest = view.digest();
    drop(view);
    let (view, notices) = View::open(&options, log, &|_| {}).unwrap();
    assert_eq!((view.digest(), notices), (digest, vec![]));
}

#[test]
fn d4_a_store_that_cannot_be_used_is_told_in_a_sentence() {
    let installation = Installation::new("");
    let store = installation.folder.path().join("store");
    // A file where the folder should be.
    std::fs::write(&store, "x").unwrap();
    let output = installation.run(&["run"]);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(78), "{told}");
    assert!(told.contains("store"), "{told}");
    std::fs::remove_file(&store).unwrap();
    let Some(disk) = Disk::mount(&store, "size=24m") else {
        println!("SKIPPED: no tmpfs can be mounted here");
        return;
    };
    assert!(disk.remount("ro"));
    let output = installation.run(&["run"]);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("Read-only file system") && told.contains(&*store.display().to_string()), "{told}");
    assert!(disk.remount("rw"));
    let site = busy_site(151, 1);
    installation.sources(&source("a", "140300", &site.url("/feed")));
    let daemon = installation.start();
    daemon.until_items("140300", 3);
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn d15_records_that_are_lost_are_told_in_the_status() {
    let installation = Installation::new("");
    let site = busy_site(152, 1);
    installation.sources(&source("a", "140300", &site.url("/feed")));
    let daemon = installation.start();
    daemon.until_items("140300", 3);
    assert_eq!(daemon.stop(), Some(0));
    let log = installation.folder.path().join("store/log");
    for entry in std::fs::read_dir(&log).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "jsonl") {
            let text = std::fs::read_to_string(&path).unwrap();
            std::fs::write(&path, text.split_inclusive('\n').next().unwrap()).unwrap();
        }
    }
    let verify = installation.run(&["verify"]);
    let told = String::from_utf8_lossy(&verify.stdout).into_owned();
    assert!(verify.status.code() == Some(1) && told.contains("restore a backup"), "{told}");
    let daemon = installation.start();
    let told = String::from_utf8_lossy(&installation.run(&["status"]).stdout).into_owned();
    assert!(told.contains("TROUBLE") && told.contains("the records in between are lost"), "{told}");
    // The site is asked for all that it has, not whether it has something new: what was lost comes back.
    daemon.until_items("140300", 3);
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn d16_a_restored_log_meets_neither_the_view_nor_the_visits_of_another() {
    let installation = Installation::new("");
    let site = busy_site(153, 1);
    installation.sources(&source("a", "140300", &site.url("/feed")));
    let daemon = installation.start();
    daemon.until_items("140300", 3);
    let archive = installation.folder.path().join("archive");
    let name = archive.to_str().unwrap();
    assert!(installation.run(&["backup", name]).status.success());
    assert_eq!(daemon.stop(), Some(0));
    let store = installation.folder.path().join("store");
    assert!(!installation.run(&["restore", name]).status.success(), "a log is in the way");
    std::fs::rename(store.join("log"), installation.folder.path().join("old")).unwrap();
    let restored = installation.run(&["restore", name]);
    assert!(restored.status.success(), "{}", String::from_utf8_lossy(&restored.stderr));
    assert!(!store.join("view").exists() && !store.join("visits").exists());
    let daemon = installation.start();
    daemon.until_items("140300", 3);
    assert!(installation.run(&["verify"]).status.success());
    assert_eq!(daemon.stop(), Some(0));
    // A damaged line is in the backup, too, and said.
    let log = std::fs::read_dir(store.join("log")).unwrap().map(|entry| entry.unwrap().path());
    let segment = log.into_iter().find(|path| path.extension().is_some_and(|ending| ending == "jsonl")).unwrap();
    let mut bytes = std::fs::read(&segment).unwrap();
    bytes[40] ^= 1;
    std::fs::write(&segment, bytes).unwrap();
    let second = installation.folder.path().join("second");
    let told = installation.run(&["backup", second.to_str().unwrap()]);
    assert_eq!(told.status.code(), Some(1));
    assert!(second.exists() && String::from_utf8_lossy(&told.stderr).contains("so is this backup"));
}

#[test]
fn d4_a_second_daemon_and_a_folder_without_rights_are_told() {
    let installation = Installation::new("");
    let daemon = installation.start();
    let second = installation.run(&["run"]);
    let told = String::from_utf8_lossy(&second.stderr).into_owned();
    assert_eq!(second.status.code(), Some(1));
    assert!(told.contains(&format!("in use by pid {}", daemon.child.id())), "{told}");
    assert_eq!(daemon.stop(), Some(0));
    let store = installation.folder.path().join("store");
    std::fs::set_permissions(&store, std::fs::Permissions::from_mode(0o0)).unwrap();
    std::fs::set_permissions(installation.folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let refused = Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"])
        .arg(env!("CARGO_BIN_EXE_dayuan"))
        .arg("--config")
        .arg(installation.config())
        .arg("run")
        .output();
    std::fs::set_permissions(&store, std::fs::Permissions::from_mode(0o755)).unwrap();
    let told = refused.map(|output| (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned()));
    match told {
        Ok((code, told)) if told.contains("setpriv:") => println!("SKIPPED: {code:?} {told}"),
        Ok((code, told)) => {
            assert_eq!(code, Some(1), "{told}");
            assert!(told.contains("Permission denied") && told.contains("store"), "{told}");
        }
        Err(error) => println!("SKIPPED: there is no setpriv here: {error}"),
    }
}

const NOW: Moment = Moment::from_seconds(1_678_328_822);

fn facts() -> Record {
    Record::Source(SourceFacts {
        id: SourceId::new("a").unwrap(),
        title: "甲".to_owned(),
        link: "https://a.example.cn/".to_owned(),
        region: RegionId::new("140300").unwrap(),
        authority: Authority::Media,
        zone: Zone::shanghai(),
        rights: None,
        was: Vec::new(),
        alerts_for: Vec::new(),
        at: NOW,
    })
}

fn report(number: usize) -> Record {
    let id = SourceId::new("a").unwrap();
    let guid = format!("guid-{number}");
    let key = Key::of(Some(&guid), None, "", None).unwrap();
    Record::Report(Box::new(Report {
        item: ItemId::of(&id, &key),
        key,
        source: id,
        seen: NOW.plus_seconds(i64::try_from(number).unwrap()),
        reader: 1,
        first_import: false,
        draft: Draft {
            title: format!("第{number}号通告"),
            guid: Some(guid),
            text: format!("第{number}号通告的内容，共{}字。", number * 7),
            ..Draft::default()
        },
    }))
}

/// A store with some items, as a daemon leaves it.
fn filled(folder: &Path, items: usize) -> HashSet<String> {
    let (log, _) = Log::open(&folder.join("log")).unwrap();
    let log = Arc::new(log);
    let (view, _) = View::open(&options(folder), Arc::clone(&log), &|_| ()).unwrap();
    let records: Vec<Record> = std::iter::once(facts()).chain((0..items).map(report)).collect();
    for some in records.chunks(40) {
        view.apply(&log.append(some, NOW).unwrap(), some).unwrap();
    }
    view.flush().unwrap();
    titles(&view, &log)
}

fn options(folder: &Path) -> view::Options {
    view::Options { path: folder.join("view"), rules: String::new(), places: Arc::default() }
}

/// The titles of all items that a store can give.
fn titles(view: &View, log: &Log) -> HashSet<String> {
    let tags = [RegionId::new("140300").unwrap()];
    let title = |entry: &view::Entry| {
        let story = view.story(entry.story)?;
        match log.read(story.shown.position).ok()? {
            Record::Report(report) => Some(report.draft.title),
            _ => None,
        }
    };
    view.timeline(&tags, None, 10_000, 10_000).iter().filter_map(title).collect()
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, &target).unwrap();
        }
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 8).unwrap() % sides.max(1)
    }
}

/// Where damage shows: nothing may be missing of which nobody is told.
fn opens_whole_or_tells(folder: &Path, all: &HashSet<String>, what: &str) {
    let began = Instant::now();
    let (log, damages) = match Log::open(&folder.join("log")) {
        Ok(opened) => opened,
        Err(error) => panic!("{what}: the log must open: {error}"),
    };
    let log = Arc::new(log);
    let damaged = damages.len() + log.scrub(&|| false).unwrap().len();
    let (view, _) = View::open(&options(folder), Arc::clone(&log), &|_| ()).unwrap();
    let missing = all.difference(&titles(&view, &log)).count();
    // A damaged line end spoils the two lines beside it; a damaged line one.
    assert!(missing <= 2 * damaged, "{what}: {missing} are missing, {damaged} damages told");
    assert!(missing <= 2, "{what}: one damage costs no more than what it hit, not {missing}");
    assert!(began.elapsed() < Duration::from_secs(30), "{what}");
}

#[test]
fn d5_a_flipped_bit_anywhere_loses_nothing_in_silence() {
    let flips: usize = std::env::var("DAYUAN_FLIPS").ok().and_then(|number| number.parse().ok()).unwrap_or(120);
    let folder = tempfile::tempdir().unwrap();
    let whole = folder.path().join("whole");
    let all = filled(&whole, 200);
    assert_eq!(all.len(), 200);
    let mut dice = Dice(0x1234_5678_9abc_def1);
    // Half of them in the log, half in the store of the view.
    for flip in 0..flips {
        let damaged = folder.path().join(format!("flip-{flip}"));
        copy(&whole, &damaged);
        let part = if flip % 2 == 0 { "log" } else { "view" };
        let candidates: Vec<PathBuf> =
            files(&damaged.join(part)).into_iter().filter(|path| std::fs::metadata(path).unwrap().len() > 0).collect();
        // By size, so that every byte is as likely as any other.
        let sizes: Vec<usize> =
            candidates.iter().map(|path| usize::try_from(std::fs::metadata(path).unwrap().len()).unwrap()).collect();
        let mut at = dice.roll(sizes.iter().sum());
        let mut chosen = 0;
        while at >= sizes[chosen] {
            at -= sizes[chosen];
            chosen += 1;
        }
        let mut bytes = std::fs::read(&candidates[chosen]).unwrap();
        bytes[at] ^= 1 << dice.roll(8);
        std::fs::write(&candidates[chosen], bytes).unwrap();
        let what = format!("flip {flip}: byte {at} of {}", candidates[chosen].display());
        opens_whole_or_tells(&damaged, &all, &what);
        std::fs::remove_dir_all(&damaged).unwrap();
    }
    println!("{flips} flipped bits, nothing lost in silence");
}

#[test]
fn d5_blocks_of_nothing_cut_files_and_strays_lose_nothing_in_silence() {
    let folder = tempfile::tempdir().unwrap();
    let whole = folder.path().join("whole");
    let all = filled(&whole, 200);
    let check = |name: &str, spoil: &dyn Fn(&Path)| {
        let damaged = folder.path().join(name);
        copy(&whole, &damaged);
        spoil(&damaged);
        let (log, _) = Log::open(&damaged.join("log")).unwrap();
        let log = Arc::new(log);
        let (view, _) = View::open(&options(&damaged), Arc::clone(&log), &|_| ()).unwrap();
        assert_eq!(titles(&view, &log), all, "{name}");
        assert!(view.verify().unwrap().is_well(), "{name}");
    };
    for file in files(&whole.join("view")) {
        let inside = file.strip_prefix(&whole).unwrap().to_owned();
        let length = std::fs::metadata(&file).unwrap().len();
        for block in 0..length.div_ceil(4096).min(6) {
            check(&format!("zeroed {} {block}", inside.display()).replace('/', "-"), &|damaged| {
                let mut bytes = std::fs::read(damaged.join(&inside)).unwrap();
                let from = usize::try_from(block * 4096).unwrap();
                let to = bytes.len().min(from + 4096);
                bytes[from..to].fill(0);
                std::fs::write(damaged.join(&inside), bytes).unwrap();
            });
        }
        check(&format!("cut {}", inside.display()).replace('/', "-"), &|damaged| {
            let bytes = std::fs::read(damaged.join(&inside)).unwrap();
            std::fs::write(damaged.join(&inside), &bytes[..bytes.len() / 2]).unwrap();
        });
        check(&format!("gone {}", inside.display()).replace('/', "-"), &|damaged| {
            std::fs::remove_file(damaged.join(&inside)).unwrap();
        });
    }
    check("stray", &|damaged| std::fs::write(damaged.join("view/snap.0000000000000001.generating"), b"x").unwrap());
    check("no view", &|damaged| std::fs::remove_dir_all(damaged.join("view")).unwrap());
}

#[test]
fn d2_a_power_cut_loses_nothing_that_was_acknowledged() {
    let seeds: u64 = std::env::var("DAYUAN_CUTS").ok().and_then(|number| number.parse().ok()).unwrap_or(60);
    for seed in 1..=seeds {
        power_cut(seed);
    }
    println!("{seeds} power cuts, nothing acknowledged was lost");
}

/// Writes batches to a log; the power fails while one is being written. What was synced before is on the disk; of the
/// rest each block of 4 KiB may have come, not have come, or have come as garbage, and the length may be any.
fn power_cut(seed: u64) {
    const BLOCK: usize = 4096;
    let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let folder = tempfile::tempdir().unwrap();
    let before = 1 + dice.roll(6);
    let mut acknowledged = Vec::new();
    let mut number = 0;
    let mut batch = |dice: &mut Dice| -> Vec<Record> {
        (0..=dice.roll(30))
            .map(|_| {
                number += 1;
                report(number)
            })
            .collect()
    };
    let path = {
        let (log, _) = Log::open(folder.path()).unwrap();
        for _ in 0..before {
            let records = batch(&mut dice);
            log.append(&records, NOW).unwrap();
            acknowledged.extend(records);
        }
        files(folder.path()).into_iter().find(|path| path.extension().is_some_and(|ending| ending == "jsonl")).unwrap()
    };
    let synced = std::fs::read(&path).unwrap();
    let lost = {
        let (log, damages) = Log::open(folder.path()).unwrap();
        assert!(damages.is_empty());
        let records = batch(&mut dice);
        log.append(&records, NOW).unwrap();
        records
    };
    let mut after = std::fs::read(&path).unwrap();
    assert!(after.starts_with(&synced) && after.len() > synced.len());
    // The file system may know of any length between the two, in whole blocks or not.
    let length = synced.len() + dice.roll(after.len() - synced.len() + 1);
    after.truncate(length);
    for start in (0..after.len()).step_by(BLOCK) {
        let end = (start + BLOCK).min(after.len());
        let fresh = start.max(synced.len());
        if fresh >= end {
            continue;
        }
        match dice.roll(4) {
            0 => after[fresh..end].fill(0),
            1 => after[fresh..end].iter_mut().for_each(|byte| *byte = u8::try_from(dice.roll(256)).unwrap()),
            // Half of the block came.
            2 => after[fresh + (end - fresh) / 2..end].fill(0),
            _ => {}
        }
    }
    std::fs::write(&path, &after).unwrap();
    let (log, damages) = Log::open(folder.path()).unwrap();
    let found: Vec<Record> = log.replay(0).unwrap().filter_map(Result::ok).map(|replayed| replayed.record).collect();
    assert!(found.starts_with(&acknowledged), "seed {seed}: something acknowledged is gone");
    assert!(found[acknowledged.len()..].iter().all(|record| lost.contains(record)), "seed {seed}: nothing is made up");
    let torn = after.len() > synced.len() && found.len() < acknowledged.len() + lost.len();
    assert!(!torn || !damages.is_empty() || log.scrub(&|| false).unwrap().len() + damages.len() > 0 || after == synced);
    // It goes on, and what comes then is safe, too.
    let next = [report(100_000)];
    log.append(&next, NOW).unwrap();
    drop(log);
    let (log, _) = Log::open(folder.path()).unwrap();
    let last = log.replay(0).unwrap().filter_map(Result::ok).last().unwrap().record;
    assert_eq!(last, next[0], "seed {seed}");
}

#[test]
fn d2_every_batch_is_synced_before_it_is_acknowledged() {
    let site = busy_site(152, 1);
    let installation = Installation::new(&source("a", "140300", &site.url("/feed")));
    let trace = installation.folder.path().join("trace");
    let daemon = installation.start();
    let Ok(mut tracer) = Command::new("strace")
        .args(["-f", "-qq", "-y", "-e", "trace=fdatasync,write,fsync,sync_file_range,pwrite64", "-o"])
        .arg(&trace)
        .args(["-p", &daemon.child.id().to_string()])
        .stderr(std::process::Stdio::null())
        .spawn()
    else {
        println!("SKIPPED: there is no strace here");
        return;
    };
    let asked = site.asked().len();
    until("some polls are traced", || {
        (site.asked().len() > asked + 4).then_some(()).or_else(|| tracer.try_wait().unwrap().map(drop))
    });
    assert_eq!(daemon.stop(), Some(0));
    drop(tracer.wait());
    let calls = std::fs::read_to_string(&trace).unwrap_or_default();
    if !calls.contains("fdatasync") && calls.lines().count() < 3 {
        println!("SKIPPED: nothing may be traced here");
        return;
    }
    // Between two writes to the log there is a sync of it.
    let is_log = |call: &str| call.contains("/log/") && call.contains(".jsonl");
    let mut unsynced = 0;
    let mut batches = 0;
    for call in calls.lines().filter(|call| is_log(call)) {
        if call.contains("write(") {
            unsynced += 1;
            batches += 1;
        } else if call.contains("fdatasync(") {
            unsynced = 0;
        }
        assert!(unsynced <= 1, "two writes without a sync between them:\n{calls}");
    }
    assert!(batches >= 2, "{calls}");
}

/// Starts the daemon with a clock that can be set; `None` where there is no libfaketime.
fn with_clock(installation: &Installation, clock: &Path, set: &str) -> Option<Daemon> {
    let library = [
        "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
        "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1",
    ]
    .into_iter()
    .find(|path| Path::new(path).exists())?;
    std::fs::write(clock, set).unwrap();
    Some(installation.start_with(&[
        ("LD_PRELOAD", library),
        ("FAKETIME_TIMESTAMP_FILE", clock.to_str().unwrap()),
        ("FAKETIME_NO_CACHE", "1"),
        ("DONT_FAKE_MONOTONIC", "1"),
    ]))
}

#[test]
fn d6_a_clock_that_jumps_makes_no_storm_and_rewrites_nothing() {
    let site = Site::new(153, |_| Reply::ok(feed(&[("1", "/a/1", "题", 2), ("2", "/a/2", "另一题", 3)])));
    // Its interval is an hour: whoever comes before it, comes because of the clock.
    let installation = Installation::with(
        "[fetch]\nallow_networks = [\"127.0.7.0/24\"]\ntimeout = \"5s\"\n[poll]\nmin_interval = \"1h\"\nmax_interval = \"6h\"\nhost_gap = \"0s\"\n",
        &source("a", "140300", &site.url("/feed")),
    );
    let clock = installation.folder.path().join("clock");
    let Some(daemon) = with_clock(&installation, &clock, "+0") else {
        println!("SKIPPED: there is no libfaketime here");
        return;
    };
    let dated = |daemon: &Daemon| -> Vec<String> {
        let fields =
            |item: &serde_json::Value| format!("{} {} {}", item["id"], item["date_published"], item["date_modified"]);
        daemon.items("140300").iter().map(fields).collect()
    };
    daemon.until_items("140300", 2);
    let items = dated(&daemon);
    let asked = site.asked().len();
    for (set, count) in [("+3650d", 1), ("-1d", 2), ("+0", 3)] {
        std::fs::write(&clock, set).unwrap();
        until(set, || {
            let told = daemon.log().iter().filter(|line| line.to_string().contains("the clock was set")).count();
            (told >= count).then_some(())
        });
        let began = Instant::now();
        until("what is due is asked", || (began.elapsed() > Duration::from_secs(1)).then_some(()));
        assert_eq!(dated(&daemon), items, "{set}: nothing is dated anew, nothing is gone");
    }
    assert_eq!(site.asked().len(), asked, "the clock makes no poll");
    assert_eq!(daemon.stop(), Some(0));
    // At the start: a machine that does not know the time yet, and one that is ten years ahead.
    for set in ["@1970-01-01 00:00:00", "+3650d"] {
        let Some(daemon) = with_clock(&installation, &clock, set) else { return };
        assert_eq!(dated(&daemon), items, "{set}");
        if set.starts_with('@') {
            let told = until("the clock is told", || trouble(&installation));
            assert_eq!(told, "the clock says 1970-01-01; nothing is polled until it is set");
        }
        assert_eq!(daemon.stop(), Some(0));
    }
    let daemon = installation.start();
    assert_eq!(dated(&daemon), items);
    assert!(site.asked().len() <= 4, "{} polls", site.asked().len());
}

/// Several servers know the time better than a machine that is ten years ahead: what they bring waits until it is right.
#[test]
fn d6_what_comes_while_the_clock_is_years_ahead_is_neither_dated_by_it_nor_lost() {
    let without = |document: &str, from: &str, to: &str| {
        document.split_once(from).unwrap().0.to_owned() + document.split_once(to).unwrap().1
    };
    let sites: Vec<Site> = (200..208)
        .map(|host| {
            let (dated, undated) = (format!("{host}处有日期的消息"), format!("{host}处没有日期的消息"));
            let item = without(&feed(&[("1", "/a/1", &undated, 2)]), "<pubDate>", "</pubDate>");
            let item = item.split_once("<item>").unwrap().1.split_once("</item>").unwrap().0.to_owned();
            let document = feed(&[("2", "/a/2", &dated, 3)]).replace("<item>", &format!("<item>{item}</item><item>"));
            Site::new(host, move |_| {
                let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
                let date = dayuan::model::Moment::from_seconds(i64::try_from(now).unwrap()).rfc2822();
                Reply::ok(document.clone()).with("date", date.replace("+0000", "GMT"))
            })
        })
        .collect();
    let blocks: String =
        sites.iter().enumerate().map(|(at, site)| source(&format!("s{at}"), "140300", &site.url("/feed"))).collect();
    let installation = Installation::new(&blocks);
    let clock = installation.folder.path().join("clock");
    let Some(daemon) = with_clock(&installation, &clock, "+3650d") else {
        println!("SKIPPED: there is no libfaketime here");
        return;
    };
    until("all were asked some times", || sites.iter().all(|site| site.asked().len() >= 3).then_some(()));
    until("it is told", || trouble(&installation).filter(|told| told.contains("the clock differs by more than a day")));
    // The first two were asked before three had told their time.
    assert!(daemon.items("140300").len() <= 2, "{:?}", daemon.titles("140300"));
    std::fs::write(&clock, "+0").unwrap();
    daemon.until_items("140300", 2 * sites.len());
    until("the trouble is over", || trouble(&installation).is_none().then_some(()));
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn d7_every_kind_of_end_is_an_orderly_one() {
    // In the middle of a batch, and twice.
    let slow = Site::raw(154, |_, stream| {
        let body = feed(&[("1", "/a/1", "题", 2)]);
        drop(std::io::Write::write_all(
            stream,
            format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len()).as_bytes(),
        ));
        std::thread::sleep(Duration::from_secs(3));
        drop(std::io::Write::write_all(stream, body.as_bytes()));
    });
    let busy = busy_site(155, 1);
    let installation = Installation::new(
        &(source("slow", "140300", &slow.url("/feed")) + &source("busy", "140300", &busy.url("/feed"))),
    );
    let daemon = installation.start();
    daemon.until_items("140300", 3);
    let began = Instant::now();
    assert_eq!(daemon.stop(), Some(0));
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    let before = slow.asked().len();
    let mut daemon = installation.start();
    until("a poll is under way", || (slow.asked().len() > before).then_some(()));
    daemon.signal("TERM");
    // Two signals that wait together are one: the second is sent when the first was heard.
    until("it is stopping", || std::net::TcpStream::connect(daemon.address).is_err().then_some(()));
    daemon.signal("TERM");
    let began = Instant::now();
    let status = until("it ends at once", || daemon.child.try_wait().unwrap());
    assert_eq!(status.code(), Some(0));
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    let said = |what: &str| daemon.log().iter().any(|line| line.to_string().contains(what));
    assert!(said("stopped at once by a second signal"));
    let mut daemon = installation.start();
    daemon.signal("TERM");
    daemon.kill();
    assert!(installation.run(&["verify"]).status.success());
    let daemon = installation.start();
    assert!(daemon.items("140300").len() >= 3);
}

#[test]
fn d8_a_source_that_hangs_or_brings_the_reader_down_is_alone_in_it() {
    let hanging = Site::raw(156, |_, _| std::thread::sleep(Duration::from_secs(30)));
    let healthy = Arc::new(Mutex::new(Vec::<Instant>::new()));
    let times = Arc::clone(&healthy);
    let good = Site::new(157, move |_| {
        times.lock().unwrap().push(Instant::now());
        Reply::ok(feed(&[("1", "/a/1", "题", 2)]))
    });
    let mut blocks = source("good", "140300", &good.url("/feed"));
    for at in 0..8 {
        blocks += &source(&format!("hang{at}"), "140300", &hanging.url(&format!("/{at}")));
    }
    let installation = Installation::new(&blocks);
    let daemon = installation.start();
    until("the good one was polled often", || (healthy.lock().unwrap().len() >= 6).then_some(()));
    let times = healthy.lock().unwrap().clone();
    let longest = times.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap();
    assert!(longest < Duration::from_secs(8), "{longest:?} between two polls");
    let status = until("the hanging one is told", || {
        let all: Vec<serde_json::Value> = (0..8)
            .map(|at| daemon.status(&installation, &format!("hang{at}")))
            .filter(|s| s["failures"] != 0)
            .collect();
        all.first().cloned()
    });
    assert!(status["reason"].as_str().unwrap().contains("within 5 s"), "{status}");
    assert_eq!(daemon.stop(), Some(0));
}
