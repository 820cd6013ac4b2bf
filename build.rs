//! Lists the language files of `src/read/lexicon`, so that a language is added by adding a file.

use std::path::Path;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let (Ok(root), Ok(out)) = (env::var("CARGO_MANIFEST_DIR"), env::var("OUT_DIR")) else {
        return Err(io::Error::other("this is to be run by cargo"));
    };
    let folder = Path::new(&root).join("src/read/lexicon");
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut paths: Vec<_> = fs::read_dir(&folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
    paths.sort();
    let files: String = paths
        .iter()
        .filter(|path| path.extension().is_some_and(|ending| ending == "toml"))
        .map(|path| format!("(\"{}\", include_str!({path:?})),", path.file_stem().unwrap_or_default().display()))
        .collect();
    fs::write(Path::new(&out).join("languages.rs"), format!("&[{files}]"))
}
