//! Connections chosen by the host that their TLS handshake names, without a look behind it.

use std::io::Write as _;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use portreeve_testkit::{Client, Ended, Origin, Proxy, Scratch, Script};

use super::is_reset;
use super::peers::find;

/// A ClientHello of TLS 1.2 that names this host, as a record.
fn hello(host: &str) -> Vec<u8> {
    let sized = |width: usize, bytes: Vec<u8>| [&bytes.len().to_be_bytes()[8 - width..], &bytes].concat();
    let name = sized(2, [&[0][..], &sized(2, host.as_bytes().to_vec())].concat());
    let mut extensions = Vec::new();
    if !host.is_empty() {
        extensions.extend([&[0, 0][..], &sized(2, name)].concat());
    }
    let schemes = sized(2, vec![4, 3, 8, 4]);
    extensions.extend([&[0, 13][..], &sized(2, schemes)].concat());
    let body = [
        &[3, 3][..],
        &[7; 32],
        &[0],
        &sized(2, vec![0xc0, 0x2f]),
        &sized(1, vec![0]),
        &sized(2, extensions),
    ];
    let handshake = [&[1][..], &sized(3, body.concat())].concat();
    [&[22, 3, 1][..], &sized(2, handshake)].concat()
}

async fn named(name: &str) -> Origin {
    Origin::scripted(Script::new().send(name).until_peer_leaves())
        .start()
        .await
}

async fn by_host(routes: &[(&str, &str, &Origin)], limits: &str) -> Proxy {
    let mut toml = format!(
        "admin = {{ bind = \"127.0.0.1:0\" }}\n[listener.web]\nbind = \"127.0.0.1:0\"\ncarries = \"tcp\"\n{limits}\n"
    );
    for (name, host, origin) in routes {
        toml += &format!(
            "[route.{name}]\n{host}\npool = \"{name}\"\n[pool.{name}]\nbackends = [\"tcp://{}\"]\n",
            origin.address()
        );
    }
    Proxy::with(&toml).await
}

async fn heard(proxy: &Proxy, bytes: &[u8]) -> (String, Ended) {
    let mut client = proxy.connect().await;
    client.send(bytes).await;
    client.shut().await;
    let (heard, ended) = client.read_to_end().await;
    (String::from_utf8_lossy(&heard).into_owned(), ended)
}

#[tokio::test]
async fn a_host_has_its_own_backends_and_its_bytes_are_untouched() {
    let (a, sub, any) = (named("a").await, named("sub").await, named("any").await);
    let routes = [
        ("a", "host = \"a.test\"", &a),
        ("sub", "host = \"*.b.test\"", &sub),
        ("any", "", &any),
    ];
    let proxy = by_host(&routes, "").await;
    for (host, origin) in [
        ("a.test", "a"),
        ("A.Test", "a"),
        ("x.b.test", "sub"),
        ("c.test", "any"),
        ("", "any"),
    ] {
        assert_eq!(
            heard(&proxy, &hello(host)).await,
            (origin.to_owned(), Ended::Closed),
            "{host:?}"
        );
    }
    assert_eq!(
        heard(&proxy, b"SSH-2.0-x\r\n").await.0,
        "any",
        "what is no TLS names no host"
    );
    assert_eq!(a.connections().await[0].received, hello("a.test"));
}

#[tokio::test]
async fn a_hello_may_come_in_crumbs_and_in_many_records() {
    let (a, any) = (named("a").await, named("any").await);
    let proxy = by_host(&[("a", "host = \"a.test\"", &a), ("any", "", &any)], "").await;
    let mut client = proxy.connect().await;
    client
        .send_pieces(hello("a.test"), 1, Duration::from_millis(1))
        .await;
    assert_eq!(client.read_exactly(1).await, b"a");
    let whole = hello("a.test");
    let records: Vec<u8> = whole[5..]
        .chunks(10)
        .flat_map(|part| {
            [
                &[22, 3, 1, 0, u8::try_from(part.len()).expect("at most 10")],
                part,
            ]
            .concat()
        })
        .collect();
    assert_eq!(heard(&proxy, &records).await.0, "a");
    assert_eq!(a.connections().await[1].received, records);
}

#[tokio::test]
async fn whom_no_route_serves_is_reset_and_counted() {
    let a = named("a").await;
    let proxy = by_host(&[("a", "host = \"a.test\"", &a)], "").await;
    for bytes in [&hello("b.test")[..], b"GET / HTTP/1.1\r\n\r\n"] {
        assert!(is_reset(&proxy, bytes).await);
    }
    proxy
        .until_metric(
            "portreeve_requests_unrouted_total",
            &["cause=\"misdirected\""],
            |seen| seen == 2.0,
        )
        .await;
}

#[tokio::test]
async fn a_client_that_names_nothing_is_not_waited_for_for_ever() {
    let a = named("a").await;
    let limits = "limits = { head_timeout = \"200ms\" }";
    let proxy = by_host(&[("a", "host = \"a.test\"", &a)], limits).await;
    let mut silent = proxy.connect().await;
    assert_eq!(silent.read_to_end().await, (Vec::new(), Ended::Reset));
    let mut slow = proxy.connect().await;
    slow.send(&hello("a.test")[..20]).await;
    assert_eq!(slow.read_to_end().await, (Vec::new(), Ended::Reset));
    assert_eq!(a.connection_count(), 0);
}

