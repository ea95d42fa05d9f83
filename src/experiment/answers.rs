//! Answers to what `[statistics]` asks, and how many seeds would be enough: tables from pairs of arm and reference.
//!
//! The unit of a pair is a point where there are many (a vector of the prior, a patient), else a replicate. Points of a sweep share
//! their seeds and are not independent of each other: there arms are equal where points say so and seeds say so.

use super::analyses::{Told, Values};
use super::analysis::{Estimate, benefit, consistency, equivalence, sequential};
use super::effects::ends;
use super::plan::Plan;
use super::sampled::Analysis;
use super::statistics::{mean, sd};
use super::trial::Across;
use super::trial_tables::patient;
use crate::math;
use crate::output::{cell, number, quoted};

/// Subsets of a consistency analysis.
const SUBSETS: usize = 20;
/// Distance of the worst A from a half that still is the same story (spartan's mark).
const MARK: f64 = 0.2;
/// z of a two-sided 5 % and of a power of 80 %.
const Z: f64 = 1.959_963_985 + 0.841_621_234;

/// How the sites of a point count together: as those of a patient, else their mean.
fn across(plan: &Plan) -> Across {
    match &plan.manifest.analysis {
        Analysis::Trial(trial) => trial.across,
        _ => Across::Mean,
    }
}

