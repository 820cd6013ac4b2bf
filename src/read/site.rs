//! Whose a page is: its site's name, the column, whether a public authority speaks, and the place that it names.

use std::sync::LazyLock;

use serde::Deserialize;

use crate::model::{is_ignorable, simplify};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sites {
    official_hosts: Vec<String>,
    official_words: Vec<String>,
    site_ends: Vec<String>,
    empty_parts: Vec<String>,
    separators: Vec<String>,
    place_ends: Vec<String>,
    medium: Vec<Medium>,
}

/// A medium that others reprint.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Medium {
    names: Vec<String>,
    sites: Vec<String>,
}

static SITES: LazyLock<Sites> = LazyLock::new(|| {
    toml::from_str(include_str!("tables/sites.toml")).unwrap_or_else(|error| unreachable!("sites.toml: {error}"))
});

/// Most characters of a title that are looked at.
const MAX_TITLE: usize = 300;

/// Returns the title of a page as that of a source: the site's name, once, then the column.
pub fn source_title(title: &str) -> String {
    let mut parts = parts(title);
    let is_site = |part: &String| SITES.site_ends.iter().any(|end| part.ends_with(end.as_str()));
    if let Some(site) = parts.iter().rposition(is_site) {
        let site = parts.remove(site);
        parts.insert(0, site);
    }
    parts.join(" ")
}

/// Splits a title, without parts that name nothing or that another part holds.
fn parts(title: &str) -> Vec<String> {
    let mut marked: String = title.chars().take(MAX_TITLE).collect();
    for separator in &SITES.separators {
        marked = marked.replace(separator.as_str(), "\n");
    }
    let mut parts: Vec<String> = Vec::new();
    for part in marked.lines().map(|part| part.trim().trim_matches(['《', '》', '「', '」'])) {
        let is_empty = part.is_empty() || SITES.empty_parts.iter().any(|empty| part.eq_ignore_ascii_case(empty));
        if is_empty || parts.iter().any(|known| known.contains(part)) {
            continue;
        }
        parts.retain(|known| !part.contains(known.as_str()));
        parts.push(part.to_owned());
    }
    parts
}

/// Returns whether a page is a public authority's, by its host or its title.
pub fn is_official(host: &str, title: &str) -> bool {
    let is_host = |end: &String| host.ends_with(end.as_str()) || end.strip_prefix('.') == Some(host);
    SITES.official_hosts.iter().any(is_host) || SITES.official_words.iter().any(|word| title.contains(word.as_str()))
}

/// Returns the names of places that a title may hold: its parts without what sites have behind it.
pub fn places_of(title: &str) -> Vec<String> {
    let place =
        |part: String| SITES.place_ends.iter().find_map(|end| part.strip_suffix(end.as_str()).map(str::to_owned));
    parts(title).into_iter().filter_map(place).filter(|name| name.chars().count() >= 2).collect()
}

/// Returns the known medium whose name a title has, by itself or beside a column: the name and the sites of the medium.
pub fn medium_of(title: &str) -> Option<(&'static str, &'static [String])> {
    let plain = |text: &str| -> String {
        let chars = text.chars().filter(|c| !is_ignorable(*c)).map(simplify).filter(|c| c.is_alphanumeric());
        chars.flat_map(char::to_lowercase).collect()
    };
    let start: String = title.chars().take(MAX_TITLE).collect();
    let words = start.split(|c: char| !c.is_alphanumeric() && !is_ignorable(c)).map(plain);
    let titles: Vec<String> = std::iter::once(plain(&start)).chain(words).collect();
    SITES.medium.iter().find_map(|medium| {
        let is_named = |name: &&String| {
            let name = plain(name);
            let is_end = |rest: &str| rest.is_empty() || SITES.site_ends.iter().any(|end| end == rest);
            titles.iter().any(|title| title.strip_prefix(name.as_str()).is_some_and(is_end))
        };
        medium.names.iter().find(is_named).map(|name| (name.as_str(), medium.sites.as_slice()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_has_its_sites_name_once_and_first() {
        for (title, expected) in [
            ("县内要闻-井陉县人民政府", "井陉县人民政府 县内要闻"),
            ("井陉县人民政府_井陉县人民政府门户网站_通知公告", "井陉县人民政府门户网站 通知公告"),
            ("首页 > 要闻 | 太行日报", "太行日报 要闻"),
            ("Local news", "Local news"),
            ("", ""),
        ] {
            assert_eq!(source_title(title), expected, "{title}");
        }
    }

    #[test]
    fn a_medium_is_known_by_its_name_however_it_is_written() {
        let named = |title: &str| medium_of(title).map(|(name, _)| name);
        for title in ["新华社", "新華社", "新 华 社", "新\u{200d}华\u{3164}社", "新华社 要闻", "《新华社》", "新华社网"]
        {
            assert_eq!(named(title), Some("新华社"), "{title:?}");
        }
        assert_eq!(named("REUTERS | World"), Some("Reuters"));
        for title in ["", "新华区人民政府", "新华社区服务中心", "阳泉日报"] {
            assert_eq!(named(title), None, "{title}");
        }
    }

    #[test]
    fn authorities_and_places_are_known_by_name_and_host() {
        assert!(is_official("www.yq.gov.cn", "") && is_official("a.example.cn", "井陉县人民政府"));
        assert!(!is_official("gov.cn.example.com", "井陉论坛") && !is_official("mygov.cn.com", ""));
        assert_eq!(places_of("县内要闻-井陉县人民政府"), ["井陉县"]);
        assert!(places_of("要闻 - 人民政府").is_empty());
    }
}
