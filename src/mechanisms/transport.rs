//! Transport: what blood brings and cells secrete spreads through the tissue, and decays.
//!
//! ```text
//! −D ∇²u + λ u + e (u − u_plasma) + s u = g          every step at rest
//! ```
//!
//! | symbol   | meaning                                        | unit   | in code                  |
//! |----------|------------------------------------------------|--------|--------------------------|
//! | u        | phosphate, inhibition, damage, cytokine, repair, VEGF | own | `fields.*`            |
//! | D, λ     | diffusivity, decay                             | µm²/s, 1/s | `*_diffusivity…`, `*_decay…` |
//! | e        | exchange with perfused vessels of the voxel    | 1/s    | `exchange_per_s`         |
//! | s        | destruction by TNAP of osteogenic cells (inhibition only) | 1/s | `tnap_sink_per_s` |
//! | g        | secretion, and phosphate set free by TNAP      | u/s    | `fields.emission`        |
//!
//! Phosphate and inhibition are solved relative to plasma, so the rhythm of dialysis costs no solve.
//! A field is solved again when its sources and sinks can have moved it by more than a tolerance, by the Green's function
//! of a point source in the plane: what changed within the reach of a signal, or anywhere for the far-reaching two.
//! Reads flows, mural cells, `fields.emission`. Writes those six fields. No dice.
//! Source: D and λ as in `parameters.toml`. We assume: quasi-steady (relaxation within about an hour).

use serde::Deserialize;

use crate::grid::Grid;
use crate::math;
use crate::par;
use crate::parameters::Arrows;
use crate::solve::multigrid::Multigrid;
use crate::state::cells::OSTEOGENIC;
use crate::state::{Now, Species, Tissue};

/// Numbers of transport.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// D of phosphate [µm²/s].
    pub phosphate_diffusivity_um2_per_s: f64,
    /// Exchange of phosphate and inhibitors with a voxel crossed by a perfused vessel [1/s].
    pub exchange_per_s: f64,
    /// Phosphate set free by TNAP around one osteogenic cell [mmol/L/s].
    pub tnap_phosphate_mmol_per_l_per_s: f64,
    /// D of the effective inhibitor [µm²/s].
    pub inhibitor_diffusivity_um2_per_s: f64,
    /// Decay of the effective inhibitor [1/d].
    pub inhibitor_decay_per_d: f64,
    /// Destruction of inhibition by TNAP around one osteogenic cell [1/s].
    pub tnap_sink_per_s: f64,
    /// D of the damage signal [µm²/s].
    pub damage_diffusivity_um2_per_s: f64,
    /// Decay of the damage signal [1/min].
    pub damage_decay_per_min: f64,
    /// D of cytokine [µm²/s].
    pub cytokine_diffusivity_um2_per_s: f64,
    /// Decay of cytokine [1/min].
    pub cytokine_decay_per_min: f64,
    /// D of the repair signal [µm²/s].
    pub repair_diffusivity_um2_per_s: f64,
    /// Decay of the repair signal [1/min].
    pub repair_decay_per_min: f64,
    /// D of VEGF [µm²/s].
    pub vegf_diffusivity_um2_per_s: f64,
    /// Decay of VEGF [1/min].
    pub vegf_decay_per_min: f64,
    /// Cytokine in perfused tissue at full systemic inflammation [a.u.].
    pub systemic_cytokine: f64,
    /// Movement of a signal below which it is not solved again [its unit].
    pub resolve_tolerance: f64,
    /// Movement of phosphate or inhibition below which it is not solved again [share of plasma].
    pub resolve_tolerance_plasma: f64,
    /// Relative residual of a solve.
    pub residual_tolerance: f64,
}

/// Reach of a point source in the plane at its own voxel, in scaled units: ln(ℓ/h)/(2π) is below 0.6 for ℓ ≤ 40 voxels.
const POINT_RESPONSE: f64 = 0.6;

/// The six fields in the order of work.
const FIELDS: [Species; 6] = [
    Species::Phosphate,
    Species::Inhibitor,
    Species::Damage,
    Species::Cytokine,
    Species::Repair,
    Species::Vegf,
];

/// Work space: not part of the state.
#[derive(Clone, Debug, Default)]
pub struct Workspace {
    jobs: Vec<Job>,
}

