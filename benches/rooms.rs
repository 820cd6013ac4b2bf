//! What single rooms cost: reading, judging, writing, and serving from the shelf.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a benchmark ends with its first surprise, and connects as a reader does"
)]

use std::hint::black_box;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use dayuan::dedup;
use dayuan::log::{Log, Record, SourceFacts};
use dayuan::model::{
    Authority, Draft, Item, ItemId, Key, Link, Moment, Page, Provenance, RegionId, Regions, Report, SourceId, Stamp,
    Zone,
};
use dayuan::read::{self, Rules};
use dayuan::serve::{self, Limits, Options, PublishConfig, Site};
use dayuan::view::{self, View};
use dayuan::write::{self, Channel};
use tokio_util::sync::CancellationToken;

const NOW: Moment = Moment::from_seconds(1_678_330_000);

/// A paragraph of some hundred characters, different for each number.
fn text(number: usize) -> String {
    (0..12)
        .map(|sentence| format!("第{number}号通告第{sentence}条：请沿线单位和居民提前做好准备，服从现场管理。"))
        .collect()
}

/// A feed of 30 items and about 56 KB.
fn feed() -> Vec<u8> {
    let items: String = (0..30)
        .map(|number| {
            format!(
                "<item><title>关于第{number}号工程施工的通告</title><link>https://www.example.gov.cn/a/{number}.html</link>\
                 <guid>https://www.example.gov.cn/a/{number}.html</guid><pubDate>Thu, 09 Mar 2023 10:27:02 +0800</pubDate>\
                 <description><![CDATA[<p>{}</p>]]></description></item>",
                text(number)
            )
        })
        .collect();
    format!("<?xml version=\"1.0\" encoding=\"utf-8\"?><rss version=\"2.0\"><channel><title>例</title>{items}</channel></rss>").into_bytes()
}

fn page() -> Page {
    Page { url: Link::parse("https://www.example.gov.cn/feed.xml").unwrap(), content_type: None, body: feed() }
}

fn reading(c: &mut Criterion) {
    let mut group = c.benchmark_group("read");
    let page = page();
    group.throughput(Throughput::Bytes(page.body.len() as u64));
    group.bench_function("feed of 30 items", |b| b.iter(|| read::read(black_box(&page), &Rules::default(), NOW)));
    let gbk = Page {
        body: {
            let text = String::from_utf8(page.body.clone()).unwrap();
            let encoded = std::process::Command::new("iconv")
                .args(["-f", "utf-8", "-t", "gbk"])
                .stdin(std::process::Stdio::piped())
                .stdout(std::process::Stdio::piped())
                .spawn();
            let mut child = encoded.unwrap();
            let mut input = child.stdin.take().unwrap();
            std::thread::spawn(move || input.write_all(text.as_bytes()));
            child.wait_with_output().unwrap().stdout
        },
        ..page.clone()
    };
    group.bench_function("the same in undeclared GBK", |b| {
        b.iter(|| read::read(black_box(&gbk), &Rules::default(), NOW))
    });
    let (article, list) = (article_page(), list_page());
    group.throughput(Throughput::Bytes(article.body.len() as u64));
    group.bench_function("article page of 60 KB", |b| {
        b.iter(|| read::read_article(black_box(&article), &Rules::default(), NOW))
    });
    group.throughput(Throughput::Bytes(list.body.len() as u64));
    group.bench_function("list page of 60 KB", |b| b.iter(|| read::read(black_box(&list), &Rules::default(), NOW)));
    group.finish();
}

/// The menus and boxes that a page of a portal has around what it is there for.
fn around(main: &str) -> Page {
    let links = |folder: &str, count: usize| -> String {
        (0..count)
            .map(|at| format!("<li><a href=\"/{folder}/{at}.html\" class=\"link\">栏目{folder}第{at}项</a></li>\n"))
            .collect()
    };
    let body = format!(
        "<!DOCTYPE html><html lang=zh-CN><head><meta charset=utf-8><title>关于工程施工的通告_要闻_示例</title></head><body>\
         <div class=nav><ul>{}</ul></div><div class=main>{main}</div><div class=hot><ul>{}</ul></div><script>var a = '{}';</script>\
         <div class=footer>{}</div></body></html>",
        links("menu", 120),
        links("hot", 60),
        "x".repeat(12_000),
        links("friend", 80)
    );
    Page {
        url: Link::parse("https://www.example.gov.cn/xw/1.html").unwrap(),
        content_type: None,
        body: body.into_bytes(),
    }
}

