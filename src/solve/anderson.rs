//! Anderson's method: a fixed point of x → G(x) found from a few remembered states.
//!
//! The next state is that mixture of the remembered states whose change G(x) − x is least, moved by a share of that
//! change. Where plain repetition creeps along one slow mode, two or three memories remove it.
//! Source: Anderson 1965 (doi 10.1145/321296.321305).

use std::ops::{Add, Mul, Sub};

/// A number that a state may be made of.
pub trait Real: Copy + Default + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> {
    /// From f64.
    fn of(x: f64) -> Self;
    /// Σ a b, in a fixed order.
    fn dot(a: &[Self], b: &[Self]) -> f64;
}

/// Numbers that are added side by side: no chain of additions to wait for.
const LANES: usize = 8;

impl Real for f64 {
    fn of(x: f64) -> Self {
        x
    }

    fn dot(a: &[Self], b: &[Self]) -> f64 {
        let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
        let mut sums = [0.0; LANES];
        for (a, b) in a.iter().zip(b) {
            for k in 0..LANES {
                sums[k] += a[k] * b[k];
            }
        }
        let rest = a_rest.iter().zip(b_rest).fold(0.0, |sum, (a, b)| sum + a * b);
        sums.iter().fold(rest, |sum, lane| sum + lane)
    }
}

impl Real for f32 {
    fn of(x: f64) -> Self {
        x as f32
    }

    /// Short sums in f32, their sum in f64: weights of a mixture need no more.
    fn dot(a: &[Self], b: &[Self]) -> f64 {
        const SHORT: usize = 32 * LANES;
        let mut sum = 0.0;
        for (a, b) in a.chunks(SHORT).zip(b.chunks(SHORT)) {
            let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
            let mut sums = [0.0f32; LANES];
            for (a, b) in a.iter().zip(b) {
                for k in 0..LANES {
                    sums[k] += a[k] * b[k];
                }
            }
            let rest = a_rest.iter().zip(b_rest).fold(0.0f32, |sum, (a, b)| sum + a * b);
            sum += sums.iter().fold(f64::from(rest), |sum, &lane| sum + f64::from(lane));
        }
        sum
    }
}

/// A difference of two successive states, and that of their changes.
#[derive(Clone, Debug)]
struct Move<T> {
    state: Vec<T>,
    change: Vec<T>,
}

/// What is remembered: differences of successive states and of their changes, with the products of the latter.
#[derive(Clone, Debug)]
pub struct Anderson<T> {
    memory: usize,
    last: Option<Move<T>>,
    moves: Vec<Move<T>>,
    /// `products[i][j]` of the changes of moves i and j ≤ i.
    products: Vec<Vec<f64>>,
}

impl<T: Real> Anderson<T> {
    /// Remembers so many differences.
    pub fn new(memory: usize) -> Self {
        Self {
            memory,
            last: None,
            moves: Vec::new(),
            products: Vec::new(),
        }
    }

    /// Forgets everything.
    pub fn forget(&mut self) {
        self.last = None;
        self.moves.clear();
        self.products.clear();
    }

    /// Replaces a state by the next one. `change` is G(state) − state.
    pub fn step(&mut self, state: &mut [T], change: &[T], share: f64) {
        if self.memory > 0 {
            self.remember(state, change);
        }
        let weight = self.weights(change);
        const BLOCK: usize = 64;
        let mut next = [T::default(); BLOCK];
        let share = T::of(share);
        for (b, (x, c)) in state.chunks_mut(BLOCK).zip(change.chunks(BLOCK)).enumerate() {
            let (n, start) = (x.len(), b * BLOCK);
            let next = &mut next[..n];
            for i in 0..n {
                next[i] = share * c[i];
            }
            for (&w, Move { state: dx, change: dg }) in weight.iter().zip(&self.moves) {
                let (w, ws) = (T::of(w), T::of(w) * share);
                let (dx, dg) = (&dx[start..][..n], &dg[start..][..n]);
                for i in 0..n {
                    next[i] = next[i] - (w * dx[i] + ws * dg[i]);
                }
            }
            for i in 0..n {
                x[i] = x[i] + next[i];
            }
        }
    }

    /// Takes the latest state in; the oldest move makes room.
    fn remember(&mut self, state: &[T], change: &[T]) {
        let Some(last) = &mut self.last else {
            self.last = Some(Move {
                state: state.to_vec(),
                change: change.to_vec(),
            });
            return;
        };
        let mut latest = if self.moves.len() == self.memory {
            self.products.remove(0);
            self.products.iter_mut().for_each(|row| {
                row.remove(0);
            });
            self.moves.remove(0)
        } else {
            let none = vec![T::default(); state.len()];
            Move {
                state: none.clone(),
                change: none,
            }
        };
        let columns = [
            (&mut latest.state, &mut last.state, state),
            (&mut latest.change, &mut last.change, change),
        ];
        for (moved, old, new) in columns {
            for ((moved, old), &new) in moved.iter_mut().zip(old).zip(new) {
                *moved = new - *old;
                *old = new;
            }
        }
        let mut row: Vec<f64> = (self.moves.iter()).map(|m| T::dot(&m.change, &latest.change)).collect();
        row.push(T::dot(&latest.change, &latest.change));
        self.products.push(row);
        self.moves.push(latest);
    }

    /// Least squares by its normal equations, with a grain that keeps them solvable.
    fn weights(&self, change: &[T]) -> Vec<f64> {
        let m = self.moves.len();
        let product = |i: usize, j: usize| self.products[i.max(j)][i.min(j)];
        let mut rows: Vec<Vec<f64>> = (0..m)
            .map(|i| {
                let right = T::dot(&self.moves[i].change, change);
                (0..m).map(|j| product(i, j)).chain([right]).collect()
            })
            .collect();
        let trace = (0..m).fold(0.0, |sum, i| sum + rows[i][i]);
        for i in 0..m {
            rows[i][i] = rows[i][i] * (1.0 + 1e-10) + 1e-14 * trace;
        }
        for k in 0..m {
            if rows[k][k] <= 0.0 {
                return Vec::new();
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
        weight
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// x → M x + b with two slow modes: plain repetition needs hundreds of steps.
    #[test]
    fn two_slow_modes_are_gone_after_a_few_steps() {
        let map = |x: &[f64]| [0.97 * x[0] + 1.0, 0.9 * x[1] - 2.0, 0.1 * x[2] + 0.5];
        let mut state = [0.0; 3];
        let mut mixer = Anderson::new(3);
        for _ in 0..6 {
            let image = map(&state);
            let change = [0, 1, 2].map(|i| image[i] - state[i]);
            mixer.step(&mut state, &change, 1.0);
        }
        for (x, expected) in state.iter().zip([1.0 / 0.03, -20.0, 0.5 / 0.9]) {
            assert!((x - expected).abs() < 1e-6 * expected.abs(), "{x} {expected}");
        }
    }

    #[test]
    fn without_memory_it_is_plain_repetition() {
        let mut state = [1.0f32];
        Anderson::new(0).step(&mut state, &[0.5], 0.4);
        assert_eq!(state, [1.2]);
    }
}
