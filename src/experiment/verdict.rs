//! Which hypotheses about a mechanism meet which criteria, over many parameter vectors: a verdict that could have come out otherwise.
//!
//! A *hypothesis* is a set of switches, a *criterion* one or more tests on the sites of one vector. Arms are named after the hypothesis
//! (`{h}` in a test). Which criterion is testable for which hypothesis is said before any run: a cell that is excluded by construction never
//! counts as a failure.
//!
//! ```toml
//! [[hypotheses]]
//! id = "H0"
//! what = "calcification alone"
//!
//! [[criteria]]
//! id = "b"
//! what = "progression at the tempo of the disease"
//! excluded = []                       # cannot be met by construction
//! not_applicable = ["H1"]             # has no meaning
//! reported_apart = false              # true: never part of the verdict
//! [[criteria.tests]]
//! arm = ["{h}_chemistry", "{h}_bruise"]      # the best of them counts
//! share = ["t90_d - t10_d <= 21"]            # and the other keys of `reading`
//! at_least = 0.5
//! at_most = 1.0
//!
//! [[shown]]                           # said beside the verdict, over the sites of all vectors; judges nothing
//! what = "days from a tenth to nine tenths, median"
//! arm = ["{h}_chemistry", "{h}_bruise"]
//! value = "t90_d - t10_d"
//! statistic = "median"
//! ```

use std::fmt::Write;

use super::analysis::prcc::prcc;
use super::reading::{Found, Reading, Table, compared, missing, wilson};
use super::text::{self, Item, Section};
use crate::error::Result;
use crate::scenario::Faults;

/// What stands in a cell of the matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell {
    /// Runs decide.
    Testable,
    /// The switches of the hypothesis decide, not the model.
    Excluded,
    /// It has no meaning there.
    NotApplicable,
    /// The experiment has none of its arms.
    NotRun,
}

struct Test {
    reading: Reading,
    at_least: f64,
    at_most: f64,
}

struct Criterion {
    id: String,
    what: String,
    excluded: Vec<String>,
    not_applicable: Vec<String>,
    is_apart: bool,
    tests: Vec<Test>,
}

struct Hypothesis {
    id: String,
    what: String,
}

/// Something that sites did, of every hypothesis.
struct Shown {
    what: String,
    reading: Reading,
}

/// What a file of criteria says.
struct Criteria {
    hypotheses: Vec<Hypothesis>,
    criteria: Vec<Criterion>,
    shown: Vec<Shown>,
}

impl Criterion {
    /// Whether the table has any arm that it asks for.
    fn has_runs(&self, h: &Hypothesis, table: &Table) -> bool {
        let mut arms = self.tests.iter().flat_map(|test| &test.reading.arms);
        arms.any(|arm| table.has(&h.arm(arm)))
    }
}

impl Hypothesis {
    /// Name of an arm of this hypothesis.
    fn arm(&self, pattern: &str) -> String {
        pattern.replace("{h}", &self.id)
    }
}

/// One hypothesis under one criterion.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Whether runs decide.
    pub cell: Cell,
    /// Whether each vector meets it; nothing where runs are missing.
    pub met: Vec<Option<bool>>,
}

/// Matrix, outcomes and the vectors.
pub struct Verdict {
    hypotheses: Vec<Hypothesis>,
    criteria: Vec<Criterion>,
    /// By criterion, then hypothesis.
    outcomes: Vec<Vec<Outcome>>,
    /// What is shown, by hypothesis; nothing without runs.
    shown: Vec<(String, Vec<Option<Found>>)>,
    points: Vec<u64>,
    /// Fewest and most sites of an arm at a point.
    sites: [usize; 2],
    factors: Vec<String>,
    /// Values of the factors, by point.
    vectors: Vec<Vec<f64>>,
}

