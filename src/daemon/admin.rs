//! The admin socket. A client sends one line of JSON, gets the reply, and the connection ends. The socket has mode
//! 0600, and the uid of the peer is checked: only root and the daemon's own user may send requests, and the members of
//! `[admin] group`, if there is one, whom mode 0660 lets in.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixDatagram;
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
use crate::model::{one_line, printable, with_causes};

/// Maximum length of a request, in bytes.
const MAX_REQUEST_BYTES: u64 = 16 * 1024;
/// Time limit for receiving a request, and for sending the reply.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
/// Maximum number of connections at one time.
const MAX_CONNECTIONS: usize = 16;

/// A request to the daemon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "lowercase", deny_unknown_fields)]
pub enum AdminRequest {
    /// Report the status of the daemon and its sources.
    Status,
    /// Poll a source as soon as the limits of its host allow.
    Poll {
        /// Id of the source.
        source: String,
    },
    /// Do not poll a source until it is resumed.
    Pause {
        /// Id of the source.
        source: String,
    },
    /// Poll a paused source again.
    Resume {
        /// Id of the source.
        source: String,
    },
    /// Explain an item.
    Explain {
        /// Id of the item, or the URL of its page or of one of its reports.
        item: String,
    },
    /// Tell why an item is in a feed, or why it is not.
    Why {
        /// Id of the item, or the URL of its page or of one of its reports.
        item: String,
    },
    /// Search the items.
    Find {
        /// The words, as readers write them on the search page.
        words: String,
        /// Id or slug of the region that they are in; `None` for all.
        region: Option<String>,
        /// Maximum number of items.
        most: usize,
    },
    /// Remove an item from everything published, for good.
    Withdraw {
        /// Id of the item, or the URL of its page or of one of its reports.
        item: String,
        /// The admin's reason, verbatim.
        reason: String,
        /// What readers are told.
        #[serde(default)]
        public_reason: Option<String>,
    },
    /// Remove everything of a source from everything published, also what it reports later.
    TakeDown {
        /// Id of the source.
        source: String,
        /// The admin's reason, verbatim.
        reason: String,
        /// What readers are told.
        #[serde(default)]
        public_reason: Option<String>,
    },
    /// Publish a source again that was taken down by command.
    Lift {
        /// Id of the source.
        source: String,
    },
    /// List the withdrawn items.
    Withdrawn,
    /// Publish a withdrawn item again.
    Restore {
        /// Id of the item, or the URL of its page or of one of its reports.
        item: String,
    },
    /// Read the config again.
    Reload {
        /// The language of faults, as a tag; English if it is missing.
        #[serde(default)]
        language: Option<String>,
    },
    /// Return the metrics in the OpenMetrics text format.
    Metrics,
    /// Compare the view with the log.
    Verify,
    /// Return the log as one archive.
    Backup,
}

impl AdminRequest {
    /// Returns what the journal is to say about a request; `None` if the request only reads.
    fn deed(&self) -> Option<String> {
        Some(match self {
            Self::Poll { source } => format!("poll {}", one_line(source)),
            Self::Pause { source } => format!("pause {}", one_line(source)),
            Self::Resume { source } => format!("resume {}", one_line(source)),
            Self::Withdraw { item, reason, .. } => format!("withdraw {}: {}", one_line(item), one_line(reason)),
            Self::TakeDown { source, reason, .. } => {
                format!("withdraw --source {}: {}", one_line(source), one_line(reason))
            }
            Self::Lift { source } => format!("restore-item --source {}", one_line(source)),
            Self::Restore { item } => format!("restore-item {}", one_line(item)),
            Self::Reload { .. } => "reload".to_owned(),
            Self::Status
            | Self::Explain { .. }
            | Self::Why { .. }
            | Self::Find { .. }
            | Self::Withdrawn
            | Self::Metrics
            | Self::Verify
            | Self::Backup => return None,
        })
    }
}

/// First line of a reply; for a backup, the archive follows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdminReply {
    /// Whether the request succeeded.
    pub ok: bool,
    /// Results or messages, one per line.
    pub lines: Vec<String>,
}

impl AdminReply {
    pub(super) const fn done(lines: Vec<String>) -> Self {
        Self { ok: true, lines }
    }

    pub(super) fn failed(reason: impl ToString) -> Self {
        Self { ok: false, lines: vec![reason.to_string()] }
    }

