//! Determines the vocabulary of an element, whatever prefix the feed chose.

/// A vocabulary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::read) enum Namespace {
    /// RSS, Atom and CDF of any version: their names never conflict.
    Core,
    Content,
    Dc,
    DcTerms,
    Itunes,
    Media,
    Rdf,
    Sy,
    Thr,
    Xhtml,
    Xml,
    Other,
}

impl Namespace {
    /// Returns the vocabulary of a namespace URI. Old feeds spell these in many ways.
    pub(in crate::read) fn of_uri(uri: &str) -> Self {
        let uri = uri.trim().to_ascii_lowercase();
        let uri = uri.trim_end_matches(['/', '#']);
        let has = |part: &str| uri.contains(part);
        match () {
            () if has("w3.org/1999/xhtml") => Self::Xhtml,
            () if has("rss/1.0/modules/content") => Self::Content,
            () if has("rss/1.0/modules/syndication") => Self::Sy,
            () if has("rss/1.0/modules/") => Self::Other,
            () if has("purl.org/dc/elements") => Self::Dc,
            () if has("purl.org/dc/terms") => Self::DcTerms,
            () if has("itunes.com/dtds/podcast") || has("example.com/dtds/podcast") => Self::Itunes,
            () if has("search.yahoo.com/mrss") => Self::Media,
            () if has("1999/02/22-rdf-syntax-ns") => Self::Rdf,
            () if has("purl.org/syndication/thread") => Self::Thr,
            () if has("w3.org/2005/atom") || has("purl.org/atom/") || has("/2003/feed") => Self::Core,
            () if has("purl.org/rss/")
                || has("purl.org/net/rss")
                || has("netscape.com/rdf/simple")
                || has("userland.com/rss")
                || has("/tech/rss") =>
            {
                Self::Core
            }
            () if has("microsoft.com/standards/channels") || has("cdf") => Self::Core,
            () if uri.is_empty() => Self::Core,
            () => Self::Other,
        }
    }

    /// Returns the vocabulary of an undeclared prefix.
    pub(in crate::read) fn of_prefix(prefix: &str) -> Self {
        match prefix.to_ascii_lowercase().as_str() {
            "" | "rss" | "atom" | "a10" => Self::Core,
            "content" => Self::Content,
            "dc" => Self::Dc,
            "dcterms" => Self::DcTerms,
            "itunes" => Self::Itunes,
            "media" => Self::Media,
            "rdf" => Self::Rdf,
            "sy" => Self::Sy,
            "thr" => Self::Thr,
            "xhtml" => Self::Xhtml,
            "xml" => Self::Xml,
            _ => Self::Other,
        }
    }
}
