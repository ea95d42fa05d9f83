//! The agents, as columns.

use serde::{Deserialize, Serialize};

/// Smooth-muscle cells and pericytes of the walls.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Mural {
    /// Identity.
    pub id: Vec<u64>,
    /// Segment whose wall it lies in.
    pub segment: Vec<u32>,
    /// Voxel it lies in.
    pub voxel: Vec<u32>,
    /// 0 contractile, 1 osteogenic, 2 dead.
    pub state: Vec<u8>,
}

/// Mural cell: contractile.
pub const CONTRACTILE: u8 = 0;
/// Mural cell: osteogenic.
pub const OSTEOGENIC: u8 = 1;
/// Mural cell: dead.
pub const APOPTOTIC: u8 = 2;

/// Fat cells: each covers several voxels.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Adipocytes {
    /// Identity.
    pub id: Vec<u64>,
    /// Voxels of cell i are `voxels[first[i]..first[i + 1]]`.
    pub first: Vec<u32>,
    /// Voxels, cell after cell.
    pub voxels: Vec<u32>,
    /// Ischaemic dose; dies at 1.
    pub dose: Vec<f32>,
    /// Tolerance to ischaemia [h].
    pub tolerance_h: Vec<f32>,
    /// Calcification of the membrane, 0 no, 1 calcifying.
    pub calcifying: Vec<u8>,
    /// 0 alive, 1 dead.
    pub dead: Vec<u8>,
}

impl Adipocytes {
    /// Fat cells.
    pub fn len(&self) -> usize {
        self.id.len()
    }

    /// Whether there is no fat cell.
    pub fn is_empty(&self) -> bool {
        self.id.is_empty()
    }

    /// Voxels that cell i covers.
    pub fn footprint(&self, i: usize) -> &[u32] {
        &self.voxels[self.first[i] as usize..self.first[i + 1] as usize]
    }
}

/// Stromal cells: one agent for each voxel of dermis, septum or membrane.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Stroma {
    /// Voxel.
    pub voxel: Vec<u32>,
    /// Ischaemic dose; dies at 1.
    pub dose: Vec<f32>,
    /// Tolerance to ischaemia [h].
    pub tolerance_h: Vec<f32>,
    /// 0 alive, 1 dead.
    pub dead: Vec<u8>,
}

/// Keratinocytes, by column of the surface (index x + nx·y).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Keratinocytes {
    /// 1 where the column is covered, 0 where the surface is open.
    pub covered: Vec<u8>,
    /// Hours without support.
    pub unsupported_h: Vec<f32>,
    /// Hours for which the column has been open.
    pub open_h: Vec<f32>,
    /// How far the sheet has crept over an open column, 0-1.
    pub creep: Vec<f32>,
}

/// Cells that move: identity, place and age.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Movers {
    /// Identity, from the cause of the cell.
    pub id: Vec<u64>,
    /// Place in x [µm].
    pub x_um: Vec<f32>,
    /// Place in y [µm].
    pub y_um: Vec<f32>,
    /// Depth [µm].
    pub z_um: Vec<f32>,
    /// Age in the tissue [h].
    pub age_h: Vec<f32>,
    /// State: meaning by type.
    pub state: Vec<u8>,
    /// Hours in that state, or a state variable of the type.
    pub clock_h: Vec<f32>,
}

impl Movers {
    /// Cells.
    pub fn len(&self) -> usize {
        self.id.len()
    }

    /// Whether there is no cell.
    pub fn is_empty(&self) -> bool {
        self.id.is_empty()
    }

    /// Place of cell i [µm].
    #[inline]
    pub fn place_um(&self, i: usize) -> [f64; 3] {
        [
            f64::from(self.x_um[i]),
            f64::from(self.y_um[i]),
            f64::from(self.z_um[i]),
        ]
    }

    /// Adds a cell.
    pub fn push(&mut self, id: u64, place_um: [f64; 3], state: u8) {
        self.id.push(id);
        self.x_um.push(place_um[0] as f32);
        self.y_um.push(place_um[1] as f32);
        self.z_um.push(place_um[2] as f32);
        self.age_h.push(0.0);
        self.state.push(state);
        self.clock_h.push(0.0);
    }

