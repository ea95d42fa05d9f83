//! Tests of a trial: two-sided p of no difference.

use statrs::distribution::{ContinuousCDF, StudentsT};

use super::prcc::ranks;
use crate::experiment::design::normal_cdf;
use crate::experiment::statistics::{mean, sd};
use crate::math;

fn student(t: f64, freedom: f64) -> f64 {
    StudentsT::new(0.0, 1.0, freedom).map_or(1.0, |d| 2.0 * d.sf(t.abs()))
}

/// Welch's t test of two independent samples; 1 below two values each, or where nothing varies and the means are equal.
pub fn welch(first: &[f64], second: &[f64]) -> f64 {
    if first.len() < 2 || second.len() < 2 {
        return 1.0;
    }
    let part = |x: &[f64]| math::square(sd(x)) / x.len() as f64;
    let (a, b) = (part(first), part(second));
    let difference = mean(first) - mean(second);
    if a + b <= 0.0 {
        return if difference == 0.0 { 1.0 } else { 0.0 };
    }
    let freedom = (a + b) * (a + b) / (a * a / (first.len() - 1) as f64 + b * b / (second.len() - 1) as f64);
    student(difference / (a + b).sqrt(), freedom)
}

/// Student's t test of paired differences.
pub fn paired_t(first: &[f64], second: &[f64]) -> f64 {
    let differences: Vec<f64> = first.iter().zip(second).map(|(a, b)| a - b).collect();
    if differences.len() < 2 {
        return 1.0;
    }
    let (centre, error) = (mean(&differences), sd(&differences) / (differences.len() as f64).sqrt());
    match (error > 0.0, centre == 0.0) {
        (true, _) => student(centre / error, (differences.len() - 1) as f64),
        (false, true) => 1.0,
        (false, false) => 0.0,
    }
}

/// Two-sided p of a statistic on a half-integer lattice, with its continuity correction.
fn normal(distance: f64, variance: f64) -> f64 {
    if variance <= 0.0 {
        return 1.0;
    }
    math::min(
        1.0,
        2.0 * normal_cdf(-math::positive(distance.abs() - 0.5) / variance.sqrt()),
    )
}

/// Σ(t³ − t) over groups of equal ranks.
fn ties(ranks: &[f64]) -> f64 {
    let mut sorted = ranks.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
        .chunk_by(|a, b| a == b)
        .map(|group| {
            let t = group.len() as f64;
            t * t * t - t
        })
        .sum()
}

/// Rank sum test (Wilcoxon, Mann and Whitney), normal approximation with ties and continuity.
pub fn rank_sum(first: &[f64], second: &[f64]) -> f64 {
    let (n, m) = (first.len() as f64, second.len() as f64);
    let all = ranks(&[first, second].concat());
    let u = all[..first.len()].iter().sum::<f64>() - n * (n + 1.0) / 2.0;
    let total = n + m;
    if n < 1.0 || m < 1.0 {
        return 1.0;
    }
    let variance = n * m / 12.0 * (total + 1.0 - ties(&all) / (total * (total - 1.0)));
    normal(u - n * m / 2.0, variance)
}

/// Signed rank test of pairs (Wilcoxon), normal approximation with ties and continuity; pairs without a difference are
/// left out.
pub fn signed_rank(first: &[f64], second: &[f64]) -> f64 {
    let differences: Vec<f64> = first
        .iter()
        .zip(second)
        .map(|(a, b)| a - b)
        .filter(|d| *d != 0.0)
        .collect();
    let n = differences.len() as f64;
    let sizes = ranks(&differences.iter().map(|d| d.abs()).collect::<Vec<_>>());
    let rising: f64 = sizes
        .iter()
        .zip(&differences)
        .filter(|(_, d)| **d > 0.0)
        .map(|(r, _)| r)
        .sum();
    let variance = n * (n + 1.0) * (2.0 * n + 1.0) / 24.0 - ties(&sizes) / 48.0;
    normal(rising - n * (n + 1.0) / 4.0, variance)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p_values_are_those_of_scipy() {
        let fixture: serde_json::Value =
            serde_json::from_str(include_str!("../../../tests/fixtures/effects.json")).unwrap_or_default();
        let case = &fixture["tests"];
        let list = |name: &str| -> Vec<f64> {
            let array = case[name].as_array().cloned().unwrap_or_default();
            array.iter().map(|x| x.as_f64().unwrap_or(f64::NAN)).collect()
        };
        let (first, second, paired) = (list("first"), list("second"), list("paired"));
        for (name, found) in [
            ("welch", welch(&first, &second)),
            ("rank_sum", rank_sum(&first, &second)),
            ("paired_t", paired_t(&paired, &second)),
            ("signed_rank", signed_rank(&paired, &second)),
        ] {
            let wanted = case[name].as_f64().unwrap_or(f64::NAN);
            assert!((found - wanted).abs() < 1e-9, "{name}: {found} {wanted}");
        }
    }

    #[test]
    fn nothing_speaks_against_equal_or_empty_samples() {
        for test in [welch, paired_t, rank_sum, signed_rank] {
            assert_eq!(test(&[1.0; 5], &[1.0; 5]), 1.0);
            assert_eq!(test(&[], &[]), 1.0);
        }
        assert_eq!(welch(&[2.0; 3], &[1.0; 3]), 0.0);
    }
}
