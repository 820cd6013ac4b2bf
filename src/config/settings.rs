//! Reads `dayuan.toml`: the settings of the daemon.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::address::link;
use super::cluster::{self, Cluster};
use super::document::Document;
use super::fault::Faults;
use super::file;
use super::log_section::{LogFormat, log_settings};
use super::places::Places;
use super::publish_to::{PublishTo, publish_to};
use super::section::Section;
use super::takedowns;
use super::topics;
use crate::fetch::{self, Guard, Network};
use crate::hub;
use crate::model::{Takedown, Zone};
use crate::poll::{self, Limits, Pace};
use crate::serve;
use crate::topics::Topics;
use crate::write::{Footer, Language};

/// Maximum number of reports per source and day.
const REPORTS_A_DAY: u32 = 2000;
/// Maximum number of bytes of text per source and day.
const BYTES_A_DAY: u64 = 20 * 1024 * 1024;

/// The settings in `dayuan.toml`.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Address on which pages and feeds are served.
    pub listen: SocketAddr,
    /// Address on which metrics are served; `None` by default.
    pub metrics_listen: Option<SocketAddr>,
    /// Maximum number of sources with metrics of their own.
    pub metrics_sources: usize,
    /// Folder of the store: log, view and poll states.
    pub store: PathBuf,
    /// Path of the admin socket.
    pub socket: PathBuf,
    /// Group whose members may use the socket, too.
    pub admin_group: Option<String>,
    /// Options for fetching.
    pub fetch: fetch::Options,
    /// Options for polling.
    pub poll: poll::Options,
    /// Limits on what is accepted from a source.
    pub limits: Limits,
    /// Options for publishing.
    pub publish: serve::Options,
    /// Where feeds and pages are written to as finished documents, if they are.
    pub publish_to: Option<PublishTo>,
    /// The topics of stories: the built-in ones, and those of the admin.
    pub topics: Topics,
    /// What is not published any more.
    pub takedowns: Vec<Takedown>,
    /// Options of the hub.
    pub hub: hub::Options,
    /// The log that several machines share, if this one is not on its own.
    pub cluster: Option<Cluster>,
    /// Format of the daemon's own log.
    pub log_format: LogFormat,
    /// Log filter: `error`, `warn`, `info`, `debug`, `trace` or `off`, or a tracing filter.
    pub log_level: String,
}

