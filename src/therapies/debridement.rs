//! Debridement: dead tissue that the surface reaches is cut away; the edge is injured as by any trauma.
//!
//! 1. Taken: dead voxels that hang together with an open surface (through dead or missing tissue); in a `plan`, or where the
//!    scenario names a place and radius, every dead voxel there. What lay above in the same column comes away too.
//! 2. Their mineral leaves the block and the books; moving cells, debris and bacteria in them go; a vessel loses the mineral of its part in
//!    them and is tied off when at least half of it lay there.
//! 3. The bed keeps a share of its bacteria. The ring of living tissue along the cut is injured: integrity falls, a nidus is left.
//!
//! Reads anatomy. Writes `anatomy.vitality`, `cells.keratinocytes`, moving cells, `fields.mineral`, `fields.bacteria`, `vessels.mineral`,
//! `vessels.thrombus`, `vessels.integrity`, both books, burden, events. No dice.
//! Source: one-year survival 61.6 against 27.4 % (observational, doi 10.1016/j.jaad.2006.08.065). We assume: every number.

use serde::Deserialize;

use super::Order;
use crate::grid::Plane;
use crate::parameters::Arrows;
use crate::state::{Blade, EventKind, Now, Rim, Tissue, Vitality};

/// Registry section `debridement`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameters {
    /// Share of bacteria left on the debrided bed.
    pub bacteria_left: f64,
    /// Width of the injured edge [µm].
    pub ring_um: f64,
    /// Share of endothelial integrity lost at the edge.
    pub ring_strength: f64,
    /// Nuclei left in walls at the edge.
    pub ring_nidus: f64,
    /// Hours for which a cut vessel counts as closed [h].
    pub ligated_h: f64,
}

/// Debridements.
#[derive(Clone, Debug, PartialEq)]
pub struct Debridement {
    order: Order,
}

impl Debridement {
    pub(super) fn new(order: Order) -> Self {
        Self { order }
    }

    pub(super) fn apply(&self, p: &super::Parameters, arrows: &Arrows, tissue: &mut Tissue, now: Now) {
        for _ in self.order.doses(now) {
            let taken = self.taken(tissue);
            let count = taken.iter().filter(|&&t| t).count();
            let place = match taken.iter().position(|&t| t) {
                Some(first) => tissue.grid.centre_um(first),
                None => tissue.grid.extent_um().map(|e| e / 2.0),
            };
            let values = [("voxels", count as f64)];
            let event = self.order.record(tissue, now, EventKind::Debridement, place, &values);
            tissue.burden.procedures += 1;
            tissue.burden.visits += 1;
            if count > 0 {
                let own = &p.debridement;
                let blade = Blade {
                    wall_share: p.wall_share,
                    bacteria_left: own.bacteria_left,
                    closed_h: own.ligated_h,
                };
                tissue.excise(&taken, blade);
                let rim = Rim {
                    width_um: own.ring_um,
                    strength: own.ring_strength * arrows.trauma,
                    nidus: own.ring_nidus * arrows.trauma,
                };
                tissue.injure_rim(&taken, rim, event);
            }
        }
    }

    /// Which voxels are cut away.
    fn taken(&self, tissue: &Tissue) -> Vec<bool> {
        let Tissue {
            grid, anatomy, cells, ..
        } = tissue;
        let dead = |v: usize| anatomy.vitality[v] == Vitality::Necrotic;
        let mut taken = vec![false; grid.len()];
        if let (Some(place), Some(radius)) = (self.order.place_um, self.order.radius_um) {
            for voxel in grid.within_um(place, radius) {
                taken[voxel] = dead(voxel);
            }
        } else if grid.plane == Plane::Plan {
            for (voxel, taken) in taken.iter_mut().enumerate() {
                *taken = dead(voxel);
            }
        } else {
            // Everything dead or missing that hangs together with the surface of an open or dead column.
            let passable = |v: usize| dead(v) || anatomy.vitality[v] == Vitality::Gone;
            let mut reached = vec![false; grid.len()];
            let open = |column: usize| cells.keratinocytes.covered.get(column) == Some(&0);
            let mut front: Vec<usize> = (0..grid.nx * grid.ny)
                .filter(|&top| passable(top) && (dead(top) || open(top)))
                .collect();
            for &voxel in &front {
                reached[voxel] = true;
            }
            while let Some(voxel) = front.pop() {
                taken[voxel] = dead(voxel);
                for next in grid.faces(voxel) {
                    if passable(next) && !reached[next] {
                        reached[next] = true;
                        front.push(next);
                    }
                }
            }
        }
        if grid.plane != Plane::Plan {
            take_what_lies_above(tissue, &mut taken);
        }
        taken
    }
}

