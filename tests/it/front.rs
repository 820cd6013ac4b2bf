//! The shipped files of nginx and Caddy with the real programs, in front of the real daemon: a host of its own, and a path.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use super::http::{Reply, Site};
use super::installation::{Daemon, Installation, feed, source, until};

/// A web server with TLS in front of a daemon; it is killed when dropped.
struct Front {
    server: Child,
    address: SocketAddr,
    installation: Installation,
    daemon: Daemon,
    _site: Site,
    /// The address that readers see.
    public: &'static str,
}

fn shipped(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging").join(name)).unwrap()
}

fn is_there(program: &str) -> bool {
    let found = Command::new(program).arg("--help").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok();
    if !found {
        println!("SKIPPED: {program} is not there");
    }
    found
}

/// A free address on which nothing else takes a free port.
fn free(host: u8) -> SocketAddr {
    TcpListener::bind(format!("127.0.72.{host}:0")).unwrap().local_addr().unwrap()
}

impl Front {
    /// Starts a web server by what `start` makes of its folder, its address and the daemon's; `None` without the programs.
    fn start(
        host: u8,
        public: &'static str,
        program: &str,
        start: impl Fn(&Path, SocketAddr, SocketAddr) -> Command,
    ) -> Option<Self> {
        if ![program, "curl", "openssl"].iter().all(|program| is_there(program)) {
            return None;
        }
        // Enough for a feed that is worth packing.
        let items: Vec<_> = (1..30).map(|number| (format!("/a/{number}"), format!("供暖通告第{number}号"))).collect();
        let site = Site::new(host, move |_| {
            let items: Vec<_> =
                items.iter().map(|(path, title)| (path.as_str(), path.as_str(), title.as_str(), 2)).collect();
            Reply::ok(feed(&items))
        });
        let settings = format!("public_url = \"{public}\"\nmetrics_listen = \"127.0.0.1:0\"\n");
        let installation = Installation::new(&source("gov", "140300", &site.url("/feed")));
        let path = installation.config().join("dayuan.toml");
        let before = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, before.replace("[http]\n", &format!("[http]\n{settings}"))).unwrap();
        let daemon = installation.start();
        daemon.until_items("140300", 29);
        let folder = installation.folder.path();
        let made = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"])
            .args(["-subj", "/CN=example.org", "-addext", "subjectAltName=DNS:news.example.org,DNS:www.example.org"])
            .args(["-keyout", "key.pem", "-out", "cert.pem"])
            .current_dir(folder)
            .stderr(Stdio::null())
            .status();
        assert!(made.unwrap().success());
        let address = free(host);
        let log = std::fs::File::create(folder.join("front.log")).unwrap();
        let server = start(folder, address, daemon.address).stderr(log).stdout(Stdio::null()).spawn().unwrap();
        let front = Self { server, address, installation, daemon, _site: site, public };
        until("the web server answers", || std::net::TcpStream::connect(address).is_ok().then_some(()));
        Some(front)
    }

    /// What curl gets from an address below the public one, or from a whole address: headers and body.
    fn get(&self, path: &str, options: &[&str]) -> (String, Vec<u8>) {
        let url = if path.contains("://") { path.to_owned() } else { format!("{}{path}", self.public) };
        let output = Command::new("curl")
            .args(["--silent", "--show-error", "--include", "--max-time", "20", "--cacert", "cert.pem", "--connect-to"])
            .arg(format!("::{}", self.address))
            .args(options)
            .arg(&url)
            .current_dir(self.installation.folder.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "{url}: {}", String::from_utf8_lossy(&output.stderr));
        let end = output.stdout.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
        let head = String::from_utf8_lossy(&output.stdout[..end]).into_owned();
        (head, output.stdout[end + 4..].to_vec())
    }

    fn header(head: &str, name: &str) -> String {
        let mut fields = head.lines().filter_map(|line| line.split_once(": "));
        fields.find_map(|(known, value)| known.eq_ignore_ascii_case(name).then(|| value.to_owned())).unwrap_or_default()
    }

    /// What readers need, through this web server.
    fn serves_readers(&self) {
        let text = |path: &str, options: &[&str]| {
            let (head, body) = self.get(path, options);
            (head, String::from_utf8(body).unwrap())
        };
        // A page, and all that it leads to on this site.
        let (head, page) = text("/regions/140300", &[]);
        assert!(head.contains(" 200") && page.contains("供暖通告"), "{head}");
        let host = self.public.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
        let links = page.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
        let own: Vec<String> = links
            .filter(|link| link.starts_with('/') || link.starts_with(self.public))
            .map(|link| if link.starts_with('/') { format!("{host}{link}") } else { link.to_owned() })
            .map(|link| link.replace("&amp;", "&").split('#').next().unwrap_or_default().to_owned())
            .collect();
        assert!(own.iter().any(|link| link.ends_with("/style.css")) && own.len() > 10, "{own:?}");
        for link in &own {
            assert!(link.starts_with(self.public), "{link} leaves the path");
            let (head, _) = self.get(link, &[]);
            assert!(head.contains(" 200"), "{link}: {head}");
        }
        for feed in ["atom.xml", "rss.xml", "feed.json"] {
            let (_, body) = text(&format!("/regions/140300/{feed}"), &[]);
            assert!(body.contains(&format!("{}/regions/140300", self.public)), "{body}");
            assert!(feed == "rss.xml" || body.contains("/hub"), "{body}");
        }
        self.hands_on_what_caches_need();
        // Only the hub takes what is posted, and metrics are not for readers.
        let (head, _) = self.get("/hub", &["--data", "hub.mode=nonsense"]);
        assert!(head.contains(" 400"), "{head}");
        let (head, _) = self.get("/hub", &["--data", &"x".repeat(20_000)]);
        assert!(head.contains(" 413"), "{head}");
        let (head, body) = self.get("/metrics", &[]);
        let body = String::from_utf8_lossy(&body);
        assert!(head.contains(" 404") && !body.contains("style.css"), "not asked of dayuan: {head}{body}");
        let (head, _) = self.get("/readyz", &[]);
        assert!(head.contains(" 200"), "{head}");
    }

    /// Validators, packed forms and 304 arrive as the daemon gives them.
    fn hands_on_what_caches_need(&self) {
        let feed = "/regions/140300/atom.xml";
        let mut tags = Vec::new();
        for coding in ["identity", "gzip", "br", "zstd"] {
            let accept = format!("accept-encoding: {coding}");
            let (head, body) = self.get(feed, &["--header", &accept]);
            assert_eq!(Self::header(&head, "cache-control"), "max-age=300", "{head}");
            let used = Self::header(&head, "content-encoding");
            assert_eq!(used, if coding == "identity" { "" } else { coding }, "{head}");
            let direct = super::http::request(self.daemon.address, "GET", feed, &[("accept-encoding", coding)]);
            assert_eq!(body, direct.body, "{coding}");
            let tag = Self::header(&head, "etag");
            assert!(tag.starts_with('"') && tag == direct.header("etag"), "{tag}");
            let condition = format!("if-none-match: {tag}");
            let (head, body) = self.get(feed, &["--header", &accept, "--header", &condition]);
            assert!(head.contains(" 304") && body.is_empty(), "{coding}: {head}");
            tags.push(tag);
        }
        let (head, _) = self.get(feed, &[]);
        assert_eq!(Self::header(&head, "etag"), tags[0], "whoever accepts nothing gets it as it is");
        let since = format!("if-modified-since: {}", Self::header(&head, "last-modified"));
        let (head, _) = self.get(feed, &["--header", &since]);
        assert!(head.contains(" 304"), "{head}");
        let (head, body) = self.get(feed, &["--head"]);
        assert!(head.contains(" 200") && body.is_empty());
        let (english, chinese) =
            (self.get("/", &["--header", "accept-language: en"]), self.get("/", &["--header", "accept-language: zh"]));
        assert_ne!(english.1, chinese.1, "the language is handed on");
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        drop(self.server.kill());
        drop(self.server.wait());
        if std::thread::panicking() {
            let log = std::fs::read_to_string(self.installation.folder.path().join("front.log"));
            println!("{}", log.unwrap_or_default());
        }
    }
}

