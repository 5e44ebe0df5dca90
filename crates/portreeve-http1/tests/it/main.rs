//! HTTP/1.1 through the crate's public face. One binary of tests, since each would link the same again.

mod any_chunked_body;
mod any_head;
mod chunks;
mod framings;
mod requests;
mod responses;
mod trailer_sections;
