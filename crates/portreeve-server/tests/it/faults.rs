//! Duty (proof): a backend that is killed, stopped, refusing, resetting, slow or truncating under load: nothing hangs,
//! every failure is typed, no other request is hurt.

use std::time::{Duration, Instant};

use portreeve_testkit::{Address, Client, Gate, Origin, Part, Proxy, Script, answer, get};

const CLIENTS: usize = 8;
const LIMITS: &str = "connect_timeout = \"300ms\"\nfirst_byte_timeout = \"300ms\"\nidle_timeout = \"300ms\"";
/// No request may take longer: every limit is a third of a second, and there are at most three attempts.
const ANSWERED_WITHIN: Duration = Duration::from_secs(4);

/// Two routes, `/sick` and all else, each to its own backend.
async fn two_routes(sick: &Address, healthy: &Origin) -> Proxy {
    let toml = format!(
        "[listener.web]\nbind = \"127.0.0.1:0\"\n[route.sick]\npath = \"/sick\"\npool = \"sick\"\n[route.rest]\npool = \"healthy\"\n\
         [pool.sick]\nbackends = [\"{sick}\"]\n[pool.sick.limits]\n{LIMITS}\n[pool.healthy]\nbackends = [\"{}\"]\n",
        healthy.address()
    );
    Proxy::with(&toml).await
}

/// What became of one request.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Answered(u16),
    /// An error of the proxy's own, with its `Proxy-Status`.
    Failed(u16),
    Aborted,
}

async fn outcome(proxy: &Address, target: &str) -> Outcome {
    let began = Instant::now();
    let mut client = Client::connect(proxy).await.patience(ANSWERED_WITHIN);
    client.send(get(target)).await;
    let outcome = match client.try_response().await {
        Ok(response)
            if response
                .values("proxy-status")
                .iter()
                .any(|value| value.contains("error=")) =>
        {
            Outcome::Failed(response.status())
        }
        Ok(response) => Outcome::Answered(response.status()),
        Err(broken) => {
            assert!(broken.ended.is_some(), "it hangs: {broken}");
            Outcome::Aborted
        }
    };
    assert!(
        began.elapsed() < ANSWERED_WITHIN,
        "{:?} for {outcome:?}",
        began.elapsed()
    );
    outcome
}

/// Sends requests until the gate opens, of all clients together.
async fn load(proxy: &Address, target: &str, done: &Gate) -> Vec<Outcome> {
    let mut clients = tokio::task::JoinSet::new();
    for _ in 0..CLIENTS {
        let (proxy, target, done) = (proxy.clone(), target.to_owned(), done.clone());
        clients.spawn(async move {
            let mut outcomes = Vec::new();
            while tokio::time::timeout(Duration::ZERO, done.passed()).await.is_err() {
                outcomes.push(outcome(&proxy, &target).await);
            }
            outcomes
        });
    }
    clients.join_all().await.into_iter().flatten().collect()
}

/// Puts load on both routes while `harm` goes on; the outcomes of the sick one.
async fn under_load(proxy: &Proxy, harm: impl Future<Output = ()>) -> Vec<Outcome> {
    let (address, done) = (proxy.address(), Gate::new());
    let harm = async {
        harm.await;
        done.open();
    };
    let (sick, healthy, ()) = tokio::join!(load(&address, "/sick", &done), load(&address, "/", &done), harm);
    assert!(healthy.len() > CLIENTS, "the healthy route was in use");
    assert!(
        healthy.iter().all(|outcome| *outcome == Outcome::Answered(200)),
        "others were hurt: {healthy:?}"
    );
    sick
}

async fn for_a_while() {
    tokio::time::sleep(Duration::from_millis(600)).await;
}

#[track_caller]
fn assert_only(outcomes: &[Outcome], allowed: &[Outcome]) {
    assert!(!outcomes.is_empty());
    let strange: Vec<&Outcome> = outcomes
        .iter()
        .filter(|outcome| !allowed.contains(outcome))
        .collect();
    assert!(strange.is_empty(), "{strange:?}");
}

