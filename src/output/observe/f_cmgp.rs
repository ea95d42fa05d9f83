//! f_cMGP: carboxylated share of matrix Gla protein in plasma.
//!
//! Reads `host.cmgp`. Noise of `noise` (standard deviation), kept in 0-1; result after `delay_d`: a research laboratory. Site: the
//! patient. Status: assumed noise; 0.58 in calciphylaxis against 0.69 on dialysis (PMC5461787) is what the host is set by.

use serde::Deserialize;

use crate::math;
use crate::random::Roll;
use crate::state::Tissue;

/// Registry section `f_cmgp`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// Noise of one reading: standard deviation.
    pub noise: f64,
    /// Days from the sample to the result.
    pub delay_d: f64,
}

/// A reading, 0-1.
pub(super) fn read(p: &Parameters, tissue: &Tissue, roll: &mut Roll) -> f64 {
    math::unit(tissue.host.cmgp + p.noise * roll.normal())
}

#[cfg(test)]
mod tests {
    use super::super::tests::reading;
    use crate::output::series::tests::skin;
    use crate::parameters::Instrument;

    #[test]
    fn it_follows_the_plasma_and_stays_a_share() {
        let mut tissue = skin();
        tissue.host.cmgp = 0.5;
        assert!((reading(Instrument::FCmgp, &tissue, 168) - 0.5).abs() < 0.15);
        tissue.host.cmgp = 1.0;
        for visit in 0..20 {
            assert!(reading(Instrument::FCmgp, &tissue, 168 * visit) <= 1.0);
        }
    }
}
