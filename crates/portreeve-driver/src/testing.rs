//! What the tests of several modules need.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Mutex, Once};
use std::time::{Duration, Instant};

use tracing::field::{Field, Visit};
use tracing::{Event, Metadata, Subscriber, span};

/// A folder that goes with the test.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new() -> Self {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let name = format!(
            "portreeve-driver-{}-{}",
            std::process::id(),
            MADE.fetch_add(1, Relaxed)
        );
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Looks until something is there; it must come to be within ten seconds.
pub(crate) async fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + Duration::from_secs(10);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "{what}: it never came to be");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// All that was logged of instances, by all tests of this process.
pub(crate) struct Log;

static LOGGED: Mutex<Vec<Logged>> = Mutex::new(Vec::new());

#[derive(Default)]
struct Logged {
    instance: String,
    line: Option<String>,
    all: String,
}

impl Log {
    /// From now on.
    pub(crate) fn captured() -> Self {
        static BEGUN: Once = Once::new();
        BEGUN.call_once(|| tracing::subscriber::set_global_default(Capture).unwrap());
        Self
    }

    /// What this instance wrote.
    pub(crate) fn lines(&self, instance: &str) -> Vec<String> {
        let logged = LOGGED.lock().unwrap();
        let own = logged.iter().filter(|event| event.instance == instance);
        own.filter_map(|event| event.line.clone()).collect()
    }

    /// Whether a line says that some were left out.
    pub(crate) fn left_out(&self, instance: &str) -> bool {
        let logged = LOGGED.lock().unwrap();
        let own = |event: &&Logged| event.instance == instance;
        logged
            .iter()
            .filter(own)
            .any(|event| event.all.contains("left out"))
    }

    /// Whether anything that was logged holds this text.
    pub(crate) fn holds(&self, text: &str) -> bool {
        LOGGED
            .lock()
            .unwrap()
            .iter()
            .any(|event| event.all.contains(text))
    }
}

struct Capture;

impl Subscriber for Capture {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut logged = Logged::default();
        event.record(&mut logged);
        LOGGED.lock().unwrap().push(logged);
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

impl Visit for Logged {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "line" {
            self.line = Some(value.to_owned());
        }
        self.record_debug(field, &value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "instance" {
            self.instance = format!("{value:?}");
        }
        self.all.push_str(&format!("{}={value:?} ", field.name()));
    }
}
