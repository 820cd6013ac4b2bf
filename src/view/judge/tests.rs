//! Tests of the verdict on a new item.

use super::*;
use crate::dedup::Fingerprint;
use crate::log::{Record, SourceFacts};
use crate::model::{Authority, Draft, ItemId, SourceId};
use crate::view::tags::Tags;
use crate::view::test_store::{NOON, TestStore, report, source};

const TEXT: &str = "因供热管网改造，新建北大街自十二中路口至桥头路段将于3月9日起临时封闭，请过往车辆绕行南大街，公交3路、15路改线运行，敬请谅解。";

/// Returns the verdict on a report that is not applied, in words. The paper reported `TEXT` before.
fn verdict(from: &str, link: &str, text: &str) -> String {
    let store = TestStore::new();
    let (view, _) = store.view();
    let official = match source("office", "https://office.cn/feed", "140300") {
        Record::Source(facts) => Record::Source(SourceFacts { authority: Authority::Official, ..facts }),
        other => other,
    };
    let paper = source("paper", "https://paper.cn/feed", "140300");
    let portal = source("portal", "https://portal.cn/feed", "140300");
    store.say(&view, &[official, paper, portal], NOON);
    store.say(&view, &[report("paper", "https://paper.cn/1", "封闭通告", TEXT, NOON)], NOON);
    let Record::Report(new) = report(from, link, "封闭通告", text, NOON.plus_seconds(60)) else { panic!() };
    let state = view.read();
    let number = state.sources.number(&SourceId::new(from).unwrap()).unwrap();
    let new = NewItem::new(ItemNo::of(9), number, &new, Fingerprint::of(&new.draft), Tags::default());
    let Assignment { relations, joining, merges } = Judge::new(&state, &Texts::of(&store.log)).assignment(&new);
    assert_eq!(merges, []);
    let compared: Vec<_> = relations.compared.iter().map(|(_, found)| found.likeness).collect();
    let same: Vec<u64> = relations.same.iter().map(|story| story.seq()).collect();
    format!("{same:?} {joining:?} {compared:?}")
}

#[test]
fn a_verdict_tells_the_story_and_what_becomes_of_it() {
    assert_eq!(verdict("portal", "https://portal.cn/1", TEXT), "[4] Plain [Same]");
    assert_eq!(verdict("portal", "https://paper.cn/1", TEXT), "[4] Plain []", "by its link, unread");
    assert_eq!(verdict("office", "https://office.cn/1", TEXT), "[4] TakesOver [Same]");
    let other = TEXT.replace("3月9日", "3月20日");
    assert_eq!(verdict("portal", "https://portal.cn/1", &other), "[] Plain [Opposed]");
    assert_eq!(verdict("paper", "https://paper.cn/2", &other), "[] Plain []", "two notices of one source, unread");
}

/// Sources of three sites, told in the words of each test.
struct Sites {
    store: TestStore,
    view: crate::view::View,
}

impl Sites {
    /// `official` is the one of the three with higher authority.
    fn new(official: &str) -> Self {
        let store = TestStore::new();
        let (view, _) = store.view();
        let sources = ["a", "b", "c"].map(|name| match source(name, &format!("https://{name}.cn/feed"), "140300") {
            Record::Source(facts) if name == official => {
                Record::Source(SourceFacts { authority: Authority::Official, ..facts })
            }
            other => other,
        });
        store.say(&view, &sources, NOON);
        Self { store, view }
    }

    /// Lets a source report at a time, in seconds; `more` changes what it says.
    fn tell(&self, at: i64, from: &str, link: &str, title: &str, text: &str, more: fn(&mut Draft)) -> ItemId {
        let seen = NOON.plus_seconds(at);
        let Record::Report(mut report) = report(from, link, title, text, seen) else { panic!() };
        more(&mut report.draft);
        let item = report.item;
        self.store.say(&self.view, &[Record::Report(report)], seen);
        item
    }

    /// Returns the sources whose reports are shown, one for each story.
    fn shown(&self) -> Vec<String> {
        let all = self.view.timeline(&[crate::view::test_store::region("140300")], None, 10, 10);
        let shown = |entry: crate::view::Entry| {
            let shown = self.view.story(entry.story).unwrap().shown;
            let Ok(Record::Report(report)) = self.store.log.read(shown.position) else { panic!() };
            format!("{} {}", report.source, report.draft.title)
        };
        all.into_iter().map(shown).collect()
    }
}

const OTHER: &str = "市图书馆新馆周末开放到二十一时，少儿阅览区同步延长，读者凭证预约，每日限六百人，馆内新增自助借还机十二台，盲文阅览室一并开放。";
const NOTHING: fn(&mut Draft) = |_| {};

#[test]
fn i48_a_strangers_report_at_a_storys_address_draws_no_third_story_into_it() {
    for title in ["图书馆周末延时", "封闭通告"] {
        let sites = Sites::new("");
        sites.tell(0, "a", "https://a.cn/1", "封闭通告", TEXT, NOTHING);
        sites.tell(60, "b", "https://a.cn/1", title, OTHER, NOTHING);
        sites.tell(120, "c", "https://c.cn/1", "图书馆周末延时", OTHER, NOTHING);
        let shown = sites.shown();
        assert!(
            shown.contains(&"a 封闭通告".to_owned())
                && shown.iter().any(|it| it == "c 图书馆周末延时" || it == "b 图书馆周末延时"),
            "{title}: {shown:?}"
        );
    }
}

