//! The source, authors and editors that an article names.

use super::body::Line;
use super::reader::Reader;
use crate::model::Credit;
use crate::read::byline;
use crate::read::date;
use crate::read::lexicon::Label;
use crate::read::markup::text::width;
use crate::read::tables::tables;

impl Reader<'_> {
    /// Returns the medium that the story was taken from.
    pub(in crate::read) fn credit(&mut self, head: &[Line], inside: &[Line], tail: &[Line]) -> Option<Credit> {
        let (name, by) = self.credit_name(head, inside, tail)?;
        self.found.push(("credit", by.into()));
        Some(Credit { name, link: None })
    }

    fn credit_name(&mut self, head: &[Line], inside: &[Line], tail: &[Line]) -> Option<(String, &'static str)> {
        if let Some(id) = self.pinned("article.source", self.rules.source.as_ref()) {
            let line = self.tree.line(id);
            let labelled =
                byline::labelled(&line).into_iter().find(|(label, _)| *label == Label::Source).map(|(_, value)| value);
            if let Some(name) = byline::medium(&labelled.unwrap_or(line)) {
                return Some((name, "config"));
            }
        }
        let official = self.meta(&tables().meta.source).and_then(|name| byline::medium(&name));
        // These names do not say whose the story is; such a meta element is used only if nothing else is found.
        if let Some(name) = official.clone().filter(|name| !tables().names.nobody.contains(name)) {
            return Some((name, "meta"));
        }
        let of_lines = |lines: &[Line]| {
            lines.iter().find_map(|line| {
                byline::labelled(&line.spaced)
                    .into_iter()
                    .filter(|(label, _)| *label == Label::Source)
                    .find_map(|(_, value)| byline::medium(&value))
            })
        };
        if let Some(name) = of_lines(head) {
            return Some((name, "labelled text"));
        }
        // 2019-09-26 10:56:28 证券时报网: a name alone next to the date.
        let beside = head.iter().filter(|line| line.linked * 2 < width(&line.text).max(1)).find_map(|line| {
            date::find(&line.text, self.clock)?;
            let labels = byline::labelled(&line.spaced);
            if labels.iter().any(|(label, _)| !matches!(label, Label::Other | Label::Date)) {
                return None;
            }
            let mut rest = line.spaced.clone();
            if let Some((_, at)) = date::find(&rest, self.clock) {
                rest.replace_range(at, "  ");
            }
            let mut names =
                rest.split("  ").flat_map(|piece| piece.split(['|', '丨', '·', '　', ','])).map(str::trim).filter(
                    |piece| {
                        let bare = piece.trim_matches(|c: char| !c.is_alphanumeric());
                        (3..=16).contains(&bare.chars().count())
                    && !piece.ends_with([':', '：'])
                    && !["原创", "转载", "置顶"].contains(&bare)
                    // Names of the page's section, not of a medium.
                    && !tables().names.section_ends.iter().any(|end| bare.ends_with(end.as_str()))
                    && bare.chars().all(|c| c.is_alphanumeric() || "-·".contains(c))
                    && byline::labelled(piece).is_empty()
                    && bare.chars().filter(char::is_ascii_digit).count() * 3 < bare.chars().count()
                    && !byline::is_person(bare)
                    },
                );
            let name = names.next()?.to_owned();
            (names.next().is_none()).then(|| byline::medium(&name)).flatten()
        });
        if let Some(name) = beside {
            return Some((name, "text beside the date"));
        }
        let account = self
            .tree
            .elements(0)
            .filter(|id| {
                self.tree.attribute(*id, "id").is_some_and(|id| id == "js_name")
                    || self.tree.classes(*id).any(|class| {
                        matches!(
                            class,
                            "author-name"
                                | "account-name"
                                | "media-name"
                                | "mp-name"
                                | "source-name"
                                | "account_nickname_inner"
                        )
                    })
            })
            .find_map(|id| byline::medium(&self.tree.line(id)));
        if let Some(name) = account {
            return Some((name, "element's class"));
        }
        let classed = self
            .tree
            .elements(0)
            .filter(|id| {
                let labels = self.tree.labels(*id);
                !labels.is_empty()
                    && !labels.contains("title")
                    && labels.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| {
                        matches!(word, "source" | "laiyuan" | "ly" | "src" | "origin" | "from" | "media" | "sourcename")
                    })
            })
            .filter(|id| self.tree.end(*id) - *id < 24)
            .find_map(|id| {
                let line = self.tree.line(id);
                let labelled = byline::labelled(&line);
                match labelled.iter().find(|(label, _)| *label == Label::Source) {
                    Some((_, value)) => byline::medium(value),
                    None if labelled.is_empty() && width(&line) <= 40 && date::find(&line, self.clock).is_none() => {
                        byline::medium(&line)
                    }
                    None => None,
                }
            });
        if let Some(name) = classed {
            return Some((name, "element's class"));
        }
        let ends: Vec<Line> =
            inside.iter().rev().take(6).chain(inside.iter().take(4)).chain(tail.iter().take(4)).cloned().collect();
        let publisher = || {
            let data = self.linked_data.as_ref()?;
            let name = data.get("publisher").and_then(|publisher| publisher.get("name").or(Some(publisher)))?;
            byline::medium(name.as_str()?)
        };
        of_lines(&ends)
            .map(|name| (name, "labelled text"))
            .or_else(|| publisher().map(|name| (name, "JSON-LD")))
            .or_else(|| official.map(|name| (name, "meta")))
    }

    /// Returns the authors and the editors.
    pub(in crate::read) fn people(
        &mut self,
        title: &str,
        page: &[Line],
        (head, inside, tail): (&[Line], &[Line], &[Line]),
        kept: &[Line],
    ) -> (Vec<String>, Vec<String>) {
        let (mut authors, mut editors): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
        if let Some(id) = self.pinned("article.author", self.rules.author.as_ref()) {
            let line = self.tree.line(id);
            let value = byline::labelled(&line)
                .into_iter()
                .find(|(label, _)| *label == Label::Author)
                .map_or(line, |(_, value)| value);
            authors = byline::people(&value);
        }
        let add = |to: &mut Vec<String>, names: Vec<String>| {
            for name in names {
                if !to.contains(&name) && to.len() < 12 {
                    to.push(name);
                }
            }
        };
        let ends = inside.iter().rev().take(8).filter(|line| line.text.chars().count() <= 80);
        for line in head
            .iter()
            .chain(inside.iter().take(3).filter(|line| line.text.chars().count() <= 60))
            .chain(ends)
            .chain(tail)
        {
            // A picture's caption names the photographer.
            if line.text.trim_end().ends_with('摄') {
                continue;
            }
            let is_far = tail.get(4).is_some_and(|fifth| line.from >= fifth.from);
            for (label, value) in byline::labelled(&line.spaced) {
                match label {
                    Label::Author if is_far => {}
                    Label::Author => add(&mut authors, byline::people(&value)),
                    Label::Editor => add(&mut editors, byline::editors(&value)),
                    _ => {}
                }
            }
        }
        if authors.is_empty() {
            // 2022-12-28 11:06  融媒体中心记者 姜文静: a byline next to the date.
            for line in head.iter().filter(|line| line.text.chars().count() <= 60 && line.linked == 0) {
                let mut rest = line.spaced.clone();
                if let Some((_, at)) = date::find(&rest, self.clock) {
                    rest.replace_range(at, "  ");
                }
                for piece in
                    rest.split(['|', '丨', '·', '　']).flat_map(|piece| piece.split("  ")).chain([rest.as_str()])
                {
                    if authors.is_empty() {
                        add(&mut authors, byline::whole_line(piece));
                    }
                }
            }
        }
        if authors.is_empty() {
            for line in kept.iter().take(4) {
                if authors.is_empty() {
                    add(&mut authors, byline::in_dateline(&line.text));
                }
            }
        }
        // On stories taken from other sites, the editor is often named far below the body, beyond `tail`.
        let after = page.iter().filter(|line| tail.first().is_some_and(|first| line.from >= first.from));
        let far = after.skip(tail.len()).find(|line| line.text.chars().count() <= 30 && line.text.contains("责任编辑"));
        if let Some(line) = far.filter(|_| editors.is_empty()) {
            for (label, value) in byline::labelled(&line.text) {
                if label == Label::Editor {
                    editors.extend(byline::editors(&value));
                }
            }
        }
        // On WeChat public accounts the author's name has an element of its own.
        let written =
            self.tree.elements(0).filter(|id| self.tree.classes(*id).any(|class| class == "rich_media_meta_text"));
        for id in written.take(3) {
            let line = self.tree.line(id);
            if authors.is_empty() && byline::is_person(&line) {
                authors.push(line);
            }
        }
        if let Some(name) = self.meta(&["author", "article:author"]) {
            let people = byline::people(&name);
            // The name of the site is not an author.
            let is_site =
                |name: &String| self.meta.get("og:site_name").is_some_and(|site| site.contains(name.as_str()));
            if authors.is_empty() && people.iter().all(|name| byline::is_person(name) && !is_site(name)) {
                add(&mut authors, people);
            }
        }
        if authors.is_empty() {
            let people = self.linked_data.as_ref().and_then(|data| data.get("author")).map(|author| match author {
                serde_json::Value::Array(many) => many.clone(),
                one => vec![one.clone()],
            });
            let is_person = |value: &serde_json::Value| {
                value.get("@type").and_then(serde_json::Value::as_str).is_none_or(|kind| kind == "Person")
            };
            for value in people.iter().flatten().filter(|value| is_person(value)) {
                let name = value.get("name").unwrap_or(value).as_str().unwrap_or("");
                let names = byline::people(name);
                let fits = |name: &String| !name.chars().any(byline::is_han) || byline::is_person(name);
                if names.iter().all(fits) {
                    add(&mut authors, names);
                }
            }
        }
        if authors.is_empty() {
            for line in kept.iter().take(3).chain(kept.iter().rev().take(4)) {
                add(&mut authors, byline::whole_line(&line.text));
            }
        }
        if authors.is_empty() {
            // Only the first closing byline counts: a note after the story may have its own.
            for line in kept {
                if authors.is_empty() {
                    add(&mut authors, byline::in_closing(&line.text));
                }
            }
        }
        // 王文：…, if the page also has a box about that person.
        if authors.is_empty()
            && let Some((name, _)) = title.split_once('：')
            && byline::is_person(name)
            && page
                .iter()
                .any(|line| line.text.starts_with(name) && line.text.chars().count() <= 40 && !line.text.contains('：'))
        {
            authors.push(name.to_owned());
        }
        authors.retain(|name| !editors.contains(name));
        if !authors.is_empty() {
            self.found.push(("authors", "byline".into()));
        }
        (authors, editors)
    }
}