/// One field's problem of this step.
#[derive(Clone, Debug)]
struct Job {
    species: Species,
    solver: Multigrid,
    sink: Vec<f32>,
    source: Vec<f32>,
    u: Vec<f32>,
    wanted: bool,
    warm: bool,
    tolerance: f64,
}

/// Solves what changed.
pub(crate) fn apply(p: &Parameters, arrows: &Arrows, tissue: &mut Tissue, _now: Now, work: &mut Workspace) {
    if work.jobs.is_empty() {
        let n = tissue.grid.len();
        work.jobs = FIELDS
            .iter()
            .map(|&species| Job {
                species,
                solver: Multigrid::new(&tissue.grid),
                sink: vec![0.0; n],
                source: vec![0.0; n],
                u: vec![0.0; n],
                wanted: false,
                warm: false,
                tolerance: p.residual_tolerance,
            })
            .collect();
    }
    let perfused = perfused_share(tissue);
    for job in &mut work.jobs {
        prepare(p, arrows, tissue, &perfused, job);
    }
    par::jobs(&mut work.jobs, |job| {
        if job.wanted {
            job.solver
                .solve(&job.sink, &job.source, &mut job.u, job.warm, job.tolerance, 12);
        }
    });
    for job in &mut work.jobs {
        if job.wanted {
            let memory = &mut tissue.fields.memory[job.species as usize];
            memory.sink.clone_from(&job.sink);
            memory.source.clone_from(&job.source);
            memory.solves += 1;
            memory.relative.clone_from(&job.u);
        }
        publish(tissue, job.species, job.wanted);
    }
}

/// How much of each voxel is crossed by perfused vessels, 0-1.
fn perfused_share(tissue: &Tissue) -> Vec<f32> {
    let (v, h) = (&tissue.vessels, tissue.grid.voxel_um);
    let mut share = vec![0.0f32; tissue.grid.len()];
    for s in 0..v.len() {
        if v.flow_nl_per_min[s] != 0.0 && (v.is_perfused(s) || v.healthy_flow_nl_per_min[s] == 0.0) {
            for piece in v.pieces(s) {
                let voxel = v.piece_voxel[piece] as usize;
                share[voxel] = math::unit(f64::from(share[voxel]) + v.piece_um[piece] / h) as f32;
            }
        }
    }
    share
}

/// Builds K and S of one field and decides whether it must be solved.
fn prepare(p: &Parameters, arrows: &Arrows, tissue: &Tissue, perfused: &[f32], job: &mut Job) {
    let n = tissue.grid.len();
    let (d, decay_per_s) = numbers(p, job.species);
    let scale = math::square(tissue.grid.voxel_um) / d;
    let decay = (decay_per_s * scale) as f32;
    let emission = &tissue.fields.emission;
    let secreted = match job.species {
        Species::Damage => Some(&emission.damage),
        Species::Cytokine => Some(&emission.cytokine),
        Species::Repair => Some(&emission.repair),
        Species::Vegf => Some(&emission.vegf),
        _ => None,
    };
    if let Some(secreted) = secreted {
        job.sink.fill(decay);
        for (out, &g) in job.source.iter_mut().zip(secreted) {
            *out = g * scale as f32;
        }
        if secreted.is_empty() {
            job.source.fill(0.0);
        }
        let systemic = tissue.host.profile.systemic_inflammation * p.systemic_cytokine;
        if job.species == Species::Cytokine && systemic > 0.0 {
            for (out, &share) in job.source.iter_mut().zip(perfused) {
                if share > 0.0 {
                    *out += decay * systemic as f32;
                }
            }
        }
    } else {
        let exchange = (p.exchange_per_s * scale) as f32;
        for i in 0..n {
            job.source[i] = exchange * perfused[i];
            job.sink[i] = job.source[i] + decay;
        }
        let mural = &tissue.cells.mural;
        for i in 0..mural.state.len() {
            if mural.state[i] == OSTEOGENIC {
                let voxel = mural.voxel[i] as usize;
                if job.species == Species::Inhibitor {
                    job.sink[voxel] += (arrows.osteo * p.tnap_sink_per_s * scale) as f32;
                } else {
                    let plasma = math::max(tissue.host.phosphate, 0.1);
                    // Coarse in the plasma level, so that its daily rhythm does not ask for a new solve.
                    let level = (plasma * 4.0).round() / 4.0;
                    job.source[voxel] +=
                        (arrows.osteo * p.tnap_phosphate_mmol_per_l_per_s * scale / math::max(level, 0.25)) as f32;
                }
            }
        }
        // Without any perfusion there is no plasma to relate to: keep what is there.
        if perfused.iter().all(|&x| x == 0.0) {
            job.wanted = false;
            return;
        }
    }
    let memory = &tissue.fields.memory[job.species as usize];
    job.warm = memory.solves > 0;
    if job.warm {
        let change = |i: usize| {
            f64::from((job.source[i] - memory.source[i]) - (job.sink[i] - memory.sink[i]) * memory.relative[i])
        };
        let movement = POINT_RESPONSE
            * if secreted.is_some() {
                largest_nearby(&tissue.grid, change)
            } else {
                largest_total(n, change)
            };
        // Phosphate and inhibition enter slow rates only; the signals decide within hours.
        let tolerance = if secreted.is_some() {
            p.resolve_tolerance
        } else {
            p.resolve_tolerance_plasma
        };
        job.wanted = movement > tolerance;
        if job.wanted {
            job.u.copy_from_slice(&memory.relative);
        }
    } else {
        job.wanted = job.source.iter().any(|&s| s != 0.0);
        job.u.fill(0.0);
    }
}

