//! What one source can do to another's story: nothing. Each attack is a few records in a log, and what the view makes of
//! them, also when it is made anew.

use std::sync::Arc;

use dayuan::log::{Log, Record, SourceFacts};
use dayuan::model::{
    Authority, Credit, Draft, ItemId, Key, Moment, Precision, RegionId, Regions, Report, SourceId, Stamp, Zone,
};
use dayuan::regions::Places;
use dayuan::view::{Options, Story, View};

const NOON: Moment = Moment::from_seconds(1_678_330_000);
const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// What official A tells; every text of its story holds this.
const TEXT: &str = "因供热管网改造，北大街自十二中路口至桥头路段将于3月9日22时起临时封闭，请过往车辆绕行南大街或德胜街，公交3路、15路改线运行。施工期间给沿线单位和居民带来不便，敬请谅解。请广大驾驶人提前安排出行路线，服从现场交警和施工人员的指挥。";
const TITLE: &str = "北大街临时封闭施工通告";
/// What has nothing to do with it.
const SPAM: &str = "新春大促销全场五折起，品牌家电清仓处理，买一送一数量有限先到先得，扫描二维码添加客服领取优惠券，活动最终解释权归商家所有，欢迎新老顾客光临选购，分期付款零首付零利息，送货上门包安装包售后，一年包换三年保修，全国联保放心购买。";

struct Village {
    folder: tempfile::TempDir,
    log: Arc<Log>,
    view: View,
}

impl Village {
    /// An official A, and B and C that are as good as the config has them by default; all of Yangquan.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log = Arc::new(Log::open(&folder.path().join("log")).unwrap().0);
        let view = open(&folder.path().join("view"), &log);
        let village = Self { folder, log, view };
        for id in ["a", "b", "c"] {
            village.say(source(id, "140300", Authority::Media));
        }
        village
    }

    fn say(&self, record: Record) {
        let at = match &record {
            Record::Report(report) => report.seen,
            _ => NOON,
        };
        self.say_at(record, at);
    }

    fn say_at(&self, record: Record, at: Moment) {
        let records = [record];
        let appended = self.log.append(&records, at).unwrap();
        self.view.apply(&appended, &records).unwrap();
    }

    /// A report, seen so many seconds after noon.
    fn tell(&self, report: &Report) -> ItemId {
        self.say(Record::Report(Box::new(report.clone())));
        report.item
    }

    /// The stories of a region, newest first. What is in memory, and what is made of the log alone, must be the same.
    fn stories(&self, region: &str) -> Vec<Story> {
        let anew = open(&self.folder.path().join("anew"), &self.log);
        assert_eq!(anew.digest(), self.view.digest(), "made anew from the log it is another");
        drop(anew);
        std::fs::remove_dir_all(self.folder.path().join("anew")).unwrap();
        let tags = [RegionId::new(region).unwrap()];
        let chosen = self.view.timeline(&tags, None, 50, 50);
        chosen.iter().map(|entry| self.view.story(entry.story).unwrap()).collect()
    }

    /// The oldest day goes, as it does when it is old enough.
    fn expire(&self, seen: i64) {
        let day = self.log.oldest_day().unwrap().unwrap();
        let items = self.view.going_with(&day);
        self.say_at(Record::Expire { day: day.clone(), items, at: NOON.plus_seconds(seen) }, NOON.plus_seconds(seen));
        self.log.drop_day(&day).unwrap();
        assert!(self.view.verify().unwrap().is_well(), "the log that is left makes another view");
    }

    /// The title that a story shows, and whose report that is.
    fn shown(&self, story: &Story) -> (String, String) {
        let Record::Report(report) = self.log.read(story.shown.position).unwrap() else { panic!("no report") };
        (report.draft.title, report.source.to_string())
    }
}

fn open(path: &std::path::Path, log: &Arc<Log>) -> View {
    let regions = Regions::new(true, Vec::new(), Vec::new(), Vec::new()).unwrap();
    let options = Options { path: path.to_owned(), rules: String::new(), places: Arc::new(Places::new(&regions)) };
    View::open(&options, Arc::clone(log), &|_| {}).unwrap().0
}

fn source(id: &str, region: &str, authority: Authority) -> Record {
    Record::Source(SourceFacts {
        id: SourceId::new(id).unwrap(),
        title: format!("{id}时报"),
        link: format!("https://{id}.cn/list/"),
        region: RegionId::new(region).unwrap(),
        authority,
        zone: Zone::shanghai(),
        rights: None,
        was: Vec::new(),
        alerts_for: Vec::new(),
        at: NOON,
    })
}

/// A report of `source` about the page `link`; `age` is how many seconds before it was seen its date lies.
fn report(source: &str, link: &str, title: &str, text: &str, seen: i64, age: i64) -> Report {
    let source = SourceId::new(source).unwrap();
    let seen = NOON.plus_seconds(seen);
    let draft = Draft {
        title: title.to_owned(),
        link: Some(link.to_owned()),
        text: text.to_owned(),
        published: Some(Stamp { at: seen.plus_seconds(-age), precision: Precision::Second, offset: 28_800 }),
        ..Draft::default()
    };
    let key = Key::of(None, draft.checked_link().as_ref(), title, None).unwrap();
    let item = ItemId::of(&source, &key);
    Report { item, key, source, seen, reader: 1, first_import: false, draft }
}

fn by(title: &str, source: &str) -> (String, String) {
    (title.to_owned(), source.to_owned())
}

#[test]
fn i8_a_report_that_is_gone_takes_no_other_with_it() {
    let village = Village::new();
    village.tell(&report("a", "https://a.cn/1", TITLE, TEXT, 0, 60));
    let b = village.tell(&report("b", "https://b.cn/1", TITLE, TEXT, HOUR, 60));
    village.say(Record::Gone { item: b, at: NOON.plus_seconds(DAY) });
    let stories = village.stories("140300");
    assert_eq!((stories.len(), village.shown(&stories[0])), (1, by(TITLE, "a")));
    assert!(stories[0].others.is_empty(), "what is gone is not led to");
}

#[test]
fn i8_where_the_first_report_is_gone_the_next_one_is_shown_and_the_story_keeps_its_id() {
    let village = Village::new();
    let a = village.tell(&report("a", "https://a.cn/1", TITLE, TEXT, 0, 60));
    let b = village.tell(&report("b", "https://b.cn/1", TITLE, TEXT, HOUR, 60));
    let before = village.stories("140300")[0].clone();
    village.say(Record::Gone { item: a, at: NOON.plus_seconds(DAY) });
    let after = village.stories("140300")[0].clone();
    assert_eq!((after.id, village.shown(&after)), (before.id, by(TITLE, "b")));
    assert_eq!(after.published, before.published, "readers have seen it there");
    assert!(after.updated > before.updated);
    village.say(Record::Gone { item: b, at: NOON.plus_seconds(DAY) });
    assert!(village.stories("140300").is_empty(), "with its last report a story ends");
    village.say(Record::Back { item: a, at: NOON.plus_seconds(2 * DAY) });
    let back = village.stories("140300")[0].clone();
    assert_eq!((back.id, village.shown(&back), back.published), (before.id, by(TITLE, "a"), before.published));
}

