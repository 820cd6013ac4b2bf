//! What is shipped beside the program: the config files say the truth about the defaults, the unit names what there is.

#![expect(clippy::unwrap_used, reason = "a test ends with its first surprise")]

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use dayuan::config::{Config, Places};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn text(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap()
}

/// Takes the `#` away from every line that is a setting.
fn uncommented(text: &str) -> String {
    text.lines()
        .map(|line| match line.strip_prefix('#') {
            Some(setting) if setting.starts_with(|c: char| c.is_ascii_lowercase() || c == '[') => setting,
            _ => line,
        })
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn the_shipped_config_is_accepted_and_has_no_source_yet() {
    let (config, warnings) = Config::load(&root().join("config"), &Places::default()).unwrap();
    assert!(config.sources.is_empty());
    assert_eq!(warnings.iter().count(), 1);
}

#[test]
fn every_setting_stands_there_at_its_default() {
    let shipped = uncommented(&text("config/dayuan.toml"));
    let (stated, _) = Config::from_texts(&shipped, "", "", &Places::default())
        .unwrap_or_else(|faults| panic!("{}", faults.render(false)));
    let (defaults, _) = Config::from_texts("", "", "", &Places::default()).unwrap();
    // Those without a default are shown by an example.
    let mut stated = stated.settings;
    let defaults = defaults.settings;
    stated.metrics_listen = None;
    stated.admin_group = None;
    let cluster = stated.cluster.take().unwrap();
    assert_eq!(cluster.lease, std::time::Duration::from_secs(15), "its default");
    assert_eq!(stated.takedowns.len(), 3);
    stated.takedowns.clear();
    stated.publish.public_url.clone_from(&defaults.publish.public_url);
    stated.publish_to = None;
    stated.publish.rights = None;
    stated.publish.contact = None;
    stated.topics.clone_from(&defaults.topics);
    stated.publish.footer = defaults.publish.footer;
    stated.fetch.contact = None;
    stated.fetch.public_url.clone_from(&defaults.fetch.public_url);
    assert_eq!(format!("{stated:#?}"), format!("{defaults:#?}"));
}

#[test]
fn the_examples_of_regions_and_sources_are_accepted() {
    let regions = uncommented(&text("config/regions.toml"));
    let sources = uncommented(&text("config/sources/example.toml"));
    let (config, _) = Config::from_texts("", &regions, &sources, &Places::default())
        .unwrap_or_else(|faults| panic!("{}", faults.render(false)));
    assert_eq!(config.sources.len(), 1);
}

#[test]
fn the_sources_that_are_shipped_are_accepted_and_name_their_places() {
    let text_of = |path: &str| (path.to_owned(), text(path));
    let of_provinces = ["config/sources/shanxi.toml", "config/sources/guangdong.toml"].map(text_of);
    let lists = [&of_provinces[..], &[text_of("config/examples/estonia/sources/estonia.toml")]].concat();
    for (path, list) in &lists {
        let sources = uncommented(list).matches("[[source]]").count();
        assert!(
            sources >= 3 && list.matches("Places:").count() == sources,
            "{path}: each source says where it was found"
        );
        assert!(list.contains("dayuan check --online"), "{path}");
    }
    for ((path, list), count) in of_provinces.iter().zip([7, 6]) {
        assert!(list.lines().all(|line| line.is_empty() || line.starts_with('#')), "{path}: something is switched on");
        let (config, warnings) = Config::from_texts("", "", &uncommented(list), &Places::default())
            .unwrap_or_else(|faults| panic!("{path}: {}", faults.render(false)));
        assert_eq!((config.sources.len(), warnings.count()), (count, 0), "{path}");
    }
    let (config, warnings) = Config::load(&root().join("config/examples/estonia"), &Places::default())
        .unwrap_or_else(|faults| panic!("{}", faults.render(false)));
    assert_eq!((config.sources.len(), warnings.count()), (4, 0));
}

#[test]
fn the_unit_starts_what_there_is() {
    let unit = text("systemd/dayuan.service");
    let start = unit.lines().find_map(|line| line.strip_prefix("ExecStart=")).unwrap();
    assert_eq!(start, "/usr/bin/dayuan run --config /etc/dayuan");
    let help = std::process::Command::new(env!("CARGO_BIN_EXE_dayuan")).args(["run", "--help"]).output().unwrap();
    assert!(help.status.success() && String::from_utf8_lossy(&help.stdout).contains("--config"));
    for line in
        ["Type=notify", "WatchdogSec=30", "RestartPreventExitStatus=78", "DynamicUser=yes", "StateDirectory=dayuan"]
    {
        assert!(unit.lines().any(|found| found == line), "{line}");
    }
}

/// Who upgrades is told whether the store opens, and a golden store of each version proves it.
#[test]
fn the_changes_say_which_stores_open() {
    let version = dayuan::daemon::STORE_VERSION;
    let changes = text("CHANGELOG.md");
    let newest = changes.split("\n## ").nth(1).unwrap();
    assert!(newest.starts_with(env!("CARGO_PKG_VERSION")), "the changes of this version are missing");
    assert!(newest.contains(&format!("Store version {version}. Opens stores of version")), "{newest}");
    for version in 1..=version {
        assert!(root().join(format!("tests/fixtures/stores/{version}.tar.zst")).is_file(), "no golden store {version}");
    }
}

/// Everything that faults and attackers may do, by its name; each has a test whose name begins with it.
const FAULTS: [(&str, u32, usize); 12] = [
    ("s", 9, 1),
    ("f", 8, 1),
    ("x", 7, 2),
    ("h", 7, 1),
    ("i", 41, 1),
    ("v", 10, 1),
    ("a", 2, 1),
    ("c", 3, 1),
    ("d", 17, 1),
    ("t", 4, 1),
    ("r", 2, 1),
    ("q", 8, 1),
];

fn sources_below(folder: &Path, found: &mut String) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources_below(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push_str(&std::fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn every_fault_has_a_test_of_its_name() {
    let mut all = String::new();
    sources_below(&root().join("src"), &mut all);
    sources_below(&root().join("tests"), &mut all);
    let missing: Vec<String> = FAULTS
        .iter()
        .flat_map(|(letter, last, digits)| (1..=*last).map(move |number| format!("{letter}{number:0digits$}")))
        .filter(|name| {
            !all.contains(&format!("#[test]\n    fn {name}_")) && !all.contains(&format!("#[test]\nfn {name}_"))
        })
        .collect();
    assert!(missing.is_empty(), "no test for {missing:?}");
}

/// What `tests/unguarded` takes out is there, once in its module; who changes a guard changes the list, too.
#[test]
fn every_guard_of_the_list_is_where_it_says() {
    let list = std::fs::read_to_string(root().join("tests/guards.toml")).unwrap();
    let list: toml::Table = list.parse().unwrap();
    let guards = list["guard"].as_array().unwrap();
    assert!(guards.len() >= 65, "only {} guards", guards.len());
    let mut modules: HashMap<String, String> = HashMap::new();
    for guard in guards {
        for cut in guard["cuts"].as_array().unwrap() {
            let (module, holds) = (cut[0].as_str().unwrap(), bare(cut[1].as_str().unwrap()));
            let code = modules.entry(module.to_owned()).or_insert_with(|| code_of(&root().join(module)));
            assert_eq!(code.matches(&holds).count(), 1, "{}: {module}: {holds}", guard["fault"]);
        }
    }
}

fn bare(text: &str) -> String {
    text.split_whitespace().collect()
}

/// All code of a file or folder, without white space.
fn code_of(path: &Path) -> String {
    if !path.is_dir() {
        return bare(&std::fs::read_to_string(path).unwrap());
    }
    let mut paths: Vec<_> = std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.retain(|path| path.is_dir() || path.extension().is_some_and(|ending| ending == "rs"));
    paths.iter().map(|path| code_of(path)).collect()
}

/// Whoever filters the journal by event misses nothing, and finds each name explained.
#[test]
fn every_logged_line_has_an_event_and_the_docs_list_them_all() {
    let mut code = String::new();
    sources_below(&root().join("src"), &mut code);
    let mut used = BTreeSet::new();
    for level in ["error", "warn", "info"] {
        for call in code.split(&format!("tracing::{level}!(")).skip(1) {
            let call = call.trim_start();
            let name = call.strip_prefix("event = \"").and_then(|rest| rest.split('"').next());
            let name = name.unwrap_or_else(|| panic!("no event: {}", call.lines().next().unwrap()));
            assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{name}");
            used.insert(name.to_owned());
        }
    }
    assert!(used.len() > 60, "only {} events were found", used.len());
    for (page, heading) in [("docs/operating.md", "## Events"), ("docs/zh-CN/operating.md", "## 事件")] {
        let text = text(page);
        let table = text.split(heading).nth(1).unwrap().split("\n## ").next().unwrap();
        let cells = table.lines().filter(|line| line.starts_with("| `")).map(|line| line.split('|').nth(1).unwrap());
        let listed: Vec<String> =
            cells.flat_map(|cell| cell.split('`').skip(1).step_by(2)).map(str::to_owned).collect();
        let all: BTreeSet<String> = listed.iter().cloned().collect();
        assert_eq!((all.len(), &all), (listed.len(), &used), "{page}");
    }
}
