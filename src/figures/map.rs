//! What maps share: how large a plane is on paper, scale bar, colour bar, edge of an ulcer.

use super::chart::{number, ticks};
use super::sheet::{Anchor, PX_PER_PT, Sheet, Type};
use crate::math;
use crate::picture::canvas::Point;
use crate::picture::colours::{GREY, INK, Ramp, WHITE};
use crate::picture::field::Range;
use crate::picture::section::{self, Scale};
use crate::picture::{Canvas, View, scale_bar_label, scale_bar_um};
use crate::state::Snapshot;

/// A plane on paper.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Size {
    /// Width and height [pt].
    pub pt: Point,
    /// Points in a micrometre.
    pub pt_per_um: f64,
}

impl Size {
    /// The largest size of a plane within a box [pt].
    pub fn within(view: &View, limit: Point) -> Self {
        Self::of_extent(view.extent_um(), limit)
    }

    /// The largest size of a picture of so many µm within a box [pt].
    pub fn of_extent([width, height]: Point, limit: Point) -> Self {
        let pt_per_um = math::min(limit[0] / width, limit[1] / height);
        Self {
            pt: [width * pt_per_um, height * pt_per_um],
            pt_per_um,
        }
    }

    /// Scale of pixels.
    pub fn scale(self) -> Scale {
        Scale {
            px_per_um: self.pt_per_um * PX_PER_PT,
            px_per_pt: PX_PER_PT,
        }
    }
}

/// A scale bar in the lower left corner of a map, on a translucent plate.
pub fn scale_bar(sheet: &mut Sheet, corner: Point, size: Size, text_size: f64) {
    let bar_um = scale_bar_um(size.pt[0] / size.pt_per_um);
    let length = bar_um * size.pt_per_um;
    let label = scale_bar_label(bar_um);
    let face = Type::new(text_size).bold().anchor(Anchor::Middle);
    let width = math::max(length, super::sheet::text_width(&label, face)) + 10.0;
    let height = text_size + 12.0;
    let [x, y] = [corner[0] + 5.0, corner[1] + size.pt[1] - 5.0 - height];
    sheet.rectangle([x, y], [width, height], WHITE, 0.82);
    let middle = x + width / 2.0;
    sheet.text(label, [middle, y + text_size + 1.5], face);
    let bar_y = y + height - 5.0;
    sheet.rectangle([middle - length / 2.0, bar_y], [length, 2.2], INK, 1.0);
}

/// Black bars above the surface where it is open.
pub fn ulcer_bars(sheet: &mut Sheet, corner: Point, size: Size, snapshot: &Snapshot, view: &View) {
    let voxel = view.voxel_um * size.pt_per_um;
    for [from, end] in section::ulcers(snapshot, view) {
        let x = corner[0] + from as f64 * voxel;
        let width = (end - from) as f64 * voxel;
        sheet.rectangle([x, corner[1] - 5.0], [width, 3.2], INK, 1.0);
    }
}

/// A vertical colour bar to the right of a map, with its range and unit.
pub fn colour_bar(sheet: &mut Sheet, corner: Point, height: f64, ramp: Ramp, range: Range, unit: &str) {
    const WIDTH: f64 = 8.0;
    const TEXT: f64 = 7.5;
    let px = |pt: f64| (pt * PX_PER_PT).round() as usize;
    let mut bar = Canvas::new(px(WIDTH), px(height), WHITE);
    let rows = bar.height as f64;
    bar.shade(|_, y| Some((ramp.at(1.0 - (y as f64 + 0.5) / rows), 1.0)));
    sheet.picture(bar, corner);
    sheet.frame(corner, [WIDTH, height], 0.5, INK);
    let marks = ticks(range.low, range.high, 5.0);
    let step = marks.get(1).map_or(1.0, |second| second - marks[0]);
    for value in marks {
        let y = corner[1] + height * (1.0 - range.place(value));
        let x = corner[0] + WIDTH;
        sheet.line(&[[x, y], [x + 2.5, y]], 0.5, INK);
        sheet.text(
            number(value, step),
            [x + 4.5, y + 0.36 * TEXT],
            Type::new(TEXT).colour(GREY),
        );
    }
    sheet.text(
        unit,
        [corner[0] + WIDTH + 28.0, corner[1] + height / 2.0],
        Type::new(TEXT).anchor(Anchor::Middle).upward(),
    );
}

/// Ticks of depth (or of y) to the left of a map.
pub fn depth_axis(sheet: &mut Sheet, corner: Point, size: Size, view: &View) {
    const TEXT: f64 = 7.5;
    let depth_mm = size.pt[1] / size.pt_per_um / 1000.0;
    let marks = ticks(0.0, depth_mm, 5.0);
    let step = marks.get(1).copied().unwrap_or(1.0);
    for value in marks {
        let y = corner[1] + value * 1000.0 * size.pt_per_um;
        sheet.line(&[[corner[0] - 3.0, y], [corner[0], y]], 0.5, INK);
        sheet.text(
            number(value, step),
            [corner[0] - 5.0, y + 0.36 * TEXT],
            Type::new(TEXT).colour(GREY).anchor(Anchor::End),
        );
    }
    sheet.text(
        if view.depth_down {
            "depth below the surface, mm"
        } else {
            "y, mm"
        },
        [corner[0] - 24.0, corner[1] + size.pt[1] / 2.0],
        Type::new(TEXT + 0.5).anchor(Anchor::Middle).upward(),
    );
}
