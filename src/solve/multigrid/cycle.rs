//! The V-cycle, a band at a time: a band (a plane of a block, some rows of a plane) is smoothed again, and its residual
//! taken, while it is still in cache.
//!
//! Each act on a band reads the bands beside it, so the next act follows one band behind; the order of all that
//! depends on each other is that of whole sweeps, and so are the bits. Three more savings, none of which changes a bit:
//! a red sweep reads no red (but at the seam of an odd ring), so only black is interpolated; from nothing, red needs no neighbours; behind a sweep that
//! ended with black, only red has a residual (but for the first row or plane of a ring of odd length).

use std::ops::Range;

use super::kernels::{BLENDED_BEFORE, Rows};
use super::level::{Level, Part};
use super::width::Width;

/// What is done to one band.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Act {
    /// Adds the coarse correction to black.
    Correct,
    /// Sets black to the coarse field.
    Inject,
    /// Sets red as if black were 0.
    Start,
    /// Relaxes a colour.
    Relax(usize),
    /// Moves a colour so many times the way to where its equations hold.
    RelaxOver(usize, f32),
    /// Gives the residual to the coarse source.
    Restrict,
    /// The same, with what rounding has left to black: where the balance of the whole must hold to the last digits.
    RestrictAll,
    /// Sums the residual's squares.
    Norm,
    /// The same for both colours.
    FullNorm,
}

/// Room for rows and for the residual of a coarse plane.
#[derive(Clone, Debug, Default)]
pub(super) struct Scratch {
    row: Vec<f32>,
    blended: Vec<f32>,
    plane: Vec<f32>,
}

impl Scratch {
    pub(super) fn bytes(&self) -> usize {
        (self.row.len() + self.blended.len() + self.plane.len()) * size_of::<f32>()
    }
}

/// Rows of a plane: the thread of a wave.
#[derive(Clone)]
struct Band {
    rows: Range<usize>,
    z: usize,
}

/// Rows of a band in the plane; even, for pairs stay together.
const BAND_ROWS: usize = 16;
/// Rows by which an act on a tile of a block stays behind the one before it; even, for pairs stay together.
const SLANT: usize = 2;
/// What a wave through a block may hold at a time: half of a second-level cache of 1 MB.
const WAVE_BYTES: usize = 1 << 19;

/// Does acts to every band, each one band behind the one before it. Answers the sum of squares of the residual.
///
/// In the plane a band is some rows. In a block it is the rows of a tile in one plane, and the wave goes through the
/// planes of one tile after another, so that all it holds stays in the second-level cache. An act reads a row on
/// either side, so the tile of each act lies [`SLANT`] rows before that of the act before it.
pub(super) fn wave<W: Width>(fine: &mut Level, coarse: &mut Level, acts: &[Act], scratch: &mut Scratch) -> f64 {
    let [_, ny, nz] = fine.n();
    let is_flat = nz == 1;
    let mut sum = 0.0;
    if fine.axes[if is_flat { 1 } else { 2 }].wraps {
        for &act in acts {
            for i in 0..if is_flat { ny.div_ceil(BAND_ROWS) } else { nz } {
                sum += do_act::<W>(fine, coarse, act, whole_band(ny, is_flat, i), scratch);
            }
        }
    } else if is_flat {
        flow(ny.div_ceil(BAND_ROWS), acts.len(), |act, i| {
            sum += do_act::<W>(fine, coarse, acts[act], whole_band(ny, true, i), scratch);
        });
    } else {
        let tile_rows = tile_rows(fine, acts.len());
        let tiles = (ny / tile_rows).max(1);
        for tile in 0..tiles {
            // The edge of a tile for an act; the last tile reaches the end for all.
            let edge = |tile: usize, act: usize| {
                if tile == tiles {
                    ny
                } else {
                    (tile * tile_rows).saturating_sub(act * SLANT)
                }
            };
            flow(nz, acts.len(), |act, z| {
                let rows = edge(tile, act)..edge(tile + 1, act);
                sum += do_act::<W>(fine, coarse, acts[act], Band { rows, z }, scratch);
            });
        }
    }
    sum
}

/// Band i of whole rows in the plane, of a whole plane in a block.
fn whole_band(ny: usize, is_flat: bool, i: usize) -> Band {
    if is_flat {
        let rows = i * BAND_ROWS..ny.min((i + 1) * BAND_ROWS);
        Band { rows, z: 0 }
    } else {
        Band { rows: 0..ny, z: i }
    }
}

/// Acts on bands, each act one band behind the one before it.
fn flow(bands: usize, acts: usize, mut act_on: impl FnMut(usize, usize)) {
    for front in 0..bands + acts - 1 {
        for act in 0..acts {
            if front >= act && front - act < bands {
                act_on(act, front - act);
            }
        }
    }
}

