//! Tests of what a whole config says.

use super::*;

fn load(settings: &str, regions: &str, sources: &str) -> Result<(Config, Faults), Faults> {
    Config::from_texts(settings, regions, sources, &Places::default())
}

fn source(more: &str) -> String {
    format!("[[source]]\nid = \"a\"\ntitle = \"a\"\nregion = \"140300\"\nurl = \"https://a.cn/\"\n{more}")
}

#[test]
fn what_passed_though_it_was_wrong_is_told_with_its_line() {
    let fault = |settings: &str, sources: &str| {
        let faults = load(settings, "", sources).unwrap_err();
        let fault = faults.iter().next().unwrap();
        (fault.line().unwrap(), fault.message.clone())
    };
    assert_eq!(fault("[log]\nlevel = \"verbose\"", ""), (2, "`verbose` is not a log level".to_owned()));
    assert_eq!(fault("", &source("charset = \"gb18031\"")), (6, "`gb18031` is not a charset".to_owned()));
    assert_eq!(fault("[http]\npublic_url = \"https://a.cn/x?y\"", "").0, 2);
    assert_eq!(fault("[publish]\nto = \"/srv/dayuan\"", "").0, 2);
    let same = "[http]\nlisten = \"127.0.0.1:9\"\nmetrics_listen = \"127.0.0.1:9\"";
    assert_eq!(fault(same, "").0, 3);
    let any = "[http]\nlisten = \"127.0.0.1:9\"\nmetrics_listen = \"0.0.0.0:9\"";
    assert_eq!(fault(any, "").0, 3);
    assert_eq!(fault("[admin]\nsocket = \"/\"", ""), (2, "/ is a folder".to_owned()));
    assert_eq!(fault("[admin]\nsocket = \"/etc/passwd\"", "").0, 2);
    assert_eq!(fault("", &source("").replace("a.cn/", "a.cn:0/")).0, 5);
    let named = |id: &str, name: &str| {
        let region = format!("[[region]]\nid = \"{id}\"\nname = \"{name}\"");
        load("", &region, &source("")).unwrap_err().iter().next().unwrap().line()
    };
    assert_eq!((named("all", "x"), named("x", "")), (Some(2), Some(3)));
    assert_eq!(fault("[fetch]\nallow_networks = [\"0.0.0.0/0\"]", "").0, 2);
    assert_eq!(fault("[fetch]\nports = [0]", "").0, 2);
    assert_eq!(
        fault("[fetch]\nallow_networks = [\"10.1.2.3/8\"]", ""),
        (2, "`10.1.2.3/8` does not begin a network".to_owned())
    );
    for site in ["http://b.cn/", "*.b.cn", "", "cn", "gov.cn"] {
        assert_eq!(fault("", &source(&format!("leads_to = [\"{site}\"]"))).0, 6, "{site}");
    }
    let living = source("was = [\"b\"]\n")
        + &source("was = [\"a\"]")
            .replace("\"a\"\nregion", "\"b\"\nregion")
            .replace("id = \"a\"", "id = \"b\"")
            .replace("a.cn", "b.cn");
    let faults = load("", "", &living).unwrap_err();
    assert_eq!(faults.iter().map(|fault| fault.line().unwrap()).collect::<Vec<_>>(), [6, 12]);
    let warning = |settings: &str, regions: &str, sources: &str| {
        let (_, warnings) = load(settings, regions, sources).unwrap();
        let warning = warnings.iter().next().unwrap();
        (warning.line(), warning.message.clone())
    };
    assert_eq!(warning("[http]\nlisten = \"0.0.0.0:8134\"", "", &source("")).0, Some(2));
    assert_eq!(warning("[log]\nlevel = \"off\"", "", &source("")).0, Some(2));
    for target in ["dayaun", "dayuan::pol", "dayuan::poll::x=debug,polling"] {
        assert_eq!(warning(&format!("[log]\nlevel = \"info,{target}=debug\""), "", &source("")).0, Some(2));
    }
    for level in ["info,dayuan::poll::poller=debug,hyper_util=warn", "warn"] {
        let (_, warnings) = load(&format!("[log]\nlevel = \"{level}\""), "", &source("")).unwrap();
        assert!(warnings.is_empty(), "{level}");
    }
    assert_eq!(warning("", "publish = [\"130000\"]", &source("")).0, Some(4));
    let twice = source("") + &source("").replace("id = \"a\"", "id = \"b\"");
    let (line, message) = warning("", "", &twice);
    assert_eq!((line, message.contains("`a` and `b` have the same address")), (Some(10), true), "{message}");
    let asked = |query: &str| source("").replace("a.cn/", &format!("a.cn/l?{query}"));
    let reordered = asked("b=1&a=2") + &asked("a=2&b=1").replace("id = \"a\"", "id = \"b\"");
    assert_eq!(warning("", "", &reordered).0, Some(10));
}

