//! All members, found by whatever is known of them.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use super::due::DueTimes;
use super::groups::Groups;
use super::member::Member;
use super::pools::{MemberPool, Probing};
use crate::backend::BackendId;
use crate::health::Health;
use crate::plan::{MembersPlan, Name, PoolPlan};
use crate::policy::{Policies, Policy};
use crate::registration::{MemberKey, TokenId};

/// Where a member is kept while it stays as it is; given to another later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Slot(usize);

/// All members, and those remembered, with indices that follow from what each of them says. So that they do, whoever
/// changes what an index looks at takes the member out and puts it back.
#[derive(Debug, Default)]
pub(super) struct Members {
    slots: Vec<Option<Member>>,
    free: Vec<Slot>,
    keys: BTreeMap<MemberKey, Slot>,
    tokens: Groups<TokenId>,
    sources: Groups<Option<IpAddr>>,
    leases: DueTimes<Slot>,
    /// From here on of the live ones only.
    backends: BTreeMap<BackendId, Slot>,
    addresses: Groups<SocketAddr>,
    probes: DueTimes<Slot>,
    pools: BTreeMap<Name, MemberPool>,
    /// In place of one that is not there.
    no_pool: MemberPool,
    last_place: u64,
    last_generation: u64,
}

impl Members {
    /// Takes a member in. Its pool is open, its key and its place are free.
    pub(super) fn insert(&mut self, member: Member) -> Slot {
        let slot = self.free.pop().unwrap_or(Slot(self.slots.len()));
        self.index(&member, slot);
        self.last_place = self.last_place.max(member.place);
        match self.slots.get_mut(slot.0) {
            Some(place) => *place = Some(member),
            None => self.slots.push(Some(member)),
        }
        slot
    }

    /// Takes a member out, of all indices too.
    pub(super) fn take(&mut self, slot: Slot) -> Member {
        let member = self.slots[slot.0].take().expect(HELD);
        self.unindex(&member, slot);
        self.free.push(slot);
        member
    }

    pub(super) fn get(&self, slot: Slot) -> &Member {
        self.slots[slot.0].as_ref().expect(HELD)
    }

    /// For changing what no index looks at.
    pub(super) fn get_mut(&mut self, slot: Slot) -> &mut Member {
        self.slots[slot.0].as_mut().expect(HELD)
    }

    pub(super) fn set_lease(&mut self, slot: Slot, until: Option<Duration>) {
        let member = self.slots[slot.0].as_mut().expect(HELD);
        self.leases.drop(member.lease_until, slot);
        self.leases.add(until, slot);
        member.lease_until = until;
    }

    /// Changes what is known of its health, and so when it is probed.
    pub(super) fn tend<R>(&mut self, slot: Slot, act: impl FnOnce(&mut Health) -> R) -> R {
        let member = self.slots[slot.0].as_mut().expect(HELD);
        let before = member.health.due();
        let done = act(&mut member.health);
        self.probes.drop(before, slot);
        self.probes.add(member.health.due(), slot);
        done
    }

    /// The live or remembered member of that key.
    pub(super) fn known(&self, key: &MemberKey) -> Option<Slot> {
        self.keys.get(key).copied()
    }

    /// The live member of that key.
    pub(super) fn live(&self, key: &MemberKey) -> Option<Slot> {
        self.known(key).filter(|slot| !self.get(*slot).is_expired)
    }

    pub(super) fn of_backend(&self, backend: BackendId) -> Option<Slot> {
        self.backends.get(&backend).copied()
    }

    pub(super) fn of_token(&self, token: &TokenId) -> Vec<Slot> {
        self.tokens.of(token).collect()
    }

    /// Who is live at that address.
    pub(super) fn at(&self, address: &SocketAddr) -> impl Iterator<Item = Slot> {
        self.addresses.of(address)
    }

    /// The live ones of a pool, in order.
    pub(super) fn of_pool(&self, pool: &str) -> impl Iterator<Item = &Member> {
        let order = self.pools.get(pool).into_iter();
        order.flat_map(|pool| pool.order.values().map(|slot| self.get(*slot)))
    }

    /// The live ones.
    pub(super) fn all(&self) -> impl Iterator<Item = &Member> {
        let pools = self.pools.values();
        pools.flat_map(|pool| pool.order.values().map(|slot| self.get(*slot)))
    }

    /// The live and remembered ones that are so.
    pub(super) fn slots_where(&self, is_so: impl Fn(&Member) -> bool) -> Vec<Slot> {
        let slots = self.keys.values();
        slots.copied().filter(|slot| is_so(self.get(*slot))).collect()
    }

    pub(super) fn live_len(&self) -> usize {
        self.backends.len()
    }

    /// The live and remembered ones, but for so many.
    pub(super) fn len_without(&self, leaving: &[Slot]) -> usize {
        self.keys.len() - leaving.len()
    }

    pub(super) fn of_source_len(&self, source: Option<IpAddr>, leaving: &[Slot]) -> usize {
        self.sources.len_without(&source, leaving)
    }

    pub(super) fn of_token_len(&self, token: &TokenId, leaving: &[Slot]) -> usize {
        self.tokens.len_without(token, leaving)
    }

    pub(super) fn next_place(&self) -> u64 {
        self.last_place + 1
    }

