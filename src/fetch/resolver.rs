use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hickory_resolver::TokioResolver;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::OnceCell;

use super::error::FetchError;
use super::guard::Guard;

/// How long one look-up may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Looks names up and lets only those addresses through that the guard allows.
#[derive(Clone)]
pub(super) struct Resolver {
    guard: Arc<Guard>,
    /// Made at the first look-up, so that a machine without a resolver can still fetch addresses.
    inner: Arc<OnceCell<TokioResolver>>,
}

impl Resolver {
    pub(super) fn new(guard: Arc<Guard>) -> Self {
        Self { guard, inner: Arc::default() }
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
        let found = tokio::time::timeout(PATIENCE, resolver.lookup_ip(name))
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
        match (allowed.is_empty(), denied) {
            (false, _) => Ok(allowed),
            (true, Some(FetchError::Blocked(reason))) => Err(FetchError::Blocked(format!("{name} leads to {reason}"))),
            (true, _) => Err(failed()),
        }
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
