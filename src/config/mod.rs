//! The admin's config: read and validated, with all faults reported at once by file and line. Builds the options of the
//! other modules.
//!
//! `dayuan.toml` holds the settings, `regions.toml` the region tree, `sources/*.toml` the sources. A [`Config`] is
//! always valid.

mod address;
mod cluster;
mod fault;
mod file;
mod forms;
mod messages;
mod naming;
mod outlines;
mod publish_folder;
mod regions;
mod request;
mod section;
mod settings;
mod slips;
mod sources;
mod syntax;
mod takedowns;
mod topics;
mod wording;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::fetch::Network;
use crate::model::{Regions, Source};
use crate::regions::Directory;

pub use cluster::Cluster;
pub use fault::{Fault, Faults};
pub use messages::chinese;
pub use naming::region as region_named;
pub use outlines::{Imported, feed_list, imported, outlines, short};
pub use settings::{LogFormat, Places, Settings, socket, stated_language};

/// A valid config.
#[derive(Clone, Debug)]
pub struct Config {
    /// The settings.
    pub settings: Settings,
    /// The region tree.
    pub regions: Arc<Regions>,
    /// The sources, ordered by id.
    pub sources: Vec<Arc<Source>>,
}

impl Config {
    /// Loads the config in `folder`. The second value holds warnings: settings that are legal but probably mistakes.
    ///
    /// # Errors
    /// All faults of the config.
    pub fn load(folder: &Path, places: &Places) -> Result<(Self, Faults), Faults> {
        Self::load_with(folder, places, None)
    }

    /// Loads the config in `folder` as if there were one more source list, given by the path that faults are to name and its
    /// text.
    ///
    /// # Errors
    /// All faults of the config.
    pub fn load_with(
        folder: &Path,
        places: &Places,
        more: Option<(PathBuf, String)>,
    ) -> Result<(Self, Faults), Faults> {
        let mut files = vec![];
        let mut faults = Faults::default();
        if !folder.is_dir() {
            faults.push(Fault::of_file(
                folder,
                "there is no config folder here",
                "name one with --config, or make it and put dayuan.toml into it",
            ));
            return Err(faults);
        }
        for name in ["dayuan.toml", "regions.toml"] {
            let path = folder.join(name);
            for misnamed in [".txt", ".doc", ".docx"].map(|ending| folder.join(format!("{name}{ending}"))) {
                if !file::is_missing(&misnamed) {
                    tell_misnamed(&misnamed, &mut faults);
                }
            }
            files.push(if file::is_missing(&path) {
                Some((path, String::new()))
            } else {
                file::load(&path, &mut faults)
            });
        }
        let mut lists = Vec::new();
        let mut exposed: Vec<Fault> =
            files.iter().flatten().filter_map(|(path, _)| file::writable_by_others(path)).collect();
        for path in source_files(folder, &mut faults) {
            exposed.extend(file::writable_by_others(&path));
            lists.extend(file::load(&path, &mut faults));
        }
        lists.extend(more);
        let mut files = files.into_iter();
        let settings = files.next().flatten();
        let regions = files.next().flatten();
        let (config, mut warnings) = Self::parse(settings.as_ref(), regions.as_ref(), &lists, places, faults)?;
        exposed.into_iter().for_each(|fault| warnings.push(fault));
        Ok((config, warnings))
    }

    /// Returns what is wrong with each of these blocks of a source list, looked at by itself: its first fault, or nothing.
    /// `list` is the path that faults are to name.
    pub fn refusals(&self, places: &Places, list: &Path, blocks: &[&str]) -> Vec<Option<Fault>> {
        let directory = Directory::new(&self.regions);
        blocks.iter().map(|block| sources::refusal(list, block, &self.settings, places, &directory)).collect()
    }

    /// Parses a config from texts. Faults name them `dayuan.toml`, `regions.toml` and `sources.toml`.
    ///
    /// # Errors
    /// All faults of the config.
    pub fn from_texts(settings: &str, regions: &str, sources: &str, places: &Places) -> Result<(Self, Faults), Faults> {
        let named = |name: &str, text: &str| (PathBuf::from(name), text.to_owned());
        let (settings, regions) = (named("dayuan.toml", settings), named("regions.toml", regions));
        Self::parse(Some(&settings), Some(&regions), &[named("sources.toml", sources)], places, Faults::default())
    }

    fn parse(
        settings: Option<&(PathBuf, String)>,
        regions: Option<&(PathBuf, String)>,
        lists: &[(PathBuf, String)],
        places: &Places,
        mut faults: Faults,
    ) -> Result<(Self, Faults), Faults> {
        let mut warnings = Faults::default();
        let mut mended = Vec::new();
        let mut meant = |file: &(PathBuf, String)| {
            let (path, text) = file;
            let Some((meant, slips)) = slips::mended(text) else { return file.clone() };
            mended.push((path.clone(), Arc::<str>::from(text.as_str()), slips));
            (path.clone(), meant)
        };
        let (settings, regions) = (settings.map(&mut meant), regions.map(&mut meant));
        let lists: Vec<(PathBuf, String)> = lists.iter().map(&mut meant).collect();
        let parsed = Self::parse_meant(settings.as_ref(), regions.as_ref(), &lists, places, &mut faults, &mut warnings);
        for (path, written, slips) in &mended {
            faults.show_as_written(path, written, slips);
            warnings.show_as_written(path, written, &[]);
        }
        match parsed {
            Some(config) if faults.is_empty() => Ok((config, warnings)),
            _ => Err(faults),
        }
    }

