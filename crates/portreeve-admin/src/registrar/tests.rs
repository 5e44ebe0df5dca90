//! Each status and field of the registration API, over a real control plane.

use super::*;
use portreeve_control::{ControlSettings, Controller, TokenWish};
use portreeve_model::plan::{MembersPlan, Plan, PoolPlan};
use portreeve_model::{Policies, Policy, PolicyScope};
use serde_json::Value;

/// A control plane with the pool `api`, which may be joined, and `fixed`, which may not.
struct World {
    controller: Controller,
    registrar: Registrar,
}

struct Answer {
    status: u16,
    body: Value,
}

impl World {
    async fn start() -> Self {
        let plan = Plan {
            pools: vec![pool("api", Some(MembersPlan::default())), pool("fixed", None)],
            ..Plan::default()
        };
        let controller = Controller::start(plan, 1, ControlSettings::default())
            .await
            .unwrap();
        let registrar = Registrar::new(controller.door());
        Self {
            controller,
            registrar,
        }
    }

    async fn ask(&self, method: &str, path: &str, body: &str) -> Answer {
        self.ask_as(from("127.0.0.1"), method, path, body).await
    }

    async fn ask_as(&self, by: RegistrationRequest<'_>, method: &str, path: &str, body: &str) -> Answer {
        let request = RegistrationRequest {
            method,
            path,
            body: body.as_bytes(),
            ..by
        };
        let (status, body) = self.registrar.http(request).await;
        let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
        Answer { status, body }
    }

    async fn token(&self) -> String {
        let wish = TokenWish {
            pools: vec!["api".into()],
            policies: PolicyScope::These([Policy::new("eu").unwrap()].into_iter().collect::<Policies>()),
            networks: vec![portreeve_model::plan::Network {
                address: [0, 0, 0, 0].into(),
                prefix: 0,
            }],
            weight_max: 5,
            ttl_max: None,
            expires_in: None,
        };
        self.controller.door().create_token(wish).await.unwrap().shown
    }
}

fn pool(name: &str, members: Option<MembersPlan>) -> PoolPlan {
    PoolPlan {
        members,
        ..PoolPlan::empty(name.into())
    }
}

fn from(source: &str) -> RegistrationRequest<'static> {
    RegistrationRequest {
        source: Some(source.parse().unwrap()),
        is_forwarded: false,
        certificate: None,
        method: "",
        path: "",
        authorization: None,
        body: b"",
    }
}

impl Answer {
    #[track_caller]
    fn is_problem(&self, status: u16, cause: &str, field: Option<&str>, said: &str) {
        let body = &self.body;
        assert_eq!(self.status, status, "{body}");
        assert_eq!(body["status"], status, "{body}");
        assert_eq!(body["type"], "about:blank");
        assert_eq!(body["cause"], cause, "{body}");
        assert_eq!(body["field"].as_str(), field, "{body}");
        assert!(body["detail"].as_str().unwrap().contains(said), "{body}");
    }
}

const A1: &str = "/v1/pools/api/backends/a1";
const BEAT: &str = "/v1/pools/api/backends/a1/heartbeat";

#[tokio::test]
async fn a_backend_joins_with_201_and_says_the_same_again_with_200() {
    let world = World::start().await;
    let body = r#"{"port":8001,"policies":["hipaa","eu"],"weight":3,"ttl":"20s"}"#;

    let first = world.ask("PUT", A1, body).await;
    let second = world.ask("PUT", A1, body).await;

    assert_eq!((first.status, second.status), (201, 200));
    assert_eq!(first.body["pool"], "api");
    assert_eq!(first.body["id"], "a1");
    assert_eq!(first.body["address"], "127.0.0.1:8001");
    assert_eq!(first.body["policies"], serde_json::json!(["eu", "hipaa"]));
    assert_eq!(first.body["weight"], 3);
    assert_eq!(first.body["ttl_ms"], 20_000);
    assert_eq!(first.body["standing"], "unproved");
    assert_eq!(first.body["stored"], false, "there is no folder for state");
    assert!(first.body["sequence"].as_u64().unwrap() > 0);
}

