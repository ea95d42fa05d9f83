//! What a lens shows of a snapshot: pixels and lines, no files, no fonts.
//!
//! `view` flattens a snapshot to a plane, `canvas` holds pixels, `colours` the tables, `contour` the level lines;
//! `section` draws the tissue with its vessels, `field` one substance, `flow` the blood flow,
//! `network` what the blood of each vessel does, `surface` the skin from above. `biopsy` cuts a punch and reads it, `stain` draws what it shows; `texture`
//! is what lies below a voxel.

pub mod biopsy;
pub mod canvas;
pub mod colours;
pub mod contour;
pub mod field;
pub mod flow;
pub mod network;
pub mod section;
pub mod stain;
pub mod surface;
mod texture;
pub mod view;

pub use canvas::{Canvas, Rgb};
pub use view::View;

/// Lengths that a scale bar may have [µm].
const SCALE_BARS_UM: [f64; 9] = [20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0, 5000.0, 10_000.0];

/// Length of the scale bar of a picture so wide: of the fixed series, the nearest to a fifth of the width [µm].
pub fn scale_bar_um(width_um: f64) -> f64 {
    let wish = width_um / 5.0;
    // Nearest by ratio, so that 300 is as far from 200 as from 450.
    let distance = |bar: f64| crate::math::ln(bar / wish).abs();
    SCALE_BARS_UM
        .into_iter()
        .reduce(|best, bar| if distance(bar) < distance(best) { bar } else { best })
        .unwrap_or(100.0)
}

/// A scale bar's length in words.
pub fn scale_bar_label(bar_um: f64) -> String {
    if bar_um >= 1000.0 {
        format!("{} mm", bar_um / 1000.0)
    } else {
        format!("{bar_um} µm")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_bar_is_of_the_series_and_near_a_fifth() {
        assert_eq!(scale_bar_um(4000.0), 1000.0);
        assert_eq!(scale_bar_um(1000.0), 200.0);
        assert_eq!(scale_bar_label(1000.0), "1 mm");
        assert_eq!(scale_bar_label(200.0), "200 µm");
    }
}
