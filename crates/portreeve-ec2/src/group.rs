//! The group as AWS describes it.

use std::sync::Arc;

use aws_sdk_autoscaling::types::{AutoScalingGroup, Instance, TagDescription};
use portreeve_driver::{DriverFault, Found, FoundState};

use crate::account::Account;
use crate::fault;

/// An Auto Scaling group at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Group {
    pub(crate) min: u32,
    pub(crate) max: u32,
    /// How many AWS is to keep.
    pub(crate) desired: u32,
    /// Who is there, by EC2 instance id.
    pub(crate) members: Vec<Member>,
    /// What our tag says.
    pub(crate) lease: Option<String>,
    /// Whether AWS ends new instances only when told which.
    pub(crate) protects_new: bool,
}

/// An instance of the group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) id: Arc<str>,
    pub(crate) state: FoundState,
}

impl Group {
    /// # Errors
    /// If AWS cannot be asked, or knows no such group.
    pub(crate) async fn read(account: &Account) -> Result<Self, DriverFault> {
        let client = account.client().await?;
        let name = account.group();
        let described = client
            .describe_auto_scaling_groups()
            .auto_scaling_group_names(name)
            .send()
            .await
            .map_err(|error| fault::of("reading the Auto Scaling group", account, &error))?;
        let mut groups = described.auto_scaling_groups().iter();
        groups
            .find(|group| group.auto_scaling_group_name() == Some(name))
            .map(Self::of)
            .ok_or_else(|| not_there(account))
    }

    pub(crate) fn of(described: &AutoScalingGroup) -> Self {
        Self {
            min: count(described.min_size()),
            max: count(described.max_size()),
            desired: count(described.desired_capacity()),
            members: described.instances().iter().filter_map(Member::of).collect(),
            lease: described.tags().iter().find_map(lease),
            protects_new: described.new_instances_protected_from_scale_in() == Some(true),
        }
    }

    pub(crate) fn member(&self, id: &str) -> Option<&Member> {
        self.members.iter().find(|member| &*member.id == id)
    }

    /// Those that count for the desired capacity.
    pub(crate) fn living(&self) -> impl Iterator<Item = &Member> {
        self.members
            .iter()
            .filter(|member| member.state != FoundState::Ending)
    }

    /// How many AWS still has to launch.
    pub(crate) fn missing(&self) -> u32 {
        self.desired.saturating_sub(count_of(self.living()))
    }
}

impl Member {
    fn of(instance: &Instance) -> Option<Self> {
        Some(Self {
            id: instance.instance_id()?.into(),
            state: crate::lifecycle::state(instance.lifecycle_state()?)?,
        })
    }

    /// Its handle is its id; it registers its address itself.
    pub(crate) fn found(&self) -> Found {
        Found {
            id: Arc::clone(&self.id),
            handle: self.id.to_string(),
            address: None,
            state: self.state,
            age: None,
        }
    }
}

fn lease(tag: &TagDescription) -> Option<String> {
    (tag.key() == Some(LEASE_TAG)).then(|| tag.value().unwrap_or_default().to_owned())
}

fn not_there(account: &Account) -> DriverFault {
    DriverFault::NotFound {
        what: format!("the Auto Scaling group `{}`", account.group()),
        reason: format!(
            "{} knows none of this name: look at the name, the region and the account",
            account.place()
        ),
    }
}

fn count(told: Option<i32>) -> u32 {
    told.and_then(|told| u32::try_from(told).ok()).unwrap_or(0)
}

fn count_of(members: impl Iterator<Item = impl Sized>) -> u32 {
    u32::try_from(members.count()).unwrap_or(u32::MAX)
}

/// The tag of the group that says which proxy scales it.
pub(crate) const LEASE_TAG: &str = "portreeve-lease";
