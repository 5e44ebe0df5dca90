//! Why bytes are no PROXY header.

/// Why bytes are no PROXY header; says what would be right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// They begin with something else.
    #[error("there is no PROXY header: bytes begin with neither `PROXY ` nor the signature of version 2")]
    Absent,
    /// A header of version 1 that is not over after 107 bytes.
    #[error("a PROXY header of version 1 has no CRLF within 107 bytes")]
    LineTooLong,
    /// A header of version 1 of which a part is not what it has to be.
    #[error("a PROXY header of version 1 has no {0} where it should be")]
    Line(&'static str),
    /// A header of version 2 with another version in it.
    #[error("a PROXY header says version {0}; it should be 2")]
    Version(u8),
    /// A command that is not one.
    #[error("a PROXY header has command {0}; it should be 0 (LOCAL) or 1 (PROXY)")]
    Command(u8),
    /// A family of addresses and a transport that are not one.
    #[error("a PROXY header has family and transport {0:#04x}, which do not exist")]
    Family(u8),
    /// A header of version 2 that is longer than we read.
    #[error("a PROXY header says {0} bytes; at most {max} are read", max = crate::LENGTH_MAX)]
    TooLong(usize),
    /// A header of version 2 without room for the addresses that it should have.
    #[error("a PROXY header has no room for its addresses")]
    NoAddresses,
    /// What follows the addresses does not add up.
    #[error("a PROXY header has an extension that does not end where the header does")]
    Extension,
    /// The checksum in it is of another header.
    #[error("a PROXY header's checksum is wrong")]
    Checksum,
}
