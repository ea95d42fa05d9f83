//! Nothing unphysical passes: mineral, cells, oxygen and blood balance, and what leaks or breaks is named.

#![allow(clippy::disallowed_methods)] // Tests are no part of the engine: promise 1 does not bind their floats.

use crate::common::{CELLS, SICK, SMALL, Tested, model, number, parameters, steps};
use calcisim::error::{Error, Unphysical};
use calcisim::model::{Model, PROCESSES, Parameters, Process, State};
use calcisim::state::ledger::mineral_inventory_ug;
use calcisim::state::vessels::Boundary;
use calcisim::state::{Now, Species, Tissue, Vessels};

/// The sick section on day 4.25, past everything that it meets, with mineral in its walls and cells in its tissue.
fn sick() -> Result<(Parameters, State), Error> {
    let parameters = parameters(&[SMALL, SICK, CELLS])?;
    let mut model = Model::new(parameters.clone(), 1)?;
    steps(&mut model, 102)?;
    Ok((parameters, model.state()))
}

/// The fault that an act behind a process leads to in the next step.
fn fault_of(parameters: &Parameters, state: &State, behind: &str, act: fn(&mut Tissue)) -> Result<Unphysical, String> {
    let mut model = Model::restore(parameters.clone(), 1, state.clone()).map_err(|e| e.to_string())?;
    model.disturb(behind, Box::new(act));
    match model.step() {
        Err(Error::Numerical(fault)) => Ok(fault),
        Err(other) => Err(format!("behind {behind}: another error: {other}")),
        Ok(()) => Err(format!("behind {behind}: nobody saw it")),
    }
}

#[test]
fn the_list_of_processes_is_that_of_the_schedule() -> Tested {
    let mut model = model(&[SMALL], 1)?;
    model.set_stopwatch(|| 0.0);
    model.step()?;
    let names: Vec<&str> = model.profile().iter().map(|row| row.0).collect();
    assert_eq!(names, PROCESSES);
    Ok(())
}

#[test]
fn mineral_and_cells_are_what_was_there_and_what_came_less_what_went_in_every_step() -> Tested {
    let wall_share = number(&[SMALL, SICK], "mineral.wall_share")?;
    let mut model = model(&[SMALL, SICK, CELLS], 1)?;
    let mineral = |t: &Tissue| mineral_inventory_ug(&t.grid, &t.vessels, &t.fields.mineral, wall_share);
    let movers = |t: &Tissue| t.cells.neutrophils.len() + t.cells.macrophages.len() + t.cells.msc.len();
    let (at_first, mut most_cells) = (mineral(&model.tissue), 0);
    assert!(at_first > 0.0, "burn-in has put mineral into walls");
    for step in 0..8 * 24 {
        let before = (
            mineral(&model.tissue),
            movers(&model.tissue) as f64,
            model.tissue.ledger.clone(),
        );
        model.step()?;
        let ledger = &model.tissue.ledger;
        let now = mineral(&model.tissue);
        let booked = |a: &calcisim::state::ledger::Account| a.inflow - a.outflow;
        let gap = now - before.0 - (booked(&ledger.mineral_ug) - booked(&before.2.mineral_ug));
        // The stored interstitial mineral is f32: its rounding counts.
        assert!(gap.abs() <= 1e-6 * now + 2e-5, "step {step}: {gap} of {now} µg");
        let all = movers(&model.tissue) as f64;
        assert_eq!(
            all - before.1,
            booked(&ledger.cells) - booked(&before.2.cells),
            "step {step}"
        );
        most_cells = most_cells.max(movers(&model.tissue));
    }
    let ledger = &model.tissue.ledger;
    let end = mineral(&model.tissue);
    let gap = end - at_first - (ledger.mineral_ug.inflow - ledger.mineral_ug.outflow);
    assert!(gap.abs() <= 1e-6 * end + 1e-4, "over the run: {gap} of {end} µg");
    assert!(
        ledger.mineral_ug.inflow > 0.0 && most_cells > 0,
        "something was to be balanced"
    );
    Ok(())
}

