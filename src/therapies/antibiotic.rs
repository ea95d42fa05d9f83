//! An antibiotic: bacteria are killed at a rate that follows the drug in the body.
//!
//! Writes `host.antibiotic_kill_per_h`, which decays in `host_chemistry`. No dice.
//! We assume: the same effect by vein, by mouth and on the wound; no resistance.

use serde::Deserialize;

use super::{Order, count_visit};
use crate::parameters::{DoseUnit, Route, TherapyEntry};
use crate::state::{Now, Tissue};

/// Registry section `antibiotic`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// Killing of bacteria per gram still in the body [1/h/g].
    pub kill_per_h_per_g: f64,
}

/// A course of an antibiotic.
#[derive(Clone, Debug, PartialEq)]
pub struct Antibiotic {
    order: Order,
    by_vein: bool,
    dose_mg: f64,
}

impl Antibiotic {
    pub(super) fn new(entry: &TherapyEntry, order: Order) -> Self {
        Self {
            order,
            by_vein: entry.route == Route::Iv,
            dose_mg: entry.amount(DoseUnit::Mg),
        }
    }

    pub(super) fn apply(&self, p: &Parameters, tissue: &mut Tissue, now: Now) {
        if self.dose_mg <= 0.0 {
            return;
        }
        for _ in self.order.doses(now) {
            self.order.record_systemic(tissue, now, &[("dose_mg", self.dose_mg)]);
            if self.by_vein {
                count_visit(tissue, false);
            }
            tissue.host.antibiotic_kill_per_h += p.kill_per_h_per_g * self.dose_mg / 1000.0;
        }
    }
}
