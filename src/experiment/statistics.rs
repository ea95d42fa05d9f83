//! What may be said from paired runs: difference with interval, chance to be larger, and how easily chance alone does it.
//!
//! Replicates are simulated and cost nothing but time, so a p-value mostly measures how many were bought: the difference
//! and its interval come first. Every resampling here is a function of the data alone: the dice have a fixed seed.

use statrs::distribution::{ContinuousCDF, Normal};

use crate::math;
use crate::random::{Dice, Purpose};

/// Seed of the resampling: no part of any model.
const SEED: u64 = 0x5747_1571;
/// Resamples of a bootstrap, and sign flips when they are too many to list.
pub const RESAMPLES: usize = 10_000;
/// Most pairs for which all sign flips are listed.
const MOST_LISTED: usize = 14;
/// Level of the intervals.
pub const LEVEL: f64 = 0.95;

/// Mean; not a number for nothing.
pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Standard deviation with n − 1; 0 for a single value.
pub fn sd(values: &[f64]) -> f64 {
    if values.len() < 2 {
        return 0.0;
    }
    let centre = mean(values);
    let squares: f64 = values.iter().map(|x| math::square(x - centre)).sum();
    (squares / (values.len() - 1) as f64).sqrt()
}

/// Values in rising order.
pub fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

/// Quantile by linear interpolation (type 7, the default of R and numpy) of values in rising order.
pub fn quantile(sorted: &[f64], share: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else {
        return f64::NAN;
    };
    let place = math::unit(share) * last as f64;
    let below = place.floor() as usize;
    let above = (below + 1).min(last);
    sorted[below] + (place - below as f64) * (sorted[above] - sorted[below])
}

/// Two ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// One resample of `n` cases with replacement, by their indices.
pub fn resample(n: usize, number: usize) -> Vec<usize> {
    let mut roll = Dice::new(SEED).at(n as u64).roll(Purpose::Custom, number as u64);
    (0..n).map(|_| roll.below(n as u32) as usize).collect()
}

/// Cases of a bootstrap and what ties some of them together: cases with one label are drawn, or left out, together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cases {
    n: usize,
    ties: Vec<Tie>,
}

/// One way in which cases hang together.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Tie {
    /// Label of each case.
    label: Vec<usize>,
    /// Number of labels.
    levels: usize,
}

impl Tie {
    fn of<T: Ord + Copy>(labels: impl Iterator<Item = T> + Clone) -> Self {
        let mut all: Vec<T> = labels.clone().collect();
        all.sort_unstable();
        all.dedup();
        Self {
            label: labels.map(|x| all.partition_point(|y| *y < x)).collect(),
            levels: all.len(),
        }
    }
}

impl Cases {
    /// Cases that have nothing in common.
    pub fn independent(n: usize) -> Self {
        let ties = vec![Tie::of(0..n)];
        Self { n, ties }
    }

    /// Cases by the point of a design and the seed of each. Where the same seeds come again at every point both are drawn, each
    /// by itself, and a case counts as often as the two together (the pigeonhole bootstrap, mildly conservative; Owen 2007,
    /// doi 10.1214/07-AOAS122). Where every point has seeds of its own, points are drawn whole; of one point, seeds.
    pub fn at(places: &[(usize, u64)]) -> Self {
        let points = Tie::of(places.iter().map(|place| place.0));
        let seeds = Tie::of(places.iter().map(|place| place.1));
        let has_own_seeds = seeds.levels == places.len();
        let ties = match (points.levels > 1, seeds.levels > 1) {
            (true, true) if !has_own_seeds => vec![points, seeds],
            (true, _) => vec![points],
            (false, _) => vec![seeds],
        };
        Self { n: places.len(), ties }
    }

    /// One resample, by the indices of its cases; rarely without any.
    fn resample(&self, number: usize) -> Vec<usize> {
        let mut times = vec![1; self.n];
        for (k, tie) in self.ties.iter().enumerate() {
            let mut drawn = vec![0; tie.levels];
            for level in resample(tie.levels, number + k * RESAMPLES) {
                drawn[level] += 1;
            }
            for (times, label) in times.iter_mut().zip(&tie.label) {
                *times *= drawn[*label];
            }
        }
        let cases = times.iter().enumerate();
        cases
            .flat_map(|(case, &times)| std::iter::repeat_n(case, times))
            .collect()
    }

