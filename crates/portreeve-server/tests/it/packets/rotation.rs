//! Servers take turns in the order in which they registered.

use super::*;

#[tokio::test]
async fn servers_take_turns_in_the_order_of_registration() {
    let proxy = proxy().await;
    let _first = server(&proxy, "2", "111").await;
    let _second = server(&proxy, "1", "111").await;
    assert_eq!(turns(&proxy, "111", 5).await, [2, 1, 2, 1, 2]);
}

#[tokio::test]
async fn each_policy_has_turns_of_its_own() {
    let proxy = proxy().await;
    let mut servers = Vec::new();
    for (id, policy) in [("1", "111"), ("2", "111"), ("3", "222"), ("4", "222")] {
        servers.push(server(&proxy, id, policy).await);
    }
    let mut seen = Vec::new();
    for _ in 0..2 {
        seen.extend(turns(&proxy, "111", 1).await);
        seen.extend(turns(&proxy, "222", 1).await);
    }
    seen.extend(turns(&proxy, "111", 1).await);
    assert_eq!(seen, [1, 3, 2, 4, 1]);
}

#[tokio::test]
async fn turns_go_on_over_connections() {
    let proxy = proxy().await;
    let _first = server(&proxy, "1", "111").await;
    let _second = server(&proxy, "2", "111").await;
    let mut seen = Vec::new();
    for _ in 0..5 {
        seen.extend(turns(&proxy, "111", 1).await);
    }
    assert_eq!(seen, [1, 2, 1, 2, 1]);
}

#[tokio::test]
async fn a_registration_does_not_restart_the_turns() {
    let proxy = proxy().await;
    let mut first = server(&proxy, "1", "111").await;
    let _second = server(&proxy, "2", "111").await;
    assert_eq!(turns(&proxy, "111", 1).await, [1]);
    let _third = server(&proxy, "3", "111").await;
    assert_eq!(turns(&proxy, "111", 1).await, [2]);
    let _other = server(&proxy, "4", "222").await;
    assert_eq!(turns(&proxy, "111", 1).await, [3]);
    first.register(&proxy.address()).await;
    assert_eq!(turns(&proxy, "111", 4).await, [1, 2, 3, 1]);
}

#[tokio::test]
async fn a_removal_does_not_restart_the_turns() {
    let proxy = proxy().await;
    let mut servers = Vec::new();
    for id in ["1", "2", "3"] {
        servers.push(server(&proxy, id, "111").await);
    }
    assert_eq!(turns(&proxy, "111", 1).await, [1]);
    let gone = proxy
        .admin_answer("DELETE", "/v1/pools/servers/backends/1@111", "")
        .await;
    assert_eq!(gone.status(), 204, "{}", gone.text());
    assert_eq!(turns(&proxy, "111", 3).await, [2, 3, 2]);
}

#[tokio::test]
async fn a_server_registered_twice_has_one_turn() {
    let proxy = proxy().await;
    let mut first = server(&proxy, "1", "111").await;
    let _second = server(&proxy, "2", "111").await;
    for _ in 0..3 {
        first.register(&proxy.address()).await;
    }
    assert_eq!(turns(&proxy, "111", 4).await, [1, 2, 1, 2]);
    assert_eq!(proxy.backends("servers").await.len(), 2);
}

#[tokio::test]
async fn a_refused_turn_goes_to_another_and_the_others_go_on_in_turn() {
    let proxy = proxy().await;
    let mut first = server(&proxy, "1", "111").await;
    let _second = server(&proxy, "2", "111").await;
    let _third = server(&proxy, "3", "111").await;
    first.stop().await;
    assert_ne!(turns(&proxy, "111", 1).await, [1]);
    until_probe_failed(&proxy).await;
    assert_eq!(turns(&proxy, "111", 4).await, [2, 3, 2, 3]);
}

/// The first server was down before: whoever meets it says so at once. Then the control plane takes it out of the turns
/// and probes it.
async fn until_probe_failed(proxy: &Proxy) {
    let failed = async {
        loop {
            let backends = proxy.backends("servers").await;
            let reason = backends[0]["reason"].as_str().unwrap_or_default();
            if reason.starts_with("cannot connect") {
                return;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), failed)
        .await
        .expect("a server that is down is probed");
}
