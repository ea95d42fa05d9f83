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
//! A field is solved again when its sources and sinks have moved it by more than a tolerance (`solve::reach`). Before that
//! it may fade with its sources: where all of them fell to one share (debris that is cleared), the old field times that
//! share is the answer.
//! Reads flows, mural cells, `fields.emission`. Writes those six fields. No dice.
//! Source: D and λ as in `parameters.toml`. We assume: quasi-steady (relaxation within about an hour).

use std::sync::Mutex;

use serde::Deserialize;

use crate::grid::Grid;
use crate::math;
use crate::par;
use crate::parameters::Arrows;
use crate::solve::multigrid::{Given, Pool};
use crate::solve::reach::Nearby;
use crate::state::cells::OSTEOGENIC;
use crate::state::fields::{Emission, Memory, PhosphateUptake, Sparse};
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

/// Work space: not part of the state.
#[derive(Debug, Default)]
pub struct Workspace {
    solvers: Pool,
    /// Sums over tiles at rest: as many as fields are looked at at once.
    idle: Mutex<Vec<Nearby>>,
    perfused: Vec<f32>,
    seen: Option<Seen>,
    /// What mineral took when it was looked at last.
    uptake: PhosphateUptake,
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

impl Workspace {
    /// A new one, with the solvers of others.
    pub(crate) fn sharing(solvers: &Pool) -> Self {
        Self {
            solvers: solvers.share(),
            ..Self::default()
        }
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
    let uptake_is_new = work.uptake != tissue.fields.uptake;
    if uptake_is_new {
        work.uptake.clone_from(&tissue.fields.uptake);
    }
    let mut jobs = FIELDS.map(|species| Job {
        species,
        field: std::mem::take(tissue.fields.of_mut(species)),
        memory: std::mem::take(&mut tissue.fields.memory[species as usize]),
    });
    let (solvers, idle, perfused, around) = (&work.solvers, &work.idle, &work.perfused, &*tissue);
    par::jobs(&mut jobs, |job| {
        if is_signal(job.species) {
            let mut nearby = idle.lock().ok().and_then(|mut idle| idle.pop()).unwrap_or_default();
            renew_signal(p, around, perfused, job, &mut nearby, solvers);
            give_back(idle, nearby);
        } else {
            let plasma = plasma(around, job.species);
            let is_lost = job.memory.plasma == 0.0 && plasma > 0.0;
            let is_news = flow_is_new || (uptake_is_new && job.species == Species::Phosphate);
            if is_news || is_lost || p.resolve_tolerance_plasma == 0.0 {
                let mut nearby = idle.lock().ok().and_then(|mut idle| idle.pop()).unwrap_or_default();
                renew_relative(p, arrows, around, perfused, job, &mut nearby, solvers);
                give_back(idle, nearby);
            }
            if job.memory.plasma > 0.0 {
                stand_at(plasma, job);
            }
        }
    });
    // It was for this step alone, and is as large as four fields.
    tissue.fields.emission = Emission::default();
    for job in jobs {
        *tissue.fields.of_mut(job.species) = job.field;
        tissue.fields.memory[job.species as usize] = job.memory;
    }
}

fn give_back(idle: &Mutex<Vec<Nearby>>, nearby: Nearby) {
    if let Ok(mut idle) = idle.lock() {
        idle.push(nearby);
    }
}

/// Solves a signal if it must be. It is its own memory, with its emission when it was last solved and its sink, the same
/// everywhere, as one number.
fn renew_signal(p: &Parameters, tissue: &Tissue, perfused: &[f32], job: &mut Job, nearby: &mut Nearby, solvers: &Pool) {
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
    let mut source = Vec::new();
    if !is_plain {
        source.resize(perfused.len(), 0.0);
        source.iter_mut().zip(secreted).for_each(|(out, &g)| *out = g);
        for (out, &share) in source.iter_mut().zip(perfused) {
            *out += if share > 0.0 { held as f32 } else { 0.0 };
        }
    }
    let emitted = if is_plain { secreted } else { &source };
    if job.memory.solves == 0 {
        if emitted.iter().all(|&g| g == 0.0) {
            return;
        }
    } else if p.resolve_tolerance > 0.0 {
        let moves = |job: &Job, nearby: &mut Nearby| {
            let changes = Changes {
                u: &job.field,
                sink: None,
                uniform: decay - job.memory.sink[0],
                source: [emitted, &job.memory.source],
                scale,
            };
            exceeds(&tissue.grid, nearby, &changes, f64::from(decay), p.resolve_tolerance)
        };
        if !moves(job, nearby) {
            return;
        }
        // Debris is cleared everywhere alike; no other signal fades as a whole.
        if job.species == Species::Damage && fade(job, emitted) && !moves(job, nearby) {
            return;
        }
    }
    let memory = &mut job.memory;
    memory.source.clear();
    memory.source.extend_from_slice(emitted);
    job.field.resize(emitted.len(), 0.0);
    let warm = memory.solves > 0;
    let (sink, source) = (Given::Everywhere(decay), Given::Scaled(&memory.source, scale));
    let mut solver = solvers.take(&tissue.grid);
    solver.solve(sink, source, &mut job.field, warm, p.residual_tolerance, 12);
    solvers.give(solver);
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
    nearby: &mut Nearby,
    solvers: &Pool,
) {
    // Without any perfusion there is no plasma to relate to: keep what is there, unless mineral takes it.
    let is_taken = job.species == Species::Phosphate && !tissue.fields.uptake.is_empty();
    if !is_taken && perfused.iter().all(|&share| share == 0.0) {
        return;
    }
    let (mut sink, mut source) = (vec![0.0; perfused.len()], vec![0.0; perfused.len()]);
    build(p, arrows, tissue, perfused, job.species, &mut sink, &mut source);
    let warm = job.memory.plasma > 0.0;
    if warm && p.resolve_tolerance_plasma > 0.0 {
        let [old_sink, old_source] = job.memory.relative.each_ref().map(Sparse::column);
        // A look leaves the field as it is, to the last bit: a resumed run looks where one that went on does not.
        let factor = (1.0 / job.memory.plasma) as f32;
        let relative: Vec<f32> = job.field.iter().map(|x| x * factor).collect();
        let changes = Changes {
            u: &relative,
            sink: Some([&sink, &old_sink]),
            uniform: 0.0,
            source: [&source, &old_source],
            scale: 1.0,
        };
        // Without exchange with the vessels between, they reach far.
        let sink = math::square(tissue.grid.voxel_um / FAR_UM);
        if !exceeds(&tissue.grid, nearby, &changes, sink, p.resolve_tolerance_plasma) {
            return;
        }
    }
    stand_at(1.0, job);
    let memory = &mut job.memory;
    job.field.resize(source.len(), 0.0);
    let mut solver = solvers.take(&tissue.grid);
    solver.solve(&sink, &source, &mut job.field, warm, p.residual_tolerance, 12);
    solvers.give(solver);
    memory.relative = [Sparse::of(&sink), Sparse::of(&source)];
    memory.plasma = 1.0;
    memory.solves += 1;
}

/// What phosphate or inhibition is relative to.
fn plasma(tissue: &Tissue, species: Species) -> f64 {
    match species {
        Species::Phosphate => tissue.host.phosphate,
        _ => tissue.host.inhibition,
    }
}

/// Lets phosphate or inhibition stand at another plasma than before: 1 for the solution itself.
fn stand_at(plasma: f64, job: &mut Job) {
    let before = job.memory.plasma;
    if before > 0.0 && plasma != before {
        let factor = (plasma / before) as f32;
        job.field.iter_mut().for_each(|x| *x *= factor);
        job.memory.plasma = plasma;
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
    #[inline]
    fn at(&self, i: usize) -> f32 {
        let sink = self.sink.map_or(self.uniform, |[new, old]| new[i] - old[i]);
        self.scale * (self.source[0][i] - self.source[1][i]) - sink * self.u[i]
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

/// How far phosphate and inhibition reach [µm].
const FAR_UM: f64 = 800.0;

/// Whether what changed moves a field further than a tolerance. `sink` is its scaled sink.
fn exceeds(grid: &Grid, nearby: &mut Nearby, changes: &Changes, sink: f64, tolerance: f64) -> bool {
    nearby.clear(grid);
    let n = changes.u.len();
    for look in (0..n.div_ceil(LOOK)).map(|look| look * LOOK..n.min((look + 1) * LOOK)) {
        if !changes.none(look.clone()) {
            nearby.add_all(look, |i| changes.at(i));
        }
    }
    nearby.exceeds(sink, tolerance)
}

/// Lets a signal and the sources that it answers to fade by the share that fits the sources of now best; says whether they
/// did. A solution times a number is the solution of the sources times that number.
fn fade(job: &mut Job, emitted: &[f32]) -> bool {
    /// A change by less is none, and one by more is no fading.
    const LEAST: f64 = 1e-6;
    const MOST: f64 = 0.5;
    let old = &job.memory.source;
    let dot = |a: &[f32], b: &[f32]| par::ordered_sum(a.len(), |i| f64::from(a[i]) * f64::from(b[i]));
    let whole = dot(old, old);
    let share = if whole > 0.0 { dot(emitted, old) / whole } else { 1.0 };
    if !((share - 1.0).abs() > LEAST && (share - 1.0).abs() < MOST) {
        return false;
    }
    let share = share as f32;
    for column in [&mut job.field, &mut job.memory.source] {
        // What is hardly there is nothing: numbers below the normal ones are slow.
        column.iter_mut().for_each(|x| {
            let faded = *x * share;
            *x = if faded < 1e-30 { 0.0 } else { faded };
        });
    }
    true
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
