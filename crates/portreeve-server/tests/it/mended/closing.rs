//! Listeners that close, by a drain or a reload.

use portreeve_testkit::{Client, Ended, Origin, Proxy, get};

/// Each round is a race between the request and the close; both orders must end with an answer.
const ROUNDS: usize = 25;
const FRESH: usize = 4;

/// A connection that has had an answer and some that have not, each with a request that has arrived.
async fn asking(proxy: &Proxy, listener: &str) -> Vec<Client> {
    let address = proxy.address_of(listener);
    let mut clients = vec![Client::connect(&address).await];
    clients[0].send(get("/")).await;
    assert_eq!(clients[0].response().await.status(), 200);
    for _ in 0..FRESH {
        clients.push(Client::connect(&address).await);
    }
    for client in &mut clients {
        client.send(get("/")).await;
    }
    clients
}

async fn assert_answered_and_closed(clients: Vec<Client>, round: usize) {
    for (index, mut client) in clients.into_iter().enumerate() {
        match client.try_response().await {
            Ok(response) => assert_eq!(response.status(), 200, "round {round}, connection {index}"),
            Err(broken) => panic!("round {round}, connection {index}: {broken}"),
        }
        assert_eq!(
            client.expect_closed().await,
            Ended::Closed,
            "round {round}, connection {index}"
        );
    }
}

#[tokio::test]
async fn a_drain_answers_every_request_that_had_arrived() {
    let origin = Origin::replying(200, "hi").start().await;
    for round in 0..ROUNDS {
        let proxy = Proxy::before("app.test", &[&origin])
            .top("threads = 2")
            .start()
            .await;
        let clients = asking(&proxy, "web").await;
        let (cut, ()) = tokio::join!(proxy.drain(), assert_answered_and_closed(clients, round));
        assert_eq!(cut, 0, "round {round}");
    }
}

fn with_listeners(names: &[&str], origin: &Origin) -> String {
    let listeners: String = names
        .iter()
        .map(|name| format!("[listener.{name}]\nbind = \"127.0.0.1:0\"\n"))
        .collect();
    format!(
        "threads = 2\n{listeners}[route.all]\npool = \"app\"\n[pool.app]\nbackends = [\"{}\"]\n",
        origin.address()
    )
}

#[tokio::test]
async fn a_listener_that_a_reload_closes_answers_every_request_that_had_arrived() {
    let origin = Origin::replying(200, "hi").start().await;
    let mut proxy = Proxy::with(&with_listeners(&["web"], &origin)).await;
    for round in 0..ROUNDS {
        let both = with_listeners(&["web", "old"], &origin);
        proxy.reload(&both).await.unwrap();
        let clients = asking(&proxy, "old").await;
        proxy.reload(&with_listeners(&["web"], &origin)).await.unwrap();
        assert_answered_and_closed(clients, round).await;
    }
    assert_eq!(proxy.answer(get("/")).await.status(), 200);
}
