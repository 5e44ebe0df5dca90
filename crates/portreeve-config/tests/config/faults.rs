use std::path::Path;

use portreeve_config::{ReadError, parse, read};

use crate::{fault, faults, sound};

const POOL: &str = "[pool.api]\nbackends = [\"10.0.0.7:8000\"]\n";
const WEB: &str = "[listener.web]\nbind = \"127.0.0.1:80\"\n";

/// The words of the fault of a value under a key of a section, and that it is on the line of the key.
fn told(section: &str, line: &str) -> String {
    let base = match section {
        "" => format!("{line}\n{POOL}"),
        "listener.web" if line.starts_with("bind") => format!("[listener.web]\n{line}\n{POOL}"),
        "pool.api" if line.starts_with("backends") => format!("[pool.api]\n{line}\n"),
        "pool.api" => format!("{POOL}{line}\n"),
        "pool.api.limits" => format!("{POOL}[pool.api.limits]\n{line}\n"),
        "route.shop" => format!("{POOL}[route.shop]\npool = \"api\"\n{line}\n"),
        "listener.web" => format!("{POOL}{WEB}{line}\n"),
        _ => format!("{POOL}{WEB}[{section}]\n{line}\n"),
    };
    let fault = fault(&base);
    let at = 1 + base.lines().position(|one| one == line).expect("the line");
    assert_eq!(fault.line, at, "{fault}");
    fault.to_string()
}

#[test]
fn all_faults_come_at_once_in_the_order_of_the_lines() {
    let source = "thread = 4\n[listener.web]\nbind = 8080\n[route.shop]\npool = \"apl\"\nhots = 1\n[pool.api]\n\
                  backends = [\n\"a:1\",\n\"b\",\n]\nresolve_every = \"1x\"\n";
    let faults = faults(source);
    let places: Vec<(usize, &str)> = faults
        .iter()
        .map(|fault| (fault.line, fault.key.as_str()))
        .collect();
    assert_eq!(
        places,
        [
            (1, "thread"),
            (3, "listener.web.bind"),
            (5, "route.shop.pool"),
            (6, "route.shop.hots"),
            (10, "pool.api.backends[1]"),
            (12, "pool.api.resolve_every"),
        ]
    );
}

#[test]
fn a_fault_says_file_line_key_found_and_allowed() {
    let faults = parse("threads = 0\n[pool.api]\nbackends = \"a:1\"\n").unwrap_err();
    let allowed = "threads: found 0; allowed a whole number from 1 to 1,024";
    assert_eq!(faults.to_string(), format!("line 1: {allowed}"));
    assert_eq!(
        faults.in_file(Path::new("p.toml")).to_string(),
        format!("p.toml:1: {allowed}")
    );
}

#[test]
fn an_unknown_key_names_the_nearest_known_one() {
    let hint = |source: &str| fault(source).hint;
    assert_eq!(
        hint(&format!("thread = 1\n{POOL}")).as_deref(),
        Some("perhaps threads")
    );
    assert_eq!(
        hint(&format!("{POOL}balnace = \"first\"\n")).as_deref(),
        Some("perhaps balance")
    );
    assert_eq!(
        hint(&format!("{POOL}[listeners.web]\nbind = \":1\"\n")).as_deref(),
        Some("perhaps listener")
    );
    assert_eq!(hint(&format!("{POOL}zzz = 1\n")), None);
}

#[test]
fn a_key_in_the_wrong_section_is_told_where_it_belongs() {
    let hint = |source: &str| fault(source).hint;
    let limits = hint(&format!("{POOL}{WEB}head_timeout = \"1s\"\n"));
    assert_eq!(limits.as_deref(), Some("it belongs under [listener.web.limits]"));
    let top = hint(&format!("{POOL}threads = 2\n"));
    assert_eq!(
        top.as_deref(),
        Some("it belongs at the top of the file, before the first [section]")
    );
}

