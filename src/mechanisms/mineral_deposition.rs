//! Mineral deposition: nuclei form where the wall is exposed, mineral grows on them where inhibitors fail.
//!
//! ```text
//! dM/dt = k_g·f·w·S²·(1 − I)/(1 + T/K_T)·N·(M + m0)^⅔·(1 − M) − k_d·(1 + T/K_D)·M         wall of a segment
//! S     = max(0, Ca·P/K_g − 1)                                                            growth threshold
//! dN/dt = (1 − N)·(1 − I)/N_s·[ ν·osteo·O + passive·(ν_E·(1 − E) + ν_S·max(0, Ca·P/K_n − 1)) ] − k_c·E·N
//! ```
//!
//! In the interstitium N is the crystals' own, M/(M + m0), M is bounded by the membranes' share M_max instead of 1, and nuclei
//! appear on the membranes of calcifying (adipo) and dead (passive) fat cells: + (1 − I)·S·ν_f.
//!
//! | symbol      | meaning                                                   | unit    | in code                          |
//! |-------------|-----------------------------------------------------------|---------|----------------------------------|
//! | M           | mineral of the wall, 1 = full; of a voxel, 1 = solid      | 0-1     | `vessels.mineral`, `fields.mineral` |
//! | N           | active nuclei of the wall                                 | 0-1     | `vessels.nidus`                  |
//! | k_g, k_d    | growth, dissolution                                       | 1/d     | `growth_rate_per_d`, `dissolution_rate_per_d` |
//! | f           | spread of sites and branches                              | -       | `site.mineral`, `vessels.mineral_factor` |
//! | w           | passive + (1 − passive)·osteo·(share of cells ever switched) | -    | `own_growth`                     |
//! | Ca, P       | local ionised calcium and phosphate                       | mmol/L  | `Ions`, `fields.phosphate`       |
//! | J           | phosphate that growing mineral takes                      | mmol/L/s | `fields.uptake`                 |
//! | K_g, K_n    | products at which crystals grow, at which they nucleate   | mM²     | `growth_product_mm2`, `nucleation_product_mm2` |
//! | I           | local inhibition                                          | 0-1     | `fields.inhibitor`               |
//! | O           | share of mural cells that are osteogenic now              | 0-1     | `cells.mural.state`              |
//! | E           | endothelial integrity                                     | 0-1     | `vessels.integrity`              |
//! | T, K_T, K_D | thiosulfate; halves growth, doubles dissolution           | mmol/L  | `thiosulfate_*`                  |
//! | ν, N_s      | nuclei per osteogenic, denuded, supersaturated wall; nuclei of a full wall | 1/d, - | `nuclei_*`      |
//! | k_c         | sealing of nuclei by an intact endothelium                | 1/d     | `nidus_sealing_per_d`            |
//!
//! Mineral takes its ions from the tissue round it. Blood replaces them at once where it flows; elsewhere they must diffuse there, and growth
//! ends where Ca·P falls to K_g: so what is dead calcifies from its edge inwards. What is taken goes to `transport` as a tangent,
//!
//! ```text
//! taken(P) ≈ J(P₀) + J'(P₀)·(P − P₀)      of phosphate; calcium falls with it, 5 of one for 3 of the other
//! ```
//!
//! anew every `uptake_every_h`. J is convex, so that the tangents lead down to the answer and never past it.
//!
//! Two thresholds: with Ca·P between K_g and K_n nothing starts by itself, but a nidus grows when inhibitors fail. So
//! non-uraemic disease is possible and health stays clean.
//!
//! Reads the above. Writes `vessels.nidus`, `vessels.mineral`, `fields.mineral`, `fields.uptake`, the mineral books (every change is booked
//! where it happens). No dice. Exact relaxation towards gain/(gain + loss): no step is too long, M stays in 0..1.
//!
//! Source: law biology section 4.1 (second order in S: seeded growth; doi 10.1097/MNH.0000000000000609,
//! doi 10.3389/fcell.2021.633465 for saturation of body fluid); intimal deposits of pure apatite PMC6624803.
//! We assume: K_g, K_n, every ν; dissolution runs also above saturation (it is done by cells); sealed nuclei do not wake; calcium and phosphate
//! diffuse alike (790 and 720 µm²/s in water would do; we have one field); protein-bound calcium does not buffer.

