//! The faults found so far: reading goes on after each.

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use crate::document::Lines;
use crate::place::Place;
use crate::word::Complaint;
use crate::{Fault, Faults};

/// Collects faults while a document is walked. Shared by everything that reads it.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    faults: RefCell<Vec<Fault>>,
    /// To turn offsets into lines; empty for flags.
    pub(crate) lines: Lines,
    /// Whether parts of the document could not be read at all, so that nothing may be called missing.
    pub(crate) is_torn: bool,
    /// Where files lie that the document names; empty: the working directory.
    pub(crate) folder: PathBuf,
}

impl Findings {
    pub(crate) fn new(lines: Lines, is_torn: bool) -> Self {
        Self {
            faults: RefCell::default(),
            lines,
            is_torn,
            folder: PathBuf::new(),
        }
    }

    /// Notes a fault.
    pub(crate) fn add(&self, place: &Place, found: impl Into<String>, complaint: Complaint) {
        self.faults.borrow_mut().push(Fault {
            line: place.line,
            key: place.key.clone(),
            found: found.into(),
            allowed: complaint.allowed,
            hint: complaint.hint,
        });
    }

    /// Where a file is that the document names: in its folder, unless it begins with `/`. As an absolute path if the
    /// folder is known, so that it means the same wherever it is read again.
    pub(crate) fn path_of(&self, named: &Path) -> PathBuf {
        let path = self.folder.join(named);
        match self.folder.as_os_str().is_empty() {
            true => path,
            false => std::path::absolute(&path).unwrap_or(path),
        }
    }

    /// Notes a fault, unless the same was noted of the same place before.
    pub(crate) fn add_once(&self, place: &Place, found: impl Into<String>, complaint: Complaint) {
        self.add(place, found, complaint);
        let mut faults = self.faults.borrow_mut();
        if let Some((last, before)) = faults.split_last()
            && before.contains(last)
        {
            faults.pop();
        }
    }

    /// Notes that something needed is not there; not for a torn document, where it may only have been unreadable.
    pub(crate) fn missing(&self, place: &Place, complaint: Complaint) {
        if !self.is_torn {
            self.add(place, "nothing", complaint);
        }
    }

    /// The value if there were no faults at all.
    pub(crate) fn verdict<T>(self, value: T) -> Result<T, Faults> {
        let faults = self.faults.into_inner();
        match faults.is_empty() {
            true => Ok(value),
            false => Err(Faults::new(faults)),
        }
    }
}
