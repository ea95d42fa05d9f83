//! Vitamin K: matrix Gla protein is carboxylated again.
//!
//! A dose adds to the vitamin K in the body; `host_chemistry` lets it restore 1 − exp(−amount/scale) of what carboxylation
//! lacks, over weeks, and clears it. Writes `host.vitamin_k_mg`. No dice.
//! Source: dephosphorylated uncarboxylated MGP falls 17, 33, 46 % at 0.36, 0.72, 1.08 mg three times a week (NDT 2014).
//! We assume: protein C and factor II do not change (the doses do not reverse warfarin's clotting effect).

use super::Order;
use crate::parameters::{DoseUnit, TherapyEntry};
use crate::state::{Now, Tissue};

/// A course of vitamin K.
#[derive(Clone, Debug, PartialEq)]
pub struct VitaminK {
    order: Order,
    dose_mg: f64,
}

impl VitaminK {
    pub(super) fn new(entry: &TherapyEntry, order: Order) -> Self {
        Self {
            order,
            dose_mg: entry.amount(DoseUnit::Mg),
        }
    }

    pub(super) fn apply(&self, tissue: &mut Tissue, now: Now) {
        if self.dose_mg <= 0.0 {
            return;
        }
        for _ in self.order.doses(now) {
            self.order.record_systemic(tissue, now, &[("dose_mg", self.dose_mg)]);
            tissue.host.vitamin_k_mg += self.dose_mg;
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
    fn three_doses_a_week_are_three_doses() {
        let e = TherapyEntry {
            course: Course {
                start_d: 0.0,
                every_d: Some(7.0 / 3.0),
                count: Some(3),
            },
            ..entry(TherapyKind::VitaminK, Route::Oral, Some((0.36, DoseUnit::Mg)))
        };
        let tissue = treated(fixture::tissue(fixture::uraemic()), &e, &Arrows::default(), 24 * 14);
        assert!((tissue.host.vitamin_k_mg - 1.08).abs() < 1e-12);
        assert_eq!(tissue.burden.visits, 0);
    }
}
