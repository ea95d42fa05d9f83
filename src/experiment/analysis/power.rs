//! How many patients a trial needs: virtual trials drawn from a table of virtual patients.
//!
//! The table holds what each virtual patient does in either arm, as only a simulator can know. A parallel trial shows one
//! of the two; a counterfactual one shows both, and says what pairing would be worth. Patients are drawn with return: the
//! interval of a power is that of the number of trials, and does not cover that the cohort itself is finite or assumed.

use super::Estimate;
use super::hypothesis::{paired_t, rank_sum, signed_rank, welch};
use super::resampling::share_interval;
use super::survival::{Time, log_rank};
use crate::experiment::design::{draws, kind};
use crate::experiment::statistics::{mean, quantile, sorted};
use crate::math;
use crate::random::id_from;

/// What every patient does in either arm, in one order of patients.
#[derive(Clone, Debug, PartialEq)]
pub struct Cohort {
    /// Under the reference.
    pub reference: Vec<Time>,
    /// Under the arm.
    pub arm: Vec<Time>,
}

impl Cohort {
    /// Patients with a number as endpoint.
    pub fn of_numbers(reference: &[f64], arm: &[f64]) -> Self {
        let column = |of: &[f64]| of.iter().map(|&t_d| Time { t_d, happened: true }).collect();
        Self {
            reference: column(reference),
            arm: column(arm),
        }
    }
}

/// How patients meet arms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Assignment {
    /// Randomised, as many to each arm; each patient is in one.
    Parallel,
    /// Every patient in both arms.
    Counterfactual,
}

/// Test of the endpoint. Of times, all but the log-rank test see the time until the event or the horizon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Test {
    /// Welch's t; paired t where patients are in both arms.
    Mean,
    /// Rank sum; signed rank where patients are in both arms.
    Rank,
    /// Log-rank; of parallel trials only.
    LogRank,
}

/// A trial.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Settings {
    /// How patients meet arms.
    pub assignment: Assignment,
    /// Test.
    pub test: Test,
    /// Level of the test.
    pub alpha: f64,
    /// Virtual trials per size.
    pub trials: usize,
    /// Seed.
    pub seed: u64,
    /// Take the effect away: both arms are the reference (parallel), or the arms of each patient are exchanged by chance
    /// (counterfactual). The power is then the type-I error.
    pub null: bool,
}

/// Power at one size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Power {
    /// Patients per arm; of a counterfactual trial patients in all.
    pub n_per_arm: usize,
    /// Share of trials with p below alpha, with Wilson's interval.
    pub power: Estimate,
    /// Median over the trials of arm − reference (mean; of times the mean time until event or horizon).
    pub median_effect: f64,
    /// From the 5th to the 95th percentile of the trials' effects: what a single trial may show.
    pub effect_low: f64,
    /// Upper end.
    pub effect_high: f64,
    /// Trials.
    pub trials: usize,
}

/// Power of trials of one size. Fault: an empty or torn cohort, no patients, no trials, or a log-rank test of patients who
/// are in both arms.
pub fn power(cohort: &Cohort, n_per_arm: usize, settings: &Settings) -> Result<Power, String> {
    let patients = cohort.reference.len();
    if patients == 0 || cohort.arm.len() != patients {
        return Err("a cohort with an outcome of every patient in both arms".into());
    }
    if n_per_arm < 2 || settings.trials == 0 {
        return Err("at least two patients per arm and one trial".into());
    }
    if settings.test == Test::LogRank && settings.assignment == Assignment::Counterfactual {
        return Err("test \"mean\" or \"rank\": a log-rank test does not know that patients are in both arms".into());
    }
    let mut effects = Vec::with_capacity(settings.trials);
    let mut rejected = 0;
    for trial in 0..settings.trials {
        let (arm, reference) = enrol(cohort, n_per_arm, trial as u64, settings);
        let numbers = |of: &[Time]| of.iter().map(|t| t.t_d).collect::<Vec<f64>>();
        let (x, y) = (numbers(&arm), numbers(&reference));
        let paired = settings.assignment == Assignment::Counterfactual;
        let p = match (settings.test, paired) {
            (Test::Mean, false) => welch(&x, &y),
            (Test::Mean, true) => paired_t(&x, &y),
            (Test::Rank, false) => rank_sum(&x, &y),
            (Test::Rank, true) => signed_rank(&x, &y),
            (Test::LogRank, _) => log_rank(&[&arm, &reference]).p,
        };
        rejected += usize::from(p < settings.alpha);
        effects.push(mean(&x) - mean(&y));
    }
    let effects = sorted(&effects);
    Ok(Power {
        n_per_arm,
        power: Estimate {
            value: rejected as f64 / settings.trials as f64,
            interval: Some(share_interval(rejected, settings.trials)),
        },
        median_effect: quantile(&effects, 0.5),
        effect_low: quantile(&effects, 0.05),
        effect_high: quantile(&effects, 0.95),
        trials: settings.trials,
    })
}

