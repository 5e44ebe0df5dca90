//! Which known word was perhaps meant.

/// The known word that is nearest to `found`, if one is near enough to be worth naming: at most one slip (a letter
/// too many, too few, another, or two swapped) for every three letters. Case and `-` against `_` do not count.
pub(crate) fn nearest<'a>(found: &str, known: &[&'a str]) -> Option<&'a str> {
    if found.len() > WORD_BYTES_MAX {
        return None;
    }
    let found = folded(found);
    known
        .iter()
        .map(|word| (slips(&found, &folded(word)), *word))
        .filter(|(slips, word)| *slips <= word.len().max(3) / 3)
        .min_by_key(|(slips, _)| *slips)
        .map(|(_, word)| word)
}

fn folded(word: &str) -> Vec<char> {
    word.to_lowercase()
        .chars()
        .map(|character| if character == '-' { '_' } else { character })
        .collect()
}

/// The optimal string alignment distance (Levenshtein's with swaps of neighbours).
fn slips(a: &[char], b: &[char]) -> usize {
    let mut rows = [
        vec![0; b.len() + 1],
        (0..=b.len()).collect(),
        vec![0; b.len() + 1],
    ];
    for i in 1..=a.len() {
        rows[2][0] = i;
        for j in 1..=b.len() {
            let changed = rows[1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = changed.min(rows[1][j] + 1).min(rows[2][j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[0][j - 2] + 1);
            }
            rows[2][j] = least;
        }
        rows.rotate_left(1);
    }
    rows[1][b.len()]
}

/// Nobody misspells a word of more.
const WORD_BYTES_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_in_three_letters_is_forgiven() {
        assert_eq!(nearest("lisener", &["listener", "route"]), Some("listener"));
        assert_eq!(nearest("listenre", &["listener", "route"]), Some("listener"));
        assert_eq!(nearest("listeners", &["listener", "route"]), Some("listener"));
        assert_eq!(nearest("Head-Timeout", &["head_timeout"]), Some("head_timeout"));
    }

    #[test]
    fn a_wholly_different_word_is_nobody() {
        assert_eq!(nearest("upstream", &["listener", "route", "pool"]), None);
        assert_eq!(nearest("", &["to"]), None);
        assert_eq!(nearest(&"x".repeat(10_000), &["to"]), None);
    }

    #[test]
    fn swapped_neighbours_are_one_slip() {
        let letters = |word: &str| word.chars().collect::<Vec<_>>();
        assert_eq!(slips(&letters("ab"), &letters("ba")), 1);
        assert_eq!(slips(&letters("kitten"), &letters("sitting")), 3);
        assert_eq!(slips(&letters(""), &letters("abc")), 3);
    }
}
