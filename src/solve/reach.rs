//! How far a change of sources and sinks can move a field: what decides whether it must be solved again.
//!
//! With the old solution u left in place, the equation Σ G (u − u_neighbour) + K u = S gains a residual r = ΔS − ΔK u. By
//! the Green's function of a point source (in the plane ln(ℓ/d)/(2π) at a distance d below the reach ℓ of the field, in
//! space 1/(4πd)) the field moves at a voxel by Σ G(d) |r|. Residuals are summed by tiles of half a reach, each taken to
//! lie a quarter of a reach nearer than its middle, and never to cancel: so the movement is rather over- than
//! underestimated (a test holds both).

use crate::grid::{Grid, Plane};
use crate::math;

/// Distance at which a point source is hardly felt: of the damage signal, and of oxygen among capillaries [µm].
const REACH_UM: f64 = 240.0;

/// Answer of a field at the voxel of a point source in the plane, in scaled units, when it reaches across the whole section:
/// 0.3 + ln(ℓ/h)/(2π) is below 0.9 for ℓ ≤ 40 voxels.
pub const FAR_RESPONSE: f64 = 0.9;

/// What is added for sources close together on either side of a border between tiles.
const MARGIN: f64 = 1.15;

/// Tiles on each side that a tile answers to.
const RIM: usize = 2;

/// Residuals summed by tiles.
#[derive(Clone, Debug, Default)]
pub struct Nearby {
    n: [usize; 3],
    /// Place of each voxel's tile along each axis, behind the rim.
    tile_of: [Vec<u32>; 3],
    tiles: [usize; 3],
    /// Tiles with a rim around them along each long axis, and the width of that rim.
    padded: [usize; 3],
    rim: [usize; 3],
    /// Whether x and y wrap around.
    wraps: bool,
    /// Answer to a source in the same tile, one tile and two tiles away.
    response: [f64; RIM + 1],
    sums: Vec<f64>,
    whole: f64,
}

impl Nearby {
    /// Begins a sum over the voxels of a grid.
    pub fn clear(&mut self, grid: &Grid) {
        let reach = math::max(REACH_UM / grid.voxel_um, 2.0);
        self.n = [grid.nx, grid.ny, grid.nz];
        let tile = (reach / 2.0).round() as usize;
        self.tiles = self.n.map(|n| n.div_ceil(tile));
        self.rim = self.n.map(|n| if n > 1 { RIM } else { 0 });
        for d in 0..3 {
            let rim = self.rim[d];
            self.tile_of[d].clear();
            self.tile_of[d].extend((0..self.n[d]).map(|i| (i / tile + rim) as u32));
        }
        self.padded = [0, 1, 2].map(|d| self.tiles[d] + 2 * self.rim[d]);
        self.wraps = grid.periodic;
        let tau = std::f64::consts::TAU;
        self.response = if grid.plane == Plane::Block {
            // 0.2527 is the lattice's answer at the source itself.
            [0.2527, 2.0 / (tau * reach), 2.0 / (3.0 * tau * reach)]
        } else {
            [
                0.3 + math::ln(reach) / tau,
                math::ln(4.0) / tau,
                math::ln(4.0 / 3.0) / tau,
            ]
        };
        self.response = self.response.map(|answer| MARGIN * answer);
        self.sums.clear();
        self.sums.resize(self.padded.iter().product(), 0.0);
        self.whole = 0.0;
    }

    /// Adds the residual of a voxel.
    #[inline]
    pub fn add(&mut self, voxel: usize, residual: f64) {
        if residual != 0.0 {
            let [nx, ny, _] = self.n.map(|n| n as u32);
            let (x, row) = (voxel as u32 % nx, voxel as u32 / nx);
            let place = [x, row % ny, row / ny];
            let at = self.at([0, 1, 2].map(|d| self.tile_of[d][place[d] as usize] as usize));
            self.sums[at] += residual.abs();
            self.whole += residual.abs();
        }
    }

    fn at(&self, [x, y, z]: [usize; 3]) -> usize {
        x + self.padded[0] * (y + self.padded[1] * z)
    }

    /// Fills the rims of sides that wrap around with the tiles of the other side.
    fn close_rings(&mut self) {
        for axis in 0..2 {
            let (tiles, rim) = (self.tiles[axis], self.rim[axis]);
            // A ring of fewer tiles would meet itself.
            if !self.wraps || rim == 0 || tiles < 2 * RIM + 1 {
                continue;
            }
            let step = if axis == 0 { 1 } else { self.padded[0] };
            for at in 0..self.sums.len() {
                let i = at / step % self.padded[axis];
                if i < rim {
                    self.sums[at] = self.sums[at + step * tiles];
                } else if i >= rim + tiles {
                    self.sums[at] = self.sums[at - step * tiles];
                }
            }
        }
    }

