//! Partial rank correlation: how monotonically an output follows a factor when the others are held by regression
//! (Marino et al. 2008). Meaningless where the response turns round, and then it says so.

use statrs::distribution::{ContinuousCDF, FisherSnedecor, StudentsT};

use super::Estimate;
use crate::experiment::design::normal_quantile;
use crate::experiment::matrix::{Cholesky, correlation};
use crate::experiment::statistics::{Interval, LEVEL};
use crate::math;

/// Most bins along a factor in the look for a turning response.
const MOST_BINS: usize = 10;
/// Share of the variance of ranks that must be lost by any monotone curve before a warning.
const LOST_SHARE: f64 = 0.05;

/// One factor against one output.
#[derive(Clone, Debug, PartialEq)]
pub struct RankCorrelation {
    /// The coefficient with Fisher's interval; not a number for a factor that does not vary.
    pub prcc: Estimate,
    /// Two-sided p of a coefficient of 0.
    pub p: f64,
    /// Share of the variance of the output's ranks that follows the factor but no rising or falling curve.
    pub turning_share: f64,
    /// The response turns round: the coefficient understates the factor. Trust a variance-based index instead.
    pub turns: bool,
}

/// Average ranks from 1.
pub fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut start = 0;
    while start < order.len() {
        let mut end = start + 1;
        while end < order.len() && values[order[end]] == values[order[start]] {
            end += 1;
        }
        for &case in &order[start..end] {
            ranks[case] = (start + end + 1) as f64 / 2.0;
        }
        start = end;
    }
    ranks
}

/// Partial rank correlation of an output with each factor. Rows with a missing output are left out; at least three more
/// rows than factors are needed, and no factor may be a function of the others.
pub fn prcc(rows: &[Vec<f64>], outputs: &[f64]) -> Result<Vec<RankCorrelation>, String> {
    let cases: Vec<usize> = (0..rows.len()).filter(|&i| outputs[i].is_finite()).collect();
    let (n, k) = (cases.len(), rows.first().map_or(0, Vec::len));
    let columns: Vec<Vec<f64>> = (0..k)
        .map(|factor| ranks(&cases.iter().map(|&i| rows[i][factor]).collect::<Vec<_>>()))
        .collect();
    let y = ranks(&cases.iter().map(|&i| outputs[i]).collect::<Vec<_>>());
    let varies = |column: &[f64]| column.iter().any(|x| *x != column[0]);
    let used: Vec<usize> = (0..k).filter(|&factor| varies(&columns[factor])).collect();
    if n < used.len() + 4 {
        return Err(format!("at least {} rows with an output, not {n}", used.len() + 4));
    }
    let partial = if varies(&y) {
        partial(&used, &columns, &y)?
    } else {
        vec![0.0; used.len()]
    };
    let none = f64::NAN;
    Ok((0..k)
        .map(|factor| {
            let Some(at) = used.iter().position(|&u| u == factor) else {
                let prcc = Estimate {
                    value: none,
                    interval: None,
                };
                return RankCorrelation {
                    prcc,
                    p: none,
                    turning_share: none,
                    turns: false,
                };
            };
            let (turning_share, p_turning) = turning(&columns[factor], &y);
            RankCorrelation {
                prcc: with_interval(partial[at], n, used.len()),
                p: p_of(partial[at], n, used.len()),
                turning_share,
                turns: turning_share > LOST_SHARE && p_turning * (used.len() as f64) < 0.01,
            }
        })
        .collect())
}

/// −P_iy / √(P_ii·P_yy) of the inverse P of all rank correlations.
fn partial(used: &[usize], columns: &[Vec<f64>], y: &[f64]) -> Result<Vec<f64>, String> {
    let joined: Vec<Vec<f64>> = (0..y.len())
        .map(|row| used.iter().map(|&u| columns[u][row]).chain([y[row]]).collect())
        .collect();
    let width = used.len() + 1;
    let Some(factor) = Cholesky::of(width, &correlation(&joined)) else {
        return Err("factors and an output of which none is a function of the others".into());
    };
    let p = factor.inverse();
    let last = width - 1;
    Ok((0..last)
        .map(|i| {
            let scale = (p[i * width + i] * p[last * width + last]).sqrt();
            math::clamp(-p[i * width + last] / scale, -1.0, 1.0)
        })
        .collect())
}

fn with_interval(r: f64, n: usize, factors: usize) -> Estimate {
    let left = n as f64 - (factors - 1) as f64 - 3.0;
    let interval = (left > 0.0 && r.abs() < 1.0).then(|| {
        let z = 0.5 * (math::ln(1.0 + r) - math::ln(1.0 - r));
        let half = normal_quantile(0.5 + LEVEL / 2.0) / left.sqrt();
        let back = |z: f64| 1.0 - 2.0 / (math::exp(2.0 * z) + 1.0);
        Interval {
            low: back(z - half),
            high: back(z + half),
        }
    });
    Estimate { value: r, interval }
}

