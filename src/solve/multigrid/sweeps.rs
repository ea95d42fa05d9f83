//! Sweeps on the finest level alone: for what cycles have left, and for implicit steps.
//!
//! Where every voxel holds on to what it has, as in an implicit step, they do without cycles. With n faces and a sink K at
//! least everywhere, Jacobi's iteration shrinks an error by μ = n/(n + K) or better. Chebyshev's factors on red–black
//! sweeps then shrink it by 1/T_m(1/μ) in m half sweeps: for K = 1 in a block 10⁴ times in 17, all of them while a
//! tile is in cache. Beyond [`MOST`] a cycle through all levels costs less.
//! Source: Golub and Varga 1961, «Chebyshev semi-iterative methods, successive overrelaxation iterative methods, and second
//! order Richardson iterative methods. Part I», Numer. Math. 3:147-156.

use super::Multigrid;
use super::cycle::Act;
use super::width::Width;
use crate::math;

/// Half sweeps that cost what the cycles instead of them would.
const MOST: f64 = 24.0;
/// Residual of the start of a step, as a share of its sources, by which is guessed how many it will take.
const START: f64 = 0.1;
/// Acts of one wave: more of them hold more planes than fit the second-level cache.
const ACTS: usize = 9;
/// Attempts before the levels are asked.
const ATTEMPTS: u32 = 3;

/// Half sweeps, and the norm of the residual behind them.
pub(super) struct Swept {
    pub(super) half_sweeps: u32,
    pub(super) norm: f64,
}

impl Multigrid {
    /// Sweeps until the norm of the residual has come down to `aim`; `scale` is that of the sources. Answers nothing, and
    /// does nothing, where cycles are the better way.
    pub(super) fn sweep<W: Width>(&mut self, least_sink: f32, scale: f64, aim: f64) -> Option<Swept> {
        let level = &self.levels[0];
        let faces = 2.0 * level.axes.iter().filter(|axis| axis.n > 1).count() as f64;
        let slowest = faces / (faces + f64::from(least_sink));
        // T_m(x) is about half of the m-th power of this. The last half sweep is a plain one.
        let growth = math::ln(1.0 / slowest + (1.0 / (slowest * slowest) - 1.0).sqrt());
        let needed = |norm: f64| math::ln(2.0 * norm / aim) / growth + 1.0;
        let is_fit = !level.has_seam() && faces > 0.0 && least_sink > 0.0 && aim > 0.0;
        if !is_fit || needed(START * scale) > MOST {
            return None;
        }
        let mut swept = Swept {
            half_sweeps: 0,
            norm: f64::INFINITY,
        };
        for _ in 0..ATTEMPTS {
            let (start, done) = self.first_wave::<W>(slowest);
            swept.half_sweeps += done;
            // An odd number, for they begin and end with black. More than MOST, or no number, is left to the levels.
            let all = needed(start);
            let is_few = all <= MOST;
            let rest = if is_few {
                (all.ceil() as u32 | 1).saturating_sub(done)
            } else {
                0
            };
            let rest = rest.max(1);
            swept.norm = self.last_waves::<W>(slowest, done, rest);
            swept.half_sweeps += rest;
            if swept.norm <= aim || !is_few {
                break;
            }
        }
        Some(swept)
    }

    /// A plain sweep, or two where one will not do, behind cycles; the residual is `ratio` times too large. Answers its norm.
    pub(super) fn finish<W: Width>(&mut self, ratio: f64) -> (u32, f64) {
        /// What one sweep takes away.
        const ONE: f64 = 1.7;
        let sweep = [Act::Relax(0), Act::Relax(1)];
        let acts = if ratio <= ONE {
            [&sweep[..], &[Act::Norm]].concat()
        } else {
            [&sweep[..], &sweep[..], &[Act::Norm]].concat()
        };
        (acts.len() as u32 - 1, self.wave::<W>(0, &acts).sqrt())
    }

    /// The norm of the residual, and the half sweeps that every attempt begins with: in one wave, before it is known how
    /// many it takes.
    fn first_wave<W: Width>(&mut self, slowest: f64) -> (f64, u32) {
        let relaxes = half_sweeps(slowest, 0..ACTS as u32 - 1);
        let done = relaxes.len() as u32;
        let acts = [&[Act::FullNorm], relaxes.as_slice()].concat();
        (self.wave::<W>(0, &acts).sqrt(), done)
    }

    /// The half sweeps behind `done`, the last a plain one of black, and the norm of what is left: in red alone.
    fn last_waves<W: Width>(&mut self, slowest: f64, done: u32, rest: u32) -> f64 {
        let mut acts = half_sweeps(slowest, done..done + rest);
        if let Some(last) = acts.last_mut() {
            *last = Act::Relax(1);
        }
        acts.push(Act::Norm);
        let mut sum = 0.0;
        for acts in acts.chunks(ACTS) {
            sum += self.wave::<W>(0, acts);
        }
        sum.sqrt()
    }
}

/// Half sweeps by their numbers, from 0: black first, over-relaxed by Chebyshev's factors.
fn half_sweeps(slowest: f64, numbers: std::ops::Range<u32>) -> Vec<Act> {
    let square = slowest * slowest;
    let mut over = 1.0;
    let mut acts = Vec::with_capacity(numbers.len() + 1);
    for number in 0..numbers.end {
        let colour = 1 - (number % 2) as usize;
        if number >= numbers.start {
            acts.push(if number == 0 {
                Act::Relax(colour)
            } else {
                Act::RelaxOver(colour, over as f32)
            });
        }
        over = 1.0 / (1.0 - square * over / if number == 0 { 2.0 } else { 4.0 });
    }
    acts
}
