//! Ambiguous requests through the real binary to nginx and HAProxy: nobody understands them differently behind us
//! than we do.
//!
//! Each request of the corpus is sent from an address of its own. We write down what we understood (the access log),
//! the server behind us asks a recorder for what it understood, and the client keeps what it was answered; the address,
//! which we tell in `X-Forwarded-For`, ties the three together. After each, somebody else asks over the same connection
//! to the server and must get their own answer.

mod behind;
mod client;
mod corpus;
mod judge;

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};

use portreeve_testkit::{Message, Origin, Scratch};

use behind::{HAPROXY, NGINX, Server};
use client::{Heard, converse};
use corpus::Case;
use judge::{Observed, Ours, Theirs};

use crate::shared::Portreeve;

#[tokio::test]
async fn nginx_understands_every_request_as_we_do() {
    hold(&NGINX).await;
}

#[tokio::test]
async fn haproxy_understands_every_request_as_we_do() {
    hold(&HAPROXY).await;
}

async fn hold(kind: &behind::Kind) {
    let cases = corpus::all();
    let Some((observed, strangers)) = observe(kind, &cases).await else {
        return;
    };
    let mut faults = strangers;
    for observed in &observed {
        let rows = observed
            .faults()
            .into_iter()
            .map(|fault| format!("{observed}\n    {fault}"));
        faults.extend(rows);
    }
    let table: Vec<_> = observed.iter().map(ToString::to_string).collect();
    assert!(
        faults.is_empty(),
        "{} faults with {}:\n{}\n\nall outcomes:\n{}",
        faults.len(),
        kind.program,
        faults.join("\n"),
        table.join("\n"),
    );
}

/// Sends the whole corpus, each case in two ways; also what came out behind us of which nobody knows from whom.
async fn observe<'a>(kind: &behind::Kind, cases: &'a [Case]) -> Option<(Vec<Observed<'a>>, Vec<String>)> {
    let folder = Scratch::new();
    let recorder = folder.file("recorder.sock");
    let origin = Origin::answering(answer).on_unix(&recorder).start().await;
    let server = Server::start(kind, &folder, &recorder)?;
    let log = folder.file("access.log");
    let portreeve = serve(&server, &folder, &log);
    let to = portreeve.address().parse().expect("it listens on TCP");

    let mut talks = Vec::new();
    for delivery in &DELIVERIES {
        for (index, case) in cases.iter().enumerate() {
            talks.push(Talk::hold(delivery, index, case, to).await);
        }
    }
    portreeve.end();
    server.end();
    let log = fs::read_to_string(log).expect("the log is written at the end");
    let mut ours = Ours::by_client(&log);
    let (mut theirs, strangers) = Theirs::by_client(&origin.requests().await);
    let observed = talks.into_iter().map(|talk| Observed {
        case: talk.case,
        delivery: talk.delivery.name,
        ours: ours.remove(&talk.from).unwrap_or_default(),
        theirs: theirs.remove(&talk.from).unwrap_or_default(),
        heard: talk.heard,
        next: talk.next,
        next_target: talk.next_target,
    });
    Some((observed.collect(), strangers))
}

/// One thread, so that whoever comes next gets the connection to the server that was used last.
fn serve(server: &Server, folder: &Scratch, log: &std::path::Path) -> Portreeve {
    Portreeve::serve(&[
        "--listen",
        "127.0.0.1:0",
        "--threads",
        "1",
        "--to",
        &server.address(),
        "--access-log",
        &log.display().to_string(),
        "--state",
        &folder.file("state").display().to_string(),
    ])
}

/// The recorder's answer: the target, so that everybody can tell their own. None to HEAD has a body; no tunnels.
fn answer(request: &Message) -> Vec<u8> {
    let line = request.line();
    let mut parts = line.split(' ');
    let (method, target) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let body = if method == "HEAD" { "" } else { target };
    let status = if method == "CONNECT" {
        "501 Not Implemented"
    } else {
        "200 OK"
    };
    portreeve_testkit::answer(status, body).into_bytes()
}

/// A case sent, and what became of it for the clients.
struct Talk<'a> {
    case: &'a Case,
    delivery: &'static Delivery,
    from: Ipv4Addr,
    heard: Heard,
    next: Heard,
    next_target: String,
}

impl<'a> Talk<'a> {
    async fn hold(delivery: &'static Delivery, index: usize, case: &'a Case, to: SocketAddr) -> Self {
        let from = client_address(delivery.network, index);
        let awaited = case.expected.passed + usize::from(case.expected.end.is_answered());
        let piece = (delivery.piece)(case.bytes.len());
        let heard = converse(from, to, &case.bytes, piece, awaited).await;
        let next_target = format!("/next/{}/{index}", delivery.network);
        let next = converse(
            client_address(delivery.network + 1, index),
            to,
            portreeve_testkit::get(&next_target).as_bytes(),
            usize::MAX,
            1,
        )
        .await;
        Self {
            case,
            delivery,
            from,
            heard,
            next,
            next_target,
        }
    }
}

/// How the bytes are sent, and from which addresses: 127.`network`.0.0/16, and the next one for the next client.
struct Delivery {
    name: &'static str,
    network: u8,
    piece: fn(usize) -> usize,
}

static DELIVERIES: [Delivery; 2] = [
    Delivery {
        name: "whole",
        network: 1,
        piece: |length| length,
    },
    Delivery {
        name: "in pieces",
        network: 3,
        piece: |length| length.div_ceil(300),
    },
];

fn client_address(network: u8, index: usize) -> Ipv4Addr {
    let index = u16::try_from(index).expect("the corpus is not that large") + 1;
    let [high, low] = index.to_be_bytes();
    Ipv4Addr::new(127, network, high, low)
}
