//! All commands and options, as clap parses them.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum};

use super::schema::ConfigFile;

/// Polls local news sources and republishes one merged feed for every region.
#[derive(Debug, Parser)]
#[command(name = "dayuan", version, max_term_width = 100)]
pub(super) struct Arguments {
    /// The config folder [default: /etc/dayuan if it exists, else ./config]
    #[arg(long, global = true, value_name = "DIR")]
    pub(super) config: Option<PathBuf>,
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run the daemon
    #[command(after_help = "Example:\n  dayuan run --config /etc/dayuan")]
    Run,
    /// Run the daemon on a temporary store against built-in sample sites; needs no network
    #[command(
        after_help = "Examples:\n  dayuan demo\n  dayuan demo --listen 127.0.0.1:8090 --for 10m\n  dayuan demo --nodes 3"
    )]
    Demo {
        /// The address to listen on; if the default one is busy, a free port is used
        #[arg(long, value_name = "ADDR")]
        listen: Option<SocketAddr>,
        /// Stop after this time, such as 30s or 10m
        #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
        duration: Option<Duration>,
        /// Run so many nodes that share a log, on a PostgreSQL of their own, which must be installed
        #[arg(long, value_name = "NUMBER", default_value_t = 1, hide_default_value = true, value_parser = clap::value_parser!(u8).range(1..=9))]
        nodes: u8,
    },
    /// Check the config and report all faults at once
    #[command(after_help = "Examples:\n  dayuan check\n  dayuan check --online")]
    Check {
        /// Also fetch each source once and report what it would yield
        #[arg(long)]
        online: bool,
    },
    /// Find the feed or list at a URL, and print it as a source
    #[command(after_help = "Example:\n  dayuan add https://www.example.gov.cn/xwzx/yqyw/ --region 阳泉市 --write")]
    Add(Add),
    /// Read one URL or file and show the items it would yield; stores nothing
    #[command(
        after_help = "Examples:\n  dayuan inspect https://www.example.gov.cn/xwzx/yqyw/\n  dayuan inspect page.html --as article --url https://www.example.gov.cn/1.html --json"
    )]
    Inspect(Inspect),
    /// Make the running daemon poll a source as soon as the limits of its host allow
    #[command(after_help = "Example:\n  dayuan poll yangquan-gov-news")]
    Poll {
        /// The id of the source
        source: String,
    },
    /// Do not poll a source until it is resumed; survives a restart
    #[command(after_help = "Example:\n  dayuan pause yangquan-gov-news")]
    Pause {
        /// The id of the source
        source: String,
    },
    /// Poll a paused source again
    #[command(after_help = "Example:\n  dayuan resume yangquan-gov-news")]
    Resume {
        /// The id of the source
        source: String,
    },
    /// Explain an item: its reports, regions and evidence, revisions, and similar stories
    #[command(after_help = "Example:\n  dayuan explain https://www.example.gov.cn/xwzx/yqyw/t20261124_1.html")]
    Explain {
        /// The id of the item, or the URL of its page or of one of its reports
        item: String,
    },
    /// Tell why an item is in a feed or not: published, merged, placed elsewhere, too old, cut, withdrawn, never listed
    #[command(
        after_help = "Examples:\n  dayuan why https://www.example.gov.cn/xwzx/yqyw/t20261124_1.html\n  dayuan why --offline https://www.example.cn/1.html"
    )]
    Why {
        /// The URL of the item at its site, or its id, or the URL of its page
        item: String,
        /// Do not fetch the sources of the site to see whether they list it
        #[arg(long)]
        offline: bool,
    },
    /// Show how much room the store takes, how fast it grows, and how large it will get
    #[command(after_help = "Example:\n  dayuan disk")]
    Disk,
    /// Search the items of the running daemon; prints id, day, source and title of each, newest first
    #[command(after_help = "Example:\n  dayuan find 供暖 --region 阳泉市")]
    Find {
        /// What to search for: words and phrases, and behind `--` also -words that are not wanted
        #[arg(required = true)]
        words: Vec<String>,
        /// The region that they are in, by code, slug or name
        #[arg(long, value_name = "REGION")]
        region: Option<String>,
        /// The most items to print
        #[arg(long, value_name = "NUMBER", default_value_t = 20)]
        most: usize,
    },
    /// Remove an item, or everything of a source, from everything published, for good, even if it is fetched again
    #[command(
        after_help = "Examples:\n  dayuan withdraw https://www.example.cn/1.html --reason \"court order 12/2026\"\n  dayuan withdraw --source example-news --reason \"asked to\" --public-reason \"withdrawn at the request of its publisher\""
    )]
    Withdraw {
        /// The id of the item, or the URL of its page or of one of its reports
        #[arg(required_unless_present = "source", conflicts_with = "source")]
        item: Option<String>,
        /// Withdraw everything that this source reported and will report; stories that others report too stay
        #[arg(long, value_name = "ID")]
        source: Option<String>,
        /// The reason, which is kept in the log and not published
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// What readers are told on the page of the item
        #[arg(long, value_name = "TEXT")]
        public_reason: Option<String>,
    },
    /// List the withdrawn items and the takedowns, with time and reason
    #[command(after_help = "Example:\n  dayuan withdrawn")]
    Withdrawn,
    /// Publish a withdrawn item or source again
    #[command(
        after_help = "Examples:\n  dayuan restore-item https://www.example.cn/1.html\n  dayuan restore-item --source example-news"
    )]
    RestoreItem {
        /// The id of the item, or the URL of its page or of one of its reports
        #[arg(required_unless_present = "source", conflicts_with = "source")]
        item: Option<String>,
        /// Publish this source again, which was withdrawn with --source
        #[arg(long, value_name = "ID")]
        source: Option<String>,
    },
    /// Make the running daemon read its config again; if it is invalid, the old one stays
    #[command(after_help = "Example:\n  dayuan reload")]
    Reload,
    /// Show the status of the running daemon and its sources
    #[command(after_help = "Examples:\n  dayuan status\n  dayuan status --json")]
    Status {
        /// Print one JSON object per line
        #[arg(long)]
        json: bool,
    },
    /// Write the log to an archive
    #[command(after_help = "Example:\n  dayuan backup /var/backups/dayuan-2026-11-29.bak")]
    Backup {
        /// The archive to create
        file: PathBuf,
    },
    /// Create the store from an archive
    #[command(after_help = "Example:\n  dayuan restore /var/backups/dayuan-2026-11-29.bak")]
    Restore {
        /// The archive to read
        file: PathBuf,
    },
    /// Copy the log of this machine to the one that several machines share, or that one to this machine
    #[command(
        after_help = "Examples:\n  dayuan log push --password-file /etc/dayuan/secrets/postgres\n  dayuan log pull --password-file /etc/dayuan/secrets/postgres"
    )]
    Log {
        /// The file that holds the password, instead of the one in the config, which only the service may have
        #[arg(long, global = true, value_name = "FILE")]
        password_file: Option<PathBuf>,
        #[command(subcommand)]
        command: LogCommand,
    },
    /// Compare the view with the log
    #[command(after_help = "Example:\n  dayuan verify")]
    Verify,
    /// Discard the view and rebuild it from the log
    #[command(after_help = "Example:\n  dayuan rebuild")]
    Rebuild,
    /// Run the reports in a file through deduplication and region assignment, and show the results
    #[command(after_help = "Example:\n  dayuan replay reports.jsonl --json")]
    Replay {
        /// One JSON object per line: id, source, region, guid, link, title, published, seen, kind, text or content_html
        file: PathBuf,
        /// Print one JSON object per line
        #[arg(long)]
        json: bool,
    },
    /// List the sources, or take them from a list of feeds (OPML), or give them out as one
    #[command(
        after_help = "Examples:\n  dayuan sources\n  dayuan sources import feeds.opml --region 阳泉市 --write\n  dayuan sources export > sources.opml"
    )]
    Sources {
        #[command(subcommand)]
        what: Option<Sources>,
    },
    /// Look up regions: prints code, names and slug of each that may be meant
    #[command(
        after_help = "Examples:\n  dayuan regions 井陉县\n  dayuan regions 阳泉 --below\n  dayuan regions yangquan"
    )]
    Regions {
        /// A name (with or without those above it), the beginning of one, its pinyin, a code or a slug
        name: String,
        /// Also list the regions right below
        #[arg(long)]
        below: bool,
    },
    /// Print the script that makes a shell complete the commands
    #[command(
        after_help = "Examples:\n  dayuan completions bash > /etc/bash_completion.d/dayuan\n  dayuan completions fish > ~/.config/fish/completions/dayuan.fish"
    )]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the JSON Schema of a config file, by which editors complete and check
    #[command(after_help = "Examples:\n  dayuan schema sources\n  dayuan schema dayuan --into /etc/dayuan/schema")]
    Schema {
        /// Which config file
        file: ConfigFile,
        /// The folder to write the schemas of all config files into; it is made if need be
        #[arg(long, value_name = "DIR")]
        into: Option<PathBuf>,
    },
    /// Print a manual page, or write those of all commands and of the config
    #[command(
        after_help = "Examples:\n  dayuan man | man -l -\n  dayuan man dayuan.toml | man -l -\n  dayuan man --into /usr/share/man"
    )]
    Man {
        /// The page
        #[arg(value_enum, default_value = "dayuan")]
        page: ManualPage,
        /// The folder to write man1/dayuan.1, man1/dayuan-run.1, man5/dayuan.toml.5 and so on into; it is made if need be
        #[arg(long, value_name = "DIR")]
        into: Option<PathBuf>,
    },
}