/// Rows of a tile; even. All rows where the ends of y touch: there no order of tiles serves all acts.
fn tile_rows(level: &Level, acts: usize) -> usize {
    let ny = level.n()[1];
    if level.axes[1].wraps {
        return ny;
    }
    let fits = WAVE_BYTES / (level.row_bytes() * (acts + 2));
    fits.max(SLANT * (acts + 1)).next_multiple_of(2)
}

fn do_act<W: Width>(fine: &mut Level, coarse: &mut Level, act: Act, band: Band, scratch: &mut Scratch) -> f64 {
    let z = band.z;
    match act {
        Act::Correct | Act::Inject => {
            let length = 2 * BLENDED_BEFORE + fine.dense.max(2 * coarse.dense);
            scratch.blended.resize(length, 0.0);
            // Red is needed only where red reads red.
            let first = usize::from(!fine.reads_itself());
            for colour in first..2 {
                let (u, above) = fine.below(coarse, colour, band.rows.clone(), z, act == Act::Inject);
                W::correct(u, &mut scratch.blended, &above);
                for y in band.rows.clone() {
                    fine.close_row(colour, y, z);
                }
            }
        }
        Act::Start => relax::<W>(fine, 0, &band, |u, rows| W::start(u, rows)),
        Act::Relax(colour) => relax::<W>(fine, colour, &band, |u, rows| W::relax(u, rows)),
        // At a seam voxels are solved in pairs, or one after the other: none goes too far.
        Act::RelaxOver(colour, over) if !fine.has_seam() => {
            relax::<W>(fine, colour, &band, |u, rows| W::relax_over(u, rows, over));
        }
        Act::RelaxOver(colour, _) => relax::<W>(fine, colour, &band, |u, rows| W::relax(u, rows)),
        Act::Restrict => restrict::<W>(fine, coarse, false, &band, scratch),
        Act::RestrictAll => restrict::<W>(fine, coarse, true, &band, scratch),
        Act::Norm | Act::FullNorm => {
            let mut sum = 0.0;
            for colour in 0..2 {
                let rows = if act == Act::FullNorm {
                    band.rows.clone()
                } else {
                    left_over(fine, colour, &band)
                };
                sum += residual_squares::<W>(fine, colour, rows, z, scratch);
            }
            return sum;
        }
    }
    0.0
}

/// Rows of a colour that may have a residual behind a sweep that ended with black.
fn left_over(level: &Level, colour: usize, band: &Band) -> Range<usize> {
    let [_, ay, az] = &level.axes;
    let Range { start, end } = band.rows;
    if colour == 0 || (band.z == 0 && az.has_seam()) {
        start..end
    } else if start == 0 && ay.has_seam() {
        0..1
    } else {
        start..start
    }
}

fn relax<W: Width>(level: &mut Level, colour: usize, band: &Band, kernel: impl Fn(&mut [f32], &Rows)) {
    let (wraps, has_pair, z) = (level.axes[0].wraps, level.axes[0].has_seam(), band.z);
    let last = level.half - 1;
    for turn in level.turns(band.rows.clone()) {
        let (u, rows) = level.rows(colour, turn.clone(), z);
        kernel(u, &rows);
        // Behind the last voxel of a row the kernel left 0, which is what an open end reads.
        for y in turn.filter(|_| wraps) {
            if has_pair && level.shift(colour, y, z) == 0 {
                // Both ends of the ring have this colour: solved together. The kernel read 0 across the seam.
                let ([first_diagonal, last_diagonal], seam) = level.seam(colour, y, z);
                let at = level.at(y, z);
                let u = &mut level.colours[colour].u[at..=at + last];
                let (to_first, to_last) = (seam / first_diagonal, seam / last_diagonal);
                let first = (u[0] + to_first * u[last]) / (1.0 - to_first * to_last);
                u[last] += to_last * first;
                u[0] = first;
            }
            level.close_row(colour, y, z);
        }
    }
}

/// Where residuals are summed: row `first` of the level begins the sum; with `halves` two rows share one.
#[derive(Clone, Copy)]
struct Sum {
    first: usize,
    halves: bool,
}

