//! What is done to the rows of one colour in a plane: plain loops, compiled once per width ([`super::width`]).
//!
//! No sum here depends on the width: cells are independent, and [`square_sum`] has its own fixed lanes.

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
    /// Voxels of this colour in a row with shift 0, and in one with shift 1.
    pub(super) counts: [usize; 2],
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
    /// Whether all widths are 1, and every coupling 1 or 0 with a neighbour that reads 0.
    pub(super) is_even: bool,
    /// Whether there is no neighbour in z.
    pub(super) is_flat: bool,
}

/// One of the rows.
struct Row<'a> {
    left: &'a [f32],
    right: &'a [f32],
    /// Before and behind in y, before and behind in z.
    beside: [&'a [f32]; 4],
    /// Coupling per width to them.
    across: [f32; 4],
    /// Area of an x-face.
    face: f32,
    along: &'a Along,
    sink: &'a [f32],
    source: &'a [f32],
}

impl<'a> Rows<'a> {
    #[inline(always)]
    fn row(&self, y: usize) -> Row<'a> {
        let (k, n) = (y - self.first, self.lanes);
        let shift = (self.parity + y) % 2;
        let at = self.at + k * self.step;
        let other = self.other;
        let near = |start: usize| &other[start..][..n];
        let before = if y == self.first { self.before } else { at - self.step };
        let behind = if y + 1 == self.end { self.behind } else { at + self.step };
        let beside = self.beside.map(|(start, step)| start + k * step);
        let dense = self.dense_at + k * n;
        let wy = self.width[y];
        let [left_z, right_z, wz] = self.plane;
        Row {
            left: near(at + shift - 1),
            right: near(at + shift),
            beside: [near(before), near(behind), near(beside[0]), near(beside[1])],
            across: [self.left[y] * wz, self.right[y] * wz, left_z * wy, right_z * wy],
            face: wy * wz,
            along: &self.along[shift],
            sink: &self.sink[dense..][..n],
            source: &self.source[dense..][..n],
        }
    }
}

/// The value that satisfies each voxel's equation with its neighbours fixed.
#[inline(always)]
pub(super) fn relax(u: &mut [f32], rows: &Rows) {
    let n = rows.lanes;
    for y in rows.first..rows.end {
        let row = rows.row(y);
        let new = &mut u[rows.at + (y - rows.first) * rows.step..][..n];
        let (left, right, sink, source) = (&row.left[..n], &row.right[..n], &row.sink[..n], &row.source[..n]);
        let [a, b, c, d] = [
            &row.beside[0][..n],
            &row.beside[1][..n],
            &row.beside[2][..n],
            &row.beside[3][..n],
        ];
        let both = &row.along.both[..n];
        let [ca, cb, cc, cd] = row.across;
        let across = (ca + cb) + (cc + cd);
        if rows.is_even && rows.is_flat {
            for i in 0..n {
                let gain = source[i] + ((left[i] + right[i]) + (a[i] + b[i]));
                new[i] = gain / (both[i] + across + sink[i]);
            }
        } else if rows.is_even {
            for i in 0..n {
                let gain = source[i] + ((left[i] + right[i]) + (a[i] + b[i]) + (c[i] + d[i]));
                new[i] = gain / (both[i] + across + sink[i]);
            }
        } else {
            let (el, er, width) = (&row.along.left[..n], &row.along.right[..n], &row.along.width[..n]);
            let face = row.face;
            if rows.is_flat {
                for i in 0..n {
                    let beside = ca * a[i] + cb * b[i];
                    let gain = source[i] + face * (el[i] * left[i] + er[i] * right[i]) + width[i] * beside;
                    new[i] = gain / (face * both[i] + width[i] * across + sink[i]);
                }
            } else {
                for i in 0..n {
                    let beside = (ca * a[i] + cb * b[i]) + (cc * c[i] + cd * d[i]);
                    let gain = source[i] + face * (el[i] * left[i] + er[i] * right[i]) + width[i] * beside;
                    new[i] = gain / (face * both[i] + width[i] * across + sink[i]);
                }
            }
        }
    }
}

/// [`relax`] with nothing around.
#[inline(always)]
pub(super) fn start(u: &mut [f32], rows: &Rows) {
    let n = rows.lanes;
    for y in rows.first..rows.end {
        let row = rows.row(y);
        let new = &mut u[rows.at + (y - rows.first) * rows.step..][..n];
        let (both, width) = (&row.along.both[..n], &row.along.width[..n]);
        let (sink, source) = (&row.sink[..n], &row.source[..n]);
        let [ca, cb, cc, cd] = row.across;
        let face = row.face;
        let across = (ca + cb) + (cc + cd);
        for i in 0..n {
            new[i] = source[i] / (face * both[i] + width[i] * across + sink[i]);
        }
    }
}

