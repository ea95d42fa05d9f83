//! INR: how much slower plasma clots than normal.
//!
//! ```text
//! reading = (factor II)^−exponent
//! ```
//!
//! Reads `host.factor_ii`, so it rises days after protein C has fallen: the INR does not see the dip. A direct anticoagulant is
//! not read. Noise in proportion (`noise`), at the bedside. Site: the patient. Status: assumed; one factor stands for all.

use serde::Deserialize;

use super::proportional;
use crate::math;
use crate::random::Roll;
use crate::state::Tissue;

/// Registry section `inr`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// INR = factor II to the power of minus this.
    pub exponent: f64,
    /// Noise of one reading: standard deviation of its logarithm.
    pub noise: f64,
    /// Days from the sample to the result.
    pub delay_d: f64,
}

/// A reading.
pub(super) fn read(p: &Parameters, tissue: &Tissue, roll: &mut Roll) -> f64 {
    let factor = math::max(tissue.host.factor_ii, 0.05);
    proportional(math::pow(factor, -p.exponent), p.noise, roll)
}

#[cfg(test)]
mod tests {
    use super::super::tests::reading;
    use crate::output::series::tests::skin;
    use crate::parameters::Instrument;

    #[test]
    fn warfarin_reads_about_two_and_a_half() {
        let mut tissue = skin();
        let health = reading(Instrument::Inr, &tissue, 168);
        tissue.host.factor_ii = 0.4;
        assert!((reading(Instrument::Inr, &tissue, 168) / health - 2.5).abs() < 1e-9);
    }

    #[test]
    fn it_does_not_see_protein_c() {
        let mut tissue = skin();
        let before = reading(Instrument::Inr, &tissue, 168);
        tissue.host.protein_c = 0.2;
        assert_eq!(reading(Instrument::Inr, &tissue, 168), before);
    }
}
