//! What the operator asked for, checked and with every default filled in: the one input from which, together with
//! what names resolve to, a [`Snapshot`](crate::Snapshot) is built.

mod ejection;
mod hold;
mod http2;
mod listener;
mod policies;
mod pool;
mod probe;
mod registration;
mod retry;
mod route;
mod san;
mod scale;
mod scheme;
mod tls;
mod traffic;

use std::sync::Arc;

pub use ejection::EjectionPlan;
pub use hold::{FailMode, HoldPlan, InFlightPlan, WaitingPage};
pub use http2::Http2Plan;
pub use listener::{Bind, Carries, ClientLimits, ListenerPlan, Network, PacketPlan};
pub use policies::{DemandPlan, LedgerMode, PolicyPlan, PolicySource};
pub use pool::{BackendLimits, BalancePlan, HashKey, PoolPlan, StickyPlan, Target, TargetAddress};
pub use probe::{Check, HttpCheck, ProbePlan};
pub use registration::{MembersPlan, RegistrationPlan};
pub use retry::{HedgePlan, RetryPlan};
pub use route::{HeaderPattern, HostPattern, PathPattern, RoutePlan};
pub use san::{NotASan, SanPattern};
pub use scale::{
    DockerPlan, DriverPlan, Ec2Plan, ExecPlan, FleetPlan, LeavesFirst, LifecyclePlan, OnExit, PacePlan,
    ProcessPlan, RegisteredBy, RulePlan, ScaleMode, ScalePlan, SchedulePlan,
};
pub use scheme::Scheme;
pub use tls::{
    AcmeChallenge, AcmePlan, BackendTlsPlan, CertificatePlan, ClientCertificatePlan, RedirectPlan, TlsPlan,
    TlsVersion,
};
pub use traffic::{DeadlinePlan, MirrorPlan, PriorityPlan, RateKey, RatePlan, SplitPlan};

/// A listener's, route's or pool's name: 1 to 64 bytes of `a-z A-Z 0-9 - _ .`; unique among its kind.
pub type Name = Arc<str>;

/// The whole of what the data plane is told to do.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Plan {
    /// Where clients connect; at least one in a checked plan.
    pub listeners: Vec<ListenerPlan>,
    /// In the order of the file; the order decides only between routes that are equally specific.
    pub routes: Vec<RoutePlan>,
    /// Every pool that a route names, and perhaps more.
    pub pools: Vec<PoolPlan>,
    /// What is to be known of single policies; those that are not here are as by default.
    pub policies: Vec<PolicyPlan>,
    /// Who may register backends.
    pub registration: RegistrationPlan,
    /// How certificates are had by ACME, if a listener has `domains`.
    pub acme: Option<AcmePlan>,
    /// Where this proxy is: backends of the same zone come first.
    pub zone: Option<Name>,
}

/// How access records are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RecordFormat {
    /// One JSON object a line, with every phase. `json`
    #[default]
    Json,
    /// The common combined format of NCSA and Apache. `combined`
    Combined,
}

/// Whether a status is in one of these ranges, first and last of each.
fn is_within(ranges: &[(u16, u16)], status: u16) -> bool {
    ranges
        .iter()
        .any(|(first, last)| (*first..=*last).contains(&status))
}
