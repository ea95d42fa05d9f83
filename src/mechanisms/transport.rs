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
//! |          | phosphate that mineral takes without blood     | 1/s    | `fields.uptake`          |
//!
//! Phosphate and inhibition are solved relative to plasma, so the rhythm of dialysis costs no solve.
//! A field is solved again when its sources and sinks can have moved it by more than a tolerance, by the Green's function
//! of a point source in the plane: what changed within the reach of a signal, or anywhere for the far-reaching two.
//! Reads flows, mural cells, `fields.emission`. Writes those six fields. No dice.
//! Source: D and λ as in `parameters.toml`. We assume: quasi-steady (relaxation within about an hour).

use std::sync::Mutex;

use serde::Deserialize;

use crate::grid::Grid;
use crate::math;
use crate::par;
use crate::parameters::Arrows;
use crate::solve::multigrid::Multigrid;
use crate::solve::reach::{FAR_RESPONSE, Nearby};
use crate::state::cells::OSTEOGENIC;
use crate::state::fields::Memory;
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

/// The six fields in the order of work.
const FIELDS: [Species; 6] = [
    Species::Phosphate,
    Species::Inhibitor,
    Species::Damage,
    Species::Cytokine,
    Species::Repair,
    Species::Vegf,
];

/// Work space: not part of the state. A worker solves one field after another; there are as many as work at once.
#[derive(Debug, Default)]
pub struct Workspace {
    idle: Mutex<Vec<Worker>>,
    perfused: Vec<f32>,
    seen: Option<Seen>,
}

/// What the sinks and sources of phosphate and inhibition were made of when they were looked at last.
#[derive(Debug, PartialEq)]
struct Seen {
    flow: Vec<f64>,
    healthy_flow: Vec<f64>,
    pieces: usize,
    mural: Vec<u8>,
    level: f64,
}

impl Clone for Workspace {
    /// A new one: nothing that the next step reads is in it.
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl Workspace {
    /// Bytes that all workers hold.
    pub fn bytes(&self) -> usize {
        let idle = self.idle.lock().map_or(0, |idle| idle.iter().map(Worker::bytes).sum());
        idle + self.perfused.len() * size_of::<f32>()
    }
}

/// A solver, and the sinks and sources of the field it works on.
#[derive(Debug)]
struct Worker {
    solver: Multigrid,
    sink: Vec<f32>,
    source: Vec<f32>,
    nearby: Nearby,
}

impl Worker {
    fn new(grid: &Grid) -> Self {
        Self {
            solver: Multigrid::new(grid),
            sink: vec![0.0; grid.len()],
            source: vec![0.0; grid.len()],
            nearby: Nearby::default(),
        }
    }

