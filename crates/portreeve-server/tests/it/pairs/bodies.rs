//! Bodies, lengths and trailers, both ways.

use bytes::Bytes;
use portreeve_testkit::PATIENCE;
use tokio::time::timeout;

use super::act::{Do, Length, whole};
use super::ask::{Ask, Body};
use super::front::{Front, Speaks, came_h1, chunk, head_h1};
use super::front_h2::{got_head, head, rest, send};
use super::got::Got;
use super::on_every_pair;

fn bytes(count: u32) -> Bytes {
    (0..count)
        .map(|at| b'a' + u8::try_from(at % 23).expect("below 23"))
        .collect()
}

fn pieces(pieces: &[&'static str]) -> Vec<Bytes> {
    pieces
        .iter()
        .map(|piece| Bytes::from_static(piece.as_bytes()))
        .collect()
}

#[tokio::test]
async fn a_post_with_a_length_arrives_with_it() {
    let ask = Ask::new("POST", "/form").body(Body::Known("what a body".into()));
    let came = on_every_pair(&[Do::Tell], async |front| {
        front.ask(ask.clone()).await.to_string()
    });
    assert_eq!(
        came.await,
        "200\ncontent-length: 56\nPOST /form\ncontent-length: 11\nbody: what a body\n".replace(
            "56",
            &"POST /form\ncontent-length: 11\nbody: what a body\n"
                .len()
                .to_string()
        )
    );
}

#[tokio::test]
async fn a_post_without_a_length_arrives_without_one() {
    let ask = Ask::new("POST", "/up").body(Body::Pieces(pieces(&["one ", "two ", "three"]), &[]));
    let came = on_every_pair(&[Do::Tell], async |front| {
        front.ask(ask.clone()).await.to_string()
    })
    .await;
    assert!(came.ends_with("\nPOST /up\nbody: one two three\n"), "{came}");
}

#[tokio::test]
async fn an_empty_post_arrives_as_one() {
    let ask = Ask::new("POST", "/").body(Body::Known(Bytes::new()));
    let came = on_every_pair(&[Do::Tell], async |front| {
        front.ask(ask.clone()).await.to_string()
    })
    .await;
    assert!(came.ends_with("\nPOST /\ncontent-length: 0\nbody: \n"), "{came}");
}

#[tokio::test]
async fn an_empty_body_without_a_length_is_one() {
    let ask = Ask::new("POST", "/").body(Body::Pieces(Vec::new(), &[]));
    let came = on_every_pair(&[Do::Echo], async |front| {
        front.ask(ask.clone()).await.to_string()
    });
    assert_eq!(came.await, "200\n");
}

#[tokio::test]
async fn a_mebibyte_goes_both_ways() {
    let body = bytes(1 << 20);
    let known = Ask::new("PUT", "/known").body(Body::Known(body.clone()));
    let unknown = Ask::new("PUT", "/unknown").body(Body::Pieces(vec![body.clone()], &[]));
    let came = on_every_pair(&[Do::Echo], async |front| {
        let known = front.ask(known.clone()).await;
        let unknown = front.ask(unknown.clone()).await;
        assert!(known.body == body, "{}: {} bytes", front.pair(), known.body.len());
        assert!(
            unknown.body == body,
            "{}: {} bytes",
            front.pair(),
            unknown.body.len()
        );
        format!("{known}\n{unknown}")
    });
    assert_eq!(came.await.matches("1048576 bytes").count(), 2);
}

#[tokio::test]
async fn trailers_go_both_ways() {
    let trailers = &[("x-sum", "294"), ("x-other", "two words")];
    let ask = Ask::new("POST", "/").body(Body::Pieces(pieces(&["abc"]), trailers));
    let came = on_every_pair(&[Do::Echo], async |front| {
        front.ask(ask.clone()).await.to_string()
    });
    assert_eq!(
        came.await,
        "200\nabc\ntrailer x-other: two words\ntrailer x-sum: 294"
    );
}

#[tokio::test]
async fn a_body_that_is_not_told_its_length_ends_with_its_trailers() {
    let acts = [
        Do::ReadBody,
        Do::Head(200, Vec::new(), Length::Unknown),
        Do::Data("one".into()),
        Do::Data("two".into()),
        Do::Trailers(&[("x-end", "told")]),
    ];
    let came = on_every_pair(&acts, async |front| {
        front.ask(Ask::new("GET", "/")).await.to_string()
    });
    assert_eq!(came.await, "200\nonetwo\ntrailer x-end: told");
}

#[tokio::test]
async fn who_waits_for_100_is_told_to_go_on() {
    let acts = [Do::Interim(100, None), Do::Tell];
    let ask = Ask::new("POST", "/").body(Body::Asked("after it".into()));
    let came = on_every_pair(&acts, async |front| front.ask(ask.clone()).await.to_string()).await;
    assert!(came.starts_with("100 - | 200\n"), "{came}");
    assert!(
        came.ends_with("\nPOST /\ncontent-length: 8\nexpect: 100-continue\nbody: after it\n"),
        "{came}"
    );
}

#[tokio::test]
async fn an_early_answer_comes_although_the_body_does_not() {
    let mut acts = whole(413, "too much");
    acts.remove(0);
    acts.push(Do::Wait);
    let ask = Ask::new("POST", "/").body(Body::Part(1_000_000, "begun".into()));
    let came = on_every_pair(&acts, async |front| front.ask(ask.clone()).await.to_string());
    assert_eq!(came.await, "413\ncontent-length: 8\ntoo much");
}

#[tokio::test]
async fn an_answer_begins_before_the_request_ends() {
    let acts = [
        Do::Head(200, Vec::new(), Length::Unknown),
        Do::Data("first ".into()),
        Do::ReadBody,
        Do::Data("last".into()),
        Do::End,
    ];
    let came = on_every_pair(&acts, async |front| converse(front).await.to_string());
    assert_eq!(came.await, "200\nfirst last");
}

/// Sends the end of a request only when the beginning of its answer is there.
pub(super) async fn converse(front: &Front<'_>) -> Got {
    let ask = Ask::new("POST", "/").body(Body::Pieces(Vec::new(), &[]));
    match front.speaks {
        Speaks::H1 => {
            let mut client = front.connect_h1().await;
            client.send(head_h1(front, &ask)).await;
            client.send(chunk(&"one".into())).await;
            let head = client.head().await;
            let first = client.read_through(b"first ").await;
            client.send(b"0\r\n\r\n").await;
            let rest = client.try_rest(&[head, first].concat()).await;
            came_h1(Got::default(), rest)
        }
        Speaks::H2 => {
            let connection = front.connect_h2().await;
            let (response, mut stream) = connection.send_head(head(front, &ask), false).await;
            send(&mut stream, "one".into(), false).await;
            let response = timeout(PATIENCE, response).await.expect("it hangs").unwrap();
            let mut got = got_head(&response);
            let mut body = response.into_body();
            while got.body.len() < 6 {
                let data = timeout(PATIENCE, body.data()).await.expect("it hangs");
                got.body.extend_from_slice(&data.unwrap().unwrap());
            }
            send(&mut stream, Bytes::new(), true).await;
            rest(got, body).await
        }
    }
}
