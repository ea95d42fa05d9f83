//! How many replicates are enough: the aleatory procedure of spartan (Alden et al. 2013).
//!
//! For each number of replicates, subsets of so many runs are held against the first one by Vargha and Delaney's A. Where
//! the farthest subset is near a half, the number is enough: another set of seeds would have told the same story.

use crate::experiment::statistics::Superiority;
use crate::math;

/// Subsets per number of replicates.
pub const SUBSETS: usize = 20;

/// One subset against the first of its size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Subset {
    /// Replicates in the subset.
    pub size: usize,
    /// Subset, from 1: the first (0) is what the others are held against.
    pub subset: usize,
    /// Vargha-Delaney A.
    pub a: f64,
}

/// What one number of replicates gives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Verdict {
    /// Replicates.
    pub size: usize,
    /// A of the subset farthest from a half, mirrored above it.
    pub worst: f64,
    /// `negligible`, `small`, `medium` or `large`.
    pub verdict: &'static str,
}

/// The procedure for one output.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Consistency {
    /// All subsets, by size.
    pub subsets: Vec<Subset>,
    /// One line per size.
    pub verdicts: Vec<Verdict>,
    /// Sizes for which there are fewer than subsets · size runs.
    pub left_out: Vec<usize>,
}

impl Consistency {
    /// The least number of replicates from which on the worst A stays within `mark` of a half (spartan's mark: 0.2;
    /// 0.06 is a negligible difference).
    pub fn enough(&self, mark: f64) -> Option<usize> {
        let last_bad = self.verdicts.iter().rposition(|v| v.worst - 0.5 > mark);
        let first = last_bad.map_or(0, |at| at + 1);
        self.verdicts.get(first).map(|v| v.size)
    }
}

/// Holds disjoint subsets of an output's replicates against each other, for each size in rising order.
pub fn consistency(values: &[f64], sizes: &[usize], subsets: usize) -> Consistency {
    let values: Vec<f64> = values.iter().copied().filter(|x| x.is_finite()).collect();
    let mut sizes = sizes.to_vec();
    sizes.sort_unstable();
    sizes.dedup();
    let mut found = Consistency::default();
    for size in sizes {
        let needed = size.saturating_mul(subsets);
        if size == 0 || subsets < 2 || needed > values.len() {
            found.left_out.push(size);
            continue;
        }
        let cases: Vec<usize> = (0..size).collect();
        let mut worst = 0.5;
        for subset in 1..subsets {
            let other = &values[subset * size..(subset + 1) * size];
            let a = Superiority::of(other, &values[..size]).among(&cases, &cases);
            worst = math::max(worst, 0.5 + (a - 0.5).abs());
            found.subsets.push(Subset { size, subset, a });
        }
        found.verdicts.push(Verdict {
            size,
            worst,
            verdict: super::effect::size_of(worst),
        });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Dice, Purpose};

    #[test]
    fn more_replicates_tell_the_same_story_more_often() {
        let values: Vec<f64> = (0..6000)
            .map(|i| Dice::new(3).roll(Purpose::Custom, i).log_normal(1.0, 0.7))
            .collect();
        let found = consistency(&values, &[300, 1, 5, 50, 100, 800], SUBSETS);
        assert_eq!(found.left_out, [800]);
        let worst: Vec<f64> = found.verdicts.iter().map(|v| v.worst).collect();
        assert_eq!(worst[0], 1.0, "single runs are always larger or smaller");
        assert!(worst.windows(2).all(|w| w[1] < w[0]), "{worst:?}");
        // The sd of A between samples of n is (1/(6n))^½: 0.024 at 300; the worst of 19 is within about 2.5 of them.
        assert!(worst[4] - 0.5 < 4.0 * (1.0f64 / 1800.0).sqrt());
        assert_eq!(found.enough(0.2), Some(50));
        assert_eq!(found.subsets.len(), 5 * 19);
    }

    #[test]
    fn an_output_that_never_varies_needs_one_replicate() {
        let found = consistency(&[2.0; 20], &[1], SUBSETS);
        assert_eq!(found.verdicts[0].worst, 0.5);
        assert_eq!(found.enough(0.06), Some(1));
        assert_eq!(consistency(&[], &[1], SUBSETS).enough(0.06), None);
    }
}
