//! What dayuan knows of pages, platforms and names: `pages.toml`, whose comments say what each list is for.

pub(in crate::read) mod elements;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::LazyLock;

use serde::Deserialize;

use crate::read::markup::selector::Selector;

/// All tables.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::read) struct Tables {
    pub(in crate::read) classes: Classes,
    pub(in crate::read) json: JsonFields,
    pub(in crate::read) meta: Meta,
    pub(in crate::read) scripts: Scripts,
    pub(in crate::read) block_page: Vec<BlockPage>,
    platform: Vec<PlatformRow>,
    /// Media types by the end of a file's name, in small letters.
    pub(in crate::read) files: HashMap<String, String>,
    pub(in crate::read) names: Names,
    pub(in crate::read) pictures: Pictures,
    pub(in crate::read) list: ListMarks,
    pub(in crate::read) hanweb: Hanweb,
}

/// How the lists of the hanweb platform are fetched.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::read) struct Hanweb {
    pub(in crate::read) proxy: String,
    pub(in crate::read) parameters: Vec<String>,
    pub(in crate::read) first_records: String,
}

/// What rows of lists have beside their texts.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::read) struct ListMarks {
    /// Attributes that hold the date of a row, in small letters.
    pub(in crate::read) date_attributes: Vec<String>,
    /// Marks of pinned and new rows that stand in brackets beside titles, in small letters.
    pub(in crate::read) marks: HashSet<String>,
    /// How the names of pictures end, in small letters.
    pub(in crate::read) pictures: HashSet<String>,
    /// Words of the addresses from which files are downloaded, in small letters.
    pub(in crate::read) downloads: Vec<String>,
    /// Units of the sizes of files, in small letters.
    pub(in crate::read) sizes: Vec<String>,
    /// Names of meta elements of pages of one story, in small letters.
    pub(in crate::read) story_marks: HashSet<String>,
}

/// Attributes of pictures that a script would load, the most trusted first.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::read) struct Pictures {
    /// Those that hold an address.
    pub(in crate::read) address: Vec<String>,
    /// Those that hold addresses with sizes, as `srcset` does.
    pub(in crate::read) sizes: Vec<String>,
}

/// Words of ids and classes, in small letters.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::read) struct Classes {
    pub(in crate::read) prefixes: HashSet<String>,
    pub(in crate::read) suffixes: HashSet<String>,
    pub(in crate::read) states: HashSet<String>,
    pub(in crate::read) body: HashSet<String>,
    pub(in crate::read) not_body: HashSet<String>,
    pub(in crate::read) whole_body: HashSet<String>,
    pub(in crate::read) builders: Vec<String>,
    pub(in crate::read) dialog: Vec<String>,
    pub(in crate::read) foreign: HashSet<String>,
    pub(in crate::read) foreign_unless_prose: HashSet<String>,
    pub(in crate::read) caption: HashSet<String>,
    pub(in crate::read) caption_begins: Vec<String>,
    pub(in crate::read) caption_ends: Vec<String>,
    pub(in crate::read) pane: HashSet<String>,
    pub(in crate::read) open: HashSet<String>,
    pub(in crate::read) account: HashSet<String>,
    pub(in crate::read) account_id: HashSet<String>,
    pub(in crate::read) source: HashSet<String>,
    pub(in crate::read) author: HashSet<String>,
    pub(in crate::read) date: HashSet<String>,
    pub(in crate::read) entry_date: HashSet<String>,
    pub(in crate::read) of_others: HashSet<String>,
    pub(in crate::read) own_foot: Vec<String>,
    pub(in crate::read) byline: HashSet<String>,
    pub(in crate::read) person: HashSet<String>,
    pub(in crate::read) roles: Vec<String>,
    pub(in crate::read) byline_role: HashSet<String>,
    pub(in crate::read) not_byline: HashSet<String>,
    pub(in crate::read) title: HashSet<String>,
    pub(in crate::read) beside_title: HashSet<String>,
    pub(in crate::read) link_title: HashSet<String>,
    pub(in crate::read) link_title_ends: Vec<String>,
    /// The worth of a list's place by the class it lies in, from 0 to 1.
    pub(in crate::read) beside: BTreeMap<String, f64>,
}

/// The names of fields in JSON lists, the most trusted first.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::read) struct JsonFields {
    pub(in crate::read) title: Vec<String>,
    pub(in crate::read) link: Vec<String>,
    pub(in crate::read) date: Vec<String>,
    pub(in crate::read) summary: Vec<String>,
    pub(in crate::read) source: Vec<String>,
    pub(in crate::read) author: Vec<String>,
    pub(in crate::read) body: Vec<String>,
}

