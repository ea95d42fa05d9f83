//! `calcisim experiment`: plan, run, status, merge, verify, sbatch, gc, page.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::experiment_rest::{self, GcArgs, PageArgs};
use super::run::{notes, object, threads};
use super::{Global, Reply};
use crate::error::{Diagnostic, Error, Result};
use crate::experiment::calibrate::course;
use crate::experiment::execute::ExecuteOptions;
use crate::experiment::file::text_of;
use crate::experiment::plan::Plan;
use crate::experiment::plan_folder::Installed;
use crate::experiment::validation::{self, Table};
use crate::experiment::{file, merge, page, pilot, sbatch, status, verdict, verify};
use crate::library::Disk;
use crate::simulation::progress::{bytes, duration};
use crate::simulation::stop::Stop;
use crate::simulation::threads_or_cores;

/// How long a pilot is timed at most.
const PILOT: Duration = Duration::from_secs(10);

/// `calcisim experiment`.
#[derive(Clone, Debug, Args)]
#[command(
    arg_required_else_help = true,
    after_help = "Examples:\n  calcisim experiment run smoke                       plan and run one that ships with calcisim\n  \
                  calcisim experiment plan mine.toml -o mine-plan     how many runs, how long\n  \
                  calcisim experiment run mine-plan --shard 0/4       one part of four\n  \
                  calcisim experiment merge mine-plan -o mine-results tables"
)]
pub struct ExperimentArgs {
    /// What to do
    #[command(subcommand)]
    pub command: ExperimentCommand,
}

/// The commands of an experiment.
#[derive(Clone, Debug, Subcommand)]
pub enum ExperimentCommand {
    /// Check an experiment and write its plan: which runs it is made of
    Plan(PlanArgs),
    /// Do the runs of a plan that are missing
    Run(RunArgs),
    /// How a plan stands
    Status(StatusArgs),
    /// Put the results of a plan into tables
    Merge(MergeArgs),
    /// Repeat some finished runs and compare every byte
    Verify(VerifyArgs),
    /// Hold tables against published targets
    Validate(ValidateArgs),
    /// Hold rival hypotheses against criteria, over many parameter vectors
    Verdict(VerdictArgs),
    /// Write a Slurm script that runs a plan as an array
    Sbatch(SbatchArgs),
    /// Write a small page about merged results: what they say, tables, pictures
    Page(PageArgs),
    /// Tidy a plan: put its results into one segment, remove what dead workers left
    Gc(GcArgs),
}

/// `calcisim experiment plan`.
#[derive(Clone, Debug, Args)]
pub struct PlanArgs {
    /// Path of an experiment, or the name of a shipped one
    pub file: String,
    /// Folder of the plan; output/NAME-plan by default
    #[arg(short, long, value_name = "PLAN")]
    pub out: Option<PathBuf>,
    /// Take the place of another plan; results of runs that both have stay
    #[arg(long)]
    pub force: bool,
    /// Do not time a run to forecast the cost
    #[arg(long)]
    pub no_pilot: bool,
}

/// `calcisim experiment run`.
#[derive(Clone, Debug, Args)]
pub struct RunArgs {
    /// A plan, or an experiment that is planned first
    #[arg(value_name = "PLAN_OR_FILE")]
    pub plan: String,
    /// Only this part of the runs: 0-based part / number of parts
    #[arg(long, value_name = "I/N", value_parser = shard)]
    pub shard: Option<(u64, u64)>,
    /// Runs at a time; all cores by default
    #[arg(long, value_name = "T", value_parser = threads)]
    pub threads: Option<usize>,
    /// Stop cleanly after this time: 90s, 50m, 2h, 1h30m
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub max_time: Option<Duration>,
    /// Run a plan that another version of calcisim made
    #[arg(long)]
    pub allow_version_mix: bool,
    /// Folder of the plan, where a file is given
    #[arg(short, long, value_name = "PLAN")]
    pub out: Option<PathBuf>,
    /// After what silence a worker on another machine counts as gone
    #[arg(long, value_name = "TIME", value_parser = time, hide = true)]
    pub time_to_live: Option<Duration>,
    /// After what time a run in progress is kept for later
    #[arg(long, value_name = "TIME", value_parser = time, hide = true)]
    pub keep_every: Option<Duration>,
}

