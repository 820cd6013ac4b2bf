//! Tests of the view over a log.

use super::super::test_store::{NOON, TestStore, region, report, sample, source};
use super::*;
use crate::log::Line;
use crate::model::{Origin, Scope, Takedown};

#[test]
fn one_story_by_link_shows_the_report_of_its_own_site() {
    let test_store = TestStore::new();
    let (view, _) = test_store.view();
    let dirty = test_store.say(&view, &sample(), NOON);
    assert_eq!(dirty.len(), 2);
    assert_eq!(view.counts(), (3, 2));
    let here = view.timeline(&[region("140300")], None, 10, 10);
    assert_eq!(here.len(), 1);
    let story = view.story(here[0].story).unwrap();
    assert_eq!(story.shown.source.id.as_str(), "paper");
    assert_eq!(story.others.len(), 1);
    let Record::Report(first) = &sample()[2] else { panic!() };
    assert_eq!(story.id, first.item, "the older id stays");
    assert_eq!(view.timeline(&[region("140321"), region("140300")], None, 10, 10).len(), 2);
    assert_eq!(view.timeline(&[region("140321")], Some(&SourceId::new("portal").unwrap()), 10, 10).len(), 1);
}

#[test]
fn a_view_that_is_opened_anew_compares_with_the_same_texts() {
    let test_store = TestStore::new();
    let text = |day: u8| {
        format!(
            "因供热管网改造，新建北大街自十二中路口至桥头路段将于3月{day}日起临时封闭，请过往车辆绕行南大街，公交3路、15路改线运行，敬请谅解。"
        )
    };
    let (view, _) = test_store.view();
    test_store.say(&view, &sample(), NOON);
    for (number, seen) in (0..12).zip(1..) {
        let name = format!("s{number}");
        let link = format!("https://{name}.cn/1");
        let seen = NOON.plus_seconds(seen);
        test_store.say(&view, &[source(&name, &link, "140300")], seen);
        // Ten reprints of one story, one report that came without a text, and one that told another story first.
        let first = match number {
            10 => String::new(),
            11 => text(20),
            _ => text(9),
        };
        test_store.say(&view, &[report(&name, &link, "封闭通告", &first, seen)], seen);
    }
    let later = NOON.plus_seconds(7200);
    test_store.say(&view, &[report("s10", "https://s10.cn/1", "封闭通告", &text(9), later)], later);
    test_store.say(&view, &[report("s11", "https://s11.cn/1", "封闭通告", &text(21), later)], later);
    let (items, stories) = view.counts();
    assert_eq!(items - stories, 11, "ten reprints, one of them when its text came, and the story of the sample");
    view.flush().unwrap();
    let live = format!("{:?}", view.read().similar);
    drop(view);
    let (again, _) = test_store.view();
    assert_eq!(format!("{:?}", again.read().similar), live);
    assert!(again.verify().unwrap().is_well());
}

#[test]
fn the_same_log_makes_the_same_view() {
    let test_store = TestStore::new();
    let digest = {
        let (view, _) = test_store.view();
        for record in sample() {
            test_store.say(&view, &[record], NOON);
        }
        assert!(view.verify().unwrap().is_well());
        view.digest()
    };
    assert_eq!(test_store.view().0.digest(), digest, "opened again");
    assert_eq!(test_store.view().1, []);
    assert_eq!(test_store.view_by("other").1, [Notice::NewRules]);
    std::fs::remove_dir_all(test_store.folder.path().join("view")).unwrap();
    assert_eq!(test_store.view().0.digest(), digest, "made anew");
}

#[test]
fn a_damaged_store_is_set_aside_and_made_anew() {
    let test_store = TestStore::new();
    let digest = {
        let (view, _) = test_store.view();
        test_store.say(&view, &sample(), NOON);
        view.flush().unwrap();
        view.digest()
    };
    let db = test_store.folder.path().join("view/db");
    let bytes = std::fs::read(&db).unwrap();
    for at in (0..bytes.len()).step_by(bytes.len() / 40) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x10;
        std::fs::write(&db, &damaged).unwrap();
        let (view, _) = test_store.view();
        assert_eq!(view.digest(), digest, "byte {at}");
        drop(view);
        std::fs::remove_dir_all(test_store.folder.path().join("view")).unwrap();
        drop(test_store.view().0);
    }
}

