//! HTTP/1 messages as bytes, read by the letter of RFC 9112 and by nothing of the product's.

/// Which way a message goes, and what that says about its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// From a client to a server.
    Request,
    /// The answer to a request with a method other than `HEAD`.
    Response,
    /// The answer to a `HEAD` request: never a body.
    ResponseToHead,
}

/// One message, exactly as it came, and what it means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Every byte, head and body, as it came.
    pub raw: Vec<u8>,
    /// How many of them are the head, the empty line included.
    pub head_bytes: usize,
    /// The body without its transfer coding.
    pub body: Vec<u8>,
    /// Field lines after the last chunk, in their order.
    pub trailers: Vec<(String, String)>,
}

impl Message {
    /// The head, its empty line included.
    pub fn head(&self) -> &[u8] {
        &self.raw[..self.head_bytes]
    }

    /// What follows the head, as it came.
    pub fn raw_body(&self) -> &[u8] {
        &self.raw[self.head_bytes..]
    }

    /// The request line or status line.
    pub fn line(&self) -> String {
        lines(self.head()).next().unwrap_or_default()
    }

    /// A response's status code; 0 if this is none.
    pub fn status(&self) -> u16 {
        self.line()
            .split(' ')
            .nth(1)
            .and_then(|code| code.parse().ok())
            .unwrap_or(0)
    }

    /// All field lines in their order, each byte as it came (Latin-1), without CRLF.
    pub fn field_lines(&self) -> Vec<String> {
        let mut all: Vec<String> = lines(self.head()).skip(1).collect();
        all.retain(|line| !line.is_empty());
        all
    }

    /// All field lines in their order, names as written, values without the space around them.
    pub fn fields(&self) -> Vec<(String, String)> {
        fields(self.head())
    }

