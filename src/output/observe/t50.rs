//! T50: calcification propensity of serum [min]. The built-in null marker.
//!
//! It knows whether the patient is dialysed and nothing else: every reading is drawn anew round the mean of that group
//! (`healthy_min`, `dialysis_min`, spread `sd_min`). So a rule of care that reads it gives doses at days that have nothing to do
//! with the site, and must not do better than the same doses at fixed times.
//!
//! Reads `host.dialysis`. Result after `delay_d`. Site: the patient. Status: assumed values; calciphylaxis did not differ from
//! dialysis (9 against 12, p = 0.165, doi 10.1007/s40620-023-01707-8).

use serde::Deserialize;

use crate::math;
use crate::random::Roll;
use crate::state::Tissue;

/// Registry section `t50`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// Mean without dialysis [min].
    pub healthy_min: f64,
    /// Mean on dialysis [min].
    pub dialysis_min: f64,
    /// Spread of single readings [min].
    pub sd_min: f64,
    /// Days from the sample to the result.
    pub delay_d: f64,
}

/// A reading [min].
pub(super) fn read(p: &Parameters, tissue: &Tissue, roll: &mut Roll) -> f64 {
    let mean = if tissue.host.profile.dialysis {
        p.dialysis_min
    } else {
        p.healthy_min
    };
    math::positive(mean + p.sd_min * roll.normal())
}

#[cfg(test)]
mod tests {
    use super::super::tests::reading;
    use crate::output::series::tests::skin;
    use crate::parameters::Instrument;

    #[test]
    fn nothing_of_the_site_moves_it() {
        let mut tissue = skin();
        let before = reading(Instrument::T50, &tissue, 168);
        tissue.fields.mineral.fill(0.1);
        tissue.fields.oxygen.fill(0.0);
        tissue.cells.keratinocytes.covered.fill(0);
        tissue.host.phosphate = 3.0;
        assert_eq!(reading(Instrument::T50, &tissue, 168), before);
        tissue.host.profile.dialysis = true;
        assert!(reading(Instrument::T50, &tissue, 168) < before);
    }
}
