//! Virtual trials: a cohort of patients, each a draw of factors and some sites at risk, every patient in every arm.
//!
//! A site is what the model simulates; a patient is not. How sites make a patient is assumed, and named: `sites` per
//! patient, and `across_sites`, which says what of their outcomes counts. A real trial shows one arm of a patient: the
//! parallel one is drawn from the table; the counterfactual one says what a simulator alone can see.

use serde::{Deserialize, Serialize};

use super::arms::{Arm, sets};
use super::design::{self, Distribution};
use super::factors::{Factor, judge};
use super::file::MOST_RUNS;
use super::points::Points;
use super::sampled::{Analysis, correlations, singly, with_distribution};
use super::text::{Item, Node, Section};
use crate::parameters::nearest_word;
use crate::scenario::{Faults, Place};

/// Kind of draws of strata, beside those of designs.
const STRATA: u64 = 1_000_001;

/// What of the outcomes of a patient's sites counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Across {
    /// Their mean; of dates too.
    #[default]
    Mean,
    /// The highest value, the latest date: closed when the last site is closed.
    Highest,
    /// The lowest value, the first date: ulcerated when the first site is.
    Lowest,
}

/// How a trial is analysed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrialSettings {
    /// What of a patient's sites counts.
    pub across: Across,
    /// Whether randomised trials of one arm per patient are drawn.
    pub parallel: bool,
    /// Whether trials of every patient in both arms are drawn.
    pub counterfactual: bool,
    /// `mean`, `rank` or `log_rank`.
    pub test: String,
    /// Patients per arm.
    pub sizes: Vec<usize>,
    /// Virtual trials per size.
    pub trials: usize,
    /// Level of the test.
    pub alpha: f64,
    /// Wanted power.
    pub wanted: f64,
    /// Seed of the trials.
    pub seed: u64,
}

/// A part of the cohort.
struct Stratum {
    id: String,
    fraction: f64,
    sets: Vec<(String, toml::Value, Place)>,
}

/// A cohort as points: patients in order, with the sites of each as replicates.
pub(super) struct Cohort {
    pub factors: Vec<Factor>,
    pub points: Points,
    pub sites: u64,
    pub analysis: Analysis,
}

/// Reads `[cohort]`, `[assignment]` and `[power]`.
pub(super) fn read(
    cohort: Option<Section>,
    assignment: Option<Section>,
    power: Option<Section>,
    listed: Vec<(Factor, Section)>,
    arms: &[Arm],
    default_seed: u64,
    top: &Place,
    faults: &mut Faults,
) -> Option<Cohort> {
    let before = faults.len();
    let Some(mut section) = cohort else {
        let mut fault = top.fault("cohort", "");
        fault.expected = "[cohort] n = 100: the number of virtual patients".into();
        fault.message = "a trial has a cohort".into();
        faults.push(top, fault);
        return None;
    };
    let place = section.place.clone();
    let n = section.whole("n", 2, MOST_RUNS, faults).map(|(n, _)| n as usize);
    let sites = section.whole("sites", 1, 1000, faults).map_or(1, |(n, _)| n);
    let seed = section
        .whole("seed", 0, i64::MAX as u64, faults)
        .map_or(default_seed, |(n, _)| n);
    let across = match section.choice("across_sites", &["mean", "highest", "lowest"], faults) {
        Some((word, _)) if word == "highest" => Across::Highest,
        Some((word, _)) if word == "lowest" => Across::Lowest,
        _ => Across::Mean,
    };
    let strata = strata(&mut section, faults);
    let is_hypercube = section
        .choice("draw", &["random", "lhs"], faults)
        .is_some_and(|(word, _)| word == "lhs");
    let pairs = section.tables("correlations", faults);
    section.done(
        faults,
        &[
            ("patients", "n"),
            ("size", "n"),
            ("sites_per_patient", "sites"),
            ("replicates", "sites"),
            ("sampling", "draw"),
            ("method", "draw"),
        ],
    );
    let mut kept: Vec<(Factor, Distribution)> = Vec::new();
    for (factor, rest) in listed {
        kept.extend(with_distribution(factor, rest, faults));
    }
    let correlation = correlations(pairs, "cohort.correlations", &kept, faults);
    let settings = settings(assignment, power, across, seed, faults);
    if n.is_none() && faults.len() == before {
        let mut fault = place.fault("cohort.n", "");
        fault.expected = "n = 100: the number of virtual patients".into();
        faults.push(&place, fault);
    }
    if arms.len() < 2 && faults.len() == before {
        let mut fault = top.fault("arms", "");
        fault.expected = "at least two [[arms]], the first or the one with reference = true as the reference".into();
        faults.push(top, fault);
    }
    let n = n?;
    if faults.len() > before {
        return None;
    }
    let distributions: Vec<Distribution> = kept.iter().map(|(_, d)| d.clone()).collect();
    let drawn = if distributions.is_empty() {
        Ok(vec![Vec::new(); n])
    } else if is_hypercube {
        // Every part of each distribution has its patient, and the ranks hang together as asked.
        design::iman_conover(&design::lhs(&distributions, n, 1, seed).rows, &correlation, seed)
    } else {
        design::copula(&distributions, &correlation, n, seed).map(|design| design.rows)
    };
    let mut rows = match drawn {
        Ok(rows) => rows,
        Err(expected) => {
            let mut fault = place.fault("cohort.correlations", "");
            fault.expected = expected;
            faults.push(&place, fault);
            return None;
        }
    };
    singly(arms, &kept, faults);
    let mut factors: Vec<Factor> = kept.into_iter().map(|(factor, _)| factor).collect();
    let of_patient: Vec<usize> = (0..n).map(|patient| stratum_of(&strata, seed, patient)).collect();
    add_strata(&strata, &of_patient, arms, &mut factors, &mut rows, faults);
    let role = |patient: usize| {
        strata
            .get(of_patient[patient])
            .map_or("patient", |s| s.id.as_str())
            .to_owned()
    };
    Some(Cohort {
        factors,
        points: Points {
            roles: (0..n).map(role).collect(),
            rows,
        },
        sites,
        analysis: Analysis::Trial(settings),
    })
}