#[test]
fn a_wrong_type_is_told() {
    for (section, line, words) in [
        (
            "",
            "threads = \"4\"",
            "found \"4\"; allowed a whole number from 1 to 1,024 (without the quotes)",
        ),
        (
            "",
            "state = 5",
            "found 5; allowed a path: not empty, without NUL (in quotes)",
        ),
        (
            "",
            "drain_timeout = 30",
            "found 30; allowed a duration from \"0s\" to \"1d\" (the unit is missing: perhaps \"30s\")",
        ),
        (
            "listener.web",
            "forwarded = \"yes\"",
            "found \"yes\"; allowed true or false, without quotes",
        ),
        (
            "listener.web",
            "limits = 5",
            "found 5; allowed a section [listener.web.limits]",
        ),
        (
            "route.shop",
            "header = \"X-Beta\"",
            "found \"X-Beta\"; allowed a table such as { X-Beta = \"1\", X-Debug = true }",
        ),
        (
            "route.shop",
            "host = 1979-05-27",
            "found 1979-05-27; allowed a host such as",
        ),
        (
            "pool.api.limits",
            "keep_alive = 1",
            "found 1; allowed true or false, without quotes",
        ),
        (
            "pool.api.limits",
            "attempts_max = -1",
            "found -1; allowed a whole number from 1 to 8",
        ),
    ] {
        let told = told(section, line);
        assert!(told.contains(words), "{told}");
    }
}

#[test]
fn sections_without_names_are_told_how_to_write_them() {
    let faults = faults("route = 5\n[[pool]]\nbackends = \"a:1\"\n");
    let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert!(
        told.iter()
            .any(|fault| fault == "pool: found a list; allowed sections with names, as in [pool.NAME]")
    );
    assert!(
        told.iter()
            .any(|fault| fault == "route: found 5; allowed sections with names, as in [route.NAME]")
    );
}

#[test]
fn a_wrong_unit_or_bound_is_told() {
    let limits = "listener.web.limits";
    for (line, words) in [
        ("head_timeout = \"10sec\"", "(perhaps \"10s\")"),
        (
            "head_timeout = \"2h\"",
            "found \"2h\"; allowed a duration from \"1ms\" to \"1h\"",
        ),
        (
            "head_bytes_max = \"1MiB\"",
            "found \"1MiB\"; allowed a size such as \"32KiB\", from \"1KiB\" to \"60KiB\"",
        ),
        ("head_bytes_max = \"8k\"", "(perhaps \"8KiB\")"),
        ("head_bytes_max = 99999999999", "found 99999999999; allowed"),
        ("fields_max = 70000", "allowed a whole number from 1 to 10,000"),
        ("rate_min = 0", "or \"off\" (for no bound write \"off\")"),
        ("body_bytes_max = \"unlimited\"", "(for no bound write \"off\")"),
        (
            "full_wait = \"off\"",
            "found \"off\"; allowed a duration from \"0s\" to \"1m\"",
        ),
    ] {
        let told = told(limits, line);
        assert!(told.contains(words), "{told}");
    }
}

#[test]
fn limits_that_contradict_each_other_are_told() {
    let told = told("listener.web.limits", "target_bytes_max = \"48KiB\"");
    assert!(
        told.contains("found \"48KiB\"; allowed at most head_bytes_max, which is \"32KiB\""),
        "{told}"
    );
    let source =
        format!("{POOL}{WEB}[listener.web.limits]\nconnections_max = 5\nconnections_per_client_max = 6\n");
    assert!(
        fault(&source)
            .allowed
            .contains("at most connections_max, which is 5")
    );
    let source = format!("{POOL}[pool.api.limits]\ntotal_timeout = \"1s\"\nfirst_byte_timeout = \"2s\"\n");
    let told = fault(&source);
    assert_eq!(
        (told.line, told.allowed.as_str()),
        (5, "at most total_timeout, which is \"1s\"")
    );
}

#[test]
fn a_default_contradicts_nobody() {
    sound(&format!(
        "{POOL}{WEB}[listener.web.limits]\nconnections_max = 5\n"
    ));
    sound(&format!("{POOL}[pool.api.limits]\ntotal_timeout = \"1s\"\n"));
}

#[test]
fn an_address_that_cannot_be_listened_on_is_told() {
    for (bind, hint) in [
        ("8080", "for port 8080 of all interfaces write \":8080\""),
        ("*:80", "for all interfaces write \":80\""),
        (
            "localhost:80",
            "names are not looked up here: write \"127.0.0.1:80\" or \"[::1]:80\"",
        ),
        (
            "0.0.0.0",
            "the port is missing; an IPv6 address stands in brackets",
        ),
        ("::1", "the port is missing; an IPv6 address stands in brackets"),
        (
            "https://0.0.0.0:443",
            "an address alone; TLS is said by tls = { certificate = \"...\", key = \"...\" }",
        ),
    ] {
        let told = told("listener.web", &format!("bind = \"{bind}\""));
        assert!(told.ends_with(&format!("({hint})")), "{told}");
    }
    for bind in ["", "0.0.0.0:99999", ":", "unix:", "a:b:c", ":80:80"] {
        assert!(
            told("listener.web", &format!("bind = \"{bind}\"")).contains("allowed"),
            "{bind}"
        );
    }
    let long = format!("bind = \"unix:/{}\"", "x".repeat(107));
    assert!(told("listener.web", &long).ends_with("(this path has 108 bytes)"));
}

