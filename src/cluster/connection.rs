//! How the engine is reached.

use std::path::PathBuf;
use std::sync::Arc;

use super::engine::{Engine, EngineError};

/// Where the engine is, and who we are there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// Its address, without a password: `postgres://USER@HOST[:PORT][,HOST…]/DATABASE` (libpq, section 34.1.1.2) or
    /// `nats://[USER@]HOST[:PORT][,HOST…][/NAME]`.
    pub url: String,
    /// The file that holds the password.
    pub password: Option<PathBuf>,
}

/// Makes an engine. Nothing is asked of it yet, so it may be away.
///
/// # Errors
/// If the settings cannot be used, or this dayuan was built without it.
pub fn connect(connection: &Connection) -> Result<Arc<dyn Engine>, EngineError> {
    let password = connection.password.as_deref().map(|path| {
        let text = std::fs::read_to_string(path).map_err(|error| {
            EngineError::Settings(format!("cannot read the password in {}: {error}", path.display()))
        })?;
        Ok::<_, EngineError>(text.trim_end_matches(['\r', '\n']).to_owned())
    });
    let connect = if connection.url.starts_with("nats:") { nats } else { postgres };
    connect(&connection.url, password.transpose()?)
}

#[cfg(feature = "nats")]
fn nats(url: &str, password: Option<String>) -> Result<Arc<dyn Engine>, EngineError> {
    Ok(Arc::new(super::nats::Nats::new(url, password)?))
}

#[cfg(not(feature = "nats"))]
fn nats(_url: &str, _password: Option<String>) -> Result<Arc<dyn Engine>, EngineError> {
    Err(EngineError::NotBuilt("NATS", "nats"))
}

#[cfg(feature = "postgres")]
fn postgres(url: &str, password: Option<String>) -> Result<Arc<dyn Engine>, EngineError> {
    Ok(Arc::new(super::postgres::Postgres::new(url, password)?))
}

#[cfg(not(feature = "postgres"))]
fn postgres(_url: &str, _password: Option<String>) -> Result<Arc<dyn Engine>, EngineError> {
    Err(EngineError::NotBuilt("PostgreSQL", "postgres"))
}
