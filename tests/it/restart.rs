//! Restarts and reloads under load: no request fails.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::http::{Reply, Site};
use super::installation::{Daemon, Installation, feed, source, until};

/// Readers at one time.
const READERS: u32 = 10;

/// A number that the environment may raise.
fn number(name: &str, usual: u32) -> u32 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// What readers saw.
#[derive(Default)]
struct Seen {
    answers: u32,
    failures: Vec<String>,
    slowest: Duration,
}

/// Asks again and again at a steady rate, each reader over one connection as long as the server keeps it.
struct Load {
    stop: Arc<AtomicBool>,
    readers: Vec<std::thread::JoinHandle<Seen>>,
    began: Instant,
}

impl Load {
    fn on(address: SocketAddr, path: &'static str, a_second: u32) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let step = Duration::from_secs(1) * READERS / a_second;
        let readers = (0..READERS).map(|_| {
            let stop = Arc::clone(&stop);
            std::thread::spawn(move || read(address, path, step, &stop))
        });
        Self { readers: readers.collect(), stop, began: Instant::now() }
    }

    fn end(self) -> Seen {
        self.stop.store(true, Ordering::Release);
        let lasted = self.began.elapsed();
        let mut all = Seen::default();
        for reader in self.readers {
            let seen = reader.join().unwrap();
            all.answers += seen.answers;
            all.failures.extend(seen.failures);
            all.slowest = all.slowest.max(seen.slowest);
        }
        println!(
            "{} requests in {lasted:.1?}, {} failed, the slowest took {:.1?}",
            all.answers,
            all.failures.len(),
            all.slowest
        );
        all
    }
}

fn read(address: SocketAddr, path: &str, step: Duration, stop: &AtomicBool) -> Seen {
    let (mut seen, mut stream, mut next) = (Seen::default(), None, Instant::now());
    while !stop.load(Ordering::Acquire) {
        std::thread::sleep(next.saturating_duration_since(Instant::now()));
        next = Instant::now().max(next + step);
        let began = Instant::now();
        match ask(&mut stream, address, path) {
            Ok(200) => {}
            Ok(status) => seen.failures.push(format!("status {status}")),
            Err(error) => {
                seen.failures.push(error.to_string());
                stream = None;
            }
        }
        seen.answers += 1;
        seen.slowest = seen.slowest.max(began.elapsed());
    }
    seen
}

