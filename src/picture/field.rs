//! One substance as colours, and the difference of two snapshots.

use super::canvas::{Canvas, Rgb};
use super::colours::{self, Ramp, VIK};
use super::{View, contour};
use crate::math;
use crate::state::{Snapshot, Species, Vitality};

/// Values that a ramp spans.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    /// Value of the first colour.
    pub low: f64,
    /// Value of the last colour.
    pub high: f64,
}

impl Range {
    /// The fixed physical range of a field: two pictures with one colour bar can be compared.
    pub fn of(species: Species) -> Self {
        let (low, high) = species.picture_range();
        Self { low, high }
    }

    /// Place of a value in the range, 0-1 inside.
    pub fn place(self, value: f64) -> f64 {
        (value - self.low) / (self.high - self.low)
    }
}

/// Values of a field in the plane.
pub fn values(snapshot: &Snapshot, view: &View, species: Species) -> Vec<f64> {
    let field = &snapshot.fields[species as usize];
    view.flat(|voxel| f64::from(field[voxel].to_f32()))
}

/// Smallest and largest value, 0 and 0 for nothing.
pub fn extremes(values: &[f64]) -> [f64; 2] {
    let mut known = values.iter().copied().filter(|v| v.is_finite());
    match known.next() {
        None => [0.0; 2],
        Some(first) => known.fold([first; 2], |[low, high], v| [math::min(low, v), math::max(high, v)]),
    }
}

/// Paints values of the plane, linear between centres.
pub fn paint(values: &[f64], view: &View, px_per_um: f64, ramp: Ramp, range: Range) -> Canvas {
    let [width, height] = view.extent_um();
    let mut canvas = Canvas::new(
        (width * px_per_um).round() as usize,
        (height * px_per_um).round() as usize,
        colours::WHITE,
    );
    let table = ramp.table();
    let voxels_per_px = 1.0 / (px_per_um * view.voxel_um);
    canvas.shade(|x, y| {
        let point = [(x as f64 + 0.5) * voxels_per_px, (y as f64 + 0.5) * voxels_per_px];
        let place = range.place(contour::at(values, view.nx, view.ny, point));
        let index = math::clamp(place * 255.0, 0.0, 255.0).round() as usize;
        Some((table[index], 1.0))
    });
    canvas
}

/// One field of a snapshot in its fixed range, with the outline of dead tissue.
pub fn draw(snapshot: &Snapshot, view: &View, species: Species, px_per_um: f64, px_per_pt: f64) -> Canvas {
    let values = values(snapshot, view, species);
    let mut canvas = paint(&values, view, px_per_um, colours::ramp_of(species), Range::of(species));
    outline_necrosis(&mut canvas, snapshot, view, px_per_um, px_per_pt);
    canvas
}

/// A field in one snapshot minus the same in another, blue for less and red for more, white-grey for equal.
pub fn draw_difference(
    snapshot: &Snapshot,
    reference: &Snapshot,
    view: &View,
    species: Species,
    limit: f64,
    px_per_um: f64,
    px_per_pt: f64,
) -> Canvas {
    let theirs = values(reference, view, species);
    let difference: Vec<f64> = values(snapshot, view, species)
        .iter()
        .zip(theirs)
        .map(|(a, b)| a - b)
        .collect();
    let range = Range {
        low: -limit,
        high: limit,
    };
    let mut canvas = paint(&difference, view, px_per_um, VIK, range);
    outline_necrosis(&mut canvas, snapshot, view, px_per_um, px_per_pt);
    canvas
}

/// The border of dead tissue, dark with a light halo: seen on every ramp.
pub fn outline_necrosis(canvas: &mut Canvas, snapshot: &Snapshot, view: &View, px_per_um: f64, px_per_pt: f64) {
    let dead = view.flat(|v| snapshot.vitality[v] == Vitality::Necrotic);
    let mask = contour::smooth(&dead, view.nx, view.ny, 2);
    trace(
        canvas,
        &mask,
        view,
        0.5,
        px_per_um,
        Stroke {
            width: 1.1 * px_per_pt,
            colour: colours::NECROSIS_LINE,
            halo: 0.7 * px_per_pt,
            dash: &[],
        },
    );
}

/// How a level line is drawn; lengths in pixels.
#[derive(Clone, Copy, Debug)]
pub struct Stroke<'a> {
    /// Width.
    pub width: f64,
    /// Colour.
    pub colour: Rgb,
    /// Width of the white halo on each side.
    pub halo: f64,
    /// Lengths on and off, empty for a solid line.
    pub dash: &'a [f64],
}

/// Draws the line along which values cross a level.
pub fn trace(canvas: &mut Canvas, values: &[f64], view: &View, level: f64, px_per_um: f64, stroke: Stroke<'_>) {
    let scale = view.voxel_um * px_per_um;
    for line in contour::lines(values, view.nx, view.ny, level) {
        let line: Vec<[f64; 2]> = line.iter().map(|p| [p[0] * scale, p[1] * scale]).collect();
        canvas.polyline(&line, stroke.width + 2.0 * stroke.halo, colours::WHITE, stroke.dash);
        canvas.polyline(&line, stroke.width, stroke.colour, stroke.dash);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_has_its_place_in_the_range() {
        let range = Range::of(Species::Oxygen);
        assert_eq!(range.place(0.0), 0.0);
        assert_eq!(range.place(50.0), 0.5);
        assert_eq!(extremes(&[]), [0.0, 0.0]);
        assert_eq!(extremes(&[2.0, f64::NAN, -1.0]), [-1.0, 2.0]);
    }
}