#[test]
fn a_leak_of_a_ten_thousandth_of_the_mineral_is_caught_behind_each_process_and_named() -> Tested {
    let (parameters, state) = sick()?;
    for process in PROCESSES {
        let leak = |tissue: &mut Tissue| {
            tissue.vessels.mineral.iter_mut().for_each(|m| *m *= 1.0 - 1e-4);
            tissue.fields.mineral.iter_mut().for_each(|m| *m *= 1.0 - 1e-4);
        };
        let fault = fault_of(&parameters, &state, process, leak)?;
        assert_eq!((fault.process.as_str(), fault.step), (process, 102));
        assert!(fault.quantity.contains("mineral"), "{fault}");
        assert!((fault.day - 4.25).abs() < 1e-12, "{fault}");
    }
    Ok(())
}

#[test]
fn a_cell_that_vanishes_or_appears_without_a_booking_is_caught_and_named() -> Tested {
    let (parameters, state) = sick()?;
    for process in PROCESSES {
        let vanish = |tissue: &mut Tissue| {
            tissue.cells.msc.retain(|_, i| i != 0);
        };
        let fault = fault_of(&parameters, &state, process, vanish)?;
        assert_eq!(
            (fault.process.as_str(), fault.quantity.as_str()),
            (process, "moving cells"),
            "{fault}"
        );
        let appear = |tissue: &mut Tissue| tissue.cells.macrophages.push(1 << 50, [500.0, 0.0, 900.0], 0);
        let fault = fault_of(&parameters, &state, process, appear)?;
        assert_eq!(
            (fault.process.as_str(), fault.quantity.as_str()),
            (process, "moving cells"),
            "{fault}"
        );
    }
    Ok(())
}

#[test]
fn a_leak_in_a_process_from_outside_is_named_by_its_name() -> Tested {
    struct Thief;
    impl Process for Thief {
        fn name(&self) -> &'static str {
            "thief"
        }
        fn apply(&mut self, tissue: &mut Tissue, _: Now) {
            tissue.vessels.mineral.iter_mut().for_each(|m| *m *= 1.0 - 1e-4);
        }
    }
    let (parameters, state) = sick()?;
    let mut model = Model::restore(parameters, 1, state)?;
    model.add_process(Box::new(Thief));
    match model.step() {
        Err(Error::Numerical(fault)) => assert_eq!(fault.process, "thief"),
        other => panic!("{other:?}"),
    }
    Ok(())
}

#[test]
fn a_nan_or_a_negative_number_in_a_field_is_named_where_it_was_born() -> Tested {
    let (parameters, state) = sick()?;
    let voxel = 1234;
    let [x, y, z] = model(&[SMALL], 1)?.tissue.grid.place(voxel);
    // Each field behind a process that writes it.
    let writers = [
        (Species::Oxygen, "oxygen"),
        (Species::Phosphate, "transport"),
        (Species::Inhibitor, "transport"),
        (Species::Mineral, "mineral_deposition"),
        (Species::Damage, "transport"),
        (Species::Cytokine, "transport"),
        (Species::Repair, "transport"),
        (Species::Vegf, "transport"),
        (Species::Bacteria, "infection"),
    ];
    for (species, process) in writers {
        for value in [f32::NAN, -1e-3, f32::INFINITY] {
            let mut model = Model::restore(parameters.clone(), 1, state.clone())?;
            model.disturb(
                process,
                Box::new(move |tissue| tissue.fields.of_mut(species)[1234] = value),
            );
            let Err(Error::Numerical(fault)) = model.step() else {
                panic!("{value} in {} behind {process}: nobody saw it", species.name())
            };
            assert_eq!((fault.process.as_str(), fault.step), (process, 102), "{fault}");
            assert!(fault.quantity.starts_with(species.name()), "{value}: {fault}");
            // An unbooked amount of mineral is noticed by the books first, and they know no place.
            if species != Species::Mineral {
                assert_eq!(fault.place, format!("voxel ({x}, {y}, {z})"), "{fault}");
                assert!(fault.message.contains("is not a finite number"), "{fault}");
            }
        }
    }
    Ok(())
}

