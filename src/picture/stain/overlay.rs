//! Inflammatory cells, and what no stain shows but a reader of a model wants: stem cells, borders of hypoxia and dead tissue.

use super::palette::Palette;
use super::{Marks, Window};
use crate::picture::biopsy::{Cut, Lens};
use crate::picture::canvas::{Canvas, Point, mix};
use crate::picture::colours::{self, INK, WHITE};
use crate::picture::contour;
use crate::picture::field::Stroke;
use crate::picture::section::{Scale, hypoxia_stroke, necrosis_stroke};
use crate::picture::texture::grain;
use crate::state::snapshot::CellKind;
use crate::state::{Snapshot, Species, Vitality};

fn to_px(place: Point, window: Window, scale: Scale) -> Point {
    [
        (place[0] - window.corner_um[0]) * scale.px_per_um,
        (place[1] - window.corner_um[1]) * scale.px_per_um,
    ]
}

/// Cells of inflammation by size and form: neutrophils as a few small lobes, macrophages as large pale cells. Stem cells are
/// marks, not stained cells.
pub fn cells(
    canvas: &mut Canvas,
    snapshot: &Snapshot,
    cut: &Cut,
    palette: &Palette,
    window: Window,
    scale: Scale,
    marks: Marks,
) {
    let s = scale.px_per_um;
    // Too small for its form, a cell is a dot that can still be seen.
    let least = |radius: f64| crate::math::max(radius * s, 0.85);
    for cell in &cut.cells {
        if snapshot.vitality[cell.voxel as usize] == Vitality::Gone {
            continue;
        }
        let place = to_px(cell.place_um, window, scale);
        let (i, j) = (cell.place_um[0] as i64, cell.place_um[1] as i64);
        let nucleus = mix(palette.epidermis, palette.nucleus, 0.4 + 0.6 * palette.nuclear);
        match cell.kind {
            CellKind::Neutrophil => {
                canvas.disc(place, least(4.2), mix(palette.collagen, WHITE, 0.3), 0.5);
                for lobe in 0..3 {
                    let turn = std::f64::consts::TAU * (f64::from(lobe) / 3.0 + grain(i, j));
                    let (dx, dy) = (crate::math::cos(turn), crate::math::sin(turn));
                    let at = [place[0] + 1.9 * s * dx, place[1] + 1.9 * s * dy];
                    canvas.disc(at, least(1.7), nucleus, 0.95);
                }
            }
            CellKind::Macrophage => {
                canvas.disc(place, least(8.0), mix(palette.collagen, WHITE, 0.45), 0.9);
                canvas.ring(place, least(8.0), 0.6, palette.media);
                let off = (grain(j, i) - 0.5) * 5.0 * s;
                canvas.disc([place[0] + off, place[1]], least(3.2), nucleus, 0.95);
            }
            CellKind::Msc => {
                if marks == Marks::All {
                    msc_mark(
                        canvas,
                        place,
                        crate::math::max(11.0 * s, 2.2 * scale.px_per_pt),
                        scale.px_per_pt,
                    );
                }
            }
        }
    }
}

/// An outlined triangle: a stem cell.
pub fn msc_mark(canvas: &mut Canvas, place: Point, size: f64, px_per_pt: f64) {
    let corners = |size: f64| {
        [
            [place[0], place[1] - size],
            [place[0] + 0.87 * size, place[1] + 0.5 * size],
            [place[0] - 0.87 * size, place[1] + 0.5 * size],
        ]
    };
    canvas.polygon(&corners(size + 1.1 * px_per_pt), WHITE, 1.0);
    canvas.polygon(&corners(size + 0.2 * px_per_pt), INK, 1.0);
    canvas.polygon(&corners(size - 0.7 * px_per_pt), colours::MSC, 1.0);
}

/// Border of living tissue below the tension of hypoxia (dashed) and of dead tissue (solid).
pub fn borders(canvas: &mut Canvas, snapshot: &Snapshot, cut: &Cut, lens: &Lens, window: Window, scale: Scale) {
    let [nx, nz] = cut.shape;
    let at = |i: usize| cut.voxels[i] as usize;
    let oxygen = &snapshot.fields[Species::Oxygen as usize];
    let tension: Vec<f64> = (0..nx * nz).map(|i| f64::from(oxygen[at(i)].to_f32())).collect();
    let dead: Vec<bool> = (0..nx * nz)
        .map(|i| snapshot.vitality[at(i)] == Vitality::Necrotic)
        .collect();
    let pt = scale.px_per_pt;
    let mut trace = |values: &[f64], level: f64, stroke: Stroke<'_>| {
        for line in contour::lines(values, nx, nz, level) {
            let line: Vec<Point> = line
                .iter()
                .map(|p| [p[0] * cut.voxel_um + cut.inset_um, p[1] * cut.voxel_um])
                .map(|p| to_px(p, window, scale))
                .collect();
            canvas.polyline(&line, 0.7 * (stroke.width + 2.0 * stroke.halo), WHITE, stroke.dash);
            canvas.polyline(&line, 0.7 * stroke.width, stroke.colour, stroke.dash);
        }
    };
    trace(&tension, lens.hypoxia_mmhg, hypoxia_stroke(pt));
    trace(&contour::smooth(&dead, nx, nz, 2), 0.5, necrosis_stroke(pt));
}
