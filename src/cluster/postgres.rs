//! The engine on PostgreSQL. Only this file names it.
//!
//! Lines, lease and poll states are three tables of one database. An append takes an advisory lock, so that the order of
//! numbers is that of commits and nobody who reads ever misses a row; polls' appends also hold a share of the lease's row, so
//! that the lease cannot change hands in between. `synchronous_commit` and standbys are the database's matter.

use std::fmt;
use std::future::poll_fn;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::runtime::Runtime;
use tokio::sync::Notify;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};
use tokio_postgres::tls::{MakeTlsConnect, TlsConnect};
use tokio_postgres::{AsyncMessage, Client, Config, NoTls, Socket, Transaction};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::engine::{Engine, EngineError, LeaseRow, Pair};
use crate::log::Line;
use crate::model::with_causes;

/// How long an answer may take before the database counts as away.
const MAX_ANSWER: Duration = Duration::from_secs(5);
/// The same where many lines are dropped.
const MAX_DROP: Duration = Duration::from_secs(60);
/// How long a connection may take.
const MAX_CONNECT: Duration = Duration::from_secs(3);
/// Maximum number of lines per answer.
const MAX_LINES: i64 = 10_000;
/// Maximum number of poll states per answer.
const MAX_STATES: i64 = 1_000;
/// The key of our advisory locks: "dayuan" in ASCII.
const LOCK: i64 = 0x6461_7975_616e;

/// The tables. Lines are kept as they are, with their checksums, so that a wrong bit is seen wherever they are read.
const TABLES: &str = "
create table if not exists dayuan_log (
    seq bigint primary key, prev bigint not null unique, day integer not null, line bytea not null);
create table if not exists dayuan_lease (
    id boolean primary key default true check (id), holder text not null, token bigint not null, beat bigint not null);
create sequence if not exists dayuan_poll_version;
create table if not exists dayuan_poll_state (
    key bytea primary key, value bytea, version bigint unique not null default nextval('dayuan_poll_version'),
    saved timestamptz not null default now());
do $$ begin
    -- The first tables had neither; an `alter table` waits for everybody, so it is not tried each time.
    if not exists (select from pg_attribute where attrelid = 'dayuan_poll_state'::regclass and attname = 'version') then
        alter table dayuan_poll_state add version bigint unique not null default nextval('dayuan_poll_version');
    end if;
    if not exists (select from pg_attribute where attrelid = 'dayuan_poll_state'::regclass and attname = 'saved') then
        alter table dayuan_poll_state add saved timestamptz not null default now(), alter value drop not null;
    end if;
end $$;
insert into dayuan_lease values (true, '', 0, 0) on conflict do nothing;
";

/// Drops the keys of poll states that were removed so long ago that every machine knows.
const FORGET_REMOVED: &str = "delete from dayuan_poll_state where value is null and saved < now() - interval '30 days'";

/// The engine.
pub(super) struct Postgres {
    config: Config,
    /// Runs the connections; only taken when it ends.
    runtime: Option<Runtime>,
    idle: Mutex<Vec<Client>>,
    /// The connection that hears of appends; it is there while it lives.
    listening: Mutex<Option<Client>>,
    appended: Arc<Notify>,
}

impl fmt::Debug for Postgres {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Postgres").field("hosts", &self.config.get_hosts()).finish_non_exhaustive()
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // It may be dropped where one must not wait.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Postgres {
    /// Creates the engine from its address; nothing is asked yet.
    pub(super) fn new(url: &str, password: Option<String>) -> Result<Self, EngineError> {
        let settings =
            |error: &dyn fmt::Display| EngineError::Settings(format!("the address of the shared log: {error}"));
        let mut config = Config::from_str(url).map_err(|error| settings(&with_causes(&error)))?;
        config
            .application_name("dayuan")
            .connect_timeout(MAX_CONNECT)
            .tcp_user_timeout(MAX_ANSWER)
            .target_session_attrs(TargetSessionAttrs::ReadWrite);
        if !url.contains("sslmode=") {
            // Within a machine nobody listens; between machines the certificate must be right.
            config.ssl_mode(if config.get_hosts().iter().all(is_here) { SslMode::Disable } else { SslMode::Require });
        }
        if config.get_password().is_some() {
            return Err(settings(&"it holds a password; put that into a file of its own and name it as password_file"));
        }
        if let Some(password) = password {
            config.password(password);
        }
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("shared-log")
            .enable_all()
            .build()
            .map_err(|error| settings(&error))?;
        Ok(Self {
            config,
            runtime: Some(runtime),
            idle: Mutex::default(),
            listening: Mutex::default(),
            appended: Arc::default(),
        })
    }

