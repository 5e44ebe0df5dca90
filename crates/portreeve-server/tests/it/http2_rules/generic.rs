//! What every server must take: each frame in its right form and place, whole exchanges, each form of a field.

use super::fields::{
    AS_IS, Fields, INDEXED, NEVER_INDEXED, block, coded, indexed, literal, literal_huffman, named_by, plain,
    request, request_with, table_size,
};
use super::frames::{
    ACK, CANCEL, END_HEADERS, END_STREAM, ENDS, EXCLUSIVE, INITIAL_WINDOW_SIZE, NO_ERROR, NONE, PADDED, PING,
    WINDOW, WITH_PRIORITY, continuation, data, frame, goaway, headers, padded, ping, placed, priority, reset,
    settings, window_update,
};
use super::rule::{
    Rule, Step, acknowledged, answered, answered_with, content, head, pong, rule, send, send_all,
};

pub(super) fn rules() -> Vec<Rule> {
    [
        streams(),
        bodies(),
        priorities(),
        connection_frames(),
        continuations(),
        exchanges(),
        forms(),
        sizes(),
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

const EIGHT: [u8; 8] = *b"are you?";

fn streams() -> Vec<Rule> {
    let no_window = || send(settings(&[(INITIAL_WINDOW_SIZE, 0)]));
    vec![
        rule(
            "generic/1/1",
            "a connection begins with a preface and settings",
            [],
        ),
        rule(
            "generic/2/1",
            "PRIORITY is taken on an idle stream",
            [send_all([priority(1, 0, 254), ping(EIGHT)]), pong(EIGHT)],
        ),
        rule(
            "generic/2/2",
            "WINDOW_UPDATE is taken on a half-closed stream",
            [
                no_window(),
                acknowledged(),
                send(get(1)),
                head(1),
                send(window_update(1, WINDOW)),
                answered_content(1),
            ],
        ),
        rule(
            "generic/2/3",
            "PRIORITY is taken on a half-closed stream",
            [
                no_window(),
                acknowledged(),
                send(get(1)),
                head(1),
                send_all([priority(1, 0, 254), window_update(1, WINDOW)]),
                answered_content(1),
            ],
        ),
        rule(
            "generic/2/4",
            "RST_STREAM is taken on a half-closed stream",
            [
                no_window(),
                acknowledged(),
                send(get(1)),
                head(1),
                send_all([reset(1, CANCEL), ping(EIGHT)]),
                pong(EIGHT),
            ],
        ),
        rule(
            "generic/2/5",
            "PRIORITY is taken on a closed stream",
            [
                send(get(1)),
                answered(1),
                send_all([priority(1, 0, 254), ping(EIGHT)]),
                pong(EIGHT),
            ],
        ),
    ]
}

/// All of what the origin says, and its full stop, in one frame.
fn answered_content(stream: u32) -> Step {
    content(stream, super::WELL.len() + 1)
}

fn bodies() -> Vec<Rule> {
    let with_priority = [placed(0, 15), request("GET", "/")].concat();
    vec![
        rule(
            "generic/3.1/1",
            "DATA",
            [
                send_all([post(1), data(1, END_STREAM, "test")]),
                answered_with(1, 200, "content=test"),
            ],
        ),
        rule(
            "generic/3.1/2",
            "several DATA",
            [
                send_all([post(1), data(1, NONE, "te"), data(1, END_STREAM, "st")]),
                answered_with(1, 200, "content=test"),
            ],
        ),
        rule(
            "generic/3.1/3",
            "DATA with padding",
            [
                send_all([post(1), data(1, END_STREAM | PADDED, padded(6, "test"))]),
                answered_with(1, 200, "content=test"),
            ],
        ),
        rule("generic/3.2/1", "HEADERS", [send(get(1)), answered(1)]),
        rule(
            "generic/3.2/2",
            "HEADERS with padding",
            [
                send(headers(1, ENDS | PADDED, padded(6, request("GET", "/")))),
                answered(1),
            ],
        ),
        rule(
            "generic/3.2/3",
            "HEADERS with a priority",
            [send(headers(1, ENDS | WITH_PRIORITY, with_priority)), answered(1)],
        ),
    ]
}

fn priorities() -> Vec<Rule> {
    let taken = |frame: Vec<u8>| [send_all([frame, get(1)]), answered(1)];
    vec![
        rule("generic/3.3/1", "the lowest weight", taken(priority(1, 0, 0))),
        rule("generic/3.3/2", "the highest weight", taken(priority(1, 0, 255))),
        rule(
            "generic/3.3/3",
            "a parent",
            taken([priority(3, 0, 255), priority(1, 3, 255)].concat()),
        ),
        rule(
            "generic/3.3/4",
            "an only child",
            taken([priority(3, 0, 255), priority(1, 3 | EXCLUSIVE, 255)].concat()),
        ),
        rule(
            "generic/3.3/5",
            "PRIORITY leaves the streams below it idle",
            [
                send_all([priority(5, 0, 255), headers(3, ENDS, request("GET", "/"))]),
                answered(3),
            ],
        ),
    ]
}

fn connection_frames() -> Vec<Rule> {
    vec![
        rule(
            "generic/3.4/1",
            "RST_STREAM",
            [
                send(post(1)),
                send_all([reset(1, CANCEL), ping(EIGHT)]),
                pong(EIGHT),
            ],
        ),
        rule("generic/3.5/1", "SETTINGS", [send(settings(&[])), acknowledged()]),
        rule("generic/3.7/1", "PING", [send(ping(EIGHT)), pong(EIGHT)]),
        rule(
            "generic/3.8/1",
            "GOAWAY",
            [send_all([goaway(0, NO_ERROR), ping(EIGHT)]), pong(EIGHT)],
        )
        .leaving(),
        rule(
            "generic/3.9/1",
            "WINDOW_UPDATE of the connection",
            [send_all([window_update(0, 1), ping(EIGHT)]), pong(EIGHT)],
        ),
        rule(
            "generic/3.9/2",
            "WINDOW_UPDATE of a stream",
            [
                send_all([post(1), window_update(1, 1), data(1, END_STREAM, "")]),
                answered(1),
            ],
        ),
        rule(
            "own/6.7/in-order",
            "a PING is answered while a request is half there",
            [
                send_all([post(1), frame(PING, ACK, 0, EIGHT), ping(*b"half way")]),
                pong(*b"half way"),
            ],
        ),
    ]
}

fn continuations() -> Vec<Rule> {
    let (first, second) = (request("GET", "/"), block(&[("x-test", "continued")]));
    vec![
        rule(
            "generic/3.10/1",
            "CONTINUATION",
            [
                send_all([
                    headers(1, END_STREAM, &first),
                    continuation(1, END_HEADERS, &second),
                ]),
                answered_with(1, 200, "test=continued"),
            ],
        ),
        rule(
            "generic/3.10/2",
            "several CONTINUATION",
            [
                send_all([
                    headers(1, END_STREAM, &first),
                    continuation(1, NONE, &second[..3]),
                    continuation(1, END_HEADERS, &second[3..]),
                ]),
                answered_with(1, 200, "test=continued"),
            ],
        ),
        rule(
            "own/6.10/nothing-in-headers",
            "a header section may be in CONTINUATION alone",
            [
                send_all([headers(1, END_STREAM, ""), continuation(1, END_HEADERS, &first)]),
                answered(1),
            ],
        ),
    ]
}

fn exchanges() -> Vec<Rule> {
    let trailers = headers(1, ENDS, block(&[("x-trailer", "after")]));
    vec![
        rule("generic/4/1", "GET", [send(get(1)), answered(1)]),
        rule(
            "generic/4/2",
            "HEAD",
            [send(headers(1, ENDS, request("HEAD", "/"))), answered(1)],
        ),
        rule(
            "generic/4/3",
            "POST",
            [
                send_all([post(1), data(1, END_STREAM, "test")]),
                answered_with(1, 200, "content=test"),
            ],
        ),
        rule(
            "generic/4/4",
            "POST with trailers",
            [
                send_all([post(1), data(1, NONE, "test"), trailers.clone()]),
                answered_with(1, 200, "content=test"),
            ],
        ),
        rule(
            "own/8.1/trailers-alone",
            "trailers may follow the head at once",
            [send_all([post(1), trailers]), answered(1)],
        ),
        rule(
            "own/8.1/content-length",
            "a length that is right is passed",
            [
                send_all([
                    headers(
                        1,
                        END_HEADERS,
                        request_with("POST", "/", &[("content-length", "4")]),
                    ),
                    data(1, NONE, "te"),
                    data(1, END_STREAM, "st"),
                ]),
                answered_with(1, 200, "content=test"),
            ],
        ),
    ]
}

/// A request with this field at its end.
fn getting(field: &[u8]) -> Vec<u8> {
    headers(1, ENDS, [&request("GET", "/"), field].concat())
}

const USER_AGENT: u8 = 58;

fn forms() -> Vec<Rule> {
    let [whole, agent, test] = ["", "agent=fields", "test=fields"];
    let field =
        |id, says, bytes: Vec<u8>, told| rule(id, says, [send(getting(&bytes)), answered_with(1, 200, told)]);
    let forms = [
        (
            "with indexing",
            INDEXED,
            ["generic/5/2", "generic/5/3", "generic/5/4", "generic/5/5"],
        ),
        (
            "without indexing",
            AS_IS,
            ["generic/5/6", "generic/5/7", "generic/5/8", "generic/5/9"],
        ),
        (
            "never indexed",
            NEVER_INDEXED,
            ["generic/5/10", "generic/5/11", "generic/5/12", "generic/5/13"],
        ),
    ];
    let of_form = |(says, form, ids): (_, u8, [_; 4])| {
        [
            field(ids[0], says, named_by(form, USER_AGENT, &plain("fields")), agent),
            field(ids[1], says, named_by(form, USER_AGENT, &coded("fields")), agent),
            field(ids[2], says, literal(form, "x-test", "fields"), test),
            field(ids[3], says, literal_huffman(form, "x-test", "fields"), test),
        ]
    };
    let mut rules: Vec<Rule> = forms.into_iter().flat_map(of_form).collect();
    rules.push(field(
        "generic/5/1",
        "an entry of the static table",
        indexed(USER_AGENT),
        whole,
    ));
    rules
}

fn sizes() -> Vec<Rule> {
    let sized = |sizes: Vec<u8>| send(headers(1, ENDS, [sizes, request("GET", "/")].concat()));
    let kept: Fields<'_> = &[("x-test", "kept")];
    let indexing = [&request("GET", "/")[..], &literal(INDEXED, kept[0].0, kept[0].1)].concat();
    let from_table = [request("GET", "/"), indexed(62)].concat();
    vec![
        rule(
            "generic/5/14",
            "the table's size changes",
            [sized(table_size(0)), answered(1)],
        ),
        rule(
            "generic/5/15",
            "it changes twice",
            [sized([table_size(0), table_size(4_096)].concat()), answered(1)],
        ),
        rule(
            "own/hpack/2.3.2",
            "an entry of one request serves the next",
            [
                send(headers(1, ENDS, indexing)),
                answered(1),
                send(headers(3, ENDS, from_table)),
                answered_with(3, 200, "test=kept"),
            ],
        ),
    ]
}
