//! What a subscriber asks of the hub (WebSub, section 5.1).

use super::options::{LEASE, MAX_LEASE, MIN_LEASE};
use crate::model::{Link, form_pairs};

/// A secret must be shorter than this, in bytes.
const MAX_SECRET: usize = 200;
/// Maximum length of a callback or topic, in bytes.
const MAX_URL: usize = 2048;

/// What is to be done after the callback has agreed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Subscribe,
    Unsubscribe,
    /// Nothing: the callback is told that there is, or is no longer, such a feed, and why.
    Deny(&'static str),
}

impl Mode {
    pub(super) const fn word(&self) -> &'static str {
        match self {
            Self::Subscribe => "subscribe",
            Self::Unsubscribe => "unsubscribe",
            Self::Deny(_) => "denied",
        }
    }
}

/// A request that is well-formed but not verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wish {
    pub(super) mode: Mode,
    pub(super) topic: String,
    pub(super) callback: Link,
    /// Lease in seconds, within our limits.
    pub(super) lease: i64,
    pub(super) secret: Option<Vec<u8>>,
}

impl Wish {
    /// Reads a form. Parameters that are not known are ignored, as the Recommendation says.
    pub(super) fn read(form: &[u8]) -> Result<Self, String> {
        let pairs = form_pairs(form);
        let value = |name: &str| {
            let mut values = pairs.iter().filter(|(key, _)| key == name).map(|(_, value)| value.as_str());
            match (values.next(), values.next()) {
                (Some(_), Some(_)) => Err(format!("{name} is given twice")),
                (value, _) => Ok(value.filter(|value| !value.is_empty())),
            }
        };
        let needed = |name: &str| value(name)?.ok_or_else(|| format!("{name} is missing"));
        let mode = match needed("hub.mode")? {
            "subscribe" => Mode::Subscribe,
            "unsubscribe" => Mode::Unsubscribe,
            _ => {
                return Err(
                    "hub.mode must be subscribe or unsubscribe; feeds are published by this site only".to_owned()
                );
            }
        };
        let topic = needed("hub.topic")?.to_owned();
        let callback = needed("hub.callback")?;
        if topic.len() > MAX_URL || callback.len() > MAX_URL {
            return Err(format!("hub.topic and hub.callback may have {MAX_URL} bytes at most"));
        }
        let callback = Link::parse(callback).map_err(|error| format!("hub.callback: {error}"))?.without_fragment();
        let lease = match value("hub.lease_seconds")? {
            None => LEASE,
            Some(text) => text
                .parse::<u64>()
                .map(|lease| i64::try_from(lease).unwrap_or(MAX_LEASE).clamp(MIN_LEASE, MAX_LEASE))
                .map_err(|_invalid| "hub.lease_seconds is not a number of seconds".to_owned())?,
        };
        let secret = value("hub.secret")?.map(|secret| secret.as_bytes().to_vec());
        if secret.as_ref().is_some_and(|secret| secret.len() >= MAX_SECRET) {
            return Err(format!("hub.secret must be shorter than {MAX_SECRET} bytes"));
        }
        Ok(Self { mode, topic, callback, lease, secret })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str =
        "hub.mode=subscribe&hub.topic=http%3A%2F%2Fa.example%2Ff&hub.callback=https%3A%2F%2Fb.example%2Fin%3Fx%3D1";

    #[test]
    fn unknown_parameters_are_ignored_and_leases_kept_within_limits() {
        let lease = |more: &str| Wish::read(format!("{GOOD}&foo=bar&{more}").as_bytes()).unwrap().lease;
        assert_eq!(lease(""), LEASE);
        assert_eq!(lease("hub.lease_seconds=1"), MIN_LEASE);
        assert_eq!(lease("hub.lease_seconds=7200"), 7200);
        assert_eq!(lease("hub.lease_seconds=18446744073709551615"), MAX_LEASE);
        assert_eq!(Wish::read(GOOD.as_bytes()).unwrap().callback.as_str(), "https://b.example/in?x=1");
    }

    #[test]
    fn what_cannot_be_understood_is_refused() {
        let secret = "s".repeat(200);
        let long = "x".repeat(3000);
        for form in [
            "".to_owned(),
            "hub.mode=publish&hub.topic=x&hub.callback=http://b.example/".to_owned(),
            "hub.mode=subscribe&hub.callback=http://b.example/".to_owned(),
            "hub.mode=subscribe&hub.topic=x".to_owned(),
            "hub.mode=subscribe&hub.topic=x&hub.callback=ftp://b.example/".to_owned(),
            "hub.mode=subscribe&hub.topic=x&hub.callback=/in".to_owned(),
            "hub.mode=subscribe&hub.topic=x&hub.callback=http://u:p@b.example/".to_owned(),
            format!("hub.mode=subscribe&hub.topic=x&hub.callback=http://b.example/{long}"),
            format!("{GOOD}&hub.lease_seconds=soon"),
            format!("{GOOD}&hub.lease_seconds=-1"),
            format!("{GOOD}&hub.secret={secret}"),
            format!("{GOOD}&hub.mode=unsubscribe"),
        ] {
            assert!(Wish::read(form.as_bytes()).is_err(), "{form}");
        }
    }
}
