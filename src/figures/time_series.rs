//! One run over time: six small charts with the days of challenges and doses.

use super::chart::{Chart, EndLabel, label_room, ticks};
use super::load::{Mark, Run};
use super::sheet::{Sheet, Type};
use crate::math;
use crate::picture::Rgb;
use crate::picture::canvas::Point;
use crate::picture::colours::{DASHES, GREY, INK, OKABE_ITO, THROMBUS};

/// Size of a plot [pt].
const PLOT: Point = [235.0, 112.0];
/// Left margin for numbers [pt].
const LEFT: f64 = 48.0;
/// Height of the heading of the sheet [pt].
const HEAD: f64 = 60.0;
/// Height of a lane of marks [pt].
const LANE: f64 = 12.0;
/// Lanes at most; what is beyond is counted in words.
const LANES: usize = 5;
/// Size of labels at lines [pt].
const LABEL: f64 = 8.0;

/// Lines of a chart: column, words, factor to the unit of the axis.
pub struct Panel {
    /// Heading with unit.
    pub title: &'static str,
    /// Column, label at the end of its line, factor.
    pub lines: &'static [(&'static str, &'static str, f64)],
    /// Top of the axis at least.
    pub least_top: f64,
    /// Top of the axis at most; 0 for none.
    pub most_top: f64,
}

/// The charts of a run.
pub const PANELS: [Panel; 6] = [
    Panel {
        title: "Necrosis and ulcer (% of tissue, of surface)",
        lines: &[
            ("necrotic_fraction", "ever dead", 100.0),
            ("necrotic_now_fraction", "dead now", 100.0),
            ("ulcer_fraction", "ulcer", 100.0),
        ],
        least_top: 2.0,
        most_top: 100.0,
    },
    Panel {
        title: "Perfusion and endothelium (%)",
        lines: &[
            ("perfused_fraction", "perfused length", 100.0),
            ("endothelial_integrity", "endothelium", 100.0),
        ],
        least_top: 100.0,
        most_top: 100.0,
    },
    Panel {
        title: "Mean tissue PO₂ (mmHg)",
        lines: &[("mean_po2_mmhg", "PO₂", 1.0)],
        least_top: 40.0,
        most_top: 0.0,
    },
    Panel {
        title: "Vessel segments (% of initial)",
        lines: &[
            ("thrombosed_segment_fraction", "thrombosed", 100.0),
            ("calcified_segment_fraction", "calcified", 100.0),
        ],
        least_top: 2.0,
        most_top: 100.0,
    },
    Panel {
        title: "Mineral (µg hydroxyapatite)",
        lines: &[("mineral_ug", "mineral", 1.0)],
        least_top: 0.0,
        most_top: 0.0,
    },
    Panel {
        title: "Cells in the block",
        lines: &[
            ("neutrophils", "neutrophils", 1.0),
            ("macrophages", "macrophages", 1.0),
            ("msc", "stem cells", 1.0),
        ],
        least_top: 5.0,
        most_top: 0.0,
    },
];

/// Marks of one kind.
struct Lane {
    label: String,
    kind: String,
    days: Vec<f64>,
}

