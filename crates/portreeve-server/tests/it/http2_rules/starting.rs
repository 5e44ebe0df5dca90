//! Sections 3.4 and 4: how a connection begins, what a frame looks like, and the header sections in them.

use super::fields::{block, request};
use super::frames::{
    END_HEADERS, END_STREAM, ENDS, FRAME_SIZE_ERROR, NONE, PAYLOAD_MAX, PING, PREFACE, PROTOCOL_ERROR,
    SETTINGS, UNKNOWN, UNREADABLE, continuation, data, frame, headers, ping, priority, settings,
};
use super::rule::{
    Awaited, Rule, Step, acknowledged, answered, connection_error, either_error, pong, rule, send, send_all,
};

pub(super) fn rules() -> Vec<Rule> {
    [preface(), format(), size(), sections()]
        .into_iter()
        .flatten()
        .collect()
}

const EIGHT: [u8; 8] = *b"are you?";

fn preface() -> Vec<Rule> {
    vec![
        rule(
            "http2/3.5/1",
            "a client's preface is answered by settings",
            [send_all([PREFACE.to_vec(), settings(&[])]), acknowledged()],
        )
        .alone()
        .leaving(),
        rule(
            "http2/3.5/2",
            "another preface ends the connection",
            [send(&b"INVALID CONNECTION PREFACE\r\n\r\n"[..]), ended()],
        )
        .alone(),
        rule(
            "own/3.4/last-byte",
            "so does one with a wrong last byte",
            [send(&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\r"[..]), ended()],
        )
        .alone(),
        rule(
            "own/3.4/first-frame",
            "the first frame is SETTINGS",
            [
                send_all([PREFACE.to_vec(), ping(EIGHT)]),
                connection_error([PROTOCOL_ERROR]),
            ],
        )
        .alone(),
    ]
}

/// With or without a word, since who does not speak HTTP/2 understands no frame.
fn ended() -> Step {
    Step::Await(Awaited::EndOrPong)
}

fn format() -> Vec<Rule> {
    let reserved = frame(PING, NONE, 0x8000_0000, EIGHT);
    vec![
        rule(
            "http2/4.1/1",
            "a frame of an unknown type is passed over",
            [
                send_all([frame(UNKNOWN, NONE, 0, [0; 8]), ping(EIGHT)]),
                pong(EIGHT),
            ],
        ),
        rule(
            "http2/4.1/2",
            "a flag without a meaning is passed over",
            [send(frame(PING, 0x16, 0, EIGHT)), pong(EIGHT)],
        ),
        rule(
            "http2/4.1/3",
            "the reserved bit is passed over",
            [send(reserved), pong(EIGHT)],
        ),
    ]
}

fn size() -> Vec<Rule> {
    let post = || headers(1, END_HEADERS, request("POST", "/"));
    let large = vec![b'x'; PAYLOAD_MAX + 1];
    let long_value = "v".repeat(PAYLOAD_MAX);
    let long_section = [request("GET", "/"), block(&[("x-long", &long_value)])].concat();
    vec![
        rule(
            "http2/4.2/1",
            "DATA may be as large as every frame may be",
            [send_all([post(), data(1, END_STREAM, &large[1..])]), answered(1)],
        ),
        rule(
            "http2/4.2/2",
            "DATA may not be larger",
            [
                send_all([post(), data(1, END_STREAM, &large)]),
                either_error(1, [FRAME_SIZE_ERROR]),
            ],
        ),
        rule(
            "http2/4.2/3",
            "HEADERS may not be larger",
            [
                send(headers(1, ENDS, long_section)),
                connection_error([FRAME_SIZE_ERROR]),
            ],
        ),
        rule(
            "own/4.2/settings",
            "SETTINGS may not be larger, whatever is in it",
            [
                send(frame(SETTINGS, NONE, 0, vec![0; 16_386])),
                connection_error([FRAME_SIZE_ERROR]),
            ],
        ),
    ]
}

fn sections() -> Vec<Rule> {
    let begun = || headers(1, END_STREAM, request("GET", "/"));
    vec![
        rule(
            "http2/4.3/1",
            "a header section that cannot be read ends the connection",
            [send(headers(1, ENDS, [0x40])), connection_error(UNREADABLE)],
        ),
        rule(
            "http2/4.3/2",
            "PRIORITY within a header section",
            [
                send_all([begun(), priority(1, 0, 255), continuation(1, END_HEADERS, "")]),
                connection_error([PROTOCOL_ERROR]),
            ],
        ),
        rule(
            "http2/4.3/3",
            "HEADERS of another stream within a header section",
            [
                send_all([begun(), headers(3, ENDS, request("GET", "/"))]),
                connection_error([PROTOCOL_ERROR]),
            ],
        ),
    ]
}
