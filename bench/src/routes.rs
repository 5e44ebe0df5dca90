//! The suites policies and ledger, and the part defaults of failover: one Portreeve and routes that differ in one thing. Since it is one process
//! and one set of connections to the backend, what differs is the route alone.

use std::time::Duration;

use crate::contender::{Contender, Place, Running, Special, start_origin_everywhere};
use crate::fault::Fault;
use crate::load;
use crate::process::Cores;
use crate::results::Measured;
use crate::scenario::{Kind, Load};
use crate::suite::Pace;
use crate::turns::{in_turns, under};

/// Routes to be compared; the first is the one that the others add to.
#[derive(Debug)]
pub(crate) struct Routes {
    /// Of the results.
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    pub(crate) routes: [Route; 3],
    /// The most that a route may add to the first one's CPU time per request, in microseconds.
    pub(crate) added_us_max: f64,
    template: &'static str,
    /// How long work goes on after the answers.
    settle: Duration,
}

/// A route, by the head of its requests.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) name: &'static str,
    fields: &'static [&'static str],
}

pub(crate) static POLICIES: Routes = Routes {
    name: "policies",
    title: "a route that demands policies, 128 bytes, 64 connections",
    routes: [
        Route {
            name: "nothing demanded",
            fields: &["Host: none.test", "Privacy-Policy: eu, hipaa"],
        },
        Route {
            name: "one policy, from a header",
            fields: &["Host: one.test", "Privacy-Policy: eu"],
        },
        Route {
            name: "two policies, from a header",
            fields: &["Host: two.test", "Privacy-Policy: eu, hipaa"],
        },
    ],
    added_us_max: 0.1,
    template: include_str!("contender/policies.toml"),
    settle: Duration::ZERO,
};

pub(crate) static LEDGER: Routes = Routes {
    name: "ledger",
    title: "a route whose requests are recorded, 128 bytes, 64 connections",
    routes: [
        Route {
            name: "off",
            fields: &["Host: off.test"],
        },
        Route {
            name: "on",
            fields: &["Host: on.test"],
        },
        Route {
            name: "required",
            fields: &["Host: required.test"],
        },
    ],
    added_us_max: 1.0,
    template: include_str!("contender/ledger.toml"),
    // The ledger is written, signed and synced at least each second.
    settle: Duration::from_millis(1500),
};

/// What is done for the sake of sick backends, while there are none.
pub(crate) static DEFAULTS: Routes = Routes {
    name: "defaults",
    title: "what watches over four backends that are well, 128 bytes, 64 connections",
    routes: [
        Route {
            name: "everything off",
            fields: &["Host: off.test"],
        },
        Route {
            name: "the defaults",
            fields: &["Host: defaults.test"],
        },
        Route {
            name: "peak-ewma, probe, hedge, retries",
            fields: &["Host: more.test"],
        },
    ],
    added_us_max: 1.0,
    template: include_str!("contender/defaults.toml"),
    settle: Duration::ZERO,
};

impl Routes {
    pub(crate) fn measure(&'static self, pace: Pace, place: &Place) -> Result<Measured, Fault> {
        println!("== {}: {}", self.name, self.title);
        let origin = start_origin_everywhere(place, Cores::Second)?;
        let special = Special {
            contender: Contender::Portreeve,
            name: self.name,
            template: self.template,
            threads: 1,
            cores: Cores::First,
        };
        let Running { mut process, address } = special.start(place, origin.address)?;
        let run = |route: &Route, length| load::run(&route.load(), address, length, Cores::Second);
        for route in &self.routes {
            run(route, WARM_UP)?;
        }
        let mut turns: Vec<&Route> = self.routes.iter().collect();
        let samples = in_turns(
            pace.rounds,
            &mut turns,
            |route| route.name,
            |route| under(&mut process, || run(route, pace.length), self.settle),
        )?;
        Ok(Measured {
            seconds: pace.length.as_secs(),
            load: samples,
            ..Measured::default()
        })
    }
}

impl Route {
    fn load(&self) -> Load {
        Load {
            connections: 64,
            path: "/small",
            kind: Kind::Get,
            fields: self.fields,
        }
    }
}

const WARM_UP: Duration = Duration::from_secs(1);
