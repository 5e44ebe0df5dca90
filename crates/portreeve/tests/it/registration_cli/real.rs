//! `run`, `backends` and `token` against the real proxy.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::thread;

use rustix::process::{Pid, Signal, kill_process};

use crate::registration_cli::fixture::{App, Outcome, PATIENCE, Program, Scratch, eventually};

/// `portreeve serve` without a file: whoever registers is served.
pub(crate) struct Real {
    _program: Program,
    state: Scratch,
    address: SocketAddr,
}

impl Real {
    pub(crate) fn start() -> Self {
        let state = Scratch::new();
        let path = state.path().to_str().unwrap();
        let arguments = [
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--admin",
            "127.0.0.1:0",
            "--state",
            path,
        ];
        let mut program = Program::start(arguments);
        let address = program.address_told(" listening listener=");
        program.told("ready");
        Self {
            _program: program,
            state,
            address,
        }
    }

    /// Runs the app as `default/a1`, `more` before its command.
    fn run(&self, app: &App, more: &[&str]) -> Program {
        self.run_with(app, more, &[])
    }

    fn run_with(&self, app: &App, more: &[&str], variables: &[(&str, &str)]) -> Program {
        let to = self.address.to_string();
        let own = ["run", "--pool", "default", "--id", "a1", "--to", &to];
        let own = own.iter().chain(more).map(|word| (*word).to_owned());
        let arguments = own.chain(["--".to_owned()]).chain(app.command(&[]));
        Program::start_with(arguments, |command| {
            command.envs(variables.iter().copied());
        })
    }

    /// A command of the operator.
    fn ask(&self, words: &[&str]) -> Outcome {
        let state = self.state.path().to_str().unwrap();
        Program::run(words.iter().copied().chain(["--state", state]))
    }

    /// Status and body.
    fn get(&self, path: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut whole = String::new();
        stream.read_to_string(&mut whole).unwrap();
        let (head, body) = whole.split_once("\r\n\r\n").unwrap();
        (head[9..12].parse().unwrap(), body.to_owned())
    }

    fn await_service(&self) {
        eventually("the app is served", || self.get("/").0 == 200);
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// That of `default/a1`; empty if it is not there.
    pub(crate) fn standing(&self) -> String {
        let shown = self.ask(&["backends", "show", "default/a1", "--json"]).stdout;
        let standing = shown.split("\"standing\":\"").nth(1).unwrap_or_default();
        standing.split('"').next().unwrap_or_default().to_owned()
    }
}

#[test]
fn an_app_without_a_line_of_code_for_it_is_served() {
    let (real, app) = (Real::start(), App::new());
    let mut run = real.run(&app, &[]);
    run.told("registered as default/a1");

    real.await_service();

    assert_eq!(real.get("/"), (200, "hello from the app".to_owned()));
    let list = real.ask(&["backends"]);
    assert!(
        list.stdout.contains("default/a1") && list.stdout.contains("serving"),
        "{}",
        list.stdout
    );
}

#[test]
fn on_sigterm_a_running_request_finishes_and_new_ones_go_elsewhere() {
    let (real, app) = (Real::start(), App::new());
    let mut run = real.run(&app, &[]);
    real.await_service();
    let address = real.address;
    let slow = thread::spawn(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let request = b"GET /slow HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n";
        stream.write_all(request).unwrap();
        let mut whole = String::new();
        stream.read_to_string(&mut whole).unwrap();
        whole
    });
    app.await_diary("slow");

    run.signal(Signal::TERM);
    run.told("draining");
    eventually("new requests are refused", || real.get("/").0 == 503);
    assert!(app.is_alive("pid") && !app.diary().contains(&"term".to_owned()));
    app.folder.write("answer", "");

    let outcome = run.end();
    assert!(slow.join().unwrap().ends_with("hello from the app"));
    assert_eq!(outcome.code, Some(0), "{}", outcome.stderr);
    assert!(
        outcome.stderr.contains("deregistered default/a1"),
        "{}",
        outcome.stderr
    );
    assert!(!outcome.stderr.contains("not waited for"), "{}", outcome.stderr);
    app.await_end_of("pid");
    assert!(real.ask(&["backends"]).stderr.contains("no backends yet"));
}

