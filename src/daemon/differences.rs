//! What a reload changes: in the list of sources, what that means for items, and what takes a restart.

use std::collections::HashSet;
use std::sync::Arc;

use crate::config::Settings;
use crate::model::{Source, SourceId, counted};
use crate::view::View;

/// Maximum number of changes that are told.
const MAX_LINES: usize = 200;

/// Takes over from the old list the sources that are the same in the new one, so that whoever has them sees at once that
/// nothing changed. Both lists are ordered by id.
pub(super) fn kept(old: &[Arc<Source>], new: &mut [Arc<Source>]) {
    let mut before = old.iter().peekable();
    for source in new {
        while before.next_if(|known| known.id < source.id).is_some() {}
        if let Some(known) = before.next_if(|known| known.id == source.id).filter(|known| *known == source) {
            *source = Arc::clone(known);
        }
    }
}

/// Returns the source with an id in a list that is ordered by it.
fn named<'s>(list: &'s [Arc<Source>], id: &SourceId) -> Option<&'s Arc<Source>> {
    list.binary_search_by(|source| source.id.cmp(id)).ok().and_then(|at| list.get(at))
}

/// Returns the sources of a list that are not, or not the same, in another one, each with the one there.
fn changed<'s>(
    list: &'s [Arc<Source>],
    other: &'s [Arc<Source>],
) -> impl Iterator<Item = (&'s Arc<Source>, Option<&'s Arc<Source>>)> {
    let mut others = other.iter().peekable();
    list.iter().filter_map(move |source| {
        while others.next_if(|other| other.id < source.id).is_some() {}
        let same = others.next_if(|other| other.id == source.id);
        (!same.is_some_and(|same| Arc::ptr_eq(same, source) || same == source)).then_some((source, same))
    })
}

/// Describes what is added (+), removed (-), renamed (>) and changed (~). Both lists are ordered by id.
pub(super) fn told(view: Option<&View>, old: &[Arc<Source>], new: &[Arc<Source>]) -> Vec<String> {
    let (mut fresh, mut other) = (Vec::new(), Vec::new());
    for (source, known) in changed(new, old) {
        match known {
            Some(known) => other.push((source, known)),
            None => fresh.push(source),
        }
    }
    let heirs: HashSet<&SourceId> = new.iter().flat_map(|source| &source.was).collect();
    let items = |id: &SourceId| view.map_or(0, |view| view.count_of(id));
    let mut lines = Vec::new();
    for source in fresh {
        let former = source.was.iter().find(|was| named(old, was).is_some() && named(new, was).is_none());
        lines.push(match former {
            Some(was) => format!(
                "> {was} is now {}: it goes on where it was, with {}",
                source.id,
                counted(items(was), "item", "items")
            ),
            None => format!("+ {}: {} ({}), polled at once", source.id, source.title, source.region),
        });
    }
    let is_gone =
        |(source, there): &(&Arc<Source>, Option<&Arc<Source>>)| there.is_none() && !heirs.contains(&source.id);
    for (source, _) in changed(old, new).filter(is_gone) {
        lines.push(format!(
            "- {}: not polled any more; its {} stay published (dayuan withdraw --source {} takes them out)",
            source.id,
            counted(items(&source.id), "item", "items"),
            source.id
        ));
    }
    for (source, known) in other {
        lines.push(format!("~ {}: {}", source.id, changes(known, source, items(&source.id))));
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
        told.push("rules about items, from the next poll on; what is known stays".to_owned());
    }
    if old.pins != new.pins || old.kind != new.kind || old.charset != new.charset {
        told.push("how it is read, from the next poll on; what is known stays as it is".to_owned());
    }
    if told.is_empty() {
        told.push("other settings, from the next poll on".to_owned());
    }
    told.join("; ")
}

/// Tells which settings changed that a running daemon does not take over.
pub(super) fn need_restart(old: &Settings, new: &Settings) -> impl Iterator<Item = String> {
    let fixed = [
        ("[http] listen", old.listen != new.listen),
        (
            "[http] public_url, where the hubs of sources reach dayuan,",
            old.publish.listens && old.publish.public_url != new.publish.public_url,
        ),
        ("[http] metrics", (old.metrics_listen, old.metrics_sources) != (new.metrics_listen, new.metrics_sources)),
        ("[store]", old.store != new.store || old.limits != new.limits),
        ("[fetch]", format!("{:?}", old.fetch) != format!("{:?}", new.fetch)),
        ("[hub]", format!("{:?}", old.hub) != format!("{:?}", new.hub)),
        ("[admin]", (&old.socket, &old.admin_group) != (&new.socket, &new.admin_group)),
        ("[cluster]", old.cluster != new.cluster),
        ("[log]", old.log_format != new.log_format || old.log_level != new.log_level),
        ("[search]", old.publish.search != new.publish.search),
        ("[publish] to", old.publish_to != new.publish_to),
        ("[publish] cache_size", old.publish.cache_size != new.publish.cache_size),
    ];
    let changed = fixed.into_iter().filter(|(_, changed)| *changed);
    changed.map(|(name, _)| format!("{name} changed; restart the daemon to apply it"))
}
