//! A table of a config file that records which of its keys were read, so that all its faults can be reported at once:
//! wrong types, wrong values, and unknown keys.

use std::cell::RefCell;
use std::ops::Range;
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::document::Document;
use super::forms::{file_of, form};
use super::wording::{article, in_words};
use crate::model::misleads;

/// Number of keys that room is made for at once in a table.
const KEYS: usize = 32;
/// A table of a config file.
pub(super) struct Section<'a> {
    document: &'a Document<'a>,
    name: &'a str,
    table: Option<&'a DeTable<'a>>,
    span: Range<usize>,
    known: RefCell<Vec<&'static str>>,
}

/// A key of a table, and what it is set to.
pub(super) struct Entry<'a> {
    pub(super) name: &'a str,
    /// Where the key stands.
    pub(super) span: Range<usize>,
    pub(super) value: &'a Spanned<DeValue<'a>>,
    document: &'a Document<'a>,
    table_name: &'a str,
}

impl<'a> Entry<'a> {
    /// Returns the text, if it is one.
    pub(super) fn text(&self) -> Option<String> {
        self.value.get_ref().as_str().map(|text| text.trim().to_owned())
    }

    /// Returns the table, if it is one.
    pub(super) fn table(&self) -> Option<Section<'a>> {
        let DeValue::Table(table) = self.value.get_ref() else { return None };
        let (document, name, span) = (self.document, self.table_name, self.value.span());
        Some(Section { document, name, table: Some(table), span, known: RefCell::default() })
    }
}

impl<'a> Section<'a> {
    pub(super) fn new(document: &'a Document<'a>, name: &'a str, table: &'a Spanned<DeTable<'a>>) -> Self {
        Self { document, name, table: Some(table.get_ref()), span: table.span(), known: RefCell::default() }
    }

    /// Returns the table under a key; an empty one if the key is missing.
    pub(super) fn section(&self, key: &'static str) -> Section<'a> {
        let absent =
            |span| Section { document: self.document, name: key, table: None, span, known: RefCell::default() };
        match self.value(key) {
            None => absent(self.span.clone()),
            Some(value) => match value.get_ref() {
                DeValue::Table(table) => Section {
                    document: self.document,
                    name: key,
                    table: Some(table),
                    span: value.span(),
                    known: RefCell::default(),
                },
                _ => {
                    self.wrong_type(key, value, "a table");
                    absent(value.span())
                }
            },
        }
    }

    /// Returns the tables of an array under a key.
    pub(super) fn sections(&self, key: &'static str) -> Vec<Section<'a>> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let DeValue::Array(array) = value.get_ref() else {
            self.document.fault(
                value.span(),
                format!("`{key}` must be a list of tables"),
                &form(key).unwrap_or_else(|| format!("write each as [[{key}]]")),
            );
            return Vec::new();
        };
        array
            .iter()
            .filter_map(|value| match value.get_ref() {
                DeValue::Table(table) => {
                    // The span of such a table is its first line; faults of the whole table are shown there.
                    Some(Section {
                        document: self.document,
                        name: key,
                        table: Some(table),
                        span: value.span(),
                        known: RefCell::default(),
                    })
                }
                _ => {
                    self.wrong_type(key, value, "a table");
                    None
                }
            })
            .collect()
    }

    /// Returns all that is in the table, where its keys are not known beforehand.
    pub(super) fn each(&self) -> Vec<Entry<'a>> {
        let entries = self.table.into_iter().flat_map(|table| table.iter());
        let entry = |(key, value): (&'a Spanned<toml::de::DeString<'a>>, &'a Spanned<DeValue<'a>>)| Entry {
            name: key.get_ref(),
            span: key.span(),
            value,
            document: self.document,
            table_name: self.name,
        };
        entries.map(entry).collect()
    }

    /// Returns whether the table is there.
    pub(super) const fn is_table(&self) -> bool {
        self.table.is_some()
    }

    /// Returns the span of the whole table.
    pub(super) fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// Returns the span of a key's value, or of the whole table if the key is missing.
    pub(super) fn span_of(&self, key: &str) -> Range<usize> {
        self.table.and_then(|table| table.get(key)).map_or_else(|| self.span(), Spanned::span)
    }

    /// Returns where a key's value begins in the file.
    pub(super) fn place_of(&self, key: &str) -> usize {
        self.document.in_file(self.span_of(key)).start
    }

