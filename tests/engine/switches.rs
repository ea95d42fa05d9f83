//! Every causal arrow has a switch that works: off is scale 0, and on is not off on a shipped scenario.
//!
//! The second test makes the table in `docs/model.md`; after a change of numbers write it anew with
//! `CALCISIM_WRITE_DOCS=1 cargo test --release --test engine switches`.

#![allow(clippy::disallowed_methods)] // Tests are no part of the engine: promise 1 does not bind their floats.

use std::fmt::Write as _;
use std::sync::Mutex;

use crate::common::{self, Tested};
use calcisim::error::Result;
use calcisim::model::Model;
use calcisim::output::series::Look;
use calcisim::parameters::Arrows;
use calcisim::scenario::{Scenario, Shipped};
use calcisim::simulation::RunSettings;

/// A small section, judged by nobody, and an early bruise: a day of it costs tenths of a second.
const SMALL: [&str; 9] = [
    "space.width_mm=4",
    "space.depth_mm=4",
    "space.voxel_um=50",
    "network.judge=false",
    "challenge.step.start_d=1",
    "challenge.bruise.start_d=2",
    "challenge.bruise.x_mm=2",
    "challenge.bruise.depth_mm=0.3",
    "challenge.bruise.radius_mm=0.35",
];

/// Skin that takes little oxygen from the air opens within days.
const OPEN: [&str; 2] = ["oxygen.corneum_diffusivity_um2_per_s=15", "epidermis.unsupported_h=6"];

/// Cells early, and many.
const EARLY: [&str; 1] = ["therapy.product.start_d=3"];

/// The osteogenic switch at its acute rate, so that what modulates it shows within days.
const ACUTE: [&str; 3] = [
    "osteogenic.switch_rate_per_h=0.006",
    "host.repair_factor=0.3",
    "thrombosis.critical_diameters=4",
];

/// Endothelium that is lost sooner: clots, dead tissue and hypoxia within days.
const FRAGILE: [&str; 4] = [
    "endothelium.phosphate_rate_per_h=0.02",
    "endothelium.repair_rate_per_h=0.004",
    "thrombosis.critical_diameters=2",
    "thrombosis.lysis_rate_per_h=0.005",
];

/// A fall of pressure from which cells recover.
const FALL: &str =
    "[[challenge]]\nid = \"fall\"\nkind = \"hypotension\"\nstart_d = 3\nduration_h = 5\nstrength = 0.6\n";

/// Last day that is looked at, for all but slow processes.
const DAYS: f64 = 6.0;

/// Where a switch shows: shipped scenario, changes to it, its length, the column that it moves first of all.
struct Stage {
    scenario: &'static str,
    sets: Vec<&'static str>,
    more: &'static str,
    days: f64,
    column: &'static str,
}

