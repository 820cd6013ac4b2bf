//! What search costs with a million items: `cargo bench --bench search -- [ITEMS]`. Prints CPU microseconds and bytes for
//! an item, memory, and milliseconds of CPU for queries. It needs about 4 GB of disk in the temporary folder.

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
use dayuan::model::{
    Authority, Draft, ItemId, Key, Moment, Precision, RegionId, Regions, Report, SourceId, Stamp, Zone,
};
use dayuan::regions::Places;
use dayuan::search::{Filters, Follower, Metrics, Options, Order, Query, SearchIndex};
use dayuan::view::{self, View};

const START: Moment = Moment::from_seconds(1_672_531_200);
/// How many come each day.
const A_DAY: i64 = 2740;
const SOURCES: usize = 1000;

/// A generator without a seed from outside: every run is the same (Knuth's MMIX constants).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % sides
    }

    /// A number below `sides`, low ones more often (about as 1/x).
    fn slanted(&mut self, sides: usize) -> usize {
        let exponent = self.roll(1 << 20) as f64 / f64::from(1 << 20);
        (((sides as f64).powf(exponent)) as usize).saturating_sub(1).min(sides - 1)
    }
}

/// Words of two to four characters, in which pairs recur as in real texts, and topics.
struct Words {
    words: Vec<String>,
    names: Vec<(String, String)>,
}

const TOPICS: [&str; 12] = [
    "创卫",
    "停水",
    "卫生城市",
    "停电",
    "公开招聘",
    "天气预报",
    "交通管制",
    "疫苗接种",
    "垃圾分类",
    "乡村振兴",
    "国家卫生城市",
    "招标公告",
];

impl Words {
    fn new(regions: &Regions) -> Self {
        let mut dice = Dice(7);
        let mut char = || char::from_u32(0x4e00 + u32::try_from(dice.slanted(6000) * 3 % 20_000).unwrap()).unwrap();
        let words = (0..60_000).map(|at| (0..2 + at % 3).map(|_| char()).collect()).collect();
        let mut all: Vec<_> = regions.all().filter(|region| region.id.as_str().len() == 6).collect();
        all.sort_by(|one, other| one.id.cmp(&other.id));
        let names = all.iter().map(|region| (region.id.to_string(), region.name.clone())).collect();
        Self { words, names }
    }

    /// A text of some 600 characters.
    fn text(&self, dice: &mut Dice, length: usize) -> String {
        let mut text = String::new();
        let mut chars = 0;
        while chars < length {
            let word = match dice.roll(40) {
                0 => TOPICS[dice.slanted(TOPICS.len())].to_owned(),
                1 => self.names[dice.roll(self.names.len())].1.clone(),
                2 => format!("{}万元", dice.roll(100_000)),
                3 => "，".to_owned(),
                _ => self.words[dice.slanted(self.words.len())].clone(),
            };
            chars += word.chars().count();
            text.push_str(&word);
        }
        text
    }

    fn draft(&self, number: usize, at: Moment) -> Draft {
        let mut dice = Dice(number as u64 * 7919 + 1);
        let title = self.text(&mut dice, 18);
        let length = 300 + dice.roll(500);
        let text = self.text(&mut dice, length);
        Draft {
            title,
            link: Some(format!("https://s{}.example.cn/{number}.html", number % SOURCES)),
            text,
            published: Some(Stamp { at, precision: Precision::Second, offset: 28_800 }),
            ..Draft::default()
        }
    }
}

/// Seconds of CPU that this process has used (proc(5), stat: utime and stime, in hundredths).
fn cpu() -> f64 {
    seconds("/proc/self/stat")
}

fn seconds(stat: &str) -> f64 {
    let stat = std::fs::read_to_string(stat).unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / 100.0
}

/// Nanoseconds that this thread has run (schedstat).
fn thread_ns() -> u64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    stat.split(' ').next().unwrap().parse().unwrap()
}

/// Resident memory in MB: now, and at its peak.
fn resident() -> [f64; 2] {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    ["VmRSS", "VmHWM"].map(|name| {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
    })
}

fn size(folder: &Path) -> f64 {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len() as f64).sum()
}

