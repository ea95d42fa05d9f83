//! When and where of a challenge or treatment: dates as integer steps, places as points of the grid.

use std::ops::Range;

use crate::clock::Clock;
use crate::grid::{Grid, Plane};
use crate::parameters::Course;

/// When something happens: a first day, an interval, a number of times. Every date is computed from its ordinal and
/// turned into a step; nothing is accumulated, so a resumed run sees the same dates.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    start_d: f64,
    every_d: Option<f64>,
    count: u32,
    open_end: bool,
    /// Steps that a rule of care gave in place of a course, and how many steps a lasting treatment then goes on.
    ordered: Option<(Vec<u64>, u64)>,
}

impl Schedule {
    /// Dates of a course that begins `delay_d` days late.
    pub fn new(course: &Course, delay_d: f64) -> Result<Self, String> {
        let start_d = course.start_d + delay_d;
        if !(start_d.is_finite() && start_d >= 0.0) {
            return Err(format!("start_d = {start_d}: expected a day of the run, 0 or later"));
        }
        if let Some(every) = course.every_d
            && !(every.is_finite() && every > 0.0)
        {
            return Err(format!("every_d = {every}: expected an interval above 0 days"));
        }
        Ok(Self {
            start_d,
            every_d: course.every_d,
            count: match (course.every_d, course.count) {
                (None, count) => count.unwrap_or(1).min(1),
                (Some(_), count) => count.unwrap_or(u32::MAX),
            },
            open_end: course.every_d.is_none() || course.count.is_none(),
            ordered: None,
        })
    }

    /// Dates that a rule of care gave, as steps in order; what lasts goes on for so many steps after each.
    pub fn ordered(steps: &[u64], lasts: u64) -> Self {
        Self {
            start_d: 0.0,
            every_d: None,
            count: u32::try_from(steps.len()).unwrap_or(u32::MAX),
            open_end: false,
            ordered: Some((steps.to_vec(), lasts)),
        }
    }

    /// Step of the i-th date.
    pub fn step_of(&self, i: u32, hours: f64) -> u64 {
        if let Some((steps, _)) = &self.ordered {
            return steps.get(i as usize).copied().unwrap_or(u64::MAX);
        }
        let day = self.start_d + f64::from(i) * self.every_d.unwrap_or(0.0);
        Clock::new(hours).step_of_day(day)
    }

    /// Ordinals of the dates that fall into this step; usually none or one.
    pub fn at(&self, step: u64, hours: f64) -> Range<u32> {
        self.first_from(step, hours)..self.first_from(step + 1, hours)
    }

    /// Hours of this step during which something is going on that begins at each date and lasts `duration_h`.
    pub fn overlap_h(&self, step: u64, hours: f64, duration_h: f64) -> f64 {
        let begun = self.first_from(step + 1, hours);
        if begun == 0 {
            return 0.0;
        }
        // All last equally long, so the latest one lasts longest.
        let elapsed = (step - self.step_of(begun - 1, hours)) as f64 * hours;
        crate::math::clamp(duration_h - elapsed, 0.0, hours)
    }

    /// Whether a lasting treatment with these dates is being taken: from the first date to one interval after the last;
    /// to the end of the run without an interval or a number.
    pub fn is_on(&self, step: u64, hours: f64) -> bool {
        if let Some((steps, lasts)) = &self.ordered {
            let begun = self.first_from(step + 1, hours) as usize;
            return begun > 0 && step - steps[begun - 1] < *lasts;
        }
        if self.count == 0 || step < self.step_of(0, hours) {
            return false;
        }
        self.open_end || step < self.step_of(self.count, hours)
    }

    /// Smallest ordinal whose step is not before this one.
    fn first_from(&self, step: u64, hours: f64) -> u32 {
        if let Some((steps, _)) = &self.ordered {
            return steps.partition_point(|&s| s < step) as u32;
        }
        let Some(every) = self.every_d else {
            return if self.step_of(0, hours) >= step { 0 } else { self.count };
        };
        let day = step as f64 * hours / 24.0;
        let guess = ((day - self.start_d) / every).floor() - 2.0;
        let mut i = if guess > 0.0 { guess as u32 } else { 0 };
        while i < self.count && self.step_of(i, hours) < step {
            i += 1;
        }
        i.min(self.count)
    }
}

