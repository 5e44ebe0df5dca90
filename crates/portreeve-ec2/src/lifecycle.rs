//! What AWS says of an instance, in our words.

use aws_sdk_autoscaling::types::LifecycleState;
use portreeve_driver::FoundState;

/// `None`: it is not of the group at present: over, taken aside by the operator (standby), or kept warm for later.
///
/// <https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-lifecycle.html>
pub(crate) fn state(told: &LifecycleState) -> Option<FoundState> {
    use LifecycleState as Aws;
    match told {
        Aws::Pending | Aws::PendingWait | Aws::PendingProceed => Some(FoundState::Starting),
        Aws::ReplacingRootVolume | Aws::ReplacingRootVolumeWait | Aws::ReplacingRootVolumeProceed => {
            Some(FoundState::Starting)
        }
        Aws::Terminating | Aws::TerminatingWait | Aws::TerminatingProceed | Aws::TerminatingRetained => {
            Some(FoundState::Ending)
        }
        Aws::Terminated | Aws::Detaching | Aws::Detached | Aws::EnteringStandby | Aws::Standby => None,
        kept if kept.as_str().starts_with("Warmed:") => None,
        // Also what AWS may add one day: it is there, so it counts.
        _ => Some(FoundState::Running),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(as_text: &str) -> Option<FoundState> {
        state(&LifecycleState::from(as_text))
    }

    #[test]
    fn each_state_of_the_lifecycle_has_a_meaning() {
        for starting in [
            "Pending",
            "Pending:Wait",
            "Pending:Proceed",
            "ReplacingRootVolume:Wait",
        ] {
            assert_eq!(told(starting), Some(FoundState::Starting), "{starting}");
        }
        for running in ["InService", "Quarantined", "RootVolumeReplaced"] {
            assert_eq!(told(running), Some(FoundState::Running), "{running}");
        }
        let ending = ["", ":Wait", ":Proceed", ":Retained"].map(|rest| format!("Terminating{rest}"));
        for ending in ending {
            assert_eq!(told(&ending), Some(FoundState::Ending), "{ending}");
        }
    }

    #[test]
    fn what_is_over_aside_or_kept_warm_is_not_of_the_group() {
        let gone = [
            "Terminated",
            "Detaching",
            "Detached",
            "EnteringStandby",
            "Standby",
        ];
        let warm = ["Warmed:Stopped", "Warmed:Running", "Warmed:Terminating:Wait"];
        assert!(gone.iter().chain(&warm).all(|aside| told(aside).is_none()));
    }

    #[test]
    fn what_nobody_knows_counts() {
        assert_eq!(told("Levitating"), Some(FoundState::Running));
    }
}
