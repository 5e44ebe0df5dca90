//! What a result was measured on.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use serde::{Deserialize, Serialize};

use crate::contender::{Place, system_program};

/// The machine and the versions of the programs.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
pub(crate) struct Machine {
    pub(crate) cpu: String,
    pub(crate) cores: usize,
    pub(crate) memory_gib: u64,
    pub(crate) kernel: String,
    /// By the program's name.
    pub(crate) versions: BTreeMap<String, String>,
}

impl Machine {
    /// Looks at the machine that we run on.
    pub(crate) fn here(place: &Place) -> Machine {
        let versions = [
            (
                "portreeve",
                said(Command::new(place.programs.join("portreeve")).arg("--version")),
            ),
            ("nginx", said(Command::new(system_program("nginx")).arg("-v"))),
            ("haproxy", said(Command::new(system_program("haproxy")).arg("-v"))),
            ("wrk", said(Command::new("wrk").arg("-v"))),
            ("rustc", said(Command::new("rustc").arg("-V"))),
        ];
        Machine {
            cpu: field("/proc/cpuinfo", "model name").unwrap_or_default(),
            cores: std::thread::available_parallelism().map_or(0, usize::from),
            memory_gib: memory_kib().unwrap_or(0).div_ceil(1 << 20),
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease")
                .unwrap_or_default()
                .trim()
                .to_owned(),
            versions: versions
                .into_iter()
                .filter_map(|(name, text)| Some((name.to_owned(), version(&text)?)))
                .collect(),
        }
    }
}

/// Today, by the machine's clock.
pub(crate) fn day() -> String {
    said(Command::new("date").arg("+%F")).trim().to_owned()
}

/// The commit that is checked out, with a mark if product code differs from it.
pub(crate) fn commit() -> String {
    let commit = said(Command::new("git").args(["rev-parse", "--short", "HEAD"]));
    let changed = said(Command::new("git").args(["status", "--porcelain", "--untracked-files=no", "crates"]));
    format!(
        "{}{}",
        commit.lines().next().unwrap_or_default(),
        if changed.is_empty() { "" } else { " and changes" }
    )
}

/// Both outputs of a program, nothing if it cannot be started.
fn said(command: &mut Command) -> String {
    let output = command
        .output()
        .map(|output| [output.stdout, output.stderr].concat())
        .unwrap_or_default();
    String::from_utf8_lossy(&output).into_owned()
}

/// The first word of a text that looks like a version.
fn version(text: &str) -> Option<String> {
    let words = text.split(|letter: char| letter.is_whitespace() || letter == '/');
    let mut numbered =
        words.filter(|word| word.starts_with(|letter: char| letter.is_ascii_digit()) && word.contains('.'));
    numbered.next().map(str::to_owned)
}

fn field(path: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn memory_kib() -> Option<u64> {
    field("/proc/meminfo", "MemTotal")?
        .split_whitespace()
        .next()?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_in_what_the_programs_say() {
        let said = [
            ("nginx version: nginx/1.22.1", "1.22.1"),
            (
                "HAProxy version 2.6.12-1+deb12u4 2026/10/17 - https://haproxy.org/",
                "2.6.12-1+deb12u4",
            ),
            (
                "wrk debian/4.1.0-3+b2 [epoll] Copyright (C) 2012 Will Glozer",
                "4.1.0-3+b2",
            ),
            ("portreeve 0.1.0", "0.1.0"),
        ];
        for (text, expected) in said {
            assert_eq!(version(text).as_deref(), Some(expected));
        }
        assert_eq!(version(""), None);
    }
}