/// An article of 20 paragraphs in a page of about 60 KB.
fn article_page() -> Page {
    let paragraphs: String = (0..12).map(|number| format!("<p>{}</p>\n", text(number))).collect();
    around(&format!(
        "<h1>关于工程施工的通告</h1><p>发布时间：2023-03-09 10:27 来源：示例日报 作者：薄红贞</p><div id=zoom>{paragraphs}</div>"
    ))
}

/// A list of 100 rows in a page of about 60 KB.
fn list_page() -> Page {
    let rows: String = (0..150)
        .map(|at| format!("<li class=\"row\"><a href=\"/xw/2023/{at}.html\" title=\"关于第{at}号工程施工期间车辆绕行的通告\" target=\"_blank\">关于第{at}号工程施工期间车辆…</a><span class=\"date\">2023-03-{:02}</span></li>\n", 1 + at % 28))
        .collect();
    around(&format!("<ul class=newslist>{rows}</ul>"))
}

/// A log and a view with one source.
fn store() -> (tempfile::TempDir, Arc<Log>, View, SourceId) {
    let folder = tempfile::tempdir().unwrap();
    let (log, _) = Log::open(&folder.path().join("log")).unwrap();
    let log = Arc::new(log);
    let options = view::Options { path: folder.path().join("view"), rules: String::new(), places: Arc::default() };
    let (view, _) = View::open(&options, Arc::clone(&log), &|_| {}).unwrap();
    let source = SourceId::new("example").unwrap();
    let facts = Record::Source(SourceFacts {
        id: source.clone(),
        title: "例".into(),
        link: "https://www.example.gov.cn/feed.xml".into(),
        region: RegionId::new("140300").unwrap(),
        authority: Authority::Official,
        zone: Zone::shanghai(),
        rights: None,
        was: Vec::new(),
        alerts_for: Vec::new(),
        at: NOW,
    });
    commit(&log, &view, &[facts]);
    (folder, log, view, source)
}

fn commit(log: &Log, view: &View, records: &[Record]) {
    let appended = log.append(records, NOW).unwrap();
    view.apply(&appended, records).unwrap();
}

fn drafts(from: usize, count: usize) -> Vec<Draft> {
    (from..from + count)
        .map(|number| Draft {
            title: format!("关于第{number}号工程施工的通告"),
            link: Some(format!("https://www.example.gov.cn/a/{number}.html")),
            text: text(number),
            summary: text(number),
            published: Stamp::at_offset((2023, 3, 9), Some((10, 27, Some(2))), 28_800),
            ..Draft::default()
        })
        .collect()
}

fn reports(source: &SourceId, drafts: Vec<Draft>) -> Vec<Record> {
    drafts
        .into_iter()
        .map(|draft| {
            let key = Key::of(None, draft.checked_link().as_ref(), &draft.title, None).unwrap();
            let item = ItemId::of(source, &key);
            Record::Report(Box::new(Report {
                item,
                key,
                source: source.clone(),
                seen: NOW,
                reader: 1,
                first_import: false,
                draft,
            }))
        })
        .collect()
}

fn judging(c: &mut Criterion) {
    let mut group = c.benchmark_group("judge");
    let (_folder, log, view, source) = store();
    for step in 0..100 {
        commit(&log, &view, &reports(&source, drafts(step * 300, 300)));
    }
    let known = drafts(15_000, 30);
    group.throughput(Throughput::Elements(30));
    group.bench_function("30 known drafts among 30,000 items", |b| {
        b.iter(|| {
            let repeated = dedup::repeated(&known);
            known.iter().filter_map(|draft| dedup::identify(&[&source], draft, &repeated, NOW, &view)).count()
        });
    });
    let mut next = 30_000;
    group.bench_function("30 new drafts: judged, logged, synced, applied", |b| {
        b.iter(|| {
            let new = drafts(next, 30);
            next += 30;
            let repeated = dedup::repeated(&new);
            assert!(
                new.iter().filter_map(|draft| dedup::identify(&[&source], draft, &repeated, NOW, &view)).count() == 30
            );
            commit(&log, &view, &reports(&source, new));
        });
    });
    group.finish();
}

fn items() -> Vec<Item> {
    let source = SourceId::new("example").unwrap();
    drafts(0, 50)
        .into_iter()
        .map(|draft| Item {
            id: ItemId::of(&source, &Key::from_text(draft.title.clone())),
            title: draft.title,
            link: draft.link,
            published: draft.published.unwrap(),
            updated: NOW,
            authors: vec![],
            editors: vec![],
            categories: vec!["通告".into()],
            excerpt: write::excerpt(&draft.text),
            content_html: Some(format!("<p>{}</p>", draft.text)),
            picture: None,
            enclosures: vec![],
            comments: None,
            replies: None,
            rights: None,
            provenance: Provenance {
                source: source.clone(),
                title: "例".into(),
                link: "https://www.example.gov.cn/feed.xml".into(),
                is_feed: true,
                credit: None,
            },
            related: vec![],
            regions: vec![],
        })
        .collect()
}