    /// For each tie, the cases that are left without each of its labels in turn.
    fn without(&self) -> impl Iterator<Item = Vec<Vec<usize>>> {
        self.ties.iter().map(|tie| {
            let left = |level: usize| (0..self.n).filter(|&case| tie.label[case] != level).collect();
            (0..tie.levels).map(left).collect()
        })
    }
}

/// Bias-corrected and accelerated bootstrap interval (Efron 1987) of a statistic of `n` cases that have nothing in common, given
/// by their indices. Nothing below two cases; a point when no resample differs.
pub fn bca(n: usize, statistic: impl Fn(&[usize]) -> f64) -> Option<Interval> {
    bca_of(&Cases::independent(n), statistic)
}

/// The same of cases some of which hang together. Nothing where a tie has one label alone.
pub fn bca_of(cases: &Cases, statistic: impl Fn(&[usize]) -> f64) -> Option<Interval> {
    if cases.ties.iter().any(|tie| tie.levels < 2) {
        return None;
    }
    let all: Vec<usize> = (0..cases.n).collect();
    let estimate = statistic(&all);
    let some = |cases: &Vec<usize>| !cases.is_empty();
    let resamples = (0..RESAMPLES).map(|number| cases.resample(number)).filter(some);
    let resampled: Vec<f64> = resamples.map(|cases| statistic(&cases)).collect();
    let without: Vec<Vec<f64>> = cases
        .without()
        .map(|left| left.iter().map(|cases| statistic(cases)).collect())
        .collect();
    let without: Vec<&[f64]> = without.iter().map(Vec::as_slice).collect();
    Some(accelerated(estimate, &resampled, &without))
}

/// Ends of a bias-corrected and accelerated interval: from the resampled values of a statistic (at least one) and, for
/// each sample that it is made of, its values without each case in turn. A point when no resample differs.
pub fn accelerated(estimate: f64, resampled: &[f64], without: &[&[f64]]) -> Interval {
    let resampled = sorted(resampled);
    let last = resampled.len() - 1;
    if resampled[0] == resampled[last] {
        return Interval {
            low: resampled[0],
            high: resampled[0],
        };
    }
    let normal = Normal::standard();
    // Bias: how many resamples lie below the estimate; ties count half, as a lattice of few values needs.
    let below = resampled.iter().filter(|&&x| x < estimate).count() as f64;
    let equal = resampled.iter().filter(|&&x| x == estimate).count() as f64;
    let total = resampled.len() as f64;
    let share = math::clamp((below + 0.5 * equal) / total, 0.5 / total, 1.0 - 0.5 / total);
    let bias = normal.inverse_cdf(share);
    // Acceleration: skewness of the jackknife.
    let (mut cubes, mut squares) = (0.0, 0.0);
    for sample in without {
        let centre = mean(sample);
        let weight = (sample.len() - 1) as f64 / sample.len() as f64;
        for x in *sample {
            let pull = weight * (centre - x);
            cubes += pull * pull * pull;
            squares += pull * pull;
        }
    }
    let acceleration = if squares > 0.0 {
        cubes / (6.0 * squares * squares.sqrt())
    } else {
        0.0
    };
    let end = |tail: f64| {
        let z = bias + normal.inverse_cdf(tail);
        let moved = normal.cdf(bias + z / (1.0 - acceleration * z));
        quantile(&resampled, moved)
    };
    let tail = (1.0 - LEVEL) / 2.0;
    Interval {
        low: end(tail),
        high: end(1.0 - tail),
    }
}

/// Vargha-Delaney A of two samples by rank: chance that a value of the first is larger than one of the second, ties half.
pub(super) struct Superiority {
    first: Vec<usize>,
    second: Vec<usize>,
    ranks: usize,
}

impl Superiority {
    pub(super) fn of(first: &[f64], second: &[f64]) -> Self {
        let mut levels = sorted(&[first, second].concat());
        levels.dedup();
        let rank = |x: &f64| levels.partition_point(|level| level < x);
        Self {
            first: first.iter().map(rank).collect(),
            second: second.iter().map(rank).collect(),
            ranks: levels.len(),
        }
    }

