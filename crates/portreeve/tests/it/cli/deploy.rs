use crate::cli::fixture::run;

#[test]
fn the_example_configuration_has_no_fault() {
    let outcome = run([
        "check",
        concat!(env!("CARGO_MANIFEST_DIR"), "/../../deploy/portreeve.toml"),
    ]);
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
}
