//! The site as objects of an S3-compatible store: moto, a server from PyPI (feature `s3`).

use std::collections::BTreeMap;
use std::io::Read as _;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::http::{Got, Site, get, request};
use super::installation::{Daemon, Installation, notices, source, until};

const KEYS: [(&str, &str); 2] = [("AWS_ACCESS_KEY_ID", "key"), ("AWS_SECRET_ACCESS_KEY", "secret")];

/// The store reads no object to strangers, and looks at no signature.
const SIGNED: (&str, &str) = ("authorization", "AWS key:signature");

/// The store, with a bucket.
struct Store(Child, SocketAddr);

impl Drop for Store {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

impl Store {
    fn start() -> Option<Self> {
        let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/.cache/moto/bin/moto_server");
        let on_path =
            std::env::split_paths(&std::env::var_os("PATH")?).map(|folder| folder.join("moto_server")).collect();
        let Some(program) = [vec![own], on_path].concat().into_iter().find(|path: &PathBuf| path.exists()) else {
            println!("SKIPPED: moto_server is not there");
            return None;
        };
        let address = TcpListener::bind("127.0.72.31:0").unwrap().local_addr().unwrap();
        let (host, port) = (address.ip().to_string(), address.port().to_string());
        let mut command = Command::new(program);
        command.args(["-H", &host, "-p", &port]).stdout(Stdio::null()).stderr(Stdio::null());
        let store = Self(command.spawn().unwrap(), address);
        until("the store answers", || std::net::TcpStream::connect(address).is_ok().then_some(()));
        assert_eq!(request(address, "PUT", "/news", &[("content-length", "0")]).status, 200);
        Some(store)
    }

    fn object(&self, key: &str) -> Got {
        request(self.1, "GET", &format!("/news/site/{key}"), &[SIGNED])
    }

    /// All objects, and what validates them.
    fn objects(&self) -> BTreeMap<String, String> {
        let (mut found, mut after) = (BTreeMap::new(), String::new());
        loop {
            let listed = get(self.1, &format!("/news?list-type=2&prefix=site/{after}")).text();
            for object in listed.split("<Contents>").skip(1) {
                let of = |name: &str| {
                    let rest = object.split(&format!("<{name}>")).nth(1)?;
                    Some(rest.split("</").next()?.to_owned())
                };
                let (Some(key), Some(tag)) = (of("Key"), of("ETag")) else { continue };
                found.insert(key.trim_start_matches("site/").to_owned(), tag);
            }
            let Some(next) = listed.split("<NextContinuationToken>").nth(1) else { return found };
            after = format!("&continuation-token={}", next.split("</").next().unwrap());
        }
    }

    /// The documents that hold a text.
    fn holding(&self, text: &str) -> Vec<String> {
        let keys = self.objects().into_keys().filter(|key| !key.starts_with(".dayuan/"));
        keys.filter(|key| plain(&self.object(key)).contains(text)).collect()
    }

