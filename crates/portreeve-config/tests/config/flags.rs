use std::path::PathBuf;

use portreeve_config::{AccessLogTo, Flags, from_flags, parse, print};
use portreeve_model::plan::{BalancePlan, Bind, HashKey, TargetAddress};

use crate::sound;

fn to(backends: &str) -> Flags {
    Flags {
        to: vec![backends.to_owned()],
        ..Flags::default()
    }
}

fn told(flags: &Flags) -> Vec<String> {
    from_flags(flags)
        .unwrap_err()
        .to_string()
        .lines()
        .map(str::to_owned)
        .collect()
}

#[test]
fn backends_alone_are_enough_and_say_what_a_pool_alone_says() {
    let config = from_flags(&to("localhost:8001,http://localhost:8002/")).unwrap();
    let file = sound("[pool.default]\nbackends = [\"localhost:8001\", \"localhost:8002\"]\n");
    assert_eq!(config, file);
}

#[test]
fn each_flag_has_its_key_in_the_file() {
    let flags = Flags {
        listen: vec!["127.0.0.1:8888".to_owned(), "unix:/run/p.sock".to_owned()],
        to: vec!["a:1,b:2".to_owned(), "unix:/run/c.sock".to_owned()],
        pool: Some("api".to_owned()),
        balance: Some("hash:header:X-User".to_owned()),
        probe: Some("/healthz?full".to_owned()),
        in_flight: Some("32".to_owned()),
        sticky: false,
        admin: Some("off".to_owned()),
        state: Some(PathBuf::from("/s")),
        access_log: Some("-".to_owned()),
        threads: Some(3),
        ..Flags::default()
    };
    let config = from_flags(&flags).unwrap();
    let file = sound(
        "threads = 3\nstate = \"/s\"\n[admin]\nbind = \"off\"\n[access_log]\nto = \"-\"\n\
         [listener.listen]\nbind = \"127.0.0.1:8888\"\n[listener.listen-2]\nbind = \"unix:/run/p.sock\"\n\
         [pool.api]\nbackends = [\"a:1\", \"b:2\", \"unix:/run/c.sock\"]\nbalance = { hash = \"header:X-User\" }\n\
         probe = { path = \"/healthz?full\" }\nin_flight = 32\n",
    );
    assert_eq!(config, file);
    assert_eq!(
        config.plan.pools[0].balance,
        BalancePlan::Hash(HashKey::Header("x-user".to_owned()))
    );
    assert_eq!(
        config.plan.listeners[1].bind,
        Bind::Unix(PathBuf::from("/run/p.sock"))
    );
    assert_eq!(config.access_log.to, AccessLogTo::Stdout);
}

#[test]
fn the_printed_file_says_what_the_flags_say() {
    let config = from_flags(&to("http://[::1]/,app.intern:9")).unwrap();
    assert_eq!(parse(&print(&config)), Ok(config.clone()));
    let addresses: Vec<_> = config.plan.pools[0]
        .targets
        .iter()
        .map(|target| &target.address)
        .collect();
    assert_eq!(addresses[0], &TargetAddress::Socket("[::1]:80".parse().unwrap()));
}

#[test]
fn all_faulty_flags_are_told_at_once() {
    let flags = Flags {
        listen: vec!["8080".to_owned()],
        to: vec!["a:1,b".to_owned()],
        pool: Some("a b".to_owned()),
        balance: Some("leastconn".to_owned()),
        probe: Some("tcp".to_owned()),
        in_flight: Some("0".to_owned()),
        sticky: false,
        admin: Some("x".to_owned()),
        state: Some(PathBuf::new()),
        access_log: Some(String::new()),
        threads: Some(0),
        ..Flags::default()
    };
    let mut keys: Vec<String> = told(&flags)
        .iter()
        .map(|line| line.split(':').next().unwrap_or_default().to_owned())
        .collect();
    keys.sort();
    assert_eq!(
        keys,
        [
            "--access-log",
            "--admin",
            "--balance",
            "--in-flight",
            "--listen",
            "--pool",
            "--probe",
            "--state",
            "--threads",
            "--to"
        ]
    );
}

#[test]
fn a_faulty_flag_is_told_without_a_line() {
    let flags = Flags {
        threads: Some(0),
        ..to("a:1")
    };
    assert_eq!(
        told(&flags),
        ["--threads: found 0; allowed a whole number from 1 to 1,024"]
    );
}

#[test]
fn backends_that_are_named_are_needed() {
    assert!(told(&to(""))[0].starts_with("--to: found \"\"; allowed a host with a port"));
}

