//! Twice the input costs twice the work, whatever it is made of: hostile shapes of every kind of document, each doubled,
//! and the steps of reading compared. `DAYUAN_SHAPES=8388608 cargo test --release --test linear -- --nocapture` goes up to
//! 8 MiB and tells the CPU time of each.

#![expect(clippy::unwrap_used, reason = "a test ends with its first surprise")]

use dayuan::model::{Kind, Link, Moment, Page};
use dayuan::read::{self, FaultKind, Rules, Selector};

/// A document that repeats something, made of what stands before, the part, and what stands behind.
struct Shape {
    name: &'static str,
    kind: Kind,
    is_article: bool,
    head: &'static str,
    part: &'static str,
    tail: &'static str,
}

const fn feed(name: &'static str, head: &'static str, part: &'static str, tail: &'static str) -> Shape {
    Shape { name, kind: Kind::Auto, is_article: false, head, part, tail }
}

const fn list(name: &'static str, part: &'static str) -> Shape {
    Shape { name, kind: Kind::List, is_article: false, head: "<html><body>", part, tail: "</body></html>" }
}

const fn article(name: &'static str, head: &'static str, part: &'static str, tail: &'static str) -> Shape {
    Shape { name, kind: Kind::Auto, is_article: true, head, part, tail }
}

const fn data(name: &'static str, kind: Kind, head: &'static str, part: &'static str, tail: &'static str) -> Shape {
    Shape { name, kind, is_article: false, head, part, tail }
}

const ITEM: &str = "<rss><channel><title>t</title><item><title>a</title>";
const BODY: &str =
    "<html><head><title>标题在这里</title></head><body><h1>标题在这里</h1><div class=\"article\"><p>正文。</p>";
const ENTITY: &str = "<!DOCTYPE r [<!ENTITY a \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\">]><rss><channel><item><guid>";

