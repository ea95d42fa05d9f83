//! What is read from the runs of an experiment: a statistic over the sites of an arm, or of one arm against another.
//!
//! ```toml
//! value = "t_ulcer_d - t_first_thrombosis_d"      # a formula over columns, or
//! share = ["final.necrotic_fraction > 0.01"]      # the share of sites for which all of this holds
//! among = ["t_ulcer_d <= 120"]                    # only these sites count
//! statistic = "mean"                              # mean | median of a value over sites
//! against = "untreated"                           # and as = difference | ratio | relative_change | odds_ratio
//! ```
//!
//! A date that did not come counts as later than any. Intervals (95 %) are Wilson's for a share, else by resampling sites (BCa; plain
//! percentiles where a resample has no finite value).

use std::collections::BTreeMap;

use super::formula::{Condition, Formula};
use super::statistics::{self, Interval, LEVEL};
use super::text::{Item, Section};
use crate::math;
use crate::output::records::cells;
use crate::scenario::Faults;

/// Runs of one experiment.
pub struct Table {
    /// Names of the columns.
    pub names: Vec<String>,
    /// Numbers of a run, by arm, point of the design and seed; what is no number is not a number.
    rows: BTreeMap<String, BTreeMap<u64, BTreeMap<u64, Vec<f64>>>>,
}

impl Table {
    /// Reads `runs.csv`: rows with status `ok`; an empty cell is a date that did not come.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn read(text: &str) -> Result<Self, String> {
        let mut lines = text.lines().map(cells);
        let names = lines.next().unwrap_or_default();
        let column = |name: &str| {
            let missing = || format!("no column {name}: this is not the runs.csv of an experiment");
            names.iter().position(|label| label == name).ok_or_else(missing)
        };
        let (arm, point, seed, status) = (column("arm")?, column("point")?, column("seed")?, column("status")?);
        let mut rows: BTreeMap<String, BTreeMap<u64, BTreeMap<u64, Vec<f64>>>> = BTreeMap::new();
        for (i, line) in lines.enumerate() {
            if line.len() != names.len() {
                let (found, wanted) = (line.len(), names.len());
                return Err(format!("line {}: {found} cells, {wanted} expected", i + 2));
            }
            if line[status] != "ok" {
                continue;
            }
            let number = |cell: &String| match cell.as_str() {
                "" => f64::INFINITY,
                cell => cell.parse().unwrap_or(f64::NAN),
            };
            let whole = |at: usize| {
                line[at]
                    .parse()
                    .map_err(|_| format!("line {}: no {}", i + 2, names[at]))
            };
            let points = rows.entry(line[arm].clone()).or_default();
            let values = line.iter().map(number).collect();
            points.entry(whole(point)?).or_default().insert(whole(seed)?, values);
        }
        Ok(Self { names, rows })
    }

    /// Whether an arm has any run.
    pub fn has(&self, arm: &str) -> bool {
        self.rows.contains_key(arm)
    }

    /// Arms that have runs.
    pub fn arms(&self) -> impl Iterator<Item = &str> {
        self.rows.keys().map(String::as_str)
    }

    /// Points of the design, of all arms.
    pub fn points(&self) -> Vec<u64> {
        let mut points: Vec<u64> = self.rows.values().flat_map(|points| points.keys().copied()).collect();
        points.sort_unstable();
        points.dedup();
        points
    }

    /// Runs of an arm by point and seed: of one point, or of all.
    pub fn runs(&self, arm: &str, point: Option<u64>) -> BTreeMap<(u64, u64), &[f64]> {
        let points = self.rows.get(arm).into_iter().flatten();
        let wanted = points.filter(|(at, _)| point.is_none_or(|point| **at == point));
        wanted
            .flat_map(|(&at, seeds)| seeds.iter().map(move |(&seed, row)| ((at, seed), row.as_slice())))
            .collect()
    }
}

/// How two arms are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Against {
    Difference,
    Ratio,
    RelativeChange,
    OddsRatio,
}

const COMPARED: [(&str, Against); 4] = [
    ("difference", Against::Difference),
    ("ratio", Against::Ratio),
    ("relative_change", Against::RelativeChange),
    ("odds_ratio", Against::OddsRatio),
];