/// Draws the charts of a run.
pub fn draw(run: &Run) -> Sheet {
    let days = run.series.last_day().map_or(1.0, |d| math::max(d, 1e-9));
    let lanes = lanes(&run.marks);
    let words = PANELS
        .iter()
        .flat_map(|p| p.lines.iter().map(|l| l.1))
        .chain(lanes.iter().map(|l| l.label.as_str()));
    let room = label_room(words, LABEL);
    let step = [LEFT + PLOT[0] + room + 14.0, PLOT[1] + 36.0];
    let strip = LANE * lanes.len() as f64;
    let mut sheet = Sheet::new(
        2.0 * step[0] + 6.0,
        HEAD + strip + 3.0 * step[1] + 34.0,
        &format!("{}: time series", run.scenario),
        "Necrosis, perfusion, oxygen, thrombosed and calcified segments, mineral and cells over days.",
    );
    sheet.text(&run.scenario, [14.0, 24.0], Type::new(14.0).bold());
    let seed = run.seed.map_or(String::new(), |s| format!("seed {s}  ·  "));
    sheet.text(
        format!("{seed}{} days, one simulated site", super::day_label(days)),
        [14.0, 39.0],
        Type::new(9.0).colour(GREY),
    );
    let caveat = run.caveat();
    if !caveat.is_empty() {
        let x = sheet.width() - 14.0;
        sheet.text(
            format!("▲ {caveat}"),
            [x, 24.0],
            Type::new(9.0).bold().colour(THROMBUS).anchor(super::sheet::Anchor::End),
        );
    }
    for (i, panel) in PANELS.iter().enumerate() {
        let corner = [
            LEFT + (i % 2) as f64 * step[0],
            HEAD + strip + 14.0 + (i / 2) as f64 * step[1],
        ];
        if i < 2 {
            marks(&mut sheet, &lanes, [corner[0], HEAD - 8.0], days);
        }
        moments(&mut sheet, &lanes, corner, days);
        draw_panel(&mut sheet, run, panel, i, corner, days);
    }
    sheet
}

/// Heading of a chart, with its letter.
pub fn heading(sheet: &mut Sheet, index: usize, title: &str, corner: Point) {
    let letter = char::from(b'a' + index as u8);
    sheet.text(
        letter.to_string(),
        [corner[0] - 34.0, corner[1] - 8.0],
        Type::new(10.5).bold(),
    );
    sheet.text(title, [corner[0] - 20.0, corner[1] - 8.0], Type::new(9.0));
}

/// A round top for the axis of a chart.
pub fn top(panel: &Panel, largest: f64) -> f64 {
    let wish = math::max(largest, panel.least_top);
    let wish = if wish > 0.0 { wish } else { 1.0 };
    let marks = ticks(0.0, wish, 4.0);
    let step = marks.get(1).copied().unwrap_or(wish);
    let round = (wish / step - 1e-9).ceil() * step;
    if panel.most_top > 0.0 {
        math::min(round, panel.most_top)
    } else {
        round
    }
}

fn draw_panel(sheet: &mut Sheet, run: &Run, panel: &Panel, index: usize, corner: Point, days: f64) {
    heading(sheet, index, panel.title, corner);
    let lines: Vec<_> = panel
        .lines
        .iter()
        .enumerate()
        .filter_map(|(i, &(column, words, factor))| {
            let values: Vec<(f64, Option<f64>)> = run
                .series
                .series(column)?
                .into_iter()
                .map(|(day, v)| (day, v.map(|v| v * factor)))
                .collect();
            Some((i, words, values))
        })
        .collect();
    let largest = lines
        .iter()
        .flat_map(|(_, _, values)| values.iter().filter_map(|(_, v)| *v))
        .fold(0.0, math::max);
    let chart = Chart {
        corner,
        size: PLOT,
        x: [0.0, days],
        y: [0.0, top(panel, largest)],
    };
    chart.axes(sheet, index >= PANELS.len() - 2);
    if lines.is_empty() {
        sheet.text(
            "not recorded in this run",
            [corner[0] + 8.0, corner[1] + PLOT[1] / 2.0],
            Type::new(LABEL).colour(GREY),
        );
    }
    let mut labels = Vec::new();
    for (i, words, values) in &lines {
        let colour = OKABE_ITO[i % OKABE_ITO.len()];
        chart.line(sheet, values, 1.5, colour, DASHES[i % DASHES.len()]);
        if let Some(y) = values.iter().rev().find_map(|(_, v)| *v) {
            labels.push(EndLabel {
                y,
                text: (*words).to_owned(),
                colour: darker(colour),
            });
        }
    }
    chart.end_labels(sheet, labels, LABEL);
    if index == 0 {
        rise(sheet, run, &chart);
    }
}

