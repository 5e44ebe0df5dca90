//! From zero, and back.

use std::sync::{Arc, Barrier};
use std::thread;

use crate::scale_cli::fixture::{Answer, Request, Scaling, one_pool};

#[test]
fn all_who_wait_are_answered_by_the_one_that_was_woken_and_idle_ends_it() {
    let file = one_pool("min = 0\nmax = 3\nidle = \"1s\"\nevery = \"300ms\"");
    // So many at once keep an app on a busy machine from answering probes for a while.
    let scaling = Scaling::start(&file.replace(
        "every = \"500ms\", fall = 2",
        "every = \"10s\", timeout = \"10s\"",
    ));
    scaling.processes.await_count(0);

    let answers = at_once(&scaling, 250);

    let first = &answers[0].body;
    for answer in &answers {
        assert_eq!((answer.status, &answer.body), (200, first), "{answer:?}");
        assert!(answer.held_ms().is_some_and(|held| held > 0.0), "{answer:?}");
    }
    let events = scaling.acts().events;
    assert_eq!(events["ordered"], 1, "{events:?}");

    scaling.processes.await_count(0);
    assert_eq!(scaling.acts().size, 0);
}

#[test]
fn it_wakes_again_and_who_comes_later_is_not_held() {
    let scaling = Scaling::of_one_pool("min = 0\nmax = 3\nidle = \"300ms\"\nevery = \"100ms\"");
    assert!(scaling.get("/").held_ms().is_some());
    scaling.processes.await_count(0);

    let woken = scaling.get("/");
    let later = scaling.get("/");

    assert_eq!((woken.status, later.status), (200, 200));
    assert!(woken.held_ms().is_some(), "{woken:?}");
    assert_eq!(later.held_ms(), None, "{later:?}");
}

/// As many clients as that, none of which waits for another.
fn at_once(scaling: &Scaling, count: usize) -> Vec<Answer> {
    let (address, line) = (scaling.address, Arc::new(Barrier::new(count)));
    let client = |_| {
        let line = Arc::clone(&line);
        thread::spawn(move || {
            line.wait();
            Request::get("/").send(address)
        })
    };
    let clients: Vec<_> = (0..count).map(client).collect();
    clients.into_iter().map(|client| client.join().unwrap()).collect()
}
