//! Perfusion: each segment coloured by its flow relative to the start of the run.

use super::View;
use super::canvas::Canvas;
use super::colours::{self, BATLOW, Ramp};
use super::field::{self, Range};
use super::section::{self, NO_FLOW};
use crate::math;
use crate::state::Snapshot;

/// Ramp of relative flow.
pub const RAMP: Ramp = BATLOW;

/// Range of relative flow.
pub const RANGE: Range = Range { low: 0.0, high: 1.5 };

/// The network on pale tissue; a segment with less than a tenth of its first flow is hollow.
pub fn draw(snapshot: &Snapshot, view: &View, px_per_um: f64, px_per_pt: f64) -> Canvas {
    let [width, height] = view.extent_um();
    let mut canvas = Canvas::new(
        (width * px_per_um).round() as usize,
        (height * px_per_um).round() as usize,
        colours::rgb(0xf1f0ee),
    );
    let drawn: Vec<_> = section::by_radius(snapshot)
        .into_iter()
        .map(|s| (s, section::pieces_px(s, view, px_per_um)))
        .collect();
    for (halo, pass) in [(0.8 * px_per_pt, 0), (0.0, 1)] {
        for (segment, pieces) in &drawn {
            let still = f64::from(segment.relative_flow) < NO_FLOW;
            let width = math::max(
                2.0 * f64::from(segment.radius_um) * px_per_um,
                if still { 0.5 } else { 0.9 } * px_per_pt,
            );
            let colour = match (pass, still) {
                (0, true) => colours::rgb(0x9a9a9a),
                (0, false) => colours::rgb(0x2a2a2a),
                (_, true) => colours::WHITE,
                (_, false) => RAMP.at(RANGE.place(f64::from(segment.relative_flow))),
            };
            let halo = if still { halo * 0.6 } else { halo * 0.5 };
            for [a, b] in pieces {
                canvas.line(*a, *b, width + 2.0 * halo, colour, 1.0);
            }
        }
    }
    field::outline_necrosis(&mut canvas, snapshot, view, px_per_um, px_per_pt);
    canvas
}
