//! Interpolation of the next coarser level, as `hot.rs` does its kernels: one check, no closures, whole lanes.
#![allow(unsafe_code)]

use super::hot::{load, store};
use super::kernels::{Above, BLENDED_BEFORE};
use super::level::LANES;

/// Adds the interpolated coarse field to a colour, or sets the colour to it. `blended` holds one coarse row.
#[inline(always)]
pub(super) fn correct(u: &mut [f32], blended: &mut [f32], above: &Above) {
    check(u.len(), blended.len(), above);
    let fine = u.as_mut_ptr();
    for y in 0..above.from_coarse.len() {
        blend(blended, above, y);
        let shift = (above.fine_parity + y) % 2;
        let at = above.fine_at + y * above.fine_step;
        if !above.halves {
            for i in 0..(above.cells + 1 - shift) / 2 {
                let value = blended[BLENDED_BEFORE + 2 * i + shift];
                u[at + i] = if above.sets { value } else { u[at + i] + value };
            }
            continue;
        }
        // Left of its coarse cell's middle a cell leans on the one before, right of it on the one behind.
        let (row, weights) = (blended.as_ptr(), above.along[shift].near.as_ptr());
        let mut i = 0;
        while i < above.lanes {
            // SAFETY: `check` has seen the rows and the lengths, and lanes are whole.
            unsafe {
                let near = load(row, BLENDED_BEFORE + i);
                let far = load(row, BLENDED_BEFORE + 2 * shift - 1 + i);
                let weight = load(weights, i);
                let mut out = [0.0; LANES];
                if !above.sets {
                    out = load(fine, at + i);
                }
                for k in 0..LANES {
                    out[k] += far[k] + weight[k] * (near[k] - far[k]);
                }
                store(fine, at + i, out);
            }
            i += LANES;
        }
    }
}

/// Puts a row between the coarse rows around fine row y together, with a cell at either end.
#[inline(always)]
fn blend(blended: &mut [f32], above: &Above, y: usize) {
    let (y0, y1, near_row) = above.from_coarse[y];
    let (y0, y1) = (y0 as usize, y1 as usize);
    assert!(y0.max(y1) < above.coarse_rows, "a row of the coarse level");
    let far_plane = 1.0 - above.near_plane;
    let (w0, w2) = (above.near_plane * near_row, far_plane * near_row);
    let (w1, w3) = (above.near_plane * (1.0 - near_row), far_plane * (1.0 - near_row));
    let [near_at, far_at] = above.at;
    let [near_parity, far_parity] = above.parity;
    let starts = [
        (near_parity + y0, near_at + y0 * above.step),
        (near_parity + y1, near_at + y1 * above.step),
        (far_parity + y0, far_at + y0 * above.step),
        (far_parity + y1, far_at + y1 * above.step),
    ];
    let [(p0, s0), (p1, s1), (p2, s2), (p3, s3)] = starts;
    // Even cells of a row that begins with red are red.
    let colours = [above.coarse[0].as_ptr(), above.coarse[1].as_ptr()];
    let row = blended.as_mut_ptr();
    let mut j = 0;
    while j < above.coarse_lanes {
        // SAFETY: `check` has seen the last row and the lengths, and lanes are whole.
        unsafe {
            let (e0, e1) = (load(colours[p0 % 2], s0 + j), load(colours[p1 % 2], s1 + j));
            let (o0, o1) = (load(colours[(p0 + 1) % 2], s0 + j), load(colours[(p1 + 1) % 2], s1 + j));
            let (mut even, mut odd) = ([0.0; LANES], [0.0; LANES]);
            for k in 0..LANES {
                even[k] = w0 * e0[k] + w1 * e1[k];
                odd[k] = w0 * o0[k] + w1 * o1[k];
            }
            if far_plane != 0.0 {
                let (e2, e3) = (load(colours[p2 % 2], s2 + j), load(colours[p3 % 2], s3 + j));
                let (o2, o3) = (load(colours[(p2 + 1) % 2], s2 + j), load(colours[(p3 + 1) % 2], s3 + j));
                for k in 0..LANES {
                    even[k] += w2 * e2[k] + w3 * e3[k];
                    odd[k] += w2 * o2[k] + w3 * o3[k];
                }
            }
            let (mut low, mut high) = ([0.0; LANES], [0.0; LANES]);
            for k in 0..LANES / 2 {
                low[2 * k] = even[k];
                low[2 * k + 1] = odd[k];
                high[2 * k] = even[LANES / 2 + k];
                high[2 * k + 1] = odd[LANES / 2 + k];
            }
            store(row, BLENDED_BEFORE + 2 * j, low);
            store(row, BLENDED_BEFORE + 2 * j + LANES, high);
        }
        j += LANES;
    }
    let (first, last) = (blended[BLENDED_BEFORE], blended[BLENDED_BEFORE + above.cells - 1]);
    blended[BLENDED_BEFORE - 1] = if above.wraps { last } else { first };
    blended[BLENDED_BEFORE + above.cells] = if above.wraps { first } else { last };
}

/// Panics unless all rows lie in their arrays.
fn check(own: usize, blended: usize, above: &Above) {
    let Some(last) = above.from_coarse.len().checked_sub(1) else {
        return;
    };
    let is_whole = above.lanes.is_multiple_of(LANES) && above.coarse_lanes.is_multiple_of(LANES);
    assert!(is_whole && above.coarse_rows > 0, "whole lanes");
    let coarse_end = above.at[0].max(above.at[1]) + (above.coarse_rows - 1) * above.step + above.coarse_lanes;
    let [red, black] = above.coarse;
    assert!(
        coarse_end <= red.len().min(black.len()),
        "coarse rows inside their colours"
    );
    assert!(
        above.fine_at + last * above.fine_step + above.lanes <= own,
        "rows inside their colour"
    );
    let length = BLENDED_BEFORE + 1 + above.lanes.max(2 * above.coarse_lanes);
    let weights = above.along[0].near.len().min(above.along[1].near.len());
    assert!(length <= blended && above.lanes <= weights, "room for a row");
}
