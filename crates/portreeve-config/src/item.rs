//! One value of the document, with its place: every way to read it that notes a fault when it is something else.

use toml::Spanned;
use toml::de::DeValue;

use crate::document::shortened;
use crate::findings::Findings;
use crate::place::{Place, quoted};
use crate::section::Section;
use crate::word::{Complaint, Word};

/// One value and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Item<'a> {
    pub(crate) place: Place,
    value: &'a DeValue<'a>,
    pub(crate) findings: &'a Findings,
}

impl<'a> Item<'a> {
    pub(crate) fn new(place: Place, value: &'a DeValue<'a>, findings: &'a Findings) -> Self {
        Self {
            place,
            value,
            findings,
        }
    }

    /// Notes that this value is a fault.
    pub(crate) fn refuse(&self, complaint: Complaint) {
        self.findings.add(&self.place, shown(self.value), complaint);
    }

    /// The text, if it is one.
    pub(crate) fn as_text(&self) -> Option<&'a str> {
        self.value.as_str()
    }

    /// Whether it is `true`, `false`, or neither.
    pub(crate) fn as_bool(&self) -> Option<bool> {
        self.value.as_bool()
    }

    /// Whether it is a table.
    pub(crate) fn is_table(&self) -> bool {
        self.value.is_table()
    }

    /// A text that the reader of words accepts.
    pub(crate) fn word<T>(&self, read: Word<T>) -> Option<T> {
        self.accepted(self.as_text().map_or_else(|| Err(not_text(read)), read))
    }

    /// Whether it is a list.
    pub(crate) fn is_list(&self) -> bool {
        self.value.is_array()
    }

    /// `true` or `false`.
    pub(crate) fn switch(&self) -> Option<bool> {
        let complaint = || Complaint::new("true or false, without quotes");
        self.accepted(self.as_bool().ok_or_else(complaint))
    }

    /// A whole number that is not negative.
    pub(crate) fn integer(&self) -> Option<u64> {
        let integer = self.value.as_integer()?;
        u64::from_str_radix(integer.as_str(), integer.radix()).ok()
    }

    /// The digits of a number, perhaps with a point.
    pub(crate) fn decimal(&self) -> Option<String> {
        match self.value {
            DeValue::Float(number) => Some(number.as_str().replace('_', "")),
            _ => self.integer().map(|whole| whole.to_string()),
        }
    }

    /// The elements if it is a list, else itself alone.
    pub(crate) fn each(&self) -> Vec<Item<'a>> {
        match self.value {
            DeValue::Array(list) => list
                .iter()
                .enumerate()
                .map(|(index, value)| self.element(index, value))
                .collect(),
            _ => vec![self.clone()],
        }
    }

    /// The keys and values of a table, in the order of the file; `None` if it is no table.
    pub(crate) fn entries(&self) -> Option<Vec<(&'a str, Item<'a>)>> {
        let table = self.value.as_table()?;
        let mut entries: Vec<_> = table.iter().collect();
        entries.sort_by_key(|(key, _)| key.span().start);
        Some(
            entries
                .into_iter()
                .map(|(key, value)| (key.get_ref().as_ref(), self.below(key, value)))
                .collect(),
        )
    }

    /// The table as a section with known keys; the complaint is noted if it is none.
    pub(crate) fn section(&self, complaint: Complaint) -> Section<'a> {
        if !self.is_table() {
            self.refuse(complaint);
        }
        Section::new(self.place.clone(), self.value.as_table(), self.findings)
    }

    fn element(&self, index: usize, value: &'a Spanned<DeValue<'a>>) -> Item<'a> {
        let line = self.findings.lines.line(value.span().start);
        Item {
            place: self.place.element(index, line),
            value: value.get_ref(),
            findings: self.findings,
        }
    }

    fn below<K: AsRef<str>>(&self, key: &'a Spanned<K>, value: &'a Spanned<DeValue<'a>>) -> Item<'a> {
        let line = self.findings.lines.line(key.span().start);
        let place = self.place.child(key.get_ref().as_ref(), line);
        Item {
            place,
            value: value.get_ref(),
            findings: self.findings,
        }
    }

    fn accepted<T>(&self, answer: Result<T, Complaint>) -> Option<T> {
        answer.map_err(|complaint| self.refuse(complaint)).ok()
    }
}

/// What a reader of words accepts, for a value that is no text at all.
fn not_text<T>(read: Word<T>) -> Complaint {
    Complaint::new(
        read("")
            .err()
            .map_or_else(|| "a text".to_owned(), |complaint| complaint.allowed),
    )
    .hint("in quotes")
}

/// A value as a fault shows it.
fn shown(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => quoted(&shortened(text)),
        DeValue::Integer(number) => shortened(&number.to_string()),
        DeValue::Float(number) => shortened(number.as_str()),
        DeValue::Boolean(switch) => switch.to_string(),
        DeValue::Datetime(moment) => moment.to_string(),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}
