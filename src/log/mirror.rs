//! Lines as they travel between logs, and the log that takes them in as they are.

use super::encoding;
use super::error::LogError;
use super::position::Replayed;
use super::record::Record;
use super::store::Log;

/// A record as it travels: the line of its segment, byte for byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its number.
    pub seq: u64,
    /// The number of the record before it, so that whoever takes it in sees that none is missing: numbers have gaps where
    /// days expired.
    pub prev: u64,
    /// The segment that it is in, as days since 1970-01-01.
    pub day: u32,
    /// The bytes, without the line end.
    pub bytes: Vec<u8>,
}

/// Makes the lines of records that follow the record `last`, in the segment of a day.
///
/// # Errors
/// If a record cannot be written as a line.
pub fn encode(records: &[Record], last: u64, day: u32) -> Result<Vec<Line>, LogError> {
    let encoded = records.iter().zip(last..).map(|(record, prev)| {
        let mut bytes = Vec::with_capacity(1024);
        encoding::encode(prev + 1, record, &mut bytes)?;
        bytes.pop_if(|end| *end == b'\n');
        Ok(Line { seq: prev + 1, prev, day, bytes })
    });
    encoded.collect()
}

impl Log {
    /// Takes in lines of another log as they are, behind what is there, and returns their records once they are synced to
    /// disk. Each line must follow the one before it, and its checksum must hold.
    ///
    /// # Errors
    /// If a line is damaged, is of a newer dayuan or does not follow, or if writing fails. The lines before it may have
    /// been taken in.
    pub fn mirror(&self, lines: &[Line]) -> Result<Vec<Replayed>, LogError> {
        let mut taken = Vec::with_capacity(lines.len());
        for lines in lines.chunk_by(|line, next| line.day == next.day) {
            let Some(first) = lines.first() else { continue };
            if first.day < self.newest_day() {
                let detail = "it is of an earlier day than the newest record here; does it belong to another log?";
                return Err(LogError::Strange { seq: first.seq, detail: detail.to_owned() });
            }
            let mut records = Vec::with_capacity(lines.len());
            let appended = self.append_encoded(first.day, |last, out| {
                let mut newest = last;
                let mut ends = Vec::with_capacity(lines.len());
                for line in lines {
                    records.push(line.follow(newest)?);
                    newest = line.seq;
                    out.extend_from_slice(&line.bytes);
                    out.push(b'\n');
                    ends.push((line.seq, out.len()));
                }
                Ok(ends)
            })?;
            taken.extend(appended.into_iter().zip(records).map(|(at, record)| Replayed {
                seq: at.seq,
                position: at.position,
                record,
            }));
        }
        Ok(taken)
    }

    /// Iterates over the lines with a number above `after`, in order.
    ///
    /// # Errors
    /// If the folder cannot be read. What is damaged or missing within the log is yielded as an error.
    pub fn lines(&self, after: u64) -> Result<impl Iterator<Item = Result<Line, LogError>>, LogError> {
        // The line before the first is needed for its number: it is in the segment of the record `after`.
        let mut newest = 0;
        let lines = self.records(after)?.map(move |found| {
            let replayed = found.map_err(|damage| LogError::Damaged {
                path: damage.path,
                offset: damage.offset,
                detail: damage.detail,
            })?;
            let prev = std::mem::replace(&mut newest, replayed.seq);
            Ok((prev, replayed))
        });
        let wanted = lines.filter(move |found| found.as_ref().map_or(true, |(_, replayed)| replayed.seq > after));
        Ok(wanted.map(|found| {
            let (prev, Replayed { seq, position, .. }) = found?;
            Ok(Line { seq, prev, day: position.day, bytes: self.read_line(position)? })
        }))
    }
}

impl Line {
    /// Returns the record of a line that must follow the record `last`.
    fn follow(&self, last: u64) -> Result<Record, LogError> {
        let strange = |detail: String| LogError::Strange { seq: self.seq, detail };
        if self.prev != last || self.seq <= last {
            return Err(strange(format!(
                "it follows record {}, but the newest one here is {last}; records are missing, or belong to another log",
                self.prev
            )));
        }
        let (seq, record) = encoding::decode(&self.bytes).map_err(|unreadable| strange(unreadable.to_string()))?;
        if seq != self.seq {
            return Err(strange(format!("its line says that it is record {seq}")));
        }
        if self.bytes.contains(&b'\n') {
            return Err(strange("its line has a line end within it".to_owned()));
        }
        Ok(record)
    }
}

#[cfg(test)]
mod tests;
