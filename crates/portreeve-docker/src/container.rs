//! What we ask the engine to make of an order, and how we know it again.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bollard::models::{
    ContainerCreateBody, EndpointSettings, HostConfig, RestartPolicy, RestartPolicyNameEnum,
};
use portreeve_driver::Order;
use portreeve_model::plan::DockerPlan;

/// Whose container it is: `portreeve.pool`.
pub(crate) const POOL: &str = "portreeve.pool";
/// `portreeve.fleet`.
pub(crate) const FLEET: &str = "portreeve.fleet";
/// The id of its order: `portreeve.id`.
pub(crate) const ID: &str = "portreeve.id";
/// When it was ordered, in milliseconds since 1970: `portreeve.ordered`.
const ORDERED: &str = "portreeve.ordered";

/// What the engine is to create. The token is in its environment, and nowhere else.
pub(crate) fn body(plan: &DockerPlan, order: &Order, now: SystemTime) -> ContainerCreateBody {
    ContainerCreateBody {
        image: Some(plan.image.clone()),
        cmd: command(plan, order),
        env: Some(environment(plan, order)),
        labels: Some(labels(plan, order, now)),
        host_config: Some(bounds(plan)),
        tty: Some(false),
        ..ContainerCreateBody::default()
    }
}

/// Which of all containers are those of a fleet.
pub(crate) fn filters(pool: &str, fleet: &str) -> HashMap<&'static str, Vec<String>> {
    let labels = vec![
        format!("{POOL}={pool}"),
        format!("{FLEET}={fleet}"),
        ID.to_owned(),
    ];
    HashMap::from([("label", labels)])
}

/// For how long it has been ordered, by its labels.
pub(crate) fn age(labels: Option<&HashMap<String, String>>, now: SystemTime) -> Option<Duration> {
    let ordered: u64 = labels?.get(ORDERED)?.parse().ok()?;
    let ordered = UNIX_EPOCH.checked_add(Duration::from_millis(ordered))?;
    now.duration_since(ordered).ok()
}

/// Where it listens: its own address in the network that the plan says, else in the first by name that gave it one.
pub(crate) fn address(
    plan: &DockerPlan,
    networks: Option<&HashMap<String, EndpointSettings>>,
) -> Option<SocketAddr> {
    let networks = networks?;
    let mut names: Vec<&String> = networks.keys().collect();
    names.sort_by_key(|name| (Some(name.as_str()) != plan.network.as_deref(), *name));
    let ip = names.into_iter().find_map(|name| ip(networks.get(name)?))?;
    Some(SocketAddr::new(ip, plan.port))
}

fn ip(network: &EndpointSettings) -> Option<IpAddr> {
    let four = network.ip_address.as_deref().and_then(|text| text.parse().ok());
    four.or_else(|| network.global_ipv6_address.as_deref()?.parse().ok())
}

fn command(plan: &DockerPlan, order: &Order) -> Option<Vec<String>> {
    let words = plan.command.iter().map(|word| filled(word, plan, order));
    (!plan.command.is_empty()).then(|| words.collect())
}

/// What the plan says, then what the order says, then what is always there; the later wins.
fn environment(plan: &DockerPlan, order: &Order) -> Vec<String> {
    let planned = plan
        .env
        .iter()
        .map(|(key, value)| (key.clone(), filled(value, plan, order)));
    let port = plan.port.to_string();
    let always = [
        ("PORT", port.as_str()),
        ("PORTREEVE_PORT", port.as_str()),
        ("PORTREEVE_ID", &order.id),
        ("PORTREEVE_POOL", &order.pool),
        ("PORTREEVE_FLEET", &order.fleet),
        ("PORTREEVE_TOKEN", order.token.reveal()),
    ];
    let always = always.map(|(key, value)| (key.to_owned(), value.to_owned()));
    let all: BTreeMap<String, String> = planned.chain(order.env.iter().cloned()).chain(always).collect();
    all.into_iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect()
}

fn labels(plan: &DockerPlan, order: &Order, now: SystemTime) -> HashMap<String, String> {
    let ordered = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    let ours = [
        (POOL, order.pool.to_string()),
        (FLEET, order.fleet.to_string()),
        (ID, order.id.to_string()),
        (ORDERED, ordered.to_string()),
    ];
    let ours = ours.map(|(key, value)| (key.to_owned(), value));
    plan.labels.iter().cloned().chain(ours).collect()
}

fn bounds(plan: &DockerPlan) -> HostConfig {
    let memory = plan
        .memory_bytes
        .map(|bytes| i64::try_from(bytes).unwrap_or(i64::MAX));
    HostConfig {
        memory,
        memory_swap: memory, // of both together: no swap beside it
        nano_cpus: plan
            .cpu_thousandths
            .map(|part| i64::from(part) * NANOS_PER_THOUSANDTH),
        network_mode: plan.network.clone(),
        restart_policy: Some(RestartPolicy {
            name: Some(RestartPolicyNameEnum::NO),
            maximum_retry_count: None,
        }),
        ..HostConfig::default()
    }
}

fn filled(text: &str, plan: &DockerPlan, order: &Order) -> String {
    let values = [
        ("{port}", plan.port.to_string()),
        ("{id}", order.id.to_string()),
        ("{pool}", order.pool.to_string()),
        ("{fleet}", order.fleet.to_string()),
    ];
    // Names hold no braces, so nothing that is put in is replaced again.
    values
        .iter()
        .fold(text.to_owned(), |text, (key, value)| text.replace(key, value))
}

