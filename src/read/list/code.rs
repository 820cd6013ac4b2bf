//! Texts of links that are no titles: addresses and the numbers of cases and documents.

use crate::read::markup::text::width;

/// Returns whether a link's text is an address or the number of a case or a document, which is no title if there is
/// another text beside it: `ZB-2023-004`, `01234567-0/2023-00010`, `某政发〔2023〕5号`.
pub(super) fn is_code(text: &str) -> bool {
    const MAX_CODE: usize = 40;
    const MAX_NUMBER: usize = 22;
    let text = text.trim();
    let lower = text.to_ascii_lowercase();
    if lower.starts_with("http://") || lower.starts_with("https://") || lower.starts_with("www.") {
        return !text.contains(char::is_whitespace);
    }
    if text.contains('〔') || text.contains('［') {
        return text.ends_with('号') && width(text) <= MAX_NUMBER;
    }
    let is_of_code = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || "-/.#_".contains(c);
    let mut groups = text.split(|c: char| !c.is_ascii_digit()).filter(|digits| !digits.is_empty());
    // No date has letters, a zero before a long number, or so many digits.
    let is_no_date = text.contains(|c: char| c.is_ascii_uppercase() || c == '#')
        || groups.any(|digits| digits.len() > 4 && (digits.starts_with('0') || !matches!(digits.len(), 8 | 14)));
    let digits = text.chars().filter(char::is_ascii_digit).count();
    digits >= 3 && digits * 2 >= text.len() && text.len() <= MAX_CODE && text.chars().all(is_of_code) && is_no_date
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_neither_titles_nor_dates() {
        for code in ["ZB-2023-004", "01234567-0/2023-00010", "某政发〔2023〕5号", "https://town.example/a", "#20231"]
        {
            assert!(is_code(code), "{code}");
        }
        for title in ["2023-03-09", "20230309", "2026 TSPR 10", "Agenda", "关于停水的通知〔2023〕5号", "COVID-19", "F1"]
        {
            assert!(!is_code(title), "{title}");
        }
    }
}
