//! The parts of an archive, and the names of their files.

use crate::model::Month;

/// An archive: a month, and which part of it, from 1; `None` is the last part.
pub(super) type Part = (Month, Option<usize>);

/// Returns the file name of an archive.
pub(super) fn file((month, part): Part) -> String {
    part.map_or_else(|| format!("{month}.xml"), |part| format!("{month}-{part}.xml"))
}

/// Parses the file name of an archive.
pub(super) fn named(file: &str) -> Option<Part> {
    let name = file.strip_suffix(".xml")?;
    let (month, part) = name.split_at_checked(7)?;
    if part.is_empty() {
        return Some((Month::parse(month)?, None));
    }
    let digits = part.strip_prefix('-').filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()))?;
    let number = digits.parse().ok().filter(|number| *number > 0 && !digits.starts_with('0'))?;
    Some((Month::parse(month)?, Some(number)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names() {
        let month = Month::parse("2026-11");
        assert_eq!(named("2026-11.xml"), month.map(|month| (month, None)));
        assert_eq!(named("2026-11-12.xml"), month.map(|month| (month, Some(12))));
        for name in [
            "2026-11-0.xml",
            "2026-11-01.xml",
            "2026-11-.xml",
            "2026-11-x.xml",
            "2026-1.xml",
            "二〇二六.xml",
            ".xml",
            "x",
        ] {
            assert_eq!(named(name), None, "{name}");
        }
    }
}
