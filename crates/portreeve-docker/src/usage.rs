//! What containers use.

use std::pin::pin;
use std::time::{Duration, SystemTime};

use bollard::Docker;
use bollard::errors::Error;
use bollard::models::{ContainerMemoryStats, ContainerStatsResponse, HostConfig};
use bollard::query_parameters::{StatsOptions, StatsOptionsBuilder};
use portreeve_driver::{Found, Usage};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use crate::container;
use crate::driver::DockerDriver;
use crate::engine::next;
use crate::notes::Bounds;

impl DockerDriver {
    /// In their order; nothing of one whose figures cannot be had in time.
    pub(crate) async fn used(&self, instances: &[Found]) -> Vec<Usage> {
        let mut all = vec![Usage::default(); instances.len()];
        let Ok(client) = self.engine.client().await else {
            return all;
        };
        let deadline = Instant::now() + LIMIT;
        for (instances, all) in instances.chunks(AT_ONCE).zip(all.chunks_mut(AT_ONCE)) {
            let _ = timeout_at(deadline, self.measured(&client, instances, all)).await;
        }
        all
    }

    async fn measured(&self, client: &Docker, instances: &[Found], all: &mut [Usage]) {
        let mut asked = JoinSet::new();
        for (at, instance) in instances.iter().enumerate() {
            let (client, handle) = (client.clone(), instance.handle.clone());
            asked.spawn(async move { (at, figures(&client, &handle).await) });
        }
        while let Some(Ok((at, figures))) = asked.join_next().await {
            let Some(figures) = figures else { continue };
            let bounds = self.bounds(&instances[at].handle).await;
            all[at] = usage(&figures, bounds, SystemTime::now());
        }
    }

    /// Asked for once; they do not change.
    async fn bounds(&self, handle: &str) -> Bounds {
        if let Some(bounds) = self.notes.bounds(handle) {
            return bounds;
        }
        let Ok(container) = self.inspect(handle).await else {
            return Bounds::default();
        };
        let labels = container.config.and_then(|config| config.labels);
        let now = SystemTime::now();
        let since = container::age(labels.as_ref(), now).and_then(|age| now.checked_sub(age));
        let host = container.host_config.unwrap_or_default();
        let bounds = Bounds {
            since,
            ..bounds(&host)
        };
        self.notes.bounded(handle, bounds);
        bounds
    }
}

/// One look: no second one to compare with, for which the engine would wait.
async fn figures(client: &Docker, handle: &str) -> Option<ContainerStatsResponse> {
    let options: StatsOptions = StatsOptionsBuilder::new().stream(false).one_shot(true).build();
    let mut stats = pin!(client.stats(handle, Some(options)));
    let figures: Result<_, Error> = next(stats.as_mut()).await?;
    figures.ok()
}

fn bounds(host: &HostConfig) -> Bounds {
    let nanos = host.nano_cpus.filter(|nanos| *nanos > 0);
    Bounds {
        cpus_max: nanos.map(|nanos| Duration::from_nanos(nanos.unsigned_abs()).as_secs_f64()),
        memory_max: host.memory.filter(|bytes| *bytes > 0).map(i64::unsigned_abs),
        since: None,
    }
}

fn usage(figures: &ContainerStatsResponse, bounds: Bounds, now: SystemTime) -> Usage {
    let cpu = figures.cpu_stats.as_ref().and_then(|cpu| cpu.cpu_usage.as_ref());
    Usage {
        cpu_total: cpu.and_then(|cpu| cpu.total_usage).map(Duration::from_nanos),
        cpus_max: bounds.cpus_max,
        memory_bytes: figures.memory_stats.as_ref().and_then(working_set),
        memory_max: bounds.memory_max,
        uptime: bounds.since.and_then(|since| now.duration_since(since).ok()),
    }
}

/// What is in use but for the files that the kernel could drop at once: `inactive_file` of cgroups 2, `total_inactive_file`
/// of cgroups 1.
fn working_set(memory: &ContainerMemoryStats) -> Option<u64> {
    let stats = memory.stats.as_ref();
    let idle = stats.and_then(|stats| {
        stats
            .get("total_inactive_file")
            .or_else(|| stats.get("inactive_file"))
    });
    Some(memory.usage?.saturating_sub(idle.copied().unwrap_or_default()))
}

/// For all of them.
const LIMIT: Duration = Duration::from_secs(10);

/// Questions that the engine is asked at once.
const AT_ONCE: usize = 16;

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn memory(usage: u64, key: &str, idle: u64) -> ContainerMemoryStats {
        ContainerMemoryStats {
            usage: Some(usage),
            stats: Some(HashMap::from([(key.to_owned(), idle)])),
            ..ContainerMemoryStats::default()
        }
    }

    #[test]
    fn files_that_may_be_dropped_are_not_in_use() {
        assert_eq!(working_set(&memory(100, "inactive_file", 30)), Some(70));
        assert_eq!(working_set(&memory(100, "total_inactive_file", 40)), Some(60));
        assert_eq!(working_set(&memory(10, "inactive_file", 30)), Some(0));
        assert_eq!(working_set(&ContainerMemoryStats::default()), None);
    }

    #[test]
    fn no_bound_is_no_bound() {
        let none = HostConfig {
            memory: Some(0),
            nano_cpus: Some(0),
            ..HostConfig::default()
        };
        assert_eq!(bounds(&none), Bounds::default());
        let half = HostConfig {
            nano_cpus: Some(500_000_000),
            ..HostConfig::default()
        };
        assert_eq!(bounds(&half).cpus_max, Some(0.5));
    }
}
