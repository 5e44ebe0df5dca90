//! Where a listener sends its clients to https.

use portreeve_testkit::{Authority, Client, Origin, Proxy, Scratch, get};

/// A listener `plain` that redirects to `web`, which has TLS; both where the kernel wants them. `more` follows.
fn toml(origin: &Origin, folder: &Scratch, more: &str) -> String {
    let (certificate, key) = (folder.file("app.pem"), folder.file("app.key"));
    format!(
        "[listener.plain]\nbind = \"127.0.0.1:0\"\nredirect_to_https = \"web\"\n\
         [listener.web]\nbind = \"127.0.0.1:0\"\n\
         tls = {{ certificate = \"{}\", key = \"{}\" }}\n\
         [route.app]\npool = \"app\"\n[pool.app]\nbackends = [\"{}\"]\n{more}",
        certificate.display(),
        key.display(),
        origin.address()
    )
}

async fn place(proxy: &Proxy) -> Option<String> {
    let mut client = Client::connect(&proxy.address_of("plain")).await;
    client.send(get("/a?b=c")).await;
    client.response().await.field("location")
}

fn port(proxy: &Proxy, listener: &str) -> String {
    let address = proxy.address_of(listener).to_string();
    address.rsplit(':').next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_redirect_names_the_port_that_the_kernel_gave() {
    let (origin, folder) = (Origin::replying(200, "hi").start().await, Scratch::new());
    Authority::new("a test's own")
        .server(&["app.test"])
        .write(&folder, "app");
    let mut proxy = Proxy::with(&toml(&origin, &folder, "")).await;
    let expected = Some(format!("https://app.test:{}/a?b=c", port(&proxy, "web")));
    assert_eq!(place(&proxy).await, expected);

    let more = "[listener.more]\nbind = \"127.0.0.1:0\"\n";
    proxy.reload(&toml(&origin, &folder, more)).await.unwrap();
    assert_eq!(place(&proxy).await, expected, "the listener stayed where it was");

    let moved =
        toml(&origin, &folder, "").replace("bind = \"127.0.0.1:0\"\ntls", "bind = \"127.0.0.2:0\"\ntls");
    proxy.reload(&moved).await.unwrap();
    let expected = format!("https://app.test:{}/a?b=c", port(&proxy, "web"));
    assert_eq!(place(&proxy).await, Some(expected), "it is elsewhere now");
}
