//! Curves as drawings inside the page: lines with bands, and the numbers from which the cursor reads.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::html::escape;
use crate::figures::chart::{day_ticks, number, ticks};
use crate::math;
use crate::picture::colours::{DASHES, OKABE_ITO};

/// Size of a drawing, and the plot within it: left, top, width, height.
const SIZE: [f64; 2] = [360.0, 210.0];
const PLOT: [f64; 4] = [44.0, 8.0, 306.0, 170.0];

/// One line, with its band where there are several seeds.
#[derive(Clone, Debug, Default)]
pub struct Line {
    /// Name in the legend and in what the cursor reads.
    pub name: String,
    /// Number of the arm: its colour and dashes, and what the legend hides.
    pub arm: usize,
    /// Value at each x.
    pub median: Vec<Option<f64>>,
    /// 5 % and 95 % of the seeds at each x.
    pub band: Option<[Vec<Option<f64>>; 2]>,
}

/// A small chart.
#[derive(Clone, Debug, Default)]
pub struct Panel {
    /// Heading with unit.
    pub title: String,
    /// Unit behind the numbers that the cursor reads.
    pub unit: String,
    /// Factor from the numbers of the tables to the unit of the axis.
    pub factor: f64,
    /// What the horizontal axis counts: `day`.
    pub axis: String,
    /// Places on it.
    pub x: Vec<f64>,
    /// Lines.
    pub lines: Vec<Line>,
    /// Top of the axis at least, in the unit of the axis.
    pub least_top: f64,
    /// Whether the words of the lines stand above the chart: where no legend serves all charts.
    pub has_keys: bool,
    /// Steps instead of slopes between places: a share of runs that changes at dates.
    pub is_stepped: bool,
}

/// Colour of an arm as the page writes it.
pub fn colour(arm: usize) -> String {
    let [r, g, b] = OKABE_ITO[arm % OKABE_ITO.len()];
    format!("#{r:02x}{g:02x}{b:02x}")
}

fn dash(arm: usize) -> String {
    let lengths: Vec<String> = DASHES[arm % DASHES.len()]
        .iter()
        .map(|x| format!("{}", 1.8 * x))
        .collect();
    lengths.join(" ")
}

/// A key of the legend: the line of an arm.
pub fn key(arm: usize) -> String {
    format!(
        "<svg width=\"34\" height=\"10\" viewBox=\"0 0 34 10\" aria-hidden=\"true\"><line x1=\"1\" y1=\"5\" x2=\"33\" y2=\"5\" \
         stroke=\"{}\" stroke-width=\"2.2\" stroke-dasharray=\"{}\"/></svg>",
        colour(arm),
        dash(arm)
    )
}

/// Buttons that hide and show arms.
pub fn legend(names: &[String]) -> String {
    let mut out = String::from("<div class=\"legend\">");
    for (arm, name) in names.iter().enumerate() {
        let _ = write!(
            out,
            "<button type=\"button\" data-arm=\"{arm}\" aria-pressed=\"true\">{}{}</button>",
            key(arm),
            escape(name)
        );
    }
    out + "</div>"
}

impl Panel {
    /// Ends of the horizontal axis.
    fn domain(&self) -> [f64; 2] {
        let low = self.x.first().copied().unwrap_or(0.0);
        let high = self.x.last().copied().unwrap_or(1.0);
        [low, if high > low { high } else { low + 1.0 }]
    }

    fn top(&self) -> f64 {
        let values = |list: &[Option<f64>]| list.iter().flatten().fold(0.0, |most, v| math::max(most, *v));
        let largest = self.lines.iter().fold(0.0, |most, line| {
            let band = line.band.as_ref().map_or(0.0, |[_, high]| values(high));
            math::max(most, math::max(values(&line.median), band))
        });
        let wish = math::max(largest * self.factor, self.least_top);
        let wish = if wish > 0.0 { wish } else { 1.0 };
        let marks = ticks(0.0, wish, 4.0);
        let step = marks.get(1).copied().unwrap_or(wish);
        (wish / step - 1e-9).ceil() * step
    }

    /// What the cursor reads.
    pub fn data(&self) -> Value {
        let lines: Vec<Value> = self
            .lines
            .iter()
            .map(|line| match &line.band {
                Some([low, high]) => json!({"name": line.name, "median": line.median, "low": low, "high": high}),
                None => json!({"name": line.name, "median": line.median}),
            })
            .collect();
        json!({"title": self.title, "unit": self.unit, "factor": self.factor, "axis": self.axis, "x": self.x,
               "domain": self.domain(), "box": PLOT, "lines": lines})
    }

