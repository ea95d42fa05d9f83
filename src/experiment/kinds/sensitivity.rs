//! `sensitivity`: which factors an output follows. Designs of Morris, Saltelli and Latin hypercubes; `sensitivity.csv` and
//! `interactions.csv`.
//!
//! Every point has replicates. Indices are computed on their means; the share of the variance of a single run that is the
//! seed alone stands beside, and the dummy factor says what an index is worth that chance makes.

use serde::{Deserialize, Serialize};

use super::{Measured, cells, number};
use crate::experiment::analysis::{Estimate, morris, prcc, seeds, sobol};
use crate::experiment::design::{self, Design, Distribution};
use crate::output::quoted;

/// How to look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "method", rename_all = "snake_case")]
pub enum Method {
    /// Screening: trajectories · (k + 1) points.
    Morris {
        /// Trajectories.
        trajectories: usize,
        /// Levels of each factor, even.
        levels: usize,
        /// Trajectories to choose from; none are left out when fewer than `trajectories`.
        candidates: usize,
    },
    /// Variance-based indices: n·(k + 2) points, n·(2k + 2) with second order.
    Saltelli {
        /// Base rows, best a power of two.
        n: usize,
        /// Indices of pairs too.
        second_order: bool,
    },
    /// Partial rank correlation on a Latin hypercube: n points.
    LhsPrcc {
        /// Points.
        n: usize,
        /// Hypercubes of which the one with the widest gaps is taken.
        maximin_tries: usize,
    },
}

impl Method {
    /// Word in the file and in the tables.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Morris { .. } => "morris",
            Self::Saltelli { .. } => "saltelli",
            Self::LhsPrcc { .. } => "lhs_prcc",
        }
    }

    /// Points for `k` factors, the dummy among them; nothing when they are beyond counting.
    pub fn points(&self, k: usize) -> Option<usize> {
        match *self {
            Self::Morris { trajectories, .. } => trajectories.checked_mul(k.checked_add(1)?),
            Self::Saltelli { n, second_order } => design::saltelli_size(k, n, second_order),
            Self::LhsPrcc { n, .. } => Some(n),
        }
    }

    /// The points. Fault: what was expected of the numbers, in words.
    pub fn design(&self, factors: &[Distribution], seed: u64) -> Result<Design, String> {
        match *self {
            Self::Morris {
                trajectories,
                levels,
                candidates,
            } => design::morris(factors, trajectories, levels, candidates, seed),
            Self::Saltelli { n, second_order } => design::saltelli(factors, n, second_order, seed),
            Self::LhsPrcc { n, maximin_tries } => Ok(design::lhs(factors, n, maximin_tries, seed)),
        }
    }
}

/// What one factor does to one output; what a method does not give is not a number.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Path of the factor.
    pub factor: String,
    /// First-order index.
    pub s1: Estimate,
    /// Total index.
    pub st: Estimate,
    /// Mean elementary effect.
    pub mu: Estimate,
    /// Mean size of an elementary effect.
    pub mu_star: Estimate,
    /// Their standard deviation.
    pub sigma: f64,
    /// Partial rank correlation.
    pub prcc: Estimate,
    /// p of none.
    pub prcc_p: f64,
    /// Share of the variance of ranks that turns round.
    pub turning_share: f64,
    /// What a reader must know.
    pub note: String,
}

impl Line {
    fn empty(factor: &str) -> Self {
        let none = Estimate {
            value: f64::NAN,
            interval: None,
        };
        Self {
            factor: factor.to_owned(),
            s1: none,
            st: none,
            mu: none,
            mu_star: none,
            sigma: f64::NAN,
            prcc: none,
            prcc_p: f64::NAN,
            turning_share: f64::NAN,
            note: String::new(),
        }
    }

    /// Size of the measure by which a method ranks factors.
    pub fn size(&self, method: &Method) -> Estimate {
        match method {
            Method::Morris { .. } => self.mu_star,
            Method::Saltelli { .. } => self.st,
            Method::LhsPrcc { .. } => {
                let ends = self.prcc.interval.map(|i| {
                    let (low, high) = (i.low.abs(), i.high.abs());
                    let (near, far) = if low < high { (low, high) } else { (high, low) };
                    let near = if i.low < 0.0 && i.high > 0.0 { 0.0 } else { near };
                    crate::experiment::statistics::Interval { low: near, high: far }
                });
                Estimate {
                    value: self.prcc.value.abs(),
                    interval: ends,
                }
            }
        }
    }
}

/// Everything that is said of one output.
#[derive(Clone, Debug, PartialEq)]
pub struct Findings {
    /// One line per factor.
    pub lines: Vec<Line>,
    /// `(i, j, S2)` of pairs of factors.
    pub pairs: Vec<(usize, usize, Estimate)>,
    /// Points whose mean was used; of Saltelli's design all of whole base rows.
    pub points: usize,
    /// Points that were not.
    pub left_out: usize,
    /// How much is the seed; nothing with one replicate.
    pub seeds: Option<seeds::SeedShare>,
}

