//! The map of one day: tissue, vessels and what became of them.

use super::legend;
use super::load::Run;
use super::map::{self, Size};
use super::sheet::{Sheet, Type};
use super::{DISCLAIMER, day_label};
use crate::math;
use crate::picture::colours::{GREY, INK, THROMBUS};
use crate::picture::{View, section};
use crate::state::{Kind, Snapshot, Vitality};

/// Largest map [pt].
const LIMIT: [f64; 2] = [500.0, 780.0];
/// Width of the legend [pt].
const LEGEND: f64 = 205.0;
/// Place of the map's corner [pt].
const CORNER: [f64; 2] = [48.0, 72.0];

/// Draws the map of a snapshot of a run.
pub fn draw(run: &Run, snapshot: &Snapshot) -> Sheet {
    let view = View::of(snapshot);
    let size = Size::within(&view, LIMIT);
    let entries = legend::entries(&[snapshot], run.hypoxia_mmhg);
    let legend_height = legend::height(&entries, 1) + 84.0;
    let width = CORNER[0] + size.pt[0] + 24.0 + LEGEND;
    let height = CORNER[1] + math::max(size.pt[1], legend_height) + 20.0;
    let sentence = summary(snapshot, &view);
    let day = day_label(snapshot.day);
    let mut sheet = Sheet::new(width, height, &format!("{}, day {day}", run.scenario), &sentence);
    header(&mut sheet, run, snapshot);
    let picture = section::draw(snapshot, &view, size.scale(), run.hypoxia_mmhg);
    sheet.picture(picture, CORNER);
    sheet.frame(CORNER, size.pt, 0.6, INK);
    map::ulcer_bars(&mut sheet, CORNER, size, snapshot, &view);
    map::depth_axis(&mut sheet, CORNER, size, &view);
    map::scale_bar(&mut sheet, CORNER, size, 8.5);
    let x = CORNER[0] + size.pt[0] + 24.0;
    let foot = CORNER[1] + legend::height(&entries, 1) + 18.0;
    legend::draw(&mut sheet, entries, [x, CORNER[1]], 1, LEGEND);
    let foot = sheet.paragraph(&sentence, [x, foot], LEGEND - 14.0, Type::new(8.0).colour(GREY));
    sheet.text(DISCLAIMER, [x, foot + 6.0], Type::new(8.0).bold().colour(GREY));
    sheet
}

/// Title, day, seed, and a warning when the run is not complete.
pub fn header(sheet: &mut Sheet, run: &Run, snapshot: &Snapshot) {
    sheet.text(&run.scenario, [CORNER[0], 27.0], Type::new(14.0).bold());
    let seed = run.seed.map_or(String::new(), |s| format!("  ·  seed {s}"));
    sheet.text(
        format!("day {}{seed}  ·  {DISCLAIMER}", day_label(snapshot.day)),
        [CORNER[0], 43.0],
        Type::new(9.0).colour(GREY),
    );
    let caveat = run.caveat();
    if !caveat.is_empty() {
        sheet.text(
            format!("▲ {caveat}"),
            [CORNER[0], 57.0],
            Type::new(9.0).bold().colour(THROMBUS),
        );
    }
}

/// The map in a sentence: also its description for those who cannot see it.
fn summary(snapshot: &Snapshot, view: &View) -> String {
    let [width, height] = view.extent_um();
    let tissue = snapshot.kind.len() as f64;
    let dead = snapshot.vitality.iter().filter(|&&v| v == Vitality::Necrotic).count() as f64;
    let open = snapshot.covered.iter().filter(|&&c| c == 0).count() as f64;
    let surface = snapshot.covered.len() as f64;
    let ulcer = if surface > 0.0 && snapshot.kind.contains(&Kind::Epidermis) {
        format!(", {:.1} % of the surface open", 100.0 * open / surface)
    } else {
        String::new()
    };
    format!(
        "{} × {} mm, {} segments, {:.1} % of the voxels dead{ulcer}. Fibres, nuclei and outlines of fat cells are texture, not data.",
        (width / 10.0).round() / 100.0,
        (height / 10.0).round() / 100.0,
        snapshot.segments.len(),
        100.0 * dead / tissue,
    )
}
