use std::fs;
use std::net::TcpListener;

use crate::cli::fixture::{Backend, Connection, Outcome, Program, Scratch, run};

fn taken() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    (listener, address)
}

fn assert_refused(outcome: &Outcome, named: &str) {
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    let said: Vec<_> = outcome
        .stderr
        .lines()
        .filter(|line| line.starts_with("portreeve: "))
        .collect();
    assert!(matches!(said[..], [line] if line.contains(named)), "{outcome:?}");
    assert!(
        !outcome.stderr.contains("listening"),
        "something was started: {outcome:?}"
    );
}

#[test]
fn two_backends_answer_in_turn() {
    let (one, two) = (Backend::named("one"), Backend::named("two"));
    let to = format!("http://{}/,{}", one.address(), two.address());
    let mut portreeve = Program::start(["serve", "--listen", "127.0.0.1:0", "--admin", "off", "--to", &to]);

    let mut connection = Connection::to(portreeve.address());
    let answers: Vec<_> = (0..4).map(|_| connection.get("/")).collect();

    assert_eq!(answers, ["one", "two", "one", "two"]);
}

#[test]
fn a_port_in_use_is_named_and_nothing_is_started() {
    let (_keep, address) = taken();
    let outcome = run([
        "serve",
        "--admin",
        "off",
        "--listen",
        "127.0.0.1:0",
        "--listen",
        &address,
        "--to",
        "127.0.0.1:1",
    ]);
    assert_refused(&outcome, &address);
}

#[test]
fn an_admin_port_in_use_is_named() {
    let (_keep, address) = taken();
    let outcome = run([
        "serve",
        "--admin",
        &address,
        "--listen",
        "127.0.0.1:0",
        "--to",
        "127.0.0.1:1",
    ]);
    assert_refused(&outcome, &format!("admin address {address}"));
}

#[test]
fn an_address_of_another_machine_is_refused() {
    let outcome = run([
        "serve",
        "--admin",
        "off",
        "--listen",
        "192.0.2.1:8080",
        "--to",
        "127.0.0.1:1",
    ]);
    assert_refused(&outcome, "192.0.2.1:8080");
}

#[test]
fn a_low_port_without_the_right_to_it_names_the_right() {
    let lowest = fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start").unwrap();
    if lowest.trim() == "0" {
        return; // here every port is free to all, so the case does not exist
    }
    let arguments = [
        "serve",
        "--admin",
        "off",
        "--listen",
        "127.0.0.1:1",
        "--to",
        "127.0.0.1:1",
    ];
    let portreeve = match rustix::process::geteuid().is_root() {
        true => Program::start_under(&["setpriv", "--bounding-set=-net_bind_service"], &arguments),
        false => Program::start(arguments),
    };
    assert_refused(
        &portreeve.end(),
        "127.0.0.1:1: not permitted; a port below 1024 needs root or CAP_NET_BIND_SERVICE",
    );
}

#[test]
fn the_limit_of_open_files_is_raised_as_far_as_allowed() {
    let arguments = [
        "serve",
        "--admin",
        "127.0.0.1:0",
        "--listen",
        "127.0.0.1:0",
        "--to",
        "127.0.0.1:1",
    ];
    let mut portreeve = Program::start_under(&["prlimit", "--nofile=256:1234"], &arguments);

    let page = Connection::to(portreeve.admin()).get("/metrics");

    assert!(page.contains("\nprocess_max_fds 1234\n"), "{page}");
}

#[test]
fn an_access_log_that_cannot_be_written_is_named() {
    let log = "/nowhere/access.log";
    let outcome = run([
        "serve",
        "--admin",
        "off",
        "--listen",
        "127.0.0.1:0",
        "--to",
        "127.0.0.1:1",
        "--access-log",
        log,
    ]);
    assert_refused(&outcome, log);
}

#[test]
fn a_state_folder_that_is_a_file_is_named() {
    let folder = Scratch::new();
    let file = folder.write("state", "");
    let state = file.to_str().unwrap();
    let outcome = run([
        "serve",
        "--admin",
        "off",
        "--listen",
        "127.0.0.1:0",
        "--to",
        "127.0.0.1:1",
        "--state",
        state,
    ]);
    assert_refused(&outcome, state);
}

#[test]
fn a_faulty_file_is_told_line_by_line() {
    let folder = Scratch::new();
    let file = folder.write("bad.toml", "threads = 0\n[admin]\nbind = \"nowhere\"\n");

    let outcome = run(["serve".as_ref(), "--config".as_ref(), file.as_os_str()]);

    assert_eq!(outcome.code, Some(1));
    assert!(outcome.stderr.contains("bad.toml:1: threads"), "{outcome:?}");
    assert!(outcome.stderr.contains("bad.toml:3: admin.bind"), "{outcome:?}");
}

#[test]
fn a_unix_socket_is_gone_after_the_end() {
    let folder = Scratch::new();
    let socket = folder.file("web.sock");
    let listen = format!("unix:{}", socket.display());
    let mut portreeve = Program::start([
        "serve",
        "--admin",
        "off",
        "--listen",
        &listen,
        "--to",
        "127.0.0.1:1",
    ]);
    portreeve.told("listening listener=");
    assert!(socket.exists());

    portreeve.signal(rustix::process::Signal::TERM);

    assert_eq!(portreeve.end().code, Some(0));
    assert!(!socket.exists());
}
