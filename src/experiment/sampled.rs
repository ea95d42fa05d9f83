//! Designs that draw or place points over distributions: one at a time, Latin hypercube, Sobol points, and the designs
//! of sensitivity analysis.

use super::arms::Arm;
use super::calibrate::Setup;
use super::design::{self, Design, Distribution};
use super::factors::{Factor, Kind, judge};
use super::file::MOST_RUNS;
use super::plan::DUMMY;
use super::points::Points;
use super::text::{Item, Node, Section};
use super::trial::TrialSettings;
use crate::parameters::{Prior, Registry};
use crate::scenario::{Faults, Place};
use crate::units::plain_number;

/// Most trajectories among which those that spread most are chosen: all their distances are held in memory.
const MOST_CANDIDATES: u64 = 1000;
/// Most distances between points that a search for the widest hypercube may ask for.
const MOST_DISTANCES: u64 = 10_000_000_000;

/// Words of other tools for keys of a design.
pub(super) const ELSEWHERE: &[(&str, &str)] = &[
    ("type", "method"),
    ("samples", "n"),
    ("size", "n"),
    ("dummy", "dummy_factor"),
];

/// How the results of a design are analysed.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case", tag = "method")]
pub enum Analysis {
    /// Not beyond the spread of each point.
    #[default]
    None,
    /// Elementary effects.
    Morris,
    /// Variance-based indices.
    Saltelli {
        /// Whether pairs are looked at.
        second_order: bool,
        /// Resamples of the intervals.
        resamples: usize,
    },
    /// Partial rank correlation.
    Prcc,
    /// Shapley shares of mechanisms.
    Shapley {
        /// Random orders; absent = all subsets.
        orders: Option<usize>,
        /// Whether pairs are looked at.
        pairs: bool,
        /// Seed of the orders.
        seed: u64,
    },
    /// Outcomes of patients, and the power of trials.
    Trial(TrialSettings),
    /// Which values fit the observations.
    Calibrate(Box<Setup>),
}

/// Reads a design over distributions. `method` is known to be one of these.
pub(super) fn read(
    method: &str,
    section: &mut Section,
    factors: Vec<(Factor, Section)>,
    arms: &[Arm],
    default_seed: u64,
    faults: &mut Faults,
) -> Option<(Vec<Factor>, Points, Analysis)> {
    let before = faults.len();
    let mut kept: Vec<(Factor, Distribution)> = Vec::new();
    for (factor, rest) in factors {
        kept.extend(with_distribution(factor, rest, faults));
    }
    let is_analysis = matches!(method, "morris" | "saltelli" | "lhs_prcc");
    if is_analysis {
        let wanted = section.flag("dummy_factor", faults).is_none_or(|(yes, _)| yes);
        if wanted {
            let factor = Factor::bare(DUMMY, Vec::new(), section.place.clone());
            kept.push((factor, Distribution::dummy()));
        }
    }
    if kept.iter().all(|(factor, _)| factor.path == DUMMY) && faults.len() == before {
        let mut fault = section.place.fault("design", &format!("\"{method}\""));
        fault.expected = "at least one [[factors]]".into();
        faults.push(&section.place.clone(), fault);
    }
    let seed = section
        .whole("seed", 0, i64::MAX as u64, faults)
        .map_or(default_seed, |(seed, _)| seed);
    let distributions: Vec<Distribution> = kept.iter().map(|(_, d)| d.clone()).collect();
    let built = build(method, section, &kept, &distributions, arms, seed, faults);
    if faults.len() > before {
        return None;
    }
    let (design, analysis) = built?;
    singly(arms, &kept, faults);
    let factors = kept.into_iter().map(|(factor, _)| factor).collect();
    let points = Points {
        rows: design.rows,
        roles: design.roles,
    };
    Some((factors, points, analysis))
}

