//! A client that stays with its backend by a cookie.

use portreeve_testkit::{Message, Origin, Proxy, get};

use crate::resilience::{named, with_field};

async fn three() -> [Origin; 3] {
    [named("a").await, named("b").await, named("c").await]
}

async fn sticky(origins: &[Origin; 3], sticky: &str) -> Proxy {
    let [a, b, c] = origins;
    Proxy::before("app.test", &[a, b, c]).pool(sticky).start().await
}

/// Name and value of the cookie that an answer sets.
fn cookie(answer: &Message) -> Option<String> {
    let set = answer.field("set-cookie")?;
    set.split(';').next().map(str::to_owned)
}

#[tokio::test]
async fn a_client_stays_with_the_backend_that_served_it_first() {
    let origins = three().await;
    let proxy = sticky(&origins, "sticky = true").await;
    for _ in 0..4 {
        let first = proxy.answer(get("/")).await;
        let cookie = cookie(&first).expect("a cookie");
        for _ in 0..5 {
            let next = proxy
                .answer(with_field("Cookie", &format!("x=1; {cookie}; y=2")))
                .await;
            assert_eq!(next.text(), first.text());
            assert!(next.field("set-cookie").is_none(), "it has the right one");
        }
    }
}

#[tokio::test]
async fn clients_without_the_cookie_take_turns() {
    let origins = three().await;
    let proxy = sticky(&origins, "sticky = true").await;
    let mut served = Vec::new();
    for _ in 0..3 {
        served.push(proxy.answer(get("/")).await.text());
    }
    served.sort();
    assert_eq!(served, ["a", "b", "c"]);
}

#[tokio::test]
async fn the_cookie_is_as_it_was_asked_for() {
    let origins = three().await;
    let plan = "sticky = { cookie = \"srv\", max_age = \"1h\", secure = true }";
    let proxy = sticky(&origins, plan).await;
    let answer = proxy.answer(get("/")).await;
    let set = answer.field("set-cookie").unwrap();
    assert!(set.starts_with("srv="), "{set}");
    for part in [
        "; Path=/",
        "; HttpOnly",
        "; SameSite=Lax",
        "; Max-Age=3600",
        "; Secure",
    ] {
        assert!(set.contains(part), "{part} in {set}");
    }
}

#[tokio::test]
async fn a_forged_cookie_chooses_nobody_and_is_replaced() {
    let origins = three().await;
    let proxy = sticky(&origins, "sticky = true").await;
    let own = cookie(&proxy.answer(get("/")).await).unwrap();
    let (_, value) = own.split_once('=').unwrap();
    let turned: String = value.chars().rev().collect();
    for forged in [
        format!("portreeve={turned}"),
        "portreeve=".to_owned(),
        "portreeve=a".to_owned(),
    ] {
        let answer = proxy.answer(with_field("Cookie", &forged)).await;
        assert_eq!(answer.status(), 200);
        assert!(answer.field("set-cookie").is_some(), "{forged}");
    }
}

#[tokio::test]
async fn a_client_whose_backend_drains_gets_another_and_stays_there() {
    let origins = three().await;
    let [a, b, c] = &origins;
    let setup = Proxy::before("app.test", &[a, b, c])
        .pool("sticky = true")
        .counting();
    let proxy = setup.start().await;
    let first = proxy.answer(get("/")).await;
    let old = cookie(&first).unwrap();
    let place = ["a", "b", "c"]
        .iter()
        .position(|name| *name == first.text())
        .unwrap();
    let pool = "app";
    proxy
        .drain_backend(pool, &origins[place].address().to_string())
        .await;
    let moved = proxy.answer(with_field("Cookie", &old)).await;
    assert_ne!(moved.text(), first.text());
    let new = cookie(&moved).expect("a new cookie");
    for _ in 0..4 {
        assert_eq!(
            proxy.answer(with_field("Cookie", &new)).await.text(),
            moved.text()
        );
    }
}
