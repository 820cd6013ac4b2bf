//! What an entry tells beside its text.

use super::http::{Reply, Site, get, request};
use super::installation::{Installation, source};

const BODY: &str = "<?xml version=\"1.0\"?><rss version=\"2.0\" xmlns:slash=\"http://purl.org/rss/1.0/modules/slash/\" xmlns:content=\"http://purl.org/rss/1.0/modules/content/\"><channel><title>x</title>
<item><guid>1</guid><link>/a/1</link><title>带图的消息</title><description>一。</description><comments>http://talk.example.cn/1</comments><slash:comments>12</slash:comments>
<content:encoded><![CDATA[<p>一。</p><p><img src=\"/p/1.jpg\" alt=\"\"></p>]]></content:encoded></item>
<item><guid>2</guid><link>/a/2</link><title>附图的消息</title><description>二。</description>
<enclosure url=\"https://img.example.cn/2.png\" type=\"image/png\" length=\"5\"/></item></channel></rss>";

#[test]
fn pictures_places_regions_and_origin_are_told() {
    let site = Site::new(146, |_| Reply::ok(BODY.to_owned()));
    let list = source("gov", "140300", &site.url("/feed")) + "content = \"full\"\nrights_basis = \"自己的内容\"\n";
    let installation = Installation::new(&list);
    let regions = installation.config().join("regions.toml");
    let text = std::fs::read_to_string(&regions).unwrap();
    std::fs::write(&regions, text.replace("slug =", "point = [37.857, 113.581]\nslug =")).unwrap();
    let daemon = installation.start();
    let items = daemon.until_items("140300", 2);
    let images: Vec<&str> = items.iter().map(|item| item["image"].as_str().unwrap()).collect();
    assert!(images.contains(&"https://img.example.cn/2.png"), "{images:?}");
    assert!(images.contains(&site.url("/p/1.jpg").as_str()), "{images:?}");
    assert_eq!(items[0]["_dayuan"]["point"], "37.857 113.581");
    let root = format!("http://{}", daemon.address);
    let atom = get(daemon.address, "/regions/140300/atom.xml").text();
    for expected in [
        "<?xml-stylesheet type=\"text/css\" href=\"/feed.css\"?>".to_owned(),
        format!("<media:thumbnail url=\"{}\">", site.url("/p/1.jpg")),
        "<georss:point>37.857 113.581</georss:point>".to_owned(),
        format!("<category term=\"140300\" scheme=\"{root}/regions\" label=\"阳泉市\"/>"),
        format!("<link href=\"{}\" rel=\"self\"/>", site.url("/feed")),
        format!("<link href=\"{}\" rel=\"alternate\" type=\"text/html\"/>", site.url("/")),
    ] {
        assert!(atom.contains(&expected), "{expected}\n{atom}");
    }
    assert_eq!(atom.matches("本站页面").count(), 2, "once in each text: {atom}");
    let rss = get(daemon.address, "/regions/140300/rss.xml").text();
    assert!(rss.contains(&format!("<category domain=\"{root}/regions\">阳泉市</category>")), "{rss}");
    assert!(rss.contains("<slash:comments>12</slash:comments>") && atom.contains("<thr:total>12</thr:total>"), "{rss}");
    assert!(rss.contains("<media:content medium=\"image\" url="), "{rss}");
    let style = get(daemon.address, "/feed.css");
    assert!(style.status == 200 && style.header("content-type").starts_with("text/css"));
    let opened = request(daemon.address, "GET", "/regions/140300/atom.xml", &[("sec-fetch-dest", "document")]);
    assert!(opened.header("content-type").starts_with("application/xml"), "{}", opened.header("content-type"));
    assert!(opened.header("content-security-policy").contains("default-src 'none'"));
    let settings = installation.config().join("dayuan.toml");
    let text = std::fs::read_to_string(&settings).unwrap();
    std::fs::write(&settings, text + "[publish]\nfooter = false\n").unwrap();
    assert!(installation.run(&["reload"]).status.success());
    assert!(!get(daemon.address, "/regions/140300/atom.xml").text().contains("本站页面"));
    let opml = get(daemon.address, "/opml.xml").text();
    assert!(opml.contains(&format!("xmlUrl=\"{root}/regions/140300/atom.xml\"")), "{opml}");
    assert_eq!(opml.matches("<outline text=").count(), opml.matches("</outline>").count(), "{opml}");
}
