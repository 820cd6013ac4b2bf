//! The lines of the shared log as a stream of groups.

use std::sync::{Mutex, PoisonError};

use async_nats::Client;

use super::super::engine::EngineError;
use super::group::{Gatherer, Group, Kind, LogHead, encode};
use super::stream::{PART, Stream};
use crate::log::Line;

/// How often something is tried again because others appended meanwhile.
const MAX_TRIES: usize = 16;

/// The shared log.
#[derive(Debug)]
pub(super) struct SharedLog {
    pub(super) stream: Stream<LogHead>,
    /// The line that was read or written last, and where the next one is.
    cursor: Mutex<Option<(u64, u64)>>,
}

impl SharedLog {
    /// Creates the shared log of this name; nothing is asked yet.
    pub(super) fn new(name: &str) -> Self {
        Self { stream: Stream::new(name, "log"), cursor: Mutex::default() }
    }

    /// Appends lines if the first follows the newest one, and the token is the lease's.
    pub(super) async fn append(&self, client: &Client, lines: &[Line], token: Option<u64>) -> Result<(), EngineError> {
        let (Some(first), Some(last)) = (lines.first(), lines.last()) else { return Ok(()) };
        let body = encode(lines);
        for attempt in 0..MAX_TRIES {
            // What is known of the end may be old; then the servers refuse what is based on it.
            let known = self.stream.known_tip().filter(|_| attempt == 0);
            let is_known = known.is_some();
            let (place, head) = match known {
                Some(known) => known,
                None => self.tip(client).await?,
            };
            let refused = if token.is_some_and(|token| token != head.token) {
                EngineError::Displaced
            } else if head.newest != first.prev {
                EngineError::Behind
            } else {
                let after = LogHead { newest: last.seq, day: last.day, ..head.clone() };
                match self.append_group(client, (place, head), after, Kind::Lines, &body).await {
                    Ok(end) => {
                        self.set_cursor(last.seq, end + 1);
                        return Ok(());
                    }
                    Err(EngineError::Behind) => continue,
                    Err(error) => return Err(error),
                }
            };
            if !is_known {
                return Err(refused);
            }
        }
        Err(EngineError::Behind)
    }

    /// Lets nobody append any more whose token is lower.
    pub(super) async fn raise(&self, client: &Client, token: u64) -> Result<(), EngineError> {
        for _ in 0..MAX_TRIES {
            let (place, head) = self.tip(client).await?;
            if head.token >= token {
                return Ok(());
            }
            let head = LogHead { kind: Kind::Token, part: 0, parts: 1, token, ..head };
            match self.stream.append(client, place, &head, b"").await {
                Err(EngineError::Behind) => {}
                raised => return raised.map(drop),
            }
        }
        Err(EngineError::Behind)
    }

    /// Returns the lines after a number in order, at least one if there is any, and no more once they have `most` bytes.
    pub(super) async fn lines(&self, client: &Client, after: u64, most: usize) -> Result<Vec<Line>, EngineError> {
        let (first_place, last_place, head) = self.stream.tip(client).await?;
        let (mut lines, mut size) = (Vec::new(), 0);
        if head.newest <= after {
            return Ok(lines);
        }
        let mut chained = 0;
        if after < head.first {
            let kept = self.kept(client, &head).await?;
            chained = kept.last().map_or(0, |line| line.seq);
            for line in kept.into_iter().filter(|line| line.seq > after) {
                if size >= most {
                    return Ok(lines);
                }
                size += line.bytes.len();
                lines.push(line);
            }
        }
        let mut newest = after.max(head.first.saturating_sub(1));
        let known =
            self.cursor().filter(|(line, place)| *line == newest && *place >= first_place).map(|(_, place)| place);
        let mut place = match known {
            Some(place) => place,
            None => self.find(client, newest, first_place, last_place).await?,
        };
        let mut gatherer = Gatherer::default();
        while place <= last_place && size < most {
            for message in self.stream.window(client, place, last_place).await? {
                place = message.place + 1;
                let Some(group) = gatherer.take(message)?.filter(|group| group.kind == Kind::Lines) else { continue };
                let known = newest;
                for mut line in group.lines.into_iter().filter(|line| line.seq > known) {
                    if size >= most {
                        self.set_cursor(newest, group.place);
                        return Ok(lines);
                    }
                    if line.seq == head.first {
                        line.prev = chained;
                    }
                    (newest, size) = (line.seq, size + line.bytes.len());
                    lines.push(line);
                }
                self.set_cursor(newest, place);
            }
        }
        Ok(lines)
    }

