//! Variance-based sensitivity: what share of the variance of an output a factor explains alone (S1), with all its
//! company (ST), and each pair beyond the two (S2).
//!
//! Estimators of Saltelli et al. 2010 (S1), Jansen 1999 (ST) and Saltelli 2002 (S2), as SALib uses them, on the rows of
//! [`crate::experiment::design::saltelli`] in their order.

use super::Estimate;
use super::resampling::{bootstrap, percentile};

/// Indices of one output.
#[derive(Clone, Debug, PartialEq)]
pub struct Indices {
    /// S1 per factor.
    pub first: Vec<Estimate>,
    /// ST per factor.
    pub total: Vec<Estimate>,
    /// `(i, j, S2)` of each pair i < j; empty without second order.
    pub second: Vec<(usize, usize, Estimate)>,
    /// Base rows whose runs are all there.
    pub base_rows: usize,
    /// Base rows left out because a run of theirs is missing.
    pub left_out: usize,
    /// Variance of the output over A and B.
    pub variance: f64,
}

/// Outputs by base row: A, B and the crosses.
struct Blocks {
    a: Vec<f64>,
    b: Vec<f64>,
    /// One column per factor.
    ab: Vec<Vec<f64>>,
    ba: Vec<Vec<f64>>,
}

/// Indices of `outputs`, one per row of a Saltelli design of `k` factors, in its order; missing ones are not a number and
/// take their base row with them. Intervals: percentiles of `resamples` bootstraps of base rows. Fewer than two base rows,
/// or a number of rows that is no such design, is a fault. A constant output has indices of 0.
pub fn sobol(k: usize, second_order: bool, outputs: &[f64], resamples: usize) -> Result<Indices, String> {
    let width = if second_order { 2 * k + 2 } else { k + 2 };
    if !outputs.len().is_multiple_of(width) {
        return Err(format!(
            "{} outputs are no whole number of {width} per base row",
            outputs.len()
        ));
    }
    let whole: Vec<&[f64]> = outputs
        .chunks(width)
        .filter(|row| row.iter().all(|y| y.is_finite()))
        .collect();
    if whole.len() < 2 {
        return Err(format!(
            "at least two base rows with all {width} runs, not {}",
            whole.len()
        ));
    }
    let left_out = outputs.len() / width - whole.len();
    let blocks = standardised(k, second_order, &whole);
    let n = whole.len();
    let pairs: Vec<(usize, usize)> = (0..if second_order { k } else { 0 })
        .flat_map(|i| (i + 1..k).map(move |j| (i, j)))
        .collect();
    let mut values = vec![0.0; 2 * k + pairs.len()];
    let all: Vec<usize> = (0..n).collect();
    let unit = blocks.indices(&all, &pairs, &mut values);
    let resampled = bootstrap(n, resamples, values.len(), |cases, out| {
        blocks.indices(cases, &pairs, out);
    });
    let estimate = |at: usize| Estimate {
        value: values[at],
        interval: percentile(&resampled[at]),
    };
    let y: Vec<f64> = whole.iter().flat_map(|row| [row[0], row[width - 1]]).collect();
    Ok(Indices {
        first: (0..k).map(estimate).collect(),
        total: (k..2 * k).map(estimate).collect(),
        second: pairs
            .iter()
            .enumerate()
            .map(|(p, &(i, j))| (i, j, estimate(2 * k + p)))
            .collect(),
        base_rows: n,
        left_out,
        variance: if unit > 0.0 { variance(&y) } else { 0.0 },
    })
}

/// Variance with n.
fn variance(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    values.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n
}

/// Centred and scaled by all outputs: the estimators are biased where the mean is far from 0.
fn standardised(k: usize, second_order: bool, whole: &[&[f64]]) -> Blocks {
    let all: Vec<f64> = whole.concat();
    let mean = all.iter().sum::<f64>() / all.len() as f64;
    let sd = variance(&all).sqrt();
    let scale = if sd > 0.0 { 1.0 / sd } else { 0.0 };
    let column = |at: usize| whole.iter().map(|row| (row[at] - mean) * scale).collect::<Vec<f64>>();
    let crosses = if second_order { k } else { 0 };
    Blocks {
        a: column(0),
        ab: (1..=k).map(column).collect(),
        ba: (k + 1..=k + crosses).map(column).collect(),
        b: column(1 + k + crosses),
    }
}

