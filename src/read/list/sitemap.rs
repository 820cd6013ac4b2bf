//! Sitemaps (sitemaps.org 0.9, with the news extension).

use std::collections::HashSet;

use crate::model::{Draft, Link, Moment, Stamp};
use crate::read::date::{self, Clock};
use crate::read::fault::{Fault, FaultKind};
use crate::read::markup::text;
use crate::read::markup::tokens::{Token, Tokens};
use crate::read::reading::newest;

/// The most pages returned from a sitemap; up to 20 times as many are buffered before sorting.
const MAX_PAGES: usize = 100;

/// Keeps only the newest pages, newest first; equal dates stay in document order.
fn newest_first(drafts: &mut Vec<Draft>) {
    drafts.sort_by_key(|draft| std::cmp::Reverse(date(draft)));
    let dates: Vec<Option<Moment>> = drafts.iter().map(date).collect();
    let kept: HashSet<usize> = newest(&dates, MAX_PAGES).into_iter().collect();
    let mut at = 0..;
    drafts.retain(|_| at.next().is_some_and(|at| kept.contains(&at)));
}

fn date(draft: &Draft) -> Option<Moment> {
    draft.published.or(draft.updated).map(|stamp| stamp.at)
}

/// What a sitemap lists.
pub(in crate::read) struct Sitemap {
    /// Its pages, newest first.
    pub(in crate::read) drafts: Vec<Draft>,
    /// For an index, the sitemap changed last.
    pub(in crate::read) follow: Option<Link>,
    /// The number of pages that it lists; not all of them are read.
    pub(in crate::read) pages: usize,
}

/// Returns the fault of a sitemap with more pages than are read.
pub(in crate::read) fn too_many(pages: usize) -> Option<Fault> {
    let detail = format!(
        "{pages} pages, of which only the newest {MAX_PAGES} are read; where dates do not tell, the first and the last"
    );
    (pages > MAX_PAGES).then(|| Fault::new(FaultKind::TooMany, "document", detail))
}

/// Reads a sitemap.
pub(in crate::read) fn read(document: &str, url: &Link, clock: Clock<'_>) -> Sitemap {
    let (mut drafts, mut pages): (Vec<Draft>, usize) = (Vec::new(), 0);
    let mut indexed: Vec<(Option<Stamp>, Link)> = Vec::new();
    let (mut name, mut open, mut is_index) = (String::new(), Draft::default(), false);
    for token in Tokens::new(document) {
        match token {
            Token::Start { name: start, .. } => {
                name = start.rsplit(':').next().unwrap_or(start).to_ascii_lowercase();
                if matches!(name.as_str(), "url" | "sitemap") {
                    is_index = name == "sitemap";
                    open = Draft::default();
                }
            }
            Token::Text(raw) | Token::Cdata(raw) => {
                let value = text::line(&text::resolve(raw, &text::Definitions::none()));
                match name.as_str() {
                    _ if value.is_empty() => {}
                    "loc" if open.link.is_none() => {
                        open.link = url.join(&value).ok().map(|link| link.as_str().to_owned())
                    }
                    // A title may come in many pieces, each as long as a whole one.
                    "title" if open.title.len() < 2048 => open.title = text::line(&format!("{}{value}", open.title)),
                    "publication_date" => open.published = date::parse(&value, clock),
                    "lastmod" => open.updated = date::parse(&value, clock),
                    "keywords" => {
                        open.categories =
                            value.split(',').map(text::line).filter(|word| !word.is_empty()).take(32).collect()
                    }
                    _ => {}
                }
            }
            Token::End { name: end } => {
                name.clear();
                let end = end.to_ascii_lowercase();
                let done = std::mem::take(&mut open);
                match (end.as_str(), done.link.as_deref()) {
                    ("url", Some(_)) => {
                        drafts.push(done);
                        pages += 1;
                        if drafts.len() >= 20 * MAX_PAGES {
                            newest_first(&mut drafts);
                        }
                    }
                    ("sitemap", Some(link)) if is_index => {
                        indexed.extend(Link::parse(link).ok().map(|link| (done.updated, link)))
                    }
                    ("url" | "sitemap", _) => {}
                    _ => open = done,
                }
            }
            Token::Doctype(_) => {}
        }
    }
    newest_first(&mut drafts);
    for draft in &mut drafts {
        draft.found = vec![("link", "sitemap".into())];
    }
    // Without dates, the last one is usually the newest.
    let newest = indexed.into_iter().max_by_key(|(stamp, _)| stamp.map(|stamp| stamp.at)).map(|(_, link)| link);
    Sitemap { drafts, follow: newest, pages }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Zone;
    use crate::read::date::Order;

    #[test]
    fn a_sitemap_that_is_cut_says_so() {
        let url = |at: usize| format!("<url><loc>http://example.org/{at}.html</loc></url>");
        let map = |pages: usize| format!("<urlset>{}</urlset>", (0..pages).map(url).collect::<String>());
        let address = Link::parse("http://example.org/sitemap.xml").unwrap();
        let clock =
            Clock { now: Moment::from_seconds(0), zone: &Zone::shanghai(), chinese: false, order: Order::Unknown };
        for (pages, is_cut) in [(MAX_PAGES, false), (MAX_PAGES + 1, true), (30 * MAX_PAGES, true)] {
            let sitemap = read(&map(pages), &address, clock);
            assert_eq!((sitemap.drafts.len(), sitemap.pages), (MAX_PAGES, pages));
            assert_eq!(too_many(sitemap.pages).is_some(), is_cut, "{pages}");
        }
    }
}
