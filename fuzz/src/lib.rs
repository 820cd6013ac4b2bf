//! What is done with any bytes whatever, and what holds afterwards. Each function is a target of `fuzz/run`; the cases that
//! were found with it lie in `fuzz/cases` and are tried again with every run of the tests.

use std::net::IpAddr;
use std::sync::{Arc, LazyLock};

use dayuan::config::{Config, Places};
use dayuan::fetch::Guard;
use dayuan::log::Log;
use dayuan::model::{Draft, Host, Item, ItemId, Key, Kind, Link, Moment, Page, Precision, Provenance, SourceId, Stamp};
use dayuan::read::{self, Reading, Rules};
use dayuan::write::{self, Channel};

const NOW: Moment = Moment::from_seconds(1_678_328_822);

fn page(data: &[u8], content_type: Option<&str>) -> Page {
    let url = Link::parse("http://www.example.gov.cn/xwzx/index.html").unwrap();
    Page { url, content_type: content_type.map(str::to_owned), body: data.to_vec() }
}

/// No reading is larger than what is promised.
fn is_bounded(reading: &Reading) {
    assert!(reading.drafts.len() <= 500, "{} items", reading.drafts.len());
    reading.drafts.iter().for_each(draft_is_bounded);
}

fn draft_is_bounded(draft: &Draft) {
    assert!(draft.title.chars().count() <= 512);
    assert!(draft.text.len() <= 256 * 1024 && draft.categories.len() <= 32);
    for stamp in [draft.published, draft.updated].into_iter().flatten() {
        assert!(stamp.at <= NOW.plus_seconds(86_400), "{stamp}: what lies further ahead than a day is no date");
    }
}

/// A document read as a feed, whatever it is.
pub fn feed(data: &[u8]) {
    is_bounded(&read::read(&page(data, None), &Rules { kind: Kind::Feed, ..Rules::default() }, NOW));
}

/// A document read as whatever it seems to be, and as a list.
pub fn list(data: &[u8]) {
    for kind in [Kind::Auto, Kind::List] {
        is_bounded(&read::read(&page(data, None), &Rules { kind, ..Rules::default() }, NOW));
    }
}

/// A document read as the page of an article.
pub fn article(data: &[u8]) {
    if let Some(draft) = read::read_article(&page(data, None), &Rules::default(), NOW).draft {
        assert!(!draft.text.is_empty() || !draft.content_html.is_empty());
        draft_is_bounded(&draft);
    }
}

/// A text read as a date.
pub fn date(data: &[u8]) {
    let text = String::from_utf8_lossy(data).replace('&', "&amp;").replace('<', "&lt;");
    let document = format!(
        "<rss version=\"2.0\"><channel><item><title>题</title><pubDate>{text}</pubDate></item></channel></rss>"
    );
    let reading = read::read(
        &page(document.as_bytes(), Some("text/xml; charset=utf-8")),
        &Rules { kind: Kind::Feed, ..Rules::default() },
        NOW,
    );
    is_bounded(&reading);
}

/// Bytes in a charset that somebody claims: the first byte says who, and which.
pub fn charset(data: &[u8]) {
    const CLAIMS: [Option<&str>; 8] = [
        None,
        Some("text/html; charset=gb2312"),
        Some("text/html; charset=utf-8"),
        Some("text/xml; charset=utf-16le"),
        Some("text/xml; charset=big5"),
        Some("application/json"),
        Some("text/html; charset=x-none"),
        Some("text/plain; charset=\"iso-8859-1\""),
    ];
    let Some((choice, rest)) = data.split_first() else { return };
    let document = [b"<rss version=\"2.0\"><channel><item><title>", rest, b"</title></item></channel></rss>"].concat();
    let forced = (choice & 64 != 0).then(|| "gb18030".to_owned());
    let rules = Rules { kind: Kind::Feed, charset: forced, ..Rules::default() };
    is_bounded(&read::read(&page(&document, CLAIMS[usize::from(choice % 8)]), &rules, NOW));
}

/// An address: what the guard lets through is not on this machine and in no private network, by the judgement of the
/// standard library.
pub fn guard(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    for text in [text.to_owned(), format!("http://{text}/")] {
        let Ok(link) = Link::parse(&text) else { continue };
        assert_eq!(Link::parse(link.as_str()).unwrap(), link, "an address that was read is read again as the same");
        let guard = Guard { allow: Vec::new(), ports: Vec::new() };
        if guard.check_link(&link, 80).is_err() {
            continue;
        }
        assert!(matches!(link.port(), 80 | 443 | 8080));
        assert!(link.as_str().starts_with("http://") || link.as_str().starts_with("https://"));
        match link.host() {
            Host::Address(address) => assert!(is_outside(address), "{address}"),
            Host::Name(name) => {
                let name = name.trim_end_matches('.');
                assert!(name != "localhost" && !name.ends_with(".localhost"), "{name}");
            }
        }
    }
}

fn is_outside(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(four) => {
            !(four.is_loopback()
                || four.is_private()
                || four.is_link_local()
                || four.is_unspecified()
                || four.is_broadcast()
                || four.is_multicast()
                || four.is_documentation())
        }
        IpAddr::V6(six) => {
            let inner = six.to_ipv4_mapped().or_else(|| six.to_ipv4().filter(|_| !six.is_loopback()));
            inner.is_none_or(|four| is_outside(IpAddr::V4(four)))
                && !(six.is_loopback() || six.is_unspecified() || six.is_multicast())
                && six.segments()[0] & 0xfe00 != 0xfc00
                && six.segments()[0] & 0xffc0 != 0xfe80
        }
    }
}

