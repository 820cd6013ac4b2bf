//! What the config says of articles, and what one is read as.

use crate::model::Draft;
use crate::model::Link;
use crate::read::fault::Fault;
use crate::read::markup::selector::Selector;
use crate::read::markup::text::squeeze;

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
