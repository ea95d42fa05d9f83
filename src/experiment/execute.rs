//! Executes a plan: runs what is missing, one thread per run, so that a kill at any moment loses only runs in progress.
//!
//! Several workers may work on one plan, on one machine or many, on shards or on the whole: results go into segments
//! that only their worker writes, and claims keep them from doing the same run twice. A run that fails is a result.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::claims::{self, Claims};
use super::job::{self, Job, Outcome};
use super::plan::{Plan, RunId};
use super::results::{self, Results};
use super::segment::{self, Writer};
pub use super::tally::Executed;
use super::tally::{Tally, with_count};
use crate::error::{Error, Result};
use crate::par;
use crate::simulation::progress::Progress;
use crate::simulation::stop::Stop;
use crate::simulation::{RunSettings, threads_or_cores};

/// How to execute.
#[derive(Clone, Debug)]
pub struct ExecuteOptions {
    /// Part and number of parts: 0 of 1 is everything.
    pub shard: (u64, u64),
    /// Runs at the same time; 0 = cores.
    pub threads: usize,
    /// Wall time after which to stop cleanly.
    pub max_time: Option<Duration>,
    /// Whether a plan of another version is executed.
    pub allow_version_mix: bool,
    /// Whether standard error stays silent.
    pub is_quiet: bool,
    /// A wish to stop.
    pub stop: Stop,
    /// After what silence a worker on another machine counts as gone.
    pub time_to_live: Duration,
    /// After what time a run in progress is kept for later.
    pub keep_every: Duration,
    /// How to go on after a stop, in words; empty for the command of a plan.
    pub advice: String,
}

impl Default for ExecuteOptions {
    fn default() -> Self {
        Self {
            shard: (0, 1),
            threads: 0,
            max_time: None,
            allow_version_mix: false,
            is_quiet: false,
            stop: Stop::default(),
            time_to_live: Duration::from_secs(60),
            keep_every: Duration::from_secs(300),
            advice: String::new(),
        }
    }
}

/// Rows that one thread does one after another: a run, or the replicates of a staged point.
type Unit = Vec<usize>;

/// The units of a shard, in the order in which they are done: replicate by replicate.
pub fn units(plan: &Plan, (part, parts): (u64, u64)) -> Vec<Unit> {
    let mut all: Vec<(RunId, Unit)> = if plan.manifest.staged.is_some() {
        let replicates = plan.manifest.replicates as usize;
        let firsts = (0..plan.runs.len()).step_by(replicates);
        firsts
            .map(|first| (plan.runs[first], (first..first + replicates).collect()))
            .collect()
    } else {
        plan.distinct().into_iter().map(|(run, row)| (run, vec![row])).collect()
    };
    all.sort_by_key(|(run, _)| *run);
    let mine = all.into_iter().zip(0u64..).filter(|(_, j)| j % parts == part);
    let mut mine: Vec<Unit> = mine.map(|((_, unit), _)| unit).collect();
    mine.sort_by_key(|unit| (plan.row(unit[0]).replicate, unit[0]));
    mine
}

/// Settings of points that a thread has read, by arm and point.
type Known = BTreeMap<(usize, usize), Result<RunSettings>>;

/// Points whose settings a thread keeps.
const MOST_KNOWN: usize = 32;

/// What the threads of a worker share.
struct Shared<'a> {
    plan: &'a Plan,
    options: &'a ExecuteOptions,
    claims: Claims,
    host: String,
    writer: Mutex<Writer>,
    results: Mutex<Results>,
    queue: Mutex<VecDeque<Unit>>,
    /// Units whose next run another worker has.
    waiting: Mutex<Vec<Unit>>,
    tally: Mutex<Tally>,
    /// Units that are not done.
    open: AtomicU64,
    /// Simulated seconds so far.
    steps: AtomicU64,
    fault: Mutex<Option<Error>>,
    is_over: AtomicBool,
    deadline: Option<Instant>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs what is missing of a shard of a plan.
