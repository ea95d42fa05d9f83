//! Septa between the lobules of the fat, and the places in them where vessels rise.
//!
//! In a section a septum stands wherever vessels rise; between two septa lies a lobule. In a block lobules are polygons, the
//! Voronoi cells of a jittered lattice; septa are their borders, and vessels rise near the corners, where septa meet.
//! We assume: one lobule and one place of rising vessels for each arteriolar territory.

use super::Parameters;
use crate::grid::{Grid, Plane};
use crate::initial::Space;
use crate::math;
use crate::random::{Dice, Purpose};

/// Septa seen from above.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Septa {
    /// Where vessels rise: x, y [µm].
    feeding: Vec<[f64; 2]>,
    /// Middles of the lobules of a block, with their images across sides that wrap around.
    lobules: Vec<(u32, [f64; 2])>,
}

impl Septa {
    /// Septa of a seed: one for each arteriolar territory, with a phase and a jitter; none in a plan.
    pub fn draw(p: &Parameters, space: &Space, grid: &Grid, dice: Dice, attempt: u64) -> Self {
        let territories = |mm: f64| math::max((mm / p.arteriole_pitch_mm).round(), 1.0);
        let mut roll = dice.roll(Purpose::NetworkLayout, attempt << 32);
        let wide = space.width_mm * 1000.0;
        match grid.plane {
            Plane::Plan => Self::default(),
            Plane::Section => {
                let n = territories(space.width_mm);
                let phase = roll.uniform();
                let feeding = (0..n as usize)
                    .map(|i| {
                        let at = (i as f64 + phase + roll.between(-0.12, 0.12)) / n * wide;
                        [at - (at / wide).floor() * wide, 0.0]
                    })
                    .collect();
                Self {
                    feeding,
                    lobules: Vec::new(),
                }
            }
            Plane::Block => {
                let broad = space.breadth_mm * 1000.0;
                let n = [territories(space.width_mm), territories(space.breadth_mm)];
                let phase = if grid.periodic {
                    [roll.uniform(), roll.uniform()]
                } else {
                    [0.0, 0.0]
                };
                let (mut middles, mut corners) = (Vec::new(), Vec::new());
                for j in 0..n[1] as usize {
                    for i in 0..n[0] as usize {
                        let mut place = |off: f64| {
                            [(i, 0, wide), (j, 1, broad)].map(|(k, axis, size)| {
                                let at = (k as f64 + off + phase[axis] + roll.between(-0.12, 0.12)) / n[axis] * size;
                                keep(at, size, grid.periodic)
                            })
                        };
                        middles.push(place(0.5));
                        corners.push(place(0.0));
                    }
                }
                let turns: &[f64] = if grid.periodic { &[0.0, -1.0, 1.0] } else { &[0.0] };
                let mut septa = Self::default();
                for ty in turns {
                    for tx in turns {
                        let shifted = |m: &[f64; 2]| [m[0] + tx * wide, m[1] + ty * broad];
                        let images = middles.iter().enumerate().map(|(i, m)| (i as u32, shifted(m)));
                        septa.lobules.extend(images);
                    }
                }
                // A corner of the lattice moves to the nearest border: vessels rise in septa.
                septa.feeding = corners
                    .into_iter()
                    .map(|[x, y]| match septa.border([x, y]) {
                        Some((_, away, [dx, dy])) => [
                            keep(x + away * dx, wide, grid.periodic),
                            keep(y + away * dy, broad, grid.periodic),
                        ],
                        None => [x, y],
                    })
                    .collect();
                septa
            }
        }
    }

    /// Septa of a section at these places in x [µm].
    pub fn at_x(places_um: &[f64]) -> Self {
        Self {
            feeding: places_um.iter().map(|&x| [x, 0.0]).collect(),
            lobules: Vec::new(),
        }
    }

    /// Where vessels rise: x, y [µm].
    pub fn feeding(&self) -> &[[f64; 2]] {
        &self.feeding
    }

    /// Middles of the lobules and of their images around the block, by lobule.
    pub(super) fn lobules(&self) -> &[(u32, [f64; 2])] {
        &self.lobules
    }

    /// Lobule at a place, the distance to its nearest border and the direction of that border.
    pub(super) fn border(&self, [x, y]: [f64; 2]) -> Option<(u32, f64, [f64; 2])> {
        let square = |m: &[f64; 2]| math::square(m[0] - x) + math::square(m[1] - y);
        let home = self
            .lobules
            .iter()
            .min_by(|a, b| square(&a.1).total_cmp(&square(&b.1)).then(a.0.cmp(&b.0)))?;
        let near = square(&home.1);
        let mut best: Option<(f64, [f64; 2])> = None;
        for other in &self.lobules {
            let way = [other.1[0] - home.1[0], other.1[1] - home.1[1]];
            let length = (way[0] * way[0] + way[1] * way[1]).sqrt();
            if length > 0.0 {
                let away = (square(&other.1) - near) / (2.0 * length);
                if best.is_none_or(|(least, _)| away < least) {
                    best = Some((away, [way[0] / length, way[1] / length]));
                }
            }
        }
        best.map(|(away, direction)| (home.0, away, direction))
    }

    /// Whether a place lies in a septum.
    pub fn holds(&self, grid: &Grid, [x, y]: [f64; 2], half_um: f64) -> bool {
        let beside = self
            .feeding
            .iter()
            .any(|f| grid.distance_um([x, y, 0.0], [f[0], f[1], 0.0]) < half_um);
        beside || self.border([x, y]).is_some_and(|(_, away, _)| away < half_um)
    }
}

fn keep(at: f64, size: f64, periodic: bool) -> f64 {
    if periodic {
        at - (at / size).floor() * size
    } else {
        math::clamp(at, 60.0, size - 60.0)
    }
}
