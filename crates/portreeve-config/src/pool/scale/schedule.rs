//! `schedule`: no fewer than so many in certain hours.

use portreeve_model::plan::{FleetPlan, SchedulePlan};

use crate::findings::Findings;
use crate::item::Item;
use crate::list;
use crate::nearest::nearest;
use crate::place::Place;
use crate::quantity::{count, grouped};
use crate::section::Section;
use crate::word::{Complaint, port};

/// One entry, and where its `min` stands.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) plan: SchedulePlan,
    pub(super) place: Place,
}

/// Reads a table or a list of them; an empty list says that there is none.
pub(super) fn read(item: &Item<'_>) -> Vec<Entry> {
    item.each().iter().filter_map(entry).collect()
}

/// Notes entries that want more than there may be.
pub(super) fn within(entries: &[Entry], findings: &Findings, most: u32) {
    for entry in entries.iter().filter(|entry| entry.plan.min > most) {
        let allowed = format!("at most max of the fleet, which is {}", grouped(most.into()));
        findings.add_once(&entry.place, entry.plan.min.to_string(), Complaint::new(allowed));
    }
}

/// Writes days, as few words as possible.
pub(crate) fn show_days(days: &[bool; 7]) -> Vec<String> {
    let mut shown = Vec::new();
    let mut day = 0;
    while day < days.len() {
        let run = days[day..].iter().take_while(|is_on| **is_on).count();
        match run {
            0 => {}
            1 => shown.push(DAYS[day].to_owned()),
            _ => shown.push(format!("{}-{}", DAYS[day], DAYS[day + run - 1])),
        }
        day += run.max(1);
    }
    shown
}

/// Writes minutes after midnight.
pub(crate) fn show_time(minutes: u16) -> String {
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

/// Writes minutes east of UTC.
pub(crate) fn show_offset(minutes: i16) -> String {
    let sign = if minutes < 0 { '-' } else { '+' };
    format!("{sign}{}", show_time(minutes.unsigned_abs()))
}

fn entry(item: &Item<'_>) -> Option<Entry> {
    let mut section = item.section(Complaint::new(SCHEDULE));
    let days = section.get("days").map(|item| days(&item));
    let from = section.word("from", from);
    let to = section.word("to", to);
    let utc_offset = section.word("utc_offset", offset);
    let min = match item.is_table() {
        true => needed(&mut section),
        false => None,
    };
    let place = section.place_of("min");
    section.finish(&[]);
    let plan = SchedulePlan {
        days: days.unwrap_or(EVERY_DAY),
        from: from.unwrap_or(0),
        to: to.unwrap_or(DAY_MINUTES),
        utc_offset: utc_offset.unwrap_or(0),
        min: min?,
    };
    Some(Entry { plan, place })
}

fn needed(section: &mut Section<'_>) -> Option<u32> {
    let min = count(1..=FleetPlan::SIZE_MAX);
    min.read(&section.need("min", "how many there are to be at least in these hours")?)
}

fn days(item: &Item<'_>) -> [bool; 7] {
    let mut all = [false; 7];
    for element in list::filled(item) {
        for (day, is_on) in element.word(run).into_iter().flatten().enumerate() {
            all[day] |= is_on;
        }
    }
    all
}

/// `mon`, or `mon-fri`; `sat-mon` goes over the end of the week.
fn run(text: &str) -> Result<[bool; 7], Complaint> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (day(first)?, day(last)?);
    let mut days = [false; 7];
    let length = (last + 7 - first) % 7;
    (first..=first + length).for_each(|day| days[day % 7] = true);
    Ok(days)
}

fn day(text: &str) -> Result<usize, Complaint> {
    let complaint = || {
        let short: String = text.chars().take(3).collect();
        let meant = nearest(text, &DAYS).or_else(|| nearest(&short, &DAYS));
        match meant {
            Some(day) => Complaint::new(DAYS_ALLOWED).hint(format!("perhaps \"{day}\"")),
            None => Complaint::new(DAYS_ALLOWED),
        }
    };
    DAYS.iter().position(|day| *day == text).ok_or_else(complaint)
}

