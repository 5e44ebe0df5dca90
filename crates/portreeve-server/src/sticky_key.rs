//! What sticky cookies are sealed with, kept in the state folder so that they are understood after a restart.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use portreeve_model::plan::Plan;
use portreeve_proxy::StickySecret;

/// The secret of the state folder. It is made when a pool first wants one; one that cannot be kept holds until the
/// process ends, after which clients are sent to any backend once more.
pub(crate) fn secret(state: &Path, plan: &Plan) -> StickySecret {
    let path = state.join(FILE);
    let is_wanted = plan.pools.iter().any(|pool| pool.sticky.is_some());
    let kept = match fs::read(&path) {
        Ok(bytes) => parse(&bytes),
        Err(error) if error.kind() == ErrorKind::NotFound && is_wanted => make(state, &path),
        Err(error) => Err(error),
    };
    let bytes = kept.unwrap_or_else(|error| {
        if is_wanted {
            tracing::warn!(file = %path.display(), %error, "sticky cookies will not survive a restart");
        }
        random().expect("the kernel has random bytes once it has booted")
    });
    StickySecret::new(bytes)
}

fn parse(bytes: &[u8]) -> io::Result<[u8; 32]> {
    bytes.try_into().map_err(|_| {
        io::Error::new(
            ErrorKind::InvalidData,
            "it is not 32 bytes; remove it to have a new one made",
        )
    })
}

/// Under another name first, so that it is there whole or not at all; if two do this at once, one stays for both.
fn make(state: &Path, path: &Path) -> io::Result<[u8; 32]> {
    DirBuilder::new().recursive(true).mode(0o700).create(state)?;
    let unfinished = state.join(format!("{FILE}.{}", std::process::id()));
    let _ = fs::remove_file(&unfinished); // of a process before us with our number
    let mut options = OpenOptions::new();
    let mut file = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&unfinished)?;
    file.write_all(&random()?)?;
    file.sync_all()?;
    let linked = fs::hard_link(&unfinished, path);
    fs::remove_file(&unfinished)?;
    match linked {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => parse(&fs::read(path)?),
    }
}

fn random() -> io::Result<[u8; 32]> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(bytes)
}

const FILE: &str = "sticky.key";

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use portreeve_model::plan::{PoolPlan, StickyPlan};
    use portreeve_testkit::Scratch;

    use super::*;

    fn plan() -> Plan {
        let sticky = StickyPlan {
            cookie: "sid".into(),
            max_age: None,
            is_secure: false,
        };
        let pool = PoolPlan {
            sticky: Some(sticky),
            ..PoolPlan::empty("api".into())
        };
        Plan {
            pools: vec![pool],
            ..Plan::default()
        }
    }

    #[test]
    fn it_is_made_once_and_for_its_owner_alone() {
        let scratch = Scratch::new();
        let state = scratch.path().join("state");
        secret(&state, &plan());
        let path = state.join(FILE);
        let kept = fs::read(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        secret(&state, &plan());
        assert_eq!(fs::read(&path).unwrap(), kept);
        assert_eq!(kept.len(), 32);
        assert_eq!(fs::read_dir(&state).unwrap().count(), 1);
    }

    #[test]
    fn nothing_is_made_where_no_pool_wants_it() {
        let scratch = Scratch::new();
        let state = scratch.path().join("state");
        secret(&state, &Plan::default());
        assert!(!state.exists());
    }
}
