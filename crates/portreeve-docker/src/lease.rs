//! Who scales, where several proxies use one engine.
//!
//! The lease is a container that is created and never started: an engine gives a name to one container only. Who created it
//! holds it, as its labels say, and renews it by a file in it whose time is a number that grows. It is handed on only by
//! its removal, by id, and a new creation:
//!
//! ```text
//!            create: 201                     renew every 10 s
//! nobody ------------------> ours ------------------------------> ours
//!   ^     create: 409          | not renewed for 20 s: ours no longer, not even for us
//!   |        v                 v
//!   +---- theirs <---- another created it (what we renewed by its id is gone: 404)
//!   remove: same number for 30 s by our clock, or its seat is ours
//! ```
//!
//! So two hold it at once only if a renewal that was sent within 20 s is done after 30 s, or if somebody removes the
//! container by hand (as `docker container prune` does), and then for no longer than until the next renewal.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bollard::body_full;
use bollard::models::{ContainerCreateBody, HostConfig};
use bollard::query_parameters::{
    ContainerArchiveInfoOptionsBuilder, CreateContainerOptionsBuilder, InspectContainerOptions,
    RemoveContainerOptionsBuilder, UploadToContainerOptionsBuilder,
};
use portreeve_driver::{DriverFault, Leadership};
use tokio::time::Instant;

use crate::engine::{ANSWER, Engine};
use crate::fault::Trouble;
use crate::image;
use crate::seat::Seat;
use crate::starting::lacks_image;

/// The lease of one fleet, ours or not.
#[derive(Debug)]
pub(crate) struct Lease {
    /// Of the container.
    name: String,
    seat_file: PathBuf,
    memory: Mutex<Memory>,
}

#[derive(Debug, Default)]
struct Memory {
    held: Option<Held>,
    /// The id of one that we did not renew in time.
    lost: Option<String>,
    watch: Watch,
    seat: Option<Seat>,
}

#[derive(Debug, Clone)]
struct Held {
    id: String,
    number: u64,
    /// When its renewal was begun.
    renewed: Instant,
}

/// A lease as it is in the engine.
struct Seen {
    id: String,
    holder: String,
    seat: String,
    /// Differs after each renewal.
    mark: String,
}

impl Lease {
    pub(crate) fn new(pool: &str, fleet: &str, state: &Path) -> Self {
        // The length tells `a-b`, `c` from `a`, `b-c`.
        let name = format!("portreeve-lease-{pool}-{fleet}-{}", pool.len());
        Self {
            seat_file: state.join("instances").join(format!("{name}.seat")),
            name,
            memory: Mutex::default(),
        }
    }

    /// Asks for it, or renews it. The container is made of this image, since it has to be of one.
    pub(crate) async fn ask(
        &self,
        engine: &Engine,
        image: &str,
        owner: &str,
    ) -> Result<Leadership, DriverFault> {
        if self.renew(engine).await? {
            return Ok(Leadership::Ours);
        }
        let seat = self.seat();
        for _ in 0..TRIES {
            match self.look(engine).await? {
                None if self.take(engine, image, owner, &seat).await? => return Ok(Leadership::Ours),
                None => {}
                Some(seen) if self.may_end(&seen, &seat) => self.remove(engine, &seen.id).await?,
                Some(seen) => return Ok(Leadership::Theirs(seen.holder)),
            }
        }
        Ok(Leadership::Theirs("somebody who was quicker".to_owned()))
    }

    /// If it is ours.
    pub(crate) async fn give_up(&self, engine: &Engine) -> Result<(), DriverFault> {
        let held = self.memory().held.take();
        match held {
            Some(held) => Ok(self.remove(engine, &held.id).await?),
            None => Ok(()),
        }
    }

    /// Whether it was ours and still is.
    async fn renew(&self, engine: &Engine) -> Result<bool, DriverFault> {
        let Some(held) = self.still_held() else {
            return Ok(false);
        };
        let began = Instant::now();
        let number = held.number + 1;
        match self.write(engine, &held.id, number).await {
            Ok(()) => {
                self.memory().held = Some(Held {
                    number,
                    renewed: began,
                    ..held
                });
                Ok(true)
            }
            Err(trouble) if trouble.is_missing() => {
                self.memory().held = None;
                Ok(false)
            }
            Err(trouble) => Err(trouble.into()),
        }
    }

