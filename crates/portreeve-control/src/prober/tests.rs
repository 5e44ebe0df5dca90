use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::net::{TcpListener, TcpSocket};

use portreeve_model::plan::ProbePlan;
use portreeve_model::{Backend, BackendAddress, Policies};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::testing::{order, probed, prober};
use super::*;

fn packet(address: SocketAddr) -> ProbeOrder {
    let plan = ProbePlan {
        timeout: Duration::from_secs(2),
        ..ProbePlan::new(Check::Packet)
    };
    order(plan, &address.to_string())
}

async fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// A port at which nobody listens, and where nobody else will while it is held.
fn closed_port() -> (TcpSocket, SocketAddr) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

/// A listener whose queue is full: the kernel drops what else would connect.
pub(crate) async fn silent() -> (TcpListener, Vec<TcpStream>, SocketAddr) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut queued = Vec::new();
    while let Ok(connected) = timeout(Duration::from_millis(200), TcpStream::connect(address)).await {
        queued.push(connected.unwrap());
    }
    (listener, queued, address)
}

async fn probe(address: SocketAddr) -> Result<(), String> {
    let (mut prober, mut outcomes) = prober();
    let order = packet(address);
    prober.probe(order.clone());
    let outcome = outcomes.recv().await.unwrap();
    assert_eq!(outcome.order.backend.id, order.backend.id);
    outcome.result
}

#[tokio::test]
async fn who_listens_passes() {
    let (_listener, address) = listener().await;
    assert_eq!(probe(address).await, Ok(()));
}

#[tokio::test]
async fn who_refuses_fails_with_a_reason() {
    let (_socket, address) = closed_port();
    let reason = probe(address).await.unwrap_err();
    assert_eq!(reason, format!("cannot connect to {address}: Connection refused"));
}

#[tokio::test]
async fn who_says_nothing_fails_after_two_seconds() {
    let (_listener, _queued, address) = silent().await;
    let before = Instant::now();

    let reason = probe(address).await.unwrap_err();

    assert_eq!(reason, format!("{address} did not answer within 2 s"));
    assert!(before.elapsed() >= Duration::from_secs(2));
}

#[tokio::test]
async fn the_probed_sees_an_end_and_no_byte() {
    let (listener, address) = listener().await;
    let (mut prober, mut outcomes) = prober();
    prober.probe(packet(address));

    let (mut connection, _) = listener.accept().await.unwrap();
    let mut got = Vec::new();
    connection.read_to_end(&mut got).await.unwrap();

    assert_eq!(got, b"");
    outcomes.recv().await.unwrap().result.unwrap();
    drop(connection);
    timeout(Duration::from_secs(1), prober.ended()).await.unwrap();
}

#[tokio::test]
async fn who_accepts_and_never_closes_has_passed_and_is_left() {
    let (listener, address) = listener().await;
    let (mut prober, mut outcomes) = prober();
    prober.probe(packet(address));
    let (_connection, _) = listener.accept().await.unwrap();

    outcomes.recv().await.unwrap().result.unwrap();

    timeout(Duration::from_secs(1), prober.ended()).await.unwrap();
    assert_eq!(prober.room(), PROBES_MAX);
}

#[tokio::test]
async fn who_talks_without_end_is_left_too() {
    let (listener, address) = listener().await;
    let (mut prober, mut outcomes) = prober();
    prober.probe(packet(address));
    let talk = tokio::spawn(async move {
        let (mut connection, _) = listener.accept().await.unwrap();
        while connection.write_all(&[b'x'; 4_096]).await.is_ok() {}
    });

    outcomes.recv().await.unwrap().result.unwrap();

    timeout(Duration::from_secs(1), prober.ended()).await.unwrap();
    timeout(Duration::from_secs(1), talk).await.unwrap().unwrap();
}

#[tokio::test]
async fn outcomes_that_nobody_reads_do_not_lose_any() {
    let (_listener, address) = listener().await;
    let (mut prober, mut outcomes) = prober();
    for _ in 0..PROBES_MAX {
        prober.probe(packet(address));
    }
    assert_eq!(prober.room(), 0);

    for _ in 0..PROBES_MAX {
        outcomes.recv().await.unwrap();
    }
}

#[tokio::test]
async fn a_connect_check_is_closed_at_once() {
    let (listener, address) = listener().await;
    let (mut prober, mut outcomes) = prober();
    prober.probe(order(ProbePlan::new(Check::Connect), &address.to_string()));
    outcomes.recv().await.unwrap().result.unwrap();
    prober.ended().await.unwrap();
    let (mut connection, _) = listener.accept().await.unwrap();
    assert_eq!(connection.read(&mut [0]).await.unwrap(), 0);
}

