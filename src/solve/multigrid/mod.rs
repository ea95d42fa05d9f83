//! Geometric multigrid for quasi-steady fields.
//!
//! ```text
//! Σ_faces G (u − u_neighbour) + K u = S        (one equation per voxel)
//! ```
//!
//! from −∇·(D∇u) + κu = g with K = κh²/D and S = gh²/D, h the voxel edge. κ ≥ 0 varies by
//! voxel; faces without neighbour carry no flux; a Robin or Dirichlet face is a term in K
//! and S ([`surface_exchange`]); x and y may wrap. An implicit Euler step is the same equation
//! with κ + 1/Δt and g + u_old/Δt; where that holds fast enough, sweeps do without the levels (`sweeps.rs`).
//!
//! Coarsening joins pairs of voxels in each long axis; a coarse axis keeps the true widths, so any extent
//! works. Residuals are summed, corrections interpolated linearly, the operator is rediscretised; the last few voxels
//! are solved outright. Smoothing is red–black Gauss–Seidel, V(2,1), a plane at a time (`cycle.rs`), colours apart
//! (`level.rs`), as wide as the machine allows (`width.rs`). A ring of odd length meets itself in one colour: its ends are
//! solved together in x, one after the other in y. The order does not depend on threads. Sums are f64.
//! Source: Trottenberg, Oosterlee, Schüller, «Multigrid» (2001), ch. 2, 5 and 6.

mod axis;
mod coarsest;
mod column;
mod cycle;
mod given;
mod hot;
mod hot_transfer;
mod kernels;
mod level;
#[cfg(test)]
mod plain;
mod pool;
mod sweeps;
#[cfg(test)]
mod tests;
mod width;

use std::ops::Range;

use crate::grid::Grid;
use axis::Axis;
use coarsest::Direct;
use cycle::{Act, Scratch, coarsen, wave};
pub use given::Given;
use hot::Survey;
use level::{Level, Part};
pub use pool::Pool;
pub use width::Simd;
use width::{Width, Work, run};

/// How a solve ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    /// V-cycles done.
    pub cycles: u32,
    /// Half sweeps done instead of them by an implicit step, and behind the last cycle.
    pub half_sweeps: u32,
    /// ‖S − Au‖₂ / ‖S‖₂ at the end.
    pub residual: f64,
    /// Whether the tolerance was met.
    pub converged: bool,
}

/// A multigrid solver for one grid. Holds work space only: results do not depend on what it solved before.
#[derive(Clone, Debug)]
pub struct Multigrid {
    shape: ([usize; 3], bool),
    levels: Vec<Level>,
    direct: Direct,
    scratch: Scratch,
    simd: Simd,
}

/// What a cycle begins with.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Begin {
    /// The field as it is.
    Warm,
    /// The same, whose residual is asked for.
    Measured,
    /// The field as it is, and the balance of the whole holds to the last digits ([`Act::RestrictAll`]).
    Balanced,
    /// The field of the next coarser level.
    FromCoarse,
    /// Nothing.
    Nothing,
}

impl Multigrid {
    /// A solver for the voxels of a grid.
    pub fn new(grid: &Grid) -> Self {
        Self::with_simd(grid, Simd::now())
    }

    /// A solver that works at a given width.
    pub fn with_simd(grid: &Grid, simd: Simd) -> Self {
        // Thin axes count for nothing.
        let all = [(grid.nx, grid.periodic), (grid.ny, grid.periodic), (grid.nz, false)];
        let mut long: Vec<(usize, bool)> = all.into_iter().filter(|&(n, _)| n > 1).collect();
        long.resize(3, (1, false));
        let mut axes = [0, 1, 2].map(|d| Axis::new(vec![1.0; long[d].0], long[d].1));
        let mut levels = Vec::new();
        loop {
            let coarser = axes.each_ref().map(Axis::coarser);
            let stops = (0..3).all(|d| coarser[d].n == axes[d].n);
            levels.push(Level::new(axes, &coarser));
            if stops {
                break;
            }
            axes = coarser;
        }
        Self {
            shape: ([grid.nx, grid.ny, grid.nz], grid.periodic),
            levels,
            direct: Direct::default(),
            scratch: Scratch::default(),
            simd,
        }
    }

