//! Six lenses of one day: oxygen, perfusion, phosphate, inhibition, damage, cytokine; each in its fixed range.

use super::chart::number;
use super::day_label;
use super::load::Run;
use super::map::{self, Size};
use super::section_map;
use super::sheet::{Sheet, Type};
use crate::picture::colours::{GREY, INK, Ramp, ramp_of};
use crate::picture::field::{self, Range};
use crate::picture::{Canvas, View, flow};
use crate::state::{Snapshot, Species};

/// Largest map of a panel [pt].
const LIMIT: [f64; 2] = [215.0, 330.0];
/// Room for the colour bar [pt].
const BAR: f64 = 68.0;
/// Corner of the first map [pt].
const CORNER: [f64; 2] = [48.0, 92.0];

/// A panel.
struct Panel {
    title: &'static str,
    unit: &'static str,
    ramp: Ramp,
    range: Range,
    extremes: [f64; 2],
    picture: Canvas,
}

/// Draws the six panels of a snapshot of a run.
pub fn draw(run: &Run, snapshot: &Snapshot) -> Sheet {
    let view = View::of(snapshot);
    let size = Size::within(&view, LIMIT);
    let (step_x, step_y) = (size.pt[0] + BAR + 14.0, size.pt[1] + 48.0);
    let mut sheet = Sheet::new(
        CORNER[0] + 3.0 * step_x - 4.0,
        CORNER[1] + 2.0 * step_y - 6.0,
        &format!("{}, fields on day {}", run.scenario, day_label(snapshot.day)),
        "Oxygen, perfusion, phosphate, inhibition of mineral, damage signal and cytokine, each with its colour bar.",
    );
    section_map::header(&mut sheet, run, snapshot);
    for (i, panel) in panels(snapshot, &view, size).into_iter().enumerate() {
        let corner = [CORNER[0] + (i % 3) as f64 * step_x, CORNER[1] + (i / 3) as f64 * step_y];
        let letter = char::from(b'a' + i as u8);
        sheet.text(letter.to_string(), [corner[0], corner[1] - 7.0], Type::new(10.5).bold());
        sheet.text(panel.title, [corner[0] + 13.0, corner[1] - 7.0], Type::new(9.5));
        sheet.picture(panel.picture, corner);
        sheet.frame(corner, size.pt, 0.6, INK);
        if i == 0 {
            map::depth_axis(&mut sheet, corner, size, &view);
        }
        map::scale_bar(&mut sheet, corner, size, 7.0);
        let [low, high] = panel.extremes;
        sheet.text(
            format!("here {} to {}", number(low, 0.01), number(high, 0.01)),
            [corner[0], corner[1] + size.pt[1] + 11.0],
            Type::new(7.5).colour(GREY),
        );
        map::colour_bar(
            &mut sheet,
            [corner[0] + size.pt[0] + 7.0, corner[1]],
            size.pt[1],
            panel.ramp,
            panel.range,
            panel.unit,
        );
    }
    sheet.text(
        "Solid line: dead tissue. Hollow vessels carry less than 10 % of their first flow. Colour ranges are fixed; \
         what lies beyond has the end colour.",
        [CORNER[0], CORNER[1] + 2.0 * step_y - 20.0],
        Type::new(8.0).colour(GREY),
    );
    sheet
}

fn panels(snapshot: &Snapshot, view: &View, size: Size) -> Vec<Panel> {
    let scale = size.scale();
    let field = |species: Species, title, unit| Panel {
        title,
        unit,
        ramp: ramp_of(species),
        range: Range::of(species),
        extremes: field::extremes(&field::values(snapshot, view, species)),
        picture: field::draw(snapshot, view, species, scale.px_per_um, scale.px_per_pt),
    };
    let flows: Vec<f64> = snapshot.segments.iter().map(|s| f64::from(s.relative_flow)).collect();
    vec![
        field(Species::Oxygen, "Oxygen", "PO₂, mmHg"),
        Panel {
            title: "Perfusion by segment",
            unit: "flow / flow at day 0",
            ramp: flow::RAMP,
            range: flow::RANGE,
            extremes: field::extremes(&flows),
            picture: flow::draw(snapshot, view, scale.px_per_um, scale.px_per_pt),
        },
        field(Species::Phosphate, "Phosphate", "mmol/L"),
        field(Species::Inhibitor, "Inhibition of mineral", "0 none, 1 full"),
        field(Species::Damage, "Damage signal", "a.u. (1 = in fresh necrosis)"),
        field(Species::Cytokine, "Cytokine (TNF, IL-6)", "a.u."),
    ]
}
