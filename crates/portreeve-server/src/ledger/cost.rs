//! What a record costs: `cargo test --release -p portreeve-server ledger::cost -- --ignored --nocapture`.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::{Duration, Instant};

use portreeve_proxy::{LedgerBatch, LedgerRoom};

use super::start;
use super::writer::Writer;

/// What the data plane writes of one request.
const LINE: &str = "{\"at\":\"2026-05-04T03:02:01.000Z\",\"id\":\"0123456789abcdef\",\"listener\":\"web\",\
    \"route\":\"shop\",\"policy\":[\"eu\"],\"snapshot\":7,\"candidates\":3,\"backend\":\"a1\",\
    \"backend_address\":\"10.0.0.1:80\",\"attempts\":1,\"status\":200,\"outcome\":\"completion\",\"cause\":null}\n";
/// Lines of a batch, as many as the data plane puts into one.
const LINES: u32 = 110;

#[test]
#[ignore = "a measurement"]
#[expect(clippy::print_stderr, reason = "a measurement is printed")]
fn cpu_of_the_writer_per_record() {
    for (rate, records) in [(0, 2_000_000), (50_000, 500_000), (10_000, 100_000)] {
        let (cpu, wall) = written(records, rate);
        let per_record = |time: Duration| time.as_secs_f64() * 1e6 / f64::from(records);
        eprintln!(
            "{records} records, {} a second wanted: {:.3} us of CPU each, {:.3} us of time each",
            if rate == 0 {
                "as many as can be".to_owned()
            } else {
                rate.to_string()
            },
            per_record(cpu),
            per_record(wall)
        );
    }
}

fn written(records: u32, rate: u32) -> (Duration, Duration) {
    let folder = std::env::temp_dir().join(format!("portreeve-ledger-cost-{}", std::process::id()));
    fs::create_dir(&folder).unwrap();
    let started = start::start(&folder.join("ledger.jsonl"), &folder).unwrap();
    let room = Arc::new(LedgerRoom::new(u32::MAX));
    let writer = Writer::new(started, 256 << 20, room, Arc::<AtomicU64>::default());
    let (batches, received) = sync_channel(256);
    let begin = Instant::now();
    let running = thread::spawn(move || {
        let before = cpu();
        writer.run(&received);
        cpu() - before
    });
    for number in 0..records / LINES {
        if rate > 0 {
            let due = Duration::from_secs_f64(f64::from(number * LINES) / f64::from(rate));
            thread::sleep(due.saturating_sub(begin.elapsed()));
        }
        let batch = LedgerBatch {
            lines: LINE.repeat(LINES as usize).into_bytes(),
            records: LINES,
            required: 0,
        };
        batches.send(batch).unwrap();
    }
    drop(batches);
    let cpu = running.join().unwrap();
    let wall = begin.elapsed();
    fs::remove_dir_all(&folder).unwrap();
    (cpu, wall)
}

/// CPU time of this thread.
fn cpu() -> Duration {
    let text = fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(text.split(' ').next().unwrap().parse().unwrap())
}

/// Reading and checking 256 MiB, as at a start.
#[test]
#[ignore = "a measurement"]
#[expect(clippy::print_stderr, reason = "a measurement is printed")]
fn time_of_a_start() {
    use portreeve_ledger::{Chain, SigningKey, Verifier};
    let (mut chain, key, mut file) = (Chain::default(), SigningKey::from_seed(&[1; 32]), Vec::new());
    let at = std::time::SystemTime::UNIX_EPOCH;
    chain.header(&key.public(), at, &mut file);
    while file.len() < 256 << 20 {
        chain.append(LINE.trim_ascii_end().as_bytes(), &mut file).unwrap();
        if chain.next() % 1000 == 0 {
            chain.head(&key, at, &mut file);
        }
    }
    let begin = Instant::now();
    let mut verifier = Verifier::new();
    verifier.file("x").unwrap();
    for piece in file.chunks(256 * 1024) {
        verifier.feed(piece).unwrap();
    }
    let summary = verifier.finish().unwrap();
    eprintln!(
        "{} records of 256 MiB verified in {:?}",
        summary.records,
        begin.elapsed()
    );
}
