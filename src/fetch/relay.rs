//! The connection to a site, every byte of which is counted before the HTTP client sees it.
//!
//! What frames a body is no part of it, and no limit of the client counts it: sizes of chunks with zeros before them, interim
//! responses without end. The client opens its connections itself and shows them to nobody, but it can be told to connect to a
//! local socket. So each request has one of its own, behind which we pass on what comes.

use std::convert::Infallible;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy, sink};
use tokio::net::{TcpStream, UnixListener, UnixStream};

/// How much is passed on at a time, in bytes.
const PIECE: usize = 16 * 1024;

/// What has come from a site on one connection.
#[derive(Debug)]
struct Counter {
    received: AtomicUsize,
    most: usize,
    /// Whether the connection broke, or was given up: the client sees it closed as at the end of an answer.
    is_cut: AtomicBool,
}

impl Counter {
    fn add(&self, bytes: usize) {
        self.received.fetch_add(bytes, Ordering::Relaxed);
    }

    fn is_exceeded(&self) -> bool {
        self.received.load(Ordering::Relaxed) > self.most
    }
}

/// A connection to a site for one request, which ends when it is dropped.
pub(super) struct Relay {
    socket: PathBuf,
    counter: Arc<Counter>,
    /// Passes on what comes. It is never ready.
    traffic: Pin<Box<dyn Future<Output = Infallible> + Send>>,
}

impl Relay {
    /// Connects to a site, from which no more than `most` bytes are taken.
    pub(super) async fn open(site: SocketAddr, most: usize) -> io::Result<Self> {
        #[expect(clippy::disallowed_methods, reason = "this is the fetcher's own way out, behind the guard")]
        let site = TcpStream::connect(site).await?;
        site.set_nodelay(true)?;
        // An abstract socket (unix(7)): nothing of it is left on disk.
        let socket = PathBuf::from(format!("\0dayuan-{:016x}", RandomState::new().hash_one(std::process::id())));
        let listener = UnixListener::bind(&socket)?;
        let counter = Arc::new(Counter { received: AtomicUsize::new(0), most, is_cut: AtomicBool::new(false) });
        let counting = Arc::clone(&counter);
        let traffic = async move {
            let passed = pass(listener, site, &counting).await;
            counting.is_cut.store(passed.is_err() || counting.is_exceeded(), Ordering::Relaxed);
            std::future::pending().await
        };
        Ok(Self { socket, counter, traffic: Box::pin(traffic) })
    }

    /// Returns where the client connects to.
    pub(super) fn socket(&self) -> &Path {
        &self.socket
    }

    /// Passes on what comes as long as `work` takes.
    pub(super) async fn during<T>(&mut self, work: impl Future<Output = T>) -> T {
        tokio::select! {
            biased;
            done = work => done,
            never = &mut self.traffic => match never {},
        }
    }

    /// Returns how many bytes have come, those of TLS included.
    pub(super) fn received(&self) -> usize {
        self.counter.received.load(Ordering::Relaxed)
    }

    /// Returns whether the connection broke before the site ended it.
    pub(super) fn is_cut(&self) -> bool {
        self.counter.is_cut.load(Ordering::Relaxed)
    }

    /// Returns whether the site sent more than is taken.
    pub(super) fn is_exceeded(&self) -> bool {
        self.counter.is_exceeded()
    }
}

async fn pass(listener: UnixListener, mut site: TcpStream, counter: &Counter) -> io::Result<()> {
    let mut client = accept_own(&listener).await?;
    drop(listener);
    let (from_site, to_site) = site.split();
    let (from_client, to_client) = client.split();
    tokio::select! {
        () = send(from_client, to_site) => Ok(()),
        failed = receive(from_site, to_client, counter) => failed,
    }
}

