use super::*;

fn read(text: &str) -> String {
    let zone = Zone::shanghai();
    let now = Moment::from_rfc3339("2026-11-24T10:00:00+08:00").unwrap();
    let clock = Clock { now, zone: &zone, chinese: true, order: Order::Unknown };
    parse(text, clock).map_or_else(|| "none".to_owned(), |stamp| format!("{stamp} {}", stamp.precision.word()))
}

#[test]
fn every_shape_that_was_seen() {
    for line in include_str!("../../../../tests/fixtures/dates.tsv").lines().filter(|line| !line.starts_with('#')) {
        let (text, expected) = line.split_once('\t').unwrap();
        assert_eq!(read(text), expected, "{text}");
    }
}

#[test]
fn hostile_dates() {
    for text in ["9999-12-31", "-0001", "0000-00-00", "9223372036854775808", "Thu, 31 Feb 2023", "1823-01-01"] {
        assert_eq!(read(text), "none", "{text}");
    }
    assert_eq!(read(&"(".repeat(100_000)), "none");
}

#[test]
fn cst_is_china_only_in_chinese_documents() {
    let zone = Zone::shanghai();
    let now = Moment::from_rfc3339("2026-11-24T10:00:00+08:00").unwrap();
    let at = |chinese| {
        parse("Thu, 09 Mar 2023 10:27:02 CST", Clock { now, zone: &zone, chinese, order: Order::Unknown })
            .unwrap()
            .at
            .rfc3339()
    };
    assert_eq!(at(true), "2023-03-09T02:27:02.000Z");
    assert_eq!(at(false), "2023-03-09T16:27:02.000Z");
}
