//! The same by HTTP/2 and by packets.

use bytes::Bytes;
use h2::client::SendRequest;
use http::Request;
use portreeve_testkit::{Leaf, PATIENCE};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use super::door::{Answer, Ask, Door, HOME, put};
use super::{A1, BEAT, EU};

/// One connection of HTTP/2.
struct Peer(SendRequest<Bytes>);

impl Peer {
    async fn showing(door: &Door, shown: Option<&Leaf>) -> Self {
        let wire = door.connect(shown, &["h2"]).await.unwrap();
        assert_eq!(wire.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        let (send, connection) = h2::client::handshake(wire).await.unwrap();
        tokio::spawn(connection);
        Self(send)
    }

    async fn ask(&mut self, ask: Ask<'_>) -> Answer {
        timeout(PATIENCE, self.asked(ask))
            .await
            .expect("it answers in time")
    }

    async fn asked(&mut self, (method, path, _, body): Ask<'_>) -> Answer {
        let uri = format!("https://app.test{path}");
        let request = Request::builder().method(method).uri(uri).body(()).unwrap();
        let mut send = self.0.clone().ready().await.unwrap();
        let (response, mut sent) = send.send_request(request, false).unwrap();
        sent.send_data(Bytes::copy_from_slice(body.as_bytes()), true)
            .unwrap();
        let response = response.await.unwrap();
        let status = response.status().as_u16();
        let (mut body, mut text) = (response.into_body(), Vec::new());
        while let Some(data) = body.data().await {
            text.extend_from_slice(&data.unwrap());
        }
        let text = String::from_utf8(text).unwrap();
        Answer { status, text }
    }
}

#[tokio::test]
async fn a_certificate_counts_for_every_stream_of_its_connection_and_for_no_other() {
    let door = Door::start().await;
    door.token_for(EU).await;
    let eu = door.authority.client(&["URI:spiffe://test/eu/1"]);
    let us = door.authority.client(&["URI:spiffe://test/us/1"]);
    let mut mine = Peer::showing(&door, Some(&eu)).await;
    let mut theirs = Peer::showing(&door, Some(&us)).await;
    let mut nobodys = Peer::showing(&door, None).await;

    assert_eq!(mine.ask(put(A1, HOME)).await.status, 201);
    assert_eq!(mine.ask(("POST", BEAT, "", "{}")).await.status, 200);

    theirs.ask(put(A1, HOME)).await.is(403, "unknown_certificate");
    nobodys
        .ask(("POST", BEAT, "", "{}"))
        .await
        .is(403, "token_needed");
    assert_eq!(mine.ask(("POST", BEAT, "", "{}")).await.status, 200);
}

/// The answer to a setup packet within TLS.
async fn set_up(door: &Door, shown: Option<&Leaf>) -> String {
    let mut wire = door.connect(shown, &[]).await.unwrap();
    let setup = br#"{"type": 1, "id": 7, "privPolyId": 111, "listenport": 9001}"#;
    wire.write_all(setup).await.unwrap();
    let mut answer = [0; 1_024];
    let length = timeout(PATIENCE, wire.read(&mut answer)).await.unwrap().unwrap();
    String::from_utf8_lossy(&answer[..length]).into_owned()
}

#[tokio::test]
async fn a_setup_packet_within_tls_comes_with_its_connections_certificate() {
    let door = Door::start().await;
    let id = door.token_for(EU).await;
    let eu = door.authority.client(&["URI:spiffe://test/eu/1"]);
    let us = door.authority.client(&["URI:spiffe://test/us/1"]);

    let refused = set_up(&door, None).await;
    assert!(refused.contains("needs a token"), "{refused}");
    let refused = set_up(&door, Some(&us)).await;
    assert!(refused.contains("URI:spiffe://test/us/1"), "{refused}");
    let taken = set_up(&door, Some(&eu)).await;
    assert!(
        taken.contains("registered") && !taken.contains("refused"),
        "{taken}"
    );

    let backend = &door.proxy.backends("servers").await[0];
    assert_eq!((&backend["id"], &backend["token"]), (&"7@111".into(), &id.into()));
}
