//! Ratios between contenders, and whether a target is met.

use crate::contender::Contender;
use crate::results::{LoadSample, Measured, Spread};

/// A figure of a sample that is compared.
pub(crate) type Figure = fn(&LoadSample) -> f64;

/// CPU time per request in microseconds.
pub(crate) const CPU: Figure = |sample| sample.cpu_us;
/// The 99th percentile in microseconds.
pub(crate) const P99: Figure = |sample| sample.p99_us as f64;

/// Portreeve beside another contender.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Comparison {
    pub(crate) ours: Spread,
    pub(crate) other: Contender,
    pub(crate) theirs: Spread,
    /// Ours by theirs, round by round.
    pub(crate) ratio: Spread,
}

/// Requests that were answered in a second.
pub(crate) const RATE: Figure = |sample| sample.requests_per_second;

/// The spread of a figure over the rounds.
pub(crate) fn spread(measured: &Measured, name: &str, figure: Figure) -> Option<Spread> {
    Spread::of(measured.load.get(name)?.iter().map(figure))
}

/// Portreeve against one contender.
pub(crate) fn against(measured: &Measured, other: Contender, figure: Figure) -> Option<Comparison> {
    let names = [Contender::Portreeve.name(), other.name()];
    Some(Comparison {
        ours: spread(measured, names[0], figure)?,
        other,
        theirs: spread(measured, names[1], figure)?,
        ratio: ratio(measured, names, figure)?,
    })
}

/// Portreeve against the peer whose median is lower.
pub(crate) fn against_best_peer(measured: &Measured, figure: Figure) -> Option<Comparison> {
    against(measured, best_peer(measured, figure)?, figure)
}

/// The peer whose median is lower.
pub(crate) fn best_peer(measured: &Measured, figure: Figure) -> Option<Contender> {
    let peers = Contender::ALL.into_iter().filter(|contender| contender.is_peer());
    let known = peers.filter_map(|peer| Some((peer, spread(measured, peer.name(), figure)?.median)));
    known
        .min_by(|(_, one), (_, other)| one.total_cmp(other))
        .map(|(peer, _)| peer)
}

/// One figure of two by name, the first by the second, round by round.
pub(crate) fn ratio(measured: &Measured, [one, other]: [&str; 2], figure: Figure) -> Option<Spread> {
    let (one, other) = (measured.load.get(one)?, measured.load.get(other)?);
    Spread::of(
        one.iter()
            .zip(other)
            .map(|(one, other)| figure(one) / figure(other)),
    )
}

/// `met`, or by how much it is not.
pub(crate) fn verdict(value: f64, target: f64) -> String {
    if value <= target {
        "met".to_owned()
    } else {
        format!("**missed** by {:.0} %", (value / target - 1.0) * 100.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(cpu: &[f64]) -> Vec<LoadSample> {
        let sample = |&cpu_us: &f64| LoadSample {
            cpu_us,
            ..LoadSample::default()
        };
        cpu.iter().map(sample).collect()
    }

    fn measured(contenders: &[(&str, &[f64])]) -> Measured {
        let load = contenders
            .iter()
            .map(|(name, cpu)| ((*name).to_owned(), samples(cpu)))
            .collect();
        Measured {
            load,
            ..Measured::default()
        }
    }

    #[test]
    fn ratios_are_taken_round_by_round() {
        let measured = measured(&[("portreeve", &[10.0, 20.0]), ("relay", &[10.0, 40.0])]);
        let ratio = against(&measured, Contender::Relay, CPU).unwrap().ratio;
        assert_eq!(
            ratio,
            Spread {
                median: 0.75,
                min: 0.5,
                max: 1.0
            }
        );
    }

    #[test]
    fn the_better_peer_is_never_the_relay() {
        let measured = measured(&[
            ("nginx", &[17.0]),
            ("haproxy", &[16.0]),
            ("relay", &[1.0]),
            ("portreeve", &[2.0]),
        ]);
        assert_eq!(best_peer(&measured, CPU), Some(Contender::Haproxy));
    }

    #[test]
    fn without_one_side_there_is_no_comparison() {
        assert_eq!(against_best_peer(&measured(&[("nginx", &[17.0])]), CPU), None);
        assert_eq!(against_best_peer(&measured(&[("portreeve", &[17.0])]), CPU), None);
    }

    #[test]
    fn a_missed_target_says_by_how_much() {
        assert_eq!(verdict(0.75, 0.75), "met");
        assert_eq!(verdict(0.825, 0.75), "**missed** by 10 %");
    }
}
