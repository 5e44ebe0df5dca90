//! What is measured, and what the project promises for it (issue 2).

/// One line of the benchmark.
#[derive(Debug)]
pub(crate) struct Scenario {
    /// What `--only` takes.
    pub(crate) name: &'static str,
    /// A few words for tables and charts.
    pub(crate) title: &'static str,
    pub(crate) work: Work,
    pub(crate) targets: Targets,
}

/// What is done to a proxy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// Requests as fast as answers come, on this many connections.
    Load(Load),
    /// This many connections that have done one request each and then do nothing.
    Idle { connections: usize },
    /// The load against one worker and then against two, nothing pinned.
    Scaling(Load),
}

/// A closed loop of requests: each connection asks again as soon as it has its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Load {
    pub(crate) connections: usize,
    pub(crate) path: &'static str,
    pub(crate) kind: Kind,
    /// Further lines of the head.
    pub(crate) fields: &'static [&'static str],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Get,
    /// With a body of 4 KiB.
    Post,
    /// A GET that demands the next of this many policies: `policy-0`, `policy-1` and so on.
    Demanding(usize),
    /// Heartbeats of this many registered backends in turn: `backend-0`, `backend-1` and so on; the path is their folder.
    Heartbeats(usize),
}

/// Upper bounds for Portreeve.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Targets {
    /// CPU per request against the better of the two peers.
    pub(crate) of_best_peer: Option<f64>,
    /// CPU per request against the relay.
    pub(crate) of_relay: Option<f64>,
    /// Bytes of own memory per idle connection.
    pub(crate) bytes: Option<f64>,
}

impl Scenario {
    pub(crate) fn named(name: &str) -> Option<&'static Scenario> {
        SCENARIOS.iter().find(|scenario| scenario.name == name)
    }

    /// The relay opens one backend connection for each client's, so it is no floor where connections are the work, and it
    /// has no workers and keeps no idle state worth measuring.
    pub(crate) fn suits_relay(&self) -> bool {
        matches!(self.work, Work::Load(load) if load.fields != CLOSE)
    }
}

const fn get(path: &'static str, connections: usize) -> Work {
    Work::Load(Load {
        connections,
        path,
        kind: Kind::Get,
        fields: &[],
    })
}

const fn against(of_best_peer: f64) -> Targets {
    Targets {
        of_best_peer: Some(of_best_peer),
        of_relay: None,
        bytes: None,
    }
}

const SMALL: Targets = Targets {
    of_best_peer: Some(0.75),
    of_relay: Some(1.25),
    bytes: None,
};

/// A new connection for each request.
const CLOSE: &[&str] = &["Connection: close"];

/// All of them, in the order of the report.
pub(crate) static SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "small-64",
        title: "128 bytes, 64 connections",
        work: get("/small", 64),
        targets: SMALL,
    },
    Scenario {
        name: "small-1000",
        title: "128 bytes, 1000 connections",
        work: get("/small", 1000),
        targets: SMALL,
    },
    Scenario {
        name: "10k-64",
        title: "10 KiB, 64 connections",
        work: get("/10k", 64),
        targets: against(0.8),
    },
    Scenario {
        name: "post4k-64",
        title: "POST of 4 KiB, 64 connections",
        work: Work::Load(Load {
            connections: 64,
            path: "/sink",
            kind: Kind::Post,
            fields: &[],
        }),
        targets: against(0.8),
    },
    Scenario {
        name: "1m-16",
        title: "1 MiB, 16 connections",
        work: get("/1m", 16),
        targets: against(0.95),
    },
    Scenario {
        name: "newconn-64",
        title: "a new connection each, 64 at a time",
        work: Work::Load(Load {
            connections: 64,
            path: "/small",
            kind: Kind::Get,
            fields: CLOSE,
        }),
        targets: against(0.95),
    },
    Scenario {
        name: "idle-memory",
        title: "memory per idle connection, 5000 of them",
        work: Work::Idle { connections: 5000 },
        targets: Targets {
            of_best_peer: None,
            of_relay: None,
            bytes: Some(1536.0),
        },
    },
    Scenario {
        name: "two-cores",
        title: "one worker, then two, on two shared cores",
        work: Work::Scaling(Load {
            connections: 64,
            path: "/small",
            kind: Kind::Get,
            fields: &[],
        }),
        targets: Targets {
            of_best_peer: None,
            of_relay: None,
            bytes: None,
        },
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_scenario_is_found_by_its_name() {
        for scenario in SCENARIOS {
            assert!(std::ptr::eq(Scenario::named(scenario.name).unwrap(), scenario));
        }
    }
}
