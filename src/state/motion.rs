//! How a crawling cell changes its place: a rule of space and dice that several processes share.
//!
//! ```text
//! displacement = bias·v·ĝ·dt + (random step of rms length √(2nD·dt), at most the free speed)
//! ```
//!
//! with D = v²·persistence/n in n dimensions. Where no gradient is felt, the whole speed is random.
//! A step is cut into sub-moves of at most two voxels. A voxel that is closed or full is not entered:
//! that sub-move is lost. Cells walk one after another in the order of their ids.

use crate::grid::{Grid, Plane};
use crate::math;
use crate::random::Roll;

/// The way in which a cell moves.
#[derive(Clone, Copy, Debug)]
pub struct Gait {
    /// Speed [µm/h].
    pub speed_um_per_h: f64,
    /// Share of the speed that goes up the gradient, 0-1.
    pub bias: f64,
    /// Time for which it keeps a direction [h].
    pub persistence_h: f64,
    /// Shallowest gradient that it feels [a.u./µm].
    pub felt_per_um: f64,
}

/// How many cells stand in each voxel, and how many may.
#[derive(Clone, Debug)]
pub struct Crowd {
    count: Vec<u16>,
    limit: u16,
}

impl Crowd {
    /// An empty crowd; a voxel holds at least one cell.
    pub fn new(grid: &Grid, cells_per_mm3: f64) -> Self {
        let cells = cells_per_mm3 * grid.voxel_volume_um3() * 1e-9;
        Self {
            count: vec![0; grid.len()],
            limit: math::clamp(cells, 1.0, 65_535.0) as u16,
        }
    }

    /// Whether one more cell may enter.
    #[inline]
    pub fn has_room(&self, voxel: usize) -> bool {
        self.count[voxel] < self.limit
    }

    /// A cell enters.
    #[inline]
    pub fn enter(&mut self, voxel: usize) {
        self.count[voxel] = self.count[voxel].saturating_add(1);
    }

    /// A cell leaves.
    #[inline]
    pub fn leave(&mut self, voxel: usize) {
        self.count[voxel] = self.count[voxel].saturating_sub(1);
    }
}

/// Gradient of a signal at a voxel [per µm], by differences over its neighbours; one-sided at a closed side.
#[inline]
pub fn gradient(grid: &Grid, voxel: usize, signal: &impl Fn(usize) -> f64) -> [f64; 3] {
    let place = grid.place(voxel);
    // Voxels along the axis, from one to the next in memory, whether the ends meet.
    let axes = [
        (grid.nx, 1, grid.periodic),
        (grid.ny, grid.nx, grid.periodic),
        (grid.nz, grid.nx * grid.ny, false),
    ];
    // No `map` in here or in `walk`: its closures stay calls, and a cell walks through some tens of them in an hour.
    let along = |a: usize| {
        let (n, stride, wraps) = axes[a];
        if n < 2 {
            return 0.0;
        }
        let (at_start, at_end) = (place[a] == 0, place[a] + 1 == n);
        let ends = (n - 1) * stride;
        let (below, is_below) = match (at_start, wraps) {
            (false, _) => (voxel - stride, true),
            (true, true) => (voxel + ends, true),
            (true, false) => (voxel, false),
        };
        let (above, is_above) = match (at_end, wraps) {
            (false, _) => (voxel + stride, true),
            (true, true) => (voxel - ends, true),
            (true, false) => (voxel, false),
        };
        let steps = f64::from(u8::from(is_below) + u8::from(is_above));
        (signal(above) - signal(below)) / (steps * grid.voxel_um)
    };
    [along(0), along(1), along(2)]
}

/// A direction of equal chance in the plane (or in space, in a block).
#[inline]
pub fn any_direction(grid: &Grid, roll: &mut Roll) -> [f64; 3] {
    let angle = std::f64::consts::TAU * roll.uniform();
    let (s, c) = math::sin_cos(angle);
    match grid.plane {
        Plane::Section => [c, 0.0, s],
        Plane::Plan => [c, s, 0.0],
        Plane::Block => {
            let z = roll.between(-1.0, 1.0);
            let r = math::positive(1.0 - z * z).sqrt();
            [r * c, r * s, z]
        }
    }
}

/// A vector of length 1 along v; `None` for a vector shorter than `least`.
#[inline]
pub fn unit_vector(v: [f64; 3], least: f64) -> Option<[f64; 3]> {
    let length = (v[0] * v[0] + v[1] * v[1] + v[2] * v[2]).sqrt();
    if length > least {
        Some([v[0] / length, v[1] / length, v[2] / length])
    } else {
        None
    }
}

