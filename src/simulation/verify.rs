//! Verifies a run folder: the seal of its files, that they agree with each other, and, by executing stretches of the run again,
//! that they are what this calcisim computes. Nothing in the folder is changed.

use std::path::{Path, PathBuf};

use super::archive::{Archive, ReplayOptions};
use super::course::{Course, Runner};
use super::entry::Entry;
use super::progress::Progress;
use super::session;
use crate::checkpoint;
use crate::error::{Error, Result};
use crate::output::run_json::{self, Status};
use crate::output::summary::hex;
use crate::output::{files, hashes, seal};
use crate::par;
use crate::random::{Dice, Purpose};

/// How to verify.
#[derive(Clone, Debug)]
pub struct VerifyOptions {
    /// Stretches between stored hashes that are drawn and executed again; 0 = nothing is executed.
    pub stretches: usize,
    /// The whole run is executed again.
    pub all: bool,
    /// What the stretches are drawn with.
    pub seed: u64,
    /// Threads, silence, a wish to stop.
    pub replay: ReplayOptions,
}

/// What a verification found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verdict {
    /// What is wrong, each with the file it is about; empty = verified.
    pub faults: Vec<String>,
    /// What could not be looked at.
    pub notes: Vec<String>,
    /// Files whose digest holds.
    pub sealed: usize,
    /// Days executed again, from and to.
    pub executed: Vec<(f64, f64)>,
    /// Steps executed again.
    pub steps: u64,
    /// States compared by their hash.
    pub hashes: usize,
    /// Bytes of rows, events and readings compared.
    pub bytes: u64,
}

/// The growing files of a folder.
struct Logs {
    series: Vec<u8>,
    events: Vec<u8>,
    hashes: Vec<u8>,
    observe: Vec<u8>,
}

impl Logs {
    fn read(dir: &Path) -> Result<Self> {
        Ok(Self {
            series: files::read(&dir.join("series.csv"))?,
            events: files::read(&dir.join("events.csv"))?,
            hashes: files::read(&dir.join("hashes.csv"))?,
            observe: files::read(&dir.join("observe.csv"))?,
        })
    }
}

/// Verifies a run folder that no other process is writing.
///
/// # Errors
/// [`Error::Files`] when it is no run folder; what is wrong with a run is in the verdict.
pub fn verify(dir: &Path, options: &VerifyOptions) -> Result<Verdict> {
    let archive = Archive::open(dir)?;
    let mut verdict = Verdict::default();
    check_seal(&archive, &mut verdict)?;
    let logs = match Logs::read(dir) {
        Ok(logs) => logs,
        Err(fault) => {
            verdict.faults.push(fault.to_string());
            return Ok(verdict);
        }
    };
    let rows = check_tables(&archive, &logs, &mut verdict);
    check_checkpoints(&archive, &mut verdict);
    let course = match Course::of(&archive) {
        Ok(course) => course,
        Err(fault) => {
            verdict.faults.push(format!("scenario.toml: cannot be read: {fault}"));
            return Ok(verdict);
        }
    };
    let wanted = wanted(&rows, options);
    if wanted.is_empty() {
        verdict.notes.push("nothing was executed again".to_owned());
        return Ok(verdict);
    }
    let threads = session::threads_or_cores(options.replay.threads);
    par::with_threads(threads, || {
        execute(&archive, &course, &logs, &wanted, options, &mut verdict)
    })?;
    Ok(verdict)
}

/// Digests of the files and of the record.
fn check_seal(archive: &Archive, verdict: &mut Verdict) -> Result<()> {
    let Some(seal) = &archive.record.seal else {
        verdict.notes.push(format!(
            "not sealed: the run {}; what was not executed again here was not compared",
            match archive.record.status {
                Status::Running => "was killed and not resumed",
                _ => "was written before calcisim sealed its folders",
            }
        ));
        return Ok(());
    };
    let broken = seal.broken(&archive.dir);
    verdict.sealed = seal.files.len() - broken.len();
    verdict.faults.extend(broken);
    let text = files::read_text(&archive.dir.join("run.json"))?;
    if seal::holds(&text, &seal.record) {
        verdict.sealed += 1;
    } else {
        verdict
            .faults
            .push("run.json: its text is not the one that the run sealed".to_owned());
    }
    let more = archive.scenario.iter().flat_map(companions);
    let more: Vec<String> = more.collect();
    for path in seal::paths(&archive.dir, more.iter().map(String::as_str)) {
        if !seal.files.contains_key(&path) {
            verdict
                .faults
                .push(format!("{path}: was added after the run sealed its folder"));
        }
    }
    Ok(())
}

