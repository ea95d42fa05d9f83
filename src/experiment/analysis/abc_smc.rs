//! Approximate Bayesian computation in generations (Toni 2009), with an adaptive kernel (Beaumont 2009).
//!
//! Particles live in normal scores: factor i has the value quantile(Φ(zᵢ)), so the prior is a standard normal, there are
//! no edges, and the weights need no density of any prior. A proposal is a function of (seed, generation, number) alone:
//! the first ones that come near enough are the next generation, however many ran at once and in whatever order.

use crate::experiment::design::{draws, kind, normal_cdf};
use crate::experiment::matrix::{Cholesky, covariance, dot};
use crate::experiment::statistics::{quantile, sorted};
use crate::math;

/// How to sample.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// Particles of a generation.
    pub particles: usize,
    /// The next tolerance is this quantile of the distances of the particles; 0.5 is usual.
    pub alpha: f64,
    /// Seed.
    pub seed: u64,
}

/// One finished generation.
#[derive(Clone, Debug, PartialEq)]
pub struct Generation {
    /// Generation, from 0 (the prior).
    pub number: usize,
    /// Numbers of the proposals that became particles.
    pub numbers: Vec<usize>,
    /// Normal scores of the particles.
    pub scores: Vec<Vec<f64>>,
    /// Their weights; the sum is 1.
    pub weights: Vec<f64>,
    /// Their distances.
    pub distances: Vec<f64>,
    /// Distance up to which a particle was taken; infinite for the prior.
    pub tolerance: f64,
    /// Proposals that were run for it.
    pub proposals: usize,
}

impl Generation {
    /// Effective number of particles, 1/Σw².
    pub fn effective(&self) -> f64 {
        1.0 / dot(&self.weights, &self.weights)
    }

    /// Share of proposals taken.
    pub fn acceptance(&self) -> f64 {
        self.scores.len() as f64 / self.proposals as f64
    }
}

/// What a look at the distances says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Progress {
    /// Too few are near enough: run proposals up to this number in all.
    GoOn {
        /// Proposals likely to be enough.
        proposals: usize,
    },
    /// The generation is finished.
    Finished,
}

/// The sampler: give it the distances of its proposals.
#[derive(Clone, Debug)]
pub struct AbcSmc {
    factors: usize,
    settings: Settings,
    last: Option<Generation>,
    kernel: Option<Cholesky>,
    /// Sums of weights, for drawing.
    cumulative: Vec<f64>,
    tolerance: f64,
}

impl AbcSmc {
    /// A sampler that has seen nothing.
    pub fn new(factors: usize, settings: Settings) -> Self {
        Self {
            factors,
            settings,
            last: None,
            kernel: None,
            cumulative: Vec::new(),
            tolerance: f64::INFINITY,
        }
    }

    /// The last finished generation.
    pub fn last(&self) -> Option<&Generation> {
        self.last.as_ref()
    }

    /// Distance up to which proposals of the next generation will be taken.
    pub fn tolerance(&self) -> f64 {
        self.tolerance
    }

    fn number(&self) -> usize {
        self.last.as_ref().map_or(0, |g| g.number + 1)
    }

    /// Normal scores of a proposal of the next generation.
    pub fn proposal(&self, number: usize) -> Vec<f64> {
        let mut roll = draws(
            self.settings.seed,
            kind::ABC + 100 * self.number() as u64,
            number as u64,
        );
        let chosen = self.cumulative.partition_point(|sum| *sum < roll.uniform());
        let step: Vec<f64> = (0..self.factors).map(|_| roll.normal()).collect();
        match (&self.last, &self.kernel) {
            (Some(last), Some(kernel)) => {
                let from = &last.scores[chosen.min(last.scores.len() - 1)];
                from.iter().zip(kernel.times(&step)).map(|(z, d)| z + d).collect()
            }
            _ => step,
        }
    }

    /// A proposal as a point of the unit cube: what quantile functions take.
    pub fn unit(scores: &[f64]) -> Vec<f64> {
        scores
            .iter()
            .map(|&z| math::clamp(normal_cdf(z), 1e-16, 1.0 - 1e-16))
            .collect()
    }

