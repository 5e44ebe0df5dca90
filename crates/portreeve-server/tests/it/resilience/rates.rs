//! How many requests a route lets through.

use std::time::{Duration, Instant};

use portreeve_testkit::{Address, Client, Message, Origin, Proxy, get, post, volley};

use crate::resilience::{assert_told, count, named, retry_after, with_field};

async fn limited(origin: &Origin, rate: &str) -> Proxy {
    Proxy::before("app.test", &[origin])
        .route(&format!("rate = {rate}"))
        .start()
        .await
}

async fn from(client: [u8; 4], proxy: &Address) -> Message {
    let mut client = Client::connect_from(client, proxy).await;
    client.send(get("/")).await;
    client.response().await
}

#[tokio::test]
async fn those_beyond_the_rate_are_told_when_to_come_again() {
    let origin = named("served").await;
    let proxy = limited(&origin, "{ requests = 3, every = \"1h\" }").await;
    for _ in 0..3 {
        assert_eq!(proxy.answer(get("/")).await.status(), 200);
    }
    for _ in 0..3 {
        let told = proxy.answer(get("/")).await;
        assert_told(&told, 429, "rate_limited");
        assert!((1_190..=1_200).contains(&retry_after(&told)), "{told:?}");
    }
    assert_eq!(count(&origin).await, 3);
}

#[tokio::test]
async fn a_refused_body_is_not_taken_for_the_next_request() {
    let origin = named("served").await;
    let proxy = limited(&origin, "{ requests = 1, every = \"1h\" }").await;
    assert_eq!(proxy.answer(get("/")).await.status(), 200);
    let mut client = proxy.connect().await;
    client.send(post(&get("/smuggled"))).await;
    assert_told(&client.response().await, 429, "rate_limited");
    client.expect_closed().await;
    let mut client = proxy.connect().await;
    for _ in 0..3 {
        client.send(get("/")).await;
        assert_told(&client.response().await, 429, "rate_limited");
    }
    assert_eq!(count(&origin).await, 1);
}

#[tokio::test]
async fn they_may_come_again_when_they_were_told_to() {
    let origin = named("served").await;
    let proxy = limited(&origin, "{ requests = 1, every = \"1s\" }").await;
    while proxy.answer(get("/")).await.status() == 200 {}
    let told = proxy.answer(get("/")).await;
    assert_told(&told, 429, "rate_limited");
    assert_eq!(retry_after(&told), 1, "whole seconds, rounded up");
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(proxy.answer(get("/")).await.status(), 200);
}

#[tokio::test]
async fn over_time_no_more_are_let_through_than_the_rate() {
    let origin = named("served").await;
    let proxy = limited(&origin, "{ requests = 5, every = \"500ms\" }").await;
    let began = Instant::now();
    let mut served = 0;
    while began.elapsed() < Duration::from_millis(1_200) {
        served += u64::from(proxy.answer(get("/")).await.status() == 200);
    }
    let took = u64::try_from(began.elapsed().as_millis()).expect("not so many");
    // A burst, one for each tenth of a second, and one because time is counted in whole requests.
    let most = 5 + took / 100 + 1;
    assert!((10..=most).contains(&served), "{served} of {most} in {took} ms");
}

#[tokio::test]
async fn clients_are_counted_apart() {
    let origin = named("served").await;
    let proxy = limited(&origin, "{ requests = 2, every = \"1h\", per = \"client\" }").await;
    for client in [[127, 0, 0, 2], [127, 0, 0, 3]] {
        let mut told = Vec::new();
        for _ in 0..3 {
            told.push(from(client, &proxy.address()).await.status());
        }
        assert_eq!(told, [200, 200, 429], "{client:?}");
    }
}

#[tokio::test]
async fn behind_a_trusted_proxy_clients_are_who_it_says() {
    let origin = named("served").await;
    let proxy = Proxy::before("app.test", &[&origin])
        .listener("trusted_proxies = [\"127.0.0.0/8\"]")
        .route("rate = { requests = 1, every = \"1h\", per = \"client\" }")
        .start()
        .await;
    for client in ["192.0.2.1", "192.0.2.2"] {
        let request = with_field("X-Forwarded-For", client);
        assert_eq!(proxy.answer(&request).await.status(), 200);
        assert_eq!(proxy.answer(&request).await.status(), 429);
    }
}

