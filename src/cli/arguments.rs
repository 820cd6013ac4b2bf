use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum};

/// Polls local news sources and republishes one merged feed for every region.
#[derive(Debug, Parser)]
#[command(name = "dayuan", version, max_term_width = 100)]
pub(super) struct Arguments {
    /// The folder of the config [default: /etc/dayuan where it is there, else ./config]
    #[arg(long, global = true, value_name = "DIR")]
    pub(super) config: Option<PathBuf>,
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run the daemon
    Run,
    /// Run the daemon on a throw-away store against sample sites that it serves itself; needs no network
    Demo {
        /// Where to answer; a free port is taken where the default one is busy
        #[arg(long, value_name = "ADDR")]
        listen: Option<SocketAddr>,
        /// Stop after this time, such as 30s or 10m
        #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
        duration: Option<Duration>,
    },
    /// Check the config and show every fault at once
    Check {
        /// Also fetch each source once and tell what it would yield
        #[arg(long)]
        online: bool,
    },
    /// Find out what an address offers, and print it as a source
    Add(Add),
    /// Read one address or file and show the items it would yield; stores nothing
    Inspect(Inspect),
    /// Have the running daemon poll a source as soon as its host allows
    Poll {
        /// The id of the source
        source: String,
    },
    /// Do not poll a source until it is resumed; outlives a restart
    Pause {
        /// The id of the source
        source: String,
    },
    /// Poll a paused source again
    Resume {
        /// The id of the source
        source: String,
    },
    /// Show why an item looks as it does: reports, evidence, revisions, what is like it
    Explain {
        /// Its id, or the address of its page
        item: String,
    },
    /// Take an item out of everything published, for good, also when it is fetched again
    Withdraw {
        /// Its id, or the address of its page
        item: String,
        /// Why
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// List what is withdrawn: since when and why
    Withdrawn,
    /// Publish a withdrawn item again
    RestoreItem {
        /// Its id, or the address of its page
        item: String,
    },
    /// Have the running daemon read its config again; a broken one keeps the old one
    Reload,
    /// Show how the running daemon and its sources fare
    Status {
        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// Write the log into one archive
    Backup {
        /// The archive to make
        file: PathBuf,
    },
    /// Make the store from an archive
    Restore {
        /// The archive
        file: PathBuf,
    },
    /// Compare the view with the log
    Verify,
    /// Throw the view away and make it anew from the log
    Rebuild,
    /// Run reports of a file through judging and placing, and show what they become
    Replay {
        /// One JSON object a line: id, source, region, guid, link, title, published, text
        file: PathBuf,
        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
}

#[derive(Debug, clap::Args)]
pub(super) struct Add {
    /// The address of a feed, of a page that names one, or of a page with a list
    pub(super) url: String,
    /// The region that it belongs to
    #[arg(long, value_name = "ID")]
    pub(super) region: Option<String>,
    /// Append it to the source list
    #[arg(long)]
    pub(super) write: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct Inspect {
    /// An address, or a file
    pub(super) target: String,
    /// What it is
    #[arg(long = "as", value_enum, default_value_t = As::Auto)]
    pub(super) kind: As,
    /// The address of a file's content, for relative links
    #[arg(long)]
    pub(super) url: Option<String>,
    /// The media type that a file's content would come with
    #[arg(long, value_name = "CT")]
    pub(super) content_type: Option<String>,
    /// Read it as this source of the config, with its zone and charset
    #[arg(long, value_name = "ID")]
    pub(super) source: Option<String>,
    /// One JSON object a line, faults on standard error
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum As {
    /// Find out
    Auto,
    /// A feed
    Feed,
    /// A page with a list of links
    List,
    /// A page with one story
    Article,
}

fn duration(text: &str) -> Result<Duration, String> {
    let units = [("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000)];
    units
        .iter()
        .find_map(|(unit, millis)| {
            Some(Duration::from_millis(text.strip_suffix(unit)?.parse::<u64>().ok()?.checked_mul(*millis)?))
        })
        .ok_or_else(|| "write it like 30s, 10m or 2h".to_owned())
}
