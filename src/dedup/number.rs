//! Numbers as they appear in texts.

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

/// Returns whether a character is a Chinese numeral that a date may begin with.
pub(super) const fn is_numeral(c: char) -> bool {
    matches!(c, '一' | '二' | '三' | '四' | '五' | '六' | '七' | '八' | '九' | '十')
}

/// Returns the digits of a Chinese number that is part of a date (三月, 二十一日, 二〇二三年), and how many bytes of `rest`,
/// which follows its first character, it takes; `None` if it is none.
pub(super) fn in_date(first: char, rest: &str) -> Option<(String, usize)> {
    let digit = |c: char| "〇一二三四五六七八九".chars().position(|known| known == c || known == '〇' && c == '零');
    let (mut run, mut end) = (vec![first], None);
    for (at, c) in rest.char_indices().take(4) {
        if c == '十' || digit(c).is_some() {
            run.push(c);
        } else {
            end = Some((at, c));
            break;
        }
    }
    let (end, unit) = end?;
    let ten = run.iter().position(|c| *c == '十');
    let value = match (ten, run.as_slice()) {
        (None, [c]) => digit(*c)?,
        (None, [_, _, _, _]) if unit == '年' => run.iter().try_fold(0, |sum, c| Some(sum * 10 + digit(*c)?))?,
        (Some(0), ['十']) => 10,
        (Some(0), ['十', c]) => 10 + digit(*c)?,
        (Some(1), [tens, '十']) => digit(*tens)? * 10,
        (Some(1), [tens, '十', c]) => digit(*tens)? * 10 + digit(*c)?,
        _ => return None,
    };
    let is_date = match unit {
        '月' => (1..=12).contains(&value),
        '日' => (1..=31).contains(&value),
        '年' => (1900..=2100).contains(&value),
        _ => false,
    };
    is_date.then(|| (value.to_string(), end))
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
    }
}
