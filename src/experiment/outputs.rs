//! What is kept of a run, and which of it stands in the tables.

use serde::{Deserialize, Serialize};

use super::text::Section;
use crate::output::series::{COLUMNS, column};
use crate::output::summary::DATES;
use crate::parameters::{Instrument, nearest_word};
use crate::scenario::Faults;
use crate::units::plain_number;

/// The date that is computed from two others; the last in the list of dates of an outcome.
const SPAN: &str = "delta_10_90_d";

/// Where an endpoint is found in an outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A column at the end of the run.
    Final(usize),
    /// The highest value of a column.
    Max(usize),
    /// A date; absent when it did not happen.
    Date(usize),
    /// A column on the n-th day of `at_days`.
    At(usize, usize),
    /// What an instrument reads on the n-th day of `at_days`, with its noise; after the last of them: at the end.
    Read(usize, usize),
}

/// The instruments that a run is read by, in the order of the readings of an outcome.
pub fn instruments() -> impl Iterator<Item = Instrument> {
    Instrument::ALL.iter().copied().filter(|one| one.is_read_at_visits())
}

/// One endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// `final.necrotic_fraction`, `max.ulcer_fraction`, `t_ulcer_d`, `at_28d.necrotic_fraction`.
    pub name: String,
    /// Unit.
    pub unit: String,
    /// Where it is found.
    pub origin: Origin,
}

impl Endpoint {
    /// Whether an absent value means «not until the end of the run».
    pub fn is_date(&self) -> bool {
        matches!(self.origin, Origin::Date(i) if i < DATES.len() && DATES[i].starts_with("t_"))
    }

    /// Name of the column that says whether a date is censored.
    pub fn censored(&self) -> String {
        format!("{}_censored", self.name.trim_end_matches("_d"))
    }
}

/// What is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outputs {
    /// Endpoints of the tables.
    pub endpoints: Vec<Endpoint>,
    /// The endpoint that progress and status show: an index.
    pub primary: usize,
    /// Days on which every column is kept [d].
    pub at_days: Vec<f64>,
    /// Interval of the rows of `series.parquet` [h]; no such table when absent.
    pub series_every_h: Option<f64>,
    /// Whether the last state of the first replicate of each point is kept as a snapshot.
    pub snapshots: bool,
}

/// Names of all dates.
fn dates() -> impl Iterator<Item = &'static str> {
    DATES.iter().copied().chain([SPAN])
}

/// Every endpoint that a run of any scenario has, days aside.
pub fn all() -> Vec<Endpoint> {
    let of = |name: String, unit: &str, origin| Endpoint {
        name,
        unit: unit.to_owned(),
        origin,
    };
    let finals = COLUMNS
        .iter()
        .enumerate()
        .map(|(i, c)| of(format!("final.{}", c.name), c.unit, Origin::Final(i)));
    let dates = DATES
        .iter()
        .enumerate()
        .map(|(i, name)| of((*name).to_owned(), "d", Origin::Date(i)));
    finals.chain(dates).collect()
}

impl Default for Outputs {
    fn default() -> Self {
        let endpoints = all();
        let primary = endpoints.iter().position(|e| e.name == "final.necrotic_fraction");
        Self {
            endpoints,
            primary: primary.unwrap_or(0),
            at_days: Vec::new(),
            series_every_h: None,
            snapshots: false,
        }
    }
}

/// The endpoint of a name; a bare column is its value at the end.
pub fn endpoint(name: &str, at_days: &[f64]) -> Option<Endpoint> {
    let of = |name: String, unit: &str, origin| {
        Some(Endpoint {
            name,
            unit: unit.to_owned(),
            origin,
        })
    };
    if let Some(i) = dates().position(|date| date == name) {
        return of(name.to_owned(), "d", Origin::Date(i));
    }
    let parts = if name.starts_with("at_") || name.starts_with("read_") {
        // A day may have a decimal point.
        name.rfind('.').map(|at| (&name[..at], &name[at + 1..]))
    } else {
        name.split_once('.')
    };
    let (when, bare) = parts.unwrap_or(("final", name));
    if let Some(day) = when.strip_prefix("read") {
        let i = instruments().position(|one| one.word() == bare)?;
        let at = match day {
            "" => at_days.len(),
            _ => day_index(day.strip_prefix('_')?, at_days)?,
        };
        let unit = instruments().nth(i).map_or("-", Instrument::unit);
        return of(format!("{when}.{bare}"), unit, Origin::Read(at, i));
    }
    let i = column(bare)?;
    let origin = match when {
        "final" => Origin::Final(i),
        "max" => Origin::Max(i),
        _ => Origin::At(day_index(when.strip_prefix("at_")?, at_days)?, i),
    };
    of(format!("{when}.{bare}"), COLUMNS[i].unit, origin)
}

/// Place among the days of `28d`.
fn day_index(text: &str, at_days: &[f64]) -> Option<usize> {
    let day: f64 = text.strip_suffix('d')?.parse().ok()?;
    at_days.iter().position(|d| *d == day)
}

/// The nearest name of an endpoint.
pub fn nearest(name: &str) -> Option<String> {
    if !name.contains('.') {
        let columns = COLUMNS.iter().map(|c| c.name);
        let near = nearest_word(name, columns.chain(dates()))?;
        return endpoint(near, &[]).map(|found| found.name);
    }
    let maxima = COLUMNS.iter().map(|c| format!("max.{}", c.name));
    let readings = instruments().map(|one| format!("read.{}", one.word()));
    let names: Vec<String> = all()
        .into_iter()
        .map(|e| e.name)
        .chain(maxima)
        .chain(readings)
        .collect();
    nearest_word(name, names.iter().map(String::as_str)).map(str::to_owned)
}