fn two_binds(first: &str, second: &str) -> String {
    format!(
        "[admin]\nbind = \"off\"\n[listener.a]\nbind = \"{first}\"\n[listener.b]\nbind = \"{second}\"\n{POOL}"
    )
}

#[test]
fn addresses_that_overlap_are_told() {
    for (first, second) in [
        ("0.0.0.0:80", "0.0.0.0:80"),
        ("0.0.0.0:80", "127.0.0.1:80"),
        ("127.0.0.1:80", "0.0.0.0:80"),
        (":80", "127.0.0.1:80"),
        ("[::]:80", "[::1]:80"),
        ("[::ffff:127.0.0.1]:80", "127.0.0.1:80"),
        ("unix:/a", "unix:/a"),
    ] {
        let told = fault(&two_binds(first, second));
        assert_eq!(
            (told.line, told.key.as_str()),
            (6, "listener.b.bind"),
            "{first} {second}"
        );
        assert!(told.allowed.ends_with("of listener.a.bind"), "{told}");
    }
}

#[test]
fn addresses_that_do_not_overlap_may_stand_together() {
    for (first, second) in [
        ("127.0.0.1:0", "127.0.0.1:0"),
        ("0.0.0.0:80", "[::1]:80"),
        ("127.0.0.1:80", "127.0.0.2:80"),
        (":80", ":81"),
        ("unix:/a", "unix:/b"),
    ] {
        sound(&two_binds(first, second));
    }
}

#[test]
fn the_admin_listener_overlaps_too() {
    let told = fault(&format!("[listener.web]\nbind = \":9091\"\n{POOL}"));
    assert_eq!(
        told.to_string(),
        "listener.web.bind: found [::]:9091; allowed an address that does not overlap with 127.0.0.1:9091 of admin.bind"
    );
}

#[test]
fn the_listener_that_nobody_wrote_overlaps_too() {
    let told = fault(&format!("[admin]\nbind = \":8080\"\n{POOL}"));
    assert_eq!(
        (told.line, told.to_string().as_str()),
        (
            1,
            "listener.listen.bind: found [::]:8080; allowed an address that does not overlap with [::]:8080 of admin.bind"
        )
    );
}

#[test]
fn a_host_that_can_never_match_is_told() {
    for (host, hint) in [
        (
            "Shop.example.com:80",
            "hosts are compared without their port: \"shop.example.com\"",
        ),
        ("http://a.b/c", "without scheme and path: \"a.b\""),
        (
            "münchen.de",
            "write it as browsers send it, in punycode: \"xn--...\"",
        ),
        ("*", "for any host leave host out"),
        ("a.b.", "without the dot at the end: \"a.b\""),
        ("a.*.b", "a * only as the whole first label"),
        ("*a.b", "a * only as the whole first label"),
        ("::1", "an IPv6 address stands in brackets: \"[::1]\""),
    ] {
        let told = told("route.shop", &format!("host = \"{host}\""));
        assert!(told.ends_with(&format!("({hint})")), "{told}");
    }
    for host in ["", "a b", "-a.b", "a..b", "[::1", "a/b"] {
        assert!(
            told("route.shop", &format!("host = \"{host}\"")).contains("allowed a host"),
            "{host}"
        );
    }
}

#[test]
fn a_path_that_can_never_match_is_told() {
    for (path, hint) in [
        ("api", "it begins with a slash: \"/api\""),
        ("*", "for any path leave path out, or write \"/*\""),
        ("/a?b", "a query is not part of the path"),
        ("/*/a", "a * only at the end"),
        (
            "/a b",
            "write blanks and letters beyond ASCII as %XX, as clients send them",
        ),
        (
            "/ü",
            "write blanks and letters beyond ASCII as %XX, as clients send them",
        ),
        ("/a//b", "compared is the normal form of a path, here \"/a/b\""),
        ("/a/%c3", "compared is the normal form of a path, here \"/a/%C3\""),
        ("/a/./b*", "compared is the normal form of a path, here \"/a/b*\""),
        ("/a/../b", "compared is the normal form of a path, here \"/b\""),
        ("/a/.", "compared is the normal form of a path, here \"/a/\""),
        ("/%61", "compared is the normal form of a path, here \"/a\""),
        ("/%4", "compared is the normal form of a path, here \"/%254\""),
        ("/%zz", "compared is the normal form of a path, here \"/%25zz\""),
        ("//*", "compared is the normal form of a path, here \"/*\""),
    ] {
        let told = told("route.shop", &format!("path = \"{path}\""));
        assert!(told.ends_with(&format!("({hint})")), "{told}");
    }
}

