//! What a source's requests carry besides the usual, and to which addresses: its headers and its password are for its own
//! site alone.

use reqwest::RequestBuilder;
use reqwest::header::{self, HeaderName, HeaderValue};

use super::request::Request;
use super::way::agent;
use crate::model::{Link, RequestOptions};

/// What one request carries, from redirect to redirect.
#[derive(Debug)]
pub(super) struct Credentials<'a> {
    own: Option<(&'a Link, &'a RequestOptions)>,
    /// Whether every address so far belonged to the source's own site. Whoever led us away from it does not choose what is
    /// asked with its password.
    is_at_home: bool,
}

impl<'a> Credentials<'a> {
    pub(super) fn of(request: &Request<'a>) -> Self {
        let own = request.source.zip(request.options()).map(|(source, options)| (&source.url, options));
        Self { own, is_at_home: true }
    }

    /// Takes note of the next address.
    pub(super) fn lead_to(&mut self, link: &Link) {
        self.is_at_home &= self.own.is_none_or(|(own, _)| is_own_site(own, link));
    }

    /// Adds to a request what it carries to the address that was noted last.
    pub(super) fn add(&self, mut request: RequestBuilder, public_url: Option<&str>) -> RequestBuilder {
        let Some((_, options)) = self.own else { return request };
        if let Some(contact) = &options.contact
            && let Ok(agent) = HeaderValue::from_str(&agent(public_url, Some(contact)))
        {
            request = request.header(header::USER_AGENT, agent);
        }
        if !self.is_at_home {
            return request;
        }
        for (name, value) in &options.headers {
            let name = HeaderName::from_bytes(name.as_bytes());
            if let (Ok(name), Ok(mut value)) = (name, HeaderValue::from_str(value.reveal())) {
                value.set_sensitive(true);
                request = request.header(name, value);
            }
        }
        match &options.login {
            Some(login) => request.basic_auth(&login.user, Some(login.password.reveal())),
            None => request,
        }
    }
}

/// Returns whether an address belongs to the site of a source's own: its registrable domain and its port, and no less
/// encrypted.
fn is_own_site(own: &Link, link: &Link) -> bool {
    let is_usual = |link: &Link| link.port() == if link.is_https() { 443 } else { 80 };
    let has_port = link.port() == own.port() || (is_usual(own) && is_usual(link));
    has_port && (link.is_https() || !own.is_https()) && link.registrable_domain() == own.registrable_domain()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_stays_on_its_own_site() {
        let is_own = |own: &str, link: &str| is_own_site(&Link::parse(own).unwrap(), &Link::parse(link).unwrap());
        for (own, link) in [
            ("https://www.a.gov.cn/", "https://www.a.gov.cn/x"),
            ("https://www.a.gov.cn/", "https://oa.a.gov.cn/x"),
            ("http://www.a.gov.cn/", "https://www.a.gov.cn/"),
            ("http://10.0.0.1:8080/", "http://10.0.0.1:8080/x"),
        ] {
            assert!(is_own(own, link), "{own} {link}");
        }
        for (own, link) in [
            ("https://www.a.gov.cn/", "http://www.a.gov.cn/x"),
            ("https://www.a.gov.cn/", "https://www.b.gov.cn/"),
            ("https://www.a.gov.cn/", "https://a.gov.cn.b.com/"),
            ("https://www.a.gov.cn/", "https://www.a.gov.cn:8443/"),
            ("http://10.0.0.1:8080/", "http://10.0.0.1:8081/"),
            ("http://10.0.0.1:8080/", "http://10.0.0.2:8080/"),
        ] {
            assert!(!is_own(own, link), "{own} {link}");
        }
    }

    #[test]
    fn a_password_that_was_led_away_does_not_come_back() {
        let own = Link::parse("https://a.gov.cn/").unwrap();
        let options = RequestOptions::default();
        let mut credentials = Credentials { own: Some((&own, &options)), is_at_home: true };
        for (link, is_at_home) in
            [("https://a.gov.cn/1", true), ("https://b.cn/", false), ("https://a.gov.cn/2", false)]
        {
            credentials.lead_to(&Link::parse(link).unwrap());
            assert_eq!(credentials.is_at_home, is_at_home, "{link}");
        }
    }
}
