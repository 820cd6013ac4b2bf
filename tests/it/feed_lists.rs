//! Lists of feeds of other programs, in and out again: nothing is lost.

use std::collections::BTreeMap;
use std::path::Path;

use super::installation::Installation;

type Feeds = BTreeMap<String, (Vec<String>, BTreeMap<String, String>)>;

/// The feeds of a list by their addresses: folders and attributes.
fn feeds(text: &str) -> Feeds {
    let document = roxmltree::Document::parse(text).unwrap();
    let outlines = document.descendants().filter(|node| node.has_tag_name("outline") && node.has_attribute("xmlUrl"));
    outlines
        .map(|node| {
            let folders = node.ancestors().skip(1).filter_map(|up| up.attribute("text").map(str::to_owned));
            let mut folders: Vec<String> = folders.collect();
            folders.reverse();
            let name = |attribute: &roxmltree::Attribute<'_, '_>| {
                format!(
                    "{}{}",
                    attribute.namespace().map(|name| format!("{name} ")).unwrap_or_default(),
                    attribute.name()
                )
            };
            let attributes = node.attributes().filter(|attribute| !attribute.value().is_empty());
            let attributes = attributes.map(|attribute| (name(&attribute), attribute.value().to_owned())).collect();
            (node.attribute("xmlUrl").unwrap().to_owned(), (folders, attributes))
        })
        .collect()
}

fn fixture(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/opml").join(name);
    std::fs::read_to_string(path).unwrap()
}

