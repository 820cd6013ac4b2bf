//! The `demo` command: runs the daemon on a temporary store, against sample sites that this program serves on loopback.

mod database;
mod sites;

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use self::database::Database;
use super::out::{End, say, show};
use super::place;
use crate::config::{Config, LogFormat, Places};
use crate::daemon;

const DEFAULT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8080);

/// Runs the demo until a signal ends it, or for the given time; with several nodes on a database of its own.
pub(super) fn run(listen: Option<SocketAddr>, duration: Option<Duration>, nodes: u8) -> anyhow::Result<End> {
    let store = tempfile::Builder::new().prefix("dayuan-demo-").tempdir().context("cannot make a throw-away store")?;
    let database = if nodes > 1 { Some(Database::start()?) } else { None };
    let runtime = place::runtime()?;
    let outcome = runtime.block_on(async {
        let stop = CancellationToken::new();
        let sites = sites::Sites::bind().await.context("cannot serve the sample sites on loopback")?;
        daemon::start_logging(LogFormat::Text, "warn");
        let (mut running, mut addresses) = (Vec::new(), Vec::new());
        for node in 1..=nodes {
            let first = address(listen).await;
            // Whatever the first one has, the others get what is free.
            let address = if node == 1 { first } else { SocketAddr::new(first.ip(), 0) };
            let folder = store.path().join(format!("node-{node}"));
            let shared = database.as_ref().map(|database| in_cluster(&database.url(), node)).unwrap_or_default();
            let text = settings(address, &folder) + &shared;
            std::fs::create_dir_all(&folder).context("cannot make a throw-away store")?;
            let (regions, sources) = (REGIONS, sites.sources());
            let load = move || Config::from_texts(&text, regions, &sources, &Places::default());
            let (config, _) = load()
                .map_err(|faults| anyhow::anyhow!("the demo's own config is broken:\n{}", faults.render(false)))?;
            let (started, told) = oneshot::channel::<daemon::Started>();
            addresses.push(told);
            let (ran, end) = (Box::pin(daemon::run(config, Box::new(load), stop.child_token(), started)), stop.clone());
            running.push(async move {
                let outcome = ran.await;
                end.cancel();
                outcome
            });
        }
        let serving = sites.serve(stop.clone());
        let telling = async {
            let mut started = Vec::new();
            for address in addresses {
                started.extend(address.await.map(|started| started.address));
            }
            tell(&started);
            if let Some(duration) = duration
                && !started.is_empty()
            {
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = tokio::time::sleep(duration) => stop.cancel(),
                }
            }
        };
        let (outcomes, ..) = tokio::join!(futures_util::future::join_all(running), serving, telling);
        outcomes.into_iter().try_for_each(|outcome| anyhow::Ok(outcome?))
    });
    runtime.shutdown_background();
    outcome?;
    Ok(End::Done)
}

/// Returns `listen` if it is given, else the default address, or a free port if that is busy.
async fn address(listen: Option<SocketAddr>) -> SocketAddr {
    match listen {
        Some(address) => address,
        None if tokio::net::TcpListener::bind(DEFAULT).await.is_ok() => DEFAULT,
        None => {
            say(&format!("dayuan: {DEFAULT} is busy, so a free port is taken"));
            SocketAddr::new(DEFAULT.ip(), 0)
        }
    }
}

fn tell(nodes: &[SocketAddr]) {
    let Some((address, others)) = nodes.split_first() else { return };
    show(&format!("Open        http://{address}/"));
    show(&format!("阳泉 as page http://{address}/regions/140300"));
    show(&format!("Subscribe   http://{address}/regions/140300/atom.xml"));
    for other in others {
        show(&format!("The same at http://{other}/regions/140300"));
    }
    show("All of it is thrown away at the end; Ctrl-C ends it.");
}

/// Returns the settings of a node of the demo.
fn in_cluster(url: &str, node: u8) -> String {
    format!("[cluster]\nurl = {}\nnode = 'node-{node}'\nlease = '3s'\n", toml_text(url))
}

/// Returns the settings of the demo. The sample sites are on loopback, so they may be polled without pauses.
fn settings(listen: SocketAddr, store: &std::path::Path) -> String {
    let store = toml_text(&store.display().to_string());
    format!(
        "[http]\nlisten = \"{listen}\"\n[store]\npath = {store}\n[admin]\nsocket = {}\n\
         [fetch]\nallow_networks = [\"127.0.0.0/8\"]\n[poll]\nmin_interval = \"10s\"\nmax_interval = \"60s\"\nhost_gap = \"0s\"\n\
         [publish]\ntitle = \"大院 · 示例\"\n",
        toml_text(&format!("{}/dayuan.sock", store.trim_matches('\'')))
    )
}

/// Returns a text as a TOML literal string. A path with a single quote in it makes the config fail with a clear error.
fn toml_text(text: &str) -> String {
    format!("'{text}'")
}

const REGIONS: &str = r#"
atlas = "cn"
publish = ["140000"]

[[region]]
id = "140300"
slug = "yangquan"
services = [
    { title = "一网通办", url = "https://example.org/services" },
    { title = "市民热线 12345", url = "https://example.org/12345" },
]
"#;
