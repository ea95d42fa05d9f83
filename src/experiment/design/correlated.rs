//! Draws that hang together: virtual patients whose laboratory values are correlated.

use super::special::{normal_cdf, normal_quantile};
use super::{Design, Distribution, draws, kind, shuffle};
use crate::experiment::matrix::{Cholesky, correlation};
use crate::math;

/// Virtual patients by a Gaussian copula: each factor has its own distribution, each pair the rank correlation
/// (Spearman) of the k × k matrix given row by row. Patient i is the same in a cohort of any size. Role `patient`.
pub fn copula(factors: &[Distribution], rank_correlation: &[f64], n: usize, seed: u64) -> Result<Design, String> {
    let k = factors.len();
    checked(rank_correlation, k)?;
    // Spearman's of a normal pair is (6/π)·asin(r/2).
    let normal: Vec<f64> = rank_correlation
        .iter()
        .map(|rho| 2.0 * math::sin(std::f64::consts::FRAC_PI_6 * rho))
        .enumerate()
        .map(|(at, r)| if at % (k + 1) == 0 { 1.0 } else { r })
        .collect();
    let factor = Cholesky::of(k, &normal).ok_or_else(contradiction)?;
    let mut design = Design::default();
    for patient in 0..n {
        let mut roll = draws(seed, kind::COPULA, patient as u64);
        let free: Vec<f64> = (0..k).map(|_| roll.normal()).collect();
        let joined = factor.times(&free);
        let row = factors
            .iter()
            .zip(&joined)
            .map(|(f, &z)| f.quantile(inside(normal_cdf(z))));
        design.push(row.collect(), "patient");
    }
    Ok(design)
}

/// Reorders each column so that the ranks have the wanted correlation, and every value stays: what keeps a Latin
/// hypercube one (Iman and Conover 1982). More rows than factors are needed.
pub fn iman_conover(rows: &[Vec<f64>], rank_correlation: &[f64], seed: u64) -> Result<Vec<Vec<f64>>, String> {
    let (n, k) = (rows.len(), rows.first().map_or(0, Vec::len));
    checked(rank_correlation, k)?;
    if n <= k {
        return Err(format!("more rows than factors, not {n} rows of {k}"));
    }
    let wanted = Cholesky::of(k, rank_correlation).ok_or_else(contradiction)?;
    // Normal scores in independent orders; their chance correlation is taken out before the wanted one is put in.
    let mut scores = vec![vec![0.0; k]; n];
    for column in 0..k {
        let mut order: Vec<usize> = (0..n).collect();
        shuffle(&mut order, seed, kind::SCORES, column as u64);
        for (row, place) in order.into_iter().enumerate() {
            scores[row][column] = normal_quantile((place + 1) as f64 / (n + 1) as f64);
        }
    }
    let by_chance = Cholesky::of(k, &correlation(&scores))
        .ok_or_else(|| format!("more rows: {n} give no independent orders of {k} factors"))?;
    let joined: Vec<Vec<f64>> = scores.iter().map(|row| wanted.times(&by_chance.forward(row))).collect();
    let mut ordered = rows.to_vec();
    for column in 0..k {
        let mut places: Vec<usize> = (0..n).collect();
        places.sort_by(|&a, &b| joined[a][column].total_cmp(&joined[b][column]));
        let mut values: Vec<f64> = rows.iter().map(|row| row[column]).collect();
        values.sort_by(f64::total_cmp);
        for (place, value) in places.into_iter().zip(values) {
            ordered[place][column] = value;
        }
    }
    Ok(ordered)
}

/// A probability as a point of the open interval.
fn inside(u: f64) -> f64 {
    math::clamp(u, 1e-16, 1.0 - 1e-16)
}

fn contradiction() -> String {
    "correlations that can hold together: these contradict each other (the matrix is not positive definite)".into()
}

