//! Endothelial injury and repair: patches of 25 µm are lost by chance, and their neighbours creep back over the gap.
//!
//! ```text
//! loss with hazard  κ [ a_P H(Pi; K_P, 4) + a_U U + a_C H(C; K_C, 2) + a_D H(D; K_D, 2) + a_M m + a_O 1(O < O*) ]  → E = 0
//! dE/dt = k_rep s(τ) (b + (1 − b) Ē) (1 + β_R R + β_V V) (1 − E)
//! s(τ) = s_min + (1 − s_min) · 1.09 · H(τ/τ_healthy; 0.3, 2)
//! ```
//!
//! | symbol  | meaning                                  | unit   | in code                        |
//! |---------|------------------------------------------|--------|--------------------------------|
//! | E       | integrity of a patch                     | 0-1    | `vessels.integrity`            |
//! | Ē       | mean integrity of the patches beside it  | 0-1    |                                |
//! | κ       | susceptibility of the patch              | –      | `vessels.susceptibility`       |
//! | Pi      | phosphate at the patch                   | mmol/L | `fields.phosphate`             |
//! | U       | uraemic toxins                           | 0-1    | `host.toxin`                   |
//! | C, D    | cytokine, damage                         | a.u.   | `fields.cytokine`, `.damage`   |
//! | m       | wall mineral                             | 0-1    | `vessels.mineral`              |
//! | O       | oxygen                                   | mmHg   | `fields.oxygen`                |
//! | τ       | wall shear, relative to t = 0            | –      | `vessels.shear_pa`             |
//! | R, V    | repair signal, VEGF                      | a.u., ng/mL | `fields.repair`, `.vegf`  |
//!
//! Reads flows and fields. Writes `vessels.integrity`. Dice: one draw per patch and step.
//! Source: phosphate kills endothelium within a day at 2.5 mmol/L in the dish (doi 10.1152/ajprenal.00003.2008); the rates of
//! life are lower by an order and assumed. We assume: loss by events and repair from the edges, so that a *run* of lost
//! patches, which decides clotting, is rare while single gaps are common.

use serde::Deserialize;

use crate::math;
use crate::par;
use crate::parameters::Arrows;
use crate::random::Purpose;
use crate::state::{Now, Tissue};

/// Numbers of injury and repair.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// a_P [1/h].
    pub phosphate_rate_per_h: f64,
    /// K_P [mmol/L].
    pub phosphate_half_mmol_per_l: f64,
    /// a_U [1/h].
    pub toxin_rate_per_h: f64,
    /// a_C [1/h].
    pub cytokine_rate_per_h: f64,
    /// K_C [a.u.].
    pub cytokine_half: f64,
    /// a_D [1/h].
    pub damage_rate_per_h: f64,
    /// K_D [a.u.].
    pub damage_half: f64,
    /// a_M [1/h at full wall mineral].
    pub mineral_rate_per_h: f64,
    /// a_O [1/h].
    pub hypoxia_rate_per_h: f64,
    /// O* [mmHg].
    pub hypoxia_mmhg: f64,
    /// k_rep [1/h].
    pub repair_rate_per_h: f64,
    /// b: repair without a neighbour, share.
    pub repair_alone: f64,
    /// s_min: repair without shear, share.
    pub repair_without_shear: f64,
    /// Relative shear at half protection.
    pub shear_half: f64,
    /// β_R.
    pub repair_by_signal: f64,
    /// β_V [1/(ng/mL)].
    pub repair_by_vegf: f64,
}

/// What a patch feels.
struct Around {
    phosphate: f64,
    toxin: f64,
    cytokine: f64,
    damage: f64,
    mineral: f64,
    oxygen: f64,
}

