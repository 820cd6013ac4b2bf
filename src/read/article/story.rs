//! Which lines of a page are the story, and which are around it.

use super::body::{self, Line};
use super::boilerplate::{self, is_head_line};
use super::density;
use super::labels::is_aside;
use super::reader::Reader;
use crate::read::byline;
use crate::read::lexicon::words;
use crate::read::markup::page;
use crate::read::markup::text;
use crate::read::markup::text::squeeze;
use crate::read::markup::text::width;
use crate::read::markup::tree::Id;
use crate::read::markup::tree::Tree;
use crate::read::signature::writers;
use crate::read::tables::bodies;

/// Least width of an article's body: 30 Chinese characters.
pub(super) const MIN_WIDTH: usize = 60;

/// Least width of the text in an element that a platform is known for.
const MIN_KNOWN: usize = 20;

/// The most links between a heading such as "Related" and the rest of the story.
const MAX_REFERRED: usize = 3;
/// The widest line between paragraphs that is only a link to another story.
const MAX_STRAY: usize = 160;

/// How many elements around a line its link may be.
const MAX_LINK_LEVELS: usize = 4;
/// The fewest words of the last part of a story's address, or the fewest digits of its path.
const MIN_SLUG: usize = 4;
const MIN_DIGITS: usize = 4;
/// How many lines above the title may tell of the story; of a table of labels and values, and how many of its lines in a row may be
/// no labels.
const NEAR_TITLE: usize = 4;
const MAX_FACTS: usize = 48;
const MAX_GAP: usize = 3;
/// The widest line of such a table.
const MAX_FACT: usize = 160;

/// The lines of a page by where they lie.
pub(super) struct Lines<'l> {
    pub(super) title: &'l str,
    /// All of them.
    pub(super) page: &'l [Line],
    /// Between title and body, and above the title.
    pub(super) head: &'l [Line],
    /// Within the body.
    pub(super) inside: &'l [Line],
    /// Behind the body.
    pub(super) tail: &'l [Line],
    /// Those of the body that are the story.
    pub(super) kept: &'l [Line],
}

/// The lines around a body, for date, source and people.
pub(super) struct Around {
    /// From the title down to the body.
    pub(super) below: Vec<Line>,
    /// Just above the title.
    pub(super) above: Vec<Line>,
    /// After the body.
    pub(super) tail: Vec<Line>,
}

