//! A direct anticoagulant: less thrombin, and no effect on vitamin K.
//!
//! ```text
//! thrombin × 1/(1 + level),   level += dose × gain, decays in `host_chemistry`
//! ```
//!
//! Writes `host.anticoagulation`. No dice. Source: apixaban in calciphylaxis (uncontrolled), clinical record section 3.
//! We assume: 5 mg twice a day halves thrombin; bleeding is not modelled.

use serde::Deserialize;

use super::Order;
use crate::parameters::{DoseUnit, TherapyEntry};
use crate::state::{Now, Tissue};

/// Registry section `anticoagulant`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// Level per mg; thrombin is multiplied by 1/(1 + level) [1/mg].
    pub level_per_mg: f64,
}

/// A course of an anticoagulant.
#[derive(Clone, Debug, PartialEq)]
pub struct Anticoagulant {
    order: Order,
    dose_mg: f64,
}

impl Anticoagulant {
    pub(super) fn new(entry: &TherapyEntry, order: Order) -> Self {
        Self {
            order,
            dose_mg: entry.amount(DoseUnit::Mg),
        }
    }

    pub(super) fn apply(&self, p: &Parameters, tissue: &mut Tissue, now: Now) {
        if self.dose_mg <= 0.0 {
            return;
        }
        for _ in self.order.doses(now) {
            self.order.record_systemic(tissue, now, &[("dose_mg", self.dose_mg)]);
            let level = 1.0 / tissue.host.anticoagulation - 1.0 + p.level_per_mg * self.dose_mg;
            tissue.host.anticoagulation = 1.0 / (1.0 + level);
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
    fn five_milligrams_twice_a_day_about_halve_thrombin() {
        let e = entry(TherapyKind::Anticoagulant, Route::Oral, Some((5.0, DoseUnit::Mg)));
        let one = treated(fixture::tissue(fixture::healthy()), &e, &Arrows::default(), 25);
        let level = 1.0 / one.host.anticoagulation - 1.0;
        // Steady mean of a level that halves in 12 h and is topped up every 12 h.
        let mean = level / std::f64::consts::LN_2;
        assert!((1.0 / (1.0 + mean) - 0.5).abs() < 0.05);
    }
}
