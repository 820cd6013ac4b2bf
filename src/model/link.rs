//! Addresses, their canonical form, and registrable domains.

use std::fmt;
use std::net::IpAddr;

use url::Url;

/// An absolute `http` or `https` address without user information.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Link(Url);

/// Maximum length of an address, in bytes: real ones are far shorter, and RFC 9110 (section 4.1) recommends supporting
/// at least 8000.
const MAX_ADDRESS: usize = 8192;

/// Why a text is not a [`Link`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// The text is not an absolute URL.
    #[error("`{0}` is not an absolute address; write it with http:// or https://")]
    NotAbsolute(String),
    /// The scheme is neither `http` nor `https`.
    #[error("only http and https addresses are fetched, not `{0}:`")]
    Scheme(String),
    /// The address contains a user name or a password; the message leaves the address out.
    #[error("an address must not hold a user name or a password")]
    UserInfo,
    /// The address is longer than 8192 bytes.
    #[error("the address is longer than {MAX_ADDRESS} bytes")]
    TooLong,
    /// The address has no host.
    #[error("the address names no host")]
    NoHost,
}

/// The host of a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// A host name to be resolved, in ASCII and lower case.
    Name(String),
    /// An IP address.
    Address(IpAddr),
}

/// Query parameters that tell how a reader came to a page, not which page it is.
const TRACKING: [&str; 14] = [
    "gclid",
    "fbclid",
    "msclkid",
    "yclid",
    "dclid",
    "igshid",
    "spm",
    "from",
    "isappinstalled",
    "share_token",
    "scene",
    "clicktime",
    "mc_cid",
    "mc_eid",
];

/// File names that a server uses for a directory by default.
const INDEX: [&str; 8] =
    ["index.html", "index.htm", "index.shtml", "index.php", "index.jsp", "index.asp", "index.aspx", "default.aspx"];

impl Link {
    /// Parses an absolute address.
    ///
    /// # Errors
    /// If it is relative, too long, not `http(s)`, has no host or contains user information.
    pub fn parse(text: &str) -> Result<Self, LinkError> {
        let text = text.trim();
        if text.len() > MAX_ADDRESS {
            return Err(LinkError::TooLong);
        }
        let url = Url::parse(text).map_err(|_reason| LinkError::NotAbsolute(without_password(text)))?;
        Self::checked(url)
    }

    /// Resolves `reference` against this link (RFC 3986, section 5).
    ///
    /// # Errors
    /// As [`Link::parse`].
    pub fn join(&self, reference: &str) -> Result<Self, LinkError> {
        let reference = reference.trim();
        if reference.len() > MAX_ADDRESS {
            return Err(LinkError::TooLong);
        }
        let url = self.0.join(reference).map_err(|_reason| LinkError::NotAbsolute(without_password(reference)))?;
        Self::checked(url)
    }

    fn checked(url: Url) -> Result<Self, LinkError> {
        if url.as_str().len() > MAX_ADDRESS {
            return Err(LinkError::TooLong);
        }
        if !matches!(url.scheme(), "http" | "https") {
            return Err(LinkError::Scheme(url.scheme().to_owned()));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(LinkError::UserInfo);
        }
        if url.host_str().is_none_or(str::is_empty) {
            return Err(LinkError::NoHost);
        }
        Ok(Self(url))
    }

    /// Returns the whole address.
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Returns the parsed address: what was checked is what is requested.
    pub const fn url(&self) -> &Url {
        &self.0
    }

    /// Returns the host, as a name or an IP address.
    pub fn host(&self) -> Host {
        match self.0.host() {
            Some(url::Host::Ipv4(address)) => Host::Address(address.into()),
            Some(url::Host::Ipv6(address)) => Host::Address(address.into()),
            Some(url::Host::Domain(name)) => Host::Name(name.to_owned()),
            None => Host::Name(String::new()),
        }
    }

    /// Returns the host as text: names in lower case, IPv6 addresses in brackets.
    pub fn host_text(&self) -> &str {
        self.0.host_str().unwrap_or("")
    }

    /// Returns the port, or the default port of the scheme if none is given.
    pub fn port(&self) -> u16 {
        self.0.port_or_known_default().unwrap_or(80)
    }

    /// Returns whether the scheme is `https`.
    pub fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// Returns the path, at least `/`.
    pub fn path(&self) -> &str {
        self.0.path()
    }

    /// Returns the path with the query.
    pub fn path_and_query(&self) -> String {
        match self.0.query() {
            Some(query) => format!("{}?{query}", self.0.path()),
            None => self.0.path().to_owned(),
        }
    }

    /// Returns whether scheme, host and port are equal (RFC 6454).
    pub fn same_origin(&self, other: &Self) -> bool {
        self.0.origin() == other.0.origin()
    }

    /// Returns the link without its fragment, which is never sent to a server.
    #[must_use]
    pub fn without_fragment(&self) -> Self {
        let mut url = self.0.clone();
        url.set_fragment(None);
        Self(url)
    }

