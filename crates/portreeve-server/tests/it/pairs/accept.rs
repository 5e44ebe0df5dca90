//! What a WebSocket server answers to a key (RFC 6455 section 4.2.2).

pub(super) fn of(key: &str) -> String {
    let digits = portreeve_testkit::sha1(&format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11"));
    let bits: String = digits.chars().map(bits_of).collect();
    let signs = bits.as_bytes().chunks(6).map(|six| {
        let six = std::str::from_utf8(six).expect("digits are text");
        let number = usize::from_str_radix(&format!("{six:0<6}"), 2).expect("six binary digits");
        char::from(SIGNS[number])
    });
    format!("{}=", signs.collect::<String>())
}

fn bits_of(digit: char) -> String {
    format!("{:04b}", digit.to_digit(16).expect("a hexadecimal digit"))
}

const SIGNS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

#[test]
fn the_answer_is_that_of_the_rfc() {
    assert_eq!(of("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}
