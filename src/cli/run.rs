//! Commands that work on runs: their arguments, and the scenario as they change it.

use clap::Args;

use super::{Global, Reply};
use crate::error::{Diagnostic, Error, Result};
use crate::experiment::compare::{Arm, CompareOptions};
use crate::library::Disk;
use crate::scenario::{Scenario, stem};
use crate::simulation::stop::Stop;
use crate::simulation::{Outcome, RunOptions, RunSettings};
use crate::{experiment, simulation};

/// `calcisim run`.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Examples:\n  calcisim run healthy\n  calcisim run scenarios/cua_warfarin.toml --seed 3 --days 30\n  \
                        calcisim run msc_local --set therapy.msc.dose_cells_per_cm2=2e6 --out output/double-dose\n  \
                        calcisim run ckd_chronic --json | jq .final.necrotic_fraction"
)]
pub struct RunArgs {
    /// Path of a scenario, or the name of a shipped one
    pub scenario: String,
    /// Change one value: a dotted path; may be repeated, applied in order
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub sets: Vec<String>,
    /// Seed of the dice, in place of the scenario's
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Length in days, in place of the scenario's
    #[arg(long, value_name = "D")]
    pub days: Option<f64>,
    /// Threads; all cores by default
    #[arg(long, value_name = "N", value_parser = threads)]
    pub threads: Option<usize>,
    /// The run folder; output/SCENARIO-sSEED by default
    #[arg(long, value_name = "DIR")]
    pub out: Option<std::path::PathBuf>,
    /// Replace a run folder that exists
    #[arg(long)]
    pub force: bool,
    /// Show what each process costs
    #[arg(long)]
    pub profile: bool,
}

/// `calcisim compare`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:\n  calcisim compare msc_vehicle msc_local\n  \
                        calcisim compare cua_warfarin.toml mine.toml --replicates 20 --out output/mine")]
pub struct CompareArgs {
    /// Paths or shipped names; the first is the reference
    #[arg(required = true, num_args = 2..)]
    pub scenarios: Vec<String>,
    /// Pairs of runs: seeds N, N+1, …
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..))]
    pub replicates: u32,
    /// First seed, in place of the reference's
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Runs at a time; all cores by default
    #[arg(long, value_name = "N", value_parser = threads)]
    pub threads: Option<usize>,
    /// Folder of the results
    #[arg(long, value_name = "DIR")]
    pub out: Option<std::path::PathBuf>,
    /// Replace results that exist
    #[arg(long)]
    pub force: bool,
}

/// `calcisim resume`.
#[derive(Clone, Debug, Args)]
#[command(
    after_help = "Examples:\n  calcisim resume output/healthy-s1\n  calcisim resume output/healthy-s1 --days 365"
)]
pub struct ResumeArgs {
    /// The run folder
    pub run: std::path::PathBuf,
    /// Make the run this long
    #[arg(long, value_name = "D")]
    pub days: Option<f64>,
    /// Threads; all cores by default
    #[arg(long, value_name = "N", value_parser = threads)]
    pub threads: Option<usize>,
}

/// `calcisim figures`.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Examples:\n  calcisim figures output/cua_warfarin-s1\n  \
                        calcisim figures output/cua_warfarin-s1 --format svg\n  \
                        calcisim figures output/cua_warfarin-s1 --day 10,20,40,80\n  \
                        calcisim figures output/cua_warfarin-s1 --animate course.gif --frames 60\n  \
                        calcisim figures output/block_3d-s1 --animate skin.gif --lens surface\n  \
                        calcisim figures output/compare-msc_vehicle-vs-msc_local --animate arms.mp4")]
pub struct FiguresArgs {
    /// A run folder or the folder of a comparison
    pub run: std::path::PathBuf,
    /// Animate the map instead: a .gif, or with ffmpeg an .mp4 or .webm; the arms of a comparison side by side
    #[arg(long, value_name = "FILE")]
    pub animate: Option<std::path::PathBuf>,
    /// Formats of the figures: png, svg; by default png, and svg as well for those that are lines alone
    #[arg(long, value_name = "FORMATS", value_delimiter = ',', conflicts_with = "animate", value_parser = ["png", "svg"])]
    pub format: Vec<String>,
    /// Sections of these days side by side instead (with commas); a day that the folder does not hold is replayed
    #[arg(long, value_name = "D", value_delimiter = ',', conflicts_with = "animate")]
    pub day: Vec<f64>,
    /// Small pictures for pages: a third of the resolution, few colours
    #[arg(long, conflicts_with = "animate")]
    pub small: bool,
    /// What the animation shows: section, or the surface of a block from above
    #[arg(long, value_name = "LENS", requires = "animate", default_value = "section", value_parser = ["section", "surface"])]
    pub lens: String,
    /// Tone of the skin with --lens surface: light, brown, dark
    #[arg(long, value_name = "TONE", requires = "animate", default_value = "brown", value_parser = ["light", "brown", "dark"])]
    pub skin: String,
    /// Seed of the arms of a comparison; without, the one nearest to the medians of the arms
    #[arg(long, value_name = "N", requires = "animate")]
    pub seed: Option<u64>,
    /// Frames of the animation: the run is replayed for them; without, the days that the folder holds
    #[arg(long, value_name = "N", requires = "animate", value_parser = clap::value_parser!(u32).range(2..=2000))]
    pub frames: Option<u32>,
    /// Threads of a replay; all cores by default
    #[arg(long, value_name = "N", value_parser = threads)]
    pub threads: Option<usize>,
}

