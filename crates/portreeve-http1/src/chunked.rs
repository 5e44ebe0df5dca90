use std::ops::Range;

use crate::chars::{is_blank, is_tchar, is_text};
use crate::fault::Fault;

/// Follows a chunked body (RFC 9112 section 7.1) up to and including the last-chunk line; the trailer section behind
/// it is for [`parse_trailers`](crate::parse_trailers). Holds no bytes, so any split of the input gives the same.
///
/// ```text
///          hex            ;          CRLF           size bytes       CRLF
///  Start -------> Size -------> ext* ------> Data -------------> End ------> Start
///                  |                           ^
///                  +------------ CRLF ---------+   size 0: Done
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Chunked {
    /// Of the size while its line is read, then data still to come.
    left: u64,
    /// Bytes of the present line.
    line: u16,
    digits: u8,
    state: State,
}

/// What [`Chunked::pass`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Passed {
    /// Bytes of the input that belong to the body as it is on the wire; all of it unless the last chunk came.
    pub bytes: usize,
    /// Bytes of content among them.
    pub data: u64,
    /// Whether the last-chunk line is complete.
    pub last_chunk: bool,
}

/// What [`Chunked::next`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChunkEvent {
    /// Bytes of the input that are done with; hand in the rest next time.
    pub consumed: usize,
    /// Where content stands in the input, if there is any, never empty. It ends where `consumed` does.
    pub data: Option<Range<usize>>,
    /// Whether the last-chunk line is complete.
    pub last_chunk: bool,
}

impl Chunked {
    /// Checks and counts `input`, to be passed on as it is; stops behind the last-chunk line.
    ///
    /// # Errors
    /// Those of chunks, bare CR and bare LF. The body cannot be followed any further.
    pub fn pass(&mut self, input: &[u8]) -> Result<Passed, Fault> {
        let mut passed = Passed {
            bytes: 0,
            data: 0,
            last_chunk: self.is_done(),
        };
        while passed.bytes < input.len() && !passed.last_chunk {
            let event = self.next(&input[passed.bytes..])?;
            passed.bytes += event.consumed;
            passed.data += event.data.map_or(0, |data| data.len() as u64);
            passed.last_chunk = event.last_chunk;
        }
        Ok(passed)
    }

    /// Decodes `input` up to the end of its first stretch of content; stops behind the last-chunk line. Without
    /// content and last chunk, all of `input` is consumed.
    ///
    /// # Errors
    /// Those of chunks, bare CR and bare LF. The body cannot be followed any further.
    pub fn next(&mut self, input: &[u8]) -> Result<ChunkEvent, Fault> {
        let start = self.read_lines(input)?;
        let length = self.take_data(input.len() - start);
        let data = (length > 0).then(|| start..start + length);
        Ok(ChunkEvent {
            consumed: start + length,
            data,
            last_chunk: self.is_done(),
        })
    }

    /// Whether the last-chunk line is complete.
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Reads what is not content at the start of `input`; returns its length.
    fn read_lines(&mut self, input: &[u8]) -> Result<usize, Fault> {
        let mut at = 0;
        while at < input.len() && !matches!(self.state, State::Data | State::Done) {
            self.state = self.after(input[at])?;
            at += 1;
        }
        Ok(at)
    }

    /// Takes up to `available` bytes as content, if it is its turn.
    fn take_data(&mut self, available: usize) -> usize {
        if self.state != State::Data {
            return 0;
        }
        let length = usize::try_from(self.left).map_or(available, |left| left.min(available));
        self.left -= length as u64;
        if self.left == 0 {
            self.state = State::EndCr;
        }
        length
    }

    /// The state behind `byte`, which is not content.
    #[inline]
    fn after(&mut self, byte: u8) -> Result<State, Fault> {
        match self.state {
            State::Start | State::Size if byte.is_ascii_hexdigit() => self.add_digit(byte),
            State::SizeLf if byte == b'\n' => Ok(self.begin_data()),
            State::EndCr if byte == b'\r' => Ok(State::EndLf),
            State::EndLf if byte == b'\n' => Ok(self.begin_line()),
            State::Size if byte == b'\r' => Ok(State::SizeLf),
            _ => self.after_extension(byte),
        }
    }

    fn add_digit(&mut self, digit: u8) -> Result<State, Fault> {
        if self.digits == SIZE_DIGITS_MAX {
            return Err(Fault::ChunkSizeTooLong);
        }
        self.digits += 1;
        self.line += 1;
        self.left = self.left << 4 | u64::from(hex_value(digit));
        Ok(State::Size)
    }

