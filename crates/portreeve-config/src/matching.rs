//! What a route asks of a request besides the host: path, method, header.

use portreeve_model::normalise;
use portreeve_model::plan::PathPattern;

use crate::word::Complaint;

/// `/api/users`, or `/api/*` for every path that begins with `/api/`. Only in the form that matching compares, so that
/// the file shows what is matched.
pub(crate) fn path(text: &str) -> Result<PathPattern, Complaint> {
    let (path, is_prefix) = match text.strip_suffix('*') {
        Some(prefix) => (prefix, true),
        None => (text, false),
    };
    if !path.starts_with('/') || !path.bytes().all(is_path_byte) {
        return Err(path_complaint(text));
    }
    match (normal(path, is_prefix), is_prefix) {
        (normal, false) if normal == path => Ok(PathPattern::Exact(normal)),
        (normal, true) if normal == path => Ok(PathPattern::Prefix(normal)),
        (normal, _) => Err(normal_complaint(&normal, is_prefix)),
    }
}

/// A method's token, as it is (RFC 9110 section 9.1: methods are case-sensitive).
pub(crate) fn method(text: &str) -> Result<String, Complaint> {
    let complaint = || Complaint::new("a method such as \"GET\"");
    let upper = text.to_ascii_uppercase();
    if upper != text && METHODS.contains(&upper.as_str()) {
        return Err(complaint().hint(format!("methods are compared exactly: \"{upper}\"")));
    }
    match is_token(text) {
        true => Ok(text.to_owned()),
        false => Err(complaint()),
    }
}

/// A header field's name, in lower case.
pub(crate) fn header_name(text: &str) -> Result<String, Complaint> {
    match is_token(text) {
        true => Ok(text.to_ascii_lowercase()),
        false => Err(Complaint::new(
            "a header's name such as \"X-Beta\": letters, digits and !#$%&'*+-.^_`|~",
        )),
    }
}

/// The name of a header field that a message may have or lack without becoming another message, in lower case.
pub(crate) fn plain_header_name(text: &str) -> Result<String, Complaint> {
    let name = header_name(text)?;
    match SPECIAL.contains(&name.as_str()) {
        true => Err(Complaint::new(
            "a header that says nothing of host, connection or body",
        )),
        false => Ok(name),
    }
}

/// A header field's value as it can arrive: no control characters, no blanks around it.
pub(crate) fn header_value(text: &str) -> Result<String, Complaint> {
    let has_control = text
        .chars()
        .any(|character| character.is_ascii_control() && character != '\t');
    match has_control || text.trim_matches([' ', '\t']) != text {
        true => Err(Complaint::new(
            "a text without control characters and without blanks around it",
        )),
        false => Ok(text.to_owned()),
    }
}

/// RFC 9110 section 5.6.2.
pub(crate) fn is_token(text: &str) -> bool {
    let is_good = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_good)
}

fn is_path_byte(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'?' | b'#' | b'*')
}

/// The form that matching compares. The last segment of a prefix may go on, so dots there mean nothing yet.
fn normal(path: &str, is_prefix: bool) -> String {
    let whole = if is_prefix {
        format!("{path}{GOES_ON}")
    } else {
        path.to_owned()
    };
    let normal = String::from_utf8_lossy(&normalise(whole.as_bytes())).into_owned();
    match is_prefix {
        true => normal.strip_suffix(GOES_ON).unwrap_or(&normal).to_owned(),
        false => normal,
    }
}

fn normal_complaint(normal: &str, is_prefix: bool) -> Complaint {
    let star = if is_prefix { "*" } else { "" };
    Complaint::new(PATH).hint(format!(
        "compared is the normal form of a path, here \"{normal}{star}\""
    ))
}

fn path_complaint(text: &str) -> Complaint {
    let hint = match text {
        "*" => "for any path leave path out, or write \"/*\"".to_owned(),
        _ if !text.starts_with('/') => format!("it begins with a slash: \"/{text}\""),
        _ if text.contains(['?', '#']) => "a query is not part of the path".to_owned(),
        _ if text.trim_end_matches('*').contains('*') => "a * only at the end".to_owned(),
        _ => "write blanks and letters beyond ASCII as %XX, as clients send them".to_owned(),
    };
    Complaint::new(PATH).hint(hint)
}

const PATH: &str = "a path such as \"/api/users\", or \"/api/*\" for all that begin with /api/";
/// A letter that completes no escape and no dot segment.
const GOES_ON: char = 'x';
/// What decides where a message goes, how it ends, or what becomes of its connection.
const SPECIAL: &[&str] = &[
    "host",
    "connection",
    "content-length",
    "expect",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];
const METHODS: &[&str] = &[
    "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "QUERY",
];