/// A store that kills the process when opened is tried twice and then rebuilt, so there is no crash loop.
#[test]
fn d5_a_store_that_brings_the_process_down_is_set_aside_at_the_third_start() {
    let test_store = TestStore::new();
    let digest = {
        let (view, _) = test_store.view();
        test_store.say(&view, &sample(), NOON);
        view.digest()
    };
    let path = test_store.folder.path().join("view");
    for _ in 0..2 {
        let died = std::panic::catch_unwind(|| attempt(&path, || -> Result<(), Unusable> { panic!("down") }));
        assert!(died.is_err());
    }
    let (view, notices) = test_store.view();
    assert!(matches!(&notices[..], [Notice::SetAside { reason, .. }] if reason.contains("2 times")), "{notices:?}");
    assert_eq!(view.digest(), digest);
    drop(view);
    assert_eq!(test_store.view().1, [], "what opened well leaves no note");
    let died = std::panic::catch_unwind(|| attempt(&path, || -> Result<(), Unusable> { panic!("down") }));
    assert!(died.is_err());
    assert_eq!(test_store.view().1, [], "once may be a power cut");
}

#[test]
fn d18_a_line_taken_out_of_the_log_is_told_and_shows_no_empty_feed() {
    let test_store = TestStore::new();
    {
        let (view, _) = test_store.view();
        test_store.say(&view, &sample(), NOON);
        let more = ["a", "b", "c"].map(|name| report(name, &format!("https://{name}.cn/9"), name, "", NOON));
        test_store.say(&view, &more, NOON);
        view.flush().unwrap();
    }
    let TestStore { folder, log } = test_store;
    // The log is closed while somebody edits it.
    drop(log);
    let files = std::fs::read_dir(folder.path().join("log")).unwrap().map(|entry| entry.unwrap().path());
    let segment = files.max_by_key(|path| path.metadata().unwrap().len()).unwrap();
    let text = std::fs::read(&segment).unwrap();
    let lines: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').collect();
    std::fs::write(&segment, [&lines[..2], &lines[3..]].concat().concat()).unwrap();
    let log = std::sync::Arc::new(crate::log::Log::open(&folder.path().join("log")).unwrap().0);
    let (_, notices) = TestStore { folder, log }.view();
    assert!(notices.iter().any(|notice| matches!(notice, Notice::SetAside { .. })), "{notices:?}");
    assert!(notices.iter().any(|notice| matches!(notice, Notice::Fewer { .. })), "{notices:?}");
}

#[test]
fn a_withdrawn_story_is_hidden_with_all_that_joins_it() {
    let test_store = TestStore::new();
    let (view, _) = test_store.view();
    let records = sample();
    test_store.say(&view, &records[..3], NOON);
    let Record::Report(first) = &records[2] else { panic!() };
    test_store.say(
        &view,
        &[Record::Withdraw { item: first.item, reason: "x".into(), public_reason: None, at: NOON }],
        NOON,
    );
    test_store.say(&view, &records[3..], NOON);
    assert_eq!(view.timeline(&[region("140300")], None, 10, 10), []);
    test_store.say(&view, &[Record::Restore { item: first.item, at: NOON }], NOON);
    assert_eq!(view.timeline(&[region("140300")], None, 10, 10).len(), 1);
}

/// A takedown of a site: what it reported, what it reports later, and what others report of it there.
#[test]
fn t4_what_is_taken_down_later_reports_do_not_bring_back() {
    let test_store = TestStore::new();
    let (view, _) = test_store.view();
    let records = sample();
    test_store.say(&view, &records, NOON);
    let Record::Report(first) = &records[4] else { panic!() };
    let takedown = Takedown {
        scope: Scope::parse("host", "paper.cn").unwrap(),
        origin: Origin::Config,
        reason: "x".into(),
        public_reason: Some("y".into()),
    };
    let here = |view: &View| view.timeline(&[region("140300"), region("140321")], None, 10, 10).len();
    assert_eq!(here(&view), 2);
    let record =
        |items: Vec<ItemId>, is_whole| Record::Takedown { takedown: takedown.clone(), items, is_whole, at: NOON };
    test_store.say(&view, &[record(vec![], false), record(vec![first.item], true)], NOON);
    assert_eq!(here(&view), 1);
    assert_eq!(view.deleted(|_| true, None, NOON, 10), [(first.item, NOON)]);
    assert_eq!(view.public_reason(first.item), Some("y".to_owned()));
    let later = NOON.plus_seconds(9000);
    let more =
        ["https://paper.cn/2", "https://www.paper.cn/3"].map(|link| report("paper", link, "二", "乙丙丁", later));
    test_store.say(&view, &more, later);
    assert_eq!(here(&view), 1, "neither a change nor a new item");
    assert_eq!(view.deleted(|_| true, None, NOON, 10).len(), 1, "nobody has seen the new one");
    test_store.say(&view, &[report("portal", "https://portal.cn/9", "别处", "戊己", later)], later);
    assert_eq!(here(&view), 2, "others are not concerned");
    assert!(view.verify().unwrap().is_well());
    let digest = view.digest();
    view.flush().unwrap();
    drop(view);
    let (view, _) = test_store.view();
    assert_eq!(view.digest(), digest);
    test_store.say(&view, &[report("paper", "https://paper.cn/4", "四", "庚辛", later)], later);
    assert_eq!(here(&view), 2, "it holds after a restart");
    let lift = Record::Lift { origin: Origin::Config, scope: takedown.scope, at: later };
    test_store.say(&view, &[lift], later);
    assert_eq!((here(&view), view.deleted(|_| true, None, NOON, 10)), (5, vec![]));
    assert!(view.verify().unwrap().is_well());
}

