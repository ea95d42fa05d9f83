//! The watch over a step: after each process the books must balance and what it wrote must be physical.

use crate::clock::Clock;
use crate::error::{Error, Result, Unphysical};
use crate::state::ledger::{interstitium_ug, walls_ug};
use crate::state::{Species, Tissue};

/// The processes of a step, in their order.
pub const PROCESSES: [&str; 18] = [
    "therapies",
    "host_chemistry",
    "challenge",
    "blood_flow",
    "oxygen",
    "secretion",
    "transport",
    "endothelial_injury",
    "osteogenic_switch",
    "mineral_deposition",
    "thrombosis",
    "wall_remodelling",
    "ischaemia",
    "inflammation",
    "infection",
    "msc_behaviour",
    "angiogenesis",
    "epidermis",
];

/// Steps from one look at all fields to the next.
const EVERY: u64 = 24;

/// Largest gap between books and inventory, share of the inventory.
const BALANCE: f64 = 1e-6;

/// An act smuggled in behind a process, for tests of the watch.
pub type Disturbance = Box<dyn FnMut(&mut Tissue) + Send>;

/// Seconds since some moment; given by the caller, because the engine has no clock.
pub type Stopwatch = fn() -> f64;

/// Keeps the books of one model.
#[derive(Default)]
pub struct Watch {
    /// `mineral.wall_share`, for the mineral inventory.
    pub wall_share: f64,
    /// `oxygen.balance_tolerance`: largest gap of the oxygen balance, share of the use.
    pub oxygen_tolerance: f64,
    /// Tells the time, if the caller gave one.
    pub stopwatch: Option<Stopwatch>,
    /// Seconds by process, in the order of the schedule.
    pub seconds: Vec<(&'static str, f64)>,
    /// Seconds of the watch itself.
    pub checks: f64,
    /// Acts behind processes.
    pub disturbances: Vec<(String, Disturbance)>,
    /// Whether the scenario has no treatment: then `therapies` writes nothing.
    pub has_no_therapies: bool,
    mark: f64,
    /// Mineral in the interstitium when it was last looked at [µg].
    interstitium_ug: f64,
    /// Solves of each field, and of oxygen, when it was last looked at: a field that is not solved is not written.
    solves: [u64; Species::ALL.len()],
}

/// Processes of ours that may touch the mineral of the interstitium; it is looked at behind them, behind every process that
/// is not ours, and at the end of the step.
const TOUCH_INTERSTITIUM: [&str; 5] = [
    "therapies",
    "challenge",
    "osteogenic_switch",
    "mineral_deposition",
    "epidermis",
];

/// Fields that are solved for.
const SOLVED: [Species; 7] = [
    Species::Oxygen,
    Species::Phosphate,
    Species::Inhibitor,
    Species::Damage,
    Species::Cytokine,
    Species::Repair,
    Species::Vegf,
];

impl Watch {
    /// Opens the books at the start of a step.
    pub fn open(&mut self, tissue: &mut Tissue) {
        self.lap();
        let inventory = self.mineral(tissue, true);
        tissue.ledger.mineral_ug.close(inventory);
        let cells = movers(tissue);
        tissue.ledger.cells.close(cells);
        self.checks += self.lap();
    }

    /// Checks what a process left behind.
    pub fn after(&mut self, process: &'static str, tissue: &mut Tissue, clock: &Clock) -> Result<()> {
        for (behind, act) in &mut self.disturbances {
            if behind == process {
                act(tissue);
            }
        }
        self.book(process);
        let rests = process == "therapies" && self.has_no_therapies && self.disturbances.is_empty();
        let written = if rests {
            Vec::new()
        } else {
            self.written_by(process, tissue)
        };
        let touches = TOUCH_INTERSTITIUM.contains(&process) || !PROCESSES.contains(&process);
        let fault = self
            .imbalance(tissue, touches && !rests)
            .or_else(|| unphysical(tissue, &written));
        self.checks += self.lap();
        match fault {
            Some((quantity, place, message)) => Err(Error::Numerical(Unphysical {
                step: clock.step(),
                day: clock.day(),
                process: process.to_owned(),
                quantity,
                place,
                message,
            })),
            None => Ok(()),
        }
    }

