//! `dayuan schema`: prints the JSON Schemas of the config files.

use std::path::Path;

use anyhow::Context;
use clap::ValueEnum;

use super::out::{End, show};

/// A kind of config file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ConfigFile {
    /// dayuan.toml
    Dayuan,
    /// regions.toml
    Regions,
    /// sources/*.toml
    Sources,
}

impl ConfigFile {
    const ALL: [Self; 3] = [Self::Dayuan, Self::Regions, Self::Sources];

    const fn name(self) -> &'static str {
        match self {
            Self::Dayuan => "dayuan.json",
            Self::Regions => "regions.json",
            Self::Sources => "sources.json",
        }
    }

    const fn schema(self) -> &'static str {
        match self {
            Self::Dayuan => include_str!("../../config/schema/dayuan.json"),
            Self::Regions => include_str!("../../config/schema/regions.json"),
            Self::Sources => include_str!("../../config/schema/sources.json"),
        }
    }
}

/// Prints the JSON Schema of a config file; with a folder, writes all of them into it.
pub(super) fn run(file: ConfigFile, into: Option<&Path>) -> anyhow::Result<End> {
    let Some(folder) = into else {
        file.schema().lines().for_each(show);
        return Ok(End::Done);
    };
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    for file in ConfigFile::ALL {
        let path = folder.join(file.name());
        std::fs::write(&path, file.schema()).with_context(|| format!("cannot write {}", path.display()))?;
        show(&path.display().to_string());
    }
    Ok(End::Done)
}
