use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use portreeve_config::{AccessLog, AccessLogTo, LogFormat};
use portreeve_model::plan::{
    BackendLimits, BalancePlan, Bind, ClientLimits, HashKey, HeaderPattern, HostPattern, ListenerPlan,
    Network, PathPattern, PoolPlan, RecordFormat, RoutePlan, TargetAddress,
};

use crate::sound;

const POOL: &str = "[pool.api]\nbackends = [\"10.0.0.7:8000\"]\n";

fn listener(lines: &str) -> ListenerPlan {
    sound(&format!("[listener.web]\n{lines}\n{POOL}")).plan.listeners[0].clone()
}

fn route(lines: &str) -> RoutePlan {
    sound(&format!("{POOL}[route.shop]\npool = \"api\"\n{lines}\n"))
        .plan
        .routes[0]
        .clone()
}

fn pool(lines: &str) -> PoolPlan {
    sound(&format!("[pool.api]\n{lines}\n")).plan.pools[0].clone()
}

fn addresses(backends: &str) -> Vec<TargetAddress> {
    pool(&format!("backends = {backends}"))
        .targets
        .into_iter()
        .map(|target| target.address)
        .collect()
}

fn host(host: &str, port: u16) -> TargetAddress {
    TargetAddress::Host {
        host: host.to_owned(),
        port,
    }
}

fn tcp(address: &str) -> Bind {
    Bind::Tcp(address.parse().unwrap())
}

#[test]
fn a_pool_alone_is_a_whole_file() {
    let config = sound(POOL);
    assert_eq!(config.plan.listeners.len(), 1);
    assert_eq!(config.plan.listeners[0].name.as_ref(), "listen");
    assert_eq!(config.plan.listeners[0].bind, tcp("[::]:8080"));
    assert_eq!(config.plan.listeners[0].limits, ClientLimits::default());
    assert_eq!(config.plan.routes.len(), 1);
    assert_eq!(config.plan.routes[0].name.as_ref(), "default");
    assert_eq!(config.plan.routes[0].pool.as_ref(), "api");
    assert_eq!(config.plan.pools[0].limits, BackendLimits::default());
    assert_eq!(config.plan.pools[0].resolve_every, Duration::from_secs(10));
    assert_eq!(config.plan.pools[0].balance, BalancePlan::RoundRobin);
    assert_eq!(config.admin, Some("127.0.0.1:9091".parse().unwrap()));
    assert_eq!(config.access_log, AccessLog::default());
    assert_eq!(config.drain_timeout, Duration::from_secs(30));
    assert_eq!(config.log, LogFormat::Text);
    assert!(config.threads >= 1);
    assert!(config.state.is_absolute());
}

#[test]
fn the_top_of_the_file_is_read() {
    let config = sound(&format!(
        "threads = 3\nstate = \"var\"\ndrain_timeout = \"0s\"\nlog = \"json\"\n\
         [admin]\nbind = \"off\"\n[access_log]\nto = \"a.log\"\nformat = \"combined\"\n{POOL}"
    ));
    assert_eq!(config.threads, 3);
    assert_eq!(config.state, PathBuf::from("var"));
    assert_eq!(config.drain_timeout, Duration::ZERO);
    assert_eq!(config.log, LogFormat::Json);
    assert_eq!(config.admin, None);
    assert_eq!(config.access_log.to, AccessLogTo::File(PathBuf::from("a.log")));
    assert_eq!(config.access_log.format, RecordFormat::Combined);
}

#[test]
fn an_address_to_listen_on_may_be_ipv4_ipv6_a_port_or_a_unix_socket() {
    let bind = |text: &str| listener(&format!("bind = \"{text}\"")).bind;
    assert_eq!(bind("0.0.0.0:8080"), tcp("0.0.0.0:8080"));
    assert_eq!(bind("[::1]:80"), tcp("[::1]:80"));
    assert_eq!(bind(":8080"), tcp("[::]:8080"));
    assert_eq!(bind("127.0.0.1:0"), tcp("127.0.0.1:0"));
    assert_eq!(bind("[::ffff:127.0.0.1]:80"), tcp("127.0.0.1:80"));
    assert_eq!(bind("unix:/run/x.sock"), Bind::Unix(PathBuf::from("/run/x.sock")));
}

