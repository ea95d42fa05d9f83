//! What is said of a network before day 0: numbers that a measurement can be laid beside, and the reach of the acute loop.

use serde::{Deserialize, Serialize};

use super::Parameters;
use crate::math;
use crate::state::vessels::{Bed, Class};
use crate::state::{Kind, Tissue, UM3_PER_NL, Vessels};

/// What is said of the network in `run.json`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct NetworkReport {
    /// Networks drawn.
    pub attempts: u32,
    /// Segments.
    pub segments: u32,
    /// Nodes.
    pub nodes: u32,
    /// Statistics, by name with unit.
    pub statistics: Vec<(String, f64)>,
    /// What the user should know.
    pub warnings: Vec<String>,
}

/// Numbers of the healthy network, and what the acute loop would do in it.
pub(super) fn report(p: &Parameters, tissue: &Tissue, perfusion: f64, lowest: f64) -> NetworkReport {
    let v = &tissue.vessels;
    let mut statistics = Vec::new();
    let mut say = |name: &str, value: f64| statistics.push((name.to_owned(), value));
    let voxel_um3 = tissue.grid.voxel_volume_um3();
    let volume_mm3 = tissue.grid.len() as f64 * voxel_um3 * 1e-9;
    let sum = |f: &dyn Fn(usize) -> f64| (0..v.len()).fold(0.0, |total, s| total + f(s));
    let mean = |f: &dyn Fn(usize) -> f64, of: &dyn Fn(usize) -> bool| {
        let members: Vec<usize> = (0..v.len()).filter(|&s| of(s)).collect();
        members.iter().fold(0.0, |total, &s| total + f(s)) / math::max(members.len() as f64, 1.0)
    };
    say("perfusion_per_min", perfusion);
    for (name, part) in [
        ("skin_perfusion_ml_per_100_ml_min", Part::Skin),
        ("fat_perfusion_ml_per_100_ml_min", Part::Fat),
    ] {
        if let Some(part) = part_perfusion(tissue, part) {
            say(name, 100.0 * part);
        }
    }
    say("anastomosis_index", p.network.anastomosis_index);
    say("lowest_po2_mmhg", lowest);
    let mean_po2 = tissue.fields.oxygen.iter().fold(0.0, |total, &x| total + f64::from(x)) / tissue.grid.len() as f64;
    say("mean_po2_mmhg", mean_po2);

    let length = sum(&|s| v.length_um[s] * v.slab_share[s]) / 1000.0;
    say("length_density_mm_per_mm3", length / volume_mm3);
    let still = sum(&|s| f64::from(u8::from(v.flow_nl_per_min[s] == 0.0)));
    say("share_without_flow", still / math::max(v.len() as f64, 1.0));
    for (name, class) in [
        ("arteriole", Class::Arteriole),
        ("capillary", Class::Capillary),
        ("venule", Class::Venule),
    ] {
        let plural = if class == Class::Capillary {
            "capillaries".to_owned()
        } else {
            format!("{name}s")
        };
        say(&plural, sum(&|s| f64::from(u8::from(v.class[s] == class))));
        say(
            &format!("{name}_radius_um"),
            mean(&|s| v.radius_um[s], &|s| v.class[s] == class),
        );
    }
    let degrees = v.degrees();
    let with = |degree: u32| degrees.iter().filter(|&&d| d == degree).count() as f64;
    for degree in 1..=3 {
        say(&format!("nodes_of_degree_{degree}"), with(degree));
    }
    let joints = degrees.iter().filter(|&&d| d >= 3).count() as f64;
    say("share_of_joints_of_degree_3", with(3) / math::max(joints, 1.0));
    say("largest_degree", f64::from(degrees.iter().copied().max().unwrap_or(0)));

    let (pressure, velocity) = loops(v, &degrees);
    if !velocity.is_empty() {
        let (apex, spread) = mean_and_sd(&pressure);
        say("loop_pressure_mmhg", apex);
        say("loop_pressure_sd_mmhg", spread);
        say("loop_velocity_mm_per_s", mean_and_sd(&velocity).0);
        say("loop_velocity_10_percent_mm_per_s", quantile(&velocity, 0.1));
        say("loop_velocity_90_percent_mm_per_s", quantile(&velocity, 0.9));
    }
    let middle = |s: usize| (v.nodes.pressure_mmhg[v.from[s] as usize] + v.nodes.pressure_mmhg[v.to[s] as usize]) / 2.0;
    if v.bed.contains(&Bed::Fat) {
        say("fat_capillary_pressure_mmhg", mean(&middle, &|s| v.bed[s] == Bed::Fat));
    }
    say("oxygen_balance", tissue.ledger.oxygen_gap);
    say("flow_balance", tissue.ledger.flow_gap);
    say("red_cell_balance", tissue.ledger.red_cell_gap);

    let mut warnings = Vec::new();
    let (reach, rim, supply) = loop_reach(p);
    say("loop_reach_um", reach);
    say("loop_occluded_rim_um", rim);
    say("oxygen_reach_um", supply);
    say("loop_gain", rim / supply);
    if rim > supply && p.host.repair_factor >= 1.0 {
        warnings.push(format!(
            "in this host the acute loop runs away by itself: damage clots a rim of {rim:.0} µm, oxygen reaches {supply:.0} µm"
        ));
    }
    NetworkReport {
        attempts: 1,
        segments: v.len() as u32,
        nodes: v.nodes.id.len() as u32,
        statistics,
        warnings,
    }
}