/// Reads the criteria and holds the runs against them.
///
/// # Errors
/// [`Error::Input`] with all faults of the criteria.
pub fn judge(file: &str, text: &str, table: &Table) -> Result<Verdict> {
    let mut faults = Faults::default();
    let Criteria {
        mut hypotheses,
        criteria,
        shown,
    } = read(file, text, &mut faults);
    // A smaller experiment may test some of the hypotheses.
    let is_there = |h: &Hypothesis| criteria.iter().any(|criterion| criterion.has_runs(h, table));
    if hypotheses.iter().any(is_there) {
        hypotheses.retain(is_there);
    }
    let points = table.points();
    let mut outcomes = Vec::new();
    for criterion in &criteria {
        let row = hypotheses
            .iter()
            .map(|h| outcome(criterion, h, table, &points, &mut faults));
        outcomes.push(row.collect());
    }
    let shown = shown.into_iter().map(|it| {
        let row = hypotheses.iter().map(|h| over_all(&it.reading, h, table, &mut faults));
        (it.what, row.collect())
    });
    let shown = shown.collect();
    faults.into_result()?;
    let at = |name: &str| table.names.iter().position(|label| label == name);
    // The columns of factors stand between these two.
    let span = at("design_role").map_or(0, |i| i + 1)..at("scenario_digest").unwrap_or(0);
    let factors: Vec<String> = table.names.get(span.clone()).unwrap_or_default().to_vec();
    let arms: Vec<&str> = table.arms().collect();
    let counts = arms
        .iter()
        .flat_map(|arm| points.iter().map(|&point| table.runs(arm, Some(point)).len()));
    let sites = counts.fold([usize::MAX, 0], |[low, high], n| [low.min(n), high.max(n)]);
    let vectors = points
        .iter()
        .map(|&point| {
            let any = arms
                .iter()
                .find_map(|arm| table.runs(arm, Some(point)).into_values().next());
            any.and_then(|row| row.get(span.clone())).unwrap_or_default().to_vec()
        })
        .collect();
    Ok(Verdict {
        hypotheses,
        criteria,
        outcomes,
        shown,
        points,
        sites,
        factors,
        vectors,
    })
}

/// Checks criteria without any runs; answers how many there are.
///
/// # Errors
/// [`Error::Input`] with all faults.
pub fn check(file: &str, text: &str) -> Result<usize> {
    let mut faults = Faults::default();
    let found = read(file, text, &mut faults);
    faults.into_result().map(|()| found.criteria.len())
}

