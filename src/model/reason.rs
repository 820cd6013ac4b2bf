//! Why a source does not fare well: a kind and values, without words.

use super::one_line;

/// Why a source does not fare well, or what is doubtful about it: the kind of trouble and what the case fills in. The words
/// for it are made where it is shown, in the language of whoever reads them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// The kind of trouble.
    pub kind: Trouble,
    /// What fills the sentence of that kind, in its order.
    pub values: Vec<String>,
    /// What that came from.
    pub cause: Option<Box<Reason>>,
}

macro_rules! troubles {
    ($($(#[$doc:meta])* $kind:ident = $word:literal,)*) => {
        /// The kinds of trouble with a source.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Trouble {
            $($(#[$doc])* $kind,)*
        }

        impl Trouble {
            /// All kinds.
            pub const ALL: &'static [Self] = &[$(Self::$kind,)*];

            /// Returns the word for this kind in the store and in the tables of sentences.
            pub const fn word(self) -> &'static str {
                match self {
                    $(Self::$kind => $word,)*
                }
            }
        }
    };
}

troubles! {
    /// A sentence in English, which is all that is known.
    Told = "told",
    /// 401.
    Password = "password",
    /// 403.
    Refused = "refused",
    /// 404.
    NothingThere = "nothing-there",
    /// A status (value) by which sites turn programs away.
    BlocksPrograms = "blocks-programs",
    /// 429.
    TooOften = "too-often",
    /// 503.
    Overloaded = "overloaded",
    /// Another status (value) from 500 on.
    ServerError = "server-error",
    /// Any other status (value) than one with a document.
    Answered = "answered",
    /// A 304 to a request that was not conditional.
    Unasked304 = "unasked-304",
    /// 410, not yet for long.
    GoneSoFar = "gone-so-far",
    /// 410 for days.
    Gone = "gone",
    /// Nothing new for so many seconds (value); before, about every so many (value).
    Silent = "silent",
    /// A rule of ours forbids the request; a sentence in English says which.
    NotAllowed = "not-allowed",
    /// The name of the host (value) does not resolve.
    NoName = "no-name",
    /// No connection to a host (value), with what the system says (value).
    NoConnection = "no-connection",
    /// No encrypted connection to a host (value), with what is wrong (value).
    NoEncryption = "no-encryption",
    /// A secret of the source is not there; a sentence in English says which, and where it should be.
    NoSecret = "no-secret",
    /// The proxy (value) of the source takes no requests, with what happened (value).
    NoProxy = "no-proxy",
    /// The proxy (value) of the source gets no connection to the host (value).
    BeyondProxy = "beyond-proxy",
    /// No complete answer within so many seconds (value).
    TooSlow = "too-slow",
    /// Another machine polls now.
    OtherNode = "other-node",
    /// Our own limit of large answers.
    Crowded = "crowded",
    /// The answer has more than so many KiB (value).
    TooLarge = "too-large",
    /// More redirects than this (value).
    Redirects = "redirects",
    /// An answer of a host (value) that is no HTTP, with what is wrong (value).
    Garbled = "garbled",
    /// The robots.txt of a host (value) forbids it.
    RobotsForbid = "robots-forbid",
    /// The robots.txt of a host (value) cannot be fetched.
    RobotsUnknown = "robots-unknown",
    /// The page leads to this address (value), of another site (value).
    LeadsElsewhere = "leads-elsewhere",
    /// The page leads to this address (value), which the cause is about.
    LeadsTo = "leads-to",
    /// A feed, of this format (value), has become a page.
    BecamePage = "became-page",
    /// The list has so many rows (value) instead of so many (value).
    FewRows = "few-rows",
    /// All rows of the list have the same title.
    SameTitles = "same-titles",
    /// The document cannot be read: the kind of its fault and a sentence in English (values).
    Unreadable = "unreadable",
    /// The address redirects to this one (value), of another site (value).
    RedirectsElsewhere = "redirects-elsewhere",
    /// The source asks to be polled every so many days (value) only.
    SeldomWished = "seldom-wished",
    /// The document has more than is read; a sentence in English (value).
    TooMany = "too-many",
}

impl Reason {
    /// Returns a reason of this kind, with what fills its sentence.
    pub fn new<const N: usize>(kind: Trouble, values: [&dyn std::fmt::Display; N]) -> Self {
        Self { kind, values: values.iter().map(|value| one_line(&value.to_string())).collect(), cause: None }
    }

    /// Returns a reason for which there is only a sentence in English.
    pub fn told(sentence: &str) -> Self {
        Self::new(Trouble::Told, [&sentence])
    }

    /// Returns the reason with what it came from.
    #[must_use]
    pub fn because(self, cause: Self) -> Self {
        Self { cause: Some(Box::new(cause)), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_site_says_becomes_one_short_line() {
        let reason = Reason::told(&format!("a\r\nb\u{1b}[0m{}", "x".repeat(1000)));
        let [value] = reason.values.as_slice() else { panic!("one value") };
        assert!(!value.contains(['\n', '\r', '\u{1b}']) && value.chars().count() < 600, "{value}");
    }

    #[test]
    fn every_kind_has_a_word_of_its_own() {
        let words: std::collections::BTreeSet<&str> = Trouble::ALL.iter().map(|kind| kind.word()).collect();
        assert_eq!(words.len(), Trouble::ALL.len());
    }
}
