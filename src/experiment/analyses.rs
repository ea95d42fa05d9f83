//! What the results of a design say, as tables: sensitivity, attribution, survival, consistency. The arithmetic lives in
//! `analysis`; here rows of a plan become its arrays and its answers become cells.

use super::analysis::{Estimate, morris, prcc, seeds, shapley, sobol};
use super::attribution::subsets;
use super::calibrate::course;
use super::design::moves_of_roles;
use super::effects::ends;
use super::outputs::{Endpoint, Origin};
use super::plan::{DUMMY, Plan};
use super::sampled::Analysis;
use super::trial_tables;
use crate::error::{Error, Result};
use crate::output::{cell, number, quoted};

/// Values of one endpoint in one arm: the replicates of each point. Dates are censored, missing ones are not a number.
pub struct Values<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// Endpoint by endpoint, row by row.
    pub all: &'a [Vec<f64>],
}

/// A table and what it says in a line or two.
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// Name of the file.
    pub name: &'static str,
    /// Its text.
    pub text: String,
    /// For a person.
    pub headline: String,
}

impl Values<'_> {
    pub(super) fn endpoints(&self) -> &[Endpoint] {
        &self.plan.manifest.outputs.endpoints
    }

    /// Replicates of each point.
    pub(super) fn replicates(&self, arm: usize, e: usize) -> Vec<Vec<f64>> {
        let (points, each) = (self.plan.points.len(), self.plan.manifest.replicates as usize);
        let first = arm * points * each;
        self.all[e][first..first + points * each]
            .chunks(each)
            .map(<[f64]>::to_vec)
            .collect()
    }

    /// Day that an endpoint speaks of.
    fn day(&self, endpoint: &Endpoint) -> f64 {
        match endpoint.origin {
            Origin::At(day, _) | Origin::Read(day, _) => {
                let days = &self.plan.manifest.outputs.at_days;
                days.get(day).copied().unwrap_or(self.plan.manifest.days)
            }
            _ => self.plan.manifest.days,
        }
    }

    /// Every table that the plan's analysis asks for.
    pub fn tables(&self) -> Result<Vec<Told>> {
        let mut told = Vec::new();
        match &self.plan.manifest.analysis {
            Analysis::None => {}
            Analysis::Shapley { .. } => told.extend(self.attribution()?),
            Analysis::Trial(_) => told.extend(trial_tables::tables(self)?),
            Analysis::Calibrate(_) => told.extend(course::tables(self.plan)?),
            _ => told.extend(self.sensitivity()?),
        }
        told.extend(self.answers());
        if self.plan.points.len() == 1 {
            told.extend(self.survival());
            told.push(self.consistency());
        }
        told.retain(|table| !table.text.is_empty());
        Ok(told)
    }
}

/// The two ends and the value of an estimate as cells.
fn three(estimate: Estimate) -> String {
    let [low, high] = ends(estimate.interval).map(cell);
    format!("{},{low},{high}", finite(estimate.value))
}

/// A number as a cell; empty when it is none.
pub(super) fn finite(x: f64) -> String {
    cell(Some(x).filter(|x| x.is_finite()))
}

/// Indices of one factor for one output.
#[derive(Clone, Debug, Default)]
struct Index {
    s1: Option<Estimate>,
    st: Option<Estimate>,
    mu: Option<f64>,
    mu_star: Option<Estimate>,
    sigma: Option<f64>,
    prcc: Option<(f64, f64, bool)>,
}

impl Index {
    /// The one number by which factors are put into an order.
    fn rank(&self) -> f64 {
        let found = self.st.or(self.mu_star).map(|e| e.value);
        let found = found.or_else(|| self.prcc.map(|(r, _, _)| r.abs()));
        found.filter(|x| x.is_finite()).unwrap_or(0.0)
    }

    /// Lower end of that number's interval.
    fn low(&self) -> Option<f64> {
        self.st.or(self.mu_star)?.interval.map(|i| i.low)
    }

    fn cells(&self) -> String {
        let estimate = |e: Option<Estimate>| e.map_or_else(|| ",,".to_owned(), three);
        let plain = |x: Option<f64>| x.map_or_else(String::new, finite);
        let (r, p, turns) = match self.prcc {
            Some((r, p, turns)) => (finite(r), finite(p), turns.to_string()),
            None => Default::default(),
        };
        format!(
            "{},{},{},{},{},{r},{p},{turns}",
            estimate(self.s1),
            estimate(self.st),
            plain(self.mu),
            estimate(self.mu_star),
            plain(self.sigma),
        )
    }
}

/// Pairs of factors with their index beyond the two.
type Pairs = Vec<(usize, usize, Estimate)>;

