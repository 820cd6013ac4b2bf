//! The stream of the poll states: what was saved, in its order, and who has the lease.

use std::collections::HashMap;

use async_nats::Client;
use serde::{Deserialize, Serialize};

use super::super::engine::{EngineError, LeaseRow, Pair};
use super::stream::{PART, Stream};
use crate::model::Moment;

/// How many bytes and messages may follow the last whole set, beside as many bytes as that has, before the next is written.
const MAX_SINCE: u64 = 16 << 20;
const MAX_MESSAGES: u64 = 5_000;
/// How many bytes of poll states are returned at one time.
const MAX_ANSWER: usize = 1 << 20;
/// How long a key that was removed is kept, so that the other machines remove it, too.
const KEEP_REMOVED: i64 = 30 * 86_400;

/// What a message of the poll states says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StateHead {
    /// Who has the lease.
    pub(super) holder: String,
    pub(super) token: u64,
    pub(super) beat: u64,
    /// Where the last whole set begins, how many bytes it has, and how many followed it.
    start: u64,
    size: u64,
    since: u64,
}

impl StateHead {
    pub(super) fn lease(&self) -> LeaseRow {
        LeaseRow { holder: self.holder.clone(), token: self.token, beat: self.beat }
    }

    /// Returns the head with another lease.
    pub(super) fn with(self, lease: &LeaseRow) -> Self {
        Self { holder: lease.holder.clone(), token: lease.token, beat: lease.beat, ..self }
    }
}

/// Saves poll states behind the message at this place, and returns where they end.
pub(super) async fn put(
    stream: &Stream<StateHead>,
    client: &Client,
    (mut place, mut head): (u64, StateHead),
    pairs: &[Pair],
) -> Result<(u64, StateHead), EngineError> {
    for body in bodies(pairs.iter().map(|(key, value)| (key.as_slice(), value.as_deref(), None))) {
        head.since += body.len() as u64;
        place = stream.append(client, place, &head, &body).await?;
    }
    Ok((place, head))
}

/// Returns the poll states after a place in the order of their saving, and the place of the last message that was read; none
/// if there are no more.
pub(super) async fn read(
    stream: &Stream<StateHead>,
    client: &Client,
    after: u64,
) -> Result<(Vec<Pair>, u64), EngineError> {
    let (first, last, head) = stream.tip(client).await?;
    let (mut pairs, mut size) = (Vec::new(), 0);
    // Poll states of another log, which ended later, tell nothing of this one.
    let mut newest = if after > last { 0 } else { after }.max(head.start.max(first).saturating_sub(1));
    while newest < last && size < MAX_ANSWER {
        for message in stream.window(client, newest + 1, last).await? {
            newest = message.place;
            size += message.body.len();
            let saved = decode(&message.body).ok_or_else(|| damaged(message.place))?;
            pairs.extend(saved.into_iter().map(|(key, saved)| (key, saved.value)));
        }
    }
    Ok((pairs, newest))
}

/// Writes what is valid anew once much of the stream is not, and removes the rest.
pub(super) async fn tidy(
    stream: &Stream<StateHead>,
    client: &Client,
    tip: (u64, StateHead),
) -> Result<(), EngineError> {
    let (last, head) = tip;
    if head.since < MAX_SINCE + head.size && last < head.start + MAX_MESSAGES {
        return Ok(());
    }
    let mut valid: HashMap<Vec<u8>, (u64, Saved)> = HashMap::new();
    let (first, ..) = stream.tip(client).await?;
    let (mut place, mut now) = (head.start.max(first), Moment::default());
    while place <= last {
        for message in stream.window(client, place, last).await? {
            (place, now) = (message.place + 1, message.at);
            for (key, saved) in decode(&message.body).ok_or_else(|| damaged(message.place))? {
                let removed = saved.removed.map(|at| if at == Moment::default() { now } else { at });
                valid.insert(key, (message.place, Saved { removed, ..saved }));
            }
        }
    }
    valid.retain(|_, (_, saved)| saved.removed.is_none_or(|at| now.since(at) < KEEP_REMOVED));
    let mut valid: Vec<_> = valid.into_iter().map(|(key, (place, saved))| (place, key, saved)).collect();
    valid.sort_unstable_by_key(|(place, ..)| *place);
    let (mut end, start) = (last, last + 1);
    let bodies = bodies(valid.iter().map(|(_, key, saved)| (key.as_slice(), saved.value.as_deref(), saved.removed)));
    let size = bodies.iter().map(|body| body.len() as u64).sum();
    for (at, body) in bodies.iter().enumerate() {
        // Until the set is whole, the one before it counts.
        let whole = StateHead { start, size, since: 0, ..head.clone() };
        let head = if at + 1 == bodies.len() { whole } else { head.clone() };
        end = stream.append(client, end, &head, body).await?;
    }
    stream.purge(client, start).await
}

