//! The points of a design: one row of cells per combination of factor values.

use super::factors::{Factor, judge};
use super::formula::Condition;
use super::sampled::{self, Analysis};
use super::text::{Item, Section};
use super::{arms::Arm, file::MOST_RUNS};
use crate::error::Error;
use crate::output::records::cells;
use crate::parameters::{nearest_word, quoted};
use crate::scenario::{Faults, Library, Place};

/// Points of a design, in plan order.
#[derive(Clone, Debug, PartialEq)]
pub struct Points {
    /// One row of cells per point, one cell per factor.
    pub rows: Vec<Vec<f64>>,
    /// Part of each point in its design (`A`, `B`, `AB_3`, `trajectory_2`); empty where there is none.
    pub roles: Vec<String>,
}

impl Points {
    /// The one point of an experiment without factors.
    pub fn none() -> Self {
        Self::plain(vec![Vec::new()])
    }

    /// Points without roles.
    pub fn plain(rows: Vec<Vec<f64>>) -> Self {
        let roles = vec![String::new(); rows.len()];
        Self { rows, roles }
    }
}

/// Reads `[design]` of a sweep, with its factors, and tries the extremes of every factor on every arm.
pub(super) fn sweep(
    file: &str,
    section: Option<Section>,
    factors: Vec<(Factor, Section)>,
    arms: &[Arm],
    default_seed: u64,
    methods: &[&str],
    library: &dyn Library,
    faults: &mut Faults,
) -> (Vec<Factor>, Points, Analysis) {
    let nothing = (Vec::new(), Points::none(), Analysis::None);
    let Some(mut section) = section else {
        let place = factors.first().map(|(f, _)| f.place.clone()).unwrap_or_default();
        let mut fault = place.fault("design", "");
        fault.expected = format!("a [design] with method = {}", quoted(methods));
        fault.message = "this kind of experiment has a design".into();
        faults.push(&place, fault);
        return nothing;
    };
    let method = section.choice("method", methods, faults).map(|(word, _)| word);
    let place = section.place.clone();
    let built = match method.as_deref() {
        Some("grid") => grid(&place, factors, faults),
        Some("list") => list(file, &mut section, factors, library, faults),
        Some(method) => {
            let drawn = sampled::read(method, &mut section, factors, arms, default_seed, faults);
            section.done(faults, sampled::ELSEWHERE);
            return drawn.unwrap_or(nothing);
        }
        None => {
            if faults.is_empty() {
                let mut fault = place.fault("design.method", "");
                fault.expected = format!("method = {}", quoted(methods));
                faults.push(&place, fault);
            }
            section.misspelt("method", faults);
            return nothing;
        }
    };
    section.done(faults, sampled::ELSEWHERE);
    let Some((factors, points, batches)) = built else {
        return nothing;
    };
    judge(arms, &batches, faults);
    (factors, points, Analysis::None)
}

type Batches = Vec<Vec<(String, toml::Value, Place)>>;

