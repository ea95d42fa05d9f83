//! Secretion: what dead tissue, cells and vessel walls release into the four signal fields.
//!
//! ```text
//! emission = Σ sources of  level · unit · amount
//! ```
//!
//! A *level* is what a wide area full of the source holds in the steady state; *unit* is the source that holds a
//! level of 1 against the decay of the field (`*_unit_per_h`, equal to the decay in section `transport`); *amount*
//! is 1 for tissue, and the local density in thousands of cells per mm³ for cells.
//!
//! | symbol      | meaning                              | unit        | in code                       |
//! |-------------|--------------------------------------|-------------|-------------------------------|
//! | debris      | what a dead voxel still holds        | 0-1         | `anatomy.debris`              |
//! | ROS         | pulse of returning blood             | a.u./h      | `fields.reperfusion`          |
//! | D, C, R     | damage, cytokine, repair signal      | a.u.        | `fields.emission` (a.u./s)    |
//! | V           | VEGF                                 | ng/mL       | `fields.emission` (ng/mL/s)   |
//! | hif         | (8 − O)/4, kept in 0..=1             | -           | `hypoxia_response`            |
//!
//! Damage: debris (arrow `damp_loop`), neutrophils, ROS (arrow `reperfusion`). Cytokine: M1, endothelium below 0.7 of
//! integrity in living tissue, closing thrombi (arrow `damp_loop`; by wall area, less with age), bacteria, crystals between living
//! cells (arrow `crystal_infl`; the resident macrophages that meet them are no agents; mineral of walls acts through M1 alone). Repair: M2, stem cells, infused cells at perfused vessels, supernatant (all three times arrow
//! `msc_immune`). VEGF: living tissue, more when hypoxic, fat more than stroma; M2; stem cells (arrow `msc_angio`), less
//! where cytokine is high.
//!
//! Debris fades with e-fold 72 h, ROS and supernatant with their own; sources are means over the step, so the step
//! length does not matter. Reads all of the state. Writes `fields.emission`, and fades `anatomy.debris`,
//! `fields.reperfusion`, `cells.supernatant`. No dice.
//! Source: crystals of basic calcium phosphate make macrophages release TNF (doi 10.1161/01.res.0000171451.88616.c2); thrombi inflame their neighbourhood: Stark and Massberg 2021 (doi 10.1038/s41569-021-00552-1).
//! We assume: sources add up; every strength below that is not a decay; only clots that close emit.

use serde::Deserialize;

use crate::grid::Grid;
use crate::math;
use crate::parameters::Arrows;
use crate::state::cells::{ACTIVE, IN_TISSUE, INJECTED, LICENSED, M1, M2, MSC_OSTEOGENIC, Movers};
use crate::state::fields::is_clear;
use crate::state::{Now, Tissue, Vitality, anatomy};