/// The rows of a design.
fn build(
    method: &str,
    section: &mut Section,
    kept: &[(Factor, Distribution)],
    distributions: &[Distribution],
    arms: &[Arm],
    seed: u64,
    faults: &mut Faults,
) -> Option<(Design, Analysis)> {
    let k = kept.len() as u64;
    match method {
        "oat" => {
            let steps = section.whole("steps", 2, 1000, faults).map_or(3, |(n, _)| n);
            let (centre, levels) = one_at_a_time(kept, arms, steps as usize);
            Some((design::one_at_a_time(&centre, &levels), Analysis::None))
        }
        "lhs" | "lhs_prcc" => {
            let n = size(section, 1, faults)?;
            let tries = section.whole("maximin_tries", 1, 10_000, faults);
            let distances = |tries: u64| tries.saturating_mul((n as u64).saturating_mul(n as u64));
            if let Some((_, item)) = tries.as_ref().filter(|(t, _)| *t > 1 && distances(*t) > MOST_DISTANCES) {
                let mut fault = item.fault("design.maximin_tries", "1, or fewer points");
                fault.message =
                    format!("every try compares each of {n} points with each other: the design would take hours");
                faults.push(&item.place, fault);
                return None;
            }
            let tries = tries.map_or(1, |(tries, _)| tries);
            let analysis = if method == "lhs" {
                Analysis::None
            } else {
                Analysis::Prcc
            };
            let pairs = section.tables("correlations", faults);
            let mut design = design::lhs(distributions, n, tries as usize, seed);
            if !pairs.is_empty() {
                let matrix = correlations(pairs, "design.correlations", kept, faults);
                match design::iman_conover(&design.rows, &matrix, seed) {
                    Ok(rows) => design.rows = rows,
                    Err(expected) => return said(Err(expected), section, faults).map(|d| (d, analysis)),
                }
            }
            Some((design, analysis))
        }
        "sobol" => {
            let n = size(section, 1, faults)?;
            said(design::sobol(distributions, n, seed), section, faults).map(|d| (d, Analysis::None))
        }
        "morris" => {
            let trajectories = section.whole("trajectories", 2, MOST_RUNS / (k + 1), faults);
            let levels = section.whole("levels", 2, 100, faults).map_or(4, |(n, _)| n);
            let candidates = section
                .whole("candidates", 2, MOST_CANDIDATES, faults)
                .map_or(0, |(n, _)| n);
            let Some((trajectories, _)) = trajectories else {
                return missing(
                    section,
                    "trajectories",
                    "10 to 50 trajectories of k + 1 points each",
                    faults,
                );
            };
            let found = design::morris(
                distributions,
                trajectories as usize,
                levels as usize,
                candidates as usize,
                seed,
            );
            said(found, section, faults).map(|d| (d, Analysis::Morris))
        }
        _ => {
            let second_order = section.flag("second_order", faults).is_some_and(|(yes, _)| yes);
            let per_row = if second_order { 2 * k + 2 } else { k + 2 };
            let resamples = section
                .whole("bootstrap", 100, 100_000, faults)
                .map_or(1000, |(n, _)| n as usize);
            let n = size(section, per_row, faults)?;
            let found = design::saltelli(distributions, n, second_order, seed);
            let analysis = Analysis::Saltelli {
                second_order,
                resamples,
            };
            said(found, section, faults).map(|d| (d, analysis))
        }
    }
}

/// `correlations = [ { of = ["a", "b"], rank = 0.4 } ]` as a matrix.
pub(super) fn correlations(
    pairs: Vec<Section>,
    key: &str,
    kept: &[(Factor, Distribution)],
    faults: &mut Faults,
) -> Vec<f64> {
    let k = kept.len();
    let mut matrix = vec![0.0; k * k];
    (0..k).for_each(|i| matrix[i * k + i] = 1.0);
    for mut pair in pairs {
        let place = pair.place.clone();
        let of: Vec<Item> = pair.list("of").map(|(list, _)| list).unwrap_or_default();
        let rank = pair.number("rank", (-1.0, 1.0), faults);
        pair.done(faults, &[("between", "of"), ("r", "rank"), ("rho", "rank")]);
        let at = |item: &Item| kept.iter().position(|(f, _)| item.word() == Some(f.path.as_str()));
        match (of.as_slice(), rank) {
            ([a, b], Some((rank, _))) if at(a).is_some() && at(b).is_some() && at(a) != at(b) => {
                if let (Some(i), Some(j)) = (at(a), at(b)) {
                    matrix[i * k + j] = rank;
                    matrix[j * k + i] = rank;
                }
            }
            _ => {
                let mut fault = place.fault(key, "");
                fault.expected = "{ of = [\"path of a factor\", \"path of another\"], rank = 0.4 }".into();
                faults.push(&place, fault);
            }
        }
    }
    matrix
}