    /// Whether it solves for a grid of this shape.
    pub fn fits(&self, grid: &Grid) -> bool {
        self.shape == ([grid.nx, grid.ny, grid.nz], grid.periodic)
    }

    /// Voxels that it solves for.
    pub fn len(&self) -> usize {
        self.levels[0].len()
    }

    /// Whether there is no voxel.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes that it holds.
    pub fn bytes(&self) -> usize {
        self.levels.iter().map(Level::bytes).sum::<usize>() + self.scratch.bytes()
    }

    /// Solves for `u`, starting from its content (`warm`) or from nothing, until ‖S − Au‖₂ ≤ tolerance·‖S‖₂
    /// or `max_cycles` V(2,1) cycles. `sink` is K ≥ 0, `source` is S, both scaled as the module says.
    pub fn solve<'a>(
        &mut self,
        sink: impl Into<Given<'a>>,
        source: impl Into<Given<'a>>,
        u: &mut [f32],
        warm: bool,
        tolerance: f64,
        max_cycles: u32,
    ) -> Outcome {
        run(
            self.simd,
            Solve {
                solver: self,
                sink: sink.into(),
                source: source.into(),
                u,
                warm,
                tolerance,
                max_cycles,
            },
        )
    }

    /// So many cycles from the content of `u`, without a test of convergence: for outer iterations that re-linearise.
    pub fn improve(&mut self, sink: &[f32], source: &[f32], u: &mut [f32], cycles: u32) {
        run(
            self.simd,
            Improve {
                solver: self,
                sink,
                source,
                u,
                cycles,
            },
        );
    }

    /// Counts the unknown from `level`: the sources are what they lack to hold it.
    fn set_level<W: Width>(&mut self, sink: Given, source: Given, level: f32) {
        if level == 0.0 {
            return;
        }
        let mut rooms = (Vec::new(), Vec::new());
        let from_level = |voxels: Range<usize>, row: &mut [f32]| {
            let sinks = sink.of(voxels.clone(), &mut rooms.0);
            let columns = source.of(voxels, &mut rooms.1).iter().zip(sinks);
            for (out, (&source, &sink)) in row.iter_mut().zip(columns) {
                *out = (f64::from(source) - f64::from(sink) * f64::from(level)) as f32;
            }
        };
        self.levels[0].deal_each::<W>(from_level, Part::Source);
    }

    /// Sums the sinks up for the coarser levels: what a cycle reads beside the problem.
    fn set_levels<W: Width>(&mut self) {
        self.sum_up::<W>(Part::Sink);
        if let Some(last) = self.levels.last() {
            self.direct.prepare(last);
        }
    }

    /// Takes a field to start from, counted from `level`.
    fn set_start<W: Width>(&mut self, u: &[f32], level: f32) {
        if level == 0.0 {
            return self.levels[0].deal::<W>(u, Part::U);
        }
        let from_level = |voxels: Range<usize>, row: &mut [f32]| {
            for (out, &u) in row.iter_mut().zip(&u[voxels]) {
                *out = u - level;
            }
        };
        self.levels[0].deal_each::<W>(from_level, Part::U);
    }

    /// Sums a column up, level by level.
    fn sum_up<W: Width>(&mut self, part: Part) {
        for l in 1..self.levels.len() {
            let (fine, coarse) = self.levels.split_at_mut(l);
            coarsen::<W>(&mut fine[l - 1], &mut coarse[0], part, &mut self.scratch);
        }
    }

    /// Where sinks are so weak that a field stands far above its sources, its mean: f32 then holds the difference only,
    /// else it could not tell the residual from its own rounding. 0 for a field that falls to nothing away from them.
    fn level_of_field(&self, seen: &Survey) -> f32 {
        /// The extent may be so many reaches 1/√K, squared.
        const FAR: f64 = 100.0;
        let longest = self.levels[0].n().into_iter().fold(1, usize::max) as f64;
        if seen.sinks() > 0.0 && seen.sinks() / self.len() as f64 * longest * longest < FAR {
            (seen.sources() / seen.sinks()) as f32
        } else {
            0.0
        }
    }

    fn residual_norm<W: Width>(&mut self) -> f64 {
        self.wave::<W>(0, &[Act::FullNorm]).sqrt()
    }

    /// Acts on the planes of level l; the coarsest level stands in where there is no coarser one.
    fn wave<W: Width>(&mut self, l: usize, acts: &[Act]) -> f64 {
        if l + 1 == self.levels.len() {
            let mut nothing = Level::new(
                [0; 3].map(|_| Axis::new(Vec::new(), false)),
                &[0; 3].map(|_| Axis::new(Vec::new(), false)),
            );
            return wave::<W>(&mut self.levels[l], &mut nothing, acts, &mut self.scratch);
        }
        let (fine, coarse) = self.levels.split_at_mut(l + 1);
        wave::<W>(&mut fine[l], &mut coarse[0], acts, &mut self.scratch)
    }

    /// Coarse to fine, one cycle on each level. Answers the norm of the residual if asked.
    fn full_multigrid<W: Width>(&mut self, measures: bool) -> f64 {
        self.sum_up::<W>(Part::Source);
        let last = self.levels.len() - 1;
        self.direct.solve(&mut self.levels[last]);
        if last == 0 {
            return self.residual_norm::<W>();
        }
        // Cycles below level l overwrite the sources there; level l and finer ones keep theirs.
        for l in (0..last).rev() {
            self.descend::<W>(l, Begin::FromCoarse);
            if l == 0 {
                return self.ascend::<W>(l, measures);
            }
            self.ascend::<W>(l, false);
        }
        f64::INFINITY
    }

    /// The way down of a V(2,1) on level l alone. With [`Begin::Measured`] answers the norm of the residual before it.
    ///
    /// Half sweeps go a little too far, but for the last of black, which so is left without a residual: that saves a
    /// cycle (factors by trial, docs/performance.md).
    fn descend<W: Width>(&mut self, l: usize, begin: Begin) -> f64 {
        const FAR: f32 = 1.1;
        const SMOOTH: [Act; 4] = [
            Act::RelaxOver(1, FAR),
            Act::RelaxOver(0, FAR),
            Act::Relax(1),
            Act::Restrict,
        ];
        const WARM: Act = Act::RelaxOver(0, FAR);
        let acts = match begin {
            Begin::Warm => [&[WARM], SMOOTH.as_slice()].concat(),
            Begin::Measured => [&[Act::FullNorm, WARM], SMOOTH.as_slice()].concat(),
            Begin::Balanced => [&[WARM], &SMOOTH[..3], &[Act::RestrictAll]].concat(),
            Begin::FromCoarse => [&[Act::Inject, Act::Relax(0)], SMOOTH.as_slice()].concat(),
            // Black holds what an earlier cycle left: it must not be gone on from.
            Begin::Nothing => [&[Act::Start, Act::Relax(1)], &SMOOTH[1..]].concat(),
        };
        if l + 1 == self.levels.len() {
            return if begin == Begin::Measured {
                self.residual_norm::<W>()
            } else {
                0.0
            };
        }
        if begin == Begin::FromCoarse || begin == Begin::Nothing {
            self.levels[l].forget();
        }
        self.wave::<W>(l, &acts).sqrt()
    }

    /// The rest of a cycle on level l: all that is below, and the way up. Answers the norm of the residual if asked.
    fn ascend<W: Width>(&mut self, l: usize, measures: bool) -> f64 {
        const UP: [Act; 4] = [Act::Correct, Act::RelaxOver(0, 1.07), Act::Relax(1), Act::Norm];
        let last = self.levels.len() - 1;
        for below in l + 1..last {
            self.descend::<W>(below, Begin::Nothing);
        }
        self.direct.solve(&mut self.levels[last]);
        for below in (l + 1..last).rev() {
            self.wave::<W>(below, &[Act::Correct, Act::Relax(0), Act::Relax(1)]);
        }
        if l == last {
            return if measures {
                self.residual_norm::<W>()
            } else {
                f64::INFINITY
            };
        }
        if measures {
            self.wave::<W>(l, &UP).sqrt()
        } else {
            self.wave::<W>(l, &UP[..3]);
            f64::INFINITY
        }
    }
}

