//! What else belongs to an article: its categories, attached files, rights and next page.

use super::body;
use super::body::Line;
use super::labels::is_aside;
use super::reader::Reader;
use crate::model::Enclosure;
use crate::model::Link;
use crate::read::lexicon::words;
use crate::read::markup::page::target;
use crate::read::markup::text;
use crate::read::markup::text::width;
use crate::read::markup::tree::{self, Id};

impl Reader<'_> {
    pub(super) fn categories(&self) -> Vec<String> {
        let column = self.meta(&["columnname"]);
        let words = self.meta(&["keywords", "news_keywords"]).unwrap_or_default();
        let mut found: Vec<String> = Vec::new();
        const MARKS: [char; 6] = [',', '，', ';', '；', '、', '|'];
        // Where nothing else divides them, spaces do.
        let has_marks = words.contains(MARKS);
        let words = words.split(|c: char| MARKS.contains(&c) || c == ' ' && !has_marks);
        for word in column.into_iter().chain(words.map(str::to_owned)) {
            let word = text::line(&word);
            if width(&word) >= 2 && word.chars().count() <= 40 && !found.contains(&word) && found.len() < 32 {
                found.push(word);
            }
        }
        found
    }

    /// Returns the smallest element that holds a file which the page links or shows, outside of menus and footers, for pages that hold
    /// nothing else.
    pub(super) fn file_holder(&self) -> Option<Id> {
        let tree = self.tree;
        let is_file = |id: &Id| {
            let linked = || tree.attribute(*id, "href").is_some_and(|href| body::file_kind(&href).is_some());
            tree.is(*id, &["a"]) && linked() || body::shown_file(tree, *id).is_some()
        };
        let is_outside = |id: &Id| !tree.ancestors(*id).any(|up| is_aside(tree, up) || tree.is_invisible(up));
        let file = tree.elements(0).filter(is_file).find(is_outside)?;
        tree.ancestors(file).skip(1).find(|up| tree::is_block(tree.name(*up)))
    }

    /// Files attached inside the body and right after it.
    pub(super) fn files(&self, body: Id) -> Vec<Enclosure> {
        let holder = self.tree.parent(body);
        let mut found: Vec<Enclosure> = Vec::new();
        for id in self.tree.elements(holder).filter(|id| self.tree.is(*id, &["a", "iframe", "embed", "object"])) {
            let shown = body::shown_file(self.tree, id);
            let linked = || body::link_kind(self.tree, id);
            let Some(kind) = shown.as_ref().map(|(_, kind)| *kind).or_else(linked) else { continue };
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
            let written = shown.and_then(|(address, _)| self.base.join(&address).ok());
            if let Some(to) = written.or_else(|| target(self.tree, id, &self.base))
                && found.iter().all(|file| file.url != to.as_str())
                && found.len() < 32
            {
                found.push(Enclosure { url: to.as_str().to_owned(), kind: Some(kind.to_owned()), length: None });
            }
        }
        found
    }

    /// Returns a notice that forbids reprinting or names the owner of the text.
    pub(super) fn rights(&self, page: &[Line]) -> Option<String> {
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
    pub(super) fn next(&self, body: Id) -> Option<Link> {
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
