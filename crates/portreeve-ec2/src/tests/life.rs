//! Instances that come and go.

use std::collections::HashSet;
use std::time::Duration;

use portreeve_driver::{Driver as _, DriverFault, FoundState, Stop};
use tokio::time::timeout;

use super::means::{GROUP, driver, found, order};
use super::moto::Moto;
use crate::Ec2Driver;

const LONG: Duration = Duration::from_secs(60);

async fn started(driver: &Ec2Driver, count: u32) -> HashSet<String> {
    for number in 0..count {
        let started = driver.start(&order(&format!("api-{number}"))).await;
        assert_eq!(started.expect("there is room").handle, GROUP);
    }
    listed(driver).await
}

async fn listed(driver: &Ec2Driver) -> HashSet<String> {
    let list = driver.list().await.expect("AWS answers");
    list.iter().map(|found| found.id.to_string()).collect()
}

#[tokio::test]
async fn what_is_ordered_is_listed_under_its_instance_id() {
    let Some(moto) = Moto::start() else { return };
    let moto = moto.with_group(0, 4).await;
    let driver = driver(&moto.endpoint).await;
    assert!(driver.list().await.expect("AWS answers").is_empty());
    started(&driver, 1).await;
    let list = driver.list().await.expect("AWS answers");
    let [only] = &list[..] else {
        panic!("one was ordered: {list:?}")
    };
    assert!(only.id.starts_with("i-") && only.handle == *only.id, "{only:?}");
    assert_eq!((only.state, only.address), (FoundState::Running, None));
    assert_eq!(driver.usage(&list).await, [portreeve_driver::Usage::default()]);
}

#[tokio::test]
async fn orders_at_once_all_count_and_none_goes_beyond_the_largest_size() {
    let Some(moto) = Moto::start() else { return };
    let moto = moto.with_group(0, 4).await;
    let driver = driver(&moto.endpoint).await;
    let orders: Vec<_> = (0..6).map(|number| order(&format!("api-{number}"))).collect();
    let (a, b, c, d, e, f) = tokio::join!(
        driver.start(&orders[0]),
        driver.start(&orders[1]),
        driver.start(&orders[2]),
        driver.start(&orders[3]),
        driver.start(&orders[4]),
        driver.start(&orders[5]),
    );
    let refused: Vec<_> = [a, b, c, d, e, f].into_iter().filter_map(Result::err).collect();
    assert_eq!(refused.len(), 2);
    for fault in refused {
        assert!(matches!(fault, DriverFault::LimitReached { .. }), "{fault:?}");
        let told = fault.to_string();
        assert!(told.contains(GROUP) && told.contains("MaxSize"), "{told}");
    }
    assert_eq!(listed(&driver).await.len(), 4);
    assert_eq!(moto.desired().await, 4);
}

#[tokio::test]
async fn who_is_stopped_leaves_and_nobody_takes_its_place() {
    let Some(moto) = Moto::start() else { return };
    let moto = moto.with_group(0, 4).await;
    let driver = driver(&moto.endpoint).await;
    let all = started(&driver, 3).await;
    let leaving = all.iter().next().expect("three came");
    let leaving = found(leaving, leaving);
    let ended = driver.ended(&leaving);
    driver.stop(&leaving, Stop::Ask).await.expect("it may leave");
    let ended = timeout(LONG, ended).await.expect("it left");
    assert!(ended.how.contains(GROUP), "{ended:?}");
    let left = listed(&driver).await;
    assert!(left.len() == 2 && left.is_subset(&all), "{left:?} of {all:?}");
    assert_eq!(moto.desired().await, 2);
    for how in [Stop::Ask, Stop::Kill] {
        driver
            .stop(&leaving, how)
            .await
            .expect("one that is gone is no fault");
    }
    assert_eq!(moto.desired().await, 2);
}

#[tokio::test]
async fn who_dies_is_noticed_and_its_replacement_by_aws_is_not_ordered_again() {
    let Some(moto) = Moto::start() else { return };
    let moto = moto.with_group(0, 4).await;
    let driver = driver(&moto.endpoint).await;
    let all = started(&driver, 2).await;
    let dying = all.iter().next().expect("two came");
    let watched = found(dying, dying);
    let (ended, _) = tokio::join!(timeout(LONG, driver.ended(&watched)), async {
        let client = moto.client().await;
        let ending = client
            .terminate_instance_in_auto_scaling_group()
            .instance_id(dying);
        let ending = ending.should_decrement_desired_capacity(false).send().await;
        ending.expect("moto ends it")
    });
    ended.expect("it is noticed");
    driver.start(&order("api-9")).await.expect("AWS replaces it");
    assert_eq!(moto.desired().await, 2);
    let now = listed(&driver).await;
    assert!(now.len() == 2 && !now.contains(dying), "{now:?} of {all:?}");
    driver.start(&order("api-10")).await.expect("there is room");
    assert_eq!(moto.desired().await, 3);
}

#[tokio::test]
async fn the_smallest_size_of_a_group_is_kept() {
    let Some(moto) = Moto::start() else { return };
    let moto = moto.with_group(1, 4).await;
    let driver = driver(&moto.endpoint).await;
    let all = listed(&driver).await;
    let only = all.iter().next().expect("moto starts one");
    let fault = driver.stop(&found(only, only), Stop::Ask).await;
    let fault = fault.expect_err("it must stay");
    assert!(matches!(fault, DriverFault::LimitReached { .. }), "{fault:?}");
    assert!(fault.to_string().contains("MinSize"), "{fault}");
    assert_eq!(listed(&driver).await, all);
}

#[tokio::test]
async fn another_driver_finds_what_is_there() {
    let Some(moto) = Moto::start() else { return };
    let moto = moto.with_group(0, 4).await;
    let before = started(&driver(&moto.endpoint).await, 2).await;
    let after = driver(&moto.endpoint).await;
    assert_eq!(listed(&after).await, before);
    assert_eq!(moto.desired().await, 2);
}

#[tokio::test]
async fn a_group_that_is_not_there_is_named() {
    let Some(moto) = Moto::start() else { return };
    let driver = driver(&moto.endpoint).await;
    let fault = driver.start(&order("api-1")).await.expect_err("there is none");
    assert!(matches!(fault, DriverFault::NotFound { .. }), "{fault:?}");
    let told = fault.to_string();
    assert!(
        told.contains("`workers`") && told.contains(&moto.endpoint),
        "{told}"
    );
}