#[test]
fn client_limits_are_read_with_their_units() {
    let limits = listener(
        "bind = \":1\"\n[listener.web.limits]\nhead_bytes_max = \"8KiB\"\nfields_max = 7\ntarget_bytes_max = 4096\n\
         head_timeout = \"250ms\"\nkeep_alive_timeout = \"5m\"\nbody_idle_timeout = \"1h\"\nrate_min = \"off\"\n\
         body_bytes_max = \"10GB\"\nconnections_max = 0x10\nconnections_per_client_max = \"off\"\nfull_wait = \"0s\"\n\
         requests_per_connection_max = \"off\"\ntunnel_idle_timeout = \"2d\"",
    )
    .limits;
    let expected = ClientLimits {
        head_bytes_max: 8_192,
        fields_max: 7,
        target_bytes_max: 4_096,
        head_timeout: Duration::from_millis(250),
        keep_alive_timeout: Duration::from_secs(300),
        body_idle_timeout: Duration::from_secs(3_600),
        rate_min: None,
        body_bytes_max: Some(10_000_000_000),
        connections_max: 16,
        connections_per_client_max: None,
        full_wait: Duration::ZERO,
        requests_per_connection_max: None,
        tunnel_idle_timeout: Duration::from_secs(172_800),
    };
    assert_eq!(limits, expected);
}

#[test]
fn the_longest_target_follows_a_smaller_head() {
    let limits = listener("bind = \":1\"\nlimits.head_bytes_max = \"4KiB\"").limits;
    assert_eq!(limits.target_bytes_max, 4_096);
}

#[test]
fn trusted_proxies_are_networks_or_addresses() {
    let listener =
        listener("bind = \":1\"\ntrusted_proxies = [\"10.0.0.0/8\", \"::1\", \"::ffff:192.0.2.0/120\"]");
    let network = |address: &str, prefix| Network {
        address: address.parse().unwrap(),
        prefix,
    };
    assert_eq!(
        listener.trusted_proxies,
        [
            network("10.0.0.0", 8),
            network("::1", 128),
            network("192.0.2.0", 24)
        ]
    );
    assert!(!listener.forwarded);
}

#[test]
fn a_route_asks_for_what_it_names() {
    let route = route(
        "host = [\"Shop.Example.com\", \"*.Example.com\", \"[::1]\", \"10.0.0.1\"]\npath = [\"/api/*\", \"/x\", \"/a%2Fb\"]\n\
         method = \"PURGE\"\nheader = { X-Beta = \"1\", A-Debug = true }",
    );
    let exact = |host: &str| HostPattern::Exact(host.to_owned());
    assert_eq!(
        route.hosts,
        [
            exact("shop.example.com"),
            HostPattern::Suffix(".example.com".to_owned()),
            exact("[::1]"),
            exact("10.0.0.1")
        ]
    );
    assert_eq!(
        route.paths,
        [
            PathPattern::Prefix("/api/".to_owned()),
            PathPattern::Exact("/x".to_owned()),
            PathPattern::Exact("/a%2Fb".to_owned())
        ]
    );
    assert_eq!(route.methods, ["PURGE"]);
    let header = |name: &str, value: Option<&str>| HeaderPattern {
        name: name.into(),
        value: value.map(str::to_owned),
    };
    assert_eq!(
        route.headers,
        [header("x-beta", Some("1")), header("a-debug", None)]
    );
}

#[test]
fn a_prefix_may_end_within_a_segment_even_in_dots() {
    let prefix = |path: &str| PathPattern::Prefix(path.to_owned());
    let paths = route("path = [\"/*\", \"/.*\", \"/a/..*\", \"/xx*\"]").paths;
    assert_eq!(paths, [prefix("/"), prefix("/."), prefix("/a/.."), prefix("/xx")]);
}

#[test]
fn routes_and_listeners_keep_the_order_of_the_file() {
    let config = sound(
        "[route.z]\npool = \"api\"\npath = \"/z\"\nlistener = [\"b\", \"a\"]\n[listener.b]\nbind = \":1\"\n\
         [route.a]\npool = \"api\"\n[listener.a]\nbind = \":2\"\n[pool.api]\nbackends = \"a:1\"\n",
    );
    let names: Vec<&str> = config
        .plan
        .routes
        .iter()
        .map(|route| route.name.as_ref())
        .collect();
    assert_eq!(names, ["z", "a"]);
    let names: Vec<&str> = config
        .plan
        .listeners
        .iter()
        .map(|listener| listener.name.as_ref())
        .collect();
    assert_eq!(names, ["b", "a"]);
    assert_eq!(config.plan.routes[0].listeners.len(), 2);
}

