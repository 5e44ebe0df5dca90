//! Who served whom, in order.

use std::fmt;

use crate::demo::packet_client::Outcome;

/// For each policy, in the order in which they came up, who served it.
#[derive(Debug, Default)]
pub(super) struct Servings(Vec<Serving>);

#[derive(Debug)]
struct Serving {
    policy: &'static str,
    by: Vec<String>,
    right: usize,
}

impl Servings {
    pub(super) fn note(&mut self, policy: &'static str, outcome: &Outcome) {
        let (by, is_right) = match outcome {
            Outcome::Served { by, is_right } => (by.clone(), *is_right),
            Outcome::Refused(_) => ("nobody".to_owned(), false),
        };
        let serving = self.of(policy);
        serving.by.push(by);
        serving.right += usize::from(is_right);
    }

    fn of(&mut self, policy: &'static str) -> &mut Serving {
        let place = self.0.iter().position(|serving| serving.policy == policy);
        let place = place.unwrap_or_else(|| {
            self.0.push(Serving {
                policy,
                by: Vec::new(),
                right: 0,
            });
            self.0.len() - 1
        });
        &mut self.0[place]
    }
}

/// A line for each policy.
impl fmt::Display for Servings {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Serving { policy, by, right } in &self.0 {
            let (by, all) = (by.join(" "), by.len());
            writeln!(out, "  policy {policy}   {by}   {right} of {all} SHA-1 right")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_policy_has_its_line_with_what_was_seen() {
        let served = |by: &str, is_right| Outcome::Served {
            by: by.to_owned(),
            is_right,
        };
        let mut servings = Servings::default();
        servings.note("111", &served("1", true));
        servings.note("222", &served("3", true));
        servings.note("111", &served("2", false));
        servings.note("111", &Outcome::Refused("no_backend".to_owned()));
        assert_eq!(
            servings.to_string(),
            "  policy 111   1 2 nobody   1 of 3 SHA-1 right\n  policy 222   3   1 of 1 SHA-1 right\n"
        );
    }
}