/// Waits for our own client: any process of this machine may connect to the socket.
async fn accept_own(listener: &UnixListener) -> io::Result<UnixStream> {
    loop {
        let (stream, _) = listener.accept().await?;
        if stream.peer_cred()?.pid().is_some_and(|pid| u32::try_from(pid) == Ok(std::process::id())) {
            return Ok(stream);
        }
    }
}

/// Passes on the request, until the client hangs up.
async fn send(mut client: impl AsyncRead + Unpin, mut site: impl AsyncWrite + Unpin) {
    if copy(&mut client, &mut site).await.is_err() {
        // The site takes no more of the request, but may still answer.
        drop(copy(&mut client, &mut sink()).await);
    }
}

/// Passes on the answer. It returns only if that fails, or too much comes.
async fn receive(
    mut site: impl AsyncRead + Unpin,
    mut client: impl AsyncWrite + Unpin,
    counter: &Counter,
) -> io::Result<()> {
    let mut piece = vec![0; PIECE];
    loop {
        let length = site.read(&mut piece).await?;
        counter.add(length);
        if counter.is_exceeded() {
            return Ok(());
        }
        match piece.get(..length) {
            Some([]) | None => break,
            Some(piece) => client.write_all(piece).await?,
        }
    }
    client.shutdown().await?;
    std::future::pending().await
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::time::Duration;

    use super::*;
    use crate::fetch::{Fetcher, Guard, Network, Options, Request, install_crypto};
    use crate::model::{Link, Moment};

    /// Asks a site of this machine, and returns why that failed.
    fn error_of(runtime: &tokio::runtime::Runtime, url: &Link) -> String {
        let guard = Guard { allow: vec![Network::parse("127.0.0.0/8").unwrap()], ports: Vec::new() };
        let timeout = Duration::from_secs(20);
        let options = Options { guard, timeout, max_body: 1 << 20, public_url: None, contact: None };
        let fetcher = Fetcher::new(options).unwrap();
        let request = Request { is_inside: true, ..Request::to(url) };
        runtime.block_on(fetcher.get(request, Moment::default())).unwrap_err().to_string()
    }

    /// Padding of chunks and interim responses are no part of a body, and no limit of a body counts them: one poll took gigabytes.
    #[test]
    fn what_belongs_to_no_body_is_bounded() {
        install_crypto();
        let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
        let padded = format!("{}1\r\n \r\n", "0".repeat(200)).repeat(256);
        let shapes = [
            (chunked, "0".repeat(65536)),
            ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5", " ".repeat(65536)),
            (chunked, padded),
            ("", "HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n".repeat(1024)),
        ];
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        for (head, part) in shapes {
            let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            let url = Link::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
            let sent = Arc::new(AtomicUsize::new(0));
            let sending = Arc::clone(&sent);
            let site = std::thread::spawn(move || {
                let (mut stream, _) = listener.accept().unwrap();
                let _head = stream.read(&mut [0; 1024]).unwrap();
                stream.write_all(head.as_bytes()).unwrap();
                while stream.write_all(part.as_bytes()).is_ok() {
                    sending.fetch_add(part.len(), Ordering::Relaxed);
                }
            });
            let error = error_of(&runtime, &url);
            assert!(error.contains("belongs to no body"), "{error}");
            site.join().unwrap();
            // What the buffers of the sockets hold comes on top.
            let sent = sent.load(Ordering::Relaxed);
            assert!(sent < 16 << 20, "{sent} bytes were sent");
        }
    }

    /// Only the end of the connection tells the end of such an answer, and the client saw none but that.
    #[test]
    fn half_an_answer_is_no_whole_one() {
        install_crypto();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let url = Link::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap();
        let site = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 4096]).unwrap();
            stream.write_all(b"HTTP/1.0 200 OK\r\n\r\n<html><body>half").unwrap();
            // What is on its way when a connection is reset may be lost.
            std::thread::sleep(Duration::from_millis(200));
            socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
        });
        let error = error_of(&runtime, &url);
        site.join().unwrap();
        assert!(error.contains("broke off the connection"), "{error}");
    }
}
