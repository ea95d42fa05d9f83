//! What a virtual trial says: outcomes of patients, and how many of them a real trial would need.

use super::analyses::{Told, Values};
use super::analysis::power::{self, Assignment, Cohort, Power, Settings, Test};
use super::analysis::survival::Time;
use super::effects::ends;
use super::outputs::Endpoint;
use super::sampled::Analysis;
use super::trial::{Across, TrialSettings};
use crate::error::{Error, Result};
use crate::math;
use crate::output::{cell, number, quoted};

/// Most patients per arm among which a size is looked for.
const MOST: usize = 2000;

/// A patient's outcome from those of the sites; nothing when one is missing.
pub(super) fn patient(sites: &[f64], across: Across) -> Option<f64> {
    if sites.iter().any(|x| !x.is_finite()) {
        return None;
    }
    Some(match across {
        Across::Mean => sites.iter().sum::<f64>() / sites.len() as f64,
        Across::Highest => sites.iter().copied().fold(f64::NEG_INFINITY, math::max),
        Across::Lowest => sites.iter().copied().fold(f64::INFINITY, math::min),
    })
}

/// The patients who have an outcome in both arms.
fn cohort(values: &Values, arm: usize, e: usize, endpoint: &Endpoint, across: Across) -> Cohort {
    let days = values.plan.manifest.days;
    let outcomes = |arm: usize| {
        values
            .replicates(arm, e)
            .into_iter()
            .map(move |sites| patient(&sites, across))
    };
    let time = |t_d: f64| Time {
        t_d,
        happened: !endpoint.is_date() || t_d < days,
    };
    let pairs = outcomes(0).zip(outcomes(arm)).filter_map(|(a, b)| a.zip(b));
    let (reference, arm) = pairs.map(|(a, b)| (time(a), time(b))).unzip();
    Cohort { reference, arm }
}

/// `patients.csv`, `trial_power.csv` and `trial_size.csv`.
pub(super) fn tables(values: &Values) -> Result<Vec<Told>> {
    let plan = values.plan;
    let Analysis::Trial(trial) = &plan.manifest.analysis else {
        return Ok(Vec::new());
    };
    let endpoints = &plan.manifest.outputs.endpoints;
    let mut curve = "arm,reference,endpoint,assignment,test,n_per_arm,power,power_ci_low,power_ci_high,median_effect,\
                     effect_q05,effect_q95,type_one_error,type_one_ci_low,type_one_ci_high,trials,alpha,patients,unit\n"
        .to_owned();
    let mut sizes =
        "arm,reference,endpoint,assignment,test,wanted_power,n_per_arm,most_tried,power_at_most\n".to_owned();
    let mut headline = String::new();
    let reference = quoted(&plan.manifest.arms[0].id);
    for (arm, record) in plan.manifest.arms.iter().enumerate().skip(1) {
        for (e, endpoint) in endpoints.iter().enumerate() {
            let table = cohort(values, arm, e, endpoint, trial.across);
            for (name, assignment) in assignments(trial) {
                let (test, settings) = settings(trial, assignment, endpoint);
                let head = format!("{},{reference},{},{name},{test}", quoted(&record.id), endpoint.name);
                let fault =
                    |why: String| Error::Condition(format!("{}: the power cannot be computed: {why}", endpoint.name));
                for &n in &trial.sizes {
                    let found = power::power(&table, n, &settings).map_err(fault)?;
                    let null = power::power(&table, n, &Settings { null: true, ..settings }).map_err(fault)?;
                    curve.push_str(&format!(
                        "{head},{n},{},{},{},{},{},{},{},{},{}\n",
                        three(&found),
                        number(found.median_effect),
                        number(found.effect_low),
                        number(found.effect_high),
                        three(&null),
                        trial.trials,
                        number(trial.alpha),
                        table.reference.len(),
                        quoted(&endpoint.unit)
                    ));
                }
                if e != plan.manifest.outputs.primary {
                    continue;
                }
                let (found, at_most) = power::sample_size(&table, trial.wanted, MOST, &settings).map_err(fault)?;
                let n = found.map(|p| p.n_per_arm);
                sizes.push_str(&format!(
                    "{head},{},{},{MOST},{}\n",
                    number(trial.wanted),
                    n.map_or_else(String::new, |n| n.to_string()),
                    number(at_most.power.value)
                ));
                let words = match n {
                    Some(n) => format!("{n} patients per arm for a power of {}", trial.wanted),
                    None => format!("{MOST} patients per arm have a power of {:.2}", at_most.power.value),
                };
                headline.push_str(&format!(
                    "{} against {reference}, {} ({name}): {words}\n",
                    record.id, endpoint.name
                ));
            }
        }
    }
    Ok(vec![
        Told {
            name: "patients.csv",
            text: patients(values, trial),
            ..Told::default()
        },
        Told {
            name: "trial_power.csv",
            text: curve,
            headline,
        },
        Told {
            name: "trial_size.csv",
            text: sizes,
            ..Told::default()
        },
    ])
}

fn assignments(trial: &TrialSettings) -> Vec<(&'static str, Assignment)> {
    let both = [
        (trial.parallel, "parallel", Assignment::Parallel),
        (trial.counterfactual, "counterfactual", Assignment::Counterfactual),
    ];
    both.into_iter()
        .filter(|(on, ..)| *on)
        .map(|(_, name, a)| (name, a))
        .collect()
}

/// The log-rank test is for dates of parallel trials; elsewhere ranks are compared.
fn settings(trial: &TrialSettings, assignment: Assignment, endpoint: &Endpoint) -> (&'static str, Settings) {
    let (name, test) = match trial.test.as_str() {
        "mean" => ("mean", Test::Mean),
        "log_rank" if endpoint.is_date() && assignment == Assignment::Parallel => ("log_rank", Test::LogRank),
        _ => ("rank", Test::Rank),
    };
    let settings = Settings {
        assignment,
        test,
        alpha: trial.alpha,
        trials: trial.trials,
        seed: trial.seed,
        null: false,
    };
    (name, settings)
}

fn three(found: &Power) -> String {
    let [low, high] = ends(found.power.interval).map(cell);
    format!("{},{low},{high}", number(found.power.value))
}

/// One row per patient, arm and endpoint.
fn patients(values: &Values, trial: &TrialSettings) -> String {
    let plan = values.plan;
    let mut text = "arm,patient_id,stratum,endpoint,value,happened,unit\n".to_owned();
    for (arm, record) in plan.manifest.arms.iter().enumerate() {
        for (e, endpoint) in plan.manifest.outputs.endpoints.iter().enumerate() {
            for (id, sites) in values.replicates(arm, e).iter().enumerate() {
                let found = patient(sites, trial.across);
                let happened = found.filter(|_| endpoint.is_date()).map(|t| t < plan.manifest.days);
                text.push_str(&format!(
                    "{},{id},{},{},{},{},{}\n",
                    quoted(&record.id),
                    quoted(&plan.roles[id]),
                    endpoint.name,
                    cell(found),
                    happened.map_or_else(String::new, |h| h.to_string()),
                    quoted(&endpoint.unit)
                ));
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patient_is_made_of_sites_as_it_is_said() {
        let sites = [3.0, 9.0];
        assert_eq!(patient(&sites, Across::Mean), Some(6.0));
        assert_eq!(patient(&sites, Across::Highest), Some(9.0));
        assert_eq!(patient(&sites, Across::Lowest), Some(3.0));
        assert_eq!(patient(&[3.0, f64::NAN], Across::Lowest), None);
    }
}
