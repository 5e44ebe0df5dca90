//! Any values of the fields that a route or a backend reads: deadlines, priorities, keys of rates and splits, loads. What
//! is understood is within its bounds, and nothing else comes of it.
#![no_main]

use std::net::IpAddr;
use std::sync::LazyLock;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use portreeve_model::plan::{
    DeadlinePlan, HashKey, Plan, PoolPlan, PriorityPlan, RateKey, RatePlan, RoutePlan, SplitPlan,
};
use portreeve_model::{Report, RequestView, Resolved, Snapshot, Tick, cookies, spell_deadline};

static SNAPSHOT: LazyLock<Snapshot> = LazyLock::new(|| Snapshot::build(&plan(), &Resolved::new(), None, 1));

fuzz_target!(|data: &[u8]| {
    let lines = Lines(data.split(|byte| *byte == b'\n').collect());
    let route = &SNAPSHOT.routes[0];
    if let Some(allowed) = route.time_allowed(&lines) {
        assert!(allowed < Duration::from_secs(24 * 3_600), "{allowed:?}");
        let told = spell_deadline("grpc-timeout", allowed);
        assert!(told.len() <= 9 && told.ends_with('m'), "{told}");
    }
    assert!(route.priority(&lines) <= 7);
    let now = Tick::of_micros(data.len() as u64 * 1_000);
    if let Err(exceeded) = route.rates.admit(&lines, now) {
        assert!(exceeded.retry_after <= Duration::from_secs(2), "{exceeded:?}");
    }
    let has_key = lines.0.iter().any(|line| cookies(line, "sid").next().is_some());
    let (pool, same) = (route.pool_for(&lines, 0), route.pool_for(&lines, u64::MAX));
    assert!(
        !has_key || std::ptr::eq(pool, same),
        "the key decides, not chance"
    );
    for line in &lines.0 {
        assert!(cookies(line, "sid").all(|value| value.len() < line.len()));
        if let Some(report) = Report::read(line) {
            assert_ne!(report, Report::default());
        }
    }
});

/// Each line is one of every field.
struct Lines<'a>(Vec<&'a [u8]>);

impl RequestView for Lines<'_> {
    fn method(&self) -> &[u8] {
        b"GET"
    }

    fn host(&self) -> &[u8] {
        b"app.test"
    }

    fn path(&self) -> &[u8] {
        b"/"
    }

    fn query(&self) -> &[u8] {
        b""
    }

    fn any_field(&self, _: &str, test: &mut dyn FnMut(&[u8]) -> bool) -> bool {
        self.0.iter().any(|line| test(line))
    }

    fn client(&self) -> Option<IpAddr> {
        None
    }
}

fn plan() -> Plan {
    let rate = RatePlan {
        per: RateKey::Header("x-user".to_owned()),
        requests: 1,
        every: Duration::from_secs(1),
        burst: 1,
    };
    let split = SplitPlan {
        arms: vec![("canary".into(), 300)],
        key: Some(HashKey::Cookie("sid".to_owned())),
    };
    let route = RoutePlan {
        deadline: DeadlinePlan {
            timeout: None,
            header: Some("x-timeout".to_owned()),
        },
        rates: vec![rate],
        priority: PriorityPlan::Header("priority".to_owned()),
        split: Some(split),
        ..RoutePlan::all("all".into(), "api".into())
    };
    Plan {
        routes: vec![route],
        pools: vec![PoolPlan::empty("api".into()), PoolPlan::empty("canary".into())],
        ..Plan::default()
    }
}
