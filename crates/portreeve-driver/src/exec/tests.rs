use std::fs;
use std::time::{Duration, Instant};

use rustix::process::{Pid, test_kill_process};

use super::*;
use crate::Secret;
use crate::testing::{Scratch, until};

/// Hooks that keep the instances as files of a folder.
fn hooks(scratch: &Scratch) -> ExecPlan {
    let folder = scratch.path().display();
    ExecPlan {
        start: shell(&format!(
            "cd {folder}; echo booting; echo 127.0.0.1:{{port}} | tee vm-$PORTREEVE_ID; env >started"
        )),
        stop: shell(&format!("cd {folder}; rm vm-{{id}} && env >stopped")),
        list: shell(&format!(
            "cd {folder}; echo >>looks; for f in vm-*; do test -e $f && echo ${{f#vm-}} $(cat $f); done; env >listed"
        )),
        timeout: Duration::from_secs(10),
    }
}

fn shell(text: &str) -> Vec<String> {
    ["sh", "-c", text].map(str::to_owned).to_vec()
}

fn driver(scratch: &Scratch, plan: ExecPlan) -> ExecDriver {
    ExecDriver::new("api".into(), "eu".into(), plan, scratch.path()).unwrap()
}

fn order(id: &str) -> Order {
    Order {
        id: id.into(),
        pool: "api".into(),
        fleet: "eu".into(),
        port: Some(8100),
        env: vec![("PORTREEVE_DOOR".to_owned(), "127.0.0.1:9".to_owned())],
        token: Secret::new("ptv_1_secret"),
    }
}

fn instance(id: &str) -> Found {
    Found {
        id: id.into(),
        handle: id.to_owned(),
        address: Some("127.0.0.1:8100".parse().unwrap()),
        state: FoundState::Running,
        age: None,
    }
}

/// What a hook found in its environment of ours.
fn told(scratch: &Scratch, hook: &str) -> Vec<String> {
    let text = fs::read_to_string(scratch.path().join(hook)).unwrap();
    let mut lines: Vec<String> = text
        .lines()
        .filter(|line| line.starts_with("PORTREEVE_"))
        .map(str::to_owned)
        .collect();
    lines.sort();
    lines
}

#[tokio::test]
async fn hooks_start_list_and_stop_and_are_told_what_they_need() {
    let scratch = Scratch::new();
    let driver = driver(&scratch, hooks(&scratch));

    let started = driver.start(&order("vm1")).await.unwrap();
    assert_eq!(started.handle, "vm1");
    assert_eq!(started.address, instance("vm1").address);
    assert_eq!(driver.list().await, Ok(vec![instance("vm1")]));
    driver.stop(&instance("vm1"), Stop::Ask).await.unwrap();
    assert_eq!(driver.list().await, Ok(Vec::new()));

    assert_eq!(
        told(&scratch, "started"),
        [
            "PORTREEVE_DOOR=127.0.0.1:9",
            "PORTREEVE_FLEET=eu",
            "PORTREEVE_ID=vm1",
            "PORTREEVE_POOL=api",
            "PORTREEVE_PORT=8100",
            "PORTREEVE_TOKEN=ptv_1_secret",
        ]
    );
    assert_eq!(
        told(&scratch, "stopped"),
        [
            "PORTREEVE_ADDRESS=127.0.0.1:8100",
            "PORTREEVE_FLEET=eu",
            "PORTREEVE_ID=vm1",
            "PORTREEVE_POOL=api",
            "PORTREEVE_STOP=ask",
        ]
    );
    assert_eq!(
        told(&scratch, "listed"),
        ["PORTREEVE_FLEET=eu", "PORTREEVE_POOL=api"]
    );
}

#[tokio::test]
async fn one_that_is_not_there_any_more_need_not_be_stopped() {
    let scratch = Scratch::new();
    let driver = driver(&scratch, hooks(&scratch));
    assert_eq!(driver.stop(&instance("vm1"), Stop::Kill).await, Ok(()));

    driver.start(&order("vm1")).await.unwrap();
    let mut plan = hooks(&scratch);
    plan.stop = shell("echo no rights >&2; exit 4");
    let weak = self::driver(&scratch, plan);
    let fault = weak.stop(&instance("vm1"), Stop::Kill).await.unwrap_err();
    assert_eq!(
        fault.to_string(),
        "the hook `stop` failed: it exited with 4: no rights"
    );
}

#[tokio::test]
async fn a_failed_start_says_why_without_the_token_and_is_cleaned_up() {
    let scratch = Scratch::new();
    let mut plan = hooks(&scratch);
    plan.start = shell(&format!(
        "touch {}/vm-vm1; echo token $PORTREEVE_TOKEN refused >&2; echo quota >&2; exit 3",
        scratch.path().display()
    ));
    let driver = driver(&scratch, plan);

    let fault = driver.start(&order("vm1")).await.unwrap_err();

    assert_eq!(
        fault.to_string(),
        "the hook `start` failed: it exited with 3: token … refused\nquota"
    );
    assert_eq!(driver.list().await, Ok(Vec::new()));
    assert!(told(&scratch, "stopped").contains(&"PORTREEVE_STOP=kill".to_owned()));
    assert!(!format!("{driver:?}").contains("ptv_1_secret"));
}

#[tokio::test]
async fn a_hook_that_takes_too_long_is_killed_with_all_that_it_began() {
    let scratch = Scratch::new();
    let mut plan = hooks(&scratch);
    let file = scratch.path().join("child");
    plan.list = shell(&format!(
        "sleep 60 & echo $! >{0}.new; mv {0}.new {0}; wait",
        file.display()
    ));
    plan.timeout = Duration::from_millis(500);
    let driver = driver(&scratch, plan);

    let fault = driver.list().await.unwrap_err();

    assert_eq!(fault.to_string(), "the hook `list` took longer than 500ms");
    let child = fs::read_to_string(file).unwrap();
    let child = Pid::from_raw(child.trim().parse().unwrap()).unwrap();
    until("its end", || is_over(child).then_some(())).await;
}

