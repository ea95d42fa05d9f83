//! Osteogenic switch: mural cells turn bone-like and die; fat cells calcify.
//!
//! ```text
//! k   = k_o·osteo·[ u + i ]·(1 − a·R/(R + K_R))/(1 + R/K_R)
//! u   = 1(P ≥ P*)·H(P; K_P, n)·(1 + γ_C·H(C; K_C, 2))·(1 + γ_O·1(O < O*))·(1 + γ_E·(1 − E))·(1 + γ_A·A)
//! i   = b·( H(C; K_C, 2) + (1 − E) )            the small route without phosphate
//! k_f = k_a·adipo·1(P ≥ P*)·H(P; K_P, n)/(1 + S/K_S)                                 fat cells
//! ```
//!
//! | symbol | meaning                                     | unit    | in code                                   |
//! |--------|---------------------------------------------|---------|-------------------------------------------|
//! | k, k_f | chance of switching, of calcifying          | 1/h     | `switch_rate_per_h`, `adipocyte_rate_per_h` |
//! | P, P*  | local phosphate, its threshold              | mmol/L  | `fields.phosphate`, `phosphate_threshold_…` |
//! | C, R   | cytokine, repair signal                     | a.u.    | `fields.cytokine`, `fields.repair`        |
//! | O, O*  | oxygen, hypoxia of the wall                 | mmHg    | `fields.oxygen`, `hypoxia_mmhg`           |
//! | E      | endothelial integrity of the segment        | 0-1     | `vessels.integrity`                       |
//! | A      | share of living fat within reach            | 0-1     | `adipokine_reach_um`                      |
//! | S      | thiosulfate, plasma and depot               | mmol/L  | `host.thiosulfate`, `cells.thiosulfate_depot` |
//! | a      | cut by stem cells, 0 by default             | 0-1     | `msc_cut`                                 |
//!
//! An osteogenic cell dies at a constant rate and leaves an apoptotic nidus in its wall, held back by the local inhibition;
//! it turns back, rarely, where phosphate is below the threshold and the repair signal above K_R. A fat cell that starts to
//! calcify lays first crystals on its membrane.
//!
//! Reads the fields named above, `fields.inhibitor`, `vessels.integrity`, `host.msc_signal`. Writes `cells.mural.state`,
//! `cells.adipocytes.calcifying`, `vessels.nidus`, `fields.mineral`, the mineral books.
//! Dice: `OsteogenicSwitch`, `MuralDeath` by mural cell, `AdipocyteCalcification` by fat cell.
//!
//! Source: threshold 1.4 mM and dose dependence Circ Res 87:e10; timing PMC3069837; cytokine PMC5815263; hypoxia
//! mdpi.com/2227-9059/12/9/2155; fat cells and thiosulfate Chen, O'Neill, Akl, Moe (indiana.pure.elsevier.com).
//! We assume: every gain is 1; dead tissue does not switch; the factors of endothelium, hypoxia, cytokine and adipokine are
//! owned by `ec_osteo`, `hypoxia_osteo`, `infl_osteo` and `adipo`, and all of them also need `osteo`.

use serde::Deserialize;

use crate::math;
use crate::parameters::Arrows;
use crate::random::Purpose;
use crate::state::anatomy::NONE;
use crate::state::cells::{APOPTOTIC, CONTRACTILE, DEAD_PRODUCT, OSTEOGENIC};
use crate::state::ledger::voxel_capacity_ug;
use crate::state::{Now, Tissue};

