use crate::fault::Fault;
use crate::field::{Field, Known};

/// The field lines of a message, in order, over a copy of the head's bytes. Made to be reused.
#[derive(Debug, Clone, Default)]
pub struct Head {
    bytes: Vec<u8>,
    fields: Vec<Field>,
    seen: u64,
    repeated: u64,
}

impl Head {
    /// An empty one, which holds no memory.
    pub fn new() -> Self {
        Self::default()
    }

    /// Forgets the content and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.fields.clear();
        self.seen = 0;
        self.repeated = 0;
    }

    /// Bytes of memory that it holds.
    pub fn capacity(&self) -> usize {
        self.bytes.capacity() + self.fields.capacity() * size_of::<Field>()
    }

    /// The head as read, from the first byte of its first line to the end of its empty line.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The field lines, in the order in which they came.
    #[inline]
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// The name of a field of this head, as written.
    #[inline]
    pub fn name(&self, field: &Field) -> &[u8] {
        field.name.of(&self.bytes)
    }

    /// The value of a field of this head, as written.
    #[inline]
    pub fn value(&self, field: &Field) -> &[u8] {
        field.value.of(&self.bytes)
    }

    /// Whether there is a field of this name; costs no search.
    #[inline]
    pub fn has(&self, known: Known) -> bool {
        self.seen & known.bit() != 0
    }

    /// Whether there are several fields of this name; costs no search.
    #[inline]
    pub fn repeats(&self, known: Known) -> bool {
        self.repeated & known.bit() != 0
    }

    /// The first value of this name.
    #[inline]
    pub fn first(&self, known: Known) -> Option<&[u8]> {
        self.values(known).next()
    }

    /// The values of all fields of this name, in order; costs no search when there is none.
    #[inline]
    pub fn values(&self, known: Known) -> impl Iterator<Item = &[u8]> {
        let fields: &[Field] = if self.has(known) { &self.fields } else { &[] };
        fields
            .iter()
            .filter(move |field| field.known == known)
            .map(|field| self.value(field))
    }

    /// The values of all fields named `lower`, a name in lower case, in order.
    pub fn named<'a>(&'a self, lower: &'a str) -> impl Iterator<Item = &'a [u8]> {
        let known = Known::of(lower.as_bytes());
        let fields: &[Field] = if self.has(known) { &self.fields } else { &[] };
        fields
            .iter()
            .filter(move |field| self.is_named(field, known, lower))
            .map(|field| self.value(field))
    }

    fn is_named(&self, field: &Field, known: Known, lower: &str) -> bool {
        field.known == known
            && (known != Known::Other || self.name(field).eq_ignore_ascii_case(lower.as_bytes()))
    }

    /// Starts over with a copy of `bytes`, if the limits allow them.
    pub(crate) fn refill(&mut self, bytes: &[u8], limits: &HeadLimits) -> Result<(), Fault> {
        self.clear();
        if bytes.len() > limits.bytes_max.min(u32::MAX as usize) {
            return Err(Fault::HeadTooLarge);
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    #[inline]
    pub(crate) fn push(&mut self, field: Field) {
        let bit = field.known.bit();
        self.repeated |= self.seen & bit;
        self.seen |= bit;
        self.fields.push(field);
    }
}

/// A version of HTTP/1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Version {
    /// HTTP/1.0.
    H10,
    /// HTTP/1.1, and any later HTTP/1, as RFC 9110 section 2.5 has it: write your own version when passing it on.
    H11,
}

impl Version {
    /// Reads exactly the eight bytes of a version (RFC 9112 section 2.3).
    #[inline]
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, Fault> {
        match bytes {
            b"HTTP/1.1" => Ok(Self::H11),
            b"HTTP/1.0" => Ok(Self::H10),
            [b'H', b'T', b'T', b'P', b'/', b'1', b'.', b'2'..=b'9'] => Ok(Self::H11),
            [b'H', b'T', b'T', b'P', b'/', b'0'..=b'9', b'.', b'0'..=b'9'] => Err(Fault::UnsupportedVersion),
            _ => Err(Fault::Version),
        }
    }
}

/// How large a head or a trailer section may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeadLimits {
    /// Bytes in all, the empty line included; at most `u32::MAX` counts.
    pub bytes_max: usize,
    /// Number of fields.
    pub fields_max: usize,
    /// Bytes of the request target; means nothing for responses and trailers.
    pub target_max: usize,
}

impl Default for HeadLimits {
    /// 32 KiB in all, 128 fields, 16 KiB of target.
    fn default() -> Self {
        Self {
            bytes_max: 32 * 1024,
            fields_max: 128,
            target_max: 16 * 1024,
        }
    }
}
