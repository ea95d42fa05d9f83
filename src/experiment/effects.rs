//! Effects as tables: how an endpoint spreads in each arm, and what an arm changes against the reference over pairs.
//!
//! `compare` and the results of experiments write the same tables.

use super::statistics::{self, Cases, Interval, Paired};
use crate::math;
use crate::output::{cell, number, quoted};

/// An endpoint of a table.
#[derive(Clone, Debug, PartialEq)]
pub struct Measure {
    /// Name.
    pub name: String,
    /// Unit.
    pub unit: String,
    /// Whether an absent value counts as the end of the run.
    pub is_date: bool,
}

/// Values of an endpoint in an arm, one per pair in the same order in every arm: nothing where the run failed or the
/// endpoint does not apply. Dates are censored already.
pub type Columns<'a> = dyn Fn(usize, usize) -> Vec<Option<f64>> + 'a;

/// Spread of one endpoint in one arm.
#[derive(Clone, Debug, PartialEq)]
pub struct Spread {
    /// Values.
    pub n: usize,
    /// Mean.
    pub mean: f64,
    /// Standard deviation.
    pub sd: f64,
    /// 5, 25, 50, 75, 95 %.
    pub quantiles: [f64; 5],
}

impl Spread {
    /// The spread of the values that there are; nothing without any.
    pub fn of(values: &[Option<f64>]) -> Option<Self> {
        let values: Vec<f64> = values.iter().flatten().copied().collect();
        let sorted = statistics::sorted(&values);
        (!values.is_empty()).then(|| Self {
            n: values.len(),
            mean: statistics::mean(&values),
            sd: statistics::sd(&values),
            quantiles: [0.05, 0.25, 0.5, 0.75, 0.95].map(|share| statistics::quantile(&sorted, share)),
        })
    }

    /// `n,mean,sd,median,q05,q25,q75,q95`.
    pub fn cells(&self) -> String {
        let [q05, q25, median, q75, q95] = self.quantiles.map(number);
        let (mean, sd) = (number(self.mean), number(self.sd));
        format!("{},{mean},{sd},{median},{q05},{q25},{q75},{q95}", self.n)
    }
}

/// A contrast of one endpoint.
#[derive(Clone, Debug)]
pub struct Contrast {
    /// Index of the arm; the reference is arm 0.
    pub arm: usize,
    /// Name of the endpoint.
    pub endpoint: String,
    /// Unit.
    pub unit: String,
    /// What the pairs say.
    pub paired: Paired,
    /// p after Holm over the endpoints of this arm.
    pub p_holm: f64,
}

/// The pairs of an arm and the reference in which both have a value.
pub fn pairs(arm: &[Option<f64>], reference: &[Option<f64>]) -> (Vec<f64>, Vec<f64>) {
    arm.iter().zip(reference).filter_map(|(a, b)| a.zip(*b)).unzip()
}

/// Every contrast of every arm with the reference, by arm, then endpoint. `places` has point and seed of each pair.
pub fn contrasts(arms: usize, places: &[(usize, u64)], measures: &[Measure], column: &Columns) -> Vec<Contrast> {
    let mut all = Vec::new();
    for arm in 1..arms {
        let mut of_arm: Vec<Contrast> = measures
            .iter()
            .enumerate()
            .filter_map(|(e, measure)| {
                let (of_arm, of_reference) = (column(arm, e), column(0, e));
                let (here, there) = pairs(&of_arm, &of_reference);
                let both = of_arm
                    .iter()
                    .zip(&of_reference)
                    .map(|(a, b)| a.is_some() && b.is_some());
                let places: Vec<(usize, u64)> = places.iter().zip(both).filter(|p| p.1).map(|p| *p.0).collect();
                let paired = statistics::paired_of(&Cases::at(&places), &here, &there)?;
                Some(Contrast {
                    arm,
                    endpoint: measure.name.clone(),
                    unit: measure.unit.clone(),
                    paired,
                    p_holm: 1.0,
                })
            })
            .collect();
        // An endpoint in which no pair differs cannot be rejected at any level and is no part of the family (Tarone 1990).
        let mut family: Vec<&mut Contrast> = of_arm.iter_mut().filter(|c| c.paired.differs).collect();
        let raw: Vec<f64> = family.iter().map(|c| c.paired.p).collect();
        for (contrast, p) in family.iter_mut().zip(statistics::holm(&raw)) {
            contrast.p_holm = p;
        }
        all.extend(of_arm);
    }
    all
}

