use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::cli::fixture::{Backend, Connection, PATIENCE, Program, Scratch};

fn await_text(file: &Path, text: &str) {
    let begin = Instant::now();
    while !fs::read_to_string(file).unwrap_or_default().contains(text) {
        assert!(begin.elapsed() < PATIENCE, "{} never held {text}", file.display());
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn sigusr1_opens_the_file_anew() {
    let folder = Scratch::new();
    let (log, old) = (folder.file("access.log"), folder.file("access.log.1"));
    let backend = Backend::named("one");
    let to = backend.address().to_string();
    let access_log = log.to_str().unwrap();
    let mut portreeve = Program::start([
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--admin",
        "off",
        "--to",
        &to,
        "--access-log",
        access_log,
    ]);
    let mut connection = Connection::to(portreeve.address());

    connection.get("/before");
    await_text(&log, "/before");
    fs::rename(&log, &old).unwrap();
    portreeve.signal(Signal::USR1);
    portreeve.told("opened the access log anew");
    connection.get("/after");
    await_text(&log, "/after");

    assert!(!fs::read_to_string(&old).unwrap().contains("/after"));
    assert!(!fs::read_to_string(&log).unwrap().contains("/before"));
}

#[test]
fn every_record_is_written_before_the_end() {
    let folder = Scratch::new();
    let log = folder.file("access.log");
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
        "--access-log",
        log.to_str().unwrap(),
    ]);
    let mut connection = Connection::to(portreeve.address());
    for number in 0..50 {
        connection.get(&format!("/{number}"));
    }
    drop(connection);

    portreeve.signal(Signal::TERM);

    assert_eq!(portreeve.end().code, Some(0));
    assert_eq!(fs::read_to_string(&log).unwrap().lines().count(), 50);
}

#[test]
fn a_dash_is_stdout_and_nothing_else_is_written_there() {
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
        "--access-log",
        "-",
    ]);

    Connection::to(portreeve.address()).get("/hello");
    portreeve.printed("/hello");
    portreeve.signal(Signal::TERM);

    let outcome = portreeve.end();
    assert_eq!(outcome.stdout.lines().count(), 1, "{outcome:?}");
}
