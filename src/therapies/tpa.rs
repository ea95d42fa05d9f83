//! Tissue plasminogen activator: lysis runs faster for a while.
//!
//! Writes `host.thrombolysis`, which falls back to 1 in `host_chemistry`. No dice.
//! Source: low daily doses for a mean of 11 d, 12 of 13 improved, 3 of 15 bled (uncontrolled; insights.ovid.com/pubmed?pmid=23324758).
//! We assume: lysis in proportion to the dose; bleeding is not modelled.

use serde::Deserialize;

use super::{Order, count_visit};
use crate::parameters::{DoseUnit, TherapyEntry};
use crate::state::{Now, Tissue};

/// Registry section `tpa`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// Added lysis per mg; lysis is multiplied by 1 + this [1/mg].
    pub gain_per_mg: f64,
}

/// A course of tissue plasminogen activator.
#[derive(Clone, Debug, PartialEq)]
pub struct Tpa {
    order: Order,
    dose_mg: f64,
}

impl Tpa {
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
            count_visit(tissue, false);
            tissue.host.thrombolysis += p.gain_per_mg * self.dose_mg;
        }
    }
}
