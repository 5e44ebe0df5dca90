//! `portreeve run`: how an app joins and stays.

use std::net::TcpListener;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use rustix::process::Signal;

use crate::registration_cli::fixture::{App, LONG_ENOUGH, Program, Proxy, Said, eventually};

/// The words for a proxy and an app, `more` before the app's command.
pub(crate) fn words(proxy: &str, more: &[&str], command: Vec<String>) -> Vec<String> {
    let own = [
        "run", "--pool", "api", "--policy", "eu", "--id", "a1", "--to", proxy,
    ];
    let own = own.iter().chain(more).map(|word| (*word).to_owned());
    own.chain(["--".to_owned()]).chain(command).collect()
}

#[test]
fn an_app_is_registered_when_it_listens_and_not_before() {
    let (app, proxy) = (App::new(), Proxy::obliging());
    let mut run = Program::start(words(
        &proxy.address(),
        &["--weight", "3", "--ttl", "1s"],
        app.command(&["wait"]),
    ));
    app.await_diary("started");
    thread::sleep(LONG_ENOUGH);
    assert!(proxy.asked().is_empty(), "{:?}", proxy.asked());

    app.release();

    let put = proxy.await_asked("PUT", 1);
    let port = app.variable("PORT").unwrap();
    assert_eq!(put.target, "/v1/pools/api/backends/a1");
    assert_eq!(
        put.body,
        format!("{{\"port\":{port},\"policies\":[\"eu\"],\"weight\":3,\"ttl\":\"1s\"}}")
    );
    run.told("registered as api/a1 at 127.0.0.1:1 for eu");
}

#[test]
fn heartbeats_follow_each_other_within_the_ttl() {
    let (app, proxy) = (App::new(), Proxy::obliging());
    let _run = Program::start(words(&proxy.address(), &[], app.command(&[])));

    let beat = proxy.await_asked("POST", 3);

    assert_eq!(
        (beat.target.as_str(), beat.body.as_str()),
        ("/v1/pools/api/backends/a1/heartbeat", "{}")
    );
    assert_eq!(
        proxy.acts()[..4]
            .iter()
            .filter(|act| act.starts_with("PUT"))
            .count(),
        1
    );
}

#[test]
fn the_app_gets_its_port_and_not_the_token() {
    let (app, proxy) = (App::new(), Proxy::obliging());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    drop(listener);
    let arguments = words(&proxy.address(), &["--port", &port], app.command(&[]));
    let _run = Program::start_with(arguments, |command| {
        command.envs([("PORTREEVE_TOKEN", "ptv_a_hush"), ("OTHER", "stays")]);
    });

    let put = proxy.await_asked("PUT", 1);

    assert_eq!(put.authorization.as_deref(), Some("Bearer ptv_a_hush"));
    assert_eq!(app.variable("PORT"), Some(port));
    assert_eq!(app.variable("OTHER").as_deref(), Some("stays"));
    assert_eq!(app.variable("PORTREEVE_TOKEN"), None);
}

#[test]
fn an_app_that_the_proxy_has_forgotten_is_registered_again() {
    let (app, proxy) = (App::new(), Proxy::obliging());
    let mut run = Program::start(words(&proxy.address(), &[], app.command(&[])));
    proxy.await_asked("POST", 1);

    let forgets = AtomicU32::new(1);
    proxy.say(move |asked| match asked.method.as_str() {
        "POST" if forgets.swap(0, Ordering::Relaxed) == 1 => {
            Said::no(404, "not_registered", "api/a1 is not registered")
        }
        _ => Said::yes(asked),
    });

    proxy.await_asked("PUT", 2);
    run.told("forgotten");
    run.told("registered as api/a1");
}

#[test]
fn a_proxy_that_is_away_is_told_of_once_and_found_when_it_is_back() {
    let app = App::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let away = listener.local_addr().unwrap().to_string();
    drop(listener);
    let run = Program::start(words(&away, &[], app.command(&[])));
    app.await_diary("listening");
    thread::sleep(LONG_ENOUGH * 3);
    run.signal(Signal::TERM);
    let outcome = run.end();
    let told = format!("nothing answers at {away} (connection refused)");
    assert_eq!(
        outcome.stderr.matches(&format!("{told}; trying again")).count(),
        1,
        "{}",
        outcome.stderr
    );
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
}

#[test]
fn a_member_outlives_troubles_of_the_proxy() {
    let (app, proxy) = (App::new(), Proxy::obliging());
    let mut run = Program::start(words(&proxy.address(), &[], app.command(&[])));
    proxy.await_asked("POST", 1);

    proxy.say(|_| Said::no(403, "token_expired", "the token a has expired"));
    run.told("the token a has expired; trying again");
    let so_far = proxy.asked().len();
    eventually("it goes on asking", || proxy.asked().len() > so_far + 2);
    proxy.say(Said::yes);

    run.told("the proxy answers again");
    assert!(app.is_alive("pid"));
}

#[test]
fn who_has_to_wait_for_its_place_waits() {
    let app = App::new();
    let tries = AtomicU32::new(0);
    let proxy = Proxy::saying(move |asked| match tries.fetch_add(1, Ordering::Relaxed) {
        0 => Said::no(409, "address_held", "api/b1 is registered there"),
        1 => Said::no(503, "overloaded", "too many registrations are waiting"),
        _ => Said::yes(asked),
    });
    let mut run = Program::start(words(&proxy.address(), &[], app.command(&[])));
    run.told("api/b1 is registered there; trying again");
    run.told("too many registrations");
    run.told("registered as api/a1");
}

#[test]
fn signals_for_the_app_reach_it() {
    let (app, proxy) = (App::new(), Proxy::obliging());
    let run = Program::start(words(&proxy.address(), &[], app.command(&[])));
    proxy.await_asked("PUT", 1);

    run.signal(Signal::USR1);

    app.await_diary("usr1");
    assert!(app.is_alive("pid"));
}

#[test]
fn without_an_id_it_is_the_hosts_name_and_the_port() {
    let (app, proxy) = (App::new(), Proxy::obliging());
    let own = ["run", "--pool", "api", "--to", &proxy.address(), "--"].map(str::to_owned);
    let _run = Program::start(own.into_iter().chain(app.command(&[])));

    let put = proxy.await_asked("PUT", 1);

    let port = app.variable("PORT").unwrap();
    let id = put.target.strip_prefix("/v1/pools/api/backends/").unwrap();
    assert!(
        id.ends_with(&format!("-{port}")) && id.len() > port.len() + 1,
        "{id}"
    );
    assert_eq!(put.body, format!("{{\"port\":{port}}}"));
}