/// A word of a list, as what it stands for.
pub(super) fn pick<T: Copy>(
    section: &mut Section,
    key: &'static str,
    choices: &[(&str, T)],
    faults: &mut Faults,
) -> Option<T> {
    let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
    let (word, _) = section.choice(key, &names, faults)?;
    choices.iter().find(|(name, _)| *name == word).map(|(_, it)| *it)
}

/// A fault of a section without a key.
pub(super) fn missing(section: &Section, key: &str, expected: &str, faults: &mut Faults) {
    let mut fault = section.place.fault(key, "");
    fault.expected = expected.to_owned();
    fault.message = "missing".into();
    faults.push(&section.place, fault);
}

/// What is read, as written.
pub(super) struct Reading {
    pub arms: Vec<String>,
    pub against: Option<(String, Against)>,
    value: Option<Item>,
    share: Vec<Item>,
    among: Vec<Item>,
    is_median: bool,
}

impl Reading {
    /// Takes its keys from a section.
    pub fn take(section: &mut Section, faults: &mut Faults) -> Self {
        let list = |section: &mut Section, key| section.list(key).map(|(list, _)| list).unwrap_or_default();
        let arms = list(section, "arm");
        let against = section.word("against", faults).map(|(word, _)| word);
        let compared = pick(section, "as", &COMPARED, faults);
        let statistic = section.choice("statistic", &["mean", "median"], faults);
        Self {
            arms: arms.iter().filter_map(Item::word).map(str::to_owned).collect(),
            against: against.map(|arm| (arm, compared.unwrap_or(Against::Difference))),
            value: section.take("value"),
            share: list(section, "share"),
            among: list(section, "among"),
            is_median: statistic.is_some_and(|(word, _)| word == "median"),
        }
    }

    /// Says what a reading without runs lacks.
    pub fn check(&self, section: &Section, faults: &mut Faults) {
        if self.arms.is_empty() {
            missing(section, "arm", "an arm of an experiment, or a list of them", faults);
        }
        if self.value.is_some() != self.share.is_empty() {
            missing(section, "value", "either value = \"…\" or share = [\"…\"]", faults);
        }
    }

    /// Its formulas over the columns of a table; nothing where one is wrong.
    pub fn over(&self, names: &[String], faults: &mut Faults) -> Option<Measure> {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let before = faults.len();
        let mut refuse = |item: &Item, expected: String| faults.push(&item.place, item.fault("formula", &expected));
        let mut conditions = |items: &[Item]| {
            let mut found = Vec::new();
            for item in items {
                match Condition::parse(item.word().unwrap_or_default(), &names) {
                    Ok(condition) => found.push(condition),
                    Err(expected) => refuse(item, expected),
                }
            }
            found
        };
        let (share, among) = (conditions(&self.share), conditions(&self.among));
        let value = self.value.as_ref().map(|item| {
            Formula::parse(item.word().unwrap_or_default(), &names).map_err(|expected| refuse(item, expected))
        });
        let value = value.transpose().ok()?;
        (faults.len() == before).then_some(Measure {
            value,
            share,
            among,
            is_median: self.is_median,
        })
    }
}

/// A statistic over sites.
pub(super) struct Measure {
    value: Option<Formula>,
    share: Vec<Condition>,
    among: Vec<Condition>,
    is_median: bool,
}

/// Value, interval, number of sites.
pub(super) type Found = (f64, Interval, usize);

impl Measure {
    /// Of one site; nothing when it does not count.
    fn of(&self, row: &[f64]) -> Option<f64> {
        let counts = self.among.iter().all(|condition| condition.holds(row));
        counts.then(|| match &self.value {
            Some(formula) => formula.value(row),
            None => f64::from(u8::from(self.share.iter().all(|condition| condition.holds(row)))),
        })
    }

    fn all(&self, values: impl Iterator<Item = f64>) -> f64 {
        of_sites(self.is_median, values)
    }