    /// Does something with a connection of its own, which others may use afterwards, for at most this time.
    fn with<T>(
        &self,
        most: Duration,
        work: impl AsyncFnOnce(&mut Client) -> Result<T, EngineError>,
    ) -> Result<T, EngineError> {
        let Some(runtime) = &self.runtime else { return Err(EngineError::Away("it is being closed".to_owned())) };
        let known = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop().filter(|client| !client.is_closed());
        runtime.block_on(async {
            let mut client = match known {
                Some(client) => client,
                None => self.connect().await?,
            };
            let outcome = tokio::time::timeout(most, work(&mut client))
                .await
                .unwrap_or_else(|_late| Err(EngineError::Away(format!("no answer within {} s", most.as_secs()))));
            // What was not answered in time may still be in the way of the next question.
            if !matches!(outcome, Err(EngineError::Away(_))) {
                self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(client);
            }
            outcome
        })
    }

    /// Connects, and makes the tables where there are none.
    async fn connect(&self) -> Result<Client, EngineError> {
        let opened = async {
            if self.config.get_ssl_mode() == SslMode::Disable {
                self.open(NoTls).await
            } else {
                let (tls, _unusable) = MakeRustlsConnect::with_native_certs().map_err(|errors| {
                    let told = errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
                    EngineError::Settings(format!(
                        "no certificates to trust were found ({told}); install ca-certificates"
                    ))
                })?;
                self.open(tls).await
            }
        };
        let client = tokio::time::timeout(MAX_ANSWER, opened).await.unwrap_or_else(|_late| {
            Err(EngineError::Away(format!("no connection within {} s", MAX_ANSWER.as_secs())))
        })?;
        Ok(client)
    }

    async fn open<T>(&self, tls: T) -> Result<Client, EngineError>
    where
        T: MakeTlsConnect<Socket> + Send,
        T::Stream: Send + 'static,
        T::TlsConnect: Send,
        <T::TlsConnect as TlsConnect<Socket>>::Future: Send,
    {
        let (mut client, mut connection) = self.config.connect(tls).await.map_err(away)?;
        let appended = Arc::clone(&self.appended);
        let Some(runtime) = &self.runtime else { return Err(EngineError::Away("it is being closed".to_owned())) };
        // It ends with the client, or with the runtime.
        runtime.spawn(async move {
            while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
                if matches!(message, AsyncMessage::Notification(_)) {
                    appended.notify_one();
                }
            }
        });
        let transaction = client.transaction().await.map_err(failed)?;
        lock(&transaction).await?;
        transaction.batch_execute(TABLES).await.map_err(failed)?;
        transaction.commit().await.map_err(failed)?;
        Ok(client)
    }
}

impl Engine for Postgres {
    fn append(&self, lines: &[Line], token: Option<u64>) -> Result<(), EngineError> {
        let Some(first) = lines.first() else { return Ok(()) };
        let seqs: Vec<i64> = lines.iter().map(|line| line.seq.cast_signed()).collect();
        let prevs: Vec<i64> = lines.iter().map(|line| line.prev.cast_signed()).collect();
        let days: Vec<i32> = lines.iter().map(|line| line.day.cast_signed()).collect();
        let bytes: Vec<&[u8]> = lines.iter().map(|line| line.bytes.as_slice()).collect();
        self.with(MAX_ANSWER, async |client| {
            let transaction = client.transaction().await.map_err(failed)?;
            lock(&transaction).await?;
            if let Some(token) = token {
                hold(&transaction, token).await?;
            }
            let newest = transaction.query_one("select coalesce(max(seq), 0) from dayuan_log", &[]).await;
            if newest.map_err(failed)?.get::<_, i64>(0) != first.prev.cast_signed() {
                return Err(EngineError::Behind);
            }
            transaction
                .execute(
                    "insert into dayuan_log (seq, prev, day, line) select * from unnest($1::int8[], $2::int8[], $3::int4[], $4::bytea[])",
                    &[&seqs, &prevs, &days, &bytes],
                )
                .await
                .map_err(failed)?;
            transaction.batch_execute("notify dayuan").await.map_err(failed)?;
            // If the answer to this is lost, nobody knows yet.
            transaction.commit().await.map_err(away)
        })
    }

