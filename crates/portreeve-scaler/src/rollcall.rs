//! Asking a driver now and then whether we lead and what there is.

use std::time::Duration;

use portreeve_driver::{Driver, DriverFault, Found, Leadership};

use crate::start::bounded;

/// What the driver said.
#[derive(Debug)]
pub(crate) enum Rollcall {
    /// We lead, and there are these; `None`: nobody asked.
    Leads(Option<Vec<Found>>),
    /// Another does, and there are these.
    Follows(String, Vec<Found>),
}

/// `led` hears at once that we lead: a list may take long, and need not be made each time.
pub(crate) async fn call(
    driver: &dyn Driver,
    owner: &str,
    wants_list: bool,
    led: impl Future<Output = ()>,
) -> Result<Rollcall, DriverFault> {
    match bounded("lead", LEAD_MAX, driver.lead(owner)).await? {
        Leadership::Theirs(holder) => Ok(Rollcall::Follows(holder, list(driver).await?)),
        Leadership::Ours => {
            led.await;
            Ok(Rollcall::Leads(match wants_list {
                true => Some(list(driver).await?),
                false => None,
            }))
        }
    }
}

async fn list(driver: &dyn Driver) -> Result<Vec<Found>, DriverFault> {
    bounded("list", LIST_MAX, driver.list()).await
}

/// Leadership that is not renewed for longer is another's.
const LEAD_MAX: Duration = Duration::from_secs(15);
const LIST_MAX: Duration = Duration::from_secs(60);
