//! What the keys of policies, packets, registration and the ledger mean, and what is refused of them.

mod refused;
mod warned;

use std::path::Path;
use std::time::Duration;

use portreeve_config::LedgerConfig;
use portreeve_model::plan::{
    DemandPlan, LedgerMode, MembersPlan, PacketPlan, Plan, PolicySource, PoolPlan, RegistrationPlan,
};
use portreeve_model::{Policies, Policy};

use crate::sound;

fn set(names: &[&str]) -> Policies {
    names.iter().map(|name| Policy::new(name).unwrap()).collect()
}

fn plan(source: &str) -> Plan {
    sound(source).plan
}

fn demands(policy: &str) -> Vec<DemandPlan> {
    let source = format!(
        "[listener.web]\nbind = \":1\"\nregistration = true\n[route.shop]\npool = \"api\"\npolicy = {policy}\n\
         [pool.api]\n"
    );
    plan(&source).routes[0].demands.clone()
}

fn pool(lines: &str) -> PoolPlan {
    let source = format!(
        "[listener.web]\nbind = \":1\"\nregistration = true\n[pool.api]\n{lines}\n[route.all]\npool = \"api\"\n"
    );
    plan(&source).pools[0].clone()
}

fn demand(from: PolicySource) -> DemandPlan {
    DemandPlan {
        from,
        accepts: Policies::none(),
        otherwise: Policies::none(),
        is_optional: false,
    }
}

#[test]
fn policies_may_be_fixed() {
    assert_eq!(demands("\"eu\""), [demand(PolicySource::Fixed(set(&["eu"])))]);
    assert_eq!(
        demands("[\"hipaa\", \"eu\"]"),
        [demand(PolicySource::Fixed(set(&["eu", "hipaa"])))]
    );
}

#[test]
fn policies_may_be_read_from_each_part_of_a_request() {
    for (table, from) in [
        (
            "{ header = \"Privacy-Policy\" }",
            PolicySource::Header("privacy-policy".to_owned()),
        ),
        (
            "{ cookie = \"Policy\" }",
            PolicySource::Cookie("Policy".to_owned()),
        ),
        (
            "{ query = \"filter[policy]\" }",
            PolicySource::Query("filter[policy]".to_owned()),
        ),
        ("{ host_label = 1 }", PolicySource::HostLabel(1)),
        ("{ path_segment = 2 }", PolicySource::PathSegment(2)),
    ] {
        assert_eq!(demands(table), [demand(from)], "{table}");
    }
}

#[test]
fn fixed_ones_and_tables_may_be_mixed_and_the_fixed_come_first() {
    let demands = demands("[{ host_label = 1 }, \"eu\", { query = \"p\", optional = true }, \"hipaa\"]");
    let froms: Vec<_> = demands.iter().map(|demand| demand.from.clone()).collect();
    assert_eq!(
        froms,
        [
            PolicySource::Fixed(set(&["eu", "hipaa"])),
            PolicySource::HostLabel(1),
            PolicySource::Query("p".to_owned()),
        ]
    );
    let optional: Vec<_> = demands.iter().map(|demand| demand.is_optional).collect();
    assert_eq!(optional, [false, false, true]);
}

#[test]
fn a_table_may_say_what_it_accepts_and_what_stands_in() {
    let demands = demands("{ header = \"X\", accept = [\"us\", \"eu\"], default = \"eu\" }");
    assert_eq!(demands[0].accepts, set(&["eu", "us"]));
    assert_eq!(demands[0].otherwise, set(&["eu"]));
    assert!(!demands[0].is_optional);
}

#[test]
fn a_route_without_policy_demands_none() {
    let plan = plan("[pool.api]\nbackends = \"a:1\"\n");
    assert_eq!(plan.routes[0].demands, []);
    assert_eq!(plan.routes[0].ledger, LedgerMode::Off);
    assert_eq!(plan.policies, []);
    assert_eq!(plan.registration, RegistrationPlan::default());
}

#[test]
fn a_backend_upholds_its_own_and_those_of_its_pool() {
    let pool = pool(
        "policies = \"eu\"\nbackends = [{ address = \"a:1\", policies = [\"hipaa\", \"eu\"] }, \"b:1\", \
         { address = \"c:1\", policies = [] }]",
    );
    let upheld: Vec<_> = pool
        .targets
        .iter()
        .map(|target| target.policies.clone())
        .collect();
    assert_eq!(upheld, [set(&["eu", "hipaa"]), set(&["eu"]), set(&["eu"])]);
}

