//! Designs that fill the space of the factors: Latin hypercube and Sobol points.

use super::{Design, Distribution, draws, kind, shuffle};
use crate::random::id_from;

/// Longest sequence of scrambled Sobol points of one seed (a limit of the crate).
const SEQUENCE: usize = 1 << 16;
/// Dimensions of the Sobol points.
pub(super) const DIMENSIONS: usize = 256;

/// Latin hypercube: each of n equal shares of every factor's probability is visited once. Of `tries` hypercubes the one
/// whose nearest two rows are farthest apart is kept (maximin); that costs tries · n² distances. Role `lhs`.
pub fn lhs(factors: &[Distribution], n: usize, tries: usize, seed: u64) -> Design {
    let mut best: Option<(f64, Vec<Vec<f64>>)> = None;
    for attempt in 0..tries.max(1) {
        let units = hypercube(factors.len(), n, seed, attempt as u64);
        if tries <= 1 {
            return Design::of_units(factors, &units, "lhs");
        }
        let floor = best.as_ref().map_or(0.0, |(gap, _)| *gap);
        let gap = nearest(&units, floor);
        if best.is_none() || gap > floor {
            best = Some((gap, units));
        }
    }
    Design::of_units(factors, &best.map_or(Vec::new(), |(_, units)| units), "lhs")
}

/// Rows of one hypercube in the unit cube.
fn hypercube(k: usize, n: usize, seed: u64, attempt: u64) -> Vec<Vec<f64>> {
    let mut units = vec![vec![0.0; k]; n];
    for factor in 0..k {
        let case = id_from(attempt, factor as u64);
        let mut strata: Vec<usize> = (0..n).collect();
        shuffle(&mut strata, seed, kind::LHS_ORDER, case);
        for (row, stratum) in strata.into_iter().enumerate() {
            let within = draws(seed, kind::LHS_PLACE, id_from(case, row as u64)).uniform();
            units[row][factor] = (stratum as f64 + within) / n as f64;
        }
    }
    units
}

/// Least squared distance of two rows; anything at or below `floor` as soon as one is found.
fn nearest(units: &[Vec<f64>], floor: f64) -> f64 {
    let mut least = f64::INFINITY;
    for (i, a) in units.iter().enumerate() {
        for b in &units[..i] {
            let mut gap = 0.0;
            for (x, y) in a.iter().zip(b) {
                gap += (x - y) * (x - y);
                if gap >= least {
                    break;
                }
            }
            if gap < least {
                least = gap;
                if least <= floor {
                    return least;
                }
            }
        }
    }
    least
}

/// Owen-scrambled Sobol points (Burley 2020). Best at powers of two. Role `sobol`; at most 256 factors.
pub fn sobol(factors: &[Distribution], n: usize, seed: u64) -> Result<Design, String> {
    if factors.len() > DIMENSIONS {
        return Err(format!(
            "at most {DIMENSIONS} factors for Sobol points, not {}",
            factors.len()
        ));
    }
    let units: Vec<Vec<f64>> = (0..n).map(|row| sobol_point(row, factors.len(), seed)).collect();
    Ok(Design::of_units(factors, &units, "sobol"))
}

/// A scrambled Sobol point in the open unit cube. Beyond 2¹⁶ points a sequence with other dice goes on.
pub(super) fn sobol_point(row: usize, dimensions: usize, seed: u64) -> Vec<f64> {
    let dice = id_from(id_from(seed, kind::SOBOL), (row / SEQUENCE) as u64) as u32;
    let index = (row % SEQUENCE) as u32;
    (0..dimensions as u32)
        // The crate gives multiples of 2⁻²³ from 0: the middle of the cell is inside the open interval.
        .map(|dimension| f64::from(sobol_burley::sample(index, dimension, dice)) + 0.5 / 8_388_608.0)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(k: usize) -> Vec<Distribution> {
        vec![Distribution::dummy(); k]
    }

    /// How often each of n strata of a column is visited.
    fn visits(rows: &[Vec<f64>], factor: usize, n: usize) -> Vec<usize> {
        let mut counts = vec![0; n];
        for row in rows {
            assert!(row[factor] > 0.0 && row[factor] < 1.0);
            counts[(row[factor] * n as f64) as usize] += 1;
        }
        counts
    }

    #[test]
    fn a_hypercube_visits_each_share_of_each_factor_once() {
        let design = lhs(&unit(5), 37, 1, 3);
        for factor in 0..5 {
            assert_eq!(visits(&design.rows, factor, 37), vec![1; 37]);
        }
        assert_eq!(design, lhs(&unit(5), 37, 1, 3));
        assert_ne!(design, lhs(&unit(5), 37, 1, 4));
        assert!(lhs(&unit(5), 0, 9, 3).is_empty());
    }

    #[test]
    fn more_tries_never_bring_rows_nearer() {
        let gap = |tries| nearest(&lhs(&unit(3), 20, tries, 1).rows, 0.0);
        assert!(gap(50) > gap(2) && gap(2) >= gap(1));
    }

    #[test]
    fn sobol_points_are_a_net_in_every_dimension() -> Result<(), String> {
        let design = sobol(&unit(6), 256, 11)?;
        for factor in 0..6 {
            assert_eq!(visits(&design.rows, factor, 256), vec![1; 256]);
        }
        // A (0, 8, 2)-net: sixteen by sixteen cells of the first two factors, one point each.
        let mut cells = vec![0; 256];
        for row in &design.rows {
            cells[(row[0] * 16.0) as usize * 16 + (row[1] * 16.0) as usize] += 1;
        }
        assert_eq!(cells, vec![1; 256]);
        assert_ne!(design, sobol(&unit(6), 256, 12)?);
        assert!(sobol(&unit(257), 1, 0).is_err());
        Ok(())
    }

    #[test]
    fn sobol_points_integrate_better_than_chance() -> Result<(), String> {
        // The mean of a product of 8 factors, each with mean 1.
        let product = |row: &[f64]| row.iter().fold(1.0, |p, x| p * (1.0 + 0.5 * (x - 0.5)));
        let rows = sobol(&unit(8), 4096, 5)?.rows;
        let mean = rows.iter().map(|row| product(row)).sum::<f64>() / 4096.0;
        // Chance: sd of the product, ((1 + 1/48)^8 − 1)^½ = 0.42, over 64 = 0.0066.
        assert!((mean - 1.0).abs() < 0.0066 / 10.0, "{mean}");
        Ok(())
    }

    #[test]
    fn points_beyond_two_to_the_sixteen_go_on() {
        let far = sobol_point(SEQUENCE + 1, 2, 9);
        assert!(far.iter().all(|x| *x > 0.0 && *x < 1.0));
        assert_ne!(far, sobol_point(1, 2, 9));
    }
}
