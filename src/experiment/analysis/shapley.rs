//! Which mechanism carries an outcome: Shapley shares and the synergy of pairs, from runs with mechanisms knocked out.
//!
//! A subset of mechanisms that are on is a bit mask: bit i = mechanism i. All subsets are run where they are few enough;
//! else those that random orders of switching on pass through, each order with its reverse. Every subset is run with the
//! same seeds, so a contribution is a difference within a seed. Shares add up to the outcome with all minus that with none.
//! The synergy of a pair is the Shapley interaction index (Grabisch and Roubens 1999): what both together do beyond the two
//! alone, averaged over the company of the others.

use std::collections::BTreeSet;

use super::Estimate;
use super::resampling::{dice, percentile, redraw};
use crate::experiment::design::{kind, shuffle};
use crate::experiment::statistics::{bca, mean};

/// Most mechanisms for which all subsets are listed.
pub const MOST_LISTED: usize = 16;
/// Most mechanisms at all.
pub const MOST_PLAYERS: usize = 63;
/// Resamples of the interval with sampled orders.
const RESAMPLES: usize = 2000;

/// Which subsets to run.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Mechanisms.
    pub players: usize,
    /// Masks of mechanisms that are on, in rising order; the empty and the full one are among them.
    pub subsets: Vec<u64>,
    /// Orders of switching on, each followed by its reverse; none when all subsets are run.
    orders: Vec<Vec<usize>>,
    pairs: bool,
}

impl Plan {
    /// All 2ᵐ subsets.
    pub fn all(players: usize) -> Result<Self, String> {
        if players == 0 || players > MOST_LISTED {
            return Err(format!(
                "from 1 to {MOST_LISTED} mechanisms for all subsets, not {players}: sample orders instead"
            ));
        }
        Ok(Self {
            players,
            subsets: (0..1 << players).collect(),
            orders: Vec::new(),
            pairs: true,
        })
    }

    /// The subsets of `orders` random orders and their reverses; with `pairs` also those that the synergy of neighbours
    /// needs, which about doubles the runs.
    pub fn sampled(players: usize, orders: usize, pairs: bool, seed: u64) -> Result<Self, String> {
        if players == 0 || players > MOST_PLAYERS || orders == 0 {
            return Err(format!(
                "from 1 to {MOST_PLAYERS} mechanisms and at least one order, not {players} and {orders}"
            ));
        }
        let mut both = Vec::with_capacity(2 * orders);
        for case in 0..orders {
            let mut order: Vec<usize> = (0..players).collect();
            shuffle(&mut order, seed, kind::PERMUTATION, case as u64);
            both.push(order.clone());
            order.reverse();
            both.push(order);
        }
        let mut subsets = BTreeSet::from([0, (1u64 << players) - 1]);
        for order in &both {
            let mut on = 0u64;
            for (at, &player) in order.iter().enumerate() {
                if let (true, Some(&next)) = (pairs, order.get(at + 1)) {
                    subsets.insert(on | 1 << next);
                }
                on |= 1 << player;
                subsets.insert(on);
            }
        }
        Ok(Self {
            players,
            subsets: subsets.into_iter().collect(),
            orders: both,
            pairs,
        })
    }

    fn place(&self, mask: u64) -> usize {
        self.subsets.partition_point(|&subset| subset < mask)
    }
}

/// Who carries the outcome.
#[derive(Clone, Debug, PartialEq)]
pub struct Attribution {
    /// Shapley share of each mechanism, in the unit of the outcome.
    pub shares: Vec<Estimate>,
    /// `(i, j, synergy)` of pairs i < j; above 0 = more together than apart. Not a number for a pair that no order showed.
    pub pairs: Vec<(usize, usize, Estimate)>,
    /// Mean outcome with all mechanisms.
    pub full: f64,
    /// Mean outcome with none.
    pub empty: f64,
    /// Seeds whose runs are all there.
    pub seeds: usize,
    /// Seeds left out because a run of theirs is missing.
    pub left_out: usize,
}