const SHAPES: [Shape; 93] = [
    feed("creators", ITEM, "<dc:creator/>", ""),
    feed("named creators", ITEM, "<dc:creator>a</dc:creator>", "</item></channel></rss>"),
    feed("authors", ITEM, "<author/>", ""),
    feed("equal authors", ITEM, "<author>a</author>", ""),
    feed("atom authors", "<feed><entry><title>a</title>", "<author><name>a</name></author>", "</entry></feed>"),
    feed("categories", ITEM, "<category>a</category>", ""),
    feed("enclosures", ITEM, "<enclosure url=\"http://a.cn/1\"/>", ""),
    feed("media", ITEM, "<media:content url=\"http://a.cn/1\"/>", ""),
    feed("links", ITEM, "<link>http://a.cn/1</link>", ""),
    feed("atom links", "<feed><entry><title>a</title>", "<link href=\"/a\"/>", "</entry></feed>"),
    feed("sources", ITEM, "<source url=\"/a\">b</source>", ""),
    feed("empty items", "<rss><channel>", "<item/>", ""),
    feed("open items", "<rss><channel>", "<item><title>a", ""),
    feed("titles", ITEM, "<title>a</title>", ""),
    feed("dates", ITEM, "<pubDate>x</pubDate>", ""),
    feed("entities", ENTITY, "&a;", "</guid></item></channel></rss>"),
    feed("known entities", ITEM, "&amp;", ""),
    feed("ampersands", "<rss><channel><item><description>", "&", "</description></item></channel></rss>"),
    feed(
        "spaces without breaks",
        "<rss><channel><item><description>",
        "&amp;nbsp;",
        "</description></item></channel></rss>",
    ),
    feed("cdata", ITEM, "<![CDATA[a]]>", ""),
    feed("open cdata", ITEM, "<![CDATA[", ""),
    feed("comments", ITEM, "<!-- a -->", ""),
    feed("open comments", ITEM, "<!--", ""),
    feed("dashes", "<rss><channel><item><!--", "-", ""),
    feed("instructions", ITEM, "<?a", ""),
    feed("doctypes", "", "<!DOCTYPE a [", ""),
    feed("attributes", "<rss", " a=\"1\"", "><channel></channel></rss>"),
    feed("open quotes", ITEM, "<a b=\"", ""),
    feed("namespaces", "<rss><channel>", "<a xmlns:b=\"c\">", ""),
    feed("closed namespaces", "<rss><channel>", "<a xmlns:b=\"c\"/>", ""),
    feed("prefixes", ITEM, "<x:y/>", ""),
    feed("end tags", ITEM, "</a>", ""),
    feed("less than", ITEM, "<", ""),
    feed("deep", ITEM, "<a>", ""),
    feed("bases", ITEM, "<link xml:base=\"a/\">b</link>", ""),
    feed("hours", "<rss><channel><skipHours>", "<hour>1</hour>", "</skipHours></channel></rss>"),
    feed("paragraphs", "<rss><channel><item><description>", "&lt;p&gt;a", "</description></item></channel></rss>"),
    feed("nested items", "<rss><channel>", "<item><entry>", ""),
    feed("base64", "<feed><entry><content type=\"a/b\">", "YWFh", "</content></entry></feed>"),
    feed("marks", "<rss><channel><item><title>a", "\u{301}", "</title></item></channel></rss>"),
    list("links in a head", "<th><a href=\"/a\">标题标题标题</a>"),
    list("links in a table head", "<thead><a href=\"/a\">标题标题标题</a>"),
    list("links around blocks", "<a href=\"/a\"><div>"),
    list("links in links", "<a href=\"/a\"><table>"),
    list("items", "<li><a href=\"/a\">标题标题标题标题</a><span>2023-03-09</span></li>"),
    list("open items", "<li><a href=\"/a\">标题标题标题"),
    list("lists in lists", "<ul><li><a href=\"/a\">标题标题标题</a>"),
    list("rows", "<tr><td><a href=\"/a\">标题标题标题</a><td>03-09"),
    list("cells", "<td><a href=\"/a\">标题标题标题</a>"),
    list("classes", "<div class=\"a b c d e f\"><a href=\"/a\">标题标题标题</a></div>"),
    list("definitions", "<dt><a href=\"/a\">标题标题标题</a><dd>2023-03-09"),
    list("generic links", "<a href=\"/a\">更多</a>"),
    list("numbered links", "<a href=\"/a\">1</a>"),
    list("hidden parts", "<div style=\"display:none\"><a href=\"/a\">标题标题标题</a>"),
    list("scripts", "<script>[{\"a\":1},"),
    list("closed scripts", "<script>var a = [{\"title\":\"标题标题标题标题\",\"url\":\"/a\"}];</script>"),
    list("bold in bold", "<b><i>"),
    list("paragraphs in tables", "<p><td><b>"),
    list("drawings", "<svg><a/>"),
    list("frames", "<iframe src=\"/a\"></iframe>"),
    list("bases", "<base href=\"/a/\">"),
    list("text areas", "<textarea>a"),
    list("one text", "字"),
    list("one line of dates", "2023-03-09 "),
    list("void elements", "<br>"),
    list("articles", "<article><a href=\"/a\">标题标题标题</a><a href=\"/b\">x</a>"),
    list("nested classes of menus", "<div class=\"nav menu\"><a href=\"/a\">标题标题标题</a>"),
    list("forms", "<select><option>a"),
    article("shares", BODY, "<div class=\"share\">", ""),
    article("sources", BODY, "来源：", ""),
    article("reporters", BODY, "（记者", ""),
    article("words", BODY, "文字", ""),
    article("labels", BODY, "发布时间：2023-03-09 ", ""),
    article("editors", BODY, "责任编辑：张三 ", ""),
    article("closing brackets", BODY, "<p>完。（张三）</p>", ""),
    article("paragraphs", BODY, "<p>本报讯 这是一段足够长的正文，讲述了今天发生的事情。</p>", "</div></body></html>"),
    article("spaces", BODY, "&nbsp;", ""),
    article("headings", BODY, "<h2>标题在这里</h2>", ""),
    article("headings in headings", BODY, "<div class=\"title\">", ""),
    article("pictures", BODY, "<img src=\"/a.jpg\">", ""),
    article("files", BODY, "<a href=\"/a.pdf\">附件</a>", ""),
    article("lists of links", BODY, "<ul><li><a href=\"/a\">相关</a></ul>", ""),
    article("meta", "<html><head>", "<meta name=\"a\" content=\"b\">", "</head></html>"),
    article("linked data", "<html><head>", "<script type=\"application/ld+json\">{\"a\":1}</script>", "</head></html>"),
    article("next pages", BODY, "<a href=\"/a_2.html\">下一页</a>", ""),
    article("tables", BODY, "<table><tr><td>", ""),
    article("blocks", BODY, "<div><p>字字字字字字字字字字字字字字</p></div>", ""),
    article("copyrights", BODY, "版权所有 不得转载 ", ""),
    data("objects", Kind::Auto, "[", "{\"title\":\"标题标题标题标题\",\"url\":\"/a\"},", "{}]"),
    data("numbers", Kind::Auto, "[", "1,", "1]"),
    data("brackets", Kind::Auto, "", "[", ""),
    data("sitemap", Kind::Auto, "<urlset>", "<url><loc>http://a.cn/1</loc></url>", "</urlset>"),
    data(
        "records",
        Kind::XmlRecords,
        "<datastore>",
        "<record><![CDATA[<li><a href=\"/a\">标题标题标题</a></li>]]></record>",
        "</datastore>",
    ),
];

