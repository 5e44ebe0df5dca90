//! Servers register by setup packets.

use super::*;

#[tokio::test]
async fn a_setup_is_answered_by_one_packet_and_half_closed() {
    let proxy = proxy().await;
    let server = PacketServer::of("100", "111").start_unregistered();
    let mut client = proxy.connect().await;
    client.send(server.setup()).await;
    let answer = client.packet_in_one_read().await;
    assert_eq!(
        answer.raw(),
        r#"{"type": 1, "status": "registered", "id": 100, "privPolyId": 111}"#
    );
    assert_eq!(client.expect_closed().await, Ended::Closed);
}

#[tokio::test]
async fn a_setup_is_answered_in_its_own_spelling() {
    let proxy = proxy().await;
    let server = PacketServer::of("100", "PP_1")
        .writing_text()
        .start_unregistered();
    let answer = proxy.ask(server.setup()).await;
    assert_eq!(
        answer.raw(),
        r#"{"type": "1", "status": "registered", "id": "100", "privPolyId": "PP_1"}"#
    );
}

#[tokio::test]
async fn a_setup_with_a_lines_end_is_half_closed_too() {
    let proxy = proxy().await;
    let server = PacketServer::of("100", "111").start_unregistered();
    let mut client = proxy.connect().await.patience(Duration::from_secs(5));
    client.send(server.setup() + "\r\n").await;
    assert_eq!(*client.packet().await.field("status"), "registered");
    assert_eq!(client.expect_closed().await, Ended::Closed);
}

#[tokio::test]
async fn two_setups_in_one_segment_are_both_answered() {
    let proxy = proxy().await;
    let server = PacketServer::of("1", "111").start_unregistered();
    let mut client = proxy.connect().await;
    client
        .send(setup(1, 111, server.port()) + &setup(1, 222, server.port()))
        .await;
    for policy in [111, 222] {
        assert_eq!(*client.packet().await.field("privPolyId"), policy);
    }
    client.expect_closed().await;
    let both = ["1@111", "1@222"];
    proxy.until_standing("servers", &both, "serving").await;
}

#[tokio::test]
async fn a_server_that_sends_its_setup_and_closes_at_once_serves() {
    let proxy = proxy().await;
    let server = PacketServer::of("1", "111").start(&proxy.address()).await;
    until_serving(&proxy, &[&server]).await;
    assert!(proxy.ask(request("111", "abc")).await.acknowledges("abc"));
}

#[tokio::test]
async fn a_server_that_blocks_until_its_setup_is_answered_serves() {
    let proxy = proxy().await;
    let mut server = PacketServer::of("1", "111")
        .registering_first()
        .awaiting_setup_answer()
        .start(&proxy.address())
        .await;
    server.listen();
    until_serving(&proxy, &[&server]).await;
    assert!(proxy.ask(request("111", "abc")).await.acknowledges("abc"));
}

#[tokio::test]
async fn a_server_that_holds_its_setup_connection_for_life_serves() {
    let proxy = proxy().await;
    let server = PacketServer::of("1", "111")
        .holding_setup()
        .start(&proxy.address())
        .await;
    until_serving(&proxy, &[&server]).await;
    assert!(proxy.ask(request("111", "abc")).await.acknowledges("abc"));
}

#[tokio::test]
async fn no_request_reaches_a_server_before_a_probe_has_passed() {
    let proxy = proxy().await;
    let mut server = PacketServer::of("1", "111")
        .registering_first()
        .awaiting_setup_answer()
        .start(&proxy.address())
        .await;
    proxy.until_standing("servers", &["1@111"], "unproved").await;
    assert_eq!(proxy.ask(request("111", "abc")).await.error(), "no_backend");
    server.listen();
    until_serving(&proxy, &[&server]).await;
    assert!(proxy.ask(request("111", "abc")).await.acknowledges("abc"));
    assert_eq!(server.ended()[0], 0, "the first connection was a probe");
}

#[tokio::test]
async fn a_server_is_where_its_setup_came_from() {
    let proxy = proxy().await;
    let server = PacketServer::of("1", "111")
        .on([127, 0, 0, 2])
        .start(&proxy.address())
        .await;
    until_serving(&proxy, &[&server]).await;
    assert!(proxy.ask(request("111", "abc")).await.acknowledges("abc"));
    let backends = proxy.backends("servers").await;
    assert_eq!(backends[0]["address"], server.address().to_string());
}

