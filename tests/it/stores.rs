//! Stores of other versions: older ones open, newer ones are left alone.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::http::{Reply, Site, get};
use super::installation::{Daemon, Installation, feed, source, until};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/stores")
}

/// Two sources of one county; their site is gone by the time the store is opened again.
fn installation(url: &str) -> Installation {
    let sources = source("notices", "140302", &format!("{url}/notices.xml"))
        + &source("news", "140303", &format!("{url}/news.xml"));
    let installation = Installation::new(&sources);
    let path = installation.config().join("dayuan.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    // The golden stores are to be tested in ten years, too.
    std::fs::write(path, text.replace("[store]\n", "[store]\nkeep_days = 36500\n")).unwrap();
    installation
}

/// What must be the same after any upgrade: the ids and titles of the items, decisions of the admin.
fn kept(installation: &Installation, daemon: &Daemon) -> Value {
    let items = |region: &str| -> Vec<Value> {
        daemon.items(region).iter().map(|item| json!([item["id"], item["title"], item["url"]])).collect()
    };
    let withdrawn = String::from_utf8(installation.run(&["withdrawn"]).stdout).unwrap();
    json!({
        "140302": items("140302"),
        "140303": items("140303"),
        "withdrawn": withdrawn.lines().filter(|line| line.contains("个人信息")).count(),
        "news": daemon.status(installation, "news")["health"],
    })
}

/// `BLESS=1 cargo test --test it golden_store` makes the golden store of this version, unless there is one.
#[test]
fn a_golden_store_is_made_of_what_a_daemon_left() {
    let site = Site::new(62, |asked| {
        Reply::ok(match asked.path.as_str() {
            "/notices.xml" => feed(&[
                ("1", "/n/1", "关于北大街夜间封闭施工的通告", 5),
                ("2", "/n/2", "矿区十二月供热检修安排", 4),
                ("3", "/n/3", "行政处罚决定书送达公告", 3),
            ]),
            _ => feed(&[("a", "/a/1", "矿区新建的社区图书室开放", 6), ("b", "/a/2", "全区中小学冬季运动会落幕", 2)]),
        })
    });
    let installation = installation(&format!("http://{}", site.address));
    let daemon = installation.start();
    daemon.until_items("140302", 3);
    daemon.until_items("140303", 2);
    let item =
        daemon.items("140302").into_iter().find(|item| item["title"].as_str().unwrap().contains("送达")).unwrap();
    let withdraw = ["withdraw", item["url"].as_str().unwrap(), "--reason", "个人信息"];
    assert!(installation.run(&withdraw).status.success());
    assert!(installation.run(&["pause", "news"]).status.success());
    until("it is paused", || (daemon.status(&installation, "news")["health"] == "paused").then_some(()));
    let expected = kept(&installation, &daemon);
    assert_eq!((expected["withdrawn"].as_u64(), expected["140302"].as_array().unwrap().len()), (Some(1), 2));
    assert_eq!(daemon.stop(), Some(0));
    let store = installation.folder.path().join("store");
    let mark = std::fs::read_to_string(store.join("version")).unwrap();
    assert_eq!(mark, format!("{} dayuan {}\n", dayuan::daemon::STORE_VERSION, env!("CARGO_PKG_VERSION")));
    let golden = fixtures().join(format!("{}.tar.zst", dayuan::daemon::STORE_VERSION));
    if std::env::var_os("BLESS").is_some() && !golden.exists() {
        std::fs::create_dir_all(fixtures()).unwrap();
        let mut archive = tar::Builder::new(zstd::Encoder::new(std::fs::File::create(&golden).unwrap(), 19).unwrap());
        archive.append_dir_all("store", &store).unwrap();
        archive.into_inner().unwrap().finish().unwrap();
        let text = serde_json::to_string_pretty(&expected).unwrap();
        std::fs::write(golden.with_extension("").with_extension("json"), text + "\n").unwrap();
    }
}

#[test]
fn the_golden_store_of_every_version_opens_with_the_same_items() {
    for version in 1..=dayuan::daemon::STORE_VERSION {
        let installation = installation("http://127.0.7.63:9");
        let packed = std::fs::File::open(fixtures().join(format!("{version}.tar.zst"))).unwrap();
        tar::Archive::new(zstd::Decoder::new(packed).unwrap()).unpack(installation.folder.path()).unwrap();
        let expected: Value =
            serde_json::from_slice(&std::fs::read(fixtures().join(format!("{version}.json"))).unwrap()).unwrap();
        let daemon = installation.start();
        assert_eq!(kept(&installation, &daemon), expected, "version {version}");
        let told: Vec<Value> = daemon.log().into_iter().filter(|line| line.to_string().contains("aside")).collect();
        assert!(told.is_empty(), "{told:?}");
        let verified = installation.run(&["verify"]);
        assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
        assert_eq!(daemon.stop(), Some(0));
        let mark = std::fs::read_to_string(installation.folder.path().join("store/version")).unwrap();
        assert!(mark.starts_with(&dayuan::daemon::STORE_VERSION.to_string()), "{mark}");
    }
}

#[test]
fn a_store_of_a_newer_dayuan_is_left_alone_with_a_sentence() {
    let site = Site::new(64, |_| Reply::ok(feed(&[("1", "/1", "供暖通告", 2)])));
    let installation = Installation::new(&source("a", "140300", &format!("http://{}/", site.address)));
    let daemon = installation.start();
    daemon.until_items("140300", 1);
    assert_eq!(get(daemon.address, "/readyz").status, 200);
    let before = daemon.titles("140300");
    assert!(installation.run(&["backup", "before.bak"]).status.success());
    assert_eq!(daemon.stop(), Some(0));
    let store = installation.folder.path().join("store");
    let newer = dayuan::daemon::STORE_VERSION + 1;
    std::fs::write(store.join("version"), format!("{newer} dayuan 9.1.0\n")).unwrap();
    let files = || {
        let mut files: Vec<(PathBuf, Vec<u8>)> = ["log", "view", "visits"]
            .iter()
            .flat_map(|folder| std::fs::read_dir(store.join(folder)).unwrap())
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.is_file())
            .map(|path| (path.clone(), std::fs::read(path).unwrap()))
            .collect();
        files.sort();
        files
    };
    let untouched = files();
    for command in ["run", "rebuild", "verify"] {
        let output = installation.run(&[command]);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{command}: {told}");
        for part in [&format!("of version {newer}"), "written by dayuan 9.1.0", "start that dayuan again"] {
            assert!(told.contains(part), "{command}: {part} is missing in {told}");
        }
    }
    assert!(files() == untouched, "something was written into the newer store");
    // The way back: the backup of before, in place of the newer log.
    std::fs::rename(store.join("log"), store.join("log.newer")).unwrap();
    let restored = installation.run(&["restore", "before.bak"]);
    assert!(restored.status.success(), "{}", String::from_utf8_lossy(&restored.stderr));
    assert_eq!(installation.start().titles("140300"), before);
}
