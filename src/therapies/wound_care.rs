//! Dressings and local care: an open wound is cleaned.
//!
//! Bacteria of open columns, from the surface to the living bed, fall to a share at each change. Writes `fields.bacteria`. No dice.
//! We assume: the share; nothing on perfusion or on the growth of the sheet.

use serde::Deserialize;

use super::{Order, count_visit};
use crate::state::{EventKind, Now, Tissue};

/// Registry section `wound_care`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// Share of bacteria left on an open surface after a change of dressing.
    pub bacteria_left: f64,
}

/// Changes of dressing.
#[derive(Clone, Debug, PartialEq)]
pub struct WoundCare {
    order: Order,
}

impl WoundCare {
    pub(super) fn new(order: Order) -> Self {
        Self { order }
    }

    pub(super) fn apply(&self, p: &Parameters, tissue: &mut Tissue, now: Now) {
        for _ in self.order.doses(now) {
            let extent = tissue.grid.extent_um();
            let place = [extent[0] / 2.0, extent[1] / 2.0, 0.0];
            self.order.record(tissue, now, EventKind::Dose, place, &[]);
            count_visit(tissue, false);
            clean(p.bacteria_left, tissue);
        }
    }
}

/// Bacteria of open columns fall to a share.
fn clean(left: f64, tissue: &mut Tissue) {
    let Tissue {
        grid, fields, cells, ..
    } = tissue;
    for (column, _) in cells.keratinocytes.covered.iter().enumerate().filter(|&(_, &c)| c == 0) {
        let (x, y) = (column % grid.nx, column / grid.nx);
        for z in 0..grid.nz {
            let bacteria = &mut fields.bacteria[grid.index(x, y, z)];
            *bacteria = (f64::from(*bacteria) * left) as f32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{entry, treated};
    use crate::parameters::{Arrows, Route, TherapyKind};
    use crate::state::fixture;

    #[test]
    fn only_the_open_wound_is_cleaned() {
        let mut tissue = fixture::tissue(fixture::uraemic());
        tissue.fields.bacteria.fill(0.8);
        tissue.cells.keratinocytes.covered[5] = 0;
        let e = entry(TherapyKind::WoundCare, Route::Topical, None);
        let tissue = treated(tissue, &e, &Arrows::default(), 25);
        assert!((tissue.fields.bacteria[5] - 0.4).abs() < 1e-6);
        assert_eq!(tissue.fields.bacteria[6], 0.8);
    }
}
