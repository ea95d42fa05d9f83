//! `calcisim biopsy --in-run`: the biopsy is taken in the course of the run. A new run with the same dice has a challenge of
//! kind `punch` on that day; up to it both runs are the same, which the stored hashes prove, and after it they differ by the
//! wound alone.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::biopsy::{BiopsyArgs, single_of};
use super::run::{draw, notes};
use super::{Global, Reply};
use crate::error::{Error, Result};
use crate::library::Disk;
use crate::output::summary::Summary;
use crate::output::{files, hashes, number};
use crate::scenario::{Library, Scenario};
use crate::simulation::archive::Archive;
use crate::simulation::stop::Stop;
use crate::simulation::{self, RunOptions, RunSettings};

/// Outcomes that are told side by side.
const TOLD: [(&str, &str, f64, &str); 5] = [
    ("open surface at the end", "ulcer_fraction", 100.0, "%"),
    ("tissue ever dead", "necrotic_fraction", 100.0, "%"),
    ("vessels perfused", "perfused_fraction", 100.0, "%"),
    ("mineral", "mineral_ug", 1.0, "µg"),
    ("days with an open wound", "open_wound_days", 1.0, "d"),
];

/// The scenario of a run with the punch at its end; every other file as it is on the disk.
struct WithPunch {
    file: String,
    text: String,
}

impl Library for WithPunch {
    fn read(&self, name_or_path: &str, from: Option<&str>) -> Result<(String, String)> {
        if from.is_none() && name_or_path == self.file {
            return Ok((self.file.clone(), self.text.clone()));
        }
        Disk.read(name_or_path, from)
    }
}

/// A name that no challenge of the scenario has.
fn free_id(scenario: &Scenario) -> String {
    let is_taken = |id: &str| scenario.challenges().iter().any(|c| c.id == id);
    let mut id = "biopsy".to_owned();
    let mut next = 2;
    while is_taken(&id) {
        id = format!("biopsy_{next}");
        next += 1;
    }
    id
}

/// The punch as an entry of a scenario.
fn entry(id: &str, day: f64, punch: &crate::picture::biopsy::Punch, is_block: bool) -> String {
    let mm = |um: f64| format!("{:?}", um / 1000.0);
    let across = if is_block {
        format!("y_mm = {}\n", mm(punch.centre_um[1]))
    } else {
        String::new()
    };
    format!(
        "\n[[challenge]]\nid = \"{id}\"\nkind = \"punch\"\nstart_d = {day:?}\nx_mm = {}\n{across}depth_mm = {}\nradius_mm = {}\n",
        mm(punch.centre_um[0]),
        mm(punch.depth_um),
        mm(punch.diameter_um / 2.0)
    )
}

/// `RUN-biopsy-day-42` beside the run.
fn folder(run: &Path, day: f64) -> PathBuf {
    let whole = run.canonicalize().unwrap_or_else(|_| run.to_owned());
    let name = whole
        .file_name()
        .map_or("run".into(), |n| n.to_string_lossy().into_owned());
    run.with_file_name(format!("{name}-biopsy-day-{}", number((day * 100.0).round() / 100.0)))
}

/// The settings of the run with the punch.
fn settings(archive: &Archive, day: f64, punch: &crate::picture::biopsy::Punch, is_block: bool) -> Result<RunSettings> {
    let scenario = archive.scenario.as_ref().map_err(Clone::clone)?;
    let file = archive.dir.join("scenario.toml").display().to_string();
    let library = WithPunch {
        text: files::read_text(&archive.dir.join("scenario.toml"))? + &entry(&free_id(scenario), day, punch, is_block),
        file: file.clone(),
    };
    // A picture of the wound itself, a day after the punch.
    let mut days: Vec<f64> = vec![day + 1.0];
    if let Some(crate::parameters::Value::Numbers(list)) = scenario.value("output.snapshot_days") {
        days.extend(list);
    }
    days.retain(|d| *d <= archive.record.days);
    days.sort_by(f64::total_cmp);
    days.dedup();
    let (mut changed, _) = Scenario::load(&library, &file, &[format!("output.snapshot_days={days:?}")])?;
    changed.set_seed(archive.record.seed)?;
    changed.set_days(archive.record.days)?;
    RunSettings::of(&changed, &library)
}

/// Hashes up to the punch that both runs have, and that must be the same.
fn compared(before: &Path, after: &Path, step: u64) -> Result<usize> {
    let read = |dir: &Path| files::read_text(&dir.join("hashes.csv")).map(|text| hashes::parse(&text));
    let (old, new) = (read(before)?, read(after)?);
    let mut count = 0;
    for (at, hash) in old.range(..=step) {
        match new.get(at) {
            Some(other) if other == hash => count += 1,
            Some(_) => {
                return Err(Error::Condition(format!(
                    "{}: step {at} lies before the punch and differs from {}: another version of calcisim wrote that folder; run its scenario anew",
                    after.display(),
                    before.display()
                )));
            }
            None => {}
        }
    }
    Ok(count)
}