    /// Returns a form that different addresses of one page share: without scheme, `www.`, `m.` or `wap.`, default port,
    /// tracking parameters, default index page, trailing slash, and fragment, except a fragment that holds a route.
    pub fn canonical(&self) -> String {
        let host = self.host_text();
        let host = ["www.", "m.", "wap."]
            .iter()
            .find_map(|twin| host.strip_prefix(twin).filter(|rest| rest.contains('.')))
            .unwrap_or(host);
        let mut text = host.trim_end_matches('.').to_owned();
        if let Some(port) = self.0.port() {
            text.push_str(&format!(":{port}"));
        }
        let path = self.0.path();
        let path = match path.rsplit_once('/') {
            Some((folder, page)) if INDEX.contains(&page.to_ascii_lowercase().as_str()) => folder,
            _ => path.trim_end_matches('/'),
        };
        text.push_str(path);
        if let Some(query) = self.0.query() {
            let kept: Vec<&str> = query.split('&').filter(|pair| !pair.is_empty() && !is_tracking(pair)).collect();
            if !kept.is_empty() {
                text.push('?');
                text.push_str(&kept.join("&"));
            }
        }
        // A fragment that holds a route (`#/…` or `#!…`) identifies a separate page.
        if let Some(route) = self.0.fragment().filter(|f| f.starts_with('!') || f.starts_with('/')) {
            text.push('#');
            text.push_str(route);
        }
        text
    }

    /// Returns the registrable domain (public suffix list), or the host if it has none: `news.sx.gov.cn` → `sx.gov.cn`.
    pub fn registrable_domain(&self) -> &str {
        let host = self.host_text();
        match self.host() {
            Host::Name(_) => psl::domain_str(host).unwrap_or(host),
            Host::Address(_) => host,
        }
    }

    /// Returns whether the host is one below which anybody may register names: `gov.cn`, `com`.
    pub fn is_public_suffix(&self) -> bool {
        matches!(self.host(), Host::Name(_)) && psl::domain_str(self.host_text()).is_none()
    }

    /// Returns the link with these pairs added to its query, which stays as it is otherwise.
    #[must_use]
    pub fn with_query(&self, pairs: &[(&str, &str)]) -> Self {
        let mut url = self.0.clone();
        url.query_pairs_mut().extend_pairs(pairs);
        Self(url)
    }

    /// Returns whether this is the home page of its site.
    pub fn is_home(&self) -> bool {
        !self.canonical().contains(['/', '?', '#'])
    }
}

/// Returns the first 64 pairs of a form (`application/x-www-form-urlencoded`), decoded.
pub fn form_pairs(form: &[u8]) -> Vec<(String, String)> {
    url::form_urlencoded::parse(form).take(64).map(|(key, value)| (key.into_owned(), value.into_owned())).collect()
}

/// Returns a form (`application/x-www-form-urlencoded`).
pub fn form_text(pairs: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

fn is_tracking(pair: &str) -> bool {
    let name = pair.split('=').next().unwrap_or("").to_ascii_lowercase();
    name.starts_with("utm_") || TRACKING.contains(&name.as_str())
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Returns a text that is no address, without what may be a user name and a password, for a message.
fn without_password(text: &str) -> String {
    let from = text.find("//").map_or(0, |at| at + 2);
    let authority = text.get(from..).and_then(|rest| rest.split(['/', '?', '#', '\\']).next()).unwrap_or("");
    match authority.rfind('@') {
        Some(at) => format!("{}…{}", text.get(..from).unwrap_or(""), text.get(from + at..).unwrap_or("")),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twins_have_one_canonical_form() {
        let forms = [
            "http://www.example.gov.cn/a/",
            "https://m.example.gov.cn/a/index.html?utm_source=x",
            "https://example.gov.cn/a#top",
            "http://example.gov.cn:80/a",
        ];
        for form in forms {
            assert_eq!(Link::parse(form).unwrap().canonical(), "example.gov.cn/a", "{form}");
        }
    }

    #[test]
    fn a_query_that_names_the_page_stays() {
        let link = Link::parse("https://example.org/view?id=3&spm=1.2").unwrap();
        assert_eq!(link.canonical(), "example.org/view?id=3");
    }

    #[test]
    fn refuses_what_is_never_fetched() {
        assert_eq!(Link::parse("file:///etc/passwd"), Err(LinkError::Scheme("file".into())));
        assert_eq!(Link::parse("http://user:pw@host/"), Err(LinkError::UserInfo));
        assert!(matches!(Link::parse("/a"), Err(LinkError::NotAbsolute(_))));
        let told = Link::parse("http://user:secret@host:99999/").unwrap_err().to_string();
        assert!(told.contains("host:99999") && !told.contains("secret") && !told.contains("user"), "{told}");
    }

    #[test]
    fn registrable_domain_of_chinese_governments() {
        assert_eq!(Link::parse("http://news.sx.gov.cn/").unwrap().registrable_domain(), "sx.gov.cn");
        assert_eq!(Link::parse("http://127.0.0.1:8080/").unwrap().registrable_domain(), "127.0.0.1");
    }

    #[test]
    fn home_pages() {
        assert!(Link::parse("http://www.example.cn/index.html").unwrap().is_home());
        assert!(!Link::parse("http://www.example.cn/1").unwrap().is_home());
    }
}
