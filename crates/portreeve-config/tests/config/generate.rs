//! Any configuration that a file can say.

mod edge;
mod policies;
mod registration;
mod resilience;
mod scale;
mod traffic;

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use portreeve_config::{AccessLog, AccessLogTo, Config, LogFormat};
use portreeve_model::plan::{
    BackendLimits, BalancePlan, Bind, ClientLimits, HashKey, HeaderPattern, HostPattern, ListenerPlan, Name,
    Network, PathPattern, Plan, PoolPlan, RecordFormat, RoutePlan, Target, TargetAddress,
};
use proptest::collection::{btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

pub(crate) fn config() -> impl Strategy<Value = Config> {
    let access_log = (
        access_log_to(),
        select(vec![RecordFormat::Json, RecordFormat::Combined]),
    );
    let log = select(vec![LogFormat::Text, LogFormat::Json]);
    let admin = option::of(Just(SocketAddr::from(([127, 0, 0, 1], 9_091))));
    (
        plan(),
        admin,
        path(),
        access_log,
        1..=1_024_usize,
        ms(0, 86_400_000),
        log,
        option::of(registration::ledger()),
    )
        .prop_map(
            |(plan, admin, state, (to, format), threads, drain_timeout, log, ledger)| {
                let access_log = AccessLog { to, format };
                Config {
                    ledger: registration::ledger_of(ledger, &plan, &state),
                    plan,
                    admin,
                    state,
                    access_log,
                    threads,
                    drain_timeout,
                    log,
                }
            },
        )
}

fn access_log_to() -> impl Strategy<Value = AccessLogTo> {
    prop_oneof![
        Just(AccessLogTo::Off),
        Just(AccessLogTo::Stdout),
        path().prop_map(AccessLogTo::File)
    ]
}

/// Names first, then the parts that bear them and mention them. The last of several pools is for packets.
fn plan() -> impl Strategy<Value = Plan> {
    (names(3), names(4), names(3)).prop_flat_map(|(listeners, routes, pools)| {
        let (http, packets) = pools.split_at(pools.len().saturating_sub(1).max(1));
        let all_routes: Vec<_> = routes
            .into_iter()
            .enumerate()
            .map(|(nth, name)| route(nth, name, &listeners, http))
            .collect();
        let all_listeners: Vec<_> = listeners
            .into_iter()
            .enumerate()
            .map(|(nth, name)| listener(nth, name, packets))
            .collect();
        let all_pools: Vec<_> = pools.iter().cloned().map(pool).collect();
        let zone = option::of("[a-z0-9._-]{1,20}").prop_map(|zone| zone.map(Name::from));
        let rest = (policies::plans(), registration::plan(), zone, edge::extras());
        (all_listeners, all_routes, all_pools, rest).prop_map(
            |(listeners, routes, pools, (policies, registration, zone, extras))| {
                let plan = Plan {
                    listeners,
                    routes,
                    pools,
                    policies,
                    registration,
                    acme: None,
                    zone,
                };
                policies::made_servable(traffic::made_sound(edge::made_sound(plan, extras)))
            },
        )
    })
}

fn names(most: usize) -> impl Strategy<Value = Vec<Name>> {
    btree_set("[a-zA-Z0-9._-]{1,64}", 1..=most)
        .prop_map(|names| names.into_iter().map(Name::from).collect::<Vec<_>>())
        .prop_shuffle()
}

/// The port is the listener's own, so that nothing overlaps.
fn listener(nth: usize, name: Name, packet_pools: &[Name]) -> impl Strategy<Value = ListenerPlan> + use<> {
    let port = u16::try_from(nth).expect("few") + 1;
    let bind = prop_oneof![
        plain_ip().prop_map(move |ip| Bind::Tcp(SocketAddr::new(ip, port))),
        plain_ip().prop_map(|ip| Bind::Tcp(SocketAddr::new(ip, 0))),
        "[ -~]{1,80}".prop_map(move |path| Bind::Unix(PathBuf::from(format!("/{nth}/{path}")))),
    ];
    let rest = (any::<bool>(), registration::packets(packet_pools), any::<bool>());
    (bind, client_limits(), vec(network(), 0..4), rest)
        .prop_map(
            move |(bind, limits, trusted_proxies, (forwarded, packets, registration))| ListenerPlan {
                limits,
                trusted_proxies,
                forwarded,
                packets,
                registration,
                ..ListenerPlan::new(name.clone(), bind)
            },
        )
        .prop_flat_map(edge::listener)
}

/// Addresses that are not IPv4 written as IPv6, which reading turns into IPv4.
fn plain_ip() -> impl Strategy<Value = IpAddr> {
    let v6 = any::<u128>()
        .prop_map(Ipv6Addr::from)
        .prop_filter("plain", |ip| ip.to_ipv4_mapped().is_none());
    prop_oneof![
        any::<u32>().prop_map(|bits| IpAddr::V4(Ipv4Addr::from(bits))),
        v6.prop_map(IpAddr::V6),
        Just(IpAddr::V6(Ipv6Addr::UNSPECIFIED)),
    ]
}

fn network() -> impl Strategy<Value = Network> {
    (plain_ip(), 0..=128_u8).prop_map(|(address, prefix)| {
        let prefix = if address.is_ipv4() { prefix.min(32) } else { prefix };
        Network { address, prefix }
    })
}

fn client_limits() -> impl Strategy<Value = ClientLimits> {
    let heads = (
        1_024..=61_440_u32,
        1..=10_000_u16,
        64..=61_440_u32,
        ms(1, 3_600_000),
    );
    let times = (
        ms(1, 86_400_000),
        ms(1, 86_400_000),
        ms(0, 60_000),
        ms(1, 2_592_000_000),
    );
    let flow = (option::of(1..=1_u32 << 30), option::of(0..=1_u64 << 50));
    let counts = (
        1..=1_000_000_u32,
        option::of(1..=1_000_000_u32),
        option::of(1..=1_000_000_000_u32),
    );
    let limits = (heads, times, flow, counts).prop_map(|(heads, times, flow, counts)| ClientLimits {
        head_bytes_max: heads.0,
        fields_max: heads.1,
        target_bytes_max: heads.2.min(heads.0),
        head_timeout: heads.3,
        keep_alive_timeout: times.0,
        body_idle_timeout: times.1,
        full_wait: times.2,
        tunnel_idle_timeout: times.3,
        rate_min: flow.0,
        body_bytes_max: flow.1,
        connections_max: counts.0,
        connections_per_client_max: counts.1.map(|count| count.min(counts.0)),
        requests_per_connection_max: counts.2,
    });
    prop_oneof![Just(ClientLimits::default()), limits]
}

/// The first path is the route's own, so that no two routes ask the same.
fn route(
    nth: usize,
    name: Name,
    listeners: &[Name],
    pools: &[Name],
) -> impl Strategy<Value = RoutePlan> + use<> {
    let all_pools = pools.to_vec();
    let listeners = subsequence(listeners.to_vec(), 0..=listeners.len()).prop_shuffle();
    let paths = distinct(path_pattern().boxed(), 3).prop_map(move |mut paths| {
        paths.insert(0, PathPattern::Exact(format!("/the-{nth}")));
        paths
    });
    let methods = distinct("[!#$%&'*+.^_`|~0-9A-Z-]{1,9}".boxed(), 3);
    (
        listeners,
        distinct(host().boxed(), 3),
        paths,
        methods,
        headers(),
        select(pools.to_vec()),
        (
            policies::demands(),
            policies::ledger_mode(),
            distinct(network().boxed(), 2),
        ),
    )
        .prop_map(
            move |(listeners, hosts, paths, methods, headers, pool, (demands, ledger, clients))| RoutePlan {
                clients,
                listeners,
                hosts,
                paths,
                methods,
                headers,
                demands,
                ledger,
                ..RoutePlan::all(name.clone(), pool)
            },
        )
        .prop_flat_map(move |route| traffic::of(route, &all_pools))
}

fn distinct<T: PartialEq + Clone + std::fmt::Debug + 'static>(
    one: BoxedStrategy<T>,
    most: usize,
) -> impl Strategy<Value = Vec<T>> {
    vec(one, 0..=most).prop_map(|values| {
        let mut distinct: Vec<T> = Vec::new();
        for value in values {
            if !distinct.contains(&value) {
                distinct.push(value);
            }
        }
        distinct
    })
}