#[test]
fn i9_who_posts_the_owners_link_first_with_an_old_date_buries_nothing() {
    let village = Village::new();
    village.tell(&report("b", "https://a.cn/1", "转载", "", 0, 340 * DAY));
    village.tell(&report("a", "https://a.cn/1", TITLE, TEXT, HOUR, 60));
    let stories = village.stories("140300");
    assert_eq!((stories.len(), village.shown(&stories[0])), (1, by(TITLE, "a")));
    assert_eq!(stories[0].published.at, NOON.plus_seconds(HOUR - 60), "the date of its owner");
}

#[test]
fn i9_who_copies_a_text_first_with_an_old_date_buries_nothing() {
    let village = Village::new();
    village.tell(&report("b", "https://b.cn/1", TITLE, TEXT, 0, 10 * DAY));
    village.tell(&report("a", "https://a.cn/1", TITLE, TEXT, HOUR, 60));
    let stories = village.stories("140300");
    assert_eq!(stories.len(), 1);
    assert_eq!(stories[0].published.at, NOON.plus_seconds(HOUR - 60), "nobody can have seen it where it was");
}

#[test]
fn i9_what_readers_have_seen_keeps_its_date() {
    let village = Village::new();
    village.tell(&report("b", "https://a.cn/1", "转载", "", 0, 60));
    let before = village.stories("140300")[0].published;
    village.tell(&report("a", "https://a.cn/1", TITLE, TEXT, HOUR / 2, 60));
    let stories = village.stories("140300");
    assert_eq!((village.shown(&stories[0]), stories[0].published), (by(TITLE, "a"), before));
}

#[test]
fn i10_who_changes_its_text_to_something_else_leaves_the_story() {
    let village = Village::new();
    let first = report("b", "https://b.cn/1", TITLE, TEXT, 0, 60);
    village.tell(&first);
    village.tell(&report("a", "https://a.cn/1", TITLE, TEXT, HOUR, 60));
    let before = village.stories("140300")[0].id;
    village.tell(&Report {
        draft: report("b", "https://b.cn/1", TITLE, SPAM, 2 * HOUR, 60).draft,
        seen: NOON.plus_seconds(2 * HOUR),
        ..first.clone()
    });
    let stories = village.stories("140300");
    let seen: Vec<_> =
        stories.iter().map(|story| (story.id == before, village.shown(story), story.others.len())).collect();
    assert_eq!(seen.len(), 2, "{seen:?}");
    assert!(seen.contains(&(true, by(TITLE, "a"), 0)), "{seen:?}");
    assert!(stories.iter().any(|story| story.id != before && story.shown.source.id.as_str() == "b"));
    // It goes back to what it was, and comes again under the story, without a new id.
    village.tell(&Report { seen: NOON.plus_seconds(4 * HOUR), ..first.clone() });
    let stories = village.stories("140300");
    assert_eq!((stories.len(), stories[0].id, village.shown(&stories[0])), (1, before, by(TITLE, "a")));
    let again = village.view.find(first.item).unwrap();
    assert_eq!(village.view.story(again).unwrap().id, before, "the address of its first report leads to the story");
}

#[test]
fn i10_a_shown_report_may_neither_be_retitled_nor_grow_beyond_its_story() {
    for changed in [("恭喜您中奖了快来领取奖金", TEXT.to_owned()), (TITLE, format!("{SPAM}{SPAM}{TEXT}"))] {
        let village = Village::new();
        let first = report("b", "https://b.cn/1", TITLE, TEXT, 0, 60);
        village.tell(&first);
        village.tell(&report("a", "https://a.cn/1", TITLE, TEXT, HOUR, 60));
        let (title, text) = (changed.0, changed.1.as_str());
        village.tell(&Report {
            draft: report("b", "https://b.cn/1", title, text, 0, 60).draft,
            seen: NOON.plus_seconds(2 * HOUR),
            ..first
        });
        let stories = village.stories("140300");
        assert!(stories.iter().any(|story| village.shown(story) == by(TITLE, "a")), "{title}");
    }
}

#[test]
fn i10_a_correction_of_the_owner_is_shown() {
    let village = Village::new();
    village.say(source("a", "140300", Authority::Official));
    let first = report("a", "https://a.cn/1", TITLE, TEXT, 0, 60);
    village.tell(&first);
    village.tell(&report("b", "https://b.cn/1", TITLE, TEXT, HOUR, 60));
    let corrected = TEXT.replace("3月9日22时", "3月10日22时");
    village.tell(&Report {
        draft: report("a", "https://a.cn/1", TITLE, &corrected, 0, 60).draft,
        seen: NOON.plus_seconds(2 * HOUR),
        ..first
    });
    let stories = village.stories("140300");
    let Record::Report(shown) = village.log.read(stories[0].shown.position).unwrap() else { panic!("no report") };
    assert_eq!((stories.len(), shown.draft.text.contains("3月10日")), (1, true));
    assert_eq!(stories[0].others.len(), 1);
}

fn warning(source: &str, link: &str, title: &str, seen: i64, age: i64) -> Report {
    let mut report = report(source, link, title, "", seen, age);
    report.draft.alert = Some("11000041600000_20230309102700".to_owned());
    report.draft.code = Some("110000".to_owned());
    report
}

#[test]
fn a2_a_strangers_warning_is_its_own_and_swallows_nothing() {
    let village = Village::new();
    village.say(source("beijing", "110000", Authority::Official));
    village.tell(&warning("b", "https://b.cn/w", "暴雨红色预警已解除", 0, 30 * DAY));
    village.tell(&warning("beijing", "https://12379.cn/w", "北京市发布暴雨红色预警", HOUR, 60));
    let beijing = village.stories("110000");
    assert_eq!((beijing.len(), village.shown(&beijing[0])), (1, by("北京市发布暴雨红色预警", "beijing")));
    assert_eq!(beijing[0].published.at, NOON.plus_seconds(HOUR - 60));
    let own = village.stories("140300");
    assert_eq!(own.iter().map(|story| village.shown(story).1).collect::<Vec<_>>(), ["b"]);
    // Who passes it on by an admin's word, joins it.
    let Record::Source(facts) = source("national", "140000", Authority::Media) else { panic!("no source") };
    let alerts_for = vec![RegionId::new(SourceFacts::ALL).unwrap()];
    village.say(Record::Source(SourceFacts { alerts_for, ..facts }));
    village.tell(&warning("national", "https://national.cn/w", "北京市发布暴雨红色预警", 2 * HOUR, 60));
    assert_eq!(village.stories("110000")[0].others.len(), 1);
}