    /// How far the field can have moved at most in a tile.
    fn at_tile(&self, place: [usize; 3]) -> f64 {
        let [rx, ry, rz] = self.rim;
        let mut sum = 0.0;
        for k in 0..=2 * rz {
            for j in 0..=2 * ry {
                let far = k.abs_diff(rz).max(j.abs_diff(ry));
                let start = self.at([place[0], place[1] + j, place[2] + k]);
                let row = &self.sums[start..=start + 2 * rx];
                for (i, tile) in row.iter().enumerate() {
                    sum += self.response[far.max(i.abs_diff(rx))] * tile;
                }
            }
        }
        sum
    }

    /// Whether the field can have moved further than a tolerance anywhere.
    pub fn exceeds(&mut self, tolerance: f64) -> bool {
        let own = self.response[0];
        // Nearly always one of these two decides.
        if self.whole * own <= tolerance {
            return false;
        }
        if self.sums.iter().any(|sum| sum * own > tolerance) {
            return true;
        }
        self.movement() > tolerance
    }

    /// The most by which the field can have moved anywhere.
    pub fn movement(&mut self) -> f64 {
        self.close_rings();
        let [nx, ny, nz] = self.tiles;
        let mut most = 0.0;
        for z in 0..nz {
            for y in 0..ny {
                for x in 0..nx {
                    most = math::max(most, self.at_tile([x, y, z]));
                }
            }
        }
        most
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::solve::multigrid::Multigrid;

    fn grid(plane: Plane, n: [usize; 3], periodic: bool) -> Grid {
        Grid {
            plane,
            nx: n[0],
            ny: n[1],
            nz: n[2],
            voxel_um: 20.0,
            slab_um: 20.0,
            periodic,
        }
    }

    /// Largest movement of a field with a reach of 12 voxels by some new sources, and what is said of it.
    fn moved_and_said(grid: &Grid, sources: &[([usize; 3], f32)]) -> (f64, f64) {
        let n = grid.len();
        let sink = vec![1.0 / 144.0; n];
        let mut source = vec![0.0f32; n];
        let mut nearby = Nearby::default();
        nearby.clear(grid);
        for &([x, y, z], s) in sources {
            let voxel = grid.index(x, y, z);
            source[voxel] += s;
            nearby.add(voxel, f64::from(s));
        }
        let mut u = vec![0.0f32; n];
        Multigrid::new(grid).solve(&sink, &source, &mut u, false, 1e-6, 20);
        let moved = u.iter().fold(0.0, |most, &u| math::max(most, f64::from(u)));
        (moved, nearby.movement())
    }

    #[test]
    fn a_field_moves_less_than_is_said_but_not_much_less() {
        let section = grid(Plane::Section, [96, 1, 96], false);
        let block = grid(Plane::Block, [40, 40, 40], false);
        let scattered: Vec<([usize; 3], f32)> = (0..300)
            .map(|i| ([20 + (i * 37) % 41, 0, 30 + (i * 53) % 29], 1.0 + (i % 3) as f32))
            .collect();
        let in_block: Vec<([usize; 3], f32)> = (0..300)
            .map(|i| ([(i * 7) % 40, (i * 11) % 40, 10 + (i * 13) % 19], 1.0))
            .collect();
        for (grid, sources) in [
            (&section, &[([48, 0, 48], 1.0)][..]),
            (&section, &[([47, 0, 47], 1.0), ([48, 0, 48], 0.5), ([60, 0, 40], 0.7)]),
            (&section, &scattered),
            (&block, &[([20, 20, 20], 1.0)]),
            (&block, &in_block),
        ] {
            let (moved, said) = moved_and_said(grid, sources);
            assert!(moved < said && said < 6.0 * moved, "{moved} {said}");
        }
    }

    #[test]
    fn what_lies_far_apart_does_not_add_up_and_a_ring_closes() {
        let mut nearby = Nearby::default();
        let open = grid(Plane::Section, [60, 1, 60], false);
        nearby.clear(&open);
        assert!(!nearby.exceeds(0.0));
        nearby.add(0, -2.0);
        nearby.add(59, 1.0);
        let one = nearby.movement();
        assert_eq!(one, 2.0 * nearby.response[0]);
        assert!(nearby.exceeds(0.99 * one) && !nearby.exceeds(1.01 * one));
        nearby.clear(&grid(Plane::Section, [60, 1, 60], true));
        nearby.add(0, -2.0);
        nearby.add(59, 1.0);
        assert!(nearby.movement() > one);
    }
}
