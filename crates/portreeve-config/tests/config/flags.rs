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
        admin: Some("off".to_owned()),
        state: Some(PathBuf::from("/s")),
        access_log: Some("-".to_owned()),
        threads: Some(3),
    };
    let config = from_flags(&flags).unwrap();
    let file = sound(
        "threads = 3\nstate = \"/s\"\n[admin]\nbind = \"off\"\n[access_log]\nto = \"-\"\n\
         [listener.listen]\nbind = \"127.0.0.1:8888\"\n[listener.listen-2]\nbind = \"unix:/run/p.sock\"\n\
         [pool.api]\nbackends = [\"a:1\", \"b:2\", \"unix:/run/c.sock\"]\nbalance = { hash = \"header:X-User\" }\n",
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
        admin: Some("x".to_owned()),
        state: Some(PathBuf::new()),
        access_log: Some(String::new()),
        threads: Some(0),
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
            "--listen",
            "--pool",
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
