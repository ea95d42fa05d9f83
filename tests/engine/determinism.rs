//! One scenario, one seed, one state: on any number of threads, watched or not, stopped and resumed, with a treatment of
//! dose zero; and the hash that says so sees every bit.

#![allow(clippy::disallowed_methods)] // Tests are no part of the engine: promise 1 does not bind their floats.

use crate::common::{CELLS, SICK, SMALL, Tested, model, parameters, scenario, steps};
use calcisim::model::{Model, Process, State};
use calcisim::par;
use calcisim::parameters::{ChallengeKind, Course, Dose, Setting, TherapyEntry, TherapyKind, Value};
use calcisim::scenario::Shipped;
use calcisim::simulation::{RunOptions, RunSettings, run, simulate};
use calcisim::state::fields::Sparse;
use calcisim::state::{EventKind, Now, Ordered, Tissue};
use serde::Deserialize;
use serde_json::{Value as Json, json};

/// A state written as a checkpoint writes it, and read again.
fn through_bytes(state: &State) -> Result<State, postcard::Error> {
    postcard::from_bytes(&postcard::to_stdvec(state)?)
}

/// Hash after every step from here on.
fn hashes(model: &mut Model, count: u64) -> calcisim::error::Result<Vec<u64>> {
    (0..count)
        .map(|_| {
            model.step()?;
            Ok(model.state_hash())
        })
        .collect()
}

#[test]
fn any_number_of_threads_gives_the_same_bits_and_the_same_events() -> Tested {
    // Finer than elsewhere: parallel walks begin at 8192 voxels.
    let fine = "[space]\nwidth_mm = 2.0\ndepth_mm = 4.0\nvoxel_um = 27.0\n[network]\njudge = false\n";
    let parameters = parameters(&[fine, SICK, CELLS])?;
    let run_on = |threads: usize| {
        par::with_threads(threads, || {
            let mut model = Model::new(parameters.clone(), 1)?;
            let mut history = Vec::new();
            for _ in 0..5 * 24 {
                model.step()?;
                let cells = &model.tissue.cells;
                let moving = (cells.neutrophils.len(), cells.macrophages.len(), cells.msc.len());
                history.push((model.state_hash(), model.tissue.events.take(), moving));
            }
            Ok::<_, calcisim::error::Error>(history)
        })
    };
    let one = run_on(1)?;
    // The run must have been past everything that could tell threads apart.
    for kind in [
        EventKind::Challenge,
        EventKind::Closure,
        EventKind::Death,
        EventKind::Dose,
        EventKind::Reversal,
    ] {
        assert!(
            one.iter().flat_map(|step| &step.1).any(|event| event.kind == kind),
            "no {} happened",
            kind.name()
        );
    }
    assert!(one.iter().any(|step| step.2.0 + step.2.1 > 0), "no leukocyte came");
    assert!(one.iter().any(|step| step.2.2 > 0), "no stem cell was given");
    for threads in [2, 4, 7] {
        for (step, (here, there)) in one.iter().zip(run_on(threads)?).enumerate() {
            assert_eq!(here.0, there.0, "hash of step {step} on {threads} threads");
            assert_eq!(here.1, there.1, "events of step {step} on {threads} threads");
        }
    }
    Ok(())
}

#[test]
fn events_are_numbered_in_order_and_their_causes_came_before() -> Tested {
    let mut model = model(&[SMALL, SICK, CELLS], 1)?;
    let events = steps(&mut model, 5 * 24)?;
    assert!(events.len() > 50);
    for (i, event) in events.iter().enumerate() {
        assert_eq!(event.id, i as u64 + 1);
        assert!(event.cause.is_none_or(|cause| cause < event.id), "{event:?}");
        assert!(i == 0 || events[i - 1].step <= event.step, "{event:?}");
    }
    Ok(())
}