/// A point that wraps around open sides and stays inside closed ones.
#[inline]
pub fn inside(grid: &Grid, point: [f64; 3]) -> [f64; 3] {
    let axis = |x: f64, n: usize, wraps: bool| {
        let width = n as f64 * grid.voxel_um;
        if (0.0..width).contains(&x) && wraps {
            x
        } else if wraps {
            // The rounding of a tiny negative number must not give the width itself.
            let wrapped = x - (x / width).floor() * width;
            if wrapped < width { wrapped } else { 0.0 }
        } else {
            math::clamp(x, 0.0, width * (1.0 - 1e-7))
        }
    };
    [
        axis(point[0], grid.nx, grid.periodic),
        axis(point[1], grid.ny, grid.periodic),
        axis(point[2], grid.nz, false),
    ]
}

/// Where a cell stands after some hours. The crowd knows of the cell before and after.
pub fn walk(
    grid: &Grid,
    signal: &impl Fn(usize) -> f64,
    is_open: &impl Fn(usize) -> bool,
    crowd: &mut Crowd,
    start_um: [f64; 3],
    gait: Gait,
    hours: f64,
    roll: &mut Roll,
) -> [f64; 3] {
    let longest = 2.0 * grid.voxel_um;
    let moves = math::max((gait.speed_um_per_h * hours / longest).ceil(), 1.0);
    let dt = hours / moves;
    let dimensions = if grid.plane == Plane::Block { 3.0 } else { 2.0 };
    // Length up the gradient and at random: where a gradient is felt, and where none is.
    let lengths = |bias: f64| {
        let free = (1.0 - bias) * gait.speed_um_per_h;
        let spread = free * free * gait.persistence_h / dimensions;
        let random = math::min((2.0 * dimensions * spread * dt).sqrt(), free * dt);
        (bias * gait.speed_um_per_h * dt, random)
    };
    let (led, free) = (lengths(gait.bias), lengths(0.0));
    let mut place = start_um;
    let mut voxel = grid.voxel_at(place);
    for _ in 0..moves as usize {
        let up = unit_vector(gradient(grid, voxel, signal), gait.felt_per_um);
        let (drift, random) = if up.is_some() { led } else { free };
        let (up, any) = (up.unwrap_or([0.0; 3]), any_direction(grid, roll));
        let moved = |a: usize| place[a] + drift * up[a] + random * any[a];
        let next = inside(grid, [moved(0), moved(1), moved(2)]);
        let target = grid.voxel_at(next);
        if target != voxel {
            if !is_open(target) || !crowd.has_room(target) {
                continue;
            }
            crowd.leave(voxel);
            crowd.enter(target);
            voxel = target;
        }
        place = next;
    }
    place
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Dice, Purpose};
    use crate::state::fixture_cells;

    const GAIT: Gait = Gait {
        speed_um_per_h: 240.0,
        bias: 0.91,
        persistence_h: 0.083,
        felt_per_um: 1e-5,
    };

    #[test]
    fn a_cell_climbs_a_gradient_and_stays_inside() {
        let grid = fixture_cells::section().grid;
        let mut crowd = Crowd::new(&grid, 1e5);
        let mut roll = Dice::new(3).at(1).roll(Purpose::MacrophageMove, 1);
        let deeper = |v: usize| grid.place(v)[2] as f64;
        let start = [200.0, 10.0, 100.0];
        let end = walk(&grid, &deeper, &|_| true, &mut crowd, start, GAIT, 1.0, &mut roll);
        assert!(end[2] > start[2] + 0.8 * 240.0 * 0.91);
        let end = walk(&grid, &deeper, &|_| true, &mut crowd, end, GAIT, 9.0, &mut roll);
        assert!(end[2] < grid.nz as f64 * grid.voxel_um && end[0] >= 0.0);
    }

    #[test]
    fn nobody_enters_a_full_voxel() {
        let grid = fixture_cells::section().grid;
        let mut crowd = Crowd::new(&grid, 0.0);
        for v in 0..grid.len() {
            crowd.enter(v);
        }
        let start = grid.centre_um(45);
        let mut roll = Dice::new(3).at(1).roll(Purpose::MacrophageMove, 1);
        let end = walk(&grid, &|_| 0.0, &|_| true, &mut crowd, start, GAIT, 5.0, &mut roll);
        assert_eq!(grid.voxel_at(end), 45);
    }
}