/// Registry section `osteogenic`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// k_o: rate of the switch at saturating phosphate [1/h].
    pub switch_rate_per_h: f64,
    /// P*: phosphate below which the uraemic route is closed [mmol/L].
    pub phosphate_threshold_mmol_per_l: f64,
    /// K_P: phosphate with half of the effect [mmol/L].
    pub phosphate_half_mmol_per_l: f64,
    /// n: steepness in phosphate.
    pub phosphate_hill: f64,
    /// γ_C: gain of the cytokine.
    pub cytokine_gain: f64,
    /// K_C: cytokine with half of the effect [a.u.].
    pub cytokine_half: f64,
    /// γ_O: gain of hypoxia.
    pub hypoxia_gain: f64,
    /// O*: oxygen tension below which a wall is hypoxic [mmHg].
    pub hypoxia_mmhg: f64,
    /// γ_E: gain of endothelial loss.
    pub endothelium_gain: f64,
    /// γ_A: gain of fat nearby.
    pub adipokine_gain: f64,
    /// Reach of fat cells [µm].
    pub adipokine_reach_um: f64,
    /// b: weight of the route without phosphate, share of k_o.
    pub independent_share: f64,
    /// K_R: repair signal that halves the rate [a.u.].
    pub repair_half: f64,
    /// a: largest cut of the rate by stem cells, 0-1.
    pub msc_cut: f64,
    /// Rate at which an osteogenic cell turns back where phosphate is low and repair high [1/h].
    pub reversal_rate_per_h: f64,
    /// Rate at which an osteogenic cell dies [1/h].
    pub death_rate_per_h: f64,
    /// Nidus that one dead cell leaves in a wall without inhibition, share of what is free.
    pub death_nidus: f64,
    /// k_a: rate at which a fat cell calcifies at saturating phosphate [1/h].
    pub adipocyte_rate_per_h: f64,
    /// K_S: thiosulfate that halves the calcification of fat cells [mmol/L].
    pub thiosulfate_half_mmol_per_l: f64,
    /// First crystals on the membrane of a fat cell, share of solid.
    pub adipocyte_first_mineral: f64,
}

/// What a mural cell feels.
struct Surroundings {
    phosphate: f64,
    cytokine: f64,
    oxygen_mmhg: f64,
    integrity: f64,
    repair: f64,
    adipokine: f64,
    msc_near: bool,
}

/// Pull of phosphate alone, 0-1; nothing below the threshold.
fn phosphate_pull(p: &Parameters, phosphate: f64) -> f64 {
    if phosphate < p.phosphate_threshold_mmol_per_l {
        0.0
    } else {
        math::hill(phosphate, p.phosphate_half_mmol_per_l, p.phosphate_hill)
    }
}

/// Rate at which a contractile mural cell turns osteogenic [1/h].
fn switch_rate(p: &Parameters, arrows: &Arrows, at: &Surroundings) -> f64 {
    let cytokine = arrows.infl_osteo * math::hill(at.cytokine, p.cytokine_half, 2.0);
    let hypoxic = if at.oxygen_mmhg < p.hypoxia_mmhg {
        arrows.hypoxia_osteo
    } else {
        0.0
    };
    let loss = arrows.ec_osteo * math::positive(1.0 - at.integrity);
    let uraemic = phosphate_pull(p, at.phosphate)
        * (1.0 + p.cytokine_gain * cytokine)
        * (1.0 + p.hypoxia_gain * hypoxic)
        * (1.0 + p.endothelium_gain * loss)
        * (1.0 + p.adipokine_gain * arrows.adipo * at.adipokine);
    let independent = p.independent_share * (cytokine + loss);
    let cut = if at.msc_near {
        math::unit(arrows.msc_anticalc * p.msc_cut * at.repair / (at.repair + p.repair_half))
    } else {
        0.0
    };
    p.switch_rate_per_h * arrows.osteo * (uraemic + independent) * (1.0 - cut) / (1.0 + at.repair / p.repair_half)
}

/// More than sums and products of a few numbers can be off by.
const ROUNDING: f64 = 1.0 + 1e-9;

/// More than [`switch_rate`] can be anywhere [1/h].
fn largest_switch_rate(p: &Parameters, arrows: &Arrows) -> f64 {
    let (cytokine, loss) = (arrows.infl_osteo, arrows.ec_osteo);
    let uraemic = (1.0 + p.cytokine_gain * cytokine)
        * (1.0 + p.hypoxia_gain * arrows.hypoxia_osteo)
        * (1.0 + p.endothelium_gain * loss)
        * (1.0 + p.adipokine_gain * arrows.adipo);
    p.switch_rate_per_h * arrows.osteo * (uraemic + p.independent_share * (cytokine + loss)) * ROUNDING
}