    fn lines(&self, after: u64, most: usize) -> Result<Vec<Line>, EngineError> {
        let after = after.cast_signed();
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        self.with(MAX_ANSWER, async |client| {
            let rows = client
                .query(
                    "select seq, prev, day, line from (
                        select *, sum(length(line)) over (order by seq) - length(line) as before from (
                            select * from dayuan_log where seq > $1 order by seq limit $2) as next) as sized
                    where before < $3 order by seq",
                    &[&after, &MAX_LINES, &most],
                )
                .await
                .map_err(failed)?;
            let line = |row: &tokio_postgres::Row| Line {
                seq: row.get::<_, i64>(0).cast_unsigned(),
                prev: row.get::<_, i64>(1).cast_unsigned(),
                day: row.get::<_, i32>(2).cast_unsigned(),
                bytes: row.get(3),
            };
            Ok(rows.iter().map(line).collect())
        })
    }

    fn newest(&self) -> Result<(u64, u32), EngineError> {
        self.with(MAX_ANSWER, async |client| {
            let newest = client.query_opt("select seq, day from dayuan_log order by seq desc limit 1", &[]).await;
            let newest = newest.map_err(failed)?;
            Ok(newest
                .map_or((0, 0), |row| (row.get::<_, i64>(0).cast_unsigned(), row.get::<_, i32>(1).cast_unsigned())))
        })
    }

    fn wait(&self, most: Duration) -> Result<(), EngineError> {
        let Some(runtime) = &self.runtime else { return Ok(()) };
        runtime.block_on(async {
            let is_listening = {
                let listening = self.listening.lock().unwrap_or_else(PoisonError::into_inner);
                listening.as_ref().is_some_and(|client| !client.is_closed())
            };
            if !is_listening {
                let client = self.connect().await?;
                client.batch_execute("listen dayuan").await.map_err(failed)?;
                *self.listening.lock().unwrap_or_else(PoisonError::into_inner) = Some(client);
                // What was appended before it listened is not told.
                return Ok(());
            }
            // A notification may be lost with its connection, so the caller looks in any case.
            let _told = tokio::time::timeout(most, self.appended.notified()).await;
            Ok(())
        })
    }

    fn lease(&self) -> Result<LeaseRow, EngineError> {
        self.with(MAX_ANSWER, async |client| {
            let row = client.query_one("select holder, token, beat from dayuan_lease", &[]).await.map_err(failed)?;
            Ok(LeaseRow {
                holder: row.get(0),
                token: row.get::<_, i64>(1).cast_unsigned(),
                beat: row.get::<_, i64>(2).cast_unsigned(),
            })
        })
    }

    fn replace_lease(&self, seen: &LeaseRow, new: &LeaseRow) -> Result<bool, EngineError> {
        let (token, beat) = (new.token.cast_signed(), new.beat.cast_signed());
        let (seen_token, seen_beat) = (seen.token.cast_signed(), seen.beat.cast_signed());
        self.with(MAX_ANSWER, async |client| {
            let replaced = client
                .execute(
                    "update dayuan_lease set holder = $1, token = $2, beat = $3 where token = $4 and beat = $5",
                    &[&new.holder, &token, &beat, &seen_token, &seen_beat],
                )
                .await;
            Ok(replaced.map_err(failed)? == 1)
        })
    }

    fn put_poll_states(&self, token: u64, pairs: &[Pair]) -> Result<(), EngineError> {
        // What was removed keeps its key for a while, so that the other machines remove it, too.
        let (keys, values): (Vec<&[u8]>, Vec<Option<&[u8]>>) =
            pairs.iter().map(|(key, value)| (key.as_slice(), value.as_deref())).unzip();
        self.with(MAX_ANSWER, async |client| {
            let transaction = client.transaction().await.map_err(failed)?;
            hold(&transaction, token).await?;
            transaction
                .execute(
                    "insert into dayuan_poll_state (key, value) select * from unnest($1::bytea[], $2::bytea[])
                    on conflict (key) do update set value = excluded.value, version = excluded.version, saved = excluded.saved",
                    &[&keys, &values],
                )
                .await
                .map_err(failed)?;
            if values.contains(&None) {
                let removed = transaction.execute(FORGET_REMOVED, &[]).await;
                removed.map_err(failed)?;
            }
            transaction.commit().await.map_err(away)
        })
    }

    fn poll_states(&self, after: u64) -> Result<(Vec<Pair>, u64), EngineError> {
        let from = after.cast_signed();
        self.with(MAX_ANSWER, async |client| {
            let rows = client
                .query(
                    "select key, value, version from dayuan_poll_state where version > $1 order by version limit $2",
                    &[&from, &MAX_STATES],
                )
                .await
                .map_err(failed)?;
            let newest = rows.last().map_or(after, |row| row.get::<_, i64>(2).cast_unsigned());
            Ok((rows.iter().map(|row| (row.get(0), row.get(1))).collect(), newest))
        })
    }

    fn drop_before(&self, first: u64, kept: &[u64], day: u32, token: u64) -> Result<u64, EngineError> {
        let (first, day) = (first.cast_signed(), day.cast_signed());
        let kept: Vec<i64> = kept.iter().map(|seq| seq.cast_signed()).collect();
        // Each follows the one before it, and the first line that stays follows the last of them.
        let seqs: Vec<i64> = kept.iter().copied().chain([first]).collect();
        let prevs: Vec<i64> = std::iter::once(0).chain(kept.iter().copied()).collect();
        self.with(MAX_DROP, async |client| {
            let transaction = client.transaction().await.map_err(failed)?;
            lock(&transaction).await?;
            hold(&transaction, token).await?;
            let dropped = transaction
                .execute("delete from dayuan_log where seq < $1 and not seq = any($2)", &[&first, &kept])
                .await
                .map_err(failed)?;
            transaction
                .execute(
                    "update dayuan_log as line set prev = chain.prev, day = case when line.seq = $3 then day else $4 end
                    from unnest($1::int8[], $2::int8[]) as chain (seq, prev)
                    where line.seq = chain.seq and (line.prev <> chain.prev or (line.seq <> $3 and day <> $4))",
                    &[&seqs, &prevs, &first, &day],
                )
                .await
                .map_err(failed)?;
            transaction.commit().await.map_err(away)?;
            Ok(dropped)
        })
    }
}

/// Returns whether a host is this machine.
fn is_here(host: &Host) -> bool {
    match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback()),
    }
}

/// Lets one transaction at a time go on.
async fn lock(transaction: &Transaction<'_>) -> Result<(), EngineError> {
    transaction.execute("select pg_advisory_xact_lock($1)", &[&LOCK]).await.map(drop).map_err(failed)
}

/// Holds the lease with this token until the transaction ends.
async fn hold(transaction: &Transaction<'_>, token: u64) -> Result<(), EngineError> {
    let token = token.cast_signed();
    let held = transaction.query_opt("select 1 from dayuan_lease where token = $1 for share", &[&token]).await;
    held.map_err(failed)?.map(drop).ok_or(EngineError::Displaced)
}

/// What went wrong on the way to the database.
fn away(error: tokio_postgres::Error) -> EngineError {
    EngineError::Away(with_causes(&error))
}

/// What went wrong: the database refused, or was away.
fn failed(error: tokio_postgres::Error) -> EngineError {
    if error.as_db_error().is_some() { EngineError::Refused(with_causes(&error)) } else { away(error) }
}