#[test]
fn methods_and_headers_that_can_never_match_are_told() {
    for (line, words) in [
        ("method = \"get\"", "(methods are compared exactly: \"GET\")"),
        ("method = \"G T\"", "allowed a method such as \"GET\""),
        ("method = \"\"", "allowed a method such as \"GET\""),
        (
            "header = { \"X Y\" = \"1\" }",
            "found the name \"X Y\"; allowed a header's name",
        ),
        (
            "header = { X-Y = \" 1\" }",
            "allowed a text without control characters and without blanks around it",
        ),
        (
            "header = { X-Y = \"a\\nb\" }",
            "allowed a text without control characters and without blanks around it",
        ),
        (
            "header = { X-Y = false }",
            "(that a header is absent cannot be asked)",
        ),
        (
            "header = { X-Y = \"1\", x-y = \"2\" }",
            "found \"2\"; allowed each header once; case does not count",
        ),
    ] {
        let told = told("route.shop", line);
        assert!(told.contains(words), "{told}");
    }
}

#[test]
fn a_list_is_neither_empty_nor_repeats_itself() {
    assert!(told("route.shop", "host = []").contains("found an empty list; allowed at least one"));
    assert!(
        told("route.shop", "host = [\"a.b\", \"A.B\"]").contains("host[1]: found \"A.B\"; allowed each once")
    );
    assert!(told("route.shop", "method = [\"GET\", \"GET\"]").contains("allowed each once"));
}

#[test]
fn an_unknown_pool_or_listener_is_told() {
    let told = told("route.shop", "listener = \"wbe\"");
    assert!(
        told.contains("found \"wbe\"; allowed \"listen\" (there is no [listener.wbe])"),
        "{told}"
    );
    let told = fault(&format!("{POOL}[route.shop]\npool = \"apu\"\n"));
    assert_eq!(
        told.to_string(),
        "route.shop.pool: found \"apu\"; allowed \"api\" (perhaps \"api\")"
    );
    let told = fault(&format!("{POOL}[route.shop]\n"));
    assert_eq!(
        (told.line, told.key.as_str(), told.found.as_str()),
        (3, "route.shop.pool", "nothing")
    );
}

#[test]
fn a_backend_that_cannot_be_reached_is_told() {
    for (backend, hint) in [
        ("10.0.0.7", "the port is missing: perhaps \"10.0.0.7:80\""),
        ("localhost", "the port is missing: perhaps \"localhost:80\""),
        ("[::1]", "the port is missing: perhaps \"[::1]:80\""),
        ("grpcs://a.b", "here it is called h2://"),
        ("ftp://a.b", "the schemes are http, https, h2c, h2, tcp and tls"),
        (
            "http://a.b/c",
            "a backend has no path, requests keep their own: \"a.b\"",
        ),
        (
            "a.b:80/c?d",
            "a backend has no path, requests keep their own: \"a.b:80\"",
        ),
        (
            "user:word@a.b:80",
            "without user and password: they would not be sent",
        ),
        ("::1", "an IPv6 address stands in brackets: \"[::1]:8000\""),
        (":8001", "for this machine write \"localhost:8001\""),
        ("0.0.0.0:80", "for this machine write \"localhost:80\""),
        ("[::]:80", "for this machine write \"localhost:80\""),
        ("a.b:0", "the port is from 1 to 65535"),
        ("a.b:65536", "the port is from 1 to 65535"),
        ("a.b:+80", "the port is from 1 to 65535"),
        ("1.2.3.400:80", "an IPv4 address has four numbers from 0 to 255"),
        ("mü.de:80", "write the name in punycode: \"xn--...\""),
    ] {
        let told = told("pool.api", &format!("backends = \"{backend}\""));
        assert!(told.ends_with(&format!("({hint})")), "{told}");
    }
    for backend in ["", "http://", "a b:80", "-:80"] {
        assert!(
            told("pool.api", &format!("backends = \"{backend}\"")).contains("allowed a host"),
            "{backend}"
        );
    }
}

#[test]
fn a_backend_that_stands_twice_is_told() {
    let told = told(
        "pool.api",
        "backends = [\"x\", \"a:80\", \"http://a/\"]"
            .replace("\"x\", ", "")
            .as_str(),
    );
    assert!(told.contains("backends[1]: found \"http://a/\"; allowed each backend once, and pool.api.backends[0] is the same"), "{told}");
}

