//! Opens the ledger and brings it into a state in which it can go on.

use std::fs::File;
use std::io;
use std::path::Path;

use portreeve_ledger::{Chain, Head, PublicKey, SigningKey};

use super::LedgerError;
use super::files::{Disk, Files};
use super::found::{self, Found, Standing};
use super::kept::KeptHead;
use super::key::HeldKey;
use super::lines::Lines;

/// A ledger that can be written to.
#[derive(Debug)]
pub(super) struct Started {
    pub(super) files: Files,
    pub(super) lines: Lines,
    /// Proves the heads.
    pub(super) key: PublicKey,
    /// The key's file, locked as long as this lives.
    pub(super) lock: File,
}

/// Opens `file` and does what is needed: begins an empty one, cuts a torn tail off, sets a bad one aside. Nothing that
/// was found is overwritten, and what was missing stays visible: the numbers go on after all that was ever signed.
pub(super) fn start(file: &Path, state: &Path) -> Result<Started, LedgerError> {
    let HeldKey { key, lock } = HeldKey::of(state)?;
    let public = key.public();
    let kept_head = KeptHead::of(state);
    let kept = kept_head.read();
    let mut files = Files::open(file, kept_head)?;
    let failed = |source| LedgerError::File {
        path: file.to_owned(),
        source,
    };
    let way = choose(&mut files, kept.as_ref(), public).map_err(failed)?;
    let lines = go(&mut files, way, key).map_err(failed)?;
    Ok(Started {
        files,
        lines,
        key: public,
        lock,
    })
}

/// How the ledger goes on.
enum Way {
    /// In the file that is there.
    On(Standing),
    /// In the file that is there but empty.
    Begin(Chain),
    /// In a new file, while the old one is set aside because of this.
    Anew { chain: Chain, first: u64, why: String },
}

fn choose(files: &mut Files, kept: Option<&Head>, key: PublicKey) -> io::Result<Way> {
    loop {
        match found::look(files, kept)? {
            Found::Nothing => return Ok(begin(files, kept)),
            Found::Torn { whole_bytes } => cut(files, whole_bytes)?,
            Found::Good(standing) => return Ok(on(standing, key)),
            Found::Bad { bad, good } => {
                return Ok(Way::Anew {
                    chain: latest(kept, good.as_ref()),
                    first: good.map_or(0, |good| good.first),
                    why: bad.to_string(),
                });
            }
        }
    }
}

fn begin(files: &Files, kept: Option<&Head>) -> Way {
    if let Some(head) = kept {
        tracing::error!(
            file = %files.path().display(),
            n = head.n,
            "the ledger is empty or gone although records up to n were signed; it goes on after them. If it was moved, keep it"
        );
    }
    Way::Begin(latest(kept, None))
}

fn cut(files: &mut Files, whole_bytes: u64) -> io::Result<()> {
    let side = files.cut(whole_bytes)?;
    tracing::warn!(
        file = %files.path().display(),
        side = %side.display(),
        "the ledger ended in the midst of a line, as after a kill; that line is set aside"
    );
    Ok(())
}

fn on(standing: Standing, key: PublicKey) -> Way {
    match standing.key {
        Some(other) if other != key => Way::Anew {
            chain: standing.chain,
            first: standing.first,
            why: format!(
                "it is signed by key {other}, and ours is {key}: the state folder was lost or exchanged"
            ),
        },
        _ => Way::On(standing),
    }
}

/// Numbers are never given twice, wherever the file stopped.
fn latest(kept: Option<&Head>, good: Option<&Standing>) -> Chain {
    let kept = kept.map(Chain::after).unwrap_or_default();
    match good {
        Some(good) if good.chain.next() > kept.next() => good.chain,
        _ => kept,
    }
}

fn go(files: &mut Files, way: Way, key: SigningKey) -> io::Result<Lines> {
    match way {
        Way::On(standing) => {
            files.begins_with(standing.first);
            Ok(Lines::new(standing.chain, key, standing.unsigned))
        }
        Way::Begin(chain) => {
            let mut lines = Lines::new(chain, key, 0);
            let beginning = lines.beginning();
            files.begins_with(beginning.first);
            write_all(files, &beginning.lines)?;
            lines.began(&beginning);
            Ok(lines)
        }
        Way::Anew { chain, first, why } => {
            let mut lines = Lines::new(chain, key, 0);
            files.begins_with(first);
            let beginning = lines.beginning();
            let aside = files.rotate(&beginning.lines, beginning.first)?;
            lines.began(&beginning);
            tracing::error!(
                file = %files.path().display(),
                aside = %aside.display(),
                why,
                "the ledger is not as we left it; it is set aside and goes on in a new file"
            );
            lines.add_event("ledger_set_aside", &facts(&aside, &why));
            Ok(lines)
        }
    }
}

fn facts(aside: &Path, why: &str) -> String {
    let name = aside.file_name().unwrap_or_default().to_string_lossy();
    let [name, why] = [name.as_ref(), why].map(serde_json::Value::from);
    format!(",\"file\":{name},\"reason\":{why}")
}

fn write_all(files: &mut Files, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        let count = files.write(bytes)?;
        bytes = &bytes[count..];
    }
    files.sync()
}
