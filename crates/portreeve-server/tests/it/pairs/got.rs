//! What a client got, whatever it speaks: printed, so that pairs can be compared.

use std::fmt;

use super::told::{kept, shown};

/// An answer as far as it came.
#[derive(Debug, Default)]
pub(super) struct Got {
    /// Interim ones, with what they link.
    pub(super) interim: Vec<(u16, Option<String>)>,
    /// 0: no head came.
    pub(super) status: u16,
    pub(super) fields: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
    pub(super) trailers: Vec<(String, String)>,
    pub(super) is_whole: bool,
}

impl Got {
    fn field(&self, name: &str) -> Option<&str> {
        self.fields
            .iter()
            .find(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The cause that the proxy gives for an answer of its own.
    fn cause(&self) -> Option<&str> {
        let (_, details) = self.field("proxy-status")?.split_once("details=\"")?;
        details.split('"').next()
    }
}

impl fmt::Display for Got {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (status, link) in &self.interim {
            write!(f, "{status} {} | ", link.as_deref().unwrap_or("-"))?;
        }
        if let Some(cause) = self.cause() {
            return write!(f, "{} by us: {cause}", self.status);
        }
        match (self.status, self.is_whole) {
            (0, _) => return f.write_str("nothing"),
            // How much of it came is a matter of time.
            (status, false) => return write!(f, "{status} broken off"),
            (status, true) => writeln!(f, "{status}")?,
        }
        for (name, value) in kept(self.fields.clone()) {
            writeln!(f, "{name}: {value}")?;
        }
        write!(f, "{}", shown(&self.body))?;
        for (name, value) in kept(self.trailers.clone()) {
            write!(f, "\ntrailer {name}: {value}")?;
        }
        Ok(())
    }
}
