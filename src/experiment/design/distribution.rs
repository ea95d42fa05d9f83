//! What is believed about a factor before data, as a quantile function: one number in (0, 1) gives one value.

use serde::{Deserialize, Serialize};

use super::special::{beta_cdf, beta_quantile, normal_cdf, normal_quantile};
use crate::math;
use crate::parameters::Prior;

/// Probability left out at each end where levels are laid over a distribution whose range says little.
const TAIL: f64 = 0.025;

/// Distribution of one factor. Written as `{ type = "lognormal", median = 2e-3, gsd = 3 }`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
pub enum Distribution {
    /// Not varied.
    Fixed {
        /// The value.
        value: f64,
    },
    /// Equal chance between two bounds.
    Uniform {
        /// Lower bound.
        low: f64,
        /// Upper bound.
        high: f64,
    },
    /// Equal chance per decade between two bounds above 0.
    LogUniform {
        /// Lower bound.
        low: f64,
        /// Upper bound.
        high: f64,
    },
    /// Normal.
    Normal {
        /// Mean.
        mean: f64,
        /// Standard deviation.
        sd: f64,
    },
    /// Log-normal.
    LogNormal {
        /// Median, above 0.
        median: f64,
        /// Geometric standard deviation, above 1.
        gsd: f64,
    },
    /// Triangular.
    Triangular {
        /// Lower bound.
        low: f64,
        /// Most likely value.
        mode: f64,
        /// Upper bound.
        high: f64,
    },
    /// Beta, stretched over a range.
    Beta {
        /// First shape, above 0.
        alpha: f64,
        /// Second shape, above 0.
        beta: f64,
        /// Lower bound.
        #[serde(default)]
        low: f64,
        /// Upper bound.
        #[serde(default = "one")]
        high: f64,
    },
    /// One of a list.
    Levels {
        /// The list.
        values: Vec<f64>,
        /// Chance of each, to any sum; empty = equal chances.
        #[serde(default)]
        weights: Vec<f64>,
    },
    /// Another distribution, given that the value lies in a range.
    Truncated {
        /// The other distribution.
        of: Box<Distribution>,
        /// Lower bound.
        low: f64,
        /// Upper bound.
        high: f64,
    },
}

fn one() -> f64 {
    1.0
}

impl Distribution {
    /// A factor that no model reads: its index is the noise floor of a sensitivity analysis.
    pub fn dummy() -> Self {
        Self::Uniform { low: 0.0, high: 1.0 }
    }

    /// Equal chances of a list of values.
    pub fn levels(values: &[f64]) -> Self {
        Self::Levels {
            values: values.to_vec(),
            weights: Vec::new(),
        }
    }

    /// The prior of a registry row, kept inside its possible range; a fixed prior is the row's value.
    pub fn from_prior(prior: Prior, value: f64, possible: Option<(f64, f64)>) -> Self {
        let free = match prior {
            Prior::Fixed => Self::Fixed { value },
            Prior::Uniform { low, high } => Self::Uniform { low, high },
            Prior::Lognormal { median, gsd } => Self::LogNormal { median, gsd },
            Prior::Normal { mean, sd } => Self::Normal { mean, sd },
        };
        possible.map_or(free.clone(), |(low, high)| free.truncated(low, high))
    }

    /// Given that the value lies in a range; unchanged where it always does.
    #[must_use]
    pub fn truncated(self, low: f64, high: f64) -> Self {
        let (least, most) = self.support();
        if low <= least && most <= high {
            return self;
        }
        if let Self::Truncated {
            of,
            low: old_low,
            high: old_high,
        } = self
        {
            return of.truncated(math::max(low, old_low), math::min(high, old_high));
        }
        Self::Truncated {
            of: Box::new(self),
            low,
            high,
        }
    }

