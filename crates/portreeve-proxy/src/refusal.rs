//! Answers of our own: every failure that can still be told to the client, in one form (RFC 9209, RFC 9457).

pub(crate) mod grpc;
pub(crate) mod page;

use std::borrow::Cow;
use std::cmp::Reverse;
use std::sync::Arc;
use std::time::Duration;

use portreeve_http1::{Head, Known};
use portreeve_model::Cause;

use crate::request::{Request, Tunnel};

/// Why a request is not served, and one sentence about it that may be shown to anybody.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    pub(crate) cause: Cause,
    pub(crate) detail: Cow<'static, str>,
    /// After how many seconds to try again.
    retry_after: Option<u64>,
    /// What is shown instead of what it says.
    page: Option<Arc<str>>,
}

impl Refusal {
    pub(crate) fn new(cause: Cause) -> Self {
        Self::saying(cause, cause.title())
    }

    pub(crate) fn saying(cause: Cause, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            cause,
            detail: detail.into(),
            retry_after: None,
            page: None,
        }
    }

    /// With the time after which to try again, in whole seconds, at least one (RFC 9110 section 10.2.3).
    pub(crate) fn retry_after(self, wait: Duration) -> Self {
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        Self {
            retry_after: Some(seconds.max(1)),
            ..self
        }
    }

    /// With this page instead of ours.
    pub(crate) fn showing(self, page: Arc<str>) -> Self {
        Self {
            page: Some(page),
            ..self
        }
    }

    pub(crate) fn shows_page(&self) -> bool {
        self.page.is_some()
    }

    /// The whole response. Without the body for `HEAD`, with its length all the same.
    pub(crate) fn write(&self, answer: &Answer<'_>, out: &mut Vec<u8>) {
        if let Some(kind) = answer.grpc {
            return grpc::write(self, kind, answer, out);
        }
        let (kind, body) = match &self.page {
            Some(page) => (HTML, Cow::Borrowed(&**page)),
            None if answer.html => (HTML, Cow::Owned(self.html())),
            None => ("application/problem+json", Cow::Owned(self.problem())),
        };
        let status = self.cause.status();
        let head = format!(
            "HTTP/1.1 {status} {reason}\r\nDate: {date}\r\nServer: portreeve\r\nContent-Type: {kind}\r\n\
             Content-Length: {length}\r\nCache-Control: no-store\r\nProxy-Status: portreeve; error={error}; details=\"{code}\"\r\n",
            reason = reason(status),
            date = String::from_utf8_lossy(answer.date),
            length = body.len(),
            error = self.cause.proxy_error(),
            code = self.cause.code(),
        );
        out.extend_from_slice(head.as_bytes());
        if let Some(seconds) = self.retry_after {
            out.extend_from_slice(format!("Retry-After: {seconds}\r\n").as_bytes());
        }
        if let Some(connection) = answer.connection {
            out.extend_from_slice(format!("Connection: {connection}\r\n").as_bytes());
        }
        out.extend_from_slice(b"\r\n");
        if !answer.head_only {
            out.extend_from_slice(body.as_bytes());
        }
    }

    /// RFC 9457 section 3, with our `cause` as extension member.
    fn problem(&self) -> String {
        format!(
            "{{\"type\":\"about:blank\",\"title\":\"{}\",\"status\":{},\"cause\":\"{}\",\"detail\":\"{}\"}}\n",
            reason(self.cause.status()),
            self.cause.status(),
            self.cause.code(),
            self.detail.replace('\\', "\\\\").replace('"', "\\\""),
        )
    }

    fn html(&self) -> String {
        let (status, reason) = (self.cause.status(), reason(self.cause.status()));
        let detail = self.detail.replace('&', "&amp;").replace('<', "&lt;");
        format!(
            "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\n\
             <title>{status} {reason}</title>\n<style>{STYLE}</style>\n\
             <main><h1>{status}<small>{reason}</small></h1><p>{detail}</p><footer><code>{}</code> &middot; portreeve</footer></main></html>\n",
            self.cause.code(),
        )
    }
}

/// What decides the form of an answer.
pub(crate) struct Answer<'a> {
    pub(crate) html: bool,
    /// The content type of a request of gRPC.
    pub(crate) grpc: Option<&'a [u8]>,
    pub(crate) head_only: bool,
    pub(crate) date: &'a [u8],
    pub(crate) connection: Option<&'static str>,
}

/// Whether the client would rather have a page than JSON: it names `text/html`, and JSON less or later (RFC 9110
/// section 12.5.1). Wildcards say nothing about either.
pub(crate) fn prefers_html(head: &Head) -> bool {
    let ranges = || {
        head.values(Known::Accept)
            .flat_map(|value| value.split(|byte| *byte == b','))
            .enumerate()
    };
    let rank = |kinds: &[&[u8]]| {
        let weighed = ranges().filter_map(|(place, range)| Some((quality(range, kinds)?, Reverse(place))));
        weighed.max().filter(|(quality, _)| *quality > 0)
    };
    rank(&[b"text/html"]) > rank(&[b"application/json", b"application/problem+json"])
}

/// Whether a browser goes to a page with it: it would rather have one than JSON, and does not say that a script asks (W3C
/// Fetch Metadata, section 2.2).
pub(crate) fn is_navigation(request: &Request) -> bool {
    let by_user = |mode: &[u8]| mode.eq_ignore_ascii_case(b"navigate");
    matches!(request.method(), b"GET" | b"HEAD")
        && request.tunnel == Tunnel::None
        && request.head.named("sec-fetch-mode").all(by_user)
        && prefers_html(&request.head)
}

/// The weight of a media range in thousandths, if it is one of `kinds`.
fn quality(range: &[u8], kinds: &[&[u8]]) -> Option<u16> {
    let mut parts = range.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
    let kind = parts.next()?;
    if !kinds.iter().any(|one| one.eq_ignore_ascii_case(kind)) {
        return None;
    }
    let given = parts.find_map(|part| part.strip_prefix(b"q=").or_else(|| part.strip_prefix(b"Q=")));
    Some(given.map_or(1_000, thousandths))
}

/// `0`, `0.5` or `1.000` in thousandths; what is no weight counts as 1.
fn thousandths(weight: &[u8]) -> u16 {
    let Some(fraction) = weight.strip_prefix(b"0") else {
        return 1_000;
    };
    let digits = fraction.iter().skip(1).chain([b'0'; 3].iter()).take(3);
    digits.fold(0, |sum, digit| {
        sum * 10 + u16::from(digit.wrapping_sub(b'0').min(9))
    })
}

/// The reason phrases of the statuses that we answer ourselves (RFC 9110 section 15, RFC 6585).
pub(crate) fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        201 => "Created",
        204 => "No Content",
        301 => "Moved Permanently",
        302 => "Found",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        409 => "Conflict",
        413 => "Content Too Large",
        414 => "URI Too Long",
        415 => "Unsupported Media Type",
        417 => "Expectation Failed",
        421 => "Misdirected Request",
        422 => "Unprocessable Content",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        _ => "Internal Server Error",
    }
}

const HTML: &str = "text/html; charset=utf-8";

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;margin:0;display:grid;place-items:center;min-height:100vh;color:#222;background:#fafafa}\
main{max-width:32rem;padding:2rem}h1{font-size:3rem;margin:0}small{display:block;font-size:1.25rem;font-weight:500;color:#555}\
footer{color:#777;font-size:.85rem;border-top:1px solid #ddd;padding-top:.75rem}\
@media(prefers-color-scheme:dark){body{color:#eee;background:#181818}small,footer{color:#aaa}footer{border-color:#444}}";