fn nginx(folder: &Path, address: SocketAddr, daemon: SocketAddr) -> Command {
    let servers = shipped("nginx.conf")
        .lines()
        .filter(|line| !line.contains("listen [::]") && !line.contains("ssl_certificate"))
        .map(|line| match line.trim() {
            "server 127.0.0.1:8080;" => format!("server {daemon};"),
            "listen 443 ssl http2;" => format!(
                "listen {address} ssl http2; ssl_certificate {0}/cert.pem; ssl_certificate_key {0}/key.pem;",
                folder.display()
            ),
            "listen 80;" => format!("listen unix:{}/plain.sock;", folder.display()),
            _ => line.to_owned(),
        })
        .collect::<Vec<_>>()
        .join("\n");
    let paths: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .iter()
        .map(|name| format!("{name}_temp_path {}/{name};", folder.display()))
        .collect();
    // As Debian's nginx.conf has it: gzip is on for pages.
    let config = format!(
        "daemon off; master_process off; pid {0}/nginx.pid; error_log stderr; events {{}} http {{ access_log off; gzip on; {paths}\n{servers}\n}}",
        folder.display()
    );
    std::fs::write(folder.join("nginx.conf"), config).unwrap();
    let mut command = Command::new("nginx");
    command.env("PATH", format!("{}:/usr/sbin", std::env::var("PATH").unwrap_or_default()));
    command.arg("-c").arg(folder.join("nginx.conf"));
    command
}