fn is_over(pid: Pid) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"));
    test_kill_process(pid).is_err() || stat.is_ok_and(|stat| stat.contains(") Z "))
}

#[tokio::test]
async fn what_a_start_leaves_running_goes_on_and_is_not_waited_for() {
    let scratch = Scratch::new();
    let mut plan = hooks(&scratch);
    let file = scratch.path().join("child");
    plan.start = shell(&format!("sleep 5 & echo $! >{}", file.display()));
    plan.timeout = Duration::from_secs(4);
    let driver = driver(&scratch, plan);

    let started = driver.start(&order("vm1")).await.unwrap();

    assert_eq!(started.address, None);
    let child = fs::read_to_string(file).unwrap();
    let child = Pid::from_raw(child.trim().parse().unwrap()).unwrap();
    assert!(!is_over(child));
    rustix::process::kill_process(child, rustix::process::Signal::KILL).unwrap();
}

#[tokio::test]
async fn what_a_start_that_failed_leaves_running_is_killed() {
    let scratch = Scratch::new();
    let mut plan = hooks(&scratch);
    let file = scratch.path().join("child");
    plan.start = shell(&format!("sleep 60 & echo $! >{}; exit 1", file.display()));
    let driver = driver(&scratch, plan);

    assert_eq!(driver.start(&order("vm1")).await.unwrap_err().code(), "failed");

    let child = fs::read_to_string(file).unwrap();
    let child = Pid::from_raw(child.trim().parse().unwrap()).unwrap();
    until("its end", || is_over(child).then_some(())).await;
}

#[tokio::test]
async fn a_list_without_end_is_refused_and_its_hook_killed() {
    let scratch = Scratch::new();
    for endless in ["yes", "exec yes >&2"] {
        let mut plan = hooks(&scratch);
        plan.list = shell(endless);
        plan.timeout = Duration::from_secs(2);
        let fault = driver(&scratch, plan).list().await.unwrap_err();
        let text = fault.to_string();
        assert!(
            text.contains("more than 1048576 bytes") || text.contains("took longer"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn a_list_that_makes_no_sense_is_a_fault_and_not_an_empty_list() {
    let scratch = Scratch::new();
    let mut plan = hooks(&scratch);
    plan.list = shell("echo vm1; echo Connection refused");
    let fault = driver(&scratch, plan).list().await.unwrap_err();
    assert_eq!(fault.code(), "failed");
    assert!(
        fault
            .to_string()
            .contains("line 2 of what it prints is `Connection refused`"),
        "{fault}"
    );
}

#[tokio::test]
async fn a_hook_that_does_not_exist_is_named() {
    let scratch = Scratch::new();
    let mut plan = hooks(&scratch);
    plan.start = vec!["no-such-hook".to_owned()];
    let fault = driver(&scratch, plan).start(&order("vm1")).await.unwrap_err();
    assert_eq!(fault.code(), "not_found");
    assert!(fault.to_string().contains("no-such-hook"), "{fault}");
    assert!(!scratch.path().join("stopped").exists());
}

#[tokio::test]
async fn a_long_complaint_is_shortened_to_its_end() {
    let scratch = Scratch::new();
    let mut plan = hooks(&scratch);
    plan.list = shell("seq 100000 >&2; exit 1");
    let DriverFault::Failed { reason, .. } = driver(&scratch, plan).list().await.unwrap_err() else {
        panic!("it fails");
    };
    assert!(
        reason.len() <= 1_024 && reason.ends_with("99999\n100000"),
        "{reason}"
    );
}

#[tokio::test]
async fn the_end_of_many_is_seen_by_one_look() {
    let scratch = Scratch::new();
    let driver = Arc::new(driver(&scratch, hooks(&scratch)));
    for number in 0..5 {
        driver.start(&order(&format!("vm{number}"))).await.unwrap();
    }
    let waits: Vec<_> = (0..5)
        .map(|number| {
            let driver = driver.clone();
            tokio::spawn(async move { driver.ended(&instance(&format!("vm{number}"))).await })
        })
        .collect();
    let looks = || fs::read_to_string(scratch.path().join("looks")).map_or(0, |text| text.len());
    until("a look", || (looks() > 0).then_some(())).await;
    let begun = Instant::now();
    for number in 0..5 {
        fs::remove_file(scratch.path().join(format!("vm-vm{number}"))).unwrap();
    }

    for wait in waits {
        let ended = tokio::time::timeout(Duration::from_secs(10), wait)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(ended.how, "`list` does not name it any more");
    }
    let looks = looks() as u64;
    assert!(looks <= 2 + begun.elapsed().as_secs(), "{looks} looks");
}

#[tokio::test]
async fn of_two_drivers_one_leads() {
    let scratch = Scratch::new();
    let (one, other) = (
        driver(&scratch, hooks(&scratch)),
        driver(&scratch, hooks(&scratch)),
    );
    assert_eq!(one.lead("one").await, Ok(Leadership::Ours));
    assert_eq!(
        other.lead("other").await,
        Ok(Leadership::Theirs("one".to_owned()))
    );
    one.resign("one").await;
    assert_eq!(other.lead("other").await, Ok(Leadership::Ours));
    assert_eq!(other.usage(&[instance("vm1")]).await, [Usage::default()]);
}