/// `arms.csv`.
pub fn arms_table(ids: &[String], measures: &[Measure], column: &Columns) -> String {
    let mut text = "arm,endpoint,n,mean,sd,median,q05,q25,q75,q95,unit\n".to_owned();
    for (arm, id) in ids.iter().enumerate() {
        for (e, measure) in measures.iter().enumerate() {
            if let Some(spread) = Spread::of(&column(arm, e)) {
                let unit = quoted(&measure.unit);
                text.push_str(&format!("{},{},{},{unit}\n", quoted(id), measure.name, spread.cells()));
            }
        }
    }
    text
}

/// The two ends of an interval, where there is one.
pub fn ends(interval: Option<Interval>) -> [Option<f64>; 2] {
    [interval.map(|i| i.low), interval.map(|i| i.high)]
}

/// `contrasts.csv`.
pub fn contrasts_table(ids: &[String], contrasts: &[Contrast]) -> String {
    let mut text = "arm,reference,endpoint,paired,diff_mean,diff_ci_low,diff_ci_high,a_measure,a_ci_low,a_ci_high,\
                    p_raw,p_holm,n_pairs,unit\n"
        .to_owned();
    for c in contrasts {
        let p = &c.paired;
        let [d_low, d_high] = ends(p.difference_interval).map(cell);
        let [a_low, a_high] = ends(p.superiority_interval).map(cell);
        text.push_str(&format!(
            "{},{},{},true,{},{d_low},{d_high},{},{a_low},{a_high},{},{},{},{}\n",
            quoted(&ids[c.arm]),
            quoted(&ids[0]),
            c.endpoint,
            number(p.difference),
            number(p.superiority),
            number(p.p),
            number(c.p_holm),
            p.pairs,
            quoted(&c.unit)
        ));
    }
    text
}

/// A contrast in a line: effect and interval first.
pub fn sentence(ids: &[String], contrast: &Contrast) -> String {
    let p = &contrast.paired;
    let interval = match p.difference_interval {
        Some(i) => format!("95 % interval {:.4} to {:.4}, ", i.low, i.high),
        None => String::new(),
    };
    format!(
        "{} against {}: {} {:+.4} ({interval}A {:.2}, {} pairs)\n",
        ids[contrast.arm], ids[0], contrast.endpoint, p.difference, p.superiority, p.pairs
    )
}

/// `pairing.csv`: what equal seeds save. The variance of a mean difference over pairs, and what it would be between
/// independent runs; their ratio is the factor of runs saved.
pub fn pairing_table(ids: &[String], measures: &[Measure], column: &Columns) -> String {
    let mut text =
        "arm,reference,endpoint,n_pairs,variance_paired,variance_unpaired,variance_ratio,correlation\n".to_owned();
    for arm in 1..ids.len() {
        for (e, measure) in measures.iter().enumerate() {
            let (here, there) = pairs(&column(arm, e), &column(0, e));
            if here.len() < 2 {
                continue;
            }
            let differences: Vec<f64> = here.iter().zip(&there).map(|(a, b)| a - b).collect();
            let variance = |values: &[f64]| math::square(statistics::sd(values));
            let (paired, a, b) = (variance(&differences), variance(&here), variance(&there));
            let ratio = (paired > 0.0).then(|| (a + b) / paired);
            let spread = (a * b).sqrt();
            let correlation = (spread > 0.0).then(|| (a + b - paired) / (2.0 * spread));
            text.push_str(&format!(
                "{},{},{},{},{},{},{},{}\n",
                quoted(&ids[arm]),
                quoted(&ids[0]),
                measure.name,
                here.len(),
                number(paired),
                number(a + b),
                cell(ratio),
                cell(correlation)
            ));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_that_move_together_save_runs() {
        let arms = [[1.0, 2.0, 3.0, 4.0], [1.1, 2.2, 3.1, 4.2]];
        let column = |arm: usize, _: usize| arms[arm].iter().map(|x| Some(*x)).collect::<Vec<_>>();
        let measures = [Measure {
            name: "m".into(),
            unit: "-".into(),
            is_date: false,
        }];
        let ids = ["a".to_owned(), "b".to_owned()];
        let table = pairing_table(&ids, &measures, &column);
        let row: Vec<&str> = table.lines().nth(1).unwrap_or("").split(',').collect();
        assert!(row[6].parse::<f64>().is_ok_and(|ratio| ratio > 100.0), "{table}");
        assert!(row[7].parse::<f64>().is_ok_and(|r| r > 0.99), "{table}");
    }
}
