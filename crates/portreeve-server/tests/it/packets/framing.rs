//! Where a packet ends, and a connection.

use super::*;

const PAUSE: Duration = Duration::from_micros(300);

#[tokio::test]
async fn a_packet_may_come_byte_by_byte() {
    let proxy = proxy().await;
    let server = server(&proxy, "1", "111").await;
    let mut client = proxy.connect().await;
    client.send_pieces(request("111", "a}b{\\\"c"), 1, PAUSE).await;
    assert!(client.packet().await.acknowledges("a}b{\"c"));
    assert_eq!(server.death(), None, "it reads each packet by one recv");
}

#[tokio::test]
async fn two_packets_in_one_segment_are_answered_in_turn() {
    let proxy = proxy().await;
    let _server = server(&proxy, "1", "111").await;
    let mut client = proxy.connect().await;
    client
        .send(request("111", "one") + &request("111", "two") + "\r\n" + &request("999", "three"))
        .await;
    assert!(client.packet().await.acknowledges("one"));
    assert!(client.packet().await.acknowledges("two"));
    assert_eq!(client.packet().await.error(), "unknown_policy");
}

#[tokio::test]
async fn the_end_of_a_line_behind_a_packet_is_no_packet() {
    let proxy = proxy().await;
    let _server = server(&proxy, "1", "111").await;
    let mut client = proxy.connect().await;
    for _ in 0..3 {
        let answer = client.ask(request("111", "abc") + "\r\n").await;
        assert!(answer.acknowledges("abc"));
    }
    client.shut().await;
    assert_eq!(client.expect_closed().await, Ended::Closed);
}

#[tokio::test]
async fn a_half_closed_client_gets_its_answers_and_then_the_end() {
    let proxy = proxy().await;
    let _server = server(&proxy, "1", "111").await;
    let mut client = proxy.connect().await;
    client.send(request("111", "one") + &request("111", "two")).await;
    client.shut().await;
    assert!(client.packet().await.acknowledges("one"));
    assert!(client.packet().await.acknowledges("two"));
    assert_eq!(client.expect_closed().await, Ended::Closed);
}

#[tokio::test]
async fn a_connection_stays_for_more_packets() {
    let proxy = proxy().await;
    let server = server(&proxy, "1", "111").await;
    let mut client = proxy.connect().await;
    for n in 0..20 {
        let payload = format!("packet {n}");
        assert!(client.ask(request("111", &payload)).await.acknowledges(&payload));
    }
    assert_eq!(server.requests().len(), 20);
    client.expect_silence(Duration::from_millis(50)).await;
}

#[tokio::test]
async fn every_answer_comes_in_one_piece() {
    let proxy = proxy().await;
    let server = PacketServer::of("1", "111")
        .answering_in_pieces(7)
        .start(&proxy.address())
        .await;
    until_serving(&proxy, &[&server]).await;
    let mut client = proxy.connect().await;
    for _ in 0..5 {
        client.send(request("111", "abc")).await;
        assert!(client.packet_in_one_read().await.acknowledges("abc"));
    }
    client.send(request("999", "abc")).await;
    assert_eq!(client.packet_in_one_read().await.error(), "unknown_policy");
}

#[tokio::test]
async fn a_silent_connection_ends_after_the_idle_time_and_not_before() {
    let proxy = proxy_with(r#", idle_timeout = "300ms""#).await;
    let _server = server(&proxy, "1", "111").await;
    let mut client = proxy.connect().await;
    assert!(client.ask(request("111", "abc")).await.acknowledges("abc"));
    let since = Instant::now();
    assert_eq!(client.expect_closed().await, Ended::Closed);
    assert!(
        since.elapsed() >= Duration::from_millis(250),
        "{:?}",
        since.elapsed()
    );
}

#[tokio::test]
async fn half_a_packet_does_not_hold_a_connection_for_ever() {
    let proxy = proxy_with(r#", idle_timeout = "200ms""#).await;
    let mut client = proxy.connect().await;
    client.send(&request("111", "abc")[..20]).await;
    assert_eq!(client.expect_closed().await, Ended::Closed);
}

#[tokio::test]
async fn where_it_is_configured_an_answer_ends_the_connection() {
    let proxy = proxy_with(", close_after_answer = true").await;
    let _server = server(&proxy, "1", "111").await;
    for (policy, is_served) in [("111", true), ("999", false)] {
        let mut client = proxy.connect().await;
        client.send(request(policy, "abc")).await;
        let (bytes, ended) = client.read_to_end().await;
        let (answer, _) = Packet::first(&bytes).unwrap().expect("it is whole");
        assert_eq!(answer.acknowledges("abc"), is_served, "{answer}");
        assert_eq!(ended, Ended::Closed);
    }
}