pub(super) fn parse(
    path: &Path,
    text: &str,
    places: &Places,
    faults: &mut Faults,
    warnings: &mut Faults,
) -> Option<Settings> {
    let before = faults.count();
    let (cell, slips) = (RefCell::new(&mut *faults), RefCell::new(warnings));
    let document = Document::new(path, text, &cell, &slips);
    let root = document.root();
    let root = Section::new(&document, "", &root);
    let sections = ["http", "store", "fetch", "poll", "publish", "search", "hub", "admin", "cluster", "log", "s3"]
        .map(|name| root.section(name));
    let [http, store, fetch, poll, publish, search, hub, admin, in_cluster, log, s3] = &sections;

    let listen = address(http, "listen").unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8080)));
    let public_url = public_url(http);
    if listen.ip().is_unspecified() && public_url.is_none() {
        http.warning(
            "listen",
            format!("feeds and pages will link to http://{listen}, which readers cannot reach"),
            "set [http] public_url to the address that readers use",
        );
    }
    // Without a public URL, feeds name an address that no subscriber can reach.
    let has_hub = hub.boolean("enabled").unwrap_or(public_url.is_some());
    // Nor does any hub reach us without one.
    let subscribes = hub.boolean("subscribe").unwrap_or(public_url.is_some());
    let publish_to = publish_to(publish, s3, places, http.has("public_url"));
    let public_url = public_url.unwrap_or_else(|| format!("http://{listen}"));
    let state = places.state.clone().unwrap_or_else(|| PathBuf::from("./data"));
    let keep_days = store.integer("keep_days", 30, 36_500).unwrap_or(365);
    let contact = publish.string("contact");
    let contact = fetch.string("contact").or(contact);
    let has_search = search.boolean("enabled").unwrap_or(true);
    let publish = serve::Options {
        hub: has_hub,
        listens: subscribes,
        ..publish_options(publish, has_search, public_url.clone())
    };
    let concurrency = fetch.integer("concurrency", 1, 1024).unwrap_or(64);
    let fetch = fetch_options(fetch, &document, public_url, contact);
    let callbacks = Guard { allow: networks(hub, &document), ports: fetch.guard.ports.clone() };
    let (log_format, log_level) = log_settings(log);
    let settings = Settings {
        topics: topics::parse(&document, &root),
        listen,
        metrics_listen: metrics_address(http, listen),
        store: store_path(store, state, path.parent().filter(|folder| !folder.as_os_str().is_empty())),
        metrics_sources: usize::try_from(http.integer("metrics_sources", 0, 100_000).unwrap_or(1000)).unwrap_or(1000),
        socket: admin_socket(admin, places),
        admin_group: admin_group(admin),
        poll: poll_options(poll, usize::try_from(concurrency).unwrap_or(64), !fetch.guard.allow.is_empty()),
        fetch,
        limits: Limits { keep: seconds(keep_days * 86_400), reports: REPORTS_A_DAY, bytes: BYTES_A_DAY },
        publish,
        publish_to,
        takedowns: takedowns::read(&root),
        hub: hub::Options { enabled: has_hub, subscribe: subscribes, guard: callbacks },
        cluster: cluster::read(in_cluster),
        log_format,
        log_level,
    };
    for section in std::iter::once(&root).chain(&sections) {
        section.finish();
    }
    (faults.count() == before).then_some(settings)
}

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn fetch_options(
    fetch: &Section<'_>,
    document: &Document<'_>,
    public_url: String,
    contact: Option<String>,
) -> fetch::Options {
    if fetch.integers("ports", 65_535).contains(&0) {
        fetch.fault("ports", "`ports` holds 0, which is no port".to_owned(), "leave it out");
    }
    let ports = fetch.integers("ports", 65_535).into_iter().filter_map(|port| u16::try_from(port).ok()).collect();
    let allow = networks(fetch, document);
    fetch::Options {
        guard: Guard { allow, ports },
        timeout: fetch.duration("timeout", seconds(1), seconds(300)).unwrap_or_else(|| seconds(30)),
        max_body: fetch.size("max_body", 64 << 10, 64 << 20).unwrap_or(8 << 20),
        public_url: Some(public_url),
        contact,
    }
}

/// Reads the private networks that a section allows.
fn networks(section: &Section<'_>, document: &Document<'_>) -> Vec<Network> {
    let mut allow = Vec::new();
    for (text, span) in section.strings("allow_networks") {
        match Network::parse(&text) {
            Ok(network) if network.is_everything() => document.fault(
                span,
                format!("`{text}` allows every address, also those of this machine"),
                "name the networks that your own sources are in, such as 10.20.0.0/16",
            ),
            Ok(network) if !network.is_exact() => document.fault(
                span,
                format!("`{text}` does not begin a network"),
                &format!(
                    "write {0}/N for all of the network, or {text_only} alone for this one address",
                    network.first_address(),
                    text_only = text.split('/').next().unwrap_or("")
                ),
            ),
            Ok(network) => allow.push(network),
            Err(error) => document.fault(span, error.to_string(), ""),
        }
    }
    allow
}

