use rustix::process::Signal;

use crate::fixture::{Connection, Portreeve};

#[test]
fn the_demo_shows_the_rotation_and_where_to_go_and_ends_on_ctrl_c() {
    let mut portreeve = Portreeve::start(["demo"]);

    let proxy = portreeve.printed("proxy");
    let answers: Vec<_> = (1..=6)
        .map(|number| portreeve.printed(&format!("GET /hello/{number}  200 OK")))
        .collect();
    let last = portreeve.printed("curl http://");

    for (answer, name) in answers.iter().zip(["one", "two"].iter().cycle()) {
        assert!(
            answer.ends_with(&format!("Hello from sample backend {name}.")),
            "{answers:#?}"
        );
    }
    let address = proxy.split("http://").nth(1).unwrap().trim_end_matches('/');
    assert!(last.contains(address), "{proxy} {last}");
    assert!(
        Connection::to(address.parse().unwrap())
            .get("/anything")
            .starts_with("Hello from sample backend one.")
    );

    portreeve.signal(Signal::INT);
    let outcome = portreeve.end();
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert_eq!(outcome.stderr, "");
}

#[test]
fn two_demos_run_side_by_side() {
    let (mut first, mut second) = (Portreeve::start(["demo"]), Portreeve::start(["demo"]));

    first.printed("Ctrl-C ends the demo.");
    second.printed("Ctrl-C ends the demo.");

    for demo in [first, second] {
        demo.signal(Signal::INT);
        assert_eq!(demo.end().code, Some(0));
    }
}