#[test]
fn without_backends_they_register_and_packets_share_the_port() {
    let flags = Flags {
        listen: vec!["127.0.0.1:2100".to_owned(), "[::1]:2100".to_owned()],
        ..Flags::default()
    };
    let file = sound(
        "[listener.listen]\nbind = \"127.0.0.1:2100\"\npackets = \"packets\"\nregistration = true\n\
         [listener.listen-2]\nbind = \"[::1]:2100\"\npackets = \"packets\"\nregistration = true\n\
         [route.default]\npool = \"default\"\npolicy = { header = \"Privacy-Policy\", optional = true }\n\
         [pool.default]\n[pool.packets]\n",
    );
    let config = from_flags(&flags).unwrap();
    assert_eq!(config, file);
    assert_eq!(parse(&print(&config)), Ok(config));
}

#[test]
fn without_any_flag_registrations_are_taken_on_the_default_port() {
    let config = from_flags(&Flags::default()).unwrap();
    let listener = &config.plan.listeners[0];
    assert_eq!(listener.bind, Bind::Tcp("[::]:8080".parse().unwrap()));
    assert!(listener.registration);
    assert_eq!(config.warnings(), Vec::<String>::new());
}

#[test]
fn the_pool_for_http_may_be_named() {
    let named = |pool: &str, flags| Flags {
        pool: Some(pool.to_owned()),
        ..flags
    };
    let config = from_flags(&named("api", Flags::default())).unwrap();
    assert_eq!(config.plan.routes[0].pool.as_ref(), "api");
    assert_eq!(config.plan.pools[0].name.as_ref(), "api");
    assert_eq!(parse(&print(&config)), Ok(config));
    let config = from_flags(&named("packets", to("a:1"))).unwrap();
    assert_eq!(config.plan.pools[0].name.as_ref(), "packets");
    assert_eq!(
        told(&named("packets", Flags::default())),
        ["--pool: found \"packets\"; allowed another name: this one is for the backends that serve packets"]
    );
}

#[test]
fn the_same_backend_twice_is_told() {
    assert_eq!(
        told(&to("a:80,http://a/")),
        ["--to: found \"http://a/\"; allowed each backend once"]
    );
}

#[test]
fn overlapping_flags_are_told() {
    let flags = Flags {
        listen: vec![":80".to_owned(), "127.0.0.1:80".to_owned()],
        ..to("a:1")
    };
    assert_eq!(
        told(&flags),
        ["--listen: found 127.0.0.1:80; allowed an address that does not overlap with [::]:80 of --listen"]
    );
    let flags = Flags {
        listen: vec![":9091".to_owned()],
        ..to("a:1")
    };
    assert_eq!(
        told(&flags),
        [
            "--listen: found [::]:9091; allowed an address that does not overlap with 127.0.0.1:9091 of --admin"
        ]
    );
}

#[test]
fn a_state_folder_that_no_file_could_name_is_told() {
    use std::os::unix::ffi::OsStringExt;
    let path = PathBuf::from(std::ffi::OsString::from_vec(vec![b'/', 0xff]));
    let flags = Flags {
        state: Some(path),
        ..to("a:1")
    };
    assert!(told(&flags)[0].ends_with("allowed a path in UTF-8"));
}

#[test]
fn each_way_to_probe_has_its_word() {
    for (word, line) in [
        ("/healthz", "probe = { path = \"/healthz\" }"),
        ("connect", "probe = { connect = true }"),
        ("packet", "probe = { packet = true }"),
        ("grpc", "probe = { grpc = true }"),
        ("off", ""),
    ] {
        let flags = Flags {
            probe: Some(word.to_owned()),
            ..to("a:1")
        };
        let file = sound(&format!("[pool.default]\nbackends = \"a:1\"\n{line}\n"));
        assert_eq!(from_flags(&flags), Ok(file), "{word}");
    }
}

#[test]
fn a_flag_keeps_clients_with_their_backends() {
    let flags = Flags {
        sticky: true,
        in_flight: Some("unlimited".to_owned()),
        ..to("a:1")
    };
    let file = sound("[pool.default]\nbackends = \"a:1\"\nsticky = true\nin_flight = \"unlimited\"\n");
    assert_eq!(from_flags(&flags), Ok(file));
    let hashed = Flags {
        balance: Some("hash:path".to_owned()),
        ..flags
    };
    assert_eq!(
        told(&hashed),
        ["--sticky: found a cookie beside a hash; allowed one of --sticky and --balance hash:..."]
    );
}

#[test]
fn backends_that_register_are_probed_too() {
    let flags = Flags {
        probe: Some("/up".to_owned()),
        ..Flags::default()
    };
    let config = from_flags(&flags).unwrap();
    let probed: Vec<bool> = config
        .plan
        .pools
        .iter()
        .map(|pool| pool.probe.is_some())
        .collect();
    assert_eq!(probed, [true, false], "packet servers do not speak HTTP");
    assert_eq!(parse(&print(&config)), Ok(config));
}
