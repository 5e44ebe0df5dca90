//! Who we are to AWS, and the client that speaks for us.

use std::fmt;
use std::time::Duration;

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_autoscaling::Client;
use aws_sdk_autoscaling::config::retry::RetryConfig;
use aws_sdk_autoscaling::config::timeout::TimeoutConfig;
use aws_sdk_autoscaling::config::{Builder, Config};
use aws_smithy_http_client::Builder as HttpBuilder;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use portreeve_driver::DriverFault;
use portreeve_model::plan::Ec2Plan;
use tokio::sync::OnceCell;

use crate::pace::Pace;

/// A client that is made when it is first needed, since region and credentials may have to be asked for.
pub(crate) struct Account {
    plan: Ec2Plan,
    pace: Pace,
    chosen: Option<SdkConfig>,
    client: OnceCell<Client>,
}

impl Account {
    /// `chosen`: instead of what the environment says.
    pub(crate) fn new(plan: Ec2Plan, pace: Pace, chosen: Option<SdkConfig>) -> Self {
        Self {
            plan,
            pace,
            chosen,
            client: OnceCell::new(),
        }
    }

    /// # Errors
    /// If no region is known.
    pub(crate) async fn client(&self) -> Result<&Client, DriverFault> {
        self.client.get_or_try_init(|| self.connect()).await
    }

    /// Of one call, all its tries together.
    pub(crate) fn operation_max(&self) -> Duration {
        self.pace.operation_max
    }

    pub(crate) fn group(&self) -> &str {
        &self.plan.group
    }

    /// Where the API is, for people.
    pub(crate) fn place(&self) -> String {
        let region = self.client.get().and_then(|client| client.config().region());
        let region = region
            .map(ToString::to_string)
            .or_else(|| self.plan.region.clone());
        match (&self.plan.endpoint, region) {
            (Some(endpoint), _) => format!("the API of EC2 Auto Scaling at {endpoint}"),
            (None, Some(region)) => format!("the API of EC2 Auto Scaling in {region}"),
            (None, None) => "the API of EC2 Auto Scaling".to_owned(),
        }
    }

    async fn connect(&self) -> Result<Client, DriverFault> {
        let sdk = match &self.chosen {
            Some(chosen) => chosen.clone(),
            None => self.load().await,
        };
        let Some(region) = self
            .plan
            .region
            .clone()
            .map(Region::new)
            .or(sdk.region().cloned())
        else {
            return Err(no_region(&self.plan.group));
        };
        let mut config = Builder::from(&sdk).region(region);
        config.set_endpoint_url(
            self.plan
                .endpoint
                .clone()
                .or(sdk.endpoint_url().map(str::to_owned)),
        );
        let config = config.retry_config(retries()).timeout_config(self.timeouts());
        Ok(Client::from_conf(config.build()))
    }

    /// As every AWS tool does: environment, files, then what the machine says of itself.
    async fn load(&self) -> SdkConfig {
        let http = HttpBuilder::new().tls_provider(Provider::Rustls(CryptoMode::AwsLc));
        let mut loader = aws_config::defaults(BehaviorVersion::latest()).http_client(http.build_https());
        if let Some(region) = self.plan.region.clone() {
            loader = loader.region(Region::new(region));
        }
        loader.load().await
    }

    fn timeouts(&self) -> TimeoutConfig {
        TimeoutConfig::builder()
            .connect_timeout(self.pace.attempt_max.min(CONNECT_MAX))
            .operation_attempt_timeout(self.pace.attempt_max)
            .operation_timeout(self.pace.operation_max)
            .build()
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Account")
            .field("plan", &self.plan)
            .finish_non_exhaustive()
    }
}

/// For a call that must not be made again when nobody knows what came of it.
pub(crate) fn once() -> Builder {
    Config::builder().retry_config(RetryConfig::disabled())
}

fn retries() -> RetryConfig {
    RetryConfig::standard()
        .with_max_attempts(ATTEMPTS_MAX)
        .with_initial_backoff(Duration::from_millis(200))
        .with_max_backoff(Duration::from_secs(2))
}

fn no_region(group: &str) -> DriverFault {
    DriverFault::NotFound {
        what: format!("the AWS region of the Auto Scaling group `{group}`"),
        reason: "set `region` of the driver, or AWS_REGION for the proxy".to_owned(),
    }
}

/// Of one call, the first included.
const ATTEMPTS_MAX: u32 = 3;
const CONNECT_MAX: Duration = Duration::from_secs(3);
