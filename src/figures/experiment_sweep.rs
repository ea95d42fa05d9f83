//! Points of a design: dose and response, heat maps of two factors, and clouds where points were drawn by chance.

use super::chart::{Chart, decimal_log};
use super::experiment_load::{Results, Shown};
use super::experiment_parts::{EDGE, PAGE, SMALL, dash, fitted, hue, level, mark, page, range};
use super::sheet::{Anchor, PX_PER_PT, Sheet, Type, text_width};
use super::words::short;
use crate::error::Result;
use crate::experiment::analysis::sequential::t_half_width;
use crate::math;
use crate::output::records::Records;
use crate::picture::Rgb;
use crate::picture::canvas::mix;
use crate::picture::colours::{BATLOW, GREY, INK, WHITE};

/// Most levels of a factor on an axis of names.
const LEVELS: usize = 14;
/// Most endpoints on a page.
const MOST: usize = 4;
/// Most lines of a dose-response plot.
const LINES: usize = 6;
/// Most factors of a page of clouds.
const CLOUDS: usize = 12;

/// A point of an arm for one endpoint.
struct Cell {
    arm: String,
    levels: Vec<String>,
    n: f64,
    mean: f64,
    sd: f64,
    low: f64,
    high: f64,
}

impl Cell {
    /// Half of the 95 % interval of the mean.
    fn half(&self) -> f64 {
        t_half_width(self.n as usize, self.sd).unwrap_or(0.0)
    }

    /// That interval, as far as values can be: nothing below 0 where no site is, no share above 100 %.
    fn ends(&self, is_share: bool) -> [f64; 2] {
        let (low, high) = (self.mean - self.half(), self.mean + self.half());
        [
            if self.low >= 0.0 { math::max(low, 0.0) } else { low },
            if is_share { math::min(high, 100.0) } else { high },
        ]
    }
}

/// Draws what fits the design; with each page the name of its file.
pub fn draw(results: &Results) -> Result<Vec<(String, Sheet)>> {
    let Some(points) = results.table("points.csv")? else {
        return Ok(Vec::new());
    };
    let listed = results.manifest["factors"].as_array().cloned().unwrap_or_default();
    let factors: Vec<String> = listed
        .iter()
        .filter_map(|f| f["path"].as_str().map(str::to_owned))
        .collect();
    let units: Vec<String> = listed
        .iter()
        .map(|f| f["unit"].as_str().unwrap_or("-").to_owned())
        .collect();
    let names: Vec<String> = factors
        .iter()
        .zip(&units)
        .map(|(path, unit)| {
            if unit == "-" || unit.is_empty() {
                path.clone()
            } else {
                format!("{path} ({unit})")
            }
        })
        .collect();
    let is_there = |e: &&Shown| points.rows().any(|row| row.text("endpoint") == e.name);
    let endpoints: Vec<&Shown> = results.endpoints.iter().filter(is_there).take(MOST).collect();
    let levels: Vec<Vec<String>> = factors.iter().map(|path| in_order(points.words(path))).collect();
    let is_levels = levels.iter().all(|list| list.len() <= LEVELS);
    let kind = results.word("kind");
    if endpoints.is_empty() || kind == "attribute" || kind == "sensitivity" || kind == "trial" {
        return Ok(Vec::new());
    }
    let cells = |endpoint: &Shown| cells(&points, &factors, endpoint);
    let mut pages = Vec::new();
    match (factors.len(), is_levels) {
        (1, true) => pages.push((
            "dose_response".to_owned(),
            doses(results, &names, &levels, &endpoints, &cells),
        )),
        (2, true) => {
            pages.push((
                "dose_response".to_owned(),
                doses(results, &names, &levels, &endpoints, &cells),
            ));
            pages.push((
                "heat_maps".to_owned(),
                maps(results, &names, &levels, &endpoints, &cells),
            ));
        }
        _ => pages.push((
            "clouds".to_owned(),
            clouds(results, &names, &levels, endpoints[0], &cells),
        )),
    }
    Ok(pages)
}

