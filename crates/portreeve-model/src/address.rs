//! Where a backend is.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Where a backend can be reached.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum BackendAddress {
    /// Alternatives for one and the same backend, best first; never empty in a snapshot.
    Tcp(Vec<SocketAddr>),
    /// A Unix stream socket.
    Unix(PathBuf),
}

impl BackendAddress {
    /// How many alternatives there are; at least 1 in a snapshot.
    #[must_use]
    pub fn alternatives(&self) -> usize {
        match self {
            Self::Tcp(addresses) => addresses.len(),
            Self::Unix(_) => 1,
        }
    }
}

impl fmt::Display for BackendAddress {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(addresses) => write_list(out, addresses),
            Self::Unix(path) => write!(out, "unix:{}", path.display()),
        }
    }
}

fn write_list(out: &mut fmt::Formatter<'_>, addresses: &[SocketAddr]) -> fmt::Result {
    for (place, address) in addresses.iter().enumerate() {
        if place > 0 {
            out.write_str(", ")?;
        }
        write!(out, "{address}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn alternatives_print_in_their_order() {
        let addresses = ["127.0.0.1:80", "[::1]:80"].map(|address| address.parse().unwrap());
        let address = BackendAddress::Tcp(addresses.to_vec());
        assert_eq!(address.to_string(), "127.0.0.1:80, [::1]:80");
        assert_eq!(address.alternatives(), 2);
    }

    #[test]
    fn a_socket_path_prints_with_its_scheme() {
        assert_eq!(
            BackendAddress::Unix("/run/app".into()).to_string(),
            "unix:/run/app"
        );
    }
}
