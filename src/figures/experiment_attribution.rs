//! What carries the outcome: Shapley shares of the mechanisms, and what pairs of them do beyond the two alone.

use super::chart::Chart;
use super::experiment_load::{Results, Shown};
use super::experiment_parts::{EDGE, PAGE, SMALL, fitted, page, range};
use super::sheet::{Anchor, Sheet, Type};
use super::words::{short, signed};
use crate::error::Result;
use crate::output::records::{Estimate, Record};
use crate::picture::colours::{GREY, INK, OKABE_ITO};

/// Height of a row [pt].
const ROW: f64 = 17.0;
/// Most pairs that are shown.
const PAIRS: usize = 10;
/// Most endpoints, a page each.
const PAGES: usize = 4;
/// Room for names [pt].
const NAMES: f64 = 190.0;

/// A bar with its name.
struct Bar {
    name: String,
    found: Estimate,
}

/// Draws a page for each endpoint that has shares; with each the name of its file.
pub fn draw(results: &Results) -> Result<Vec<(String, Sheet)>> {
    let (Some(shares), synergies) = (results.table("attribution.csv")?, results.table("synergies.csv")?) else {
        return Ok(Vec::new());
    };
    let mut pages = Vec::new();
    for arm in shares.words("arm") {
        for endpoint in &results.endpoints {
            let is_mine = |row: &Record| row.text("arm") == arm && row.text("output") == endpoint.name;
            let rows: Vec<Record> = shares.rows().filter(is_mine).collect();
            if rows.is_empty() || pages.len() >= PAGES {
                continue;
            }
            let mut bars: Vec<Bar> = rows
                .iter()
                .filter_map(|row| {
                    Some(Bar {
                        name: row.text("mechanism").replace('_', " "),
                        found: row.estimate("share", "share_ci")?.times(endpoint.factor),
                    })
                })
                .collect();
            bars.sort_by(|a, b| b.found.value.abs().total_cmp(&a.found.value.abs()));
            let mut pairs: Vec<Bar> = synergies.as_ref().map_or_else(Vec::new, |t| {
                let rows = t.rows().filter(is_mine);
                rows.filter_map(|row| {
                    let name = ["mechanism_a", "mechanism_b"].map(|key| row.text(key).replace('_', " "));
                    Some(Bar {
                        name: name.join(" + "),
                        found: row.estimate("synergy", "synergy_ci")?.times(endpoint.factor),
                    })
                })
                .collect()
            });
            pairs.sort_by(|a, b| b.found.value.abs().total_cmp(&a.found.value.abs()));
            // What is nothing but rounding is nothing.
            let largest = bars.first().map_or(0.0, |bar| bar.found.value.abs());
            pairs.retain(|pair| pair.found.value.abs() > 1e-9 * largest);
            let left_out = pairs.len().saturating_sub(PAIRS);
            pairs.truncate(PAIRS);
            let name = match pages.len() {
                0 => "attribution".to_owned(),
                n => format!("attribution-{}", n + 1),
            };
            let whole = ["full", "empty"].map(|key| endpoint.factor * rows[0].number(key).unwrap_or(0.0));
            pages.push((name, one(results, endpoint, whole, &bars, &pairs, left_out)));
        }
    }
    Ok(pages)
}

fn one(
    results: &Results,
    endpoint: &Shown,
    [full, empty]: [f64; 2],
    bars: &[Bar],
    pairs: &[Bar],
    left_out: usize,
) -> Sheet {
    let unit = endpoint.difference_unit.as_str();
    let mut what = format!(
        "Shapley shares: what each mechanism adds, averaged over all orders of switching them on, with 95 % intervals over sites. They \
         add up to {} with all of them minus {} with none.",
        short(full),
        short(empty)
    );
    if !pairs.is_empty() {
        what.push_str(" Synergy: what two do together beyond the two alone; below zero they stand in for each other; pairs that do nothing together are left out.");
    }
    if left_out > 0 {
        what.push_str(&format!(" {left_out} smaller synergies are in synergies.csv."));
    }
    let (first, second) = (ROW * bars.len() as f64, ROW * pairs.len() as f64);
    let height = first + 52.0 + if pairs.is_empty() { 0.0 } else { second + 62.0 };
    let (mut sheet, top) = page(results, &format!("What carries: {}", endpoint.words), &what, height);
    // One scale for both, so that shares and synergies can be held against each other.
    let all = bars.iter().chain(pairs).flat_map(|bar| bar.found.reach());
    let x = range(all, true);
    panel(&mut sheet, "a", "share of each mechanism", unit, bars, top + 18.0, x, 0);
    if !pairs.is_empty() {
        panel(
            &mut sheet,
            "b",
            "synergy of pairs",
            unit,
            pairs,
            top + 18.0 + first + 58.0,
            x,
            1,
        );
    }
    sheet
}

fn panel(sheet: &mut Sheet, letter: &str, title: &str, unit: &str, bars: &[Bar], top: f64, x: [f64; 2], hue: usize) {
    let plot = Chart {
        corner: [EDGE + NAMES, top],
        size: [PAGE - 2.0 * EDGE - NAMES - 120.0, ROW * bars.len() as f64],
        x,
        y: [0.0, 1.0],
    };
    sheet.text(letter, [EDGE, top - 6.0], Type::new(10.5).bold());
    sheet.text(title, [EDGE + 13.0, top - 6.0], Type::new(9.0));
    let label = if unit.is_empty() {
        title.to_owned()
    } else {
        format!("{title} ({unit})")
    };
    plot.x_axis(sheet, &label);
    let zero = plot.place(0.0, 0.0)[0];
    for (i, bar) in bars.iter().enumerate() {
        let y = plot.corner[1] + ROW * (i as f64 + 0.5);
        let name = fitted(&bar.name, NAMES - 14.0, Type::new(SMALL));
        sheet.text(
            name,
            [plot.corner[0] - 7.0, y + 2.9],
            Type::new(SMALL).anchor(Anchor::End),
        );
        let end = plot.place(bar.found.value, 0.0)[0];
        let (a, b) = (crate::math::min(end, zero), crate::math::max(end, zero));
        sheet.rectangle([a, y - 5.0], [b - a, 10.0], OKABE_ITO[hue], 0.7);
        plot.whisker(sheet, bar.found, y, 1.0, INK);
        let ends = bar.found.ends.map_or_else(String::new, |(low, high)| {
            format!(" [{}, {}]", signed(low), signed(high))
        });
        sheet.text(
            format!("{}{ends}", signed(bar.found.value)),
            [plot.right() + 6.0, y + 2.8],
            Type::new(7.5).colour(GREY),
        );
    }
    sheet.line(&[[zero, plot.corner[1]], [zero, plot.bottom()]], 1.0, INK);
}
