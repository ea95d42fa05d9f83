//! Axes of a small chart: ticks, grid, labels at the end of lines.

use super::sheet::{Anchor, Sheet, Type, text_width};
use super::words::short;
use crate::math;
use crate::output::records::Estimate;
use crate::picture::Rgb;
use crate::picture::canvas::Point;
use crate::picture::colours::{GREY, INK, PALE};

/// Size of the numbers on axes [pt].
const TICK_TEXT: f64 = 8.0;

/// A chart: its box on the sheet and the values at its edges.
#[derive(Clone, Copy, Debug)]
pub struct Chart {
    /// Top left corner of the plot [pt].
    pub corner: Point,
    /// Size of the plot [pt].
    pub size: Point,
    /// Values at the left and right edge.
    pub x: [f64; 2],
    /// Values at the bottom and top edge.
    pub y: [f64; 2],
}

/// A label at the end of a line.
pub struct EndLabel {
    /// Value at which the line ends.
    pub y: f64,
    /// Words.
    pub text: String,
    /// Colour of the line.
    pub colour: Rgb,
}

/// Round numbers that cover a range with about so many steps.
pub fn ticks(low: f64, high: f64, about: f64) -> Vec<f64> {
    let span = high - low;
    if span <= 0.0 || !span.is_finite() {
        return vec![low];
    }
    let rough = span / about;
    let mut power = 1.0;
    while power * 10.0 <= rough {
        power *= 10.0;
    }
    while power > rough {
        power /= 10.0;
    }
    let step = [1.0, 2.0, 2.5, 5.0, 10.0]
        .into_iter()
        .map(|m| m * power)
        .find(|&s| s >= rough * 0.999)
        .unwrap_or(10.0 * power);
    let first = (low / step - 1e-9).ceil() as i64;
    let last = (high / step + 1e-9).floor() as i64;
    (first..=last).map(|i| i as f64 * step).collect()
}

/// The days of an axis: steps that people count in.
pub fn day_ticks(days: f64) -> Vec<f64> {
    let step = [0.25, 0.5, 1.0, 2.0, 5.0, 7.0, 14.0, 28.0, 56.0, 91.0, 182.0, 364.0]
        .into_iter()
        .find(|s| days / s <= 7.5)
        .unwrap_or(days);
    (0..)
        .map(|i| f64::from(i) * step)
        .take_while(|d| *d <= days * (1.0 + 1e-9))
        .collect()
}

/// A number with as many places as its neighbours need.
pub fn number(value: f64, step: f64) -> String {
    let places = (0..6).find(|&p| {
        let scaled = step.abs() * (0..p).fold(1.0, |a, _| a * 10.0);
        (scaled - scaled.round()).abs() < 1e-6 * scaled
    });
    let text = format!("{value:.*}", places.unwrap_or(6) as usize);
    let text = if text.trim_start_matches(['-', '0', '.']).is_empty() {
        text.replace('-', "")
    } else {
        text
    };
    let text = group(&text);
    text.replace('-', "−")
}

/// Thin grouping of thousands from five digits on.
fn group(text: &str) -> String {
    let (sign, digits) = text.strip_prefix('-').map_or(("", text), |d| ("-", d));
    if digits.contains('.') || digits.len() < 5 {
        return text.to_owned();
    }
    let mut out = String::from(sign);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i) % 3 == 0 {
            out.push('\u{a0}');
        }
        out.push(c);
    }
    out
}

/// Decimal logarithm, as an axis of powers of ten places its values.
pub fn decimal_log(x: f64) -> f64 {
    math::ln(x) / std::f64::consts::LN_10
}

impl Chart {
    /// Place of a pair of values on the sheet.
    pub fn place(&self, x: f64, y: f64) -> Point {
        let share = |v: f64, [low, high]: [f64; 2]| (v - low) / (high - low);
        [
            self.corner[0] + self.size[0] * share(x, self.x),
            self.corner[1] + self.size[1] * (1.0 - share(y, self.y)),
        ]
    }

    /// Right edge [pt].
    pub fn right(&self) -> f64 {
        self.corner[0] + self.size[0]
    }

    /// Bottom edge [pt].
    pub fn bottom(&self) -> f64 {
        self.corner[1] + self.size[1]
    }

    /// Grid, axes and numbers; the days only where asked.
    pub fn axes(&self, sheet: &mut Sheet, days_below: bool) {
        let marks = ticks(self.y[0], self.y[1], 4.0);
        let step = marks.get(1).map_or(1.0, |second| second - marks[0]);
        let face = Type::new(TICK_TEXT).colour(GREY);
        for &value in &marks {
            let [_, y] = self.place(self.x[0], value);
            sheet.line(&[[self.corner[0], y], [self.right(), y]], 0.4, PALE);
            sheet.text(
                number(value, step),
                [self.corner[0] - 5.0, y + 0.36 * TICK_TEXT],
                face.anchor(Anchor::End),
            );
        }
        self.day_ticks_below(sheet, days_below);
        sheet.line(
            &[
                [self.corner[0], self.corner[1]],
                [self.corner[0], self.bottom()],
                [self.right(), self.bottom()],
            ],
            0.8,
            INK,
        );
        if days_below {
            sheet.text(
                "day",
                [self.right() - self.size[0] / 2.0, self.bottom() + 26.0],
                Type::new(TICK_TEXT + 0.5).anchor(Anchor::Middle),
            );
        }
    }