    fn begin_data(&self) -> State {
        if self.left == 0 { State::Done } else { State::Data }
    }

    fn begin_line(&mut self) -> State {
        *self = Self::default();
        self.state
    }

    /// The state behind `byte` of an extension (RFC 9112 section 7.1.1), or the fault that it is.
    fn after_extension(&mut self, byte: u8) -> Result<State, Fault> {
        self.line += 1;
        // Behind anything but its CR, two more bytes have to come.
        if self.line + u16::from(byte != b'\r') >= LINE_MAX {
            return Err(Fault::ChunkLineTooLong);
        }
        let next = match self.state {
            State::Size | State::Blank | State::Name | State::NameBlank | State::Value | State::Quoted
                if byte == b';' =>
            {
                Some(State::NameStart)
            }
            State::Name | State::Value | State::Quoted if byte == b'\r' => Some(State::SizeLf),
            State::Size | State::Value | State::Quoted | State::Blank if is_blank(byte) => Some(State::Blank),
            State::Name | State::NameBlank if is_blank(byte) => Some(State::NameBlank),
            State::Name | State::NameBlank if byte == b'=' => Some(State::ValueStart),
            State::NameStart | State::ValueStart if is_blank(byte) => Some(self.state),
            State::NameStart | State::Name if is_tchar(byte) => Some(State::Name),
            State::ValueStart | State::Value if is_tchar(byte) => Some(State::Value),
            State::ValueStart if byte == b'"' => Some(State::InQuotes),
            State::InQuotes if byte == b'"' => Some(State::Quoted),
            State::InQuotes if byte == b'\\' => Some(State::Escaped),
            State::InQuotes | State::Escaped if is_text(byte) => Some(State::InQuotes),
            _ => None,
        };
        next.ok_or_else(|| self.fault(byte))
    }

    /// What is wrong with `byte` in the present state.
    #[cold]
    fn fault(&self, byte: u8) -> Fault {
        match (self.state, byte) {
            (State::EndCr | State::EndLf, _) => Fault::ChunkEnd,
            (State::SizeLf, _) => Fault::BareCr,
            (State::Start, _) => Fault::ChunkSize,
            (_, b'\n') => Fault::BareLf,
            (State::Size, _) => Fault::ChunkSize,
            _ => Fault::ChunkExtension,
        }
    }
}

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum State {
    /// The first digit of a size.
    #[default]
    Start,
    /// Another digit, an extension or CR.
    Size,
    /// A semicolon, after spaces behind a size or a value.
    Blank,
    /// The name of an extension, spaces before it.
    NameStart,
    /// More of the name, `=`, another extension or CR.
    Name,
    /// `=` or another extension, after spaces behind a name.
    NameBlank,
    /// The value, spaces before it.
    ValueStart,
    /// More of a token, another extension or CR.
    Value,
    /// More of a quoted string.
    InQuotes,
    /// The byte behind a backslash.
    Escaped,
    /// Another extension or CR, behind a quoted string.
    Quoted,
    /// The LF of the line.
    SizeLf,
    /// Content.
    Data,
    /// The CR behind content.
    EndCr,
    /// The LF behind content.
    EndLf,
    /// Nothing: the last-chunk line is complete.
    Done,
}

/// The line that begins a chunk, for whoever writes one: size and CRLF.
#[derive(Debug, Clone, Copy)]
pub struct SizeLine {
    bytes: [u8; 18],
    start: u8,
}

impl SizeLine {
    /// The line of a chunk of `size` bytes. Behind the content another CRLF is due; a size of 0 is the last chunk.
    pub fn new(size: u64) -> Self {
        let mut line = Self {
            bytes: *b"0000000000000000\r\n",
            start: 15,
        };
        let mut rest = size;
        for place in (0..16).rev() {
            line.bytes[place as usize] = b"0123456789abcdef"[(rest & 15) as usize];
            if rest != 0 {
                line.start = place;
            }
            rest >>= 4;
        }
        line
    }

    /// The line, as short as it can be; at most 18 bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[self.start as usize..]
    }
}

fn hex_value(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        _ => (digit | 0x20) - b'a' + 10,
    }
}

/// The last chunk and an empty trailer section.
pub const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// Digits of a size; more than 16 would overflow.
const SIZE_DIGITS_MAX: u8 = 16;

/// Bytes of a chunk's line with its CRLF.
const LINE_MAX: u16 = 4096;