fn checked(matrix: &[f64], k: usize) -> Result<(), String> {
    if matrix.len() != k * k {
        return Err(format!("a table of {k} rows and {k} columns of correlations"));
    }
    for i in 0..k {
        if matrix[i * k + i] != 1.0 {
            return Err(format!("a correlation of 1 of factor {} with itself", i + 1));
        }
        for j in 0..i {
            let r = matrix[i * k + j];
            if r != matrix[j * k + i] {
                return Err(format!(
                    "the same correlation of factors {} and {} both ways",
                    j + 1,
                    i + 1
                ));
            }
            if r.is_nan() || r.abs() >= 1.0 {
                return Err(format!(
                    "a correlation between -1 and 1 of factors {} and {}",
                    j + 1,
                    i + 1
                ));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::lhs;
    use super::*;

    fn ranks(rows: &[Vec<f64>]) -> Vec<Vec<f64>> {
        let mut ranked = rows.to_vec();
        for column in 0..rows[0].len() {
            let mut places: Vec<usize> = (0..rows.len()).collect();
            places.sort_by(|&a, &b| rows[a][column].total_cmp(&rows[b][column]));
            for (rank, place) in places.into_iter().enumerate() {
                ranked[place][column] = rank as f64;
            }
        }
        ranked
    }

    const WANTED: [f64; 9] = [1.0, 0.7, -0.4, 0.7, 1.0, 0.0, -0.4, 0.0, 1.0];

    fn factors() -> Vec<Distribution> {
        vec![
            Distribution::LogNormal { median: 1.9, gsd: 1.3 },
            Distribution::Normal { mean: 2.3, sd: 0.2 },
            Distribution::Beta {
                alpha: 2.0,
                beta: 5.0,
                low: 0.0,
                high: 1.0,
            },
        ]
    }

    #[test]
    fn patients_have_the_wanted_rank_correlations_and_their_own_distributions() -> Result<(), String> {
        let n = 4000;
        let design = copula(&factors(), &WANTED, n, 5)?;
        let found = correlation(&ranks(&design.rows));
        for (found, wanted) in found.iter().zip(WANTED) {
            // Five standard errors, 1/√n.
            assert!((found - wanted).abs() < 5.0 / (n as f64).sqrt(), "{found} {wanted}");
        }
        for (column, factor) in factors().iter().enumerate() {
            let below = design.rows.iter().filter(|row| factor.cdf(row[column]) < 0.2).count() as f64;
            assert!((below / n as f64 - 0.2).abs() < 5.0 * (0.16 / n as f64).sqrt());
        }
        Ok(())
    }

    #[test]
    fn a_patient_is_the_same_in_a_larger_cohort() -> Result<(), String> {
        let small = copula(&factors(), &WANTED, 10, 5)?;
        let large = copula(&factors(), &WANTED, 100, 5)?;
        assert_eq!(small.rows[..], large.rows[..10]);
        Ok(())
    }

    #[test]
    fn a_reordered_hypercube_keeps_every_value() -> Result<(), String> {
        let rows = lhs(&factors(), 500, 1, 1).rows;
        let ordered = iman_conover(&rows, &WANTED, 2)?;
        for column in 0..3 {
            let sorted = |rows: &[Vec<f64>]| {
                let mut values: Vec<f64> = rows.iter().map(|row| row[column]).collect();
                values.sort_by(f64::total_cmp);
                values
            };
            assert_eq!(sorted(&rows), sorted(&ordered));
        }
        let found = correlation(&ranks(&ordered));
        for (found, wanted) in found.iter().zip(WANTED) {
            // Scores have the correlation exactly; ranks of normal scores a little less: (6/π)·asin(0.35) = 0.683.
            assert!((found - wanted).abs() < 0.03, "{found} {wanted}");
        }
        Ok(())
    }

    #[test]
    fn impossible_correlations_are_refused() {
        let says = |m: &[f64]| copula(&factors(), m, 1, 0).err().unwrap_or_default();
        assert!(says(&[1.0, 0.9, 0.9, 0.9, 1.0, -0.9, 0.9, -0.9, 1.0]).contains("contradict"));
        assert!(says(&[1.0; 4]).contains("3 rows"));
        assert!(says(&[1.0, 0.1, 0.0, 0.2, 1.0, 0.0, 0.0, 0.0, 1.0]).contains("both ways"));
        assert!(says(&[1.0, 1.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 1.0]).contains("between -1 and 1"));
        assert!(iman_conover(&[vec![1.0, 2.0]], &[1.0, 0.0, 0.0, 1.0], 0).is_err());
    }
}
