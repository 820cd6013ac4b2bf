//! Article pages: title, date, source, people and body, each from the most trusted place that has it in full.
//!
//! The order of trust: selectors in the config; the meta elements of government sites; JSON-LD and Open Graph; labelled
//! text near the title; text density. Never "the first date in the body".

use std::borrow::Cow;
use std::collections::HashMap;

use serde_json::Value;

use super::body::{self, Line};
use super::boilerplate;
use super::content_html;
use super::title::squeeze;
use crate::model::{Draft, Enclosure, Link, Precision, Stamp};
use crate::read::byline;
use crate::read::date::{self, Clock};
use crate::read::json;
use crate::read::lexicon::{Label, words};
use crate::read::markup::page::{base, target};
use crate::read::markup::selector::Selector;
use crate::read::markup::text;
use crate::read::markup::text::width;
use crate::read::markup::tree::{Id, Tree};
use crate::read::tables::{bodies, tables};
use crate::read::{Fault, FaultKind};

/// Least width of an article's body: 30 Chinese characters.
const LEAST: usize = 60;
/// Least width of a body if a label or a meta element gives the publication date, or if the body has pictures.
const LEAST_DATED: usize = 20;
/// Least width of a body if the page gives neither a publication date nor a source.
const LEAST_UNSIGNED: usize = 160;

/// The admin's selectors for the parts of an article; absent ones are detected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ArticleRules {
    /// The title.
    pub title: Option<Selector>,
    /// The body.
    pub body: Option<Selector>,
    /// The publication date.
    pub date: Option<Selector>,
    /// The source it was taken from.
    pub source: Option<Selector>,
    /// The author.
    pub author: Option<Selector>,
    /// Parts of the body to leave out.
    pub remove: Vec<Selector>,
}

/// The result of reading an article page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Article {
    /// The article; `None` if the page is not one.
    pub draft: Option<Draft>,
    /// The next page of the same article.
    pub next: Option<Link>,
    /// What was wrong with it.
    pub faults: Vec<Fault>,
    /// Steps of work that reading took.
    pub work: u64,
}

/// Merges what the list and the article's page say about an item. The page takes precedence, except for a title that
/// only the list has in full and for a date that the page has nowhere but in its address. Link, guid and alert
/// identifier always come from the list.
#[must_use]
pub fn complete(listed: &Draft, mut article: Draft) -> Draft {
    let by_address = article.found.iter().any(|(field, by)| *field == "published" && by == "address");
    if article.published.is_none() || by_address && listed.published.is_some() {
        article.published = listed.published;
        article.found.retain(|(field, _)| *field != "published");
        article.found.extend(listed.found.iter().filter(|(field, _)| *field == "published").cloned());
    }
    let (on_page, in_list) = (squeeze(&article.title), squeeze(&listed.title));
    let is_cut = listed.title.ends_with('…') || listed.title.ends_with("...");
    if on_page.is_empty() || in_list.chars().count() > on_page.chars().count() && in_list.contains(&on_page) && !is_cut
    {
        article.title.clone_from(&listed.title);
    }
    article.link.clone_from(&listed.link);
    article.guid.clone_from(&listed.guid);
    article.alert.clone_from(&listed.alert);
    article.code = listed.code.clone().or(article.code);
    article.updated = article.updated.or(listed.updated);
    article.credit = article.credit.or_else(|| listed.credit.clone());
    if article.authors.is_empty() {
        article.authors.clone_from(&listed.authors);
    }
    for category in &listed.categories {
        if !article.categories.contains(category) {
            article.categories.push(category.clone());
        }
    }
    article
}

/// A page being read.
pub(in crate::read) struct Reader<'a> {
    pub(in crate::read) tree: &'a Tree<'a>,
    pub(in crate::read) base: Link,
    pub(in crate::read) url: &'a Link,
    pub(in crate::read) rules: &'a ArticleRules,
    pub(in crate::read) clock: Clock<'a>,
    pub(in crate::read) meta: HashMap<String, String>,
    pub(in crate::read) linked_data: Option<Value>,
    pub(in crate::read) faults: Vec<Fault>,
    pub(in crate::read) found: Vec<(&'static str, Cow<'static, str>)>,
}