    /// Keeps the cells for which `keep` says so, in order; returns how many left.
    pub fn retain(&mut self, mut keep: impl FnMut(&Self, usize) -> bool) -> usize {
        let kept: Vec<usize> = (0..self.len()).filter(|&i| keep(self, i)).collect();
        let gone = self.len() - kept.len();
        if gone > 0 {
            self.take_rows(&kept);
        }
        gone
    }

    /// Rows in the order of identity: what must not depend on memory order goes through this.
    pub fn in_id_order(&self) -> Vec<usize> {
        let mut order: Vec<(u64, usize)> = self.id.iter().copied().zip(0..).collect();
        order.sort();
        order.into_iter().map(|(_, row)| row).collect()
    }

    /// Moves a cell to a place [µm].
    pub fn put(&mut self, i: usize, place_um: [f64; 3]) {
        self.x_um[i] = place_um[0] as f32;
        self.y_um[i] = place_um[1] as f32;
        self.z_um[i] = place_um[2] as f32;
    }

    /// Sorts by voxel, then id, so that neighbours in space are neighbours in memory.
    pub fn sort_by_place(&mut self, voxel_of: impl Fn(&Self, usize) -> usize) {
        let key = |row: usize| (voxel_of(self, row), self.id[row], row);
        let mut order: Vec<(usize, u64, usize)> = (0..self.len()).map(key).collect();
        order.sort();
        let rows: Vec<usize> = order.into_iter().map(|(_, _, row)| row).collect();
        self.take_rows(&rows);
    }

    fn take_rows(&mut self, rows: &[usize]) {
        fn pick<T: Copy>(column: &mut Vec<T>, rows: &[usize]) {
            *column = rows.iter().map(|&i| column[i]).collect();
        }
        pick(&mut self.id, rows);
        pick(&mut self.x_um, rows);
        pick(&mut self.y_um, rows);
        pick(&mut self.z_um, rows);
        pick(&mut self.age_h, rows);
        pick(&mut self.state, rows);
        pick(&mut self.clock_h, rows);
    }
}

/// Neutrophil: still on the vessel wall.
pub const AT_WALL: u8 = 0;
/// Neutrophil: in the tissue.
pub const IN_TISSUE: u8 = 1;

/// Macrophage: resting.
pub const M0: u8 = 0;
/// Macrophage: inflammatory.
pub const M1: u8 = 1;
/// Macrophage: repairing.
pub const M2: u8 = 2;

/// Stem cell: just placed.
pub const INJECTED: u8 = 0;
/// Stem cell: secreting at rest.
pub const ACTIVE: u8 = 1;
/// Stem cell: licensed by cytokine, secreting more.
pub const LICENSED: u8 = 2;
/// Stem cell: turned osteogenic, a harm.
pub const MSC_OSTEOGENIC: u8 = 3;
/// Dead cell product: no secretion, tissue factor only.
pub const DEAD_PRODUCT: u8 = 4;

/// Tips of growing vessels.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sprouts {
    /// Identity.
    pub id: Vec<u64>,
    /// Node of the network at which the tip stands.
    pub node: Vec<u32>,
    /// Direction in the plane: x, y, z.
    pub direction: Vec<[f32; 3]>,
    /// Age [h].
    pub age_h: Vec<f32>,
    /// Length grown so far [µm].
    pub length_um: Vec<f32>,
}

/// All agents but the vessels.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Cells {
    /// Smooth-muscle cells and pericytes.
    pub mural: Mural,
    /// Fat cells.
    pub adipocytes: Adipocytes,
    /// Stromal cells.
    pub stroma: Stroma,
    /// Keratinocyte columns.
    pub keratinocytes: Keratinocytes,
    /// Neutrophils; `clock_h` is the life span drawn at arrival.
    pub neutrophils: Movers,
    /// Macrophages; `state` is [`M0`], [`M1`] or [`M2`].
    pub macrophages: Movers,
    /// Stem cells; `state` from [`INJECTED`] on.
    pub msc: Movers,
    /// Vessel sprouts.
    pub sprouts: Sprouts,
    /// Cell-free product on the surface: repair signal still to be released, by column [a.u.·h].
    pub supernatant: Vec<f32>,
    /// Depot of intralesional thiosulfate, by voxel; empty when there is none [mmol/L].
    pub thiosulfate_depot: Vec<f32>,
}
