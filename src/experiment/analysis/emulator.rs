//! A cheap stand-in for a model: a Gaussian process that says how wrong it may be.
//!
//! Chosen over a quadratic with a residual variance because thresholds bend outputs of this model sharply: a quadratic's
//! one residual would be too large on the flat parts and too small at the edge. Linear trend with a vague prior, Matérn 5/2
//! kernel with one length per factor, the known noise of seeds, and a nugget for what none of these catch. Lengths are
//! those of greatest posterior density; predictions are checked by leaving each run out, and the variance is raised until
//! it agrees with that check.

use crate::experiment::matrix::{Cholesky, dot};
use crate::math;

/// Most runs by which lengths are chosen; all runs are used for predictions.
const MOST_TUNED: usize = 160;
/// Prior variance of the trend, in units of the variance of the output.
const VAGUE: f64 = 10.0;

/// What is expected at a point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prediction {
    /// Expected mean output.
    pub mean: f64,
    /// Variance of that expectation: emulator alone, no seeds.
    pub variance: f64,
}

/// How predictions hold when each run is left out in turn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Check {
    /// Share of the variance of the outputs that is predicted; below 0 = worse than their mean.
    pub predicted_share: f64,
    /// Share of runs within two standard deviations of their prediction, before the variance was raised.
    pub within_two_sd: f64,
    /// By what the variance was multiplied, at least 1.
    pub raised: f64,
}

/// A fitted emulator of one output over the unit cube of factors.
#[derive(Clone, Debug)]
pub struct Emulator {
    points: Vec<Vec<f64>>,
    kernel: Kernel,
    factor: Cholesky,
    weights: Vec<f64>,
    centre: f64,
    scale: f64,
    check: Check,
}

#[derive(Clone, Debug)]
struct Kernel {
    /// Logarithms: lengths, then variance, then nugget.
    logs: Vec<f64>,
    inverse_lengths: Vec<f64>,
    variance: f64,
    nugget: f64,
}

impl Kernel {
    fn of(logs: &[f64]) -> Self {
        let k = logs.len() - 2;
        Self {
            logs: logs.to_vec(),
            inverse_lengths: logs[..k].iter().map(|l| math::exp(-l)).collect(),
            variance: math::exp(logs[k]),
            nugget: math::exp(logs[k + 1]),
        }
    }

    fn between(&self, a: &[f64], b: &[f64]) -> f64 {
        let (mut squares, mut trend) = (0.0, 1.0);
        for ((x, y), inverse) in a.iter().zip(b).zip(&self.inverse_lengths) {
            let d = (x - y) * inverse;
            squares += d * d;
            trend += (x - 0.5) * (y - 0.5);
        }
        let r = (5.0 * squares).sqrt();
        self.variance * (1.0 + r + r * r / 3.0) * math::exp(-r) + VAGUE * trend
    }

    /// Covariance of outputs at points whose seeds add the given noise.
    fn matrix(&self, points: &[Vec<f64>], noise: &[f64]) -> Vec<f64> {
        let n = points.len();
        let mut matrix = vec![0.0; n * n];
        for i in 0..n {
            for j in 0..=i {
                matrix[i * n + j] = self.between(&points[i], &points[j]);
            }
            matrix[i * n + i] += noise[i] + self.nugget;
        }
        matrix
    }

    /// Log of posterior density up to a constant: likelihood, and weak priors that keep lengths near the size of the cube.
    fn score(&self, points: &[Vec<f64>], noise: &[f64], y: &[f64]) -> f64 {
        let Some(factor) = Cholesky::of(points.len(), &self.matrix(points, noise)) else {
            return f64::NEG_INFINITY;
        };
        let z = factor.forward(y);
        let k = self.inverse_lengths.len();
        let far = |log: f64, centre: f64, sd: f64| math::square((log - centre) / sd);
        let lengths: f64 = self.logs[..k].iter().map(|&l| far(l, 0.0, 1.5)).sum();
        let rest = far(self.logs[k], 0.0, 2.0) + far(self.logs[k + 1], -7.0, 2.3);
        -0.5 * (dot(&z, &z) + factor.ln_det() + lengths + rest)
    }
}