/// Registry section `secretion`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// Source that holds damage 1 [a.u./h].
    pub damage_unit_per_h: f64,
    /// Source that holds cytokine 1 [a.u./h].
    pub cytokine_unit_per_h: f64,
    /// Source that holds repair signal 1 [a.u./h].
    pub repair_unit_per_h: f64,
    /// Source that holds VEGF at 1 ng/mL [ng/mL/h].
    pub vegf_unit_per_h: f64,
    /// Level held by fresh necrosis [a.u.].
    pub necrosis_damage: f64,
    /// Time in which debris fades to 1/e [h].
    pub debris_h: f64,
    /// Time in which a reperfusion pulse fades to 1/e [h].
    pub reperfusion_h: f64,
    /// Level held by 1000 neutrophils per mm³ [a.u.].
    pub neutrophil_damage: f64,
    /// Level held by 1000 M1 per mm³ [a.u.].
    pub m1_cytokine: f64,
    /// Level held by 1000 activated endothelial cells per mm³ [a.u.].
    pub endothelial_cytokine: f64,
    /// Area of an endothelial cell [µm²].
    pub endothelial_cell_um2: f64,
    /// Integrity below which endothelium is activated.
    pub activated_below: f64,
    /// Integrity below which it is fully so.
    pub denuded_below: f64,
    /// Level held by 1 mm² of wall around fresh clots per mm³ of tissue [a.u.].
    pub thrombus_cytokine: f64,
    /// Time in which a clot's signal fades to 1/e [h].
    pub thrombus_signal_h: f64,
    /// Level held by living tissue that is full of crystals, through the macrophages that live there [a.u.].
    pub crystal_cytokine: f64,
    /// Interstitial mineral that counts as full of crystals [share of solid].
    pub crystal_mineral: f64,
    /// Level held by bacteria at carrying capacity [a.u.].
    pub bacteria_cytokine: f64,
    /// Level held by 1000 M2 per mm³ [a.u.].
    pub m2_repair: f64,
    /// Level held by 1000 resting stem cells per mm³ [a.u.].
    pub msc_repair: f64,
    /// Factor of a licensed stem cell.
    pub msc_licensed_fold: f64,
    /// Length density of perfused vessels at which infused cells hold tissue at their signal [mm/mm³].
    pub vessel_density_mm_per_mm3: f64,
    /// Time in which a supernatant is released to 1/e [h].
    pub supernatant_h: f64,
    /// Level held by living tissue at rest [ng/mL].
    pub vegf_resting_ng_per_ml: f64,
    /// Factor in full hypoxia.
    pub vegf_hypoxic_fold: f64,
    /// Oxygen tension at which the response to hypoxia begins [mmHg].
    pub hif_onset_mmhg: f64,
    /// Oxygen tension at which it is full [mmHg].
    pub hif_full_mmhg: f64,
    /// Factor of fat over stroma.
    pub adipocyte_vegf_fold: f64,
    /// Level held by 1000 M2 per mm³ [ng/mL].
    pub m2_vegf_ng_per_ml: f64,
    /// Level held by 1000 stem cells per mm³ [ng/mL].
    pub msc_vegf_ng_per_ml: f64,
    /// Factor of a stem cell in full hypoxia.
    pub msc_hypoxic_fold: f64,
    /// Cytokine that halves the VEGF of stem cells [a.u.].
    pub msc_vegf_cytokine_half: f64,
}

/// Answer to hypoxia, 0-1.
fn hypoxia_response(p: &Parameters, oxygen: f64) -> f64 {
    math::unit((p.hif_onset_mmhg - oxygen) / (p.hif_onset_mmhg - p.hif_full_mmhg))
}

/// How activated endothelium of this integrity is, 0-1.
fn activation(p: &Parameters, integrity: f64) -> f64 {
    math::unit((p.activated_below - integrity) / (p.activated_below - p.denuded_below))
}

/// VEGF level that a living voxel holds [ng/mL].
fn tissue_vegf(p: &Parameters, oxygen: f64, is_fat: bool) -> f64 {
    let hypoxic = 1.0 + (p.vegf_hypoxic_fold - 1.0) * hypoxia_response(p, oxygen);
    let fat = if is_fat { p.adipocyte_vegf_fold } else { 1.0 };
    p.vegf_resting_ng_per_ml * hypoxic * fat
}

/// Mean over a step of what fades from 1, and what is left at its end.
fn fading(hours: f64, efold_h: f64) -> (f64, f64) {
    let steps = hours / efold_h;
    (math::one_minus_exp(steps) / steps, math::exp(-steps))
}

const SECONDS_PER_H: f64 = 3600.0;

/// What is smaller than this is stored as none.
const NOTHING: f32 = 1e-6;

