//! Header sections by hand (RFC 7541): literals that leave the dynamic table alone, and whatever bytes a rule wants.

/// Names and values, pseudo-header fields too, in the order in which they go out.
pub(super) type Fields<'a> = &'a [(&'a str, &'a str)];

/// These fields, each as a literal without indexing and without Huffman coding.
pub(super) fn block(fields: Fields<'_>) -> Vec<u8> {
    fields
        .iter()
        .flat_map(|(name, value)| literal(AS_IS, name, value))
        .collect()
}

/// A request for the host of the tests.
pub(super) fn request(method: &str, path: &str) -> Vec<u8> {
    request_with(method, path, &[])
}

/// The same with more fields after the pseudo-header fields.
pub(super) fn request_with(method: &str, path: &str, more: Fields<'_>) -> Vec<u8> {
    let pseudo = [
        (":method", method),
        (":scheme", "http"),
        (":path", path),
        (":authority", "app.test"),
    ];
    [block(&pseudo), block(more)].concat()
}

/// How a literal says that it goes into the table.
pub(super) const INDEXED: u8 = 0x40;
/// How it says that it does not.
pub(super) const AS_IS: u8 = 0x00;
/// How it says that nobody on the way may put it there either.
pub(super) const NEVER_INDEXED: u8 = 0x10;

/// A literal of this form with its name in full.
pub(super) fn literal(form: u8, name: &str, value: &str) -> Vec<u8> {
    [&[form][..], &plain(name), &plain(value)].concat()
}

/// The same with name and value in Huffman coding.
pub(super) fn literal_huffman(form: u8, name: &str, value: &str) -> Vec<u8> {
    [&[form][..], &coded(name), &coded(value)].concat()
}

/// A literal of this form with the name of this entry; `value` is a string as [`plain`] or [`coded`] writes it.
pub(super) fn named_by(form: u8, index: u8, value: &[u8]) -> Vec<u8> {
    let prefix = if form == INDEXED { 0x3f } else { 0x0f };
    let index = if index < prefix {
        vec![form | index]
    } else {
        vec![form | prefix, index - prefix]
    };
    [&index[..], value].concat()
}

/// The field of this entry, name and value.
pub(super) fn indexed(index: u8) -> Vec<u8> {
    vec![0x80 | index]
}

/// Sets the size of the dynamic table.
pub(super) fn table_size(size: usize) -> Vec<u8> {
    integer(0x20, 5, size)
}

/// A string as its bytes.
pub(super) fn plain(text: &str) -> Vec<u8> {
    let mut bytes = integer(0, 7, text.len());
    bytes.extend(text.as_bytes());
    bytes
}

/// A string in Huffman coding, its last byte filled up with ones.
pub(super) fn coded(text: &str) -> Vec<u8> {
    coded_with(text, &[], true)
}

/// The same with these bits after the text, and then filled up with ones or zeros.
pub(super) fn coded_with(text: &str, more: &[bool], filled_with: bool) -> Vec<u8> {
    let mut bits: Vec<bool> = text.bytes().flat_map(bits_of).collect();
    bits.extend(more);
    bits.resize(bits.len().next_multiple_of(8), filled_with);
    let packed = bits
        .chunks(8)
        .map(|byte| byte.iter().fold(0, |sum, bit| sum << 1 | u8::from(*bit)));
    let packed: Vec<u8> = packed.collect();
    let mut bytes = integer(0x80, 7, packed.len());
    bytes.extend(packed);
    bytes
}

/// The end of a string, which no string may hold.
pub(super) const END_OF_STRING: [bool; 30] = [true; 30];

/// The status in a header section of an answer; it is its first field.
pub(super) fn status(block: &[u8]) -> Option<u16> {
    let after_sizes = block.iter().position(|byte| byte & 0xe0 != 0x20)?;
    match block[after_sizes..] {
        [byte @ 0x88..=0x8e, ..] => Some(STATUSES[usize::from(byte - 0x88)]),
        [0x48 | 0x08 | 0x18, ref value @ ..] => digits(value)?.parse().ok(),
        _ => None,
    }
}

/// What the static table has for `:status`, from entry 8 on.
const STATUSES: [u16; 7] = [200, 204, 206, 304, 400, 404, 500];

/// A string of digits, coded or not.
fn digits(string: &[u8]) -> Option<String> {
    let (length, rest) = string.split_first()?;
    let bytes = rest.get(..usize::from(length & 0x7f))?;
    if length & 0x80 == 0 {
        return String::from_utf8(bytes.to_vec()).ok();
    }
    let (text, _) = (0..=999)
        .map(|n| format!("{n:03}"))
        .map(|n| (n.clone(), coded(&n)))
        .find(|(_, coded)| coded[1..] == *bytes)?;
    Some(text)
}

/// A number behind a prefix of so many bits (RFC 7541, 5.1).
fn integer(first: u8, prefix_bits: u32, number: usize) -> Vec<u8> {
    let most = (1 << prefix_bits) - 1;
    let Some(mut rest) = number.checked_sub(most) else {
        return vec![first | u8::try_from(number).expect("it fits the prefix")];
    };
    let mut bytes = vec![first | u8::try_from(most).expect("a prefix is less than a byte")];
    while rest >= 128 {
        bytes.push(u8::try_from(rest % 128).expect("less than 128") | 0x80);
        rest /= 128;
    }
    bytes.push(u8::try_from(rest).expect("less than 128"));
    bytes
}

/// The Huffman code of a character that the rules use (RFC 7541, appendix B), its first bit first.
fn bits_of(character: u8) -> Vec<bool> {
    let (code, length) = match character {
        b'0'..=b'2' => (u32::from(character - b'0'), 5),
        b'3'..=b'9' => (0x19 + u32::from(character - b'3'), 6),
        _ => letter(character),
    };
    (0..length).rev().map(|bit| code >> bit & 1 == 1).collect()
}

fn letter(character: u8) -> (u32, u32) {
    let index_in = |letters: &str| letters.bytes().position(|letter| letter == character);
    let code = |letters, first, length| {
        let index = u32::try_from(index_in(letters)?).ok()?;
        Some((first + index, length))
    };
    code("aceiost", 0x3, 5)
        .or_else(|| code("-./", 0x16, 6))
        .or_else(|| code("bdfghlmnpru", 0x23, 6))
        .or_else(|| code("jkqvwxyz", 0x74, 7))
        .unwrap_or_else(|| panic!("no code for {:?}", char::from(character)))
}

#[test]
fn strings_are_coded_as_the_examples_of_the_rfc() {
    let coded_example = b"\x8c\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff";
    assert_eq!(coded("www.example.com"), coded_example);
    assert_eq!(coded("no-cache"), b"\x86\xa8\xeb\x10\x64\x9c\xbf");
    assert_eq!(table_size(1337), b"\x3f\x9a\x0a");
}

#[test]
fn a_status_is_read_in_each_form_it_may_have() {
    assert_eq!(status(&[0x88]), Some(200));
    assert_eq!(status(&[0x20, 0x8c, 0x00]), Some(400));
    assert_eq!(status(b"\x48\x82\x64\x02"), Some(302));
    assert_eq!(status(b"\x48\x03307"), Some(307));
}
