//! What a source's requests carry goes to its own site alone, through its own proxy, and is written nowhere.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::sync::{Arc, Mutex};

use super::http::{Asked, Reply, Site, get};
use super::installation::{Installation, feed, source, until};

/// What nobody but the sites may see.
const SECRETS: [&str; 4] = ["s3cret-key", "s3cret-password", "ZGF5dWFuOnMzY3JldC1wYXNzd29yZA==", "s3cret-proxy"];

/// Puts credentials where systemd would.
fn given(installation: &Installation, credentials: &[(&str, &str)]) -> String {
    let folder = installation.folder.path().join("credentials");
    std::fs::create_dir_all(&folder).unwrap();
    for (name, secret) in credentials {
        std::fs::write(folder.join(name), format!("{secret}\n")).unwrap();
    }
    folder.display().to_string()
}

fn carried<'a>(asked: &'a Asked, header: &str) -> Option<&'a str> {
    asked.headers.get(header).map(String::as_str)
}

const OPTIONS: &str = "[source.request]\ncontact = \"mailto:office@example.org\"\nheaders = { X-Api-Version = \"2\", X-Api-Key = { credential = \"key\" } }\nuser = \"dayuan\"\npassword = { credential = \"password\" }\n";

/// Returns whether a request carries the headers of [`OPTIONS`].
fn is_trusted(asked: &Asked) -> bool {
    let is_there = carried(asked, "x-api-key") == Some(SECRETS[0]);
    assert_eq!(
        is_there,
        carried(asked, "authorization") == Some(format!("Basic {}", SECRETS[2]).as_str()),
        "{asked:?}"
    );
    assert_eq!(is_there, carried(asked, "x-api-version") == Some("2"), "{asked:?}");
    if !is_there {
        let told = format!("{asked:?}");
        assert!(SECRETS.iter().all(|secret| !told.contains(secret)), "{told}");
    }
    is_there
}

#[test]
fn c3_secrets_of_a_source_go_to_its_own_site_alone_and_are_written_nowhere() {
    let text = "因供热管网改造，城区北大街将临时封闭，请过往车辆绕行南大街，施工预计十天完成。".repeat(4);
    let page = move |title: &str| {
        Reply::ok(format!("<html><head><title>{title}</title></head><body><h1>{title}</h1><div class=\"content\"><p>{text}</p></div></body></html>"))
            .with("content-type", "text/html; charset=utf-8")
    };
    let elsewhere = page.clone();
    let stranger = Site::new(201, move |asked| elsewhere(&format!("外站第{}号关于道路施工的通告", asked.path)));
    let (strange, strangers) = (stranger.url("/a"), stranger.url("/feed"));
    let own = Site::new(202, move |asked| match asked.path.as_str() {
        "/list" => Reply::ok(format!(
            "<html><body><ul>{}</ul></body></html>",
            (0..6)
                .map(|at| {
                    let link = if at % 2 == 0 { format!("/n/{at}.html") } else { format!("{strange}{at}.html") };
                    format!("<li><a href=\"{link}\">第{at}号关于道路施工的通告</a><span>2026-11-2{at}</span></li>")
                })
                .collect::<String>()
        )),
        "/away" => Reply::status("302 Found").with("location", strangers.clone()),
        path => page(&format!("第{path}号关于道路施工的通告")),
    });
    let blocks =
        source("list", "140300", &own.url("/list")) + OPTIONS + &source("away", "140300", &own.url("/away")) + OPTIONS;
    let settings = format!(
        "[fetch]\nallow_networks = [\"127.0.7.0/24\"]\nports = [{}]\ntimeout = \"5s\"\n[poll]\nmin_interval = \"1s\"\nmax_interval = \"2s\"\nhost_gap = \"0s\"\n",
        stranger.address.port()
    );
    let installation = Installation::with(&settings, &blocks);
    let folder = given(&installation, &[("key", SECRETS[0]), ("password", SECRETS[1])]);
    let config = installation.config().join("dayuan.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, text.replace("level = \"debug\"", "level = \"trace\"")).unwrap();
    let daemon = installation.start_with(&[("CREDENTIALS_DIRECTORY", &folder)]);
    daemon.until_items("140300", 6);
    until("articles of both sites and the redirect were asked for", || {
        let is_asked = |site: &Site, part: &str| site.asked().iter().any(|asked| asked.path.contains(part));
        (is_asked(&own, "/n/") && is_asked(&stranger, "/a") && is_asked(&stranger, "/feed")).then_some(())
    });
    let asked = own.asked();
    assert!(asked.iter().all(is_trusted), "{asked:?}");
    assert!(!stranger.asked().iter().any(is_trusted));
    for asked in asked.iter().chain(&stranger.asked()) {
        assert!(carried(asked, "user-agent").unwrap().contains("mailto:office@example.org"), "{asked:?}");
    }
    // Neither logged, nor told, nor served, nor stored.
    let mut told = daemon.log().iter().map(ToString::to_string).collect::<String>();
    for command in [
        &["status", "--json"][..],
        &["poll", "away"],
        &["sources"],
        &["sources", "export"],
        &["check"],
        &["schema", "sources"],
    ] {
        let output = installation.run_with(&[("CREDENTIALS_DIRECTORY", &folder)], command);
        told += &format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    }
    told += &installation.ask(b"{\"command\":\"metrics\"}\n");
    for path in ["/sources", "/sources/atom.xml", "/opml.xml", "/regions/140300/atom.xml"] {
        told += &get(daemon.address, path).text();
    }
    assert_eq!(daemon.stop(), Some(0));
    let stored = stored(&installation.folder.path().join("store"));
    for secret in SECRETS {
        assert!(!told.contains(secret), "{secret} is told");
        assert!(!stored.windows(secret.len()).any(|bytes| bytes == secret.as_bytes()), "{secret} is stored");
    }
}

