//! One story once: which report is shown, what belongs to it, what was changed, and what an admin can ask of it.

use dayuan::log::{Log, Record, SourceFacts};
use dayuan::model::{Authority, Credit, Draft, ItemId, Key, Moment, RegionId, Report, SourceId, Stamp, Zone};

use super::http::{Reply, Site, get};
use super::installation::{Daemon, Installation, feed, source, until};

/// A notice of some length; `day` is what it is about.
fn notice(place: &str, day: &str) -> String {
    format!(
        "因供热管网改造，{place}北大街自十二中路口至桥头路段将于3月{day}日22时起临时封闭，请过往车辆绕行南大街或德胜街，公交3路、15路改线运行。施工期间给沿线单位和居民带来不便，敬请谅解。请广大驾驶人提前安排出行路线，服从现场交警和施工人员的指挥。"
    )
}

/// A store that was filled before: what a log holds decides all the rest.
struct Past {
    log: Log,
    now: Moment,
}

impl Past {
    fn new(installation: &Installation) -> Self {
        let (log, _) = Log::open(&installation.folder.path().join("store/log")).unwrap();
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        Self { log, now: Moment::from_seconds(i64::try_from(now).unwrap() - 2 * 86_400) }
    }

    fn source(&self, id: &str, authority: Authority, was: &[&str]) {
        let facts = SourceFacts {
            id: SourceId::new(id).unwrap(),
            title: format!("{id}时报"),
            link: format!("https://{id}.example.cn/feed"),
            region: RegionId::new("140300").unwrap(),
            authority,
            zone: Zone::shanghai(),
            rights: None,
            was: was.iter().map(|id| SourceId::new(id).unwrap()).collect(),
            alerts_for: Vec::new(),
            at: self.now,
        };
        self.log.append(&[Record::Source(facts)], self.now).unwrap();
    }

    /// A report so many hours later, at the source's own site.
    fn report(&self, hours: i64, source: &str, path: &str, title: &str, text: &str, credit: Option<&str>) -> ItemId {
        let seen = self.now.plus_seconds(hours * 3600);
        let draft = Draft {
            title: title.to_owned(),
            link: Some(format!("https://{source}.example.cn{path}")),
            text: text.to_owned(),
            published: Some(Stamp { at: self.now, precision: dayuan::model::Precision::Minute, offset: 28_800 }),
            credit: credit.map(|name| Credit { name: name.to_owned(), link: None }),
            found: vec![("title", "heading".into())],
            ..Draft::default()
        };
        let id = SourceId::new(source).unwrap();
        let key = Key::of(None, draft.checked_link().as_ref(), title, None).unwrap();
        let item = ItemId::of(&id, &key);
        let report = Report { item, key, source: id, seen, reader: 1, first_import: false, draft };
        self.log.append(&[Record::Report(Box::new(report))], seen).unwrap();
        item
    }
}

