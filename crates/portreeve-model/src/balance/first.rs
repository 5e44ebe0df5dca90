//! First: the earliest in the file that is available; the others stand by.

use std::sync::Arc;

use super::is_tried;
use crate::ask::Ask;
use crate::backend::Backend;

pub(super) fn choose(backends: &[Arc<Backend>], ask: &Ask<'_>) -> Option<usize> {
    backends.iter().position(|backend| !is_tried(backend, ask))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{ask, backends, tried};
    use crate::tried::Tried;

    #[test]
    fn the_second_serves_only_once_the_first_was_tried() {
        let backends = backends(&[1, 1]);
        assert_eq!(choose(&backends, &ask(&Tried::default())), Some(0));
        assert_eq!(choose(&backends, &ask(&tried([&backends[0]]))), Some(1));
        assert_eq!(choose(&backends, &ask(&tried(&backends))), None);
    }
}