#[test]
fn expired_days_are_forgotten_and_their_sources_are_not() {
    let test_store = TestStore::new();
    let (view, _) = test_store.view();
    test_store.say(&view, &sample(), NOON);
    let later = NOON.plus_seconds(86_400);
    let late = |title, link| report("portal", link, title, "丙", later);
    test_store.say(&view, &[late("三", "https://portal.cn/3"), late("二", "https://www.paper.cn/2")], later);
    let day = test_store.log.oldest_day().unwrap().unwrap();
    let items = view.going_with(&day);
    assert_eq!(items.len(), 1, "a reprint of later goes with its story");
    test_store.say(&view, &[Record::Expire { day: day.clone(), items, at: later }], later);
    test_store.log.drop_day(&day).unwrap();
    assert!(view.verify().unwrap().is_well(), "what is left is judged by what was known then");
    assert_eq!(view.timeline(&[region("140300")], None, 10, 10).len(), 1);
    assert_eq!(view.counts(), (1, 1));
    assert!(view.source(&SourceId::new("paper").unwrap()).is_some());
    let digest = view.digest();
    drop(view);
    assert_eq!(test_store.view().0.digest(), digest);
}

#[test]
fn a_round_up_forgets_the_parts_that_expire() {
    let test_store = TestStore::new();
    let (view, _) = test_store.view();
    let part = |name: &str| {
        format!(
            "{name}因供热管网改造，自十二中路口至桥头路段将于3月9日起临时封闭，请过往车辆绕行南大街，公交3路、15路改线运行，敬请谅解，咨询电话全天接听。"
        )
    };
    test_store.say(&view, &sample()[..2], NOON);
    let tell = |day: i64, link: &str, title: &str, text: &str| {
        let seen = NOON.plus_seconds(day * 86_400);
        test_store.say(&view, &[report("portal", link, title, text, seen)], seen);
    };
    tell(0, "https://portal.cn/1", "北大街封闭", &part("北大街"));
    let library = "市图书馆新馆周末开放到二十一时，少儿阅览区同步延长，读者凭证预约，每日限六百人，馆内新增自助借还机十二台，盲文阅览室一并开放。";
    tell(1, "https://portal.cn/2", "图书馆周末延时", library);
    tell(1, "https://portal.cn/3", "一周要闻", &format!("▶一\n{}\n▶二\n{library}", part("北大街")));
    let whole = view.timeline(&[region("140300")], None, 10, 10).into_iter().map(|entry| entry.story).max().unwrap();
    assert_eq!(view.story(whole).unwrap().parts.len(), 2);
    let day = test_store.log.oldest_day().unwrap().unwrap();
    let expire = Record::Expire { day: day.clone(), items: view.going_with(&day), at: NOON.plus_seconds(90_000) };
    test_store.say(&view, &[expire], NOON.plus_seconds(90_000));
    test_store.log.drop_day(&day).unwrap();
    assert_eq!(view.story(whole).unwrap().parts.len(), 1);
    assert!(view.verify().unwrap().is_well());
}

#[test]
fn updated_is_never_given_twice() {
    let test_store = TestStore::new();
    let (view, _) = test_store.view();
    test_store.say(&view, &sample(), NOON);
    let all = view.timeline(&[region("140300"), region("140321")], None, 10, 10);
    let mut updated: Vec<Moment> = all.iter().map(|entry| view.story(entry.story).unwrap().updated).collect();
    updated.dedup();
    assert_eq!(updated.len(), 2);
}

