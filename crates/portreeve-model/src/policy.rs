//! Policies: labels that a request demands and a backend upholds.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

/// A label that a request demands and a backend upholds, compared byte by byte: 1 to 64 bytes of UTF-8 without control
/// characters, commas, or spaces at either end.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Policy(Arc<str>);

impl Policy {
    /// The longest name in bytes.
    pub const BYTES_MAX: usize = 64;

    /// A policy of this name.
    ///
    /// # Errors
    /// The name is none.
    pub fn new(name: &str) -> Result<Self, NotAPolicy> {
        let is_good = (1..=Self::BYTES_MAX).contains(&name.len())
            && name.trim() == name
            && !name.contains(|letter: char| letter.is_control() || letter == ',');
        if is_good {
            Ok(Self(name.into()))
        } else {
            Err(NotAPolicy)
        }
    }

    /// Its name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl Borrow<str> for Policy {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// A text that cannot name a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAPolicy;

impl fmt::Display for NotAPolicy {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a policy is 1 to 64 bytes without control characters, commas, or spaces at either end")
    }
}

impl std::error::Error for NotAPolicy {}

/// A set of policies, sorted, each once. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Policies(Arc<[Policy]>);

impl Policies {
    /// The most policies that one backend may uphold.
    pub const UPHELD_MAX: usize = 64;
    /// The most policies that one request may demand.
    pub const DEMANDED_MAX: usize = 8;

    /// None at all.
    #[must_use]
    pub fn none() -> Self {
        Self(Arc::new([]))
    }

    /// Whether a backend that upholds these may serve a request that demands `demanded`: all of them are here.
    #[must_use]
    pub fn uphold(&self, demanded: &Self) -> bool {
        let mut mine = self.0.iter();
        demanded
            .0
            .iter()
            .all(|policy| mine.by_ref().any(|own| own == policy))
    }

    /// Whether this one is among them.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.0
            .binary_search_by(|policy| policy.as_str().cmp(name))
            .is_ok()
    }

    /// In order of their names.
    pub fn iter(&self) -> std::slice::Iter<'_, Policy> {
        self.0.iter()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Default for Policies {
    fn default() -> Self {
        Self::none()
    }
}

impl FromIterator<Policy> for Policies {
    fn from_iter<T: IntoIterator<Item = Policy>>(policies: T) -> Self {
        let mut sorted: Vec<Policy> = policies.into_iter().collect();
        sorted.sort_unstable();
        sorted.dedup();
        Self(sorted.into())
    }
}

impl<'a> IntoIterator for &'a Policies {
    type Item = &'a Policy;
    type IntoIter = std::slice::Iter<'a, Policy>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// `eu, hipaa`; nothing for none.
impl fmt::Display for Policies {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, policy) in self.0.iter().enumerate() {
            if place > 0 {
                out.write_str(", ")?;
            }
            out.write_str(policy.as_str())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn set(names: &[&str]) -> Policies {
        names.iter().map(|name| Policy::new(name).unwrap()).collect()
    }

    #[test]
    fn a_name_is_bounded_and_clean() {
        assert!(Policy::new("PP_1").is_ok());
        assert!(Policy::new("à la carte").is_ok());
        assert!(Policy::new(&"x".repeat(64)).is_ok());
        for bad in ["", " eu", "eu ", "a,b", "a\nb", "\u{7f}", &"x".repeat(65)] {
            assert_eq!(Policy::new(bad), Err(NotAPolicy), "{bad:?}");
        }
    }

    #[test]
    fn all_that_is_demanded_must_be_upheld() {
        assert!(set(&["eu", "hipaa"]).uphold(&set(&["hipaa"])));
        assert!(set(&["eu", "hipaa"]).uphold(&set(&["hipaa", "eu"])));
        assert!(!set(&["eu"]).uphold(&set(&["eu", "hipaa"])));
        assert!(!Policies::none().uphold(&set(&["eu"])));
        assert!(set(&["eu"]).uphold(&Policies::none()));
    }

    #[test]
    fn names_are_compared_exactly() {
        assert!(!set(&["EU"]).uphold(&set(&["eu"])));
        assert!(set(&["EU", "eu"]).contains("eu"));
        assert!(!set(&["EU"]).contains("eu"));
    }

    #[test]
    fn order_and_repetition_do_not_matter() {
        assert_eq!(set(&["b", "a", "b"]), set(&["a", "b"]));
        assert_eq!(set(&["b", "a"]).to_string(), "a, b");
    }

    proptest! {
        #[test]
        fn upholding_is_being_a_superset(mine: Vec<bool>, demanded: Vec<bool>) {
            let named = |picked: &[bool]| -> Vec<usize> {
                picked.iter().take(8).enumerate().filter(|(_, yes)| **yes).map(|(place, _)| place).collect()
            };
            let (mine, demanded) = (named(&mine), named(&demanded));
            let policies = |places: &[usize]| places.iter().map(|place| Policy::new(&format!("p{place}")).unwrap()).collect::<Policies>();
            let expected = demanded.iter().all(|place| mine.contains(place));
            prop_assert_eq!(policies(&mine).uphold(&policies(&demanded)), expected);
        }
    }
}
