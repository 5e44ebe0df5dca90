//! Which orders are still open, so that none is counted twice: AWS replaces instances by itself too.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

use crate::group::Group;

/// What the scaler ordered and was told of.
#[derive(Debug, Default)]
pub(crate) struct Orders {
    /// The ids of the last list.
    told: HashSet<Arc<str>>,
    /// Orders whose instances no list has told of.
    open: u32,
    withdrawn: VecDeque<Arc<str>>,
}

impl Orders {
    /// The scaler is told of these: each new one is what came of an order, if one is open.
    pub(crate) fn tell(&mut self, group: &Group) {
        let there: HashSet<_> = group
            .members
            .iter()
            .map(|member| Arc::clone(&member.id))
            .collect();
        let new = there.difference(&self.told).count();
        self.open = self.open.saturating_sub(u32::try_from(new).unwrap_or(u32::MAX));
        self.told = there;
    }

    /// Whether an order needs a larger group. It does not if AWS launches one that nobody ordered, in place of one that
    /// died.
    pub(crate) fn needs_more(&self, group: &Group) -> bool {
        self.coming(group) <= self.open
    }

    pub(crate) fn open(&mut self) {
        self.open = self.open.saturating_add(1);
    }

    /// Nobody waits for its instance any more; `false` if that was said before.
    pub(crate) fn withdraw(&mut self, order: &Arc<str>) -> bool {
        if self.withdrawn.contains(order) {
            return false;
        }
        self.open = self.open.saturating_sub(1);
        self.withdrawn.truncate(WITHDRAWN_MAX - 1);
        self.withdrawn.push_front(Arc::clone(order));
        true
    }

    /// Whether AWS is to launch one that nobody waits for any more.
    pub(crate) fn needs_fewer(&self, group: &Group) -> bool {
        group.missing() > 0 && self.coming(group) > self.open
    }

    pub(crate) fn is_withdrawn(&self, order: &Arc<str>) -> bool {
        self.withdrawn.contains(order)
    }

    /// How many are on their way, or there without the scaler knowing.
    fn coming(&self, group: &Group) -> u32 {
        let untold = group.living().filter(|member| !self.told.contains(&member.id));
        let untold = u32::try_from(untold.count()).unwrap_or(u32::MAX);
        group.missing().saturating_add(untold)
    }
}

/// Those before are forgotten.
const WITHDRAWN_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use portreeve_driver::FoundState;

    use super::*;
    use crate::group::Member;

    fn group(desired: u32, ids: &[&str]) -> Group {
        let members = ids.iter().map(|id| Member {
            id: Arc::from(*id),
            state: FoundState::Running,
        });
        Group {
            max: 10,
            desired,
            members: members.collect(),
            ..Group::default()
        }
    }

    #[test]
    fn orders_at_once_each_need_one_more() {
        let mut orders = Orders::default();
        for desired in 0..5 {
            assert!(orders.needs_more(&group(desired, &[])));
            orders.open();
        }
    }

    #[test]
    fn a_replacement_by_aws_fills_the_next_order() {
        let mut orders = Orders::default();
        orders.tell(&group(2, &["i-1", "i-2"]));
        let one_died = group(2, &["i-1"]);
        assert!(!orders.needs_more(&one_died), "AWS launches one anyway");
        orders.open();
        assert!(orders.needs_more(&one_died), "that one is taken");
        orders.tell(&group(2, &["i-1", "i-3"]));
        assert!(orders.needs_more(&group(2, &["i-1", "i-3"])));
    }

    #[test]
    fn a_replacement_that_is_there_already_fills_it_too() {
        let mut orders = Orders::default();
        orders.tell(&group(1, &["i-1"]));
        assert!(!orders.needs_more(&group(1, &["i-2"])));
    }

    #[test]
    fn what_a_list_has_told_fills_no_order() {
        let mut orders = Orders::default();
        orders.tell(&group(1, &["i-1"]));
        orders.tell(&group(1, &["i-2"]));
        assert!(orders.needs_more(&group(1, &["i-2"])));
    }

    #[test]
    fn a_withdrawn_order_makes_the_group_smaller_once() {
        let mut orders = Orders::default();
        let order = Arc::from("api-1");
        orders.tell(&group(1, &["i-1"]));
        orders.open();
        let waiting = group(2, &["i-1"]);
        assert!(orders.withdraw(&order) && orders.needs_fewer(&waiting));
        assert!(!orders.withdraw(&order));
        assert!(orders.is_withdrawn(&order));
    }

    #[test]
    fn a_withdrawn_order_leaves_those_of_others_alone() {
        let mut orders = Orders::default();
        orders.open();
        orders.open();
        assert!(orders.withdraw(&Arc::from("api-1")));
        assert!(!orders.needs_fewer(&group(1, &[])), "one is waited for");
        assert!(!orders.needs_fewer(&group(2, &["i-1", "i-2"])), "both are there");
    }

    #[test]
    fn few_withdrawn_orders_are_remembered() {
        let mut orders = Orders::default();
        for number in 0..1000 {
            orders.withdraw(&Arc::from(format!("api-{number}")));
        }
        assert_eq!(orders.withdrawn.len(), WITHDRAWN_MAX);
        assert!(orders.is_withdrawn(&Arc::from("api-999")));
    }
}