fn writing(c: &mut Criterion) {
    let items = items();
    let channel = Channel {
        hub: None,
        id: "https://news.example.org/regions/140300".into(),
        title: "阳泉市".into(),
        description: "阳泉市".into(),
        self_link: "https://news.example.org/regions/140300/atom.xml".into(),
        page: "https://news.example.org/regions/140300".into(),
        root: "https://news.example.org",
        updated: NOW,
        language: "zh-CN",
        rights: None,
        items: &items,
        ..Channel::default()
    };
    let mut group = c.benchmark_group("write");
    group.throughput(Throughput::Elements(50));
    group.bench_function("Atom, 50 items", |b| b.iter(|| write::atom(black_box(&channel))));
    group.bench_function("RSS, 50 items", |b| b.iter(|| write::rss(black_box(&channel))));
    group.bench_function("JSON Feed, 50 items", |b| b.iter(|| write::json(black_box(&channel))));
    group.finish();
}

/// One request on a connection that stays open; returns the length of the answer.
fn ask(stream: &mut TcpStream, request: &[u8], buffer: &mut [u8]) -> usize {
    stream.write_all(request).unwrap();
    let mut length = 0;
    let mut whole = usize::MAX;
    while length < whole {
        length += stream.read(buffer.get_mut(length..).unwrap()).unwrap();
        let text = String::from_utf8_lossy(buffer.get(..length).unwrap());
        if let Some(head) = text.find("\r\n\r\n") {
            let body = text
                .split("content-length: ")
                .nth(1)
                .and_then(|rest| rest.split('\r').next())
                .and_then(|n| n.parse().ok())
                .unwrap_or(0);
            whole = head + 4 + if text.starts_with("HTTP/1.1 304") { 0 } else { body };
        }
    }
    length
}

fn serving(c: &mut Criterion) {
    let (folder, log, view, source) = store();
    commit(&log, &view, &reports(&source, drafts(0, 50)));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let published = PublishConfig::new(
        Options {
            title: "大院".into(),
            language: "zh-CN".into(),
            zone: Zone::shanghai(),
            items: 50,
            rights: None,
            cache_size: 1 << 26,
            search: false,
            public_url: "https://news.example.org".into(),
            contact: None,
            footer: write::Footer::Texts,
            hub: false,
            listens: false,
        },
        Arc::new(Regions::new(true, vec![], vec![], vec![]).unwrap()),
        dayuan::topics::Topics::default(),
        vec![],
    );
    let site = Arc::new(Site::new(published, || NOW));
    let (poll_states, _) = dayuan::view::PollStates::open(&folder.path().join("visits")).unwrap();
    site.open(log, Arc::new(view), Arc::new(poll_states), Moment::default());
    let stop = CancellationToken::new();
    let address: SocketAddr = runtime
        .block_on(async {
            let listener = serve::listen("127.0.0.1:0".parse().unwrap()).unwrap();
            listener.local_addr().map(|address| (listener, address)).map(|(listener, address)| {
                let handler = Arc::new((Arc::clone(&site), serve::Metrics::default()));
                let stop = stop.clone();
                drop(tokio::task::spawn(serve::serve(listener, handler, Limits::default(), stop)));
                address
            })
        })
        .unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
    let mut buffer = vec![0; 1 << 20];
    let request = |more: &str| format!("GET /regions/140300/atom.xml HTTP/1.1\r\nhost: x\r\n{more}\r\n").into_bytes();
    let plain = request("accept-encoding: gzip\r\n");
    ask(&mut stream, &plain, &mut buffer);
    let etag = String::from_utf8_lossy(&buffer).split("etag: ").nth(1).unwrap().split('\r').next().unwrap().to_owned();
    let conditional = request(&format!("accept-encoding: gzip\r\nif-none-match: {etag}\r\n"));
    let mut group = c.benchmark_group("serve from the shelf");
    group.bench_function("gzip", |b| b.iter(|| ask(&mut stream, &plain, &mut buffer)));
    group.bench_function("304", |b| b.iter(|| ask(&mut stream, &conditional, &mut buffer)));
    group.finish();
    stop.cancel();
}

criterion_group!(benches, reading, judging, writing, serving);
criterion_main!(benches);
