//! The site as files ([publish] to): what nginx makes of them, what is written when something changes, and when it is gone.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use serde_json::Value;

use super::http::{Reply, Site, request};
use super::installation::{Installation, feed, notices, source, until};

/// An installation that publishes to a folder, and the site of its source with as many items as are wanted.
fn house(host: u8, public: &str) -> (Installation, Site, Arc<Mutex<usize>>) {
    let (site, wanted) = notices(host, 29);
    let installation = Installation::new(&source("gov", "140300", &site.url("/feed")));
    let path = installation.config().join("dayuan.toml");
    let before = std::fs::read_to_string(&path).unwrap();
    let to = installation.folder.path().join("public");
    let publish = format!("[publish]\nto = \"{}\"\n[http]\npublic_url = \"{public}\"\n", to.display());
    std::fs::write(&path, before.replace("[http]\n", &publish)).unwrap();
    (installation, site, wanted)
}

fn folder(installation: &Installation) -> PathBuf {
    installation.folder.path().join("public")
}

fn documents(installation: &Installation) -> BTreeMap<String, Value> {
    let bytes = std::fs::read(folder(installation).join("manifest.json")).unwrap_or_default();
    let manifest: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let documents = manifest["documents"].as_object().cloned().unwrap_or_default();
    documents.into_iter().collect()
}

/// Waits until everything is written, with so many items.
fn until_written(installation: &Installation, items: usize) -> BTreeMap<String, Value> {
    let is_item = |path: &&String| path.contains("items/");
    until("the items are written", || {
        let documents = documents(installation);
        let is_whole = documents.keys().filter(is_item).count() == items
            && documents.keys().any(|path| path.contains("/archive/"))
            && documents.keys().any(|path| path.ends_with("sources/gov.html"));
        is_whole.then_some(documents)
    });
    // The first pass ends when nothing follows any more.
    let mut last = BTreeMap::new();
    until("nothing follows", || {
        std::thread::sleep(Duration::from_millis(1500));
        let now = documents(installation);
        let is_still = now == last;
        last = now;
        is_still.then_some(())
    });
    last
}

/// All files of the site, and when they were written last.
fn files(folder: &Path) -> BTreeMap<PathBuf, SystemTime> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            // It may be renamed or removed just now.
            let Ok(data) = std::fs::metadata(&path) else { continue };
            found.insert(path, data.modified().unwrap());
        }
    }
    found
}

/// Whether a document, also a packed one, holds a text.
fn holds(path: &Path, text: &str) -> bool {
    let Ok(bytes) = std::fs::read(path) else { return false };
    let mut plain = String::new();
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("gz") => drop(flate2::read::GzDecoder::new(bytes.as_slice()).read_to_string(&mut plain)),
        // Nothing here unpacks it; it is written with the .gz beside it.
        Some("br") => {}
        _ => plain = String::from_utf8_lossy(&bytes).into_owned(),
    }
    plain.contains(text)
}

struct Nginx(Child, SocketAddr);

