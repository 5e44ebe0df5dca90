//! What a client asks, whatever it speaks.

use bytes::Bytes;

/// A request; its host is that of the pair.
#[derive(Debug, Clone)]
pub(super) struct Ask {
    pub(super) method: &'static str,
    pub(super) path: String,
    pub(super) fields: Vec<(&'static str, String)>,
    pub(super) body: Body,
}

/// Its body.
#[derive(Debug, Clone)]
pub(super) enum Body {
    /// The head ends the request.
    Without,
    /// Its length is told.
    Known(Bytes),
    /// It comes in pieces, and its length is not told; then trailers.
    Pieces(Vec<Bytes>, &'static [(&'static str, &'static str)]),
    /// Its length is told, but no more than this comes.
    Part(usize, Bytes),
    /// Its length is told, and it comes once the client was told to go on.
    Asked(Bytes),
}

impl Ask {
    pub(super) fn new(method: &'static str, path: &str) -> Self {
        Self {
            method,
            path: path.to_owned(),
            fields: Vec::new(),
            body: Body::Without,
        }
    }

    pub(super) fn field(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.fields.push((name, value.into()));
        self
    }

    pub(super) fn body(self, body: Body) -> Self {
        Self { body, ..self }
    }

    /// The length that is told.
    pub(super) fn length(&self) -> Option<usize> {
        match &self.body {
            Body::Known(bytes) | Body::Asked(bytes) => Some(bytes.len()),
            Body::Part(length, _) => Some(*length),
            Body::Without | Body::Pieces(..) => None,
        }
    }
}
