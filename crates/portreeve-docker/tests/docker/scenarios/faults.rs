//! What cannot be started, and what the operator is told.

use portreeve_driver::{Driver, DriverFault, Stop};
use portreeve_model::plan::DockerPlan;

use crate::bench::{Bench, end_of, get, order, serving};

async fn fault(bench: &Bench, plan: DockerPlan) -> DriverFault {
    let driver = bench.driver("fault", plan);
    let fault = driver
        .start(&order("fault", "fault-1"))
        .await
        .expect_err("it cannot be started");
    assert_eq!(
        bench.containers().await,
        [] as [String; 0],
        "left behind after: {fault}"
    );
    fault
}

pub(crate) async fn an_image_that_is_not_there_is_named(bench: &Bench) {
    let plan = DockerPlan {
        image: "registry.invalid/no/such:3".to_owned(),
        ..bench.plan()
    };
    let fault = fault(bench, plan.clone()).await;
    assert_eq!(fault.code(), "not_found");
    assert!(
        fault.to_string().contains("`registry.invalid/no/such:3`"),
        "{fault}"
    );
    let fault = bench
        .driver("fault", plan)
        .lead("me")
        .await
        .expect_err("a lease is of the same image");
    assert_eq!(fault.code(), "not_found");
}

pub(crate) async fn a_command_that_is_not_there_is_named_and_nothing_is_left(bench: &Bench) {
    let plan = DockerPlan {
        command: vec!["/no/such".to_owned()],
        ..bench.plan()
    };
    let fault = fault(bench, plan).await;
    assert_eq!(fault.code(), "not_found");
    assert!(
        fault.to_string().contains("command `/no/such` in image `app:1`"),
        "{fault}"
    );
}

pub(crate) async fn a_network_that_is_not_there_is_named(bench: &Bench) {
    let plan = DockerPlan {
        network: Some("nowhere".to_owned()),
        ..bench.plan()
    };
    let fault = fault(bench, plan).await;
    assert_eq!(fault.code(), "not_found");
    assert!(
        fault.to_string().starts_with("network `nowhere` does not exist"),
        "{fault}"
    );
}

pub(crate) async fn a_network_without_addresses_is_refused(bench: &Bench) {
    for network in ["host", "none"] {
        let plan = DockerPlan {
            network: Some(network.to_owned()),
            ..bench.plan()
        };
        let fault = fault(bench, plan).await;
        assert!(
            fault
                .to_string()
                .contains(&format!("in network `{network}` it has no address of its own")),
            "{fault}"
        );
    }
}

pub(crate) async fn an_id_is_used_once(bench: &Bench) {
    let driver = bench.driver("once", bench.plan());
    let found = serving(&driver, "once", "once-1").await;
    let fault = driver
        .start(&order("once", "once-1"))
        .await
        .expect_err("the name is taken");
    assert_eq!(fault.code(), "failed");
    assert!(fault.to_string().contains("once-1"), "{fault}");
    assert_eq!(get(found.address.expect("known"), "/").await, "hello");
    driver.stop(&found, Stop::Kill).await.expect("it is told");
    end_of(&driver, &found).await;
}
