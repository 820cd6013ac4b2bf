//! How types and lengths of time are written in messages.

use std::time::Duration;

/// Returns the name of a type of TOML with its article.
pub(super) fn article(type_name: &str) -> String {
    let article = if type_name.starts_with(['a', 'i', 'o', 'u', 'e']) { "an" } else { "a" };
    format!("{article} {type_name}")
}

/// Writes a length as the config has it, in its largest unit.
pub(super) fn in_words(length: Duration) -> String {
    let millis = length.as_millis();
    [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1000, "s")]
        .iter()
        .find(|(unit, _)| millis >= *unit && millis.is_multiple_of(*unit))
        .map_or_else(|| format!("{millis}ms"), |(unit, name)| format!("{}{name}", millis / unit))
}
