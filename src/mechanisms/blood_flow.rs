//! Blood flow: pressures, flows and red cells of the network, whatever segments are open.
//!
//! ```text
//! q = c D⁴ Δp / (µ(D, H) L),   Σ φ q = 0 and Σ φ q H = 0 at every inner node,   D = 2 r_bore √(1 − Θ)
//! ```
//!
//! | symbol | meaning                                      | unit      | in code                     |
//! |--------|----------------------------------------------|-----------|-----------------------------|
//! | q      | flow of the whole vessel                     | nl/min    | `vessels.flow_nl_per_min`   |
//! | p      | pressure                                     | mmHg      | `nodes.pressure_mmhg`       |
//! | r_bore | radius that mineral and neo-intima leave     | µm        | `bore_radius`               |
//! | Θ      | thrombus, share of the lumen                 | 0-1       | `vessels.thrombus`          |
//! | D      | open diameter: what thrombus leaves of the bore | µm     | `open_diameter_um`          |
//! | µ      | apparent viscosity                           | cP        | `network_flow::rheology`    |
//! | H      | discharge haematocrit, parting at each fork  | 0-1       | `vessels.haematocrit`       |
//! | φ      | share of the vessel inside the slab          | 0-1       | `vessels.slab_share`        |
//! | τ      | wall shear stress 4µq/(π(D/2)³)              | Pa        | `vessels.shear_pa`          |
//!
//! Reads wall mineral, neo-intima, thrombus, host pressure and haematocrit. Writes pressures, flows, haematocrits, shear. No dice.
//! Source: viscosity law of Pries et al. 1994 (Circ Res 75:904) as in Pries & Secomb 2005
//! (doi 10.1152/ajpheart.00297.2005), parting of red cells of Pries et al. 1989 (Microvasc Res 38:81); both verified against
//! NetFlowV2 (`docs/verification.md`). A clot takes area from the lumen: assumed to lie along the wall.
//! Where a section is joined to healthy tissue outside its plane (`network.out_of_plane_supply`), each branching of
//! capillaries has a way to its own healthy pressure; in health nothing flows there.
//! We assume: rigid walls; a bore below 3 µm or a thrombus of 0.95 lets nothing through; red cells settle within the step, and
//! of several possible states the one that the last step leads to is taken.

use serde::Deserialize;

use crate::math;
use crate::parameters::Arrows;
use crate::solve::network_flow::{self, Blood, Edge, Law, Network, Pattern, Settings, Tubes};
use crate::state::vessels::Boundary;
use crate::state::{EventKind, Now, Tissue, Vessels};

/// Numbers of blood flow.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// `in_vivo` or `in_vitro`.
    pub viscosity_law: String,
    /// Whether red cells part unequally at forks.
    pub phase_separation: bool,
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
    /// How far changed bores may move the flow of their segments before a new solve, share of healthy flow; 0: every step.
    pub resolve_tolerance: f64,
    /// Red cells that a node may lose, as a share of the inflow of blood, with viscosities one sweep old.
    pub red_cell_tolerance: f64,
    /// Largest change of a haematocrit by one more sweep at which a solve ends.
    pub haematocrit_tolerance: f64,
    /// Sweeps after which the best state is taken as it is.
    pub most_sweeps: u32,
}

impl Parameters {
    /// The blood that these numbers describe.
    pub fn blood(&self) -> Blood {
        Blood {
            law: if self.viscosity_law == "in_vitro" {
                Law::InVitro
            } else {
                Law::InVivo
            },
            mcv_fl: self.mcv_fl,
            plasma_viscosity_cp: self.plasma_viscosity_cp,
        }
    }
}

/// Pa per (cP nl/min / µm³), for 4µq/(πr³).
const SHEAR: f64 = 4.0e-3 * 1e-12 / 60.0 / std::f64::consts::PI / 1e-18;

/// Radius of the bore that wall mineral and neo-intima leave [µm].
fn bore_radius(p: &Parameters, arrows: &Arrows, healthy_um: f64, mineral: f64, neointima: f64) -> f64 {
    let lost = arrows.stenosis * (p.mineral_narrowing * mineral + p.neointima_narrowing * neointima);
    healthy_um * math::positive(1.0 - lost)
}

/// Diameter through which a segment lets blood [µm]; 0 when it is closed.
fn open_diameter_um(p: &Parameters, arrows: &Arrows, v: &Vessels, s: usize, step: u64) -> f64 {
    let bore = 2.0 * bore_radius(p, arrows, v.radius_um[s], v.mineral[s], v.neointima[s]);
    if bore < p.closing_diameter_um || v.thrombus[s] >= p.closing_thrombus || step < v.opens_at_step[s] {
        return 0.0;
    }
    bore * (1.0 - v.thrombus[s]).sqrt()
}

/// Open diameter of every segment [µm].
pub fn open_diameters_um(p: &Parameters, arrows: &Arrows, v: &Vessels, step: u64) -> Vec<f64> {
    (0..v.len()).map(|s| open_diameter_um(p, arrows, v, s, step)).collect()
}

/// Work space of the flow solve: not part of the state.
#[derive(Clone, Debug, Default)]
pub struct Workspace {
    pattern: Option<Pattern>,
    tubes: Tubes,
}

/// Whether the new bore of a segment asks for a new solve. At the old pressures its flow moves with its conductance, and
/// no other flow by more: where hardly anything flows, a bore may change much. What closes or opens always asks.
fn has_moved(p: &Parameters, v: &Vessels, s: usize, fresh_um: f64) -> bool {
    let solved_um = v.solved_diameter_um[s];
    if fresh_um == solved_um {
        return false;
    }
    if fresh_um == 0.0 || solved_um == 0.0 {
        return true;
    }
    let [new, old] = [fresh_um, solved_um].map(|d| math::square(math::square(d)));
    let (flow, healthy) = (v.flow_nl_per_min[s].abs(), v.healthy_flow_nl_per_min[s]);
    let weight = if flow < healthy { flow / healthy } else { 1.0 };
    (new - old).abs() * weight > p.resolve_tolerance * old
}