impl Values<'_> {
    /// `sensitivity.csv`, and `interactions.csv` with second order.
    fn sensitivity(&self) -> Result<Vec<Told>> {
        let m = &self.plan.manifest;
        let (method, size) = match m.analysis {
            Analysis::Morris => ("morris", "mu_star"),
            Analysis::Saltelli { .. } => ("saltelli", "ST"),
            _ => ("prcc", "|PRCC|"),
        };
        let mut table = "arm,factor,output,t_d,method,s1,s1_ci_low,s1_ci_high,st,st_ci_low,st_ci_high,mu,mu_star,\
                         mu_star_ci_low,mu_star_ci_high,sigma,prcc,prcc_p,prcc_turns,dummy_level,n_rows,replicates,\
                         seed_variance_share,unit\n"
            .to_owned();
        let mut pairs = String::new();
        let mut headline = String::new();
        for (arm, record) in m.arms.iter().enumerate() {
            for (e, endpoint) in self.endpoints().iter().enumerate() {
                let replicates = self.replicates(arm, e);
                let share = seeds::seed_share(&replicates).map(|s| s.share.value);
                let (indices, between) = self.indices(&seeds::means(&replicates))?;
                let dummy = m
                    .factors
                    .iter()
                    .position(|f| f.path == DUMMY)
                    .map(|d| indices[d].rank());
                for (factor, index) in m.factors.iter().zip(&indices) {
                    table.push_str(&format!(
                        "{},{},{},{},{method},{},{},{},{},{},{}\n",
                        quoted(&record.id),
                        quoted(&factor.path),
                        endpoint.name,
                        number(self.day(endpoint)),
                        index.cells(),
                        cell(dummy),
                        self.plan.points.len(),
                        m.replicates,
                        share.map_or_else(String::new, finite),
                        quoted(&endpoint.unit)
                    ));
                }
                for (i, j, s2) in between {
                    let names = (quoted(&m.factors[i].path), quoted(&m.factors[j].path));
                    let arm = quoted(&record.id);
                    pairs.push_str(&format!(
                        "{arm},{},{},{},{}\n",
                        names.0,
                        names.1,
                        endpoint.name,
                        three(s2)
                    ));
                }
                if e == m.outputs.primary {
                    headline.push_str(&ranking(self.plan, &record.id, endpoint, &indices, dummy, share, size));
                }
            }
        }
        let head = "arm,factor_a,factor_b,output,s2,s2_ci_low,s2_ci_high\n";
        let pairs = if pairs.is_empty() {
            pairs
        } else {
            format!("{head}{pairs}")
        };
        Ok(vec![
            Told {
                name: "sensitivity.csv",
                text: table,
                headline,
            },
            Told {
                name: "interactions.csv",
                text: pairs,
                ..Told::default()
            },
        ])
    }

    /// Indices of every factor from the mean output of each point.
    fn indices(&self, outputs: &[f64]) -> Result<(Vec<Index>, Pairs)> {
        let k = self.plan.manifest.factors.len();
        let fault = |why: String| Error::Condition(format!("the sensitivity cannot be computed: {why}"));
        match self.plan.manifest.analysis {
            Analysis::Morris => {
                let moves = moves_of_roles(&self.plan.roles).map_err(fault)?;
                let found = morris::morris(k, &moves, outputs).into_iter().map(|s| Index {
                    mu: Some(s.mu.value),
                    mu_star: Some(s.mu_star),
                    sigma: Some(s.sigma),
                    ..Index::default()
                });
                Ok((found.collect(), Pairs::new()))
            }
            Analysis::Saltelli {
                second_order,
                resamples,
            } => {
                let found = sobol::sobol(k, second_order, outputs, resamples).map_err(fault)?;
                let indices = found.first.iter().zip(&found.total).map(|(s1, st)| Index {
                    s1: Some(*s1),
                    st: Some(*st),
                    ..Index::default()
                });
                Ok((indices.collect(), found.second))
            }
            _ => {
                let found = prcc::prcc(&self.numbers(), outputs).map_err(fault)?;
                let indices = found.into_iter().map(|r| Index {
                    prcc: Some((r.prcc.value, r.p, r.turns)),
                    ..Index::default()
                });
                Ok((indices.collect(), Pairs::new()))
            }
        }
    }

    /// Points as numbers: words by the place where each first stands.
    fn numbers(&self) -> Vec<Vec<f64>> {
        let mut words: Vec<String> = Vec::new();
        let mut number = |value: &toml::Value| match value {
            toml::Value::Float(x) => *x,
            toml::Value::Integer(i) => *i as f64,
            toml::Value::Boolean(b) => f64::from(u8::from(*b)),
            other => {
                let word = other.to_string();
                let at = words.iter().position(|w| *w == word).unwrap_or_else(|| {
                    words.push(word);
                    words.len() - 1
                });
                at as f64
            }
        };
        self.plan
            .points
            .iter()
            .map(|row| row.iter().map(&mut number).collect())
            .collect()
    }

    /// `attribution.csv` and `synergies.csv`.
    fn attribution(&self) -> Result<Vec<Told>> {
        let m = &self.plan.manifest;
        let Analysis::Shapley { orders, pairs, seed } = m.analysis else {
            return Ok(Vec::new());
        };
        let fault = |why: String| Error::Condition(format!("the attribution cannot be computed: {why}"));
        let subsets = subsets(m.factors.len(), orders, pairs, seed).map_err(fault)?;
        let mut shares =
            "arm,mechanism,output,share,share_ci_low,share_ci_high,full,empty,seeds,seeds_left_out,unit\n".to_owned();
        let mut synergies =
            "arm,mechanism_a,mechanism_b,output,synergy,synergy_ci_low,synergy_ci_high,unit\n".to_owned();
        let mut headline = String::new();
        let name = |i: usize| m.factors[i].path.trim_start_matches("mechanisms.");
        for (arm, record) in m.arms.iter().enumerate() {
            for (e, endpoint) in self.endpoints().iter().enumerate() {
                let values = self.replicates(arm, e);
                // An endpoint that does not apply in some subset has no shares.
                let Ok(found) = shapley::attribute(&subsets, &values) else {
                    continue;
                };
                let (id, unit) = (quoted(&record.id), quoted(&endpoint.unit));
                for (i, share) in found.shares.iter().enumerate() {
                    shares.push_str(&format!(
                        "{id},{},{},{},{},{},{},{},{unit}\n",
                        name(i),
                        endpoint.name,
                        three(*share),
                        finite(found.full),
                        finite(found.empty),
                        found.seeds,
                        found.left_out
                    ));
                }
                for (i, j, synergy) in found.pairs.iter().filter(|(_, _, s)| s.value.is_finite()) {
                    let (a, b) = (name(*i), name(*j));
                    synergies.push_str(&format!("{id},{a},{b},{},{},{unit}\n", endpoint.name, three(*synergy)));
                }
                if e == m.outputs.primary {
                    let mut order: Vec<usize> = (0..found.shares.len()).collect();
                    order.sort_by(|&a, &b| found.shares[b].value.total_cmp(&found.shares[a].value));
                    let words = order
                        .iter()
                        .take(5)
                        .map(|&i| format!("{} {}", name(i), brief(found.shares[i])));
                    headline.push_str(&format!(
                        "{}: {} with all mechanisms, {} with none; shares: {}\n",
                        endpoint.name,
                        short(found.full),
                        short(found.empty),
                        words.collect::<Vec<_>>().join(", ")
                    ));
                }
            }
        }
        Ok(vec![
            Told {
                name: "attribution.csv",
                text: shares,
                headline,
            },
            Told {
                name: "synergies.csv",
                text: synergies,
                ..Told::default()
            },
        ])
    }
}

