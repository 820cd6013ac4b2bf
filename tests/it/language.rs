//! What commands say in the admin's language.

use super::http::{Reply, Site};
use super::installation::{Installation, feed, source, until};

#[test]
fn commands_speak_chinese_to_whoever_reads_it() {
    let site = Site::new(207, |asked| match asked.path.as_str() {
        "/feed" => Reply::ok(feed(&[("1", "/a/1", "城区北大街封闭施工", 2)])),
        "/other" => Reply::ok(feed(&[("2", "/a/2", "另一条", 2)])),
        _ => Reply::status("403 Forbidden"),
    });
    let blocks = source("good", "140300", &site.url("/feed")) + &source("bad", "140300", &site.url("/bad"));
    let installation = Installation::new(&blocks);
    let daemon = installation.start();
    daemon.until_items("140300", 1);
    until("the other one failed", || (daemon.status(&installation, "bad")["health"] == "blocked").then_some(()));
    let told = |locale: &str, arguments: &[&str]| {
        let output = installation.run_with(&[("LC_ALL", locale)], arguments);
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
    };
    let (item, other, unknown) = (site.url("/a/1"), site.url("/other"), site.url("/a/9"));
    let backup = installation.folder.path().join("x.bak").display().to_string();
    let backup = backup.as_str();
    let check: &[(&[&str], &[&str])] = &[
        (&["status"], &["2 个来源：", "1 正常", "被对方拒绝，自 ", "网站拒绝我们（403）", "上次读取", "原因"]),
        (&["check"], &["2 个来源，1 个地区，没有错误"]),
        (&["poll", "good"], &["网站允许时立即读取 good"]),
        (&["poll", "nobody"], &["dayuan: 没有来源“nobody”"]),
        (&["pause", "good"], &["good 已暂停"]),
        (&["resume", "good"], &["good 已恢复"]),
        (
            &["why", &item],
            &[
                "已发布",
                "由 good title（good）报道",
                "归在 140302 山西省阳泉市城区：写出了县的全名",
                "在 140300 的订阅源中",
            ],
        ),
        (&["why", &unknown], &["未知：没有来源报道过这个网址", "从未列出：现在读取，它列出 1 条", "被对方拒绝"]),
        (&["add", &other, "--region", "140300"], &["# rss：1 条，前几条是", "# 地区 140300 是"]),
        (&["add", &other, "--write"], &["就要用 --region 地名", "存疑：没有给出地区"]),
        (&["verify"], &["条记录，1 条内容，1 条消息", "视图与日志一致"]),
        (&["backup", backup], &["x.bak：1 天的日志"]),
        (&["backup", backup], &["x.bak 已经存在"]),
    ];
    for (arguments, parts) in check {
        let shown = told("zh_CN.UTF-8", arguments);
        for part in *parts {
            assert!(shown.contains(part), "`{part}` is missing of {arguments:?} in\n{shown}");
        }
    }
    assert!(told("en_GB.UTF-8", &["status"]).contains("the site refuses us (403)"));
    // What programs read stays as it is.
    assert!(told("zh_CN.UTF-8", &["status", "--json"]).contains("the site refuses us (403)"));
    assert_eq!(daemon.stop(), Some(0));
    for (arguments, parts) in
        [(&["status"][..], ["没有应答", "守护进程在运行吗"]), (&["restore", backup], ["已有日志", "请先移走"])]
    {
        let shown = told("zh_CN.UTF-8", arguments);
        for part in parts {
            assert!(shown.contains(part), "`{part}` is missing of {arguments:?} in\n{shown}");
        }
    }
}

