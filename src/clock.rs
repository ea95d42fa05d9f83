//! Time: an integer step; days and hours are computed from it, never added up.

use serde::{Deserialize, Serialize};

/// The clock of one run.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Clock {
    step: u64,
    hours_per_step: f64,
}

impl Clock {
    /// A clock at step 0.
    pub fn new(hours_per_step: f64) -> Self {
        Self {
            step: 0,
            hours_per_step,
        }
    }

    /// Steps done since the start.
    pub fn step(&self) -> u64 {
        self.step
    }

    /// Length of a step [h].
    pub fn hours_per_step(&self) -> f64 {
        self.hours_per_step
    }

    /// Hours since the start.
    pub fn hour(&self) -> f64 {
        self.step as f64 * self.hours_per_step
    }

    /// Days since the start.
    pub fn day(&self) -> f64 {
        self.hour() / 24.0
    }

    /// The step in which a moment given in days falls: the first step that starts at or after it.
    pub fn step_of_day(&self, day: f64) -> u64 {
        let steps = day * 24.0 / self.hours_per_step;
        // A moment that is a whole step up to rounding belongs to that step.
        (steps - 1e-9).ceil() as u64
    }

    /// One step further.
    pub fn tick(&mut self) {
        self.step += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_24_steps_of_an_hour_and_144_of_ten_minutes() {
        assert_eq!(Clock::new(1.0).step_of_day(1.0), 24);
        assert_eq!(Clock::new(1.0 / 6.0).step_of_day(1.0), 144);
        assert_eq!(Clock::new(1.0).step_of_day(0.51), 13);
    }
}
