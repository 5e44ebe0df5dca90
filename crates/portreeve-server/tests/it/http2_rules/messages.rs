//! Section 8: a message is well-formed or its stream ends, and a backend never sees the other kind.

use super::fields::{Fields, block, request, request_with};
use super::frames::{
    END_HEADERS, END_STREAM, ENDS, NONE, PROTOCOL_ERROR, PUSH_PROMISE, data, frame, headers,
};
use super::rule::{
    Rule, Step, answered, answered_with, connection_error, either_error, rule, send, send_all, stream_error,
};

pub(super) fn rules() -> Vec<Rule> {
    [
        trailers(),
        promises(),
        names(),
        pseudo(),
        pseudo_of_requests(),
        connection_fields(),
        lengths(),
        values(),
        good(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// A request with these fields and nothing else is no request.
pub(super) fn malformed(id: &'static str, says: &'static str, fields: Fields<'_>) -> Rule {
    rule(
        id,
        says,
        [
            send(headers(1, ENDS, block(fields))),
            stream_error(1, [PROTOCOL_ERROR]),
        ],
    )
}

/// A request is none because of this one field.
pub(super) fn spoilt(id: &'static str, says: &'static str, name: &str, value: &str) -> Rule {
    let fields = request_with("GET", "/never", &[(name, value)]);
    rule(
        id,
        says,
        [send(headers(1, ENDS, fields)), stream_error(1, [PROTOCOL_ERROR])],
    )
}

/// The same, where the `h2` crate cannot even read the field, and ends the connection with it (RFC 9113, 5.4.1).
fn unspeakable(id: &'static str, says: &'static str, name: &str, value: &str) -> Rule {
    let fields = request_with("GET", "/never", &[(name, value)]);
    unreadable(id, says, &fields)
}

pub(super) fn unreadable(id: &'static str, says: &'static str, fields: &[u8]) -> Rule {
    rule(
        id,
        says,
        [send(headers(1, ENDS, fields)), either_error(1, [PROTOCOL_ERROR])],
    )
}

pub(super) const METHOD: (&str, &str) = (":method", "GET");
pub(super) const SCHEME: (&str, &str) = (":scheme", "http");
pub(super) const PATH: (&str, &str) = (":path", "/never");
pub(super) const AUTHORITY: (&str, &str) = (":authority", "app.test");

/// A whole request but for these fields at its end.
fn with_trailers(flags: u8, fields: Fields<'_>) -> Step {
    send_all([
        headers(1, END_HEADERS, request("POST", "/")),
        data(1, NONE, "test"),
        headers(1, END_HEADERS | flags, block(fields)),
    ])
}

fn trailers() -> Vec<Rule> {
    let after: Fields<'_> = &[("x-trailer", "after")];
    let broken = |id, says, flags, fields| {
        rule(
            id,
            says,
            [with_trailers(flags, fields), stream_error(1, [PROTOCOL_ERROR])],
        )
    };
    vec![
        broken("http2/8.1/1", "trailers end the stream", NONE, after),
        broken(
            "http2/8.1.2.1/3",
            "trailers have no pseudo-header fields",
            NONE,
            &[(":method", "POST")],
        ),
        broken(
            "own/8.1/connection",
            "trailers have no field of the connection",
            END_STREAM,
            &[("connection", "close")],
        ),
        rule(
            "own/8.1/upper-case",
            "trailers have names in lower case",
            [
                with_trailers(END_STREAM, &[("X-Trailer", "after")]),
                either_error(1, [PROTOCOL_ERROR]),
            ],
        ),
        // RFC 9113, 8.1 wants the end of the stream; the `h2` crate passes over such fields, and so nobody else sees them.
        rule(
            "own/8.1/pseudo",
            "pseudo-header fields of trailers go no further",
            [
                with_trailers(END_STREAM, &[(":path", "/never")]),
                answered_with(1, 200, "content=test."),
            ],
        ),
        rule(
            "own/8.1/trailers",
            "trailers are passed on",
            [
                with_trailers(END_STREAM, after),
                answered_with(1, 200, "content=test trailer=x-trailer:after."),
            ],
        ),
    ]
}

fn promises() -> Vec<Rule> {
    let post = headers(1, END_HEADERS, request("POST", "/"));
    let promised = [&2_u32.to_be_bytes()[..], &request("GET", "/never")].concat();
    let promise = frame(PUSH_PROMISE, END_HEADERS, 1, promised);
    let forbidden = |id, says, frames| rule(id, says, [send(frames), connection_error([PROTOCOL_ERROR])]);
    vec![
        forbidden("http2/8.2/1", "a client promises nothing", promise.clone()),
        forbidden(
            "own/8.4/on-a-stream",
            "nor on a stream that it has opened",
            [post, promise].concat(),
        ),
    ]
}

fn names() -> Vec<Rule> {
    vec![
        unspeakable("http2/8.1.2/1", "a name is in lower case", "X-TEST", "ok"),
        unspeakable("own/8.2.1/one-letter", "each letter of it is", "x-tesT", "ok"),
        unspeakable("own/8.2.1/space", "a name has no space", "x test", "ok"),
        unspeakable(
            "own/8.2.1/colon",
            "a name has no colon but at its start",
            "x:test",
            "ok",
        ),
        unspeakable("own/8.2.1/nul", "a name has no NUL", "x\0test", "ok"),
        unspeakable(
            "own/8.2.1/line",
            "a name has no line end",
            "x-a: b\r\nx-test",
            "ok",
        ),
        unspeakable("own/8.2.1/delete", "a name has no DEL", "x\u{7f}test", "ok"),
        unspeakable("own/8.2.1/high", "a name is ASCII", "x-t\u{e9}st", "ok"),
        unspeakable("own/8.2.1/parenthesis", "a name is a token", "x(test", "ok"),
        unspeakable("own/8.2.1/empty", "a name is not empty", "", "ok"),
    ]
}

fn pseudo() -> Vec<Rule> {
    let after = [("x-test", "ok"), METHOD, SCHEME, PATH, AUTHORITY];
    let one_after = [METHOD, SCHEME, PATH, ("x-test", "ok"), AUTHORITY];
    vec![
        unreadable(
            "http2/8.1.2.1/1",
            "no pseudo-header field is unknown",
            &block(&[METHOD, SCHEME, PATH, AUTHORITY, (":test", "ok")]),
        ),
        malformed(
            "http2/8.1.2.1/2",
            "a request has no status",
            &[METHOD, SCHEME, PATH, AUTHORITY, (":status", "200")],
        ),
        malformed("http2/8.1.2.1/4", "pseudo-header fields come first", &after),
        malformed("own/8.3/last", "each of them comes first", &one_after),
    ]
}

fn pseudo_of_requests() -> Vec<Rule> {
    let with = |more| [METHOD, SCHEME, PATH, AUTHORITY, more];
    vec![
        malformed(
            "http2/8.1.2.3/1",
            "a path is not empty",
            &[METHOD, SCHEME, (":path", ""), AUTHORITY],
        ),
        malformed(
            "http2/8.1.2.3/2",
            "a request has a method",
            &[SCHEME, PATH, AUTHORITY],
        ),
        malformed(
            "http2/8.1.2.3/3",
            "a request has a scheme",
            &[METHOD, PATH, AUTHORITY],
        ),
        malformed(
            "http2/8.1.2.3/4",
            "a request has a path",
            &[METHOD, SCHEME, AUTHORITY],
        ),
        malformed("http2/8.1.2.3/5", "one method", &with(METHOD)),
        malformed("http2/8.1.2.3/6", "one scheme", &with(SCHEME)),
        malformed("http2/8.1.2.3/7", "one path", &with(PATH)),
        malformed("own/8.3.1/authorities", "one authority", &with(AUTHORITY)),
        malformed("own/8.3.1/nothing", "a request has fields", &[]),
        unreadable(
            "own/8.3.1/empty-method",
            "a method is not empty",
            &block(&[(":method", ""), SCHEME, PATH, AUTHORITY]),
        ),
        malformed(
            "own/8.3.1/empty-scheme",
            "a scheme is not empty",
            &[METHOD, (":scheme", ""), PATH, AUTHORITY],
        ),
    ]
}

fn connection_fields() -> Vec<Rule> {
    vec![
        spoilt(
            "http2/8.1.2.2/1",
            "no field is of the connection",
            "connection",
            "keep-alive",
        ),
        spoilt(
            "http2/8.1.2.2/2",
            "TE says trailers and nothing else",
            "te",
            "trailers, deflate",
        ),
        spoilt("own/8.2.2/te", "TE does not speak of codings", "te", "gzip"),
        spoilt("own/8.2.2/keep-alive", "no Keep-Alive", "keep-alive", "timeout=5"),
        spoilt(
            "own/8.2.2/proxy-connection",
            "no Proxy-Connection",
            "proxy-connection",
            "keep-alive",
        ),
        spoilt(
            "own/8.2.2/transfer-encoding",
            "no Transfer-Encoding",
            "transfer-encoding",
            "chunked",
        ),
        spoilt(
            "own/8.2.2/identity",
            "not even one that does nothing",
            "transfer-encoding",
            "identity",
        ),
        spoilt("own/8.2.2/upgrade", "no Upgrade", "upgrade", "websocket"),
    ]
}

fn lengths() -> Vec<Rule> {
    let post = |length| {
        headers(
            1,
            END_HEADERS,
            request_with("POST", "/", &[("content-length", length)]),
        )
    };
    let wrong = |id, says, frames: Vec<Vec<u8>>| {
        rule(
            id,
            says,
            [send(frames.concat()), stream_error(1, [PROTOCOL_ERROR])],
        )
    };
    let refused = |id, says, length| wrong(id, says, vec![post(length), data(1, END_STREAM, "test")]);
    let trailers = headers(1, ENDS, block(&[("x-trailer", "after")]));
    let two = request_with(
        "POST",
        "/never",
        &[("content-length", "4"), ("content-length", "5")],
    );
    let none = request_with("POST", "/", &[("content-length", "4")]);
    vec![
        refused("http2/8.1.2.6/1", "one DATA is as long as announced", "1"),
        wrong(
            "http2/8.1.2.6/2",
            "several DATA are as long as announced",
            vec![post("1"), data(1, NONE, "test"), data(1, END_STREAM, "test")],
        ),
        refused("own/8.1.1/short", "content is not shorter than announced", "5"),
        wrong(
            "own/8.1.1/none",
            "a request that ends with its head has no content",
            vec![headers(1, ENDS, none)],
        ),
        wrong(
            "own/8.1.1/trailers",
            "nor do trailers make up for it",
            vec![post("5"), data(1, NONE, "test"), trailers],
        ),
        wrong(
            "own/8.1.1/two",
            "there is one length",
            vec![headers(1, END_HEADERS, two), data(1, END_STREAM, "test")],
        ),
        refused("own/8.1.1/plus", "a length has no sign", "+4"),
        refused("own/8.1.1/minus", "a length is not below nought", "-4"),
        refused("own/8.1.1/words", "a length is a number", "four"),
        refused(
            "own/8.1.1/huge",
            "a length can be counted",
            "99999999999999999999",
        ),
    ]
}

fn values() -> Vec<Rule> {
    vec![
        unspeakable("own/8.2.1/value-nul", "a value has no NUL", "x-test", "a\0b"),
        unspeakable("own/8.2.1/value-cr", "a value has no CR", "x-test", "a\rb"),
        unspeakable("own/8.2.1/value-lf", "a value has no LF", "x-test", "a\nb"),
        unspeakable(
            "own/8.2.1/value-fields",
            "a value has no further field",
            "x-test",
            "a\r\nx-more: b",
        ),
        spoilt(
            "own/8.2.1/value-leading",
            "a value does not begin with a space",
            "x-test",
            " a",
        ),
        spoilt(
            "own/8.2.1/value-trailing",
            "a value does not end with a tab",
            "x-test",
            "a\t",
        ),
    ]
}

fn good() -> Vec<Rule> {
    let with = |fields| send(headers(1, ENDS, request_with("GET", "/", fields)));
    let only_host = block(&[METHOD, SCHEME, (":path", "/"), ("host", "app.test")]);
    vec![
        rule(
            "own/8.2.2/te-trailers",
            "TE may say trailers",
            [with(&[("te", "trailers")]), answered(1)],
        ),
        rule(
            "own/8.3.1/same-host",
            "Host may say the authority again",
            [with(&[("host", "app.test")]), answered(1)],
        ),
        rule(
            "own/8.3.1/only-host",
            "Host may stand for the authority",
            [send(headers(1, ENDS, only_host)), answered(1)],
        ),
        rule(
            "own/8.2.3/cookies",
            "cookies in several fields are one",
            [
                with(&[("cookie", "a=1"), ("cookie", "b=2")]),
                answered_with(1, 200, "cookie=a=1; b=2"),
            ],
        ),
    ]
}
