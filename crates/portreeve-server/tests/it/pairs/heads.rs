//! Methods, statuses and fields.

use super::act::{Do, Length, whole};
use super::ask::Ask;
use super::on_every_pair;

/// What the backend says of a request, in an answer of its own.
fn told(text: &str) -> String {
    format!("200\ncontent-length: {}\n{text}", text.len())
}

#[tokio::test]
async fn a_get_arrives_with_its_fields() {
    let ask = Ask::new("GET", "/a/b%20c")
        .field("x-one", "1")
        .field("accept", "text/plain")
        .field("x-two", "a")
        .field("x-two", "b, c");
    let came = on_every_pair(&[Do::Tell], async |front| {
        front.ask(ask.clone()).await.to_string()
    });
    let text = "GET /a/b%20c\naccept: text/plain\nx-one: 1\nx-two: a\nx-two: b, c\nbody: \n";
    assert_eq!(came.await, told(text));
}

#[tokio::test]
async fn methods_pass_as_they_are() {
    let came = on_every_pair(&[Do::Tell], async |front| {
        let mut came = String::new();
        for method in ["DELETE", "OPTIONS", "PROPFIND", "X-OWN"] {
            came += &front.ask(Ask::new(method, "/")).await.to_string();
        }
        came
    });
    let came = came.await;
    for method in ["DELETE", "OPTIONS", "PROPFIND", "X-OWN"] {
        assert!(came.contains(&format!("\n{method} /\nbody: \n")), "{came}");
    }
}

#[tokio::test]
async fn an_answer_to_head_has_the_length_and_no_body() {
    let acts = [
        Do::ReadBody,
        Do::Head(200, vec![("etag", "\"x\"".to_owned())], Length::Known(1_234_567)),
        Do::End,
    ];
    let came = on_every_pair(&acts, async |front| {
        front.ask(Ask::new("HEAD", "/")).await.to_string()
    });
    assert_eq!(came.await, "200\ncontent-length: 1234567\netag: \"x\"\n");
}

#[tokio::test]
async fn statuses_without_a_body_end_with_their_head() {
    for status in [204, 304] {
        let head = Do::Head(status, vec![("etag", "\"x\"".to_owned())], Length::Without);
        let acts = [Do::ReadBody, head, Do::End];
        let came = on_every_pair(&acts, async |front| {
            front.ask(Ask::new("GET", "/")).await.to_string()
        });
        assert_eq!(came.await, format!("{status}\netag: \"x\"\n"));
    }
}

#[tokio::test]
async fn early_hints_come_before_the_answer() {
    let mut acts = whole(200, "done");
    acts.insert(1, Do::Interim(103, Some(("link", "</a.css>"))));
    acts.insert(2, Do::Interim(103, Some(("link", "</b.css>"))));
    let came = on_every_pair(&acts, async |front| {
        front.ask(Ask::new("GET", "/")).await.to_string()
    });
    assert_eq!(
        came.await,
        "103 </a.css> | 103 </b.css> | 200\ncontent-length: 4\ndone"
    );
}

#[tokio::test]
async fn many_cookies_pass_both_ways() {
    let cookies: Vec<String> = (0..60).map(|at| format!("name{at}=value{at}")).collect();
    let set = cookies.iter().map(|cookie| ("set-cookie", cookie.clone()));
    let acts = [
        Do::ReadBody,
        Do::Head(200, set.collect(), Length::Known(0)),
        Do::End,
    ];
    let joined = cookies.join("; ");
    let came = on_every_pair(&acts, async |front| {
        front
            .ask(Ask::new("GET", "/").field("cookie", &joined))
            .await
            .to_string()
    });
    let lines: String = cookies
        .iter()
        .map(|cookie| format!("set-cookie: {cookie}\n"))
        .collect();
    assert_eq!(came.await, format!("200\ncontent-length: 0\n{lines}"));
    let crumbs = |ask: Ask| {
        cookies
            .iter()
            .fold(ask, |ask, cookie| ask.field("cookie", cookie))
    };
    let came = on_every_pair(&[Do::Tell], async |front| {
        front.ask(crumbs(Ask::new("GET", "/"))).await.to_string()
    });
    assert_eq!(came.await, told(&format!("GET /\ncookie: {joined}\nbody: \n")));
}

#[tokio::test]
async fn a_big_head_passes_and_one_beyond_the_limit_does_not() {
    let came = on_every_pair(&[Do::Tell], async |front| {
        let below = Ask::new("GET", "/").field("x-big", "b".repeat(28 * 1024));
        let beyond = Ask::new("GET", "/").field("x-big", "b".repeat(40 * 1024));
        let (below, beyond) = (front.ask(below).await, front.ask(beyond).await);
        assert_eq!(below.status, 200, "{}: {below}", front.pair());
        format!("{} {} {}", below.status, below.body.len(), beyond.status)
    });
    assert_eq!(came.await, "200 28693 431");
}

#[tokio::test]
async fn too_many_fields_are_refused() {
    let came = on_every_pair(&[Do::Tell], async |front| {
        let fields = (0..200).fold(Ask::new("GET", "/"), |ask, _| ask.field("x-a", "b"));
        front.ask(fields).await.status.to_string()
    });
    assert_eq!(came.await, "431");
}

#[tokio::test]
async fn a_big_head_of_an_answer_passes_and_one_beyond_the_limit_does_not() {
    for (fields, expected) in [(40, "200 40"), (80, "502 by us: response_head_too_large")] {
        let fields = vec![("x-big", "b".repeat(1_024)); fields];
        let acts = [Do::ReadBody, Do::Head(200, fields, Length::Known(0)), Do::End];
        let came = on_every_pair(&acts, async |front| {
            let got = front.ask(Ask::new("GET", "/")).await;
            if got.status != 200 {
                return got.to_string();
            }
            let big = got.fields.iter().filter(|(name, _)| name == "x-big");
            format!("200 {}", big.count())
        });
        assert_eq!(came.await, expected);
    }
}
