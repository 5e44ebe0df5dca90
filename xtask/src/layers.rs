//! Which of our crates may import which: the table of the design, held against `cargo metadata`.

use std::fmt;

use serde_json::Value;

use crate::program::{Failure, Program};

/// Fails on any arrow between our crates that the table does not have, and on a crate that it does not know.
pub(crate) fn check() -> Result<(), Failure> {
    let metadata = Program::cargo()
        .words("metadata --no-deps --format-version 1")
        .stdout()?;
    let metadata = serde_json::from_slice(&metadata)
        .map_err(|fault| Failure::Found(format!("cargo metadata: {fault}")))?;
    let faults = faults(&arrows(&metadata));
    if faults.is_empty() {
        return Ok(());
    }
    let lines: Vec<String> = faults.iter().map(Fault::to_string).collect();
    Err(Failure::Found(format!(
        "layers: the design does not allow\n  {}",
        lines.join("\n  ")
    )))
}

/// What each crate may import in its code, and so in its tests too.
const TABLE: &[(&str, &[&str])] = &[
    ("portreeve-model", &[]),
    ("portreeve-http1", &[]),
    ("portreeve-packet", &[]),
    ("portreeve-preamble", &[]),
    ("portreeve-frames", &["portreeve-model"]),
    ("portreeve-ledger", &[]),
    ("portreeve-config", &["portreeve-model"]),
    ("portreeve-api", &[]),
    ("portreeve-tls", &["portreeve-model"]),
    ("portreeve-acme", &["portreeve-model", "portreeve-tls"]),
    (
        "portreeve-proxy",
        &[
            "portreeve-model",
            "portreeve-http1",
            "portreeve-packet",
            "portreeve-preamble",
            "portreeve-frames",
            "portreeve-tls",
        ],
    ),
    (
        "portreeve-control",
        &[
            "portreeve-model",
            "portreeve-http1",
            "portreeve-packet",
            "portreeve-preamble",
            "portreeve-tls",
        ],
    ),
    ("portreeve-driver", &["portreeve-model"]),
    ("portreeve-docker", &["portreeve-model", "portreeve-driver"]),
    ("portreeve-ec2", &["portreeve-model", "portreeve-driver"]),
    // It has no private door to the registry: only the one that all have.
    (
        "portreeve-scaler",
        &["portreeve-model", "portreeve-driver", "portreeve-control"],
    ),
    (
        "portreeve-admin",
        &[
            "portreeve-model",
            "portreeve-api",
            "portreeve-control",
            "portreeve-driver",
            "portreeve-scaler",
        ],
    ),
    ("portreeve-sim", &["portreeve-model", "portreeve-config"]),
    (SERVER, ALL_BUT_THE_CLI),
    (
        "portreeve",
        &[
            "portreeve-server",
            "portreeve-config",
            "portreeve-api",
            "portreeve-sim",
            "portreeve-packet",
            "portreeve-ledger",
        ],
    ),
    // It starts a whole proxy in process, for the tests of others.
    (TESTKIT, &[SERVER, "portreeve-config", "portreeve-model"]),
    ("portreeve-bench", &[]),
    ("xtask", &[]),
];

const SERVER: &str = "portreeve-server";
const TESTKIT: &str = "portreeve-testkit";
const ALL_BUT_THE_CLI: &[&str] = &[
    "portreeve-model",
    "portreeve-http1",
    "portreeve-packet",
    "portreeve-preamble",
    "portreeve-frames",
    "portreeve-ledger",
    "portreeve-config",
    "portreeve-api",
    "portreeve-tls",
    "portreeve-acme",
    "portreeve-proxy",
    "portreeve-control",
    "portreeve-driver",
    "portreeve-docker",
    "portreeve-ec2",
    "portreeve-scaler",
    "portreeve-admin",
    "portreeve-sim",
];

/// One of our crates names another of our crates in its manifest.
#[derive(Debug, PartialEq, Eq)]
struct Arrow {
    from: String,
    /// `None`: the crate has no dependency among ours.
    to: Option<String>,
    is_dev: bool,
}

impl Arrow {
    fn is_allowed(&self, table: &[&str]) -> bool {
        let Some(to) = self.to.as_deref() else { return true };
        table.contains(&to) || (self.is_dev && to == TESTKIT)
    }
}

/// An arrow, or a crate, that the table does not have.
#[derive(Debug, PartialEq, Eq)]
enum Fault {
    Forbidden { from: String, to: String, is_dev: bool },
    Unknown(String),
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Forbidden {
                from,
                to,
                is_dev: false,
            } => write!(out, "{from} -> {to}"),
            Fault::Forbidden {
                from,
                to,
                is_dev: true,
            } => write!(out, "{from} -> {to} (in its tests)"),
            Fault::Unknown(name) => write!(
                out,
                "{name}: a crate that the table in xtask/src/layers.rs does not know"
            ),
        }
    }
}

