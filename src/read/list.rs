//! List pages: finds the list that a page is there for, and its rows.
//!
//! Links that lie on like paths of elements form a group. Each link's row is the largest element that holds no other of
//! the group, with what follows it up to the next row. Groups are weighed by what a list of news has: long and different
//! titles, dates of their own, a place outside menus and boxes; the heaviest is the list. Then rows between its rows
//! that look a little different (pinned, bold) are taken in.

use std::collections::{BTreeMap, HashMap, HashSet};

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use super::date::{self, Clock};
use super::row::{self, Row};
use super::selector::Selector;
use super::text;
use super::tree::{Id, Tree};
use super::{Fault, FaultKind, MOST_DRAFTS};
use crate::model::{Draft, Link, Precision};

/// Where the admin says that a list's parts are; what is absent is detected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListRules {
    /// The rows.
    pub item: Option<Selector>,
    /// The link, within a row.
    pub link: Option<Selector>,
    /// The title, within a row.
    pub title: Option<Selector>,
    /// The date, within a row.
    pub date: Option<Selector>,
    /// The same as written, for lists in JSON, where they are paths such as `data.list`.
    pub paths: Vec<(&'static str, String)>,
}

/// How a list was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Detection {
    /// How sure it is, in percent.
    pub confidence: u8,
    /// Why.
    pub reasons: Vec<String>,
    /// Selectors that find the same rows, and the link in a row.
    pub selectors: Option<(String, String)>,
}

/// The least rows of a list that is not pinned by config.
const FEWEST: usize = 3;

/// The most groups of links that are weighed, and the most links of each.
const MOST_GROUPS: usize = 200;
const MOST_LINKS: usize = 1500;

/// A group of links that may be the list.
struct Group {
    rows: Vec<Row>,
    weight: f64,
    dated: usize,
    /// Where the links say no more than "agenda" or "download": which text beside them is the title.
    beside: Option<usize>,
}

/// Reads the list of a page.
pub(super) fn read(
    tree: &Tree<'_>,
    url: &Link,
    rules: &ListRules,
    clock: Clock<'_>,
    faults: &mut Vec<Fault>,
) -> (Vec<Draft>, Detection) {
    let base = base(tree, url);
    let Some(group) = (if rules.item.is_some() || rules.link.is_some() {
        pinned(tree, &base, rules, clock, faults)
    } else {
        detect(tree, url, &base, clock)
    }) else {
        return (
            Vec::new(),
            Detection { reasons: vec!["no group of links looks like a list".into()], ..Detection::default() },
        );
    };
    let mostly_dated = group.dated * 5 >= group.rows.len() * 4;
    let mut drafts = Vec::with_capacity(group.rows.len());
    let mut seen = HashSet::new();
    for row in &group.rows {
        let Some(mut draft) = row::draft(tree, row, &base, group.beside, clock) else { continue };
        overrule(tree, row, rules, clock, &mut draft, faults);
        // A short row without a date among rows with dates is the name of a column.
        if mostly_dated && row::width(&draft.title) < 12 && !row::has_date(tree, row, clock) {
            continue;
        }
        if draft.title.is_empty() || !seen.insert((draft.link.clone(), group.beside.map(|_| draft.title.clone()))) {
            continue;
        }
        if drafts.len() == MOST_DRAFTS {
            faults.push(Fault::new(
                FaultKind::TooMany,
                "list",
                format!("it has more than {MOST_DRAFTS} rows; the first were read"),
            ));
            break;
        }
        drafts.push(draft);
    }
    settle_dates(&mut drafts, clock);
    let detection = describe(tree, &group, &drafts, rules);
    (drafts, detection)
}

/// Whether the page's dates begin with the month or the day.
pub(super) fn order(tree: &Tree<'_>) -> date::Order {
    let texts: Vec<String> = tree
        .texts(0)
        .filter(|(_, text)| text.len() < 80 && text.bytes().any(|b| b.is_ascii_digit()))
        .map(|(_, text)| text.into_owned())
        .collect();
    match date::order_of(
        texts.iter().flat_map(|text| text.split(|c: char| c.is_whitespace() || matches!(c, ',' | '(' | ')'))),
    ) {
        date::Order::Unknown => {
            let language =
                tree.elements(0).take(8).find(|id| tree.is(*id, &["html"])).and_then(|id| tree.attribute(id, "lang"));
            if language.is_some_and(|language| language.eq_ignore_ascii_case("en-us")) {
                date::Order::MonthFirst
            } else {
                date::Order::Unknown
            }
        }
        order => order,
    }
}

