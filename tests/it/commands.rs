//! The commands, from outside: what they say, and how they end.

use std::os::unix::fs::PermissionsExt;

use super::http::{Reply, Site, get};
use super::installation::{Installation, feed, source, until};

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn site(host: u8) -> Site {
    Site::new(host, |_| Reply::ok(feed(&[("1", "/a/1", "供暖通告", 2)])))
}

#[test]
fn c1_every_fault_of_a_config_is_shown_at_once_with_line_and_caret() {
    let installation = Installation::new(
        "[[source]]\nid = \"../x\"\ntitle = \"甲\"\nregion = \"999999\"\nurl = \"ftp://example.org/\"\nintervall = \"30m\"\n\
         [[source]]\nid = \"b\"\ntitle = \"乙\"\nregion = \"140300\"\nurl = \"https://example.org/\"\ninterval = \"0m\"\n",
    );
    for command in [&["check"][..], &["run"][..]] {
        let output = installation.run(command);
        assert_eq!(output.status.code(), Some(78), "{command:?}");
        let shown = text(&output.stderr);
        for part in [
            "../x",
            "999999",
            "ftp",
            "did you mean `interval`?",
            "`interval` must be from 5m",
            "all.toml:2:6",
            "5 faults",
            "─",
        ] {
            assert!(shown.contains(part), "`{part}` is missing in\n{shown}");
        }
    }
}

#[test]
fn c1_faulty_settings_and_regions_hide_no_fault_of_a_source() {
    let installation = Installation::new(&source("a b", "140300", "htp://example.org/"));
    std::fs::write(installation.config().join("regions.toml"), "publish = [\"149999\"]\n").unwrap();
    let parts = ["149999", "`a b` cannot be an id", "not `htp:`"];
    let shown = |more: &[&str]| {
        let shown = text(&installation.run(&["check"]).stderr);
        for part in parts.iter().chain(more) {
            assert!(shown.contains(part), "`{part}` is missing in\n{shown}");
        }
    };
    shown(&["3 faults"]);
    std::fs::write(installation.config().join("dayuan.toml"), "[http]\nlisten = \"nowhere\"\n").unwrap();
    shown(&["nowhere", "4 faults"]);
}

#[test]
fn v7_line_ends_in_names_are_refused() {
    let installation = Installation::new(
        "[[source]]\nid = \"a\"\ntitle = \"x\\r\\nset-cookie: y\"\nregion = \"140300\"\nurl = \"https://example.org/\"\n",
    );
    let output = installation.run(&["check"]);
    assert_eq!(output.status.code(), Some(78));
    assert!(text(&output.stderr).contains("`title` must not hold control characters"), "{}", text(&output.stderr));
}

#[test]
fn c2_a_file_that_is_no_file_is_refused_without_waiting() {
    let installation = Installation::new("");
    let path = installation.config().join("sources/pipe.toml");
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    let output = installation.run(&["check"]);
    assert_eq!(output.status.code(), Some(78));
    assert!(text(&output.stderr).contains("not a regular file"));
    // Without a locale, the language is looked up in the settings.
    let installation = Installation::new("");
    std::fs::remove_file(installation.config().join("dayuan.toml")).unwrap();
    let path = installation.config().join("dayuan.toml");
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    let output = installation.run_with(&[("LC_ALL", "C")], &["check"]);
    assert_eq!(output.status.code(), Some(78));
    assert!(text(&output.stderr).contains("not a regular file"));
}

#[test]
fn wrong_usage_ends_with_2() {
    let installation = Installation::new("");
    assert_eq!(installation.run(&["no-such-command"]).status.code(), Some(2));
    assert_eq!(installation.run(&["inspect"]).status.code(), Some(2));
}

#[test]
fn c1_a_broken_config_at_reload_keeps_the_old_one() {
    let site = site(80);
    let installation = Installation::new(&source("a", "140300", &site.url("/feed")));
    let daemon = installation.start();
    daemon.until_items("140300", 1);
    installation.sources("[[source]]\nid = \"a\"\ntitle = ");
    let reload = installation.run(&["reload"]);
    assert_eq!(reload.status.code(), Some(1));
    assert!(text(&reload.stderr).contains("the old one stays"), "{}", text(&reload.stderr));
    daemon.signal("HUP");
    until("the log tells of it", || {
        daemon
            .log()
            .iter()
            .any(|line| {
                line["fields"]["message"].as_str().is_some_and(|m| m.contains("the old one stays"))
                    && line["level"] == "ERROR"
            })
            .then_some(())
    });
    assert_eq!(daemon.status(&installation, "a")["health"], "ok");
    assert_eq!(daemon.titles("140300"), ["供暖通告"]);
}

