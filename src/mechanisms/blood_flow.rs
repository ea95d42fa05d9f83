//! Blood flow: pressures and flows of the network, whatever segments are open.
//!
//! ```text
//! q = G Δp,   G = c D_eff⁴ (1 − Θ)² / (µ(D, H) L),   Σ_segments φ q = 0 at every inner node
//! ```
//!
//! | symbol | meaning                              | unit      | in code                     |
//! |--------|--------------------------------------|-----------|-----------------------------|
//! | q      | flow of the whole vessel             | nl/min    | `vessels.flow_nl_per_min`   |
//! | p      | pressure                             | mmHg      | `nodes.pressure_mmhg`       |
//! | D_eff  | bore left by mineral and neo-intima  | µm        | `bore_radius`               |
//! | Θ      | thrombus, share of the lumen         | 0-1       | `vessels.thrombus`          |
//! | µ      | apparent viscosity in vivo           | cP        | `viscosity_cp`              |
//! | H      | haematocrit                          | 0-1       | `vessels.haematocrit`       |
//! | φ      | share of the vessel inside the slab  | 0-1       | `vessels.slab_share`        |
//! | τ      | wall shear stress 4µq/(πr³)          | Pa        | `vessels.shear_pa`          |
//!
//! Reads wall mineral, neo-intima, thrombus, host pressure. Writes pressures, flows, shear. No dice.
//! Source: viscosity law of Pries et al. 1994 (Circ Res 75:904) as in Pries & Secomb 2005
//! (doi 10.1152/ajpheart.00297.2005). Conductance (1 − Θ)² with area × (1 − Θ): `science` of the model, assumed.
//! We assume: one haematocrit for all segments; rigid walls; a bore below 3 µm or a thrombus of 0.95 lets nothing through.

use serde::Deserialize;

use crate::math;
use crate::parameters::Arrows;
use crate::solve::graph;
use crate::solve::network_flow::rheology::{Blood, Law, POISEUILLE};
use crate::solve::sparse::{Factor, Symbolic};
use crate::state::vessels::Boundary;
use crate::state::{EventKind, Now, Tissue, Vessels};

/// Numbers of blood flow.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// Mean volume of a red cell [fL].
    pub mcv_fl: f64,
    /// Viscosity of plasma [cP].
    pub plasma_viscosity_cp: f64,
    /// Narrowest bore that lets red cells through, as diameter [µm].
    pub closing_diameter_um: f64,
    /// Thrombus at which nothing passes, 0-1.
    pub closing_thrombus: f64,
    /// Loss of radius by a fully mineralised wall, share of the healthy radius (w_M).
    pub mineral_narrowing: f64,
    /// Loss of radius by a full neo-intima, share of the healthy radius (w_F).
    pub neointima_narrowing: f64,
    /// Change of a conductance that makes a new solve necessary, relative.
    pub resolve_tolerance: f64,
}

/// Pa per (cP nl/min / µm³), for 4µq/(πr³).
const SHEAR: f64 = 4.0e-3 * 1e-12 / 60.0 / std::f64::consts::PI / 1e-18;

/// Apparent viscosity in vivo [cP] of blood of discharge haematocrit `h` in a vessel of diameter `d_um`.
pub fn viscosity_cp(p: &Parameters, d_um: f64, h: f64) -> f64 {
    let blood = Blood {
        law: Law::InVivo,
        mcv_fl: p.mcv_fl,
        plasma_viscosity_cp: p.plasma_viscosity_cp,
    };
    blood.viscosity_cp(d_um, h)
}

/// Radius of the bore that wall mineral and neo-intima leave [µm].
fn bore_radius(p: &Parameters, arrows: &Arrows, healthy_um: f64, mineral: f64, neointima: f64) -> f64 {
    let lost = arrows.stenosis * (p.mineral_narrowing * mineral + p.neointima_narrowing * neointima);
    healthy_um * math::positive(1.0 - lost)
}

/// Conductance of a segment [nl/min/mmHg]; 0 when it is closed.
fn conductance(p: &Parameters, arrows: &Arrows, v: &Vessels, s: usize, step: u64) -> f64 {
    let radius = bore_radius(p, arrows, v.radius_um[s], v.mineral[s], v.neointima[s]);
    let diameter = 2.0 * radius;
    if diameter < p.closing_diameter_um || v.thrombus[s] >= p.closing_thrombus || step < v.opens_at_step[s] {
        return 0.0;
    }
    let mu = viscosity_cp(p, diameter, v.haematocrit[s]);
    let lumen = math::square(1.0 - v.thrombus[s]);
    POISEUILLE * math::square(math::square(diameter)) * lumen / (mu * v.length_um[s])
}

