//! The ids of instances, which become names of files and variables.

/// 1 to 64 of `a-z 0-9 -`, as every order has.
pub(crate) fn is_id(text: &str) -> bool {
    let is_good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=64).contains(&text.len()) && text.bytes().all(is_good)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_lead_out_of_a_folder_is_no_id() {
        assert!(is_id("api-7f3a") && is_id(&"a".repeat(64)));
        for text in ["", "..", "a/b", "A", "a b", "a\n", "é", &"a".repeat(65)] {
            assert!(!is_id(text), "{text:?}");
        }
    }
}