/// Reads `[poll]`. Only if the admin's own networks are allowed may the intervals be shorter than the usual minimum.
fn poll_options(poll: &Section<'_>, concurrency: usize, allows_own: bool) -> poll::Options {
    let least = if allows_own { seconds(1) } else { seconds(300) };
    let least_gap = if allows_own { Duration::ZERO } else { seconds(1) };
    let min = poll.duration("min_interval", least, seconds(7 * 86_400)).unwrap_or_else(|| seconds(900));
    let max = poll.duration("max_interval", least, seconds(30 * 86_400)).unwrap_or_else(|| seconds(6 * 3600));
    if min > max {
        poll.fault(
            "max_interval",
            "`max_interval` is shorter than `min_interval`".to_owned(),
            "make it at least as long",
        );
    }
    let host_gap = poll.duration("host_gap", least_gap, seconds(3600)).unwrap_or_else(|| seconds(1));
    poll::Options { concurrency, pace: Pace { min, max }, host_gap }
}

fn publish_options(publish: &Section<'_>, search: bool, public_url: String) -> serve::Options {
    let title = publish.string("title").unwrap_or_else(|| "大院".to_owned());
    let language = publish.string("language").unwrap_or_else(|| "zh-CN".to_owned());
    if !language.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') || language.is_empty() {
        publish.fault("language", format!("`{language}` is not a language tag"), "write it like zh-CN or en");
    }
    let zone = match publish.string("timezone").map(|name| Zone::named(&name)) {
        None => Zone::shanghai(),
        Some(Ok(zone)) => zone,
        Some(Err(error)) => {
            publish.fault("timezone", error.to_string(), "");
            Zone::shanghai()
        }
    };
    let footer = match publish.boolean("footer") {
        None => Footer::Texts,
        Some(true) => Footer::All,
        Some(false) => Footer::None,
    };
    let items = publish.integer("items", 1, 1000).unwrap_or(50);
    // `full` can only be set for single sources, so `excerpt` is the only value here; it is checked and ignored.
    publish.word("content", &[("excerpt", ())]);
    let (cache_size, former) = ["cache_size", "shelf"].map(|key| publish.size(key, 1 << 20, 16 << 30)).into();
    serve::Options {
        title,
        language,
        zone,
        items: usize::try_from(items).unwrap_or(50),
        rights: publish.string("rights"),
        footer,
        cache_size: cache_size.or(former).unwrap_or(64 << 20),
        search,
        public_url,
        contact: publish.string("contact"),
        hub: false,
        listens: false,
    }
}

fn metrics_address(http: &Section<'_>, listen: SocketAddr) -> Option<SocketAddr> {
    let metrics = address(http, "metrics_listen");
    let overlaps = |metrics: SocketAddr| {
        let is_any = |address: SocketAddr| address.ip().is_unspecified();
        metrics.port() == listen.port()
            && metrics.port() != 0
            && (metrics.ip() == listen.ip() || is_any(metrics) || is_any(listen))
    };
    if metrics.is_some_and(overlaps) {
        http.fault(
            "metrics_listen",
            "`metrics_listen` needs the port of `listen`, which can be used only once".to_owned(),
            "give the metrics a port of their own",
        );
    }
    metrics
}

/// Reads the folder of the store. `config` is the folder of the config.
fn store_path(store: &Section<'_>, default: PathBuf, config: Option<&Path>) -> PathBuf {
    const HELP: &str = "name a folder of its own on a disk, such as /var/lib/dayuan; it is made if it is missing";
    let Some(text) = store.string("path") else { return default };
    let path = PathBuf::from(&text);
    // What is there already decides where it lies, links resolved.
    let there = path.ancestors().find(|above| above.exists());
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_unreadable| path.to_owned());
    let rest = there.and_then(|there| path.strip_prefix(there).ok());
    let place = there.map_or_else(PathBuf::new, real).join(rest.unwrap_or(&path));
    let is_config = |config: &Path| place == real(config) || place.starts_with(real(config).join("sources"));
    let problem = if text.is_empty() {
        Some("`path` is empty".to_owned())
    } else if let Some(file) = there.filter(|there| !there.is_dir()) {
        Some(format!("{} is not a folder", file.display()))
    } else if ["/proc", "/sys", "/dev"].iter().any(|kernel| place.starts_with(kernel)) {
        Some(format!("{text} is not on a disk but in a folder of the kernel"))
    } else if Path::new(&text) == Path::new("/") {
        Some("the root folder cannot be the store".to_owned())
    } else if config.is_some_and(is_config) {
        Some(format!("{text} belongs to the config"))
    } else {
        None
    };
    if let Some(problem) = problem {
        store.fault("path", problem, HELP);
    }
    path
}

