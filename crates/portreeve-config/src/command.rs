//! Commands: a program and its arguments, with placeholders.

use crate::item::Item;
use crate::list;
use crate::nearest::nearest;
use crate::place::quoted;
use crate::word::Complaint;

/// What a command under some key may be.
#[derive(Debug)]
pub(crate) struct Command {
    /// What may stand there.
    pub(crate) allowed: &'static str,
    /// Without braces.
    pub(crate) placeholders: &'static [&'static str],
    /// What they stand for, for whoever misspells one.
    pub(crate) known: &'static str,
    /// Whether a program without arguments may stand there as a text.
    pub(crate) may_be_text: bool,
}

impl Command {
    /// Reads the program and its arguments; `None`, and a fault, if they cannot be read.
    pub(crate) fn read(&self, item: &Item<'_>) -> Option<Vec<String>> {
        if !self.may_be_text && !item.is_list() {
            self.refuse_line(item, item.as_text().unwrap_or_default());
            return None;
        }
        let elements = list::filled(item);
        few(item, elements.len());
        let words: Vec<String> = elements
            .iter()
            .enumerate()
            .filter_map(|(nth, element)| self.word(nth, element))
            .collect();
        if let Some(line) = item.as_text().filter(|line| line.contains(' ')) {
            self.refuse_line(item, line);
        }
        (words.len() == elements.len() && !words.is_empty()).then_some(words)
    }

    /// The program is never empty.
    fn word(&self, nth: usize, element: &Item<'_>) -> Option<String> {
        let text = element.as_text();
        let complaint = match text {
            None => Some(Complaint::new(self.of_word(nth)).hint("in quotes")),
            Some("") if nth == 0 => Some(Complaint::new(self.allowed)),
            Some(text) if text.contains('\0') => Some(Complaint::new(NO_NUL)),
            Some(text) => self.misspelt(text),
        };
        match complaint {
            Some(complaint) => {
                element.refuse(complaint);
                None
            }
            None => text.map(str::to_owned),
        }
    }

    fn of_word(&self, nth: usize) -> &'static str {
        match nth {
            0 => self.allowed,
            _ => "a text",
        }
    }

    /// The placeholder that was meant by one that is nearly right. Other braces, and `${...}`, are the command's own.
    fn misspelt(&self, text: &str) -> Option<Complaint> {
        let parts: Vec<&str> = text.split('{').collect();
        let mut words = parts.windows(2).filter_map(|pair| {
            let (word, _) = pair[1].split_once('}')?;
            (!pair[0].ends_with('$')).then_some(word)
        });
        let meant = |word: &str| nearest(word, self.placeholders).filter(|known| *known != word);
        let known = words.find_map(meant)?;
        Some(Complaint::new(self.known).hint(format!("perhaps {{{known}}}")))
    }

    /// A whole command line in one text would be taken for the name of a program.
    fn refuse_line(&self, item: &Item<'_>, line: &str) {
        let words: Vec<String> = line.split_whitespace().map(quoted).collect();
        let complaint = Complaint::new(self.allowed);
        item.refuse(match words.is_empty() {
            true => complaint,
            false => {
                let list = crate::document::shortened(&format!("[{}]", words.join(", ")));
                complaint.hint(format!("perhaps {list}"))
            }
        });
    }

    /// A text with placeholders, such as the value of a variable.
    pub(crate) fn text(&self, item: &Item<'_>) -> Option<String> {
        self.word(1, item)
    }
}

fn few(item: &Item<'_>, count: usize) {
    if count > ELEMENTS_MAX {
        let most = Complaint::new(format!("at most {ELEMENTS_MAX}"));
        item.findings.add(&item.place, format!("{count} elements"), most);
    }
}

const NO_NUL: &str = "a text without NUL";
const ELEMENTS_MAX: usize = 64;
