//! TcPO2: oxygen through the skin, by a sealed electrode heated to 44 °C, in room air.
//!
//! ```text
//! reading = max(0, g · P̄ − u)
//! ```
//!
//! | symbol | meaning                                                     | unit | in code               |
//! |--------|-------------------------------------------------------------|------|-----------------------|
//! | P̄      | PO2 of the least fed layer of upper dermis below the electrode | mmHg | `fields.oxygen`    |
//! | g      | rise by heat: vessels widen, haemoglobin lets go of oxygen  | –    | `dilatation_factor`   |
//! | u      | used by electrode and heated skin on the way up             | mmHg | `electrode_use_mmhg`  |
//!
//! The seal keeps air out, but the field that is read was solved with air over the skin. Each layer of the window of depth is averaged over the
//! footprint, and the lowest layer counts: oxygen of the blood must pass it on its way up, while oxygen of air falls with depth to nothing where no blood
//! comes. A mean over the window would let the rim that air feeds speak for a site without any flow. Where no vessel of the dermis below the
//! footprint is perfused, nothing replaces what skin and electrode use under the seal: the reading is 0.
//! Dead tissue uses nothing and has no blood: what it holds came through the open surface, and the seal takes it away, so it
//! counts as 0. Removed tissue is left out.
//!
//! Reads `fields.oxygen`, `anatomy.kind`, `anatomy.vitality`, flow and place of `vessels`. Writes nothing. The column `tcpo2_low_fraction` has no noise and no delay; the
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
    let vessels = &tissue.vessels;
    let blood = (0..vessels.len())
        .filter(|&s| vessels.is_perfused(s))
        .flat_map(|s| vessels.pieces(s).map(|piece| vessels.piece_voxel[piece] as usize));
    let has_skin = anatomy.epidermis_voxels > 0;
    readings(
        p,
        &tissue.grid,
        &anatomy.kind,
        &anatomy.vitality,
        has_skin,
        oxygen,
        blood,
    )
}

/// The same of a snapshot, whose fields are in half precision.
pub fn readings_of_snapshot(p: &Parameters, snapshot: &Snapshot) -> Option<Vec<f64>> {
    let field = &snapshot.fields[Species::Oxygen as usize];
    let has_skin = snapshot.kind.contains(&Kind::Epidermis);
    let oxygen = |voxel: usize| f64::from(field[voxel].to_f32());
    let grid = &snapshot.grid;
    let blood = (snapshot.segments.iter())
        .filter(|s| s.is_perfused())
        .flat_map(|s| s.voxels(grid).map(|(voxel, _)| voxel));
    readings(p, grid, &snapshot.kind, &snapshot.vitality, has_skin, oxygen, blood)
}

