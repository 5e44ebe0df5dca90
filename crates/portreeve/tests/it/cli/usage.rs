use crate::cli::fixture::run;

#[test]
fn without_a_command_it_prints_help() {
    let outcome = run::<&str>([]);

    assert_eq!(outcome.code, Some(0));
    for command in ["serve", "check", "demo", "portreeve serve --listen :8080"] {
        assert!(outcome.stdout.contains(command), "{command}: {outcome:?}");
    }
    assert_eq!(outcome.stderr, "");
}

#[test]
fn the_version_is_one_line_of_data() {
    let outcome = run(["--version"]);
    assert_eq!(outcome.code, Some(0));
    assert_eq!(outcome.stdout, format!("portreeve {}", env!("CARGO_PKG_VERSION")));
}

#[test]
fn what_is_typed_wrongly_is_exit_code_2_with_one_message() {
    let cases: [(&[&str], &str); 10] = [
        (&["sevre"], "serve"),
        (&["check"], "<FILE>"),
        (
            &["serve"],
            "--listen ADDR for backends that register, --to ADDR,ADDR",
        ),
        (&["serve", "--too", "a:1"], "--to"),
        (
            &["serve", "--listen", "127.0.0.1:0", "--pool", "a b"],
            "--pool: found \"a b\"",
        ),
        (
            &["serve", "--to", "a:1", "--listen", "nowhere"],
            "--listen: found \"nowhere\"",
        ),
        (&["serve", "--to", "http://[::1"], "--to: found"),
        (
            &["serve", "--to", "a:1", "--balance", "best"],
            "--balance: found \"best\"",
        ),
        (&["serve", "--to", "a:1", "--threads", "0"], "--threads: found 0"),
        (
            &["serve", "--to", "a:1", "--drain-timeout", "10"],
            "--drain-timeout: found \"10\"",
        ),
    ];
    for (arguments, expected) in cases {
        let outcome = run(arguments);
        assert_eq!(outcome.code, Some(2), "{arguments:?}: {outcome:?}");
        assert!(outcome.stderr.contains(expected), "{arguments:?}: {outcome:?}");
        assert_eq!(outcome.stdout, "", "{arguments:?}");
    }
}

#[test]
fn a_file_and_flags_together_are_a_contradiction_that_names_the_flags() {
    let outcome = run(["serve", "--config", "a.toml", "--listen", ":80", "--to", "a:1"]);

    assert_eq!(outcome.code, Some(2));
    assert!(
        outcome.stderr.contains("not both: leave out --listen, --to"),
        "{outcome:?}"
    );
}
