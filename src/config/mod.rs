//! The admin's config: read and validated, with all faults reported at once by file and line. Builds the options of the
//! other modules.
//!
//! `dayuan.toml` holds the settings, `regions.toml` the region tree, `sources/*.toml` the sources. A [`Config`] is
//! always valid.

mod address;
mod cluster;
mod document;
mod fault;
mod file;
mod forms;
mod log_section;
mod messages;
mod naming;
mod outlines;
mod places;
mod publish_to;
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
pub use log_section::LogFormat;
pub use messages::chinese;
pub use naming::region as region_named;
pub use outlines::{Imported, feed_list, imported, outlines, short};
pub use places::Places;
pub use publish_to::PublishTo;
pub use settings::{Settings, socket, stated_language};

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
mod tests;
