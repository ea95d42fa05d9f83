//! Ischaemia and necrosis: cells add up time without oxygen, recover with it, and die of the dose.
//!
//! ```text
//! dX/dt = clamp((O_n − O)/(O_n − O_max), 0, 1)/T_c − 1(O > O_h) X/T_rec ;   dead at X ≥ 1
//! ```
//!
//! | symbol      | meaning                                 | unit | in code                        |
//! |-------------|-----------------------------------------|------|--------------------------------|
//! | X           | ischaemic dose                          | –    | `stroma.dose`, `adipocytes.dose` |
//! | O           | oxygen of the cell (mean of a fat cell) | mmHg | `fields.oxygen`                |
//! | O_n, O_max  | tension at which harm begins, is full   | mmHg | `onset_mmhg`, `full_mmhg`      |
//! | T_c         | tolerance of the cell, drawn once       | h    | `tolerance_h`                  |
//! | T_rec, O_h  | recovery time, and tension that allows it | h, mmHg | `recovery_h`, `recovers_above_mmhg` |
//!
//! A recovering cell gives off reactive oxygen in proportion to the dose it loses (reperfusion).
//! Reads `fields.oxygen`. Writes doses, vitality, `fields.reperfusion`; one event per death of a fat cell and per 200 µm of
//! stroma. No dice (tolerances are drawn at the start).
//! Source: half of a pig flap dies at 9 h of arrest, some at 6 h («Critical ischemia times», see `parameters.toml`);
//! thresholds are those of PhysiCell (model). We assume: log-normal tolerance; fat tolerates less than stroma.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::math;
use crate::parameters::Arrows;
use crate::state::{EventKind, Now, Tissue, Vessels};

/// Numbers of ischaemia.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// O_n [mmHg].
    pub onset_mmhg: f64,
    /// O_max [mmHg].
    pub full_mmhg: f64,
    /// Median T_c of stroma [h].
    pub stroma_tolerance_h: f64,
    /// Median T_c of fat cells [h].
    pub adipocyte_tolerance_h: f64,
    /// Standard deviation of ln T_c.
    pub tolerance_sd_log: f64,
    /// T_rec [h].
    pub recovery_h: f64,
    /// O_h [mmHg].
    pub recovers_above_mmhg: f64,
    /// Reactive oxygen set free by recovery from a full dose [a.u.].
    pub reperfusion_yield: f64,
}

/// New dose after some hours at a tension; exact in the recovery.
fn dose_after(p: &Parameters, dose: f64, oxygen: f64, tolerance_h: f64, hours: f64) -> f64 {
    let severity = math::unit((p.onset_mmhg - oxygen) / (p.onset_mmhg - p.full_mmhg));
    if oxygen > p.recovers_above_mmhg {
        let rest = math::relax(dose, 0.0, 1.0 / p.recovery_h, hours);
        return if rest < 1e-4 { 0.0 } else { rest };
    }
    dose + hours * severity / tolerance_h
}

