//! Several machines on one log in NATS JetStream: what is tested with PostgreSQL, with real NATS servers.

use std::sync::Arc;

use super::cluster;
use super::nats::Nats;

#[test]
fn n12_nats_a_log_is_pushed_and_pulled_byte_for_byte() {
    let Some(nats) = Nats::new(1) else { return };
    cluster::a_log_is_pushed_and_pulled(&nats);
}

#[test]
fn n12_nats_nothing_acknowledged_is_lost() {
    let Some(nats) = Nats::new(1) else { return };
    cluster::nothing_acknowledged_is_lost(&nats, 1);
}

#[test]
fn n12_nats_what_expired_is_dropped() {
    let Some(nats) = Nats::new(1) else { return };
    cluster::what_expired_is_dropped(&nats);
}

#[test]
fn n12_nats_what_a_site_asked_for_holds() {
    let Some(nats) = Nats::new(1) else { return };
    cluster::what_a_site_asked_for_holds(Arc::new(nats));
}
