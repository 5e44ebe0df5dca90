use portreeve_testkit::{Origin, Proxy, answer, get, post};

use super::backend::{Backend, reply};
use super::before;

#[tokio::test]
async fn a_backend_of_http1_gets_no_request_and_is_named() {
    let origin = Origin::scripted(
        portreeve_testkit::Script::new()
            .read_head()
            .send(answer("400 Bad Request", "no")),
    )
    .start()
    .await;
    let proxy = Proxy::before("app.test", &[])
        .backends([format!("\"h2c://{}\"", origin.address())])
        .start()
        .await;
    let answer = proxy.answer(post("x")).await;
    assert_eq!(answer.status(), 502);
    assert!(answer.text().contains("backend_protocol"), "{}", answer.text());
}

#[tokio::test]
async fn a_backend_that_never_speaks_is_given_up_in_time() {
    let deaf = Backend::accepting(|wire, _| async move {
        tokio::time::sleep(portreeve_testkit::PATIENCE).await;
        drop(wire);
    })
    .await;
    let other = Backend::serving(|(_, respond)| async move { reply(respond, "other") }).await;
    let setup = before(&[&deaf, &other]).backend_limits("connect_timeout = \"300ms\"");
    let proxy = setup.start().await;
    for _ in 0..2 {
        assert_eq!(proxy.answer(post("x")).await.text(), "other");
    }
}

#[tokio::test]
async fn a_backend_that_refuses_connections_is_passed_over() {
    let gone = Origin::refusing();
    let other = Backend::serving(|(_, respond)| async move { reply(respond, "other") }).await;
    let setup = Proxy::before("app.test", &[]).backends([
        format!("\"h2c://{}\"", gone.address()),
        format!("\"h2c://{}\"", other.address()),
    ]);
    let proxy = setup.start().await;
    for _ in 0..2 {
        assert_eq!(proxy.answer(get("/")).await.text(), "other");
    }
}