fn open(folder: &Path) -> (Arc<Log>, Arc<View>, Arc<Regions>) {
    let regions = Arc::new(Regions::new(true, Vec::new(), Vec::new(), Vec::new()).unwrap());
    let places = Arc::new(Places::new(&regions));
    let log = Arc::new(Log::open(&folder.join("log")).unwrap().0);
    let options = view::Options { path: folder.join("view"), rules: String::new(), places };
    let (view, _) = View::open(&options, Arc::clone(&log), &|_| {}).unwrap();
    (log, Arc::new(view), regions)
}

/// Fills log and view.
fn fill(folder: &Path, items: usize) {
    let (log, view, regions) = open(folder);
    let words = Words::new(&regions);
    let facts = |number: usize| SourceFacts {
        id: SourceId::new(&format!("s{number}")).unwrap(),
        title: format!("来源{number}"),
        link: format!("https://s{number}.example.cn/"),
        region: RegionId::new(&words.names[number * 3 % words.names.len()].0).unwrap(),
        authority: Authority::Media,
        zone: Zone::shanghai(),
        rights: None,
        was: Vec::new(),
        alerts_for: Vec::new(),
        at: START,
    };
    let sources: Vec<Record> = (0..SOURCES).map(|number| Record::Source(facts(number))).collect();
    view.apply(&log.append(&sources, START).unwrap(), &sources).unwrap();
    let report = |number: usize| {
        let seen = START.plus_seconds(i64::try_from(number).unwrap() * 86_400 / A_DAY);
        let source = SourceId::new(&format!("s{}", number % SOURCES)).unwrap();
        let draft = words.draft(number, seen);
        let key = Key::of(None, draft.checked_link().as_ref(), &draft.title, None).unwrap();
        let item = ItemId::of(&source, &key);
        Record::Report(Box::new(Report { item, key, source, seen, reader: 1, first_import: false, draft }))
    };
    let before = cpu();
    let mut spent = 0.0;
    for start in (0..items).step_by(600) {
        let records: Vec<Record> = (start..(start + 600).min(items)).map(report).collect();
        let at = START.plus_seconds(i64::try_from(start).unwrap() * 86_400 / A_DAY);
        let began = cpu();
        view.apply(&log.append(&records, at).unwrap(), &records).unwrap();
        spent += cpu() - began;
    }
    view.flush().unwrap();
    println!("log and view: {:.0} µs of CPU an item ({:.0} s in all)", spent * 1e6 / items as f64, cpu() - before);
}

/// Makes the index and prints what it costs.
fn measure(folder: &Path) {
    let (log, view, regions) = open(folder);
    let items = view.counts().0 as f64;
    let options = Options { folder: folder.join("search") };
    let before = (cpu(), Instant::now(), resident()[0]);
    let index = Arc::new(SearchIndex::new(options, Arc::clone(&regions), Metrics::default()));
    let follower = Follower { index, log: Arc::clone(&log), view: Arc::clone(&view) };
    follower.catch_up().unwrap();
    let spent = cpu() - before.0;
    let [now, peak] = resident();
    println!(
        "index: {:.0} µs of CPU an item, {:.0} bytes an item, {:.1} s; memory +{:.0} MB, +{:.0} at the peak",
        spent * 1e6 / items,
        size(&folder.join("search")) / items,
        before.1.elapsed().as_secs_f64(),
        now - before.2,
        peak - before.2
    );
    let numbers: Vec<u64> = view.indexed(0, 20_000).iter().map(|item| item.number).collect();
    let before = cpu();
    let read = |number: &u64| log.read(view.index_facts(*number)?.position).ok();
    let count = numbers.iter().filter_map(read).count();
    println!("of that, reading an item in the log: {:.0} µs", (cpu() - before) * 1e6 / count as f64);
}

/// Opens the index and asks it.
fn open_and_ask(folder: &Path) {
    let (log, view, regions) = open(folder);
    let (before, began, memory) = (cpu(), Instant::now(), resident()[0]);
    let options = Options { folder: folder.join("search") };
    let index = Arc::new(SearchIndex::new(options, Arc::clone(&regions), Metrics::default()));
    let follower = Follower { index: Arc::clone(&index), log: Arc::clone(&log), view: Arc::clone(&view) };
    follower.catch_up().unwrap();
    let (spent, took) = (cpu() - before, began.elapsed().as_secs_f64());
    println!("opened and compared in {took:.1} s ({spent:.1} CPU-s); memory +{:.0} MB", resident()[0] - memory);
    ask(&Asking { index: &index, log: &log, view: &view, regions: &regions });
    println!("memory after the queries: +{:.0} MB", resident()[0] - memory);
}