/// All that changed, of a field that reaches far.
fn largest_total(n: usize, change: impl Fn(usize) -> f64) -> f64 {
    (0..n).fold(0.0, |sum, i| sum + change(i).abs())
}

/// The most that changed within about the reach of a signal (ℓ is 12 voxels of 20 µm): largest sum over a tile of
/// 8 × 8 × 8 voxels and its neighbours.
fn largest_nearby(grid: &Grid, change: impl Fn(usize) -> f64) -> f64 {
    const TILE: usize = 8;
    let tiles = [grid.nx, grid.ny, grid.nz].map(|n| n.div_ceil(TILE));
    let at = |x: usize, y: usize, z: usize| x + tiles[0] * (y + tiles[1] * z);
    let mut sums = vec![0.0f64; tiles[0] * tiles[1] * tiles[2]];
    let mut any = false;
    for z in 0..grid.nz {
        for y in 0..grid.ny {
            for x in 0..grid.nx {
                let d = change(grid.index(x, y, z));
                if d != 0.0 {
                    sums[at(x / TILE, y / TILE, z / TILE)] += d.abs();
                    any = true;
                }
            }
        }
    }
    if !any {
        return 0.0;
    }
    let around = |i: usize, n: usize| i.saturating_sub(1)..=(i + 1).min(n - 1);
    let mut most = 0.0;
    for z in 0..tiles[2] {
        for y in 0..tiles[1] {
            for x in 0..tiles[0] {
                let mut sum = 0.0;
                for k in around(z, tiles[2]) {
                    for j in around(y, tiles[1]) {
                        sum += around(x, tiles[0]).map(|i| sums[at(i, j, k)]).sum::<f64>();
                    }
                }
                most = math::max(most, sum);
            }
        }
    }
    most
}

/// D [µm²/s] and λ [1/s] of a field.
fn numbers(p: &Parameters, species: Species) -> (f64, f64) {
    match species {
        Species::Phosphate => (p.phosphate_diffusivity_um2_per_s, 0.0),
        Species::Inhibitor => (p.inhibitor_diffusivity_um2_per_s, p.inhibitor_decay_per_d / 86_400.0),
        Species::Damage => (p.damage_diffusivity_um2_per_s, p.damage_decay_per_min / 60.0),
        Species::Cytokine => (p.cytokine_diffusivity_um2_per_s, p.cytokine_decay_per_min / 60.0),
        Species::Repair => (p.repair_diffusivity_um2_per_s, p.repair_decay_per_min / 60.0),
        _ => (p.vegf_diffusivity_um2_per_s, p.vegf_decay_per_min / 60.0),
    }
}

/// Writes the field itself: relative to plasma for phosphate and inhibition.
fn publish(tissue: &mut Tissue, species: Species, fresh: bool) {
    let plasma = match species {
        Species::Phosphate => tissue.host.phosphate as f32,
        Species::Inhibitor => tissue.host.inhibition as f32,
        _ if !fresh => return,
        _ => 1.0,
    };
    let fields = &mut tissue.fields;
    let relative = std::mem::take(&mut fields.memory[species as usize].relative);
    if !relative.is_empty() {
        for (out, &r) in fields.of_mut(species).iter_mut().zip(&relative) {
            *out = plasma * r;
        }
    }
    fields.memory[species as usize].relative = relative;
}