struct Solve<'a> {
    solver: &'a mut Multigrid,
    sink: Given<'a>,
    source: Given<'a>,
    u: &'a mut [f32],
    warm: bool,
    tolerance: f64,
    max_cycles: u32,
}

/// So many times the aim is left to sweeps: what a cycle leaves is rough, and each sweep takes half of it for a fifth of
/// the cost of a cycle.
const NEARLY: f64 = 2.5;

/// A tolerance that a cold start may meet before its first cycle.
const LOOSE: f64 = 3e-3;

impl Work for Solve<'_> {
    type Result = Outcome;

    fn at<W: Width>(self) -> Outcome {
        let Self {
            solver,
            sink,
            source,
            u,
            warm,
            tolerance,
            max_cycles,
        } = self;
        let seen = solver.levels[0].deal_problem::<W>(sink, source);
        let scale = seen.source_squares().sqrt();
        if scale == 0.0 && seen.sinks() > 0.0 {
            // Nothing comes in: the answer is nothing.
            u.fill(0.0);
            return Outcome {
                cycles: 0,
                half_sweeps: 0,
                residual: 0.0,
                converged: true,
            };
        }
        let level = solver.level_of_field(&seen);
        solver.set_level::<W>(sink, source, level);
        let mut outcome = Outcome {
            cycles: 0,
            half_sweeps: 0,
            residual: f64::INFINITY,
            converged: false,
        };
        let aim = tolerance * scale;
        let (mut norm, mut is_down);
        if warm {
            solver.set_start::<W>(u, level);
            if let Some(swept) = solver.sweep::<W>(seen.least_sink(), scale, aim) {
                outcome.half_sweeps = swept.half_sweeps;
                (norm, is_down) = (swept.norm, false);
            } else {
                // The first way down, which costs less than to look at the whole field for its residual alone.
                (norm, is_down) = (solver.descend::<W>(0, Begin::Measured), true);
            }
            if norm > aim {
                solver.set_levels::<W>();
            }
        } else {
            solver.set_levels::<W>();
            (norm, is_down) = (solver.full_multigrid::<W>(tolerance >= LOOSE), false);
        }
        while norm > aim && outcome.cycles < max_cycles {
            if !is_down {
                solver.descend::<W>(0, Begin::Warm);
            }
            norm = solver.ascend::<W>(0, true);
            is_down = false;
            outcome.cycles += 1;
            if norm > aim && norm <= NEARLY * aim {
                let (half_sweeps, left) = solver.finish::<W>(norm / aim);
                outcome.half_sweeps += half_sweeps;
                norm = left;
            }
        }
        if norm == f64::INFINITY {
            norm = solver.residual_norm::<W>();
        }
        solver.levels[0].gather::<W>(u, level);
        outcome.residual = norm / scale;
        outcome.converged = norm <= aim;
        outcome
    }
}

