//! Duty: balancing per pool, per request and not per connection.

use std::collections::{BTreeMap, BTreeSet};

use portreeve_testkit::{Gate, Origin, Proxy, Script, answer, get};

async fn named(names: &[&str]) -> Vec<Origin> {
    let mut origins = Vec::new();
    for name in names {
        origins.push(Origin::replying(200, name).start().await);
    }
    origins
}

async fn before(origins: &[Origin], balance: &str) -> Proxy {
    let origins: Vec<&Origin> = origins.iter().collect();
    let pool = format!("balance = \"{balance}\"");
    Proxy::before("app.test", &origins)
        .top("threads = 2")
        .pool(&pool)
        .start()
        .await
}

/// Who answers `count` requests that one connection sends one after the other.
async fn on_one_connection(proxy: &Proxy, count: usize) -> String {
    let (mut client, mut who) = (proxy.connect().await, String::new());
    for _ in 0..count {
        client.send(get("/")).await;
        who += &client.response().await.text();
    }
    who
}

/// Who answers `count` requests, each on a connection of its own.
async fn on_many_connections(proxy: &Proxy, count: usize) -> String {
    let mut who = String::new();
    for _ in 0..count {
        who += &proxy.answer(get("/")).await.text();
    }
    who
}

fn counts(who: &str) -> BTreeMap<char, usize> {
    let mut counts = BTreeMap::new();
    for letter in who.chars() {
        *counts.entry(letter).or_default() += 1;
    }
    counts
}

/// A rotation may begin anywhere.
#[track_caller]
fn assert_rotates(who: &str, pattern: &str) {
    let endless = pattern.repeat(who.len() / pattern.len() + 2);
    assert!(endless.contains(who), "{who} is no {pattern}, {pattern}, ...");
}

#[tokio::test]
async fn round_robin_is_exactly_one_two_one_two() {
    let origins = named(&["1", "2"]).await;
    let proxy = before(&origins, "round-robin").await;
    let who = on_one_connection(&proxy, 10).await
        + &on_many_connections(&proxy, 10).await
        + &on_one_connection(&proxy, 11).await;
    assert_rotates(&who, "12");
}

#[tokio::test]
async fn round_robin_is_the_default() {
    let origins = named(&["1", "2", "3"]).await;
    let proxy = Proxy::routing("app.test", &origins.iter().collect::<Vec<_>>()).await;
    assert_rotates(&on_one_connection(&proxy, 12).await, "123");
}

#[tokio::test]
async fn many_clients_at_once_leave_counts_equal_within_one() {
    let origins = named(&["1", "2", "3"]).await;
    let proxy = before(&origins, "round-robin").await;
    let ask = async || on_one_connection(&proxy, 20).await;
    let (a, b, c, d, e) = tokio::join!(ask(), ask(), ask(), ask(), ask());
    let counts = counts(&[a, b, c, d, e].concat());
    assert!(
        counts.values().all(|count| (33..=34).contains(count)),
        "{counts:?}"
    );
}

#[tokio::test]
async fn a_pipeline_rotates_too() {
    let origins = named(&["1", "2"]).await;
    let proxy = before(&origins, "round-robin").await;
    let mut client = proxy.connect().await;
    client.send(get("/").repeat(10)).await;
    let mut who = String::new();
    for _ in 0..10 {
        who += &client.response().await.text();
    }
    assert_rotates(&who, "12");
}

#[tokio::test]
async fn weights_are_kept_exactly_and_smoothly() {
    let origins = named(&["a", "b", "c"]).await;
    let weighted = [4, 2, 1].iter().zip(&origins);
    let backends = weighted
        .map(|(weight, origin)| format!("{{ address = \"{}\", weight = {weight} }}", origin.address()));
    let proxy = Proxy::before("app.test", &[]).backends(backends).start().await;
    let who = on_one_connection(&proxy, 70).await;
    assert_eq!(counts(&who), BTreeMap::from([('a', 40), ('b', 20), ('c', 10)]));
    assert!(!who.contains("aaa"), "bursts: {who}");
}

#[tokio::test]
async fn a_refusing_backend_is_passed_over_and_the_rest_is_shared() {
    let good = named(&["1", "2"]).await;
    let refusing = Origin::refusing();
    let proxy = Proxy::routing("app.test", &[&good[0], &refusing, &good[1]]).await;
    let who = on_one_connection(&proxy, 30).await;
    assert_eq!(who.len(), 30);
    assert!(counts(&who).values().all(|count| *count >= 10), "{who}");
}

#[tokio::test]
async fn least_requests_avoids_the_busy() {
    let gate = Gate::new();
    let busy = Origin::scripted(
        Script::new()
            .read_request()
            .wait(&gate)
            .send(answer("200 OK", "b"))
            .forever(),
    )
    .start()
    .await;
    let idle = Origin::replying(200, "i").start().await;
    let proxy = Proxy::before("app.test", &[&busy, &idle])
        .pool("balance = \"least-requests\"")
        .start()
        .await;
    let mut waiting = Vec::new();
    while busy.requests().await.is_empty() {
        let mut client = proxy.connect().await;
        client.send(get("/")).await;
        let _ = tokio::time::timeout(std::time::Duration::from_millis(50), client.head()).await;
        waiting.push(client);
    }
    assert_eq!(on_one_connection(&proxy, 10).await, "i".repeat(10));
    assert_eq!(busy.requests().await.len(), 1);
    gate.open();
}

