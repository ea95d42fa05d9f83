//! What `hot.rs` and `hot_transfer.rs` do, voxel by voxel and with every index checked: the same bits.

use super::axis::Axis;
use super::hot;
use super::hot_transfer;
use super::kernels::{Above, BLENDED_BEFORE, Rows};
use super::level::{Level, Part};
use super::width::Scalar;
use crate::random::{Dice, Purpose};

/// Left, right, before and behind in y and in z, of cell i of row y; and its couplings to them.
fn neighbours(rows: &Rows, y: usize, i: usize) -> ([f32; 6], [f32; 4], f32) {
    let k = y - rows.first;
    let at = rows.at + k * rows.step + i;
    let shift = (rows.parity + y) % 2;
    let before = if k == 0 { rows.before + i } else { at - rows.step };
    let behind = if y + 1 == rows.end {
        rows.behind + i
    } else {
        at + rows.step
    };
    let [front, back] = rows.beside.map(|(start, step)| start + k * step + i);
    let values = [at + shift - 1, at + shift, before, behind, front, back].map(|place| rows.other[place]);
    let [left_z, right_z, wz] = rows.plane;
    let wy = rows.width[y];
    let across = [rows.left[y] * wz, rows.right[y] * wz, left_z * wy, right_z * wy];
    (values, across, wy * wz)
}

fn relax(u: &mut [f32], rows: &Rows, over: f32) {
    for y in rows.first..rows.end {
        let along = &rows.along[(rows.parity + y) % 2];
        let k = y - rows.first;
        for i in 0..rows.lanes {
            let ([left, right, a, b, c, d], [ca, cb, cc, cd], face) = neighbours(rows, y, i);
            let dense = rows.dense_at + k * rows.lanes + i;
            let (sink, source) = (rows.sink[dense], rows.source[dense]);
            let width = along.width[i];
            let gain = if rows.unit > 0.0 {
                let beside = if rows.is_flat { a + b } else { (a + b) + (c + d) };
                source + rows.unit * ((left + right) + beside)
            } else {
                let near = ca * a + cb * b;
                let beside = if rows.is_flat { near } else { near + (cc * c + cd * d) };
                source + face * (along.left[i] * left + along.right[i] * right) + width * beside
            };
            let wide = if rows.unit > 0.0 { rows.along[0].width[0] } else { width };
            let new = gain / (face * along.both[i] + wide * ((ca + cb) + (cc + cd)) + sink);
            let old = &mut u[rows.at + k * rows.step + i];
            *old = if over == 1.0 { new } else { *old + over * (new - *old) };
        }
    }
}

fn residual(u: &[f32], rows: &Rows, y: usize, i: usize) -> f32 {
    let along = &rows.along[(rows.parity + y) % 2];
    let k = y - rows.first;
    let ([left, right, a, b, c, d], [ca, cb, cc, cd], face) = neighbours(rows, y, i);
    let dense = rows.dense_at + k * rows.lanes + i;
    let u = u[rows.at + k * rows.step + i];
    if rows.sink[dense] == f32::INFINITY {
        return 0.0;
    }
    let flows = along.left[i] * (left - u) + along.right[i] * (right - u);
    let near = ca * (a - u) + cb * (b - u);
    let beside = if rows.is_flat {
        near
    } else {
        near + (cc * (c - u) + cd * (d - u))
    };
    (rows.source[dense] - rows.sink[dense] * u) + (face * flows + along.width[i] * beside)
}

fn correct(u: &mut [f32], above: &Above) {
    for (y, &(y0, y1, near_row)) in above.from_coarse.iter().enumerate() {
        let blended = |x: usize| {
            let cell = |y: u32, far: usize| {
                let y = y as usize;
                above.coarse[(x + above.parity[far] + y) % 2][above.at[far] + y * above.step + x / 2]
            };
            let far_plane = 1.0 - above.near_plane;
            let (w0, w2) = (above.near_plane * near_row, far_plane * near_row);
            let (w1, w3) = (above.near_plane * (1.0 - near_row), far_plane * (1.0 - near_row));
            let near = w0 * cell(y0, 0) + w1 * cell(y1, 0);
            if far_plane == 0.0 {
                near
            } else {
                near + (w2 * cell(y0, 1) + w3 * cell(y1, 1))
            }
        };
        let shift = (above.fine_parity + y) % 2;
        let last = above.cells - 1;
        for i in 0..above.cells {
            let far = match (shift, i) {
                (0, 0) => {
                    if above.wraps {
                        last
                    } else {
                        0
                    }
                }
                (0, _) => i - 1,
                (_, _) if i == last => {
                    if above.wraps {
                        0
                    } else {
                        last
                    }
                }
                _ => i + 1,
            };
            let (near, far) = (blended(i), blended(far));
            let more = far + above.along[shift].near[i] * (near - far);
            let place = &mut u[above.fine_at + y * above.fine_step + i];
            *place = if above.sets { more } else { *place + more };
        }
    }
}