/// Reads the article on a page.
pub(in crate::read) fn read<'a>(
    tree: &'a Tree<'a>,
    url: &'a Link,
    rules: &'a ArticleRules,
    clock: Clock<'a>,
) -> Article {
    let reader = Reader {
        tree,
        base: base(tree, url),
        url,
        rules,
        clock,
        meta: meta(tree),
        linked_data: linked_data(tree),
        faults: Vec::new(),
        found: Vec::new(),
    };
    reader.read()
}

/// The most meta elements that are read; real pages have dozens.
const MAX_META: usize = 500;

/// Returns the meta elements by lower-case name, property or itemprop, without empty values and unfilled templates.
fn meta(tree: &Tree<'_>) -> HashMap<String, String> {
    let mut found = HashMap::new();
    for id in tree.elements(0).filter(|id| tree.is(*id, &["meta"])).take(MAX_META) {
        let Some(content) = tree.attribute(id, "content").map(|content| text::line(&content)) else { continue };
        let is_left_over =
            content.starts_with(['{', '$', '<']) || ["null", "undefined", "none", "N/A"].contains(&content.as_str());
        if content.is_empty() || is_left_over {
            continue;
        }
        for key in ["name", "property", "itemprop"] {
            if let Some(name) = tree.attribute(id, key) {
                found.entry(name.trim().to_ascii_lowercase()).or_insert_with(|| content.clone());
            }
        }
    }
    found
}

/// The longest JSON-LD script that is read, in bytes, and the most values in it; articles have hundreds.
const MAX_LINKED_DATA: usize = 256 * 1024;
const MAX_LINKED_VALUES: usize = 20_000;

/// Returns the first JSON-LD object with a publication date.
fn linked_data(tree: &Tree<'_>) -> Option<Value> {
    let is_ours =
        |id: &Id| tree.is(*id, &["script"]) && tree.attribute(*id, "type").is_some_and(|kind| kind.contains("ld+json"));
    tree.elements(0).filter(is_ours).find_map(|id| {
        let raw = Some(tree.raw(id)).filter(|raw| raw.len() <= MAX_LINKED_DATA)?;
        if json::values(raw) > MAX_LINKED_VALUES {
            return None;
        }
        let raw: String = raw.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let value: Value = serde_json::from_str(raw.trim().trim_end_matches(';')).ok()?;
        let graph = value.get("@graph").cloned();
        let many = |value: Value| match value {
            Value::Array(values) => values,
            value => vec![value],
        };
        graph
            .map_or_else(|| many(value), many)
            .into_iter()
            .find(|object| object.get("datePublished").or_else(|| object.get("pubDate")).is_some())
    })
}

