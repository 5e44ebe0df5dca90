//! `portreeve run`: how it ends, and that nothing is left behind.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use rustix::process::Signal;

use crate::registration_cli::fixture::{App, LONG_ENOUGH, Program, Proxy, Said};
use crate::registration_cli::run::words;

/// A proxy that says that so many requests are running, and notes what the app had seen when it was left.
struct Busy {
    proxy: Proxy,
    in_flight: Arc<AtomicU32>,
}

impl Busy {
    fn with(count: u32) -> Self {
        let in_flight = Arc::new(AtomicU32::new(count));
        let told = Arc::clone(&in_flight);
        let proxy = Proxy::saying(move |asked| match asked.method.as_str() {
            "GET" => Said::busy(told.load(Ordering::Relaxed)),
            _ => Said::yes(asked),
        });
        Self { proxy, in_flight }
    }
}

#[test]
fn on_sigterm_it_drains_waits_deregisters_and_only_then_ends_the_app() {
    let app = App::new();
    let busy = Busy::with(1);
    let mut run = Program::start(words(&busy.proxy.address(), &[], app.command(&[])));
    busy.proxy.await_asked("PUT", 1);

    run.signal(Signal::TERM);
    run.told("draining");
    busy.proxy.await_asked("GET", 5);
    assert!(app.is_alive("pid") && !app.diary().contains(&"term".to_owned()));
    assert!(!busy.proxy.acts().contains(&"DELETE".to_owned()));
    let diary = app.folder.file("diary");
    busy.proxy.say(move |asked| {
        let had_term = std::fs::read_to_string(&diary).unwrap().contains("term");
        assert!(!had_term, "the app was ended before it was deregistered");
        match asked.method.as_str() {
            "GET" => Said::busy(0),
            _ => Said::yes(asked),
        }
    });

    let outcome = run.end();
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    assert!(
        outcome.stderr.contains("deregistered api/a1"),
        "{}",
        outcome.stderr
    );
    let acts = busy.proxy.acts();
    let drain = acts
        .iter()
        .position(|act| act == "POST {\"draining\":true}")
        .unwrap();
    assert_eq!(acts.last().unwrap(), "DELETE");
    assert!(acts[drain..].iter().all(|act| act != "POST {}"), "{acts:?}");
    assert!(app.diary().contains(&"term".to_owned()));
    assert!(!app.is_alive("pid"));
}

#[test]
fn a_lease_is_kept_up_while_it_drains() {
    let app = App::new();
    let busy = Busy::with(1);
    let run = Program::start(words(&busy.proxy.address(), &[], app.command(&[])));
    busy.proxy.await_asked("PUT", 1);
    run.signal(Signal::INT);
    let draining = |acts: &[String]| acts.iter().filter(|act| act.contains("true")).count();
    crate::registration_cli::fixture::eventually("it renews", || draining(&busy.proxy.acts()) >= 3);
    busy.in_flight.store(0, Ordering::Relaxed);
    assert_eq!(run.end().code, Some(0));
}

#[test]
fn running_requests_are_waited_for_no_longer_than_asked() {
    let app = App::new();
    let busy = Busy::with(1);
    let run = Program::start(words(
        &busy.proxy.address(),
        &["--drain-timeout", "200ms"],
        app.command(&[]),
    ));
    busy.proxy.await_asked("PUT", 1);
    run.signal(Signal::TERM);
    let outcome = run.end();
    assert!(
        outcome.stderr.contains("not waited for any longer"),
        "{}",
        outcome.stderr
    );
    assert_eq!(busy.proxy.acts().last().unwrap(), "DELETE");
    assert_eq!(outcome.code, Some(0));
}

#[test]
fn a_second_signal_does_not_wait_for_running_requests() {
    let app = App::new();
    let busy = Busy::with(1);
    let mut run = Program::start(words(&busy.proxy.address(), &[], app.command(&[])));
    busy.proxy.await_asked("PUT", 1);
    run.signal(Signal::TERM);
    run.told("draining");
    run.signal(Signal::TERM);
    let outcome = run.end();
    assert!(outcome.stderr.contains("a second signal"), "{}", outcome.stderr);
    assert_eq!(busy.proxy.acts().last().unwrap(), "DELETE");
}