#[test]
fn a_run_that_is_stopped_and_resumed_after_every_step_never_knows() -> Tested {
    let parameters = parameters(&[SMALL, SICK, CELLS])?;
    let mut straight = Model::new(parameters.clone(), 1)?;
    let mut broken = Model::restore(parameters.clone(), 1, through_bytes(&straight.state())?)?;
    assert_eq!(straight.state_hash(), broken.state_hash());
    for step in 0..102 {
        straight.step()?;
        broken.step()?;
        assert_eq!(
            straight.tissue.events.take(),
            broken.tissue.events.take(),
            "events of step {step}"
        );
        assert_eq!(straight.state_hash(), broken.state_hash(), "step {step}");
        broken = Model::restore(parameters.clone(), 1, through_bytes(&broken.state())?)?;
        assert_eq!(
            straight.state_hash(),
            broken.state_hash(),
            "read again after step {step}"
        );
    }
    Ok(())
}

#[test]
fn a_run_resumed_once_goes_on_for_days_as_if_nothing_had_been() -> Tested {
    let parameters = parameters(&[SMALL, SICK, CELLS])?;
    let mut straight = Model::new(parameters.clone(), 2)?;
    let (mut states, mut after) = (Vec::new(), Vec::new());
    for step in 0..130 {
        if [0, 1, 12, 24, 25, 50, 97].contains(&step) {
            states.push((step, straight.state()));
        }
        straight.step()?;
        after.push(straight.state_hash());
    }
    for (step, state) in states {
        let mut resumed = Model::restore(parameters.clone(), 2, through_bytes(&state)?)?;
        let rest = hashes(&mut resumed, 130 - step)?;
        assert_eq!(rest, after[step as usize..], "resumed at step {step}");
    }
    Ok(())
}

#[test]
fn a_run_that_is_watched_ends_in_the_state_of_one_that_is_not() -> Tested {
    let mut settings = RunSettings::of(&scenario(&[SMALL, SICK, CELLS])?, &Shipped)?;
    (settings.days, settings.series_every_h) = (4.5, 1.0);
    let mut alone = Model::new(settings.parameters.clone(), 1)?;
    for _ in 0..settings.last_step() {
        alone.step()?;
    }
    let mut seen = 0;
    let (watched, summary) = simulate(&settings, 1, &mut |moment| {
        // Looking, drawing and copying the state are outputs too.
        seen += moment.events.len() + moment.model.snapshot().day as usize;
        let _ = (moment.model.state(), moment.model.state_hash());
        Ok(())
    })?;
    assert!(seen > 0);
    assert_eq!(watched.state_hash(), alone.state_hash());
    let above = tempfile::tempdir()?;
    let options = RunOptions {
        out: Some(above.path().join("run")),
        threads: 2,
        is_quiet: true,
        ..RunOptions::default()
    };
    assert_eq!(run(&settings, &options)?.summary, summary);
    Ok(())
}

/// Every kind of treatment by every route, with a usual dose, on day 3.5.
fn treatments() -> Vec<TherapyEntry> {
    let mut list = Vec::new();
    for &kind in TherapyKind::ALL {
        for &route in kind.rule().routes {
            let mut set = Vec::new();
            if kind.rule().set {
                set.push(Setting {
                    key: "host.phosphate_mmol_per_l".into(),
                    value: Value::Number(0.9),
                });
            }
            list.push(TherapyEntry {
                id: format!("{}_{}", kind.word(), route.word()),
                kind,
                route,
                course: Course {
                    start_d: 3.5,
                    every_d: None,
                    count: None,
                },
                dose: kind.doses(route).first().map(|rule| Dose {
                    amount: rule.evidence.1,
                    unit: rule.unit,
                }),
                when: None,
                lockout_d: 0.0,
                max_doses: None,
                delay_d: 0.0,
                viability: 1.0,
                cost_per_dose: 10.0,
                x_mm: None,
                y_mm: None,
                depth_mm: None,
                radius_mm: None,
                duration_h: None,
                set,
            });
        }
    }
    list
}

