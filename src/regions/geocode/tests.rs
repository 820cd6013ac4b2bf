//! Tests of how items are placed in regions.

use super::*;
use crate::model::Regions;

fn check(places: &Places, source: &str, title: &str, text: &str, expected: &[&str]) {
    check_draft(places, source, &Draft { title: title.into(), text: text.into(), ..Draft::default() }, expected);
}

fn check_draft(places: &Places, source: &str, draft: &Draft, expected: &[&str]) {
    let tags = places.place(&RegionId::new(source).unwrap(), draft, true);
    let found: Vec<String> =
        tags.iter().map(|tag| format!("{} {}", tag.region.as_str(), tag.evidence.word())).collect();
    assert_eq!(found, expected, "{}", draft.title);
}

#[test]
fn the_deepest_place_that_the_words_support() {
    let regions = Regions::new(true, Vec::new(), Vec::new(), Vec::new()).unwrap();
    let places = Places::new(&regions);
    let check =
        |source: &str, title: &str, text: &str, expected: &[&str]| check(&places, source, title, text, expected);
    check("140300", "平定县新建两座桥", "", &["140321 county"]);
    check("140000", "平定县和盂县共修一条路", "", &["140321 county", "140322 county"]);
    check("140300", "城区背街小巷完成修补", "城区街道逐条登记。", &["140302 county"]);
    check("140500", "城区背街小巷完成修补", "", &["140502 county"]);
    check("140300", "平定县城区道路改造", "", &["140321 county"]);
    check("140300", "主城区新增停车位", "", &["140300 inherited"]);
    check("140321", "我县召开春耕会议", "", &["140321 own"]);
    check("140321", "我市公布供暖时间", "", &["140300 own"]);
    check("140300", "我省公布招生计划", "", &["140000 own"]);
    check("140300", "河北省井陉县与平定县共建步道", "", &["130121 county", "140321 county"]);
    check("140300", "流感季怎样防护", "勤洗手，多通风。", &["140300 inherited"]);
}

#[test]
fn the_code_of_who_speaks_is_stronger_than_the_source() {
    let regions = Regions::new(true, Vec::new(), Vec::new(), Vec::new()).unwrap();
    let places = Places::new(&regions);
    let coded = |code: &str, alert: Option<&str>, title: &str| Draft {
        title: title.to_owned(),
        code: Some(code.to_owned()),
        alert: alert.map(str::to_owned),
        ..Draft::default()
    };
    check_draft(&places, "140300", &coded("140321", None, "防汛值班电话公布"), &["140321 code"]);
    check_draft(&places, "140300", &coded("140000", None, "防汛值班电话公布"), &["140300 inherited"]);
    check_draft(&places, "140300", &coded("140321", None, "盂县道路抢通"), &["140322 county"]);
    let warning = |code: &str, title: &str| coded(code, Some("a"), title);
    check_draft(&places, "100000", &warning("140300", "发布道路结冰黄色预警"), &["140300 code"]);
    check_draft(&places, "140300", &warning("140300", "平定县、盂县有大雾"), &["140321 county", "140322 county"]);
    check_draft(&places, "140300", &warning("130121", "山西省平定县方向有雨"), &["130121 code"]);
    check_draft(&places, "140000", &warning("140390", "大风蓝色预警"), &["140300 code"]);
}

#[test]
fn lists_of_places_are_no_tags() {
    let regions = Regions::new(true, Vec::new(), Vec::new(), Vec::new()).unwrap();
    let places = Places::new(&regions);
    let cities = "广东省广州市、四川省成都市、湖北省武汉市、江苏省南京市、浙江省杭州市、陕西省西安市";
    check(&places, "140321", &format!("{cities}好消息"), "", &["140321 inherited"]);
    check(&places, "140321", "广东省广州市 四川省成都市 湖北省武汉市好消息", "", &["140321 inherited"]);
    check(&places, "140300", "河北省井陉县与平定县共建步道", "", &["130121 county", "140321 county"]);
    let six = "平定县、盂县、榆次区、太谷区、祁县、平遥县";
    check(&places, "140000", &format!("{six}开展检查"), "", &["140000 county"]);
}

#[test]
fn a_warning_of_a_stranger_is_of_the_strangers_own_region() {
    let regions = Regions::new(true, Vec::new(), Vec::new(), Vec::new()).unwrap();
    let places = Places::new(&regions);
    let warning = Draft {
        title: "北京市发布暴雨红色预警".to_owned(),
        code: Some("110000".to_owned()),
        alert: Some("11000041600000_20230309102700".to_owned()),
        ..Draft::default()
    };
    let source = RegionId::new("140321").unwrap();
    let tags = places.place(&source, &warning, false);
    assert_eq!(tags, [Tag { region: source, evidence: Evidence::Inherited }]);
    assert!(places.is_coded_within("110000", &RegionId::new("110000").unwrap()));
    assert!(!places.is_coded_within("110000", &RegionId::new("140321").unwrap()));
}

#[test]
fn ordinary_words_are_no_places() {
    let regions = Regions::new(true, Vec::new(), Vec::new(), Vec::new()).unwrap();
    let places = Places::new(&regions);
    for (title, text) in [
        ("供销合作市场化改革启动", "推进合作市场建设。"),
        ("资源整合带来新变化", "和平与发展是主题，友好往来不断。"),
        ("农贸市场重新开业", "市场里人来人往。"),
        ("外地代表团来访", "河北省井陉县党政代表团前来考察。"),
    ] {
        check(&places, "140300", title, text, &["140300 inherited"]);
    }
}

/// The texts of `tests/fixtures/places.tsv`, each with a trap.
#[test]
fn names_mean_what_a_reader_takes_them_for() {
    let regions = Regions::new(true, Vec::new(), Vec::new(), Vec::new()).unwrap();
    let places = Places::new(&regions);
    let mut wrong = Vec::new();
    let rows = include_str!("../../../tests/fixtures/places.tsv").lines().filter(|line| !line.starts_with('#'));
    for row in rows {
        let columns: Vec<&str> = row.split('\t').collect();
        let [trap, source, title, text, expected, rest @ ..] = columns.as_slice() else { panic!("{row}") };
        let path = rest.first().unwrap_or(&"/n/1.html");
        let draft = Draft {
            title: (*title).into(),
            text: (*text).into(),
            link: Some(format!("https://news.example.cn{path}")),
            ..Draft::default()
        };
        let tags = places.place(&RegionId::new(source).unwrap(), &draft, true);
        let mut found: Vec<&str> = tags.iter().map(|tag| tag.region.as_str()).collect();
        found.sort_unstable();
        let is_right = expected.split('|').any(|codes| {
            let mut codes: Vec<&str> = codes.split(',').collect();
            codes.sort_unstable();
            codes == found
        });
        if !is_right {
            wrong.push(format!("{trap}: {title}: {expected} expected, {found:?} found"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
