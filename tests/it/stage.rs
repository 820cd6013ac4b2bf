//! A stage for the commands of the documentation: a config, two sites under the names of the examples, and a daemon.

use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use super::http::{Reply, Site, get};
use super::installation::until;

/// What the sites have: title and text, a day older each.
const STORIES: [(&str, &str); 5] = [
    (
        "城区北大街12月3日起临时封闭施工",
        "因供热管网改造，城区北大街自十二中路口至桥头路段将于12月3日22时起临时封闭，请过往车辆绕行南大街。施工预计十天完成，期间公交3路、15路改线运行。",
    ),
    (
        "平定县发布冬季取暖补贴办法",
        "平定县人民政府发布办法，对城乡低保户、特困人员发放冬季取暖补贴，每户八百元，由乡镇审核，十二月底前发放到户。",
    ),
    (
        "我市召开安全生产工作会议",
        "昨天下午，我市召开安全生产工作会议，对今冬明春煤矿、危化、消防等重点行业的安全检查作出安排，要求各县区一周内列出隐患清单。",
    ),
    (
        "关于公开征求阳泉市养老服务条例意见的公告",
        "为提高立法质量，现将《阳泉市养老服务条例（草案）》公布，向社会公开征求意见，时间为一个月，可来信或发送电子邮件。",
    ),
    (
        "盂县中小学寒假时间安排公布",
        "盂县教育局公布中小学寒假时间：2027年1月23日放假，2月22日正式上课，各校不得提前组织集体补课。",
    ),
];

/// The day on which a story was published, and its time for a feed.
fn day(at: usize) -> (String, String) {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let back = 86_400 * (i64::try_from(at).unwrap() + 1);
    let then = dayuan::model::Moment::from_seconds(i64::try_from(now).unwrap() - back);
    (then.rfc3339().chars().take(10).collect(), then.rfc2822())
}

/// The government's site: a list, articles, and a list in JSON.
fn government(path: &str) -> Reply {
    let stories = || STORIES.iter().enumerate();
    let page = |body: String| Reply::ok(body).with("content-type", "text/html; charset=utf-8");
    if path == "/xwzx/yqyw/" {
        let row = |(at, (title, _)): (usize, &(&str, &str))| {
            format!("<li><a href=\"t{at}.html\">{title}</a><span>{}</span></li>", day(at).0)
        };
        let rows: String = stories().map(row).collect();
        return page(format!(
            "<html><head><title>要闻-阳泉市人民政府</title></head><body><h1>要闻</h1><ul class=\"list\">{rows}</ul></body></html>"
        ));
    }
    if path.starts_with("/api/list") {
        let row = |(at, (title, _)): (usize, &(&str, &str))| serde_json::json!({"name": title, "url": format!("/xwzx/yqyw/t{at}.html"), "time": day(at).0});
        let rows: Vec<Value> = stories().map(row).collect();
        return Reply::ok(serde_json::json!({"data": {"list": rows}}).to_string())
            .with("content-type", "application/json");
    }
    let number = path.strip_prefix("/xwzx/yqyw/t").and_then(|rest| rest.strip_suffix(".html"));
    let Some((at, (title, text))) = number.and_then(|number| stories().nth(number.parse().ok()?)) else {
        return Reply::status("404 Not Found");
    };
    page(format!(
        "<html><head><title>{title}_阳泉市人民政府</title></head><body><div class=\"nav\"><a href=\"/\">首页</a></div><h1>{title}</h1><div class=\"info\">发布时间：{} 09:12　来源：市政府办公室</div><div class=\"content\"><p>{text}</p></div></body></html>",
        day(at).0
    ))
}

/// The paper's site: a feed of the newest three.
fn paper(path: &str) -> Reply {
    if path != "/feed.xml" {
        return Reply::status("404 Not Found");
    }
    let item = |(at, (title, text)): (usize, &(&str, &str))| {
        format!(
            "<item><title>{title}</title><link>/n/{at}.html</link><guid isPermaLink=\"false\">n{at}</guid><pubDate>{}</pubDate><description>{text}</description></item>",
            day(at).1
        )
    };
    let items: String = STORIES.iter().enumerate().take(3).map(item).collect();
    Reply::ok(format!(
        "<?xml version=\"1.0\"?><rss version=\"2.0\"><channel><title>阳泉晚报</title>{items}</channel></rss>"
    ))
    .with("content-type", "application/rss+xml")
}