#[test]
fn a_dose_of_zero_is_the_control_and_a_usual_dose_acts_in_the_step_of_its_day() -> Tested {
    let control = parameters(&[SMALL, SICK])?;
    let mut model = Model::new(control.clone(), 1)?;
    steps(&mut model, 80)?;
    // An open, infected wound for dressings and antibiotics to act on.
    model.tissue.cells.keratinocytes.covered[..4].fill(0);
    let top: Vec<usize> = (0..model.tissue.grid.nx).collect();
    top.iter().for_each(|&voxel| model.tissue.fields.bacteria[voxel] = 0.2);
    let state = model.state();
    let untreated = hashes(&mut model, 8)?;
    let mut bare = Model::restore(control.clone(), 1, state.clone())?;
    hashes(&mut bare, 5)?;
    let with = |entry: TherapyEntry| {
        let mut parameters = control.clone();
        parameters.therapy_entries = vec![entry];
        Model::restore(parameters, 1, state.clone())
    };
    for entry in treatments() {
        let name = entry.id.clone();
        let mut treated = with(entry.clone())?;
        let mut course = hashes(&mut treated, 5)?;
        let (burden, events) = (treated.tissue.burden.clone(), treated.tissue.events.clone());
        // Not only in the books: without them the state still differs.
        treated.tissue.burden = bare.tissue.burden.clone();
        treated.tissue.events = bare.tissue.events.clone();
        assert_ne!(
            treated.state_hash(),
            bare.state_hash(),
            "{name} changes the tissue in its step"
        );
        (treated.tissue.burden, treated.tissue.events) = (burden, events);
        course.append(&mut hashes(&mut treated, 3)?);
        assert_eq!(course[..4], untreated[..4], "{name} acts before its day");
        assert!(
            (4..8).all(|i| course[i] != untreated[i]),
            "{name} leaves no trace from its step on"
        );
        if let Some(dose) = entry.dose {
            let mut nothing = entry;
            nothing.dose = Some(Dose { amount: 0.0, ..dose });
            assert_eq!(hashes(&mut with(nothing)?, 8)?, untreated, "{name} of dose 0");
        }
    }
    Ok(())
}

#[test]
fn treatments_of_dose_zero_from_the_start_change_no_draw_of_a_whole_run() -> Tested {
    let mut zeros = String::new();
    for entry in treatments() {
        let Some(dose) = entry.dose else { continue };
        let head = format!(
            "id = \"{}\"\nkind = \"{}\"\nroute = \"{}\"",
            entry.id,
            entry.kind.word(),
            entry.route.word()
        );
        zeros += &format!(
            "[[therapy]]\n{head}\nstart_d = 0.25\nevery_d = 0.5\ndose_{} = 0\n",
            dose.unit.word()
        );
    }
    let mut control = model(&[SMALL, SICK], 1)?;
    let mut zero = model(&[SMALL, SICK, &zeros], 1)?;
    assert_eq!(hashes(&mut control, 72)?, hashes(&mut zero, 72)?);
    Ok(())
}

#[test]
fn a_challenge_of_strength_zero_changes_nothing_but_the_map_of_challenged_places() -> Tested {
    let mut control = model(&[SMALL], 1)?;
    let gentle: String = ChallengeKind::ALL
        .iter()
        .map(|kind| {
            let rule = kind.rule();
            let place = if rule.place {
                "depth_mm = 1.0\nradius_mm = 0.3\n"
            } else {
                ""
            };
            let length = if rule.duration { "duration_h = 5\n" } else { "" };
            let set = if rule.set { "set = { warfarin = true }\n" } else { "" };
            format!(
                "[[challenge]]\nkind = \"{}\"\nstart_d = 0.5\nstrength = 0\n{place}{length}{set}",
                kind.word()
            )
        })
        .collect();
    let mut none = model(&[SMALL, &gentle], 1)?;
    for _ in 0..30 {
        control.step()?;
        none.step()?;
        none.tissue
            .anatomy
            .challenged
            .clone_from(&control.tissue.anatomy.challenged);
        assert_eq!(control.state_hash(), none.state_hash());
    }
    Ok(())
}

/// A process of a user.
struct Custom {
    acts: bool,
}

impl Process for Custom {
    fn name(&self) -> &'static str {
        "custom"
    }
    fn apply(&mut self, tissue: &mut Tissue, now: Now) {
        let mut roll = now.dice.roll(calcisim::random::Purpose::Custom, 7);
        let share = roll.uniform() as f32;
        if self.acts {
            for x in &mut tissue.fields.vegf {
                *x *= share;
            }
        }
    }
}

