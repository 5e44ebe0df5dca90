//! Sections 6.5 and 6.9: what both sides agree on, and how much may be under way.

use super::fields::request;
use super::frames::{
    ACK, Code, ENABLE_PUSH, END_HEADERS, ENDS, FLOW_CONTROL_ERROR, FRAME_SIZE_ERROR, HEADER_TABLE_SIZE,
    INITIAL_WINDOW_SIZE, MAX_FRAME_SIZE, NONE, PROTOCOL_ERROR, SETTINGS, TOO_WIDE, UNKNOWN_SETTING,
    WINDOW_MAX, WINDOW_UPDATE, frame, headers, ping, settings, window_update,
};
use super::rule::{
    Rule, acknowledged, answered, connection_error, content, either_error, head, pong, rule, send, send_all,
    stream_error,
};

pub(super) fn rules() -> Vec<Rule> {
    [
        form(),
        values(),
        in_order(),
        updates(),
        windows(),
        changes(),
        overflow(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn get(stream: u32) -> Vec<u8> {
    headers(stream, ENDS, request("GET", "/"))
}

fn post(stream: u32) -> Vec<u8> {
    headers(stream, END_HEADERS, request("POST", "/"))
}

fn initial_window(size: u32) -> Vec<u8> {
    settings(&[(INITIAL_WINDOW_SIZE, size)])
}

fn fatal(id: &'static str, says: &'static str, frame: Vec<u8>, codes: impl Into<Vec<Code>>) -> Rule {
    rule(id, says, [send(frame), connection_error(codes)])
}

const EIGHT: [u8; 8] = *b"are you?";

fn form() -> Vec<Rule> {
    let one = [0, 3, 0, 0, 0, 100];
    vec![
        fatal(
            "http2/6.5/1",
            "an acknowledgement holds nothing",
            frame(SETTINGS, ACK, 0, one),
            FRAME_SIZE_ERROR,
        ),
        fatal(
            "http2/6.5/2",
            "SETTINGS are of no stream",
            frame(SETTINGS, NONE, 1, one),
            PROTOCOL_ERROR,
        ),
        fatal(
            "http2/6.5/3",
            "a setting has six bytes",
            frame(SETTINGS, NONE, 0, &one[..3]),
            FRAME_SIZE_ERROR,
        ),
    ]
}

/// One setting that there cannot be.
fn bad(id: &'static str, says: &'static str, setting: (u16, u32), codes: impl Into<Vec<Code>>) -> Rule {
    fatal(id, says, settings(&[setting]), codes)
}

fn values() -> Vec<Rule> {
    vec![
        bad(
            "http2/6.5.2/1",
            "ENABLE_PUSH is 0 or 1",
            (ENABLE_PUSH, 2),
            PROTOCOL_ERROR,
        ),
        bad(
            "http2/6.5.2/2",
            "a window has its greatest size",
            (INITIAL_WINDOW_SIZE, WINDOW_MAX + 1),
            TOO_WIDE,
        ),
        bad(
            "http2/6.5.2/3",
            "frames may not be made smaller",
            (MAX_FRAME_SIZE, 16_383),
            PROTOCOL_ERROR,
        ),
        bad(
            "http2/6.5.2/4",
            "frames have their greatest size",
            (MAX_FRAME_SIZE, 16_777_216),
            PROTOCOL_ERROR,
        ),
        rule(
            "http2/6.5.2/5",
            "an unknown setting is passed over",
            [
                send_all([settings(&[(UNKNOWN_SETTING, 1)]), ping(EIGHT)]),
                pong(EIGHT),
            ],
        ),
        rule(
            "own/6.5.2/greatest",
            "the greatest values are taken",
            [
                send(settings(&[
                    (MAX_FRAME_SIZE, 16_777_215),
                    (INITIAL_WINDOW_SIZE, WINDOW_MAX),
                ])),
                acknowledged(),
                send(get(1)),
                answered(1),
            ],
        ),
        rule(
            "own/6.5.2/no-table",
            "a client without a table is answered without one",
            [
                send(settings(&[(HEADER_TABLE_SIZE, 0)])),
                acknowledged(),
                send(get(1)),
                answered(1),
                send(get(3)),
                answered(3),
            ],
        ),
    ]
}

fn in_order() -> Vec<Rule> {
    let twice = settings(&[(INITIAL_WINDOW_SIZE, 100), (INITIAL_WINDOW_SIZE, 1)]);
    vec![
        rule(
            "http2/6.5.3/1",
            "the later of two values holds",
            [send(twice), acknowledged(), send(get(1)), content(1, 1)],
        ),
        rule(
            "http2/6.5.3/2",
            "SETTINGS are acknowledged",
            [send(settings(&[(ENABLE_PUSH, 0)])), acknowledged()],
        ),
    ]
}

fn updates() -> Vec<Rule> {
    let short = frame(WINDOW_UPDATE, NONE, 0, [0, 0, 1]);
    vec![
        fatal(
            "http2/6.9/1",
            "a window grows by one at least",
            window_update(0, 0),
            PROTOCOL_ERROR,
        ),
        rule(
            "http2/6.9/2",
            "so does that of a stream",
            [
                send_all([post(1), window_update(1, 0)]),
                either_error(1, [PROTOCOL_ERROR]),
            ],
        ),
        fatal(
            "http2/6.9/3",
            "WINDOW_UPDATE has four bytes",
            short,
            FRAME_SIZE_ERROR,
        ),
    ]
}

fn windows() -> Vec<Rule> {
    let by_most = |stream| window_update(stream, WINDOW_MAX);
    vec![
        rule(
            "http2/6.9.1/1",
            "no more is sent than the window takes",
            [
                send(initial_window(1)),
                acknowledged(),
                send(get(1)),
                content(1, 1),
            ],
        ),
        rule(
            "http2/6.9.1/2",
            "the window of the connection has its greatest size",
            [
                send_all([by_most(0), by_most(0)]),
                connection_error([FLOW_CONTROL_ERROR]),
            ],
        ),
        rule(
            "http2/6.9.1/3",
            "the window of a stream has its greatest size",
            [
                send_all([post(1), by_most(1), by_most(1)]),
                stream_error(1, [FLOW_CONTROL_ERROR]),
            ],
        ),
    ]
}

fn changes() -> Vec<Rule> {
    vec![
        rule(
            "http2/6.9.2/1",
            "new settings change the windows that there are",
            [
                send(initial_window(0)),
                acknowledged(),
                send(get(1)),
                head(1),
                send(initial_window(1)),
                content(1, 1),
            ],
        ),
        rule(
            "http2/6.9.2/2",
            "a window may be less than nothing",
            [
                send(initial_window(3)),
                acknowledged(),
                send(get(1)),
                content(1, 3),
                send_all([initial_window(2), window_update(1, 2)]),
                content(1, 1),
            ],
        ),
    ]
}

fn overflow() -> Vec<Rule> {
    vec![
        fatal(
            "http2/6.9.2/3",
            "a window has its greatest size",
            initial_window(0x8000_0000),
            TOO_WIDE,
        ),
        rule(
            "own/6.9.2/by-settings",
            "settings let no window grow beyond that",
            [
                send_all([post(1), window_update(1, 1_000), initial_window(WINDOW_MAX)]),
                connection_error([FLOW_CONTROL_ERROR]),
            ],
        ),
    ]
}
