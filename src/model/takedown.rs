//! Takedowns: what an admin does not publish any more, whoever reports it and whenever it comes in again.

use super::{Link, SourceId};

/// What a takedown covers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Items whose address is on this host, or on a host below it.
    Host(String),
    /// Items whose address begins so, by http or https; without the scheme.
    Prefix(String),
    /// Items of a source.
    Source(SourceId),
}

/// Who decided on a takedown, and so who can end it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// It is in the config; it ends when it is removed from there.
    Config,
    /// It was a command; it ends with another one.
    Command,
}

/// A decision not to publish what its scope covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Takedown {
    /// What it covers.
    pub scope: Scope,
    /// Who decided it.
    pub origin: Origin,
    /// The admin's reason, verbatim; never published.
    pub reason: String,
    /// What readers are told.
    pub public_reason: Option<String>,
}

impl Scope {
    /// Makes a scope from a kind and its value, as the config and the log write them.
    ///
    /// # Errors
    /// A sentence if the value cannot be one of this kind.
    pub fn parse(kind: &str, value: &str) -> Result<Self, String> {
        match kind {
            "host" => {
                let host = value.trim().trim_start_matches("*.").trim_end_matches('.');
                let link = Link::parse(&format!("http://{host}/")).map_err(|_invalid| not_a_host(value))?;
                // A path, a port or a user would make it more than a host.
                let is_host = !host.is_empty() && !host.contains(['/', '?', '#', '@', ':', ' ']);
                if is_host { Ok(Self::Host(link.host_text().to_owned())) } else { Err(not_a_host(value)) }
            }
            "prefix" => {
                let link = Link::parse(value).map_err(|error| error.to_string())?;
                Ok(Self::Prefix(without_scheme(&link).to_owned()))
            }
            "source" => SourceId::new(value).map(Self::Source).map_err(|error| error.to_string()),
            other => Err(format!("`{other}` is no kind of takedown")),
        }
    }

    /// Returns the word for its kind.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Host(_) => "host",
            Self::Prefix(_) => "prefix",
            Self::Source(_) => "source",
        }
    }

    /// Returns its value, in the form that [`Scope::parse`] takes.
    pub fn value(&self) -> String {
        match self {
            Self::Host(host) => host.clone(),
            Self::Prefix(prefix) => format!("http://{prefix}"),
            Self::Source(id) => id.as_str().to_owned(),
        }
    }

    /// Returns whether it covers what a source, also known by former ids, reports at an address.
    pub fn covers(&self, source: &SourceId, former: &[SourceId], link: Option<&Link>) -> bool {
        match self {
            Self::Source(id) => id == source || former.contains(id),
            Self::Host(_) | Self::Prefix(_) => link.is_some_and(|link| self.covers_link(link)),
        }
    }

    /// Returns whether it covers an address.
    pub fn covers_link(&self, link: &Link) -> bool {
        match self {
            Self::Host(host) => is_below(link.host_text().trim_end_matches('.'), host),
            Self::Prefix(prefix) => Link::parse(&format!("http://{prefix}")).is_ok_and(|begin| begins(link, &begin)),
            Self::Source(_) => false,
        }
    }
}

impl std::fmt::Display for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Prefix(prefix) => write!(f, "prefix {prefix}"),
            other => write!(f, "{} {}", other.kind(), other.value()),
        }
    }
}

impl Origin {
    /// Returns the word that the log has for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Config => "config",
            Self::Command => "command",
        }
    }

    /// Returns the origin with this word.
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Config, Self::Command].into_iter().find(|origin| origin.word() == word)
    }
}

fn not_a_host(value: &str) -> String {
    format!("`{value}` is not a host")
}

fn without_scheme(link: &Link) -> &str {
    link.as_str().split_once("://").map_or("", |(_, rest)| rest)
}

