//! What data said about each parameter: how much narrower the posterior is than the prior.

use crate::experiment::design::{normal_cdf, normal_quantile};
use crate::experiment::matrix::covariance;
use crate::math;

/// Correlation from which two parameters are said to trade places.
const TRADES: f64 = 0.7;

/// One parameter.
#[derive(Clone, Debug, PartialEq)]
pub struct Contraction {
    /// 1 − variance of the posterior ÷ variance of the prior, on the scale of normal scores: 0 = nothing was learnt, 1 =
    /// known exactly; below 0 = chance, or a posterior pushed to both ends of the prior.
    pub contraction: f64,
    /// Lower end of its 95 % interval for as many particles as the weights are worth: a posterior of few particles is narrow
    /// or wide by chance. Minus infinity for one particle.
    pub low: f64,
    /// Posterior quantiles 2.5 %, 50 %, 97.5 % as shares of the prior's probability.
    pub quantiles: [f64; 3],
    /// `identified` from 0.8 on, `weakly identified` from 0.3 on; `not identified` below, and wherever chance would do
    /// ([`Self::low`] is 0 or less).
    pub verdict: &'static str,
}

/// What the data say, and which pairs they cannot tell apart.
#[derive(Clone, Debug, PartialEq)]
pub struct Identifiability {
    /// Per parameter.
    pub parameters: Vec<Contraction>,
    /// `(i, j, correlation)` of pairs of which only a combination is known: correlated at 0.7 or more.
    pub trades: Vec<(usize, usize, f64)>,
}

/// From weighted normal scores of a posterior (see [`super::abc_smc`]). Nothing without particles.
pub fn of_scores(scores: &[Vec<f64>], weights: &[f64]) -> Option<Identifiability> {
    let k = scores.first()?.len();
    let (spread, _) = covariance(scores, weights);
    // The logarithm of a variance of n values is known to ±√(2/(n − 1)).
    let total: f64 = weights.iter().sum();
    let effective = total * total / weights.iter().map(|w| w * w).sum::<f64>();
    let chance = math::exp(1.96 * (2.0 / (effective - 1.0)).sqrt());
    let parameters = (0..k)
        .map(|i| {
            let contraction = 1.0 - spread[i * k + i];
            let low = 1.0 - spread[i * k + i] * chance;
            let mut column: Vec<(f64, f64)> = scores.iter().zip(weights).map(|(z, w)| (z[i], *w)).collect();
            column.sort_by(|a, b| a.0.total_cmp(&b.0));
            Contraction {
                contraction,
                low,
                quantiles: [0.025, 0.5, 0.975].map(|share| normal_cdf(weighted_quantile(&column, share))),
                verdict: match contraction {
                    _ if low.is_nan() || low <= 0.0 => "not identified",
                    c if c >= 0.8 => "identified",
                    c if c >= 0.3 => "weakly identified",
                    _ => "not identified",
                },
            }
        })
        .collect();
    let mut trades = Vec::new();
    for i in 0..k {
        for j in i + 1..k {
            let scale = (spread[i * k + i] * spread[j * k + j]).sqrt();
            let r = if scale > 0.0 { spread[i * k + j] / scale } else { 0.0 };
            if r.abs() >= TRADES {
                trades.push((i, j, r));
            }
        }
    }
    Some(Identifiability { parameters, trades })
}

/// From points of the unit cube with equal weight, as history matching leaves them.
pub fn of_points(points: &[Vec<f64>]) -> Option<Identifiability> {
    let scores = |p: &Vec<f64>| {
        p.iter()
            .map(|&u| normal_quantile(math::clamp(u, 1e-9, 1.0 - 1e-9)))
            .collect()
    };
    let scores: Vec<Vec<f64>> = points.iter().map(scores).collect();
    of_scores(&scores, &vec![1.0; scores.len()])
}

/// Quantile of values in rising order, each with its weight: halves of neighbouring weights lie between them.
pub fn weighted_quantile(column: &[(f64, f64)], share: f64) -> f64 {
    let total: f64 = column.iter().map(|c| c.1).sum();
    let (target, mut sum) = (share * total, 0.0);
    let mut before: Option<(f64, f64)> = None;
    for &(value, weight) in column {
        let here = sum + 0.5 * weight;
        if here >= target {
            return match before {
                Some((at, known)) if here > at => known + (value - known) * (target - at) / (here - at),
                _ => value,
            };
        }
        before = Some((here, value));
        sum += weight;
    }
    column.last().map_or(f64::NAN, |c| c.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Dice, Purpose};

    #[test]
    fn what_was_learnt_and_what_was_not_are_told_apart() {
        let scores: Vec<Vec<f64>> = (0..4000)
            .map(|i| {
                let mut roll = Dice::new(1).roll(Purpose::Custom, i);
                let (a, b) = (roll.normal(), roll.normal());
                // Known to a tenth; unknown; two of which only the sum is known.
                vec![0.5 + 0.1 * a, b, a, 0.2 * b - a]
            })
            .collect();
        let Some(found) = of_scores(&scores, &vec![1.0; 4000]) else {
            panic!("particles")
        };
        let words: Vec<&str> = found.parameters.iter().map(|p| p.verdict).collect();
        assert_eq!(
            words,
            ["identified", "not identified", "not identified", "not identified"]
        );
        assert!((found.parameters[0].contraction - 0.99).abs() < 0.005);
        assert!((found.parameters[0].quantiles[1] - normal_cdf(0.5)).abs() < 0.01);
        assert!(found.trades.iter().any(|t| (t.0, t.1) == (2, 3) && t.2 < -0.9));
    }

    #[test]
    fn few_particles_are_narrow_by_chance() {
        // Eight values at three quarters of the spread of the prior: a contraction of a half that chance would bring about.
        let scores: Vec<Vec<f64>> = (0..8).map(|i| vec![0.32 * (f64::from(i) - 3.5)]).collect();
        let few = of_scores(&scores, &[1.0; 8]).map(|f| f.parameters[0].clone());
        let many: Vec<Vec<f64>> = scores.iter().cycle().take(400).cloned().collect();
        let many = of_scores(&many, &vec![1.0; 400]).map(|f| f.parameters[0].clone());
        assert!(
            few.as_ref()
                .is_some_and(|p| p.verdict == "not identified" && p.contraction > 0.4 && p.low < 0.0),
            "{few:?}"
        );
        assert!(
            many.as_ref()
                .is_some_and(|p| p.verdict == "weakly identified" && p.low > 0.3),
            "{many:?}"
        );
        // One particle that holds all of the weight says nothing.
        let one = of_scores(&[vec![0.3], vec![0.9]], &[1.0, 0.0]).map(|f| f.parameters[0].clone());
        assert!(one.as_ref().is_some_and(|p| p.verdict == "not identified"), "{one:?}");
    }

    #[test]
    fn the_prior_itself_has_taught_nothing() {
        let points: Vec<Vec<f64>> = (0..1000).map(|i| vec![(f64::from(i) + 0.5) / 1000.0]).collect();
        let found = of_points(&points).map(|f| f.parameters[0].clone());
        assert!(found.as_ref().is_some_and(|p| p.contraction.abs() < 0.02), "{found:?}");
        assert!(found.is_some_and(|p| (p.quantiles[0] - 0.025).abs() < 1e-3));
        assert_eq!(of_points(&[]), None);
    }

    #[test]
    fn weights_count() {
        let column = [(0.0, 1.0), (1.0, 1.0), (2.0, 6.0)];
        assert!((weighted_quantile(&column, 0.0) - 0.0).abs() < 1e-15);
        assert!(weighted_quantile(&column, 0.5) > 1.5);
    }
}
