//! Duty: each decision shows: in a metric, in the access record, and in what the operator sees of backends.

use std::time::Duration;

use portreeve_testkit::{Gate, Origin, Proxy, Script, Setup, answer, get};
use serde_json::Value;

const ADMIN: &str = "admin = { bind = \"127.0.0.1:0\" }";

fn seen(origins: &[&Origin]) -> Setup {
    Proxy::before("app.test", origins).recording("json").top(ADMIN)
}

async fn records(proxy: &Proxy, count: usize) -> Vec<Value> {
    let lines = proxy.records(count).await;
    lines
        .iter()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

/// The sum of all series of this name whose labels contain all of these.
async fn metric(proxy: &Proxy, name: &str, labels: &[&str]) -> f64 {
    let page = proxy.admin_answer("GET", "/metrics", "").await.text();
    let wanted = page.lines().filter(|line| {
        let series = line.split(['{', ' ']).next();
        series == Some(name) && labels.iter().all(|label| line.contains(label))
    });
    wanted
        .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
        .sum()
}

/// Returns when it has that value.
async fn until(proxy: &Proxy, name: &str, wanted: f64) {
    let reached = async {
        while metric(proxy, name, &[]).await < wanted {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let reached = tokio::time::timeout(portreeve_testkit::PATIENCE, reached).await;
    assert!(reached.is_ok(), "{name} never was {wanted}");
}

/// Answers its first request when the gate opens, and others at once.
fn gated(gate: &Gate) -> Script {
    Script::new()
        .read_request()
        .wait(gate)
        .send(answer("200 OK", "late"))
        .forever()
}

#[tokio::test]
async fn an_ejection_shows_in_the_record_that_did_it_in_metrics_and_to_the_operator() {
    let bad = Origin::replying(500, "no").start().await;
    let good = Origin::replying(200, "yes").start().await;
    let proxy = seen(&[&bad, &good])
        .pool("ejection = { failures_in_a_row = 2, time = \"1m\" }")
        .start()
        .await;
    for _ in 0..6 {
        proxy.answer(get("/")).await;
    }
    let records = records(&proxy, 6).await;
    let guilty: Vec<_> = records
        .iter()
        .filter(|record| !record["ejections"].is_null())
        .collect();
    assert_eq!(guilty.len(), 1, "{records:?}");
    assert_eq!(guilty[0]["ejections"], 1);
    assert_eq!(guilty[0]["backend"], bad.address().to_string());
    let of_bad = format!("backend=\"{}\"", bad.address());
    let reason = "reason=\"failures_in_a_row\"";
    for (name, labels, expected) in [
        ("portreeve_backend_ejections_total", vec![&*of_bad, reason], 1.0),
        ("portreeve_backend_ejections_total", vec![], 1.0),
        ("portreeve_backend_ejected", vec![&*of_bad], 1.0),
        ("portreeve_backend_ejected", vec![], 1.0),
        ("portreeve_backend_bad_answers_total", vec![], 2.0),
        (
            "portreeve_backend_standing",
            vec![&*of_bad, "standing=\"serving\""],
            1.0,
        ),
    ] {
        assert_eq!(metric(&proxy, name, &labels).await, expected, "{name} {labels:?}");
    }
    let backends = proxy.backends("app").await;
    let shown = |origin: &Origin| {
        let mut all = backends.iter();
        all.find(|one| one["id"] == origin.address().to_string()).unwrap()
    };
    let ejected = &shown(&bad)["ejected"];
    assert_eq!(
        (&ejected["by"], &ejected["times"]),
        (&"failures_in_a_row".into(), &1.into())
    );
    assert!(
        (50_000..=60_000).contains(&ejected["trial_in_ms"].as_u64().unwrap()),
        "{ejected}"
    );
    assert!(shown(&good)["ejected"].is_null());
    assert!(shown(&good)["expected_latency_ms"].as_f64().unwrap() > 0.0);
}

#[tokio::test]
async fn a_request_that_waits_for_room_shows_while_it_waits_and_after() {
    let gate = Gate::new();
    let origin = Origin::scripted(gated(&gate)).start().await;
    let proxy = seen(&[&origin])
        .pool("in_flight = 1\nhold = { timeout = \"20s\", requests_max = 1 }")
        .start()
        .await;
    let mut first = proxy.connect().await;
    first.send(get("/1")).await;
    origin.until_requests(1).await;
    let mut second = proxy.connect().await;
    second.send(get("/2")).await;
    until(&proxy, "portreeve_requests_waiting", 1.0).await;
    assert_eq!(proxy.answer(get("/3")).await.status(), 503);
    assert_eq!(metric(&proxy, "portreeve_requests_shed_total", &[]).await, 1.0);
    assert_eq!(
        metric(&proxy, "portreeve_backend_in_flight_limit", &[]).await,
        1.0
    );
    assert_eq!(proxy.backends("app").await[0]["in_flight_limit"], 1);
    gate.open();
    first.response().await;
    second.response().await;
    let records = records(&proxy, 3).await;
    let of = |target: &str| records.iter().find(|record| record["target"] == target).unwrap();
    assert_eq!(of("/2")["why"], "held", "{records:?}");
    assert!(of("/2")["held_ms"].as_f64().unwrap() > 0.0, "{records:?}");
    assert_eq!(
        (&of("/1")["held_ms"], &of("/1")["why"]),
        (&Value::Null, &"turn".into())
    );
    assert_eq!(of("/3")["cause"], "overloaded");
    assert_eq!(metric(&proxy, "portreeve_requests_waiting", &[]).await, 0.0);
    assert_eq!(metric(&proxy, "portreeve_requests_held_total", &[]).await, 1.0);
    assert_eq!(metric(&proxy, "portreeve_hold_timeouts_total", &[]).await, 0.0);
    let held = metric(&proxy, "portreeve_request_choices_total", &["why=\"held\""]).await;
    assert_eq!(held, 1.0);
}

#[tokio::test]
async fn a_request_that_waits_in_vain_is_counted_so_whoever_it_waited_for() {
    for (pool, cause) in [
        ("in_flight = 1\nhold = { timeout = \"10ms\" }", "hold_timeout"),
        (
            "fail_mode = \"hold\"\nhold = { timeout = \"10ms\" }",
            "no_backend",
        ),
    ] {
        let gate = Gate::new();
        let origin = Origin::scripted(gated(&gate)).start().await;
        let proxy = seen(&[&origin]).pool(pool).start().await;
        let mut first = proxy.connect().await;
        if cause == "hold_timeout" {
            first.send(get("/1")).await;
            origin.until_requests(1).await;
        } else {
            let id = origin.address().to_string();
            let path = format!("/v1/pools/app/backends/{id}/drain");
            assert_eq!(proxy.admin_answer("POST", &path, "").await.status(), 200);
        }
        assert_eq!(proxy.answer(get("/2")).await.status(), 503);
        let timeouts = metric(&proxy, "portreeve_hold_timeouts_total", &[]).await;
        assert_eq!(timeouts, 1.0, "{cause}");
        let label = format!("cause=\"{cause}\"");
        until(&proxy, "portreeve_request_errors_total", 1.0).await;
        let refused = metric(&proxy, "portreeve_request_errors_total", &[&label]).await;
        assert_eq!(refused, 1.0, "{cause}");
        gate.open();
    }
}

#[tokio::test]
async fn a_hedge_shows_with_what_came_of_it() {
    let gate = Gate::new();
    let slow = Origin::scripted(gated(&gate)).start().await;
    let quick = Origin::replying(200, "quick").start().await;
    let proxy = seen(&[&slow, &quick])
        .pool("balance = \"first\"\nhedge = { after = \"20ms\" }")
        .start()
        .await;
    assert_eq!(proxy.answer(get("/")).await.text(), "quick");
    let record = &records(&proxy, 1).await[0];
    assert_eq!(
        (&record["hedge"], &record["attempts"]),
        (&"won".into(), &2.into()),
        "{record}"
    );
    assert_eq!(record["backend"], quick.address().to_string(), "{record}");
    assert_eq!(metric(&proxy, "portreeve_hedges_total", &[]).await, 1.0);
    assert_eq!(metric(&proxy, "portreeve_hedges_won_total", &[]).await, 1.0);
    gate.open();
}

#[tokio::test]
async fn a_record_says_why_that_backend() {
    for (balance, why) in [
        ("round-robin", "turn"),
        ("least-requests", "load"),
        ("random", "chance"),
        ("two-choices", "load"),
        ("peak-ewma", "latency"),
        ("prequal", "latency"),
        ("reported-load", "load"),
        ("first", "first"),
        ("hash:path", "key"),
    ] {
        let (one, other) = (
            Origin::replying(200, "1").start().await,
            Origin::replying(200, "2").start().await,
        );
        let proxy = seen(&[&one, &other])
            .pool(&format!("balance = \"{balance}\""))
            .start()
            .await;
        proxy.answer(get("/")).await;
        let record = &records(&proxy, 1).await[0];
        assert_eq!(record["why"], why, "{balance}: {record}");
        let label = format!("why=\"{why}\"");
        let counted = metric(&proxy, "portreeve_request_choices_total", &[&label]).await;
        assert_eq!(counted, 1.0, "{balance}");
    }
}

#[tokio::test]
async fn a_record_has_the_pool_that_a_split_chose() {
    let (api, canary) = (
        Origin::replying(200, "api").start().await,
        Origin::replying(200, "canary").start().await,
    );
    let setup = seen(&[&api]);
    let toml = format!(
        "{}\n[pool.canary]\nbackends = [\"{}\"]\n",
        setup
            .toml()
            .replace("pool = \"app\"", "pool = \"app\"\nsplit = { canary = \"100%\" }"),
        canary.address()
    );
    let proxy = setup.start_as(&toml).await;
    assert_eq!(proxy.answer(get("/")).await.text(), "canary");
    let record = &records(&proxy, 1).await[0];
    assert_eq!(
        (&record["pool"], &record["backend"]),
        (&"canary".into(), &canary.address().to_string().into()),
        "{record}"
    );
}