/// A place of a scenario, (x, y, depth) in mm, as a point of the grid [µm]. What is missing is the middle; in a plan the depth
/// stands for y. A place outside the tissue is refused.
pub fn place_um(grid: &Grid, [x, y, depth]: [Option<f64>; 3]) -> Result<[f64; 3], String> {
    let extent = grid.extent_um();
    let axis = |name: &str, mm: Option<f64>, i: usize| match mm {
        None => Ok(extent[i] / 2.0),
        Some(mm) if mm >= 0.0 && mm * 1000.0 <= extent[i] => Ok(mm * 1000.0),
        Some(mm) => Err(format!(
            "{name} = {mm}: expected a place inside the tissue, 0 to {} mm",
            extent[i] / 1000.0
        )),
    };
    let x = axis("x_mm", x, 0)?;
    Ok(match grid.plane {
        Plane::Section => [x, extent[1] / 2.0, axis("depth_mm", depth, 2)?],
        Plane::Plan => [x, axis("depth_mm", depth.or(y), 1)?, extent[2] / 2.0],
        Plane::Block => [x, axis("y_mm", y, 1)?, axis("depth_mm", depth, 2)?],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn course(start_d: f64, every_d: Option<f64>, count: Option<u32>) -> Schedule {
        Schedule::new(
            &Course {
                start_d,
                every_d,
                count,
            },
            0.0,
        )
        .unwrap()
    }

    fn steps(schedule: &Schedule, hours: f64, until: u64) -> Vec<u64> {
        (0..until).filter(|&s| !schedule.at(s, hours).is_empty()).collect()
    }

    #[test]
    fn three_weekly_doses_fall_on_their_days_at_any_step() {
        let weekly = course(14.0, Some(7.0), Some(3));
        assert_eq!(steps(&weekly, 1.0, 2160), [14 * 24, 21 * 24, 28 * 24]);
        let fine: Vec<u64> = [14, 21, 28].map(|d| d * 144).to_vec();
        assert_eq!(steps(&weekly, 1.0 / 6.0, 12_960), fine);
    }

    #[test]
    fn every_dose_is_given_once_also_when_two_fall_into_one_step() {
        let often = course(0.1, Some(0.01), Some(50));
        let given: u32 = (0..100).map(|s| often.at(s, 1.0).len() as u32).sum();
        assert_eq!(given, 50);
    }

    #[test]
    fn a_count_of_zero_is_never() {
        assert!(steps(&course(0.0, Some(1.0), Some(0)), 1.0, 100).is_empty());
        assert!(steps(&course(0.0, None, Some(0)), 1.0, 100).is_empty());
    }

    #[test]
    fn a_fall_of_90_minutes_covers_one_step_and_a_half() {
        let once = course(1.0, None, None);
        let covered: Vec<f64> = (23..28).map(|s| once.overlap_h(s, 1.0, 1.5)).collect();
        assert_eq!(covered, [0.0, 1.0, 0.5, 0.0, 0.0]);
    }

    #[test]
    fn ordered_dates_are_kept_and_what_lasts_ends() {
        let ordered = Schedule::ordered(&[24, 24, 100], 48);
        assert_eq!(ordered.at(24, 1.0), 0..2);
        assert_eq!(ordered.at(100, 1.0), 2..3);
        assert!(ordered.at(99, 1.0).is_empty());
        assert!(!ordered.is_on(23, 1.0) && ordered.is_on(71, 1.0) && !ordered.is_on(72, 1.0));
        assert_eq!(ordered.overlap_h(101, 1.0, 1.5), 0.5);
        assert!(!Schedule::ordered(&[], 48).is_on(5, 1.0));
    }

    #[test]
    fn a_course_ends_one_interval_after_its_last_date() {
        let month = course(10.0, Some(1.0), Some(30));
        assert!(!month.is_on(239, 1.0));
        assert!(month.is_on(240, 1.0));
        assert!(month.is_on(40 * 24 - 1, 1.0));
        assert!(!month.is_on(40 * 24, 1.0));
        assert!(course(10.0, None, None).is_on(100_000, 1.0));
    }
}