/// All bytes of a folder.
fn stored(folder: &std::path::Path) -> Vec<u8> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        all.extend(if path.is_dir() { stored(&path) } else { std::fs::read(&path).unwrap() });
    }
    all
}

/// A proxy that passes on what it is asked, to one site.
fn proxy(site: &Site, wants: Option<&'static str>) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.72.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let asked: Arc<Mutex<Vec<String>>> = Arc::default();
    let (seen, site) = (Arc::clone(&asked), site.address);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let (mut head, mut byte) = (Vec::new(), [0]);
            while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|count| count > 0) {
                head.push(byte[0]);
            }
            let head = String::from_utf8_lossy(&head).into_owned();
            seen.lock().unwrap().push(head.clone());
            let login = head
                .lines()
                .find_map(|line| line.to_lowercase().starts_with("proxy-authorization:").then(|| line.to_owned()));
            if wants.is_some_and(|wants| !login.unwrap_or_default().ends_with(wants)) {
                drop(stream.write_all(&Reply::status("407 Proxy Authentication Required").bytes()));
                continue;
            }
            // An absolute address: the path begins after the host.
            let mut parts = head.splitn(3, ' ');
            let (method, address, rest) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
            let path = address.splitn(4, '/').nth(3).unwrap_or("");
            let Ok(mut upstream) = TcpStream::connect(site) else { continue };
            drop(upstream.write_all(format!("{method} /{path} {rest}").as_bytes()));
            let mut answer = Vec::new();
            drop(upstream.read_to_end(&mut answer));
            drop(stream.write_all(&answer));
        }
    });
    (format!("http://{address}"), asked)
}

#[test]
fn s7_a_proxy_of_a_source_is_asked_for_public_names_alone() {
    let site = Site::with_robots(203, Reply::ok("User-agent: *\nDisallow: /closed\n"), |asked, stream| {
        let reply = match asked.path.as_str() {
            "/inside" => Reply::status("302 Found").with("location", "http://oa.internal/feed"),
            "/here" => Reply::status("302 Found").with("location", "http://127.0.0.1/feed"),
            _ => Reply::ok(feed(&[("1", "/a/1", "题", 2)])),
        };
        drop(stream.write_all(&reply.bytes()));
    });
    // Base64 of dayuan:s3cret-proxy.
    let (proxy, asked) = proxy(&site, Some("ZGF5dWFuOnMzY3JldC1wcm94eQ=="));
    let through = |id: &str, url: &str, more: &str| {
        source(id, "140300", url)
            + more
            + &format!(
                "[source.request]\nproxy = \"{proxy}\"\nproxy_user = \"dayuan\"\nproxy_password = {{ credential = \"proxy\" }}\n"
            )
    };
    // Names of the example zone resolve nowhere: the proxy knows where they lead.
    let blocks = through("feed", "http://www.news.example/feed", "")
        + &through("closed", "http://www.news.example/closed", "as = \"list\"\n")
        + &through("inside", "http://www.news.example/inside", "")
        + &through("here", "http://www.news.example/here", "")
        + &source("refused", "140300", "http://www.other.example/feed")
        + &format!("[source.request]\nproxy = \"{proxy}\"\n");
    let installation = Installation::with("[fetch]\ntimeout = \"5s\"\n[poll]\nhost_gap = \"1s\"\n", &blocks);
    let folder = given(&installation, &[("proxy", SECRETS[3])]);
    let daemon = installation.start_with(&[("CREDENTIALS_DIRECTORY", &folder)]);
    daemon.until_items("140300", 1);
    let reason = |id: &str| {
        let status = until(&format!("{id} was polled"), || {
            Some(daemon.status(&installation, id)).filter(|status| status["failures"].as_u64() > Some(0))
        });
        status["reason"].as_str().unwrap().to_owned()
    };
    for (id, part) in [
        ("closed", "robots.txt of www.news.example disallows"),
        ("inside", "oa.internal is on this machine or in a private network"),
        ("here", "127.0.0.1 is on this machine or in a private network"),
        ("refused", "wants a user and a password (407)"),
    ] {
        let reason = reason(id);
        assert!(reason.contains(part), "{id}: {reason}");
    }
    let asked = asked.lock().unwrap().clone();
    assert!(asked.iter().all(|head| head.contains(".example/")), "{asked:?}");
    assert!(asked.iter().any(|head| head.contains("www.news.example/robots.txt")), "{asked:?}");
    // The site itself learns nothing of what the proxy wants.
    assert!(site.asked().iter().all(|asked| carried(asked, "authorization").is_none()));
    let log = daemon.log().iter().map(ToString::to_string).collect::<String>();
    assert!(!log.contains(SECRETS[3]));
}

