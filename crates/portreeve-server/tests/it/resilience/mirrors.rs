//! Copies of a route's requests that another pool gets too.

use portreeve_testkit::{Origin, Proxy, Script, Setup, get};

use crate::resilience::{count, named, playing, targets, with_body};

/// A proxy before `main` that sends copies to `shadow`.
fn mirroring(main: &Origin, shadow: &Origin, mirror: &str) -> Setup {
    Proxy::before("app.test", &[main])
        .route(mirror)
        .tables(&format!("[pool.shadow]\nbackends = \"{}\"", shadow.address()))
}

#[tokio::test]
async fn the_shadow_gets_what_the_main_pool_gets_and_the_client_only_its_answer() {
    let (main, shadow) = (named("main").await, named("shadow").await);
    let proxy = mirroring(&main, &shadow, "mirror = \"shadow\"").start().await;
    let mut client = proxy.connect().await;
    for place in 0..5 {
        client.send(get(&format!("/{place}"))).await;
        assert_eq!(client.response().await.text(), "main");
    }
    shadow.until_requests(5).await;
    let mut mirrored = targets(&shadow).await;
    mirrored.sort();
    assert_eq!(mirrored, targets(&main).await);
    let (here, there) = (main.requests().await, shadow.requests().await);
    assert_eq!(there[0].field("via"), here[0].field("via"));
    assert_eq!(there[0].field("host").as_deref(), Some("app.test"));
}

#[tokio::test]
async fn a_body_that_is_there_is_copied_whole() {
    let (main, shadow) = (named("main").await, named("shadow").await);
    let proxy = mirroring(&main, &shadow, "mirror = \"shadow\"").start().await;
    let answer = proxy.answer(with_body("POST", "", "of nine b")).await;
    assert_eq!(answer.text(), "main");
    shadow.until_body("of nine b").await;
    assert_eq!(main.request().await.text(), "of nine b");
}

#[tokio::test]
async fn a_body_that_is_still_to_come_is_not_copied() {
    let (main, shadow) = (named("main").await, named("shadow").await);
    let proxy = mirroring(&main, &shadow, "mirror = \"shadow\"").start().await;
    let mut client = proxy.connect().await;
    client
        .send("POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 4\r\n\r\nha")
        .await;
    main.until_connections(1).await;
    client.send("lf").await;
    assert_eq!(client.response().await.text(), "main");
    assert_eq!(main.request().await.text(), "half");
    client.send(get("/next")).await;
    assert_eq!(client.response().await.text(), "main");
    shadow.until_requests(1).await;
    assert_eq!(targets(&shadow).await, ["/next"]);
}

#[tokio::test]
async fn a_shadow_that_hangs_or_fails_hurts_nobody() {
    for script in [
        Script::new().read_request().stall(),
        Script::new().read_request().reset(),
        Script::new().read_request().send("nonsense\r\n\r\n"),
    ] {
        let (main, shadow) = (named("main").await, playing(script).await);
        let proxy = mirroring(&main, &shadow, "mirror = \"shadow\"").start().await;
        let mut client = proxy.connect().await;
        for _ in 0..20 {
            client.send(get("/")).await;
            assert_eq!(client.response().await.text(), "main");
        }
        assert_eq!(count(&main).await, 20);
    }
}

#[tokio::test]
async fn a_shadow_nobody_can_reach_hurts_nobody() {
    let (main, shadow) = (named("main").await, Origin::refusing());
    let proxy = mirroring(&main, &shadow, "mirror = \"shadow\"").start().await;
    for _ in 0..5 {
        assert_eq!(proxy.answer(get("/")).await.text(), "main");
    }
}

#[tokio::test]
async fn only_its_share_is_copied() {
    let (main, shadow) = (named("main").await, named("shadow").await);
    let mirror = "mirror = { pool = \"shadow\", share = \"20%\" }";
    let proxy = mirroring(&main, &shadow, mirror).start().await;
    let mut client = proxy.connect().await;
    for _ in 0..500 {
        client.send(get("/")).await;
        client.response().await;
    }
    drop(client);
    proxy.drain().await;
    let copies = count(&shadow).await;
    assert!((50..=150).contains(&copies), "{copies} of 500");
}