#[test]
fn i11_nobody_puts_anothers_story_into_other_regions() {
    let village = Village::new();
    village.tell(&report("a", "https://a.cn/1", TITLE, TEXT, 0, 60));
    let placed = |village: &Village| village.stories("140300")[0].regions.len();
    let before = placed(&village);
    village.tell(&report("b", "https://b.cn/1", &format!("河北省井陉县：{TITLE}"), TEXT, HOUR, 60));
    assert_eq!(placed(&village), before);
    assert!(village.stories("130121").is_empty());
    // A reprint by a source of another place stands there, too.
    village.say(source("c", "130100", Authority::Media));
    village.tell(&report("c", "https://c.cn/1", TITLE, TEXT, 2 * HOUR, 60));
    assert!(village.stories("130121").is_empty());
}

#[test]
fn i12_who_tells_two_stories_makes_them_not_one() {
    let village = Village::new();
    let other = "市气象台今天发布消息，受较强冷空气影响，预计10日白天到夜间全市大部分地区气温下降8到10摄氏度，并伴有5级左右偏北风，山区阵风可达7级，请注意防寒保暖，农业设施要及时加固，交通部门要做好道路巡查和除冰准备，市民尽量减少外出。";
    village.tell(&report("a", "https://a.cn/1", TITLE, TEXT, 0, 60));
    village.tell(&report("c", "https://c.cn/2", "冷空气明日到达", other, 0, 60));
    village.tell(&report(
        "b",
        "https://b.cn/1",
        &format!("{TITLE} 冷空气明日到达"),
        &format!("{TEXT}{other}"),
        HOUR,
        60,
    ));
    let stories = village.stories("140300");
    let titles: Vec<_> = stories.iter().map(|story| village.shown(story).0).collect();
    assert!(titles.iter().any(|title| title == "冷空气明日到达"), "{titles:?}");
    assert!(titles.iter().any(|title| title.starts_with(TITLE)), "{titles:?}");
}

#[test]
fn i13_a_link_that_a_stranger_posts_twice_still_joins_others() {
    let village = Village::new();
    for (number, title) in [(1, "促销一"), (2, "促销二")] {
        let mut posted = report("b", "https://a.cn/1", title, "", 0, 60);
        posted.key = Key::from_text(format!("guid {number}"));
        posted.item = ItemId::of(&posted.source, &posted.key);
        village.tell(&posted);
    }
    village.tell(&report("a", "https://a.cn/1", TITLE, TEXT, HOUR, 60));
    village.tell(&report("c", "https://a.cn/1", "转载的通告", "", 2 * HOUR, 60));
    let stories = village.stories("140300");
    let own = stories.into_iter().find(|story| village.shown(story) == by(TITLE, "a")).unwrap();
    assert_eq!(own.others.iter().map(|other| other.source.id.to_string()).collect::<Vec<_>>(), ["c"]);
}

#[test]
fn i14_what_was_withdrawn_stays_so_whatever_its_source_makes_of_it() {
    let village = Village::new();
    let first = report("b", "https://b.cn/1", TITLE, TEXT, 0, 60);
    village.tell(&first);
    village.tell(&report("a", "https://a.cn/1", TITLE, TEXT, HOUR, 60));
    village.say(Record::Withdraw {
        item: first.item,
        reason: "误发".to_owned(),
        public_reason: None,
        at: NOON.plus_seconds(2 * HOUR),
    });
    village.tell(&Report {
        draft: report("b", "https://b.cn/1", TITLE, SPAM, 0, 60).draft,
        seen: NOON.plus_seconds(3 * HOUR),
        ..first.clone()
    });
    assert!(village.stories("140300").is_empty());
    assert_eq!(village.view.withdrawn(), [(first.item, NOON.plus_seconds(2 * HOUR), "误发".to_owned())]);
}

#[test]
fn i15_a_source_under_another_id_is_one_reporter() {
    let village = Village::new();
    village.tell(&report("a", "https://a.cn/1", TITLE, TEXT, 0, 60));
    let Record::Source(facts) = source("a", "140300", Authority::Media) else { panic!("no source") };
    village.say(Record::Source(SourceFacts { id: SourceId::new("a2").unwrap(), ..facts }));
    village.tell(&report("a2", "https://a.cn/1", TITLE, &TEXT.replace("9日22时", "10日22时"), DAY, DAY));
    let stories = village.stories("140300");
    assert_eq!((stories.len(), stories[0].others.len(), village.shown(&stories[0]).1), (1, 0, "a2".to_owned()));
}

#[test]
fn a_source_that_is_put_into_another_region_takes_along_what_only_it_placed() {
    let village = Village::new();
    village.tell(&report("a", "https://a.cn/1", "今日供暖须知", "", 0, 60));
    village.tell(&report("a", "https://a.cn/2", "平定县道路封闭", "", 0, 60));
    village.say(source("a", "140322", Authority::Media));
    village.tell(&report("a", "https://a.cn/3", "另一条", "", HOUR, 60));
    assert!(village.stories("140300").is_empty());
    assert_eq!(village.stories("140322").len(), 2);
    assert_eq!(village.stories("140321").len(), 1);
}

#[test]
fn what_parted_from_a_story_expires_with_it() {
    let village = Village::new();
    let first = report("b", "https://b.cn/1", TITLE, TEXT, 0, 60);
    village.tell(&first);
    village.tell(&report("a", "https://a.cn/1", TITLE, TEXT, HOUR, 60));
    village.tell(&Report {
        draft: report("b", "https://b.cn/1", TITLE, SPAM, DAY, 60).draft,
        seen: NOON.plus_seconds(2 * DAY),
        ..first
    });
    village.tell(&report("c", "https://c.cn/9", "后来的消息", "", 2 * DAY, 60));
    let day = NOON.day();
    let items = village.view.going_with(&day);
    village.say(Record::Expire { day: day.clone(), items, at: NOON.plus_seconds(3 * DAY) });
    village.log.drop_day(&day).unwrap();
    assert_eq!(village.stories("140300").len(), 1);
}

/// The same report with another text, some hours later.
fn changed(first: &Report, title: &str, text: &str, seen: i64) -> Report {
    let mut report = Report { seen: NOON.plus_seconds(seen), ..first.clone() };
    (report.draft.title, report.draft.text) = (title.to_owned(), text.to_owned());
    report
}

#[test]
fn i22_an_old_item_made_into_anothers_story_takes_none_over() {
    let village = Village::new();
    let old = report("b", "https://b.cn/old", "旧闻一则", SPAM, 0, 60);
    village.tell(&old);
    let own = village.tell(&report("a", "https://a.cn/1", TITLE, TEXT, 6 * DAY, 60));
    village.tell(&changed(&old, TITLE, TEXT, 6 * DAY + HOUR));
    village.tell(&report("b", "https://b.cn/new", TITLE, TEXT, 6 * DAY + 2 * HOUR, 60));
    village.tell(&report("c", "https://c.cn/1", TITLE, TEXT, 6 * DAY + 3 * HOUR, 60));
    assert!(village.stories("140300").iter().any(|story| story.id == own && story.shown.source.id.as_str() == "a"));
}

