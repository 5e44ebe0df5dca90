//! What AWS, or the way to it, refuses.

use std::sync::Mutex;
use std::time::Duration;

use aws_config::SdkConfig;
use portreeve_driver::{Driver as _, DriverFault, Stop};
use portreeve_model::plan::Ec2Plan;
use tokio::net::TcpListener;
use tokio::time::{Instant, timeout};

use super::means::{GROUP, brisk, driver, found, order, paced};
use super::peer::{Peer, answer, described, refusal};
use crate::Ec2Driver;
use crate::pace::Pace;

async fn refused(peer: &Peer) -> DriverFault {
    let driver = driver(&peer.endpoint).await;
    driver.list().await.expect_err("the peer refuses")
}

#[tokio::test]
async fn throttled_requests_are_tried_thrice() {
    let peer = Peer::answering(|_| Some(refusal(400, "Throttling", "Rate exceeded"))).await;
    let fault = refused(&peer).await;
    assert!(matches!(fault, DriverFault::LimitReached { .. }), "{fault:?}");
    assert!(fault.to_string().contains("Rate exceeded"), "{fault}");
    assert_eq!(peer.seen("").len(), 3);
}

#[tokio::test]
async fn what_is_not_allowed_is_told_once() {
    let peer = Peer::answering(|_| Some(refusal(403, "AccessDenied", "User x may not"))).await;
    let fault = refused(&peer).await;
    assert!(matches!(fault, DriverFault::Denied { .. }), "{fault:?}");
    assert!(fault.to_string().contains("User x may not"), "{fault}");
    assert_eq!(peer.seen("").len(), 1);
}

#[tokio::test]
async fn an_api_that_is_ill_cannot_be_reached() {
    let peer = Peer::answering(|_| Some((503, "<html>sorry</html>".to_owned()))).await;
    let fault = refused(&peer).await;
    assert!(matches!(fault, DriverFault::Unreachable { .. }), "{fault:?}");
    assert!(fault.to_string().contains("503"), "{fault}");
}

#[tokio::test]
async fn an_answer_that_makes_no_sense_is_a_fault() {
    let peer = Peer::answering(|_| Some((200, "hello".to_owned()))).await;
    let fault = refused(&peer).await;
    assert!(matches!(fault, DriverFault::Failed { .. }), "{fault:?}");
}

#[tokio::test]
async fn who_never_answers_is_given_up() {
    let peer = Peer::answering(|_| None).await;
    let short = Duration::from_millis(300);
    let pace = Pace {
        call_max: 4 * short,
        operation_max: 2 * short,
        attempt_max: short,
        ..brisk()
    };
    let driver = paced(&peer.endpoint, pace).await;
    let began = Instant::now();
    let fault = driver.list().await.expect_err("nobody answers");
    assert!(matches!(fault, DriverFault::TimedOut { .. }), "{fault:?}");
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

#[tokio::test]
async fn who_is_not_there_cannot_be_reached() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let endpoint = format!("http://{}", listener.local_addr().expect("it has one"));
    drop(listener);
    let fault = driver(&endpoint).await.list().await;
    let fault = fault.expect_err("nobody listens");
    assert!(matches!(fault, DriverFault::Unreachable { .. }), "{fault:?}");
    assert!(fault.to_string().contains(&endpoint), "{fault}");
}

#[tokio::test]
async fn without_a_region_a_call_says_where_to_set_it() {
    let plan = Ec2Plan {
        group: GROUP.to_owned(),
        region: None,
        endpoint: None,
    };
    let sdk = SdkConfig::builder().build();
    let driver = Ec2Driver::with_sdk("api".into(), "default".into(), plan, sdk).expect("a good plan");
    let fault = driver.list().await.expect_err("no region");
    assert!(fault.to_string().contains("AWS_REGION"), "{fault}");
}

#[test]
fn an_endpoint_is_a_url() {
    let plan = Ec2Plan {
        group: GROUP.to_owned(),
        region: None,
        endpoint: Some("localhost:5000".to_owned()),
    };
    let fault = Ec2Driver::new("api".into(), "default".into(), plan).expect_err("no URL");
    assert!(fault.to_string().contains("`localhost:5000`"), "{fault}");
}

