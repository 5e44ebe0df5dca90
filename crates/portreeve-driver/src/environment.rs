//! What commands do not get of the proxy's own environment.

use std::env;
use std::process::Command;

/// Takes out what is meant for the proxy alone: its keys, and its line to systemd.
pub(crate) fn without_the_proxys(command: &mut Command) {
    for (name, _) in env::vars_os() {
        if is_the_proxys(&name.to_string_lossy()) {
            command.env_remove(name);
        }
    }
}

fn is_the_proxys(name: &str) -> bool {
    let begins = ["PORTREEVE_", "LISTEN_", "WATCHDOG_"];
    name == "NOTIFY_SOCKET" || begins.iter().any(|begin| name.starts_with(begin))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_the_line_to_systemd_stay_here() {
        for name in [
            "PORTREEVE_ADMIN_KEY",
            "PORTREEVE_TOKEN",
            "NOTIFY_SOCKET",
            "LISTEN_FDS",
            "WATCHDOG_USEC",
        ] {
            assert!(is_the_proxys(name), "{name}");
        }
        assert!(!is_the_proxys("PATH") && !is_the_proxys("MY_PORTREEVE_X"));
    }
}
