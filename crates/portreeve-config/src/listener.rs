//! `[listener.NAME]`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use portreeve_model::plan::{Bind, ListenerPlan, Name};

use crate::known::Known;
use crate::network::network;
use crate::place::Place;
use crate::section::Section;
use crate::{limits, packets, word};

/// One part of the plan, and where what others may collide with stands.
#[derive(Debug)]
pub(crate) struct Placed<T> {
    pub(crate) place: Place,
    pub(crate) plan: T,
}

/// One listener, and where its parts stand that others may not fit.
#[derive(Debug)]
pub(crate) struct ListenerDraft {
    /// Of its `bind`.
    pub(crate) place: Place,
    /// Of its `packets`.
    pub(crate) packets: Place,
    pub(crate) plan: ListenerPlan,
}

/// Reads one listener. Where something is at fault the default stands in, for the reading to go on.
pub(crate) fn read(name: Name, mut section: Section<'_>, known: &Known) -> ListenerDraft {
    let bind = section
        .need("bind", "an address such as \"0.0.0.0:8080\"")
        .and_then(|item| item.word(word::bind));
    let trusted = section
        .get("trusted_proxies")
        .map(|item| item.each())
        .unwrap_or_default();
    let mut forwarded = false;
    section.switch("forwarded", &mut forwarded);
    let packet_plan = section
        .get("packets")
        .and_then(|item| packets::read(&item, known));
    let mut registration = false;
    section.switch("registration", &mut registration);
    let (limits, limit_keys) = limits::client(section.section("limits"));
    let (place, packets) = (section.place_of("bind"), section.place_of("packets"));
    section.finish(&[("limits", &limit_keys)]);
    let trusted_proxies = trusted.iter().filter_map(|item| item.word(network)).collect();
    let plan = ListenerPlan {
        limits,
        trusted_proxies,
        forwarded,
        packets: packet_plan,
        registration,
        ..ListenerPlan::new(name, bind.unwrap_or(NOWHERE))
    };
    ListenerDraft { place, packets, plan }
}

/// Stands in for an address that could not be read; collides with nothing.
const NOWHERE: Bind = Bind::Tcp(SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0));
