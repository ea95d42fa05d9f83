//! Times to an event that may not have happened yet: Kaplan-Meier with Greenwood's log-log interval, log-rank test,
//! restricted mean.

use statrs::distribution::{ChiSquared, ContinuousCDF};

use super::Estimate;
use crate::experiment::design::normal_quantile;
use crate::experiment::matrix::Cholesky;
use crate::experiment::statistics::{Interval, LEVEL};
use crate::math;

/// When it happened, or until when it had not.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Time {
    /// Days.
    pub t_d: f64,
    /// It happened then; else it had not until then (censored).
    pub happened: bool,
}

/// Times of runs: nothing = did not happen before `horizon_d`.
pub fn times(found: &[Option<f64>], horizon_d: f64) -> Vec<Time> {
    found
        .iter()
        .map(|t| match t {
            Some(t_d) if *t_d <= horizon_d => Time {
                t_d: *t_d,
                happened: true,
            },
            _ => Time {
                t_d: horizon_d,
                happened: false,
            },
        })
        .collect()
}

/// The curve just after one time.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Days.
    pub t_d: f64,
    /// Cases for which it could still happen just before.
    pub at_risk: usize,
    /// Events at this time.
    pub events: usize,
    /// Cases last seen at this time without the event.
    pub censored: usize,
    /// Share without the event after this time.
    pub survival: f64,
    /// Interval of the share: log-log; where the share is 0 or 1 it has none of its own, and reaches to the last known end.
    pub interval: Interval,
}

/// Kaplan-Meier curve: one step per distinct time, in order. Before the first the share is 1.
pub fn kaplan_meier(cases: &[Time]) -> Vec<Step> {
    let z = normal_quantile(0.5 + LEVEL / 2.0);
    let (mut survival, mut greenwood) = (1.0, 0.0);
    let mut last = Interval { low: 1.0, high: 1.0 };
    let mut steps = Vec::new();
    for (t_d, at_risk, events, censored) in table(cases) {
        let (n, d) = (at_risk as f64, events as f64);
        survival *= 1.0 - d / n;
        if events > 0 && events < at_risk {
            greenwood += d / (n * (n - d));
        }
        if events > 0 {
            last = if survival > 0.0 {
                let log = math::ln(survival);
                let spread = z * greenwood.sqrt() / log.abs();
                Interval {
                    low: math::exp(log * math::exp(spread)),
                    high: math::exp(log * math::exp(-spread)),
                }
            } else {
                Interval {
                    low: 0.0,
                    high: last.high,
                }
            };
        }
        steps.push(Step {
            t_d,
            at_risk,
            events,
            censored,
            survival,
            interval: last,
        });
    }
    steps
}

/// Distinct times with their numbers at risk, of events, of censored.
fn table(cases: &[Time]) -> Vec<(f64, usize, usize, usize)> {
    let mut sorted = cases.to_vec();
    sorted.sort_by(|a, b| a.t_d.total_cmp(&b.t_d));
    let mut rows = Vec::new();
    let mut start = 0;
    while start < sorted.len() {
        let t_d = sorted[start].t_d;
        let end = start + sorted[start..].iter().take_while(|c| c.t_d == t_d).count();
        let events = sorted[start..end].iter().filter(|c| c.happened).count();
        rows.push((t_d, sorted.len() - start, events, end - start - events));
        start = end;
    }
    rows
}

/// First time at which at most half are without the event, with the times at which the ends of the interval get there;
/// infinite where they never do.
pub fn median(curve: &[Step]) -> Estimate {
    let first = |share: &dyn Fn(&Step) -> f64| {
        // A product of shares that is a half may be rounded above it.
        let step = curve.iter().find(|step| share(step) <= 0.5 + 1e-12);
        step.map_or(f64::INFINITY, |step| step.t_d)
    };
    Estimate {
        value: first(&|s| s.survival),
        interval: Some(Interval {
            low: first(&|s| s.interval.low),
            high: first(&|s| s.interval.high),
        }),
    }
}