/// Levels by size where they are numbers, else as they come.
fn in_order(mut levels: Vec<String>) -> Vec<String> {
    if levels.iter().all(|l| l.parse::<f64>().is_ok()) {
        let number = |text: &String| text.parse().unwrap_or(0.0f64);
        levels.sort_by(|a, b| number(a).total_cmp(&number(b)));
    }
    levels
}

fn cells(points: &Records, factors: &[String], endpoint: &Shown) -> Vec<Cell> {
    let mine = points.rows().filter(|row| row.text("endpoint") == endpoint.name);
    mine.filter_map(|row| {
        let of = |name: &str| row.number(name).map(|x| endpoint.factor * x);
        Some(Cell {
            arm: row.text("arm").to_owned(),
            levels: factors.iter().map(|path| row.text(path).to_owned()).collect(),
            n: row.number("n")?,
            mean: of("mean")?,
            sd: of("sd")?,
            low: of("q05")?,
            high: of("q95")?,
        })
    })
    .collect()
}

type Cells<'a> = dyn Fn(&Shown) -> Vec<Cell> + 'a;

/// The mean with its interval over the levels of the first factor, a line for each level of the second or for each arm.
fn doses(results: &Results, names: &[String], levels: &[Vec<String>], endpoints: &[&Shown], cells: &Cells) -> Sheet {
    const STEP: f64 = 222.0;
    let arms = results.arms();
    let lines: Vec<(String, String)> = match levels.get(1) {
        Some(list) => arms
            .iter()
            .flat_map(|arm| list.iter().map(move |l| (arm.clone(), l.clone())))
            .collect(),
        None => arms.iter().map(|arm| (arm.clone(), String::new())).collect(),
    };
    let left_out = lines.len().saturating_sub(LINES);
    let rows = endpoints.len().div_ceil(2) as f64;
    let mut what = "Mean over sites with its 95 % interval; fine line: range of 5 to 95 % of the sites. The levels stand evenly spaced."
        .to_owned();
    if left_out > 0 {
        what.push_str(&format!(" {left_out} more lines are in points.csv."));
    }
    let (mut sheet, top) = page(
        results,
        "Dose and response",
        &what,
        rows * STEP + 14.0 * lines.len().min(LINES) as f64 + 12.0,
    );
    for (i, endpoint) in endpoints.iter().enumerate() {
        let found = cells(endpoint);
        let plot = Chart {
            corner: [
                EDGE + 48.0 + (i % 2) as f64 * 0.5 * PAGE,
                top + 20.0 + (i / 2) as f64 * STEP,
            ],
            size: [0.5 * PAGE - EDGE - 62.0, STEP - 70.0],
            x: [-0.5, levels[0].len() as f64 - 0.5],
            y: range(
                found.iter().flat_map(|c| {
                    let [low, high] = c.ends(endpoint.factor == 100.0);
                    [c.low, c.high, low, high]
                }),
                true,
            ),
        };
        sheet.text(
            &endpoint.label,
            [plot.corner[0] - 30.0, plot.corner[1] - 8.0],
            Type::new(9.0).bold(),
        );
        plot.y_axis(&mut sheet, "");
        let shown: Vec<String> = levels[0].iter().map(|l| level(l)).collect();
        plot.x_names(
            &mut sheet,
            &shown,
            &fitted(&names[0], plot.size[0] + 40.0, Type::new(SMALL + 0.5)),
        );
        for (k, (arm, second)) in lines.iter().take(LINES).enumerate() {
            let aside = (k as f64 - 0.5 * (lines.len().min(LINES) as f64 - 1.0)) * 0.09;
            let of_line = |c: &&Cell| c.arm == *arm && c.levels.get(1).is_none_or(|l| l == second);
            let line: Vec<&Cell> = levels[0]
                .iter()
                .filter_map(|l| found.iter().filter(of_line).find(|c| c.levels[0] == *l))
                .collect();
            let x_of = |c: &Cell| levels[0].iter().position(|l| *l == c.levels[0]).unwrap_or(0) as f64 + aside;
            let path: Vec<[f64; 2]> = line.iter().map(|c| plot.place(x_of(c), c.mean)).collect();
            sheet.dashed(&path, 1.2, hue(k), dash(k));
            for c in line {
                let x = x_of(c);
                sheet.line(&[plot.place(x, c.low), plot.place(x, c.high)], 0.5, hue(k));
                let [low, high] = c.ends(endpoint.factor == 100.0);
                plot.stem(&mut sheet, x, low, high, 1.5, hue(k));
                mark(&mut sheet, k, plot.place(x, c.mean), 3.0, hue(k));
            }
        }
    }
    for (k, (arm, second)) in lines.iter().take(LINES).enumerate() {
        let y = top + rows * STEP + 14.0 * k as f64 + 4.0;
        sheet.dashed(&[[EDGE + 30.0, y - 3.0], [EDGE + 62.0, y - 3.0]], 1.2, hue(k), dash(k));
        mark(&mut sheet, k, [EDGE + 46.0, y - 3.0], 3.0, hue(k));
        let words = match (arms.len() > 1, names.get(1)) {
            (true, Some(name)) => format!("{arm}, {name} {}", level(second)),
            (false, Some(name)) => format!("{name} {}", level(second)),
            (_, None) => arm.clone(),
        };
        sheet.text(words, [EDGE + 70.0, y], Type::new(SMALL + 0.5));
    }
    sheet
}