impl Drop for Nginx {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn nginx(installation: &Installation) -> Option<Nginx> {
    let program = "/usr/sbin/nginx";
    if !Path::new(program).exists() {
        println!("SKIPPED: {program} is not there");
        return None;
    }
    let address = TcpListener::bind("127.0.72.21:0").unwrap().local_addr().unwrap();
    let own = installation.folder.path();
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .iter()
        .map(|name| format!("{name}_temp_path {}/{name};", own.display()))
        .collect();
    let config = format!(
        "daemon off; master_process off; pid {0}/nginx.pid; error_log stderr; events {{}} http {{ access_log off; gzip on; {temporary} server {{ listen {address}; include {0}/public/nginx.conf; }} }}",
        own.display()
    );
    std::fs::write(own.join("nginx.conf"), config).unwrap();
    let log = std::fs::File::create(own.join("nginx.log")).unwrap();
    let child = Command::new(program).arg("-c").arg(own.join("nginx.conf")).stderr(log).stdout(Stdio::null()).spawn();
    let nginx = Nginx(child.unwrap(), address);
    until("nginx answers", || std::net::TcpStream::connect(address).is_ok().then_some(()));
    Some(nginx)
}

/// nginx serves every document as the manifest tells it, and each page leads to what is there.
fn is_served(public: &str, root: &str, host: u8) {
    let (installation, _site, _) = house(host, public);
    let daemon = installation.start();
    daemon.until_items("140300", 29);
    let documents = until_written(&installation, 29);
    let Some(nginx) = nginx(&installation) else { return };
    let get = |path: &str, headers: &[(&'static str, &str)]| request(nginx.1, "GET", path, headers);
    for (path, entry) in &documents {
        let address = match path.strip_suffix("index.html").or_else(|| path.strip_suffix(".html")) {
            Some(page) if !path.ends_with("404.html") => format!("/{page}"),
            _ => format!("/{path}"),
        };
        let answer = get(&address, &[]);
        assert_eq!(answer.status, 200, "{address}");
        assert_eq!(answer.header("content-type"), entry["content_type"], "{address}");
        assert_eq!(answer.header("cache-control"), "max-age=300", "{address}");
        assert_eq!(answer.body, std::fs::read(folder(&installation).join("site").join(path)).unwrap(), "{address}");
        let tag = answer.header("etag").to_owned();
        assert!(tag.starts_with('"'), "{tag} is no strong validator");
        assert_eq!(get(&address, &[("if-none-match", &tag)]).status, 304, "{address}");
        let packed = get(&address, &[("accept-encoding", "gzip")]);
        let is_packed = entry["packed"].as_array().unwrap().iter().any(|ending| ending == "gz");
        assert_eq!(packed.header("content-encoding"), if is_packed { "gzip" } else { "" }, "{address}");
        assert_eq!(packed.header("etag") != tag, is_packed, "{address}: a form has the validator of another");
    }
    // What a page leads to, on this site.
    for page in ["/", "/regions/140300", "/sources", "/sources/gov", "/about", "/regions"] {
        let text = get(&format!("{root}{page}"), &[]).text();
        let links = text.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
        let own = links.filter_map(|link| link.strip_prefix(public).or(link.starts_with('/').then_some(link)));
        let mut count = 0;
        for link in own {
            let path = if link.starts_with(root) { link.to_owned() } else { format!("{root}{link}") };
            assert_eq!(get(path.split('#').next().unwrap(), &[]).status, 200, "{page} leads to {link}");
            assert!(!link.contains('?'), "{page} leads to {link}, which needs dayuan");
            count += 1;
        }
        assert!(count > 3, "{page}: {text}");
    }
    let page = get(&format!("{root}/regions/140300"), &[]);
    assert!(page.header("content-security-policy").contains("default-src 'none'"));
    assert_eq!(get(&format!("{root}/regions/140300/"), &[]).status, 301);
    let lost = get(&format!("{root}/items/4af6dea3-a202-8ca2-8bb6-1f0dbbbed5b6"), &[]);
    assert!(lost.status == 404 && lost.text().contains("没有这个页面"), "{}", lost.status);
}

#[test]
fn nginx_serves_the_files_as_they_stand() {
    is_served("https://news.example.org", "", 61);
}

#[test]
fn nginx_serves_the_files_below_a_path() {
    is_served("https://www.example.org/news", "/news", 62);
}

#[test]
fn only_what_changed_is_written_and_what_is_withdrawn_is_gone_at_once() {
    let (installation, _site, wanted) = house(63, "https://news.example.org");
    let mut daemon = installation.start();
    let items = daemon.until_items("140300", 29);
    let before = until_written(&installation, 29);
    let site = folder(&installation).join("site");
    let untouched = files(&site);
    assert!(untouched.keys().all(|path| !path.to_string_lossy().ends_with("unfinished")));

    // A further item: its page, its region with those above, and what lists all.
    *wanted.lock().unwrap() = 30;
    daemon.until_items("140300", 30);
    let after = until_written(&installation, 30);
    let changed: Vec<&String> =
        after.iter().filter(|(path, entry)| before.get(*path) != Some(entry)).map(|(path, _)| path).collect();
    println!("{} of {} documents were written for a new item", changed.len(), after.len());
    assert!(changed.len() < 50 && after.len() > 300, "{changed:?}");
    let is_of_it = |path: &&&String| {
        !path.starts_with("regions/") || path.starts_with("regions/1403") || path.starts_with("regions/140000")
    };
    assert_eq!(changed.iter().find(|path| !is_of_it(path)), None);
    let other = site.join("regions/140100/atom.xml");
    assert_eq!(files(&site).get(&other), untouched.get(&other), "a document was written again with the same bytes");

    // What is withdrawn is gone from all files within two seconds.
    let (id, title) = (items[3]["id"].as_str().unwrap(), items[3]["title"].as_str().unwrap());
    let id = id.rsplit([':', '/']).next().unwrap();
    let page = site.join(format!("items/{id}.html"));
    assert!(page.exists(), "{}", page.display());
    let withdrawn = installation.run(&["withdraw", id, "--reason", "test"]);
    assert!(withdrawn.status.success(), "{}", String::from_utf8_lossy(&withdrawn.stderr));
    let began = Instant::now();
    assert!(files(&site).keys().any(|path| path.to_string_lossy().ends_with(".gz") && holds(path, title)));
    until("it is gone", || (!page.exists() && files(&site).keys().all(|path| !holds(path, title))).then_some(()));
    println!("gone from all files after {:?}", began.elapsed());
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());

    // What an end in between leaves behind is removed, and nothing is written again.
    let last = until_written(&installation, 29);
    daemon.kill();
    for stray in ["items/stray.html", "regions/140300/atom.xml.unfinished"] {
        std::fs::write(site.join(stray), "x").unwrap();
    }
    let lost = site.join("regions/140300/rss.xml");
    std::fs::remove_file(&lost).unwrap();
    let daemon = installation.start();
    until("it is tidy", || (!site.join("items/stray.html").exists() && lost.exists()).then_some(()));
    assert!(!site.join("regions/140300/atom.xml.unfinished").exists());
    let again = until_written(&installation, 29);
    let differ = |path: &&String| {
        last.get(*path) != again.get(*path) && !path.starts_with("sources") && *path != "regions/140300/rss.xml"
    };
    assert_eq!(again.keys().find(differ), None);
    assert_eq!(daemon.stop(), Some(0));
}

#[test]
fn a_folder_with_something_else_is_left_alone() {
    let (installation, _site, _) = house(64, "https://news.example.org");
    let own = folder(&installation).join("own.txt");
    std::fs::create_dir_all(folder(&installation)).unwrap();
    std::fs::write(&own, "mine").unwrap();
    let daemon = installation.start();
    until("it says so", || {
        let told = String::from_utf8_lossy(&installation.run(&["status"]).stdout).into_owned();
        told.contains("is not empty, and dayuan did not fill it").then_some(())
    });
    daemon.until_items("140300", 29);
    assert_eq!(std::fs::read_dir(folder(&installation)).unwrap().count(), 1);
}

#[test]
fn others_can_read_the_files_under_the_umask_of_the_unit() {
    let (installation, _site, _) = house(65, "https://news.example.org");
    let mut command = Command::new("sh");
    let start =
        format!("umask 077; exec {} run --config {}", env!("CARGO_BIN_EXE_dayuan"), installation.config().display());
    command.args(["-c", &start]);
    let daemon = installation.launch_command(command);
    daemon.until_items("140300", 29);
    until_written(&installation, 29);
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    for path in files(&folder(&installation)).keys() {
        let name = path.file_name().unwrap().to_str().unwrap();
        assert!(name == "lock" || mode(path) == 0o644, "{}: {:o}", path.display(), mode(path));
        let folders = path.ancestors().skip(1).take_while(|above| *above != installation.folder.path());
        folders.for_each(|above| assert_eq!(mode(above), 0o755, "{}", above.display()));
    }
}

#[test]
fn what_left_the_config_leaves_the_folder() {
    let (installation, other, _) = house(66, "https://news.example.org/a");
    let mut daemon = installation.start();
    daemon.until_items("140300", 29);
    until_written(&installation, 29);
    daemon.kill();
    let site = folder(&installation).join("site");
    assert!(site.join("a/sources/gov.html").exists() && site.join("a/regions/140100.html").exists());
    // Another path, another source, and fewer regions.
    let path = installation.config().join("dayuan.toml");
    let before = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, before.replace("example.org/a", "example.org/b(1)")).unwrap();
    let path = installation.config().join("regions.toml");
    let before = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, before.replace("publish = [\"140000\"]", "publish = [\"140300\"]")).unwrap();
    installation.sources(&source("other", "140300", &other.url("/feed")));
    let link = site.join("b(1)");
    let mine = installation.folder.path().join("mine");
    std::fs::create_dir_all(&mine).unwrap();
    std::fs::write(mine.join("own.txt"), "mine").unwrap();
    std::os::unix::fs::symlink(&mine, site.join("a/link")).unwrap();
    let _daemon = installation.start();
    until("the old path is gone", || files(&site).keys().all(|path| path.starts_with(&link)).then_some(()));
    until("the new one is there", || link.join("regions/140300.html").exists().then_some(()));
    assert!(!link.join("regions/140100.html").exists());
    assert!(mine.join("own.txt").exists(), "what a link leads to was removed");
    let rules = || std::fs::read_to_string(folder(&installation).join("nginx.conf")).unwrap_or_default();
    until("the rules follow", || rules().contains("/b\\x281\\x29/regions").then_some(()));
}