/// Where a page without a list sends its reader: an inner frame, or a forwarding.
pub(super) fn elsewhere(tree: &Tree<'_>, url: &Link) -> Option<Link> {
    let base = base(tree, url);
    let framed = tree.elements(0).filter(|id| tree.is(*id, &["iframe", "frame"])).filter_map(|id| {
        let address = base.join(tree.attribute(id, "src")?.trim()).ok()?;
        let is_small = ["width", "height"].iter().any(|side| {
            tree.attribute(id, side)
                .is_some_and(|side| side.trim_end_matches("px").parse::<u32>().is_ok_and(|size| size < 100))
        });
        (!is_small && address.registrable_domain() == url.registrable_domain() && address != *url).then_some(address)
    });
    let forwarded = tree.elements(0).filter(|id| tree.is(*id, &["meta"])).filter_map(|id| {
        let is_refresh = tree.attribute(id, "http-equiv").is_some_and(|name| name.eq_ignore_ascii_case("refresh"));
        let content = tree.attribute(id, "content").filter(|_| is_refresh)?;
        let at = content.to_ascii_lowercase().find("url=")?;
        let to = base.join(content.get(at + 4..)?.trim().trim_matches(['"', '\''])).ok()?;
        (to.without_fragment() != url.without_fragment()).then_some(to)
    });
    forwarded.chain(framed).next()
}

/// The address that relative links belong to.
pub(super) fn base(tree: &Tree<'_>, url: &Link) -> Link {
    let written =
        (1..tree.len().min(2000)).find(|id| tree.is(*id, &["base"])).and_then(|id| tree.attribute(id, "href"));
    written.and_then(|href| url.join(href.trim()).ok()).unwrap_or_else(|| url.clone())
}

/// What a config selector finds takes the place of what was detected; one that finds nothing is told.
fn overrule(
    tree: &Tree<'_>,
    row: &Row,
    rules: &ListRules,
    clock: Clock<'_>,
    draft: &mut Draft,
    faults: &mut Vec<Fault>,
) {
    let mut pick = |name: &'static str, selector: &Option<Selector>| {
        let selector = selector.as_ref()?;
        let found = selector.find(tree, row.from, row.to);
        if found.is_none() && !faults.iter().any(|fault| fault.kind == FaultKind::Selector && fault.place == name) {
            faults.push(Fault::new(
                FaultKind::Selector,
                name,
                format!("`{selector}` matches nothing in a row of the list"),
            ));
        }
        found
    };
    if let Some(id) = pick("list.title", &rules.title) {
        let title = tree.attribute(id, "title").map(|title| text::line(&title)).filter(|title| !title.is_empty());
        draft.title = title.unwrap_or_else(|| tree.line(id));
        draft.found.push(("title", "config".into()));
    }
    if let Some(id) = pick("list.date", &rules.date) {
        let line = tree.line(id);
        draft.published = date::parse(&line, clock).or_else(|| date::find(&line, clock).map(|(stamp, _)| stamp));
        draft.found.push(("published", "config".into()));
    }
}

/// The rows that the config names.
fn pinned(tree: &Tree<'_>, base: &Link, rules: &ListRules, clock: Clock<'_>, faults: &mut Vec<Fault>) -> Option<Group> {
    let mut rows = Vec::new();
    let usable = |id: Id| row::target(tree, id, base).is_some();
    if let Some(item) = &rules.item {
        let items = item.find_all(tree, 0, tree.len());
        if items.is_empty() {
            faults.push(Fault::new(FaultKind::Selector, "list.item", format!("`{item}` matches nothing in this page")));
        }
        for id in items {
            let (from, to) = (id, tree.end(id));
            let link = match &rules.link {
                Some(selector) => selector.find_all(tree, from, to).into_iter().find(|id| usable(*id)),
                None => row::best_link(tree, from, to, base),
            };
            rows.extend(link.map(|link| Row { link, from, to }));
        }
        if rows.is_empty()
            && let Some(selector) = &rules.link
        {
            faults.push(Fault::new(FaultKind::Selector, "list.link", format!("`{selector}` matches no link in a row")));
        }
    } else if let Some(selector) = &rules.link {
        let links: Vec<Id> = selector.find_all(tree, 0, tree.len()).into_iter().filter(|id| usable(*id)).collect();
        if links.is_empty() {
            faults.push(Fault::new(
                FaultKind::Selector,
                "list.link",
                format!("`{selector}` matches no link in this page"),
            ));
        }
        rows = rows_of(tree, &links, clock);
    }
    let dated = rows.iter().filter(|row| row::has_date(tree, row, clock)).count();
    (!rows.is_empty()).then_some(Group { rows, weight: 1.0, dated, beside: None })
}

