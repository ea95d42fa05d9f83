//! How a vessel thinner than a voxel meets the tissue around it: a kernel wider than a voxel.
//!
//! ```text
//! P_wall = Σ w P + q′/(2πK) ln(r_e/r)        w: where the vessel gives q′, and where it feels the tissue
//! ```
//!
//! The kernel is a cubic B-spline of four voxels across: its weights sum to 1, its centre and its width do not depend
//! on where the vessel lies between voxel centres. A vessel wider than a fifth of a voxel gives through eight or more
//! points of its wall, so that r_e never falls below r and no resistance turns negative, whatever the voxel.
//!
//! r_e, the distance at which the field of a long straight vessel has the kernel's own mean, follows from the lattice
//! Green's function G of the 7-point Laplacian: r_e/h = 0.1985 exp(−2π Σ w w G) [0.1985 h is the well radius of
//! Peaceman 1978, a kernel of one voxel]. The table holds its mean over places of the vessel; it moves by 3 % at most.
//! Faces are mirrors: what would fall outside comes back; sides that wrap around give to the other side.

use crate::grid::Grid;
use crate::math;

/// r_e/h by r/h.
const EFFECTIVE: [(f64, f64); 15] = [
    (0.0, 0.7905),
    (0.1, 0.7905),
    (0.2, 0.8171),
    (0.3, 0.8492),
    (0.4, 0.8962),
    (0.5, 0.9541),
    (0.75, 1.1371),
    (1.0, 1.3550),
    (1.25, 1.5888),
    (1.5, 1.8303),
    (2.0, 2.3189),
    (2.5, 2.8141),
    (3.0, 3.3105),
    (4.0, 4.3065),
    (6.0, 6.3022),
];

/// Distance from a vessel at which the field equals its mean over the kernel [µm].
pub fn effective_radius_um(radius_um: f64, voxel_um: f64) -> f64 {
    let at = radius_um / voxel_um;
    for pair in EFFECTIVE.windows(2) {
        let ((x0, y0), (x1, y1)) = (pair[0], pair[1]);
        if at <= x1 {
            return voxel_um * (y0 + (y1 - y0) * (at - x0) / (x1 - x0));
        }
    }
    radius_um + 0.3 * voxel_um
}

/// Weights of the four voxel centres around a place on one axis, in voxels; the first voxel may lie outside.
fn spline(x: f64) -> (i64, [f64; 4]) {
    let below = (x - 0.5).floor();
    let t = x - 0.5 - below;
    let u = 1.0 - t;
    let weights = [
        u * u * u / 6.0,
        (3.0 * t * t * t - 6.0 * t * t + 4.0) / 6.0,
        (3.0 * u * u * u - 6.0 * u * u + 4.0) / 6.0,
        t * t * t / 6.0,
    ];
    (below as i64 - 1, weights)
}

/// A voxel of an axis, mirrored at the faces or wrapped around.
fn folded(i: i64, n: usize, wraps: bool) -> usize {
    let n = n as i64;
    if wraps {
        return i.rem_euclid(n) as usize;
    }
    let folded = i.rem_euclid(2 * n);
    (if folded < n { folded } else { 2 * n - 1 - folded }) as usize
}

/// Voxels and weights of every piece of a network, in the order in which they were added.
#[derive(Clone, Debug)]
pub struct Spread {
    first: Vec<u32>,
    voxel: Vec<u32>,
    weight: Vec<f64>,
}

impl Default for Spread {
    fn default() -> Self {
        Self {
            first: vec![0],
            voxel: Vec::new(),
            weight: Vec::new(),
        }
    }
}

