//! HTTP by hand, so that no library smooths over what is said.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A request that a site got.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) path: String,
    pub(crate) headers: HashMap<String, String>,
}

/// A site on a loopback address of its own that says what its function says, and remembers what it was asked.
pub(crate) struct Site {
    pub(crate) address: SocketAddr,
    pub(crate) asked: Arc<Mutex<Vec<Asked>>>,
}

impl Site {
    /// A site whose function writes the whole answer. It has no robots.txt.
    pub(crate) fn raw(host: u8, answer: impl Fn(&Asked, &mut TcpStream) + Send + Sync + 'static) -> Self {
        Self::with_robots(host, Reply::status("404 Not Found"), answer)
    }

    /// The same with a robots.txt, whose requests are not among those remembered.
    pub(crate) fn with_robots(
        host: u8,
        robots: Reply,
        answer: impl Fn(&Asked, &mut TcpStream) + Send + Sync + 'static,
    ) -> Self {
        Self::listen(TcpListener::bind((IpAddr::V4(Ipv4Addr::new(127, 0, 7, host)), 0)).unwrap(), robots, answer)
    }

    /// A site at an address that is given.
    pub(crate) fn at(address: SocketAddr, answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        Self::listen(TcpListener::bind(address).unwrap(), Reply::status("404 Not Found"), move |request, stream| {
            drop(stream.write_all(&answer(request).bytes()));
        })
    }

    fn listen(
        listener: TcpListener,
        robots: Reply,
        answer: impl Fn(&Asked, &mut TcpStream) + Send + Sync + 'static,
    ) -> Self {
        let address = listener.local_addr().unwrap();
        let asked: Arc<Mutex<Vec<Asked>>> = Arc::default();
        let (remembered, answer, robots) = (Arc::clone(&asked), Arc::new(answer), Arc::new(robots));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { continue };
                let (remembered, answer, robots) = (Arc::clone(&remembered), Arc::clone(&answer), Arc::clone(&robots));
                std::thread::spawn(move || {
                    let Some(request) = head(&mut stream) else { return };
                    if request.path == "/robots.txt" {
                        drop(stream.write_all(&robots.bytes()));
                        return;
                    }
                    remembered.lock().unwrap().push(request.clone());
                    answer(&request, &mut stream);
                });
            }
        });
        Self { address, asked }
    }

    /// A site whose function gives the status line, headers and body.
    pub(crate) fn new(host: u8, answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        Self::raw(host, move |request, stream| {
            // The daemon may hang up early; that is its right.
            drop(stream.write_all(&answer(request).bytes()));
        })
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

/// An answer of a site.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reply {
    pub(crate) status: &'static str,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn ok(body: impl Into<Vec<u8>>) -> Self {
        Self { status: "200 OK", headers: vec![], body: body.into() }
    }

    pub(crate) fn status(status: &'static str) -> Self {
        Self { status, ..Self::default() }
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut out = format!("HTTP/1.1 {}\r\n", self.status);
        for (name, value) in &self.headers {
            out.push_str(&format!("{name}: {value}\r\n"));
        }
        out.push_str(&format!("content-length: {}\r\nconnection: close\r\n\r\n", self.body.len()));
        let mut out = out.into_bytes();
        out.extend_from_slice(&self.body);
        out
    }
}

fn head(stream: &mut TcpStream) -> Option<Asked> {
    stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut first = String::new();
    reader.read_line(&mut first).ok()?;
    let path = first.split(' ').nth(1)?.to_owned();
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        match line.trim_end().split_once(": ") {
            Some((name, value)) => headers.insert(name.to_ascii_lowercase(), value.to_owned()),
            None => return Some(Asked { path, headers }),
        };
    }
}

/// What the daemon answered.
#[derive(Clone, Debug)]
pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Got {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

/// Sends these bytes and returns everything that comes back until the connection ends, or nothing comes for a while.
pub(crate) fn say(address: SocketAddr, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    // A refusal may come, and the connection end, before all was said.
    drop(stream.write_all(bytes));
    let mut out = Vec::new();
    drop(stream.read_to_end(&mut out));
    out
}

pub(crate) fn parse(bytes: &[u8]) -> Got {
    let end = bytes
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .unwrap_or_else(|| panic!("no answer in {:?}", String::from_utf8_lossy(bytes)));
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    Got { status, headers, body: bytes[end + 4..].to_vec() }
}

pub(crate) fn request(address: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)]) -> Got {
    let mut text = format!("{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n");
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    parse(&say(address, format!("{text}\r\n").as_bytes()))
}

pub(crate) fn get(address: SocketAddr, path: &str) -> Got {
    request(address, "GET", path, &[])
}