/// The names of meta elements, in small letters, the most trusted first.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::read) struct Meta {
    pub(in crate::read) published: Vec<String>,
    /// Of dates of which it is not certain what they mean.
    pub(in crate::read) dated: Vec<String>,
    pub(in crate::read) modified: Vec<String>,
    pub(in crate::read) source: Vec<String>,
    pub(in crate::read) author: Vec<String>,
}

/// What scripts of pages hold.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::read) struct Scripts {
    pub(in crate::read) published: Vec<String>,
    pub(in crate::read) challenge: Vec<String>,
    /// Attributes of the scripts of challenge pages, with their value.
    pub(in crate::read) challenge_attributes: Vec<(String, String)>,
}

/// A page that is served in place of another one.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::read) struct BlockPage {
    /// What it means, for the admin.
    pub(in crate::read) means: String,
    /// Marks of its title, in small letters.
    pub(in crate::read) titles: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PlatformRow {
    #[expect(dead_code, reason = "for who reads the file")]
    name: String,
    body: String,
}

/// Words of bylines and of the names of sites.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::read) struct Names {
    pub(in crate::read) not_person: Vec<String>,
    pub(in crate::read) about_author: Vec<String>,
    pub(in crate::read) nobody: HashSet<String>,
    pub(in crate::read) no_medium: HashSet<String>,
    pub(in crate::read) not_in_medium: Vec<String>,
    pub(in crate::read) accounts: HashSet<String>,
    pub(in crate::read) particles: HashSet<String>,
    pub(in crate::read) before_people: Vec<String>,
    pub(in crate::read) writers: HashSet<String>,
    pub(in crate::read) japanese_writers: HashSet<String>,
    pub(in crate::read) japanese_others: HashSet<String>,
    pub(in crate::read) in_dateline: Vec<String>,
    pub(in crate::read) leads: Vec<String>,
    pub(in crate::read) writes: Vec<String>,
    pub(in crate::read) reports: Vec<String>,
    pub(in crate::read) pictures_by: Vec<String>,
    pub(in crate::read) checks: Vec<String>,
    pub(in crate::read) in_medium: Vec<String>,
    pub(in crate::read) family_names: String,
    pub(in crate::read) rare_family_names: String,
    pub(in crate::read) double_family_names: Vec<String>,
    pub(in crate::read) first_of_other_names: String,
    pub(in crate::read) not_bare: HashSet<String>,
    pub(in crate::read) ends_no_name: String,
    pub(in crate::read) medium_ends: Vec<String>,
    pub(in crate::read) agencies: HashSet<String>,
    pub(in crate::read) no_source: HashSet<String>,
    pub(in crate::read) section_ends: Vec<String>,
    pub(in crate::read) office_ends: Vec<String>,
    pub(in crate::read) unit_ends: Vec<String>,
    pub(in crate::read) office_ends_of_korea: Vec<String>,
    pub(in crate::read) section_headings: HashSet<String>,
    pub(in crate::read) comment_headings: HashSet<String>,
    pub(in crate::read) roles: HashSet<String>,
    pub(in crate::read) behind_people: Vec<String>,
    pub(in crate::read) writes_before: Vec<String>,
    pub(in crate::read) in_site: Vec<String>,
}

/// Returns the tables.
pub(in crate::read) fn tables() -> &'static Tables {
    static TABLES: LazyLock<Tables> = LazyLock::new(|| match toml::from_str(include_str!("pages.toml")) {
        Ok(tables) => tables,
        Err(error) => unreachable!("src/read/tables/pages.toml: {error}"),
    });
    &TABLES
}

/// Returns the selectors of the elements in which platforms put the text of an article, in the order of the table.
pub(in crate::read) fn bodies() -> &'static [Selector] {
    static BODIES: LazyLock<Vec<Selector>> = LazyLock::new(|| {
        let parse = |row: &PlatformRow| match Selector::parse(&row.body) {
            Ok(selector) => selector,
            Err(error) => unreachable!("src/read/tables/pages.toml: {error}"),
        };
        tables().platform.iter().map(parse).collect()
    });
    &BODIES
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_can_be_read() {
        assert!(tables().classes.beside.values().all(|worth| (0.0..=1.0).contains(worth)));
        assert_eq!(bodies().len(), tables().platform.len());
        let lower = |word: &String| *word == word.to_lowercase();
        let titles = tables().block_page.iter().flat_map(|page| &page.titles);
        assert!(tables().meta.published.iter().chain(&tables().meta.source).chain(titles).all(lower));
    }
}
