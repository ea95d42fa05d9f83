//! What a wave says: which points no target rules out, how well emulators knew them, and where to look next.

use std::path::{Path, PathBuf};

use super::analyses::Told;
use super::analysis::history_match::{HistoryMatch, Runs, Target};
use super::analysis::identifiability;
use super::calibrate::{Statistic, TargetRecord, WaveSettings, broken};
use super::plan::Plan;
use super::sampled::Analysis;
use super::statistics;
use super::table::{self, Values};
use crate::error::{Error, Result};
use crate::math;
use crate::output::{cell, number, quoted};

/// Points and, by target, the replicates of each.
struct Wave {
    /// Values of the factors.
    values: Vec<Vec<f64>>,
    /// The same as shares of the priors.
    units: Vec<Vec<f64>>,
    /// `outputs[target][point][replicate]`; failed runs are not a number.
    outputs: Vec<Vec<Vec<f64>>>,
}

/// Every table of a wave; `folder` holds its `runs.parquet`.
pub(super) fn tables(plan: &Plan, folder: &Path) -> Result<Vec<Told>> {
    let Analysis::HistoryMatch(settings) = &plan.manifest.analysis else {
        return Ok(Vec::new());
    };
    let mut paths: Vec<PathBuf> = (0..settings.earlier).map(|i| plan.earlier(i)).collect();
    paths.push(folder.join("runs.parquet"));
    let waves: Vec<Wave> = paths
        .iter()
        .map(|path| wave(path, plan, settings))
        .collect::<Result<_>>()?;
    let fitted: Vec<usize> = (0..settings.targets.len())
        .filter(|&i| settings.targets[i].is_fit)
        .collect();
    let targets: Vec<Target> = fitted
        .iter()
        .map(|&i| &settings.targets[i])
        .map(|t| Target {
            value: t.value,
            observation_sd: t.sd,
            discrepancy_sd: t.discrepancy_sd,
        })
        .collect();
    let mut matched = HistoryMatch::new(settings.priors.len(), &targets, settings.forgiven);
    let mut checks = Vec::new();
    for upto in 1..=waves.len() {
        // Emulators of a wave know the runs of all waves up to it.
        let mut runs = Runs {
            points: waves[..upto].iter().flat_map(|w| w.units.clone()).collect(),
            ..Runs::default()
        };
        for &t in &fitted {
            let all: Vec<(f64, f64)> = waves[..upto]
                .iter()
                .flat_map(|w| {
                    w.outputs[t]
                        .iter()
                        .map(|r| mean_and_doubt(r, settings.targets[t].statistic))
                })
                .collect();
            runs.outputs.push(all.iter().map(|(mean, _)| *mean).collect());
            runs.noise.push(all.iter().map(|(_, doubt)| *doubt).collect());
        }
        checks = matched.add_wave(&runs).map_err(broken)?;
    }
    let Some(now) = waves.last() else { return Ok(Vec::new()) };
    let check = |t: usize| fitted.iter().position(|&i| i == t).and_then(|at| checks.get(at));
    let mut told = vec![points(plan, now, &matched)];
    let fit_text = fit(settings, now, &matched, &|t| {
        check(t).map(|c| (c.predicted_share, c.within_two_sd))
    });
    told.push(Told {
        name: "targets_fit.csv",
        text: fit_text,
        ..Told::default()
    });
    match matched.left(settings.next, settings.candidates, settings.seed) {
        Ok(left) => {
            told[0].headline = format!(
                "wave {}: {} of the prior is left{}; next_wave.csv has {} points of it. What is left is not shown to be right.\n",
                waves.len(),
                share(left.volume.value),
                left.volume
                    .interval
                    .map_or_else(String::new, |i| format!(" ({} to {})", share(i.low), share(i.high))),
                left.points.len()
            );
            told.push(next_wave(plan, settings, &left.points));
            told.push(learnt(plan, settings, &left.points));
        }
        Err(why) => told[0].headline = format!("wave {}: {why}\n", waves.len()),
    }
    Ok(told)
}

fn share(x: f64) -> String {
    format!("{:.2} %", 100.0 * x)
}

