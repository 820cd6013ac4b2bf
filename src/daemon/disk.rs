//! How much room the store takes, and will take.

use std::collections::BTreeMap;
use std::path::Path;

/// Days of the log whose growth is averaged.
const MAX_DAYS: usize = 30;
/// The parts of a store, each a folder, and what is in them.
pub(super) const FOLDERS: [(&str, &str); 5] = [
    ("log", "what sources reported: the only part to back up"),
    ("view", "derived from the log; made anew if it is missing"),
    ("search", "the search index; made anew if it is missing"),
    ("visits", "when and how each source was polled"),
    ("hub", "subscriptions of other sites"),
];

/// Returns the sizes of the parts of a store, how fast they grow, and how large they may get.
///
/// # Errors
/// If the store cannot be read.
pub fn disk(store: &Path, keep_days: u64) -> std::io::Result<Vec<String>> {
    let mut lines = vec![format!("{}", store.display())];
    let mut sizes: BTreeMap<&str, u64> = BTreeMap::new();
    let mut all = 0;
    for entry in std::fs::read_dir(store)? {
        let entry = entry?;
        let name = entry.file_name();
        let size = size_of(&entry.path())?;
        all += size;
        match FOLDERS.iter().find(|(part, _)| name == *part) {
            Some((part, _)) => {
                sizes.insert(part, size);
            }
            // Set aside by a start that found it damaged, or not ours.
            None if size > 0 => lines.push(format!("  {:>10}  {}", bytes(size), name.display())),
            None => {}
        }
    }
    for (part, purpose) in FOLDERS {
        if let Some(size) = sizes.get(part) {
            lines.push(format!("  {:>10}  {part}: {purpose}", bytes(*size)));
        }
    }
    lines.push(format!("  {:>10}  in all", bytes(all)));
    let disk = rustix::fs::statvfs(store)?;
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    lines.push(format!("  {:>10}  free on this disk", bytes(free)));
    lines.push(growth(store, all, free, keep_days)?);
    Ok(lines)
}

/// Estimates the growth from the days of the log that are over.
fn growth(store: &Path, all: u64, free: u64, keep_days: u64) -> std::io::Result<String> {
    let mut days: Vec<(String, u64)> = Vec::new();
    for entry in std::fs::read_dir(store.join("log"))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with(|c: char| c.is_ascii_digit()) && name.contains(".jsonl") {
            days.push((name, entry.metadata()?.len()));
        }
    }
    days.sort();
    // The newest day is not over yet.
    let newest = days.pop();
    let recent: Vec<u64> = days.iter().rev().take(MAX_DAYS).map(|(_, size)| *size).collect();
    let log: u64 = days.iter().chain(&newest).map(|(_, size)| size).sum();
    if recent.is_empty() || log == 0 {
        return Ok("growth: known after the first whole day".to_owned());
    }
    let of_log = recent.iter().sum::<u64>() / recent.len() as u64;
    // View and index grow with the log.
    let a_day = u64::try_from(u128::from(of_log) * u128::from(all) / u128::from(log)).unwrap_or(u64::MAX);
    let kept = keep_days.min(365);
    let year = a_day.saturating_mul(kept);
    let left = free.checked_div(a_day).map_or_else(String::new, |days| {
        if year.saturating_sub(all) > free { format!("; THE DISK IS FULL IN {days} DAYS") } else { String::new() }
    });
    Ok(format!(
        "growth: {} a day (average of the last {} whole days); {} in a year, as items are kept for {keep_days} days{left}",
        bytes(a_day),
        recent.len(),
        bytes(year)
    ))
}

/// Returns the room that a file or folder takes on the disk, whatever is removed from it meanwhile.
pub(super) fn size_of(path: &Path) -> std::io::Result<u64> {
    use std::os::unix::fs::MetadataExt;
    let mut open = vec![path.to_owned()];
    let mut size = 0;
    while let Some(path) = open.pop() {
        // The daemon may have removed it meanwhile.
        let Ok(metadata) = path.symlink_metadata() else { continue };
        size += metadata.blocks() * 512;
        if metadata.is_dir() {
            match std::fs::read_dir(&path) {
                Ok(entries) => open.extend(entries.flatten().map(|entry| entry.path())),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(size)
}

fn bytes(size: u64) -> String {
    const UNITS: [(&str, u64); 3] = [("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1000)];
    UNITS.iter().find(|(_, unit)| size >= *unit).map_or_else(
        || format!("{size} B"),
        |(name, unit)| format!("{}.{} {name}", size / unit, size % unit * 10 / unit),
    )
}