#[test]
fn i23_a_story_that_ended_lends_nobody_its_date() {
    let village = Village::new();
    let first = report("b", "https://a.cn/1", "转载", "", 0, 60);
    let item = village.tell(&first);
    village.say(Record::Gone { item, at: NOON.plus_seconds(HOUR) });
    village.tell(&report("a", "https://a.cn/1", TITLE, TEXT, 6 * DAY, 60));
    let stories = village.stories("140300");
    assert_eq!((stories.len(), village.shown(&stories[0])), (1, by(TITLE, "a")));
    assert!(stories[0].published.at.since(NOON) > 5 * DAY * 1000);
}

#[test]
fn i24_who_stood_in_for_a_report_makes_room_when_it_is_back() {
    let village = Village::new();
    let own = village.tell(&report("a", "https://a.cn/1", TITLE, TEXT, 0, 60));
    village.tell(&report("b", "https://b.cn/1", TITLE, TEXT, HOUR, 60));
    village.say(Record::Gone { item: own, at: NOON.plus_seconds(DAY) });
    assert_eq!(village.shown(&village.stories("140300")[0]).1, "b");
    village.say(Record::Back { item: own, at: NOON.plus_seconds(2 * DAY) });
    assert_eq!(village.shown(&village.stories("140300")[0]), by(TITLE, "a"));
}

#[test]
fn i30_who_only_leads_to_a_page_that_is_gone_shows_nothing_in_its_place() {
    let village = Village::new();
    village.tell(&report("b", "https://a.cn/1", "转载", "", 0, 60));
    let own = village.tell(&report("a", "https://a.cn/1", TITLE, TEXT, HOUR / 2, 60));
    village.tell(&report("c", "https://a.cn/1", "新春大促销", SPAM, HOUR, 60));
    village.say(Record::Gone { item: own, at: NOON.plus_seconds(DAY) });
    let shown =
        |village: &Village| village.stories("140300").iter().map(|story| village.shown(story)).collect::<Vec<_>>();
    assert_eq!(shown(&village), [by("新春大促销", "c")], "what tells something else is a story of its own");
    village.say(Record::Back { item: own, at: NOON.plus_seconds(2 * DAY) });
    assert!(shown(&village).contains(&by(TITLE, "a")));
}

#[test]
fn i31_who_guessed_an_address_long_before_takes_no_new_story_along_when_it_expires() {
    let village = Village::new();
    village.tell(&report("b", "https://a.cn/1", "转载", "", 0, 60));
    village.tell(&report("a", "https://a.cn/1", TITLE, TEXT, 30 * DAY, 60));
    let day = village.log.oldest_day().unwrap().unwrap();
    let expire = Record::Expire { items: village.view.going_with(&day), day, at: NOON.plus_seconds(31 * DAY) };
    village.say(expire);
    let left = village.stories("140300");
    assert_eq!((left.len(), village.shown(&left[0])), (1, by(TITLE, "a")));
}

#[test]
fn i31_what_a_portal_told_long_ago_is_joined_by_the_site_that_is_added_later() {
    let village = Village::new();
    village.tell(&report("b", "https://a.cn/1", TITLE, TEXT, 0, 60));
    village.tell(&report("a", "https://a.cn/1", TITLE, TEXT, 30 * DAY, 30 * DAY));
    assert_eq!(village.stories("140300").len(), 1);
}

#[test]
fn i33_who_changes_its_text_ends_the_story_of_nobody_who_names_the_same_address() {
    let village = Village::new();
    let first = report("b", "https://x.cn/1", TITLE, TEXT, 0, 60);
    village.tell(&first);
    village.tell(&report("c", "https://x.cn/1", TITLE, TEXT, HOUR, 60));
    village.tell(&changed(&first, "新春大促销", SPAM, 2 * HOUR));
    let stories = village.stories("140300");
    assert!(stories.iter().any(|story| village.shown(story) == by(TITLE, "c")), "{stories:?}");
}

#[test]
fn i33_the_site_itself_is_shown_whoever_named_its_page_and_lost_it() {
    let village = Village::new();
    let item = village.tell(&report("b", "https://a.cn/1", TITLE, TEXT, 0, 60));
    village.say(Record::Gone { item, at: NOON.plus_seconds(HOUR) });
    village.tell(&report("a", "https://a.cn/1", TITLE, TEXT, 6 * DAY, 60));
    let stories = village.stories("140300");
    assert_eq!((stories.len(), village.shown(&stories[0])), (1, by(TITLE, "a")));
}

#[test]
fn i34_what_is_told_again_is_back() {
    let village = Village::new();
    let first = report("a", "https://a.cn/1", TITLE, TEXT, 0, 60);
    let item = village.tell(&first);
    village.say(Record::Gone { item, at: NOON.plus_seconds(HOUR) });
    assert_eq!(village.stories("140300"), []);
    village.tell(&changed(&first, TITLE, &format!("{TEXT}施工单位：阳泉热力。"), DAY));
    assert_eq!(village.stories("140300").len(), 1);
}

#[test]
fn i35_whatever_expires_the_log_that_is_left_makes_the_same_view() {
    // It was changed harmlessly on the day before it became another story.
    let village = Village::new();
    let first = report("b", "https://b.cn/1", TITLE, TEXT, 0, 60);
    village.tell(&first);
    village.tell(&report("a", "https://a.cn/1", TITLE, TEXT, HOUR, 60));
    village.tell(&changed(&first, TITLE, &format!("{TEXT}施工单位：阳泉热力。"), DAY));
    village.tell(&changed(&first, "新春大促销", SPAM, 2 * DAY));
    village.expire(3 * DAY);
    // A further report left its story for another place.
    let village = Village::new();
    village.tell(&report("a", "https://a.cn/1", TITLE, TEXT, 0, 60));
    let joined = report("b", "https://b.cn/1", TITLE, TEXT, DAY, 60);
    village.tell(&joined);
    village.tell(&changed(&joined, "平定县新春大促销", SPAM, 2 * DAY));
    village.expire(3 * DAY);
    // What it became belonged to a story that expires before it does; then it is told again.
    let village = Village::new();
    let library = "市图书馆新馆周末开放到二十一时，少儿阅览区同步延长，读者凭证预约，每日限六百人，馆内新增自助借还机十二台，盲文阅览室一并开放。";
    village.tell(&report("c", "https://c.cn/2", "图书馆周末延时", library, 0, 60));
    let first = report("b", "https://b.cn/1", TITLE, TEXT, 2 * DAY, 60);
    village.tell(&first);
    village.tell(&report("a", "https://a.cn/1", TITLE, TEXT, 2 * DAY + HOUR, 60));
    village.tell(&changed(&first, "图书馆周末延时", library, 3 * DAY));
    village.expire(4 * DAY);
    village.tell(&changed(&first, TITLE, &format!("{TEXT}施工单位：阳泉热力。"), 5 * DAY));
    assert_eq!(village.stories("140300")[0].others.len(), 1, "it tells what it told at first");
    // A further report and a new item come with one poll.
    let village = Village::new();
    village.tell(&report("a", "https://a.cn/1", TITLE, TEXT, 0, 60));
    let joined = report("b", "https://b.cn/1", TITLE, TEXT, DAY, 60);
    village.tell(&joined);
    village.tell(&changed(&joined, TITLE, &format!("{TEXT}施工单位：阳泉热力。"), 2 * DAY));
    village.tell(&report("b", "https://b.cn/2", "图书馆周末延时", library, 2 * DAY, 60));
    village.expire(3 * DAY);
}

