//! Polls of small sites with a clock of their own.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::mpsc;

use super::*;
use crate::fetch::{self, Fetcher, Guard, Network};
use crate::log::{Control, Log, Record};
use crate::model::{
    Authority, Filter, Health, Kind, Link, Moment, Policy, PollState, RegionId, SelectorOverrides, Source, SourceId,
    Tls, Trouble, Zone,
};
use crate::view::{self, PollStates, View};

mod articles;
mod listings;
mod loops;
mod proxies;

const START: i64 = 1_767_225_600;
const HOUR: i64 = 3600;
const PACE: Pace = Pace { min: Duration::from_secs(900), max: Duration::from_secs(21_600) };

/// What a site answers.
#[derive(Clone)]
struct Reply {
    status: u16,
    headers: String,
    body: String,
}

impl Reply {
    fn ok(kind: &str, body: impl Into<String>) -> Self {
        Self { status: 200, headers: format!("content-type: {kind}\r\n"), body: body.into() }
    }

    fn status(status: u16) -> Self {
        Self { status, headers: String::new(), body: String::new() }
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push_str(&format!("{name}: {value}\r\n"));
        self
    }
}

/// A request: its method, its path, and its head as a whole in lower case.
#[derive(Clone, Debug)]
struct Asked {
    method: String,
    path: String,
    head: String,
}

impl Asked {
    fn host(&self) -> &str {
        self.head.split("host: ").nth(1).and_then(|rest| rest.lines().next()).unwrap()
    }
}

/// A site on an address of its own, which remembers what it was asked for.
struct Site {
    origin: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Site {
    fn new(answer: impl Fn(&Asked) -> Reply + Send + 'static) -> Self {
        Self::at("http://127.0.0.1:0", answer)
    }

    fn at(origin: &str, answer: impl Fn(&Asked) -> Reply + Send + 'static) -> Self {
        let listener = TcpListener::bind(origin.trim_start_matches("http://")).unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let all = Arc::clone(&asked);
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                let (mut first, mut head) = (String::new(), String::new());
                reader.read_line(&mut first).unwrap();
                while !head.ends_with("\r\n\r\n") && head != "\r\n" && reader.read_line(&mut head).unwrap() > 0 {}
                let mut words = first.split(' ').map(str::to_owned);
                let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
                let one = Asked { method, path, head: head.to_ascii_lowercase() };
                let Reply { status, headers, body } =
                    if one.path == "/robots.txt" { Reply::status(404) } else { answer(&one) };
                all.lock().unwrap().push(one);
                let length = if status == 304 { String::new() } else { format!("content-length: {}\r\n", body.len()) };
                let head = format!("HTTP/1.1 {status} X\r\nconnection: close\r\n{headers}{length}\r\n");
                drop(stream.write_all(format!("{head}{body}").as_bytes()));
            }
        });
        Self { origin, asked }
    }

    fn count(&self, path: &str) -> usize {
        self.asked.lock().unwrap().iter().filter(|asked| asked.path == path).count()
    }

    fn source(&self, id: &str, path: &str, kind: Kind) -> Source {
        Source {
            id: SourceId::new(id).unwrap(),
            was: Vec::new(),
            title: id.to_owned(),
            region: RegionId::new("140300").unwrap(),
            url: Link::parse(&format!("{}{path}", self.origin)).unwrap(),
            kind,
            post: None,
            pins: SelectorOverrides::default(),
            reads_articles: true,
            topics: Vec::new(),
            leads_to: Vec::new(),
            filter: Filter::default(),
            alerts_for: Vec::new(),
            interval: None,
            is_own: false,
            is_inside: true,
            charset: None,
            tls: Tls::Strict,
            zone: Zone::shanghai(),
            authority: Authority::Media,
            policy: Policy::Excerpt,
            rights: None,
            request: None,
        }
    }
}

/// A poll loop over its stores.
struct Desk {
    poller: Poller,
    log: Arc<Log>,
    poll_states: Arc<PollStates>,
    metrics: Metrics,
    now: Arc<AtomicI64>,
    folder: tempfile::TempDir,
}

impl Desk {
    async fn new(sources: &[Source]) -> Self {
        Self::with(sources, Limits { keep: Duration::from_secs(3650 * 86_400), reports: 2000, bytes: 20 << 20 }).await
    }

    async fn with(sources: &[Source], limits: Limits) -> Self {
        Self::made(sources, limits, Vec::new()).await
    }

    /// Creates one whose sources may lead to a port that is not their own.
    async fn opened(sources: &[Source], port: u16) -> Self {
        let limits = Limits { keep: Duration::from_secs(3650 * 86_400), reports: 2000, bytes: 20 << 20 };
        Self::made(sources, limits, vec![port]).await
    }

