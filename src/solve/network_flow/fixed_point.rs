//! Haematocrits that a sweep leaves as they are.
//!
//! Two ways take turns. Anderson's method (1965, doi 10.1145/321296.321305) is fast near a state and where no flow turns
//! round; a trial of it ends when ten sweeps do not halve the change, and what it reached is thrown away. Between trials
//! the state moves by a share of each sweep's change that falls to 0.05: slow, and it finds the way where flows turn.

use super::plan::Sweep;
use super::separation::DENSEST;
use crate::math;

/// Where the search ended.
pub(super) struct Found {
    /// The sweep that changed least.
    pub sweep: Sweep,
    pub converged: bool,
    pub iterations: u32,
    /// Largest change of a haematocrit in that sweep.
    pub change: f64,
}

/// Smallest share of a sweep's change that the state moves by.
const FLOOR: f64 = 0.05;
/// Sweeps in which a trial must halve the change.
const PATIENCE: u32 = 10;
/// States that Anderson's method remembers.
const MEMORY: usize = 6;
/// Damped sweeps before the second trial, and between later ones.
const DAMPED: [u32; 2] = [60, 40];

/// One turn of the search.
enum Turn {
    /// A trial of Anderson's method: where it began, its history, its share, the change to halve and by when.
    Trial {
        from: Vec<f64>,
        history: Vec<(Vec<f64>, Vec<f64>)>,
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
        history: Vec::new(),
        share,
        last: f64::INFINITY,
        halve: f64::INFINITY,
        least: f64::INFINITY,
        by: iteration + PATIENCE,
    }
}

/// Searches from `state`; `None` when a sweep finds no finite state.
pub(super) fn find(
    mut state: Vec<f64>,
    tolerance: f64,
    most: u32,
    mut sweep: impl FnMut(&[f64]) -> Option<Sweep>,
) -> Option<Found> {
    let mut best: Option<Found> = None;
    let mut turn = trial(&state, 1.0, 0);
    let mut damped_share = 1.0;
    let mut damped = 0;
    let mut pause = DAMPED[0];
    for iteration in 1..=most.max(1) {
        let swept = sweep(&state)?;
        let gap: Vec<f64> = (swept.haematocrit.iter().zip(&state))
            .map(|(new, old)| new - old)
            .collect();
        let change = gap.iter().fold(0.0, |most, x| math::max(most, x.abs()));
        let size = dot(&gap, &gap).sqrt();
        let converged = change <= tolerance && swept.rbc_imbalance <= tolerance;
        if converged || best.as_ref().is_none_or(|best| change < best.change) {
            best = Some(Found {
                sweep: swept,
                converged,
                iterations: iteration,
                change,
            });
        }
        if let Some(best) = &mut best {
            best.iterations = iteration;
        }
        if converged {
            break;
        }
        match &mut turn {
            Turn::Trial {
                from,
                history,
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
                history.push((state.clone(), gap));
                if history.len() > MEMORY + 1 {
                    history.remove(0);
                }
                state = anderson(history, *share);
            }
            Turn::Damped { until } => {
                damped += 1;
                if damped % 5 == 0 {
                    damped_share = math::max(FLOOR, 0.8 * damped_share);
                }
                for (x, g) in state.iter_mut().zip(&gap) {
                    *x += damped_share * g;
                }
                if iteration >= *until {
                    turn = trial(&state, 0.3, iteration);
                }
            }
        }
        state.iter_mut().for_each(|x| *x = math::clamp(*x, 0.0, DENSEST));
    }
    best
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).fold(0.0, |sum, (x, y)| sum + x * y)
}

/// The next state: that mixture of the remembered states whose change is least, moved by a share of that change.
fn anderson(history: &[(Vec<f64>, Vec<f64>)], share: f64) -> Vec<f64> {
    let Some(((state, gap), _)) = history.split_last() else {
        return Vec::new();
    };
    let mut next: Vec<f64> = state.iter().zip(gap).map(|(x, g)| x + share * g).collect();
    let difference = |a: &[f64], b: &[f64]| -> Vec<f64> { a.iter().zip(b).map(|(x, y)| x - y).collect() };
    let moves: Vec<(Vec<f64>, Vec<f64>)> = history
        .windows(2)
        .map(|pair| (difference(&pair[1].0, &pair[0].0), difference(&pair[1].1, &pair[0].1)))
        .collect();
    let m = moves.len();
    // Least squares by its normal equations, with a grain that keeps them solvable; right side in the last column.
    let mut rows: Vec<Vec<f64>> = (0..m)
        .map(|i| {
            (0..m)
                .map(|j| dot(&moves[i].1, &moves[j].1))
                .chain([dot(&moves[i].1, gap)])
                .collect()
        })
        .collect();
    let trace = (0..m).fold(0.0, |sum, i| sum + rows[i][i]);
    for i in 0..m {
        rows[i][i] = rows[i][i] * (1.0 + 1e-10) + 1e-14 * trace;
    }
    for k in 0..m {
        if rows[k][k] <= 0.0 {
            return next;
        }
        for i in k + 1..m {
            let factor = rows[i][k] / rows[k][k];
            for j in k..=m {
                rows[i][j] -= factor * rows[k][j];
            }
        }
    }
    let mut weight = vec![0.0; m];
    for k in (0..m).rev() {
        let known = (k + 1..m).fold(rows[k][m], |rest, j| rest - rows[k][j] * weight[j]);
        weight[k] = known / rows[k][k];
    }
    for (w, (dx, dg)) in weight.iter().zip(&moves) {
        for i in 0..next.len() {
            next[i] -= w * (dx[i] + share * dg[i]);
        }
    }
    next
}
