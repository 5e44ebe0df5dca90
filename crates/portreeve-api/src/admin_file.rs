//! The file by which the command line finds the admin listener and its key.

use std::fmt;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

/// `admin.json` in the folder for state. Whoever may read it may change what the proxy does.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdminFile {
    /// Where the admin listener is.
    pub address: SocketAddr,
    /// What a change must show: `Authorization: Bearer …`.
    pub key: String,
}

impl AdminFile {
    /// Its name in the folder.
    pub const NAME: &str = "admin.json";
}

/// Without the key.
impl fmt::Debug for AdminFile {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("AdminFile")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_does_not_show() {
        let file = AdminFile {
            address: "127.0.0.1:9091".parse().unwrap(),
            key: "hush".to_owned(),
        };
        assert!(!format!("{file:?}").contains("hush"));
        assert_eq!(
            serde_json::to_string(&file).unwrap(),
            r#"{"address":"127.0.0.1:9091","key":"hush"}"#
        );
    }
}