#[test]
fn i36_who_rewrites_an_item_makes_one_event_of_no_two() {
    let village = Village::new();
    // Two notices and what a newspaper made of each, which is of one event with it.
    let told = |id: &str| -> (String, String) {
        let all = include_str!("../fixtures/stories/notices.jsonl").lines();
        let mut all = all.map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        let story = all.find(|story| story["id"] == id).unwrap();
        (story["title"].as_str().unwrap().to_owned(), story["text"].as_str().unwrap().to_owned())
    };
    let tell = |source: &str, id: &str, seen: i64| {
        let (title, text) = told(id);
        let report = report(source, &format!("https://{source}.cn/1"), &title, &text, seen, 60);
        village.tell(&report);
        report
    };
    let beside = |item: ItemId| {
        let story = village.view.story(village.view.find(item).unwrap()).unwrap();
        story.alongside.iter().filter(|first| village.view.story(**first).is_some()).count()
    };
    let concerts = tell("a", "h-00070", 0);
    let retold = tell("b", "h-00091", HOUR);
    let fishing = tell("c", "h-00084", 2 * HOUR);
    assert_eq!((beside(concerts.item), beside(fishing.item)), (1, 0));
    let (title, text) = told("h-00085");
    village.tell(&changed(&retold, &title, &text, 3 * HOUR));
    assert_eq!((beside(concerts.item), beside(fishing.item)), (0, 1));
}

#[test]
fn a2_an_identifier_gives_nobody_anothers_warning() {
    let village = Village::new();
    village.say(source("a", "110000", Authority::Official));
    village.say(source("b", "110000", Authority::Media));
    let own = warning("a", "https://a.cn/w", "北京市发布暴雨红色预警", 0, 60);
    village.tell(&own);
    for (at, link) in [(1, "https://b.cn/1"), (2, "https://www.12379.cn/w")] {
        village.tell(&warning("b", link, "朝阳区庙会促销", at * HOUR, 60));
        let stories = village.stories("110000");
        assert_eq!(village.shown(&stories[0]), by("北京市发布暴雨红色预警", "a"), "{stories:?}");
    }
}

#[test]
fn i37_whoever_has_most_right_is_shown_in_whatever_order_they_come() {
    let village = Village::new();
    village.tell(&report("b", "https://a.cn/1", TITLE, TEXT, 0, 60));
    village.say(source("c", "140300", Authority::Official));
    village.tell(&report("c", "https://c.cn/1", TITLE, TEXT, HOUR / 4, 60));
    village.tell(&report("a", "https://a.cn/1", TITLE, TEXT, HOUR / 2, 60));
    assert_eq!(village.shown(&village.stories("140300")[0]).1, "c", "the higher authority");
    let village = Village::new();
    village.say(source("b", "140300", Authority::Portal));
    village.tell(&report("b", "https://a.cn/1", TITLE, TEXT, 0, 60));
    village.tell(&report("c", "https://c.cn/1", TITLE, TEXT, HOUR / 4, 60));
    assert_eq!(village.shown(&village.stories("140300")[0]).1, "c");
    village.say(source("a", "140300", Authority::Official));
    village.tell(&report("a", "https://a.cn/1", TITLE, TEXT, HOUR / 2, 60));
    assert_eq!(village.shown(&village.stories("140300")[0]).1, "a", "a still higher one");
}

#[test]
fn i38_offices_of_one_domain_have_each_their_own_host() {
    let village = Village::new();
    let office = |id: &str, host: &str| match source(id, "140300", Authority::Media) {
        Record::Source(facts) => {
            village.say(Record::Source(SourceFacts { link: format!("https://{host}/list/"), ..facts }));
        }
        _ => unreachable!(),
    };
    office("d", "www.yq.gov.cn");
    office("e", "x.yq.gov.cn");
    village.tell(&report("e", "https://www.yq.gov.cn/1", "新春大促销", SPAM, 0, 9 * HOUR));
    village.tell(&report("d", "https://www.yq.gov.cn/1", TITLE, TEXT, HOUR, 60));
    let stories = village.stories("140300");
    assert!(stories.iter().any(|story| village.shown(story) == by(TITLE, "d")), "{stories:?}");
}

#[test]
fn i39_who_completes_a_line_keeps_its_story() {
    let village = Village::new();
    let line = "因供热管网改造，北大街自十二中路口至桥头路段将于3月9日22时起临时封闭，请过往车辆绕行南大街或德胜街。";
    let first = report("a", "https://a.cn/1", TITLE, line, 0, 60);
    village.tell(&first);
    village.tell(&report("b", "https://b.cn/1", TITLE, line, HOUR, 60));
    village.tell(&changed(&first, TITLE, &format!("{TEXT}{TEXT}"), 2 * HOUR));
    let stories = village.stories("140300");
    let story = stories.iter().find(|story| story.id == first.item).unwrap();
    assert_eq!(village.shown(story), by(TITLE, "a"));
}

#[test]
fn i40_a_withdrawal_of_another_report_takes_no_story_along() {
    let village = Village::new();
    village.tell(&report("a", "https://a.cn/1", TITLE, TEXT, 0, 60));
    let reprint = village.tell(&report("b", "https://b.cn/1", TITLE, TEXT, HOUR, 60));
    let withdraw =
        Record::Withdraw { item: reprint, reason: "x".into(), public_reason: None, at: NOON.plus_seconds(2 * HOUR) };
    village.say(withdraw);
    let stories = village.stories("140300");
    assert_eq!((stories.len(), stories[0].others.len(), village.shown(&stories[0])), (1, 0, by(TITLE, "a")));
    village.say(Record::Restore { item: reprint, at: NOON.plus_seconds(3 * HOUR) });
    assert_eq!(village.stories("140300")[0].others.len(), 1);
    // Whoever has more to say than what was withdrawn is not hidden with it.
    let village = Village::new();
    let slander = village.tell(&report("b", "https://b.cn/1", TITLE, &format!("{TEXT}据传有人贪污。"), 0, 60));
    village.say(Record::Withdraw {
        item: slander,
        reason: "x".into(),
        public_reason: None,
        at: NOON.plus_seconds(HOUR),
    });
    village.say(source("a", "140300", Authority::Official));
    village.tell(&report("a", "https://a.cn/1", TITLE, TEXT, 2 * HOUR, 60));
    assert_eq!(village.shown(&village.stories("140300")[0]), by(TITLE, "a"));
}