/// Takes a list in, and returns what goes out again.
fn through(installation: &Installation, list: &str) -> String {
    std::fs::write(installation.folder.path().join("in.opml"), list).unwrap();
    let output = installation.run(&["sources", "import", "in.opml", "--region", "山西省", "--write"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let output = installation.run(&["sources", "export"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn lists_of_three_programs_lose_nothing_on_the_way_in_and_out() {
    for name in ["miniflux.opml", "freshrss.opml", "commafeed.opml"] {
        let list = fixture(name);
        let out = through(&Installation::new(""), &list);
        let (before, after) = (feeds(&list), feeds(&out));
        assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>(), "{name}");
        for (address, (folders, attributes)) in &before {
            let (folders_after, attributes_after) = &after[address];
            assert_eq!(folders, folders_after, "{name} {address}");
            for (attribute, value) in attributes {
                assert_eq!(attributes_after.get(attribute), Some(value), "{name} {address} {attribute}\n{out}");
            }
        }
        // Our own list comes back as it was.
        assert_eq!(feeds(&through(&Installation::new(""), &out)), after, "{name}");
    }
}

#[test]
fn scraping_rules_become_selectors_and_folders_become_regions_and_topics() {
    let installation = Installation::new("");
    through(&installation, &fixture("freshrss.opml"));
    let written = std::fs::read_to_string(installation.config().join("sources/added.toml")).unwrap();
    for part in [
        "region = \"130121\"",
        "item = \"ul#news > li\"",
        "date = \"span[class*=\\\"date\\\"]\"",
        "body = \"#zoom, .article\"",
        "remove = [\".share\", \".footer\"]",
        "interval = \"30m\"",
        "topics = [\"地方媒体 & 论坛\"]",
        "as = \"json\"",
        "item = \"data.items\"",
        "post = \"page=1&size=20\"",
    ] {
        assert!(written.replace('\'', "\"").contains(&part.replace("\\\"", "\"")), "`{part}` is missing in\n{written}");
    }
    let installation = Installation::new("");
    through(&installation, &fixture("commafeed.opml"));
    let written = std::fs::read_to_string(installation.config().join("sources/added.toml")).unwrap();
    for part in ["region = \"140302\"", "topics = [\"民生\"]", "region = \"140000\""] {
        assert!(written.contains(part), "`{part}` is missing in\n{written}");
    }
}

#[test]
fn what_a_list_holds_beside_feeds_is_told() {
    let installation = Installation::new("");
    std::fs::write(installation.folder.path().join("in.opml"), fixture("freshrss.opml")).unwrap();
    let output = installation.run(&["sources", "import", "in.opml"]);
    let told = String::from_utf8(output.stderr).unwrap();
    for part in
        ["frss:opmlUrl", "frss:priority", "has no counterpart here", "in no folder named after a region", "6 feeds"]
    {
        assert!(told.contains(part), "`{part}` is missing in\n{told}");
    }
    assert!(output.status.success() && !installation.config().join("sources/added.toml").exists());
    let output = installation.run(&["sources", "import", "in.opml", "--write"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(!installation.config().join("sources/added.toml").exists());
    std::fs::write(installation.folder.path().join("no.opml"), "<rss/>").unwrap();
    assert_eq!(installation.run(&["sources", "import", "no.opml"]).status.code(), Some(1));
}

/// A list of feeds comes from outside: a bad entry costs one entry, and what gives a source rights is told.
#[test]
fn a_list_of_feeds_from_outside_can_neither_stop_the_import_nor_give_rights_unseen() {
    let deep = format!("dayuan:{}a", "a.".repeat(200_000));
    let long = "很长的标题".repeat(60);
    let mut list = format!(
        "<opml version=\"2.0\"><body>\
         <outline text=\"好的\" xmlUrl=\"https://a.example/feed\"/>\
         <outline text=\"{long}\" xmlUrl=\"https://b.example/feed\"/>\
         <outline text=\"两&#10;行\" xmlUrl=\"https://c.example/feed\"/>\
         <outline text=\"内部\" xmlUrl=\"http://192.168.1.5/rss\"/>\
         <outline text=\"未知\" xmlUrl=\"https://d.example/feed\" dayuan:foo=\"1\"/>\
         <outline text=\"深\" xmlUrl=\"https://e.example/feed\" {deep}=\"1\"/>\
         <outline text=\"别处\" xmlUrl=\"https://f.example/feed\" dayuan:url=\"https://other.example/\" dayuan:authority=\"official\"/>\
         <outline text=\"\u{1b}]0;owned\u{7}\" xmlUrl=\"ftp://g.example/feed\"/>"
    );
    for n in 0..3000 {
        list.push_str(&format!("<outline text=\"第{n}个\" xmlUrl=\"https://h.example/feed.php?id={n}\"/>"));
    }
    list.push_str("</body></opml>");
    let installation = Installation::new("");
    std::fs::write(installation.folder.path().join("in.opml"), list).unwrap();
    let output = installation.run(&["sources", "import", "in.opml", "--region", "山西省", "--write"]);
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{told}");
    for part in [
        "内部: left out: ",
        "未知: left out: ",
        "authority = official is taken from the list",
        "dayuan:url is no setting that a list of feeds gives",
        "3005 sources taken",
    ] {
        assert!(told.contains(part), "`{part}` is missing in\n{}", told.chars().take(4000).collect::<String>());
    }
    assert!(!told.contains('\u{1b}'), "nothing of it reaches the terminal");
    let written = std::fs::read_to_string(installation.config().join("sources/added.toml")).unwrap();
    assert!(written.contains("https://f.example/feed") && !written.contains("https://other.example/"));
    assert!(installation.run(&["check"]).status.success());
}

/// Imports a list and returns what is printed and what is told.
fn imported(installation: &Installation, outlines: &str, more: &[&str]) -> (String, String) {
    let list = format!("<opml version=\"2.0\"><body>{outlines}</body></opml>");
    std::fs::write(installation.folder.path().join("in.opml"), list).unwrap();
    let output = installation.run(&[&["sources", "import", "in.opml", "--region", "山西省"], more].concat());
    (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn an_id_of_a_list_from_outside_does_not_take_over_what_an_earlier_source_published() {
    let installation = Installation::new("");
    let list = "<outline text=\"陌生\" xmlUrl=\"https://a.example/feed\" dayuan:id=\"yq-gov\"/>";
    let (block, told) = imported(&installation, list, &[]);
    assert!(!block.contains("\"yq-gov\"") && told.contains("the id yq-gov of the list is not taken"), "{block}{told}");
    let (block, told) = imported(&installation, list, &["--keep-ids"]);
    assert!(block.contains("id = \"yq-gov\"") && !told.contains("not taken"), "{block}{told}");
}

#[test]
fn what_a_list_brings_from_our_own_networks_or_in_the_name_of_a_medium_is_told() {
    let installation = Installation::new("");
    let list = "<outline text=\"市政府\" xmlUrl=\"http://127.0.7.9/feed\"/>\
        <outline text=\"新华社\" xmlUrl=\"https://a.example/feed\"/>\
        <outline text=\"新华社\" xmlUrl=\"https://www.news.cn/feed\"/>\
        <outline text=\"代理\" xmlUrl=\"https://b.example/feed\" dayuan:request.proxy=\"http://c.example/\"/>";
    let (_, told) = imported(&installation, list, &[]);
    assert!(told.contains("市政府: http://127.0.7.9/feed is on your own networks"), "{told}");
    assert_eq!(told.matches("it calls itself 新华社, whose site is news.cn").count(), 1, "{told}");
    assert!(told.contains("request.proxy = http://c.example/ is taken from the list"), "{told}");
}

#[test]
fn a_list_from_outside_writes_no_lines_of_its_own() {
    let installation = Installation::new("");
    let long = "长".repeat(5000);
    let list = format!(
        "<outline text=\"x&#10;dayuan: forged\" xmlUrl=\"ftp://a.example/\"/>\
         <outline text=\"y&#10;dayuan: forged\" xmlUrl=\"https://b.example/feed\" foo=\"1&#10;dayuan: forged&#10;[[source]]\" dayuan:authority=\"official&#10;dayuan: forged\"/>\
         <outline text=\"z\" xmlUrl=\"https://c.example/feed\" foo=\"1&#10;dayuan: forged&#10;[[source]]\"/>\
         <outline text=\"{long}\" xmlUrl=\"https://d.example/feed\" dayuan:authority=\"official\"/>\
         <outline text=\"&#10;dayuan: forged\"/>"
    );
    let (block, told) = imported(&installation, &list, &[]);
    assert!(!block.lines().chain(told.lines()).any(|line| line.starts_with("dayuan: forged")), "{block}{told}");
    assert!(block.contains("foo = \"1\\u000Adayuan: forged"), "{block}");
    assert_eq!(block.matches("[[source]]\n").count(), 2, "{block}");
    assert!(told.contains("…: authority = official is taken from the list"), "{told}");
    let (_, told) = imported(&installation, &list, &["--write"]);
    assert!(told.contains("2 sources taken") && installation.run(&["check"]).status.success(), "{told}");
}

/// Took a minute when each round of 200 faults read all anew.
#[test]
fn a_list_of_bad_entries_costs_no_more_than_one_of_good_ones() {
    let installation = Installation::new("");
    let list = |more: &str| -> String {
        let entry = |n: u32| format!("<outline text=\"t\" xmlUrl=\"https://a{n}.example/feed\" {more}/>");
        (0..8000).map(entry).collect()
    };
    let timed = |more: &str, taken: &str| {
        let began = std::time::Instant::now();
        let (_, told) = imported(&installation, &list(more), &[]);
        assert!(told.contains(taken), "{}", told.chars().take(2000).collect::<String>());
        began.elapsed()
    };
    let good = timed("", "8000 sources taken");
    let bad = timed("dayuan:nonsense=\"1\"", "0 sources taken");
    println!("good {good:.2?}, bad {bad:.2?}");
    assert!(bad < good * 3, "good {good:.2?}, bad {bad:.2?}");
}
