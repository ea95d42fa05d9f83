//! Tables of a calibration: `waves.csv`, `generations.csv`, `posterior.csv`, `targets_fit.csv`, `identifiability.csv`.
//! Their tests stand with the replay, which makes what they show.

use super::{Standing, Target};
use crate::experiment::analysis::{Estimate, identifiability};
use crate::experiment::design::{Distribution, normal_quantile, values};
use crate::output::{cell, quoted};

/// A number as a cell; empty when it is not one.
fn number(x: f64) -> String {
    cell(Some(x).filter(|x| !x.is_nan()))
}

/// `value,low,high`.
fn cells(estimate: &Estimate) -> String {
    let (low, high) = estimate.interval.map_or((f64::NAN, f64::NAN), |i| (i.low, i.high));
    format!("{},{},{}", number(estimate.value), number(low), number(high))
}

/// `waves.csv`: one row per wave and fitted target.
pub fn waves_table(targets: &[Target], standing: &Standing) -> String {
    let mut text = "wave,points,volume,volume_ci_low,volume_ci_high,target_id,predicted_share,within_two_sd,\
                    variance_raised\n"
        .to_owned();
    for (wave, of) in standing.waves.iter().enumerate() {
        for (target, check) in targets.iter().filter(|t| t.is_fit).zip(&of.checks) {
            text.push_str(&format!(
                "{},{},{},{},{},{},{}\n",
                wave + 1,
                of.points,
                cells(&of.volume),
                quoted(&target.id),
                number(check.predicted_share),
                number(check.within_two_sd),
                number(check.raised)
            ));
        }
    }
    text
}

/// `generations.csv`; the tolerance of the prior is empty.
pub fn generations_table(standing: &Standing) -> String {
    let mut text = "generation,tolerance,proposals,points,effective_particles\n".to_owned();
    for (i, g) in standing.generations.iter().enumerate() {
        let tolerance = if g.tolerance.is_finite() {
            number(g.tolerance)
        } else {
            String::new()
        };
        text.push_str(&format!(
            "{i},{tolerance},{},{},{}\n",
            g.proposals,
            g.points,
            number(g.effective)
        ));
    }
    text
}

/// `posterior.csv`: one row per particle, factor columns by path.
pub fn posterior_table(paths: &[String], factors: &[Distribution], standing: &Standing) -> String {
    let header: Vec<String> = paths.iter().map(|p| quoted(p)).collect();
    let generation = standing
        .generations
        .len()
        .checked_sub(1)
        .map_or(String::new(), |g| g.to_string());
    let mut text = format!("particle,weight,generation,distance,{}\n", header.join(","));
    for (i, particle) in standing.particles.iter().enumerate() {
        let row: Vec<String> = values(factors, &particle.unit).into_iter().map(number).collect();
        let (weight, distance) = (number(particle.weight), number(particle.distance));
        text.push_str(&format!("{i},{weight},{generation},{distance},{}\n", row.join(",")));
    }
    text
}

/// `targets_fit.csv`: what the particles say of each target. `implausibility` is the distance of the median from the target
/// in units of the target's doubt.
pub fn targets_table(targets: &[Target], standing: &Standing) -> String {
    let mut text = "target_id,use,value,sd,discrepancy_sd,sim_median,sim_q05,sim_q95,implausibility\n".to_owned();
    for (t, target) in targets.iter().enumerate() {
        let mut column: Vec<(f64, f64)> = standing
            .particles
            .iter()
            .filter(|p| p.statistics[t].is_finite())
            .map(|p| (p.statistics[t], p.weight))
            .collect();
        column.sort_by(|a, b| a.0.total_cmp(&b.0));
        let [median, low, high] = [0.5, 0.05, 0.95].map(|share| identifiability::weighted_quantile(&column, share));
        text.push_str(&format!(
            "{},{},{},{},{},{},{},{},{}\n",
            quoted(&target.id),
            if target.is_fit { "fit" } else { "hold_out" },
            number(target.value),
            number(target.sd),
            number(target.discrepancy_sd),
            number(median),
            number(low),
            number(high),
            number((median - target.value).abs() / target.doubt())
        ));
    }
    text
}

/// `identifiability.csv`: what was learnt about each factor, and with which others it trades places.
pub fn identifiability_table(paths: &[String], factors: &[Distribution], standing: &Standing) -> String {
    let mut text = "factor,contraction,verdict,q025,median,q975,trades_with,contraction_low\n".to_owned();
    let scores: Vec<Vec<f64>> = standing
        .particles
        .iter()
        .map(|p| p.unit.iter().map(|&u| normal_quantile(u)).collect())
        .collect();
    let weights: Vec<f64> = standing.particles.iter().map(|p| p.weight).collect();
    let Some(found) = identifiability::of_scores(&scores, &weights) else {
        return text;
    };
    for (i, parameter) in found.parameters.iter().enumerate() {
        let ends: Vec<String> = parameter
            .quantiles
            .iter()
            .map(|&u| number(factors[i].quantile(u)))
            .collect();
        let partner = |&(a, b, r): &(usize, usize, f64)| match () {
            () if a == i => Some(format!("{} ({r:.2})", paths[b])),
            () if b == i => Some(format!("{} ({r:.2})", paths[a])),
            () => None,
        };
        let partners: Vec<String> = found.trades.iter().filter_map(partner).collect();
        text.push_str(&format!(
            "{},{},{},{},{},{}\n",
            quoted(&paths[i]),
            number(parameter.contraction),
            parameter.verdict,
            ends.join(","),
            quoted(&partners.join("; ")),
            number(parameter.low)
        ));
    }
    text
}