fn stage(switch: &str) -> Stage {
    let (scenario, more, column): (_, Vec<&[&'static str]>, _) = match switch {
        "passive_mineral" | "osteo" | "adipo" | "inhibitor" => ("cua_warfarin", vec![], "mineral_ug"),
        "ec_osteo" | "hypoxia_osteo" | "infl_osteo" => ("cua_warfarin", vec![&ACUTE], "mineral_ug"),
        "ec_injury" | "shear" | "trauma" | "systemic_uraemia" => ("cua_warfarin", vec![], "endothelial_integrity"),
        "thrombosis" | "lysis" | "stagnation" => ("cua_warfarin", vec![], "thrombosed_segment_fraction"),
        "stenosis" | "neointima" => ("cua_warfarin", vec![], "perfused_fraction"),
        // Anaemia: living tissue that lacks oxygen beside vessels that have blood.
        "angiogenesis" => ("cua_warfarin", vec![&["host.haematocrit=0.2"]], "perfused_fraction"),
        "reperfusion" | "damp_loop" => ("cua_warfarin", vec![], "inflammation"),
        "crystal_infl" => (
            "cua_warfarin",
            vec![
                &[
                    "host.burn_in.share=1",
                    "host.burn_in.wall_mineral_median=0.2",
                    "space.voxel_um=40",
                ],
                &FRAGILE,
            ],
            "inflammation",
        ),
        "infection" => ("cua_warfarin", vec![&OPEN], "bacterial_load"),
        "reepithelialise" => ("cua_warfarin", vec![&OPEN], "ulcer_fraction"),
        "msc_immune" => ("msc_local", vec![&EARLY], "inflammation"),
        "msc_angio" => ("msc_local", vec![&EARLY], "perfused_fraction"),
        // Its effect is 0 by default: no human evidence.
        "msc_anticalc" => (
            "msc_local",
            vec![&EARLY, &ACUTE, &["osteogenic.msc_cut=0.8"]],
            "mineral_ug",
        ),
        "msc_antibact" => (
            "msc_local",
            vec![&OPEN, &["therapy.product.start_d=5"]],
            "bacterial_load",
        ),
        "msc_coag" | "msc_tf" => ("msc_iv", vec![&EARLY], "thrombosed_segment_fraction"),
        "msc_osteogenic" => ("msc_local", vec![&EARLY, &["msc.osteogenic_per_d=0.5"]], "mineral_ug"),
        other => panic!("the switch {other} has no stage: give it one here"),
    };
    Stage {
        scenario,
        sets: more.concat(),
        more: if switch == "reperfusion" { FALL } else { "" },
        days: match switch {
            "angiogenesis" => 12.0,
            "msc_anticalc" => 10.0,
            "crystal_infl" => 12.0,
            _ => DAYS,
        },
        column,
    }
}

/// The settings of a stage with further changes.
fn settings(stage: &Stage, more: &[String]) -> Result<RunSettings> {
    let sets: Vec<String> = SMALL
        .iter()
        .chain(&stage.sets)
        .map(|s| (*s).to_owned())
        .chain(more.iter().cloned())
        .collect();
    let text = format!("schema = 1\nextends = \"{}\"\n{}", stage.scenario, stage.more);
    let (scenario, _) = Scenario::from_text("stage.toml", &text, &sets)?;
    let mut settings = RunSettings::of(&scenario, &Shipped)?;
    settings.days = stage.days;
    Ok(settings)
}

/// Hash after each step, and the columns at the end.
fn course(settings: &RunSettings) -> Result<(Vec<u64>, Vec<f64>)> {
    let mut model = Model::new(settings.parameters.clone(), 1)?;
    let mut hashes = vec![model.state_hash()];
    let last = settings.last_step();
    while model.clock.step() < last {
        model.step()?;
        hashes.push(model.state_hash());
    }
    let row = Look::at(&model.tissue, &settings.definitions).row(model.clock.step(), model.clock.day());
    Ok((
        hashes,
        COLUMNS.iter().map(|name| row.get(name).unwrap_or(0.0)).collect(),
    ))
}

const COLUMNS: [&str; 8] = [
    "necrotic_fraction",
    "mineral_ug",
    "endothelial_integrity",
    "thrombosed_segment_fraction",
    "perfused_fraction",
    "inflammation",
    "bacterial_load",
    "ulcer_fraction",
];

/// All courses, two at a time.
fn courses(all: &[RunSettings]) -> Result<Vec<(Vec<u64>, Vec<f64>)>> {
    let next = Mutex::new(0);
    let done = Mutex::new((0..all.len()).map(|_| None).collect::<Vec<_>>());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let mine = {
                        let mut next = next.lock().expect("no thread panics while it holds the counter");
                        *next += 1;
                        *next - 1
                    };
                    let Some(settings) = all.get(mine) else { break };
                    let result = course(settings);
                    done.lock().expect("no thread panics while it holds the results")[mine] = Some(result);
                }
            });
        }
    });
    let done = done.into_inner().expect("all threads have ended");
    done.into_iter()
        .map(|result| result.expect("every course was run"))
        .collect()
}

#[test]
fn a_switch_that_is_off_is_a_switch_scaled_to_zero_bit_for_bit() -> Tested {
    for &switch in Arrows::names() {
        let stage = stage(switch);
        let off = settings(&stage, &[format!("mechanisms.{switch}=false")])?.parameters;
        let zero = settings(&stage, &[format!("scale.{switch}=0")])?.parameters;
        assert_eq!(off.arrows.get(switch), Some(0.0), "{switch}");
        assert_eq!(format!("{off:?}"), format!("{zero:?}"), "{switch}");
    }
    // Equal parameters give equal runs; see it once for a switch that takes its process away.
    let stage = stage("thrombosis");
    let ends: Vec<u64> = ["mechanisms.thrombosis=false", "scale.thrombosis=0"]
        .iter()
        .map(|set| {
            let settings = settings(&stage, &[(*set).to_owned()])?;
            let mut model = Model::new(settings.parameters, 1)?;
            common::steps(&mut model, 60)?;
            Ok(model.state_hash())
        })
        .collect::<Result<_>>()?;
    assert_eq!(ends[0], ends[1]);
    Ok(())
}

