//! What the log says of the sources.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::numbers::SourceNo;
use super::reports::Home;
use crate::log::{Control, SourceFacts};
use crate::model::{Authority, Draft, Link, Moment, RegionId, SourceId, Zone};

#[derive(Debug, Default)]
pub(super) struct Sources {
    /// By number. A source that only reports are known of has no link: the line with its facts is damaged.
    facts: Vec<SourceFacts>,
    numbers: HashMap<SourceId, SourceNo>,
    controls: HashMap<SourceId, Control>,
    /// Canonical links of the sources themselves; these are no story's address.
    listings: HashSet<String>,
    /// The addresses of the sources at each host.
    hosts: HashMap<String, BTreeMap<SourceNo, String>>,
    /// Sources that were moved to another region but whose items have not followed yet; empty between two writes.
    moved: BTreeSet<SourceNo>,
    /// Sources that changed since the last call of [`Sources::take_changed`].
    changed: BTreeSet<SourceNo>,
    /// Former ids of renamed sources.
    renamed: Vec<SourceId>,
}

impl Sources {
    pub(super) const fn len(&self) -> usize {
        self.facts.len()
    }

    /// Returns the numbers of all sources.
    pub(super) fn numbers(&self) -> impl Iterator<Item = SourceNo> + use<> {
        (0..self.facts.len()).map(SourceNo::of)
    }

    /// Returns the facts of every source that the log has facts of.
    pub(super) fn all(&self) -> impl Iterator<Item = &SourceFacts> {
        self.facts.iter().filter(|facts| !facts.link.is_empty())
    }

    /// Returns the facts of a source, if the log has any.
    pub(super) fn facts(&self, source: SourceNo) -> Option<&SourceFacts> {
        self.entry(source).filter(|facts| !facts.link.is_empty())
    }

    /// Returns a source, of which perhaps only the id is known.
    pub(super) fn entry(&self, source: SourceNo) -> Option<&SourceFacts> {
        self.facts.get(source.at())
    }

    pub(super) fn number(&self, id: &SourceId) -> Option<SourceNo> {
        self.numbers.get(id).copied()
    }

    pub(super) fn region(&self, source: SourceNo) -> Option<&RegionId> {
        self.facts(source).map(|facts| &facts.region)
    }

    pub(super) fn authority(&self, source: SourceNo) -> Option<Authority> {
        self.facts(source).map(|facts| facts.authority)
    }

    pub(super) fn control(&self, id: &SourceId) -> Option<Control> {
        self.controls.get(id).copied()
    }

    pub(super) const fn listings(&self) -> &HashSet<String> {
        &self.listings
    }

    /// Returns whether the sources at a host have one address, so that they are one.
    pub(super) fn are_alone_at(&self, host: &str) -> bool {
        let Some(sources) = self.hosts.get(host) else { return false };
        let mut addresses = sources.values();
        let first = addresses.next();
        first.is_some() && addresses.all(|address| Some(address) == first)
    }

    /// Returns the registrable domain of a source.
    pub(super) fn domain(&self, source: SourceNo) -> Option<String> {
        Link::parse(&self.facts(source)?.link).ok().map(|link| link.registrable_domain().to_owned())
    }

    /// Returns whether a draft's address is on the site of a source.
    pub(super) fn is_home(&self, source: SourceNo, draft: &Draft) -> bool {
        self.home(source, draft) > Home::Elsewhere
    }

    /// Returns how close a draft's address is to the source.
    pub(super) fn home(&self, source: SourceNo, draft: &Draft) -> Home {
        let own = self.facts(source).and_then(|facts| Link::parse(&facts.link).ok());
        // http and https are one.
        let port = |link: &Link| Some(link.port()).filter(|port| !matches!(port, 80 | 443));
        match draft.checked_link().zip(own) {
            Some((link, own)) if host(&link) == host(&own) && port(&link) == port(&own) => Home::Host,
            Some((link, own)) if link.registrable_domain() == own.registrable_domain() => Home::Domain,
            _ => Home::Elsewhere,
        }
    }

