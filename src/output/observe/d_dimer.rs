//! D-dimer: what lysis sets free from fibrin, of plasma (mg/L fibrinogen equivalents).
//!
//! ```text
//! reading = healthy + dialysis + clot · (thrombus, mean over the length of vessels) · lysis + cells · tissue factor of infused cells
//! ```
//!
//! Reads `vessels.thrombus`, `host.lysis_factor`, `.thrombolysis`, `.msc_tissue_factor`. Noise in proportion (`noise`), result after `delay_d`.
//! Site: the patient; the block stands for the lesion. Status: assumed; infused cells raise it for a day
//! (doi 10.1186/s13287-023-03582-3).

use serde::Deserialize;

use super::proportional;
use crate::random::Roll;
use crate::state::Tissue;

/// Registry section `d_dimer`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// Without clots [mg/L].
    pub healthy_mg_per_l: f64,
    /// Added on dialysis [mg/L].
    pub dialysis_mg_per_l: f64,
    /// Added when all vessels are full of clot that lyses at the healthy rate [mg/L].
    pub clot_mg_per_l: f64,
    /// Added per unit of tissue factor of infused cells [mg/L].
    pub cells_mg_per_l: f64,
    /// Noise of one reading: standard deviation of its logarithm.
    pub noise: f64,
    /// Days from the sample to the result.
    pub delay_d: f64,
}

/// Thrombus, mean over the length of all vessels, 0-1.
fn mean_thrombus(tissue: &Tissue) -> f64 {
    let v = &tissue.vessels;
    let (mut sum, mut all) = (0.0, 0.0);
    for s in 0..v.len() {
        sum += v.length_um[s] * v.thrombus[s];
        all += v.length_um[s];
    }
    if all > 0.0 { sum / all } else { 0.0 }
}

/// A reading [mg/L].
pub(super) fn read(p: &Parameters, tissue: &Tissue, roll: &mut Roll) -> f64 {
    let host = &tissue.host;
    let dialysis = if host.profile.dialysis {
        p.dialysis_mg_per_l
    } else {
        0.0
    };
    let lysis = host.profile.lysis_factor * host.thrombolysis;
    let truth = p.healthy_mg_per_l
        + dialysis
        + p.clot_mg_per_l * mean_thrombus(tissue) * lysis
        + p.cells_mg_per_l * host.msc_tissue_factor;
    proportional(truth, p.noise, roll)
}

#[cfg(test)]
mod tests {
    use super::super::tests::reading;
    use crate::parameters::Instrument;
    use crate::state::fixture;

    #[test]
    fn clots_infused_cells_and_lysis_raise_it() {
        let mut tissue = fixture::tissue(fixture::healthy());
        let clean = reading(Instrument::DDimer, &tissue, 168);
        tissue.vessels.thrombus.fill(0.5);
        let clotted = reading(Instrument::DDimer, &tissue, 168);
        tissue.host.thrombolysis = 3.0;
        let lysed = reading(Instrument::DDimer, &tissue, 168);
        tissue.host.msc_tissue_factor = 1.0;
        assert!(clean < clotted && clotted < lysed && lysed < reading(Instrument::DDimer, &tissue, 168));
    }
}