    /// Too late is lost: others may be about to remove it.
    fn still_held(&self) -> Option<Held> {
        let mut memory = self.memory();
        let held = memory.held.take()?;
        if held.renewed.elapsed() > RENEWED_WITHIN {
            memory.lost = Some(held.id);
            return None;
        }
        memory.held = Some(held.clone());
        Some(held)
    }

    /// The seat's name, or nothing.
    fn seat(&self) -> String {
        let mut memory = self.memory();
        if memory.seat.is_none() {
            memory.seat = Seat::take(&self.seat_file);
        }
        memory
            .seat
            .as_ref()
            .map_or_else(String::new, |seat| seat.name().to_owned())
    }

    fn may_end(&self, seen: &Seen, seat: &str) -> bool {
        let mut memory = self.memory();
        let was_ours = memory.lost.as_deref() == Some(seen.id.as_str());
        let is_of_our_seat = !seat.is_empty() && seen.seat == seat;
        let is_dead = memory.watch.sees_no_change(&seen.id, &seen.mark, Instant::now());
        was_ours || is_of_our_seat || is_dead
    }

    /// False if somebody was quicker.
    async fn take(&self, engine: &Engine, image: &str, owner: &str, seat: &str) -> Result<bool, DriverFault> {
        let began = Instant::now();
        let created = match self.create(engine, image, owner, seat).await {
            Err(trouble) if lacks_image(&trouble) => {
                image::pull(engine, image).await?;
                self.create(engine, image, owner, seat).await
            }
            created => created,
        };
        let id = match created {
            Err(trouble) if trouble.is_conflict() => return Ok(false),
            created => created?,
        };
        if let Err(trouble) = self.write(engine, &id, 1).await {
            self.remove(engine, &id).await?;
            return Err(trouble.into());
        }
        self.memory().held = Some(Held {
            id,
            number: 1,
            renewed: began,
        });
        Ok(true)
    }

    async fn create(&self, engine: &Engine, image: &str, owner: &str, seat: &str) -> Result<String, Trouble> {
        let client = engine.client().await?;
        let labels = [(HOLDER, owner), (SEAT, seat)];
        let body = ContainerCreateBody {
            image: Some(image.to_owned()),
            cmd: Some(vec!["never-started".to_owned()]),
            labels: Some(
                labels
                    .map(|(key, value)| (key.to_owned(), value.to_owned()))
                    .into(),
            ),
            host_config: Some(HostConfig {
                network_mode: Some("none".to_owned()),
                ..HostConfig::default()
            }),
            ..ContainerCreateBody::default()
        };
        let options = CreateContainerOptionsBuilder::new().name(&self.name).build();
        let creating = client.create_container(Some(options), body);
        let act = format!("creating the lease `{}`", self.name);
        Ok(engine.ask(&act, ANSWER, creating).await?.id)
    }

    /// What others see of a renewal: an empty file from so many seconds after 1970.
    async fn write(&self, engine: &Engine, id: &str, number: u64) -> Result<(), Trouble> {
        let client = engine.client().await?;
        let options = UploadToContainerOptionsBuilder::new().path("/").build();
        let archive = body_full(archive(FILE, number).into());
        let writing = client.upload_to_container(id, Some(options), archive);
        let act = format!("renewing the lease `{}`", self.name);
        engine.ask(&act, RENEWAL, writing).await
    }

    async fn look(&self, engine: &Engine) -> Result<Option<Seen>, Trouble> {
        let client = engine.client().await?;
        let act = format!("looking at the lease `{}`", self.name);
        let looking = client.inspect_container(&self.name, None::<InspectContainerOptions>);
        let lease = match engine.ask(&act, ANSWER, looking).await {
            Err(trouble) if trouble.is_missing() => return Ok(None),
            lease => lease?,
        };
        let id = lease.id.unwrap_or_default();
        let labels = lease.config.and_then(|config| config.labels).unwrap_or_default();
        let mark = self.mark(engine, &id).await;
        let label = |key| labels.get(key).cloned().unwrap_or_default();
        Ok(Some(Seen {
            holder: label(HOLDER),
            seat: label(SEAT),
            mark,
            id,
        }))
    }

    /// Empty if it was never renewed.
    async fn mark(&self, engine: &Engine, id: &str) -> String {
        let Ok(client) = engine.client().await else {
            return String::new();
        };
        let options = ContainerArchiveInfoOptionsBuilder::new().path(FILE).build();
        let looking = client.get_container_archive_info(id, Some(options));
        let file = engine.ask("reading the lease", ANSWER, looking).await;
        file.ok()
            .and_then(|file| file.modification_time)
            .unwrap_or_default()
    }

