//! First: the earliest in the file that is available; the others stand by.

use std::sync::Arc;

use super::is_tried;
use crate::ask::Ask;
use crate::backend::Backend;

pub(super) fn choose(backends: &[Arc<Backend>], ask: &Ask<'_>) -> Option<usize> {
    backends.iter().position(|backend| !is_tried(backend, ask))
}
