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
