//! What readers that do not read cost the others: `cargo bench --bench load -- [SLOW] [STALLED]`. Ten thousand readers ask
//! for a feed of 3 MB and take nothing of it, five thousand more connect and say a byte now and then, all at once; meanwhile
//! somebody asks for fresh documents. Prints how long those take, and the memory of the daemon with the kernel's for it,
//! where a control group can be had. It needs a limit of 20,000 open files (`ulimit -n`) for the full number.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a benchmark ends with its first surprise, prints what it measured, and connects as anyone does"
)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How many items the feed has, and the bytes of each.
const ITEMS: usize = 50;
const BYTES: usize = 60_000;
/// How many fresh requests are timed.
const FRESH: usize = 1000;
/// What a slow reader's own system keeps for it, in bytes.
const RECEIVE: usize = 4096;

/// A control group for the daemon, of version 2 or of version 1.
struct Group {
    folder: PathBuf,
    files: &'static [&'static str],
}

impl Group {
    fn make() -> Option<Self> {
        let all = std::fs::read_to_string("/proc/self/cgroup").ok()?;
        let below = |line: &str| line.splitn(3, ':').nth(2).unwrap_or("/").trim_start_matches('/').to_owned();
        let name = format!("dayuan-load-{}", std::process::id());
        let one = all.lines().find(|line| line.contains(":memory:")).map(|line| {
            let folder = Path::new("/sys/fs/cgroup/memory").join(below(line)).join(&name);
            // The memory of its sockets is counted beside the rest.
            (folder, &["memory.max_usage_in_bytes", "memory.kmem.tcp.max_usage_in_bytes"][..])
        });
        let two = all.lines().find(|line| line.starts_with("0::")).map(|line| {
            let files: &[&str] = &["memory.peak"];
            (Path::new("/sys/fs/cgroup").join(below(line)).join(&name), files)
        });
        one.into_iter().chain(two).find_map(|(folder, files)| {
            std::fs::create_dir(&folder).ok()?;
            // Without a limit, version 1 does not count the memory of sockets.
            drop(std::fs::write(folder.join("memory.kmem.tcp.limit_in_bytes"), "8G"));
            let group = Self { folder, files };
            group.files.iter().all(|file| group.folder.join(file).exists()).then_some(group)
        })
    }

    fn peak(&self) -> Vec<(&'static str, u64)> {
        let read = |file: &&'static str| {
            (*file, std::fs::read_to_string(self.folder.join(file)).unwrap().trim().parse().unwrap())
        };
        self.files.iter().map(read).collect()
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        drop(std::fs::remove_dir(&self.folder));
    }
}

/// Serves the feed that the daemon is to publish.
fn site() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let now = dayuan::model::Moment::from_seconds(i64::try_from(now).unwrap()).rfc2822();
    let items: String = (0..ITEMS)
        .map(|item| {
            let words = format!("第{item}条");
            let text = words.repeat(BYTES / words.len() + 1);
            format!("<item><guid>{item}</guid><title>第{item}条</title><link>http://127.0.0.1/{item}</link><pubDate>{now}</pubDate><description>{text}</description></item>")
        })
        .collect();
    let body = format!("<rss version=\"2.0\"><channel><title>x</title>{items}</channel></rss>");
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut head = [0; 4096];
            drop(stream.read(&mut head));
            drop(
                stream.write_all(
                    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())
                        .as_bytes(),
                ),
            );
        }
    });
    address
}

fn daemon(folder: &Path, group: Option<&Group>) -> (Child, SocketAddr) {
    let path = folder.display();
    std::fs::create_dir_all(folder.join("sources")).unwrap();
    std::fs::write(
        folder.join("dayuan.toml"),
        format!("[http]\nlisten = \"127.0.0.1:0\"\n[store]\npath = \"{path}/store\"\n[admin]\nsocket = \"{path}/dayuan.sock\"\n[log]\nformat = \"json\"\n[fetch]\nallow_networks = [\"127.0.0.0/8\"]\n"),
    )
    .unwrap();
    std::fs::write(folder.join("regions.toml"), "publish = [\"140000\"]\n").unwrap();
    std::fs::write(
        folder.join("sources/all.toml"),
        format!("[[source]]\nid = \"a\"\ntitle = \"甲\"\nregion = \"140300\"\nurl = \"http://{}/\"\ncontent = \"full\"\nrights_basis = \"own\"\n", site()),
    )
    .unwrap();
    let enter = group.map_or_else(String::new, |group| format!("echo $$ > {}/cgroup.procs; ", group.folder.display()));
    let mut child = Command::new("sh")
        .args(["-c", &format!("{enter}exec \"$0\" run --config \"$1\""), env!("CARGO_BIN_EXE_dayuan")])
        .arg(folder)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    let address = lines.find_map(|line| line.split("\"address\":\"").nth(1)?.split('"').next()?.parse().ok()).unwrap();
    std::thread::spawn(move || lines.for_each(drop));
    (child, address)
}

