//! Duty: routes by host, path, method and header decide; what they look at is forwarded as the client wrote it.

use portreeve_testkit::{Origin, Proxy, get};

const ROUTES: &str = r#"
[listener.web]
bind = "127.0.0.1:0"
[route.exact]
host = "shop.test"
path = "/cart"
pool = "exact"
[route.prefix]
host = "shop.test"
path = ["/api/*", "/v2/*"]
pool = "prefix"
[route.post]
host = "shop.test"
path = "/api/*"
method = ["POST", "PUT"]
pool = "post"
[route.beta]
host = "shop.test"
path = "/api/*"
header = { X-Beta = "1" }
pool = "beta"
[route.shop]
host = "shop.test"
pool = "shop"
[route.wild]
host = "*.shop.test"
pool = "wild"
"#;

/// One origin for each pool of `ROUTES`, and a proxy with them.
async fn shop() -> (Vec<Origin>, Proxy) {
    let (mut origins, mut toml) = (Vec::new(), ROUTES.to_owned());
    for pool in ["exact", "prefix", "post", "beta", "shop", "wild"] {
        let origin = Origin::replying(200, pool).start().await;
        toml += &format!("[pool.{pool}]\nbackends = [\"{}\"]\n", origin.address());
        origins.push(origin);
    }
    let proxy = Proxy::with(&toml).await;
    (origins, proxy)
}

#[tokio::test]
async fn the_most_specific_route_serves() {
    let (_origins, proxy) = shop().await;
    for (line, host, fields, pool) in [
        ("GET /cart", "shop.test", "", "exact"),
        ("GET /cart?a=/api/", "SHOP.test:8080", "", "exact"),
        ("GET /cart/", "shop.test", "", "shop"),
        ("GET /carts", "shop.test", "", "shop"),
        ("GET /api/x", "shop.test", "", "prefix"),
        ("GET /v2/", "shop.test", "", "prefix"),
        ("POST /api/x", "shop.test", "", "post"),
        ("PUT /api/x", "shop.test", "", "post"),
        ("post /api/x", "shop.test", "", "prefix"),
        ("GET /api/x", "shop.test", "x-beta: 1\r\n", "beta"),
        ("GET /api/x", "shop.test", "X-Beta: 2\r\n", "prefix"),
        ("GET /apix", "shop.test", "", "shop"),
        ("GET /cart", "www.shop.test", "", "wild"),
        ("GET /", "a.b.Shop.Test", "", "wild"),
    ] {
        let answer = proxy
            .answer(format!("{line} HTTP/1.1\r\nHost: {host}\r\n{fields}\r\n"))
            .await;
        assert_eq!(answer.text(), pool, "{line} {host} {fields}");
    }
}

#[tokio::test]
async fn a_path_is_matched_by_what_it_means_and_forwarded_as_it_is() {
    let (origins, proxy) = shop().await;
    for target in [
        "/%61pi/x",
        "/x/../api/x",
        "/x/%2e%2e/api/x",
        "//api/x",
        "/./api/x",
        "/../api/x",
        "/v2/../api/x?y",
    ] {
        let answer = proxy
            .answer(format!("GET {target} HTTP/1.1\r\nHost: shop.test\r\n\r\n"))
            .await;
        assert_eq!(answer.text(), "prefix", "{target}");
        let seen = origins[1].requests().await.pop().expect("it was answered");
        assert_eq!(seen.line(), format!("GET {target} HTTP/1.1"));
    }
    for target in ["/api%2Fx", "/api/../x", "/api", "/x?/api/x"] {
        let answer = proxy
            .answer(format!("GET {target} HTTP/1.1\r\nHost: shop.test\r\n\r\n"))
            .await;
        assert_eq!(answer.text(), "shop", "{target}");
    }
}

#[tokio::test]
async fn a_host_that_no_route_has_is_misdirected() {
    let (_origins, proxy) = shop().await;
    for host in ["test", "notshop.test", "shop.test.evil", "[::1]", "127.0.0.1"] {
        let answer = proxy
            .answer(format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n"))
            .await;
        assert_eq!(answer.status(), 421, "{host}");
    }
    assert_eq!(proxy.answer(get("/")).await.status(), 421);
}
