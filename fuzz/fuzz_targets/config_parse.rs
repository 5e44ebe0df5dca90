//! Any text as a configuration file: it is read or every fault is told on a line that is there; what is read, printed
//! and read again is the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portreeve_config::{Faults, parse, print};

fuzz_target!(|data: &[u8]| {
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    match parse(text) {
        Ok(config) => {
            let _ = config.warnings();
            let printed = print(&config);
            assert_eq!(parse(&printed), Ok(config), "{printed}");
        }
        Err(faults) => are_told(&faults, text),
    }
});

/// There is a fault, the lines rise and are there, and each says what is allowed.
fn are_told(faults: &Faults, text: &str) {
    let lines = text.split('\n').count();
    let mut last = 1;
    for fault in faults {
        assert!((last..=lines).contains(&fault.line), "{fault:?}");
        assert!(!fault.allowed.is_empty() && !fault.found.is_empty(), "{fault:?}");
        last = fault.line;
    }
    assert!(faults.iter().next().is_some());
    assert!(!faults.to_string().is_empty());
}