fn detect(tree: &Tree<'_>, url: &Link, base: &Link, clock: Clock<'_>) -> Option<Group> {
    let paths = paths(tree);
    let mut groups: HashMap<u64, Vec<Id>> = HashMap::new();
    let mut order = Vec::new();
    let in_head = |id: Id| {
        tree.ancestors(id).take(6).any(|up| {
            tree.is(up, &["th", "thead"]) && !tree.elements(tree.parent(up)).any(|cell| tree.is(cell, &["td"]))
        })
    };
    for id in tree.elements(0).filter(|id| tree.is(*id, &["a"]) && !in_head(*id)) {
        let Some(target) = row::target(tree, id, base) else { continue };
        if target.canonical() == url.canonical()
            || row::is_generic(&tree.line(id)) && !tree.line(id).is_empty() && is_paging(tree, id)
        {
            continue;
        }
        let path = paths.get(id).copied().unwrap_or(0);
        let members = groups.entry(path).or_default();
        if members.is_empty() {
            order.push(path);
        }
        members.push(id);
    }
    let mut best: Option<Group> = None;
    // A page of many little groups is looked at by its larger ones.
    let size = |path: &u64| groups.get(path).map_or(0, Vec::len);
    if order.len() > MOST_GROUPS {
        order.sort_by_key(|path| std::cmp::Reverse(size(path)));
        order.truncate(MOST_GROUPS);
    }
    for path in order {
        let Some(members) = groups.get(&path) else { continue };
        let links = once_each(tree, members, base);
        if links.len() < FEWEST {
            continue;
        }
        for group in readings(tree, &links, url, base, clock) {
            if best.as_ref().is_none_or(|best| group.weight > best.weight) {
                best = Some(group);
            }
        }
    }
    best
}

/// Next, previous, 1, 2, 3.
fn is_paging(tree: &Tree<'_>, id: Id) -> bool {
    let line = tree.line(id);
    line.chars().all(|c| !c.is_alphabetic()) || line.chars().count() <= 5
}

/// One number for the path of elements to each element: equal for rows of one list. Digits in classes and the classes
/// of state (odd, last, active) do not count.
fn paths(tree: &Tree<'_>) -> Vec<u64> {
    let mut paths = vec![0; tree.len()];
    for id in tree.elements(0).skip(1) {
        let parent = paths.get(tree.parent(id)).copied().unwrap_or(0);
        // Pinned rows are often bold.
        let mut path = if tree.is(id, &["b", "strong", "em", "i", "u", "font"]) {
            parent
        } else {
            xxh3_64_with_seed(tree.name(id).as_bytes(), parent)
        };
        // The classes of rows and cells often alternate.
        if path != parent
            && !tree.is(id, &["tr", "td", "th", "li", "tbody", "p"])
            && let Some(class) = tree.classes(id).map(stem).find(|class| !is_state(class))
        {
            path = xxh3_64_with_seed(class.as_bytes(), path);
        }
        if let Some(slot) = paths.get_mut(id) {
            *slot = path;
        }
    }
    paths
}

fn stem(class: &str) -> String {
    let class = class.to_ascii_lowercase();
    class.trim_end_matches(|c: char| c.is_ascii_digit() || c == '-' || c == '_').to_owned()
}

fn is_state(class: &str) -> bool {
    const WORDS: [&str; 30] = [
        "",
        "odd",
        "even",
        "first",
        "last",
        "on",
        "active",
        "current",
        "cur",
        "top",
        "new",
        "hot",
        "red",
        "line",
        "bor",
        "alt",
        "alternate",
        "noborder",
        "clear",
        "clearfix",
        "cf",
        "fl",
        "left",
        "fr",
        "right",
        "bg",
        "row",
        "sticky",
        "bold",
        "no",
    ];
    WORDS.contains(&class)
}