#[test]
fn i41_an_old_item_that_becomes_another_story_is_no_older_than_that() {
    let village = Village::new();
    let old = report("b", "https://b.cn/1", "新春大促销", SPAM, 0, 60);
    village.tell(&old);
    let mut copy = changed(&old, TITLE, TEXT, 6 * DAY);
    copy.draft.published = old.draft.published;
    village.tell(&copy);
    village.tell(&report("a", "https://a.cn/1", TITLE, TEXT, 6 * DAY + HOUR, 60));
    let stories = village.stories("140300");
    assert_eq!(stories.len(), 1, "{stories:?}");
    assert!(stories[0].published.at.since(NOON) > 5 * DAY * 1000, "{stories:?}");
}

#[test]
fn i25_an_address_lends_a_story_to_nobody_once_another_report_is_shown() {
    let village = Village::new();
    village.tell(&report("a", "https://a.cn/1", TITLE, TEXT, 0, 60));
    village.tell(&report("b", "https://c.cn/9", TITLE, TEXT, HOUR, 60));
    village.say(source("c", "140300", Authority::Official));
    village.tell(&report("c", "https://c.cn/9", "新春大促销", SPAM, 2 * HOUR, 60));
    let stories = village.stories("140300");
    assert!(stories.iter().any(|story| village.shown(story) == by(TITLE, "a")), "{stories:?}");
}

#[test]
fn i26_who_grows_slowly_or_in_company_leaves_the_story_all_the_same() {
    let village = Village::new();
    let first = report("b", "https://b.cn/1", TITLE, TEXT, 0, 60);
    village.tell(&first);
    village.tell(&report("a", "https://a.cn/1", TITLE, TEXT, HOUR, 60));
    let mut text = TEXT.to_owned();
    for step in 2..14 {
        let more: String = SPAM.chars().cycle().take(text.chars().count() / 5 + 30).collect();
        text.insert_str(0, &more);
        village.tell(&changed(&first, TITLE, &text, step * HOUR));
    }
    assert!(village.stories("140300").iter().any(|story| village.shown(story) == by(TITLE, "a")));

    let village = Village::new();
    let (b, c) =
        (report("b", "https://b.cn/1", TITLE, TEXT, 0, 60), report("c", "https://c.cn/1", TITLE, TEXT, HOUR, 60));
    village.tell(&b);
    village.tell(&c);
    village.tell(&report("a", "https://a.cn/1", TITLE, TEXT, 2 * HOUR, 60));
    let (half, spam): (String, String) = (SPAM.chars().take(50).collect(), SPAM.to_owned());
    for (step, text) in [half + TEXT, spam.clone() + TEXT, spam].iter().enumerate() {
        let seen = (3 + 2 * i64::try_from(step).unwrap()) * HOUR;
        village.tell(&changed(&b, TITLE, text, seen));
        village.tell(&changed(&c, TITLE, text, seen + HOUR));
    }
    assert!(village.stories("140300").iter().any(|story| village.shown(story) == by(TITLE, "a")));
}

#[test]
fn i27_a_month_is_no_date_at_which_readers_saw_anything() {
    let village = Village::new();
    let mut copy = report("b", "https://b.cn/1", TITLE, TEXT, 0, 8 * DAY);
    copy.draft.published = copy.draft.published.map(|stamp| Stamp { precision: Precision::Month, ..stamp });
    village.tell(&copy);
    village.tell(&report("a", "https://a.cn/1", TITLE, TEXT, HOUR, 60));
    assert!(NOON.since(village.stories("140300")[0].published.at) < DAY * 1000);
}

#[test]
fn i28_the_site_itself_is_put_out_of_its_story_by_nobody() {
    let village = Village::new();
    village.tell(&report("b", "https://a.cn/1", "新春大促销", SPAM, 0, 60));
    let own = report("a", "https://a.cn/1", TITLE, "", HOUR, 60);
    village.tell(&own);
    village.tell(&changed(&own, TITLE, TEXT, 2 * HOUR));
    let stories = village.stories("140300");
    assert_eq!((stories.len(), village.shown(&stories[0])), (1, by(TITLE, "a")));
}

#[test]
fn i29_who_says_much_else_before_anothers_text_has_a_story_of_its_own() {
    let village = Village::new();
    village.tell(&report("b", "https://b.cn/1", "新春大促销全场五折", &(SPAM.to_owned() + SPAM + TEXT), 0, 60));
    village.tell(&report("a", "https://a.cn/1", TITLE, TEXT, HOUR, 60));
    assert!(village.stories("140300").iter().any(|story| village.shown(story) == by(TITLE, "a")));
}

#[test]
fn a2_who_says_first_that_a_warning_is_over_hides_it_from_nobody() {
    let village = Village::new();
    let ours = |source: &str, title: &str, seen: i64| {
        let mut report = warning(source, &format!("https://{source}.cn/1"), title, seen, 60);
        report.draft.alert = Some("14030041600000_20230309102700".to_owned());
        report.draft.code = Some("140300".to_owned());
        report
    };
    village.tell(&ours("b", "暴雨红色预警已解除", 0));
    village.tell(&ours("a", "暴雨红色预警信号", HOUR));
    assert_eq!(village.stories("140300").len(), 2);
    village.tell(&ours("c", "市气象台发布预警", 2 * HOUR));
    assert_eq!(village.stories("140300").len(), 2, "who passes it on joins it");
}

/// A warning of Yangquan with one identifier, as each source passes it on.
fn passed_on(source: &str, title: &str, text: &str, seen: i64) -> Report {
    let mut report = report(source, &format!("https://{source}.cn/1"), title, text, seen, 60);
    report.draft.alert = Some("14030041600000_20230309102700".to_owned());
    report.draft.code = Some("140300".to_owned());
    report
}

#[test]
fn i42_an_identifier_keeps_nobody_in_a_story_that_it_no_longer_tells() {
    let village = Village::new();
    village.say(source("shanghai", "310101", Authority::Media));
    let copied = report("shanghai", "https://shanghai.cn/1", TITLE, TEXT, 0, 60);
    village.tell(&copied);
    village.tell(&report("a", "https://a.cn/1", TITLE, TEXT, HOUR, 60));
    // The identifier of a warning that this source may not issue.
    let mut spam = changed(&copied, TITLE, SPAM, 2 * HOUR);
    spam.draft.alert = Some("14030041600000_20230309102700".to_owned());
    spam.draft.code = Some("140300".to_owned());
    village.tell(&spam);
    let stories = village.stories("140300");
    assert_eq!((stories.len(), village.shown(&stories[0])), (1, by(TITLE, "a")));
}

