//! A prescribed plasma course: standing host values from a date; stands for calcimimetic and parathyroidectomy.
//!
//! There is no endocrine loop. `host_chemistry` lets plasma follow with its lag. Writes `host.profile`. No dice.

use super::{Order, count_visit};
use crate::parameters::{Setting, TherapyEntry};
use crate::state::{Now, Profile, Tissue};

/// A prescribed course.
#[derive(Clone, Debug, PartialEq)]
pub struct CalciumPhosphateCourse {
    order: Order,
    set: Vec<Setting>,
}

impl CalciumPhosphateCourse {
    pub(super) fn new(entry: &TherapyEntry, order: Order, profile: &Profile) -> Result<Self, String> {
        let mut trial = profile.clone();
        for setting in &entry.set {
            trial.set(setting, 1.0)?;
        }
        Ok(Self {
            order,
            set: entry.set.clone(),
        })
    }

    pub(super) fn apply(&self, tissue: &mut Tissue, now: Now) {
        if self.set.is_empty() {
            return;
        }
        for _ in self.order.doses(now) {
            self.order.record_systemic(tissue, now, &[]);
            count_visit(tissue, true);
            for setting in &self.set {
                // Checked when the course was made; a refusal here would change nothing.
                let _ = tissue.host.profile.set(setting, 1.0);
            }
        }
    }
}
