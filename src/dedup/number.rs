//! Numbers as they appear in texts.

use super::words::words;
use crate::model::simplify;

/// A number as written, without loss of precision: `digits` × 10^`exponent`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Number {
    /// Digits, without leading zeros.
    pub(super) digits: u64,
    /// Number of significant digits.
    pub(super) significant: u32,
    /// Power of ten by which the digits are multiplied.
    pub(super) exponent: i32,
    /// Number of characters it is written with.
    pub(super) length: usize,
    pub(super) is_fraction: bool,
}

impl Number {
    /// Appends a digit. Digits beyond the eighteenth only change the magnitude.
    pub(super) fn push(&mut self, digit: u32) {
        self.length += 1;
        self.exponent -= i32::from(self.is_fraction);
        if self.significant >= 18 {
            self.exponent += 1;
            return;
        }
        self.digits = self.digits * 10 + u64::from(digit);
        self.significant += u32::from(self.digits > 0);
    }

    /// Returns the number without trailing zeros.
    pub(super) fn trimmed(mut self) -> Self {
        while self.significant > 1 && self.digits.is_multiple_of(10) {
            self.digits /= 10;
            self.significant -= 1;
            self.exponent += 1;
        }
        self
    }

    pub(super) fn value(self) -> f64 {
        // The digits fit into 60 bits; the precision an f64 loses does not affect any decision.
        #[expect(clippy::cast_precision_loss, reason = "only its size is asked for")]
        let digits = self.digits as f64;
        digits * 10_f64.powi(self.exponent)
    }

    /// Returns the value if the number is written with at most two digits and no fraction.
    pub(super) fn small(self) -> Option<u32> {
        let is_small = !self.is_fraction && (1..=2).contains(&self.length);
        is_small.then(|| u32::try_from(self.digits).unwrap_or(0))
    }
}

/// Longest number that is rewritten, in characters.
const MAX_NUMBER: usize = 18;

/// Returns the digits of a number written with 万 or 亿 (1.28万 is 12800), and how many bytes of `rest`, which follows its
/// first digit, it takes; `None` if it is written without.
pub(super) fn in_digits(first: char, rest: &str) -> Option<(String, usize)> {
    let (mut digits, mut decimals, mut is_fraction) = (String::from(first), 0_usize, false);
    for (at, c) in rest.char_indices().take(MAX_NUMBER) {
        match simplify(c) {
            c if c.is_ascii_digit() => {
                digits.push(c);
                decimals += usize::from(is_fraction);
            }
            '.' if !is_fraction => is_fraction = true,
            ',' if !is_fraction => {}
            c @ ('万' | '亿') => {
                let power: usize = if c == '万' { 4 } else { 8 };
                match power.checked_sub(decimals) {
                    Some(zeros) => digits.extend(std::iter::repeat_n('0', zeros)),
                    None => digits.insert(digits.len() - (decimals - power), '.'),
                }
                let zeros = digits.len() - digits.trim_start_matches('0').len();
                digits.drain(..zeros);
                return Some((digits, at + c.len_utf8()));
            }
            _ => return None,
        }
    }
    None
}

/// Returns the digits of a number with a unit that is a thousand of another (5.6公里 is 5600米), with that unit, and how
/// many bytes of `text`, from behind its first digit, they take; `None` if it has no such unit.
pub(super) fn in_metres(text: &str) -> Option<(String, usize)> {
    let length = text.chars().take(MAX_NUMBER).take_while(|c| c.is_ascii_digit() || *c == '.').count();
    let (written, rest) = text.split_at_checked(length)?;
    let unit = words().thousands.iter().find(|unit| rest.starts_with(unit.from.as_str()))?;
    let (whole, decimals) = written.split_once('.').unwrap_or((written, ""));
    if decimals.contains('.') || decimals.len() > 3 {
        return None;
    }
    let digits = format!("{whole}{decimals:0<3}");
    let digits = digits.trim_start_matches('0');
    Some((format!("{digits}{}", unit.to), length + unit.from.len() - 1))
}

/// Returns whether a character is a Chinese numeral that a date may begin with.
pub(super) const fn is_numeral(c: char) -> bool {
    matches!(c, '一' | '二' | '三' | '四' | '五' | '六' | '七' | '八' | '九' | '十')
}

/// Returns the digits of a Chinese number that is part of a date (三月, 二十一日, 二〇二三年), and how many bytes of `rest`,
/// which follows its first character, it takes; `None` if it is none.
pub(super) fn in_date(first: char, rest: &str) -> Option<(String, usize)> {
    let read = value_in_words(first, rest).map(|(value, length, _)| (value, length));
    let (value, end) = read.or_else(|| year_in_digits(first, rest))?;
    let unit = rest.get(end..)?.chars().next()?;
    let is_date = match unit {
        '月' => (1..=12).contains(&value),
        '日' => (1..=31).contains(&value),
        '年' => (1900..=2100).contains(&value),
        _ => false,
    };
    is_date.then(|| (value.to_string(), end))
}

/// Returns the year that is written digit by digit (二〇二三年), and how many bytes of `rest` it takes.
fn year_in_digits(first: char, rest: &str) -> Option<(u64, usize)> {
    let (third, _) = rest.char_indices().nth(3).filter(|(_, unit)| *unit == '年')?;
    let digits = std::iter::once(first).chain(rest.get(..third)?.chars());
    Some((digits.map(digit).try_fold(0, |sum, digit| Some(sum * 10 + digit?))?, third))
}