    /// The drawing, its caption and the place where the cursor's words stand.
    pub fn figure(&self, index: usize) -> String {
        let domain = self.domain();
        let top = self.top();
        let [left, up, wide, high] = PLOT;
        let x_of = |x: f64| left + wide * (x - domain[0]) / (domain[1] - domain[0]);
        let y_of = |y: f64| up + high * (1.0 - math::unit(y * self.factor / top));
        let mut svg = format!(
            "<svg data-panel=\"{index}\" viewBox=\"0 0 {} {}\" role=\"img\" tabindex=\"0\" aria-label=\"{}\">",
            SIZE[0],
            SIZE[1],
            escape(&self.words())
        );
        let marks = ticks(0.0, top, 4.0);
        let step = marks.get(1).copied().unwrap_or(1.0);
        for &value in &marks {
            let y = up + high * (1.0 - value / top);
            let _ = write!(
                svg,
                "<line x1=\"{left}\" y1=\"{y:.1}\" x2=\"{}\" y2=\"{y:.1}\" stroke=\"#d9d9d9\" stroke-width=\"0.7\"/>\
                 <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                left + wide,
                left - 5.0,
                y + 4.0,
                number(value, step)
            );
        }
        let bottom = up + high;
        let across = if self.axis == "day" && domain[0] == 0.0 {
            day_ticks(domain[1])
        } else {
            ticks(domain[0], domain[1], 6.0)
        };
        let step = across.get(1).map_or(1.0, |second| second - across[0]);
        for value in across {
            let x = x_of(value);
            let _ = write!(
                svg,
                "<line x1=\"{x:.1}\" y1=\"{bottom}\" x2=\"{x:.1}\" y2=\"{}\" stroke=\"#6a6a6a\"/>\
                 <text x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
                bottom + 4.0,
                bottom + 16.0,
                number(value, step)
            );
        }
        let _ = write!(
            svg,
            "<path d=\"M{left} {up}V{bottom}H{}\" fill=\"none\" stroke=\"#1a1a1a\"/>\
             <text x=\"{}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
            left + wide,
            left + wide / 2.0,
            bottom + 29.0,
            escape(&self.axis)
        );
        for line in &self.lines {
            let _ = write!(svg, "<g data-arm=\"{}\">", line.arm);
            if let Some([low, up]) = &line.band {
                let _ = write!(
                    svg,
                    "<path d=\"{}\" fill=\"{}\" fill-opacity=\"0.17\"/>",
                    band(&self.x, low, up, &x_of, &y_of),
                    colour(line.arm)
                );
            }
            let _ = write!(
                svg,
                "<path d=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"1.8\" stroke-dasharray=\"{}\" stroke-linejoin=\"round\"/></g>",
                path(&self.x, &line.median, self.is_stepped, &x_of, &y_of),
                colour(line.arm),
                dash(line.arm)
            );
        }
        let _ = write!(
            svg,
            "<line class=\"cursor\" x1=\"0\" x2=\"0\" y1=\"{up}\" y2=\"{bottom}\"/></svg>"
        );
        let keys: Vec<String> = self
            .lines
            .iter()
            .filter(|_| self.has_keys && self.lines.len() > 1)
            .map(|line| format!("<span>{}{}</span>", key(line.arm), escape(&line.name)))
            .collect();
        format!(
            "<figure><figcaption>{}</figcaption><p class=\"keys\">{}</p>{svg}<p class=\"readout\"></p></figure>",
            escape(&self.title),
            keys.join(" ")
        )
    }

    /// The chart for those who cannot see it: where each line begins and ends.
    fn words(&self) -> String {
        let mut words = format!("{} over {}.", self.title, self.axis);
        let mark = |x: Option<&f64>| x.map_or(String::new(), |x| number(x * self.factor, 0.01));
        for line in &self.lines {
            let known: Vec<f64> = line.median.iter().flatten().copied().collect();
            let _ = write!(
                words,
                " {}: from {} to {}.",
                line.name,
                mark(known.first()),
                mark(known.last())
            );
        }
        words
    }
}

/// A line through the places that have a value, begun anew after those that have none.
fn path(
    x: &[f64],
    y: &[Option<f64>],
    is_stepped: bool,
    x_of: &dyn Fn(f64) -> f64,
    y_of: &dyn Fn(f64) -> f64,
) -> String {
    let (mut out, mut is_open) = (String::new(), false);
    for (x, y) in x.iter().zip(y) {
        let Some(y) = y else {
            is_open = false;
            continue;
        };
        let (x, y) = (x_of(*x), y_of(*y));
        let _ = if !is_open {
            write!(out, "M{x:.1} {y:.1}")
        } else if is_stepped {
            write!(out, "H{x:.1}V{y:.1}")
        } else {
            write!(out, "L{x:.1} {y:.1}")
        };
        is_open = true;
    }
    out
}

