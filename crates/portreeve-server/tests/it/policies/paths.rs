//! Each way that a request may take to a backend that does not uphold its policy, and that it does not take it.

mod files;
mod joined;
