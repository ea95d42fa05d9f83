//! Which factors matter: bars with intervals, in order, against what other seeds do by chance; for a screening also the
//! plane of its two measures.

use super::chart::Chart;
use super::experiment_load::{Results, Shown};
use super::experiment_parts::{EDGE, PAGE, SMALL, fitted, hue, mark, page, range};
use super::sheet::{Anchor, Sheet, Type};
use super::words::short;
use crate::error::Result;
use crate::math;
use crate::output::records::{Estimate, Record};
use crate::picture::colours::{GREY, INK, OKABE_ITO};

/// Height of the row of a factor [pt].
const ROW: f64 = 15.0;
/// Room for the names of factors [pt].
const NAMES: f64 = 190.0;
/// Most pages.
const PAGES: usize = 6;
/// Name of the factor that chooses the seeds.
const DUMMY: &str = "dummy";

/// A factor with its indices.
struct Factor {
    name: String,
    /// First-order index.
    first: Option<Estimate>,
    /// The index that orders the factors.
    main: Estimate,
    sigma: Option<f64>,
    p: Option<f64>,
}

/// Draws a page for each endpoint, as far as there is something to say; with each the name of its file.
pub fn draw(results: &Results) -> Result<Vec<(String, Sheet)>> {
    let Some(table) = results.table("sensitivity.csv")? else {
        return Ok(Vec::new());
    };
    let arms = table.words("arm");
    let mut pages = Vec::new();
    for arm in &arms {
        for endpoint in &results.endpoints {
            let rows: Vec<Record> = table
                .rows()
                .filter(|row| row.text("arm") == arm && row.text("output") == endpoint.name)
                .collect();
            let factors = factors(&rows, endpoint);
            if pages.len() >= PAGES || factors.iter().all(|f| f.main.value == 0.0) {
                continue;
            }
            let name = match pages.len() {
                0 => "sensitivity".to_owned(),
                n => format!("sensitivity-{}", n + 1),
            };
            let title = match arms.len() {
                1 => format!("What moves: {}", endpoint.words),
                _ => format!("What moves: {} ({arm})", endpoint.words),
            };
            pages.push((name, one(results, &rows[0], &title, endpoint, factors)));
        }
    }
    Ok(pages)
}

/// Factors with their indices, the largest first.
fn factors(rows: &[Record], endpoint: &Shown) -> Vec<Factor> {
    let factor = |row: &Record| {
        let of = |name: &str| row.number(name);
        let (main, first) = match row.text("method") {
            "morris" => (row.estimate("mu_star", "mu_star_ci")?.times(endpoint.factor), None),
            "saltelli" => (row.estimate("st", "st_ci")?, row.estimate("s1", "s1_ci")),
            _ => (
                Estimate {
                    value: of("prcc")?,
                    ends: None,
                },
                None,
            ),
        };
        Some(Factor {
            name: row.text("factor").to_owned(),
            first,
            main,
            sigma: of("sigma").map(|s| s * endpoint.factor),
            p: of("prcc_p"),
        })
    };
    let mut found: Vec<Factor> = rows.iter().filter_map(factor).collect();
    found.sort_by(|a, b| b.main.value.abs().total_cmp(&a.main.value.abs()));
    found
}

/// A measure of change with the unit in which the endpoint changes.
fn with_unit_of(measure: &str, endpoint: &Shown) -> String {
    match endpoint.difference_unit.as_str() {
        "" => measure.to_owned(),
        unit => format!("{measure} ({unit})"),
    }
}

fn one(results: &Results, row: &Record, title: &str, endpoint: &Shown, factors: Vec<Factor>) -> Sheet {
    let method = row.text("method");
    let share = row.number("seed_variance_share");
    let has_dummy = factors.iter().any(|f| f.name == DUMMY);
    let mut what = match method {
        "morris" => "Elementary effects: μ* is the mean size of what a factor changes over its whole range, σ how much that depends on \
                     where the others stand. Bars: 95 % bootstrap intervals over trajectories."
            .to_owned(),
        "saltelli" => "Share of the variance that a factor explains: alone (S1, dark) and with everything that it takes part in (ST, \
                       light). Bars: 95 % bootstrap intervals."
            .to_owned(),
        _ => "Partial rank correlation (PRCC): how far the rank of the outcome goes with that of a factor when the others are held; only \
              for effects of one direction."
            .to_owned(),
    };
    if has_dummy {
        what.push_str(
            " «Other seeds» is a factor that only chooses the dice: what is no larger than it, chance alone can make (dashed line).",
        );
    }
    if let Some(share) = share {
        what.push_str(&format!(
            " The seed explains {:.0} % of the variance of single runs.",
            100.0 * share
        ));
    }
    let is_morris = method == "morris";
    let rows_height = ROW * factors.len() as f64;
    let height = if is_morris {
        math::max(rows_height, 210.0)
    } else {
        rows_height
    } + 50.0;
    let (mut sheet, top) = page(results, title, &what, height);
    let left = EDGE + NAMES;
    let width = if is_morris { 185.0 } else { PAGE - left - EDGE - 92.0 };
    let bars = Chart {
        corner: [left, top + 10.0],
        size: [width, rows_height],
        x: range(factors.iter().flat_map(|f| f.main.reach()), true),
        y: [0.0, 1.0],
    };
    let label = match method {
        "morris" => with_unit_of("μ*", endpoint),
        "saltelli" => "share of the variance".to_owned(),
        _ => "PRCC".to_owned(),
    };
    draw_bars(&mut sheet, &bars, &factors, &label, method);
    if is_morris {
        let plane = Chart {
            corner: [bars.right() + 68.0, top + 10.0],
            size: [
                PAGE - bars.right() - 68.0 - EDGE - 8.0,
                math::max(math::min(rows_height, 300.0), 200.0),
            ],
            x: range(factors.iter().map(|f| f.main.value), true),
            y: range(factors.iter().filter_map(|f| f.sigma), true),
        };
        draw_plane(&mut sheet, &plane, &factors, endpoint);
    }
    sheet
}

