//! A timed pilot: what an experiment will cost, from the first seconds of its first run. Counted is the time of the
//! processor, not that of the clock: on a busy machine the cost of a run stays what it is.

use std::time::{Duration, Instant};

use super::execute::result_size;
use super::job;
use super::plan::{Forecast, Plan};
use crate::error::{Error, Result};
use crate::par;
use crate::simulation::stop::Stop;
use crate::simulation::{RunSettings, simulate};

/// Times the first run of a plan for at most so long.
pub fn pilot(plan: &Plan, limit: Duration, stop: &Stop) -> Result<Forecast> {
    let row = plan.row(0);
    let settings = job::settings(plan, row.arm, row.point)?;
    let (run_s, share) = par::with_threads(1, || timed(&settings, row.seed, limit, stop))?;
    Ok(Forecast {
        run_s,
        share,
        core_hours: run_s * plan.manifest.runs as f64 / 3600.0,
        disk: result_size(plan) * plan.manifest.runs as f64,
    })
}

/// Processor time of this thread so far [s], as Linux counts it; elsewhere the time of the clock since `begun`.
fn processor_s(begun: Instant) -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds: Option<f64> = text.split_whitespace().next().and_then(|word| word.parse().ok());
    nanoseconds.map_or_else(|| begun.elapsed().as_secs_f64(), |ns| 1e-9 * ns)
}

/// Seconds of a whole run, and the share of it that was timed. A run that fails early costs what it took.
fn timed(settings: &RunSettings, seed: u64, limit: Duration, stop: &Stop) -> Result<(f64, f64)> {
    let begun = Instant::now();
    let begun_s = processor_s(begun);
    let last = settings.last_step();
    let mut first_step: Option<f64> = None;
    let mut seen = 0;
    let ran = simulate(settings, seed, &mut |moment| {
        first_step.get_or_insert_with(|| processor_s(begun));
        seen = moment.row.step;
        if let Some(reason) = stop.asked("the plan is whole; it only has no forecast") {
            return Err(reason);
        }
        if begun.elapsed() > limit && seen > 0 && !moment.is_last {
            return Err(Error::Condition("long enough".to_owned()));
        }
        Ok(())
    });
    let all = processor_s(begun) - begun_s;
    match (ran, first_step) {
        (Err(reason @ (Error::Stopped(_) | Error::Interrupted(_))), _) => Err(reason),
        (Err(_), Some(start)) if seen > 0 && seen < last => {
            let steps_s = processor_s(begun) - start;
            let share = seen as f64 / last as f64;
            Ok((all - steps_s + steps_s / share, share))
        }
        _ => Ok((all, 1.0)),
    }
}
