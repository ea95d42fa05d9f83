//! The network by what its blood does: flow, oxygen tension, haematocrit, or where it comes from.
//!
//! A section and a plan are drawn as they lie; a block is drawn whole, looked at from the front and above (the nearest
//! vessels last).

use super::View;
use super::canvas::{Canvas, Point, Rgb, mix};
use super::colours::{self, BATLOW, LAJOLLA, OKABE_ITO, Ramp, WHITE};
use super::field::Range;
use super::section::{self, NO_FLOW, Scale};
use crate::grid::Plane;
use crate::math;
use crate::state::snapshot::SegmentView;
use crate::state::{Snapshot, Species};

/// What colours the vessels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// Flow, by its decimal logarithm in nl/min.
    Flow,
    /// Oxygen tension of the blood [mmHg].
    Tension,
    /// Discharge haematocrit.
    Haematocrit,
    /// The inlet that most of the blood comes from; paler where less of it does.
    Territory,
}

impl Shown {
    /// Colours and fixed range; none for territories.
    pub fn ramp(self) -> Option<(Ramp, Range)> {
        let range = |low, high| Range { low, high };
        match self {
            Self::Flow => Some((BATLOW, range(-2.0, 3.0))),
            Self::Tension => Some((colours::ramp_of(Species::Oxygen), range(0.0, 100.0))),
            Self::Haematocrit => Some((LAJOLLA, range(0.0, 0.8))),
            Self::Territory => None,
        }
    }

    /// The value that places a vessel in the range.
    pub fn value(self, segment: &SegmentView) -> f64 {
        match self {
            Self::Flow => math::ln(math::max(f64::from(segment.flow_nl_per_min.abs()), 1e-9)) / math::ln(10.0),
            Self::Tension => f64::from(segment.po2_mmhg),
            Self::Haematocrit => f64::from(segment.haematocrit),
            Self::Territory => f64::from(segment.feeder_share),
        }
    }
}

/// Whether a vessel hardly carries blood.
pub fn is_still(segment: &SegmentView) -> bool {
    segment.flow_nl_per_min == 0.0 || f64::from(segment.relative_flow) < NO_FLOW
}

/// Colour of a territory.
pub fn territory(inlet: u32) -> Rgb {
    OKABE_ITO[inlet as usize % OKABE_ITO.len()]
}

/// How far a block's depth in y shifts a point to the right and up, per µm.
const OBLIQUE: [f64; 2] = [0.45, 0.28];

/// Where vessels fall on the picture.
pub struct Frame {
    view: View,
    /// Breadth of a block [µm]; 0 for a plane.
    broad_um: f64,
}

impl Frame {
    /// Of a snapshot.
    pub fn of(snapshot: &Snapshot) -> Self {
        let grid = &snapshot.grid;
        let broad_um = if grid.plane == Plane::Block {
            grid.extent_um()[1]
        } else {
            0.0
        };
        Self {
            view: View::of(snapshot),
            broad_um,
        }
    }

    /// The plane, for axes and scale bars.
    pub fn view(&self) -> &View {
        &self.view
    }

    /// Width and height of the picture [µm].
    pub fn extent_um(&self) -> Point {
        let [x, z] = self.view.extent_um();
        [x + OBLIQUE[0] * self.broad_um, z + OBLIQUE[1] * self.broad_um]
    }

    /// The straight pieces with which a vessel appears [µm].
    fn pieces_um(&self, segment: &SegmentView) -> Vec<[Point; 2]> {
        if self.broad_um == 0.0 {
            return self.view.pieces_um(segment);
        }
        let [wide, _] = self.view.extent_um();
        let [a, b] = segment.ends_um.map(|p| p.map(f64::from));
        // Around a side by the short way; what sticks out there shows that the block goes on.
        let near = |from: f64, to: f64, extent: f64| to - ((to - from) / extent).round() * extent;
        let b = [near(a[0], b[0], wide), near(a[1], b[1], self.broad_um), b[2]];
        let lay = |p: [f64; 3]| [p[0] + OBLIQUE[0] * p[1], p[2] + OBLIQUE[1] * (self.broad_um - p[1])];
        vec![[lay(a), lay(b)]]
    }
}

/// The network on white.
pub fn draw(snapshot: &Snapshot, frame: &Frame, shown: Shown, scale: Scale) -> Canvas {
    let size = frame.extent_um().map(|um| (um * scale.px_per_um).round() as usize);
    let mut canvas = Canvas::new(size[0], size[1], colours::rgb(0xf7f6f4));
    let mut segments = section::by_radius(snapshot);
    if frame.broad_um > 0.0 {
        // Farthest first.
        let away = |s: &SegmentView| s.ends_um[0][1] + s.ends_um[1][1];
        segments.sort_by(|a, b| away(b).total_cmp(&away(a)));
    }
    let thinnest = if frame.broad_um > 0.0 { 0.35 } else { 0.9 };
    for segment in segments {
        let still = is_still(segment);
        let colour = match shown.ramp() {
            _ if still => colours::rgb(0xb9b6b2),
            Some((ramp, range)) => ramp.at(range.place(shown.value(segment))),
            None => mix(WHITE, territory(segment.feeder), 0.25 + 0.75 * shown.value(segment)),
        };
        let width = math::max(
            2.0 * f64::from(segment.radius_um) * scale.px_per_um,
            if still { 0.5 } else { 1.0 } * thinnest * scale.px_per_pt,
        );
        for ends in frame.pieces_um(segment) {
            let [a, b] = ends.map(|p| p.map(|um| um * scale.px_per_um));
            canvas.line(a, b, width, colour, 1.0);
        }
    }
    canvas
}
