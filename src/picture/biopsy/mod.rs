//! A virtual punch biopsy of a snapshot: `cut` takes a section out of the tissue, `checklist` reads it.
//!
//! A block is cut for real: the punch is a cylinder, a section a plane in it, and a vessel shows the profile in which the
//! plane meets it. A section run has its vessels in one slab; where in the slab a vessel lies and how steeply it crosses is
//! drawn from its identity, so which vessels a section meets is texture, and what a vessel is like is the model's.

use serde::{Deserialize, Serialize};

pub mod checklist;
pub mod cut;

pub use checklist::{Findings, Rule, Verdict};
pub use cut::{Cut, Profile, Punch, Wall};

/// What a section shows and what a reader calls by its name. Registry section `biopsy`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// Layer of the wall that shows the mineral: `intima` or `media`.
    pub calcium_layer: Layer,
    /// Wall mineral from which von Kossa shows calcium, 0-1.
    pub von_kossa_least: f64,
    /// Wall mineral from which haematoxylin and eosin shows calcium, 0-1.
    pub he_least: f64,
    /// Wall mineral from which a deposit is chunky, 0-1.
    pub chunky_least: f64,
    /// Interstitial mineral from which a stain shows grains, share of solid.
    pub interstitial_least: f64,
    /// Clot, share of the lumen, from which a reader calls a thrombus.
    pub thrombus_least: f64,
    /// Neo-intima from which a reader calls intimal hyperplasia, 0-1.
    pub neointima_least: f64,
    /// Fat and septa in a section below which a negative biopsy is inadequate [mm²].
    pub subcutis_least_mm2: f64,
    /// Small subcutaneous vessels below which a negative biopsy is inadequate.
    pub vessels_least: f64,
    /// Cells in septa from which inflammation is +, ++, +++ [1/mm²].
    pub inflammation_per_mm2: Vec<f64>,
    /// Media of an arteriole, share of the healthy bore.
    pub arteriole_wall_share: f64,
    /// Wall of a venule, share of the healthy bore.
    pub venule_wall_share: f64,
    /// Wall of a capillary [µm].
    pub capillary_wall_um: f64,
    /// Adventitia of arterioles and venules, share of the healthy bore.
    pub adventitia_share: f64,
    /// Thickness of a section [µm].
    pub section_um: f64,
    /// Largest distance between an edge that was aimed at and the punch [mm].
    pub edge_scatter_mm: f64,
}

/// Layer of a vessel's wall.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Layer {
    /// Below the endothelium.
    Intima,
    /// Among the muscle cells.
    Media,
}

/// Loss of radius by a full wall, as the flow of blood counts it: `blood.mineral_narrowing`, `blood.neointima_narrowing`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Narrowing {
    /// By mineral, share of the healthy radius.
    pub mineral: f64,
    /// By neo-intima, share of the healthy radius.
    pub neointima: f64,
}

/// Everything that a biopsy needs besides the tissue.
#[derive(Clone, Debug, PartialEq)]
pub struct Lens {
    /// Registry section `biopsy`.
    pub parameters: Parameters,
    /// What is left of a bore.
    pub narrowing: Narrowing,
    /// Oxygen tension below which living tissue is hypoxic [mmHg].
    pub hypoxia_mmhg: f64,
}

#[cfg(test)]
pub(crate) mod tests {
    use half::f16;

    use super::{Lens, Narrowing};
    use crate::grid::{Grid, Plane};
    use crate::parameters::Registry;
    use crate::state::snapshot::SegmentView;
    use crate::state::{Class, Kind, Snapshot, Species, Vitality};

    /// The registry's lens, for tissues of a millimetre.
    pub(crate) fn lens() -> Lens {
        let mut parameters: super::Parameters = Registry::embedded()
            .section("biopsy")
            .unwrap_or_else(|fault| panic!("section biopsy: {fault}"));
        parameters.subcutis_least_mm2 = 0.1;
        parameters.vessels_least = 1.0;
        Lens {
            parameters,
            narrowing: Narrowing {
                mineral: 0.5,
                neointima: 0.4,
            },
            hypoxia_mmhg: 15.0,
        }
    }

    fn snapshot(grid: Grid, segments: Vec<SegmentView>) -> Snapshot {
        let n = grid.len();
        Snapshot {
            day: 7.0,
            step: 168,
            fields: Species::ALL.iter().map(|_| vec![f16::ZERO; n]).collect(),
            kind: (0..n)
                .map(|v| {
                    if grid.place(v)[2] < 3 {
                        Kind::Epidermis
                    } else {
                        Kind::Fat
                    }
                })
                .collect(),
            vitality: vec![Vitality::Alive; n],
            challenged: vec![false; n],
            adipocyte: (0..n)
                .map(|v| {
                    let [x, _, z] = grid.place(v);
                    (x / 4 + 1000 * (z / 4)) as u32
                })
                .collect(),
            covered: vec![1; grid.nx * grid.ny],
            segments,
            inlets: Vec::new(),
            cells: Vec::new(),
            grid,
        }
    }

    fn segment(id: u64, ends_um: [[f32; 3]; 2]) -> SegmentView {
        SegmentView {
            id,
            ends_um,
            class: Class::Arteriole,
            radius_um: 20.0,
            mineral: 0.0,
            neointima: 0.0,
            thrombus: 0.0,
            integrity: 1.0,
            flow_nl_per_min: 1.0,
            relative_flow: 1.0,
            po2_mmhg: 60.0,
            haematocrit: 0.4,
            feeder: 0,
            feeder_share: 1.0,
        }
    }

    /// A block of a cubic millimetre with a vessel along x at y = 500 and one along y.
    pub(crate) fn block() -> Snapshot {
        let grid = Grid {
            plane: Plane::Block,
            nx: 50,
            ny: 50,
            nz: 50,
            voxel_um: 20.0,
            slab_um: 20.0,
            periodic: true,
        };
        snapshot(
            grid,
            vec![
                segment(1, [[300.0, 500.0, 600.0], [700.0, 500.0, 600.0]]),
                segment(2, [[450.0, 260.0, 800.0], [450.0, 740.0, 800.0]]),
            ],
        )
    }

    /// A section of 2 × 2 mm.
    pub(crate) fn section() -> Snapshot {
        let grid = Grid {
            plane: Plane::Section,
            nx: 100,
            ny: 1,
            nz: 100,
            voxel_um: 20.0,
            slab_um: 150.0,
            periodic: true,
        };
        let at = |id: u64, x: f32, z: f32| segment(id, [[x, 75.0, z], [x + 200.0, 75.0, z + 30.0]]);
        let mut segments = vec![at(1, 300.0, 600.0), at(2, 900.0, 900.0), at(3, 1500.0, 1300.0)];
        segments[0].mineral = 0.6;
        segments[0].thrombus = 1.0;
        segments[1].mineral = 0.15;
        segments[1].neointima = 0.6;
        snapshot(grid, segments)
    }
}
