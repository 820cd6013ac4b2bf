//! Answers why an item is in a feed, or why it is not.

use super::explain::{because, named, report_at, unpublished};
use super::publishing::published;
use crate::config::Config;
use crate::log::Log;
use crate::model::{ItemId, Moment, Month, RegionId, Regions, counted};
use crate::regions::{Directory, Evidence};
use crate::serve::{self, PublishConfig};
use crate::view::{PollStates, Story, StoryNo, View};

/// What an answer is found in.
#[derive(Clone, Copy, Debug)]
pub struct Stores<'a> {
    /// The view.
    pub view: &'a View,
    /// Its log.
    pub log: &'a Log,
    /// The poll states.
    pub poll_states: &'a PollStates,
}

/// Tells what became of an item in lines: published or not, with which others it was merged, where it was placed, and
/// which feeds hold it. `None` if no source reported it. `name` is an id, or the URL of its page or of a report.
pub fn why(stores: &Stores<'_>, config: &Config, name: &str) -> Option<Vec<String>> {
    let Stores { view, log, .. } = *stores;
    let id = named(view, name)?;
    let number = view.find(id)?;
    let Some(story) = view.story(number) else {
        let mut lines = vec!["NOT PUBLISHED".to_owned()];
        lines.extend(unpublished(view, log, id, number));
        return Some(lines);
    };
    let mut lines = merged(view, log, &story, id);
    lines.extend(placed(config, &story, id));
    let feeds = feeds(stores, config, &story, number);
    let verdict = if feeds.iter().any(|(is_in, _)| *is_in) { "PUBLISHED" } else { "IN NO FEED" };
    lines.insert(0, verdict.to_owned());
    lines.extend(feeds.into_iter().map(|(_, line)| line));
    lines.push(format!("more: dayuan explain {}", story.id));
    Some(lines)
}

/// Tells which story it belongs to, and which report of it is shown.
fn merged(view: &View, log: &Log, story: &Story, id: ItemId) -> Vec<String> {
    let title = |position| report_at(log, position).map(|report| report.draft.title).unwrap_or_default();
    let mut lines = vec![format!("story {}: {}", story.id, title(story.shown.position))];
    let own = std::iter::once(&story.shown).chain(&story.others).find(|report| report.item == id);
    if let Some(own) = own {
        lines.push(format!(
            "reported by {} ({}), first seen {}",
            own.source.title,
            own.source.id,
            story.seen.rfc3339()
        ));
    }
    if story.id != id {
        lines.push(format!(
            "merged: {id} is one of {} of this story",
            counted(1 + story.others.len(), "report", "reports")
        ));
    }
    if story.shown.item != id {
        let reason = if view.is_withdrawn_alone(id) {
            "this report was withdrawn alone".to_owned()
        } else {
            format!("the story shows the report of {} ({})", story.shown.source.title, story.shown.source.id)
        };
        lines.push(format!("not shown itself: {reason}"));
    }
    lines
}

/// Tells in which regions it is, and whether these are not its source's own.
fn placed(config: &Config, story: &Story, id: ItemId) -> Vec<String> {
    let directory = Directory::new(&config.regions);
    let path = |region: &RegionId| {
        config
            .regions
            .get(region)
            .map_or_else(|| region.to_string(), |known| format!("{region} {}", directory.path(known)))
    };
    let evidence =
        |(region, evidence): &(RegionId, Evidence)| format!("placed in {}: {}", path(region), because(*evidence));
    let mut lines: Vec<String> = story.regions.iter().map(evidence).collect();
    let own = std::iter::once(&story.shown).chain(&story.others).find(|report| report.item == id);
    let own = own.unwrap_or(&story.shown);
    let Some(home) = config.sources.iter().find(|source| source.id == own.source.id).map(|source| &source.region)
    else {
        lines.push(format!("its source {} is not in the config any more", own.source.id));
        return lines;
    };
    let is_at_home = story.regions.iter().any(|(region, _)| config.regions.covers(home, region));
    if !is_at_home {
        lines.push(format!(
            "placed elsewhere: its source belongs to {}, but what the item says weighs more than that",
            path(home)
        ));
    }
    lines
}

/// Tells for each feed of a region that should hold the story whether it does, and why not.
fn feeds(stores: &Stores<'_>, config: &Config, story: &Story, number: StoryNo) -> Vec<(bool, String)> {
    let mut holders: Vec<RegionId> =
        story.regions.iter().flat_map(|(region, _)| config.regions.holders(region)).collect();
    holders.sort();
    holders.dedup();
    let (published, others): (Vec<RegionId>, Vec<RegionId>) =
        holders.into_iter().partition(|region| config.regions.is_published(region));
    let looks = self::published(config);
    let feed = |region| feed(stores, config, &looks, region, (story, number));
    let mut lines: Vec<(bool, String)> = published.iter().map(feed).collect();
    if published.is_empty() {
        let others: Vec<String> = others.iter().map(ToString::to_string).collect();
        lines.push((
            false,
            format!("none of its regions is published ({}): see `publish` in regions.toml", others.join(", ")),
        ));
    }
    lines
}

fn feed(
    &Stores { view, log, poll_states }: &Stores<'_>,
    config: &Config,
    looks: &PublishConfig,
    region: &RegionId,
    (story, number): (&Story, StoryNo),
) -> (bool, String) {
    let tags = tags(view, &config.regions, region);
    let most = config.settings.publish.items;
    let base = format!("{}/regions/{region}", config.settings.publish.public_url);
    let holds = |share| view.timeline(&tags, None, most, share).iter().any(|entry| entry.story == number);
    let month = Month::of(story.seen);
    let archive = format!("it is in the archive of its month, {base}/archive/{month}.xml and what that leads to");
    if holds(most.div_ceil(2)) {
        let lacking = serve::too_large_for(looks, log, view, poll_states, (region, story.id));
        let formats: Vec<&str> = lacking.iter().map(|format| format.file()).collect();
        return match formats.as_slice() {
            [] => (true, format!("in the feed of {region}: {base}/atom.xml")),
            [..] if formats.len() < 3 => (
                true,
                format!("in the feed of {region}: {base}, but cut from {}, which is too large", formats.join(", ")),
            ),
            [..] => (
                false,
                format!("cut from the feed of {region}: newer stories fill the 4 MiB that a feed may have; {archive}"),
            ),
        };
    }
    if holds(most) {
        let source = &story.shown.source.id;
        return (
            false,
            format!(
                "cut from the feed of {region}: one source fills at most half of it, and {source} has newer ones; {archive}"
            ),
        );
    }
    let oldest = view.timeline(&tags, None, most, most).last().map(|entry| entry.published);
    let oldest = oldest.map_or_else(String::new, |oldest: Moment| format!(", the oldest of {}", oldest.rfc3339()));
    (false, format!("cut from the feed of {region}: it holds the newest {most} ([publish] items){oldest}; {archive}"))
}

fn tags(view: &View, regions: &Regions, region: &RegionId) -> Vec<RegionId> {
    view.tags().into_iter().filter(|tag| regions.covers(region, tag)).collect()
}