pub(super) fn threads(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(n @ 1..=4096) => Ok(n),
        _ => Err("a whole number from 1 to 4096".into()),
    }
}

/// The scenario of a run, with the options applied, and its warnings.
pub fn scenario(args: &RunArgs) -> Result<(Scenario, Vec<Diagnostic>)> {
    let (mut scenario, mut warnings) = Scenario::load(&Disk, &args.scenario, &args.sets)?;
    if let Some(seed) = args.seed {
        scenario.set_seed(seed)?;
    }
    if let Some(days) = args.days {
        warnings.extend(scenario.set_days(days)?);
    }
    Ok((scenario, warnings))
}

/// The scenarios of a comparison.
pub fn scenarios(args: &CompareArgs) -> Result<(Vec<Scenario>, Vec<Diagnostic>)> {
    let (mut all, mut warnings, mut faults, mut other) = (Vec::new(), Vec::new(), Vec::new(), None);
    for name in &args.scenarios {
        match Scenario::load(&Disk, name, &[]) {
            Ok((scenario, warned)) => {
                all.push(scenario);
                warnings.extend(warned);
            }
            Err(Error::Input(list)) => faults.extend(list),
            Err(error) => {
                faults.extend(error.diagnostics());
                other.get_or_insert(error);
            }
        }
    }
    // Of several errors the lowest code counts: a faulty scenario (3) before a missing one (4).
    match other {
        Some(error) if faults.len() == 1 => Err(error),
        _ if !faults.is_empty() => Err(Error::Input(faults)),
        _ => Ok((all, warnings)),
    }
}

/// Warnings of a run or comparison, as the pen draws them.
pub(super) fn notes(file: &str, lines: impl IntoIterator<Item = String>) -> Vec<Diagnostic> {
    lines
        .into_iter()
        .map(|message| Diagnostic {
            file: file.to_owned(),
            message,
            ..Diagnostic::default()
        })
        .collect()
}

/// The object of a finished command, without the fields that every reply has.
pub(super) fn object(value: serde_json::Value) -> serde_json::Map<String, serde_json::Value> {
    let mut map = match value {
        serde_json::Value::Object(map) => map,
        _ => serde_json::Map::new(),
    };
    map.remove("ok");
    map.remove("exit");
    map
}

fn options(args: Option<&RunArgs>, threads: Option<usize>, global: &Global) -> Result<RunOptions> {
    Ok(RunOptions {
        out: args.and_then(|a| a.out.clone()),
        force: args.is_some_and(|a| a.force),
        threads: threads.unwrap_or(0),
        is_quiet: global.quiet,
        profile: args.is_some_and(|a| a.profile),
        stop: Stop::by_signals()?,
        ..RunOptions::default()
    })
}

/// The reply of a finished run. Its pictures come on top: a run that could not be drawn is still a run.
pub(super) fn finished(outcome: &Outcome, mut warnings: Vec<Diagnostic>) -> Result<Reply> {
    let dir = outcome.run_dir.display().to_string();
    warnings.extend(notes(&dir, outcome.warnings.iter().cloned()));
    let mut text = outcome.text();
    match draw(&outcome.run_dir, true) {
        Ok(paths) => paths
            .iter()
            .for_each(|path| text.push_str(&format!("Drew {}\n", path.display()))),
        Err(fault) => warnings.extend(notes(
            &dir,
            [format!("the run is whole, but could not be drawn: {fault}")],
        )),
    }
    Ok(Reply {
        text,
        json: object(outcome.to_json()?),
        warnings,
        ..Reply::default()
    })
}

pub(super) fn run(args: &RunArgs, global: &Global) -> Result<Reply> {
    let (scenario, mut warnings) = scenario(args)?;
    let settings = RunSettings::of(&scenario, &Disk)?;
    let defaults: Vec<&str> = scenario.reported_defaults().iter().map(|(key, _)| *key).collect();
    if !defaults.is_empty() {
        let message = format!("not given, so the default of the registry: {}", defaults.join(", "));
        warnings.extend(notes(&scenario.file, [message]));
    }
    let outcome = simulation::run(&settings, &options(Some(args), args.threads, global)?)?;
    finished(&outcome, warnings)
}

