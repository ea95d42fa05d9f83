//! Tissue is cut out: by a blade that debrides, by a punch that takes a biopsy. One rule for both.

use super::ledger::{voxel_capacity_ug, wall_mineral_ug};
use super::{Tissue, Vitality};
use crate::math;

/// How tissue is cut out.
#[derive(Clone, Copy, Debug)]
pub struct Blade {
    /// Share of the mineral of a full wall, `mineral.wall_share`: for the books.
    pub wall_share: f64,
    /// Share of the bacteria of what is taken that stays on the bed.
    pub bacteria_left: f64,
    /// Hours for which a cut vessel counts as closed [h].
    pub closed_h: f64,
}

/// Injury of the living tissue along a cut.
#[derive(Clone, Copy, Debug)]
pub struct Rim {
    /// Width [µm].
    pub width_um: f64,
    /// Share of endothelial integrity lost.
    pub strength: f64,
    /// Nuclei left in walls.
    pub nidus: f64,
}

impl Tissue {
    /// Takes voxels away. Their mineral and the moving cells in them leave the books, a vessel loses the mineral of its part in
    /// them and is tied off when at least half of it lay there, and a surface without its top voxel is open.
    pub fn excise(&mut self, taken: &[bool], blade: Blade) {
        let capacity = voxel_capacity_ug(&self.grid);
        let Tissue {
            grid,
            anatomy,
            fields,
            vessels,
            cells,
            ledger,
            ..
        } = self;
        for voxel in (0..taken.len()).filter(|&v| taken[v]) {
            anatomy.vitality[voxel] = Vitality::Gone;
            if let Some(debris) = anatomy.debris.get_mut(voxel) {
                *debris = 0.0;
            }
            ledger.mineral_ug.book(-f64::from(fields.mineral[voxel]) * capacity);
            fields.mineral[voxel] = 0.0;
            fields.bacteria[voxel] = (f64::from(fields.bacteria[voxel]) * blade.bacteria_left) as f32;
            let top = voxel % (grid.nx * grid.ny);
            if voxel == top
                && let Some(covered) = cells.keratinocytes.covered.get_mut(top)
            {
                *covered = 0;
                cells.keratinocytes.creep[top] = 0.0;
            }
        }
        for s in 0..vessels.len() {
            let pieces = vessels.pieces(s);
            let (mut cut, mut all) = (0.0, 0.0);
            for piece in pieces {
                all += vessels.piece_um[piece];
                if taken[vessels.piece_voxel[piece] as usize] {
                    cut += vessels.piece_um[piece];
                }
            }
            if cut <= 0.0 {
                continue;
            }
            let before = wall_mineral_ug(vessels, s, blade.wall_share);
            vessels.mineral[s] *= 1.0 - cut / all;
            ledger
                .mineral_ug
                .book(wall_mineral_ug(vessels, s, blade.wall_share) - before);
            if cut >= 0.5 * all {
                vessels.thrombus[s] = 1.0;
                vessels.closed_h[s] = math::max(vessels.closed_h[s], blade.closed_h);
            }
        }
        for movers in [&mut cells.neutrophils, &mut cells.macrophages, &mut cells.msc] {
            let gone = movers.retain(|m, i| !taken[grid.voxel_at(m.place_um(i))]);
            ledger.cells.book(-(gone as f64));
        }
    }

    /// The living tissue along a cut suffers; the event counts as its cause.
    pub fn injure_rim(&mut self, taken: &[bool], rim: Rim, event: u64) {
        if rim.strength <= 0.0 {
            return;
        }
        self.events.latest_trigger = Some(event);
        // Centres along the edge, one rim apart, so that no wall is injured many times over.
        let mut centres: Vec<[f64; 3]> = Vec::new();
        for voxel in 0..taken.len() {
            if !self.anatomy.lives(voxel) || !self.grid.faces(voxel).any(|f| taken[f]) {
                continue;
            }
            let place = self.grid.centre_um(voxel);
            if centres.iter().all(|&c| self.grid.distance_um(c, place) > rim.width_um) {
                centres.push(place);
            }
        }
        for centre in centres {
            self.injure(centre, rim.width_um, rim.strength, rim.nidus);
            self.blame(centre, rim.width_um, event);
        }
    }

    /// Fixed cells of what was taken are gone; a fat cell that was cut dies with what is left of it.
    pub fn lose_cells(&mut self, taken: &[bool], step: u64) {
        let Tissue { anatomy, cells, .. } = self;
        for voxel in (0..taken.len()).filter(|&v| taken[v]) {
            let stromal = anatomy.stromal_cell[voxel];
            if let Some(dead) = cells.stroma.dead.get_mut(stromal as usize) {
                *dead = 1;
            }
            let fat = anatomy.adipocyte[voxel] as usize;
            if cells.adipocytes.dead.get(fat) == Some(&0) {
                cells.adipocytes.dead[fat] = 1;
                for i in cells.adipocytes.footprint(fat).to_vec() {
                    if !taken[i as usize] {
                        // What is left of a cut cell is a part of the wound, not a death that spread.
                        anatomy.challenged[i as usize] = true;
                        anatomy.kill(i as usize, step);
                    }
                }
            }
        }
    }
}