impl Reader<'_> {
    fn read(mut self) -> Article {
        let Some((body, by)) = self.body().filter(|(body, _)| !self.is_none(*body)) else {
            return Article { faults: self.faults, ..Article::default() };
        };
        self.found.push(("content_html", by.into()));
        let mut dropped = body::foreign(self.tree, body);
        for selector in &self.rules.remove {
            dropped.extend(
                selector.find_all(self.tree, body, self.tree.end(body)).into_iter().map(|id| (id, self.tree.end(id))),
            );
        }
        dropped.sort_unstable();
        let page = body::lines(self.tree, 0, self.tree.len(), &[]);
        let title = self.title(body);
        let mut inside = body::lines(self.tree, body, self.tree.end(body), &dropped);
        let Around { below, above, tail } = self.around(&page, body, &title);
        let head: Vec<Line> = below.iter().chain(&above).cloned().collect();
        let full = inside.clone();
        let kept = self.story(&mut inside, &title, &mut dropped);
        let words: usize = kept.iter().map(|line| width(&line.text)).sum();
        let has_pictures = self.tree.elements(body).any(|id| self.tree.is(id, &["img", "video"]));
        let published = self.published(&below, &above, &full);
        let credit = self.credit(&head, &full, &tail);
        let is_dated = published.is_some()
            && self.found.iter().any(|(field, by)| *field == "published" && (by == "labelled text" || by == "meta"));
        let least = match () {
            () if title.is_empty() => LEAST,
            () if is_dated || has_pictures => LEAST_DATED,
            () if published.is_none() && credit.is_none() => LEAST_UNSIGNED,
            () => LEAST,
        };
        if words < least {
            return Article { faults: self.faults, ..Article::default() };
        }
        let (authors, editors) = self.people(&title, &page, (&head, &full, &tail), &kept);
        dropped.sort_unstable();
        let content_html = content_html::markup(self.tree, body, &self.base, &merged(&dropped));
        let text = kept.iter().map(|line| line.text.as_str()).collect::<Vec<_>>().join("\n");
        let draft = Draft {
            title,
            link: Some(self.url.as_str().to_owned()),
            published,
            authors,
            editors,
            credit,
            categories: self.categories(),
            summary: self.meta.get("description").cloned().unwrap_or_default(),
            content_html,
            text: text::head(&text, 256 * 1024).to_owned(),
            enclosures: self.files(body),
            rights: self.rights(&page),
            code: self.code(),
            found: std::mem::take(&mut self.found),
            ..Draft::default()
        };
        let next = self.next(body);
        Article { draft: Some(draft), next, faults: self.faults, work: 0 }
    }

    /// Returns the region of the site, from the identification code that every Chinese government site carries
    /// (SiteIDCode): six digits of GB/T 2260, then four for the site.
    fn code(&self) -> Option<String> {
        let code = self.meta(&["siteidcode"])?;
        let is_code = code.len() == 10 && code.bytes().all(|b| b.is_ascii_digit());
        code.get(..6).filter(|_| is_code).map(str::to_owned)
    }

    pub(in crate::read) fn meta(&self, names: &[impl AsRef<str>]) -> Option<String> {
        names.iter().find_map(|name| self.meta.get(name.as_ref())).cloned()
    }

    pub(in crate::read) fn pinned(&mut self, name: &'static str, selector: Option<&Selector>) -> Option<Id> {
        let selector = selector?;
        let found = selector.find(self.tree, 0, self.tree.len());
        if found.is_none() {
            self.faults.push(Fault::new(
                FaultKind::Selector,
                name,
                format!("`{selector}` matches nothing in this page"),
            ));
        }
        found
    }

    fn body(&mut self) -> Option<(Id, &'static str)> {
        if let Some(id) = self.pinned("article.body", self.rules.body.as_ref()) {
            return Some((id, "config"));
        }
        let marked: Vec<Id> = self.tree.elements(0).filter(|id| self.tree.has_attributes(*id)).collect();
        let known = bodies().iter().find_map(|selector| {
            let id = selector.first_of(self.tree, &marked)?;
            let wide: usize = self.tree.texts(id).map(|(_, text)| width(&text)).sum();
            (wide >= 2 * LEAST).then_some(id)
        });
        let dense = body::find(self.tree);
        match (known, dense) {
            // If the densest element lies around or inside the known one, the known one is the body.
            (Some(known), Some(dense)) if related(self.tree, known, dense) => Some((known, "platform's element")),
            (_, Some(dense)) => Some((dense, "density of text")),
            (Some(known), None) => Some((known, "platform's element")),
            (None, None) => None,
        }
    }

    /// Returns whether the page is not an article: a login form, an error page, or a list of teasers.
    fn is_none(&self, body: Id) -> bool {
        let tree = self.tree;
        if tree.elements(0).any(|id| {
            tree.is(id, &["input"])
                && tree.attribute(id, "type").is_some_and(|kind| kind.eq_ignore_ascii_case("password"))
                && !tree.ancestors(id).any(|up| tree.is_invisible(up))
        }) && tree.texts(0).map(|(_, text)| width(&text)).sum::<usize>() < 10 * LEAST
        {
            return true;
        }
        let says = |line: &str| line.chars().count() <= 40 && words().missing.are_in(&line.to_lowercase());
        let heads = tree.elements(0).filter(|id| tree.is(*id, &["title", "h1", "h2"])).take(8);
        if heads
            .map(|id| if tree.is(id, &["title"]) { text::line(tree.raw(id)) } else { tree.line(id) })
            .any(|line| says(&line))
        {
            return true;
        }
        let headings = tree.elements(body).filter(|id| tree.is(*id, &["h2", "h3", "h4"]));
        let linked: Vec<Link> = headings
            .filter_map(|id| tree.elements(id).find(|inner| tree.is(*inner, &["a"])))
            .filter(|id| width(&tree.line(*id)) >= 12)
            .filter_map(|id| target(tree, id, &self.base))
            .filter(|to| to.without_fragment() != self.url.without_fragment())
            .collect();
        linked.len() >= 3
    }

    /// Collects the lines around the body that belong to it: from the title down to the body, above the title, and
    /// after the body.
    fn around(&self, page: &[Line], body: Id, title: &str) -> Around {
        let starts = page.iter().position(|line| line.to > body).unwrap_or(page.len());
        let bare = squeeze(title);
        let titled = page.iter().take(starts).rposition(|line| {
            let line = squeeze(&line.text);
            !bare.is_empty()
                && (line == bare || line.contains(&bare) && line.chars().count() < bare.chars().count() + 12)
        });
        let of_some_length = |line: &&Line| line.text.chars().count() < 400;
        let pick = |from: usize, to: usize| page.get(from..to).unwrap_or(&[]).iter().filter(of_some_length).cloned();
        // If the title is inside the body, the lines right after it are the head.
        let inner = page.iter().skip(starts).take(12).position(|line| !bare.is_empty() && squeeze(&line.text) == bare);
        if let Some(at) = inner.filter(|_| titled.is_none()) {
            let short = |line: &Line| width(&line.text) < 120 && !line.text.ends_with('。');
            let head = page.iter().skip(starts + at + 1).take(3).take_while(|line| short(line)).cloned();
            let before = page.iter().take(starts + at).skip((starts + at).saturating_sub(4));
            let ends = page.iter().position(|line| line.from >= self.tree.end(body)).unwrap_or(page.len());
            let tail = page.get(ends..(ends + 30).min(page.len())).unwrap_or(&[]).to_vec();
            return Around {
                below: head.collect(),
                above: before.filter(|line| width(&line.text) < 120).cloned().collect(),
                tail,
            };
        }
        let from = titled.unwrap_or_else(|| starts.saturating_sub(12));
        // Some pages put the date above the title; a running clock is not a date of the article.
        let is_clock = |line: &Line| words().clock.are_in(&line.text) || line.linked * 2 > width(&line.text);
        let above = pick(from.saturating_sub(4), from).filter(|line| !is_clock(line)).collect();
        let mut below: Vec<Line> = pick(from, starts).collect();
        if titled.is_none() {
            below.retain(|line| !is_clock(line));
        }
        let ends = page.iter().position(|line| line.from >= self.tree.end(body)).unwrap_or(page.len());
        let tail = page.get(ends..(ends + 30).min(page.len())).unwrap_or(&[]).to_vec();
        Around { below, above, tail }
    }

    /// Returns the lines of the story, without its title, head lines, boilerplate and the related stories that follow.
    fn story(&self, lines: &mut Vec<Line>, title: &str, dropped: &mut Vec<(Id, Id)>) -> Vec<Line> {
        let bare = squeeze(title);
        let total = lines.len();
        let all: usize = lines.iter().map(|line| width(&line.text)).sum();
        let mut so_far = 0;
        let mut kept: Vec<Line> = Vec::with_capacity(total);
        let mut over = false;
        let all_lines: Vec<Line> = std::mem::take(lines);
        // Lines inside the body but before its title belong to the page, not to the story.
        let prose = all_lines.iter().position(is_prose).unwrap_or(all_lines.len());
        let titled =
            all_lines.iter().take(prose.min(12)).position(|line| !bare.is_empty() && squeeze(&line.text) == bare);
        for (at, line) in all_lines.iter().enumerate() {
            so_far += width(&line.text);
            let is_before = titled.is_some_and(|titled| at < titled) && width(&line.text) < 160;
            let is_early = at < 12 && kept.iter().map(|line| width(&line.text)).sum::<usize>() < 80;
            over = over
                || so_far * 10 > all * 3
                    && boilerplate::ends_story(&line.text)
                    && !all_lines.get(at + 1).is_some_and(is_prose);
            let is_title = is_early && squeeze(&line.text) == bare;
            let is_head = is_early && is_head_line(&line.spaced, self.clock);
            let mostly_link =
                line.linked * 10 > width(&line.text) * 9 && width(&line.text) < 60 && is_link_line(&line.text);
            // A notice may link each thing that it lists and then go on.
            let goes_on = || {
                !kept.is_empty() && all_lines.get(at + 1..).unwrap_or(&[]).iter().take(8).any(is_prose)
                    || kept.last().is_some_and(|last| last.text.trim_start().starts_with("附件"))
            };
            let is_none = over || is_before || is_title || is_head || boilerplate::is_boilerplate(&line.text);
            if is_none || mostly_link && !goes_on() {
                dropped.push((line.from, line.to));
            } else {
                kept.push(line.clone());
            }
        }
        // Credits at the end of the body.
        while let Some(line) =
            kept.pop_if(|line| boilerplate::is_credits(&line.text) || boilerplate::is_boilerplate(&line.text))
        {
            dropped.push((line.from, line.to));
        }
        kept
    }

    fn published(&mut self, below: &[Line], above: &[Line], inside: &[Line]) -> Option<Stamp> {
        if let Some(id) = self.pinned("article.date", self.rules.date.as_ref()) {
            let line = self.tree.attribute(id, "datetime").map_or_else(|| self.tree.line(id), Cow::into_owned);
            let stamp =
                date::parse(&line, self.clock).or_else(|| date::find(&line, self.clock).map(|(stamp, _)| stamp));
            if let Some(stamp) = stamp {
                self.found.push(("published", "config".into()));
                return Some(stamp);
            }
        }
        let official = self
            .meta(&tables().meta.published)
            .and_then(|written| date::parse(&written, self.clock))
            .map(|stamp| (stamp, "meta"));
        let linked = self
            .linked_data
            .as_ref()
            .and_then(|data| data.get("datePublished").or_else(|| data.get("pubDate")))
            .and_then(Value::as_str)
            .and_then(|written| date::parse(written, self.clock))
            .map(|stamp| (stamp, "JSON-LD"));
        let in_address = || date::in_address(self.url.path(), self.clock).map(|stamp| (stamp, "address"));
        let shown = self.shown_date(below, inside).or_else(|| {
            let above = self.shown_date(above, &[])?;
            // An unlabelled date above the title may belong to anything; the address is more reliable.
            if above.1 == "labelled text" { Some(above) } else { in_address().or(Some(above)) }
        });
        let said = official.or(linked).or_else(|| self.scripted_date());
        let (stamp, by) = match (said, shown) {
            (Some(said), Some(shown)) => settle(said, shown),
            (said, shown) => said.or(shown).or_else(in_address)?,
        };
        self.found.push(("published", by.into()));
        Some(stamp)
    }

    /// Returns the date in a script of the page, as on articles of WeChat public accounts.
    fn scripted_date(&self) -> Option<(Stamp, &'static str)> {
        self.tree
            .elements(0)
            .filter(|id| self.tree.is(*id, &["script"]))
            .find_map(|id| {
                let raw = self.tree.raw(id);
                tables().scripts.published.iter().find_map(|name| {
                    let (_, rest) = raw.split_once(name.as_str())?;
                    let value = rest.trim_start_matches(|c: char| c.is_whitespace() || "=:\"'".contains(c));
                    let value = value.split(['"', '\'', ';', ',', '\n']).next()?;
                    date::parse(value, self.clock).filter(|stamp| stamp.precision != Precision::Month)
                })
            })
            .map(|stamp| (stamp, "script"))
    }

    /// Finds the date near the title: labelled, alone, or in a `<time>` element. Dates inside the story do not count.
    fn shown_date(&self, head: &[Line], inside: &[Line]) -> Option<(Stamp, &'static str)> {
        let exact = |stamp: &Stamp| stamp.precision != Precision::Month;
        let early: Vec<&Line> = inside
            .iter()
            .take(6)
            .take_while(|line| line.text.chars().count() < 90)
            .filter(|line| is_head_line(&line.spaced, self.clock))
            .collect();
        let labelled = |line: &Line, labels: &[Label]| {
            byline::labelled(&line.spaced).into_iter().filter(|(label, _)| labels.contains(label)).find_map(
                |(_, value)| {
                    date::find(&value, self.clock)
                        .map(|(stamp, _)| stamp)
                        .or_else(|| date::parse(text::head(&value, 40), self.clock))
                },
            )
        };
        let in_head = head.iter().find_map(|line| labelled(line, &[Label::Date, Label::Time]));
        let in_body = || early.iter().find_map(|line| labelled(line, &[Label::Date]));
        let marked = self.tree.elements(0).filter(|id| self.tree.is(*id, &["time"])).find_map(|id| {
            let written = self.tree.attribute(id, "datetime").map_or_else(|| self.tree.line(id), Cow::into_owned);
            date::parse(&written, self.clock)
        });
        // A date may be split over neighbouring lines: 2023, 11/17, 20:52:15.
        let joined: String = head
            .iter()
            .rev()
            .take(8)
            .collect::<Vec<_>>()
            .into_iter()
            .rev()
            .map(|line| line.text.as_str())
            .collect::<Vec<_>>()
            .join(" ");
        let alone = |line: &Line| {
            let is_other = byline::labelled(&line.spaced).iter().any(|(label, _)| *label == Label::Other)
                && (line.text.contains("打印") || line.text.contains("有效期"));
            (line.linked * 2 < width(&line.text).max(1) && !is_other)
                .then(|| date::find(&line.text, self.clock))
                .flatten()
                .map(|(stamp, _)| stamp)
        };
        in_head
            .filter(exact)
            .map(|stamp| (stamp, "labelled text"))
            .or_else(|| head.iter().find_map(alone).filter(exact).map(|stamp| (stamp, "text near the title")))
            .or_else(|| in_body().filter(exact).map(|stamp| (stamp, "labelled text")))
            .or_else(|| {
                early.iter().find_map(|line| alone(line)).filter(exact).map(|stamp| (stamp, "text near the title"))
            })
            .or_else(|| marked.filter(exact).map(|stamp| (stamp, "<time>")))
            .or_else(|| {
                let found = date::find(&joined, self.clock).map(|(stamp, _)| stamp);
                found.filter(exact).map(|stamp| (stamp, "text near the title"))
            })
    }

    fn categories(&self) -> Vec<String> {
        let column = self.meta(&["columnname"]);
        let words = self.meta(&["keywords", "news_keywords"]).unwrap_or_default();
        let mut found: Vec<String> = Vec::new();
        for word in column.into_iter().chain(words.split([',', '，', ';', '；', '、', '|', ' ']).map(str::to_owned))
        {
            let word = text::line(&word);
            if width(&word) >= 2 && word.chars().count() <= 20 && !found.contains(&word) && found.len() < 32 {
                found.push(word);
            }
        }
        found
    }

    /// Files attached inside the body and right after it.
    fn files(&self, body: Id) -> Vec<Enclosure> {
        let holder = self.tree.parent(body);
        let mut found: Vec<Enclosure> = Vec::new();
        for id in self.tree.elements(holder).filter(|id| self.tree.is(*id, &["a"])) {
            let Some(kind) = body::link_kind(self.tree, id) else { continue };
            // Help files and programs in the page's footer are not attachments.
            let is_outside = !(body..self.tree.end(body)).contains(&id);
            if is_outside
                && self
                    .tree
                    .ancestors(id)
                    .take_while(|up| *up != holder)
                    .any(|up| self.tree.is(up, &["footer", "nav"]) || self.tree.labels(up).contains("foot"))
            {
                continue;
            }
            if let Some(to) = target(self.tree, id, &self.base)
                && found.iter().all(|file| file.url != to.as_str())
                && found.len() < 32
            {
                found.push(Enclosure { url: to.as_str().to_owned(), kind: Some(kind.to_owned()), length: None });
            }
        }
        found
    }

    /// Returns a notice that forbids reprinting or names the owner of the text.
    fn rights(&self, page: &[Line]) -> Option<String> {
        page.iter()
            .rev()
            .take(60)
            .map(|line| &line.text)
            .filter(|line| line.chars().count() <= 300)
            .find(|line| words().forbids_reprint.are_in(line))
            .map(|line| text::line(line))
            .or_else(|| self.meta(&["copyright", "dc.rights", "rights"]))
    }

    /// Returns the next page of the same article: a link labelled as such whose address differs only by a page number.
    fn next(&self, body: Id) -> Option<Link> {
        let stem = |link: &Link| -> Option<String> {
            let path = link.path();
            let (folder, file) = path.rsplit_once('/')?;
            let (name, extension) = file.rsplit_once('.').unwrap_or((file, ""));
            let is_page = |part: &str| (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
            let bare = name
                .rsplit_once(['_', '-'])
                .filter(|(_, part)| is_page(part.trim_start_matches('p')))
                .map_or(name, |(bare, _)| bare);
            Some(format!("{folder}/{bare}.{extension}"))
        };
        let own = stem(self.url)?;
        let holder = self.tree.parent(self.tree.parent(body));
        self.tree
            .elements(holder)
            .filter(|id| self.tree.is(*id, &["a"]))
            .filter(|id| {
                let line = self.tree.line(*id);
                let line = line.trim_matches(|c: char| !c.is_alphanumeric());
                words().next.contains(&line.to_lowercase())
            })
            .filter_map(|id| target(self.tree, id, &self.base))
            .find(|to| {
                to.without_fragment() != self.url.without_fragment()
                    && to.same_origin(self.url)
                    && (stem(to).as_ref() == Some(&own) || to.path() == self.url.path())
            })
    }
}

