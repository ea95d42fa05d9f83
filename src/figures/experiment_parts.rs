//! Parts of the figures of experiments: a page with its question, marks whose shape says as much as their hue, short words.

use super::experiment_load::Results;
use super::sheet::{Sheet, Type, text_width};
use crate::math;
use crate::picture::Rgb;
use crate::picture::canvas::Point;
use crate::picture::colours::{DASHES, GREY, INK, OKABE_ITO};

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
    fn levels_are_short_and_have_a_true_minus() {
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
            ("strategies", include_str!("experiment_strategies.rs")),
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
