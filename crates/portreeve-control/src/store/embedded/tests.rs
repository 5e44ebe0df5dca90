use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use portreeve_model::plan::Network;
use portreeve_model::{PolicyScope, Term, Token};

use super::*;
use crate::credentials::Secret;
use crate::store::{EntryKey, KeptToken};
use crate::testing::{Folder, kept};

fn open(folder: &Folder) -> (Embedded, Vec<Entry>) {
    Embedded::open(&folder.0, false).unwrap()
}

fn member(id: &str) -> Entry {
    Entry::Member(kept(id, None))
}

fn put(entries: &[Entry]) -> Vec<Write> {
    entries.iter().cloned().map(Write::put).collect()
}

/// One of each kind, with nothing left at its default.
fn samples() -> Vec<Entry> {
    let mut full = kept("full@eu", Some("a1"));
    full.announcement.address = "[2001:db8::1]:443".parse().unwrap();
    full.announcement.term = Term::Probes;
    full.announcement.spells_types_as_text = true;
    full.is_drained = true;
    full.is_leaving = true;
    full.source = None;
    full.place = u64::MAX;
    let mut timed = kept("timed", None);
    timed.announcement.term = Term::Heartbeats(Some(Duration::from_millis(1_500)));
    let network = Network {
        address: [10, 0, 0, 0].into(),
        prefix: 8,
    };
    let policies = timed.announcement.policies.clone();
    let token = |token| {
        Entry::Token(KeptToken {
            token: std::sync::Arc::new(token),
            digest: Some(Secret::random().unwrap().digest()),
            created_unix_ms: 3,
        })
    };
    let scoped = Token {
        policies: PolicyScope::These(policies),
        networks: vec![network],
        ..token_of("b2")
    };
    vec![
        Entry::Member(full),
        Entry::Member(timed),
        Entry::Drained("api".into(), "unix:/run/app/é.sock".into()),
        token(scoped),
        token(token_of("c3")),
    ]
}

fn token_of(id: &str) -> Token {
    Token {
        id: id.into(),
        certificate: None,
        pools: vec!["api".into()],
        policies: PolicyScope::Any,
        networks: Vec::new(),
        weight_max: 7,
        ttl_max: Some(Duration::from_secs(9)),
        expires_unix_ms: Some(u64::MAX),
    }
}

fn sorted(mut entries: Vec<Entry>) -> Vec<Entry> {
    entries.sort_by_key(Entry::key);
    entries
}

fn file(folder: &Folder) -> PathBuf {
    folder.0.join(FILE)
}

/// The files that were set aside.
fn aside(folder: &Folder) -> Vec<PathBuf> {
    let names = fs::read_dir(&folder.0)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    names
        .filter(|path| path.to_string_lossy().contains(".corrupt-"))
        .collect()
}

/// A store with one member, whose file is then what `spoil` makes of it.
fn spoilt(spoil: impl FnOnce(&mut Vec<u8>)) -> (Folder, Vec<u8>) {
    let folder = Folder::new();
    open(&folder).0.commit(&put(&[member("a")])).unwrap();
    let mut bytes = fs::read(file(&folder)).unwrap();
    spoil(&mut bytes);
    fs::write(file(&folder), &bytes).unwrap();
    (folder, bytes)
}

/// It starts empty, works, and the spoilt file is there as it was.
fn assert_begins_anew(folder: &Folder, bytes: &[u8]) {
    let (mut store, loaded) = open(folder);
    assert_eq!(loaded, []);
    let aside = aside(folder);
    assert_eq!(aside.len(), 1, "{aside:?}");
    assert!(
        fs::read(&aside[0]).unwrap() == bytes,
        "the file set aside was changed"
    );
    store.commit(&put(&[member("b")])).unwrap();
    drop(store);
    assert_eq!(open(folder).1, [member("b")]);
}

#[test]
fn what_was_committed_is_there_after_it_is_opened_again() {
    let folder = Folder::new();
    let samples = samples();
    open(&folder).0.commit(&put(&samples)).unwrap();

    assert_eq!(sorted(open(&folder).1), sorted(samples));
}

#[test]
fn what_was_deleted_is_gone_and_what_was_put_again_is_new() {
    let folder = Folder::new();
    let (mut store, _) = open(&folder);
    store.commit(&put(&[member("a"), member("b")])).unwrap();
    let mut moved = kept("b", None);
    moved.announcement.weight = 9;
    let moved = Entry::Member(moved);

    let delete = Write::delete(EntryKey::Member(kept("a", None).announcement.key));
    store.commit(&[delete, Write::put(moved.clone())]).unwrap();

    drop(store);
    assert_eq!(open(&folder).1, [moved]);
}

