//! Calcium column: bone scan or CT over the site, mineral per area of skin.
//!
//! ```text
//! reading = max(0, mineral of the block / its surface − limit of detection)
//! ```
//!
//! Reads wall and interstitial mineral. Noise in proportion (`noise`), result after `delay_d`. Site: the whole block, all its
//! depth. Status: assumed; bone scans are positive in 62-97 % of cases (doi 10.3389/fmed.2022.902171 and others), nobody gives
//! a mass.

use serde::Deserialize;

use super::proportional;
use crate::math;
use crate::random::Roll;
use crate::state::Tissue;
use crate::state::ledger::{voxel_capacity_ug, wall_capacity_ug};

/// Registry section `calcium_column`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// Mineral per area below which nothing is seen [mg/cm²].
    pub detection_mg_per_cm2: f64,
    /// Noise of one reading: standard deviation of its logarithm.
    pub noise: f64,
    /// Days from the sample to the result.
    pub delay_d: f64,
    /// Thickness of the wall that mineral can fill, share of the radius: `mineral.wall_share`.
    #[serde(skip)]
    pub wall_share: f64,
}

/// Mineral per area of skin [mg/cm²].
fn mineral_mg_per_cm2(wall_share: f64, tissue: &Tissue) -> f64 {
    let v = &tissue.vessels;
    let walls: f64 = (0..v.len())
        .map(|s| v.mineral[s] * wall_capacity_ug(v, s, wall_share))
        .sum();
    let between: f64 = tissue.fields.mineral.iter().map(|&m| f64::from(m)).sum();
    let ug = walls + between * voxel_capacity_ug(&tissue.grid);
    let [x, y, _] = tissue.grid.extent_um();
    // µg in µm²: 1 µg = 1e-3 mg, 1 cm² = 1e8 µm².
    ug * 1e-3 / (x * y) * 1e8
}

/// A reading [mg/cm²].
pub(super) fn read(p: &Parameters, tissue: &Tissue, roll: &mut Roll) -> f64 {
    let seen = math::positive(mineral_mg_per_cm2(p.wall_share, tissue) - p.detection_mg_per_cm2);
    proportional(seen, p.noise, roll)
}

#[cfg(test)]
mod tests {
    use super::super::tests::reading;
    use super::*;
    use crate::output::series::tests::skin;
    use crate::parameters::Instrument;

    #[test]
    fn what_lies_below_the_limit_is_not_seen() {
        let mut tissue = skin();
        assert_eq!(reading(Instrument::CalciumColumn, &tissue, 168), 0.0);
        tissue.fields.mineral.fill(1e-4);
        // 0.6 mm deep, a ten-thousandth solid of about 3.16 g/cm³: 0.02 mg/cm².
        assert!(
            (0.01..0.03).contains(&mineral_mg_per_cm2(0.5, &tissue)),
            "{}",
            mineral_mg_per_cm2(0.5, &tissue)
        );
        assert_eq!(reading(Instrument::CalciumColumn, &tissue, 168), 0.0);
        tissue.fields.mineral.fill(0.1);
        assert!(reading(Instrument::CalciumColumn, &tissue, 168) > 1.0);
    }
}
