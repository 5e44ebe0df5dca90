use std::path::PathBuf;

use portreeve_config::{ReadError, parse, read};
use proptest::prelude::*;

use crate::{fault, faults};

const POOL: &str = "[pool.api]\nbackends = [\"10.0.0.7:8000\"]\n";

#[test]
fn broken_syntax_is_told_in_words() {
    for (line, found, allowed) in [
        (
            "state = /var/lib",
            "state = /var/lib",
            "a text in quotes, as in key = \"text\"",
        ),
        (
            "log = \"text",
            "log = \"text",
            "a text that ends with the quote it began with, on the same line",
        ),
        ("threads", "threads", "a key with a value, as in key = \"text\""),
        ("threads =", "threads =", "a value after the = sign"),
        ("= 5", "= 5", "a key before the = sign"),
    ] {
        let told = fault(&format!("{line}\n{POOL}"));
        assert_eq!((told.line, told.key.as_str()), (1, "syntax"));
        assert_eq!((told.found.as_str(), told.allowed.as_str()), (found, allowed));
    }
}

#[test]
fn a_list_without_end_does_not_hide_later_faults() {
    let source =
        "[route.a]\npath = [\"/x\",\npool = \"api\"\n\n[pool.api]\nbackends = [\"a:1\"]\nbalance = \"x\"\n";
    let places: Vec<(usize, String)> = faults(source)
        .into_iter()
        .map(|fault| (fault.line, fault.key))
        .collect();
    assert_eq!(
        places,
        [(2, "syntax".to_owned()), (7, "pool.api.balance".to_owned())]
    );
}

#[test]
fn what_broken_syntax_hides_is_not_called_missing() {
    let source =
        "[listener.web]\nbind = 0.0.0.0:80\n[route.a]\npool = \"api\"\n[pool.api\nbackends = [\"a:1\"]\n";
    let lines: Vec<usize> = faults(source).iter().map(|fault| fault.line).collect();
    assert_eq!(lines, [2, 5]);
}

#[test]
fn a_key_or_section_that_stands_twice_is_told_beside_the_rest() {
    let source = format!("{POOL}balance = \"first\"\nbalance = \"x\"\nwrong = 1\n[pool.api]\n");
    let told: Vec<String> = faults(&source).iter().map(ToString::to_string).collect();
    assert_eq!(
        told[0],
        "syntax: found balance a second time; allowed each key and each [section] once"
    );
    assert!(told[1].starts_with("pool.api.wrong: found an unknown key"));
    assert_eq!(
        told[2],
        "syntax: found api a second time; allowed each key and each [section] once"
    );
    assert_eq!(told.len(), 3);
}

#[test]
fn bytes_that_are_no_utf8_are_told_with_their_line() {
    let path = Scratch::file("not-utf8", b"threads = 1\n# \xff\n");
    let error = read(&path.0).unwrap_err();
    assert!(matches!(&error, ReadError::Faulty { faults, .. } if faults.iter().count() == 1));
    let told = format!(
        "{}:2: syntax: found the byte 0xff; allowed text in UTF-8",
        path.0.display()
    );
    assert_eq!(error.to_string(), told);
}

#[test]
fn a_file_that_is_far_too_large_is_not_read() {
    let path = Scratch::file("large", &vec![b'\n'; (4 << 20) + 1]);
    let error = read(&path.0).unwrap_err();
    assert!(error.to_string().contains("it is larger than 4 MiB"), "{error}");
}

/// A file that goes when the test does.
struct Scratch(PathBuf);

impl Scratch {
    fn file(name: &str, bytes: &[u8]) -> Self {
        let path = std::env::temp_dir().join(format!("portreeve-config-{}-{name}", std::process::id()));
        std::fs::write(&path, bytes).expect("a scratch file");
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Lines that come near to a real file, in whatever order, whole or torn.
fn line() -> impl Strategy<Value = String> {
    const PIECES: &[&str] = &[
        "[listener.web]",
        "[listener.web.limits]",
        "[route.a]",
        "[route.a.header]",
        "[pool.api]",
        "[pool.api.limits]",
        "[[pool.api]]",
        "[admin]",
        "[access_log]",
        "[pool",
        "bind = \":80\"",
        "bind = 80",
        "pool = \"api\"",
        "backends = [\"a:1\", {",
        "address = \"unix:/x\", weight = 3 }]",
        "balance = { hash = \"path\" }",
        "host = \"*.a\"",
        "path = [\"/a*\",",
        "\"/%\"]",
        "header = { a = 1 }",
        "head_timeout = \"9999999999999999999d\"",
        "fields_max = -0x1",
        "rate_min = 1e400",
        "state = '''",
        "'''",
        "\"\"\"",
        "threads = 99999999999999999999",
        "a.b.c = 1",
        "\"\" = {}",
        "=",
        "pool.api.backends = []",
        "limits.keep_alive = 1979-05-27T07:32:00Z",
        "log = \"\\ud800\"",
    ];
    prop_oneof![
        8 => prop::sample::select(PIECES).prop_map(str::to_owned),
        1 => ".{0,30}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_text_makes_parse_panic(source in any::<String>()) {
        let _ = parse(&source);
    }

    #[test]
    fn no_torn_file_makes_parse_panic(lines in prop::collection::vec(line(), 0..30), feed in "\n|\r\n") {
        let source = lines.join(&feed);
        if let Err(faults) = parse(&source) {
            prop_assert!(faults.iter().count() > 0);
            prop_assert!(faults.iter().all(|fault| (1..=lines.len().max(1) + 30).contains(&fault.line)));
        }
    }
}
