//! Calibration by history matching: a wave of points, targets with their doubts, and what no target rules out.
//!
//! One experiment is one wave. Its results name the points of the next: `next_wave.csv`, which the next experiment reads
//! with `points`, beside the results of the waves before it in `earlier`.

use serde::{Deserialize, Serialize};

use super::arms::Arm;
use super::design::{self, Distribution};
use super::factors::Factor;
use super::file::MOST_RUNS;
use super::outputs::{Endpoint, Outputs};
use super::points::{self, Points};
use super::sampled::{Analysis, singly, with_distribution};
use super::text::Section;
use crate::error::Error;
use crate::parameters::nearest_word;
use crate::scenario::{Faults, Library, Place};

/// What a target is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Statistic {
    /// Mean over the sites.
    Mean,
    /// Median over the sites.
    Median,
    /// Share of the sites in which a date came.
    Share,
}

/// What an output should be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TargetRecord {
    /// Id.
    pub id: String,
    /// The endpoint.
    pub output: String,
    /// What of it.
    pub statistic: Statistic,
    /// Observed value.
    pub value: f64,
    /// Standard error of the observation.
    pub sd: f64,
    /// How wrong the model may be there even with the right parameters.
    pub discrepancy_sd: f64,
    /// Whether points are judged by it; else it only is compared.
    pub is_fit: bool,
    /// Where the value comes from.
    pub source: String,
}

/// How a wave is analysed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WaveSettings {
    /// Targets.
    pub targets: Vec<TargetRecord>,
    /// Prior of each factor.
    pub priors: Vec<Distribution>,
    /// Outputs that may miss before a point is ruled out.
    pub forgiven: usize,
    /// Points of the prior that are tried.
    pub candidates: usize,
    /// Points of the next wave.
    pub next: usize,
    /// Waves before this one.
    pub earlier: usize,
    /// Seed.
    pub seed: u64,
}

/// One wave as points.
pub(super) struct Wave {
    pub factors: Vec<Factor>,
    pub points: Points,
    pub analysis: Analysis,
    /// Tables of the waves before.
    pub earlier: Vec<Vec<u8>>,
}

/// Reads `[design]` and `[[targets]]` of a calibration.
pub(super) fn read(
    file: &str,
    design: Option<Section>,
    targets: Vec<Section>,
    listed: Vec<(Factor, Section)>,
    arms: &[Arm],
    outputs: &Outputs,
    default_seed: u64,
    library: &dyn Library,
    top: &Place,
    faults: &mut Faults,
    warnings: &mut Faults,
) -> Option<Wave> {
    let before = faults.len();
    let Some(mut section) = design else {
        let mut fault = top.fault("design", "");
        fault.expected = "[design] method = \"history_match\", n = 60".into();
        fault.message = "a calibration has a design".into();
        faults.push(top, fault);
        return None;
    };
    section.choice("method", &["history_match"], faults);
    let n = section.whole("n", 5, MOST_RUNS, faults).map(|(n, _)| n as usize);
    let forgiven = section.whole("forgiven", 0, 100, faults).map_or(0, |(n, _)| n as usize);
    let candidates = section
        .whole("candidates", 1000, 10_000_000, faults)
        .map_or(20_000, |(n, _)| n as usize);
    let seed = section
        .whole("seed", 0, i64::MAX as u64, faults)
        .map_or(default_seed, |(n, _)| n);
    let points_file = section.word("points", faults);
    let earlier = earlier(file, &mut section, faults);
    let place = section.place.clone();
    section.done(
        faults,
        &[
            ("type", "method"),
            ("population", "n"),
            ("file", "points"),
            ("waves", "earlier"),
        ],
    );
    let targets = self::targets(targets, outputs, top, faults, warnings);
    let mut kept: Vec<(Factor, Distribution)> = Vec::new();
    for (factor, rest) in listed {
        kept.extend(with_distribution(factor, rest, faults));
    }
    if kept.is_empty() && faults.len() == before {
        let mut fault = place.fault("factors", "");
        fault.expected = "at least one [[factors]] to calibrate".into();
        faults.push(&place, fault);
    }
    if faults.len() > before {
        return None;
    }
    let priors: Vec<Distribution> = kept.iter().map(|(_, d)| d.clone()).collect();
    let factors: Vec<Factor> = kept.iter().map(|(f, _)| f.clone()).collect();
    let rows = match (points_file, n) {
        (Some((name, item)), _) => {
            let found = points::listed(file, &name, &item, library, faults)?;
            let order: Option<Vec<usize>> = factors
                .iter()
                .map(|f| found.0.iter().position(|other| other.path == f.path))
                .collect();
            let Some(order) = order else {
                faults.push(&item.place, item.fault("design.points", "a column for every factor"));
                return None;
            };
            found
                .1
                .rows
                .iter()
                .map(|row| order.iter().map(|&i| row[i]).collect())
                .collect()
        }
        (None, Some(n)) => design::lhs(&priors, n, 10, seed).rows,
        (None, None) => {
            let mut fault = place.fault("design.n", "");
            fault.expected = "n = 60 points over the priors, or points = \"next_wave.csv\"".into();
            faults.push(&place, fault);
            return None;
        }
    };
    singly(arms, &kept, faults);
    let settings = WaveSettings {
        targets,
        priors,
        forgiven,
        candidates,
        next: n.unwrap_or(rows.len()),
        earlier: earlier.len(),
        seed,
    };
    Some(Wave {
        factors,
        points: Points::plain(rows),
        analysis: Analysis::HistoryMatch(settings),
        earlier,
    })
}