#[test]
fn a_process_from_outside_that_does_nothing_changes_nothing_and_one_that_acts_repeats() -> Tested {
    let parameters = parameters(&[SMALL, SICK])?;
    let course = |acts: Option<bool>| {
        let mut model = Model::new(parameters.clone(), 1)?;
        if let Some(acts) = acts {
            model.add_process(Box::new(Custom { acts }));
        }
        hashes(&mut model, 36)
    };
    let control = course(None)?;
    assert_eq!(course(Some(false))?, control);
    let acting = course(Some(true))?;
    assert_ne!(acting, control);
    assert_eq!(course(Some(true))?, acting);
    Ok(())
}

// ---- the hash sees every bit ------------------------------------------------------------------------------------------

/// A lesion on a small block, with something in every column.
fn full_tissue() -> Result<Model, Box<dyn std::error::Error>> {
    let mut model = model(
        &[
            "[space]\nwidth_mm = 2.0\ndepth_mm = 3.0\nvoxel_um = 50.0\n[network]\njudge = false\n",
            SICK,
        ],
        1,
    )?;
    steps(&mut model, 40)?;
    let Tissue {
        host,
        cells,
        fields,
        events,
        ..
    } = &mut model.tissue;
    for movers in [&mut cells.neutrophils, &mut cells.macrophages, &mut cells.msc] {
        for i in 0..3 {
            movers.push(1 << 40 | i, [100.0 + i as f64, 5.0, 900.0], 1);
        }
    }
    let sprouts = &mut cells.sprouts;
    sprouts.id.push(3);
    sprouts.node.push(1);
    sprouts.direction.push([0.0, 0.0, 1.0]);
    sprouts.age_h.push(2.0);
    sprouts.length_um.push(12.0);
    cells.supernatant = vec![0.5; 40];
    cells.thiosulfate_depot = vec![0.25; fields.oxygen.len()];
    for memory in &mut fields.memory {
        for column in [&mut memory.sink, &mut memory.source] {
            column.resize(fields.oxygen.len(), 0.5);
        }
        memory.plasma = 1.5;
        for column in &mut memory.relative {
            let n = fields.oxygen.len();
            *column = Sparse::of(&(0..n).map(|i| (i % 3 / 2) as f32).collect::<Vec<_>>());
        }
    }
    host.ordered.push(Ordered {
        therapy: "drug".to_owned(),
        steps: vec![48, 96],
    });
    events.latest_trigger = Some(5);
    events.latest_closure = Some(6);
    Ok(model)
}

/// Pointers to at most two leaves of every column; a column is a path without its indices.
fn leaves(value: &Json, path: &str, column: &str, found: &mut Vec<(String, Vec<String>)>, empty: &mut Vec<String>) {
    match value {
        Json::Object(map) => {
            for (key, inner) in map {
                leaves(
                    inner,
                    &format!("{path}/{key}"),
                    &format!("{column}.{key}"),
                    found,
                    empty,
                );
            }
        }
        Json::Array(list) => {
            if list.is_empty() {
                empty.push(column.to_owned());
            }
            let picks = [list.len() / 3, list.len().saturating_sub(1)];
            for (i, inner) in list.iter().enumerate().filter(|(i, _)| picks.contains(i)) {
                leaves(inner, &format!("{path}/{i}"), &format!("{column}[]"), found, empty);
            }
        }
        _ => match found.iter_mut().find(|(name, _)| name == column) {
            Some((_, places)) => places.push(path.to_owned()),
            None => found.push((column.to_owned(), vec![path.to_owned()])),
        },
    }
}