/// A table of runs as points with replicates.
fn wave(path: &Path, plan: &Plan, settings: &WaveSettings) -> Result<Wave> {
    let mut names = vec!["point", "status"];
    let paths: Vec<&str> = plan.manifest.factors.iter().map(|f| f.path.as_str()).collect();
    names.extend(&paths);
    names.extend(settings.targets.iter().map(|t| t.output.as_str()));
    let columns = table::read(path, &names)?;
    let damaged = || Error::files(path.display(), "is no table of runs of these factors and targets");
    let (Values::Count(point), Values::Text(status)) = (&columns[0].values, &columns[1].values) else {
        return Err(damaged());
    };
    let number = |values: &Values, row: usize| match values {
        Values::Number(list) => list[row],
        Values::Whole(list) => list[row].map(|i| i as f64),
        Values::Flag(list) => list[row].map(|b| f64::from(u8::from(b))),
        _ => None,
    };
    let count = point.iter().max().map_or(0, |p| *p as usize + 1);
    let mut wave = Wave {
        values: vec![Vec::new(); count],
        units: Vec::new(),
        outputs: vec![vec![Vec::new(); count]; settings.targets.len()],
    };
    for (row, &p) in point.iter().enumerate() {
        let p = p as usize;
        if wave.values[p].is_empty() {
            let values = columns[2..2 + paths.len()].iter().map(|c| number(&c.values, row));
            wave.values[p] = values.collect::<Option<Vec<f64>>>().ok_or_else(damaged)?;
        }
        let is_ok = status[row].as_deref() == Some("ok");
        for (t, target) in settings.targets.iter().enumerate() {
            let found = number(&columns[2 + paths.len() + t].values, row);
            let value = match target.statistic {
                Statistic::Share => f64::from(u8::from(found.is_some())),
                _ => found.unwrap_or(plan.manifest.days),
            };
            wave.outputs[t][p].push(if is_ok { value } else { f64::NAN });
        }
    }
    let unit = |row: &Vec<f64>| {
        settings
            .priors
            .iter()
            .zip(row)
            .map(|(prior, x)| prior.cdf(*x))
            .collect()
    };
    wave.units = wave.values.iter().map(unit).collect();
    Ok(wave)
}

/// The statistic of the replicates of a point, and its variance as an estimate.
fn mean_and_doubt(replicates: &[f64], statistic: Statistic) -> (f64, f64) {
    let values: Vec<f64> = replicates.iter().copied().filter(|x| x.is_finite()).collect();
    let n = values.len() as f64;
    if values.is_empty() {
        return (f64::NAN, f64::NAN);
    }
    let variance = math::square(statistics::sd(&values)) / n;
    match statistic {
        Statistic::Mean => (statistics::mean(&values), variance),
        // The median of a normal sample is as good as the mean of 2/π as many.
        Statistic::Median => {
            let middle = statistics::quantile(&statistics::sorted(&values), 0.5);
            (middle, variance * std::f64::consts::FRAC_PI_2)
        }
        Statistic::Share => {
            // None of four is not never: the doubt of a share is that of two cases more of each kind.
            let share = statistics::mean(&values);
            let shrunk = (share * n + 2.0) / (n + 4.0);
            (share, shrunk * (1.0 - shrunk) / (n + 4.0))
        }
    }
}

/// `implausibility.csv`: every point of this wave.
fn points(plan: &Plan, now: &Wave, matched: &HistoryMatch) -> Told {
    let paths: Vec<String> = plan.manifest.factors.iter().map(|f| quoted(&f.path)).collect();
    let mut text = format!("point,{},implausibility,left\n", paths.join(","));
    for (p, (values, unit)) in now.values.iter().zip(&now.units).enumerate() {
        let cells: Vec<String> = values.iter().map(|x| number(*x)).collect();
        let worst = matched.implausibility(unit).into_iter().fold(0.0, math::max);
        text.push_str(&format!(
            "{p},{},{},{}\n",
            cells.join(","),
            number(worst),
            matched.is_left(unit)
        ));
    }
    Told {
        name: "implausibility.csv",
        text,
        ..Told::default()
    }
}

