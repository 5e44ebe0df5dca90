//! A table with known keys. It remembers which keys were asked for, so that in the end it can name the unknown ones.

use std::time::Duration;

use portreeve_model::plan::Name;
use toml::de::DeTable;

use crate::duration;
use crate::findings::Findings;
use crate::item::Item;
use crate::nearest::nearest;
use crate::place::{Place, quoted};
use crate::quantity::Quantity;
use crate::word::{self, Complaint, Word, alternatives};

/// A table, or nothing where one may be left out.
#[derive(Debug)]
pub(crate) struct Section<'a> {
    pub(crate) place: Place,
    table: Option<&'a DeTable<'a>>,
    pub(crate) findings: &'a Findings,
    asked: Vec<&'static str>,
}

impl<'a> Section<'a> {
    pub(crate) fn new(place: Place, table: Option<&'a DeTable<'a>>, findings: &'a Findings) -> Self {
        Self {
            place,
            table,
            findings,
            asked: Vec::new(),
        }
    }

    /// Whether it was left out.
    pub(crate) fn is_absent(&self) -> bool {
        self.table.is_none()
    }

    /// The value of a known key.
    pub(crate) fn get(&mut self, key: &'static str) -> Option<Item<'a>> {
        self.asked.push(key);
        let value = self.table?.get(key)?;
        Some(Item::new(self.place_of(key), value.get_ref(), self.findings))
    }

    /// Whether a key is there.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.table.is_some_and(|table| table.contains_key(key))
    }

    /// Where a key stands, or the section if it is not there.
    pub(crate) fn place_of(&self, key: &str) -> Place {
        let found = self.table.and_then(|table| table.get_key_value(key));
        let line = found.map_or(self.place.line, |(key, _)| {
            self.findings.lines.line(key.span().start)
        });
        self.place.child(key, line)
    }

