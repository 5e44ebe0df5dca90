//! The strict reader of JSON bodies: one object, each key once and known, every value of its type and in its bounds.

use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use crate::duration::{duration, show};
use crate::fault::{Fault, FaultKind};
use crate::found;

/// The longest body of a request that is read, in bytes.
pub const BODY_BYTES_MAX: usize = 16 * 1024;

/// A body that was read and whose keys are known; values are taken out one by one.
#[derive(Debug)]
pub(crate) struct Body(Vec<(String, Value)>);

impl Body {
    /// Reads an object with no other keys than `known`.
    pub(crate) fn read(bytes: &[u8], known: &'static [&'static str]) -> Result<Self, Fault> {
        if bytes.len() > BODY_BYTES_MAX {
            return Err(Fault::whole(
                FaultKind::BodyTooLarge,
                format!("a body of {} bytes", bytes.len()),
                format!("at most {BODY_BYTES_MAX}"),
            ));
        }
        let Entries(entries) = serde_json::from_slice(bytes).map_err(|error| not_json(bytes, &error))?;
        for (place, (key, _)) in entries.iter().enumerate() {
            if !known.contains(&key.as_str()) {
                return Err(unknown(key, known));
            }
            if entries[..place].iter().any(|(earlier, _)| earlier == key) {
                return Err(Fault::field(key.clone(), "the key twice", "each key once"));
            }
        }
        Ok(Self(entries))
    }

    /// The same, where no body at all says what `{}` says.
    pub(crate) fn read_or_nothing(bytes: &[u8], known: &'static [&'static str]) -> Result<Self, Fault> {
        match bytes.trim_ascii().is_empty() {
            true => Ok(Self(Vec::new())),
            false => Self::read(bytes, known),
        }
    }

    pub(crate) fn has(&self, key: &str) -> bool {
        self.0.iter().any(|(own, _)| own == key)
    }

    fn take(&mut self, key: &str) -> Option<Value> {
        let place = self.0.iter().position(|(own, _)| own == key)?;
        Some(self.0.swap_remove(place).1)
    }

    /// Takes a value that `read` makes something of; `None` from it: not `allowed`.
    pub(crate) fn value<T>(
        &mut self,
        key: &str,
        allowed: impl Into<String>,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> Result<Option<T>, Fault> {
        let Some(value) = self.take(key) else {
            return Ok(None);
        };
        match read(&value) {
            Some(read) => Ok(Some(read)),
            None => Err(Fault::field(key, found::value(&value), allowed.into())),
        }
    }

    /// A whole number in `bounds`.
    pub(crate) fn number(&mut self, key: &str, bounds: RangeInclusive<u16>) -> Result<Option<u16>, Fault> {
        let allowed = format!("a whole number from {} to {}", bounds.start(), bounds.end());
        self.value(key, allowed, |value| {
            let number = u16::try_from(value.as_u64()?).ok()?;
            bounds.contains(&number).then_some(number)
        })
    }

    pub(crate) fn flag(&mut self, key: &str) -> Result<Option<bool>, Fault> {
        self.value(key, "true or false", Value::as_bool)
    }

    /// A text with a unit or a number of seconds.
    pub(crate) fn duration(
        &mut self,
        key: &str,
        bounds: RangeInclusive<Duration>,
    ) -> Result<Option<Duration>, Fault> {
        let allowed = format!(
            "from {} to {}, as a text with a unit (\"10s\", \"250ms\", \"5m\", \"1h\", \"7d\") or as a number of seconds",
            show(*bounds.start()),
            show(*bounds.end()),
        );
        self.value(key, allowed, |value| {
            let read = match value {
                Value::String(text) => duration(text),
                Value::Number(seconds) => Duration::try_from_secs_f64(seconds.as_f64()?).ok(),
                _ => None,
            };
            read.filter(|duration| bounds.contains(duration))
        })
    }

    /// A text of at most `bytes_max` bytes, which is not empty.
    pub(crate) fn text(&mut self, key: &str, bytes_max: usize) -> Result<Option<String>, Fault> {
        self.value(key, format!("a text of 1 to {bytes_max} bytes"), |value| {
            let text = value.as_str()?;
            (1..=bytes_max).contains(&text.len()).then(|| text.to_owned())
        })
    }

    /// Up to `count_max` texts, none longer than `bytes_max`, none empty, each once.
    pub(crate) fn texts(
        &mut self,
        key: &str,
        count_max: usize,
        bytes_max: usize,
    ) -> Result<Option<Vec<String>>, Fault> {
        let allowed = format!("a list of at most {count_max} texts");
        let list = self.value(key, allowed, |value| match value {
            Value::Array(list) if list.len() <= count_max => Some(list.clone()),
            _ => None,
        })?;
        let Some(list) = list else { return Ok(None) };
        let mut texts = Vec::with_capacity(list.len());
        for (place, value) in list.into_iter().enumerate() {
            texts.push(text(format!("{key}[{place}]"), value, bytes_max, &texts)?);
        }
        Ok(Some(texts))
    }
}

fn text(field: String, value: Value, bytes_max: usize, before: &[String]) -> Result<String, Fault> {
    let shown = found::value(&value);
    match value {
        Value::String(text) if before.contains(&text) => {
            Err(Fault::field(field, format!("{shown} again"), "each text once"))
        }
        Value::String(text) if (1..=bytes_max).contains(&text.len()) => Ok(text),
        _ => Err(Fault::field(
            field,
            shown,
            format!("a text of 1 to {bytes_max} bytes"),
        )),
    }
}

