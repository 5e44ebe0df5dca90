//! `rate` of `[route.NAME]`: how many requests are let through.

use std::time::Duration;

use portreeve_model::plan::{RateKey, RatePlan};

use crate::item::Item;
use crate::list;
use crate::matching::is_token;
use crate::quantity::{count, time};
use crate::section::Section;
use crate::word::Complaint;

/// Reads one table or a list of them; each lets through less than the others for some while.
pub(super) fn read(section: &mut Section<'_>) -> Vec<RatePlan> {
    let Some(item) = section.get("rate") else {
        return Vec::new();
    };
    let elements = list::filled(&item);
    if elements.len() > RATES_MAX {
        let found = format!("{} rates", elements.len());
        item.findings
            .add(&item.place, found, Complaint::new(format!("at most {RATES_MAX}")));
    }
    let mut rates: Vec<(&str, RatePlan)> = Vec::new();
    for element in &elements {
        let Some(own) = rate(element) else { continue };
        let rival = rates
            .iter()
            .find(|(_, known)| makes_useless(known, &own) || makes_useless(&own, known));
        match rival {
            Some((first, known)) => element.findings.add(
                &element.place,
                "a second rate for the same",
                useless(first, known, &own),
            ),
            None => rates.push((&element.place.key, own)),
        }
    }
    rates.into_iter().map(|(_, rate)| rate).collect()
}

/// The words for what is counted apart.
pub(crate) fn show(key: &RateKey) -> String {
    match key {
        RateKey::Route => "route".to_owned(),
        RateKey::Client => "client".to_owned(),
        RateKey::Header(name) => format!("header:{name}"),
    }
}

/// The default of `every`.
pub(crate) const EVERY: Duration = Duration::from_secs(1);

fn rate(item: &Item<'_>) -> Option<RatePlan> {
    if !item.is_table() {
        item.refuse(Complaint::new(RATE));
        return None;
    }
    let mut section = item.section(Complaint::new(RATE));
    let most = count(1..=1_000_000);
    let requests = section
        .need("requests", "a whole number from 1 to 1,000,000")
        .and_then(|item| most.read(&item));
    let mut every = EVERY;
    section.quantity("every", &time(MS..=HOUR), &mut every);
    let per = section.word("per", per);
    let mut burst = requests.unwrap_or(1);
    section.quantity("burst", &most, &mut burst);
    section.finish(&[]);
    Some(RatePlan {
        per: per.unwrap_or(RateKey::Route),
        requests: requests?,
        every,
        burst,
    })
}

fn per(text: &str) -> Result<RateKey, Complaint> {
    match text.split_once(':') {
        Some(("header", name)) if is_token(name) => Ok(RateKey::Header(name.to_ascii_lowercase())),
        None if text == "route" => Ok(RateKey::Route),
        None if text == "client" => Ok(RateKey::Client),
        None if ADDRESS.contains(&text) => Err(Complaint::new(PER).hint("perhaps \"client\"")),
        _ => Err(Complaint::new(PER)),
    }
}

/// Whether all that the first lets through, the second does too.
fn makes_useless(first: &RatePlan, second: &RatePlan) -> bool {
    let speed = |one: &RatePlan, other: &RatePlan| u128::from(one.requests) * other.every.as_nanos();
    first.per == second.per && first.burst <= second.burst && speed(first, second) <= speed(second, first)
}

fn useless(first: &str, known: &RatePlan, own: &RatePlan) -> Complaint {
    let hint = match makes_useless(known, own) {
        true => format!("{first} lets through less at any time, so this one never counts"),
        false => format!("this one lets through less at any time, so {first} never counts"),
    };
    Complaint::new("rates of which each is the stricter one for some while").hint(hint)
}

const RATE: &str = "a table such as { requests = 100, every = \"1s\", per = \"client\" }, or a list of them";
const PER: &str = "\"route\", \"client\" or \"header:NAME\"";
const ADDRESS: &[&str] = &["address", "ip", "remote_addr", "source"];
const RATES_MAX: usize = 8;
const MS: Duration = Duration::from_millis(1);
const HOUR: Duration = Duration::from_secs(3_600);
