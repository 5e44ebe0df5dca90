use crate::span::Span;

/// One field line of a head or trailer section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// The name as written.
    pub name: Span,
    /// The value as written, without the spaces and tabs around it.
    pub value: Span,
    /// Which of the names that mean something to us it is.
    pub known: Known,
}

/// Field names that mean something to a proxy, recognised once, in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
#[expect(missing_docs, reason = "each is the field of that name")]
pub enum Known {
    /// Any other name.
    Other,
    Accept,
    AcceptEncoding,
    Authorization,
    CacheControl,
    Connection,
    ContentEncoding,
    ContentLength,
    ContentRange,
    ContentType,
    Cookie,
    Date,
    Expect,
    Forwarded,
    Host,
    Http2Settings,
    KeepAlive,
    Location,
    ProxyAuthenticate,
    ProxyAuthorization,
    ProxyConnection,
    ProxyStatus,
    Range,
    Referer,
    Server,
    SetCookie,
    Te,
    Trailer,
    TransferEncoding,
    Upgrade,
    UserAgent,
    Via,
    XForwardedFor,
    XForwardedHost,
    XForwardedProto,
    XRealIp,
    XRequestId,
}

impl Known {
    /// All but `Other`.
    pub const ALL: &[Self] = &[
        Self::Accept,
        Self::AcceptEncoding,
        Self::Authorization,
        Self::CacheControl,
        Self::Connection,
        Self::ContentEncoding,
        Self::ContentLength,
        Self::ContentRange,
        Self::ContentType,
        Self::Cookie,
        Self::Date,
        Self::Expect,
        Self::Forwarded,
        Self::Host,
        Self::Http2Settings,
        Self::KeepAlive,
        Self::Location,
        Self::ProxyAuthenticate,
        Self::ProxyAuthorization,
        Self::ProxyConnection,
        Self::ProxyStatus,
        Self::Range,
        Self::Referer,
        Self::Server,
        Self::SetCookie,
        Self::Te,
        Self::Trailer,
        Self::TransferEncoding,
        Self::Upgrade,
        Self::UserAgent,
        Self::Via,
        Self::XForwardedFor,
        Self::XForwardedHost,
        Self::XForwardedProto,
        Self::XRealIp,
        Self::XRequestId,
    ];

    /// Which one `name`, a token in any case, is.
    #[inline]
    pub fn of(name: &[u8]) -> Self {
        let candidates: &[Self] = match name.len() {
            2 => &[Self::Te],
            3 => &[Self::Via],
            4 => &[Self::Host, Self::Date],
            5 => &[Self::Range],
            6 => &[Self::Accept, Self::Cookie, Self::Server, Self::Expect],
            7 => &[Self::Referer, Self::Upgrade, Self::Trailer],
            8 => &[Self::Location],
            9 => &[Self::Forwarded, Self::XRealIp],
            _ => return Self::of_long(name),
        };
        Self::among(candidates, name)
    }

    fn of_long(name: &[u8]) -> Self {
        let candidates: &[Self] = match name.len() {
            10 => &[
                Self::Connection,
                Self::UserAgent,
                Self::KeepAlive,
                Self::SetCookie,
            ],
            12 => &[Self::ContentType, Self::XRequestId, Self::ProxyStatus],
            13 => &[Self::CacheControl, Self::Authorization, Self::ContentRange],
            14 => &[Self::ContentLength, Self::Http2Settings],
            15 => &[Self::AcceptEncoding, Self::XForwardedFor],
            16 => &[Self::ContentEncoding, Self::ProxyConnection, Self::XForwardedHost],
            17 => &[Self::TransferEncoding, Self::XForwardedProto],
            18 => &[Self::ProxyAuthenticate],
            19 => &[Self::ProxyAuthorization],
            _ => &[],
        };
        Self::among(candidates, name)
    }

    fn among(candidates: &[Self], name: &[u8]) -> Self {
        let is_named = |known: &&Self| name.eq_ignore_ascii_case(known.name().as_bytes());
        candidates.iter().find(is_named).copied().unwrap_or(Self::Other)
    }

    /// The name in lower case; empty for `Other`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Other => "",
            Self::Accept => "accept",
            Self::AcceptEncoding => "accept-encoding",
            Self::Authorization => "authorization",
            Self::CacheControl => "cache-control",
            Self::Connection => "connection",
            Self::ContentEncoding => "content-encoding",
            Self::ContentLength => "content-length",
            Self::ContentRange => "content-range",
            Self::ContentType => "content-type",
            Self::Cookie => "cookie",
            Self::Date => "date",
            Self::Expect => "expect",
            Self::Forwarded => "forwarded",
            Self::Host => "host",
            Self::Http2Settings => "http2-settings",
            Self::KeepAlive => "keep-alive",
            Self::Location => "location",
            Self::ProxyAuthenticate => "proxy-authenticate",
            Self::ProxyAuthorization => "proxy-authorization",
            Self::ProxyConnection => "proxy-connection",
            Self::ProxyStatus => "proxy-status",
            Self::Range => "range",
            Self::Referer => "referer",
            Self::Server => "server",
            Self::SetCookie => "set-cookie",
            Self::Te => "te",
            Self::Trailer => "trailer",
            Self::TransferEncoding => "transfer-encoding",
            Self::Upgrade => "upgrade",
            Self::UserAgent => "user-agent",
            Self::Via => "via",
            Self::XForwardedFor => "x-forwarded-for",
            Self::XForwardedHost => "x-forwarded-host",
            Self::XForwardedProto => "x-forwarded-proto",
            Self::XRealIp => "x-real-ip",
            Self::XRequestId => "x-request-id",
        }
    }

    /// This name's bit in a set of names; `Other` has one too.
    #[inline]
    pub(crate) fn bit(self) -> u64 {
        1 << self as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_known_name_is_recognised_in_any_case() {
        for &known in Known::ALL {
            assert_eq!(Known::of(known.name().as_bytes()), known);
            assert_eq!(Known::of(known.name().to_uppercase().as_bytes()), known);
        }
    }

    #[test]
    fn a_name_one_byte_off_is_another() {
        for &known in Known::ALL {
            for place in 0..known.name().len() {
                let mut name = known.name().as_bytes().to_vec();
                name[place] = b'~';
                assert_eq!(Known::of(&name), Known::Other);
            }
        }
        assert_eq!(Known::of(b""), Known::Other);
    }

    #[test]
    fn all_lists_each_name_once() {
        let set = Known::ALL.iter().fold(0, |set, known| set | known.bit());
        assert_eq!(set.count_ones() as usize, Known::ALL.len());
        assert_eq!(set | Known::Other.bit(), (1 << (Known::XRequestId as u8 + 1)) - 1);
    }
}
