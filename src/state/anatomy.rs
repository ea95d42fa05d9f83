//! Layers of the skin, and which voxels live.

use serde::{Deserialize, Serialize};

use crate::grid::Grid;

/// Tissue of a voxel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[repr(u8)]
pub enum Kind {
    /// Keratinocytes; fed by air and by the papillary loops.
    Epidermis = 0,
    /// Upper dermis with the papillary loops.
    Papillary = 1,
    /// Deep dermis.
    Reticular = 2,
    /// Fibrous septum of the fat, carrying the larger vessels.
    Septum = 3,
    /// Fat lobule.
    Fat = 4,
    /// Membrane of a `plan` (mesentery): no epidermis, no fat.
    Membrane = 5,
}

impl Kind {
    /// Dermis, septa, fat or membrane: what «dermis + fat» means in the definitions of the columns.
    #[inline]
    pub fn is_deep(self) -> bool {
        self != Kind::Epidermis
    }
}

/// What became of a voxel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[repr(u8)]
pub enum Vitality {
    /// As at the start.
    Alive = 0,
    /// Dead and still there.
    Necrotic = 1,
    /// Removed: an open bed.
    Gone = 2,
    /// Filled by granulation tissue, alive again.
    Healed = 3,
}

/// No adipocyte, stromal cell or event here.
pub const NONE: u32 = u32::MAX;

/// Per-voxel anatomy.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Anatomy {
    /// Tissue of each voxel at the start.
    pub kind: Vec<Kind>,
    /// What became of each voxel.
    pub vitality: Vec<Vitality>,
    /// Whether a voxel has ever died in this run.
    pub ever_died: Vec<bool>,
    /// Step in which a voxel last died; [`NONE`] when it never did.
    pub death_step: Vec<u32>,
    /// Debris that a dead voxel still holds, 0-1: 1 at death; it fades and is eaten, and feeds the damage signal.
    #[serde(default)]
    pub debris: Vec<f32>,
    /// Whether a voxel lies inside the radius of a challenge or procedure.
    pub challenged: Vec<bool>,
    /// Fat cell that covers a voxel; [`NONE`] outside fat cells.
    pub adipocyte: Vec<u32>,
    /// Stromal cell of a voxel; [`NONE`] where there is none.
    pub stromal_cell: Vec<u32>,
    /// Depth of the first voxel below the epidermis, in voxels; 0 in a plan.
    pub epidermis_voxels: usize,
}

impl Anatomy {
    /// Whether a voxel uses oxygen and can answer: alive or healed.
    #[inline]
    pub fn lives(&self, voxel: usize) -> bool {
        matches!(self.vitality[voxel], Vitality::Alive | Vitality::Healed)
    }

    /// Marks a living voxel as dead. Returns whether it lived.
    pub fn kill(&mut self, voxel: usize, step: u64) -> bool {
        if !self.lives(voxel) {
            return false;
        }
        self.vitality[voxel] = Vitality::Necrotic;
        self.ever_died[voxel] = true;
        self.death_step[voxel] = step as u32;
        if let Some(debris) = self.debris.get_mut(voxel) {
            *debris = 1.0;
        }
        true
    }

    /// The uppermost voxel of a column of the surface that is still there; `None` when all is gone.
    pub fn surface_voxel(&self, grid: &Grid, column: usize) -> Option<usize> {
        let layer = grid.nx * grid.ny;
        (0..grid.nz)
            .map(|z| column + layer * z)
            .find(|&v| self.vitality[v] != Vitality::Gone)
    }
}
