//! Albumin of plasma [g/L]: a marker, never a cause.
//!
//! Reads the standing value of the host (`host.albumin_g_per_l`), which only a challenge or a treatment moves. Noise in
//! proportion (`noise`); result after `delay_d`. Site: the patient. Status: assumed noise.

use serde::Deserialize;

use super::proportional;
use crate::random::Roll;
use crate::state::Tissue;

/// Registry section `albumin`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// Noise of one reading: standard deviation of its logarithm.
    pub noise: f64,
    /// Days from the sample to the result.
    pub delay_d: f64,
}

/// A reading [g/L].
pub(super) fn read(p: &Parameters, tissue: &Tissue, roll: &mut Roll) -> f64 {
    proportional(tissue.host.profile.albumin_g_per_l, p.noise, roll)
}

#[cfg(test)]
mod tests {
    use super::super::tests::reading;
    use crate::output::series::tests::skin;
    use crate::parameters::Instrument;

    #[test]
    fn it_is_the_standing_value_give_or_take_the_noise() {
        let tissue = skin();
        for visit in 0..20 {
            assert!((35.0..52.0).contains(&reading(Instrument::Albumin, &tissue, 168 * visit)));
        }
    }
}
