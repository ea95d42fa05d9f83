//! One level: unknown, sink and source of two colours, and its geometry.
//!
//! A voxel is red when x + y + z is even. Each colour has its own arrays, so that a row of one colour lies side by side:
//! voxel x of a row is number x/2 of its colour. Rows of the unknown have cells to spare at either end and two rows
//! before the first: one that stays 0, for neighbours that are not there, and a guest (see [`Level::rows`]).
//! Rows are worked on in whole lanes: behind its last voxel a row has an infinite sink, so what is written there is 0.

use std::ops::Range;

use super::axis::Axis;
use super::column::Column;
use super::given::Given;
use super::hot::Survey;
use super::kernels::{Above, Along, Rows};
use super::width::Width;

/// Rows before the first of the unknown.
const ROWS_BEFORE: usize = 2;
/// Cells before the first of each row.
const CELLS_BEFORE: usize = 8;
/// Cells that a row is rounded up to.
pub(super) const LANES: usize = 8;

/// Unknown, sink and source of one colour.
#[derive(Clone, Debug, Default)]
pub(super) struct Colour {
    pub(super) u: Column,
    pub(super) sink: Column,
    pub(super) source: Column,
}

/// A level.
#[derive(Clone, Debug)]
pub(super) struct Level {
    /// x, y, z; z is thin in the plane.
    pub(super) axes: [Axis; 3],
    pub(super) colours: [Colour; 2],
    pub(super) along: [Along; 2],
    /// Red cells of an even row.
    pub(super) half: usize,
    /// Length of a row of the unknown.
    stride: usize,
    /// Cells of a row in whole lanes: length of a row of sink and source.
    pub(super) dense: usize,
    /// See [`Rows::unit`].
    pub(super) unit: f32,
    /// Interpolation from the next coarser level in y and z.
    pub(super) from_coarse: [Vec<(u32, u32, f32)>; 2],
    /// Whether x is halved on the way to the next level, and y and z.
    pub(super) halved: [bool; 3],
}

impl Level {
    /// A level above one with the axes `coarse`.
    pub(super) fn new(axes: [Axis; 3], coarse: &[Axis; 3]) -> Self {
        let n = axes.each_ref().map(|axis| axis.n);
        let half = n[0].div_ceil(2);
        let dense = half.next_multiple_of(LANES);
        let stride = dense + CELLS_BEFORE;
        let rows = n[1] * n[2];
        let colours = [0, 512].map(|behind| Colour {
            u: Column::new(stride * (rows + ROWS_BEFORE) + 2 * CELLS_BEFORE, 0.0, behind),
            sink: Column::new(dense * rows, f32::INFINITY, behind + 128),
            source: Column::new(dense * rows, 0.0, behind + 256),
        });
        let x = &axes[0];
        let weights = x.interpolation(&coarse[0]);
        let along = [0, 1].map(|shift| {
            let mut along = Along::default();
            for i in (shift..2 * dense).step_by(2) {
                // Cells behind the last have no neighbour and are never kept.
                let cell = |column: &[f32], other: f32| column.get(i).copied().unwrap_or(other);
                along.left.push(cell(&x.left, 0.0));
                along.right.push(cell(&x.right, 0.0));
                along.both.push(cell(&x.left, 0.0) + cell(&x.right, 0.0));
                along.width.push(cell(&x.width, 1.0));
                along.near.push(weights.get(i).map_or(1.0, |w| w.2));
            }
            along
        });
        let halved = [0, 1, 2].map(|d| coarse[d].n != n[d]);
        let from_coarse = [1, 2].map(|d| axes[d].interpolation(&coarse[d]));
        let unit = unit(&axes);
        Self {
            axes,
            colours,
            along,
            half,
            stride,
            dense,
            unit,
            from_coarse,
            halved,
        }
    }

    #[inline]
    pub(super) fn n(&self) -> [usize; 3] {
        [self.axes[0].n, self.axes[1].n, self.axes[2].n]
    }

    /// Voxels.
    pub(super) fn len(&self) -> usize {
        self.n().iter().product()
    }

