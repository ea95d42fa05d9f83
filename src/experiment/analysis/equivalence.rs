//! Whether two things are as good as equal: two one-sided tests, and a model's interval inside a published one.

use statrs::distribution::{ContinuousCDF, StudentsT};

use crate::experiment::statistics::{Interval, mean, sd};
use crate::math;

/// Two one-sided t tests of paired differences.
#[derive(Clone, Debug, PartialEq)]
pub struct Equivalence {
    /// Mean difference.
    pub difference: f64,
    /// p of a true difference at or below the lower margin.
    pub p_low: f64,
    /// p of a true difference at or above the upper margin.
    pub p_high: f64,
    /// The larger of both: p of no equivalence.
    pub p: f64,
    /// Interval at level 1 − 2·alpha: the arms are equivalent where it lies inside the margins.
    pub interval: Interval,
    /// Equivalent at `alpha`.
    pub equivalent: bool,
    /// Differences.
    pub n: usize,
}

/// Tests whether the mean of differences lies between the margins (Schuirmann 1987). Nothing below two differences, or
/// with margins that are not in order.
pub fn two_one_sided(differences: &[f64], low: f64, high: f64, alpha: f64) -> Option<Equivalence> {
    let n = differences.len();
    if n < 2 || low >= high {
        return None;
    }
    let t = StudentsT::new(0.0, 1.0, (n - 1) as f64).ok()?;
    let difference = mean(differences);
    let error = sd(differences) / (n as f64).sqrt();
    let upper_tail = |distance: f64| match () {
        () if error > 0.0 => t.sf(distance / error),
        () if distance > 0.0 => 0.0,
        () => 1.0,
    };
    let (p_low, p_high) = (upper_tail(difference - low), upper_tail(high - difference));
    let half = t.inverse_cdf(1.0 - alpha) * error;
    let p = math::max(p_low, p_high);
    Some(Equivalence {
        difference,
        p_low,
        p_high,
        p,
        interval: Interval {
            low: difference - half,
            high: difference + half,
        },
        equivalent: p < alpha,
        n,
    })
}

/// A model's interval beside a published one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Agreement {
    /// The model's interval lies inside the published one.
    pub inside: bool,
    /// They have at least a point in common.
    pub overlaps: bool,
    /// Share of the model's interval that lies inside the published one.
    pub share: f64,
}

/// Whether what a model says lies inside what was published.
pub fn agreement(model: Interval, published: Interval) -> Agreement {
    let (low, high) = (
        math::max(model.low, published.low),
        math::min(model.high, published.high),
    );
    let inside = published.low <= model.low && model.high <= published.high;
    let width = model.high - model.low;
    Agreement {
        inside,
        overlaps: low <= high,
        share: match (inside, width > 0.0) {
            (true, _) => 1.0,
            (false, true) => math::positive(high - low) / width,
            (false, false) => 0.0,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p_and_interval_are_those_of_scipy() {
        let fixture: serde_json::Value =
            serde_json::from_str(include_str!("../../../tests/fixtures/effects.json")).unwrap_or_default();
        let case = &fixture["equivalence"];
        let list = |name: &str| -> Vec<f64> {
            let array = case[name].as_array().cloned().unwrap_or_default();
            array.iter().map(|x| x.as_f64().unwrap_or(f64::NAN)).collect()
        };
        let Some(found) = two_one_sided(&list("differences"), -1.5, 0.5, 0.05) else {
            panic!("ten differences")
        };
        let wanted = list("p");
        assert!(
            (found.p_low - wanted[0]).abs() < 1e-9 && (found.p_high - wanted[1]).abs() < 1e-9,
            "{found:?}"
        );
        let ends = list("interval");
        assert!(
            (found.interval.low - ends[0]).abs() < 1e-9 && (found.interval.high - ends[1]).abs() < 1e-9,
            "{found:?}"
        );
        assert_eq!(found.equivalent, found.interval.low > -1.5 && found.interval.high < 0.5);
    }

    #[test]
    fn equal_differences_are_equivalent_inside_the_margins_and_not_outside() {
        let of = |x: f64| two_one_sided(&[x; 5], -1.0, 1.0, 0.05).map(|e| (e.p, e.equivalent));
        assert_eq!(of(0.0), Some((0.0, true)));
        assert_eq!(of(2.0), Some((1.0, false)));
        assert_eq!(two_one_sided(&[1.0], -1.0, 1.0, 0.05), None);
        assert_eq!(two_one_sided(&[1.0, 2.0], 1.0, -1.0, 0.05), None);
    }

    #[test]
    fn a_models_interval_is_inside_beside_or_across_a_published_one() {
        let of = |low, high| agreement(Interval { low, high }, Interval { low: 0.0, high: 1.0 });
        assert_eq!(
            of(0.2, 0.4),
            Agreement {
                inside: true,
                overlaps: true,
                share: 1.0
            }
        );
        assert_eq!(
            of(0.5, 1.5),
            Agreement {
                inside: false,
                overlaps: true,
                share: 0.5
            }
        );
        assert_eq!(
            of(2.0, 3.0),
            Agreement {
                inside: false,
                overlaps: false,
                share: 0.0
            }
        );
        assert!(of(0.3, 0.3).inside);
    }
}
