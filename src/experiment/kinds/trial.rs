//! `trial`: virtual patients in arms. `survival.csv`, `logrank.csv`, `trial_power.csv`.
//!
//! A seed is a site, never a patient. The step from sites to patients is a named, assumed layer ([`Sites`]) and stands in
//! every table.

use serde::{Deserialize, Serialize};

use super::{cells, number};
use crate::experiment::analysis::power::{Assignment, Cohort, Power, Settings, Test, power, sample_size};
use crate::experiment::analysis::survival::{Time, kaplan_meier, log_rank};
use crate::experiment::design::{kind, shuffle};
use crate::experiment::statistics::holm;
use crate::math;
use crate::output::quoted;

/// How the sites of a patient make the patient's endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sites {
    /// The first site stands for the patient.
    First,
    /// The mean of the sites; of times the mean of times until event or horizon, happened when it did at every site.
    Mean,
    /// The largest value; of times the last site to have the event: a patient is closed when every wound is.
    Last,
    /// The smallest value; of times the first site to have the event: a patient has an ulcer when one site has.
    Earliest,
}

impl Sites {
    /// Word in the file and in the tables.
    pub fn word(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Mean => "mean",
            Self::Last => "last",
            Self::Earliest => "earliest",
        }
    }

    /// A patient's endpoint; nothing when a site has none, as a patient with a failed run is no patient.
    pub fn patient(self, sites: &[Option<Time>]) -> Option<Time> {
        let sites: Vec<Time> = sites.iter().copied().collect::<Option<_>>()?;
        let first = *sites.first()?;
        let later = |a: Time, b: Time| {
            if (b.t_d, !b.happened) > (a.t_d, !a.happened) {
                b
            } else {
                a
            }
        };
        let earlier = |a: Time, b: Time| {
            if (b.t_d, !b.happened) < (a.t_d, !a.happened) {
                b
            } else {
                a
            }
        };
        Some(match self {
            Self::First => first,
            Self::Mean => Time {
                t_d: sites.iter().map(|s| s.t_d).sum::<f64>() / sites.len() as f64,
                happened: sites.iter().all(|s| s.happened),
            },
            Self::Last => sites.into_iter().fold(first, later),
            Self::Earliest => sites.into_iter().fold(first, earlier),
        })
    }
}

/// Stratum of each of n patients: numbers as near to the fractions as whole patients allow (largest remainders), in an
/// order by chance.
pub fn strata(fractions: &[f64], n: usize, seed: u64) -> Vec<usize> {
    let total: f64 = fractions.iter().sum();
    let exact: Vec<f64> = fractions.iter().map(|f| f / total * n as f64).collect();
    let mut counts: Vec<usize> = exact.iter().map(|x| x.floor() as usize).collect();
    let mut order: Vec<usize> = (0..fractions.len()).collect();
    order.sort_by(|&a, &b| (exact[b] - exact[b].floor()).total_cmp(&(exact[a] - exact[a].floor())));
    let given: usize = counts.iter().sum();
    for &stratum in order.iter().cycle().take(n.saturating_sub(given)) {
        counts[stratum] += 1;
    }
    let mut patients: Vec<usize> = counts
        .iter()
        .enumerate()
        .flat_map(|(stratum, &count)| std::iter::repeat_n(stratum, count))
        .collect();
    shuffle(&mut patients, seed, kind::TRIAL, 0);
    patients
}

/// Arm of each patient: permuted blocks of `per_arm` patients to each arm, within each stratum.
pub fn assign(strata: &[usize], arms: usize, per_arm: usize, seed: u64) -> Vec<usize> {
    let mut chosen = vec![0; strata.len()];
    let most = strata.iter().copied().max().unwrap_or(0);
    for stratum in 0..=most {
        let members: Vec<usize> = (0..strata.len()).filter(|&p| strata[p] == stratum).collect();
        for (number, block) in members.chunks((arms * per_arm).max(1)).enumerate() {
            let mut list: Vec<usize> = (0..arms * per_arm).map(|i| i % arms).collect();
            let case = 1 + crate::random::id_from(stratum as u64, number as u64) / 2;
            shuffle(&mut list, seed, kind::TRIAL, case);
            for (&patient, arm) in block.iter().zip(list) {
                chosen[patient] = arm;
            }
        }
    }
    chosen
}

/// An endpoint of a trial: `arms[arm][patient]`, nothing for a patient without an outcome; the reference first. Where
/// every patient was in every arm, the patients of all arms stand in one order.
#[derive(Clone, Debug, PartialEq)]
pub struct Endpoint {
    /// Name.
    pub name: String,
    /// Unit.
    pub unit: String,
    /// Time to an event: has a curve and a log-rank test.
    pub is_time: bool,
    /// Outcomes.
    pub arms: Vec<Vec<Option<Time>>>,
}