/// Rate at which a fat cell calcifies [1/h].
fn adipocyte_rate(p: &Parameters, arrows: &Arrows, phosphate: f64, thiosulfate: f64) -> f64 {
    p.adipocyte_rate_per_h * arrows.adipo * phosphate_pull(p, phosphate)
        / (1.0 + thiosulfate / p.thiosulfate_half_mmol_per_l)
}

/// Every mural cell, then every fat cell.
pub(crate) fn apply(p: &Parameters, arrows: &Arrows, tissue: &mut Tissue, now: Now) {
    switch_mural_cells(p, arrows, tissue, now);
    if arrows.adipo > 0.0 {
        calcify_adipocytes(p, arrows, tissue, now);
    }
}

fn switch_mural_cells(p: &Parameters, arrows: &Arrows, tissue: &mut Tissue, now: Now) {
    let Tissue {
        grid,
        host,
        anatomy,
        fields,
        vessels,
        cells,
        ..
    } = tissue;
    let msc_near = host.msc_signal > 0.0 || cells.msc.state.iter().any(|&s| s != DEAD_PRODUCT);
    let integrity: Vec<f64> = (0..vessels.len()).map(|s| vessels.mean_integrity(s)).collect();
    let reach = (p.adipokine_reach_um / grid.voxel_um).floor() as i64;
    let anywhere = largest_switch_rate(p, arrows);
    let mural = &mut cells.mural;
    for i in 0..mural.id.len() {
        if mural.state[i] == APOPTOTIC || !anatomy.lives(mural.voxel[i] as usize) {
            continue;
        }
        let (id, segment, voxel) = (mural.id[i], mural.segment[i] as usize, mural.voxel[i] as usize);
        let phosphate = f64::from(fields.phosphate[voxel]);
        let repair = f64::from(fields.repair[voxel]);
        if mural.state[i] == CONTRACTILE {
            let mut at = Surroundings {
                phosphate,
                cytokine: f64::from(fields.cytokine[voxel]),
                oxygen_mmhg: f64::from(fields.oxygen[voxel]),
                integrity: integrity[segment],
                repair,
                // The most that fat nearby can do; counted only for the few cells whose draw lies below that.
                adipokine: 1.0,
                msc_near,
            };
            let draw = now.dice.uniform(Purpose::OsteogenicSwitch, id);
            // Nearly every draw lies above the most that could happen anywhere; a rate times hours is never less than
            // the chance.
            if draw >= anywhere * now.hours {
                continue;
            }
            let most = math::chance_of(switch_rate(p, arrows, &at), now.hours);
            if draw < most {
                let dead = &cells.adipocytes.dead;
                at.adipokine = living_fat_share(grid, &anatomy.adipocyte, dead, voxel, reach);
                if draw < math::chance_of(switch_rate(p, arrows, &at), now.hours) {
                    mural.state[i] = OSTEOGENIC;
                }
            }
            continue;
        }
        let dies = math::chance_of(p.death_rate_per_h, now.hours);
        if now.dice.roll(Purpose::MuralDeath, id).chance(dies) {
            mural.state[i] = APOPTOTIC;
            let exposed = 1.0 - math::unit(f64::from(fields.inhibitor[voxel]));
            let free = 1.0 - vessels.nidus[segment];
            vessels.nidus[segment] += free * math::unit(p.death_nidus * exposed);
        } else if phosphate < p.phosphate_threshold_mmol_per_l && repair > p.repair_half {
            let back = math::chance_of(p.reversal_rate_per_h, now.hours);
            if now.dice.roll(Purpose::OsteogenicSwitch, id).chance(back) {
                mural.state[i] = CONTRACTILE;
            }
        }
    }
}

/// Share of the voxels within reach that belong to living fat cells.
fn living_fat_share(grid: &crate::grid::Grid, adipocyte: &[u32], dead: &[u8], voxel: usize, reach: i64) -> f64 {
    let thin = |n: usize| if n == 1 { 0 } else { reach };
    let (rx, ry, rz) = (thin(grid.nx), thin(grid.ny), thin(grid.nz));
    let (mut fat, mut all) = (0u32, 0u32);
    for dz in -rz..=rz {
        for dy in -ry..=ry {
            for dx in -rx..=rx {
                if dx * dx + dy * dy + dz * dz > reach * reach {
                    continue;
                }
                if let Some(neighbour) = grid.neighbour(voxel, dx, dy, dz) {
                    all += 1;
                    let cell = adipocyte[neighbour];
                    fat += u32::from(cell != NONE && dead[cell as usize] == 0);
                }
            }
        }
    }
    f64::from(fat) / f64::from(all)
}

