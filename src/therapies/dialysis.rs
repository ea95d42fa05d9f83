//! An extra dialysis session: phosphate and pyrophosphate fall as in a scheduled one, for `dose_h` hours.
//!
//! Writes `host.phosphate_gap`, `host.pyrophosphate_gap`; `host_chemistry` turns them into plasma values. No dice.
//! We assume: an extra session clears no more thiosulfate (drugs are given after it); the profile's falls hold for
//! `session_h`, and a longer session takes more, exponentially.

use super::Order;
use crate::parameters::{DoseUnit, TherapyEntry};
use crate::state::{Now, Tissue};

/// Extra sessions.
#[derive(Clone, Debug, PartialEq)]
pub struct Dialysis {
    order: Order,
    session_h: f64,
}

impl Dialysis {
    pub(super) fn new(entry: &TherapyEntry, order: Order) -> Self {
        Self {
            order,
            session_h: entry.amount(DoseUnit::H),
        }
    }

    pub(super) fn apply(&self, tissue: &mut Tissue, now: Now) {
        if self.session_h <= 0.0 {
            return;
        }
        for _ in self.order.doses(now) {
            self.order.record_systemic(tissue, now, &[("dose_h", self.session_h)]);
            tissue.burden.visits += 1;
        }
        let hours = self.order.schedule.overlap_h(now.step, now.hours, self.session_h);
        if hours > 0.0 {
            tissue.host.dialyse(hours);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{entry, treated};
    use super::*;
    use crate::parameters::{Arrows, Route, TherapyKind};
    use crate::state::fixture;

    #[test]
    fn four_extra_hours_take_the_share_of_a_session() {
        let e = entry(TherapyKind::Dialysis, Route::None, Some((4.0, DoseUnit::H)));
        let tissue = treated(fixture::tissue(fixture::uraemic()), &e, &Arrows::default(), 40);
        assert!((tissue.host.phosphate_gap - 0.45).abs() < 1e-12);
        assert!((tissue.host.pyrophosphate_gap - 0.32).abs() < 1e-12);
        assert_eq!(tissue.burden.visits, 1);
    }
}