#[test]
fn a_proxy_that_is_down_is_told_and_counts_as_no_silence_of_our_network() {
    let down = TcpListener::bind("127.0.72.2:0").unwrap().local_addr().unwrap();
    let site = Site::new(204, |_| Reply::ok(feed(&[("1", "/a/1", "题", 2)])));
    let mut blocks = source("good", "140300", &site.url("/feed"));
    for at in 0..4 {
        blocks += &source(&format!("s{at}"), "140300", &format!("http://www.news{at}.example/feed"));
        blocks += &format!("[source.request]\nproxy = \"http://{down}\"\n");
    }
    let installation = Installation::new(&blocks);
    let daemon = installation.start();
    for at in 0..4 {
        let status = until("a source without its proxy was polled", || {
            Some(daemon.status(&installation, &format!("s{at}"))).filter(|status| status["failures"].as_u64() > Some(0))
        });
        let reason = status["reason"].as_str().unwrap();
        assert!(reason.contains(&format!("the proxy {down} of this source does not help")), "{reason}");
    }
    daemon.until_items("140300", 1);
    assert!(!daemon.log().iter().any(|line| line["fields"]["event"] == "network_down"));
}

#[test]
fn a_missing_credential_is_told_with_its_remedy_and_costs_its_own_source_alone() {
    let site = Site::new(205, |_| Reply::ok(feed(&[("1", "/a/1", "题", 2)])));
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "s3cret-key\n").unwrap();
    std::fs::set_permissions(file.path(), std::fs::Permissions::from_mode(0o604)).unwrap();
    let secret = |id: &str, place: &str| {
        source(id, "140300", &site.url(&format!("/{id}")))
            + &format!("[source.request]\nheaders = {{ X-Api-Key = {place} }}\n")
    };
    let blocks = secret("lacks", "{ credential = \"portal-key\" }")
        + &secret("open", &format!("{{ file = \"{}\" }}", file.path().display()));
    let installation = Installation::new(&blocks);
    let folder = given(&installation, &[("other", "x")]);
    let check = |locale: &str, environment: &[(&str, &str)]| {
        let all: Vec<(&str, &str)> = environment.iter().copied().chain([("LC_ALL", locale)]).collect();
        let output = installation.run_with(&all, &["check"]);
        assert_eq!(output.status.code(), Some(0));
        String::from_utf8(output.stderr).unwrap()
    };
    let given = [("CREDENTIALS_DIRECTORY", folder.as_str())];
    for (locale, environment, parts) in [
        (
            "en_GB.UTF-8",
            &given[..],
            [
                "all.toml:7: the credential `portal-key` is missing: No such file",
                "LoadCredential=portal-key:/PATH below [Service]",
                "everybody on this machine can read the secret in",
                "chmod o-r",
            ],
        ),
        (
            "zh_CN.UTF-8",
            &given[..],
            [
                "all.toml:7: 缺少凭据“portal-key”：文件不存在",
                "LoadCredential=portal-key:/路径",
                "所有人都能读取",
                "chmod o-r",
            ],
        ),
        ("en_GB.UTF-8", &[], ["the credential `portal-key` cannot be seen here", "LoadCredential=portal-key", "", ""]),
        ("zh_CN.UTF-8", &[], ["这里看不到凭据“portal-key”", "LoadCredential=portal-key:/路径", "", ""]),
    ] {
        let told = check(locale, environment);
        for part in parts {
            assert!(told.contains(part), "`{part}` is missing in {told}");
        }
        assert!(!told.contains("s3cret"), "{told}");
    }
    let daemon = installation.start_with(&given);
    let status = until("the source was polled", || {
        Some(daemon.status(&installation, "lacks")).filter(|status| status["failures"].as_u64() > Some(0))
    });
    assert!(status["reason"].as_str().unwrap().contains("the credential `portal-key` is missing"), "{status}");
    until("the other is read", || (daemon.status(&installation, "open")["health"] == "ok").then_some(()));
    assert!(
        site.asked().iter().all(|asked| asked.path == "/open" && carried(asked, "x-api-key") == Some("s3cret-key"))
    );
    // A secret in a file may change, and a reload takes it.
    std::fs::write(file.path(), "s3cret-new\n").unwrap();
    assert!(installation.run(&["reload"]).status.success());
    until("the new one is sent", || {
        site.asked().iter().any(|asked| carried(asked, "x-api-key") == Some("s3cret-new")).then_some(())
    });
}