const NANOS_PER_THOUSANDTH: i64 = 1_000_000;

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::Arc;

    use portreeve_driver::Secret;

    use super::*;

    pub(crate) fn plan() -> DockerPlan {
        DockerPlan {
            endpoint: "unix:///run/docker.sock".to_owned(),
            image: "app:1".to_owned(),
            command: Vec::new(),
            env: Vec::new(),
            port: 8000,
            memory_bytes: None,
            cpu_thousandths: None,
            network: None,
            labels: Vec::new(),
        }
    }

    fn order() -> Order {
        Order {
            id: Arc::from("api-1"),
            pool: Arc::from("api"),
            fleet: Arc::from("default"),
            port: None,
            env: vec![("PORTREEVE_URL".to_owned(), "http://10.0.0.1:80".to_owned())],
            token: Secret::new("ptv_secret"),
        }
    }

    fn network(four: &str, six: &str) -> EndpointSettings {
        EndpointSettings {
            ip_address: Some(four.to_owned()),
            global_ipv6_address: Some(six.to_owned()),
            ..EndpointSettings::default()
        }
    }

    #[test]
    fn placeholders_are_filled_in_command_and_environment() {
        let plan = DockerPlan {
            command: vec![
                "serve".to_owned(),
                "--at={port}".to_owned(),
                "{pool}/{fleet}/{id}".to_owned(),
            ],
            env: vec![("WHO".to_owned(), "{id}:{port}".to_owned())],
            ..plan()
        };
        let body = body(&plan, &order(), UNIX_EPOCH);
        assert_eq!(body.cmd.unwrap(), ["serve", "--at=8000", "api/default/api-1"]);
        let env = body.env.unwrap();
        assert!(env.contains(&"WHO=api-1:8000".to_owned()), "{env:?}");
        assert!(env.contains(&"PORT=8000".to_owned()), "{env:?}");
        assert!(
            env.contains(&"PORTREEVE_URL=http://10.0.0.1:80".to_owned()),
            "{env:?}"
        );
    }

    #[test]
    fn the_image_keeps_its_own_command() {
        assert_eq!(body(&plan(), &order(), UNIX_EPOCH).cmd, None);
    }

    #[test]
    fn the_token_is_in_the_environment_only() {
        let mut body = body(&plan(), &order(), UNIX_EPOCH);
        let env = body.env.take().unwrap();
        assert!(env.contains(&"PORTREEVE_TOKEN=ptv_secret".to_owned()));
        assert!(!format!("{body:?}").contains("ptv_secret"));
    }

    #[test]
    fn what_is_ours_cannot_be_overridden() {
        let plan = DockerPlan {
            env: vec![("PORTREEVE_ID".to_owned(), "other".to_owned())],
            labels: vec![
                (ID.to_owned(), "other".to_owned()),
                ("team".to_owned(), "blue".to_owned()),
            ],
            ..plan()
        };
        let body = body(&plan, &order(), UNIX_EPOCH);
        assert!(body.env.unwrap().contains(&"PORTREEVE_ID=api-1".to_owned()));
        let labels = body.labels.unwrap();
        assert_eq!(labels[ID], "api-1");
        assert_eq!(labels["team"], "blue");
    }

    #[test]
    fn limits_are_what_the_engine_counts_in() {
        let plan = DockerPlan {
            memory_bytes: Some(64 << 20),
            cpu_thousandths: Some(500),
            ..plan()
        };
        let host = body(&plan, &order(), UNIX_EPOCH).host_config.unwrap();
        assert_eq!(host.memory, Some(64 << 20));
        assert_eq!(host.memory_swap, Some(64 << 20));
        assert_eq!(host.nano_cpus, Some(500_000_000));
    }

    #[test]
    fn the_planned_network_gives_the_address() {
        let networks = HashMap::from([
            ("bridge".to_owned(), network("172.17.0.2", "")),
            ("inner".to_owned(), network("10.9.0.2", "")),
        ]);
        let inner = DockerPlan {
            network: Some("inner".to_owned()),
            ..plan()
        };
        assert_eq!(address(&inner, Some(&networks)), "10.9.0.2:8000".parse().ok());
        assert_eq!(address(&plan(), Some(&networks)), "172.17.0.2:8000".parse().ok());
    }

    #[test]
    fn an_address_may_be_of_version_six_or_none() {
        let six = HashMap::from([("n".to_owned(), network("", "fd00::2"))]);
        assert_eq!(address(&plan(), Some(&six)), "[fd00::2]:8000".parse().ok());
        let host = HashMap::from([("host".to_owned(), network("", ""))]);
        assert_eq!(address(&plan(), Some(&host)), None);
    }

    #[test]
    fn its_age_is_read_from_its_labels() {
        let now = UNIX_EPOCH + Duration::from_secs(100);
        let labels = labels(&plan(), &order(), now);
        let later = now + Duration::from_secs(5);
        assert_eq!(age(Some(&labels), later), Some(Duration::from_secs(5)));
        assert_eq!(age(Some(&labels), UNIX_EPOCH), None);
        assert_eq!(age(None, later), None);
    }
}