impl Blocks {
    /// S1, ST and S2 of the chosen base rows, one after another; returns the variance of A and B.
    fn indices(&self, cases: &[usize], pairs: &[(usize, usize)], out: &mut [f64]) -> f64 {
        let (k, n) = (self.ab.len(), cases.len() as f64);
        let (mut sum, mut squares) = (0.0, 0.0);
        for &r in cases {
            sum += self.a[r] + self.b[r];
            squares += self.a[r] * self.a[r] + self.b[r] * self.b[r];
        }
        let mean = sum / (2.0 * n);
        let variance = squares / (2.0 * n) - mean * mean;
        if variance <= 1e-15 {
            out.fill(0.0);
            return 0.0;
        }
        for i in 0..k {
            let (mut alone, mut company) = (0.0, 0.0);
            for &r in cases {
                let step = self.ab[i][r] - self.a[r];
                alone += self.b[r] * step;
                company += step * step;
            }
            out[i] = alone / n / variance;
            out[k + i] = 0.5 * company / n / variance;
        }
        for (p, &(i, j)) in pairs.iter().enumerate() {
            let mut closed = 0.0;
            for &r in cases {
                closed += self.ba[i][r] * self.ab[j][r] - self.a[r] * self.b[r];
            }
            out[2 * k + p] = closed / n / variance - out[i] - out[j];
        }
        variance
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::design::{Distribution, saltelli};
    use crate::math;

    fn ishigami(x: &[f64]) -> f64 {
        let fourth = math::square(math::square(x[2]));
        math::sin(x[0]) + 7.0 * math::square(math::sin(x[1])) + 0.1 * fourth * math::sin(x[0])
    }

    fn g(x: &[f64], a: &[f64]) -> f64 {
        x.iter()
            .zip(a)
            .map(|(x, a)| ((4.0 * x - 2.0).abs() + a) / (1.0 + a))
            .product()
    }

    #[test]
    fn indices_are_those_of_salib() -> Result<(), String> {
        let fixture: serde_json::Value =
            serde_json::from_str(include_str!("../../../tests/fixtures/sobol.json")).map_err(|e| e.to_string())?;
        let list = |name: &str| -> Vec<f64> {
            let array = fixture[name].as_array().cloned().unwrap_or_default();
            array.iter().map(|x| x.as_f64().unwrap_or(f64::NAN)).collect()
        };
        let found = sobol(3, true, &list("y"), 0)?;
        let near = |found: Vec<f64>, wanted: Vec<f64>| {
            assert_eq!(found.len(), wanted.len());
            for (f, w) in found.iter().zip(&wanted) {
                assert!((f - w).abs() < 1e-10, "{found:?} {wanted:?}");
            }
        };
        near(found.first.iter().map(|e| e.value).collect(), list("s1"));
        near(found.total.iter().map(|e| e.value).collect(), list("st"));
        near(found.second.iter().map(|e| e.2.value).collect(), list("s2"));
        Ok(())
    }

    /// Exact: a = 7, b = 0.1 (Ishigami and Homma 1990).
    #[test]
    fn the_indices_of_ishigamis_function_are_found() -> Result<(), String> {
        let pi = std::f64::consts::PI;
        let (p4, p8) = (math::pow(pi, 4.0), math::pow(pi, 8.0));
        let v1 = 0.5 * math::square(1.0 + 0.1 * p4 / 5.0);
        let (v2, v13) = (49.0 / 8.0, 0.01 * p8 * 8.0 / 225.0);
        let v = v1 + v2 + v13;
        let design = saltelli(&vec![Distribution::Uniform { low: -pi, high: pi }; 3], 2048, true, 1)?;
        let y: Vec<f64> = design.rows.iter().map(|row| ishigami(row)).collect();
        let found = sobol(3, true, &y, 1000)?;
        let exact = [(v1, v1 + v13), (v2, v2), (0.0, v13)];
        for (i, (alone, company)) in exact.into_iter().enumerate() {
            assert!(
                found.first[i].covers(alone / v),
                "S1 {i}: {:?} {}",
                found.first[i],
                alone / v
            );
            assert!(
                found.total[i].covers(company / v),
                "ST {i}: {:?} {}",
                found.total[i],
                company / v
            );
            assert!((found.total[i].value - company / v).abs() < 0.02);
        }
        for &(i, j, s2) in &found.second {
            let exact = if (i, j) == (0, 2) { v13 / v } else { 0.0 };
            assert!(s2.covers(exact), "S2 {i} {j}: {s2:?} {exact}");
        }
        assert!((found.variance - v).abs() < 0.03 * v, "{} {v}", found.variance);
        Ok(())
    }

    #[test]
    fn the_indices_of_sobols_function_are_found_and_a_dummy_has_none() -> Result<(), String> {
        let a = [0.0, 1.0, 4.5, 9.0, 99.0, 99.0];
        let part: Vec<f64> = a.iter().map(|a| 1.0 / (3.0 * math::square(1.0 + a))).collect();
        let product: f64 = part.iter().map(|v| 1.0 + v).product();
        let v = product - 1.0;
        // A seventh factor that the function does not read.
        let design = saltelli(&vec![Distribution::dummy(); 7], 4096, false, 2)?;
        let y: Vec<f64> = design.rows.iter().map(|row| g(&row[..6], &a)).collect();
        let found = sobol(7, false, &y, 1000)?;
        for (i, vi) in part.iter().enumerate() {
            let (s1, st) = (vi / v, vi * product / (1.0 + vi) / v);
            assert!(found.first[i].covers(s1), "S1 {i}: {:?} {s1}", found.first[i]);
            assert!(found.total[i].covers(st), "ST {i}: {:?} {st}", found.total[i]);
        }
        assert_eq!((found.first[6].value, found.total[6].value), (0.0, 0.0));
        Ok(())
    }

    #[test]
    fn a_missing_run_takes_its_base_row_with_it_and_a_constant_explains_nothing() -> Result<(), String> {
        let mut y = vec![1.0; 10 * 4];
        y[5] = f64::NAN;
        let found = sobol(2, false, &y, 20)?;
        assert_eq!((found.base_rows, found.left_out, found.variance), (9, 1, 0.0));
        assert_eq!(found.first[0].value, 0.0);
        assert!(sobol(2, false, &y[..39], 0).is_err());
        assert!(sobol(2, false, &[f64::NAN; 8], 0).is_err());
        Ok(())
    }
}
