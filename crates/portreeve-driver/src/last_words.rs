//! The last lines of what somebody wrote.

use std::collections::VecDeque;

/// What an instance wrote last, at most 2 KiB.
#[derive(Debug, Default)]
pub(crate) struct LastWords {
    lines: VecDeque<String>,
    length: usize,
}

impl LastWords {
    pub(crate) fn add(&mut self, line: String) {
        let line = shortened(line, LENGTH_MAX);
        self.length += line.len() + 1;
        self.lines.push_back(line);
        while self.length > LENGTH_MAX + 1 {
            self.length -= self.lines.pop_front().map_or(self.length, |line| line.len() + 1);
        }
    }

    /// Those of a text, at most so many bytes.
    pub(crate) fn of(text: &str, length_max: usize) -> String {
        shortened(text.to_owned(), length_max)
    }

    pub(crate) fn take(&mut self) -> String {
        self.length = 0;
        let lines: Vec<String> = std::mem::take(&mut self.lines).into();
        lines.join("\n")
    }
}

const LENGTH_MAX: usize = 2 << 10;

/// The end of a text that is too long.
fn shortened(line: String, length_max: usize) -> String {
    if line.len() <= length_max {
        return line;
    }
    let begin = line.len() - (length_max - "…".len());
    let begin = (begin..).find(|at| line.is_char_boundary(*at));
    format!("…{}", &line[begin.unwrap_or(line.len())..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_kept_and_the_rest_goes() {
        let mut last = LastWords::default();
        (0..1_000).for_each(|number| last.add(format!("line {number}")));
        let text = last.take();
        assert!(text.len() <= 2_048 && text.len() > 2_000, "{}", text.len());
        assert!(text.ends_with("line 998\nline 999"));
        assert_eq!(last.take(), "");
    }

    #[test]
    fn of_one_endless_line_the_end_is_kept() {
        let mut last = LastWords::default();
        last.add(format!("{}end", "é".repeat(4_000)));
        let text = last.take();
        assert!(text.len() <= 2_048 && text.starts_with("…é") && text.ends_with("end"));
    }
}
