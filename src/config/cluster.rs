//! `[cluster]`: the log that several machines share.

use std::path::PathBuf;
use std::time::Duration;

use super::section::Section;
use crate::cluster::{Connection, NatsAddress};

/// The settings of `[cluster]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cluster {
    /// Where the shared log is.
    pub connection: Connection,
    /// The name of this machine; without one, its host name.
    pub node: Option<String>,
    /// How long the right to poll lasts if it is not renewed.
    pub lease: Duration,
}

/// Longest name of a node, in bytes.
const MAX_NODE: usize = 64;

/// Reads the section; `None` if this machine is on its own.
pub(super) fn read(section: &Section<'_>) -> Option<Cluster> {
    const HELP: &str = "write it like postgres://dayuan@db.example.org/dayuan or nats://dayuan@mq.example.org";
    let url = section.string("url");
    let password = section.string("password_file").map(PathBuf::from);
    let node = section.string("node");
    let lease = section.duration("lease", Duration::from_secs(3), Duration::from_secs(600));
    let Some(url) = url else {
        if password.is_some() || node.is_some() || lease.is_some() {
            section.fault("url", "`url` is missing: without it there is no shared log".to_owned(), HELP);
        }
        return None;
    };
    // The address itself is never repeated: it may hold a secret.
    let user = url.split_once("://").and_then(|(_, rest)| rest.rsplit_once('@')).map_or("", |(user, _)| user);
    if user.contains(':') || url.contains("password=") {
        let help = "put the password into a file that only the service reads, and name it as password_file";
        section.fault("url", "the address holds a password".to_owned(), help);
    } else if url.starts_with("nats:") {
        if NatsAddress::parse(&url).is_none() {
            section.fault("url", "this is no address of NATS servers".to_owned(), HELP);
        }
    } else if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
        section.fault("url", "this is no address of a PostgreSQL database or of NATS servers".to_owned(), HELP);
    }
    if let Some(node) = &node
        && (node.is_empty() || node.len() > MAX_NODE || node.chars().any(|c| c.is_control() || c.is_whitespace()))
    {
        section.fault("node", format!("`{node}` is not the name of a node"), "use letters and digits, such as news-1");
    }
    Some(Cluster { connection: Connection { url, password }, node, lease: lease.unwrap_or(Duration::from_secs(15)) })
}