/// Every level of every factor with every level of the others; the last factor runs fastest.
fn grid(place: &Place, factors: Vec<(Factor, Section)>, faults: &mut Faults) -> Option<(Vec<Factor>, Points, Batches)> {
    let before = faults.len();
    let mut kept = Vec::new();
    for (factor, section) in factors {
        section.done(
            faults,
            &[("values", "levels"), ("n", "steps"), ("min", "low"), ("max", "high")],
        );
        if factor.levels.is_empty() {
            let mut fault = factor.place.fault("factors", &format!("\"{}\"", factor.path));
            fault.expected = "levels = [a, b, …], or low, high and steps".into();
            fault.message = "a grid needs the levels of every factor".into();
            faults.push(&factor.place, fault);
        }
        kept.push(factor);
    }
    if kept.is_empty() {
        let mut fault = place.fault("design", "\"grid\"");
        fault.expected = "at least one [[factors]]".into();
        faults.push(place, fault);
    }
    let size = kept.iter().try_fold(1u64, |n, f| n.checked_mul(f.levels.len() as u64));
    if size.is_none_or(|n| n > MOST_RUNS) {
        let sizes: Vec<String> = kept.iter().map(|f| f.levels.len().to_string()).collect();
        let mut fault = place.fault("design", "\"grid\"");
        fault.message = format!("{} points are more than an experiment may have", sizes.join(" × "));
        fault.expected = format!("at most {MOST_RUNS} runs: fewer levels, or a random design");
        faults.push(place, fault);
    }
    if faults.len() > before {
        return None;
    }
    let cells: Vec<Vec<f64>> = kept
        .iter()
        .map(|factor| {
            let cells = factor.levels.iter().map(|level| {
                factor.cell(level).unwrap_or_else(|| {
                    let mut fault = factor.place.fault(&factor.path, &level.to_string());
                    fault.message = "this level is of another kind than the value that it replaces".into();
                    faults.push(&factor.place, fault);
                    0.0
                })
            });
            cells.collect()
        })
        .collect();
    let mut rows = vec![Vec::new()];
    for column in &cells {
        rows = rows
            .into_iter()
            .flat_map(|row: Vec<f64>| {
                column.iter().map(move |cell| {
                    let mut longer = row.clone();
                    longer.push(*cell);
                    longer
                })
            })
            .collect();
    }
    let tried: Vec<Vec<toml::Value>> = kept.iter().map(to_try).collect();
    let longest = tried.iter().map(Vec::len).max().unwrap_or(0);
    let batch = |i: usize| {
        let level = |list: &Vec<toml::Value>| list.get(i).or(list.last()).cloned();
        let pairs = kept.iter().zip(&tried);
        let values = pairs.filter_map(|(f, list)| Some((f.path.clone(), level(list)?, f.place.clone())));
        values.collect()
    };
    let batches = (0..longest).map(batch).collect();
    Some((kept, Points::plain(rows), batches))
}

/// Levels that are tried before anything runs: all of them, of a long row of numbers its two ends.
fn to_try(factor: &Factor) -> Vec<toml::Value> {
    const LONG: usize = 20;
    let number = |level: &toml::Value| level.as_float().or_else(|| level.as_integer().map(|i| i as f64));
    let numbers: Option<Vec<f64>> = factor.levels.iter().map(number).collect();
    match numbers {
        Some(numbers) if numbers.len() > LONG => {
            let order = |a: &usize, b: &usize| numbers[*a].total_cmp(&numbers[*b]);
            let ends = [(0..numbers.len()).min_by(order), (0..numbers.len()).max_by(order)];
            ends.into_iter().flatten().map(|i| factor.levels[i].clone()).collect()
        }
        _ => factor.levels.clone(),
    }
}

/// Points from a table: header = paths of factors, one row per point.
fn list(
    file: &str,
    section: &mut Section,
    factors: Vec<(Factor, Section)>,
    library: &dyn Library,
    faults: &mut Faults,
) -> Option<(Vec<Factor>, Points, Batches)> {
    let Some((name, item)) = section.word("file", faults) else {
        let mut fault = section.place.fault("design.file", "");
        fault.expected = "a CSV table beside this file: header = paths of factors, one row per point".into();
        faults.push(&section.place, fault);
        return None;
    };
    let table = read_table(file, &name, &item, library, faults)?;
    let csv = table.file.clone();
    for (factor, rest) in factors {
        rest.done(faults, &[]);
        if !table.paths.contains(&factor.path) {
            let mut fault = factor.place.fault("factors.path", &format!("\"{}\"", factor.path));
            fault.message = format!("{csv} has no such column");
            let near = nearest_word(&factor.path, table.paths.iter().map(String::as_str));
            fault.suggestion = near.map(|near| format!("did you mean \"{near}\"?")).unwrap_or_default();
            faults.push(&factor.place, fault);
        }
    }
    Some(table.points(faults))
}