///
/// # Errors
/// [`Error::Stopped`] or [`Error::Interrupted`] when asked to; [`Error::Files`] when the disk is full, with all whole
/// results kept; [`Error::Condition`] when two results of one run differ, or another version made the plan.
pub fn execute(plan: &Plan, options: &ExecuteOptions) -> Result<Executed> {
    let started = Instant::now();
    check_version(plan, options.allow_version_mix)?;
    let results = Results::read(&plan.folder, true)?;
    results.refuse_conflicts(plan)?;
    let mine = units(plan, options.shard);
    let standing = results::standings(plan, &results)?;
    let is_open = |row: &usize| standing[*row] == results::Standing::Missing;
    let open: Vec<Unit> = mine.iter().filter(|unit| unit.iter().any(is_open)).cloned().collect();
    let of_shard: usize = mine.iter().map(Vec::len).sum();
    let missing: usize = open.iter().flatten().filter(|row| is_open(row)).count();
    let later = |row: &&usize| standing[**row] == results::Standing::Later;
    let later = mine.iter().flatten().filter(later).count();
    let done = Executed {
        runs: of_shard - later,
        before: of_shard - missing - later,
        ..Executed::default()
    };
    if missing == 0 {
        return Ok(Executed {
            wall_s: started.elapsed().as_secs_f64(),
            ..done
        });
    }
    check_disk(plan, missing)?;
    let threads = threads_or_cores(options.threads).min(open.len());
    let steps = (plan.manifest.days * 86_400.0).ceil() as u64 * missing as u64;
    if !options.is_quiet {
        eprintln!(
            "{}: {missing} of {of_shard} runs to do, {threads} at a time",
            plan.manifest.name
        );
    }
    let worker = segment::worker_name();
    let shared = Shared {
        plan,
        options,
        claims: Claims::join(&plan.folder, &worker, options.time_to_live)?,
        host: claims::host(),
        writer: Mutex::new(Writer::new(&plan.folder, options.shard, &worker)),
        results: Mutex::new(results),
        open: AtomicU64::new(open.len() as u64),
        queue: Mutex::new(open.into()),
        waiting: Mutex::new(Vec::new()),
        tally: Mutex::new(Tally {
            done,
            lowest: None,
            highest: None,
            progress: Progress::new(steps, 0, options.is_quiet),
            shown: started,
            started,
        }),
        steps: AtomicU64::new(0),
        fault: Mutex::new(None),
        is_over: AtomicBool::new(false),
        deadline: options.max_time.map(|time| started + time),
    };
    shared.work(threads);
    shared.end(started)
}

/// A plan belongs to the calcisim that made it.
pub fn check_version(plan: &Plan, allow_mix: bool) -> Result<()> {
    let there = plan.manifest.planned_by();
    let here = super::plan::version();
    if allow_mix || there == here {
        return Ok(());
    }
    Err(Error::Condition(format!(
        "{}: planned by calcisim {there}, this is {here}: results of two versions are not mixed unasked. Use that \
         version, plan again with `calcisim experiment plan {}/experiment.toml -o {} --force`, or mix them with \
         --allow-version-mix",
        plan.folder.display(),
        plan.folder.display(),
        plan.folder.display()
    )))
}

/// Disk of one result, about [B].
pub fn result_size(plan: &Plan) -> f64 {
    let outputs = &plan.manifest.outputs;
    let series = outputs
        .series_every_h
        .map_or(0.0, |every| plan.manifest.days * 24.0 / every * 90.0);
    900.0 + series + 240.0 * outputs.at_days.len() as f64
}

fn check_disk(plan: &Plan, missing: usize) -> Result<()> {
    let needed = missing as f64 * result_size(plan);
    match crate::simulation::forecast::free_disk(&plan.folder) {
        Some(free) if free < needed => Err(Error::files(
            plan.folder.display(),
            format!(
                "{missing} results need about {}, {} are free: free some space",
                crate::simulation::progress::bytes(needed),
                crate::simulation::progress::bytes(free)
            ),
        )),
        _ => Ok(()),
    }
}

