//! What survives the end of the proxy.

use super::*;

#[tokio::test]
async fn servers_of_a_killed_proxy_are_known_to_the_next_and_probed_before_they_get_requests() {
    let proxy = proxy().await;
    let mut first = server(&proxy, "1", "111").await;
    let mut second = server(&proxy, "2", "111").await;
    let other = server(&proxy, "3", "222").await;
    first.stop().await;
    second.stop().await;
    let ended = first.ended().len();
    let proxy = proxy.restart(&config("")).await;
    let answer = proxy.ask(request("111", "abc")).await;
    assert_eq!(answer.error(), "no_backend", "it is known, and nobody is proved");
    assert_eq!(proxy.ask(request("999", "abc")).await.error(), "unknown_policy");
    until_serving(&proxy, &[&other]).await;
    first.listen();
    until_serving(&proxy, &[&first]).await;
    assert!(proxy.ask(request("111", "abc")).await.acknowledges("abc"));
    first.until_ended(ended + 2).await;
    assert_eq!(first.ended()[ended], 0, "the first connection was a probe");
    assert_eq!((first.requests().len(), second.requests().len()), (1, 0));
    second.listen();
    until_serving(&proxy, &[&second]).await;
    let seen = turns(&proxy, "111", 4).await;
    assert!(seen == [1, 2, 1, 2] || seen == [2, 1, 2, 1], "{seen:?}");
    assert!(other.requests().is_empty());
}

#[tokio::test]
async fn the_order_and_the_spelling_of_servers_survive() {
    let proxy = proxy().await;
    let third = server(&proxy, "3", "111").await;
    let text = PacketServer::of("1", "222").writing_text();
    let text = text.start(&proxy.address()).await;
    until_serving(&proxy, &[&text]).await;
    let second = server(&proxy, "2", "111").await;
    let proxy = proxy.restart(&config("")).await;
    until_serving(&proxy, &[&third, &text, &second]).await;
    assert_eq!(turns(&proxy, "111", 4).await, [3, 2, 3, 2]);
    assert!(proxy.ask(request("222", "abc")).await.acknowledges("abc"));
    assert_eq!(*text.requests()[0].kind(), "0");
}

#[tokio::test]
async fn a_drain_lets_a_running_packet_finish_and_ends_idle_connections() {
    let proxy = proxy().await;
    let slow = PacketServer::of("1", "111").answering_in_pieces(1);
    let slow = slow.start(&proxy.address()).await;
    until_serving(&proxy, &[&slow]).await;
    let (mut idle, mut busy) = (proxy.connect().await, proxy.connect().await);
    assert!(idle.ask(request("111", "abc")).await.acknowledges("abc"));
    busy.send(request("111", "abc")).await;
    slow.until_requests(2).await;
    let drained = tokio::spawn(proxy.drain());
    assert_eq!(idle.expect_closed().await, Ended::Closed);
    assert!(busy.packet().await.acknowledges("abc"));
    assert_eq!(busy.expect_closed().await, Ended::Closed);
    assert_eq!(drained.await.expect("it ends"), 0);
}
