use super::*;

fn at(ms: u64) -> Tick {
    Tick::of_micros(ms * 1_000)
}

/// Looks each 50 ms from the first second on, for so many seconds; when it first was high.
fn first_high(seconds: u64, seen: impl Fn(u64) -> Crowd) -> Option<u64> {
    let mut pressure = Pressure::default();
    let mut looks = (20..seconds * 20).map(|look| look * 50);
    looks.find(|ms| pressure.is_high(TIMEOUT, at(*ms), || seen(*ms)))
}

/// All of them held.
fn waiting(waiting: u64) -> Crowd {
    Crowd {
        waiting,
        held: waiting,
        ..Crowd::default()
    }
}

const TIMEOUT: Duration = Duration::from_secs(30);

/// So many come and are served each second, from the first second on.
fn open(came: u64, served: u64) -> impl Fn(u64) -> Crowd {
    move |ms| Crowd {
        served: served * ms / 1_000,
        ..waiting(64 + (came - served) * (ms - 1_000) / 1_000)
    }
}

#[test]
fn as_many_as_there_were_are_no_pressure() {
    assert_eq!(first_high(60, |_| waiting(284)), None);
    assert_eq!(first_high(60, |ms| waiting(280 + ms / 50 % 5)), None);
    assert_eq!(first_high(60, |ms| waiting(270 + ms / 250 % 2 * 20)), None);
}

#[test]
fn twice_the_load_is_pressure_once_the_wait_is_a_second() {
    for capacity in [80, 320, 5_000] {
        let found = first_high(60, open(2 * capacity, capacity)).unwrap() - 1_000;
        assert!((500..1_500).contains(&found), "{found} at {capacity}");
    }
}

#[test]
fn a_fifth_too_much_is_pressure_within_three_seconds() {
    let found = first_high(60, open(96, 80)).unwrap() - 1_000;
    assert!((1_000..3_000).contains(&found), "{found}");
}

#[test]
fn pressure_lasts_while_requests_are_refused_and_ends_with_that() {
    let mut pressure = Pressure::default();
    let seen = |held, unserved| Crowd {
        unserved,
        ..waiting(held)
    };
    let mut is_high = false;
    for ms in (1_000..20_000).step_by(50) {
        let (waiting, unserved) = if ms < 5_000 { (ms / 10, 0) } else { (5, ms / 5) };
        is_high = pressure.is_high(TIMEOUT, at(ms), || seen(waiting, unserved));
        assert!(ms < 3_500 || is_high, "not at {ms}");
    }
    assert!(is_high);
    for ms in (20_000..23_000).step_by(50) {
        is_high = pressure.is_high(TIMEOUT, at(ms), || seen(5, 4_000));
    }
    assert!(!is_high);
}

#[test]
fn clients_that_leave_are_pressure_like_refused_ones() {
    let leaving = |ms| Crowd {
        unserved: ms * 80 / 1_000,
        served: ms * 80 / 1_000,
        ..waiting(80)
    };
    assert!(first_high(60, leaving).is_some_and(|ms| ms < 2_000));
}

#[test]
fn a_burst_after_a_long_silence_is_no_pressure() {
    let mut pressure = Pressure::default();
    assert!(!pressure.is_high(TIMEOUT, at(1_000), || waiting(0)));
    for ms in (60_000..70_000).step_by(50) {
        assert!(!pressure.is_high(TIMEOUT, at(ms), || waiting(500)), "{ms}");
    }
}

#[test]
fn a_burst_that_is_served_is_no_pressure() {
    let mut pressure = Pressure::default();
    let burst = |ms: u64| {
        if ms < 2_000 {
            20
        } else {
            2_020_u64.saturating_sub(ms)
        }
    };
    for ms in (1_000..3_000).step_by(50) {
        assert!(!pressure.is_high(TIMEOUT, at(ms), || waiting(burst(ms))), "{ms}");
    }
}

#[test]
fn more_and_more_are_no_pressure_while_the_wait_is_short() {
    // A circle of 256 that fills up in four seconds, where 800 are served in each.
    let filling = |ms: u64| Crowd {
        served: ms * 800 / 1_000,
        ..waiting((ms.saturating_sub(1_000) * 64 / 1_000).min(256))
    };
    assert_eq!(first_high(60, filling), None);
}

#[test]
fn a_timeout_that_is_short_makes_less_a_long_wait() {
    let high_after = |timeout| {
        let (mut pressure, seen) = (Pressure::default(), open(480, 320));
        let mut looks = (20..200).map(|look| look * 50);
        looks.find(|ms| pressure.is_high(timeout, at(*ms), || seen(*ms)))
    };
    let (short, long) = (high_after(Duration::from_secs(1)), high_after(TIMEOUT));
    assert!(short.unwrap() + 500 <= long.unwrap(), "{short:?} {long:?}");
}

/// Whoever is refused asks again at once, and is as many held, until nobody is refused; for how many looks some were.
fn looks_until_spared(circle: u64) -> Option<usize> {
    let mut pressure = Pressure::default();
    let (mut unserved, mut refusing) = (0, 0);
    for ms in (1_000..30_000).step_by(50) {
        let seen = Crowd {
            unserved,
            served: ms * 80 / 1_000,
            ..waiting((ms - 1_000) * 75 / 1_000).min_of(circle)
        };
        let is_high = pressure.is_high(TIMEOUT, at(ms), || seen);
        if is_high {
            unserved += seen.held;
            refusing += 1;
        } else if refusing > 0 && ms > 20_000 {
            return Some(refusing);
        }
    }
    None
}

impl Crowd {
    fn min_of(self, most: u64) -> Self {
        waiting(self.waiting.min(most))
    }
}

#[test]
fn who_asks_again_at_once_is_not_refused_for_long() {
    let looks = looks_until_spared(300).expect("it ends");
    assert!(looks <= 20, "{looks} looks of 50 ms");
}

#[test]
fn others_who_come_in_place_of_the_refused_are_no_circle() {
    let mut pressure = Pressure::default();
    let (mut unserved, mut high) = (0, 0);
    // 160 come in a second and 80 are served; who is refused does not come again.
    for step in 0..400_u64 {
        let ms = 1_000 + step * 50;
        let come = 64 + step * 8;
        let served = step * 4;
        let held = come - served - unserved;
        let seen = Crowd {
            unserved,
            served,
            ..waiting(held)
        };
        if pressure.is_high(TIMEOUT, at(ms), || seen) {
            unserved += held.saturating_sub(4);
            high += 1;
        }
    }
    assert!(high >= 350, "{high} of 400 looks");
}
