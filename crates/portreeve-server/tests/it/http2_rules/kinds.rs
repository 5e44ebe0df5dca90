//! Sections 6.1 to 6.4, 6.7, 6.8, 6.10 and 7: what each kind of frame may be and where; windows and settings are apart.

use super::fields::{block, request};
use super::frames::{
    ACK, CANCEL, CLOSED, Code, END_HEADERS, END_STREAM, ENDS, FRAME_SIZE_ERROR, GOAWAY, NO_ERROR, NONE,
    PADDED, PING, PRIORITY, PROTOCOL_ERROR, RST_STREAM, continuation, data, frame, goaway, headers, ping,
    priority, reset,
};
use super::rule::{
    Awaited, Rule, Step, answered, connection_error, either_error, pong, rule, send, send_all,
};

pub(super) fn rules() -> Vec<Rule> {
    [
        of_data(),
        of_headers(),
        of_priority(),
        of_reset(),
        of_ping(),
        of_goaway(),
        of_continuation(),
        broken_continuation(),
        codes(),
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

fn begun(stream: u32) -> Vec<u8> {
    headers(stream, END_STREAM, request("GET", "/"))
}

fn more(stream: u32, flags: u8) -> Vec<u8> {
    continuation(stream, flags, block(&[("x-test", "more")]))
}

/// These frames end the connection with this code.
fn fatal<const N: usize>(id: &'static str, says: &'static str, frames: [Vec<u8>; N], code: Code) -> Rule {
    rule(id, says, [send_all(frames), connection_error([code])])
}

const EIGHT: [u8; 8] = *b"are you?";

fn of_data() -> Vec<Rule> {
    let overlong = [&[5][..], b"test"].concat();
    vec![
        fatal(
            "http2/6.1/1",
            "DATA is of a stream",
            [data(0, END_STREAM, "test")],
            PROTOCOL_ERROR,
        ),
        rule(
            "http2/6.1/2",
            "DATA is of an open stream",
            [
                send_all([get(1), data(1, END_STREAM, "test")]),
                either_error(1, CLOSED),
            ],
        ),
        fatal(
            "http2/6.1/3",
            "padding of DATA is shorter than the frame",
            [post(1), data(1, END_STREAM | PADDED, overlong)],
            PROTOCOL_ERROR,
        ),
        rule(
            "own/6.1/no-length",
            "DATA with padding says how much",
            [
                send_all([post(1), data(1, END_STREAM | PADDED, "")]),
                either_error(1, [FRAME_SIZE_ERROR, PROTOCOL_ERROR]),
            ],
        ),
    ]
}

fn of_headers() -> Vec<Rule> {
    let overlong = [&[255][..], &request("GET", "/")].concat();
    vec![
        fatal(
            "http2/6.2/1",
            "PRIORITY within a header section",
            [begun(1), priority(1, 0, 255)],
            PROTOCOL_ERROR,
        ),
        fatal(
            "http2/6.2/2",
            "another HEADERS within a header section",
            [begun(1), get(3)],
            PROTOCOL_ERROR,
        ),
        fatal("http2/6.2/3", "HEADERS are of a stream", [get(0)], PROTOCOL_ERROR),
        fatal(
            "http2/6.2/4",
            "padding of HEADERS is shorter than the frame",
            [headers(1, ENDS | PADDED, overlong)],
            PROTOCOL_ERROR,
        ),
        fatal(
            "own/6.2/ping",
            "PING within a header section",
            [begun(1), ping(EIGHT)],
            PROTOCOL_ERROR,
        ),
        fatal(
            "own/6.2/data",
            "DATA within a header section",
            [begun(1), data(1, END_STREAM, "")],
            PROTOCOL_ERROR,
        ),
    ]
}

fn of_priority() -> Vec<Rule> {
    let short = frame(PRIORITY, NONE, 1, [0x80, 0, 0, 1]);
    vec![
        fatal(
            "http2/6.3/1",
            "PRIORITY is of a stream",
            [priority(0, 0, 255)],
            PROTOCOL_ERROR,
        ),
        rule(
            "http2/6.3/2",
            "PRIORITY has five bytes",
            [send_all([post(1), short]), either_error(1, [FRAME_SIZE_ERROR])],
        ),
    ]
}

fn of_reset() -> Vec<Rule> {
    let short = frame(RST_STREAM, NONE, 1, [0, 0, 0]);
    vec![
        fatal(
            "http2/6.4/1",
            "RST_STREAM is of a stream",
            [reset(0, CANCEL)],
            PROTOCOL_ERROR,
        ),
        fatal(
            "http2/6.4/2",
            "RST_STREAM is of a stream that was opened",
            [reset(1, CANCEL)],
            PROTOCOL_ERROR,
        ),
        fatal(
            "http2/6.4/3",
            "RST_STREAM has four bytes",
            [post(1), short],
            FRAME_SIZE_ERROR,
        ),
    ]
}

fn of_ping() -> Vec<Rule> {
    let unasked = frame(PING, ACK, 0, *b"unasked!");
    vec![
        rule(
            "http2/6.7/1",
            "PING is answered with what it holds",
            [send(ping(*b"12345678")), pong(*b"12345678")],
        ),
        rule(
            "http2/6.7/2",
            "the answer to a PING is not answered",
            [send_all([unasked, ping(EIGHT)]), pong(EIGHT)],
        ),
        fatal(
            "http2/6.7/3",
            "PING is of no stream",
            [frame(PING, NONE, 1, EIGHT)],
            PROTOCOL_ERROR,
        ),
        fatal(
            "http2/6.7/4",
            "PING has eight bytes",
            [frame(PING, NONE, 0, [0; 6])],
            FRAME_SIZE_ERROR,
        ),
        fatal(
            "own/6.7/long",
            "PING has no more than eight bytes",
            [frame(PING, NONE, 0, [0; 9])],
            FRAME_SIZE_ERROR,
        ),
    ]
}

fn of_goaway() -> Vec<Rule> {
    let of_stream = frame(GOAWAY, NONE, 1, [0; 8]);
    let short = frame(GOAWAY, NONE, 0, [0; 7]);
    vec![
        fatal(
            "http2/6.8/1",
            "GOAWAY is of no stream",
            [of_stream],
            PROTOCOL_ERROR,
        ),
        fatal(
            "own/6.8/short",
            "GOAWAY has eight bytes at least",
            [short],
            FRAME_SIZE_ERROR,
        ),
        rule(
            "own/6.8/finishes",
            "what was asked before GOAWAY is answered",
            [
                send_all([post(1), goaway(0, NO_ERROR), data(1, END_STREAM, "test")]),
                answered(1),
            ],
        )
        .leaving(),
    ]
}

fn of_continuation() -> Vec<Rule> {
    vec![
        rule(
            "http2/6.10/1",
            "CONTINUATION may follow one another",
            [
                send_all([begun(1), more(1, NONE), more(1, END_HEADERS)]),
                answered(1),
            ],
        ),
        fatal(
            "http2/6.10/2",
            "nothing but CONTINUATION follows one that is not the last",
            [
                headers(1, NONE, request("POST", "/")),
                more(1, NONE),
                data(1, END_STREAM, "test"),
            ],
            PROTOCOL_ERROR,
        ),
        fatal(
            "http2/6.10/3",
            "CONTINUATION is of a stream",
            [begun(1), more(0, END_HEADERS)],
            PROTOCOL_ERROR,
        ),
    ]
}

fn broken_continuation() -> Vec<Rule> {
    vec![
        fatal(
            "http2/6.10/4",
            "none follows HEADERS that end the section",
            [get(1), more(1, END_HEADERS)],
            PROTOCOL_ERROR,
        ),
        fatal(
            "http2/6.10/5",
            "none follows the last CONTINUATION",
            [begun(1), more(1, END_HEADERS), more(1, END_HEADERS)],
            PROTOCOL_ERROR,
        ),
        fatal(
            "http2/6.10/6",
            "none follows DATA",
            [
                headers(1, NONE, request("POST", "/")),
                data(1, END_STREAM, "test"),
                more(1, NONE),
                more(0, END_HEADERS),
            ],
            PROTOCOL_ERROR,
        ),
        fatal(
            "own/6.10/other-stream",
            "CONTINUATION is of the stream of its HEADERS",
            [begun(1), more(3, END_HEADERS)],
            PROTOCOL_ERROR,
        ),
    ]
}

const UNKNOWN_CODE: Code = Code(0xff);

fn codes() -> Vec<Rule> {
    vec![
        rule(
            "http2/7/1",
            "GOAWAY with an unknown code is a GOAWAY",
            [
                send_all([goaway(0, UNKNOWN_CODE), ping(EIGHT)]),
                Step::Await(Awaited::EndOrPong),
            ],
        )
        .leaving(),
        rule(
            "http2/7/2",
            "RST_STREAM with an unknown code is an RST_STREAM",
            [
                send_all([post(1), reset(1, UNKNOWN_CODE), ping(EIGHT)]),
                pong(EIGHT),
            ],
        ),
    ]
}
