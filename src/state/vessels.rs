//! The microvessel network: nodes, segments with their walls, endothelial patches, and the voxels they run through.

use serde::{Deserialize, Serialize};

use crate::math;

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
    /// Joined to healthy tissue outside the plane.
    Collateral(Collateral),
}

/// A way to healthy tissue outside the plane: what was at this node in health lies behind a resistance.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Collateral {
    /// Pressure there [mmHg].
    pub pressure_mmhg: f64,
    /// Conductance of the way, as the slab counts it [nl/min/mmHg].
    pub conductance: f64,
    /// Oxygen tension of blood that comes from there [mmHg].
    pub po2_mmhg: f64,
    /// Haematocrit of blood that comes from there.
    pub haematocrit: f64,
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
    /// Open diameter with which the flow was last solved [µm]; 0 where it was closed.
    pub solved_diameter_um: Vec<f64>,
    /// Pressure factor with which the flow was last solved.
    pub solved_pressure_factor: f64,
    /// Haematocrit of entering blood with which the flow was last solved.
    pub solved_haematocrit: f64,
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
    #[inline]
    pub fn len(&self) -> usize {
        self.id.len()
    }

    /// Whether there is no segment.
    pub fn is_empty(&self) -> bool {
        self.id.is_empty()
    }

    /// Patches of a segment.
    #[inline]
    pub fn patches(&self, segment: usize) -> std::ops::Range<usize> {
        self.first_patch[segment] as usize..self.first_patch[segment + 1] as usize
    }

    /// Pieces of a segment.
    #[inline]
    pub fn pieces(&self, segment: usize) -> std::ops::Range<usize> {
        self.first_piece[segment] as usize..self.first_piece[segment + 1] as usize
    }

    /// Length of each patch of a segment [µm].
    #[inline]
    pub fn patch_um(&self, segment: usize) -> f64 {
        self.length_um[segment] / self.patches(segment).len() as f64
    }

    /// Mean integrity of a segment's endothelium, 0-1.
    #[inline]
    pub fn mean_integrity(&self, segment: usize) -> f64 {
        let patches = self.patches(segment);
        let n = patches.len() as f64;
        patches.fold(0.0, |sum, p| sum + f64::from(self.integrity[p])) / n
    }

    /// Middle of a segment [µm].
    pub fn middle_um(&self, segment: usize) -> [f64; 3] {
        let a = self.nodes.place_um[self.from[segment] as usize];
        let b = self.nodes.place_um[self.to[segment] as usize];
        [(a[0] + b[0]) / 2.0, (a[1] + b[1]) / 2.0, (a[2] + b[2]) / 2.0]
    }

    /// Flow relative to t = 0, 0 where the segment carried none.
    #[inline]
    pub fn relative_flow(&self, segment: usize) -> f64 {
        let healthy = self.healthy_flow_nl_per_min[segment];
        if healthy > 0.0 {
            self.flow_nl_per_min[segment].abs() / healthy
        } else {
            0.0
        }
    }

    /// Whether a segment carries at least a tenth of its flow at t = 0 (the word «perfused» of the columns).
    #[inline]
    pub fn is_perfused(&self, segment: usize) -> bool {
        self.flow_nl_per_min[segment].abs() > 0.0 && self.relative_flow(segment) >= 0.1
    }

    /// Blood that enters the network, as the slab counts it [nl/min].
    pub fn inflow_nl_per_min(&self) -> f64 {
        let mut lacking = vec![0.0; self.nodes.id.len()];
        for s in 0..self.len() {
            let q = self.slab_share[s] * self.flow_nl_per_min[s];
            lacking[self.from[s] as usize] += q;
            lacking[self.to[s] as usize] -= q;
        }
        (lacking.iter().zip(&self.nodes.boundary))
            .filter(|&(&q, &boundary)| boundary != Boundary::Inner && q > 0.0)
            .fold(0.0, |sum, (q, _)| sum + q)
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

/// A segment to be added: a straight piece of vessel without flow, mineral or clot.
#[derive(Clone, Debug)]
pub struct NewSegment {
    /// Identity, from its cause.
    pub id: u64,
    /// Node at its start.
    pub from: u32,
    /// Node at its end.
    pub to: u32,
    /// Class.
    pub class: Class,
    /// Part of the tree.
    pub bed: Bed,
    /// Branch.
    pub branch: u32,
    /// Inner radius [µm].
    pub radius_um: f64,
    /// Share that belongs to the slab, 0-1.
    pub slab_share: f64,
    /// Step at which it carries blood; `u64::MAX` until it has joined.
    pub opens_at_step: u64,
    /// Voxel of each endothelial patch.
    pub patch_voxels: Vec<u32>,
    /// Voxel and length [µm] of each piece, from -> to.
    pub pieces: Vec<(u32, f64)>,
}

/// Calls a macro on every per-segment column that is copied when a segment is split or kept.
macro_rules! segment_columns {
    ($apply:ident, $v:expr) => {
        $apply!(
            $v,
            id,
            from,
            to,
            class,
            bed,
            branch,
            length_um,
            radius_um,
            slab_share,
            mineral,
            nidus,
            mineral_factor,
            neointima,
            thrombus,
            closed_h,
            opens_at_step,
            flow_nl_per_min,
            healthy_flow_nl_per_min,
            shear_pa,
            healthy_shear_pa,
            haematocrit,
            po2_mmhg,
            solved_diameter_um,
            latest_event
        )
    };
}

impl Vessels {
    /// Adds a node inside the network; returns its index.
    pub fn push_node(&mut self, id: u64, place_um: [f64; 3]) -> u32 {
        let nodes = &mut self.nodes;
        nodes.id.push(id);
        nodes.place_um.push(place_um);
        nodes.boundary.push(Boundary::Inner);
        nodes.is_inlet.push(false);
        nodes.pressure_mmhg.push(0.0);
        (nodes.id.len() - 1) as u32
    }

    /// Adds a segment to every column; returns its index. Its endothelium is whole, its blood still.
    pub fn push_segment(&mut self, new: NewSegment) -> usize {
        if self.first_patch.is_empty() {
            self.first_patch.push(0);
            self.first_piece.push(0);
        }
        self.id.push(new.id);
        self.from.push(new.from);
        self.to.push(new.to);
        self.class.push(new.class);
        self.bed.push(new.bed);
        self.branch.push(new.branch);
        self.length_um
            .push(new.pieces.iter().fold(0.0, |sum, piece| sum + piece.1));
        self.radius_um.push(new.radius_um);
        self.slab_share.push(new.slab_share);
        self.mineral.push(0.0);
        self.nidus.push(0.0);
        self.mineral_factor.push(1.0);
        self.neointima.push(0.0);
        self.thrombus.push(0.0);
        self.closed_h.push(0.0);
        self.opens_at_step.push(new.opens_at_step);
        self.flow_nl_per_min.push(0.0);
        self.healthy_flow_nl_per_min.push(0.0);
        self.shear_pa.push(0.0);
        self.healthy_shear_pa.push(0.0);
        self.haematocrit.push(0.0);
        self.po2_mmhg.push(0.0);
        self.solved_diameter_um.push(0.0);
        self.latest_event.push(None);
        for &voxel in &new.patch_voxels {
            self.integrity.push(1.0);
            self.susceptibility.push(1.0);
            self.patch_voxel.push(voxel);
        }
        self.first_patch.push(self.integrity.len() as u32);
        for &(voxel, um) in &new.pieces {
            self.piece_voxel.push(voxel);
            self.piece_um.push(um);
        }
        self.first_piece.push(self.piece_voxel.len() as u32);
        self.id.len() - 1
    }

    /// Cuts a segment after so many of its patches and puts an inner node of degree 2 there. The part up to the
    /// node keeps the index; the rest, from the node on, becomes a segment at the end and its index is returned.
    /// Length, patches, pieces, wall and blood are kept as they are.
    pub fn split_segment(&mut self, segment: usize, patches_kept: usize, node: u32, id: u64) -> usize {
        let patches = self.patches(segment);
        assert!(
            (1..patches.len()).contains(&patches_kept),
            "a split leaves at least one patch on either side"
        );
        let share = patches_kept as f64 / patches.len() as f64;
        let cut_um = share * self.pieces(segment).fold(0.0, |sum, p| sum + self.piece_um[p]);

        // Pieces: the one that holds the cut is divided.
        let (mut head, mut tail, mut run) = (Vec::new(), Vec::new(), 0.0);
        for p in self.pieces(segment) {
            let (voxel, um) = (self.piece_voxel[p], self.piece_um[p]);
            let before = math::clamp(cut_um - run, 0.0, um);
            if before > 0.0 {
                head.push((voxel, before));
            }
            if um - before > 0.0 {
                tail.push((voxel, um - before));
            }
            run += um;
        }
        let moved: Vec<(f32, f32, u32)> = (patches.start + patches_kept..patches.end)
            .map(|p| (self.integrity[p], self.susceptibility[p], self.patch_voxel[p]))
            .collect();

        // The head shrinks in place: later ranges move by the difference.
        let pieces = self.pieces(segment);
        let (voxels, lengths): (Vec<u32>, Vec<f64>) = head.iter().copied().unzip();
        let (old, new) = (pieces.len() as u32, head.len() as u32);
        self.piece_voxel.splice(pieces.clone(), voxels);
        self.piece_um.splice(pieces, lengths);
        for first in &mut self.first_piece[segment + 1..] {
            *first = *first + new - old;
        }
        let gone = patches.start + patches_kept..patches.end;
        self.integrity.drain(gone.clone());
        self.susceptibility.drain(gone.clone());
        self.patch_voxel.drain(gone.clone());
        for first in &mut self.first_patch[segment + 1..] {
            *first -= gone.len() as u32;
        }

        macro_rules! copy_row {
            ($v:expr, $($column:ident),*) => { $( let x = $v.$column[segment]; $v.$column.push(x); )* };
        }
        segment_columns!(copy_row, self);
        let rest = self.id.len() - 1;
        for (integrity, susceptibility, voxel) in moved {
            self.integrity.push(integrity);
            self.susceptibility.push(susceptibility);
            self.patch_voxel.push(voxel);
        }
        self.first_patch.push(self.integrity.len() as u32);
        for (voxel, um) in tail {
            self.piece_voxel.push(voxel);
            self.piece_um.push(um);
        }
        self.first_piece.push(self.piece_voxel.len() as u32);
        self.id[rest] = id;
        self.length_um[rest] = self.length_um[segment] * (1.0 - share);
        self.length_um[segment] *= share;
        self.to[segment] = node;
        self.from[rest] = node;
        rest
    }

    /// Keeps the segments for which `keep` is true; nodes that only removed segments used go with them.
    /// Returns the new index of each old segment and node; `u32::MAX` where it is gone.
    pub fn retain_segments(&mut self, keep: &[bool]) -> (Vec<u32>, Vec<u32>) {
        let mut lost = vec![false; self.nodes.id.len()];
        for s in (0..self.len()).filter(|&s| !keep[s]) {
            lost[self.from[s] as usize] = true;
            lost[self.to[s] as usize] = true;
        }
        let kept: Vec<usize> = (0..self.len()).filter(|&s| keep[s]).collect();
        let mut segment_map = vec![u32::MAX; self.len()];
        for (new, &old) in kept.iter().enumerate() {
            segment_map[old] = new as u32;
        }
        let rows = |first: &[u32]| -> (Vec<usize>, Vec<u32>) {
            let (mut rows, mut firsts) = (Vec::new(), vec![0u32]);
            for &s in &kept {
                rows.extend(first[s] as usize..first[s + 1] as usize);
                firsts.push(rows.len() as u32);
            }
            (rows, firsts)
        };
        let (patch_rows, first_patch) = rows(&self.first_patch);
        let (piece_rows, first_piece) = rows(&self.first_piece);
        macro_rules! keep_rows {
            ($v:expr, $($column:ident),*) => { $( pick(&mut $v.$column, &kept); )* };
        }
        segment_columns!(keep_rows, self);
        pick(&mut self.integrity, &patch_rows);
        pick(&mut self.susceptibility, &patch_rows);
        pick(&mut self.patch_voxel, &patch_rows);
        pick(&mut self.piece_voxel, &piece_rows);
        pick(&mut self.piece_um, &piece_rows);
        self.first_patch = first_patch;
        self.first_piece = first_piece;

        for s in 0..self.id.len() {
            lost[self.from[s] as usize] = false;
            lost[self.to[s] as usize] = false;
        }
        let nodes: Vec<usize> = (0..lost.len()).filter(|&n| !lost[n]).collect();
        let mut node_map = vec![u32::MAX; lost.len()];
        for (new, &old) in nodes.iter().enumerate() {
            node_map[old] = new as u32;
        }
        pick(&mut self.nodes.id, &nodes);
        pick(&mut self.nodes.place_um, &nodes);
        pick(&mut self.nodes.boundary, &nodes);
        pick(&mut self.nodes.is_inlet, &nodes);
        pick(&mut self.nodes.pressure_mmhg, &nodes);
        for end in self.from.iter_mut().chain(&mut self.to) {
            *end = node_map[*end as usize];
        }
        (segment_map, node_map)
    }

    /// Segments at each node.
    pub fn degrees(&self) -> Vec<u32> {
        let mut degree = vec![0u32; self.nodes.id.len()];
        for &node in self.from.iter().chain(&self.to) {
            degree[node as usize] += 1;
        }
        degree
    }
}

fn pick<T: Copy>(column: &mut Vec<T>, rows: &[usize]) {
    *column = rows.iter().map(|&i| column[i]).collect();
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::fixture_cells;

    #[test]
    fn a_split_keeps_length_patches_pieces_and_the_graph() {
        let mut v = fixture_cells::section().vessels;
        let before = v.clone();
        let s = 1;
        let node = v.push_node(99, [0.0; 3]);
        let rest = v.split_segment(s, 2, node, 77);
        assert_eq!(rest, before.len());
        assert!((v.length_um[s] + v.length_um[rest] - before.length_um[s]).abs() < 1e-9);
        assert_eq!(v.patches(s).len() + v.patches(rest).len(), before.patches(s).len());
        let um = |v: &Vessels, s: usize| v.pieces(s).fold(0.0, |sum, p| sum + v.piece_um[p]);
        assert!((um(&v, s) + um(&v, rest) - um(&before, s)).abs() < 1e-9);
        assert!((um(&v, s) - v.length_um[s]).abs() < 1e-9);
        assert_eq!((v.to[s], v.from[rest], v.to[rest]), (node, node, before.to[s]));
        for other in (0..before.len()).filter(|&o| o != s) {
            let voxels = |v: &Vessels| v.pieces(other).map(|p| v.piece_voxel[p]).collect::<Vec<_>>();
            assert_eq!(voxels(&v), voxels(&before));
            assert_eq!(v.patches(other).len(), before.patches(other).len());
        }
    }

    #[test]
    fn what_was_pushed_can_be_taken_away_again() {
        let mut v = fixture_cells::section().vessels;
        let before = v.clone();
        let node = v.push_node(99, [0.0; 3]);
        v.push_segment(NewSegment {
            id: 5,
            from: 1,
            to: node,
            class: Class::Capillary,
            bed: Bed::Sprout,
            branch: 9,
            radius_um: 4.0,
            slab_share: 1.0,
            opens_at_step: u64::MAX,
            patch_voxels: vec![0],
            pieces: vec![(0, 10.0), (1, 15.0)],
        });
        assert_eq!(v.length_um.last(), Some(&25.0));
        let keep: Vec<bool> = (0..v.len()).map(|s| v.bed[s] != Bed::Sprout).collect();
        let (_, node_map) = v.retain_segments(&keep);
        assert_eq!(v, before);
        assert_eq!(node_map[node as usize], u32::MAX);
    }
}
