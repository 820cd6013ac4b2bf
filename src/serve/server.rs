//! Accepts connections, and speaks HTTP on them.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{self, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode, Version};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::answer::{self, Answer};
use super::connections::{Connection, Connections, Doing, Wire};
use super::metrics::Metrics;

/// Limits of a listener: how many connections it has, and how long they may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Maximum number of connections at one time.
    pub connections: usize,
    /// How long a request may take to arrive, both the first one of a connection and those that follow.
    pub head: Duration,
    /// How long the peer may read nothing of what is sent.
    pub stall: Duration,
    /// How long connections may go on after the stop.
    pub grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 8192,
            head: Duration::from_secs(9),
            stall: Duration::from_secs(30),
            grace: Duration::from_secs(6),
        }
    }
}

/// Maximum size of the head of a request, in bytes.
const HEAD: usize = 32 * 1024;
/// How much of a response the kernel keeps per connection before it is sent, in bytes (TCP_NOTSENT_LOWAT).
const UNSENT: u32 = 16 * 1024;
/// How long connections may still bring a request after the stop. A server that closes a connection at once may do so
/// while a request is on its way, which then fails.
const FAREWELL: Duration = Duration::from_millis(500);
/// Interval between two sweeps for connections that are too slow.
const SWEEP: Duration = Duration::from_secs(1);
/// Pause after a failed accept; without it, a lack of descriptors would burn the processor.
const PAUSE: Duration = Duration::from_millis(100);

/// Binds a listener, even if the last run left connections of this port half-closed (SO_REUSEADDR).
///
/// # Errors
/// If the address is in use, or does not belong to this host.
pub fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    let domain = if address.is_ipv6() { socket2::Domain::IPV6 } else { socket2::Domain::IPV4 };
    let socket = socket2::Socket::new(domain, socket2::Type::STREAM, Some(socket2::Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(4096)?;
    adopt(socket.into())
}

/// Takes over a listener that others bound.
///
/// # Errors
/// If the system refuses its options.
pub fn adopt(listener: std::net::TcpListener) -> std::io::Result<TcpListener> {
    let socket = socket2::SockRef::from(&listener);
    socket.set_nonblocking(true)?;
    // Connections inherit this option. Without it, the kernel would keep megabytes for a client that reads nothing; a
    // client that reads gets as much at a time as before.
    socket.set_tcp_notsent_lowat(UNSENT)?;
    // They inherit this one, too. A feed is written in few pieces; waiting for more would only delay it.
    socket.set_tcp_nodelay(true)?;
    TcpListener::from_std(listener)
}

/// Answers requests.
pub trait Handler: Send + Sync + 'static {
    /// Answers a request.
    fn answer(&self, request: Request<Incoming>) -> impl Future<Output = Response<Full<Bytes>>> + Send;
    /// The metrics that count the responses.
    fn metrics(&self) -> &Metrics;
    /// Returns whether POST is answered under this path.
    fn takes_posts(&self, _path: &str) -> bool {
        false
    }
}