    /// Marks of the days below, with their numbers.
    fn day_ticks_below(&self, sheet: &mut Sheet, has_numbers: bool) {
        let face = Type::new(TICK_TEXT).colour(GREY).anchor(Anchor::Middle);
        let days = day_ticks(self.x[1]);
        let step = days.get(1).copied().unwrap_or(1.0);
        for &day in &days {
            let [x, _] = self.place(day, self.y[0]);
            sheet.line(&[[x, self.bottom()], [x, self.bottom() + 3.0]], 0.6, GREY);
            if has_numbers {
                sheet.text(number(day, step), [x, self.bottom() + 4.5 + TICK_TEXT], face);
            }
        }
    }

    /// The axis of days below, its word at the left, where a table may stand under it.
    pub fn day_axis(&self, sheet: &mut Sheet) {
        self.day_ticks_below(sheet, true);
        sheet.line(
            &[[self.corner[0], self.bottom()], [self.right(), self.bottom()]],
            0.8,
            INK,
        );
        sheet.text(
            "day",
            [self.corner[0] - 8.0, self.bottom() + 4.5 + TICK_TEXT],
            Type::new(TICK_TEXT).anchor(Anchor::End),
        );
    }

    /// A line of values, broken where one is missing.
    pub fn line(&self, sheet: &mut Sheet, values: &[(f64, Option<f64>)], width: f64, colour: Rgb, dash: &[f64]) {
        for run in values.split(|(_, y)| y.is_none()) {
            let points: Vec<Point> = run.iter().filter_map(|&(x, y)| y.map(|y| self.place(x, y))).collect();
            if points.len() > 1 {
                sheet.dashed(&points, width, colour, dash);
            }
        }
    }

    /// The area between two lines.
    pub fn band(&self, sheet: &mut Sheet, band: &[(f64, [f64; 2])], colour: Rgb, opacity: f64) {
        let mut points: Vec<Point> = band.iter().map(|&(x, [low, _])| self.place(x, low)).collect();
        points.extend(band.iter().rev().map(|&(x, [_, high])| self.place(x, high)));
        sheet.area(&points, colour, opacity);
    }

    /// Labels to the right of the plot at the ends of lines, moved apart so that none covers another.
    pub fn end_labels(&self, sheet: &mut Sheet, mut labels: Vec<EndLabel>, size: f64) {
        const GAP: f64 = 1.18;
        labels.sort_by(|a, b| b.y.total_cmp(&a.y));
        let wished: Vec<f64> = labels.iter().map(|l| self.place(0.0, l.y)[1]).collect();
        let mut at = wished.clone();
        // Push down, then back up from the bottom edge.
        for i in 1..at.len() {
            at[i] = math::max(at[i], at[i - 1] + GAP * size);
        }
        let mut limit = self.bottom() + 2.0;
        for y in at.iter_mut().rev() {
            *y = math::min(*y, limit);
            limit = *y - GAP * size;
        }
        for ((label, y), wish) in labels.into_iter().zip(at).zip(wished) {
            let x = self.right();
            sheet.line(&[[x + 1.5, wish], [x + 6.5, y]], 0.6, label.colour);
            sheet.text(
                label.text,
                [x + 9.0, y + 0.36 * size],
                Type::new(size).colour(label.colour),
            );
        }
    }
}

/// Parts of figures that are not over days.
impl Chart {
    /// Axis of numbers below, with fine lines.
    pub fn x_axis(&self, sheet: &mut Sheet, label: &str) {
        let marks = ticks(self.x[0], self.x[1], math::clamp(self.size[0] / 55.0, 2.0, 7.0));
        let step = marks.get(1).map_or(1.0, |second| second - marks[0]);
        for &value in &marks {
            let x = self.place(value, self.y[0])[0];
            sheet.line(&[[x, self.corner[1]], [x, self.bottom()]], 0.4, PALE);
            let face = Type::new(TICK_TEXT).colour(GREY).anchor(Anchor::Middle);
            sheet.text(number(value, step), [x, self.bottom() + 11.0], face);
        }
        self.x_line(sheet, label, 23.0);
    }

    /// Axis of powers of ten below, where the chart's x are decimal logarithms; of one or two decades also 2 and 5 of each.
    pub fn x_decades(&self, sheet: &mut Sheet, label: &str) {
        let steps: &[f64] = if self.x[1] - self.x[0] > 2.2 {
            &[1.0]
        } else {
            &[1.0, 2.0, 5.0]
        };
        for power in self.x[0].floor() as i32..=self.x[1].floor() as i32 {
            for &step in steps {
                let at = f64::from(power) + decimal_log(step);
                if at < self.x[0] || at > self.x[1] {
                    continue;
                }
                let x = self.place(at, self.y[0])[0];
                sheet.line(&[[x, self.corner[1]], [x, self.bottom()]], 0.4, PALE);
                let face = Type::new(TICK_TEXT).colour(GREY).anchor(Anchor::Middle);
                sheet.text(
                    short(step * math::pow(10.0, f64::from(power))),
                    [x, self.bottom() + 11.0],
                    face,
                );
            }
        }
        self.x_line(sheet, label, 23.0);
    }

