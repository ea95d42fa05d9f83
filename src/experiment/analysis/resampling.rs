//! Bootstrap of several statistics at once, and intervals of shares.

use crate::experiment::design::normal_quantile;
use crate::experiment::statistics::{Interval, LEVEL, quantile, sorted};
use crate::math;
use crate::random::{Dice, Purpose, Roll};

/// Seed of the resampling: no part of any model.
const SEED: u64 = 0x0B00_7574;

/// Dice of resample number `resample` of `n` cases.
pub fn dice(n: usize, resample: usize) -> Roll {
    Dice::new(SEED).at(n as u64).roll(Purpose::Resampling, resample as u64)
}

/// Draws as many cases as there are, with return.
pub fn redraw(cases: &mut [usize], roll: &mut Roll) {
    let n = cases.len() as u32;
    for case in cases {
        *case = roll.below(n) as usize;
    }
}

/// Resampled values of `width` statistics of `n` cases: one column per statistic. The statistics of a resample share
/// their cases, so that differences of columns are resampled too.
pub fn bootstrap(
    n: usize,
    resamples: usize,
    width: usize,
    mut statistics: impl FnMut(&[usize], &mut [f64]),
) -> Vec<Vec<f64>> {
    let mut columns = vec![Vec::with_capacity(resamples); width];
    let (mut cases, mut values) = (vec![0; n], vec![0.0; width]);
    for resample in 0..resamples {
        redraw(&mut cases, &mut dice(n, resample));
        statistics(&cases, &mut values);
        for (column, value) in columns.iter_mut().zip(&values) {
            column.push(*value);
        }
    }
    columns
}

/// The middle 95 % of resampled values; nothing without any.
pub fn percentile(resampled: &[f64]) -> Option<Interval> {
    if resampled.is_empty() || resampled.iter().any(|x| x.is_nan()) {
        return None;
    }
    let resampled = sorted(resampled);
    let tail = (1.0 - LEVEL) / 2.0;
    Some(Interval {
        low: quantile(&resampled, tail),
        high: quantile(&resampled, 1.0 - tail),
    })
}

/// Wilson's interval of a share: `count` of `n`. The whole range without any case; for 0 of n its upper end is near 3.8/n.
pub fn share_interval(count: usize, n: usize) -> Interval {
    if n == 0 {
        return Interval { low: 0.0, high: 1.0 };
    }
    let z = normal_quantile(0.5 + LEVEL / 2.0);
    let (n, share) = (n as f64, count as f64 / n as f64);
    let spread = z * ((share * (1.0 - share) + z * z / (4.0 * n)) / n).sqrt();
    let (centre, scale) = (share + z * z / (2.0 * n), 1.0 + z * z / n);
    Interval {
        low: if count == 0 { 0.0 } else { (centre - spread) / scale },
        high: if share == 1.0 {
            1.0
        } else {
            math::unit((centre + spread) / scale)
        },
    }
}

/// A share in words: none of n reads «< 3/n», the bound that 95 % stand behind.
pub fn share_text(count: usize, n: usize) -> String {
    match count {
        0 if n > 0 => format!("0 of {n} (< {:.3})", math::min(1.0, 3.0 / n as f64)),
        _ => {
            let interval = share_interval(count, n);
            format!("{count} of {n} ({:.3} to {:.3})", interval.low, interval.high)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Wilson intervals as statsmodels and R's prop.test(correct = FALSE) give them; the first by hand.
    #[test]
    fn a_share_has_wilsons_interval() {
        let near = |found: Interval, low: f64, high: f64| {
            assert!(
                (found.low - low).abs() < 5e-4 && (found.high - high).abs() < 5e-4,
                "{found:?}"
            );
        };
        near(share_interval(15, 27), 0.3730, 0.7242);
        near(share_interval(0, 39), 0.0, 0.0897);
        near(share_interval(39, 39), 0.9103, 1.0);
        assert_eq!(share_text(0, 60), "0 of 60 (< 0.050)");
    }

    #[test]
    fn resampled_columns_share_their_cases() {
        let columns = bootstrap(5, 50, 2, |cases, out| {
            out[0] = cases[0] as f64;
            out[1] = cases[0] as f64 + 1.0;
        });
        assert!(columns[0].iter().zip(&columns[1]).all(|(a, b)| b - a == 1.0));
        assert_eq!(percentile(&[]), None);
    }
}
