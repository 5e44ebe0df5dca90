//! A proxy that is killed, in a process of its own.

use std::process::{Child, Command, Stdio};

use super::*;

const FOLDER: &str = "DRIVER_TEST_PROXY";

/// Not a test, unless another begins it: a proxy that starts two instances and waits for its death.
#[tokio::test]
async fn a_proxy_for_another_test() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let driver = ProcessDriver::new("api".into(), "default".into(), writing(), Path::new(&folder)).unwrap();
    start(&driver, "long").await;
    let mut short = order("short");
    short.env.push(("SHORT".to_owned(), "1".to_owned()));
    driver.start(&short).await.unwrap();
    assert_eq!(driver.lead("first").await, Ok(Leadership::Ours));
    fs::write(Path::new(&folder).join("ready"), "").unwrap();
    std::future::pending::<()>().await;
}

/// It writes lines; one that is short ends when the file `end` is there.
fn writing() -> ProcessPlan {
    script(
        "echo begun; if test $SHORT; then until test -e $STATE/end; do sleep 0.01; done; echo last; exit 5; fi; \
         i=0; while test $i -lt 2000; do echo line $i; i=$((i+1)); sleep 0.01; done",
    )
}

fn proxy(folder: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "process::tests::death::a_proxy_for_another_test"])
        .env(FOLDER, folder)
        .env("STATE", folder)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[tokio::test]
async fn after_a_kill_all_are_found_again_and_the_end_of_one_is_an_event() {
    let log = Log::captured();
    let scratch = Scratch::new();
    let mut first = proxy(scratch.path());
    until("the first proxy", || {
        scratch.path().join("ready").exists().then_some(())
    })
    .await;

    let second = driver(&scratch, writing());
    let led = second.lead("second").await;
    assert_eq!(led, Ok(Leadership::Theirs("first".to_owned())));
    first.kill().unwrap();
    first.wait().unwrap();
    assert_eq!(second.lead("second").await, Ok(Leadership::Ours));

    let mut listed = second.list().await.unwrap();
    listed.sort_by(|one, other| one.id.cmp(&other.id));
    let ids: Vec<&str> = listed.iter().map(|found| &*found.id).collect();
    assert_eq!(ids, ["long", "short"]);
    assert!(listed.iter().all(|found| found.address.is_some()));
    until("more lines", || log.lines("long").get(10).cloned()).await;

    fs::write(scratch.path().join("end"), "").unwrap();
    let end = ended(&second, &listed[1]).await;
    assert!(end.how.contains("started by another proxy"), "{end:?}");
    assert!(end.last_words.ends_with("last"), "{end:?}");

    kill(&second, &listed[0]).await;
    assert!(!runs(pid(&listed[0])));
    assert_eq!(second.list().await, Ok(Vec::new()));
    let left = files(&scratch);
    assert!(
        left.iter().all(|path| path.ends_with("api.default.lock")),
        "{left:?}"
    );
}

#[tokio::test]
async fn one_that_ended_when_nobody_looked_is_tidied_up() {
    let log = Log::captured();
    let scratch = Scratch::new();
    let mut first = proxy(scratch.path());
    until("the first proxy", || {
        scratch.path().join("ready").exists().then_some(())
    })
    .await;
    first.kill().unwrap();
    first.wait().unwrap();
    fs::write(scratch.path().join("end"), "").unwrap();
    let note = note::Note::of(
        &Folder::open(scratch.path()).unwrap(),
        &Whose {
            pool: "api".into(),
            fleet: "default".into(),
            keeper: String::new(),
        },
        "short",
    );
    let short = note.unwrap().birth;
    until("its end", || (!runs(short.pid)).then_some(())).await;

    let second = driver(&scratch, writing());
    until("that it is gone", || short.stat().is_none().then_some(())).await;
    let listed = second.list().await.unwrap();

    assert_eq!(listed.len(), 1);
    assert_eq!(&*listed[0].id, "long");
    assert_eq!(log.lines("short").last().map(String::as_str), Some("last"));
    assert!(!scratch.path().join("instances/short.out").exists());
    kill(&second, &listed[0]).await;
}