impl Shared<'_> {
    fn work(&self, threads: usize) {
        std::thread::scope(|scope| {
            scope.spawn(|| self.heartbeat());
            let workers: Vec<_> = (0..threads)
                .map(|_| scope.spawn(|| par::with_threads(1, || self.take_units())))
                .collect();
            for worker in workers {
                if worker.join().is_err() {
                    self.fail(Error::Internal("a thread of the executor ended by a panic".to_owned()));
                }
            }
            self.is_over.store(true, Ordering::Relaxed);
        });
    }

    fn heartbeat(&self) {
        let mut beaten = Instant::now();
        let pause = Duration::from_millis(20).min(self.claims.rhythm());
        while !self.is_over.load(Ordering::Relaxed) {
            std::thread::sleep(pause);
            if beaten.elapsed() >= self.claims.rhythm() {
                self.claims.beat();
                beaten = Instant::now();
            }
        }
    }

    /// The first fault ends everything.
    fn fail(&self, error: Error) {
        lock(&self.fault).get_or_insert(error);
    }

    /// The reason to end, when there is one.
    fn asked(&self) -> Result<()> {
        if let Some(error) = lock(&self.fault).clone() {
            return Err(error);
        }
        let advice = match self.options.advice.as_str() {
            "" => format!("go on with: calcisim experiment run {}", self.plan.folder.display()),
            words => words.to_owned(),
        };
        if let Some(reason) = self.options.stop.asked(&advice) {
            return Err(reason);
        }
        match self.deadline {
            Some(deadline) if Instant::now() >= deadline => {
                Err(Error::Stopped(format!("--max-time is over; {advice}")))
            }
            _ => Ok(()),
        }
    }

    /// One thread: unit after unit, until nothing is left that nobody has done.
    fn take_units(&self) {
        let mut known = Known::new();
        let mut idle = Duration::from_millis(50);
        loop {
            if self.asked().is_err() {
                return;
            }
            let next = lock(&self.queue).pop_front();
            let Some(unit) = next else {
                // What others had may be done, or theirs no more.
                let mut waiting = lock(&self.waiting);
                if waiting.is_empty() {
                    return;
                }
                let again = std::mem::take(&mut *waiting);
                drop(waiting);
                std::thread::sleep(idle);
                idle = (idle * 2).min(Duration::from_secs(2));
                lock(&self.queue).extend(again);
                continue;
            };
            match self.unit(&unit, &mut known) {
                Ok(true) => {
                    self.open.fetch_sub(1, Ordering::Relaxed);
                    idle = Duration::from_millis(50);
                }
                Ok(false) => lock(&self.waiting).push(unit),
                Err(error) => {
                    self.fail(error);
                    return;
                }
            }
        }
    }

    /// Does the rows of a unit; false when another worker has one of them.
    fn unit(&self, unit: &Unit, settings: &mut Known) -> Result<bool> {
        let replicates = self.plan.manifest.replicates;
        let mut so_far = Vec::new();
        for (i, &row) in unit.iter().enumerate() {
            if let Some(staged) = &self.plan.manifest.staged
                && staged.is_out_of_reach(&so_far, replicates)
            {
                lock(&self.tally).done.dropped += unit.len() - i;
                break;
            }
            let outcome = match self.known(row)? {
                Some(outcome) => {
                    // A unit of one run is here because it was missing.
                    lock(&self.tally).done.elsewhere += usize::from(unit.len() == 1);
                    outcome
                }
                None if !self.claims.take(self.plan.runs[row]) => return Ok(false),
                None => {
                    // Another may have done it just before the claim was free.
                    lock(&self.results).refresh()?;
                    let done = match self.known(row)? {
                        Some(outcome) => {
                            lock(&self.tally).done.elsewhere += 1;
                            Ok(outcome)
                        }
                        None => self.one(row, settings),
                    };
                    self.claims.give_back(self.plan.runs[row]);
                    done?
                }
            };
            if let Some(staged) = &self.plan.manifest.staged {
                so_far.push(results::value(staged, &outcome, self.plan.manifest.days));
            }
        }
        Ok(true)
    }

    /// The outcome of a row that is done.
    fn known(&self, row: usize) -> Result<Option<Outcome>> {
        let run = self.plan.runs[row];
        let results = lock(&self.results);
        if results.get(run).is_none() {
            return Ok(None);
        }
        if self.plan.manifest.staged.is_none() {
            return Ok(Some(Outcome::default()));
        }
        let record = results.reader().get(run)?;
        record.map(|record| Outcome::read(&record)).transpose()
    }

    fn one(&self, row: usize, known: &mut Known) -> Result<Outcome> {
        let started = Instant::now();
        let place = self.plan.row(row);
        let at = (place.arm, place.point);
        if !known.contains_key(&at) {
            if known.len() >= MOST_KNOWN {
                known.clear();
            }
            let fresh = match job::settings(self.plan, place.arm, place.point) {
                Err(error @ Error::Files { .. }) => return Err(error),
                other => other,
            };
            known.insert(at, fresh);
        }
        let settings = &known[&at];
        let job = Job {
            plan: self.plan,
            row,
            keep_every: self.options.keep_every,
            host: &self.host,
        };
        let seconds = settings.as_ref().map_or(0, |s| (3600.0 * s.step_h) as u64);
        let mut tick = || {
            self.tick(seconds);
            self.asked()
        };
        let (record, outcome) = job.run(settings, &mut tick)?;
        lock(&self.writer).append(&record, started.elapsed())?;
        self.count(row, &outcome);
        Ok(outcome)
    }

    /// A step of so many simulated seconds is done.
    fn tick(&self, seconds: u64) {
        let steps = self.steps.fetch_add(seconds, Ordering::Relaxed) + seconds;
        // A thread that finds another at the bar passes by; nobody reads ten lines a second.
        if !self.options.is_quiet
            && let Ok(mut tally) = self.tally.try_lock()
            && tally.shown.elapsed() > Duration::from_millis(100)
        {
            let note = tally.note(self.plan);
            tally.progress.at(steps, || note);
            tally.shown = Instant::now();
        }
    }

    /// A run is done.
    fn count(&self, row: usize, outcome: &Outcome) {
        let mut tally = lock(&self.tally);
        tally.done.ran += 1;
        tally.done.failed += usize::from(!outcome.error.is_empty());
        let outputs = &self.plan.manifest.outputs;
        if let Some(value) = outcome.value(outputs.endpoints[outputs.primary].origin) {
            if tally.lowest.is_none_or(|(low, _)| value < low) {
                tally.lowest = Some((value, row));
            }
            if tally.highest.is_none_or(|(high, _)| value > high) {
                tally.highest = Some((value, row));
            }
        }
    }

    fn end(self, started: Instant) -> Result<Executed> {
        lock(&self.writer).sync()?;
        let asked = self.asked();
        let mut tally = self.tally.into_inner().unwrap_or_else(PoisonError::into_inner);
        tally.progress.end();
        tally.done.wall_s = started.elapsed().as_secs_f64();
        let done = tally.done.clone();
        let left = self.open.load(Ordering::Relaxed) > 0;
        let mut results = self.results.into_inner().unwrap_or_else(PoisonError::into_inner);
        results.refresh()?;
        results.refuse_conflicts(self.plan)?;
        match asked {
            Err(error) if left => Err(with_count(error, &done)),
            _ => Ok(done),
        }
    }
}