fn admin_socket(admin: &Section<'_>, places: &Places) -> PathBuf {
    let socket = admin.string("socket").map_or_else(|| default_socket(places), PathBuf::from);
    if socket.as_os_str().len() > 100 {
        admin.fault(
            "socket",
            "the path of the socket is longer than the system allows (100 bytes)".to_owned(),
            "choose a shorter one",
        );
    }
    if socket.is_file() {
        admin.fault(
            "socket",
            format!("{} is a file, which stays as it is", socket.display()),
            "name another path, such as /run/dayuan/dayuan.sock",
        );
    }
    if socket.is_dir() {
        admin.fault(
            "socket",
            format!("{} is a folder", socket.display()),
            "name the socket itself, such as /run/dayuan/dayuan.sock",
        );
    }
    socket
}

/// Reads the group of the socket. Whether it exists is seen where the daemon runs.
fn admin_group(admin: &Section<'_>) -> Option<String> {
    let group = admin.string("group")?;
    let is_name = !group.is_empty() && group.chars().all(|c| c.is_alphanumeric() || "._-$@".contains(c));
    if !is_name {
        admin.fault(
            "group",
            format!("`{group}` is not the name of a group"),
            "name one of /etc/group, such as dayuan-admin",
        );
    }
    is_name.then_some(group)
}

fn default_socket(places: &Places) -> PathBuf {
    places.runtime.as_ref().map_or_else(|| PathBuf::from("./data/dayuan.sock"), |runtime| runtime.join("dayuan.sock"))
}

/// Returns the admin socket named by the config in `folder`. Ignores all other settings and any faults: a daemon must
/// stay reachable even if its config became invalid.
pub fn socket(folder: &Path, places: &Places) -> PathBuf {
    let text = std::fs::read_to_string(folder.join("dayuan.toml")).unwrap_or_default();
    let (root, _) = toml::de::DeTable::parse_recoverable(&text);
    let named = root
        .get_ref()
        .get("admin")
        .and_then(|admin| admin.get_ref().get("socket"))
        .and_then(|socket| socket.get_ref().as_str().map(PathBuf::from));
    named.unwrap_or_else(|| default_socket(places))
}

/// Returns the language that the config in `folder` states for what it publishes, whatever else it says; `None` if it states
/// none.
pub fn stated_language(folder: &Path) -> Option<Language> {
    let (_, text) = file::load(&folder.join("dayuan.toml"), &mut Faults::default())?;
    let (root, _) = toml::de::DeTable::parse_recoverable(&text);
    let publish = root.get_ref().get("publish")?.get_ref();
    publish.get("language")?.get_ref().as_str().map(Language::of_tag)
}

fn address(section: &Section<'_>, key: &'static str) -> Option<SocketAddr> {
    let text = section.string(key)?;
    let parsed = text.parse();
    if parsed.is_err() {
        section.fault(
            key,
            format!("`{text}` is not an address to listen on"),
            "write it like 127.0.0.1:8080 or [::]:8080",
        );
    }
    parsed.ok()
}

fn public_url(http: &Section<'_>) -> Option<String> {
    const HELP: &str = "write it like https://news.example.org";
    let link = link(http, "public_url", HELP)?;
    if link.as_str().contains(['?', '#']) {
        http.fault("public_url", "`public_url` must not have a query or a fragment".to_owned(), HELP);
        return None;
    }
    Some(link.as_str().trim_end_matches('/').to_owned())
}