/// Of links with one target that follow each other, the one with the most text: a picture and a title are one row.
fn once_each(tree: &Tree<'_>, members: &[Id], base: &Link) -> Vec<Id> {
    let mut kept: Vec<(u64, usize, Id)> = Vec::with_capacity(members.len());
    for id in members.iter().take(MOST_LINKS) {
        let Some(target) = row::target(tree, *id, base) else { continue };
        let (hash, width) = (xxh3_64(target.as_str().as_bytes()), row::width(&row::title_of_link(tree, *id)));
        match kept.last_mut() {
            Some((last, wide, at)) if *last == hash => {
                if width > *wide {
                    (*wide, *at) = (width, *id);
                }
            }
            _ => kept.push((hash, width, *id)),
        }
    }
    kept.into_iter().map(|(_, _, id)| id).collect()
}

/// The ways to see a group of links: each a row, or several to a row (notice, agenda and minutes of one meeting).
fn readings(tree: &Tree<'_>, links: &[Id], url: &Link, base: &Link, clock: Clock<'_>) -> Vec<Group> {
    let rows = complete(tree, rows_of(tree, links, clock), base);
    let mut groups = vec![weigh(tree, rows, url, base, clock)];
    // Where rows of a table hold one file or several, the row is the item and its first link the address.
    let mut lifted: Vec<Row> = Vec::new();
    for id in links {
        let Some(holder) = tree.ancestors(*id).skip(1).find(|up| tree.is(*up, &["tr", "article"])) else { continue };
        if lifted.last().is_none_or(|row| row.from != holder) {
            lifted.push(Row { link: *id, from: holder, to: tree.end(holder) });
        }
    }
    if lifted.len() >= FEWEST && lifted.len() < links.len() {
        let mut group = weigh(tree, lifted, url, base, clock);
        group.weight *= 1.08;
        groups.push(group);
    }
    groups
}

/// The rows of links: for each the largest element that holds no other, and what follows it up to the next row.
fn rows_of(tree: &Tree<'_>, links: &[Id], clock: Clock<'_>) -> Vec<Row> {
    let mut before = vec![0_u32; tree.len() + 1];
    let mut count = 0;
    let mut next = links.iter().peekable();
    for (id, slot) in before.iter_mut().enumerate() {
        *slot = count;
        if next.next_if(|link| **link == id).is_some() {
            count += 1;
        }
    }
    let within = |id: Id| before.get(tree.end(id)).copied().unwrap_or(count) - before.get(id).copied().unwrap_or(0);
    let holders: Vec<Id> = links
        .iter()
        .map(|link| {
            tree.ancestors(*link)
                .take_while(|id| within(*id) <= 1 && !tree.is(*id, &["body", "html"]))
                .last()
                .unwrap_or(*link)
        })
        .collect();
    let forward: Vec<Row> = holders
        .iter()
        .zip(links)
        .enumerate()
        .map(|(at, (holder, link))| {
            let parent = tree.parent(*holder);
            let next = holders.get(at + 1).filter(|next| tree.parent(**next) == parent);
            let to = match next {
                Some(next) => *next,
                // The last row has no next one to end it: it is as long as the others, a heading or a gap ends it.
                None if at > 0 && links.len() > 1 => {
                    let siblings = holders.get(at - 1).filter(|last| tree.parent(**last) == parent).map_or(1, |last| {
                        tree.children(parent).filter(|child| (*last..*holder).contains(child)).count().max(1)
                    });
                    let end = tree.end(parent);
                    tree.children(parent).filter(|child| *child >= *holder).nth(siblings).unwrap_or(end)
                }
                None => tree.end(*holder),
            };
            Row { link: *link, from: *holder, to: to.max(tree.end(*holder)) }
        })
        .collect();
    // Where the date stands before the title, the row begins behind the row before; then the last row shows whose the
    // dates are.
    let probe = |rows: &[Row]| {
        rows.iter()
            .take(6)
            .chain(rows.iter().skip(6).rev().take(6))
            .filter(|row| row::has_date(tree, row, clock))
            .count()
    };
    let dated = probe(&forward);
    if dated < links.len().min(12) {
        let backward: Vec<Row> = holders
            .iter()
            .zip(links)
            .enumerate()
            .map(|(at, (holder, link))| {
                let parent = tree.parent(*holder);
                let last =
                    at.checked_sub(1).and_then(|at| holders.get(at)).filter(|last| tree.parent(**last) == parent);
                let from = last.map_or_else(
                    || {
                        let before: Vec<Id> = tree.children(parent).filter(|child| child < holder).collect();
                        before
                            .len()
                            .checked_sub(3)
                            .map_or_else(|| before.first().copied(), |at| before.get(at).copied())
                            .unwrap_or(*holder)
                    },
                    |last| tree.end(*last),
                );
                Row { link: *link, from: from.min(*holder), to: tree.end(*holder) }
            })
            .collect();
        if probe(&backward) > dated {
            return backward;
        }
    }
    forward
}

