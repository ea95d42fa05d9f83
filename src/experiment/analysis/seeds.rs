//! How much of the spread of an output is the seed, and how much the factors: replicates of each row of a design.

use super::Estimate;
use super::resampling::{bootstrap, percentile};
use crate::experiment::statistics::mean;
use crate::math;

/// Resamples of the interval.
const RESAMPLES: usize = 2000;

/// Variance of an output over a design, taken apart.
#[derive(Clone, Debug, PartialEq)]
pub struct SeedShare {
    /// Variance between runs of one row.
    pub within: f64,
    /// Variance of the rows' true means, never below 0.
    pub between: f64,
    /// within / (within + between): the share of the variance of a single run that its seed explains.
    pub share: Estimate,
    /// Share of the variance of the rows' *means* that is still the seed: what indices computed on them cannot explain.
    pub share_of_means: f64,
    /// Rows with at least one result.
    pub rows: usize,
}

/// Mean of each row's replicates; not a number for a row without any.
pub fn means(replicates: &[Vec<f64>]) -> Vec<f64> {
    replicates.iter().map(|row| mean(&there(row))).collect()
}

fn there(row: &[f64]) -> Vec<f64> {
    row.iter().copied().filter(|x| x.is_finite()).collect()
}

/// Components of the variance by the one-way analysis of variance with random rows (unequal numbers of replicates
/// allowed). Nothing without two rows, or without a row of two replicates. The interval resamples rows.
pub fn seed_share(replicates: &[Vec<f64>]) -> Option<SeedShare> {
    // Count, mean and sum of squares of each row.
    let rows: Vec<[f64; 3]> = replicates
        .iter()
        .map(|row| there(row))
        .filter(|row| !row.is_empty())
        .map(|row| {
            let centre = mean(&row);
            let squares = row.iter().map(|x| math::square(x - centre)).sum();
            [row.len() as f64, centre, squares]
        })
        .collect();
    let all: Vec<usize> = (0..rows.len()).collect();
    let (within, between, per_row) = components(&rows, &all)?;
    let share = |within: f64, between: f64| if within > 0.0 { within / (within + between) } else { 0.0 };
    let resampled = bootstrap(rows.len(), RESAMPLES, 1, |cases, out| {
        out[0] = components(&rows, cases).map_or(f64::NAN, |(w, b, _)| share(w, b));
    });
    // A resample may hold no row twice measured.
    let resampled: Vec<f64> = resampled[0].iter().copied().filter(|x| x.is_finite()).collect();
    Some(SeedShare {
        within,
        between,
        share: Estimate {
            value: share(within, between),
            interval: percentile(&resampled),
        },
        share_of_means: share(within / per_row, between),
        rows: rows.len(),
    })
}

/// Variance within, variance between, and the effective number of replicates.
fn components(rows: &[[f64; 3]], cases: &[usize]) -> Option<(f64, f64, f64)> {
    let (mut n, mut sum, mut squares, mut counts) = (0.0, 0.0, 0.0, 0.0);
    for &case in cases {
        let [count, centre, of_row] = rows[case];
        n += count;
        counts += count * count;
        sum += count * centre;
        squares += of_row;
    }
    let groups = cases.len() as f64;
    if groups < 2.0 || n <= groups {
        return None;
    }
    let grand = sum / n;
    let between: f64 = cases
        .iter()
        .map(|&c| rows[c][0] * math::square(rows[c][1] - grand))
        .sum();
    let within = squares / (n - groups);
    let per_row = (n - counts / n) / (groups - 1.0);
    let between = math::positive(between / (groups - 1.0) - within) / per_row;
    Some((within, between, per_row))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Dice, Purpose};

    fn rows(n: usize, replicates: usize, between_sd: f64) -> Vec<Vec<f64>> {
        (0..n)
            .map(|row| {
                let mut roll = Dice::new(4).roll(Purpose::Custom, row as u64);
                let centre = between_sd * roll.normal();
                (0..replicates).map(|_| centre + roll.normal()).collect()
            })
            .collect()
    }

    #[test]
    fn the_share_of_the_seed_is_found() {
        let Some(found) = seed_share(&rows(400, 4, 2.0)) else {
            panic!("two rows with replicates")
        };
        // Truth: 1 / (1 + 4).
        assert!(found.share.covers(0.2), "{found:?}");
        assert!((found.share.value - 0.2).abs() < 0.03);
        assert!((found.share_of_means - 0.25 / 4.25).abs() < 0.02);
    }

    #[test]
    fn without_factors_all_is_seed_and_without_noise_nothing_is() {
        let pure = seed_share(&rows(200, 5, 0.0)).map(|s| s.share.value);
        assert!(pure.is_some_and(|share| share > 0.95), "{pure:?}");
        let exact: Vec<Vec<f64>> = (0..9).map(|i| vec![f64::from(i); 3]).collect();
        assert_eq!(seed_share(&exact).map(|s| s.share.value), Some(0.0));
        assert_eq!(seed_share(&[vec![1.0], vec![2.0]]), None);
        assert_eq!(seed_share(&[vec![1.0, 2.0]]), None);
    }

    #[test]
    fn missing_replicates_are_left_out() {
        let found = means(&[vec![1.0, f64::NAN, 3.0], vec![f64::NAN]]);
        assert_eq!(found[0], 2.0);
        assert!(found[1].is_nan());
    }
}