/// The same leaf with one bit flipped, or another word where it is a word. More than one answer: the first that fits counts.
fn flipped(leaf: &Json) -> Vec<Json> {
    const WORDS: [&str; 30] = [
        "section",
        "plan",
        "arteriole",
        "capillary",
        "venule",
        "septal",
        "deep_plexus",
        "fat",
        "tap",
        "measured",
        "Epidermis",
        "Papillary",
        "Reticular",
        "Septum",
        "Fat",
        "Alive",
        "Necrotic",
        "Gone",
        "Healed",
        "Inner",
        "Arteriole",
        "Capillary",
        "Septal",
        "Tap",
        "epidermis",
        "papillary",
        "reticular",
        "alive",
        "necrotic",
        "gone",
    ];
    match leaf {
        Json::Null => vec![json!(9)],
        Json::Bool(b) => vec![json!(!b)],
        Json::String(old) => {
            let mut other: Vec<Json> = WORDS
                .iter()
                .filter(|word| *word != old)
                .map(|word| json!(word))
                .collect();
            other.push(json!({ "Pressure": 3.0 }));
            other.push(json!(format!("{old}x")));
            other
        }
        Json::Number(n) if n.is_f64() => {
            let x = n.as_f64().unwrap_or(0.0);
            let (wide, narrow) = (
                f64::from_bits(x.to_bits() ^ 1),
                f32::from_bits((x as f32).to_bits() ^ 1),
            );
            // In a column of f32 the last bit of an f64 is lost.
            if f64::from(x as f32) == x {
                vec![json!(f64::from(narrow))]
            } else {
                vec![json!(wide)]
            }
        }
        Json::Number(n) => match n.as_u64() {
            Some(u) => vec![json!(u ^ 1)],
            None => vec![json!(n.as_i64().unwrap_or(0) ^ 1)],
        },
        _ => Vec::new(),
    }
}

#[test]
fn one_flipped_bit_in_any_column_changes_the_hash() -> Tested {
    let mut model = full_tissue()?;
    let honest = model.state_hash();
    let mut state = serde_json::to_value(&model.tissue)?;
    model.tissue = Tissue::deserialize(&state)?;
    assert_eq!(model.state_hash(), honest, "the way through values is exact");
    let (mut columns, mut empty) = (Vec::new(), Vec::new());
    leaves(&state, "", "tissue", &mut columns, &mut empty);
    assert!(columns.len() > 150, "{} columns", columns.len());
    assert_eq!(empty, Vec::<String>::new(), "columns with nothing to flip");
    let mut missed = Vec::new();
    for (column, places) in &columns {
        let mut tried = 0;
        for place in places {
            let Some(old) = state.pointer(place).cloned() else {
                continue;
            };
            for new in flipped(&old) {
                if let Some(leaf) = state.pointer_mut(place) {
                    *leaf = new;
                }
                // A word of another column does not fit this one.
                let Ok(tissue) = Tissue::deserialize(&state) else {
                    continue;
                };
                model.tissue = tissue;
                tried += 1;
                if model.state_hash() == honest {
                    missed.push(place.clone());
                }
                break;
            }
            if let Some(leaf) = state.pointer_mut(place) {
                *leaf = old;
            }
        }
        assert!(tried > 0, "nothing could be flipped in {column}");
    }
    assert_eq!(missed, Vec::<String>::new(), "bits that the hash does not see");
    Ok(())
}

#[test]
fn the_hash_sees_the_step_but_neither_the_sign_of_zero_nor_the_order_of_cells() -> Tested {
    let mut model = full_tissue()?;
    let honest = model.state_hash();
    model.clock.tick();
    assert_ne!(model.state_hash(), honest, "the step number");

    let mut model = full_tissue()?;
    model.tissue.fields.vegf[3] = 0.0;
    model.tissue.vessels.thrombus[0] = 0.0;
    let honest = model.state_hash();
    model.tissue.fields.vegf[3] = -0.0;
    model.tissue.vessels.thrombus[0] = -0.0;
    assert_eq!(model.state_hash(), honest, "−0 reads as +0");

    let cells = &mut model.tissue.cells;
    for movers in [&mut cells.neutrophils, &mut cells.macrophages, &mut cells.msc] {
        movers.id.reverse();
        movers.x_um.reverse();
        movers.y_um.reverse();
        movers.z_um.reverse();
        movers.age_h.reverse();
        movers.state.reverse();
        movers.clock_h.reverse();
    }
    assert_eq!(model.state_hash(), honest, "cells count by id, not by place in memory");
    Ok(())
}