    /// x of the first cell of a colour in a row.
    #[inline]
    pub(super) fn shift(&self, colour: usize, y: usize, z: usize) -> usize {
        (colour + y + z) % 2
    }

    /// Cells of a row at a shift.
    #[inline]
    pub(super) fn count(&self, shift: usize) -> usize {
        (self.axes[0].n + 1 - shift) / 2
    }

    /// Where a row of the unknown begins.
    #[inline]
    pub(super) fn at(&self, y: usize, z: usize) -> usize {
        self.stride * (y + self.axes[1].n * z + ROWS_BEFORE) + CELLS_BEFORE
    }

    /// Where a row of sink and source begins.
    #[inline]
    pub(super) fn dense_at(&self, y: usize, z: usize) -> usize {
        self.dense * (y + self.axes[1].n * z)
    }

    /// Sets the cells beside a row: those of the other end where its ends touch, else 0.
    #[inline]
    pub(super) fn close_row(&mut self, colour: usize, y: usize, z: usize) {
        let x = &self.axes[0];
        let (at, count) = (self.at(y, z), self.count(self.shift(colour, y, z)));
        let u = &mut self.colours[colour].u;
        if x.wraps && x.n.is_multiple_of(2) {
            u[at - 1] = u[at + count - 1];
            u[at + count] = u[at];
        } else {
            u[at + count] = 0.0;
        }
    }

    /// Some rows of a plane and all that their equations read: the unknown of their colour, and the rest.
    ///
    /// Where y or z is a ring of odd length, its ends have the same colour: the row at the other end, as it is now,
    /// becomes the guest of the other colour. So such rows are asked for one at a time.
    #[inline(always)]
    pub(super) fn rows(&mut self, colour: usize, rows: Range<usize>, z: usize) -> (&mut [f32], Rows<'_>) {
        const NONE: usize = CELLS_BEFORE;
        let [_, ny, nz] = self.n();
        let (first, end) = (rows.start, rows.end);
        let [wraps_y, wraps_z] = [self.axes[1].wraps, self.axes[2].wraps];
        let place = |there: bool, y: usize, z: usize| if there { self.at(y, z) } else { NONE };
        let mut before = place(first > 0 || wraps_y, (first + ny - 1) % ny, z);
        let mut behind = place(end < ny || wraps_y, end % ny, z);
        let mut beside = [
            place(z > 0 || wraps_z, first, (z + nz - 1) % nz),
            place(z + 1 < nz || wraps_z, first, (z + 1) % nz),
        ];
        if self.axes[1].has_seam() {
            if first == 0 {
                self.invite(colour, &mut before);
            } else if end == ny {
                self.invite(colour, &mut behind);
            }
        }
        // No grid has a seam in y and one in z.
        if self.axes[2].has_seam() {
            if z == 0 {
                self.invite(colour, &mut beside[0]);
            } else if z + 1 == nz {
                self.invite(colour, &mut beside[1]);
            }
        }
        let step = self.stride;
        let (at, dense_at) = (self.at(first, z), self.dense_at(first, z));
        let parity = (colour + z) % 2;
        let [_, ay, az] = &self.axes;
        let [red, black] = &mut self.colours;
        let (mine, other) = if colour == 0 { (red, &*black) } else { (black, &*red) };
        let rows = Rows {
            first,
            end,
            parity,
            other: &other.u,
            at,
            step,
            before,
            behind,
            beside: beside.map(|start| (start, if start == NONE { 0 } else { step })),
            sink: &mine.sink,
            source: &mine.source,
            dense_at,
            lanes: self.dense,
            along: &self.along,
            left: &ay.left,
            right: &ay.right,
            width: &ay.width,
            plane: [az.left[z], az.right[z], az.width[z]],
            unit: self.unit,
            is_flat: nz == 1,
        };
        (&mut mine.u, rows)
    }

