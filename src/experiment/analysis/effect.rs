//! How much two arms differ, and what pairing by common random numbers pays.

use super::Estimate;
use super::resampling::{dice, redraw};
use crate::experiment::statistics::{RESAMPLES, Superiority, accelerated, bca, mean, sd};
use crate::math;

/// Vargha-Delaney A of two independent samples: chance that a value of the first is larger than one of the second, ties
/// half; BCa interval over both samples. Nothing when one is empty; no interval below two values each.
pub fn vargha_delaney(first: &[f64], second: &[f64]) -> Option<Estimate> {
    if first.is_empty() || second.is_empty() {
        return None;
    }
    let ranks = Superiority::of(first, second);
    let all = |n: usize| (0..n).collect::<Vec<usize>>();
    let (one, two) = (all(first.len()), all(second.len()));
    let value = ranks.among(&one, &two);
    if first.len() < 2 || second.len() < 2 {
        return Some(Estimate { value, interval: None });
    }
    let (mut cases, mut others) = (one.clone(), two.clone());
    let resampled: Vec<f64> = (0..RESAMPLES)
        .map(|resample| {
            let mut roll = dice(first.len() + second.len(), resample);
            redraw(&mut cases, &mut roll);
            redraw(&mut others, &mut roll);
            ranks.among(&cases, &others)
        })
        .collect();
    let left_out = |of: &[usize], i: usize| of.iter().copied().filter(|&c| c != i).collect::<Vec<usize>>();
    let without_first: Vec<f64> = one.iter().map(|&i| ranks.among(&left_out(&one, i), &two)).collect();
    let without_second: Vec<f64> = two.iter().map(|&i| ranks.among(&one, &left_out(&two, i))).collect();
    Some(Estimate {
        value,
        interval: Some(accelerated(value, &resampled, &[&without_first, &without_second])),
    })
}

/// The words of Vargha and Delaney 2000 for a distance of A from a half: 0.06, 0.14, 0.21.
pub fn size_of(a: f64) -> &'static str {
    match (a - 0.5).abs() {
        d if d < 0.06 => "negligible",
        d if d < 0.14 => "small",
        d if d < 0.21 => "medium",
        _ => "large",
    }
}

/// What pairs of equal seed pay.
#[derive(Clone, Debug, PartialEq)]
pub struct Pairing {
    /// Variance of a difference between independent runs over that between paired ones: that many times fewer runs give
    /// the same interval. Infinite when all pairs differ alike.
    pub variance_ratio: Estimate,
    /// Correlation of the pairs.
    pub correlation: f64,
    /// Variance of a difference of paired runs.
    pub paired: f64,
    /// Variance of a difference of independent runs: the sum of both variances.
    pub unpaired: f64,
    /// Pairs.
    pub pairs: usize,
}

/// Compares pairing with independent seeds; nothing below three pairs. Pairs with a missing value are left out.
pub fn pairing(arm: &[f64], reference: &[f64]) -> Option<Pairing> {
    let pairs: Vec<(f64, f64)> = arm
        .iter()
        .zip(reference)
        .map(|(a, b)| (*a, *b))
        .filter(|(a, b)| a.is_finite() && b.is_finite())
        .collect();
    if pairs.len() < 3 {
        return None;
    }
    let parts = |cases: &[usize]| {
        let column = |f: fn(&(f64, f64)) -> f64| cases.iter().map(|&i| f(&pairs[i])).collect::<Vec<f64>>();
        let variance = |values: &[f64]| math::square(sd(values));
        let (a, b, d) = (column(|p| p.0), column(|p| p.1), column(|p| p.0 - p.1));
        (variance(&a), variance(&b), variance(&d))
    };
    let ratio = |(a, b, d): (f64, f64, f64)| match (a + b > 0.0, d > 0.0) {
        (_, true) => (a + b) / d,
        (true, false) => f64::INFINITY,
        (false, false) => 1.0,
    };
    let all: Vec<usize> = (0..pairs.len()).collect();
    let (a, b, paired) = parts(&all);
    let value = ratio((a, b, paired));
    let interval = value.is_finite().then(|| {
        // On the scale of logarithms no end of the interval can fall below 0; a resample of equal pairs is bounded.
        let log = |cases: &[usize]| math::ln(math::clamp(ratio(parts(cases)), 1e-12, 1e12));
        bca(pairs.len(), log)
    });
    let spread = (a * b).sqrt();
    Some(Pairing {
        variance_ratio: Estimate {
            value,
            interval: interval.flatten().map(|i| crate::experiment::statistics::Interval {
                low: math::exp(i.low),
                high: math::exp(i.high),
            }),
        },
        correlation: if spread > 0.0 {
            (a + b - paired) / (2.0 * spread)
        } else {
            0.0
        },
        paired,
        unpaired: a + b,
        pairs: pairs.len(),
    })
}

