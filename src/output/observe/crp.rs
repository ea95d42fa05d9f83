//! CRP: C-reactive protein of plasma.
//!
//! ```text
//! reading = healthy + systemic · systemic inflammation + lesion · mean cytokine of dermis and fat
//! ```
//!
//! Reads `host.systemic_inflammation`, `fields.cytokine`. Noise in proportion (`noise`), result after `delay_d`. Site: the patient;
//! the block stands for the lesion. Status: assumed. No CRP of calciphylaxis against dialysis was found.

use serde::Deserialize;

use super::proportional;
use crate::random::Roll;
use crate::state::Tissue;

/// Registry section `crp`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// Without inflammation [mg/L].
    pub healthy_mg_per_l: f64,
    /// Added at full systemic inflammation [mg/L].
    pub systemic_mg_per_l: f64,
    /// Added at a mean cytokine of 1 [mg/L].
    pub lesion_mg_per_l: f64,
    /// Noise of one reading: standard deviation of its logarithm.
    pub noise: f64,
    /// Days from the sample to the result.
    pub delay_d: f64,
}

/// Mean cytokine of dermis and fat [a.u.].
fn mean_cytokine(tissue: &Tissue) -> f64 {
    let (mut sum, mut count) = (0.0, 0.0);
    for (kind, &c) in tissue.anatomy.kind.iter().zip(&tissue.fields.cytokine) {
        if kind.is_deep() {
            sum += f64::from(c);
            count += 1.0;
        }
    }
    if count > 0.0 { sum / count } else { 0.0 }
}

/// A reading [mg/L].
pub(super) fn read(p: &Parameters, tissue: &Tissue, roll: &mut Roll) -> f64 {
    let truth = p.healthy_mg_per_l
        + p.systemic_mg_per_l * tissue.host.profile.systemic_inflammation
        + p.lesion_mg_per_l * mean_cytokine(tissue);
    proportional(truth, p.noise, roll)
}

#[cfg(test)]
mod tests {
    use super::super::tests::reading;
    use crate::output::series::tests::skin;
    use crate::parameters::Instrument;

    #[test]
    fn health_reads_low_and_both_the_patient_and_the_lesion_raise_it() {
        let mut tissue = skin();
        let healthy = reading(Instrument::Crp, &tissue, 168);
        assert!(healthy < 3.0);
        tissue.host.profile.systemic_inflammation = 0.5;
        let ill = reading(Instrument::Crp, &tissue, 168);
        tissue.fields.cytokine.fill(0.3);
        assert!(healthy < ill && ill < reading(Instrument::Crp, &tissue, 168));
    }
}