#[tokio::test]
async fn a_heartbeat_renews_and_its_load_is_shown() {
    let world = World::start().await;
    world.ask("PUT", A1, r#"{"port":8001}"#).await;

    let renewed = world.ask("POST", BEAT, r#"{"load":0.5}"#).await;
    let shown = world.ask("GET", A1, "").await;

    assert_eq!(
        (renewed.status, renewed.body["ttl_ms"].as_u64()),
        (200, Some(10_000))
    );
    assert_eq!((shown.status, shown.body["load"].as_f64()), (200, Some(0.5)));
    assert_eq!(shown.body["registered"], true);
    assert_eq!(shown.body["in_flight"], 0);
    assert!(shown.body["expires_in_ms"].as_u64().unwrap() <= 10_000);
}

#[tokio::test]
async fn a_heartbeat_may_ask_for_no_new_requests() {
    let world = World::start().await;
    world.ask("PUT", A1, r#"{"port":8001}"#).await;

    world.ask("POST", BEAT, r#"{"draining":true}"#).await;

    assert_eq!(world.ask("GET", A1, "").await.body["standing"], "draining");
}

#[tokio::test]
async fn looking_does_not_renew() {
    let world = World::start().await;
    world.ask("PUT", A1, r#"{"port":8001,"ttl":"300ms"}"#).await;

    let ended = async {
        while world.ask("GET", A1, "").await.status == 200 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), ended).await.unwrap();

    let after = world.ask("GET", A1, "").await;
    after.is_problem(404, "not_registered", Some("id"), "api/a1 is not registered");
}

#[tokio::test]
async fn who_left_is_not_registered() {
    let world = World::start().await;
    world.ask("PUT", A1, r#"{"port":8001}"#).await;

    assert_eq!(world.ask("DELETE", A1, "").await.status, 204);

    for (method, path) in [("POST", BEAT), ("GET", A1), ("DELETE", A1)] {
        let answer = world.ask(method, path, "").await;
        answer.is_problem(404, "not_registered", Some("id"), "api/a1 is not registered");
    }
}

#[tokio::test]
async fn what_cannot_be_read_names_its_field() {
    let world = World::start().await;
    for (body, cause, field) in [
        ("", "not_json", None),
        ("[]", "not_json", None),
        ("{}", "bad_field", Some("address")),
        (r#"{"port":0}"#, "bad_field", Some("port")),
        (r#"{"address":"app:80"}"#, "bad_field", Some("address")),
        (
            r#"{"port":1,"policies":["a,b"]}"#,
            "bad_field",
            Some("policies[0]"),
        ),
        (
            r#"{"port":1,"policies":["eu "]}"#,
            "bad_field",
            Some("policies[0]"),
        ),
        (r#"{"port":1,"weight":0}"#, "bad_field", Some("weight")),
        (r#"{"port":1,"ttl":"1"}"#, "bad_field", Some("ttl")),
        (r#"{"port":1,"x":1}"#, "bad_field", Some("x")),
    ] {
        world
            .ask("PUT", A1, body)
            .await
            .is_problem(400, cause, field, "allowed is");
    }
    let long = " ".repeat(20_000);
    world
        .ask("PUT", A1, &long)
        .await
        .is_problem(413, "body_too_large", None, "20000 bytes");
    world
        .ask("POST", BEAT, r#"{"load":2}"#)
        .await
        .is_problem(400, "bad_field", Some("load"), "0 to 1");
}

#[tokio::test]
async fn what_the_registry_refuses_names_its_field_too() {
    let world = World::start().await;
    let one = |ttl: &str| format!("{{\"port\":8001,\"ttl\":\"{ttl}\"}}");
    let put = async |path: &str, body: &str| world.ask("PUT", path, body).await;
    put("/v1/pools/none/backends/a", &one("1s"))
        .await
        .is_problem(404, "unknown_pool", Some("pool"), "none");
    put("/v1/pools/fixed/backends/a", &one("1s")).await.is_problem(
        403,
        "pool_not_joinable",
        Some("pool"),
        "fixed",
    );
    put(A1, &one("2h"))
        .await
        .is_problem(400, "bad_ttl", Some("ttl"), "7200s");
    let long = format!("/v1/pools/api/backends/{}", "a".repeat(130));
    put(&long, &one("1s"))
        .await
        .is_problem(400, "bad_id", Some("id"), "130 bytes");
    put(A1, r#"{"address":"0.0.0.0:1"}"#).await.is_problem(
        400,
        "address_refused",
        Some("address"),
        "0.0.0.0:1",
    );
}

#[tokio::test]
async fn another_method_or_path_is_refused() {
    let world = World::start().await;
    world
        .ask("POST", A1, "")
        .await
        .is_problem(405, "method_not_allowed", None, "PUT, GET and DELETE");
    world
        .ask("GET", BEAT, "")
        .await
        .is_problem(405, "method_not_allowed", None, "POST");
    world
        .ask("GET", "/v1/pools", "")
        .await
        .is_problem(404, "bad_path", None, "/v1/pools");
    let drain = format!("{A1}/drain");
    world
        .ask("POST", &drain, "")
        .await
        .is_problem(404, "bad_path", None, "heartbeat");
}

#[tokio::test]
async fn who_comes_through_a_proxy_needs_a_token_as_its_address_is_the_proxys() {
    let world = World::start().await;
    let forwarded = RegistrationRequest {
        is_forwarded: true,
        ..from("127.0.0.1")
    };
    let body = r#"{"address":"10.0.0.7:80","policies":["eu"]}"#;

    let without = world.ask_as(forwarded, "PUT", A1, body).await;
    let token = format!("Bearer {}", world.token().await);
    let with = RegistrationRequest {
        authorization: Some(&token),
        ..forwarded
    };

    without.is_problem(403, "forwarded", None, "Via");
    assert_eq!(world.ask_as(with, "PUT", A1, body).await.status, 201);
}

#[tokio::test]
async fn a_token_that_is_not_one_is_refused_and_never_quoted() {
    let world = World::start().await;
    let as_shown = |text: &'static str| RegistrationRequest {
        authorization: Some(text),
        ..from("127.0.0.1")
    };
    let body = r#"{"port":8001}"#;

    let unknown = world.ask_as(as_shown("Bearer ptv_a_hush"), "PUT", A1, body).await;
    let basic = world.ask_as(as_shown("Basic hush"), "PUT", A1, body).await;

    unknown.is_problem(401, "unknown_token", None, "token");
    basic.is_problem(401, "bad_authorization", Some("authorization"), "Bearer");
    assert!(!format!("{}{}", unknown.body, basic.body).contains("hush"));
}

#[tokio::test]
async fn a_token_limits_what_may_be_said() {
    let world = World::start().await;
    let token = format!("bearer {}", world.token().await);
    let by = RegistrationRequest {
        authorization: Some(&token),
        ..from("127.0.0.1")
    };
    let put = async |body: &str| world.ask_as(by, "PUT", A1, body).await;

    let policy = put(r#"{"port":1,"policies":["us"]}"#).await;
    let weight = put(r#"{"port":1,"policies":["eu"],"weight":6}"#).await;

    policy.is_problem(403, "policy_not_allowed", Some("policies"), "us");
    weight.is_problem(403, "weight_not_allowed", Some("weight"), "1 to 5");
}

#[tokio::test]
async fn from_elsewhere_nobody_registers_unless_that_is_allowed() {
    let world = World::start().await;
    let answer = world.ask_as(from("192.0.2.1"), "PUT", A1, r#"{"port":1}"#).await;
    answer.is_problem(403, "source_not_allowed", None, "192.0.2.1");
}

#[tokio::test]
async fn nobody_looks_at_what_another_registered() {
    let world = World::start().await;
    world.ask("PUT", A1, r#"{"port":8001}"#).await;

    let stranger = world.ask_as(from("192.0.2.1"), "GET", A1, "").await;

    assert_eq!(stranger.status, 403, "{}", stranger.body);
}

#[tokio::test]
async fn an_ipv4_source_on_an_ipv6_listener_is_an_ipv4_source() {
    let world = World::start().await;
    let answer = world
        .ask_as(from("::ffff:127.0.0.1"), "PUT", A1, r#"{"port":1}"#)
        .await;
    assert_eq!(
        (answer.status, answer.body["address"].as_str()),
        (201, Some("127.0.0.1:1"))
    );
}

#[tokio::test]
async fn a_packet_server_is_one_member_for_each_of_its_policies() {
    let world = World::start().await;
    let setup = |policy: &str, host: Option<&str>| SetupWish {
        id: "100".to_owned(),
        policy: policy.to_owned(),
        port: 2105,
        host: host.map(str::to_owned),
        token: None,
        ttl: None,
        spells_types_as_text: true,
    };
    let source = Some("127.0.0.1".parse().unwrap());

    world
        .registrar
        .setup(source, None, "api".into(), setup("PP_1", None))
        .await
        .unwrap();
    world
        .registrar
        .setup(source, None, "api".into(), setup("PP_2", None))
        .await
        .unwrap();
    let refused = world
        .registrar
        .setup(source, None, "fixed".into(), setup("PP_1", None))
        .await;
    let unread = world
        .registrar
        .setup(source, None, "api".into(), setup("PP_1", Some("app")))
        .await;

    assert!(refused.unwrap_err().contains("fixed"));
    assert!(unread.unwrap_err().contains("names are not looked up"));
    let ids: Vec<_> = world.controller.door().backends().await.unwrap();
    let ids: Vec<_> = ids.iter().map(|state| &*state.id).collect();
    assert_eq!(ids, ["100@PP_1", "100@PP_2"]);
}

#[tokio::test]
async fn what_is_accepted_and_refused_is_counted() {
    let world = World::start().await;
    world.ask("PUT", A1, r#"{"port":8001}"#).await;
    world.ask("PUT", A1, r#"{"port":8001}"#).await;
    world.ask("POST", BEAT, "").await;
    world.ask("DELETE", A1, "").await;
    world.ask("DELETE", A1, "").await;
    world.ask("PUT", A1, "").await;

    let counts = world.registrar.counts();
    let accepted: Vec<_> = counts
        .all_accepted()
        .into_iter()
        .map(|((pool, kind), count)| (pool.to_string(), kind.code(), count))
        .collect();
    let api = |kind, count| ("api".to_owned(), kind, count);
    assert_eq!(
        accepted,
        [
            api("new", 1),
            api("again", 1),
            api("heartbeat", 1),
            api("left", 1)
        ]
    );
    let refused = counts.all_refused();
    assert_eq!(
        refused,
        [("not_json".to_owned(), 1), ("not_registered".to_owned(), 1)]
    );
    assert!(world.registrar.last_sequence() >= 2);
}
