//! The format of records on disk.
//!
//! A line is `{"crc":"xxxxxxxx",` followed by the rest of one JSON object; the checksum is the CRC-32C (RFC 3720,
//! appendix B.4) of the bytes after that comma, without the line end. Version 1 of each kind stays readable forever.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::error::LogError;
use super::record::{Control, GONE_AT_THE_SOURCE, Record, SourceFacts};
use crate::model::{
    Authority, Credit, Draft, Enclosure, ItemId, Key, Moment, Origin, RegionId, Report, Scope, SourceId, Stamp,
    Takedown, Zone,
};

/// Appends the line of a record to `line`, with its line end.
pub(super) fn encode(seq: u64, record: &Record, line: &mut Vec<u8>) -> Result<(), LogError> {
    let start = line.len();
    let kind = match record {
        Record::Source(_) => "source",
        Record::Report(_) => "report",
        Record::Control { .. } => "control",
        Record::Withdraw { .. } => "withdraw",
        Record::Restore { .. } => "restore",
        Record::Takedown { .. } => "takedown",
        Record::Lift { .. } => "lift",
        Record::Gone { .. } => "gone",
        Record::Back { .. } => "back",
        Record::Expire { .. } => "expire",
    };
    line.extend_from_slice(b"{\"crc\":\"00000000\",");
    let body = line.len();
    line.extend_from_slice(format!("\"seq\":{seq},\"v\":1,\"kind\":\"{kind}\",").as_bytes());
    // The twin is serialised as an object of its own; its opening brace is overwritten with the comma.
    let brace = line.len() - 1;
    line.truncate(brace);
    match record {
        Record::Source(facts) => serde_json::to_writer(&mut *line, &SourceTwin::from(facts)),
        Record::Report(report) => serde_json::to_writer(&mut *line, &ReportTwin::from(report.as_ref())),
        Record::Control { source, state, at } => {
            let twin = ControlTwin { at: at.millis(), source: source.as_str().into(), state: state.word().into() };
            serde_json::to_writer(&mut *line, &twin)
        }
        Record::Withdraw { item, reason, public_reason, at } => {
            let public = public_reason.as_deref().map(Into::into);
            let twin = WithdrawTwin { at: at.millis(), item: item.to_string().into(), reason: reason.into(), public };
            serde_json::to_writer(&mut *line, &twin)
        }
        Record::Takedown { takedown, items, is_whole, at } => {
            serde_json::to_writer(&mut *line, &TakedownTwin::of(takedown, items, *is_whole, *at))
        }
        Record::Lift { origin, scope, at } => {
            let (origin, kind) = (origin.word().into(), scope.kind().into());
            let twin = LiftTwin { at: at.millis(), origin, scope: kind, value: scope.value().into() };
            serde_json::to_writer(&mut *line, &twin)
        }
        Record::Restore { item, at } | Record::Gone { item, at } | Record::Back { item, at } => {
            serde_json::to_writer(&mut *line, &ItemTwin { at: at.millis(), item: item.to_string().into() })
        }
        Record::Expire { day, items, at } => {
            let items = items.iter().map(|item| item.to_string().into()).collect();
            serde_json::to_writer(&mut *line, &ExpireTwin { at: at.millis(), day: day.into(), items })
        }
    }
    .map_err(|source| LogError::Encode { seq, source })?;
    if let Some(opening) = line.get_mut(brace) {
        *opening = b',';
    }
    let crc = format!("{:08x}", crc32c::crc32c(line.get(body..).unwrap_or(&[])));
    if let Some(place) = line.get_mut(start + 8..start + 16) {
        place.copy_from_slice(crc.as_bytes());
    }
    line.push(b'\n');
    Ok(())
}

/// Verifies the checksum of a line without its line end.
pub(super) fn checked(line: &[u8]) -> Result<(), &'static str> {
    let rest = line.strip_prefix(b"{\"crc\":\"").ok_or("it does not begin with a checksum")?;
    let (crc, rest) = rest.split_at_checked(8).ok_or("it ends inside its checksum")?;
    let body = rest.strip_prefix(b"\",").ok_or("it does not begin with a checksum")?;
    let expected = std::str::from_utf8(crc).ok().and_then(|crc| u32::from_str_radix(crc, 16).ok());
    if expected != Some(crc32c::crc32c(body)) {
        return Err("its checksum does not match");
    }
    Ok(())
}

/// Why a line cannot be decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unreadable {
    /// The line is damaged.
    Damaged(String),
    /// The line is intact, but a newer dayuan wrote it.
    Newer(String),
}