    /// Returns the number of a source, assigning one if it has none.
    pub(super) fn number_or_new(&mut self, id: &SourceId) -> SourceNo {
        self.number(id).unwrap_or_else(|| self.touched_number(id))
    }

    /// Returns the number of a source, assigning one if it has none, and marks it as changed.
    fn touched_number(&mut self, id: &SourceId) -> SourceNo {
        let number = self.number(id).unwrap_or_else(|| {
            let number = SourceNo::of(self.facts.len());
            self.numbers.insert(id.clone(), number);
            self.facts.push(unknown(id.clone()));
            number
        });
        self.changed.insert(number);
        number
    }

    /// Takes over the facts of a source. Returns its number if it was renamed: its items name it by its id.
    pub(super) fn upsert(&mut self, facts: SourceFacts) -> Option<SourceNo> {
        if let Ok(link) = Link::parse(&facts.link) {
            self.listings.insert(link.canonical());
        }
        let renamed = self.rename(&facts);
        let number = self.touched_number(&facts.id);
        if let Some(known) = self.facts.get_mut(number.at()) {
            let before = std::mem::replace(known, facts);
            let address = |facts: &SourceFacts| Link::parse(&facts.link).ok();
            if let Some(former) = address(&before).and_then(|link| self.hosts.get_mut(&host(&link))) {
                former.remove(&number);
            }
            if let Some(link) = address(known) {
                self.hosts.entry(host(&link)).or_default().insert(number, link.canonical());
            }
            if !before.link.is_empty() && before.region != known.region {
                self.moved.insert(number);
            }
        }
        renamed
    }

    /// Moves what is known of a source from a former id to its new one.
    fn rename(&mut self, facts: &SourceFacts) -> Option<SourceNo> {
        if self.numbers.contains_key(&facts.id) {
            return None;
        }
        let (former, number) = facts.was.iter().find_map(|former| Some((former, self.numbers.remove(former)?)))?;
        self.numbers.insert(facts.id.clone(), number);
        if let Some(control) = self.controls.remove(former) {
            self.controls.insert(facts.id.clone(), control);
        }
        self.renamed.push(former.clone());
        Some(number)
    }

    /// Pauses a source, resumes it or records that it is gone.
    pub(super) fn set_control(&mut self, source: &SourceId, control: Control) {
        self.controls.insert(source.clone(), control);
        self.changed.extend(self.number(source));
    }

    /// Returns the sources that were moved to another region since the last call.
    pub(super) fn take_moved(&mut self) -> BTreeSet<SourceNo> {
        std::mem::take(&mut self.moved)
    }

    /// Marks all sources as changed, for a store that may have lost some.
    pub(super) fn touch_all(&mut self) {
        self.changed.extend(self.numbers());
    }

    /// Returns the former ids of the sources renamed since the last call, and the sources that changed since.
    pub(super) fn take_changed(&mut self) -> (Vec<SourceId>, BTreeSet<SourceNo>) {
        (std::mem::take(&mut self.renamed), std::mem::take(&mut self.changed))
    }
}

/// Returns the host of a link; www.a.cn and a.cn are one.
pub(super) fn host(link: &Link) -> String {
    link.host_text().trim_start_matches("www.").to_owned()
}

fn unknown(id: SourceId) -> SourceFacts {
    let region = RegionId::new("unknown").unwrap_or_else(|_impossible| unreachable!("a plain word is an id"));
    let title = id.as_str().to_owned();
    SourceFacts {
        id,
        title,
        link: String::new(),
        region,
        authority: Authority::Portal,
        zone: Zone::utc(),
        rights: None,
        was: Vec::new(),
        alerts_for: Vec::new(),
        at: Moment::default(),
    }
}