    async fn remove(&self, engine: &Engine, id: &str) -> Result<(), Trouble> {
        let client = engine.client().await?;
        let options = RemoveContainerOptionsBuilder::new().v(true).force(true).build();
        let act = format!("removing the lease `{}`", self.name);
        match engine
            .ask(&act, ANSWER, client.remove_container(id, Some(options)))
            .await
        {
            Err(trouble) if trouble.is_missing() => Ok(()),
            removed => removed,
        }
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Since when a lease of others looks as it does, by our clock: theirs may differ.
#[derive(Debug, Default)]
struct Watch(Option<(String, String, Instant)>);

impl Watch {
    /// Whether this one is known for longer than its holder may take to renew it.
    fn sees_no_change(&mut self, id: &str, mark: &str, now: Instant) -> bool {
        match &self.0 {
            Some((known, known_mark, since)) if known == id && known_mark == mark => {
                now.duration_since(*since) >= RUNS_OUT
            }
            _ => {
                self.0 = Some((id.to_owned(), mark.to_owned(), now));
                false
            }
        }
    }
}

/// A tar archive (POSIX ustar) of one empty file, changed so many seconds after 1970.
fn archive(name: &str, seconds: u64) -> Vec<u8> {
    let mut archive = vec![0; 3 * 512]; // one head, and the two empty blocks that end an archive
    let mut put = |at: usize, text: &str| archive[at..at + text.len()].copy_from_slice(text.as_bytes());
    put(0, name);
    put(100, "0000444\0");
    put(108, "0000000\0");
    put(116, "0000000\0");
    put(124, "00000000000\0");
    put(136, &format!("{seconds:011o}\0"));
    put(148, "        ");
    put(156, "0");
    put(257, "ustar\x0000");
    let sum: u32 = archive.iter().map(|byte| u32::from(*byte)).sum();
    archive[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    archive
}

/// Whose it is.
const HOLDER: &str = "portreeve.holder";

/// The holder's seat, by which it knows its own after a restart; no secret.
const SEAT: &str = "portreeve.seat";

/// In the lease.
const FILE: &str = "portreeve-lease";

/// Who has not renewed for so long has lost it, by its own clock.
const RENEWED_WITHIN: Duration = Duration::from_secs(20);

/// How long a renewal may take; less than the rest of [`RUNS_OUT`].
const RENEWAL: Duration = Duration::from_secs(5);

/// Whose lease has not changed for so long, by our clock, has lost it.
const RUNS_OUT: Duration = Duration::from_secs(30);

/// Each time somebody else was quicker.
const TRIES: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_runs_out_by_the_clock_of_who_watches() {
        let start = Instant::now();
        let mut watch = Watch::default();
        assert!(!watch.sees_no_change("id", "7", start));
        assert!(!watch.sees_no_change("id", "7", start + Duration::from_secs(29)));
        assert!(!watch.sees_no_change("id", "8", start + Duration::from_secs(31)));
        assert!(!watch.sees_no_change("id", "8", start + Duration::from_secs(60)));
        assert!(watch.sees_no_change("id", "8", start + Duration::from_secs(61)));
    }

    #[test]
    fn another_lease_of_the_same_name_starts_anew() {
        let start = Instant::now();
        let mut watch = Watch::default();
        assert!(!watch.sees_no_change("id", "1", start));
        assert!(!watch.sees_no_change("other", "1", start + Duration::from_secs(40)));
    }

    #[test]
    fn a_renewal_ends_before_others_may_take_over() {
        assert!(RENEWED_WITHIN + RENEWAL < RUNS_OUT);
    }

    #[test]
    fn names_of_leases_are_not_mixed_up() {
        let name = |pool, fleet| Lease::new(pool, fleet, Path::new("/s")).name;
        assert_ne!(name("a-b", "c"), name("a", "b-c"));
        assert_ne!(name("a", "b-1"), name("a-b", "1"));
    }

    #[test]
    fn the_archive_is_one_that_tar_reads() {
        let archive = archive(FILE, 0o17);
        assert_eq!(archive.len(), 1536);
        let sum: u32 = archive[..512].iter().map(|byte| u32::from(*byte)).sum();
        let spaces: u32 = 8 * 32;
        let own: u32 = archive[148..156].iter().map(|byte| u32::from(*byte)).sum();
        let written = std::str::from_utf8(&archive[148..154]).unwrap();
        assert_eq!(u32::from_str_radix(written, 8), Ok(sum - own + spaces));
        assert_eq!(&archive[136..148], b"00000000017\0");
    }
}
