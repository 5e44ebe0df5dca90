//! Any driver.

use std::net::IpAddr;

use portreeve_model::plan::{DockerPlan, DriverPlan, Ec2Plan, ExecPlan, ProcessPlan};
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use crate::generate::{ms, path, plain_ip};

/// Of a fleet that may have so many.
pub(super) fn driver(most: u32) -> BoxedStrategy<DriverPlan> {
    prop_oneof![
        process(most).prop_map(DriverPlan::Process).boxed(),
        docker().prop_map(DriverPlan::Docker).boxed(),
        exec().prop_map(DriverPlan::Exec).boxed(),
        ec2().prop_map(DriverPlan::Ec2).boxed(),
    ]
    .boxed()
}

fn process(most: u32) -> impl Strategy<Value = ProcessPlan> {
    let least = u16::try_from(most).expect("a few thousand");
    let ports = (1..=u16::MAX - least, 0..=1_000_u16)
        .prop_map(move |(first, more)| (first, (first + (least - 1)).saturating_add(more)));
    let host = plain_ip().prop_filter("connectable", |ip| !ip.is_unspecified() && !ip.is_multicast());
    let host = prop_oneof![Just(IpAddr::from([127, 0, 0, 1])), host];
    (command(), pairs(), option::of(path()), option::of(ports), host).prop_map(
        |(command, env, folder, ports, host)| ProcessPlan {
            command,
            env,
            folder,
            ports,
            host,
        },
    )
}

fn docker() -> impl Strategy<Value = DockerPlan> {
    let endpoint = select(vec![
        "unix:///var/run/docker.sock",
        "unix:///run/podman/podman.sock",
        "tcp://10.0.0.7:2375",
        "http://engine:2375",
    ]);
    let limits = (option::of(6_u64 << 20..=1 << 50), option::of(10..=1_024_000_u32));
    let command = prop_oneof![Just(Vec::new()), command()];
    let named = ("[!-~]{1,40}", 1..=u16::MAX, option::of("[!-~]{1,20}"));
    (named, command, limits, (pairs(), pairs()), endpoint).prop_map(
        |((image, port, network), command, (memory_bytes, cpu_thousandths), (env, labels), endpoint)| {
            DockerPlan {
                endpoint: endpoint.to_owned(),
                image,
                command,
                env,
                port,
                memory_bytes,
                cpu_thousandths,
                network,
                labels,
            }
        },
    )
}

fn exec() -> impl Strategy<Value = ExecPlan> {
    let timeout = prop_oneof![Just(std::time::Duration::from_secs(30)), ms(100, 3_600_000)];
    (command(), command(), command(), timeout).prop_map(|(start, stop, list, timeout)| ExecPlan {
        start,
        stop,
        list,
        timeout,
    })
}

fn ec2() -> impl Strategy<Value = Ec2Plan> {
    let region = option::of("[a-z0-9-]{1,20}");
    let endpoint = select(vec![
        None,
        Some("http://127.0.0.1:5000"),
        Some("https://aws.example"),
    ]);
    ("[ -9;-~ä]{1,40}", region, endpoint).prop_map(|(group, region, endpoint)| Ec2Plan {
        group,
        region,
        endpoint: endpoint.map(str::to_owned),
    })
}

fn command() -> impl Strategy<Value = Vec<String>> {
    ("[!-z|~ä]{1,20}", vec("[ -z|~ä\t]{0,20}", 0..3)).prop_map(|(program, mut command)| {
        command.insert(0, program);
        command.push("{id}:{port}".to_owned());
        command
    })
}

/// Variables or labels; the order is not that of the alphabet.
fn pairs() -> impl Strategy<Value = Vec<(String, String)>> {
    let pairs = btree_map("[a-zA-Z_.ä ]{1,9}", "[ -z|~ä\n\"\\\\]{0,20}", 0..3);
    pairs
        .prop_map(|pairs| pairs.into_iter().collect::<Vec<_>>())
        .prop_shuffle()
}