/// A map of the means over both factors, with every number in its cell.
fn maps(results: &Results, names: &[String], levels: &[Vec<String>], endpoints: &[&Shown], cells: &Cells) -> Sheet {
    let arms = results.arms();
    let row = math::clamp(240.0 / levels[1].len() as f64, 20.0, 34.0);
    let step = row * levels[1].len() as f64 + 78.0;
    let all: Vec<(&String, &&Shown)> = endpoints
        .iter()
        .flat_map(|e| arms.iter().map(move |arm| (arm, e)))
        .take(2 * MOST)
        .collect();
    let what = "Mean over the sites of a point, ± half of its 95 % interval. Dark is low; the colours span at least the width of the usual interval.";
    let height = all.len().div_ceil(2) as f64 * step + 8.0;
    let (mut sheet, top) = page(results, "Two factors", what, height);
    for (i, (arm, endpoint)) in all.into_iter().enumerate() {
        let found: Vec<Cell> = cells(endpoint).into_iter().filter(|c| c.arm == *arm).collect();
        let corner = [
            EDGE + 62.0 + (i % 2) as f64 * 0.5 * PAGE,
            top + 34.0 + (i / 2) as f64 * step,
        ];
        let title = if arms.len() > 1 {
            format!("{}, {arm}", endpoint.label)
        } else {
            endpoint.label.clone()
        };
        sheet.text(title, [corner[0] - 46.0, corner[1] - 22.0], Type::new(9.0).bold());
        let size = [0.5 * PAGE - EDGE - 118.0, row * levels[1].len() as f64];
        let ends = scale(&found, endpoint.factor == 100.0);
        map(&mut sheet, &found, ends, names, levels, corner, size);
    }
    sheet
}

