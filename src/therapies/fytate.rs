//! Hexasodium fytate (SNF472): slows growth of mineral; nothing on existing mineral, clot or dead tissue.
//!
//! A dose raises plasma fytate, which lowers the drive of mineral as an Emax form and decays (both in `host_chemistry`).
//! Writes `host.fytate`. No dice. Source: doi 10.3389/fphar.2024.1325186; wounds did not differ from placebo,
//! doi 10.1016/j.eclinm.2024.102784. We assume: proportional to the dose and to 70 kg over the weight.

use serde::Deserialize;

use super::{Order, count_visit};
use crate::parameters::{DoseUnit, TherapyEntry};
use crate::state::{Now, Tissue};

/// Registry section `fytate`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// Rise of plasma fytate per mg in a patient of 70 kg [µmol/L/mg].
    pub umol_per_l_per_mg: f64,
}

/// A course of fytate.
#[derive(Clone, Debug, PartialEq)]
pub struct Fytate {
    order: Order,
    dose_mg: f64,
}

impl Fytate {
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
            count_visit(tissue, true);
            tissue.host.fytate += p.umol_per_l_per_mg * self.dose_mg * 70.0 / tissue.host.profile.weight_kg;
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
    fn the_peak_lies_between_the_two_measured_slopes() {
        let e = entry(TherapyKind::Snf472, Route::Iv, Some((300.0, DoseUnit::Mg)));
        let tissue = treated(fixture::tissue(fixture::uraemic()), &e, &Arrows::default(), 25);
        assert!((15.0..23.0).contains(&tissue.host.fytate));
    }
}
