//! Copies a log to an engine and back, line by line as they are.

use super::engine::{Engine, EngineError};
use crate::log::{KEPT, Line, Log, Replayed};

/// How many bytes of lines are appended with one transaction, and asked for at one time.
pub const CHUNK: usize = 4 << 20;

/// Appends the lines that the engine lacks, in order. An interrupted push is continued by the next one. `progress` is called
/// with the number of the newest line there. Returns how many were appended.
///
/// # Errors
/// If the engine has other lines than the log, is away, or the log is damaged.
pub fn push(log: &Log, engine: &dyn Engine, progress: &dyn Fn(u64)) -> Result<u64, EngineError> {
    compare(log, engine)?;
    let (newest, _) = engine.newest()?;
    let (mut chunk, mut size, mut pushed) = (Vec::new(), 0, 0);
    let append = |chunk: &mut Vec<Line>| -> Result<u64, EngineError> {
        engine.append(chunk, None)?;
        progress(chunk.last().map_or(0, |line| line.seq));
        let count = u64::try_from(chunk.len()).unwrap_or(0);
        chunk.clear();
        Ok(count)
    };
    for line in log.lines(newest)? {
        let line = line?;
        size += line.bytes.len();
        chunk.push(line);
        if size >= CHUNK {
            pushed += append(&mut chunk)?;
            size = 0;
        }
    }
    if !chunk.is_empty() {
        pushed += append(&mut chunk)?;
    }
    compare_all(log, engine)?;
    Ok(pushed)
}

/// Takes the lines of the engine in that the log lacks. `progress` is called with the number of the newest line. Returns how
/// many were taken in.
///
/// # Errors
/// If the log has other lines than the engine, the engine is away, or a line is damaged.
pub fn pull(engine: &dyn Engine, log: &Log, progress: &dyn Fn(u64)) -> Result<u64, EngineError> {
    compare(log, engine)?;
    let mut pulled = 0;
    loop {
        let lines = engine.lines(log.last_seq(), CHUNK)?;
        if lines.is_empty() {
            return Ok(pulled);
        }
        pulled += u64::try_from(take_in(log, &lines)?.len()).unwrap_or(0);
        progress(log.last_seq());
    }
}

/// Takes lines of the engine in behind what the log has, and returns their records.
///
/// # Errors
/// If the engine has dropped what lies in between, or a line is damaged or does not follow.
pub fn take_in(log: &Log, lines: &[Line]) -> Result<Vec<Replayed>, EngineError> {
    let own = log.last_seq();
    if own > 0 && lines.first().is_some_and(|first| first.prev != own) {
        return Err(EngineError::Foreign(format!(
            "the log here ends with record {own}, and what followed it has expired from the shared one: stop this node, move its log away and start it, to take in the shared one"
        )));
    }
    Ok(log.mirror(lines)?)
}

/// Drops from the engine what has expired in the log, while this token is the lease's. Returns how many lines were dropped.
///
/// # Errors
/// If the token is not the lease's any more, the engine is away, or the log is damaged.
pub fn drop_expired(log: &Log, engine: &dyn Engine, token: u64) -> Result<u64, EngineError> {
    let mut kept = Vec::new();
    for line in log.lines(0)? {
        let line = line?;
        if line.day != KEPT {
            return engine.drop_before(line.seq, &kept, KEPT, token);
        }
        kept.push(line.seq);
    }
    Ok(0)
}

/// Checks that one of the two logs is the beginning of the other, as far as their newest common line tells: every line
/// names the one before it.
///
/// # Errors
/// If they are two logs, or the engine is away.
pub fn compare(log: &Log, engine: &dyn Engine) -> Result<(), EngineError> {
    let (newest, _) = engine.newest()?;
    let common = log.last_seq().min(newest);
    if common == 0 {
        return Ok(());
    }
    let theirs = engine.lines(common - 1, 1)?.into_iter().next();
    let ours = log.lines(common - 1)?.next().transpose()?;
    // Where days have expired, the number itself may be gone from either.
    match (&theirs, &ours) {
        (Some(theirs), Some(ours)) if theirs.seq == ours.seq && theirs.bytes != ours.bytes => Err(foreign(theirs.seq)),
        _ => Ok(()),
    }
}

/// Checks that the engine has every record of the log.
///
/// # Errors
/// If it has not, or is away.
pub fn is_behind(log: &Log, engine: &dyn Engine) -> Result<(), EngineError> {
    let ((newest, _), own) = (engine.newest()?, log.last_seq());
    if own <= newest {
        return Ok(());
    }
    Err(EngineError::Foreign(format!(
        "the log here ends with record {own}, the shared one with {newest}: stop this node and run `dayuan log push`, or move its log away to take in the shared one"
    )))
}

/// Compares every line that both have. Where days have expired, a line may be gone from either.
fn compare_all(log: &Log, engine: &dyn Engine) -> Result<(), EngineError> {
    let mut ours = log.lines(0)?.peekable();
    let mut after = 0;
    loop {
        let theirs = engine.lines(after, CHUNK)?;
        let Some(last) = theirs.last() else { return Ok(()) };
        after = last.seq;
        for theirs in theirs {
            while ours.peek().is_some_and(|ours| ours.as_ref().is_ok_and(|ours| ours.seq < theirs.seq)) {
                ours.next();
            }
            match ours.peek() {
                Some(Ok(ours)) if ours.seq == theirs.seq && ours.bytes != theirs.bytes => {
                    return Err(foreign(ours.seq));
                }
                Some(Ok(_)) => {}
                Some(Err(_)) => drop(ours.next().transpose()?),
                None => return Ok(()),
            }
        }
    }
}

fn foreign(seq: u64) -> EngineError {
    EngineError::Foreign(format!(
        "record {seq} is another one in the shared log than here: these are two logs; move one of them away, or name another shared log"
    ))
}
