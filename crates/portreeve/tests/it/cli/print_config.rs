use crate::cli::fixture::{Scratch, run};

#[test]
fn the_printed_file_says_the_same_as_the_flags() {
    let folder = Scratch::new();
    let log = folder.file("access.log");
    let flags = [
        "serve",
        "--print-config",
        "--listen",
        "127.0.0.1:1",
        "--listen",
        "[::1]:2",
        "--to",
        "localhost:8001,http://b:8002/",
        "--to",
        "unix:/run/app.sock",
        "--balance",
        "least-requests",
        "--probe",
        "/healthz",
        "--in-flight",
        "32",
        "--sticky",
        "--admin",
        "off",
        "--state",
        "/tmp/state",
        "--access-log",
        log.to_str().unwrap(),
        "--threads",
        "3",
        "--drain-timeout",
        "7s",
    ];

    let printed = run(flags);
    assert_eq!(printed.code, Some(0), "{printed:?}");
    let file = folder.write("portreeve.toml", &printed.stdout);
    let again = run([
        "serve".as_ref(),
        "--print-config".as_ref(),
        "--config".as_ref(),
        file.as_os_str(),
    ]);

    assert_eq!(again.stdout, printed.stdout);
    for value in [
        "127.0.0.1:1",
        "[::1]:2",
        "localhost:8001",
        "b:8002",
        "/run/app.sock",
        "least-requests",
        "probe = \"/healthz\"",
        "in_flight = 32",
        "sticky = true",
        "\"7s\"",
    ] {
        assert!(
            printed.stdout.contains(value),
            "{value} is missing:\n{}",
            printed.stdout
        );
    }
    assert!(!log.exists(), "nothing is served, so nothing is opened");
}

#[test]
fn without_backends_the_printed_file_takes_those_that_register() {
    let folder = Scratch::new();
    let printed = run([
        "serve",
        "--print-config",
        "--listen",
        "127.0.0.1:2100",
        "--pool",
        "api",
    ]);
    assert_eq!(printed.code, Some(0), "{printed:?}");

    let file = folder.write("portreeve.toml", &printed.stdout);
    let again = run([
        "serve".as_ref(),
        "--print-config".as_ref(),
        "--config".as_ref(),
        file.as_os_str(),
    ]);

    assert_eq!(again.stdout, printed.stdout);
    for line in [
        "packets = \"packets\"",
        "registration = true",
        "policy = { header = \"privacy-policy\", optional = true }",
        "[pool.api]",
        "[pool.packets]",
    ] {
        assert!(
            printed.stdout.contains(line),
            "{line} is missing:\n{}",
            printed.stdout
        );
    }
}
