//! The network of one day in four lenses: flow, oxygen tension of the blood, haematocrit, territories of its inlets.

use super::chart::number;
use super::load::Run;
use super::map::{self, Size};
use super::sheet::{Sheet, Type};
use super::{day_label, section_map};
use crate::math;
use crate::picture::colours::{GREY, INK};
use crate::picture::network::{self, Frame, Shown};
use crate::state::Snapshot;

/// Largest map of a panel [pt].
const LIMIT: [f64; 2] = [300.0, 400.0];
/// Room for the colour bar [pt].
const BAR: f64 = 66.0;
/// Corner of the first map [pt].
const CORNER: [f64; 2] = [48.0, 92.0];
/// Territories that the legend names.
const NAMED: usize = 12;

const PANELS: [(Shown, &str, &str); 4] = [
    (Shown::Flow, "Flow", "log₁₀ of flow, nl/min"),
    (Shown::Tension, "Oxygen tension of the blood", "PO₂, mmHg"),
    (Shown::Haematocrit, "Haematocrit", "discharge haematocrit"),
    (Shown::Territory, "Territories of the inlets", ""),
];

/// Draws the four panels of a snapshot of a run.
pub fn draw(run: &Run, snapshot: &Snapshot) -> Sheet {
    let title = format!("{}, network on day {}", run.scenario, day_label(snapshot.day));
    page(snapshot, &title, |sheet| section_map::header(sheet, run, snapshot))
}

/// The four panels under any header.
pub fn page(snapshot: &Snapshot, title: &str, header: impl FnOnce(&mut Sheet)) -> Sheet {
    let frame = Frame::of(snapshot);
    let size = Size::of_extent(frame.extent_um(), LIMIT);
    let (step_x, step_y) = (size.pt[0] + BAR + 14.0, size.pt[1] + 48.0);
    let mut sheet = Sheet::new(
        CORNER[0] + 2.0 * step_x + 16.0,
        CORNER[1] + 2.0 * step_y,
        title,
        "Flow, oxygen tension, haematocrit and territories of the vessels, each with its colours.",
    );
    header(&mut sheet);
    let flowing = || snapshot.segments.iter().filter(|s| !network::is_still(s));
    for (i, &(shown, name, unit)) in PANELS.iter().enumerate() {
        let corner = [CORNER[0] + (i % 2) as f64 * step_x, CORNER[1] + (i / 2) as f64 * step_y];
        let letter = char::from(b'a' + i as u8);
        sheet.text(letter.to_string(), [corner[0], corner[1] - 7.0], Type::new(10.5).bold());
        sheet.text(name, [corner[0] + 13.0, corner[1] - 7.0], Type::new(9.5));
        sheet.picture(network::draw(snapshot, &frame, shown, size.scale()), corner);
        sheet.frame(corner, size.pt, 0.6, INK);
        if i == 0 && frame.extent_um() == frame.view().extent_um() {
            map::depth_axis(&mut sheet, corner, size, frame.view());
        }
        map::scale_bar(&mut sheet, corner, size, 7.0);
        let right = [corner[0] + size.pt[0] + 7.0, corner[1]];
        match shown.ramp() {
            Some((ramp, range)) => {
                let values: Vec<f64> = flowing().map(|s| shown.value(s)).collect();
                let [low, high] = crate::picture::field::extremes(&values);
                sheet.text(
                    format!("here {} to {}", number(low, 0.01), number(high, 0.01)),
                    [corner[0], corner[1] + size.pt[1] + 11.0],
                    Type::new(7.5).colour(GREY),
                );
                map::colour_bar(&mut sheet, right, size.pt[1], ramp, range, unit);
            }
            None => territories(&mut sheet, snapshot, right),
        }
    }
    let still = snapshot.segments.len() - flowing().count();
    sheet.text(
        format!(
            "Grey vessels carry less than 10 % of their first flow ({still} of {}). Colour ranges are fixed; what lies \
             beyond has the end colour. Simulated, not a patient image.",
            snapshot.segments.len()
        ),
        [CORNER[0], CORNER[1] + 2.0 * step_y - 16.0],
        Type::new(8.0).colour(GREY),
    );
    sheet
}

/// Inlets with their colour, inflow and share of the vessel length.
fn territories(sheet: &mut Sheet, snapshot: &Snapshot, corner: [f64; 2]) {
    let length = |s: &crate::state::snapshot::SegmentView| {
        let [a, b] = s.ends_um;
        let d = snapshot.grid.offset_um(a.map(f64::from), b.map(f64::from));
        (d[0] * d[0] + d[1] * d[1] + d[2] * d[2]).sqrt()
    };
    let of = |inlet: usize| {
        snapshot
            .segments
            .iter()
            .filter(|s| s.feeder as usize == inlet && !network::is_still(s))
            .fold(0.0, |sum, s| sum + length(s))
    };
    let all = math::max(snapshot.segments.iter().fold(0.0, |sum, s| sum + length(s)), 1e-9);
    let mut order: Vec<(usize, f64)> = (0..snapshot.inlets.len()).map(|i| (i, of(i))).collect();
    order.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let mut y = corner[1] + 8.0;
    for &(inlet, own) in order.iter().take(NAMED) {
        sheet.rectangle([corner[0], y - 6.0], [7.0, 7.0], network::territory(inlet as u32), 1.0);
        let flow = f64::from(snapshot.inlets[inlet].inflow_nl_per_min);
        sheet.text(
            match 100.0 * own / all {
                share if share < 1.0 => "< 1 % of length".to_owned(),
                share => format!("{share:.0} % of length"),
            },
            [corner[0] + 10.0, y],
            Type::new(7.0),
        );
        let inflow = format!("{} nl/min", number(flow, if flow < 10.0 { 0.1 } else { 1.0 }));
        sheet.text(inflow, [corner[0] + 10.0, y + 8.5], Type::new(7.0).colour(GREY));
        y += 21.0;
    }
    if order.len() > NAMED {
        let more = format!("and {} more", order.len() - NAMED);
        sheet.text(more, [corner[0], y], Type::new(7.0).colour(GREY));
    }
}