impl std::fmt::Display for Unreadable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Damaged(detail) | Self::Newer(detail) => f.write_str(detail),
        }
    }
}

/// Decodes a line without its line end into its sequence number and record.
pub(super) fn decode(line: &[u8]) -> Result<(u64, Record), Unreadable> {
    checked(line).map_err(|detail| Unreadable::Damaged(detail.to_owned()))?;
    let damaged = Unreadable::Damaged;
    let line = std::str::from_utf8(line).map_err(|_invalid| damaged("it is not UTF-8".to_owned()))?;
    let head: Head<'_> = serde_json::from_str(line).map_err(|error| damaged(unreadable(error)))?;
    if head.v != 1 {
        let detail = format!("unsupported record version {}; use a newer dayuan", head.v);
        return Err(Unreadable::Newer(detail));
    }
    if !KINDS.contains(&head.kind.as_ref()) {
        let detail = format!("unknown record kind `{}`; use a newer dayuan", head.kind);
        return Err(Unreadable::Newer(detail));
    }
    if head.seq == 0 || head.seq > MAX_SEQ {
        return Err(damaged(format!("invalid sequence number {}", head.seq)));
    }
    value(&head, line).map_err(damaged)
}

/// The kinds of records known to this version.
const KINDS: [&str; 10] =
    ["source", "report", "control", "withdraw", "restore", "takedown", "lift", "gone", "back", "expire"];
/// The highest valid sequence number: enough for a million records a second for thirty thousand years.
const MAX_SEQ: u64 = 1 << 60;

fn value(head: &Head<'_>, line: &str) -> Result<(u64, Record), String> {
    let record = match head.kind.as_ref() {
        "source" => twin::<SourceTwin<'_>>(line)?.record().map(Record::Source),
        "report" => twin::<ReportTwin<'_>>(line)?.report().map(|report| Record::Report(Box::new(report))),
        "control" => twin::<ControlTwin<'_>>(line)?.record(),
        "withdraw" => {
            let twin: WithdrawTwin<'_> = twin(line)?;
            let at = Moment::from_millis(twin.at);
            let public_reason = twin.public.map(Cow::into_owned);
            ItemId::parse(&twin.item).map(|item| match twin.reason.into_owned() {
                reason if reason == GONE_AT_THE_SOURCE => Record::Gone { item, at },
                reason => Record::Withdraw { item, reason, public_reason, at },
            })
        }
        "takedown" => twin::<TakedownTwin<'_>>(line)?.record(),
        "lift" => {
            let twin: LiftTwin<'_> = twin(line)?;
            let scope = Scope::parse(&twin.scope, &twin.value).ok();
            scope.zip(Origin::from_word(&twin.origin)).map(|(scope, origin)| Record::Lift {
                origin,
                scope,
                at: Moment::from_millis(twin.at),
            })
        }
        kind @ ("restore" | "gone" | "back") => {
            let twin: ItemTwin<'_> = twin(line)?;
            let at = Moment::from_millis(twin.at);
            ItemId::parse(&twin.item).map(|item| match kind {
                "gone" => Record::Gone { item, at },
                "back" => Record::Back { item, at },
                _ => Record::Restore { item, at },
            })
        }
        "expire" => {
            let twin: ExpireTwin<'_> = twin(line)?;
            let items = twin.items.iter().filter_map(|item| ItemId::parse(item)).collect();
            Some(Record::Expire { day: twin.day.into_owned(), items, at: Moment::from_millis(twin.at) })
        }
        other => return Err(format!("it is of the kind `{other}`")),
    };
    Ok((head.seq, record.ok_or("the record contains an invalid value")?))
}

fn twin<'a, T: Deserialize<'a>>(line: &'a str) -> Result<T, String> {
    serde_json::from_str(line).map_err(unreadable)
}

fn unreadable(reason: serde_json::Error) -> String {
    format!("it cannot be read: {reason}")
}

type Text<'a> = Cow<'a, str>;

#[derive(Deserialize)]
struct Head<'a> {
    seq: u64,
    v: u64,
    #[serde(borrow)]
    kind: Text<'a>,
}

#[derive(Serialize, Deserialize)]
struct SourceTwin<'a> {
    at: i64,
    id: Text<'a>,
    title: Text<'a>,
    link: Text<'a>,
    region: Text<'a>,
    authority: Text<'a>,
    zone: Text<'a>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rights: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    was: Vec<Text<'a>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    alerts_for: Vec<Text<'a>>,
}