    /// A of the chosen cases of the two samples, by counting.
    pub(super) fn among(&self, first: &[usize], second: &[usize]) -> f64 {
        let mut counts = vec![(0.0, 0.0); self.ranks];
        for &case in first {
            counts[self.first[case]].0 += 1.0;
        }
        for &case in second {
            counts[self.second[case]].1 += 1.0;
        }
        let (mut smaller, mut won) = (0.0, 0.0);
        for (first, second) in counts {
            won += first * (smaller + 0.5 * second);
            smaller += second;
        }
        won / (first.len() as f64 * second.len() as f64)
    }
}

/// Two-sided p of a mean difference of zero, by flipping the signs of the pairs: all flips up to 14 pairs, else 10 000
/// drawn ones.
pub fn sign_flip_p(differences: &[f64]) -> f64 {
    let observed = differences.iter().sum::<f64>().abs();
    // Sums of the same numbers in another order of signs differ by rounding.
    let least = observed - 1e-9 * differences.iter().map(|d| d.abs()).sum::<f64>();
    let sum = |flips: u64| {
        let signed = differences.iter().enumerate();
        signed.fold(0.0, |sum, (i, d)| if flips >> i & 1 == 1 { sum - d } else { sum + d })
    };
    if differences.len() <= MOST_LISTED {
        let all = 1u64 << differences.len();
        let extreme = (0..all).filter(|&flips| sum(flips).abs() >= least).count();
        return extreme as f64 / all as f64;
    }
    let mut extreme = 1.0;
    for draw in 0..RESAMPLES {
        let mut roll = Dice::new(SEED).roll(Purpose::Custom, draw as u64);
        let flipped: f64 = differences.iter().map(|d| if roll.chance(0.5) { -d } else { *d }).sum();
        if flipped.abs() >= least {
            extreme += 1.0;
        }
    }
    extreme / (RESAMPLES as f64 + 1.0)
}

/// Holm's correction: p-values in the order given, each fit to be held against the level itself.
pub fn holm(raw: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..raw.len()).collect();
    order.sort_by(|&a, &b| raw[a].total_cmp(&raw[b]));
    let mut adjusted = vec![1.0; raw.len()];
    let mut highest = 0.0;
    for (rank, &i) in order.iter().enumerate() {
        highest = math::max(highest, math::min(1.0, (raw.len() - rank) as f64 * raw[i]));
        adjusted[i] = highest;
    }
    adjusted
}

/// An arm against the reference over pairs of equal seed.
#[derive(Clone, Debug, PartialEq)]
pub struct Paired {
    /// Mean of arm − reference.
    pub difference: f64,
    /// Its BCa interval; nothing below two pairs.
    pub difference_interval: Option<Interval>,
    /// Vargha-Delaney A: chance that the arm's value is the larger one, ties half.
    pub superiority: f64,
    /// Its BCa interval over pairs.
    pub superiority_interval: Option<Interval>,
    /// Two-sided p of the sign flips; not corrected.
    pub p: f64,
    /// Pairs.
    pub pairs: usize,
    /// Whether any pair differs at all.
    pub differs: bool,
}

/// Compares two columns of equal length, pair by pair; nothing without a pair.
pub fn paired(arm: &[f64], reference: &[f64]) -> Option<Paired> {
    paired_of(&Cases::independent(arm.len()), arm, reference)
}

/// The larger p of flipping the signs of whole points and of whole seeds.
fn flipped_p(cases: &Cases, differences: &[f64]) -> f64 {
    let of_tie = |tie: &Tie| {
        let mut sums = vec![0.0; tie.levels];
        for (difference, label) in differences.iter().zip(&tie.label) {
            sums[*label] += difference;
        }
        sign_flip_p(&sums)
    };
    cases.ties.iter().map(of_tie).fold(0.0, math::max)
}

