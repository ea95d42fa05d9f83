//! Small pictures for legends: one vessel in fat, drawn by the same code as a section.

use half::f16;

use super::{Marks, Stain, Window, draw};
use crate::grid::{Grid, Plane};
use crate::picture::biopsy::{Cut, Lens, Punch};
use crate::picture::canvas::Canvas;
use crate::picture::section::Scale;
use crate::state::anatomy::NONE;
use crate::state::snapshot::{CellKind, CellView, SegmentView};
use crate::state::{Class, Kind, Snapshot, Species, Vitality};

/// Edge of the tissue of a sample [µm].
const EDGE_UM: f64 = 240.0;

/// What a sample shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Sample {
    /// A wall with so much mineral.
    Calcium(f64),
    /// A lumen filled by fibrin.
    Thrombus,
    /// A wall with so much neo-intima.
    Neointima(f64),
    /// Dead tissue with a vessel.
    Dead,
    /// Grains between the vessels.
    Interstitial,
    /// Neutrophils, and a macrophage.
    Inflammation,
}

/// Draws a sample as wide as so many pixels and as high as so many.
pub fn sample(stain: Stain, lens: &Lens, sample: Sample, size: [usize; 2]) -> Canvas {
    let snapshot = tissue(sample);
    let punch = Punch {
        centre_um: [EDGE_UM / 2.0, EDGE_UM / 2.0],
        diameter_um: EDGE_UM,
        depth_um: EDGE_UM,
    };
    // The plane through the middle of the vessel, which crosses steeply.
    let mut cut = Cut::new(&snapshot, &punch, EDGE_UM / 2.0, lens);
    if sample == Sample::Inflammation {
        cut.profiles.clear();
    }
    let wide = 120.0;
    let high = wide * size[1] as f64 / size[0] as f64;
    let window = Window {
        corner_um: [(EDGE_UM - wide) / 2.0, (EDGE_UM - high) / 2.0],
        size_um: [wide, high],
    };
    let scale = Scale {
        px_per_um: size[0] as f64 / wide,
        px_per_pt: 1.0,
    };
    draw(&snapshot, &cut, lens, stain, window, scale, Marks::None)
}

fn tissue(sample: Sample) -> Snapshot {
    let edge = 24;
    let grid = Grid {
        plane: Plane::Block,
        nx: edge,
        ny: edge,
        nz: edge,
        voxel_um: EDGE_UM / edge as f64,
        slab_um: EDGE_UM / edge as f64,
        periodic: false,
    };
    let n = grid.len();
    let middle = (EDGE_UM / 2.0) as f32;
    let septum = matches!(sample, Sample::Inflammation);
    let mineral = if sample == Sample::Interstitial { 0.03 } else { 0.0 };
    let cell = |kind, dx: f32, dz: f32| CellView {
        kind,
        place_um: [middle + dx, middle, middle + dz],
        state: 0,
    };
    Snapshot {
        day: 0.0,
        step: 0,
        fields: Species::ALL
            .iter()
            .map(|&s| vec![f16::from_f64(if s == Species::Mineral { mineral } else { 40.0 }); n])
            .collect(),
        kind: vec![if septum { Kind::Septum } else { Kind::Fat }; n],
        vitality: vec![
            if sample == Sample::Dead {
                Vitality::Necrotic
            } else {
                Vitality::Alive
            };
            n
        ],
        challenged: vec![false; n],
        adipocyte: (0..n)
            .map(|v| {
                if septum {
                    return NONE;
                }
                let [x, _, z] = grid.place(v);
                // Four cells meet in the middle, where the vessel lies.
                (x / 12 + 10 * (z / 12)) as u32
            })
            .collect(),
        covered: vec![1; edge * edge],
        segments: vec![SegmentView {
            id: 1,
            ends_um: [[middle, 0.0, middle], [middle, EDGE_UM as f32, middle]],
            class: Class::Arteriole,
            radius_um: if sample == Sample::Interstitial { 3.0 } else { 12.0 },
            mineral: match sample {
                Sample::Calcium(mineral) => mineral as f32,
                _ => 0.0,
            },
            neointima: match sample {
                Sample::Neointima(neointima) => neointima as f32,
                _ => 0.0,
            },
            thrombus: if sample == Sample::Thrombus { 1.0 } else { 0.0 },
            integrity: 1.0,
            flow_nl_per_min: 1.0,
            relative_flow: 1.0,
            po2_mmhg: 60.0,
            haematocrit: 0.4,
            feeder: 0,
            feeder_share: 1.0,
        }],
        inlets: Vec::new(),
        cells: if septum {
            vec![
                cell(CellKind::Neutrophil, -38.0, 4.0),
                cell(CellKind::Neutrophil, -14.0, -9.0),
                cell(CellKind::Neutrophil, 8.0, 8.0),
                cell(CellKind::Macrophage, 36.0, -2.0),
            ]
        } else {
            Vec::new()
        },
        grid,
    }
}
