//! Writes access records, on a thread of its own: a slow disk never makes a request wait.
//!
//! Workers hand over batches of whole lines; when the writer lags, the data plane drops batches and counts them.

mod place;
mod writer;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::Duration;

use portreeve_admin::Events;
use portreeve_config::AccessLog as Wanted;
use portreeve_proxy::RecordSink;
use tokio::sync::oneshot;
use tokio::time::timeout;

use place::Place;
use writer::Writer;

/// The running writer.
#[derive(Debug)]
pub(crate) struct AccessLog {
    sink: RecordSink,
    reopen: Arc<AtomicBool>,
    /// Fails when the writer is gone.
    done: oneshot::Receiver<()>,
}

impl AccessLog {
    /// Opens the log and starts the writer; `None` if no log is wanted.
    pub(crate) fn open(wanted: &Wanted, events: &Arc<Events>) -> Result<Option<Self>, AccessLogError> {
        let Some(place) = Place::wanted(&wanted.to) else {
            return Ok(None);
        };
        let failed = |source| AccessLogError {
            place: place.to_string(),
            source,
        };
        let (batches, received) = sync_channel(BATCHES_MAX);
        let (end, done) = oneshot::channel::<()>();
        let reopen = Arc::new(AtomicBool::new(false));
        let output = place.open().map_err(failed)?;
        let writer = Writer::new(output, place.clone(), Arc::clone(&reopen), Arc::clone(events));
        let thread = thread::Builder::new().name("access-log".to_owned());
        let started = thread.spawn(move || {
            writer.run(&received);
            drop(end);
        });
        started.map_err(failed)?;
        let sink = RecordSink {
            format: wanted.format,
            batches,
            dropped: events.records_dropped(),
        };
        Ok(Some(Self { sink, reopen, done }))
    }

    /// Where the data plane puts its records.
    pub(crate) fn sink(&self) -> RecordSink {
        self.sink.clone()
    }

    /// Has the file opened anew under its name, before the next batch is written.
    pub(crate) fn reopen(&self) {
        self.reopen.store(true, Ordering::Release);
        let _ = self.sink.batches.try_send(Vec::new()); // wakes the writer; if the queue is full, it is awake
    }

    /// Waits, for a bounded time, until all is written. Whoever has a sink must have dropped it before.
    pub(crate) async fn close(self) {
        let Self {
            sink,
            reopen: _,
            done,
        } = self;
        drop(sink);
        if timeout(CLOSE_WAIT, done).await.is_err() {
            tracing::error!("the access log does not take what is left of it; the rest is lost");
        }
    }
}

/// The access log cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot write the access log {place}: {source}; name a file that this user may append to, - for stdout, or off, \
     with --access-log or `access_log`"
)]
pub struct AccessLogError {
    /// The file, or stdout.
    pub place: String,
    /// What the system said.
    #[source]
    pub source: io::Error,
}

/// Batches that may wait for the writer.
const BATCHES_MAX: usize = 256;

/// How long the end of the process waits for the last records to be written.
const CLOSE_WAIT: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;
    use portreeve_config::AccessLogTo;
    use std::fs;
    use std::path::{Path, PathBuf};
    use std::time::SystemTime;

    /// A folder that is gone with the value.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("portreeve-log-{name}-{}", std::process::id()));
            fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        fn file(&self, name: &str) -> PathBuf {
            self.0.join(name)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn open(path: &Path) -> Result<Option<AccessLog>, AccessLogError> {
        let wanted = Wanted {
            to: AccessLogTo::File(path.to_owned()),
            ..Wanted::default()
        };
        AccessLog::open(&wanted, &Arc::new(Events::new(SystemTime::now())))
    }

    #[tokio::test]
    async fn close_leaves_nothing_unwritten() {
        let folder = Folder::new("close");
        let log = open(&folder.file("log")).unwrap().unwrap();
        let sink = log.sink();
        for number in 0..100 {
            sink.batches.send(format!("{number}\n").into_bytes()).unwrap();
        }
        drop(sink);

        log.close().await;

        let lines: Vec<u32> = fs::read_to_string(folder.file("log"))
            .unwrap()
            .lines()
            .map(|line| line.parse().unwrap())
            .collect();
        assert_eq!(lines, (0..100).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn after_a_rotation_records_go_to_the_new_file() {
        let folder = Folder::new("rotate");
        let log = open(&folder.file("log")).unwrap().unwrap();
        let sink = log.sink();
        sink.batches.send(b"old\n".to_vec()).unwrap();
        while fs::read(folder.file("log")).unwrap() != b"old\n" {
            thread::yield_now();
        }

        fs::rename(folder.file("log"), folder.file("log.1")).unwrap();
        log.reopen();
        sink.batches.send(b"new\n".to_vec()).unwrap();
        drop(sink);
        log.close().await;

        assert_eq!(fs::read(folder.file("log.1")).unwrap(), b"old\n");
        assert_eq!(fs::read(folder.file("log")).unwrap(), b"new\n");
    }

    #[tokio::test]
    async fn an_existing_file_is_appended_to() {
        let folder = Folder::new("append");
        fs::write(folder.file("log"), "before\n").unwrap();
        let log = open(&folder.file("log")).unwrap().unwrap();
        log.sink().batches.send(b"after\n".to_vec()).unwrap();

        log.close().await;

        assert_eq!(fs::read(folder.file("log")).unwrap(), b"before\nafter\n");
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let error = open(Path::new("/nowhere/at/all/log")).unwrap_err().to_string();
        assert!(
            error.contains("/nowhere/at/all/log") && error.contains("--access-log"),
            "{error}"
        );
    }

    #[test]
    fn off_is_no_log() {
        let events = Arc::new(Events::new(SystemTime::now()));
        assert!(AccessLog::open(&Wanted::default(), &events).unwrap().is_none());
    }
}
