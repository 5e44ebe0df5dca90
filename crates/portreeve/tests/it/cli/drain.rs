use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::cli::fixture::{Backend, Connection, PATIENCE, Program};

/// A proxy that is busy with a slow request.
struct Busy {
    portreeve: Program,
    backend: Backend,
    client: Connection,
    address: SocketAddr,
    admin: SocketAddr,
}

impl Busy {
    fn with(drain_timeout: &str) -> Self {
        let backend = Backend::named("one");
        let to = backend.address().to_string();
        let mut portreeve = Program::start([
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--admin",
            "127.0.0.1:0",
            "--to",
            &to,
            "--drain-timeout",
            drain_timeout,
        ]);
        let admin = portreeve.admin();
        let address = portreeve.address();
        let mut client = Connection::to(address);
        client.ask("/slow");
        backend.await_slow_request();
        Self {
            portreeve,
            backend,
            client,
            address,
            admin,
        }
    }

    fn readiness(&self) -> u16 {
        let mut admin = Connection::to(self.admin);
        admin.ask("/readyz");
        admin.response().status
    }
}

fn await_refused(address: SocketAddr) {
    let begin = Instant::now();
    while TcpStream::connect(address).is_ok() {
        assert!(begin.elapsed() < PATIENCE, "connections are still accepted");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn sigterm_lets_a_running_request_finish_and_takes_no_new_ones() {
    let mut busy = Busy::with("30s");
    assert_eq!(busy.readiness(), 200);

    busy.portreeve.signal(Signal::TERM);
    busy.portreeve.told("draining");
    await_refused(busy.address);
    assert_eq!(busy.readiness(), 503);
    busy.backend.release();

    assert_eq!(busy.client.response().body, "one");
    let outcome = busy.portreeve.end();
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert!(outcome.stderr.contains("every request finished"), "{outcome:?}");
}

#[test]
fn a_request_that_takes_longer_than_the_drain_is_cut_and_it_says_so() {
    let mut busy = Busy::with("100ms");

    busy.portreeve.signal(Signal::TERM);

    assert!(busy.client.try_response().is_err());
    let outcome = busy.portreeve.end();
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert!(outcome.stderr.contains("cut=1"), "{outcome:?}");
}

#[test]
fn a_second_signal_ends_at_once_with_the_code_of_the_signal() {
    for (second, code) in [(Signal::TERM, 143), (Signal::INT, 130)] {
        let mut busy = Busy::with("1h");

        busy.portreeve.signal(Signal::TERM);
        busy.portreeve.told("draining");
        busy.portreeve.signal(second);

        assert_eq!(busy.portreeve.end().code, Some(code));
        assert!(busy.client.is_closed());
    }
}

#[test]
fn an_idle_connection_does_not_hold_up_the_end() {
    let backend = Backend::named("one");
    let to = backend.address().to_string();
    let mut portreeve = Program::start([
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--admin",
        "off",
        "--to",
        &to,
        "--drain-timeout",
        "1h",
    ]);
    let mut connection = Connection::to(portreeve.address());
    connection.get("/");

    portreeve.signal(Signal::INT);

    assert_eq!(portreeve.end().code, Some(0));
    assert!(connection.is_closed());
}