/// The two sources that most pages speak of.
const SOURCES: [(&str, &str); 2] = [
    (
        "yangquan-gov",
        "title = \"阳泉市人民政府 要闻\"\nregion = \"140300\"\nurl = \"https://www.example.gov.cn/xwzx/yqyw/\"\nauthority = \"official\"\n",
    ),
    ("yangquan-evening", "title = \"阳泉晚报\"\nregion = \"140300\"\nurl = \"https://www.example.cn/feed.xml\"\n"),
];

pub(crate) struct Stage {
    folder: tempfile::TempDir,
    /// Where the daemon answers: an address that nothing else takes a free port of.
    front: SocketAddr,
    government: Site,
    paper: Site,
    daemon: Option<Child>,
    /// What the blocks of the page put into `dayuan.toml`.
    settings: toml::Table,
}

impl Stage {
    /// A stage; with the two sources, or without any.
    pub(crate) fn new(with_sources: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let front = TcpListener::bind("127.0.71.1:0").unwrap().local_addr().unwrap();
        let government = Site::new(191, |asked| government(&asked.path));
        let paper = Site::new(192, |asked| paper(&asked.path));
        let stage = Self { folder, front, government, paper, daemon: None, settings: toml::Table::new() };
        for name in ["config/sources", "checked/sources", "bin", "work"] {
            std::fs::create_dir_all(stage.at(name)).unwrap();
        }
        let config = stage.at("config").display().to_string();
        let script = format!(
            "#!/bin/sh\ncase \" $* \" in *\" --config \"*) exec {0} \"$@\" ;; esac\nexec {0} --config {config} \"$@\"\n",
            env!("CARGO_BIN_EXE_dayuan")
        );
        std::fs::write(stage.at("bin/dayuan"), script).unwrap();
        std::fs::set_permissions(stage.at("bin/dayuan"), std::fs::Permissions::from_mode(0o755)).unwrap();
        stage.write_settings();
        for (id, lines) in SOURCES.iter().filter(|_| with_sources) {
            let block = format!("[[source]]\nid = \"{id}\"\n{lines}");
            std::fs::write(stage.at(&format!("checked/sources/{id}.toml")), &block).unwrap();
            std::fs::write(stage.at(&format!("config/sources/{id}.toml")), stage.real(&block)).unwrap();
        }
        stage
    }

