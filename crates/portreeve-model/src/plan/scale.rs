//! How many backends a pool is to have, and how they are started and stopped.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::Name;
use crate::policy::Policies;

/// How a pool grows and shrinks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScalePlan {
    /// Whether what is decided is done.
    pub mode: ScaleMode,
    /// Between two looks at the rules; 100 ms to 1 h, default 10 s. A request that waits for a backend is seen at once.
    pub every: Duration,
    /// At least one; no two of one name.
    pub fleets: Vec<FleetPlan>,
}

/// Whether what is decided is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ScaleMode {
    /// It is done. `on`
    #[default]
    On,
    /// It is logged and counted, nothing else: nothing is started, stopped or adopted. `observe`
    Observe,
}

/// A fleet: the instances of a pool that are started in the same way and uphold the same policies. Its size is decided
/// for itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FleetPlan {
    /// Unique in the pool; `default` for the only one of a pool that names none.
    pub name: Name,
    /// What its backends uphold, those of the whole pool included, and all that their tokens allow.
    pub policies: Policies,
    /// Never fewer healthy ones, if the driver works; 0 to 10,000, default 1.
    pub min: u32,
    /// Never more; at least 1 and `min`, at most 10,000; default 10.
    pub max: u32,
    /// The largest wish of them all wins; none: `min`, or 1 as soon as a request waits.
    pub rules: Vec<RulePlan>,
    /// How it grows; default at once and without bound.
    pub up: PacePlan,
    /// How it shrinks; default after five minutes of lesser wishes, and without bound.
    pub down: PacePlan,
    /// By how much, in percent, a measured value may differ from its target before that counts; 0 to 100, default 10.
    pub tolerance_percent: u8,
    /// After how long without any request the last ones are stopped where `min` is 0; default 5 min. `None`: never.
    pub idle: Option<Duration>,
    /// From start to end of one instance.
    pub lifecycle: LifecyclePlan,
    /// What starts and stops them.
    pub driver: DriverPlan,
}

impl FleetPlan {
    /// The most that a fleet may have.
    pub const SIZE_MAX: u32 = 10_000;

    /// By default, with this driver.
    #[must_use]
    pub fn new(name: Name, driver: DriverPlan) -> Self {
        let on_exit = match driver {
            DriverPlan::Process(_) => OnExit::Stop,
            _ => OnExit::Keep,
        };
        Self {
            name,
            policies: Policies::none(),
            min: 1,
            max: 10,
            rules: Vec::new(),
            up: PacePlan::after(Duration::ZERO),
            down: PacePlan::after(Duration::from_secs(300)),
            tolerance_percent: 10,
            idle: Some(Duration::from_secs(300)),
            lifecycle: LifecyclePlan {
                on_exit,
                ..LifecyclePlan::default()
            },
            driver,
        }
    }
}

/// One reason for a size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RulePlan {
    /// As many that each has no more than this many requests in flight, those that wait included.
    InFlight {
        /// At least 1.
        per_backend: u32,
    },
    /// As many that each gets no more than this many requests in this time.
    Requests {
        /// At least 1.
        per_backend: u32,
        /// 1 s to 1 h.
        within: Duration,
    },
    /// As many more, in proportion, as the 95th percentile of the pool's latency is above this.
    Latency {
        /// At least 1 ms.
        p95: Duration,
    },
    /// As many more, in proportion, as the longest wait of a held request was above this.
    HoldAge {
        /// At least 1 ms.
        at_most: Duration,
    },
    /// As many that the mean use of CPU, in percent of what one may use, is this.
    Cpu {
        /// 1 to 100.
        percent: u8,
    },
    /// The same of memory.
    Memory {
        /// 1 to 100.
        percent: u8,
    },
    /// The same of the load that backends report, in percent of full.
    Load {
        /// 1 to 100.
        percent: u8,
    },
    /// The classical form: `start + floor(requests in the last "within" / requests)`, at most `max`.
    Steps {
        /// Requests that bring one more; at least 1.
        requests: u32,
        /// 1 s to 1 h; default 2 min.
        within: Duration,
        /// What there is without any; default 1.
        start: u32,
        /// At least `start`.
        max: u32,
    },
    /// No fewer than this in certain hours of certain days.
    Schedule(SchedulePlan),
}

/// Hours of days, as a clock shows them that differs from UTC by a fixed time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchedulePlan {
    /// Monday first.
    pub days: [bool; 7],
    /// Minutes after midnight, 0 to 1,439.
    pub from: u16,
    /// The first minute after it, 1 to 1,440; before or at `from`: on the next day.
    pub to: u16,
    /// Minutes east of UTC, -840 to 840.
    pub utc_offset: i16,
    /// How many; at least 1.
    pub min: u32,
}

/// How fast a fleet changes in one direction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PacePlan {
    /// What is wished must have been wished all this time; 0 to 24 h.
    pub stabilisation: Duration,
    /// At least this long after the last change in the same direction; 0 to 24 h.
    pub cool_down: Duration,
    /// At most so many at a time; `None`: no bound.
    pub steps_max: Option<u32>,
}

impl PacePlan {
    /// After so long, and then at once and without bound.
    #[must_use]
    pub fn after(stabilisation: Duration) -> Self {
        Self {
            stabilisation,
            cool_down: Duration::ZERO,
            steps_max: None,
        }
    }
}