/// `n` base points, each of which makes so many rows.
fn size(section: &mut Section, rows_each: u64, faults: &mut Faults) -> Option<usize> {
    match section.whole("n", 2, MOST_RUNS / rows_each, faults) {
        Some((n, _)) => Some(n as usize),
        None => missing(section, "n", "the number of points", faults),
    }
}

fn missing<T>(section: &Section, key: &str, expected: &str, faults: &mut Faults) -> Option<T> {
    if faults.is_empty() {
        let mut fault = section.place.fault(&section.key(key), "");
        fault.expected = expected.to_owned();
        fault.message = "this design needs a size".to_owned();
        faults.push(&section.place, fault);
    }
    None
}

/// A design, or its fault at the place of its section.
fn said(found: Result<Design, String>, section: &Section, faults: &mut Faults) -> Option<Design> {
    found
        .map_err(|expected| {
            let mut fault = section.place.fault("design", "");
            fault.expected = expected;
            faults.push(&section.place, fault);
        })
        .ok()
}

/// The centre of a one-at-a-time design is the reference's own value; levels as written, else spread over the distribution.
fn one_at_a_time(kept: &[(Factor, Distribution)], arms: &[Arm], steps: usize) -> (Vec<f64>, Vec<Vec<f64>>) {
    let own = |factor: &Factor| {
        let value = arms.first()?.scenario.value(&factor.path)?.to_toml();
        factor.cell(&value)
    };
    let level = |i: usize| i as f64 / (steps - 1) as f64;
    kept.iter()
        .map(|(factor, distribution)| {
            let levels: Vec<f64> = if factor.levels.is_empty() {
                (0..steps).map(|i| distribution.at_level(level(i))).collect()
            } else {
                factor.levels.iter().filter_map(|value| factor.cell(value)).collect()
            };
            (own(factor).unwrap_or_else(|| distribution.quantile(0.5)), levels)
        })
        .unzip()
}

/// The distribution of a factor: `levels`, `dist`, `low` and `high`, else the prior of the registry; inside the range
/// that is possible.
pub(super) fn with_distribution(
    factor: Factor,
    mut rest: Section,
    faults: &mut Faults,
) -> Option<(Factor, Distribution)> {
    let before = faults.len();
    let given = rest.take("dist");
    rest.done(
        faults,
        &[
            ("prior", "dist"),
            ("distribution", "dist"),
            ("values", "levels"),
            ("min", "low"),
            ("max", "high"),
        ],
    );
    let row = Registry::embedded().row(&factor.path);
    let possible = row.and_then(|row| row.possible);
    let (found, place) = if factor.path == DUMMY {
        (Distribution::dummy(), factor.place.clone())
    } else if let Some(item) = &given {
        (written(item, &factor, faults)?, item.place.clone())
    } else if let Some(range) = factor.range.clone() {
        range
    } else if !factor.levels.is_empty() {
        let cells: Vec<f64> = factor.levels.iter().filter_map(|value| factor.cell(value)).collect();
        if cells.len() < factor.levels.len() {
            let mut fault = factor.place.fault(&factor.path, "");
            fault.message = "a level is of another kind than the value that it replaces".into();
            faults.push(&factor.place, fault);
            return None;
        }
        (Distribution::levels(&cells), factor.place.clone())
    } else if factor.kind == Kind::Bool {
        (Distribution::levels(&[0.0, 1.0]), factor.place.clone())
    } else {
        let prior = row.map_or(Prior::Fixed, |row| row.prior);
        let value = row.and_then(|row| row.value.number()).unwrap_or(0.0);
        if prior == Prior::Fixed {
            let mut fault = factor.place.fault("factors", &format!("\"{}\"", factor.path));
            fault.message = "the registry has no prior for this path".into();
            if row.is_none()
                && let Some(near) = Registry::embedded().nearest(&factor.path)
                && !factor.path.contains("therapy.")
                && !factor.path.contains("challenge.")
            {
                fault.suggestion = format!("did you mean {near}?");
            }
            fault.expected = "dist = { type = \"uniform\", low = …, high = … }, low and high, or levels".into();
            faults.push(&factor.place, fault);
            return None;
        }
        (Distribution::from_prior(prior, value, possible), factor.place.clone())
    };
    let found = inside(found, &factor, possible, &place, faults)?;
    // What is widened beyond the possible is cut there.
    let found = match possible {
        _ if factor.widen == 1.0 || factor.path == DUMMY => found,
        Some((low, high)) => found.widened(factor.widen).truncated(low, high),
        None => found.widened(factor.widen),
    };
    (faults.len() == before).then_some((factor, found))
}