#[test]
fn every_switch_matters_on_a_shipped_scenario_and_the_table_says_where() -> Tested {
    // One reference for each different stage, then one run per switch.
    let switches = Arrows::names();
    let stages: Vec<Stage> = switches.iter().map(|switch| stage(switch)).collect();
    let key = |stage: &Stage| (stage.scenario, stage.sets.clone(), stage.more, stage.days as u32);
    let mut keys: Vec<_> = stages.iter().map(key).collect();
    keys.sort();
    keys.dedup();
    let mut all = Vec::new();
    for (scenario, sets, more, days) in &keys {
        let stage = Stage {
            scenario,
            sets: sets.clone(),
            more,
            days: f64::from(*days),
            column: "",
        };
        all.push(settings(&stage, &[])?);
    }
    for (switch, stage) in switches.iter().zip(&stages) {
        all.push(settings(stage, &[format!("mechanisms.{switch}=false")])?);
    }
    let results = courses(&all)?;

    let mut table = String::from(
        "| switch | scenario | first day that differs | tissue ever dead, on → off | its column, on → off |\n|---|---|---|---|---|\n",
    );
    let mut silent: Vec<&str> = Vec::new();
    for (i, (switch, stage)) in switches.iter().zip(&stages).enumerate() {
        let reference = keys.iter().position(|k| *k == key(stage)).unwrap_or(0);
        let (on, off) = (&results[reference], &results[keys.len() + i]);
        let first = on.0.iter().zip(&off.0).position(|(a, b)| a != b);
        let Some(first) = first else {
            silent.push(*switch);
            continue;
        };
        let value = |course: &(Vec<u64>, Vec<f64>), name: &str| {
            COLUMNS
                .iter()
                .position(|column| *column == name)
                .map_or(0.0, |i| course.1[i])
        };
        let change = |name: &str| {
            let (a, b) = (value(on, name), value(off, name));
            let word = if (a - b).abs() <= 1e-3 * (a.abs() + b.abs()) {
                "same"
            } else if b < a {
                "lower"
            } else {
                "higher"
            };
            format!("{a:.3} → {b:.3} ({word})")
        };
        let mut scenario = format!("`{}`", stage.scenario);
        if !stage.sets.is_empty() {
            let _ = write!(scenario, " with {}", stage.sets.join(", "));
        }
        if !stage.more.is_empty() {
            scenario += " with a fall of pressure on day 3";
        }
        if stage.days != DAYS {
            let _ = write!(scenario, ", {} days", stage.days);
        }
        let _ = writeln!(
            table,
            "| `{switch}` | {scenario} | {:.2} | {} | `{}` {} |",
            first as f64 / 24.0,
            change("necrotic_fraction"),
            stage.column,
            change(stage.column)
        );
    }
    print!("{table}");
    assert_eq!(silent, [""; 0], "these switches change nothing on their stage");
    compare_with_docs(&table)
}

/// The table stands in `docs/model.md` between two marks; writes it there when asked to.
fn compare_with_docs(table: &str) -> Tested {
    const OPEN: &str = "<!-- switches -->";
    const SHUT: &str = "<!-- /switches -->";
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/model.md");
    let Ok(text) = std::fs::read_to_string(path) else {
        println!("no docs/model.md: the table was not compared");
        return Ok(());
    };
    let (before, rest) = text
        .split_once(OPEN)
        .ok_or("docs/model.md has no mark <!-- switches -->")?;
    let (old, after) = rest
        .split_once(SHUT)
        .ok_or("docs/model.md has no mark <!-- /switches -->")?;
    let new = format!(
        "\nSeed 1, {DAYS} days, on a section of 4 × 4 mm at 50 µm that nobody judged, with the change of chemistry on day 1 and a \
         shallow bruise on day 2. Made by `tests/engine/switches.rs`.\n\n{table}"
    );
    if std::env::var_os("CALCISIM_WRITE_DOCS").is_some() {
        std::fs::write(path, format!("{before}{OPEN}{new}{SHUT}{after}"))?;
    } else {
        assert_eq!(
            old, new,
            "numbers have changed: CALCISIM_WRITE_DOCS=1 cargo test --release --test engine switches"
        );
    }
    Ok(())
}