/// Adds S − Au of rows to rows in whole lanes.
fn add_residual<W: Width>(level: &mut Level, colour: usize, rows: Range<usize>, z: usize, to: Sum, sum: &mut [f32]) {
    let (lanes, last) = (level.dense, level.half - 1);
    let has_pair = level.axes[0].has_seam();
    for turn in level.turns(rows) {
        let (u, rows) = level.rows(colour, turn.clone(), z);
        W::add_residual(sum, to.first, to.halves, u, &rows);
        for y in turn.filter(|_| has_pair) {
            if level.shift(colour, y, z) == 0 {
                let (_, seam) = level.seam(colour, y, z);
                let u = &level.colours[colour].u[level.at(y, z)..];
                let sum = &mut sum[((y - to.first) >> usize::from(to.halves)) * lanes..];
                sum[0] += seam * u[last];
                sum[last] += seam * u[0];
            }
        }
    }
}

/// Sum of the squares of S − Au of rows.
fn residual_squares<W: Width>(
    level: &mut Level,
    colour: usize,
    rows: Range<usize>,
    z: usize,
    scratch: &mut Scratch,
) -> f64 {
    let mut sum = 0.0;
    if !level.axes[0].has_seam() {
        scratch.row.resize(level.dense, 0.0);
        for turn in level.turns(rows) {
            let (u, rows) = level.rows(colour, turn, z);
            sum += W::residual_squares(u, &rows, &mut scratch.row);
        }
        return sum;
    }
    // The ends of an odd ring miss each other's share until the whole row is there.
    let (lanes, first) = (level.dense, rows.start);
    scratch.plane.clear();
    scratch.plane.resize(lanes * rows.len(), 0.0);
    let to = Sum { first, halves: false };
    add_residual::<W>(level, colour, rows, z, to, &mut scratch.plane);
    for &residual in &scratch.plane {
        sum += f64::from(residual) * f64::from(residual);
    }
    sum
}

fn restrict<W: Width>(fine: &mut Level, coarse: &mut Level, all: bool, band: &Band, scratch: &mut Scratch) {
    let [nx, _, nz] = fine.n();
    let [halves_x, halves_y, halves_z] = fine.halved;
    let (lanes, z) = (fine.dense, band.z);
    let (hy, hz) = (usize::from(halves_y), usize::from(halves_z));
    let first = band.rows.start;
    let coarse_rows = first >> hy..band.rows.end.div_ceil(1 + hy);
    // Where x stays as it is, a short row, its colours find their places at the end.
    let wide = if halves_x { lanes } else { nx };
    let opens = !halves_z || z % 2 == 0;
    let closes = !halves_z || z % 2 == 1 || z + 1 == nz;
    if opens {
        scratch.plane.clear();
        scratch.plane.resize(wide * coarse_rows.len(), 0.0);
    }
    for colour in 0..2 {
        let rows = if all {
            band.rows.clone()
        } else {
            left_over(fine, colour, band)
        };
        if halves_x {
            let to = Sum {
                first,
                halves: halves_y,
            };
            add_residual::<W>(fine, colour, rows, z, to, &mut scratch.plane);
        } else {
            let to = Sum { first, halves: false };
            scratch.row.clear();
            scratch.row.resize(lanes * band.rows.len(), 0.0);
            add_residual::<W>(fine, colour, rows.clone(), z, to, &mut scratch.row);
            for y in rows {
                let shift = fine.shift(colour, y, z);
                for i in 0..fine.count(shift) {
                    scratch.plane[nx * ((y - first) >> hy) + 2 * i + shift] += scratch.row[lanes * (y - first) + i];
                }
            }
        }
    }
    if closes {
        for (k, y) in coarse_rows.enumerate() {
            let row = &scratch.plane[wide * k..][..coarse.axes[0].n];
            coarse.deal_row::<W>(row, Part::Source, y, z >> hz);
        }
    }
}

/// Sums a column of a level into the next coarser one.
pub(super) fn coarsen<W: Width>(fine: &mut Level, coarse: &mut Level, part: Part, scratch: &mut Scratch) {
    let [_, ny, nz] = fine.n();
    let [cx, cy, cz] = coarse.n();
    let [hx, hy, hz] = fine.halved.map(usize::from);
    for z in 0..cz {
        for y in 0..cy {
            scratch.row.clear();
            scratch.row.resize(cx, 0.0);
            for fz in (z << hz)..nz.min((z + 1) << hz) {
                for fy in (y << hy)..ny.min((y + 1) << hy) {
                    let start = fine.dense_at(fy, fz);
                    for colour in 0..2 {
                        let shift = fine.shift(colour, fy, fz);
                        let count = fine.count(shift);
                        let row = &fine.colours[colour].part(part)[start..start + count];
                        if hx == 1 {
                            W::add(&mut scratch.row[..count], row);
                        } else {
                            for (i, value) in row.iter().enumerate() {
                                scratch.row[2 * i + shift] += value;
                            }
                        }
                    }
                }
            }
            coarse.deal_row::<W>(&scratch.row, part, y, z);
        }
    }
}
