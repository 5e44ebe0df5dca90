//! `page` of `[pool.NAME.hold]`: what a browser is shown instead of waiting.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use portreeve_model::plan::WaitingPage;

use crate::item::Item;
use crate::word::{self, Complaint};

/// Reads `true`, `false`, a path, or a table with the page itself; a file is read at once.
pub(super) fn read(item: &Item<'_>) -> Option<WaitingPage> {
    match (item.as_bool(), item.as_text()) {
        (Some(is_ours), _) => is_ours.then_some(WaitingPage::Ours),
        (None, Some(path)) => of_file(item, path),
        (None, None) if item.is_table() => in_line(item),
        (None, None) => {
            item.refuse(Complaint::new(PAGE));
            None
        }
    }
}

fn in_line(item: &Item<'_>) -> Option<WaitingPage> {
    let mut section = item.section(Complaint::new(PAGE));
    let html = section.need("html", HTML).and_then(|html| html.word(html_of));
    section.finish(&[]);
    html.map(|html| WaitingPage::Of(html.into()))
}

fn html_of(text: &str) -> Result<String, Complaint> {
    match !text.trim().is_empty() && text.len() <= PAGE_BYTES_MAX {
        true => Ok(text.to_owned()),
        false => Err(Complaint::new(HTML)),
    }
}

fn of_file(item: &Item<'_>, path: &str) -> Option<WaitingPage> {
    if word::path(path).is_err() {
        item.refuse(Complaint::new(PAGE));
        return None;
    }
    let path = item.findings.folder.join(path);
    match html_in(&path) {
        Ok(html) => Some(WaitingPage::Of(html.into())),
        Err(why) => {
            item.refuse(Complaint::new(FILE).hint(why));
            None
        }
    }
}

/// The text of a file, or why it cannot be shown.
fn html_in(path: &Path) -> Result<String, String> {
    let shown = path.display();
    let bytes = bytes(path).map_err(|error| format!("{shown}: {error}"))?;
    if bytes.len() > PAGE_BYTES_MAX {
        return Err(format!("{shown}: it is larger than 256 KiB"));
    }
    match String::from_utf8(bytes) {
        Ok(text) if text.trim().is_empty() => Err(format!("{shown}: it is empty")),
        Ok(text) => Ok(text),
        Err(error) => {
            let (valid, bytes) = (error.utf8_error().valid_up_to(), error.as_bytes());
            let line = 1 + bytes[..valid].iter().filter(|byte| **byte == b'\n').count();
            let byte = bytes.get(valid).copied().unwrap_or_default();
            Err(format!("{shown}:{line}: the byte 0x{byte:02x} is not UTF-8"))
        }
    }
}

/// One byte more than allowed at most. Of a pipe or a device nothing: that could take for ever.
fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    if !path.metadata()?.is_file() {
        return Err(io::Error::other("it is not a plain file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?
        .take(PAGE_BYTES_MAX as u64 + 1)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

const PAGE: &str =
    "true, false, a path such as \"waiting.html\", or a table such as { html = \"<p>One moment\" }";
const FILE: &str = "a file of HTML in UTF-8, at most 256 KiB";
const HTML: &str = "HTML of 1 byte to 256 KiB";
const PAGE_BYTES_MAX: usize = 256 << 10;
