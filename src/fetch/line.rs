//! The line over which one request is sent: a client, and what it is connected by.

use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use reqwest::{Client, RequestBuilder, Response};

use super::error::FetchError;
use super::failure::explain;
use super::relay::Relay;
use super::resolver::to_address;
use crate::model::Link;

/// What a line is connected by.
enum Connection {
    /// To the site, which is counted.
    Direct(Relay),
    /// By the proxy at this address, which the client connects to itself.
    Proxy(IpAddr),
}

/// A line to a site, for one request.
pub(super) struct Line {
    client: Client,
    connection: Connection,
}

impl Line {
    pub(super) const fn direct(client: Client, relay: Relay) -> Self {
        Self { client, connection: Connection::Direct(relay) }
    }

    pub(super) const fn through_proxy(client: Client, address: IpAddr) -> Self {
        Self { client, connection: Connection::Proxy(address) }
    }

    /// Returns the client, whose requests are to be sent over this line.
    pub(super) const fn client(&self) -> &Client {
        &self.client
    }

    /// Sends a request, and returns the response once its head is there.
    pub(super) async fn send(&mut self, request: RequestBuilder) -> Result<Response, reqwest::Error> {
        match &mut self.connection {
            Connection::Direct(relay) => relay.during(request.send()).await,
            Connection::Proxy(address) => to_address(*address, request.send()).await,
        }
    }

    /// Waits for the next piece of a body; `None` at its end.
    pub(super) async fn piece(&mut self, response: &mut Response) -> Result<Option<Bytes>, reqwest::Error> {
        match &mut self.connection {
            Connection::Direct(relay) => relay.during(response.chunk()).await,
            Connection::Proxy(_) => response.chunk().await,
        }
    }

    /// Returns how many bytes have come, with all that belongs to no body; `None` if a proxy passes them on.
    pub(super) fn received(&self) -> Option<usize> {
        match &self.connection {
            Connection::Direct(relay) => Some(relay.received()),
            Connection::Proxy(_) => None,
        }
    }

    /// Returns whether the connection broke where the client sees the end of an answer.
    pub(super) fn is_cut(&self) -> bool {
        matches!(&self.connection, Connection::Direct(relay) if relay.is_cut())
    }

    /// Returns why a request to `link` failed over this line. `proxy` and `timeout` are those of the request.
    pub(super) fn explain(
        &self,
        error: &reqwest::Error,
        link: &Link,
        proxy: Option<String>,
        timeout: Duration,
    ) -> FetchError {
        match &self.connection {
            Connection::Direct(relay) if relay.is_exceeded() => FetchError::Protocol {
                host: link.host_text().to_owned(),
                detail: format!(
                    "{} KiB came for one answer, most of which belongs to no body (103, padding of chunks)",
                    relay.received() / 1024
                ),
            },
            _ => explain(error, link, proxy, timeout),
        }
    }
}
