//! The promises of ARCHITECTURE.md over every shipped scenario, for five days around its first insult and its first dose.
//!
//! One plain run of each scenario (one thread, in memory, never stopped) is compared with one in which everything is otherwise at
//! once: threads, width of vector instructions, outputs, a stop and a resume. The states at the end are in
//! `tests/data/golden.csv`. When numbers change on purpose:
//!
//! ```sh
//! CALCISIM_WRITE_GOLDEN=1 cargo test --release --test trust promises
//! ```
//!
//! and the stamp that it prints goes into CHANGELOG.md under «Numbers», with the reason. The whole matrix, and the same over 90
//! days, take long: `cargo test --release --test trust promises -- --ignored`.

#![allow(clippy::disallowed_methods)] // Tests are no part of the engine: promise 1 does not bind their floats.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use calcisim::model::{Model, State};
use calcisim::output::summary::hex;
use calcisim::par;
use calcisim::parameters::Registry;
use calcisim::scenario::{Scenario, Shipped};
use calcisim::simulation::{RunOptions, RunSettings, advance, resume, run, simulate};
use calcisim::solve::multigrid::Simd;

use crate::common::Tested;

/// Days that are looked at in every test run, and in a long one.
const DAYS: f64 = 5.0;
const LONG_DAYS: f64 = 90.0;
/// First insult and first dose [d].
const INSULT_D: f64 = 1.0;
const DOSE_D: f64 = 3.0;

fn load(name: &str, sets: &[String]) -> Scenario {
    Scenario::load(&Shipped, name, sets)
        .unwrap_or_else(|fault| panic!("{name}: {fault}"))
        .0
}

/// A scenario at coarse voxels, its network as it is drawn, its insults and doses moved so that the first are within the days.
fn staged(name: &str, days: f64, more: &[String]) -> RunSettings {
    let plain = load(name, &[]);
    // A block has few voxels to a side as it is.
    let voxel_um = if plain.word("space.plane") == "block" { 50 } else { 100 };
    let mut sets = vec![format!("space.voxel_um={voxel_um}"), "network.judge=false".to_owned()];
    let earliest = |days: &mut dyn Iterator<Item = f64>| days.fold(f64::MAX, f64::min);
    let struck = plain.challenges().iter().filter(|c| c.strength > 0.0);
    let insults: Vec<(&str, f64)> = struck.map(|c| (c.id.as_str(), c.course.start_d)).collect();
    let treated = plain.therapies().iter().filter(|t| t.when.is_none());
    let doses: Vec<(&str, f64)> = treated.map(|t| (t.id.as_str(), t.course.start_d)).collect();
    for (list, entries, to) in [("challenge", insults, INSULT_D), ("therapy", doses, DOSE_D)] {
        let first = earliest(&mut entries.iter().map(|(_, day)| *day));
        for (id, day) in entries {
            sets.push(format!("{list}.{id}.start_d={}", day - first + to));
        }
    }
    sets.extend_from_slice(more);
    settings(&load(name, &sets), days)
}

fn settings(scenario: &Scenario, days: f64) -> RunSettings {
    let mut scenario = scenario.clone();
    scenario.set_days(days).unwrap_or_else(|fault| panic!("{fault}"));
    RunSettings::of(&scenario, &Shipped).unwrap_or_else(|fault| panic!("{}: {fault}", scenario.name))
}

/// Hash every six hours and the state in the middle of the days before the first dose.
struct Course {
    hashes: Vec<u64>,
    before_dose: State,
}

fn plain_run(settings: &RunSettings) -> calcisim::error::Result<Course> {
    par::with_threads(1, || {
        let mut model = Model::new(settings.parameters.clone(), settings.seed)?;
        let (mut hashes, mut before_dose) = (vec![model.state_hash()], model.state());
        while model.clock.step() < settings.last_step() {
            advance(&mut model, &settings.instruments)?;
            if model.clock.step().is_multiple_of(6) {
                hashes.push(model.state_hash());
            }
            if model.clock.step() == model.clock.step_of_day(DOSE_D) - 1 {
                before_dose = model.state();
            }
        }
        Ok(Course { hashes, before_dose })
    })
}

/// Widths that this machine has.
fn widths() -> Vec<Simd> {
    Simd::ALL.into_iter().filter(|width| width.force()).collect()
}

