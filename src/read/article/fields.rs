//! Article pages: title, date, source, people and body, each from the most trusted place that has it in full.
//!
//! The order of trust: selectors in the config; the meta elements of government sites; JSON-LD and Open Graph; labelled
//! text near the title; text density. Never "the first date in the body".

use super::body;
use super::body::Line;
use super::content_html;
use super::linked_data::linked_data;
use super::published::Dated;
use super::reader::Reader;
use super::reader::{is_chinese, meta};
use super::rules::Article;
use super::rules::ArticleRules;
use super::story::MIN_WIDTH;
use super::story::merged;
use super::story::{Around, Lines};
use crate::model::Draft;
use crate::model::Link;
use crate::read::date::Clock;
use crate::read::markup::page::base;
use crate::read::markup::text;
use crate::read::markup::text::width;
use crate::read::markup::tree::Tree;

/// Least width of a body if a label or a meta element gives the publication date, or if the body has pictures.
const MIN_DATED: usize = 20;
/// Least width of a body if the page gives neither a publication date nor a source.
const MIN_UNSIGNED: usize = 160;

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
        is_chinese: is_chinese(tree),
        faults: Vec::new(),
        found: Vec::new(),
    };
    reader.read()
}

/// Returns the beginning of the text of a story.
fn joined<'l>(lines: impl Iterator<Item = &'l Line>) -> String {
    let mut all = String::new();
    for line in lines {
        if !all.is_empty() {
            all.push('\n');
        }
        all.push_str(text::head(&line.text, MAX_TEXT));
        if all.len() >= MAX_TEXT {
            break;
        }
    }
    all.truncate(text::head(&all, MAX_TEXT).len());
    all.shrink_to_fit();
    all
}

/// The most text of an article that is kept, in bytes.
const MAX_TEXT: usize = 256 * 1024;

/// The most files of a page that is nothing but a notice in files.
const MAX_NOTICE_FILES: usize = 3;

impl Reader<'_> {
    fn read(mut self) -> Article {
        let found = self.body();
        let Some((body, by)) = found.or_else(|| self.file_holder().map(|id| (id, "attached file"))) else {
            return Article { faults: self.faults, ..Article::default() };
        };
        let teasers = self.teasers(body);
        if self.is_none(body, &teasers) {
            return Article { faults: self.faults, ..Article::default() };
        }
        self.found.push(("content_html", by.into()));
        let mut dropped = body::foreign(self.tree, body);
        dropped.extend(teasers);
        for selector in &self.rules.remove {
            dropped.extend(
                selector.find_all(self.tree, body, self.tree.end(body)).into_iter().map(|id| (id, self.tree.end(id))),
            );
        }
        dropped.sort_unstable();
        let page = body::lines(self.tree, 0, self.tree.len(), &[]);
        let title = self.title(body);
        let inside = body::lines(self.tree, body, self.tree.end(body), &dropped);
        let Around { below, above, tail } = self.around(&page, body, &title);
        let head: Vec<Line> = below.iter().chain(&above).cloned().collect();
        let kept = self.without_captions(self.story(&inside, &title, &mut dropped), body);
        let lead = self.lead(&page, body, &title, &inside);
        let words: usize = kept.iter().map(|line| width(&line.text)).sum();
        let has_pictures = self.tree.elements(body).any(|id| self.tree.is(id, &["img", "video"]));
        let published =
            self.published(&Dated { title: &title, body, below: &below, above: &above, inside: &inside, tail: &tail });
        let lines = Lines { title: &title, page: &page, head: &head, inside: &inside, tail: &tail, kept: &kept };
        let credit = self.credit(&lines);
        // A notice of an appointment may be one short sentence.
        let is_dated = published.is_some()
            && self.found.iter().any(|(field, by)| {
                *field == "published"
                    && (by == "labelled text" || by == "meta" || self.is_chinese && by == "text near the title")
            });
        let least = match () {
            () if title.is_empty() => MIN_WIDTH,
            () if is_dated || has_pictures => MIN_DATED,
            () if published.is_none() && credit.is_none() => MIN_UNSIGNED,
            () => MIN_WIDTH,
        };
        let files = self.files(body);
        // A notice may be nothing but a file.
        let is_file = (1..=MAX_NOTICE_FILES).contains(&files.len()) && published.is_some() && !title.is_empty();
        if words < least && !is_file {
            return Article { faults: self.faults, ..Article::default() };
        }
        let (authors, editors) = self.people(&lines);
        dropped.sort_unstable();
        let content_html = lead.iter().map(|line| content_html::paragraph(&line.text)).collect::<String>()
            + &content_html::markup(self.tree, body, &self.base, &merged(&dropped));
        let text = joined(lead.iter().chain(&kept));
        let draft = Draft {
            title,
            link: Some(self.url.as_str().to_owned()),
            published,
            updated: self.updated(published),
            authors,
            editors,
            credit,
            categories: self.categories(),
            summary: self.meta.get("description").cloned().unwrap_or_default(),
            content_html,
            text,
            enclosures: files,
            rights: self.rights(&page),
            code: self.code(),
            found: std::mem::take(&mut self.found),
            ..Draft::default()
        };
        let next = self.next(body);
        Article { draft: Some(draft), next, faults: self.faults, work: 0 }
    }
}