fn read_table(file: &str, name: &str, item: &Item, library: &dyn Library, faults: &mut Faults) -> Option<Listed> {
    match library.read(name, Some(file)) {
        Ok((csv, text)) => Listed::read(&csv, &text, faults),
        Err(error) => {
            let mut fault = item.fault("design", "a CSV table beside this file");
            fault.message = match error {
                Error::Files { message, .. } => message,
                other => other.to_string(),
            };
            faults.push(&item.place, fault);
            None
        }
    }
}

/// A table of points as read.
struct Listed {
    file: String,
    paths: Vec<String>,
    /// Line and cells.
    rows: Vec<(usize, Vec<toml::Value>)>,
}

impl Listed {
    fn place(&self, line: usize) -> Place {
        Place::Text {
            order: 2,
            file: self.file.as_str().into(),
            line,
            column: 1,
        }
    }

    fn read(file: &str, text: &str, faults: &mut Faults) -> Option<Self> {
        let mut table = Self {
            file: file.to_owned(),
            paths: Vec::new(),
            rows: Vec::new(),
        };
        let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        let header = lines.next().map(|(_, line)| cells(line)).unwrap_or_default();
        table.paths = header
            .iter()
            .map(|name| name.trim().trim_start_matches("# ").to_owned())
            .collect();
        for (i, line) in lines {
            let row = cells(line);
            if row.len() != table.paths.len() {
                let place = table.place(i + 1);
                let mut fault = place.fault("", line);
                fault.expected = format!("{} cells as in the header, not {}", table.paths.len(), row.len());
                faults.push(&place, fault);
                return None;
            }
            let value = |cell: &String| {
                let cell = cell.trim();
                match cell.parse::<toml::Value>() {
                    Ok(value) if !value.is_datetime() => value,
                    _ => toml::Value::String(cell.to_owned()),
                }
            };
            table.rows.push((i + 1, row.iter().map(value).collect()));
        }
        if table.rows.is_empty() {
            let place = table.place(1);
            let mut fault = place.fault("", "");
            fault.message = "this table has no points".into();
            fault.expected = "a header of factor paths and one row per point".into();
            faults.push(&place, fault);
            return None;
        }
        Some(table)
    }

    /// Points, and of each column its extremes to be tried.
    fn points(&self, faults: &mut Faults) -> (Vec<Factor>, Points, Batches) {
        let mut factors = Vec::new();
        let mut tried: Vec<Vec<(toml::Value, Place)>> = Vec::new();
        for (c, path) in self.paths.iter().enumerate() {
            let mut levels: Vec<toml::Value> = Vec::new();
            let column = || self.rows.iter().map(|(line, row)| (&row[c], *line));
            let is_number = column().all(|(v, _)| v.is_float() || v.is_integer());
            if !is_number {
                for (value, _) in column() {
                    if !levels.contains(value) {
                        levels.push(value.clone());
                    }
                }
            } else if column().all(|(v, _)| v.is_integer()) {
                levels.extend(column().next().map(|(v, _)| v.clone()));
            }
            let mut factor = Factor::bare(path, levels, self.place(1));
            if is_number {
                factor.levels.clear();
            }
            let order = |v: &toml::Value| v.as_float().or_else(|| v.as_integer().map(|i| i as f64)).unwrap_or(0.0);
            let mut extremes: Vec<(toml::Value, Place)> = Vec::new();
            if is_number {
                let low = column().min_by(|a, b| order(a.0).total_cmp(&order(b.0)));
                let high = column().max_by(|a, b| order(a.0).total_cmp(&order(b.0)));
                extremes.extend(
                    low.into_iter()
                        .chain(high)
                        .map(|(v, line)| (v.clone(), self.place(line))),
                );
            } else {
                for level in &factor.levels {
                    let line = column().find(|(v, _)| *v == level).map_or(1, |(_, line)| line);
                    extremes.push((level.clone(), self.place(line)));
                }
            }
            tried.push(extremes);
            factors.push(factor);
        }
        let mut rows = Vec::new();
        for (line, row) in &self.rows {
            let cells: Vec<Option<f64>> = factors.iter().zip(row).map(|(f, v)| f.cell(v)).collect();
            if let Some(c) = cells.iter().position(Option::is_none) {
                let place = self.place(*line);
                let mut fault = place.fault(&factors[c].path, &row[c].to_string());
                fault.message = "this value is of another kind than the rest of its column".into();
                faults.push(&place, fault);
                continue;
            }
            rows.push(cells.into_iter().flatten().collect());
        }
        let longest = tried.iter().map(Vec::len).max().unwrap_or(0);
        let batches = (0..longest)
            .map(|i| {
                let one = |(f, list): (&Factor, &Vec<(toml::Value, Place)>)| {
                    let (value, place) = list.get(i).or(list.last())?;
                    Some((f.path.clone(), value.clone(), place.clone()))
                };
                factors.iter().zip(&tried).filter_map(one).collect()
            })
            .collect();
        (factors, Points::plain(rows), batches)
    }
}

