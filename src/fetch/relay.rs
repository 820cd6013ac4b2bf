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
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy, sink};
use tokio::net::{TcpStream, UnixListener, UnixStream};

/// How much is passed on at a time, in bytes.
const PIECE: usize = 16 * 1024;

/// What has come from a site on one connection.
#[derive(Debug)]
struct Counter {
    received: AtomicUsize,
    most: usize,
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
        let counter = Arc::new(Counter { received: AtomicUsize::new(0), most });
        let counting = Arc::clone(&counter);
        let traffic = async move {
            // What fails shows as a connection that is closed.
            drop(pass(listener, site, &counting).await);
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
