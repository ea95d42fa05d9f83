//! Claims: who is at work on which run. They save work and decide nothing: a claim that is wrong costs a run done twice,
//! never a wrong result.
//!
//! A worker has one file, which it keeps locked and touches now and then; each of its claims names it. A claim is free
//! again when its worker is gone: at once when that was on this machine (its lock is free), else when its file was not
//! touched for the time to live. Times are those of the disk, as the worker's own file shows them: clocks may differ.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rustix::fs::{FlockOperation, Timespec, Timestamps};

use super::plan::RunId;
use crate::error::Result;
use crate::output::files::trouble;

/// A worker's claims on a plan.
#[derive(Debug)]
pub struct Claims {
    folder: PathBuf,
    worker: String,
    machine: String,
    file: File,
    time_to_live: Duration,
}

/// This machine since its last start.
pub fn machine() -> String {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    format!("{} {}", host(), boot.trim())
}

/// Name of this machine.
pub fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

fn worker_file(folder: &Path, worker: &str) -> PathBuf {
    folder.join(format!("worker-{worker}"))
}

impl Claims {
    /// Joins the workers of a plan.
    pub fn join(plan: &Path, worker: &str, time_to_live: Duration) -> Result<Self> {
        let folder = plan.join("claims");
        let path = worker_file(&folder, worker);
        let make = || {
            fs::create_dir_all(&folder)?;
            let mut file = OpenOptions::new().write(true).create_new(true).open(&path)?;
            let _ = rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive);
            file.write_all(machine().as_bytes())?;
            Ok(file)
        };
        let file = make().map_err(|fault: std::io::Error| trouble(&path, "write", &fault))?;
        Ok(Self {
            folder,
            worker: worker.to_owned(),
            machine: machine(),
            file,
            time_to_live,
        })
    }

    /// Says that this worker is alive, by the clock of the disk.
    pub fn beat(&self) {
        let now = Timespec {
            tv_sec: 0,
            tv_nsec: rustix::fs::UTIME_NOW,
        };
        let times = Timestamps {
            last_access: now,
            last_modification: now,
        };
        let _ = rustix::fs::futimens(&self.file, &times);
    }

    /// How often to [`Self::beat`].
    pub fn rhythm(&self) -> Duration {
        self.time_to_live / 4
    }

    fn path(&self, run: RunId) -> PathBuf {
        self.folder.join(format!("run-{run}"))
    }

    /// Takes a run; no when another worker that lives has it.
    pub fn take(&self, run: RunId) -> bool {
        let path = self.path(run);
        for _ in 0..3 {
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(mut file) => {
                    let _ = file.write_all(self.worker.as_bytes());
                    return true;
                }
                Err(fault) if fault.kind() == ErrorKind::AlreadyExists => {}
                // Without claims the work is done all the same.
                Err(_) => return true,
            }
            let Ok(holder) = fs::read_to_string(&path) else {
                continue; // It was given back this moment.
            };
            if self.is_alive(&holder, &path) || !self.clear(run, &holder) {
                return false;
            }
        }
        false
    }

    /// Gives a run back.
    pub fn give_back(&self, run: RunId) {
        let _ = fs::remove_file(self.path(run));
    }

    /// Takes away a claim of a worker that is gone. Of several who try, one succeeds.
    fn clear(&self, run: RunId, holder: &str) -> bool {
        let path = self.path(run);
        let aside = self.folder.join(format!("stale-{}-{run}", self.worker));
        if fs::rename(&path, &aside).is_err() {
            return false;
        }
        if fs::read_to_string(&aside).is_ok_and(|now| now != holder) {
            // Another was faster, and this is its new claim.
            let _ = fs::rename(&aside, &path);
            return false;
        }
        let _ = fs::remove_file(&aside);
        true
    }

    fn is_alive(&self, holder: &str, claim: &Path) -> bool {
        if holder.is_empty() {
            return self.is_fresh(claim);
        }
        let path = worker_file(&self.folder, holder);
        let Ok(machine) = fs::read_to_string(&path) else {
            return false;
        };
        if machine != self.machine {
            return self.is_fresh(&path);
        }
        let Ok(file) = File::open(&path) else { return false };
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {
                let _ = fs::remove_file(&path);
                false
            }
            Err(rustix::io::Errno::WOULDBLOCK) => true,
            Err(_) => self.is_fresh(&path),
        }
    }

    /// Whether a file was touched within the time to live.
    fn is_fresh(&self, path: &Path) -> bool {
        let touched = |path: &Path| fs::metadata(path).and_then(|m| m.modified()).ok();
        let Some(then) = touched(path) else { return false };
        self.beat();
        let now = self
            .file
            .metadata()
            .and_then(|m| m.modified())
            .unwrap_or_else(|_| SystemTime::now());
        now.duration_since(then).is_ok_and(|age| age <= self.time_to_live) || now <= then
    }

    /// Workers of a plan that seem alive, by name.
    pub fn workers(plan: &Path, time_to_live: Duration) -> Vec<String> {
        let Ok(entries) = fs::read_dir(plan.join("claims")) else {
            return Vec::new();
        };
        let here = machine();
        let mut found: Vec<String> = entries
            .flatten()
            .filter_map(|entry| {
                let name = entry.file_name().to_string_lossy().into_owned();
                let worker = name.strip_prefix("worker-")?.to_owned();
                let machine = fs::read_to_string(entry.path()).ok()?;
                let is_alive = if machine == here {
                    let file = File::open(entry.path()).ok()?;
                    rustix::fs::flock(&file, FlockOperation::NonBlockingLockShared).is_err()
                } else {
                    let age = entry.metadata().ok()?.modified().ok()?.elapsed();
                    age.is_ok_and(|age| age <= time_to_live)
                };
                is_alive.then(|| format!("{worker} on {}", machine.split(' ').next().unwrap_or("?")))
            })
            .collect();
        found.sort();
        found
    }
}

