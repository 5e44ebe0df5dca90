//! A control plane and a scaler over an engine.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use portreeve_control::{ControlSettings, Controller};
use portreeve_model::plan::{
    DriverPlan, FleetPlan, MembersPlan, Name, OnExit, Plan, PoolPlan, ProcessPlan, ScaleMode, ScalePlan,
};
use portreeve_model::{FleetShared, Policies, Policy, Snapshot, Standing};
use portreeve_scaler::{FleetState, Scaler, ScalerSettings};
use tokio::sync::Notify;

use crate::engine::Engine;

pub(crate) struct World {
    pub(crate) engine: Engine,
    pub(crate) controller: Controller,
    pub(crate) wakes: Arc<Notify>,
    pub(crate) scaler: Scaler,
    start: Instant,
    folder: PathBuf,
}

impl World {
    /// One pool, `api`, with this fleet.
    pub(crate) async fn of(fleet: FleetPlan) -> Self {
        Self::scaling(scale(vec![fleet])).await
    }

    pub(crate) async fn scaling(scale: ScalePlan) -> Self {
        Self::over(Engine::default(), folder(), scale).await
    }

    async fn over(engine: Engine, folder: PathBuf, scale: ScalePlan) -> Self {
        let start = Instant::now();
        let settings = ControlSettings {
            state: Some(folder.clone()),
            start: Some(start),
            ..ControlSettings::default()
        };
        let controller = Controller::start(plan(scale), 1, settings).await.unwrap();
        let wakes: Arc<Notify> = Arc::default();
        let scaler = begin(&engine, &controller, &wakes, start, &folder, "us");
        Self {
            engine,
            controller,
            wakes,
            scaler,
            start,
            folder,
        }
    }

    /// Another proxy that uses the same engine.
    pub(crate) async fn beside(&self, owner: &str, scale: ScalePlan) -> (Controller, Scaler) {
        let settings = ControlSettings::default();
        let controller = Controller::start(plan(scale), 1, settings).await.unwrap();
        let wakes = Arc::default();
        let scaler = begin(&self.engine, &controller, &wakes, self.start, &folder(), owner);
        (controller, scaler)
    }

    /// As after `kill -9` and a new start.
    pub(crate) async fn killed_and_started(self, scale: ScalePlan) -> Self {
        self.killed_and_started_after(scale, || {}).await
    }

    /// The same, and something happens in between.
    pub(crate) async fn killed_and_started_after(self, scale: ScalePlan, meanwhile: impl FnOnce()) -> Self {
        drop(self.scaler);
        self.controller.stop().await;
        meanwhile();
        Self::over(self.engine, self.folder, scale).await
    }

    pub(crate) async fn apply(&self, scale: ScalePlan) {
        self.controller.apply(plan(scale)).await;
    }

    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.controller.snapshots().borrow())
    }

    pub(crate) fn shared(&self, fleet: &str) -> Arc<FleetShared> {
        let snapshot = self.snapshot();
        let fleets = snapshot.pool("api").unwrap().fleets();
        Arc::clone(fleets.iter().find(|one| &*one.name == fleet).unwrap())
    }

    /// Looks for so long; it must be so each time.
    pub(crate) async fn throughout(&self, time: Duration, is_so: impl Fn() -> bool) {
        let end = Instant::now() + time;
        while Instant::now() < end {
            assert!(is_so(), "{:?} serve; {:?}", self.serving(), self.fleets());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// How many tokens there are at last.
    pub(crate) async fn until_tokens(&self, count: usize) {
        let door = self.controller.door();
        let deadline = Instant::now() + Duration::from_secs(5);
        while door.tokens().await.unwrap().len() != count {
            assert!(Instant::now() < deadline, "{:?}", door.tokens().await);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// The ids of backends that serve.
    pub(crate) fn serving(&self) -> Vec<Name> {
        serving(&self.controller)
    }

    pub(crate) async fn until_serving(&self, count: usize) -> Vec<Name> {
        until(
            || self.serving().len() == count,
            || format!("{:?} serve, wanted {count}; {:?}", self.serving(), self.fleets()),
        )
        .await;
        self.serving()
    }

    pub(crate) fn fleets(&self) -> Arc<Vec<FleetState>> {
        self.scaler.view().fleets()
    }

    pub(crate) async fn until_fleet(&self, what: &str, is_so: impl Fn(&FleetState) -> bool) {
        let is_there = || self.fleets().iter().any(&is_so);
        until(is_there, || format!("{what}: {:?}", self.fleets())).await;
    }

    pub(crate) async fn end(self) {
        self.scaler.stop().await;
        self.controller.stop().await;
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn begin(
    engine: &Engine,
    controller: &Controller,
    wakes: &Arc<Notify>,
    start: Instant,
    folder: &std::path::Path,
    owner: &str,
) -> Scaler {
    let engine = engine.clone();
    Scaler::start(ScalerSettings {
        door: controller.door(),
        snapshots: controller.snapshots(),
        wakes: Arc::clone(wakes),
        start,
        state: Some(folder.to_owned()),
        driver: Box::new(move |_, _| Ok(Arc::new(engine.clone()))),
        url: Some("http://127.0.0.1:8080".to_owned()),
        owner: owner.to_owned(),
    })
}

fn folder() -> PathBuf {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let name = format!("portreeve-scaler-{}-{number}", std::process::id());
    let folder = std::env::temp_dir().join(name);
    let _ = std::fs::remove_dir_all(&folder);
    folder
}

pub(crate) fn fleet(name: &str) -> FleetPlan {
    let driver = DriverPlan::Process(ProcessPlan {
        command: vec!["./api".to_owned()],
        env: Vec::new(),
        folder: None,
        ports: None,
        host: std::net::Ipv4Addr::LOCALHOST.into(),
    });
    let mut fleet = FleetPlan::new(name.into(), driver);
    fleet.lifecycle.on_exit = OnExit::Stop;
    fleet.lifecycle.replace_after = Duration::from_millis(100);
    fleet.lifecycle.stop_timeout = Duration::from_millis(200);
    fleet
}

pub(crate) fn scale(fleets: Vec<FleetPlan>) -> ScalePlan {
    ScalePlan {
        mode: ScaleMode::On,
        every: Duration::from_millis(100),
        fleets,
    }
}

pub(crate) fn policies(names: &[&str]) -> Policies {
    names.iter().map(|name| Policy::new(name).unwrap()).collect()
}

fn plan(scale: ScalePlan) -> Plan {
    let pool = PoolPlan {
        members: Some(MembersPlan {
            ttl_max: LEASE_MAX,
            ..MembersPlan::default()
        }),
        scale: Some(scale),
        ..PoolPlan::empty("api".into())
    };
    Plan {
        pools: vec![pool],
        ..Plan::default()
    }
}

/// Short, so that it shows in a test if nobody renews it.
pub(crate) const LEASE_MAX: Duration = Duration::from_secs(1);

/// The ids of backends that serve at this proxy.
pub(crate) fn serving(controller: &Controller) -> Vec<Name> {
    let snapshot = Arc::clone(&controller.snapshots().borrow());
    let backends = snapshot.pool("api").unwrap().backends.iter();
    let serving = backends.filter(|backend| backend.standing() == Standing::Serving);
    serving.map(|backend| Arc::clone(&backend.label)).collect()
}

/// Looks until it is so; after ten seconds fails with what is seen.
pub(crate) async fn until(is_so: impl Fn() -> bool, seen: impl Fn() -> String) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !is_so() {
        assert!(Instant::now() < deadline, "{}", seen());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
