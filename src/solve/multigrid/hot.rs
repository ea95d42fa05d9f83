//! The kernels in which a solve spends its time, eight voxels at a time and without a check of bounds in every row: at 64³
//! a row is four such lanes, and its checks cost more than its voxels. What a call may touch is checked once, by its
//! first and its last row. `kernels.rs` says the same plainly for the tests, which hold the bits together.
//!
//! No closures and no iterators here: a function compiled for a width does not take them in, and a call per row is
//! what made small grids slow.
#![allow(unsafe_code)]

use super::kernels::Rows;
use super::level::LANES;

/// Some numbers side by side.
pub(super) type Lanes = [f32; LANES];

/// Numbers from there on, side by side.
///
/// Safety: they lie in one array.
#[inline(always)]
pub(super) unsafe fn load(values: *const f32, at: usize) -> Lanes {
    // SAFETY: the caller's promise; an array of f32 is aligned as f32.
    unsafe { values.add(at).cast::<Lanes>().read() }
}

/// Safety: so many numbers from there on lie in one array.
#[inline(always)]
pub(super) unsafe fn store(values: *mut f32, at: usize, lanes: Lanes) {
    // SAFETY: the caller's promise; an array of f32 is aligned as f32.
    unsafe { values.add(at).cast::<Lanes>().write(lanes) }
}

/// Where a row lies and what couples it to its neighbours.
struct Place {
    /// Left neighbours in the other colour; the right ones begin one behind.
    left: usize,
    /// Before and behind in y, before and behind in z.
    beside: [usize; 4],
    at: usize,
    /// Sinks and sources.
    dense: usize,
    shift: usize,
    /// Coupling per width to the rows beside.
    across: [f32; 4],
    /// Area of an x-face.
    face: f32,
}

/// Where row y of some rows is: numbers that [`check`] has held against the lengths of the arrays.
#[inline(always)]
fn place(rows: &Rows, y: usize) -> Place {
    let k = y - rows.first;
    let shift = (rows.parity + y) % 2;
    let at = rows.at + k * rows.step;
    let before = if k == 0 { rows.before } else { at - rows.step };
    let behind = if y + 1 == rows.end { rows.behind } else { at + rows.step };
    let [(front, front_step), (back, back_step)] = rows.beside;
    let wy = rows.width[y];
    let [left_z, right_z, wz] = rows.plane;
    Place {
        left: at + shift - 1,
        beside: [before, behind, front + k * front_step, back + k * back_step],
        at,
        dense: rows.dense_at + k * rows.lanes,
        shift,
        across: [rows.left[y] * wz, rows.right[y] * wz, left_z * wy, right_z * wy],
        face: wy * wz,
    }
}

/// Panics unless all that the rows read and write lies in its arrays; `own` is the length of the unknown.
fn check(rows: &Rows, own: usize) {
    let Some(last) = (rows.end - rows.first).checked_sub(1) else {
        return;
    };
    let n = rows.lanes;
    let at = rows.at + last * rows.step;
    let mut furthest = (at + 1).max(rows.before).max(rows.behind);
    for (start, step) in rows.beside {
        furthest = furthest.max(start + last * step);
    }
    let is_whole = rows.at > 0 && n.is_multiple_of(LANES);
    assert!(is_whole && (last == 0 || rows.at >= rows.step), "whole lanes");
    assert!(
        furthest + n <= rows.other.len() && at + n <= own,
        "rows inside their colour"
    );
    let dense = rows.dense_at + (last + 1) * n;
    let columns = rows.sink.len().min(rows.source.len());
    assert!(dense <= columns, "rows inside their columns");
    for along in rows.along {
        let [left, right] = [along.left.len(), along.right.len()];
        let shortest = left.min(right).min(along.both.len()).min(along.width.len());
        assert!(n <= shortest, "couplings for a row");
    }
}

/// The value that satisfies each voxel's equation with its neighbours fixed.
#[inline(always)]
pub(super) fn relax(u: &mut [f32], rows: &Rows) {
    match (rows.unit > 0.0, rows.is_flat) {
        (true, true) => relax_rows::<false, true, true>(u, rows, 1.0),
        (true, false) => relax_rows::<false, true, false>(u, rows, 1.0),
        (false, true) => relax_rows::<false, false, true>(u, rows, 1.0),
        (false, false) => relax_rows::<false, false, false>(u, rows, 1.0),
    }
}

/// [`relax`], but each value moves `over` times the way.
#[inline(always)]
pub(super) fn relax_over(u: &mut [f32], rows: &Rows, over: f32) {
    match (rows.unit > 0.0, rows.is_flat) {
        (true, true) => relax_rows::<true, true, true>(u, rows, over),
        (true, false) => relax_rows::<true, true, false>(u, rows, over),
        (false, true) => relax_rows::<true, false, true>(u, rows, over),
        (false, false) => relax_rows::<true, false, false>(u, rows, over),
    }
}