/// Hazard of losing a patch of susceptibility 1 [1/h].
fn loss_rate(p: &Parameters, arrows: &Arrows, a: &Around) -> f64 {
    let chemistry = p.phosphate_rate_per_h * math::hill(a.phosphate, p.phosphate_half_mmol_per_l, 4.0)
        + arrows.systemic_uraemia * p.toxin_rate_per_h * a.toxin;
    let signals = arrows.damp_loop
        * (p.cytokine_rate_per_h * math::hill(a.cytokine, p.cytokine_half, 2.0)
            + p.damage_rate_per_h * math::hill(a.damage, p.damage_half, 2.0));
    let wall = p.mineral_rate_per_h * a.mineral;
    let starved = if a.oxygen < p.hypoxia_mmhg {
        p.hypoxia_rate_per_h
    } else {
        0.0
    };
    arrows.ec_injury * (chemistry + signals + wall + starved)
}

/// More than [`loss_rate`] can be anywhere [1/h]: without mineral, and per mineral.
fn largest_loss_rate(p: &Parameters, arrows: &Arrows, toxin: f64) -> (f64, f64) {
    const ROUNDING: f64 = 1.0 + 1e-9;
    let chemistry = p.phosphate_rate_per_h + arrows.systemic_uraemia * p.toxin_rate_per_h * math::positive(toxin);
    let signals = arrows.damp_loop * (p.cytokine_rate_per_h + p.damage_rate_per_h);
    let most = arrows.ec_injury * (chemistry + signals + p.hypoxia_rate_per_h);
    (most * ROUNDING, arrows.ec_injury * p.mineral_rate_per_h * ROUNDING)
}

/// Share of the repair rate that shear leaves, relative to the segment's own healthy shear.
fn shear_protection(p: &Parameters, arrows: &Arrows, shear: f64, healthy: f64) -> f64 {
    // A link that hardly flowed in health has no shear to miss.
    if healthy < 0.02 {
        return 1.0;
    }
    let protected = math::unit(1.09 * math::hill(shear / healthy, p.shear_half, 2.0));
    let full = p.repair_without_shear + (1.0 - p.repair_without_shear) * protected;
    1.0 - arrows.shear * (1.0 - full)
}

/// Repair [1/h] of a patch whose neighbours have a mean integrity.
fn repair_rate(p: &Parameters, host: f64, shear: f64, neighbours: f64, signal: f64, vegf: f64) -> f64 {
    let edge = p.repair_alone + (1.0 - p.repair_alone) * neighbours;
    p.repair_rate_per_h * host * shear * edge * (1.0 + p.repair_by_signal * signal + p.repair_by_vegf * vegf)
}

/// Walks the rules over every patch; each reads the old integrity of its neighbours and writes itself.
pub(crate) fn apply(p: &Parameters, arrows: &Arrows, tissue: &mut Tissue, now: Now) {
    let Tissue {
        vessels: v,
        fields,
        host,
        site,
        ..
    } = tissue;
    let old = v.integrity.clone();
    let at_node = node_integrity(v, &old);
    let factor = host.profile.repair_factor * site.repair;
    let mut segment_of = vec![0u32; old.len()];
    let mut protection = Vec::with_capacity(v.len());
    for s in 0..v.len() {
        segment_of[v.patches(s)].fill(s as u32);
        protection.push(shear_protection(p, arrows, v.shear_pa[s], v.healthy_shear_pa[s]));
    }
    let mut integrity = std::mem::take(&mut v.integrity);
    let v = &*v;
    let (most, wall) = largest_loss_rate(p, arrows, host.toxin);
    par::each_mut(&mut integrity, |patch, e| {
        let s = segment_of[patch] as usize;
        let voxel = v.patch_voxel[patch] as usize;
        let mineral = v.mineral[s];
        let who = v.id[s] << 12 | (patch - v.first_patch[s] as usize) as u64;
        let draw = now.dice.uniform(Purpose::EndothelialLoss, who);
        let susceptibility = f64::from(v.susceptibility[patch]);
        // Nearly every draw lies above the most that could happen, and then nothing needs to be known of the place.
        if draw < susceptibility * (most + wall * mineral) * now.hours {
            let around = Around {
                phosphate: f64::from(fields.phosphate[voxel]),
                toxin: host.toxin,
                cytokine: f64::from(fields.cytokine[voxel]),
                damage: f64::from(fields.damage[voxel]),
                mineral,
                oxygen: f64::from(fields.oxygen[voxel]),
            };
            let hazard = susceptibility * loss_rate(p, arrows, &around);
            if draw < math::chance_of(hazard, now.hours) {
                *e = 0.0;
                return;
            }
        }
        if *e >= 1.0 {
            return;
        }
        let patches = v.patches(s);
        let before = if patch > patches.start {
            f64::from(old[patch - 1])
        } else {
            at_node[v.from[s] as usize]
        };
        let after = if patch + 1 < patches.end {
            f64::from(old[patch + 1])
        } else {
            at_node[v.to[s] as usize]
        };
        let rate = repair_rate(
            p,
            factor,
            protection[s],
            0.5 * (before + after),
            f64::from(fields.repair[voxel]),
            f64::from(fields.vegf[voxel]),
        );
        let healed = math::relax(f64::from(*e), 1.0, rate, now.hours);
        *e = if healed > 0.9999 { 1.0 } else { healed as f32 };
    });
    tissue.vessels.integrity = integrity;
}

