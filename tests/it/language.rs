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