/// Tables that a scenario reads, by path in its folder.
fn companions(scenario: &crate::scenario::Scenario) -> Vec<String> {
    let found = scenario.with_companions(&crate::library::Disk);
    found.map_or_else(
        |_| Vec::new(),
        |(_, tables)| tables.into_iter().map(|(path, _)| path).collect(),
    )
}

/// Rows of hashes and series belong together, step by step; answers the steps.
fn check_tables(archive: &Archive, logs: &Logs, verdict: &mut Verdict) -> Vec<u64> {
    let (text, series) = (
        String::from_utf8_lossy(&logs.hashes),
        String::from_utf8_lossy(&logs.series),
    );
    let step_h = archive.step_h();
    let is_over = archive.record.status != Status::Running;
    let (mut steps, mut latest) = (Vec::new(), None);
    if !text.starts_with(hashes::HEADER) {
        verdict
            .faults
            .push("hashes.csv: its first line is not the header".to_owned());
    }
    let lines: Vec<&str> = text.split_inclusive('\n').skip(1).collect();
    for (i, line) in lines.iter().enumerate() {
        let read = hashes::parse(&format!("\n{line}"));
        let whole = read
            .iter()
            .next()
            .filter(|(step, hash)| hashes::line(**step, **hash) == **line);
        let Some((&step, &hash)) = whole else {
            // The last line of a run that was killed may be torn; a resumed run writes it again.
            if is_over || i + 1 < lines.len() {
                verdict
                    .faults
                    .push(format!("hashes.csv:{}: no whole row: {:?}", i + 2, line.trim_end()));
            }
            continue;
        };
        if steps.last().is_some_and(|before| *before >= step) {
            verdict.faults.push(format!(
                "hashes.csv:{}: step {step} does not come after the one above",
                i + 2
            ));
        }
        steps.push(step);
        latest = Some(hash);
    }
    let rows: Vec<&str> = series.split_inclusive('\n').skip(1).collect();
    for (i, (row, step)) in rows.iter().zip(&steps).enumerate() {
        let day = row.split(',').next().and_then(|cell| cell.parse::<f64>().ok());
        let expected = *step as f64 * step_h / 24.0;
        if day.is_none_or(|day| (day - expected).abs() > 1e-9) {
            verdict.faults.push(format!(
                "series.csv:{}: not the row of day {expected}, as hashes.csv says",
                i + 2
            ));
            break;
        }
    }
    if is_over && rows.len() != steps.len() {
        let (rows, hashes) = (rows.len(), steps.len());
        verdict
            .faults
            .push(format!("series.csv has {rows} rows and hashes.csv {hashes}"));
    }
    if archive.record.status == Status::Complete && latest.map(hex).as_ref() != Some(&archive.record.state_hash) {
        verdict
            .faults
            .push("hashes.csv: its last hash is not the one of run.json".to_owned());
    }
    steps
}

/// Every stored state is whole and has the hash that is stored with it.
fn check_checkpoints(archive: &Archive, verdict: &mut Verdict) {
    for path in checkpoint::list(&archive.dir.join("checkpoint")) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        match checkpoint::read(&path) {
            Err(fault) => verdict.faults.push(format!("checkpoint/{name} {fault}")),
            Ok(saved) => {
                let recorded = archive.hashes().get(&saved.step);
                if recorded.is_some_and(|recorded| *recorded != saved.state_hash) && !archive.is_branch_step(saved.step)
                {
                    verdict.faults.push(format!(
                        "checkpoint/{name}: hashes.csv has another hash of its step {}",
                        saved.step
                    ));
                }
            }
        }
    }
}

/// Steps to be reached, rising, each with the step before it from which everything is compared.
fn wanted(rows: &[u64], options: &VerifyOptions) -> Vec<(u64, u64)> {
    if options.all {
        return rows.last().map(|&last| vec![(0, last)]).unwrap_or_default();
    }
    let dice = Dice::new(options.seed);
    let mut stretches: Vec<(f64, u64, u64)> = rows
        .windows(2)
        .map(|pair| (dice.roll(Purpose::Custom, pair[1]).uniform(), pair[0], pair[1]))
        .collect();
    stretches.sort_by(|a, b| a.0.total_cmp(&b.0));
    stretches.truncate(options.stretches);
    let mut found: Vec<(u64, u64)> = stretches.into_iter().map(|(_, from, to)| (from, to)).collect();
    found.sort_unstable();
    found
}

