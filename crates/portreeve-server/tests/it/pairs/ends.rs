//! Ends that are none: resets, and what is closed too early.

use bytes::Bytes;

use super::act::{Do, Length, whole};
use super::ask::{Ask, Body};
use super::bodies::converse;
use super::on_every_pair;

#[tokio::test]
async fn a_reset_before_an_answer_is_told() {
    let came = on_every_pair(&[Do::ReadBody, Do::Reset], async |front| {
        let got = front
            .ask(Ask::new("POST", "/").body(Body::Known("body".into())))
            .await;
        format!("{got}, {}", front.ended().await)
    });
    assert_eq!(
        came.await,
        "502 by us: backend_reset, recorded: 502 \"backend\" \"backend_reset\""
    );
}

#[tokio::test]
async fn a_close_without_an_answer_is_told() {
    let came = on_every_pair(&[Do::ReadBody, Do::Close], async |front| {
        let got = front
            .ask(Ask::new("POST", "/").body(Body::Known("body".into())))
            .await;
        format!("{got}, {}", front.ended().await)
    });
    assert_eq!(
        came.await,
        "502 by us: backend_closed, recorded: 502 \"backend\" \"backend_closed\""
    );
}

#[tokio::test]
async fn a_reset_in_the_middle_of_an_answer_breaks_it_off() {
    for length in [Length::Known(1_000_000), Length::Unknown] {
        let acts = begun_and_then(length, Do::Reset);
        let came = on_every_pair(&acts, async |front| {
            format!("{}, {}", converse(front).await, front.ended().await)
        });
        assert_eq!(
            came.await,
            "200 broken off, recorded: 200 \"backend\" \"truncated_response\""
        );
    }
}

#[tokio::test]
async fn a_close_in_the_middle_of_an_answer_breaks_it_off() {
    for length in [Length::Known(1_000_000), Length::Unknown] {
        let acts = begun_and_then(length, Do::Close);
        let came = on_every_pair(&acts, async |front| {
            format!("{}, {}", converse(front).await, front.ended().await)
        });
        assert_eq!(
            came.await,
            "200 broken off, recorded: 200 \"backend\" \"truncated_response\""
        );
    }
}

/// The client has the beginning of the answer when it comes to the end, as it ends its request only then.
fn begun_and_then(length: Length, end: Do) -> [Do; 4] {
    let head = Do::Head(200, Vec::new(), length);
    [head, Do::Data("first ".into()), Do::ReadBody, end]
}

#[tokio::test]
async fn a_client_that_leaves_in_the_middle_of_its_body_is_recorded_so() {
    let came = on_every_pair(&[Do::ReadBody, Do::Wait], async |front| {
        let body = Body::Part(1_000_000, Bytes::from_static(b"begun"));
        front.leave(Ask::new("POST", "/").body(body)).await;
        front.ended().await
    });
    assert_eq!(came.await, "recorded: 499 \"client\" \"client_left\"");
}

#[tokio::test]
async fn a_client_that_leaves_before_its_answer_is_recorded_so() {
    let came = on_every_pair(&[Do::ReadBody, Do::Wait], async |front| {
        front.leave(Ask::new("GET", "/")).await;
        front.ended().await
    });
    assert_eq!(came.await, "recorded: 499 \"client\" \"client_left\"");
}

#[tokio::test]
async fn requests_at_once_are_each_answered_with_their_own() {
    let came = on_every_pair(&[Do::Tell], async |front| {
        let asks: Vec<Ask> = (0..30).map(|at| Ask::new("GET", &format!("/{at}"))).collect();
        let all = front.ask_together(&asks).await;
        let right = all
            .iter()
            .enumerate()
            .filter(|(at, got)| String::from_utf8_lossy(&got.body) == format!("GET /{at}\nbody: \n"));
        right.count().to_string()
    });
    assert_eq!(came.await, "30");
}

#[tokio::test]
async fn what_nobody_serves_is_refused_alike() {
    let acts = whole(200, "served");
    let came = on_every_pair(&acts, async |front| {
        let ask = Ask::new("POST", "/").field("expect", "something else");
        front.ask(ask).await.to_string()
    });
    assert_eq!(came.await, "417 by us: expectation_failed");
}
