//! The skin from above: three tones, flow in the dermis, TcPO2, dead dermis. A block as it lies; a section as a strip for each kept day.

use super::chart::number;
use super::legend::swatch_row;
use super::load::{self, Run};
use super::map::{self, Size};
use super::sheet::{Anchor, PX_PER_PT, Sheet, Type};
use super::{day_label, section_map};
use crate::error::Result;
use crate::grid::Plane;
use crate::math;
use crate::output::observe::tcpo2;
use crate::picture::Canvas;
use crate::picture::colours::{BATLOW, CIVIDIS, GREY, INK, LAJOLLA, Ramp};
use crate::picture::field::{Range, extremes};
use crate::picture::flow;
use crate::picture::surface::{self, Cell, Skin, Surface, Tone};
use crate::simulation::archive::section_of;
use crate::state::Snapshot;

/// Largest map of a panel [pt].
const LIMIT: [f64; 2] = [205.0, 240.0];
/// Height of the strip of a day [pt].
const STRIP: f64 = 11.0;
/// Room for the colour bar [pt].
const BAR: f64 = 68.0;
/// Corner of the first map [pt].
const CORNER: [f64; 2] = [48.0, 104.0];

/// What is drawn: the columns, and TcPO2 of each.
struct Seen {
    surface: Surface,
    tcpo2: Vec<f64>,
    /// Days of the rows of a section; empty for a block.
    days: Vec<f64>,
}

/// The surfaces of a run: of its last day in a block, of all kept days in a section; nothing without skin.
fn seen(run: &Run, last: &Snapshot) -> Result<Option<Seen>> {
    let p: tcpo2::Parameters = section_of(&run.scenario_table, "tcpo2")?;
    let one = |snapshot: &Snapshot| {
        let surface = Surface::of(snapshot)?;
        let readings = tcpo2::readings_of_snapshot(&p, snapshot)?;
        Some((surface, readings))
    };
    if last.grid.plane != Plane::Section {
        return Ok(one(last).map(|(surface, tcpo2)| Seen {
            surface,
            tcpo2,
            days: Vec::new(),
        }));
    }
    let (mut strips, mut readings, mut days) = (Vec::new(), Vec::new(), Vec::new());
    for (_, path) in &run.snapshots {
        let snapshot = load::snapshot(path)?;
        let Some((strip, tcpo2)) = one(&snapshot).filter(|_| snapshot.grid == last.grid) else {
            continue;
        };
        strips.push(strip);
        readings.extend(tcpo2);
        days.push(snapshot.day);
    }
    Ok(Surface::stacked(strips).map(|surface| Seen {
        surface,
        tcpo2: readings,
        days,
    }))
}

/// Size of a panel on paper, and of its columns in pixels.
fn layout(seen: &Seen) -> (Size, Cell) {
    let s = &seen.surface;
    let (wide_um, high_um) = (s.nx as f64 * s.voxel_um, s.ny as f64 * s.voxel_um);
    let size = if seen.days.is_empty() {
        Size::of_extent([wide_um, high_um], LIMIT)
    } else {
        Size {
            pt: [LIMIT[0], STRIP * s.ny as f64],
            pt_per_um: LIMIT[0] / wide_um,
        }
    };
    let cell = Cell {
        wide: size.pt[0] * PX_PER_PT / s.nx as f64,
        high: size.pt[1] * PX_PER_PT / s.ny as f64,
        px_per_pt: PX_PER_PT,
    };
    (size, cell)
}