#[test]
fn only_a_pool_without_backends_is_joined_unless_it_says_so() {
    assert_eq!(pool("").members, Some(MembersPlan::default()));
    assert_eq!(pool("backends = []").members, Some(MembersPlan::default()));
    assert_eq!(pool("backends = \"a:1\"").members, None);
    assert_eq!(
        pool("backends = \"a:1\"\nregister = true").members,
        Some(MembersPlan::default())
    );
    assert_eq!(pool("backends = \"a:1\"\nregister = false").members, None);
}

#[test]
fn how_long_a_registration_counts_may_be_set() {
    let members = pool("register = { ttl = \"2s\", ttl_max = \"1m\", grace = \"0s\" }").members;
    let expected = MembersPlan {
        ttl: Duration::from_secs(2),
        ttl_max: Duration::from_secs(60),
        grace: Duration::ZERO,
    };
    assert_eq!(members, Some(expected));
    let shorter = pool("register = { ttl_max = \"5s\" }").members.unwrap();
    assert_eq!(shorter.ttl, Duration::from_secs(5), "the default follows");
}

#[test]
fn a_listener_serves_packets_of_a_pool() {
    let packets = |value: &str| {
        let source = format!(
            "[listener.main]\nbind = \":1\"\npackets = {value}\nregistration = true\n[pool.servers]\n"
        );
        plan(&source).listeners[0].packets.clone().unwrap()
    };
    assert_eq!(packets("\"servers\""), PacketPlan::new("servers".into()));
    let expected = PacketPlan {
        pool: "servers".into(),
        payload_bytes_max: 2_048,
        packet_bytes_max: 32_768,
        idle_timeout: Duration::from_millis(500),
        closes_after_answer: true,
        keep_alive: true,
    };
    let table = "{ pool = \"servers\", payload_bytes_max = \"2KiB\", packet_bytes_max = \"32KiB\", \
                 idle_timeout = \"500ms\", close_after_answer = true, keep_alive = true }";
    assert_eq!(packets(table), expected);
}

#[test]
fn packets_alone_need_no_route() {
    let source =
        "[listener.main]\nbind = \":1\"\npackets = \"servers\"\nregistration = true\n[pool.servers]\n";
    assert_eq!(plan(source).routes, []);
    let both = plan(&format!("{source}[pool.api]\nbackends = \"a:1\"\n"));
    assert_eq!(both.routes.len(), 1);
    assert_eq!(both.routes[0].pool.as_ref(), "api");
}

#[test]
fn registration_begins_closed_and_may_be_opened() {
    let registration = |lines: &str| {
        plan(&format!(
            "[registration]\n{lines}\n[pool.api]\nbackends = \"a:1\"\n"
        ))
        .registration
    };
    assert_eq!(registration(""), RegistrationPlan::default());
    let opened = registration(
        "networks = \"10.0.0.0/8\"\ninsecure = true\nlink_local = true\nregistrations_max = 9\n\
         per_source_max = 3\nper_token_max = 2",
    );
    assert_eq!(opened.networks.len(), 1);
    assert!(opened.is_insecure && opened.allows_link_local);
    assert_eq!(
        (
            opened.registrations_max,
            opened.per_source_max,
            opened.per_token_max
        ),
        (9, 3, 2)
    );
    assert_eq!(registration("registrations_max = 9").per_source_max, 1_024);
}

const POOL: &str = "[pool.api]\nbackends = \"a:1\"\n";

#[test]
fn the_ledger_is_there_if_anything_asks_for_it() {
    let ledger = |lines: &str| sound(&format!("state = \"/s\"\n{POOL}{lines}\n")).ledger;
    let plain = LedgerConfig::in_state(Path::new("/s"));
    assert_eq!(plain.file, Path::new("/s/ledger.jsonl"));
    assert_eq!(ledger(""), None);
    assert_eq!(ledger("[route.a]\npool = \"api\"\nledger = \"off\""), None);
    assert_eq!(ledger("[policy.eu]"), None);
    assert_eq!(ledger("[ledger]"), Some(plain.clone()));
    assert_eq!(
        ledger("[route.a]\npool = \"api\"\nledger = \"on\""),
        Some(plain.clone())
    );
    assert_eq!(ledger("[policy.eu]\nledger = \"required\""), Some(plain));
    let own = ledger("[ledger]\nfile = \"l\"\nrotate_bytes = \"1MiB\"").unwrap();
    assert_eq!(
        (own.file.as_path(), own.rotate_bytes),
        (Path::new("l"), 1_048_576)
    );
}

#[test]
fn a_policy_may_have_any_name_that_a_policy_may_have() {
    let policies = plan(&format!("{POOL}[policy.\"à la carte\"]\nledger = \"on\"\n")).policies;
    assert_eq!(policies[0].policy.as_str(), "à la carte");
    assert_eq!(policies[0].ledger, LedgerMode::On);
}