/// `calcisim experiment status`.
#[derive(Clone, Debug, Args)]
pub struct StatusArgs {
    /// The plan
    pub plan: PathBuf,
    /// Count by shard, for so many shards
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub shards: u64,
}

/// `calcisim experiment merge`.
#[derive(Clone, Debug, Args)]
pub struct MergeArgs {
    /// The plan
    pub plan: PathBuf,
    /// Folder of the results
    #[arg(short, long, value_name = "DIR")]
    pub out: PathBuf,
    /// Replace results that exist
    #[arg(long)]
    pub force: bool,
    /// Write the tables although rows are missing; still ends with 7
    #[arg(long)]
    pub partial: bool,
}

/// `calcisim experiment verify`.
#[derive(Clone, Debug, Args)]
pub struct VerifyArgs {
    /// The plan
    pub plan: PathBuf,
    /// How many finished runs to repeat
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub sample: usize,
    /// Seed of the choice
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Runs at a time; all cores by default
    #[arg(long, value_name = "T", value_parser = threads)]
    pub threads: Option<usize>,
}

/// `calcisim experiment validate`.
#[derive(Clone, Debug, Args)]
pub struct ValidateArgs {
    /// Folders that `experiment merge` wrote
    #[arg(required = true)]
    pub results: Vec<PathBuf>,

    /// Published values: a path, or what ships with calcisim
    #[arg(long, default_value = "targets")]
    pub targets: String,

    /// From which arms and columns their counterparts are read
    #[arg(long, default_value = "readings")]
    pub readings: String,

    /// Write the page there; else it is printed
    #[arg(long, short)]
    pub out: Option<PathBuf>,
}

/// `calcisim experiment verdict`.
#[derive(Clone, Debug, Args)]
pub struct VerdictArgs {
    /// Folder that `experiment merge` wrote
    pub results: PathBuf,

    /// Hypotheses and criteria: a path, or what ships with calcisim
    #[arg(long, default_value = "verdict_criteria")]
    pub criteria: String,

    /// Write the page there; else it is printed
    #[arg(long, short)]
    pub out: Option<PathBuf>,
}

/// `calcisim experiment sbatch`.
#[derive(Clone, Debug, Args)]
pub struct SbatchArgs {
    /// The plan
    pub plan: PathBuf,
    /// Array tasks; by default as many as give each half an hour of work
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub shards: Option<u64>,
    /// Tasks at the same time
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub at_once: Option<u64>,
    /// Cores of a task
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=1024))]
    pub cpus: u64,
    /// Time limit of a task, as Slurm writes it: 01:00:00
    #[arg(long, value_name = "TIME")]
    pub time: Option<String>,
    /// Memory of a task, as Slurm writes it: 2G
    #[arg(long, value_name = "SIZE")]
    pub mem: Option<String>,
    /// Partition
    #[arg(long, value_name = "NAME")]
    pub partition: Option<String>,
    /// Account
    #[arg(long, value_name = "NAME")]
    pub account: Option<String>,
    /// Write the script here instead of on standard output
    #[arg(short, long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// `2/8`: part 2 of 8, counted from 0.
fn shard(text: &str) -> Result<(u64, u64), String> {
    let parts = text
        .split_once('/')
        .and_then(|(i, n)| Some((i.parse().ok()?, n.parse().ok()?)));
    match parts {
        Some((i, n)) if i < n && n <= 1_000_000 => Ok((i, n)),
        Some((i, n)) => Err(format!(
            "part {i} of {n}: parts are counted from 0, so the last is {}",
            n.max(1) - 1
        )),
        None => Err("a part and a number of parts, as 0/4".into()),
    }
}

/// `90s`, `50m`, `2h`, `1h30m`, or plain seconds.
fn time(text: &str) -> Result<Duration, String> {
    const EXPECTED: &str = "a time as 90s, 50m, 2h or 1h30m";
    let mut seconds = 0.0;
    let mut number = String::new();
    for c in text.chars() {
        let unit = match c {
            'd' => 86_400.0,
            'h' => 3600.0,
            'm' => 60.0,
            's' => 1.0,
            c if c.is_ascii_digit() || c == '.' => {
                number.push(c);
                continue;
            }
            _ => return Err(EXPECTED.into()),
        };
        let count: f64 = number.parse().map_err(|_| EXPECTED.to_owned())?;
        seconds += unit * count;
        number.clear();
    }
    if !number.is_empty() {
        seconds += number.parse::<f64>().map_err(|_| EXPECTED.to_owned())?;
    }
    match Duration::try_from_secs_f64(seconds) {
        Ok(time) if !text.is_empty() && !time.is_zero() => Ok(time),
        _ => Err(EXPECTED.into()),
    }
}

