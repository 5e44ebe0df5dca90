//! Each page of `/v1` over the real listener, with a real control plane behind it.

use super::*;
use crate::{Admin, AdminListener, CertificateFigures, Readiness, RegistrationRequest, View};
use portreeve_control::{ControlSettings, Controller};
use portreeve_model::BackendAddress;
use portreeve_model::plan::{MembersPlan, Plan, PoolPlan, Target, TargetAddress};
use serde_json::Value;
use std::time::{Duration, SystemTime};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;

/// An admin listener over a pool with one backend of the file, which others may join.
struct Running {
    admin: Admin,
    key: AdminKey,
    registrar: Registrar,
    controller: Controller,
    _readiness: watch::Sender<Readiness>,
}

struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Running {
    async fn start() -> Self {
        let controller = Controller::start(plan(), 1, ControlSettings::default())
            .await
            .unwrap();
        let registrar = Registrar::new(controller.door());
        let key = AdminKey::generate().unwrap();
        let (readiness, view_of_readiness) = watch::channel(Readiness::Ready);
        let view = View {
            snapshots: controller.snapshots(),
            readiness: view_of_readiness,
            events: with_certificates(),
            start: std::time::Instant::now(),
        };
        let operator = Operator {
            scaler: None,
            registrar: registrar.clone(),
            key: key.clone(),
        };
        let listener = AdminListener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        Self {
            admin: Admin::start_with(listener, view, operator).unwrap(),
            key,
            registrar,
            controller,
            _readiness: readiness,
        }
    }

    /// Joins as `api/a1`.
    async fn join(&self) {
        let request = RegistrationRequest {
            source: Some("127.0.0.1".parse().unwrap()),
            is_forwarded: false,
            certificate: None,
            method: "PUT",
            path: "/v1/pools/api/backends/a1",
            authorization: None,
            body: br#"{"port":9,"policies":["eu"],"ttl":"1h"}"#,
        };
        assert_eq!(self.registrar.http(request).await.0, 201);
    }

    /// Asks with the key.
    async fn ask(&self, method: &str, path: &str, body: &str) -> Answer {
        let key = format!("Authorization: Bearer {}\r\n", self.key.shown());
        self.ask_with(method, path, &key, body).await
    }

    async fn ask_with(&self, method: &str, path: &str, fields: &str, body: &str) -> Answer {
        let mut stream = self.send(method, path, fields, body).await;
        let mut whole = String::new();
        stream.read_to_string(&mut whole).await.unwrap();
        let (head, body) = whole.split_once("\r\n\r\n").unwrap();
        Answer {
            status: head[9..12].parse().unwrap(),
            head: head.to_owned(),
            body: body.to_owned(),
        }
    }

    async fn send(&self, method: &str, path: &str, fields: &str, body: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.admin.local()).await.unwrap();
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{fields}Content-Length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        stream
    }
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    #[track_caller]
    fn is_problem(&self, status: u16, cause: &str, field: Option<&str>) {
        assert_eq!(self.status, status, "{}{}", self.head, self.body);
        assert!(
            self.head.contains("content-type: application/problem+json"),
            "{}",
            self.head
        );
        assert_eq!(self.json()["cause"], cause, "{}", self.body);
        assert_eq!(self.json()["field"].as_str(), field, "{}", self.body);
    }
}

fn plan() -> Plan {
    let target = Target {
        weight: 2,
        ..Target::new(TargetAddress::Unix("/run/app.sock".into()))
    };
    let pool = PoolPlan {
        targets: vec![target],
        members: Some(MembersPlan::default()),
        ..PoolPlan::empty("api".into())
    };
    Plan {
        pools: vec![pool],
        ..Plan::default()
    }
}