/// Shares of an outcome: `values[subset][seed]` in the order of the plan's subsets. Intervals resample seeds (BCa) and,
/// where orders were sampled, orders too.
pub fn attribute(plan: &Plan, values: &[Vec<f64>]) -> Result<Attribution, String> {
    let all_seeds = values.first().map_or(0, Vec::len);
    if values.len() != plan.subsets.len() || values.iter().any(|row| row.len() != all_seeds) {
        return Err(format!(
            "one row of equal length for each of {} subsets",
            plan.subsets.len()
        ));
    }
    let whole: Vec<usize> = (0..all_seeds)
        .filter(|&s| values.iter().all(|row| row[s].is_finite()))
        .collect();
    if whole.is_empty() {
        return Err("at least one seed with a result for every subset".into());
    }
    let column = |mask: u64| whole.iter().map(|&s| values[plan.place(mask)][s]).collect::<Vec<f64>>();
    let of = |mask: u64, seed: usize| values[plan.place(mask)][whole[seed]];
    let (shares, pairs) = if plan.orders.is_empty() {
        listed(plan, whole.len(), &of)
    } else {
        sampled(plan, whole.len(), &of)
    };
    Ok(Attribution {
        shares,
        pairs,
        full: mean(&column((1 << plan.players) - 1)),
        empty: mean(&column(0)),
        seeds: whole.len(),
        left_out: all_seeds - whole.len(),
    })
}

type Found = (Vec<Estimate>, Vec<(usize, usize, Estimate)>);

/// From all subsets: a number per seed and mechanism, then their mean.
fn listed(plan: &Plan, seeds: usize, of: &dyn Fn(u64, usize) -> f64) -> Found {
    let m = plan.players;
    let over_seeds = |per_seed: Vec<f64>| Estimate {
        value: mean(&per_seed),
        interval: bca(seeds, |cases| {
            cases.iter().map(|&s| per_seed[s]).sum::<f64>() / cases.len() as f64
        }),
    };
    let weights = weights(m);
    let shares = (0..m)
        .map(|i| {
            let without = plan.subsets.iter().filter(|&&set| set >> i & 1 == 0);
            let mut per_seed = vec![0.0; seeds];
            for &set in without {
                let weight = weights[set.count_ones() as usize];
                for (seed, sum) in per_seed.iter_mut().enumerate() {
                    *sum += weight * (of(set | 1 << i, seed) - of(set, seed));
                }
            }
            over_seeds(per_seed)
        })
        .collect();
    // Of the others m − 2: the same weights in a game with one player less.
    let weights = self::weights(m.saturating_sub(1));
    let mut pairs = Vec::new();
    for i in 0..m {
        for j in i + 1..m {
            let both = 1 << i | 1 << j;
            let mut per_seed = vec![0.0; seeds];
            for &set in plan.subsets.iter().filter(|&&set| set & both == 0) {
                let weight = weights[set.count_ones() as usize];
                for (seed, sum) in per_seed.iter_mut().enumerate() {
                    *sum += weight * synergy(set, i, j, seed, of);
                }
            }
            pairs.push((i, j, over_seeds(per_seed)));
        }
    }
    (shares, pairs)
}

fn synergy(set: u64, i: usize, j: usize, seed: usize, of: &dyn Fn(u64, usize) -> f64) -> f64 {
    of(set | 1 << i | 1 << j, seed) - of(set | 1 << i, seed) - of(set | 1 << j, seed) + of(set, seed)
}

/// s!·(m − s − 1)!/m! for s = 0..m: the chance that a given set of s comes just before a given player.
fn weights(m: usize) -> Vec<f64> {
    let mut weights = Vec::with_capacity(m);
    let mut choose = 1.0;
    for s in 0..m {
        weights.push(1.0 / (m as f64 * choose));
        choose *= (m - 1 - s) as f64 / (s + 1) as f64;
    }
    weights
}

