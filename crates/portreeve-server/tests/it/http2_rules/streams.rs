//! Sections 5.1 to 5.5: the states of a stream, its number, how many there may be, and what is unknown.

use super::fields::{block, request, request_with};
use super::frames::{
    CANCEL, CLOSED, END_HEADERS, END_STREAM, ENDS, NONE, PING, PROTOCOL_ERROR, REFUSED_STREAM, UNKNOWN,
    WITH_PRIORITY, continuation, data, frame, headers, ping, placed, priority, reset, window_update,
};
use super::rule::{
    Rule, Step, answered, connection_error, either_error, pong, rule, send, send_all, stream_error,
};

pub(super) fn rules() -> Vec<Rule> {
    [
        idle(),
        half_closed(),
        reset_by_client(),
        closed(),
        numbers(),
        dependencies(),
        errors(),
        extensions(),
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

fn more() -> Vec<u8> {
    continuation(1, END_HEADERS, block(&[("x-test", "more")]))
}

fn idle() -> Vec<Rule> {
    let broken = |id, says, bytes: Vec<u8>| rule(id, says, [send(bytes), connection_error([PROTOCOL_ERROR])]);
    vec![
        broken(
            "http2/5.1/1",
            "DATA on an idle stream",
            data(1, END_STREAM, "test"),
        ),
        broken("http2/5.1/2", "RST_STREAM on an idle stream", reset(1, CANCEL)),
        broken(
            "http2/5.1/3",
            "WINDOW_UPDATE on an idle stream",
            window_update(1, 100),
        ),
        broken("http2/5.1/4", "CONTINUATION on an idle stream", more()),
        broken(
            "own/5.1/idle-beyond",
            "DATA on a stream beyond the last",
            [get(1), data(3, NONE, "test")].concat(),
        ),
        broken(
            "own/5.1/idle-of-server",
            "DATA on a stream of ours",
            data(2, NONE, "test"),
        ),
    ]
}

fn half_closed() -> Vec<Rule> {
    let after = |bytes: Vec<u8>| send_all([get(1), bytes]);
    vec![
        rule(
            "http2/5.1/5",
            "DATA after the end of the request",
            [after(data(1, END_STREAM, "test")), either_error(1, CLOSED)],
        ),
        rule(
            "http2/5.1/6",
            "HEADERS after the end of the request",
            [after(get(1)), either_error(1, CLOSED)],
        ),
        rule(
            "http2/5.1/7",
            "CONTINUATION after the end of the request",
            [after(more()), either_error(1, CLOSED)],
        ),
    ]
}

fn reset_by_client() -> Vec<Rule> {
    let after = |bytes: Vec<u8>| send_all([post(1), reset(1, CANCEL), bytes]);
    vec![
        rule(
            "http2/5.1/8",
            "DATA after RST_STREAM",
            [after(data(1, END_STREAM, "test")), either_error(1, CLOSED)],
        ),
        rule(
            "http2/5.1/9",
            "HEADERS after RST_STREAM",
            [after(get(1)), either_error(1, CLOSED)],
        ),
        rule(
            "http2/5.1/10",
            "CONTINUATION after RST_STREAM",
            [after(more()), either_error(1, CLOSED)],
        ),
        rule(
            "own/5.1/reset-twice",
            "RST_STREAM and WINDOW_UPDATE after RST_STREAM are late and harmless",
            [
                after([reset(1, CANCEL), window_update(1, 1), ping(EIGHT)].concat()),
                pong(EIGHT),
            ],
        ),
    ]
}

fn closed() -> Vec<Rule> {
    let after = |bytes: Vec<u8>, then: Step| [send(get(1)), answered(1), send(bytes), then];
    vec![
        rule(
            "http2/5.1/11",
            "DATA on a closed stream",
            after(data(1, END_STREAM, "test"), either_error(1, CLOSED)),
        ),
        rule(
            "http2/5.1/12",
            "HEADERS on a closed stream",
            after(get(1), either_error(1, CLOSED)),
        ),
        rule(
            "http2/5.1/13",
            "CONTINUATION on a closed stream",
            after(more(), either_error(1, CLOSED)),
        ),
        rule(
            "own/5.1/closed-window",
            "WINDOW_UPDATE and RST_STREAM on a closed stream are late and harmless",
            after(
                [window_update(1, 1), reset(1, CANCEL), ping(EIGHT)].concat(),
                pong(EIGHT),
            ),
        ),
    ]
}

const EIGHT: [u8; 8] = *b"are you?";
/// How many streams a listener takes at once if nothing is said of it.
const STREAMS_MAX: u32 = 128;

fn numbers() -> Vec<Rule> {
    let beyond = 2 * STREAMS_MAX + 1;
    let too_many: Vec<u8> = (0..=STREAMS_MAX).flat_map(|index| post(2 * index + 1)).collect();
    let later = headers(5, ENDS, request("GET", "/"));
    vec![
        rule(
            "http2/5.1.1/1",
            "a client opens no stream with an even number",
            [send(get(2)), connection_error([PROTOCOL_ERROR])],
        ),
        rule(
            "http2/5.1.1/2",
            "a new stream has a higher number than all before",
            [send_all([later, get(3)]), connection_error([PROTOCOL_ERROR])],
        ),
        rule(
            "http2/5.1.2/1",
            "more streams than allowed are refused",
            [
                send(too_many),
                stream_error(beyond, [PROTOCOL_ERROR, REFUSED_STREAM]),
                send_all([reset(1, CANCEL), reset(3, CANCEL)]),
            ],
        ),
    ]
}

/// RFC 9113 has left the tree behind; a stream below itself is still no sense, and no reason to end others.
fn dependencies() -> Vec<Rule> {
    let below_itself = [placed(1, 255), request("GET", "/")].concat();
    vec![
        rule(
            "http2/5.3.1/1",
            "HEADERS cannot put a stream below itself",
            [
                send(headers(1, ENDS | WITH_PRIORITY, below_itself)),
                either_error(1, [PROTOCOL_ERROR]),
            ],
        ),
        rule(
            "http2/5.3.1/2",
            "PRIORITY cannot put a stream below itself",
            [send(priority(3, 3, 255)), either_error(3, [PROTOCOL_ERROR])],
        ),
    ]
}

fn errors() -> Vec<Rule> {
    let ping_of_a_stream = || send(frame(PING, NONE, 3, [0; 8]));
    vec![
        rule(
            "http2/5.4.1/1",
            "a connection error closes the connection",
            [ping_of_a_stream(), connection_error([PROTOCOL_ERROR])],
        ),
        rule(
            "http2/5.4.1/2",
            "GOAWAY comes before the end, and names the last stream that was taken up",
            [
                send(get(5)),
                answered(5),
                ping_of_a_stream(),
                connection_error([PROTOCOL_ERROR]),
                Step::NamedLast(5),
            ],
        ),
        rule(
            "own/5.4.2/others-live",
            "what breaks one stream leaves the others alone",
            [
                send_all([
                    post(1),
                    headers(3, ENDS, request_with("GET", "/", &[("connection", "close")])),
                ]),
                stream_error(3, [PROTOCOL_ERROR]),
                send(data(1, END_STREAM, "test")),
                answered(1),
            ],
        ),
    ]
}

fn extensions() -> Vec<Rule> {
    vec![
        rule(
            "http2/5.5/1",
            "a frame of an unknown type is passed over",
            [
                send_all([frame(UNKNOWN, NONE, 0, [0; 8]), ping(EIGHT)]),
                pong(EIGHT),
            ],
        ),
        rule(
            "http2/5.5/2",
            "it is none between the frames of a header section",
            [
                send_all([
                    headers(1, END_STREAM, request("GET", "/")),
                    frame(UNKNOWN, NONE, 0, [0; 8]),
                    more(),
                ]),
                connection_error([PROTOCOL_ERROR]),
            ],
        ),
    ]
}