    /// Ends the generation if the distances of proposals 0, 1, 2 … suffice. A failed run has a distance that is not a
    /// number and is never taken. Fault: particles that are all alike, so that no kernel can be made.
    pub fn close(&mut self, distances: &[f64]) -> Result<Progress, String> {
        let wanted = self.settings.particles;
        let near: Vec<usize> = (0..distances.len())
            .filter(|&i| distances[i].is_finite() && distances[i] <= self.tolerance)
            .take(wanted)
            .collect();
        if near.len() < wanted {
            let rate = (near.len() as f64 + 0.5) / (distances.len() as f64 + 1.0);
            let missing = ((wanted - near.len()) as f64 / rate).ceil();
            // Never more than tenfold on the word of a few.
            let most = 10 * (distances.len() + wanted);
            let proposals = if missing < most as f64 {
                distances.len() + missing as usize
            } else {
                most
            };
            return Ok(Progress::GoOn { proposals });
        }
        let scores: Vec<Vec<f64>> = near.iter().map(|&i| self.proposal(i)).collect();
        let weights = self.weights(&scores);
        let taken: Vec<f64> = near.iter().map(|&i| distances[i]).collect();
        let proposals = near.last().map_or(0, |last| last + 1);
        let generation = Generation {
            number: self.number(),
            tolerance: self.tolerance,
            proposals,
            distances: taken.clone(),
            numbers: near,
            weights: weights.clone(),
            scores,
        };
        let (mut spread, _) = covariance(&generation.scores, &weights);
        for i in 0..self.factors {
            for j in 0..self.factors {
                spread[i * self.factors + j] *= 2.0;
            }
            // Rounding must not make a narrow posterior singular.
            spread[i * self.factors + i] += 1e-12;
        }
        let kernel = Cholesky::of(self.factors, &spread);
        self.kernel = Some(kernel.ok_or("particles that differ: all of a generation are alike")?);
        let mut sum = 0.0;
        self.cumulative = weights
            .iter()
            .map(|w| {
                sum += w;
                sum
            })
            .collect();
        self.tolerance = quantile(&sorted(&taken), self.settings.alpha);
        self.last = Some(generation);
        Ok(Progress::Finished)
    }

    /// Prior over proposal density, scaled to a sum of 1.
    fn weights(&self, scores: &[Vec<f64>]) -> Vec<f64> {
        let (Some(last), Some(kernel)) = (&self.last, &self.kernel) else {
            return vec![1.0 / scores.len() as f64; scores.len()];
        };
        // In the coordinates of the kernel a distance is a plain sum of squares.
        let old: Vec<Vec<f64>> = last.scores.iter().map(|z| kernel.forward(z)).collect();
        let raw: Vec<f64> = scores
            .iter()
            .map(|z| {
                let new = kernel.forward(z);
                let proposal: f64 = old
                    .iter()
                    .zip(&last.weights)
                    .map(|(from, w)| {
                        let squares: f64 = from.iter().zip(&new).map(|(a, b)| (a - b) * (a - b)).sum();
                        w * math::exp(-0.5 * squares)
                    })
                    .sum();
                math::exp(-0.5 * dot(z, z)) / proposal
            })
            .collect();
        let total: f64 = raw.iter().sum();
        raw.iter().map(|w| w / total).collect()
    }
}