/// Takes in the rows between the rows that look a little different.
fn complete(tree: &Tree<'_>, rows: Vec<Row>, base: &Link) -> Vec<Row> {
    /// What is known of the rows of one parent: how many, the first's name, and whether each is one element.
    struct Like {
        count: usize,
        name: String,
        simple: bool,
    }
    let is_simple = |row: &Row| {
        let children = std::iter::successors(Some(row.from), |id| Some(tree.end(*id).max(*id + 1)));
        children.take_while(|id| *id < row.to).filter(|id| !tree.name(*id).is_empty()).count() == 1
    };
    let mut parents: BTreeMap<Id, Like> = BTreeMap::new();
    for row in &rows {
        let name = || Like { count: 0, name: tree.name(row.from).to_owned(), simple: true };
        let like = parents.entry(tree.parent(row.from)).or_insert_with(name);
        like.count += 1;
        like.simple = like.simple && is_simple(row);
    }
    let taken: HashSet<Id> = rows.iter().map(|row| row.from).collect();
    let mut all = rows;
    for (parent, Like { count, name, simple }) in parents {
        if count < 2 || !simple || matches!(&*name, "a" | "" | "span" | "b" | "strong") {
            continue;
        }
        for child in tree.children(parent) {
            if tree.name(child) == name
                && !taken.contains(&child)
                && let Some(link) = row::best_link(tree, child, tree.end(child), base)
                && row::width(&row::title_of_link(tree, link)) >= 8
            {
                all.push(Row { link, from: child, to: tree.end(child) });
            }
        }
    }
    all.sort_unstable_by_key(|row| row.from);
    all
}

fn weigh(tree: &Tree<'_>, rows: Vec<Row>, url: &Link, base: &Link, clock: Clock<'_>) -> Group {
    let titles: Vec<String> = rows.iter().map(|row| row::title_of_link(tree, row.link)).collect();
    let distinct: HashSet<&String> = titles.iter().collect();
    let generic = titles.iter().filter(|title| row::is_generic(title)).count();
    let beside = distinct.len() * 2 < rows.len() || generic * 2 > rows.len();
    let column = if beside { row::column_beside(tree, &rows, clock) } else { 0 };
    let targets: HashSet<String> =
        rows.iter().filter_map(|row| Some(row::target(tree, row.link, base)?.canonical())).collect();
    let (mut sum, mut dated, mut near) = (0.0, 0, 0);
    let folder = url.path().rsplit_once('/').map_or("", |(folder, _)| folder);
    for (at, (row, title)) in rows.iter().zip(&titles).enumerate() {
        let title = if beside { row::title_beside(tree, row, column, clock) } else { title.clone() };
        let width = row::width(&title);
        let worth = f64::from(u32::try_from(width.min(40)).unwrap_or(40)) / 40.0;
        // The hundredth row says less of the page's purpose than the tenth.
        let place = if at < 30 { 1.0 } else { 0.4 };
        sum += place * worth * if width < 10 { 0.3 } else { 1.0 };
        dated += usize::from(row::has_date(tree, row, clock));
        near += usize::from(
            row::target(tree, row.link, base).is_some_and(|to| !folder.is_empty() && to.path().starts_with(folder)),
        );
    }
    let count = f64::from(u32::try_from(rows.len().max(1)).unwrap_or(1));
    let share = |part: usize| f64::from(u32::try_from(part).unwrap_or(0)) / count;
    let mut weight =
        sum * (1.0 + 3.0 * share(dated)) * share(targets.len()) * share(targets.len()) * (1.0 + 0.3 * share(near));
    if beside {
        weight *= 0.5;
    }
    weight *= place(tree, &rows);
    Group { rows, weight, dated, beside: beside.then_some(column) }
}