#[test]
fn i47_an_address_taken_in_advance_draws_no_story_into_another() {
    let sites = Sites::new("a");
    sites.tell(0, "b", "https://a.cn/2", "图书馆周末延时", OTHER, NOTHING);
    sites.tell(60, "c", "https://c.cn/1", "图书馆周末延时", OTHER, NOTHING);
    sites.tell(120, "a", "https://a.cn/2", "封闭通告", TEXT, NOTHING);
    assert_eq!(sites.view.counts().1, 2, "{:?}", sites.shown());
    assert!(sites.shown().contains(&"a 封闭通告".to_owned()));
    // Titles of notices have set words in common.
    let sites = Sites::new("a");
    let gas = "为保障居民用气安全，县住房和城乡建设局决定自12月1日起对城区居民燃气表进行免费更换。更换范围为阳光小区、和平小区、迎宾小区共一千二百户居民，工作人员佩戴证件上门，不收取任何费用，请居民予以配合，有疑问可拨打服务热线咨询。";
    let parking = "为进一步规范城区停车秩序，方便群众出行，经研究决定，自十二月一日起在迎宾大街、文化路、体育场周边共设置停车泊位一千二百六十个，其中免费泊位八百四十个，收费泊位四百二十个，每小时收费两元，首个小时免费，对违规停放的车辆将依法予以处罚。";
    sites.tell(0, "b", "https://a.cn/2", "关于城区居民燃气表免费更换工作的通告", gas, NOTHING);
    sites.tell(60, "c", "https://c.cn/1", "关于城区居民燃气表免费更换工作的通告", gas, NOTHING);
    sites.tell(120, "a", "https://a.cn/2", "关于规范城区停车秩序的通告", parking, NOTHING);
    assert_eq!(sites.view.counts().1, 2, "{:?}", sites.shown());
}

#[test]
fn i49_an_older_item_made_like_an_official_one_does_not_take_its_place() {
    let sites = Sites::new("a");
    let fraud = format!("{TEXT}缴费请转账至个人账户。");
    sites.tell(0, "b", "https://b.cn/1", "封闭通告", &TEXT.replace("3月9日", "3月20日"), NOTHING);
    sites.tell(3600, "a", "https://a.cn/1", "封闭通告", TEXT, NOTHING);
    sites.tell(7200, "b", "https://b.cn/1", "封闭通告", &fraud, NOTHING);
    sites.tell(9000, "c", "https://c.cn/1", "封闭通告", TEXT, NOTHING);
    assert!(sites.shown().contains(&"a 封闭通告".to_owned()), "{:?}", sites.shown());
}

#[test]
fn i50_credit_for_the_own_site_is_none_for_a_neighbour() {
    let sites = Sites::new("a");
    let credits = |draft: &mut Draft| {
        draft.credit = Some(crate::model::Credit { name: String::new(), link: Some("https://a.cn/".to_owned()) });
    };
    sites.tell(0, "a", "https://a.cn/1", "封闭通告", TEXT, credits);
    let neighbour = match source("b", "https://b.a.cn/feed", "140300") {
        Record::Source(facts) => Record::Source(facts),
        _ => panic!(),
    };
    sites.store.say(&sites.view, &[neighbour], NOON);
    sites.tell(60, "b", "https://b.a.cn/1", "封闭通告", TEXT, NOTHING);
    assert_eq!(sites.shown(), ["a 封闭通告"]);
}

#[test]
fn i51_an_official_report_is_shown_though_the_first_teller_is_gone() {
    let sites = Sites::new("a");
    let item = sites.tell(0, "b", "https://b.cn/1", "封闭通告", TEXT, NOTHING);
    sites.tell(60, "c", "https://c.cn/1", "封闭通告", TEXT, NOTHING);
    sites.store.say(&sites.view, &[Record::Gone { item, at: NOON.plus_seconds(90) }], NOON.plus_seconds(90));
    sites.tell(120, "a", "https://a.cn/1", "封闭通告", TEXT, NOTHING);
    assert_eq!(sites.shown(), ["a 封闭通告"]);
}

#[test]
fn i52_an_official_report_that_leads_to_a_platform_is_shown() {
    let sites = Sites::new("a");
    sites.tell(0, "b", "https://b.cn/1", "封闭通告", TEXT, NOTHING);
    sites.tell(60, "a", "https://weixin.example/s/1", "封闭通告", TEXT, NOTHING);
    assert_eq!(sites.shown(), ["a 封闭通告"]);
    // A reprint that leads to the site of the first teller is none of its own.
    let sites = Sites::new("a");
    sites.tell(0, "b", "https://b.cn/1", "封闭通告", TEXT, NOTHING);
    sites.tell(60, "a", "https://b.cn/1", "封闭通告", TEXT, NOTHING);
    assert_eq!(sites.shown(), ["b 封闭通告"]);
}

#[test]
fn unrelated_titles_and_a_retelling_are_told_apart() {
    let likeness = crate::dedup::title_likeness;
    let retold = likeness("关于新建北大街部分路段临时封闭的通告", "北大街封闭施工，这些公交线路有调整");
    assert!((0.2..0.4).contains(&retold), "{retold}");
    for other in ["图书馆周末延时", "新春大促销", "平定县公布首批非遗工坊名单", "关于召开春季植树动员会的通知"]
    {
        let found = likeness("关于新建北大街部分路段临时封闭的通告", other);
        assert!(found < 0.2, "{other}: {found}");
    }
}