fn map(
    sheet: &mut Sheet,
    found: &[Cell],
    [low, high]: [f64; 2],
    names: &[String],
    levels: &[Vec<String>],
    corner: [f64; 2],
    size: [f64; 2],
) {
    let cell = [size[0] / levels[0].len() as f64, size[1] / levels[1].len() as f64];
    let place = |c: &Cell| {
        let at = |f: usize| levels[f].iter().position(|l| *l == c.levels[f]);
        // The largest level of the second factor stands on top.
        Some([
            corner[0] + at(0)? as f64 * cell[0],
            corner[1] + size[1] - (at(1)? + 1) as f64 * cell[1],
        ])
    };
    for c in found {
        let Some(at) = place(c) else { continue };
        let colour = BATLOW.at((c.mean - low) / (high - low));
        // A hair larger than its place: no seam between cells.
        sheet.rectangle(at, [cell[0] + 1.0 / PX_PER_PT, cell[1] + 1.0 / PX_PER_PT], colour, 1.0);
        let ink = on(colour);
        let middle = [at[0] + 0.5 * cell[0], at[1] + 0.5 * cell[1]];
        let face = Type::new(7.5).anchor(Anchor::Middle).colour(ink);
        sheet.text(short(c.mean), [middle[0], middle[1] - 1.0], face);
        if c.n > 1.0 {
            sheet.text(
                format!("±{}", short(c.half())),
                [middle[0], middle[1] + 7.5],
                Type { size: 6.5, ..face },
            );
        }
    }
    sheet.frame(corner, size, 0.8, INK);
    let face = Type::new(SMALL).colour(GREY);
    for (k, l) in levels[0].iter().enumerate() {
        let x = corner[0] + (k as f64 + 0.5) * cell[0];
        sheet.text(level(l), [x, corner[1] + size[1] + 11.0], face.anchor(Anchor::Middle));
    }
    for (k, l) in levels[1].iter().enumerate() {
        let y = corner[1] + size[1] - (k as f64 + 0.5) * cell[1];
        sheet.text(level(l), [corner[0] - 5.0, y + 2.9], face.anchor(Anchor::End));
    }
    let words = Type::new(SMALL + 0.5);
    sheet.text(
        fitted(&names[0], size[0] + 60.0, words),
        [corner[0] + 0.5 * size[0], corner[1] + size[1] + 23.0],
        words.anchor(Anchor::Middle),
    );
    // Lying, above its levels: a standing name is longer than a map of few levels is high.
    sheet.text(
        format!("↑ {}", fitted(&names[1], size[0] + 60.0, words)),
        [corner[0] - 46.0, corner[1] - 8.0],
        words,
    );
    // The scale, from its lowest to its highest mean.
    let bar = [corner[0] + size[0] + 8.0, corner[1]];
    let parts = 48;
    for k in 0..parts {
        let h = size[1] / f64::from(parts);
        let y = bar[1] + size[1] - f64::from(k + 1) * h;
        // A hair taller than its part: no seam between parts.
        sheet.rectangle(
            [bar[0], y],
            [9.0, h + 1.0 / PX_PER_PT],
            BATLOW.at((f64::from(k) + 0.5) / f64::from(parts)),
            1.0,
        );
    }
    sheet.frame(bar, [9.0, size[1]], 0.5, INK);
    for (value, y) in [(high, bar[1] + 6.0), (low, bar[1] + size[1])] {
        sheet.text(short(value), [bar[0] + 12.0, y], Type::new(7.0).colour(GREY));
    }
}

/// Ends of the colours: the lowest and highest mean, but never closer than the usual interval is wide, so that no colour
/// stands for noise; within what is possible, of shares 0 to 100 %.
fn scale(found: &[Cell], is_share: bool) -> [f64; 2] {
    let (low, high) = found.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), c| {
        (math::min(low, c.mean), math::max(high, c.mean))
    });
    if low > high {
        return [0.0, 1.0];
    }
    let mut halves: Vec<f64> = found.iter().map(Cell::half).collect();
    halves.sort_by(f64::total_cmp);
    let least = math::max(2.0 * halves[halves.len() / 2], 1e-9 * high.abs());
    let least = if least > 0.0 { least } else { 1.0 };
    let air = 0.5 * math::positive(least - (high - low));
    let bottom = if low >= 0.0 {
        math::positive(low - air)
    } else {
        low - air
    };
    let top = if is_share {
        math::min(high + air, 100.0)
    } else {
        high + air
    };
    [bottom, top]
}

/// Ink that can be read on a colour.
fn on(colour: Rgb) -> Rgb {
    let [r, g, b] = colour.map(f64::from);
    if 0.299 * r + 0.587 * g + 0.114 * b > 140.0 {
        INK
    } else {
        WHITE
    }
}

