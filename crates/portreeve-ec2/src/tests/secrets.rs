//! Credentials: where they come from, and where they must not go.

use std::io;
use std::process::Command;
use std::sync::{Arc, Mutex};

use portreeve_driver::{Driver as _, DriverFault};
use tracing_subscriber::filter::LevelFilter;

use super::means::{GROUP, SECRET, TOKEN, driver, order, plan};
use super::moto::Moto;
use super::peer::{Peer, described};
use crate::Ec2Driver;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().expect("nobody panicked")).into_owned()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("nobody panicked").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn neither_logs_nor_debug_forms_show_credentials() {
    let log = Log::default();
    let to_log = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(LevelFilter::TRACE)
        .with_writer(move || to_log.clone())
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let peer = Peer::answering(|_| Some(described(0, &[]))).await;
    let driver = driver(&peer.endpoint).await;
    let fault = driver.start(&order("api-1")).await;
    drop(guard);
    let told = format!("{driver:?} {fault:?} {}", log.text());
    assert!(told.contains("TRACE") && told.contains(GROUP), "there is a log");
    assert!(told.contains("amz-date"), "it tells of signed requests");
    for secret in [SECRET, TOKEN, "ptv_1_of_the_test"] {
        let at = told.find(secret);
        let around = at.map(|at| &told[told.floor_char_boundary(at.saturating_sub(300))..at]);
        assert!(at.is_none(), "it shows a secret after: {around:?}");
    }
}

/// The same test again, in a process with nothing in its environment but this.
fn again(test: &str, environment: &[(&str, &str)]) {
    let this = std::env::current_exe().expect("it runs");
    let run = Command::new(this)
        .args([&*format!("tests::secrets::{test}"), "--exact", "--nocapture"])
        .env_clear()
        .env("HOME", "/nonexistent")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .envs(environment.iter().copied())
        .output()
        .expect("it runs again");
    let told = format!(
        "{}{}",
        String::from_utf8_lossy(&run.stdout),
        String::from_utf8_lossy(&run.stderr)
    );
    assert!(run.status.success() && told.contains("1 passed"), "{told}");
}

const INNER: &str = "PORTREEVE_TEST_ENDPOINT";

#[tokio::test]
async fn without_credentials_a_call_says_what_to_set() {
    let Ok(endpoint) = std::env::var(INNER) else {
        return again(
            "without_credentials_a_call_says_what_to_set",
            &[(INNER, "http://127.0.0.1:9")],
        );
    };
    let driver = Ec2Driver::new("api".into(), "default".into(), plan(&endpoint)).expect("a good plan");
    let fault = driver.list().await.expect_err("who are we");
    assert!(matches!(fault, DriverFault::Denied { .. }), "{fault:?}");
    assert!(fault.to_string().contains("AWS_ACCESS_KEY_ID"), "{fault}");
}

#[tokio::test]
async fn credentials_and_region_come_from_the_environment() {
    let Ok(endpoint) = std::env::var(INNER) else {
        let Some(moto) = Moto::start() else { return };
        let moto = moto.with_group(0, 1).await;
        let environment = [
            (INNER, &*moto.endpoint),
            ("AWS_ACCESS_KEY_ID", "AKIAOFTHEENVIRONMENT"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("AWS_REGION", "us-east-1"),
        ];
        return again("credentials_and_region_come_from_the_environment", &environment);
    };
    let mut plan = plan(&endpoint);
    plan.region = None;
    let driver = Ec2Driver::new("api".into(), "default".into(), plan).expect("a good plan");
    driver.start(&order("api-1")).await.expect("moto knows everybody");
    assert_eq!(driver.list().await.expect("moto answers").len(), 1);
}