/// Returns the value of a Chinese digit.
fn digit(c: char) -> Option<u64> {
    match c {
        '零' => Some(0),
        '两' => Some(2),
        _ => "〇一二三四五六七八九".chars().zip(0..).find(|(known, _)| *known == c).map(|(_, value)| value),
    }
}

/// Longest number in words that is rewritten, in characters.
const MAX_WORDS: usize = 12;

/// Returns the digits of a number in Chinese numerals that counts something (三十八分钟, 五年, 百分之六十), and how many bytes of
/// `rest`, which follows its first character, it takes; `None` if it is none. `before` precedes it.
pub(super) fn in_words(first: char, rest: &str, before: Option<char>) -> Option<(String, usize)> {
    const PERCENT: &str = "分之";
    if first == '百' {
        let part = rest.strip_prefix(PERCENT)?;
        let part_first = part.chars().next()?;
        let (digits, length) = if part_first.is_ascii_digit() {
            (part_first.to_string(), 0)
        } else {
            let (value, length, _) = value_in_words(part_first, part.get(part_first.len_utf8()..)?)?;
            (value.to_string(), length)
        };
        return Some((digits, PERCENT.len() + part_first.len_utf8() + length));
    }
    let (value, length, count) = value_in_words(first, rest)?;
    let behind = rest.get(length..)?;
    let is_counted = || {
        let is_idiom = first == '一' && behind.starts_with(|c| words().not_one.contains(c));
        !is_idiom && words().measures.iter().any(|measure| behind.starts_with(measure.as_str()))
    };
    (count > 1 || before == Some('第') || is_counted()).then(|| (value.to_string(), length))
}

/// Returns the value of a number in Chinese numerals, how many bytes of `rest` it takes, and its number of characters.
pub(super) fn value_in_words(first: char, rest: &str) -> Option<(u64, usize, usize)> {
    let power = |c: char| match c {
        '十' => Some(10_u64),
        '百' => Some(100),
        '千' => Some(1000),
        '万' => Some(10_000),
        '亿' => Some(100_000_000),
        _ => None,
    };
    let (mut total, mut section, mut last, mut least) = (0_u64, 0_u64, None, 10_000_u64);
    let (mut length, mut count) = (0, 0);
    for (at, c) in std::iter::once((0, first))
        .chain(rest.char_indices().take(MAX_WORDS).map(|(at, c)| (at + c.len_utf8(), simplify(c))))
    {
        if let Some(value) = digit(c) {
            // 三四个 is about three; 二〇二三 is a year.
            if last.is_some_and(|before| before != 0) {
                return None;
            }
            last = Some(value);
        } else if let Some(power) = power(c) {
            let factor = match last.take() {
                Some(0) => return None,
                Some(value) => value,
                None if c == '十' && section == 0 => 1,
                None if power >= 10_000 && (section > 0 || total > 0) => 0,
                None => return None,
            };
            if power >= 10_000 {
                total = (total + section + factor).checked_mul(power)?;
                (section, least) = (0, 10_000);
            } else if power < least {
                section += factor * power;
                least = power;
            } else {
                return None;
            }
        } else {
            break;
        }
        (length, count) = (at, count + 1);
    }
    Some((total + section + last.unwrap_or(0), length, count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_value_has_one_form() {
        for (written, expected) in [
            ("1.28万户", Some("12800")),
            ("12800户", None),
            ("4.2亿元", Some("420000000")),
            ("42000万元", Some("420000000")),
            ("0.86万人", Some("8600")),
            ("1.23456万", Some("12345.6")),
            ("９.６万", Some("96000")),
            ("3月9日", None),
        ] {
            let mut chars = written.chars().map(simplify);
            let first = chars.next().unwrap();
            let rest: String = chars.collect();
            assert_eq!(in_digits(first, &rest).map(|(digits, _)| digits).as_deref(), expected, "{written}");
        }
        for (written, expected) in [
            ("三月九日", Some("3")),
            ("二十一日", Some("21")),
            ("十二月", Some("12")),
            ("二〇二三年", Some("2023")),
            ("三十日", Some("30")),
            ("三个", None),
            ("十三月", None),
            ("一二三四五月", None),
        ] {
            let mut chars = written.chars();
            let first = chars.next().unwrap();
            assert_eq!(in_date(first, chars.as_str()).map(|(digits, _)| digits).as_deref(), expected, "{written}");
        }
        for (written, expected) in [
            ("三十八分钟", Some("38")),
            ("五年", Some("5")),
            ("两座", Some("2")),
            ("一百二十万元", Some("1200000")),
            ("两万三千亩", Some("23000")),
            ("百分之六十二", Some("62")),
            ("百分之30", Some("3")),
            ("三千零五户", Some("3005")),
            ("一些", None),
            ("三四个", None),
            ("四川", None),
            ("万一", None),
            ("百姓", None),
        ] {
            let mut chars = written.chars();
            let first = chars.next().unwrap();
            let found = in_words(first, chars.as_str(), None).map(|(digits, _)| digits);
            assert_eq!(found.as_deref(), expected, "{written}");
        }
    }
}
