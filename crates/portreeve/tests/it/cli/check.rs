use crate::cli::fixture::{Scratch, run};

#[test]
fn a_good_file_is_ok_and_says_what_is_in_it() {
    let folder = Scratch::new();
    let file = folder.write(
        "good.toml",
        "[listener.web]\nbind = \"127.0.0.1:80\"\n[pool.app]\nbackends = [\"a:1\", \"b:2\"]\n",
    );

    let outcome = run(["check".as_ref(), file.as_os_str()]);

    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert!(
        outcome
            .stdout
            .contains("ok: 1 listener, 1 route, 1 pool, 2 backends"),
        "{outcome:?}"
    );
    assert_eq!(outcome.stderr, "");
}

#[test]
fn a_file_that_is_sound_but_dangerous_is_ok_after_a_warning() {
    let folder = Scratch::new();
    let file = folder.write(
        "open.toml",
        "[listener.main]\nbind = \"127.0.0.1:1\"\nregistration = true\n[pool.app]\n\
         [registration]\nnetworks = \"10.0.0.0/8\"\ninsecure = true\n",
    );

    let outcome = run(["check".as_ref(), file.as_os_str()]);

    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    let lines: Vec<&str> = outcome.stdout.lines().collect();
    let warning = format!(
        "{}: warning: registration.insecure: whoever comes from 10.0.0.0/8",
        file.display()
    );
    assert!(lines[0].starts_with(&warning), "{outcome:?}");
    assert!(lines[1].contains("ok: 1 listener"), "{outcome:?}");
}

#[test]
fn every_fault_is_told_with_its_line() {
    let folder = Scratch::new();
    let text = "threads = 0\n[listener.web]\nbind = \"nowhere\"\n[pool.app]\nbackends = [\"a:1\"]\nbalanc = \"random\"\n";
    let file = folder.write("bad.toml", text);

    let outcome = run(["check".as_ref(), file.as_os_str()]);

    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    let place = |line: u32| format!("{}:{line}: ", file.display());
    for line in [1, 3, 6] {
        assert!(
            outcome.stdout.lines().any(|text| text.starts_with(&place(line))),
            "line {line}: {outcome:?}"
        );
    }
    assert_eq!(outcome.stdout.lines().count(), 3, "{outcome:?}");
    assert_eq!(
        outcome.stderr,
        format!("portreeve: 3 faults in {}", file.display())
    );
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let outcome = run(["check", "/nowhere/portreeve.toml"]);

    assert_eq!(outcome.code, Some(1));
    assert!(outcome.stderr.contains("/nowhere/portreeve.toml"), "{outcome:?}");
    assert_eq!(outcome.stdout, "");
}

#[test]
fn a_folder_is_not_a_file() {
    let outcome = run(["check", "/"]);
    assert_eq!(outcome.code, Some(1));
    assert!(
        outcome.stderr.starts_with("portreeve: /: cannot be read"),
        "{outcome:?}"
    );
}

#[test]
fn every_certificate_that_cannot_be_used_is_told_at_once() {
    let folder = Scratch::new();
    folder.write("empty.pem", "");
    let file = folder.write(
        "tls.toml",
        "[listener.web]\nbind = \"127.0.0.1:1\"\n\
         tls = { certificates = [{ certificate = \"gone.pem\", key = \"gone.key\" }, \
         { certificate = \"empty.pem\", key = \"empty.pem\" }] }\n\
         [pool.app]\nbackends = \"https://a\"\ntls = { authorities = \"nobody.pem\" }\n",
    );

    let outcome = run(["check".as_ref(), file.as_os_str()]);

    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    for words in [
        "gone.pem cannot be read",
        "empty.pem is empty",
        "nobody.pem cannot be read",
    ] {
        let told = outcome.stdout.lines().any(|line| line.contains(words));
        assert!(told, "{words}: {outcome:?}");
    }
}
