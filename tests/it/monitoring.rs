//! Metrics, dashboard and alert rules, by a real Prometheus.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use super::http::{Reply, Site, get};
use super::installation::{Installation, feed, source, until};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// A Prometheus that ends with the test.
struct Prometheus(Child);

impl Drop for Prometheus {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn daemon_with_metrics(sources: &str, more: &str) -> (Installation, super::installation::Daemon, SocketAddr) {
    let metrics = free_address();
    let installation = Installation::new(sources);
    let path = installation.config().join("dayuan.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(path, text.replace("[http]\n", &format!("[http]\nmetrics_listen = \"{metrics}\"\n{more}"))).unwrap();
    let daemon = installation.start();
    (installation, daemon, metrics)
}

#[test]
fn sources_have_series_of_their_own_up_to_the_limit() {
    let site = Site::new(65, |asked| match asked.path.as_str() {
        "/bad" => Reply::status("404 Not Found"),
        _ => Reply::ok(feed(&[("1", "/1", "供暖通告", 2)])),
    });
    let sources: String = ["a", "b", "bad", "c"]
        .iter()
        .map(|id| source(id, "140300", &format!("http://{}/{id}", site.address)))
        .collect();
    let (installation, daemon, metrics) = daemon_with_metrics(&sources, "metrics_sources = 2\n");
    until("the bad one has failed", || (daemon.status(&installation, "bad")["failures"] != 0).then_some(()));
    until("the good ones are read", || {
        ["a", "b", "c"].iter().all(|id| daemon.status(&installation, id)["health"] == "ok").then_some(())
    });
    // What is shown may be ten seconds old; a reload makes it new.
    assert!(installation.run(&["reload"]).status.success());
    let text = get(metrics, "/metrics").text();
    let series = |name: &str| text.lines().filter(|line| line.starts_with(name)).map(str::to_owned).collect::<Vec<_>>();
    let health = series("dayuan_source_health{");
    assert_eq!(health.len(), 2, "{health:?}");
    assert!(
        health.iter().any(|line| line.contains("source=\"bad\"")),
        "the one that fares badly comes first: {health:?}"
    );
    assert_eq!(series("dayuan_sources_left_out "), ["dayuan_sources_left_out 2"]);
    for line in [
        "dayuan_build{version=\"",
        "dayuan_disk_free_bytes ",
        "dayuan_oldest_poll_timestamp_seconds ",
        "dayuan_alarm{part=\"disk\"} 0",
        "dayuan_store_bytes{part=\"log\"} ",
    ] {
        assert_eq!(series(line).len(), 1, "{line} in\n{text}");
    }
    let asked = installation.ask(b"{\"command\":\"metrics\"}\n");
    assert!(asked.contains("dayuan_oldest_poll_timestamp_seconds"), "{asked}");
}

#[test]
fn the_alert_rules_fire_when_they_should() {
    for arguments in [["check", "rules", "packaging/alerts.yml"], ["test", "rules", "tests/alerts.yml"]] {
        let Ok(output) = Command::new("promtool").args(arguments).current_dir(root()).output() else {
            println!("SKIPPED: there is no promtool here (Debian: prometheus)");
            return;
        };
        let told = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{told}");
    }
}

/// The expressions of the dashboard and of the alerts, whose comparisons are left out.
fn expressions() -> Vec<String> {
    let text = std::fs::read_to_string(root().join("packaging/grafana-dashboard.json")).unwrap();
    let dashboard: Value = serde_json::from_str(&text).unwrap();
    let panels = dashboard["panels"].as_array().unwrap().iter().filter(|panel| panel["type"] != "row");
    let targets = panels.flat_map(|panel| panel["targets"].as_array().unwrap().clone());
    let mut all: Vec<String> = targets.map(|target| target["expr"].as_str().unwrap().to_owned()).collect();
    assert!(all.len() >= 20, "{}", all.len());
    let rules = std::fs::read_to_string(root().join("packaging/alerts.yml")).unwrap();
    for line in rules.lines().filter_map(|line| line.trim().strip_prefix("expr: ")) {
        for part in line.split(" and ") {
            let bare = part.rsplit_once([' ']).unwrap().0.trim_end_matches(['<', '>', '=', ' ']);
            // Over six hours nothing is known yet, and no source of the test is ill.
            let bare = bare.replace("[6h]", "[1m]").replace("degraded|blocked|gone|stale", "ok");
            all.push(bare);
        }
    }
    all
}

#[test]
fn every_expression_has_data_in_a_real_prometheus() {
    let site = Site::new(66, |_| Reply::ok(feed(&[("1", "/1", "供暖通告", 2)])));
    let (_installation, daemon, metrics) =
        daemon_with_metrics(&source("a", "140300", &format!("http://{}/", site.address)), "");
    daemon.until_items("140300", 1);
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("prometheus.yml");
    std::fs::write(
        &config,
        format!(
            "global: {{scrape_interval: 500ms, scrape_timeout: 500ms}}\nscrape_configs:\n  - job_name: dayuan\n    static_configs: [{{targets: ['{metrics}']}}]\n"
        ),
    )
    .unwrap();
    let address = free_address();
    let started = Command::new("prometheus")
        .arg(format!("--config.file={}", config.display()))
        .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
        .arg(format!("--web.listen-address={address}"))
        .stderr(Stdio::null())
        .stdout(Stdio::null())
        .spawn();
    let Ok(child) = started else {
        println!("SKIPPED: there is no prometheus here (Debian: prometheus)");
        return;
    };
    let _prometheus = Prometheus(child);
    until("prometheus answers", || std::net::TcpStream::connect(address).is_ok().then_some(()));
    for expression in expressions() {
        until(&format!("data for {expression}"), || {
            let query: String = expression.bytes().map(|byte| format!("%{byte:02X}")).collect();
            let got = get(address, &format!("/api/v1/query?query={query}"));
            let answer: Value = serde_json::from_slice(&got.body).ok()?;
            assert_ne!(answer["status"], "error", "{expression}: {answer}");
            (!answer["data"]["result"].as_array()?.is_empty()).then_some(())
        });
    }
}
