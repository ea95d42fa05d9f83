//! Parts of the figures of experiments: a page with its question, axes of numbers, points with intervals, marks whose shape
//! says as much as their hue.

use super::chart::{number, ticks};
use super::experiment_load::{Estimate, Results};
use super::sheet::{Anchor, Sheet, Type, text_width};
use crate::math;
use crate::picture::Rgb;
use crate::picture::canvas::Point;
use crate::picture::colours::{DASHES, GREY, INK, OKABE_ITO, PALE};

/// Width of a page [pt].
pub const PAGE: f64 = 720.0;
/// Left edge of words [pt].
pub const EDGE: f64 = 16.0;
/// Size of small words [pt].
pub const SMALL: f64 = 8.0;

/// What every figure of an experiment says.
const DISCLAIMER: &str =
    "Simulated sites at risk, not patients: what holds in this model, for teaching and hypotheses.";

/// A page: what it shows, the question, what was run. Answers the sheet and where its content may begin.
pub fn page(results: &Results, title: &str, what: &str, height: f64) -> (Sheet, f64) {
    let question = results.word("question");
    // The height of the words decides where the content begins: laid out once on a sheet that is thrown away.
    let mut scrap = Sheet::new(PAGE, 10.0, "", "");
    let words = |sheet: &mut Sheet| {
        sheet.text(title, [EDGE, 25.0], Type::new(13.0).bold());
        let mut y = 41.0;
        if !question.is_empty() {
            y = sheet.paragraph(question, [EDGE, y], PAGE - 2.0 * EDGE, Type::new(9.0));
        }
        sheet.text(results.line(), [EDGE, y], Type::new(SMALL).colour(GREY));
        y += 11.5;
        sheet.paragraph(what, [EDGE, y], PAGE - 2.0 * EDGE, Type::new(SMALL).colour(GREY))
    };
    let top = words(&mut scrap) + 6.0;
    let all = top + height + 24.0;
    let mut sheet = Sheet::new(PAGE, all, title, &format!("{what} {}", results.word("question")));
    words(&mut sheet);
    sheet.text(DISCLAIMER, [EDGE, all - 9.0], Type::new(7.5).colour(GREY));
    (sheet, top)
}

/// A plot with numbers on both axes, or with names in place of numbers where its owner draws them.
#[derive(Clone, Copy, Debug)]
pub struct Plot {
    /// Top left corner [pt].
    pub corner: Point,
    /// Size [pt].
    pub size: Point,
    /// Values at the left and right edge.
    pub x: [f64; 2],
    /// Values at the bottom and top edge.
    pub y: [f64; 2],
}

impl Plot {
    /// Place of a pair of values.
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

    /// Axis of numbers below, with fine lines.
    pub fn x_axis(&self, sheet: &mut Sheet, label: &str) {
        let marks = ticks(self.x[0], self.x[1], math::clamp(self.size[0] / 55.0, 2.0, 7.0));
        let step = marks.get(1).map_or(1.0, |second| second - marks[0]);
        for &value in &marks {
            let x = self.place(value, self.y[0])[0];
            sheet.line(&[[x, self.corner[1]], [x, self.bottom()]], 0.4, PALE);
            let face = Type::new(SMALL).colour(GREY).anchor(Anchor::Middle);
            sheet.text(number(value, step), [x, self.bottom() + 11.0], face);
        }
        sheet.line(
            &[[self.corner[0], self.bottom()], [self.right(), self.bottom()]],
            0.8,
            INK,
        );
        let middle = self.corner[0] + 0.5 * self.size[0];
        sheet.text(
            label,
            [middle, self.bottom() + 23.0],
            Type::new(SMALL + 0.5).anchor(Anchor::Middle),
        );
    }

