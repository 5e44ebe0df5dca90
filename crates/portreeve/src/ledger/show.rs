//! `portreeve ledger show FILE...`

mod row;

use std::io::{self, BufRead, BufReader, ErrorKind, Read as _, Write};
use std::process::ExitCode;

use portreeve_ledger::LINE_BYTES_MAX;
use serde_json::{Map, Value};

use super::ShowArguments;
use super::files::{self, LedgerFile};
use crate::failure::Failure;
use row::Row;

/// Prints the records that are asked for, one a line. What it shows is not verified.
pub(super) fn show(arguments: &ShowArguments) -> Result<ExitCode, Failure> {
    let files = files::open(&arguments.files)?;
    let mut out = io::BufWriter::new(io::stdout().lock());
    let shown = print(files, arguments, &mut out).and_then(|outcome| out.flush().map(|()| outcome));
    match shown {
        Ok(outcome) => outcome.map(|()| ExitCode::SUCCESS),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS), // such as `| head`
        Err(error) => Err(Failure::failed(format_args!("cannot write to stdout: {error}"))),
    }
}

/// The outer error is of the output, the inner one of the ledger.
fn print(
    files: Vec<LedgerFile>,
    wanted: &ShowArguments,
    out: &mut impl Write,
) -> io::Result<Result<(), Failure>> {
    if !wanted.json {
        writeln!(out, "{}", Row::heading())?;
    }
    for file in files {
        let mut lines = Lines::of(file);
        loop {
            match lines.next() {
                Ok(Some(record)) if !is_wanted(&record, wanted) => {}
                Ok(Some(_)) if wanted.json => out.write_all(&lines.line)?,
                Ok(Some(record)) => writeln!(out, "{}", Row::of(&record))?,
                Ok(None) => break,
                Err(failure) => return Ok(Err(failure)),
            }
        }
    }
    Ok(Ok(()))
}

fn is_wanted(record: &Map<String, Value>, wanted: &ShowArguments) -> bool {
    let is_record = record.contains_key("n") && !record.contains_key("head");
    let is_policy = wanted
        .policy
        .as_ref()
        .is_none_or(|name| row::policies(record).any(|policy| policy == name));
    let is_backend = wanted.backend.as_deref().is_none_or(|backend| {
        ["backend", "backend_address"]
            .iter()
            .any(|key| record.get(*key).and_then(Value::as_str) == Some(backend))
    });
    is_record && is_policy && is_backend
}

/// The lines of a file, each as JSON.
struct Lines {
    name: String,
    number: u64,
    input: BufReader<std::fs::File>,
    line: Vec<u8>,
}

impl Lines {
    fn of(file: LedgerFile) -> Self {
        Self {
            name: file.name,
            number: 0,
            input: BufReader::new(file.file),
            line: Vec::new(),
        }
    }

    /// Reads the next line into `line`, with its line feed; `None` at the end.
    fn next(&mut self) -> Result<Option<Map<String, Value>>, Failure> {
        self.line.clear();
        self.number += 1;
        let most = LINE_BYTES_MAX as u64 + 1;
        let read = self.input.by_ref().take(most).read_until(b'\n', &mut self.line);
        match read {
            Err(error) => return Err(self.failed(format_args!("cannot be read: {error}"))),
            Ok(0) => return Ok(None),
            Ok(_) => {}
        }
        match serde_json::from_slice(&self.line) {
            Ok(record) if self.line.ends_with(b"\n") => Ok(Some(record)),
            _ => Err(self.failed("is no ledger line; `portreeve ledger verify` says more")),
        }
    }

    fn failed(&self, what: impl std::fmt::Display) -> Failure {
        Failure::failed(format_args!("{}:{}: {what}", self.name, self.number))
    }
}