/// A manual page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum ManualPage {
    /// dayuan(1)
    Dayuan,
    /// dayuan.toml(5)
    #[value(name = "dayuan.toml")]
    Settings,
}

#[derive(Debug, Subcommand)]
pub(super) enum LogCommand {
    /// Append what the shared log lacks, with the same numbers, and compare both; an interrupted push goes on where it was
    Push,
    /// Take in what this machine's log lacks, with the same numbers; an interrupted pull goes on where it was
    Pull,
}

#[derive(Debug, Subcommand)]
pub(super) enum Sources {
    /// Print the feeds of an OPML file as sources; folders named after a region say where they belong, others are topics
    Import {
        /// The file, as Miniflux, FreshRSS, CommaFeed or dayuan exports it
        file: PathBuf,
        /// The region of those that lie in no folder named after one: a code, slug or name
        #[arg(long, value_name = "REGION")]
        region: Option<String>,
        /// Take the ids that the list names: each source goes on with what was published under its id
        #[arg(long)]
        keep_ids: bool,
        /// Append them to the source list
        #[arg(long)]
        write: bool,
    },
    /// Print all sources as OPML, with everything that other programs said about them, and selectors as FreshRSS has them
    Export,
}

impl Command {
    /// Returns whether the command talks to the admin in his language. What programs read stays as it is.
    pub(super) const fn speaks(&self) -> bool {
        matches!(
            self,
            Self::Add(_)
                | Self::Check { .. }
                | Self::Status { json: false }
                | Self::Poll { .. }
                | Self::Pause { .. }
                | Self::Resume { .. }
                | Self::Why { .. }
                | Self::Explain { .. }
                | Self::Inspect(Inspect { json: false, .. })
                | Self::Find { .. }
                | Self::Disk
                | Self::Regions { .. }
                | Self::Sources { .. }
                | Self::Withdraw { .. }
                | Self::Withdrawn
                | Self::RestoreItem { .. }
                | Self::Reload
                | Self::Demo { .. }
                | Self::Backup { .. }
                | Self::Restore { .. }
                | Self::Verify
                | Self::Rebuild
        )
    }

