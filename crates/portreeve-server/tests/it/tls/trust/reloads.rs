//! While a reload is under way, nothing is judged by some of the old and some of the new.

use portreeve_model::plan::ClientCertificatePlan;
use portreeve_testkit::{Client, Origin, get};

use crate::tls::{Authority, Edge};

fn asking(authority: &Authority) -> ClientCertificatePlan {
    ClientCertificatePlan {
        authorities: authority.file(),
        revoked: Vec::new(),
        is_required: true,
        header: None,
    }
}

async fn is_served(edge: &Edge, config: &std::sync::Arc<rustls::ClientConfig>) -> bool {
    let Ok(mut client) = Client::connect_tls(&edge.address, config, "app.test").await else {
        return false;
    };
    let _ = client.try_send(get("/")).await;
    client
        .try_response()
        .await
        .is_ok_and(|answer| answer.status() == 200)
}

#[tokio::test]
async fn what_is_published_is_for_nobody_before_its_snapshot() {
    let origin = Origin::replying(200, "hi").start().await;
    let (old, new) = (Authority::new(), Authority::new());
    let mut edge = Edge::with(&[&origin], |plan, _| {
        plan.listeners[0].tls.as_mut().expect("it has TLS").clients = Some(asking(&old));
    });
    let by_old = edge.authority.client_vouched_by(&old, &["DNS:old.test"]);
    let by_new = edge.authority.client_vouched_by(&new, &["DNS:new.test"]);
    let mut open = edge.connect_by(&by_old, "app.test").await;
    open.send(get("/")).await;
    assert_eq!(open.response().await.status(), 200);
    edge.publish(|plan| plan.listeners[0].tls.as_mut().expect("it has TLS").clients = Some(asking(&new)));
    assert!(
        !is_served(&edge, &by_new).await,
        "the routes are still the old ones"
    );
    assert!(is_served(&edge, &by_old).await);
    open.send(get("/")).await;
    assert_eq!(open.response().await.status(), 200);
    edge.adopt();
    open.expect_closed().await;
    assert!(is_served(&edge, &by_new).await);
    assert!(!is_served(&edge, &by_old).await);
}
