//! The unit file, by systemd's own judgement.

use std::process::Command;

fn systemd_analyze(arguments: &[&str]) -> Option<(bool, String)> {
    let output = Command::new("systemd-analyze").args(arguments).output().ok()?;
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    Some((output.status.success(), text))
}

fn unit() -> String {
    format!("{}/systemd/dayuan.service", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_hardening_is_worth_its_name() {
    let Some((is_safe, text)) = systemd_analyze(&["security", "--offline=yes", "--threshold=15", &unit()]) else {
        println!("SKIPPED: there is no systemd-analyze here");
        return;
    };
    assert!(is_safe, "{text}");
}

#[test]
fn systemd_understands_every_line() {
    // Where the program is not installed, its path is replaced by one that there is.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dayuan.service");
    let text = std::fs::read_to_string(unit()).unwrap().replace("/usr/bin/dayuan", env!("CARGO_BIN_EXE_dayuan"));
    std::fs::write(&path, text).unwrap();
    let Some((is_understood, text)) = systemd_analyze(&["verify", "--man=no", path.to_str().unwrap()]) else {
        println!("SKIPPED: there is no systemd-analyze here");
        return;
    };
    assert!(is_understood && text.trim().is_empty(), "{text}");
}

#[test]
fn systemd_is_told_what_happens() {
    use super::installation::{Installation, until};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let socket = std::os::unix::net::UnixDatagram::bind(&path).unwrap();
    socket.set_nonblocking(true).unwrap();
    let told = std::cell::RefCell::new(String::new());
    let hears = |word: &str| {
        let mut buffer = [0; 4096];
        while let Ok(length) = socket.recv(&mut buffer) {
            told.borrow_mut().push_str(&String::from_utf8_lossy(&buffer[..length]));
        }
        told.borrow().lines().filter(|line| *line == word).count()
    };
    let installation = Installation::new("");
    let daemon = installation.start_with(&[("NOTIFY_SOCKET", path.to_str().unwrap()), ("WATCHDOG_USEC", "600000")]);
    until("it is ready", || (hears("READY=1") == 1).then_some(()));
    until("the watchdog is fed, again and again", || (hears("WATCHDOG=1") >= 3).then_some(()));
    daemon.signal("HUP");
    until("it reloads and is ready again", || (hears("RELOADING=1") == 1 && hears("READY=1") == 2).then_some(()));
    assert_eq!(daemon.stop(), Some(0));
    assert_eq!(hears("STOPPING=1"), 1, "{}", told.borrow());
}

/// The machines of two tests would have their services in one cgroup.
static ONE_AT_A_TIME: std::sync::Mutex<()> = std::sync::Mutex::new(());

/// A systemd that was booted for the test; it ends with it.
struct Machine {
    process: std::process::Child,
    /// The pid of its systemd, as we see it.
    pid: String,
    _folder: tempfile::TempDir,
}

impl Machine {
    /// Boots systemd with our unit and a config, in namespaces of its own. `Err` says why that cannot be.
    fn boot() -> Result<Self, String> {
        let folder = tempfile::tempdir().unwrap();
        let (top, etc) = (folder.path().join("top"), folder.path().join("etc"));
        let drop_in = etc.join("systemd/system/dayuan.service.d");
        std::fs::create_dir_all(&top).unwrap();
        std::fs::create_dir_all(&drop_in).unwrap();
        std::fs::create_dir_all(etc.join("dayuan/sources")).unwrap();
        std::fs::copy(unit(), etc.join("systemd/system/dayuan.service")).unwrap();
        // Two of its settings cannot be had in a machine within a machine; the others are those that we ship. The
        // watchdog would take a minute.
        std::fs::write(
            drop_in.join("nested.conf"),
            "[Service]\nPrivateDevices=no\nPrivateUsers=no\nWatchdogSec=4\nTimeoutAbortSec=2\n",
        )
        .unwrap();
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
        for name in ["dayuan.toml", "regions.toml"] {
            std::fs::copy(root.join(name), etc.join("dayuan").join(name)).unwrap();
        }
        let mut process = Command::new("unshare")
            .args(["-m", "-p", "-n", "-u", "-i", "-C", "--fork", "--kill-child=KILL", "sh"])
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/boot.sh"))
            .args([&top, std::path::Path::new(env!("CARGO_BIN_EXE_dayuan")), &etc])
            .stdout(std::process::Stdio::null())
            .stderr(std::fs::File::create(folder.path().join("boot.log")).unwrap())
            .spawn()
            .map_err(|error| format!("there is no unshare here: {error}"))?;
        let children = format!("/proc/{0}/task/{0}/children", process.id());
        for _ in 0..150 {
            if let Some(status) = process.try_wait().unwrap() {
                let told = std::fs::read_to_string(folder.path().join("boot.log")).unwrap();
                return Err(format!("systemd cannot be booted here ({status}): {}", told.trim()));
            }
            // The script becomes systemd in the end.
            let child = std::fs::read_to_string(&children).unwrap_or_default();
            let pid = child.split_whitespace().next().unwrap_or("").to_owned();
            let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
            if name.trim() == "systemd" {
                let machine = Self { process, pid, _folder: folder };
                let mut state = String::new();
                for _ in 0..100 {
                    state = machine.run(&["systemctl", "is-system-running"]).1;
                    if state.contains("running") || state.contains("degraded") {
                        return Ok(machine);
                    }
                    std::thread::sleep(std::time::Duration::from_millis(200));
                }
                return Err(format!("systemd did not boot: {state}"));
            }
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        drop(process.kill());
        Err("systemd did not boot in time".to_owned())
    }

    /// Runs a command inside; whether it did well, and what it said.
    fn run(&self, command: &[&str]) -> (bool, String) {
        let output = Command::new("nsenter").args(["-t", &self.pid, "-a", "--"]).args(command).output().unwrap();
        let told = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        (output.status.success(), told)
    }

    fn show(&self, property: &str) -> String {
        self.run(&["systemctl", "show", "dayuan", "--value", "-p", property]).1.trim().to_owned()
    }

    fn journal(&self) -> String {
        self.run(&["journalctl", "--sync"]);
        self.run(&["journalctl", "-u", "dayuan", "--no-pager", "-o", "cat"]).1
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

#[test]
fn d7_a_booted_systemd_starts_reloads_watches_and_stops_the_unit() {
    use super::installation::until;
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let machine = match Machine::boot() {
        Ok(machine) => machine,
        Err(why) => {
            println!("SKIPPED: {why}");
            return;
        }
    };
    // Start: systemd waits for our word.
    let (started, told) = machine.run(&["systemctl", "start", "dayuan"]);
    assert!(started, "{told}\n{}", machine.journal());
    assert_eq!(machine.show("ActiveState"), "active");
    let ask = "exec 3<>/dev/tcp/127.0.0.1/8080; printf 'GET /healthz HTTP/1.1\\r\\nhost: a\\r\\nconnection: close\\r\\n\\r\\n' >&3; cat <&3";
    let (_, health) = machine.run(&["bash", "-c", ask]);
    assert!(health.starts_with("HTTP/1.1 200"), "{health}");
    until("it runs", || (machine.show("StatusText") == "running").then_some(()));

    // The hardening holds for the process as it is.
    let pid = machine.show("MainPID");
    let status = machine.run(&["cat", &format!("/proc/{pid}/status")]).1;
    for line in ["NoNewPrivs:\t1", "Seccomp:\t2", "CapEff:\t0000000000000000", "CapBnd:\t0000000000000000"] {
        assert!(status.contains(line), "{line} is missing in\n{status}");
    }
    let uid = status.lines().find_map(|line| line.strip_prefix("Uid:\t")).unwrap().split('\t').next().unwrap();
    assert_ne!(uid, "0", "it has a user of its own");
    let mounts = machine.run(&["cat", &format!("/proc/{pid}/mounts")]).1;
    let is_read_only = |place: &str| {
        mounts
            .lines()
            .rfind(|line| line.split(' ').nth(1) == Some(place))
            .is_some_and(|line| line.split(' ').nth(3).unwrap().starts_with("ro"))
    };
    assert!(is_read_only("/"), "{mounts}");
    let (_, kept) = machine.run(&["ls", "-ld", "/var/lib/private/dayuan/log"]);
    assert!(kept.starts_with("drwx------"), "{kept}");

    // An admin's command finds it; the socket is its owner's alone.
    let (done, told) = machine.run(&["/usr/bin/dayuan", "--config", "/etc/dayuan", "status"]);
    assert!(done && told.contains("dayuan"), "{told}");

    // Reload: a new source is taken, the process stays.
    machine.run(&[
        "sh",
        "-c",
        "printf '[[source]]\\nid = \"a\"\\ntitle = \"A\"\\nregion = \"140300\"\\nurl = \"https://a.example.org/\"\\n' > /etc/dayuan/sources/a.toml",
    ]);
    let (reloaded, told) = machine.run(&["systemctl", "reload", "dayuan"]);
    assert!(reloaded, "{told}");
    until("the source is taken", || machine.journal().contains("reloaded: 1 source").then_some(()));
    assert_eq!(machine.show("MainPID"), pid);

    // A runtime that does not go on is ended by the watchdog, and started again.
    machine.run(&["kill", "-STOP", &pid]);
    until("the watchdog restarts it", || {
        (machine.show("NRestarts") == "1" && machine.show("ActiveState") == "active").then_some(())
    });
    assert_ne!(machine.show("MainPID"), pid);
    assert!(machine.run(&["journalctl", "--no-pager"]).1.contains("Watchdog timeout"));

    // systemd holds the listener while the service restarts: nobody is refused.
    assert_eq!(machine.show("NFileDescriptorStore"), "1");
    let ask_until_restarted = format!(
        "(systemctl restart dayuan; echo $? > /tmp/restarted) & asked=0; until [ -e /tmp/restarted ]; do ({ask}) > /tmp/answer && grep -q '^HTTP/1.1 200' /tmp/answer || {{ echo \"refused: $(cat /tmp/answer)\"; exit 1; }}; asked=$((asked + 1)); done; echo \"$asked answered, restarted with $(cat /tmp/restarted)\""
    );
    machine.run(&["systemctl", "reset-failed", "dayuan"]);
    let (all_answered, told) = machine.run(&["bash", "-c", &ask_until_restarted]);
    assert!(all_answered && told.contains("restarted with 0"), "{told}\n{}", machine.journal());
    assert_eq!(machine.show("NFileDescriptorStore"), "1", "the same listener, once");

    // Stop: orderly and soon.
    let began = std::time::Instant::now();
    let (stopped, told) = machine.run(&["systemctl", "stop", "dayuan"]);
    assert!(stopped, "{told}");
    assert_eq!((machine.show("Result"), machine.show("ActiveState")), ("success".to_owned(), "inactive".to_owned()));
    assert!(began.elapsed().as_secs() < 10);

    // A config that is refused is not tried again and again.
    machine.run(&["sh", "-c", "echo 'nonsense = 1' >> /etc/dayuan/dayuan.toml"]);
    assert!(!machine.run(&["systemctl", "start", "dayuan"]).0);
    assert_eq!(machine.show("ExecMainStatus"), "78");
    assert_eq!((machine.show("ActiveState"), machine.show("NRestarts")), ("failed".to_owned(), "0".to_owned()));
}

/// The README's service section and what an admin does in the first hour, as root, beside the service's own user.
#[test]
fn d14_an_admins_first_hour() {
    use super::installation::until;
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let first = match Machine::boot() {
        Ok(machine) => machine,
        Err(why) => {
            println!("SKIPPED: {why}");
            return;
        }
    };
    let feed = r#"<rss version="2.0"><channel><title>A</title><item><title>Road closed</title><link>http://127.0.0.1:8000/1</link><guid>1</guid></item></channel></rss>"#;
    let site = format!(
        "mkdir -p /srv/site && printf '%s' '{feed}' > /srv/site/feed.xml && systemd-run --unit=site --working-directory=/srv/site python3 -m http.server 8000 --bind 127.0.0.1 && sed -i 's|^\\[fetch\\]$|&\\nallow_networks = [\"127.0.0.0/8\"]|' /etc/dayuan/dayuan.toml"
    );
    let done = |machine: &Machine, command: &[&str]| {
        // An admin's hour takes seconds here: systemd's limit of five starts in ten seconds must not count.
        if let ["systemctl", "start" | "restart", ..] = command {
            machine.run(&["systemctl", "reset-failed", "dayuan"]);
        }
        let (done, told) = machine.run(command);
        let status = || machine.run(&["systemctl", "status", "dayuan", "--no-pager", "-l"]).1;
        assert!(done, "{command:?}: {told}\n{}\n{}", machine.journal(), status());
        told
    };
    let dayuan = |machine: &Machine, words: &[&str]| {
        done(machine, &[&["/usr/bin/dayuan", "--config", "/etc/dayuan"], words].concat())
    };
    let holds_one = |machine: &Machine| {
        until("the item is there", || {
            let (_, told) = machine.run(&["/usr/bin/dayuan", "--config", "/etc/dayuan", "status"]);
            told.contains("1 items").then_some(())
        });
    };
    done(&first, &["sh", "-c", &site]);
    done(&first, &["systemctl", "start", "dayuan"]);
    let asked = "exec 3<>/dev/tcp/127.0.0.1/8000";
    until("the site answers", || first.run(&["bash", "-c", asked]).0.then_some(()));
    dayuan(&first, &["add", "http://127.0.0.1:8000/feed.xml", "--region", "140300", "--write"]);
    done(&first, &["systemctl", "reload", "dayuan"]);
    holds_one(&first);
    done(&first, &["systemctl", "restart", "dayuan"]);
    holds_one(&first);
    // A reload that is refused is seen, and changes nothing.
    done(
        &first,
        &["sh", "-c", "cp /etc/dayuan/dayuan.toml /tmp/good && echo 'nonsense = 1' >> /etc/dayuan/dayuan.toml"],
    );
    assert!(!first.run(&["systemctl", "reload", "dayuan"]).0);
    assert!(first.show("StatusText").contains("is invalid"), "{}", first.show("StatusText"));
    done(&first, &["sh", "-c", "cp /tmp/good /etc/dayuan/dayuan.toml"]);
    done(&first, &["systemctl", "reload", "dayuan"]);
    dayuan(&first, &["backup", "/tmp/all.dayuan"]);
    // What root does beside the service, the service can go on with: no store is set aside, no file belongs to another.
    let is_well = |machine: &Machine| {
        holds_one(machine);
        let journal = machine.journal();
        let wrong = ["damaged", "bad-", "stuck"];
        assert!(!wrong.iter().any(|word| journal.contains(word)), "{journal}");
        let whose = "find -L /var/lib/dayuan ! -uid $(stat -Lc %u /var/lib/dayuan); ls -d /var/lib/dayuan/*.bad-* 2>/dev/null; true";
        assert_eq!(done(machine, &["sh", "-c", whose]).trim(), "", "files of others, and stores set aside");
        let told = dayuan(machine, &["status"]);
        assert!(!told.contains("TROUBLE"), "{told}");
    };
    for _ in 0..3 {
        done(&first, &["systemctl", "stop", "dayuan"]);
        dayuan(&first, &["rebuild"]);
        dayuan(&first, &["verify"]);
        done(&first, &["systemctl", "start", "dayuan"]);
        is_well(&first);
    }
    // A decision of a new day, while the service is down, makes a file of the log.
    done(&first, &["systemctl", "stop", "dayuan"]);
    let yesterday = "cd /var/lib/dayuan/log && for day in 20*.jsonl; do mv $day 2020-01-01.jsonl; done; rm -rf ../view";
    done(&first, &["sh", "-c", yesterday]);
    dayuan(&first, &["withdraw", "http://127.0.0.1:8000/1", "--reason", "a test"]);
    dayuan(&first, &["restore-item", "http://127.0.0.1:8000/1"]);
    done(&first, &["systemctl", "start", "dayuan"]);
    is_well(&first);
    dayuan(&first, &["pause", "127-0-0-1"]);
    is_well(&first);
    // Restored on the host where the service ran, in place of its store.
    done(&first, &["systemctl", "stop", "dayuan"]);
    done(&first, &["sh", "-c", "rm -rf /var/lib/dayuan/log /var/lib/dayuan/view /var/lib/dayuan/visits"]);
    dayuan(&first, &["restore", "/tmp/all.dayuan"]);
    done(&first, &["systemctl", "start", "dayuan"]);
    is_well(&first);
    done(&first, &["systemctl", "stop", "dayuan"]);

    // On a second host, where the service never ran.
    let second = Machine::boot().unwrap();
    let through = |pid: &str| format!("/proc/{pid}/root/tmp/all.dayuan");
    std::fs::copy(through(&first.pid), through(&second.pid)).unwrap();
    dayuan(&second, &["restore", "/tmp/all.dayuan"]);
    done(&second, &["systemctl", "start", "dayuan"]);
    is_well(&second);
    done(&second, &["systemctl", "restart", "dayuan"]);
    is_well(&second);
}

/// Secrets of `[source.request]` come from systemd's credentials: the service sees them, the site gets them, nobody else does.
#[test]
fn a_secret_of_a_source_comes_from_the_credentials_of_the_service() {
    use super::installation::until;
    let _alone = ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let machine = match Machine::boot() {
        Ok(machine) => machine,
        Err(why) => {
            println!("SKIPPED: {why}");
            return;
        }
    };
    let done = |script: &str| {
        let (done, told) = machine.run(&["sh", "-c", script]);
        assert!(done, "{script}: {told}\n{}", machine.journal());
        told
    };
    done(concat!(
        "mkdir -p /srv/site && cat > /srv/site/serve.py <<'END'\n",
        include_str!("../fixtures/secret_site.py"),
        "END\nsystemd-run --unit=site python3 /srv/site/serve.py\n",
        "sed -i 's|^\\[fetch\\]$|&\\nallow_networks = [\"127.0.0.0/8\"]|' /etc/dayuan/dayuan.toml\n",
        "cat > /etc/dayuan/sources/portal.toml <<'END'\n",
        "[[source]]\nid = \"portal\"\ntitle = \"门户接口\"\nregion = \"140300\"\nurl = \"http://127.0.0.1:8000/feed\"\n",
        "[source.request]\nheaders = { X-Api-Key = { credential = \"portal-key\" } }\nEND\n",
    ));
    // Without the credential, this source alone is not read, and the status says what is missing.
    done("systemctl start dayuan");
    until("what is missing is told", || {
        machine.run(&["/usr/bin/dayuan", "--config", "/etc/dayuan", "status"]).1.contains("portal-key").then_some(())
    });
    done(concat!(
        "install -m 600 /dev/stdin /etc/dayuan/portal.key <<'END'\nkeep-this-to-yourself\nEND\n",
        "printf '[Service]\\nLoadCredential=portal-key:/etc/dayuan/portal.key\\n' > /etc/systemd/system/dayuan.service.d/secrets.conf\n",
        "systemctl daemon-reload && systemctl reset-failed dayuan; systemctl restart dayuan && /usr/bin/dayuan --config /etc/dayuan poll portal",
    ));
    until("the site gave its item for the secret", || {
        machine.run(&["/usr/bin/dayuan", "--config", "/etc/dayuan", "status"]).1.contains("1 items").then_some(())
    });
    let checked = done("/usr/bin/dayuan --config /etc/dayuan check 2>&1");
    assert!(checked.contains("no faults"), "{checked}");
    let leaks = machine.run(&["grep", "-r", "keep-this-to-yourself", "/var/lib/private/dayuan", "/run/dayuan"]).1;
    assert!(!leaks.contains("keep-this") && !leaks.contains("matches"), "{leaks}");
    assert!(!machine.journal().contains("keep-this-to-yourself"));
    let credential = done("ls -l /run/credentials/dayuan.service/portal-key");
    assert!(credential.starts_with("-r--------"), "{credential}");
}
