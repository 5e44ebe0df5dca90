use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use rustix::process::Pid;

use super::procfs::Stat;
use super::*;
use crate::testing::{Log, Scratch, until};
use crate::{FoundState, Secret};

mod death;
mod limits;

/// Some commands of a shell.
fn script(text: &str) -> ProcessPlan {
    plan(&["sh", "-c", text])
}

fn plan(command: &[&str]) -> ProcessPlan {
    ProcessPlan {
        command: command.iter().map(ToString::to_string).collect(),
        env: Vec::new(),
        folder: None,
        ports: None,
        host: [127, 0, 0, 1].into(),
    }
}

fn driver(scratch: &Scratch, plan: ProcessPlan) -> ProcessDriver {
    ProcessDriver::new("api".into(), "default".into(), plan, scratch.path()).unwrap()
}

fn order(id: &str) -> Order {
    Order {
        id: id.into(),
        pool: "api".into(),
        fleet: "default".into(),
        port: None,
        env: vec![("PORTREEVE_DOOR".to_owned(), "127.0.0.1:9".to_owned())],
        token: Secret::new("ptv_1_secret"),
    }
}

fn running(id: &str, started: &Started) -> Found {
    Found {
        id: id.into(),
        handle: started.handle.clone(),
        address: started.address,
        state: FoundState::Running,
        age: None,
    }
}

async fn start(driver: &ProcessDriver, id: &str) -> Found {
    running(id, &driver.start(&order(id)).await.unwrap())
}

/// Kills it and waits for its end.
async fn kill(driver: &ProcessDriver, instance: &Found) -> Ended {
    driver.stop(instance, Stop::Kill).await.unwrap();
    ended(driver, instance).await
}

async fn ended(driver: &ProcessDriver, instance: &Found) -> Ended {
    timeout(Duration::from_secs(10), driver.ended(instance))
        .await
        .expect("it ends")
}

/// How a script ended.
async fn end_of(text: &str) -> Ended {
    let scratch = Scratch::new();
    let driver = driver(&scratch, script(text));
    let instance = start(&driver, "short").await;
    ended(&driver, &instance).await
}

fn pid(instance: &Found) -> Pid {
    Birth::parse(&instance.handle).unwrap().pid
}

fn runs(pid: Pid) -> bool {
    Stat::read(pid).is_some_and(|stat| stat.is_alive())
}