fn host() -> impl Strategy<Value = HostPattern> {
    let name = "[a-z0-9_]([a-z0-9_-]{0,20}[a-z0-9_])?(\\.[a-z0-9_]{1,63}){0,3}";
    prop_oneof![
        name.prop_map(HostPattern::Exact),
        name.prop_map(|name| HostPattern::Suffix(format!(".{name}"))),
        any::<u128>().prop_map(|bits| HostPattern::Exact(format!("[{}]", Ipv6Addr::from(bits)))),
    ]
}

fn path_pattern() -> impl Strategy<Value = PathPattern> {
    let path = "(/([!$&'()+,;=:@a-zA-Z0-9_~-]|%2F|%C3){1,9}){0,4}/?";
    let path = path.prop_map(|path| if path.is_empty() { "/".to_owned() } else { path });
    (path, any::<bool>()).prop_map(|(path, is_prefix)| match is_prefix {
        true => PathPattern::Prefix(path),
        false => PathPattern::Exact(path),
    })
}

fn headers() -> impl Strategy<Value = Vec<HeaderPattern>> {
    let value = option::of("([!-~ä]([ -~ä\t]{0,20}[!-~ä])?)?");
    (btree_set("[!#$%&'*+.^_`|~0-9a-z-]{1,20}", 0..=3), vec(value, 3)).prop_map(
        |(names, values): (BTreeSet<_>, _)| {
            names
                .into_iter()
                .zip(values)
                .map(|(name, value)| HeaderPattern { name, value })
                .collect()
        },
    )
}