fn p_of(r: f64, n: usize, factors: usize) -> f64 {
    let freedom = n as f64 - 2.0 - (factors - 1) as f64;
    let rest = 1.0 - r * r;
    if rest <= 0.0 {
        return 0.0;
    }
    match StudentsT::new(0.0, 1.0, freedom) {
        Ok(t) => 2.0 * t.sf(r.abs() * (freedom / rest).sqrt()),
        Err(_) => f64::NAN,
    }
}

/// Share of the variance of `y` between bins of `x` that no rising or falling curve takes up, and its p.
fn turning(x: &[f64], y: &[f64]) -> (f64, f64) {
    let n = y.len();
    let wanted = (n / 8).min(MOST_BINS);
    if wanted < 3 {
        return (0.0, 1.0);
    }
    let mut sums = vec![(0.0, 0.0); wanted];
    let mean = y.iter().sum::<f64>() / n as f64;
    let (mut all, mut between) = (0.0, 0.0);
    for (x, y) in x.iter().zip(y) {
        let bin = (((x - 0.5) / n as f64) * wanted as f64) as usize;
        sums[bin.min(wanted - 1)].0 += 1.0;
        sums[bin.min(wanted - 1)].1 += y - mean;
        all += (y - mean) * (y - mean);
    }
    sums.retain(|(count, _)| *count > 0.0);
    for (count, sum) in &sums {
        between += sum * sum / count;
    }
    let rising = monotone(&sums);
    let falling = monotone(&sums.iter().map(|(count, sum)| (*count, -sum)).collect::<Vec<_>>());
    let lost = between - math::max(rising, falling);
    let (bins, within) = (sums.len() as f64, all - between);
    if all <= 0.0 || lost <= 1e-12 * all || bins < 3.0 {
        return (0.0, 1.0);
    }
    let ratio = (lost / (bins - 1.0)) / (within / (n as f64 - bins));
    let p = match FisherSnedecor::new(bins - 1.0, n as f64 - bins) {
        Ok(f) if within > 0.0 => f.sf(ratio),
        _ => 0.0,
    };
    (lost / all, p)
}

/// Sum of squares that the best rising curve through bins (count, sum) takes up: pooled neighbours.
fn monotone(bins: &[(f64, f64)]) -> f64 {
    let mut pools: Vec<(f64, f64)> = Vec::new();
    for &bin in bins {
        let mut pool = bin;
        while let Some(&(count, sum)) = pools.last() {
            if sum / count <= pool.1 / pool.0 {
                break;
            }
            pool = (pool.0 + count, pool.1 + sum);
            pools.pop();
        }
        pools.push(pool);
    }
    pools.iter().map(|(count, sum)| sum * sum / count).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::design::{Distribution, lhs};

    #[test]
    fn coefficients_and_p_are_those_of_residuals_of_ranks() -> Result<(), String> {
        let fixture: serde_json::Value =
            serde_json::from_str(include_str!("../../../tests/fixtures/prcc.json")).map_err(|e| e.to_string())?;
        let list = |value: &serde_json::Value| -> Vec<f64> {
            let array = value.as_array().cloned().unwrap_or_default();
            array.iter().map(|x| x.as_f64().unwrap_or(f64::NAN)).collect()
        };
        let rows: Vec<Vec<f64>> = fixture["x"].as_array().into_iter().flatten().map(list).collect();
        let found = prcc(&rows, &list(&fixture["y"]))?;
        for (i, (wanted, p)) in list(&fixture["prcc"]).iter().zip(list(&fixture["p"])).enumerate() {
            assert!(
                (found[i].prcc.value - wanted).abs() < 1e-10,
                "{i}: {:?} {wanted}",
                found[i]
            );
            assert!((found[i].p - p).abs() < 1e-8 + 1e-6 * p, "{i}: {} {p}", found[i].p);
        }
        Ok(())
    }

    #[test]
    fn a_response_that_turns_round_is_flagged_and_a_monotone_one_is_not() -> Result<(), String> {
        let rows = lhs(&vec![Distribution::dummy(); 4], 200, 1, 7).rows;
        let y: Vec<f64> = rows
            .iter()
            .map(|x| 4.0 * math::square(x[0] - 0.5) + math::exp(2.0 * x[1]) / 3.0)
            .collect();
        let found = prcc(&rows, &y)?;
        assert!(found[0].turns && found[0].prcc.value.abs() < 0.2, "{:?}", found[0]);
        assert!(!found[1].turns && found[1].prcc.value > 0.8, "{:?}", found[1]);
        assert!(!found[2].turns && !found[3].turns, "{:?}", &found[2..]);
        Ok(())
    }

    #[test]
    fn a_fixed_factor_has_no_coefficient_and_too_few_rows_are_refused() -> Result<(), String> {
        let rows: Vec<Vec<f64>> = (0..20).map(|i| vec![f64::from(i * 7 % 20), 1.0]).collect();
        let y: Vec<f64> = (0..20).map(f64::from).collect();
        let found = prcc(&rows, &y)?;
        assert!(found[1].prcc.value.is_nan() && found[0].prcc.value.is_finite());
        assert!(prcc(&rows[..4], &y).is_err());
        Ok(())
    }

    #[test]
    fn ties_share_their_rank() {
        assert_eq!(ranks(&[3.0, 1.0, 3.0, 2.0]), [3.5, 1.0, 3.5, 2.0]);
    }
}
