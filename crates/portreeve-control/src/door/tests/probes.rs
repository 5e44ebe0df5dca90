//! Probes and suspicions, against real sockets.

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
async fn who_refuses_is_probed_each_second_and_serves_after_its_first_pass() {
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