    /// Drops the lines before the line `first` but those with the numbers `kept`, which become lines of the segment `day`, while
    /// this token is the lease's. Returns how many were dropped.
    pub(super) async fn drop_before(
        &self,
        client: &Client,
        (first, kept, day): (u64, &[u64], u32),
        token: u64,
    ) -> Result<u64, EngineError> {
        let (place, head) = self.tip(client).await?;
        if head.token != token {
            return Err(EngineError::Displaced);
        }
        // A shared log that ends before it must first be mended: all of it would be dropped.
        if first > head.newest {
            return Err(EngineError::Behind);
        }
        let (mut rest, mut dropped, mut newest) = (Vec::new(), 0, 0);
        'reading: loop {
            let lines = self.lines(client, newest, PART).await?;
            let Some(last) = lines.last() else { break };
            newest = last.seq;
            for line in lines {
                if line.seq >= first {
                    break 'reading;
                }
                if kept.binary_search(&line.seq).is_ok() {
                    let prev = rest.last().map_or(0, |line: &Line| line.seq);
                    rest.push(Line { prev, day, ..line });
                } else {
                    dropped += 1;
                }
            }
        }
        if dropped > 0 || (head.first != first && !rest.is_empty()) {
            let after = LogHead { first, kept: place + 1, ..head.clone() };
            self.append_group(client, (place, head), after, Kind::Kept, &encode(&rest)).await?;
        }
        let (first_place, last_place, head) = self.stream.tip(client).await?;
        if head.first == first {
            let begin = self.find(client, first - 1, first_place, last_place).await?;
            if begin > first_place {
                self.stream.purge(client, begin).await?;
            }
        }
        Ok(dropped)
    }

    /// Returns the place and head of the last message.
    async fn tip(&self, client: &Client) -> Result<(u64, LogHead), EngineError> {
        self.stream.tip(client).await.map(|(_, place, head)| (place, head))
    }

    /// Appends a group behind the message at this place; what follows from it holds with its last part. One part waits for the
    /// other: if one were refused, the next could be taken behind somebody else's.
    async fn append_group(
        &self,
        client: &Client,
        (mut place, before): (u64, LogHead),
        after: LogHead,
        kind: Kind,
        body: &[u8],
    ) -> Result<u64, EngineError> {
        let chunks: Vec<&[u8]> = if body.is_empty() { vec![body] } else { body.chunks(PART).collect() };
        let parts = u32::try_from(chunks.len()).unwrap_or(u32::MAX);
        for (part, chunk) in (0..).zip(chunks) {
            let head = if part + 1 == parts { after.clone() } else { before.clone() };
            place = self.stream.append(client, place, &LogHead { kind, part, parts, ..head }, chunk).await?;
        }
        Ok(place)
    }

    /// Returns the lines that are kept of those that have expired.
    async fn kept(&self, client: &Client, head: &LogHead) -> Result<Vec<Line>, EngineError> {
        let (mut gatherer, mut place) = (Gatherer::default(), head.kept);
        loop {
            let message = self.stream.message(client, place).await?;
            place += 1;
            let is_last = message.head.kind != Kind::Kept || message.head.part + 1 >= message.head.parts;
            if let Some(Group { lines, .. }) = gatherer.take(message)? {
                return Ok(lines);
            }
            if is_last {
                return Err(EngineError::Refused("the records that outlive their day are damaged".to_owned()));
            }
        }
    }

    /// Returns where the group begins that holds the first line after this number, among the messages from one place to another.
    async fn find(&self, client: &Client, after: u64, first: u64, last: u64) -> Result<u64, EngineError> {
        let (mut low, mut high, mut begin) = (first, last + 1, last + 1);
        while low < high {
            let middle = low + (high - low) / 2;
            let message = self.stream.message(client, middle).await?;
            if message.head.newest > after {
                (high, begin) = (middle, middle - u64::from(message.head.part));
            } else {
                low = middle + 1;
            }
        }
        Ok(begin)
    }

    fn cursor(&self) -> Option<(u64, u64)> {
        *self.cursor.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set_cursor(&self, line: u64, place: u64) {
        *self.cursor.lock().unwrap_or_else(PoisonError::into_inner) = Some((line, place));
    }
}
