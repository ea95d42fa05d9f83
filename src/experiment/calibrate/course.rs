//! A calibration on the disk: which points its plan has grown to, and its runs batch by batch.
//!
//! A plan holds the first batch. Those that follow are written nowhere: they are a function of the plan and of the results
//! in its segments, so every worker on every machine finds the same ones, after any crash.

use super::tables::{generations_table, identifiability_table, posterior_table, targets_table, waves_table};
use super::{Batch, Memory, Next, Setup, Standing, standing};
use crate::error::{Error, Result};
use crate::experiment::analyses::Told;
use crate::experiment::design::values;
use crate::experiment::execute::{ExecuteOptions, Executed, execute, units};
use crate::experiment::factors::Factor;
use crate::experiment::job::Outcome;
use crate::experiment::plan::Plan;
use crate::experiment::results::{self, Results};
use crate::experiment::sampled::Analysis;
use crate::scenario::Place;

/// The setup of a plan that is a calibration.
fn setup(plan: &Plan) -> Option<&Setup> {
    match &plan.manifest.analysis {
        Analysis::Calibrate(setup) => Some(setup),
        _ => None,
    }
}

/// A plan with every point that it asks for by now: any other plan is as it was.
///
/// # Errors
/// [`Error::Condition`] when results disagree or cannot be emulated.
pub fn grown(plan: Plan) -> Result<Plan> {
    match setup(&plan) {
        Some(setup) => Ok(replay(&plan, setup, &mut Memory::default())?.1),
        None => Ok(plan),
    }
}

/// Most runs that a calibration may still grow to, in words; nothing of other plans.
pub fn outline(plan: &Plan) -> Option<String> {
    let most = setup(plan)?.settings.most_points as u64 * plan.manifest.replicates * plan.manifest.arms.len() as u64;
    Some(format!(
        "The plan of a calibration grows as it learns: to at most {most} runs.\n"
    ))
}

/// Runs a plan; a calibration batch after batch until it is finished. With shards a worker ends when its part of a batch
/// is done and others are not: run it again then.
///
/// # Errors
/// Those of [`execute`].
pub fn run(plan: &Plan, options: &ExecuteOptions) -> Result<(Executed, String)> {
    let Some(setup) = setup(plan) else {
        return match plan.manifest.sequential {
            Some(_) => until_enough(plan, options),
            None => Ok((execute(plan, options)?, String::new())),
        };
    };
    let (mut memory, mut done) = (Memory::default(), Executed::default());
    let started = std::time::Instant::now();
    loop {
        let (standing, now) = replay(plan, setup, &mut memory)?;
        let stage = match &standing.next {
            Next::Run { stage, .. } => stage.clone(),
            Next::Done { because } => return Ok((done, format!("The calibration is finished: {because}.\n"))),
        };
        let left = options.max_time.map(|time| time.saturating_sub(started.elapsed()));
        let batch = execute(
            &now,
            &ExecuteOptions {
                max_time: left,
                ..options.clone()
            },
        )?;
        done = together(&done, batch);
        let results = Results::read(&now.folder, false)?;
        if results::standings(&now, &results)?.contains(&results::Standing::Missing) {
            let text = format!("{stage} waits for other shards: run this again when they are done.\n");
            return Ok((done, text));
        }
    }
}

/// What was done before and now.
fn together(done: &Executed, batch: Executed) -> Executed {
    Executed {
        runs: batch.runs,
        before: batch.before - done.ran.min(batch.before),
        ran: done.ran + batch.ran,
        failed: done.failed + batch.failed,
        elsewhere: done.elsewhere + batch.elsewhere,
        dropped: done.dropped + batch.dropped,
        wall_s: done.wall_s + batch.wall_s,
    }
}

/// Runs a plan look after look, until every interval is narrow enough or every replicate is spent.
fn until_enough(plan: &Plan, options: &ExecuteOptions) -> Result<(Executed, String)> {
    let mut done = Executed::default();
    let started = std::time::Instant::now();
    loop {
        let left = options.max_time.map(|time| time.saturating_sub(started.elapsed()));
        let batch = execute(
            plan,
            &ExecuteOptions {
                max_time: left,
                ..options.clone()
            },
        )?;
        done = together(&done, batch);
        let results = Results::read(&plan.folder, false)?;
        let standing = results::standings(plan, &results)?;
        let mine = units(plan, options.shard);
        let is_missing = |row: &usize| standing[*row] == results::Standing::Missing;
        if mine.iter().flatten().any(is_missing) {
            continue;
        }
        let rows = standing.iter();
        let is_open = |s: &&results::Standing| matches!(s, results::Standing::Missing | results::Standing::Later);
        return match rows.filter(is_open).count() {
            0 => {
                let dropped = standing.iter().filter(|s| **s == results::Standing::Dropped).count();
                let rows = standing.len();
                Ok((done, format!("{} of {rows} rows were enough.\n", rows - dropped)))
            }
            _ => {
                let text = "The next look waits for other shards: run this again when they are done.\n";
                Ok((done, text.to_owned()))
            }
        };
    }
}