    /// Writes that of a reload to the log, where nobody waits for it.
    pub(super) fn log(&self) {
        for line in &self.lines {
            if self.ok {
                tracing::info!(event = "config_taken", "{line}");
            } else {
                tracing::error!(event = "config_refused", "{line}");
            }
        }
    }
}

/// A request on its way to the main loop, with the channel for the reply.
pub(super) type PendingRequest = (AdminRequest, oneshot::Sender<AdminReply>);

/// Creates the socket. A socket left behind by a dead daemon is replaced; one that something listens on is not.
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

/// Lets a group of this machine, named or by its number, use the socket.
///
/// # Errors
/// A sentence if there is no such group, or the daemon does not belong to it.
pub(super) fn share(path: &Path, group: &str) -> Result<(), String> {
    let groups = std::fs::read_to_string("/etc/group").map_err(|error| format!("cannot read /etc/group: {error}"))?;
    // group(5): name, password, number, members.
    let named = groups.lines().filter_map(|line| {
        let mut fields = line.split(':');
        (fields.next() == Some(group)).then(|| fields.nth(1)).flatten()
    });
    let number = named.chain(std::iter::once(group)).find_map(|number| number.parse().ok());
    let Some(number) = number else {
        return Err(format!(
            "[admin] group: there is no group `{group}` on this machine; make it (groupadd --system {group}), or name another"
        ));
    };
    std::os::unix::fs::chown(path, None, Some(number))
        .and_then(|()| std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o660)))
        .map_err(|error| {
            format!(
                "[admin] group: cannot give {} to the group `{group}` ({error}); put the service into it, as admin-group.conf beside the documentation does",
                path.display()
            )
        })
}