impl Reader<'_> {
    pub(super) fn body(&mut self) -> Option<(Id, &'static str)> {
        if let Some(id) = self.pinned("article.body", self.rules.body.as_ref()) {
            return Some((id, "config"));
        }
        let marked: Vec<Id> = self.tree.elements(0).filter(|id| self.tree.has_attributes(*id)).collect();
        let known = bodies().iter().find_map(|selector| {
            let id = selector.first_of(self.tree, &marked)?;
            let wide: usize = self.tree.texts(id).map(|(_, text)| width(&text)).sum();
            (wide >= MIN_KNOWN).then_some((id, wide >= 2 * MIN_WIDTH))
        });
        let dense = density::find(self.tree);
        // What is beside a story may be longer than a short one.
        let is_beside = |dense: Id| self.tree.ancestors(dense).any(|up| is_aside(self.tree, up));
        match (known, dense) {
            // If the densest element lies around or inside the known one, the known one is the body. One beside it may be a box that is
            // longer than a short story.
            (Some((known, is_long)), Some(dense))
                if is_long && related(self.tree, known, dense)
                    || self.is_comparable(known, dense)
                    || !is_long && is_beside(dense) =>
            {
                Some((known, "platform's element"))
            }
            (_, Some(dense)) => Some((dense, "density of text")),
            (Some((known, _)), None) => Some((known, "platform's element")),
            (None, None) => None,
        }
    }

    /// Returns whether an element reads like a story, and holds at least a third of the text of another one.
    fn is_comparable(&self, known: Id, dense: Id) -> bool {
        let plain = |id: Id| {
            let lines = body::lines(self.tree, id, self.tree.end(id), &body::foreign(self.tree, id));
            let prose = lines.iter().filter(|line| is_prose(line)).count();
            (lines.iter().map(|line| width(&line.text).saturating_sub(line.linked)).sum::<usize>(), prose)
        };
        let ((own, prose), (other, _)) = (plain(known), plain(dense));
        prose > 0 && own * 3 >= other
    }

    /// Returns whether the page is not an article: a login form, an error page, or a list of teasers.
    pub(super) fn is_none(&self, body: Id, teasers: &[(Id, Id)]) -> bool {
        let tree = self.tree;
        if tree.elements(0).any(|id| {
            tree.is(id, &["input"])
                && tree.attribute(id, "type").is_some_and(|kind| kind.eq_ignore_ascii_case("password"))
                && !tree.ancestors(id).any(|up| tree.is_invisible(up))
        }) && tree.texts(0).map(|(_, text)| width(&text)).sum::<usize>() < 10 * MIN_WIDTH
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
        self.is_only_teasers(body, teasers)
    }

    /// Collects the lines around the body that belong to it: from the title down to the body, above the title, and
    /// after the body.
    pub(super) fn around(&self, page: &[Line], body: Id, title: &str) -> Around {
        let starts = page.iter().position(|line| line.to > body).unwrap_or(page.len());
        let bare = squeeze(title);
        let titled = page.iter().take(starts).rposition(|line| {
            let line = squeeze(&line.text);
            !bare.is_empty()
                && (line == bare || line.contains(&bare) && line.chars().count() < bare.chars().count() + 12)
        });
        // The heading may leave out the kicker that the metadata put before the title.
        let is_most = |line: &Line| {
            let line = squeeze(&line.text);
            line.chars().count() * 2 > bare.chars().count() && bare.ends_with(&line)
        };
        let titled = titled.or_else(|| page.iter().take(starts).rposition(is_most));
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
        let above = pick(self.facts_from(page, from), from).filter(|line| !is_clock(line)).collect();
        let mut below: Vec<Line> = pick(from, starts).collect();
        if titled.is_none() {
            below.retain(|line| !is_clock(line));
        }
        let ends = page.iter().position(|line| line.from >= self.tree.end(body)).unwrap_or(page.len());
        let tail = page.get(ends..(ends + 30).min(page.len())).unwrap_or(&[]).to_vec();
        Around { below, above, tail }
    }

    /// Returns where the lines above a title begin that may tell of the story: all those of a table of labels and values, as on
    /// pages of documents of Chinese offices.
    fn facts_from(&self, page: &[Line], title: usize) -> usize {
        let is_label = |line: &Line| {
            let text = line.text.trim_end();
            let has_value = || !byline::labelled(&line.spaced).is_empty();
            text.contains(['：', ':'])
                && width(text) <= MAX_FACT
                && (has_value() || !byline::labelled(&format!("{text}-")).is_empty())
        };
        let lines = page.get(title.saturating_sub(MAX_FACTS)..title).unwrap_or(&[]);
        let mut last = title;
        for (at, line) in (0..title).rev().zip(lines.iter().rev()).filter(|_| self.is_chinese) {
            if is_label(line) {
                last = at;
            } else if last - at > MAX_GAP {
                break;
            }
        }
        last.min(title.saturating_sub(NEAR_TITLE))
    }

    /// Returns whether a line is only a link to another story of this site. On Chinese pages it may be one of the things that a notice
    /// lists, as it may be in a list or a table.
    fn is_stray(&self, line: &Line) -> bool {
        !self.is_chinese
            && is_mostly_link(line)
            && width(&line.text) < MAX_STRAY
            && self.leads_to_story(line)
            && !self
                .tree
                .ancestors(line.from)
                .take(6)
                .any(|up| self.tree.is(up, &["li", "td", "dd", "dt", "h2", "h3", "h4"]))
    }

    /// Returns whether the link of a line leads to what may be a story of this site: its address ends in a number or in many words. A
    /// form, a document or another site is something that the story tells of.
    fn leads_to_story(&self, line: &Line) -> bool {
        let around = self.tree.ancestors(line.from).take(MAX_LINK_LEVELS);
        let mut links = around.chain(line.from..line.to).filter(|id| self.tree.is(*id, &["a"]));
        let Some(target) = links.find_map(|id| page::target(self.tree, id, &self.base)) else { return true };
        let path = target.path().trim_end_matches('/');
        let last = path.rsplit('/').next().unwrap_or("");
        let words = last.split(['-', '_']).filter(|word| !word.is_empty()).count();
        target.registrable_domain() == self.url.registrable_domain()
            && body::file_kind(path).is_none()
            && (words >= MIN_SLUG || path.bytes().filter(u8::is_ascii_digit).count() >= MIN_DIGITS)
    }

    /// Returns whether a line between sentences is only a link to what the story tells of: an address, a document, another site.
    fn is_reference(&self, lines: &[Line], at: usize) -> bool {
        let is_text =
            |line: &Line| line.linked == 0 && width(&line.text) >= 24 && !boilerplate::is_boilerplate(&line.text);
        let (Some(before), Some(after)) = (at.checked_sub(1).and_then(|at| lines.get(at)), lines.get(at + 1)) else {
            return false;
        };
        !self.is_chinese
            && is_prose(before)
            && is_text(after)
            && lines.get(at).is_some_and(|line| width(&line.text) >= 16 && !self.leads_to_story(line))
    }

    /// Returns whether the story goes on behind a line, perhaps after a few links. On Chinese pages what stands behind a link tells of
    /// the story that it leads to.
    fn goes_on_behind(&self, lines: &[Line], at: usize) -> bool {
        let links = if self.is_chinese { 0 } else { MAX_REFERRED };
        let next = lines.iter().skip(at + 1).take(links + 1).find(|line| !is_mostly_link(line));
        next.is_some_and(|line| is_prose(line) && !boilerplate::is_boilerplate(&line.text))
    }

    /// Returns the lines of the story, without its title, head lines, boilerplate and the related stories that follow.
    pub(super) fn story(&self, all_lines: &[Line], title: &str, dropped: &mut Vec<(Id, Id)>) -> Vec<Line> {
        let bare = squeeze(title);
        let all: usize = all_lines.iter().map(|line| width(&line.text)).sum();
        let mut so_far = 0;
        let mut kept: Vec<Line> = Vec::with_capacity(all_lines.len());
        let mut over = false;
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
                    && (boilerplate::is_above_comments(&line.text)
                        || ends_story(all_lines, at) && !self.goes_on_behind(all_lines, at));
            let is_title = is_early && squeeze(&line.text) == bare;
            let is_head = is_early && (is_head_line(&line.spaced, self.clock) || boilerplate::is_role(&line.text));
            let mostly_link = is_mostly_link(line) && width(&line.text) < 60;
            // A notice may link each thing that it lists and then go on.
            let goes_on = || {
                !kept.is_empty() && all_lines.get(at + 1..).unwrap_or(&[]).iter().take(8).any(is_prose)
                    || kept.last().is_some_and(|last| last.text.trim_start().starts_with("附件"))
                    || self.is_reference(all_lines, at)
            };
            let is_byline = || is_early && !line.text.starts_with(['（', '(']) && !writers(&line.text).is_empty();
            // "Más información", and the one link below it.
            let is_link = |at: usize| all_lines.get(at).is_some_and(is_mostly_link);
            let is_referred =
                ends_story(all_lines, at) && is_link(at + 1) || is_link(at) && at > 0 && ends_story(all_lines, at - 1);
            let is_none = over
                || is_referred
                || is_byline()
                || is_before
                || is_title
                || is_head
                || boilerplate::is_boilerplate(&line.text)
                // À lire aussi<a>…</a>
                || line.linked > 0 && boilerplate::is_boilerplate(&line.spaced)
                || so_far * 10 > all * 3 && boilerplate::is_only_heading(&line.text);
            if is_none || mostly_link && !goes_on() || self.is_stray(line) {
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
}

/// Returns whether one of the elements contains the other.
fn related(tree: &Tree<'_>, a: Id, b: Id) -> bool {
    (a <= b && b < tree.end(a)) || (b <= a && a < tree.end(b))
}

/// Returns whether a line reads like a sentence of the story, with at most a third of it in links.
pub(super) fn is_prose(line: &Line) -> bool {
    width(&line.text) >= 60 && line.linked * 3 < width(&line.text) && line.text.contains(['，', '。', ',', '.'])
}

/// Returns whether a line is a heading above links to other stories.
fn ends_story(lines: &[Line], at: usize) -> bool {
    let is_above_link = || lines.get(at + 1).is_some_and(is_mostly_link);
    lines.get(at).is_some_and(|line| {
        boilerplate::ends_story(&line.text) || boilerplate::may_end_story(&line.text) && is_above_link()
    })
}

/// Returns whether a line is a link and no sentence.
fn is_mostly_link(line: &Line) -> bool {
    line.linked * 10 > width(&line.text) * 9 && is_link_line(&line.text)
}

/// Returns whether a line does not end like a sentence, as titles of related stories and tools do not.
fn is_link_line(line: &str) -> bool {
    !line.ends_with(['。', '！', '？', '；', '：'])
}

/// Merges overlapping ranges; the input must be sorted.
pub(super) fn merged(ranges: &[(Id, Id)]) -> Vec<(Id, Id)> {
    let mut out: Vec<(Id, Id)> = Vec::with_capacity(ranges.len());
    for (from, to) in ranges {
        match out.last_mut() {
            Some((_, end)) if *from < *end => *end = (*end).max(*to),
            _ => out.push((*from, *to)),
        }
    }
    out
}
