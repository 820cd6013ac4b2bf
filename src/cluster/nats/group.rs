//! The stream of the log: groups of lines, and what has expired.

use serde::{Deserialize, Serialize};

use super::super::engine::EngineError;
use super::stream::Message;
use crate::log::Line;

/// Largest group, in messages.
const MAX_PARTS: u32 = 1024;

/// What a message of the log says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LogHead {
    /// What its body is a part of.
    pub(super) kind: Kind,
    /// Which part, of how many. What follows is as before the group until its last part.
    pub(super) part: u32,
    pub(super) parts: u32,
    /// The token of the lease.
    pub(super) token: u64,
    /// The number of the newest line, and the day of its segment.
    pub(super) newest: u64,
    pub(super) day: u32,
    /// The first line that has not expired, and where the lines before it are that are kept; both 0 if none has expired.
    pub(super) first: u64,
    pub(super) kept: u64,
}

/// What a group is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    /// The lease has another token.
    #[default]
    Token,
    /// Lines were appended.
    Lines,
    /// Lines have expired, but these.
    Kept,
}

/// A whole group.
#[derive(Debug)]
pub(super) struct Group {
    /// The place of its first part.
    pub(super) place: u64,
    pub(super) kind: Kind,
    pub(super) lines: Vec<Line>,
}

/// Puts groups together from their parts. A group whose writer was overtaken or killed has no last part, and is none.
#[derive(Debug, Default)]
pub(super) struct Gatherer {
    parts: Vec<Message<LogHead>>,
}

impl Gatherer {
    /// Takes the next message, and returns the group that it completes.
    pub(super) fn take(&mut self, message: Message<LogHead>) -> Result<Option<Group>, EngineError> {
        let LogHead { kind, part, parts, .. } = message.head;
        let follows = self
            .parts
            .last()
            .is_some_and(|last| (last.head.kind, last.head.part + 1, last.head.parts) == (kind, part, parts));
        if !follows {
            self.parts.clear();
        }
        if kind == Kind::Token || (!follows && part > 0) {
            return Ok(None);
        }
        let place = self.parts.first().map_or(message.place, |first| first.place);
        self.parts.push(message);
        if part + 1 < parts.min(MAX_PARTS) {
            return Ok(None);
        }
        let body: Vec<u8> = self.parts.drain(..).flat_map(|part| part.body).collect();
        let lines = decode(&body).ok_or_else(|| {
            EngineError::Refused(format!("the group of records that begins in message {place} is damaged"))
        })?;
        Ok(Some(Group { place, kind, lines }))
    }
}

/// Writes lines as they are, each behind its number, that of the one before it, and the day of its segment.
pub(super) fn encode(lines: &[Line]) -> Vec<u8> {
    let mut body = Vec::with_capacity(lines.iter().map(|line| line.bytes.len() + 32).sum());
    for Line { seq, prev, day, bytes } in lines {
        body.extend_from_slice(format!("{seq} {prev} {day} ").as_bytes());
        body.extend_from_slice(bytes);
        body.push(b'\n');
    }
    body
}

fn decode(body: &[u8]) -> Option<Vec<Line>> {
    let lines = body.strip_suffix(b"\n").map(|body| body.split(|byte| *byte == b'\n')).into_iter().flatten();
    lines.map(line).collect()
}

fn line(text: &[u8]) -> Option<Line> {
    fn number<'a, N: std::str::FromStr>(fields: &mut impl Iterator<Item = &'a [u8]>) -> Option<N> {
        std::str::from_utf8(fields.next()?).ok()?.parse().ok()
    }
    let mut fields = text.splitn(4, |byte| *byte == b' ');
    let (seq, prev, day) = (number(&mut fields)?, number(&mut fields)?, number(&mut fields)?);
    Some(Line { seq, prev, day, bytes: fields.next()?.to_vec() })
}

#[cfg(test)]
mod tests {
    use super::{Gatherer, Kind, LogHead, decode, encode};
    use crate::cluster::nats::stream::Message;
    use crate::log::Line;
    use crate::model::Moment;

    fn part(place: u64, part: u32, parts: u32, body: &[u8]) -> Message<LogHead> {
        let head = LogHead { kind: Kind::Lines, part, parts, ..LogHead::default() };
        Message { place, at: Moment::default(), head, body: body.to_vec() }
    }

    #[test]
    fn a_group_without_its_last_part_is_none() {
        let lines: Vec<Line> =
            (1..4).map(|seq| Line { seq, prev: seq - 1, day: 20_700, bytes: b"{\"a\": 1}".to_vec() }).collect();
        let body = encode(&lines);
        assert_eq!(decode(&body).unwrap(), lines);
        assert_eq!(decode(b"").unwrap(), []);
        assert_eq!(decode(b"1 x 3 {}\n"), None);
        let mut gatherer = Gatherer::default();
        let messages =
            [part(1, 1, 2, b"x"), part(2, 0, 2, b"1 "), part(3, 0, 2, &body[..20]), part(4, 1, 2, &body[20..])];
        let groups: Vec<_> = messages.into_iter().filter_map(|message| gatherer.take(message).unwrap()).collect();
        assert_eq!(groups.len(), 1);
        assert_eq!((groups[0].place, &groups[0].lines), (3, &lines));
    }
}