#[derive(Serialize, Deserialize)]
struct ControlTwin<'a> {
    at: i64,
    source: Text<'a>,
    state: Text<'a>,
}

#[derive(Serialize, Deserialize)]
struct WithdrawTwin<'a> {
    at: i64,
    item: Text<'a>,
    reason: Text<'a>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    public: Option<Text<'a>>,
}

#[derive(Serialize, Deserialize)]
struct TakedownTwin<'a> {
    at: i64,
    origin: Text<'a>,
    scope: Text<'a>,
    value: Text<'a>,
    reason: Text<'a>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    public: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    items: Vec<Text<'a>>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    whole: bool,
}

#[derive(Serialize, Deserialize)]
struct LiftTwin<'a> {
    at: i64,
    origin: Text<'a>,
    scope: Text<'a>,
    value: Text<'a>,
}

#[derive(Serialize, Deserialize)]
struct ItemTwin<'a> {
    at: i64,
    item: Text<'a>,
}

#[derive(Serialize, Deserialize)]
struct ExpireTwin<'a> {
    at: i64,
    day: Text<'a>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    items: Vec<Text<'a>>,
}

#[derive(Serialize, Deserialize)]
struct ReportTwin<'a> {
    seen: i64,
    item: Text<'a>,
    source: Text<'a>,
    key: Text<'a>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    first: bool,
    reader: u16,
    #[serde(default, skip_serializing_if = "str::is_empty")]
    title: Text<'a>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    link: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    guid: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    published: Option<(Text<'a>, Text<'a>)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    updated: Option<(Text<'a>, Text<'a>)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    authors: Vec<Text<'a>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    editors: Vec<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    credit: Option<(Text<'a>, Option<Text<'a>>)>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    categories: Vec<Text<'a>>,
    #[serde(default, skip_serializing_if = "str::is_empty")]
    summary: Text<'a>,
    #[serde(default, skip_serializing_if = "str::is_empty")]
    html: Text<'a>,
    /// Omitted if it equals the summary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    enclosures: Vec<(Text<'a>, Option<Text<'a>>, Option<u64>)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    comments: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    replies: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rights: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    alert: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    code: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    found: Vec<(Text<'a>, Text<'a>)>,
}

impl<'a> From<&'a SourceFacts> for SourceTwin<'a> {
    fn from(facts: &'a SourceFacts) -> Self {
        Self {
            at: facts.at.millis(),
            id: facts.id.as_str().into(),
            title: facts.title.as_str().into(),
            link: facts.link.as_str().into(),
            region: facts.region.as_str().into(),
            authority: facts.authority.word().into(),
            zone: facts.zone.name().into(),
            rights: facts.rights.as_deref().map(Into::into),
            was: facts.was.iter().map(|id| id.as_str().into()).collect(),
            alerts_for: facts.alerts_for.iter().map(|id| id.as_str().into()).collect(),
        }
    }
}

impl SourceTwin<'_> {
    fn record(self) -> Option<SourceFacts> {
        Some(SourceFacts {
            id: SourceId::new(&self.id).ok()?,
            title: self.title.into_owned(),
            link: self.link.into_owned(),
            region: RegionId::new(&self.region).ok()?,
            authority: Authority::from_word(&self.authority)?,
            zone: Zone::named(&self.zone).ok()?,
            rights: self.rights.map(Cow::into_owned),
            was: self.was.iter().filter_map(|id| SourceId::new(id).ok()).collect(),
            alerts_for: self.alerts_for.iter().filter_map(|id| RegionId::new(id).ok()).collect(),
            at: Moment::from_millis(self.at),
        })
    }
}