#[inline(always)]
fn relax_rows<const OVER: bool, const UNIT: bool, const FLAT: bool>(u: &mut [f32], rows: &Rows, over: f32) {
    check(rows, u.len());
    let u = u.as_mut_ptr();
    let (other, sink, source) = (rows.other.as_ptr(), rows.sink.as_ptr(), rows.source.as_ptr());
    let (unit, wide) = (rows.unit, rows.along[0].width[0]);
    for y in rows.first..rows.end {
        let row = place(rows, y);
        let [a, b, c, d] = row.beside;
        let [ca, cb, cc, cd] = row.across;
        let across = (ca + cb) + (cc + cd);
        let (along, face) = (&rows.along[row.shift], row.face);
        let (el, er) = (along.left.as_ptr(), along.right.as_ptr());
        let (both, width) = (along.both.as_ptr(), along.width.as_ptr());
        let mut i = 0;
        while i < rows.lanes {
            // SAFETY: `check` has seen the first and the last row, and lanes are whole.
            unsafe {
                let (left, right) = (load(other, row.left + i), load(other, row.left + i + 1));
                let (a, b) = (load(other, a + i), load(other, b + i));
                let (sink, source) = (load(sink, row.dense + i), load(source, row.dense + i));
                let both = load(both, i);
                let (c, d) = if FLAT {
                    ([0.0; LANES], [0.0; LANES])
                } else {
                    (load(other, c + i), load(other, d + i))
                };
                let mut new = [0.0; LANES];
                if UNIT {
                    for k in 0..LANES {
                        let beside = if FLAT {
                            a[k] + b[k]
                        } else {
                            (a[k] + b[k]) + (c[k] + d[k])
                        };
                        let gain = source[k] + unit * ((left[k] + right[k]) + beside);
                        new[k] = gain / (face * both[k] + wide * across + sink[k]);
                    }
                } else {
                    let (el, er, width) = (load(el, i), load(er, i), load(width, i));
                    for k in 0..LANES {
                        let near = ca * a[k] + cb * b[k];
                        let beside = if FLAT { near } else { near + (cc * c[k] + cd * d[k]) };
                        let gain = source[k] + face * (el[k] * left[k] + er[k] * right[k]) + width[k] * beside;
                        new[k] = gain / (face * both[k] + width[k] * across + sink[k]);
                    }
                }
                if OVER {
                    let old = load(u, row.at + i);
                    for k in 0..LANES {
                        new[k] = old[k] + over * (new[k] - old[k]);
                    }
                }
                store(u, row.at + i, new);
            }
            i += LANES;
        }
    }
}

/// S − Au of a lane of a row; 0 behind the last voxel. Differences, not sums, of neighbours: the field may stand far
/// above its sources.
///
/// Safety: [`check`] has seen the rows, and i + LANES ≤ lanes.
#[inline(always)]
unsafe fn residual<const FLAT: bool>(u: *const f32, rows: &Rows, row: &Place, i: usize) -> Lanes {
    let (other, along) = (rows.other.as_ptr(), &rows.along[row.shift]);
    let [a, b, c, d] = row.beside;
    let [ca, cb, cc, cd] = row.across;
    let mut out = [0.0; LANES];
    // SAFETY: the caller's promise.
    unsafe {
        let u = load(u, row.at + i);
        let (left, right) = (load(other, row.left + i), load(other, row.left + i + 1));
        let (a, b) = (load(other, a + i), load(other, b + i));
        let (c, d) = if FLAT {
            (u, u)
        } else {
            (load(other, c + i), load(other, d + i))
        };
        let sink = load(rows.sink.as_ptr(), row.dense + i);
        let source = load(rows.source.as_ptr(), row.dense + i);
        let (el, er) = (load(along.left.as_ptr(), i), load(along.right.as_ptr(), i));
        let width = load(along.width.as_ptr(), i);
        for k in 0..LANES {
            let u = u[k];
            let flows = el[k] * (left[k] - u) + er[k] * (right[k] - u);
            let near = ca * (a[k] - u) + cb * (b[k] - u);
            let beside = if FLAT {
                near
            } else {
                near + (cc * (c[k] - u) + cd * (d[k] - u))
            };
            let left_over = (source[k] - sink[k] * u) + (row.face * flows + width[k] * beside);
            out[k] = if sink[k] < f32::INFINITY { left_over } else { 0.0 };
        }
    }
    out
}

/// Adds S − Au of the rows to rows of `sum`: row y to row y − zero, or with `halves` to half of that.
#[inline(always)]
pub(super) fn add_residual(sum: &mut [f32], zero: usize, halves: bool, u: &[f32], rows: &Rows) {
    if rows.is_flat {
        add_residual_rows::<true>(sum, zero, halves, u, rows);
    } else {
        add_residual_rows::<false>(sum, zero, halves, u, rows);
    }
}