pub(super) fn compare(args: &CompareArgs, global: &Global) -> Result<Reply> {
    let (scenarios, warnings) = scenarios(args)?;
    let arms: Vec<Arm> = scenarios
        .iter()
        .zip(&args.scenarios)
        .map(|(scenario, name)| {
            Ok(Arm {
                id: stem(name).to_owned(),
                settings: RunSettings::of(scenario, &Disk)?,
            })
        })
        .collect::<Result<_>>()?;
    let comparison = experiment::compare::compare(
        &arms,
        &CompareOptions {
            replicates: u64::from(args.replicates),
            seed: args.seed,
            threads: args.threads.unwrap_or(0),
            out: args.out.clone(),
            force: args.force,
            is_quiet: global.quiet,
            stop: Stop::by_signals()?,
        },
    )?;
    let mut json = object(comparison.to_json());
    let mut text = comparison.text();
    let mut pictures = draw(&comparison.out, true)?;
    pictures.extend(report(&comparison.out)?);
    for path in &pictures {
        text.push_str(&format!("Wrote {}\n", path.display()));
    }
    let names: Vec<String> = pictures.iter().map(|p| p.display().to_string()).collect();
    json.insert("figures".into(), names.into());
    Ok(Reply {
        text,
        json,
        warnings,
        ..Reply::default()
    })
}

/// The report of a comparison, in its folder; nothing in a build without figures.
#[cfg(feature = "figures")]
fn report(folder: &std::path::Path) -> Result<Option<std::path::PathBuf>> {
    Ok(Some(crate::report::write(&[folder.to_owned()], None)?.path))
}

#[cfg(not(feature = "figures"))]
fn report(_: &std::path::Path) -> Result<Option<std::path::PathBuf>> {
    Ok(None)
}

pub(super) fn resume(args: &ResumeArgs, global: &Global) -> Result<Reply> {
    let outcome = simulation::resume(&args.run, args.days, &options(None, args.threads, global)?)?;
    finished(&outcome, Vec::new())
}

pub(super) fn figures(args: &FiguresArgs, global: &Global) -> Result<Reply> {
    let paths = match &args.animate {
        Some(file) => vec![animate(args, file, global)?],
        None => draw_as(args, global)?,
    };
    let names: Vec<String> = paths.iter().map(|p| p.display().to_string()).collect();
    let text = names.iter().map(|name| format!("Wrote {name}\n")).collect::<String>();
    Ok(Reply::text(text).with("figures", names))
}

#[cfg(feature = "figures")]
fn animate(args: &FiguresArgs, file: &std::path::Path, global: &Global) -> Result<std::path::PathBuf> {
    use crate::figures::animate::{Lens, Request, of_folder};
    use crate::picture::surface::Tone;
    let tone = Tone::ALL.into_iter().find(|tone| tone.word() == args.skin);
    let request = Request {
        frames: args.frames.map(|n| n as usize),
        view: match (args.lens.as_str(), tone) {
            ("surface", Some(tone)) => Lens::Surface(tone),
            _ => Lens::Section,
        },
        seed: args.seed,
        replay: crate::simulation::archive::ReplayOptions {
            threads: args.threads.unwrap_or(0),
            is_quiet: global.quiet,
            stop: Stop::by_signals()?,
        },
    };
    of_folder(&args.run, file, &request)
}

#[cfg(not(feature = "figures"))]
fn animate(_: &FiguresArgs, _: &std::path::Path, _: &Global) -> Result<std::path::PathBuf> {
    Err(Error::MissingTool(
        "this build has no figures: build with the feature `figures`".into(),
    ))
}

/// Draws what a folder holds in the formats asked for.
#[cfg(feature = "figures")]
fn draw_as(args: &FiguresArgs, global: &Global) -> Result<Vec<std::path::PathBuf>> {
    let has = |word: &str| args.format.iter().any(|format| format == word);
    let chosen = (args.small || !args.format.is_empty()).then(|| crate::figures::Formats {
        png: has("png") || args.format.is_empty(),
        svg: has("svg"),
        is_small: args.small,
    });
    if args.day.is_empty() {
        return crate::figures::of_folder_as(&args.run, chosen);
    }
    let options = crate::simulation::archive::ReplayOptions {
        threads: args.threads.unwrap_or(0),
        is_quiet: global.quiet,
        stop: Stop::by_signals()?,
    };
    crate::figures::of_days(&args.run, &args.day, chosen, &options)
}

#[cfg(not(feature = "figures"))]
fn draw_as(args: &FiguresArgs, _: &Global) -> Result<Vec<std::path::PathBuf>> {
    draw(&args.run, false)
}

/// Draws what a folder holds; a build without figures says so, or stays silent where pictures come on top.
#[cfg(feature = "figures")]
pub(super) fn draw(folder: &std::path::Path, _on_top: bool) -> Result<Vec<std::path::PathBuf>> {
    crate::figures::of_folder(folder)
}

#[cfg(not(feature = "figures"))]
pub(super) fn draw(_folder: &std::path::Path, on_top: bool) -> Result<Vec<std::path::PathBuf>> {
    if on_top {
        return Ok(Vec::new());
    }
    Err(Error::MissingTool(
        "this build has no figures: build with the feature `figures`".into(),
    ))
}
