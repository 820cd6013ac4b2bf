//! What a store of a million items costs: `cargo bench --bench million -- [ITEMS]`. Prints CPU microseconds for a new item
//! (log, sync, judging, view) with few and with many known ones, what the store takes on disk and in memory, how long it
//! takes to open, and how long to make it anew. It needs about 4 GB of disk in the temporary folder.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a benchmark ends with its first surprise, and prints what it measured"
)]

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use dayuan::log::{Log, Record, SourceFacts};
use dayuan::model::{Authority, Draft, ItemId, Key, Moment, RegionId, Regions, Report, SourceId, Stamp, Zone};
use dayuan::regions::Places;
use dayuan::view::{Options, View};

/// The day of the first item.
const START: Moment = Moment::from_seconds(1_672_531_200);
/// How many come each day: 150,000 within 14 days.
const A_DAY: i64 = 10_714;
/// How many are committed with one sync: what one poll brings.
const BATCH: usize = 30;
const SOURCES: usize = 1_000;

/// A generator without a seed from outside: every run is the same (Knuth's MMIX constants).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }
}

/// A notice of some 400 characters: formulas that many notices share, and words and numbers of its own.
fn draft(number: usize, published: Moment) -> Draft {
    const FORMULAS: [&str; 8] = [
        "为进一步做好相关工作，切实保障群众合法权益，现将有关事项通知如下。",
        "请各单位高度重视，加强组织领导，压实工作责任，确保各项任务落到实处。",
        "施工期间给您带来不便，敬请谅解，请过往车辆和行人注意安全。",
        "记者从市政府新闻办公室召开的新闻发布会上了解到。",
        "会议强调，要坚持以人民为中心的发展思想，持续改善民生。",
        "咨询电话工作日接听，逾期不再受理，特此公告。",
        "根据有关法律法规规定，经研究决定。",
        "下一步，将继续加大投入力度，推动项目早日建成投用。",
    ];
    let mut dice = Dice(number as u64 * 7919 + 1);
    let mut word = |length: usize| -> String {
        (0..length).map(|_| char::from_u32(0x4e00 + u32::try_from(dice.roll(3500)).unwrap()).unwrap()).collect()
    };
    let title = format!("关于{}的通告", word(10));
    let mut text = String::new();
    for _ in 0..4 {
        text.push_str(&word(70));
        text.push('，');
    }
    let mut dice = Dice(number as u64 * 104_729 + 3);
    text.push_str(&format!(
        "共投资{}万元，涉及{}户{}人，{}月{}日开始。",
        dice.roll(9000) + 100,
        dice.roll(900) + 10,
        dice.roll(9000) + 10,
        dice.roll(12) + 1,
        dice.roll(28) + 1
    ));
    for _ in 0..3 {
        text.push_str(FORMULAS[dice.roll(FORMULAS.len())]);
    }
    Draft {
        title,
        link: Some(format!("https://s{}.example.cn/{number}.html", number % SOURCES)),
        text,
        published: Some(Stamp { at: published, precision: dayuan::model::Precision::Second, offset: 28_800 }),
        ..Draft::default()
    }
}

fn report(number: usize, seen: Moment) -> Record {
    let source = SourceId::new(&format!("s{}", number % SOURCES)).unwrap();
    let draft = draft(number, seen);
    let key = Key::of(None, draft.checked_link().as_ref(), &draft.title, None).unwrap();
    let item = ItemId::of(&source, &key);
    Record::Report(Box::new(Report { item, key, source, seen, reader: 1, first_import: false, draft }))
}

/// Seconds of CPU that this process has used (proc(5), stat: utime and stime, in hundredths).
fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / 100.0
}

/// Resident memory in MB.
fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
}

fn size(folder: &Path) -> f64 {
    let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    entries
        .map(|entry| {
            let kind = entry.metadata().unwrap();
            if kind.is_dir() {
                size(&entry.path())
            } else {
                f64::from(u32::try_from(kind.len() / 1024).unwrap()) / 1024.0
            }
        })
        .sum()
}

