//! Warfarin is stopped: protein C and factor II come back within days, carboxylated MGP within weeks (`host_chemistry`).
//!
//! Writes `host.profile.warfarin`. No dice. Source: after warfarin calcification goes on for weeks, Blood 2007 109:2823.
//! We assume: stopped for good.

use super::{Order, count_visit};
use crate::state::{Now, Tissue};

/// The decision to stop.
#[derive(Clone, Debug, PartialEq)]
pub struct StopWarfarin {
    order: Order,
}

impl StopWarfarin {
    pub(super) fn new(order: Order) -> Self {
        Self { order }
    }

    pub(super) fn apply(&self, tissue: &mut Tissue, now: Now) {
        for _ in self.order.doses(now) {
            self.order.record_systemic(tissue, now, &[]);
            count_visit(tissue, true);
            tissue.host.profile.warfarin = false;
        }
    }
}