/// Draws the page of a run; nothing where the run has no skin surface.
pub fn draw(run: &Run, last: &Snapshot) -> Result<Option<Sheet>> {
    let Some(seen) = seen(run, last)? else {
        return Ok(None);
    };
    let (size, cell) = layout(&seen);
    let (step_x, step_y) = (size.pt[0] + BAR + 14.0, size.pt[1] + 52.0);
    let foot = CORNER[1] + 2.0 * step_y;
    let words = sentence(&seen, last);
    let mut sheet = Sheet::new(
        CORNER[0] + 3.0 * step_x - 4.0,
        foot + 84.0,
        &format!("{}, the skin from above", run.scenario),
        &words,
    );
    section_map::header(&mut sheet, run, last);
    sheet.text(
        "The skin from above, schematic: only what the model computed is painted.",
        [CORNER[0], 73.0],
        Type::new(9.0).bold(),
    );
    let s = &seen.surface;
    let maps: [(String, Canvas, Option<Bar>); 6] = [
        (title(Tone::Light), surface::bedside(s, cell, Tone::Light), None),
        (title(Tone::Brown), surface::bedside(s, cell, Tone::Brown), None),
        (title(Tone::Dark), surface::bedside(s, cell, Tone::Dark), None),
        bar(
            "Flow in the dermis",
            s,
            cell,
            &s.perfusion,
            (BATLOW, flow::RANGE, "flow / flow at day 0"),
        ),
        bar(
            "TcPO₂ instrument",
            s,
            cell,
            &seen.tcpo2,
            (CIVIDIS, Range { low: 0.0, high: 80.0 }, "mmHg, no noise"),
        ),
        bar(
            "Dermis that is dead",
            s,
            cell,
            &s.dead_dermis,
            (LAJOLLA, Range { low: 0.0, high: 1.0 }, "share of the column"),
        ),
    ];
    for (i, (title, picture, bar)) in maps.into_iter().enumerate() {
        let corner = [CORNER[0] + (i % 3) as f64 * step_x, CORNER[1] + (i / 3) as f64 * step_y];
        panel(&mut sheet, i, &title, corner, size, picture);
        rows(&mut sheet, &seen, corner, size, i % 3 == 0);
        if let Some(bar) = bar {
            let [low, high] = bar.here;
            let here = format!("here {} to {}", number(low, 0.01), number(high, 0.01));
            let at = [corner[0] + size.pt[0], corner[1] + size.pt[1] + 11.0];
            sheet.text(here, at, Type::new(7.5).colour(GREY).anchor(Anchor::End));
            let right = [corner[0] + size.pt[0] + 7.0, corner[1]];
            map::colour_bar(
                &mut sheet,
                right,
                math::max(size.pt[1], 40.0),
                bar.ramp,
                bar.range,
                bar.unit,
            );
        }
        if seen.days.is_empty() {
            map::scale_bar(&mut sheet, corner, size, 7.0);
        } else {
            below(&mut sheet, corner, size);
        }
    }
    legend(&mut sheet, [CORNER[0], foot - 8.0]);
    let width = sheet.width() - CORNER[0] - 14.0;
    sheet.paragraph(&words, [CORNER[0], foot + 34.0], width, Type::new(8.0).colour(GREY));
    Ok(Some(sheet))
}

fn title(tone: Tone) -> String {
    format!("Bedside, {} skin", tone.word())
}

/// A colour bar and the range of what is there.
struct Bar {
    ramp: Ramp,
    range: Range,
    unit: &'static str,
    here: [f64; 2],
}