    fn at(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// Puts the addresses and folders of the stage in the places of those that the pages name.
    fn real(&self, text: &str) -> String {
        let folder = |name: &str| self.at(name).display().to_string();
        [
            ("cargo run --release --", "dayuan".to_owned()),
            ("dayuan demo", format!("dayuan demo --listen {}", self.front)),
            ("https://www.example.gov.cn", self.government.url("")),
            ("https://www.example.cn", self.paper.url("")),
            ("127.0.0.1:8080", self.front.to_string()),
            ("/etc/dayuan", folder("config")),
            ("/var/lib/dayuan", folder("store")),
            ("/var/backups", folder("backups")),
        ]
        .iter()
        .fold(text.to_owned(), |text, (named, real)| text.replace(named, real))
    }

    /// Puts the names of the pages in the places of those of the stage.
    fn told(&self, text: &str) -> String {
        [(self.government.url(""), "https://www.example.gov.cn"), (self.paper.url(""), "https://www.example.cn")]
            .iter()
            .fold(text.to_owned(), |text, (real, named)| text.replace(real, named))
    }

    fn write_settings(&self) {
        let folder = self.folder.path().display();
        let base = format!(
            "[http]\nlisten = \"{}\"\n[store]\npath = \"{folder}/store\"\n[admin]\nsocket = \"{folder}/dayuan.sock\"\n[fetch]\nallow_networks = [\"127.0.7.0/24\"]\n[poll]\nhost_gap = \"0s\"\n",
            self.front
        );
        let mut settings: toml::Table = base.parse().unwrap();
        for (key, value) in &self.settings {
            match (settings.get_mut(key), value) {
                (Some(toml::Value::Table(mine)), toml::Value::Table(more)) => {
                    more.iter().filter(|(key, _)| *key != "listen").for_each(|(key, value)| {
                        mine.insert(key.clone(), value.clone());
                    });
                }
                _ => {
                    settings.insert(key.clone(), value.clone());
                }
            }
        }
        std::fs::write(self.at("config/dayuan.toml"), settings.to_string()).unwrap();
    }

    /// Takes in a block of a config: `dayuan check` accepts it as it stands, and the daemon takes it over.
    pub(crate) fn configure(&mut self, block: &str, place: &str) {
        let named = block.lines().next().and_then(|line| line.strip_prefix("# /etc/dayuan/"));
        let name = named.unwrap_or_else(|| panic!("{place}: the first line names no file of /etc/dayuan"));
        let parsed: toml::Table = block.parse().unwrap_or_else(|error| panic!("{place}: {error}"));
        for source in parsed.get("source").and_then(toml::Value::as_array).into_iter().flatten() {
            let id = source["id"].as_str().unwrap();
            for folder in ["checked", "config"] {
                drop(std::fs::remove_file(self.at(&format!("{folder}/sources/{id}.toml"))));
            }
        }
        if parsed.get("atlas").and_then(toml::Value::as_str) == Some("none") {
            // Another country: the sources so far belong to regions that are not there any more.
            for folder in ["checked/sources", "config/sources"] {
                std::fs::remove_dir_all(self.at(folder)).unwrap();
                std::fs::create_dir(self.at(folder)).unwrap();
            }
        }
        std::fs::write(self.at("checked").join(name), block).unwrap();
        if name == "dayuan.toml" {
            self.settings = parsed;
            self.write_settings();
        } else {
            std::fs::write(self.at("config").join(name), self.real(block)).unwrap();
        }
        for folder in ["checked", "config"] {
            let output = self.command("dayuan").arg("--config").arg(self.at(folder)).arg("check").output().unwrap();
            let told = String::from_utf8_lossy(&output.stderr);
            let is_fit = output.status.success() && !told.contains("is polled, but");
            assert!(is_fit, "{place}: {told}");
        }
        if self.daemon.is_some() {
            self.run("dayuan reload\n", place);
        }
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        let path = std::env::var("PATH").unwrap_or_default();
        command.env("PATH", format!("{}:{path}", self.at("bin").display()));
        command.env("LC_ALL", "C.UTF-8").current_dir(self.at("work"));
        command
    }

    /// Runs a script, and returns what it printed.
    pub(crate) fn run(&mut self, script: &str, place: &str) -> String {
        if self.daemon.is_none() {
            self.start("exec dayuan run\n", place);
        }
        self.wait_for_sources();
        let output = self.command("timeout").args(["60", "sh", "-eu", "-c"]).arg(self.real(script)).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        let printed = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{place}:\n{script}\n{printed}\n{told}");
        self.told(&format!("{printed}{told}"))
    }

    /// Starts a daemon by a script, in the place of the one that runs.
    pub(crate) fn start(&mut self, script: &str, place: &str) {
        self.stop();
        // A group of its own, so that the daemon ends with the shell that started it.
        let mut command = self.command("sh");
        command.args(["-eu", "-c"]).arg(self.real(script)).process_group(0).stdout(Stdio::null()).stderr(Stdio::null());
        self.daemon = Some(command.spawn().unwrap());
        let answers = || std::net::TcpStream::connect(self.front).is_ok().then_some(());
        until(&format!("{place}: the daemon answers"), answers);
        until(&format!("{place}: the store is open"), || (get(self.front, "/readyz").status == 200).then_some(()));
    }

    fn stop(&mut self) {
        let Some(mut daemon) = self.daemon.take() else { return };
        let group = format!("-{}", daemon.id());
        assert!(Command::new("kill").args(["-TERM", "--", &group]).status().unwrap().success());
        until("the daemon ends", || daemon.try_wait().unwrap());
        until("its address is free", || std::net::TcpStream::connect(self.front).is_err().then_some(()));
    }

    /// Waits until each source was read once. The demo has no admin socket that the config names.
    fn wait_for_sources(&self) {
        let read = || {
            let output = self.command("dayuan").args(["status", "--json"]).output().unwrap();
            let lines = String::from_utf8_lossy(&output.stdout).into_owned();
            let mut states = lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            let is_read = |state: Value| state.get("polls").is_none_or(|polls| polls != 0);
            (!output.status.success() || states.all(is_read)).then_some(())
        };
        until("every source was read", read);
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.stop();
        } else if let Some(daemon) = &mut self.daemon {
            drop(Command::new("kill").args(["-KILL", "--", &format!("-{}", daemon.id())]).status());
            drop(daemon.wait());
        }
    }
}
