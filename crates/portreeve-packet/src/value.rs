use std::borrow::Cow;
use std::ops::Range;

use crate::fault::Fault;
use crate::key::Key;
use crate::text::{self, Text};

/// The value of a field that we read: which, and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Value<'a> {
    pub(crate) key: Key,
    pub(crate) range: Range<usize>,
    /// As it is written.
    pub(crate) raw: &'a str,
}

/// What a name may look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rule {
    /// A server that registers.
    Id,
    Policy,
    /// A peer as it calls itself in requests and acknowledgements, which nothing is decided by.
    Peer,
}

impl<'a> Value<'a> {
    /// What is neither missing nor of the wrong type, but still not allowed.
    pub(crate) fn refuse(&self, allowed: &str) -> Fault {
        Fault::bad(format!(
            "{}: found {}; allowed: {allowed}",
            self.key.name(),
            excerpt(self.raw)
        ))
    }

    /// The same without showing what was found.
    fn refuse_secret(&self, allowed: &str) -> Fault {
        Fault::bad(format!(
            "{}: not as it should be; allowed: {allowed}",
            self.key.name()
        ))
    }

    /// The text of a string.
    pub(crate) fn text(&self) -> Result<Cow<'a, str>, Fault> {
        if !self.is_string() {
            return Err(self.refuse("a string"));
        }
        text::decode(text::unquoted(self.raw))
            .map_err(|_| self.refuse("text; this has half of a surrogate pair, which is none"))
    }

    /// The same, not copied where that can be helped.
    pub(crate) fn text_in_place(&self) -> Result<Text, Fault> {
        Ok(self.in_place(self.text()?))
    }

    /// A name: a string, or a whole number, which counts as the string of its digits.
    pub(crate) fn name(&self, rule: Rule) -> Result<Text, Fault> {
        let name = match self.integer() {
            Some(integer) => Cow::Borrowed(integer),
            None if self.is_string() => self.text()?,
            None => return Err(self.refuse(rule.allowed())),
        };
        match rule.accepts(&name) {
            true if self.is_string() => Ok(self.in_place(name)),
            true => Ok(Text::Own(name.into())),
            false => Err(self.refuse(rule.allowed())),
        }
    }

    /// A whole number, or a string of its digits, from 1 to `max`.
    pub(crate) fn count(&self, max: u64) -> Result<u64, Fault> {
        let refusal = || self.refuse(&format!("a whole number from 1 to {max}"));
        let digits = self.digits().ok_or_else(refusal)?;
        let number: u64 = digits.parse().map_err(|_| refusal())?;
        (1..=max).contains(&number).then_some(number).ok_or_else(refusal)
    }

    /// A string of 1 to `max` visible ASCII characters; `is_secret` keeps it out of the fault.
    pub(crate) fn word(&self, max: usize, is_secret: bool) -> Result<String, Fault> {
        let word = if self.is_string() { self.text().ok() } else { None };
        let sound = |word: &Cow<'_, str>| {
            (1..=max).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_graphic())
        };
        let allowed = format!("a string of 1 to {max} visible ASCII characters");
        match word.filter(sound) {
            Some(word) => Ok(word.into_owned()),
            None if is_secret => Err(self.refuse_secret(&allowed)),
            None => Err(self.refuse(&allowed)),
        }
    }

    pub(crate) fn is_string(&self) -> bool {
        self.raw.starts_with('"')
    }

    /// The digits of a whole number with no fraction and no exponent, however large. JSON allows no leading zeros;
    /// -0 is 0.
    fn integer(&self) -> Option<&'a str> {
        let digits = self.raw.strip_prefix('-').unwrap_or(self.raw);
        let is_integer = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
        is_integer.then_some(if digits == "0" { digits } else { self.raw })
    }

    /// The digits of a number or string that has nothing else.
    fn digits(&self) -> Option<&'a str> {
        let text = if self.is_string() {
            text::unquoted(self.raw)
        } else {
            self.raw
        };
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        (is_number && (text == "0" || !text.starts_with('0'))).then_some(text)
    }

    /// `text`, this string's, as a stretch of the packet if it stands there letter by letter.
    fn in_place(&self, text: Cow<'a, str>) -> Text {
        match text {
            Cow::Borrowed(_) => Text::In(self.range.start + 1..self.range.end - 1),
            Cow::Owned(text) => Text::Own(text.into()),
        }
    }
}

impl Rule {
    fn accepts(self, name: &str) -> bool {
        let is_allowed = |letter: char| match self {
            _ if letter.is_control() => false,
            Self::Id => !matches!(letter, ',' | '@' | '/'),
            Self::Policy => letter != ',',
            Self::Peer => true,
        };
        let is_trimmed = self == Self::Peer || name.trim() == name;
        (1..=NAME_BYTES_MAX).contains(&name.len()) && is_trimmed && name.chars().all(is_allowed)
    }

    fn allowed(self) -> &'static str {
        match self {
            Self::Id => {
                "a whole number, or text of 1 to 64 bytes without control characters, commas, '@', '/' or spaces around it"
            }
            Self::Policy => {
                "a whole number, or text of 1 to 64 bytes without control characters, commas or spaces around it"
            }
            Self::Peer => "a whole number, or text of 1 to 64 bytes without control characters",
        }
    }
}

/// Enough of what was found to know it again.
fn excerpt(raw: &str) -> Cow<'_, str> {
    if raw.len() <= EXCERPT_BYTES_MAX {
        return Cow::Borrowed(raw);
    }
    let end = raw.floor_char_boundary(EXCERPT_BYTES_MAX);
    Cow::Owned(format!("{}... ({} bytes)", &raw[..end], raw.len()))
}

const NAME_BYTES_MAX: usize = 64;
const EXCERPT_BYTES_MAX: usize = 40;