#[tokio::test]
async fn a_client_cannot_say_who_it_is() {
    let origin = named("served").await;
    let proxy = limited(&origin, "{ requests = 1, every = \"1h\", per = \"client\" }").await;
    let claims = |client: &str| with_field("X-Forwarded-For", client);
    assert_eq!(proxy.answer(claims("192.0.2.1")).await.status(), 200);
    assert_eq!(proxy.answer(claims("192.0.2.2")).await.status(), 429);
}

#[tokio::test]
async fn values_of_a_header_are_counted_apart_and_those_without_together() {
    let origin = named("served").await;
    let proxy = limited(
        &origin,
        "{ requests = 1, every = \"1h\", per = \"header:X-Api-Key\" }",
    )
    .await;
    for key in ["one", "two"] {
        let request = with_field("x-api-key", key);
        assert_eq!(proxy.answer(&request).await.status(), 200);
        assert_eq!(proxy.answer(&request).await.status(), 429, "{key}");
    }
    assert_eq!(proxy.answer(get("/")).await.status(), 200);
    assert_eq!(proxy.answer(get("/")).await.status(), 429);
}

#[tokio::test]
async fn a_burst_may_be_less_than_the_rate() {
    let origin = named("served").await;
    let proxy = limited(&origin, "{ requests = 3, every = \"1h\", burst = 2 }").await;
    let mut told = Vec::new();
    for _ in 0..3 {
        told.push(proxy.answer(get("/")).await.status());
    }
    assert_eq!(told, [200, 200, 429]);
}

#[tokio::test]
async fn of_several_all_hold_and_what_one_refuses_is_charged_to_none() {
    let origin = named("served").await;
    let rates = "[{ requests = 3, every = \"1h\" }, { requests = 1, every = \"1h\", per = \"client\" }]";
    let proxy = limited(&origin, rates).await;
    let address = proxy.address();
    assert_eq!(from([127, 0, 0, 2], &address).await.status(), 200);
    for _ in 0..5 {
        assert_eq!(from([127, 0, 0, 2], &address).await.status(), 429);
    }
    assert_eq!(from([127, 0, 0, 3], &address).await.status(), 200);
    assert_eq!(from([127, 0, 0, 4], &address).await.status(), 200);
    assert_eq!(from([127, 0, 0, 5], &address).await.status(), 429, "three in all");
}

#[tokio::test]
async fn all_threads_count_in_the_same_place() {
    let origin = named("served").await;
    let proxy = Proxy::before("app.test", &[&origin])
        .top("threads = 2")
        .route("rate = { requests = 10, every = \"1h\" }")
        .start()
        .await;
    let told = volley(&proxy.address(), 20, 100, &get("/")).await;
    let served = told
        .iter()
        .filter(|answer| answer.as_ref().is_ok_and(|answer| answer.status() == 200));
    assert_eq!(served.count(), 10);
    assert_eq!(count(&origin).await, 10);
}

#[tokio::test]
async fn a_reload_forgets_nothing_unless_the_rate_is_another() {
    let origin = named("served").await;
    let toml = |rate: &str| {
        Proxy::before("app.test", &[&origin])
            .route(&format!("rate = {rate}"))
            .toml()
    };
    let (same, other) = (
        "{ requests = 1, every = \"1h\" }",
        "{ requests = 2, every = \"1h\" }",
    );
    let mut proxy = Proxy::with(&toml(same)).await;
    assert_eq!(proxy.answer(get("/")).await.status(), 200);
    proxy.reload(&toml(same)).await.unwrap();
    assert_eq!(proxy.answer(get("/")).await.status(), 429);
    proxy.reload(&toml(other)).await.unwrap();
    assert_eq!(proxy.answer(get("/")).await.status(), 200);
}
