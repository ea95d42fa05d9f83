//! A finished comparison in words, as a small table, and as the one object of `--json`.

use serde_json::{Value, json};

use super::compare::{Comparison, RunRow, column, endpoints, measures};
use super::effects::{Contrast, Spread, ends, pairs};
use super::statistics::{self, Paired};
use crate::simulation::progress::duration;

impl Comparison {
    fn endpoint(&self, name: &str) -> usize {
        endpoints().iter().position(|e| e.name == name).unwrap_or(0)
    }

    fn spread(&self, arm: usize, name: &str) -> Option<Spread> {
        Spread::of(&column(&self.runs, arm, self.endpoint(name), self.days))
    }

    fn contrast(&self, arm: usize, name: &str) -> Option<&Contrast> {
        self.contrasts.iter().find(|c| c.arm == arm && c.endpoint == name)
    }

    /// Runs of an arm that reached their end.
    fn finished(&self, arm: usize) -> impl Iterator<Item = &RunRow> {
        self.runs.iter().filter(move |r| r.arm == arm && r.error.is_empty())
    }

    /// Dates of the finished runs of an arm.
    fn dates(&self, arm: usize, name: &str) -> Vec<Option<f64>> {
        let endpoint = self.endpoint(name);
        self.finished(arm).map(|run| run.values[endpoint]).collect()
    }

    /// Whether each run of an arm ulcerated, by replicate; nothing where it failed.
    fn ulcerated(&self, arm: usize) -> Vec<Option<f64>> {
        let endpoint = self.endpoint("t_ulcer_d");
        let runs = self.runs.iter().filter(|r| r.arm == arm);
        let happened = |r: &RunRow| f64::from(u8::from(r.values[endpoint].is_some()));
        runs.map(|r| r.error.is_empty().then(|| happened(r))).collect()
    }

    /// Runs that failed.
    pub fn failed(&self) -> usize {
        self.runs.iter().filter(|r| !r.error.is_empty()).count()
    }

