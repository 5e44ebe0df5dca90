//! A proxy whose pools scale.

use std::fs;
use std::net::SocketAddr;
use std::time::Duration;

use super::admin::Admin;
use crate::contender::{Contender, Running, Special, free_address};
use crate::fault::Fault;
use crate::process::Cores;
use crate::trial::Bench;

/// It takes connections, and nothing of its start goes on any more.
pub(super) struct Scene {
    pub(super) proxy: Running,
    pub(super) admin: Admin,
}

impl Scene {
    /// With these pools, and knowing nothing of those before it.
    pub(super) fn start(bench: &Bench<'_>, pools: &str, cores: Cores) -> Result<Scene, Fault> {
        let _ = fs::remove_dir_all(bench.place.folder.join(NAME));
        let admin = Admin(free_address()?);
        let template = include_str!("../contender/scale.toml")
            .replace("{pools}", pools)
            .replace("{admin}", &admin.0.to_string());
        let special = Special {
            contender: Contender::Portreeve,
            name: NAME,
            template: &template,
            threads: if cores == Cores::Both { 2 } else { 1 },
            cores,
        };
        let proxy = special.start(bench.place, SocketAddr::from(([127, 0, 0, 1], 0)))?;
        std::thread::sleep(SETTLE);
        Ok(Scene { proxy, admin })
    }
}

const NAME: &str = "scale";
const SETTLE: Duration = Duration::from_millis(1500);