#[test]
fn a_backend_as_a_table_is_checked() {
    for (table, words) in [
        ("{ weight = 2 }", "backends[0].address: found nothing"),
        (
            "{ address = \"a:1\", weight = 0 }",
            "weight: found 0; allowed a whole number from 1 to 1,000",
        ),
        ("{ address = \"a:1\", wieght = 2 }", "(perhaps weight)"),
    ] {
        let source = format!("[pool.api]\nbackends = [{table}]\n");
        let told = fault(&source).to_string();
        assert!(told.contains(words), "{told}");
    }
}

#[test]
fn balances_of_other_proxies_are_told_our_name() {
    for (balance, words) in [
        ("\"leastconn\"", "(here it is called \"least-requests\")"),
        ("\"ip_hash\"", "(here it is called \"hash:address\")"),
        ("\"round_robin\"", "(perhaps \"round-robin\")"),
        (
            "{ hash = \"user\" }",
            "balance.hash: found \"user\"; allowed \"header:NAME\", \"cookie:NAME\", \"address\" or \"path\"",
        ),
        ("{ hash = \"header:a b\" }", "allowed \"header:NAME\""),
        ("{ hash = \"path:x\" }", "allowed \"header:NAME\""),
        ("{ hsah = \"path\", hash = \"path\" }", "(perhaps hash)"),
        ("{}", "balance.hash: found nothing"),
        ("5", "found 5; allowed \"round-robin\""),
    ] {
        let told = told("pool.api", &format!("balance = {balance}"));
        assert!(told.contains(words), "{told}");
    }
}

#[test]
fn two_routes_with_the_same_conditions_are_told() {
    let source = format!(
        "{POOL}[route.a]\npool = \"api\"\nhost = [\"x.y\", \"z\"]\nheader = {{ A = \"1\", B = true }}\n\
         [route.b]\npool = \"api\"\nhost = [\"Z\", \"x.y\"]\nheader = {{ b = true, a = \"1\" }}\nlistener = \"listen\"\n"
    );
    let told = fault(&source);
    assert_eq!((told.line, told.key.as_str()), (7, "route.b"));
    assert_eq!(told.found, "the same conditions as in route.a");
}

#[test]
fn a_pool_without_backends_is_told_only_if_a_route_leads_to_it() {
    let told = fault("[pool.api]\n");
    assert_eq!(
        told.to_string(),
        "pool.api.backends: found no backends; allowed at least one, since route default leads here \
         (backends may register once a listener says registration = true)"
    );
    sound(&format!(
        "{POOL}[pool.later]\nbackends = []\n[route.a]\npool = \"api\"\n"
    ));
}

#[test]
fn a_file_that_serves_nothing_is_told_what_is_missing() {
    assert_eq!(
        fault("").allowed,
        "at least one section [pool.NAME] with backends"
    );
    let two = "[pool.a]\nbackends = \"a:1\"\n[pool.b]\nbackends = \"b:1\"\n";
    assert!(
        fault(two)
            .allowed
            .starts_with("at least one section [route.NAME]")
    );
}

#[test]
fn a_name_is_short_and_plain() {
    for name in ["\"a b\"", "\"\"", "\"ä\"", &"x".repeat(65)] {
        let told = fault(&format!("[pool.{name}]\nbackends = \"a:1\"\n"));
        assert_eq!(told.allowed, "1 to 64 letters, digits, -, _ or .", "{told}");
    }
    sound("[pool.\"a.b-C_1\"]\nbackends = \"a:1\"\n");
}

#[test]
fn an_access_log_section_says_where_to() {
    let told = fault(&format!("[access_log]\nformat = \"combined\"\n{POOL}"));
    assert_eq!(
        (told.line, told.key.as_str(), told.found.as_str()),
        (1, "access_log.to", "nothing")
    );
}

#[test]
fn a_long_text_is_shortened_and_escaped() {
    let told = told("", &format!("log = \"\\u0007{}\"", "ä".repeat(1_000)));
    assert!(
        told.contains(&format!("found \"\\u0007{}...\"", "ä".repeat(59))),
        "{told}"
    );
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let missing = read(Path::new("/nonexistent/p.toml")).unwrap_err();
    assert!(matches!(missing, ReadError::Io { .. }));
    assert!(
        missing
            .to_string()
            .starts_with("/nonexistent/p.toml: cannot be read (")
    );
    let folder = read(Path::new(env!("CARGO_MANIFEST_DIR"))).unwrap_err();
    assert!(folder.to_string().contains("cannot be read"));
}
