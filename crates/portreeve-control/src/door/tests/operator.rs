//! Drains, removals and lists.

use portreeve_model::{BackendAddress, Lease, Tick};
use tokio::time::sleep;

use super::*;
use crate::testing::plan_with;

fn backend(controller: &Controller, label: &str) -> Arc<Backend> {
    let snapshot = Arc::clone(&controller.snapshots().borrow());
    let mut all = snapshot.pools.iter().flat_map(|pool| &pool.backends);
    Arc::clone(all.find(|backend| *backend.label == *label).unwrap())
}

fn of_file(label: &str) -> MemberKey {
    MemberKey {
        pool: "pool".into(),
        id: label.into(),
    }
}

/// With a backend of the file, `a.test:80`, in `pool`.
async fn with_a_file() -> Controller {
    let mut plan = open_plan();
    plan.pools
        .extend(plan_with("pool", &["a.test"], Duration::from_secs(10)).pools);
    start(plan, Book::with("a.test", &["10.0.0.1"])).await
}

#[tokio::test(start_paused = true)]
async fn a_drain_waits_for_what_runs_and_lets_nothing_new_begin() {
    let controller = open().await;
    let door = controller.door();
    register(&door, "a", "127.0.0.1:1").await;
    let running = backend(&controller, "a");
    let lease = Lease::take(&running, Tick::default());
    let before = Instant::now();

    let end = async {
        sleep(Duration::from_secs(3)).await;
        assert_eq!(running.standing(), Standing::Draining);
        drop(lease);
    };
    let key = key("a");
    let (report, ()) = tokio::join!(door.drain(&key, Some(Duration::from_secs(30))), end);

    assert_eq!(report.unwrap().in_flight_left, 0);
    let took = before.elapsed();
    assert!(
        took >= Duration::from_secs(3) && took < Duration::from_millis(3_050),
        "{took:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_drain_says_what_still_runs_when_the_wait_is_over() {
    let controller = open().await;
    let door = controller.door();
    register(&door, "a", "127.0.0.1:1").await;
    let _leases = [(), ()].map(|()| Lease::take(&backend(&controller, "a"), Tick::default()));
    let before = Instant::now();

    let report = door.drain(&key("a"), Some(Duration::from_secs(2))).await.unwrap();
    assert_eq!(report.in_flight_left, 2);
    assert!(before.elapsed() >= Duration::from_secs(2));

    let at_once = Instant::now();
    assert_eq!(door.drain(&key("a"), None).await.unwrap().in_flight_left, 2);
    assert_eq!(at_once.elapsed(), Duration::ZERO);
}

#[tokio::test]
async fn no_heartbeat_lifts_a_drain() {
    let controller = open().await;
    let door = controller.door();
    let (_listener, port) = server().await;
    register(&door, "a", &format!("127.0.0.1:{port}")).await;
    wait_for(&door, "a", Standing::Serving).await;
    door.drain(&key("a"), None).await.unwrap();

    let beat = Beat {
        is_draining: Some(false),
        load: Some(0.5),
        ..Beat::default()
    };
    door.renew(&key("a"), beat, local()).await.unwrap();

    let state = door.backend(&key("a")).await.unwrap().remove(0);
    assert_eq!(
        (state.standing, state.is_drained, state.load),
        (Standing::Draining, true, Some(0.5))
    );
    door.undrain(&key("a")).await.unwrap();
    assert_eq!(standing(&door, "a").await, Standing::Serving);
}

#[tokio::test]
async fn a_backend_does_not_lift_the_operators_drain_by_leaving() {
    let controller = open().await;
    let door = controller.door();
    let (_listener, port) = server().await;
    let address = format!("127.0.0.1:{port}");
    register(&door, "a", &address).await;
    door.drain(&key("a"), None).await.unwrap();

    door.deregister(&key("a"), local()).await.unwrap();
    register(&door, "a", &address).await;
    assert_eq!(standing(&door, "a").await, Standing::Draining);

    door.deregister(&key("a"), local()).await.unwrap();
    door.undrain(&key("a")).await.unwrap();
    assert_eq!(door.undrain(&key("a")).await.unwrap_err().status(), 404);
    register(&door, "a", &address).await;
    wait_for(&door, "a", Standing::Serving).await;
}

#[tokio::test(start_paused = true)]
async fn a_backend_of_the_file_stays_drained_over_a_reload() {
    let controller = with_a_file().await;
    let door = controller.door();
    let drained = of_file("a.test:80");

    door.drain(&drained, None).await.unwrap();
    assert_eq!(backend(&controller, "a.test:80").standing(), Standing::Draining);
    let mut plan = open_plan();
    plan.pools
        .extend(plan_with("pool", &["a.test"], Duration::from_secs(5)).pools);
    plan.pools[1].targets[0].weight = 7;
    controller.apply(plan).await;

    assert_eq!(backend(&controller, "a.test:80").weight, 7);
    assert_eq!(backend(&controller, "a.test:80").standing(), Standing::Draining);
    door.undrain(&drained).await.unwrap();
    assert_eq!(backend(&controller, "a.test:80").standing(), Standing::Serving);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_there_cannot_be_drained_or_removed() {
    let controller = with_a_file().await;
    let door = controller.door();
    for id in ["b", "", "a.test"] {
        let refused = door.drain(&of_file(id), None).await.unwrap_err();
        assert_eq!(refused, Refused::NoSuchBackend(of_file(id)));
        assert_eq!(door.undrain(&of_file(id)).await.unwrap_err().status(), 404);
        assert_eq!(door.remove(&of_file(id)).await.unwrap_err().status(), 404);
    }
    let refused = door.remove(&of_file("a.test:80")).await.unwrap_err();
    assert_eq!((refused.code(), refused.status()), ("in_the_file", 409));
}

#[tokio::test]
async fn a_removed_backend_is_gone_and_may_come_back() {
    let controller = open().await;
    let door = controller.door();
    register(&door, "a", "127.0.0.1:1").await;
    let before = backend(&controller, "a");

    door.remove(&key("a")).await.unwrap();

    assert_eq!(before.standing(), Standing::Gone);
    assert!(labels(&controller).is_empty());
    assert!(register(&door, "a", "127.0.0.1:1").await.is_new);
}

#[tokio::test(start_paused = true)]
async fn the_list_has_backends_of_both_kinds() {
    let controller = with_a_file().await;
    let door = controller.door();
    register(&door, "b", "127.0.0.1:1").await;
    register(&door, "a", "127.0.0.1:2").await;

    let all = door.backends().await.unwrap();

    let names: Vec<_> = all.iter().map(|state| (&*state.pool, &*state.id)).collect();
    assert_eq!(names, [("api", "b"), ("api", "a"), ("pool", "a.test:80")]);
    assert_eq!(
        all[0].address,
        BackendAddress::Tcp(vec!["127.0.0.1:1".parse().unwrap()])
    );
    assert!(all[0].is_registered && all[0].policies.contains("eu"));
    assert!(all[0].expires_in.unwrap() <= Duration::from_secs(10));
    assert_eq!((all[2].is_registered, all[2].expires_in), (false, None));
    assert_eq!(all[2].standing, Standing::Serving);
}