fn with_certificates() -> Arc<Events> {
    let events = Events::new(SystemTime::now());
    let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    let of = move |listener: &str, file: Option<&str>| CertificateFigures {
        listener: listener.to_owned(),
        hosts: vec!["a.test".to_owned()],
        issuer: "CN=us".to_owned(),
        serial: "0a:1b".to_owned(),
        key: "ecdsa",
        file: file.map(Into::into),
        not_before: at(0),
        not_after: at(86_400),
    };
    events.watch_certificates(move || vec![of("web", Some("/etc/a.pem")), of("edge", None)]);
    Arc::new(events)
}

#[tokio::test]
async fn certificates_are_listed_with_their_dates() {
    let running = Running::start().await;
    let all = running.ask_with("GET", "/v1/certificates", "", "").await;
    assert_eq!(all.status, 200, "{}", all.body);
    let json = all.json();
    let [edge, web] = &json["certificates"].as_array().unwrap()[..] else {
        panic!("{json}")
    };
    assert_eq!(
        (&edge["listener"], &edge["source"]),
        (&"edge".into(), &"acme".into())
    );
    assert_eq!(
        (&web["source"], &web["file"]),
        (&"file".into(), &"/etc/a.pem".into())
    );
    assert_eq!(web["not_after"], "1970-01-02T00:00:00.000Z");
    assert!(web["expires_in_s"].as_i64().unwrap() < -1_000_000_000);
    let metrics = running.ask_with("GET", "/metrics", "", "").await;
    let line = "portreeve_certificate_expires_seconds{listener=\"web\",name=\"a.test\",key=\"ecdsa\"} -";
    assert!(metrics.body.contains(line), "{}", metrics.body);
}

const A1: &str = "/v1/pools/api/backends/a1";
const OF_FILE: &str = "/v1/pools/api/backends/unix%3A%2Frun%2Fapp.sock";

#[tokio::test]
async fn backends_are_listed_with_those_of_the_file_first() {
    let running = Running::start().await;
    running.join().await;

    let all = running.ask_with("GET", "/v1/backends", "", "").await;
    let none = running.ask_with("GET", "/v1/backends?pool=other", "", "").await;

    assert_eq!(all.status, 200, "{}", all.body);
    assert!(
        all.head.contains("content-type: application/json"),
        "{}",
        all.head
    );
    let json = all.json();
    let backends = json["backends"].as_array().unwrap();
    assert_eq!(backends.len(), 2, "{json}");
    assert_eq!(backends[0]["id"], "unix:/run/app.sock");
    assert_eq!(backends[0]["registered"], false);
    assert_eq!(backends[1]["id"], "a1");
    assert_eq!(backends[1]["policies"], serde_json::json!(["eu"]));
    assert!(backends[1]["since_unix_ms"].as_u64().unwrap() > 1_700_000_000_000);
    assert_eq!(none.body, "{\"backends\":[]}\n");
}

#[tokio::test]
async fn one_backend_is_shown_by_its_name_however_odd() {
    let running = Running::start().await;

    let shown = running.ask_with("GET", OF_FILE, "", "").await;
    let missing = running.ask_with("GET", A1, "", "").await;

    assert_eq!(
        shown.json()["address"],
        BackendAddress::Unix("/run/app.sock".into()).to_string()
    );
    missing.is_problem(404, "no_such_backend", None);
}