/// How much a place speaks for a list: menus, footers and boxes beside the matter speak against it.
fn place(tree: &Tree<'_>, rows: &[Row]) -> f64 {
    const AGAINST: [(&str, f64); 30] = [
        ("nav", 0.4),
        ("menu", 0.4),
        ("foot", 0.3),
        ("crumb", 0.2),
        ("pagin", 0.2),
        ("pager", 0.2),
        ("friend", 0.3),
        ("links", 0.5),
        ("hot", 0.5),
        ("rank", 0.4),
        ("recommend", 0.5),
        ("related", 0.4),
        ("sidebar", 0.4),
        ("aside", 0.5),
        ("widget", 0.5),
        ("tagcloud", 0.3),
        ("share", 0.4),
        ("login", 0.3),
        ("lang", 0.5),
        ("copyright", 0.3),
        ("banner", 0.5),
        ("slide", 0.5),
        ("carousel", 0.5),
        ("swiper", 0.5),
        ("breaking", 0.5),
        ("ticker", 0.5),
        ("comment", 0.4),
        ("marquee", 0.5),
        ("dropdown", 0.4),
        ("popup", 0.4),
    ];
    let Some(first) = rows.first() else { return 0.0 };
    let mut factor: f64 = 1.0;
    for id in tree.ancestors(tree.parent(first.from)).take(12) {
        factor = factor.min(match tree.name(id) {
            "nav" | "footer" => 0.2,
            "aside" => 0.4,
            "body" | "html" => continue,
            _ => 1.0,
        });
        let labels = tree.labels(id);
        for (word, against) in AGAINST {
            if labels.contains(word) && !labels.contains("navigation-list") {
                factor = factor.min(against);
            }
        }
    }
    factor
}

/// Takes the dates away where each row shows the present moment: a moving clock is no date of the rows.
fn settle_dates(drafts: &mut [Draft], clock: Clock<'_>) {
    let now: Vec<bool> = drafts
        .iter()
        .filter_map(|draft| draft.published)
        .map(|stamp| stamp.precision == Precision::Second && stamp.at.since(clock.now).abs() < 5000)
        .collect();
    if now.len() > 2 && now.iter().all(|is_now| *is_now) {
        drafts.iter_mut().for_each(|draft| draft.published = None);
    }
}

fn describe(tree: &Tree<'_>, group: &Group, drafts: &[Draft], rules: &ListRules) -> Detection {
    let total = drafts.len();
    if rules.item.is_some() || rules.link.is_some() {
        return Detection {
            confidence: 100,
            reasons: vec![format!("{total} rows by the config's selectors")],
            selectors: None,
        };
    }
    let dated = drafts.iter().filter(|draft| draft.published.is_some()).count();
    let wide = drafts.iter().filter(|draft| row::width(&draft.title) >= 12).count();
    let mut reasons = vec![
        format!("{total} rows of one shape"),
        format!("{dated} with a date"),
        format!("{wide} with a title of some length"),
    ];
    if group.dated == 0 {
        reasons.push("no row shows a date of its own".into());
    }
    if group.beside.is_some() {
        reasons.push("the titles stand beside the links".into());
    }
    let of = |part: usize, most: usize| part * most / total.max(1);
    let outside = place(tree, &group.rows);
    if outside < 1.0 {
        reasons.push("it lies in what looks like a menu or a box".into());
    }
    let confidence = 20 + of(dated, 40) + of(wide, 25) + if total >= 8 { 15 } else { 5 };
    let confidence = if outside < 1.0 { confidence * 2 / 3 } else { confidence };
    Detection { confidence: u8::try_from(confidence.min(99)).unwrap_or(0), reasons, selectors: selectors(tree, group) }
}

/// Selectors that find the same rows: by the classes and ids around them.
fn selectors(tree: &Tree<'_>, group: &Group) -> Option<(String, String)> {
    let first = group.rows.first()?;
    let step = |id: Id| {
        let name = tree.name(id);
        let plain = |text: &str| {
            !text.is_empty()
                && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
                && !text.starts_with(|c: char| c.is_ascii_digit())
        };
        let own = tree.attribute(id, "id").filter(|own| plain(own) && !own.chars().any(|c| c.is_ascii_digit()));
        match own {
            Some(own) => (format!("{name}#{own}"), true),
            None => {
                let class = tree.classes(id).find(|class| {
                    plain(class) && !is_state(&stem(class)) && !class.chars().any(|c| c.is_ascii_digit())
                });
                (class.map_or_else(|| name.to_owned(), |class| format!("{name}.{class}")), false)
            }
        }
    };
    let mut steps = vec![tree.name(first.from).to_owned()];
    for id in tree.ancestors(tree.parent(first.from)).filter(|id| !tree.is(*id, &["body", "html"])).take(4) {
        let (text, is_sure) = step(id);
        steps.push(text);
        if is_sure {
            break;
        }
    }
    steps.reverse();
    let link = if first.from == first.link { String::new() } else { step(first.link).0 };
    Some((steps.join(" > "), link))
}