fn readings(
    p: &Parameters,
    grid: &Grid,
    kind: &[Kind],
    vitality: &[Vitality],
    has_skin: bool,
    oxygen: impl Fn(usize) -> f64,
    blood: impl Iterator<Item = usize>,
) -> Option<Vec<f64>> {
    if grid.plane == Plane::Plan || !has_skin {
        return None;
    }
    let half = (p.footprint_um / (2.0 * grid.voxel_um)).round() as usize;
    let columns = grid.nx * grid.ny;
    let mut fed = vec![0.0; columns];
    for voxel in blood.filter(|&v| matches!(kind[v], Kind::Papillary | Kind::Reticular)) {
        fed[voxel % columns] = 1.0;
    }
    let fed = over_footprint(grid, &fed, half);
    let below = lowest_layer(p, grid, vitality, oxygen, half);
    let sealed = fed
        .into_iter()
        .zip(below)
        .map(|(fed, po2)| if fed > 0.0 { po2 } else { 0.0 });
    Some(sealed.map(|po2| reading(p, po2)).collect())
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

/// PO2 of the least fed layer in the window of depth, each averaged over the footprint, by column x + nx·y [mmHg]; 0 where all of it is removed.
fn lowest_layer(
    p: &Parameters,
    grid: &Grid,
    vitality: &[Vitality],
    oxygen: impl Fn(usize) -> f64,
    half: usize,
) -> Vec<f64> {
    let &Grid {
        nx, ny, nz, voxel_um, ..
    } = grid;
    // Voxels whose centre lies in the window, at least one.
    let first = ((p.depth_from_um / voxel_um - 0.5).ceil() as usize).min(nz - 1);
    let last = ((p.depth_to_um / voxel_um - 0.5).floor() as usize).clamp(first, nz - 1);
    let columns = nx * ny;
    let mut lowest = vec![f64::INFINITY; columns];
    for z in first..=last {
        let layer = |column: usize| z * columns + column;
        let held: Vec<f64> = (0..columns)
            .map(|column| match vitality[layer(column)] {
                Vitality::Gone | Vitality::Necrotic => 0.0,
                Vitality::Alive | Vitality::Healed => oxygen(layer(column)),
            })
            .collect();
        let present: Vec<f64> = (0..columns)
            .map(|column| f64::from(u8::from(vitality[layer(column)] != Vitality::Gone)))
            .collect();
        let (held, present) = (over_footprint(grid, &held, half), over_footprint(grid, &present, half));
        for ((low, held), present) in lowest.iter_mut().zip(held).zip(present) {
            if present > 0.0 {
                *low = math::min(*low, held / present);
            }
        }
    }
    lowest
        .into_iter()
        .map(|po2| if po2.is_finite() { po2 } else { 0.0 })
        .collect()
}

/// Mean of each column and its neighbours below the electrode.
fn over_footprint(grid: &Grid, values: &[f64], half: usize) -> Vec<f64> {
    let along = box_mean(values, grid.nx, 1, half, grid.periodic);
    if grid.ny > 1 {
        box_mean(&along, grid.ny, grid.nx, half, grid.periodic)
    } else {
        along
    }
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

    /// The readings over skin whose dermis is full of vessels that flow.
    fn over_perfused(tissue: &Tissue) -> Vec<f64> {
        let all = 0..tissue.grid.len();
        let (anatomy, oxygen) = (&tissue.anatomy, |v: usize| f64::from(tissue.fields.oxygen[v]));
        readings(
            &definitions().tcpo2,
            &tissue.grid,
            &anatomy.kind,
            &anatomy.vitality,
            true,
            oxygen,
            all,
        )
        .unwrap_or_default()
    }

    #[test]
    fn skin_without_flow_reads_zero_however_much_air_it_holds() {
        let mut tissue = skin();
        tissue.fields.oxygen.fill(40.0);
        assert_eq!(low_fraction(&definitions().tcpo2, &tissue), Some(1.0));
        assert!(over_perfused(&tissue).iter().all(|&r| r > LOW_MMHG));
    }

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
        assert!(over_perfused(&tissue).iter().all(|&r| r > LOW_MMHG));
        tissue.anatomy.vitality.fill(Vitality::Necrotic);
        assert!(over_perfused(&tissue).iter().all(|&r| r == 0.0));
    }

    #[test]
    fn air_at_the_surface_does_not_reach_the_sealed_electrode() {
        let mut tissue = skin();
        tissue.fields.oxygen.fill(10.0);
        let before = over_perfused(&tissue);
        for voxel in 0..tissue.grid.nx * 2 {
            tissue.fields.oxygen[voxel] = 150.0;
        }
        assert!(before[0] > 0.0);
        assert_eq!(over_perfused(&tissue), before);
    }

    #[test]
    fn a_rim_that_air_feeds_does_not_speak_for_bloodless_dermis() {
        let mut tissue = skin();
        let p = definitions().tcpo2;
        let columns = tissue.grid.nx * tissue.grid.ny;
        let last = (p.depth_to_um / tissue.grid.voxel_um - 0.5).floor() as usize;
        // Air from above: full at the surface, nothing in the lowest layer of the window.
        tissue.fields.oxygen.fill(0.0);
        for z in 0..last {
            let po2 = 150.0 * (1.0 - z as f32 / last as f32);
            tissue.fields.oxygen[z * columns..(z + 1) * columns].fill(po2);
        }
        assert!(over_perfused(&tissue).iter().all(|&r| r == 0.0));
    }

    #[test]
    fn more_oxygen_below_never_reads_lower() {
        let mut tissue = skin();
        let mut last = -1.0;
        for po2 in [0.0, 5.0, 20.0, 40.0, 60.0] {
            tissue.fields.oxygen.fill(po2);
            let now = over_perfused(&tissue)[0];
            assert!(now >= last);
            last = now;
        }
        assert!(last > LOW_MMHG);
    }

    #[test]
    fn the_box_mean_keeps_the_mean_where_the_side_wraps() {
        let values = [1.0, 2.0, 3.0, 4.0, 5.0, 9.0];
        let smooth = box_mean(&values, 6, 1, 1, true);
        assert!((smooth.iter().sum::<f64>() - 24.0).abs() < 1e-12);
        assert!((smooth[0] - 4.0).abs() < 1e-12);
    }
}
