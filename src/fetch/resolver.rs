//! Resolves names, and lets only addresses through that the guard allows.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::net::NetError;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::error::FetchError;
use super::guard::Guard;
use super::system_files::MadeOf;

/// What the system's resolver is configured by.
const CONFIGURATION: [&str; 2] = ["/etc/resolv.conf", "/etc/hosts"];

/// Time limit for one lookup.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Answers are used for so long at least: a poll that waits for its turn looks its host up each second.
const LEAST_VALIDITY: Duration = Duration::from_secs(2);

/// Maximum number of names whose chosen address is remembered.
const REMEMBERED: usize = 10_000;

/// Resolves names, and returns only the addresses that the guard allows.
#[derive(Clone)]
pub(super) struct Resolver {
    guard: Arc<Guard>,
    /// Made at the first lookup, so that a machine without a resolver can still fetch from IP addresses; and whenever the
    /// system's configuration changes.
    inner: Arc<MadeOf<TokioResolver>>,
    /// The address of each name that is asked, until it takes no connection or is no longer its address.
    chosen: Arc<Mutex<HashMap<String, IpAddr>>>,
}

tokio::task_local! {
    /// The address that the permit of this task's request is for.
    static ADDRESS: IpAddr;
}

/// Sends a request whose connection goes to `address`, whatever else its name resolves to by now: a connection to another
/// address would hold a permit at one that is not asked.
pub(super) async fn to_address<T>(address: IpAddr, request: impl Future<Output = T>) -> T {
    ADDRESS.scope(address, request).await
}

impl Resolver {
    pub(super) fn new(guard: Arc<Guard>) -> Self {
        Self { guard, inner: Arc::new(MadeOf::new(&CONFIGURATION)), chosen: Arc::default() }
    }

    /// Looks up a name, and returns the one of its addresses that is asked.
    pub(super) async fn locate(&self, name: &str) -> Result<IpAddr, FetchError> {
        let found = self.addresses(name).await?;
        let mut all = self.chosen.lock().unwrap_or_else(PoisonError::into_inner);
        let chosen = choose(&found, all.get(name).copied()).ok_or_else(|| FetchError::Name(name.to_owned()))?;
        if all.len() >= REMEMBERED {
            all.clear();
        }
        all.insert(name.to_owned(), chosen);
        Ok(chosen)
    }

    /// Chooses another address of a name in the place of one that takes no connection; `None` if there is no other.
    pub(super) async fn pass_over(&self, name: &str, failed: IpAddr) -> Option<IpAddr> {
        let found = self.addresses(name).await.ok()?;
        let mut all = self.chosen.lock().unwrap_or_else(PoisonError::into_inner);
        // Another request may have passed over it before.
        let other = all.get(name).copied().filter(|chosen| *chosen != failed && found.contains(chosen));
        let next = other.or_else(|| next(found, failed))?;
        all.insert(name.to_owned(), next);
        Some(next)
    }

    async fn addresses(&self, name: &str) -> Result<Vec<IpAddr>, FetchError> {
        let failed = || FetchError::Name(name.to_owned());
        let resolver = self
            .inner
            .get(|| {
                let mut builder = TokioResolver::builder_tokio()?;
                builder.options_mut().timeout = Duration::from_secs(2);
                builder.options_mut().attempts = 2;
                builder.options_mut().positive_min_ttl = Some(LEAST_VALIDITY);
                builder.build()
            })
            .map_err(|_unset: NetError| failed())?;
        let found = tokio::time::timeout(TIMEOUT, resolver.lookup_ip(name))
            .await
            .map_err(|_late| failed())?
            .map_err(|_missing| failed())?;
        let all: Vec<_> = found.iter().collect();
        let mut denied = None;
        let mut allowed = Vec::new();
        for address in all {
            match self.guard.check_address(address) {
                Ok(()) => allowed.push(address),
                Err(error) => denied = Some(error),
            }
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
            let found = match ADDRESS.try_with(|address| *address) {
                Ok(address) => vec![address],
                Err(_) => resolver.addresses(name.as_str()).await?,
            };
            let addresses: Addrs = Box::new(found.into_iter().map(|address| SocketAddr::new(address, 0)));
            Ok(addresses)
        })
    }
}

/// Returns the address that was chosen before, as long as the name has it, or else the first.
fn choose(found: &[IpAddr], before: Option<IpAddr>) -> Option<IpAddr> {
    before.filter(|before| found.contains(before)).or_else(|| found.first().copied())
}

/// Returns the address after a failed one, in an order that does not depend on that of the answers.
fn next(mut found: Vec<IpAddr>, failed: IpAddr) -> Option<IpAddr> {
    found.sort_unstable();
    let after = found.iter().find(|address| **address > failed);
    after.or_else(|| found.first()).copied().filter(|next| *next != failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_kept_as_long_as_the_name_has_it() {
        let [one, other] = [IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2])];
        assert_eq!(choose(&[one, other], None), Some(one));
        assert_eq!(next(vec![one, other], one), Some(other));
        assert_eq!(choose(&[one, other], Some(other)), Some(other));
        assert_eq!(choose(&[one], Some(other)), Some(one));
        assert_eq!(next(vec![other, one], other), Some(one));
        assert_eq!(next(vec![other], other), None);
    }
}
