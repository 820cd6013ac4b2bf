//! Tests of the log on disk.

use super::*;
use crate::model::SourceId;

const NOON: Moment = Moment::from_seconds(1_678_330_000);

fn control(at: i64) -> Record {
    let source = SourceId::new("a").unwrap();
    Record::Control { source, state: super::super::Control::Paused, at: Moment::from_millis(at) }
}

fn open(folder: &Path) -> (Log, Vec<Damage>) {
    Log::open(folder).unwrap()
}

fn all(log: &Log) -> Vec<u64> {
    log.replay(0).unwrap().filter_map(Result::ok).map(|replayed| replayed.seq).collect()
}

#[test]
fn what_was_appended_is_there_and_can_be_reached() {
    let folder = tempfile::tempdir().unwrap();
    let (log, _) = open(folder.path());
    let appended = log.append(&[control(1), control(2)], NOON).unwrap();
    assert_eq!(log.read(appended[1].position).unwrap(), control(2));
    let next_day = log.append(&[control(3)], NOON.plus_seconds(86_400)).unwrap();
    assert_ne!(next_day[0].position.day, appended[0].position.day);
    assert_eq!(all(&log), [1, 2, 3]);
    drop(log);
    let (log, damages) = open(folder.path());
    assert_eq!((log.last_seq(), damages), (3, vec![]));
    // A clock that goes back does not start a new segment.
    assert_eq!(log.append(&[control(4)], NOON).unwrap()[0].position.day, next_day[0].position.day);
}

#[test]
fn a_torn_tail_is_cut_off_kept_and_told() {
    let torn_tails: [&[u8]; 4] = [b"{\"crc\":\"0000", &[0; 4096], b"\0\0\0\n\0\0", b"garbage\nmore garbage"];
    for torn in torn_tails {
        let folder = tempfile::tempdir().unwrap();
        let (log, _) = open(folder.path());
        log.append(&[control(1), control(2)], NOON).unwrap();
        drop(log);
        let path = segment::path(folder.path(), segment::days(folder.path()).unwrap()[0]);
        OpenOptions::new().append(true).open(&path).unwrap().write_all(torn).unwrap();
        let (log, damages) = open(folder.path());
        assert_eq!((damages.len(), log.last_seq()), (1, 2));
        log.append(&[control(3)], NOON).unwrap();
        assert_eq!(all(&log), [1, 2, 3]);
        let kept = std::fs::read_dir(folder.path())
            .unwrap()
            .filter(|e| e.as_ref().unwrap().path().to_string_lossy().contains("torn"))
            .count();
        assert_eq!(kept, usize::from(torn.iter().any(|b| *b != 0)));
    }
}

/// Returns a line with the correct checksum for `body`.
fn line(body: &str) -> String {
    format!("{{\"crc\":\"{:08x}\",{body}\n", crc32c::crc32c(body.as_bytes()))
}

#[test]
fn d9_what_a_newer_version_wrote_is_never_cut_off() {
    for body in [
        r#""seq":3,"v":2,"kind":"control","at":1,"source":"a","state":"gone"}"#,
        r#""seq":3,"v":256,"kind":"control","at":1,"source":"a","state":"gone"}"#,
        r#""seq":3,"v":1,"kind":"blessing","at":1}"#,
    ] {
        let folder = tempfile::tempdir().unwrap();
        let (log, _) = open(folder.path());
        log.append(&[control(1), control(2)], NOON).unwrap();
        drop(log);
        let path = segment::path(folder.path(), segment::days(folder.path()).unwrap()[0]);
        let before = std::fs::read_to_string(&path).unwrap() + &line(body);
        std::fs::write(&path, &before).unwrap();
        assert!(matches!(Log::open(folder.path()), Err(LogError::Newer { .. })));
        assert!(matches!(Log::inspect(folder.path()), Err(LogError::Newer { .. })));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), before);
    }
}

#[test]
fn d10_what_lies_in_another_days_file_or_has_no_number_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let (log, _) = open(folder.path());
    for day in 0..2 {
        log.append(&[control(1), control(2)], NOON.plus_seconds(day * 86_400)).unwrap();
    }
    drop(log);
    let paths: Vec<PathBuf> =
        segment::days(folder.path()).unwrap().into_iter().map(|day| segment::path(folder.path(), day)).collect();
    let (first, second) = (std::fs::read_to_string(&paths[0]).unwrap(), std::fs::read_to_string(&paths[1]).unwrap());
    std::fs::write(&paths[0], &second).unwrap();
    std::fs::write(&paths[1], &first).unwrap();
    let (log, _) = Log::inspect(folder.path()).unwrap();
    assert_eq!(log.replay(0).unwrap().filter(Result::is_err).count(), 2);
    drop(log);
    std::fs::write(&paths[0], &first).unwrap();
    let endless = line(r#""seq":18446744073709551615,"v":1,"kind":"control","at":1,"source":"a","state":"gone"}"#);
    std::fs::write(&paths[1], second + &endless).unwrap();
    let (log, damages) = open(folder.path());
    assert_eq!((damages.len(), log.last_seq()), (1, 4));
}