#[test]
fn names_that_read_as_others_are_refused() {
    for title in ["a\\u202Eb", "a\u{202e}b", "a\\u0007b", "a\\u0085b", "a\\u2028b", "a\u{2066}b", "\\u001B[2J"] {
        let faults = load("", "", &source("").replace("title = \"a\"", &format!("title = \"{title}\""))).unwrap_err();
        let fault = faults.iter().next().unwrap();
        assert_eq!(fault.line(), Some(3), "{title}");
        assert!(fault.message.contains("control characters"), "{}", fault.message);
        let region = format!("[[region]]\nid = \"x\"\nname = \"{title}\"");
        assert!(load("", &region, &source("")).is_err(), "{title}");
    }
}

#[test]
fn full_width_characters_hide_no_other_remedy() {
    let help = |sources: &str| load("", "", sources).unwrap_err().iter().next().unwrap().help.clone();
    let long = source("").replace("title = \"a\"", &format!("title = \"{}，（）\"", "名".repeat(200)));
    assert_eq!(help(&long), "give the source a name that readers know");
    let url = help(&source("").replace("https://a.cn/", "https：／／a.cn/"));
    assert!(url.contains("write \"https://a.cn/\"; if not: write it like"), "{url}");
    let twice = source("") + &source("");
    assert_eq!(help(&twice), "the other one is in sources.toml, line 2; give each its own id");
}

#[test]
fn stores_addresses_titles_and_selectors_that_are_none_are_told_with_their_line() {
    let fault = |settings: &str, sources: &str| {
        let faults = load(settings, "", sources).unwrap_err();
        let fault = faults.iter().next().unwrap();
        (fault.line().unwrap(), fault.message.clone())
    };
    for (path, problem) in [
        ("/dev/null", "/dev/null is not a folder"),
        ("/dev/null/store", "/dev/null is not a folder"),
        ("/proc/x", "/proc/x is not on a disk but in a folder of the kernel"),
        ("/dev/shm/x", "/dev/shm/x is not on a disk but in a folder of the kernel"),
        ("/", "the root folder cannot be the store"),
        ("", "`path` is empty"),
    ] {
        assert_eq!(fault(&format!("[store]\npath = \"{path}\""), ""), (2, problem.to_owned()));
    }
    for address in ["http:///x", "https:/a.cn/x", "http:a.cn"] {
        let names_none = "the address names no host".to_owned();
        assert_eq!(fault("", &source("").replace("https://a.cn/", address)), (5, names_none.clone()), "{address}");
        assert_eq!(fault(&format!("[http]\npublic_url = \"{address}\""), ""), (2, names_none), "{address}");
    }
    let twice = "unsupported selector `ul >> li`: two combinators follow each other";
    assert_eq!(fault("", &source("[source.list]\nitem = \"ul >> li\"")), (7, twice.to_owned()));
    let long = source("").replace("title = \"a\"", &format!("title = \"{}\"", "名".repeat(201)));
    assert_eq!(fault("", &long), (3, "`title` is longer than 200 characters".to_owned()));
    assert!(load("", "", &long.replacen('名', "", 1)).unwrap().1.is_empty());
    for kind in ["feed", "sitemap"] {
        let (_, warnings) = load("", "", &source(&format!("as = \"{kind}\"\n[source.list]\nitem = \"li\""))).unwrap();
        let warning = warnings.iter().next().unwrap();
        assert_eq!(warning.line(), Some(7));
        assert!(warning.message.starts_with("[source.list] is for lists"), "{warning}");
    }
}

#[test]
fn a_store_among_the_files_of_the_config_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config");
    std::fs::create_dir_all(config.join("sources")).unwrap();
    let faults = |store: &Path| {
        let text = format!("[store]\npath = {}\n", quoted(&store.display().to_string()));
        std::fs::write(config.join("dayuan.toml"), text).unwrap();
        Config::load(&config, &Places::default()).map(|_| ()).map_err(|faults| faults.iter().next().unwrap().line())
    };
    for inside in [config.clone(), config.join("sources"), config.join("sources/new")] {
        assert_eq!(faults(&inside), Err(Some(2)), "{}", inside.display());
    }
    for beside in [folder.path().join("store"), config.join("store/new")] {
        assert_eq!(faults(&beside), Ok(()), "{}", beside.display());
    }
}