    /// Parses texts without slips; `None` if there are faults.
    fn parse_meant(
        settings: Option<&(PathBuf, String)>,
        regions: Option<&(PathBuf, String)>,
        lists: &[(PathBuf, String)],
        places: &Places,
        faults: &mut Faults,
        warnings: &mut Faults,
    ) -> Option<Self> {
        let written = settings;
        let settings = written.and_then(|(path, text)| settings::parse(path, text, places, faults, warnings));
        let regions = regions.and_then(|(path, text)| regions::parse(path, text, faults, warnings));
        // If the settings are invalid, check the sources against the defaults, but allow all networks: which ones the
        // admin meant to allow is unknown.
        let defaults = || {
            let mut settings =
                settings::parse(Path::new("dayuan.toml"), "", places, &mut Faults::default(), &mut Faults::default())?;
            settings.fetch.guard.allow =
                ["0.0.0.0/0", "::/0"].into_iter().filter_map(|all| Network::parse(all).ok()).collect();
            Some(settings)
        };
        let by = settings.clone().or_else(defaults);
        let sources =
            by.map(|by| sources::parse(lists, &by, places, regions.as_ref(), faults, warnings)).unwrap_or_default();
        match (settings, regions) {
            (Some(settings), Some(regions)) if faults.is_empty() => {
                if let Some((path, text)) = written.filter(|_| !sources.is_empty()) {
                    takedowns::doubt(path, text, &sources, warnings);
                }
                if sources.is_empty() {
                    let path = Path::new("sources");
                    warnings.push(Fault::of_file(
                        path,
                        "there is no source yet",
                        "put a [[source]] with id, title, region and url into a file sources/NAME.toml",
                    ));
                }
                Some(Self { settings, regions: Arc::new(regions), sources })
            }
            _ => None,
        }
    }
}

/// Returns a text as a TOML string on one line, with quotes.
pub fn quoted(text: &str) -> String {
    if !text.contains(char::is_control) {
        return toml::Value::from(text).to_string();
    }
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => out.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out + "\""
}

/// Returns the files of the source list, ordered by name.
fn source_files(folder: &Path, faults: &mut Faults) -> Vec<PathBuf> {
    let folder = folder.join("sources");
    if file::is_missing(&folder) {
        return Vec::new();
    }
    match std::fs::read_dir(&folder) {
        Ok(entries) => {
            let all: Vec<PathBuf> = entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
            all.iter().for_each(|path| tell_misnamed(path, faults));
            let is_list = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "toml");
            let mut files: Vec<PathBuf> = all.into_iter().filter(is_list).collect();
            files.sort();
            files
        }
        Err(error) => {
            faults.push(Fault::of_file(
                &folder,
                &format!("this folder cannot be read: {error}"),
                "let the user of the daemon read it",
            ));
            Vec::new()
        }
    }
}

/// Reports a file that an editor gave a second ending, so that it would not be read.
fn tell_misnamed(path: &Path, faults: &mut Faults) {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let lower = name.to_lowercase();
    for ending in [".txt", ".doc", ".docx"] {
        let Some(meant) = lower.strip_suffix(ending).filter(|meant| meant.ends_with(".toml")) else { continue };
        faults.push(Fault::of_file(
            path,
            &format!("this file is not read: its name ends in `{ending}`"),
            &format!("rename it to {meant}"),
        ));
    }
}

#[cfg(test)]
mod tests {
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
            let faults =
                load("", "", &source("").replace("title = \"a\"", &format!("title = \"{title}\""))).unwrap_err();
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
            let (_, warnings) =
                load("", "", &source(&format!("as = \"{kind}\"\n[source.list]\nitem = \"li\""))).unwrap();
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
                let setting = line
                    .strip_prefix('#')
                    .filter(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase() || c == '['));
                setting.unwrap_or(line).to_owned() + "\n"
            };
            text.lines().map(setting).collect()
        };
        let texts = ["dayuan.toml", "regions.toml", "sources/example.toml"].map(|path| settings(&read(path)));
        section::KNOWN.with_borrow_mut(|known| known.clear());
        load(&texts[0], &texts[1], &texts[2]).unwrap();
        let known = section::KNOWN.with_borrow(|known| known.clone());
        let known: std::collections::BTreeSet<_> =
            known.into_iter().map(|(name, key)| (name, key.to_owned())).collect();
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
        let claims = |at: usize| {
            text.replace(&format!("https://a{at}.cn/\"\n"), &format!("https://a{at}.cn/\"\nwas = [\"a7\"]\n"))
        };
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
        let many: String = (0..10_000)
            .map(|at| source(&format!("regoin = \"{at}\"\n")).replace("\"a\"", &format!("\"a{at}\"")))
            .collect();
        let faults = load("", "", &many).unwrap_err();
        assert!(faults.count() >= 10_000 && faults.iter().count() <= 200);
        assert!(faults.render(false).ends_with("fix these first\n"));
    }
}
