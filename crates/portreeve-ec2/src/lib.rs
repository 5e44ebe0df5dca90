//! Starts and stops instances of backends in an EC2 Auto Scaling group, by the AWS SDK.
//!
//! An order raises the group's desired capacity by one; what comes of it is named by AWS, and registers itself under its
//! EC2 instance id, with a token from the group's launch template. What is to leave is terminated by its id, and the desired
//! capacity falls with it, so that it is the drained one that goes. Nothing is kept on disk: the group is the list.
//!
//! # How the group must be set up
//! - `MaxSize` is at least the fleet's `max`, `MinSize` at most its `min` (0 if it is to scale to zero).
//! - New instances are protected from scale-in (`NewInstancesProtectedFromScaleIn`). Terminating one by its id works all the
//!   same; without the protection AWS may end a busy one, when it balances zones or when an order is withdrawn. The driver
//!   protects nobody by itself, but warns once if the group does not.
//! - Nothing else sets its size: no scaling policies, no schedules of its own. No instance weights: one instance counts one.
//! - AWS replaces an instance that dies by itself. The driver sees that, and lets the next order take the replacement.
//! - Who runs the proxy may `autoscaling:DescribeAutoScalingGroups`, `DescribeScalingActivities` (why one ended; optional),
//!   `SetDesiredCapacity`, `TerminateInstanceInAutoScalingGroup`, `CreateOrUpdateTags` and `DeleteTags`.
//!
//! # Credentials
//! They are found as by every AWS tool: environment, profile files, web identity, the roles of containers and instances.
//! They are renewed by the SDK, and are in no log, fault or debug form of ours. SSO is for people, and left out.
//!
//! # What it costs
//! Each request for the group's state is one call to AWS, one per fleet every few seconds while something runs: the list, and
//! one look for all that wait for an end. The SDK tries each call three times at most.

mod account;
mod driver;
mod fault;
mod group;
mod lease;
mod lifecycle;
mod orders;
mod pace;
mod size;
#[cfg(test)]
mod tests;
mod watch;

pub use driver::Ec2Driver;
