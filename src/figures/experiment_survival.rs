//! When it happens: Kaplan-Meier curves of the dates of the arms, with the numbers still at risk below.

use super::chart::{Chart, day_ticks, number};
use super::experiment_load::Results;
use super::experiment_parts::{EDGE, PAGE, SMALL, dash, hue, page};
use super::sheet::{Anchor, Sheet, Type, text_width};
use crate::error::Result;
use crate::math;
use crate::output::records::{Record, Records};
use crate::picture::canvas::Point;
use crate::picture::colours::{GREY, PALE};

/// Height of a plot [pt].
const HEIGHT: f64 = 130.0;
/// Height of a row of numbers at risk [pt].
const ROW: f64 = 11.0;
/// Room beside the numbers at risk for how many had it, and what the test says [pt].
const OUTCOME: f64 = 128.0;
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
        let mut rows = curves.rows().filter(|row| row.text("endpoint") == *name);
        rows.any(|row| row.number("events").is_some_and(|n| n > 0.0))
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
        let plot = Chart {
            corner: [left, top + 16.0 + i as f64 * step],
            size: [PAGE - left - EDGE - OUTCOME, HEIGHT],
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

fn steps(curves: &Records, arm: &str, endpoint: &str) -> Vec<Step> {
    let is_mine = |row: &Record| row.text("arm") == arm && row.text("endpoint") == endpoint;
    let step = |row: Record| {
        let of = |name: &str| row.number(name);
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
    curves.rows().filter(is_mine).filter_map(step).collect()
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

fn panel(sheet: &mut Sheet, curves: &Records, tests: Option<&Records>, arms: &[String], endpoint: &str, plot: Chart) {
    let days = plot.x[1];
    sheet.text(
        format!("without {} so far", words(endpoint)),
        [EDGE, plot.corner[1] - 10.0],
        Type::new(9.5).bold(),
    );
    plot.y_axis(sheet, "% of sites");
    plot.day_axis(sheet);
    let marks = day_ticks(days);
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
    tests: Option<&Records>,
    arm: &str,
    endpoint: &str,
    i: usize,
    plot: Chart,
) {
    let y = plot.bottom() + 26.0 + ROW * i as f64;
    let beside = plot.right() + 14.0;
    if i == 0 {
        let face = Type::new(7.5).colour(GREY);
        sheet.text("still at risk", [EDGE, y - 10.0], face);
        sheet.text("had it, log-rank p after Holm", [beside, y - 10.0], face);
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
    let is_mine = |row: &Record| row.text("arm") == arm && row.text("endpoint") == endpoint;
    let p = tests.and_then(|tests| tests.rows().find(is_mine)?.number("p_holm"));
    if let Some(p) = p {
        said.push_str(&match p {
            p if p < 0.001 => ", p < 0.001".to_owned(),
            p => format!(", p {p:.3}"),
        });
    }
    sheet.text(said, [beside, y], Type::new(7.5));
    sheet.line(&[[plot.corner[0], y + 2.8], [plot.right(), y + 2.8]], 0.3, PALE);
}
