//! Tests of the search over a log and its view.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;

use super::{Filters, Follower, Metrics, Options, Order, Query, Results, SearchIndex};
use crate::log::{Log, Record, SourceFacts};
use crate::model::{
    Authority, Draft, ItemId, Key, Moment, Precision, RegionId, Regions, Report, SourceId, Stamp, Zone, simplify,
};
use crate::regions::Places;
use crate::view::{self, View};

const NOW: Moment = Moment::from_seconds(1_775_000_000);

/// A store with its index.
struct Store {
    folder: tempfile::TempDir,
    regions: Arc<Regions>,
    follower: Follower,
}

fn regions() -> Arc<Regions> {
    Arc::new(Regions::new(true, Vec::new(), Vec::new(), Vec::new()).unwrap())
}

fn index(folder: &Path, regions: &Arc<Regions>) -> Arc<SearchIndex> {
    let options = Options { folder: folder.join("search") };
    Arc::new(SearchIndex::new(options, Arc::clone(regions), Metrics::default()))
}

impl Store {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let regions = regions();
        let log = Arc::new(Log::open(&folder.path().join("log")).unwrap().0);
        let path = folder.path().join("view");
        let options = view::Options { path, rules: String::new(), places: Arc::new(Places::new(&regions)) };
        let (view, _) = View::open(&options, Arc::clone(&log), &|_| {}).unwrap();
        let follower = Follower { index: index(folder.path(), &regions), log, view: Arc::new(view) };
        Self { folder, regions, follower }
    }

    fn say(&self, records: &[Record]) {
        let appended = self.follower.log.append(records, NOW).unwrap();
        self.follower.view.apply(&appended, records).unwrap();
    }

    /// Forgets what is in memory, as a kill does, and opens the index again.
    fn restart(&mut self) {
        self.follower.index = index(self.folder.path(), &self.regions);
    }

    fn find(&self, query: &str, filters: &Filters, order: Order, most: usize) -> Results {
        let Follower { index, log, view } = &self.follower;
        index.find((log, view, &self.regions), (&Query::parse(query), filters, order), None, most).unwrap()
    }

    fn titles(&self, query: &str) -> Vec<String> {
        let found = self.find(query, &Filters::default(), Order::Newest, 100_000).found;
        found.iter().map(|found| self.title(found.position)).collect()
    }

    fn title(&self, position: crate::log::Position) -> String {
        let Record::Report(report) = self.follower.log.read(position).unwrap() else { return String::new() };
        report.draft.title
    }

    /// The names of the files of the index.
    fn files(&self) -> Vec<std::path::PathBuf> {
        let entries = std::fs::read_dir(self.folder.path().join("search")).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect()
    }
}

fn source(id: &str, region: &str) -> Record {
    Record::Source(SourceFacts {
        id: SourceId::new(id).unwrap(),
        title: id.to_owned(),
        link: format!("https://{id}.example.org/"),
        region: RegionId::new(region).unwrap(),
        authority: Authority::Media,
        zone: Zone::shanghai(),
        rights: None,
        was: Vec::new(),
        alerts_for: Vec::new(),
        at: NOW,
    })
}

fn report(source: &str, key: &str, draft: Draft) -> Record {
    let source = SourceId::new(source).unwrap();
    let link = format!("https://{source}.example.org/{key}");
    let key = Key::from_text(key.to_owned());
    let item = ItemId::of(&source, &key);
    let draft = Draft { link: Some(link), ..draft };
    Record::Report(Box::new(Report { item, key, source, seen: NOW, reader: 1, first_import: true, draft }))
}

fn day(text: &str) -> Moment {
    Moment::from_rfc3339(&format!("{text}T00:00:00+08:00")).unwrap()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().map(text).collect()
}

