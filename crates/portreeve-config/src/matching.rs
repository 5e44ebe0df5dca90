//! What a route asks of a request besides the host: path, method, header.

use portreeve_model::plan::PathPattern;

use crate::word::Complaint;

/// `/api/users`, or `/api/*` for every path that begins with `/api/`.
pub(crate) fn path(text: &str) -> Result<PathPattern, Complaint> {
    let (path, is_prefix) = match text.strip_suffix('*') {
        Some(prefix) => (prefix, true),
        None => (text, false),
    };
    if !path.starts_with('/') || !path.bytes().all(is_path_byte) || !is_normal(path) {
        return Err(path_complaint(text));
    }
    match is_prefix {
        true => Ok(PathPattern::Prefix(path.to_owned())),
        false => Ok(PathPattern::Exact(path.to_owned())),
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

/// Whether matching, which compares normalised paths, can ever meet this one.
fn is_normal(path: &str) -> bool {
    let last = path.split('/').count() - 1;
    let is_real = |(nth, part): (usize, &str)| {
        !matches!(part, "." | "..") && (!part.is_empty() || nth == 0 || nth == last)
    };
    path.split('/').enumerate().all(is_real) && escapes_needed(path)
}

/// Whether each `%` begins an escape, and none stands for a character that needs none (RFC 3986 section 2.3).
fn escapes_needed(path: &str) -> bool {
    path.split('%').skip(1).all(|after| {
        let byte = after
            .get(..2)
            .filter(|hex| hex.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let byte = byte.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        byte.is_some_and(|byte| !byte.is_ascii_alphanumeric() && !matches!(byte, b'-' | b'.' | b'_' | b'~'))
    })
}

fn path_complaint(text: &str) -> Complaint {
    let complaint =
        Complaint::new("a path such as \"/api/users\", or \"/api/*\" for all that begin with /api/");
    let hint = match text {
        "*" => "for any path leave path out, or write \"/*\"".to_owned(),
        _ if !text.starts_with('/') => format!("it begins with a slash: \"/{text}\""),
        _ if text.contains(['?', '#']) => "a query is not part of the path".to_owned(),
        _ if text.trim_end_matches('*').contains('*') => "a * only at the end".to_owned(),
        _ if !text.bytes().all(|byte| byte.is_ascii_graphic()) => {
            "write blanks and letters beyond ASCII as %XX, as clients send them".to_owned()
        }
        _ => "paths are compared without //, /./, /../ and needless %XX".to_owned(),
    };
    complaint.hint(hint)
}

const METHODS: &[&str] = &[
    "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "QUERY",
];