fn not_json(bytes: &[u8], error: &serde_json::Error) -> Fault {
    let found = match bytes.trim_ascii() {
        [] => "an empty body".to_owned(),
        [first, ..] if error.is_data() && *first != b'{' => "JSON of another kind".to_owned(),
        _ => format!("what is no JSON ({})", found::cut(&error.to_string())),
    };
    Fault::whole(FaultKind::NotJson, found, "one JSON object")
}

fn unknown(key: &str, known: &[&str]) -> Fault {
    Fault::field(
        found::cut(key),
        "a key that is not known here",
        format!("any of {}", known.join(", ")),
    )
}

/// All entries of an object, in order, doubles included.
struct Entries(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(Collect)
    }
}

struct Collect;

impl<'de> Visitor<'de> for Collect {
    type Value = Entries;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Entries(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(body: &str) -> String {
        Body::read(body.as_bytes(), &["a", "b"]).unwrap_err().to_string()
    }

    #[test]
    fn only_an_object_of_known_keys_once_each_is_read() {
        Body::read(b" {\"a\": 1, \"b\": {}} ", &["a", "b"]).unwrap();

        assert_eq!(fault(""), "found an empty body, allowed is one JSON object");
        assert_eq!(
            fault("[1]"),
            "found JSON of another kind, allowed is one JSON object"
        );
        assert!(fault("{\"a\":1").contains("no JSON"), "{}", fault("{\"a\":1"));
        assert!(fault("{\"a\":1} {}").contains("no JSON"));
        assert!(
            fault("{\"a\":1e999}").contains("no JSON"),
            "{}",
            fault("{\"a\":1e999}")
        );
        assert_eq!(
            fault("{\"a\":1,\"a\":1}"),
            "a: found the key twice, allowed is each key once"
        );
        assert_eq!(
            fault("{\"c\":1}"),
            "c: found a key that is not known here, allowed is any of a, b"
        );
    }

    #[test]
    fn a_body_is_bounded_in_bytes_and_depth() {
        let spaces = " ".repeat(BODY_BYTES_MAX + 1);
        let fault = Body::read(spaces.as_bytes(), &["a"]).unwrap_err();
        assert_eq!(fault.kind, FaultKind::BodyTooLarge);

        let deep = format!("{{\"a\":{}", "[".repeat(5_000));
        assert_eq!(
            Body::read(deep.as_bytes(), &["a"]).unwrap_err().kind,
            FaultKind::NotJson
        );
    }

    #[test]
    fn a_number_must_be_whole_and_in_bounds() {
        let number = |text: &str| {
            let body = format!("{{\"a\":{text}}}");
            Body::read(body.as_bytes(), &["a"]).unwrap().number("a", 1..=1000)
        };
        assert_eq!(number("1000"), Ok(Some(1000)));
        for wrong in [
            "0",
            "1001",
            "-1",
            "1.5",
            "\"1\"",
            "null",
            "true",
            "[]",
            "{}",
            "99999999999999999999",
        ] {
            let fault = number(wrong).unwrap_err();
            assert_eq!(fault.field.as_deref(), Some("a"));
            assert_eq!(fault.allowed, "a whole number from 1 to 1000");
        }
    }

    #[test]
    fn a_duration_is_a_text_with_a_unit_or_seconds() {
        let read = |text: &str| {
            let body = format!("{{\"a\":{text}}}");
            let mut body = Body::read(body.as_bytes(), &["a"]).unwrap();
            body.duration("a", Duration::from_millis(100)..=Duration::from_secs(60))
        };
        assert_eq!(read("\"250ms\""), Ok(Some(Duration::from_millis(250))));
        assert_eq!(read("10"), Ok(Some(Duration::from_secs(10))));
        assert_eq!(read("0.5"), Ok(Some(Duration::from_millis(500))));
        for wrong in [
            "0", "61", "-1", "1e300", "\"10\"", "\"soon\"", "\"2h\"", "null", "[1]",
        ] {
            let fault = read(wrong).unwrap_err().to_string();
            assert!(fault.contains("from 100ms to 1m"), "{fault}");
        }
    }

    #[test]
    fn texts_are_bounded_in_number_and_length_and_stand_once() {
        let read = |text: &str| {
            let body = format!("{{\"a\":{text}}}");
            Body::read(body.as_bytes(), &["a"]).unwrap().texts("a", 2, 3)
        };
        assert_eq!(read("[]"), Ok(Some(Vec::new())));
        assert_eq!(read("[\"eu\",\"us\"]"), Ok(Some(vec!["eu".into(), "us".into()])));
        let place = |text| read(text).unwrap_err().field.unwrap();
        assert_eq!(place("[\"a\",\"b\",\"c\"]"), "a");
        assert_eq!(place("\"eu\""), "a");
        assert_eq!(place("[\"a\",1]"), "a[1]");
        assert_eq!(place("[\"\"]"), "a[0]");
        assert_eq!(place("[\"eu\",\"eu\"]"), "a[1]");
        assert_eq!(place("[\"long\"]"), "a[0]");
    }
}
