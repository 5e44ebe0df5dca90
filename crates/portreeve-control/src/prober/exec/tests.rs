use std::time::Instant;

use portreeve_model::plan::{Check, ProbePlan};
use portreeve_model::{BackendAddress, Policies};

use super::*;
use crate::prober::testing::{order, probed, prober};
use crate::testing::Folder;

fn plan(words: &[&str]) -> ProbePlan {
    ProbePlan {
        timeout: Duration::from_secs(5),
        ..ProbePlan::new(Check::Exec {
            command: words.iter().map(ToString::to_string).collect(),
        })
    }
}

async fn found(words: &[&str]) -> Result<(), String> {
    probed(order(plan(words), "127.0.0.1:8000")).await
}

#[tokio::test]
async fn a_command_that_ends_with_0_passes_and_others_say_how_they_ended() {
    assert_eq!(found(&["true"]).await, Ok(()));
    assert_eq!(
        found(&["sh", "-c", "exit 3"]).await.unwrap_err(),
        "sh ended with 3; 0 passes"
    );
    assert_eq!(
        found(&["sh", "-c", "kill -15 $$"]).await.unwrap_err(),
        "sh was ended by signal 15"
    );
    let reason = found(&["/no/such/program"]).await.unwrap_err();
    assert_eq!(
        reason,
        "/no/such/program cannot be started: No such file or directory"
    );
}

#[tokio::test]
async fn it_is_told_of_the_backend_and_what_it_writes_goes_nowhere() {
    let said = "test '{host} {port} {address} {id} {other} {' = '127.0.0.1 8000 127.0.0.1:8000 a {other} {'";
    assert_eq!(found(&["sh", "-c", said]).await, Ok(()));
    assert_eq!(
        found(&["sh", "-c", "head -c 1000000 /dev/zero && ! read line"]).await,
        Ok(())
    );
}

#[test]
fn what_a_backend_is_called_is_not_filled_in_again() {
    let address = BackendAddress::Unix("/run/{id}".into());
    let backend = Backend::new("{host}".into(), address, 1, Policies::none());
    assert_eq!(
        filled("{id},{address},{port}", &backend),
        "{host},unix:/run/{id},"
    );
}

/// Whether the process whose number a command wrote there still runs.
fn runs(folder: &Folder) -> bool {
    let number = std::fs::read_to_string(folder.0.join("pid")).unwrap();
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", number.trim()));
    stat.is_ok_and(|stat| !stat.contains(") Z "))
}

async fn until(is_so: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(5);
    while !is_so() {
        assert!(Instant::now() < end, "it never came to be");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Begins a child of its own, writes its number, and waits for it.
fn family(folder: &Folder) -> String {
    let file = folder.0.join("pid");
    format!(
        "sleep 60 & echo $! >{0}.new; mv {0}.new {0}; wait",
        file.display()
    )
}

#[tokio::test]
async fn when_its_time_is_over_it_is_killed_with_all_that_it_began() {
    let folder = Folder::new();
    let asked = ProbePlan {
        timeout: Duration::from_millis(700),
        ..plan(&["sh", "-c", &family(&folder)])
    };
    let reason = probed(order(asked, "127.0.0.1:8000")).await.unwrap_err();
    assert_eq!(reason, "sh did not end within 700 ms and was killed");
    until(|| !runs(&folder)).await;
}

#[tokio::test]
async fn what_it_leaves_behind_when_it_passes_is_killed_too() {
    let folder = Folder::new();
    let script = family(&folder).replace("; wait", "");
    assert_eq!(found(&["sh", "-c", &script]).await, Ok(()));
    until(|| !runs(&folder)).await;
}

#[tokio::test]
async fn with_the_prober_end_its_commands() {
    let folder = Folder::new();
    let (mut prober, _outcomes) = prober();
    prober.probe(order(plan(&["sh", "-c", &family(&folder)]), "127.0.0.1:8000"));
    until(|| folder.0.join("pid").exists()).await;
    assert!(runs(&folder));
    drop(prober);
    until(|| !runs(&folder)).await;
}

#[tokio::test]
async fn no_more_run_at_once_than_there_are_places_and_a_wait_for_one_is_no_fault() {
    let backend = order(plan(&[]), "127.0.0.1:8000").backend;
    let places = Semaphore::new(1);
    let command = ["sleep".to_owned(), "0.2".to_owned()];
    let run = || check(&command, &backend, Duration::from_millis(390), &places);
    let before = Instant::now();
    let (one, other) = tokio::join!(run(), run());
    assert_eq!((one, other), (Ok(()), Ok(())));
    assert!(before.elapsed() >= Duration::from_millis(400));
}
