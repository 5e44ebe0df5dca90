use std::fmt;

/// Why bytes are no HTTP/1 message that we would pass on. Closed: each is one rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// A line feed without a carriage return before it.
    BareLf,
    /// A carriage return without a line feed behind it.
    BareCr,
    /// A NUL byte.
    Nul,
    /// The bytes end before the head does, or go on behind it.
    NotOneHead,
    /// The first line has not the three parts of a request line.
    RequestLine,
    /// The method is not a token.
    Method,
    /// The target has bytes that no target may have.
    TargetByte,
    /// The target is of no form that its method may have.
    TargetForm,
    /// The version is not written as `HTTP/` digit `.` digit.
    Version,
    /// The first line has not the parts of a status line.
    StatusLine,
    /// The status is not three digits from 100.
    Status,
    /// The reason phrase has control bytes.
    Reason,
    /// A line that begins with a space or tab.
    ObsFold,
    /// A space or tab between a field's name and its colon.
    SpaceBeforeColon,
    /// A field line without a colon.
    NoColon,
    /// A field name that is not a token.
    FieldName,
    /// A field value with control bytes.
    FieldValue,
    /// No Host in an HTTP/1.1 request.
    HostMissing,
    /// More than one Host.
    HostRepeated,
    /// A Host that is no host with an optional port.
    HostInvalid,
    /// Host and target name different hosts.
    HostMismatch,
    /// A Content-Length that is not digits only, or beyond 2^64 - 1.
    LengthInvalid,
    /// More than one Content-Length.
    LengthRepeated,
    /// Content-Length beside Transfer-Encoding.
    LengthWithCoding,
    /// Transfer-Encoding that does not end in one `chunked`.
    CodingNotChunked,
    /// Transfer-Encoding in an HTTP/1.0 message.
    CodingInHttp10,
    /// A transfer coding that we do not know, before the last `chunked`.
    CodingUnknown,
    /// A body announced where the status forbids one.
    BodyForbidden,
    /// A body announced by CONNECT.
    ConnectBody,
    /// A chunk size that is not hexadecimal digits only.
    ChunkSize,
    /// A chunk size of more than 16 digits.
    ChunkSizeTooLong,
    /// A chunk extension that does not follow the grammar.
    ChunkExtension,
    /// A chunk's line beyond 4 KiB.
    ChunkLineTooLong,
    /// A chunk's data is not followed by CRLF.
    ChunkEnd,
    /// A trailer field that may only stand in a head.
    TrailerForbidden,
    /// The head has more bytes than the limit.
    HeadTooLarge,
    /// The head has more fields than the limit.
    TooManyFields,
    /// The target has more bytes than the limit.
    TargetTooLong,
    /// A version other than HTTP/1.
    UnsupportedVersion,
}

/// What a [`Fault`] calls for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FaultKind {
    /// The bytes break the protocol: 400, or 502 for a response.
    Malformed,
    /// The head is beyond a limit: 431.
    HeadTooLarge,
    /// The target is beyond the limit: 414.
    TargetTooLong,
    /// A transfer coding that we do not know: 501.
    UnsupportedCoding,
    /// A version that we do not speak: 505.
    UnsupportedVersion,
}

impl Fault {
    /// What it calls for.
    pub fn kind(self) -> FaultKind {
        match self {
            Self::HeadTooLarge | Self::TooManyFields => FaultKind::HeadTooLarge,
            Self::TargetTooLong => FaultKind::TargetTooLong,
            Self::CodingUnknown => FaultKind::UnsupportedCoding,
            Self::UnsupportedVersion => FaultKind::UnsupportedVersion,
            _ => FaultKind::Malformed,
        }
    }

    /// One sentence for people: what is wrong, and what would be right.
    pub fn detail(self) -> &'static str {
        match self {
            Self::BareLf => "a line ends in LF alone; lines end in CR LF",
            Self::BareCr => "a CR stands without an LF behind it; lines end in CR LF",
            Self::Nul => "there is a NUL byte; none is allowed in a head",
            Self::NotOneHead => "the bytes are not exactly one head; a head ends at its empty line",
            Self::RequestLine => "the request line is not method, target and version with one space between",
            Self::Method => "the method is not a token; letters, digits and a few marks are allowed",
            Self::TargetByte => {
                "the target has a byte outside visible ASCII, or a '#'; such bytes are written as %XX"
            }
            Self::TargetForm => {
                "the target is not of a form that the method takes: /path, http://host/path, host:port for CONNECT, * for OPTIONS"
            }
            Self::Version => "the version is not written as HTTP/1.1",
            Self::StatusLine => "the status line is not version, status and reason with one space between",
            Self::Status => "the status is not a number of three digits from 100",
            Self::Reason => "the reason phrase has a control byte",
            Self::ObsFold => "a line begins with a space or tab; folded lines are not allowed",
            Self::SpaceBeforeColon => {
                "there is a space between a field's name and its colon; none is allowed"
            }
            Self::NoColon => "a field line has no colon; fields are written as name: value",
            Self::FieldName => {
                "a field name is not a token; letters, digits and a few marks are allowed, at least one"
            }
            Self::FieldValue => "a field value has a control byte; only tabs are allowed",
            Self::HostMissing => "there is no Host field; an HTTP/1.1 request has exactly one",
            Self::HostRepeated => "there are several Host fields; a request has one",
            Self::HostInvalid => "the host is not a name or address with an optional port",
            Self::HostMismatch => "the Host field and the target name different hosts; they must agree",
            Self::LengthInvalid => "Content-Length is not a whole number below 2^64 in digits only",
            Self::LengthRepeated => "there are several Content-Length fields; a message has at most one",
            Self::LengthWithCoding => {
                "Content-Length stands beside Transfer-Encoding; a message has at most one of them"
            }
            Self::CodingNotChunked => "Transfer-Encoding does not end in chunked, named once and last",
            Self::CodingInHttp10 => "Transfer-Encoding stands in an HTTP/1.0 message, which knows none",
            Self::CodingUnknown => "a transfer coding is unknown here; only chunked is supported",
            Self::BodyForbidden => {
                "a body is announced where the status forbids one: a 1xx or 204 has neither length nor coding"
            }
            Self::ConnectBody => {
                "CONNECT announces a body, which it cannot have; what follows it belongs to the tunnel"
            }
            Self::ChunkSize => "a chunk's size is not hexadecimal digits only",
            Self::ChunkSizeTooLong => "a chunk's size has more than 16 digits",
            Self::ChunkExtension => "a chunk extension is not written as ;name or ;name=value",
            Self::ChunkLineTooLong => "a chunk's line is longer than 4096 bytes",
            Self::ChunkEnd => "a chunk's data is not followed by CR LF; its size is wrong",
            Self::TrailerForbidden => {
                "a trailer field may only stand in a head: framing, routing, credentials and the like"
            }
            Self::HeadTooLarge => "the head is larger than allowed",
            Self::TooManyFields => "there are more fields than allowed",
            Self::TargetTooLong => "the target is longer than allowed",
            Self::UnsupportedVersion => "the version is not supported; HTTP/1.0 and HTTP/1.1 are",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.detail())
    }
}

impl std::error::Error for Fault {}