/// Tables of the waves before, as bytes.
fn earlier(file: &str, section: &mut Section, faults: &mut Faults) -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for item in section.list("earlier").map(|(list, _)| list).unwrap_or_default() {
        let name = item.word().unwrap_or_default();
        let beside = std::path::Path::new(file)
            .parent()
            .unwrap_or(std::path::Path::new(""))
            .join(name);
        let path = [beside, name.into()]
            .into_iter()
            .find(|path| path.join("runs.parquet").is_file());
        match path.map(|path| std::fs::read(path.join("runs.parquet"))) {
            Some(Ok(bytes)) => found.push(bytes),
            _ => {
                let expected = "a folder that `calcisim experiment merge` wrote, with its runs.parquet";
                faults.push(&item.place, item.fault("design.earlier", expected));
            }
        }
    }
    found
}

fn targets(
    sections: Vec<Section>,
    outputs: &Outputs,
    top: &Place,
    faults: &mut Faults,
    warnings: &mut Faults,
) -> Vec<TargetRecord> {
    let mut found: Vec<TargetRecord> = Vec::new();
    for mut section in sections {
        let place = section.place.clone();
        let before = faults.len();
        let any = (f64::MIN, f64::MAX);
        let id = section.word("id", faults).map(|(id, _)| id);
        let output = section.word("output", faults);
        let value = section.number("value", any, faults).map(|(x, _)| x);
        let sd = section.number("sd", (0.0, f64::MAX), faults).map(|(x, _)| x);
        let discrepancy = section
            .number("model_discrepancy_sd", (0.0, f64::MAX), faults)
            .map_or(0.0, |(x, _)| x);
        let statistic = match section.choice("statistic", &["mean", "median", "share"], faults) {
            Some((word, _)) if word == "median" => Statistic::Median,
            Some((word, _)) if word == "share" => Statistic::Share,
            _ => Statistic::Mean,
        };
        let use_ = section.choice("use", &["fit", "hold_out"], faults);
        let source = section.word("source", faults).map(|(s, _)| s).unwrap_or_default();
        section.done(
            faults,
            &[
                ("name", "id"),
                ("discrepancy_sd", "model_discrepancy_sd"),
                ("doi", "source"),
            ],
        );
        if source.is_empty() {
            let mut warning = place.fault("targets.source", "");
            warning.message = "this target does not say where its value comes from".into();
            warnings.push(&place, warning);
        }
        let endpoint = output.as_ref().and_then(|(name, _)| of_outputs(name, outputs));
        if let (Some((name, item)), None) = (&output, &endpoint) {
            let mut fault = item.fault("targets.output", "one of the endpoints of [outputs]");
            let names = outputs.endpoints.iter().map(|e| e.name.as_str());
            fault.suggestion = nearest_word(name, names)
                .map(|n| format!("did you mean \"{n}\"?"))
                .unwrap_or_default();
            faults.push(&item.place, fault);
        }
        match (id, endpoint, value, sd) {
            (Some(id), Some(endpoint), Some(value), Some(sd)) if sd + discrepancy > 0.0 => {
                if statistic == Statistic::Share && !endpoint.is_date() {
                    let mut fault = place.fault("targets.statistic", "\"share\"");
                    fault.expected = "a date as output: the share of sites in which it came".into();
                    faults.push(&place, fault);
                }
                found.push(TargetRecord {
                    id,
                    output: endpoint.name.clone(),
                    statistic,
                    value,
                    sd,
                    discrepancy_sd: discrepancy,
                    is_fit: use_.is_none_or(|(word, _)| word == "fit"),
                    source,
                });
            }
            _ if faults.len() == before => {
                let mut fault = place.fault("targets", "");
                fault.expected = "id, output, value, and sd or model_discrepancy_sd above 0".into();
                faults.push(&place, fault);
            }
            _ => {}
        }
    }
    if found.iter().all(|t| !t.is_fit) && faults.is_empty() {
        let mut fault = top.fault("targets", "");
        fault.expected = "at least one [[targets]] with use = \"fit\"".into();
        faults.push(top, fault);
    } else if found.iter().all(|t| t.is_fit) && !found.is_empty() {
        let mut warning = top.fault("targets", "");
        warning.message = "no target is held out: nothing will say whether the fit means anything elsewhere".into();
        warning.suggestion = "write use = \"hold_out\" for one of them".into();
        warnings.push(top, warning);
    }
    found
}

fn of_outputs<'a>(name: &str, outputs: &'a Outputs) -> Option<&'a Endpoint> {
    let named = super::outputs::endpoint(name, &outputs.at_days)?.name;
    outputs.endpoints.iter().find(|e| e.name == named)
}

/// An error of the analysis of a wave.
pub(super) fn broken(why: String) -> Error {
    Error::Condition(format!("the calibration cannot be computed: {why}"))
}