/// Looks at one output. `resamples` bootstraps give the intervals of Saltelli's indices. What cannot be computed is left
/// empty, with a note that says why.
pub fn findings(method: &Method, factors: &[String], design: &Design, values: &Measured, resamples: usize) -> Findings {
    let k = factors.len();
    let means = seeds::means(&values.replicates);
    let there = means.iter().filter(|m| m.is_finite()).count();
    let mut found = Findings {
        lines: factors.iter().map(|f| Line::empty(f)).collect(),
        pairs: Vec::new(),
        points: there,
        left_out: means.len() - there,
        seeds: seeds::seed_share(&values.replicates),
    };
    let fault = match method {
        Method::Morris { .. } => design::moves_of_roles(&design.roles).map(|moves| {
            for (line, s) in found.lines.iter_mut().zip(morris::morris(k, &moves, &means)) {
                (line.mu, line.mu_star, line.sigma) = (s.mu, s.mu_star, s.sigma);
            }
        }),
        Method::Saltelli { second_order, .. } => sobol::sobol(k, *second_order, &means, resamples).map(|indices| {
            let width = means.len() / (indices.base_rows + indices.left_out);
            (found.points, found.left_out) = (indices.base_rows * width, indices.left_out * width);
            for (i, line) in found.lines.iter_mut().enumerate() {
                (line.s1, line.st) = (indices.first[i], indices.total[i]);
            }
            found.pairs = indices.second;
        }),
        Method::LhsPrcc { .. } => prcc::prcc(&design.rows, &means).map(|coefficients| {
            for (line, c) in found.lines.iter_mut().zip(coefficients) {
                (line.prcc, line.prcc_p, line.turning_share) = (c.prcc, c.p, c.turning_share);
                if c.turns {
                    line.note = "the response turns round: this coefficient understates the factor".into();
                }
            }
        }),
    };
    let first = means.iter().copied().find(|m| m.is_finite());
    let note = match (fault, first) {
        (_, None) => "no result".to_owned(),
        (Err(expected), _) => format!("expected {expected}"),
        (Ok(()), Some(first)) if means.iter().all(|m| m.is_nan() || *m == first) => "the output is constant".to_owned(),
        _ => String::new(),
    };
    if !note.is_empty() {
        found.lines.iter_mut().for_each(|line| line.note.clone_from(&note));
    }
    found
}

