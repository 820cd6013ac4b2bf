//! The admin socket: one line of JSON asks, the answer follows, the connection ends. Mode 0600, and the asker's uid is
//! checked: only root and the daemon's own user may ask.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::error::DaemonError;
use crate::log::Log;
use crate::model::{one_line, with_causes};

/// The longest question, in bytes.
const LONGEST: u64 = 16 * 1024;
/// How long a question may take to come.
const PATIENCE: Duration = Duration::from_secs(5);
/// How many may ask at one time.
const AT_ONCE: usize = 16;

/// What may be asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "lowercase", deny_unknown_fields)]
pub enum Request {
    /// How the daemon and its sources fare.
    Status,
    /// Poll a source as soon as its host allows.
    Poll {
        /// Its id.
        source: String,
    },
    /// Do not poll a source until it is resumed.
    Pause {
        /// Its id.
        source: String,
    },
    /// Poll a paused source again.
    Resume {
        /// Its id.
        source: String,
    },
    /// Why an item looks as it does.
    Explain {
        /// Its id, or the address of its page.
        item: String,
    },
    /// Take an item out of everything published, for good.
    Withdraw {
        /// Its id, or the address of its page.
        item: String,
        /// The admin's reason, verbatim.
        reason: String,
    },
    /// What is withdrawn.
    Withdrawn,
    /// Publish a withdrawn item again.
    Restore {
        /// Its id, or the address of its page.
        item: String,
    },
    /// Read the config again.
    Reload,
    /// The metrics, as Prometheus reads them.
    Metrics,
    /// Compare the view with the log.
    Verify,
    /// The log as one archive.
    Backup,
}

impl Request {
    /// What of it belongs into the log: what changes something.
    fn deed(&self) -> Option<String> {
        Some(match self {
            Self::Poll { source } => format!("poll {source}"),
            Self::Pause { source } => format!("pause {source}"),
            Self::Resume { source } => format!("resume {source}"),
            Self::Withdraw { item, reason } => format!("withdraw {item}: {}", one_line(reason)),
            Self::Restore { item } => format!("restore-item {item}"),
            Self::Reload => "reload".to_owned(),
            Self::Status | Self::Explain { .. } | Self::Withdrawn | Self::Metrics | Self::Verify | Self::Backup => {
                return None;
            }
        })
    }
}

/// The first line of an answer; for a backup the archive follows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    /// Was it done?
    pub ok: bool,
    /// What there is to say, a line each.
    pub lines: Vec<String>,
}

impl Answered {
    pub(super) const fn done(lines: Vec<String>) -> Self {
        Self { ok: true, lines }
    }

    pub(super) fn failed(reason: impl ToString) -> Self {
        Self { ok: false, lines: vec![reason.to_string()] }
    }
}

/// A question on its way to the daemon.
pub(super) type Asked = (Request, oneshot::Sender<Answered>);

/// Makes the socket. One that a dead daemon left behind is replaced; one that somebody answers on is not.
pub(super) fn bind(path: &Path) -> Result<UnixListener, DaemonError> {
    let failed = |source| DaemonError::Socket { path: path.to_owned(), source };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let is_socket = std::fs::symlink_metadata(path).is_ok_and(|metadata| metadata.file_type().is_socket());
    if is_socket && std::os::unix::net::UnixStream::connect(path).is_err() {
        std::fs::remove_file(path).map_err(failed)?;
    }
    let listener = UnixListener::bind(path).map_err(failed)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).map_err(failed)?;
    Ok(listener)
}

