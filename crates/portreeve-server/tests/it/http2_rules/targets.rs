//! Sections 8.3.1 and 8.5, and RFC 8441: what a request asks for, and of whom.

use super::fields::{Fields, block};
use super::frames::{ENDS, headers};
use super::messages::{AUTHORITY, METHOD, PATH, SCHEME, malformed, spoilt, unreadable};
use super::rule::{Rule, answered_with, rule, send};

pub(super) fn rules() -> Vec<Rule> {
    [hosts(), targets(), methods()].into_iter().flatten().collect()
}

/// Well-formed as a message, and no good request: an answer says why.
fn refused(id: &'static str, says: &'static str, fields: Fields<'_>) -> Rule {
    rule(
        id,
        says,
        [send(headers(1, ENDS, block(fields))), answered_with(1, 400, "")],
    )
}

fn hosts() -> Vec<Rule> {
    let to = |authority| [METHOD, SCHEME, PATH, (":authority", authority)];
    vec![
        spoilt(
            "own/8.3.1/other-host",
            "Host is the authority",
            "host",
            "other.test",
        ),
        refused(
            "own/8.3.1/user",
            "an authority names no user",
            &to("user@app.test"),
        ),
        malformed(
            "own/8.3.1/authority-space",
            "an authority has no space",
            &to("app test"),
        ),
        malformed(
            "own/8.3.1/authority-path",
            "an authority has no path",
            &to("app.test/never"),
        ),
        malformed(
            "own/8.3.1/authority-line",
            "an authority has no line end",
            &to("app.test\r\nx-more: b"),
        ),
        refused(
            "own/8.3.1/authority-port",
            "a port is a number",
            &to("app.test:http"),
        ),
    ]
}

fn targets() -> Vec<Rule> {
    let at = |path| [METHOD, SCHEME, (":path", path), AUTHORITY];
    vec![
        malformed("own/8.3.1/path-form", "a path begins with a slash", &at("never")),
        malformed("own/8.3.1/path-star", "only OPTIONS may ask for all", &at("*")),
        malformed(
            "own/8.3.1/path-space",
            "a path has no space",
            &at("/never HTTP/1.1"),
        ),
        malformed(
            "own/8.3.1/path-line",
            "a path has no line end",
            &at("/never\r\nx-more: b"),
        ),
        malformed("own/8.3.1/path-nul", "a path has no NUL", &at("/never\0")),
        malformed(
            "own/8.3.1/path-full",
            "a path is no whole URI",
            &at("http://app.test/never"),
        ),
    ]
}

fn methods() -> Vec<Rule> {
    let by = |method| [(":method", method), SCHEME, PATH, AUTHORITY];
    let connect = (":method", "CONNECT");
    let websocket = (":protocol", "websocket");
    vec![
        unreadable(
            "own/8.3.1/method-space",
            "a method has no space",
            &block(&by("GET /never")),
        ),
        unreadable(
            "own/8.3.1/method-line",
            "a method has no line end",
            &block(&by("GET / HTTP/1.1\r\n\r\nGET")),
        ),
        malformed("own/8.5/path", "CONNECT has no path", &by("CONNECT")),
        malformed("own/8.5/authority", "CONNECT has an authority", &[connect]),
        malformed(
            "own/8441/4/path",
            "CONNECT with a protocol has a path",
            &[connect, websocket, SCHEME, AUTHORITY],
        ),
        malformed(
            "own/8441/4/scheme",
            "CONNECT with a protocol has a scheme",
            &[connect, websocket, PATH, AUTHORITY],
        ),
        malformed(
            "own/8441/4/method",
            "only CONNECT has a protocol",
            &[METHOD, websocket, SCHEME, PATH, AUTHORITY],
        ),
    ]
}
