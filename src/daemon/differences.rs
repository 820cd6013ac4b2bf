//! What a reload changes in the list of sources, and what that means for items.

use std::collections::HashMap;
use std::sync::Arc;

use crate::model::{Source, SourceId, counted};
use crate::view::View;

/// Maximum number of changes that are told.
const MAX_LINES: usize = 200;

/// Describes what is added (+), removed (-), renamed (>) and changed (~).
pub(super) fn told(view: Option<&View>, old: &[Arc<Source>], new: &[Arc<Source>]) -> Vec<String> {
    let before: HashMap<&SourceId, &Source> = old.iter().map(|source| (&source.id, &**source)).collect();
    let after: HashMap<&SourceId, &Source> = new.iter().map(|source| (&source.id, &**source)).collect();
    let heirs: HashMap<&SourceId, &SourceId> =
        new.iter().flat_map(|source| source.was.iter().map(|was| (was, &source.id))).collect();
    let items = |id: &SourceId| view.map_or(0, |view| view.count_of(id));
    let mut lines = Vec::new();
    for source in new.iter().filter(|source| !before.contains_key(&source.id)) {
        let former = source.was.iter().find(|was| before.contains_key(was) && !after.contains_key(was));
        lines.push(match former {
            Some(was) => format!(
                "> {was} is now {}: it goes on where it was, with {}",
                source.id,
                counted(items(was), "item", "items")
            ),
            None => format!("+ {}: {} ({}), polled at once", source.id, source.title, source.region),
        });
    }
    let gone = old.iter().filter(|source| !after.contains_key(&source.id) && !heirs.contains_key(&source.id));
    for source in gone {
        lines.push(format!(
            "- {}: not polled any more; its {} stay published (dayuan withdraw --source {} takes them out)",
            source.id,
            counted(items(&source.id), "item", "items"),
            source.id
        ));
    }
    for source in new {
        if let Some(known) = before.get(&source.id).filter(|known| **known != &**source) {
            lines.push(format!("~ {}: {}", source.id, changes(known, source, items(&source.id))));
        }
    }
    if lines.len() > MAX_LINES {
        let more = lines.len() - MAX_LINES;
        lines.truncate(MAX_LINES);
        lines.push(format!("… and {more} more changes"));
    }
    lines
}

/// Describes what changed in a source.
fn changes(old: &Source, new: &Source, items: usize) -> String {
    let mut told = Vec::new();
    if old.region != new.region {
        let items = counted(items, "item", "items");
        told.push(format!(
            "moved from {} to {}; those of its {items} that only it placed move along",
            old.region, new.region
        ));
    }
    if old.url != new.url {
        told.push(format!("new address; read when it is due (at once: dayuan poll {})", new.id));
    }
    if old.title != new.title {
        told.push(format!("title {} instead of {}, also of what is published", new.title, old.title));
    }
    if old.authority != new.authority {
        told.push(format!(
            "authority {} instead of {}, for what it reports from now on",
            new.authority.word(),
            old.authority.word()
        ));
    }
    if old.policy != new.policy || old.rights != new.rights {
        told.push("content or rights, also of what is published".to_owned());
    }
    if old.topics != new.topics {
        told.push("topics, also of what is published".to_owned());
    }
    if old.filter != new.filter {
        told.push("rules about items, for what its next new document lists; what is known stays".to_owned());
    }
    if old.pins != new.pins || old.kind != new.kind || old.charset != new.charset {
        told.push("how it is read, from the next poll on; what is known stays as it is".to_owned());
    }
    if told.is_empty() {
        told.push("other settings, from the next poll on".to_owned());
    }
    told.join("; ")
}
