//! How far a change of sources and sinks moves a field: what decides whether it must be solved again.
//!
//! With the old solution u left in place, the equation Σ G (u − u_neighbour) + K u = S gains a residual r = ΔS − ΔK u, and
//! the field moves by the δ that solves the same equation for r. Residuals are summed, with their signs, by cells of some
//! 80 µm, and δ is solved on these cells. Inside a cell a source stands above its cell by what the Green's functions of
//! both grids differ by, ln(c)/(2π) in the plane and (1 − 1/c)/4 in space for cells of c voxels: that much of |r| is added,
//! as if all of a cell lay in one voxel. So the movement is overestimated, at most three times, and never underestimated by more than
//! 5 % (tested).

use crate::grid::{Grid, Plane};
use crate::math;
use crate::solve::multigrid::Multigrid;

/// Edge of a cell [µm].
const CELL_UM: f64 = 80.0;
/// Relative residual of the solve on cells, and its most cycles.
const SOLVED_TO: f64 = 0.05;
const MOST_CYCLES: u32 = 4;
/// What is added for the coarse solve and for sources near a border of cells.
const MARGIN: f64 = 1.15;

/// Residuals summed by cells.
#[derive(Clone, Debug, Default)]
pub struct Nearby {
    /// Voxels along each axis, and the voxels of a cell there.
    n: [usize; 3],
    side: [usize; 3],
    /// Cell of each x.
    cell_of_x: Vec<u32>,
    cells: Option<Grid>,
    solver: Option<Multigrid>,
    /// Sums with their signs, and of sizes.
    sums: Vec<f32>,
    sizes: Vec<f32>,
    whole: f64,
    sink: Vec<f32>,
    source: Vec<f32>,
    answer: Vec<f32>,
    /// How far a source in one voxel stands above its cell.
    own: f64,
    /// A source in a corner and its mirror images.
    mirrors: f64,
    /// What the sums are divided by: a block's cells meet in faces of c voxels.
    face: f64,
}

impl Nearby {
    /// Begins a sum over the voxels of a grid.
    pub fn clear(&mut self, grid: &Grid) {
        let side = ((CELL_UM / grid.voxel_um).round() as usize).max(1);
        let n = [grid.nx, grid.ny, grid.nz];
        self.side = n.map(|n| if n > 1 { side } else { 1 });
        if self.n != n || self.cell_of_x.is_empty() {
            self.n = n;
            self.cell_of_x = (0..grid.nx).map(|x| (x / self.side[0]) as u32).collect();
        }
        let [nx, ny, nz] = [0, 1, 2].map(|d| n[d].div_ceil(self.side[d]));
        let cells = Grid {
            nx,
            ny,
            nz,
            voxel_um: grid.voxel_um * side as f64,
            ..grid.clone()
        };
        let is_mirror = |d: usize| n[d] > 1 && (d == 2 || !grid.periodic);
        self.mirrors = (0..3).fold(1.0, |many, d| if is_mirror(d) { 2.0 * many } else { many });
        let c = side as f64;
        if grid.plane == Plane::Block {
            (self.own, self.face) = (0.25 * (1.0 - 1.0 / c), c);
        } else {
            (self.own, self.face) = (math::ln(c) / std::f64::consts::TAU, 1.0);
        }
        for column in [&mut self.sums, &mut self.sizes] {
            column.clear();
            column.resize(cells.len(), 0.0);
        }
        self.whole = 0.0;
        self.cells = Some(cells);
    }

    /// Begins with the sums of another over the same grid.
    pub fn begin_with(&mut self, grid: &Grid, other: &Self) {
        self.clear(grid);
        self.sums.copy_from_slice(&other.sums);
        self.sizes.copy_from_slice(&other.sizes);
        self.whole = other.whole;
    }

    /// Cell of the first voxel of a row of x.
    #[inline]
    fn row(&self, row: usize) -> usize {
        let [nx, ny, _] = self.n;
        let [side_x, side_y, side_z] = self.side;
        nx.div_ceil(side_x) * (row % ny / side_y + ny.div_ceil(side_y) * (row / ny / side_z))
    }

    /// Adds the residual of a voxel.
    #[inline]
    pub fn add(&mut self, voxel: usize, residual: f64) {
        if residual != 0.0 {
            let nx = self.n[0];
            let cell = self.row(voxel / nx) + self.cell_of_x[voxel % nx] as usize;
            self.put(cell, residual as f32);
        }
    }

    #[inline]
    fn put(&mut self, cell: usize, residual: f32) {
        self.sums[cell] += residual;
        self.sizes[cell] += residual.abs();
        self.whole += f64::from(residual.abs());
    }

    /// Adds the residuals of a range of voxels, cell by cell.
    #[inline]
    pub fn add_all(&mut self, voxels: std::ops::Range<usize>, residual: impl Fn(usize) -> f32) {
        let (nx, side) = (self.n[0], self.side[0]);
        let mut start = voxels.start;
        while start < voxels.end {
            let (row, x) = (start / nx, start % nx);
            let end = voxels.end.min((row + 1) * nx);
            let mut cell = self.row(row) + self.cell_of_x[x] as usize;
            let mut next = start + side - x % side;
            while start < end {
                let (mut sum, mut size) = (0.0, 0.0);
                for voxel in start..next.min(end) {
                    let residual = residual(voxel);
                    sum += residual;
                    size += residual.abs();
                }
                if size > 0.0 {
                    self.sums[cell] += sum;
                    self.sizes[cell] += size;
                    self.whole += f64::from(size);
                }
                cell += 1;
                start = next.min(end);
                next += side;
            }
        }
    }