/// Mean integrity of the patches that meet at each node.
fn node_integrity(v: &crate::state::Vessels, integrity: &[f32]) -> Vec<f64> {
    let mut sum = vec![(0.0f64, 0.0f64); v.nodes.id.len()];
    for s in 0..v.len() {
        let patches = v.patches(s);
        for (node, patch) in [(v.from[s], patches.start), (v.to[s], patches.end - 1)] {
            sum[node as usize].0 += f64::from(integrity[patch]);
            sum[node as usize].1 += 1.0;
        }
    }
    sum.into_iter()
        .map(|(total, n)| if n > 0.0 { total / n } else { 1.0 })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn p() -> Parameters {
        crate::parameters::Registry::embedded()
            .section("endothelium")
            .expect("registry section")
    }

    const REST: Around = Around {
        phosphate: 1.1,
        toxin: 0.0,
        cytokine: 0.0,
        damage: 0.0,
        mineral: 0.0,
        oxygen: 40.0,
    };

    #[test]
    fn health_loses_a_patch_in_months_and_uraemia_sooner() {
        let all = Arrows::default();
        let healthy = loss_rate(&p(), &all, &REST);
        assert!(healthy > 0.0 && 1.0 / healthy > 24.0 * 60.0, "{healthy}");
        let uraemic = loss_rate(
            &p(),
            &all,
            &Around {
                phosphate: 2.0,
                toxin: 1.0,
                ..REST
            },
        );
        assert!(uraemic > 3.0 * healthy);
    }

    #[test]
    fn a_switch_takes_its_arrow_away() {
        let hot = Around {
            cytokine: 1.0,
            damage: 1.0,
            ..REST
        };
        let quiet = Arrows {
            damp_loop: 0.0,
            ..Arrows::default()
        };
        assert_eq!(loss_rate(&p(), &quiet, &hot), loss_rate(&p(), &quiet, &REST));
        assert!(loss_rate(&p(), &Arrows::default(), &hot) > loss_rate(&p(), &quiet, &hot));
        assert_eq!(
            loss_rate(
                &p(),
                &Arrows {
                    ec_injury: 0.0,
                    ..Arrows::default()
                },
                &hot
            ),
            0.0
        );
    }

    #[test]
    fn normal_shear_protects_fully_and_no_shear_still_a_little() {
        let all = Arrows::default();
        assert!((shear_protection(&p(), &all, 2.0, 2.0) - 1.0).abs() < 0.01);
        assert!((shear_protection(&p(), &all, 0.0, 2.0) - p().repair_without_shear).abs() < 1e-12);
        assert_eq!(shear_protection(&p(), &Arrows { shear: 0.0, ..all }, 0.0, 2.0), 1.0);
    }
}
