//! TcPO2: oxygen through the skin, by a sealed electrode heated to 44 °C, in room air.
//!
//! ```text
//! reading = max(0, g · P̄ − u)
//! ```
//!
//! | symbol | meaning                                                     | unit | in code               |
//! |--------|-------------------------------------------------------------|------|-----------------------|
//! | P̄      | mean PO2 of the upper dermis below the electrode            | mmHg | `fields.oxygen`       |
//! | g      | rise by heat: vessels widen, haemoglobin lets go of oxygen  | –    | `dilatation_factor`   |
//! | u      | used by electrode and heated skin on the way up             | mmHg | `electrode_use_mmhg`  |
//!
//! The seal keeps air out, so the air-fed rim of the skin must not count: the window begins below it
//! (`depth_from_um`). Heat widens only vessels that carry blood: a column without supply has P̄ near 0 and reads 0.
//! Dead tissue uses nothing and has no blood: what it holds came through the open surface, and the seal takes it away, so it
//! counts as 0. Removed tissue is left out.
//!
//! Reads `fields.oxygen`, `anatomy.vitality`. Writes nothing. The column `tcpo2_low_fraction` has no noise and no delay; the
//! reading of a visit is that of the lowest site with noise (`noise_mmhg`), at the bedside.
//! We assume: a linear map with one factor for every site. The threshold of 30 mmHg is the clinical one
//! (Wilmer et al., TcPO2 in patients with calciphylaxis); the map to it is assumed, not measured.

use serde::Deserialize;

use crate::grid::{Grid, Plane};
use crate::math;
use crate::random::Roll;
use crate::state::{Kind, Snapshot, Species, Tissue, Vitality};

/// At or below this a site counts as low [mmHg]: part of the definition of `tcpo2_low_fraction`.
pub const LOW_MMHG: f64 = 30.0;

/// Registry section `tcpo2`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// Top of the window of depth that the electrode sees [µm].
    pub depth_from_um: f64,
    /// Bottom of that window [µm].
    pub depth_to_um: f64,
    /// Width of skin that one reading averages [µm].
    pub footprint_um: f64,
    /// g: rise of the PO2 by heat.
    pub dilatation_factor: f64,
    /// u: used by the electrode and the heated skin [mmHg].
    pub electrode_use_mmhg: f64,
    /// Noise of one reading: standard deviation [mmHg]. The column of the series has none.
    pub noise_mmhg: f64,
    /// Days from the sample to the result.
    pub delay_d: f64,
}

/// The rule: one site.
fn reading(p: &Parameters, mean_po2_mmhg: f64) -> f64 {
    math::positive(p.dilatation_factor * mean_po2_mmhg - p.electrode_use_mmhg)
}

/// The reading at each column of the surface [mmHg]; `None` where there is no skin surface (a `plan`).
pub fn readings_mmhg(p: &Parameters, tissue: &Tissue) -> Option<Vec<f64>> {
    let anatomy = &tissue.anatomy;
    let oxygen = |voxel: usize| f64::from(tissue.fields.oxygen[voxel]);
    readings(p, &tissue.grid, &anatomy.vitality, anatomy.epidermis_voxels > 0, oxygen)
}

/// The same of a snapshot, whose fields are in half precision.
pub fn readings_of_snapshot(p: &Parameters, snapshot: &Snapshot) -> Option<Vec<f64>> {
    let field = &snapshot.fields[Species::Oxygen as usize];
    let has_skin = snapshot.kind.contains(&Kind::Epidermis);
    let oxygen = |voxel: usize| f64::from(field[voxel].to_f32());
    readings(p, &snapshot.grid, &snapshot.vitality, has_skin, oxygen)
}

fn readings(
    p: &Parameters,
    grid: &Grid,
    vitality: &[Vitality],
    has_skin: bool,
    oxygen: impl Fn(usize) -> f64,
) -> Option<Vec<f64>> {
    if grid.plane == Plane::Plan || !has_skin {
        return None;
    }
    let below = column_means(p, grid, vitality, oxygen);
    let half = (p.footprint_um / (2.0 * grid.voxel_um)).round() as usize;
    let mut smooth = box_mean(&below, grid.nx, 1, half, grid.periodic);
    if grid.ny > 1 {
        smooth = box_mean(&smooth, grid.ny, grid.nx, half, grid.periodic);
    }
    Some(smooth.into_iter().map(|po2| reading(p, po2)).collect())
}

/// A reading at a visit [mmHg]: the electrode is put where the skin reads lowest.
pub(super) fn read(p: &Parameters, tissue: &Tissue, roll: &mut Roll) -> Option<f64> {
    let readings = readings_mmhg(p, tissue)?;
    let lowest = readings.into_iter().fold(f64::INFINITY, math::min);
    lowest
        .is_finite()
        .then(|| math::positive(lowest + p.noise_mmhg * roll.normal()))
}