fn work(shape: &Shape, size: usize) -> (u64, bool) {
    read_body(shape, body(shape, size))
}

fn body(shape: &Shape, size: usize) -> Vec<u8> {
    let mut body = Vec::with_capacity(size + shape.head.len() + shape.tail.len());
    body.extend_from_slice(shape.head.as_bytes());
    while body.len() < size {
        body.extend_from_slice(shape.part.as_bytes());
    }
    body.extend_from_slice(shape.tail.as_bytes());
    body
}

fn read_body(shape: &Shape, body: Vec<u8>) -> (u64, bool) {
    let url = Link::parse("http://a.cn/list/").unwrap();
    let page = Page { url, content_type: Some("text/html; charset=utf-8".to_owned()), body };
    let rules = Rules { kind: shape.kind, ..Rules::default() };
    let now = Moment::from_seconds(1_678_330_000);
    let (work, faults) = if shape.is_article {
        let article = read::read_article(&page, &rules, now);
        (article.work, article.faults)
    } else {
        let reading = read::read(&page, &rules, now);
        assert!(reading.drafts.iter().all(|draft| draft.size() < 1 << 20), "{}", shape.name);
        (reading.work, reading.faults)
    };
    (work, faults.iter().any(|fault| fault.kind == FaultKind::TooMuch))
}

/// Documents of which more is refused than is worked on: JSON with more values than lists have.
const REFUSED: [&str; 3] = ["objects", "numbers", "brackets"];