/// Solves again when a diameter, the pressure, the blood or the graph changed.
pub(crate) fn apply(p: &Parameters, arrows: &Arrows, tissue: &mut Tissue, now: Now, work: &mut Workspace) {
    let v = &tissue.vessels;
    let fresh = open_diameters_um(p, arrows, v, now.step);
    let moved = (0..v.len()).any(|s| has_moved(p, v, s, fresh[s]));
    let pressure_moved = (tissue.host.pressure_factor - v.solved_pressure_factor).abs() > 1e-9;
    let blood_moved = (tissue.host.profile.haematocrit - v.solved_haematocrit).abs() > 1e-9;
    let always = p.resolve_tolerance == 0.0;
    if !always && !moved && !pressure_moved && !blood_moved {
        return;
    }
    let before: Vec<f64> = v.flow_nl_per_min.clone();
    solve(p, tissue, fresh, work);
    record_reversals(tissue, &before, now);
}

/// Sets flow, pressure, haematocrit and shear for the open diameters given [µm], and books the imbalance.
pub(crate) fn solve(p: &Parameters, tissue: &mut Tissue, diameter_um: Vec<f64>, work: &mut Workspace) {
    let Tissue {
        vessels: v,
        host,
        ledger,
        ..
    } = tissue;
    let ends: Vec<[u32; 2]> = (0..v.len()).map(|s| [v.from[s], v.to[s]]).collect();
    let open: Vec<bool> = diameter_um.iter().map(|&d| d > 0.0).collect();
    let edge: Vec<Edge> = (v.nodes.boundary.iter().zip(&v.nodes.is_inlet))
        .map(|(boundary, &inlet)| match boundary {
            Boundary::Inner => Edge::Inner,
            Boundary::Inflow(q) => Edge::Inflow(*q),
            Boundary::Pressure(level) if inlet => Edge::Pressure(level * host.pressure_factor),
            Boundary::Pressure(level) => Edge::Pressure(*level),
            // Outside the plane pressures fall with those of the arteries too.
            Boundary::Collateral(way) => {
                let [inlet, outlet] = [host.profile.inlet_pressure_mmhg, host.profile.outlet_pressure_mmhg];
                let height = (inlet * host.pressure_factor - outlet) / (inlet - outlet);
                Edge::Behind {
                    pressure_mmhg: outlet + (way.pressure_mmhg - outlet) * height,
                    conductance: way.conductance,
                }
            }
        })
        .collect();
    let entering = host.profile.haematocrit;
    let inflow_haematocrit: Vec<f64> = (v.nodes.boundary.iter())
        .map(|boundary| match boundary {
            Boundary::Collateral(way) => way.haematocrit,
            _ => entering,
        })
        .collect();
    let network = Network {
        segment_id: &v.id,
        ends: &ends,
        length_um: &v.length_um,
        diameter_um: &diameter_um,
        open: &open,
        edge: &edge,
        inflow_haematocrit: &inflow_haematocrit,
        share: Some(&v.slab_share),
    };
    let settings = Settings {
        blood: p.blood(),
        separation: p.phase_separation,
        haematocrit: (!p.phase_separation).then_some(entering),
        // What is too narrow for red cells is closed already; a bore that a clot narrows lets plasma seep.
        closing_diameter_um: 0.0,
        red_cell_tolerance: p.red_cell_tolerance,
        haematocrit_tolerance: p.haematocrit_tolerance,
        most_iterations: p.most_sweeps,
    };
    if work
        .pattern
        .as_ref()
        .is_none_or(|known| !known.is_of(&v.id, &ends, edge.len()))
    {
        work.pattern = Some(network.pattern());
    }
    let Some(pattern) = work.pattern.as_ref() else {
        return;
    };
    // The state of the last step, also of a vessel that took plasma alone; what did not flow and holds no cells, a new
    // vessel, begins with the blood that enters the skin.
    let start: Vec<Option<f64>> = (v.haematocrit.iter().zip(&v.flow_nl_per_min))
        .map(|(&h, &q)| Some(if h > 0.0 || q != 0.0 { h } else { entering }))
        .collect();
    let Some(found) = network_flow::solve_with(pattern, &mut work.tubes, &network, &settings, Some(&start)) else {
        return;
    };
    for s in 0..v.len() {
        let q = found.flow_nl_per_min[s];
        v.flow_nl_per_min[s] = q;
        if let Some(h) = found.haematocrit[s] {
            v.haematocrit[s] = h;
        }
        let radius = diameter_um[s] / 2.0;
        v.shear_pa[s] = found.viscosity_cp[s].map_or(0.0, |mu| SHEAR * mu * q.abs() / (radius * radius * radius));
    }
    for (n, pressure) in found.pressure_mmhg.iter().enumerate() {
        v.nodes.pressure_mmhg[n] = pressure.unwrap_or(0.0);
    }
    v.solved_diameter_um = diameter_um;
    v.solved_pressure_factor = host.pressure_factor;
    v.solved_haematocrit = entering;
    ledger.flow_solves += 1;
    ledger.flow_sweeps += u64::from(found.iterations);
    ledger.flow_unsettled += u64::from(!found.converged);
    ledger.flow_gap = found.node_imbalance;
    ledger.red_cell_gap = found.rbc_imbalance;
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