/// The knife comes from the surface.
fn take_what_lies_above(tissue: &Tissue, taken: &mut [bool]) {
    let grid = &tissue.grid;
    for column in 0..grid.nx * grid.ny {
        let (x, y) = (column % grid.nx, column / grid.nx);
        let deepest = (0..grid.nz).rev().find(|&z| taken[grid.index(x, y, z)]);
        for z in 0..deepest.unwrap_or(0) {
            let voxel = grid.index(x, y, z);
            taken[voxel] = tissue.anatomy.vitality[voxel] != Vitality::Gone;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{entry, treated};
    use super::*;
    use crate::parameters::{Route, TherapyKind};
    use crate::state::fixture;
    use crate::state::ledger::mineral_inventory_ug;

    /// Dead from the surface to 0.28 mm in four columns, and a dead island deep in the fat.
    fn ulcer() -> Tissue {
        let mut tissue = fixture::tissue(fixture::uraemic());
        for x in 8..12 {
            tissue.cells.keratinocytes.covered[x] = 0;
            for z in 0..14 {
                let voxel = tissue.grid.index(x, 0, z);
                tissue.anatomy.kill(voxel, 0);
                tissue.fields.bacteria[voxel] = 0.5;
                tissue.fields.mineral[voxel] = 0.01;
            }
        }
        let island = tissue.grid.index(2, 0, 18);
        tissue.anatomy.kill(island, 0);
        tissue.vessels.mineral.fill(0.4);
        let place = tissue.grid.centre_um(tissue.grid.index(9, 0, 3));
        tissue.cells.neutrophils.push(1, place, 0);
        tissue.cells.neutrophils.push(2, [10.0, 10.0, 300.0], 0);
        let there = mineral_inventory_ug(&tissue.grid, &tissue.vessels, &tissue.fields.mineral, 0.5);
        tissue.ledger.mineral_ug.close(there);
        tissue.ledger.cells.close(2.0);
        tissue
    }

    fn debrided() -> Tissue {
        let e = entry(TherapyKind::Debridement, Route::None, None);
        treated(ulcer(), &e, &Arrows::default(), 25)
    }

    #[test]
    fn what_the_surface_reaches_is_taken_and_a_deep_island_stays() {
        let tissue = debrided();
        let at = |x, z| tissue.anatomy.vitality[tissue.grid.index(x, 0, z)];
        assert_eq!(at(9, 0), Vitality::Gone);
        assert_eq!(at(9, 13), Vitality::Gone);
        assert_eq!(at(9, 14), Vitality::Alive);
        assert_eq!(at(2, 18), Vitality::Necrotic);
        assert!(tissue.anatomy.ever_died[tissue.grid.index(9, 0, 5)]);
    }

    #[test]
    fn what_leaves_the_block_leaves_the_books() {
        let tissue = debrided();
        let there = mineral_inventory_ug(&tissue.grid, &tissue.vessels, &tissue.fields.mineral, 0.5);
        let account = &tissue.ledger.mineral_ug;
        assert!(account.outflow > 0.0);
        assert!(account.gap(there).abs() < 1e-9 * account.opening);
        assert_eq!(tissue.cells.neutrophils.id, [2]);
        assert_eq!(tissue.ledger.cells.gap(1.0), 0.0);
        let bed = tissue.grid.index(9, 0, 5);
        assert!((tissue.fields.bacteria[bed] - 0.05).abs() < 1e-6);
    }

    #[test]
    fn the_edge_is_injured_and_far_tissue_is_not() {
        let tissue = debrided();
        let (mut hurt, mut whole) = (0, 0);
        for &e in &tissue.vessels.integrity {
            if e < 1.0 { hurt += 1 } else { whole += 1 }
        }
        assert!(hurt > 0 && whole > 0);
        assert_eq!(tissue.burden.procedures, 1);
    }

    #[test]
    fn without_dead_tissue_only_the_visit_counts() {
        let e = entry(TherapyKind::Debridement, Route::None, None);
        let tissue = treated(fixture::tissue(fixture::healthy()), &e, &Arrows::default(), 25);
        assert!(tissue.anatomy.vitality.iter().all(|&v| v == Vitality::Alive));
        assert!(tissue.vessels.integrity.iter().all(|&e| e == 1.0));
        assert_eq!(tissue.burden.procedures, 1);
    }
}
