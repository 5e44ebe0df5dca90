//! Keys and values that differ from the defaults, as a section or as a table within a line.

use std::time::Duration;

use super::Text;
use crate::place::quoted;
use crate::{duration, size, status};

/// Keys and values that differ from the defaults.
#[derive(Debug, Default)]
pub(super) struct Said(Vec<(&'static str, String)>);

impl Said {
    /// Says a key and a value that is TOML already.
    pub(super) fn value(&mut self, key: &'static str, value: String) {
        self.0.push((key, value));
    }

    /// Says it unless it is as by default.
    pub(super) fn unless<T: Copy + PartialEq>(
        &mut self,
        key: &'static str,
        own: T,
        plain: T,
        show: impl Fn(T) -> String,
    ) {
        if own != plain {
            self.value(key, show(own));
        }
    }

    /// Says it if there is anything.
    pub(super) fn some<T>(&mut self, key: &'static str, own: Option<T>, show: impl Fn(T) -> String) {
        if let Some(own) = own {
            self.value(key, show(own));
        }
    }

    /// Says a switch that is on, where off is the default.
    pub(super) fn on(&mut self, key: &'static str, is_on: bool) {
        if is_on {
            self.value(key, "true".to_owned());
        }
    }

    /// How much is said.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// `{ key = value, ... }`.
    pub(super) fn table(self) -> String {
        let pairs: Vec<String> = self
            .0
            .into_iter()
            .map(|(key, value)| format!("{key} = {value}"))
            .collect();
        inline(&pairs)
    }

    /// A section, if there is anything to say.
    pub(super) fn write(self, file: &mut Text, section: &[&str]) {
        if !self.0.is_empty() {
            self.write_always(file, section);
        }
    }

    /// A section, even an empty one.
    pub(super) fn write_always(self, file: &mut Text, section: &[&str]) {
        file.section(section);
        for (key, value) in self.0 {
            file.value(key, value);
        }
    }
}

/// `{ key = value, ... }`, of pairs that are TOML already.
pub(super) fn inline(pairs: &[String]) -> String {
    format!("{{ {} }}", pairs.join(", "))
}

/// One value, or a list of none or several.
pub(super) fn one_or_list(values: &[String]) -> String {
    match values {
        [only] => only.clone(),
        others => format!("[{}]", others.join(", ")),
    }
}

pub(super) fn percent(percent: u8) -> String {
    quoted(&format!("{percent}%"))
}

/// Statuses, one entry or a list.
pub(super) fn statuses(ranges: &[(u16, u16)]) -> String {
    let shown: Vec<String> = ranges.iter().map(|range| status::show(*range)).collect();
    one_or_list(&shown)
}

pub(super) fn number(number: impl Into<u64>) -> String {
    number.into().to_string()
}

pub(super) fn bytes(bytes: impl Into<u64>) -> String {
    size::show(bytes.into())
}

pub(super) fn time(time: Duration) -> String {
    quoted(&duration::show(time))
}

pub(super) fn or_off<T>(limit: Option<T>, show: impl Fn(T) -> String) -> String {
    limit.map_or_else(|| quoted("off"), show)
}
