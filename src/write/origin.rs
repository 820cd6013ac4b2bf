//! The line about the origin of an entry, with which its text ends.

use super::channel::{Channel, Footer};
use super::clean;
use super::words::Language;
use crate::model::Item;

impl Channel<'_> {
    /// Returns the text of an entry as HTML, with the line about its origin where it has one.
    pub(super) fn content(&self, item: &Item) -> Option<String> {
        let text = item.content_html.as_deref();
        match (self.footer, text) {
            (Footer::None, text) => text.map(str::to_owned),
            (Footer::Texts | Footer::All, Some(text)) => Some(format!("{text}{}", self.origin(item))),
            (Footer::All, None) => {
                let excerpt = item.excerpt.as_str();
                Some(format!("<p>{}</p>{}", clean::escape(excerpt), self.origin(item)))
            }
            (Footer::Texts, None) => None,
        }
    }

    /// Returns the line about the origin of an entry: its source, how many others reported it, and its page.
    fn origin(&self, item: &Item) -> String {
        let others = item.related.len();
        let (also, page) = match (Language::of_tag(self.language), others) {
            (Language::Chinese, _) => (format!("另有{others}家报道"), "本站页面"),
            (Language::English, 1) => ("1 other report".to_owned(), "on this site"),
            (Language::English, _) => (format!("{others} other reports"), "on this site"),
        };
        let own = self.item_page(item);
        let link = |url: &str, text: &str| format!("<a href=\"{}\">{}</a>", clean::escape(url), clean::escape(text));
        let source = link(item.link.as_deref().unwrap_or(&item.provenance.link), &item.provenance.title);
        let also = if others == 0 { String::new() } else { format!(" · {also}") };
        format!("<p>{source}{also} · {}</p>", link(&own, page))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ItemId, Moment, Precision, Provenance, Related, SourceId, Stamp};

    fn item(content_html: Option<&str>) -> Item {
        Item {
            id: ItemId::from_u128(7),
            title: "题".into(),
            link: Some("https://a.cn/1?x&y".into()),
            published: Stamp { at: Moment::default(), precision: Precision::Day, offset: 0 },
            updated: Moment::default(),
            authors: vec![],
            editors: Vec::new(),
            categories: vec![],
            excerpt: "一 < 二".into(),
            content_html: content_html.map(str::to_owned),
            picture: None,
            enclosures: vec![],
            comments: None,
            replies: None,
            rights: None,
            provenance: Provenance {
                source: SourceId::new("a").unwrap(),
                title: "甲 & 乙".into(),
                link: "https://a.cn/feed".into(),
                is_feed: true,
                credit: None,
            },
            related: vec![Related {
                title: "x".into(),
                link: "https://b.cn/".into(),
                source: "b".into(),
                published: None,
            }],
            regions: vec![],
        }
    }

    #[test]
    fn the_line_is_there_once_where_it_is_wanted() {
        let content = |footer, item: &Item| {
            let items = std::slice::from_ref(item);
            Channel { root: "https://x", language: "zh-CN", footer, items, ..Channel::default() }.content(item)
        };
        let (full, short) = (item(Some("<p>文</p>")), item(None));
        let line = "<p><a href=\"https://a.cn/1?x&amp;y\">甲 &amp; 乙</a> · 另有1家报道 · <a href=\"https://x/items/00000000-0000-0000-0000-000000000007\">本站页面</a></p>";
        assert_eq!(content(Footer::Texts, &full), Some(format!("<p>文</p>{line}")));
        assert_eq!(content(Footer::Texts, &short), None);
        assert_eq!(content(Footer::All, &short), Some(format!("<p>一 &lt; 二</p>{line}")));
        assert_eq!(content(Footer::None, &full).as_deref(), Some("<p>文</p>"));
    }
}
