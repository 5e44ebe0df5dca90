//! The same with the whole proxy: backends that register and are probed.

use std::time::Duration;

use portreeve_testkit::{PacketServer, Proxy, get};

use crate::scaling::{SCALED, asking, echoing};

async fn proxy(more: &str) -> Proxy {
    Proxy::with(&format!(
        "admin = {{ bind = \"127.0.0.1:0\" }}\n\
         [listener.web]\nbind = \"127.0.0.1:0\"\nregistration = true\n{more}\n\
         [route.app]\nhost = \"app.test\"\npool = \"app\"\n{SCALED}"
    ))
    .await
}

#[tokio::test]
async fn who_is_held_is_served_after_the_first_pass() {
    let proxy = proxy("").await;
    let mut client = asking(&proxy.address(), get("/held")).await;
    proxy.come_round().await;
    client.expect_silence(Duration::from_millis(100)).await;
    let origin = echoing().await;
    proxy.register("app", "1", origin.address()).await;
    let response = client.response().await;
    assert_eq!(response.text(), "/held");
    assert!(response.field("server-timing").is_some(), "{response:?}");
}

#[tokio::test]
async fn packets_are_held_for_the_first_server_of_their_policy() {
    let fleets =
        "[pool.app.scale.fleet.one]\npolicies = [\"1\"]\n[pool.app.scale.fleet.two]\npolicies = [\"2\"]\n";
    let proxy = Proxy::with(&format!(
        "admin = {{ bind = \"127.0.0.1:0\" }}\n\
         [listener.web]\nbind = \"127.0.0.1:0\"\nregistration = true\npackets = {{ pool = \"app\" }}\n{SCALED}{fleets}"
    ))
    .await;
    let request = |policy: u32, payload: &str| {
        let length = payload.len();
        format!(
            r#"{{"type": 0, "srcid": 7, "privPoliId": {policy}, "payloadsize": {length}, "payload": "{payload}"}}"#
        )
    };
    let mut one = asking(&proxy.address(), request(1, "for one")).await;
    let mut two = asking(&proxy.address(), request(2, "for two")).await;
    one.expect_silence(Duration::from_millis(100)).await;
    let second = PacketServer::of("8", "2").awaiting_setup_answer();
    let second = second.start(&proxy.address()).await;
    assert!(two.packet().await.acknowledges("for two"));
    one.expect_silence(Duration::from_millis(100)).await;
    let first = PacketServer::of("9", "1").awaiting_setup_answer();
    let first = first.start(&proxy.address()).await;
    assert!(one.packet().await.acknowledges("for one"));
    assert_eq!((first.requests().len(), second.requests().len()), (1, 1));
}
