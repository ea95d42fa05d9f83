//! Binders and diet: the standing phosphate falls by the dose for as long as they are taken.
//!
//! Taken from the first date to one interval after the last; to the end of the run without an interval or a number.
//! `host_chemistry` lets plasma follow with its lag and keeps a floor. Writes `host.phosphate_fall`. No dice.
//! We assume: courses add up; one event and one cost for each date.

use super::Order;
use crate::parameters::{DoseUnit, TherapyEntry};
use crate::state::{Now, Tissue};

/// A course of binders and diet.
#[derive(Clone, Debug, PartialEq)]
pub struct PhosphateLowering {
    order: Order,
    fall_mmol_per_l: f64,
}

impl PhosphateLowering {
    pub(super) fn new(entry: &TherapyEntry, order: Order) -> Self {
        Self {
            order,
            fall_mmol_per_l: entry.amount(DoseUnit::MmolPerL),
        }
    }

    pub(super) fn apply(&self, tissue: &mut Tissue, now: Now) {
        if self.fall_mmol_per_l <= 0.0 {
            return;
        }
        for _ in self.order.doses(now) {
            let values = [("dose_mmol_per_l", self.fall_mmol_per_l)];
            self.order.record_systemic(tissue, now, &values);
        }
        if self.order.schedule.is_on(now.step, now.hours) {
            tissue.host.phosphate_fall += self.fall_mmol_per_l;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{entry, treated};
    use super::*;
    use crate::parameters::{Arrows, Course, Route, TherapyKind};
    use crate::state::fixture;

    #[test]
    fn phosphate_is_lowered_while_binders_are_taken_and_no_longer() {
        let e = TherapyEntry {
            course: Course {
                start_d: 1.0,
                every_d: Some(1.0),
                count: Some(5),
            },
            ..entry(
                TherapyKind::PhosphateLowering,
                Route::Oral,
                Some((0.5, DoseUnit::MmolPerL)),
            )
        };
        for (steps, fall) in [(24, 0.0), (25, 0.5), (24 * 6, 0.5), (24 * 6 + 1, 0.0)] {
            let tissue = treated(fixture::tissue(fixture::uraemic()), &e, &Arrows::default(), steps);
            assert_eq!(tissue.host.phosphate_fall, fall, "after {steps} steps");
        }
    }
}