#[tokio::test]
async fn of_two_addresses_the_one_that_works_is_enough_and_is_remembered() {
    let (_listener, good) = listener().await;
    let (_socket, bad) = closed_port();
    let address = BackendAddress::Tcp(vec![bad, good]);
    let backend = Backend::new("two".into(), address, 1, Policies::none());
    let order = ProbeOrder {
        backend: Arc::new(backend),
        ..packet(good)
    };
    let (mut prober, mut outcomes) = prober();
    prober.probe(order.clone());
    outcomes.recv().await.unwrap().result.unwrap();
    assert_eq!(order.backend.preferred(), 1);
}

#[tokio::test]
async fn a_backend_at_a_unix_socket_is_reached_too() {
    let folder = crate::testing::Folder::new();
    let path = folder.0.join("app.sock");
    let backend = |path: &std::path::Path| {
        let address = BackendAddress::Unix(path.to_owned());
        Arc::new(Backend::new("unix".into(), address, 1, Policies::none()))
    };
    let (_, anywhere) = closed_port();
    let mut asked = ProbeOrder {
        backend: backend(&path),
        ..packet(anywhere)
    };
    let (mut prober, mut outcomes) = prober();
    prober.probe(asked.clone());
    let reason = outcomes.recv().await.unwrap().result.unwrap_err();
    assert!(
        reason.ends_with("app.sock: No such file or directory"),
        "{reason}"
    );
    let _listener = tokio::net::UnixListener::bind(&path).unwrap();
    asked.backend = backend(&path);
    prober.probe(asked);
    outcomes.recv().await.unwrap().result.unwrap();
}

#[tokio::test]
async fn what_passed_and_failed_is_counted_by_kind() {
    let (_listener, good) = listener().await;
    let (_socket, bad) = closed_port();
    let counts: Arc<ProbeCounts> = Arc::default();
    let (mut prober, mut outcomes) =
        Prober::new(Clock::start(None), Arc::clone(&counts), Securing::default());
    for address in [good, good, bad] {
        prober.probe(packet(address));
        outcomes.recv().await.unwrap();
    }
    let totals: Vec<ProbeTotals> = counts.totals().collect();
    assert_eq!(totals.len(), 5);
    let packets = totals.iter().find(|totals| totals.kind == "packet").unwrap();
    assert_eq!((packets.passed, packets.failed), (2, 1));
    let others = totals.iter().filter(|totals| totals.kind != "packet");
    assert_eq!(others.map(|totals| totals.passed + totals.failed).sum::<u64>(), 0);
}

#[tokio::test]
async fn a_probe_whose_task_breaks_off_is_told_of_all_the_same() {
    let (outcomes, mut received) = mpsc::channel(1);
    let (_, address) = closed_port();
    drop(Ticket {
        order: Some(packet(address)),
        outcomes,
    });
    let reason = received.recv().await.unwrap().result.unwrap_err();
    assert_eq!(reason, "its probe broke off");
}

/// A backend that wants to be told whose connection it is, and ends what begins otherwise.
async fn demanding(answer: &'static [u8]) -> (SocketAddr, mpsc::Receiver<Vec<u8>>) {
    let (listener, address) = listener().await;
    let (told, said) = mpsc::channel(1);
    tokio::spawn(async move {
        while let Ok((mut connection, _)) = listener.accept().await {
            let mut came = Vec::new();
            let header = loop {
                match portreeve_preamble::parse(&came) {
                    Ok(Some(header)) => break came[..header.length].to_vec(),
                    Ok(None) if connection.read_buf(&mut came).await.is_ok_and(|count| count > 0) => {}
                    _ => break Vec::new(),
                }
            };
            if !header.is_empty() {
                let _ = connection.write_all(answer).await;
            }
            told.send(header).await.unwrap();
        }
    });
    (address, said)
}

async fn introduced(check: Check, version: Option<u8>, address: SocketAddr) -> Result<(), String> {
    let order = ProbeOrder {
        proxy_protocol: version,
        ..order(ProbePlan::new(check), &address.to_string())
    };
    probed(order).await
}

#[tokio::test]
async fn a_probe_says_that_it_is_our_own_where_backends_want_to_be_told() {
    let v2 = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0";
    for (version, wanted) in [(1, &b"PROXY UNKNOWN\r\n"[..]), (2, v2)] {
        for check in [
            Check::Connect,
            Check::Packet,
            Check::Http(portreeve_model::plan::HttpCheck::default()),
        ] {
            let (address, mut said) = demanding(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await;
            assert_eq!(
                introduced(check.clone(), Some(version), address).await,
                Ok(()),
                "{check:?}"
            );
            assert_eq!(
                said.recv().await.unwrap(),
                wanted,
                "{check:?} of version {version}"
            );
        }
    }
}

#[tokio::test]
async fn who_wants_no_header_gets_none() {
    let (address, mut said) = demanding(b"").await;
    let check = Check::Http(portreeve_model::plan::HttpCheck::default());
    let reason = introduced(check, None, address).await.unwrap_err();
    assert!(reason.contains("GET /"), "{reason}");
    assert_eq!(said.recv().await.unwrap(), b"");
}
