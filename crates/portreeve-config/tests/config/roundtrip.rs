use portreeve_config::{parse, print};
use proptest::prelude::*;

use crate::generate;
use crate::sound;

proptest! {
    #[test]
    fn what_is_printed_is_read_back_equal(config in generate::config()) {
        let printed = print(&config);
        let read = parse(&printed);
        prop_assert_eq!(read.as_ref(), Ok(&config), "{}", printed);
    }
}

#[test]
fn what_is_as_by_default_is_not_printed() {
    let printed = print(&sound("[pool.api]\nbackends = \"a:1\"\n"));
    let lines: Vec<&str> = printed
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect();
    assert_eq!(
        lines,
        [
            "[admin]",
            "bind = \"127.0.0.1:9091\"",
            "[listener.listen]",
            "bind = \"[::]:8080\"",
            "[route.default]",
            "pool = \"api\"",
            "[pool.api]",
            "backends = [\"a:1\"]",
        ]
    );
}