/// One request; the connection stays open unless the server says that it ends.
fn ask(stream: &mut Option<BufReader<TcpStream>>, address: SocketAddr, path: &str) -> std::io::Result<u16> {
    let mut open = match stream.take() {
        Some(open) => open,
        None => {
            let fresh = TcpStream::connect(address)?;
            fresh.set_read_timeout(Some(Duration::from_secs(30)))?;
            fresh.set_nodelay(true)?;
            BufReader::new(fresh)
        }
    };
    open.get_mut().write_all(format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n").as_bytes())?;
    let (mut line, mut status, mut length, mut closes) = (String::new(), 0, 0, false);
    loop {
        line.clear();
        if open.read_line(&mut line)? == 0 {
            return Err(std::io::Error::other("the connection ended before the answer"));
        }
        let text = line.trim().to_ascii_lowercase();
        if text.is_empty() {
            break;
        }
        if let Some(rest) = text.strip_prefix("http/1.1 ") {
            status = rest.split(' ').next().unwrap().parse().unwrap();
        } else if let Some(rest) = text.strip_prefix("content-length:") {
            length = rest.trim().parse().unwrap();
        } else if text == "connection: close" {
            closes = true;
        }
    }
    let mut body = vec![0; length];
    open.read_exact(&mut body)?;
    if !closes {
        *stream = Some(open);
    }
    Ok(status)
}

/// Starts a daemon with a listener that somebody else holds, as systemd does.
fn start_on(installation: &Installation, listener: &TcpListener) -> Daemon {
    start_named(installation, "dayuan.socket", listener.try_clone().unwrap())
}

fn start_named(installation: &Installation, name: &str, socket: impl Into<OwnedFd>) -> Daemon {
    let shell = format!("exec 3<&0 < /dev/null; export LISTEN_FDS=1 LISTEN_PID=$$ LISTEN_FDNAMES={name}; exec \"$@\"");
    let mut command = Command::new("sh");
    command.args(["-c", &shell, "sh", env!("CARGO_BIN_EXE_dayuan"), "run", "--config"]).arg(installation.config());
    command.stdin(Stdio::from(socket.into()));
    installation.launch_command(command)
}

/// `DAYUAN_SOURCES=10000 DAYUAN_RATE=1000 cargo test --test it restart -- --nocapture` measures the goal.
#[test]
fn a_restart_and_a_reload_lose_no_request() {
    let site = Site::new(61, |_| Reply::ok(feed(&[("1", "/1", "今日起分时段停水", 2)])));
    let count = number("DAYUAN_SOURCES", 200);
    let sources: String =
        (0..count).map(|n| source(&format!("s{n}"), "140300", &format!("http://{}/{n}", site.address))).collect();
    let settings = "[fetch]\nallow_networks = [\"127.0.7.0/24\"]\n[poll]\nhost_gap = \"0s\"\n";
    let installation = Installation::with(settings, &sources);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();

    let first = start_on(&installation, &listener);
    assert_eq!(first.address, address, "it listens where it was told, not where the config says");
    first.until_items("140300", 1);
    let load = Load::on(address, "/regions/140300/atom.xml", number("DAYUAN_RATE", 300));
    std::thread::sleep(Duration::from_millis(300));
    let began = Instant::now();
    let reloaded = installation.run(&["reload"]);
    println!("reload with {count} sources: {:.2?}", began.elapsed());
    assert!(reloaded.status.success(), "{}", String::from_utf8_lossy(&reloaded.stderr));

    let began = Instant::now();
    assert_eq!(first.stop(), Some(0));
    let stopped = began.elapsed();
    let second = start_on(&installation, &listener);
    until("the second answers", || (ask(&mut None, address, "/readyz").unwrap() == 200).then_some(()));
    println!("stopped after {stopped:.2?}, ready again after {:.2?}", began.elapsed());
    std::thread::sleep(Duration::from_millis(300));
    let seen = load.end();
    assert!(
        seen.failures.is_empty(),
        "{} of {} failed: {:?}",
        seen.failures.len(),
        seen.answers,
        seen.failures.first()
    );
    assert!(seen.answers > 100, "{}", seen.answers);
    assert_eq!(second.stop(), Some(0));
}

#[test]
fn a_socket_that_is_passed_serves_readers_only_if_it_listens_and_is_meant_for_them() {
    let installation = Installation::new("");
    let unused = |daemon: &Daemon| {
        until("the socket is told of", || {
            daemon.log().iter().any(|line| line["fields"]["event"] == "socket_unit_unused").then_some(())
        });
    };
    for name in ["dayuan-metrics.socket", "other.socket", "metrics"] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let passed = listener.local_addr().unwrap();
        let daemon = start_named(&installation, name, listener);
        assert_ne!(daemon.address, passed, "{name}");
        unused(&daemon);
        assert_eq!(daemon.stop(), Some(0));
    }
    for name in ["readers", "unknown", ""] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let passed = listener.local_addr().unwrap();
        let daemon = start_named(&installation, name, listener);
        assert_eq!(daemon.address, passed, "{name}");
        assert_eq!(daemon.stop(), Some(0));
    }
    let far = TcpListener::bind("127.0.0.1:0").unwrap();
    let connected = TcpStream::connect(far.local_addr().unwrap()).unwrap();
    let passed = connected.local_addr().unwrap();
    let daemon = start_named(&installation, "dayuan.socket", connected);
    assert_ne!(daemon.address, passed);
    unused(&daemon);
    assert_eq!(ask(&mut None, daemon.address, "/healthz").unwrap(), 200);
    assert_eq!(daemon.stop(), Some(0));
}