/// `sensitivity.csv` and, where pairs were asked for, `interactions.csv`. `dummy` is the name of the dummy factor.
pub fn tables(
    method: &Method,
    factors: &[String],
    dummy: &str,
    design: &Design,
    outputs: &[Measured],
    resamples: usize,
) -> (String, Option<String>) {
    let mut text = "arm,factor,output,unit,t_d,method,s1,s1_ci_low,s1_ci_high,st,st_ci_low,st_ci_high,mu,mu_ci_low,\
                    mu_ci_high,mu_star,mu_star_ci_low,mu_star_ci_high,sigma,prcc,prcc_ci_low,prcc_ci_high,prcc_p,\
                    turning_share,dummy_level,above_dummy,n_rows,left_out,replicates,seed_variance_share,\
                    seed_share_ci_low,seed_share_ci_high,seed_share_of_means,note\n"
        .to_owned();
    let mut pairs = "arm,factor_1,factor_2,output,s2,s2_ci_low,s2_ci_high\n".to_owned();
    for values in outputs {
        let found = findings(method, factors, design, values, resamples);
        let dummy = found
            .lines
            .iter()
            .find(|line| line.factor == dummy)
            .map(|line| line.size(method));
        let replicates = values.replicates.iter().map(Vec::len).max().unwrap_or(0);
        let (share, of_means) = match &found.seeds {
            Some(seeds) => (cells(&seeds.share), number(seeds.share_of_means)),
            None => (",,".to_owned(), String::new()),
        };
        for line in &found.lines {
            let size = line.size(method);
            // Above chance: all that this factor may be lies above all that the dummy may be.
            let above = dummy.map_or(String::new(), |dummy| {
                let most = dummy.interval.map_or(dummy.value, |i| i.high);
                size.interval.map_or(String::new(), |i| (i.low > most).to_string())
            });
            let level = dummy.map_or(String::new(), |dummy| number(dummy.value));
            text.push_str(&format!(
                "{},{},{},{},{},{},{},{},{},{},{},{},{},{},{level},{above},{},{},{replicates},{share},{of_means},{}\n",
                quoted(&values.arm),
                quoted(&line.factor),
                values.output,
                quoted(&values.unit),
                number(values.t_d.unwrap_or(f64::NAN)),
                method.word(),
                cells(&line.s1),
                cells(&line.st),
                cells(&line.mu),
                cells(&line.mu_star),
                number(line.sigma),
                cells(&line.prcc),
                number(line.prcc_p),
                number(line.turning_share),
                found.points,
                found.left_out,
                quoted(&line.note),
            ));
        }
        for (i, j, s2) in &found.pairs {
            let names = format!("{},{}", quoted(&factors[*i]), quoted(&factors[*j]));
            pairs.push_str(&format!(
                "{},{names},{},{}\n",
                quoted(&values.arm),
                values.output,
                cells(s2)
            ));
        }
    }
    let asked = matches!(method, Method::Saltelli { second_order: true, .. });
    (text, asked.then_some(pairs))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Dice, Purpose};

    const NAMES: [&str; 3] = ["host.a", "host.b", "dummy"];

    /// 10·a + b and the dice of the run.
    fn measured(design: &Design, noise: f64) -> Measured {
        let of = |(row, x): (usize, &Vec<f64>)| {
            let mut roll = Dice::new(1).roll(Purpose::Custom, row as u64);
            (0..4).map(|_| 10.0 * x[0] + x[1] + noise * roll.normal()).collect()
        };
        Measured {
            arm: "base".into(),
            output: "final.mineral_ug".into(),
            unit: "µg".into(),
            t_d: Some(30.0),
            replicates: design.rows.iter().enumerate().map(of).collect(),
        }
    }

    const METHODS: [Method; 3] = [
        Method::Morris {
            trajectories: 20,
            levels: 4,
            candidates: 0,
        },
        Method::Saltelli {
            n: 256,
            second_order: true,
        },
        Method::LhsPrcc {
            n: 120,
            maximin_tries: 5,
        },
    ];

    fn names() -> Vec<String> {
        NAMES.iter().map(|n| (*n).to_owned()).collect()
    }

    #[test]
    fn every_method_ranks_the_factors_and_puts_the_dummy_last() -> Result<(), String> {
        for method in METHODS {
            let design = method.design(&vec![Distribution::dummy(); 3], 1)?;
            assert_eq!(Some(design.len()), method.points(3));
            let found = findings(&method, &names(), &design, &measured(&design, 0.5), 200);
            let sizes: Vec<f64> = found.lines.iter().map(|l| l.size(&method).value).collect();
            assert!(sizes[0] > sizes[1] && sizes[1] > sizes[2], "{method:?} {sizes:?}");
            let share = found.seeds.map_or(f64::NAN, |s| s.share.value);
            // Noise 0.25 against (100 + 1)/12 = 8.4, on uniform points.
            assert!(share > 0.01 && share < 0.06, "{method:?} {share}");
            assert!(found.lines.iter().all(|l| l.note.is_empty()));
        }
        Ok(())
    }

    #[test]
    fn the_table_has_a_row_per_factor_and_says_which_are_above_chance() -> Result<(), String> {
        for method in METHODS {
            let design = method.design(&vec![Distribution::dummy(); 3], 1)?;
            let values = [measured(&design, 0.5)];
            let (text, pairs) = tables(&method, &names(), "dummy", &design, &values, 200);
            let header: Vec<&str> = text.lines().next().unwrap_or("").split(',').collect();
            let rows: Vec<Vec<&str>> = text.lines().skip(1).map(|l| l.split(',').collect()).collect();
            assert!(
                rows.len() == 3 && rows.iter().all(|row| row.len() == header.len()),
                "{text}"
            );
            let at = |name: &str| header.iter().position(|h| *h == name).unwrap_or(usize::MAX);
            assert_eq!(
                (rows[0][at("above_dummy")], rows[2][at("above_dummy")]),
                ("true", "false")
            );
            assert_eq!(pairs.is_some(), matches!(method, Method::Saltelli { .. }));
            assert_eq!(pairs.map_or(3, |p| p.lines().count() - 1), 3);
        }
        Ok(())
    }

    #[test]
    fn an_output_that_says_nothing_is_noted_and_not_invented() -> Result<(), String> {
        let method = Method::Saltelli {
            n: 8,
            second_order: false,
        };
        let design = method.design(&vec![Distribution::dummy(); 3], 1)?;
        let mut values = measured(&design, 0.0);
        values.replicates = vec![vec![90.0; 2]; design.len()];
        let found = findings(&method, &names(), &design, &values, 20);
        assert_eq!(
            (found.lines[0].note.as_str(), found.lines[0].st.value),
            ("the output is constant", 0.0)
        );
        values.replicates = vec![vec![f64::NAN; 2]; design.len()];
        let found = findings(&method, &names(), &design, &values, 20);
        assert!(found.lines[0].note == "no result" && found.lines[0].st.value.is_nan());
        Ok(())
    }
}