struct Asking<'a> {
    index: &'a SearchIndex,
    log: &'a Log,
    view: &'a View,
    regions: &'a Regions,
}

/// Asks 400 queries of each kind and prints what they cost.
fn ask(asking: &Asking<'_>) {
    let words = Words::new(asking.regions);
    let mut dice = Dice(99);
    let word = |dice: &mut Dice, length: usize| loop {
        let word = match dice.roll(3) {
            0 => TOPICS[dice.roll(TOPICS.len())],
            1 => words.names[dice.roll(words.names.len())].1.as_str(),
            _ => words.words[dice.slanted(words.words.len())].as_str(),
        };
        if word.chars().count() >= length {
            return word.chars().take(length).collect::<String>();
        }
    };
    let region = |dice: &mut Dice| Some(RegionId::new(&words.names[dice.roll(words.names.len())].0).unwrap());
    let none = |_: &mut Dice| None;
    run(asking, "two characters, newest", Order::Newest, &mut dice, &|dice| word(dice, 2), &none);
    run(asking, "four characters, newest", Order::Newest, &mut dice, &|dice| word(dice, 4), &none);
    run(asking, "卫生城市, newest", Order::Newest, &mut dice, &|_| "卫生城市".to_owned(), &none);
    run(asking, "four characters in a region", Order::Newest, &mut dice, &|dice| word(dice, 4), &region);
    let two = |dice: &mut Dice| format!("{} {}", word(dice, 2), word(dice, 2));
    run(asking, "two words in a region", Order::Newest, &mut dice, &two, &region);
    run(asking, "two words", Order::Newest, &mut dice, &two, &none);
    run(asking, "one character", Order::Newest, &mut dice, &|dice| word(dice, 1), &none);
    run(asking, "two characters, by relevance", Order::Relevance, &mut dice, &|dice| word(dice, 2), &none);
    run(asking, "four characters, by relevance", Order::Relevance, &mut dice, &|dice| word(dice, 4), &none);
    let without = |dice: &mut Dice| format!("{} -{}", word(dice, 2), word(dice, 2));
    run(asking, "one word without another", Order::Newest, &mut dice, &without, &none);
}

fn run(
    asking: &Asking<'_>,
    name: &str,
    order: Order,
    dice: &mut Dice,
    text: &dyn Fn(&mut Dice) -> String,
    region: &dyn Fn(&mut Dice) -> Option<RegionId>,
) {
    let (mut spent, mut results) = (Vec::new(), 0);
    for _ in 0..400 {
        let (text, filters) = (text(dice), Filters { region: region(dice), ..Filters::default() });
        let before = thread_ns();
        let asked = (&Query::parse(&text), &filters, order);
        let found = asking.index.find((asking.log, asking.view, asking.regions), asked, None, 20).unwrap();
        // The clock of a thread is read when it is next scheduled.
        std::thread::yield_now();
        spent.push((thread_ns() - before) as f64 / 1e6);
        results += found.found.len();
    }
    spent.sort_by(f64::total_cmp);
    println!(
        "{name}: {:.2} ms of CPU in the middle, {:.2} p99, {:.2} at most; {:.1} results",
        spent[200],
        spent[396],
        spent[399],
        f64::from(u32::try_from(results).unwrap()) / 400.0
    );
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.as_slice() {
        [what, folder, items] if what == "fill" => return fill(Path::new(folder), items.parse().unwrap()),
        [what, folder] if what == "measure" => return measure(Path::new(folder)),
        [what, folder] if what == "ask" => return open_and_ask(Path::new(folder)),
        _ => {}
    }
    let items = words.iter().find_map(|word| word.parse::<usize>().ok()).unwrap_or(1_000_000).to_string();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    // Each in a process of its own, whose memory is nothing else's.
    for arguments in [&["fill", path, &items][..], &["measure", path], &["ask", path]] {
        let mut command = std::process::Command::new(std::env::current_exe().unwrap());
        // As the unit of systemd has it.
        let memory =
            [("MALLOC_ARENA_MAX", "2"), ("MALLOC_MMAP_THRESHOLD_", "65536"), ("MALLOC_TRIM_THRESHOLD_", "131072")];
        command.envs(memory);
        assert!(command.args(arguments).status().unwrap().success());
    }
}
