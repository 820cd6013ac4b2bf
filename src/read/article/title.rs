//! The title of an article, without the name of its site.

use serde_json::Value;

use super::labels::words as words_of;
use super::reader::Reader;
use crate::read::article::body;
use crate::read::byline;
use crate::read::date;
use crate::read::lexicon::words;
use crate::read::markup::page::target;
use crate::read::markup::text;
use crate::read::markup::text::{squeeze, width};
use crate::read::markup::tree::Id;
use crate::read::tables::elements::elements;
use crate::read::tables::tables;

impl Reader<'_> {
    /// Finds the title, in the most trusted place that has it in full.
    pub(in crate::read) fn title(&mut self, body: Id) -> String {
        if let Some(id) = self.pinned("article.title", self.rules.title.as_ref()) {
            self.found.push(("title", "config".into()));
            return self.tree.line(id);
        }
        let document = self.document_title();
        let official = self.meta(&["articletitle"]);
        let linked = self
            .linked_data
            .as_ref()
            .and_then(|data| data.get("headline").or_else(|| data.get("title")))
            .and_then(Value::as_str)
            .map(|title| text::line(&text::resolve(title, &text::Definitions::none())));
        let graph = self.meta(&["og:title", "twitter:title"]);
        let said = |title: &str| repeats(&document, title);
        let headings = self.headings(body);
        let heading = self.repeated_heading(body, &document, &headings);
        // A table may label the title, next to author and date.
        let named = self.title_cell(body).filter(|cell| {
            // 项目名称 in the table of a notice is not its title.
            !heading
                .as_ref()
                .is_some_and(|heading| squeeze(heading) != squeeze(cell) && squeeze(heading).contains(&squeeze(cell)))
        });
        let closer = heading.as_ref().and_then(|heading| closer_heading(body, heading, &headings));
        let heading = named.clone().or(closer.clone()).or(heading);
        let is_office = heading.as_ref().is_some_and(|heading| is_only_site(&document, heading));
        let is_known =
            !is_office && named.is_none() && closer.is_none() && heading.as_ref().is_some_and(|heading| said(heading));
        // If `<title>` repeats nothing, a heading right before the text is better than the site's name.
        let near = named.or(closer).or_else(|| if is_known { None } else { self.heading_near(body, &headings) });
        let heading = near.clone().or(heading);
        // The meta element may hold the column's name instead of the title.
        let official = official.filter(|official| !is_known || said(official) || width(official) >= 12);
        let graph = graph.filter(|graph| {
            near.is_none() || heading.as_ref().is_some_and(|heading| squeeze(graph).contains(&squeeze(heading)))
        });
        let candidates = [(official, "meta ArticleTitle"), (linked, "JSON-LD"), (graph, "Open Graph")];
        for (candidate, by) in candidates {
            let Some(candidate) = candidate
                .map(|title| without_site(&title, self.meta.get("og:site_name").map(String::as_str)))
                .filter(|title| width(title) >= 4)
            else {
                continue;
            };
            // An attribute is truncated at the first quote inside it, but the heading is complete.
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

/// The least width of an only `<h1>` that is taken for the title whatever `<title>` says.
const MIN_SOLE: usize = 16;

/// Returns the heading nearest to the body if `short`, a heading that `<title>` repeats, may only be the column's name.
fn closer_heading(body: Id, short: &str, headings: &[(Id, String)]) -> Option<String> {
    if width(short) >= 16 {
        return None;
    }
    let at = headings.iter().rposition(|(id, line)| line == short && *id < body);
    let is_office = tables().names.office_ends.iter().any(|end| short.ends_with(end.as_str()));
    let from = at.map(|at| at + 1).or(Some(0).filter(|_| is_office))?;
    let mut rest = headings.get(from..).unwrap_or(&[]).iter();
    rest.rfind(|(id, line)| *id <= body + 30 && width(line) * 2 >= width(short) * 3).map(|(_, line)| line.clone())
}

impl Reader<'_> {
    /// Returns the text of `<title>`.
    pub(super) fn document_title(&self) -> String {
        let title = self.tree.elements(0).find(|id| self.tree.is(*id, &["title"]));
        title.map(|id| text::line(&text::resolve(self.tree.raw(id), &text::Definitions::none()))).unwrap_or_default()
    }

    /// Returns what may be a heading, up to the end of the body.
    fn headings(&self, body: Id) -> Vec<(Id, String)> {
        let is_titled = |id: Id| {
            let labels = self.tree.labels(id);
            let words = || words_of(&labels);
            words().any(|word| tables().classes.title.contains(word) || word.ends_with("title"))
                && !words().any(|word| tables().classes.beside_title.contains(word))
        };
        self.tree
            .elements(0)
            .take_while(|id| *id < self.tree.end(body))
            .filter(|id| {
                self.tree.is(*id, &["h1", "h2", "h3", "h4"])
                    || elements().title.contains(self.tree.name(*id)) && is_titled(*id)
            })
            .filter(|id| self.tree.end(*id) - *id < 40 && !self.leads_home(*id))
            .map(|id| (id, self.heading_line(id)))
            .filter(|(_, line)| (4..=240).contains(&width(line)) && !tables().names.section_headings.contains(line))
            .map(|(id, line)| (id, self.first_line(id, line)))
            .collect()
    }

    /// Returns whether a heading is a link to the first page of the site, as its name above every page is.
    fn leads_home(&self, id: Id) -> bool {
        let link = self.tree.elements(id).find(|at| self.tree.is(*at, &["a"]));
        self.url.path().len() > 1
            && link
                .and_then(|link| target(self.tree, link, &self.base))
                .is_some_and(|to| to.path() == "/" && to.same_origin(self.url) && !to.as_str().contains('?'))
    }

    /// Returns the text of a heading without the readings of its ruby.
    fn heading_line(&self, id: Id) -> String {
        if !self.tree.elements(id).any(|inner| self.tree.is(inner, &["rt", "rp"])) {
            return self.tree.line(id);
        }
        let is_reading = |at: Id| self.tree.ancestors(at).any(|up| self.tree.is(up, &["rt", "rp"]));
        let texts = self.tree.texts(id).filter(|(at, _)| !is_reading(*at)).map(|(_, text)| text);
        text::line(&texts.collect::<String>())
    }

    /// Returns the heading that `<title>` repeats, else the `<h1>` nearest to the body.
    fn repeated_heading(&self, body: Id, document: &str, headings: &[(Id, String)]) -> Option<String> {
        let is_h1 = |id: Id| self.tree.is(id, &["h1"]);
        let said = |title: &str| repeats(document, title);
        let widest = headings
            .iter()
            .filter(|(_, line)| said(line))
            .max_by_key(|(id, line)| (width(line) * if is_h1(*id) { 2 } else { 1 }, *id))
            .map(|(_, line)| line.clone());
        let first = headings.iter().rfind(|(id, _)| is_h1(*id) && *id < body).map(|(_, line)| line.as_str());
        // The account that a page of a phone app names in its `<title>`.
        let is_name = |line: &str| first.is_some_and(|first| width(line) < MIN_SOLE && width(first) >= 2 * width(line));
        widest
            .or_else(|| self.line_before(body, document, said).filter(|line| !is_name(line)))
            .or_else(|| first.map(str::to_owned))
    }
}

/// Returns whether both a heading and `<title>` are nothing but the name of an office, whose site it is.
fn is_only_site(document: &str, heading: &str) -> bool {
    squeeze(document) == squeeze(heading)
        && tables().names.office_ends.iter().any(|end| heading.trim().ends_with(end.as_str()))
}

/// Returns whether `<title>` repeats a title.
fn repeats(document: &str, title: &str) -> bool {
    let (long, short) = (squeeze(document), squeeze(title));
    short.chars().count() >= 4 && long.contains(&short)
}

impl Reader<'_> {
    /// Strips the lines of date and source that some pages put into the heading.
    fn first_line(&self, id: Id, line: String) -> String {
        if !self.tree.elements(id).any(|inner| self.tree.is(inner, &["br"])) {
            return line;
        }
        let lines = body::lines(self.tree, id, self.tree.end(id), &[]);
        let is_head = |line: &body::Line| {
            !byline::labelled(&line.spaced).is_empty() || date::find(&line.text, self.clock).is_some()
        };
        let kept: Vec<&str> = lines.iter().take_while(|line| !is_head(line)).map(|line| &*line.text).collect();
        if kept.is_empty() { line } else { text::line(&kept.join(" ")) }
    }

    /// Returns the last line before the body, or one of its first, that `<title>` repeats.
    fn line_before(&self, body: Id, document: &str, said: impl Fn(&str) -> bool) -> Option<String> {
        let end = self.tree.end(body).min(body + 16);
        let lines = body::lines(self.tree, 0, end, &[]);
        let fits = |line: &&body::Line| {
            (8..=200).contains(&width(&line.text))
                && line.linked * 2 < width(&line.text)
                && said(&line.text)
                && !self.is_issue(&line.text)
        };
        let near = || lines.iter().rev().take(30);
        let line = near().filter(fits).max_by_key(|line| width(&line.text))?.text.clone();
        // A title that spans lines is complete in `<title>`.
        let whole = without_site(document, None);
        let (short, long) = (squeeze(&line), squeeze(&whole));
        let all: String = near().map(|line| squeeze(&line.text)).collect::<Vec<_>>().into_iter().rev().collect();
        Some(if long.len() > short.len() && long.contains(&short) && all.contains(&long) {
            whole
        } else {
            line.to_string()
        })
    }

    /// 清浦日报 2024年06月12日: returns whether a line is the name of a paper and its day.
    fn is_issue(&self, line: &str) -> bool {
        date::find(line, self.clock).is_some() && byline::is_office(self.without_date(line).trim())
    }

    /// Returns the title in a table cell labelled as title, next to author and date.
    fn title_cell(&self, body: Id) -> Option<String> {
        let cells =
            self.tree.elements(0).filter(|id| self.tree.is(*id, &["th", "td", "dt"]) && *id < self.tree.end(body));
        cells
            .filter(|id| {
                let line = self.tree.line(*id);
                let bare = line.trim_matches(|c: char| !c.is_alphanumeric()).replace([' ', '\u{3000}'], "");
                words().title_columns.contains(&bare.to_lowercase())
            })
            .find_map(|id| {
                let mut value = self.tree.end(id)..self.tree.end(self.tree.parent(id));
                let cell = value.find(|at| self.tree.is(*at, &["td", "dd"]))?;
                Some(self.tree.line(cell)).filter(|line| (8..=240).contains(&width(line)))
            })
    }

    /// Returns, for a page whose `<title>` is only the site's name, the line right before the text, or before its date,
    /// that is set as a heading.
    fn heading_near(&self, body: Id, headings: &[(Id, String)]) -> Option<String> {
        let is_title = |line: &str| {
            (6..=160).contains(&width(line))
                && byline::labelled(line).is_empty()
                && date::find(line, self.clock).is_none()
                && !line.contains(['>', '»', '，', '。'])
                && !["首页", "当前位置", "您的位置"].iter().any(|word| line.contains(word))
        };
        // Chinese sites often set their own name as `<h1>`; elsewhere the only one is the title, unless it leads home.
        let mut first = headings.iter().filter(|(id, line)| self.tree.is(*id, &["h1"]) && width(line) >= MIN_SOLE);
        if let (Some((id, line)), None) = (first.next(), first.next())
            && !self.is_chinese
            && *id <= body + 30
        {
            return Some(line.clone());
        }
        let document = self.document_title();
        let is_site = |line: &str| is_only_site(&document, line);
        let last = headings.iter().rev().find(|(id, line)| *id <= body + 30 && is_title(line) && !is_site(line));
        if let Some((id, line)) = last
            && (self.tree.is(*id, &["h1", "h2", "h3"]) || *id + 200 > body)
        {
            return Some(line.clone());
        }
        // <font size="4"><b>, centred.
        let set = self.tree.elements(0).take_while(|id| *id <= body + 30).filter(|id| {
            self.tree.is(*id, &["font"])
                && self
                    .tree
                    .attribute(*id, "size")
                    .is_some_and(|size| size.trim_start_matches('+').parse::<u8>().is_ok_and(|size| size >= 4))
                || self.tree.is(*id, &["b", "strong", "center", "span"])
                    && self.tree.attribute(*id, "style").is_some_and(|style| style.contains("font-size"))
        });
        set.map(|id| self.tree.line(id)).filter(|line| is_title(line)).last()
    }
}

/// Strips the site's name from the end of a title: `title_column_site`, `title - site`, `title | site`.
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
                width(part) <= 36 && tables().names.in_site.iter().any(|word| part.contains(word.as_str()))
            };
            let strong = matches!(mark, "_" | " | " | "|");
            if width(first) >= 8 && (strong || rest.split(mark).all(is_site)) {
                return first.trim().to_owned();
            }
        }
    }
    title
}
