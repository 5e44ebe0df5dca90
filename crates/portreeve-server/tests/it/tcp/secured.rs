//! Connections whose handshake is ours, on either side.

use portreeve_model::plan::{Carries, Plan, Scheme};
use portreeve_testkit::{Client, Ended, Origin, Script, get};

use super::peers::{HAPROXY, listening_socket};
use crate::tls::{Authority, Edge};

/// Its connections are carried to backends that are spoken with so.
fn carry(plan: &mut Plan, scheme: Scheme) {
    plan.listeners[0].carries = Carries::Tcp;
    let pool = &mut plan.pools[0];
    pool.scheme = scheme;
    for target in &mut pool.targets {
        target.scheme = scheme;
    }
}

/// Those backends are `backend.test` by the word of these authorities.
fn trust(plan: &mut Plan, authorities: &Authority) {
    let tls = &mut plan.pools[0].tls;
    tls.authorities = Some(authorities.file());
    tls.server_name = Some("backend.test".to_owned());
}

async fn echoes(client: &mut Client) {
    let block: Vec<u8> = (0..=252).cycle().take(50_000).collect();
    for _ in 0..5 {
        client.send(&block).await;
        assert!(client.read_exactly(block.len()).await == block);
    }
}

async fn echo(authority: &Authority) -> Origin {
    let server = authority.server("backend.test");
    Origin::scripted(Script::new().echo())
        .within_tls(&server)
        .start()
        .await
}

#[tokio::test]
async fn what_is_within_goes_to_the_backend() {
    let origin = Origin::scripted(Script::new().echo()).start().await;
    let edge = Edge::with(&[&origin], |plan, _| carry(plan, Scheme::Tcp));
    echoes(&mut edge.connect().await).await;
}

#[tokio::test]
async fn a_client_that_says_no_more_within_still_has_its_answer() {
    let script = Script::new()
        .expect("question")
        .send("answer")
        .until_peer_leaves();
    let origin = Origin::scripted(script).start().await;
    let edge = Edge::with(&[&origin], |plan, _| carry(plan, Scheme::Tcp));
    let mut client = edge.connect().await;
    client.send("question").await;
    client.shut().await;
    origin.until_peer_left(0).await;
    assert_eq!(client.read_to_end().await, (b"answer".to_vec(), Ended::Closed));
}

#[tokio::test]
async fn a_backend_gets_a_handshake_of_ours() {
    let authority = Authority::new();
    let origin = echo(&authority).await;
    let edge = Edge::with(&[&origin], |plan, _| {
        carry(plan, Scheme::Tls);
        trust(plan, &authority);
        plan.listeners[0].tls = None;
    });
    echoes(&mut Client::connect(&edge.address).await).await;
}

#[tokio::test]
async fn both_sides_may_be_secured() {
    let authority = Authority::new();
    let origin = echo(&authority).await;
    let edge = Edge::with(&[&origin], |plan, _| {
        carry(plan, Scheme::Tls);
        trust(plan, &authority);
    });
    echoes(&mut edge.connect().await).await;
}

#[tokio::test]
async fn a_backend_that_is_not_to_be_trusted_gets_nothing() {
    let origin = echo(&Authority::new()).await;
    let others = Authority::new();
    let edge = Edge::with(&[&origin], |plan, _| {
        carry(plan, Scheme::Tls);
        trust(plan, &others);
        plan.listeners[0].tls = None;
    });
    let mut client = Client::connect(&edge.address).await;
    assert_eq!(client.read_to_end().await, (Vec::new(), Ended::Reset));
    let heard = origin.connections().await;
    assert!(heard.iter().all(|connection| connection.received.is_empty()));
}

/// The header stands before the handshake, where HAProxy wants it.
#[tokio::test]
async fn a_secured_backend_is_told_whose_connection_it_is() {
    let authority = Authority::new();
    let files = authority.issue_files("backend", &["DNS:backend.test"]);
    let both =
        [&files.certificate, &files.key].map(|file| std::fs::read_to_string(file).expect("it is there"));
    let scratch = portreeve_testkit::Scratch::new();
    let both = scratch.write("both.pem", &both.concat());
    let (socket, address) = listening_socket();
    let config = format!(
        "defaults\n mode http\n timeout connect 5s\n timeout client 30s\n timeout server 30s\n\
         frontend in\n bind fd@0 accept-proxy ssl crt {}\n\
         http-request return content-type text/plain lf-string \"%[src] %[src_port]\"\n",
        both.display(),
    );
    let Some(_haproxy) = HAPROXY.on(socket, &config).await else {
        return;
    };
    for version in [1, 2] {
        let backend = Origin::refusing();
        let edge = Edge::with(&[&backend], |plan, _| {
            let portreeve_testkit::Address::Tcp(to) = &address else {
                unreachable!("it is TCP")
            };
            plan.pools[0].targets[0].address = portreeve_model::plan::TargetAddress::Socket(*to);
            plan.pools[0].proxy_protocol = Some(version);
            carry(plan, Scheme::Tls);
            trust(plan, &authority);
            plan.listeners[0].tls = None;
        });
        let mut client = Client::connect_from([127, 0, 0, 5], &edge.address).await;
        let port = client.local().expect("TCP").port();
        client.send(get("/")).await;
        assert_eq!(
            client.response().await.text(),
            format!("127.0.0.5 {port}"),
            "version {version}"
        );
    }
}
