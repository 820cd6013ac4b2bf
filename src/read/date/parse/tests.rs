//! Tests of the forms of dates.

use super::*;
use crate::model::Zone;

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

/// As on a page in the language `order` stands for, without Chinese characters.
fn western(text: &str, order: Order) -> String {
    let zone = Zone::shanghai();
    let now = Moment::from_rfc3339("2026-11-24T10:00:00+08:00").unwrap();
    parse(text, Clock { now, zone: &zone, chinese: false, order }).map_or_else(|| "none".to_owned(), |s| s.to_string())
}

#[test]
fn afternoons_with_dots() {
    for text in ["Feb. 3, 2022 5:09 p.m.", "3 February 2022, 5:09 p. m.", "Feb 3, 2022 5:09pm"] {
        assert_eq!(western(text, Order::Unknown), "2022-02-03T17:09:00+08:00", "{text}");
    }
}

#[test]
fn a_span_of_days_is_no_date() {
    for text in ["10-12 May, 2014", "14. - 20. Januar 2022", "3 al 5 de septiembre"] {
        assert_eq!(western(text, Order::Unknown), "none", "{text}");
    }
}

#[test]
fn numbers_win_over_words_that_name_months() {
    assert_eq!(western("2022-03-14 May Miller", Order::Unknown), "2022-03-14");
}

#[test]
fn a_day_with_dots_comes_first_outside_china() {
    assert_eq!(western("02.12.19", Order::Unknown), "2019-12-02");
    assert_eq!(western("02.12.19", Order::DayFirst), "2019-12-02");
    assert_eq!(read("24.01.02"), "2024-01-02 day");
}

#[test]
fn a_year_that_cannot_be_read_is_not_left_out() {
    for text in ["5 March 20222", "March 5, 0019", "24 رمضان 1441", "14 فروردین 1402"] {
        assert_eq!(western(text, Order::Unknown), "none", "{text}");
    }
    assert_eq!(western("24 نيسان / أبريل 2020", Order::Unknown), "2020-04-24");
    assert_eq!(western("March 5 at 4:00pm", Order::Unknown), "2026-03-05T16:00:00+08:00");
}
