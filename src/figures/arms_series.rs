//! A comparison over time: median of each arm with the band that holds 5 to 95 % of its seeds.

use super::chart::{Chart, EndLabel, label_room};
use super::load::{Arm, Compare};
use super::sheet::{Sheet, Type};
use super::time_series::{Panel, darker, heading, top};
use crate::experiment::statistics::quantile;
use crate::math;
use crate::picture::canvas::Point;
use crate::picture::colours::{DASHES, GREY, OKABE_ITO};

const PLOT: Point = [235.0, 122.0];
const LEFT: f64 = 48.0;
const HEAD: f64 = 76.0;
const LABEL: f64 = 8.0;

/// The charts of a comparison.
pub const PANELS: [Panel; 6] = [
    Panel {
        title: "Necrosis (% of tissue that ever died)",
        lines: &[("necrotic_fraction", "", 100.0)],
        least_top: 2.0,
        most_top: 100.0,
    },
    Panel {
        title: "Ulcer (% of surface)",
        lines: &[("ulcer_fraction", "", 100.0)],
        least_top: 2.0,
        most_top: 100.0,
    },
    Panel {
        title: "Perfused length (%)",
        lines: &[("perfused_fraction", "", 100.0)],
        least_top: 100.0,
        most_top: 100.0,
    },
    Panel {
        title: "Mean tissue PO₂ (mmHg)",
        lines: &[("mean_po2_mmhg", "", 1.0)],
        least_top: 40.0,
        most_top: 0.0,
    },
    Panel {
        title: "Thrombosed segments (% of initial)",
        lines: &[("thrombosed_segment_fraction", "", 100.0)],
        least_top: 2.0,
        most_top: 100.0,
    },
    Panel {
        title: "Mineral (µg hydroxyapatite)",
        lines: &[("mineral_ug", "", 1.0)],
        least_top: 0.0,
        most_top: 0.0,
    },
];

/// Median and band of an arm on one day.
pub struct Point3 {
    /// Day.
    pub day: f64,
    /// 5 % of the seeds.
    pub low: f64,
    /// Median.
    pub median: f64,
    /// 95 %.
    pub high: f64,
}

/// Draws the charts; `None` when no arm has a series.
pub fn draw(compare: &Compare) -> Option<Sheet> {
    let arms: Vec<&Arm> = compare.arms.iter().filter(|a| !a.series.is_empty()).collect();
    let days = arms
        .iter()
        .flat_map(|a| a.series.iter().filter_map(|(_, t)| t.last_day()))
        .reduce(math::max)?;
    let names: Vec<String> = arms.iter().map(|a| super::sheet::printable(&a.name)).collect();
    let room = label_room(names.iter().map(String::as_str), LABEL);
    let step = [LEFT + PLOT[0] + room + 14.0, PLOT[1] + 36.0];
    let mut sheet = Sheet::new(
        2.0 * step[0] + 6.0,
        HEAD + 3.0 * step[1] + 34.0,
        &format!("Comparison of {}", names.join(", ")),
        "Necrosis, ulcer, perfusion, oxygen, thrombosed segments and mineral over days: median and 5-95 % band of each arm.",
    );
    sheet.text(names.join("  ·  "), [14.0, 24.0], Type::new(13.0).bold());
    sheet.text(
        "Median of the seeds (line) and the range that holds 5 to 95 % of them (band); one seed is one simulated site.",
        [14.0, 39.0],
        Type::new(9.0).colour(GREY),
    );
    let counts: Vec<String> = arms
        .iter()
        .zip(&names)
        .map(|(a, name)| format!("{name}: {} seeds", a.series.len()))
        .collect();
    let failed = match compare.failed {
        0 => String::new(),
        n => format!("  ·  {n} failed runs are not drawn"),
    };
    sheet.text(
        format!("{}{failed}", counts.join(",  ")),
        [14.0, 52.0],
        Type::new(9.0).colour(GREY),
    );
    for (i, panel) in PANELS.iter().enumerate() {
        let corner = [LEFT + (i % 2) as f64 * step[0], HEAD + 14.0 + (i / 2) as f64 * step[1]];
        draw_panel(&mut sheet, &arms, &names, panel, i, corner, days);
    }
    Some(sheet)
}

fn draw_panel(
    sheet: &mut Sheet,
    arms: &[&Arm],
    names: &[String],
    panel: &Panel,
    index: usize,
    corner: Point,
    days: f64,
) {
    heading(sheet, index, panel.title, corner);
    let (column, _, factor) = panel.lines[0];
    let bands: Vec<Vec<Point3>> = arms.iter().map(|arm| band(arm, column, factor)).collect();
    let largest = bands.iter().flatten().map(|p| p.high).fold(0.0, math::max);
    let chart = Chart {
        corner,
        size: PLOT,
        x: [0.0, days],
        y: [0.0, top(panel, largest)],
    };
    chart.axes(sheet, index >= PANELS.len() - 2);
    let colour = |i: usize| OKABE_ITO[i % OKABE_ITO.len()];
    for (i, points) in bands.iter().enumerate().filter(|(i, _)| arms[*i].series.len() > 1) {
        let area: Vec<(f64, [f64; 2])> = points.iter().map(|p| (p.day, [p.low, p.high])).collect();
        chart.band(sheet, &area, colour(i), 0.17);
    }
    let mut labels = Vec::new();
    for (i, points) in bands.iter().enumerate() {
        let line: Vec<(f64, Option<f64>)> = points.iter().map(|p| (p.day, Some(p.median))).collect();
        chart.line(sheet, &line, 1.6, colour(i), DASHES[i % DASHES.len()]);
        if let Some(last) = points.last() {
            labels.push(EndLabel {
                y: last.median,
                text: names[i].clone(),
                colour: darker(colour(i)),
            });
        }
    }
    chart.end_labels(sheet, labels, LABEL);
}

/// Median and band of a column over the days of the first seed.
pub fn band(arm: &Arm, column: &str, factor: f64) -> Vec<Point3> {
    let seeds: Vec<Vec<(f64, Option<f64>)>> = arm
        .series
        .iter()
        .filter_map(|(_, table)| table.series(column))
        .collect();
    let Some(first) = seeds.first() else {
        return Vec::new();
    };
    first
        .iter()
        .enumerate()
        .filter_map(|(i, &(day, _))| {
            let mut values: Vec<f64> = seeds
                .iter()
                .filter_map(|s| {
                    let same = |(d, _): &&(f64, Option<f64>)| (d - day).abs() < 1e-6;
                    // Seeds of one comparison share their days: look at the same row first.
                    let row = s.get(i).filter(same).or_else(|| s.iter().find(same))?;
                    row.1.map(|v| v * factor)
                })
                .collect();
            values.sort_by(f64::total_cmp);
            let [low, median, high] = [0.05, 0.5, 0.95].map(|share| quantile(&values, share));
            (!values.is_empty()).then_some(Point3 { day, low, median, high })
        })
        .collect()
}
