//! History matching: which part of what was believed can be ruled out by what was observed (Craig 1997, Vernon 2010).
//!
//! A point is implausible where an output that the emulator expects there is farther from its target than emulator,
//! discrepancy of the model and observation together allow: more than three standard deviations. What is left after a
//! wave is run and emulated again; what no wave rules out is *not* shown to be right.

use super::Estimate;
use super::emulator::{Check, Emulator};
use super::resampling::share_interval;
use crate::experiment::design::{draws, kind};
use crate::math;

/// Standard deviations beyond which a point is ruled out (Pukelsheim 1994: at most 5 % of any unimodal error lies there).
pub const CUTOFF: f64 = 3.0;

/// What an output should be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Target {
    /// Observed value.
    pub value: f64,
    /// Standard error of the observation.
    pub observation_sd: f64,
    /// How wrong the model may be there even with the right parameters.
    pub discrepancy_sd: f64,
}

/// The runs of a wave: points of the unit cube and, per target, outputs with the variance of each (see [`Emulator::fit`]).
#[derive(Clone, Debug, Default)]
pub struct Runs {
    /// One point per run.
    pub points: Vec<Vec<f64>>,
    /// `outputs[target][run]`.
    pub outputs: Vec<Vec<f64>>,
    /// `noise[target][run]`.
    pub noise: Vec<Vec<f64>>,
}

/// Emulators of one wave.
#[derive(Clone, Debug)]
struct Wave {
    emulators: Vec<Emulator>,
}

/// All waves so far.
#[derive(Clone, Debug)]
pub struct HistoryMatch {
    factors: usize,
    targets: Vec<Target>,
    /// How many outputs may be beyond the cutoff before a point is ruled out.
    forgiven: usize,
    waves: Vec<Wave>,
}

/// Points that are left.
#[derive(Clone, Debug, PartialEq)]
pub struct Left {
    /// Points of the unit cube for the next wave, spread out.
    pub points: Vec<Vec<f64>>,
    /// Share of the prior that is left, by trying points of it.
    pub volume: Estimate,
    /// Points of the prior that were tried.
    pub tried: usize,
}

impl HistoryMatch {
    /// Nothing ruled out yet. `forgiven` outputs may miss (0 = the largest implausibility counts; 1 = the second largest,
    /// which protects against one bad emulator among many).
    pub fn new(factors: usize, targets: &[Target], forgiven: usize) -> Self {
        Self {
            factors,
            targets: targets.to_vec(),
            forgiven,
            waves: Vec::new(),
        }
    }

    /// Waves so far.
    pub fn waves(&self) -> usize {
        self.waves.len()
    }

    /// Emulates the targets from runs (best: of all waves, near the points that are left) and adds a wave. Returns the
    /// check of each emulator; an emulator that predicts little rules out little, which is honest and slow.
    pub fn add_wave(&mut self, runs: &Runs) -> Result<Vec<Check>, String> {
        if runs.outputs.len() != self.targets.len() || runs.noise.len() != self.targets.len() {
            return Err(format!("outputs and noise for each of {} targets", self.targets.len()));
        }
        let fits = runs.outputs.iter().zip(&runs.noise);
        let emulators: Vec<Emulator> = fits
            .map(|(y, noise)| Emulator::fit(&runs.points, y, noise))
            .collect::<Result<_, _>>()?;
        let checks = emulators.iter().map(Emulator::check).collect();
        self.waves.push(Wave { emulators });
        Ok(checks)
    }

    /// Implausibility of each target at a point, by the last wave; empty before the first.
    pub fn implausibility(&self, point: &[f64]) -> Vec<f64> {
        self.waves.last().map_or(Vec::new(), |wave| self.of_wave(wave, point))
    }

    fn of_wave(&self, wave: &Wave, point: &[f64]) -> Vec<f64> {
        let of = |(emulator, target): (&Emulator, &Target)| {
            let found = emulator.predict(point);
            let doubt = found.variance + math::square(target.observation_sd) + math::square(target.discrepancy_sd);
            (found.mean - target.value).abs() / doubt.sqrt()
        };
        wave.emulators.iter().zip(&self.targets).map(of).collect()
    }