/// Conductance of every segment [nl/min/mmHg].
pub fn conductances(p: &Parameters, arrows: &Arrows, v: &Vessels, step: u64) -> Vec<f64> {
    (0..v.len()).map(|s| conductance(p, arrows, v, s, step)).collect()
}

/// Work space of the flow solve: not part of the state.
#[derive(Clone, Debug, Default)]
pub struct Workspace {
    symbolic: Option<(Vec<[u32; 2]>, Symbolic)>,
}

/// Solves again when a conductance, the pressure or the graph changed.
pub(crate) fn apply(p: &Parameters, arrows: &Arrows, tissue: &mut Tissue, now: Now, work: &mut Workspace) {
    let v = &tissue.vessels;
    let fresh = conductances(p, arrows, v, now.step);
    let moved = (0..v.len()).any(|s| {
        let old = v.solved_conductance[s];
        (fresh[s] - old).abs() > p.resolve_tolerance * math::max(fresh[s], old)
    });
    let pressure_moved = (tissue.host.pressure_factor - tissue.vessels.solved_pressure_factor).abs() > 1e-9;
    if !moved && !pressure_moved {
        return;
    }
    let before: Vec<f64> = tissue.vessels.flow_nl_per_min.clone();
    solve(p, tissue, fresh, work);
    record_reversals(tissue, &before, now);
}

/// Sets flow, pressure and shear for the conductances given, and books the imbalance.
pub(crate) fn solve(p: &Parameters, tissue: &mut Tissue, conductance: Vec<f64>, work: &mut Workspace) {
    let Tissue {
        vessels: v,
        host,
        ledger,
        ..
    } = tissue;
    let nodes = v.nodes.id.len();
    let ends: Vec<[u32; 2]> = (0..v.len()).map(|s| [v.from[s], v.to[s]]).collect();
    let open: Vec<bool> = conductance.iter().map(|&g| g > 0.0).collect();
    let is_boundary: Vec<bool> = v.nodes.boundary.iter().map(|b| *b != Boundary::Inner).collect();
    let has_level: Vec<bool> = v
        .nodes
        .boundary
        .iter()
        .map(|b| matches!(b, Boundary::Pressure(_)))
        .collect();
    let carries = graph::flowing(&ends, &open, &is_boundary, &has_level);

    if work.symbolic.as_ref().is_none_or(|(known, _)| *known != ends) {
        work.symbolic = Some((ends.clone(), Symbolic::new(nodes, &ends)));
    }
    let Some((_, symbolic)) = work.symbolic.as_ref() else {
        return;
    };

    // Inner nodes: Σ φG (p − p_other) = inflow. Held nodes keep their pressure and leave the matrix.
    let weight: Vec<f64> = (0..v.len())
        .map(|s| {
            if carries[s] {
                v.slab_share[s] * conductance[s]
            } else {
                0.0
            }
        })
        .collect();
    let held: Vec<Option<f64>> = v
        .nodes
        .boundary
        .iter()
        .zip(&v.nodes.is_inlet)
        .map(|(b, &inlet)| match b {
            Boundary::Pressure(level) => Some(if inlet { level * host.pressure_factor } else { *level }),
            _ => None,
        })
        .collect();
    let mut diagonal = vec![0.0; nodes];
    let mut load: Vec<f64> = (0..nodes)
        .map(|n| {
            if let Boundary::Inflow(q) = v.nodes.boundary[n] {
                q
            } else {
                0.0
            }
        })
        .collect();
    let mut coupling = vec![0.0; v.len()];
    for s in 0..v.len() {
        let [a, b] = ends[s].map(|n| n as usize);
        for (here, other) in [(a, b), (b, a)] {
            diagonal[here] += weight[s];
            if let Some(level) = held[other] {
                load[here] += weight[s] * level;
            }
        }
        if held[a].is_none() && held[b].is_none() {
            coupling[s] = weight[s];
        }
    }
    for n in 0..nodes {
        if diagonal[n] <= 0.0 || held[n].is_some() {
            (diagonal[n], load[n]) = (1.0, held[n].unwrap_or(0.0));
        }
    }
    let Some(factor) = Factor::new(symbolic, &diagonal, &coupling) else {
        return;
    };
    let mut pressure = factor.solve(symbolic, &load);
    // One step of refinement: conductances span eight orders of magnitude.
    let mut rest: Vec<f64> = (0..nodes).map(|n| load[n] - diagonal[n] * pressure[n]).collect();
    for s in 0..v.len() {
        let [a, b] = ends[s].map(|n| n as usize);
        rest[a] += coupling[s] * pressure[b];
        rest[b] += coupling[s] * pressure[a];
    }
    for (p, correction) in pressure.iter_mut().zip(factor.solve(symbolic, &rest)) {
        *p += correction;
    }

    let mut touched = vec![false; nodes];
    for s in 0..v.len() {
        let [a, b] = ends[s].map(|n| n as usize);
        let q = if carries[s] {
            conductance[s] * (pressure[a] - pressure[b])
        } else {
            0.0
        };
        v.flow_nl_per_min[s] = q;
        let bore = bore_from_conductance(p, conductance[s], v.length_um[s], v.radius_um[s], v.haematocrit[s]);
        v.shear_pa[s] = if carries[s] {
            SHEAR * viscosity_cp(p, 2.0 * bore, v.haematocrit[s]) * q.abs() / (bore * bore * bore)
        } else {
            0.0
        };
        touched[a] |= carries[s];
        touched[b] |= carries[s];
    }
    for n in 0..nodes {
        v.nodes.pressure_mmhg[n] = if touched[n] { pressure[n] } else { 0.0 };
    }
    v.solved_conductance = conductance;
    v.solved_pressure_factor = host.pressure_factor;
    ledger.flow_solves += 1;
    ledger.flow_gap = imbalance(v);
}

