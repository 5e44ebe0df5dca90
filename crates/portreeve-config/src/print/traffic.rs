//! What a route does with its requests beside sending them to a pool.

use portreeve_model::plan::{MirrorPlan, PriorityPlan, RatePlan, RoutePlan, SplitPlan};

use super::Text;
use super::said::{Said, inline, number, time};
use crate::balance;
use crate::percent;
use crate::place::{quoted, written};
use crate::route::{rate, share};

/// The lines of one route.
pub(super) fn lines(file: &mut Text, route: &RoutePlan) {
    if let Some(timeout) = route.deadline.timeout {
        file.value("timeout", time(timeout));
    }
    if let Some(header) = &route.deadline.header {
        file.text("deadline_header", header);
    }
    file.many("rate", &route.rates.iter().map(one_rate).collect::<Vec<_>>());
    match &route.priority {
        PriorityPlan::Middle => {}
        PriorityPlan::Fixed(height) => file.value("priority", height),
        PriorityPlan::Header(name) => file.text("priority", &format!("header:{name}")),
    }
    if let Some(plan) = &route.split {
        split(file, plan);
    }
    if let Some(plan) = &route.mirror {
        file.value("mirror", mirror(plan));
    }
}

fn one_rate(plan: &RatePlan) -> String {
    let mut said = Said::default();
    said.value("requests", number(plan.requests));
    said.unless("every", plan.every, rate::EVERY, time);
    let per = rate::show(&plan.per);
    if per != "route" {
        said.value("per", quoted(&per));
    }
    said.unless("burst", plan.burst, plan.requests, number);
    said.table()
}

fn split(file: &mut Text, plan: &SplitPlan) {
    let arm = |(pool, share): &(_, u16)| -> String {
        let pool: &portreeve_model::plan::Name = pool;
        format!("{} = {}", written(pool), shown(*share))
    };
    file.value("split", inline(&plan.arms.iter().map(arm).collect::<Vec<_>>()));
    if let Some(key) = &plan.key {
        file.text("split_by", &balance::show_key(key));
    }
}

fn mirror(plan: &MirrorPlan) -> String {
    match plan.share {
        share::WHOLE => quoted(&plan.pool),
        part => inline(&[
            format!("pool = {}", quoted(&plan.pool)),
            format!("share = {}", shown(part)),
        ]),
    }
}

fn shown(tenths: u16) -> String {
    quoted(&percent::show(tenths))
}
