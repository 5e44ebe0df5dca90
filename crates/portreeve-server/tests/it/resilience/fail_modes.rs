//! What becomes of requests when no backend that upholds their policies is healthy.

use portreeve_testkit::{Client, Origin, Proxy, Setup, get};

use crate::resilience::{assert_told, count, named};

fn before(origins: &[&Origin], pool: &str) -> Setup {
    Proxy::before("app.test", origins).counting().pool(pool)
}

/// Ejects each after one failure, for longer than any test runs.
const TOUCHY: &str =
    "ejection = { failures_in_a_row = 1, share_max = \"100%\", time = \"1h\", time_max = \"1h\" }";

/// A proxy whose only backend is known to be down.
async fn with_one_down(origin: &Origin, pool: &str) -> Proxy {
    let proxy = before(&[origin], pool).start().await;
    assert_told(&proxy.answer(get("/")).await, 502, "connect_refused");
    proxy
}

#[tokio::test]
async fn refusing_is_the_default_and_says_how_they_are() {
    let proxy = with_one_down(&Origin::refusing(), "").await;
    let told = proxy.answer(get("/")).await;
    assert_told(&told, 503, "no_backend");
    assert!(told.text().contains("1 down"), "{}", told.text());
}

#[tokio::test]
async fn a_request_is_held_until_a_backend_comes_back() {
    let gone = Origin::refusing();
    let proxy = with_one_down(&gone, "fail_mode = \"hold\"\nhold = { timeout = \"9s\" }").await;
    let mut held = Vec::new();
    for _ in 0..5 {
        let mut client = proxy.connect().await;
        client.send(get("/")).await;
        held.push(client);
    }
    proxy.come_round().await;
    let address = gone.address().clone();
    drop(gone);
    let back = Origin::replying(200, "back").at(&address).start().await;
    for client in &mut held {
        assert_eq!(client.response().await.text(), "back");
    }
    assert_eq!(count(&back).await, 5);
    proxy.until_idle().await;
}

#[tokio::test]
async fn a_request_is_not_held_for_ever() {
    let proxy = with_one_down(
        &Origin::refusing(),
        "fail_mode = \"hold\"\nhold = { timeout = \"150ms\" }",
    )
    .await;
    let told = proxy.answer(get("/")).await;
    assert_told(&told, 503, "no_backend");
}

#[tokio::test]
async fn where_all_are_ejected_none_is_asked_unless_the_pool_says_so() {
    for (mode, told, asked) in [("refuse", 503, 1), ("use-all", 500, 4)] {
        let sick = Origin::replying(500, "sick").start().await;
        let pool = format!("fail_mode = \"{mode}\"\n{TOUCHY}");
        let proxy = before(&[&sick], &pool).start().await;
        assert_eq!(proxy.answer(get("/")).await.status(), 500);
        for _ in 0..3 {
            assert_eq!(proxy.answer(get("/")).await.status(), told, "{mode}");
        }
        assert_eq!(count(&sick).await, asked, "{mode}");
    }
}

#[tokio::test]
async fn use_all_asks_those_that_are_down() {
    let gone = Origin::refusing();
    let proxy = with_one_down(&gone, "fail_mode = \"use-all\"").await;
    for _ in 0..3 {
        assert_told(&proxy.answer(get("/")).await, 502, "connect_refused");
    }
    proxy.until_idle().await;
}

/// A proxy whose requests demand `eu`, which `origins.0` upholds and `origins.1` does not.
async fn with_policies(origins: (&Origin, &Origin), mode: &str) -> Proxy {
    let backends = [
        format!("{{ address = \"{}\", policies = [\"eu\"] }}", origins.0.address()),
        format!("\"{}\"", origins.1.address()),
    ];
    before(
        &[],
        &format!("fail_mode = \"{mode}\"\nhold = {{ timeout = \"150ms\" }}\n{TOUCHY}"),
    )
    .backends(backends)
    .route("policy = \"eu\"")
    .start()
    .await
}

#[tokio::test]
async fn no_mode_sends_a_request_to_one_that_does_not_uphold_its_policies() {
    for mode in ["refuse", "hold", "use-all"] {
        let (gone, other) = (Origin::refusing(), named("other").await);
        let proxy = with_policies((&gone, &other), mode).await;
        for _ in 0..4 {
            let status = proxy.answer(get("/")).await.status();
            assert!(matches!(status, 502 | 503), "{mode}: {status}");
        }
        assert_eq!(count(&other).await, 0, "{mode}");
        let (sick, other) = (Origin::replying(500, "sick").start().await, named("other").await);
        let proxy = with_policies((&sick, &other), mode).await;
        for _ in 0..4 {
            let answer = proxy.answer(get("/")).await;
            assert!(matches!(answer.status(), 500 | 503), "{mode}: {}", answer.text());
        }
        assert_eq!(count(&other).await, 0, "{mode}");
    }
}

#[tokio::test]
async fn a_client_that_leaves_while_held_is_not_served_later() {
    let gone = Origin::refusing();
    let proxy = with_one_down(&gone, "fail_mode = \"hold\"\nhold = { timeout = \"9s\" }").await;
    let mut leaves = Client::connect(&proxy.address()).await;
    leaves.send(get("/leaves")).await;
    proxy.come_round().await;
    let mut stays = Client::connect(&proxy.address()).await;
    stays.send(get("/stays")).await;
    leaves.reset();
    proxy.come_round().await;
    let address = gone.address().clone();
    drop(gone);
    let back = Origin::replying(200, "back").at(&address).start().await;
    assert_eq!(stays.response().await.text(), "back");
    assert_eq!(crate::resilience::targets(&back).await, ["/stays"]);
}
