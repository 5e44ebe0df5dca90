//! The command of an exec probe.

use crate::item::Item;
use crate::list;
use crate::nearest::nearest;
use crate::place::quoted;
use crate::section::Section;
use crate::word::Complaint;

/// Reads the program and its arguments; `None` if they are not there or cannot be read.
pub(super) fn read(section: &mut Section<'_>) -> Option<Vec<String>> {
    let item = section.get("exec")?;
    let elements = list::filled(&item);
    if elements.len() > ELEMENTS_MAX {
        let found = format!("{} elements", elements.len());
        item.findings.add(
            &item.place,
            found,
            Complaint::new(format!("at most {ELEMENTS_MAX}")),
        );
    }
    let words: Vec<String> = elements
        .iter()
        .enumerate()
        .filter_map(|(nth, element)| word(nth, element))
        .collect();
    if let ([only], false) = (words.as_slice(), elements.is_empty()) {
        not_a_line(&item, only);
    }
    (words.len() == elements.len() && !words.is_empty()).then_some(words)
}

fn word(nth: usize, element: &Item<'_>) -> Option<String> {
    match nth {
        0 => element.word(program),
        _ => element.word(argument),
    }
}

fn program(text: &str) -> Result<String, Complaint> {
    match text.is_empty() {
        true => Err(Complaint::new(EXEC)),
        false => argument(text),
    }
}

fn argument(text: &str) -> Result<String, Complaint> {
    if text.contains('\0') {
        return Err(Complaint::new("a text without NUL"));
    }
    match misspelt(text) {
        Some(known) => {
            let complaint = Complaint::new("{host}, {port}, {address} or {id} for the backend's");
            Err(complaint.hint(format!("perhaps {{{known}}}")))
        }
        None => Ok(text.to_owned()),
    }
}

/// The placeholder that was meant by one that is nearly right. Other braces, and `${...}`, are the command's own.
fn misspelt(text: &str) -> Option<&'static str> {
    let parts: Vec<&str> = text.split('{').collect();
    let mut words = parts.windows(2).filter_map(|pair| {
        let (word, _) = pair[1].split_once('}')?;
        (!pair[0].ends_with('$')).then_some(word)
    });
    words.find_map(|word| nearest(word, &PLACEHOLDERS).filter(|known| *known != word))
}

/// A whole command line in one text would be taken for the name of a program.
fn not_a_line(item: &Item<'_>, only: &str) {
    if item.as_text().is_some() && only.contains(' ') {
        let words: Vec<String> = only.split_whitespace().map(quoted).collect();
        let list = crate::document::shortened(&format!("[{}]", words.join(", ")));
        item.refuse(Complaint::new(EXEC).hint(format!("perhaps {list}")));
    }
}

const EXEC: &str = "a program, or a list of it and its arguments such as [\"./check\", \"{address}\"]";
const PLACEHOLDERS: [&str; 4] = ["host", "port", "address", "id"];
const ELEMENTS_MAX: usize = 64;