#[test]
fn a_share_outside_0_to_1_in_a_wall_is_named_with_its_segment() -> Tested {
    let (parameters, state) = sick()?;
    type Act = (&'static str, &'static str, fn(&mut Tissue));
    let acts: [Act; 6] = [
        ("thrombus", "thrombosis", |t| t.vessels.thrombus[5] = 1.5),
        ("thrombus", "blood_flow", |t| t.vessels.thrombus[5] = f64::NAN),
        ("nidus", "challenge", |t| t.vessels.nidus[5] = -0.1),
        ("neointima", "wall_remodelling", |t| t.vessels.neointima[5] = 2.0),
        ("integrity", "endothelial_injury", |t| t.vessels.integrity[5] = -0.5),
        ("integrity", "angiogenesis", |t| t.vessels.integrity[5] = f32::NAN),
    ];
    for (quantity, process, act) in acts {
        let fault = fault_of(&parameters, &state, process, act)?;
        assert_eq!(fault.process, process, "{fault}");
        assert!(fault.quantity.contains(quantity), "{fault}");
        assert!(!fault.place.is_empty() && !fault.message.is_empty(), "{fault}");
    }
    Ok(())
}

#[test]
fn a_number_broken_in_a_field_by_someone_who_never_writes_it_is_caught_within_the_step() -> Tested {
    let (parameters, state) = sick()?;
    // What breaks before transport solves for it anew is gone before anyone reads it.
    let from = PROCESSES.iter().position(|&p| p == "transport").unwrap_or(0);
    for &process in &PROCESSES[from..] {
        let fault = fault_of(&parameters, &state, process, |t| t.fields.vegf[77] = f32::NAN)?;
        assert_eq!(fault.step, 102, "{fault}");
        assert!(fault.quantity.starts_with("vegf"), "{fault}");
    }
    Ok(())
}

#[test]
fn oxygen_balances_to_a_ten_thousandth_of_its_use_at_every_solve_of_a_disease() -> Tested {
    let mut model = model(&[SMALL, SICK, CELLS], 1)?;
    let mut solves = model.tissue.ledger.oxygen_solves;
    for step in 0..8 * 24 {
        model.step()?;
        let ledger = &model.tissue.ledger;
        assert!(
            ledger.oxygen_gap.abs() <= 1e-4,
            "step {step}: {:.2e}",
            ledger.oxygen_gap
        );
        solves = ledger.oxygen_solves.max(solves);
    }
    assert!(solves > 20, "{solves} solves");
    let worst = model.tissue.ledger.oxygen_gap_worst;
    assert!(worst <= 1e-4, "worst of {solves} solves: {worst:.2e}");
    Ok(())
}

#[test]
fn a_solve_of_oxygen_that_misses_its_balance_stops_the_run() -> Tested {
    let (parameters, state) = sick()?;
    for act in [
        |t: &mut Tissue| t.ledger.oxygen_gap = 1e-3,
        |t: &mut Tissue| t.ledger.oxygen_gap = f64::NAN,
    ] {
        let fault = fault_of(&parameters, &state, "oxygen", act)?;
        assert_eq!(
            (fault.process.as_str(), fault.quantity.as_str()),
            ("oxygen", "oxygen [mmHg]"),
            "{fault}"
        );
    }
    Ok(())
}

/// Largest |Σ φq| and |Σ φqH| over inner nodes, as shares of the whole inflow.
fn imbalance(v: &Vessels) -> [f64; 2] {
    let mut sum = vec![[0.0f64; 2]; v.nodes.id.len()];
    for s in 0..v.len() {
        let q = v.slab_share[s] * v.flow_nl_per_min[s];
        for (i, amount) in [q, q * v.haematocrit[s]].into_iter().enumerate() {
            sum[v.from[s] as usize][i] -= amount;
            sum[v.to[s] as usize][i] += amount;
        }
    }
    let inner = |n: usize| v.nodes.boundary[n] == Boundary::Inner;
    let inflow: f64 = (0..sum.len())
        .filter(|&n| !inner(n))
        .map(|n| (-sum[n][0]).max(0.0))
        .sum();
    let worst = |i: usize| {
        (0..sum.len())
            .filter(|&n| inner(n))
            .fold(0.0, |w: f64, n| w.max(sum[n][i].abs()))
    };
    [worst(0) / inflow, worst(1) / inflow]
}

#[test]
fn blood_balances_at_every_node_of_a_disease() -> Tested {
    let mut model = model(&[SMALL, SICK, CELLS], 1)?;
    for step in 0..8 * 24 {
        model.step()?;
        let [blood, cells] = imbalance(&model.tissue.vessels);
        assert!(blood <= 1e-9, "step {step}: {blood:.2e} of the inflow");
        assert!(cells <= 1e-3, "step {step}: red cells {cells:.2e} of the inflow");
    }
    Ok(())
}