    fn bytes(&self) -> usize {
        self.solver.bytes() + (self.sink.len() + self.source.len()) * size_of::<f32>()
    }
}

/// One field in the hands of a worker.
struct Job {
    species: Species,
    field: Vec<f32>,
    memory: Memory,
}

/// Solves what changed.
pub(crate) fn apply(p: &Parameters, arrows: &Arrows, tissue: &mut Tissue, _now: Now, work: &mut Workspace) {
    let v = &tissue.vessels;
    let seen = Some(Seen {
        flow: v.flow_nl_per_min.clone(),
        healthy_flow: v.healthy_flow_nl_per_min.clone(),
        pieces: v.piece_voxel.len(),
        mural: tissue.cells.mural.state.clone(),
        level: phosphate_level(tissue),
    });
    let flow_is_new = work.seen != seen;
    if flow_is_new {
        perfused_share(tissue, &mut work.perfused);
        work.seen = seen;
    }
    let is_news = flow_is_new || !tissue.fields.uptake.is_empty();
    let mut jobs = FIELDS.map(|species| Job {
        species,
        field: std::mem::take(tissue.fields.of_mut(species)),
        memory: std::mem::take(&mut tissue.fields.memory[species as usize]),
    });
    let (idle, perfused, around) = (&work.idle, &work.perfused, &*tissue);
    par::jobs(&mut jobs, |job| {
        // Results do not depend on who solves: a solver remembers nothing.
        let taken = idle.lock().ok().and_then(|mut idle| idle.pop());
        let fits = taken.filter(|worker| worker.solver.fits(&around.grid));
        let mut worker = fits.unwrap_or_else(|| Worker::new(&around.grid));
        if is_signal(job.species) {
            renew_signal(p, around, perfused, job, &mut worker);
        } else {
            if is_news || p.resolve_tolerance_plasma == 0.0 {
                renew_relative(p, arrows, around, perfused, job, &mut worker);
            }
            publish(around, job);
        }
        if let Ok(mut idle) = idle.lock() {
            idle.push(worker);
        }
    });
    for job in jobs {
        *tissue.fields.of_mut(job.species) = job.field;
        tissue.fields.memory[job.species as usize] = job.memory;
    }
}

/// Solves a signal if it must be. It is its own memory, with its emission when it was last solved and its sink, the same
/// everywhere, as one number.
fn renew_signal(p: &Parameters, tissue: &Tissue, perfused: &[f32], job: &mut Job, worker: &mut Worker) {
    let Worker {
        solver,
        sink,
        source,
        nearby,
    } = worker;
    let (d, decay_per_s) = numbers(p, job.species);
    let scale = (math::square(tissue.grid.voxel_um) / d) as f32;
    let decay = decay_per_s as f32 * scale;
    let emission = &tissue.fields.emission;
    let secreted = match job.species {
        Species::Damage => &emission.damage,
        Species::Cytokine => &emission.cytokine,
        Species::Repair => &emission.repair,
        _ => &emission.vegf,
    };
    let systemic = tissue.host.profile.systemic_inflammation * p.systemic_cytokine;
    let held = if job.species == Species::Cytokine {
        decay_per_s * systemic
    } else {
        0.0
    };
    let is_plain = held <= 0.0 && !secreted.is_empty();
    if !is_plain {
        source.fill(0.0);
        source.iter_mut().zip(secreted).for_each(|(out, &g)| *out = g);
        for (out, &share) in source.iter_mut().zip(perfused) {
            *out += if share > 0.0 { held as f32 } else { 0.0 };
        }
    }
    let emitted = if is_plain { secreted } else { &*source };
    let memory = &mut job.memory;
    let wanted = if memory.solves == 0 {
        emitted.iter().any(|&g| g != 0.0)
    } else {
        let changes = Changes {
            u: &job.field,
            sink: None,
            uniform: decay - memory.sink[0],
            source: [emitted, &memory.source],
            scale,
        };
        p.resolve_tolerance == 0.0 || exceeds(&tissue.grid, nearby, &changes, p.resolve_tolerance)
    };
    if !wanted {
        return;
    }
    memory.source.clear();
    memory.source.extend_from_slice(emitted);
    source
        .iter_mut()
        .zip(&memory.source)
        .for_each(|(out, &g)| *out = g * scale);
    sink.fill(decay);
    job.field.resize(source.len(), 0.0);
    let warm = memory.solves > 0;
    solver.solve(sink, source, &mut job.field, warm, p.residual_tolerance, 12);
    memory.sink.clear();
    memory.sink.push(decay);
    memory.solves += 1;
}

/// Solves phosphate or inhibition, relative to plasma, if it must be. They enter slow rates only.
fn renew_relative(
    p: &Parameters,
    arrows: &Arrows,
    tissue: &Tissue,
    perfused: &[f32],
    job: &mut Job,
    worker: &mut Worker,
) {
    let Worker {
        solver, sink, source, ..
    } = worker;
    // Without any perfusion there is no plasma to relate to: keep what is there, unless mineral takes it.
    let is_taken = job.species == Species::Phosphate && !tissue.fields.uptake.is_empty();
    if !is_taken && perfused.iter().all(|&share| share == 0.0) {
        return;
    }
    build(p, arrows, tissue, perfused, job.species, sink, source);
    let memory = &mut job.memory;
    let warm = memory.solves > 0;
    if warm && p.resolve_tolerance_plasma > 0.0 {
        let changes = Changes {
            u: &memory.relative,
            sink: Some([sink, &memory.sink]),
            uniform: 0.0,
            source: [source, &memory.source],
            scale: 1.0,
        };
        if FAR_RESPONSE * largest_total(&changes) <= p.resolve_tolerance_plasma {
            return;
        }
    }
    memory.relative.resize(source.len(), 0.0);
    solver.solve(sink, source, &mut memory.relative, warm, p.residual_tolerance, 12);
    memory.sink.clone_from(sink);
    memory.source.clone_from(source);
    memory.solves += 1;
}

/// Phosphate and inhibition beside their relative memory.
fn publish(tissue: &Tissue, job: &mut Job) {
    let plasma = match job.species {
        Species::Phosphate => tissue.host.phosphate,
        _ => tissue.host.inhibition,
    } as f32;
    for (out, &r) in job.field.iter_mut().zip(&job.memory.relative) {
        *out = plasma * r;
    }
}

/// How much of each voxel is crossed by perfused vessels, 0-1.
fn perfused_share(tissue: &Tissue, share: &mut Vec<f32>) {
    let (v, h) = (&tissue.vessels, tissue.grid.voxel_um);
    share.clear();
    share.resize(tissue.grid.len(), 0.0);
    for s in 0..v.len() {
        if v.flow_nl_per_min[s] != 0.0 && (v.is_perfused(s) || v.healthy_flow_nl_per_min[s] == 0.0) {
            for piece in v.pieces(s) {
                let voxel = v.piece_voxel[piece] as usize;
                share[voxel] = math::unit(f64::from(share[voxel]) + v.piece_um[piece] / h) as f32;
            }
        }
    }
}

fn is_signal(species: Species) -> bool {
    !matches!(species, Species::Phosphate | Species::Inhibitor)
}

/// Plasma phosphate [mmol/L], coarse, so that its daily rhythm does not ask for a new solve.
fn phosphate_level(tissue: &Tissue) -> f64 {
    let plasma = math::max(tissue.host.phosphate, 0.1);
    math::max((plasma * 4.0).round() / 4.0, 0.25)
}

/// Builds K and S of phosphate or inhibition.
fn build(
    p: &Parameters,
    arrows: &Arrows,
    tissue: &Tissue,
    perfused: &[f32],
    species: Species,
    sink: &mut [f32],
    source: &mut [f32],
) {
    let (d, decay_per_s) = numbers(p, species);
    let scale = math::square(tissue.grid.voxel_um) / d;
    let decay = (decay_per_s * scale) as f32;
    let exchange = (p.exchange_per_s * scale) as f32;
    for ((sink, source), &share) in sink.iter_mut().zip(&mut *source).zip(perfused) {
        *source = exchange * share;
        *sink = *source + decay;
    }
    let destroyed = (arrows.osteo * p.tnap_sink_per_s * scale) as f32;
    let set_free = (arrows.osteo * p.tnap_phosphate_mmol_per_l_per_s * scale / phosphate_level(tissue)) as f32;
    let uptake = &tissue.fields.uptake;
    if species == Species::Phosphate && !uptake.is_empty() {
        let taken = uptake.sink_per_s.iter().zip(&uptake.source_per_s);
        for ((sink, source), (&slope, &less)) in sink.iter_mut().zip(&mut *source).zip(taken) {
            *sink += slope * scale as f32;
            *source += less * scale as f32;
        }
    }
    let mural = &tissue.cells.mural;
    for (&voxel, _) in (mural.voxel.iter().zip(&mural.state)).filter(|&(_, &state)| state == OSTEOGENIC) {
        if species == Species::Inhibitor {
            sink[voxel as usize] += destroyed;
        } else {
            source[voxel as usize] += set_free;
        }
    }
}

/// What changed since the last solve: new and old sinks (or one change everywhere) and sources.
struct Changes<'a> {
    u: &'a [f32],
    sink: Option<[&'a [f32]; 2]>,
    uniform: f32,
    source: [&'a [f32]; 2],
    /// Of the sources.
    scale: f32,
}

impl Changes<'_> {
    /// Change of the balance of voxel i.
    fn at(&self, i: usize) -> f64 {
        let sink = self.sink.map_or(self.uniform, |[new, old]| new[i] - old[i]);
        f64::from(self.scale * (self.source[0][i] - self.source[1][i]) - sink * self.u[i])
    }

    /// Whether nothing changed between two voxels: a quick look, as nearly always nothing did.
    fn none(&self, voxels: std::ops::Range<usize>) -> bool {
        let same = |[new, old]: [&[f32]; 2]| {
            let pairs = new[voxels.clone()].iter().zip(&old[voxels.clone()]);
            pairs.fold(0, |differs, (a, b)| differs | (a.to_bits() ^ b.to_bits())) == 0
        };
        self.uniform == 0.0 && same(self.source) && self.sink.is_none_or(same)
    }
}

/// Voxels of one quick look.
const LOOK: usize = 256;

/// All that changed, of a field that reaches far.
fn largest_total(changes: &Changes) -> f64 {
    let n = changes.u.len();
    (0..n.div_ceil(LOOK))
        .map(|look| look * LOOK..n.min((look + 1) * LOOK))
        .filter(|voxels| !changes.none(voxels.clone()))
        .fold(0.0, |sum, voxels| voxels.fold(sum, |sum, i| sum + changes.at(i).abs()))
}

/// Whether what changed can have moved a signal further than a tolerance.
fn exceeds(grid: &Grid, nearby: &mut Nearby, changes: &Changes, tolerance: f64) -> bool {
    nearby.clear(grid);
    let n = changes.u.len();
    for look in (0..n.div_ceil(LOOK)).map(|look| look * LOOK..n.min((look + 1) * LOOK)) {
        if !changes.none(look.clone()) {
            look.for_each(|i| nearby.add(i, changes.at(i)));
        }
    }
    nearby.exceeds(tolerance)
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
