//! Whether dates begin with the day, the month or the year.

use crate::read::markup::tree::Tree;

/// Which comes first in numeric dates that end with the year: month or day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::read) enum Order {
    /// Month first with slashes, day first otherwise, unless that is impossible.
    #[default]
    Unknown,
    /// 05/06 is in May.
    MonthFirst,
    /// 05/06 is in June.
    DayFirst,
}

/// Infers the order from the dates in a document: a number of 13 or more can only be a day. `words` are pieces of its
/// text.
pub(in crate::read) fn order_of<'a>(words: impl Iterator<Item = &'a str>) -> Order {
    for word in words {
        let parts: Vec<&str> = word.split(['-', '/', '.']).collect();
        let [first, second, year] = parts.as_slice() else { continue };
        let number = |text: &str| (text.len() <= 2).then(|| text.parse::<u8>().ok()).flatten();
        if let (Some(first), Some(second)) = (number(first), number(second))
            && matches!(year.len(), 2 | 4)
            && year.bytes().all(|b| b.is_ascii_digit())
        {
            match (first, second) {
                (1..=12, 13..=31) => return Order::MonthFirst,
                (13..=31, 1..=12) if year.len() == 4 => return Order::DayFirst,
                _ => {}
            }
        }
    }
    Order::Unknown
}

/// Returns the order in the language of a document (BCP 47), according to CLDR.
pub(in crate::read) fn order_of_language(tag: &str) -> Order {
    let tag = tag.trim().to_ascii_lowercase().replace('_', "-");
    match tag.split('-').next().unwrap_or("") {
        "en" if tag == "en-us" => Order::MonthFirst,
        "en" if tag.len() > 2 => Order::DayFirst,
        "" | "en" | "zh" | "ja" | "ko" | "hu" | "lt" | "sv" | "mn" | "eu" | "fa" => Order::Unknown,
        _ => Order::DayFirst,
    }
}

/// Returns whether numeric dates of the page start with the month or the day.
pub(in crate::read) fn order(tree: &Tree<'_>) -> Order {
    let texts: Vec<String> = tree
        .texts(0)
        .filter(|(_, text)| text.len() < 80 && text.bytes().any(|b| b.is_ascii_digit()))
        .map(|(_, text)| text.into_owned())
        .collect();
    match order_of(
        texts.iter().flat_map(|text| text.split(|c: char| c.is_whitespace() || matches!(c, ',' | '(' | ')'))),
    ) {
        Order::Unknown => {
            let language =
                tree.elements(0).take(8).find(|id| tree.is(*id, &["html"])).and_then(|id| tree.attribute(id, "lang"));
            language.map_or(Order::Unknown, |language| order_of_language(&language))
        }
        order => order,
    }
}
