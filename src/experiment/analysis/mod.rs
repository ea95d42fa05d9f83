//! What many runs say: sensitivity, effects, survival, attribution, calibration, power. Arrays in, arrays out: no files,
//! no clock; every resampling is a function of its data and has fixed dice. A result that is missing is not a number
//! (`NaN`) and is left out, never counted as zero.

pub mod abc_smc;
pub mod benefit;
pub mod consistency;
pub mod effect;
pub mod emulator;
pub mod equivalence;
pub mod history_match;
pub mod hypothesis;
pub mod identifiability;
pub mod morris;
pub mod power;
pub mod prcc;
pub mod resampling;
pub mod seeds;
pub mod sequential;
pub mod shapley;
pub mod sobol;
pub mod survival;

use crate::experiment::statistics::Interval;

/// A number and how well it is known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The number.
    pub value: f64,
    /// Its interval at 95 %; nothing where there are too few cases for one.
    pub interval: Option<Interval>,
}

impl Estimate {
    /// Whether the interval reaches over a value; never without an interval.
    pub fn covers(&self, value: f64) -> bool {
        self.interval.is_some_and(|i| i.low <= value && value <= i.high)
    }
}
