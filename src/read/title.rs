//! The title of an article, without the name of its site.

use serde_json::Value;

use super::article::Reader;
use super::row::width;
use super::text;
use super::tree::Id;

impl Reader<'_> {
    /// The title, from the most trusted place that has it whole.
    pub(super) fn title(&mut self, body: Id) -> String {
        if let Some(id) = self.pinned("article.title", self.rules.title.as_ref()) {
            self.found.push(("title", "config".into()));
            return self.tree.line(id);
        }
        let document = self
            .tree
            .elements(0)
            .find(|id| self.tree.is(*id, &["title"]))
            .map(|id| text::line(&text::resolve(self.tree.raw(id), &text::Definitions::new())))
            .unwrap_or_default();
        let official = self.meta(&["articletitle"]);
        let linked = self
            .linked_data
            .as_ref()
            .and_then(|data| data.get("headline").or_else(|| data.get("title")))
            .and_then(Value::as_str)
            .map(text::line);
        let graph = self.meta(&["og:title", "twitter:title"]);
        let said = |title: &str| {
            let (long, short) = (squeeze(&document), squeeze(title));
            short.chars().count() >= 4 && long.contains(&short)
        };
        let names = ["title", "tit", "headline", "bt", "biaoti"];
        let heading = self
            .tree
            .elements(0)
            .take_while(|id| *id < self.tree.end(body))
            .filter(|id| {
                self.tree.is(*id, &["h1", "h2", "h3", "h4"])
                    || self.tree.is(*id, &["div", "p", "span", "td", "strong"]) && {
                        let labels = self.tree.labels(*id);
                        labels
                            .split(|c: char| !c.is_ascii_alphanumeric())
                            .any(|word| names.contains(&word) || word.ends_with("title"))
                    }
            })
            .filter(|id| self.tree.end(*id) - *id < 40)
            .map(|id| (id, self.tree.line(id)))
            .filter(|(_, line)| (4..=240).contains(&width(line)));
        let mut best: Option<(usize, String)> = None;
        for (id, line) in heading {
            let rank = if self.tree.is(id, &["h1"]) { 2 } else { 1 };
            let worth = width(&line) * if said(&line) { 4 } else { rank } * if rank == 2 { 2 } else { 1 };
            if (said(&line) || rank == 2) && best.as_ref().is_none_or(|(most, _)| worth > *most) {
                best = Some((worth, line));
            }
        }
        let heading = best.map(|(_, line)| line);
        let candidates = [(official, "meta ArticleTitle"), (linked, "JSON-LD"), (graph, "Open Graph")];
        for (candidate, by) in candidates {
            let Some(candidate) = candidate
                .map(|title| without_site(&title, self.meta.get("og:site_name").map(String::as_str)))
                .filter(|title| width(title) >= 4)
            else {
                continue;
            };
            // An attribute is cut at the first quote in it: the heading has it whole.
            let shown = heading.as_ref().filter(|heading| {
                let (long, short) = (squeeze(heading), squeeze(&candidate));
                long != short && (long.starts_with(&short) || short.starts_with(&long) && long.chars().count() >= 8)
            });
            let (title, by) = match shown {
                Some(heading) => (heading.clone(), "heading"),
                None => (candidate, by),
            };
            self.found.push(("title", by.into()));
            return title;
        }
        if let Some(heading) = heading {
            self.found.push(("title", "heading".into()));
            return heading;
        }
        self.found.push(("title", "<title>".into()));
        without_site(&document, None)
    }
}

/// White space, punctuation and width out of the way.
pub(super) fn squeeze(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
            c => c,
        })
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// A title without the name of the site behind it: `title_column_site`, `title - site`, `title | site`.
fn without_site(title: &str, site: Option<&str>) -> String {
    let mut title = title.trim().to_owned();
    if let Some(site) = site
        && let Some(rest) = title.strip_suffix(site)
    {
        let rest = rest.trim_end().trim_end_matches(['_', '-', '|', '–', '—', '·', '丨']).trim_end();
        if width(rest) >= 4 && rest.len() < title.len() - site.len() {
            title = rest.to_owned();
        }
    }
    for mark in ["_", " | ", "|", " - ", " – ", " — ", "--", "-", "丨", "——"] {
        if let Some((first, rest)) = title.split_once(mark) {
            let is_site = |part: &str| {
                let part = part.trim();
                width(part) <= 36
                    && [
                        "网", "站", "台", "频道", "新闻", "政府", "报", "社", "客", "厅", "局", "委", "中心", "com",
                        "cn", "日报", "news", "News", "资讯", "要闻", "动态",
                    ]
                    .iter()
                    .any(|word| part.contains(word))
            };
            let strong = matches!(mark, "_" | " | " | "|");
            if width(first) >= 8 && (strong || rest.split(mark).all(is_site)) {
                return first.trim().to_owned();
            }
        }
    }
    title
}