#[tokio::test]
async fn drained_backends_stand_so_until_they_are_undrained() {
    let running = Running::start().await;
    running.join().await;
    for path in [A1, OF_FILE] {
        let drained = running
            .ask("POST", &format!("{path}/drain"), r#"{"wait":"1s"}"#)
            .await;
        assert_eq!(
            (drained.status, drained.body.as_str()),
            (200, "{\"in_flight\":0}\n")
        );
        assert_eq!(running.ask("GET", path, "").await.json()["standing"], "draining");

        let undrained = running.ask("POST", &format!("{path}/undrain"), "").await;
        assert_eq!(undrained.status, 204);
        assert_ne!(running.ask("GET", path, "").await.json()["standing"], "draining");
    }
    running
        .ask("POST", &format!("{A1}/drain"), r#"{"wait":1e9}"#)
        .await
        .is_problem(400, "bad_field", Some("wait"));
}

#[tokio::test]
async fn only_what_registered_can_be_removed() {
    let running = Running::start().await;
    running.join().await;

    assert_eq!(running.ask("DELETE", A1, "").await.status, 204);

    running
        .ask("DELETE", A1, "")
        .await
        .is_problem(404, "no_such_backend", None);
    running
        .ask("DELETE", OF_FILE, "")
        .await
        .is_problem(409, "in_the_file", None);
}

#[tokio::test]
async fn a_token_is_told_once_listed_without_its_secret_and_revoked() {
    let running = Running::start().await;
    let wish = r#"{"pools":["api"],"policies":["eu"],"networks":["10.0.0.0/8"],"weight_max":3,"ttl_max":"10s","expires":"1h"}"#;

    let made = running.ask("POST", "/v1/tokens", wish).await;
    let listed = running.ask_with("GET", "/v1/tokens", "", "").await;

    assert_eq!(made.status, 201, "{}", made.body);
    let token = made.json()["token"].as_str().unwrap().to_owned();
    let id = made.json()["id"].as_str().unwrap().to_owned();
    assert!(token.starts_with(&format!("ptv_{id}_")), "{token}");
    assert!(
        !listed.body.contains(&token) && !listed.body.contains("ptv_"),
        "{}",
        listed.body
    );
    let entry = &listed.json()["tokens"][0];
    assert_eq!(
        (&entry["pools"][0], &entry["policies"][0]),
        (&"api".into(), &"eu".into())
    );
    assert_eq!(
        (&entry["networks"][0], &entry["weight_max"]),
        (&"10.0.0.0/8".into(), &3.into())
    );
    assert_eq!(entry["ttl_max_ms"], 10_000);
    assert!(entry["expires_unix_ms"].as_u64().is_some());

    let path = format!("/v1/tokens/{id}");
    assert_eq!(running.ask("DELETE", &path, "").await.status, 204);
    running
        .ask("DELETE", &path, "")
        .await
        .is_problem(404, "no_such_token", None);
}

#[tokio::test]
async fn a_token_wish_that_cannot_be_read_names_its_field() {
    let running = Running::start().await;
    for (wish, field) in [
        (r#"{"networks":["10.0.0.0/33"]}"#, "networks[0]"),
        (r#"{"policies":["a,b"]}"#, "policies[0]"),
        (r#"{"policies":[]}"#, "policies"),
        (r#"{"weight_max":0}"#, "weight_max"),
        (r#"{"pool":"api"}"#, "pool"),
    ] {
        running
            .ask("POST", "/v1/tokens", wish)
            .await
            .is_problem(400, "bad_field", Some(field));
    }
    let long = format!("{{\"pools\":[\"{}\"]}}", "a".repeat(20_000));
    running
        .ask("POST", "/v1/tokens", &long)
        .await
        .is_problem(413, "body_too_large", None);
}

#[tokio::test]
async fn nothing_changes_without_the_key() {
    let running = Running::start().await;
    running.join().await;
    let (drain, undrain) = (format!("{A1}/drain"), format!("{A1}/undrain"));
    let changes = [
        ("POST", drain.as_str()),
        ("POST", &undrain),
        ("DELETE", A1),
        ("POST", "/v1/tokens"),
        ("DELETE", "/v1/tokens/a"),
    ];
    for (method, path) in changes {
        for fields in [
            "",
            "Authorization: Bearer 0\r\n",
            "Authorization: Basic 0\r\n",
            "Cookie: key=0\r\n",
        ] {
            let answer = running.ask_with(method, path, fields, "{}").await;
            answer.is_problem(401, "admin_key_needed", None);
            assert!(
                answer.head.contains("www-authenticate: Bearer"),
                "{}",
                answer.head
            );
        }
    }
    assert_eq!(running.ask("GET", A1, "").await.json()["standing"], "unproved");
    assert_eq!(
        running.ask("GET", "/v1/tokens", "").await.body,
        "{\"tokens\":[]}\n"
    );
}

#[tokio::test]
async fn a_rebinding_page_sees_nothing_even_with_the_key() {
    let running = Running::start().await;
    let fields = format!("Authorization: Bearer {}\r\nX: ", running.key.shown());
    let mut stream = TcpStream::connect(running.admin.local()).await.unwrap();
    let request =
        format!("GET /v1/backends HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n{fields}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut whole = String::new();
    stream.read_to_string(&mut whole).await.unwrap();
    assert!(whole.starts_with("HTTP/1.1 421 "), "{whole}");
}

#[tokio::test]
async fn a_preflight_of_another_site_gets_no_leave() {
    let running = Running::start().await;
    let fields = "Origin: http://evil.example\r\nAccess-Control-Request-Method: DELETE\r\n\
        Access-Control-Request-Headers: authorization\r\n";
    let answer = running.ask_with("OPTIONS", A1, fields, "").await;
    assert!(answer.status >= 400, "{}", answer.head);
    assert!(!answer.head.contains("access-control"), "{}", answer.head);
}

#[tokio::test]
async fn events_come_as_lines_while_they_happen() {
    let running = Running::start().await;
    let stream = running.send("GET", "/v1/events", "", "").await;
    let mut lines = BufReader::new(stream).lines();
    let mut next = async || {
        timeout(Duration::from_secs(10), lines.next_line())
            .await
            .unwrap()
            .unwrap()
            .unwrap()
    };
    while !next().await.is_empty() {}

    running.join().await;

    let line = loop {
        let line = next().await;
        if line.starts_with('{') {
            break line;
        }
    };
    let event: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(event["event"], "registered", "{line}");
    assert_eq!((&event["pool"], &event["backend"]), (&"api".into(), &"a1".into()));
    assert_eq!(event["address"], "127.0.0.1:9");
    assert_eq!(event["policies"][0], "eu");
    assert!(event["sequence"].as_u64().unwrap() >= 1);
    assert!(event["at"].as_str().unwrap().ends_with('Z'));
}

#[tokio::test]
async fn feeds_are_bounded_and_the_place_of_one_that_ended_is_free() {
    let feeds = Feeds::default();
    let (events, _receiver) = tokio::sync::broadcast::channel(1);
    let mut open: Vec<_> = std::iter::from_fn(|| feeds.open(events.subscribe()))
        .take(1_000)
        .collect();
    assert_eq!(open.len(), 32);
    open.pop();
    assert!(feeds.open(events.subscribe()).is_some());
}

#[tokio::test]
async fn the_registry_has_its_figures() {
    let running = Running::start().await;
    running.join().await;
    let request = RegistrationRequest {
        source: Some("127.0.0.1".parse().unwrap()),
        is_forwarded: false,
        certificate: None,
        method: "DELETE",
        path: "/v1/pools/api/backends/none",
        authorization: None,
        body: b"",
    };
    running.registrar.http(request).await;

    let page = running.ask_with("GET", "/metrics", "", "").await.body;

    for line in [
        "portreeve_backends{pool=\"api\",standing=\"serving\"} 1",
        "portreeve_backends{pool=\"api\",standing=\"draining\"} 0",
        "portreeve_registrations_total{pool=\"api\",kind=\"new\"} 1",
        "portreeve_registrations_refused_total{cause=\"not_registered\"} 1",
        "portreeve_store_failures_total 1",
    ] {
        assert!(page.lines().any(|found| found == line), "no {line} in {page}");
    }
    let sequence = page
        .lines()
        .find_map(|line| line.strip_prefix("portreeve_registry_sequence "));
    assert!(sequence.unwrap().parse::<u64>().unwrap() >= 1);
    running.controller.stop().await;
}
