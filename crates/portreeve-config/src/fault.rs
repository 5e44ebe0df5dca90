//! What is wrong with a file or a flag, in one form for all.

use std::fmt;
use std::path::Path;

/// One fault: where it is, what stands there, what may stand there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The line in the file, from 1; 0 when a flag is at fault.
    pub line: usize,
    /// The whole key, as in `listener.web.bind`, the flag, or `syntax`.
    pub key: String,
    /// What was found; texts stand in quotes.
    pub found: String,
    /// What may stand there.
    pub allowed: String,
    /// What was perhaps meant.
    pub hint: Option<String>,
}

/// `key: found X; allowed Y (hint)`, without the line.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: found {}; allowed {}", self.key, self.found, self.allowed)?;
        match &self.hint {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}

/// All faults of one file or one command line, in the order of the lines; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Faults(Vec<Fault>);

impl Faults {
    pub(crate) fn new(mut faults: Vec<Fault>) -> Self {
        faults.sort_by_key(|fault| fault.line);
        Self(faults)
    }

    /// In the order of the lines.
    pub fn iter(&self) -> std::slice::Iter<'_, Fault> {
        self.0.iter()
    }

    /// One fault a line, each as `FILE:LINE: key: found X; allowed Y`; no line break at the end.
    pub fn in_file<'a>(&'a self, file: &'a Path) -> impl fmt::Display + 'a {
        InFile { faults: self, file }
    }
}

/// One fault a line, each as `line LINE: key: found X; allowed Y`, or without the line for a flag.
impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        each_on_a_line(f, self, |f, fault| match fault.line {
            0 => write!(f, "{fault}"),
            line => write!(f, "line {line}: {fault}"),
        })
    }
}

impl std::error::Error for Faults {}

impl<'a> IntoIterator for &'a Faults {
    type Item = &'a Fault;
    type IntoIter = std::slice::Iter<'a, Fault>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

struct InFile<'a> {
    faults: &'a Faults,
    file: &'a Path,
}

impl fmt::Display for InFile<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.file.display();
        each_on_a_line(f, self.faults, |f, fault| {
            write!(f, "{file}:{}: {fault}", fault.line)
        })
    }
}

fn each_on_a_line(
    f: &mut fmt::Formatter<'_>,
    faults: &Faults,
    write_one: impl Fn(&mut fmt::Formatter<'_>, &Fault) -> fmt::Result,
) -> fmt::Result {
    for (nth, fault) in faults.iter().enumerate() {
        if nth > 0 {
            writeln!(f)?;
        }
        write_one(f, fault)?;
    }
    Ok(())
}
