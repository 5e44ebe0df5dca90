//! Pools whose sizes are only thought of.

use std::thread;

use crate::scale_cli::fixture::{POOL, Request, Scaling, app, eventually};

#[test]
fn what_would_be_done_is_told_and_nothing_is_started() {
    let app = app();
    let mut scaling = Scaling::start(&format!(
        "{POOL}hold = {{ timeout = \"3s\" }}\n\
         [pool.acts.scale]\nmode = \"observe\"\ndriver = {{ process = {app} }}\nmin = 0\nmax = 5\n\
         every = \"200ms\"\n"
    ));
    let address = scaling.address;
    let waiting = thread::spawn(move || Request::get("/").send(address));

    eventually("one is wished for", || scaling.acts().size == 1);
    let explained = scaling.explained("acts");

    let said = scaling.told("another size");
    assert!(
        said.contains("from=0 to=1 rule=\"wake\" mode=\"observe\""),
        "{said}"
    );
    assert!(
        explained.starts_with("acts/default: 1 wanted, of 0 to 5; driver process, observed"),
        "{explained}"
    );
    assert!(explained.contains("* wake: "), "{explained}");
    assert_eq!(waiting.join().unwrap().status, 503);
    assert!(scaling.processes.pids().is_empty());
    let acts = scaling.acts();
    assert_eq!((&*acts.mode, acts.instances.len()), ("observe", 0));
}
