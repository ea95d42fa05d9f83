//! What the numbers of a report rest on: parameters with their status, and how much of an outcome hangs on assumed ones.

use std::collections::BTreeMap;

use super::curves::{interval, scale};
use super::html::{Page, data, escape, table};
use crate::figures::words::{endpoint, short};
use crate::math;
use crate::output::records::{Record, Records};
use crate::parameters::{Registry, Row, Status};

/// Factors of a sensitivity analysis that a report names.
const NAMED: usize = 15;

/// A value of a resolved scenario by its path.
pub fn value_at<'a>(table: &'a toml::Table, key: &str) -> Option<&'a toml::Value> {
    let mut parts = key.split('.');
    let mut found = table.get(parts.next()?)?;
    for part in parts {
        found = found.get(part)?;
    }
    Some(found)
}

fn chip(status: Status) -> String {
    format!("<span class=\"chip {0}\">{0}</span>", status.word())
}

fn word(value: &toml::Value) -> String {
    match value {
        toml::Value::Float(x) => crate::units::plain_number(*x),
        toml::Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A value, cut where it is a long list.
fn brief(value: &toml::Value) -> String {
    let text = word(value);
    if text.chars().count() > 60 {
        text.chars().take(57).chain("…".chars()).collect()
    } else {
        text
    }
}

/// How many parameters have each status, in words.
fn census() -> String {
    let rows = Registry::embedded().rows();
    let count = |status: Status| rows.iter().filter(|row| row.status == status).count();
    format!(
        "{} parameters: {} measured, {} from other models, {} calibrated, {} assumed.",
        rows.len(),
        count(Status::Measured),
        count(Status::Model),
        count(Status::Calibrated),
        count(Status::Assumed)
    )
}

/// Parameters of the arms: what differs from the registry, then everything.
pub fn section(page: &mut Page, arms: &[(String, toml::Table)]) {
    page.heading("parameters", "Parameters and what they rest on");
    page.paragraph(&format!(
        "The model has {} A status is that of the registry's default; a value that a scenario sets is the scenario's own choice. \
         `calcisim explain KEY` gives range, prior and source.",
        census()
    ));
    if arms.is_empty() {
        page.said(
            "note",
            "The folder holds no resolved scenario: values are those of its experiment file.",
        );
        return;
    }
    let mut head = vec!["parameter"];
    head.extend(arms.iter().map(|(name, _)| name.as_str()));
    head.extend(["default", "unit", "status of the default", "meaning"]);
    let row_of = |row: &Row| -> Vec<String> {
        let mut cells = vec![escape(&row.key)];
        cells.extend(
            arms.iter()
                .map(|(_, table)| value_at(table, &row.key).map_or(String::new(), |v| escape(&brief(v)))),
        );
        cells.extend([
            escape(&brief(&row.value.to_toml())),
            escape(&row.unit),
            chip(row.status),
            escape(&row.meaning),
        ]);
        cells
    };
    let rows = Registry::embedded().rows();
    let differs = |row: &&Row| {
        let default = row.value.to_toml();
        arms.iter()
            .any(|(_, table)| value_at(table, &row.key).is_some_and(|v| word(v) != word(&default)))
    };
    let changed: Vec<Vec<String>> = rows.iter().filter(differs).map(row_of).collect();
    page.table(
        "Values that differ from the registry's default in any arm",
        &head,
        &changed,
    );
    let all: Vec<Vec<String>> = rows.iter().map(row_of).collect();
    page.details("All parameters", &table("All parameters", &head, &all));
    for (name, table) in arms {
        let off: Vec<&str> = table
            .get("mechanisms")
            .and_then(toml::Value::as_table)
            .into_iter()
            .flatten()
            .filter(|(_, on)| on.as_bool() == Some(false))
            .map(|(switch, _)| switch.as_str())
            .collect();
        if !off.is_empty() {
            page.paragraph(&format!("Switched off in {name}: {}.", off.join(", ")));
        }
    }
}

/// How much of an outcome hangs on assumed parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct Hangs {
    /// Arm.
    pub arm: String,
    /// Output by name.
    pub output: String,
    /// `saltelli`, `morris`, `prcc`.
    pub method: String,
    /// Lower and upper bound of the share of variance (Sobol); twice the share of the summed effects (Morris); nothing for ranks.
    pub share: Option<[f64; 2]>,
    /// Factors with the status «assumed», and all factors.
    pub factors: [usize; 2],
    /// Share of the variance of single runs that is the seed.
    pub seed_share: Option<f64>,
}

fn status(path: &str) -> Option<Status> {
    Registry::embedded().row(path).map(|row| row.status)
}

/// Reads the share of every arm and output from a table of indices.
pub fn hangs(table: &Records) -> Vec<Hangs> {
    let mut groups: BTreeMap<(String, String), Vec<Record>> = BTreeMap::new();
    for row in table.rows().filter(|row| !is_dummy(row)) {
        let key = (row.text("arm").to_owned(), row.text("output").to_owned());
        groups.entry(key).or_default().push(row);
    }
    groups
        .into_iter()
        .map(|((arm, output), rows)| {
            let is_assumed = |row: &&Record| status(row.text("factor")) == Some(Status::Assumed);
            let assumed = rows.iter().filter(is_assumed).count();
            let sum = |name: &str, only_assumed: bool| {
                rows.iter()
                    .filter(|row| !only_assumed || is_assumed(row))
                    .filter_map(|row| row.number(name))
                    .fold(0.0, |sum, x| sum + math::positive(x))
            };
            let method = rows.first().map_or("", |row| row.text("method")).to_owned();
            let share = match method.as_str() {
                "saltelli" => Some([math::unit(sum("s1", true)), math::unit(sum("st", true))]),
                "morris" => {
                    let all = sum("mu_star", false);
                    (all > 0.0).then(|| [sum("mu_star", true) / all; 2])
                }
                _ => None,
            };
            Hangs {
                arm,
                output,
                share,
                factors: [assumed, rows.len()],
                seed_share: rows.first().and_then(|row| row.number("seed_variance_share")),
                method,
            }
        })
        .collect()
}

fn is_dummy(row: &Record) -> bool {
    row.text("factor").contains("dummy")
}

impl Hangs {
    /// The share in a sentence about the model.
    pub fn sentence(&self) -> String {
        let percent = |x: f64| format!("{:.0} %", 100.0 * x);
        let [assumed, all] = self.factors;
        let what = endpoint(&self.output).words;
        let seeds = self.seed_share.map_or(String::new(), |s| {
            format!(" {} of the variance of single runs is the seed.", percent(s))
        });
        let main = match (self.method.as_str(), self.share) {
            ("saltelli", Some([low, high])) => format!(
                "In this model, {} to {} of the outcome variance over the varied ranges comes from assumed parameters ({assumed} of the {all} \
                 varied): {what}. The lower number counts what each does alone (sum of first-order Sobol indices), the upper also what \
                 they do with others (sum of total indices, at most 100 %).",
                percent(low),
                percent(high)
            ),
            ("morris", Some([share, _])) => format!(
                "In this model, assumed parameters ({assumed} of the {all} varied) carry {} of the summed mean elementary effects: {what}. \
                 This ranks factors; it is no share of variance, which needs `method = \"saltelli\"`.",
                percent(share)
            ),
            _ => format!(
                "{assumed} of the {all} varied parameters are assumed: {what}. Rank correlations put factors in an order; a share of outcome \
                 variance needs `method = \"saltelli\"`."
            ),
        };
        format!("{main}{seeds}")
    }
}

/// The section on sensitivity; without a table it says that there is none.
pub fn sensitivity(page: &mut Page, table: Option<(&str, &Records)>, primary: &str) {
    page.heading("sensitivity", "What the outcome hangs on");
    let Some((from, table)) = table else {
        page.paragraph(
            "Share of outcome variance from assumed parameters: not known. No sensitivity analysis was given. Run one, then add its results: \
             calcisim experiment run sensitivity_sobol; calcisim experiment merge PLAN -o RESULTS; calcisim report THIS RESULTS.",
        );
        return;
    };
    let all = hangs(table);
    let output = chosen_output(&all, primary);
    for share in all.iter().filter(|h| h.output == output) {
        let arm = if share.arm.is_empty() {
            String::new()
        } else {
            format!(" (Arm: {}.)", share.arm)
        };
        page.said("lead", &format!("{}{arm}", share.sentence()));
    }
    page.said("note", &format!("From {from}; output {output}."));
    page.raw(&factors(table, &output));
}

fn chosen_output(all: &[Hangs], primary: &str) -> String {
    let has = |name: &str| all.iter().any(|h| h.output == name);
    let wished = [primary, "final.necrotic_fraction", "t_ulcer_d"];
    wished
        .into_iter()
        .find(|name| has(name))
        .map(str::to_owned)
        .or_else(|| all.first().map(|h| h.output.clone()))
        .unwrap_or_default()
}

/// An index: its value, its interval, what it is called.
type Size = (f64, Option<[f64; 2]>, &'static str);

/// The factors that matter most for an output.
fn factors(all: &Records, output: &str) -> String {
    let size = |row: &Record| {
        let named = [
            ("st", "st_ci_low", "st_ci_high", "total Sobol index"),
            (
                "mu_star",
                "mu_star_ci_low",
                "mu_star_ci_high",
                "mean elementary effect μ*",
            ),
            ("prcc", "", "", "partial rank correlation"),
        ];
        named.into_iter().find_map(|(value, low, high, words)| {
            let found = row.number(value)?;
            let ends = row.number(low).zip(row.number(high)).map(|(a, b)| [a, b]);
            Some((found, ends, words))
        })
    };
    let mut rows: Vec<(Record, Size)> = all
        .rows()
        .filter(|row| row.text("output") == output)
        .filter_map(|row| Some((row, size(&row)?)))
        .collect();
    rows.sort_by(|a, b| {
        b.1.0
            .abs()
            .total_cmp(&a.1.0.abs())
            .then(a.0.text("factor").cmp(b.0.text("factor")))
    });
    let shared = scale(rows.iter().map(|(_, (value, ends, _))| (*value, *ends)));
    let words = rows.first().map_or("index", |(_, (_, _, words))| *words);
    let lines: Vec<Vec<String>> = rows
        .iter()
        .take(NAMED)
        .map(|(row, (value, ends, _))| {
            let path = row.text("factor");
            let status = match status(path) {
                Some(status) => chip(status),
                None if is_dummy(row) => "no parameter: the noise floor".into(),
                None => "design".into(),
            };
            let ends_words = ends.map_or(String::new(), |[low, high]| {
                format!("{} to {}", short(low), short(high))
            });
            vec![
                escape(path),
                data(*value, &short(*value)),
                escape(&ends_words),
                interval(*value, *ends, shared, 0),
                status,
            ]
        })
        .collect();
    table(
        "The factors with the largest indices",
        &["factor", words, "95 % interval", "", "status"],
        &lines,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_of_assumed_parameters_is_the_sum_of_their_indices() {
        let registry = Registry::embedded();
        let key = |wanted: bool| {
            let row = registry
                .rows()
                .iter()
                .find(|row| (row.status == Status::Assumed) == wanted);
            row.map_or("", |row| row.key.as_str())
        };
        let text = format!(
            "arm,factor,output,method,s1,st,seed_variance_share\n,{},final.necrotic_fraction,saltelli,0.4,0.5,0.2\n\
             ,{},final.necrotic_fraction,saltelli,0.3,0.4,0.2\n,dummy,final.necrotic_fraction,saltelli,0.1,0.1,0.2\n",
            key(true),
            key(false)
        );
        let found = hangs(&Records::parse(&text));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].share, Some([0.4, 0.5]));
        assert_eq!(found[0].factors, [1, 2]);
        let words = found[0].sentence();
        assert!(
            words.starts_with("In this model, 40 % to 50 % of the outcome variance"),
            "{words}"
        );
        assert!(
            words.contains("20 % of the variance of single runs is the seed"),
            "{words}"
        );
    }

    #[test]
    fn effects_of_morris_are_not_called_variance() {
        let text = "arm,factor,output,method,mu_star\na,ischaemia.onset_mmhg,t_ulcer_d,morris,2\n";
        let words = hangs(&Records::parse(text))[0].sentence();
        assert!(words.contains("no share of variance"), "{words}");
    }
}
