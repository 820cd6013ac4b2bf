//! Texts that are dates, or hold one at their edge.

use crate::model::{Precision, Stamp};
use crate::read::date::{self, Clock, month};
use crate::read::lexicon::words;
use crate::read::markup::text::width;

/// Returns whether a text consists of digits, punctuation and the Chinese words for dates.
pub(super) fn is_numeric_date(piece: &str) -> bool {
    let piece = piece.trim();
    piece.chars().any(|c| c.is_ascii_digit())
        && piece.chars().all(|c| c.is_ascii_digit() || c.is_whitespace() || "年月日时分秒点-/.:：[]()（）".contains(c))
}

/// Returns whether a text is only a date, possibly with introductory words.
pub(super) fn is_date_text(piece: &str) -> bool {
    let piece = piece.trim();
    if is_numeric_date(piece) {
        return true;
    }
    if !piece.chars().any(|c| c.is_ascii_digit()) || piece.chars().count() > 48 {
        return false;
    }
    // Publié le 22 août 2024
    let lower = piece.to_lowercase();
    let parts = || lower.split(|c: char| !c.is_alphanumeric()).filter(|word| word.chars().any(char::is_alphabetic));
    parts().any(|word| month::named(word).is_some())
        && parts().all(|word| {
            month::named(word).is_some()
                || words().before_date.contains(word)
                || word.trim_start_matches(char::is_numeric).len() <= 2
        })
}

/// Returns the date within a text, unless it has a year that cannot be.
pub(super) fn found(piece: &str, clock: Clock<'_>) -> Option<Stamp> {
    (!has_bad_year(piece)).then(|| date::find(piece, clock).map(|(stamp, _)| stamp)).flatten()
}

/// Returns whether a text ends with a year such as 0222, for which no other may be guessed.
pub(super) fn has_bad_year(piece: &str) -> bool {
    let last = piece.trim_end_matches(|c: char| !c.is_ascii_digit()).rsplit(|c: char| !c.is_ascii_digit()).next();
    last.is_some_and(|digits| digits.len() == 4 && digits.starts_with('0'))
}

/// Returns whether a text is the name of a month.
pub(super) fn is_month(piece: &str) -> bool {
    month::named(&piece.trim_end_matches('.').to_lowercase()).is_some()
}

/// Returns whether one of the parts holds a four-digit year.
pub(super) fn has_year(parts: &[String]) -> bool {
    parts.iter().any(|part| part.split(|c: char| !c.is_ascii_digit()).any(|digits| digits.len() == 4))
}

/// Parses a text that is only a date, possibly with brackets or a label around it.
pub(super) fn whole(piece: &str, clock: Clock<'_>) -> Option<Stamp> {
    let bare = piece.trim_matches(|c: char| c.is_whitespace() || "[]()（）【】〔〕|·•:：，,".contains(c));
    let bare = match bare.rsplit_once(['：', ':']) {
        Some((label, rest)) if label.chars().count() <= 16 && label.chars().all(|c| c.is_alphabetic() || c == ' ') => {
            rest.trim()
        }
        _ => bare,
    };
    // Saturday 9 March, Sábado, 9 de marzo
    let bare = match bare.split_once([' ', ',']) {
        Some((day, rest))
            if day.chars().count() >= 3
                && day.chars().all(char::is_alphabetic)
                && month::named(&day.to_lowercase()).is_none()
                && rest.trim_start_matches([' ', ',']).starts_with(|c: char| c.is_ascii_digit()) =>
        {
            rest.trim_start_matches([' ', ','])
        }
        _ => bare,
    };
    if has_bad_year(bare) {
        return None;
    }
    let digits = bare.chars().filter(|c| c.is_ascii_digit()).count();
    if bare.chars().count() > 36 || digits == bare.len() && !matches!(digits, 8 | 10 | 13 | 14) {
        return None;
    }
    let relative = width(bare) <= 24 && digits <= 6 && date::is_relative(bare);
    let chinese = bare.contains('月') && bare.contains('日');
    if digits < 2 && !relative && !chinese && !bare.starts_with("周") {
        return None;
    }
    let others = bare
        .chars()
        .filter(|c| c.is_alphabetic() && !"年月日号时時点點分秒星期周上下午一二三四五六七八九十〇零".contains(*c))
        .count();
    if relative || chinese && others <= 2 {
        return date::parse(bare, clock);
    }
    let all = date::find(bare, clock).filter(|(_, at)| at.len() + 8 >= bare.len());
    all.map(|(stamp, _)| stamp)
}

/// Returns whether a text may be a part of a date: digits, or the name of a month.
pub(super) fn is_part(piece: &str) -> bool {
    piece.chars().any(|c| c.is_ascii_digit())
        || piece.chars().all(|c| c.is_alphabetic() || c == '.')
        || "年月日/-.".contains(piece)
}

