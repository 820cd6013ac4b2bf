//! Requests that are sent to subscribers and hubs. They follow no redirects: a receiver who could redirect what he is sent
//! would choose the address after it was verified.

use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{self, HeaderName, HeaderValue};

use super::client::{Fetcher, wire_limit};
use super::error::FetchError;
use super::line::Line;
use crate::model::{Link, Tls};

/// A port that is always allowed, so that no receiver's own port is.
const USUAL_PORT: u16 = 443;
/// Maximum length of the answer to a delivery, in bytes. It is not read.
const MAX_ANSWER: usize = 64 * 1024;

/// What is sent to a receiver.
#[derive(Clone, Debug)]
pub struct Push {
    /// Media type of the body.
    pub content_type: String,
    /// Further headers. One whose value cannot be in a header is left out.
    pub headers: Vec<(&'static str, String)>,
    /// The body, which all receivers share.
    pub body: Bytes,
}

impl Fetcher {
    /// Checks the address of a receiver as it is written.
    ///
    /// # Errors
    /// [`FetchError::Blocked`] with the reason.
    pub fn check_receiver(&self, link: &Link) -> Result<(), FetchError> {
        self.ways.inside.guard.check_link(link, USUAL_PORT)
    }

    /// Returns the IP address of a receiver; `None` if its name does not resolve, or only to blocked addresses.
    pub async fn receiver_address(&self, link: &Link) -> Option<IpAddr> {
        self.ways.inside.locate(link).await.ok()
    }

    /// Sends a document by POST, and returns the status. The body of the answer is not read.
    ///
    /// # Errors
    /// If the guard refuses, or nothing answers in time.
    pub async fn push(&self, link: &Link, push: Push) -> Result<u16, FetchError> {
        self.check_receiver(link)?;
        within(self.timeout, async {
            let mut line = self.line(link).await?;
            let mut request = line.client().post(link.url().clone()).body(push.body);
            let own = [("content-type", push.content_type)];
            for (name, value) in own.into_iter().chain(push.headers) {
                if let Ok(value) = HeaderValue::from_str(&value) {
                    request = request.header(HeaderName::from_static(name), value);
                }
            }
            let sent = line.send(request).await;
            let response = sent.map_err(|error| line.explain(&error, link, None, self.timeout))?;
            Ok(response.status().as_u16())
        })
        .await
    }

    /// Opens a line to a receiver, at another of its addresses if the first takes no connection.
    async fn line(&self, link: &Link) -> Result<Line, FetchError> {
        let way = &self.ways.inside;
        let address = way.locate(link).await?;
        let open = |address| way.open(link, address, Tls::Strict, wire_limit(MAX_ANSWER));
        let error = match open(address).await {
            Ok(line) => return Ok(line),
            Err(error) => error,
        };
        match way.pass_over(link, address).await {
            Some(other) => open(other).await,
            None => Err(error),
        }
    }

    /// Asks a receiver by GET at this address, which is one of [`Fetcher::receiver_address`], whatever its name resolves to
    /// by now. Returns the status with the body, of which no more than `most` bytes are read.
    ///
    /// # Errors
    /// If the guard refuses, nothing answers in time, or the body is larger.
    pub async fn ask_receiver(&self, link: &Link, address: IpAddr, most: usize) -> Result<(u16, Vec<u8>), FetchError> {
        self.check_receiver(link)?;
        within(self.timeout, async {
            let mut line = self.ways.inside.open(link, address, Tls::Strict, wire_limit(most)).await?;
            let request = line.client().get(link.url().clone());
            // What is compared to the challenge must not be packed.
            let request = request.header(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
            let explain = |line: &Line, error| line.explain(&error, link, None, self.timeout);
            let mut response = line.send(request).await.map_err(|error| explain(&line, error))?;
            let mut body = Vec::new();
            while let Some(piece) = line.piece(&mut response).await.map_err(|error| explain(&line, error))? {
                body.extend_from_slice(&piece);
                if body.len() > most {
                    return Err(FetchError::TooLarge(most));
                }
            }
            Ok((response.status().as_u16(), body))
        })
        .await
    }
}

async fn within<T>(limit: Duration, work: impl Future<Output = Result<T, FetchError>>) -> Result<T, FetchError> {
    tokio::time::timeout(limit, work).await.map_err(|_late| FetchError::Timeout(limit))?
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;
    use crate::fetch::{Guard, Network, Options, install_crypto};

    /// Otherwise whoever has a name could count at one address and be asked at another.
    #[test]
    fn a_receiver_is_asked_at_the_address_that_was_counted() {
        install_crypto();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _head = stream.read(&mut [0; 1024]).unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").unwrap();
        });
        let guard = Guard { allow: vec![Network::parse("127.0.0.0/8").unwrap()], ports: vec![address.port()] };
        let timeout = Duration::from_secs(10);
        let options = Options { guard, timeout, max_body: 1 << 20, public_url: None, contact: None };
        let fetcher = Fetcher::new(options).unwrap();
        let link = Link::parse(&format!("http://nowhere.invalid:{}/", address.port())).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let answered = runtime.block_on(fetcher.ask_receiver(&link, address.ip(), 100));
        assert_eq!(answered.unwrap(), (200, b"ok".to_vec()));
    }
}
