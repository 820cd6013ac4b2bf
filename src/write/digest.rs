//! Renders how the sources fared as a feed: an entry when a source falls ill or recovers, and one for each week.

use atom_syndication as atom;

use super::clean;
use super::frame::Page;
use super::words::Language;
use crate::model::{Chronicle, Condition, ItemId, Key, Moment, Turn, Week};

/// Path of the feed.
pub(super) const PATH: &str = "/sources/digest.xml";

/// Renders the feed (RFC 4287), newest entry first. The same chronicle gives the same bytes. `root` is the base URL of the
/// site.
pub fn digest(page: &Page<'_>, root: &str, chronicle: &Chronicle) -> Vec<u8> {
    let turns = chronicle.turns.iter().map(|turn| (turn.at, of_turn(page, root, turn)));
    let weeks = chronicle.weeks.iter().map(|week| (week.ended, of_week(page, root, week)));
    let mut entries: Vec<(Moment, atom::Entry)> = weeks.chain(turns).collect();
    // Of what was seen at one time, each keeps its place.
    entries.sort_by(|(a, one), (b, other)| (b, &one.id).cmp(&(a, &other.id)));
    let feed = atom::Feed {
        title: atom::Text::plain(clean::xml(&match page.language {
            Language::Chinese => format!("来源周报 · {}", page.site),
            Language::English => format!("How the sources fare · {}", page.site),
        })),
        id: format!("{root}{PATH}"),
        updated: date(chronicle.changed()),
        authors: person(page.site),
        links: vec![
            link("self", format!("{root}{PATH}"), Some("application/atom+xml")),
            link("alternate", format!("{root}/sources"), Some("text/html")),
        ],
        entries: entries.into_iter().map(|(_, entry)| entry).collect(),
        lang: Some(page.language.tag().to_owned()),
        ..atom::Feed::default()
    };
    // Writing to memory cannot fail; if it did, every reader would get an empty document.
    clean::styled(feed.write_to(Vec::new()).unwrap_or_default(), root)
}

fn of_turn(page: &Page<'_>, root: &str, turn: &Turn) -> atom::Entry {
    let Condition { source, title, health, reason, .. } = &turn.condition;
    let word = page.language.words().health(*health);
    let title = match (page.language, turn.is_ill) {
        (Language::Chinese, true) => format!("{title}：{word}"),
        (Language::Chinese, false) => format!("{title}：恢复，现在{word}"),
        (Language::English, true) => format!("{title}: {word}"),
        (Language::English, false) => format!("{title}: recovered, now {word}"),
    };
    let key = Key::from_text(format!("turn {} {}", turn.is_ill, turn.at.millis()));
    atom::Entry {
        links: vec![link("alternate", format!("{root}/sources#{source}"), Some("text/html"))],
        summary: (!reason.is_empty()).then(|| atom::Text::plain(clean::xml(reason))),
        ..entry(page, &title, ItemId::of(source, &key).urn(), turn.at)
    }
}

fn of_week(page: &Page<'_>, root: &str, week: &Week) -> atom::Entry {
    let days = |moment: Moment| moment.to_the_minute(page.zone).chars().take(10).collect::<String>();
    let (from, to) = (days(week.began), days(week.ended.plus_seconds(-1)));
    let ill = week.ill.len() + usize::try_from(week.more).unwrap_or(0);
    let (title, lead, more) = match page.language {
        Language::Chinese => (
            format!("{from} 至 {to}：{} 个来源中有 {ill} 个不正常", week.sources),
            format!("这一周有 {} 个来源出了问题，{} 个恢复。", week.fell, week.recovered),
            format!("另有 {} 个。", week.more),
        ),
        Language::English => (
            format!("{from} to {to}: {ill} of {} sources fare badly", week.sources),
            format!("In this week {} fell ill and {} recovered.", week.fell, week.recovered),
            format!("And {} more.", week.more),
        ),
    };
    let mut html = format!("<p>{}</p>", clean::escape(&lead));
    if !week.ill.is_empty() {
        let row = |condition: &Condition| {
            let word = page.language.words().health(condition.health);
            let reason = if condition.reason.is_empty() { String::new() } else { format!(": {}", condition.reason) };
            let told = format!("{} ({}) {word}, {}{reason}", condition.title, condition.source, days(condition.since));
            format!("<li>{}</li>", clean::escape(&told))
        };
        html.push_str(&format!("<ul>{}</ul>", week.ill.iter().map(row).collect::<String>()));
    }
    if week.more > 0 {
        html.push_str(&format!("<p>{}</p>", clean::escape(&more)));
    }
    atom::Entry {
        links: vec![link("alternate", format!("{root}/sources"), Some("text/html"))],
        content: Some(atom::Content {
            value: Some(clean::xml(&html)),
            content_type: Some("html".to_owned()),
            ..atom::Content::default()
        }),
        ..entry(page, &title, format!("{root}{PATH}#{from}"), week.ended)
    }
}

fn entry(page: &Page<'_>, title: &str, id: String, at: Moment) -> atom::Entry {
    atom::Entry {
        title: atom::Text::plain(clean::xml(title)),
        id,
        updated: date(at),
        published: Some(date(at)),
        authors: person(page.site),
        ..atom::Entry::default()
    }
}

fn link(rel: &str, href: String, media_type: Option<&str>) -> atom::Link {
    atom::Link {
        href: clean::xml(&href),
        rel: rel.to_owned(),
        mime_type: media_type.map(str::to_owned),
        ..atom::Link::default()
    }
}

fn date(at: Moment) -> chrono::DateTime<chrono::FixedOffset> {
    chrono::DateTime::from_timestamp_millis(at.millis()).unwrap_or_default().fixed_offset()
}

fn person(name: &str) -> Vec<atom::Person> {
    vec![atom::Person { name: clean::xml(name), ..atom::Person::default() }]
}
