//! Texture: numbers from a place alone. It carries no data; it is what a picture needs below the size of a voxel.

/// A number in 0..1 from a place of a lattice.
pub(crate) fn grain(x: i64, y: i64) -> f64 {
    let mut h = (x as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (y as u64).wrapping_mul(0xc2b2_ae3d_27d4_eb4f);
    h ^= h >> 29;
    h = h.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    h ^= h >> 32;
    (h & 0xffff) as f64 / 65536.0
}

/// Smooth noise in 0..1 with a period of one unit; for places that are not negative.
pub(crate) fn noise(x: f64, y: f64) -> f64 {
    let (x0, y0) = (x as i64 as f64, y as i64 as f64);
    let ease = |t: f64| t * t * (3.0 - 2.0 * t);
    let (tx, ty) = (ease(x - x0), ease(y - y0));
    let corner = |dx: i64, dy: i64| grain(x0 as i64 + dx, y0 as i64 + dy);
    let row = |dy: i64| corner(0, dy) * (1.0 - tx) + corner(1, dy) * tx;
    row(0) * (1.0 - ty) + row(1) * ty
}

/// A number in 0..1 from an identity and a purpose.
pub(crate) fn of_id(id: u64, purpose: i64) -> f64 {
    grain((id ^ (id >> 31)) as i64, purpose.wrapping_mul(7919) ^ (id >> 17) as i64)
}

/// Spots of a lattice: how much of the place lies in one, 0-1. Each cell of `pitch` µm holds a spot with the chance that
/// `density` gives to its number; an ellipse of half-axes `half` µm, its long axis at `slope` (rise over run as a unit
/// vector); `soft` is the size of a pixel [µm].
pub(crate) fn spots(
    place: [f64; 2],
    pitch: f64,
    density: f64,
    half: [f64; 2],
    along: [f64; 2],
    soft: f64,
    salt: i64,
) -> f64 {
    let (i0, j0) = ((place[0] / pitch).floor() as i64, (place[1] / pitch).floor() as i64);
    // Neighbours on the nearer side only: a spot is smaller than half a cell.
    let side = |value: f64, i: i64| if value / pitch - (i as f64) < 0.5 { -1 } else { 1 };
    let (di, dj) = (side(place[0], i0), side(place[1], j0));
    let mut most = 0.0;
    for (i, j) in [(i0, j0), (i0 + di, j0), (i0, j0 + dj), (i0 + di, j0 + dj)] {
        if grain(i ^ (salt << 20), j) >= density {
            continue;
        }
        let jitter = |salt: i64| 0.15 + 0.7 * grain(i + (salt << 21), j + 977 * salt);
        let dx = place[0] - (i as f64 + jitter(salt + 1)) * pitch;
        let dy = place[1] - (j as f64 + jitter(salt + 2)) * pitch;
        let (u, v) = (dx * along[0] + dy * along[1], dy * along[0] - dx * along[1]);
        let size = 0.8 + 0.4 * grain(i + 31, j + (salt << 19));
        let (a, b) = (half[0] * size, half[1] * size);
        let reach = ((u / a) * (u / a) + (v / b) * (v / b)).sqrt();
        let small = if a < b { a } else { b };
        // A spot smaller than a pixel fades instead of flickering.
        let fade = crate::math::unit(2.0 * small / soft);
        let cover = crate::math::unit((1.0 - reach) * small / soft + 0.5) * fade;
        if cover > most {
            most = cover;
        }
    }
    most
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texture_is_a_function_of_the_place_and_stays_between_0_and_1() {
        for i in 0..2000 {
            let (x, y) = (f64::from(i) * 1.37, f64::from(i) * 0.71);
            let value = noise(x, y);
            assert!((0.0..=1.0).contains(&value));
            assert_eq!(value.to_bits(), noise(x, y).to_bits());
            assert!((0.0..=1.0).contains(&spots([x, y], 10.0, 0.5, [3.0, 1.5], [1.0, 0.0], 1.0, 3)));
        }
    }

    #[test]
    fn spots_cover_the_area_of_their_ellipses() {
        let mut sum = 0.0;
        for y in 0..300 {
            for x in 0..300 {
                sum += spots([f64::from(x), f64::from(y)], 20.0, 1.0, [5.0, 5.0], [1.0, 0.0], 1.0, 1);
            }
        }
        let share = sum / 90_000.0;
        let expected = std::f64::consts::PI * 25.0 / 400.0;
        assert!((share - expected).abs() < 0.25 * expected, "{share} and {expected}");
    }
}
