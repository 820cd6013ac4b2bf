//! Says what is wrong with a source, in Chinese and English, by the table `reasons.toml`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use super::words::Language;
use crate::model::{Reason, one_line};

#[derive(Debug, Deserialize)]
struct Table {
    /// What systems and documents say, in Chinese.
    known: BTreeMap<String, String>,
    #[serde(flatten)]
    sentences: BTreeMap<String, Sentence>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sentence {
    en: String,
    zh: String,
    /// What the public is told instead, where the values are the admin's own matter.
    public: Option<Public>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Public {
    en: String,
    zh: String,
}

impl Sentence {
    fn of(&self, language: Language, is_public: bool) -> &str {
        let (en, zh) = match self.public.as_ref().filter(|_| is_public) {
            Some(public) => (&public.en, &public.zh),
            None => (&self.en, &self.zh),
        };
        match language {
            Language::Chinese => zh,
            Language::English => en,
        }
    }
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    toml::from_str(include_str!("reasons.toml")).unwrap_or_else(|error| unreachable!("reasons.toml: {error}"))
});

/// Returns a reason as a sentence of one line for the admin, with what it came from.
pub fn reason(reason: &Reason, language: Language) -> String {
    said(reason, language, false)
}

/// Returns a reason as anybody may read it: without addresses and places of the admin's own.
pub fn public_reason(reason: &Reason, language: Language) -> String {
    said(reason, language, true)
}

fn said(reason: &Reason, language: Language, is_public: bool) -> String {
    let links = std::iter::successors(Some(reason), |reason| reason.cause.as_deref());
    let sentences = links.map(|reason| match TABLE.sentences.get(reason.kind.word()) {
        Some(sentence) => filled(sentence.of(language, is_public), &reason.values, language),
        None => reason.values.join(", "),
    });
    let colon = match language {
        Language::Chinese => "：",
        Language::English => ": ",
    };
    one_line(&sentences.collect::<Vec<_>>().join(colon))
}

/// Returns several reasons as one text.
pub fn reasons(reasons: &[Reason], language: Language) -> String {
    let sentences: Vec<String> = reasons.iter().map(|one| reason(one, language)).collect();
    sentences.join(match language {
        Language::Chinese => "；",
        Language::English => "; ",
    })
}

fn filled(sentence: &str, values: &[String], language: Language) -> String {
    let mut out = String::new();
    for (number, piece) in sentence.split('{').enumerate() {
        let place = piece.split_once('}').filter(|_| number > 0);
        let Some((place, after)) = place else {
            out.push_str(piece);
            continue;
        };
        let (at, form) = place.split_once(':').unwrap_or((place, ""));
        let value = at.parse::<usize>().ok().and_then(|at| values.get(at)).map_or("", String::as_str);
        match form {
            "length" => out.push_str(&length(value.parse().unwrap_or_default(), language)),
            "known" => out.push_str(TABLE.known.get(value).map_or(value, String::as_str)),
            _ => out.push_str(value),
        }
        out.push_str(after);
    }
    out
}

/// Says how long so many seconds are, in days or hours.
fn length(seconds: u64, language: Language) -> String {
    let (days, hours) = (seconds / 86_400, (seconds / 3600).max(1));
    match (language, days) {
        (Language::Chinese, 0) => format!(" {hours} 小时"),
        (Language::Chinese, _) => format!(" {days} 天"),
        (Language::English, 0) if hours == 1 => "1 hour".to_owned(),
        (Language::English, 0) => format!("{hours} hours"),
        (Language::English, 1) => "1 day".to_owned(),
        (Language::English, _) => format!("{days} days"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Trouble;

    #[test]
    fn every_kind_has_its_sentence_in_both_languages() {
        for kind in Trouble::ALL {
            let sentence = TABLE.sentences.get(kind.word()).unwrap_or_else(|| panic!("{kind:?} has none"));
            let places = |text: &str| -> Vec<usize> { (0..3).filter(|at| text.contains(&format!("{{{at}"))).collect() };
            assert!(!sentence.zh.is_empty(), "{kind:?}");
            assert!(places(&sentence.en).iter().all(|at| places(&sentence.zh).contains(at)), "{kind:?}");
            assert!(sentence.zh.chars().any(|c| c > '\u{2e80}') || *kind == Trouble::Told, "{kind:?}");
        }
        assert_eq!(TABLE.sentences.len(), Trouble::ALL.len());
    }

    #[test]
    fn reasons_are_said_in_the_language_of_the_page() {
        let check = |why: &Reason, english: &str, chinese: &str| {
            assert_eq!(reason(why, Language::English), english);
            assert_eq!(reason(why, Language::Chinese), chinese);
        };
        check(
            &Reason::new(Trouble::NothingThere, []),
            "there is nothing at this address (404)",
            "这个地址上没有内容（404）",
        );
        check(
            &Reason::new(Trouble::Silent, [&(12 * 86_400 + 5), &7200]),
            "nothing new for 12 days; before, there was something new about every 2 hours",
            "已有 12 天没有新消息；以前大约每 2 小时就有一条",
        );
        check(
            &Reason::new(Trouble::Silent, [&86_400, &3600]),
            "nothing new for 1 day; before, there was something new about every 1 hour",
            "已有 1 天没有新消息；以前大约每 1 小时就有一条",
        );
        let proxy = Reason::new(Trouble::NoProxy, [&"10.1.2.3:3128", &"Connection refused (os error 111)"]);
        let secret = Reason::new(Trouble::NoSecret, [&"the secret in /etc/dayuan/portal.secret is missing"]);
        for why in [&proxy, &secret, &Reason::new(Trouble::LeadsTo, [&"https://a.cn/"]).because(proxy.clone())] {
            for language in [Language::English, Language::Chinese] {
                let told = public_reason(why, language);
                assert!(!told.contains("10.1.2.3") && !told.contains("/etc/") && !told.contains('{'), "{told}");
                assert!(
                    ["10.1.2.3", "/etc/"].iter().any(|own| reason(why, language).contains(own)),
                    "the admin is told"
                );
            }
        }
        let refused = Reason::new(Trouble::NoConnection, [&"a.cn", &"Connection refused (os error 111)"]);
        check(
            &Reason::new(Trouble::LeadsTo, [&"https://a.cn/{0}"]).because(refused),
            "the page leads to https://a.cn/{0}: cannot connect to a.cn: Connection refused (os error 111)",
            "页面通向 https://a.cn/{0}：连接不上 a.cn：对方拒绝连接",
        );
    }
}
