//! Hours of days.

use crate::plan::SchedulePlan;

/// Whether a schedule counts at a moment, in milliseconds since 1970.
pub(super) fn is_on(plan: &SchedulePlan, unix_ms: u64) -> bool {
    let (day, minute) = local(plan, unix_ms);
    if plan.from < plan.to {
        return plan.days[day] && (plan.from..plan.to).contains(&minute);
    }
    let yesterday = (day + 6) % 7;
    (plan.days[day] && minute >= plan.from) || (plan.days[yesterday] && minute < plan.to)
}

/// The day, Monday 0, and minutes after midnight, as the schedule's clock shows them.
fn local(plan: &SchedulePlan, unix_ms: u64) -> (usize, u16) {
    let minutes = i64::try_from(unix_ms / 60_000).unwrap_or(i64::MAX / 2) + i64::from(plan.utc_offset);
    let days = minutes.div_euclid(MINUTES_OF_A_DAY) + THURSDAY;
    let day = usize::try_from(days.rem_euclid(7)).expect("a remainder of 7 is no less than 0");
    let minute = minutes.rem_euclid(MINUTES_OF_A_DAY);
    (day, u16::try_from(minute).expect("a day has 1,440 minutes"))
}

const MINUTES_OF_A_DAY: i64 = 1_440;
/// The first of January 1970.
const THURSDAY: i64 = 3;

#[cfg(test)]
mod tests {
    use super::*;

    const WEEKDAYS: [bool; 7] = [true, true, true, true, true, false, false];
    /// Monday 2024-01-01 00:00 UTC.
    const MONDAY: u64 = 1_704_067_200_000;

    fn schedule(days: [bool; 7], from: u16, to: u16, utc_offset: i16) -> SchedulePlan {
        SchedulePlan {
            days,
            from,
            to,
            utc_offset,
            min: 4,
        }
    }

    fn is_on_at(plan: &SchedulePlan, day: u64, hour: u64, minute: u64) -> bool {
        is_on(plan, MONDAY + ((day * 24 + hour) * 60 + minute) * 60_000)
    }

    #[test]
    fn hours_begin_with_their_first_minute_and_end_before_their_last() {
        let plan = schedule(WEEKDAYS, 8 * 60, 18 * 60, 0);
        assert!(!is_on_at(&plan, 0, 7, 59));
        assert!(is_on_at(&plan, 0, 8, 0));
        assert!(is_on_at(&plan, 4, 17, 59));
        assert!(!is_on_at(&plan, 4, 18, 0));
        assert!(!is_on_at(&plan, 5, 12, 0));
    }

    #[test]
    fn a_night_belongs_to_the_day_on_which_it_begins() {
        let plan = schedule(WEEKDAYS, 22 * 60, 6 * 60, 0);
        assert!(is_on_at(&plan, 4, 23, 0));
        assert!(is_on_at(&plan, 5, 5, 59));
        assert!(!is_on_at(&plan, 5, 6, 0));
        assert!(!is_on_at(&plan, 5, 23, 0));
        assert!(!is_on_at(&plan, 7, 5, 0), "Sunday's night does not count");
        assert!(is_on_at(&plan, 7, 22, 0));
    }

    #[test]
    fn a_clock_east_of_utc_is_ahead() {
        let plan = schedule(WEEKDAYS, 0, 60, 330);
        assert!(!is_on_at(&plan, 0, 18, 29));
        assert!(is_on_at(&plan, 0, 18, 30), "it is Tuesday there");
        let west = schedule(WEEKDAYS, 0, 60, -480);
        assert!(!is_on_at(&west, 0, 7, 59), "it is Sunday there");
        assert!(is_on_at(&west, 0, 8, 0));
    }

    #[test]
    fn a_whole_day_is_on_all_day_and_from_an_hour_to_the_same_is_a_day_too() {
        let monday = [true, false, false, false, false, false, false];
        let whole = schedule(monday, 0, 1_440, 0);
        assert!(is_on_at(&whole, 0, 0, 0) && is_on_at(&whole, 0, 23, 59));
        assert!(!is_on_at(&whole, 1, 0, 0) && !is_on_at(&whole, 6, 23, 59));
        let from_noon = schedule(monday, 720, 720, 0);
        assert!(!is_on_at(&from_noon, 0, 11, 59) && is_on_at(&from_noon, 0, 12, 0));
        assert!(is_on_at(&from_noon, 1, 11, 59) && !is_on_at(&from_noon, 1, 12, 0));
    }

    #[test]
    fn the_beginning_of_time_is_a_thursday_and_nothing_breaks_before_it_or_at_its_end() {
        let thursday = schedule([false, false, false, true, false, false, false], 0, 1_440, 0);
        assert!(is_on(&thursday, 0));
        let wednesday = schedule([false, false, true, false, false, false, false], 0, 1_440, -840);
        assert!(is_on(&wednesday, 0));
        is_on(&schedule([true; 7], 0, 1_440, 840), u64::MAX);
    }
}
