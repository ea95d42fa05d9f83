//! Haematocrits that a sweep leaves as they are.
//!
//! Two ways take turns. Anderson's method is fast near a state and where no flow turns
//! round; a trial of it ends when ten sweeps do not halve the change, and what it reached is thrown away. Between trials
//! the state moves by a share of each sweep's change: the first time by one share that falls to 0.05, later each vessel by
//! its own, halved when its change turns round and growing while it does not: many pairs of vessels that sway against each
//! other, each in its own time, are calmed at once.

use super::plan::Sweep;
use super::separation::DENSEST;
use crate::math;
use crate::solve::anderson::Anderson;

/// Where the search ended.
pub(super) struct Found {
    /// The sweep that changed least.
    pub sweep: Sweep,
    pub converged: bool,
    pub iterations: u32,
    /// Largest change of a haematocrit in that sweep.
    pub change: f64,
}

/// Smallest share of a sweep's change that the whole state moves by.
const FLOOR: f64 = 0.05;
/// Smallest share of a vessel of its own, and by how much it grows while the change keeps its sign.
const LEAST: f64 = 0.02;
const GROWTH: f64 = 1.2;
/// Sweeps in which a trial must halve the change.
const PATIENCE: u32 = 10;
/// Differences that Anderson's method remembers.
const MEMORY: usize = 6;
/// Damped sweeps before the second trial, and between later ones.
const DAMPED: [u32; 2] = [60, 40];

/// Up to so many vessels one share for all is tried first: in a larger network some pair always sways.
const FEW: usize = 10_000;

/// A vessel with less than this share of the inflow may turn round for ever where its two ends have one pressure: all that it
/// carries is less than the loss of red cells that a settled state may have, so its haematocrit is not asked.
const STILL: f64 = 1e-6;

/// One turn of the search.
enum Turn {
    /// A trial of Anderson's method: where it began, its history, its share, the change to halve and by when.
    Trial {
        from: Vec<f64>,
        mixer: Anderson<f64>,
        share: f64,
        last: f64,
        halve: f64,
        least: f64,
        by: u32,
    },
    /// Damped sweeps until this one.
    Damped { until: u32 },
}

fn trial(from: &[f64], share: f64, iteration: u32) -> Turn {
    Turn::Trial {
        from: from.to_vec(),
        mixer: Anderson::new(MEMORY),
        share,
        last: f64::INFINITY,
        halve: f64::INFINITY,
        least: f64::INFINITY,
        by: iteration + PATIENCE,
    }
}

/// Searches from `state` until no more red cells are lost, and no haematocrit changes more, than the limits say; `None` when
/// a sweep finds no finite state. `sweep` is told the latest change, for how far it must solve: 0 is all the way.
pub(super) fn find(
    mut state: Vec<f64>,
    [red_cells, haematocrit]: [f64; 2],
    most: u32,
    mut sweep: impl FnMut(&[f64], f64) -> Option<Sweep>,
) -> Option<Found> {
    let mut best: Option<(Vec<f64>, Found)> = None;
    let mut turn = trial(&state, 1.0, 0);
    let mut damped_share = 1.0;
    let mut damped = 0;
    let mut is_first = state.len() <= FEW;
    let mut own = vec![0.5; state.len()];
    let mut before = vec![0.0; state.len()];
    let mut latest = 1.0;
    let mut pause = DAMPED[0];
    for iteration in 1..=most.max(1) {
        let swept = sweep(&state, latest)?;
        // What is still takes the haematocrit of its node, whichever rounding says that is upstream: it must not hold up
        // the rest.
        for (s, x) in state.iter_mut().enumerate().filter(|&(s, _)| swept.is_still(s)) {
            *x = swept.haematocrit[s];
        }
        let gap: Vec<f64> = (swept.haematocrit.iter().zip(&state))
            .map(|(new, old)| new - old)
            .collect();
        let still = math::min(red_cells, STILL) * swept.inflow;
        let change = (gap.iter().zip(&swept.flow))
            .filter(|(_, q)| q.abs() > still)
            .fold(0.0, |most, (x, _)| math::max(most, x.abs()));
        let size = gap.iter().fold(0.0, |sum, g| sum + g * g).sqrt();
        let converged = change <= haematocrit && swept.rbc_imbalance <= red_cells;
        if best.as_ref().is_none_or(|(_, best)| change < best.change) || (converged && latest == 0.0) {
            let found = Found {
                sweep: swept,
                converged,
                iterations: iteration,
                change,
            };
            best = Some((state.clone(), found));
        }
        if converged && latest == 0.0 {
            return best.map(|(_, found)| found);
        }
        // A state that seems settled is swept once more with all blood in balance.
        latest = if converged { 0.0 } else { change };
        if converged {
            continue;
        }
        match &mut turn {
            Turn::Trial {
                from,
                mixer,
                share,
                last,
                halve,
                least,
                by,
            } => {
                *least = math::min(*least, size);
                let is_due = iteration == *by;
                if is_due && *least > 0.5 * *halve {
                    state.clone_from(from);
                    turn = Turn::Damped {
                        until: iteration + pause,
                    };
                    pause = DAMPED[1];
                    continue;
                }
                if is_due {
                    (*halve, *least, *by) = (*least, f64::INFINITY, iteration + PATIENCE);
                }
                *share = if size > *last {
                    math::max(FLOOR, 0.5 * *share)
                } else {
                    math::min(1.0, 1.05 * *share)
                };
                *last = size;
                mixer.step(&mut state, &gap, *share);
            }
            Turn::Damped { until } => {
                for i in 0..state.len() {
                    // Where several states are possible the first way leads to the one that others found too.
                    if is_first {
                        state[i] += damped_share * gap[i];
                        continue;
                    }
                    own[i] = if gap[i] * before[i] < 0.0 {
                        math::max(LEAST, 0.5 * own[i])
                    } else {
                        math::min(1.0, GROWTH * own[i])
                    };
                    state[i] += own[i] * gap[i];
                }
                before.clone_from(&gap);
                damped += 1;
                if damped % 5 == 0 {
                    damped_share = math::max(FLOOR, 0.8 * damped_share);
                }
                if iteration >= *until {
                    is_first = false;
                    turn = trial(&state, 0.3, iteration);
                }
            }
        }
        state.iter_mut().for_each(|x| *x = math::clamp(*x, 0.0, DENSEST));
    }
    let (state, found) = best?;
    Some(Found {
        sweep: sweep(&state, 0.0)?,
        iterations: most.max(1) + 1,
        ..found
    })
}