fn from(text: &str) -> Result<u16, Complaint> {
    let complaint = || Complaint::new("a time of day such as \"08:00\", from \"00:00\" to \"23:59\"");
    minutes(text).filter(|at| *at < DAY_MINUTES).ok_or_else(complaint)
}

/// Midnight is the end of a day.
fn to(text: &str) -> Result<u16, Complaint> {
    let complaint = || Complaint::new("a time of day such as \"18:00\", from \"00:01\" to \"24:00\"");
    match minutes(text) {
        Some(0) => Ok(DAY_MINUTES),
        other => other.ok_or_else(complaint),
    }
}

fn offset(text: &str) -> Result<i16, Complaint> {
    let complaint =
        Complaint::new("hours and minutes east of UTC such as \"+01:00\", from \"-14:00\" to \"+14:00\"");
    let (sign, rest) = match text.split_at_checked(1) {
        _ if text == "Z" => (1, "00:00"),
        Some(("+", rest)) => (1, rest),
        Some(("-", rest)) => (-1, rest),
        Some(_) if text.contains('/') => {
            return Err(complaint.hint("zones by name, with their summer times, are not known here"));
        }
        _ => return Err(complaint),
    };
    let minutes = minutes(rest).filter(|minutes| *minutes <= OFFSET_MAX);
    minutes
        .and_then(|minutes| i16::try_from(minutes).ok())
        .map(|minutes| sign * minutes)
        .ok_or(complaint)
}

/// `HH:MM`, up to `24:00`.
fn minutes(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let number = |part: &str| match part.len() == 2 {
        true if part == "00" => Some(0),
        true => port(part),
        false => None,
    };
    let (hours, minutes) = (number(hours)?, number(minutes).filter(|minutes| *minutes < 60)?);
    Some(hours * 60 + minutes).filter(|all| *all <= DAY_MINUTES)
}

/// Monday first.
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
/// On which it counts by default.
pub(crate) const EVERY_DAY: [bool; 7] = [true; 7];
/// Until when it counts by default.
pub(crate) const DAY_MINUTES: u16 = 1_440;
const OFFSET_MAX: u16 = 840;
const SCHEDULE: &str =
    "a table such as { days = \"mon-fri\", from = \"08:00\", to = \"18:00\", min = 4 }, or a list of them";
const DAYS_ALLOWED: &str = "a day or a range of days such as \"sat\" or \"mon-fri\", or a list of them";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_of_days_may_go_over_the_end_of_the_week() {
        assert_eq!(run("sat-mon"), Ok([true, false, false, false, false, true, true]));
        assert_eq!(run("sun-sat"), Ok([true; 7]));
        assert_eq!(run("tue"), Ok([false, true, false, false, false, false, false]));
        assert_eq!(
            day("monday").unwrap_err().hint.as_deref(),
            Some("perhaps \"mon\"")
        );
    }

    #[test]
    fn days_are_written_as_runs() {
        assert_eq!(
            show_days(&[true, true, true, false, true, false, true]),
            ["mon-wed", "fri", "sun"]
        );
        assert_eq!(show_days(&[false; 7]), [""; 0]);
    }

    #[test]
    fn a_time_of_day_has_two_digits_twice() {
        assert_eq!(
            [from("08:05"), from("00:00"), to("24:00"), to("00:00")],
            [Ok(485), Ok(0), Ok(1_440), Ok(1_440)]
        );
        for text in [
            "8:00", "24:01", "12:60", "1200", "-1:00", "+1:00", "", ":", "99:99",
        ] {
            assert!(from(text).is_err() && to(text).is_err(), "{text}");
        }
        assert!(from("24:00").is_err());
    }

    #[test]
    fn an_offset_has_a_sign() {
        assert_eq!(
            [offset("+01:00"), offset("-05:30"), offset("Z")],
            [Ok(60), Ok(-330), Ok(0)]
        );
        assert_eq!([60, -330, 0].map(show_offset), ["+01:00", "-05:30", "+00:00"]);
        assert!(offset("Europe/Berlin").unwrap_err().hint.is_some());
        for text in ["", "01:00", "+14:01", "+1", "é1:00"] {
            assert!(offset(text).is_err(), "{text}");
        }
    }
}