#[test]
fn an_end_in_between_loses_no_document_and_two_do_not_write_to_one_folder() {
    let (installation, _site, _) = house(67, "https://news.example.org");
    let mut daemon = installation.start();
    daemon.until_items("140300", 29);
    until_written(&installation, 29);
    daemon.kill();
    let site = folder(&installation).join("site");
    // A document that was written after the manifest was.
    let page = site.join("regions/140300.html");
    std::fs::write(&page, "newer").unwrap();
    let lock = std::fs::File::create(folder(&installation).join("lock")).unwrap();
    lock.lock().unwrap();
    let daemon = installation.start();
    until("it says who writes", || {
        let told = String::from_utf8_lossy(&installation.run(&["status"]).stdout).into_owned();
        told.contains("another dayuan writes to").then_some(())
    });
    assert_eq!(std::fs::read_to_string(&page).unwrap(), "newer");
    drop(lock);
    until("it is written again", || (!holds(&page, "newer")).then_some(()));
    assert!(page.exists());
    assert_eq!(daemon.stop(), Some(0));
    // A manifest that nobody can parse costs no document.
    std::fs::write(folder(&installation).join("manifest.json"), "{").unwrap();
    let before = files(&site).len();
    let _daemon = installation.start();
    let mut least = before;
    until("all is listed again", || {
        least = least.min(files(&site).len());
        (documents(&installation).keys().any(|path| path == "sources/gov.html")).then_some(())
    });
    assert!(least + 5 > before, "{least} of {before} were left");
}

