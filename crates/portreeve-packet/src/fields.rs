use std::ops::Range;

use crate::fault::Fault;
use crate::key::Key;
use crate::limits::Limits;
use crate::members::Members;
use crate::scan;
use crate::text::Text;
use crate::value::{Rule, Value};

/// A packet's fields that we know, by key; each is judged when it is asked for.
#[derive(Debug)]
pub(crate) struct Fields<'a> {
    raw: &'a str,
    found: [Found; Key::COUNT],
}

#[derive(Debug, Clone, Default)]
enum Found {
    #[default]
    Missing,
    Once(Range<usize>),
    Repeated,
}

impl<'a> Fields<'a> {
    /// Reads `bytes`, which must be one JSON object within the limits.
    pub(crate) fn read(bytes: &'a [u8], limits: &Limits) -> Result<Self, Fault> {
        let object = object(bytes, limits)?;
        let mut fields = Self {
            raw: object,
            found: Default::default(),
        };
        for (place, member) in Members::of(object).enumerate() {
            if place == limits.fields_max {
                return Err(Fault::bad(format!(
                    "the packet has more than {} fields, the most that is allowed",
                    limits.fields_max
                )));
            }
            if let Some(key) = member.key(object) {
                fields.found[key as usize].add(member.value);
            }
        }
        Ok(fields)
    }

    /// The packet, without white space around it.
    pub(crate) fn raw(&self) -> &'a str {
        self.raw
    }

    /// The field's value, if it is there.
    ///
    /// # Errors
    /// When it is there twice: readers differ in which one they believe.
    pub(crate) fn optional(&self, key: Key) -> Result<Option<Value<'a>>, Fault> {
        match &self.found[key as usize] {
            Found::Missing => Ok(None),
            Found::Once(range) => Ok(Some(self.value(key, range.clone()))),
            Found::Repeated => Err(Fault::bad(format!(
                "{}: found more than once; allowed: once",
                key.name()
            ))),
        }
    }

    /// The field's value.
    ///
    /// # Errors
    /// Also when it is missing.
    pub(crate) fn required(&self, key: Key) -> Result<Value<'a>, Fault> {
        self.optional(key)?
            .ok_or_else(|| Fault::bad(format!("{}: missing", key.name())))
    }

    /// The policy, by either of its two keys; `usual` is the one that this type of packet has, and the other need not be
    /// the same bytes, but must be the same policy.
    pub(crate) fn policy(&self, usual: Key) -> Result<Text, Fault> {
        let [first, second] = [Key::PrivPoliId, Key::PrivPolyId].map(|key| self.policy_at(key));
        match (first?, second?) {
            (Some(first), Some(second)) if first.of(self.raw) != second.of(self.raw) => {
                Err(Fault::bad(format!(
                    "privPoliId and privPolyId: found {:?} and {:?}; allowed: one of them, or both the same",
                    first.of(self.raw),
                    second.of(self.raw)
                )))
            }
            (Some(policy), _) | (None, Some(policy)) => Ok(policy),
            (None, None) => Err(Fault::bad(format!("{}: missing", usual.name()))),
        }
    }

    fn policy_at(&self, key: Key) -> Result<Option<Text>, Fault> {
        let value = self.optional(key)?;
        value.map(|value| value.name(Rule::Policy)).transpose()
    }

    fn value(&self, key: Key, range: Range<usize>) -> Value<'a> {
        Value {
            key,
            raw: &self.raw[range.clone()],
            range,
        }
    }
}

impl Found {
    fn add(&mut self, range: Range<usize>) {
        *self = match self {
            Self::Missing => Self::Once(range),
            Self::Once(_) | Self::Repeated => Self::Repeated,
        };
    }
}

fn object<'a>(bytes: &'a [u8], limits: &Limits) -> Result<&'a str, Fault> {
    let value = scan::value_in(bytes)?;
    if !value.text.starts_with('{') {
        return Err(Fault::bad(format!(
            "found {}; a packet is a JSON object",
            kind(value.text)
        )));
    }
    if value.text.len() > limits.packet_bytes_max {
        return Err(Fault::too_large(format!(
            "the packet has {} bytes; allowed: {}",
            value.text.len(),
            limits.packet_bytes_max
        )));
    }
    if value.depth > limits.depth_max {
        return Err(Fault::bad(format!(
            "objects and arrays are nested {} levels deep; allowed: {}",
            value.depth, limits.depth_max
        )));
    }
    Ok(value.text)
}

/// What a JSON value is, by its first byte.
fn kind(value: &str) -> &'static str {
    match value.as_bytes() {
        [b'{', ..] => "an object",
        [b'[', ..] => "an array",
        [b'"', ..] => "a string",
        [b't' | b'f', ..] => "a truth value",
        [b'n', ..] => "null",
        _ => "a number",
    }
}