#[inline(always)]
fn add_residual_rows<const FLAT: bool>(sum: &mut [f32], zero: usize, halves: bool, u: &[f32], rows: &Rows) {
    check(rows, u.len());
    let (u, n) = (u.as_ptr(), rows.lanes);
    for y in rows.first..rows.end {
        let row = place(rows, y);
        let sum = &mut sum[((y - zero) >> usize::from(halves)) * n..][..n];
        let sum = sum.as_mut_ptr();
        let mut i = 0;
        while i < n {
            // SAFETY: `check` has seen the first and the last row, a row of the sum is n long, and lanes are whole.
            unsafe {
                let more = residual::<FLAT>(u, rows, &row, i);
                let mut all = load(sum, i);
                for k in 0..LANES {
                    all[k] += more[k];
                }
                store(sum, i, all);
            }
            i += LANES;
        }
    }
}

/// Sum of the squares of S − Au of the rows, in f64: running sums by place in a lane, in the order of the rows. `row` is
/// room for one.
#[inline(always)]
pub(super) fn residual_squares(u: &[f32], rows: &Rows, row: &mut [f32]) -> f64 {
    let row = &mut row[..rows.lanes];
    if rows.is_flat {
        residual_squares_rows::<true>(u, rows, row)
    } else {
        residual_squares_rows::<false>(u, rows, row)
    }
}

#[inline(always)]
fn residual_squares_rows<const FLAT: bool>(u: &[f32], rows: &Rows, row: &mut [f32]) -> f64 {
    check(rows, u.len());
    let u = u.as_ptr();
    let mut sums = [0.0f64; LANES];
    for y in rows.first..rows.end {
        let place = place(rows, y);
        let mut i = 0;
        while i < rows.lanes {
            // SAFETY: `check` has seen the first and the last row, a row is so long, and lanes are whole.
            unsafe {
                let here = residual::<FLAT>(u, rows, &place, i);
                store(row.as_mut_ptr(), i, here);
            }
            i += LANES;
        }
        // Two loops, for one that does both is not taken wide.
        for here in row.as_chunks::<LANES>().0 {
            for k in 0..LANES {
                sums[k] += f64::from(here[k]) * f64::from(here[k]);
            }
        }
    }
    total(&sums)
}

#[inline(always)]
fn total(sums: &[f64; LANES]) -> f64 {
    let [a, b, c, d, e, f, g, h] = *sums;
    ((a + b) + (c + d)) + ((e + f) + (g + h))
}

/// What a solve asks of its sinks and sources before it begins: sums in f64, running sums by place in a lane.
#[derive(Clone, Copy, Debug)]
pub(super) struct Survey {
    sinks: [f64; LANES],
    sources: [f64; LANES],
    squares: [f64; LANES],
    least: Lanes,
}

impl Survey {
    /// Of nothing.
    pub(super) fn new() -> Self {
        Self {
            sinks: [0.0; LANES],
            sources: [0.0; LANES],
            squares: [0.0; LANES],
            least: [f32::INFINITY; LANES],
        }
    }

    pub(super) fn sinks(&self) -> f64 {
        total(&self.sinks)
    }

    pub(super) fn sources(&self) -> f64 {
        total(&self.sources)
    }

    pub(super) fn source_squares(&self) -> f64 {
        total(&self.squares)
    }

    pub(super) fn least_sink(&self) -> f32 {
        let lesser = |a: f32, b: f32| if b < a { b } else { a };
        self.least.into_iter().fold(f32::INFINITY, lesser)
    }
}

/// Takes a row of sinks and sources in.
#[inline(always)]
pub(super) fn survey(seen: &mut Survey, sink: &[f32], source: &[f32]) {
    let (sinks, sinks_left) = sink.as_chunks::<LANES>();
    let (sources, sources_left) = source.as_chunks::<LANES>();
    let sources = &sources[..sinks.len()];
    // Apart, for one loop over both is not taken wide.
    for i in 0..sinks.len() {
        for k in 0..LANES {
            seen.sinks[k] += f64::from(sinks[i][k]);
        }
        for k in 0..LANES {
            seen.least[k] = if sinks[i][k] < seen.least[k] {
                sinks[i][k]
            } else {
                seen.least[k]
            };
        }
    }
    for i in 0..sources.len() {
        for k in 0..LANES {
            let s = f64::from(sources[i][k]);
            seen.sources[k] += s;
            seen.squares[k] += s * s;
        }
    }
    let sources_left = &sources_left[..sinks_left.len()];
    for k in 0..sinks_left.len() {
        let s = f64::from(sources_left[k]);
        seen.sinks[k] += f64::from(sinks_left[k]);
        seen.least[k] = if sinks_left[k] < seen.least[k] {
            sinks_left[k]
        } else {
            seen.least[k]
        };
        seen.sources[k] += s;
        seen.squares[k] += s * s;
    }
}

/// Sum in f64, running sums by place in a lane.
#[inline(always)]
pub(super) fn sum(values: &[f32]) -> f64 {
    let mut sums = [0.0f64; LANES];
    let (chunks, rest) = values.as_chunks::<LANES>();
    for chunk in chunks {
        for k in 0..LANES {
            sums[k] += f64::from(chunk[k]);
        }
    }
    for k in 0..rest.len() {
        sums[k] += f64::from(rest[k]);
    }
    total(&sums)
}
