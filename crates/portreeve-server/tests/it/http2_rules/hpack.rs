//! RFC 7541: a header section that breaks its rules ends the connection, since both tables have come apart then.

use super::fields::{
    END_OF_STRING, INDEXED, coded_with, indexed, literal, named_by, plain, request, table_size,
};
use super::frames::{ENDS, UNREADABLE, headers};
use super::rule::{Rule, answered, connection_error, rule, send};

pub(super) fn rules() -> Vec<Rule> {
    [tables(), strings(), numbers(), sizes()]
        .into_iter()
        .flatten()
        .collect()
}

/// A request with these bytes at the end of its section.
fn ending_in(bytes: &[u8]) -> Vec<u8> {
    headers(1, ENDS, [&request("GET", "/never"), bytes].concat())
}

fn broken(id: &'static str, says: &'static str, bytes: &[u8]) -> Rule {
    rule(id, says, [send(ending_in(bytes)), connection_error(UNREADABLE)])
}

/// Beyond the static table, and the dynamic one is empty.
const NO_ENTRY: u8 = 70;

fn tables() -> Vec<Rule> {
    let evicted = [&literal(INDEXED, "x-test", "gone")[..], &indexed(63)].concat();
    vec![
        broken("hpack/2.3.3/1", "no entry has this number", &indexed(NO_ENTRY)),
        broken(
            "hpack/2.3.3/2",
            "no entry has this number to name a field",
            &named_by(INDEXED, NO_ENTRY, &plain("fields")),
        ),
        broken(
            "own/hpack/2.3.3",
            "an entry serves only who has made it",
            &evicted,
        ),
        broken("hpack/6.1/1", "no entry has the number nought", &indexed(0)),
    ]
}

fn strings() -> Vec<Rule> {
    let padding = |more: &[bool], filled_with| {
        let value = coded_with("test", more, filled_with);
        [&[0x00][..], &plain("x-test"), &value].concat()
    };
    vec![
        broken(
            "hpack/5.2/1",
            "a string is not filled up with more than seven bits",
            &padding(&[true; 8], true),
        ),
        broken(
            "hpack/5.2/2",
            "a string is filled up with ones",
            &padding(&[], false),
        ),
        broken(
            "hpack/5.2/3",
            "no string holds the end of strings",
            &padding(&END_OF_STRING, true),
        ),
    ]
}

fn numbers() -> Vec<Rule> {
    let long_name = [0x00, 0x7f, 0xff, 0xff, 0x03];
    let endless = [&[0x00, 0x7f][..], &[0xff; 12], &[0x01]].concat();
    vec![
        broken(
            "own/hpack/5.1/beyond",
            "a string ends within its section",
            &long_name,
        ),
        broken("own/hpack/5.1/endless", "a number has an end", &endless),
        broken("own/hpack/5.1/cut", "a number ends within its section", &[0xff]),
        broken(
            "own/hpack/5.2/cut",
            "a literal has a value",
            &[&[0x00][..], &plain("x-test")].concat(),
        ),
    ]
}

fn sizes() -> Vec<Rule> {
    let before = |sizes: Vec<u8>, path| headers(1, ENDS, [sizes, request("GET", path)].concat());
    vec![
        broken(
            "hpack/4.2/1",
            "the table's size changes at the start of a section only",
            &table_size(1),
        ),
        rule(
            "hpack/6.3/1",
            "the table has at most the size of the settings",
            [
                send(before(table_size(4_097), "/never")),
                connection_error(UNREADABLE),
            ],
        ),
        rule(
            "own/hpack/6.3/most",
            "it may have exactly that",
            [send(before(table_size(4_096), "/")), answered(1)],
        ),
    ]
}
