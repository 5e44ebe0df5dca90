//! PROXY headers that go out.

use portreeve_testkit::{Origin, Proxy, Script, get};

use super::peers::{HAPROXY, NGINX, listening_socket};
use super::{before, start};

async fn sent(version: u8, client_says: &str) -> (Vec<u8>, u16, u16) {
    let origin = Origin::scripted(Script::new().send("hi").until_peer_leaves())
        .start()
        .await;
    let proxy = start(before(&[&origin]).pool(&format!("send_proxy_protocol = {version}"))).await;
    let mut client = proxy.connect().await;
    let port = client.local().expect("TCP").port();
    assert_eq!(
        client.read_exactly(2).await,
        b"hi",
        "the server spoke first, so it had its header"
    );
    client.send(client_says).await;
    client.shut().await;
    origin.until_peer_left(0).await;
    let received = origin.connections().await.remove(0).received;
    let to = proxy.address().to_string();
    let to = to.rsplit(':').next().expect("a port").parse().expect("a number");
    (received, port, to)
}

#[tokio::test]
async fn the_backend_is_told_in_a_line() {
    let (received, from, to) = sent(1, "question").await;
    let expected = format!("PROXY TCP4 127.0.0.1 127.0.0.1 {from} {to}\r\nquestion");
    assert_eq!(String::from_utf8_lossy(&received), expected);
}

#[tokio::test]
async fn the_backend_is_told_in_binary() {
    let (received, from, to) = sent(2, "question").await;
    let fixed = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\x7f\0\0\x01\x7f\0\0\x01";
    let expected = [&fixed[..], &from.to_be_bytes(), &to.to_be_bytes(), b"question"].concat();
    assert_eq!(received, expected);
}

#[tokio::test]
async fn what_we_were_told_is_told_on() {
    let origin = Origin::scripted(Script::new().until_peer_leaves()).start().await;
    let setup = before(&[&origin])
        .pool("send_proxy_protocol = 1")
        .listener("proxy_protocol = [\"127.0.0.0/8\"]")
        .recording("json");
    let proxy = start(setup).await;
    let line = "PROXY TCP6 2001:db8::1 2001:db8::7 56324 443\r\n";
    let mut client = proxy.connect().await;
    client.send([line, "rest"].concat()).await;
    client.shut().await;
    client.expect_closed().await;
    assert_eq!(
        origin.connections().await[0].received,
        [line, "rest"].concat().as_bytes()
    );
    let record = proxy.records(1).await.remove(0);
    assert!(
        record.contains(r#""bytes_in":4"#),
        "the header is not the client's: {record}"
    );
}

#[tokio::test]
async fn nginx_understands_us() {
    let scratch = portreeve_testkit::Scratch::new();
    let socket = scratch.file("nginx.sock");
    let folder = scratch.path().display();
    let config = format!(
        "daemon off;\nuser root;\npid {folder}/nginx.pid;\nerror_log {folder}/error.log crit;\nevents {{}}\n\
         http {{\n access_log off;\n client_body_temp_path {folder}/b;\n proxy_temp_path {folder}/p;\n\
         fastcgi_temp_path {folder}/f;\n uwsgi_temp_path {folder}/u;\n scgi_temp_path {folder}/s;\n\
         server {{\n listen unix:{} proxy_protocol;\n\
         return 200 \"$proxy_protocol_addr $proxy_protocol_port $proxy_protocol_server_port\";\n }}\n}}\n",
        socket.display(),
    );
    let Some(_nginx) = NGINX.start(scratch, &config, None) else {
        return;
    };
    NGINX.until_there(&socket).await;
    is_understood(&format!("\"unix:{}\"", socket.display())).await;
}

#[tokio::test]
async fn haproxy_understands_us() {
    let (socket, address) = listening_socket();
    let config = "defaults\n mode http\n timeout connect 5s\n timeout client 30s\n timeout server 30s\n\
        frontend in\n bind fd@0 accept-proxy\n\
        http-request return content-type text/plain lf-string \"%[src] %[src_port] %[dst_port]\"\n";
    let Some(_haproxy) = HAPROXY.on(socket, config).await else {
        return;
    };
    is_understood(&format!("\"tcp://{address}\"")).await;
}

/// Whoever is there says who asks, and where.
async fn is_understood(backend: &str) {
    for version in [1, 2] {
        let setup = before(&[])
            .backends([backend.to_owned()])
            .pool(&format!("scheme = \"tcp\"\nsend_proxy_protocol = {version}"));
        let proxy = start(setup).await;
        let mut client = portreeve_testkit::Client::connect_from([127, 0, 0, 5], &proxy.address()).await;
        let port = client.local().expect("TCP").port();
        client.send(get("/")).await;
        let to = proxy.address().to_string();
        let to = to.rsplit(':').next().expect("a port");
        assert_eq!(
            client.response().await.text(),
            format!("127.0.0.5 {port} {to}"),
            "version {version}"
        );
    }
}

#[tokio::test]
async fn an_unknown_client_is_said_to_be_unknown() {
    let origin = Origin::scripted(Script::new().until_peer_leaves()).start().await;
    let scratch = portreeve_testkit::Scratch::new();
    let bind = format!("unix:{}", scratch.file("in.sock").display());
    let proxy: Proxy = start(before(&[&origin]).pool("send_proxy_protocol = 1").on(&bind)).await;
    let mut client = proxy.connect().await;
    client.send("rest").await;
    client.shut().await;
    client.expect_closed().await;
    assert_eq!(origin.connections().await[0].received, b"PROXY UNKNOWN\r\nrest");
}