/// What one order and its reverse say, by seed: contribution of each player; sums and numbers of synergies of pairs.
struct Unit {
    shares: Vec<f64>,
    synergies: Vec<(usize, Vec<f64>)>,
}

/// From sampled orders.
fn sampled(plan: &Plan, seeds: usize, of: &dyn Fn(u64, usize) -> f64) -> Found {
    let m = plan.players;
    let pairs: Vec<(usize, usize)> = (0..if plan.pairs { m } else { 0 })
        .flat_map(|i| (i + 1..m).map(move |j| (i, j)))
        .collect();
    let units: Vec<Unit> = plan
        .orders
        .chunks(2)
        .map(|orders| unit(orders, plan.pairs, m, seeds, of))
        .collect();
    let width = m + pairs.len();
    // Numbers of times that orders and seeds are drawn.
    let estimate = |of_orders: &[f64], of_seeds: &[f64]| {
        let (mut sums, mut counts) = (vec![0.0; width], vec![0.0; width]);
        let total: f64 = of_seeds.iter().sum();
        for (unit, &times) in units.iter().zip(of_orders).filter(|(_, times)| **times > 0.0) {
            for player in 0..m {
                let row = &unit.shares[player * seeds..(player + 1) * seeds];
                sums[player] += times * row.iter().zip(of_seeds).map(|(c, w)| c * w).sum::<f64>() / total;
                counts[player] += times;
            }
            for (pair, row) in &unit.synergies {
                sums[m + pair] += times * row.iter().zip(of_seeds).map(|(c, w)| c * w).sum::<f64>() / total;
                counts[m + pair] += times;
            }
        }
        sums.iter().zip(&counts).map(|(s, c)| s / c).collect::<Vec<f64>>()
    };
    let values = estimate(&vec![1.0; units.len()], &vec![1.0; seeds]);
    let mut resampled = vec![Vec::with_capacity(RESAMPLES); width];
    for resample in 0..if units.len() + seeds > 2 { RESAMPLES } else { 0 } {
        let mut roll = dice(units.len() + seeds, resample);
        let mut times = |n: usize| {
            let (mut cases, mut times) = (vec![0; n], vec![0.0; n]);
            redraw(&mut cases, &mut roll);
            cases.iter().for_each(|&c| times[c] += 1.0);
            times
        };
        let (of_orders, of_seeds) = (times(units.len()), times(seeds));
        for (column, value) in resampled.iter_mut().zip(estimate(&of_orders, &of_seeds)) {
            // A resample may hold no order that shows a pair.
            if value.is_finite() {
                column.push(value);
            }
        }
    }
    let at = |place: usize| Estimate {
        value: values[place],
        interval: percentile(&resampled[place]),
    };
    let synergies = pairs.iter().enumerate().map(|(p, &(i, j))| (i, j, at(m + p)));
    ((0..m).map(at).collect(), synergies.collect())
}