    /// Looks at the books once more at the end of the step; at all fields once in a while, and always where strangers act: what
    /// the schedule writes was looked at behind each process.
    pub fn close(&mut self, tissue: &mut Tissue, clock: &Clock, has_strangers: bool) -> Result<()> {
        let looks = has_strangers || !self.disturbances.is_empty() || clock.step().is_multiple_of(EVERY);
        let fields: &[Species] = if looks { &Species::ALL } else { &[] };
        let fault = self.imbalance(tissue, true).or_else(|| unphysical(tissue, fields));
        self.checks += self.lap();
        match fault {
            Some((quantity, place, message)) => Err(Error::Numerical(Unphysical {
                step: clock.step(),
                day: clock.day(),
                process: "end of step".to_owned(),
                quantity,
                place,
                message,
            })),
            None => Ok(()),
        }
    }

    /// Fields that a process wrote; checked right behind it. What it did not solve it did not write; phosphate and inhibition
    /// are plasma, which is checked, times what was solved.
    fn written_by(&mut self, process: &str, tissue: &Tissue) -> Vec<Species> {
        match process {
            "oxygen" | "transport" => {
                let mut written = Vec::new();
                for species in SOLVED {
                    if (species == Species::Oxygen) == (process == "oxygen") {
                        let solves = match species {
                            Species::Oxygen => tissue.ledger.oxygen_solves,
                            _ => tissue.fields.memory[species as usize].solves,
                        };
                        let known = std::mem::replace(&mut self.solves[species as usize], solves);
                        if known != solves || !self.disturbances.is_empty() {
                            written.push(species);
                        }
                    }
                }
                written
            }
            "challenge" | "mineral_deposition" => vec![Species::Mineral],
            "infection" | "therapies" => vec![Species::Bacteria],
            _ => Vec::new(),
        }
    }

    /// Seconds since the last time it was asked; 0 without a stopwatch.
    fn lap(&mut self) -> f64 {
        let Some(now) = self.stopwatch else {
            return 0.0;
        };
        let time = now();
        time - std::mem::replace(&mut self.mark, time)
    }

    /// Books the time since the last lap.
    fn book(&mut self, process: &'static str) {
        if self.stopwatch.is_some() {
            let lap = self.lap();
            match self.seconds.iter_mut().find(|(name, _)| *name == process) {
                Some(entry) => entry.1 += lap,
                None => self.seconds.push((process, lap)),
            }
        }
    }

    /// All mineral [µg]; with or without a look at the interstitium.
    fn mineral(&mut self, tissue: &Tissue, looks: bool) -> f64 {
        if looks {
            self.interstitium_ug = interstitium_ug(&tissue.grid, &tissue.fields.mineral);
        }
        walls_ug(&tissue.vessels, self.wall_share) + self.interstitium_ug
    }