/// Executes every stretch, from the nearest stored state before it, and compares all that is written on the way.
fn execute(
    archive: &Archive,
    course: &Course,
    logs: &Logs,
    wanted: &[(u64, u64)],
    options: &VerifyOptions,
    verdict: &mut Verdict,
) -> Result<()> {
    let folder = archive.dir.join("checkpoint");
    let mut current: Option<Runner> = None;
    for &(from, to) in wanted {
        let at = current.as_ref().map(|runner| runner.model.clock.step());
        let fresh = if options.all {
            None
        } else {
            checkpoint::not_after(&folder, from).map(|saved| saved.step)
        };
        // Going on is as good as beginning again, unless a stored state lies further on.
        let mut runner = match current.take() {
            Some(runner) if fresh.is_none_or(|fresh| at.is_some_and(|at| fresh <= at)) => runner,
            _ => match if options.all {
                course.beginning()
            } else {
                course.runner(&folder, from)
            } {
                Ok(runner) => runner,
                Err(fault) => {
                    verdict.faults.push(fault.to_string());
                    return Ok(());
                }
            },
        };
        let start = runner.model.clock.step();
        let mut progress = Progress::new(to, start, options.replay.is_quiet);
        while !runner.is_begun() || runner.model.clock.step() < to {
            if let Some(reason) = options.replay.stop.asked("nothing was changed") {
                progress.end();
                return Err(reason);
            }
            let before = runner.lengths;
            let entry = match runner.next() {
                Ok(entry) => entry,
                Err(Error::Condition(why)) => {
                    verdict.faults.push(why);
                    return Ok(());
                }
                Err(fault) => return Err(fault),
            };
            verdict.steps += u64::from(runner.model.clock.step() > start);
            let fault = compare(archive, logs, &mut runner, &entry, before, verdict);
            if let Some(fault) = fault {
                progress.end();
                verdict.faults.push(fault + &advice(archive));
                return Ok(());
            }
            let day = entry.row.t_d;
            progress.at(runner.model.clock.step(), || format!("executing day {day:.0} again"));
        }
        let day = |step: u64| step as f64 * archive.step_h() / 24.0;
        verdict.executed.push((day(start), day(to)));
        current = Some(runner);
    }
    Ok(())
}

/// Who may have written what is not computed now.
fn advice(archive: &Archive) -> String {
    let record = &archive.record;
    if record.version == env!("CARGO_PKG_VERSION") && record.git == run_json::git() {
        return String::new();
    }
    format!(
        " (written by version {} ({}), which may compute other numbers: see CHANGELOG.md; this is {} ({}))",
        record.version,
        record.git,
        env!("CARGO_PKG_VERSION"),
        run_json::git()
    )
}

/// What differs between a moment as executed and as recorded.
fn compare(
    archive: &Archive,
    logs: &Logs,
    runner: &mut Runner,
    entry: &Entry,
    before: checkpoint::Lengths,
    verdict: &mut Verdict,
) -> Option<String> {
    let (step, day) = (entry.row.step, entry.row.t_d);
    let is_end = archive.record.status == Status::Complete && step == archive.record.steps;
    let is_row = entry.is_row_kept || is_end;
    if is_row {
        let hash = runner.model.state_hash();
        verdict.hashes += 1;
        let line = entry.hash_line(hash);
        if let Some(there) = differs(&logs.hashes, before.hashes, &line) {
            return Some(format!(
                "hashes.csv, day {day}: the state is {}, and there stands {there:?}",
                hex(hash)
            ));
        }
        let row = entry.row.line();
        if let Some(there) = differs(&logs.series, before.series, &row) {
            return Some(format!("series.csv, day {day}: {}", other_cell(&row, &there)));
        }
        verdict.bytes += (row.len() + line.len()) as u64;
    }
    let texts = [
        ("events.csv", &logs.events, before.events, &entry.events),
        ("observe.csv", &logs.observe, before.observe, &entry.observe),
    ];
    for (name, bytes, at, lines) in texts {
        if let Some(there) = differs(bytes, at, lines) {
            let first = lines
                .lines()
                .zip(there.lines().chain(std::iter::repeat("")))
                .find(|(a, b)| a != b);
            let (now, then) = first.unwrap_or_default();
            return Some(format!(
                "{name}, day {day}: executed again {now:?}, and there stands {then:?}"
            ));
        }
        verdict.bytes += lines.len() as u64;
    }
    if is_end {
        return end(archive, logs, runner, entry);
    }
    None
}