fn shown(name: &str) -> String {
    if name == DUMMY {
        "other seeds".to_owned()
    } else {
        name.to_owned()
    }
}

fn draw_bars(sheet: &mut Sheet, plot: &Chart, factors: &[Factor], label: &str, method: &str) {
    plot.x_axis(sheet, label);
    let zero = plot.place(0.0, 0.0)[0];
    for (i, factor) in factors.iter().enumerate() {
        let y = plot.corner[1] + ROW * (i as f64 + 0.5);
        let is_dummy = factor.name == DUMMY;
        let face = if is_dummy {
            Type::new(SMALL).bold()
        } else {
            Type::new(SMALL)
        };
        let name = fitted(&shown(&factor.name), NAMES - 30.0, face);
        sheet.text(
            format!("{}", i + 1),
            [EDGE + 10.0, y + 2.9],
            Type::new(7.0).colour(GREY).anchor(Anchor::End),
        );
        sheet.text(name, [plot.corner[0] - 7.0, y + 2.9], face.anchor(Anchor::End));
        let colour = if is_dummy { GREY } else { OKABE_ITO[0] };
        let mut bar = |value: f64, height: f64, opacity: f64| {
            let x = plot.place(value, 0.0)[0];
            let (a, b) = (math::min(x, zero), math::max(x, zero));
            sheet.rectangle([a, y - 0.5 * height], [b - a, height], colour, opacity);
        };
        bar(
            factor.main.value,
            ROW - 5.0,
            if factor.first.is_some() { 0.35 } else { 0.75 },
        );
        if let Some(first) = factor.first {
            bar(first.value, ROW - 10.0, 1.0);
        }
        plot.whisker(sheet, factor.main, y, 0.9, INK);
        let words = match (method, factor.first, factor.p) {
            ("saltelli", Some(first), _) => format!("S1 {}  ST {}", short(first.value), short(factor.main.value)),
            (_, _, Some(p)) => format!("p {}", short(p)),
            _ => String::new(),
        };
        sheet.text(words, [plot.right() + 6.0, y + 2.8], Type::new(7.0).colour(GREY));
    }
    if let Some(dummy) = factors.iter().find(|f| f.name == DUMMY) {
        plot.upright(sheet, dummy.main.value.abs(), GREY);
        if method != "morris" && method != "saltelli" {
            plot.upright(sheet, -dummy.main.value.abs(), GREY);
        }
    }
    sheet.line(&[[zero, plot.corner[1]], [zero, plot.bottom()]], 0.8, INK);
}

fn draw_plane(sheet: &mut Sheet, plot: &Chart, factors: &[Factor], endpoint: &Shown) {
    plot.x_axis(sheet, &with_unit_of("μ*", endpoint));
    plot.y_axis(sheet, &with_unit_of("σ", endpoint));
    // Above the line an effect depends more on the others than it is large by itself.
    let end = math::min(plot.x[1], plot.y[1]);
    let line = [plot.place(0.0, 0.0), plot.place(end, end)];
    sheet.dashed(&line, 0.8, GREY, &[4.0, 3.0]);
    sheet.text(
        "σ = μ*",
        [line[1][0] - 16.0, line[1][1] + 10.0],
        Type::new(7.5).colour(GREY).anchor(Anchor::End),
    );
    let marks: Vec<Option<[f64; 2]>> = factors
        .iter()
        .map(|f| Some(plot.place(f.main.value, f.sigma?)))
        .collect();
    let mut numbers: Vec<[f64; 2]> = Vec::new();
    for (i, factor) in factors.iter().enumerate().rev() {
        let Some(sigma) = factor.sigma else { continue };
        let at = plot.place(factor.main.value, sigma);
        let is_dummy = factor.name == DUMMY;
        mark(
            sheet,
            if is_dummy { 3 } else { 0 },
            at,
            if is_dummy { 4.2 } else { 3.4 },
            if is_dummy { GREY } else { hue(0) },
        );
        let number = format!("{}", i + 1);
        // What crowds around nothing has no number.
        let share = math::max(factor.main.value / plot.x[1], sigma / plot.y[1]);
        if share < 0.03 {
            continue;
        }
        // The number of its bar, where it covers no mark and no other number; where there is no room the bars say it.
        let places = [
            [5.0, -3.0],
            [5.0, 8.0],
            [-11.0, -3.0],
            [-11.0, 8.0],
            [-3.0, -7.0],
            [-3.0, 12.0],
        ];
        let others = || {
            marks
                .iter()
                .enumerate()
                .filter(|(k, _)| *k != i)
                .filter_map(|(_, mark)| *mark)
        };
        let free = places.iter().map(|d| [at[0] + d[0], at[1] + d[1]]).find(|p| {
            let clear = |t: [f64; 2]| (t[0] - p[0]).abs() > 9.0 || (t[1] - p[1]).abs() > 7.5;
            others().all(|[x, y]| clear([x - 3.0, y + 3.0])) && numbers.iter().copied().all(clear)
        });
        if let Some(place) = free {
            sheet.text(number, place, Type::new(7.0));
            numbers.push(place);
        }
    }
}