    /// The statistic alone, without its interval.
    pub fn value<'a>(&self, rows: impl Iterator<Item = &'a [f64]>) -> f64 {
        self.all(rows.filter_map(|row| self.of(row)))
    }

    /// Over the sites of one or more arms.
    pub fn over<'a>(&self, rows: impl Iterator<Item = &'a [f64]>) -> Found {
        let values: Vec<f64> = rows.filter_map(|row| self.of(row)).collect();
        let estimate = |at: &[usize]| self.all(at.iter().map(|&i| values[i]));
        let all: Vec<usize> = (0..values.len()).collect();
        let interval = match &self.value {
            None => wilson(estimate(&all), values.len()),
            Some(_) => resampled(values.len(), &estimate),
        };
        (estimate(&all), interval, values.len())
    }

    /// Of one arm against another, over pairs of sites.
    pub fn against(&self, pairs: &[[&[f64]; 2]], how: Against) -> Found {
        let pairs: Vec<[Option<f64>; 2]> = pairs.iter().map(|pair| pair.map(|row| self.of(row))).collect();
        let estimate = |at: &[usize]| {
            let side = |k: usize| self.all(at.iter().filter_map(|&i| pairs[i][k]));
            compared(side(0), side(1), at.len() as f64, how)
        };
        let all: Vec<usize> = (0..pairs.len()).collect();
        (estimate(&all), resampled(pairs.len(), &estimate), pairs.len())
    }
}

/// One statistic against another of `n` pairs.
pub(super) fn compared(a: f64, b: f64, n: f64, how: Against) -> f64 {
    match how {
        Against::Difference => a - b,
        Against::Ratio => a / b,
        Against::RelativeChange => a / b - 1.0,
        Against::OddsRatio => {
            // Half a site more on each side, so that no share is 0 or 1.
            let odds = |share: f64| (share * n + 0.5) / ((1.0 - share) * n + 0.5);
            odds(a) / odds(b)
        }
    }
}

/// Mean or median; not a number of nothing.
fn of_sites(is_median: bool, values: impl Iterator<Item = f64>) -> f64 {
    let values: Vec<f64> = values.collect();
    if values.is_empty() {
        return f64::NAN;
    }
    if !is_median {
        return statistics::mean(&values);
    }
    let sorted = statistics::sorted(&values);
    let (low, high) = (sorted[(sorted.len() - 1) / 2], sorted[sorted.len() / 2]);
    if low == high { low } else { 0.5 * (low + high) }
}

/// Wilson's interval of a share of n.
pub(super) fn wilson(share: f64, n: usize) -> Interval {
    if n == 0 {
        return Interval {
            low: f64::NAN,
            high: f64::NAN,
        };
    }
    let (z, n) = (1.959_963_985, n as f64);
    let centre = share + z * z / (2.0 * n);
    let half = z * (share * (1.0 - share) / n + z * z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + z * z / n;
    Interval {
        low: math::positive((centre - half) / scale),
        high: (centre + half) / scale,
    }
}

/// Resamples of the plain interval.
const RESAMPLES: usize = 2000;

fn resampled(n: usize, estimate: &dyn Fn(&[usize]) -> f64) -> Interval {
    let all: Vec<usize> = (0..n).collect();
    let without = |i: usize| all.iter().copied().filter(|&j| j != i).collect::<Vec<_>>();
    let is_plain = estimate(&all).is_finite() && (0..n).all(|i| estimate(&without(i)).is_finite());
    let smallest = (0..n).map(|i| estimate(&[i])).all(f64::is_finite);
    if is_plain
        && smallest
        && let Some(interval) = statistics::bca(n, estimate)
    {
        return interval;
    }
    let mut values: Vec<f64> = (0..RESAMPLES)
        .map(|resample| estimate(&statistics::resample(n, resample)))
        .filter(|x| !x.is_nan())
        .collect();
    values.sort_by(f64::total_cmp);
    let at = |share: f64| {
        let last = values.len().saturating_sub(1) as f64;
        values.get((share * last).round() as usize).copied().unwrap_or(f64::NAN)
    };
    Interval {
        low: at(0.5 * (1.0 - LEVEL)),
        high: at(0.5 * (1.0 + LEVEL)),
    }
}