/// The lines around a body, for date, source and people.
struct Around {
    /// From the title down to the body.
    below: Vec<Line>,
    /// Just above the title.
    above: Vec<Line>,
    /// After the body.
    tail: Vec<Line>,
}

/// Returns whether one of the elements contains the other.
fn related(tree: &Tree<'_>, a: Id, b: Id) -> bool {
    (a <= b && b < tree.end(a)) || (b <= a && a < tree.end(b))
}

/// Chooses between the declared and the shown date: the declared one, unless it is less precise, or is the shown time
/// in the wrong zone.
fn settle(said: (Stamp, &'static str), shown: (Stamp, &'static str)) -> (Stamp, &'static str) {
    let rank = |stamp: &Stamp| match stamp.precision {
        Precision::Month => 0,
        Precision::Day => 1,
        Precision::Minute => 2,
        Precision::Second => 3,
    };
    let apart = said.0.at.since(shown.0.at).abs();
    let minutes = apart / 60_000;
    let by_zone = minutes > 0 && minutes % 30 == 0 && minutes <= 14 * 60 && said.0.offset != shown.0.offset;
    let same_day = said.0.day() == shown.0.day();
    if rank(&shown.0) >= 2 && by_zone
        || rank(&said.0) <= 1 && rank(&shown.0) > rank(&said.0) && same_day
        || rank(&shown.0) == 3 && rank(&said.0) == 2 && apart < 60_000
    {
        shown
    } else {
        said
    }
}