    /// Whether no wave rules a point out.
    pub fn is_left(&self, point: &[f64]) -> bool {
        self.waves.iter().all(|wave| {
            let beyond = self
                .of_wave(wave, point)
                .into_iter()
                .filter(|i| i.is_nan() || *i > CUTOFF);
            beyond.count() <= self.forgiven
        })
    }

    /// Points for the next wave: `candidates` points of the prior are tried; where too few are left, a walk from those
    /// that are finds more. Nothing left is a result too: the error says how much of the prior that leaves at most.
    pub fn left(&self, wanted: usize, candidates: usize, seed: u64) -> Result<Left, String> {
        let enough = 5 * wanted;
        let mut found: Vec<Vec<f64>> = Vec::new();
        let mut count = 0;
        for case in 0..candidates {
            let mut roll = draws(seed, kind::CANDIDATE + 100 * self.waves.len() as u64, case as u64);
            let point: Vec<f64> = (0..self.factors).map(|_| roll.uniform()).collect();
            if self.is_left(&point) {
                count += 1;
                if found.len() < enough {
                    found.push(point);
                }
            }
        }
        if found.is_empty() && wanted > 0 {
            return Err(format!(
                "nothing is left of {candidates} points: less than {:.2e} of the prior meets the targets, or the model cannot",
                3.0 / candidates as f64
            ));
        }
        if found.len() < wanted {
            self.walk(&mut found, enough, seed);
        }
        Ok(Left {
            points: spread_out(&found, wanted),
            volume: Estimate {
                value: count as f64 / candidates as f64,
                interval: Some(share_interval(count, candidates)),
            },
            tried: candidates,
        })
    }

    /// More points among those left, by steps from known ones as wide as what is known of the region.
    fn walk(&self, found: &mut Vec<Vec<f64>>, enough: usize, seed: u64) {
        let step: Vec<f64> = (0..self.factors)
            .map(|i| {
                let column = found.iter().map(|p| p[i]);
                let (low, high) = column.fold((1.0, 0.0), |(low, high), x| (math::min(low, x), math::max(high, x)));
                math::clamp(0.5 * (high - low), 0.02, 0.5)
            })
            .collect();
        for case in 0..200 * enough {
            if found.len() >= enough {
                return;
            }
            let mut roll = draws(seed, kind::WALK + 100 * self.waves.len() as u64, case as u64);
            let from = &found[roll.below(found.len() as u32) as usize];
            // Steps of all sizes: the region may be thinner than what is known of it.
            let size = math::pow(2.0, -6.0 * roll.uniform());
            let to: Vec<f64> = from
                .iter()
                .zip(&step)
                .map(|(x, s)| x + size * s * roll.between(-1.0, 1.0))
                .collect();
            if to.iter().all(|x| *x > 0.0 && *x < 1.0) && self.is_left(&to) {
                found.push(to);
            }
        }
    }
}