/// Fills the emissions from the state.
pub(crate) fn apply(p: &Parameters, arrows: &Arrows, tissue: &mut Tissue, now: Now) {
    let Tissue {
        grid,
        host,
        anatomy,
        fields,
        vessels,
        cells,
        ..
    } = tissue;
    let n = grid.len();
    let per_s = |unit_per_h: f64| unit_per_h / SECONDS_PER_H;
    let (damage, cytokine) = (per_s(p.damage_unit_per_h), per_s(p.cytokine_unit_per_h));
    let (repair, vegf) = (per_s(p.repair_unit_per_h), per_s(p.vegf_unit_per_h));
    // Thousands of cells per mm³ that one cell makes in its voxel.
    let one_cell = 1e6 / grid.voxel_volume_um3();

    let emission = &mut fields.emission;
    for field in [&mut emission.damage, &mut emission.cytokine, &mut emission.repair] {
        field.clear();
        field.resize(n, 0.0);
    }
    // Written whole below.
    emission.vegf.resize(n, 0.0);

    // Dead tissue, and blood that came back.
    if anatomy.debris.len() != n {
        anatomy.debris = (0..n)
            .map(|v| {
                if anatomy.vitality[v] == Vitality::Necrotic {
                    let age_h = (now.step as f64 - f64::from(anatomy.death_step[v])) * now.hours;
                    math::exp(-age_h / p.debris_h) as f32
                } else {
                    0.0
                }
            })
            .collect();
    }
    let (debris_mean, debris_left) = fading(now.hours, p.debris_h);
    let from_debris = arrows.damp_loop * p.necrosis_damage * damage * debris_mean;
    if !is_clear(&anatomy.debris) {
        for (out, debris) in emission.damage.iter_mut().zip(&mut anatomy.debris) {
            if *debris > 0.0 {
                *out += (from_debris * f64::from(*debris)) as f32;
                *debris = fade(*debris, debris_left);
            }
        }
    }
    let (pulse_mean, pulse_left) = fading(now.hours, p.reperfusion_h);
    let from_pulse = arrows.reperfusion * pulse_mean / SECONDS_PER_H;
    if !is_clear(&fields.reperfusion) {
        for (out, pulse) in emission.damage.iter_mut().zip(&mut fields.reperfusion) {
            if *pulse > 0.0 {
                *out += (from_pulse * f64::from(*pulse)) as f32;
                *pulse = fade(*pulse, pulse_left);
            }
        }
    }

    // Living tissue.
    let (oxygen, vitality, adipocyte) = (&fields.oxygen, &anatomy.vitality, &anatomy.adipocyte);
    // Most voxels have oxygen enough: their two levels are worked out once.
    let resting = [false, true].map(|fat| (vegf * tissue_vegf(p, p.hif_onset_mmhg, fat)) as f32);
    let onset = p.hif_onset_mmhg as f32;
    // Serial on purpose: one wide pass over three columns is quicker than waking a second thread.
    let tissue_columns = oxygen.iter().zip(vitality).zip(adipocyte);
    for (out, ((&oxygen, &vitality), &adipocyte)) in emission.vegf.iter_mut().zip(tissue_columns) {
        let is_fat = adipocyte != anatomy::NONE;
        *out = if matches!(vitality, Vitality::Necrotic | Vitality::Gone) {
            0.0
        } else if oxygen >= onset {
            if is_fat { resting[1] } else { resting[0] }
        } else {
            (vegf * tissue_vegf(p, f64::from(oxygen), is_fat)) as f32
        };
    }
    if !is_clear(&fields.bacteria) {
        for (out, &bacteria) in emission.cytokine.iter_mut().zip(&fields.bacteria) {
            if bacteria > 0.0 {
                *out += (cytokine * p.bacteria_cytokine * f64::from(bacteria)) as f32;
            }
        }
    }

    let from_crystals = arrows.crystal_infl * p.crystal_cytokine * cytokine;
    if from_crystals > 0.0 && !is_clear(&fields.mineral) {
        let tissue_columns = fields.mineral.iter().zip(&anatomy.vitality);
        for (out, (&mineral, &vitality)) in emission.cytokine.iter_mut().zip(tissue_columns) {
            if mineral > 0.0 && !matches!(vitality, Vitality::Necrotic | Vitality::Gone) {
                *out += (from_crystals * math::unit(f64::from(mineral) / p.crystal_mineral)) as f32;
            }
        }
    }

    // Vessel walls.
    for s in 0..vessels.len() {
        let patch_um2 = std::f64::consts::TAU * vessels.radius_um[s] * vessels.patch_um(s);
        let cells_here = patch_um2 / p.endothelial_cell_um2 * vessels.slab_share[s] * one_cell;
        for patch in vessels.patches(s) {
            let integrity = f64::from(vessels.integrity[patch]);
            if integrity >= p.activated_below {
                continue;
            }
            let voxel = vessels.patch_voxel[patch] as usize;
            if anatomy.lives(voxel) {
                let active = activation(p, integrity);
                let level = p.endothelial_cytokine * active * cells_here;
                emission.cytokine[voxel] += (cytokine * level) as f32;
            }
        }
    }
    let from_clots = arrows.damp_loop * p.thrombus_cytokine;
    for s in (0..vessels.len()).filter(|&s| vessels.closed_h[s] > 0.0 && from_clots > 0.0) {
        let fresh = math::exp(-vessels.closed_h[s] / p.thrombus_signal_h);
        let around_um = std::f64::consts::TAU * vessels.radius_um[s] * vessels.slab_share[s];
        for piece in vessels.pieces(s) {
            let wall_mm2_per_mm3 = 1e3 * around_um * vessels.piece_um[piece] / grid.voxel_volume_um3();
            let level = from_clots * fresh * wall_mm2_per_mm3;
            emission.cytokine[vessels.piece_voxel[piece] as usize] += (cytokine * level) as f32;
        }
    }
    if host.msc_signal > 0.0 && arrows.msc_immune > 0.0 {
        for s in (0..vessels.len()).filter(|&s| vessels.is_perfused(s)) {
            for piece in vessels.pieces(s) {
                let served_um3 = vessels.piece_um[piece] * vessels.slab_share[s] / (p.vessel_density_mm_per_mm3 * 1e-6);
                let level = arrows.msc_immune * host.msc_signal * served_um3 / grid.voxel_volume_um3();
                emission.repair[vessels.piece_voxel[piece] as usize] += (repair * level) as f32;
            }
        }
    }

    // Cells, one after another in the order of their ids: sums of floats depend on the order.
    for i in cells.neutrophils.in_id_order() {
        if cells.neutrophils.state[i] == IN_TISSUE {
            let voxel = voxel_of(grid, &cells.neutrophils, i);
            emission.damage[voxel] += (damage * p.neutrophil_damage * one_cell) as f32;
        }
    }
    for i in cells.macrophages.in_id_order() {
        let voxel = voxel_of(grid, &cells.macrophages, i);
        match cells.macrophages.state[i] {
            M1 => emission.cytokine[voxel] += (cytokine * p.m1_cytokine * one_cell) as f32,
            M2 => {
                emission.repair[voxel] += (repair * p.m2_repair * one_cell) as f32;
                emission.vegf[voxel] += (vegf * p.m2_vegf_ng_per_ml * one_cell) as f32;
            }
            _ => {}
        }
    }
    for i in cells.msc.in_id_order() {
        let voxel = voxel_of(grid, &cells.msc, i);
        let fold = match cells.msc.state[i] {
            INJECTED | ACTIVE | MSC_OSTEOGENIC => 1.0,
            LICENSED => p.msc_licensed_fold,
            _ => continue,
        };
        let soothing = arrows.msc_immune * p.msc_repair * fold * one_cell;
        let hypoxic = 1.0 + (p.msc_hypoxic_fold - 1.0) * hypoxia_response(p, f64::from(fields.oxygen[voxel]));
        let inflamed = math::hill(f64::from(fields.cytokine[voxel]), p.msc_vegf_cytokine_half, 2.0);
        let growth = arrows.msc_angio * p.msc_vegf_ng_per_ml * hypoxic * (1.0 - inflamed) * one_cell;
        emission.repair[voxel] += (repair * soothing) as f32;
        emission.vegf[voxel] += (vegf * growth) as f32;
    }

    // Supernatant on the surface: what it releases in this step, spread over the step.
    let (supernatant_mean, supernatant_left) = fading(now.hours, p.supernatant_h);
    for column in 0..cells.supernatant.len() {
        let stock = cells.supernatant[column];
        if stock > 0.0
            && let Some(voxel) = anatomy.surface_voxel(grid, column)
        {
            let level = arrows.msc_immune * f64::from(stock) * supernatant_mean / p.supernatant_h;
            emission.repair[voxel] += (repair * level) as f32;
            cells.supernatant[column] = fade(stock, supernatant_left);
        }
    }
}