/// How many failed with that status, and how many did not.
fn split(outcomes: &[Outcome], status: u16) -> (usize, usize) {
    let with = outcomes
        .iter()
        .filter(|outcome| **outcome == Outcome::Failed(status));
    let count = with.count();
    (count, outcomes.len() - count)
}

/// Not a test of its own: the backend that the tests below stop and kill.
#[tokio::test]
async fn backend_process() {
    if Part::is_this("faults::backend_process") {
        let origin = Origin::replying(200, "hi").start().await;
        Part::play(origin.address()).await;
    }
}

#[tokio::test]
async fn a_backend_that_is_killed() {
    let mut part = Part::start("faults::backend_process");
    let healthy = Origin::replying(200, "hi").start().await;
    let proxy = two_routes(part.address(), &healthy).await;
    assert_eq!(outcome(&proxy.address(), "/sick").await, Outcome::Answered(200));
    let outcomes = under_load(&proxy, async {
        for_a_while().await;
        part.kill();
        for_a_while().await;
    });
    let outcomes = outcomes.await;
    // Those it had are lost; as soon as it refuses one it is known to be down.
    assert_only(
        &outcomes,
        &[Outcome::Answered(200), Outcome::Failed(502), Outcome::Failed(503)],
    );
    assert!(outcomes.contains(&Outcome::Answered(200)) && outcomes.contains(&Outcome::Failed(503)));
}

#[tokio::test]
async fn a_backend_that_is_stopped_and_goes_on() {
    let part = Part::start("faults::backend_process");
    let healthy = Origin::replying(200, "hi").start().await;
    let proxy = two_routes(part.address(), &healthy).await;
    assert_eq!(outcome(&proxy.address(), "/sick").await, Outcome::Answered(200));
    let outcomes = under_load(&proxy, async {
        for_a_while().await;
        part.stop();
        for_a_while().await;
        part.resume();
    });
    let outcomes = outcomes.await;
    assert_only(&outcomes, &[Outcome::Answered(200), Outcome::Failed(504)]);
    assert!(outcomes.contains(&Outcome::Failed(504)));
    let mut answered = false;
    for _ in 0..20 {
        answered = outcome(&proxy.address(), "/sick").await == Outcome::Answered(200);
        if answered {
            break;
        }
    }
    assert!(answered, "it serves again");
}

async fn sick(script: Script) -> (Origin, Origin, Proxy) {
    let (sick, healthy) = (
        Origin::scripted(script).start().await,
        Origin::replying(200, "hi").start().await,
    );
    let proxy = two_routes(sick.address(), &healthy).await;
    (sick, healthy, proxy)
}

#[tokio::test]
async fn a_backend_that_refuses() {
    let (refusing, healthy) = (Origin::refusing(), Origin::replying(200, "hi").start().await);
    let proxy = two_routes(refusing.address(), &healthy).await;
    let outcomes = under_load(&proxy, for_a_while()).await;
    assert_only(&outcomes, &[Outcome::Failed(502), Outcome::Failed(503)]);
    let (first, down) = split(&outcomes, 502);
    assert!(
        (1..=16).contains(&first) && down > 0,
        "{first} refused, then {down}"
    );
}

#[tokio::test]
async fn a_backend_that_is_unreachable() {
    let (deaf, healthy) = (Origin::deaf(), Origin::replying(200, "hi").start().await);
    let proxy = two_routes(deaf.address(), &healthy).await;
    let outcomes = under_load(&proxy, for_a_while()).await;
    assert_only(&outcomes, &[Outcome::Failed(504), Outcome::Failed(503)]);
    assert!(split(&outcomes, 504).0 > 0);
}

#[tokio::test]
async fn a_backend_that_resets() {
    let (_sick, _healthy, proxy) = sick(Script::new().read_request().reset()).await;
    assert_only(&under_load(&proxy, for_a_while()).await, &[Outcome::Failed(502)]);
}