#[tokio::test]
async fn a_new_port_replaces_the_old() {
    let proxy = proxy().await;
    let old = server(&proxy, "1", "111").await;
    assert!(proxy.ask(request("111", "abc")).await.acknowledges("abc"));
    let new = PacketServer::of("1", "111")
        .awaiting_setup_answer()
        .start(&proxy.address())
        .await;
    until_serving(&proxy, &[&new]).await;
    let backends = proxy.backends("servers").await;
    assert_eq!(backends.len(), 1, "{backends:?}");
    assert_eq!(backends[0]["address"], new.address().to_string());
    assert_eq!(turns(&proxy, "111", 4).await, [1, 1, 1, 1]);
    assert_eq!((old.requests().len(), new.requests().len()), (1, 4));
}

#[tokio::test]
async fn the_same_again_is_the_same_registration() {
    let proxy = proxy().await;
    let mut server = server(&proxy, "1", "111").await;
    let first = proxy.backends("servers").await;
    for _ in 0..3 {
        server.register(&proxy.address()).await;
        assert!(proxy.ask(request("111", "abc")).await.acknowledges("abc"));
    }
    let after = proxy.backends("servers").await;
    assert_eq!(after.len(), 1);
    assert_eq!(after[0]["since_unix_ms"], first[0]["since_unix_ms"]);
    assert_eq!(after[0]["requests"], 3, "its figures went on");
}

#[tokio::test]
async fn the_same_id_in_two_policies_is_two_registrations() {
    let proxy = proxy().await;
    let one = server(&proxy, "1", "111").await;
    let other = server(&proxy, "1", "222").await;
    for (policy, payload) in [("111", "a"), ("222", "b"), ("222", "c")] {
        assert!(proxy.ask(request(policy, payload)).await.acknowledges(payload));
    }
    assert_eq!((one.requests().len(), other.requests().len()), (1, 2));
}