/// Points far from each other: the first, then always the one farthest from its nearest chosen one.
fn spread_out(points: &[Vec<f64>], wanted: usize) -> Vec<Vec<f64>> {
    let mut gaps = vec![f64::INFINITY; points.len()];
    let mut chosen = Vec::new();
    let mut next = 0;
    while chosen.len() < wanted.min(points.len()) {
        chosen.push(points[next].clone());
        for (gap, point) in gaps.iter_mut().zip(points) {
            let squares: f64 = point.iter().zip(&points[next]).map(|(a, b)| (a - b) * (a - b)).sum();
            *gap = math::min(squares, *gap);
        }
        next = (0..points.len()).fold(0, |best, i| if gaps[i] > gaps[best] { i } else { best });
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::design::{Distribution, lhs};

    fn first(x: &[f64]) -> f64 {
        math::sin(3.0 * x[0]) + x[1] * x[1]
    }

    fn second(x: &[f64]) -> f64 {
        x[0] - x[1]
    }

    const TARGETS: [Target; 2] = [
        Target {
            value: 1.2,
            observation_sd: 0.02,
            discrepancy_sd: 0.015,
        },
        Target {
            value: -0.2,
            observation_sd: 0.05,
            discrepancy_sd: 0.0,
        },
    ];

    /// The truth: outputs themselves within three standard deviations.
    fn acceptable(x: &[f64]) -> bool {
        let near = |found: f64, target: Target| {
            math::square(found - target.value)
                <= 9.0 * (math::square(target.observation_sd) + math::square(target.discrepancy_sd))
        };
        near(first(x), TARGETS[0]) && near(second(x), TARGETS[1])
    }

    fn run(points: Vec<Vec<f64>>) -> Runs {
        let n = points.len();
        Runs {
            outputs: vec![
                points.iter().map(|p| first(p)).collect(),
                points.iter().map(|p| second(p)).collect(),
            ],
            noise: vec![vec![0.0; n]; 2],
            points,
        }
    }

    #[test]
    fn waves_close_in_on_the_acceptable_region_and_never_lose_it() -> Result<(), String> {
        let cells: Vec<Vec<f64>> = (0..40_000)
            .map(|i| vec![(f64::from(i % 200) + 0.5) / 200.0, (f64::from(i / 200) + 0.5) / 200.0])
            .collect();
        let truth: Vec<&Vec<f64>> = cells.iter().filter(|c| acceptable(c)).collect();
        let exact = truth.len() as f64 / cells.len() as f64;
        let mut history = HistoryMatch::new(2, &TARGETS, 0);
        let mut points = lhs(&vec![Distribution::dummy(); 2], 12, 20, 1).rows;
        let mut volumes = Vec::new();
        for _ in 0..2 {
            history.add_wave(&run(points.clone()))?;
            let left = history.left(12, 20_000, 5)?;
            volumes.push(left.volume.value);
            assert_eq!(left.points.len(), 12);
            points.extend(left.points);
            let kept = truth.iter().filter(|c| history.is_left(c)).count();
            assert!(
                kept as f64 >= 0.99 * truth.len() as f64,
                "{kept} of {} kept",
                truth.len()
            );
        }
        assert!(volumes[1] <= volumes[0], "{volumes:?}");
        // Within the interval of 20 000 tries, and a little more for the emulator's doubt.
        assert!(
            volumes[1] < 1.15 * exact && volumes[1] > 0.9 * exact,
            "{volumes:?} {exact}"
        );
        Ok(())
    }

    #[test]
    fn a_target_that_no_point_meets_leaves_nothing() -> Result<(), String> {
        let far = [
            Target {
                value: 9.0,
                ..TARGETS[0]
            },
            TARGETS[1],
        ];
        let mut history = HistoryMatch::new(2, &far, 0);
        assert!(history.is_left(&[0.5, 0.5]), "nothing is ruled out before a wave");
        history.add_wave(&run(lhs(&vec![Distribution::dummy(); 2], 20, 1, 1).rows))?;
        let fault = history.left(5, 2000, 1).err().unwrap_or_default();
        assert!(fault.contains("1.50e-3"), "{fault}");
        assert!(history.implausibility(&[0.5, 0.5])[0] > 10.0);
        let mut forgiving = HistoryMatch::new(2, &far, 1);
        forgiving.add_wave(&run(lhs(&vec![Distribution::dummy(); 2], 20, 1, 1).rows))?;
        assert!(forgiving.left(5, 2000, 1).is_ok());
        Ok(())
    }

    #[test]
    fn a_thin_region_is_filled_by_a_walk() -> Result<(), String> {
        let mut history = HistoryMatch::new(2, &TARGETS, 0);
        history.add_wave(&run(lhs(&vec![Distribution::dummy(); 2], 30, 10, 1).rows))?;
        let left = history.left(40, 150, 3)?;
        assert_eq!(left.points.len(), 40);
        assert!(left.points.iter().all(|p| history.is_left(p)));
        Ok(())
    }
}
