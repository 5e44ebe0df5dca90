//! Probes and suspicions, against real sockets.

use std::net::SocketAddr;

use portreeve_model::plan::{Check, ProbePlan, Target, TargetAddress};
use tokio::net::{TcpSocket, TcpStream};

use super::*;

#[tokio::test]
async fn a_backend_serves_once_it_was_reached() {
    let controller = open().await;
    let (_listener, port) = server().await;
    let door = controller.door();
    let mut events = door.events();

    let accepted = register(&door, "a", &format!("127.0.0.1:{port}")).await;
    assert_eq!(accepted.standing, Standing::Unproved);
    wait_for(&door, "a", Standing::Serving).await;

    let kinds = [
        events.recv().await.unwrap().kind,
        events.recv().await.unwrap().kind,
    ];
    assert_eq!(kinds, [EventKind::Registered, EventKind::Up]);
    let snapshot = Arc::clone(&controller.snapshots().borrow());
    assert_eq!(
        snapshot
            .pool("api")
            .unwrap()
            .upholding("eu")
            .unwrap()
            .candidates(),
        1
    );
}

#[tokio::test]
async fn who_refuses_is_probed_again_and_serves_after_its_first_pass() {
    let controller = open().await;
    let door = controller.door();
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap().to_string();
    register(&door, "a", &address).await;

    let refused = async {
        while door.backend(&key("a")).await.unwrap()[0].reason.is_none() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(2), refused).await.unwrap();
    let state = door.backend(&key("a")).await.unwrap().remove(0);
    assert_eq!(state.standing, Standing::Unproved);
    assert!(state.reason.unwrap().contains("Connection refused"));

    let _listener = socket.listen(16).unwrap();
    let open_since = Instant::now();
    wait_for(&door, "a", Standing::Serving).await;
    let took = open_since.elapsed();
    assert!(took < Duration::from_millis(1_200), "{took:?}");
}

#[tokio::test]
async fn whom_the_data_plane_cannot_reach_is_down_until_a_probe_passes() {
    let controller = open().await;
    let door = controller.door();
    let (listener, port) = server().await;
    register(&door, "a", &format!("127.0.0.1:{port}")).await;
    wait_for(&door, "a", Standing::Serving).await;
    let mut events = door.events();
    drop(listener);

    let snapshot = Arc::clone(&controller.snapshots().borrow());
    assert!(snapshot.pool("api").unwrap().backends[0].suspect());
    snapshot.suspicions.raise();
    wait_for(&door, "a", Standing::Down).await;
    let down = timeout(Duration::from_secs(1), events.recv())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(down.kind, EventKind::Down);

    let _listener = TcpListener::bind(("0.0.0.0", port)).await.unwrap();
    let open_since = Instant::now();
    wait_for(&door, "a", Standing::Serving).await;
    assert!(open_since.elapsed() < Duration::from_millis(1_200));
}