fn calcify_adipocytes(p: &Parameters, arrows: &Arrows, tissue: &mut Tissue, now: Now) {
    let Tissue {
        grid,
        host,
        fields,
        cells,
        ledger,
        ..
    } = tissue;
    let depot = &cells.thiosulfate_depot;
    let fat = &mut cells.adipocytes;
    let capacity = voxel_capacity_ug(grid);
    for i in 0..fat.len() {
        if fat.dead[i] != 0 || fat.calcifying[i] != 0 {
            continue;
        }
        let draw = now.dice.uniform(Purpose::AdipocyteCalcification, fat.id[i]);
        // Nearly every draw lies above the most that could happen anywhere.
        if draw >= arrows.adipo * p.adipocyte_rate_per_h * ROUNDING * now.hours {
            continue;
        }
        let footprint = fat.footprint(i);
        let n = footprint.len() as f64;
        let mean = |column: &[f32]| {
            footprint
                .iter()
                .fold(0.0, |sum, &v| sum + f64::from(column[v as usize]))
                / n
        };
        let phosphate = mean(&fields.phosphate);
        if phosphate < p.phosphate_threshold_mmol_per_l {
            continue;
        }
        let thiosulfate = host.thiosulfate + if depot.is_empty() { 0.0 } else { mean(depot) };
        if draw >= math::chance_of(adipocyte_rate(p, arrows, phosphate, thiosulfate), now.hours) {
            continue;
        }
        for &voxel in footprint {
            let old = fields.mineral[voxel as usize];
            let new = math::max(f64::from(old), p.adipocyte_first_mineral) as f32;
            fields.mineral[voxel as usize] = new;
            ledger.mineral_ug.book((f64::from(new) - f64::from(old)) * capacity);
        }
        fat.calcifying[i] = 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::fixture;
    use crate::state::ledger::mineral_inventory_ug;

    fn parameters() -> Parameters {
        // The acute rates of the dish and of the mouse; the registry's are those of years on dialysis.
        Parameters {
            switch_rate_per_h: 0.006,
            death_rate_per_h: 0.002,
            adipocyte_rate_per_h: 0.003,
            ..fixture::defaults("osteogenic")
        }
    }

    fn at(phosphate: f64) -> Surroundings {
        Surroundings {
            phosphate,
            cytokine: 0.0,
            oxygen_mmhg: 50.0,
            integrity: 1.0,
            repair: 0.0,
            adipokine: 0.0,
            msc_near: false,
        }
    }

    fn run(profile: crate::state::Profile, arrows: &Arrows, days: u64) -> Tissue {
        let mut tissue = fixture::tissue(profile);
        for step in 0..24 * days {
            apply(&parameters(), arrows, &mut tissue, fixture::now(step, 1.0));
        }
        tissue
    }

    #[test]
    fn healthy_cells_do_nothing_for_a_year() {
        let tissue = run(fixture::healthy(), &Arrows::default(), 365);
        assert!(tissue.cells.mural.state.iter().all(|&s| s == CONTRACTILE));
        assert_eq!(tissue.cells.adipocytes.calcifying, [0, 0]);
        assert!(tissue.fields.mineral.iter().all(|&m| m == 0.0));
    }

    #[test]
    fn the_threshold_of_phosphate_is_sharp() {
        let p = parameters();
        let arrows = Arrows::default();
        assert_eq!(switch_rate(&p, &arrows, &at(1.39)), 0.0);
        assert!(switch_rate(&p, &arrows, &at(1.41)) > 0.0);
    }

    #[test]
    fn at_2_5_millimolar_half_of_the_cells_switch_within_about_a_week() {
        let rate = switch_rate(&parameters(), &Arrows::default(), &at(2.5));
        let half = std::f64::consts::LN_2 / rate / 24.0;
        assert!((5.0..9.0).contains(&half), "{half} d");
    }

    #[test]
    fn without_phosphate_only_injury_and_cytokine_switch_cells_and_slowly() {
        let p = parameters();
        let arrows = Arrows::default();
        let injured = Surroundings {
            integrity: 0.0,
            cytokine: 10.0,
            ..at(1.1)
        };
        let slow = switch_rate(&p, &arrows, &injured);
        assert!(slow > 0.0 && slow < 0.2 * switch_rate(&p, &arrows, &at(2.5)));
        let no_way = Arrows {
            ec_osteo: 0.0,
            infl_osteo: 0.0,
            ..Arrows::default()
        };
        assert_eq!(switch_rate(&p, &no_way, &injured), 0.0);
    }

    #[test]
    fn every_pull_owns_its_switch_and_all_need_osteo() {
        let p = parameters();
        let pulled = Surroundings {
            cytokine: 1.0,
            oxygen_mmhg: 2.0,
            integrity: 0.2,
            adipokine: 1.0,
            ..at(2.0)
        };
        let all = switch_rate(&p, &Arrows::default(), &pulled);
        for name in ["infl_osteo", "hypoxia_osteo", "ec_osteo", "adipo", "osteo"] {
            let mut arrows = Arrows::default();
            assert!(arrows.set(name, 0.0));
            assert!(switch_rate(&p, &arrows, &pulled) < all, "{name}");
        }
        let off = Arrows {
            osteo: 0.0,
            ..Arrows::default()
        };
        assert_eq!(switch_rate(&p, &off, &pulled), 0.0);
    }

    #[test]
    fn stem_cells_hold_the_switch_back_only_when_told_to() {
        let near = Surroundings {
            repair: 1.0,
            msc_near: true,
            ..at(2.2)
        };
        let far = Surroundings {
            msc_near: false,
            repair: 1.0,
            ..at(2.2)
        };
        let mut p = parameters();
        let arrows = Arrows::default();
        assert_eq!(p.msc_cut, 0.0);
        assert_eq!(switch_rate(&p, &arrows, &near), switch_rate(&p, &arrows, &far));
        p.msc_cut = 0.9;
        assert!(switch_rate(&p, &arrows, &near) < switch_rate(&p, &arrows, &far));
    }

    #[test]
    fn uraemic_cells_switch_die_and_leave_a_nidus() {
        let tissue = run(fixture::uraemic(), &Arrows::default(), 120);
        assert!(tissue.cells.mural.state.contains(&APOPTOTIC));
        assert!(tissue.vessels.nidus[0] > 0.0 && tissue.vessels.nidus[0] < 1.0);
        assert_eq!(tissue.vessels.nidus[1], 0.0);
    }

    #[test]
    fn fat_cells_calcify_with_phosphate_less_with_thiosulfate_and_every_crystal_is_booked() {
        let p = parameters();
        let arrows = Arrows::default();
        assert!(adipocyte_rate(&p, &arrows, 2.0, 4.0) < 0.5 * adipocyte_rate(&p, &arrows, 2.0, 0.0));
        let tissue = run(fixture::uraemic(), &arrows, 120);
        assert_eq!(tissue.cells.adipocytes.calcifying, [1, 1]);
        let there = mineral_inventory_ug(&tissue.grid, &tissue.vessels, &tissue.fields.mineral, 0.5);
        assert!(there > 0.0);
        assert!(tissue.ledger.mineral_ug.gap(there).abs() < 1e-9 * there);
    }

    #[test]
    fn dead_tissue_does_not_switch() {
        let mut tissue = fixture::tissue(fixture::uraemic());
        for voxel in 0..tissue.grid.len() {
            tissue.anatomy.kill(voxel, 0);
        }
        for step in 0..24 * 60 {
            switch_mural_cells(&parameters(), &Arrows::default(), &mut tissue, fixture::now(step, 1.0));
        }
        assert!(tissue.cells.mural.state.iter().all(|&s| s == CONTRACTILE));
    }
}