use serde::Deserialize;

use crate::math;
use crate::parameters::Arrows;
use crate::state::anatomy::NONE;
use crate::state::cells::{CONTRACTILE, OSTEOGENIC};
use crate::state::fields::PhosphateUptake;
use crate::state::ledger::{voxel_capacity_ug, wall_capacity_ug};
use crate::state::{Cells, Fields, Host, Now, Tissue, Vessels};

/// Registry section `mineral`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// k_g: growth on an existing nidus [1/d].
    pub growth_rate_per_d: f64,
    /// m0: surface of the first crystals, as mineral.
    pub first_surface: f64,
    /// K_g: calcium-phosphate product above which crystals grow [mmol²/L²].
    pub growth_product_mm2: f64,
    /// K_n: product above which crystals nucleate by themselves [mmol²/L²].
    pub nucleation_product_mm2: f64,
    /// k_d: dissolution [1/d].
    pub dissolution_rate_per_d: f64,
    /// K_D: thiosulfate that doubles dissolution [mmol/L].
    pub thiosulfate_dissolution_mmol_per_l: f64,
    /// K_T: thiosulfate that halves growth [mmol/L].
    pub thiosulfate_growth_mmol_per_l: f64,
    /// ν: nuclei of a wall whose mural cells are all osteogenic [1/d].
    pub nuclei_osteogenic_per_d: f64,
    /// ν_E: nuclei of a denuded wall [1/d].
    pub nuclei_denuded_per_d: f64,
    /// ν_S: nuclei of any wall per unit of relative supersaturation above K_n [1/d].
    pub nuclei_supersaturated_per_d: f64,
    /// N_s: nuclei of a wall that is full of them.
    pub nuclei_full: f64,
    /// k_c: sealing of nuclei under an intact endothelium [1/d].
    pub nidus_sealing_per_d: f64,
    /// w_M: thickness of the wall that mineral can fill, share of the radius.
    pub wall_share: f64,
    /// M_max: mineral that membranes of a voxel can carry, share of solid.
    pub interstitial_max: f64,
    /// ν_f: first crystals on fat membranes without inhibition, per unit of S [share of solid/d].
    pub fat_nucleation_per_d: f64,
    /// Added dissolution by one macrophage in the voxel, in multiples of k_d.
    pub macrophage_dissolution: f64,
    /// Time between two looks at what growing mineral takes from the tissue [h].
    pub uptake_every_h: f64,
}

/// Ions of the tissue. Where phosphate is below that of plasma, mineral took it, and 5 calcium for 3 of it.
#[derive(Clone, Copy)]
struct Ions {
    /// Ionised calcium of plasma [mmol/L].
    calcium: f64,
    /// Phosphate of plasma [mmol/L].
    phosphate: f64,
}

/// Calcium for each phosphate of hydroxyapatite.
const CALCIUM_PER_PHOSPHATE: f64 = 5.0 / 3.0;
/// Phosphate of solid hydroxyapatite [mmol/L]: 31 mol of calcium per litre.
const PHOSPHATE_OF_SOLID: f64 = 31e3 / CALCIUM_PER_PHOSPHATE;

impl Ions {
    fn of(host: &Host) -> Self {
        Self {
            calcium: host.calcium,
            phosphate: host.phosphate,
        }
    }

    /// Product of calcium and phosphate where phosphate is as given [mmol²/L²], and its slope by phosphate [mmol/L].
    fn product(self, phosphate: f64) -> (f64, f64) {
        let taken = CALCIUM_PER_PHOSPHATE * math::positive(self.phosphate - phosphate);
        let calcium = math::positive(self.calcium - taken);
        let falls = if taken > 0.0 && calcium > 0.0 {
            CALCIUM_PER_PHOSPHATE
        } else {
            0.0
        };
        (calcium * phosphate, calcium + falls * phosphate)
    }
}