    pub(super) fn fault(&self, key: &str, message: String, help: &str) {
        self.document.fault(self.span_of(key), message, help);
    }

    pub(super) fn warning(&self, key: &str, message: String, help: &str) {
        self.document.warning(self.span_of(key), message, help);
    }

    pub(super) fn fault_at(&self, span: Range<usize>, message: String, help: &str) {
        self.document.fault(span, message, help);
    }

    pub(super) fn warning_at(&self, span: Range<usize>, message: String, help: &str) {
        self.document.warning(span, message, help);
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.table.is_some_and(|table| table.contains_key(key))
    }

    fn value(&self, key: &'static str) -> Option<&'a Spanned<DeValue<'a>>> {
        let mut known = self.known.borrow_mut();
        // Most tables are sources, which have about this many keys; with 50,000 of them, growing step by step shows.
        if known.is_empty() {
            known.reserve_exact(KEYS);
        }
        if !known.contains(&key) {
            known.push(key);
        }
        self.table?.get(key)
    }

    fn wrong_type(&self, key: &str, value: &Spanned<DeValue<'_>>, expected: &str) {
        let message = format!("`{key}` must be {expected}, not {}", article(value.get_ref().type_str()));
        self.document.fault(value.span(), message, &form(key).unwrap_or_default());
    }

    pub(super) fn string(&self, key: &'static str) -> Option<String> {
        let value = self.value(key)?;
        let DeValue::String(text) = value.get_ref() else {
            self.wrong_type(key, value, "a text in quotes");
            return None;
        };
        self.one_line(key, text, value.span())
    }

    /// Returns a text without the white space around it. Control characters are refused, those of direction included: a line
    /// end in a name could get into a header or a log line, and a name could read as another.
    fn one_line(&self, key: &str, text: &str, span: Range<usize>) -> Option<String> {
        if text.contains(misleads) {
            self.document.fault(span, format!("`{key}` must not hold control characters"), "write it in one line");
            return None;
        }
        Some(text.trim().to_owned())
    }