/// Mean time without the event up to a horizon: the area below the curve, with Greenwood's standard error.
pub fn restricted_mean(curve: &[Step], horizon_d: f64) -> Estimate {
    let area_after = |from: usize| {
        let mut area = 0.0;
        for (i, step) in curve.iter().enumerate().skip(from) {
            let end = curve
                .get(i + 1)
                .map_or(horizon_d, |next| math::min(next.t_d, horizon_d));
            area += step.survival * math::positive(end - step.t_d);
        }
        area
    };
    let before = curve.first().map_or(horizon_d, |step| math::min(step.t_d, horizon_d));
    let value = before + area_after(0);
    let mut variance = 0.0;
    for (i, step) in curve.iter().enumerate() {
        if step.t_d <= horizon_d && step.events > 0 && step.events < step.at_risk {
            let (n, d) = (step.at_risk as f64, step.events as f64);
            variance += math::square(area_after(i)) * d / (n * (n - d));
        }
    }
    let half = normal_quantile(0.5 + LEVEL / 2.0) * variance.sqrt();
    Estimate {
        value,
        interval: Some(Interval {
            low: value - half,
            high: value + half,
        }),
    }
}

/// Log-rank test of equal curves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LogRank {
    /// Statistic.
    pub chi2: f64,
    /// Degrees of freedom.
    pub df: usize,
    /// p, not corrected.
    pub p: f64,
}

