//! PPi: inorganic pyrophosphate of plasma [µmol/L].
//!
//! Reads `host.pyrophosphate`, so a sample in a session of dialysis reads low. Noise in proportion (`noise`); result after
//! `delay_d`: a research laboratory. Site: the patient. Status: assumed noise; levels PMID 15958726.

use serde::Deserialize;

use super::proportional;
use crate::random::Roll;
use crate::state::Tissue;

/// Registry section `ppi`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// Noise of one reading: standard deviation of its logarithm.
    pub noise: f64,
    /// Days from the sample to the result.
    pub delay_d: f64,
}

/// A reading [µmol/L].
pub(super) fn read(p: &Parameters, tissue: &Tissue, roll: &mut Roll) -> f64 {
    proportional(tissue.host.pyrophosphate, p.noise, roll)
}

#[cfg(test)]
mod tests {
    use super::super::tests::reading;
    use crate::output::series::tests::skin;
    use crate::parameters::Instrument;

    #[test]
    fn it_is_the_plasma_level_give_or_take_the_noise() {
        let mut tissue = skin();
        tissue.host.pyrophosphate = 0.0;
        assert_eq!(reading(Instrument::Ppi, &tissue, 168), 0.0);
        tissue.host.pyrophosphate = 3.26;
        let mean = (0..200).map(|i| reading(Instrument::Ppi, &tissue, i)).sum::<f64>() / 200.0;
        // 15 % noise over 200 readings: a standard error of 1.1 %.
        assert!((mean / 3.26 - 1.0).abs() < 0.05, "{mean}");
    }
}