/// Answers admin requests until `stop` is cancelled. `is_shared` says that the mode of the socket decides who may ask.
pub(super) async fn serve(
    listener: UnixListener,
    is_shared: bool,
    log: Arc<Log>,
    questions: mpsc::Sender<PendingRequest>,
    stop: CancellationToken,
) {
    let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut tasks = JoinSet::new();
    loop {
        while tasks.try_join_next().is_some() {}
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                // Connections beyond the limit are closed at once; nobody needs that many.
                let Ok(place) = Arc::clone(&room).try_acquire_owned() else { continue };
                let (log, questions) = (Arc::clone(&log), questions.clone());
                tasks.spawn(async move {
                    let _place = place;
                    if let Err(error) = converse(stream, is_shared, log, questions).await {
                        tracing::debug!(error = &error as &dyn std::error::Error, "an admin connection failed");
                    }
                });
            }
            Err(error) => {
                tracing::warn!(
                    event = "admin_socket_failed",
                    error = &error as &dyn std::error::Error,
                    "the admin socket cannot accept"
                );
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn converse(
    mut stream: UnixStream,
    is_shared: bool,
    log: Arc<Log>,
    questions: mpsc::Sender<PendingRequest>,
) -> std::io::Result<()> {
    let peer = stream.peer_cred()?.uid();
    if !is_shared && peer != 0 && peer != own_uid() {
        return say(
            &mut stream,
            &AdminReply::failed("only root and the daemon's own user may ask this; run it with sudo"),
        )
        .await;
    }
    let mut line = Vec::new();
    let read = async {
        let mut reader = tokio::io::BufReader::new(&mut stream).take(MAX_REQUEST_BYTES);
        reader.read_until(b'\n', &mut line).await
    };
    if tokio::time::timeout(REQUEST_TIMEOUT, read).await.is_err() {
        return say(&mut stream, &AdminReply::failed("no request arrived within 5 seconds")).await;
    }
    let request: AdminRequest = match serde_json::from_slice(&line) {
        Ok(request) => request,
        Err(_) => {
            return say(
                &mut stream,
                &AdminReply::failed("unknown admin command; do client and daemon have the same version?"),
            )
            .await;
        }
    };
    if request == AdminRequest::Backup {
        return send_backup(stream, log).await;
    }
    let told = request.deed();
    let (answer, answered) = oneshot::channel();
    let answered = match questions.send((request, answer)).await {
        Ok(()) => answered.await.unwrap_or_else(|_closed| AdminReply::failed("the daemon is stopping")),
        Err(_) => AdminReply::failed("the daemon is stopping"),
    };
    if let Some(deed) = told {
        // For a success, the item that the name stood for; else why it failed.
        let told =
            if answered.ok { answered.lines.last().cloned().unwrap_or_default() } else { answered.lines.join("; ") };
        tracing::info!(
            event = "admin_asked",
            uid = peer,
            done = answered.ok,
            "an admin asked: {deed} ({})",
            one_line(&told)
        );
    }
    say(&mut stream, &answered).await
}

/// Sends the damages of the log, then the log as one archive.
async fn send_backup(mut stream: UnixStream, log: Arc<Log>) -> std::io::Result<()> {
    let scrubbed = Arc::clone(&log);
    let damages = tokio::task::spawn_blocking(move || scrubbed.scrub(&|| false)).await;
    let damages = match damages {
        Ok(Ok(damages)) => damages.iter().map(ToString::to_string).collect(),
        Ok(Err(error)) => vec![with_causes(&error)],
        Err(_) => vec!["the check of the log panicked; please report this with the log".to_owned()],
    };
    say(&mut stream, &AdminReply::done(damages)).await?;
    let stream = stream.into_std()?;
    stream.set_nonblocking(false)?;
    stream.set_write_timeout(Some(Duration::from_secs(60)))?;
    let outcome = tokio::task::spawn_blocking(move || crate::log::backup(&log, stream)).await;
    if let Ok(Err(error)) = outcome {
        tracing::error!(
            event = "backup_failed",
            error = &error as &dyn std::error::Error,
            "a backup could not be finished"
        );
    }
    Ok(())
}

/// Writes a decision that was made without a daemon, and so is not in the journal, to the system log (RFC 3164).
///
/// # Errors
/// If there is no system log on this machine, or it does not take the message.
pub fn note_offline(request: &AdminRequest) -> std::io::Result<()> {
    /// Facility `user`, severity `notice` (RFC 3164, section 4.1.1).
    const PRIORITY: u8 = 13;
    let Some(deed) = request.deed() else { return Ok(()) };
    let line = format!(
        "<{PRIORITY}>dayuan[{}]: an admin asked: {} (uid {}, without the daemon)",
        std::process::id(),
        printable(&deed),
        own_uid()
    );
    UnixDatagram::unbound()?.send_to(line.as_bytes(), "/dev/log").map(|_sent| ())
}

async fn say(stream: &mut UnixStream, answered: &AdminReply) -> std::io::Result<()> {
    let mut line = serde_json::to_vec(answered)?;
    line.push(b'\n');
    // A client that does not read its reply must not hold its connection for long.
    tokio::time::timeout(REQUEST_TIMEOUT, stream.write_all(&line))
        .await
        .unwrap_or_else(|_late| Err(std::io::ErrorKind::TimedOut.into()))
}

/// Returns the uid of this process.
fn own_uid() -> u32 {
    use std::os::unix::fs::MetadataExt;
    // The files of /proc/self belong to the process's own user.
    std::fs::metadata("/proc/self").map_or(u32::MAX, |metadata| metadata.uid())
}

/// Sends a request to the daemon behind a socket; returns `None` if no daemon listens there. For a backup, `archive`
/// receives what follows the reply.
///
/// # Errors
/// A sentence if the socket may not be used, or if the reply is missing or malformed.
pub fn ask(
    socket: &Path,
    request: &AdminRequest,
    archive: Option<&mut dyn Write>,
) -> Result<Option<AdminReply>, String> {
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
    let broken = |error: std::io::Error| format!("lost the connection to the daemon on {}: {error}", socket.display());
    let mut line = serde_json::to_vec(request).map_err(|error| error.to_string())?;
    line.push(b'\n');
    stream.write_all(&line).map_err(broken)?;
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    reader.read_line(&mut first).map_err(broken)?;
    let answered: AdminReply = serde_json::from_str(&first).map_err(|_invalid| {
        format!("cannot understand the reply on {}; do client and daemon have the same version?", socket.display())
    })?;
    if let Some(archive) = archive.filter(|_| answered.ok) {
        let mut reader: Box<dyn Read> = Box::new(reader);
        std::io::copy(&mut reader, archive).map_err(broken)?;
    }
    Ok(Some(answered))
}

/// Removes the socket on drop, so that no client connects to a daemon that is gone.
pub(super) struct SocketGuard(pub(super) PathBuf);

impl Drop for SocketGuard {
    fn drop(&mut self) {
        // An error means that the socket is gone already.
        drop(std::fs::remove_file(&self.0));
    }
}
