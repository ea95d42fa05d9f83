//! When it happens: Kaplan-Meier curves of the dates of the arms, with the numbers still at risk below.

use super::chart::{day_ticks, number};
use super::experiment_load::{Results, Table};
use super::experiment_parts::{EDGE, PAGE, Plot, SMALL, dash, hue, page, short};
use super::sheet::{Anchor, Sheet, Type, text_width};
use crate::error::Result;
use crate::math;
use crate::picture::canvas::Point;
use crate::picture::colours::{GREY, INK, PALE};

/// Height of a plot [pt].
const HEIGHT: f64 = 130.0;
/// Height of a row of numbers at risk [pt].
const ROW: f64 = 11.0;
/// Most arms whose intervals are drawn: more of them would hide each other.
const BANDS: usize = 3;

/// Draws the page; nothing without dates.
pub fn draw(results: &Results) -> Result<Option<Sheet>> {
    let Some(curves) = results.table("survival.csv")? else {
        return Ok(None);
    };
    let tests = results.table("logrank.csv")?;
    let arms = results.arms();
    let happened = |name: &String| {
        let mut rows = curves.rows.iter().filter(|row| curves.word(row, "endpoint") == *name);
        rows.any(|row| curves.number(row, "events").is_some_and(|n| n > 0.0))
    };
    let (shown, never): (Vec<String>, Vec<String>) = curves.words("endpoint").into_iter().partition(happened);
    if shown.is_empty() {
        return Ok(None);
    }
    let step = HEIGHT + 62.0 + ROW * arms.len() as f64;
    let mut what =
        "Share of sites in which it has not happened yet, with the number of sites still at risk below; runs end \
                    (are censored) on the last day. Hue and dash belong to the arm."
            .to_owned();
    if arms.len() <= BANDS {
        what.push_str(" Bands: 95 % intervals.");
    }
    if !never.is_empty() {
        let names: Vec<String> = never.iter().map(|name| words(name)).collect();
        what.push_str(&format!(" In no run: {}.", names.join(", ")));
    }
    let (mut sheet, top) = page(results, "When it happens", &what, step * shown.len() as f64);
    let face = Type::new(SMALL);
    let left =
        EDGE + math::min(
            150.0,
            arms.iter().map(|arm| text_width(arm, face)).fold(40.0, math::max),
        ) + 54.0;
    for (i, endpoint) in shown.iter().enumerate() {
        let plot = Plot {
            corner: [left, top + 16.0 + i as f64 * step],
            size: [PAGE - left - EDGE - 10.0, HEIGHT],
            x: [0.0, results.number("days")],
            y: [0.0, 100.0],
        };
        panel(&mut sheet, &curves, tests.as_ref(), &arms, endpoint, plot);
    }
    Ok(Some(sheet))
}

fn words(name: &str) -> String {
    name.trim_start_matches("t_").trim_end_matches("_d").replace('_', " ")
}

/// A step of a curve.
struct Step {
    day: f64,
    at_risk: f64,
    events: f64,
    s: f64,
    ends: [f64; 2],
}

fn steps(curves: &Table, arm: &str, endpoint: &str) -> Vec<Step> {
    let is_mine = |row: &&Vec<String>| curves.word(row, "arm") == arm && curves.word(row, "endpoint") == endpoint;
    let step = |row: &Vec<String>| {
        let of = |name: &str| curves.number(row, name);
        let s = of("s")?;
        Some(Step {
            day: of("t_d")?,
            at_risk: of("at_risk")?,
            events: of("events").unwrap_or(0.0),
            s: 100.0 * s,
            ends: [
                100.0 * of("s_ci_low").unwrap_or(s),
                100.0 * of("s_ci_high").unwrap_or(s),
            ],
        })
    };
    curves.rows.iter().filter(is_mine).filter_map(step).collect()
}

/// Corners of a curve that falls in steps, from the start to the last day.
fn corners(steps: &[Step], days: f64, value: impl Fn(&Step) -> f64) -> Vec<(f64, f64)> {
    let mut points = vec![(0.0, 100.0)];
    let mut level = 100.0;
    for step in steps {
        points.push((step.day, level));
        level = value(step);
        points.push((step.day, level));
    }
    points.push((days, level));
    points
}

