//! `[sequential]`: replicates until the interval is as narrow as was asked for, and no more.
//!
//! All arms of a point run the same replicates, `replicates` of them at most. Looks come after `least` replicates and then
//! at numbers that grow by a tenth; what is decided at a look is a function of the results of the replicates before it, so
//! that the same replicates run for any shards, threads and crashes. With arms the interval is that of every difference
//! to the reference over pairs of equal seed, else that of the mean.

use serde::{Deserialize, Serialize};

use super::analyses::Told;
use super::analysis::sequential::{Decision, Rule, decide};
use super::file::Kind;
use super::job::Outcome;
use super::outputs::{Endpoint, Outputs};
use super::plan::Plan;
use super::questions::named;
use super::results::{Results, Standing};
use super::statistics::Interval;
use super::text::Section;
use crate::error::Result;
use crate::math;
use crate::output::{cell, number, quoted};
use crate::scenario::Faults;

/// Replicates before the first look when the file does not say.
const LEAST: u64 = 8;

/// When replicates are enough.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sequential {
    /// Index of the endpoint.
    pub endpoint: usize,
    /// Wanted half-width of the interval at 95 %.
    pub half_width: f64,
    /// Replicates before the first look.
    pub least: u64,
}

/// How far a point has come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Looked {
    /// Replicates that are asked for by now.
    pub wanted: usize,
    /// Whether no more will be asked for.
    pub is_over: bool,
    /// Widest interval of the last look.
    pub widest: Option<Interval>,
    /// Whether the interval is narrow enough.
    pub is_narrow: bool,
}

/// Reads `[sequential]`.
pub(super) fn read(
    section: Option<Section>,
    kind: Option<Kind>,
    outputs: &Outputs,
    most: u64,
    is_staged: bool,
    faults: &mut Faults,
) -> Option<Sequential> {
    let mut section = section?;
    let place = section.place.clone();
    let name = section.word("endpoint", faults);
    let half_width = section.number("half_width", (0.0, f64::MAX), faults);
    let least = section.whole("least", 8, 1_000_000, faults).map_or(LEAST, |(n, _)| n);
    section.done(
        faults,
        &[("output", "endpoint"), ("width", "half_width"), ("min", "least")],
    );
    let refuse = |key: &str, message: &str, expected: String, faults: &mut Faults| {
        let mut fault = place.fault(key, "");
        (fault.message, fault.expected) = (message.to_owned(), expected);
        faults.push(&place, fault);
    };
    if !matches!(kind, Some(Kind::Compare | Kind::Sweep)) || is_staged {
        let why = "this design needs the same replicates at every point";
        refuse(
            "sequential",
            why,
            "a compare or a sweep without [staged]".to_owned(),
            faults,
        );
        return None;
    }
    if most <= least {
        let expected = format!("replicates above least = {least}: the most that may be run");
        refuse("sequential", "there is nothing to stop", expected, faults);
        return None;
    }
    let endpoint = match name {
        Some(name) => named(Some(name), outputs, "sequential", faults)?,
        None => outputs.primary,
    };
    let Some((half_width, _)) = half_width.filter(|(x, _)| *x > 0.0) else {
        let expected = "half_width = 0.01, in the unit of the endpoint".to_owned();
        refuse(
            "sequential.half_width",
            "an interval is as narrow as is asked for",
            expected,
            faults,
        );
        return None;
    };
    Some(Sequential {
        endpoint,
        half_width,
        least,
    })
}

impl Sequential {
    /// Looks at a point: `values(n)` are the arms' values of the first `n` replicates, nothing while one of them is missing.
    fn look(&self, most: usize, values: impl Fn(usize) -> Option<Vec<Vec<f64>>>) -> Looked {
        let rule = Rule {
            half_width: self.half_width,
            least: self.least as usize,
            most,
        };
        let mut found = Looked {
            wanted: rule.least.min(most),
            is_over: false,
            widest: None,
            is_narrow: false,
        };
        while let Some(arms) = values(found.wanted) {
            let asked: Vec<Vec<f64>> = match arms.split_first() {
                Some((reference, [])) => vec![reference.clone()],
                Some((reference, others)) => others
                    .iter()
                    .map(|arm| arm.iter().zip(reference).map(|(a, b)| a - b).collect())
                    .collect(),
                None => break,
            };
            // What failed is no value: the rule is asked about those that are there.
            let rule = Rule { least: 2, ..rule };
            let decisions: Vec<Decision> = asked.iter().map(|values| decide(&rule, values)).collect();
            let intervals = decisions.iter().filter_map(|d| match d {
                Decision::Stop { interval } | Decision::Spent { interval } => Some(*interval),
                Decision::GoOn { .. } => None,
            });
            found.widest = intervals.max_by(|a, b| (a.high - a.low).total_cmp(&(b.high - b.low)));
            found.is_narrow = decisions.iter().all(|d| matches!(d, Decision::Stop { .. }));
            found.is_over = found.is_narrow || found.wanted >= most;
            if found.is_over {
                break;
            }
            found.wanted = (found.wanted + found.wanted.div_ceil(10)).min(most);
        }
        found
    }
}

/// Rows of a point, replicate by replicate: one row of each arm.
fn rows(plan: &Plan, point: usize, replicate: usize) -> impl Iterator<Item = usize> + '_ {
    let each = plan.manifest.replicates as usize;
    (0..plan.manifest.arms.len()).map(move |arm| (arm * plan.points.len() + point) * each + replicate)
}