/// An order and its reverse, averaged.
fn unit(orders: &[Vec<usize>], pairs: bool, m: usize, seeds: usize, of: &dyn Fn(u64, usize) -> f64) -> Unit {
    let mut shares = vec![0.0; m * seeds];
    let mut synergies = Vec::new();
    for order in orders {
        let mut on = 0u64;
        for (at, &player) in order.iter().enumerate() {
            for seed in 0..seeds {
                let contribution = of(on | 1 << player, seed) - of(on, seed);
                shares[player * seeds + seed] += contribution / orders.len() as f64;
            }
            if let (true, Some(&next)) = (pairs, order.get(at + 1)) {
                let (i, j) = (player.min(next), player.max(next));
                // Place of the pair among all pairs i < j.
                let place = i * m - i * (i + 1) / 2 + j - i - 1;
                synergies.push((place, (0..seeds).map(|s| synergy(on, player, next, s, of)).collect()));
            }
            on |= 1 << player;
        }
    }
    Unit { shares, synergies }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Dice, Purpose};

    /// An outcome with known shares: 1·a + 2·b + 4·(a and c) − 3·(b and c and d), and a player without effect.
    /// Shares: products are split evenly. Synergies: of (a, c) 4; of pairs of the triple −3/2 each.
    fn outcome(mask: u64, seed: usize) -> f64 {
        let on = |i: u64| (mask >> i & 1) as f64;
        let site = 1.0 + 0.2 * Dice::new(seed as u64).roll(Purpose::Custom, 0).normal();
        site * (on(0) + 2.0 * on(1) + 4.0 * on(0) * on(2) - 3.0 * on(1) * on(2) * on(3))
    }

    const SHARES: [f64; 5] = [1.0 + 2.0, 2.0 - 1.0, 2.0 - 1.0, -1.0, 0.0];

    fn run(plan: &Plan, seeds: usize) -> Vec<Vec<f64>> {
        let row = |&mask: &u64| (0..seeds).map(|seed| outcome(mask, seed)).collect();
        plan.subsets.iter().map(row).collect()
    }

    fn site(seeds: usize) -> f64 {
        (0..seeds).map(|seed| outcome(1, seed)).sum::<f64>() / seeds as f64
    }

    #[test]
    fn all_subsets_give_the_exact_shares_and_synergies() -> Result<(), String> {
        let plan = Plan::all(5)?;
        let found = attribute(&plan, &run(&plan, 12))?;
        let scale = site(12);
        for (share, exact) in found.shares.iter().zip(SHARES) {
            assert!((share.value - scale * exact).abs() < 1e-12, "{found:?}");
            assert!(share.covers(exact), "{share:?} {exact}");
        }
        for &(i, j, synergy) in &found.pairs {
            let exact = match (i, j) {
                (0, 2) => 4.0,
                (1, 2) | (1, 3) | (2, 3) => -1.5,
                _ => 0.0,
            };
            assert!((synergy.value - scale * exact).abs() < 1e-12, "{i} {j} {synergy:?}");
        }
        Ok(())
    }

    #[test]
    fn shares_add_up_to_full_minus_empty() -> Result<(), String> {
        for plan in [Plan::all(5)?, Plan::sampled(5, 3, false, 1)?] {
            let found = attribute(&plan, &run(&plan, 4))?;
            let sum: f64 = found.shares.iter().map(|s| s.value).sum();
            assert!((sum - (found.full - found.empty)).abs() < 1e-12);
        }
        Ok(())
    }

    #[test]
    fn sampled_orders_come_near_and_their_intervals_hold_the_truth() -> Result<(), String> {
        let plan = Plan::sampled(5, 60, true, 3)?;
        let found = attribute(&plan, &run(&plan, 30))?;
        for (share, exact) in found.shares.iter().zip(SHARES) {
            assert!(
                share.covers(exact) && (share.value - exact).abs() < 0.3,
                "{share:?} {exact}"
            );
        }
        assert!(found.pairs.iter().all(|p| p.2.value.is_finite()));
        assert!((found.pairs[1].2.value - 4.0).abs() < 0.4, "{:?}", found.pairs[1]);
        Ok(())
    }

    #[test]
    fn many_mechanisms_need_few_of_their_subsets() -> Result<(), String> {
        let plan = Plan::sampled(20, 10, false, 1)?;
        assert!(plan.subsets.len() <= 2 + 20 * 19);
        assert_eq!((plan.subsets[0], plan.subsets.last()), (0, Some(&((1 << 20) - 1))));
        assert!(Plan::all(17).is_err() && Plan::all(0).is_err());
        Ok(())
    }

    #[test]
    fn a_seed_with_a_failed_run_is_left_out() -> Result<(), String> {
        let plan = Plan::all(2)?;
        let mut values = run(&plan, 3);
        values[2][1] = f64::NAN;
        let found = attribute(&plan, &values)?;
        assert_eq!((found.seeds, found.left_out), (2, 1));
        assert!(attribute(&plan, &values[1..]).is_err());
        Ok(())
    }
}