fn panel(sheet: &mut Sheet, curves: &Table, tests: Option<&Table>, arms: &[String], endpoint: &str, plot: Plot) {
    let days = plot.x[1];
    sheet.text(
        format!("without {} so far", words(endpoint)),
        [EDGE, plot.corner[1] - 10.0],
        Type::new(9.5).bold(),
    );
    plot.y_axis(sheet, "% of sites");
    let marks = day_ticks(days);
    let gap = marks.get(1).copied().unwrap_or(1.0);
    for &day in &marks {
        let x = plot.place(day, 0.0)[0];
        sheet.line(&[[x, plot.bottom()], [x, plot.bottom() + 3.0]], 0.6, GREY);
        sheet.text(
            number(day, gap),
            [x, plot.bottom() + 12.0],
            Type::new(SMALL).colour(GREY).anchor(Anchor::Middle),
        );
    }
    sheet.line(
        &[[plot.corner[0], plot.bottom()], [plot.right(), plot.bottom()]],
        0.8,
        INK,
    );
    sheet.text(
        "day",
        [plot.corner[0] - 5.0, plot.bottom() + 12.0],
        Type::new(SMALL).anchor(Anchor::End),
    );
    let place = |points: &[(f64, f64)]| points.iter().map(|&(x, y)| plot.place(x, y)).collect::<Vec<Point>>();
    for (i, arm) in arms.iter().enumerate() {
        let found = steps(curves, arm, endpoint);
        if arms.len() <= BANDS {
            let mut band = place(&corners(&found, days, |s| s.ends[0]));
            band.extend(place(&corners(&found, days, |s| s.ends[1])).into_iter().rev());
            sheet.area(&band, hue(i), 0.14);
        }
    }
    for (i, arm) in arms.iter().enumerate() {
        let found = steps(curves, arm, endpoint);
        sheet.dashed(
            &place(&corners(&found, days, |s| s.s)),
            // Thinner from arm to arm: curves that lie on each other are all seen.
            3.4 - 2.2 * i as f64 / math::max(1.0, arms.len() as f64 - 1.0),
            hue(i),
            dash(i),
        );
        numbers(sheet, &found, &marks, tests, arm, endpoint, i, plot);
    }
}

/// The row of an arm below: its line, its name, sites at risk by day, and what the test says.
fn numbers(
    sheet: &mut Sheet,
    found: &[Step],
    marks: &[f64],
    tests: Option<&Table>,
    arm: &str,
    endpoint: &str,
    i: usize,
    plot: Plot,
) {
    let y = plot.bottom() + 26.0 + ROW * i as f64;
    if i == 0 {
        let face = Type::new(7.5).colour(GREY);
        sheet.text("still at risk", [EDGE, y - 10.0], face);
    }
    sheet.dashed(&[[EDGE, y - 2.7], [EDGE + 20.0, y - 2.7]], 1.6, hue(i), dash(i));
    sheet.text(arm, [EDGE + 25.0, y], Type::new(SMALL));
    let start = found.first().map_or(0.0, |step| step.at_risk);
    let events: f64 = found.iter().map(|step| step.events).sum();
    for &day in marks {
        // At risk on a day: those who have neither had it nor left before.
        let next = found.iter().find(|step| step.day >= day);
        let left = match (next, found.last()) {
            (Some(step), _) => step.at_risk,
            (None, Some(last)) => last.at_risk - last.events,
            (None, None) => start,
        };
        let x = plot.place(day, 0.0)[0];
        sheet.text(
            number(left, 1.0),
            [x, y],
            Type::new(7.5).colour(GREY).anchor(Anchor::Middle),
        );
    }
    let mut said = format!("{events} of {start}");
    let row = tests.and_then(|t| {
        let mut rows = t.rows.iter();
        rows.find(|row| t.word(row, "arm") == arm && t.word(row, "endpoint") == endpoint)
    });
    if let (Some(tests), Some(row)) = (tests, row)
        && let Some(p) = tests.number(row, "p_holm")
    {
        said.push_str(&format!(
            ", log-rank p {}",
            if p < 0.001 { "< 0.001".to_owned() } else { short(p) }
        ));
    }
    // Inside the plot, where the curves of late days are low or high alike.
    let at = [plot.right() - 4.0, plot.corner[1] + 9.0 + 10.0 * i as f64];
    let width = text_width(&said, Type::new(7.0)) + text_width(arm, Type::new(7.0)) + 6.0;
    sheet.rectangle(
        [at[0] - width, at[1] - 7.0],
        [width + 2.0, 9.5],
        crate::picture::colours::WHITE,
        0.75,
    );
    sheet.text(
        format!("{arm}: {said}"),
        at,
        Type::new(7.0)
            .anchor(Anchor::End)
            .colour(super::time_series::darker(hue(i))),
    );
    sheet.line(&[[plot.corner[0], y + 2.8], [plot.right(), y + 2.8]], 0.3, PALE);
}
