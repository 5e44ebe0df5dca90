use std::fs;
use std::io::Write;
use std::path::PathBuf;

use super::*;
use crate::testing::{Log, Scratch};

fn writer(id: &str) -> Writer {
    Writer {
        pool: "api".into(),
        fleet: "default".into(),
        id: id.into(),
        token: Secret::new("ptv_1_secret"),
    }
}

fn started(id: &str) -> (Scratch, PathBuf, File, Output) {
    let scratch = Scratch::new();
    let path = scratch.path().join("out");
    let file = create(&path).unwrap();
    let output = Output::open(&path, writer(id));
    (scratch, path, file, output)
}

#[test]
fn each_line_goes_into_the_log_once_and_the_secret_never() {
    let log = Log::captured();
    let (_scratch, _, mut file, mut output) = started("once");
    file.write_all(b"one\nmy token is ptv_1_secret\nthr").unwrap();
    assert!(output.pass_on());
    assert_eq!(log.lines("once"), ["one", "my token is …"]);

    file.write_all(b"ee\nfour").unwrap();
    assert!(output.pass_on());
    assert!(!output.pass_on());
    assert_eq!(log.lines("once"), ["one", "my token is …", "three"]);

    assert_eq!(output.finish(), "one\nmy token is …\nthree\nfour");
    assert_eq!(log.lines("once")[3..], ["four"]);
}

#[test]
fn another_reader_goes_on_where_the_first_stopped() {
    let log = Log::captured();
    let (_scratch, path, mut file, mut output) = started("again");
    file.write_all(b"read\nbeg").unwrap();
    output.pass_on();
    drop(output);
    file.write_all(b"un\nnew\n").unwrap();

    let mut output = Output::open(&path, writer("again"));
    assert_eq!(output.finish(), "begun\nnew");
    assert_eq!(log.lines("again"), ["read", "begun", "new"]);
}

#[test]
fn of_two_readers_one_reads_until_it_is_gone() {
    let log = Log::captured();
    let (_scratch, path, mut file, mut output) = started("two");
    let mut other = Output::open(&path, writer("two"));
    file.write_all(b"one\n").unwrap();
    assert!(output.pass_on());
    file.write_all(b"two\n").unwrap();
    assert!(!other.pass_on());
    assert!(output.pass_on());
    assert_eq!(log.lines("two"), ["one", "two"]);

    drop(output);
    file.write_all(b"three\n").unwrap();
    assert_eq!(other.finish(), "three");
    assert_eq!(log.lines("two"), ["one", "two", "three"]);
}

#[test]
fn what_was_read_takes_no_room_on_the_disk() {
    use std::os::unix::fs::MetadataExt;
    let (_scratch, path, mut file, mut output) = started("room");
    let line = [b'x'; 1_023];
    for _ in 0..100 {
        for _ in 0..100 {
            file.write_all(&line).unwrap();
            file.write_all(b"\n").unwrap();
        }
        output.pass_on();
    }
    let blocks = fs::metadata(&path).unwrap().blocks();
    assert!(blocks * 512 <= 64 << 10, "{blocks} blocks of 512");
}

#[test]
fn who_writes_without_end_loses_the_middle_and_is_told_of() {
    let log = Log::captured();
    let (_scratch, _, mut file, mut output) = started("flood");
    let line = "a line of sixteen\n".repeat(1 << 16);
    for _ in 0..16 {
        file.write_all(line.as_bytes()).unwrap();
    }
    file.write_all(b"the end\n").unwrap();

    let last = output.finish();

    assert!(last.ends_with("the end") && last.len() <= 2_048);
    assert!(log.lines("flood").len() <= 2_000);
    assert!(log.left_out("flood"), "nothing said of what was left out");
}

#[test]
fn a_line_without_end_is_cut_and_not_kept_in_memory() {
    let log = Log::captured();
    let (_scratch, _, mut file, mut output) = started("long");
    file.write_all(&vec![b'x'; 1 << 20]).unwrap();
    output.pass_on();
    assert!(output.begun.len() <= LINE_BYTES_MAX && output.begun.capacity() <= 1 << 17);
    assert!(log.lines("long").iter().all(|line| line.len() <= LINE_BYTES_MAX));
}

#[test]
fn a_file_that_was_cut_off_is_read_from_its_new_beginning() {
    let (_scratch, _, mut file, mut output) = started("cut");
    file.write_all(b"a long line before\n").unwrap();
    output.pass_on();
    file.set_len(0).unwrap();
    file.write_all(b"after\n").unwrap();
    assert_eq!(output.finish(), "a long line before\nafter");
}

#[test]
fn one_without_output_says_nothing() {
    let mut output = Output::open(std::path::Path::new("/no/such/file"), writer("none"));
    assert!(!output.pass_on());
    assert_eq!(output.finish(), "");
}
