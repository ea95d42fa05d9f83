//! `attribute`: which mechanism carries an outcome, by switching mechanisms off in every company. `attribution.csv` and
//! `synergy.csv`.

use super::{Measured, cells, number};
use crate::experiment::analysis::shapley::{Plan, attribute};
use crate::experiment::design::Design;
use crate::output::quoted;

/// The points of a plan of subsets: one column per mechanism, 1 = on. Roles `all`, `none`, and `on:` with the mechanisms
/// that are on, counted from 1.
pub fn design(plan: &Plan) -> Design {
    let mut design = Design::default();
    for &subset in &plan.subsets {
        let on: Vec<usize> = (0..plan.players).filter(|i| subset >> i & 1 == 1).collect();
        design.roles.push(match on.len() {
            0 => "none".to_owned(),
            n if n == plan.players => "all".to_owned(),
            _ => {
                let names: Vec<String> = on.iter().map(|i| (i + 1).to_string()).collect();
                format!("on:{}", names.join("+"))
            }
        });
        let cell = |i: usize| if subset >> i & 1 == 1 { 1.0 } else { 0.0 };
        design.rows.push((0..plan.players).map(cell).collect());
    }
    design
}

/// `attribution.csv` and `synergy.csv` of outputs measured at the points of [`design`], the seeds of every point in one
/// order. Shares of an output add up to its mean with all mechanisms minus that with none.
pub fn tables(plan: &Plan, mechanisms: &[String], outputs: &[Measured]) -> (String, String) {
    let mut shares = "arm,mechanism,output,unit,t_d,share,share_ci_low,share_ci_high,share_of_whole,mean_all_on,\
                      mean_all_off,seeds,left_out,subsets,note\n"
        .to_owned();
    let mut pairs = "arm,mechanism_1,mechanism_2,output,unit,synergy,synergy_ci_low,synergy_ci_high\n".to_owned();
    for values in outputs {
        let (arm, unit, t_d) = (
            quoted(&values.arm),
            quoted(&values.unit),
            number(values.t_d.unwrap_or(f64::NAN)),
        );
        let found = match attribute(plan, &values.replicates) {
            Ok(found) => found,
            Err(expected) => {
                for mechanism in mechanisms {
                    let note = quoted(&format!("expected {expected}"));
                    let empty = ",,,,,,,,";
                    shares.push_str(&format!(
                        "{arm},{},{},{unit},{t_d},{empty},{note}\n",
                        quoted(mechanism),
                        values.output
                    ));
                }
                continue;
            }
        };
        let whole = found.full - found.empty;
        for (mechanism, share) in mechanisms.iter().zip(&found.shares) {
            // A share of nothing is no number.
            let of_whole = if whole == 0.0 { f64::NAN } else { share.value / whole };
            shares.push_str(&format!(
                "{arm},{},{},{unit},{t_d},{},{},{},{},{},{},{},\n",
                quoted(mechanism),
                values.output,
                cells(share),
                number(of_whole),
                number(found.full),
                number(found.empty),
                found.seeds,
                found.left_out,
                plan.subsets.len(),
            ));
        }
        for (i, j, synergy) in &found.pairs {
            let names = format!("{},{}", quoted(&mechanisms[*i]), quoted(&mechanisms[*j]));
            pairs.push_str(&format!("{arm},{names},{},{unit},{}\n", values.output, cells(synergy)));
        }
    }
    (shares, pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(plan: &Plan) -> Measured {
        // Thrombosis alone does 1; with the damage loop 4.
        let outcome = |x: &[f64]| x[0] + 3.0 * x[0] * x[1];
        Measured {
            arm: "base".into(),
            output: "final.necrotic_fraction".into(),
            unit: "-".into(),
            t_d: Some(90.0),
            replicates: design(plan).rows.iter().map(|x| vec![outcome(x); 3]).collect(),
        }
    }

    #[test]
    fn points_switch_every_subset() -> Result<(), String> {
        let design = design(&Plan::all(2)?);
        assert_eq!(design.rows, [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]);
        assert_eq!(design.roles, ["none", "on:1", "on:2", "all"]);
        Ok(())
    }

    #[test]
    fn tables_hold_shares_that_add_up_and_the_synergy() -> Result<(), String> {
        let plan = Plan::all(2)?;
        let names = ["mechanisms.thrombosis".to_owned(), "mechanisms.damp_loop".to_owned()];
        let (shares, pairs) = tables(&plan, &names, &[values(&plan)]);
        let rows: Vec<Vec<&str>> = shares.lines().map(|l| l.split(',').collect()).collect();
        assert!(rows.iter().all(|row| row.len() == rows[0].len()), "{shares}");
        assert_eq!((rows[1][5], rows[2][5], rows[1][8]), ("2.5", "1.5", "0.625"));
        assert!(
            pairs
                .lines()
                .nth(1)
                .is_some_and(|row| row.ends_with("final.necrotic_fraction,-,3,3,3")),
            "{pairs}"
        );
        Ok(())
    }

    #[test]
    fn an_output_without_results_has_a_note() -> Result<(), String> {
        let plan = Plan::all(2)?;
        let mut measured = values(&plan);
        measured.replicates = vec![vec![f64::NAN]; 4];
        let names = ["a".to_owned(), "b".to_owned()];
        let (shares, _) = tables(&plan, &names, &[measured]);
        let rows: Vec<Vec<&str>> = shares.lines().map(|l| l.split(',').collect()).collect();
        assert!(rows.iter().all(|row| row.len() == rows[0].len()), "{shares}");
        assert!(shares.contains("at least one seed"));
        Ok(())
    }
}