/// Asks for a document, and returns its length and how long it took from the connection to the last byte.
fn get(address: SocketAddr, path: &str) -> (usize, Duration) {
    let began = Instant::now();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer[..answer.len().min(200)]));
    (answer.len(), began.elapsed())
}

/// A reader whose own system takes next to nothing.
fn reader(address: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, Some(socket2::Protocol::TCP))?;
    socket.set_recv_buffer_size(RECEIVE)?;
    socket.connect(&address.into())?;
    Ok(socket.into())
}

fn main() {
    let numbers: Vec<usize> = std::env::args().filter_map(|argument| argument.parse().ok()).collect();
    let (slow, stalled) = (numbers.first().copied().unwrap_or(10_000), numbers.get(1).copied().unwrap_or(5_000));
    let folder = tempfile::tempdir().unwrap();
    let group = Group::make();
    let (mut child, address) = daemon(folder.path(), group.as_ref());
    let feed = "/regions/140300/atom.xml";
    let began = Instant::now();
    let length = loop {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(format!("GET {feed} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        if answer.len() > ITEMS * BYTES {
            break answer.len();
        }
        assert!(began.elapsed().as_secs() < 30, "the feed has {} bytes only", answer.len());
        std::thread::sleep(Duration::from_millis(100));
    };
    println!("the feed has {:.1} MB", length as f64 / 1e6);
    let alone: Vec<Duration> = (0..100).map(|_| get(address, "/regions/140302/atom.xml").1).collect();

    let crowd = std::thread::spawn(move || {
        let (mut held, mut refused) = (Vec::with_capacity(slow + stalled), 0);
        let request = format!("GET {feed} HTTP/1.1\r\nhost: a\r\n\r\n");
        for number in 0..slow + stalled {
            // Two of three are readers.
            let is_reader = number * slow / (slow + stalled) != (number + 1) * slow / (slow + stalled);
            match reader(address) {
                Ok(mut stream) => {
                    drop(stream.write_all(if is_reader { request.as_bytes() } else { b"G" }));
                    held.push(stream);
                }
                Err(_) => refused += 1,
            }
        }
        (held, refused)
    });
    let mut times = Vec::with_capacity(FRESH);
    let mut done = None;
    while times.len() < FRESH {
        times.push(get(address, "/regions/140302/atom.xml").1);
        if done.is_none() && crowd.is_finished() {
            done = Some(times.len());
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    let (held, refused) = crowd.join().unwrap();
    times.sort();
    let at = |times: &[Duration], share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1000.0;
    let mut alone = alone;
    alone.sort();
    println!(
        "{} connections were made, {refused} refused; all were there after {} of {FRESH} fresh requests",
        held.len(),
        done.unwrap_or(FRESH)
    );
    println!("a fresh GET alone: median {:.1} ms, p99 {:.1}", at(&alone, 0.5), at(&alone, 0.99));
    println!(
        "a fresh GET among them: median {:.1} ms, p99 {:.1}, most {:.1}",
        at(&times, 0.5),
        at(&times, 0.99),
        at(&times, 1.0)
    );
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    println!("{}", status.lines().find(|line| line.starts_with("VmHWM")).unwrap());
    match &group {
        Some(group) => {
            let peak = group.peak();
            for (file, bytes) in &peak {
                println!("{file} {:.0} MB", *bytes as f64 / 1e6);
            }
            println!(
                "memory with the kernel's: {:.0} MB",
                peak.iter().map(|(_, bytes)| *bytes).sum::<u64>() as f64 / 1e6
            );
        }
        None => println!("no control group can be made here"),
    }
    // Who takes nothing for 30 s is closed.
    let began = Instant::now();
    let open = || std::fs::read_dir(format!("/proc/{}/fd", child.id())).unwrap().count();
    while open() > 200 && began.elapsed().as_secs() < 90 {
        std::thread::sleep(Duration::from_millis(200));
    }
    println!("{} descriptors are open {} s later", open(), began.elapsed().as_secs());
    drop(held);
    drop(child.kill());
    drop(child.wait());
}
