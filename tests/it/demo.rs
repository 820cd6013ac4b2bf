//! The parts of a row of a portal, as the demo shows them: each on a page, and in a feed of every format.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

use super::http::get;
use super::installation::until;

struct Demo(Child, SocketAddr);

impl Drop for Demo {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn demo() -> Demo {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dayuan"));
    command.args(["demo", "--listen", "127.0.0.1:0", "--for", "60s"]).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.split("http://").nth(1).and_then(|rest| rest.trim_end().trim_end_matches('/').parse().ok());
    Demo(child, address.unwrap())
}

/// A part of the row; the story that has it, or nothing if it belongs to the region; and what shows it on the page, in Atom, in RSS
/// and in JSON Feed.
type Part = (&'static str, &'static str, [&'static str; 4]);

const ROW: [Part; 13] = [
    (
        "column of a region",
        "城区二十六条背街小巷完成修补",
        [">城区</a>", "<category term=\"140302\"", "regions\">城区</category>", "\"regions\":[\"140302\"]"],
    ),
    (
        "tags",
        "我市创建国家卫生城市工作推进会召开",
        ["<li>卫生城市</li>", "<category term=\"卫生城市\"/>", "<category>卫生城市</category>", "\"卫生城市\""],
    ),
    (
        "author",
        "我市创建国家卫生城市工作推进会召开",
        [
            "作者: 薄红贞",
            "<author><name>薄红贞</name>",
            "<dc:creator>薄红贞</dc:creator>",
            "\"authors\":[{\"name\":\"薄红贞\"}]",
        ],
    ),
    (
        "editor in 城区",
        "城区二十六条背街小巷完成修补",
        [
            "编辑: 魏业",
            "<contributor><name>魏业</name>",
            "<dc:contributor>魏业</dc:contributor>",
            "\"editors\":[\"魏业\"]",
        ],
    ),
    (
        "editor in 郊区",
        "郊区：十二个村接通天然气",
        [
            "编辑: 郭建民",
            "<contributor><name>郭建民</name>",
            "<dc:contributor>郭建民</dc:contributor>",
            "\"editors\":[\"郭建民\"]",
        ],
    ),
    (
        "editor in 平定县",
        "平定县公布首批非遗工坊名单",
        [
            "编辑: 王秀兰",
            "<contributor><name>王秀兰</name>",
            "<dc:contributor>王秀兰</dc:contributor>",
            "\"editors\":[\"王秀兰\"]",
        ],
    ),
    (
        "time",
        "我市创建国家卫生城市工作推进会召开",
        ["<time datetime=", "<published>20", "<pubDate>", "\"date_published\":\"20"],
    ),
    ("short comment in 城区", "我市创建国家卫生城市工作推进会召开", ["巷子干净了，日子才敞亮"; 4]),
    ("short comment in 平定县", "平定县公布首批非遗工坊名单", ["手艺有了工坊，学手艺的人才有去处"; 4]),
    ("short comment in 盂县", "藏山景区环线公交恢复运行", ["班车通到景区，也通到山下的村子"; 4]),
    (
        "rights",
        "城区二十六条背街小巷完成修补",
        [
            "版权声明：本网示例内容未经许可不得转载",
            "<rights>版权声明：",
            "<dc:rights>版权声明：",
            "\"rights\":\"版权声明：",
        ],
    ),
    (
        "comments",
        "我市创建国家卫生城市工作推进会召开",
        [
            "/a/1001.html#comments\" rel=\"noopener\">评论 (12)</a>",
            "/a/1001.html#comments\" rel=\"replies\"",
            "/a/1001.html#comments</comments>",
            "/a/1001.html#comments\",\"replies\":12",
        ],
    ),
    (
        "number of comments",
        "冠山书院冬季开放时间调整",
        ["评论 (3)", "<thr:total>3</thr:total>", "<slash:comments>3</slash:comments>", "\"replies\":3"],
    ),
];

/// What belongs to the region: found on its page and in the head of its feeds.
const SERVICES: [&str; 4] = [
    "<a href=\"https://example.org/services\" rel=\"noopener\">一网通办</a>",
    "<link href=\"https://example.org/services\" rel=\"related\" type=\"text/html\" title=\"一网通办\"/>",
    "<atom:link href=\"https://example.org/services\" rel=\"related\" title=\"一网通办\"/>",
    "\"services\":[{\"title\":\"一网通办\",\"url\":\"https://example.org/services\"}",
];

/// Returns the piece of a document that tells of a story: from the mark before its title to the mark behind.
fn piece<'a>(document: &'a str, title: &str, marks: (&str, &str)) -> &'a str {
    let piece = document.split(marks.0).skip(1).find(|piece| piece.contains(title));
    piece.and_then(|piece| piece.split(marks.1).next()).unwrap_or("")
}

#[test]
fn every_part_of_a_row_is_on_a_page_and_in_a_feed_of_each_format() {
    let demo = demo();
    let read = |path: &str| get(demo.1, path).text();
    let feeds = until("the demo has read its sites", || {
        let feeds = ["atom.xml", "rss.xml", "feed.json"].map(|file| read(&format!("/regions/140300/{file}")));
        (feeds[0].matches("<entry>").count() == 20 && feeds[2].contains("王秀兰")).then_some(feeds)
    });
    let region = read("/regions/140300");
    let items: serde_json::Value = serde_json::from_str(&feeds[2]).unwrap();
    let mut missing = Vec::new();
    for (part, title, shown) in ROW {
        let item = items["items"].as_array().unwrap().iter().find(|item| item["title"] == title).unwrap();
        let page = item["_dayuan"]["page"].as_str().unwrap().rsplit_once("/items/").unwrap().1;
        let pieces = [
            read(&format!("/items/{page}")),
            piece(&feeds[0], title, ("<entry>", "</entry>")).to_owned(),
            piece(&feeds[1], title, ("<item>", "</item>")).to_owned(),
            item.to_string(),
        ];
        let places = ["page", "Atom", "RSS", "JSON Feed"].iter().zip(&pieces).zip(shown);
        missing.extend(places.filter(|((_, text), shown)| !text.contains(shown)).map(|((place, _), _)| (part, *place)));
        // The permalink: the story's own address here.
        let own = format!("/items/{page}");
        let is_linked = pieces.iter().all(|piece| piece.contains(&own));
        assert!(is_linked && region.contains(&format!("<a href=\"{own}\">")), "{title}");
    }
    let heads = [region, feeds[0].clone(), feeds[1].clone(), feeds[2].clone()];
    let places = ["region", "Atom", "RSS", "JSON Feed"].iter().zip(&heads).zip(SERVICES);
    missing
        .extend(places.filter(|((_, text), shown)| !text.contains(shown)).map(|((place, _), _)| ("services", *place)));
    assert_eq!(missing, []);
}