/// `survival.csv`: a curve per arm and time to an event.
pub fn survival_table(arms: &[String], endpoints: &[Endpoint], sites: Sites) -> String {
    let mut text = "arm,endpoint,t_d,at_risk,events,censored,s,s_ci_low,s_ci_high,sites\n".to_owned();
    for endpoint in endpoints.iter().filter(|e| e.is_time) {
        for (arm, patients) in arms.iter().zip(&endpoint.arms) {
            let patients: Vec<Time> = patients.iter().flatten().copied().collect();
            for step in kaplan_meier(&patients) {
                text.push_str(&format!(
                    "{},{},{},{},{},{},{},{},{},{}\n",
                    quoted(arm),
                    endpoint.name,
                    number(step.t_d),
                    step.at_risk,
                    step.events,
                    step.censored,
                    number(step.survival),
                    number(step.interval.low),
                    number(step.interval.high),
                    sites.word()
                ));
            }
        }
    }
    text
}

/// `logrank.csv`: every arm against the reference; Holm over the endpoints of an arm.
pub fn log_rank_table(arms: &[String], endpoints: &[Endpoint]) -> String {
    let mut text = "arm,reference,endpoint,n_arm,n_reference,chi2,df,p_raw,p_holm\n".to_owned();
    let times: Vec<&Endpoint> = endpoints.iter().filter(|e| e.is_time).collect();
    let there = |patients: &[Option<Time>]| patients.iter().flatten().copied().collect::<Vec<Time>>();
    for arm in 1..arms.len() {
        let found: Vec<_> = times
            .iter()
            .map(|e| {
                let (here, reference) = (there(&e.arms[arm]), there(&e.arms[0]));
                (here.len(), reference.len(), log_rank(&[&here, &reference]))
            })
            .collect();
        let corrected = holm(&found.iter().map(|f| f.2.p).collect::<Vec<_>>());
        for ((endpoint, (n, m, test)), p_holm) in times.iter().zip(found).zip(corrected) {
            let ids = format!("{},{}", quoted(&arms[arm]), quoted(&arms[0]));
            let (chi2, p) = (number(test.chi2), number(test.p));
            text.push_str(&format!(
                "{ids},{},{n},{m},{chi2},{},{p},{}\n",
                endpoint.name,
                test.df,
                number(p_holm)
            ));
        }
    }
    text
}

/// What power to look for.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    /// Sizes of the curve, patients per arm.
    pub sizes: Vec<usize>,
    /// Power for which the least size is looked for.
    pub power: f64,
    /// Largest size of that look.
    pub most: usize,
    /// Trials, level, seed, assignment. The test follows the endpoint: log-rank of times in parallel trials, else ranks.
    pub settings: Settings,
}

/// `trial_power.csv`: the curve of each endpoint and arm, its type-I error at the same sizes, and the least size with the
/// wanted power. Only patients with an outcome in both arms count.
pub fn power_table(arms: &[String], endpoints: &[Endpoint], sites: Sites, wanted: &Wanted) -> Result<String, String> {
    let mut text = "arm,reference,endpoint,assignment,test,purpose,n_per_arm,power,power_ci_low,power_ci_high,\
                    type_1_error,median_effect,effect_q05,effect_q95,unit,trials,patients,sites\n"
        .to_owned();
    for endpoint in endpoints {
        for arm in 1..arms.len() {
            let pairs: (Vec<Time>, Vec<Time>) = endpoint.arms[arm]
                .iter()
                .zip(&endpoint.arms[0])
                .filter_map(|(a, r)| a.zip(*r))
                .unzip();
            let cohort = Cohort {
                arm: pairs.0,
                reference: pairs.1,
            };
            let parallel = wanted.settings.assignment == Assignment::Parallel;
            let test = if endpoint.is_time && parallel {
                Test::LogRank
            } else {
                Test::Rank
            };
            let settings = Settings {
                test,
                ..wanted.settings
            };
            let mut line = |purpose: &str, found: &Power| -> Result<(), String> {
                let null = power(&cohort, found.n_per_arm, &Settings { null: true, ..settings })?;
                text.push_str(&format!(
                    "{},{},{},{},{},{purpose},{},{},{},{},{},{},{},{},{},{}\n",
                    quoted(&arms[arm]),
                    quoted(&arms[0]),
                    endpoint.name,
                    if parallel { "parallel" } else { "counterfactual" },
                    if test == Test::LogRank { "log_rank" } else { "rank" },
                    found.n_per_arm,
                    cells(&found.power),
                    number(null.power.value),
                    number(found.median_effect),
                    number(found.effect_low),
                    number(found.effect_high),
                    quoted(&endpoint.unit),
                    found.trials,
                    cohort.reference.len(),
                    sites.word(),
                ));
                Ok(())
            };
            for &size in &wanted.sizes {
                line("curve", &power(&cohort, size, &settings)?)?;
            }
            let (enough, most) = sample_size(&cohort, wanted.power, wanted.most, &settings)?;
            match enough {
                Some(found) => line(&format!("least for {}", wanted.power), &found)?,
                None => line(&format!("too few for {}", wanted.power), &most)?,
            }
        }
    }
    Ok(text)
}