/// Compares two or more groups. Without any event, or with one group alone at risk at each, nothing speaks against equality.
pub fn log_rank(groups: &[&[Time]]) -> LogRank {
    let k = groups.len();
    let all: Vec<Time> = groups.concat();
    let sorted: Vec<Vec<Time>> = groups
        .iter()
        .map(|group| {
            let mut group = group.to_vec();
            group.sort_by(|a, b| a.t_d.total_cmp(&b.t_d));
            group
        })
        .collect();
    let df = k.saturating_sub(1);
    let mut excess = vec![0.0; df];
    let mut spread = vec![0.0; df * df];
    for (t_d, at_risk, events, _) in table(&all).into_iter().filter(|row| row.2 > 0) {
        let (n, d) = (at_risk as f64, events as f64);
        let mut of_group = Vec::with_capacity(k);
        for group in &sorted {
            let gone = group.partition_point(|c| c.t_d < t_d);
            let here = group[gone..]
                .iter()
                .take_while(|c| c.t_d == t_d)
                .filter(|c| c.happened)
                .count();
            of_group.push(((group.len() - gone) as f64, here as f64));
        }
        let scale = if at_risk > 1 { d * (n - d) / (n - 1.0) } else { 0.0 };
        for i in 0..df {
            let share = of_group[i].0 / n;
            excess[i] += of_group[i].1 - d * share;
            for j in 0..df {
                let same = if i == j { 1.0 } else { 0.0 };
                spread[i * df + j] += scale * share * (same - of_group[j].0 / n);
            }
        }
    }
    // A group that was never at risk with another has nothing to say.
    let told: Vec<usize> = (0..df).filter(|&i| spread[i * df + i] > 0.0).collect();
    let part: Vec<f64> = told
        .iter()
        .flat_map(|&i| told.iter().map(move |&j| (i, j)))
        .map(|(i, j)| spread[i * df + j])
        .collect();
    let residual: Vec<f64> = told.iter().map(|&i| excess[i]).collect();
    let Some(factor) = Cholesky::of(told.len(), &part) else {
        return LogRank { chi2: 0.0, df, p: 1.0 };
    };
    let chi2: f64 = factor.forward(&residual).iter().map(|x| x * x).sum();
    let p = match ChiSquared::new(df as f64) {
        Ok(distribution) => distribution.sf(chi2),
        Err(_) => 1.0,
    };
    LogRank { chi2, df, p }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fixture() -> serde_json::Value {
        serde_json::from_str(include_str!("../../../tests/fixtures/survival.json")).unwrap_or_default()
    }

    fn list(value: &serde_json::Value) -> Vec<f64> {
        let array = value.as_array().cloned().unwrap_or_default();
        array.iter().map(|x| x.as_f64().unwrap_or(f64::NAN)).collect()
    }

    fn group(value: &serde_json::Value) -> Vec<Time> {
        let happened = list(&value["happened"]);
        let cases = list(&value["t"]).into_iter().zip(happened);
        cases
            .map(|(t_d, h)| Time {
                t_d,
                happened: h == 1.0,
            })
            .collect()
    }

    #[test]
    fn curves_and_their_intervals_are_those_of_lifelines() {
        let fixture = fixture();
        for wanted in fixture["groups"].as_array().into_iter().flatten() {
            let curve = kaplan_meier(&group(wanted));
            let (t, s) = (list(&wanted["curve_t"]), list(&wanted["s"]));
            let (low, high) = (list(&wanted["low"]), list(&wanted["high"]));
            assert_eq!(curve.len(), t.len());
            for (i, step) in curve.iter().enumerate() {
                assert_eq!(step.t_d, t[i]);
                assert_eq!(step.at_risk as f64, list(&wanted["at_risk"])[i]);
                assert!((step.survival - s[i]).abs() < 1e-12, "{step:?}");
                if s[i] > 0.0 && s[i] < 1.0 {
                    let close =
                        (step.interval.low - low[i]).abs() < 1e-9 && (step.interval.high - high[i]).abs() < 1e-9;
                    assert!(close, "{step:?} {} {}", low[i], high[i]);
                }
            }
            assert_eq!(median(&curve).value, wanted["median"].as_f64().unwrap_or(f64::INFINITY));
            let mean = restricted_mean(&curve, 60.0).value;
            assert!(
                (mean - wanted["restricted_mean_60"].as_f64().unwrap_or(f64::NAN)).abs() < 1e-9,
                "{mean}"
            );
        }
    }

    #[test]
    fn the_log_rank_test_is_that_of_lifelines() {
        let fixture = fixture();
        let groups: Vec<Vec<Time>> = fixture["groups"].as_array().into_iter().flatten().map(group).collect();
        for (name, of) in [("two", &groups[..2]), ("three", &groups[..])] {
            let found = log_rank(&of.iter().map(Vec::as_slice).collect::<Vec<_>>());
            let wanted = list(&fixture["log_rank"][name]);
            assert!(
                (found.chi2 - wanted[0]).abs() < 1e-9 * wanted[0],
                "{found:?} {wanted:?}"
            );
            assert!((found.p - wanted[1]).abs() < 1e-9, "{found:?} {wanted:?}");
        }
    }

    #[test]
    fn without_censoring_the_restricted_mean_is_the_mean_and_its_error_that_of_the_mean() {
        let values = [3.0, 8.0, 8.0, 15.0, 21.0, 50.0, 70.0];
        let cases: Vec<Time> = values.iter().map(|&t_d| Time { t_d, happened: true }).collect();
        let found = restricted_mean(&kaplan_meier(&cases), 60.0);
        let cut: Vec<f64> = values.iter().map(|&t| math::min(t, 60.0)).collect();
        let mean = cut.iter().sum::<f64>() / 7.0;
        let error = (cut.iter().map(|x| math::square(x - mean)).sum::<f64>() / 49.0).sqrt();
        assert!((found.value - mean).abs() < 1e-12);
        let half = found.interval.map_or(0.0, |i| i.high - found.value);
        assert!((half - 1.959_963_984_540_054 * error).abs() < 1e-9, "{half} {error}");
    }

    #[test]
    fn where_nothing_happens_nothing_is_said() {
        let quiet = times(&[None, None, Some(99.0)], 90.0);
        let curve = kaplan_meier(&quiet);
        assert_eq!((curve.len(), curve[0].survival, curve[0].censored), (1, 1.0, 3));
        assert_eq!(median(&curve).value, f64::INFINITY);
        assert_eq!(log_rank(&[&quiet, &quiet]).p, 1.0);
        assert_eq!(log_rank(&[&quiet, &[]]).p, 1.0);
        assert!(kaplan_meier(&[]).is_empty());
        assert_eq!(restricted_mean(&[], 90.0).value, 90.0);
    }
}