#[test]
fn d11_who_looks_at_a_log_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (log, _) = open(folder.path());
    log.append(&[control(1), control(2)], NOON).unwrap();
    drop(log);
    let path = segment::path(folder.path(), segment::days(folder.path()).unwrap()[0]);
    let torn = std::fs::read_to_string(&path).unwrap() + "garbage";
    std::fs::write(&path, &torn).unwrap();
    let (log, damages) = Log::inspect(folder.path()).unwrap();
    assert_eq!((damages.len(), all(&log)), (1, vec![1, 2]));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), torn);
    assert!(matches!(Log::inspect(&folder.path().join("none")), Err(LogError::Missing(_))));
}

#[test]
fn a_damaged_line_in_the_middle_never_stops_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let (log, _) = open(folder.path());
    let appended = log.append(&[control(1), control(2), control(3)], NOON).unwrap();
    drop(log);
    let path = segment::path(folder.path(), appended[1].position.day);
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[usize::try_from(appended[1].position.offset).unwrap() + 30] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let (log, damages) = open(folder.path());
    assert!(damages.is_empty(), "it is no tail");
    let found: Vec<_> = log.replay(0).unwrap().map(|found| found.map(|r| r.seq).map_err(|d| d.offset)).collect();
    assert_eq!(found, [Ok(1), Err(appended[1].position.offset), Ok(3)]);
    assert!(matches!(log.read(appended[1].position), Err(LogError::Damaged { .. })));
}

#[test]
fn a_log_that_was_closed_is_free_though_a_child_being_born_has_its_descriptor() {
    let folder = tempfile::tempdir().unwrap();
    let (log, _) = open(folder.path());
    // A forked child holds this descriptor until it calls exec.
    let inherited = log.lock.as_ref().unwrap().try_clone().unwrap();
    drop(log);
    assert!(Log::open(folder.path()).is_ok());
    drop(inherited);
}

#[test]
fn what_outlives_a_day_comes_before_the_days_that_are_left() {
    let folder = tempfile::tempdir().unwrap();
    let (log, _) = open(folder.path());
    let expire = Record::Expire { day: "2023-03-09".to_owned(), items: Vec::new(), at: NOON };
    log.append(&[control(1), expire.clone(), control(2)], NOON).unwrap();
    let day = log.oldest_day().unwrap().unwrap();
    let path = segment::path(folder.path(), segment::day_of(&day).unwrap());
    let whole = std::fs::read(&path).unwrap();
    log.append(&[expire, control(4)], NOON.plus_seconds(86_400)).unwrap();
    // The second round repeats the drop as after a crash between keeping and removing.
    for _ in 0..2 {
        std::fs::write(&path, &whole).unwrap();
        log.drop_day(&day).unwrap();
        assert_eq!(all(&log), [1, 3, 4, 5]);
    }
    let next = log.oldest_day().unwrap().unwrap();
    assert_eq!(next, "2023-03-10");
    log.append(&[control(6)], NOON.plus_seconds(2 * 86_400)).unwrap();
    log.drop_day(&next).unwrap();
    assert_eq!(all(&log), [1, 3, 5, 6]);
    assert_eq!(log.replay(3).unwrap().filter_map(Result::ok).count(), 2);
    drop(log);
    // A flipped bit in the kept segment is reported, and still is after the next day is dropped.
    let kept = segment::path(folder.path(), segment::KEPT);
    let sound = std::fs::read(&kept).unwrap();
    let mut damaged = sound.clone();
    damaged[30] ^= 1;
    std::fs::write(&kept, &damaged).unwrap();
    let (log, _) = open(folder.path());
    log.append(&[control(7)], NOON.plus_seconds(3 * 86_400)).unwrap();
    log.drop_day("2023-03-11").unwrap();
    assert_eq!(log.scrub(&|| false).unwrap().len(), 1);
    drop(log);
    let whole = std::fs::read(&kept).unwrap();
    std::fs::write(&kept, [&sound, &whole[sound.len()..]].concat()).unwrap();
    let (log, damages) = open(folder.path());
    assert_eq!((log.last_seq(), damages), (7, vec![]));
    let archive = folder.path().join("archive");
    super::super::backup(&log, File::create(&archive).unwrap()).unwrap();
    assert_eq!(super::super::restore(&archive, &folder.path().join("again")).unwrap(), 2);
    assert_eq!(all(&open(&folder.path().join("again")).0), [1, 3, 5, 6, 7]);
}

