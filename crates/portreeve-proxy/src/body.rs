//! A body as it comes in: what of the bytes at hand belongs to it and may go on.

use portreeve_http1::{Chunked, Fault, Framing, Head, HeadLimits, HeadScan, parse_trailers};

/// Where one body ends, and how far it was read.
pub(crate) enum Body {
    Empty,
    /// So many bytes are still to come.
    Exact(u64),
    Chunked(Chunked),
    /// The last chunk is over; the trailer section is being read.
    Trailers(HeadScan),
    UntilClose,
}

/// What a look at the bytes at hand gave.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Step {
    /// Bytes to drop before those that go on: chunk framing when it is taken off.
    pub(crate) skip: usize,
    /// Bytes that go on as they are.
    pub(crate) pass: usize,
    /// Body bytes among `pass`.
    pub(crate) data: u64,
    /// Whether the body is complete with these.
    pub(crate) ended: bool,
}

impl Body {
    pub(crate) fn new(framing: Framing) -> Self {
        match framing {
            Framing::Empty => Self::Empty,
            Framing::Exact(count) => Self::Exact(count),
            Framing::Chunked => Self::Chunked(Chunked::default()),
            Framing::UntilClose => Self::UntilClose,
        }
    }

    /// Whether the end of the stream is the end of the body, not a loss.
    pub(crate) fn ends_at_close(&self) -> bool {
        matches!(self, Self::UntilClose)
    }

    /// Takes what it can of `input`. Chunks stay framed (`verbatim`) or lose their framing; trailers are left to `trailers`.
    pub(crate) fn step(&mut self, input: &[u8], verbatim: bool) -> Result<Step, Fault> {
        match self {
            Self::Empty => Ok(Step {
                ended: true,
                ..Step::default()
            }),
            Self::Exact(left) => {
                let pass = usize::try_from(*left).map_or(input.len(), |left| left.min(input.len()));
                *left -= pass as u64;
                Ok(Step {
                    skip: 0,
                    pass,
                    data: pass as u64,
                    ended: *left == 0,
                })
            }
            Self::UntilClose => Ok(Step {
                skip: 0,
                pass: input.len(),
                data: input.len() as u64,
                ended: false,
            }),
            Self::Chunked(_) if verbatim => self.pass_chunks(input),
            Self::Chunked(_) => self.strip_chunks(input),
            Self::Trailers(_) => Ok(Step::default()),
        }
    }

    /// Reads the trailer section from `input`; `Some(consumed)` when it is complete and in `head`.
    pub(crate) fn trailers(
        &mut self,
        input: &[u8],
        limits: &HeadLimits,
        head: &mut Head,
    ) -> Result<Option<usize>, Fault> {
        match self {
            Self::Trailers(scan) => parse_trailers(input, scan, limits, head),
            _ => Ok(None),
        }
    }

    pub(crate) fn is_at_trailers(&self) -> bool {
        matches!(self, Self::Trailers(_))
    }

    fn pass_chunks(&mut self, input: &[u8]) -> Result<Step, Fault> {
        let Self::Chunked(chunked) = self else {
            return Ok(Step::default());
        };
        let passed = chunked.pass(input)?;
        let mut step = Step {
            skip: 0,
            pass: passed.bytes,
            data: passed.data,
            ended: false,
        };
        if passed.last_chunk {
            if input[passed.bytes..].starts_with(NO_TRAILERS) {
                step.pass += NO_TRAILERS.len();
                step.ended = true;
            } else {
                *self = Self::Trailers(HeadScan::default());
            }
        }
        Ok(step)
    }

    fn strip_chunks(&mut self, input: &[u8]) -> Result<Step, Fault> {
        let Self::Chunked(chunked) = self else {
            return Ok(Step::default());
        };
        let event = chunked.next(input)?;
        if event.last_chunk {
            *self = Self::Trailers(HeadScan::default());
        }
        Ok(match event.data {
            Some(range) => Step {
                skip: range.start,
                pass: range.len(),
                data: range.len() as u64,
                ended: false,
            },
            None => Step {
                skip: event.consumed,
                ..Step::default()
            },
        })
    }
}

/// An empty trailer section.
const NO_TRAILERS: &[u8] = b"\r\n";