/// Whether a factor's levels ask for an axis of logarithms: all above 0, the highest more than twentyfold the lowest.
fn spans_decades(levels: &[String]) -> bool {
    let numbers = || levels.iter().filter_map(|l| l.parse::<f64>().ok());
    let low = numbers().fold(f64::INFINITY, math::min);
    low > 0.0 && numbers().fold(low, math::max) > 20.0 * low
}

/// Every point over each factor alone, with the mean of fifths of them.
fn clouds(results: &Results, names: &[String], levels: &[Vec<String>], endpoint: &Shown, cells: &Cells) -> Sheet {
    const STEP: f64 = 176.0;
    let found = cells(endpoint);
    let arms = results.arms();
    let shown = names.len().min(CLOUDS);
    let rows = shown.div_ceil(3) as f64;
    let mut what = format!(
        "Upright: {}. Each mark is the mean over the sites of a point; steps: mean of a fifth of the points, by the factor.",
        endpoint.label
    );
    if names.len() > CLOUDS {
        what.push_str(&format!(" {} more factors are in points.csv.", names.len() - CLOUDS));
    }
    let legend = if arms.len() > 1 { 16.0 } else { 0.0 };
    let (mut sheet, top) = page(
        results,
        &format!("{} over the points", endpoint.words),
        &what,
        rows * STEP + legend + 10.0,
    );
    let y = range(found.iter().map(|c| c.mean), true);
    for f in 0..shown {
        let is_number = levels[f].iter().all(|l| l.parse::<f64>().is_ok());
        let has_decades = is_number && spans_decades(&levels[f]);
        let value = |c: &Cell| {
            let at = || levels[f].iter().position(|l| *l == c.levels[f]).map(|i| i as f64);
            let number = || c.levels[f].parse::<f64>().ok();
            match (is_number, has_decades) {
                (false, _) => at(),
                (true, false) => number(),
                (true, true) => number().map(decimal_log),
            }
        };
        let plot = Chart {
            corner: [
                EDGE + 46.0 + (f % 3) as f64 * 0.325 * PAGE,
                top + 8.0 + (f / 3) as f64 * STEP,
            ],
            size: [0.325 * PAGE - 64.0, STEP - 52.0],
            x: range(found.iter().filter_map(value), false),
            y,
        };
        plot.y_axis(&mut sheet, "");
        let label = fitted(&names[f], plot.size[0] + 40.0, Type::new(SMALL + 0.5));
        if has_decades {
            plot.x_decades(&mut sheet, &label);
        } else if is_number {
            plot.x_axis(&mut sheet, &label);
        } else {
            plot.x_names(&mut sheet, &levels[f], &label);
        }
        for (k, arm) in arms.iter().enumerate() {
            let mut of_arm: Vec<(f64, f64)> = found
                .iter()
                .filter(|c| c.arm == *arm)
                .filter_map(|c| Some((value(c)?, c.mean)))
                .collect();
            of_arm.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
            for &(x, y) in &of_arm {
                mark(&mut sheet, k, plot.place(x, y), 1.6, mix(hue(k), WHITE, 0.35));
            }
            let fifth = of_arm.len().div_ceil(5).max(1);
            for part in of_arm.chunks(fifth).filter(|part| part.len() > 1) {
                let mean = part.iter().map(|p| p.1).sum::<f64>() / part.len() as f64;
                let (first, last) = (part[0].0, part[part.len() - 1].0);
                sheet.line(&[plot.place(first, mean), plot.place(last, mean)], 2.0, hue(k));
            }
        }
    }
    if arms.len() > 1 {
        let mut x = EDGE + 30.0;
        for (k, arm) in arms.iter().enumerate() {
            let y = top + rows * STEP + 8.0;
            mark(&mut sheet, k, [x, y - 3.0], 3.0, hue(k));
            sheet.text(arm, [x + 8.0, y], Type::new(SMALL + 0.5));
            x += text_width(arm, Type::new(SMALL + 0.5)) + 30.0;
        }
    }
    sheet
}
