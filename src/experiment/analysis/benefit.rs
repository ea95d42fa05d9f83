//! The chance that a treatment helps, over what is believed about the parameters: one effect per vector of the prior.

use super::Estimate;
use super::resampling::{bootstrap, percentile, share_interval};
use crate::experiment::design::normal_cdf;
use crate::experiment::statistics::{Interval, mean, quantile, sd, sorted};
use crate::math;

/// Resamples of the intervals.
const RESAMPLES: usize = 2000;

/// What the vectors of a prior say about an effect.
#[derive(Clone, Debug, PartialEq)]
pub struct Benefit {
    /// Share of vectors whose mean effect is beyond the margin on the good side, with Wilson's interval.
    pub benefit: Estimate,
    /// Share of vectors whose mean effect is beyond the margin on the bad side.
    pub harm: Estimate,
    /// Chance of benefit with the noise of the few seeds per vector taken out: each mean is drawn towards the others as far
    /// as its own error says (empirical Bayes, normal). The plain share lies nearer to a half where seeds are few.
    pub benefit_without_noise: Estimate,
    /// Median over the vectors of the mean effect, in the direction written.
    pub median: f64,
    /// From the 5th to the 95th percentile of the vectors' mean effects: what the prior leaves open.
    pub spread: Interval,
    /// Vectors with at least one effect.
    pub vectors: usize,
}

/// Chance of benefit: `effects[vector]` are the paired differences arm − reference of its seeds. `lower_is_better` says
/// which side is good; an effect within `margin` (≥ 0) of zero is neither benefit nor harm. Nothing without a vector.
pub fn benefit(effects: &[Vec<f64>], lower_is_better: bool, margin: f64) -> Option<Benefit> {
    let sign = if lower_is_better { -1.0 } else { 1.0 };
    let vectors: Vec<(f64, f64, usize)> = effects
        .iter()
        .map(|seeds| seeds.iter().copied().filter(|x| x.is_finite()).collect::<Vec<f64>>())
        .filter(|seeds| !seeds.is_empty())
        .map(|seeds| (mean(&seeds), math::square(sd(&seeds)), seeds.len()))
        .collect();
    let n = vectors.len();
    if n == 0 {
        return None;
    }
    let share = |count: usize| Estimate {
        value: count as f64 / n as f64,
        interval: Some(share_interval(count, n)),
    };
    let good = vectors.iter().filter(|v| sign * v.0 > margin).count();
    let bad = vectors.iter().filter(|v| -sign * v.0 > margin).count();
    let all: Vec<usize> = (0..n).collect();
    let chance = |cases: &[usize]| without_noise(&vectors, cases, sign, margin);
    let resampled = bootstrap(n, RESAMPLES, 1, |cases, out| out[0] = chance(cases));
    let means = sorted(&vectors.iter().map(|v| v.0).collect::<Vec<_>>());
    Some(Benefit {
        benefit: share(good),
        harm: share(bad),
        benefit_without_noise: Estimate {
            value: chance(&all),
            interval: percentile(&resampled[0]),
        },
        median: quantile(&means, 0.5),
        spread: Interval {
            low: quantile(&means, 0.05),
            high: quantile(&means, 0.95),
        },
        vectors: n,
    })
}

/// Mean over the vectors of the chance that the true effect is beyond the margin. The variance between seeds is pooled:
/// that of a handful of seeds is itself mostly noise.
fn without_noise(vectors: &[(f64, f64, usize)], cases: &[usize], sign: f64, margin: f64) -> f64 {
    let n = cases.len() as f64;
    let centre = cases.iter().map(|&c| vectors[c].0).sum::<f64>() / n;
    let freedom: f64 = cases.iter().map(|&c| (vectors[c].2 - 1) as f64).sum();
    let squares: f64 = cases.iter().map(|&c| (vectors[c].2 - 1) as f64 * vectors[c].1).sum();
    let within = if freedom > 0.0 { squares / freedom } else { 0.0 };
    let of_means: f64 =
        cases.iter().map(|&c| math::square(vectors[c].0 - centre)).sum::<f64>() / math::max(1.0, n - 1.0);
    let noise = cases.iter().map(|&c| within / vectors[c].2 as f64).sum::<f64>() / n;
    let between = math::positive(of_means - noise);
    let chances = cases.iter().map(|&c| {
        let (found, _, seeds) = vectors[c];
        let error = within / seeds as f64;
        let trust = if between + error > 0.0 {
            between / (between + error)
        } else {
            1.0
        };
        let (likely, doubt) = (centre + trust * (found - centre), (trust * error).sqrt());
        match (doubt > 0.0, sign * likely > margin) {
            (true, _) => normal_cdf((sign * likely - margin) / doubt),
            (false, true) => 1.0,
            (false, false) => 0.0,
        }
    });
    chances.sum::<f64>() / n
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Dice, Purpose};

    /// Effects of vectors N(−1, 1), seen through two seeds of sd 2: truth P(effect < 0) = Φ(1) = 0.841; the means of two
    /// seeds alone would say Φ(1/√3) = 0.718.
    #[test]
    fn the_noise_of_few_seeds_is_taken_out() {
        let effects: Vec<Vec<f64>> = (0..1500)
            .map(|v| {
                let mut roll = Dice::new(8).roll(Purpose::Custom, v);
                let effect = roll.normal() - 1.0;
                (0..2).map(|_| effect + 2.0 * roll.normal()).collect()
            })
            .collect();
        let Some(found) = benefit(&effects, true, 0.0) else {
            panic!("vectors")
        };
        assert!(found.benefit.covers(0.718), "{found:?}");
        assert!(found.benefit_without_noise.covers(0.841), "{found:?}");
        assert!((found.benefit.value + found.harm.value - 1.0).abs() < 1e-12);
        assert!((found.median + 1.0).abs() < 0.2);
    }

    #[test]
    fn a_treatment_that_changes_nothing_neither_helps_nor_harms() {
        let found = benefit(&[vec![0.0, 0.0], vec![0.0]], true, 0.0);
        let shares = found.map(|b| (b.benefit.value, b.harm.value, b.benefit_without_noise.value));
        assert_eq!(shares, Some((0.0, 0.0, 0.0)));
        assert_eq!(benefit(&[vec![f64::NAN]], true, 0.0), None);
    }

    #[test]
    fn the_margin_and_the_direction_count() {
        let effects = [vec![-2.0], vec![-0.1], vec![3.0]];
        let share =
            |lower, margin| benefit(&effects, lower, margin).map(|b| (b.benefit.value * 3.0, b.harm.value * 3.0));
        assert_eq!(share(true, 0.0), Some((2.0, 1.0)));
        assert_eq!(share(true, 0.5), Some((1.0, 1.0)));
        assert_eq!(share(false, 0.0), Some((1.0, 2.0)));
    }
}