#[tokio::test]
async fn a_policy_may_be_a_label_of_the_host() {
    let (eu, us) = (named("eu").await, named("us").await);
    let toml = format!(
        "[listener.web]\nbind = \"127.0.0.1:0\"\ncarries = \"tcp\"\n\
         [route.app]\npool = \"app\"\npolicy = {{ host_label = 1 }}\n\
         [pool.app]\nbackends = [{{ address = \"tcp://{}\", policies = [\"eu\"] }}, {{ address = \"tcp://{}\", policies = [\"us\"] }}]\n",
        eu.address(),
        us.address(),
    );
    let proxy = Proxy::with(&toml).await;
    for policy in ["eu", "us", "eu", "us"] {
        assert_eq!(heard(&proxy, &hello(&format!("{policy}.test"))).await.0, policy);
    }
    let (nothing, ended) = heard(&proxy, &hello("fr.test")).await;
    assert_eq!((nothing.as_str(), ended), ("", Ended::Reset));
}

/// OpenSSL's server, with a certificate for this host; ended with the value.
struct Secured {
    child: Child,
    port: u16,
}

impl Secured {
    fn start(host: &str, folder: &Scratch) -> Self {
        let (key, certificate) = (
            folder.file(&format!("{host}.key")),
            folder.file(&format!("{host}.pem")),
        );
        let made = Command::new("openssl")
            .args("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj".split(' '))
            .arg(format!("/CN={host}"))
            .arg("-keyout")
            .arg(&key)
            .arg("-out")
            .arg(&certificate)
            .stderr(Stdio::null())
            .status();
        assert!(made.expect("it is installed").success());
        let mut child = Command::new("openssl")
            .args(["s_server", "-accept", "127.0.0.1:0", "-rev", "-key"])
            .arg(&key)
            .arg("-cert")
            .arg(&certificate)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("it is installed");
        let said = std::io::BufReader::new(child.stdout.take().expect("it is piped"));
        let mut lines = std::io::BufRead::lines(said).map_while(Result::ok);
        let port = lines.find_map(|line| line.strip_prefix("ACCEPT ")?.rsplit(':').next()?.parse().ok());
        let port = port.expect("it says where it listens");
        // What it says further is not for us, but somebody has to take it.
        std::thread::Builder::new()
            .spawn(move || lines.for_each(drop))
            .expect("a thread");
        Self { child, port }
    }
}

impl Drop for Secured {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A handshake with the backend behind us, by OpenSSL's client, which verifies whose certificate it is.
#[tokio::test]
async fn a_handshake_is_between_client_and_backend_alone() {
    if find("openssl").is_none() {
        return;
    }
    let folder = Scratch::new();
    let (a, b) = (
        Secured::start("a.test", &folder),
        Secured::start("b.test", &folder),
    );
    let toml = format!(
        "[listener.web]\nbind = \"127.0.0.1:0\"\ncarries = \"tcp\"\n\
         [route.a]\nhost = \"a.test\"\npool = \"a\"\n[route.b]\nhost = \"b.test\"\npool = \"b\"\n\
         [pool.a]\nbackends = [\"tcp://127.0.0.1:{}\"]\n[pool.b]\nbackends = [\"tcp://127.0.0.1:{}\"]\n",
        a.port, b.port,
    );
    let proxy = Proxy::with(&toml).await;
    for host in ["a.test", "b.test"] {
        let authority = folder.file(&format!("{host}.pem"));
        let to = proxy.address().to_string();
        let talk = move || {
            let mut client = Command::new("openssl")
                .args([
                    "s_client",
                    "-quiet",
                    "-verify_return_error",
                    "-connect",
                    &to,
                    "-servername",
                    host,
                ])
                .args(["-verify_hostname", host, "-CAfile"])
                .arg(authority)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .expect("it is installed");
            let mut stdin = client.stdin.take().expect("it is piped");
            stdin.write_all(b"hello\n").expect("it reads");
            let mut line = String::new();
            let mut stdout = std::io::BufReader::new(client.stdout.take().expect("it is piped"));
            std::io::BufRead::read_line(&mut stdout, &mut line).expect("it writes");
            let _ = client.kill();
            let _ = client.wait();
            line
        };
        let line = tokio::task::spawn_blocking(talk).await.expect("it ends");
        assert_eq!(line, "olleh\n", "{host}");
    }
}

#[tokio::test]
async fn a_hello_that_is_not_over_when_the_client_is_goes_to_who_asks_no_host() {
    let (a, any) = (named("a").await, named("any").await);
    let proxy = by_host(&[("a", "host = \"a.test\"", &a), ("any", "", &any)], "").await;
    let mut client: Client = proxy.connect().await;
    client.send(&hello("a.test")[..30]).await;
    client.shut().await;
    assert_eq!(client.read_to_end().await, (b"any".to_vec(), Ended::Closed));
}

#[tokio::test]
async fn a_first_message_in_too_many_pieces_is_not_one_that_names_no_host() {
    let any = named("any").await;
    let proxy = by_host(&[("a", "host = \"a.test\"", &any), ("any", "", &any)], "").await;
    let crumbs: Vec<u8> = hello("a.test")[5..]
        .iter()
        .flat_map(|byte| [22, 3, 1, 0, 1, *byte])
        .collect();
    let mut client = proxy.connect().await;
    // 64 records, and the header of one more; the rest is never asked for.
    client.send(&crumbs[..64 * 6 + 5]).await;
    assert_eq!(client.read_to_end().await, (Vec::new(), Ended::Reset));
    let too_large = ["cause=\"head_too_large\""];
    proxy
        .until_metric("portreeve_requests_unrouted_total", &too_large, |seen| {
            seen == 1.0
        })
        .await;
    assert_eq!(any.connection_count(), 0);
}