fn faults(arrows: &[Arrow]) -> Vec<Fault> {
    let mut faults: Vec<Fault> = arrows.iter().filter_map(fault).collect();
    faults.dedup();
    faults
}

fn fault(arrow: &Arrow) -> Option<Fault> {
    let Some((_, allowed)) = TABLE.iter().find(|(name, _)| *name == arrow.from) else {
        return Some(Fault::Unknown(arrow.from.clone()));
    };
    if arrow.is_allowed(allowed) {
        return None;
    }
    Some(Fault::Forbidden {
        from: arrow.from.clone(),
        to: arrow.to.clone()?,
        is_dev: arrow.is_dev,
    })
}

/// Every arrow between crates of the workspace, and for each crate one that goes nowhere.
fn arrows(metadata: &Value) -> Vec<Arrow> {
    let packages = || metadata["packages"].as_array().into_iter().flatten();
    let ours: Vec<&str> = packages()
        .filter_map(|package| package["name"].as_str())
        .collect();
    let mut arrows = Vec::new();
    for package in packages() {
        let from = package["name"].as_str().unwrap_or_default().to_owned();
        let dependencies = package["dependencies"].as_array().into_iter().flatten();
        arrows.push(Arrow {
            from: from.clone(),
            to: None,
            is_dev: false,
        });
        arrows.extend(dependencies.filter_map(|dependency| {
            let to = dependency["name"].as_str().filter(|name| ours.contains(name))?;
            Some(Arrow {
                from: from.clone(),
                to: Some(to.to_owned()),
                is_dev: dependency["kind"] == "dev",
            })
        }));
    }
    arrows
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn found(packages: &Value) -> Vec<String> {
        faults(&arrows(&json!({ "packages": packages })))
            .iter()
            .map(Fault::to_string)
            .collect()
    }

    fn package(name: &str, dependencies: &[(&str, Value)]) -> Value {
        let dependencies: Vec<Value> = dependencies
            .iter()
            .map(|(name, kind)| json!({"name": name, "kind": kind}))
            .collect();
        json!({"name": name, "dependencies": dependencies})
    }

    #[test]
    fn an_arrow_that_the_table_lacks_is_named() {
        let model = package(
            "portreeve-model",
            &[("portreeve-http1", Value::Null), ("serde", Value::Null)],
        );
        let http1 = package("portreeve-http1", &[]);
        assert_eq!(
            found(&json!([model, http1])),
            ["portreeve-model -> portreeve-http1"]
        );
    }

    #[test]
    fn build_dependencies_count_like_normal_ones() {
        let http1 = package("portreeve-http1", &[("portreeve-model", json!("build"))]);
        assert_eq!(
            found(&json!([http1, package("portreeve-model", &[])])),
            ["portreeve-http1 -> portreeve-model"]
        );
    }

    #[test]
    fn testkit_may_be_imported_by_tests_only() {
        let in_tests = package("portreeve-http1", &[("portreeve-testkit", json!("dev"))]);
        let in_code = package("portreeve-model", &[("portreeve-testkit", Value::Null)]);
        let found = found(&json!([in_tests, in_code, package("portreeve-testkit", &[])]));
        assert_eq!(found, ["portreeve-model -> portreeve-testkit"]);
    }

    #[test]
    fn tests_get_no_other_arrow_of_their_own() {
        let proxy = package("portreeve-proxy", &[("portreeve-config", json!("dev"))]);
        let found = found(&json!([proxy, package("portreeve-config", &[])]));
        assert_eq!(found, ["portreeve-proxy -> portreeve-config (in its tests)"]);
    }

    #[test]
    fn a_crate_outside_the_table_is_a_fault_even_without_arrows() {
        assert_eq!(found(&json!([package("portreeve-new", &[])])).len(), 1);
    }

    #[test]
    fn the_server_may_not_import_the_command_line() {
        let server = package(
            SERVER,
            &[("portreeve", Value::Null), ("portreeve-proxy", Value::Null)],
        );
        let found = found(&json!([
            server,
            package("portreeve", &[]),
            package("portreeve-proxy", &[])
        ]));
        assert_eq!(found, ["portreeve-server -> portreeve"]);
    }

    #[test]
    fn the_table_names_only_crates_that_it_knows() {
        let known: Vec<&str> = TABLE.iter().map(|(name, _)| *name).collect();
        let mut named = TABLE.iter().flat_map(|(_, allowed)| allowed.iter());
        assert!(named.all(|name| known.contains(name)));
    }
}
