//! From what a backend says of itself to an announcement whose form is checked.

use std::net::{IpAddr, SocketAddr};

use portreeve_api::{Fault, Registration, Whereabouts};
use portreeve_model::plan::Name;
use portreeve_model::{Announcement, MemberKey, NotAPolicy, Policies, Policy, Term};

use super::SetupWish;

/// Of an HTTP registration; `source` is where it came from.
pub(super) fn announcement(
    key: MemberKey,
    said: &Registration,
    source: IpAddr,
) -> Result<Announcement, Fault> {
    let address = match said.at {
        Whereabouts::Address(address) => address,
        Whereabouts::Port(port) => SocketAddr::new(source, port),
    };
    Ok(Announcement {
        key,
        address,
        policies: policies(&said.policies)?,
        weight: said.weight.unwrap_or(1),
        term: Term::Heartbeats(said.ttl),
        spells_types_as_text: false,
        zone: said.zone.as_deref().map(Name::from),
        is_backup: said.backup,
    })
}

/// Of a setup packet; `source` is where it came from.
pub(super) fn of_setup(pool: Name, setup: SetupWish, source: IpAddr) -> Result<Announcement, Fault> {
    let host = match &setup.host {
        Some(host) => host.parse().map_err(|_| no_address(host))?,
        None => source,
    };
    let key = MemberKey {
        pool,
        id: format!("{}@{}", setup.id, setup.policy).into(),
    };
    Ok(Announcement {
        key,
        address: SocketAddr::new(host, setup.port),
        policies: policies(&[setup.policy])?,
        weight: 1,
        term: setup.ttl.map_or(Term::Probes, |ttl| Term::Heartbeats(Some(ttl))),
        spells_types_as_text: setup.spells_types_as_text,
        zone: None,
        is_backup: false,
    })
}

fn policies(names: &[String]) -> Result<Policies, Fault> {
    let policy =
        |(place, name): (usize, &String)| Policy::new(name).map_err(|NotAPolicy| no_policy(place, name));
    names.iter().enumerate().map(policy).collect()
}

fn no_policy(place: usize, name: &str) -> Fault {
    Fault::field(
        format!("policies[{place}]"),
        format!("\"{}\"", name.escape_debug()),
        "1 to 64 bytes without control characters, commas, or spaces at either end",
    )
}

fn no_address(host: &str) -> Fault {
    let shown: String = host.chars().take(64).collect();
    let found = format!("\"{}\"", shown.escape_debug());
    Fault::field("host", found, "an IP address; names are not looked up")
}