/// The factors of an output in their order, in a line.
fn ranking(
    plan: &Plan,
    arm: &str,
    endpoint: &Endpoint,
    indices: &[Index],
    dummy: Option<f64>,
    share: Option<f64>,
    size: &str,
) -> String {
    let mut order: Vec<usize> = (0..indices.len()).collect();
    order.sort_by(|&a, &b| indices[b].rank().total_cmp(&indices[a].rank()));
    let words = order
        .iter()
        .take(6)
        .map(|&i| format!("{} {}", plan.manifest.factors[i].path, short(indices[i].rank())));
    let mut line = format!(
        "{arm}, {} by {size}: {}",
        endpoint.name,
        words.collect::<Vec<_>>().join(", ")
    );
    if let Some(dummy) = dummy {
        line.push_str(&format!("; other seeds alone make {}", short(dummy)));
        let paths = plan
            .manifest
            .factors
            .iter()
            .zip(indices)
            .filter(|(f, _)| f.path != DUMMY);
        let known: Vec<bool> = paths.filter_map(|(_, index)| Some(index.low()? > dummy)).collect();
        let no_larger = (0..indices.len())
            .filter(|&i| plan.manifest.factors[i].path != DUMMY && indices[i].rank() <= dummy)
            .count();
        if !known.is_empty() {
            let above = known.iter().filter(|is_above| **is_above).count();
            line.push_str(&format!(
                " ({above} of {} factors lie above that with their whole interval, {no_larger} are no larger)",
                known.len()
            ));
        }
    }
    if let Some(share) = share.filter(|s| s.is_finite()) {
        line.push_str(&format!(
            "; the seed explains {:.0} % of the variance of single runs",
            100.0 * share
        ));
    }
    line + "\n"
}

fn short(x: f64) -> String {
    format!("{x:.3}")
}

fn brief(estimate: Estimate) -> String {
    match estimate.interval {
        Some(i) => format!("{} ({} to {})", short(estimate.value), short(i.low), short(i.high)),
        None => short(estimate.value),
    }
}
