//! The example as it stands, but for its ports and its times.

use std::fs;
use std::thread;
use std::time::Duration;

use crate::scale_cli::fixture::{Load, Request, Scaling, app, eventually, example_folder};

/// The file of the example with shorter times.
fn hurried() -> String {
    let file = fs::read_to_string(example_folder().join("portreeve.toml")).unwrap();
    let changes = [
        (
            "[\"python3\", \"app.py\", \"--port\", \"{port}\"]".to_owned(),
            app(),
        ),
        ("127.0.0.1:8080".to_owned(), "127.0.0.1:0".to_owned()),
        ("every = \"1s\"".to_owned(), "every = \"500ms\"".to_owned()),
        ("every = \"2s\"".to_owned(), "every = \"300ms\"".to_owned()),
        ("within = \"120s\"".to_owned(), "within = \"6s\"".to_owned()),
        (
            "stabilisation = \"10s\"".to_owned(),
            "stabilisation = \"1s\"".to_owned(),
        ),
    ];
    changes.iter().fold(file, |file, (from, to)| {
        assert!(file.contains(from), "the example has no {from} any more");
        file.replace(from, to)
    })
}

#[test]
fn it_grows_with_its_load_is_replaced_after_a_crash_and_shrinks() {
    let scaling = Scaling::start(&hurried());
    scaling.await_serving(1);

    burst(&scaling, 50);
    eventually("there is one for each twenty requests, and one", || {
        scaling.acts().size == 3
    });
    let decision = scaling.acts().decision.unwrap();
    assert_eq!(decision.rule.as_deref(), Some("steps"), "{decision:?}");

    let load = Load::start(scaling.address, 1, Duration::from_millis(150));
    eventually("two serve", || scaling.acts().instances_by_state["serving"] >= 2);
    let before = scaling.processes.pids();
    assert_eq!(Request::post("/api/v1/_crash").send(scaling.address).status, 200);
    eventually("the one that crashed is gone, and another is there", || {
        let now = scaling.processes.pids();
        !before.is_subset(&now) && !now.is_subset(&before)
    });
    load.ends_without_a_failure();
    let events = scaling.acts().events;
    assert!(events.get("hung") == Some(&1), "{events:?}");

    scaling.await_serving(1);
    let acts = scaling.acts();
    assert!(acts.raised > 0 && acts.lowered > 0, "{acts:?}");
}

#[test]
fn its_counts_are_those_of_the_classical_interface() {
    let scaling = Scaling::start(&hurried());
    scaling.await_serving(1);
    let counted = || scaling.get("/api/v1/_count").body;

    assert!(scaling.get("/").body.starts_with("hello from acts-"));
    assert!(scaling.get("/a?b=c").body.starts_with("hello from acts-"));

    assert_eq!(counted(), "[2]");
    assert_eq!(scaling.get("/api/v1/_health").body, "{}");
}

/// So many requests from five clients, as fast as they are answered.
fn burst(scaling: &Scaling, count: usize) {
    let address = scaling.address;
    let client = |_| {
        thread::spawn(move || {
            for _ in 0..count / 5 {
                assert_eq!(Request::get("/").send(address).status, 200);
            }
        })
    };
    let clients: Vec<_> = (0..5).map(client).collect();
    clients.into_iter().for_each(|client| client.join().unwrap());
}