/// Outcomes of the arm and of the reference in one trial. The first patients of a larger trial are those of a smaller one,
/// so a power curve is smoother than its intervals.
fn enrol(cohort: &Cohort, n: usize, trial: u64, settings: &Settings) -> (Vec<Time>, Vec<Time>) {
    let patients = cohort.reference.len() as u32;
    let (mut arm, mut reference) = (Vec::with_capacity(n), Vec::with_capacity(n));
    for pair in 0..n {
        let mut roll = draws(settings.seed, kind::TRIAL, id_from(trial, pair as u64));
        let first = roll.below(patients) as usize;
        match settings.assignment {
            Assignment::Parallel => {
                let second = roll.below(patients) as usize;
                arm.push(if settings.null {
                    cohort.reference[first]
                } else {
                    cohort.arm[first]
                });
                reference.push(cohort.reference[second]);
            }
            Assignment::Counterfactual => {
                let exchanged = settings.null && roll.chance(0.5);
                let (a, b) = (cohort.arm[first], cohort.reference[first]);
                arm.push(if exchanged { b } else { a });
                reference.push(if exchanged { a } else { b });
            }
        }
    }
    (arm, reference)
}

/// Power at several sizes.
pub fn power_curve(cohort: &Cohort, sizes: &[usize], settings: &Settings) -> Result<Vec<Power>, String> {
    sizes.iter().map(|&n| power(cohort, n, settings)).collect()
}

/// Least number of patients per arm with at least the wanted power: doubling, then halving the bracket. Nothing when
/// `most` patients do not reach it; the power at `most` says how far it is.
pub fn sample_size(
    cohort: &Cohort,
    wanted: f64,
    most: usize,
    settings: &Settings,
) -> Result<(Option<Power>, Power), String> {
    let at_most = power(cohort, most, settings)?;
    if at_most.power.value < wanted {
        return Ok((None, at_most));
    }
    let (mut below, mut enough) = (1, at_most);
    let mut n = 4;
    while n < most {
        let found = power(cohort, n, settings)?;
        if found.power.value >= wanted {
            enough = found;
            break;
        }
        below = n;
        n *= 2;
    }
    while enough.n_per_arm - below > 1 {
        let middle = below + (enough.n_per_arm - below) / 2;
        let found = power(cohort, middle.max(2), settings)?;
        if found.power.value >= wanted {
            enough = found;
        } else {
            below = middle;
        }
    }
    Ok((Some(enough), at_most))
}

