//! Reads `regions.toml`: the regions that the admin adds to those of the atlas.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::path::Path;

use super::document::Document;
use super::fault::Faults;
use super::naming;
use super::section::Section;
use crate::log::SourceFacts;
use crate::model::{Point, Region, RegionError, RegionId, Regions, Service};
use crate::regions::Directory;

pub(super) fn parse(path: &Path, text: &str, faults: &mut Faults, warnings: &mut Faults) -> Option<Regions> {
    let before = faults.count();
    let (cell, slips) = (RefCell::new(&mut *faults), RefCell::new(warnings));
    let document = Document::new(path, text, &cell, &slips);
    let table = document.root();
    let root = Section::new(&document, "", &table);
    let china = root.word("atlas", &[("cn", true), ("none", false)]).unwrap_or(true);
    let sections = root.sections("region");
    let known = named(&sections, china);
    let directory = Directory::new(&known);
    let publish = places(&document, &root, "publish", &directory);
    let gone = ids(&document, &root, "gone");
    let mut own = Vec::new();
    let mut spans: HashMap<RegionId, Range<usize>> = HashMap::new();
    for section in sections {
        if let Some(region) = region(&document, &section, china, &directory) {
            if spans.contains_key(&region.id) {
                section.fault("id", format!("there are two regions `{}`", region.id), "give each its own id");
            }
            spans.insert(region.id.clone(), section.span_of("id"));
            own.push(region);
        }
        section.finish();
    }
    root.finish();
    let publish_span = root.span_of("publish");
    match Regions::new(china, own, publish, gone) {
        Ok(regions) => (faults.count() == before).then_some(regions),
        Err(errors) => {
            for error in errors {
                let (owner, help) = match &error {
                    RegionError::Missing { region, .. } => {
                        (spans.get(region), "region ids are those of GB/T 2260 (six digits), or your own [[region]]")
                    }
                    RegionError::Circle(region) => (spans.get(region), "a region lies within its `parent`"),
                    RegionError::Slug(other, region) => {
                        (spans.get(region).or_else(|| spans.get(other)), "give each a slug of its own")
                    }
                    RegionError::SlugIsId(_, region) => (spans.get(region), "an address would lead to the other one"),
                    RegionError::GroupOfGroups { group, .. } => {
                        (spans.get(group), "name the members of that group instead")
                    }
                    RegionError::Id(_) => (None, ""),
                };
                document.fault(owner.cloned().unwrap_or_else(|| publish_span.clone()), error.to_string(), help);
            }
            None
        }
    }
}

/// Returns the regions of the atlas and those of the file, as far as names go: parents and members may be named, too.
fn named(sections: &[Section<'_>], china: bool) -> Regions {
    // Two regions of one slug are told elsewhere.
    let mut slugs = HashSet::new();
    let region = |section: &Section<'_>| {
        let id = RegionId::new(&section.string("id")?).ok()?;
        let aliases = section.strings("aliases").into_iter().map(|(alias, _)| alias).collect();
        let slug = section.string("slug").and_then(|slug| RegionId::new(&slug).ok());
        let slug = slug.filter(|slug| slugs.insert(slug.clone()));
        Some(Region { aliases, slug, ..Region::new(id, section.string("name").unwrap_or_default()) })
    };
    let own = sections.iter().filter_map(region).collect();
    Regions::new(china, own, Vec::new(), Vec::new()).unwrap_or_default()
}

/// Reads a list of regions that exist.
fn places(
    document: &Document<'_>,
    section: &Section<'_>,
    key: &'static str,
    directory: &Directory<'_>,
) -> Vec<RegionId> {
    let region = |(text, span): (String, Range<usize>)| {
        let found = naming::region(directory, &text);
        found.map_err(|(message, help)| document.fault(span, message, &help)).ok()
    };
    section.strings(key).into_iter().filter_map(region).collect()
}

fn ids(document: &Document<'_>, section: &Section<'_>, key: &'static str) -> Vec<RegionId> {
    let texts = section.strings(key);
    texts
        .into_iter()
        .filter_map(|(text, span)| match RegionId::new(&text) {
            Ok(id) => Some(id),
            Err(error) => {
                document.fault(span, error.to_string(), "");
                None
            }
        })
        .collect()
}

fn region(document: &Document<'_>, section: &Section<'_>, china: bool, directory: &Directory<'_>) -> Option<Region> {
    let one = |key: &'static str| {
        let text = section.string(key)?;
        match RegionId::new(&text) {
            Ok(id) => Some(id),
            Err(error) => {
                section.fault(key, error.to_string(), "");
                None
            }
        }
    };
    if !section.has("id") {
        section.fault("id", "this region has no `id`".to_owned(), "give it one, such as id = \"140300\"");
    }
    let id = one("id");
    if id.as_ref().is_some_and(|id| id.as_str() == SourceFacts::ALL) {
        section.fault("id", "`all` means every region in `alerts_for`".to_owned(), "give it another id");
    }
    let name = section.string("name");
    if name.as_deref() == Some("") {
        section.fault("name", "`name` is empty".to_owned(), "give the region the name that readers know");
    }
    let aliases = section.strings("aliases").into_iter().map(|(alias, _)| alias).collect();
    let slug = one("slug");
    let parent = section.string("parent").and_then(|text| {
        let found = naming::region(directory, &text);
        found.map_err(|(message, help)| section.fault("parent", message, &help)).ok()
    });
    let members = places(document, section, "members", directory);
    let was = ids(document, section, "was");
    let services = services(document, section);
    let point = point(section);
    let id = id?;
    let in_atlas = china && id.as_str().len() == 6 && id.as_str().bytes().all(|b| b.is_ascii_digit());
    if name.is_none() && !in_atlas {
        section.fault(
            "id",
            format!("region `{id}` has no `name`"),
            "give it one; only regions of the atlas have theirs already",
        );
    }
    Some(Region { aliases, slug, was, parent, members, services, point, ..Region::new(id, name.unwrap_or_default()) })
}

/// Returns the services that the page of a region links to.
fn services(document: &Document<'_>, section: &Section<'_>) -> Vec<Service> {
    section
        .sections("services")
        .iter()
        .filter_map(|service| {
            let (title, url) = (service.string("title"), service.string("url"));
            service.finish();
            let link = url.as_deref().map(crate::model::Link::parse);
            if let Some(Err(error)) = &link {
                service.fault("url", error.to_string(), "");
            }
            match (title, link) {
                (Some(title), Some(Ok(link))) => Some(Service { title, url: link.as_str().to_owned() }),
                _ => {
                    document.fault(
                        service.span(),
                        "a service needs `title` and `url`".to_owned(),
                        "write { title = \"…\", url = \"https://…\" }",
                    );
                    None
                }
            }
        })
        .collect()
}

/// Returns where a region lies, from latitude and longitude in degrees.
fn point(section: &Section<'_>) -> Option<Point> {
    let numbers = section.numbers("point")?;
    let point = match numbers.as_slice() {
        [latitude, longitude] => Point::new(*latitude, *longitude),
        _ => None,
    };
    if point.is_none() {
        section.fault(
            "point",
            "`point` is no place on the earth".to_owned(),
            "write latitude and longitude in degrees, such as point = [37.857, 113.581]",
        );
    }
    point
}
