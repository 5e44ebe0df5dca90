//! The admin server: its pages and its task.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use portreeve_model::Snapshot;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::metrics::{Metrics, Text};
use crate::{AdminListener, Events, Operator, Readiness, host, operator};

/// What the admin pages look at.
#[derive(Debug, Clone)]
pub struct View {
    /// The latest snapshot, with the counters it holds.
    pub snapshots: watch::Receiver<Arc<Snapshot>>,
    /// Whether new requests are welcome.
    pub readiness: watch::Receiver<Readiness>,
    /// What happened beside.
    pub events: Arc<Events>,
    /// When the data plane began to count time.
    pub start: Instant,
}

/// The running admin server. Dropping it ends it.
#[derive(Debug)]
pub struct Admin {
    local: SocketAddr,
    task: JoinHandle<io::Result<()>>,
}

impl Admin {
    /// Begins to answer on `listener`, on a task of the current runtime.
    ///
    /// # Errors
    /// The runtime cannot watch the socket (out of file descriptors, say).
    pub fn start(listener: AdminListener, view: View) -> io::Result<Self> {
        Self::serve(listener, pages(view, None))
    }

    /// The same, with the registry below `/v1` and its figures.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn start_with(listener: AdminListener, view: View, operator: Operator) -> io::Result<Self> {
        Self::serve(listener, pages(view, Some(operator)))
    }

    fn serve(listener: AdminListener, pages: Router) -> io::Result<Self> {
        let local = listener.local();
        let serve = axum::serve(listener.into_bounded()?, pages);
        Ok(Self {
            local,
            task: tokio::spawn(serve.into_future()),
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn local(&self) -> SocketAddr {
        self.local
    }

    /// Ends at once, requests under way included.
    pub async fn stop(mut self) {
        self.task.abort();
        let _ = (&mut self.task).await; // cancelled, as asked
    }
}

impl Drop for Admin {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn pages(view: View, operator: Option<Operator>) -> Router {
    let events = Arc::clone(&view.events);
    let registrar = operator.as_ref().map(|operator| operator.registrar.clone());
    let scaler = operator.as_ref().and_then(|operator| operator.scaler.clone());
    let state = Arc::new(Pages {
        metrics: Metrics::new(view.clone(), registrar, scaler),
        view,
    });
    let of_registry = operator.map_or_else(Router::new, |operator| operator::pages(operator, events));
    Router::new()
        .route("/", get(index))
        .route("/metrics", get(metrics))
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .fallback(nothing_here)
        .with_state(state)
        .merge(of_registry)
        .layer(middleware::from_fn(host::only_expected))
}

struct Pages {
    view: View,
    metrics: Metrics,
}

async fn index() -> impl IntoResponse {
    (NO_STORE, INDEX)
}

async fn healthz() -> impl IntoResponse {
    (NO_STORE, "ok\n")
}

async fn readyz(State(pages): State<Arc<Pages>>) -> impl IntoResponse {
    let readiness = *pages.view.readiness.borrow();
    let status = match readiness.is_ready() {
        true => StatusCode::OK,
        false => StatusCode::SERVICE_UNAVAILABLE,
    };
    (
        status,
        NO_STORE,
        format!("{}: {}\n", readiness.word(), readiness.reason()),
    )
}

async fn metrics(State(pages): State<Arc<Pages>>, fields: HeaderMap) -> Response {
    let text = Text::preferred(fields.get(header::ACCEPT).and_then(|value| value.to_str().ok()));
    match pages.metrics.render(text) {
        Ok(body) => (NO_STORE, [(header::CONTENT_TYPE, text.media_type())], body).into_response(),
        Err(error) => {
            tracing::error!(%error, "the metrics could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

async fn nothing_here() -> impl IntoResponse {
    (StatusCode::NOT_FOUND, NO_STORE, INDEX)
}

const INDEX: &str = "Portreeve's admin listener.\n\n\
    /metrics   what was served, to whom it went, how long it took (Prometheus text)\n\
    /healthz   200 while the process lives\n\
    /readyz    200 while new requests are welcome, else 503 and why\n\
    /v1/...    backends, tokens, events: docs/REGISTRATION.md, or portreeve backends, portreeve token\n";

const NO_STORE: [(HeaderName, HeaderValue); 1] =
    [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];

#[cfg(test)]
mod tests {
    use super::*;
    use portreeve_model::Resolved;
    use portreeve_model::plan::Plan;
    use std::time::SystemTime;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    struct Running {
        admin: Admin,
        readiness: watch::Sender<Readiness>,
        _snapshots: watch::Sender<Arc<Snapshot>>,
    }

    impl Running {
        fn start() -> Self {
            let snapshot = Snapshot::build(&Plan::default(), &Resolved::new(), None, 1);
            let (snapshots, view_of_snapshots) = watch::channel(Arc::new(snapshot));
            let (readiness, view_of_readiness) = watch::channel(Readiness::Starting);
            let view = View {
                snapshots: view_of_snapshots,
                readiness: view_of_readiness,
                events: Arc::new(Events::new(SystemTime::now())),
                start: Instant::now(),
            };
            let listener = AdminListener::bind("127.0.0.1:0".parse().unwrap()).unwrap();
            let admin = Admin::start(listener, view).unwrap();
            Self {
                admin,
                readiness,
                _snapshots: snapshots,
            }
        }

        async fn get(&self, path: &str) -> String {
            self.ask(&format!(
                "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
            ))
            .await
        }

        async fn ask(&self, request: &str) -> String {
            let mut stream = TcpStream::connect(self.admin.local()).await.unwrap();
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut response = String::new();
            stream.read_to_string(&mut response).await.unwrap();
            response
        }
    }

    #[tokio::test]
    async fn healthz_is_200_whatever_the_readiness() {
        let running = Running::start();
        running.readiness.send_replace(Readiness::Draining);

        assert!(running.get("/healthz").await.starts_with("HTTP/1.1 200 OK\r\n"));
    }

    #[tokio::test]
    async fn readyz_follows_the_readiness_and_says_why() {
        let running = Running::start();
        assert!(running.get("/readyz").await.starts_with("HTTP/1.1 503 "));

        running.readiness.send_replace(Readiness::Ready);
        assert!(running.get("/readyz").await.starts_with("HTTP/1.1 200 "));

        running.readiness.send_replace(Readiness::Draining);
        let draining = running.get("/readyz").await;
        assert!(draining.starts_with("HTTP/1.1 503 "), "{draining}");
        assert!(draining.contains("draining: shutting down"), "{draining}");
    }

    #[tokio::test]
    async fn a_name_that_is_not_ours_gets_421_and_no_figures() {
        let running = Running::start();
        let request = "GET /metrics HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n";

        let response = running.ask(request).await;

        assert!(response.starts_with("HTTP/1.1 421 "), "{response}");
        assert!(!response.contains("portreeve_"), "{response}");
    }

    #[tokio::test]
    async fn metrics_are_classic_text_unless_openmetrics_is_asked_for() {
        let running = Running::start();

        let classic = running.get("/metrics").await;
        let open =
            "GET /metrics HTTP/1.0\r\nAccept: application/openmetrics-text;version=1.0.0,*/*;q=0.1\r\n\r\n";
        let open = running.ask(open).await;

        assert!(
            classic.contains("content-type: text/plain; version=0.0.4"),
            "{classic}"
        );
        assert!(classic.contains("\nportreeve_config_sequence 1\n"), "{classic}");
        assert!(
            open.contains("content-type: application/openmetrics-text; version=1.0.0"),
            "{open}"
        );
        assert!(open.ends_with("# EOF\n"), "{open}");
    }

    #[tokio::test]
    async fn an_unknown_page_lists_the_known_ones_and_a_post_is_not_allowed() {
        let running = Running::start();

        let missing = running.get("/nothing").await;
        let posted = running.ask("POST /metrics HTTP/1.0\r\n\r\n").await;

        assert!(
            missing.starts_with("HTTP/1.1 404 ") && missing.contains("/readyz"),
            "{missing}"
        );
        assert!(posted.starts_with("HTTP/1.0 405 "), "{posted}");
    }

    #[tokio::test]
    async fn stop_frees_the_address() {
        let running = Running::start();
        let local = running.admin.local();

        running.admin.stop().await;

        AdminListener::bind(local).unwrap();
    }
}
