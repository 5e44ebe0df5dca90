use super::*;
use portreeve_ledger::{Chain, Head, SigningKey, Verifier};
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::mpsc::sync_channel;

/// Takes `room` bytes, then fails until it is given more.
#[derive(Default)]
struct Paper {
    held: Vec<u8>,
    aside: Vec<Vec<u8>>,
    kept: Vec<u8>,
    room: usize,
    /// Bytes that were held at the last sync.
    synced: usize,
    syncs: usize,
    refuses_rotation: bool,
}

impl Disk for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = bytes.len().min(self.room);
        if count == 0 {
            return Err(ErrorKind::StorageFull.into());
        }
        self.held.extend(&bytes[..count]);
        self.room -= count;
        Ok(count)
    }

    fn sync(&mut self) -> io::Result<()> {
        (self.synced, self.syncs) = (self.held.len(), self.syncs + 1);
        Ok(())
    }

    fn keep(&mut self, head: &[u8]) -> io::Result<()> {
        self.kept = head.to_vec();
        Ok(())
    }

    fn rotate(&mut self, begin: &[u8], _: u64) -> io::Result<PathBuf> {
        if self.refuses_rotation {
            return Err(ErrorKind::PermissionDenied.into());
        }
        self.aside.push(std::mem::replace(&mut self.held, begin.to_vec()));
        Ok(PathBuf::new())
    }

    fn is_lost(&self) -> bool {
        false
    }

    fn replace(&mut self, _: &[u8], _: u64) -> io::Result<Option<PathBuf>> {
        Err(ErrorKind::Unsupported.into())
    }

    fn size(&self) -> u64 {
        self.held.len() as u64
    }
}

const PLENTY: usize = 100 << 20;

/// A writer of a file that has begun, on a disk with this much room.
fn writer(room: usize) -> Writer<Paper> {
    let mut lines = Lines::new(Chain::default(), SigningKey::from_seed(&[1; 32]), 0);
    let beginning = lines.beginning();
    lines.began(&beginning);
    let paper = Paper {
        held: beginning.lines,
        room,
        ..Paper::default()
    };
    let ledger_room = Arc::new(LedgerRoom::new(10));
    let mut writer = Writer::on(paper, lines, u64::MAX, ledger_room, Arc::default(), None);
    writer.beat_at = None;
    writer
}

fn batch(records: u32, is_required: bool) -> LedgerBatch {
    LedgerBatch {
        lines: "{\"at\":\"x\",\"policy\":[\"eu\"]}\n"
            .repeat(records as usize)
            .into_bytes(),
        records,
        required: if is_required { records } else { 0 },
    }
}

fn text(writer: &Writer<Paper>) -> String {
    String::from_utf8(writer.disk.held.clone()).unwrap()
}

/// Checks all that was written, and gives the count of records.
fn verified(paper: &Paper) -> u64 {
    let mut verifier = Verifier::new();
    for file in paper.aside.iter().chain([&paper.held]) {
        verifier.file("paper").unwrap();
        verifier.feed(file).unwrap();
    }
    verifier.finish().unwrap().records
}

#[test]
fn records_are_written_at_once_and_signed_on_the_beat() {
    let mut writer = writer(PLENTY);
    let now = Instant::now();
    writer.take(batch(3, false));
    writer.work(now);
    assert_eq!((verified(&writer.disk), writer.disk.syncs), (3, 0));
    assert!(writer.patience(now) <= BEAT);

    writer.work(now + BEAT);

    let head = Head::read(&writer.disk.kept).unwrap();
    assert_eq!((head.records, writer.disk.syncs), (3, 1));
    assert_eq!(writer.disk.synced, writer.disk.held.len());
    assert_eq!(writer.patience(now + BEAT), IDLE);
}

#[test]
fn nothing_new_is_not_signed_again() {
    let mut writer = writer(PLENTY);
    writer.take(batch(1, false));
    let now = Instant::now();
    writer.work(now);
    writer.work(now + BEAT);
    let before = text(&writer);

    writer.work(now + 2 * BEAT);

    assert_eq!(text(&writer), before);
}

#[test]
fn a_thousand_records_are_signed_and_ten_thousand_synced_without_waiting() {
    let mut writer = writer(PLENTY);
    let heads = |writer: &Writer<Paper>| text(writer).matches("\"head\":true").count() - 1;
    let now = Instant::now();
    for _ in 0..25 {
        writer.take(batch(100, false));
    }
    writer.work(now);
    assert_eq!((heads(&writer), writer.disk.syncs), (2, 0));

    for _ in 0..75 {
        writer.take(batch(100, false));
    }
    writer.work(now);

    assert_eq!((heads(&writer), writer.disk.syncs), (10, 1));
    assert_eq!(verified(&writer.disk), 10_000);
}

#[test]
fn a_full_disk_costs_plain_records_and_no_required_one() {
    let mut writer = writer(1000);
    let now = Instant::now();
    writer.take(batch(2, false));
    writer.take(batch(9, true));
    writer.take(batch(4, false));
    writer.work(now);
    writer.take(batch(7, false));
    writer.take(batch(1, true));
    assert!(writer.room.is_failing());

    writer.disk.room = PLENTY;
    writer.work(now); // too early
    assert!(writer.room.is_failing());
    writer.work(now + RETRY);
    assert!(!writer.room.is_failing());
    writer.work(Instant::now() + BEAT);

    assert_eq!(writer.dropped.load(Ordering::Relaxed), 4 + 7);
    assert_eq!(verified(&writer.disk), 2 + 9 + 1 + 1);
    assert!(text(&writer).contains("\"event\":\"records_dropped\",\"count\":11"));
}