/// From start to end of one instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LifecyclePlan {
    /// Until its backend has passed its first probe, from its order on; 100 ms to 1 h, default 1 min. Then it is stopped
    /// and counted as failed.
    pub start_timeout: Duration,
    /// How long one whose backend is down may stay so before it is replaced; default the pool's probe interval.
    pub replace_after: Duration,
    /// How long its requests may take to end when it leaves; default 30 s.
    pub drain_timeout: Duration,
    /// From SIGTERM, or what the driver has instead, to SIGKILL; default 10 s.
    pub stop_timeout: Duration,
    /// Who leaves first.
    pub leaves_first: LeavesFirst,
    /// Whether one that is replaced leaves its port to the new one, which then is started after its end; default no.
    pub keeps_port: bool,
    /// What becomes of them when the proxy ends in peace.
    pub on_exit: OnExit,
    /// Who registers the backend.
    pub registered_by: RegisteredBy,
}

impl Default for LifecyclePlan {
    fn default() -> Self {
        Self {
            start_timeout: Duration::from_secs(60),
            replace_after: Duration::from_secs(2),
            drain_timeout: Duration::from_secs(30),
            stop_timeout: Duration::from_secs(10),
            leaves_first: LeavesFirst::default(),
            keeps_port: false,
            on_exit: OnExit::default(),
            registered_by: RegisteredBy::default(),
        }
    }
}

/// Who leaves first when a fleet shrinks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LeavesFirst {
    /// The one with the fewest requests in flight; of several the newest. `least-loaded`
    #[default]
    LeastLoaded,
    /// The one that was started last. `newest`
    Newest,
    /// The one that was started first. `oldest`
    Oldest,
}

/// What becomes of a fleet's instances when the proxy ends in peace. When it is killed they stay in any case, and the next
/// proxy adopts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnExit {
    /// They are stopped: default of the process driver. `stop`
    #[default]
    Stop,
    /// They go on, and the next proxy adopts them: default of the others. `keep`
    Keep,
}

/// Who registers the backend of an instance, by the door that is open to all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RegisteredBy {
    /// The scaler, as soon as something listens at its port: for programs that know nothing of Portreeve. `scaler`
    #[default]
    Scaler,
    /// Itself, with the token that it finds in its environment, under the id that it finds there. `backend`
    Backend,
}

/// What starts and stops instances.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DriverPlan {
    /// Processes of this machine. `process`
    Process(ProcessPlan),
    /// Containers, by the API of Docker Engine or Podman. `docker`
    Docker(DockerPlan),
    /// Commands of the operator's that start, stop and list. `exec`
    Exec(ExecPlan),
    /// An EC2 Auto Scaling group. `ec2`
    Ec2(Ec2Plan),
}

impl DriverPlan {
    /// Its name in the file, records and metrics.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Process(_) => "process",
            Self::Docker(_) => "docker",
            Self::Exec(_) => "exec",
            Self::Ec2(_) => "ec2",
        }
    }
}

/// Processes of this machine. In the command and in values of the environment `{port}`, `{id}`, `{pool}` and `{fleet}`
/// stand for what the instance got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessPlan {
    /// The program and its arguments.
    pub command: Vec<String>,
    /// Added to the proxy's own environment.
    pub env: Vec<(String, String)>,
    /// Where it runs; `None`: where the proxy does.
    pub folder: Option<PathBuf>,
    /// First and last port that it may be given; `None`: one that the kernel finds free.
    pub ports: Option<(u16, u16)>,
    /// Where it listens; default 127.0.0.1.
    pub host: IpAddr,
}

/// Containers. `{id}`, `{pool}` and `{fleet}` are replaced in command and environment, `{port}` by [`port`](Self::port).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DockerPlan {
    /// `unix:///run/docker.sock` or `tcp://host:port`; default `/var/run/docker.sock`.
    pub endpoint: String,
    /// Name and tag; it must be there, or be pullable.
    pub image: String,
    /// Instead of the image's; empty: the image's.
    pub command: Vec<String>,
    /// For the container.
    pub env: Vec<(String, String)>,
    /// Where it listens inside.
    pub port: u16,
    /// Bytes that it may use; `None`: no bound.
    pub memory_bytes: Option<u64>,
    /// Thousandths of a CPU that it may use; `None`: no bound.
    pub cpu_thousandths: Option<u32>,
    /// The network that it joins; `None`: the engine's default.
    pub network: Option<String>,
    /// Beside those by which we know our own.
    pub labels: Vec<(String, String)>,
}

/// Commands of the operator's. Each gets `PORTREEVE_ID`, `PORTREEVE_POOL` and `PORTREEVE_FLEET` in its environment, and the
/// same placeholders as a process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExecPlan {
    /// Starts one; may print its address, such as `10.0.0.7:8000`, in a line of its own.
    pub start: Vec<String>,
    /// Stops one.
    pub stop: Vec<String>,
    /// Prints the ids of those that there are, one in a line, each perhaps with its address after a space.
    pub list: Vec<String>,
    /// How long each may take; default 30 s.
    pub timeout: Duration,
}

/// An EC2 Auto Scaling group, whose instances register themselves with their EC2 instance id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ec2Plan {
    /// The group's name.
    pub group: String,
    /// As `eu-central-1`; `None`: what the environment says.
    pub region: Option<String>,
    /// Where the API is; `None`: AWS.
    pub endpoint: Option<String>,
}
