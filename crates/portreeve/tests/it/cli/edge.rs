//! What an operator is told of clients that speak something else: once, and what would be right.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use rustix::process::Signal;

use crate::cli::fixture::{Backend, Program, Scratch};

/// A proxy by a file, with these lines for its one listener.
fn serving(backend: &Backend, folder: &Scratch, listener: &str) -> Program {
    let toml = format!(
        "admin = {{ bind = \"off\" }}\n[listener.web]\nbind = \"127.0.0.1:0\"\n{listener}\n\
         [pool.app]\nbackends = \"{}\"\n",
        backend.address()
    );
    let file = folder.write("portreeve.toml", &toml);
    let arguments = ["serve".as_ref(), "--config".as_ref(), file.as_os_str()];
    Program::start(arguments)
}

/// All that comes back after these bytes.
fn answer(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(bytes).unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer); // it may be reset behind the answer
    String::from_utf8_lossy(&answer).into_owned()
}

/// All that it said, once it has ended.
fn said(program: Program) -> String {
    program.signal(Signal::TERM);
    program.end().stderr
}

#[test]
fn tls_on_a_port_without_it_is_told_once_and_to_the_client() {
    let (backend, folder) = (Backend::named("one"), Scratch::new());
    let mut portreeve = serving(&backend, &folder, "");
    let address = portreeve.address();

    for _ in 0..3 {
        let answer = answer(address, CLIENT_HELLO);
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
        assert!(
            answer.contains("speaks HTTP without TLS; use http://"),
            "{answer}"
        );
    }

    let said = said(portreeve);
    assert_eq!(said.matches("event=\"plain_tls\"").count(), 1, "{said}");
    assert!(said.contains("give it certificates or domains"), "{said}");
}

#[test]
fn a_proxy_header_that_is_missing_is_told_once() {
    let (backend, folder) = (Backend::named("one"), Scratch::new());
    let mut portreeve = serving(&backend, &folder, "proxy_protocol = \"127.0.0.0/8\"");
    let address = portreeve.address();

    for _ in 0..3 {
        assert_eq!(answer(address, b"GET / HTTP/1.1\r\nHost: a.test\r\n\r\n"), "");
    }

    let said = said(portreeve);
    let lines: Vec<_> = said
        .lines()
        .filter(|line| line.contains("event=\"proxy_header_malformed\""))
        .collect();
    assert_eq!(lines.len(), 1, "{said}");
    for part in [
        " WARN ",
        "there is no PROXY header",
        "peer=\"127.0.0.1\"",
        "proxy_protocol",
    ] {
        assert!(lines[0].contains(part), "{said}");
    }
}

#[test]
fn a_client_that_breaks_the_rules_of_http2_is_told_of_once() {
    let (backend, folder) = (Backend::named("one"), Scratch::new());
    let mut portreeve = serving(&backend, &folder, "");
    let address = portreeve.address();

    // Behind the preface and empty SETTINGS, DATA on stream 0.
    let broken = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
    for _ in 0..3 {
        answer(address, broken);
    }

    let said = said(portreeve);
    assert_eq!(
        said.matches("event=\"http2_protocol_error\"").count(),
        1,
        "{said}"
    );
}

/// The beginning of one, as openssl sends it.
const CLIENT_HELLO: &[u8] = b"\x16\x03\x01\x01\x2f\x01\0\x01\x2b\x03\x03";
