//! The disease as the documents tell it: risk factors and registry, targets, rules of care.

#![allow(clippy::disallowed_methods)] // Tests are no part of the engine: promise 1 does not bind their floats.

use std::collections::BTreeSet;
use std::path::Path;

use crate::common::{self, SICK, SMALL, Tested, scenario};
use calcisim::model::Model;
use calcisim::output::series::{COLUMNS, Look};
use calcisim::parameters::{Instrument, Registry};
use calcisim::scenario::{Scenario, Shipped};
use calcisim::simulation::{RunSettings, advance, simulate};
use calcisim::state::EventKind;

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|fault| panic!("{}: {fault}", path.display()))
}

/// Words in backticks of a text.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

#[test]
fn every_risk_factor_has_a_key_of_the_registry_or_the_words_not_modelled() {
    let text = read("docs/risk_factors.md");
    let rows: Vec<Vec<&str>> = text
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| factor"))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .collect();
    assert!(rows.len() >= 25, "{} factors", rows.len());
    for row in &rows {
        assert_eq!(row.len(), 5, "{row:?}");
        assert!(!row[2].is_empty(), "{}: no source", row[0]);
        if row[3] == "not modelled" {
            continue;
        }
        let keys = quoted(row[3]);
        assert_eq!(keys.len(), 1, "{}: one key or «not modelled»", row[0]);
        assert!(Registry::embedded().row(keys[0]).is_some(), "{}: {}", row[0], keys[0]);
    }
    // The molecular markers of the patient profile are all there.
    for key in [
        "host.cmgp_fraction",
        "host.pyrophosphate_umol_per_l",
        "host.fetuin_a_g_per_l",
        "host.magnesium_mmol_per_l",
        "host.protein_c",
        "host.lupus_anticoagulant",
    ] {
        assert!(rows.iter().any(|row| row[3] == format!("`{key}`")), "{key}");
    }
}

#[test]
fn a_marker_that_is_left_out_is_reported_as_the_default_of_the_registry() -> Tested {
    let given = scenario(&[SMALL, "[host]\ncmgp_fraction = 0.6\n"])?;
    let left = RunSettings::of(&given, &Shipped)?.host_defaults;
    assert!(!left.contains(&"host.cmgp_fraction".to_owned()));
    for key in [
        "host.pyrophosphate_umol_per_l",
        "host.fetuin_a_g_per_l",
        "host.lupus_anticoagulant",
    ] {
        assert!(left.contains(&key.to_owned()), "{key}");
    }
    Ok(())
}