    async fn made(sources: &[Source], limits: Limits, ports: Vec<u16>) -> Self {
        fetch::install_crypto();
        let folder = tempfile::tempdir().unwrap();
        let log = Arc::new(Log::open(&folder.path().join("log")).unwrap().0);
        let options = view::Options { path: folder.path().join("view"), rules: String::new(), places: Arc::default() };
        let view = Arc::new(View::open(&options, Arc::clone(&log), &|_| {}).unwrap().0);
        let poll_states = Arc::new(PollStates::open(&folder.path().join("visits")).unwrap().0);
        let (commits, queue) = mpsc::channel(64);
        let (changed, mut dirty) = mpsc::channel(64);
        let committer = Committer::new(Arc::clone(&log), Arc::clone(&view), changed, None);
        std::thread::spawn(move || committer.run(queue));
        std::thread::spawn(move || while dirty.blocking_recv().is_some() {});
        let now = Arc::new(AtomicI64::new(START));
        let (clock, paused) = (Arc::clone(&now), Arc::clone(&now));
        let guard = Guard { allow: vec![Network::parse("127.0.0.0/8").unwrap()], ports };
        let options = fetch::Options {
            guard,
            timeout: Duration::from_secs(5),
            max_body: 1 << 20,
            public_url: None,
            contact: None,
        };
        let metrics = Metrics::default();
        let context = PollContext {
            fetcher: Arc::new(Fetcher::new(options).unwrap()),
            view: Arc::clone(&view),
            poll_states: Arc::clone(&poll_states),
            log_writer: LogWriter::new(commits),
            clock: Arc::new(move || Moment::from_seconds(clock.load(Ordering::SeqCst))),
            pause: Arc::new(move |time| {
                paused.fetch_add(i64::try_from(time.as_millis().div_ceil(1000)).unwrap(), Ordering::SeqCst);
                Box::pin(std::future::ready(()))
            }),
            limits,
            metrics: metrics.clone(),
            full: Arc::default(),
            clock_check: Arc::default(),
            announcements: None,
            host_clock: Arc::default(),
            node: None,
        };
        let options = Options { concurrency: 4, pace: PACE, host_gap: Duration::from_secs(1) };
        let mut poller = Poller::new(context, options, Arc::new(Heartbeat::default()));
        poller.load(sources.iter().cloned().map(Arc::new).collect()).await.unwrap();
        Self { poller, log, poll_states, metrics, now, folder }
    }

    /// Lets time pass until the next poll, and polls.
    async fn poll(&mut self) {
        let next = self.poller.queue.iter().map(|entry| entry.0.0).min().unwrap_or_default();
        self.now.fetch_max(next.seconds() + 1, Ordering::SeqCst);
        self.poller.step().await;
    }

    fn pass(&self, seconds: i64) {
        self.now.fetch_add(seconds, Ordering::SeqCst);
    }

    fn state(&self, id: &str) -> PollState {
        self.poll_states.get(&SourceId::new(id).unwrap()).unwrap().unwrap()
    }

    fn records(&self) -> Vec<Record> {
        self.log.replay(0).unwrap().map(|replayed| replayed.unwrap().record).collect()
    }

    /// The titles and texts of all reports.
    fn reports(&self) -> Vec<(String, String)> {
        let reports = self.records().into_iter().filter_map(|record| match record {
            Record::Report(report) => Some((report.draft.title, report.draft.text)),
            _ => None,
        });
        reports.collect()
    }

    /// Says in the log that a source is paused, or not any more.
    async fn control(&self, id: &str, state: Control) {
        let at = Moment::from_seconds(self.now.load(Ordering::SeqCst));
        let record = Record::Control { source: SourceId::new(id).unwrap(), state, at };
        self.poller.context.log_writer.commit(vec![record], at).await.unwrap();
    }

    /// The gauge of sources by health, as far as it is not zero.
    fn gauge(&self) -> HashMap<String, i64> {
        let mut registry = prometheus_client::registry::Registry::default();
        self.metrics.register(&mut registry);
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        let lines = text.lines().filter_map(|line| line.strip_prefix("dayuan_sources{health=\"")?.split_once("\"} "));
        lines
            .map(|(health, count)| (health.to_owned(), count.parse().unwrap()))
            .filter(|(_, count)| *count != 0)
            .collect()
    }
}

/// Lets the log refuse what is written, by taking away its folder until [`mend_log`].
fn break_log(desk: &Desk) {
    desk.pass(24 * HOUR);
    let folder = desk.folder.path();
    std::fs::rename(folder.join("log"), folder.join("away")).unwrap();
}

fn mend_log(desk: &Desk) {
    let folder = desk.folder.path();
    std::fs::rename(folder.join("away"), folder.join("log")).unwrap();
}

fn run(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(test);
}

/// The page of an article.
fn article(title: &str, text: &str) -> Reply {
    let body = format!(
        "<html><head><title>{title}</title></head><body><h1>{title}</h1><div>发布时间：2025-12-02</div><div id=zoom><p>{text}</p><p>{}</p></div></body></html>",
        format!("{title}的有关事项现予公布，请相互转告。").repeat(8)
    );
    Reply::ok("text/html; charset=utf-8", body)
}

/// A list of articles, numbered.
fn list(numbers: impl Iterator<Item = usize>) -> Reply {
    let rows: String = numbers
        .map(|n| {
            format!(
                "<li><a href=\"/n/{n}.html\">关于第{n}批事项的通知公告</a><span>2025-12-{:02}</span></li>",
                n % 28 + 1
            )
        })
        .collect();
    Reply::ok("text/html; charset=utf-8", format!("<html><body><ul>{rows}</ul></body></html>"))
}

fn feed(guids: impl Iterator<Item = usize>, more: &str) -> Reply {
    let items: String = guids
        .map(|n| format!("<item><guid>g{n}</guid><title>第{n}条消息</title><link>http://example.org/{n}</link><description>第{n}条消息的全文</description></item>"))
        .collect();
    Reply::ok(
        "application/rss+xml",
        format!("<rss version=\"2.0\"><channel><title>t</title>{more}{items}</channel></rss>"),
    )
}