/// Pooled standardised difference (Cohen's d); not a number when nothing varies.
pub fn standardised_difference(first: &[f64], second: &[f64]) -> f64 {
    let (n, m) = (first.len() as f64, second.len() as f64);
    let pooled = ((n - 1.0) * math::square(sd(first)) + (m - 1.0) * math::square(sd(second))) / (n + m - 2.0);
    (mean(first) - mean(second)) / pooled.sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Dice, Purpose};

    /// Numbers of `tests/fixtures/effects.py` (scipy).
    #[test]
    fn superiority_and_its_interval_are_those_of_scipy() {
        let fixture: serde_json::Value =
            serde_json::from_str(include_str!("../../../tests/fixtures/effects.json")).unwrap_or_default();
        let list = |name: &str| -> Vec<f64> {
            let array = fixture["superiority"][name].as_array().cloned().unwrap_or_default();
            array.iter().map(|x| x.as_f64().unwrap_or(f64::NAN)).collect()
        };
        let found = vargha_delaney(&list("first"), &list("second"));
        let Some(Estimate {
            value,
            interval: Some(interval),
        }) = found
        else {
            panic!("{found:?}")
        };
        assert!((value - list("a")[0]).abs() < 1e-12);
        // Both resample 10 000 times or more; the end of an interval is known to about a hundredth.
        let wanted = list("interval");
        assert!(
            (interval.low - wanted[0]).abs() < 0.012 && (interval.high - wanted[1]).abs() < 0.012,
            "{interval:?}"
        );
    }

    #[test]
    fn pairs_that_share_their_site_need_fewer_runs() {
        let n = 300;
        let mut roll = Dice::new(1).roll(Purpose::Custom, 0);
        let (mut arm, mut reference) = (Vec::new(), Vec::new());
        for _ in 0..n {
            let site = 3.0 * roll.normal();
            arm.push(site + roll.normal());
            reference.push(site + roll.normal());
        }
        // Truth: (10 + 10) / 2.
        let found = pairing(&arm, &reference);
        assert!(
            found.as_ref().is_some_and(|p| p.variance_ratio.covers(10.0)),
            "{found:?}"
        );
        assert!(found.is_some_and(|p| (p.correlation - 0.9).abs() < 0.03));
    }

    #[test]
    fn equal_arms_pay_without_bound_and_constant_ones_nothing() {
        let x = [1.0, 2.0, 4.0];
        assert_eq!(pairing(&x, &x).map(|p| p.variance_ratio.value), Some(f64::INFINITY));
        assert_eq!(pairing(&[1.0; 3], &[2.0; 3]).map(|p| p.variance_ratio.value), Some(1.0));
        assert_eq!(pairing(&x[..2], &x[..2]), None);
    }

    #[test]
    fn sizes_have_the_usual_words() {
        assert_eq!(
            [0.5, 0.6, 0.35, 0.8].map(size_of),
            ["negligible", "small", "medium", "large"]
        );
        assert!((standardised_difference(&[2.0, 4.0], &[1.0, 3.0]) - 1.0 / 2.0f64.sqrt()).abs() < 1e-12);
    }
}
