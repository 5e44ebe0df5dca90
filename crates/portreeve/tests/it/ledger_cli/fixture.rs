//! Ledgers in files, the real binary, and just enough around it to have it write one.

mod proxied;
mod start;

pub(crate) use proxied::Backend;
pub(crate) use start::run;

pub(crate) use crate::shared::{Outcome, PATIENCE, Program};

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use portreeve_ledger::{Chain, SigningKey};

use crate::shared::left_folder;

/// A folder of this test's own, empty at first.
pub(crate) fn folder(name: &str) -> PathBuf {
    left_folder("ledger_cli", name)
}

pub(crate) fn key() -> SigningKey {
    SigningKey::from_seed(&[1; 32])
}

/// A ledger of three files with two records, one event and a head each. Numbers 1 to 12.
pub(crate) fn three_files(folder: &Path) -> Vec<PathBuf> {
    let mut chain = Chain::default();
    let mut write = |name: &str| {
        let (mut out, at) = (Vec::new(), SystemTime::UNIX_EPOCH);
        chain.header(&key().public(), at, &mut out);
        for body in RECORDS {
            chain.append(body.as_bytes(), &mut out).unwrap();
        }
        chain.head(&key(), at, &mut out);
        let path = folder.join(name);
        fs::write(&path, out).unwrap();
        path
    };
    ["ledger-1.jsonl", "ledger-5.jsonl", "ledger.jsonl"]
        .map(&mut write)
        .to_vec()
}

/// Changes the text of a file.
pub(crate) fn edit(path: &Path, change: impl FnOnce(&str) -> String) {
    let text = fs::read_to_string(path).unwrap();
    let changed = change(&text);
    assert_ne!(text, changed);
    fs::write(path, changed).unwrap();
}

/// The text without one of its lines, counted from 1.
pub(crate) fn without_line(text: &str, number: usize) -> String {
    let lines = text.split_inclusive('\n').enumerate();
    lines
        .filter(|(index, _)| index + 1 != number)
        .map(|(_, line)| line)
        .collect()
}

const RECORDS: [&str; 3] = [
    r#"{"at":"2026-05-04T03:02:01.000Z","id":"00000000000000a1","listener":"web","route":"shop","policies":["eu"],"snapshot":7,"candidates":3,"backend":"a1","backend_address":"10.0.0.1:80","attempts":1,"status":200,"outcome":"completion"}"#,
    r#"{"at":"2026-05-04T03:02:02.000Z","id":"00000000000000a2","listener":"web","route":"shop","policies":["us","hipaa"],"snapshot":7,"candidates":1,"backend":"b2","backend_address":"10.0.0.2:80","attempts":2,"status":502,"outcome":"backend","cause":"connect_refused"}"#,
    r#"{"at":"2026-05-04T03:02:03.000Z","event":"registered","sequence":12,"pool":"api","backend":"c3","backend_address":"10.0.0.3:80","policies":["eu"]}"#,
];