fn explained(installation: &Installation, item: ItemId) -> String {
    let output = installation.run(&["explain", &item.urn()]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn shown(daemon: &Daemon, count: usize) -> Vec<(String, String)> {
    let items = daemon.until_items("140300", count);
    assert_eq!(items.len(), count);
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    items.iter().map(|item| (text(&item["title"]), text(&item["_dayuan"]["source"]["title"]))).collect()
}

#[test]
fn a_report_of_higher_authority_is_shown_once_it_comes_and_the_id_stays() {
    let installation = Installation::new("");
    let past = Past::new(&installation);
    past.source("portal", Authority::Portal, &[]);
    past.source("gov", Authority::Official, &[]);
    past.source("ministry", Authority::Official, &[]);
    let first = past.report(0, "portal", "/1", "注意绕行！北大街封路", &notice("", "9"), None);
    past.report(1, "gov", "/1", "关于北大街临时封闭的通告", &notice("", "9"), None);
    past.report(2, "ministry", "/1", "关于北大街临时封闭的公告", &notice("", "9"), None);
    drop(past);
    let daemon = installation.start();
    let expected = ("关于北大街临时封闭的通告".to_owned(), "gov时报".to_owned());
    assert_eq!(shown(&daemon, 1), [expected], "it moves once, and to the higher one");
    assert_eq!(daemon.items("140300")[0]["id"], first.urn());
    assert!(explained(&installation, first).contains("shown since: of higher authority"));
}

#[test]
fn who_credits_another_does_not_take_its_place_and_who_is_credited_does() {
    let installation = Installation::new("");
    let past = Past::new(&installation);
    past.source("daily", Authority::Media, &[]);
    past.source("gov", Authority::Official, &[]);
    past.source("portal", Authority::Portal, &[]);
    past.report(0, "daily", "/1", "北大街明起封闭施工", &notice("", "9"), None);
    past.report(1, "gov", "/1", "转载：北大街封闭", &notice("", "9"), Some("daily时报"));
    past.report(2, "portal", "/2", "南大街停水", &notice("南关", "19"), Some("daily时报"));
    past.report(3, "daily", "/2", "南大街后日停水检修", &notice("南关", "19"), None);
    drop(past);
    let daemon = installation.start();
    let mut all = shown(&daemon, 2);
    all.sort();
    let pair = |title: &str, source: &str| (title.to_owned(), source.to_owned());
    assert_eq!(all, [pair("北大街明起封闭施工", "daily时报"), pair("南大街后日停水检修", "daily时报")]);
}

#[test]
fn i2_a_twin_that_claims_to_be_older_stays_behind_the_first_in_the_log() {
    let installation = Installation::new("");
    let past = Past::new(&installation);
    past.source("a", Authority::Media, &[]);
    past.source("b", Authority::Media, &[]);
    let first = past.report(0, "a", "/1", "北大街明起封闭施工", &notice("", "9"), None);
    let earlier = Past { log: past.log, now: past.now.plus_seconds(-86_400 * 3) };
    earlier.report(73, "b", "/1", "北大街明起封闭施工", &notice("", "9"), None);
    drop(earlier);
    let daemon = installation.start();
    assert_eq!(shown(&daemon, 1), [("北大街明起封闭施工".to_owned(), "a时报".to_owned())]);
    assert_eq!(daemon.items("140300")[0]["id"], first.urn());
}

#[test]
fn the_address_of_a_report_leads_to_its_story_and_the_story_names_them_all() {
    let installation = Installation::new("");
    let past = Past::new(&installation);
    past.source("a", Authority::Media, &[]);
    past.source("b", Authority::Media, &[]);
    let first = past.report(0, "a", "/1", "北大街明起封闭施工", &notice("", "9"), None);
    let second = past.report(1, "b", "/9", "注意绕行", &format!("据a时报：{}", notice("", "9")), None);
    drop(past);
    let daemon = installation.start();
    shown(&daemon, 1);
    let moved = get(daemon.address, &format!("/items/{second}"));
    assert_eq!((moved.status, moved.header("location")), (301, &*format!("/items/{first}")));
    let page = get(daemon.address, &format!("/items/{first}")).text();
    assert!(page.contains("https://b.example.cn/9"), "{page}");
    let atom = get(daemon.address, "/regions/140300/atom.xml").text();
    assert!(
        atom.contains("rel=\"related\" href=\"https://b.example.cn/9\"")
            || atom.contains("href=\"https://b.example.cn/9\" rel=\"related\""),
        "{atom}"
    );
    let told = explained(&installation, second);
    assert!(
        told.contains("joined: the texts are equal but for trifles") && told.contains("belongs to this story"),
        "{told}"
    );
    assert!(told.contains("placed in 140300: inherited from the source"), "{told}");
    assert!(told.contains("found title by heading"), "{told}");
}

#[test]
fn a_retelling_and_its_follow_up_are_one_event() {
    let installation = Installation::new("");
    let past = Past::new(&installation);
    past.source("gov", Authority::Official, &[]);
    past.source("daily", Authority::Media, &[]);
    let notice = "市体育局关于体育馆免费开放的公告。市体育馆定于3月9日8时至3月16日22时免费向市民开放，日接待量不超过1260人，设羽毛球场地12片、乒乓球台36张，入场须通过“阳泉体育”小程序预约，每人每日限约一场，老年人可现场登记。";
    let paper = "本报讯 打球不花钱，一周！3月9日起，市体育馆不收门票，每天最多进1260人。12片羽毛球场、36张球台都能用，早8点开门，晚10点关门，想去的提前一天在“阳泉体育”上约，一人一天一场，上了年纪的人到门口登记就行，记者昨天先去看了一圈，场地很新。";
    let later = "免费开放的一周里，市体育馆接待市民8130人次，日均1161人次，36张乒乓球台最抢手，“阳泉体育”小程序新增用户2400个。市体育局说，下个月还会再开放一次，时间另行公布，市民可以留意小程序里的通知，也可以拨打服务电话询问场地情况和预约办法。";
    let first = past.report(0, "gov", "/1", "关于体育馆免费开放的公告", notice, None);
    past.report(20, "daily", "/1", "来打球！体育馆一周不收钱", paper, None);
    past.report(30, "daily", "/2", "体育馆一周迎客八千", later, None);
    drop(past);
    let daemon = installation.start();
    assert_eq!(shown(&daemon, 2).len(), 2, "retold it is one story, what came after is another");
    let page = get(daemon.address, &format!("/items/{first}")).text();
    assert!(page.contains("https://daily.example.cn/1") && !page.contains("来打球"), "{page}");
    let told = explained(&installation, first);
    assert!(told.contains("the one retells the other"), "{told}");
}

#[test]
fn a_round_up_leads_to_its_parts_and_glues_nothing() {
    let installation = Installation::new("");
    let past = Past::new(&installation);
    past.source("gov", Authority::Official, &[]);
    past.source("daily", Authority::Media, &[]);
    past.source("portal", Authority::Portal, &[]);
    let (road, library) = (
        notice("新建", "9"),
        "市图书馆新馆周末开放到二十一时，少儿阅览区同步延长，读者凭证预约，每日限六百人。馆内新增自助借还机十二台，盲文阅览室和数字体验区一并开放，外地读者凭身份证可以办理借阅证，押金一百元随时可退。"
            .to_owned(),
    );
    let first = past.report(0, "gov", "/1", "北大街封闭通告", &road, None);
    // The site's own round-up, before its last part came.
    let text = format!("▶北大街封闭通告\n{road}\n▶图书馆周末延时开放\n{library}");
    let whole = past.report(20, "gov", "/w", "一周要闻", &text, None);
    let second = past.report(22, "daily", "/2", "图书馆周末延时开放", &library, None);
    past.report(23, "portal", "/3", "北大街封闭通告", &road, None);
    drop(past);
    let daemon = installation.start();
    assert_eq!(shown(&daemon, 3).len(), 3, "two stories and the round-up");
    let page = get(daemon.address, &format!("/items/{whole}")).text();
    for part in [first, second] {
        assert!(page.contains(&format!("/items/{part}")), "{page}");
        let part = get(daemon.address, &format!("/items/{part}")).text();
        assert!(!part.contains(&whole.to_string()) && !part.contains("同一事件"), "{part}");
    }
    let told = explained(&installation, whole);
    assert!(told.contains("a round-up, which holds these stories") && told.contains(&second.to_string()), "{told}");
    assert_eq!(daemon.stop(), Some(0));
    assert!(installation.run(&["verify"]).status.success());
}

#[test]
fn what_was_changed_is_shown_as_a_difference() {
    let installation = Installation::new("");
    let past = Past::new(&installation);
    past.source("gov", Authority::Official, &[]);
    let item = past.report(0, "gov", "/1", "停水通知", "尊敬的用户：\n定于3月9日停水检修。\n请提前储水。", None);
    past.report(3, "gov", "/1", "停水通知", "尊敬的用户：\n定于3月10日停水检修。\n请提前储水。", None);
    drop(past);
    let told = explained(&installation, item);
    assert!(told.contains("- 定于3月9日停水检修。") && told.contains("+ 定于3月10日停水检修。"), "{told}");
    let daemon = installation.start();
    shown(&daemon, 1);
    let page = get(daemon.address, &format!("/items/{item}")).text();
    assert!(page.contains("<del>") && page.contains("定于3月9日停水检修。") && page.contains("<ins>"), "{page}");
}

#[test]
fn a_source_with_a_new_id_and_address_emits_nothing_again() {
    let told = feed(&[("g1", "/a/1", "甲的消息", 2), ("g2", "/a/2", "乙的消息", 3)]);
    let moved = told.clone();
    let old = Site::new(120, move |_| Reply::ok(told.clone()));
    let new = Site::new(121, move |_| Reply::ok(moved.clone()));
    let installation = Installation::new(&source("old", "140300", &old.url("/feed")));
    let daemon = installation.start();
    let before: Vec<String> =
        daemon.until_items("140300", 2).iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect();
    installation.sources(&(source("new", "140300", &new.url("/feed")) + "was = [\"old\"]\n"));
    daemon.signal("HUP");
    until("the new address was read", || (new.asked().len() >= 2).then_some(()));
    let after = daemon.items("140300");
    assert_eq!(after.iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>(), before);
    assert_eq!(after[0]["_dayuan"]["source"]["id"], "new");
    let of_source = get(daemon.address, "/regions/140300/feed.json?source=new").text();
    assert!(of_source.contains("甲的消息"), "{of_source}");
    assert_eq!(daemon.stop(), Some(0));
    assert!(installation.run(&["verify"]).status.success());
}

#[test]
fn a_withdrawn_story_is_gone_until_it_is_restored() {
    let site = Site::new(122, |_| Reply::ok(feed(&[("g1", "/a/1", "误发的消息", 2), ("g2", "/a/2", "好的消息", 3)])));
    let installation = Installation::new(&source("gov", "140300", &site.url("/feed")));
    let daemon = installation.start();
    let items = daemon.until_items("140300", 2);
    let id = items.iter().find(|item| item["title"] == "误发的消息").unwrap()["id"].as_str().unwrap().to_owned();
    assert!(installation.run(&["withdraw", &id, "--reason", "误发"]).status.success());
    until("it is gone", || (daemon.titles("140300") == ["好的消息"]).then_some(()));
    let polls = site.asked().len();
    until("it was fetched again", || (site.asked().len() > polls + 1).then_some(()));
    assert_eq!(daemon.titles("140300"), ["好的消息"]);
    assert_eq!(get(daemon.address, &format!("/items/{}", id.trim_start_matches("urn:uuid:"))).status, 410);
    assert_eq!(get(daemon.address, "/items/00000000-0000-8000-8000-000000000000").status, 404);
    let told = installation.run(&["explain", &id]);
    assert!(String::from_utf8_lossy(&told.stdout).contains("withdrawn"));
    assert!(installation.run(&["restore-item", &id]).status.success());
    until("it is back", || (daemon.titles("140300").len() == 2).then_some(()));
    assert!(
        !installation
            .run(&["withdraw", "urn:uuid:00000000-0000-8000-8000-000000000000", "--reason", "x"])
            .status
            .success()
    );
}

#[test]
fn a_paused_source_is_left_alone_over_a_restart() {
    let site = Site::new(123, |_| Reply::ok(feed(&[("g1", "/a/1", "题", 2)])));
    let installation = Installation::new(&source("gov", "140300", &site.url("/feed")));
    let daemon = installation.start();
    daemon.until_items("140300", 1);
    assert!(installation.run(&["pause", "gov"]).status.success());
    assert_eq!(daemon.status(&installation, "gov")["health"], "paused");
    assert!(!installation.run(&["poll", "gov"]).status.success(), "it is not polled by hand either");
    assert_eq!(daemon.stop(), Some(0));
    let polls = site.asked().len();
    let daemon = installation.start();
    assert_eq!(daemon.status(&installation, "gov")["health"], "paused");
    assert_eq!(site.asked().len(), polls);
    assert!(installation.run(&["resume", "gov"]).status.success());
    until("it is polled again", || (site.asked().len() > polls).then_some(()));
}

#[test]
fn a_group_of_regions_holds_what_its_members_hold() {
    let installation = Installation::new("");
    std::fs::write(
        installation.config().join("regions.toml"),
        "publish = [\"140000\"]\n[[region]]\nid = \"taihang\"\nname = \"太行\"\nmembers = [\"140321\", \"140400\"]\n",
    )
    .unwrap();
    let past = Past::new(&installation);
    past.source("gov", Authority::Official, &[]);
    past.report(0, "gov", "/1", "平定县新建两座桥", "", None);
    past.report(0, "gov", "/2", "盂县新建一座桥", "", None);
    drop(past);
    let daemon = installation.start();
    daemon.until_items("140300", 2);
    assert_eq!(daemon.titles("taihang"), ["平定县新建两座桥"]);
}

#[test]
fn a_tree_of_another_country_comes_from_the_config() {
    let installation = Installation::new("");
    std::fs::write(
        installation.config().join("regions.toml"),
        "atlas = \"none\"\n[[region]]\nid = \"no\"\nname = \"Norway\"\n[[region]]\nid = \"no-46\"\nname = \"Vestland\"\nparent = \"no\"\n[[region]]\nid = \"no-4601\"\nname = \"Bergen\"\nparent = \"no-46\"\n[[region]]\nid = \"no-4624\"\nname = \"Bjørnafjorden\"\nparent = \"no-46\"\n",
    )
    .unwrap();
    let site = Site::new(124, |_| {
        Reply::ok(feed(&[
            ("1", "/1", "Bjørnafjorden opens a new ferry quay", 2),
            ("2", "/2", "A concert in the town hall", 3),
        ]))
    });
    installation.sources(&source("paper", "no-4601", &site.url("/feed")));
    let daemon = installation.start();
    daemon.until_items("no", 2);
    assert_eq!(daemon.titles("no-4624"), ["Bjørnafjorden opens a new ferry quay"]);
    assert_eq!(daemon.titles("no-4601"), ["A concert in the town hall"]);
}

#[test]
fn rebuild_lists_what_became_another_story() {
    let installation = Installation::new("");
    let past = Past::new(&installation);
    past.source("gov", Authority::Official, &[]);
    past.report(0, "gov", "/1", "平定县新建两座桥", "", None);
    drop(past);
    let first = installation.run(&["rebuild"]);
    assert!(String::from_utf8_lossy(&first.stdout).contains("made anew: 1 item, 1 story"));
    let same = installation.run(&["rebuild"]);
    assert!(String::from_utf8_lossy(&same.stdout).contains("in the same story and in the same regions"));
    // Another name for the county: what was placed by it lies elsewhere now.
    std::fs::write(
        installation.config().join("regions.toml"),
        "publish = [\"140000\"]\n[[region]]\nid = \"140321\"\nname = \"平原县\"\n",
    )
    .unwrap();
    let changed = installation.run(&["rebuild"]);
    let told = String::from_utf8_lossy(&changed.stdout).into_owned();
    assert!(told.contains("was in 140321 and is in 140300"), "{told}");
}

#[test]
fn warnings_are_told_apart_by_their_identifiers_alone() {
    let installation = Installation::new("");
    let line = |id: &str, source: &str, kind: &str, guid: &str, title: &str| {
        let text = notice("平定县", "10");
        format!(
            "{{\"id\":\"{id}\",\"source\":\"{source}\",\"region\":\"140000\",\"kind\":\"{kind}\",\"guid\":\"{guid}\",\"link\":\"https://{source}.example.cn/{id}\",\"title\":\"{title}\",\"published\":\"2023-03-09T08:30:00+08:00\",\"text\":\"{text}\"}}\n"
        )
    };
    let first = "14032141600000_20230309083015";
    let file = installation.folder.path().join("warnings.jsonl");
    let lines = [
        line("1", "a", "alert", first, "道路结冰黄色预警"),
        // Passed on by another source: one warning, whatever its words.
        line("2", "b", "alert", first, "平定县气象台发布预警信号"),
        // The same words under another identifier: another warning, of the same source and of another one.
        line("3", "a", "alert", "14032141600000_20230309113015", "道路结冰黄色预警"),
        line("4", "c", "alert", "14032241600000_20230309083015", "道路结冰黄色预警"),
        // Neither does a notice join a warning.
        line("5", "d", "news", "x", "道路结冰黄色预警"),
        // Where the identifier is of another kind.
        line("6", "a", "alert", "urn:oid:2.49.0.1.756.1", "道路结冰黄色预警"),
        line("7", "b", "alert", "urn:oid:2.49.0.1.756.1", "道路结冰预警"),
    ];
    std::fs::write(&file, lines.concat()).unwrap();
    let output = installation.run(&["replay", file.to_str().unwrap(), "--json"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let told: Vec<serde_json::Value> =
        String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let story = |at: usize| told[at]["item"].as_str().unwrap().to_owned();
    assert_eq!(story(0), story(1));
    assert_eq!(story(5), story(6));
    let stories: std::collections::HashSet<String> = (0..7).map(story).collect();
    assert_eq!(stories.len(), 5, "{told:#?}");
    assert_eq!(told[0]["regions"][0]["id"], "140321");
    assert_eq!(told[3]["regions"][0]["id"], "140322", "the text speaks of 平定县");
    assert_eq!(told[3]["regions"][0]["evidence"], "code");
    std::fs::write(&file, line("1", "a", "alarm", first, "预警")).unwrap();
    let refused = installation.run(&["replay", file.to_str().unwrap()]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("it is `news` or `alert`"));
}