/// The three files of a config, divided by NULs: it is taken, or every fault can be shown.
pub fn config(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut parts = text.splitn(3, '\0');
    let mut part = || parts.next().unwrap_or("").to_owned();
    // Without the atlas, which takes as long as a thousand configs.
    let (sources, settings, regions) = (part(), part(), part().replace("atlas", "atlantis"));
    let regions = format!("atlas = \"none\"\n{regions}");
    if let Err(faults) = Config::from_texts(&settings, &regions, &sources, &Places::default()) {
        assert!(!faults.is_empty() && !faults.summary().is_empty());
        // Drawing them takes many times as long as all the rest. Many inputs are as long as they may be: not those.
        if data.len() % 31 == 5 {
            assert!(!faults.render(false).is_empty());
        }
    }
}

/// What comes over a connection to the public listener, before the store is open: there is no panic, and every answer is
/// one of ours.
pub fn request(data: &[u8]) {
    use dayuan::serve::{self, Metrics, Site};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    static HANDLER: LazyLock<Arc<(Arc<Site>, Metrics)>> = LazyLock::new(|| {
        let (config, _) = Config::from_texts("", "", "", &Places::default()).unwrap();
        let published =
            serve::PublishConfig::new(config.settings.publish, config.regions, config.settings.topics, Vec::new());
        Arc::new((Arc::new(Site::new(published, || NOW)), Metrics::default()))
    });
    thread_local! {
        static RUNTIME: tokio::runtime::Runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    }
    RUNTIME.with(|runtime| {
        runtime.block_on(async {
            let (mut ours, theirs) = tokio::io::duplex(1 << 20);
            ours.write_all(data).await.unwrap();
            ours.shutdown().await.unwrap();
            serve::converse(theirs, &HANDLER).await;
            let mut answer = Vec::new();
            ours.read_to_end(&mut answer).await.unwrap();
            assert!(answer.is_empty() || answer.starts_with(b"HTTP/1."), "{:?}", String::from_utf8_lossy(&answer));
        });
    });
}

/// A text that a source gives as title, label and body: what is published of it is well-formed for a parser that is not
/// ours, holds one item, and nothing that runs.
pub fn publish(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let body = read::sanitise(&text, Some("http://www.example.gov.cn/a/1.html"));
    assert_eq!(read::sanitise(&body, Some("http://www.example.gov.cn/a/1.html")), body, "what is clean stays as it is");
    let lower = body.to_lowercase();
    for tag in
        ["<script", "<iframe", "<object", "<embed", "<form", "<style", "<svg", "<math", "<base", "<meta", "<link"]
    {
        assert!(!lower.contains(tag), "{tag}: {body}");
    }
    let source = SourceId::new("a").unwrap();
    let item = Item {
        id: ItemId::of(&source, &Key::of(Some("1"), None, "", None).unwrap()),
        title: text.chars().take(512).collect(),
        link: None,
        published: Stamp { at: NOW, precision: Precision::Second, offset: 0 },
        updated: NOW,
        authors: vec![text.chars().take(64).collect()],
        editors: vec![text.chars().take(64).collect()],
        categories: vec![text.chars().take(64).collect()],
        excerpt: write::excerpt(&text),
        content_html: Some(body),
        picture: None,
        enclosures: Vec::new(),
        comments: None,
        replies: None,
        rights: Some(text.chars().take(64).collect()),
        provenance: Provenance {
            source,
            title: text.chars().take(64).collect(),
            link: "http://www.example.gov.cn/".to_owned(),
            is_feed: false,
            credit: None,
        },
        related: Vec::new(),
        regions: Vec::new(),
    };
    let channel = Channel {
        hub: None,
        id: "http://news.example.org/regions/140300".to_owned(),
        title: "大院".to_owned(),
        description: "大院".to_owned(),
        self_link: "http://news.example.org/regions/140300/atom.xml".to_owned(),
        page: "http://news.example.org/regions/140300".to_owned(),
        root: "http://news.example.org",
        updated: NOW,
        language: "zh-CN",
        rights: None,
        items: std::slice::from_ref(&item),
        ..Channel::default()
    };
    for (document, name) in [(write::atom(&channel), "entry"), (write::rss(&channel), "item")] {
        let document = String::from_utf8(document).unwrap();
        let parsed = roxmltree::Document::parse(&document).unwrap_or_else(|error| panic!("{error}\n{document}"));
        assert_eq!(parsed.descendants().filter(|node| node.tag_name().name() == name).count(), 1, "{document}");
    }
    let parsed: serde_json::Value = serde_json::from_slice(&write::json(&channel)).unwrap();
    assert_eq!(parsed["items"].as_array().unwrap().len(), 1);
}

/// A segment of the log: it opens, and what can be read of it is the same when it is opened again.
pub fn log(data: &[u8]) {
    let memory = std::path::Path::new("/dev/shm");
    let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
    std::fs::write(folder.path().join("2023-03-09.jsonl"), data).unwrap();
    let all = || {
        let (log, _) = Log::open(folder.path()).unwrap();
        drop(log.scrub(&|| false).unwrap());
        log.replay(0).unwrap().filter_map(Result::ok).collect::<Vec<_>>()
    };
    let first = all();
    assert_eq!(all(), first);
}
