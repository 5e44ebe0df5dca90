//! Registration by client certificates, from elsewhere than the proxy's own host: the whole proxy, with real handshakes.
//!
//! That all come from 10.0.0.9 a PROXY header says, which the listener believes.

mod door;
mod versions;

use portreeve_testkit::{Order, Origin};
use serde_json::json;

use door::{Door, HOME, put};

const A1: &str = "/v1/pools/api/backends/a1";
const BEAT: &str = "/v1/pools/api/backends/a1/heartbeat";
const EU: &str = "URI:spiffe://test/eu/*";

#[tokio::test]
async fn who_shows_a_certificate_that_a_token_is_for_registers_and_serves() {
    let origin = Origin::replying(200, "hi").start().await;
    let door = Door::start().await;
    let wish = json!({"certificate": EU, "pools": ["api"], "networks": ["127.0.0.0/8"]});
    let made = door.made(&wish).await;
    assert_eq!((&made["certificate"], made.get("token")), (&json!(EU), None));
    let eu = door.authority.client(&["URI:spiffe://test/eu/1", "other.test"]);

    let body = format!("{{\"address\":\"{}\",\"ttl\":\"60s\"}}", origin.address());
    let joined = door.ask(Some(&eu), put(A1, &body)).await;
    assert_eq!(joined.status, 201, "{joined:?}");

    door.proxy.until_standing("api", &["a1"], "serving").await;
    let served = door.ask(None, ("GET", "/", "", "")).await;
    assert_eq!((served.status, &*served.text), (200, "hi"));
    let backend = &door.proxy.backends("api").await[0];
    assert_eq!(backend["token"], made["id"]);
    assert_eq!(door.ask(Some(&eu), ("POST", BEAT, "", "")).await.status, 200);
    assert_eq!(door.ask(Some(&eu), ("GET", A1, "", "")).await.status, 200);
    assert_eq!(door.ask(Some(&eu), ("DELETE", A1, "", "")).await.status, 204);
    assert!(door.proxy.backends("api").await.is_empty());
}

#[tokio::test]
async fn a_certificate_of_another_name_is_refused_with_its_names_and_what_would_be_right() {
    let door = Door::start().await;
    door.token_for(EU).await;
    let us = door.authority.client(&["URI:spiffe://test/us/1", "us.test"]);

    let refused = door.ask(Some(&us), put(A1, HOME)).await;

    refused.is(403, "unknown_certificate");
    let told = "the certificate of URI:spiffe://test/us/1, DNS:us.test";
    assert!(refused.text.contains(told), "{refused:?}");
    assert!(refused.text.contains("token create --certificate"), "{refused:?}");
}

#[tokio::test]
async fn without_a_certificate_its_names_in_a_field_are_nobodys() {
    let door = Door::start().await;
    door.token_for(EU).await;
    let lies = "X-Client-Certificate-SAN: URI:spiffe://test/eu/1\r\n\
                X-Forwarded-Client-Cert: URI=spiffe://test/eu/1\r\nClient-Cert: :AAAA:\r\n";

    let refused = door.ask(None, ("PUT", A1, lies, HOME)).await;

    refused.is(403, "token_needed");
    let us = door.authority.client(&["URI:spiffe://test/us/1"]);
    let refused = door.ask(Some(&us), ("PUT", A1, lies, HOME)).await;
    refused.is(403, "unknown_certificate");
}

#[tokio::test]
async fn a_certificate_that_another_authority_vouches_for_is_none() {
    let door = Door::start().await;
    door.token_for(EU).await;
    let forged = portreeve_testkit::Authority::new("another").client(&["URI:spiffe://test/eu/1"]);
    let over = door
        .authority
        .issue(&Order::client(&["URI:spiffe://test/eu/1"]).days(-9, -1));
    let of_server = door.authority.server(&["URI:spiffe://test/eu/1"]);
    for bad in [&forged, &over, &of_server] {
        let outcome = door.try_ask(Some(bad), put(A1, HOME)).await;
        assert!(outcome.is_err(), "{outcome:?}");
    }
    assert!(door.proxy.backends("api").await.is_empty());
}

#[tokio::test]
async fn what_comes_through_a_proxy_shows_the_proxys_certificate_and_not_the_backends() {
    let door = Door::start().await;
    door.token_for(EU).await;
    let eu = door.authority.client(&["URI:spiffe://test/eu/proxy"]);
    for field in [
        "Via: 1.1 other\r\n",
        "X-Forwarded-For: 10.0.0.9\r\n",
        "Origin: https://evil.test\r\n",
    ] {
        let refused = door.ask(Some(&eu), ("PUT", A1, field, HOME)).await;
        refused.is(403, "forwarded");
    }
    let secret = door.proxy.token("{}").await;
    let by_token = format!("Via: 1.1 other\r\nAuthorization: Bearer {secret}\r\n");
    assert_eq!(
        door.ask(Some(&eu), ("PUT", A1, &by_token, HOME)).await.status,
        201
    );
}

#[tokio::test]
async fn a_token_that_is_shown_counts_and_the_certificate_does_not() {
    let door = Door::start().await;
    door.token_for(EU).await;
    let eu = door.authority.client(&["URI:spiffe://test/eu/1"]);

    let wrong = "Authorization: Bearer ptv_no_token\r\n";
    door.ask(Some(&eu), ("PUT", A1, wrong, HOME))
        .await
        .is(401, "unknown_token");

    let secret = door.proxy.token("{\"pools\":[\"other\"]}").await;
    let elsewhere = format!("Authorization: Bearer {secret}\r\n");
    let refused = door.ask(Some(&eu), ("PUT", A1, &elsewhere, HOME)).await;
    refused.is(403, "pool_not_allowed");
}