    pub(super) fn next_lease(&self) -> Option<Duration> {
        self.leases.first().map(|(due, _)| due)
    }

    /// Whose lease or grace was over first, if one is by now.
    pub(super) fn lease_over(&self, now: Duration) -> Option<(Duration, Slot)> {
        self.leases.first_by(now)
    }

    /// Whose probe is due first, and when.
    pub(super) fn next_probe(&self) -> Option<(Duration, Slot)> {
        self.probes.first()
    }

    /// How the backends of a pool are probed.
    pub(super) fn probing(&self, pool: &str) -> &Probing {
        self.pools
            .get(pool)
            .map_or(&self.no_pool.probing, |pool| &pool.probing)
    }

    /// The live ones of a pool, in order.
    pub(super) fn slots_of_pool(&self, pool: &str) -> Vec<Slot> {
        let pool = self.pools.get(pool).into_iter();
        pool.flat_map(|pool| pool.order.values().copied()).collect()
    }

    /// How long registrations in a pool count: `None`, there is no such pool; `Some(None)`, it may not be joined.
    pub(super) fn plan(&self, pool: &str) -> Option<Option<&MembersPlan>> {
        self.pools.get(pool).map(|pool| pool.plan.as_ref())
    }

    pub(super) fn pool_names(&self) -> Vec<Name> {
        self.pools.keys().cloned().collect()
    }

    /// Opens a pool, or lets it be as the plan says now. How it was probed before, if that was otherwise.
    pub(super) fn open(&mut self, plan: &PoolPlan) -> Option<Probing> {
        let pool = self.pools.entry(Name::clone(&plan.name)).or_default();
        pool.plan.clone_from(&plan.members);
        let (before, now) = (pool.probing.clone(), Probing::of(plan));
        let is_other = before != now;
        pool.probing = now;
        self.touch(&plan.name);
        is_other.then_some(before)
    }

    /// Nobody may be in that pool any more.
    pub(super) fn shut(&mut self, pool: &Name) {
        self.pools.entry(Name::clone(pool)).or_default().plan = None;
        self.touch(pool);
    }

    /// Closes a pool that has no members, remembered ones included.
    pub(super) fn close(&mut self, pool: &Name) {
        self.pools.remove(pool);
    }

    /// Something about a pool has changed, but nothing about its members.
    pub(super) fn touch(&mut self, pool: &str) {
        self.touch_upheld(pool, &Policies::none());
    }

    /// Something about who upholds these in a pool has changed.
    pub(super) fn touch_upheld(&mut self, pool: &str, policies: &Policies) {
        if let Some(pool) = self.pools.get_mut(pool) {
            self.last_generation += 1;
            pool.touch(policies, self.last_generation);
        }
    }

    /// The standing of a member has changed.
    pub(super) fn touch_of(&mut self, slot: Slot) {
        let member = self.get(slot);
        let (pool, policies) = (
            Name::clone(&member.key().pool),
            member.announcement.policies.clone(),
        );
        self.touch_upheld(&pool, &policies);
    }

    pub(super) fn generation(&self, pool: &str) -> u64 {
        self.pools.get(pool).map_or(0, |pool| pool.generation)
    }

    /// Each policy known in a pool, with the generation of who upholds it.
    pub(super) fn known_policies(&self, pool: &str) -> impl Iterator<Item = (&Policy, u64)> {
        self.pools.get(pool).into_iter().flat_map(MemberPool::known)
    }

    /// The live ones of a pool that uphold a policy, in order.
    pub(super) fn upholding(&self, pool: &str, policy: &Policy) -> impl Iterator<Item = &Member> {
        let pool = self.pools.get(pool).into_iter();
        pool.flat_map(|pool| pool.upholding(policy))
            .map(|slot| self.get(slot))
    }

    fn index(&mut self, member: &Member, slot: Slot) {
        self.keys.insert(member.key().clone(), slot);
        self.sources.add(member.source, slot);
        if let Some(token) = &member.token {
            self.tokens.add(TokenId::clone(token), slot);
        }
        self.leases.add(member.lease_until, slot);
        if !member.is_expired {
            self.backends.insert(member.backend.id, slot);
            self.addresses.add(member.announcement.address, slot);
            self.probes.add(member.health.due(), slot);
        }
        let pool = self.pools.get_mut(&member.key().pool).expect(OPEN);
        let live = (!member.is_expired).then_some((member.place, slot));
        pool.know(&member.announcement.policies, live);
        self.touch_upheld(&member.key().pool, &member.announcement.policies);
    }

    fn unindex(&mut self, member: &Member, slot: Slot) {
        self.keys.remove(member.key());
        self.sources.drop(&member.source, slot);
        if let Some(token) = &member.token {
            self.tokens.drop(token, slot);
        }
        self.leases.drop(member.lease_until, slot);
        if !member.is_expired {
            self.backends.remove(&member.backend.id);
            self.addresses.drop(&member.announcement.address, slot);
            self.probes.drop(member.health.due(), slot);
        }
        let pool = self.pools.get_mut(&member.key().pool).expect(OPEN);
        pool.unknow(&member.announcement.policies, member.place);
        self.touch_upheld(&member.key().pool, &member.announcement.policies);
    }
}

const HELD: &str = "indices name only slots that hold a member";
const OPEN: &str = "a pool is closed after its last member is gone";