    #[allow(clippy::neg_cmp_op_on_partial_ord)] // A gap that is not a number is a gap too.
    fn imbalance(&mut self, tissue: &mut Tissue, looks: bool) -> Option<(String, String, String)> {
        let inventory = self.mineral(tissue, looks);
        let account = &mut tissue.ledger.mineral_ug;
        let gap = account.gap(inventory);
        // Stored interstitial mineral is f32: a millionth of a microgram is its rounding in a bare tissue.
        if !(gap.abs() <= BALANCE * inventory + 1e-6) {
            let message = format!("the books miss {gap:.3e} of {inventory:.3e} µg");
            return Some(("mineral [µg]".into(), "the block".into(), message));
        }
        account.close(inventory);
        let cells = movers(tissue);
        let account = &mut tissue.ledger.cells;
        let gap = account.gap(cells);
        if !(gap.abs() <= BALANCE * cells + 1e-9) {
            let message = format!("the books miss {gap} of {cells} cells");
            return Some(("moving cells".into(), "the block".into(), message));
        }
        account.close(cells);
        let gap = tissue.ledger.oxygen_gap;
        if !(gap.abs() <= self.oxygen_tolerance) {
            let message = format!("supply and surface differ from the use by {gap:.3e} of it");
            return Some(("oxygen [mmHg]".into(), "the block".into(), message));
        }
        None
    }
}

fn movers(tissue: &Tissue) -> f64 {
    let cells = &tissue.cells;
    (cells.neutrophils.len() + cells.macrophages.len() + cells.msc.len()) as f64
}

/// Whether all are finite numbers ≥ +0: by their bits, many at a time, without an early end or a branch.
fn plainly_physical(values: &[f32]) -> bool {
    const LARGEST: i32 = 0x7F7F_FFFF;
    // Negative numbers, and −0, have the sign bit; what is larger than the largest finite number gets it.
    let bad = |bits: i32| bits | LARGEST.wrapping_sub(bits);
    values.iter().fold(0, |any, x| any | bad(x.to_bits() as i32)) >= 0
}

/// Whether all lie in 0..=1 + 1e-9: plain numbers from +0 up have rising bits.
fn plainly_shares(values: &[f64]) -> bool {
    let most = (1.0f64 + 1e-9).to_bits() as i64;
    let bad = |bits: i64| bits | most.wrapping_sub(bits);
    values.iter().fold(0, |any, x| any | bad(x.to_bits() as i64)) >= 0
}

/// Whether all are finite: an exponent of ones would carry into the sign.
fn all_finite(values: &[f64]) -> bool {
    const SIGN: i64 = i64::MAX;
    const ONE: i64 = 1 << 52;
    let carried = |x: &f64| (x.to_bits() as i64 & SIGN).wrapping_add(ONE);
    values.iter().fold(0, |any, x| any | carried(x)) >= 0
}

/// The first number that is not a number or below zero, in these fields and in the walls.
#[allow(clippy::manual_range_contains)] // No branches in the sweep over a field.
fn unphysical(tissue: &Tissue, fields: &[Species]) -> Option<(String, String, String)> {
    for &species in fields {
        let values = tissue.fields.of(species);
        // Not `< 0`: a NaN must be caught too. What is not plainly physical may be a −0 still.
        if !plainly_physical(values)
            && let Some((voxel, value)) = (values.iter().enumerate()).find(|&(_, &x)| !(x >= 0.0 && x < f32::INFINITY))
        {
            let [x, y, z] = tissue.grid.place(voxel);
            return Some((
                format!("{} [{}]", species.name(), species.unit()),
                format!("voxel ({x}, {y}, {z})"),
                format!("{value} is not a finite number ≥ 0"),
            ));
        }
    }
    let v = &tissue.vessels;
    let shares = [
        ("mineral", &v.mineral),
        ("nidus", &v.nidus),
        ("neointima", &v.neointima),
        ("thrombus", &v.thrombus),
    ];
    // Looks at all without an early end, so that the loop is wide; then, if need be, for the place.
    for (name, column) in shares {
        if !plainly_shares(column)
            && let Some(s) = column.iter().position(|&x| !(0.0..=1.0 + 1e-9).contains(&x))
        {
            let message = format!("{} is outside 0..=1", column[s]);
            return Some((format!("wall {name} [0-1]"), format!("segment {}", v.id[s]), message));
        }
    }
    let most = 1.0f32.to_bits() as i32;
    let above = |x: &f32| x.to_bits() as i32 | most.wrapping_sub(x.to_bits() as i32);
    let is_good = v.integrity.iter().fold(0, |any, x| any | above(x)) >= 0;
    if !is_good && let Some(patch) = v.integrity.iter().position(|&x| !(0.0..=1.0).contains(&x)) {
        let message = format!("{} is outside 0..=1", v.integrity[patch]);
        return Some(("endothelial integrity [0-1]".into(), format!("patch {patch}"), message));
    }
    for (name, column) in [("flow [nl/min]", &v.flow_nl_per_min), ("shear [Pa]", &v.shear_pa)] {
        if !all_finite(column)
            && let Some(s) = column.iter().position(|x| !x.is_finite())
        {
            return Some((
                name.into(),
                format!("segment {}", v.id[s]),
                format!("{} is not finite", column[s]),
            ));
        }
    }
    let host = &tissue.host;
    let plasma = [
        ("calcium", host.calcium),
        ("phosphate", host.phosphate),
        ("protein C", host.protein_c),
        ("inhibition", host.inhibition),
    ];
    plasma
        .into_iter()
        .find(|(_, x)| !(x.is_finite() && *x >= 0.0))
        .map(|(name, x)| {
            (
                format!("plasma {name}"),
                "the host".to_owned(),
                format!("{x} is not a finite number ≥ 0"),
            )
        })
}