    pub(super) fn strings(&self, key: &'static str) -> Vec<(String, Range<usize>)> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let DeValue::Array(array) = value.get_ref() else {
            self.wrong_type(key, value, "a list of texts");
            return Vec::new();
        };
        array
            .iter()
            .filter_map(|element| match element.get_ref() {
                DeValue::String(text) => self.one_line(key, text, element.span()).map(|text| (text, element.span())),
                _ => {
                    self.wrong_type(key, element, "a list of texts");
                    None
                }
            })
            .collect()
    }

    /// Reads a boolean.
    pub(super) fn boolean(&self, key: &'static str) -> Option<bool> {
        let value = self.value(key)?;
        match value.get_ref() {
            DeValue::Boolean(yes) => Some(*yes),
            _ => {
                self.wrong_type(key, value, "true or false");
                None
            }
        }
    }

    /// Reads a whole number from `least` to `most`.
    pub(super) fn integer(&self, key: &'static str, least: u64, most: u64) -> Option<u64> {
        let value = self.value(key)?;
        let number = match value.get_ref() {
            DeValue::Integer(number) => i128::from_str_radix(&number.as_str().replace('_', ""), number.radix()).ok(),
            _ => {
                self.wrong_type(key, value, "a whole number");
                return None;
            }
        };
        match number.and_then(|number| u64::try_from(number).ok()).filter(|number| (least..=most).contains(number)) {
            Some(number) => Some(number),
            None => {
                self.document.fault(value.span(), format!("`{key}` must be from {least} to {most}"), "");
                None
            }
        }
    }

    /// Reads a list of numbers.
    pub(super) fn numbers(&self, key: &'static str) -> Option<Vec<f64>> {
        let value = self.value(key)?;
        let number = |element: &Spanned<DeValue<'_>>| match element.get_ref() {
            DeValue::Integer(number) => number.as_str().replace('_', "").parse().ok(),
            DeValue::Float(number) => number.as_str().replace('_', "").parse::<f64>().ok(),
            _ => None,
        };
        let numbers = match value.get_ref() {
            DeValue::Array(array) => array.iter().map(number).collect(),
            _ => None,
        };
        if numbers.is_none() {
            self.wrong_type(key, value, "a list of numbers");
        }
        numbers
    }

    pub(super) fn integers(&self, key: &'static str, most: u64) -> Vec<u64> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let DeValue::Array(array) = value.get_ref() else {
            self.wrong_type(key, value, "a list of whole numbers");
            return Vec::new();
        };
        array
            .iter()
            .filter_map(|element| {
                let number = element
                    .get_ref()
                    .as_integer()
                    .and_then(|number| u64::from_str_radix(number.as_str(), number.radix()).ok());
                let number = number.filter(|number| *number <= most);
                if number.is_none() {
                    self.document.fault(element.span(), format!("`{key}` holds whole numbers up to {most}"), "");
                }
                number
            })
            .collect()
    }

    /// Reads a duration from `least` to `most`: `30s`, `15m`, `6h`, `1d`.
    pub(super) fn duration(&self, key: &'static str, least: Duration, most: Duration) -> Option<Duration> {
        let span = self.span_of(key);
        let text = self.string(key)?;
        let units = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];
        let parsed = units.iter().find_map(|(unit, millis)| {
            let number: u64 = text.strip_suffix(unit)?.trim().parse().ok()?;
            Some(Duration::from_millis(number.checked_mul(*millis)?))
        });
        match parsed {
            None => self.document.fault(
                span,
                format!("`{key}` must be a length of time"),
                "write it like 30s, 15m, 6h or 1d",
            ),
            Some(length) if length < least || length > most => {
                self.document.fault(
                    span,
                    format!("`{key}` must be from {} to {}", in_words(least), in_words(most)),
                    "",
                );
                return None;
            }
            Some(_) => {}
        }
        parsed
    }

    /// Reads a size in bytes from `least` to `most`: `8MiB`, `512KiB`.
    pub(super) fn size(&self, key: &'static str, least: usize, most: usize) -> Option<usize> {
        let span = self.span_of(key);
        let text = self.string(key)?;
        let units = [("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)];
        let parsed = units
            .iter()
            .find_map(|(unit, bytes)| text.strip_suffix(unit)?.trim().parse::<usize>().ok()?.checked_mul(*bytes));
        match parsed {
            None => self.document.fault(span, format!("`{key}` must be a size"), "write it like 512KiB or 8MiB"),
            Some(size) if size < least || size > most => {
                self.document.fault(
                    span,
                    format!("`{key}` must be from {} KiB to {} KiB", least >> 10, most >> 10),
                    "",
                );
                return None;
            }
            Some(_) => {}
        }
        parsed
    }

    /// Reads one of several keywords.
    pub(super) fn word<T: Copy>(&self, key: &'static str, words: &[(&str, T)]) -> Option<T> {
        let text = self.string(key)?;
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        if found.is_none() {
            let all: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            self.fault(key, format!("`{key}` cannot be `{text}`"), &format!("it is one of: {}", all.join(", ")));
        }
        found
    }

    /// Reports every key that was not read. Must be called after all known keys were read.
    pub(super) fn finish(&self) {
        let known = self.known.borrow();
        #[cfg(test)]
        KNOWN.with_borrow_mut(|all| all.extend(known.iter().map(|key| (self.name.to_owned(), *key))));
        for key in self.table.into_iter().flat_map(|table| table.keys()) {
            let name: &str = key.get_ref();
            if known.contains(&name) {
                continue;
            }
            let near = known.iter().map(|known| (strsim::damerau_levenshtein(known, name), known)).min();
            let help = match near {
                Some((distance, near)) if distance <= 3 && distance < name.chars().count() => {
                    format!("did you mean `{near}`?")
                }
                _ => format!("known here: {}", known.join(", ")),
            };
            if let Some(file) = file_of(name).filter(|_| self.name.is_empty()) {
                let message = format!("`{name}` does not belong into this file");
                let help = match name {
                    "source" | "region" => format!("put each [[{name}]] into a file {file}"),
                    _ => format!("write it into {file}"),
                };
                self.document.fault(key.span(), message, &help);
                continue;
            }
            let message = if self.name.is_empty() {
                format!("`{name}` is not a setting at the top of this file")
            } else {
                format!("`{name}` is not a setting in [{}]", self.name)
            };
            self.document.fault(key.span(), message, &help);
        }
    }
}

#[cfg(test)]
thread_local! {
    /// The settings that were looked for: tables and keys.
    pub(super) static KNOWN: RefCell<std::collections::BTreeSet<(String, &'static str)>> = RefCell::default();
}
