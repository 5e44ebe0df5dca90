//! Notices what has ended: AWS tells nobody, so the group is looked at now and then, once for all that wait.

use std::collections::HashSet;
use std::sync::Arc;

use portreeve_driver::Ended;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until, timeout};

use crate::account::Account;
use crate::fault;
use crate::group::Group;
use crate::pace::Pace;

/// The last look, shared by all that wait.
#[derive(Debug, Default)]
pub(crate) struct Watch(Mutex<Option<Look>>);

#[derive(Debug, Clone)]
struct Look {
    began: Instant,
    /// `None`: AWS did not say.
    there: Option<Arc<HashSet<Arc<str>>>>,
}

impl Watch {
    /// Ready when this instance is not of the group any more.
    pub(crate) async fn until_gone(&self, account: &Account, pace: &Pace, id: &str) -> Ended {
        // An older look may not know it yet.
        let asked = Instant::now();
        loop {
            let look = self.look(account, pace, asked).await;
            if look.there.is_some_and(|there| !there.contains(id)) {
                return self.tell(account, pace, id).await;
            }
            sleep_until(look.began + pace.look_every).await;
        }
    }

    async fn look(&self, account: &Account, pace: &Pace, asked: Instant) -> Look {
        let mut last = self.0.lock().await;
        let oldest = Instant::now().checked_sub(pace.look_every).unwrap_or(asked);
        if let Some(look) = last
            .as_ref()
            .filter(|look| look.began >= asked && look.began > oldest)
        {
            return look.clone();
        }
        let began = Instant::now();
        let group = timeout(pace.call_max, Group::read(account)).await;
        let there = group.ok().and_then(Result::ok).map(|group| Arc::new(ids(&group)));
        last.insert(Look { began, there }).clone()
    }

    async fn tell(&self, account: &Account, pace: &Pace, id: &str) -> Ended {
        let cause = timeout(pace.call_max, cause(account, id)).await;
        Ended {
            how: format!("it left the Auto Scaling group `{}`", account.group()),
            last_words: cause.ok().flatten().unwrap_or_default(),
        }
    }
}

fn ids(group: &Group) -> HashSet<Arc<str>> {
    group
        .members
        .iter()
        .map(|member| Arc::clone(&member.id))
        .collect()
}

/// What AWS says of why it ended, if it says anything: the newest activity that names the instance.
async fn cause(account: &Account, id: &str) -> Option<String> {
    let client = account.client().await.ok()?;
    let told = client
        .describe_scaling_activities()
        .auto_scaling_group_name(account.group())
        .max_records(ACTIVITIES_MAX)
        .send()
        .await
        .ok()?;
    let mut activities = told.activities().iter();
    let about = activities.find(|one| one.description().is_some_and(|said| said.contains(id)))?;
    about.cause().map(|cause| fault::cut(cause.to_owned()))
}

const ACTIVITIES_MAX: i32 = 50;
