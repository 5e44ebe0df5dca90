//! Where nobody may serve a request, it is told why, and nobody does.

use portreeve_testkit::{Origin, Proxy, get};

use crate::policies::world::{JOINABLE, asked, demanding, deregistration, drain, join, refusal, register};

#[tokio::test]
async fn a_policy_that_nobody_ever_upheld_is_unknown() {
    let eu = Origin::replying(200, "eu").start().await;
    let proxy = Proxy::with(JOINABLE).await;
    join(&proxy, "a", eu.address(), "eu").await;
    for unknown in ["us", "eu,us", "EU", "\u{fc}", "e u"] {
        let answer = proxy.answer(demanding(unknown)).await;
        assert_eq!(refusal(&answer), (503, "unknown_policy".into()), "{unknown}");
    }
    assert_eq!(eu.requests().await.len(), 0);
}

#[tokio::test]
async fn a_policy_whose_backends_are_all_away_is_known_and_nobody_elses() {
    let (eu, us) = (
        Origin::replying(200, "eu").start().await,
        Origin::replying(200, "us").start().await,
    );
    let proxy = Proxy::with(JOINABLE).await;
    join(&proxy, "a", eu.address(), "eu").await;
    join(&proxy, "b", us.address(), "us").await;
    drain(&proxy, "a").await;
    let answer = proxy.answer(demanding("eu")).await;
    assert_eq!(refusal(&answer), (503, "no_backend".into()));
    assert_eq!(proxy.answer(demanding("us")).await.text(), "us");
    assert_eq!(eu.requests().await.len(), 0);
    assert_eq!(us.requests().await.len(), 1);
}

#[tokio::test]
async fn who_left_leaves_nobody_in_its_place() {
    let (eu, us) = (
        Origin::replying(200, "eu").start().await,
        Origin::replying(200, "us").start().await,
    );
    let proxy = Proxy::with(JOINABLE).await;
    join(&proxy, "a", eu.address(), "eu").await;
    join(&proxy, "b", us.address(), "us").await;
    assert_eq!(proxy.answer(deregistration("a")).await.status(), 204);
    assert_eq!(proxy.answer(demanding("eu")).await.status(), 503);
    assert_eq!(us.requests().await.len(), 0);
}

#[tokio::test]
async fn a_backend_that_cannot_be_reached_back_gets_nothing() {
    let refusing = Origin::refusing();
    let proxy = Proxy::with(JOINABLE).await;
    register(&proxy, "a", refusing.address(), "eu").await;
    let answer = proxy.answer(demanding("eu")).await;
    assert_eq!(refusal(&answer), (503, "no_backend".into()));
}

#[tokio::test]
async fn all_that_is_demanded_must_be_upheld_by_one_backend() {
    let (eu, both) = (
        Origin::replying(200, "eu").start().await,
        Origin::replying(200, "both").start().await,
    );
    let proxy = Proxy::with(JOINABLE).await;
    join(&proxy, "a", eu.address(), "eu").await;
    join(&proxy, "b", both.address(), "eu,hipaa").await;
    let mut client = proxy.connect().await;
    for _ in 0..6 {
        assert_eq!(asked(&mut client, demanding("hipaa,eu")).await.text(), "both");
    }
    let lines = "GET / HTTP/1.1\r\nHost: app.test\r\nprivacy-policy: eu\r\nPrivacy-Policy: hipaa\r\n\r\n";
    assert_eq!(asked(&mut client, lines).await.text(), "both");
    assert_eq!(eu.requests().await.len(), 0);
}

#[tokio::test]
async fn a_request_that_names_none_where_it_must_is_refused() {
    let eu = Origin::replying(200, "eu").start().await;
    let proxy = Proxy::with(JOINABLE).await;
    join(&proxy, "a", eu.address(), "eu").await;
    for asked in [get("/"), demanding(""), demanding(" , ,")] {
        let answer = proxy.answer(asked).await;
        assert_eq!(refusal(&answer), (403, "policy_missing".into()));
    }
    assert_eq!(eu.requests().await.len(), 0);
}

#[tokio::test]
async fn what_a_route_does_not_accept_is_refused_even_if_it_is_upheld() {
    let (eu, us) = (
        Origin::replying(200, "eu").start().await,
        Origin::replying(200, "us").start().await,
    );
    let accepting = JOINABLE.replace("\"Privacy-Policy\"", "\"Privacy-Policy\", accept = [\"eu\"]");
    let proxy = Proxy::with(&accepting).await;
    join(&proxy, "a", eu.address(), "eu").await;
    join(&proxy, "b", us.address(), "us").await;
    for asked in ["us", "eu,us"] {
        let answer = proxy.answer(demanding(asked)).await;
        assert_eq!(refusal(&answer), (403, "policy_not_accepted".into()));
    }
    assert_eq!(proxy.answer(demanding("eu")).await.text(), "eu");
    assert_eq!(us.requests().await.len(), 0);
}

#[tokio::test]
async fn a_path_that_goes_back_counts_as_where_it_leads() {
    let (eu, us) = (
        Origin::replying(200, "eu").start().await,
        Origin::replying(200, "us").start().await,
    );
    let by_path = JOINABLE.replace("header = \"Privacy-Policy\"", "path_segment = 1");
    let proxy = Proxy::with(&by_path).await;
    join(&proxy, "a", eu.address(), "eu").await;
    join(&proxy, "b", us.address(), "us").await;
    for path in ["/us/", "/eu/../us/", "/eu/%2e%2e/us/", "//us/x", "/%75s/"] {
        assert_eq!(proxy.answer(get(path)).await.text(), "us", "{path}");
    }
    assert_eq!(eu.requests().await.len(), 0);
}