impl Spread {
    /// Adds a short straight piece of a vessel in a box of cubes; points in µm from the corner of the grid.
    pub fn push(&mut self, grid: &Grid, from: [f64; 3], to: [f64; 3], radius_um: f64) {
        let h = grid.voxel_um;
        let n = [grid.nx, grid.ny, grid.nz];
        let along = [to[0] - from[0], to[1] - from[1], to[2] - from[2]];
        let length = dot(along, along).sqrt();
        // Two points along a piece of a voxel or less: the middle of each half.
        let middles = [0.25, 0.75].map(|t| [0, 1, 2].map(|d| from[d] + t * along[d]));
        let around: Vec<[f64; 3]> = if radius_um < 0.2 * h || length == 0.0 {
            vec![[0.0; 3]]
        } else {
            let points = math::max(8.0, (4.0 * radius_um / h).ceil()) as usize;
            let (a, b) = across(along.map(|x| x / length));
            (0..points)
                .map(|k| {
                    let angle = std::f64::consts::TAU * (k as f64 + 0.5) / points as f64;
                    let (c, s) = (radius_um * math::cos(angle), radius_um * math::sin(angle));
                    [0, 1, 2].map(|d| c * a[d] + s * b[d])
                })
                .collect()
        };
        let share = 1.0 / (2 * around.len()) as f64;
        let mut found: Vec<(u32, f64)> = Vec::with_capacity(128 * around.len());
        for middle in middles {
            for offset in &around {
                let [(x, wx), (y, wy), (z, wz)] = [0, 1, 2].map(|d| spline((middle[d] + offset[d]) / h));
                for (k, &c) in wz.iter().enumerate() {
                    let z = folded(z + k as i64, n[2], false);
                    for (j, &b) in wy.iter().enumerate() {
                        let y = folded(y + j as i64, n[1], grid.periodic);
                        for (i, &a) in wx.iter().enumerate() {
                            let x = folded(x + i as i64, n[0], grid.periodic);
                            found.push((grid.index(x, y, z) as u32, a * b * c * share));
                        }
                    }
                }
            }
        }
        found.sort_by_key(|&(voxel, _)| voxel);
        for (voxel, weight) in found {
            let start = self.first[self.first.len() - 1] as usize;
            match self.voxel[start..].last() {
                Some(&last) if last == voxel => {
                    let end = self.weight.len() - 1;
                    self.weight[end] += weight;
                }
                _ => {
                    self.voxel.push(voxel);
                    self.weight.push(weight);
                }
            }
        }
        self.first.push(self.voxel.len() as u32);
    }

    /// Pieces so far.
    pub fn len(&self) -> usize {
        self.first.len() - 1
    }

    /// Whether there is no piece.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Voxels and weights of a piece.
    pub fn of(&self, piece: usize) -> (&[u32], &[f64]) {
        let range = self.first[piece] as usize..self.first[piece + 1] as usize;
        (&self.voxel[range.clone()], &self.weight[range])
    }
}

fn dot(a: [f64; 3], b: [f64; 3]) -> f64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

/// Two directions at right angles to a direction and to each other.
fn across(u: [f64; 3]) -> ([f64; 3], [f64; 3]) {
    let mut thin = 0;
    for d in 1..3 {
        if u[d].abs() < u[thin].abs() {
            thin = d;
        }
    }
    let mut a = [0.0; 3];
    a[thin] = 1.0;
    let along = dot(a, u);
    let a = [0, 1, 2].map(|d| a[d] - along * u[d]);
    let size = dot(a, a).sqrt();
    let a = a.map(|x| x / size);
    let b = [
        u[1] * a[2] - u[2] * a[1],
        u[2] * a[0] - u[0] * a[2],
        u[0] * a[1] - u[1] * a[0],
    ];
    (a, b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grid::Plane;

    fn cube(n: usize, h: f64) -> Grid {
        Grid {
            plane: Plane::Block,
            nx: n,
            ny: n,
            nz: n,
            voxel_um: h,
            slab_um: h,
            periodic: false,
        }
    }

    #[test]
    fn weights_sum_to_one_and_their_centre_is_the_vessel() {
        let grid = cube(12, 10.0);
        for (radius, shift) in [(1.0, 0.0), (3.0, 3.3), (9.0, 7.1), (25.0, 1.9)] {
            let mut spread = Spread::default();
            let place = [60.0 + shift, 61.0, 58.0 - shift];
            spread.push(&grid, place, [place[0] + 4.0, place[1] + 3.0, place[2]], radius);
            let (voxels, weights) = spread.of(0);
            let sum: f64 = weights.iter().sum();
            assert!((sum - 1.0).abs() < 1e-12, "{sum}");
            for (d, expected) in [place[0] + 2.0, place[1] + 1.5, place[2]].into_iter().enumerate() {
                let centre: f64 = voxels
                    .iter()
                    .zip(weights)
                    .map(|(&v, w)| w * grid.centre_um(v as usize)[d])
                    .sum();
                assert!((centre - expected).abs() < 1e-9, "{radius}: {centre} {expected}");
            }
        }
    }

    #[test]
    fn faces_are_mirrors_and_nothing_is_lost() {
        let grid = cube(3, 10.0);
        let mut spread = Spread::default();
        spread.push(&grid, [0.0, 0.0, 15.0], [0.0, 0.0, 25.0], 6.0);
        let sum: f64 = spread.of(0).1.iter().sum();
        assert!((sum - 1.0).abs() < 1e-12);
        assert_eq!([-1, 3, -4].map(|i| folded(i, 3, false)), [0, 2, 2]);
        assert_eq!([-1, 3, -4].map(|i| folded(i, 3, true)), [2, 0, 2]);
    }

    #[test]
    fn the_effective_radius_is_never_inside_the_vessel() {
        for k in 1..400 {
            let r = f64::from(k) * 0.25;
            assert!(effective_radius_um(r, 10.0) > r, "{r}");
        }
        assert!(effective_radius_um(2.0, 10.0) > 7.9);
    }
}