impl Emulator {
    /// Fits outputs at points of the unit cube. `noise[i]` is the variance of output i as a mean over seeds (variance
    /// between seeds ÷ number of seeds; 0 for a model without dice). Runs without an output are left out; at least five are
    /// needed.
    pub fn fit(points: &[Vec<f64>], outputs: &[f64], noise: &[f64]) -> Result<Self, String> {
        let used: Vec<usize> = (0..points.len())
            .filter(|&i| outputs[i].is_finite() && noise[i].is_finite())
            .collect();
        let n = used.len();
        if n < 5 {
            return Err(format!("at least five runs with an output for an emulator, not {n}"));
        }
        let centre = used.iter().map(|&i| outputs[i]).sum::<f64>() / n as f64;
        let spread = used.iter().map(|&i| math::square(outputs[i] - centre)).sum::<f64>() / n as f64;
        let scale = if spread > 0.0 { spread.sqrt() } else { 1.0 };
        let points: Vec<Vec<f64>> = used.iter().map(|&i| points[i].clone()).collect();
        let y: Vec<f64> = used.iter().map(|&i| (outputs[i] - centre) / scale).collect();
        let noise: Vec<f64> = used.iter().map(|&i| noise[i] / (scale * scale)).collect();
        let tuned = n.min(MOST_TUNED);
        let kernel = tune(&points[..tuned], &noise[..tuned], &y[..tuned]);
        let factor = Cholesky::of(n, &kernel.matrix(&points, &noise))
            .ok_or_else(|| "runs at different points: these are too near each other for an emulator".to_owned())?;
        let weights = factor.solve(&y);
        let check = left_out(&factor, &weights, &y);
        Ok(Self {
            points,
            kernel,
            factor,
            weights,
            centre,
            scale,
            check,
        })
    }

    /// Expected output at a point of the unit cube, with its variance raised as the check asks.
    pub fn predict(&self, point: &[f64]) -> Prediction {
        let with: Vec<f64> = self.points.iter().map(|p| self.kernel.between(p, point)).collect();
        let known = self.factor.forward(&with);
        // The nugget stands for structure between the runs: it is doubt at every new point.
        let own = self.kernel.between(point, point) + self.kernel.nugget;
        let variance = math::positive(own - dot(&known, &known));
        Prediction {
            mean: self.centre + self.scale * dot(&with, &self.weights),
            variance: self.check.raised * variance * self.scale * self.scale,
        }
    }

    /// How predictions hold when each run is left out.
    pub fn check(&self) -> Check {
        self.check
    }

    /// Length of each factor in shares of its range: short = the output bends along it; above 3 = near enough straight.
    pub fn lengths(&self) -> Vec<f64> {
        self.kernel
            .inverse_lengths
            .iter()
            .map(|inverse| 1.0 / inverse)
            .collect()
    }
}

/// The kernel of greatest score: one coordinate after another, with steps that halve; from short and from long lengths.
fn tune(points: &[Vec<f64>], noise: &[f64], y: &[f64]) -> Kernel {
    let k = points[0].len();
    let mut best: Option<(f64, Kernel)> = None;
    for start in [-0.9, 0.5] {
        let mut logs = vec![start; k];
        logs.extend([0.0, -7.0]);
        let mut kernel = Kernel::of(&logs);
        let mut score = kernel.score(points, noise, y);
        let mut step = 1.0;
        while step > 0.1 {
            let mut moved = false;
            for at in 0..k + 2 {
                for by in [step, -step] {
                    let mut logs = kernel.logs.clone();
                    logs[at] = math::clamp(logs[at] + by, if at < k { -3.5 } else { -18.0 }, 4.0);
                    let tried = Kernel::of(&logs);
                    let found = tried.score(points, noise, y);
                    if found > score + 1e-6 {
                        (kernel, score, moved) = (tried, found, true);
                        break;
                    }
                }
            }
            if !moved {
                step *= 0.5;
            }
        }
        if best.as_ref().is_none_or(|(most, _)| score > *most) {
            best = Some((score, kernel));
        }
    }
    best.map_or_else(|| Kernel::of(&vec![0.0; k + 2]), |(_, kernel)| kernel)
}