pub(super) fn experiment(args: &ExperimentArgs, global: &Global) -> Result<Reply> {
    match &args.command {
        ExperimentCommand::Plan(args) => plan(args, global),
        ExperimentCommand::Run(args) => run(args, global),
        ExperimentCommand::Status(args) => {
            let plan = course::grown(Plan::open(&args.plan)?)?;
            let status = status::status(&plan, args.shards)?;
            Ok(Reply {
                text: status.text(&plan),
                json: object(status.to_json(&plan)),
                ..Reply::default()
            })
        }
        ExperimentCommand::Merge(args) => merged(args),
        ExperimentCommand::Verify(args) => verified(args),
        ExperimentCommand::Validate(args) => validated(args),
        ExperimentCommand::Verdict(args) => judged(args),
        ExperimentCommand::Sbatch(args) => script(args),
        ExperimentCommand::Gc(args) => experiment_rest::tidied(args),
        ExperimentCommand::Page(args) => experiment_rest::paged(args),
    }
}

/// Plans a file into its folder.
fn planned(file: &str, out: Option<&Path>, force: bool) -> Result<(Plan, Installed, Vec<Diagnostic>)> {
    let (experiment, warnings) = file::load(&Disk, file)?;
    let folder = out.map_or_else(
        || Path::new("output").join(format!("{}-plan", experiment.name)),
        Path::to_owned,
    );
    let mut plan = Plan::of(&experiment, &folder)?;
    let installed = plan.install(&experiment, force)?;
    if installed == Installed::Already {
        // What lies there must be what was written.
        plan = Plan::open(&folder)?;
    }
    Ok((plan, installed, warnings))
}

/// What a plan is made of, in words.
fn outline(plan: &Plan) -> String {
    let m = &plan.manifest;
    let mut text = format!(
        "{} ({}): {} arm{} × {} point{} × {} replicates = {} rows, {} runs of {} days\n",
        m.name,
        m.kind,
        m.arms.len(),
        if m.arms.len() == 1 { "" } else { "s" },
        m.points,
        if m.points == 1 { "" } else { "s" },
        m.replicates,
        m.rows,
        m.runs,
        m.days
    );
    if !m.question.is_empty() {
        text.push_str(&format!("{}\n", m.question));
    }
    text.push_str(&course::outline(plan).unwrap_or_default());
    if let Some(f) = &m.forecast {
        let cores = threads_or_cores(0);
        text.push_str(&format!(
            "about {} a run ({:.0} % of one timed): {:.2} core-hours, {} on the {cores} cores here, up to {} of disk\n",
            duration(f.run_s),
            100.0 * f.share,
            f.core_hours,
            duration(3600.0 * f.core_hours / cores as f64),
            bytes(f.disk)
        ));
    }
    text
}

fn plan_json(plan: &Plan) -> Value {
    let m = &plan.manifest;
    json!({"plan": plan.folder.display().to_string(), "name": m.name, "kind": m.kind, "digest": m.digest,
           "arms": m.arms.len(), "points": m.points, "replicates": m.replicates, "rows": m.rows, "runs": m.runs,
           "days": m.days, "seed": m.seed, "forecast": m.forecast})
}

fn plan(args: &PlanArgs, _global: &Global) -> Result<Reply> {
    let (mut plan, installed, mut warnings) = planned(&args.file, args.out.as_deref(), args.force)?;
    if !args.no_pilot && plan.manifest.forecast.is_none() {
        match pilot::pilot(&plan, PILOT, &Stop::by_signals()?) {
            Ok(forecast) => plan.write_forecast(forecast)?,
            Err(reason @ (Error::Stopped(_) | Error::Interrupted(_))) => return Err(reason),
            Err(fault) => {
                let message = format!("the pilot could not run, so there is no forecast: {fault}");
                warnings.extend(notes(&args.file, [message]));
            }
        }
    }
    let folder = plan.folder.display();
    let mut text = outline(&plan);
    text.push_str(&match installed {
        Installed::New => format!("Written to {folder}\n"),
        Installed::Already => format!("{folder} holds this plan already\n"),
        Installed::Replaced => format!("{folder} holds the new plan; results of runs that stay the same are kept\n"),
    });
    text.push_str(&format!("Next: calcisim experiment run {folder}\n"));
    Ok(Reply {
        text,
        json: object(plan_json(&plan)),
        warnings,
        ..Reply::default()
    })
}

