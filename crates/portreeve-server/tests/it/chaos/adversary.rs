//! Who makes the storm.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::chaos::dice::Dice;
use crate::chaos::fleet::{BOTH, FILE, Fleet, MEMBERS, is_member};
use crate::chaos::truth::Trouble;

pub(crate) struct Adversary {
    fleet: Fleet,
    dice: Dice,
    /// What is the matter with whom, and until when.
    troubled: BTreeMap<&'static str, (Trouble, Instant)>,
    /// One of each pool, left in peace for a phase, so that something can be said of who must be served.
    spared: [&'static str; 2],
}

impl Adversary {
    pub(crate) fn new(fleet: Fleet, dice: Dice) -> Self {
        Self {
            fleet,
            dice,
            troubled: BTreeMap::new(),
            spared: [FILE[0], MEMBERS[0]],
        }
    }

    pub(crate) async fn storm(&mut self, time: Duration) {
        let end = Instant::now() + time;
        while Instant::now() < end {
            self.spare().await;
            let phase = (Instant::now() + PHASE).min(end);
            while Instant::now() < phase {
                self.step().await;
            }
        }
    }

    /// Undoes all that is still done.
    pub(crate) async fn calm(mut self) -> Fleet {
        self.fleet.truth().note("calm");
        for name in FILE.into_iter().chain(MEMBERS) {
            self.heal(name).await;
        }
        for name in MEMBERS {
            self.fleet.change(name, BOTH).await;
        }
        self.fleet
    }

    async fn spare(&mut self) {
        self.spared = [self.dice.one_of(&FILE), self.dice.one_of(&MEMBERS)];
        for name in self.spared {
            self.heal(name).await;
        }
        let (file, member) = (self.spared[0], self.spared[1]);
        self.fleet.change(member, BOTH).await;
        self.fleet
            .truth()
            .note(&format!("{file} and {member} are spared"));
    }

    async fn step(&mut self) {
        let pause = 20 + self.dice.below(150);
        tokio::time::sleep(Duration::from_millis(pause)).await;
        self.heal_those_due().await;
        let name = self.dice.one_of(&["f0", "f1", "f2", "m0", "m1", "m2"]);
        if self.dice.below(6) == 0 {
            let weights = [(); 3].map(|()| self.dice.one_of(&[1, 2, 3]));
            return self.fleet.reweigh(weights).await;
        }
        if self.spared.contains(&name) || self.troubled.contains_key(name) {
            return;
        }
        if is_member(name) && self.dice.below(3) == 0 {
            let sets: [&[&'static str]; 3] = [&["eu"], &["us"], BOTH];
            let policies = self.dice.one_of(&sets);
            return self.fleet.change(name, policies).await;
        }
        self.harm(name).await;
    }

    async fn harm(&mut self, name: &'static str) {
        let trouble = match self.dice.one_of(&TROUBLES) {
            Trouble::Away if !is_member(name) => Trouble::Unlisted,
            trouble => trouble,
        };
        let longest = if matches!(trouble, Trouble::Stopped | Trouble::Sick) {
            6_000
        } else {
            2_500
        };
        let time = Duration::from_millis(200 + self.dice.below(longest));
        self.fleet.harm(name, trouble).await;
        self.troubled.insert(name, (trouble, Instant::now() + time));
    }

    async fn heal_those_due(&mut self) {
        let now = Instant::now();
        let due = self.troubled.iter().filter(|(_, (_, until))| *until <= now);
        let due: Vec<_> = due.map(|(name, _)| *name).collect();
        for name in due {
            self.heal(name).await;
        }
    }

    async fn heal(&mut self, name: &'static str) {
        if let Some((trouble, _)) = self.troubled.remove(name) {
            self.fleet.heal(name, trouble).await;
        }
    }
}

const TROUBLES: [Trouble; 8] = [
    Trouble::Killed,
    Trouble::Stopped,
    Trouble::Slow,
    Trouble::Resets,
    Trouble::Errors,
    Trouble::Sick,
    Trouble::Drained,
    Trouble::Away,
];
const PHASE: Duration = Duration::from_millis(7_500);
