//! Any Content-Length, Transfer-Encoding and Connection lines: framed as a slow reading of RFC 9112 section 6 says.
//! Each line of the input is one field; its first byte chooses the name.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portreeve_http1::{
    Fault, Framing, Head, HeadLimits, connection_names, keeps_alive, parse_request, parse_response,
    request_framing, response_framing,
};

fuzz_target!(|data: &[u8]| {
    let Some((version, data)) = data.split_first() else {
        return;
    };
    let version = if version % 4 == 0 { "1.0" } else { "1.1" };
    let Ok(text) = str::from_utf8(data) else { return };
    let fields: Vec<(&str, &str)> = text.split('\n').filter_map(as_field).collect();
    let lines: String = fields
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();

    let mut head = Head::new();
    let request = format!("POST / HTTP/{version}\r\nHost: a\r\n{lines}\r\n");
    let Ok(line) = parse_request(request.as_bytes(), &HeadLimits::default(), &mut head) else {
        return;
    };
    let expected = Reference::new(version, &fields);
    assert_eq!(
        plain(request_framing(&line, &head)),
        expected.framing(Framing::Empty),
        "{request:?}"
    );
    assert_eq!(
        keeps_alive(line.version, &head),
        expected.keeps_alive(),
        "{request:?}"
    );
    assert_eq!(
        connection_names(&head).collect::<Vec<_>>(),
        expected.names(),
        "{request:?}"
    );

    let response = format!("HTTP/{version} 200 OK\r\n{lines}\r\n");
    let line = parse_response(response.as_bytes(), &HeadLimits::default(), &mut head)
        .expect("the lines were accepted in a request");
    let found = response_framing(b"GET", &line, &head);
    assert_eq!(
        plain(found),
        expected.framing(Framing::UntilClose),
        "{response:?}"
    );
});

fn as_field(line: &str) -> Option<(&'static str, &str)> {
    let mut chars = line.chars();
    let name = match chars.next()? {
        'c' => "Content-Length",
        't' => "transfer-encoding",
        _ => "Connection",
    };
    Some((name, chars.as_str()))
}

/// Which fault it is does not matter here.
fn plain(framing: Result<Framing, Fault>) -> Option<Framing> {
    framing.ok()
}

struct Reference<'a> {
    version: &'a str,
    lengths: Vec<&'a str>,
    codings: Vec<&'a str>,
    options: Vec<&'a str>,
}

impl<'a> Reference<'a> {
    fn new(version: &'a str, fields: &[(&str, &'a str)]) -> Self {
        let values = |wanted: &str| {
            fields
                .iter()
                .filter(|(name, _)| *name == wanted)
                .map(|(_, v)| v.trim_matches([' ', '\t']))
                .collect::<Vec<_>>()
        };
        let list = |wanted: &str| {
            values(wanted)
                .iter()
                .flat_map(|v| v.split(','))
                .map(|v| v.trim_matches([' ', '\t']))
                .collect()
        };
        Self {
            version,
            lengths: values("Content-Length"),
            codings: list("transfer-encoding"),
            options: list("Connection"),
        }
    }

    /// What the fields allow, `otherwise` if there are none.
    fn framing(&self, otherwise: Framing) -> Option<Framing> {
        match (self.lengths.as_slice(), self.codings.as_slice()) {
            ([], []) => Some(otherwise),
            ([], [coding]) if self.version == "1.1" && coding.eq_ignore_ascii_case("chunked") => {
                Some(Framing::Chunked)
            }
            ([length], []) if !length.is_empty() && length.chars().all(|c| c.is_ascii_digit()) => {
                length.parse().ok().map(|length: u64| {
                    if length == 0 {
                        Framing::Empty
                    } else {
                        Framing::Exact(length)
                    }
                })
            }
            _ => None,
        }
    }

    fn keeps_alive(&self) -> bool {
        let has = |option: &str| self.options.iter().any(|o| o.eq_ignore_ascii_case(option));
        !has("close") && (self.version == "1.1" || has("keep-alive"))
    }

    fn names(&self) -> Vec<&[u8]> {
        let kept = [
            "",
            "close",
            "keep-alive",
            "host",
            "content-length",
            "transfer-encoding",
        ];
        let is_name = |option: &&str| !kept.contains(&option.to_ascii_lowercase().as_str());
        self.options
            .iter()
            .copied()
            .filter(|option| is_name(option))
            .map(str::as_bytes)
            .collect()
    }
}
