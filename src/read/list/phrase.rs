//! Set phrases around titles: "read more about", marks of pinned rows, words of headings.

use crate::read::lexicon::words;
use crate::read::tables::tables;

/// Returns whether a text holds a word that ends where it begins and ends, so that `hot` is not in `photos`. Scripts
/// without spaces between words have no such bounds. Both are in small letters.
pub(super) fn holds(text: &str, word: &str) -> bool {
    let is_bound = |inner: Option<char>, outer: Option<char>| {
        let is_letter = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() && u32::from(c) < 0x0e00);
        !(is_letter(inner) && is_letter(outer))
    };
    text.match_indices(word).any(|(at, found)| {
        is_bound(found.chars().next(), text.get(..at).and_then(|before| before.chars().next_back()))
            && is_bound(found.chars().next_back(), text.get(at + found.len()..).and_then(|after| after.chars().next()))
    })
}

/// Returns what follows a prefix, whatever the case of its letters.
fn after<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let mut rest = text.chars();
    for expected in prefix.chars() {
        let found = rest.next()?;
        if found != expected && !found.to_lowercase().eq(expected.to_lowercase()) {
            return None;
        }
    }
    Some(rest.as_str())
}

/// Cuts off what sites write before each title for those who hear the page: `Continue reading “…”`, `Leggi tutto: …`.
pub(super) fn unprefixed(title: &str) -> &str {
    const QUOTES: [(char, char); 5] = [('“', '”'), ('"', '"'), ('«', '»'), ('„', '“'), ('「', '」')];
    let cut = words().title_prefixes.iter().find_map(|prefix| {
        let rest = after(title, prefix)?;
        let ends_word = !prefix.ends_with(char::is_alphabetic) || !rest.starts_with(char::is_alphanumeric);
        let ends_word = ends_word || prefix.chars().next_back().is_some_and(|c| u32::from(c) >= 0x0e00);
        // Without a mark behind it, a short phrase may be a part of the title.
        let is_marked = !prefix.ends_with(char::is_alphabetic)
            || rest.trim_start().starts_with(|c: char| !c.is_alphanumeric())
            || rest.trim_start().starts_with(char::is_uppercase)
            || prefix.chars().count() >= 4 && prefix.chars().any(|c| u32::from(c) >= 0x0e00);
        (ends_word && is_marked).then_some(rest)
    });
    let Some(rest) = cut else { return title };
    let rest = rest.trim_start_matches(|c: char| c.is_whitespace() || ":：-–—…>»|.".contains(c)).trim_end();
    let bare = QUOTES
        .iter()
        .find_map(|(open, close)| rest.strip_prefix(*open)?.strip_suffix(*close).filter(|bare| !bare.contains(*open)))
        .unwrap_or(rest);
    if bare.is_empty() { title } else { bare }
}

/// Cuts off marks of pinned and new rows in brackets: `【置顶】`, `[Pinned]`, `(NEW)`.
pub(super) fn unmarked(title: &str) -> &str {
    const BRACKETS: [(char, char); 5] = [('【', '】'), ('[', ']'), ('(', ')'), ('（', '）'), ('［', '］')];
    let is_mark = |inside: &str| tables().list.marks.contains(&inside.trim().to_lowercase());
    let mut rest = title.trim();
    for _ in 0..3 {
        let front = BRACKETS.iter().find_map(|(open, close)| {
            let (inside, after) = rest.strip_prefix(*open)?.split_once(*close)?;
            is_mark(inside).then_some(after.trim_start())
        });
        let back = || {
            BRACKETS.iter().find_map(|(open, close)| {
                let (before, inside) = rest.strip_suffix(*close)?.rsplit_once(*open)?;
                is_mark(inside).then_some(before.trim_end())
            })
        };
        match front.or_else(back).filter(|rest| !rest.is_empty()) {
            Some(bare) => rest = bare,
            None => break,
        }
    }
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phrases_before_titles_are_cut_off() {
        for (written, title) in [
            ("Continue reading “Budget approved”", "Budget approved"),
            ("Leggi tutto: Avviso pubblico", "Avviso pubblico"),
            ("Leer más Acerca de Bando municipal", "Bando municipal"),
            ("WEITERLESEN Sperrung der Brücke", "Sperrung der Brücke"),
            ("Read moreover", "Read moreover"),
            ("Read more books this summer", "Read more books this summer"),
            ("Leggi tutto", "Leggi tutto"),
        ] {
            assert_eq!(unprefixed(written), title);
        }
    }

    #[test]
    fn marks_of_pinned_rows_are_no_part_of_the_title() {
        for (written, title) in [
            ("【置顶】关于开学的通知", "关于开学的通知"),
            ("[公告] 停水通知", "[公告] 停水通知"),
            ("Road closed (NEW)", "Road closed"),
            ("【置顶】", "【置顶】"),
        ] {
            assert_eq!(unmarked(written), title);
        }
    }

    #[test]
    fn a_word_within_another_word_is_not_held() {
        assert!(holds("hot news", "hot") && holds("今日热点排行", "热点"));
        assert!(!holds("photos", "hot") && !holds("address", "ad"));
    }
}
