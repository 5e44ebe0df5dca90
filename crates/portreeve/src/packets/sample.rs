/// Text of just this many bytes, the same each time and another for each client and policy.
pub(super) fn payload(client: u32, policy: &str, bytes: usize) -> String {
    let sentence = format!("Client {client} asks for policy {policy}. ");
    let mut text = sentence.repeat(bytes / sentence.len() + 1);
    text.truncate(text.floor_char_boundary(bytes));
    let missing = bytes - text.len();
    text.extend(std::iter::repeat_n('.', missing)); // where a letter of several bytes was cut
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_has_just_the_bytes_asked_for() {
        for policy in ["111", "größe"] {
            for bytes in [0, 1, 26, 27, 28, 29, 64, 1024] {
                assert_eq!(payload(7, policy, bytes).len(), bytes, "{policy} {bytes}");
            }
        }
        assert_eq!(payload(7, "111", 10), "Client 7 a");
    }
}
