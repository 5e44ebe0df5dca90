//! A word is a text with a meaning, the same in the file and on the command line: what every reader of words gives
//! back, and the words that are too small for a file of their own.

use std::net::{Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use portreeve_model::plan::{Bind, Name, RecordFormat};

use crate::nearest::nearest;
use crate::place::quoted;
use crate::{AccessLogTo, LogFormat};

/// Why a word is not accepted: what would be, and what was perhaps meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Complaint {
    pub(crate) allowed: String,
    pub(crate) hint: Option<String>,
}

impl Complaint {
    pub(crate) fn new(allowed: impl Into<String>) -> Self {
        Self {
            allowed: allowed.into(),
            hint: None,
        }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// One of a few words, and which of them comes nearest to what was found.
    pub(crate) fn one_of(words: &[&str], found: &str) -> Self {
        let listed: Vec<String> = words.iter().map(|word| quoted(word)).collect();
        let complaint = Self::new(alternatives(&listed));
        match nearest(found, words) {
            Some(word) => complaint.hint(format!("perhaps {}", quoted(word))),
            None => complaint,
        }
    }
}

/// `a, b or c`.
pub(crate) fn alternatives(items: &[String]) -> String {
    match items {
        [] => "nothing".to_owned(),
        [only] => only.clone(),
        [most @ .., last] => format!("{} or {last}", most.join(", ")),
    }
}

/// A reader of words.
pub(crate) type Word<T> = fn(&str) -> Result<T, Complaint>;

/// The name of a listener, route or pool.
pub(crate) fn name(text: &str) -> Result<Name, Complaint> {
    let is_good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    match (1..=NAME_BYTES_MAX).contains(&text.len()) && text.bytes().all(is_good) {
        true => Ok(Name::from(text)),
        false => Err(Complaint::new("1 to 64 letters, digits, -, _ or .")),
    }
}

/// `0.0.0.0:8080`, `[::1]:8080`, `:8080`, `unix:/run/x.sock`.
pub(crate) fn bind(text: &str) -> Result<Bind, Complaint> {
    match text.strip_prefix("unix:") {
        Some(path) => socket_path(path).map(Bind::Unix),
        None => socket(text, BIND).map(Bind::Tcp),
    }
}

/// `127.0.0.1:9091`, `:9091`, or `off`.
pub(crate) fn admin(text: &str) -> Result<Option<SocketAddr>, Complaint> {
    match text {
        "off" => Ok(None),
        _ => socket(text, ADMIN).map(Some),
    }
}

/// `off`, `-`, or a path.
pub(crate) fn access_log_to(text: &str) -> Result<AccessLogTo, Complaint> {
    match text {
        "off" => Ok(AccessLogTo::Off),
        "-" => Ok(AccessLogTo::Stdout),
        _ => path(text)
            .map(AccessLogTo::File)
            .map_err(|_| Complaint::new(ACCESS_LOG_TO)),
    }
}

/// `json` or `combined`.
pub(crate) fn record_format(text: &str) -> Result<RecordFormat, Complaint> {
    match text {
        "json" => Ok(RecordFormat::Json),
        "combined" => Ok(RecordFormat::Combined),
        _ => Err(Complaint::one_of(&["json", "combined"], text)),
    }
}

/// `text` or `json`.
pub(crate) fn log_format(text: &str) -> Result<LogFormat, Complaint> {
    match text {
        "text" => Ok(LogFormat::Text),
        "json" => Ok(LogFormat::Json),
        _ => Err(Complaint::one_of(&["text", "json"], text)),
    }
}

/// A path of the file system, relative to the working directory if it does not begin with `/`.
pub(crate) fn path(text: &str) -> Result<PathBuf, Complaint> {
    match text.is_empty() || text.contains('\0') {
        true => Err(Complaint::new("a path: not empty, without NUL")),
        false => Ok(PathBuf::from(text)),
    }
}

/// What follows `unix:`; `sockaddr_un` has room for 107 bytes.
pub(crate) fn socket_path(text: &str) -> Result<PathBuf, Complaint> {
    let allowed = "unix: and a path of 1 to 107 bytes, such as \"unix:/run/portreeve.sock\"";
    match text.len() <= SOCKET_PATH_BYTES_MAX {
        true => path(text).map_err(|_| Complaint::new(allowed)),
        false => Err(Complaint::new(allowed).hint(format!("this path has {} bytes", text.len()))),
    }
}

/// A port that can be connected to.
pub(crate) fn port(text: &str) -> Option<u16> {
    match text.bytes().all(|byte| byte.is_ascii_digit()) {
        true => text.parse().ok().filter(|port| *port != 0),
        false => None,
    }
}

/// An IP address and a port to listen on. An IPv4 address written as IPv6 is the IPv4 address.
fn socket(text: &str, allowed: &str) -> Result<SocketAddr, Complaint> {
    let whole = match text.strip_prefix(':') {
        Some(port) if !port.contains(':') => format!("[{}]:{port}", Ipv6Addr::UNSPECIFIED),
        _ => text.to_owned(),
    };
    match whole.parse::<SocketAddr>() {
        Ok(SocketAddr::V6(v6)) => Ok(v6
            .ip()
            .to_ipv4_mapped()
            .map_or(v6.into(), |v4| (v4, v6.port()).into())),
        Ok(v4) => Ok(v4),
        Err(_) => Err(socket_complaint(text, allowed)),
    }
}

fn socket_complaint(text: &str, allowed: &str) -> Complaint {
    let complaint = Complaint::new(allowed);
    let plain = text.trim_start_matches("http://").trim_end_matches('/');
    if text.starts_with("https://") {
        return complaint
            .hint("an address alone; TLS is said by tls = { certificate = \"...\", key = \"...\" }");
    }
    if plain.bytes().all(|byte| byte.is_ascii_digit()) && !plain.is_empty() {
        return complaint.hint(format!("for port {plain} of all interfaces write \":{plain}\""));
    }
    if let Some(port) = plain.strip_prefix("*:") {
        return complaint.hint(format!("for all interfaces write \":{port}\""));
    }
    if let Some(port) = plain.strip_prefix("localhost:") {
        return complaint.hint(format!(
            "names are not looked up here: write \"127.0.0.1:{port}\" or \"[::1]:{port}\""
        ));
    }
    if plain.parse::<std::net::IpAddr>().is_ok() {
        return complaint.hint("the port is missing; an IPv6 address stands in brackets");
    }
    complaint
}

/// What may stand under `access_log.to`.
pub(crate) const ACCESS_LOG_TO: &str = "\"-\" for standard output, \"off\", or a path";
const NAME_BYTES_MAX: usize = 64;
const SOCKET_PATH_BYTES_MAX: usize = 107;
const BIND: &str = "an IP address with a port such as \"0.0.0.0:8080\" or \"[::1]:8080\", \":8080\" for all \
                    interfaces, or \"unix:/run/portreeve.sock\"";
const ADMIN: &str = "an IP address with a port such as \"127.0.0.1:9091\", or \"off\"";