    /// With every width multiplied: of a range about its middle, of a normal its standard deviation, of a log-normal
    /// the logarithm of its spread. Lists and fixed values stay as they are. Truncation is not undone.
    #[must_use]
    pub fn widened(&self, by: f64) -> Self {
        let about = |centre: f64, x: f64| centre + by * (x - centre);
        match self {
            Self::Uniform { low, high } => {
                let centre = 0.5 * (low + high);
                Self::Uniform {
                    low: about(centre, *low),
                    high: about(centre, *high),
                }
            }
            Self::LogUniform { low, high } => {
                let centre = 0.5 * (math::ln(*low) + math::ln(*high));
                Self::LogUniform {
                    low: math::exp(about(centre, math::ln(*low))),
                    high: math::exp(about(centre, math::ln(*high))),
                }
            }
            Self::Normal { mean, sd } => Self::Normal {
                mean: *mean,
                sd: by * sd,
            },
            Self::LogNormal { median, gsd } => Self::LogNormal {
                median: *median,
                gsd: math::pow(*gsd, by),
            },
            Self::Triangular { low, mode, high } => Self::Triangular {
                low: about(*mode, *low),
                mode: *mode,
                high: about(*mode, *high),
            },
            Self::Beta { alpha, beta, low, high } => {
                let centre = 0.5 * (low + high);
                Self::Beta {
                    alpha: *alpha,
                    beta: *beta,
                    low: about(centre, *low),
                    high: about(centre, *high),
                }
            }
            Self::Truncated { of, low, high } => of.widened(by).truncated(*low, *high),
            Self::Fixed { .. } | Self::Levels { .. } => self.clone(),
        }
    }

    /// Least and largest value; infinite where there is none.
    pub fn support(&self) -> (f64, f64) {
        match self {
            Self::Fixed { value } => (*value, *value),
            Self::Uniform { low, high } | Self::LogUniform { low, high } => (*low, *high),
            Self::Normal { .. } => (f64::NEG_INFINITY, f64::INFINITY),
            Self::LogNormal { .. } => (0.0, f64::INFINITY),
            Self::Triangular { low, high, .. } | Self::Beta { low, high, .. } => (*low, *high),
            Self::Levels { values, .. } => values
                .iter()
                .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &x| {
                    (math::min(x, low), math::max(x, high))
                }),
            Self::Truncated { of, low, high } => {
                let (least, most) = of.support();
                (math::max(*low, least), math::min(*high, most))
            }
        }
    }

    /// Whether every value is the same.
    pub fn is_fixed(&self) -> bool {
        let (low, high) = self.support();
        low == high
    }

    /// The value below which a share `u` of the probability lies.
    pub fn quantile(&self, u: f64) -> f64 {
        match self {
            Self::Fixed { value } => *value,
            Self::Uniform { low, high } => low + (high - low) * u,
            Self::LogUniform { low, high } => {
                let (from, to) = (math::ln(*low), math::ln(*high));
                math::clamp(math::exp(from + (to - from) * u), *low, *high)
            }
            Self::Normal { mean, sd } => mean + sd * normal_quantile(u),
            Self::LogNormal { median, gsd } => median * math::exp(math::ln(*gsd) * normal_quantile(u)),
            Self::Triangular { low, mode, high } => {
                let (range, rise) = (high - low, mode - low);
                if u * range < rise {
                    low + (u * range * rise).sqrt()
                } else {
                    high - ((1.0 - u) * range * (high - mode)).sqrt()
                }
            }
            Self::Beta { alpha, beta, low, high } => low + (high - low) * beta_quantile(u, *alpha, *beta),
            Self::Levels { values, weights } => {
                values.get(level(values.len(), weights, u)).copied().unwrap_or(f64::NAN)
            }
            Self::Truncated { .. } if u <= 0.0 => self.support().0,
            Self::Truncated { .. } if u >= 1.0 => self.support().1,
            Self::Truncated { of, low, high } => {
                let (below, upto) = of.shares(*low, *high);
                math::clamp(of.quantile(below + (upto - below) * u), *low, *high)
            }
        }
    }

    /// Probability below `low`, and at or below `high`.
    pub(super) fn shares(&self, low: f64, high: f64) -> (f64, f64) {
        let below = match self {
            // A list has probability at its values themselves.
            Self::Levels { values, weights } => {
                let total = total(values.len(), weights);
                let lower = (0..values.len()).filter(|&i| values[i] < low);
                lower.map(|i| weight(weights, i)).sum::<f64>() / total
            }
            _ => self.cdf(low),
        };
        (below, self.cdf(high))
    }

    /// Probability of a value at or below x. A truncated list must stand in rising order.
    pub fn cdf(&self, x: f64) -> f64 {
        let share = match self {
            Self::Fixed { value } => f64::from(u8::from(x >= *value)),
            Self::Uniform { low, high } if low < high => (x - low) / (high - low),
            Self::LogUniform { low, high } if low < high && x > 0.0 => {
                (math::ln(x) - math::ln(*low)) / (math::ln(*high) - math::ln(*low))
            }
            Self::Uniform { low, .. } | Self::LogUniform { low, .. } => f64::from(u8::from(x >= *low)),
            Self::Normal { mean, sd } => normal_cdf((x - mean) / sd),
            Self::LogNormal { .. } if x <= 0.0 => 0.0,
            Self::LogNormal { median, gsd } => normal_cdf(math::ln(x / median) / math::ln(*gsd)),
            Self::Triangular { low, mode, high } => {
                if x <= *low {
                    0.0
                } else if x >= *high {
                    1.0
                } else if x < *mode {
                    math::square(x - low) / ((high - low) * (mode - low))
                } else {
                    1.0 - math::square(high - x) / ((high - low) * (high - mode))
                }
            }
            Self::Beta { alpha, beta, low, high } => beta_cdf((x - low) / (high - low), *alpha, *beta),
            Self::Levels { values, weights } => {
                let upto = (0..values.len()).filter(|&i| values[i] <= x);
                upto.map(|i| weight(weights, i)).sum::<f64>() / total(values.len(), weights)
            }
            Self::Truncated { of, low, high } => {
                let (below, upto) = of.shares(*low, *high);
                (of.cdf(x) - below) / (upto - below)
            }
        };
        math::unit(share)
    }

    /// The value at a level of a design that lays levels from 0 to 1 over a factor. Ranges and lists are laid out
    /// from end to end; a distribution with tails, truncated or not, over its middle 95 %.
    pub fn at_level(&self, level: f64) -> f64 {
        let tail = if self.has_tails() { TAIL } else { 0.0 };
        self.quantile(tail + (1.0 - 2.0 * tail) * level)
    }

    fn has_tails(&self) -> bool {
        match self {
            Self::Normal { .. } | Self::LogNormal { .. } | Self::Beta { .. } | Self::Triangular { .. } => true,
            Self::Truncated { of, .. } => of.has_tails(),
            _ => false,
        }
    }
}

