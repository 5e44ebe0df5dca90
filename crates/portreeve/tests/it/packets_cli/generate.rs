use std::fs;
use std::path::Path;

use portreeve_packet::{Limits, Packet, parse};

use crate::packets_cli::fixture::{Outcome, Program, Proxy, folder, run};

fn generate(out: &Path, more: &[&str]) -> Outcome {
    let out = out.to_str().unwrap();
    run(["packets", "generate", "--out", out].iter().chain(more))
}

/// Who asks for which policy, and with how many bytes.
fn facts(file: &Path) -> (String, String, usize) {
    let bytes = fs::read(file).unwrap();
    match parse(&bytes, &Limits::default()) {
        Ok(Packet::Request(request)) => (
            request.srcid().unwrap().to_owned(),
            request.policy().to_owned(),
            request.payload().len(),
        ),
        other => panic!("{other:?}"),
    }
}

#[test]
fn each_client_has_a_file_and_the_policies_go_round() {
    let out = folder("generate_each").join("made/by/us");
    let outcome = generate(&out, &["--clients", "10", "--policies", "111,PP_1,222"]);
    assert_eq!(
        (outcome.code, outcome.stderr.as_str()),
        (Some(0), ""),
        "{outcome:?}"
    );
    let printed: Vec<&str> = outcome.stdout.lines().collect();
    assert_eq!(printed.len(), 10);
    for (number, (line, policy)) in (1..).zip(printed.iter().zip(["111", "PP_1", "222"].iter().cycle())) {
        let file = out.join(format!("client-{number:02}.json"));
        assert_eq!(Path::new(line), file);
        assert_eq!(facts(&file), (number.to_string(), (*policy).to_owned(), 64));
    }
}

#[test]
fn the_same_call_writes_the_same_files() {
    let (first, second) = (folder("generate_first"), folder("generate_second"));
    for out in [&first, &second] {
        assert_eq!(
            generate(out, &["--clients", "2", "--policies", "a"]).code,
            Some(0)
        );
    }
    for name in ["client-1.json", "client-2.json"] {
        assert_eq!(
            fs::read(first.join(name)).unwrap(),
            fs::read(second.join(name)).unwrap()
        );
    }
    assert_ne!(
        fs::read(first.join("client-1.json")).unwrap(),
        fs::read(first.join("client-2.json")).unwrap()
    );
}

#[test]
fn a_payload_has_the_bytes_asked_for_even_if_no_proxy_takes_it() {
    let out = folder("generate_bytes");
    for bytes in [0, 1, 1024] {
        let outcome = generate(
            &out,
            &[
                "--clients",
                "1",
                "--policies",
                "é",
                "--payload-bytes",
                &bytes.to_string(),
            ],
        );
        assert_eq!(outcome.code, Some(0), "{outcome:?}");
        assert_eq!(facts(&out.join("client-1.json")).2, bytes);
    }
    let outcome = generate(
        &out,
        &["--clients", "1", "--policies", "1", "--payload-bytes", "1025"],
    );
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
}

#[test]
fn a_generated_packet_can_be_sent() {
    let out = folder("generate_send");
    generate(&out, &["--clients", "1", "--policies", "111"]);
    let proxy = Proxy::listening();
    let program = Program::start([
        "send",
        out.join("client-1.json").to_str().unwrap(),
        "--proxy",
        &proxy.address(),
    ]);
    let mut connection = proxy.accept();
    let Ok(Packet::Request(request)) = parse(&connection.raw(), &Limits::default()) else {
        panic!()
    };
    let mut answer = Vec::new();
    portreeve_packet::write_answer(&request, "100", &mut answer);
    connection.send(&answer);
    assert_eq!(program.end().code, Some(0));
}

#[test]
fn what_is_typed_wrongly_is_exit_code_2() {
    let out = folder("generate_usage");
    let cases: [(&[&str], &str); 6] = [
        (&["--clients", "1"], "--policies"),
        (&["--policies", "1"], "--clients"),
        (&["--clients", "0", "--policies", "1"], "--clients"),
        (&["--clients", "100001", "--policies", "1"], "--clients"),
        (
            &["--clients", "2", "--policies", "1, 2"],
            "--policies: found \" 2\"",
        ),
        (
            &["--clients", "1", "--policies", "1", "--payload-bytes", "1048577"],
            "1048576",
        ),
    ];
    for (arguments, told) in cases {
        let outcome = generate(&out, arguments);
        assert_eq!(outcome.code, Some(2), "{arguments:?}: {outcome:?}");
        assert!(outcome.stderr.contains(told), "{arguments:?}: {outcome:?}");
    }
    assert_eq!(fs::read_dir(&out).unwrap().count(), 0);
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let file = folder("generate_file").join("file");
    fs::write(&file, "").unwrap();
    let outcome = generate(&file, &["--clients", "1", "--policies", "1"]);
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    assert!(outcome.stderr.contains("file: cannot be written"), "{outcome:?}");
}
