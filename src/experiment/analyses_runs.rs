//! What the runs of one point say as tables: when things happened, and whether so many replicates tell the same story again.

use super::analyses::{Told, Values, finite};
use super::analysis::{consistency, survival};
use super::statistics;
use crate::output::{number, quoted};

/// Replicates per subset of a consistency analysis, as spartan has them.
const SIZES: [usize; 8] = [1, 2, 5, 10, 20, 50, 100, 300];
/// Subsets of each size.
const SUBSETS: usize = 20;

impl Values<'_> {
    /// `survival.csv` and `logrank.csv`: the dates of the arms.
    pub(super) fn survival(&self) -> Vec<Told> {
        let m = &self.plan.manifest;
        let mut curves = "arm,endpoint,t_d,at_risk,events,censored,s,s_ci_low,s_ci_high\n".to_owned();
        let mut tests = "arm,reference,endpoint,chi2,df,p_raw,p_holm\n".to_owned();
        let dates: Vec<usize> = (0..self.endpoints().len())
            .filter(|&e| self.endpoints()[e].is_date())
            .collect();
        let times = |arm: usize, e: usize| -> Vec<survival::Time> {
            let values = self.replicates(arm, e).concat();
            let happened = values.iter().filter(|x| x.is_finite());
            // The end of the run is no event.
            let found: Vec<Option<f64>> = happened.map(|&t| Some(t).filter(|t| *t < m.days)).collect();
            survival::times(&found, m.days)
        };
        for (arm, record) in m.arms.iter().enumerate() {
            for &e in &dates {
                for step in survival::kaplan_meier(&times(arm, e)) {
                    curves.push_str(&format!(
                        "{},{},{},{},{},{},{},{},{}\n",
                        quoted(&record.id),
                        self.endpoints()[e].name,
                        number(step.t_d),
                        step.at_risk,
                        step.events,
                        step.censored,
                        finite(step.survival),
                        finite(step.interval.low),
                        finite(step.interval.high)
                    ));
                }
            }
            if arm == 0 {
                continue;
            }
            let found: Vec<survival::LogRank> = dates
                .iter()
                .map(|&e| survival::log_rank(&[&times(0, e), &times(arm, e)]))
                .collect();
            let raw: Vec<f64> = found.iter().map(|test| test.p).collect();
            for ((test, &e), holm) in found.iter().zip(&dates).zip(statistics::holm(&raw)) {
                tests.push_str(&format!(
                    "{},{},{},{},{},{},{}\n",
                    quoted(&record.id),
                    quoted(&m.arms[0].id),
                    self.endpoints()[e].name,
                    finite(test.chi2),
                    test.df,
                    finite(test.p),
                    finite(holm)
                ));
            }
        }
        if dates.is_empty() {
            return Vec::new();
        }
        let is_single = m.arms.len() == 1;
        vec![
            Told {
                name: "survival.csv",
                text: curves,
                ..Told::default()
            },
            Told {
                name: "logrank.csv",
                text: if is_single { String::new() } else { tests },
                ..Told::default()
            },
        ]
    }

    /// `consistency.csv`: whether so many replicates tell the same story again; only where there are enough of them.
    pub(super) fn consistency(&self) -> Told {
        let m = &self.plan.manifest;
        let runs = m.replicates as usize;
        let sizes: Vec<usize> = SIZES.into_iter().filter(|size| size * SUBSETS <= runs).collect();
        if sizes.is_empty() {
            return Told::default();
        }
        let mut text = "arm,output,sample_size,subset,a_measure,a_max,verdict\n".to_owned();
        for (arm, record) in m.arms.iter().enumerate() {
            for (e, endpoint) in self.endpoints().iter().enumerate() {
                // Rows that were dropped or failed are no replicates.
                let values: Vec<f64> = self.replicates(arm, e).concat();
                let values: Vec<f64> = values.into_iter().filter(|x| x.is_finite()).collect();
                let found = consistency::consistency(&values, &sizes, SUBSETS);
                for subset in &found.subsets {
                    let verdict = found.verdicts.iter().find(|v| v.size == subset.size);
                    text.push_str(&format!(
                        "{},{},{},{},{},{},{}\n",
                        quoted(&record.id),
                        endpoint.name,
                        subset.size,
                        subset.subset,
                        finite(subset.a),
                        verdict.map_or_else(String::new, |v| finite(v.worst)),
                        verdict.map_or("", |v| v.verdict)
                    ));
                }
            }
        }
        Told {
            name: "consistency.csv",
            text,
            ..Told::default()
        }
    }
}
