//! Shares of a route's requests that go to other pools.

use std::collections::BTreeSet;

use portreeve_testkit::{Origin, Proxy, get};

use crate::resilience::{count, named, with_field};

/// What has `main` and a canary with this share.
fn toml(main: &Origin, canary: &Origin, route: &str) -> String {
    Proxy::before("app.test", &[main])
        .route(route)
        .tables(&format!("[pool.canary]\nbackends = \"{}\"", canary.address()))
        .toml()
}

fn by_user(share: &str) -> String {
    format!("split = {{ canary = \"{share}\" }}\nsplit_by = \"header:X-User\"")
}

/// Who of 400 users is served by the canary.
async fn canaries(proxy: &Proxy) -> BTreeSet<usize> {
    let mut client = proxy.connect().await;
    let mut found = BTreeSet::new();
    for user in 0..400 {
        client.send(with_field("X-User", &format!("user-{user}"))).await;
        if client.response().await.text() == "canary" {
            found.insert(user);
        }
    }
    found
}

#[tokio::test]
async fn a_user_stays_on_the_same_side_as_long_as_shares_stay() {
    let (main, canary) = (named("main").await, named("canary").await);
    let proxy = Proxy::with(&toml(&main, &canary, &by_user("25%"))).await;
    let found = canaries(&proxy).await;
    assert!((60..=140).contains(&found.len()), "{} of 400", found.len());
    assert_eq!(canaries(&proxy).await, found);
}

#[tokio::test]
async fn who_was_in_a_share_is_in_a_larger_one() {
    let (main, canary) = (named("main").await, named("canary").await);
    let mut proxy = Proxy::with(&toml(&main, &canary, &by_user("5%"))).await;
    let few = canaries(&proxy).await;
    proxy
        .reload(&toml(&main, &canary, &by_user("40%")))
        .await
        .unwrap();
    let many = canaries(&proxy).await;
    assert!(!few.is_empty() && few.len() < many.len());
    assert!(few.is_subset(&many), "{few:?} in {many:?}");
}

#[tokio::test]
async fn a_share_of_nothing_and_of_all() {
    let (main, canary) = (named("main").await, named("canary").await);
    let proxy = Proxy::with(&toml(&main, &canary, &by_user("100%"))).await;
    assert_eq!(canaries(&proxy).await.len(), 400);
    assert_eq!(count(&main).await, 0);
}

#[tokio::test]
async fn without_a_key_chance_decides() {
    let (main, canary) = (named("main").await, named("canary").await);
    let proxy = Proxy::with(&toml(&main, &canary, "split = { canary = \"25%\" }")).await;
    let mut client = proxy.connect().await;
    let mut by_canary = 0;
    for _ in 0..400 {
        client.send(get("/")).await;
        by_canary += usize::from(client.response().await.text() == "canary");
    }
    assert!((60..=140).contains(&by_canary), "{by_canary} of 400");
}

#[tokio::test]
async fn a_share_is_no_way_around_a_policy() {
    let (main, canary) = (named("main").await, named("canary").await);
    let backend = format!(
        "{{ address = \"{}\", policies = [\"eu\", \"us\"] }}",
        main.address()
    );
    let table = format!(
        "[pool.canary]\nbackends = {{ address = \"{}\", policies = [\"us\"] }}",
        canary.address()
    );
    let proxy = Proxy::before("app.test", &[])
        .backends([backend])
        .route("policy = { header = \"Privacy-Policy\" }\nsplit = { canary = \"50%\" }")
        .tables(&table)
        .start()
        .await;
    let mut client = proxy.connect().await;
    for _ in 0..40 {
        client.send(with_field("Privacy-Policy", "eu")).await;
        let status = client.response().await.status();
        assert!(matches!(status, 200 | 503), "{status}");
    }
    assert_eq!(count(&canary).await, 0);
    for _ in 0..40 {
        client.send(with_field("Privacy-Policy", "us")).await;
        assert_eq!(client.response().await.status(), 200);
    }
    assert!(count(&canary).await > 0);
}
