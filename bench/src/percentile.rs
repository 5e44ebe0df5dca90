/// The value that this share of the values (0 to 1) does not exceed: the nearest rank. 0 without values; sorts them.
#[must_use]
pub fn percentile(values: &mut [u64], share: f64) -> u64 {
    values.sort_unstable();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        clippy::cast_sign_loss,
        reason = "counts stay far below 2^52, and a share of one is between 0 and it"
    )]
    let rank = (values.len() as f64 * share).ceil() as usize;
    match values {
        [] => 0,
        values => values[rank.clamp(1, values.len()) - 1],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_rank_is_a_value_that_was_there() {
        let mut values: Vec<u64> = (1..=100).rev().collect();
        assert_eq!(percentile(&mut values, 0.5), 50);
        assert_eq!(percentile(&mut values, 0.99), 99);
        assert_eq!(percentile(&mut values, 0.999), 100);
        assert_eq!(percentile(&mut [7], 0.5), 7);
        assert_eq!(percentile(&mut [], 0.5), 0);
    }
}
