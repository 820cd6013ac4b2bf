//! Receives the body of an answer and unpacks it, both within limits.

use bytes::Bytes;
use reqwest::header;

use super::answer;
use super::budget::Budget;
use super::client::{Fetcher, Received};
use super::error::FetchError;
use super::patience::Patience;
use super::unpack::{Coding, UnpackError};
use crate::model::{Link, one_line};

/// What may have come of a body that is not read, in bytes: a socket's buffers hold about that much.
const MAX_UNREAD: usize = 4 << 20;
/// How much of a body needs no permit, and for how much more of it each permit of `Fetcher::large` is, in bytes.
const SMALL: usize = 512 * 1024;
/// Compressed bodies up to this size are unpacked on the async thread, in bytes.
const INLINE: usize = 16 * 1024;
/// Maximum number of permits for one body, however long it may become.
const MAX_PERMITS: usize = 16;

impl Fetcher {
    /// Waits for room for more of a body; not for ever, since those that have some may wait for more.
    async fn large_permit(&self) -> Result<tokio::sync::SemaphorePermit<'_>, FetchError> {
        let permit = tokio::time::timeout(self.timeout, self.large.acquire()).await;
        permit.ok().and_then(Result::ok).ok_or(FetchError::Crowded)
    }

    /// Reads a body in chunks, without trusting its Content-Length. Decodes it here, so that both the compressed and
    /// the decoded size are limited.
    pub(super) async fn body(
        &self,
        received: Received,
        link: &Link,
        budget: Option<&dyn Budget>,
        patience: &Patience,
    ) -> Result<Vec<u8>, FetchError> {
        let Received { mut response, mut line } = received;
        let broken = |detail: String| FetchError::Protocol { host: link.host_text().to_owned(), detail };
        let coding = answer::text(response.headers(), header::CONTENT_ENCODING).unwrap_or("");
        let coding = Coding::named(coding)
            .ok_or_else(|| broken(format!("unsupported Content-Encoding `{}`", one_line(coding))))?;
        // A body whose declared length is too large is not read. Otherwise the declared length is not trusted.
        if response.content_length().is_some_and(|length| usize::try_from(length).is_ok_and(|it| it > self.max_body)) {
            if let Some(budget) = budget {
                budget.receive(link, MAX_UNREAD.min(self.max_body));
            }
            return Err(FetchError::TooLarge(self.max_body));
        }
        // Whose end only the end of the connection tells.
        let is_open = ![header::CONTENT_LENGTH, header::TRANSFER_ENCODING]
            .iter()
            .any(|name| response.headers().contains_key(name));
        let mut body = Vec::new();
        let mut room = Vec::new();
        let mut counted = line.received();
        loop {
            let came = line.piece(&mut response).await;
            if let Some(budget) = budget {
                let so_far = line.received();
                let new = counted.zip(so_far).map(|(before, now)| now - before);
                let behind_proxy = || came.as_ref().ok().and_then(Option::as_ref).map_or(0, Bytes::len);
                budget.receive(link, new.unwrap_or_else(behind_proxy));
                counted = so_far;
            }
            let Some(piece) = came.map_err(|error| line.explain(&error, link, None, self.timeout))? else {
                if is_open && line.is_cut() {
                    return Err(broken("it broke off the connection in the middle of its answer".to_owned()));
                }
                break;
            };
            if body.len() + piece.len() > self.max_body {
                return Err(FetchError::TooLarge(self.max_body));
            }
            while body.len() + piece.len() > SMALL * (room.len() + 1) && room.len() < MAX_PERMITS {
                room.push(patience.stopped(self.large_permit()).await?);
            }
            body.extend_from_slice(&piece);
        }
        let coding = coding.of(&body);
        let most = self.max_body;
        // Taken only after the body is complete, so that a slow site does not hold a permit.
        let unpacking =
            if coding == Coding::Plain { None } else { patience.stopped(self.unpacking.acquire()).await.ok() };
        let unpacked = match coding {
            Coding::Plain => return Ok(body),
            _ if body.len() <= INLINE => coding.unpack(&body, most),
            _ => tokio::task::spawn_blocking(move || coding.unpack(&body, most))
                .await
                .map_err(|_panic| broken("its content cannot be unpacked".to_owned()))?,
        };
        drop((room, unpacking));
        unpacked.map_err(|error| match error {
            UnpackError::TooLarge => FetchError::TooLarge(most),
            UnpackError::Broken(detail) => broken(format!("its body cannot be decompressed: {detail}")),
        })
    }
}
