//! What is older than a feed is in its archives, once, and stays where it is.

use std::collections::BTreeMap;

use dayuan::log::{Log, Record, SourceFacts};
use dayuan::model::{Authority, Draft, ItemId, Key, Moment, Precision, RegionId, Report, SourceId, Stamp, Zone};

use super::http::get;
use super::installation::{Daemon, Installation};

const DAY: i64 = 86_400;

fn now() -> Moment {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    Moment::from_seconds(i64::try_from(now).unwrap())
}

fn facts(id: &str, region: &str, at: Moment) -> Record {
    Record::Source(SourceFacts {
        id: SourceId::new(id).unwrap(),
        title: format!("{id}时报"),
        link: format!("https://{id}.example.cn/feed"),
        region: RegionId::new(region).unwrap(),
        authority: Authority::Official,
        zone: Zone::shanghai(),
        rights: None,
        was: Vec::new(),
        alerts_for: Vec::new(),
        at,
    })
}

/// A short report, which is its source's own story; `number` tells it from others.
fn report(source: &str, number: usize, seen: Moment) -> (ItemId, Record) {
    let draft = Draft {
        title: format!("第{number}号简讯"),
        link: Some(format!("https://{source}.example.cn/{number}")),
        published: Some(Stamp { at: seen, precision: Precision::Minute, offset: 28_800 }),
        ..Draft::default()
    };
    let id = SourceId::new(source).unwrap();
    let key = Key::of(None, draft.checked_link().as_ref(), &draft.title, None).unwrap();
    let item = ItemId::of(&id, &key);
    (item, Record::Report(Box::new(Report { item, key, source: id, seen, reader: 1, first_import: false, draft })))
}

/// A store with 250 stories of 70 days ago, none of the month between, and 10 of yesterday; `from` is the first day.
fn filled() -> (Installation, Vec<ItemId>, Moment) {
    let installation = Installation::new("");
    let (log, _) = Log::open(&installation.folder.path().join("store/log")).unwrap();
    let from = now().plus_seconds(-70 * DAY);
    log.append(&[facts("gov", "140300", from)], from).unwrap();
    let mut all = Vec::new();
    for (day, numbers) in [(from, 0..250), (now().plus_seconds(-DAY), 250..260)] {
        let (items, records): (Vec<ItemId>, Vec<Record>) =
            numbers.map(|number| report("gov", number, day.plus_seconds(i64::try_from(number).unwrap()))).unzip();
        all.extend(items);
        log.append(&records, day).unwrap();
    }
    (installation, all, from)
}

