//! The parts of the benchmark that can be run by themselves.

use std::time::Duration;

/// One of them, by the word on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Suite {
    /// Portreeve beside nginx, HAProxy and a raw relay.
    Http1,
    /// Packets, beside a Python original.
    Packets,
    /// What a policy that a route demands adds to a request.
    Policies,
    /// What a record in the ledger adds to a request.
    Ledger,
    /// Ten thousand backends that register themselves.
    Registry,
    /// Backends that die, stand still, are slow, full or broken.
    Failover,
    /// Pools that grow and shrink by themselves.
    Scale,
    /// TLS, HTTP/2 and raw connections.
    Edge,
}

/// How long a suite is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pace {
    pub(crate) rounds: usize,
    /// Of one measurement; whole seconds.
    pub(crate) length: Duration,
}

impl Suite {
    pub(crate) const ALL: [Suite; 8] = [
        Suite::Http1,
        Suite::Packets,
        Suite::Policies,
        Suite::Ledger,
        Suite::Registry,
        Suite::Failover,
        Suite::Scale,
        Suite::Edge,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Suite::Http1 => "http1",
            Suite::Packets => "packets",
            Suite::Policies => "policies",
            Suite::Ledger => "ledger",
            Suite::Registry => "registry",
            Suite::Failover => "failover",
            Suite::Scale => "scale",
            Suite::Edge => "edge",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Suite> {
        Suite::ALL.into_iter().find(|suite| suite.name() == name)
    }

    /// What is worth saving. A small difference wants many short rounds: what disturbs the machine lasts for seconds and then
    /// disturbs both sides of a round alike.
    pub(crate) fn pace(self) -> Pace {
        let (rounds, seconds) = match self {
            Suite::Http1 | Suite::Packets | Suite::Registry | Suite::Failover | Suite::Edge => (6, 4),
            Suite::Scale => (4, 4),
            Suite::Policies => (100, 1),
            Suite::Ledger => (40, 1),
        };
        Pace {
            rounds,
            length: Duration::from_secs(seconds),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_suite_is_found_by_its_name() {
        for suite in Suite::ALL {
            assert_eq!(Suite::named(suite.name()), Some(suite));
        }
        assert_eq!(Suite::named("http2"), None);
    }
}