    /// Axis of numbers at the left, with fine lines.
    pub fn y_axis(&self, sheet: &mut Sheet, label: &str) {
        let marks = ticks(self.y[0], self.y[1], math::clamp(self.size[1] / 30.0, 2.0, 6.0));
        let step = marks.get(1).map_or(1.0, |second| second - marks[0]);
        for &value in &marks {
            let y = self.place(self.x[0], value)[1];
            sheet.line(&[[self.corner[0], y], [self.right(), y]], 0.4, PALE);
            let face = Type::new(TICK_TEXT).colour(GREY).anchor(Anchor::End);
            sheet.text(number(value, step), [self.corner[0] - 5.0, y + 0.36 * TICK_TEXT], face);
        }
        sheet.line(&[self.corner, [self.corner[0], self.bottom()]], 0.8, INK);
        let middle = [self.corner[0] - 34.0, self.corner[1] + 0.5 * self.size[1]];
        sheet.text(
            label,
            middle,
            Type::new(TICK_TEXT + 0.5).anchor(Anchor::Middle).upward(),
        );
    }

    /// The line of an x axis, and its label so far below [px].
    fn x_line(&self, sheet: &mut Sheet, label: &str, below: f64) {
        let ends = [[self.corner[0], self.bottom()], [self.right(), self.bottom()]];
        sheet.line(&ends, 0.8, INK);
        let middle = self.corner[0] + 0.5 * self.size[0];
        let face = Type::new(TICK_TEXT + 0.5).anchor(Anchor::Middle);
        sheet.text(label, [middle, self.bottom() + below], face);
    }

    /// Names below in place of numbers, at whole places from 0 on.
    pub fn x_names(&self, sheet: &mut Sheet, names: &[String], label: &str) {
        for (i, name) in names.iter().enumerate() {
            let x = self.place(i as f64, self.y[0])[0];
            sheet.line(&[[x, self.bottom()], [x, self.bottom() + 3.0]], 0.6, GREY);
            let face = Type::new(TICK_TEXT).colour(GREY).anchor(Anchor::Middle);
            sheet.text(name, [x, self.bottom() + 12.0], face);
        }
        self.x_line(sheet, label, 24.0);
    }

    /// An upright line through a value, dashed.
    pub fn upright(&self, sheet: &mut Sheet, x: f64, colour: Rgb) {
        let x = self.place(x, self.y[0])[0];
        sheet.dashed(&[[x, self.corner[1]], [x, self.bottom()]], 1.0, colour, &[4.0, 2.5]);
    }

    /// An interval from left to right with caps.
    pub fn whisker(&self, sheet: &mut Sheet, found: Estimate, y: f64, width: f64, colour: Rgb) {
        let Some((low, high)) = found.ends else { return };
        let inside = |x: f64| math::clamp(self.place(x, self.y[0])[0], self.corner[0] - 2.0, self.right() + 2.0);
        let (a, b) = (inside(low), inside(high));
        sheet.line(&[[a, y], [b, y]], width, colour);
        for x in [a, b] {
            sheet.line(&[[x, y - 3.0], [x, y + 3.0]], width, colour);
        }
    }

    /// An interval from below to above with caps.
    pub fn stem(&self, sheet: &mut Sheet, x: f64, low: f64, high: f64, width: f64, colour: Rgb) {
        let (a, b) = (self.place(x, low), self.place(x, high));
        sheet.line(&[a, b], width, colour);
        for [x, y] in [a, b] {
            sheet.line(&[[x - 3.0, y], [x + 3.0, y]], width, colour);
        }
    }
}

/// Width that labels need to the right of a chart [pt].
pub fn label_room<'a>(labels: impl IntoIterator<Item = &'a str>, size: f64) -> f64 {
    labels
        .into_iter()
        .map(|text| text_width(text, Type::new(size)) + 12.0)
        .fold(0.0, math::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_inside() {
        assert_eq!(ticks(0.0, 100.0, 4.0), [0.0, 25.0, 50.0, 75.0, 100.0]);
        assert_eq!(ticks(0.0, 1.0, 4.0), [0.0, 0.25, 0.5, 0.75, 1.0]);
        assert_eq!(ticks(3.0, 3.0, 4.0), [3.0]);
        assert_eq!(day_ticks(90.0).last(), Some(&84.0));
        assert_eq!(day_ticks(1.0).len(), 5);
    }

    #[test]
    fn numbers_have_the_places_of_their_step() {
        assert_eq!(number(0.25, 0.25), "0.25");
        assert_eq!(number(50.0, 25.0), "50");
        assert_eq!(number(-0.0, 0.5), "0.0");
        assert_eq!(number(-2.0, 1.0), "−2");
        assert_eq!(number(12500.0, 2500.0), "12\u{a0}500");
    }
}