/// A level and the next coarser one, filled with what depends on the voxel alone.
fn pair(n: [usize; 3], periodic: bool, coarsened: bool) -> (Level, Level) {
    let mut axes = [0, 1, 2].map(|d| Axis::new(vec![1.0; n[d]], periodic && d < 2 && n[d] > 1));
    if coarsened {
        axes = axes.each_ref().map(Axis::coarser);
    }
    let coarse = axes.each_ref().map(Axis::coarser);
    let coarser = coarse.each_ref().map(Axis::coarser);
    let mut levels = [Level::new(axes, &coarse), Level::new(coarse, &coarser)];
    for (l, level) in levels.iter_mut().enumerate() {
        for (part, purpose) in [
            (Part::U, Purpose::Custom),
            (Part::Sink, Purpose::Site),
            (Part::Source, Purpose::Custom),
        ] {
            let dice = Dice::new(5 + l as u64 + u64::from(part == Part::Source));
            let values: Vec<f32> = (0..level.len())
                .map(|v| dice.roll(purpose, v as u64).uniform() as f32)
                .collect();
            level.deal::<Scalar>(&values, part);
        }
    }
    let [fine, coarse] = levels;
    (fine, coarse)
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|x| x.to_bits()).collect()
}

#[test]
fn kernels_without_checks_give_the_bits_of_plain_loops() {
    for (n, periodic) in [
        ([64, 16, 8], false),
        ([37, 12, 9], true),
        ([30, 20, 6], true),
        ([70, 41, 1], false),
        ([50, 24, 1], true),
    ] {
        for coarsened in [false, true] {
            let (mut fine, coarse) = pair(n, periodic, coarsened);
            let [_, ny, nz] = fine.n();
            for (colour, rows, z) in [(0, 1..ny - 1, 0), (1, 1..ny - 1, nz - 1), (1, 3..6, nz / 2)] {
                let start = fine.colours[colour].u.to_vec();
                for over in [1.0, 1.3] {
                    fine.colours[colour].u.copy_from_slice(&start);
                    let (u, rows) = fine.rows(colour, rows.clone(), z);
                    let mut expected = u.to_vec();
                    relax(&mut expected, &rows, over);
                    if over == 1.0 {
                        hot::relax(u, &rows);
                    } else if rows.unit == 1.0 {
                        hot::relax_over(u, &rows, over);
                    } else {
                        continue;
                    }
                    assert_eq!(bits(u), bits(&expected), "{n:?} {coarsened} {over}");
                }
                fine.colours[colour].u.copy_from_slice(&start);
                let (u, some) = fine.rows(colour, rows.clone(), z);
                let lanes = some.lanes;
                let mut expected = vec![1.0; lanes * ny];
                let mut squares = 0.0;
                for y in rows.clone() {
                    for i in 0..lanes {
                        let left = residual(u, &some, y, i);
                        expected[(y >> 1) * lanes + i] += left;
                        squares += f64::from(left) * f64::from(left);
                    }
                }
                let mut sum = vec![1.0; lanes * ny];
                hot::add_residual(&mut sum, 0, true, u, &some);
                assert_eq!(bits(&sum), bits(&expected), "{n:?} {coarsened}");
                let found = hot::residual_squares(u, &some, &mut sum);
                assert!((found / squares - 1.0).abs() < 1e-12, "{found} {squares}");
                for sets in [false, true] {
                    let (u, above) = fine.below(&coarse, colour, rows.clone(), z, sets);
                    let mut expected = u.to_vec();
                    correct(&mut expected, &above);
                    let mut blended = vec![0.0; 2 * BLENDED_BEFORE + 2 * (above.lanes + above.coarse_lanes)];
                    hot_transfer::correct(u, &mut blended, &above);
                    let (first, step, cells) = (above.fine_at, above.fine_step, above.cells);
                    for y in 0..above.from_coarse.len() {
                        let row = first + y * step..first + y * step + cells;
                        assert_eq!(bits(&u[row.clone()]), bits(&expected[row]), "{n:?} {coarsened} {sets}");
                    }
                }
            }
        }
    }
}