/// Returns whether a host is this one or below it.
fn is_below(host: &str, above: &str) -> bool {
    host.strip_suffix(above).is_some_and(|below| below.is_empty() || below.ends_with('.'))
}

/// Returns whether an address begins with another one, however a source writes it: by a twin of the host, with a port, or with
/// other escapes and slashes that lead to the same page.
fn begins(link: &Link, begin: &Link) -> bool {
    let twin = |link: &Link| link.host_text().trim_end_matches('.').trim_start_matches("www.").to_owned();
    let is_same_port = begin.url().port().is_none() || begin.port() == link.port();
    is_same_port
        && twin(link) == twin(begin)
        && plain(&link.path_and_query()).starts_with(&plain(&begin.path_and_query()))
}

/// Returns a path without escapes of characters that need none (RFC 3986, section 6.2.2.2) and without empty segments.
fn plain(path: &str) -> String {
    let mut plain = String::with_capacity(path.len());
    let mut rest = path;
    while let Some(c) = rest.chars().next() {
        rest = rest.strip_prefix(c).unwrap_or("");
        let escaped = (c == '%').then(|| rest.get(..2)).flatten();
        let byte = escaped.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match byte.map(char::from).filter(|c| c.is_ascii_alphanumeric() || "-._~".contains(*c)) {
            Some(unreserved) => {
                plain.push(unreserved);
                rest = rest.get(2..).unwrap_or("");
            }
            None if c == '/' && plain.ends_with('/') => {}
            None => plain.push(c),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn covers(kind: &str, value: &str, address: &str) -> bool {
        Scope::parse(kind, value).unwrap().covers_link(&Link::parse(address).unwrap())
    }

    #[test]
    fn a_host_holds_those_below_it_and_no_other() {
        assert!(covers("host", "a.cn", "https://a.cn/1") && covers("host", "A.CN", "http://www.a.cn:8080/1"));
        assert!(!covers("host", "a.cn", "https://ba.cn/1") && !covers("host", "www.a.cn", "https://a.cn/1"));
        assert!(covers("host", "例子.cn", "https://例子.cn/1"));
    }

    #[test]
    fn a_prefix_is_of_both_schemes() {
        assert!(covers("prefix", "https://a.cn/x/", "http://a.cn/x/1.html"));
        assert!(!covers("prefix", "https://a.cn/x/", "http://a.cn/y/1.html"));
    }

    #[test]
    fn a_takedown_covers_an_address_however_a_source_writes_it() {
        for address in ["http://spam.cn./1", "http://www.spam.cn./1", "https://SPAM.cn:8443/1"] {
            assert!(covers("host", "spam.cn", address), "{address}");
        }
        for host in ["other.cn", "other.cn.", "other.cn:443", "other.cn:8080", "www.other.cn"] {
            for path in ["/bad/1", "/%62ad/1", "//bad/1", "/%62%61%64//1?x=1"] {
                let address = format!("https://{host}{path}");
                assert!(covers("prefix", "http://other.cn/bad/", &address), "{address}");
            }
        }
        for address in ["http://other.cn/good/1", "http://other.cn/ba%2fd/1", "http://nother.cn/bad/1"] {
            assert!(!covers("prefix", "http://other.cn/bad/", address), "{address}");
        }
        assert!(!covers("prefix", "http://other.cn:81/bad/", "http://other.cn/bad/1"), "a port that is named counts");
    }

    #[test]
    fn what_is_written_is_read_again() {
        for (kind, value) in [("host", "a.cn"), ("prefix", "https://a.cn/x?y=1"), ("source", "yq")] {
            let scope = Scope::parse(kind, value).unwrap();
            assert_eq!(Scope::parse(scope.kind(), &scope.value()), Ok(scope));
        }
        for (kind, value) in [("host", "a.cn/x"), ("host", ""), ("prefix", "a.cn"), ("source", "a b"), ("page", "x")] {
            assert!(Scope::parse(kind, value).is_err(), "{kind} {value}");
        }
    }
}
