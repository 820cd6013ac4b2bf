//! Hostile documents (X01 to X06 of the fault list): read, or refused with a word; never a panic, never for long.

#![expect(clippy::unwrap_used, reason = "a test ends with its first surprise")]

use dayuan::model::{Link, Moment, Page};
use dayuan::read::{self, FaultKind, Reading, Rules};

const NOW: Moment = Moment::from_seconds(1_678_330_000);

fn read(body: impl Into<Vec<u8>>) -> Reading {
    let page = Page { url: Link::parse("http://example.org/feed").unwrap(), content_type: None, body: body.into() };
    read::read(&page, &Rules::default(), NOW)
}

fn rss(inside: &str) -> String {
    format!("<?xml version=\"1.0\"?><rss version=\"2.0\"><channel><title>x</title>{inside}</channel></rss>")
}

fn seeds() -> Vec<Vec<u8>> {
    ["atom-xhtml-content.xml", "gbk-declared-nothing.xml", "entities-that-explode.xml", "cdf.xml", "rdf-with-about.xml"]
        .iter()
        .map(|name| std::fs::read(format!("{}/tests/fixtures/feeds/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap())
        .collect()
}

#[test]
fn x01_entities_are_never_expanded_into_more() {
    let reading = read(seeds()[2].clone());
    assert_eq!(reading.drafts[0].title, "关于南大街封闭的通告");
    let parameter = "<?xml version=\"1.0\"?><!DOCTYPE r [<!ENTITY % p \"<!ENTITY x 'y'>\">%p;]><rss><item><title>a&x;b</title></item></rss>";
    assert!(!read(parameter).drafts[0].title.contains('y'));
    let huge =
        format!("<!DOCTYPE r [{}]>{}", "<!ENTITY a \"b\">".repeat(700_000), rss("<item><title>t</title></item>"));
    assert_eq!(read(huge).drafts.len(), 1);
}

#[test]
fn x02_attributes_without_end() {
    for attribute in [" a=1", " xmlns:a=\"b\""] {
        let reading = read(format!("<rss{}><item><title>t</title></item></rss>", attribute.repeat(800_000)));
        assert_eq!(reading.drafts.len(), 1);
    }
}

#[test]
fn x03_nesting_is_refused_with_a_word() {
    for levels in [2_500, 100_000, 1_000_000] {
        for (head, tail) in [
            ("<rss><channel><item>", ""),
            ("<rss><channel>", "<item/>"),
            ("<feed xmlns=\"http://www.w3.org/2005/Atom\"><entry>", ""),
        ] {
            let reading = read(format!("{head}{}{tail}", "<x:a>".repeat(levels)));
            assert_eq!(reading.faults[0].kind, FaultKind::TooDeep, "{levels} in {head}");
            assert!(reading.drafts.is_empty());
        }
    }
}

#[test]
fn x04_long_texts_and_many_labels_are_cut() {
    let title = "题".repeat(1 << 18);
    let text = "x".repeat(8 << 20);
    let labels: String = (0..100_000).map(|number| format!("<category>c{number}</category>")).collect();
    let reading = read(rss(&format!("<item><title>{title}</title><description>{text}</description>{labels}</item>")));
    let draft = &reading.drafts[0];
    assert_eq!((draft.title.chars().count(), draft.text.len(), draft.categories.len()), (512, 256 * 1024, 32));
}

#[test]
fn x05_cut_off_at_every_byte_and_one_byte_wrong_everywhere() {
    let mut cases = 0;
    for seed in seeds() {
        for at in 0..seed.len() {
            read(&seed[..at]);
            let mut wrong = seed.clone();
            for byte in [b'<', b'&', 0, 0xff, b'"', wrong[at].wrapping_add(1)] {
                wrong[at] = byte;
                read(wrong.clone());
            }
            cases += 7;
        }
    }
    assert!(cases > 20_000, "only {cases} cases");
}

#[test]
fn x06_what_no_charset_can_read_is_refused_as_mojibake() {
    let mut lone = rss("<item><title>t</title></item>").into_bytes();
    let at = lone.len() - 40;
    lone.splice(at..at, [0x81, 0xff].repeat(200));
    let rules = Rules { charset: Some("utf-8".to_owned()), ..Rules::default() };
    let page = Page { url: Link::parse("http://example.org/feed").unwrap(), content_type: None, body: lone };
    assert_eq!(read::read(&page, &rules, NOW).faults[0].kind, FaultKind::Mojibake);
    let overlong = rss("<item><title>a\u{fffd}b</title></item>").replace('\u{fffd}', "?").into_bytes();
    assert_eq!(read(overlong).drafts.len(), 1);
}

#[test]
fn i4_a_hundred_thousand_items_are_cut_at_five_hundred() {
    let reading = read(rss(&"<item><title>t</title><link>http://example.org/1</link></item>".repeat(100_000)));
    assert_eq!(reading.drafts.len(), read::MAX_DRAFTS);
    assert!(reading.faults.iter().any(|fault| fault.kind == FaultKind::TooMany));
}

#[test]
fn a_document_that_would_be_read_over_and_over_is_read_once() {
    for piece in ["<!-- ", "<!DOCTYPE [", "<a b=\"", "<![CDATA[", "<", "&", "</a", "<title>", "<item>", "<?", "<a:b "] {
        let text = piece.repeat(2_000_000 / piece.len());
        read(text.clone());
        read(rss(&text));
    }
}

#[test]
fn h1_pages_of_nothing_but_depth_breadth_or_breaks() {
    let rules = Rules { kind: dayuan::model::Kind::List, ..Rules::default() };
    let row = |at: usize| format!("<div><a href=\"/n/{at}.html\">一则新闻的标题文字{at}</a>");
    let pages = [
        "<div>".repeat(100_000),
        (0..20_000).map(|at| format!("<b i{at}>")).collect::<String>() + &"x</b>".repeat(20_000),
        "<table>".repeat(10_000),
        "<a href=/x>t".repeat(20_000),
        "<ul><li>".repeat(50_000),
        (0..10_000).map(row).collect(),
        format!("<div>{}</div>", "一句话，又一句。<br>".repeat(20_000)),
        "<a href=\"".repeat(50_000),
        "<".repeat(500_000),
        format!("<p>{}", "March 9, ".repeat(50_000)),
        format!("<a href=/x>{}</a>", "2023-03-09 ".repeat(50_000)),
    ];
    for body in pages {
        // What is nested too deep for the parser behind the sanitiser is shown as plain text.
        let clean = read::sanitise(&body, None);
        assert!(!clean.contains("<b>") && !clean.contains("<ul>") && !clean.contains("<table>"));
        let page =
            Page { url: Link::parse("http://example.org/").unwrap(), content_type: None, body: body.into_bytes() };
        assert!(read::read(&page, &rules, NOW).drafts.len() <= read::MAX_DRAFTS);
        let article = read::read_article(&page, &rules, NOW);
        assert!(article.draft.is_none_or(|draft| draft.text.len() <= 256 * 1024));
    }
}

#[test]
fn a_page_cut_off_anywhere() {
    for name in ["lists/cards-split-date.html", "lists/ucap.json", "lists/hanweb-inline.html", "articles/labels.html"] {
        let whole = std::fs::read(format!("{}/tests/fixtures/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap();
        for end in (0..whole.len()).step_by(3) {
            let body = whole.get(..end).unwrap().to_vec();
            let page = Page { url: Link::parse("http://example.org/").unwrap(), content_type: None, body };
            let (reading, article) =
                (read::read(&page, &Rules::default(), NOW), read::read_article(&page, &Rules::default(), NOW));
            assert!(reading.drafts.len() <= 100 && article.faults.len() <= 10, "{name} cut at {end}");
        }
    }
}

/// What any bytes must survive; the same functions that are fuzzed.
#[path = "../fuzz/src/lib.rs"]
#[expect(
    unreachable_pub,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "elsewhere it is a library, and a test ends with its first surprise"
)]
mod fuzz;

/// A target by its name.
type Target = (&'static str, fn(&[u8]));

#[test]
fn cases_that_fuzzing_found_and_its_seeds() {
    const TARGETS: [Target; 10] = [
        ("feed", fuzz::feed),
        ("list", fuzz::list),
        ("article", fuzz::article),
        ("date", fuzz::date),
        ("charset", fuzz::charset),
        ("guard", fuzz::guard),
        ("config", fuzz::config),
        ("request", fuzz::request),
        ("publish", fuzz::publish),
        ("log", fuzz::log),
    ];
    let mut tried = 0;
    for (name, target) in TARGETS {
        for kind in ["cases", "seeds"] {
            let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz").join(kind).join(name);
            for entry in std::fs::read_dir(folder).into_iter().flatten() {
                let path = entry.unwrap().path();
                println!("{}", path.display());
                target(&std::fs::read(&path).unwrap());
                tried += 1;
            }
        }
    }
    assert!(tried >= 30, "only {tried} cases");
}
