use proptest::prelude::*;

use super::*;

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Every 2 s, 1 s while it fails; three fails take it down, two passes bring it back.
fn rhythm() -> Rhythm {
    Rhythm {
        every: Some(ms(2_000)),
        every_unhealthy: ms(1_000),
        rise: 2,
        fall: 3,
        seed: 7,
    }
}

/// One that passes at 0.
fn proved() -> Health {
    let mut health = Health::unproved(ms(0));
    assert_eq!(health.tell(true, 0), Some(Turn::Up));
    health
}

impl Health {
    /// A probe that sets out and comes back at once.
    fn tell(&mut self, is_good: bool, now: u64) -> Option<Turn> {
        self.set_out(ms(now));
        self.answer(outcome(is_good), &rhythm(), ms(now))
    }

    /// Failing from `now` on whenever it is asked: when it is asked.
    fn asked_while_failing(&mut self, times: usize) -> Vec<u128> {
        let mut asked = Vec::new();
        while asked.len() < times {
            let now = self.due().unwrap();
            asked.push(now.as_millis());
            self.set_out(now);
            self.answer(outcome(false), &rhythm(), now);
        }
        asked
    }
}

fn outcome(is_good: bool) -> Result<(), String> {
    if is_good {
        Ok(())
    } else {
        Err("refused".to_owned())
    }
}

#[test]
fn one_pass_proves_a_new_one_whatever_the_rise() {
    let health = proved();
    assert_eq!((health.verdict, health.reason()), (Verdict::Proved, None));
}

#[test]
fn only_fails_in_a_row_take_one_down_and_one_pass_forgives_them() {
    let mut health = proved();
    for now in [1, 2, 4, 5] {
        assert_eq!(health.tell(false, now), None);
        assert_eq!(health.reason(), Some("refused"));
        if now % 2 == 0 {
            assert_eq!(health.tell(true, now), None);
            assert_eq!(health.reason(), None);
        }
    }
    health.tell(false, 6);
    assert_eq!(health.verdict, Verdict::Proved);
    assert_eq!(health.tell(false, 7), Some(Turn::Down));
    assert_eq!(health.standing(), Standing::Down);
}

#[test]
fn only_passes_in_a_row_bring_one_back_and_until_then_the_reason_stays() {
    let mut health = proved();
    for now in 1..=3 {
        health.tell(false, now);
    }
    assert_eq!(health.tell(true, 4), None);
    assert_eq!(health.tell(false, 5), None);
    assert_eq!(health.tell(true, 6), None);
    assert_eq!(health.reason(), Some("refused"));
    assert_eq!(health.tell(true, 7), Some(Turn::Up));
    assert_eq!(health.reason(), None);
}

#[test]
fn one_that_could_not_be_reached_is_asked_again_soon_and_then_each_second() {
    let mut health = proved();
    health.suspect(ms(10_000));
    let asked = health.asked_while_failing(7);
    assert_eq!(asked[..4], [10_100, 10_300, 10_700, 11_500]);
    for pair in asked[3..].windows(2) {
        assert!((900..=1_100).contains(&(pair[1] - pair[0])), "{asked:?}");
    }
}

#[test]
fn a_new_one_that_does_not_answer_yet_is_asked_in_the_same_way() {
    let asked = Health::unproved(ms(0)).asked_while_failing(5);
    assert_eq!(asked, [0, 100, 300, 700, 1_500]);
}

#[test]
fn a_healthy_one_that_fails_once_is_asked_faster_but_not_so_fast_that_a_hiccup_takes_it_down() {
    let mut health = proved();
    health.tell(false, 10_000);
    let wait = health.due().unwrap() - ms(10_000);
    assert!((900..=1_100).contains(&wait.as_millis()), "{wait:?}");
}

#[test]
fn intervals_are_counted_from_the_beginning_of_a_probe_and_not_exactly_alike() {
    let mut health = proved();
    let mut waits = Vec::new();
    for number in 1..50 {
        let begun = ms(number * 10_000);
        health.set_out(begun);
        health.answer(Ok(()), &rhythm(), begun + ms(300));
        waits.push((health.due().unwrap() - begun).as_millis());
    }
    assert!(
        waits.iter().all(|wait| (1_800..=2_200).contains(wait)),
        "{waits:?}"
    );
    waits.sort_unstable();
    waits.dedup();
    assert!(waits.len() > 30, "{waits:?}");
}

#[test]
fn a_probe_that_took_longer_than_the_interval_is_followed_by_the_next_at_once() {
    let mut health = proved();
    health.set_out(ms(5_000));
    health.answer(Ok(()), &rhythm(), ms(9_000));
    assert_eq!(health.due(), Some(ms(9_000)));
}

#[test]
fn many_that_begin_together_do_not_stay_in_step() {
    let due = |seed| {
        let mut health = Health::unproved(ms(0));
        health.set_out(ms(0));
        health.answer(Ok(()), &Rhythm { seed, ..rhythm() }, ms(0));
        health.due().unwrap().as_millis()
    };
    let mut in_quarter = [0; 4];
    for seed in 0..400 {
        let place = usize::try_from(due(seed) * 4 / 2_001).unwrap();
        in_quarter[place] += 1;
    }
    assert!(in_quarter.iter().all(|count| *count > 40), "{in_quarter:?}");
}