/// Leaves only the points for which every condition of `[constraints] keep` holds.
pub(super) fn constrain(
    section: Option<Section>,
    factors: &[Factor],
    points: &mut Points,
    analysis: &Analysis,
    faults: &mut Faults,
) {
    let Some(mut section) = section else { return };
    if !matches!(analysis, Analysis::None | Analysis::Prcc) {
        let mut fault = section.place.fault("constraints", "");
        fault.message = "the analysis of this design needs all of its points".into();
        fault.expected = "ranges of the factors that keep to the conditions by themselves".into();
        faults.push(&section.place, fault);
        return;
    }
    let names: Vec<&str> = factors.iter().map(|f| f.path.as_str()).collect();
    let mut conditions: Vec<(Condition, Item)> = Vec::new();
    for item in section.list("keep").map(|(list, _)| list).unwrap_or_default() {
        let parsed = match item.word() {
            Some(text) => Condition::parse(text, &names),
            None => Err("a condition in quotes, as \"host.phosphate_mmol_per_l < 3\"".to_owned()),
        };
        match parsed {
            Ok(condition) => conditions.push((condition, item)),
            Err(expected) => faults.push(&item.place, item.fault("constraints.keep", &expected)),
        }
    }
    section.done(faults, &[("where", "keep"), ("filter", "keep")]);
    let all = points.rows.len();
    let kept: Vec<bool> = points
        .rows
        .iter()
        .map(|row| conditions.iter().all(|(condition, _)| condition.holds(row)))
        .collect();
    let mut keep = kept.iter();
    points.rows.retain(|_| keep.next().is_some_and(|k| *k));
    let mut keep = kept.iter();
    points.roles.retain(|_| keep.next().is_some_and(|k| *k));
    if points.rows.is_empty()
        && all > 0
        && let Some((_, item)) = conditions.first()
    {
        let mut fault = item.fault("constraints.keep", "conditions that some point meets");
        fault.message = format!("none of the {all} points of the design is left");
        faults.push(&item.place, fault);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_of_points_gives_factors_of_the_right_kind() {
        let text =
            "mineral.growth_rate_per_d,therapy.product.count,therapy.product.route\n0.1,3,iv\n0.2,4,intradermal\n";
        let mut faults = Faults::default();
        let Some(table) = Listed::read("d.csv", text, &mut faults) else {
            panic!("a table with two points is read");
        };
        let (factors, points, batches) = table.points(&mut faults);
        assert!(faults.is_empty());
        assert_eq!(points.rows, [[0.1, 3.0, 0.0], [0.2, 4.0, 1.0]]);
        assert_eq!(factors[1].value(4.0), toml::Value::Integer(4));
        assert_eq!(batches.len(), 2);
    }

    #[test]
    fn a_row_with_a_cell_too_few_is_named_by_its_line() {
        let mut faults = Faults::default();
        assert!(Listed::read("d.csv", "a,b\n1,2\n3\n", &mut faults).is_none());
        assert_eq!(faults.into_sorted()[0].line, 3);
    }
}