/// S: supersaturation for growth.
fn supersaturation(p: &Parameters, product: f64) -> f64 {
    math::positive(product / p.growth_product_mm2 - 1.0)
}

/// Excess over the nucleation threshold.
fn nucleation_excess(p: &Parameters, product: f64) -> f64 {
    math::positive(product / p.nucleation_product_mm2 - 1.0)
}

/// Growth on bare nuclei, per free place and per unit of surface [1/d].
fn drive(p: &Parameters, product: f64, inhibition: f64, thiosulfate: f64) -> f64 {
    let s = supersaturation(p, product);
    p.growth_rate_per_d * s * s * math::positive(1.0 - inhibition)
        / (1.0 + thiosulfate / p.thiosulfate_growth_mmol_per_l)
}

/// What mineral takes from the tissue, as a tangent by phosphate, relative to plasma.
struct Uptake<'a> {
    p: &'a Parameters,
    ions: Ions,
    fields: &'a mut PhosphateUptake,
}

impl Uptake<'_> {
    /// Books growth at a voxel: of `linear` that goes by S and of `square` that goes by S² [share of the voxel's solid/d].
    fn book(&mut self, voxel: usize, phosphate: f64, linear: f64, square: f64) {
        let (product, slope) = self.ions.product(phosphate);
        let s = supersaturation(self.p, product);
        if s <= 0.0 {
            return;
        }
        let steep = slope / (self.p.growth_product_mm2 * s);
        let to_mmol_per_l_s = PHOSPHATE_OF_SOLID / 86_400.0;
        let taken = (linear + square) * to_mmol_per_l_s;
        let tangent = (linear + 2.0 * square) * steep * to_mmol_per_l_s;
        self.fields.sink_per_s[voxel] += tangent as f32;
        self.fields.source_per_s[voxel] += ((tangent * phosphate - taken) / self.ions.phosphate) as f32;
    }
}

/// Mineral after some days: gain per day on what is free of `full`, loss per day of what is there; exact for constant rates.
fn grown(mineral: f64, full: f64, gain_per_d: f64, loss_per_d: f64, days: f64) -> f64 {
    let gain = gain_per_d / full;
    let rate = gain + loss_per_d;
    if rate <= 0.0 {
        return mineral;
    }
    math::relax(mineral, full * gain / rate, rate, days)
}

/// m to the power ⅔: the surface of what is there.
fn surface(mineral: f64) -> f64 {
    math::square(math::cbrt(mineral))
}

/// Nuclei after some days.
fn nucleated(nidus: f64, gain_per_d: f64, loss_per_d: f64, days: f64) -> f64 {
    math::unit(grown(nidus, 1.0, gain_per_d, loss_per_d, days))
}

/// Growth that does not need what is switched off: with `passive` on all of it, else the part that bone-like cells carry.
fn own_growth(passive: f64, with_cells: f64) -> f64 {
    passive + math::positive(1.0 - passive) * with_cells
}

/// Mural cells of each segment: share that is osteogenic now, share that ever switched.
fn bone_like(cells: &Cells, segments: usize) -> (Vec<f64>, Vec<f64>) {
    let (mut all, mut now, mut ever) = (vec![0.0; segments], vec![0.0; segments], vec![0.0; segments]);
    let mural = &cells.mural;
    for (&segment, &state) in mural.segment.iter().zip(&mural.state) {
        let s = segment as usize;
        all[s] += 1.0;
        now[s] += if state == OSTEOGENIC { 1.0 } else { 0.0 };
        ever[s] += if state == CONTRACTILE { 0.0 } else { 1.0 };
    }
    for s in 0..segments {
        if all[s] > 0.0 {
            now[s] /= all[s];
            ever[s] /= all[s];
        }
    }
    (now, ever)
}