/// Radius that carries the conductance at the viscosity of the healthy bore [µm]; the healthy one when closed.
fn bore_from_conductance(p: &Parameters, g: f64, length_um: f64, healthy_um: f64, h: f64) -> f64 {
    if g <= 0.0 {
        return healthy_um;
    }
    let mu = viscosity_cp(p, 2.0 * healthy_um, h);
    math::pow(g * mu * length_um / POISEUILLE, 0.25) / 2.0
}

/// Largest |Σ φq| over inner nodes as a share of the whole inflow.
pub fn imbalance(v: &Vessels) -> f64 {
    let mut sum = vec![0.0; v.nodes.id.len()];
    for s in 0..v.len() {
        let q = v.slab_share[s] * v.flow_nl_per_min[s];
        sum[v.from[s] as usize] -= q;
        sum[v.to[s] as usize] += q;
    }
    let inflow = (0..sum.len()).fold(0.0, |total, n| {
        total
            + if v.nodes.boundary[n] == Boundary::Inner {
                0.0
            } else {
                math::positive(-sum[n])
            }
    });
    let worst = (0..sum.len()).fold(0.0, |worst, n| {
        if v.nodes.boundary[n] == Boundary::Inner {
            math::max(worst, sum[n].abs())
        } else {
            worst
        }
    });
    if inflow > 0.0 { worst / inflow } else { 0.0 }
}

fn record_reversals(tissue: &mut Tissue, before: &[f64], now: Now) {
    let Tissue { vessels: v, events, .. } = tissue;
    for s in 0..v.len() {
        let (old, new) = (before[s], v.flow_nl_per_min[s]);
        // A link that hardly flowed in health flips for nothing: report only a tenth of the healthy flow or more.
        if old * new < 0.0
            && new.abs() > 0.1 * v.healthy_flow_nl_per_min[s]
            && old.abs() > 0.1 * v.healthy_flow_nl_per_min[s]
        {
            let cause = events.latest_closure;
            let entity = format!("segment:{}", v.id[s]);
            events.add(
                now.step,
                EventKind::Reversal,
                entity,
                v.middle_um(s),
                cause,
                &[("flow_nl_per_min", new)],
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn human() -> Parameters {
        Parameters {
            mcv_fl: 92.0,
            plasma_viscosity_cp: 1.0466,
            closing_diameter_um: 3.0,
            closing_thrombus: 0.95,
            mineral_narrowing: 0.5,
            neointima_narrowing: 0.3,
            resolve_tolerance: 0.01,
        }
    }

    /// Check values of the law (µm, µ over that of plasma at H 0.2, at H 0.45), computed from the published constants.
    #[test]
    fn viscosity_follows_the_published_law() {
        for (d, at_02, at_045) in [
            (4.0, 8.921562, 17.696482),
            (6.0, 5.250770, 10.011561),
            (8.0, 3.588058, 7.307301),
            (10.0, 2.651410, 5.872438),
            (20.0, 1.761742, 3.231084),
            (40.0, 1.453586, 2.313670),
            (100.0, 1.503257, 2.531539),
        ] {
            let over_plasma = |h: f64| viscosity_cp(&human(), d, h) / human().plasma_viscosity_cp;
            assert!((over_plasma(0.2) - at_02).abs() < 1e-6);
            assert!((over_plasma(0.45) - at_045).abs() < 1e-6);
        }
    }
}