/// The area between two lines, where both have values.
fn band(
    x: &[f64],
    low: &[Option<f64>],
    high: &[Option<f64>],
    x_of: &dyn Fn(f64) -> f64,
    y_of: &dyn Fn(f64) -> f64,
) -> String {
    let known: Vec<(f64, f64, f64)> = x
        .iter()
        .zip(low.iter().zip(high))
        .filter_map(|(x, (low, high))| Some((x_of(*x), y_of((*low)?), y_of((*high)?))))
        .collect();
    let mut out = String::new();
    for (i, (x, low, _)) in known.iter().enumerate() {
        let _ = write!(out, "{}{x:.1} {low:.1}", if i == 0 { 'M' } else { 'L' });
    }
    for (x, _, high) in known.iter().rev() {
        let _ = write!(out, "L{x:.1} {high:.1}");
    }
    if !out.is_empty() {
        out.push('Z');
    }
    out
}

/// The unit in the brackets of a heading.
pub fn unit_in(title: &str) -> String {
    let inside = title
        .rsplit_once('(')
        .map_or("", |(_, rest)| rest.trim_end_matches(')'));
    inside.split([' ', ',']).next().unwrap_or("").to_owned()
}

/// An estimate with its interval as a small drawing on a scale that its neighbours share.
pub fn interval(value: f64, ends: Option<[f64; 2]>, scale: [f64; 2], arm: usize) -> String {
    const WIDE: f64 = 200.0;
    let [low, high] = scale;
    let at = |x: f64| 4.0 + (WIDE - 8.0) * math::unit((x - low) / math::max(high - low, 1e-300));
    let mut svg =
        format!("<svg class=\"interval\" viewBox=\"0 0 {WIDE} 20\" aria-hidden=\"true\" preserveAspectRatio=\"none\">");
    if low <= 0.0 && high >= 0.0 {
        let _ = write!(
            svg,
            "<line x1=\"{0:.1}\" y1=\"0\" x2=\"{0:.1}\" y2=\"20\" stroke=\"#8a8a8a\" stroke-dasharray=\"2 2\"/>",
            at(0.0)
        );
    }
    if let Some([from, to]) = ends {
        let (from, to) = (at(from), at(to));
        let _ = write!(
            svg,
            "<path d=\"M{from:.1} 10H{to:.1}M{from:.1} 6V14M{to:.1} 6V14\" fill=\"none\" stroke=\"{}\" stroke-width=\"1.6\"/>",
            colour(arm)
        );
    }
    let x = at(value);
    let _ = write!(
        svg,
        "<path d=\"M{:.1} 10L{x:.1} 5L{:.1} 10L{x:.1} 15Z\" fill=\"{}\"/></svg>",
        x - 5.0,
        x + 5.0,
        colour(arm)
    );
    svg
}

/// A scale that holds all estimates, their intervals and zero.
pub fn scale(estimates: impl Iterator<Item = (f64, Option<[f64; 2]>)>) -> [f64; 2] {
    estimates.fold([0.0, 0.0], |[low, high], (value, ends)| {
        let [from, to] = ends.unwrap_or([value; 2]);
        [
            math::min(low, math::min(value, from)),
            math::max(high, math::max(value, to)),
        ]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_broken_where_a_value_is_missing() {
        let same = |v: f64| v;
        let y = [Some(1.0), Some(2.0), None, Some(3.0)];
        assert_eq!(
            path(&[0.0, 1.0, 2.0, 3.0], &y, false, &same, &same),
            "M0.0 1.0L1.0 2.0M3.0 3.0"
        );
        assert_eq!(path(&[0.0, 1.0], &y[..2], true, &same, &same), "M0.0 1.0H1.0V2.0");
    }

    #[test]
    fn the_unit_of_a_heading_is_what_its_brackets_begin_with() {
        assert_eq!(unit_in("Mean tissue PO₂ (mmHg)"), "mmHg");
        assert_eq!(unit_in("Necrosis and ulcer (% of tissue, of surface)"), "%");
        assert_eq!(unit_in("Cells in the block"), "");
    }

    #[test]
    fn a_scale_holds_zero_and_every_interval() {
        let all = [(1.0, Some([0.5, 4.0])), (-2.0, None)];
        assert_eq!(scale(all.into_iter()), [-2.0, 4.0]);
        assert_eq!(scale(std::iter::empty()), [0.0, 0.0]);
    }
}