#[test]
fn i43_a_warning_of_another_level_or_an_end_hides_no_warning() {
    let red = "阳泉市气象台发布暴雨红色预警信号";
    let text =
        "阳泉市气象台2023年3月9日10时27分发布暴雨红色预警信号：预计未来3小时全市将出现100毫米以上降雨，请注意防范。";
    let shown = |village: &Village| {
        let stories = village.stories("140300");
        stories.iter().map(|story| village.shown(story)).collect::<Vec<_>>()
    };
    let village = Village::new();
    village.tell(&passed_on("b", "阳泉市气象台发布暴雨蓝色预警信号", text, 0));
    village.tell(&passed_on("a", red, text, HOUR));
    assert!(shown(&village).contains(&by(red, "a")), "another level: {:?}", shown(&village));
    for (title, later) in [("阳泉市气象台解除暴雨红色预警信号", text), (red, SPAM)] {
        let village = Village::new();
        let first = passed_on("b", red, text, 0);
        village.tell(&first);
        village.tell(&passed_on("a", red, text, HOUR));
        village.tell(&changed(&first, title, later, 2 * HOUR));
        assert!(shown(&village).contains(&by(red, "a")), "{title}: {:?}", shown(&village));
    }
}

#[test]
fn i98_a_warning_of_another_hazard_or_area_hides_no_warning() {
    let red = "阳泉市气象台发布暴雨红色预警信号";
    let text = "预计未来3小时将出现100毫米以上降雨，请注意防范，停止户外活动，检查城市排水设施，切断低洼地带有危险的室外电源。";
    for title in
        ["阳泉市气象台发布大风红色预警信号", "大同市气象台发布暴雨红色预警信号", "阳泉市气象台解除暴雨红色预警信号"]
    {
        let village = Village::new();
        village.tell(&passed_on("b", title, text, 0));
        village.tell(&passed_on("a", red, text, HOUR));
        let stories = village.stories("140300");
        let shown: Vec<_> = stories.iter().map(|story| (village.shown(story), story.others.len())).collect();
        assert!(shown.contains(&(by(red, "a"), 0)), "{title}: {shown:?}");
    }
}

#[test]
fn i99_a_copy_with_another_fact_takes_no_place_of_the_notice() {
    let text = "县就业服务中心定于五月十日上午在文化广场举办招聘会，四十家单位参加，求职者凭身份证免费入场。\
        有意参加的单位请在五月八日前报名，联系人：马晓燕，电话4033217，地址：县城平安街十八号三楼招聘科。";
    for (from, to) in [("马晓燕", "韩志远"), ("4033217", "4033271"), ("免费", "收费"), ("身份证", "毕业证")]
    {
        let village = Village::new();
        village.tell(&report("b", "https://b.cn/1", TITLE, &text.replace(from, to), 0, 60));
        village.tell(&report("c", "https://c.cn/1", TITLE, text, HOUR, 60));
        let stories = village.stories("140300");
        let mut shown: Vec<_> = stories.iter().map(|story| (village.shown(story).1, story.others.len())).collect();
        shown.sort();
        assert_eq!(shown, [("b".to_owned(), 0), ("c".to_owned(), 0)], "{from}: two stories");
    }
}

#[test]
fn i100_the_date_of_a_story_comes_from_its_owner() {
    // A copy that came first makes the story no newer than its owner does.
    let village = Village::new();
    village.say(source("office", "140300", Authority::Official));
    village.tell(&report("b", "https://b.cn/1", TITLE, TEXT, 0, 60));
    village.tell(&report("office", "https://office.cn/1", TITLE, TEXT, HOUR, 21 * HOUR));
    let stories = village.stories("140300");
    assert_eq!((stories.len(), village.shown(&stories[0])), (1, by(TITLE, "office")));
    assert_eq!(stories[0].published.at, NOON.plus_seconds(-20 * HOUR));
    // Nor does one that stands in for it.
    let village = Village::new();
    village.say(source("office", "140300", Authority::Official));
    let own = village.tell(&report("office", "https://office.cn/1", TITLE, TEXT, 0, 3 * DAY));
    village.tell(&report("b", "https://b.cn/1", TITLE, TEXT, HOUR, 60));
    for gone in [
        Record::Gone { item: own, at: NOON.plus_seconds(DAY) },
        Record::Back { item: own, at: NOON.plus_seconds(2 * DAY) },
    ] {
        village.say(gone);
        assert_eq!(village.stories("140300")[0].published.at, NOON.plus_seconds(-3 * DAY));
    }
}

#[test]
fn i44_who_copies_a_notice_first_takes_it_from_no_feed_of_its_place() {
    let village = Village::new();
    village.say(source("shanghai", "310101", Authority::Media));
    village.say(source("province", "140000", Authority::Media));
    let text = "平定县冠山镇至娘子关镇的县道因路面塌陷，将于3月9日22时起全线封闭，平定县交通运输局提醒过往车辆绕行。封闭期间，平定县公安局交警大队将在各路口设置绕行标志，请广大驾驶人服从现场指挥，提前安排出行路线。";
    let title = "平定县一县道封闭施工";
    village.tell(&report("shanghai", "https://shanghai.cn/1", title, text, 0, 60));
    village.tell(&report("province", "https://province.cn/1", title, text, HOUR, 60));
    assert_eq!(village.stories("140321").len(), 1);
}

#[test]
fn i46_who_alters_one_fact_after_another_leaves_the_story() {
    let village = Village::new();
    let copied = report("b", "https://b.cn/1", TITLE, TEXT, 0, 60);
    village.tell(&copied);
    village.tell(&report("a", "https://a.cn/1", TITLE, TEXT, HOUR, 60));
    let mut text = TEXT.to_owned();
    for (step, (from, to)) in
        [("3月9日", "3月19日"), ("封闭，请", "开放，请"), ("服从", "不服从")].into_iter().enumerate()
    {
        text = text.replace(from, to);
        village.tell(&changed(&copied, TITLE, &text, (2 + i64::try_from(step).unwrap()) * HOUR));
    }
    let shown: Vec<_> = village.stories("140300").iter().map(|story| village.shown(story).1).collect();
    assert!(shown.contains(&"a".to_owned()), "{shown:?}");
    // Who only corrects a letter stays in the story.
    let village = Village::new();
    village.tell(&copied);
    village.tell(&report("a", "https://a.cn/1", TITLE, TEXT, HOUR, 60));
    village.tell(&changed(&copied, TITLE, &TEXT.replace("敬请谅解", "敬请凉解"), 2 * HOUR));
    assert_eq!(village.stories("140300").len(), 1);
}