/// The items of the fixture, by title.
fn fixture(store: &Store) -> (Value, HashMap<String, String>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/search.json");
    let fixture: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let sources = fixture["sources"].as_array().unwrap();
    store.say(&sources.iter().map(|known| source(&text(&known["id"]), &text(&known["region"]))).collect::<Vec<_>>());
    let mut ids = HashMap::new();
    for item in fixture["items"].as_array().unwrap() {
        ids.insert(text(&item["title"]), text(&item["id"]));
        let at = day(&text(&item["published"]));
        let draft = Draft {
            title: text(&item["title"]),
            text: text(&item["text"]),
            summary: text(&item["summary"]),
            categories: texts(&item["topics"]),
            published: Some(Stamp { at, precision: Precision::Day, offset: 28_800 }),
            ..Draft::default()
        };
        store.say(&[report(&text(&item["source"]), &text(&item["id"]), draft)]);
    }
    (fixture, ids)
}

#[test]
fn what_people_search_for_is_found() {
    let store = Store::new();
    let (fixture, ids) = fixture(&store);
    store.follower.catch_up().unwrap();
    let queries = fixture["queries"].as_array().unwrap();
    assert!(queries.len() >= 60);
    let mut wrong = Vec::new();
    for query in queries {
        let region = query["region"].as_str().map(|id| RegionId::new(id).unwrap());
        let topic = query["topic"].as_str().map(str::to_owned);
        let of_topic = |source: &&Value| topic.as_ref().is_some_and(|topic| texts(&source["topics"]).contains(topic));
        let filters = Filters {
            region,
            source: query["source"].as_str().map(|id| SourceId::new(id).unwrap()),
            topic_sources: (fixture["sources"].as_array().unwrap().iter().filter(of_topic))
                .map(|source| SourceId::new(source["id"].as_str().unwrap()).unwrap())
                .collect(),
            topic,
            from: query["from"].as_str().map(day),
            to: query["to"].as_str().map(day),
        };
        let order = if query["sort"] == "relevance" { Order::Relevance } else { Order::Newest };
        let found = store.find(&text(&query["q"]), &filters, order, 100).found;
        let mut found: Vec<&str> = found.iter().map(|found| ids[&store.title(found.position)].as_str()).collect();
        let mut expected: Vec<&str> =
            query["found"].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
        if query["any"] == true {
            // The order is that of others.
            found.sort_unstable();
            expected.sort_unstable();
        }
        if found != expected {
            wrong.push(format!("{query}\n   found {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), queries.len(), wrong.join("\n"));
}

/// A generator without a seed from outside: every run is the same (Knuth's MMIX constants).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }

    /// Characters of which some are frequent and most are not.
    fn text(&mut self, length: usize) -> String {
        let mut char = || {
            let most = if self.roll(3) == 0 { 20 } else { 900 };
            simplify(char::from_u32(0x4e00 + u32::try_from(self.roll(most)).unwrap()).unwrap())
        };
        (0..length).map(|_| char()).collect()
    }
}

/// Items with random texts, each with its number as title.
fn random(from: usize, to: usize) -> Vec<(String, Record)> {
    let item = |number: usize| {
        let text = Dice(number as u64 * 7919 + 1).text(60);
        let at = NOW.plus_seconds(-(i64::try_from(number * 7919 % 5000).unwrap()) * 600);
        let draft = Draft {
            title: format!("n{number}"),
            text: text.clone(),
            published: Some(Stamp { at, precision: Precision::Second, offset: 28_800 }),
            ..Draft::default()
        };
        (text, report(["a", "b", "c"][number % 3], &number.to_string(), draft))
    };
    (from..to).map(item).collect()
}

fn fill(store: &Store, texts: &mut Vec<String>, to: usize) {
    let (new, records): (Vec<String>, Vec<Record>) = random(texts.len(), to).into_iter().unzip();
    store.say(&records);
    texts.extend(new);
}

/// Compares what is found for parts of the texts with what a look at all texts finds.
fn check(store: &Store, texts: &[String], dice: &mut Dice, queries: usize) {
    for _ in 0..queries {
        let chars: Vec<char> = texts[dice.roll(texts.len())].chars().collect();
        let length = 1 + dice.roll(5);
        let at = dice.roll(chars.len() - length);
        let part: String = chars[at..at + length].iter().collect();
        let expected = texts.iter().filter(|text| text.contains(&part)).count();
        let mut found = store.titles(&part);
        assert_eq!(found.len(), expected, "{part}");
        found.sort_unstable();
        found.dedup();
        assert_eq!(found.len(), expected, "{part}: found twice");
        let number = |title: &String| title.trim_start_matches('n').parse::<usize>().unwrap();
        let is_right = |title: &String| texts[number(title)].contains(&part);
        assert!(found.iter().all(is_right), "{part}");
    }
}

fn sources() -> [Record; 3] {
    ["a", "b", "c"].map(|id| source(id, "140300"))
}

#[test]
fn no_part_of_any_text_is_missed_however_segments_are_merged() {
    let mut store = Store::new();
    store.say(&sources());
    let (mut texts, mut dice) = (Vec::new(), Dice(1));
    for to in [1, 2, 17, 300, 600, 4500, 4501, 17_000] {
        fill(&store, &mut texts, to);
        store.follower.catch_up().unwrap();
        check(&store, &texts, &mut dice, 25);
    }
    assert!(!store.files().is_empty());
    store.restart();
    store.follower.catch_up().unwrap();
    check(&store, &texts, &mut dice, 40);
}

#[test]
fn pages_of_results_are_one_list() {
    let store = Store::new();
    store.say(&sources());
    let mut texts = Vec::new();
    fill(&store, &mut texts, 2000);
    store.follower.catch_up().unwrap();
    let Follower { index, log, view } = &store.follower;
    for (query, order) in [("一", Order::Newest), ("丁七", Order::Newest), ("一", Order::Relevance)] {
        let query = Query::parse(query);
        let ask = |after, most| {
            let asked = (&query, &Filters::default(), order);
            index.find((log, view, &store.regions), asked, after, most).unwrap()
        };
        let whole = ask(None, 10_000).found;
        let (mut pages, mut after) = (Vec::new(), None);
        loop {
            let page = ask(after, 7);
            pages.extend(page.found);
            after = page.next.map(|place| super::Place::parse(&place.to_string()).unwrap());
            if after.is_none() {
                break;
            }
        }
        assert!(whole.len() > 10);
        assert_eq!(pages, whole);
    }
}

#[test]
fn q1_what_is_withdrawn_is_not_found_and_what_is_restored_is() {
    let store = Store::new();
    let _ids = fixture(&store);
    store.follower.catch_up().unwrap();
    let found = store.find("创卫", &Filters::default(), Order::Newest, 10).found;
    let item = store.follower.view.id_of(found[0].story).unwrap();
    store.say(&[Record::Withdraw { item, reason: "a test".to_owned(), public_reason: None, at: NOW }]);
    assert_eq!(store.titles("创卫").len(), 0, "at once, whatever the index does");
    store.say(&[Record::Restore { item, at: NOW }]);
    assert_eq!(store.titles("创卫").len(), 1);
}

#[test]
fn q2_an_item_that_changed_is_found_by_its_new_text_alone() {
    let store = Store::new();
    store.say(&sources());
    let draft = |text: &str| Draft { title: "通知".to_owned(), text: text.to_owned(), ..Draft::default() };
    store.say(&[report("a", "1", draft("停水时间为三月三日，请居民提前储水，给您带来不便敬请谅解。"))]);
    store.follower.catch_up().unwrap();
    assert_eq!(store.titles("三日").len(), 1);
    store.say(&[report("a", "1", draft("停水时间为三月四日，请居民提前储水，给您带来不便敬请谅解。"))]);
    assert_eq!(store.titles("三日").len(), 0, "the old text is not found while the new one is not indexed");
    store.follower.catch_up().unwrap();
    assert_eq!((store.titles("三日").len(), store.titles("四日").len()), (0, 1));
}

#[test]
fn q3_items_follow_a_source_that_is_moved_to_another_region() {
    let store = Store::new();
    store.say(&[source("a", "140300")]);
    let draft =
        Draft { title: "春季运动会".to_owned(), text: "操场上热闹非凡。".to_owned(), ..Draft::default() };
    store.say(&[report("a", "1", draft)]);
    store.follower.catch_up().unwrap();
    let found = |region: &str| {
        let filters = Filters { region: Some(RegionId::new(region).unwrap()), ..Filters::default() };
        store.find("运动会", &filters, Order::Newest, 10).found.len()
    };
    assert_eq!((found("140300"), found("140000"), found("331000")), (1, 1, 0));
    store.say(&[source("a", "331000")]);
    store.follower.catch_up().unwrap();
    assert_eq!((found("140300"), found("140000"), found("331000"), found("330000")), (0, 0, 1, 1));
}

#[test]
fn what_no_page_of_the_site_lists_is_not_found() {
    let store = Store::new();
    store.say(&[source("a", "140300"), source("b", "331000")]);
    let draft = |title: &str| Draft { title: title.to_owned(), text: "停水".to_owned(), ..Draft::default() };
    store.say(&[report("a", "1", draft("学校放假通知")), report("b", "1", draft("码头检修公告"))]);
    store.follower.catch_up().unwrap();
    assert_eq!(store.titles("停水").len(), 2);
    let limited = Regions::new(true, vec![], vec![RegionId::new("140000").unwrap()], vec![]).unwrap();
    let Follower { index, log, view } = &store.follower;
    let asked = (&Query::parse("停水"), &Filters::default(), Order::Newest);
    let found = index.find((log, view, &limited), asked, None, 10).unwrap().found;
    assert_eq!(found.iter().map(|found| store.title(found.position)).collect::<Vec<_>>(), ["学校放假通知"]);
}

#[test]
fn q4_no_flipped_bit_and_no_lost_file_changes_an_answer() {
    let mut store = Store::new();
    store.say(&sources());
    let (mut texts, mut dice) = (Vec::new(), Dice(2));
    for to in (0..=2400).step_by(100) {
        fill(&store, &mut texts, to);
        store.follower.catch_up().unwrap();
    }
    assert!(!store.files().is_empty());
    let flips: usize = std::env::var("DAYUAN_FLIPS").ok().and_then(|number| number.parse().ok()).unwrap_or(8);
    for flip in 0..flips {
        while store.files().is_empty() {
            let more = texts.len() + 100;
            fill(&store, &mut texts, more);
            store.follower.catch_up().unwrap();
        }
        let files = store.files();
        let path = &files[dice.roll(files.len())];
        if flip % 8 == 7 {
            std::fs::remove_file(path).unwrap();
        } else {
            let mut bytes = std::fs::read(path).unwrap();
            let bit = dice.roll(bytes.len() * 8);
            bytes[bit / 8] ^= 1 << (bit % 8);
            // In place: the index has it open.
            std::fs::write(path, bytes).unwrap();
        }
        if flip % 2 == 1 {
            store.restart();
        }
        store.follower.catch_up().unwrap();
        for _ in 0..30 {
            let chars: Vec<char> = texts[dice.roll(texts.len())].chars().collect();
            let at = dice.roll(chars.len() - 3);
            let part: String = chars[at..at + 2 + dice.roll(2)].iter().collect();
            let Follower { index, log, view } = &store.follower;
            let asked = (&Query::parse(&part), &Filters::default(), Order::Newest);
            let expected = texts.iter().filter(|text| text.contains(&part)).count();
            let ask = || index.find((log, view, &store.regions), asked, None, 10_000);
            // An index that is noticed to be damaged does not answer; when it is made anew, it does.
            let found = ask().unwrap_or_else(|_damaged| {
                assert!(!index.is_complete());
                store.follower.catch_up().unwrap();
                ask().unwrap()
            });
            assert_eq!(found.found.len(), expected, "flip {flip}, {part}");
        }
    }
}

#[test]
fn q5_hostile_texts_cost_no_more_than_their_length() {
    let store = Store::new();
    store.say(&sources());
    let chars: String =
        (0..3_000_000_u32).filter_map(|at| char::from_u32(0x4e00 + at.wrapping_mul(2_654_435_761) % 20_900)).collect();
    let draft = Draft { title: "长".to_owned(), text: chars, ..Draft::default() }.bounded();
    let began = std::time::Instant::now();
    store.say(&[report("a", "1", draft)]);
    store.follower.catch_up().unwrap();
    let size: u64 = store.follower.index.segments().iter().map(|segment| segment.size()).sum();
    assert!(size < 128 * 1024, "{size} bytes of index for one item");
    let query: String = "字典".repeat(100_000);
    assert_eq!(store.titles(&query).len(), 0);
    let many: String = (0..100_000).map(|at| format!("\"a{at} b\" -c{at} ")).collect();
    assert_eq!(store.titles(&many).len(), 0);
    assert!(began.elapsed().as_secs() < 20);
}

#[test]
fn excerpts_show_what_was_found() {
    let store = Store::new();
    let check = |query: &str, text: &str, expected: &str| {
        let draft = Draft { title: "标题".to_owned(), text: text.to_owned(), ..Draft::default() };
        let (_, pieces) = SearchIndex::excerpt(&store.follower.view, &Query::parse(query), &draft, 12);
        let mark = |piece: super::Piece| if piece.is_hit { format!("[{}]", piece.text) } else { piece.text };
        assert_eq!(pieces.into_iter().map(mark).collect::<String>(), expected, "{query}");
    };
    check("创卫", "阳泉创卫", "阳泉[创卫]");
    check("創衛", "阳泉创卫。", "阳泉[创卫]。");
    check("停水", "一二三四五六七八九十停水一二三四五六七八九十", "…六七八九十[停水]一二三四五…");
    check("没有", "一二三", "一二三");
    check("yangquan", "到阳泉来", "到[阳泉]来");
    check("通知", "通　知：停水", "[通　知]：停水");
    check("council", "The City Council", "…City [Council]");
    check("停水 储水", "停水，请储水。", "[停水]，请[储水]。");
}

#[test]
fn q5_texts_of_one_source_that_only_look_like_it_hide_nothing_of_others() {
    let store = Store::new();
    store.say(&sources());
    let item = |source: &str, key: String, title: String, text: &str, ago: i64| {
        let published = Some(Stamp { at: NOW.plus_seconds(-ago), precision: Precision::Second, offset: 28_800 });
        report(source, &key, Draft { title, text: text.to_owned(), published, ..Draft::default() })
    };
    let [older, oldest] = [(9000, "a"), (9001, "b")];
    let real = |(ago, source): (i64, &str)| item(source, format!("r{ago}"), format!("停水通知{ago}"), "", ago);
    store.say(&[real(older), real(oldest)]);
    let mut dice = Dice(3);
    let bait = |at: i64| item("a", at.to_string(), dice.text(12), "停水，水通，通知", at);
    store.say(&(0..2100).map(bait).collect::<Vec<_>>());
    store.follower.catch_up().unwrap();
    let found = |results: &Results| results.found.iter().map(|found| store.title(found.position)).collect::<Vec<_>>();
    let any = Filters::default();
    assert_eq!(found(&store.find("停水通知", &any, Order::Newest, 50)), ["停水通知9001"], "only it is hurt itself");
    // Of what is wanted of the source alone, pages go on to the end.
    let Follower { index, log, view } = &store.follower;
    let filters = Filters { source: SourceId::new("a").ok(), ..Filters::default() };
    let asked = (&Query::parse("停水通知"), &filters, Order::Newest);
    let first = index.find((log, view, &store.regions), asked, None, 50).unwrap();
    assert!(first.found.is_empty() && first.next.is_some());
    let second = index.find((log, view, &store.regions), asked, first.next, 50).unwrap();
    assert_eq!(found(&second), ["停水通知9000"]);
    // What is asked of stories counts like texts.
    let asks = std::cell::Cell::new(0);
    let is_wanted = |_| {
        asks.set(asks.get() + 1);
        false
    };
    let asked = (&Query::parse("停水"), &any, Order::Newest);
    let none = index.find_those((log, view, &store.regions), asked, None, 50, Some(&is_wanted)).unwrap();
    assert!(none.found.is_empty() && asks.get() <= 501, "{}", asks.get());
    let next = none.next.expect("it goes on with what was passed over");
    let again = index.find((log, view, &store.regions), asked, Some(next), 5000).unwrap();
    assert_eq!(again.found.len(), 2100 + 2 - 500);
}