#[tokio::test]
async fn one_server_may_uphold_two_policies_at_one_port() {
    let proxy = proxy().await;
    let server = server(&proxy, "1", "111").await;
    let answer = proxy.ask(setup(1, 222, server.port())).await;
    assert_eq!(*answer.field("status"), "registered", "{answer}");
    let both = ["1@111", "1@222"];
    proxy.until_standing("servers", &both, "serving").await;
    for policy in ["111", "222"] {
        assert!(proxy.ask(request(policy, "abc")).await.acknowledges("abc"));
    }
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn the_same_port_on_two_hosts_is_two_servers() {
    let proxy = proxy().await;
    let one = server(&proxy, "1", "111").await;
    let other = PacketServer::of("2", "111")
        .on([127, 0, 0, 2])
        .at_port(one.port())
        .start(&proxy.address())
        .await;
    until_serving(&proxy, &[&one, &other]).await;
    assert_eq!(turns(&proxy, "111", 4).await, [1, 2, 1, 2]);
    assert_eq!((one.requests().len(), other.requests().len()), (2, 2));
}

#[tokio::test]
async fn another_server_at_the_port_takes_the_place_of_the_one_before() {
    let proxy = proxy().await;
    let server = server(&proxy, "1", "111").await;
    let answer = proxy.ask(setup(2, 222, server.port())).await;
    assert_eq!(*answer.field("status"), "registered", "{answer}");
    proxy.until_standing("servers", &["2@222"], "serving").await;
    let refused = proxy.ask(request("111", "abc")).await;
    assert!(["no_backend", "unknown_policy"].contains(&refused.error()));
    assert!(server.requests().is_empty(), "it may not be of 111 any more");
}

#[tokio::test]
async fn a_setup_with_a_ttl_ends_unless_it_is_renewed() {
    let proxy = proxy().await;
    let server = PacketServer::of("1", "111").start_unregistered();
    let brief = setup(1, 111, server.port()).replace('}', r#", "ttl_ms": 2000}"#);
    let since = Instant::now();
    while since.elapsed() < Duration::from_millis(3000) {
        assert_eq!(*proxy.ask(&brief).await.field("status"), "registered");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    until_serving(&proxy, &[&server]).await;
    let ended = async {
        while !proxy.backends("servers").await.is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), ended)
        .await
        .expect("it ends without another word");
    assert_eq!(proxy.ask(request("111", "abc")).await.error(), "no_backend");
}

#[tokio::test]
async fn no_setup_is_taken_where_registration_is_off() {
    let web = "[listener.plain]\nbind = \"127.0.0.1:0\"\npackets = \"servers\"\n";
    let proxy = Proxy::with(&config(web)).await;
    let server = server(&proxy, "1", "111").await;
    let mut client = Client::connect(&proxy.address_of("plain")).await;
    let answer = client.ask(setup(2, 111, server.port())).await;
    assert_eq!(answer.error(), "registration_refused");
    assert_eq!(*answer.field("id"), 2);
    assert!(client.ask(request("111", "abc")).await.acknowledges("abc"));
    assert_eq!(proxy.backends("servers").await.len(), 1);
}

#[tokio::test]
async fn no_setup_is_taken_from_a_network_that_is_not_allowed() {
    let networks = "[registration]\nnetworks = [\"127.0.0.1/32\"]\n";
    let proxy = Proxy::with(&config(networks)).await;
    let _server = server(&proxy, "1", "111").await;
    let mut client = Client::connect_from([127, 0, 0, 2], &proxy.address()).await;
    let answer = client.ask(setup(2, 111, 9)).await;
    assert_eq!(answer.error(), "registration_refused");
    assert!(answer.detail().contains("127.0.0.2"), "{answer}");
    assert!(client.ask(request("111", "abc")).await.acknowledges("abc"));
    assert_eq!(proxy.backends("servers").await.len(), 1);
}

#[tokio::test]
async fn one_source_may_register_so_many_servers_and_no_more() {
    let bound = "[registration]\nper_source_max = 2\n";
    let proxy = Proxy::with(&config(bound)).await;
    let mut servers = vec![server(&proxy, "1", "111").await, server(&proxy, "2", "111").await];
    let answer = proxy.ask(setup(3, 111, 9)).await;
    assert_eq!(answer.error(), "registration_refused");
    assert!(answer.detail().contains('2'), "{answer}");
    for server in &mut servers {
        server.register(&proxy.address()).await;
    }
    assert_eq!(turns(&proxy, "111", 4).await, [1, 2, 1, 2]);
}

#[tokio::test]
async fn the_proxy_is_no_server_of_its_own() {
    let proxy = proxy().await;
    let own = proxy.address().to_string();
    let port = own.rsplit(':').next().unwrap().parse().unwrap();
    let answer = proxy.ask(setup(1, 111, port)).await;
    assert_eq!(answer.error(), "registration_refused");
    assert!(answer.detail().contains(&own), "{answer}");
}

#[tokio::test]
async fn a_host_is_honoured_with_a_token_that_allows_it() {
    let proxy = proxy().await;
    let wish = r#"{"policies": ["111"], "networks": ["127.0.0.2/32"], "expires": "1h"}"#;
    let token = proxy.token(wish).await;
    let server = PacketServer::of("1", "111")
        .on([127, 0, 0, 2])
        .start_unregistered();
    let with = |policy: u32, host: &str, token: &str| {
        setup(1, policy, server.port()).replace('}', &format!(r#", "host": "{host}", "token": "{token}"}}"#))
    };
    let mut client = proxy.connect().await;
    let forged = format!("{}x", &token[..token.len() - 1]);
    for (packet, why) in [
        (with(111, "127.0.0.3", &token), "127.0.0.3"),
        (with(222, "127.0.0.2", &token), "222"),
        (with(111, "127.0.0.2", &forged), "token"),
        (with(111, "localhost", &token), "localhost"),
    ] {
        let answer = client.ask(packet).await;
        assert_eq!(answer.error(), "registration_refused", "{answer}");
        assert!(answer.detail().contains(why), "{answer}");
        assert!(!answer.raw().contains("ptv_"), "no secret is echoed: {answer}");
    }
    let answer = client.ask(with(111, "127.0.0.2", &token)).await;
    assert_eq!(*answer.field("status"), "registered", "{answer}");
    assert!(!answer.raw().contains("ptv_"), "{answer}");
    until_serving(&proxy, &[&server]).await;
    assert!(proxy.ask(request("111", "abc")).await.acknowledges("abc"));
    let stolen = proxy.ask(setup(1, 111, server.port())).await;
    assert_eq!(stolen.error(), "registration_refused", "it is held by a token");
}
