//! `portreeve ledger verify FILE...`

use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use portreeve_ledger::{Head, PublicKey, Summary, Verifier};

use super::VerifyArguments;
use super::files::{self, LedgerFile};
use crate::failure::Failure;
use crate::output;

/// Prints what is there and good, or names the first line that is not.
pub(super) fn verify(arguments: &VerifyArguments) -> Result<ExitCode, Failure> {
    let keys = keys(&arguments.key)?;
    let is_compared = !keys.is_empty();
    let mut verifier = Verifier::new().trusting(keys);
    if let Some(path) = &arguments.head {
        verifier = verifier.expecting(kept(path)?);
    }
    for file in files::open(&arguments.files)? {
        feed(&mut verifier, file)?;
    }
    let summary = verifier.finish().map_err(Failure::failed)?;
    output::print(&told(&summary, is_compared))
}

fn keys(texts: &[String]) -> Result<Vec<PublicKey>, Failure> {
    let key = |text: &String| {
        text.parse()
            .map_err(|error| Failure::usage(format_args!("--key {text}: {error}")))
    };
    texts.iter().map(key).collect()
}

fn kept(path: &Path) -> Result<Head, Failure> {
    let failed =
        |error: &dyn std::fmt::Display| Failure::failed(format_args!("--head {}: {error}", path.display()));
    let bytes = fs::read(path).map_err(|error| failed(&error))?;
    Head::read(&bytes).map_err(|error| failed(&error))
}

fn feed(verifier: &mut Verifier, file: LedgerFile) -> Result<(), Failure> {
    let LedgerFile { name, mut file, .. } = file;
    verifier.file(&name).map_err(Failure::failed)?;
    let mut buffer = vec![0; PIECE];
    let mut patience = LOOKS;
    loop {
        match file.read(&mut buffer) {
            // A file that is being written may end in the midst of a line, for a moment.
            Ok(0) if verifier.is_mid_line() && patience > 0 => {
                patience -= 1;
                thread::sleep(BETWEEN_LOOKS);
            }
            Ok(0) => return Ok(()),
            Ok(count) => verifier.feed(&buffer[..count]).map_err(Failure::failed)?,
            Err(error) => return Err(Failure::failed(format_args!("{name}: cannot be read: {error}"))),
        }
    }
}

fn told(summary: &Summary, is_compared: bool) -> String {
    let last = summary.first + summary.records + summary.heads;
    let key = summary.key.map_or_else(String::new, |key| key.to_string());
    let whose = if is_compared {
        "as demanded"
    } else {
        "not compared with any"
    };
    let mut lines = vec![
        format!(
            "ok: {} and {} in {}, n {} to {}",
            counted(summary.records, "record"),
            counted(summary.heads, "signed head"),
            counted(summary.files, "file"),
            summary.first,
            last.saturating_sub(1)
        ),
        format!("key: {key} ({whose})"),
    ];
    lines.push(match &summary.last_head {
        Some(head) => format!("last signed head: n {} at {}", head.n, printable(&head.at)),
        None => "last signed head: none".to_owned(),
    });
    lines.push(match summary.unsigned {
        0 => "after it: no records".to_owned(),
        count => format!("after it: {}, linked but not signed", counted(count, "record")),
    });
    lines.join("\n")
}

/// Nothing that a file says may command a terminal.
pub(super) fn printable(text: &str) -> String {
    let shown = |character: char| match character.is_control() {
        true => character.escape_default().collect::<String>(),
        false => character.to_string(),
    };
    text.chars().map(shown).collect()
}

fn counted(count: u64, noun: &str) -> String {
    match count {
        1 => format!("1 {noun}"),
        _ => format!("{count} {noun}s"),
    }
}

/// Bytes read at once.
const PIECE: usize = 256 * 1024;
/// How often, and how far apart, one looks again whether a torn line goes on.
const LOOKS: u32 = 5;
const BETWEEN_LOOKS: Duration = Duration::from_millis(100);
