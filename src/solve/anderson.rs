//! Anderson's method: a fixed point of x → G(x) found from a few remembered states.
//!
//! The next state is that mixture of the remembered states whose change G(x) − x is least, moved by a share of that
//! change. Where plain repetition creeps along one slow mode, two or three memories remove it.
//! Source: Anderson 1965 (doi 10.1145/321296.321305).

/// A number that a state may be made of.
pub trait Real: Copy {
    /// As f64.
    fn wide(self) -> f64;
    /// From f64.
    fn of(x: f64) -> Self;
}

impl Real for f64 {
    fn wide(self) -> f64 {
        self
    }
    fn of(x: f64) -> Self {
        x
    }
}

impl Real for f32 {
    fn wide(self) -> f64 {
        f64::from(self)
    }
    fn of(x: f64) -> Self {
        x as f32
    }
}

/// What is remembered: differences of successive states and of their changes.
#[derive(Clone, Debug)]
pub struct Anderson<T> {
    memory: usize,
    last: Option<(Vec<T>, Vec<T>)>,
    moves: Vec<(Vec<T>, Vec<T>)>,
}

impl<T: Real> Anderson<T> {
    /// Remembers so many differences.
    pub fn new(memory: usize) -> Self {
        Self {
            memory,
            last: None,
            moves: Vec::new(),
        }
    }

    /// Replaces a state by the next one. `change` is G(state) − state.
    pub fn step(&mut self, state: &mut [T], change: &[T], share: f64) {
        let subtract =
            |a: &[T], b: &[T]| -> Vec<T> { a.iter().zip(b).map(|(x, y)| T::of(x.wide() - y.wide())).collect() };
        if let Some((old, gap)) = &self.last {
            if self.moves.len() == self.memory && self.memory > 0 {
                self.moves.remove(0);
            }
            self.moves.push((subtract(state, old), subtract(change, gap)));
        }
        self.last = Some((state.to_vec(), change.to_vec()));
        let weight = self.weights(change);
        for (i, x) in state.iter_mut().enumerate() {
            let mut next = x.wide() + share * change[i].wide();
            for (w, (dx, dg)) in weight.iter().zip(&self.moves) {
                next -= w * (dx[i].wide() + share * dg[i].wide());
            }
            *x = T::of(next);
        }
    }

    /// Least squares by its normal equations, with a grain that keeps them solvable.
    fn weights(&self, change: &[T]) -> Vec<f64> {
        let m = self.moves.len();
        let mut rows: Vec<Vec<f64>> = (0..m)
            .map(|i| {
                let own = &self.moves[i].1;
                (self.moves.iter().map(|(_, other)| dot(own, other)))
                    .chain([dot(own, change)])
                    .collect()
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

fn dot<T: Real>(a: &[T], b: &[T]) -> f64 {
    a.iter().zip(b).fold(0.0, |sum, (x, y)| sum + x.wide() * y.wide())
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