fn run(args: &RunArgs, global: &Global) -> Result<Reply> {
    let path = Path::new(&args.plan);
    let (plan, warnings) = if path.is_dir() {
        if args.out.is_some() {
            return Err(Error::Usage("--out belongs to a file: this is a plan".to_owned()));
        }
        (Plan::open(path)?, Vec::new())
    } else {
        let (plan, _, warnings) = planned(&args.plan, args.out.as_deref(), false)?;
        if !global.quiet {
            eprint!("{}", outline(&plan));
        }
        (plan, warnings)
    };
    let defaults = ExecuteOptions::default();
    let (done, said) = course::run(
        &plan,
        &ExecuteOptions {
            shard: args.shard.unwrap_or((0, 1)),
            threads: args.threads.unwrap_or(0),
            max_time: args.max_time,
            allow_version_mix: args.allow_version_mix,
            is_quiet: global.quiet,
            stop: Stop::by_signals()?,
            time_to_live: args.time_to_live.unwrap_or(defaults.time_to_live),
            keep_every: args.keep_every.unwrap_or(defaults.keep_every),
            advice: String::new(),
        },
    )?;
    let json = json!({"plan": plan.folder.display().to_string(), "runs": done.runs, "before": done.before,
                      "ran": done.ran, "failed": done.failed, "elsewhere": done.elsewhere, "dropped": done.dropped,
                      "wall_s": done.wall_s});
    Ok(Reply {
        text: format!("{}{said}", done.text(&plan.folder)),
        json: object(json),
        warnings,
        ..Reply::default()
    })
}

fn merged(args: &MergeArgs) -> Result<Reply> {
    let plan = course::grown(Plan::open(&args.plan)?)?;
    let merged = merge::merge(&plan, &args.out, args.force, args.partial)?;
    let out = args.out.display();
    let mut text = format!("{}: {} rows", plan.manifest.name, merged.rows);
    for (count, what) in [
        (merged.failed, "failed"),
        (merged.dropped, "dropped by their bound"),
        (merged.missing, "missing"),
    ] {
        if count > 0 {
            text.push_str(&format!(", {count} {what}"));
        }
    }
    text.push_str(&format!("\n{}", merged.headline));
    text.push_str(&format!(
        "Simulated sites at risk, not patients: for teaching and hypotheses.\nWritten to {out}: {}\n",
        merged.files.join(", ")
    ));
    let json = json!({"out": out.to_string(), "rows": merged.rows, "failed": merged.failed,
                      "dropped": merged.dropped, "missing": merged.missing, "bad_records": merged.bad,
                      "headline": merged.headline, "files": merged.files});
    Ok(Reply {
        text,
        json: object(json),
        // CONTRACT section 3: rows are missing.
        exit: if merged.missing > 0 { 7 } else { 0 },
        ..Reply::default()
    })
}

fn verified(args: &VerifyArgs) -> Result<Reply> {
    let plan = course::grown(Plan::open(&args.plan)?)?;
    let found = verify::verify(
        &plan,
        args.sample,
        args.seed,
        args.threads.unwrap_or(0),
        &Stop::by_signals()?,
    )?;
    Ok(Reply {
        text: found.text(&plan),
        json: object(json!({"repeated": found.rows.len(), "rows": found.rows, "differing": found.differing})),
        exit: if found.differing.is_empty() { 0 } else { 7 },
        ..Reply::default()
    })
}

/// The runs of a folder of results.
fn table_of(folder: &Path) -> Result<Table> {
    let path = folder.join("runs.csv");
    let named = |why: String| Error::files(path.display().to_string(), why);
    let text = std::fs::read_to_string(&path).map_err(|fault| named(fault.to_string()))?;
    Table::read(&text).map_err(named)
}

