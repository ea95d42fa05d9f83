//! A distribution in words: what is wrong with it, and how it reads.

use std::fmt;

use super::distribution::{Distribution, total};
use crate::units::plain_number;

/// Least probability that a truncated distribution may have left.
const LEAST_MASS: f64 = 1e-9;

impl Distribution {
    /// Whether the numbers make a distribution; else what was expected, in words.
    pub fn check(&self) -> Result<(), String> {
        let ordered = |low: f64, high: f64| {
            if low.is_finite() && high.is_finite() && low < high {
                return Ok(());
            }
            Err(format!(
                "a range with `low` below `high`, not from {} to {}",
                plain_number(low),
                plain_number(high)
            ))
        };
        let holds = |good: bool, words: &str| if good { Ok(()) } else { Err(words.to_owned()) };
        match self {
            Self::Fixed { value } => holds(value.is_finite(), "a finite value"),
            Self::Uniform { low, high } => ordered(*low, *high),
            Self::LogUniform { low, high } => {
                ordered(*low, *high)?;
                holds(*low > 0.0, "a `low` above 0: a logarithmic range has no zero")
            }
            Self::Normal { mean, sd } => {
                holds(mean.is_finite(), "a finite `mean`")?;
                holds(*sd > 0.0 && sd.is_finite(), "an `sd` above 0")
            }
            Self::LogNormal { median, gsd } => {
                holds(*median > 0.0 && median.is_finite(), "a `median` above 0")?;
                holds(
                    *gsd > 1.0 && gsd.is_finite(),
                    "a `gsd` (geometric standard deviation) above 1",
                )
            }
            Self::Triangular { low, mode, high } => {
                ordered(*low, *high)?;
                holds(low <= mode && mode <= high, "a `mode` between `low` and `high`")
            }
            Self::Beta { alpha, beta, low, high } => {
                ordered(*low, *high)?;
                let shapes = *alpha > 0.0 && *beta > 0.0 && alpha.is_finite() && beta.is_finite();
                holds(shapes, "`alpha` and `beta` above 0")
            }
            Self::Levels { values, weights } => {
                holds(!values.is_empty(), "at least one level")?;
                holds(values.iter().all(|x| x.is_finite()), "finite levels")?;
                let right = weights.is_empty() || weights.len() == values.len();
                holds(right, "one weight per level, or none at all")?;
                let positive = weights.iter().all(|w| *w >= 0.0 && w.is_finite());
                holds(
                    positive && total(values.len(), weights) > 0.0,
                    "weights of at least 0 with a sum above 0",
                )
            }
            Self::Truncated { of, low, high } => {
                of.check()?;
                if let Self::Levels { values, .. } = of.as_ref() {
                    holds(values.windows(2).all(|w| w[0] <= w[1]), "levels in rising order")?;
                }
                holds(low <= high, "a range with `low` at most `high`")?;
                let (below, upto) = of.shares(*low, *high);
                if upto - below >= LEAST_MASS {
                    return Ok(());
                }
                Err(format!(
                    "values from {} to {}: of {of} nothing lies there",
                    plain_number(*low),
                    plain_number(*high)
                ))
            }
        }
    }
}

impl fmt::Display for Distribution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let n = plain_number;
        match self {
            Self::Fixed { value } => write!(f, "fixed at {}", n(*value)),
            Self::Uniform { low, high } => write!(f, "uniform from {} to {}", n(*low), n(*high)),
            Self::LogUniform { low, high } => write!(f, "log-uniform from {} to {}", n(*low), n(*high)),
            Self::Normal { mean, sd } => write!(f, "normal, mean {}, sd {}", n(*mean), n(*sd)),
            Self::LogNormal { median, gsd } => {
                write!(f, "log-normal, median {}, geometric sd {}", n(*median), n(*gsd))
            }
            Self::Triangular { low, mode, high } => {
                write!(f, "triangular from {} over {} to {}", n(*low), n(*mode), n(*high))
            }
            Self::Beta { alpha, beta, low, high } => {
                let range = format!("from {} to {}", n(*low), n(*high));
                write!(f, "beta with {} and {} {range}", n(*alpha), n(*beta))
            }
            Self::Levels { values, weights } => {
                let words: Vec<String> = (0..values.len())
                    .map(|i| match weights.get(i) {
                        Some(w) => format!("{} ({:.3})", n(values[i]), w / total(values.len(), weights)),
                        None => n(values[i]),
                    })
                    .collect();
                write!(f, "one of {}", words.join(", "))
            }
            Self::Truncated { of, low, high } => match (low.is_finite(), *high < 9e18) {
                (true, true) => write!(f, "{of}, kept from {} to {}", n(*low), n(*high)),
                (true, false) => write!(f, "{of}, kept at or above {}", n(*low)),
                _ => write!(f, "{of}, kept at or below {}", n(*high)),
            },
        }
    }
}