impl Drop for Claims {
    fn drop(&mut self) {
        let _ = fs::remove_file(worker_file(&self.folder, &self.worker));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn a_run_belongs_to_one_worker_until_it_is_given_back() -> std::result::Result<(), Box<dyn std::error::Error>> {
        let plan = tempfile::tempdir()?;
        let (a, b) = (
            Claims::join(plan.path(), "a", LONG)?,
            Claims::join(plan.path(), "b", LONG)?,
        );
        let run = RunId([7; 16]);
        assert!(a.take(run));
        assert!(!b.take(run));
        a.give_back(run);
        assert!(b.take(run));
        assert_eq!(Claims::workers(plan.path(), LONG).len(), 2);
        Ok(())
    }

    #[test]
    fn the_runs_of_a_worker_that_is_gone_are_free_at_once() -> std::result::Result<(), Box<dyn std::error::Error>> {
        let plan = tempfile::tempdir()?;
        let b = Claims::join(plan.path(), "b", LONG)?;
        let run = RunId([7; 16]);
        // Killed: its claim and its file stay, its lock does not.
        fs::write(plan.path().join("claims/worker-a"), machine())?;
        fs::write(b.path(run), "a")?;
        assert!(b.take(run));
        Ok(())
    }

    #[test]
    fn a_worker_on_another_machine_is_believed_for_its_time_to_live()
    -> std::result::Result<(), Box<dyn std::error::Error>> {
        let plan = tempfile::tempdir()?;
        let run = RunId([7; 16]);
        let b = Claims::join(plan.path(), "b", Duration::from_millis(300))?;
        fs::write(plan.path().join("claims/worker-a"), "elsewhere 1")?;
        fs::write(b.path(run), "a")?;
        assert!(!b.take(run));
        std::thread::sleep(Duration::from_millis(400));
        assert!(b.take(run));
        Ok(())
    }
}
