//! JSON as sites write it: repaired where it is nearly JSON, and counted before it is parsed.

use serde_json::Value;

/// The most values of a JSON document; five hundred items need about twenty thousand.
pub(super) const MAX_VALUES: usize = 200_000;

/// Estimates how many values a JSON document has, without parsing it: counts the separators outside strings.
pub(super) fn values(document: &str) -> usize {
    let (mut count, mut in_text, mut is_escaped) = (0, false, false);
    for byte in document.bytes() {
        match (in_text, byte) {
            (true, _) if is_escaped => is_escaped = false,
            (true, b'\\') => is_escaped = true,
            (_, b'"') => in_text = !in_text,
            (false, b',' | b'[' | b'{' | b':') => count += 1,
            _ => {}
        }
    }
    count
}

/// Parses a JSON document; single invalid values cost only themselves.
pub(super) fn parse(document: &str) -> serde_json::Result<Value> {
    serde_json::from_str(document).or_else(|error| serde_json::from_str(&repaired(document)).map_err(|_worse| error))
}

/// Replaces what JSON forbids: control characters in strings by spaces, lone surrogates (`\ud83d`) by U+FFFD, and
/// numbers out of range by `null`.
fn repaired(document: &str) -> String {
    let mut out = String::with_capacity(document.len());
    let mut rest = document;
    let mut in_text = false;
    while let Some(c) = rest.chars().next() {
        let mut taken = c.len_utf8();
        match (in_text, c) {
            (_, '"') => {
                in_text = !in_text;
                out.push(c);
            }
            (true, '\\') => {
                let low = |at| rest.get(at..at + 6).and_then(unit).is_some_and(|unit| (0xdc00..0xe000).contains(&unit));
                taken = match rest.get(..6).and_then(unit) {
                    Some(0xd800..0xdc00) if low(6) => 12,
                    Some(_) => 6,
                    None => 1 + rest.get(1..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8),
                };
                let is_half =
                    taken == 6 && rest.get(..6).and_then(unit).is_some_and(|unit| (0xd800..0xe000).contains(&unit));
                out.push_str(if is_half { "\u{fffd}" } else { rest.get(..taken).unwrap_or(rest) });
            }
            (true, _) if c.is_control() => out.push(' '),
            (false, '-' | '0'..='9') => {
                let end = rest.find(|c: char| !matches!(c, '-' | '+' | '.' | 'e' | 'E' | '0'..='9'));
                taken = end.unwrap_or(rest.len());
                let number = rest.get(..taken).unwrap_or(rest);
                out.push_str(if number.parse::<f64>().is_ok_and(f64::is_finite) { number } else { "null" });
            }
            _ => out.push(c),
        }
        rest = rest.get(taken..).unwrap_or("");
    }
    out
}

/// Returns the UTF-16 code unit of `\uXXXX`.
fn unit(escape: &str) -> Option<u16> {
    u16::from_str_radix(escape.strip_prefix("\\u")?, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_bad_value_costs_only_itself() {
        for (broken, read) in [
            (r#"{"a":"x\ud83d"}"#, r#"{"a":"x\ufffd"}"#),
            (r#"{"a":"\ud83d\ude00\\ud83d"}"#, r#"{"a":"\ud83d\ude00\\ud83d"}"#),
            ("{\"a\":\"x\u{1}\ny\"}", r#"{"a":"x  y"}"#),
            (r#"{"a":1e999,"b":[-1.5e3,"1e999"]}"#, r#"{"a":null,"b":[-1500.0,"1e999"]}"#),
        ] {
            let expected: Value = serde_json::from_str(read).unwrap();
            assert_eq!(parse(broken).unwrap(), expected, "{broken}");
        }
        for hopeless in [r#"{"a":"#, r#"{"a":"x\"#, r#"{"a":"\ud8"#, "{\"a\":\"\\\u{e9}"] {
            assert!(parse(hopeless).is_err(), "{hopeless}");
        }
    }
}