/// Length-weighted mean of a field along a segment.
fn along(vessels: &Vessels, segment: usize, field: &[f32]) -> f64 {
    let (mut sum, mut length) = (0.0, 0.0);
    for piece in vessels.pieces(segment) {
        let um = vessels.piece_um[piece];
        sum += um * f64::from(field[vessels.piece_voxel[piece] as usize]);
        length += um;
    }
    if length > 0.0 { sum / length } else { 0.0 }
}

/// Walls, then interstitium.
pub(crate) fn apply(p: &Parameters, arrows: &Arrows, tissue: &mut Tissue, now: Now) {
    let days = now.hours / 24.0;
    // What was taken is read anew in the step that begins a new span, so that the length of steps does not matter.
    let spans = |step: u64| (step as f64 * now.hours / p.uptake_every_h).floor();
    let mut taken = std::mem::take(&mut tissue.fields.uptake);
    let is_due = now.step == 0 || spans(now.step) > spans(now.step - 1);
    if is_due {
        taken.clear(tissue.grid.len());
    }
    let ions = Ions::of(&tissue.host);
    let mut uptake = is_due.then_some(Uptake {
        p,
        ions,
        fields: &mut taken,
    });
    grow_in_walls(p, arrows, tissue, &mut uptake, days);
    grow_in_interstitium(p, arrows, tissue, &mut uptake, days);
    taken.shrink();
    tissue.fields.uptake = taken;
}

fn grow_in_walls(p: &Parameters, arrows: &Arrows, tissue: &mut Tissue, uptake: &mut Option<Uptake>, days: f64) {
    let voxel_ug = voxel_capacity_ug(&tissue.grid);
    let Tissue {
        host,
        site,
        fields,
        vessels,
        cells,
        ledger,
        ..
    } = tissue;
    let ions = Ions::of(host);
    let (osteogenic, ever) = bone_like(cells, vessels.len());
    let depot = &cells.thiosulfate_depot;
    for s in 0..vessels.len() {
        let phosphate = along(vessels, s, &fields.phosphate);
        let product = ions.product(phosphate).0;
        let inhibition = along(vessels, s, &fields.inhibitor);
        let integrity = vessels.mean_integrity(s);
        let mut thiosulfate = host.thiosulfate;
        if !depot.is_empty() {
            thiosulfate += along(vessels, s, depot);
        }

        let passive = arrows.passive_mineral
            * (p.nuclei_denuded_per_d * math::positive(1.0 - integrity)
                + p.nuclei_supersaturated_per_d * nucleation_excess(p, product));
        let by_cells = arrows.osteo * p.nuclei_osteogenic_per_d * osteogenic[s];
        let nuclei = math::positive(1.0 - inhibition) * (passive + by_cells) / p.nuclei_full;
        let sealing = p.nidus_sealing_per_d * integrity;
        vessels.nidus[s] = nucleated(vessels.nidus[s], nuclei, sealing, days);

        let old = vessels.mineral[s];
        let gain = drive(p, product, inhibition, thiosulfate)
            * own_growth(arrows.passive_mineral, arrows.osteo * ever[s])
            * site.mineral
            * vessels.mineral_factor[s]
            * vessels.nidus[s]
            * surface(old + p.first_surface);
        let loss = p.dissolution_rate_per_d * (1.0 + thiosulfate / p.thiosulfate_dissolution_mmol_per_l);
        let mut new = math::unit(grown(old, 1.0, gain, loss, days));
        if new < 1e-30 {
            new = 0.0;
        }
        if new == old {
            continue;
        }
        vessels.mineral[s] = new;
        let capacity = wall_capacity_ug(vessels, s, p.wall_share);
        ledger.mineral_ug.book((new - old) * capacity);
        if let Some(uptake) = uptake
            && gain > 0.0
            && !vessels.is_perfused(s)
        {
            let grows = gain * (1.0 - new) * capacity / (voxel_ug * vessels.length_um[s]);
            for piece in vessels.pieces(s) {
                let voxel = vessels.piece_voxel[piece] as usize;
                uptake.book(voxel, phosphate, 0.0, grows * vessels.piece_um[piece]);
            }
        }
    }
}