/// Adds S − Au of the rows to rows of `sum`: row y to row y − zero, or with `halves` to half of that.
/// Differences, not sums, of neighbours: the field may stand far above its sources.
#[inline(always)]
pub(super) fn add_residual(sum: &mut [f32], zero: usize, halves: bool, u: &[f32], rows: &Rows) {
    let n = rows.lanes;
    for y in rows.first..rows.end {
        let row = rows.row(y);
        let u = &u[rows.at + (y - rows.first) * rows.step..][..n];
        let sum = &mut sum[((y - zero) >> usize::from(halves)) * n..][..n];
        // A row that ends one voxel earlier has nothing for the last coarse cell.
        let last = rows.counts[0] - 1;
        let kept = sum[last];
        let (left, right, sink, source) = (&row.left[..n], &row.right[..n], &row.sink[..n], &row.source[..n]);
        let [a, b, c, d] = [
            &row.beside[0][..n],
            &row.beside[1][..n],
            &row.beside[2][..n],
            &row.beside[3][..n],
        ];
        let (el, er) = (&row.along.left[..n], &row.along.right[..n]);
        let [ca, cb, cc, cd] = row.across;
        if rows.is_even && rows.is_flat {
            for i in 0..n {
                let u = u[i];
                let along = el[i] * (left[i] - u) + er[i] * (right[i] - u);
                sum[i] += (source[i] - sink[i] * u) + (along + (ca * (a[i] - u) + cb * (b[i] - u)));
            }
        } else {
            let (face, width) = (row.face, &row.along.width[..n]);
            for i in 0..n {
                let u = u[i];
                let along = el[i] * (left[i] - u) + er[i] * (right[i] - u);
                let beside = (ca * (a[i] - u) + cb * (b[i] - u)) + (cc * (c[i] - u) + cd * (d[i] - u));
                sum[i] += (source[i] - sink[i] * u) + (face * along + width[i] * beside);
            }
        }
        if rows.counts[(rows.parity + y) % 2] <= last {
            sum[last] = kept;
        }
    }
}

/// A coarse field above some rows of one colour in a plane.
pub(super) struct Above<'a> {
    /// Its two colours, where its row 0 begins in the near and in the far plane, and the step from row to row.
    pub(super) coarse: [&'a [f32]; 2],
    pub(super) at: [usize; 2],
    pub(super) step: usize,
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

/// Adds the interpolated coarse field to a colour, or sets the colour to it. `blended` holds one coarse row.
#[inline(always)]
pub(super) fn correct(u: &mut [f32], blended: &mut [f32], above: &Above) {
    const BEFORE: usize = BLENDED_BEFORE;
    let cells = above.cells;
    let pairs = cells.div_ceil(2);
    for (y, &(y0, y1, near_row)) in above.from_coarse.iter().enumerate() {
        // Both colours of four rows, near and far in y and z.
        let half = |odd: usize, y: u32, far: usize| {
            let y = y as usize;
            let colour = (odd + above.parity[far] + y) % 2;
            &above.coarse[colour][above.at[far] + y * above.step..][..pairs]
        };
        let (e0, e1, e2, e3) = (half(0, y0, 0), half(0, y1, 0), half(0, y0, 1), half(0, y1, 1));
        let (o0, o1, o2, o3) = (half(1, y0, 0), half(1, y1, 0), half(1, y0, 1), half(1, y1, 1));
        let far_plane = 1.0 - above.near_plane;
        let (w0, w2) = (above.near_plane * near_row, far_plane * near_row);
        let (w1, w3) = (above.near_plane * (1.0 - near_row), far_plane * (1.0 - near_row));
        let (row, _) = blended[BEFORE..].as_chunks_mut::<2>();
        let row = &mut row[..pairs];
        if far_plane == 0.0 {
            for j in 0..pairs {
                row[j] = [w0 * e0[j] + w1 * e1[j], w0 * o0[j] + w1 * o1[j]];
            }
        } else {
            for j in 0..pairs {
                row[j] = [
                    (w0 * e0[j] + w1 * e1[j]) + (w2 * e2[j] + w3 * e3[j]),
                    (w0 * o0[j] + w1 * o1[j]) + (w2 * o2[j] + w3 * o3[j]),
                ];
            }
        }
        let (first, last) = (blended[BEFORE], blended[BEFORE + cells - 1]);
        blended[BEFORE - 1] = if above.wraps { last } else { first };
        blended[BEFORE + cells] = if above.wraps { first } else { last };
        let n = above.lanes;
        let shift = (above.fine_parity + y) % 2;
        let out = &mut u[above.fine_at + y * above.fine_step..][..n];
        if above.halves {
            // Left of its coarse cell's middle a cell leans on the one before, right of it on the one behind.
            let near = &blended[BEFORE..][..n];
            let far = &blended[BEFORE + 2 * shift - 1..][..n];
            let weight = &above.along[shift].near[..n];
            if above.sets {
                for i in 0..n {
                    out[i] = far[i] + weight[i] * (near[i] - far[i]);
                }
            } else {
                for i in 0..n {
                    out[i] += far[i] + weight[i] * (near[i] - far[i]);
                }
            }
        } else {
            for i in 0..(cells + 1 - shift) / 2 {
                let value = blended[BEFORE + 2 * i + shift];
                out[i] = if above.sets { value } else { out[i] + value };
            }
        }
    }
}

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

/// Sum of squares in f64, eight running sums in a fixed order.
#[inline(always)]
pub(super) fn square_sum(values: &[f32]) -> f64 {
    let mut lanes = [0.0f64; 8];
    let (chunks, rest) = values.as_chunks::<8>();
    for chunk in chunks {
        for k in 0..8 {
            lanes[k] += f64::from(chunk[k]) * f64::from(chunk[k]);
        }
    }
    for (k, &value) in rest.iter().enumerate() {
        lanes[k] += f64::from(value) * f64::from(value);
    }
    lanes.iter().sum()
}
