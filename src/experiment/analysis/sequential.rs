//! When to stop buying replicates: as soon as the interval of a mean is as narrow as was asked for.
//!
//! Looking after every run and stopping at the first narrow interval stops too early, just when the spread looks small by
//! chance. So there is a least number, looks come at numbers that grow by a tenth, and interval and rule use a spread
//! that chance makes too small only in one case of four. The tests measure what that leaves of the 95 %.

use statrs::distribution::{ChiSquared, ContinuousCDF, StudentsT};

use crate::experiment::statistics::{Interval, LEVEL, mean, sd};
use crate::math;

/// Chance that the spread of the interval is still too small.
const CAUTION: f64 = 0.25;

/// The rule.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rule {
    /// Wanted half-width of the interval at 95 %, in the unit of the output.
    pub half_width: f64,
    /// Never fewer values than this; at least 8 are asked for whatever is written.
    pub least: usize,
    /// Never more than this.
    pub most: usize,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Decision {
    /// Run on, up to so many values in all, then look again.
    GoOn {
        /// Values at the next look.
        next: usize,
    },
    /// The interval is narrow enough.
    Stop {
        /// Its interval.
        interval: Interval,
    },
    /// The most were run and it is not narrow enough.
    Spent {
        /// The interval that there is.
        interval: Interval,
    },
}

/// Looks at the values so far, in the order of their seeds.
pub fn decide(rule: &Rule, values: &[f64]) -> Decision {
    let values: Vec<f64> = values.iter().copied().filter(|x| x.is_finite()).collect();
    let n = values.len();
    let least = rule.least.max(8).min(rule.most.max(2));
    if n < least {
        return Decision::GoOn { next: least };
    }
    let plain = t_interval(&values);
    let (centre, half) = (mean(&values), 0.5 * (plain.high - plain.low) * inflation(n));
    let interval = Interval {
        low: centre - half,
        high: centre + half,
    };
    if half <= rule.half_width {
        return Decision::Stop { interval };
    }
    if n >= rule.most {
        return Decision::Spent { interval };
    }
    Decision::GoOn {
        next: (n + n.div_ceil(10)).min(rule.most),
    }
}

/// How many values are likely to be needed in all, from the spread so far; nothing below two values.
pub fn forecast(rule: &Rule, values: &[f64]) -> Option<usize> {
    let spread = if values.len() < 2 { return None } else { sd(values) };
    let needed = math::square(1.96 * spread / rule.half_width).ceil();
    Some(if needed < rule.most as f64 {
        (needed as usize).max(rule.least)
    } else {
        rule.most
    })
}

/// Half of Student's interval of the mean of so many values with this standard deviation; nothing below two values.
pub fn t_half_width(n: usize, sd: f64) -> Option<f64> {
    let freedom = n.checked_sub(1).filter(|f| *f > 0)? as f64;
    let t = StudentsT::new(0.0, 1.0, freedom).map_or(f64::INFINITY, |t| t.inverse_cdf(0.5 + LEVEL / 2.0));
    let error = sd / (n as f64).sqrt();
    Some(if error > 0.0 { t * error } else { 0.0 })
}

/// Student's interval of a mean; a point where nothing varies.
pub fn t_interval(values: &[f64]) -> Interval {
    let (centre, half) = (
        mean(values),
        t_half_width(values.len(), sd(values)).unwrap_or(f64::INFINITY),
    );
    Interval {
        low: centre - half,
        high: centre + half,
    }
}

/// Upper bound of the true standard deviation over the one found, at a chance of [`CAUTION`] to be too small.
fn inflation(n: usize) -> f64 {
    let freedom = (n - 1) as f64;
    ChiSquared::new(freedom).map_or(f64::INFINITY, |c| (freedom / c.inverse_cdf(CAUTION)).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Dice, Purpose};

    /// Share of 2000 sequences whose interval at stopping covers the truth, and the mean number of values.
    fn coverage(rule: &Rule, truth: f64, draw: impl Fn(&mut crate::random::Roll) -> f64) -> (f64, f64) {
        let (mut covered, mut spent) = (0.0, 0.0);
        for sequence in 0..2000 {
            let mut roll = Dice::new(12).roll(Purpose::Custom, sequence);
            let mut values: Vec<f64> = Vec::new();
            let interval = loop {
                match decide(rule, &values) {
                    Decision::GoOn { next } => {
                        while values.len() < next {
                            values.push(draw(&mut roll));
                        }
                    }
                    Decision::Stop { interval } | Decision::Spent { interval } => break interval,
                }
            };
            spent += values.len() as f64;
            if interval.low <= truth && truth <= interval.high {
                covered += 1.0;
            }
        }
        (covered / 2000.0, spent / 2000.0)
    }

    /// Three standard errors of 2000 sequences at 0.95 are 0.0146.
    #[test]
    fn an_interval_that_was_stopped_for_covers_as_it_says() {
        for half_width in [0.5, 0.3, 0.2] {
            let rule = Rule {
                half_width,
                least: 8,
                most: 2000,
            };
            let (covered, spent) = coverage(&rule, 0.0, |roll| roll.normal());
            assert!(covered > 0.95 - 0.0146, "{half_width}: {covered} of {spent}");
            let needed = math::square(1.96 / half_width);
            assert!(spent < 1.6 * needed + 8.0, "{half_width}: {spent} against {needed}");
        }
    }

    /// A skewed output costs coverage, with or without stopping: exponential, where 40 fixed values give 0.93.
    #[test]
    fn a_skewed_output_loses_a_few_percent() {
        let rule = Rule {
            half_width: 0.25,
            least: 20,
            most: 2000,
        };
        let (covered, _) = coverage(&rule, 1.0, |roll| roll.exponential(1.0));
        assert!(covered > 0.90, "{covered}");
    }

    #[test]
    fn it_goes_on_stops_and_gives_up() {
        let rule = Rule {
            half_width: 0.1,
            least: 10,
            most: 12,
        };
        assert_eq!(decide(&rule, &[]), Decision::GoOn { next: 10 });
        assert!(matches!(decide(&rule, &[1.0; 10]), Decision::Stop { .. }));
        let wild: Vec<f64> = (0..12).map(|i| f64::from(i % 2) * 9.0).collect();
        assert_eq!(decide(&rule, &wild[..10]), Decision::GoOn { next: 11 });
        assert!(matches!(decide(&rule, &wild), Decision::Spent { .. }));
        assert_eq!(forecast(&rule, &wild), Some(12));
    }
}
