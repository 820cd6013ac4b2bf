use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hickory_resolver::TokioResolver;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::OnceCell;

use super::error::FetchError;
use super::guard::Guard;

/// Time limit for one lookup.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Maximum number of names whose last address is cached.
const REMEMBERED: usize = 10_000;

/// Resolves names, and returns only the addresses that the guard allows.
#[derive(Clone)]
pub(super) struct Resolver {
    guard: Arc<Guard>,
    /// Created at the first lookup, so that a machine without a resolver can still fetch from IP addresses.
    inner: Arc<OnceCell<TokioResolver>>,
    /// The last address of each name. The limit per IP address is checked before connecting, which resolves the name
    /// again.
    last: Arc<Mutex<HashMap<String, IpAddr>>>,
}

impl Resolver {
    pub(super) fn new(guard: Arc<Guard>) -> Self {
        Self { guard, inner: Arc::default(), last: Arc::default() }
    }

    /// Returns the last known address of a name, or else looks it up. `None` if it does not resolve.
    pub(super) async fn locate(&self, name: &str) -> Option<IpAddr> {
        let known = self.last.lock().unwrap_or_else(PoisonError::into_inner).get(name).copied();
        match known {
            Some(address) => Some(address),
            None => self.addresses(name).await.ok()?.first().map(SocketAddr::ip),
        }
    }

    async fn addresses(&self, name: &str) -> Result<Vec<SocketAddr>, FetchError> {
        let failed = || FetchError::Name(name.to_owned());
        let resolver = self
            .inner
            .get_or_try_init(async || {
                let mut builder = TokioResolver::builder_tokio()?;
                builder.options_mut().timeout = Duration::from_secs(2);
                builder.options_mut().attempts = 2;
                builder.build()
            })
            .await
            .map_err(|_unset| failed())?;
        let found = tokio::time::timeout(TIMEOUT, resolver.lookup_ip(name))
            .await
            .map_err(|_late| failed())?
            .map_err(|_missing| failed())?;
        let all: Vec<_> = found.iter().collect();
        let mut denied = None;
        let mut allowed = Vec::new();
        for address in all {
            match self.guard.check_address(address) {
                Ok(()) => allowed.push(SocketAddr::new(address, 0)),
                Err(error) => denied = Some(error),
            }
        }
        if let Some(first) = allowed.first() {
            let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
            if last.len() >= REMEMBERED {
                last.clear();
            }
            last.insert(name.to_owned(), first.ip());
        }
        match (allowed.is_empty(), denied) {
            (false, _) => Ok(allowed),
            (true, Some(FetchError::Blocked(reason))) => {
                Err(FetchError::Blocked(format!("{name} resolves to a blocked address: {reason}")))
            }
            (true, _) => Err(failed()),
        }
    }
}

impl std::fmt::Debug for Resolver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Resolver").field("guard", &self.guard).finish_non_exhaustive()
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let resolver = self.clone();
        Box::pin(async move {
            let addresses = resolver.addresses(name.as_str()).await?;
            let addresses: Addrs = Box::new(addresses.into_iter());
            Ok(addresses)
        })
    }
}