    /// Returns whether the command needs the config, so that it should say which one it uses.
    pub(super) const fn has_config(&self) -> bool {
        !matches!(
            self,
            Self::Demo { .. }
                | Self::Replay { .. }
                | Self::Inspect(_)
                | Self::Completions { .. }
                | Self::Schema { .. }
                | Self::Man { .. }
        )
    }
}

#[derive(Debug, clap::Args)]
pub(super) struct Add {
    /// The URL of a feed, of a page that links to one, or of a page with a list
    pub(super) url: String,
    /// The region that the source belongs to, by code, slug or name
    #[arg(long, value_name = "REGION")]
    pub(super) region: Option<String>,
    /// The id of the source, instead of one made of the address
    #[arg(long, value_name = "ID")]
    pub(super) id: Option<String>,
    /// The title of the source, instead of the page's own
    #[arg(long, value_name = "TEXT")]
    pub(super) title: Option<String>,
    /// Append the source to the source list
    #[arg(long)]
    pub(super) write: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct Inspect {
    /// A URL or a file
    pub(super) target: String,
    /// How to read it
    #[arg(long = "as", value_enum, default_value_t = As::Auto)]
    pub(super) kind: As,
    /// The URL of a file's content, for relative links
    #[arg(long)]
    pub(super) url: Option<String>,
    /// The media type of a file's content
    #[arg(long, value_name = "CT")]
    pub(super) content_type: Option<String>,
    /// Read it with the settings of this source of the config, such as time zone and charset
    #[arg(long, value_name = "ID")]
    pub(super) source: Option<String>,
    /// Print one JSON object per line, with faults on standard error
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum As {
    /// Detect the format
    Auto,
    /// A feed
    Feed,
    /// A page with a list of links
    List,
    /// The page of one article
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

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::Arguments;

    /// Splits a line as a shell does, as far as examples need it: a word may be in double quotes, `|` and `>` end the
    /// command.
    fn words(line: &str) -> Vec<String> {
        let line = line.split(['|', '>']).next().unwrap();
        let quoted = line.split('"').enumerate();
        quoted
            .flat_map(|(at, part)| match at % 2 {
                0 => part.split_whitespace().map(str::to_owned).collect(),
                _ => vec![part.to_owned()],
            })
            .collect()
    }

    #[test]
    fn every_command_has_an_example_that_it_accepts() {
        for command in Arguments::command().get_subcommands() {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let examples: Vec<&str> = help.lines().filter(|line| line.starts_with("  dayuan ")).collect();
            assert!(!examples.is_empty(), "{} has no example", command.get_name());
            for example in examples {
                let words = words(example);
                assert_eq!(words[1], command.get_name(), "{example}");
                assert!(Arguments::try_parse_from(&words).is_ok(), "{example}");
            }
        }
    }
}