/// Collects the settings of a JSON Schema: the innermost table that each is in, and its name.
fn described(schema: &serde_json::Value, name: &str, found: &mut std::collections::BTreeSet<(String, String)>) {
    for (key, value) in schema["properties"].as_object().into_iter().flatten() {
        found.insert((name.to_owned(), key.clone()));
        described(value, key, found);
        described(&value["items"], key, found);
        described(&value["additionalProperties"], key, found);
    }
}

#[test]
fn the_schemas_have_the_settings_that_are_read() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
    let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap();
    let settings = |text: &str| -> String {
        let setting = |line: &str| {
            let setting =
                line.strip_prefix('#').filter(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase() || c == '['));
            setting.unwrap_or(line).to_owned() + "\n"
        };
        text.lines().map(setting).collect()
    };
    let texts = ["dayuan.toml", "regions.toml", "sources/example.toml"].map(|path| settings(&read(path)));
    section::KNOWN.with_borrow_mut(|known| known.clear());
    load(&texts[0], &texts[1], &texts[2]).unwrap();
    let known = section::KNOWN.with_borrow(|known| known.clone());
    let known: std::collections::BTreeSet<_> = known.into_iter().map(|(name, key)| (name, key.to_owned())).collect();
    let mut found = std::collections::BTreeSet::new();
    for schema in ["dayuan", "regions", "sources"] {
        let schema = serde_json::from_str(&read(&format!("schema/{schema}.json"))).unwrap();
        described(&schema, "", &mut found);
    }
    assert_eq!(found, known);
}

/// A config that cannot be accessed must not count as an empty one.
#[test]
fn c3_a_folder_that_cannot_be_read_is_no_empty_one() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("x"), "").unwrap();
    // Like a folder without permissions, which would not stop root: the file cannot be shown to be missing.
    assert!(!file::is_missing(&folder.path().join("x/dayuan.toml")));
    assert!(file::is_missing(&folder.path().join("dayuan.toml")));
}

#[test]
fn regions_may_be_named_if_the_name_is_one_regions_alone() {
    let help = |name: &str| {
        let faults = load("", "", &source("").replace("140300", name)).unwrap_err();
        faults.iter().next().unwrap().help.clone()
    };
    assert_eq!(help("城区").matches("城区").count(), 3, "{}", help("城区"));
    assert!(help("130199").starts_with("the nearest are 1301") && help("Nowhere").starts_with("use a name"));
    let (config, _) = load("", "publish = [\"河北\"]", &source("").replace("140300", "井陉县")).unwrap();
    assert_eq!(config.sources[0].region.as_str(), "130121");
    assert_eq!(config.regions.roots().len(), 1);
}

#[test]
fn a_long_list_is_read_in_parts_and_its_faults_told_with_their_lines() {
    let many: Vec<String> = (0..3_000)
        .map(|at| source("").replace("\"a\"", &format!("\"a{at}\"")).replace("a.cn", &format!("a{at}.cn")))
        .collect();
    let text = many.concat();
    assert_eq!(load("", "", &text).unwrap().0.sources.len(), 3_000);
    let claims =
        |at: usize| text.replace(&format!("https://a{at}.cn/\"\n"), &format!("https://a{at}.cn/\"\nwas = [\"a7\"]\n"));
    let wrong = claims(2_500)
        .replace("url = \"https://a2900.cn/\"", "url = 5 6")
        .replace("a2800.cn/\"", "a2800.cn/\"\nregoin = 5");
    let faults = load("", "", &wrong).unwrap_err();
    let mut lines: Vec<usize> = faults.iter().map(|fault| fault.line().unwrap()).collect();
    lines.sort_unstable();
    lines.dedup();
    let line_of = |text: &str| wrong.lines().position(|line| line.contains(text)).unwrap() + 1;
    assert_eq!(lines, [line_of("was = "), line_of("regoin"), line_of("5 6")], "{}", faults.render(false));
    // A text of several lines may hold what looks like a source.
    let held = text.replacen("title = \"a1\"", "title = \"\"\"a\n[[source]]\n\"\"\"", 1);
    assert_eq!(load("", "", &held).unwrap_err().iter().count(), 1);
}

#[test]
fn ten_thousand_faults_take_no_more_than_some() {
    let many: String =
        (0..10_000).map(|at| source(&format!("regoin = \"{at}\"\n")).replace("\"a\"", &format!("\"a{at}\""))).collect();
    let faults = load("", "", &many).unwrap_err();
    assert!(faults.count() >= 10_000 && faults.iter().count() <= 200);
    assert!(faults.render(false).ends_with("fix these first\n"));
}
