//! Times of day, however they are written: 09:30, 9时30分 and 上午9点半 are one time.

use super::number::{is_numeral, value_in_words};
use super::words::words;
use crate::model::simplify;

/// A time of day or a duration in hours, minutes and seconds, and how many bytes it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Time {
    pub(super) hour: u32,
    minute: u32,
    second: Option<u32>,
    pub(super) length: usize,
}

impl Time {
    /// Reads the time a text begins with.
    pub(super) fn read(text: &str) -> Option<Self> {
        let (hour, rest) = number(text, true)?;
        let mut chars = rest.chars();
        let mark = simplify(chars.next()?);
        let rest = chars.as_str();
        if hour > 24 {
            return None;
        }
        if mark == ':' {
            let (minute, rest) =
                number(rest, false).filter(|(minute, after)| *minute < 60 && rest.len() == after.len() + 2)?;
            let second = rest.strip_prefix([':', '：']).and_then(|rest| number(rest, false));
            let second = second.filter(|(second, after)| *second < 60 && rest.len() == after.len() + 3);
            let rest = second.map_or(rest, |(_, rest)| rest);
            let second = second.map(|(second, _)| second);
            return Some(Self { hour, minute, second, length: text.len() - rest.len() });
        }
        let is_duration = mark == '小' && rest.starts_with(['时', '時']);
        if !is_duration && !matches!(mark, '时' | '点') {
            return None;
        }
        let rest = if is_duration { rest.strip_prefix(['时', '時'])? } else { rest };
        let part = |rest, unit: char| {
            let (value, rest) = number(rest, true).filter(|(value, _)| *value < 60)?;
            Some((value, rest.strip_prefix(unit)?))
        };
        let minute = part(rest, '分').or_else(|| rest.strip_prefix('半').map(|rest| (30, rest)));
        let second = minute.and_then(|(_, rest)| part(rest, '秒'));
        if is_duration && second.is_none() {
            return None;
        }
        let end = second.or(minute).map_or(rest, |(_, rest)| rest);
        let (minute, second) = (minute.map_or(0, |(minute, _)| minute), second.map(|(second, _)| second));
        Some(Self { hour, minute, second, length: text.len() - end.len() })
    }

    /// Writes the time behind a text, in place of the part of the day (下午, 晚上) at its end.
    pub(super) fn write(mut self, out: &mut Vec<char>) {
        let part = words().day_part.iter().find(|part| out.ends_with(&part.word.chars().collect::<Vec<_>>()));
        if let Some(part) = part {
            out.truncate(out.len() - part.word.chars().count());
            if (part.from..=part.to).contains(&self.hour) {
                self.hour += 12;
            }
        }
        out.extend(format!("{}时", self.hour).chars());
        if self.minute > 0 || self.second.is_some() {
            out.extend(format!("{}分", self.minute).chars());
        }
        if let Some(second) = self.second {
            out.extend(format!("{second}秒").chars());
        }
    }
}

/// Returns the number of one or two digits that a text begins with, and what follows it.
fn number(text: &str, is_in_words: bool) -> Option<(u32, &str)> {
    let mut chars = text.chars();
    let first = simplify(chars.next()?);
    if let Some(value) = first.to_digit(10) {
        let next = chars.clone().next().and_then(|c| simplify(c).to_digit(10));
        let Some(next) = next else { return Some((value, chars.as_str())) };
        chars.next();
        let is_longer = chars.clone().next().is_some_and(|c| simplify(c).is_ascii_digit());
        return (!is_longer).then_some((value * 10 + next, chars.as_str()));
    }
    if !is_in_words || !(is_numeral(first) || first == '零') {
        return None;
    }
    let (value, length, _) = value_in_words(first, chars.as_str())?;
    let value = u32::try_from(value).ok().filter(|value| *value < 100)?;
    Some((value, chars.as_str().get(length..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_time_has_one_form() {
        for (before, written, expected) in [
            ("", "09:30", "9时30分"),
            ("", "9：30", "9时30分"),
            ("上午", "9点半", "9时30分"),
            ("下午", "3时", "15时"),
            ("晚", "10点", "22时"),
            ("", "22:00", "22时"),
            ("", "二十时三十分", "20时30分"),
            ("凌晨", "4点", "4时"),
            ("", "10:42:15", "10时42分15秒"),
            ("", "10小时42分15秒", "10时42分15秒"),
        ] {
            let mut out: Vec<char> = before.chars().collect();
            Time::read(written).unwrap().write(&mut out);
            assert_eq!(out.iter().collect::<String>(), expected, "{before}{written}");
        }
        for written in ["3小时", "30:1", "2:1", "100时", "12个"] {
            assert_eq!(Time::read(written), None, "{written}");
        }
    }
}