#[tokio::test]
async fn a_backend_that_resets_at_once() {
    let (_sick, _healthy, proxy) = sick(Script::new().reset()).await;
    // A reset that comes early enough looks like a connection that could not be made.
    let outcomes = under_load(&proxy, for_a_while()).await;
    assert_only(&outcomes, &[Outcome::Failed(502), Outcome::Failed(503)]);
    assert!(split(&outcomes, 502).0 > 0);
}

#[tokio::test]
async fn a_backend_that_closes_at_once() {
    let (_sick, _healthy, proxy) = sick(Script::new()).await;
    assert_only(&under_load(&proxy, for_a_while()).await, &[Outcome::Failed(502)]);
}

#[tokio::test]
async fn a_backend_that_never_answers() {
    let (_sick, _healthy, proxy) = sick(Script::new().read_request().stall()).await;
    assert_only(&under_load(&proxy, for_a_while()).await, &[Outcome::Failed(504)]);
}

#[tokio::test]
async fn a_backend_that_is_slow_but_answers() {
    let script = Script::new()
        .read_request()
        .pause(Duration::from_millis(100))
        .send(answer("200 OK", "hi"))
        .forever();
    let (_sick, _healthy, proxy) = sick(script).await;
    assert_only(
        &under_load(&proxy, for_a_while()).await,
        &[Outcome::Answered(200)],
    );
}

#[tokio::test]
async fn a_backend_that_truncates() {
    for cut in [
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nha",
    ] {
        let (_sick, _healthy, proxy) = sick(Script::new().read_request().send(cut)).await;
        assert_only(&under_load(&proxy, for_a_while()).await, &[Outcome::Aborted]);
    }
}

#[tokio::test]
async fn a_backend_that_stalls_amid_the_body() {
    let cut = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf";
    let (_sick, _healthy, proxy) = sick(Script::new().read_request().send(cut).stall()).await;
    assert_only(&under_load(&proxy, for_a_while()).await, &[Outcome::Aborted]);
}

#[tokio::test]
async fn a_backend_that_talks_nonsense() {
    let (_sick, _healthy, proxy) = sick(Script::new().read_request().send("\0\0nonsense\r\n\r\n")).await;
    assert_only(&under_load(&proxy, for_a_while()).await, &[Outcome::Failed(502)]);
}

#[tokio::test]
async fn a_sick_backend_of_a_pool_costs_nobody_an_answer() {
    let (refusing, resetting) = (
        Origin::refusing(),
        Origin::scripted(Script::new().reset()).start().await,
    );
    let healthy = Origin::replying(200, "hi").start().await;
    let proxy = Proxy::before("app.test", &[&refusing, &healthy, &resetting])
        .backend_limits(LIMITS)
        .start()
        .await;
    let (address, done) = (proxy.address(), Gate::new());
    let stop = async {
        for_a_while().await;
        done.open();
    };
    let (outcomes, ()) = tokio::join!(load(&address, "/", &done), stop);
    assert_only(&outcomes, &[Outcome::Answered(200)]);
}

#[tokio::test]
async fn hundreds_of_clients_at_once_get_their_own_answers() {
    let echo = |request: &portreeve_testkit::Message| answer("200 OK", &request.text()).into_bytes();
    let origin = Origin::answering(echo).start().await;
    let proxy = Proxy::before("app.test", &[&origin])
        .top("threads = 2")
        // On a busy machine these clients are more than can be served soon, and nobody is to be turned away here.
        .pool("in_flight = \"unlimited\"")
        .start()
        .await;
    let mut clients = tokio::task::JoinSet::new();
    for number in 0..300 {
        let address = proxy.address();
        clients.spawn(async move {
            let mut client = Client::connect(&address).await;
            for round in 0..10 {
                let body = format!("{number}.{round}");
                client.send(portreeve_testkit::post(&body)).await;
                assert_eq!(client.response().await.text(), body);
            }
        });
    }
    clients.join_all().await;
}