    /// Effect and interval first, then a small table, then what was written.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for arm in 1..self.arms.len() {
            text.push_str(&self.sentences(arm));
        }
        text.push_str(&self.table());
        let failed = self.failed();
        if failed > 0 {
            text.push_str(&format!(
                "\n{failed} of {} runs failed: see `error` in runs.csv\n",
                self.runs.len()
            ));
        }
        let (out, reference) = (self.out.display(), &self.arms[0]);
        text.push_str(&format!(
            "\nSimulated sites at risk, not patients: for teaching and hypotheses.\n\
             Written to {out} in {}: runs.csv, arms.csv, contrasts.csv, series, snapshots\n\
             Next: calcisim figures {out}  ·  calcisim run {reference} --seed {} (one row, bit for bit)\n",
            duration(self.wall_s),
            self.seed
        ));
        text
    }

    /// What one arm changes against the reference.
    fn sentences(&self, arm: usize) -> String {
        let mut text = format!("{} against {}, pairs of equal seed:\n", self.arms[arm], self.arms[0]);
        let mut say = |what: &str, found: Option<&Paired>, scale: f64, unit: &str, rest: &str| {
            let line = match found {
                None => format!("  {what}: no pair to compare\n"),
                Some(p) => {
                    let signed = |x: f64| format!("{:+.1}", scale * x).replace('-', "−");
                    let interval = match p.difference_interval {
                        Some(i) => format!("95 % interval {} to {}", signed(i.low), signed(i.high)),
                        None => "no interval from one pair".to_owned(),
                    };
                    format!(
                        "  {what}: {} {unit} ({interval}; {} pairs{rest})\n",
                        signed(p.difference),
                        p.pairs
                    )
                }
            };
            text.push_str(&line);
        };
        let necrosis = self.contrast(arm, "final.necrotic_fraction");
        let rest = necrosis.map_or_else(String::new, |c| {
            format!(
                "; A {:.2}; p {:.3}, {:.3} after Holm",
                c.paired.superiority, c.paired.p, c.p_holm
            )
        });
        say(
            "necrotic_fraction",
            necrosis.map(|c| &c.paired),
            100.0,
            "percentage points",
            &rest,
        );
        let (here, there) = pairs(&self.ulcerated(arm), &self.ulcerated(0));
        say(
            "runs with an ulcer",
            statistics::paired(&here, &there).as_ref(),
            100.0,
            "percentage points",
            "",
        );
        let date = self.contrast(arm, "t_ulcer_d");
        let rest = format!("; no ulcer counts as day {}", self.days);
        say("t_ulcer", date.map(|c| &c.paired), 1.0, "days", &rest);
        text.push('\n');
        text
    }

    fn table(&self) -> String {
        let head = [
            "arm",
            "n",
            "necrosis % [5-95 %]",
            "ulcer",
            "first necrosis d",
            "perfused %",
            "mineral µg",
        ];
        let mut rows: Vec<Vec<String>> = vec![head.map(str::to_owned).to_vec()];
        for (arm, id) in self.arms.iter().enumerate() {
            let middle = |name: &str, scale: f64| match self.spread(arm, name) {
                Some(s) => format!("{:.1}", scale * s.quantiles[2]),
                None => "–".to_owned(),
            };
            let necrosis = self.spread(arm, "final.necrotic_fraction").map_or_else(
                || "–".to_owned(),
                |s| {
                    let [low, _, median, _, high] = s.quantiles.map(|q| 100.0 * q);
                    format!("{median:.1} [{low:.1}-{high:.1}]")
                },
            );
            let n = self.finished(arm).count();
            let ulcers = self.dates(arm, "t_ulcer_d").iter().flatten().count();
            let onset = self.dates(arm, "t_first_necrosis_d");
            let began = onset.iter().flatten().count();
            let first = Spread::of(&onset)
                .map_or_else(|| "none".to_owned(), |s| format!("{:.1} ({began}/{n})", s.quantiles[2]));
            rows.push(vec![
                id.clone(),
                n.to_string(),
                necrosis,
                format!("{ulcers}/{n}"),
                first,
                middle("final.perfused_fraction", 100.0),
                middle("final.mineral_ug", 1.0),
            ]);
        }
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..head.len()).map(width).collect();
        let mut text = String::new();
        for row in &rows {
            let cells: Vec<String> = row
                .iter()
                .zip(&widths)
                .enumerate()
                .map(|(i, (cell, &w))| {
                    if i == 0 {
                        format!("{cell:<w$}")
                    } else {
                        format!("{cell:>w$}")
                    }
                })
                .collect();
            text.push_str(cells.join("  ").trim_end());
            text.push('\n');
        }
        text.push_str(
            "Medians over runs; first necrosis: outside every challenge radius, among the runs that have it.\n",
        );
        text
    }

    /// The one object of `--json`.
    pub fn to_json(&self) -> Value {
        let arms: Vec<Value> = self
            .arms
            .iter()
            .enumerate()
            .map(|(arm, id)| {
                let rows = measures().into_iter().enumerate().filter_map(|(e, m)| {
                    let s = Spread::of(&column(&self.runs, arm, e, self.days))?;
                    let [q05, q25, median, q75, q95] = s.quantiles;
                    Some((
                        m.name,
                        json!({"n": s.n, "mean": s.mean, "sd": s.sd, "median": median, "q05": q05, "q25": q25,
                               "q75": q75, "q95": q95, "unit": m.unit}),
                    ))
                });
                let endpoints: serde_json::Map<String, Value> = rows.collect();
                json!({"arm": id, "endpoints": endpoints})
            })
            .collect();
        let contrasts: Vec<Value> = self
            .contrasts
            .iter()
            .map(|c| {
                let [d_low, d_high] = ends(c.paired.difference_interval);
                let [a_low, a_high] = ends(c.paired.superiority_interval);
                json!({"arm": self.arms[c.arm], "reference": self.arms[0], "endpoint": c.endpoint, "paired": true,
                       "diff_mean": c.paired.difference, "diff_ci_low": d_low, "diff_ci_high": d_high,
                       "a_measure": c.paired.superiority, "a_ci_low": a_low, "a_ci_high": a_high,
                       "p_raw": c.paired.p, "p_holm": c.p_holm, "n_pairs": c.paired.pairs, "unit": c.unit})
            })
            .collect();
        json!({"ok": true, "exit": 0, "out": self.out.display().to_string(), "reference": self.arms[0],
               "days": self.days, "seed": self.seed, "runs": self.runs.len(), "failed": self.failed(),
               "arms": arms, "contrasts": contrasts, "wall_s": self.wall_s})
    }
}
