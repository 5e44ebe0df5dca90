//! How much of everything there may be, and that too much harms nobody else.

use super::*;
use portreeve_testkit::resident_bytes;

#[tokio::test]
async fn a_payload_of_1024_bytes_passes_and_one_of_1025_does_not() {
    let proxy = proxy().await;
    let server = server(&proxy, "1", "111").await;
    let mut client = proxy.connect().await;
    for (payload, is_served) in [
        ("a".repeat(1024), true),
        ("a".repeat(1025), false),
        ("é".repeat(512), true),
        ("é".repeat(512) + "a", false),
    ] {
        let answer = client.ask(request("111", &payload)).await;
        if is_served {
            assert!(answer.acknowledges(&payload), "{answer}");
        } else {
            assert_eq!(answer.error(), "payload_too_large");
            for part in ["payload", "1025", "1024"] {
                assert!(answer.detail().contains(part), "{answer}");
            }
        }
    }
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn escapes_do_not_count_against_the_payload() {
    let proxy = proxy().await;
    let server = PacketServer::of("1", "111")
        .reading_on()
        .start(&proxy.address())
        .await;
    until_serving(&proxy, &[&server]).await;
    let answer = proxy.ask(request("111", &"\\u0061".repeat(1024))).await;
    assert!(answer.acknowledges(&"a".repeat(1024)), "{answer}");
    let answer = proxy.ask(request("111", &"\\u0061".repeat(1025))).await;
    assert_eq!(answer.error(), "payload_too_large");
}

#[tokio::test]
async fn the_payloads_limit_is_a_setting() {
    let proxy = proxy_with(r#", payload_bytes_max = "60KiB""#).await;
    let server = PacketServer::of("1", "111")
        .reading_on()
        .start(&proxy.address())
        .await;
    until_serving(&proxy, &[&server]).await;
    let payload = "a".repeat(60 * 1024);
    let mut client = proxy.connect().await;
    assert!(client.ask(request("111", &payload)).await.acknowledges(&payload));
    let answer = client.ask(request("111", &(payload + "a"))).await;
    assert_eq!(answer.error(), "payload_too_large");
    assert!(client.ask(request("111", "abc")).await.acknowledges("abc"));
}

#[tokio::test]
async fn a_packet_as_a_whole_is_bounded() {
    let proxy = proxy_with(r#", packet_bytes_max = "2KiB""#).await;
    let server = server(&proxy, "1", "111").await;
    let padded = |bytes: usize| {
        let bare = request("111", "abc").replace(r#""type""#, r#""pad": "", "type""#);
        bare.replace(
            r#""pad": """#,
            &format!(r#""pad": "{}""#, "x".repeat(bytes - bare.len())),
        )
    };
    assert_eq!(padded(2048).len(), 2048);
    assert!(proxy.ask(padded(2048)).await.acknowledges("abc"));
    let mut client = proxy.connect().await;
    let answer = client.ask(padded(2049)).await;
    assert_eq!(answer.error(), "payload_too_large");
    assert!(answer.detail().contains("2048"), "{answer}");
    client.expect_closed().await;
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn the_largest_packet_fills_the_buffer_to_its_end() {
    let proxy = proxy().await;
    let server = PacketServer::of("1", "111")
        .reading_on()
        .start(&proxy.address())
        .await;
    until_serving(&proxy, &[&server]).await;
    let bare = request("111", "abc").replace(r#""type""#, r#""pad": "", "type""#);
    let pad = "x".repeat(64 * 1024 - bare.len());
    let asked = bare.replace(r#""pad": """#, &format!(r#""pad": "{pad}""#));
    let mut client = proxy.connect().await;
    assert!(client.ask(&asked).await.acknowledges("abc"));
    assert_eq!(server.requests()[0].raw(), asked);
    let spaces = " ".repeat(1000);
    assert!(client.ask(spaces + &asked).await.acknowledges("abc"));
    let answer = client.ask(asked.replace(r#""pad": ""#, r#""pad": "x"#)).await;
    assert_eq!(answer.error(), "payload_too_large");
    client.expect_closed().await;
}

#[tokio::test]
async fn an_answer_may_be_as_large_as_a_packet_and_no_larger() {
    let proxy = proxy().await;
    let said = |bytes: usize| {
        let bare = r#"{"type": 2, "srcid": 1, "destid": 7, "payload": ""}"#;
        let payload = "x".repeat(bytes - bare.len());
        bare.replace(r#""payload": """#, &format!(r#""payload": "{payload}""#))
    };
    let server = PacketServer::of("1", "111").answering(move |request| {
        let bytes = request.payload().parse().expect("the test asks for a size");
        Reply::Packet(said(bytes))
    });
    let server = server.start(&proxy.address()).await;
    until_serving(&proxy, &[&server]).await;
    let mut client = proxy.connect().await;
    let answer = client.ask(request("111", "65536")).await;
    assert_eq!(answer.raw(), said(65_536));
    let answer = client.ask(request("111", "65537")).await;
    assert_eq!(answer.error(), "backend_failed");
    let answer = client.ask(request("111", "300")).await;
    assert_eq!(answer.raw(), said(300));
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn a_megabyte_of_spaces_before_a_packet_is_forgiven_and_within_it_is_not() {
    let proxy = proxy().await;
    let _server = server(&proxy, "1", "111").await;
    let spaces = " ".repeat(1024 * 1024);
    let mut client = proxy.connect().await;
    assert!(
        client
            .ask(format!(" {spaces}{}", request("111", "abc")))
            .await
            .acknowledges("abc")
    );
    let within = request("111", "abc").replacen(' ', &spaces, 1);
    client.send(&within).await;
    assert_eq!(client.packet().await.error(), "payload_too_large");
    client.expect_closed().await;
    assert!(proxy.ask(request("111", "abc")).await.acknowledges("abc"));
}

#[tokio::test]
async fn deep_nesting_many_fields_and_huge_numbers_are_bounded() {
    let proxy = proxy().await;
    let _server = server(&proxy, "1", "111").await;
    let mut client = proxy.connect().await;
    let with = |field: &str| request("111", "abc").replace(r#""type""#, &format!(r#"{field}, "type""#));
    let nested = |depth: usize| format!(r#""x": {}{}"#, "[".repeat(depth), "]".repeat(depth));
    let fields = |count: usize| {
        let fields: Vec<String> = (0..count).map(|n| format!(r#""f{n}": 0"#)).collect();
        fields.join(", ")
    };
    assert!(client.ask(with(&nested(31))).await.acknowledges("abc"));
    assert_eq!(client.ask(with(&nested(32))).await.error(), "bad_packet");
    client.send(with(&nested(20_000))).await;
    let answer = client.read_through(b"levels deep; allowed: 32\"}").await;
    assert!(answer.starts_with(b"{\"x\": [[["), "what was asked is echoed");
    assert!(client.ask(with(&fields(59))).await.acknowledges("abc"));
    assert_eq!(client.ask(with(&fields(60))).await.error(), "bad_packet");
    let digits = "9".repeat(300);
    let huge = request("111", "abc").replace("111", &digits);
    assert_eq!(client.ask(huge).await.error(), "bad_packet");
    let huge = request("111", "abc").replace(r#""payloadsize": 3"#, r#""payloadsize": 1e300"#);
    assert!(client.ask(huge).await.acknowledges("abc"));
}

#[tokio::test]
async fn two_hundred_connections_with_half_packets_harm_nobody() {
    let proxy = proxy().await;
    let _server = server(&proxy, "1", "111").await;
    let before = resident_bytes();
    let mut flood = Vec::new();
    for n in 0..200 {
        let mut client = proxy.connect().await;
        let half = request("111", &"x".repeat(900));
        client.send(&half[..1 + n * 4]).await;
        flood.push(client);
    }
    for n in 0..20 {
        let payload = format!("meanwhile {n}");
        let answer = proxy.ask(request("111", &payload)).await;
        assert!(answer.acknowledges(&payload), "{answer}");
    }
    let grown = resident_bytes().saturating_sub(before);
    assert!(grown < 200 * 160 * 1024, "{grown} bytes for 200 half packets");
    for client in flood.drain(..100) {
        client.reset();
    }
    drop(flood);
    assert!(proxy.ask(request("111", "after")).await.acknowledges("after"));
}

#[tokio::test]
async fn two_hundred_bad_packets_at_once_harm_nobody() {
    let proxy = proxy().await;
    let server = server(&proxy, "1", "111").await;
    let mut flood = Vec::new();
    for n in 0..200 {
        let mut client = proxy.connect().await;
        let bytes = [b"\x80\x04pickle".as_slice(), b"{]", b"{}", b"[[[[[[[["][n % 4];
        client.send(bytes).await;
        flood.push(client);
    }
    assert!(proxy.ask(request("111", "abc")).await.acknowledges("abc"));
    for client in flood.iter_mut().enumerate().filter(|(n, _)| n % 4 < 2) {
        assert_eq!(client.1.packet().await.error(), "not_json");
    }
    assert_eq!(server.requests().len(), 1);
}