    /// Rows in turns that [`Level::rows`] can take.
    pub(super) fn turns(&self, rows: Range<usize>) -> impl Iterator<Item = Range<usize>> + use<> {
        let ny = self.axes[1].n;
        let Range { start, end } = rows;
        let turns = if self.axes[1].has_seam() {
            [start..end.min(1), start.max(1)..end.min(ny - 1), start.max(ny - 1)..end]
        } else {
            [start..end, 0..0, 0..0]
        };
        turns.into_iter().filter(|turn| !turn.is_empty())
    }

    /// The field of the coarser level above some rows of one colour, and those.
    pub(super) fn below<'a>(
        &'a mut self,
        coarse: &'a Level,
        colour: usize,
        rows: Range<usize>,
        z: usize,
        sets: bool,
    ) -> (&'a mut [f32], Above<'a>) {
        let (near, far, near_plane) = self.from_coarse[1][z];
        let planes = [near as usize, far as usize];
        let (at, step, lanes) = (self.at(rows.start, z), self.stride, self.dense);
        let parity = (colour + rows.start + z) % 2;
        let above = Above {
            coarse: coarse.colours.each_ref().map(|colour| &*colour.u),
            at: planes.map(|z| coarse.at(0, z)),
            step: coarse.stride,
            coarse_rows: coarse.axes[1].n,
            coarse_lanes: coarse.dense,
            parity: planes.map(|z| z % 2),
            cells: coarse.axes[0].n,
            wraps: coarse.axes[0].wraps,
            from_coarse: &self.from_coarse[0][rows],
            near_plane,
            fine_at: at,
            fine_step: step,
            lanes,
            fine_parity: parity,
            along: &self.along,
            sets,
            halves: self.halved[0],
        };
        (&mut self.colours[colour].u, above)
    }

    /// Whether some axis is a ring of odd length.
    pub(super) fn has_seam(&self) -> bool {
        self.axes[0].has_seam() || self.reads_itself()
    }

    /// Whether some voxels read their own colour: at the seam of a ring of odd length in y or z.
    pub(super) fn reads_itself(&self) -> bool {
        self.axes[1].has_seam() || self.axes[2].has_seam()
    }

    /// Empties the unknown where a voxel reads its own colour.
    pub(super) fn forget(&mut self) {
        if self.reads_itself() {
            for colour in &mut self.colours {
                colour.u.fill(0.0);
            }
        }
    }

    /// Diagonals of the two ends of an odd ring in x, and the coupling between them.
    pub(super) fn seam(&self, colour: usize, y: usize, z: usize) -> ([f32; 2], f32) {
        let [_, ay, az] = &self.axes;
        let (wy, wz) = (ay.width[y], az.width[z]);
        let across = (ay.left[y] + ay.right[y]) * wz + (az.left[z] + az.right[z]) * wy;
        let along = &self.along[0];
        let sink = &self.colours[colour].sink[self.dense_at(y, z)..];
        let diagonal = |i: usize| wy * wz * along.both[i] + along.width[i] * across + sink[i];
        ([diagonal(0), diagonal(self.half - 1)], wy * wz * along.left[0])
    }

    /// Copies a row to the guest row of the other colour, and says that it is there.
    fn invite(&mut self, colour: usize, start: &mut usize) {
        let guest = self.stride + CELLS_BEFORE;
        let [red, black] = &mut self.colours;
        let (mine, other) = if colour == 0 { (red, black) } else { (black, red) };
        other.u[guest..guest + self.half].copy_from_slice(&mine.u[*start..*start + self.half]);
        *start = guest;
    }

    /// Deals sinks and sources out, and looks at them on the way.
    pub(super) fn deal_problem<W: Width>(&mut self, sink: Given, source: Given) -> Survey {
        let [nx, ny, nz] = self.n();
        let (mut seen, mut rooms) = (Survey::new(), (Vec::new(), Vec::new()));
        for z in 0..nz {
            for y in 0..ny {
                let row = nx * (y + ny * z);
                let (sink, source) = (
                    sink.of(row..row + nx, &mut rooms.0),
                    source.of(row..row + nx, &mut rooms.1),
                );
                W::survey(&mut seen, sink, source);
                self.deal_row::<W>(sink, Part::Sink, y, z);
                self.deal_row::<W>(source, Part::Source, y, z);
            }
        }
        seen
    }

    /// Deals a natural array out to a column of both colours.
    pub(super) fn deal<W: Width>(&mut self, values: &[f32], part: Part) {
        let [nx, ny, nz] = self.n();
        for z in 0..nz {
            for y in 0..ny {
                let row = &values[nx * (y + ny * z)..][..nx];
                self.deal_row::<W>(row, part, y, z);
            }
        }
    }

    /// Deals rows of numbers, given by their voxels, out to a column of both colours.
    pub(super) fn deal_each<W: Width>(&mut self, mut of_voxels: impl FnMut(Range<usize>, &mut [f32]), part: Part) {
        let [nx, ny, nz] = self.n();
        let mut row = vec![0.0; nx];
        for z in 0..nz {
            for y in 0..ny {
                let start = nx * (y + ny * z);
                of_voxels(start..start + nx, &mut row);
                self.deal_row::<W>(&row, part, y, z);
            }
        }
    }

    /// Deals one row out.
    pub(super) fn deal_row<W: Width>(&mut self, row: &[f32], part: Part, y: usize, z: usize) {
        let start = match part {
            Part::U => self.at(y, z),
            _ => self.dense_at(y, z),
        };
        let even_is_black = (y + z) % 2 == 1;
        let (evens, odds) = (self.count(0), self.count(1));
        let [red, black] = &mut self.colours;
        let (even, odd) = if even_is_black { (black, red) } else { (red, black) };
        W::deal(
            row,
            &mut even.part(part)[start..start + evens],
            &mut odd.part(part)[start..start + odds],
        );
        if part == Part::U {
            self.close_row(0, y, z);
            self.close_row(1, y, z);
        }
    }

    /// The unknown as a natural array, on top of an offset.
    pub(super) fn gather<W: Width>(&self, out: &mut [f32], offset: f32) {
        let [nx, ny, nz] = self.n();
        for z in 0..nz {
            for y in 0..ny {
                let at = self.at(y, z);
                let [red, black] = &self.colours;
                let (even, odd) = if (y + z) % 2 == 1 { (black, red) } else { (red, black) };
                let row = &mut out[nx * (y + ny * z)..][..nx];
                W::gather(
                    row,
                    &even.u[at..at + self.count(0)],
                    &odd.u[at..at + self.count(1)],
                    offset,
                );
            }
        }
    }

    /// Bytes of a row of both colours.
    pub(super) fn row_bytes(&self) -> usize {
        2 * (self.stride + 2 * self.dense) * size_of::<f32>()
    }

    /// One voxel's colour and number in it.
    pub(super) fn cell(&self, x: usize, y: usize, z: usize) -> (usize, usize) {
        ((x + y + z) % 2, x / 2)
    }

    /// Bytes of all columns.
    pub(super) fn bytes(&self) -> usize {
        let of_colour = |c: &Colour| c.u.bytes() + c.sink.bytes() + c.source.bytes();
        self.colours.iter().map(of_colour).sum()
    }
}

/// The coupling of all voxels that have a neighbour, if all voxels are cubes of one width (of width 1 along thin axes);
/// else 0.
fn unit(axes: &[Axis; 3]) -> f32 {
    let Some(&first) = axes[0].width.first() else {
        return 0.0;
    };
    let is_thin = |axis: &Axis| axis.n == 1 && axis.width[0] == 1.0;
    let is_cube = |axis: &Axis| axis.width.iter().all(|&w| w == first);
    if axes.iter().all(|axis| is_cube(axis) || is_thin(axis)) {
        axes[1].width[0] * axes[2].width[0] / first
    } else {
        0.0
    }
}

/// A column of a level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    U,
    Sink,
    Source,
}

impl Colour {
    pub(super) fn part(&mut self, part: Part) -> &mut [f32] {
        match part {
            Part::U => &mut self.u,
            Part::Sink => &mut self.sink,
            Part::Source => &mut self.source,
        }
    }
}