#[test]
fn a_pass_that_was_begun_before_a_request_failed_says_nothing() {
    let mut health = proved();
    health.set_out(ms(1_000));
    health.suspect(ms(1_010));
    assert_eq!(health.answer(Ok(()), &rhythm(), ms(1_020)), None);
    assert_eq!(health.verdict, Verdict::Down);
    assert_eq!(health.due(), Some(ms(1_110)));
}

#[test]
fn nobody_that_is_only_asked_for_a_reason_is_asked_while_it_passes() {
    let quiet = Rhythm {
        every: None,
        fall: 1,
        rise: 1,
        ..rhythm()
    };
    let mut health = Health::trusted();
    assert_eq!(health.due(), None);
    health.suspect(ms(0));
    health.set_out(ms(100));
    assert_eq!(health.answer(Ok(()), &quiet, ms(101)), Some(Turn::Up));
    assert_eq!(health.due(), None);
}

#[test]
fn by_another_check_it_is_asked_at_once_and_serves_meanwhile() {
    let mut health = proved();
    health.set_out(ms(1_000));
    health.follow(&rhythm(), true, ms(1_500));
    assert_eq!(health.answer(outcome(false), &rhythm(), ms(1_600)), None);
    assert_eq!((health.reason(), health.due()), (None, Some(ms(1_600))));
    health.tell(true, 1_600);
    health.follow(&rhythm(), true, ms(1_700));
    assert_eq!((health.due(), health.is_proved()), (Some(ms(1_700)), true));
}

#[test]
fn when_nobody_asks_any_more_who_never_passed_serves_and_who_was_down_has_to_pass() {
    let mut health = Health::unproved(ms(0));
    assert_eq!(health.trust(), Some(Turn::Up));
    assert_eq!((health.is_proved(), health.due()), (true, None));
    health.suspect(ms(5));
    assert_eq!(health.trust(), None);
    assert_eq!(health.verdict, Verdict::Down);
}

#[test]
fn what_is_known_of_an_address_is_handed_on() {
    let mut health = proved();
    health.suspect(ms(9));
    health.set_out(ms(109));
    let heir = health.handed_on(&rhythm(), ms(150));
    assert_eq!((heir.verdict, heir.reason()), (Verdict::Down, health.reason()));
    assert_eq!(heir.due(), Some(ms(150)), "the other's probe is not its own");
    assert_eq!(proved().handed_on(&rhythm(), ms(0)).verdict, Verdict::Proved);
}

/// What can happen to a backend.
#[derive(Debug, Clone, Copy)]
enum Step {
    Answer { is_good: bool, took: u64 },
    Suspect { is_out: bool },
    Wait(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (any::<bool>(), 0..3_000_u64).prop_map(|(is_good, took)| Step::Answer { is_good, took }),
        1 => any::<bool>().prop_map(|is_out| Step::Suspect { is_out }),
        2 => (0..5_000_u64).prop_map(Step::Wait),
    ];
    prop::collection::vec(step, 1..200)
}

/// The rules in one sentence each, over all that was ever found.
#[derive(Default)]
struct Told {
    found: Vec<Found>,
}

#[derive(Clone, Copy, PartialEq)]
enum Found {
    Pass,
    Fail,
    Unreachable,
}

impl Told {
    /// It serves if it ever passed, and since the last reason to be down it passed as often in a row as it has to.
    fn serves(&self, rise: usize, fall: usize) -> bool {
        let mut serves = false;
        let mut was_down = false;
        for end in 1..=self.found.len() {
            let so_far = &self.found[..end];
            let in_a_row = |what| so_far.iter().rev().take_while(|found| **found == what).count();
            let needed = if was_down { rise } else { 1 };
            if serves && (in_a_row(Found::Fail) >= fall || so_far.ends_with(&[Found::Unreachable])) {
                (serves, was_down) = (false, true);
            } else if !serves && in_a_row(Found::Pass) >= needed {
                serves = true;
            }
        }
        serves
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn in_every_history_who_serves_and_when_it_is_asked_follow_the_rules(
        steps in steps(),
        rise in 1..4_u8,
        fall in 1..4_u8,
    ) {
        let rhythm = Rhythm { rise, fall, ..rhythm() };
        let (mut health, mut told, mut now) = (Health::unproved(ms(0)), Told::default(), ms(0));
        for step in steps {
            match step {
                Step::Wait(wait) => now += ms(wait),
                Step::Answer { is_good, took } => {
                    now = now.max(health.due().unwrap());
                    health.set_out(now);
                    now += ms(took);
                    health.answer(outcome(is_good), &rhythm, now);
                    told.found.push(if is_good { Found::Pass } else { Found::Fail });
                }
                Step::Suspect { .. } if !health.is_proved() => {}
                Step::Suspect { is_out } => {
                    if is_out {
                        health.set_out(now);
                    }
                    health.suspect(now);
                    told.found.push(Found::Unreachable);
                    if is_out {
                        prop_assert_eq!(health.answer(Ok(()), &rhythm, now), None);
                    }
                }
            }
            let serves = told.serves(rise.into(), fall.into());
            prop_assert_eq!(health.is_proved(), serves);
            let due = health.due().unwrap();
            prop_assert!(due <= now + ms(2_200), "asked again within the interval");
            if !serves {
                prop_assert!(due <= now + ms(1_100), "sooner while it does not serve");
            }
        }
    }
}
