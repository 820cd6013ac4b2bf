//! Tests of the format of records on disk.

use super::*;

/// Lines written by an earlier dayuan must stay readable forever.
#[test]
fn version_1_stays_readable() {
    stays_readable(include_str!("../../../tests/fixtures/log/version-1.jsonl"), 6);
    stays_readable(include_str!("../../../tests/fixtures/log/version-1-takedowns.jsonl"), 4);
}

fn stays_readable(golden: &str, count: usize) {
    for (line, seq) in golden.lines().zip(1..) {
        let (found, record) = decode(line.as_bytes()).unwrap();
        assert_eq!(found, seq);
        let mut again = Vec::new();
        encode(seq, &record, &mut again).unwrap();
        assert_eq!(String::from_utf8(again).unwrap().trim_end(), line);
    }
    assert_eq!(golden.lines().count(), count);
}

#[test]
fn one_flipped_bit_is_seen() {
    let golden = include_str!("../../../tests/fixtures/log/version-1.jsonl");
    let line = golden.lines().next().unwrap().as_bytes();
    for bit in 0..line.len() * 8 {
        let mut damaged = line.to_vec();
        damaged[bit / 8] ^= 1 << (bit % 8);
        let same = decode(&damaged).is_ok_and(|found| found == decode(line).unwrap());
        assert!(decode(&damaged).is_err() || same, "bit {bit}");
    }
}
