//! Each code of an error packet, and what is left of the connection.

use super::*;

async fn proxy_with_timeout() -> Proxy {
    Proxy::with(&config("[pool.servers.limits]\nfirst_byte_timeout = \"200ms\"")).await
}

/// A server of policy 111 that does this with each request.
async fn server_doing(
    proxy: &Proxy,
    reply: impl Fn(&Packet) -> Reply + Send + Sync + 'static,
) -> PacketServer {
    let server = PacketServer::of("1", "111").answering(reply);
    let server = server.start(&proxy.address()).await;
    until_serving(proxy, &[&server]).await;
    server
}

#[tokio::test]
async fn an_unknown_policy_is_told_and_the_connection_goes_on() {
    let proxy = proxy().await;
    let _server = server(&proxy, "1", "111").await;
    let mut client = proxy.connect().await;
    let answer = client.ask(request("999", "abc")).await;
    assert_eq!(answer.error(), "unknown_policy");
    assert!(answer.detail().contains("999"), "{answer}");
    assert!(client.ask(request("111", "abc")).await.acknowledges("abc"));
}

#[tokio::test]
async fn an_error_echoes_what_was_asked_and_adds_why() {
    let proxy = proxy().await;
    let asked = r#"{"x": [1], "type": 0, "srcid": "c", "privPoliId": 5, "payloadsize": 9, "payload": "abc"}"#;
    let answer = proxy.ask(asked).await;
    let echoed = asked
        .replace(r#""type": 0"#, r#""type": -1"#)
        .replace(r#""abc"}"#, r#""abc", "error": "unknown_policy", "detail": ""#);
    assert!(answer.raw().starts_with(&echoed), "{answer}");
}

#[tokio::test]
async fn an_error_spells_its_type_as_the_peer_does() {
    let proxy = proxy().await;
    for (asked, told) in [("0", "-1"), (r#""0""#, r#""-1""#)] {
        let asked = request("5", "abc").replace(r#""type": 0"#, &format!(r#""type": {asked}"#));
        let answer = proxy.ask(&asked).await;
        assert!(
            answer.raw().starts_with(&format!(r#"{{"type": {told},"#)),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn a_known_policy_without_a_server_is_no_backend() {
    let proxy = proxy().await;
    let mut server = server(&proxy, "1", "111").await;
    server.stop().await;
    let mut client = proxy.connect().await;
    for _ in 0..3 {
        let answer = client.ask(request("111", "abc")).await;
        assert_eq!(answer.error(), "no_backend");
        assert!(answer.detail().contains("111"), "{answer}");
    }
}

#[tokio::test]
async fn a_server_that_was_never_reached_is_no_backend() {
    let proxy = proxy().await;
    let server = PacketServer::of("1", "111")
        .registering_first()
        .awaiting_setup_answer()
        .start(&proxy.address())
        .await;
    assert_eq!(proxy.ask(request("111", "abc")).await.error(), "no_backend");
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn a_server_that_breaks_off_has_failed() {
    let proxy = proxy().await;
    let whole = r#"{"type": 2, "srcid": 1, "destid": 7, "payload": "x"}"#;
    let replies = move |request: &Packet| match request.payload() {
        "close" => Reply::Close,
        "reset" => Reply::Reset,
        "half" => Reply::Packet(whole[..30].to_owned()),
        _ => Reply::Packet(whole.to_owned()),
    };
    let server = PacketServer::of("1", "111").answering(replies).closing();
    let server = server.start(&proxy.address()).await;
    until_serving(&proxy, &[&server]).await;
    let mut client = proxy.connect().await;
    for breaking in ["close", "reset", "half"] {
        let answer = client.ask(request("111", breaking)).await;
        assert_eq!(answer.error(), "backend_failed", "{breaking}");
        assert!(answer.detail().starts_with("the server "), "{answer}");
        assert!(!answer.detail().contains("HTTP"), "{answer}");
    }
    assert_eq!(client.ask(request("111", "well")).await.raw(), whole);
    assert_eq!(server.requests().len(), 4, "nothing is asked twice");
}

#[tokio::test]
async fn what_is_no_acknowledgement_is_no_answer() {
    let proxy = proxy().await;
    let server = server_doing(&proxy, |request| Reply::Packet(request.payload().to_owned())).await;
    let mut client = proxy.connect().await;
    for said in [
        "hello there",
        "[1, 2]",
        "{}",
        "{\\\"type\\\": 0, \\\"privPoliId\\\": 1, \\\"payload\\\": \\\"\\\"}",
        "{\\\"type\\\": 2, \\\"srcid\\\": 1, \\\"destid\\\": 7}",
    ] {
        let answer = client.ask(request("111", said)).await;
        assert_eq!(answer.error(), "backend_failed", "{said}");
        assert_eq!(answer.detail(), "the server's answer is no acknowledgement");
    }
    assert_eq!(server.requests().len(), 5);
}

#[tokio::test]
async fn an_error_of_a_server_reaches_the_client() {
    let proxy = proxy().await;
    let said = r#"{"type": -1, "srcid": 1, "destid": 7, "reason": "tired"}"#;
    let _server = server_doing(&proxy, move |_| Reply::Packet(said.to_owned())).await;
    assert_eq!(proxy.ask(request("111", "abc")).await.raw(), said);
}

#[tokio::test]
async fn a_server_that_says_nothing_times_out() {
    let proxy = proxy_with_timeout().await;
    let server = server_doing(&proxy, |request| match request.payload() {
        "silence" => Reply::Nothing,
        _ => Reply::Packet(acknowledgement("1", request, false)),
    })
    .await;
    let mut client = proxy.connect().await;
    let answer = client.ask(request("111", "silence")).await;
    assert_eq!(answer.error(), "timeout");
    assert_eq!(answer.detail(), "the server did not answer in time");
    assert!(client.ask(request("111", "abc")).await.acknowledges("abc"));
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn a_bad_packet_is_told_by_field_and_the_connection_goes_on() {
    let proxy = proxy().await;
    let server = server(&proxy, "1", "111").await;
    let mut client = proxy.connect().await;
    let good = request("111", "abc");
    let bad = [
        (good.replace(r#""type": 0, "#, ""), "type"),
        (good.replace(r#""type": 0"#, r#""type": 5"#), "type"),
        (good.replace(r#""type": 0"#, r#""type": null"#), "type"),
        (good.replace(r#""type": 0"#, r#""type": 0, "type": 0"#), "type"),
        (good.replace(r#""type": 0"#, r#""type": 2"#), "type"),
        (good.replace(r#""type": 0"#, r#""type": -1"#), "type"),
        (good.replace(r#""privPoliId": 111, "#, ""), "privPoliId"),
        (good.replace("111", "[111]"), "privPoliId"),
        (good.replace("111", "1.5"), "privPoliId"),
        (good.replace("111", "1e300"), "privPoliId"),
        (good.replace("111", r#""a,b""#), "privPoliId"),
        (
            good.replace("111", &format!("\"{}\"", "p".repeat(65))),
            "privPoliId",
        ),
        (good.replace(r#""abc""#, "5"), "payload"),
        (good.replace(r#", "payload": "abc""#, ""), "payload"),
        (setup(1, 111, 0), "listenport"),
        (
            setup(1, 111, 1).replace(r#""listenport": 1"#, r#""listenport": 65536"#),
            "listenport",
        ),
        (
            setup(1, 111, 1).replace(r#""listenport": 1"#, r#""listenport": "x""#),
            "listenport",
        ),
        (setup(1, 111, 1).replace(r#""id": 1"#, r#""id": "a/b""#), "id"),
    ];
    for (packet, field) in bad {
        let answer = client.ask(&packet).await;
        assert_eq!(answer.error(), "bad_packet", "{packet}");
        assert!(answer.detail().contains(field), "{answer}");
    }
    assert!(client.ask(good).await.acknowledges("abc"));
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_payload_that_no_utf_8_can_carry_is_a_bad_packet() {
    let proxy = proxy().await;
    let server = server(&proxy, "1", "111").await;
    let mut client = proxy.connect().await;
    client.send(request("111", "\\ud800")).await;
    // The echo holds it, so that strict readers refuse the answer too.
    client
        .read_through(br#""error": "bad_packet", "detail": "payload"#)
        .await;
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn json_that_is_no_object_is_a_bad_packet() {
    let proxy = proxy().await;
    let _server = server(&proxy, "1", "111").await;
    let mut client = proxy.connect().await;
    for packet in ["[1, 2]", r#""abc""#, "5 "] {
        assert_eq!(client.ask(packet).await.error(), "bad_packet", "{packet}");
    }
    assert!(client.ask(request("111", "abc")).await.acknowledges("abc"));
}

#[tokio::test]
async fn what_is_no_json_ends_its_own_connection_alone() {
    let proxy = proxy().await;
    let _server = server(&proxy, "1", "111").await;
    let mut other = proxy.connect().await;
    assert!(other.ask(request("111", "abc")).await.acknowledges("abc"));
    let not_utf_8 = [
        b"{\"type\": 0, \"privPoliId\": 111, \"payload\": \"".as_slice(),
        b"\xff\"}",
    ]
    .concat();
    for bytes in [
        b"{type: 0}".as_slice(),
        b"{\"type\": 0,}",
        b"{\"type\": 00}",
        b"{'type': 0}",
        b"{\"type\": 0]",
        b"\0\0\0\0",
        &not_utf_8,
    ] {
        let mut client = proxy.connect().await;
        client.send(bytes).await;
        // It may be closed already.
        let _ = client.try_send(request("111", "behind it")).await;
        assert_eq!(client.packet().await.error(), "not_json", "{bytes:?}");
        client.expect_closed().await;
    }
    assert!(other.ask(request("111", "abc")).await.acknowledges("abc"));
}

#[tokio::test]
async fn pickles_are_refused_and_not_looked_into() {
    let proxy = proxy().await;
    let _server = server(&proxy, "1", "111").await;
    for pickle in [
        b"\x80\x04\x95\x1b\0\0\0\0\0\0\0}\x94(\x8c\x04type\x94K\0\x8c\x05srcid\x94K\x07u.".as_slice(),
        b"\x80\x02}q\0X\x04\0\0\0typeq\x01K\0s.",
        b"(dp0\nVtype\np1\nI0\ns.",
    ] {
        let mut client = proxy.connect().await;
        client.send(pickle).await;
        assert_eq!(client.packet().await.error(), "not_json");
        client.expect_closed().await;
    }
}

#[tokio::test]
async fn half_a_packet_at_the_end_is_no_json() {
    let proxy = proxy().await;
    let mut client = proxy.connect().await;
    client.send(&request("111", "abc")[..40]).await;
    client.shut().await;
    assert_eq!(client.packet().await.error(), "not_json");
    assert_eq!(client.expect_closed().await, Ended::Closed);
}
