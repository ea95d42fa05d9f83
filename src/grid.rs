//! Space: a regular grid of boxes, depth downward. A 2-D picture is a 3-D grid one voxel thick.

use serde::{Deserialize, Serialize};

/// Which plane the grid shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Plane {
    /// x–z, depth downward, one voxel in y.
    Section,
    /// x–y, one voxel in z.
    Plan,
    /// x–y–z.
    Block,
}

/// A regular grid. Voxel index = x + nx·(y + ny·z); z = 0 is the surface.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Grid {
    /// Which plane.
    pub plane: Plane,
    /// Voxels in x.
    pub nx: usize,
    /// Voxels in y.
    pub ny: usize,
    /// Voxels in z.
    pub nz: usize,
    /// Edge of a voxel in the plane [µm].
    pub voxel_um: f64,
    /// Thickness across the plane [µm]: the slab in 2-D, the voxel in 3-D.
    pub slab_um: f64,
    /// Whether x (and y) wrap around.
    pub periodic: bool,
}

impl Grid {
    /// Voxels in all.
    #[inline]
    pub fn len(&self) -> usize {
        self.nx * self.ny * self.nz
    }

    /// Whether there is no voxel.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Volume of a voxel [µm³].
    #[inline]
    pub fn voxel_volume_um3(&self) -> f64 {
        self.voxel_um * self.voxel_um * self.slab_um
    }

    /// Index of a voxel.
    #[inline]
    pub fn index(&self, x: usize, y: usize, z: usize) -> usize {
        x + self.nx * (y + self.ny * z)
    }

    /// Place of a voxel in the grid.
    #[inline]
    pub fn place(&self, voxel: usize) -> [usize; 3] {
        [voxel % self.nx, voxel / self.nx % self.ny, voxel / (self.nx * self.ny)]
    }

    /// Centre of a voxel [µm].
    #[inline]
    pub fn centre_um(&self, voxel: usize) -> [f64; 3] {
        self.place(voxel).map(|i| (i as f64 + 0.5) * self.voxel_um)
    }

    /// Extent of the grid [µm] in x, y, z; the thin axis counts its slab.
    #[inline]
    pub fn extent_um(&self) -> [f64; 3] {
        let h = self.voxel_um;
        match self.plane {
            Plane::Section => [self.nx as f64 * h, self.slab_um, self.nz as f64 * h],
            Plane::Plan => [self.nx as f64 * h, self.ny as f64 * h, self.slab_um],
            Plane::Block => [self.nx as f64 * h, self.ny as f64 * h, self.nz as f64 * h],
        }
    }

    /// Voxel that holds a point [µm], wrapped around or kept inside.
    #[inline]
    pub fn voxel_at(&self, point: [f64; 3]) -> usize {
        let axis = |value: f64, n: usize, wraps: bool| -> usize {
            let i = whole_below(value / self.voxel_um);
            let n = n as i64;
            if (0..n).contains(&i) {
                return i as usize;
            }
            (if wraps { i.rem_euclid(n) } else { i.clamp(0, n - 1) }) as usize
        };
        self.index(
            axis(point[0], self.nx, self.periodic),
            axis(point[1], self.ny, self.periodic),
            axis(point[2], self.nz, false),
        )
    }

    /// Neighbour of a voxel by whole steps; `None` beyond a closed side.
    #[inline]
    pub fn neighbour(&self, voxel: usize, dx: i64, dy: i64, dz: i64) -> Option<usize> {
        let [x, y, z] = self.place(voxel);
        let axis = |i: usize, d: i64, n: usize, wraps: bool| -> Option<usize> {
            let j = i as i64 + d;
            if (0..n as i64).contains(&j) {
                return Some(j as usize);
            }
            wraps.then(|| j.rem_euclid(n as i64) as usize)
        };
        Some(self.index(
            axis(x, dx, self.nx, self.periodic)?,
            axis(y, dy, self.ny, self.periodic)?,
            axis(z, dz, self.nz, false)?,
        ))
    }

    /// The voxels that share a face with one.
    #[inline]
    pub fn faces(&self, voxel: usize) -> impl Iterator<Item = usize> + '_ {
        const STEPS: [[i64; 3]; 6] = [[-1, 0, 0], [1, 0, 0], [0, -1, 0], [0, 1, 0], [0, 0, -1], [0, 0, 1]];
        STEPS.into_iter().filter_map(move |[dx, dy, dz]| {
            let thin = (dx != 0 && self.nx == 1) || (dy != 0 && self.ny == 1) || (dz != 0 && self.nz == 1);
            if thin { None } else { self.neighbour(voxel, dx, dy, dz) }
        })
    }

    /// Shortest way from a to b in the plane [µm], around the edge where x (and y) wrap.
    #[inline]
    pub fn offset_um(&self, a: [f64; 3], b: [f64; 3]) -> [f64; 3] {
        let mut d = [b[0] - a[0], b[1] - a[1], b[2] - a[2]];
        if self.periodic {
            let [wide, broad, _] = [self.nx as f64 * self.voxel_um, self.ny as f64 * self.voxel_um, 0.0];
            d[0] -= (d[0] / wide).round() * wide;
            if self.ny > 1 {
                d[1] -= (d[1] / broad).round() * broad;
            }
        }
        if self.plane == Plane::Section {
            d[1] = 0.0;
        }
        if self.plane == Plane::Plan {
            d[2] = 0.0;
        }
        d
    }

    /// Distance in the plane [µm].
    #[inline]
    pub fn distance_um(&self, a: [f64; 3], b: [f64; 3]) -> f64 {
        let d = self.offset_um(a, b);
        (d[0] * d[0] + d[1] * d[1] + d[2] * d[2]).sqrt()
    }

    /// Voxels whose centre lies within a radius of a point, in index order.
    #[inline]
    pub fn within_um(&self, centre: [f64; 3], radius_um: f64) -> Vec<usize> {
        (0..self.len())
            .filter(|&v| self.distance_um(self.centre_um(v), centre) <= radius_um)
            .collect()
    }
}

/// The whole number at or below a number, without a call where the processor has no instruction for it.
#[inline]
fn whole_below(x: f64) -> i64 {
    let towards_zero = x as i64;
    towards_zero - i64::from(towards_zero as f64 > x)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section(periodic: bool) -> Grid {
        Grid {
            plane: Plane::Section,
            nx: 10,
            ny: 1,
            nz: 6,
            voxel_um: 20.0,
            slab_um: 150.0,
            periodic,
        }
    }

    #[test]
    fn index_and_place_agree() {
        let grid = section(true);
        for voxel in 0..grid.len() {
            let [x, y, z] = grid.place(voxel);
            assert_eq!(grid.index(x, y, z), voxel);
            assert_eq!(grid.voxel_at(grid.centre_um(voxel)), voxel);
        }
    }

    #[test]
    fn x_wraps_and_depth_does_not() {
        let grid = section(true);
        assert_eq!(grid.neighbour(0, -1, 0, 0), Some(9));
        assert_eq!(grid.neighbour(0, 0, 0, -1), None);
        assert_eq!(grid.faces(0).count(), 3);
        assert_eq!(section(false).faces(0).count(), 2);
        assert!((grid.distance_um([5.0, 0.0, 5.0], [195.0, 0.0, 5.0]) - 10.0).abs() < 1e-12);
    }
}