/// At the end of a complete run nothing may follow, and the summary must be the one of the run.
fn end(archive: &Archive, logs: &Logs, runner: &Runner, entry: &Entry) -> Option<String> {
    let extra = if entry.is_row_kept { 0 } else { 1 };
    let row = (entry.row.line().len() * extra) as u64;
    let hash = (entry.hash_line(0).len() * extra) as u64;
    let ends = [
        ("series.csv", logs.series.len(), runner.lengths.series + row),
        ("hashes.csv", logs.hashes.len(), runner.lengths.hashes + hash),
        ("events.csv", logs.events.len(), runner.lengths.events),
        ("observe.csv", logs.observe.len(), runner.lengths.observe),
    ];
    for (name, found, expected) in ends {
        if found as u64 != expected {
            return Some(format!("{name}: has {found} bytes, and the run ends after {expected}"));
        }
    }
    let settings = runner.settings();
    let hash = runner.model.state_hash();
    let summary = runner
        .watch
        .summary(&settings.scenario, settings.seed, settings.step_h, hash);
    let same =
        run_json::pretty(&summary).ok().map(String::into_bytes) == std::fs::read(archive.dir.join("summary.json")).ok();
    (!same).then(|| "summary.json: is not the outcome of the run executed again".to_owned())
}

/// What stands in a file where these lines should; nothing when they do.
fn differs(bytes: &[u8], at: u64, lines: &str) -> Option<String> {
    let start = usize::try_from(at).unwrap_or(usize::MAX).min(bytes.len());
    let there = &bytes[start..(start + lines.len()).min(bytes.len())];
    (there != lines.as_bytes()).then(|| String::from_utf8_lossy(there).trim_end().to_owned())
}

/// The first column in which two rows differ, in words.
fn other_cell(row: &str, there: &str) -> String {
    let header = crate::output::series::Row::header();
    let cells = header
        .trim_end()
        .split(',')
        .zip(row.trim_end().split(',').zip(there.split(',')));
    let first = cells.into_iter().find(|(_, (now, then))| now != then);
    first.map_or_else(
        || format!("executed again {:?}, and there stands {there:?}", row.trim_end()),
        |(name, (now, then))| format!("{name} is {now}, and there stands {then}"),
    )
}

impl Verdict {
    /// Whether nothing is wrong.
    pub fn is_good(&self) -> bool {
        self.faults.is_empty()
    }

    /// What was looked at, in words.
    pub fn text(&self, dir: &Path) -> String {
        let verdict = if self.is_good() { "verified" } else { "NOT verified" };
        let mut text = format!("{}: {verdict}\n", dir.display());
        let mut line = |words: String| text.push_str(&format!("  {words}\n"));
        if self.sealed > 0 {
            line(format!("{} files have the digest that the run sealed", self.sealed));
        }
        if self.steps > 0 || !self.executed.is_empty() {
            let days: Vec<String> = self
                .executed
                .iter()
                .map(|(from, to)| format!("{from} to {to}"))
                .collect();
            line(format!(
                "{} steps executed again (days {}): {} states and {} bytes of rows, events and readings agree",
                self.steps,
                days.join(", "),
                self.hashes - usize::from(!self.is_good() && self.hashes > 0),
                self.bytes
            ));
        }
        for note in &self.notes {
            line(note.clone());
        }
        for fault in &self.faults {
            line(format!("FAULT  {fault}"));
        }
        text
    }
}

/// Where a verification draws its stretches when nobody says: elsewhere each time.
pub fn any_seed() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |time| time.subsec_nanos().into())
}

/// The folder of an archive that was unpacked, to be named in messages as the archive.
pub fn named(verdict: &mut Verdict, folder: &Path, archive: &Path) {
    let (from, to) = (folder.display().to_string(), archive.display().to_string());
    for line in verdict.faults.iter_mut().chain(&mut verdict.notes) {
        *line = line.replace(&from, &to);
    }
}

/// Where archives are unpacked for a look.
pub fn scratch() -> PathBuf {
    std::env::temp_dir().join(format!("calcisim-verify-{}-{:08x}", std::process::id(), any_seed()))
}
