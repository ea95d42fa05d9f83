//! The microvessel network: nodes, segments with their walls, endothelial patches, and the voxels they run through.

use serde::{Deserialize, Serialize};

/// Class of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum Class {
    /// Arteriole.
    Arteriole = 0,
    /// Capillary.
    Capillary = 1,
    /// Venule.
    Venule = 2,
}

/// Part of the vascular tree that a segment belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Bed {
    /// Feeding or draining vessel in a septum.
    Septal = 0,
    /// Plexus at the dermal–fat junction.
    DeepPlexus = 1,
    /// Vessel between the plexuses.
    Ascending = 2,
    /// Plexus below the papillae.
    SuperficialPlexus = 3,
    /// Papillary loop.
    Loop = 4,
    /// Capillary of the dermis.
    Dermal = 5,
    /// Capillary of a fat lobule.
    Fat = 6,
    /// Terminal arteriole or first venule: joins a trunk to a capillary bed.
    Tap = 7,
    /// Read from a file.
    Measured = 8,
    /// Grown during the run.
    Sprout = 9,
}

/// Boundary of a node.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Boundary {
    /// Inside the network.
    Inner,
    /// Held at a pressure [mmHg].
    Pressure(f64),
    /// Held at an inflow [nl/min], positive into the network.
    Inflow(f64),
}

/// Nodes of the network.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Nodes {
    /// Identity (from the file, or counted from 1).
    pub id: Vec<u64>,
    /// Place [µm].
    pub place_um: Vec<[f64; 3]>,
    /// Boundary condition of the healthy state.
    pub boundary: Vec<Boundary>,
    /// Haematocrit of blood that enters here.
    pub inflow_haematocrit: Vec<f64>,
    /// Whether blood that enters here is arterial.
    pub is_inlet: Vec<bool>,
    /// Pressure [mmHg]; 0 where nothing flows.
    pub pressure_mmhg: Vec<f64>,
}

/// The network. Segment columns share one index; patches and pieces hang on it by ranges.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Vessels {
    /// Nodes.
    pub nodes: Nodes,
    /// Identity of a segment; never reused.
    pub id: Vec<u64>,
    /// Node at its start.
    pub from: Vec<u32>,
    /// Node at its end.
    pub to: Vec<u32>,
    /// Class.
    pub class: Vec<Class>,
    /// Part of the tree.
    pub bed: Vec<Bed>,
    /// Branch that shares random factors (a trunk, a lobule's bed).
    pub branch: Vec<u32>,
    /// Length [µm].
    pub length_um: Vec<f64>,
    /// Healthy inner radius [µm].
    pub radius_um: Vec<f64>,
    /// Share of the vessel's flow and exchange that belongs to the slab (φ of a section), 0-1.
    pub slab_share: Vec<f64>,
    /// Wall mineral, 0-1.
    pub mineral: Vec<f64>,
    /// Nuclei on which mineral can grow, 0-1.
    pub nidus: Vec<f64>,
    /// Factor on mineral growth, drawn once.
    pub mineral_factor: Vec<f64>,
    /// Neo-intima, 0-1.
    pub neointima: Vec<f64>,
    /// Thrombus, share of the lumen, 0-1.
    pub thrombus: Vec<f64>,
    /// Hours for which the segment has been closed by thrombus.
    pub closed_h: Vec<f64>,
    /// Step at which a sprout segment matures and carries blood; 0 for initial segments.
    pub opens_at_step: Vec<u64>,
    /// Flow in the whole vessel, positive from -> to [nl/min].
    pub flow_nl_per_min: Vec<f64>,
    /// Flow at t = 0 [nl/min], not signed.
    pub healthy_flow_nl_per_min: Vec<f64>,
    /// Wall shear stress [Pa].
    pub shear_pa: Vec<f64>,
    /// Wall shear stress at t = 0 [Pa].
    pub healthy_shear_pa: Vec<f64>,
    /// Discharge haematocrit.
    pub haematocrit: Vec<f64>,
    /// Oxygen tension of the blood, mean over the segment [mmHg]; 0 without flow.
    pub po2_mmhg: Vec<f64>,
    /// Conductance with which the flow was last solved [nl/min/mmHg].
    pub solved_conductance: Vec<f64>,
    /// Pressure factor with which the flow was last solved.
    pub solved_pressure_factor: f64,
    /// Latest event of the segment, for causes.
    pub latest_event: Vec<Option<u64>>,
    /// Segments at t = 0; later ones are sprouts.
    pub initial_count: u32,

    /// Patches of segment s are `first_patch[s]..first_patch[s + 1]`.
    pub first_patch: Vec<u32>,
    /// Integrity of the endothelium, 0-1.
    pub integrity: Vec<f32>,
    /// Susceptibility of the patch, drawn once.
    pub susceptibility: Vec<f32>,
    /// Voxel of the patch.
    pub patch_voxel: Vec<u32>,

    /// Pieces of segment s are `first_piece[s]..first_piece[s + 1]`, in order from -> to.
    pub first_piece: Vec<u32>,
    /// Voxel of a piece.
    pub piece_voxel: Vec<u32>,
    /// Length of a piece [µm].
    pub piece_um: Vec<f64>,
}

impl Vessels {
    /// Segments.
    pub fn len(&self) -> usize {
        self.id.len()
    }

    /// Whether there is no segment.
    pub fn is_empty(&self) -> bool {
        self.id.is_empty()
    }

    /// Patches of a segment.
    pub fn patches(&self, segment: usize) -> std::ops::Range<usize> {
        self.first_patch[segment] as usize..self.first_patch[segment + 1] as usize
    }

    /// Pieces of a segment.
    pub fn pieces(&self, segment: usize) -> std::ops::Range<usize> {
        self.first_piece[segment] as usize..self.first_piece[segment + 1] as usize
    }

    /// Length of each patch of a segment [µm].
    pub fn patch_um(&self, segment: usize) -> f64 {
        self.length_um[segment] / self.patches(segment).len() as f64
    }

    /// Mean integrity of a segment's endothelium, 0-1.
    pub fn mean_integrity(&self, segment: usize) -> f64 {
        let patches = self.patches(segment);
        let n = patches.len() as f64;
        patches.fold(0.0, |sum, p| sum + f64::from(self.integrity[p])) / n
    }

    /// Middle of a segment [µm].
    pub fn middle_um(&self, segment: usize) -> [f64; 3] {
        let a = self.nodes.place_um[self.from[segment] as usize];
        let b = self.nodes.place_um[self.to[segment] as usize];
        [
            (a[0] + b[0]) / 2.0,
            (a[1] + b[1]) / 2.0,
            (a[2] + b[2]) / 2.0,
        ]
    }

    /// Flow relative to t = 0, 0 where the segment carried none.
    pub fn relative_flow(&self, segment: usize) -> f64 {
        let healthy = self.healthy_flow_nl_per_min[segment];
        if healthy > 0.0 {
            self.flow_nl_per_min[segment].abs() / healthy
        } else {
            0.0
        }
    }

    /// Whether a segment carries at least a tenth of its flow at t = 0 (the word «perfused» of the columns).
    pub fn is_perfused(&self, segment: usize) -> bool {
        self.flow_nl_per_min[segment].abs() > 0.0 && self.relative_flow(segment) >= 0.1
    }

    /// Segments at each node, in index order.
    pub fn incidence(&self) -> Vec<Vec<u32>> {
        let mut at = vec![Vec::new(); self.nodes.id.len()];
        for s in 0..self.len() {
            at[self.from[s] as usize].push(s as u32);
            at[self.to[s] as usize].push(s as u32);
        }
        at
    }
}
