//! What a backend says of a request: all that must not depend on how it came.

use std::fmt::Write as _;

/// One line for the request, one for each field and trailer, and the body.
pub(super) fn told(
    line: &str,
    mut fields: Vec<(String, String)>,
    body: &[u8],
    trailers: &[(String, String)],
) -> String {
    let cookies: Vec<String> = fields
        .extract_if(.., |(name, _)| name == "cookie")
        .map(|(_, value)| value)
        .collect();
    if !cookies.is_empty() {
        fields.push(("cookie".to_owned(), cookies.join("; ")));
    }
    let mut text = format!("{}\n", line.split('?').next().unwrap_or_default());
    for (name, value) in kept(fields) {
        writeln!(text, "{name}: {value}").expect("a string takes text");
    }
    writeln!(text, "body: {}", shown(body)).expect("a string takes text");
    for (name, value) in kept(trailers.to_vec()) {
        writeln!(text, "trailer {name}: {value}").expect("a string takes text");
    }
    text
}

/// Fields but for those that belong to one version, or to one connection, by name.
pub(super) fn kept(fields: Vec<(String, String)>) -> Vec<(String, String)> {
    let mut kept: Vec<_> = fields
        .into_iter()
        .map(|(name, value)| (name.to_lowercase(), value))
        .filter(|(name, _)| !OF_A_HOP.contains(&name.as_str()) && !name.starts_with("x-forwarded-"))
        .collect();
    kept.sort_by(|one, other| one.0.cmp(&other.0));
    kept
}

/// Short ones as they are; of others, length and a sum.
pub(super) fn shown(bytes: &[u8]) -> String {
    if bytes.len() <= SHOWN_BYTES_MAX {
        return String::from_utf8_lossy(bytes).into_owned();
    }
    let sum = bytes.iter().fold(5_381_u64, |sum, byte| {
        sum.wrapping_mul(33).wrapping_add(u64::from(*byte))
    });
    format!("{} bytes {sum:016x}", bytes.len())
}

const SHOWN_BYTES_MAX: usize = 2_000;
/// What is said anew by each hop, and what has no word in HTTP/2 or in HTTP/1.1.
const OF_A_HOP: &[&str] = &[
    "connection",
    "date",
    "host",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "via",
];
