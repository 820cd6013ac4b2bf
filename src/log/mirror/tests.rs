//! Tests of lines that are taken in from another log.

use super::*;
use crate::log::Control;
use crate::model::{Moment, SourceId};

const NOON: Moment = Moment::from_seconds(1_678_330_000);

fn control(at: i64) -> Record {
    let source = SourceId::new("a").unwrap();
    Record::Control { source, state: Control::Paused, at: Moment::from_millis(at) }
}

fn opened() -> (tempfile::TempDir, Log) {
    let folder = tempfile::tempdir().unwrap();
    let (log, _) = Log::open(folder.path()).unwrap();
    (folder, log)
}

/// A log of two days, and its lines.
fn two_days() -> (tempfile::TempDir, Log, Vec<Line>) {
    let (folder, log) = opened();
    log.append(&[control(1), control(2)], NOON).unwrap();
    log.append(&[control(3)], NOON.plus_seconds(86_400)).unwrap();
    let lines = log.lines(0).unwrap().map(Result::unwrap).collect();
    (folder, log, lines)
}

fn segments(folder: &std::path::Path) -> Vec<(String, Vec<u8>)> {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let named = files.map(|file| (file.file_name().into_string().unwrap(), file.path()));
    let mut found: Vec<(String, Vec<u8>)> = named
        .filter(|(name, _)| name.ends_with(".jsonl"))
        .map(|(name, path)| (name, std::fs::read(path).unwrap()))
        .collect();
    found.sort();
    found
}

#[test]
fn a_mirror_is_the_same_log_byte_for_byte() {
    let (folder, log, lines) = two_days();
    let (mirror_folder, mirror) = opened();
    let taken = mirror.mirror(&lines[..1]).unwrap();
    assert_eq!((taken.len(), taken[0].seq, &taken[0].record), (1, 1, &control(1)));
    let rest: Vec<Line> = log.lines(1).unwrap().map(Result::unwrap).collect();
    assert_eq!(mirror.mirror(&rest).unwrap().iter().map(|replayed| replayed.seq).collect::<Vec<_>>(), [2, 3]);
    assert_eq!(segments(mirror_folder.path()), segments(folder.path()));
    drop(mirror);
    let (mirror, damages) = Log::open(mirror_folder.path()).unwrap();
    assert_eq!((mirror.last_seq(), damages), (3, vec![]));
    assert_eq!(encode(&[control(3)], 2, lines[2].day).unwrap(), lines[2..]);
}

#[test]
fn a_line_that_is_missing_damaged_or_of_another_log_is_not_taken_in() {
    let (_folder, _log, lines) = two_days();
    let refused = |lines: &[Line], before: u64| {
        let (_folder, mirror) = opened();
        let refusal = mirror.mirror(lines).unwrap_err().to_string();
        assert_eq!(mirror.last_seq(), before, "{refusal}");
        if before == 0 {
            assert_eq!(mirror.newest_day(), opened().1.newest_day(), "no day begins: {refusal}");
        }
        refusal
    };
    assert!(refused(&lines[1..], 0).contains("it follows record 1, but the newest one here is 0"));
    let mut flipped = lines.clone();
    flipped[2].bytes[30] ^= 1;
    assert!(refused(&flipped, 2).contains("its checksum does not match"));
    let mut renamed = lines.clone();
    renamed[0].seq = 2;
    assert!(refused(&renamed, 0).contains("its line says that it is record 1"));
    let mut early = lines.clone();
    early[2].day = 1;
    assert!(refused(&early, 2).contains("earlier day"));
    let newer = String::from_utf8(lines[0].bytes.clone()).unwrap().replace("\"v\":1", "\"v\":2");
    let body = newer.split_once(',').unwrap().1;
    let crc = crc32c::crc32c(body.as_bytes());
    let newer = Line { bytes: format!("{{\"crc\":\"{crc:08x}\",{body}").into_bytes(), ..lines[0].clone() };
    assert!(refused(&[newer], 0).contains("use a newer dayuan"));
}

#[test]
fn numbers_may_have_gaps_where_days_expired() {
    let (_folder, log) = opened();
    let gone = Record::Gone { item: crate::model::ItemId::from_u128(1), at: NOON };
    log.append(&[gone, control(2)], NOON).unwrap();
    log.append(&[control(3)], NOON.plus_seconds(86_400)).unwrap();
    log.drop_day(&NOON.day()).unwrap();
    let lines: Vec<Line> = log.lines(0).unwrap().map(Result::unwrap).collect();
    assert_eq!(lines.iter().map(|line| (line.prev, line.seq)).collect::<Vec<_>>(), [(0, 2), (2, 3)]);
    let (_mirror_folder, mirror) = opened();
    assert_eq!(mirror.mirror(&lines).unwrap().len(), 2);
}

#[test]
fn lines_begin_at_the_segment_that_holds_the_one_before() {
    let (folder, log, lines) = two_days();
    assert_eq!(log.lines(2).unwrap().map(Result::unwrap).collect::<Vec<_>>(), lines[2..], "the one before is known");
    // What lies before that segment is not read.
    let first = segments(folder.path())[0].0.clone();
    std::fs::write(folder.path().join(&first), "garbage\n").unwrap();
    log.append(&[control(4)], NOON.plus_seconds(86_400)).unwrap();
    let rest: Vec<Line> = log.lines(3).unwrap().map(Result::unwrap).collect();
    assert_eq!((rest.len(), rest[0].seq, rest[0].prev), (1, 4, 3));
}
