//! Counts of what was carried, kept by the workers and read by whoever asks.
//!
//! Each worker has a shard of its own, on cache lines of its own, and is the only one that writes it: so a relaxed load
//! and a relaxed store count as surely as a locked instruction, and cost no more than a plain variable. A reader adds
//! the shards up. Two workers with one shard number would lose counts, but break nothing.

mod by_cause;
mod by_edge_event;
mod by_version;
mod by_why;
mod counter;
mod durations;
mod listener;
mod route;
mod shards;

use std::time::Duration;

pub use durations::{DURATION_BOUNDS, Durations};
pub use listener::{ListenerStats, ListenerTotals};
pub use route::{RouteStats, RouteTotals};

use crate::cause::Cause;
use crate::why::Why;

/// What became of one request, told at its end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RequestOutcome {
    /// Of the final response's head; 0: none was sent.
    pub status: u16,
    /// Why the proxy answered or ended the request itself; `None`: it carried it to the end.
    pub cause: Option<Cause>,
    /// From the head's last byte in until the end.
    pub total: Duration,
    /// From the head's last byte in until the response's first byte out.
    pub first_byte: Option<Duration>,
    /// Body bytes from the client, without heads and chunk framing; in a tunnel, all bytes.
    pub bytes_in: u64,
    /// To the client, heads included, without interim responses.
    pub bytes_out: u64,
    /// Backends tried; 0 if none.
    pub attempts: u8,
    /// Why the last of them was chosen.
    pub why: Option<Why>,
}

impl RequestOutcome {
    /// Its place in `by_class`; a status beyond 599 counts as none.
    fn class(&self) -> usize {
        let class = usize::from(self.status / 100);
        if class < CLASSES { class } else { 0 }
    }
}

/// None sent, 1xx, 2xx, 3xx, 4xx, 5xx.
const CLASSES: usize = 6;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn outcome(status: u16) -> RequestOutcome {
        RequestOutcome {
            status,
            ..RequestOutcome::default()
        }
    }

    fn count_of(counts: &[(Cause, u64)], cause: Cause) -> u64 {
        counts[cause.index()].1
    }

    #[test]
    fn shards_add_up() {
        let stats = RouteStats::new(3);
        (0..3).for_each(|shard| stats.record(shard, &outcome(200)));
        stats.record(1, &outcome(404));
        let totals = stats.totals();
        assert_eq!(totals.by_class, [0, 0, 3, 0, 1, 0]);
        assert_eq!(totals.requests(), 4);
    }

    #[test]
    fn an_outcome_is_counted_in_all_its_parts() {
        let stats = RouteStats::new(1);
        stats.record(
            0,
            &RequestOutcome {
                status: 504,
                cause: Some(Cause::FirstByteTimeout),
                total: Duration::from_millis(70),
                first_byte: Some(Duration::from_micros(700)),
                bytes_in: 10,
                bytes_out: 20,
                attempts: 3,
                why: Some(Why::Spill),
            },
        );
        let totals = stats.totals();
        assert_eq!(count_of(&totals.by_cause, Cause::FirstByteTimeout), 1);
        assert_eq!(totals.by_cause.iter().map(|(_, count)| count).sum::<u64>(), 1);
        assert_eq!((totals.bytes_in, totals.bytes_out, totals.retries), (10, 20, 2));
        assert_eq!(totals.durations.sum, Duration::from_millis(70));
        assert_eq!((totals.durations.total(), totals.first_bytes.total()), (1, 1));
        assert_eq!(totals.first_bytes.counts[1], 1);
        let chosen = totals.by_why.into_iter().filter(|(_, count)| *count > 0);
        assert_eq!(chosen.collect::<Vec<_>>(), [(Why::Spill, 1)]);
    }

    #[test]
    fn an_answer_without_a_backend_is_no_retry_and_has_no_first_byte() {
        let stats = RouteStats::new(1);
        stats.record(0, &outcome(503));
        assert_eq!(stats.totals().retries, 0);
        assert_eq!(stats.totals().first_bytes.total(), 0);
    }

    #[test]
    fn no_status_and_a_senseless_one_count_as_none_sent() {
        let stats = RouteStats::new(1);
        [0, 99, 600, u16::MAX]
            .iter()
            .for_each(|status| stats.record(0, &outcome(*status)));
        assert_eq!(stats.totals().by_class, [4, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn a_shard_too_many_breaks_nothing() {
        let stats = RouteStats::new(0);
        stats.record(9, &outcome(200));
        assert_eq!(stats.totals().requests(), 1);
    }

    #[test]
    fn a_listener_knows_who_is_open_refused_and_unrouted() {
        let stats = ListenerStats::new(2);
        [0, 0, 1].iter().for_each(|shard| stats.opened(*shard));
        stats.closed(0);
        stats.refused(1, Cause::ListenerFull);
        let lost = RequestOutcome {
            cause: Some(Cause::NoRoute),
            bytes_in: 7,
            bytes_out: 9,
            ..outcome(404)
        };
        stats.record_unrouted(1, &lost);
        let totals = stats.totals();
        assert_eq!((totals.accepted, totals.open), (3, 2));
        assert_eq!(count_of(&totals.refused, Cause::ListenerFull), 1);
        assert_eq!(count_of(&totals.unrouted, Cause::NoRoute), 1);
        assert_eq!(totals.unrouted_by_class[4], 1);
        assert_eq!((totals.unrouted_bytes_in, totals.unrouted_bytes_out), (7, 9));
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the claim is about several threads")]
    fn workers_lose_no_count_while_others_count_and_read() {
        let stats = RouteStats::new(4);
        std::thread::scope(|threads| {
            for shard in 0..4 {
                let stats = &stats;
                threads.spawn(move || (0..20_000).for_each(|_| stats.record(shard, &outcome(200))));
            }
            let mut before = 0;
            for _ in 0..100 {
                let now = stats.totals().requests();
                assert!(now >= before);
                before = now;
            }
        });
        assert_eq!(stats.totals().requests(), 80_000);
    }

    #[test]
    fn bounds_rise_from_half_a_millisecond_to_a_minute() {
        assert!(DURATION_BOUNDS.is_sorted());
        assert_eq!(DURATION_BOUNDS[0], Duration::from_micros(500));
        assert_eq!(
            DURATION_BOUNDS[DURATION_BOUNDS.len() - 1],
            Duration::from_secs(60)
        );
    }

    #[test]
    fn a_bound_belongs_to_its_bucket() {
        let stats = RouteStats::new(1);
        DURATION_BOUNDS.iter().for_each(|total| {
            stats.record(
                0,
                &RequestOutcome {
                    total: *total,
                    ..outcome(200)
                },
            );
        });
        let counts = stats.totals().durations.counts;
        assert!(
            counts[..DURATION_BOUNDS.len()].iter().all(|count| *count == 1),
            "{counts:?}"
        );
        assert_eq!(counts[DURATION_BOUNDS.len()], 0);
    }

    proptest! {
        #[test]
        fn a_duration_falls_between_its_bounds(nanos in 0_u64..120_000_000_000) {
            let stats = RouteStats::new(1);
            let total = Duration::from_nanos(nanos);
            stats.record(0, &RequestOutcome { total, ..outcome(200) });
            let bucket = stats.totals().durations.counts.iter().position(|count| *count == 1).unwrap();
            prop_assert!(bucket == 0 || DURATION_BOUNDS[bucket - 1] < total);
            prop_assert!(bucket == DURATION_BOUNDS.len() || total <= DURATION_BOUNDS[bucket]);
        }
    }
}
