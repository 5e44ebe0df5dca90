//! From an order to a backend that serves.

use std::time::Duration;

use bollard::models::{Ipam, IpamConfig, NetworkCreateRequest};
use portreeve_driver::{Driver, FoundState, Stop};
use portreeve_model::plan::DockerPlan;

use crate::bench::{Bench, address, end_of, get, serving};

pub(crate) async fn it_serves_at_its_own_address_with_all_that_it_was_told(bench: &Bench) {
    let plan = DockerPlan {
        env: vec![("WHO".to_owned(), "{pool}/{fleet}/{id}:{port}".to_owned())],
        labels: vec![("team".to_owned(), "blue".to_owned())],
        ..bench.plan()
    };
    let driver = bench.driver("serve", plan);
    let one = serving(&driver, "serve", "serve-1").await;
    let two = serving(&driver, "serve", "serve-2").await;
    assert_ne!(one.address, two.address);

    let env = get(address(&one), "/env").await;
    for line in [
        "WHO=serve/default/serve-1:8000",
        "PORT=8000",
        "PORTREEVE_ID=serve-1",
        "PORTREEVE_POOL=serve",
        "PORTREEVE_FLEET=default",
        "PORTREEVE_TOKEN=ptv_very_secret",
        "PORTREEVE_URL=http://10.0.0.1:9000",
    ] {
        assert!(env.lines().any(|known| known == line), "{line} is not in\n{env}");
    }
    let container = bench
        .docker
        .inspect_container("serve-1", None)
        .await
        .expect("its name is its id");
    let labels = container.config.and_then(|config| config.labels).expect("labels");
    assert_eq!(
        (labels["portreeve.id"].as_str(), labels["team"].as_str()),
        ("serve-1", "blue")
    );
    assert!(!format!("{labels:?}").contains("ptv_very_secret"));

    let mut listed = driver.list().await.expect("it answers");
    listed.sort_by_key(|found| found.id.clone());
    assert_eq!(
        listed.iter().map(|found| &found.handle).collect::<Vec<_>>(),
        [&one.handle, &two.handle]
    );
    assert_eq!(listed[0].address, one.address);
    assert!(listed.iter().all(|found| found.state == FoundState::Running));
    assert!(listed[0].age.is_some_and(|age| age < Duration::from_secs(60)));
    for found in [one, two] {
        driver.stop(&found, Stop::Kill).await.expect("it is told");
        end_of(&driver, &found).await;
    }
}

pub(crate) async fn its_command_and_limits_are_those_of_the_plan(bench: &Bench) {
    let plan = DockerPlan {
        command: vec!["/app".to_owned(), "serve".to_owned(), "{port}".to_owned()],
        memory_bytes: Some(64 << 20),
        cpu_thousandths: Some(500),
        ..bench.plan()
    };
    let driver = bench.driver("limits", plan);
    let found = serving(&driver, "limits", "limits-1").await;
    assert_eq!(get(address(&found), "/args").await, "/app serve 8000");

    let before = driver.usage(std::slice::from_ref(&found)).await[0];
    get(address(&found), "/burn").await;
    let gone = portreeve_driver::Found {
        handle: "0".repeat(64),
        ..found.clone()
    };
    let usage = driver.usage(&[gone, found.clone()]).await;
    assert_eq!(usage[0], portreeve_driver::Usage::default());
    let used = usage[1].cpu_total.expect("known") - before.cpu_total.expect("known");
    // It burnt 200 ms of the clock, of which it may have half.
    assert!(
        (Duration::from_millis(40)..Duration::from_millis(300)).contains(&used),
        "{used:?}"
    );
    assert_eq!(usage[1].cpus_max, Some(0.5));
    assert_eq!(usage[1].memory_max, Some(64 << 20));
    assert!(
        usage[1]
            .memory_bytes
            .is_some_and(|bytes| (1..64 << 20).contains(&bytes)),
        "{usage:?}"
    );
    assert!(
        usage[1]
            .uptime
            .is_some_and(|uptime| uptime < Duration::from_secs(60))
    );
    driver.stop(&found, Stop::Kill).await.expect("it is told");
    end_of(&driver, &found).await;
}

pub(crate) async fn it_joins_the_network_of_the_plan(bench: &Bench) {
    let subnet = IpamConfig {
        subnet: Some("10.77.0.0/24".to_owned()),
        ..IpamConfig::default()
    };
    let network = NetworkCreateRequest {
        name: "inner".to_owned(),
        ipam: Some(Ipam {
            config: Some(vec![subnet]),
            ..Ipam::default()
        }),
        ..NetworkCreateRequest::default()
    };
    bench.docker.create_network(network).await.expect("a network");
    let plan = DockerPlan {
        network: Some("inner".to_owned()),
        ..bench.plan()
    };
    let driver = bench.driver("network", plan);
    let found = serving(&driver, "network", "network-1").await;
    assert!(address(&found).to_string().starts_with("10.77.0."), "{found:?}");
    driver.stop(&found, Stop::Kill).await.expect("it is told");
    end_of(&driver, &found).await;
    bench.docker.remove_network("inner").await.expect("it is empty");
}
