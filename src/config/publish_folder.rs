//! The folder to which documents are written, as the config names it.

use std::path::{Path, PathBuf};

use super::section::Section;

/// Reads the folder to which documents are written.
pub(super) fn publish_folder(publish: &Section<'_>, has_public_url: bool) -> Option<PathBuf> {
    let text = publish.string("to")?;
    let path = PathBuf::from(&text);
    if text.contains("://") {
        publish.fault(
            "to",
            format!("`{text}` is no folder, and dayuan writes to folders only"),
            "name a folder, such as /srv/dayuan, and let another program copy it from there",
        );
    } else if !path.is_absolute() || path == Path::new("/") {
        publish.fault(
            "to",
            format!("`{text}` does not name a folder with its whole path"),
            "name a folder of its own, such as /srv/dayuan; it is made if it is missing",
        );
    } else if !has_public_url {
        publish.fault(
            "to",
            "the files would lead readers to this machine itself".to_owned(),
            "set [http] public_url to the address that readers use",
        );
    }
    Some(path)
}
