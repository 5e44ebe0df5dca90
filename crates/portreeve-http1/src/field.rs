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
        match name.len() {
            2 => among(name, [(b"te", Self::Te)]),
            3 => among(name, [(b"via", Self::Via)]),
            4 => among(name, [(b"host", Self::Host), (b"date", Self::Date)]),
            5 => among(name, [(b"range", Self::Range)]),
            6 => among(
                name,
                [
                    (b"accept", Self::Accept),
                    (b"cookie", Self::Cookie),
                    (b"server", Self::Server),
                    (b"expect", Self::Expect),
                ],
            ),
            7 => among(
                name,
                [
                    (b"referer", Self::Referer),
                    (b"upgrade", Self::Upgrade),
                    (b"trailer", Self::Trailer),
                ],
            ),
            8 => among(name, [(b"location", Self::Location)]),
            9 => among(
                name,
                [(b"forwarded", Self::Forwarded), (b"x-real-ip", Self::XRealIp)],
            ),
            10.. => Self::of_long(name),
            _ => Self::Other,
        }
    }

    fn of_long(name: &[u8]) -> Self {
        match name.len() {
            10 => among(
                name,
                [
                    (b"connection", Self::Connection),
                    (b"user-agent", Self::UserAgent),
                    (b"keep-alive", Self::KeepAlive),
                    (b"set-cookie", Self::SetCookie),
                ],
            ),
            12 => among(
                name,
                [
                    (b"content-type", Self::ContentType),
                    (b"x-request-id", Self::XRequestId),
                    (b"proxy-status", Self::ProxyStatus),
                ],
            ),
            13 => among(
                name,
                [
                    (b"cache-control", Self::CacheControl),
                    (b"authorization", Self::Authorization),
                    (b"content-range", Self::ContentRange),
                ],
            ),
            14 => among(
                name,
                [
                    (b"content-length", Self::ContentLength),
                    (b"http2-settings", Self::Http2Settings),
                ],
            ),
            15 => among(
                name,
                [
                    (b"accept-encoding", Self::AcceptEncoding),
                    (b"x-forwarded-for", Self::XForwardedFor),
                ],
            ),
            16 => among(
                name,
                [
                    (b"content-encoding", Self::ContentEncoding),
                    (b"proxy-connection", Self::ProxyConnection),
                    (b"x-forwarded-host", Self::XForwardedHost),
                ],
            ),
            17 => among(
                name,
                [
                    (b"transfer-encoding", Self::TransferEncoding),
                    (b"x-forwarded-proto", Self::XForwardedProto),
                ],
            ),
            18 => among(name, [(b"proxy-authenticate", Self::ProxyAuthenticate)]),
            19 => among(name, [(b"proxy-authorization", Self::ProxyAuthorization)]),
            _ => Self::Other,
        }
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

/// The one of `candidates` whose name, in lower case, `name` is.
#[inline]
fn among<const N: usize, const M: usize>(name: &[u8], candidates: [(&[u8; N], Known); M]) -> Known {
    let Ok(name) = <&[u8; N]>::try_from(name) else {
        return Known::Other;
    };
    candidates
        .into_iter()
        .find(|(lower, _)| is_same(name, lower))
        .map_or(Known::Other, |(_, known)| known)
}

/// Whether a token is `lower` in any case. Bit 5 tells capitals from small letters and is set in `-` and digits;
/// the bytes that it would make equal by mistake are in no token. No branches, as this runs for each field.
#[inline]
fn is_same<const N: usize>(token: &[u8; N], lower: &[u8; N]) -> bool {
    let mut difference = 0;
    for place in 0..N {
        difference |= (token[place] | 0x20) ^ lower[place];
    }
    difference == 0
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