fn grow_in_interstitium(p: &Parameters, arrows: &Arrows, tissue: &mut Tissue, uptake: &mut Option<Uptake>, days: f64) {
    let capacity = voxel_capacity_ug(&tissue.grid);
    let macrophages = macrophages_by_voxel(tissue);
    let Tissue {
        host,
        site,
        anatomy,
        fields,
        cells,
        ledger,
        ..
    } = tissue;
    let Fields {
        mineral,
        phosphate,
        inhibitor,
        ..
    } = fields;
    let ions = Ions::of(host);
    let fat = &cells.adipocytes;
    let depot = &cells.thiosulfate_depot;
    let fat_opens = fat.calcifying.iter().chain(&fat.dead).any(|&flag| flag != 0);
    for (voxel, share) in mineral.iter_mut().enumerate() {
        if *share == 0.0 && !fat_opens {
            continue;
        }
        let cell = anatomy.adipocyte[voxel];
        let (calcifying, dead) = match cell {
            NONE => (false, false),
            cell => (fat.calcifying[cell as usize] != 0, fat.dead[cell as usize] != 0),
        };
        let opens = arrows.adipo * f64::from(u8::from(calcifying)) + arrows.passive_mineral * f64::from(u8::from(dead));
        if *share == 0.0 && opens <= 0.0 {
            continue;
        }
        let old = f64::from(*share);
        let local = f64::from(phosphate[voxel]);
        let product = ions.product(local).0;
        let inhibition = f64::from(inhibitor[voxel]);
        let mut thiosulfate = host.thiosulfate;
        if !depot.is_empty() {
            thiosulfate += f64::from(depot[voxel]);
        }
        let first = opens * p.fat_nucleation_per_d * supersaturation(p, product) * math::positive(1.0 - inhibition);
        let own = old / (old + p.first_surface);
        let with_cells = arrows.adipo * f64::from(u8::from(calcifying));
        let on_crystals = drive(p, product, inhibition, thiosulfate)
            * own_growth(arrows.passive_mineral, with_cells)
            * site.mineral
            * own
            * surface(old + p.first_surface);
        let eaters = macrophages.get(voxel).map_or(0.0, |&n| f64::from(n));
        let loss = p.dissolution_rate_per_d
            * (1.0 + thiosulfate / p.thiosulfate_dissolution_mmol_per_l + p.macrophage_dissolution * eaters);
        // What lies above the membranes' share (a challenge) does not grow and only dissolves.
        let new = if old < p.interstitial_max {
            let free = 1.0 - old / p.interstitial_max;
            if let Some(uptake) = uptake {
                uptake.book(voxel, local, first * free, on_crystals * free);
            }
            grown(old, p.interstitial_max, first + on_crystals, loss, days)
        } else {
            grown(old, 1.0, 0.0, loss, days)
        };
        let new = if new < 1e-30 { 0.0 } else { new as f32 };
        if new != *share {
            ledger.mineral_ug.book((f64::from(new) - old) * capacity);
            *share = new;
        }
    }
}

