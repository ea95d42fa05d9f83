//! What is done to the rows of one colour in a plane: what kernels read, and those kernels that are plain loops. All are
//! compiled once per width ([`super::width`]), on which no result depends: cells are independent, and sums keep their
//! own fixed lanes.

/// Geometry along x of the cells x = 2 i + shift.
#[derive(Clone, Debug, Default)]
pub(super) struct Along {
    /// Coupling per face to the left, to the right, and to both.
    pub(super) left: Vec<f32>,
    pub(super) right: Vec<f32>,
    pub(super) both: Vec<f32>,
    pub(super) width: Vec<f32>,
    /// Weight of the near coarse cell.
    pub(super) near: Vec<f32>,
}

/// Some rows of one colour in a plane, and all that their equations read.
pub(super) struct Rows<'a> {
    /// From this row up to, not with, that one.
    pub(super) first: usize,
    pub(super) end: usize,
    /// Shift of row 0; rows alternate.
    pub(super) parity: usize,
    /// The other colour, and where rows begin there and in the own colour: that of row `first`, and the step to the next.
    pub(super) other: &'a [f32],
    pub(super) at: usize,
    pub(super) step: usize,
    /// Where the row before the first and the row behind the last begin.
    pub(super) before: usize,
    pub(super) behind: usize,
    /// Where the neighbours of row `first` in z begin, and the step from one to the next.
    pub(super) beside: [(usize, usize); 2],
    /// Sink and source, where those of row `first` begin, and the step: the length of a row in whole lanes.
    pub(super) sink: &'a [f32],
    pub(super) source: &'a [f32],
    pub(super) dense_at: usize,
    pub(super) lanes: usize,
    pub(super) along: &'a [Along; 2],
    /// Coupling per area to the row before and the row behind, width in y, by row.
    pub(super) left: &'a [f32],
    pub(super) right: &'a [f32],
    pub(super) width: &'a [f32],
    /// The same of the plane in z.
    pub(super) plane: [f32; 3],
    /// The coupling of all voxels, if they have one: then it is this, or that of a neighbour that reads 0. Else 0.
    pub(super) unit: f32,
    /// Whether there is no neighbour in z.
    pub(super) is_flat: bool,
}

/// The value that satisfies each voxel's equation with nothing around.
#[inline(always)]
pub(super) fn start(u: &mut [f32], rows: &Rows) {
    let n = rows.lanes;
    let [left_z, right_z, wz] = rows.plane;
    for y in rows.first..rows.end {
        let k = y - rows.first;
        let along = &rows.along[(rows.parity + y) % 2];
        let wy = rows.width[y];
        let across = (rows.left[y] * wz + rows.right[y] * wz) + (left_z * wy + right_z * wy);
        let face = wy * wz;
        let new = &mut u[rows.at + k * rows.step..][..n];
        let (both, width) = (&along.both[..n], &along.width[..n]);
        let dense = rows.dense_at + k * n;
        let (sink, source) = (&rows.sink[dense..][..n], &rows.source[dense..][..n]);
        for i in 0..n {
            new[i] = source[i] / (face * both[i] + width[i] * across + sink[i]);
        }
    }
}

/// A coarse field above some rows of one colour in a plane.
pub(super) struct Above<'a> {
    /// Its two colours, where its row 0 begins in the near and in the far plane, and the step from row to row.
    pub(super) coarse: [&'a [f32]; 2],
    pub(super) at: [usize; 2],
    pub(super) step: usize,
    /// How many such rows a plane has, and their length in whole lanes.
    pub(super) coarse_rows: usize,
    pub(super) coarse_lanes: usize,
    /// Colour of the first voxel of those rows 0.
    pub(super) parity: [usize; 2],
    /// Voxels of a coarse row, and whether its ends touch.
    pub(super) cells: usize,
    pub(super) wraps: bool,
    /// Near and far coarse row by fine row, and the weight of the near one; weight of the near plane.
    pub(super) from_coarse: &'a [(u32, u32, f32)],
    pub(super) near_plane: f32,
    /// Where the colour's rows begin, the step, their length in whole lanes, and the shift of the first.
    pub(super) fine_at: usize,
    pub(super) fine_step: usize,
    pub(super) lanes: usize,
    pub(super) fine_parity: usize,
    pub(super) along: &'a [Along; 2],
    /// Sets the colour, or adds to it.
    pub(super) sets: bool,
    /// Whether x is halved too.
    pub(super) halves: bool,
}

/// Cells before the first of a blended row.
pub(super) const BLENDED_BEFORE: usize = 8;

/// Deals a row out to its even and its odd cells.
#[inline(always)]
pub(super) fn deal(row: &[f32], even: &mut [f32], odd: &mut [f32]) {
    let (pairs, rest) = row.as_chunks::<2>();
    let n = pairs.len();
    {
        let (even, odd) = (&mut even[..n], &mut odd[..n]);
        for j in 0..n {
            even[j] = pairs[j][0];
            odd[j] = pairs[j][1];
        }
    }
    if let [last] = rest {
        even[n] = *last;
    }
}

/// Puts the even and the odd cells of a row together again, on top of an offset; what is not above 1e-30 becomes 0:
/// subnormals cost more than they are worth, and rounding may leave a trace below zero.
#[inline(always)]
pub(super) fn gather(row: &mut [f32], even: &[f32], odd: &[f32], offset: f32) {
    let flush = |value: f32| {
        let value = value + offset;
        if value > 1e-30 { value } else { 0.0 }
    };
    let (pairs, rest) = row.as_chunks_mut::<2>();
    let n = pairs.len();
    let (evens, odds) = (&even[..n], &odd[..n]);
    for j in 0..n {
        pairs[j] = [flush(evens[j]), flush(odds[j])];
    }
    if let [last] = rest {
        *last = flush(even[n]);
    }
}

/// Adds a row to a sum.
#[inline(always)]
pub(super) fn add(sum: &mut [f32], row: &[f32]) {
    let row = &row[..sum.len()];
    for i in 0..sum.len() {
        sum[i] += row[i];
    }
}
