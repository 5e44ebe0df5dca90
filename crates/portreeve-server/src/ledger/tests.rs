use super::*;
use portreeve_ledger::{Bad, Head, Reason, Summary, Verifier};
use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::AtomicUsize;
use std::time::Instant;

/// A folder that is gone with the value.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = env::temp_dir().join(format!("portreeve-ledger-{}-{number}", std::process::id()));
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    fn file(&self) -> PathBuf {
        self.0.join("ledger.jsonl")
    }

    fn state(&self) -> PathBuf {
        self.0.join("state")
    }

    fn open(&self) -> Ledger {
        self.open_rotating(u64::MAX)
    }

    fn open_rotating(&self, bytes: u64) -> Ledger {
        open(&self.file(), bytes, &self.state()).unwrap()
    }

    fn refused(&self) -> LedgerError {
        open(&self.file(), u64::MAX, &self.state()).unwrap_err()
    }

    /// Opens it, has so many records written, closes it.
    async fn write(&self, records: u32) {
        let ledger = self.open();
        send(&ledger, records);
        ledger.close().await;
    }

    /// The files that lie beside the ledger, and the ledger last: by name, sorted by what they begin with.
    fn files(&self) -> Vec<PathBuf> {
        let mut files: Vec<PathBuf> = self.names().collect();
        files.sort_by_key(|path| first_of(path));
        files
    }

    /// The same, in no order, while it is being written.
    fn names(&self) -> impl Iterator<Item = PathBuf> {
        let entries = fs::read_dir(&self.0).unwrap();
        entries.map(|entry| entry.unwrap().path()).filter(|path| {
            path.extension().is_some_and(|extension| extension == "jsonl")
                && !path.to_string_lossy().contains("torn")
        })
    }

    fn lines(&self) -> Vec<String> {
        let text = fs::read_to_string(self.file()).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    fn kept(&self) -> Head {
        Head::read(&fs::read(self.state().join("ledger.head")).unwrap()).unwrap()
    }

    /// All files in their order, held against the kept head.
    fn verify(&self) -> Result<Summary, Bad> {
        let mut verifier = Verifier::new().expecting(self.kept());
        for path in self.files() {
            verifier.file(&path.file_name().unwrap().to_string_lossy())?;
            verifier.feed(&fs::read(path).unwrap())?;
        }
        verifier.finish()
    }
}