/// `strata = [ { id = "dialysis", fraction = 0.8, set = { … } } ]`.
fn strata(section: &mut Section, faults: &mut Faults) -> Vec<Stratum> {
    let mut found: Vec<Stratum> = Vec::new();
    let mut last = section.place.clone();
    for mut one in section.tables("strata", faults) {
        let place = one.place.clone();
        let id = one.word("id", faults).map(|(id, _)| id);
        let fraction = one.number("fraction", (0.0, 1.0), faults).map(|(x, _)| x);
        let sets = sets(one.take("set"), "cohort.strata.set", faults);
        one.done(faults, &[("share", "fraction")]);
        match (id, fraction) {
            (Some(id), Some(fraction)) if found.iter().all(|s| s.id != id) => {
                found.push(Stratum { id, fraction, sets });
            }
            _ => {
                let mut fault = place.fault("cohort.strata", "");
                fault.expected = "{ id = \"dialysis\", fraction = 0.8, set = { … } }, each id once".into();
                faults.push(&place, fault);
            }
        }
        last = place;
    }
    let sum: f64 = found.iter().map(|s| s.fraction).sum();
    if !found.is_empty() && (sum - 1.0).abs() > 1e-9 {
        let mut fault = last.fault("cohort.strata.fraction", "");
        fault.message = format!("the fractions of the strata add up to {sum}");
        fault.expected = "fractions that add up to 1".into();
        faults.push(&last, fault);
    }
    found
}

fn stratum_of(strata: &[Stratum], seed: u64, patient: usize) -> usize {
    let u = design::draws(seed, STRATA, patient as u64).uniform();
    let mut sum = 0.0;
    for (i, stratum) in strata.iter().enumerate() {
        sum += stratum.fraction;
        if u < sum {
            return i;
        }
    }
    strata.len().saturating_sub(1)
}

