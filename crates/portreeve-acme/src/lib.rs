//! Certificates by ACME (RFC 8555): ordered, proved, stored, renewed.