/// The same with everything otherwise: threads, width, a folder with hourly rows and daily snapshots, a stop on the way.
fn other_run(name: &str, days: f64, i: usize, above: &Path) -> calcisim::error::Result<String> {
    let more = [
        "output.series_every_h=1",
        "output.snapshot_every_d=1",
        "output.snapshot_days=[2.5]",
    ];
    let mut settings = staged(name, days, &more.map(str::to_owned));
    let widths = widths();
    widths[i % widths.len()].force();
    // A step that is another one for every scenario.
    let stop_step = (37 * i as u64 + 11) % (settings.last_step() - 1) + 1;
    settings.days = stop_step as f64 * settings.step_h / 24.0;
    let out = above.join(name);
    let options = |threads: usize| RunOptions {
        out: Some(out.clone()),
        threads,
        is_quiet: true,
        ..RunOptions::default()
    };
    // The text in the folder is that of a run of this length.
    let mut scenario = Scenario::from_text(name, &settings.text, &[])?.0;
    scenario.set_days(settings.days)?;
    settings.text = scenario.resolved_toml();
    run(&settings, &options([2, 4, 7][i % 3]))?;
    let end = resume(&out, Some(days), &options([7, 2, 4][i % 3]))?;
    Ok(end.summary.state_hash)
}

/// Runs a job for every shipped scenario, as many at a time as there are cores; results by name.
fn each<T: Send>(job: impl Fn(&'static str, usize) -> T + Sync) -> BTreeMap<&'static str, T> {
    let names: Vec<&'static str> = Shipped::names().collect();
    let (next, found) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                loop {
                    let i = next.fetch_add(1, Ordering::Relaxed);
                    let Some(&name) = names.get(i) else { return };
                    let one = job(name, i);
                    found
                        .lock()
                        .unwrap_or_else(|poison| poison.into_inner())
                        .insert(name, one);
                }
            });
        }
    });
    found.into_inner().unwrap_or_else(|poison| poison.into_inner())
}

fn golden_file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

fn is_writing() -> bool {
    std::env::var_os("CALCISIM_WRITE_GOLDEN").is_some_and(|value| value == "1")
}

/// The golden states as text.
fn golden(days: f64, rows: &BTreeMap<&str, String>) -> String {
    let rows: String = rows
        .iter()
        .map(|(name, hash)| format!("{name},{days},{hash}\n"))
        .collect();
    format!("scenario,days,state_hash\n{rows}")
}

/// What CHANGELOG.md must hold: changes with any golden state.
fn stamp(text: &str) -> String {
    hex(xxhash_rust::xxh3::xxh3_64(text.as_bytes()))[..8].to_owned()
}

fn check_golden(file: &str, now: &str) {
    let path = golden_file(file);
    if is_writing() {
        std::fs::write(&path, now).unwrap_or_else(|fault| panic!("{}: {fault}", path.display()));
        eprintln!("{file}: CHANGELOG.md, «Numbers», must say: golden {}", stamp(now));
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    let other: Vec<&str> = now
        .lines()
        .filter(|line| !written.lines().any(|old| old == *line))
        .collect();
    assert!(
        written == now,
        "{file}: these states are others than before. If numbers were to change: CALCISIM_WRITE_GOLDEN=1 cargo test --release \
         --test trust promises, and the reason with its stamp under «Numbers» in CHANGELOG.md\n{}",
        other.join("\n")
    );
}

#[test]
fn every_scenario_ends_in_its_golden_state_however_it_is_run() -> Tested {
    hold(DAYS, "golden.csv")
}

#[test]
#[ignore = "minutes: cargo test --release --test trust promises -- --ignored"]
fn every_scenario_ends_in_its_golden_state_of_day_90_however_it_is_run() -> Tested {
    hold(LONG_DAYS, "golden-day90.csv")
}

/// Runs every scenario plainly, otherwise, and with doses of zero, and looks the states at the end up.
fn hold(days: f64, golden_states: &str) -> Tested {
    let above = tempfile::tempdir()?;
    let found = each(|name, i| {
        let settings = staged(name, days, &[]);
        let plain = plain_run(&settings)?;
        let other = other_run(name, days, i, above.path())?;
        let zero = zero_dose_differs(name, &settings, &plain)?;
        Ok::<_, calcisim::error::Error>((plain.hashes, other, zero))
    });
    let mut rows = BTreeMap::new();
    let mut treated = 0;
    for (name, one) in found {
        let (hashes, other, zero) = one.map_err(|fault| format!("{name}: {fault}"))?;
        let end = hashes.last().map(|hash| hex(*hash)).unwrap_or_default();
        assert_eq!(
            end, other,
            "{name}: threads, width, outputs or a resume changed it: run with --ignored to see which"
        );
        match zero {
            Some(true) => panic!("{name}: doses of zero are not the control"),
            Some(false) => treated += 1,
            None => {}
        }
        rows.insert(name, end);
    }
    assert!(treated >= 10, "doses of zero were looked at in {treated} scenarios");
    check_golden(golden_states, &golden(days, &rows));
    Ok(())
}

/// Whether doses of zero differ from no treatment, a day past the first dose; nothing for a scenario without doses.
fn zero_dose_differs(name: &str, settings: &RunSettings, plain: &Course) -> calcisim::error::Result<Option<bool>> {
    let entries = &settings.parameters.therapy_entries;
    let dosed: Vec<&str> = entries
        .iter()
        .filter(|entry| entry.dose.is_some())
        .map(|entry| entry.id.as_str())
        .collect();
    if dosed.is_empty() {
        return Ok(None);
    }
    let mut without = settings.parameters.clone();
    without.therapy_entries.retain(|entry| entry.dose.is_none());
    let mut zero = settings.parameters.clone();
    for entry in &mut zero.therapy_entries {
        if let Some(dose) = &mut entry.dose {
            dose.amount = 0.0;
        }
    }
    let end = |parameters| {
        par::with_threads(1, || {
            let mut model = Model::restore(parameters, settings.seed, plain.before_dose.clone())?;
            for _ in 0..25 {
                advance(&mut model, &settings.instruments)?;
            }
            Ok::<_, calcisim::error::Error>(model.state_hash())
        })
    };
    let differs = end(without)? != end(zero)?;
    if differs {
        eprintln!("{name}: {dosed:?}");
    }
    Ok(Some(differs))
}

#[test]
fn the_changelog_says_why_the_golden_states_are_what_they_are() -> Tested {
    if is_writing() {
        return Ok(());
    }
    let changelog = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("CHANGELOG.md"))?;
    let numbers: String = changelog.split("### Numbers").skip(1).collect();
    for file in ["golden.csv", "golden-day90.csv"] {
        let stamp = stamp(&std::fs::read_to_string(golden_file(file))?);
        assert!(
            numbers.contains(&stamp),
            "{file} changed: CHANGELOG.md, «Numbers», must say why, with its stamp: golden {stamp}"
        );
    }
    Ok(())
}