/// What strata set becomes factors; a stratum that does not set a path keeps the reference's value.
fn add_strata(
    strata: &[Stratum],
    of_patient: &[usize],
    arms: &[Arm],
    factors: &mut Vec<Factor>,
    rows: &mut [Vec<f64>],
    faults: &mut Faults,
) {
    let mut paths: Vec<(String, Place)> = Vec::new();
    for (path, _, place) in strata.iter().flat_map(|s| &s.sets) {
        if factors.iter().any(|f| f.path == *path) {
            let mut fault = place.fault(path, "");
            fault.message = "this path is a factor already".into();
            faults.push(place, fault);
        } else if paths.iter().all(|(p, _)| p != path) {
            paths.push((path.clone(), place.clone()));
        }
    }
    for (path, place) in paths {
        let values: Option<Vec<toml::Value>> = strata
            .iter()
            .map(|stratum| {
                let own = stratum
                    .sets
                    .iter()
                    .find(|(p, _, _)| *p == path)
                    .map(|(_, v, _)| v.clone());
                own.or_else(|| arms.first()?.scenario.value(&path).map(|v| v.to_toml()))
            })
            .collect();
        let Some(values) = values else {
            let mut fault = place.fault(&path, "");
            fault.expected = "a value in every stratum: the scenario has none of its own under this path".into();
            let others = strata
                .iter()
                .flat_map(|stratum| &stratum.sets)
                .map(|(other, _, _)| other.as_str());
            if let Some(near) = nearest_word(&path, others.filter(|other| *other != path)) {
                fault.suggestion = format!("did you mean {near}, as in another stratum?");
            }
            faults.push(&place, fault);
            continue;
        };
        let mut levels = values.clone();
        levels.sort_by_key(ToString::to_string);
        levels.dedup();
        let batches: Vec<_> = levels
            .iter()
            .map(|v| vec![(path.clone(), v.clone(), place.clone())])
            .collect();
        judge(arms, &batches, faults);
        let factor = Factor::bare(&path, levels, place.clone());
        let cells: Option<Vec<f64>> = values.iter().map(|v| factor.cell(v)).collect();
        let Some(cells) = cells else {
            let mut fault = place.fault(&path, "");
            fault.expected = "values of one kind in all strata".into();
            faults.push(&place, fault);
            continue;
        };
        for (row, &stratum) in rows.iter_mut().zip(of_patient) {
            row.push(cells[stratum]);
        }
        factors.push(factor);
    }
}

fn settings(
    assignment: Option<Section>,
    power: Option<Section>,
    across: Across,
    default_seed: u64,
    faults: &mut Faults,
) -> TrialSettings {
    let mut settings = TrialSettings {
        across,
        parallel: true,
        counterfactual: true,
        test: "rank".to_owned(),
        sizes: vec![10, 20, 50, 100, 200],
        trials: 1000,
        alpha: 0.05,
        wanted: 0.8,
        seed: default_seed,
    };
    if let Some(mut section) = assignment {
        let types = ["parallel", "crossover_counterfactual", "both"];
        if let Some((word, _)) = section.choice("type", &types, faults) {
            settings.parallel = word != "crossover_counterfactual";
            settings.counterfactual = word != "parallel";
        }
        section.done(faults, &[("method", "type")]);
    }
    if let Some(mut section) = power {
        if let Some((word, _)) = section.choice("test", &["mean", "rank", "log_rank"], faults) {
            settings.test = word;
        }
        if let Some((list, item)) = section.list("sizes") {
            let size = |item: &Item| match item.node {
                Node::Value(toml::Value::Integer(n)) => usize::try_from(n).ok().filter(|n| (2..=100_000).contains(n)),
                _ => None,
            };
            match list.iter().map(size).collect::<Option<Vec<usize>>>() {
                Some(sizes) if !sizes.is_empty() => settings.sizes = sizes,
                _ => faults.push(
                    &item.place,
                    item.fault("power.sizes", "numbers of patients per arm, from 2 on"),
                ),
            }
        }
        if let Some((n, _)) = section.whole("trials", 100, 1_000_000, faults) {
            settings.trials = n as usize;
        }
        if let Some((x, _)) = section.number("alpha", (1e-6, 0.5), faults) {
            settings.alpha = x;
        }
        if let Some((x, _)) = section.number("wanted", (0.05, 0.999), faults) {
            settings.wanted = x;
        }
        if let Some((n, _)) = section.whole("seed", 0, i64::MAX as u64, faults) {
            settings.seed = n;
        }
        section.done(
            faults,
            &[("parallel_sizes", "sizes"), ("power", "wanted"), ("level", "alpha")],
        );
    }
    settings
}
