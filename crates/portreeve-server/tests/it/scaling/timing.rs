//! What a response says of how long its request was held.

use std::time::{Duration, Instant};

use portreeve_model::plan::InFlightPlan;
use portreeve_testkit::{Gate, Message, Origin, Script, answer, get};

use crate::scaling::asking;
use crate::scaling::plane::Plane;

/// Milliseconds that the request was held, as its response says.
fn held_ms(response: &Message) -> Option<f64> {
    let values = response.values("server-timing");
    let said = values.iter().find_map(|value| value.strip_prefix("hold;dur="))?;
    let (_, fraction) = said.split_once('.').expect("it has a decimal");
    assert_eq!(fraction.len(), 1, "{said}");
    Some(said.parse().expect("it is a number"))
}

#[tokio::test]
async fn who_was_held_for_a_wake_learns_for_how_long() {
    let mut plane = Plane::scaled();
    let began = Instant::now();
    let mut client = asking(&plane.address, get("/")).await;
    plane.until_held(1).await;
    let held = Instant::now();
    tokio::time::sleep(Duration::from_millis(60)).await;
    let atleast = held.elapsed();
    let origin = crate::scaling::echoing().await;
    plane.join("1", &origin, &[]);
    let said = held_ms(&client.response().await).expect("it was held");
    let (atleast, most) = (atleast.as_secs_f64() * 1e3, began.elapsed().as_secs_f64() * 1e3);
    assert!((atleast - 0.1..=most).contains(&said), "{atleast} {said} {most}");
    assert_eq!(
        held_ms(&plane.answer(get("/")).await),
        None,
        "who was not held learns nothing"
    );
}

#[tokio::test]
async fn who_was_held_for_room_learns_it_too() {
    let gate = Gate::new();
    let script = Script::new()
        .read_request()
        .wait(&gate)
        .send(answer("200 OK", ""));
    let mut plane = Plane::with("", |pool| pool.in_flight = InFlightPlan::AtMost(1));
    let origin = Origin::scripted(script.forever()).start().await;
    plane.join("1", &origin, &[]);
    let mut first = asking(&plane.address, get("/first")).await;
    origin.until_requests(1).await;
    let mut second = asking(&plane.address, get("/second")).await;
    plane.until_held(1).await;
    assert_eq!(plane.fleet(&[]).asked_total(), 0, "somebody is there");
    gate.open();
    assert_eq!(held_ms(&first.response().await), None);
    assert!(held_ms(&second.response().await).is_some());
    plane.until_held(0).await;
}

#[tokio::test]
async fn what_the_backend_says_of_times_stays() {
    let said = "HTTP/1.1 200 OK\r\nServer-Timing: db;dur=5\r\nContent-Length: 0\r\n\r\n";
    let early = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
    let mut plane = Plane::scaled();
    let mut client = asking(&plane.address, get("/")).await;
    plane.until_held(1).await;
    let script = Script::new().read_request().send(early).send(said);
    let origin = Origin::scripted(script.forever()).start().await;
    plane.join("1", &origin, &[]);
    let hints = client.response().await;
    assert_eq!(hints.status(), 103);
    assert!(hints.values("server-timing").is_empty(), "{hints:?}");
    let response = client.response().await;
    let values = response.values("server-timing");
    assert_eq!((values.len(), values[0].as_str()), (2, "db;dur=5"));
    assert!(held_ms(&response).is_some());
}
