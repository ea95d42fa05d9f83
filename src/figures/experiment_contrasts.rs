//! What each arm changes against the reference: every pair of equal seed as a dot, their mean and its interval.

use super::chart::Chart;
use super::experiment_load::{Results, Shown};
use super::experiment_parts::{EDGE, PAGE, SMALL, fitted, hue, mark, page, range};
use super::sheet::{Anchor, Sheet, Type, text_width};
use super::words::signed;
use crate::error::Result;
use crate::math;
use crate::output::records::{Estimate, Record, Records};
use crate::picture::colours::{GREY, INK};

/// Most endpoints on the page.
const MOST: usize = 6;
/// Height of the row of an arm [pt].
const ROW: f64 = 19.0;
/// Width of the words at the right of a panel [pt].
const WORDS: f64 = 196.0;
/// Most pairs that are drawn as dots.
const DOTS: usize = 400;

/// Draws the page; nothing without contrasts.
pub fn draw(results: &Results) -> Result<Option<Sheet>> {
    let (Some(contrasts), Some(runs)) = (results.table("contrasts.csv")?, results.table("runs.csv")?) else {
        return Ok(None);
    };
    let arms: Vec<String> = results.arms().into_iter().skip(1).collect();
    let is_there = |e: &&Shown| contrasts.rows().any(|row| row.text("endpoint") == e.name);
    let endpoints: Vec<&Shown> = results.endpoints.iter().filter(is_there).take(MOST).collect();
    if arms.is_empty() || endpoints.is_empty() {
        return Ok(None);
    }
    let reference = results.arms().first().cloned().unwrap_or_default();
    let step = ROW * arms.len() as f64 + 58.0;
    let what = format!(
        "Each dot is one pair: the same site and dice with and without. Mark and bar: mean difference from {reference} and its 95 % \
         interval (BCa bootstrap over pairs); A: chance that the arm has the larger value; p after Holm over the endpoints of an arm."
    );
    let (mut sheet, top) = page(
        results,
        &format!("What each arm changes against {reference}"),
        &what,
        step * endpoints.len() as f64,
    );
    let face = Type::new(SMALL + 0.5);
    let left = EDGE + math::min(150.0, arms.iter().map(|arm| text_width(arm, face)).fold(0.0, math::max)) + 20.0;
    for (i, endpoint) in endpoints.iter().enumerate() {
        let plot = Chart {
            corner: [left, top + 16.0 + i as f64 * step],
            size: [PAGE - left - WORDS - EDGE, ROW * arms.len() as f64],
            x: [0.0, 1.0],
            y: [0.0, 1.0],
        };
        panel(&mut sheet, &contrasts, &runs, &arms, &reference, endpoint, plot);
    }
    Ok(Some(sheet))
}

/// One endpoint.
fn panel(
    sheet: &mut Sheet,
    contrasts: &Records,
    runs: &Records,
    arms: &[String],
    reference: &str,
    endpoint: &Shown,
    plot: Chart,
) {
    let find = |arm: &String| {
        let mut rows = contrasts.rows();
        rows.find(|row| row.text("arm") == arm && row.text("endpoint") == endpoint.name)
    };
    let estimates: Vec<Option<Estimate>> = arms
        .iter()
        .map(|arm| Some(find(arm)?.estimate("diff_mean", "diff_ci")?.times(endpoint.factor)))
        .collect();
    let dots: Vec<Vec<f64>> = arms.iter().map(|arm| pairs(runs, arm, reference, endpoint)).collect();
    let reach = estimates.iter().flatten().flat_map(|e| e.reach());
    let plot = Chart {
        x: range(reach.chain(dots.iter().flatten().copied()).chain([0.0]), false),
        ..plot
    };
    sheet.text(&endpoint.words, [EDGE, plot.corner[1] - 6.0], Type::new(9.5).bold());
    let unit = match endpoint.difference_unit.as_str() {
        "" => String::new(),
        unit => format!(" ({unit})"),
    };
    plot.x_axis(sheet, &format!("difference from {reference}{unit}"));
    let zero = plot.place(0.0, 0.0)[0];
    sheet.line(&[[zero, plot.corner[1]], [zero, plot.bottom()]], 1.0, INK);
    let face = Type::new(SMALL + 0.5);
    for (k, arm) in arms.iter().enumerate() {
        let y = plot.corner[1] + ROW * (k as f64 + 0.5);
        let name = fitted(arm, plot.corner[0] - EDGE - 10.0, face);
        sheet.text(name, [plot.corner[0] - 8.0, y + 3.0], face.anchor(Anchor::End));
        for (n, dot) in dots[k].iter().enumerate() {
            // Dots of equal value beside each other: by their place in the list, the same each time.
            let aside = ((n * 7) % 11) as f64 / 10.0 - 0.5;
            let x = plot.place(*dot, 0.0)[0];
            sheet.rectangle([x - 1.3, y + 10.0 * aside - 1.3], [2.6, 2.6], GREY, 0.6);
        }
        let (Some(row), Some(found)) = (find(arm), estimates[k]) else {
            continue;
        };
        plot.whisker(sheet, found, y, 1.8, hue(k));
        mark(sheet, k, [plot.place(found.value, 0.0)[0], y], 3.6, hue(k));
        let cell = |name: &str| row.number(name);
        let ends = found.ends.map_or_else(String::new, |(low, high)| {
            format!(" [{}, {}]", signed(low), signed(high))
        });
        let rest = [
            cell("a_measure").map(|a| format!("A {a:.2}")),
            cell("p_holm").map(|p| {
                if p < 0.001 {
                    "p < 0.001".to_owned()
                } else {
                    format!("p {p:.3}")
                }
            }),
            cell("n_pairs").map(|n| format!("n {n}")),
        ];
        let rest: Vec<String> = rest.into_iter().flatten().collect();
        let words = format!("{}{ends}   {}", signed(found.value), rest.join("  "));
        sheet.text(words, [plot.right() + 8.0, y + 2.8], Type::new(7.5));
    }
}

/// Differences of the pairs of equal point and seed; a date that did not come counts as the end.
fn pairs(runs: &Records, arm: &str, reference: &str, endpoint: &Shown) -> Vec<f64> {
    let key = |row: &Record| {
        let place = ["point", "patient_id"].map(|name| row.text(name).to_owned());
        (place, row.text("seed").to_owned())
    };
    let value = |row: &Record| {
        if row.text("status") != "ok" {
            return None;
        }
        row.number(&endpoint.name).or(endpoint.censored_at)
    };
    let of = |id: &str| {
        let rows = runs.rows().filter(|row| row.text("arm") == id);
        rows.filter_map(|row| Some((key(&row), value(&row)?)))
            .collect::<std::collections::BTreeMap<_, _>>()
    };
    let (here, there) = (of(arm), of(reference));
    let both = here
        .iter()
        .filter_map(|(key, value)| Some(endpoint.factor * (value - there.get(key)?)));
    both.take(DOTS).collect()
}