/// Takes the biopsy, then runs the course with its wound.
pub(super) fn in_run(args: &BiopsyArgs, global: &Global) -> Result<Reply> {
    if args.n > 1 || args.set_of.is_some() || !args.mimics.is_empty() {
        return Err(Error::Usage(
            "--in-run wounds one run with one punch: leave out --n, --set-of and further runs".into(),
        ));
    }
    if [args.day.len(), args.punch.len(), args.site.len()]
        .iter()
        .any(|&n| n > 1)
    {
        return Err(Error::Usage("--in-run takes one day, one size and one site".into()));
    }
    let archive = Archive::open(&args.run)?;
    let Some(&day) = args.day.first() else {
        return Err(Error::Usage("--in-run needs the day of the biopsy: --day 42".into()));
    };
    if day >= archive.record.days {
        return Err(Error::input(
            "--day",
            format!(
                "{day} is the end of the run: nothing would come after the punch; choose an earlier day, or first: calcisim resume {} --days {}",
                args.run.display(),
                number(day + 30.0)
            ),
        ));
    }
    let out = args.out.clone().unwrap_or_else(|| folder(&args.run, day));
    simulation::folder::check_free(&out, args.force, simulation::folder::is_run_folder)?;
    let tissue = args
        .tissues(&args.run, global)?
        .pop()
        .ok_or_else(|| Error::Internal("a biopsy without a day".into()))?;
    let grid = tissue.snapshot.grid.clone();
    let (step, is_block) = (tissue.snapshot.step, grid.plane == crate::grid::Plane::Block);
    let punch = super::biopsy::punch_of(args, &tissue)?;
    let settings = settings(&archive, day, &punch, is_block)?;
    let options = RunOptions {
        out: Some(out.clone()),
        force: args.force,
        threads: args.threads.unwrap_or(0),
        is_quiet: global.quiet,
        stop: Stop::by_signals()?,
        ..RunOptions::default()
    };
    let outcome = simulation::run(&settings, &options)?;
    let same = compared(&args.run, &out, step)?;
    let mut reply = single_of(args, &tissue, &out.join("biopsy"))?;
    let pictures = draw(&out, true).unwrap_or_default();
    let before = summary(&args.run);
    let is_section = grid.plane == crate::grid::Plane::Section;
    let mut text = format!(
        "\nThe course with the wound: {}, the same seed; {same} stored hashes up to day {} are those of {}.\n",
        out.display(),
        number(day),
        args.run.display()
    );
    if is_section {
        text += "In a section the punch is a strip as thick as the slab, not a cylinder: the hole is as wide as the punch and has no far side.\n";
    }
    text += &told(before.as_ref(), &outcome.summary);
    for path in &pictures {
        text += &format!("Drew {}\n", path.display());
    }
    reply.text += &text;
    reply
        .warnings
        .extend(notes(&out.display().to_string(), outcome.warnings));
    reply.json.insert("run_dir".into(), out.display().to_string().into());
    reply.json.insert("hashes_before_the_punch".into(), same.into());
    reply.json.insert(
        "course".into(),
        json!({"with_biopsy": outcome.summary, "without": before}),
    );
    Ok(reply)
}

fn summary(dir: &Path) -> Option<serde_json::Value> {
    let text = files::read_text(&dir.join("summary.json")).ok()?;
    serde_json::from_str(&text).ok()
}

/// Outcomes with and without the punch, side by side.
fn told(before: Option<&serde_json::Value>, after: &Summary) -> String {
    let mut text = format!(
        "In this model, on this site:\n  {:<26}{:>14}{:>14}\n",
        "", "with biopsy", "without"
    );
    let mut line = |words: &str, here: Option<String>, there: Option<String>| {
        let none = || "–".to_owned();
        text += &format!(
            "  {words:<26}{:>14}{:>14}\n",
            here.unwrap_or_else(none),
            there.unwrap_or_else(none)
        );
    };
    for (words, column, factor, unit) in TOLD {
        let shown = |x: f64| format!("{:.1} {unit}", x * factor);
        let old = before.and_then(|b| b["final"][column].as_f64());
        line(words, after.last.get(column).map(shown), old.map(shown));
    }
    let day = |d: Option<f64>| Some(d.map_or("never".to_owned(), |d| format!("day {d:.1}")));
    let old = |name: &str| before.and_then(|b| b[name].as_f64());
    for (words, name, here) in [
        ("ulcer (2 % open) from", "t_ulcer_d", after.t_ulcer_d),
        ("closed for good", "t_closure_d", after.t_closure_d),
        ("first necrosis", "t_first_necrosis_d", after.t_first_necrosis_d),
    ] {
        line(words, day(here), before.and_then(|_| day(old(name))));
    }
    text
}