/// A listener whose queue is full: the kernel drops whatever else would connect, at any address of 127.0.0.0/8.
async fn silent() -> (TcpListener, Vec<TcpStream>, u16) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("0.0.0.0:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let port = listener.local_addr().unwrap().port();
    let mut queued = Vec::new();
    while let Ok(connected) = timeout(
        Duration::from_millis(200),
        TcpStream::connect(("127.0.0.1", port)),
    )
    .await
    {
        queued.push(connected.unwrap());
    }
    (listener, queued, port)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_that_hang_among_a_thousand_delay_nobody() {
    let controller = open_with(ControlSettings::default()).await;
    let door = controller.door();
    let (listener, port) = server().await;
    let taking = tokio::spawn(async move { while listener.accept().await.is_ok() {} });
    let (_silent, _queued, silent_port) = silent().await;
    let mut calls = JoinSet::new();
    for number in 0..1_000 {
        let port = if number % 10 == 0 { silent_port } else { port };
        let (door, address) = (door.clone(), format!("{}:{port}", host(number)));
        calls.spawn(async move { register(&door, &number.to_string(), &address).await });
    }
    calls.join_all().await;
    let before = Instant::now();

    let served = async {
        let is_serving = |state: &&BackendState| state.standing == Standing::Serving;
        while door.backends().await.unwrap().iter().filter(is_serving).count() < 900 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(10), served).await.unwrap();
    let all_took = before.elapsed();
    let before = Instant::now();
    register(&door, "late", &format!("127.2.0.1:{port}")).await;
    wait_for(&door, "late", Standing::Serving).await;
    let late_took = before.elapsed();

    taking.abort();
    assert!(all_took < Duration::from_secs(2), "{all_took:?}");
    assert!(late_took < Duration::from_millis(500), "{late_took:?}");
    let hanging = door.backend(&key("0")).await.unwrap().remove(0);
    assert_eq!(hanging.standing, Standing::Unproved);
}

/// The pool `api` of these in the file, which may be joined too.
fn plan_of_file(addresses: &[SocketAddr], probe: Option<ProbePlan>) -> Plan {
    let mut plan = open_plan();
    let targets = addresses
        .iter()
        .map(|address| Target::new(TargetAddress::Socket(*address)));
    plan.pools[0].targets = targets.collect();
    plan.pools[0].probe = probe;
    plan
}

/// Often, so that a test need not wait.
fn often(check: Check) -> ProbePlan {
    let (every, every_unhealthy) = (Duration::from_millis(200), Duration::from_millis(100));
    ProbePlan {
        every,
        every_unhealthy,
        timeout: every,
        fall: 2,
        ..ProbePlan::new(check)
    }
}

async fn local_server() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

#[tokio::test]
async fn a_backend_of_the_file_that_is_probed_serves_after_its_first_pass_and_is_down_when_it_fails() {
    let (listener, address) = local_server().await;
    let plan = plan_of_file(&[address], Some(often(Check::Connect)));
    let controller = start(plan, Arc::default()).await;
    let (door, id) = (controller.door(), address.to_string());
    let mut events = door.events();
    wait_for(&door, &id, Standing::Serving).await;
    drop(listener);
    wait_for(&door, &id, Standing::Down).await;

    let state = door.backends().await.unwrap().remove(0);
    assert_eq!((state.standing, state.is_registered), (Standing::Down, false));
    let refused = format!("cannot connect to {address}: Connection refused");
    assert_eq!(state.reason.as_deref(), Some(&*refused));
    let (up, down) = (events.recv().await.unwrap(), events.recv().await.unwrap());
    assert_eq!((up.kind, down.kind), (EventKind::Up, EventKind::Down));
    assert_eq!((&down.key, down.reason.as_deref()), (&key(&id), Some(&*refused)));

    let _listener = TcpListener::bind(address).await.unwrap();
    wait_for(&door, &id, Standing::Serving).await;
    assert_eq!(door.backend(&key(&id)).await.unwrap()[0].reason, None);
    let totals = door
        .probes()
        .totals()
        .find(|totals| totals.kind == "connect")
        .unwrap();
    assert!(totals.passed >= 2 && totals.failed >= 2, "{totals:?}");
}

#[tokio::test]
async fn a_backend_of_the_file_that_requests_cannot_reach_is_back_within_moments_of_its_return() {
    let (listener, address) = local_server().await;
    let controller = start(plan_of_file(&[address], None), Arc::default()).await;
    let (door, id) = (controller.door(), address.to_string());
    assert_eq!(standing(&door, &id).await, Standing::Serving, "nobody asked");
    let snapshot = Arc::clone(&controller.snapshots().borrow());
    drop(listener);

    assert!(snapshot.pool("api").unwrap().backends[0].suspect());
    snapshot.suspicions.raise();
    let lies_down = Instant::now();
    while controller.snapshots().borrow().sequence == snapshot.sequence {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert_eq!(standing(&door, &id).await, Standing::Down);
    let _listener = TcpListener::bind(address).await.unwrap();
    wait_for(&door, &id, Standing::Serving).await;
    let took = lies_down.elapsed();
    assert!(took < Duration::from_millis(700), "{took:?}");
    let newest = Arc::clone(&controller.snapshots().borrow());
    let kept = &newest.pool("api").unwrap().backends[0];
    assert_eq!(kept.id, snapshot.pool("api").unwrap().backends[0].id);
}

#[tokio::test]
async fn the_operators_drain_of_a_backend_of_the_file_hides_what_probes_say_until_it_is_lifted() {
    let (listener, address) = local_server().await;
    let plan = plan_of_file(&[address], Some(often(Check::Connect)));
    let controller = start(plan, Arc::default()).await;
    let (door, id) = (controller.door(), address.to_string());
    wait_for(&door, &id, Standing::Serving).await;
    door.drain(&key(&id), None).await.unwrap();
    let mut events = door.events();
    drop(listener);
    let down = timeout(Duration::from_secs(5), events.recv())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(down.kind, EventKind::Down);
    assert_eq!(standing(&door, &id).await, Standing::Draining);
    door.undrain(&key(&id)).await.unwrap();
    assert_eq!(standing(&door, &id).await, Standing::Down);
}

#[tokio::test]
async fn a_reload_with_another_check_asks_anew_and_interrupts_nobody() {
    let (_listener, address) = local_server().await;
    let controller = start(plan_of_file(&[address], None), Arc::default()).await;
    let (door, id) = (controller.door(), address.to_string());
    let failing = Check::Exec {
        command: vec!["false".to_owned()],
    };
    controller
        .apply(plan_of_file(&[address], Some(often(failing))))
        .await;
    wait_for(&door, &id, Standing::Down).await;
    let reason = door.backend(&key(&id)).await.unwrap().remove(0).reason;
    assert_eq!(reason.as_deref(), Some("false ended with 1; 0 passes"));
    controller
        .apply(plan_of_file(&[address], Some(often(Check::Packet))))
        .await;
    wait_for(&door, &id, Standing::Serving).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_are_probed_inside_one_interval_though_a_hundred_of_them_hang() {
    const ALL: u16 = 500;
    let (listener, port) = server().await;
    let taking = tokio::spawn(async move { while listener.accept().await.is_ok() {} });
    let (_silent, _queued, silent_port) = silent().await;
    let addresses: Vec<SocketAddr> = (0..ALL)
        .map(|number| {
            let port = if number % 5 == 0 { silent_port } else { port };
            format!("{}:{port}", host(usize::from(number))).parse().unwrap()
        })
        .collect();
    let probe = ProbePlan {
        every: Duration::from_secs(1),
        ..ProbePlan::new(Check::Connect)
    };
    let controller = start(plan_of_file(&addresses, Some(probe)), Arc::default()).await;
    let door = controller.door();
    let passed = || door.probes().totals().map(|totals| totals.passed).sum::<u64>();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let before = passed();
    assert!(
        before >= 400,
        "all that answer have within the first second: {before}"
    );
    tokio::time::sleep(Duration::from_secs(3)).await;
    let rate = (passed() - before) / 3;
    taking.abort();
    assert!((300..=500).contains(&rate), "{rate} each second of 400");
}
