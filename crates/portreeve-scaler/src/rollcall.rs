//! Asking a driver now and then whether we lead and what there is.

use portreeve_driver::{Driver, DriverFault, Found, Leadership};

use crate::start::bounded;

/// What the driver said.
#[derive(Debug)]
pub(crate) enum Rollcall {
    /// We lead, and there are these.
    Leads(Vec<Found>),
    /// Another does.
    Follows(String),
}

pub(crate) async fn call(driver: &dyn Driver, owner: &str) -> Result<Rollcall, DriverFault> {
    match bounded("lead", driver.lead(owner)).await? {
        Leadership::Theirs(holder) => Ok(Rollcall::Follows(holder)),
        Leadership::Ours => Ok(Rollcall::Leads(bounded("list", driver.list()).await?)),
    }
}