fn open(file: &Path, rotate_bytes: u64, state: &Path) -> Result<Ledger, LedgerError> {
    let wanted = LedgerConfig {
        file: file.to_owned(),
        rotate_bytes,
    };
    Ledger::open(&wanted, state)
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn first_of(path: &Path) -> u64 {
    let text = fs::read_to_string(path).unwrap();
    let header: serde_json::Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    header["first"].as_u64().unwrap()
}

fn batch(records: u32) -> LedgerBatch {
    LedgerBatch {
        lines: "{\"at\":\"x\",\"policy\":[\"eu\"],\"backend\":\"a1\"}\n"
            .repeat(records as usize)
            .into_bytes(),
        records,
        required: records,
    }
}

fn send(ledger: &Ledger, records: u32) {
    ledger.sink().batches.send(batch(records)).unwrap();
}

#[tokio::test]
async fn close_leaves_nothing_unwritten_or_unsigned() {
    let folder = Folder::new();
    folder.write(100).await;

    let summary = folder.verify().unwrap();

    assert_eq!((summary.records, summary.unsigned), (100, 0));
    assert_eq!(summary.last_head, Some(folder.kept()));
}

#[tokio::test]
async fn a_restart_goes_on_with_the_chain() {
    let folder = Folder::new();
    for _ in 0..3 {
        folder.write(10).await;
    }
    let summary = folder.verify().unwrap();
    assert_eq!((summary.files, summary.records), (1, 30));
}

#[tokio::test]
async fn an_event_is_a_record() {
    let folder = Folder::new();
    let ledger = folder.open();
    let events = ledger.events();
    events.note(b"{\"at\":\"x\",\"event\":\"registered\"}".to_vec());
    ledger.close().await;
    events.note(b"{\"at\":\"x\",\"event\":\"too late\"}".to_vec());

    assert_eq!(folder.verify().unwrap().records, 1);
    assert!(folder.lines().concat().contains("\"event\":\"registered\""));
    assert_eq!(events.dropped.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn the_key_is_made_once_and_for_the_owner_only() {
    let folder = Folder::new();
    let first = folder.open();
    let key = first.key();
    first.close().await;
    let second = folder.open();

    assert_eq!(second.key(), key);
    let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(folder.state()), 0o700);
    assert_eq!(mode(folder.state().join("ledger.key")), 0o600);
    assert_eq!(mode(folder.file()), 0o640);
    second.close().await;
    assert_eq!(folder.verify().unwrap().key, Some(key));
}

#[tokio::test]
async fn a_broken_key_is_a_clear_error() {
    let folder = Folder::new();
    folder.write(1).await;
    let path = folder.state().join("ledger.key");
    let text = fs::read_to_string(&path).unwrap();
    for broken in ["", "nonsense\n", &text[..100], &text.replacen('a', "b", 1)] {
        if broken == text {
            continue; // there was no `a` in it
        }
        fs::write(&path, broken).unwrap();
        let error = folder.refused().to_string();
        assert!(error.contains("ledger.key is broken"), "{error}");
    }
}

#[tokio::test]
async fn one_process_at_a_time_writes_a_ledger() {
    let folder = Folder::new();
    let ledger = folder.open();
    assert!(matches!(folder.refused(), LedgerError::InUse { .. }));

    let other_state = folder.0.join("other");
    let error = open(&folder.file(), u64::MAX, &other_state).unwrap_err();

    assert!(matches!(error, LedgerError::InUse { .. }), "{error}");
    ledger.close().await;
    folder.write(1).await;
}

#[test]
fn what_cannot_be_a_ledger_is_named() {
    let folder = Folder::new();
    for path in [Path::new("/nowhere/at/all"), Path::new("/dev/full"), &folder.0] {
        let error = open(path, u64::MAX, &folder.state()).unwrap_err();
        assert!(matches!(error, LedgerError::File { .. }), "{error}");
        assert!(error.to_string().contains("`ledger.file`"), "{error}");
    }
    let error = open(&folder.file(), u64::MAX, Path::new("/dev/null/state")).unwrap_err();
    assert!(matches!(error, LedgerError::State { .. }), "{error}");
}

#[tokio::test]
async fn a_rotated_ledger_is_one_chain() {
    let folder = Folder::new();
    let ledger = folder.open_rotating(2000);
    for batches in 0..5 {
        send(&ledger, 20);
        while folder.names().count() < batches + 2 {
            thread::yield_now();
        }
    }
    ledger.close().await;
    folder.write(7).await;

    let summary = folder.verify().unwrap();

    assert_eq!((summary.files, summary.records), (6, 107));
    let second = fs::read_to_string(&folder.files()[1]).unwrap();
    assert!(
        second.starts_with("{\"ledger\":1,\"first\":23,\"records\":20,"),
        "{second}"
    );
    assert!(folder.0.join("ledger-23.jsonl").exists());
}

#[tokio::test]
async fn rotation_overwrites_nothing() {
    let folder = Folder::new();
    let squatter = folder.0.join("ledger-1.jsonl");
    fs::write(&squatter, "mine").unwrap();
    let ledger = folder.open_rotating(2000);
    send(&ledger, 20);
    let aside = folder.0.join("ledger-1.2.jsonl");
    while !aside.exists() {
        thread::yield_now();
    }
    ledger.close().await;

    assert_eq!(fs::read(&squatter).unwrap(), b"mine");
    fs::remove_file(&squatter).unwrap();
    assert_eq!(folder.verify().unwrap().records, 20);
}

/// Killed after the old file got its second name, before the new one got the first.
#[tokio::test]
async fn a_rotation_that_was_cut_short_is_done_again() {
    let folder = Folder::new();
    folder.write(20).await;
    fs::hard_link(folder.file(), folder.0.join("ledger-1.jsonl")).unwrap();
    fs::write(folder.0.join("ledger.jsonl.new"), "half").unwrap();

    let ledger = folder.open_rotating(2000);
    send(&ledger, 1);
    while folder.0.join("ledger.jsonl.new").exists() || first_of(&folder.file()) == 1 {
        thread::yield_now();
    }
    ledger.close().await;

    let summary = folder.verify().unwrap();
    assert_eq!((summary.files, summary.records), (2, 21));
}

#[tokio::test]
async fn a_torn_tail_is_cut_off_and_set_aside() {
    let folder = Folder::new();
    folder.write(10).await;
    let good = fs::read(folder.file()).unwrap();
    let torn = b"{\"n\":13,\"at\":\"x\",\"po";
    fs::write(folder.file(), [&good[..], torn].concat()).unwrap();

    folder.write(5).await;

    assert_eq!(fs::read(folder.0.join("ledger-torn.jsonl")).unwrap(), torn);
    assert!(fs::read(folder.file()).unwrap().starts_with(&good));
    assert_eq!(folder.verify().unwrap().records, 15);
}

#[tokio::test]
async fn records_that_were_left_unsigned_are_signed_at_the_start() {
    let folder = Folder::new();
    folder.write(10).await;
    let mut lines = folder.lines();
    lines.pop();
    fs::write(folder.file(), lines.join("\n") + "\n").unwrap();
    fs::remove_file(folder.state().join("ledger.head")).unwrap();

    folder.open().close().await;

    let summary = folder.verify().unwrap();
    assert_eq!((summary.records, summary.unsigned, summary.files), (10, 0, 1));
}

#[tokio::test]
async fn an_end_cut_off_while_we_were_stopped_stays_visible() {
    let folder = Folder::new();
    folder.write(10).await;
    let kept = folder.kept().n;
    let lines = folder.lines();
    fs::write(folder.file(), lines[..6].join("\n") + "\n").unwrap();

    folder.write(5).await;

    let bad = folder.verify().unwrap_err();
    assert_eq!((bad.file.as_str(), bad.line), ("ledger.jsonl", 1));
    assert_eq!(
        bad.reason,
        Reason::Missing {
            expected: 6,
            found: kept + 1
        }
    );
    let told = folder.lines()[2].clone();
    assert!(
        told.contains("\"event\":\"ledger_set_aside\",\"file\":\"ledger-1.jsonl\""),
        "{told}"
    );
    assert!(told.contains("its end was cut off"), "{told}");
}

#[tokio::test]
async fn an_altered_file_is_set_aside_and_still_named_by_verify() {
    let folder = Folder::new();
    folder.write(10).await;
    let text = fs::read_to_string(folder.file()).unwrap();
    fs::write(folder.file(), text.replacen("\"a1\"", "\"b2\"", 1)).unwrap();

    folder.write(5).await;

    let bad = folder.verify().unwrap_err();
    assert_eq!((bad.file.as_str(), bad.line), ("ledger-1.jsonl", 3));
    assert_eq!(bad.reason, Reason::Chain);
    let mut verifier = Verifier::new();
    verifier.file("new").unwrap();
    verifier.feed(&fs::read(folder.file()).unwrap()).unwrap();
    assert_eq!(verifier.finish().unwrap().records, 5 + 1);
}

#[tokio::test]
async fn a_ledger_that_is_gone_is_gone_on_after_its_last_head() {
    let folder = Folder::new();
    folder.write(10).await;
    let elsewhere = folder.0.join("ledger-moved.jsonl");
    fs::rename(folder.file(), &elsewhere).unwrap();

    folder.write(5).await;

    assert_eq!(folder.verify().unwrap().records, 15);
}

/// Sends records, one at a time, until a ledger lies under its name that is not `before`.
async fn send_until_replaced(folder: &Folder, ledger: &Ledger, before: &str) -> u64 {
    for sent in 1.. {
        send(ledger, 1);
        tokio::time::sleep(Duration::from_millis(20)).await;
        let text = fs::read_to_string(folder.file()).unwrap_or_default();
        if !text.is_empty() && text != before && first_of(&folder.file()) > 1 {
            return sent;
        }
        assert!(sent < 1000, "no new file was begun");
    }
    unreachable!("the loop above returns")
}

#[tokio::test]
async fn a_file_that_is_moved_away_while_in_use_is_gone_on_after_and_nothing_is_lost() {
    let folder = Folder::new();
    let ledger = folder.open();
    fs::rename(folder.file(), folder.0.join("ledger-moved.jsonl")).unwrap();

    let sent = send_until_replaced(&folder, &ledger, "").await;
    send(&ledger, 5);
    ledger.close().await;

    let summary = folder.verify().unwrap();
    assert_eq!((summary.files, summary.records), (2, sent + 1 + 5));
    assert!(folder.lines()[2].contains("\"event\":\"ledger_file_lost\""));
}

#[tokio::test]
async fn a_file_that_is_removed_while_in_use_leaves_a_gap_that_shows_and_loses_nothing_more() {
    let folder = Folder::new();
    let ledger = folder.open();
    fs::remove_file(folder.file()).unwrap();

    let sent = send_until_replaced(&folder, &ledger, "").await;
    send(&ledger, 5);
    ledger.close().await;

    assert!(first_of(&folder.file()) > 1);
    let summary = folder.verify().unwrap();
    assert!((1 + 5..=sent + 1 + 5).contains(&summary.records), "{summary:?}");
    assert_eq!(summary.last_head, Some(folder.kept()));
}

#[tokio::test]
async fn a_file_that_is_replaced_while_in_use_is_kept_under_another_name() {
    let folder = Folder::new();
    let ledger = folder.open();
    let mine = folder.0.join("mine");
    fs::write(&mine, "{\"first\":0}\n").unwrap();
    fs::rename(&mine, folder.file()).unwrap();

    send_until_replaced(&folder, &ledger, "{\"first\":0}\n").await;
    ledger.close().await;

    let foreign = folder.0.join("ledger-foreign.jsonl");
    assert_eq!(fs::read(foreign).unwrap(), b"{\"first\":0}\n");
    assert!(folder.lines()[2].contains("\"event\":\"ledger_file_lost\""));
}

#[tokio::test]
async fn a_lost_file_that_cannot_be_replaced_makes_the_room_fail_until_it_can() {
    let folder = Folder::new();
    let ledger = folder.open();
    let room = Arc::clone(&ledger.sink().room);
    fs::create_dir_all(folder.0.join("ledger.jsonl.new")).unwrap(); // in the successor's way
    fs::remove_file(folder.file()).unwrap();
    send(&ledger, 1);
    let begin = Instant::now();
    while !room.is_failing() {
        assert!(begin.elapsed() < PATIENCE, "the room does not fail");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }

    fs::remove_dir(folder.0.join("ledger.jsonl.new")).unwrap();
    send(&ledger, 5);
    while room.is_failing() {
        assert!(begin.elapsed() < PATIENCE, "the room fails on");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    ledger.close().await;

    assert!(first_of(&folder.file()) > 1);
    assert_eq!(folder.kept(), folder.verify().unwrap().last_head.unwrap());
}

const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_lost_key_begins_a_new_file_with_another_one() {
    let folder = Folder::new();
    folder.write(10).await;
    fs::remove_dir_all(folder.state()).unwrap();

    folder.write(5).await;

    let bad = folder.verify().unwrap_err();
    assert_eq!((bad.file.as_str(), bad.line), ("ledger.jsonl", 1));
    assert!(matches!(bad.reason, Reason::OtherKey { .. }), "{bad}");
}

/// The process that is killed: writes as fast as it can until then.
#[test]
#[ignore = "is run, and killed, by the test after it"]
fn a_process_that_writes_without_end() {
    let Some(folder) = env::var_os(CHILD) else { return };
    let folder = PathBuf::from(folder);
    let ledger = open(&folder.join("ledger.jsonl"), 100_000, &folder.join("state")).unwrap();
    let sink = ledger.sink();
    while sink.batches.send(batch(50)).is_ok() {}
}

#[tokio::test]
async fn kill_9_costs_no_link_of_the_chain() {
    let folder = Folder::new();
    for round in 1..=5 {
        let mut child = Killed(start_child(&folder));
        while folder.names().count() < 10 * round {
            assert!(child.0.try_wait().unwrap().is_none(), "it ended by itself");
            thread::yield_now();
        }
    }

    folder.write(3).await;

    let summary = folder.verify().unwrap();
    assert!(summary.files >= 50, "{summary:?}");
    assert_eq!(summary.unsigned, 0);
}

/// Killed with the value.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

fn start_child(folder: &Folder) -> Child {
    Command::new(env::current_exe().unwrap())
        .args([
            "--ignored",
            "--exact",
            "ledger::tests::a_process_that_writes_without_end",
        ])
        .env(CHILD, &folder.0)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

const CHILD: &str = "PORTREEVE_LEDGER_CHILD";
