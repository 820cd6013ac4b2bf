//! The program: everything is in the library.
fn main() -> std::process::ExitCode {
    let target = std::env::args().nth(2).unwrap();
    let body = std::fs::read(&target).unwrap();
    let page = dayuan::model::Page { url: dayuan::model::Link::parse("http://held.out.example.org/feed.xml").unwrap(), content_type: None, body };
    let now = dayuan::model::Moment::from_seconds(std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() as i64);
    let reading = dayuan::read::read(&page, &Default::default(), now);
    for d in &reading.drafts {
        println!("{}", serde_json::json!({"title": d.title, "link": d.link, "guid": d.guid, "published": d.published.map(|p| p.to_string()), "updated": d.updated.map(|p| p.to_string())}));
    }
    for f in &reading.faults { eprintln!("{f:?}"); }
    if reading.drafts.is_empty() { 1.into() } else { 0.into() }
}
