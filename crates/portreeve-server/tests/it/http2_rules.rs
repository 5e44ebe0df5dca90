//! Duty: a client that breaks a rule of HTTP/2 is told so as the RFCs say, and harms nobody else; one that keeps them is served.
//!
//! The rules are those that a generic conformance suite checks, one by one under the section and number that it gives them
//! (those of RFC 7540), and more of our own from RFC 9113. After each a good request is answered: on the same connection if
//! only a stream was at fault, else on a new one. No request that must not be forwarded has `/never` as its path and comes
//! through.

mod client;
mod fields;
mod frames;
mod generic;
mod hpack;
mod kinds;
mod messages;
mod rule;
mod starting;
mod streams;
mod targets;
mod windows;

use portreeve_testkit::{Message, Origin, Proxy, answer};

use crate::tls::Edge;
use rule::{Place, Rule};

#[tokio::test]
async fn every_server_takes_what_is_right() {
    hold(generic::rules()).await;
}

#[tokio::test]
async fn connections_frames_and_header_sections_begin_and_end_where_they_should() {
    hold(starting::rules()).await;
}

#[tokio::test]
async fn streams_take_only_what_their_state_allows() {
    hold(streams::rules()).await;
}

#[tokio::test]
async fn each_kind_of_frame_has_its_form_and_place() {
    hold(kinds::rules()).await;
}

#[tokio::test]
async fn settings_and_windows_are_kept_to() {
    hold(windows::rules()).await;
}

#[tokio::test]
async fn malformed_messages_end_their_stream_and_reach_no_backend() {
    hold(messages::rules()).await;
}

#[tokio::test]
async fn header_compression_that_breaks_its_rules_ends_the_connection() {
    hold(hpack::rules()).await;
}

#[tokio::test]
async fn requests_ask_for_something_of_somebody() {
    hold(targets::rules()).await;
}

#[tokio::test]
async fn all_of_this_holds_within_tls() {
    let origin = Origin::answering(told).start().await;
    let place = Place::WithinTls(Box::new(Edge::to(&origin)));
    hold_at(&place, &all(), &origin).await;
}

#[test]
fn every_case_of_the_generic_suite_is_a_rule_here() {
    let mut ours: Vec<String> = all().iter().map(|rule| rule.id.to_owned()).collect();
    ours.sort();
    let mut once = ours.clone();
    once.dedup();
    assert_eq!(ours, once, "two rules have one name");
    let missing: Vec<String> = suite().filter(|id| !ours.contains(id)).collect();
    assert!(missing.is_empty(), "not here: {missing:?}");
    let foreign = ours
        .iter()
        .filter(|id| !id.starts_with("own/") && !suite().any(|known| known == **id));
    assert_eq!(foreign.count(), 0, "a name that the suite does not have");
    assert_eq!(
        suite().count(),
        147,
        "146, and one that the suite has in its strict mode only"
    );
}

fn all() -> Vec<Rule> {
    let sections = [
        generic::rules(),
        starting::rules(),
        streams::rules(),
        kinds::rules(),
        windows::rules(),
        messages::rules(),
        targets::rules(),
        hpack::rules(),
    ];
    sections.into_iter().flatten().collect()
}

fn suite() -> impl Iterator<Item = String> {
    SUITE
        .iter()
        .flat_map(|(section, cases)| (1..=*cases).map(move |case| format!("{section}/{case}")))
}

async fn hold(rules: Vec<Rule>) {
    let origin = Origin::answering(told).start().await;
    let proxy = Proxy::routing("app.test", &[&origin]).await;
    hold_at(&Place::Plain(proxy.address()), &rules, &origin).await;
}

async fn hold_at(place: &Place, rules: &[Rule], origin: &Origin) {
    let mut broken = Vec::new();
    for rule in rules {
        broken.extend(rule.holds(place).await.err());
    }
    assert!(
        broken.is_empty(),
        "{} of {} do not hold:\n{}",
        broken.len(),
        rules.len(),
        broken.join("\n")
    );
    let forwarded = origin.requests().await;
    let never = forwarded.iter().find(|request| request.line().contains("/never"));
    assert!(
        never.is_none(),
        "forwarded: {}",
        never.map(Message::text).unwrap_or_default()
    );
}

/// An answer that tells what came of a request.
fn told(request: &Message) -> Vec<u8> {
    let mut content = WELL.to_owned();
    for (name, field) in [("test", "x-test"), ("agent", "user-agent"), ("cookie", "cookie")] {
        for value in request.values(field) {
            content += &format!(" {name}={value}");
        }
    }
    if !request.body.is_empty() {
        content += &format!(" content={}", String::from_utf8_lossy(&request.body));
    }
    for (name, value) in &request.trailers {
        content += &format!(" trailer={name}:{value}");
    }
    content.push('.');
    let whole = answer("200 OK", &content);
    let head_alone = whole.len() - content.len();
    let length = if request.line().starts_with("HEAD ") {
        head_alone
    } else {
        whole.len()
    };
    whole.as_bytes()[..length].to_vec()
}

/// What the origin has to say of any request.
const WELL: &str = "all is well";

/// The sections of the suite and how many cases each has.
const SUITE: &[(&str, usize)] = &[
    ("generic/1", 1),
    ("generic/2", 5),
    ("generic/3.1", 3),
    ("generic/3.2", 3),
    ("generic/3.3", 5),
    ("generic/3.4", 1),
    ("generic/3.5", 1),
    ("generic/3.7", 1),
    ("generic/3.8", 1),
    ("generic/3.9", 2),
    ("generic/3.10", 2),
    ("generic/4", 4),
    ("generic/5", 15),
    ("http2/3.5", 2),
    ("http2/4.1", 3),
    ("http2/4.2", 3),
    ("http2/4.3", 3),
    ("http2/5.1", 13),
    ("http2/5.1.1", 2),
    ("http2/5.1.2", 1),
    ("http2/5.3.1", 2),
    ("http2/5.4.1", 2),
    ("http2/5.5", 2),
    ("http2/6.1", 3),
    ("http2/6.2", 4),
    ("http2/6.3", 2),
    ("http2/6.4", 3),
    ("http2/6.5", 3),
    ("http2/6.5.2", 5),
    ("http2/6.5.3", 2),
    ("http2/6.7", 4),
    ("http2/6.8", 1),
    ("http2/6.9", 3),
    ("http2/6.9.1", 3),
    ("http2/6.9.2", 3),
    ("http2/6.10", 6),
    ("http2/7", 2),
    ("http2/8.1", 1),
    ("http2/8.1.2", 1),
    ("http2/8.1.2.1", 4),
    ("http2/8.1.2.2", 2),
    ("http2/8.1.2.3", 7),
    ("http2/8.1.2.6", 2),
    ("http2/8.2", 1),
    ("hpack/2.3.3", 2),
    ("hpack/4.2", 1),
    ("hpack/5.2", 3),
    ("hpack/6.1", 1),
    ("hpack/6.3", 1),
];