#[tokio::test]
async fn two_choices_avoids_the_busy_one_of_two() {
    let gate = Gate::new();
    let busy = Origin::scripted(
        Script::new()
            .read_request()
            .wait(&gate)
            .send(answer("200 OK", "b"))
            .forever(),
    )
    .start()
    .await;
    let idle = Origin::replying(200, "i").start().await;
    let proxy = Proxy::before("app.test", &[&busy, &idle])
        .pool("balance = \"two-choices\"")
        .start()
        .await;
    let mut waiting = Vec::new();
    while busy.requests().await.is_empty() {
        let mut client = proxy.connect().await;
        client.send(get("/")).await;
        let _ = tokio::time::timeout(std::time::Duration::from_millis(50), client.head()).await;
        waiting.push(client);
        assert!(
            waiting.len() < 100,
            "the idle one is not the only choice while both are idle"
        );
    }
    assert_eq!(on_one_connection(&proxy, 10).await, "i".repeat(10));
    gate.open();
}

#[tokio::test]
async fn random_and_two_choices_use_everybody() {
    for balance in ["random", "two-choices"] {
        let origins = named(&["1", "2", "3"]).await;
        let proxy = before(&origins, balance).await;
        let who = on_one_connection(&proxy, 120).await;
        let counts = counts(&who);
        assert!(
            counts.len() == 3 && counts.values().all(|count| *count > 10),
            "{balance}: {counts:?}"
        );
    }
}

#[tokio::test]
async fn first_is_the_first_that_is_available() {
    let origins = named(&["1", "2"]).await;
    let proxy = before(&origins, "first").await;
    assert_eq!(on_one_connection(&proxy, 5).await, "11111");
    let refusing = Origin::refusing();
    let proxy = Proxy::before("app.test", &[&refusing, &origins[1]])
        .pool("balance = \"first\"")
        .start()
        .await;
    assert_eq!(on_many_connections(&proxy, 5).await, "22222");
}

/// Who answers the request that this turns a key into, for 60 keys.
async fn by_key(proxy: &Proxy, request: impl Fn(usize) -> String) -> Vec<String> {
    let mut who = Vec::new();
    for key in 0..60 {
        who.push(proxy.answer(request(key)).await.text());
    }
    who
}

#[tokio::test]
async fn a_hash_sends_the_same_key_to_the_same_backend_and_uses_all() {
    let by_header = |key| format!("GET / HTTP/1.1\r\nHost: app.test\r\nX-Key: {key}\r\n\r\n");
    let by_cookie = |key| format!("GET / HTTP/1.1\r\nHost: app.test\r\nCookie: a=b; sid={key}; c=d\r\n\r\n");
    let by_path = |key| format!("GET /{key}?ignored HTTP/1.1\r\nHost: app.test\r\n\r\n");
    let cases: [(&str, &dyn Fn(usize) -> String); 3] = [
        ("hash:header:X-Key", &by_header),
        ("hash:cookie:sid", &by_cookie),
        ("hash:path", &by_path),
    ];
    for (balance, request) in cases {
        let origins = named(&["1", "2", "3"]).await;
        let proxy = before(&origins, balance).await;
        let who = by_key(&proxy, request).await;
        assert_eq!(by_key(&proxy, request).await, who, "{balance}");
        assert_eq!(
            who.iter().collect::<BTreeSet<_>>().len(),
            3,
            "{balance} uses only {who:?}"
        );
    }
}

#[tokio::test]
async fn a_hash_by_address_sends_a_client_to_one_backend() {
    let origins = named(&["1", "2", "3"]).await;
    let proxy = before(&origins, "hash:address").await;
    let who = on_many_connections(&proxy, 10).await;
    assert_eq!(counts(&who).len(), 1, "{who}");
    let mut all = BTreeSet::new();
    for last in 1..40 {
        let mut client = portreeve_testkit::Client::connect_from([127, 0, 0, last], &proxy.address()).await;
        client.send(get("/")).await;
        all.insert(client.response().await.text());
    }
    assert_eq!(all.len(), 3);
}

#[tokio::test]
async fn a_hash_moves_only_the_keys_of_a_backend_that_goes() {
    let origins = named(&["1", "2", "3"]).await;
    let toml = |count: usize| {
        let listed: Vec<String> = origins[..count]
            .iter()
            .map(|origin| format!("\"{}\"", origin.address()))
            .collect();
        format!(
            "[listener.web]\nbind = \"127.0.0.1:0\"\n[route.all]\npool = \"app\"\n[pool.app]\nbalance = \"hash:path\"\nbackends = [{}]",
            listed.join(",")
        )
    };
    let mut proxy = Proxy::with(&toml(3)).await;
    let by_path = |key| get(&format!("/{key}"));
    let three = by_key(&proxy, by_path).await;
    proxy.reload(&toml(2)).await.unwrap();
    let two = by_key(&proxy, by_path).await;
    for (before, after) in three.iter().zip(&two) {
        assert!(
            before == after || before == "3",
            "a key moved from {before} to {after}"
        );
    }
    assert!(!two.contains(&"3".to_owned()));
}

#[tokio::test]
async fn a_hash_whose_backend_refuses_tries_another() {
    let (refusing, good) = (Origin::refusing(), Origin::replying(200, "g").start().await);
    let proxy = Proxy::before("app.test", &[&refusing, &good])
        .pool("balance = \"hash:path\"")
        .start()
        .await;
    assert!(
        by_key(&proxy, |key| get(&format!("/{key}")))
            .await
            .iter()
            .all(|who| who == "g")
    );
}
