//! Servers with the weaknesses of the existing ones.

use super::*;

#[tokio::test]
async fn each_request_has_a_connection_of_its_own() {
    let proxy = proxy().await;
    let server = server(&proxy, "1", "111").await;
    assert_eq!(turns(&proxy, "111", 5).await.len(), 5);
    server.until_ended(5 + server.probes()).await;
    let with_requests = server.ended().iter().filter(|requests| **requests == 1).count();
    assert_eq!(with_requests, 5);
    assert!(server.ended().iter().all(|requests| *requests <= 1));
}

#[tokio::test]
async fn where_it_is_configured_a_connection_is_kept() {
    let proxy = proxy_with(", keep_alive = true").await;
    let mut server = server(&proxy, "1", "111").await;
    let mut client = proxy.connect().await;
    for _ in 0..5 {
        assert!(client.ask(request("111", "abc")).await.acknowledges("abc"));
    }
    assert_eq!(server.ended().iter().sum::<usize>(), 0);
    server.stop().await;
    assert_eq!(client.ask(request("111", "abc")).await.error(), "no_backend");
    assert_eq!(server.requests().len(), 5);
}

#[tokio::test]
async fn a_kept_connection_that_the_server_closed_is_not_used() {
    let proxy = proxy_with(", keep_alive = true").await;
    let server = PacketServer::of("1", "111").closing().fragile();
    let server = server.start(&proxy.address()).await;
    until_serving(&proxy, &[&server]).await;
    let mut client = proxy.connect().await;
    for n in 1..=5 {
        assert!(client.ask(request("111", "abc")).await.acknowledges("abc"));
        server.until_requests(n).await;
        server.until_ended(n + server.probes()).await;
    }
    assert_eq!(server.death(), None);
}

#[tokio::test]
async fn a_probe_brings_nothing_and_ends_in_good_order() {
    let proxy = proxy().await;
    let server = PacketServer::of("1", "111").fragile().one_at_a_time();
    let server = server.start(&proxy.address()).await;
    server.until_probes(1).await;
    until_serving(&proxy, &[&server]).await;
    assert_eq!((server.death(), server.requests().len()), (None, 0));
}

#[tokio::test]
async fn a_server_of_one_connection_at_a_time_survives_many_clients_and_probes() {
    let proxy = proxy().await;
    let server = PacketServer::of("1", "111").one_at_a_time().fragile();
    let server = server.start(&proxy.address()).await;
    until_serving(&proxy, &[&server]).await;
    let address = proxy.address();
    let clients: Vec<_> = (0..16)
        .map(|n| {
            let address = address.clone();
            tokio::spawn(async move {
                let payload = format!("client {n}");
                let mut client = Client::connect(&address).await;
                for _ in 0..5 {
                    let answer = client.ask(request("111", &payload)).await;
                    assert!(answer.acknowledges(&payload), "{answer}");
                }
                client.reset();
            })
        })
        .collect();
    for client in clients {
        client.await.expect("each is answered");
    }
    assert_eq!((server.death(), server.requests().len()), (None, 80));
}

#[tokio::test]
async fn a_client_that_leaves_does_not_reset_a_server() {
    let proxy = proxy().await;
    let server = PacketServer::of("1", "111")
        .one_at_a_time()
        .fragile()
        .answering_in_pieces(5);
    let server = server.start(&proxy.address()).await;
    until_serving(&proxy, &[&server]).await;
    for n in 1..=3 {
        let mut client = proxy.connect().await;
        client.send(request("111", "abc")).await;
        server.until_requests(n).await;
        client.reset();
    }
    assert!(proxy.ask(request("111", "abc")).await.acknowledges("abc"));
    assert_eq!(server.death(), None);
}

#[tokio::test]
async fn a_fragile_server_survives_an_answer_that_came_too_late_to_be_read() {
    let proxy = Proxy::with(&config("[pool.servers.limits]\nfirst_byte_timeout = \"50ms\"")).await;
    let server = PacketServer::of("1", "111").fragile().answering(|request| {
        let answer = acknowledgement("1", request, false);
        match request.payload() {
            "slow" => Reply::Pieces(answer, 1),
            _ => Reply::Packet(answer),
        }
    });
    let server = server.start(&proxy.address()).await;
    until_serving(&proxy, &[&server]).await;
    let mut client = proxy.connect().await;
    assert_eq!(client.ask(request("111", "slow")).await.error(), "timeout");
    assert!(client.ask(request("111", "abc")).await.acknowledges("abc"));
    server.until_ended(2 + server.probes()).await;
    assert_eq!(server.death(), None);
}

#[tokio::test]
async fn an_answer_may_come_in_pieces() {
    let proxy = proxy().await;
    let server = PacketServer::of("1", "111").answering_in_pieces(1);
    let server = server.start(&proxy.address()).await;
    until_serving(&proxy, &[&server]).await;
    assert!(proxy.ask(request("111", "abc")).await.acknowledges("abc"));
}

#[tokio::test]
async fn an_answer_with_a_lines_end_is_passed_on_without_it() {
    let proxy = proxy().await;
    let server = PacketServer::of("1", "111").answering(|request| {
        let answer = acknowledgement("1", request, false);
        Reply::Packet(format!("\n{answer}\r\n"))
    });
    let server = server.start(&proxy.address()).await;
    until_serving(&proxy, &[&server]).await;
    let mut client = proxy.connect().await;
    client.send(request("111", "abc")).await;
    assert!(client.packet_in_one_read().await.acknowledges("abc"));
}

#[tokio::test]
async fn an_answer_to_nobody_is_passed_on() {
    let proxy = proxy().await;
    let server = PacketServer::of("1", "111").answering(|request| {
        let answer = acknowledgement("1", request, false);
        Reply::Packet(answer.replace(r#""destid": 7"#, r#""destid": null"#))
    });
    let server = server.start(&proxy.address()).await;
    until_serving(&proxy, &[&server]).await;
    let answer = proxy.ask(request("111", "abc")).await;
    assert!(answer.acknowledges("abc"), "{answer}");
    assert!(answer.raw().contains(r#""destid": null"#), "{answer}");
}

#[tokio::test]
async fn a_refused_server_is_probed_again_each_second_and_serves_again() {
    let proxy = proxy().await;
    let mut server = server(&proxy, "1", "111").await;
    server.stop().await;
    assert_eq!(proxy.ask(request("111", "abc")).await.error(), "no_backend");
    proxy.until_standing("servers", &["1@111"], "down").await;
    let since = Instant::now();
    server.listen();
    until_serving(&proxy, &[&server]).await;
    assert!(since.elapsed() < Duration::from_secs(4), "{:?}", since.elapsed());
    assert!(proxy.ask(request("111", "abc")).await.acknowledges("abc"));
    assert_eq!(server.requests().len(), 1);
}
