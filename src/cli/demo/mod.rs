//! The `demo` command: runs the daemon on a temporary store, against sample sites that this program serves on loopback.

mod sites;

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Context;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::out::{End, say, show};
use super::place;
use crate::config::{Config, LogFormat, Places};
use crate::daemon;

const DEFAULT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8080);

/// Runs the demo until a signal ends it, or for the given time.
pub(super) fn run(listen: Option<SocketAddr>, duration: Option<Duration>) -> anyhow::Result<End> {
    let store = tempfile::Builder::new().prefix("dayuan-demo-").tempdir().context("cannot make a throw-away store")?;
    let runtime = place::runtime()?;
    let outcome = runtime.block_on(async {
        let stop = CancellationToken::new();
        let sites = sites::Sites::bind().await.context("cannot serve the sample sites on loopback")?;
        let text = settings(address(listen).await, store.path());
        let (regions, sources) = (REGIONS, sites.sources());
        let load = move || Config::from_texts(&text, regions, &sources, &Places::default());
        let (config, _) =
            load().map_err(|faults| anyhow::anyhow!("the demo's own config is broken:\n{}", faults.render(false)))?;
        daemon::start_logging(LogFormat::Text, "warn");
        let (started, address) = oneshot::channel::<daemon::Started>();
        let serving = sites.serve(stop.clone());
        let telling = async {
            if let Ok(started) = address.await {
                tell(started.address);
                if let Some(duration) = duration {
                    tokio::time::sleep(duration).await;
                    stop.cancel();
                }
            }
        };
        let running = daemon::run(config, Box::new(load), stop.clone(), started);
        let running = async {
            let outcome = running.await;
            stop.cancel();
            outcome
        };
        let (outcome, ..) = tokio::join!(running, serving, telling);
        anyhow::Ok(outcome?)
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

fn tell(address: SocketAddr) {
    show(&format!("Open        http://{address}/"));
    show(&format!("阳泉 as page http://{address}/regions/140300"));
    show(&format!("Subscribe   http://{address}/regions/140300/atom.xml"));
    show("All of it is thrown away at the end; Ctrl-C ends it.");
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