struct Improve<'a> {
    solver: &'a mut Multigrid,
    sink: &'a [f32],
    source: &'a [f32],
    u: &'a mut [f32],
    cycles: u32,
}

impl Work for Improve<'_> {
    type Result = ();

    fn at<W: Width>(self) {
        let solver = self.solver;
        let u = self.u;
        // Differences from the mean: what rounding takes from the balance shrinks with them.
        let level = (W::sum(u) / u.len() as f64) as f32;
        solver.levels[0].deal::<W>(self.sink, Part::Sink);
        solver.levels[0].deal::<W>(self.source, Part::Source);
        solver.set_level::<W>(self.sink.into(), self.source.into(), level);
        solver.set_levels::<W>();
        solver.set_start::<W>(u, level);
        for _ in 0..self.cycles {
            solver.descend::<W>(0, Begin::Balanced);
            solver.ascend::<W>(0, false);
        }
        solver.levels[0].gather::<W>(u, level);
    }
}

/// Scaled exchange K of a surface voxel with an outside behind a barrier: conductance per area [µm/s] times h/D.
/// Add it to K, and K × outside value to S.
pub fn surface_exchange(conductance_um_per_s: f64, voxel_um: f64, diffusivity_um2_per_s: f64) -> f32 {
    (conductance_um_per_s * voxel_um / diffusivity_um2_per_s) as f32
}