#[test]
fn an_app_that_does_not_end_is_killed() {
    let (app, proxy) = (App::new(), Proxy::obliging());
    let run = Program::start(words(
        &proxy.address(),
        &["--kill-timeout", "100ms"],
        app.command(&["ignore-term"]),
    ));
    proxy.await_asked("PUT", 1);
    run.signal(Signal::TERM);
    let outcome = run.end();
    assert!(outcome.stderr.contains("killing it"), "{}", outcome.stderr);
    assert_eq!(outcome.code, Some(137), "{}", outcome.stderr);
    app.await_end_of("pid");
}

#[test]
fn an_app_that_ends_by_itself_is_deregistered_and_its_code_is_ours() {
    let (app, proxy) = (App::new(), Proxy::obliging());
    let script = format!(
        "{} & while [ ! -e {} ]; do sleep 0.01; done; exit 7",
        app.command(&[]).join(" "),
        app.folder.file("stop").display()
    );
    let run = Program::start(words(
        &proxy.address(),
        &[],
        vec!["sh".to_owned(), "-c".to_owned(), script],
    ));
    proxy.await_asked("PUT", 1);
    app.folder.write("stop", "");
    let outcome = run.end();
    assert_eq!(outcome.code, Some(7), "{}", outcome.stderr);
    assert_eq!(proxy.acts().last().unwrap(), "DELETE");
    app.await_end_of("pid");
}

#[test]
fn an_app_that_a_signal_ended_gives_128_and_the_signal() {
    let proxy = Proxy::obliging();
    let command = ["sh", "-c", "kill -9 $$"].map(str::to_owned).to_vec();
    let outcome = Program::run(words(&proxy.address(), &[], command));
    assert_eq!(outcome.code, Some(137));
    assert!(
        proxy.asked().is_empty(),
        "it was never registered: {:?}",
        proxy.asked()
    );
}

#[test]
fn all_of_the_apps_processes_end_with_it() {
    let (app, proxy) = (App::new(), Proxy::obliging());
    let other = app.folder.file("other");
    let script = format!(
        "sleep 1000 & echo $! > {}; exec {}",
        other.display(),
        app.command(&[]).join(" ")
    );
    let run = Program::start(words(
        &proxy.address(),
        &[],
        vec!["sh".to_owned(), "-c".to_owned(), script],
    ));
    proxy.await_asked("PUT", 1);
    assert!(app.is_alive("other"));
    run.signal(Signal::TERM);
    assert_eq!(run.end().code, Some(0));
    app.await_end_of("other");
    app.await_end_of("pid");
}

#[test]
fn a_first_refusal_ends_it_and_the_app() {
    let app = App::new();
    let proxy = Proxy::saying(|_| Said::no(404, "unknown_pool", "there is no pool api"));
    let run = Program::start(words(&proxy.address(), &[], app.command(&[])));
    let outcome = run.end();
    assert_eq!(outcome.code, Some(1));
    let told = "portreeve: the proxy refuses /v1/pools/api/backends/a1: there is no pool api";
    assert!(outcome.stderr.contains(told), "{}", outcome.stderr);
    app.await_end_of("pid");
}

#[test]
fn a_port_that_is_taken_is_not_registered_for_a_stranger() {
    let (app, proxy) = (App::new(), Proxy::obliging());
    let stranger = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = stranger.local_addr().unwrap().port().to_string();
    let outcome = Program::run(words(&proxy.address(), &["--port", &port], app.command(&[])));
    assert_eq!(outcome.code, Some(1));
    assert!(
        outcome
            .stderr
            .contains(&format!("something already listens at 127.0.0.1:{port}")),
        "{}",
        outcome.stderr
    );
    thread::sleep(LONG_ENOUGH);
    assert!(app.diary().is_empty() && proxy.asked().is_empty());
}

#[test]
fn a_program_that_is_not_there_is_named() {
    let proxy = Proxy::obliging();
    let outcome = Program::run(words(&proxy.address(), &[], vec!["no-such-app".to_owned()]));
    assert_eq!(outcome.code, Some(1));
    assert!(
        outcome
            .stderr
            .contains("cannot start no-such-app: there is no such program"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn what_is_typed_wrongly_is_code_2() {
    for wrong in [
        &["run", "--", "true"][..],
        &["run", "--pool", "api"],
        &["run", "--pool", "api", "--port", "0", "--", "true"],
        &["run", "--pool", "api", "--to", "nowhere", "--", "true"],
        &["run", "--pool", "api", "--drain-timeout", "soon", "--", "true"],
        &[
            "run",
            "--pool",
            "api",
            "--port",
            "1",
            "--address",
            "127.0.0.1:1",
            "--",
            "true",
        ],
    ] {
        assert_eq!(Program::run(wrong).code, Some(2), "{wrong:?}");
    }
}