/// Share of surface sites that read [`LOW_MMHG`] or less.
pub fn low_fraction(p: &Parameters, tissue: &Tissue) -> Option<f64> {
    let readings = readings_mmhg(p, tissue)?;
    let low = readings.iter().filter(|&&r| r <= LOW_MMHG).count();
    Some(low as f64 / readings.len() as f64)
}

/// Mean PO2 in the window of depth, by column x + nx·y [mmHg].
fn column_means(p: &Parameters, grid: &Grid, vitality: &[Vitality], oxygen: impl Fn(usize) -> f64) -> Vec<f64> {
    let &Grid {
        nx, ny, nz, voxel_um, ..
    } = grid;
    // Voxels whose centre lies in the window, at least one.
    let first = ((p.depth_from_um / voxel_um - 0.5).ceil() as usize).min(nz - 1);
    let last = ((p.depth_to_um / voxel_um - 0.5).floor() as usize).clamp(first, nz - 1);
    let columns = nx * ny;
    let (mut sum, mut count) = (vec![0.0; columns], vec![0u32; columns]);
    for z in first..=last {
        let layer = z * columns;
        for column in 0..columns {
            let po2 = match vitality[layer + column] {
                Vitality::Gone => continue,
                Vitality::Necrotic => 0.0,
                Vitality::Alive | Vitality::Healed => oxygen(layer + column),
            };
            sum[column] += po2;
            count[column] += 1;
        }
    }
    sum.iter()
        .zip(&count)
        .map(|(&sum, &n)| if n > 0 { sum / f64::from(n) } else { 0.0 })
        .collect()
}

/// Mean over `half` neighbours to either side along one axis of length n; lines of that axis are found by stride.
fn box_mean(values: &[f64], n: usize, stride: usize, half: usize, wraps: bool) -> Vec<f64> {
    let half = half.min(n.saturating_sub(1) / 2);
    let mut out = vec![0.0; values.len()];
    for start in (0..values.len()).filter(|i| (i / stride).is_multiple_of(n)) {
        let at = |i: usize| values[start + i % n * stride];
        // The line with what lies beyond its ends, where it wraps.
        let line: Vec<f64> = if wraps {
            (n - half..2 * n + half).map(at).collect()
        } else {
            (0..n).map(at).collect()
        };
        for i in 0..n {
            let window = if wraps {
                &line[i..=i + 2 * half]
            } else {
                &line[i.saturating_sub(half)..(i + half + 1).min(n)]
            };
            out[start + i * stride] = window.iter().sum::<f64>() / window.len() as f64;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::series::tests::{definitions, skin};

    #[test]
    fn skin_without_oxygen_reads_zero_and_is_low_everywhere() {
        let mut tissue = skin();
        tissue.fields.oxygen.fill(0.0);
        assert_eq!(low_fraction(&definitions().tcpo2, &tissue), Some(1.0));
    }

    #[test]
    fn dead_tissue_that_air_filled_reads_zero_under_the_seal() {
        let mut tissue = skin();
        tissue.fields.oxygen.fill(140.0);
        tissue.anatomy.vitality.fill(Vitality::Necrotic);
        assert_eq!(low_fraction(&definitions().tcpo2, &tissue), Some(1.0));
    }

    #[test]
    fn air_at_the_surface_does_not_reach_the_sealed_electrode() {
        let mut tissue = skin();
        tissue.fields.oxygen.fill(10.0);
        let before = readings_mmhg(&definitions().tcpo2, &tissue);
        for voxel in 0..tissue.grid.nx * 2 {
            tissue.fields.oxygen[voxel] = 150.0;
        }
        assert_eq!(readings_mmhg(&definitions().tcpo2, &tissue), before);
    }

    #[test]
    fn more_oxygen_below_never_reads_lower() {
        let mut tissue = skin();
        let p = definitions().tcpo2;
        let mut last = -1.0;
        for po2 in [0.0, 5.0, 20.0, 40.0, 60.0] {
            tissue.fields.oxygen.fill(po2);
            let now = readings_mmhg(&p, &tissue).map_or(-1.0, |r| r[0]);
            assert!(now >= last);
            last = now;
        }
    }

    #[test]
    fn the_box_mean_keeps_the_mean_where_the_side_wraps() {
        let values = [1.0, 2.0, 3.0, 4.0, 5.0, 9.0];
        let smooth = box_mean(&values, 6, 1, 1, true);
        assert!((smooth.iter().sum::<f64>() - 24.0).abs() < 1e-12);
        assert!((smooth[0] - 4.0).abs() < 1e-12);
    }
}