/// Answers those who ask until it is told to stop.
pub(super) async fn serve(
    listener: UnixListener,
    log: Arc<Log>,
    questions: mpsc::Sender<Asked>,
    stop: CancellationToken,
) {
    let room = Arc::new(Semaphore::new(AT_ONCE));
    let mut tasks = JoinSet::new();
    loop {
        while tasks.try_join_next().is_some() {}
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                // Who finds no room is closed; the socket is for one admin at a time.
                let Ok(place) = Arc::clone(&room).try_acquire_owned() else { continue };
                let (log, questions) = (Arc::clone(&log), questions.clone());
                tasks.spawn(async move {
                    let _place = place;
                    if let Err(error) = converse(stream, log, questions).await {
                        tracing::debug!(error = &error as &dyn std::error::Error, "an admin went away");
                    }
                });
            }
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "the admin socket cannot accept");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn converse(mut stream: UnixStream, log: Arc<Log>, questions: mpsc::Sender<Asked>) -> std::io::Result<()> {
    let peer = stream.peer_cred()?.uid();
    if peer != 0 && peer != own_uid() {
        return say(
            &mut stream,
            &Answered::failed("only root and the daemon's own user may ask this; run it with sudo"),
        )
        .await;
    }
    let mut line = Vec::new();
    let read = async {
        let mut reader = tokio::io::BufReader::new(&mut stream).take(LONGEST);
        reader.read_until(b'\n', &mut line).await
    };
    if tokio::time::timeout(PATIENCE, read).await.is_err() {
        return say(&mut stream, &Answered::failed("no question came")).await;
    }
    let request: Request = match serde_json::from_slice(&line) {
        Ok(request) => request,
        Err(_) => {
            return say(
                &mut stream,
                &Answered::failed("this is no question that this daemon knows; is it of another version?"),
            )
            .await;
        }
    };
    if request == Request::Backup {
        let scrubbed = Arc::clone(&log);
        let damages = tokio::task::spawn_blocking(move || scrubbed.scrub(&|| false)).await;
        let damages = match damages {
            Ok(Ok(damages)) => damages.iter().map(ToString::to_string).collect(),
            Ok(Err(error)) => vec![with_causes(&error)],
            Err(_) => vec!["the log could not be looked at".to_owned()],
        };
        say(&mut stream, &Answered::done(damages)).await?;
        let stream = stream.into_std()?;
        stream.set_nonblocking(false)?;
        stream.set_write_timeout(Some(Duration::from_secs(60)))?;
        let outcome = tokio::task::spawn_blocking(move || crate::log::backup(&log, stream)).await;
        if let Ok(Err(error)) = outcome {
            tracing::error!(error = &error as &dyn std::error::Error, "a backup could not be finished");
        }
        return Ok(());
    }
    let told = request.deed();
    let (answer, answered) = oneshot::channel();
    let answered = match questions.send((request, answer)).await {
        Ok(()) => answered.await.unwrap_or_else(|_closed| Answered::failed("the daemon is stopping")),
        Err(_) => Answered::failed("the daemon is stopping"),
    };
    if let Some(deed) = told {
        // The item that an address stood for, or why it was not done.
        let told =
            if answered.ok { answered.lines.last().cloned().unwrap_or_default() } else { answered.lines.join("; ") };
        tracing::info!(uid = peer, done = answered.ok, "an admin asked: {deed} ({})", one_line(&told));
    }
    say(&mut stream, &answered).await
}

async fn say(stream: &mut UnixStream, answered: &Answered) -> std::io::Result<()> {
    let mut line = serde_json::to_vec(answered)?;
    line.push(b'\n');
    // Who asks and does not read keeps its place for so long only.
    tokio::time::timeout(PATIENCE, stream.write_all(&line))
        .await
        .unwrap_or_else(|_late| Err(std::io::ErrorKind::TimedOut.into()))
}

/// The uid of this process, as the system shows it.
fn own_uid() -> u32 {
    use std::os::unix::fs::MetadataExt;
    // The files of /proc/self belong to the process's own user.
    std::fs::metadata("/proc/self").map_or(u32::MAX, |metadata| metadata.uid())
}

/// Asks the daemon behind a socket. For a backup, `archive` takes what follows the answer.
///
/// # Errors
/// `None` inside where no daemon answers there; a sentence where it may not be asked, or does not answer as it should.
pub fn ask(socket: &Path, request: &Request, archive: Option<&mut dyn Write>) -> Result<Option<Answered>, String> {
    use std::io::ErrorKind;
    let mut stream = match std::os::unix::net::UnixStream::connect(socket) {
        Ok(stream) => stream,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) => return Ok(None),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            return Err(format!(
                "you may not use the admin socket {}; run it with sudo, or as the daemon's user",
                socket.display()
            ));
        }
        Err(error) => return Err(format!("cannot reach the daemon through {}: {error}", socket.display())),
    };
    let broken = |error: std::io::Error| format!("the daemon behind {} went away: {error}", socket.display());
    let mut line = serde_json::to_vec(request).map_err(|error| error.to_string())?;
    line.push(b'\n');
    stream.write_all(&line).map_err(broken)?;
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    reader.read_line(&mut first).map_err(broken)?;
    let answered: Answered = serde_json::from_str(&first)
        .map_err(|_invalid| format!("what answers on {} is no dayuan of this version", socket.display()))?;
    if let Some(archive) = archive.filter(|_| answered.ok) {
        let mut reader: Box<dyn Read> = Box::new(reader);
        std::io::copy(&mut reader, archive).map_err(broken)?;
    }
    Ok(Some(answered))
}

/// Removes the socket at the end, so that nobody asks a daemon that is gone.
pub(super) struct Unbind(pub(super) PathBuf);

impl Drop for Unbind {
    fn drop(&mut self) {
        // Where it is gone already, that is what was wanted.
        drop(std::fs::remove_file(&self.0));
    }
}