/// Replays what is on the disk: the standing, and the plan with every point asked for by now.
fn replay(plan: &Plan, setup: &Setup, memory: &mut Memory) -> Result<(Standing, Plan)> {
    let results = Results::read(&plan.folder, true)?;
    results.refuse_conflicts(plan)?;
    let fault = |why: String| {
        Error::Condition(format!(
            "{}: the calibration cannot go on: {why}",
            plan.folder.display()
        ))
    };
    let (mut batches, mut points, mut roles) = (Vec::new(), Vec::new(), Vec::new());
    let mut now = plan.clone();
    loop {
        let found = standing(setup.priors.len(), &setup.targets, &setup.settings, &batches, memory).map_err(fault)?;
        let Next::Run { stage, points: asked } = &found.next else {
            return Ok((found, now));
        };
        let first = points.len();
        points.extend(asked.iter().map(|unit| toml_values(plan, setup, unit)));
        roles.resize(points.len(), stage.clone());
        now = plan.with_points(points.clone(), roles.clone())?;
        match read(&now, setup, &results, first)? {
            Some(results) => batches.push(Batch {
                points: asked.clone(),
                results,
            }),
            None => return Ok((found, now)),
        }
    }
}

/// Values of the factors at a point of the unit cube.
fn toml_values(plan: &Plan, setup: &Setup, unit: &[f64]) -> Vec<toml::Value> {
    let cells = values(&setup.priors, unit);
    let factors = plan.manifest.factors.iter().zip(&setup.kinds);
    factors
        .zip(cells)
        .map(|((record, &kind), cell)| {
            let mut factor = Factor::bare(&record.path, Vec::new(), Place::Default);
            factor.kind = kind;
            factor.value(cell)
        })
        .collect()
}

/// Results of the points from `first` on, by target, point and replicate; nothing while one is missing. A date that did
/// not come counts as the end of the run.
fn read(plan: &Plan, setup: &Setup, results: &Results, first: usize) -> Result<Option<Vec<Vec<Vec<f64>>>>> {
    let standing = results::standings(plan, results)?;
    let (replicates, count) = (plan.manifest.replicates as usize, plan.points.len());
    let of_batch = |row: usize| (row / replicates) % count >= first;
    if (0..standing.len()).any(|row| of_batch(row) && standing[row] == results::Standing::Missing) {
        return Ok(None);
    }
    let mut reader = results.reader();
    let mut found = Vec::new();
    for origin in &setup.origins {
        let endpoint = &plan.manifest.outputs.endpoints[origin.endpoint];
        let mut of_target = Vec::new();
        for point in first..count {
            let mut row = Vec::new();
            for replicate in 0..replicates {
                let run = plan.runs[(origin.arm * count + point) * replicates + replicate];
                let outcome = match reader.get(run)? {
                    Some(record) => Some(Outcome::read(&record)?).filter(|o| o.error.is_empty()),
                    None => None,
                };
                let end = (endpoint.is_date() && outcome.is_some()).then_some(plan.manifest.days);
                let value = outcome.and_then(|o| o.value(endpoint.origin)).or(end);
                row.push(value.unwrap_or(f64::NAN));
            }
            of_target.push(row);
        }
        found.push(of_target);
    }
    Ok(Some(found))
}

/// The tables of a calibration and what they say in a line or two.
///
/// # Errors
/// Those of [`grown`].
pub fn tables(plan: &Plan) -> Result<Vec<Told>> {
    let Some(setup) = setup(plan) else {
        return Ok(Vec::new());
    };
    let (standing, _) = replay(plan, setup, &mut Memory::default())?;
    let paths: Vec<String> = plan.manifest.factors.iter().map(|f| f.path.clone()).collect();
    let told = |name, text, headline| Told { name, text, headline };
    let none = String::new;
    Ok(vec![
        told(
            "waves.csv",
            waves_table(&setup.targets, &standing),
            headline(setup, &standing),
        ),
        told("generations.csv", generations_table(&standing), none()),
        told(
            "posterior.csv",
            posterior_table(&paths, &setup.priors, &standing),
            none(),
        ),
        told("targets_fit.csv", targets_table(&setup.targets, &standing), none()),
        told(
            "identifiability.csv",
            identifiability_table(&paths, &setup.priors, &standing),
            none(),
        ),
    ])
}

fn headline(setup: &Setup, standing: &Standing) -> String {
    let mut text = String::new();
    if let Some(wave) = standing.waves.last() {
        let ends = wave.volume.interval.map_or(String::new(), |i| {
            format!(" ({:.3} to {:.3} %)", 100.0 * i.low, 100.0 * i.high)
        });
        text.push_str(&format!(
            "After {} wave{} {:.3} % of the prior is not ruled out{ends}.\n",
            standing.waves.len(),
            if standing.waves.len() == 1 { "" } else { "s" },
            100.0 * wave.volume.value
        ));
    }
    if let Some(last) = standing.generations.last() {
        text.push_str(&format!(
            "After {} generations {:.0} effective particles within {:.3} standard deviations of {} fitted targets.\n",
            standing.generations.len(),
            last.effective,
            last.tolerance,
            setup.targets.iter().filter(|t| t.is_fit).count()
        ));
    }
    match &standing.next {
        Next::Run { stage, .. } => text.push_str(&format!("Not finished: {stage} is missing.\n")),
        Next::Done { because } => text.push_str(&format!("Finished: {because}.\n")),
    }
    text
}
