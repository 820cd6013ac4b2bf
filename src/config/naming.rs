//! Regions as the config names them: by code, slug or name.

use crate::model::{Region, RegionId};
use crate::regions::Directory;

/// Maximum number of regions that a fault lists.
const MAX_LISTED: usize = 8;

/// Returns the region that a text names.
///
/// # Errors
/// If there is none, or more than one: what is wrong, and which regions may be meant.
pub fn region(directory: &Directory<'_>, text: &str) -> Result<RegionId, (String, String)> {
    let found = directory.called(text);
    match found.as_slice() {
        [region] => Ok(region.id.clone()),
        [] => {
            let near = directory.near(text);
            let help = if near.is_empty() {
                "use a name, or a code of GB/T 2260 such as 140300; `dayuan regions NAME` looks it up".to_owned()
            } else {
                format!("the nearest are {}", listed(directory, &near))
            };
            Err((format!("there is no region `{text}`"), help))
        }
        _ => Err((format!("`{text}` is the name of {} regions", found.len()), {
            format!("write the code of one of them: {}", listed(directory, &found))
        })),
    }
}

fn listed(directory: &Directory<'_>, regions: &[&Region]) -> String {
    let lines: Vec<String> =
        regions.iter().take(MAX_LISTED).map(|region| format!("{} {}", region.id, directory.path(region))).collect();
    let listed = lines.join(", ");
    match regions.len().saturating_sub(MAX_LISTED) {
        0 => listed,
        more => format!("{listed} and {more} more"),
    }
}
