//! Screening by elementary effects: which factors matter at all (Morris 1991; mu* after Campolongo 2007).

use super::Estimate;
use crate::experiment::design::Move;
use crate::experiment::statistics::{bca, mean, sd};

/// What the elementary effects of one factor say, in units of the output per whole range of the factor.
#[derive(Clone, Debug, PartialEq)]
pub struct Screening {
    /// Mean effect: the direction.
    pub mu: Estimate,
    /// Mean size of an effect: the importance.
    pub mu_star: Estimate,
    /// Standard deviation of the effects: curvature and company.
    pub sigma: f64,
    /// Effects that there are; steps with a missing run have none.
    pub effects: usize,
}

/// Screening of each of `k` factors from the moves of a design and the outputs of its rows. Intervals are BCa over
/// trajectories. A factor without any effect that could be computed has values that are not a number.
pub fn morris(k: usize, moves: &[Move], outputs: &[f64]) -> Vec<Screening> {
    (0..k)
        .map(|factor| {
            let steps = moves.iter().filter(|m| m.factor == factor);
            let effects: Vec<f64> = steps
                .map(|m| match (outputs.get(m.before), outputs.get(m.before + 1)) {
                    (Some(before), Some(after)) => (after - before) / m.by,
                    _ => f64::NAN,
                })
                .filter(|effect| effect.is_finite())
                .collect();
            let sizes: Vec<f64> = effects.iter().map(|e| e.abs()).collect();
            let estimate = |values: &[f64]| Estimate {
                value: mean(values),
                interval: bca(values.len(), |cases| {
                    cases.iter().map(|&i| values[i]).sum::<f64>() / cases.len() as f64
                }),
            };
            Screening {
                mu: estimate(&effects),
                mu_star: estimate(&sizes),
                sigma: if effects.is_empty() { f64::NAN } else { sd(&effects) },
                effects: effects.len(),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::design::{Distribution, morris as design, moves_of_roles, moves_of_units};

    #[test]
    fn effects_are_those_of_salib() -> Result<(), String> {
        let fixture: serde_json::Value =
            serde_json::from_str(include_str!("../../../tests/fixtures/morris.json")).map_err(|e| e.to_string())?;
        let list = |value: &serde_json::Value| -> Vec<f64> {
            let array = value.as_array().cloned().unwrap_or_default();
            array.iter().map(|x| x.as_f64().unwrap_or(f64::NAN)).collect()
        };
        for case in ["g", "morris"] {
            let case = &fixture[case];
            let rows: Vec<Vec<f64>> = case["x"].as_array().into_iter().flatten().map(list).collect();
            let found = morris(rows[0].len(), &moves_of_units(&rows)?, &list(&case["y"]));
            let (mu, mu_star, sigma) = (list(&case["mu"]), list(&case["mu_star"]), list(&case["sigma"]));
            for (i, f) in found.iter().enumerate() {
                let close = |found: f64, wanted: f64| (found - wanted).abs() < 1e-9 * (1.0 + wanted.abs());
                assert!(
                    close(f.mu.value, mu[i]) && close(f.mu_star.value, mu_star[i]),
                    "{i}: {f:?}"
                );
                assert!(close(f.sigma, sigma[i]), "{i}: {f:?}");
                assert!(f.mu_star.covers(mu_star[i]));
            }
        }
        Ok(())
    }

    #[test]
    fn a_linear_model_has_its_slopes_and_no_spread() -> Result<(), String> {
        let design = design(&vec![Distribution::dummy(); 4], 8, 4, 0, 1)?;
        let y: Vec<f64> = design
            .rows
            .iter()
            .map(|x| 3.0 * x[0] - 2.0 * x[1] + 0.5 * x[2])
            .collect();
        let found = morris(4, &moves_of_roles(&design.roles)?, &y);
        for (f, slope) in found.iter().zip([3.0, -2.0, 0.5, 0.0]) {
            assert!((f.mu.value - slope).abs() < 1e-12 && (f.mu_star.value - slope.abs()).abs() < 1e-12);
            assert!(f.sigma < 1e-12 && f.effects == 8);
        }
        Ok(())
    }

    #[test]
    fn a_missing_run_costs_its_two_steps_alone() -> Result<(), String> {
        let design = design(&vec![Distribution::dummy(); 3], 5, 4, 0, 1)?;
        let mut y: Vec<f64> = design.rows.iter().map(|x| x[0]).collect();
        y[1] = f64::NAN;
        let found = morris(3, &moves_of_roles(&design.roles)?, &y);
        assert_eq!(found.iter().map(|f| f.effects).sum::<usize>(), 13);
        Ok(())
    }
}