#[test]
fn v8_a_reload_takes_new_sources_without_a_failed_request() {
    let (first, second) = (site(81), Site::new(82, |_| Reply::ok(feed(&[("2", "/b/2", "新来源", 1)]))));
    let installation = Installation::new(&source("a", "140300", &first.url("/feed")));
    let daemon = installation.start();
    daemon.until_items("140300", 1);
    installation.sources(&(source("a", "140300", &first.url("/feed")) + &source("b", "140321", &second.url("/feed"))));
    let address = daemon.address;
    let reader =
        std::thread::spawn(move || (0..300).filter(|_| get(address, "/regions/140300/atom.xml").status != 200).count());
    let reload = installation.run(&["reload"]);
    assert!(reload.status.success(), "{}", text(&reload.stderr));
    assert!(text(&reload.stdout).contains("+ b"), "{}", text(&reload.stdout));
    assert_eq!(reader.join().unwrap(), 0);
    daemon.until_items("140300", 2);
    daemon.signal("HUP");
    until("HUP does the same", || {
        daemon.log().iter().any(|line| line["fields"]["message"] == "reloaded: 2 sources").then_some(())
    });
}

#[test]
fn a_second_daemon_is_told_who_holds_the_store() {
    let installation = Installation::new("");
    let daemon = installation.start();
    let output = installation.run(&["run"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains(&format!("pid {}", daemon.child.id())), "{}", text(&output.stderr));
    assert_eq!(installation.run(&["rebuild"]).status.code(), Some(1));
}

#[test]
fn a_port_that_is_taken_is_told() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let installation = Installation::new("");
    let path = installation.config().join("dayuan.toml");
    let settings =
        std::fs::read_to_string(&path).unwrap().replace("127.0.0.1:0", &taken.local_addr().unwrap().to_string());
    std::fs::write(&path, settings).unwrap();
    let output = installation.run(&["run"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("[http] listen"), "{}", text(&output.stderr));
}

#[test]
fn a1_the_socket_is_the_owners_and_garbage_does_no_harm() {
    use std::io::Write;
    let installation = Installation::new("");
    let daemon = installation.start();
    let socket = installation.folder.path().join("dayuan.sock");
    assert_eq!(std::fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o600);
    for garbage in [&b"\0\0\0\n"[..], b"{}\n", b"{\"command\":\"poll\"}\n"] {
        let answer = installation.ask(garbage);
        assert!(answer.contains("\"ok\":false"), "{answer}");
    }
    let mut endless = std::os::unix::net::UnixStream::connect(&socket).unwrap();
    let mut sent = 0_usize;
    while endless.write_all(&[b'x'; 65536]).is_ok() {
        sent += 65536;
        assert!(sent < 4 << 20, "it does not listen for ever");
    }
    assert_eq!(get(daemon.address, "/healthz").status, 200);
    assert_eq!(daemon.stop(), Some(0));
    assert!(!socket.exists());
    let output = installation.run(&["status"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("no daemon answers"));
}

#[test]
fn backup_restore_verify_and_rebuild_give_the_same_ids() {
    let site = site(83);
    let installation = Installation::new(&source("a", "140300", &site.url("/feed")));
    let daemon = installation.start();
    let before = daemon.until_items("140300", 1);
    let archive = installation.folder.path().join("backup.zst");
    let archive = archive.to_str().unwrap();
    let living = installation.run(&["backup", archive]);
    assert!(living.status.success(), "{}", text(&living.stderr));
    assert!(installation.run(&["verify"]).status.success());
    assert_eq!(daemon.stop(), Some(0));
    let again = installation.run(&["backup", archive]);
    assert!(!again.status.success() && text(&again.stderr).contains("is there already"), "{}", text(&again.stderr));
    std::fs::remove_file(archive).unwrap();
    assert!(installation.run(&["backup", archive]).status.success());
    let verify = installation.run(&["verify"]);
    assert!(
        verify.status.success() && text(&verify.stdout).contains("the view matches the log"),
        "{}",
        text(&verify.stdout)
    );
    assert!(installation.run(&["rebuild"]).status.success());
    assert_eq!(installation.run(&["restore", archive]).status.code(), Some(1), "a log in the way is never overwritten");
    std::fs::remove_dir_all(installation.folder.path().join("store")).unwrap();
    let restore = installation.run(&["restore", archive]);
    assert!(restore.status.success(), "{}", text(&restore.stderr));
    installation.sources("");
    let daemon = installation.start();
    assert_eq!(daemon.items("140300")[0]["id"], before[0]["id"]);
    assert_eq!(daemon.items("140300")[0]["date_modified"], before[0]["date_modified"]);
}

#[test]
fn check_online_tells_what_each_source_would_yield() {
    let (good, bad) = (site(84), Site::new(85, |_| Reply::status("404 Not Found")));
    let installation = Installation::new(
        &(source("good", "140300", &good.url("/feed")) + &source("bad", "140300", &bad.url("/feed"))),
    );
    let output = installation.run(&["check", "--online"]);
    assert_eq!(output.status.code(), Some(1));
    let shown = text(&output.stdout);
    assert!(shown.contains("good: 1 items of rss") && shown.contains("bad: FAILED: the site answered 404"), "{shown}");
}

#[test]
fn inspect_reads_an_address_with_the_settings_of_its_source() {
    let site = Site::new(86, |_| Reply::ok(feed(&[("1", "/a/1", "题", 2)]).replace("+0000", "")));
    let installation = Installation::new(&(source("a", "140300", &site.url("/feed")) + "timezone = \"UTC\"\n"));
    let output = installation.run(&["inspect", &site.url("/feed"), "--source", "a", "--json"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let item: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(item["published"].as_str().unwrap().ends_with("+00:00"), "{item}");
    assert!(text(&installation.run(&["inspect", &site.url("/feed")]).stdout).contains("← pubDate"));
    std::fs::write(installation.config().join("dayuan.toml"), "[http\n").unwrap();
    assert_eq!(installation.run(&["inspect", &site.url("/feed")]).status.code(), Some(78));
}

/// A container may lack certificates; what is not encrypted needs none.
#[test]
fn the_demo_starts_without_ca_certificates() {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_dayuan"))
        .args(["demo", "--listen", "127.0.0.1:0", "--for", "500ms"])
        .envs([("SSL_CERT_FILE", "/nonexistent/file"), ("SSL_CERT_DIR", "/nonexistent/folder")])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("/regions/140300/atom.xml"), "{}", text(&output.stdout));
    assert!(text(&output.stderr).contains("install them (Debian: ca-certificates)"), "{}", text(&output.stderr));
}

#[test]
fn inspect_without_a_config_says_nothing_of_the_one_that_is_there() {
    let installation = Installation::new("");
    let page = installation.config().join("page.xml");
    std::fs::write(&page, feed(&[("1", "/a/1", "题", 2)])).unwrap();
    let inspect = |more: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_dayuan"));
        let output =
            command.args(more).arg("inspect").arg(&page).current_dir(installation.folder.path()).output().unwrap();
        (output.status.code(), text(&output.stderr))
    };
    assert_eq!(inspect(&[]), (Some(0), String::new()));
    assert!(inspect(&["--config", "config"]).1.contains("there is no source yet"));
}

#[test]
fn the_demo_shows_merged_feeds_within_five_seconds() {
    let began = std::time::Instant::now();
    let mut demo = std::process::Command::new(env!("CARGO_BIN_EXE_dayuan"))
        .args(["demo", "--listen", "127.0.0.1:0", "--for", "20s"])
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(demo.stdout.take().unwrap()));
    let first = lines.next().unwrap().unwrap();
    let address: std::net::SocketAddr = first.split("http://").nth(1).unwrap().trim_end_matches('/').parse().unwrap();
    let count = |region: &str| get(address, &format!("/regions/{region}/atom.xml")).text().matches("<entry>").count();
    until("merged feeds", || (count("140300") == 20 && count("140000") == 20 && count("140321") == 6).then_some(()));
    assert!(began.elapsed().as_secs() < 5, "{:?}", began.elapsed());
    let feed = get(address, "/regions/140300/atom.xml").text();
    assert!(feed.contains("矿区：老厂房变身社区书屋"), "GBK is read");
    assert!(feed.contains("入冬前最后一批路面修补工程昨天收工"), "a list without a feed, and its articles");
    assert!(
        feed.contains("郊区：十二个村接通天然气") && feed.contains("平定县公布首批非遗工坊名单"),
        "JSON and hanweb lists"
    );
    assert!(
        feed.contains("盂县气象台发布道路结冰黄色预警信号") && feed.contains("平定县气象台发布道路结冰黄色预警信号"),
        "the templated pair stays two"
    );
    assert_eq!(feed.matches("<title>关于新建北大街部分路段临时封闭的通告</title>").count(), 1, "one story by link");
    drop(demo.kill());
    drop(demo.wait());
}

/// Runs a command as somebody without any rights; `None` where that cannot be.
fn as_nobody(installation: &Installation, arguments: &[&str]) -> Option<std::process::Output> {
    let output = std::process::Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"])
        .arg(env!("CARGO_BIN_EXE_dayuan"))
        .arg("--config")
        .arg(installation.config())
        .args(arguments)
        .output()
        .ok()?;
    let can_be = !text(&output.stderr).contains("setpriv:");
    if !can_be {
        println!("SKIPPED: {}", text(&output.stderr));
    }
    can_be.then_some(output)
}

#[test]
fn a1_who_may_not_is_told_what_to_do_and_nothing_public_changes_anything() {
    let installation = Installation::new("");
    std::fs::set_permissions(installation.folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let daemon = installation.start();
    if let Some(output) = as_nobody(&installation, &["status"]) {
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{told}");
        assert!(told.contains("sudo"), "{told}");
    }
    for path in ["/metrics", "/reload", "/poll/a", "/status", "/admin"] {
        assert_eq!(get(daemon.address, path).status, 404, "{path}");
    }
}

#[test]
fn c1_what_no_config_may_hold_is_refused_with_its_line() {
    let good = "[[source]]\nid = \"a\"\ntitle = \"甲\"\nregion = \"140300\"\nurl = \"https://a.example.org/\"\n";
    let cases: [(&str, String, &str); 8] = [
        ("bad TOML", "[[source]\nid = ".to_owned(), "all.toml:1"),
        ("an unknown key", format!("{good}colour = \"red\"\n"), "`colour`"),
        ("an id twice", format!("{good}{}", good.replace("甲", "乙")), "all.toml:7"),
        ("an interval of nothing", format!("{good}interval = \"0s\"\n"), "interval"),
        ("an id that climbs", good.replace("\"a\"", "\"../x\""), "../x"),
        ("a selector that is none", format!("{good}[source.list]\nitem = \"li[[\"\n"), "li[["),
        ("a selector of a megabyte", format!("{good}[source.list]\nitem = \"{}\"\n", "a ".repeat(1 << 19)), "item"),
        ("a title with a line end", good.replace("甲", "甲\\n乙"), "control characters"),
    ];
    for (name, sources, part) in &cases {
        let installation = Installation::new(sources);
        for command in ["check", "run"] {
            let output = installation.run(&[command]);
            let told = text(&output.stderr);
            assert_eq!(output.status.code(), Some(78), "{name}: {}", told.chars().take(300).collect::<String>());
            assert!(told.contains(part), "{name}: {}", told.chars().take(600).collect::<String>());
        }
    }
    let installation = Installation::new(good);
    std::fs::write(
        installation.config().join("regions.toml"),
        "[[region]]\nid = \"a\"\nname = \"甲\"\nparent = \"b\"\n[[region]]\nid = \"b\"\nname = \"乙\"\nparent = \"a\"\n",
    )
    .unwrap();
    let output = installation.run(&["check"]);
    assert_eq!(output.status.code(), Some(78));
    assert!(text(&output.stderr).contains("lead back to itself"), "{}", text(&output.stderr));
}

#[test]
fn c1_more_sources_than_are_polled_are_refused() {
    let mut many = String::new();
    for number in 0..200_001 {
        many += &source(&format!("s{number}"), "140300", "https://a.example.org/");
    }
    let installation = Installation::new(&many);
    let output = installation.run(&["check"]);
    assert_eq!(output.status.code(), Some(78));
    assert!(text(&output.stderr).contains("200000"), "{}", text(&output.stderr).chars().take(500).collect::<String>());
}

#[test]
fn c2_a_config_that_others_may_write_or_nobody_can_read_is_told() {
    let installation = Installation::new("");
    let path = installation.config().join("dayuan.toml");
    std::fs::set_permissions(installation.folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o666)).unwrap();
    let output = installation.run(&["check"]);
    assert!(text(&output.stderr).contains("writable by everyone"), "{}", text(&output.stderr));
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    if let Some(output) = as_nobody(&installation, &["check"]) {
        assert_eq!(output.status.code(), Some(78));
        assert!(text(&output.stderr).contains("Permission denied"), "{}", text(&output.stderr));
    }
    // It vanishes while the daemon runs: the old one stays.
    let daemon = installation.start();
    std::fs::remove_dir_all(installation.config()).unwrap();
    daemon.signal("HUP");
    until("the old one stays", || {
        daemon.log().iter().any(|line| line.to_string().contains("the old one stays")).then_some(())
    });
    assert_eq!(get(daemon.address, "/healthz").status, 200);
    let output = installation.run(&["run"]);
    assert_eq!(output.status.code(), Some(78), "{}", text(&output.stderr));
}