#[test]
fn the_stamp_changes_with_any_golden_state() {
    let rows = BTreeMap::from([("a", "0123".to_owned()), ("b", "4567".to_owned())]);
    let other = BTreeMap::from([("a", "0123".to_owned()), ("b", "4568".to_owned())]);
    assert_ne!(stamp(&golden(5.0, &rows)), stamp(&golden(5.0, &other)));
    assert_eq!(stamp(&golden(5.0, &rows)).len(), 8);
}

#[test]
fn what_every_scenario_is_staged_with_is_what_it_ships_with_but_for_voxels_and_dates() {
    let registry = Registry::embedded();
    for name in Shipped::names() {
        let (plain, staged) = (load(name, &[]), staged(name, DAYS, &[]));
        let again = Scenario::from_text(name, &staged.text, &[])
            .unwrap_or_else(|fault| panic!("{name}: {fault}"))
            .0;
        for row in registry.rows() {
            let is_moved = [
                "space.voxel_um",
                "network.judge",
                "network.dir",
                "run.days",
                "run.written_days",
            ]
            .contains(&row.key.as_str());
            let is_table = row.key == "host.course_csv";
            assert!(
                is_moved || is_table || plain.value(&row.key) == again.value(&row.key),
                "{name}: {}",
                row.key
            );
        }
        assert_eq!(
            (plain.challenges().len(), plain.therapies().len()),
            (again.challenges().len(), again.therapies().len())
        );
    }
}

#[test]
#[ignore = "the whole matrix, some minutes: cargo test --release --test trust promises -- --ignored"]
fn every_scenario_with_each_number_of_threads_each_width_outputs_and_resumes_alone() -> Tested {
    let above = tempfile::tempdir()?;
    let found = each(|name, i| {
        let settings = staged(name, DAYS, &[]);
        let plain = plain_run(&settings)?.hashes.last().copied().unwrap_or(0);
        let mut wrong = Vec::new();
        let end = |threads: usize| {
            par::with_threads(threads, || {
                let mut model = Model::new(settings.parameters.clone(), settings.seed)?;
                while model.clock.step() < settings.last_step() {
                    advance(&mut model, &settings.instruments)?;
                }
                Ok::<_, calcisim::error::Error>(model.state_hash())
            })
        };
        for threads in [2, 4, 7] {
            if end(threads)? != plain {
                wrong.push(format!("{threads} threads"));
            }
        }
        for width in widths() {
            width.force();
            if end(1)? != plain {
                wrong.push(format!("width {}", width.name()));
            }
        }
        if simulate(&settings, settings.seed, &mut |_| Ok(()))?.1.state_hash != hex(plain) {
            wrong.push("watched".to_owned());
        }
        for k in 0..3 {
            if other_run(name, DAYS, 100 * k + i, &above.path().join(k.to_string()))? != hex(plain) {
                wrong.push(format!("stopped and resumed, {k}"));
            }
        }
        Ok::<_, calcisim::error::Error>(wrong)
    });
    let mut wrong = Vec::new();
    for (name, one) in found {
        let list = one.map_err(|fault| format!("{name}: {fault}"))?;
        wrong.extend(list.into_iter().map(|what| format!("{name}: {what}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}