#[tokio::test]
async fn an_order_that_is_stopped_before_its_launch_is_withdrawn() {
    let desired = Mutex::new(1);
    let peer = Peer::answering(move |body| {
        let mut desired = desired.lock().expect("nobody panicked");
        if let Some((_, set)) = body.split_once("DesiredCapacity=") {
            *desired = set.split('&').next()?.parse().ok()?;
            return Some(answer("SetDesiredCapacity", ""));
        }
        Some(described(*desired, &[("i-1", "InService")]))
    })
    .await;
    let driver = driver(&peer.endpoint).await;
    driver.list().await.expect("the peer answers");
    let started = driver.start(&order("api-1")).await.expect("there is room");
    let waited_for = found("api-1", &started.handle);
    let (ended, stopped) = tokio::join!(driver.ended(&waited_for), driver.stop(&waited_for, Stop::Ask));
    stopped.expect("it may be withdrawn");
    assert!(ended.how.contains("withdrawn"), "{ended:?}");
    driver
        .stop(&waited_for, Stop::Kill)
        .await
        .expect("it is withdrawn");
    let set = peer.seen("SetDesiredCapacity");
    assert_eq!(set.len(), 2, "{set:?}");
    assert!(set[0].contains("DesiredCapacity=2") && set[1].contains("DesiredCapacity=1"));
}

#[tokio::test]
async fn a_size_that_others_set_back_is_told() {
    let peer = Peer::answering(|body| {
        let is_set = body.contains("SetDesiredCapacity");
        Some(if is_set {
            answer("SetDesiredCapacity", "")
        } else {
            described(1, &[])
        })
    })
    .await;
    let driver = driver(&peer.endpoint).await;
    driver
        .start(&order("api-0"))
        .await
        .expect("AWS launches one as it is");
    let fault = driver.start(&order("api-1")).await.expect_err("it stays at one");
    assert!(matches!(fault, DriverFault::Failed { .. }), "{fault:?}");
    assert!(fault.to_string().contains("scaling policies"), "{fault}");
}

#[tokio::test]
async fn one_that_is_leaving_is_listed_and_not_ended_twice() {
    let peer = Peer::answering(|_| Some(described(0, &[("i-1", "Terminating:Wait")]))).await;
    let driver = driver(&peer.endpoint).await;
    let list = driver.list().await.expect("the peer answers");
    assert_eq!(list[0].state, portreeve_driver::FoundState::Ending);
    driver.stop(&list[0], Stop::Kill).await.expect("it is leaving");
    assert!(peer.seen("TerminateInstance").is_empty());
    let still_there = timeout(Duration::from_secs(1), driver.ended(&list[0])).await;
    assert!(still_there.is_err());
}

#[tokio::test]
async fn who_left_says_why_if_aws_knows_and_looks_are_shared() {
    let peer = Peer::answering(|body| {
        let why = "<Activities><member><ActivityId>1</ActivityId>\
                   <Description>Terminating EC2 instance: i-1</Description>\
                   <Cause>an EC2 health check failed</Cause></member></Activities>";
        let asks_why = body.contains("DescribeScalingActivities");
        Some(if asks_why {
            answer("DescribeScalingActivities", why)
        } else {
            described(0, &[])
        })
    })
    .await;
    let pace = Pace {
        look_every: Duration::from_secs(600),
        ..brisk()
    };
    let driver = paced(&peer.endpoint, pace).await;
    let [a, b, c, d] = ["i-1", "i-2", "i-3", "i-4"].map(|id| found(id, id));
    let (a, b, ..) = tokio::join!(
        driver.ended(&a),
        driver.ended(&b),
        driver.ended(&c),
        driver.ended(&d)
    );
    assert_eq!(a.last_words, "an EC2 health check failed");
    assert_eq!(b.last_words, "");
    // The first is under way when the others ask, who share the second.
    assert_eq!(peer.seen("DescribeAutoScalingGroups").len(), 2);
}

#[tokio::test]
async fn a_fault_of_a_look_ends_nobody() {
    let peer = Peer::answering(|_| Some(refusal(403, "AccessDenied", "no"))).await;
    let driver = driver(&peer.endpoint).await;
    let instance = found("i-1", "i-1");
    let waiting = timeout(Duration::from_secs(1), driver.ended(&instance)).await;
    assert!(waiting.is_err());
    assert!((2..=8).contains(&peer.seen("").len()), "{}", peer.seen("").len());
}