fn read(file: &str, text: &str, faults: &mut Faults) -> Criteria {
    let mut top = text::parse(file, text, faults);
    for key in ["schema", "kind"] {
        top.take(key);
    }
    let word =
        |section: &mut Section, key, faults: &mut Faults| section.word(key, faults).map(|(w, _)| w).unwrap_or_default();
    let words = |section: &mut Section, key| {
        let list = section.list(key).map(|(list, _)| list).unwrap_or_default();
        list.iter()
            .filter_map(Item::word)
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    let mut hypotheses = Vec::new();
    for mut section in top.tables("hypotheses", faults) {
        hypotheses.push(Hypothesis {
            id: word(&mut section, "id", faults),
            what: word(&mut section, "what", faults),
        });
        section.done(faults, &[]);
    }
    let mut criteria = Vec::new();
    for mut section in top.tables("criteria", faults) {
        let mut tests = Vec::new();
        for mut test in section.tables("tests", faults) {
            let any = (f64::MIN, f64::MAX);
            let read = Test {
                reading: Reading::take(&mut test, faults),
                at_least: test.number("at_least", any, faults).map_or(f64::MIN, |(x, _)| x),
                at_most: test.number("at_most", any, faults).map_or(f64::MAX, |(x, _)| x),
            };
            read.reading.check(&test, faults);
            test.done(faults, &[]);
            tests.push(read);
        }
        if tests.is_empty() {
            missing(&section, "criteria.tests", "at least one [[criteria.tests]]", faults);
        }
        let criterion = Criterion {
            id: word(&mut section, "id", faults),
            what: word(&mut section, "what", faults),
            excluded: words(&mut section, "excluded"),
            not_applicable: words(&mut section, "not_applicable"),
            is_apart: section.flag("reported_apart", faults).is_some_and(|(yes, _)| yes),
            tests,
        };
        for id in criterion.excluded.iter().chain(&criterion.not_applicable) {
            if !hypotheses.iter().any(|h| h.id == *id) {
                let mut fault = section.place.fault("criteria", &format!("\"{id}\""));
                fault.expected = "the id of a hypothesis of this file".into();
                faults.push(&section.place, fault);
            }
        }
        section.done(faults, &[]);
        criteria.push(criterion);
    }
    let mut shown = Vec::new();
    for mut section in top.tables("shown", faults) {
        let it = Shown {
            what: word(&mut section, "what", faults),
            reading: Reading::take(&mut section, faults),
        };
        it.reading.check(&section, faults);
        section.done(faults, &[]);
        shown.push(it);
    }
    top.done(faults, &[]);
    Criteria {
        hypotheses,
        criteria,
        shown,
    }
}

/// A reading over the sites of all vectors; nothing without runs.
fn over_all(reading: &Reading, h: &Hypothesis, table: &Table, faults: &mut Faults) -> Option<Found> {
    let measure = reading.over(&table.names, faults)?;
    let runs = reading.arms.iter().map(|arm| table.runs(&h.arm(arm), None));
    let rows: Vec<&[f64]> = runs.flat_map(std::collections::BTreeMap::into_values).collect();
    let found = measure.over(rows.into_iter());
    (found.2 > 0).then_some(found)
}

fn outcome(criterion: &Criterion, h: &Hypothesis, table: &Table, points: &[u64], faults: &mut Faults) -> Outcome {
    let cell = if criterion.excluded.contains(&h.id) {
        Cell::Excluded
    } else if criterion.not_applicable.contains(&h.id) {
        Cell::NotApplicable
    } else if criterion.has_runs(h, table) {
        Cell::Testable
    } else {
        Cell::NotRun
    };
    let mut met = vec![None; points.len()];
    if cell == Cell::Testable {
        for (met, &point) in met.iter_mut().zip(points) {
            let tests: Option<Vec<bool>> = criterion
                .tests
                .iter()
                .map(|test| passes(test, h, table, point, faults))
                .collect();
            *met = tests.map(|tests| tests.iter().all(|&passes| passes));
        }
    }
    Outcome { cell, met }
}

/// Whether one of the arms passes; nothing when none has runs at the point, or a formula is wrong.
fn passes(test: &Test, h: &Hypothesis, table: &Table, point: u64, faults: &mut Faults) -> Option<bool> {
    let measure = test.reading.over(&table.names, faults)?;
    let of = |arm: &str| {
        let runs = table.runs(&h.arm(arm), Some(point));
        (!runs.is_empty()).then(|| (measure.value(runs.values().copied()), runs.len() as f64))
    };
    let there = match &test.reading.against {
        Some((arm, how)) => Some((of(arm)?.0, *how)),
        None => None,
    };
    let here = test.reading.arms.iter().filter_map(|arm| of(arm));
    let found = here.map(|(value, n)| there.map_or(value, |(other, how)| compared(value, other, n, how)));
    // Nothing that could count, as in «of sites with an ulcer», is no pass.
    found
        .map(|x| x >= test.at_least && x <= test.at_most)
        .reduce(|any, passes| any || passes)
}

impl Verdict {
    /// Which vectors a hypothesis meets every testable criterion with that counts: nothing where runs are missing.
    pub fn admissible(&self, hypothesis: usize) -> Vec<Option<bool>> {
        let counted = self
            .criteria
            .iter()
            .zip(&self.outcomes)
            .filter(|(criterion, _)| !criterion.is_apart);
        let testable: Vec<&Outcome> = counted
            .map(|(_, row)| &row[hypothesis])
            .filter(|o| o.cell == Cell::Testable)
            .collect();
        (0..self.points.len())
            .map(|v| {
                // One criterion that is missed decides, whatever is not known of the others.
                if testable.iter().any(|o| o.met[v] == Some(false)) {
                    return Some(false);
                }
                testable
                    .iter()
                    .map(|o| o.met[v])
                    .collect::<Option<Vec<_>>>()
                    .map(|_| true)
            })
            .collect()
    }

    /// The page.
    pub fn markdown(&self) -> String {
        let mut text = String::from("## Hypotheses\n\n");
        for h in &self.hypotheses {
            let _ = writeln!(text, "- **{}**: {}", h.id, h.what);
        }
        let heads: Vec<&str> = self.hypotheses.iter().map(|h| h.id.as_str()).collect();
        let head = format!(
            "| criterion | {} |\n|---|{}\n",
            heads.join(" | "),
            "---|".repeat(heads.len())
        );
        let _ = write!(text, "\n## What can be tested\n\nSaid before any run.\n\n{head}");
        for (criterion, row) in self.criteria.iter().zip(&self.outcomes) {
            let cells: Vec<&str> = row
                .iter()
                .map(|outcome| match outcome.cell {
                    Cell::Testable => "testable",
                    Cell::Excluded => "excluded by construction",
                    Cell::NotApplicable => "not applicable",
                    Cell::NotRun => "not run here",
                })
                .collect();
            let _ = writeln!(
                text,
                "| ({}) {} | {} |",
                criterion.id,
                criterion.what,
                cells.join(" | ")
            );
        }
        let sites = match self.sites {
            [low, high] if low == high => format!("{low}"),
            [low, high] => format!("{low} to {high}"),
        };
        let _ = write!(
            text,
            "\n## What was found\n\n{} parameter vectors, {sites} sites of each arm at each. Share of those that meet a criterion (95 %); none of n is written as < 3/n.\n\n{head}",
            self.points.len()
        );
        for (criterion, row) in self.criteria.iter().zip(&self.outcomes) {
            let cells: Vec<String> = row
                .iter()
                .map(|o| {
                    if o.cell == Cell::Testable {
                        share(&o.met)
                    } else {
                        "-".to_owned()
                    }
                })
                .collect();
            let apart = if criterion.is_apart { ", reported apart" } else { "" };
            let _ = writeln!(text, "| ({}{apart}) | {} |", criterion.id, cells.join(" | "));
        }
        let admissible: Vec<Vec<Option<bool>>> = (0..heads.len()).map(|h| self.admissible(h)).collect();
        let cells: Vec<String> = admissible.iter().map(|met| format!("**{}**", share(met))).collect();
        let _ = writeln!(text, "| all that count | {} |", cells.join(" | "));
        if !self.shown.is_empty() {
            let head = head.replacen("criterion", "", 1);
            let _ = write!(
                text,
                "\n## What sites did\n\nOver the sites of all vectors, with 95 % interval and number of sites. It judges nothing.\n\n{head}"
            );
        }
        for (what, row) in &self.shown {
            let cells: Vec<String> = row.iter().map(|found| found.map_or("-".to_owned(), said)).collect();
            let _ = writeln!(text, "| {what} | {} |", cells.join(" | "));
        }
        text.push_str(&self.deciding(&admissible));
        text.push_str(&self.closest(&admissible));
        text
    }

    /// Parameters whose rank goes with admissibility.
    fn deciding(&self, admissible: &[Vec<Option<bool>>]) -> String {
        let mut text = String::from(
            "\n## What decides\n\nPartial rank correlation of being admissible with each varied parameter, the five largest.\n\n",
        );
        for (h, met) in self.hypotheses.iter().zip(admissible) {
            let known: Vec<usize> = (0..met.len()).filter(|&v| met[v].is_some()).collect();
            let outputs: Vec<f64> = known
                .iter()
                .map(|&v| f64::from(u8::from(met[v] == Some(true))))
                .collect();
            let hits = outputs.iter().sum::<f64>();
            let rows: Vec<Vec<f64>> = known.iter().map(|&v| self.vectors[v].clone()).collect();
            let is_told = hits > 0.0 && hits < outputs.len() as f64;
            let Some(found) = is_told.then(|| prcc(&rows, &outputs).ok()).flatten() else {
                let _ = writeln!(
                    text,
                    "- {}: nothing to tell apart ({hits} of {} vectors are admissible)",
                    h.id,
                    outputs.len()
                );
                continue;
            };
            let mut named: Vec<(f64, &str)> = found
                .iter()
                .map(|f| f.prcc.value)
                .zip(self.factors.iter().map(String::as_str))
                .collect();
            named.sort_by(|a, b| b.0.abs().total_cmp(&a.0.abs()));
            let said: Vec<String> = named
                .iter()
                .take(5)
                .map(|(r, name)| format!("`{name}` {r:+.2}"))
                .collect();
            let _ = writeln!(text, "- {}: {}", h.id, said.join(", "));
        }
        text
    }

    /// The vector nearest to admissible of each hypothesis that has none.
    fn closest(&self, admissible: &[Vec<Option<bool>>]) -> String {
        let mut text = String::from("\n## Nearest to overturning it\n\n");
        for (h, hypothesis) in self.hypotheses.iter().enumerate() {
            if admissible[h].contains(&Some(true)) {
                continue;
            }
            let met = |v: usize| {
                let of = self
                    .criteria
                    .iter()
                    .zip(&self.outcomes)
                    .filter(|(criterion, _)| !criterion.is_apart);
                of.filter(|(_, row)| row[h].met[v] == Some(true))
                    .map(|(c, _)| c.id.as_str())
                    .collect::<Vec<_>>()
            };
            let best = (0..self.points.len()).max_by_key(|&v| (met(v).len(), std::cmp::Reverse(v)));
            let Some(best) = best.filter(|&v| !met(v).is_empty()) else {
                let _ = writeln!(text, "- {}: no vector meets any criterion", hypothesis.id);
                continue;
            };
            let values: Vec<String> = self
                .factors
                .iter()
                .zip(&self.vectors[best])
                .map(|(name, value)| format!("`{name}` {}", three_digits(*value)))
                .collect();
            let _ = writeln!(
                text,
                "- {}: vector {} meets ({}) with {}",
                hypothesis.id,
                self.points[best],
                met(best).join("), ("),
                values.join(", ")
            );
        }
        text
    }
}

/// A number to three digits.
fn three_digits(x: f64) -> String {
    format!("{x:.2e}")
        .parse()
        .map_or_else(|_| x.to_string(), crate::output::number)
}

/// «32 (28 to 36; 33)», with words for dates that did not come.
fn said((value, interval, sites): Found) -> String {
    let word = |x: f64| {
        if x.is_infinite() {
            "never".to_owned()
        } else {
            three_digits(x)
        }
    };
    format!(
        "{} ({} to {}; {sites})",
        word(value),
        word(interval.low),
        word(interval.high)
    )
}

/// «3/20 (0.05-0.36)», or «< 3/20» for none.
fn share(met: &[Option<bool>]) -> String {
    let n = met.iter().flatten().count();
    let hits = met.iter().filter(|met| **met == Some(true)).count();
    match (hits, n) {
        (_, 0) => "no runs".to_owned(),
        (0, n) => format!("0, < 3/{n}"),
        (hits, n) => {
            let own = wilson(hits as f64 / n as f64, n);
            format!("{hits}/{n} ({:.2}-{:.2})", own.low, own.high)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    const CRITERIA: &str = "[[hypotheses]]\nid = \"A\"\nwhat = \"a\"\n[[hypotheses]]\nid = \"B\"\nwhat = \"b\"\n\
        [[criteria]]\nid = \"quiet\"\nwhat = \"q\"\n[[criteria.tests]]\narm = \"{h}_quiet\"\nshare = [\"x > 0\"]\nat_most = 0.5\n\
        [[criteria]]\nid = \"fast\"\nwhat = \"f\"\nexcluded = [\"B\"]\n[[criteria.tests]]\narm = [\"{h}_one\", \"{h}_two\"]\nvalue = \"x\"\nat_least = 3\n\
        [[shown]]\nwhat = \"large\"\narm = \"{h}_two\"\nvalue = \"x\"\namong = [\"x >= 5\"]\nstatistic = \"median\"\n";

    fn verdict() -> Verdict {
        let mut text = String::from("arm,point,seed,status,design_role,f,scenario_digest,x\n");
        for point in 0..10 {
            for seed in 0..2 {
                for (arm, x) in [("A_quiet", 0), ("B_quiet", 1), ("A_one", 0), ("A_two", point)] {
                    text.push_str(&format!("{arm},{point},{seed},ok,,{},d,{x}\n", point * point));
                }
            }
        }
        let table = Table::read(&text).unwrap_or_else(|why| panic!("{why}"));
        judge("c.toml", CRITERIA, &table).unwrap_or_else(|fault| panic!("{fault}"))
    }

    #[test]
    fn the_best_trigger_counts_and_what_is_excluded_never_does() {
        let verdict = verdict();
        let hits = |h: usize| verdict.admissible(h).iter().filter(|met| **met == Some(true)).count();
        assert_eq!(hits(0), 7, "points 3 to 9, by the second arm");
        assert_eq!(hits(1), 0, "fails where it could have passed");
        assert_eq!(verdict.outcomes[1][1].cell, Cell::Excluded);
        let page = verdict.markdown();
        assert!(
            page.contains("excluded by construction") && page.contains("7/10") && page.contains("0, < 3/10"),
            "{page}"
        );
        assert!(page.contains("| large | 7 (") && page.contains("; 10) | - |"), "{page}");
    }

    /// Of a smaller experiment only what it ran is judged, and what it did not run is no failure.
    #[test]
    fn what_was_not_run_is_said_and_does_not_count() {
        let text = "arm,point,seed,status,design_role,f,scenario_digest,x\nA_one,0,0,ok,,1,d,5\nA_one,1,0,ok,,2,d,1\n";
        let table = Table::read(text).unwrap_or_else(|why| panic!("{why}"));
        let verdict = judge("c.toml", CRITERIA, &table).unwrap_or_else(|fault| panic!("{fault}"));
        assert_eq!(verdict.hypotheses.len(), 1, "B has no runs");
        assert_eq!(verdict.outcomes[0][0].cell, Cell::NotRun);
        assert_eq!(verdict.admissible(0), [Some(true), Some(false)]);
        assert!(verdict.markdown().contains("not run here"));
    }

    #[test]
    fn what_is_wrong_with_criteria_is_said() {
        let table = Table::read("arm,point,seed,status,design_role,scenario_digest,x\nA_quiet,0,0,ok,,d,1\n")
            .unwrap_or_else(|why| panic!("{why}"));
        let wrong = CRITERIA
            .replace("\"x > 0\"", "\"y > 0\"")
            .replace("excluded = [\"B\"]", "excluded = [\"C\"]");
        let Err(Error::Input(faults)) = judge("c.toml", &wrong, &table) else {
            panic!("two faults");
        };
        assert!(faults.len() >= 2, "{faults:?}");
    }
}