/// A number as an outcome of a patient.
pub fn outcome(value: f64) -> Option<Time> {
    value.is_finite().then_some(Time {
        t_d: value,
        happened: true,
    })
}

/// A date as an outcome: one that did not come before the horizon is censored there. `ran` is false for a failed run.
pub fn date(found: Option<f64>, horizon_d: f64, ran: bool) -> Option<Time> {
    ran.then(|| match found {
        Some(t_d) if t_d <= horizon_d => Time { t_d, happened: true },
        _ => Time {
            t_d: math::max(horizon_d, 0.0),
            happened: false,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sites_make_a_patient_as_the_layer_says() {
        let day = |t_d, happened| Some(Time { t_d, happened });
        let sites = [day(20.0, true), day(90.0, false), day(10.0, true)];
        let of = |rule: Sites| rule.patient(&sites);
        assert_eq!(of(Sites::First), day(20.0, true));
        assert_eq!(of(Sites::Last), day(90.0, false));
        assert_eq!(of(Sites::Earliest), day(10.0, true));
        assert_eq!(of(Sites::Mean), day(40.0, false));
        assert_eq!(Sites::Mean.patient(&[day(1.0, true), None]), None);
        // On the last day: an event and a site that has none yet.
        let tie = [day(90.0, true), day(90.0, false)];
        assert_eq!(Sites::Last.patient(&tie), day(90.0, false));
        assert_eq!(Sites::Earliest.patient(&tie), day(90.0, true));
    }

    #[test]
    fn strata_have_their_fractions_and_arms_are_balanced_within_them() {
        let strata = strata(&[0.8, 0.2], 202, 1);
        let in_second = strata.iter().filter(|s| **s == 1).count();
        assert_eq!((strata.len(), in_second), (202, 40));
        let arms = assign(&strata, 2, 2, 1);
        for stratum in 0..2 {
            let of = |arm| (0..202).filter(|&p| strata[p] == stratum && arms[p] == arm).count();
            assert!(
                of(0).abs_diff(of(1)) <= 2,
                "a block is split evenly, up to the last one"
            );
        }
        assert_ne!(arms[..20], assign(&strata, 2, 2, 2)[..20]);
    }

    #[test]
    fn the_tables_of_a_trial_hold_what_they_name() -> Result<(), String> {
        let ids = ["standard".to_owned(), "msc".to_owned()];
        let column = |shift: f64| {
            (0..60)
                .map(|p| date(Some(f64::from(p * 7 % 60) * 1.5 + shift), 80.0, p != 3))
                .collect()
        };
        let endpoint = Endpoint {
            name: "t_closure_d".into(),
            unit: "d".into(),
            is_time: true,
            arms: vec![column(0.0), column(-20.0)],
        };
        let wanted = Wanted {
            sizes: vec![20, 60],
            power: 0.8,
            most: 200,
            settings: Settings {
                assignment: Assignment::Parallel,
                test: Test::Mean,
                alpha: 0.05,
                trials: 200,
                seed: 1,
                null: false,
            },
        };
        let endpoints = [endpoint];
        let power = power_table(&ids, &endpoints, Sites::First, &wanted)?;
        let curves = survival_table(&ids, &endpoints, Sites::First);
        let tests = log_rank_table(&ids, &endpoints);
        for text in [&power, &curves, &tests] {
            let widths: Vec<usize> = text.lines().map(|l| l.split(',').count()).collect();
            assert!(widths.len() > 1 && widths.iter().all(|w| *w == widths[0]), "{text}");
        }
        assert!(
            power.contains("least for 0.8") && power.contains(",log_rank,curve,20,"),
            "{power}"
        );
        assert!(
            tests
                .lines()
                .nth(1)
                .is_some_and(|l| l.starts_with("msc,standard,t_closure_d,59,59,")),
            "{tests}"
        );
        Ok(())
    }
}