fn caddy(folder: &Path, address: SocketAddr, daemon: SocketAddr) -> Command {
    let tls = format!("\tbind {}\n\ttls {1}/cert.pem {1}/key.pem", address.ip(), folder.display());
    let sites = shipped("Caddyfile")
        .lines()
        .map(|line| match line {
            "news.example.org {" | "www.example.org {" => {
                format!("https://{}:{} {{\n{tls}", line.trim_end_matches(" {"), address.port())
            }
            _ => line.replace("127.0.0.1:8080", &daemon.to_string()),
        })
        .collect::<Vec<_>>()
        .join("\n");
    let config = format!("{{\n\tadmin off\n\tauto_https disable_redirects\n}}\n{sites}\n");
    std::fs::write(folder.join("Caddyfile"), config).unwrap();
    let mut command = Command::new("caddy");
    command.args(["run", "--adapter", "caddyfile", "--config"]).arg(folder.join("Caddyfile"));
    command.env("HOME", folder).env("XDG_DATA_HOME", folder).env("XDG_CONFIG_HOME", folder);
    command
}

#[test]
fn nginx_with_a_host_of_its_own() {
    if let Some(front) = Front::start(193, "https://news.example.org", "/usr/sbin/nginx", nginx) {
        front.serves_readers();
    }
}

#[test]
fn nginx_with_a_path() {
    if let Some(front) = Front::start(194, "https://www.example.org/news", "/usr/sbin/nginx", nginx) {
        front.serves_readers();
        let (head, _) = front.get("https://www.example.org/news", &[]);
        assert!(head.contains(" 301") && Front::header(&head, "location").ends_with("/news/"), "{head}");
    }
}

#[test]
fn caddy_with_a_host_of_its_own() {
    if let Some(front) = Front::start(195, "https://news.example.org", "caddy", caddy) {
        front.serves_readers();
    }
}

#[test]
fn caddy_with_a_path() {
    if let Some(front) = Front::start(196, "https://www.example.org/news", "caddy", caddy) {
        front.serves_readers();
        let (head, _) = front.get("https://www.example.org/news", &[]);
        assert!(head.contains(" 30") && Front::header(&head, "location").ends_with("/news/"), "{head}");
    }
}