fn files(scratch: &Scratch) -> Vec<PathBuf> {
    let entries = fs::read_dir(scratch.path().join("instances")).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

/// The process whose number a script writes into this file.
async fn written_pid(path: &Path) -> Pid {
    until("a number", || {
        procfs::pid(fs::read_to_string(path).ok()?.strip_suffix('\n')?)
    })
    .await
}

#[tokio::test]
async fn it_is_told_who_it_is_and_what_it_writes_is_logged() {
    let log = Log::captured();
    let scratch = Scratch::new();
    let mut plan = script(
        "echo $PORTREEVE_ID $PORTREEVE_POOL $PORTREEVE_FLEET; echo $PORTREEVE_PORT $PORT {port} $K; \
         echo $PORTREEVE_DOOR ${NOTIFY_SOCKET-none} $#; echo $PORTREEVE_TOKEN >token; pwd >&2; exec sleep 60",
    );
    plan.env = vec![("K".to_owned(), "{id}@{pool}:{port}{x}".to_owned())];
    plan.folder = Some(scratch.path().to_owned());
    let driver = driver(&scratch, plan);

    let instance = start(&driver, "told-1").await;

    let port = instance.address.unwrap().port();
    let lines = until("four lines", || {
        Some(log.lines("told-1")).filter(|lines| lines.len() == 4)
    })
    .await;
    let folder = scratch.path().display().to_string();
    assert_eq!(
        lines,
        [
            "told-1 api default".to_owned(),
            format!("{port} {port} {port} told-1@api:{port}{{x}}"),
            "127.0.0.1:9 none 0".to_owned(),
            folder,
        ]
    );
    let token = fs::read_to_string(scratch.path().join("token")).unwrap();
    assert_eq!(token, "ptv_1_secret\n");
    assert!(!log.holds("ptv_1_secret") && !format!("{driver:?}").contains("ptv_1_secret"));
    kill(&driver, &instance).await;
    assert_eq!(files(&scratch), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn it_is_listed_while_it_runs() {
    let scratch = Scratch::new();
    let driver = driver(&scratch, script("exec sleep 60"));
    let instance = start(&driver, "listed").await;

    let listed = driver.list().await.unwrap();
    assert_eq!(listed.len(), 1);
    assert!(listed[0].age.unwrap() < Duration::from_secs(10));
    assert_eq!(
        Found {
            age: None,
            ..listed[0].clone()
        },
        instance
    );

    kill(&driver, &instance).await;
    assert_eq!(driver.list().await, Ok(Vec::new()));
}

#[tokio::test]
async fn one_that_was_asked_to_end_is_on_its_way_out() {
    let scratch = Scratch::new();
    let driver = driver(
        &scratch,
        script("trap '' TERM; echo up; for i in $(seq 200); do sleep 0.05; done"),
    );
    let log = Log::captured();
    let instance = start(&driver, "deaf").await;
    until("its trap", || log.lines("deaf").pop()).await;

    driver.stop(&instance, Stop::Ask).await.unwrap();
    assert_eq!(driver.list().await.unwrap()[0].state, FoundState::Ending);

    let ended = kill(&driver, &instance).await;
    assert_eq!(ended.how, "killed by signal 9 (SIGKILL)");
}

#[tokio::test]
async fn a_second_of_the_same_id_is_refused() {
    let scratch = Scratch::new();
    let driver = driver(&scratch, script("exec sleep 60"));
    let instance = start(&driver, "twin").await;
    let fault = driver.start(&order("twin")).await.unwrap_err();
    assert!(fault.to_string().contains("there is one of this id"), "{fault}");
    assert!(runs(pid(&instance)));
    let fault = driver.start(&order("../etc")).await.unwrap_err();
    assert_eq!(fault.code(), "failed");
    kill(&driver, &instance).await;
}

#[tokio::test]
async fn each_gets_a_port_of_the_range_that_is_free_and_the_next_gets_none() {
    let scratch = Scratch::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = listener.local_addr().unwrap().port();
    let mut plan = script("exec sleep 60");
    plan.ports = Some((taken, taken));
    let full = driver(&scratch, plan.clone());

    let fault = full.start(&order("none")).await.unwrap_err();
    assert_eq!(fault.code(), "no_port");
    assert!(fault.to_string().contains(&taken.to_string()), "{fault}");

    drop(listener);
    let instance = start(&full, "one").await;
    assert_eq!(instance.address.unwrap().port(), taken);
    assert_eq!(full.start(&order("two")).await.unwrap_err().code(), "no_port");

    kill(&full, &instance).await;
    let again = Order {
        port: Some(taken),
        ..order("three")
    };
    let again = running("three", &full.start(&again).await.unwrap());
    assert_eq!(again.address.unwrap().port(), taken);
    kill(&full, &again).await;
}

#[tokio::test]
async fn its_end_is_told_in_words_with_what_it_said_last() {
    let end = end_of("echo a; echo b >&2; exit 0").await;
    assert_eq!((&*end.how, &*end.last_words), ("exited with 0", "a\nb"));
    let end = end_of("printf 'cannot bind'; exit 98").await;
    assert_eq!((&*end.how, &*end.last_words), ("exited with 98", "cannot bind"));
    assert_eq!(end_of("kill -SEGV $$").await.how, "killed by signal 11 (SIGSEGV)");
    assert_eq!(
        end_of("kill -KILL $$").await.how,
        "killed by signal 9 (SIGKILL), not by us: perhaps out of memory"
    );
}

#[tokio::test]
async fn one_that_ended_before_anybody_asked_is_no_zombie_and_says_how() {
    let scratch = Scratch::new();
    let driver = driver(&scratch, script("exit 7"));
    let instance = start(&driver, "quick").await;
    until("its end", || Stat::read(pid(&instance)).is_none().then_some(())).await;
    assert_eq!(ended(&driver, &instance).await.how, "exited with 7");
    assert_eq!(ended(&driver, &instance).await.how, "exited with 7");
    assert!(driver.stop(&instance, Stop::Kill).await.is_ok());
}

#[tokio::test]
async fn the_whole_group_is_asked_to_end() {
    let scratch = Scratch::new();
    let file = scratch.path().join("child");
    let text = format!("sleep 60 & echo $! >{}; wait", file.display());
    let driver = driver(&scratch, script(&text));
    let instance = start(&driver, "asked").await;
    let child = written_pid(&file).await;

    driver.stop(&instance, Stop::Ask).await.unwrap();

    let ended = ended(&driver, &instance).await;
    assert_eq!(ended.how, "killed by signal 15 (SIGTERM)");
    assert!(!runs(child));
}

#[tokio::test]
async fn one_that_is_stopped_by_a_signal_goes_on_to_obey() {
    let scratch = Scratch::new();
    let driver = driver(&scratch, script("exec sleep 60"));
    let instance = start(&driver, "frozen").await;
    Birth::parse(&instance.handle)
        .unwrap()
        .signal_group(Signal::STOP)
        .unwrap();
    driver.stop(&instance, Stop::Ask).await.unwrap();
    assert_eq!(
        ended(&driver, &instance).await.how,
        "killed by signal 15 (SIGTERM)"
    );
}

#[tokio::test]
async fn one_that_joined_another_group_is_stopped_nevertheless() {
    let scratch = Scratch::new();
    let text = "import os, subprocess, time\n\
                other = subprocess.Popen(['sleep', '60'], process_group=0)\n\
                os.setpgid(0, other.pid); print('joined', flush=True); time.sleep(60)";
    let driver = driver(&scratch, plan(&["python3", "-c", text]));
    let log = Log::captured();
    let instance = start(&driver, "joiner").await;
    let said = until("its new group", || log.lines("joiner").pop()).await;
    assert_eq!(said, "joined");

    driver.stop(&instance, Stop::Ask).await.unwrap();
    assert_eq!(
        ended(&driver, &instance).await.how,
        "killed by signal 15 (SIGTERM)"
    );
}

#[tokio::test]
async fn what_it_leaves_behind_dies_with_it_wherever_it_went() {
    let scratch = Scratch::new();
    let (near, far) = (scratch.path().join("near"), scratch.path().join("far"));
    let text = format!(
        "sleep 60 & echo $! >{}; setsid sh -c 'echo $$ >{}; exec sleep 60' & until test -s {1}; do sleep 0.01; done; exit 3",
        near.display(),
        far.display()
    );
    let driver = driver(&scratch, script(&text));
    let instance = start(&driver, "messy").await;

    assert_eq!(ended(&driver, &instance).await.how, "exited with 3");

    let (near, far) = (written_pid(&near).await, written_pid(&far).await);
    assert!(!runs(near));
    until("the end of the far one", || (!runs(far)).then_some(())).await;
    assert_eq!(driver.list().await, Ok(Vec::new()));
}

#[tokio::test]
async fn a_driver_that_comes_after_another_adopts_and_reads_on() {
    let log = Log::captured();
    let scratch = Scratch::new();
    let text = "i=0; while test $i -lt 2000; do echo line $i; i=$((i+1)); sleep 0.01; done";
    let first = driver(&scratch, script(text));
    let instance = start(&first, "heir").await;
    until("three lines", || log.lines("heir").get(2).cloned()).await;
    drop(first);

    let second = driver(&scratch, script(text));
    let listed = second.list().await.unwrap();
    assert_eq!(
        Found {
            age: None,
            ..listed[0].clone()
        },
        instance
    );
    assert_eq!(listed.len(), 1);
    let before = log.lines("heir").len();
    until("twenty lines more", || {
        log.lines("heir").get(before + 20).cloned()
    })
    .await;

    let ended = kill(&second, &instance).await;
    assert_eq!(ended.how, "killed by signal 9 (SIGKILL)");
    let lines = log.lines("heir");
    let expected: Vec<String> = (0..lines.len()).map(|number| format!("line {number}")).collect();
    assert_eq!(lines, expected);
    assert!(ended.last_words.ends_with(lines.last().unwrap()));
}

#[tokio::test]
async fn one_whose_driver_is_gone_is_no_zombie_when_it_ends() {
    let scratch = Scratch::new();
    let driver = driver(&scratch, script("sleep 0.2"));
    let instance = start(&driver, "orphan").await;
    drop(driver);
    until("that it is waited for", || {
        Stat::read(pid(&instance)).is_none().then_some(())
    })
    .await;
}

#[tokio::test]
async fn those_of_other_fleets_and_folders_are_not_ours() {
    let (scratch, other) = (Scratch::new(), Scratch::new());
    let own = driver(&scratch, script("exec sleep 60"));
    let instance = start(&own, "mine").await;

    let fleet = ProcessDriver::new("api".into(), "eu".into(), script(""), scratch.path()).unwrap();
    let pool = ProcessDriver::new("web".into(), "default".into(), script(""), scratch.path()).unwrap();
    let state = driver(&other, script(""));
    for driver in [&fleet, &pool, &state] {
        assert_eq!(driver.list().await, Ok(Vec::new()));
        driver.stop(&instance, Stop::Kill).await.unwrap();
        assert_eq!(ended(driver, &instance).await, watch::unknown());
    }

    assert!(runs(pid(&instance)));
    kill(&own, &instance).await;
}

#[tokio::test]
async fn another_process_that_got_the_number_is_not_stopped() {
    let scratch = Scratch::new();
    let driver = driver(&scratch, script("exec sleep 60"));
    let instance = start(&driver, "reused").await;
    let birth = Birth::parse(&instance.handle).unwrap();
    let before = Birth {
        start: birth.start - 1,
        ..birth
    };
    let former = Found {
        handle: before.to_string(),
        ..instance.clone()
    };

    driver.stop(&former, Stop::Kill).await.unwrap();
    assert_eq!(ended(&driver, &former).await, watch::unknown());
    assert!(runs(birth.pid));

    let nonsense = Found {
        handle: "nonsense".to_owned(),
        ..instance.clone()
    };
    driver.stop(&nonsense, Stop::Kill).await.unwrap();
    assert!(runs(birth.pid));
    kill(&driver, &instance).await;
}

#[tokio::test]
async fn one_that_writes_over_its_environment_is_known_by_its_note() {
    let scratch = Scratch::new();
    let driver = driver(&scratch, script("exec sleep 60"));
    let instance = start(&driver, "noted").await;
    let shared = driver.shared.clone();
    let notes = note::Note::all(&shared.folder, &shared.whose);
    assert_eq!(notes.len(), 1);

    let other = Whose {
        keeper: "not-its-keeper".to_owned(),
        ..shared.whose.clone()
    };
    let folder = Folder::open(scratch.path()).unwrap();
    let blind = Arc::new(Shared::new(other, script(""), folder));
    let listed = find::list(&blind).unwrap();
    assert_eq!(
        Found {
            age: None,
            ..listed[0].clone()
        },
        instance
    );
    kill(&driver, &instance).await;
}

#[tokio::test]
async fn one_without_its_note_is_known_by_its_marks() {
    let scratch = Scratch::new();
    let first = driver(&scratch, script("sleep 61 & setsid sleep 60 & exec sleep 60"));
    let instance = start(&first, "marked").await;
    fs::remove_file(scratch.path().join("instances/marked.run")).unwrap();
    drop(first);

    let second = driver(&scratch, script(""));
    let listed = second.list().await.unwrap();
    assert_eq!(listed.len(), 1, "{listed:?}");
    assert_eq!(
        Found {
            age: None,
            ..listed[0].clone()
        },
        instance
    );
    kill(&second, &instance).await;
}

#[tokio::test]
async fn it_is_said_what_they_use() {
    let scratch = Scratch::new();
    let driver = driver(&scratch, script("(ulimit -t 20; while :; do :; done) & wait"));
    let busy = start(&driver, "busy").await;
    let gone = Found {
        handle: "1:1".to_owned(),
        ..busy.clone()
    };

    let mut usage = driver.usage(std::slice::from_ref(&busy)).await;
    while usage[0].cpu_total < Some(Duration::from_millis(100)) {
        assert!(usage[0].uptime < Some(Duration::from_secs(20)), "{usage:?}");
        usage = driver.usage(&[busy.clone(), gone.clone()]).await;
    }

    assert_eq!(usage.len(), 2);
    assert!(usage[0].memory_bytes > Some(100_000), "{usage:?}");
    assert_eq!(usage[1], Usage::default());
    kill(&driver, &busy).await;
}

#[tokio::test]
async fn of_two_drivers_one_leads() {
    let scratch = Scratch::new();
    let (one, other) = (driver(&scratch, script("")), driver(&scratch, script("")));
    assert_eq!(one.lead("one").await, Ok(Leadership::Ours));
    assert_eq!(
        other.lead("other").await,
        Ok(Leadership::Theirs("one".to_owned()))
    );
    one.resign("one").await;
    assert_eq!(other.lead("other").await, Ok(Leadership::Ours));
}

/// The refusal of a start, after which nothing may be left.
async fn refusal(plan: ProcessPlan) -> DriverFault {
    let scratch = Scratch::new();
    let driver = driver(&scratch, plan);
    let fault = driver.start(&order("never")).await.unwrap_err();
    assert_eq!(files(&scratch), Vec::<PathBuf>::new());
    assert_eq!(driver.list().await, Ok(Vec::new()));
    fault
}

#[tokio::test]
async fn a_command_that_does_not_exist_is_named_and_nothing_stays() {
    let fault = refusal(plan(&["no-such-program", "--port"])).await;
    assert_eq!(fault.code(), "not_found");
    assert!(fault.to_string().contains("no-such-program"), "{fault}");
    let fault = refusal(plan(&["./no-such-program"])).await;
    assert!(fault.to_string().contains("no such file"), "{fault}");
    assert_eq!(refusal(plan(&[])).await.code(), "not_found");
    let nul = ["sh", "a\0b"];
    assert_eq!(refusal(plan(&nul)).await.code(), "failed");
}

#[tokio::test]
async fn a_folder_that_does_not_exist_is_named() {
    let mut plan = script("exit 0");
    plan.folder = Some("/no/such/folder".into());
    let fault = refusal(plan).await;
    assert_eq!(fault.code(), "not_found");
    assert!(
        fault.to_string().contains("the folder /no/such/folder"),
        "{fault}"
    );
}

#[tokio::test]
async fn what_may_not_be_executed_is_denied() {
    let scratch = Scratch::new();
    let path = scratch.path().join("program");
    fs::write(&path, "#!/bin/sh\nexit 0\n").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let fault = refusal(plan(&[path.to_str().unwrap()])).await;
    assert_eq!(fault.code(), "denied");
    assert!(fault.to_string().contains("may execute"), "{fault}");

    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
    fs::write(&path, "#!/no/such/interpreter\n").unwrap();
    let fault = refusal(plan(&[path.to_str().unwrap()])).await;
    assert!(fault.to_string().contains("interpreter"), "{fault}");

    fs::write(&path, "\x7fnot a program").unwrap();
    let fault = refusal(plan(&[path.to_str().unwrap()])).await;
    assert!(
        fault.to_string().contains("no program for this machine"),
        "{fault}"
    );
}