/// Everything that a new admin runs in the first month, on the stories of the demo: no English sentence remains.
#[test]
fn no_english_sentence_remains_for_whoever_reads_chinese() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let dayuan = |locale: &str, arguments: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_dayuan"));
        command.arg("--config").arg(path("config")).args(arguments).env("TMPDIR", folder.path()).env("LC_ALL", locale);
        command
    };
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut demo = dayuan("zh_CN.UTF-8", &["demo", "--for", "60s", "--listen", &port.to_string()]);
    let mut demo = demo.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn().unwrap();
    let store = until("the demo has a store", || {
        let entries = std::fs::read_dir(folder.path()).unwrap().flatten().map(|entry| entry.path().join("node-1"));
        entries.into_iter().find(|path| path.join("dayuan.sock").exists())
    });
    std::fs::create_dir_all(path("config/sources")).unwrap();
    let store = store.display();
    let settings = format!(
        "[http]\nlisten = \"{port}\"\n[store]\npath = \"{store}\"\n[admin]\nsocket = \"{store}/dayuan.sock\"\n[fetch]\nallow_networks = [\"127.0.0.0/8\"]\n"
    );
    std::fs::write(path("config/dayuan.toml"), settings).unwrap();
    std::fs::write(path("config/regions.toml"), "publish = [\"140000\"]\n").unwrap();
    let run = |locale: &str, arguments: &[&str]| {
        let output = dayuan(locale, arguments).output().unwrap();
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
    };
    let found = until("the demo's stories are there", || {
        let found = run("C", &["find", "的"]);
        (found.lines().count() >= 4).then_some(found)
    });
    let ids: Vec<&str> = found.lines().filter_map(|line| line.split("  ").next()).collect();
    let states = run("C", &["status", "--json"]);
    let state = |name: &str| {
        let states = states.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
        states.filter_map(|state| Some(state[name].as_str()?.to_owned())).collect::<Vec<_>>()
    };
    let (sources, addresses) = (state("source"), state("url"));
    assert!(sources.len() == 7 && addresses.len() == 7, "{states}");
    let blocks = sources.iter().zip(&addresses).map(|(id, url)| source(id, "140300", url)).collect::<String>();
    std::fs::write(path("config/sources/all.toml"), blocks).unwrap();
    let opml = path("all.opml").display().to_string();
    std::fs::write(&opml, run("C", &["sources", "export"])).unwrap();

    let mut commands: Vec<Vec<&str>> = Vec::new();
    for id in &ids {
        commands.extend([vec!["explain", id], vec!["why", id]]);
    }
    commands.extend(addresses.iter().map(|url| vec!["inspect", url]));
    let (first, gone) = (ids[0], "http://127.0.0.1:9/");
    commands.extend([
        vec!["status"],
        vec!["check"],
        vec!["sources"],
        vec!["sources", "import", &opml],
        vec!["disk"],
        vec!["find", "没有这样的词"],
        vec!["find", "通知", "--region", "没有"],
        vec!["regions", "井陉"],
        vec!["regions", "没有"],
        vec!["inspect", gone],
        vec!["inspect", "/nowhere"],
        vec!["withdraw", first, "--reason", "试"],
        vec!["withdraw", first, "--reason", "试"],
        vec!["withdrawn"],
        vec!["explain", first],
        vec!["why", first],
        vec!["restore-item", first],
        vec!["restore-item", first],
        vec!["withdraw", "--source", &sources[0], "--reason", "试"],
        vec!["withdraw", "--source", &sources[0], "--reason", "试"],
        vec!["withdraw", "--source", "nobody", "--reason", "试"],
        vec!["withdrawn"],
        vec!["restore-item", "--source", &sources[0]],
        vec!["explain", "nonsense"],
        vec!["pause", &sources[0]],
        vec!["resume", &sources[0]],
        vec!["poll", &sources[0]],
        vec!["reload"],
        vec!["verify"],
    ]);
    let mut english = Vec::new();
    for arguments in &commands {
        let told = run("zh_CN.UTF-8", arguments);
        english.extend(told.lines().filter(|line| has_sentence(line)).map(|line| format!("{arguments:?}: {line}")));
    }
    demo.kill().unwrap();
    demo.wait().unwrap();
    assert!(english.is_empty(), "{english:#?}");
    assert!(run("en", &["explain", "nonsense"]).lines().any(has_sentence), "the test would see one");
}

/// Whether a line has three English words in a row that are no code: in small letters, outside of backticks.
fn has_sentence(line: &str) -> bool {
    let prose: String = line.split('`').step_by(2).collect::<Vec<_>>().join(" · ");
    let mut row = 0;
    prose.split_whitespace().any(|word| {
        let word = word.trim_matches([',', ';', ':', '.', '(', ')']);
        let is_word = word.len() > 1 && word.bytes().all(|b| b.is_ascii_lowercase());
        row = if is_word { row + 1 } else { 0 };
        row == 3
    })
}
