//! Wound area: a ruler or a photograph at the visit, of the open surface.
//!
//! ```text
//! block:    area = open columns × their area
//! section:  area = π/4 · (open width)²        a round wound cut through its middle
//! ```
//!
//! Reads `keratinocytes.covered`. Noise in proportion (`noise`); read at the visit. Site: the whole surface of the block.
//! Status: assumed. A wound wider than the block reads as the block.

use serde::Deserialize;

use super::proportional;
use crate::grid::Plane;
use crate::math;
use crate::random::Roll;
use crate::state::Tissue;

/// Registry section `wound_area`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// Noise of one reading: standard deviation of its logarithm.
    pub noise: f64,
    /// Days from the sample to the result.
    pub delay_d: f64,
}

/// Open area [mm²]; nothing where there is no surface.
pub fn area_mm2(tissue: &Tissue) -> Option<f64> {
    let covered = &tissue.cells.keratinocytes.covered;
    if tissue.grid.plane == Plane::Plan || tissue.anatomy.epidermis_voxels == 0 || covered.is_empty() {
        return None;
    }
    let open = covered.iter().filter(|&&c| c == 0).count() as f64;
    let edge_mm = tissue.grid.voxel_um / 1000.0;
    Some(match tissue.grid.plane {
        Plane::Block => open * math::square(edge_mm),
        _ => std::f64::consts::FRAC_PI_4 * math::square(open * edge_mm),
    })
}

/// A reading [mm²].
pub(super) fn read(p: &Parameters, tissue: &Tissue, roll: &mut Roll) -> Option<f64> {
    area_mm2(tissue).map(|area| proportional(area, p.noise, roll))
}

#[cfg(test)]
mod tests {
    use super::super::tests::reading;
    use super::*;
    use crate::output::series::tests::skin;
    use crate::parameters::Instrument;

    #[test]
    fn closed_skin_reads_nothing_and_a_wider_wound_reads_more() {
        let mut tissue = skin();
        assert_eq!(reading(Instrument::WoundArea, &tissue, 168), 0.0);
        tissue.cells.keratinocytes.covered[..10].fill(0);
        // Ten columns of 20 µm: 0.2 mm across.
        assert!((area_mm2(&tissue).unwrap_or(0.0) - 0.0314).abs() < 1e-4);
        let small = reading(Instrument::WoundArea, &tissue, 168);
        tissue.cells.keratinocytes.covered.fill(0);
        assert!((reading(Instrument::WoundArea, &tissue, 168) / small - 4.0).abs() < 1e-9);
    }
}