#[test]
fn room_is_free_again_when_records_are_written_not_before() {
    let mut writer = writer(100);
    let taken = LedgerRoom::new(10);
    writer.room = Arc::new(taken);
    writer.take(batch(1, true));
    writer.work(Instant::now());
    assert_eq!(writer.linked, 1);

    writer.disk.room = PLENTY;
    writer.work(Instant::now() + RETRY);

    assert_eq!(writer.linked, 0);
}

#[test]
fn the_same_trouble_is_logged_once_and_then_kept() {
    let mut writer = writer(0);
    let now = Instant::now();
    writer.take(batch(1, true));
    writer.work(now);
    writer.work(now + RETRY);

    let trouble = writer.trouble.as_ref().unwrap();
    assert_eq!(trouble.retry_at, now + 2 * RETRY);
    assert_eq!(writer.patience(now + RETRY), RETRY);
}

#[test]
fn what_is_no_record_counts_as_dropped_and_harms_no_other() {
    let mut writer = writer(PLENTY);
    writer.take(LedgerBatch {
        lines: b"{\"a\":1}\nnonsense\n\n{\"a\":2}\n".to_vec(),
        records: 3,
        required: 0,
    });
    let now = Instant::now();
    writer.work(now);
    writer.work(now + BEAT);

    assert_eq!(writer.dropped.load(Ordering::Relaxed), 1);
    assert_eq!(verified(&writer.disk), 2 + 1);
}

#[test]
fn a_big_file_is_set_aside_with_a_head_at_its_end() {
    let mut writer = writer(PLENTY);
    writer.rotate_bytes = 1000;
    for _ in 0..3 {
        writer.take(batch(10, false));
        writer.work(Instant::now());
    }

    assert_eq!(writer.disk.aside.len(), 3);
    for file in &writer.disk.aside {
        let last = file
            .trim_ascii_end()
            .rsplit(|byte| *byte == b'\n')
            .next()
            .unwrap();
        Head::read(last).unwrap();
    }
    assert_eq!(verified(&writer.disk), 30);
    let first = text(&writer).lines().nth(1).unwrap().to_owned();
    assert_eq!(writer.disk.kept, format!("{first}\n").into_bytes());
}

#[test]
fn a_rotation_that_fails_is_tried_again_later() {
    let mut writer = writer(PLENTY);
    (writer.rotate_bytes, writer.disk.refuses_rotation) = (1000, true);
    let now = Instant::now();
    for _ in 0..3 {
        writer.take(batch(10, false));
        writer.work(now);
    }
    assert_eq!((verified(&writer.disk), writer.disk.aside.len()), (30, 0));

    writer.disk.refuses_rotation = false;
    writer.work(now + ROTATE_AGAIN);

    assert_eq!((verified(&writer.disk), writer.disk.aside.len()), (30, 1));
}

#[test]
fn the_end_signs_what_is_left() {
    let mut writer = writer(PLENTY);
    writer.take(batch(5, true));
    writer.end();
    assert_eq!(Head::read(&writer.disk.kept).unwrap().records, 5);
}

#[test]
fn when_the_writer_goes_nothing_required_is_admitted() {
    let writer = writer(PLENTY);
    let room = Arc::clone(&writer.room);
    drop(writer);
    assert!(room.is_failing());
}

/// A device that is full, by the kernel's word.
struct Full(File);

impl Disk for Full {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn keep(&mut self, _: &[u8]) -> io::Result<()> {
        Ok(())
    }

    fn rotate(&mut self, _: &[u8], _: u64) -> io::Result<PathBuf> {
        Err(ErrorKind::Unsupported.into())
    }

    fn is_lost(&self) -> bool {
        false
    }

    fn replace(&mut self, _: &[u8], _: u64) -> io::Result<Option<PathBuf>> {
        Err(ErrorKind::Unsupported.into())
    }

    fn size(&self) -> u64 {
        0
    }
}

#[test]
fn a_really_full_device_makes_the_room_fail_while_the_queue_is_emptied() {
    let device = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let lines = Lines::new(Chain::default(), SigningKey::from_seed(&[1; 32]), 0);
    let (room, dropped) = (Arc::new(LedgerRoom::new(10)), Arc::<AtomicU64>::default());
    let writer = Writer::on(
        Full(device),
        lines,
        u64::MAX,
        Arc::clone(&room),
        Arc::clone(&dropped),
        None,
    );
    let (batches, received) = sync_channel(1);
    let running = thread::spawn(move || writer.run(&received));
    for _ in 0..100 {
        batches.send(batch(1, false)).unwrap();
    }

    while !room.is_failing() {
        thread::yield_now();
    }
    drop(batches);
    running.join().unwrap();

    // The one that was linked when the device said so cannot be dropped any more, only lost.
    assert!(dropped.load(Ordering::Relaxed) >= 100 - 1 - AT_ONCE as u64);
}
