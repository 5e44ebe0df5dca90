//! The driver: which container stands for which instance.

use std::collections::HashSet;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bollard::models::{ContainerSummary, ContainerSummaryStateEnum as State};
use bollard::query_parameters::{
    InspectContainerOptions, ListContainersOptionsBuilder, RemoveContainerOptionsBuilder,
};
use portreeve_driver::{
    Driver, DriverFault, Ended, Found, FoundState, Leadership, Order, Pending, Started, Stop, Usage,
};
use portreeve_model::plan::{DockerPlan, Name};

use crate::container;
use crate::engine::{ANSWER, Engine, WORK};
use crate::fault::Trouble;
use crate::lease::Lease;
use crate::notes::Notes;

/// Containers of one fleet, by the API of Docker Engine or Podman.
///
/// Each is named by its instance's id, and carries the labels `portreeve.pool`, `portreeve.fleet` and `portreeve.id`, by
/// which it is found again. A container that is over is removed, with its anonymous volumes, as soon as its end was told
/// or a list met it.
pub struct DockerDriver {
    pub(crate) pool: Name,
    pub(crate) fleet: Name,
    pub(crate) plan: DockerPlan,
    pub(crate) engine: Engine,
    pub(crate) notes: Notes,
    lease: Lease,
}

impl DockerDriver {
    /// For one fleet of one pool. Asks the engine nothing yet. In `state`, the folder of the proxy's state, a file tells
    /// whether a lease was ours before a restart.
    ///
    /// # Errors
    /// If the endpoint of the plan is none.
    pub fn new(pool: Name, fleet: Name, plan: DockerPlan, state: &Path) -> Result<Self, DriverFault> {
        Ok(Self {
            engine: Engine::at(&plan.endpoint)?,
            lease: Lease::new(&pool, &fleet, state),
            notes: Notes::default(),
            pool,
            fleet,
            plan,
        })
    }

    /// Removes a container, running or not, with its anonymous volumes. One that is not there any more is no trouble.
    pub(crate) async fn remove(&self, container: &str, force: bool) -> Result<(), Trouble> {
        let client = self.engine.client().await?;
        let options = RemoveContainerOptionsBuilder::new().v(true).force(force).build();
        let act = format!("removing container `{container}`");
        let removing = client.remove_container(container, Some(options));
        match self.engine.ask(&act, WORK, removing).await {
            Err(trouble) if trouble.is_missing() => Ok(()),
            removed => removed,
        }
    }

    pub(crate) async fn inspect(
        &self,
        container: &str,
    ) -> Result<bollard::models::ContainerInspectResponse, Trouble> {
        let client = self.engine.client().await?;
        let act = format!("looking at container `{container}`");
        let looking = client.inspect_container(container, None::<InspectContainerOptions>);
        self.engine.ask(&act, ANSWER, looking).await
    }

    async fn found(&self) -> Result<Vec<Found>, DriverFault> {
        let all = self.summaries().await?;
        self.tidy(&all).await;
        let there: HashSet<&str> = all.iter().filter_map(|one| one.id.as_deref()).collect();
        self.notes.keep_only(&there);
        let now = SystemTime::now();
        Ok(all.iter().filter_map(|one| self.instance(one, now)).collect())
    }

    async fn summaries(&self) -> Result<Vec<ContainerSummary>, Trouble> {
        let client = self.engine.client().await?;
        let options = ListContainersOptionsBuilder::new()
            .all(true)
            .filters(&container::filters(&self.pool, &self.fleet))
            .build();
        let act = format!("listing the containers of pool `{}`", self.pool);
        let listing = client.list_containers(Some(options));
        self.engine.ask(&act, ANSWER, listing).await
    }

    /// Those that are over and for which nobody waits.
    async fn tidy(&self, all: &[ContainerSummary]) {
        let over = all
            .iter()
            .filter(|one| is_over(one))
            .filter_map(|one| one.id.as_deref());
        let unwatched = over.filter(|handle| !self.notes.is_watched(handle));
        for handle in unwatched.take(TIDIED_MAX) {
            let ended = self.bury(handle).await;
            tracing::info!(pool = %self.pool, fleet = %self.fleet, container = handle, how = %ended.how,
                "removed a container that was over");
            self.notes.tell(handle, ended);
        }
    }

