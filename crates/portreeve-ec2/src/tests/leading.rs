//! Several proxies over one group.

use std::sync::Mutex;
use std::time::Duration;

use portreeve_driver::{Driver as _, Leadership};
use tokio::time::{Instant, sleep};

use super::means::{brisk, driver};
use super::moto::Moto;
use super::peer::{Peer, answer};
use crate::Ec2Driver;

async fn ask(driver: &Ec2Driver, owner: &str) -> Leadership {
    driver.lead(owner).await.expect("AWS answers")
}

fn theirs(owner: &str) -> Leadership {
    Leadership::Theirs(format!("{owner} api/default"))
}

#[tokio::test]
async fn of_two_that_ask_at_once_one_leads_until_it_resigns() {
    let Some(moto) = Moto::start() else { return };
    let moto = moto.with_group(0, 4).await;
    let (a, b) = (driver(&moto.endpoint).await, driver(&moto.endpoint).await);
    let (by_a, by_b) = tokio::join!(ask(&a, "a"), ask(&b, "b"));
    let (leader, name, other, other_name) = match (&by_a, &by_b) {
        (Leadership::Ours, Leadership::Theirs(_)) => (&a, "a", &b, "b"),
        (Leadership::Theirs(_), Leadership::Ours) => (&b, "b", &a, "a"),
        both => panic!("one leads: {both:?}"),
    };
    assert_eq!(ask(leader, name).await, Leadership::Ours);
    assert_eq!(ask(other, other_name).await, theirs(name));
    other.resign(other_name).await;
    assert_eq!(
        ask(leader, name).await,
        Leadership::Ours,
        "it was not theirs to give"
    );
    leader.resign(name).await;
    assert!(moto.group().await.tags().is_empty());
    assert_eq!(ask(other, other_name).await, Leadership::Ours);
    assert_eq!(ask(leader, name).await, theirs(other_name));
}

#[tokio::test]
async fn who_is_silent_for_long_is_followed() {
    let Some(moto) = Moto::start() else { return };
    let moto = moto.with_group(0, 4).await;
    let (a, b) = (driver(&moto.endpoint).await, driver(&moto.endpoint).await);
    assert_eq!(ask(&a, "a").await, Leadership::Ours);
    let silent = Instant::now();
    while ask(&b, "b").await != Leadership::Ours {
        sleep(brisk().look_every).await;
    }
    assert!(
        silent.elapsed() >= brisk().lease_max,
        "after {:?}",
        silent.elapsed()
    );
    assert_eq!(ask(&a, "a").await, theirs("b"));
    assert_eq!(ask(&b, "b").await, Leadership::Ours);
}

#[tokio::test]
async fn who_took_the_lease_waits_for_others_that_saw_it_free() {
    let written = Mutex::new(None::<Instant>);
    let peer = Peer::answering(move |body| {
        let mut written = written.lock().expect("nobody panicked");
        if body.contains("CreateOrUpdateTags") {
            *written = Some(Instant::now());
            return Some(answer("CreateOrUpdateTags", ""));
        }
        // Another saw it free too, and writes later than we do.
        let rival_wrote = Duration::from_secs(1);
        Some(marked(match *written {
            None => None,
            Some(at) if at.elapsed() < rival_wrote => Some("1 a api/default"),
            Some(_) => Some("1 b api/default"),
        }))
    })
    .await;
    assert_eq!(ask(&driver(&peer.endpoint).await, "a").await, theirs("b"));
}

/// A group whose tag says this.
fn marked(lease: Option<&str>) -> (u16, String) {
    let tag = lease.map(|lease| {
        format!("<Tags><member><Key>portreeve-lease</Key><Value>{lease}</Value></member></Tags>")
    });
    let group = format!(
        "<AutoScalingGroups><member><AutoScalingGroupName>workers</AutoScalingGroupName>{}</member>\
         </AutoScalingGroups>",
        tag.unwrap_or_default()
    );
    answer("DescribeAutoScalingGroups", &group)
}
