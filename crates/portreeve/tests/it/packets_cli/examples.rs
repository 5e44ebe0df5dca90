//! The packets in `examples/packets` are what its README says.

use std::fs;
use std::path::{Path, PathBuf};

use portreeve_packet::{Code, Limits, Packet, Spelling, parse, payload_sha1};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/packets")
}

fn read(name: &str) -> Result<Packet, portreeve_packet::Fault> {
    parse(&fs::read(folder().join(name)).unwrap(), &Limits::default())
}

fn request(name: &str) -> portreeve_packet::Request {
    match read(name) {
        Ok(Packet::Request(request)) => request,
        other => panic!("{name}: {other:?}"),
    }
}

#[test]
fn requests_are_requests_in_both_spellings() {
    let spellings = ["request.json", "request-text.json"].map(|name| request(name).spelling());
    assert_eq!(spellings, [Spelling::Number, Spelling::Text]);
    assert_eq!(request("request-text.json").policy(), "PP_1");
}

#[test]
fn the_longest_payload_passes_and_the_one_that_is_too_long_does_not() {
    assert_eq!(request("request-longest.json").payload().len(), 1024);
    assert_eq!(
        read("request-too-long.json").unwrap_err().code,
        Code::PayloadTooLarge
    );
}

#[test]
fn the_acknowledgement_is_that_of_the_request() {
    let Ok(Packet::Ack(ack)) = read("acknowledgement.json") else {
        panic!()
    };
    let request = request("request.json");
    assert_eq!(ack.payload(), payload_sha1(request.payload()));
    assert_eq!(ack.destid(), request.srcid());
}

#[test]
fn the_others_are_what_their_names_say() {
    assert!(matches!(read("setup.json"), Ok(Packet::Setup(_))));
    assert!(matches!(read("error.json"), Ok(Packet::Error(error)) if error.code() == "no_backend"));
}

#[test]
fn the_readme_names_each_file() {
    let readme = fs::read_to_string(folder().join("README.md")).unwrap();
    for entry in fs::read_dir(folder()).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(
            name == "README.md" || readme.contains(&format!("`{name}`")),
            "{name}"
        );
    }
}
