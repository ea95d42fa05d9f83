//! Rules of care: a dose that waits for a measurement, `when = "wound_area > 20"`.
//!
//! | word          | meaning                                                                                      |
//! |---------------|----------------------------------------------------------------------------------------------|
//! | visit         | the patient is seen on `clinic.first_visit_d` and every `clinic.visit_every_d` from then on    |
//! | reading       | what the instrument says of that visit, with its noise; never the state of the model          |
//! | dose          | comes when the result is there (delay of the instrument) and the product is (`delay_d`)        |
//! | `lockout_d`   | no dose sooner than this after the one before                                                 |
//! | `max_doses`   | no dose beyond this number                                                                    |
//!
//! What was ordered stands in `host.ordered`, so a resumed run knows it. What is taken daily (binders) goes on until the next
//! visit. A rule whose dose is 0 decides nothing, so its arm is the control bit for bit. A visit alone costs nothing.
//!
//! We assume: a sample is taken at every visit; a result that comes late is still acted on.

use serde::Deserialize;

use crate::clock::Clock;
use crate::parameters::{Instrument, TherapyEntry, Trigger};

/// Registry section `clinic`: when the patient is seen.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clinic {
    /// Day of the first visit [d].
    pub first_visit_d: f64,
    /// Interval of the visits [d].
    pub visit_every_d: f64,
}

impl Clinic {
    /// Whether the patient is seen at the beginning of this step.
    pub fn is_visit(&self, step: u64, hours: f64) -> bool {
        let clock = Clock::new(hours);
        let visit = |i: f64| clock.step_of_day(self.first_visit_d + i * self.visit_every_d);
        let day = step as f64 * hours / 24.0;
        let near = ((day - self.first_visit_d) / self.visit_every_d).round();
        [near - 1.0, near, near + 1.0]
            .into_iter()
            .any(|i| i >= 0.0 && visit(i) == step)
    }

    /// Steps from one visit to the next.
    pub fn steps_between(&self, hours: f64) -> u64 {
        Clock::new(hours).step_of_day(self.visit_every_d)
    }
}

/// What an instrument said.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    /// The reading, in the instrument's unit.
    pub value: f64,
    /// Days from the sample to the result.
    pub delay_d: f64,
}

/// The rule of one treatment.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// The treatment.
    pub therapy: String,
    trigger: Trigger,
    lockout_d: f64,
    max_doses: u64,
    delay_d: f64,
}

impl Policy {
    /// The rule of an entry; nothing where dates decide, or where the dose is 0 and nothing could follow.
    pub fn of(entry: &TherapyEntry) -> Option<Self> {
        let trigger = entry.when.clone()?;
        if entry.dose.is_some_and(|dose| dose.amount <= 0.0) {
            return None;
        }
        Some(Self {
            therapy: entry.id.clone(),
            trigger,
            lockout_d: entry.lockout_d,
            max_doses: entry.max_doses.map_or(u64::MAX, u64::from),
            delay_d: entry.delay_d,
        })
    }

    /// The instrument that it reads.
    pub fn instrument(&self) -> Instrument {
        self.trigger.instrument
    }

    /// The reading that it compares with.
    pub fn threshold(&self) -> f64 {
        self.trigger.value
    }

    /// Step of the dose that this reading orders, if it orders one; `given` are the steps of the doses before.
    pub fn order(&self, given: &[u64], reading: Reading, step: u64, hours: f64) -> Option<u64> {
        let calls = if self.trigger.above {
            reading.value > self.trigger.value
        } else {
            reading.value < self.trigger.value
        };
        if !calls || given.len() as u64 >= self.max_doses {
            return None;
        }
        let clock = Clock::new(hours);
        let dose = step + clock.step_of_day(reading.delay_d + self.delay_d);
        let free = given
            .last()
            .is_none_or(|&last| dose >= last + clock.step_of_day(self.lockout_d));
        free.then_some(dose)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::entry;
    use super::*;
    use crate::parameters::{DoseUnit, Route, TherapyKind};

    fn rule(dose_mg: f64) -> Option<Policy> {
        let mut e = entry(TherapyKind::VitaminK, Route::Oral, Some((dose_mg, DoseUnit::Mg)));
        e.when = Some(Trigger {
            instrument: Instrument::WoundArea,
            above: true,
            value: 20.0,
        });
        (e.lockout_d, e.max_doses, e.delay_d) = (10.0, Some(2), 1.0);
        Policy::of(&e)
    }

    fn says(value: f64) -> Reading {
        Reading { value, delay_d: 2.0 }
    }

    #[test]
    fn a_reading_above_orders_a_dose_after_both_delays_and_one_below_none() {
        let rule = rule(10.0).unwrap();
        assert_eq!(rule.order(&[], says(25.0), 100, 1.0), Some(100 + 72));
        assert_eq!(rule.order(&[], says(20.0), 100, 1.0), None);
    }

    #[test]
    fn lockout_and_number_hold() {
        let rule = rule(10.0).unwrap();
        assert_eq!(
            rule.order(&[172], says(25.0), 268, 1.0),
            None,
            "within ten days of the dose before"
        );
        assert_eq!(rule.order(&[172], says(25.0), 340, 1.0), Some(412));
        assert_eq!(rule.order(&[172, 412], says(25.0), 4000, 1.0), None, "two are the most");
    }

    #[test]
    fn a_rule_for_a_dose_of_zero_is_no_rule() {
        assert_eq!(rule(0.0), None);
    }

    #[test]
    fn visits_are_kept_at_any_step() {
        let clinic = Clinic {
            first_visit_d: 3.0,
            visit_every_d: 7.0,
        };
        for hours in [1.0, 1.0 / 6.0, 5.0] {
            let days: Vec<f64> = (0..(31.0 * 24.0 / hours) as u64)
                .filter(|&step| clinic.is_visit(step, hours))
                .map(|step| (step as f64 * hours / 24.0).floor())
                .collect();
            assert_eq!(days, [3.0, 10.0, 17.0, 24.0], "steps of {hours} h");
        }
    }
}
