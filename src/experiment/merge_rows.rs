//! Rows of the large tables: outcomes and series of runs as columns.

use super::job::{Aside, Outcome, Series};
use super::outputs::Endpoint;
use super::plan::RunId;
use super::results::Standing;
use super::table::{Column, Values};
use crate::output::number;
use crate::output::series::COLUMNS;

/// A series as `series.csv`.
pub(super) fn series_text(series: &Series) -> String {
    let mut text = crate::output::series::Row::header();
    for (t_d, row) in series.t_d.iter().zip(&series.rows) {
        text.push_str(&number(*t_d));
        for value in row {
            text.push(',');
            text.push_str(&crate::output::cell(*value));
        }
        text.push('\n');
    }
    text
}

/// Some rows of `runs.parquet`.
pub(super) struct Batch {
    status: Vec<Option<String>>,
    error: Vec<Option<String>>,
    state_hash: Vec<Option<String>>,
    steps: Vec<Option<i64>>,
    attempts: Vec<Option<i64>>,
    version: Vec<Option<String>>,
    git: Vec<Option<String>>,
    /// Endpoint by endpoint.
    values: Vec<Vec<Option<f64>>>,
    /// The same for statistics: dates that did not come count as the end, NaN = nothing.
    pub(super) censored: Vec<Vec<f64>>,
    endpoints: Vec<Endpoint>,
}

impl Batch {
    pub(super) fn new(endpoints: &[Endpoint]) -> Self {
        Self {
            status: Vec::new(),
            error: Vec::new(),
            state_hash: Vec::new(),
            steps: Vec::new(),
            attempts: Vec::new(),
            version: Vec::new(),
            git: Vec::new(),
            values: vec![Vec::new(); endpoints.len()],
            censored: vec![Vec::new(); endpoints.len()],
            endpoints: endpoints.to_vec(),
        }
    }

    pub(super) fn add(&mut self, standing: Standing, found: Option<(Outcome, Aside)>, days: f64) {
        let status = match standing {
            Standing::Done => "ok",
            Standing::Failed => "failed",
            Standing::Dropped => "dropped",
            Standing::Missing | Standing::Later => "missing",
        };
        self.status.push(Some(status.to_owned()));
        let ok = found
            .as_ref()
            .map(|(outcome, _)| outcome)
            .filter(|o| o.error.is_empty());
        let words = |of: fn(&Outcome) -> &String| found.as_ref().map(|(o, _)| of(o).clone()).filter(|w| !w.is_empty());
        self.error.push(words(|o| &o.error));
        self.state_hash.push(words(|o| &o.state_hash));
        self.steps.push(ok.map(|o| o.steps as i64));
        self.attempts.push(ok.map(|o| i64::from(o.network_attempts)));
        self.version
            .push(found.as_ref().map(|(_, aside)| aside.version.clone()));
        self.git.push(found.as_ref().map(|(_, aside)| aside.git.clone()));
        for (i, endpoint) in self.endpoints.iter().enumerate() {
            let value = ok.and_then(|o| o.value(endpoint.origin));
            self.values[i].push(value);
            let end = (endpoint.is_date() && ok.is_some()).then_some(days);
            self.censored[i].push(value.or(end).unwrap_or(f64::NAN));
        }
    }

    pub(super) fn columns(self, endpoints: &[Endpoint]) -> Vec<Column> {
        let is_ok: Vec<bool> = self.status.iter().map(|s| s.as_deref() == Some("ok")).collect();
        let mut columns = vec![
            Column::plain("status", Values::Text(self.status)),
            Column::plain("error", Values::Text(self.error)),
            Column::plain("state_hash", Values::Text(self.state_hash)),
            Column::plain("steps", Values::Whole(self.steps)),
            Column::plain("network_attempts", Values::Whole(self.attempts)),
            Column::plain("tool_version", Values::Text(self.version)),
            Column::plain("git", Values::Text(self.git)),
        ];
        for (endpoint, values) in endpoints.iter().zip(self.values) {
            let censored = endpoint.is_date().then(|| {
                let absent = values.iter().zip(&is_ok).map(|(v, ok)| ok.then_some(v.is_none()));
                Column::plain(&endpoint.censored(), Values::Flag(absent.collect()))
            });
            columns.push(Column::of(&endpoint.name, &endpoint.unit, Values::Number(values)));
            columns.extend(censored);
        }
        columns
    }
}

/// Some rows of `series.parquet`.
#[derive(Default)]
pub(super) struct SeriesBatch {
    pub(super) runs: Vec<Option<String>>,
    t_d: Vec<Option<f64>>,
    values: Vec<Vec<Option<f64>>>,
}

impl SeriesBatch {
    pub(super) fn add(&mut self, run: RunId, series: Series) {
        self.values.resize(COLUMNS.len(), Vec::new());
        for (t_d, row) in series.t_d.into_iter().zip(series.rows) {
            self.runs.push(Some(run.to_string()));
            self.t_d.push(Some(t_d));
            for (i, column) in self.values.iter_mut().enumerate() {
                column.push(row.get(i).copied().flatten());
            }
        }
    }

    pub(super) fn columns(self) -> Vec<Column> {
        let mut columns = vec![
            Column::plain("run_id", Values::Text(self.runs)),
            Column::of("t_d", "d", Values::Number(self.t_d)),
        ];
        for (column, values) in COLUMNS.iter().zip(self.values) {
            columns.push(Column::of(column.name, column.unit, Values::Number(values)));
        }
        columns
    }
}