#[test]
fn a_withdrawn_report_of_a_story_that_lives_on_leaves_the_files_soon() {
    const TEXT: &str = "供热。市供热管理处昨日通知，各供热站点已完成注水和检修，居民家中如有渗漏，请拨打值班电话报修，检修人员两小时内上门。";
    let (installation, _site, _) = house(68, "https://news.example.org");
    let told = |host, path: &'static str| {
        Site::new(host, move |_| Reply::ok(feed(&[(path, path, "今冬十一月一日起供热", 2)]).replace("供热。", TEXT)))
    };
    let (first, other) = (told(69, "/a/1"), told(70, "/b/1"));
    let known = std::fs::read_to_string(installation.config().join("sources/all.toml")).unwrap();
    installation.sources(&format!(
        "{known}{}{}",
        source("jia", "140300", &first.url("/feed")),
        source("yi", "140300", &other.url("/feed"))
    ));
    let _daemon = installation.start();
    let site = folder(&installation).join("site");
    let link = other.url("/b/1");
    let shows = || files(&site).into_keys().filter(|path| holds(path, &link)).collect::<Vec<_>>();
    until("items are written", || documents(&installation).keys().any(|path| path.contains("items/")).then_some(()));
    let is_item = |path: &PathBuf| {
        holds(path, &first.url("/a/1"))
            && path.to_string_lossy().ends_with(".html")
            && path.starts_with(site.join("items"))
    };
    let page = until("both are one story", || shows().into_iter().find(is_item));
    let withdrawn = installation.run(&["withdraw", "--source", "yi", "--reason", "test"]);
    assert!(withdrawn.status.success(), "{}", String::from_utf8_lossy(&withdrawn.stderr));
    let began = Instant::now();
    until("it is gone", || shows().is_empty().then_some(()));
    println!("gone from all files after {:?}", began.elapsed());
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    assert!(page.exists(), "the story lives on");
}