    fn instance(&self, one: &ContainerSummary, now: SystemTime) -> Option<Found> {
        let handle = one.id.clone()?;
        let labels = one.labels.as_ref();
        let networks = one
            .network_settings
            .as_ref()
            .and_then(|all| all.networks.as_ref());
        Some(Found {
            id: Arc::from(labels?.get(container::ID)?.as_str()),
            address: container::address(&self.plan, networks),
            state: self.state(one, &handle)?,
            age: container::age(labels, now),
            handle,
        })
    }

    /// `None`: it is over.
    fn state(&self, one: &ContainerSummary, handle: &str) -> Option<FoundState> {
        match one.state {
            _ if is_over(one) => None,
            Some(State::REMOVING | State::STOPPING) => Some(FoundState::Ending),
            _ if self.notes.was_asked(handle) => Some(FoundState::Ending),
            Some(State::CREATED) => Some(FoundState::Starting),
            _ => Some(FoundState::Running),
        }
    }
}

fn is_over(one: &ContainerSummary) -> bool {
    matches!(one.state, Some(State::EXITED | State::DEAD))
}

/// The environment may hold secrets, so nothing of the plan but the image.
impl fmt::Debug for DockerDriver {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("DockerDriver")
            .field("pool", &self.pool)
            .field("fleet", &self.fleet)
            .field("engine", &self.engine.to_string())
            .field("image", &self.plan.image)
            .finish_non_exhaustive()
    }
}

impl Driver for DockerDriver {
    fn start<'a>(&'a self, order: &'a Order) -> Pending<'a, Result<Started, DriverFault>> {
        Box::pin(self.started(order))
    }

    fn stop<'a>(&'a self, instance: &'a Found, how: Stop) -> Pending<'a, Result<(), DriverFault>> {
        Box::pin(async move { Ok(self.end(&instance.handle, how).await?) })
    }

    fn list(&self) -> Pending<'_, Result<Vec<Found>, DriverFault>> {
        Box::pin(self.found())
    }

    fn ended<'a>(&'a self, instance: &'a Found) -> Pending<'a, Ended> {
        Box::pin(self.watched_to_its_end(instance))
    }

    fn usage<'a>(&'a self, instances: &'a [Found]) -> Pending<'a, Vec<Usage>> {
        Box::pin(self.used(instances))
    }

    fn lead<'a>(&'a self, owner: &'a str) -> Pending<'a, Result<Leadership, DriverFault>> {
        Box::pin(self.lease.ask(&self.engine, &self.plan.image, owner))
    }

    fn resign<'a>(&'a self, _owner: &'a str) -> Pending<'a, ()> {
        Box::pin(async move {
            let limit = Duration::from_secs(10);
            // If it fails the lease runs out by itself.
            let resigned = tokio::time::timeout(limit, self.lease.give_up(&self.engine)).await;
            tracing::debug!(?resigned, pool = %self.pool, "gave up the lease");
        })
    }
}

/// How many containers that are over are removed by one list.
const TIDIED_MAX: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container::tests::plan;

    fn driver(plan: DockerPlan) -> Result<DockerDriver, DriverFault> {
        DockerDriver::new(
            Arc::from("api"),
            Arc::from("default"),
            plan,
            Path::new("/nonexistent"),
        )
    }

    #[test]
    fn its_debug_form_shows_no_environment() {
        let env = vec![("KEY".to_owned(), "hidden-value".to_owned())];
        let driver = driver(DockerPlan { env, ..plan() }).unwrap();
        let text = format!("{driver:?}");
        assert!(text.contains("app:1") && !text.contains("hidden-value"), "{text}");
    }

    #[test]
    fn an_endpoint_that_is_none_is_refused() {
        let endpoint = "ssh://root@host".to_owned();
        let fault = driver(DockerPlan { endpoint, ..plan() }).unwrap_err();
        assert!(fault.to_string().contains("ssh://root@host"), "{fault}");
    }

    #[tokio::test]
    async fn nothing_is_begun_without_an_engine() {
        let endpoint = "unix:///nonexistent/docker.sock".to_owned();
        let driver = driver(DockerPlan { endpoint, ..plan() }).unwrap();
        assert_eq!(driver.list().await.unwrap_err().code(), "unreachable");
        assert_eq!(driver.lead("me").await.unwrap_err().code(), "unreachable");
        assert_eq!(driver.usage(&[]).await, []);
    }
}
