//! The ledger of a real proxy.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use crate::ledger_cli::fixture::{Backend, Outcome, PATIENCE, Program, folder, run};

/// Serves with a ledger in which every request has to be.
fn serve(folder: &Path, backend: &Backend) -> Program {
    let config = folder.join("portreeve.toml");
    let text = format!(
        "state = \"{}\"\n[admin]\nbind = \"off\"\n[listener.web]\nbind = \"127.0.0.1:0\"\n[route.all]\npool = \"app\"\n\
         ledger = \"required\"\n[pool.app]\nbackends = [\"{}\"]\n",
        folder.join("state").display(),
        backend.address()
    );
    fs::write(&config, text).unwrap();
    Program::start(["serve".as_ref(), "--config".as_ref(), config.as_os_str()])
}

fn get(address: SocketAddr) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
        .write_all(b"GET / HTTP/1.1\r\nhost: app.test\r\nconnection: close\r\n\r\n")
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn ledger(folder: &Path) -> PathBuf {
    folder.join("state/ledger.jsonl")
}

fn verify(folder: &Path) -> Outcome {
    let head = folder.join("state/ledger.head");
    let file = ledger(folder);
    run([
        "ledger".as_ref(),
        "verify".as_ref(),
        "--head".as_ref(),
        head.as_os_str(),
        file.as_os_str(),
    ])
}

#[test]
fn what_a_proxy_served_is_in_its_ledger_over_a_restart_and_a_kill() {
    let (folder, backend) = (folder("served"), Backend::start());
    let mut program = serve(&folder, &backend);
    let address = program.address();
    for _ in 0..3 {
        assert!(get(address).starts_with("HTTP/1.1 200 "));
    }
    program.drain();
    let outcome = verify(&folder);
    assert!(outcome.stdout.starts_with("ok: 3 records"), "{outcome:?}");
    assert!(outcome.stdout.contains("after it: no records"), "{outcome:?}");

    let mut program = serve(&folder, &backend);
    assert!(get(program.address()).starts_with("HTTP/1.1 200 "));
    let begin = Instant::now();
    while !fs::read_to_string(ledger(&folder))
        .unwrap()
        .contains("\"records\":4,")
    {
        assert!(begin.elapsed() < PATIENCE, "the fourth record is never signed");
        thread::sleep(Duration::from_millis(20));
    }
    program.kill();
    serve(&folder, &backend).told(" listening listener=");

    let outcome = verify(&folder);
    assert!(outcome.stdout.starts_with("ok: 4 records"), "{outcome:?}");
    let shown = run(["ledger".as_ref(), "show".as_ref(), ledger(&folder).as_os_str()]);
    assert_eq!(
        shown.stdout.matches(&backend.address().to_string()).count(),
        4,
        "{shown:?}"
    );
}

#[test]
fn a_broken_key_is_a_clear_error_at_the_start() {
    let (folder, backend) = (folder("broken_key"), Backend::start());
    fs::create_dir(folder.join("state")).unwrap();
    fs::write(folder.join("state/ledger.key"), "nonsense").unwrap();
    let mut program = serve(&folder, &backend);
    program.told("ledger.key is broken");
}