/// Accepts connections until `stop` is cancelled, then lets those that are open finish within the grace period.
pub async fn serve<H: Handler>(listener: TcpListener, handler: Arc<H>, limits: Limits, stop: CancellationToken) {
    let connections = Arc::new(Connections::new(limits.connections));
    let stopping = Arc::new(AtomicBool::new(false));
    let mut sweep = tokio::time::interval(SWEEP);
    let mut tasks = JoinSet::new();
    loop {
        while tasks.try_join_next().is_some() {}
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.accept() => accepted,
            _ = sweep.tick() => {
                connections.sweep(limits.head, limits.stall);
                continue;
            }
        };
        match accepted {
            Ok((stream, _)) => {
                let (connection, evicted) = connections.admit();
                if evicted {
                    handler.metrics().evict();
                }
                handler.metrics().open(connections.count());
                let (handler, connections, stopping) =
                    (Arc::clone(&handler), Arc::clone(&connections), Arc::clone(&stopping));
                tasks.spawn(async move {
                    answer_all(stream, &handler, &connection, &stopping).await;
                    connections.leave(&connection);
                    handler.metrics().open(connections.count());
                });
            }
            Err(error) => {
                tracing::warn!(
                    event = "connection_failed",
                    error = &error as &dyn std::error::Error,
                    "a connection could not be accepted"
                );
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    drop(listener);
    // Every response from now on says that it is the connection's last.
    stopping.store(true, Ordering::Release);
    if tokio::time::timeout(FAREWELL, ended(&mut tasks)).await.is_ok() {
        return;
    }
    // The flag is set: a connection that is cancelled knows that it may finish.
    connections.call_all();
    if tokio::time::timeout(limits.grace, ended(&mut tasks)).await.is_err() {
        tracing::info!(event = "connections_cut", "connections were cut that did not end in time");
    }
}

async fn ended(tasks: &mut JoinSet<()>) {
    while tasks.join_next().await.is_some() {}
}

/// Answers the requests of one stream of any kind until it ends. There is no time limit; that is up to the listener.
pub async fn converse<H: Handler>(stream: impl AsyncRead + AsyncWrite + Unpin, handler: &Arc<H>) {
    let (connection, _) = Connections::new(1).admit();
    answer_all(stream, handler, &connection, &AtomicBool::new(false)).await;
}

async fn answer_all<H: Handler>(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    handler: &Arc<H>,
    connection: &Arc<Connection>,
    stopping: &AtomicBool,
) {
    let service = service_fn(|request: Request<Incoming>| async {
        connection.mark(Doing::Answering);
        let response = match refuse(&request, handler.takes_posts(request.uri().path())) {
            Some(refusal) => refusal,
            None => {
                let body = [header::CONTENT_LENGTH, header::TRANSFER_ENCODING];
                let has_body = body.iter().any(|name| request.headers().contains_key(name));
                let mut response = handler.answer(request).await;
                // A body is not read, so what follows it cannot be told from a second request.
                if has_body || stopping.load(Ordering::Acquire) {
                    close(&mut response);
                }
                response
            }
        };
        handler.metrics().answered(response.status());
        connection.mark(Doing::Waiting);
        Ok::<_, Infallible>(response)
    });
    let wire = Wire::new(TokioIo::new(stream), Arc::clone(connection));
    // The sweep closes slow connections; a timer for every request would cost more than the response.
    let conversation = http1::Builder::new().max_buf_size(HEAD).serve_connection(wire, service);
    let mut conversation = pin!(conversation);
    tokio::select! {
        biased;
        // How a connection ends is up to the client, so errors are ignored.
        _ = conversation.as_mut() => {}
        () = connection.evict.cancelled() => {
            if stopping.load(Ordering::Acquire) {
                conversation.as_mut().graceful_shutdown();
                drop(conversation.await);
            }
        }
    }
}

/// Refuses requests that two programs could understand differently (RFC 9112, sections 3.2 and 6.3), and all methods
/// but GET and HEAD, and POST where it is taken.
fn refuse(request: &Request<Incoming>, takes_posts: bool) -> Option<Answer> {
    let headers = request.headers();
    let hosts = headers.get_all(header::HOST).iter().count();
    let has_host = hosts == 1 || (hosts == 0 && request.version() < Version::HTTP_11);
    let is_posted = request.method() == Method::POST && takes_posts;
    let lengths = headers.get_all(header::CONTENT_LENGTH).iter().count();
    let mut codings = headers.get_all(header::TRANSFER_ENCODING).iter();
    let is_plain = match (codings.next(), codings.next()) {
        (None, _) => lengths <= 1,
        // Hubs may not know how long a delivery is.
        (Some(coding), None) => {
            is_posted && lengths == 0 && coding.as_bytes().trim_ascii().eq_ignore_ascii_case(b"chunked")
        }
        _ => false,
    };
    let mut refusal = if !has_host || request.uri().authority().is_some() || !is_plain {
        answer::plain(
            StatusCode::BAD_REQUEST,
            "ambiguous request (Host, request target, Content-Length or Transfer-Encoding)\n",
        )
    } else if is_posted {
        return None;
    } else if request.method() != Method::GET && request.method() != Method::HEAD {
        let mut refusal = answer::plain(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD are answered here\n");
        refusal.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        refusal
    } else {
        return None;
    };
    close(&mut refusal);
    Some(refusal)
}

fn close(response: &mut Answer) {
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
}