fn weight(weights: &[f64], i: usize) -> f64 {
    weights.get(i).copied().unwrap_or(1.0)
}

pub(super) fn total(n: usize, weights: &[f64]) -> f64 {
    (0..n).map(|i| weight(weights, i)).sum()
}

/// Index of the level at a share of the probability.
fn level(n: usize, weights: &[f64], u: f64) -> usize {
    let target = u * total(n, weights);
    let mut sum = 0.0;
    for i in 0..n {
        sum += weight(weights, i);
        if target < sum {
            return i;
        }
    }
    (0..n).rev().find(|&i| weight(weights, i) > 0.0).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parameters::Registry;

    fn fixture() -> serde_json::Value {
        serde_json::from_str(include_str!("../../../tests/fixtures/distributions.json"))
            .unwrap_or_else(|fault| panic!("{fault}"))
    }

    #[test]
    fn quantiles_and_probabilities_are_those_of_scipy() {
        let mut seen = 0;
        for case in fixture()["cases"].as_array().into_iter().flatten() {
            let read = serde_json::from_value(case["dist"].clone());
            let distribution: Distribution = read.unwrap_or_else(|fault| panic!("{case}: {fault}"));
            assert_eq!(distribution.check(), Ok(()));
            for point in case["points"].as_array().into_iter().flatten() {
                let [u, x] = [0, 1].map(|i| point[i].as_f64().unwrap_or(f64::NAN));
                let found = distribution.quantile(u);
                assert!(
                    (found - x).abs() <= 1e-9 * x.abs() + 1e-13,
                    "{distribution}: {u}: {found} {x}"
                );
                let share = distribution.cdf(x);
                assert!((share - u).abs() <= 1e-9, "{distribution}: {x}: {share} {u}");
                seen += 1;
            }
        }
        assert!(seen > 80, "{seen}");
    }

    #[test]
    fn a_normal_quantile_is_exact_far_into_the_tail() {
        for (u, z) in [
            (1e-12, -7.034_483_825_301_131),
            (1e-300, -37.047_096_299_361_2),
            (0.5, 0.0),
        ] {
            assert!(
                (normal_quantile(u) - z).abs() <= 4e-15 * z.abs(),
                "{u}: {}",
                normal_quantile(u)
            );
        }
    }

    #[test]
    fn a_truncated_prior_stays_in_its_range_and_keeps_its_shape() {
        let free = Distribution::Normal { mean: 0.5, sd: 1.0 };
        let kept = free.clone().truncated(0.0, 1.0);
        assert_eq!((kept.quantile(0.0), kept.quantile(1.0)), (0.0, 1.0));
        assert!((kept.quantile(0.5) - 0.5).abs() < 1e-12);
        assert_eq!(kept.clone().truncated(0.2, 5.0).support(), (0.2, 1.0));
        assert_eq!(free.clone().truncated(f64::NEG_INFINITY, f64::INFINITY), free);
        let list = Distribution::levels(&[0.0, 1.0, 2.0, 3.0]).truncated(1.0, 2.0);
        let drawn = [0.01, 0.49, 0.51, 0.99].map(|u| list.quantile(u));
        assert_eq!(drawn, [1.0, 1.0, 2.0, 2.0]);
        assert!(list.check().is_ok());
    }

    #[test]
    fn every_prior_of_the_registry_is_a_distribution_inside_its_possible_range() {
        for row in Registry::embedded().rows() {
            let Some(value) = row.value.number() else { continue };
            let distribution = Distribution::from_prior(row.prior, value, row.possible);
            assert_eq!(distribution.check(), Ok(()), "{}", row.key);
            let Some((low, high)) = row.possible else { continue };
            for u in [1e-6, 0.3, 0.999_999] {
                let x = distribution.quantile(u);
                assert!(low <= x && x <= high, "{}: {x}", row.key);
            }
        }
    }

    #[test]
    fn weights_are_chances() {
        let strata = Distribution::Levels {
            values: vec![1.0, 2.0, 3.0],
            weights: vec![8.0, 0.0, 2.0],
        };
        let drawn = [0.0, 0.79, 0.81, 1.0].map(|u| strata.quantile(u));
        assert_eq!(drawn, [1.0, 1.0, 3.0, 3.0]);
    }

    #[test]
    fn a_faulty_distribution_says_what_was_expected() {
        let says = |d: Distribution| d.check().err().unwrap_or_default();
        assert!(says(Distribution::Uniform { low: 2.0, high: 2.0 }).contains("`low` below `high`"));
        assert!(says(Distribution::LogUniform { low: 0.0, high: 2.0 }).contains("no zero"));
        assert!(says(Distribution::LogNormal { median: 1.0, gsd: 1.0 }).contains("gsd"));
        assert!(says(Distribution::levels(&[])).contains("one level"));
        let nowhere = Distribution::Uniform { low: 2.0, high: 3.0 }.truncated(0.0, 1.0);
        assert!(says(nowhere).contains("nothing lies there"));
        let mistyped = serde_json::from_str::<Distribution>(r#"{"type":"uniform","low":0,"hihg":1}"#);
        assert!(mistyped.is_err());
    }

    #[test]
    fn halved_and_doubled_widths_keep_the_middle() {
        let wide = Distribution::LogNormal { median: 2.0, gsd: 2.0 }.widened(2.0);
        assert_eq!(wide, Distribution::LogNormal { median: 2.0, gsd: 4.0 });
        let narrow = Distribution::Uniform { low: 0.0, high: 4.0 }.widened(0.5);
        assert_eq!(narrow, Distribution::Uniform { low: 1.0, high: 3.0 });
    }

    #[test]
    fn a_distribution_reads_as_a_sentence() {
        let prior = Distribution::LogNormal { median: 0.5, gsd: 2.0 }.truncated(0.0, 4.0);
        assert_eq!(
            prior.to_string(),
            "log-normal, median 0.5, geometric sd 2, kept from 0 to 4"
        );
    }
}
