//! `calibrate`: which values of the factors fit what was observed. History matching first rules out what cannot fit; then
//! ABC-SMC weighs what is left.
//!
//! A calibration goes in batches, each of which depends on the results of those before. [`standing`] replays all finished
//! batches and says what to run next: nothing else is remembered, so a calibration that was killed goes on from the
//! results on the disk, and the batches are the same on every machine.

pub mod course;
pub(super) mod read;
mod replay;
pub mod tables;

pub use replay::{Memory, standing};

use serde::{Deserialize, Serialize};

use crate::experiment::analysis::Estimate;
use crate::experiment::analysis::emulator::Check;
use crate::experiment::design::Distribution;
use crate::experiment::factors::Kind;
use crate::experiment::statistics::{mean, quantile, sd, sorted};
use crate::math;

/// What is compared with a target.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Statistic {
    /// Mean over the replicates of a point.
    Mean,
    /// Median over the replicates.
    Median,
    /// Share of replicates with a value below this: of a date, that it came before this day.
    ShareBelow(f64),
}

impl Statistic {
    /// The statistic of a point's replicates, failed ones left out; not a number without any.
    fn of(self, replicates: &[f64]) -> f64 {
        let there: Vec<f64> = replicates.iter().copied().filter(|x| x.is_finite()).collect();
        match self {
            Self::Mean => mean(&there),
            Self::Median => quantile(&sorted(&there), 0.5),
            Self::ShareBelow(limit) => there.iter().filter(|x| **x < limit).count() as f64 / there.len() as f64,
        }
    }

    /// Variance of the statistic of each point. The variance between seeds is pooled over the points: that of a handful of
    /// seeds is itself mostly noise.
    fn noise(self, points: &[Vec<f64>]) -> Vec<f64> {
        let there: Vec<Vec<f64>> = points
            .iter()
            .map(|row| row.iter().copied().filter(|x| x.is_finite()).collect())
            .collect();
        if let Self::ShareBelow(_) = self {
            // A share of 0 or 1 of few seeds is not known exactly.
            let share = |row: &Vec<f64>| (self.of(row) * row.len() as f64 + 1.0) / (row.len() as f64 + 2.0);
            return there
                .iter()
                .map(|row| share(row) * (1.0 - share(row)) / row.len() as f64)
                .collect();
        }
        let freedom: f64 = there.iter().map(|row| row.len().saturating_sub(1) as f64).sum();
        let squares: f64 = there
            .iter()
            .map(|row| row.len().saturating_sub(1) as f64 * math::square(sd(row)))
            .sum();
        let pooled = if freedom > 0.0 { squares / freedom } else { 0.0 };
        // The median of a normal sample varies π/2 times as much as its mean.
        let of_median = if self == Self::Median {
            std::f64::consts::FRAC_PI_2
        } else {
            1.0
        };
        there.iter().map(|row| of_median * pooled / row.len() as f64).collect()
    }
}

/// An observation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Target {
    /// Name.
    pub id: String,
    /// What of the replicates is compared.
    pub statistic: Statistic,
    /// Observed value.
    pub value: f64,
    /// Its standard error.
    pub sd: f64,
    /// How wrong the model may be there even with the right values.
    pub discrepancy_sd: f64,
    /// Weight in the distance of ABC-SMC.
    pub weight: f64,
    /// Fitted; else held out, and only compared at the end.
    pub is_fit: bool,
}

impl Target {
    /// Standard deviation within which the right values may miss it.
    pub fn doubt(&self) -> f64 {
        (math::square(self.sd) + math::square(self.discrepancy_sd)).sqrt()
    }
}

/// How to calibrate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Most waves of history matching; 0 = none.
    pub waves: usize,
    /// Points of a wave; about ten per factor.
    pub wave_points: usize,
    /// Points of the prior by which the volume left is measured.
    pub candidates: usize,
    /// Outputs that may miss.
    pub forgiven: usize,
    /// Generations of ABC-SMC; 0 = none.
    pub generations: usize,
    /// Particles of a generation.
    pub particles: usize,
    /// Quantile of the distances that is the next tolerance.
    pub alpha: f64,
    /// Most points in all.
    pub most_points: usize,
    /// Seed.
    pub seed: u64,
}

/// What a calibration is, as its plan keeps it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Setup {
    /// How.
    pub settings: Settings,
    /// What is to be met.
    pub targets: Vec<Target>,
    /// Arm and endpoint of each target, and where its value comes from.
    pub origins: Vec<Origin>,
    /// What is believed of each factor.
    pub priors: Vec<Distribution>,
    /// What the values of each factor are.
    pub kinds: Vec<Kind>,
}

/// Where the two sides of a target come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Index of the arm.
    pub arm: usize,
    /// Index of the endpoint.
    pub endpoint: usize,
    /// Where the observation was published.
    pub source: String,
}

/// A finished batch: the points that were asked for, and `results[target][point][replicate]`, for targets held out too.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// Points of the unit cube.
    pub points: Vec<Vec<f64>>,
    /// Results; not a number where a run failed.
    pub results: Vec<Vec<Vec<f64>>>,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// Run these points of the unit cube ([`crate::experiment::design::values`] makes factor values of them), all replicates.
    Run {
        /// `wave_1`, `generation_0` …; a generation may need several batches.
        stage: String,
        /// Points.
        points: Vec<Vec<f64>>,
    },
    /// Finished.
    Done {
        /// Why, in words.
        because: String,
    },
}

/// A wave as it went.
#[derive(Clone, Debug, PartialEq)]
pub struct Wave {
    /// Points run so far.
    pub points: usize,
    /// Share of the prior that is left.
    pub volume: Estimate,
    /// How each fitted target is predicted.
    pub checks: Vec<Check>,
}

/// A generation as it went.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Generation {
    /// Tolerance; infinite for the prior.
    pub tolerance: f64,
    /// Proposals looked at.
    pub proposals: usize,
    /// Proposals run: the others had been ruled out.
    pub points: usize,
    /// Effective number of particles.
    pub effective: f64,
}

/// A point of the answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Particle {
    /// Point of the unit cube.
    pub unit: Vec<f64>,
    /// Weight; the sum is 1.
    pub weight: f64,
    /// Distance from the fitted targets, in units of their doubt.
    pub distance: f64,
    /// Statistic of each target, those held out too.
    pub statistics: Vec<f64>,
}

/// Where a calibration stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    /// What to do next.
    pub next: Next,
    /// Waves so far.
    pub waves: Vec<Wave>,
    /// Generations so far.
    pub generations: Vec<Generation>,
    /// The last generation; without ABC-SMC the points run that are not ruled out, which are no posterior.
    pub particles: Vec<Particle>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_leave_failed_runs_out_and_know_their_noise() {
        let row = [1.0, f64::NAN, 3.0, 8.0];
        assert_eq!((Statistic::Mean.of(&row), Statistic::Median.of(&row)), (4.0, 3.0));
        assert!((Statistic::ShareBelow(4.0).of(&row) - 2.0 / 3.0).abs() < 1e-15);
        let noise = Statistic::Mean.noise(&[vec![1.0, 3.0], vec![2.0, 2.0, 5.0, 5.0]]);
        // Pooled: (2 + 9) / 4.
        assert!(
            (noise[0] - 2.75 / 2.0).abs() < 1e-12 && (noise[1] - 2.75 / 4.0).abs() < 1e-12,
            "{noise:?}"
        );
        assert!(Statistic::ShareBelow(1.0).noise(&[vec![5.0; 8]])[0] > 0.0);
    }
}