/// Adds the items from `from` up to `to`, and returns CPU microseconds an item: of the log with its syncs, of judging and
/// placing, and of the view's store.
fn add(log: &Log, view: &View, from: usize, to: usize) -> [f64; 3] {
    let mut spent = [0.0; 3];
    for start in (from..to).step_by(BATCH * 20) {
        let records: Vec<Record> = (start..(start + BATCH * 20).min(to))
            .map(|number| report(number, START.plus_seconds(i64::try_from(number).unwrap() * 86_400 / A_DAY)))
            .collect();
        let at = START.plus_seconds(i64::try_from(start).unwrap() * 86_400 / A_DAY);
        let before = cpu();
        let appended: Vec<_> = records.chunks(BATCH).map(|batch| log.append(batch, at).unwrap()).collect();
        let logged = cpu();
        for (appended, batch) in appended.iter().zip(records.chunks(BATCH)) {
            view.apply_in_memory(appended, batch);
        }
        let judged = cpu();
        view.persist().unwrap();
        for (sum, part) in spent.iter_mut().zip([logged - before, judged - logged, cpu() - judged]) {
            *sum += part;
        }
    }
    spent.map(|seconds| seconds * 1e6 / f64::from(u32::try_from(to - from).unwrap()))
}

/// Does something in a process of its own, whose memory is nothing else's.
fn alone(what: &str, folder: &Path) {
    let status = std::process::Command::new(std::env::current_exe().unwrap()).arg(what).arg(folder).status().unwrap();
    assert!(status.success());
}

fn places() -> Arc<Places> {
    Arc::new(Places::new(&Regions::new(true, Vec::new(), Vec::new(), Vec::new()).unwrap()))
}

fn open(folder: &Path, name: &str, done: &str) {
    let (began, before) = (Instant::now(), cpu());
    let log = Arc::new(Log::open(&folder.join("log")).unwrap().0);
    let options = Options { path: folder.join(name), rules: String::new(), places: places() };
    let (view, notices) = View::open(&options, log, &|_| {}).unwrap();
    let first = view.timeline(&[RegionId::new("140300").unwrap()], None, 50, 50).len();
    println!(
        "{done} in {:.1} s ({:.1} CPU-s), {first} of the newest, {notices:?}; resident {:.0} MB, {}",
        began.elapsed().as_secs_f64(),
        cpu() - before,
        resident(),
        view.digest()
    );
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.as_slice() {
        [what, folder] if what == "open" => return open(Path::new(folder), "view", "opened"),
        [what, folder] if what == "rebuild" => return open(Path::new(folder), "again", "made anew"),
        _ => {}
    }
    let items: usize = words.iter().find_map(|word| word.parse().ok()).unwrap_or(1_000_000);
    let folder = tempfile::tempdir().unwrap();
    let options = Options { path: folder.path().join("view"), rules: String::new(), places: places() };
    let log = Arc::new(Log::open(&folder.path().join("log")).unwrap().0);
    let (view, _) = View::open(&options, Arc::clone(&log), &|_| {}).unwrap();
    let sources: Vec<Record> = (0..SOURCES)
        .map(|number| {
            Record::Source(SourceFacts {
                id: SourceId::new(&format!("s{number}")).unwrap(),
                title: format!("来源{number}"),
                link: format!("https://s{number}.example.cn/"),
                region: RegionId::new("140300").unwrap(),
                authority: Authority::Media,
                zone: Zone::shanghai(),
                rights: None,
                was: Vec::new(),
                alerts_for: Vec::new(),
                at: START,
            })
        })
        .collect();
    view.apply(&log.append(&sources, START).unwrap(), &sources).unwrap();
    add(&log, &view, 0, 10_000);
    let few = add(&log, &view, 10_000, 20_000);
    let tell = |known: usize, [log, judging, store]: [f64; 3]| {
        println!(
            "a new item, {known} known: {log:.1} µs CPU for the log, {judging:.1} for judging, {store:.1} for the store"
        );
    };
    tell(10_000, few);
    add(&log, &view, 20_000, items - 10_000);
    let many = add(&log, &view, items - 10_000, items);
    tell(items, many);
    println!("judging: {:.2} times", many[1] / few[1]);
    let (all, stories) = view.counts();
    println!("{all} items, {stories} stories; resident {:.0} MB", resident());
    view.flush().unwrap();
    drop(view);
    println!(
        "on disk: log {:.0} MB, view {:.0} MB",
        size(&folder.path().join("log")),
        size(&folder.path().join("view"))
    );
    drop(log);
    alone("open", folder.path());
    alone("rebuild", folder.path());
}
