//! How many tests ran, read off the closing lines of the test runners.

use std::fmt;

/// Counts of tests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
}

impl Tally {
    /// Adds the counts of a closing line of nextest (`Summary [..] 5 tests run: 4 passed, 1 failed, 2 skipped`) or of
    /// libtest (`test result: ok. 5 passed; 0 failed; 1 ignored; ..`); any other line changes nothing.
    pub(crate) fn read(&mut self, line: &str) {
        let line = line.trim_start();
        let counts = if line.starts_with("Summary [") {
            line.split_once("run:")
        } else if line.starts_with("test result:") {
            line.split_once(". ")
        } else {
            None
        };
        for (count, what) in counts.into_iter().flat_map(|(_, counts)| counted(counts)) {
            match what {
                "passed" => self.passed += count,
                "failed" | "timed" | "exec" => self.failed += count,
                "skipped" | "ignored" => self.skipped += count,
                _ => {}
            }
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "{} passed, {} failed, {} skipped",
            self.passed, self.failed, self.skipped
        )
    }
}

/// Pairs of a number and the word after it.
fn counted(text: &str) -> impl Iterator<Item = (u64, &str)> {
    text.split([',', ';']).filter_map(|part| {
        let mut words = part.split_whitespace();
        Some((words.next()?.parse().ok()?, words.next()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(lines: &[&str]) -> Tally {
        let mut tally = Tally::default();
        lines.iter().for_each(|line| tally.read(line));
        tally
    }

    #[test]
    fn nextest_and_libtest_lines_add_up() {
        let lines = [
            "     Summary [   0.014s] 7 tests run: 4 passed (1 slow), 1 failed, 2 timed out, 3 skipped",
            "test result: ok. 5 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s",
            "test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out",
        ];
        assert_eq!(
            tally(&lines),
            Tally {
                passed: 10,
                failed: 5,
                skipped: 4
            }
        );
    }

    #[test]
    fn other_lines_count_nothing() {
        assert_eq!(
            tally(&[
                "3 passed, 4 failed",
                "PASS [0.1s] a::b",
                "the Summary of 5 tests run: 4 passed"
            ]),
            Tally::default()
        );
    }
}