/// Distance of simulated statistics from targets: root of the weighted mean of squared differences in units of each
/// target's doubt, `(value, sd, weight)`. Not a number where a statistic is missing.
pub fn distance(simulated: &[f64], targets: &[(f64, f64, f64)]) -> f64 {
    let (mut sum, mut weights) = (0.0, 0.0);
    for (found, (value, sd, weight)) in simulated.iter().zip(targets) {
        sum += weight * math::square((found - value) / sd);
        weights += weight;
    }
    (sum / weights).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::design::Distribution;
    use crate::random::{Dice, Purpose};

    const PRIOR_SD: f64 = 5.0;
    const OBSERVED: f64 = 2.0;
    const ERROR: f64 = 0.5;

    /// Mean of four draws of sd 1 around the parameter; each proposal has its own seed.
    fn simulate(generation: usize, number: usize, scores: &[f64]) -> f64 {
        let prior = Distribution::Normal {
            mean: 0.0,
            sd: PRIOR_SD,
        };
        let theta = prior.quantile(AbcSmc::unit(scores)[0]);
        let noise = Dice::new(99)
            .at(generation as u64)
            .roll(Purpose::Custom, number as u64)
            .normal();
        (theta + ERROR * noise - OBSERVED).abs()
    }

    fn run(settings: Settings, generations: usize, batch: usize) -> Result<AbcSmc, String> {
        let mut sampler = AbcSmc::new(1, settings);
        for generation in 0..generations {
            let mut distances = Vec::new();
            while {
                for _ in 0..batch {
                    let number = distances.len();
                    distances.push(simulate(generation, number, &sampler.proposal(number)));
                }
                sampler.close(&distances)? != Progress::Finished
            } {}
        }
        Ok(sampler)
    }

    /// The exact posterior of a normal mean; Kolmogorov and Smirnov's distance at 1 %, with the effective number.
    #[test]
    fn the_posterior_of_a_normal_mean_is_found() -> Result<(), String> {
        let sampler = run(
            Settings {
                particles: 1000,
                alpha: 0.4,
                seed: 3,
            },
            6,
            500,
        )?;
        let Some(last) = sampler.last() else {
            return Err("a generation".into());
        };
        assert!(last.tolerance < 0.1, "{}", last.tolerance);
        let precision = 1.0 / (PRIOR_SD * PRIOR_SD) + 1.0 / (ERROR * ERROR);
        let exact = Distribution::Normal {
            mean: OBSERVED / (ERROR * ERROR) / precision,
            sd: (1.0 / precision).sqrt(),
        };
        let mut cloud: Vec<(f64, f64)> = last
            .scores
            .iter()
            .zip(&last.weights)
            .map(|(z, w)| (PRIOR_SD * z[0], *w))
            .collect();
        cloud.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (mut sum, mut farthest) = (0.0, 0.0);
        for (theta, w) in cloud {
            let share = exact.cdf(theta);
            farthest = math::max(farthest, math::max((share - sum).abs(), (share - sum - w).abs()));
            sum += w;
        }
        let bound = 1.63 / last.effective().sqrt();
        assert!(
            farthest < bound,
            "{farthest} against {bound}, {} effective",
            last.effective()
        );
        assert!(last.effective() > 300.0 && (sum - 1.0).abs() < 1e-12);
        Ok(())
    }

    #[test]
    fn a_posterior_does_not_know_how_many_ran_at_once() -> Result<(), String> {
        let settings = Settings {
            particles: 60,
            alpha: 0.5,
            seed: 1,
        };
        let (a, b) = (run(settings, 3, 7)?, run(settings, 3, 500)?);
        assert_eq!(a.last(), b.last());
        Ok(())
    }

    #[test]
    fn failed_runs_are_never_taken_and_tolerances_fall() -> Result<(), String> {
        let mut sampler = AbcSmc::new(
            2,
            Settings {
                particles: 4,
                alpha: 0.5,
                seed: 1,
            },
        );
        let open = sampler.close(&[1.0, f64::NAN, 2.0])?;
        assert!(matches!(open, Progress::GoOn { proposals } if proposals > 3));
        assert_eq!(
            sampler.close(&[1.0, f64::NAN, 2.0, 3.0, f64::INFINITY, 4.0, 5.0])?,
            Progress::Finished
        );
        let first = sampler
            .last()
            .map(|g| (g.distances.clone(), g.proposals, g.effective()));
        assert_eq!(first, Some((vec![1.0, 2.0, 3.0, 4.0], 6, 4.0)));
        assert_eq!(sampler.tolerance(), 2.5);
        assert!(sampler.close(&[2.6; 50])? != Progress::Finished);
        Ok(())
    }

    #[test]
    fn a_distance_counts_in_units_of_doubt() {
        let targets = [(1.0, 0.5, 1.0), (10.0, 2.0, 3.0)];
        assert!((distance(&[2.0, 10.0], &targets) - 1.0).abs() < 1e-15);
        assert!(distance(&[f64::NAN, 10.0], &targets).is_nan());
    }
}