/// `dist = { type = "lognormal", median = 2e-3, gsd = 3 }`.
fn written(item: &Item, factor: &Factor, faults: &mut Faults) -> Option<Distribution> {
    let key = format!("{}: dist", factor.path);
    let Node::Table(_) = item.node else {
        faults.push(
            &item.place,
            item.fault(&key, "a table: { type = \"uniform\", low = 1, high = 2 }"),
        );
        return None;
    };
    match item.value().try_into::<Distribution>() {
        Ok(found) => Some(found),
        Err(wrong) => {
            let types = "uniform, loguniform, normal (mean, sd), lognormal (median, gsd), triangular, beta, levels";
            let mut fault = item.fault(&key, &format!("a table with a `type`: {types}"));
            fault.message = wrong.message().to_owned();
            faults.push(&item.place, fault);
            None
        }
    }
}

/// Checks a distribution, and that it lies in the possible range: ends outside are a fault, tails are cut off.
fn inside(
    found: Distribution,
    factor: &Factor,
    possible: Option<(f64, f64)>,
    place: &Place,
    faults: &mut Faults,
) -> Option<Distribution> {
    let key = format!("{}: dist", factor.path);
    let mut refuse = |message: String, expected: String| {
        let mut fault = place.fault(&key, &found.to_string());
        (fault.message, fault.expected) = (message, expected);
        faults.push(place, fault);
        None
    };
    if let Err(expected) = found.check() {
        return refuse(String::new(), expected);
    }
    if found.is_fixed() {
        return refuse(
            "this range is empty: all values are the same".into(),
            "at least two values".into(),
        );
    }
    let Some((low, high)) = possible.filter(|_| matches!(factor.kind, Kind::Number | Kind::Integer)) else {
        return Some(found);
    };
    let (least, most) = found.support();
    // A log-normal begins at 0 by its nature.
    let is_below = least < low && least.is_finite() && !matches!(found, Distribution::LogNormal { .. });
    if is_below || (most > high && most.is_finite()) {
        let range = format!(
            "values from {} to {} [{}]",
            plain_number(low),
            plain_number(high),
            factor.unit
        );
        return refuse("this prior reaches outside the possible range".into(), range);
    }
    let cut = found.clone().truncated(low, high);
    match cut.check() {
        Ok(()) => Some(cut),
        Err(expected) => refuse("this prior lies outside the possible range".into(), expected),
    }
}

/// Tries the ends of every factor alone on every arm.
pub(super) fn singly(arms: &[Arm], kept: &[(Factor, Distribution)], faults: &mut Faults) {
    let ends = kept
        .iter()
        .filter(|(factor, _)| factor.path != DUMMY)
        .flat_map(|(factor, d)| {
            let mut cells = match d {
                Distribution::Levels { values, .. } => values.clone(),
                _ => vec![d.quantile(0.001), d.quantile(0.999)],
            };
            cells.dedup();
            cells
                .into_iter()
                .map(|cell| vec![(factor.path.clone(), factor.value(cell), factor.place.clone())])
        });
    let batches: Vec<_> = ends.collect();
    judge(arms, &batches, faults);
}
