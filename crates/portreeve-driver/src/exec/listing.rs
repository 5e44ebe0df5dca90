//! What hooks print: read strictly, since a list that is misunderstood would make instances vanish.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::id::is_id;
use crate::readable::readable;

/// An instance as the hook names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) id: Arc<str>,
    pub(super) address: Option<SocketAddr>,
}

/// Lines of `ID` or `ID ADDRESS`; empty ones are passed over. Or what is wrong, and in which line.
pub(super) fn listing(printed: &[u8]) -> Result<Vec<Listed>, String> {
    let mut ids = BTreeSet::new();
    let mut all = Vec::new();
    for (number, line) in (1..).zip(printed.split(|byte| *byte == b'\n')) {
        let Some(one) = entry(line).map_err(|wrong| format!("line {number} of what it prints {wrong}"))?
        else {
            continue;
        };
        if !ids.insert(one.id.clone()) {
            return Err(format!(
                "it prints {} twice, the second time in line {number}",
                one.id
            ));
        }
        if all.len() == INSTANCES_MAX {
            return Err(format!("it prints more than {INSTANCES_MAX} instances"));
        }
        all.push(one);
    }
    Ok(all)
}

const INSTANCES_MAX: usize = 10_000;

fn entry(line: &[u8]) -> Result<Option<Listed>, String> {
    let text = std::str::from_utf8(line).map_err(|_| wrong(line))?;
    let mut words = text.split_ascii_whitespace();
    let Some(id) = words.next() else { return Ok(None) };
    let address = words
        .next()
        .map(|word| address(word).ok_or_else(|| wrong(line)))
        .transpose()?;
    match is_id(id) && words.next().is_none() {
        true => Ok(Some(Listed {
            id: id.into(),
            address,
        })),
        false => Err(wrong(line)),
    }
}

fn wrong(line: &[u8]) -> String {
    let shown: String = readable(&line[..line.len().min(SHOWN_MAX)]);
    let more = if line.len() > SHOWN_MAX { "…" } else { "" };
    format!(
        "is `{shown}{more}`: it must be an id of a-z, 0-9 and -, and perhaps an address such as 10.0.0.7:8000"
    )
}

const SHOWN_MAX: usize = 80;

/// One that can be connected to.
fn address(word: &str) -> Option<SocketAddr> {
    let address: SocketAddr = word.parse().ok()?;
    (address.port() != 0 && !address.ip().is_unspecified()).then_some(address)
}

/// The line of what `start` printed that is an address, if there is one. Other lines are for people.
pub(super) fn printed_address(printed: &[u8]) -> Result<Option<SocketAddr>, String> {
    let lines = printed.split(|byte| *byte == b'\n');
    let found: BTreeSet<SocketAddr> = lines
        .filter_map(|line| address(std::str::from_utf8(line).ok()?.trim()))
        .collect();
    match found.len() {
        0 | 1 => Ok(found.first().copied()),
        several => Err(format!(
            "it prints {several} addresses; print the one where it listens"
        )),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn whatever_is_printed_is_read_back_or_refused_in_few_words(
            printed in prop_oneof![
                proptest::collection::vec(any::<u8>(), 0..200),
                "([a-c -]{0,3}( 10\\.0\\.0\\.[0-9]:[0-9]{1,3})?\n){0,6}".prop_map(String::into_bytes),
            ]
        ) {
            match listing(&printed) {
                Ok(all) => {
                    let again: Vec<String> = all.iter().map(shown).collect();
                    prop_assert_eq!(listing(again.join("\n").as_bytes()), Ok(all));
                }
                Err(reason) => prop_assert!(reason.len() < 1_024),
            }
            let _ = printed_address(&printed);
        }
    }

    fn shown(one: &Listed) -> String {
        let address = one
            .address
            .map_or_else(String::new, |address| address.to_string());
        format!("{} {address}", one.id)
    }

    #[test]
    fn ids_are_read_with_or_without_addresses() {
        let all = listing(b"a-1 10.0.0.7:8000\n\n  b \r\nc\t[::1]:80").unwrap();
        let shown: Vec<String> = all
            .iter()
            .map(|one| format!("{} {:?}", one.id, one.address))
            .collect();
        assert_eq!(shown, ["a-1 Some(10.0.0.7:8000)", "b None", "c Some([::1]:80)"]);
        assert_eq!(listing(b""), Ok(Vec::new()));
    }

    #[test]
    fn what_makes_no_sense_is_told_with_its_line_and_nothing_of_it_is_believed() {
        for (printed, told) in [
            (
                &b"a\nERROR: no such host\n"[..],
                "line 2 of what it prints is `ERROR: no such host`",
            ),
            (b"a x", "line 1"),
            (b"a 10.0.0.7", "line 1"),
            (b"a 10.0.0.7:0", "line 1"),
            (b"a 0.0.0.0:80", "line 1"),
            (b"a 10.0.0.7:80 b", "line 1"),
            (b"../a", "line 1"),
            (b"\xff\xfe\x1b[2J", "`\u{fffd}\u{fffd}\\u{1b}[2J`"),
            (b"a\nb\na\n", "it prints a twice, the second time in line 3"),
        ] {
            let reason = listing(printed).unwrap_err();
            assert!(reason.contains(told), "{reason}");
        }
    }

    #[test]
    fn a_list_that_is_too_long_is_refused() {
        let printed: String = (0..=INSTANCES_MAX).map(|number| format!("{number}\n")).collect();
        assert!(
            listing(printed.as_bytes())
                .unwrap_err()
                .contains("more than 10000")
        );
        let long = "x".repeat(100_000);
        assert!(listing(long.as_bytes()).unwrap_err().len() < 300);
    }

    #[test]
    fn the_address_of_a_start_stands_in_a_line_of_its_own() {
        let address = |printed: &str| printed_address(printed.as_bytes());
        let one = Ok(Some("10.0.0.7:8000".parse().unwrap()));
        assert_eq!(address("booting\n 10.0.0.7:8000 \n"), one);
        assert_eq!(address("10.0.0.7:8000\n10.0.0.7:8000"), one);
        assert_eq!(address("it is at 10.0.0.7:8000"), Ok(None));
        assert_eq!(address("0.0.0.0:8000"), Ok(None));
        assert!(
            address("10.0.0.7:8000\n10.0.0.8:8000")
                .unwrap_err()
                .contains("2 addresses")
        );
    }
}