/// Macrophages in each voxel; empty when there is none.
fn macrophages_by_voxel(tissue: &Tissue) -> Vec<u16> {
    let cells = &tissue.cells.macrophages;
    if cells.is_empty() {
        return Vec::new();
    }
    let mut counts = vec![0u16; tissue.grid.len()];
    for i in 0..cells.len() {
        let voxel = tissue.grid.voxel_at(cells.place_um(i));
        counts[voxel] = counts[voxel].saturating_add(1);
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::Profile;
    use crate::state::fixture;
    use crate::state::ledger::mineral_inventory_ug;

    fn parameters() -> Parameters {
        fixture::defaults("mineral")
    }

    fn tissue(profile: Profile, inhibition: f32) -> Tissue {
        let mut tissue = fixture::tissue(profile);
        tissue.fields.inhibitor = vec![inhibition; tissue.grid.len()];
        tissue
    }

    fn run(tissue: &mut Tissue, arrows: &Arrows, days: u64, hours: f64) {
        let steps = (days as f64 * 24.0 / hours).round() as u64;
        for step in 0..steps {
            apply(&parameters(), arrows, tissue, fixture::now(step, hours));
        }
    }

    #[test]
    fn what_mineral_takes_is_booked_as_the_tangent_of_its_law() {
        let p = parameters();
        let ions = Ions {
            calcium: 1.2,
            phosphate: 2.0,
        };
        let square = 0.01;
        let taken = |phosphate: f64| {
            let s = supersaturation(&p, ions.product(phosphate).0);
            square * s * s / math::square(supersaturation(&p, ions.product(1.7).0)) * PHOSPHATE_OF_SOLID / 86_400.0
        };
        let mut fields = PhosphateUptake::default();
        fields.clear(1);
        let mut uptake = Uptake {
            p: &p,
            ions,
            fields: &mut fields,
        };
        uptake.book(0, 1.7, 0.0, square);
        let (slope, less) = (f64::from(fields.sink_per_s[0]), f64::from(fields.source_per_s[0]));
        let line = |phosphate: f64| slope * phosphate - less * ions.phosphate;
        assert!((line(1.7) / taken(1.7) - 1.0).abs() < 1e-5);
        let by_difference = (taken(1.701) - taken(1.699)) / 0.002;
        assert!((slope / by_difference - 1.0).abs() < 1e-3, "{slope} {by_difference}");
        // Calcium ends before phosphate: 0.72 mmol/L of phosphate take 1.2 of calcium.
        assert_eq!(ions.product(1.2).0, 0.0);
    }

    #[test]
    fn a_healthy_wall_stays_clean_for_a_year_also_when_it_is_a_little_worn() {
        let mut tissue = tissue(fixture::healthy(), 0.977);
        tissue.vessels.integrity.fill(0.97);
        run(&mut tissue, &Arrows::default(), 365, 1.0);
        assert!(tissue.vessels.mineral.iter().all(|&m| m < 0.001));
        assert!(tissue.fields.mineral.iter().all(|&m| m == 0.0));
    }

    #[test]
    fn at_normal_chemistry_a_nidus_grows_when_inhibitors_fail_and_stops_when_they_return() {
        let mut open = tissue(fixture::healthy(), 0.5);
        open.vessels.nidus[0] = 0.5;
        run(&mut open, &Arrows::default(), 60, 1.0);
        assert!(open.vessels.mineral[0] > 0.05, "{}", open.vessels.mineral[0]);
        assert!(open.vessels.mineral[1] < 1e-6, "no nidus, no mineral");
        open.fields.inhibitor.fill(1.0);
        let before = open.vessels.mineral[0];
        run(&mut open, &Arrows::default(), 60, 1.0);
        assert!(open.vessels.mineral[0] <= before);
    }

    #[test]
    fn nothing_grows_below_the_growth_product() {
        let p = parameters();
        assert_eq!(drive(&p, 1.2 * 0.6, 0.0, 0.0), 0.0);
        assert!(drive(&p, 1.2 * 0.7, 0.0, 0.0) > 0.0);
        assert_eq!(nucleation_excess(&p, 1.2 * 1.5), 0.0);
        assert!(nucleation_excess(&p, 1.2 * 1.7) > 0.0);
    }

    #[test]
    fn full_inhibition_is_no_growth_and_no_nuclei() {
        let mut tissue = tissue(fixture::uraemic(), 1.0);
        tissue.vessels.integrity.fill(0.0);
        run(&mut tissue, &Arrows::default(), 30, 1.0);
        assert!(tissue.vessels.mineral.iter().all(|&m| m == 0.0));
        assert!(tissue.vessels.nidus.iter().all(|&n| n == 0.0));
    }

    #[test]
    fn without_passive_mineral_only_walls_with_bone_like_cells_grow() {
        let arrows = Arrows {
            passive_mineral: 0.0,
            ..Arrows::default()
        };
        let mut tissue = tissue(fixture::uraemic(), 0.9);
        tissue.vessels.integrity.fill(0.3);
        tissue.cells.mural.state[0..5].fill(OSTEOGENIC);
        run(&mut tissue, &arrows, 120, 1.0);
        assert!(tissue.vessels.mineral[0] > 0.0);
        assert_eq!(tissue.vessels.mineral[1], 0.0);
        let neither = Arrows { osteo: 0.0, ..arrows };
        let mut none = fixture::tissue(fixture::uraemic());
        none.cells.mural.state.fill(OSTEOGENIC);
        none.vessels.nidus.fill(0.5);
        run(&mut none, &neither, 30, 1.0);
        assert!(none.vessels.mineral.iter().all(|&m| m == 0.0));
    }

    #[test]
    fn thiosulfate_slows_growth_and_dissolves_slowly() {
        let p = parameters();
        assert!(drive(&p, 1.2 * 2.2, 0.9, 2.0) < drive(&p, 1.2 * 2.2, 0.9, 0.0));
        let mut with = tissue(fixture::healthy(), 1.0);
        with.vessels.mineral[0] = 0.5;
        let mut without = with.clone();
        with.host.thiosulfate = 2.0;
        run(&mut with, &Arrows::default(), 100, 1.0);
        run(&mut without, &Arrows::default(), 100, 1.0);
        let kd = p.dissolution_rate_per_d;
        assert!((without.vessels.mineral[0] - 0.5 * math::exp(-100.0 * kd)).abs() < 1e-9);
        assert!((with.vessels.mineral[0] - 0.5 * math::exp(-200.0 * kd)).abs() < 1e-9);
    }

    #[test]
    fn what_is_booked_is_what_is_there() {
        let mut tissue = tissue(fixture::uraemic(), 0.8);
        tissue.vessels.integrity.fill(0.2);
        tissue.vessels.mineral[1] = 0.3;
        tissue.cells.adipocytes.calcifying[0] = 1;
        tissue.cells.adipocytes.dead[1] = 1;
        tissue.cells.macrophages.push(9, [130.0, 10.0, 290.0], 1);
        let share = parameters().wall_share;
        let inventory = |t: &Tissue| mineral_inventory_ug(&t.grid, &t.vessels, &t.fields.mineral, share);
        tissue.ledger.mineral_ug.close(inventory(&tissue));
        run(&mut tissue, &Arrows::default(), 90, 1.0);
        let there = inventory(&tissue);
        assert!(tissue.vessels.mineral[0] > 0.01);
        assert!(tissue.fields.mineral.iter().any(|&m| m > 1e-6));
        assert!(tissue.ledger.mineral_ug.gap(there).abs() < 1e-9 * there);
    }

    #[test]
    fn mineral_stays_between_nothing_and_full_at_absurd_rates_and_long_steps() {
        let mut tissue = tissue(fixture::uraemic(), 0.0);
        tissue.host.calcium = 50.0;
        tissue.vessels.nidus.fill(1.0);
        tissue.site.mineral = 1e6;
        run(&mut tissue, &Arrows::default(), 30, 24.0);
        assert!(tissue.vessels.mineral.iter().all(|m| (0.0..=1.0).contains(m)));
    }

    #[test]
    fn ten_minutes_and_an_hour_give_the_same_wall() {
        let mut coarse = tissue(fixture::uraemic(), 0.9);
        coarse.vessels.integrity.fill(0.3);
        let mut fine = coarse.clone();
        run(&mut coarse, &Arrows::default(), 60, 1.0);
        run(&mut fine, &Arrows::default(), 60, 1.0 / 6.0);
        let (a, b) = (coarse.vessels.mineral[0], fine.vessels.mineral[0]);
        assert!(a > 0.001 && (a - b).abs() < 0.01 * a, "{a} {b}");
    }

    #[test]
    fn a_bruise_that_heals_seals_its_nidus() {
        let mut tissue = tissue(fixture::healthy(), 0.977);
        tissue.vessels.nidus[0] = 0.05;
        run(&mut tissue, &Arrows::default(), 365, 1.0);
        assert!(tissue.vessels.nidus[0] < 0.01);
        assert!(tissue.vessels.mineral[0] < 0.01);
    }
}
