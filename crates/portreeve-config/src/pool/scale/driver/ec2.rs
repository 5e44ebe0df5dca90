//! An EC2 Auto Scaling group.

use portreeve_model::plan::Ec2Plan;

use crate::section::Section;
use crate::target::target;
use crate::word::Complaint;

/// Reads `ec2` and what goes with it.
pub(super) fn read(section: &mut Section<'_>) -> Option<Ec2Plan> {
    let group = section.word("ec2", group);
    let region = section.word("region", region);
    let endpoint = section.word("endpoint", endpoint);
    Some(Ec2Plan {
        group: group?,
        region,
        endpoint,
    })
}

/// 1 to 255 characters without a colon (`CreateAutoScalingGroup`).
fn group(text: &str) -> Result<String, Complaint> {
    let is_good = |character: char| !character.is_control() && character != ':';
    match (1..=GROUP_CHARS_MAX).contains(&text.chars().count()) && text.chars().all(is_good) {
        true => Ok(text.to_owned()),
        false => {
            let complaint = Complaint::new("the name of an Auto Scaling group such as \"api-asg\"");
            Err(match text.starts_with("arn:") {
                true => complaint.hint("its name alone, without what stands before it"),
                false => complaint,
            })
        }
    }
}

fn region(text: &str) -> Result<String, Complaint> {
    let is_good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    match (1..=REGION_BYTES_MAX).contains(&text.len()) && text.bytes().all(is_good) {
        true => Ok(text.to_owned()),
        false => Err(Complaint::new("a region such as \"eu-central-1\"")),
    }
}

/// A URL without a path. What stands before an @ would be a password in a file that others may read.
fn endpoint(text: &str) -> Result<String, Complaint> {
    let rest = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    match rest.is_some_and(|rest| target(&format!("http://{rest}")).is_ok()) {
        true => Ok(text.to_owned()),
        false => Err(Complaint::new(
            "a URL without a path such as \"http://127.0.0.1:5000\"",
        )),
    }
}

const GROUP_CHARS_MAX: usize = 255;
const REGION_BYTES_MAX: usize = 64;