fn pool(name: Name) -> impl Strategy<Value = PoolPlan> {
    let weight = prop_oneof![Just(1_u16), 1..=1_000_u16];
    let place = (option::of("[a-z0-9-]{1,9}"), any::<bool>());
    let target = (target_address(), weight, policies::policies(4), place);
    let targets = vec(target, 0..=5).prop_map(|targets| {
        let mut distinct: Vec<Target> = Vec::new();
        for (address, weight, policies, (zone, is_backup)) in targets {
            if distinct.iter().all(|known| known.address != address) {
                distinct.push(Target {
                    weight,
                    policies,
                    zone: zone.map(Name::from),
                    is_backup,
                    ..Target::new(address)
                });
            }
        }
        distinct
    });
    let members = option::of(registration::members());
    (targets, balance(), backend_limits(), ms(100, 86_400_000), members)
        .prop_map(
            move |(targets, balance, limits, resolve_every, members)| PoolPlan {
                targets,
                balance,
                limits,
                resolve_every,
                members,
                ..PoolPlan::empty(Arc::clone(&name))
            },
        )
        .prop_flat_map(resilience::of)
        .prop_flat_map(edge::pool)
}

fn target_address() -> impl Strategy<Value = TargetAddress> {
    let host = "[a-zA-Z0-9_]{1,20}(\\.[a-zA-Z0-9_-]{0,9}[a-zA-Z_])\\.?";
    let ip = plain_ip().prop_filter("connectable", |ip| !ip.is_unspecified());
    prop_oneof![
        (ip, 1..=u16::MAX).prop_map(|(ip, port)| TargetAddress::Socket(SocketAddr::new(ip, port))),
        (host, 1..=u16::MAX)
            .prop_filter("a label begins well", |(host, _)| !host.contains(".-"))
            .prop_map(|(host, port)| TargetAddress::Host { host, port }),
        "[ -~ü]{1,50}".prop_map(|path| TargetAddress::Unix(PathBuf::from(path))),
    ]
}

fn balance() -> impl Strategy<Value = BalancePlan> {
    prop_oneof![
        Just(BalancePlan::RoundRobin),
        Just(BalancePlan::LeastRequests),
        Just(BalancePlan::Random),
        Just(BalancePlan::TwoChoices),
        Just(BalancePlan::PeakEwma),
        Just(BalancePlan::Prequal),
        Just(BalancePlan::ReportedLoad),
        Just(BalancePlan::First),
        Just(BalancePlan::Hash(HashKey::Path)),
        Just(BalancePlan::Hash(HashKey::ClientAddress)),
        "[a-z0-9-]{1,20}".prop_map(|name| BalancePlan::Hash(HashKey::Header(name))),
        "[a-zA-Z0-9_-]{1,20}".prop_map(|name| BalancePlan::Hash(HashKey::Cookie(name))),
    ]
}

fn backend_limits() -> impl Strategy<Value = BackendLimits> {
    let times = (
        ms(1, 300_000),
        ms(1, 86_400_000),
        ms(1, 86_400_000),
        option::of(ms(1, 604_800_000)),
    );
    let heads = (1_024..=61_440_u32, 1..=10_000_u16);
    let kept = (1..=8_u8, any::<bool>(), ms(1, 86_400_000), 0..=100_000_u32);
    let limits = (times, heads, kept).prop_map(|(times, heads, kept)| {
        let most = times.3.unwrap_or(Duration::MAX);
        BackendLimits {
            connect_timeout: times.0.min(most),
            first_byte_timeout: times.1.min(most),
            idle_timeout: times.2.min(most),
            total_timeout: times.3,
            head_bytes_max: heads.0,
            fields_max: heads.1,
            attempts_max: kept.0,
            keep_alive: kept.1,
            keep_alive_timeout: kept.2,
            idle_connections_max: kept.3,
        }
    });
    prop_oneof![Just(BackendLimits::default()), limits]
}

fn path() -> impl Strategy<Value = PathBuf> {
    "/[^\u{0}]{0,30}".prop_map(PathBuf::from)
}

/// Whole milliseconds, often in whole larger units.
fn ms(least: u64, most: u64) -> impl Strategy<Value = Duration> {
    let unit = select(vec![1, 1_000, 60_000, 3_600_000]);
    (least..=most, unit).prop_map(move |(ms, unit)| {
        let whole = ms / unit * unit;
        Duration::from_millis(if whole < least { ms } else { whole })
    })
}