/// `targets_fit.csv`: what the points that are left do, beside each target; held-out ones too.
fn fit(
    settings: &WaveSettings,
    now: &Wave,
    matched: &HistoryMatch,
    check: &dyn Fn(usize) -> Option<(f64, f64)>,
) -> String {
    let mut text = "target_id,output,statistic,value,sd,discrepancy_sd,sim_median,sim_q05,sim_q95,points_left,\
                    implausibility,use,emulator_predicted_share,emulator_within_two_sd,source\n"
        .to_owned();
    let left: Vec<usize> = (0..now.units.len())
        .filter(|&p| matched.is_left(&now.units[p]))
        .collect();
    for (t, target) in settings.targets.iter().enumerate() {
        let TargetRecord {
            value,
            sd,
            discrepancy_sd,
            ..
        } = target;
        let found = left
            .iter()
            .map(|&p| mean_and_doubt(&now.outputs[t][p], target.statistic).0);
        let sorted = statistics::sorted(&found.filter(|x| x.is_finite()).collect::<Vec<_>>());
        let at = |q: f64| (!sorted.is_empty()).then(|| statistics::quantile(&sorted, q));
        let doubt = (math::square(*sd) + math::square(*discrepancy_sd)).sqrt();
        let beyond = at(0.5).map(|middle| (middle - value).abs() / doubt);
        let (predicted, within) = check(t).map_or((None, None), |(a, b)| (Some(a), Some(b)));
        let word = match target.statistic {
            Statistic::Mean => "mean",
            Statistic::Median => "median",
            Statistic::Share => "share",
        };
        text.push_str(&format!(
            "{},{},{word},{},{},{},{},{},{},{},{},{},{},{},{}\n",
            quoted(&target.id),
            target.output,
            number(*value),
            number(*sd),
            number(*discrepancy_sd),
            cell(at(0.5)),
            cell(at(0.05)),
            cell(at(0.95)),
            left.len(),
            cell(beyond),
            if target.is_fit { "fit" } else { "hold_out" },
            cell(predicted),
            cell(within),
            quoted(&target.source)
        ));
    }
    text
}

/// `next_wave.csv`: points as the next experiment reads them.
fn next_wave(plan: &Plan, settings: &WaveSettings, left: &[Vec<f64>]) -> Told {
    let paths: Vec<String> = plan.manifest.factors.iter().map(|f| quoted(&f.path)).collect();
    let mut text = paths.join(",") + "\n";
    for point in left {
        let cells = settings
            .priors
            .iter()
            .zip(point)
            .map(|(prior, u)| format!("{:?}", prior.quantile(*u)));
        text.push_str(&(cells.collect::<Vec<_>>().join(",") + "\n"));
    }
    Told {
        name: "next_wave.csv",
        text,
        ..Told::default()
    }
}

/// `identifiability.csv`: how much narrower each factor has become.
fn learnt(plan: &Plan, settings: &WaveSettings, left: &[Vec<f64>]) -> Told {
    let mut text = "factor,contraction,q025,q50,q975,verdict,trades_with\n".to_owned();
    if let Some(found) = identifiability::of_points(left) {
        for (i, one) in found.parameters.iter().enumerate() {
            let path = |i: usize| plan.manifest.factors[i].path.clone();
            let trades = found.trades.iter().filter(|(a, b, _)| *a == i || *b == i);
            let with: Vec<String> = trades.map(|(a, b, _)| path(if *a == i { *b } else { *a })).collect();
            let [low, middle, high] = one.quantiles.map(|u| number(settings.priors[i].quantile(u)));
            text.push_str(&format!(
                "{},{},{low},{middle},{high},{},{}\n",
                quoted(&path(i)),
                number(one.contraction),
                one.verdict,
                with.join(" ")
            ));
        }
    }
    Told {
        name: "identifiability.csv",
        text,
        ..Told::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_nothing_still_has_its_doubt() {
        let (share, doubt) = mean_and_doubt(&[0.0; 4], Statistic::Share);
        assert!(share == 0.0 && doubt > 0.01, "{doubt}");
        let (mean, doubt) = mean_and_doubt(&[1.0, 3.0, f64::NAN], Statistic::Mean);
        assert_eq!((mean, doubt), (2.0, 1.0));
        assert!(mean_and_doubt(&[f64::NAN], Statistic::Mean).0.is_nan());
    }
}