/// What was saved for a key.
#[derive(Debug, PartialEq, Eq)]
struct Saved {
    value: Option<Vec<u8>>,
    /// When it was removed; the default is the time of its message.
    removed: Option<Moment>,
}

/// A key, its value, and when it was removed.
type Written<'a> = (&'a [u8], Option<&'a [u8]>, Option<Moment>);

/// Divides poll states among messages.
fn bodies<'a>(pairs: impl Iterator<Item = Written<'a>>) -> Vec<Vec<u8>> {
    let (mut bodies, mut body) = (Vec::new(), Vec::new());
    for (key, value, removed) in pairs {
        let size = |bytes: &[u8]| u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes();
        body.extend_from_slice(&size(key));
        body.extend_from_slice(key);
        body.push(u8::from(value.is_some()));
        match value {
            Some(value) => {
                body.extend_from_slice(&size(value));
                body.extend_from_slice(value);
            }
            None => body.extend_from_slice(&removed.unwrap_or_default().millis().to_le_bytes()),
        }
        if body.len() >= PART {
            bodies.push(std::mem::take(&mut body));
        }
    }
    if !body.is_empty() {
        bodies.push(body);
    }
    bodies
}

fn decode(mut body: &[u8]) -> Option<Vec<(Vec<u8>, Saved)>> {
    let sized = |body: &mut &[u8]| {
        let (size, rest) = body.split_first_chunk()?;
        let (bytes, rest) = rest.split_at_checked(usize::try_from(u32::from_le_bytes(*size)).ok()?)?;
        *body = rest;
        Some(bytes.to_vec())
    };
    let mut pairs = Vec::new();
    while !body.is_empty() {
        let key = sized(&mut body)?;
        let (has_value, rest) = body.split_first()?;
        body = rest;
        let saved = if *has_value == 0 {
            let (millis, rest) = body.split_first_chunk()?;
            body = rest;
            Saved { value: None, removed: Some(Moment::from_millis(i64::from_le_bytes(*millis))) }
        } else {
            Saved { value: Some(sized(&mut body)?), removed: None }
        };
        pairs.push((key, saved));
    }
    Some(pairs)
}

fn damaged(place: u64) -> EngineError {
    EngineError::Refused(format!("message {place} of the poll states is damaged"))
}

#[cfg(test)]
mod tests {
    use super::{Saved, Written, bodies, decode};
    use crate::model::Moment;

    #[test]
    fn poll_states_travel_as_they_are() {
        let at = Moment::from_millis(7);
        let long = vec![0; 300_000];
        let pairs: [Written<'_>; 3] = [(b"a", Some(&long), None), (b"", None, Some(at)), (b"b", Some(b""), None)];
        let bodies = bodies(pairs.into_iter());
        assert_eq!(bodies.len(), 2);
        let all: Vec<_> = bodies.iter().flat_map(|body| decode(body).unwrap()).collect();
        let expected =
            pairs.map(|(key, value, removed)| (key.to_vec(), Saved { value: value.map(<[u8]>::to_vec), removed }));
        assert_eq!(all, expected);
        assert_eq!(decode(&bodies[1][..bodies[1].len() - 1]), None);
    }
}