/// Walks the rule over stroma and fat cells.
pub(crate) fn apply(p: &Parameters, arrows: &Arrows, tissue: &mut Tissue, now: Now) {
    let Tissue {
        grid,
        anatomy,
        fields,
        cells,
        vessels,
        events,
        ..
    } = tissue;
    let mut tiles: BTreeMap<[usize; 3], u32> = BTreeMap::new();
    let stroma = &mut cells.stroma;
    for i in 0..stroma.voxel.len() {
        if stroma.dead[i] == 1 {
            continue;
        }
        let voxel = stroma.voxel[i] as usize;
        let oxygen = f64::from(fields.oxygen[voxel]);
        let dose = f64::from(stroma.dose[i]);
        if dose == 0.0 && oxygen >= p.onset_mmhg {
            continue;
        }
        let new = dose_after(p, dose, oxygen, f64::from(stroma.tolerance_h[i]), now.hours);
        if new < dose {
            fields.reperfusion[voxel] += (arrows.reperfusion * p.reperfusion_yield * (dose - new)) as f32;
        }
        stroma.dose[i] = new as f32;
        if new >= 1.0 {
            stroma.dead[i] = 1;
            if anatomy.kill(voxel, now.step) {
                let tile = (200.0 / grid.voxel_um) as usize;
                *tiles.entry(grid.place(voxel).map(|c| c / tile.max(1))).or_default() += 1;
            }
        }
    }
    for ([x, y, z], voxels) in tiles {
        let centre = [x, y, z].map(|c| (c as f64 + 0.5) * 200.0);
        let cause = nearest_closure(vessels, centre, grid).or(events.latest_trigger);
        let entity = format!("stroma:{x}-{y}-{z}");
        events.add(
            now.step,
            EventKind::Death,
            entity,
            centre,
            cause,
            &[("voxels", f64::from(voxels))],
        );
    }
    let fat = &mut cells.adipocytes;
    for i in 0..fat.len() {
        if fat.dead[i] == 1 {
            continue;
        }
        let footprint = &fat.voxels[fat.first[i] as usize..fat.first[i + 1] as usize];
        let n = footprint.len() as f64;
        let oxygen = footprint
            .iter()
            .fold(0.0, |sum, &v| sum + f64::from(fields.oxygen[v as usize]))
            / n;
        let dose = f64::from(fat.dose[i]);
        if dose == 0.0 && oxygen >= p.onset_mmhg {
            continue;
        }
        let new = dose_after(p, dose, oxygen, f64::from(fat.tolerance_h[i]), now.hours);
        if new < dose {
            let pulse = (arrows.reperfusion * p.reperfusion_yield * (dose - new)) as f32;
            footprint.iter().for_each(|&v| fields.reperfusion[v as usize] += pulse);
        }
        fat.dose[i] = new as f32;
        if new >= 1.0 {
            fat.dead[i] = 1;
            let died = footprint
                .iter()
                .filter(|&&v| anatomy.kill(v as usize, now.step))
                .count();
            if died > 0 {
                let centre = grid.centre_um(footprint[footprint.len() / 2] as usize);
                let cause = nearest_closure(vessels, centre, grid).or(events.latest_trigger);
                let entity = format!("adipocyte:{}", fat.id[i]);
                events.add(
                    now.step,
                    EventKind::Death,
                    entity,
                    centre,
                    cause,
                    &[("oxygen_mmhg", oxygen)],
                );
            }
        }
    }
}

/// Latest event of the nearest closed segment within a millimetre: the closure that a death is blamed on.
fn nearest_closure(v: &Vessels, place: [f64; 3], grid: &crate::grid::Grid) -> Option<u64> {
    let mut best = (1000.0, None);
    for s in 0..v.len() {
        if v.closed_h[s] > 0.0 {
            let distance = grid.distance_um(v.middle_um(s), place);
            if distance < best.0 {
                best = (distance, v.latest_event[s]);
            }
        }
    }
    best.1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Dice, Purpose};

    fn p() -> Parameters {
        crate::parameters::Registry::embedded()
            .section("ischaemia")
            .expect("registry section")
    }

    /// Share of stromal cells that die when flow stops for some hours and returns.
    fn killed_by(arrest_h: usize) -> f64 {
        let n = 4000;
        let dead = (0..n)
            .filter(|&who| {
                let mut roll = Dice::new(1).roll(Purpose::Tolerance, who);
                let tolerance = roll.log_normal(p().stroma_tolerance_h, p().tolerance_sd_log);
                (0..arrest_h).fold(0.0, |dose, _| dose_after(&p(), dose, 0.0, tolerance, 1.0)) >= 1.0
            })
            .count();
        dead as f64 / n as f64
    }

    #[test]
    fn nine_hours_kill_about_half_and_six_hours_few() {
        assert!((0.40..=0.60).contains(&killed_by(9)), "{}", killed_by(9));
        assert!(killed_by(6) < 0.15, "{}", killed_by(6));
    }

    #[test]
    fn oxygen_above_the_onset_harms_nobody() {
        assert_eq!(dose_after(&p(), 0.0, p().onset_mmhg, 9.0, 1.0), 0.0);
        assert_eq!(dose_after(&p(), 0.0, 60.0, 9.0, 1000.0), 0.0);
    }

    #[test]
    fn recovery_does_not_depend_on_the_step() {
        let one = dose_after(&p(), 0.8, 40.0, 9.0, 1.0);
        let six = (0..6).fold(0.8, |x, _| dose_after(&p(), x, 40.0, 9.0, 1.0 / 6.0));
        assert!((one - six).abs() < 1e-12);
    }
}
