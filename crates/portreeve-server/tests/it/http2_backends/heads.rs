use http::{Response, StatusCode};
use portreeve_testkit::get;

use super::backend::{Backend, reply};
use super::{before, proxy};

#[tokio::test]
async fn a_request_is_said_in_http2() {
    let backend = Backend::serving(|(request, respond)| async move {
        let uri = request.uri();
        let mut seen = format!(
            "{} {} {} {}\n",
            request.method(),
            uri.scheme_str().unwrap_or_default(),
            uri.authority().map(ToString::to_string).unwrap_or_default(),
            uri.path_and_query().map(ToString::to_string).unwrap_or_default(),
        );
        for (name, value) in request.headers() {
            seen += &format!("{name}: {}\n", String::from_utf8_lossy(value.as_bytes()));
        }
        reply(respond, seen);
    })
    .await;
    let proxy = proxy(&[&backend]).await;
    let request = "DELETE /a/b?c=%20d HTTP/1.1\r\nHost: app.test:81\r\nX-Upper: Value\r\nCookie: a=1; b=2\r\n\
                   TE: trailers\r\nConnection: keep-alive, TE, X-Hop\r\nX-Hop: gone\r\nKeep-Alive: timeout=1\r\n\r\n";
    let answer = proxy.answer(request).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(
        answer.text(),
        "DELETE http app.test:81 /a/b?c=%20d\nx-upper: Value\ncookie: a=1; b=2\n\
         x-forwarded-for: 127.0.0.1\nx-forwarded-proto: http\nx-forwarded-host: app.test:81\nvia: 1.1 portreeve\n\
         te: trailers\n"
    );
}

#[tokio::test]
async fn a_response_is_told_in_http1() {
    let backend = Backend::serving(|(_, mut respond)| async move {
        let response = Response::builder()
            .status(207)
            .header("x-name", "one")
            .header("x-name", "two")
            .header("set-cookie", "a=b")
            .header("content-length", "0")
            .body(())
            .unwrap();
        respond.send_response(response, true).unwrap();
    })
    .await;
    let proxy = proxy(&[&backend]).await;
    let answer = proxy.answer(get("/")).await;
    assert_eq!(answer.line(), "HTTP/1.1 207 Multi-Status");
    assert_eq!(answer.values("x-name"), ["one", "two"]);
    assert_eq!(answer.field("content-length").as_deref(), Some("0"));
    assert_eq!(answer.values("transfer-encoding"), Vec::<String>::new());
}

#[tokio::test]
async fn answers_without_a_body_keep_the_connection() {
    let backend = Backend::serving(|(request, mut respond)| async move {
        let status = match request.uri().path() {
            "/204" => 204,
            "/304" => 304,
            _ => 200,
        };
        let mut response = Response::builder().status(status);
        if request.method() == "HEAD" {
            response = response.header("content-length", "1234");
        }
        respond.send_response(response.body(()).unwrap(), true).unwrap();
    })
    .await;
    let proxy = proxy(&[&backend]).await;
    let mut client = proxy.connect().await;
    for (target, status) in [("/204", 204), ("/304", 304), ("/", 200)] {
        client.send(get(target)).await;
        assert_eq!(client.response().await.status(), status);
    }
    client.send("HEAD / HTTP/1.1\r\nHost: app.test\r\n\r\n").await;
    let head = client.response_to_head().await;
    assert_eq!(head.field("content-length").as_deref(), Some("1234"));
    client.send(get("/")).await;
    assert_eq!(client.response().await.status(), 200);
    assert_eq!(backend.connections(), 1);
}

#[tokio::test]
async fn interim_answers_pass() {
    let backend = Backend::serving(|(_, mut respond)| async move {
        let early = Response::builder()
            .status(103)
            .header("link", "</a.css>")
            .body(())
            .unwrap();
        respond.send_informational(early).unwrap();
        reply(respond, "done");
    })
    .await;
    let proxy = proxy(&[&backend]).await;
    let mut client = proxy.connect().await;
    client.send(get("/")).await;
    let interim = String::from_utf8(client.head().await).unwrap();
    assert!(interim.starts_with("HTTP/1.1 103"), "{interim}");
    assert!(interim.contains("link: </a.css>"), "{interim}");
    assert_eq!(client.response().await.text(), "done");
}

#[tokio::test]
async fn a_head_beyond_the_limit_is_named() {
    let backend = Backend::serving(|(_, mut respond)| async move {
        let response = Response::builder()
            .header("x-big", "b".repeat(5_000))
            .body(())
            .unwrap();
        respond.send_response(response, true).unwrap();
    })
    .await;
    let setup = before(&[&backend]).backend_limits("head_bytes_max = \"4KiB\"");
    let answer = setup.start().await.answer(get("/")).await;
    assert_eq!(answer.status(), 502);
    assert!(
        answer.text().contains("response_head_too_large"),
        "{}",
        answer.text()
    );
}

#[tokio::test]
async fn a_target_that_http2_cannot_say_is_the_clients_fault() {
    let backend = Backend::serving(|(_, respond)| async move { reply(respond, "served") }).await;
    let proxy = proxy(&[&backend]).await;
    let answer = proxy.answer(get("/a<b")).await;
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST.as_u16());
    assert_eq!(proxy.answer(get("/ab")).await.text(), "served");
}