    /// The values of every line of this name, in their order; the case of `name` does not matter.
    pub fn values(&self, name: &str) -> Vec<String> {
        self.fields()
            .into_iter()
            .filter(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
            .collect()
    }

    /// The value of the one line of this name.
    ///
    /// # Panics
    /// If there are several.
    #[track_caller]
    pub fn field(&self, name: &str) -> Option<String> {
        let mut values = self.values(name);
        assert!(
            values.len() < 2,
            "{name} comes {} times in {}",
            values.len(),
            text(&self.raw)
        );
        values.pop()
    }

    /// The body as text, what is not UTF-8 replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// What is wrong with the bytes of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageFault(pub String);

/// How many bytes of `bytes` the message that begins there takes, or `None` while more must come. `ended`: no more will.
///
/// # Errors
/// If the framing cannot be understood, or the bytes ended before the message did.
pub fn extent(bytes: &[u8], kind: Kind, ended: bool) -> Result<Option<usize>, MessageFault> {
    let Some(head) = head_bytes(bytes) else {
        return unfinished(ended, "in the head");
    };
    match framing(&bytes[..head], kind)? {
        Framing::Exact(body) if bytes.len() - head >= body => Ok(Some(head + body)),
        Framing::Exact(body) => unfinished(
            ended,
            &format!("after {} of {body} body bytes", bytes.len() - head),
        ),
        Framing::UntilClose => Ok(ended.then_some(bytes.len())),
        Framing::Chunked => match chunked(&bytes[head..])? {
            Some(body) => Ok(Some(head + body.bytes)),
            None => unfinished(ended, "in the chunked body"),
        },
    }
}

/// The message that `raw` is, as [`extent`] cut it.
///
/// # Errors
/// If the framing cannot be understood.
pub fn decoded(raw: &[u8], kind: Kind) -> Result<Message, MessageFault> {
    let head = head_bytes(raw).ok_or_else(|| fault("no empty line after the head"))?;
    let (body, trailers) = match framing(&raw[..head], kind)? {
        Framing::Chunked => {
            let chunked = chunked(&raw[head..])?.ok_or_else(|| fault("the chunked body has no end"))?;
            let parts: Vec<&[u8]> = chunked
                .data
                .iter()
                .map(|range| &raw[head..][range.clone()])
                .collect();
            (parts.concat(), chunked.trailers)
        }
        Framing::Exact(_) | Framing::UntilClose => (raw[head..].to_vec(), Vec::new()),
    };
    Ok(Message {
        raw: raw.to_vec(),
        head_bytes: head,
        body,
        trailers,
    })
}

/// Bytes for people: printable ones as they are, the others escaped, cut after some thousands.
pub fn text(bytes: &[u8]) -> String {
    let shown = &bytes[..bytes.len().min(SHOWN_BYTES_MAX)];
    let rest = bytes.len() - shown.len();
    let more = if rest == 0 {
        String::new()
    } else {
        format!(" and {rest} bytes more")
    };
    format!("\"{}\"{more}", shown.escape_ascii())
}

/// Where the head ends, its empty line included.
pub(crate) fn head_bytes(bytes: &[u8]) -> Option<usize> {
    bytes
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .map(|at| at + 4)
}

enum Framing {
    Exact(usize),
    Chunked,
    UntilClose,
}

/// RFC 9112 section 6.3, for messages that are right.
fn framing(head: &[u8], kind: Kind) -> Result<Framing, MessageFault> {
    if kind != Kind::Request && bodiless(head, kind) {
        return Ok(Framing::Exact(0));
    }
    let fields = fields(head);
    let values = |wanted: &str| -> Vec<&str> {
        fields
            .iter()
            .filter(|(name, _)| name.eq_ignore_ascii_case(wanted))
            .map(|(_, value)| value.as_str())
            .collect()
    };
    match (
        values("transfer-encoding").as_slice(),
        values("content-length").as_slice(),
    ) {
        ([coding], []) if coding.eq_ignore_ascii_case("chunked") => Ok(Framing::Chunked),
        ([], [length]) => length
            .parse()
            .map(Framing::Exact)
            .map_err(|_| fault("Content-Length is no number")),
        ([], []) if kind == Kind::Request => Ok(Framing::Exact(0)),
        ([], []) => Ok(Framing::UntilClose),
        _ => Err(fault("the framing fields contradict each other")),
    }
}

fn bodiless(head: &[u8], kind: Kind) -> bool {
    let line = lines(head).next().unwrap_or_default();
    let status = line.split(' ').nth(1).unwrap_or_default();
    kind == Kind::ResponseToHead || status.starts_with('1') || status == "204" || status == "304"
}

struct ChunkedBody {
    bytes: usize,
    data: Vec<std::ops::Range<usize>>,
    trailers: Vec<(String, String)>,
}

/// The chunked body at the start of `bytes`, or `None` while more must come.
fn chunked(bytes: &[u8]) -> Result<Option<ChunkedBody>, MessageFault> {
    let (mut at, mut data) = (0, Vec::new());
    while let Some(line) = line_end(&bytes[at..]) {
        let size = chunk_size(&bytes[at..at + line])?;
        at += line + 2;
        if size == 0 {
            return Ok(
                trailer_section(&bytes[at..]).map(|(length, trailers)| ChunkedBody {
                    bytes: at + length,
                    data,
                    trailers,
                }),
            );
        }
        if bytes.len() < at + size + 2 {
            return Ok(None);
        }
        if &bytes[at + size..at + size + 2] != b"\r\n" {
            return Err(fault("no CRLF after a chunk's data"));
        }
        data.push(at..at + size);
        at += size + 2;
    }
    Ok(None)
}

fn chunk_size(line: &[u8]) -> Result<usize, MessageFault> {
    let digits = line.split(|byte| *byte == b';').next().unwrap_or_default();
    let digits = std::str::from_utf8(digits).map_err(|_| fault("the chunk size is no number"))?;
    usize::from_str_radix(digits.trim_end(), 16).map_err(|_| fault("the chunk size is no number"))
}

/// Length of the trailer section with its empty line, and its fields.
fn trailer_section(bytes: &[u8]) -> Option<(usize, Vec<(String, String)>)> {
    if bytes.starts_with(b"\r\n") {
        return Some((2, Vec::new()));
    }
    let length = head_bytes(bytes)?;
    Some((
        length,
        lines(&bytes[..length]).filter_map(|line| field(&line)).collect(),
    ))
}

fn fields(head: &[u8]) -> Vec<(String, String)> {
    lines(head).skip(1).filter_map(|line| field(&line)).collect()
}

fn field(line: &str) -> Option<(String, String)> {
    let (name, value) = line.split_once(':')?;
    Some((name.to_owned(), value.trim_matches([' ', '\t']).to_owned()))
}

/// Lines without their CRLF, bytes that are not UTF-8 as Latin-1 so that none is lost.
fn lines(bytes: &[u8]) -> impl Iterator<Item = String> {
    let all: String = bytes.iter().map(|byte| char::from(*byte)).collect();
    all.split("\r\n")
        .map(str::to_owned)
        .collect::<Vec<_>>()
        .into_iter()
}

fn line_end(bytes: &[u8]) -> Option<usize> {
    bytes.windows(2).position(|two| two == b"\r\n")
}

fn unfinished(ended: bool, place: &str) -> Result<Option<usize>, MessageFault> {
    if ended {
        Err(fault(&format!("the connection ended {place}")))
    } else {
        Ok(None)
    }
}

fn fault(what: &str) -> MessageFault {
    MessageFault(what.to_owned())
}

const SHOWN_BYTES_MAX: usize = 4_000;

#[cfg(test)]
mod tests {
    use super::*;

    const CHUNKED: &[u8] =
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\nX-T: 1\r\n\r\n";

    #[test]
    fn every_prefix_of_a_chunked_message_asks_for_more() {
        for cut in 0..CHUNKED.len() {
            assert_eq!(
                extent(&CHUNKED[..cut], Kind::Response, false),
                Ok(None),
                "cut at {cut}"
            );
            assert!(
                extent(&CHUNKED[..cut], Kind::Response, true).is_err(),
                "ended at {cut}"
            );
        }
        assert_eq!(extent(CHUNKED, Kind::Response, false), Ok(Some(CHUNKED.len())));
    }

    #[test]
    fn a_chunked_message_is_its_data_and_trailers() {
        let message = decoded(CHUNKED, Kind::Response).unwrap();
        assert_eq!(message.text(), "abc");
        assert_eq!(message.trailers, [("X-T".to_owned(), "1".to_owned())]);
        assert_eq!(message.status(), 200);
    }

    #[test]
    fn a_body_of_exact_length_ends_where_the_next_message_begins() {
        let two = b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\nhiGET / HTTP/1.1\r\n\r\n";
        assert_eq!(extent(two, Kind::Request, false), Ok(Some(40)));
        assert_eq!(decoded(&two[..40], Kind::Request).unwrap().text(), "hi");
    }

    #[test]
    fn a_response_without_length_runs_to_the_close() {
        let open = b"HTTP/1.0 200 OK\r\n\r\nall of it";
        assert_eq!(extent(open, Kind::Response, false), Ok(None));
        assert_eq!(extent(open, Kind::Response, true), Ok(Some(open.len())));
    }

    #[test]
    fn answers_to_head_and_204_and_304_and_1xx_have_no_body() {
        let head = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n";
        assert_eq!(extent(head, Kind::ResponseToHead, false), Ok(Some(head.len())));
        for status in ["100 Continue", "204 No Content", "304 Not Modified"] {
            let head = format!("HTTP/1.1 {status}\r\n\r\n");
            assert_eq!(
                extent(head.as_bytes(), Kind::Response, false),
                Ok(Some(head.len()))
            );
        }
    }

    #[test]
    fn contradicting_framing_is_a_fault() {
        let both = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n";
        assert!(extent(both, Kind::Response, false).is_err());
        let twice = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc";
        assert!(extent(twice, Kind::Response, false).is_err());
    }

    #[test]
    fn field_bytes_outside_ascii_are_kept() {
        let head = b"GET / HTTP/1.1\r\nX-Name: caf\xe9\r\nx-name: 2\r\n\r\n";
        let message = decoded(head, Kind::Request).unwrap();
        assert_eq!(message.values("X-NAME"), ["caf\u{e9}", "2"]);
    }
}