/// Returns whether a line reads like a sentence of the story, with at most a third of it in links.
fn is_prose(line: &Line) -> bool {
    width(&line.text) >= 60 && line.linked * 3 < width(&line.text) && line.text.contains(['，', '。', ',', '.'])
}

/// Returns whether a line belongs to the head but is inside the body: labels with a date, or a source.
fn is_head_line(line: &str, clock: Clock<'_>) -> bool {
    let length = line.chars().count();
    if length > 90 || line.ends_with('。') {
        return false;
    }
    let labels = byline::labelled(line);
    // 时间 and 日期 may refer to an event in the text, so they do not count.
    let known = labels.iter().any(|(label, _)| !matches!(label, Label::Other | Label::Time));
    let dated = date::find(line, clock).is_some();
    let is_event = line.starts_with("时间") || line.starts_with("日期");
    known && (dated || length < 40 || labels.len() >= 2)
        || dated && width(line) <= 48 && !is_event && !line.contains(['，', '。'])
}

/// Returns whether a line does not end like a sentence, as titles of related stories and tools do not.
fn is_link_line(line: &str) -> bool {
    !line.ends_with(['。', '！', '？', '；', '：'])
}

/// Merges overlapping ranges; the input must be sorted.
fn merged(ranges: &[(Id, Id)]) -> Vec<(Id, Id)> {
    let mut out: Vec<(Id, Id)> = Vec::with_capacity(ranges.len());
    for (from, to) in ranges {
        match out.last_mut() {
            Some((_, end)) if *from < *end => *end = (*end).max(*to),
            _ => out.push((*from, *to)),
        }
    }
    out
}
