//! What is wrong with a body or path from outside.

use std::borrow::Cow;
use std::fmt;

/// Something that cannot be read, told so that its writer can mend it. Bounded in length and free of control
/// characters, whatever was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What kind of thing.
    pub kind: FaultKind,
    /// Where: the key, with its place in a list (`policies[2]`); `None`: the body as a whole.
    pub field: Option<String>,
    /// What was found there.
    pub found: String,
    /// What may stand there.
    pub allowed: Cow<'static, str>,
}

/// The kinds of faults, a closed list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FaultKind {
    /// The body is no JSON, or not a JSON object.
    NotJson,
    /// A field is unknown, missing, there twice, of the wrong type or out of its bounds.
    BadField,
    /// The body is longer than [`BODY_BYTES_MAX`](crate::BODY_BYTES_MAX).
    BodyTooLarge,
    /// The path names nothing of this API.
    BadPath,
}

impl FaultKind {
    /// All of them, in their order.
    pub const ALL: [Self; 4] = [Self::NotJson, Self::BadField, Self::BodyTooLarge, Self::BadPath];

    /// Its name in problems, as `cause`.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::NotJson => "not_json",
            Self::BadField => "bad_field",
            Self::BodyTooLarge => "body_too_large",
            Self::BadPath => "bad_path",
        }
    }

    /// The HTTP status it is answered with.
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            Self::NotJson | Self::BadField => 400,
            Self::BodyTooLarge => 413,
            Self::BadPath => 404,
        }
    }
}

impl Fault {
    /// A field that holds what it may not.
    #[must_use]
    pub fn field(
        field: impl Into<String>,
        found: impl Into<String>,
        allowed: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            kind: FaultKind::BadField,
            field: Some(field.into()),
            found: found.into(),
            allowed: allowed.into(),
        }
    }

    /// A body or path that is wrong as a whole.
    pub(crate) fn whole(
        kind: FaultKind,
        found: impl Into<String>,
        allowed: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            kind,
            field: None,
            found: found.into(),
            allowed: allowed.into(),
        }
    }
}

/// `weight: found 5000, allowed is a whole number from 1 to 1,000`.
impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(field) = &self.field {
            write!(out, "{field}: ")?;
        }
        write!(out, "found {}, allowed is {}", self.found, self.allowed)
    }
}

impl std::error::Error for Fault {}
