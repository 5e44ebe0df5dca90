//! `[listener.NAME]`.

mod http2;
pub(crate) mod redirect;
pub(crate) mod tls;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use portreeve_model::plan::{Bind, Carries, Http2Plan, ListenerPlan, Name, Network};

use crate::known::Known;
use crate::network::network;
use crate::place::Place;
use crate::section::Section;
use crate::word::Complaint;
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
    /// Of its `redirect_to_https`.
    pub(crate) redirect: Place,
    /// Of the `domains` of its `tls`.
    pub(crate) domains: Place,
    pub(crate) plan: ListenerPlan,
}

impl ListenerDraft {
    /// One whose parts all stand in the same place.
    pub(crate) fn at(place: &Place, plan: ListenerPlan) -> Self {
        Self {
            place: place.clone(),
            packets: place.clone(),
            redirect: place.clone(),
            domains: place.clone(),
            plan,
        }
    }
}

/// Reads one listener. Where something is at fault the default stands in, for the reading to go on.
pub(crate) fn read(name: Name, mut section: Section<'_>, known: &Known) -> ListenerDraft {
    let bind = section
        .need("bind", "an address such as \"0.0.0.0:8080\"")
        .and_then(|item| item.word(word::bind));
    let mut plan = ListenerPlan::new(name, bind.unwrap_or(NOWHERE));
    plan.carries = section.word("carries", carries).unwrap_or_default();
    peers(&mut section, &mut plan);
    plan.packets = section
        .get("packets")
        .and_then(|item| packets::read(&item, known));
    section.switch("registration", &mut plan.registration);
    plan.redirect = redirect::read(&mut section, known);
    let (tls, tls_keys) = tls::read(&mut section);
    let (http2, http2_keys) = http2::read(&mut section);
    let (limits, limit_keys) = limits::client(section.section("limits"));
    (plan.tls, plan.http2, plan.limits) = (tls, http2, limits);
    of_requests(&section, &plan);
    nothing_beside_redirect(&section, &plan);
    let draft = placed(&section, plan);
    section.finish(&[
        ("limits", &limit_keys),
        ("tls", &tls_keys),
        ("http2", &http2_keys),
    ]);
    draft
}

/// Whom of those who connect is believed what.
fn peers(section: &mut Section<'_>, plan: &mut ListenerPlan) {
    plan.trusted_proxies = networks(section, "trusted_proxies");
    section.switch("forwarded", &mut plan.forwarded);
    plan.proxy_protocol = networks(section, "proxy_protocol");
    if !plan.proxy_protocol.is_empty() && matches!(plan.bind, Bind::Unix(_)) {
        let allowed = "no such key: who connects to a Unix socket has no address to be known by";
        section.misfit("proxy_protocol", "networks", allowed);
    }
}

/// One network, or a list of none or several.
fn networks(section: &mut Section<'_>, key: &'static str) -> Vec<Network> {
    let items = section.get(key).map(|item| item.each()).unwrap_or_default();
    items.iter().filter_map(|item| item.word(network)).collect()
}

fn placed(section: &Section<'_>, plan: ListenerPlan) -> ListenerDraft {
    let tls = section.place_of("tls");
    ListenerDraft {
        place: section.place_of("bind"),
        packets: section.place_of("packets"),
        redirect: section.place_of("redirect_to_https"),
        domains: tls.child("domains", tls.line),
        plan,
    }
}

/// `http` or `tcp`.
fn carries(text: &str) -> Result<Carries, Complaint> {
    match text {
        "http" => Ok(Carries::Http),
        "tcp" => Ok(Carries::Tcp),
        _ => Err(Complaint::one_of(&["http", "tcp"], text)),
    }
}

/// What is said of requests where connections are carried as they are.
fn of_requests(section: &Section<'_>, plan: &ListenerPlan) {
    if plan.carries == Carries::Http {
        return;
    }
    let wishes = [
        ("packets", plan.packets.is_some()),
        ("registration", plan.registration),
        ("forwarded", plan.forwarded),
        ("redirect_to_https", plan.redirect.is_some()),
        ("http2", plan.http2 != Http2Plan::default()),
    ];
    for (key, _) in wishes.into_iter().filter(|(_, is_wanted)| *is_wanted) {
        let allowed =
            "no such key with carries = \"tcp\": connections are carried as they are, whatever they say";
        section.misfit(key, "a wish for requests", allowed);
    }
}

/// What would be served where every request is sent elsewhere.
fn nothing_beside_redirect(section: &Section<'_>, plan: &ListenerPlan) {
    if plan.redirect.is_none() {
        return;
    }
    let wishes = [
        ("tls", plan.tls.is_some()),
        ("packets", plan.packets.is_some()),
        ("registration", plan.registration),
    ];
    for (key, _) in wishes.into_iter().filter(|(_, is_wanted)| *is_wanted) {
        let allowed = "no such key beside redirect_to_https, which sends all clients elsewhere";
        section.misfit(key, "a wish to serve", allowed);
    }
}

/// Stands in for an address that could not be read; collides with nothing.
const NOWHERE: Bind = Bind::Tcp(SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0));
