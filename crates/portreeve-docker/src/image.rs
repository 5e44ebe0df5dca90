//! Getting an image that is not there.

use std::pin::pin;
use std::time::Duration;

use bollard::errors::Error;
use bollard::query_parameters::{CreateImageOptions, CreateImageOptionsBuilder};
use portreeve_driver::DriverFault;

use crate::engine::{Engine, next};
use crate::fault::Trouble;

/// Pulls it, or says why it cannot be had. Registries that want credentials are not asked with any.
pub(crate) async fn pull(engine: &Engine, image: &str) -> Result<(), DriverFault> {
    let client = engine.client().await?;
    tracing::info!(image, "pulling an image that the engine does not have");
    let pulling = async {
        let mut steps = pin!(client.create_image(Some(options(image)), None, None));
        while let Some(step) = next(steps.as_mut()).await {
            step?;
        }
        Ok::<_, Error>(())
    };
    let act = format!("pulling image `{image}`");
    engine
        .ask(&act, PULL, pulling)
        .await
        .map_err(|trouble| missing(image, trouble))
}

/// That there is no such image is what the operator has to hear, whatever the pull came to; unless the disk is full or the
/// engine went away.
fn missing(image: &str, trouble: Trouble) -> DriverFault {
    if trouble.is_limit() || trouble.is_unreachable() {
        return trouble.into();
    }
    let why = match trouble.is_late() {
        true => format!("took longer than {PULL:?}"),
        false => format!("failed: {}", trouble.said()),
    };
    DriverFault::NotFound {
        what: format!("image `{image}`"),
        reason: format!(
            "the engine does not have it, and pulling it {why}; pull or build it there, or name another"
        ),
    }
}

/// Without a tag the engine would pull all of them.
fn options(image: &str) -> CreateImageOptions {
    let last = image.rsplit('/').next().unwrap_or(image);
    let builder = CreateImageOptionsBuilder::new().from_image(image);
    match last.contains([':', '@']) {
        true => builder.build(),
        false => builder.tag("latest").build(),
    }
}

/// How long a pull may take.
const PULL: Duration = Duration::from_secs(300);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_without_a_tag_is_the_latest() {
        assert_eq!(options("registry:5000/app").tag.as_deref(), Some("latest"));
        assert_eq!(options("app").tag.as_deref(), Some("latest"));
        assert_ne!(options("app:1").tag.as_deref(), Some("latest"));
        assert_ne!(options("app@sha256:00").tag.as_deref(), Some("latest"));
    }

    #[test]
    fn a_pull_that_takes_too_long_names_the_image() {
        let fault = missing("app:1", Trouble::late("pulling image `app:1`", PULL));
        assert_eq!(fault.code(), "not_found");
        assert!(
            fault.to_string().starts_with("image `app:1` does not exist"),
            "{fault}"
        );
    }
}