fn links(document: &str, rel: &str) -> Vec<String> {
    let rel = format!("rel=\"{rel}\"");
    let tags = document.split("<entry>").next().unwrap().split("<link ").skip(1);
    let of_rel = tags.filter_map(|tag| tag.split('>').next()).filter(|tag| tag.contains(&rel));
    of_rel.map(|tag| tag.split("href=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()).collect()
}

fn ids(document: &str) -> Vec<String> {
    let entries = document.split("<entry>").skip(1);
    entries.map(|entry| entry.split("<id>").nth(1).unwrap().split('<').next().unwrap().to_owned()).collect()
}

fn path(daemon: &Daemon, url: &str) -> String {
    let root = format!("http://{}", daemon.address);
    url.strip_prefix(&root).unwrap_or_else(|| panic!("{url}")).to_owned()
}

/// The archives that a feed leads to, newest first, by path.
fn chain(daemon: &Daemon) -> Vec<(String, Validated)> {
    let mut all = Vec::new();
    let mut next = links(&get(daemon.address, "/regions/140300/atom.xml").text(), "prev-archive").pop();
    while let Some(url) = next {
        let at = path(daemon, &url);
        let got = get(daemon.address, &at);
        assert_eq!(got.status, 200, "{at}");
        let text = got.text();
        assert_eq!(links(&text, "self"), [url.as_str()]);
        assert!(links(&text, "current").pop().unwrap().ends_with("/regions/140300/atom.xml"));
        next = links(&text, "prev-archive").pop();
        all.push((at, (got.header("etag").to_owned(), text)));
        assert!(all.len() < 20, "it leads in a circle");
    }
    all
}

/// ETag and text.
type Validated = (String, String);

#[test]
fn r1_followed_to_the_end_every_item_is_there_once_and_what_is_over_stays() {
    let (installation, all, from) = filled();
    let daemon = installation.start();
    let before = chain(&daemon);
    let mut found: Vec<String> = before.iter().flat_map(|(_, (_, text))| ids(text)).collect();
    found.sort();
    let mut expected: Vec<String> = all.iter().map(|item| item.urn()).collect();
    expected.sort();
    assert_eq!(found, expected);
    assert!(before.iter().all(|(_, (_, text))| ids(text).len() <= 200));
    let is_archive: Vec<bool> = before.iter().map(|(_, (_, text))| text.contains("<fh:archive>")).collect();
    assert!(!is_archive[0] && is_archive[1..].iter().all(|is_archive| *is_archive), "{is_archive:?}");
    // Back again by next-archive.
    let (mut at, mut back) = (before.last().unwrap().0.clone(), Vec::new());
    loop {
        let text = get(daemon.address, &at).text();
        back.push(path(&daemon, &links(&text, "self")[0]));
        match links(&text, "next-archive").pop() {
            Some(url) => at = path(&daemon, &url),
            None => break,
        }
    }
    back.reverse();
    assert_eq!(back, before.iter().map(|(at, _)| at.clone()).collect::<Vec<_>>());
    let month = from.day().get(..7).unwrap().to_owned();
    for wrong in
        [format!("{month}-4"), format!("{month}-0"), "2019-01".to_owned(), "2099-01".to_owned(), "x".to_owned()]
    {
        assert_eq!(get(daemon.address, &format!("/regions/140300/archive/{wrong}.xml")).status, 404, "{wrong}");
    }
    // An item of the first part is withdrawn: it leaves that part, and all others stay as they are.
    let withdrawn = &all[3];
    assert!(installation.run(&["withdraw", &withdrawn.urn(), "--reason", "x"]).status.success());
    let first = format!("/regions/140300/archive/{month}-1.xml");
    let after: BTreeMap<String, Validated> = chain(&daemon).into_iter().collect();
    for (at, (etag, _)) in &before {
        assert_eq!(after[at].0 == *etag, *at != first, "{at}");
    }
    let text = &after[&first].1;
    assert!(
        !ids(text).contains(&withdrawn.urn()) && text.contains(&format!("deleted-entry ref=\"{}\"", withdrawn.urn()))
    );
    let before_entries = text.split("<entry>").next().unwrap();
    assert!(
        before_entries.contains("<fh:archive>") && before_entries.contains("<at:deleted-entry"),
        "as in the grammar"
    );
    // More of today changes today's archive only.
    assert_eq!(daemon.stop(), Some(0));
    let (_, more) = report("gov", 900, now());
    installation.say(&[more]);
    let daemon = installation.start();
    let last: BTreeMap<String, Validated> = chain(&daemon)
        .into_iter()
        .map(|(at, (etag, text))| (at, (etag, text.replace(&daemon.address.to_string(), ""))))
        .collect();
    for (at, (_, text)) in after.iter().filter(|(at, _)| **at != before[0].0) {
        let plain = |text: &str| {
            text.split("127.0.0.1:")
                .map(|part| part.trim_start_matches(|c: char| c.is_ascii_digit()).to_owned())
                .collect::<Vec<_>>()
                .join("")
        };
        assert_eq!(plain(&last[at].1.replace("http://", "")), plain(&text.replace("http://", "")), "{at}");
    }
}

#[test]
fn r2_a_feed_without_the_regions_below_and_with_those_above() {
    let installation = Installation::new("");
    let (log, _) = Log::open(&installation.folder.path().join("store/log")).unwrap();
    let at = now().plus_seconds(-3600);
    for (number, (source, region)) in
        [("sheng", "140000"), ("shi", "140300"), ("xian", "140321")].into_iter().enumerate()
    {
        log.append(&[facts(source, region, at), report(source, number, at).1], at).unwrap();
    }
    drop(log);
    let daemon = installation.start();
    let titles = |query: &str| {
        let feed: serde_json::Value =
            serde_json::from_slice(&get(daemon.address, &format!("/regions/140300/feed.json{query}")).body).unwrap();
        let mut titles: Vec<String> =
            feed["items"].as_array().unwrap().iter().map(|item| item["title"].as_str().unwrap().to_owned()).collect();
        titles.sort();
        titles.join(" ")
    };
    assert_eq!(titles(""), "第1号简讯 第2号简讯");
    assert_eq!(titles("?only=1"), "第1号简讯");
    assert_eq!(titles("?above=1"), "第0号简讯 第1号简讯 第2号简讯");
    assert_eq!(titles("?above=1&only=1"), "第0号简讯 第1号简讯");
    assert_eq!(titles("?only=1&source=xian"), "");
    let mut etags = std::collections::BTreeSet::new();
    for query in ["", "?only=1", "?above=1", "?only=1&above=1", "?source=shi"] {
        let got = get(daemon.address, &format!("/regions/140300/atom.xml{query}"));
        assert!(links(&got.text(), "self")[0].ends_with(&query.replace('&', "&amp;")), "{query}");
        let id = got.text().split("<id>").nth(1).unwrap().split('<').next().unwrap().to_owned();
        assert!(id.ends_with(&format!("/regions/140300{}", query.replace('&', "&amp;"))), "{id}");
        assert!(etags.insert(got.header("etag").to_owned()), "{query}");
        assert_eq!(links(&got.text(), "prev-archive").is_empty(), !query.is_empty());
    }
}