    /// Axis of numbers at the left, with fine lines.
    pub fn y_axis(&self, sheet: &mut Sheet, label: &str) {
        let marks = ticks(self.y[0], self.y[1], math::clamp(self.size[1] / 30.0, 2.0, 6.0));
        let step = marks.get(1).map_or(1.0, |second| second - marks[0]);
        for &value in &marks {
            let y = self.place(self.x[0], value)[1];
            sheet.line(&[[self.corner[0], y], [self.right(), y]], 0.4, PALE);
            let face = Type::new(SMALL).colour(GREY).anchor(Anchor::End);
            sheet.text(number(value, step), [self.corner[0] - 5.0, y + 0.36 * SMALL], face);
        }
        sheet.line(&[self.corner, [self.corner[0], self.bottom()]], 0.8, INK);
        let middle = [self.corner[0] - 34.0, self.corner[1] + 0.5 * self.size[1]];
        sheet.text(label, middle, Type::new(SMALL + 0.5).anchor(Anchor::Middle).upward());
    }

    /// Names below in place of numbers, at whole places from 0 on.
    pub fn x_names(&self, sheet: &mut Sheet, names: &[String], label: &str) {
        for (i, name) in names.iter().enumerate() {
            let x = self.place(i as f64, self.y[0])[0];
            sheet.line(&[[x, self.bottom()], [x, self.bottom() + 3.0]], 0.6, GREY);
            let face = Type::new(SMALL).colour(GREY).anchor(Anchor::Middle);
            sheet.text(name, [x, self.bottom() + 12.0], face);
        }
        sheet.line(
            &[[self.corner[0], self.bottom()], [self.right(), self.bottom()]],
            0.8,
            INK,
        );
        let middle = self.corner[0] + 0.5 * self.size[0];
        sheet.text(
            label,
            [middle, self.bottom() + 24.0],
            Type::new(SMALL + 0.5).anchor(Anchor::Middle),
        );
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

/// Hue of a place in a list.
pub fn hue(i: usize) -> Rgb {
    OKABE_ITO[i % OKABE_ITO.len()]
}

/// Dashes of a place in a list: where hues come again, their dashes are others.
pub fn dash(i: usize) -> &'static [f64] {
    DASHES[(i + i / OKABE_ITO.len()) % DASHES.len()]
}

/// A mark whose shape and filling go with its hue: disc, square, triangle, diamond, turned triangle, then hollow.
pub fn mark(sheet: &mut Sheet, i: usize, [x, y]: Point, r: f64, colour: Rgb) {
    const KINDS: usize = 5;
    let shape: Vec<Point> = match i % KINDS {
        0 => (0..24)
            .map(|k| {
                let turn = std::f64::consts::TAU * f64::from(k) / 24.0;
                [x + r * math::cos(turn), y + r * math::sin(turn)]
            })
            .collect(),
        1 => vec![[x - r, y - r], [x + r, y - r], [x + r, y + r], [x - r, y + r]],
        2 => vec![[x, y - 1.2 * r], [x + 1.1 * r, y + 0.8 * r], [x - 1.1 * r, y + 0.8 * r]],
        3 => vec![[x, y - 1.3 * r], [x + 1.3 * r, y], [x, y + 1.3 * r], [x - 1.3 * r, y]],
        _ => vec![[x, y + 1.2 * r], [x + 1.1 * r, y - 0.8 * r], [x - 1.1 * r, y - 0.8 * r]],
    };
    let is_hollow = i / KINDS % 2 == 1;
    sheet.area(
        &shape,
        if is_hollow {
            crate::picture::colours::WHITE
        } else {
            colour
        },
        1.0,
    );
    let mut outline = shape;
    outline.extend(outline.first().copied());
    sheet.line(
        &outline,
        if is_hollow { 1.2 } else { 0.6 },
        if is_hollow { colour } else { INK },
    );
}

/// A range that holds all values and, where asked, zero, with some air.
pub fn range(values: impl IntoIterator<Item = f64>, with_zero: bool) -> [f64; 2] {
    let start = if with_zero {
        [0.0, 0.0]
    } else {
        [f64::INFINITY, f64::NEG_INFINITY]
    };
    let finite = values.into_iter().filter(|x| x.is_finite());
    let [low, high] = finite.fold(start, |[low, high], x| [math::min(low, x), math::max(high, x)]);
    if low > high {
        return [0.0, 1.0];
    }
    let air = if high > low {
        0.06 * (high - low)
    } else {
        math::max(0.5 * high.abs(), 1.0)
    };
    let lower = if with_zero && low == 0.0 && high > low {
        0.0
    } else {
        low - air
    };
    let upper = if with_zero && high == 0.0 && high > low {
        0.0
    } else {
        high + air
    };
    [lower, upper]
}

/// A number with three digits that count.
pub fn short(x: f64) -> String {
    let size = if x.abs() < 1e-12 { 0.0 } else { x.abs() };
    let places = match () {
        () if size >= 99.95 || size == 0.0 => 0,
        () if size >= 9.995 => 1,
        () if size >= 0.9995 => 2,
        () if size >= 0.01 => 3,
        () => 4,
    };
    if size != 0.0 && size < 0.0005 {
        return format!("{x:.1e}").replace('-', "−");
    }
    format!("{x:.places$}").replace('-', "−")
}

/// The same with its sign.
pub fn signed(x: f64) -> String {
    let text = short(x);
    if x >= 1e-12 { format!("+{text}") } else { text }
}

/// A level of a factor as an axis names it.
pub fn level(text: &str) -> String {
    match text.parse::<f64>() {
        Ok(x) if x != 0.0 && (x.abs() >= 1e5 || x.abs() < 1e-3) => {
            let text = format!("{x:e}");
            let (head, power) = text.split_once('e').unwrap_or((&text, "0"));
            format!("{head}·10{}", raised(power))
        }
        _ => text.replace('-', "−"),
    }
}

/// An exponent as superscript digits.
fn raised(power: &str) -> String {
    let up = |c: char| match c {
        '-' => '⁻',
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        '0' | '4'..='9' => char::from_u32(0x2070 + (c as u32 - '0' as u32)).unwrap_or(c),
        c => c,
    };
    power.chars().map(up).collect()
}

/// A name cut to a width, its end kept: of a path the last word says the most.
pub fn fitted(text: &str, width: f64, face: Type) -> String {
    if text_width(text, face) <= width {
        return text.to_owned();
    }
    let letters: Vec<char> = text.chars().collect();
    for start in 1..letters.len() {
        let cut: String = std::iter::once('…').chain(letters[start..].iter().copied()).collect();
        if text_width(&cut, face) <= width {
            return cut;
        }
    }
    String::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_levels_are_short_and_have_a_true_minus() {
        assert_eq!(short(-12.345), "−12.3");
        assert_eq!(short(0.00012), "1.2e−4");
        assert_eq!(signed(3.0), "+3.00");
        assert_eq!(level("250000.0"), "2.5·10⁵");
        assert_eq!(level("14.0"), "14.0");
        assert_eq!(level("0.0000421"), "4.21·10⁻⁵");
    }

    #[test]
    fn a_range_holds_its_values_and_starts_at_zero_where_nothing_lies_below() {
        assert_eq!(range([1.0, 2.0], true)[0], 0.0);
        let [low, high] = range([-1.0, 1.0], true);
        assert!(low < -1.0 && high > 1.0);
        assert_eq!(range([], false), [0.0, 1.0]);
        let [low, high] = range([3.0, 3.0], false);
        assert!(low < 3.0 && high > 3.0);
    }

    #[test]
    fn the_embedded_font_has_every_character_of_every_label() {
        for (file, text) in [
            ("attribution", include_str!("experiment_attribution.rs")),
            ("contrasts", include_str!("experiment_contrasts.rs")),
            ("load", include_str!("experiment_load.rs")),
            ("parts", include_str!("experiment_parts.rs")),
            ("sensitivity", include_str!("experiment_sensitivity.rs")),
            ("survival", include_str!("experiment_survival.rs")),
            ("sweep", include_str!("experiment_sweep.rs")),
            ("trial", include_str!("experiment_trial.rs")),
        ] {
            let lacking: String = text
                .chars()
                .filter(|&c| c != '\n' && !super::super::has_glyph(c))
                .collect();
            assert_eq!(lacking, "", "experiment_{file}.rs has characters that the font lacks");
        }
        assert!("⁰¹²³⁴⁵⁶⁷⁸⁹⁻".chars().all(super::super::has_glyph));
    }
}
