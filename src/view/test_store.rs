//! Test helpers: a view and a log in a temporary directory, and records to fill them.

use std::sync::Arc;

use super::notice::Notice;
use super::store::{Options, View};
use crate::log::{Log, Record, SourceFacts};
use crate::model::{Authority, Draft, ItemId, Key, Moment, RegionId, Report, SourceId, Stamp, Zone};

pub(super) struct TestStore {
    pub(super) folder: tempfile::TempDir,
    pub(super) log: Arc<Log>,
}

impl TestStore {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (log, _) = Log::open(&folder.path().join("log")).unwrap();
        Self { folder, log: Arc::new(log) }
    }

    pub(super) fn view(&self) -> (View, Vec<Notice>) {
        self.view_by("")
    }

    pub(super) fn view_by(&self, rules: &str) -> (View, Vec<Notice>) {
        let places = Arc::default();
        let options = Options { path: self.folder.path().join("view"), rules: rules.to_owned(), places };
        View::open(&options, Arc::clone(&self.log), &|_| {}).unwrap()
    }

    pub(super) fn say(&self, view: &View, records: &[Record], now: Moment) -> Vec<RegionId> {
        let appended = self.log.append(records, now).unwrap();
        view.apply(&appended, records).unwrap()
    }
}

pub(super) fn source(id: &str, link: &str, region: &str) -> Record {
    Record::Source(SourceFacts {
        id: SourceId::new(id).unwrap(),
        title: id.to_uppercase(),
        link: link.to_owned(),
        region: RegionId::new(region).unwrap(),
        authority: Authority::Media,
        zone: Zone::shanghai(),
        rights: None,
        was: Vec::new(),
        alerts_for: Vec::new(),
        at: NOON,
    })
}

pub(super) const NOON: Moment = Moment::from_seconds(1_678_330_000);

pub(super) fn report(source: &str, link: &str, title: &str, text: &str, seen: Moment) -> Record {
    let source = SourceId::new(source).unwrap();
    let draft = Draft {
        title: title.to_owned(),
        link: Some(link.to_owned()),
        text: text.to_owned(),
        published: Stamp::at_offset((2023, 3, 8), None, 28800),
        ..Draft::default()
    };
    let key = Key::of(None, draft.checked_link().as_ref(), title, None).unwrap();
    let item = ItemId::of(&source, &key);
    Record::Report(Box::new(Report { item, key, source, seen, reader: 1, first_import: false, draft }))
}

pub(super) fn region(id: &str) -> RegionId {
    RegionId::new(id).unwrap()
}

/// Two sources, a story that both report (the second at its own address), one more story, and a change to it.
pub(super) fn sample() -> Vec<Record> {
    vec![
        source("portal", "https://portal.cn/feed", "140300"),
        source("paper", "https://paper.cn/feed", "140321"),
        report("portal", "https://www.paper.cn/1", "一", "甲", NOON),
        report("paper", "https://paper.cn/1", "一", "甲乙", NOON.plus_seconds(60)),
        report("paper", "https://paper.cn/2", "二", "乙", NOON.plus_seconds(60)),
        report("paper", "https://paper.cn/2", "二", "乙丙", NOON.plus_seconds(7200)),
    ]
}
