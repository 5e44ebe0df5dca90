//! What the tests have in common.

use std::sync::Arc;
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_autoscaling::config::Credentials;
use aws_smithy_http_client::Builder;
use portreeve_driver::{Found, FoundState, Order, Secret};
use portreeve_model::plan::Ec2Plan;

use crate::Ec2Driver;
use crate::pace::Pace;

pub(super) const KEY: &str = "AKIAPORTREEVETESTKEY";
pub(super) const SECRET: &str = "the-secret-key-of-the-test";
pub(super) const TOKEN: &str = "the-session-token-of-the-test";
pub(super) const GROUP: &str = "workers";

/// With credentials of its own, whatever the environment says.
pub(super) async fn sdk(endpoint: &str) -> SdkConfig {
    let credentials = Credentials::new(KEY, SECRET, Some(TOKEN.to_owned()), None, "test");
    aws_config::defaults(BehaviorVersion::latest())
        .empty_test_environment()
        .region(Region::new("us-east-1"))
        .endpoint_url(endpoint)
        .credentials_provider(credentials)
        .http_client(Builder::new().build_http())
        .load()
        .await
}

pub(super) fn plan(endpoint: &str) -> Ec2Plan {
    Ec2Plan {
        group: GROUP.to_owned(),
        region: Some("us-east-1".to_owned()),
        endpoint: Some(endpoint.to_owned()),
    }
}

pub(super) async fn driver(endpoint: &str) -> Ec2Driver {
    paced(endpoint, brisk()).await
}

pub(super) async fn paced(endpoint: &str, pace: Pace) -> Ec2Driver {
    let sdk = sdk(endpoint).await;
    Ec2Driver::paced("api".into(), "default".into(), plan(endpoint), Some(sdk), pace).expect("a good plan")
}

/// Looks often, and loses leases soon.
pub(super) fn brisk() -> Pace {
    Pace {
        look_every: Duration::from_millis(200),
        lease_max: Duration::from_secs(4),
        ..Pace::default()
    }
}

pub(super) fn order(id: &str) -> Order {
    Order {
        id: id.into(),
        pool: "api".into(),
        fleet: "default".into(),
        port: None,
        env: Vec::new(),
        token: Secret::new("ptv_1_of_the_test"),
    }
}

/// An instance as the scaler knows it.
pub(super) fn found(id: &str, handle: &str) -> Found {
    Found {
        id: Arc::from(id),
        handle: handle.to_owned(),
        address: None,
        state: FoundState::Running,
        age: None,
    }
}
