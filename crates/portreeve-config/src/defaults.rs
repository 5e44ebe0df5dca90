//! The two defaults that depend on the machine, and those that file and flags share.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use portreeve_model::plan::Bind;

/// The most threads that may be asked for.
pub(crate) const THREADS_MAX: usize = 1_024;

/// The name of the listener, route or pool that nobody named.
pub(crate) const LISTENER_NAME: &str = "listen";
pub(crate) const NAME: &str = "default";

pub(crate) const DRAIN_TIMEOUT: Duration = Duration::from_secs(30);
pub(crate) const RESOLVE_EVERY: Duration = Duration::from_secs(10);
pub(crate) const ADMIN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 9091);

/// Port 8080 of all interfaces, IPv6 and IPv4: a proxy is there to be reached.
pub(crate) fn bind() -> Bind {
    Bind::Tcp((Ipv6Addr::UNSPECIFIED, 8080).into())
}

/// One per core that this process may use.
pub(crate) fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| cores.get().min(THREADS_MAX))
}

/// The folder for state of the user who runs this process.
pub(crate) fn state() -> PathBuf {
    let variable = |name: &str| std::env::var(name).ok();
    state_of(variable, rustix::process::geteuid().is_root())
}

/// `$STATE_DIRECTORY` (systemd's), else below `$XDG_STATE_HOME`, else the system's for root, else below `$HOME`.
fn state_of(variable: impl Fn(&str) -> Option<String>, is_root: bool) -> PathBuf {
    let folder = |name: &str| {
        let first = variable(name)?.split(':').next().map(PathBuf::from)?;
        Some(first).filter(|path| path.is_absolute())
    };
    let system = || is_root.then(|| PathBuf::from(SYSTEM_STATE));
    folder("STATE_DIRECTORY")
        .or_else(|| Some(folder("XDG_STATE_HOME")?.join("portreeve")))
        .or_else(system)
        .or_else(|| Some(folder("HOME")?.join(".local/state/portreeve")))
        .unwrap_or_else(|| PathBuf::from(SYSTEM_STATE))
}

const SYSTEM_STATE: &str = "/var/lib/portreeve";

#[cfg(test)]
mod tests {
    use super::*;

    fn state_with(variables: &[(&str, &str)], is_root: bool) -> PathBuf {
        let find = |name: &str| {
            variables
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
        };
        state_of(find, is_root)
    }

    #[test]
    fn state_lives_where_systemd_then_xdg_then_the_user_says() {
        let home = ("HOME", "/home/ann");
        assert_eq!(
            state_with(&[home], false),
            PathBuf::from("/home/ann/.local/state/portreeve")
        );
        assert_eq!(
            state_with(&[home, ("XDG_STATE_HOME", "/s")], false),
            PathBuf::from("/s/portreeve")
        );
        assert_eq!(
            state_with(&[home, ("STATE_DIRECTORY", "/a:/b")], false),
            PathBuf::from("/a")
        );
        assert_eq!(state_with(&[home], true), PathBuf::from("/var/lib/portreeve"));
        assert_eq!(state_with(&[], false), PathBuf::from("/var/lib/portreeve"));
    }

    #[test]
    fn a_relative_folder_for_state_is_not_believed() {
        let relative = [("HOME", "/home/ann"), ("XDG_STATE_HOME", "s")];
        assert_eq!(
            state_with(&relative, false),
            PathBuf::from("/home/ann/.local/state/portreeve")
        );
    }
}