impl Values<'_> {
    /// Paired differences arm − reference of each point's replicates.
    fn effects(&self, arm: usize, e: usize) -> Vec<Vec<f64>> {
        let pairs = self.replicates(arm, e).into_iter().zip(self.replicates(0, e));
        let is_trial = matches!(self.plan.manifest.analysis, Analysis::Trial(_));
        pairs
            .map(|(here, there)| {
                if is_trial {
                    let whole = |sites: &[f64]| patient(sites, across(self.plan));
                    let pair = whole(&here).zip(whole(&there));
                    return pair.map(|(a, b)| a - b).into_iter().collect();
                }
                let differences = here.iter().zip(&there).map(|(a, b)| a - b);
                differences.filter(|d| d.is_finite()).collect()
            })
            .collect()
    }

    /// Differences by point where there are many, else by replicate.
    fn differences(&self, arm: usize, e: usize) -> Vec<f64> {
        let effects = self.effects(arm, e);
        match &effects[..] {
            [only] => only.clone(),
            many => many.iter().filter(|d| !d.is_empty()).map(|d| mean(d)).collect(),
        }
    }

    /// Differences by seed, over the points that share it; nothing where each point has seeds of its own, or is the only one.
    fn differences_by_seed(&self, arm: usize, e: usize) -> Option<Vec<f64>> {
        let manifest = &self.plan.manifest;
        let is_shared = manifest.common_random_numbers && !self.plan.is_cohort() && self.plan.points.len() > 1;
        if !is_shared || manifest.replicates < 2 {
            return None;
        }
        let (here, there) = (self.replicates(arm, e), self.replicates(0, e));
        let of_seed = |seed: usize| {
            let pairs = here.iter().zip(&there).map(|(a, b)| a[seed] - b[seed]);
            let found: Vec<f64> = pairs.filter(|d| d.is_finite()).collect();
            (!found.is_empty()).then(|| mean(&found))
        };
        Some((0..manifest.replicates as usize).filter_map(of_seed).collect())
    }

    /// `equivalence.csv`.
    fn equivalence(&self) -> Told {
        let m = &self.plan.manifest;
        let questions = &m.questions;
        if questions.equivalence.is_empty() {
            return Told::default();
        }
        let mut text =
            "arm,reference,endpoint,margin_low,margin_high,diff_mean,diff_ci_low,diff_ci_high,level,p_low,p_high,\
                        p,equivalent,n,unit\n"
                .to_owned();
        let mut headline = String::new();
        for (arm, record) in m.arms.iter().enumerate().skip(1) {
            for asked in &questions.equivalence {
                let endpoint = &m.outputs.endpoints[asked.endpoint];
                let test = |differences: Vec<f64>| {
                    equivalence::two_one_sided(&differences, asked.low, asked.high, questions.alpha)
                };
                let by_seed = self.differences_by_seed(arm, asked.endpoint).and_then(test);
                let tests = [by_seed, test(self.differences(arm, asked.endpoint))];
                let Some(found) = tests.into_iter().flatten().max_by(|a, b| a.p.total_cmp(&b.p)) else {
                    continue;
                };
                text.push_str(&format!(
                    "{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}\n",
                    quoted(&record.id),
                    quoted(&m.arms[0].id),
                    endpoint.name,
                    number(asked.low),
                    number(asked.high),
                    number(found.difference),
                    number(found.interval.low),
                    number(found.interval.high),
                    number(1.0 - 2.0 * questions.alpha),
                    number(found.p_low),
                    number(found.p_high),
                    number(found.p),
                    found.equivalent,
                    found.n,
                    quoted(&endpoint.unit)
                ));
                let verdict = if found.equivalent {
                    "as good as equal"
                } else {
                    "not shown to be equal"
                };
                headline.push_str(&format!(
                    "{} and {}: {verdict} in {} within {} to {} ({:.0} % interval {:.4} to {:.4})\n",
                    record.id,
                    m.arms[0].id,
                    endpoint.name,
                    number(asked.low),
                    number(asked.high),
                    100.0 * (1.0 - 2.0 * questions.alpha),
                    found.interval.low,
                    found.interval.high
                ));
            }
        }
        Told {
            name: "equivalence.csv",
            text,
            headline,
        }
    }

    /// `benefit.csv`: over the vectors of the prior, or over patients.
    fn benefit(&self) -> Told {
        let m = &self.plan.manifest;
        if m.questions.benefit.is_empty() {
            return Told::default();
        }
        let mut text = "arm,reference,endpoint,better,margin,p_benefit,p_benefit_ci_low,p_benefit_ci_high,p_harm,\
                        p_harm_ci_low,p_harm_ci_high,p_benefit_without_noise,without_noise_ci_low,without_noise_ci_high,\
                        median_effect,effect_q05,effect_q95,vectors,unit\n"
            .to_owned();
        let mut headline = String::new();
        let what = if self.plan.is_cohort() {
            "patients"
        } else {
            "vectors of the prior"
        };
        for (arm, record) in m.arms.iter().enumerate().skip(1) {
            for asked in &m.questions.benefit {
                let endpoint = &m.outputs.endpoints[asked.endpoint];
                let effects = self.effects(arm, asked.endpoint);
                let Some(found) = benefit::benefit(&effects, asked.is_lower, asked.margin) else {
                    continue;
                };
                text.push_str(&format!(
                    "{},{},{},{},{},{},{},{},{},{},{},{},{}\n",
                    quoted(&record.id),
                    quoted(&m.arms[0].id),
                    endpoint.name,
                    if asked.is_lower { "lower" } else { "higher" },
                    number(asked.margin),
                    three(found.benefit),
                    three(found.harm),
                    three(found.benefit_without_noise),
                    number(found.median),
                    number(found.spread.low),
                    number(found.spread.high),
                    found.vectors,
                    quoted(&endpoint.unit)
                ));
                headline.push_str(&format!(
                    "{} against {}: in this model it helps ({} {} by more than {}) in {:.0} % of {} {what}, harms in {:.0} %; \
                     without the noise of the seeds {:.0} %\n",
                    record.id,
                    m.arms[0].id,
                    endpoint.name,
                    if asked.is_lower { "falls" } else { "rises" },
                    number(asked.margin),
                    100.0 * found.benefit.value,
                    found.vectors,
                    100.0 * found.harm.value,
                    100.0 * found.benefit_without_noise.value
                ));
            }
        }
        Told {
            name: "benefit.csv",
            text,
            headline,
        }
    }

    /// `enough.csv`: how well the replicates know each number, and how many more it would take.
    fn enough(&self) -> Told {
        let m = &self.plan.manifest;
        let mut text =
            "arm,reference,endpoint,n,value,half_width,seeds_for_a_tenth,seeds_for_power_80,consistent_from,unit\n"
                .to_owned();
        let head = text.len();
        let reference = quoted(&m.arms[0].id);
        for (arm, record) in m.arms.iter().enumerate() {
            for (e, endpoint) in m.outputs.endpoints.iter().enumerate() {
                let values: Vec<f64> = self.replicates(arm, e).concat();
                let values: Vec<f64> = values.into_iter().filter(|x| x.is_finite()).collect();
                let (id, unit) = (quoted(&record.id), quoted(&endpoint.unit));
                let mut say = |against: &str, values: &[f64], from: Option<usize>| {
                    if values.len() < 4 {
                        return;
                    }
                    let interval = sequential::t_interval(values);
                    let (centre, spread) = (mean(values), sd(values));
                    // Of the mean: half-width a tenth of it. Of a difference: seen in four of five comparisons.
                    let seeds = |target: f64, z: f64| {
                        let n = math::square(z * spread / target).ceil();
                        (target > 0.0 && n < 1e9).then(|| math::max(n, 2.0).to_string())
                    };
                    let tenth = seeds(0.1 * centre.abs(), 1.96).unwrap_or_default();
                    let power = Some(()).filter(|()| !against.is_empty() && spread > 0.0);
                    let power = power.and_then(|()| seeds(centre.abs(), Z)).unwrap_or_default();
                    text.push_str(&format!(
                        "{id},{against},{},{},{},{},{tenth},{power},{},{unit}\n",
                        endpoint.name,
                        values.len(),
                        number(centre),
                        number(0.5 * (interval.high - interval.low)),
                        from.map_or_else(String::new, |n| n.to_string()),
                    ));
                };
                say("", &values, consistent(&values));
                if arm > 0 {
                    say(&reference, &self.differences(arm, e), None);
                }
            }
        }
        if text.len() == head {
            text.clear();
        }
        Told {
            name: "enough.csv",
            text,
            ..Told::default()
        }
    }

    /// Every table that `[statistics]` asks for, and of one point how many seeds would be enough.
    pub(super) fn answers(&self) -> Vec<Told> {
        let mut told = vec![self.equivalence(), self.benefit()];
        if self.plan.points.len() == 1 {
            told.push(self.enough());
        }
        told
    }
}

/// Replicates from which on subsets of them tell the same story.
fn consistent(values: &[f64]) -> Option<usize> {
    let sizes: Vec<usize> = [1, 2, 5, 10, 20, 50, 100, 300]
        .into_iter()
        .filter(|size| size * SUBSETS <= values.len())
        .collect();
    consistency::consistency(values, &sizes, SUBSETS).enough(MARK)
}

fn three(estimate: Estimate) -> String {
    let [low, high] = ends(estimate.interval).map(cell);
    format!("{},{low},{high}", cell(Some(estimate.value).filter(|x| x.is_finite())))
}
