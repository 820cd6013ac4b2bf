//! The takedowns of `dayuan.toml`: what is not published any more, whoever reports it.

use std::cell::RefCell;
use std::path::Path;

use super::document::Document;
use super::fault::Faults;
use super::section::Section;
use crate::model::{Origin, Scope, Source, Takedown};

/// Reads the `[[takedown]]` tables, reporting their faults.
pub(super) fn read(root: &Section<'_>) -> Vec<Takedown> {
    let mut known: Vec<Takedown> = Vec::new();
    for section in root.sections("takedown") {
        if let Some(takedown) = takedown(&section) {
            if known.iter().any(|known| known.scope == takedown.scope) {
                section.fault(
                    takedown.scope.kind(),
                    format!("{} is taken down twice", takedown.scope),
                    "keep one of them",
                );
            }
            known.push(takedown);
        }
        section.finish();
    }
    known
}

fn takedown(section: &Section<'_>) -> Option<Takedown> {
    let named = ["host", "prefix", "source"].map(|kind| (kind, section.string(kind)));
    let (reason, public_reason) = (section.string("reason"), section.string("public_reason"));
    let mut scopes = named.into_iter().filter_map(|(kind, value)| Some((kind, value?)));
    let (Some((kind, value)), None) = (scopes.next(), scopes.next()) else {
        section.fault(
            "",
            "a takedown needs one of `host`, `prefix` and `source`".to_owned(),
            "write one [[takedown]] for each",
        );
        return None;
    };
    let scope = match Scope::parse(kind, &value) {
        Ok(scope) => scope,
        Err(message) => {
            section.fault(kind, message, "write host = \"a.cn\", prefix = \"https://a.cn/x/\" or source = \"an-id\"");
            return None;
        }
    };
    let Some(reason) = reason.filter(|reason| !reason.is_empty()) else {
        section.fault("reason", "a takedown needs a `reason`".to_owned(), "say why; it is kept and not published");
        return None;
    };
    let public_reason = public_reason.filter(|reason| !reason.is_empty());
    Some(Takedown { scope, origin: Origin::Config, reason, public_reason })
}

/// Warns of takedowns that cover no source of the config, and of those that cover all.
pub(super) fn doubt(path: &Path, text: &str, sources: &[std::sync::Arc<Source>], warnings: &mut Faults) {
    let mut told = Faults::default();
    let (cell, slips) = (RefCell::new(&mut told), RefCell::new(warnings));
    let document = Document::new(path, text, &cell, &slips);
    let root = document.root();
    let root = Section::new(&document, "", &root);
    for section in root.sections("takedown") {
        let Some(takedown) = takedown(&section) else { continue };
        let scope = &takedown.scope;
        let covered = sources.iter().filter(|source| scope.covers(&source.id, &source.was, Some(&source.url))).count();
        let help = match scope {
            Scope::Source(_) => "use the id of a source; what a removed one reported stays taken down",
            Scope::Host(_) | Scope::Prefix(_) => {
                "only items that lead there are taken down; is it spelled as in their addresses?"
            }
        };
        if covered == 0 {
            section.warning(scope.kind(), format!("the takedown of {scope} covers no source"), help);
        } else if covered == sources.len() {
            section.warning(
                scope.kind(),
                format!("the takedown of {scope} covers every source: nothing is published"),
                "name less of it",
            );
        }
    }
}
