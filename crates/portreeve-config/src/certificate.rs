//! A certificate and its key, as files.

use std::path::PathBuf;

use portreeve_model::plan::CertificatePlan;

use crate::item::Item;
use crate::section::Section;
use crate::word::{self, Complaint};

/// Reads `certificate` and `key`, of which neither is there without the other.
pub(crate) fn read(section: &mut Section<'_>) -> Option<CertificatePlan> {
    let certificate = file(section, "certificate");
    let key = file(section, "key");
    for (there, other) in [("certificate", "key"), ("key", "certificate")] {
        if section.has(there) && !section.has(other) {
            let complaint = Complaint::new(format!("a file in PEM, since {there} is there"));
            section.findings.missing(&section.place_of(other), complaint);
        }
    }
    Some(CertificatePlan {
        certificate: certificate?,
        key: key?,
        ocsp: None,
    })
}

/// The same with `ocsp`, which goes with a certificate only.
pub(crate) fn read_with_ocsp(section: &mut Section<'_>) -> Option<CertificatePlan> {
    let plan = read(section);
    let ocsp = file(section, "ocsp");
    if section.has("ocsp") && !section.has("certificate") {
        section.misfit(
            "ocsp",
            "a staple",
            "such a key beside certificate only: it speaks of that one",
        );
    }
    Some(CertificatePlan { ocsp, ..plan? })
}

/// A file under a known key.
pub(crate) fn file(section: &mut Section<'_>, key: &'static str) -> Option<PathBuf> {
    section.get(key).and_then(|item| file_of(&item))
}

/// The path of a file, in the folder of the file that names it unless it begins with `/`.
pub(crate) fn file_of(item: &Item<'_>) -> Option<PathBuf> {
    item.word(word::path).map(|path| item.findings.path_of(&path))
}