#[test]
fn a_report_of_three_stories_makes_them_one() {
    let test_store = TestStore::new();
    let (view, _) = test_store.view();
    let text = "因供热管网改造，新建北大街自十二中路口至桥头路段将于3月9日起临时封闭，请过往车辆绕行南大街，公交3路、15路改线运行，敬请谅解。";
    let sources = ["a", "b", "c", "d"].map(|name| source(name, &format!("https://{name}.cn/feed"), "140300"));
    test_store.say(&view, &sources, NOON);
    let tell = |name: &str, seen: i64, credited: Option<&str>| {
        let seen = NOON.plus_seconds(seen);
        let Record::Report(mut report) = report(name, &format!("https://{name}.cn/1"), "封闭通告", text, seen)
        else {
            panic!()
        };
        report.draft.credit =
            credited.map(|link| crate::model::Credit { name: String::new(), link: Some(link.to_owned()) });
        let item = report.item;
        test_store.say(&view, &[Record::Report(report)], seen);
        item
    };
    // While they are gone nobody joins them, so the same text is three stories.
    let gone = ["a", "b"].map(|name| {
        let item = tell(name, 0, None);
        test_store.say(&view, &[Record::Gone { item, at: NOON }], NOON);
        item
    });
    let newest = tell("c", 3, None);
    let back = gone.map(|item| Record::Back { item, at: NOON });
    test_store.say(&view, &back, NOON);
    assert_eq!(view.counts(), (3, 3));
    let last = tell("d", 20, Some("https://c.cn/1"));
    assert_eq!(view.counts(), (4, 1));
    let story = view.story(view.find(last).unwrap()).unwrap();
    assert_eq!((story.id, story.others.len()), (gone[0], 3));
    assert_eq!(view.find(newest), view.find(last));
    assert!(view.verify().unwrap().is_well());
}

/// What two nodes found at the same time, each in ignorance of the other: the same item of the same source, the same story
/// from two sources, and a change that one of them saw twice.
fn polls_of_two_nodes() -> [Vec<Vec<Record>>; 2] {
    let text =
        |street: &str| format!("因供热管网改造，{street}路段将于3月9日起临时封闭，请过往车辆绕行南大街，敬请谅解。");
    let told = |name: &str, number: u32, text: &str, seconds: i64| {
        let link = format!("https://{name}.cn/{number}");
        report(name, &link, "封闭通告", text, NOON.plus_seconds(seconds))
    };
    let one = vec![
        vec![source("portal", "https://portal.cn/feed", "140300")],
        vec![told("portal", 1, &text("新建北大街"), 1), told("portal", 2, &text("学府街"), 1)],
        vec![told("portal", 2, &text("学府东街"), 400)],
    ];
    let two = vec![
        vec![source("paper", "https://paper.cn/feed", "140321")],
        vec![told("portal", 1, &text("新建北大街"), 2), told("paper", 1, &text("新建北大街"), 2)],
        vec![told("portal", 2, &text("学府东街"), 401), told("paper", 2, &text("学府东街"), 401)],
    ];
    [one, two]
}

#[test]
fn nodes_that_take_turns_in_one_log_have_one_view() {
    let [one, two] = polls_of_two_nodes();
    // Every order in which the polls of two nodes can reach the log.
    let turns = (0_u8..1 << 6).filter(|turns| turns.count_ones() == 3);
    for turns in turns {
        let (first, second) = (TestStore::new(), TestStore::new());
        let ((here, _), (there, _)) = (first.view(), second.view());
        let (mut one, mut two) = (one.iter(), two.iter());
        for turn in 0..6 {
            let poll = if turns >> turn & 1 == 1 { one.next() } else { two.next() };
            first.say(&here, poll.unwrap(), NOON.plus_seconds(turn));
        }
        // The other node takes in the whole order later, cut elsewhere.
        let lines: Vec<Line> = first.log.lines(0).unwrap().map(Result::unwrap).collect();
        for lines in lines.chunks(4) {
            let replayed = second.log.mirror(lines).unwrap();
            there.apply_replayed(&replayed);
            there.persist().unwrap();
        }
        assert_eq!(there.digest(), here.digest(), "turns {turns:06b}");
        assert_eq!(there.verify().unwrap().digest, here.verify().unwrap().digest);
        assert_eq!(here.counts().0, 4, "no item twice; turns {turns:06b}");
    }
}