/// The days between a tenth and nine tenths of the final necrosis.
fn rise(sheet: &mut Sheet, run: &Run, chart: &Chart) {
    let Some([from, to]) = run.t10_t90_d.filter(|[_, to]| *to <= chart.x[1]) else {
        return;
    };
    let y = chart.corner[1] + 7.0;
    let ends = [from, to].map(|day| chart.place(day, 0.0)[0]);
    sheet.line(&[[ends[0], y], [ends[1], y]], 0.8, INK);
    for x in ends {
        sheet.line(&[[x, y - 2.5], [x, y + 2.5]], 0.8, INK);
    }
    let words = format!("10–90 % in {} d", super::day_label(to - from));
    let width = super::sheet::text_width(&words, Type::new(7.5));
    // To the right of the bracket, or to its left where the plot ends.
    let x = if ends[1] + 5.0 + width > chart.right() {
        ends[0] - 5.0 - width
    } else {
        ends[1] + 5.0
    };
    sheet.text(words, [x, y + 2.7], Type::new(7.5).colour(GREY));
}

/// A colour dark enough for words on white.
pub fn darker(colour: Rgb) -> Rgb {
    crate::picture::canvas::mix(colour, INK, 0.25)
}

fn lanes(marks: &[Mark]) -> Vec<Lane> {
    let mut lanes: Vec<Lane> = Vec::new();
    for mark in marks {
        match lanes.iter_mut().find(|l| l.kind == mark.kind && l.label == mark.what) {
            Some(lane) => lane.days.push(mark.day),
            None => lanes.push(Lane {
                label: mark.what.clone(),
                kind: mark.kind.clone(),
                days: vec![mark.day],
            }),
        }
    }
    let left_out = lanes.len().saturating_sub(LANES);
    lanes.truncate(LANES);
    for lane in &mut lanes {
        let times = match lane.days.len() {
            1 => String::new(),
            n => format!(" × {n}"),
        };
        lane.label = super::sheet::printable(&format!("{}{times}", lane.label.replace('_', " ")));
    }
    if left_out > 0 {
        lanes.push(Lane {
            label: format!("and {left_out} more kinds"),
            kind: String::new(),
            days: Vec::new(),
        });
    }
    lanes
}

/// Single moments as fine lines through a plot.
fn moments(sheet: &mut Sheet, lanes: &[Lane], corner: Point, days: f64) {
    for lane in lanes.iter().filter(|lane| lane.days.len() <= 2) {
        for &day in lane.days.iter().filter(|d| **d <= days) {
            let x = corner[0] + PLOT[0] * day / days;
            let ends = [[x, corner[1]], [x, corner[1] + PLOT[1]]];
            sheet.dashed(&ends, 0.5, GREY, &[1.0, 4.0]);
        }
    }
}

/// Marks in lanes above the charts: diamond = challenge, triangle = dose, square = procedure.
fn marks(sheet: &mut Sheet, lanes: &[Lane], corner: Point, days: f64) {
    for (i, lane) in lanes.iter().enumerate() {
        let y = corner[1] + LANE * i as f64;
        let x_of = |day: f64| corner[0] + PLOT[0] * day / days;
        if !lane.days.is_empty() {
            sheet.line(&[[corner[0], y], [corner[0] + PLOT[0], y]], 0.3, GREY);
        }
        for &day in lane.days.iter().filter(|d| **d <= days) {
            let x = x_of(day);
            let r = if lane.days.len() > 30 { 2.2 } else { 3.2 };
            let shape: Vec<Point> = match lane.kind.as_str() {
                "challenge" => vec![[x, y - r], [x + r, y], [x, y + r], [x - r, y]],
                "dose" => vec![[x - r, y - r], [x + r, y - r], [x, y + r]],
                _ => vec![[x - r, y - r], [x + r, y - r], [x + r, y + r], [x - r, y + r]],
            };
            sheet.area(&shape, INK, 1.0);
        }
        sheet.text(
            &lane.label,
            [corner[0] + PLOT[0] + 9.0, y + 0.36 * LABEL],
            Type::new(LABEL),
        );
    }
}