/// Every point of a plan as far as its results go.
pub fn looked(plan: &Plan, results: &Results, rule: &Sequential) -> Result<Vec<Looked>> {
    let most = plan.manifest.replicates as usize;
    let endpoint: &Endpoint = &plan.manifest.outputs.endpoints[rule.endpoint];
    let mut reader = results.reader();
    let mut all = Vec::with_capacity(plan.points.len());
    for point in 0..plan.points.len() {
        // By replicate, then arm; as far as there are results of every arm.
        let mut found: Vec<Vec<f64>> = Vec::new();
        'replicates: for replicate in 0..most {
            let mut of_arms = Vec::new();
            for row in rows(plan, point, replicate) {
                let Some(record) = reader.get(plan.runs[row])? else {
                    break 'replicates;
                };
                let outcome = Outcome::read(&record)?;
                let is_ok = outcome.error.is_empty();
                let end = (endpoint.is_date() && is_ok).then_some(plan.manifest.days);
                of_arms.push(outcome.value(endpoint.origin).or(end).unwrap_or(f64::NAN));
            }
            found.push(of_arms);
        }
        let arms = plan.manifest.arms.len();
        let values = |n: usize| {
            let first = found.get(..n)?;
            Some((0..arms).map(|arm| first.iter().map(|r| r[arm]).collect()).collect())
        };
        all.push(rule.look(most, values));
    }
    Ok(all)
}

/// Corrects the standing of rows: those beyond the last look wait, those beyond the end are dropped.
pub fn stand(plan: &Plan, results: &Results, rule: &Sequential, all: &mut [Standing]) -> Result<()> {
    for (point, looked) in looked(plan, results, rule)?.into_iter().enumerate() {
        for replicate in looked.wanted..plan.manifest.replicates as usize {
            for row in rows(plan, point, replicate) {
                all[row] = match (looked.is_over, all[row]) {
                    (true, _) => Standing::Dropped,
                    (false, Standing::Missing) => Standing::Later,
                    (false, there) => there,
                };
            }
        }
    }
    Ok(())
}

/// `sequential.csv`: how many replicates each point needed.
pub(super) fn table(plan: &Plan, results: &Results) -> Result<Option<Told>> {
    let Some(rule) = &plan.manifest.sequential else {
        return Ok(None);
    };
    let endpoint = &plan.manifest.outputs.endpoints[rule.endpoint];
    let mut text =
        "point,endpoint,replicates,most,half_width,wanted_half_width,ci_low,ci_high,verdict,unit\n".to_owned();
    let (mut narrow, mut largest) = (0, 0);
    let found = looked(plan, results, rule)?;
    for (point, looked) in found.iter().enumerate() {
        let verdict = match (looked.is_over, looked.is_narrow) {
            (_, true) => "enough",
            (true, false) => "spent",
            (false, false) => "not finished",
        };
        narrow += usize::from(looked.is_narrow);
        largest = largest.max(looked.wanted);
        text.push_str(&format!(
            "{point},{},{},{},{},{},{},{},{verdict},{}\n",
            endpoint.name,
            looked.wanted,
            plan.manifest.replicates,
            cell(looked.widest.map(|i| 0.5 * (i.high - i.low))),
            number(rule.half_width),
            cell(looked.widest.map(|i| i.low)),
            cell(looked.widest.map(|i| i.high)),
            quoted(&endpoint.unit)
        ));
    }
    let width = found.iter().filter_map(|l| l.widest).map(|i| 0.5 * (i.high - i.low));
    let headline = format!(
        "{}: the interval is as narrow as ±{} at {narrow} of {} points, after at most {largest} of {} replicates (widest ±{:.4})\n",
        endpoint.name,
        number(rule.half_width),
        found.len(),
        plan.manifest.replicates,
        width.fold(0.0, math::max)
    );
    Ok(Some(Told {
        name: "sequential.csv",
        text,
        headline,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(half_width: f64) -> Sequential {
        Sequential {
            endpoint: 0,
            half_width,
            least: 8,
        }
    }

    /// Arms that move together but for a little, up to `known` replicates.
    fn arms(known: usize) -> impl Fn(usize) -> Option<Vec<Vec<f64>>> {
        move |n| {
            let base = |i: usize| ((i * 7919) % 101) as f64;
            let wobble = |i: usize| ((i * 31) % 7) as f64 / 7.0;
            (n <= known).then(|| {
                vec![
                    (0..n).map(base).collect(),
                    (0..n).map(|i| base(i) + 3.0 + wobble(i)).collect(),
                ]
            })
        }
    }

    #[test]
    fn a_point_stops_at_the_first_narrow_look_and_asks_only_as_far_as_it_sees() {
        let found = rule(0.3).look(200, arms(200));
        assert!(found.is_over && found.is_narrow && found.wanted < 40, "{found:?}");
        // What comes later changes nothing.
        assert_eq!(rule(0.3).look(200, arms(found.wanted)), found);
        let early = rule(0.3).look(200, arms(7));
        assert_eq!((early.wanted, early.is_over), (8, false));
    }

    #[test]
    fn a_point_that_never_gets_narrow_ends_with_the_most() {
        let found = rule(1e-6).look(50, arms(50));
        assert_eq!((found.wanted, found.is_over, found.is_narrow), (50, true, false));
    }

    #[test]
    fn failed_runs_do_not_hold_a_point_up() {
        let found = rule(0.1).look(20, |n| Some(vec![vec![f64::NAN; n]]));
        assert_eq!((found.wanted, found.is_over, found.is_narrow), (20, true, false));
        let half = |n: usize| Some(vec![(0..n).map(|i| if i % 2 == 0 { f64::NAN } else { 1.0 }).collect()]);
        assert!(rule(0.1).look(20, half).is_narrow);
    }
}