fn bar(
    title: &str,
    surface: &Surface,
    cell: Cell,
    values: &[f64],
    (ramp, range, unit): (Ramp, Range, &'static str),
) -> (String, Canvas, Option<Bar>) {
    let here = extremes(values);
    let picture = surface::values(surface, cell, values, ramp, range);
    let bar = Bar {
        ramp,
        range,
        unit,
        here,
    };
    (title.to_owned(), picture, Some(bar))
}

fn panel(sheet: &mut Sheet, index: usize, title: &str, corner: [f64; 2], size: Size, picture: Canvas) {
    let letter = char::from(b'a' + index as u8);
    sheet.text(letter.to_string(), [corner[0], corner[1] - 7.0], Type::new(10.5).bold());
    sheet.text(title, [corner[0] + 13.0, corner[1] - 7.0], Type::new(9.5));
    sheet.picture(picture, corner);
    sheet.frame(corner, size.pt, 0.6, INK);
}

/// Days at the left of the strips of a section.
fn rows(sheet: &mut Sheet, seen: &Seen, corner: [f64; 2], size: Size, is_first: bool) {
    if seen.days.is_empty() || !is_first {
        return;
    }
    let face = Type::new(7.5).colour(GREY).anchor(Anchor::End);
    for (i, day) in seen.days.iter().enumerate() {
        let y = corner[1] + (i as f64 + 0.5) * STRIP + 2.7;
        sheet.text(day_label(*day), [corner[0] - 5.0, y], face);
    }
    let middle = [corner[0] - 27.0, corner[1] + size.pt[1] / 2.0];
    sheet.text("day", middle, Type::new(8.0).anchor(Anchor::Middle).upward());
}

/// A scale bar below strips, which are too low to hold one.
fn below(sheet: &mut Sheet, corner: [f64; 2], size: Size) {
    let bar_um = crate::picture::scale_bar_um(size.pt[0] / size.pt_per_um);
    let y = corner[1] + size.pt[1] + 8.0;
    sheet.rectangle([corner[0], y - 2.0], [bar_um * size.pt_per_um, 2.2], INK, 1.0);
    let words = crate::picture::scale_bar_label(bar_um);
    let at = [corner[0] + bar_um * size.pt_per_um + 5.0, y + 2.0];
    sheet.text(words, at, Type::new(7.5).bold());
}

fn legend(sheet: &mut Sheet, corner: [f64; 2]) {
    let px = |pt: f64| (pt * PX_PER_PT).round() as usize;
    let size = [24.0, 12.0];
    let in_px = size.map(px);
    let mut entries: Vec<(Canvas, &str)> = vec![
        (
            surface::swatch_of_vessels(0.0, 0.0, Tone::Brown, in_px, PX_PER_PT),
            "dusky: no flow in the dermis",
        ),
        (
            surface::swatch_of_vessels(0.55, 1.0, Tone::Brown, in_px, PX_PER_PT),
            "purpura: its vessels clotted",
        ),
    ];
    entries.extend(
        Skin::ALL
            .into_iter()
            .map(|skin| (surface::swatch(skin, Tone::Brown, in_px, PX_PER_PT), skin.meaning())),
    );
    let width = (sheet.width() - corner[0] - 14.0) / 4.0;
    for (i, (swatch, words)) in entries.into_iter().enumerate() {
        let at = [corner[0] + (i % 4) as f64 * width, corner[1] + (i / 4) as f64 * 17.0];
        swatch_row(sheet, swatch, size, words, at);
    }
}

/// What the page shows, in words.
fn sentence(seen: &Seen, last: &Snapshot) -> String {
    let s = &seen.surface;
    let per_day = s.nx * if seen.days.is_empty() { s.ny } else { 1 };
    let tail = &s.skin[s.skin.len() - per_day..];
    let share = |of: &dyn Fn(Skin) -> bool| 100.0 * tail.iter().filter(|&&k| of(k)).count() as f64 / per_day as f64;
    let low = seen.tcpo2[seen.tcpo2.len() - per_day..]
        .iter()
        .filter(|r| **r <= tcpo2::LOW_MMHG)
        .count();
    let mm = |um: f64| number((um / 10.0).round() / 100.0, 0.01);
    let [wide, broad, _] = last.grid.extent_um();
    let what = if seen.days.is_empty() {
        format!("{} × {} mm of skin", mm(wide), mm(broad))
    } else {
        format!(
            "A section has no surface area: each row is a strip of {} × {} mm on one kept day, drawn taller than it is",
            mm(wide),
            mm(broad)
        )
    };
    format!(
        "{what}. On day {}: {:.0} % open or dead surface, {:.0} % undermined, TcPO₂ at most {} mmHg over {:.0} %. Bleeding into the skin, redness and \
         swelling are not computed and not painted; purpura stands for clotted vessels of the dermis. Livedo is a net of centimetres, wider than this \
         piece. Grain is texture.",
        day_label(last.day),
        share(&Skin::is_lost),
        share(&|k| k == Skin::Undermined),
        tcpo2::LOW_MMHG,
        100.0 * low as f64 / per_day as f64
    )
}