#[test]
fn the_lease_of_a_run_that_was_killed_ends_by_its_ttl() {
    let (real, app) = (Real::start(), App::new());
    let run = real.run(&app, &["--ttl", "500ms"]);
    real.await_service();

    run.signal(Signal::KILL);

    eventually("the lease is over", || real.get("/").0 == 503);
    assert!(app.is_alive("pid"), "nobody is left to end it");
    let pid = app.folder.read("pid").trim().parse().unwrap();
    kill_process(Pid::from_raw(pid).unwrap(), Signal::KILL).unwrap();
    assert_eq!(run.end().code, None);
}

#[test]
fn the_operator_drains_and_undrains() {
    let (real, app) = (Real::start(), App::new());
    let _run = real.run(&app, &[]);
    real.await_service();

    let drained = real.ask(&["backends", "drain", "default/a1", "--wait", "10s"]);
    assert_eq!(
        drained.stdout,
        "default/a1 gets no new requests; and none is running"
    );
    assert_eq!((real.get("/").0, real.standing().as_str()), (503, "draining"));

    let undrained = real.ask(&["backends", "undrain", "default/a1"]);
    assert_eq!(undrained.code, Some(0), "{}", undrained.stderr);
    real.await_service();
}

#[test]
fn an_app_that_the_operator_removed_comes_back_by_its_heartbeat() {
    let (real, app) = (Real::start(), App::new());
    let mut run = real.run(&app, &["--ttl", "1s"]);
    real.await_service();

    let removed = real.ask(&["backends", "remove", "default/a1"]);

    assert_eq!(removed.code, Some(0), "{}", removed.stderr);
    run.told("forgotten");
    real.await_service();
}

#[test]
fn a_token_limits_its_holder_and_ends_its_registrations_with_it() {
    let (real, app) = (Real::start(), App::new());
    let made = real.ask(&["token", "create", "--policy", "eu", "--expires", "1h"]);
    assert_eq!(made.code, Some(0), "{}", made.stderr);
    let variables = [("PORTREEVE_TOKEN", made.stdout.as_str())];

    let refused = real.run_with(&app, &["--policy", "us"], &variables).end();
    assert_eq!(refused.code, Some(1));
    assert!(
        refused.stderr.contains("does not allow the policy us"),
        "{}",
        refused.stderr
    );

    let mut run = real.run_with(&app, &["--policy", "eu"], &variables);
    run.told("registered as default/a1");
    let list = real.ask(&["token"]).stdout;
    let id = list.lines().nth(1).unwrap().split(' ').next().unwrap().to_owned();
    assert!(made.stdout.starts_with(&format!("ptv_{id}_")), "{list}");
    let revoked = real.ask(&["token", "revoke", &id]);
    assert_eq!(revoked.code, Some(0), "{}", revoked.stderr);
    assert!(real.ask(&["backends"]).stdout.is_empty());
    run.told("this token is not known");
    assert!(app.is_alive("pid"), "an app is not ended because of the proxy");
}

#[test]
fn a_refusal_says_which_pool() {
    let (real, app) = (Real::start(), App::new());
    let to = real.address.to_string();
    let own = ["run", "--pool", "none", "--to", &to, "--"].map(str::to_owned);
    let outcome = Program::run(own.into_iter().chain(app.command(&[])));
    assert_eq!(outcome.code, Some(1));
    assert!(
        outcome.stderr.contains("there is no pool none"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn the_key_is_for_the_proxys_user_only_and_without_it_nothing_changes() {
    let real = Real::start();
    let file = real.state.file("admin.json");
    assert_eq!(
        std::fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let text = std::fs::read_to_string(&file).unwrap();
    let admin = text.split('"').nth(3).unwrap();
    let empty = Scratch::new();

    let words = [
        "token",
        "create",
        "--admin",
        admin,
        "--state",
        empty.path().to_str().unwrap(),
    ];
    let outcome = Program::run(words);

    assert_eq!(outcome.code, Some(1));
    assert!(outcome.stderr.contains("No key was shown"), "{}", outcome.stderr);
    assert!(real.ask(&["token"]).stdout.is_empty());
}
