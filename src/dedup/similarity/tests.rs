//! Tests of the comparison of two texts.

use super::*;

/// Words are compared by hashes of sixteen bits: for every word of a text, a colliding one can be found.
#[test]
fn i21_words_with_the_numbers_of_others_are_other_words() {
    let notice = "the county council announces that the north bridge will be closed for repairs from monday until friday \
                  and asks drivers to use the southern road while buses on line three take the avenue instead of the \
                  bridge residents are asked for patience and may call the office about access to their houses";
    let mut by_number = std::collections::HashMap::new();
    let mut number = 0_u32;
    let letters = |mut number: u32| {
        let mut word = String::from("spam");
        while number > 0 {
            word.push(char::from(b'a' + u8::try_from(number % 26).unwrap()));
            number /= 26;
        }
        word
    };
    let wanted: HashSet<char> = notice.split(' ').filter(|word| !word.is_empty()).flat_map(fold).collect();
    while by_number.len() < wanted.len() && number < 3_000_000 {
        number += 1;
        let word = letters(number);
        if let [found] = fold(&word)[..]
            && wanted.contains(&found)
        {
            by_number.entry(found).or_insert(word);
        }
    }
    let forged: Vec<String> = fold(notice).iter().map(|c| by_number[c].clone()).collect();
    let forged = forged.join(" ");
    assert_eq!(fold(&forged), fold(notice), "it is forged well");
    let found = compare(&Story::new("Bridge closed", notice), &Story::new("Casino bonus", &forged));
    assert_eq!(found.likeness, Likeness::Different, "{found:?}");
}

const NOTICE: &str = "因供热管网改造，新建北大街自十二中路口至桃河桥头路段将于3月9日22时至3月12日6时临时封闭，请过往车辆绕行\
    南大街或德胜街，公交3路、15路改线运行。施工期间给沿线单位和居民带来不便，敬请谅解。请广大驾驶人提前安排出行路线，\
    服从现场交警和施工人员的指挥。咨询电话每天八时至二十时有人接听，夜间遇到紧急情况可以拨打市民热线反映。";
const TITLE: &str = "关于新建北大街部分路段临时封闭的通告";

fn check(a: (&str, &str), b: (&str, &str), expected: Likeness) {
    let (one, other) = (Story::new(a.0, a.1), Story::new(b.0, b.1));
    assert_eq!(compare(&one, &other).likeness, expected, "{} | {}", a.0, b.0);
    assert_eq!(compare(&other, &one).likeness, expected, "{} | {}, the other way round", b.0, a.0);
}

#[test]
fn what_reprints_change_is_no_difference() {
    let lead = format!("据阳泉市人民政府网站消息：{NOTICE}（责任编辑：王某）");
    let cut: String = NOTICE.chars().take(110).collect();
    let wide = NOTICE.replace('3', "３").replace("封闭", "封閉").replace("车辆", "車輛");
    let slip = NOTICE.replace("谅解", "凉解").replace("指挥", "指辉");
    for text in [NOTICE, &lead, &cut, &wide, &slip] {
        check((TITLE, NOTICE), (TITLE, text), Likeness::Same);
    }
    check((TITLE, NOTICE), ("注意绕行！北大街封路", NOTICE), Likeness::Same);
}

#[test]
fn notices_of_one_template_stay_two() {
    let swap = |pairs: &[(&str, &str)]| {
        let all = |text: &str| pairs.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to));
        (all(TITLE), all(NOTICE))
    };
    for pairs in [
        &[("3月9日", "4月9日"), ("3月12日", "4月12日")][..],
        &[("北大街", "南外街"), ("桃河桥头", "义井桥头")],
        &[("封闭", "解除封闭"), ("3月9日22时", "3月15日8时")],
    ] {
        let (title, text) = swap(pairs);
        check((TITLE, NOTICE), (&title, &text), Likeness::Opposed);
    }
    let warn = |place: &str, level: &str| {
        format!(
            "{place}气象台3月9日8时发布道路结冰{level}色预警信号：预计未来12小时内，{place}大部分路段将出现道路结冰，对交通有影响，请有关单位和人员做好防范，驾驶人减速慢行，行人注意防滑，尽量减少夜间外出。"
        )
    };
    check(("道路结冰预警", &warn("平定县", "黄")), ("道路结冰预警", &warn("盂县", "黄")), Likeness::Opposed);
    check(("道路结冰预警", &warn("平定县", "黄")), ("道路结冰预警", &warn("平定县", "橙")), Likeness::Opposed);
}

#[test]
fn a_round_up_is_none_of_its_parts() {
    let digest = format!(
        "◆北大街封闭\n{NOTICE}\n◆图书馆延时\n市图书馆新馆周末开放到二十一时，少儿阅览区同步延长，读者凭证预约。"
    );
    check((TITLE, NOTICE), ("每日要闻速览（3月9日）", &digest), Likeness::Part);
}

#[test]
fn latin_texts_are_compared_by_words() {
    let text = |street: &str, day: &str| {
        format!(
            "The council closes {street} between the station and the old bridge from {day} March until the end of the month while the gas main is replaced. Buses will take another route along the river and the market stays open every morning. Residents who need access for deliveries should call the works office before noon on the day before."
        )
    };
    check(
        ("Road closed", &text("South Street", "9")),
        ("Closure", &format!("From our reporter. {}", text("South Street", "9"))),
        Likeness::Same,
    );
    check(("Road closed", &text("South Street", "9")), ("Road closed", &text("South Street", "16")), Likeness::Opposed);
    let other = "The library opens its new reading room on Saturday with a concert by the school orchestra, and the mayor will hand out the first hundred cards to children of the town. Books can be taken home for four weeks and returned at every branch. The room stays open until nine in the evening on weekdays, and until six on Sundays.";
    check(("Road closed", &text("South Street", "9")), ("Library", other), Likeness::Different);
}

/// Two texts of one line each, tab-separated: likeness, title, text, title, text.
#[test]
fn pairs_that_look_alike_or_unlike() {
    let rows = include_str!("../../../tests/fixtures/likeness.tsv").lines().filter(|line| !line.starts_with('#'));
    let mut wrong = Vec::new();
    for row in rows {
        let columns: Vec<String> = row.split('\t').map(|column| column.replace("\\n", "\n")).collect();
        let [why, expected, title, text, other_title, other_text] = columns.as_slice() else { panic!("{row}") };
        let (one, other) = (Story::new(title, text), Story::new(other_title, other_text));
        for (a, b) in [(&one, &other), (&other, &one)] {
            let found = compare(a, b);
            let is_right = match expected.as_str() {
                "same" => found.likeness == Likeness::Same,
                "apart" => found.likeness != Likeness::Same,
                "linked" => matches!(found.likeness, Likeness::Same | Likeness::Event),
                other => panic!("{other}"),
            };
            if !is_right {
                wrong.push(format!("{why}: {title} | {other_title}: {found:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