/// The same of pairs some of which hang together.
pub fn paired_of(cases: &Cases, arm: &[f64], reference: &[f64]) -> Option<Paired> {
    let n = arm.len();
    if n == 0 || n != reference.len() || n != cases.n {
        return None;
    }
    let differences: Vec<f64> = arm.iter().zip(reference).map(|(a, b)| a - b).collect();
    let ranks = Superiority::of(arm, reference);
    let all: Vec<usize> = (0..n).collect();
    let mean_of = |cases: &[usize]| cases.iter().map(|&i| differences[i]).sum::<f64>() / cases.len() as f64;
    Some(Paired {
        difference: mean(&differences),
        difference_interval: bca_of(cases, mean_of),
        superiority: ranks.among(&all, &all),
        superiority_interval: bca_of(cases, |cases| ranks.among(cases, cases)),
        p: flipped_p(cases, &differences),
        pairs: n,
        differs: differences.iter().any(|&d| d != 0.0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    // Numbers of `tests/fixtures/statistics.py` (scipy); the two columns are the ones there.
    const ARM: [f64; 10] = [3.1, 2.4, 5.6, 4.4, 3.9, 7.2, 2.8, 4.1, 6.0, 3.3];
    const REFERENCE: [f64; 10] = [4.0, 2.6, 6.9, 4.2, 5.8, 7.9, 4.9, 4.0, 8.1, 3.9];

    /// 10 000 resamples against a million: the ends may differ by a few steps of the lattice of 0.01.
    #[test]
    fn intervals_and_p_are_those_of_scipy() {
        let Some(found) = paired(&ARM, &REFERENCE) else {
            panic!("ten pairs make a contrast")
        };
        let near = |found: Option<Interval>, low: f64, high: f64, by: f64| {
            let found = found.unwrap_or(Interval {
                low: f64::NAN,
                high: f64::NAN,
            });
            assert!(
                (found.low - low).abs() <= by && (found.high - high).abs() <= by,
                "{found:?}"
            );
        };
        assert!((found.difference + 0.95).abs() < 1e-12);
        near(found.difference_interval, -1.48, -0.46, 0.03);
        assert!((found.superiority - 0.345).abs() < 1e-12);
        near(found.superiority_interval, 0.23, 0.50, 0.02);
        assert!((found.p - 0.01171875).abs() < 1e-12);
    }

    #[test]
    fn drawn_sign_flips_agree_with_listed_ones() {
        let differences: Vec<f64> = (0..16).map(|i| f64::from(i) - 4.0).collect();
        let all = 1u64 << differences.len();
        let observed: f64 = differences.iter().sum();
        let flipped = |flips: u64| -> f64 {
            let signed = differences.iter().enumerate();
            signed.map(|(i, d)| if flips >> i & 1 == 1 { -d } else { *d }).sum()
        };
        let exact = (0..all).filter(|&f| flipped(f).abs() >= observed.abs()).count() as f64 / all as f64;
        let drawn = sign_flip_p(&differences);
        // Five standard errors of the drawing.
        assert!(
            (drawn - exact).abs() < 5.0 * (exact * (1.0 - exact) / RESAMPLES as f64).sqrt(),
            "{drawn} {exact}"
        );
    }

    #[test]
    fn quantiles_are_those_of_r_and_numpy() {
        let sorted = sorted(&[4.0, 1.0, 3.0, 2.0]);
        assert_eq!(quantile(&sorted, 0.5), 2.5);
        assert!((quantile(&sorted, 0.05) - 1.15).abs() < 1e-12);
        assert_eq!(quantile(&sorted, 1.0), 4.0);
        assert!(quantile(&[], 0.5).is_nan());
        assert!((sd(&[2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]) - (32.0f64 / 7.0).sqrt()).abs() < 1e-12);
    }

    /// Holm's step-down by hand: 4·0.005, 3·0.01, 2·0.03, then the running highest.
    #[test]
    fn holm_steps_down_and_never_falls() {
        let adjusted = holm(&[0.01, 0.04, 0.03, 0.005]);
        for (found, wanted) in adjusted.iter().zip([0.03, 0.06, 0.06, 0.02]) {
            assert!((found - wanted).abs() < 1e-12, "{adjusted:?}");
        }
    }

    #[test]
    fn equal_arms_differ_by_exactly_nothing() {
        let found = paired(&ARM, &ARM);
        let point = |x| Some(Interval { low: x, high: x });
        assert_eq!(
            found.map(|f| (f.difference, f.difference_interval, f.superiority, f.p)),
            Some((0.0, point(0.0), 0.5, 1.0))
        );
    }

    #[test]
    fn one_pair_has_a_difference_and_no_interval() {
        let found = paired(&[2.0], &[1.0]);
        assert_eq!(
            found.map(|f| (f.difference, f.difference_interval, f.superiority, f.p)),
            Some((1.0, None, 1.0, 1.0))
        );
        assert_eq!(paired(&[], &[]), None);
    }

    /// A table of 12 points × 8 seeds whose differences are an effect of the point, one of the seed and noise of each run.
    fn crossed(draw: u64, [of_points, of_seeds, of_runs]: [f64; 3]) -> (Cases, Vec<f64>) {
        let mut roll = Dice::new(draw).roll(Purpose::Custom, 7);
        let points: Vec<f64> = (0..12).map(|_| of_points * roll.normal()).collect();
        let seeds: Vec<f64> = (0..8).map(|_| of_seeds * roll.normal()).collect();
        let places: Vec<(usize, u64)> = (0..96).map(|i| (i / 8, i as u64 % 8)).collect();
        let value = |&(p, s): &(usize, u64)| points[p] + seeds[s as usize] + of_runs * roll.normal();
        let values = places.iter().map(value).collect();
        (Cases::at(&places), values)
    }

    /// Intervals of pairs that come again at every point hold the truth as often as they say; counted one by one they do not.
    #[test]
    fn intervals_of_crossed_pairs_cover_where_pairs_counted_one_by_one_do_not() {
        let tables = 60;
        let (mut covered, mut naive, mut rejected) = (0, 0, 0);
        for draw in 0..tables {
            let (cases, values) = crossed(draw, [1.0, 1.0, 0.5]);
            let mean_of = |cases: &[usize]| cases.iter().map(|&i| values[i]).sum::<f64>() / cases.len() as f64;
            let holds = |i: Option<Interval>| i.is_some_and(|i| i.low <= 0.0 && 0.0 <= i.high);
            covered += u32::from(holds(bca_of(&cases, mean_of)));
            naive += u32::from(holds(bca(96, mean_of)));
            rejected += u32::from(flipped_p(&cases, &values) < 0.05);
        }
        let share = |n: u32| f64::from(n) / tables as f64;
        assert!(share(covered) > 0.86, "{}", share(covered));
        assert!(share(naive) < 0.6, "{}", share(naive));
        // Five in a hundred would do; the bound leaves three standard errors of sixty tables.
        assert!(share(rejected) < 0.14, "{}", share(rejected));
    }

    /// The variance of the mean of a table is that of its rows, its columns and its cells, each over its number.
    #[test]
    fn the_spread_of_resamples_is_that_of_points_seeds_and_runs() {
        let spreads: Vec<f64> = (0..60)
            .map(|draw| {
                let (cases, values) = crossed(draw, [1.0, 1.0, 0.5]);
                let of = |cases: Vec<usize>| cases.iter().map(|&i| values[i]).sum::<f64>() / cases.len() as f64;
                let means: Vec<f64> = (0..400).map(|number| of(cases.resample(number))).collect();
                math::square(sd(&means))
            })
            .collect();
        let truth = 1.0 / 12.0 + 1.0 / 8.0 + 0.25 / 96.0;
        // The bootstrap divides by n where n − 1 would be right, and counts the noise of runs three times.
        let ratio = mean(&spreads) / truth;
        assert!((0.75..1.15).contains(&ratio), "{ratio}");
    }

    #[test]
    fn cases_of_one_point_are_seeds_and_points_with_their_own_seeds_are_whole() {
        let seeds: Vec<(usize, u64)> = (0..10).map(|i| (0, i)).collect();
        assert_eq!(Cases::at(&seeds), Cases::independent(10));
        let nested = Cases::at(&[(0, 1), (0, 2), (4, 3), (4, 4)]);
        let label = vec![0, 0, 1, 1];
        assert_eq!(nested.ties, [Tie { label, levels: 2 }]);
        assert_eq!(
            paired_of(&Cases::at(&seeds), &ARM, &REFERENCE),
            paired(&ARM, &REFERENCE)
        );
    }

    #[test]
    fn an_interval_is_the_same_each_time() {
        assert_eq!(paired(&ARM, &REFERENCE), paired(&ARM, &REFERENCE));
    }
}