/// What the feed of Yangquan shows of each story: the title, the source and the text of the shown report.
fn shown_texts(village: &Village) -> Vec<(String, String)> {
    let told = |story: &Story| {
        let Record::Report(report) = village.log.read(story.shown.position).unwrap() else { panic!("no report") };
        (report.source.to_string(), report.draft.text)
    };
    village.stories("140300").iter().map(told).collect()
}

#[test]
fn i101_a_correction_is_not_hidden_below_the_copy_of_what_it_corrects() {
    for (from, to) in [("3月9日", "3月19日"), ("公交3路", "公交8路"), ("临时封闭", "照常开放")] {
        let village = Village::new();
        let first = report("a", "https://a.cn/1", TITLE, TEXT, 0, 60);
        village.tell(&first);
        village.tell(&report("b", "https://b.cn/1", TITLE, TEXT, HOUR, 60));
        let corrected = TEXT.replace(from, to);
        village.tell(&changed(&first, TITLE, &corrected, 2 * HOUR));
        let own = ("a".to_owned(), corrected.clone());
        assert!(shown_texts(&village).contains(&own), "{from}: {:?}", shown_texts(&village));
        // Whoever reports both, or copies the correction, does not bring it back there.
        village.tell(&report("c", "https://c.cn/1", TITLE, &corrected, 3 * HOUR, 60));
        assert!(shown_texts(&village).contains(&own), "{from}: {:?}", shown_texts(&village));
    }
}

#[test]
fn i102_who_only_leads_to_a_notice_links_it_to_nothing() {
    let other = "市气象台今天发布消息，受较强冷空气影响，预计10日白天到夜间全市大部分地区气温下降8到10摄氏度，并伴有5级左右偏北风，山区阵风可达7级，请注意防寒保暖，农业设施要及时加固，交通部门要做好道路巡查和除冰准备，市民尽量减少外出。";
    for official in [Authority::Media, Authority::Official] {
        let village = Village::new();
        village.say(source("a", "140300", official));
        let own = village.tell(&report("a", "https://a.cn/1", TITLE, TEXT, 0, 60));
        village.tell(&report("c", "https://c.cn/1", "冷空气明日到达", other, 0, 60));
        // Another's text, a digest, and one that tells of the same event, all at the address of the notice.
        let digest = format!("一、{TITLE}。{TEXT}二、冷空气明日到达。{other}三、新春大促销。{SPAM}");
        village.say(source("d", "140300", Authority::Media));
        village.tell(&report("b", "https://a.cn/1", "一周要闻", &digest, HOUR, 60));
        village.tell(&report("d", "https://a.cn/1", TITLE, other, HOUR, 60));
        let story = village.view.story(village.view.find(own).unwrap()).unwrap();
        assert!(story.parts.is_empty() && story.alongside.is_empty(), "{official:?}: {story:?}");
    }
}

#[test]
fn i103_what_was_withdrawn_of_one_source_silences_no_other() {
    let withdraw = |item: ItemId, seen: i64| Record::Withdraw {
        item,
        reason: "x".into(),
        public_reason: None,
        at: NOON.plus_seconds(seen),
    };
    let village = Village::new();
    let copied = village.tell(&report("b", "https://b.cn/1", TITLE, TEXT, 0, 60));
    village.say(withdraw(copied, HOUR));
    village.tell(&report("a", "https://a.cn/1", TITLE, TEXT, 2 * HOUR, 60));
    assert_eq!(shown_texts(&village), [("a".to_owned(), TEXT.to_owned())], "its own notice");
    // What credits the withdrawn one is a reprint of it, and so is what a source of lower authority has.
    let mut reprint = report("c", "https://c.cn/1", TITLE, TEXT, 2 * HOUR, 60);
    reprint.draft.credit = Some(Credit { name: "b时报".to_owned(), link: None });
    let village = Village::new();
    village.say(source("portal", "140300", Authority::Portal));
    let copied = village.tell(&report("b", "https://b.cn/1", TITLE, TEXT, 0, 60));
    village.say(withdraw(copied, HOUR));
    village.tell(&reprint);
    village.tell(&report("portal", "https://portal.cn/1", TITLE, TEXT, 3 * HOUR, 60));
    assert_eq!(shown_texts(&village), []);
    // A story that several told is withdrawn for all.
    let village = Village::new();
    let first = village.tell(&report("b", "https://b.cn/1", TITLE, TEXT, 0, 60));
    village.tell(&report("c", "https://c.cn/1", TITLE, TEXT, HOUR, 60));
    village.say(withdraw(first, 2 * HOUR));
    village.tell(&report("a", "https://a.cn/1", TITLE, TEXT, 3 * HOUR, 60));
    assert_eq!(shown_texts(&village), []);
}

#[test]
fn i104_credit_for_an_article_is_credit_for_its_site() {
    // The notice is at home at c's site; b posted it first, and says where it has it from.
    let shown = |neighbours: &[&str]| {
        let village = Village::new();
        for (number, address) in neighbours.iter().enumerate() {
            let Record::Source(facts) = source(&format!("n{number}"), "140300", Authority::Media) else { panic!() };
            village.say(Record::Source(SourceFacts { link: (*address).to_owned(), ..facts }));
        }
        let mut copy = report("b", "https://b.cn/1", TITLE, TEXT, 0, 60);
        copy.draft.credit =
            Some(Credit { name: "原文".to_owned(), link: Some("https://www.a.cn/2023/1.html".to_owned()) });
        village.tell(&copy);
        village.tell(&report("a", "https://a.cn/1", TITLE, TEXT, HOUR, 60));
        let stories = village.stories("140300");
        assert_eq!(stories.len(), 1);
        village.shown(&stories[0]).1
    };
    assert_eq!(shown(&[]), "a");
    assert_eq!(shown(&["https://a.cn/2023/"]), "b", "of several sources at one host it may be any");
    assert_eq!(shown(&["https://a.cn/list/"]), "a", "one source under two ids");
}

#[test]
fn i105_many_notices_of_one_source_hide_no_reprint_of_another() {
    let notice = |number: usize| TEXT.replace("公交3路", &format!("公交{number}路"));
    for own_at in [0, 2 * HOUR] {
        let village = Village::new();
        let own = report("a", "https://a.cn/1", TITLE, TEXT, own_at, 60);
        let mut all: Vec<Report> = (0..40)
            .map(|at| {
                let seen = HOUR + i64::try_from(at).unwrap();
                report("b", &format!("https://b.cn/{at}"), TITLE, &notice(100 + at), seen, 60)
            })
            .collect();
        all.push(own.clone());
        all.sort_by_key(|report| report.seen);
        all.iter().for_each(|report| {
            village.tell(report);
        });
        village.tell(&report("c", "https://c.cn/1", TITLE, TEXT, 3 * HOUR, 60));
        let story = village.view.story(village.view.find(own.item).unwrap()).unwrap();
        assert_eq!(story.others.len(), 1, "told {own_at} s after noon");
    }
}