#[test]
fn twice_the_input_costs_twice_the_work() {
    let most = std::env::var("DAYUAN_SHAPES").ok().and_then(|size| size.parse().ok()).unwrap_or(256 * 1024);
    let mut wrong = Vec::new();
    for shape in &SHAPES {
        let mut size = 64 * 1024;
        let (mut before, _) = work(shape, size);
        while size < most {
            size *= 2;
            let began = cpu();
            let (now, is_too_much) = work(shape, size);
            if most > 256 * 1024 {
                let spent = cpu() - began;
                let each = spent * (1 << 20) / u64::try_from(size).unwrap();
                let told = if is_too_much { " TOO MUCH" } else { "" };
                println!(
                    "{:>8} {:>6} ms/MB {:>12} steps {:.2} {}{told}",
                    size >> 10,
                    each,
                    now,
                    ratio(now, before),
                    shape.name
                );
            }
            // Work ends where its budget does, which would hide how it grows.
            if is_too_much && !REFUSED.contains(&shape.name) {
                wrong.push(format!("{}: {} KiB take more work than a document may", shape.name, size / 1024));
            }
            // What is small is all beginning.
            if now > 1_000_000 && ratio(now, before) > 2.2 {
                wrong.push(format!("{}: {before} steps of {} KiB, {now} of {}", shape.name, size / 2048, size / 1024));
            }
            before = now;
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What each shape costs at 8 MiB, in a process of its own: `cargo test --release --test linear -- --ignored --nocapture`.
/// `DAYUAN_SHAPE` names one, `DAYUAN_SHAPES` another size.
#[test]
#[ignore = "measures, and takes a minute"]
fn what_a_shape_costs() {
    let size = std::env::var("DAYUAN_SHAPES").ok().and_then(|size| size.parse().ok()).unwrap_or(8 << 20);
    if let Ok(name) = std::env::var("DAYUAN_SHAPE") {
        let shape = SHAPES.iter().find(|shape| shape.name == name && Some(shape.part) == part().as_deref()).unwrap();
        // The tables of words are read once.
        work(shape, 1000);
        let before = status("VmRSS:");
        let body = body(shape, size);
        let began = cpu();
        let (steps, _) = read_body(shape, body);
        let spent = (cpu() - began) * 1024 * 1024 / u64::try_from(size).unwrap();
        let held = (status("VmHWM:") - before) * 1024 * 10 / u64::try_from(size).unwrap();
        println!("COST {spent:>5} ms/MB {:>3}.{} x {steps:>12} steps {name}: {:.20}", held / 10, held % 10, shape.part);
        return;
    }
    for shape in &SHAPES {
        let mut own = std::process::Command::new(std::env::current_exe().unwrap());
        own.args(["--exact", "what_a_shape_costs", "--ignored", "--nocapture"]);
        let told = own.env("DAYUAN_SHAPE", shape.name).env("DAYUAN_PART", shape.part).output().unwrap().stdout;
        let told = String::from_utf8(told).unwrap();
        println!("{}", told.lines().find_map(|line| line.split_once("COST ")).map_or(shape.name, |(_, cost)| cost));
    }
}

/// Two shapes may have one name.
fn part() -> Option<String> {
    std::env::var("DAYUAN_PART").ok()
}

/// Small pages of nothing but tags cost no more than long ones do: what is read of them is bounded by their length.
#[test]
fn x08_pages_of_nothing_but_tags_cost_little() {
    let now = Moment::from_seconds(1_678_330_000);
    for part in ["<p>一", "<br>一", "<td>一", "<div>一", "<p>一</p>", "<div>word "] {
        let head =
            "<html><head><title>标题标题标题标题标题</title></head><body><h1>标题标题标题标题标题</h1><div id=zoom>";
        let body = format!("{head}{}", part.repeat((1 << 20) / part.len())).into_bytes();
        let page = Page { url: Link::parse("http://a.cn/a.html").unwrap(), content_type: None, body };
        let article = read::read_article(&page, &Rules::default(), now);
        // Read as a whole, it would be six times as many.
        assert!(article.work < 3_000_000, "{part}: {} steps", article.work);
        assert!(article.faults.iter().any(|fault| fault.kind == FaultKind::TooMany), "{part}");
        let reading = read::read(&page, &Rules { kind: Kind::List, ..Rules::default() }, now);
        assert!(reading.faults.iter().any(|fault| fault.kind == FaultKind::TooMany), "{part}");
    }
}

/// What is long once must not become as long for each of many.
#[test]
fn what_is_long_is_not_copied_for_each() {
    let long = "k".repeat(1 << 20);
    let links = "<a href=\"x\">标题标题标题标题</a>".repeat(10_000);
    let pictures = "<img src=\"x\"><p>正文正文</p>".repeat(10_000);
    let documents = [
        (Kind::Auto, format!("{{\"{long}\":{{{}\"b\":1}}}}", "\"a\":[],".repeat(20_000))),
        (Kind::Auto, format!("<!DOCTYPE r [{} ]><rss><channel/></rss>", "<!ENTITYx".repeat(50_000))),
        (Kind::List, format!("<base href=\"http://a.cn/{long}/\">{links}")),
        (Kind::Auto, format!("<base href=\"http://a.cn/{long}/\"><h1>标题标题</h1>{pictures}")),
        (Kind::List, format!("<div class=\"{}\">{links}", "x ".repeat(1 << 18))),
        (
            Kind::Auto,
            format!("<rss><channel><item xml:base=\"http://a.cn/{long}/\">{}", "<enclosure url=\"x\"/>".repeat(10_000)),
        ),
    ];
    let before = peak();
    for (kind, body) in documents {
        let page = Page { url: Link::parse("http://a.cn/list/").unwrap(), content_type: None, body: body.into_bytes() };
        let rules = Rules { kind, ..Rules::default() };
        let now = Moment::from_seconds(1_678_330_000);
        let drafts = read::read(&page, &rules, now).drafts;
        let size: usize = drafts.iter().map(dayuan::model::Draft::size).sum();
        assert!(size < 4 << 20, "{size} bytes of {}", page.body.len());
        assert!(read::read_article(&page, &rules, now).draft.is_none_or(|draft| draft.size() < 1 << 20));
    }
    assert!(peak() - before < 600, "{} MiB", peak() - before);
}

/// What stands on an element is read once for all that is below it, and references grow by no more than the document.
#[test]
fn i45_bases_of_feeds_cost_once_and_lend_little() {
    let read = |body: String| {
        let url = Link::parse("http://a.cn/list/").unwrap();
        let length = body.len();
        let page = Page { url, content_type: None, body: body.into_bytes() };
        let reading = read::read(&page, &Rules::default(), Moment::from_seconds(1_678_330_000));
        let size: usize = reading.drafts.iter().map(dayuan::model::Draft::size).sum();
        (reading.work, size, length)
    };
    let files: String = (0..32).map(|number| format!("<link rel=\"enclosure\" href=\"{number}\"/>")).collect();
    let entries = |count: usize| format!("<entry><title>标题标题</title>{files}</entry>").repeat(count);
    let long = |size: usize| {
        let tag = format!("<feed xmlns=\"http://www.w3.org/2005/Atom\" a=\"{}\" xml:base=\"/b/\">", "x".repeat(size));
        read(format!("{tag}{}</feed>", entries(size / 1500))).0
    };
    let (once, twice) = (long(300_000), long(600_000));
    assert!(ratio(twice, once) <= 2.2, "{once} steps, then {twice}");
    let base = format!("<x xml:base=\"{}/\">", "b".repeat(900));
    let (_, size, length) =
        read(format!("<feed xmlns=\"http://www.w3.org/2005/Atom\">{}{}</feed>", base.repeat(40), entries(400)));
    assert!(size <= 4 * length, "{size} bytes of drafts of {length}");
    let links = "<a href='1'>甲</a>".repeat(4000);
    let (_, size, length) = read(format!(
        "<rss><channel><item xml:base=\"{}/\"><title>标题标题</title><description><![CDATA[{links}]]></description></item></channel></rss>",
        "b".repeat(900)
    ));
    assert!(size <= 6 * length, "{size} bytes of drafts of {length}");
}

/// The most memory that this process has had, in MiB.
fn peak() -> u64 {
    status("VmHWM:") / 1024
}

/// A line of the status of this process, in KiB.
fn status(name: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

#[test]
fn selectors_on_many_rows_cost_no_more_than_the_rows() {
    let rows = "<li><a href=\"/a\">标题标题标题标题</a></li>";
    for selector in ["h2 + li", "li:nth-child(2)", "li:last-child", "li ~ li", "ul li a", "li:nth-child(2) a"] {
        let mut spent = Vec::new();
        for count in [4000, 8000] {
            let body = format!("<html><body><ul>{}</ul></body></html>", rows.repeat(count)).into_bytes();
            let page = Page { url: Link::parse("http://a.cn/").unwrap(), content_type: None, body };
            let mut rules = Rules { kind: Kind::List, ..Rules::default() };
            rules.list.item = Some(Selector::parse(selector).unwrap());
            spent.push(read::read(&page, &rules, Moment::from_seconds(1_678_330_000)).work);
        }
        assert!(ratio(spent[1], spent[0]) <= 2.2, "{selector}: {spent:?}");
    }
}

fn ratio(now: u64, before: u64) -> f64 {
    f64::from(u32::try_from(now / 100).unwrap_or(u32::MAX))
        / f64::from(u32::try_from(before / 100).unwrap_or(u32::MAX).max(1))
}

/// The CPU time of this process in milliseconds.
fn cpu() -> u64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<u64> =
        text.rsplit(')').next().unwrap().split_whitespace().skip(11).take(2).map(|n| n.parse().unwrap()).collect();
    fields.iter().sum::<u64>() * 10
}