    /// The value of a known key that must be there.
    pub(crate) fn need(&mut self, key: &'static str, allowed: &str) -> Option<Item<'a>> {
        let item = self.get(key);
        if item.is_none() {
            self.findings
                .missing(&self.place_of(key), Complaint::new(allowed));
        }
        item
    }

    /// A word under a known key.
    pub(crate) fn word<T>(&mut self, key: &'static str, read: Word<T>) -> Option<T> {
        self.get(key)?.word(read)
    }

    /// A switch; the target keeps its default if the key is not there.
    pub(crate) fn switch(&mut self, key: &'static str, into: &mut bool) {
        *into = self.get(key).and_then(|item| item.switch()).unwrap_or(*into);
    }

    /// A quantity; the target keeps its default if the key is not there.
    pub(crate) fn quantity<T>(&mut self, key: &'static str, quantity: &Quantity<T>, into: &mut T)
    where
        T: Copy + PartialOrd,
    {
        *into = self
            .get(key)
            .and_then(|item| quantity.read(&item))
            .unwrap_or(*into);
    }

    /// A quantity or `off`; the target keeps its default if the key is not there.
    pub(crate) fn quantity_or_off<T>(
        &mut self,
        key: &'static str,
        quantity: &Quantity<T>,
        into: &mut Option<T>,
    ) where
        T: Copy + PartialOrd,
    {
        *into = self
            .get(key)
            .and_then(|item| quantity.read_or_off(&item))
            .unwrap_or(*into);
    }

    /// A section below this one; absent if the key is.
    pub(crate) fn section(&mut self, key: &'static str) -> Section<'a> {
        match self.get(key) {
            Some(item) => item.section(Complaint::new(format!("a section [{}]", item.place.key))),
            None => Section::new(self.place_of(key), None, self.findings),
        }
    }

    /// A section below this one, or what a switch in its place says; absent if it is a switch.
    pub(crate) fn section_or_switch(&mut self, key: &'static str) -> (Section<'a>, Option<bool>) {
        let item = self.get(key);
        let absent = Section::new(self.place_of(key), None, self.findings);
        let Some(item) = item else {
            return (absent, None);
        };
        match item.as_bool() {
            Some(switch) => (absent, Some(switch)),
            None => {
                let complaint = Complaint::new(format!("false, or a section [{}]", item.place.key));
                (item.section(complaint), None)
            }
        }
    }

    /// Notes that what stands under a key does not go with what stands elsewhere.
    pub(crate) fn misfit(&self, key: &str, found: impl Into<String>, allowed: impl Into<String>) {
        self.findings
            .add(&self.place_of(key), found, Complaint::new(allowed));
    }

    /// Notes a time that is longer than one it lies within. What is not said is not at fault.
    pub(crate) fn time_within(&self, key: &str, time: Duration, bound: &str, most: Duration) {
        if time > most && self.has(key) {
            let allowed = format!("at most {bound}, which is {}", quoted(&duration::show(most)));
            self.misfit(key, quoted(&duration::show(time)), allowed);
        }
    }

    /// Notes it unless exactly one of these keys is there; `noun` is what each of them is.
    pub(crate) fn exactly_one(&self, keys: &[&str], noun: &str, hint: &str) {
        let given: Vec<&str> = keys.iter().copied().filter(|key| self.has(key)).collect();
        let keys: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
        let one = Complaint::new(format!("one of {}", alternatives(&keys)));
        match given[..] {
            [] => self.findings.missing(&self.place, one),
            [_] => {}
            [first, second, ..] => self.findings.add(
                &self.place_of(second),
                format!("a second {noun} beside {first}"),
                one.hint(hint),
            ),
        }
    }

    /// The sections `[key.NAME]`, in the order of the file.
    pub(crate) fn named(&mut self, key: &'static str) -> Vec<(Name, Section<'a>)> {
        self.named_by(key, word::name)
    }

    /// The sections `[key.NAME]`, in the order of the file; a name that the reader of names refuses is a fault.
    pub(crate) fn named_by<T>(&mut self, key: &'static str, read_name: Word<T>) -> Vec<(Name, Section<'a>)> {
        let Some(item) = self.get(key) else {
            return Vec::new();
        };
        let complaint = Complaint::new(format!("sections with names, as in [{}.NAME]", item.place.key));
        let Some(entries) = item.entries() else {
            item.refuse(complaint);
            return Vec::new();
        };
        for (name, entry) in &entries {
            check_name(read_name(name), name, entry);
        }
        entries
            .into_iter()
            .map(|(name, entry)| (Name::from(name), entry.section(complaint.clone())))
            .collect()
    }

    /// Notes each key that was never asked for. `below` are the keys of the sections below, to say where a key
    /// that stands too high belongs. Gives back the keys of this section.
    pub(crate) fn finish(self, below: &[(&str, &[&'static str])]) -> Vec<&'static str> {
        let unknown = self
            .table
            .into_iter()
            .flat_map(|table| table.keys())
            .filter(|key| {
                let key: &str = key.get_ref().as_ref();
                !self.asked.contains(&key)
            });
        for key in unknown {
            let place = self.place_of(key.get_ref());
            self.findings
                .add(&place, "an unknown key", self.unknown(key.get_ref(), below));
        }
        self.asked
    }

    fn unknown(&self, key: &str, below: &[(&str, &[&'static str])]) -> Complaint {
        let known: Vec<String> = self.asked.iter().map(|key| (*key).to_owned()).collect();
        let complaint = Complaint::new(alternatives(&known));
        if let Some((section, _)) = below.iter().find(|(_, keys)| keys.contains(&key)) {
            return complaint.hint(format!("it belongs under [{}.{section}]", self.place.key));
        }
        if TOP.contains(&key) {
            return complaint.hint("it belongs at the top of the file, before the first [section]");
        }
        match nearest(key, &self.asked) {
            Some(word) => complaint.hint(format!("perhaps {word}")),
            None => complaint,
        }
    }
}

fn check_name<T>(answer: Result<T, Complaint>, name: &str, entry: &Item<'_>) {
    if let Err(complaint) = answer {
        let found = format!("the name {}", quoted(&crate::document::shortened(name)));
        entry.findings.add(&entry.place, found, complaint);
    }
}

/// The keys at the top of the file, which often slip into the section before them.
pub(crate) const TOP: &[&str] = &["threads", "state", "drain_timeout", "log", "zone"];
