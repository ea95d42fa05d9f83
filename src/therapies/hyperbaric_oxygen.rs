//! Hyperbaric oxygen: pure oxygen under pressure raises the oxygen tension of arterial blood for a session.
//!
//! ```text
//! added = (760·P − 47 − 40) − arterial tension        during a session, the step's mean
//! ```
//!
//! Writes `host.added_po2_mmhg`. No dice. Source: alveolar gas equation with 47 mmHg water vapour and 40 mmHg carbon dioxide.
//! We assume: no gradient between alveolus and artery; back to usual at the end of a session.

use serde::Deserialize;

use super::Order;
use crate::math;
use crate::parameters::{DoseUnit, TherapyEntry};
use crate::state::{Now, Tissue};

/// One atmosphere [mmHg].
const ATMOSPHERE_MMHG: f64 = 760.0;
/// Water vapour at body temperature [mmHg].
const WATER_MMHG: f64 = 47.0;
/// Carbon dioxide of the alveolus [mmHg].
const CARBON_DIOXIDE_MMHG: f64 = 40.0;

/// Registry section `hyperbaric_oxygen`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// Length of a session where the scenario names none [h].
    pub session_h: f64,
}

/// Sessions in a pressure chamber.
#[derive(Clone, Debug, PartialEq)]
pub struct HyperbaricOxygen {
    order: Order,
    pressure_atm: f64,
    session_h: Option<f64>,
}

impl HyperbaricOxygen {
    pub(super) fn new(entry: &TherapyEntry, order: Order) -> Self {
        Self {
            order,
            pressure_atm: entry.amount(DoseUnit::Atm),
            session_h: entry.duration_h,
        }
    }

    pub(super) fn apply(&self, p: &Parameters, tissue: &mut Tissue, now: Now) {
        if self.pressure_atm <= 0.0 {
            return;
        }
        for _ in self.order.doses(now) {
            self.order
                .record_systemic(tissue, now, &[("dose_atm", self.pressure_atm)]);
            tissue.burden.visits += 1;
        }
        let length = self.session_h.unwrap_or(p.session_h);
        let share = self.order.schedule.overlap_h(now.step, now.hours, length) / now.hours;
        let arterial = ATMOSPHERE_MMHG * self.pressure_atm - WATER_MMHG - CARBON_DIOXIDE_MMHG;
        let added = math::positive(arterial - tissue.host.profile.arterial_po2_mmhg);
        tissue.host.added_po2_mmhg += added * share;
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{entry, treated};
    use super::*;
    use crate::parameters::{Arrows, Route, TherapyKind};
    use crate::state::fixture;

    #[test]
    fn ninety_minutes_at_two_atmospheres_fill_a_step_and_a_half() {
        let e = entry(TherapyKind::HyperbaricOxygen, Route::None, Some((2.0, DoseUnit::Atm)));
        let added: Vec<f64> = (24..=27)
            .map(|steps| {
                treated(fixture::tissue(fixture::healthy()), &e, &Arrows::default(), steps)
                    .host
                    .added_po2_mmhg
            })
            .collect();
        let full = 2.0 * 760.0 - 87.0 - 95.0;
        assert_eq!(added, [0.0, full, full / 2.0, 0.0]);
    }
}