#[test]
fn a_backend_is_written_in_whatever_way() {
    let socket = |text: &str| TargetAddress::Socket(text.parse::<SocketAddr>().unwrap());
    assert_eq!(
        addresses(
            "[\"10.0.0.7:8000\", \"http://10.0.0.8/\", \"HTTP://10.0.0.9:81\", \"[::1]:8000\", \"http://[::2]/\", \
             \"localhost:8001/\", \"http://App_1.intern.\", \"unix:/run/a b.sock\"]"
        ),
        [
            socket("10.0.0.7:8000"),
            socket("10.0.0.8:80"),
            socket("10.0.0.9:81"),
            socket("[::1]:8000"),
            socket("[::2]:80"),
            host("localhost", 8001),
            host("App_1.intern.", 80),
            TargetAddress::Unix(PathBuf::from("/run/a b.sock")),
        ]
    );
    assert_eq!(addresses("\"a:1\""), [host("a", 1)]);
}

#[test]
fn a_backend_may_have_a_weight() {
    let targets = pool("backends = [{ address = \"a:1\", weight = 3 }, { address = \"b:1\" }]").targets;
    assert_eq!(
        targets.iter().map(|target| target.weight).collect::<Vec<_>>(),
        [3, 1]
    );
}

#[test]
fn every_balance_has_its_name() {
    let balance = |value: &str| pool(&format!("backends = \"a:1\"\nbalance = {value}")).balance;
    assert_eq!(balance("\"round-robin\""), BalancePlan::RoundRobin);
    assert_eq!(balance("\"least-requests\""), BalancePlan::LeastRequests);
    assert_eq!(balance("\"random\""), BalancePlan::Random);
    assert_eq!(balance("\"two-choices\""), BalancePlan::TwoChoices);
    assert_eq!(balance("\"peak-ewma\""), BalancePlan::PeakEwma);
    assert_eq!(balance("\"prequal\""), BalancePlan::Prequal);
    assert_eq!(balance("\"reported-load\""), BalancePlan::ReportedLoad);
    assert_eq!(balance("\"first\""), BalancePlan::First);
    assert_eq!(balance("{ hash = \"path\" }"), BalancePlan::Hash(HashKey::Path));
    assert_eq!(
        balance("\"hash:address\""),
        BalancePlan::Hash(HashKey::ClientAddress)
    );
    assert_eq!(
        balance("{ hash = \"header:X-User\" }"),
        BalancePlan::Hash(HashKey::Header("x-user".to_owned()))
    );
    assert_eq!(
        balance("\"hash:cookie:Sid\""),
        BalancePlan::Hash(HashKey::Cookie("Sid".to_owned()))
    );
}

#[test]
fn backend_limits_are_read_with_their_units() {
    let pool = pool(
        "backends = \"a:1\"\nresolve_every = \"1m\"\n[pool.api.limits]\nconnect_timeout = \"1ms\"\n\
         first_byte_timeout = \"2s\"\nidle_timeout = \"3s\"\ntotal_timeout = \"4s\"\nhead_bytes_max = \"16KiB\"\n\
         fields_max = 5\nattempts_max = 8\nkeep_alive = false\nkeep_alive_timeout = \"6s\"\nidle_connections_max = 0",
    );
    let expected = BackendLimits {
        connect_timeout: Duration::from_millis(1),
        first_byte_timeout: Duration::from_secs(2),
        idle_timeout: Duration::from_secs(3),
        total_timeout: Some(Duration::from_secs(4)),
        head_bytes_max: 16_384,
        fields_max: 5,
        attempts_max: 8,
        keep_alive: false,
        keep_alive_timeout: Duration::from_secs(6),
        idle_connections_max: 0,
    };
    assert_eq!(
        (pool.limits, pool.resolve_every),
        (expected, Duration::from_secs(60))
    );
}

#[test]
fn a_file_may_begin_with_a_byte_order_mark_and_end_lines_with_crlf() {
    assert_eq!(
        sound(&format!("\u{feff}{}", POOL.replace('\n', "\r\n"))),
        sound(POOL)
    );
}
