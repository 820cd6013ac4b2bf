//! Fetches one document for a command.

use crate::config::Config;
use crate::daemon::now;
use crate::fetch::{Fetcher, Options, Request};
use crate::model::{Link, Page, Source, Tls};

use super::out::say;
use super::place;

/// Fetches a page, within the limits of the config if there is one. `named` is the URL that the admin gave and that led
/// to `link`.
pub(super) fn page(
    link: &Link,
    named: &Link,
    config: Option<&Config>,
    source: Option<&Source>,
) -> anyhow::Result<Page> {
    let options = config.map_or_else(
        || Options {
            guard: crate::fetch::Guard::default(),
            timeout: std::time::Duration::from_secs(30),
            max_body: 8 << 20,
            public_url: None,
            contact: None,
        },
        |config| config.settings.fetch.clone(),
    );
    // An admin may name a URL in an allowed private network, and on any port. A link found there gets no rights of its
    // own.
    let named = source.map_or(named, |source| &source.url);
    let is_inside = source.map_or_else(|| options.guard.names_own(named), |source| source.is_inside);
    let fetcher = Fetcher::new(options)?;
    if let Some(distrust) = fetcher.distrust().filter(|_| link.as_str().starts_with("https:")) {
        say(&format!("dayuan: {distrust}"));
    }
    let request = Request {
        own_port: named.port(),
        is_inside,
        source,
        tls: source.map_or(Tls::Strict, |source| source.tls),
        post: source.and_then(|source| source.post.as_deref()),
        ..Request::to(link)
    };
    let answer = place::runtime()?.block_on(fetcher.get(request, now()))?;
    anyhow::ensure!(answer.status == 200, "{} answered {} instead of a document", answer.url, answer.status);
    if let Some(moved) = &answer.moved {
        say(&format!("dayuan: the site says that this has moved for good to {moved}"));
    }
    Ok(Page { url: answer.url, content_type: answer.content_type, body: answer.body })
}