/// A page, written or printed. Of a page that is there only the block of this command is replaced.
fn page(title: &str, command: &str, out: Option<&Path>, body: String, json: Value) -> Result<Reply> {
    let json = object(json);
    let Some(out) = out else {
        return Ok(Reply {
            text: body,
            json,
            ..Reply::default()
        });
    };
    let command = format!("calcisim experiment {command}");
    let text = if out.exists() {
        let there = crate::output::files::read_text(out)?;
        page::replaced(&there, &command, &body).ok_or_else(|| {
            let place = page::block(&command, "");
            let why = format!(
                "is there, and has no place for these tables. Name another file, or put these lines where they belong:\n{place}"
            );
            Error::files(out.display().to_string(), why)
        })?
    } else {
        let head = "In this model: simulated sites at risk, not patients.";
        format!("# {title}\n\n{head}\n\n{}", page::block(&command, &body))
    };
    crate::output::files::write_whole(out, text.as_bytes())?;
    Ok(Reply {
        text: format!("Written to {}\n", out.display()),
        json,
        ..Reply::default()
    })
}

fn validated(args: &ValidateArgs) -> Result<Reply> {
    let (targets, readings) = (text_of(&Disk, &args.targets)?, text_of(&Disk, &args.readings)?);
    let tables = args
        .results
        .iter()
        .map(|folder| table_of(folder))
        .collect::<Result<Vec<_>>>()?;
    let lines = validation::validate((&targets.0, &targets.1), (&readings.0, &readings.1), &tables)?;
    let listed: Vec<Value> = lines
        .iter()
        .map(|line| {
            let own = line.found.map(|(value, own)| json!({"value": value, "low": own.low, "high": own.high}));
            json!({"target": line.target.id, "standing": line.standing.word(), "sites": line.sites, "found": own, "remark": line.remark})
        })
        .collect();
    let folders: Vec<String> = args.results.iter().map(|folder| folder.display().to_string()).collect();
    let mut command = format!("validate {}", folders.join(" "));
    for (name, given) in [("targets", &args.targets), ("readings", &args.readings)] {
        if given != name {
            command.push_str(&format!(" --{name} {given}"));
        }
    }
    let body = validation::markdown(&lines);
    page(
        "Validation",
        &command,
        args.out.as_deref(),
        body,
        json!({"targets": listed}),
    )
}

fn judged(args: &VerdictArgs) -> Result<Reply> {
    let criteria = text_of(&Disk, &args.criteria)?;
    let verdict = verdict::judge(&criteria.0, &criteria.1, &table_of(&args.results)?)?;
    let by = match args.criteria.as_str() {
        "verdict_criteria" => String::new(),
        other => format!(" --criteria {other}"),
    };
    let command = format!("verdict {}{by}", args.results.display());
    page(
        "The verdict",
        &command,
        args.out.as_deref(),
        verdict.markdown(),
        json!({}),
    )
}

fn script(args: &SbatchArgs) -> Result<Reply> {
    let plan = course::grown(Plan::open(&args.plan)?)?;
    let program = std::env::current_exe().map_or_else(|_| "calcisim".to_owned(), |path| path.display().to_string());
    let request = sbatch::Request {
        shards: args.shards,
        at_once: args.at_once,
        cpus: args.cpus,
        time: args.time.clone(),
        mem: args.mem.clone(),
        partition: args.partition.clone(),
        account: args.account.clone(),
        program,
    };
    let script = sbatch::script(&plan, &request, sbatch::largest_array())?;
    let Some(out) = &args.out else {
        return Ok(Reply::text(script.clone()).with("script", script));
    };
    crate::output::files::write_whole(out, script.as_bytes())?;
    let text = format!("Written to {}\nNext: sbatch {}\n", out.display(), out.display());
    Ok(Reply::text(text).with("out", out.display().to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_shards_are_read_as_people_write_them() {
        assert_eq!(time("50m"), Ok(Duration::from_secs(3000)));
        assert_eq!(time("1h30m"), Ok(Duration::from_secs(5400)));
        assert_eq!(time("90"), Ok(Duration::from_secs(90)));
        assert!(time("soon").is_err() && time("").is_err() && time("0s").is_err());
        assert_eq!(shard("0/4"), Ok((0, 4)));
        assert!(shard("4/4").is_err_and(|why| why.contains("last is 3")));
        assert!(shard("4").is_err());
    }
}
