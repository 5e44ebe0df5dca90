//! What the scenarios are made of.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bollard::query_parameters::{CreateImageOptionsBuilder, ListContainersOptionsBuilder};
use bollard::{API_DEFAULT_VERSION, Docker, body_full};
use futures_core::Stream;
use portreeve_docker::DockerDriver;
use portreeve_driver::{Driver, Ended, Found, FoundState, Order, Secret, Started};
use portreeve_model::plan::DockerPlan;
use tokio::time::timeout;

use crate::dockerd::Dockerd;

/// An engine, and what it takes to use it.
pub(crate) struct Bench {
    pub(crate) dockerd: Mutex<Dockerd>,
    pub(crate) docker: Docker,
    pub(crate) log: Log,
    folder: PathBuf,
    endpoint: String,
}

impl Bench {
    pub(crate) async fn set_up(folder: &Path) -> Self {
        let log = Log::kept();
        let dockerd = Dockerd::started(folder);
        let endpoint = dockerd.endpoint();
        let docker = Docker::connect_with_unix(&endpoint, 30, API_DEFAULT_VERSION).expect("it listens");
        let docker = docker.negotiate_version().await.expect("it answers");
        let bench = Self {
            dockerd: Mutex::new(dockerd),
            docker,
            log,
            folder: folder.to_owned(),
            endpoint,
        };
        bench.import().await;
        bench
    }

    /// As a registry would bring it.
    async fn import(&self) {
        let archive = std::fs::read(self.folder.join("image.tar")).expect("it was packed");
        let options = CreateImageOptionsBuilder::new()
            .from_src("-")
            .repo("app")
            .tag("1")
            .changes(vec!["CMD [\"/app\"]".to_owned()])
            .build();
        let mut steps = pin!(
            self.docker
                .create_image(Some(options), Some(body_full(archive.into())), None)
        );
        while let Some(step) = next(steps.as_mut()).await {
            step.expect("an archive that it reads");
        }
    }

    pub(crate) fn plan(&self) -> DockerPlan {
        DockerPlan {
            endpoint: self.endpoint.clone(),
            image: "app:1".to_owned(),
            command: Vec::new(),
            env: Vec::new(),
            port: 8000,
            memory_bytes: None,
            cpu_thousandths: None,
            network: None,
            labels: Vec::new(),
        }
    }

    /// The driver of a proxy whose state is in this folder.
    pub(crate) fn driver_of(&self, proxy: &str, pool: &str, plan: DockerPlan) -> Arc<DockerDriver> {
        let state = self.folder.join(proxy);
        let driver = DockerDriver::new(Arc::from(pool), Arc::from("default"), plan, &state);
        Arc::new(driver.expect("a good endpoint"))
    }

    pub(crate) fn driver(&self, pool: &str, plan: DockerPlan) -> Arc<DockerDriver> {
        self.driver_of("proxy", pool, plan)
    }

    /// The names of all containers, whatever they are at.
    pub(crate) async fn containers(&self) -> Vec<String> {
        let options = ListContainersOptionsBuilder::new().all(true).build();
        let all = self
            .docker
            .list_containers(Some(options))
            .await
            .expect("it answers");
        all.into_iter()
            .flat_map(|one| one.names.unwrap_or_default())
            .collect()
    }
}

pub(crate) fn order(pool: &str, id: &str) -> Order {
    Order {
        id: Arc::from(id),
        pool: Arc::from(pool),
        fleet: Arc::from("default"),
        port: None,
        env: vec![("PORTREEVE_URL".to_owned(), "http://10.0.0.1:9000".to_owned())],
        token: Secret::new("ptv_very_secret"),
    }
}

/// As the scaler knows it after its start.
pub(crate) fn found(id: &str, started: &Started) -> Found {
    Found {
        id: Arc::from(id),
        handle: started.handle.clone(),
        address: started.address,
        state: FoundState::Starting,
        age: None,
    }
}

/// Started by this driver, and serving.
pub(crate) async fn serving(driver: &DockerDriver, pool: &str, id: &str) -> Found {
    let started = driver.start(&order(pool, id)).await.expect("it is started");
    let found = found(id, &started);
    get(address(&found), "/").await;
    found
}

pub(crate) fn address(found: &Found) -> SocketAddr {
    found.address.expect("it has an address")
}

/// Its end, which must come soon.
pub(crate) async fn end_of(driver: &DockerDriver, found: &Found) -> Ended {
    timeout(Duration::from_secs(10), driver.ended(found))
        .await
        .expect("it ends soon")
}

/// The body that it answers with, as soon as it listens.
pub(crate) async fn get(address: SocketAddr, path: &str) -> String {
    let path = path.to_owned();
    let asked = tokio::task::spawn_blocking(move || ask(address, &path));
    asked.await.expect("no panic")
}

fn ask(address: SocketAddr, path: &str) -> String {
    let mut last = None;
    for _ in 0..500 {
        match TcpStream::connect_timeout(&address, Duration::from_secs(2)) {
            Ok(stream) => return exchange(stream, path),
            Err(fault) => last = Some(fault),
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("{address} does not listen: {last:?}");
}

fn exchange(mut stream: TcpStream, path: &str) -> String {
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .expect("not zero");
    write!(stream, "GET {path} HTTP/1.1\r\nHost: app\r\n\r\n").expect("it listens");
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer); // who eats all memory is cut off
    answer
        .split_once("\r\n\r\n")
        .map_or_else(String::new, |(_, body)| body.to_owned())
}

/// The next item of a stream.
async fn next<S: Stream>(mut stream: std::pin::Pin<&mut S>) -> Option<S::Item> {
    std::future::poll_fn(|context| stream.as_mut().poll_next(context)).await
}

/// All that was logged.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn kept() -> Self {
        let log = Self::default();
        let writer = log.clone();
        tracing_subscriber::fmt()
            .with_ansi(false)
            .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
            .with_writer(move || writer.clone())
            .init();
        log
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().expect("no panic")).into_owned()
    }

    /// When a line with all of these was logged.
    pub(crate) async fn line_with(&self, words: &[&str]) -> String {
        for _ in 0..500 {
            let text = self.text();
            let line = text
                .lines()
                .find(|line| words.iter().all(|word| line.contains(word)));
            if let Some(line) = line {
                return line.to_owned();
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("no line with {words:?} in\n{}", self.text());
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("no panic").write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