/// Each run predicted from the others, from the inverse of the covariance alone.
fn left_out(factor: &Cholesky, weights: &[f64], y: &[f64]) -> Check {
    let n = y.len();
    let inverse = factor.inverse();
    let (mut errors, mut standard, mut within) = (0.0, 0.0, 0.0);
    for i in 0..n {
        let precision = inverse[i * n + i];
        let error = weights[i] / precision;
        errors += error * error;
        standard += error * error * precision;
        within += f64::from(u8::from(error * error * precision <= 4.0));
    }
    let all: f64 = y.iter().map(|v| v * v).sum();
    Check {
        predicted_share: if all > 0.0 { 1.0 - errors / all } else { 1.0 },
        within_two_sd: within / n as f64,
        raised: math::max(1.0, standard / n as f64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::design::{Distribution, lhs, sobol};
    use crate::random::{Dice, Purpose};

    fn bent(x: &[f64]) -> f64 {
        math::sin(5.0 * x[0]) + 2.0 * x[1] * x[1] + 0.3 * x[0] * x[1]
    }

    #[test]
    fn new_points_lie_within_what_was_promised() -> Result<(), String> {
        let cube = vec![Distribution::dummy(); 3];
        let points = lhs(&cube, 50, 20, 1).rows;
        let y: Vec<f64> = points.iter().map(|p| bent(p)).collect();
        let emulator = Emulator::fit(&points, &y, &[0.0; 50])?;
        assert!(emulator.check().predicted_share > 0.99, "{:?}", emulator.check());
        let fresh = sobol(&cube, 256, 9)?.rows;
        let mut beyond = 0;
        for point in &fresh {
            let found = emulator.predict(point);
            let error = found.mean - bent(point);
            assert!(error.abs() < 0.15, "{point:?} {found:?}");
            beyond += usize::from(error * error > 9.0 * found.variance);
        }
        assert!(beyond <= 256 / 50, "{beyond} of 256 beyond three standard deviations");
        let lengths = emulator.lengths();
        assert!(
            lengths[2] > 2.0 * lengths[0],
            "the third factor does nothing: {lengths:?}"
        );
        Ok(())
    }

    #[test]
    fn noise_of_seeds_is_smoothed_and_not_believed() -> Result<(), String> {
        let cube = vec![Distribution::dummy(); 2];
        let points = lhs(&cube, 80, 5, 2).rows;
        let noisy = |(i, p): (usize, &Vec<f64>)| bent(p) + 0.3 * Dice::new(2).roll(Purpose::Custom, i as u64).normal();
        let y: Vec<f64> = points.iter().enumerate().map(noisy).collect();
        let emulator = Emulator::fit(&points, &y, &[0.09; 80])?;
        let fresh = sobol(&cube, 128, 3)?.rows;
        let within = fresh.iter().filter(|p| {
            let found = emulator.predict(p);
            math::square(found.mean - bent(p)) <= 4.0 * found.variance
        });
        // Errors of neighbours go together, so the share varies more than that of 128 single draws.
        assert!(within.count() >= 110);
        let typical = fresh
            .iter()
            .map(|p| math::square(emulator.predict(p).mean - bent(p)))
            .sum::<f64>()
            / 128.0;
        assert!(typical < 0.09 / 2.0, "{typical}");
        Ok(())
    }

    #[test]
    fn a_constant_is_emulated_and_four_runs_are_refused() -> Result<(), String> {
        let points = lhs(&[Distribution::dummy()], 6, 1, 1).rows;
        let emulator = Emulator::fit(&points, &[2.0; 6], &[0.0; 6])?;
        assert!((emulator.predict(&[0.3]).mean - 2.0).abs() < 1e-9);
        let mut y = [1.0; 6];
        (y[0], y[1]) = (f64::NAN, f64::NAN);
        assert!(Emulator::fit(&points, &y, &[0.0; 6]).is_err());
        Ok(())
    }
}