/// Reads `[outputs]`; `days` is the length of the runs.
pub(super) fn read(section: Option<Section>, days: f64, faults: &mut Faults) -> Outputs {
    let Some(mut section) = section else {
        return Outputs::default();
    };
    let mut outputs = Outputs {
        at_days: at_days(&mut section, days, faults),
        ..Outputs::default()
    };
    if let Some((list, whole)) = section.list("endpoints") {
        outputs.endpoints.clear();
        for item in &list {
            let found = item.word().and_then(|name| endpoint(name, &outputs.at_days));
            match found {
                Some(found) if outputs.endpoints.contains(&found) => {
                    let mut fault = item.fault("outputs.endpoints", "each endpoint once");
                    fault.message = "this endpoint is named twice".into();
                    faults.push(&item.place, fault);
                }
                Some(found) => outputs.endpoints.push(found),
                None => {
                    let mut fault = item.fault(
                        "outputs.endpoints",
                        "final.COLUMN, max.COLUMN, at_DAYd.COLUMN with DAY in at_days, a date as t_ulcer_d, or what an \
                         instrument reads: read.INSTRUMENT, read_DAYd.INSTRUMENT",
                    );
                    if let Some(near) = item.word().and_then(nearest) {
                        fault.suggestion = format!("did you mean \"{near}\"?");
                    }
                    faults.push(&item.place, fault);
                }
            }
        }
        if list.is_empty() {
            faults.push(&whole.place, whole.fault("outputs.endpoints", "at least one endpoint"));
        }
        outputs.primary = 0;
    }
    add_days(&mut outputs);
    if let Some((name, item)) = section.word("primary", faults) {
        let named = endpoint(&name, &outputs.at_days).map(|e| e.name);
        match outputs.endpoints.iter().position(|e| Some(&e.name) == named.as_ref()) {
            Some(i) => outputs.primary = i,
            None => {
                let names: Vec<&str> = outputs.endpoints.iter().map(|e| e.name.as_str()).collect();
                let mut fault = item.fault("outputs.primary", "one of the endpoints of this experiment");
                if let Some(near) = nearest_word(&name, names) {
                    fault.suggestion = format!("did you mean \"{near}\"?");
                }
                faults.push(&item.place, fault);
            }
        }
    }
    if let Some((hours, _)) = section.number("series_every_h", (1e-3, 24.0 * 365.0), faults) {
        outputs.series_every_h = Some(hours);
    }
    if let Some((word, _)) = section.choice("snapshots", &["none", "first_replicate"], faults) {
        outputs.snapshots = word == "first_replicate";
    }
    section.done(faults, &[("series", "series_every_h"), ("metrics", "endpoints")]);
    outputs
}

fn at_days(section: &mut Section, days: f64, faults: &mut Faults) -> Vec<f64> {
    let mut found = Vec::new();
    for item in section.list("at_days").map(|(list, _)| list).unwrap_or_default() {
        match item.number().filter(|day| (0.0..=days).contains(day)) {
            Some(day) => found.push(day),
            None => {
                let expected = format!("days from 0 to {}, the end of the runs", plain_number(days));
                faults.push(&item.place, item.fault("outputs.at_days", &expected));
            }
        }
    }
    found.sort_by(f64::total_cmp);
    found.dedup();
    found
}

/// Every column that counts at the end counts on the days as well.
fn add_days(outputs: &mut Outputs) {
    let finals: Vec<usize> = outputs
        .endpoints
        .iter()
        .filter_map(|e| match e.origin {
            Origin::Final(i) => Some(i),
            _ => None,
        })
        .collect();
    for day in &outputs.at_days {
        for &i in &finals {
            let name = format!("at_{}d.{}", plain_number(*day), COLUMNS[i].name);
            if outputs.endpoints.iter().all(|e| e.name != name)
                && let Some(found) = endpoint(&name, &outputs.at_days)
            {
                outputs.endpoints.push(found);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_found_by_its_name_and_a_bare_column_is_its_end() {
        let bare = endpoint("necrotic_fraction", &[]);
        assert_eq!(bare, endpoint("final.necrotic_fraction", &[]));
        assert!(endpoint("max.ulcer_fraction", &[]).is_some());
        assert!(endpoint("t_ulcer_d", &[]).is_some_and(|e| e.is_date()));
        assert!(endpoint("delta_10_90_d", &[]).is_some_and(|e| !e.is_date()));
        assert_eq!(
            endpoint("at_28d.msc", &[7.0, 28.0]).map(|e| e.origin),
            column("msc").map(|c| Origin::At(1, c))
        );
        assert_eq!(endpoint("at_5d.msc", &[7.0]), None);
        assert!(endpoint("at_0.5d.msc", &[0.5]).is_some());
        let crp = instruments().position(|one| one.word() == "crp");
        assert_eq!(
            endpoint("read_28d.crp", &[7.0, 28.0]).map(|e| e.origin),
            crp.map(|i| Origin::Read(1, i))
        );
        let end = endpoint("read.crp", &[7.0, 28.0]);
        assert_eq!(end.as_ref().map(|e| e.origin), crp.map(|i| Origin::Read(2, i)));
        assert_eq!(end.map(|e| (e.name, e.unit)), Some(("read.crp".into(), "mg/L".into())));
        assert_eq!(endpoint("read.biopsy", &[]), None);
        assert_eq!(nearest("read.cpr").as_deref(), Some("read.crp"));
        assert_eq!(nearest("necrotic_fracton").as_deref(), Some("final.necrotic_fraction"));
    }

    #[test]
    fn a_date_that_did_not_come_has_a_column_that_says_so() {
        assert_eq!(
            endpoint("t_first_necrosis_d", &[]).map(|e| e.censored()).as_deref(),
            Some("t_first_necrosis_censored")
        );
    }
}