#[test]
fn d15_a_file_that_is_lost_between_others_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let (log, _) = open(folder.path());
    for day in 0..4 {
        let at = NOON.plus_seconds(day * 86_400);
        log.append(&[control(1), control(2)], at).unwrap();
    }
    assert_eq!(log.scrub(&|| false).unwrap(), []);
    let days = segment::days(folder.path()).unwrap();
    std::fs::remove_file(segment::path(folder.path(), days[0])).unwrap();
    assert_eq!(log.scrub(&|| false).unwrap(), [], "the oldest may have expired");
    std::fs::remove_file(segment::path(folder.path(), days[2])).unwrap();
    let told: Vec<String> = log.scrub(&|| false).unwrap().iter().map(ToString::to_string).collect();
    assert!(told.len() == 1 && told[0].contains("records 5 to 6 are missing"), "{told:?}");
    let replayed: Vec<String> =
        log.replay(0).unwrap().filter_map(Result::err).map(|damage| damage.to_string()).collect();
    assert_eq!(replayed, told);
}

#[test]
fn d17_a_new_days_file_that_does_not_open_leaves_the_one_before_alone() {
    let folder = tempfile::tempdir().unwrap();
    let (log, _) = open(folder.path());
    log.append(&[control(1)], NOON).unwrap();
    let tomorrow = NOON.plus_seconds(86_400);
    let path = segment::path(folder.path(), segment::days(folder.path()).unwrap()[0] + 1);
    std::fs::create_dir(&path).unwrap();
    for _ in 0..2 {
        assert!(log.append(&[control(2)], tomorrow).is_err());
        assert!(log.refusal().is_some());
    }
    std::fs::remove_dir(&path).unwrap();
    log.probe();
    assert_eq!(log.refusal(), None);
    let appended = log.append(&[control(2)], tomorrow).unwrap();
    assert!(log.read(appended[0].position).is_ok());
    assert_eq!(all(&log), [1, 2]);
}

#[test]
fn a_second_process_is_told_who_holds_it() {
    let folder = tempfile::tempdir().unwrap();
    let (_log, _) = open(folder.path());
    let error = Log::open(folder.path()).unwrap_err();
    assert!(error.to_string().contains(&format!("pid {}", std::process::id())), "{error}");
}

/// A folder in the place of a segment opens, but no read of it ever ends; so does a bad sector.
#[test]
fn a_segment_that_cannot_be_read_is_told_once() {
    let folder = tempfile::tempdir().unwrap();
    let (log, _) = open(folder.path());
    log.append(&[control(1)], NOON).unwrap();
    log.append(&[control(2)], NOON.plus_seconds(86_400)).unwrap();
    drop(log);
    std::fs::create_dir(folder.path().join("2020-01-01.jsonl")).unwrap();
    let (log, damages) = open(folder.path());
    assert_eq!((damages.len(), log.last_seq()), (1, 2), "{damages:?}");
    assert_eq!(log.replay(0).unwrap().filter(Result::is_err).count(), 1);
    assert_eq!(log.replay(1).unwrap().filter_map(Result::ok).count(), 1);
    assert_eq!(gaps(folder.path()).unwrap().len(), 1);
}

#[test]
fn what_is_written_under_a_clock_of_1970_is_no_record_that_outlives_its_day() {
    let folder = tempfile::tempdir().unwrap();
    let (log, _) = open(folder.path());
    let at = log.append(&[control(1)], Moment::from_seconds(5)).unwrap()[0].position;
    assert_ne!(at.day, segment::KEPT);
    log.append(&[control(2)], NOON).unwrap();
    assert_eq!(all(&log), [1, 2]);
    assert_eq!(log.oldest_day().unwrap().as_deref(), Some("1970-01-02"));
    drop(log);
    // A log that holds kept records only goes on after them.
    for day in segment::days(folder.path()).unwrap() {
        std::fs::rename(segment::path(folder.path(), day), folder.path().join("kept.jsonl")).unwrap();
    }
    let (log, _) = open(folder.path());
    log.append(&[control(3)], Moment::from_seconds(5)).unwrap();
    assert_eq!(all(&log).last(), Some(&3));
    assert!(folder.path().join("kept.jsonl").metadata().unwrap().len() > 0);
}
