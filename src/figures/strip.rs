//! One run on several days, side by side.

use super::legend;
use super::load::Run;
use super::map::{self, Size};
use super::section_map;
use super::sheet::{Sheet, Type};
use crate::math;
use crate::picture::colours::{GREY, INK};
use crate::picture::{View, section};
use crate::state::{Snapshot, Vitality};

/// Days on a page.
pub const MOST: usize = 8;
/// Corner of the first map [pt].
const CORNER: [f64; 2] = [48.0, 92.0];
/// Between maps [pt].
const GAP: f64 = 14.0;

/// Draws the maps of these days; the header is that of the last.
pub fn draw(run: &Run, snapshots: &[Snapshot]) -> Sheet {
    let last = &snapshots[snapshots.len() - 1];
    let view = View::of(last);
    let wide = match snapshots.len() {
        1..=2 => 260.0,
        3..=4 => 200.0,
        _ => 140.0,
    };
    let size = Size::within(&view, [wide, 1.9 * wide]);
    let all: Vec<&Snapshot> = snapshots.iter().collect();
    let entries = legend::entries(&all, run.hypoxia_mmhg);
    let width = math::max(CORNER[0] + snapshots.len() as f64 * (size.pt[0] + GAP) + 8.0, 560.0);
    let columns = ((width - CORNER[0]) / 172.0).floor() as usize;
    let below = CORNER[1] + size.pt[1] + 34.0;
    let words = sentence(snapshots);
    let mut sheet = Sheet::new(
        width,
        below + legend::height(&entries, columns) + 24.0,
        &format!("{}: sections of several days", run.scenario),
        &words,
    );
    section_map::header(&mut sheet, run, last);
    for (i, snapshot) in snapshots.iter().enumerate() {
        let corner = [CORNER[0] + i as f64 * (size.pt[0] + GAP), CORNER[1]];
        let letter = char::from(b'a' + i as u8).to_string();
        sheet.text(letter, [corner[0], corner[1] - 9.0], Type::new(10.5).bold());
        let day = format!("day {}", super::day_label(snapshot.day));
        sheet.text(day, [corner[0] + 13.0, corner[1] - 9.0], Type::new(9.5));
        let view = View::of(snapshot);
        sheet.picture(section::draw(snapshot, &view, size.scale(), run.hypoxia_mmhg), corner);
        sheet.frame(corner, size.pt, 0.6, INK);
        map::ulcer_bars(&mut sheet, corner, size, snapshot, &view);
        let dead = format!(
            "{:.1} % dead, {:.1} % gone",
            share(snapshot, Vitality::Necrotic),
            share(snapshot, Vitality::Gone)
        );
        let at = [corner[0], corner[1] + size.pt[1] + 12.0];
        sheet.text(dead, at, Type::new(7.5).colour(GREY));
    }
    map::depth_axis(&mut sheet, CORNER, size, &view);
    map::scale_bar(&mut sheet, CORNER, size, 7.5);
    let legend_width = (width - CORNER[0] - 8.0) / columns as f64;
    legend::draw(&mut sheet, entries, [CORNER[0], below], columns, legend_width);
    sheet
}

fn share(snapshot: &Snapshot, state: Vitality) -> f64 {
    let count = snapshot.vitality.iter().filter(|&&v| v == state).count();
    100.0 * count as f64 / snapshot.vitality.len() as f64
}

fn sentence(snapshots: &[Snapshot]) -> String {
    let each: Vec<String> = snapshots
        .iter()
        .map(|s| {
            format!(
                "day {}: {:.1} % of the voxels dead",
                super::day_label(s.day),
                share(s, Vitality::Necrotic)
            )
        })
        .collect();
    format!("Simulated sections, not patient images. {}.", each.join("; "))
}
