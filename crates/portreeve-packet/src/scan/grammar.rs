use super::is_space;
use super::nesting::Nesting;

/// The grammar of one JSON value (RFC 8259), byte by byte and without recursion.
///
/// ```text
///  Start, Value, FirstItem --> { FirstKey --> Text --> Colon --> Value
///                          --> [ FirstItem
///                          --> " Text, Escape, Hex --> "
///                          --> -, 0, 1..9 the states of a number --> any byte that is not of it
///                          --> t f n Word
///  a value's end           --> After --> , Key or Value
///                                    --> } ] a value's end
///                          --> the end, if it was the outermost
/// ```
#[derive(Debug, Clone, Default)]
pub(super) struct Grammar {
    state: State,
    nesting: Nesting,
    /// The string that we are in, or were in last, is a key.
    is_key: bool,
}

/// What a byte does.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The value goes on.
    On,
    /// The value goes on, and what follows is text of a string.
    InText,
    /// The value ends with this byte.
    EndsWith,
    /// The value has ended before this byte.
    EndsBefore,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum State {
    /// The outermost value is to come.
    #[default]
    Start,
    Value,
    /// A value or the array's end.
    FirstItem,
    /// A key or the object's end.
    FirstKey,
    Key,
    Colon,
    /// A value is complete; a comma or the end of what it stands in.
    After,
    Text,
    Escape,
    /// This many hexadecimal digits are to come.
    Hex(u8),
    Minus,
    Zero,
    Integer,
    Point,
    Fraction,
    Exponent,
    ExponentSign,
    ExponentDigits,
    /// These bytes of `true`, `false` or `null` are to come.
    Word(&'static [u8]),
}

/// What would have been allowed.
type Wanted = &'static str;

impl Grammar {
    /// Takes the next byte.
    pub(super) fn step(&mut self, byte: u8) -> Result<Step, Wanted> {
        match self.state {
            State::Text => self.text(byte),
            State::Escape => self.escape(byte),
            State::Hex(missing) => self.hex(missing, byte),
            State::Word(rest) => self.word(rest, byte),
            state if state.is_number() => self.number(byte),
            _ if is_space(byte) => Ok(Step::On),
            _ => self.structure(byte),
        }
    }

    /// Whether the value is complete if nothing follows.
    pub(super) fn may_end(&self) -> bool {
        self.nesting.is_outside() && self.state.may_end_number()
    }

    /// How many objects and arrays lay within each other at most.
    pub(super) fn deepest(&self) -> usize {
        self.nesting.deepest()
    }

    fn structure(&mut self, byte: u8) -> Result<Step, Wanted> {
        match (self.state, byte) {
            (State::FirstKey, b'}') | (State::FirstItem, b']') => Ok(self.close()),
            (State::FirstKey | State::Key, b'"') => Ok(self.begin_text(true)),
            (State::FirstKey, _) => Err("a key in double quotes, or '}'"),
            (State::Key, _) => Err("a key in double quotes"),
            (State::Colon, b':') => Ok(self.go(State::Value)),
            (State::Colon, _) => Err("a colon"),
            (State::After, _) => self.after(byte),
            _ => self.value(byte),
        }
    }

    fn value(&mut self, byte: u8) -> Result<Step, Wanted> {
        match byte {
            b'{' => Ok(self.open(true)),
            b'[' => Ok(self.open(false)),
            b'"' => Ok(self.begin_text(false)),
            b'-' => Ok(self.go(State::Minus)),
            b'0' => Ok(self.go(State::Zero)),
            b'1'..=b'9' => Ok(self.go(State::Integer)),
            b't' => Ok(self.go(State::Word(b"rue"))),
            b'f' => Ok(self.go(State::Word(b"alse"))),
            b'n' => Ok(self.go(State::Word(b"ull"))),
            _ if self.state == State::Start => Err("'{', as a packet is a JSON object"),
            _ => Err("a JSON value"),
        }
    }

    fn after(&mut self, byte: u8) -> Result<Step, Wanted> {
        match (self.nesting.is_object(), byte) {
            (true, b',') => Ok(self.go(State::Key)),
            (false, b',') => Ok(self.go(State::Value)),
            (true, b'}') | (false, b']') => Ok(self.close()),
            (true, _) => Err("a comma or '}'"),
            (false, _) => Err("a comma or ']'"),
        }
    }

    fn open(&mut self, is_object: bool) -> Step {
        self.nesting.open(is_object);
        self.go(if is_object {
            State::FirstKey
        } else {
            State::FirstItem
        })
    }

    fn close(&mut self) -> Step {
        self.nesting.close();
        self.end()
    }

    fn begin_text(&mut self, is_key: bool) -> Step {
        self.is_key = is_key;
        self.in_text()
    }

    fn text(&mut self, byte: u8) -> Result<Step, Wanted> {
        match byte {
            b'"' if self.is_key => Ok(self.go(State::Colon)),
            b'"' => Ok(self.end()),
            b'\\' => Ok(self.go(State::Escape)),
            0..b' ' => Err("no control byte, as strings write it with a backslash"),
            _ => Ok(Step::InText),
        }
    }

    fn escape(&mut self, byte: u8) -> Result<Step, Wanted> {
        match byte {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Ok(self.in_text()),
            b'u' => Ok(self.go(State::Hex(4))),
            _ => Err("one of \" \\ / b f n r t u, after a backslash"),
        }
    }

    fn hex(&mut self, missing: u8, byte: u8) -> Result<Step, Wanted> {
        match (missing, byte.is_ascii_hexdigit()) {
            (_, false) => Err("four hexadecimal digits after \\u"),
            (1, true) => Ok(self.in_text()),
            (_, true) => Ok(self.go(State::Hex(missing - 1))),
        }
    }

    fn word(&mut self, rest: &'static [u8], byte: u8) -> Result<Step, Wanted> {
        match rest.split_first() {
            Some((&next, [])) if next == byte => Ok(self.end()),
            Some((&next, rest)) if next == byte => Ok(self.go(State::Word(rest))),
            _ => Err("a JSON value, such as true, false or null"),
        }
    }

    fn number(&mut self, byte: u8) -> Result<Step, Wanted> {
        use State::*;
        let next = match (self.state, byte) {
            (Minus, b'0') => Zero,
            (Minus | Integer, b'0'..=b'9') => Integer,
            (Zero | Integer, b'.') => Point,
            (Point | Fraction, b'0'..=b'9') => Fraction,
            (Zero | Integer | Fraction, b'e' | b'E') => Exponent,
            (Exponent, b'+' | b'-') => ExponentSign,
            (Exponent | ExponentSign | ExponentDigits, b'0'..=b'9') => ExponentDigits,
            (state, _) if state.may_end_number() => return self.end_number(byte),
            _ => return Err("a digit"),
        };
        Ok(self.go(next))
    }

    /// A number has no end of its own: the byte behind it belongs to what it stands in.
    fn end_number(&mut self, byte: u8) -> Result<Step, Wanted> {
        match self.end() {
            Step::EndsWith => Ok(Step::EndsBefore),
            _ => self.step(byte),
        }
    }

    fn end(&mut self) -> Step {
        if self.nesting.is_outside() {
            return Step::EndsWith;
        }
        self.go(State::After)
    }

    fn in_text(&mut self) -> Step {
        self.state = State::Text;
        Step::InText
    }

    fn go(&mut self, state: State) -> Step {
        self.state = state;
        Step::On
    }
}

impl State {
    fn is_number(self) -> bool {
        self.may_end_number()
            || matches!(
                self,
                Self::Minus | Self::Point | Self::Exponent | Self::ExponentSign
            )
    }

    fn may_end_number(self) -> bool {
        matches!(
            self,
            Self::Zero | Self::Integer | Self::Fraction | Self::ExponentDigits
        )
    }
}
