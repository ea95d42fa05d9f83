//! When things happen in the arms of a comparison: a dot for each seed, a bar at the median, and how many did not come to it.

use std::path::Path;

use super::chart::{day_ticks, number};
use super::sheet::{Anchor, Sheet, Type, printable, text_width};
use super::time_series::darker;
use crate::error::Result;
use crate::experiment::statistics::quantile;
use crate::math;
use crate::output::records::Records;
use crate::picture::colours::{GREY, INK, OKABE_ITO, PALE};

/// Dates that are drawn, with their words.
const DATES: [(&str, &str); 4] = [
    ("t_first_thrombosis_d", "first vessel closed by clot"),
    ("t_first_necrosis_d", "first dead tissue outside every challenge"),
    ("t_ulcer_d", "ulcer (2 % of the surface open)"),
    ("t_closure_d", "wound closed for good"),
];
/// Width of a plot, height of the row of an arm, top of the first panel [pt].
const WIDE: f64 = 380.0;
const ROW: f64 = 16.0;
const TOP: f64 = 78.0;

/// Draws the dates; nothing where no run has any.
pub fn draw(dir: &Path, days: f64) -> Result<Option<Sheet>> {
    let Some(runs) = Records::read(&dir.join("runs.csv"))? else {
        return Ok(None);
    };
    let arms = runs.words("arm");
    let of = |arm: &str, date: &str| -> (Vec<f64>, usize) {
        let own = runs
            .rows()
            .filter(|row| row.text("arm") == arm && row.text("status") != "failed");
        let all: Vec<Option<f64>> = own.map(|row| row.number(date)).collect();
        (all.iter().flatten().copied().collect(), all.len())
    };
    let dates: Vec<&(&str, &str)> = DATES
        .iter()
        .filter(|(date, _)| runs.has(date) && arms.iter().any(|arm| !of(arm, date).0.is_empty()))
        .collect();
    if dates.is_empty() || days <= 0.0 {
        return Ok(None);
    }
    let names: Vec<String> = arms.iter().map(|arm| printable(arm)).collect();
    let face = Type::new(8.0);
    let left = names.iter().map(|name| text_width(name, face)).fold(40.0, math::max) + 24.0;
    let panel = ROW * arms.len() as f64 + 42.0;
    let foot = TOP + panel * dates.len() as f64;
    let mut sheet = Sheet::new(
        left + WIDE + 110.0,
        foot + 30.0,
        "When things happen in each arm",
        "A dot for each seed at the day of first clot, first necrosis, ulcer and closure, with the median of the runs that had it.",
    );
    sheet.text("When things happen", [14.0, 24.0], Type::new(13.0).bold());
    sheet.text(
        "A dot is one seed, a bar the median of the runs in which it happened; on the right how many those are.",
        [14.0, 39.0],
        Type::new(9.0).colour(GREY),
    );
    for (k, (date, words)) in dates.into_iter().enumerate() {
        let top = TOP + panel * k as f64;
        let letter = char::from(b'a' + k as u8).to_string();
        sheet.text(letter, [14.0, top - 7.0], Type::new(10.5).bold());
        sheet.text(*words, [28.0, top - 7.0], Type::new(9.0));
        let bottom = top + ROW * arms.len() as f64;
        for day in day_ticks(days) {
            let x = left + WIDE * day / days;
            sheet.line(&[[x, top], [x, bottom]], 0.4, PALE);
            sheet.text(
                number(day, 1.0),
                [x, bottom + 11.0],
                face.colour(GREY).anchor(Anchor::Middle),
            );
        }
        for (i, (arm, name)) in arms.iter().zip(&names).enumerate() {
            let y = top + ROW * (i as f64 + 0.5);
            let colour = OKABE_ITO[i % OKABE_ITO.len()];
            let (mut found, n) = of(arm, date);
            found.sort_by(f64::total_cmp);
            sheet.text(
                name.as_str(),
                [left - 8.0, y + 3.0],
                face.colour(darker(colour)).anchor(Anchor::End),
            );
            sheet.line(&[[left, y], [left + WIDE, y]], 0.3, PALE);
            for day in &found {
                dot(&mut sheet, [left + WIDE * day / days, y], colour);
            }
            if !found.is_empty() {
                let median = quantile(&found, 0.5);
                let x = left + WIDE * median / days;
                sheet.line(&[[x, y - 6.0], [x, y + 6.0]], 1.6, INK);
            }
            sheet.text(
                format!("{} of {n} runs", found.len()),
                [left + WIDE + 10.0, y + 3.0],
                face,
            );
        }
    }
    let at = [left + WIDE / 2.0, foot - 10.0];
    sheet.text("day", at, Type::new(8.5).anchor(Anchor::Middle));
    sheet.text(
        "One seed is one simulated site. A median of those that had it says nothing of those that did not.",
        [14.0, foot + 14.0],
        Type::new(8.0).colour(GREY),
    );
    Ok(Some(sheet))
}

fn dot(sheet: &mut Sheet, [x, y]: [f64; 2], colour: crate::picture::Rgb) {
    let round: Vec<[f64; 2]> = (0..14)
        .map(|i| {
            let turn = f64::from(i) * std::f64::consts::PI / 7.0;
            [x + 3.0 * math::cos(turn), y + 3.0 * math::sin(turn)]
        })
        .collect();
    sheet.area(&round, colour, 0.55);
}
