//! The watch over a step: after each process the books must balance and what it wrote must be physical.

use crate::clock::Clock;
use crate::error::{Error, Result, Unphysical};
use crate::state::ledger::mineral_inventory_ug;
use crate::state::{Species, Tissue};

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
    /// Acts behind processes.
    pub disturbances: Vec<(String, Disturbance)>,
    mark: f64,
}

impl Watch {
    /// Opens the books at the start of a step.
    pub fn open(&mut self, tissue: &mut Tissue) {
        let inventory = self.mineral(tissue);
        tissue.ledger.mineral_ug.close(inventory);
        let cells = movers(tissue);
        tissue.ledger.cells.close(cells);
        if let Some(now) = self.stopwatch {
            self.mark = now();
        }
    }

    /// Checks what a process left behind.
    pub fn after(&mut self, process: &'static str, tissue: &mut Tissue, clock: &Clock) -> Result<()> {
        for (behind, act) in &mut self.disturbances {
            if behind == process {
                act(tissue);
            }
        }
        if let Some(now) = self.stopwatch {
            let time = now();
            match self.seconds.iter_mut().find(|(name, _)| *name == process) {
                Some(entry) => entry.1 += time - self.mark,
                None => self.seconds.push((process, time - self.mark)),
            }
            self.mark = time;
        }
        let fault = self
            .imbalance(tissue)
            .or_else(|| unphysical(tissue, written_by(process)));
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

    /// Looks at everything once more at the end of the step.
    pub fn close(&mut self, tissue: &Tissue, clock: &Clock) -> Result<()> {
        match unphysical(tissue, Some(&Species::ALL)) {
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

    fn mineral(&self, tissue: &Tissue) -> f64 {
        mineral_inventory_ug(&tissue.grid, &tissue.vessels, &tissue.fields.mineral, self.wall_share)
    }

    #[allow(clippy::neg_cmp_op_on_partial_ord)] // A gap that is not a number is a gap too.
    fn imbalance(&self, tissue: &mut Tissue) -> Option<(String, String, String)> {
        let inventory = self.mineral(tissue);
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

/// Fields that a process writes; checked right behind it. `None` checks no field.
fn written_by(process: &str) -> Option<&'static [Species]> {
    match process {
        "oxygen" => Some(&[Species::Oxygen]),
        "transport" => Some(&[
            Species::Phosphate,
            Species::Inhibitor,
            Species::Damage,
            Species::Cytokine,
            Species::Repair,
            Species::Vegf,
        ]),
        "challenge" | "mineral_deposition" => Some(&[Species::Mineral]),
        "infection" | "therapies" => Some(&[Species::Bacteria]),
        _ => None,
    }
}

/// Whether all lie in `low..=high`, many at a time: no early end, no branches, and lanes of their own. A value that is
/// not a number, or infinite, makes `x · 0` not 0.
macro_rules! all_within {
    ($values:expr, $float:ty, $low:expr, $high:expr) => {{
        let (chunks, rest) = $values.as_chunks::<16>();
        let (mut least, mut most, mut none) = ([$low; 16], [$low; 16], [0.0 as $float; 16]);
        for chunk in chunks {
            for k in 0..16 {
                let x: $float = chunk[k];
                least[k] = if x < least[k] { x } else { least[k] };
                most[k] = if x > most[k] { x } else { most[k] };
                none[k] += x * 0.0;
            }
        }
        let holds = |x: &$float| *x >= $low && *x <= $high;
        rest.iter().all(holds) && least.iter().all(holds) && most.iter().all(holds) && none.iter().all(|&x| x == 0.0)
    }};
}

/// The first number that is not a number or below zero, in these fields and in the walls.
#[allow(clippy::manual_range_contains)] // No branches in the sweep over a field.
fn unphysical(tissue: &Tissue, fields: Option<&[Species]>) -> Option<(String, String, String)> {
    for &species in fields.unwrap_or(&[]) {
        let values = tissue.fields.of(species);
        // Not `< 0`: a NaN must be caught too.
        if !all_within!(values, f32, 0.0, f32::MAX) {
            let (voxel, value) = values
                .iter()
                .enumerate()
                .find(|&(_, &x)| !(x >= 0.0 && x < f32::INFINITY))?;
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
        if !all_within!(column, f64, 0.0, 1.0 + 1e-9)
            && let Some(s) = column.iter().position(|&x| !(0.0..=1.0 + 1e-9).contains(&x))
        {
            let message = format!("{} is outside 0..=1", column[s]);
            return Some((format!("wall {name} [0-1]"), format!("segment {}", v.id[s]), message));
        }
    }
    let good = v.integrity.iter().fold(true, |good, &x| good & (x >= 0.0) & (x <= 1.0));
    if !good && let Some(patch) = v.integrity.iter().position(|&x| !(0.0..=1.0).contains(&x)) {
        let message = format!("{} is outside 0..=1", v.integrity[patch]);
        return Some(("endothelial integrity [0-1]".into(), format!("patch {patch}"), message));
    }
    for (name, column) in [("flow [nl/min]", &v.flow_nl_per_min), ("shear [Pa]", &v.shear_pa)] {
        if let Some(s) = column.iter().position(|x| !x.is_finite()) {
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