    /// Whether the field moves further than a tolerance anywhere. `sink` is the scaled sink K of a voxel.
    pub fn exceeds(&mut self, sink: f64, tolerance: f64) -> bool {
        // The answer at the voxel of a point source, 0.3 + ln(1/√K)/(2π), and its mirror images behind sides without flux: nowhere is
        // more, however the residual is spread.
        let alone = self.mirrors * self.whole * (0.3 + math::ln(1.0 / sink) / (2.0 * std::f64::consts::TAU));
        if self.whole == 0.0 || (sink < 1.0 && alone <= tolerance) {
            return false;
        }
        // What stands above its cell by more needs no solve on cells.
        let own = MARGIN * self.own;
        self.sizes.iter().any(|&size| own * f64::from(size) > tolerance) || self.most(sink, tolerance) > tolerance
    }

    /// How far the field moves at most, anywhere.
    pub fn movement(&mut self, sink: f64) -> f64 {
        self.most(sink, f64::INFINITY)
    }

    /// The same; ends as soon as it is more than `enough`.
    fn most(&mut self, sink: f64, enough: f64) -> f64 {
        let Some(cells) = &self.cells else {
            return 0.0;
        };
        if self.whole == 0.0 {
            return 0.0;
        }
        if self.solver.as_ref().is_none_or(|solver| !solver.fits(cells)) {
            self.solver = Some(Multigrid::new(cells));
        }
        let Some(solver) = &mut self.solver else {
            return 0.0;
        };
        let side = self.side.iter().fold(1, |most, &side| most.max(side)) as f64;
        self.sink.clear();
        self.sink.resize(self.sums.len(), (sink * side * side) as f32);
        self.answer.resize(self.sums.len(), 0.0);
        let own = self.own as f32;
        let mut most = 0.0f32;
        // The solver gives fields, and no field is negative: rises and falls one after the other.
        for sign in [1.0, -1.0] {
            let share = sign / self.face as f32;
            self.source.clear();
            self.source.extend(self.sums.iter().map(|sum| sum * share));
            solver.solve(
                &self.sink,
                &self.source,
                &mut self.answer,
                false,
                SOLVED_TO,
                MOST_CYCLES,
            );
            most = (self.answer.iter().zip(&self.sizes)).fold(most, |most, (answer, size)| {
                let here = answer + own * size;
                if here > most { here } else { most }
            });
            if MARGIN * f64::from(most) > enough {
                break;
            }
        }
        MARGIN * f64::from(most)
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
        let moved = u.iter().fold(0.0, |most, &u| math::max(most, f64::from(u.abs())));
        (moved, nearby.movement(1.0 / 144.0))
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
            assert!(moved < 1.05 * said && said < 3.0 * moved, "{moved} {said}");
        }
    }

    /// A cell that walks two voxels on takes its signal along: what it leaves and what it brings cancel but near by.
    #[test]
    fn a_source_that_moves_counts_by_its_way() {
        let grid = grid(Plane::Section, [96, 1, 96], false);
        let (new, _) = moved_and_said(&grid, &[([48, 0, 48], 1.0)]);
        for [before, after] in [[48, 50], [46, 48], [47, 49]] {
            let (moved, said) = moved_and_said(&grid, &[([before, 0, 48], -1.0), ([after, 0, 48], 1.0)]);
            assert!(moved < said && said < 2.5 * moved && said < new, "{moved} {said} {new}");
        }
    }

    #[test]
    fn what_lies_far_apart_does_not_add_up_and_a_ring_closes() {
        let sink = 1.0 / 144.0;
        let mut nearby = Nearby::default();
        let said = |nearby: &mut Nearby, periodic: bool, voxels: &[usize]| {
            nearby.clear(&grid(Plane::Section, [60, 1, 60], periodic));
            voxels.iter().for_each(|&voxel| nearby.add(voxel, 1.0));
            nearby.movement(sink)
        };
        let alone = said(&mut nearby, false, &[0]);
        assert!(nearby.exceeds(sink, 0.8 * alone) && !nearby.exceeds(sink, 1.01 * alone));
        assert!(said(&mut nearby, false, &[0, 59]) < 1.02 * alone);
        let in_ring = said(&mut nearby, true, &[0]);
        assert!(said(&mut nearby, true, &[0, 59]) > 1.2 * in_ring);
        nearby.clear(&grid(Plane::Section, [60, 1, 60], true));
        assert!(!nearby.exceeds(sink, 0.0));
    }

    #[test]
    fn a_range_adds_up_as_its_voxels_do() {
        for grid in [
            grid(Plane::Section, [30, 1, 41], true),
            grid(Plane::Block, [9, 7, 10], false),
        ] {
            let residual = |i: usize| ((i * 37) % 11) as f32 - 5.0;
            let (mut one, mut all) = (Nearby::default(), Nearby::default());
            one.clear(&grid);
            all.clear(&grid);
            (17..grid.len() - 3).for_each(|i| one.add(i, f64::from(residual(i))));
            all.add_all(17..grid.len() - 3, residual);
            assert!((one.movement(0.01) / all.movement(0.01) - 1.0).abs() < 1e-4);
        }
    }
}