/// Standard error of a share that is truly `share`, over so many trials.
pub fn binomial_error(share: f64, trials: usize) -> f64 {
    math::positive(share * (1.0 - share) / trials as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Dice, Purpose};

    const TRIAL: Settings = Settings {
        assignment: Assignment::Parallel,
        test: Test::Mean,
        alpha: 0.05,
        trials: 4000,
        seed: 7,
        null: false,
    };

    /// Patients of sd 1 with an effect of a half, of which the site shares r of the variance.
    fn cohort(n: u64, r: f64) -> Cohort {
        let (mut reference, mut arm) = (Vec::new(), Vec::new());
        for patient in 0..n {
            let mut roll = Dice::new(2).roll(Purpose::Custom, patient);
            let site = r.sqrt() * roll.normal();
            reference.push(site + (1.0 - r).sqrt() * roll.normal());
            arm.push(0.5 + site + (1.0 - r).sqrt() * roll.normal());
        }
        Cohort::of_numbers(&reference, &arm)
    }

    fn times(n: u64, arm_mean: f64) -> Cohort {
        let column = |mean: f64, kind: u64| {
            let of = |patient| Dice::new(kind).roll(Purpose::Custom, patient).exponential(mean);
            let found: Vec<Option<f64>> = (0..n).map(|p| Some(of(p))).collect();
            super::super::survival::times(&found, 84.0)
        };
        Cohort {
            reference: column(60.0, 1),
            arm: column(arm_mean, 2),
        }
    }

    /// Four standard errors of 4000 trials at 0.05 are 0.0138.
    #[test]
    fn a_null_trial_has_its_nominal_type_1_error() -> Result<(), String> {
        let tolerance = 4.0 * binomial_error(0.05, 4000);
        let (numbers, of_times) = (cohort(2000, 0.5), times(2000, 30.0));
        let both = Assignment::Counterfactual;
        for (cohort, assignment, test, n) in [
            (&numbers, Assignment::Parallel, Test::Mean, 20),
            (&numbers, Assignment::Parallel, Test::Rank, 20),
            (&numbers, both, Test::Mean, 20),
            (&numbers, both, Test::Rank, 30),
            (&of_times, Assignment::Parallel, Test::LogRank, 40),
            (&of_times, Assignment::Parallel, Test::Mean, 40),
        ] {
            let settings = Settings {
                assignment,
                test,
                null: true,
                ..TRIAL
            };
            let found = power(cohort, n, &settings)?;
            assert!(
                (found.power.value - 0.05).abs() < tolerance,
                "{assignment:?} {test:?}: {found:?}"
            );
            assert!(found.median_effect.abs() < 0.05 * 60.0);
        }
        Ok(())
    }

    /// 64 per arm have a power of 0.80 for half a standard deviation (Cohen 1988).
    #[test]
    fn the_textbook_sample_size_is_found() -> Result<(), String> {
        let cohort = cohort(20_000, 0.0);
        let found = power(&cohort, 64, &TRIAL)?;
        assert!((found.power.value - 0.801).abs() < 0.03, "{found:?}");
        assert!((found.median_effect - 0.5).abs() < 0.03);
        let (enough, _) = sample_size(&cohort, 0.8, 200, &TRIAL)?;
        assert!(enough.is_some_and(|p| (58..=70).contains(&p.n_per_arm)), "{enough:?}");
        let (never, most) = sample_size(&cohort, 0.99, 30, &TRIAL)?;
        assert!(never.is_none() && most.n_per_arm == 30);
        Ok(())
    }

    #[test]
    fn patients_in_both_arms_are_worth_more_than_parallel_ones() -> Result<(), String> {
        let cohort = cohort(5000, 0.8);
        let both = Settings {
            assignment: Assignment::Counterfactual,
            trials: 500,
            ..TRIAL
        };
        let curve = power_curve(&cohort, &[10, 20, 40], &both)?;
        assert!(
            curve.windows(2).all(|w| w[0].power.value < w[1].power.value),
            "{curve:?}"
        );
        assert!(curve[1].power.value > 2.0 * power(&cohort, 20, &Settings { trials: 500, ..TRIAL })?.power.value);
        Ok(())
    }

    #[test]
    fn a_trial_that_cannot_be_is_refused() {
        let cohort = cohort(10, 0.0);
        let both = Settings {
            assignment: Assignment::Counterfactual,
            test: Test::LogRank,
            ..TRIAL
        };
        assert!(power(&cohort, 10, &both).is_err());
        assert!(power(&cohort, 1, &TRIAL).is_err());
        assert!(power(&Cohort::of_numbers(&[], &[]), 10, &TRIAL).is_err());
        assert!(power(&Cohort::of_numbers(&[1.0], &[]), 10, &TRIAL).is_err());
    }
}