impl<'a> From<&'a Report> for ReportTwin<'a> {
    fn from(report: &'a Report) -> Self {
        let draft = &report.draft;
        let list = |names: &'a [String]| names.iter().map(|name| Cow::Borrowed(name.as_str())).collect();
        let stamp = |stamp: Stamp| (stamp.rfc3339().into(), stamp.precision.word().into());
        Self {
            seen: report.seen.millis(),
            item: report.item.to_string().into(),
            source: report.source.as_str().into(),
            key: report.key.as_str().into(),
            first: report.first_import,
            reader: report.reader,
            title: draft.title.as_str().into(),
            link: draft.link.as_deref().map(Into::into),
            guid: draft.guid.as_deref().map(Into::into),
            published: draft.published.map(stamp),
            updated: draft.updated.map(stamp),
            authors: list(&draft.authors),
            editors: list(&draft.editors),
            credit: draft
                .credit
                .as_ref()
                .map(|credit| (credit.name.as_str().into(), credit.link.as_deref().map(Into::into))),
            categories: list(&draft.categories),
            summary: draft.summary.as_str().into(),
            html: draft.content_html.as_str().into(),
            text: (draft.text != draft.summary).then(|| draft.text.as_str().into()),
            enclosures: draft
                .enclosures
                .iter()
                .map(|file| (file.url.as_str().into(), file.kind.as_deref().map(Into::into), file.length))
                .collect(),
            comments: draft.comments.as_deref().map(Into::into),
            replies: draft.replies,
            rights: draft.rights.as_deref().map(Into::into),
            alert: draft.alert.as_deref().map(Into::into),
            code: draft.code.as_deref().map(Into::into),
            found: draft.found.iter().map(|(field, by)| (Cow::Borrowed(*field), Cow::Borrowed(by.as_ref()))).collect(),
        }
    }
}

impl ReportTwin<'_> {
    fn report(self) -> Option<Report> {
        let list = |names: Vec<Text<'_>>| names.into_iter().map(Cow::into_owned).collect();
        let stamp = |stamp: Option<(Text<'_>, Text<'_>)>| {
            stamp.and_then(|(at, precision)| Stamp::from_rfc3339(&at, &precision))
        };
        let summary = self.summary.into_owned();
        let draft = Draft {
            title: self.title.into_owned(),
            link: self.link.map(Cow::into_owned),
            guid: self.guid.map(Cow::into_owned),
            published: stamp(self.published),
            updated: stamp(self.updated),
            authors: list(self.authors),
            editors: list(self.editors),
            credit: self.credit.map(|(name, link)| Credit { name: name.into_owned(), link: link.map(Cow::into_owned) }),
            categories: list(self.categories),
            content_html: self.html.into_owned(),
            text: self.text.map_or_else(|| summary.clone(), Cow::into_owned),
            summary,
            enclosures: self
                .enclosures
                .into_iter()
                .map(|(url, kind, length)| Enclosure { url: url.into_owned(), kind: kind.map(Cow::into_owned), length })
                .collect(),
            comments: self.comments.map(Cow::into_owned),
            replies: self.replies,
            rights: self.rights.map(Cow::into_owned),
            alert: self.alert.map(Cow::into_owned),
            code: self.code.map(Cow::into_owned),
            found: self
                .found
                .into_iter()
                .filter_map(|(field, by)| Some((known_field(&field)?, by.into_owned().into())))
                .collect(),
        };
        Some(Report {
            item: ItemId::parse(&self.item)?,
            key: Key::from_text(self.key.into_owned()),
            source: SourceId::new(&self.source).ok()?,
            seen: Moment::from_millis(self.seen),
            first_import: self.first,
            reader: self.reader,
            draft,
        })
    }
}

/// Returns the static name of a field whose evidence is kept in the log.
fn known_field(name: &str) -> Option<&'static str> {
    const FIELDS: [&str; 8] = ["title", "link", "guid", "published", "updated", "authors", "content_html", "credit"];
    FIELDS.into_iter().find(|field| *field == name)
}

impl<'a> TakedownTwin<'a> {
    fn of(takedown: &'a Takedown, items: &[ItemId], is_whole: bool, at: Moment) -> Self {
        Self {
            at: at.millis(),
            origin: takedown.origin.word().into(),
            scope: takedown.scope.kind().into(),
            value: takedown.scope.value().into(),
            reason: takedown.reason.as_str().into(),
            public: takedown.public_reason.as_deref().map(Into::into),
            items: items.iter().map(|item| item.to_string().into()).collect(),
            whole: is_whole,
        }
    }

    fn record(self) -> Option<Record> {
        Some(Record::Takedown {
            takedown: Takedown {
                scope: Scope::parse(&self.scope, &self.value).ok()?,
                origin: Origin::from_word(&self.origin)?,
                reason: self.reason.into_owned(),
                public_reason: self.public.map(Cow::into_owned),
            },
            items: self.items.iter().filter_map(|item| ItemId::parse(item)).collect(),
            is_whole: self.whole,
            at: Moment::from_millis(self.at),
        })
    }
}

impl ControlTwin<'_> {
    fn record(self) -> Option<Record> {
        let state = Control::from_word(&self.state)?;
        Some(Record::Control { source: SourceId::new(&self.source).ok()?, state, at: Moment::from_millis(self.at) })
    }
}

#[cfg(test)]
mod tests;