#[test]
fn every_target_is_whole_and_names_what_exists() {
    let table: toml::Table = read("scenarios/experiments/targets.toml")
        .parse()
        .unwrap_or_else(|fault| panic!("targets.toml: {fault}"));
    let targets = table["targets"].as_array().cloned().unwrap_or_default();
    let mut ids = BTreeSet::new();
    let mut uses = BTreeSet::new();
    let names: BTreeSet<&str> = Shipped::names().collect();
    for target in &targets {
        let word = |key: &str| {
            let found = target.get(key).and_then(toml::Value::as_str);
            found.unwrap_or_else(|| panic!("{target:?}: {key} is missing"))
        };
        let id = word("id");
        assert!(ids.insert(id.to_owned()), "{id} twice");
        for key in ["what", "statistic", "unit", "unit_of_analysis", "source"] {
            assert!(!word(key).is_empty(), "{id}: {key}");
        }
        assert!(["fit", "hold_out", "not_an_output"].contains(&word("use")), "{id}");
        uses.insert(word("use").to_owned());
        let value = target["value"].as_float().unwrap_or(f64::NAN);
        let interval: Vec<f64> = target["interval"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(toml::Value::as_float)
            .collect();
        assert!(
            interval.len() == 2 && interval[0] <= value && value <= interval[1],
            "{id}: {value} outside {interval:?}"
        );
        let instrument = word("instrument");
        let is_known = Instrument::from_word(instrument).is_some()
            || ["histology", "laboratory", "record", "-"].contains(&instrument);
        assert!(is_known, "{id}: instrument {instrument}");
        let first = word("scenario").split([',', ' ']).next().unwrap_or("");
        assert!(first == "-" || names.contains(first), "{id}: scenario {first}");
        let output = word("output").split([',', ' ']).next().unwrap_or("");
        let exists = output == "-"
            || output == "observe.csv"
            || output.starts_with("t_")
            || COLUMNS.iter().any(|column| column.name == output);
        assert!(exists, "{id}: output {output}");
        if word("use") == "not_an_output" {
            assert_eq!(output, "-", "{id}");
        }
    }
    assert!(ids.len() >= 30);
    assert_eq!(uses.len(), 3);
}

#[test]
fn prognosis_is_no_output() {
    for word in ["mortality", "survival", "incidence", "prognosis", "hazard"] {
        assert!(COLUMNS.iter().all(|column| !column.name.contains(word)), "{word}");
    }
}

/// Thiosulfate when a marker says so; seen every two days.
fn rule(when: &str, dose: f64) -> String {
    format!(
        "[[therapy]]\nid = \"drug\"\nkind = \"sts\"\nroute = \"iv\"\nwhen = \"{when}\"\nlockout_d = 3\nmax_doses = 2\n\
         dose_g = {dose:?}\n[clinic]\nvisit_every_d = 2.0\n[t50]\ndelay_d = 0.0\n"
    )
}

#[test]
fn a_rule_gives_doses_on_readings_with_lockout_and_a_most_and_says_why() -> Tested {
    let settings = RunSettings::of(&scenario(&[SMALL, SICK, &rule("t50 < 2000", 25.0)])?, &Shipped)?;
    let (mut decided, mut given) = (Vec::new(), Vec::new());
    simulate(&settings, 1, &mut |moment| {
        for event in moment.events {
            if event.kind == EventKind::Decision {
                decided.push(event.clone());
            } else if event.entity == "therapy:drug" {
                given.push(event.step);
            }
        }
        Ok(())
    })?;
    // Always below: day 0, and the first visit that the lock-out allows, day 4. No third.
    assert_eq!(given, [0, 4 * 24]);
    assert_eq!(decided.len(), 2);
    assert_eq!(decided[0].entity, "policy:drug");
    assert!(decided[0].values.iter().any(|(name, x)| name == "reading" && *x > 0.0));
    Ok(())
}

#[test]
fn a_rule_that_never_fires_and_one_for_a_dose_of_zero_are_the_control() -> Tested {
    let end = |extra: &str| -> Result<String, Box<dyn std::error::Error>> {
        let mut scenario = scenario(&[SMALL, SICK, extra])?;
        scenario.set_days(5.0)?;
        let (_, summary) = simulate(&RunSettings::of(&scenario, &Shipped)?, 1, &mut |_| Ok(()))?;
        Ok(summary.state_hash)
    };
    let control = end("")?;
    assert_eq!(end(&rule("wound_area > 1000", 25.0))?, control, "never fires");
    assert_eq!(end(&rule("t50 < 2000", 0.0))?, control, "dose 0");
    assert_ne!(end(&rule("t50 < 2000", 25.0))?, control, "fires");
    Ok(())
}

#[test]
fn a_run_with_a_rule_goes_on_from_its_saved_state_as_if_nothing_had_been() -> Tested {
    let text = rule("t50 < 285", 25.0).replace("delay_d = 0.0", "delay_d = 1.5");
    let settings = RunSettings::of(&scenario(&[SMALL, SICK, &text])?, &Shipped)?;
    let mut whole = Model::new(settings.parameters.clone(), 2)?;
    let mut saved = None;
    let mut ordered_when_saved = 0;
    for step in 0..6 * 24 {
        // A decision is made and its dose lies ahead.
        let waits = |m: &Model| {
            m.tissue
                .host
                .ordered
                .iter()
                .any(|o| o.steps.last() > Some(&m.clock.step()))
        };
        if saved.is_none() && waits(&whole) {
            saved = Some((step, postcard::from_bytes(&postcard::to_allocvec(&whole.state())?)?));
            ordered_when_saved = whole.tissue.host.ordered[0].steps.len();
        }
        advance(&mut whole, &settings.instruments)?;
    }
    let (step, state) = saved.ok_or("no dose was ever ordered ahead")?;
    assert!(ordered_when_saved > 0);
    let mut resumed = Model::restore(settings.parameters.clone(), 2, state)?;
    for _ in step..6 * 24 {
        advance(&mut resumed, &settings.instruments)?;
    }
    assert_eq!(resumed.state_hash(), whole.state_hash());
    assert!(whole.tissue.burden.cost == 0.0 && !whole.tissue.host.ordered.is_empty());
    Ok(())
}

#[test]
fn a_model_with_a_rule_is_not_stepped_past_a_visit() -> Tested {
    let mut model = common::model(&[SMALL, SICK, &rule("t50 < 2000", 25.0)], 1)?;
    let fault = model.step().err().map(|e| e.to_string()).unwrap_or_default();
    assert!(fault.contains("simulation::advance"), "{fault}");
    Ok(())
}

#[test]
fn a_rule_that_reads_a_biopsy_or_what_no_instrument_reads_is_refused_with_its_reason() {
    for (when, says) in [
        ("biopsy > 0.5", "after the run"),
        ("f_cmgp > 3", "never reads this"),
        ("mineral > 3", "never the state of the model"),
    ] {
        let fault = scenario(&[SMALL, &rule(when, 25.0)]).err().map(|e| e.to_string());
        assert!(
            fault.as_ref().is_some_and(|text| text.contains(says)),
            "{when}: {fault:?}"
        );
    }
}

/// The null marker: doses that it times at a site, against the same doses at fixed times, which are those of another site. Both
/// arms give as many doses as early, so only what the marker knew of its own site could make a difference.
#[test]
fn a_rule_on_the_null_marker_does_not_beat_the_same_doses_at_fixed_times() -> Tested {
    let final_mineral = |extra: &str, seed: u64| -> Result<(f64, Vec<f64>), Box<dyn std::error::Error>> {
        let mut scenario = scenario(&[SMALL, SICK, extra])?;
        scenario.set_days(12.0)?;
        let settings = RunSettings::of(&scenario, &Shipped)?;
        let mut days = Vec::new();
        let (model, _) = simulate(&settings, seed, &mut |moment| {
            let doses = moment.events.iter().filter(|e| e.entity.starts_with("therapy:drug"));
            days.extend(doses.map(|e| e.step as f64 / 24.0));
            Ok(())
        })?;
        let row = Look::at(&model.tissue, &settings.definitions).row(model.clock.step(), model.clock.day());
        Ok((row.get("mineral_ug").unwrap_or(f64::NAN), days))
    };
    const SITES: u64 = 8;
    let rule = rule("t50 < 280", 25.0).replace("max_doses = 2", "max_doses = 3");
    let mut timed = Vec::new();
    for seed in 1..=SITES {
        timed.push(final_mineral(&rule, seed)?);
    }
    let mut gains = Vec::new();
    for seed in 1..=SITES {
        let days = &timed[(seed % SITES) as usize].1;
        let fixed: String = (days.iter().enumerate())
            .map(|(i, day)| {
                format!(
                    "[[therapy]]\nid = \"drug{i}\"\nkind = \"sts\"\nroute = \"iv\"\nstart_d = {day:?}\ndose_g = 25.0\n"
                )
            })
            .collect();
        let (blind, given) = final_mineral(&fixed, seed)?;
        assert_eq!(&given, days, "seed {seed}");
        // Positive: the rule left less mineral than the fixed dates.
        gains.push((blind - timed[seed as usize - 1].0) / blind);
    }
    let n = gains.len() as f64;
    let mean = gains.iter().sum::<f64>() / n;
    let error = (gains.iter().map(|g| (g - mean).powi(2)).sum::<f64>() / (n - 1.0) / n).sqrt();
    println!("gain of the null marker in final mineral: {mean:.5} ± {error:.5} ({gains:?})");
    // Student's t, 7 degrees of freedom, 95 % one-sided: 1.895.
    assert!(mean - 1.895 * error <= 0.0, "the null marker wins: {mean} ± {error}");
    assert!(mean.abs() < 0.02, "{mean}");
    Ok(())
}

#[test]
fn every_scenario_says_what_it_leaves_to_the_registry() -> Tested {
    for name in ["healthy", "nonuraemic_obesity"] {
        let (scenario, _) = Scenario::load(&Shipped, name, &[])?;
        let left = RunSettings::of(&scenario, &Shipped)?.host_defaults;
        assert_eq!(left.contains(&"host.fetuin_a_g_per_l".to_owned()), name == "healthy");
    }
    Ok(())
}