#[test]
fn folder_and_file_are_for_this_user_only() {
    let parent = Folder::new();
    let folder = parent.0.join("state");
    drop(Embedded::open(&folder, false).unwrap());

    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    assert_eq!(mode(&folder.join(FILE)), 0o600);
}

#[test]
fn a_lazy_store_makes_its_folder_with_the_first_commit() {
    let parent = Folder::new();
    let folder = parent.0.join("state");
    let (mut store, _) = Embedded::open(&folder, true).unwrap();
    store.commit(&[]).unwrap();
    assert!(!folder.exists());

    store.commit(&put(&[member("a")])).unwrap();

    drop(store);
    assert_eq!(Embedded::open(&folder, true).unwrap().1, [member("a")]);
}

#[test]
fn what_is_not_a_store_at_all_is_set_aside() {
    let (folder, bytes) = spoilt(|bytes| {
        let mut seed = 1_u64;
        for byte in bytes {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            *byte = seed.to_be_bytes()[0];
        }
    });
    assert_begins_anew(&folder, &bytes);
}

#[test]
fn a_truncated_store_is_set_aside() {
    for share in [2, 3, 10, 100] {
        let (folder, bytes) = spoilt(|bytes| bytes.truncate(bytes.len() / share));
        assert_begins_anew(&folder, &bytes);
    }
}

#[test]
fn an_altered_byte_anywhere_in_an_entry_is_noticed() {
    let (folder, bytes) = spoilt(|bytes| {
        let found = bytes
            .windows(10)
            .position(|bytes| bytes == b"127.0.0.1:")
            .unwrap();
        bytes[found] = b'8';
    });
    assert_begins_anew(&folder, &bytes);
}

#[test]
fn an_empty_file_becomes_a_store() {
    let (folder, _) = spoilt(Vec::clear);
    let (mut store, loaded) = open(&folder);
    assert_eq!(loaded, []);
    store.commit(&put(&[member("a")])).unwrap();
    drop(store);
    assert_eq!(open(&folder).1, [member("a")]);
}

#[test]
fn a_store_of_another_schema_is_set_aside() {
    let folder = Folder::new();
    let (store, _) = open(&folder);
    let transaction = store.database.as_ref().unwrap().begin_write().unwrap();
    let mut meta = transaction.open_table(META).unwrap();
    meta.insert(SCHEMA_KEY, SCHEMA + 1).unwrap();
    drop(meta);
    transaction.commit().unwrap();
    drop(store);
    let bytes = fs::read(file(&folder)).unwrap();

    let (_, loaded) = open(&folder);

    assert_eq!(loaded, []);
    assert_eq!(aside(&folder).len(), 1);
    assert!(!bytes.is_empty());
}

#[test]
fn an_entry_that_no_version_wrote_is_noticed() {
    let folder = Folder::new();
    let (store, _) = open(&folder);
    let transaction = store.database.as_ref().unwrap().begin_write().unwrap();
    let mut entries = transaction.open_table(ENTRIES).unwrap();
    entries.insert("member/api/a", &b"{\"member\":{}}"[..]).unwrap();
    drop(entries);
    transaction.commit().unwrap();
    drop(store);

    assert_eq!(open(&folder).1, []);
    assert_eq!(aside(&folder).len(), 1);
}

#[test]
fn two_that_are_set_aside_in_one_second_have_two_names() {
    let folder = Folder::new();
    for _ in 0..3 {
        fs::write(file(&folder), "this is no store").unwrap();
        drop(open(&folder));
    }
    assert_eq!(aside(&folder).len(), 3);
}

#[test]
fn a_store_that_another_has_open_is_left_alone() {
    let folder = Folder::new();
    let (mut store, _) = open(&folder);
    store.commit(&put(&[member("a")])).unwrap();

    let refused = Embedded::open(&folder.0, false).err().unwrap();

    assert!(matches!(refused, StoreError::Locked { .. }), "{refused}");
    assert!(aside(&folder).is_empty());
    store.commit(&put(&[member("b")])).unwrap();
}

#[test]
fn a_copy_of_a_store_that_was_never_closed_has_what_was_committed() {
    let (folder, copy) = (Folder::new(), Folder::new());
    let (mut store, _) = open(&folder);
    store.commit(&put(&[member("a")])).unwrap();
    store.commit(&put(&[member("b")])).unwrap();

    fs::copy(file(&folder), file(&copy)).unwrap();

    assert_eq!(open(&copy).1, [member("a"), member("b")]);
    assert!(aside(&copy).is_empty());
}

#[test]
fn a_folder_that_is_a_file_is_an_error_that_names_it() {
    let parent = Folder::new();
    let folder = parent.0.join("state");
    fs::write(&folder, "").unwrap();

    let error = Embedded::open(&folder, false).err().unwrap().to_string();

    assert!(error.contains(&*folder.to_string_lossy()), "{error}");
}
