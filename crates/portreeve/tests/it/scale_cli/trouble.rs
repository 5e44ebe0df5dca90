//! Commands and ports that cannot work.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use crate::scale_cli::fixture::{Scaling, app, command_line, eventually, throughout};

#[test]
fn pools_whose_instances_cannot_start_say_why_wait_longer_each_time_and_harm_no_other() {
    let occupied = TcpListener::bind("127.0.0.1:0").unwrap();
    let begin = Instant::now();
    let mut scaling = Scaling::start(&config(&occupied));
    eventually("the good one serves", || scaling.get("/good").status == 200);

    for (pool, trouble) in BROKEN {
        eventually(&format!("{pool} has its trouble told"), || {
            let explained = scaling.explained(pool);
            let line = explained.lines().find(|line| line.contains("last trouble"));
            line.is_some_and(|line| line.contains(trouble))
        });
    }
    throughout(Duration::from_secs(3), "the good one answers", || {
        scaling.get("/good").status == 200
    });
    let said = scaling.log();
    for (pool, _) in BROKEN {
        let starts = scaling.fleet(pool, "default").events["ordered"];
        let most = starts_most(begin.elapsed());
        assert!((2..=most).contains(&starts), "{pool}: {starts}, not to {most}");
        let log = format!("starts fail: the next one waits pool=\"{pool}\"");
        assert!(said.contains(&log), "{pool}");
    }
    assert!(said.contains("the setting is broken"), "last words");
    assert_eq!(scaling.processes.of_pool("good").len(), 1);
    assert!(scaling.processes.of_pool("deaf").len() <= 1);
}

#[test]
fn who_waits_in_vain_is_told_when_to_come_again() {
    let occupied = TcpListener::bind("127.0.0.1:0").unwrap();
    let scaling = Scaling::start(&config(&occupied));

    for (pool, _) in BROKEN {
        let begin = Instant::now();
        let answer = scaling.get(&format!("/{pool}"));
        assert!(begin.elapsed() >= HOLD, "{pool}: {:?}", begin.elapsed());
        assert_eq!(answer.status, 503, "{pool}: {answer:?}");
        let seconds: u32 = answer.field("Retry-After").parse().unwrap();
        assert!((1..=60).contains(&seconds), "{pool}: {answer:?}");
    }
}

/// One start, and another after one second, two, four, and so on.
fn starts_most(time: Duration) -> u64 {
    u64::from((time.as_secs() + 1).ilog2()) + 1
}

/// Pools with one thing wrong each, and one that is as it should be; each below a path of its name.
fn config(occupied: &TcpListener) -> String {
    let port = occupied.local_addr().unwrap().port();
    let drivers = [
        ("ghost", command_line(&["./no-such-app", "{port}"]), ""),
        ("quits", command_line(&["sh", "-c", QUITS]), ""),
        ("deaf", command_line(&["sleep", "1000"]), ""),
        ("crowded", app(), &*format!(", ports = \"{port}-{port}\"")),
        ("good", app(), ""),
    ];
    let pools = drivers.map(|(pool, command, more)| {
        format!(
            "[route.{pool}]\npath = \"/{pool}\"\npool = \"{pool}\"\n\
             [pool.{pool}]\nprobe = {{ path = \"/api/v1/_health\", every = \"500ms\" }}\n\
             hold = {{ timeout = \"{}ms\" }}\n\
             [pool.{pool}.scale]\ndriver = {{ process = {command}{more} }}\nmin = 1\nmax = 1\n\
             start_timeout = \"1s\"\nstop_timeout = \"1s\"\n",
            HOLD.as_millis()
        )
    });
    // The good one has all the time that it needs.
    let [broken @ .., good] = pools;
    let good = good.replace("start_timeout = \"1s\"", "start_timeout = \"30s\"");
    broken.concat() + &good
}

/// With a part of what is told of each.
const BROKEN: [(&str, &str); 4] = [
    ("ghost", "./no-such-app does not exist"),
    ("quits", "exited with 3"),
    ("deaf", "start_timeout"),
    ("crowded", "port"),
];
const QUITS: &str = "echo the setting is broken >&2; exit 3";
const HOLD: Duration = Duration::from_millis(500);
