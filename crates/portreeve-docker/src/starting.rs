//! From an order to a container that runs, or to nothing at all.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

use bollard::models::{ContainerInspectResponse, ContainerStateStatusEnum as Status};
use bollard::query_parameters::{CreateContainerOptionsBuilder, StartContainerOptions};
use portreeve_driver::{DriverFault, Order, Started};

use crate::container;
use crate::driver::DockerDriver;
use crate::engine::WORK;
use crate::fault::Trouble;
use crate::image;

impl DockerDriver {
    pub(crate) async fn started(&self, order: &Order) -> Result<Started, DriverFault> {
        self.needs_a_network_of_its_own()?;
        let handle = self.created(order).await?;
        match self.run(&handle, order).await {
            Ok(address) => {
                self.notes.started(&handle);
                Ok(Started { handle, address })
            }
            Err(fault) => {
                self.leave_nothing(&handle).await;
                Err(fault)
            }
        }
    }

    /// The container's id; an image that is not there is pulled first.
    async fn created(&self, order: &Order) -> Result<String, DriverFault> {
        match self.create(order).await {
            Err(trouble) if lacks_image(&trouble) => {
                image::pull(&self.engine, &self.plan.image).await?;
                self.create(order)
                    .await
                    .map_err(|trouble| self.explained(trouble))
            }
            created => created.map_err(|trouble| self.explained(trouble)),
        }
    }

    async fn create(&self, order: &Order) -> Result<String, Trouble> {
        let client = self.engine.client().await?;
        let options = CreateContainerOptionsBuilder::new().name(&order.id).build();
        let body = container::body(&self.plan, order, SystemTime::now());
        let act = format!("creating container `{}`", order.id);
        let creating = client.create_container(Some(options), body);
        match self.engine.ask(&act, WORK, creating).await {
            Ok(created) => {
                warn_once(&created.warnings);
                Ok(created.id)
            }
            Err(trouble) => {
                if trouble.is_late() {
                    self.leave_nothing(&order.id).await;
                }
                Err(trouble)
            }
        }
    }

    /// Where it listens.
    async fn run(&self, handle: &str, order: &Order) -> Result<Option<SocketAddr>, DriverFault> {
        let client = self.engine.client().await?;
        let act = format!("starting container `{}`", order.id);
        let starting = client.start_container(handle, None::<StartContainerOptions>);
        let started = self.engine.ask(&act, WORK, starting).await;
        started.map_err(|trouble| self.explained(trouble))?;
        let container = self.inspect(handle).await?;
        let networks = container
            .network_settings
            .as_ref()
            .and_then(|all| all.networks.as_ref());
        match container::address(&self.plan, networks) {
            None if is_running(&container) => Err(self.has_no_address()),
            address => Ok(address), // none: it is over already, which its end tells
        }
    }

    /// Several containers that share an address would meet on its port.
    fn needs_a_network_of_its_own(&self) -> Result<(), DriverFault> {
        let network = self.plan.network.as_deref().unwrap_or_default();
        match network == "host" || network == "none" || network.starts_with("container:") {
            true => Err(self.has_no_address()),
            false => Ok(()),
        }
    }

    fn has_no_address(&self) -> DriverFault {
        let network = self.plan.network.as_deref().unwrap_or("default");
        DriverFault::Failed {
            what: format!("starting a container of image `{}`", self.plan.image),
            reason: format!(
                "in network `{network}` it has no address of its own, and several would meet on port {}: \
                 set `network` to a bridge network of the engine",
                self.plan.port
            ),
        }
    }

    /// Names the network or the command, where it is that which does not exist.
    fn explained(&self, trouble: Trouble) -> DriverFault {
        let what = if trouble.says(&["network"]) && trouble.says(&["not found"]) {
            format!("network `{}`", self.plan.network.as_deref().unwrap_or("default"))
        } else if trouble.says(NO_COMMAND) {
            self.command()
        } else {
            return trouble.into();
        };
        let reason = trouble.said().to_owned();
        DriverFault::NotFound { what, reason }
    }

    fn command(&self) -> String {
        match self.plan.command.first() {
            Some(word) => format!("command `{word}` in image `{}`", self.plan.image),
            None => format!("the command of image `{}`", self.plan.image),
        }
    }

    async fn leave_nothing(&self, container: &str) {
        if let Err(trouble) = self.remove(container, true).await {
            let fault = DriverFault::from(trouble);
            tracing::warn!(container, %fault, "a container that could not be started is left behind");
        }
    }
}

/// Of a creation; it may lack a network too.
pub(crate) fn lacks_image(trouble: &Trouble) -> bool {
    trouble.is_missing() && trouble.says(NO_IMAGE)
}

fn is_running(container: &ContainerInspectResponse) -> bool {
    let state = container.state.as_ref();
    state.is_some_and(|state| state.running == Some(true) || state.status == Some(Status::RUNNING))
}

/// As of limits that the kernel does not know: they would come with every container.
fn warn_once(warnings: &[String]) {
    static WARNED: AtomicBool = AtomicBool::new(false);
    if !warnings.is_empty() && !WARNED.swap(true, Ordering::Relaxed) {
        tracing::warn!(?warnings, "the engine made a container, but warns; said once");
    }
}

/// In the words of Docker and of Podman.
const NO_IMAGE: &[&str] = &["no such image", "image not known"];

const NO_COMMAND: &[&str] = &[
    "executable file",
    "no such file or directory",
    "no command specified",
];