#[tokio::test]
async fn the_public_name_of_a_token_for_a_certificate_is_no_secret() {
    let door = Door::start().await;
    let id = door.token_for(EU).await;
    for secret in ["0".repeat(64), String::new()] {
        let guess = format!("Authorization: Bearer ptv_{id}_{secret}\r\n");
        let refused = door.ask(None, ("PUT", A1, &guess, HOME)).await;
        refused.is(401, "unknown_token");
    }
}

#[tokio::test]
async fn its_limits_bind_a_certificate_as_they_bind_a_secret() {
    let door = Door::start().await;
    let wish = json!({"certificate": EU, "policies": ["eu"], "weight_max": 2});
    door.made(&wish).await;
    let eu = door.authority.client(&["URI:spiffe://test/eu/1"]);
    let too_much = |body| door.ask(Some(&eu), put(A1, body));
    too_much(r#"{"port":80,"policies":["us"]}"#)
        .await
        .is(403, "policy_not_allowed");
    too_much(r#"{"port":80,"weight":3}"#)
        .await
        .is(403, "weight_not_allowed");
    too_much(r#"{"address":"10.0.0.8:80"}"#)
        .await
        .is(403, "address_not_allowed");
    assert_eq!(
        too_much(r#"{"port":80,"policies":["eu"],"weight":2}"#)
            .await
            .status,
        201
    );
}

#[tokio::test]
async fn another_certificate_takes_neither_name_nor_address() {
    let door = Door::start().await;
    door.token_for("URI:spiffe://test/a").await;
    door.token_for("URI:spiffe://test/b").await;
    let a = door.authority.client(&["URI:spiffe://test/a"]);
    let b = door.authority.client(&["URI:spiffe://test/b"]);
    assert_eq!(door.ask(Some(&a), put(A1, HOME)).await.status, 201);

    door.ask(Some(&b), put(A1, r#"{"port":81}"#))
        .await
        .is(409, "held_by_another");
    door.ask(Some(&b), ("DELETE", A1, "", ""))
        .await
        .is(409, "held_by_another");
    door.ask(Some(&b), ("POST", BEAT, "", ""))
        .await
        .is(409, "held_by_another");
    assert_eq!(door.ask(Some(&a), ("POST", BEAT, "", "")).await.status, 200);
}

#[tokio::test]
async fn a_revoked_token_ends_its_registrations_and_entitles_nobody_any_more() {
    let door = Door::start().await;
    let id = door.token_for(EU).await;
    let eu = door.authority.client(&["URI:spiffe://test/eu/1"]);
    let mut open = door.connect(Some(&eu), &[]).await.unwrap();
    assert_eq!(
        door::exchange(&mut open, put(A1, HOME)).await.unwrap().status,
        201
    );

    let revoked = door
        .proxy
        .admin_answer("DELETE", &format!("/v1/tokens/{id}"), "")
        .await;

    assert_eq!(revoked.status(), 204, "{}", revoked.text());
    assert!(door.proxy.backends("api").await.is_empty());
    let refused = door::exchange(&mut open, ("POST", BEAT, "", "")).await.unwrap();
    refused.is(403, "unknown_certificate");
    door.ask(Some(&eu), put(A1, HOME))
        .await
        .is(403, "unknown_certificate");
}

#[tokio::test]
async fn a_token_that_runs_out_ends_its_registrations() {
    let door = Door::start().await;
    door.made(&json!({"certificate": EU, "expires": "1s"})).await;
    let eu = door.authority.client(&["URI:spiffe://test/eu/1"]);
    assert_eq!(door.ask(Some(&eu), put(A1, HOME)).await.status, 201);

    door.until_nobody("api").await;

    door.ask(Some(&eu), put(A1, HOME)).await.is(403, "token_expired");
}

#[tokio::test]
async fn a_restart_knows_for_whose_certificate_a_token_is() {
    let mut door = Door::start().await;
    let id = door.token_for(EU).await;
    let eu = door.authority.client(&["URI:spiffe://test/eu/1"]);
    assert_eq!(door.ask(Some(&eu), put(A1, HOME)).await.status, 201);

    door = door.restart().await;

    assert_eq!(door.proxy.backends("api").await[0]["token"], json!(id));
    assert_eq!(door.ask(Some(&eu), ("POST", BEAT, "", "")).await.status, 200);
    let list = door.proxy.admin_answer("GET", "/v1/tokens", "").await;
    assert!(list.text().contains(EU), "{}", list.text());
}

#[tokio::test]
async fn what_means_no_names_is_no_token() {
    let door = Door::start().await;
    for bad in [
        "spiffe://test/eu/*",
        "URI:spiffe://test*",
        "URI:spiffe://*",
        "DNS:*",
        "*",
    ] {
        let wish = json!({ "certificate": bad }).to_string();
        let refused = door.proxy.admin_answer("POST", "/v1/tokens", &wish).await;
        assert_eq!(refused.status(), 400, "{bad}: {}", refused.text());
        assert!(
            refused.text().contains("\"field\":\"certificate\""),
            "{}",
            refused.text()
        );
    }
}
