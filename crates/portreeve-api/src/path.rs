//! The paths of the API.

use std::fmt;

use crate::fault::{Fault, FaultKind};
use crate::found;

/// All backends; `?pool=NAME` for those of one pool.
pub const BACKENDS: &str = "/v1/backends";
/// All tokens; one of them is `/v1/tokens/{id}`.
pub const TOKENS: &str = "/v1/tokens";
/// All fleets; `?pool=NAME` for those of one pool.
pub const FLEETS: &str = "/v1/fleets";
/// All certificates that listeners show.
pub const CERTIFICATES: &str = "/v1/certificates";
/// What happens in the registry, as it happens: JSON lines without end.
pub const EVENTS: &str = "/v1/events";

/// `/v1/pools/{pool}/backends/{id}`, perhaps with an act behind it. Its `Display` is the path, escaped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackendPath {
    /// The pool's name, unescaped and not empty.
    pub pool: String,
    /// The backend's name in it, unescaped and not empty.
    pub id: String,
    /// What is to be done with it; `None`: the method says.
    pub act: Option<Act>,
}

/// What a path asks for by its last segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// `/heartbeat`
    Heartbeat,
    /// `/drain`
    Drain,
    /// `/undrain`
    Undrain,
}

impl Act {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Heartbeat, Self::Drain, Self::Undrain];

    /// Its segment.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Heartbeat => "heartbeat",
            Self::Drain => "drain",
            Self::Undrain => "undrain",
        }
    }
}

impl BackendPath {
    /// The backend itself.
    #[must_use]
    pub fn new(pool: &str, id: &str) -> Self {
        Self {
            pool: pool.to_owned(),
            id: id.to_owned(),
            act: None,
        }
    }

    /// The same with an act.
    #[must_use]
    pub fn to(&self, act: Act) -> Self {
        Self {
            act: Some(act),
            ..self.clone()
        }
    }

    /// Reads a path as it came; a query is left out of account.
    ///
    /// # Errors
    /// It is no such path.
    pub fn read(path: &str) -> Result<Self, Fault> {
        let path = path.split('?').next().unwrap_or_default();
        Self::of(path).ok_or_else(|| Fault::whole(FaultKind::BadPath, found::text(path), ALLOWED))
    }

    fn of(path: &str) -> Option<Self> {
        let mut segments = path.strip_prefix("/v1/pools/")?.split('/');
        let pool = unescaped(segments.next()?)?;
        (segments.next()? == "backends").then_some(())?;
        let id = unescaped(segments.next()?)?;
        let act = match segments.next() {
            Some(name) => Some(Act::ALL.into_iter().find(|act| act.as_str() == name)?),
            None => None,
        };
        segments.next().is_none().then_some(Self { pool, id, act })
    }
}

impl fmt::Display for BackendPath {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            out,
            "/v1/pools/{}/backends/{}",
            escaped(&self.pool),
            escaped(&self.id)
        )?;
        match self.act {
            Some(act) => write!(out, "/{}", act.as_str()),
            None => Ok(()),
        }
    }
}

/// Which pool the query of [`BACKENDS`] asks for; `None`: all.
///
/// # Errors
/// It asks for something else.
pub fn pool_asked(query: Option<&str>) -> Result<Option<String>, Fault> {
    let query = query.unwrap_or_default();
    let asked = match query {
        "" => return Ok(None),
        query => query.strip_prefix("pool=").and_then(unescaped),
    };
    match asked {
        Some(pool) => Ok(Some(pool)),
        None => Err(Fault::field(
            "query",
            found::text(query),
            "pool=NAME, or no query",
        )),
    }
}

/// One segment with all but unreserved characters percent-encoded (RFC 3986 sections 2.1 and 2.3).
#[must_use]
pub fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => escaped.push(byte.into()),
            _ => escaped.push_str(&format!("%{byte:02X}")),
        }
    }
    escaped
}

/// One segment decoded, unless it is empty, half escaped or no UTF-8 then.
fn unescaped(segment: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(segment.len());
    let mut rest = segment.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => 16 * hex(rest.next()?)? + hex(rest.next()?)?,
            _ => byte,
        });
    }
    String::from_utf8(bytes).ok().filter(|text| !text.is_empty())
}

fn hex(digit: u8) -> Option<u8> {
    u8::try_from(char::from(digit).to_digit(16)?).ok()
}

const ALLOWED: &str = "/v1/pools/POOL/backends/ID, and behind it /heartbeat to renew";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        for (pool, id, act) in [
            ("api", "a1", None),
            ("api", "100@PP 1/ü%", Some(Act::Heartbeat)),
            ("a b", "unix:/run/app.sock", Some(Act::Drain)),
            ("..", ".", Some(Act::Undrain)),
        ] {
            let path = BackendPath {
                act,
                ..BackendPath::new(pool, id)
            };
            assert_eq!(BackendPath::read(&path.to_string()), Ok(path));
        }
        assert_eq!(
            BackendPath::read("/v1/pools/api/backends/a1?x=/y"),
            Ok(BackendPath::new("api", "a1"))
        );
    }

    #[test]
    fn a_query_may_ask_for_one_pool() {
        assert_eq!(pool_asked(None), Ok(None));
        assert_eq!(pool_asked(Some("")), Ok(None));
        assert_eq!(pool_asked(Some("pool=a%20b")), Ok(Some("a b".to_owned())));
        for wrong in ["pool=", "pools=a", "pool", "pool=%2"] {
            assert!(pool_asked(Some(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn any_other_path_is_a_fault() {
        for path in [
            "",
            "/",
            "/v2/pools/api/backends/a",
            "/v1/pools/api/backends",
            "/v1/pools/api/backends/",
            "/v1/pools//backends/a",
            "/v1/pools/api/backends/a/",
            "/v1/pools/api/backends/a/b",
            "/v1/pools/api/backends/a/drain/",
            "/v1/pools/api/backends/%",
            "/v1/pools/api/backends/%f",
            "/v1/pools/api/backends/%ff",
            "/v1/pools/api/backends/%+1",
        ] {
            let fault = BackendPath::read(path).unwrap_err();
            assert_eq!(fault.kind, FaultKind::BadPath, "{path}");
        }
    }
}