/// A part of the tissue with beds of its own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Part {
    /// Epidermis and dermis: loops and the dermal bed.
    Skin,
    /// Lobules and septa: the beds of the lobules.
    Fat,
}

impl Part {
    fn beds(self) -> &'static [Bed] {
        match self {
            Self::Skin => &[Bed::Loop, Bed::Dermal],
            Self::Fat => &[Bed::Fat],
        }
    }

    /// Share of the tissue that belongs to it.
    pub(super) fn share(self, tissue: &Tissue) -> f64 {
        let fat = |kind: &Kind| matches!(kind, Kind::Fat | Kind::Septum);
        let kinds = &tissue.anatomy.kind;
        let mine = kinds.iter().filter(|kind| fat(kind) == (self == Self::Fat)).count();
        mine as f64 / kinds.len() as f64
    }
}

/// Perfusion of a part by the blood that enters its capillaries [mL/mL/min]; `None` without tissue or beds of that kind.
pub(super) fn part_perfusion(tissue: &Tissue, part: Part) -> Option<f64> {
    let share = part.share(tissue);
    if share <= 0.0 || !tissue.vessels.bed.iter().any(|bed| part.beds().contains(bed)) {
        return None;
    }
    let um3 = share * tissue.grid.len() as f64 * tissue.grid.voxel_volume_um3();
    Some(bed_inflow(&tissue.vessels, part.beds()) * UM3_PER_NL / um3)
}

/// Blood that enters the capillaries of some beds from other vessels [nl/min, share of the slab].
fn bed_inflow(v: &Vessels, beds: &[Bed]) -> f64 {
    let mut into = vec![0.0; v.nodes.id.len()];
    for s in (0..v.len()).filter(|&s| beds.contains(&v.bed[s])) {
        let q = v.slab_share[s] * v.flow_nl_per_min[s];
        into[v.from[s] as usize] += q;
        into[v.to[s] as usize] -= q;
    }
    into.iter().fold(0.0, |sum, &q| sum + math::positive(q))
}

/// Pressure at the apices of the papillary loops [mmHg], and the mean velocity in each loop [mm/s].
fn loops(v: &Vessels, degrees: &[u32]) -> (Vec<f64>, Vec<f64>) {
    let mut by_branch: std::collections::BTreeMap<u32, Vec<usize>> = std::collections::BTreeMap::new();
    for s in (0..v.len()).filter(|&s| v.bed[s] == Bed::Loop) {
        by_branch.entry(v.branch[s]).or_default().push(s);
    }
    let velocity = |s: usize| {
        v.flow_nl_per_min[s].abs() * UM3_PER_NL / 60.0 / (std::f64::consts::PI * math::square(v.radius_um[s])) / 1000.0
    };
    let (mut pressures, mut velocities) = (Vec::new(), Vec::new());
    for segments in by_branch.values() {
        // The apex is the segment whose ends belong to this loop alone.
        for &s in segments {
            let [a, b] = [v.from[s] as usize, v.to[s] as usize];
            if degrees[a] == 2 && degrees[b] == 2 {
                pressures.push((v.nodes.pressure_mmhg[a] + v.nodes.pressure_mmhg[b]) / 2.0);
            }
        }
        let sum = segments.iter().fold(0.0, |sum, &s| sum + velocity(s));
        velocities.push(sum / segments.len() as f64);
    }
    (pressures, velocities)
}

fn mean_and_sd(values: &[f64]) -> (f64, f64) {
    let n = math::max(values.len() as f64, 1.0);
    let mean = values.iter().fold(0.0, |sum, x| sum + x) / n;
    let square = values.iter().fold(0.0, |sum, x| sum + math::square(x - mean));
    (mean, (square / math::max(n - 1.0, 1.0)).sqrt())
}

fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = (share * (sorted.len() as f64 - 1.0)).round();
    sorted.get(at as usize).copied().unwrap_or(0.0)
}

/// How far damage of a dead region strips vessels, and how far oxygen reaches from a perfused edge [µm]:
/// (reach ℓ of the signal, occluded rim w, oxygen reach L). A lesion spreads by itself when w > L.
fn loop_reach(p: &Parameters) -> (f64, f64, f64) {
    let t = &p.mechanisms.transport;
    let reach = (t.damage_diffusivity_um2_per_s / (t.damage_decay_per_min / 60.0)).sqrt();
    let e = &p.mechanisms.endothelial_injury;
    // Half of the patches are lost where the hazard is 2 ln 2 k_rep: the rim ends there. Damage falls from ½ at the edge.
    let repair = e.repair_rate_per_h * p.host.repair_factor * 0.5;
    let share = math::min(
        2.0 * repair / math::max(p.arrows.damp_loop * e.damage_rate_per_h, 1e-12),
        0.99,
    );
    let level = e.damage_half * (share / (1.0 - share)).sqrt();
    let rim = reach * math::positive(math::ln(0.5 / level));
    let o = &p.mechanisms.oxygen;
    let supply = (2.0 * o.diffusivity_um2_per_s * 40.0 / o.use_fat_mmhg_per_s).sqrt();
    (reach, rim, supply)
}
