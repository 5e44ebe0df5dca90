//! Everything at once.

use std::collections::HashMap;

use super::*;
use portreeve_testkit::{Origin, get};

#[tokio::test]
async fn one_port_takes_http_packets_and_registrations() {
    let origin = Origin::replying(200, "web").start().await;
    let web = format!(
        "[route.app]\nhost = \"app.test\"\npool = \"app\"\n[pool.app]\nbackends = [\"{}\"]\n",
        origin.address()
    );
    let proxy = Proxy::with(&config(&web)).await;
    let mut server = server(&proxy, "1", "111").await;
    let mut packets = proxy.connect().await;
    let mut http = proxy.connect().await;
    for n in 0..20 {
        let payload = format!("packet {n}");
        packets.send(request("111", &payload)).await;
        http.send(get("/")).await;
        server.register(&proxy.address()).await;
        assert!(packets.packet().await.acknowledges(&payload));
        assert_eq!(http.response().await.text(), "web");
    }
    let put = r#"{"port": 9, "policies": ["222"]}"#;
    http.send(format!(
        "PUT /v1/pools/servers/backends/h HTTP/1.1\r\nHost: app.test\r\nContent-Length: {}\r\n\r\n{put}",
        put.len()
    ))
    .await;
    assert_eq!(http.response().await.status(), 201);
    assert_eq!((server.requests().len(), origin.requests().await.len()), (20, 20));
}

#[tokio::test]
async fn sixty_four_clients_of_three_policies_lose_nothing_and_cross_no_line() {
    let proxy = proxy().await;
    let policies = ["111", "222", "PP_3"];
    let mut servers = Vec::new();
    for n in 0..6 {
        servers.push(server(&proxy, &n.to_string(), policies[n % 3]).await);
    }
    let address = proxy.address();
    let clients: Vec<_> = (0..64)
        .map(|n| {
            let (address, policy) = (address.clone(), policies[n % 3]);
            tokio::spawn(async move { visit(&address, n, policy).await })
        })
        .collect();
    for client in clients {
        client.await.expect("each is answered rightly");
    }
    let mut seen: HashMap<String, usize> = HashMap::new();
    for (n, server) in servers.iter().enumerate() {
        assert_eq!(server.death(), None);
        for request in server.requests() {
            let policy = request.field("privPoliId").as_str().expect("they write text");
            assert_eq!(policy, policies[n % 3], "server {n} got {request}");
            *seen.entry(request.payload().to_owned()).or_default() += 1;
        }
    }
    assert_eq!(seen.len(), 64 * VISITS);
    assert!(seen.values().all(|times| *times == 1), "nothing is asked twice");
    for pair in servers.chunks(3).collect::<Vec<_>>().windows(2) {
        for (one, other) in pair[0].iter().zip(pair[1]) {
            // Who answers nobody for a moment, as on a busy machine, is passed over for that moment.
            let (one, other) = (one.requests().len(), other.requests().len());
            assert!(
                one.abs_diff(other) <= (one + other) / 10,
                "turns are even: {one}, {other}"
            );
        }
    }
}

/// Half of the clients keep their connection, the others come anew each time.
async fn visit(address: &portreeve_testkit::Address, n: usize, policy: &str) {
    let mut client = Client::connect(address).await;
    for turn in 0..VISITS {
        if n.is_multiple_of(2) {
            client = Client::connect(address).await;
        }
        let payload = format!("{policy}, client {n}, packet {turn}");
        let answer = client.ask(request(&format!("\"{policy}\""), &payload)).await;
        assert!(answer.acknowledges(&payload), "{answer}");
    }
}

const VISITS: usize = 20;
