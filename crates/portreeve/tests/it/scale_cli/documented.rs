//! What docs/SCALING.md and the example say, held against the binary.

use std::fs;
use std::path::Path;

use portreeve_testkit::Scratch;

use crate::scale_cli::fixture::{checked, example_folder};

#[test]
fn every_configuration_of_the_page_is_sound() {
    let page = fs::read_to_string(root().join("docs/SCALING.md")).unwrap();
    let blocks: Vec<&str> = page
        .split("```")
        .skip(1)
        .step_by(2)
        .filter_map(|block| block.strip_prefix("toml\n"))
        .collect();
    assert!(blocks.len() >= 6, "only {} were found", blocks.len());
    let folder = Scratch::new();
    for block in blocks {
        let file = folder.write("block.toml", &completed(block));
        let outcome = checked(&file);
        assert_eq!(outcome.code, Some(0), "{outcome:?} of\n{block}");
        assert!(!outcome.stdout.contains("warning"), "{outcome:?} of\n{block}");
    }
}

#[test]
fn the_example_is_sound() {
    let outcome = checked(&example_folder().join("portreeve.toml"));
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert!(!outcome.stdout.contains("warning"), "{outcome:?}");
}

/// With what the page leaves out.
fn completed(block: &str) -> String {
    let section = match block.contains("[pool.") {
        true => "",
        false => "[pool.api.scale]\ntarget = { in_flight_per_backend = 20 }\n",
    };
    let listener = match block.contains("[listener.") {
        true => "",
        false => "[listener.web]\nbind = \"127.0.0.1:8080\"\nregistration = true\n",
    };
    format!("{listener}{section}{block}")
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}
