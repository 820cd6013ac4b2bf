//! How the engine is reached.

use std::path::PathBuf;
use std::sync::Arc;

use super::engine::{Engine, EngineError};

/// Where the engine is, and who we are there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// Its address, `postgres://USER@HOST[:PORT][,HOST…]/DATABASE`, without a password (libpq, section 34.1.1.2).
    pub url: String,
    /// The file that holds the password.
    pub password: Option<PathBuf>,
}

/// Makes an engine. Nothing is asked of it yet, so it may be away.
///
/// # Errors
/// If the settings cannot be used, or this dayuan was built without it.
#[cfg(feature = "postgres")]
pub fn connect(connection: &Connection) -> Result<Arc<dyn Engine>, EngineError> {
    let password = connection.password.as_deref().map(|path| {
        let text = std::fs::read_to_string(path).map_err(|error| {
            EngineError::Settings(format!("cannot read the password in {}: {error}", path.display()))
        })?;
        Ok::<_, EngineError>(text.trim_end_matches(['\r', '\n']).to_owned())
    });
    Ok(Arc::new(super::postgres::Postgres::new(&connection.url, password.transpose()?)?))
}

/// Makes an engine. Nothing is asked of it yet, so it may be away.
///
/// # Errors
/// If the settings cannot be used, or this dayuan was built without it.
#[cfg(not(feature = "postgres"))]
pub const fn connect(_connection: &Connection) -> Result<Arc<dyn Engine>, EngineError> {
    Err(EngineError::NotBuilt("PostgreSQL", "postgres"))
}