fn voxel_of(grid: &Grid, movers: &Movers, i: usize) -> usize {
    grid.voxel_at(movers.place_um(i))
}

fn fade(x: f32, left: f64) -> f32 {
    let rest = (f64::from(x) * left) as f32;
    if rest < NOTHING { 0.0 } else { rest }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::cells::{DEAD_PRODUCT, M0};
    use crate::state::fixture_cells::{self, now};

    fn parameters() -> Parameters {
        fixture_cells::parameters("secretion")
    }

    fn secrete(tissue: &mut Tissue, arrows: &Arrows) {
        apply(&parameters(), arrows, tissue, now(100));
    }

    #[test]
    fn healthy_tissue_releases_nothing_but_its_resting_vegf() {
        let mut tissue = fixture_cells::section();
        secrete(&mut tissue, &Arrows::default());
        let e = &tissue.fields.emission;
        for field in [&e.damage, &e.cytokine, &e.repair] {
            assert!(field.iter().all(|&x| x == 0.0));
        }
        let rest = (0.1 * parameters().vegf_unit_per_h / 3600.0) as f32;
        assert!(e.vegf.iter().all(|&x| (x - rest).abs() < 1e-9));
    }

    #[test]
    fn fresh_necrosis_holds_damage_1_against_a_decay_of_1_02_percent_a_minute() {
        let mut tissue = fixture_cells::section();
        tissue.anatomy.kill(500, 100);
        let p = Parameters {
            debris_h: 1e9,
            ..parameters()
        };
        apply(&p, &Arrows::default(), &mut tissue, now(100));
        let level = f64::from(tissue.fields.emission.damage[500]) / (1.02e-2 / 60.0);
        assert!((level - 1.0).abs() < 1e-6);
    }

    #[test]
    fn a_dead_voxel_falls_silent_with_72_hours() {
        let mut tissue = fixture_cells::section();
        tissue.anatomy.kill(500, 0);
        for _ in 0..72 {
            secrete(&mut tissue, &Arrows::default());
        }
        assert!((f64::from(tissue.anatomy.debris[500]) - math::exp(-1.0)).abs() < 1e-4);
    }

    #[test]
    fn what_a_pulse_releases_does_not_depend_on_the_step() {
        let released = |hours: f64, steps: u64| {
            let mut tissue = fixture_cells::section();
            tissue.fields.reperfusion[7] = 0.3;
            let mut sum = 0.0;
            for step in 0..steps {
                let now = Now { hours, ..now(step) };
                apply(&parameters(), &Arrows::default(), &mut tissue, now);
                sum += f64::from(tissue.fields.emission.damage[7]) * hours * 3600.0;
            }
            sum
        };
        assert!((released(1.0, 4) / released(0.5, 8) - 1.0).abs() < 1e-5);
    }

    #[test]
    fn the_damage_loop_can_be_cut_and_scaled() {
        let level = |damp_loop: f64| {
            let mut tissue = fixture_cells::section();
            tissue.anatomy.kill(500, 100);
            let arrows = Arrows {
                damp_loop,
                ..Arrows::default()
            };
            secrete(&mut tissue, &arrows);
            tissue.fields.emission.damage[500]
        };
        assert_eq!(level(0.0), 0.0);
        assert!((level(0.5) / level(1.0) - 0.5).abs() < 1e-6);
    }

    #[test]
    fn only_m1_makes_cytokine_and_only_m2_soothes() {
        let mut tissue = fixture_cells::section();
        let at = |z: usize| tissue.grid.centre_um(15 + 30 * z);
        let places = [at(10), at(12), at(14)];
        for (i, state) in [M0, M1, M2].into_iter().enumerate() {
            tissue.cells.macrophages.push(i as u64, places[i], state);
        }
        secrete(&mut tissue, &Arrows::default());
        let e = &tissue.fields.emission;
        let sources = |f: &[f32]| (0..f.len()).filter(|&v| f[v] > 0.0).collect::<Vec<_>>();
        assert_eq!(sources(&e.cytokine), [15 + 30 * 12]);
        assert_eq!(sources(&e.repair), [15 + 30 * 14]);
        assert_eq!(sources(&e.damage), [0usize; 0]);
    }

    #[test]
    fn licensed_stem_cells_soothe_five_times_more_and_dead_product_not_at_all() {
        let soothing = |state: u8| {
            let mut tissue = fixture_cells::section();
            let place = tissue.grid.centre_um(400);
            tissue.cells.msc.push(1, place, state);
            secrete(&mut tissue, &Arrows::default());
            tissue.fields.emission.repair[400]
        };
        assert!((soothing(LICENSED) / soothing(ACTIVE) - 5.0).abs() < 1e-5);
        assert_eq!(soothing(DEAD_PRODUCT), 0.0);
    }

    #[test]
    fn hypoxic_tissue_makes_six_times_the_vegf_and_dead_tissue_none() {
        let mut tissue = fixture_cells::section();
        tissue.fields.oxygen[400] = 3.0;
        tissue.anatomy.kill(401, 1);
        secrete(&mut tissue, &Arrows::default());
        let v = &tissue.fields.emission.vegf;
        assert!((v[400] / v[402] - 6.0).abs() < 1e-4);
        assert_eq!(v[401], 0.0);
    }

    #[test]
    fn endothelium_in_dead_tissue_is_silent() {
        let mut tissue = fixture_cells::section();
        tissue.vessels.integrity.fill(0.1);
        let voxel = tissue.vessels.patch_voxel[30] as usize;
        tissue.anatomy.kill(voxel, 1);
        secrete(&mut tissue, &Arrows::default());
        assert_eq!(tissue.fields.emission.cytokine[voxel], 0.0);
        let other = tissue.vessels.patch_voxel[31] as usize;
        assert!(tissue.fields.emission.cytokine[other] > 0.0);
    }
}