/// Combines a date in parts: 09 and 2023-03; 03-09 and 2023; 9, Mar and 2023; 09 and 3月.
pub(super) fn compose(parts: &[String], clock: Clock<'_>) -> Option<Stamp> {
    let mut numbers: Vec<&str> = Vec::new();
    for part in parts {
        numbers.extend(part.split(|c: char| !c.is_ascii_digit()).filter(|digits| !digits.is_empty()));
    }
    let words = parts.iter().any(|part| part.chars().any(|c| c.is_alphabetic() && u32::from(c) < 0x2e80));
    if words {
        let joined = parts.join(" ");
        return (numbers.len() >= 2 && numbers.iter().any(|number| number.len() == 4))
            .then(|| date::parse(&joined, clock))
            .flatten()
            .or_else(|| {
                (numbers.len() == 1 && parts.len() == 2)
                    .then(|| date::find(&joined, clock).map(|(stamp, _)| stamp))
                    .flatten()
            })
            .filter(|stamp| stamp.precision != Precision::Month);
    }
    if numbers.len() < 2 || numbers.len() > 3 || numbers.iter().any(|number| !matches!(number.len(), 1 | 2 | 4)) {
        return None;
    }
    let year = numbers.iter().position(|number| number.len() == 4);
    let month = parts
        .iter()
        .find(|part| part.contains('月'))
        .map(|part| part.split(|c: char| !c.is_ascii_digit()).rfind(|digits| matches!(digits.len(), 1 | 2)));
    match (year, numbers.as_slice()) {
        // 2023-03 and 09, 2023 and 03-09
        (Some(0), [year, month, day]) => date::parse(&format!("{year}-{month}-{day}"), clock),
        // 09 and 2023-03
        (Some(1), [day, year, month]) => date::parse(&format!("{year}-{month}-{day}"), clock),
        // 03-09 and 2023; of three separate parts the day comes first: 09, 03, 2023
        (Some(2), [first, second, year]) => {
            // 26/11 and 2026, in the order of the page's dates
            if let ([_, _], false, None) = (parts, clock.chinese, month) {
                return date::parse(&format!("{first}/{second}/{year}"), clock);
            }
            let alone = parts.len() == 3 && month.is_none();
            let (month, day) = match month {
                Some(Some(month)) if month == *first => (first, second),
                Some(Some(_)) => (second, first),
                _ if alone => (second, first),
                _ => (first, second),
            };
            date::parse(&format!("{year}-{month}-{day}"), clock)
        }
        (None, [first, second]) => {
            let month = month??;
            let day = if month == *first { second } else { first };
            date::parse(&format!("{month}月{day}日"), clock)
        }
        _ => None,
    }
}

/// Returns whether both are the same day in different years.
pub(super) fn is_same_day_of_year(shown: Stamp, there: Stamp, clock: Clock<'_>) -> bool {
    let (year, month, day, ..) = shown.at.wall(clock.zone);
    let (other, its_month, its_day, ..) = there.at.wall(clock.zone);
    shown.precision == Precision::Day && year != other && (month, day) == (its_month, its_day)
}

/// Finds a date such as 1-22-19, 1-22-2019 or 04.04.19: month, day and year, as in titles of American agendas.
pub(super) fn american(title: &str, clock: Clock<'_>) -> Option<(Stamp, std::ops::Range<usize>)> {
    let is_date = |word: &&str| {
        let parts: Vec<&str> = word.split(['-', '.', '/']).collect();
        parts.len() == 3
            && parts
                .iter()
                .zip([2, 2, 4])
                .all(|(part, most)| (1..=most).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit()))
    };
    let word = title.split_whitespace().find(is_date)?;
    let clock =
        if clock.order == date::Order::Unknown { Clock { order: date::Order::MonthFirst, ..clock } } else { clock };
    date::parse(word, clock).map(|stamp| (stamp, 0..0))
}

/// Splits off a date at the end or start of a title: `关于…的通知 [2023-03-09]`.
pub(super) fn strip_date(title: &str, clock: Clock<'_>) -> (String, Option<Stamp>) {
    let Some((stamp, at)) = date::find(title, clock) else { return (title.to_owned(), None) };
    // What a cut would leave behind is no title: `Meeting –`, `Minutes of the meeting on`, `_Agenda.pdf`.
    let ends_open = |text: &str| {
        let text = text.trim_end();
        let word = text.rsplit(|c: char| !c.is_alphabetic()).next().unwrap_or("");
        text.ends_with(['-', '–', '—', ':', '：', '_', ',', '/', '.', '至', '到', '自', '从', '于'])
            || (1..=3).contains(&word.len()) && word.chars().all(char::is_lowercase) && !text.ends_with(['(', '['])
    };
    let starts_open = |text: &str| text.starts_with(['_', '.', '-', '–', ',', '/', '至', '到']);
    let is_edge = |text: &str| text.chars().all(|c| c.is_whitespace() || "[]()（）【】〔〕|·".contains(c));
    let (before, after) = (title.get(..at.start).unwrap_or(""), title.get(at.end..).unwrap_or(""));
    let numeric =
        title.get(at.clone()).is_some_and(|text| text.chars().all(|c| c.is_ascii_digit() || "-/.: ".contains(c)));
    if numeric && is_edge(after) && width(before) >= 8 && !ends_open(before) {
        return (
            before.trim_end_matches(|c: char| c.is_whitespace() || "[(（【〔|·".contains(c)).to_owned(),
            Some(stamp),
        );
    }
    if numeric && is_edge(before) && width(after) >= 8 && !starts_open(after) {
        return (
            after.trim_start_matches(|c: char| c.is_whitespace() || "])）】〕|·".contains(c)).to_owned(),
            Some(stamp),
        );
    }
    (title.to_owned(), None)
}
