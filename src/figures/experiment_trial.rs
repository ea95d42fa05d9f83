//! How many patients a trial needs: power by size with its interval, and beside it how often it rejects when there is
//! nothing to find.

use super::chart::Chart;
use super::experiment_load::Results;
use super::experiment_parts::{EDGE, PAGE, SMALL, dash, hue, level, mark, page};
use super::sheet::{Anchor, Sheet, Type};
use crate::error::Result;
use crate::output::records::Records;
use crate::picture::colours::{GREY, INK};

/// Height of a panel with its axis [pt].
const STEP: f64 = 214.0;
/// Most endpoints on the page.
const MOST: usize = 4;

/// Draws the page; nothing without a trial.
pub fn draw(results: &Results) -> Result<Option<Sheet>> {
    let Some(table) = results.table("trial_power.csv")? else {
        return Ok(None);
    };
    let endpoints: Vec<&super::experiment_load::Shown> = results
        .endpoints
        .iter()
        .filter(|e| table.rows().any(|row| row.text("endpoint") == e.name))
        .take(MOST)
        .collect();
    let mut lines: Vec<[String; 2]> = Vec::new();
    for row in table.rows() {
        let line = ["arm", "assignment"].map(|key| row.text(key).to_owned());
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    let first = |name: &str| table.rows().next().and_then(|row| row.number(name));
    let (patients, trials) = (first("patients").unwrap_or(0.0), first("trials").unwrap_or(0.0));
    let alpha = first("alpha").unwrap_or(0.05);
    let what = format!(
        "Share of {trials} trials, drawn from {patients} virtual patients, that find a difference at a level of {alpha}, with 95 % \
         intervals. Hollow: the same trials when there is no effect; they must reject in about {alpha} (dotted). Parallel: patients \
         randomised to one arm; counterfactual: every patient in both arms, which only a simulator can see."
    );
    let rows = endpoints.len().div_ceil(2) as f64;
    let height = rows * STEP + 14.0 * lines.len() as f64 + 10.0;
    let (mut sheet, top) = page(results, "How many patients would show it", &what, height);
    for (i, endpoint) in endpoints.iter().enumerate() {
        let corner = [
            EDGE + 48.0 + (i % 2) as f64 * 0.5 * PAGE,
            top + 20.0 + (i / 2) as f64 * STEP,
        ];
        let mut sizes: Vec<f64> = table.rows().filter_map(|row| row.number("n_per_arm")).collect();
        sizes.sort_by(f64::total_cmp);
        sizes.dedup();
        let plot = Chart {
            corner,
            size: [0.5 * PAGE - EDGE - 62.0, STEP - 66.0],
            x: [-0.5, sizes.len() as f64 - 0.5],
            y: [0.0, 1.02],
        };
        sheet.text(
            &endpoint.words,
            [corner[0] - 30.0, corner[1] - 8.0],
            Type::new(9.0).bold(),
        );
        plot.y_axis(&mut sheet, "share of trials that reject");
        let names: Vec<String> = sizes.iter().map(|n| level(&n.to_string())).collect();
        plot.x_names(&mut sheet, &names, "patients per arm");
        let at = plot.place(0.0, alpha)[1];
        sheet.dashed(&[[plot.corner[0], at], [plot.right(), at]], 0.8, GREY, &[1.5, 2.5]);
        let at = plot.place(0.0, 0.8)[1];
        sheet.line(&[[plot.corner[0], at], [plot.right(), at]], 0.6, GREY);
        sheet.text(
            "power 0.8",
            [plot.right() - 2.0, at - 3.0],
            Type::new(7.0).colour(GREY).anchor(Anchor::End),
        );
        for (k, line) in lines.iter().enumerate() {
            let aside = 0.08 * (k as f64 - 0.5 * (lines.len() as f64 - 1.0));
            curve(&mut sheet, &table, &plot, &sizes, &endpoint.name, line, k, aside);
        }
    }
    for (k, [arm, assignment]) in lines.iter().enumerate() {
        let y = top + rows * STEP + 14.0 * k as f64 + 4.0;
        sheet.dashed(&[[EDGE + 30.0, y - 3.0], [EDGE + 62.0, y - 3.0]], 1.2, hue(k), dash(k));
        mark(&mut sheet, k, [EDGE + 46.0, y - 3.0], 3.0, hue(k));
        let reference = results.arms().first().cloned().unwrap_or_default();
        sheet.text(
            format!("{arm} against {reference}, {assignment}"),
            [EDGE + 70.0, y],
            Type::new(SMALL + 0.5),
        );
    }
    Ok(Some(sheet))
}

/// Power and type-I error of an arm and a way of assigning.
fn curve(
    sheet: &mut Sheet,
    table: &Records,
    plot: &Chart,
    sizes: &[f64],
    endpoint: &str,
    [arm, assignment]: &[String; 2],
    k: usize,
    aside: f64,
) {
    let mut path = Vec::new();
    let mut marks = Vec::new();
    for row in table.rows() {
        let is_mine =
            row.text("endpoint") == endpoint && row.text("arm") == arm && row.text("assignment") == assignment;
        let (Some(n), true) = (row.number("n_per_arm"), is_mine) else {
            continue;
        };
        let Some(x) = sizes.iter().position(|s| *s == n).map(|i| i as f64 + aside) else {
            continue;
        };
        if let Some(power) = row.estimate("power", "power_ci") {
            let [low, high] = power.reach();
            plot.stem(sheet, x, low, high, 1.0, hue(k));
            path.push(plot.place(x, power.value));
            marks.push((k, plot.place(x, power.value)));
        }
        if let Some(error) = row.number("type_one_error") {
            // Shapes of the second five are hollow.
            marks.push((k + 5, plot.place(x, error)));
        }
    }
    sheet.dashed(&path, 1.2, hue(k), dash(k));
    for (shape, place) in marks {
        mark(
            sheet,
            shape,
            place,
            if shape == k { 3.0 } else { 2.6 },
            if shape == k { hue(k) } else { INK },
        );
    }
}