    /// What the store has once nothing follows any more.
    fn until_still(
        &self,
        what: &str,
        is_whole: impl Fn(&BTreeMap<String, String>) -> bool,
    ) -> BTreeMap<String, String> {
        let without_lock = || {
            let mut objects = self.objects();
            objects.remove(".dayuan/lock");
            objects
        };
        let mut last = BTreeMap::new();
        until(what, || {
            std::thread::sleep(Duration::from_millis(1500));
            let now = without_lock();
            let is_still = now == last && is_whole(&now);
            last = now;
            is_still.then_some(())
        });
        last
    }
}

fn plain(object: &Got) -> String {
    let mut text = String::new();
    if object.header("content-encoding") == "gzip" {
        drop(flate2::read::GzDecoder::new(object.body.as_slice()).read_to_string(&mut text));
        text
    } else {
        object.text()
    }
}

/// An installation that publishes to a bucket, and the site of its source with as many items as are wanted.
fn house(store: &Store, host: u8) -> (Installation, Site, Arc<Mutex<usize>>) {
    let (site, wanted) = notices(host, 9);
    let installation = Installation::new(&source("gov", "140300", &site.url("/feed")));
    publishing(&installation, store);
    (installation, site, wanted)
}

fn publishing(installation: &Installation, store: &Store) {
    let path = installation.config().join("dayuan.toml");
    let before = std::fs::read_to_string(&path).unwrap();
    let publish = format!(
        "[publish]\nto = \"s3://news/site\"\n[s3]\nendpoint = \"http://{}\"\n[http]\npublic_url = \"https://news.example.org\"\n",
        store.1
    );
    std::fs::write(&path, before.replace("[http]\n", &publish)).unwrap();
    std::fs::write(
        installation.config().join("regions.toml"),
        "publish = [\"140300\"]\n[[region]]\nid = \"140300\"\nslug = \"yangquan\"\n",
    )
    .unwrap();
}

fn start(installation: &Installation) -> Daemon {
    installation.start_with(&KEYS)
}

#[test]
fn a_bucket_holds_what_changed_and_what_is_withdrawn_is_gone_at_once() {
    let Some(store) = Store::start() else { return };
    let (installation, _site, wanted) = house(&store, 73);
    let daemon = start(&installation);
    let items = daemon.until_items("140300", 9);
    let before = store.until_still("all is written", |objects| objects.keys().any(|key| key.contains("/archive/")));

    // As dayuan itself serves them, under their addresses.
    for (key, media_type) in [
        ("regions/yangquan", "text/html; charset=utf-8"),
        ("regions/yangquan/atom.xml", "application/atom+xml; charset=utf-8"),
        ("regions/yangquan/rss.xml", "application/rss+xml; charset=utf-8"),
        ("regions/yangquan/feed.json", "application/feed+json; charset=utf-8"),
        ("index.html", "text/html; charset=utf-8"),
        ("404.html", "text/html; charset=utf-8"),
        ("sources/gov", "text/html; charset=utf-8"),
        ("style.css", "text/css; charset=utf-8"),
    ] {
        let key = key.replace("yangquan", "140300");
        let object = store.object(&key);
        assert_eq!(object.status, 200, "{key}: {:?}", before.keys());
        assert_eq!(object.header("content-type"), media_type, "{key}");
        assert_eq!(object.header("cache-control"), "max-age=300", "{key}");
        assert_eq!(object.header("content-encoding"), "gzip", "{key}");
        let tag = object.header("etag").to_owned();
        assert!(tag.starts_with('"'), "{key}: {tag} is no strong validator");
        assert_eq!(&before[&key].replace("&quot;", "\""), &tag, "{key}");
    }
    let manifest: serde_json::Value = serde_json::from_str(&store.object(".dayuan/manifest.json").text()).unwrap();
    let listed = manifest["documents"].as_object().unwrap();
    assert_eq!(listed.len(), before.keys().filter(|key| !key.starts_with(".dayuan/")).count());

    // A further item.
    *wanted.lock().unwrap() = 10;
    daemon.until_items("140300", 10);
    let after = store.until_still("the new one is written", |objects| {
        objects.keys().filter(|key| key.starts_with("items/")).count() == 10
    });
    let changed: Vec<&String> =
        after.iter().filter(|(key, tag)| before.get(*key) != Some(tag)).map(|(key, _)| key).collect();
    println!("{} of {} objects were written for a new item", changed.len(), after.len());
    assert!(
        changed.iter().all(|key| !key.starts_with("regions/1403") || key.starts_with("regions/140300")),
        "{changed:?}"
    );

    // What is withdrawn.
    let (id, title) = (items[3]["id"].as_str().unwrap(), items[3]["title"].as_str().unwrap());
    let id = id.rsplit([':', '/']).next().unwrap();
    assert!(store.holding(title).len() > 3);
    let withdrawn = installation.run(&["withdraw", id, "--reason", "test"]);
    assert!(withdrawn.status.success(), "{}", String::from_utf8_lossy(&withdrawn.stderr));
    let began = Instant::now();
    until("it is gone", || store.holding(title).is_empty().then_some(()));
    println!("gone from all objects after {:?}", began.elapsed());
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    assert_eq!(store.object(&format!("items/{id}")).status, 404);

    // Nobody else writes there meanwhile, and the next one begins at once after an end in order.
    let (other, _site, _) = house(&store, 74);
    let second = start(&other);
    let told =
        |installation: &Installation| String::from_utf8_lossy(&installation.run(&["status"]).stdout).into_owned();
    until("it says so", || told(&other).contains("another dayuan writes to s3://news/site").then_some(()));
    assert_eq!(second.stop(), Some(0));
    let last = store.until_still("nothing follows", |_| true);
    assert_eq!(daemon.stop(), Some(0));
    assert!(!store.objects().contains_key(".dayuan/lock"));
    // What an end in between leaves behind goes, what is lost comes back, and what others put there stays.
    request(store.1, "DELETE", "/news/site/regions/140300/rss.xml", &[]);
    for key in ["items/4af6dea3-a202-8ca2-8bb6-1f0dbbbed5b6", "robots.txt"] {
        request(store.1, "PUT", &format!("/news/site/{key}"), &[("content-length", "0")]);
    }
    let daemon = start(&installation);
    until("it is as it was", || {
        let objects = store.objects();
        (objects.contains_key("regions/140300/rss.xml") && !objects.keys().any(|key| key.contains("4af6dea3")))
            .then_some(())
    });
    let again = store.until_still("nothing follows", |_| true);
    assert!(again.contains_key("robots.txt"));
    let differ = |key: &&String| last.get(*key) != again.get(*key);
    let rewritten: Vec<&String> = again.keys().filter(differ).collect();
    assert!(
        rewritten.iter().all(|key| key.starts_with("sources") || key.starts_with(".dayuan") || *key == "robots.txt"),
        "{rewritten:?}"
    );
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn a_bucket_that_is_not_there_or_holds_something_else_is_told() {
    let Some(store) = Store::start() else { return };
    let (installation, _site, _) = house(&store, 75);
    request(store.1, "PUT", "/news/site/mine.txt", &[("content-length", "0")]);
    let daemon = start(&installation);
    let told = |word: &str| {
        until(word, || {
            let status = installation.run(&["status"]);
            String::from_utf8_lossy(&status.stdout).contains(word).then_some(())
        });
    };
    told("s3://news/site is not empty, and dayuan did not fill it");
    assert_eq!(store.objects().len(), 1);
    drop(store);
    told("the object store");
    assert_eq!(daemon.stop(), Some(0));
}
