//! Builds a tissue: layers of skin, fat cells, a vessel network. Judging the network needs blood and
//! oxygen and happens one layer up, in `model`.

pub mod measured;
pub mod network_files;
pub mod skin;
pub mod vessels;

use serde::Deserialize;

use crate::grid::{Grid, Plane};

/// Size and grid of the block. Registry section `space`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Space {
    /// Which plane.
    pub plane: Plane,
    /// Extent in x [mm].
    pub width_mm: f64,
    /// Extent in z [mm]; the depth of a section or block.
    pub depth_mm: f64,
    /// Extent in y [mm]; of a plan or block.
    pub breadth_mm: f64,
    /// Edge of a voxel [µm].
    pub voxel_um: f64,
    /// Thickness of the slab of a 2-D plane [µm].
    pub slab_thickness_um: f64,
    /// `periodic` or `no_flux`.
    pub sides: String,
    /// Whether there is an epidermis; a plan has none.
    pub epidermis: bool,
    /// Thickness of the viable epidermis [µm].
    pub epidermis_um: f64,
    /// Thickness of epidermis and dermis [mm].
    pub skin_mm: f64,
}

impl Space {
    /// The grid: whole voxels, rounded to the nearest.
    pub fn grid(&self) -> Grid {
        let voxels = |mm: f64| {
            let n = (mm * 1000.0 / self.voxel_um).round();
            if n < 1.0 { 1 } else { n as usize }
        };
        let (ny, nz, slab_um) = match self.plane {
            Plane::Section => (1, voxels(self.depth_mm), self.slab_thickness_um),
            Plane::Plan => (voxels(self.breadth_mm), 1, self.slab_thickness_um),
            Plane::Block => (voxels(self.breadth_mm), voxels(self.depth_mm), self.voxel_um),
        };
        Grid {
            plane: self.plane,
            nx: voxels(self.width_mm),
            ny,
            nz,
            voxel_um: self.voxel_um,
            slab_um,
            periodic: self.sides == "periodic",
        }
    }

    /// Voxels in all, without building anything.
    pub fn voxels(&self) -> f64 {
        let grid = self.grid();
        grid.nx as f64 * grid.ny as f64 * grid.nz as f64
    }
}
